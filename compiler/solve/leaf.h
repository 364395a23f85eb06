/* The multipliers of one cut on given workers: a linear program, solved exactly. */
#ifndef EPIC_SOLVE_LEAF_H
#define EPIC_SOLVE_LEAF_H

#include "compiler/solve/cut.h"
#include "compiler/solve/demand.h"
#include "compiler/solve/lp.h"

struct leaf {
	bool feasible;
	struct rat *rates;   /* per stage: what its classes deliver; [n_stages]: other traffic */
	struct rat *service; /* per task: v */
};

/* WORKER per task; ID_NONE: not placed yet, which gives an upper limit of the rates.
 * Cuts of more than 40 multipliers are solved in doubles.
 * DEVIATION: how far a ratio may be off, relatively.  FINAL: also the
 * lexicographically greatest multipliers; else any that reach the rates. */
struct leaf leaf_solve(struct arena *, const struct demand *, const struct cut *, const uint32_t *worker,
		       struct rat deviation, bool final);
/* The same in doubles, by GLPK: the rates alone, good to about 1e-7. */
enum lp_status leaf_estimate(struct arena *, const struct demand *, const struct cut *, const uint32_t *worker,
		   double *rates);
/* The least deviation, at most the tolerance of the slo, with which the leaf is
 * feasible; rounded up to 2^-48 unless it is a simple fraction. */
struct rat leaf_deviation(const struct demand *, const struct cut *, const uint32_t *worker);

#endif
