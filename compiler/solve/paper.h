/* The published formulation of the scheduling problem, as a baseline and a second
 * opinion: Alpine, section 5.3 and Table 5.2.
 *
 * Unknowns Q_i (module i is a task node), w_i (weight), p_i (priority), S_ik (i
 * dominates k), q_ij; their products are linearised.  For trees, `accounting
 * entitlement`, `objective tasks`. */
#ifndef EPIC_SOLVE_PAPER_H
#define EPIC_SOLVE_PAPER_H

#include "compiler/solve/lp.h"
#include "compiler/solve/net.h"
#include "compiler/solve/scheduling.h"

struct paper_answer {
	bool found;
	bool *root;      /* per node of the net: Q */
	double *weight;  /* per node: w */
	double bound;    /* of the number of tasks, from below */
	size_t n_nodes;  /* of the search tree */
};

/* NULL if the formulation can say what this net's slo says, else why not. */
const char *paper_refusal(const struct net *);
enum lp_status paper_solve(struct arena *, const struct net *, const struct sched_options *,
			   struct paper_answer *);

#endif
