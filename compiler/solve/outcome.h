/* From an answer of the search to the rows of a schedule. */
#ifndef EPIC_SOLVE_OUTCOME_H
#define EPIC_SOLVE_OUTCOME_H

#include "compiler/ir/schedule.h"
#include "compiler/solve/cut.h"
#include "compiler/solve/demand.h"

/* Fills in tasks, classes, parts, rate and tree.  SERVICE per task. */
void outcome_fill(struct arena *, const struct demand *, const struct cut *, const uint32_t *worker,
		  const struct rat *service, struct schedule *);
/* The scheduler tree; also sets ranks and which tasks are weighted. */
void outcome_tree(struct arena *, const struct cut *, struct schedule *); /* tree.c */

#endif
