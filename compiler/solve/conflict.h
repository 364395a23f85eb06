/* Which statements of an slo contradict each other, and what could be had instead. */
#ifndef EPIC_SOLVE_CONFLICT_H
#define EPIC_SOLVE_CONFLICT_H

#include "compiler/solve/solving.h"

/* What an author could take back: a statement, or the priorities of a level. */
struct claim {
	uint32_t level;
	uint32_t statement; /* of the level; ID_NONE: its priorities */
};

struct conflict {
	struct claim *claims;
	size_t n; /* 0: nothing was asked for, and the floor alone is too much */
	bool minimal; /* false: time ran out while it was made smaller */
};

/* The slo is known to be infeasible. */
struct conflict conflict_find(struct solving *);

/* The slo with these claims alone. */
struct ir_slo *slo_with(struct arena *, const struct ir_slo *, const struct claim *, size_t n);
/* *DECIDED is false if the limit was reached first. */
bool slo_is_feasible(struct solving *, const struct ir_slo *, bool *decided);
/* The ratio a : b that work on the machine allows, whatever the cut, beside the other
 * claims.  HUGE_VAL: no upper end.  False: it cannot be told. */
bool ratio_reach(struct solving *, const struct conflict *, size_t which, double *low, double *high);
/* The least change of one claim that resolves the conflict, as a person would write
 * it; NULL: none was found.  *WHICH is the claim; its number is N for the floor. */
const char *conflict_repair(struct solving *, const struct conflict *, size_t *which);

/* For a priority in the conflict: the rate that the class or group above it may take so
 * that the rest can live, as a statement; NULL: there is no priority, or that does not
 * help. */
const char *conflict_cap(struct solving *, const struct conflict *);

struct span claim_span(const struct ir_slo *, struct claim);
/* "cpu a : b = 3 : 1" */
const char *claim_text(struct arena *, const struct ir_slo *, struct claim);

#endif
