/* The relaxed program of a half-decided cut. */
#ifndef EPIC_SOLVE_RELAXED_H
#define EPIC_SOLVE_RELAXED_H

#include "compiler/solve/demand.h"

enum decision { OPEN, JOINED, ROOT };

struct relaxed;

/* Nodes that are roots anyhow are ROOT, all others OPEN. */
struct relaxed *relaxed_new(struct arena *, const struct demand *);
void relaxed_free(struct relaxed *);
void relaxed_decide(struct relaxed *, uint32_t node, enum decision);
enum decision relaxed_decision(const struct relaxed *, uint32_t node);
size_t relaxed_roots(const struct relaxed *);
/* Upper limits of the rates per stage and of other traffic, lexicographically.  False:
 * no decision of what is open can be met. */
bool relaxed_solve(struct relaxed *, double *rates);
/* The open node whose multiplier is furthest from the one before it, by the cycles at
 * stake; ID_NONE if all are equal, then all open nodes may as well be joined. */
uint32_t relaxed_most_torn(const struct relaxed *);
/* The open node that sees most packets; ID_NONE: none is open. */
uint32_t relaxed_busiest(const struct relaxed *);

#endif
