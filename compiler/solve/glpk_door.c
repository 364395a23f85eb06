#include <config.h>

#include "compiler/solve/glpk_door.h"
#include "compiler/solve/solver.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

#include "compiler/base/arena.h"

enum { MAX_STEPS = 100000 }; /* of the simplex method for the relaxed program */

struct limit {
	int max_nodes, n_nodes;
	bool reached;
};

/* Counts nodes rather than seconds, so that the answer depends on no clock. */
static void watch(glp_tree *tree, void *arg)
{
	struct limit *l = arg;
	int active, now;

	glp_ios_tree_size(tree, &active, &now, &l->n_nodes);
	if (l->n_nodes > l->max_nodes) {
		l->reached = true;
		glp_ios_terminate(tree);
	}
}

static void leap_out(void *arg)
{
	longjmp(*(jmp_buf *)arg, 1);
}

static int bound_kind(double lower, double upper)
{
	bool below = lower != -HUGE_VAL, above = upper != HUGE_VAL;

	if (below && above)
		return lower == upper ? GLP_FX : GLP_DB;
	return below ? GLP_LO : above ? GLP_UP : GLP_FR;
}

static void load_columns(glp_prob *lp, const struct program *p)
{
	glp_add_cols(lp, (int)p->n_columns);
	for (size_t i = 0; i < p->n_columns; i++) {
		int j = (int)i + 1;

		glp_set_col_kind(lp, j, GLP_BV);
		glp_set_obj_coef(lp, j, p->costs[i]);
		if (p->fixed[i] == PROGRAM_ZERO)
			glp_set_col_bnds(lp, j, GLP_FX, 0, 0);
		else if (p->fixed[i] == PROGRAM_ONE)
			glp_set_col_bnds(lp, j, GLP_FX, 1, 1);
	}
}

static void load_rows(glp_prob *lp, const struct program *p, int *indices, double *factors)
{
	if (p->n_rows)
		glp_add_rows(lp, (int)p->n_rows);
	for (size_t r = 0; r < p->n_rows; r++) {
		const struct program_row *row = &p->rows[r];

		for (size_t k = 0; k < row->n; k++) {
			indices[k + 1] = (int)row->columns[k] + 1;
			factors[k + 1] = row->factors[k];
		}
		glp_set_mat_row(lp, (int)r + 1, (int)row->n, indices, factors);
		glp_set_row_bnds(lp, (int)r + 1, bound_kind(row->lower, row->upper), row->lower,
				 row->upper);
	}
}

/* The relaxed program has to be solved first. */
static enum program_status relax(glp_prob *lp)
{
	glp_smcp how;

	glp_init_smcp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.it_lim = MAX_STEPS;
	if (glp_simplex(lp, &how))
		return PROGRAM_FAILED;
	switch (glp_get_status(lp)) {
	case GLP_OPT:
		return PROGRAM_BEST;
	case GLP_NOFEAS:
		return PROGRAM_IMPOSSIBLE;
	default:
		return PROGRAM_FAILED; /* or MAX_STEPS reached */
	}
}

/* No cuts: Gomory's and MIR together have been seen to give wrong answers. */
static enum program_status round_off(glp_prob *lp, struct program *p)
{
	struct limit limit = { p->max_nodes, 0, false };
	glp_iocp how;
	int failed;

	glp_init_iocp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.cb_func = watch;
	how.cb_info = &limit;
	failed = glp_intopt(lp, &how);
	p->n_nodes = limit.n_nodes;
	if (limit.reached)
		return PROGRAM_LIMIT;
	if (failed)
		return PROGRAM_FAILED;
	switch (glp_mip_status(lp)) {
	case GLP_OPT:
		return PROGRAM_BEST;
	case GLP_NOFEAS:
		return PROGRAM_IMPOSSIBLE;
	default:
		return PROGRAM_FAILED;
	}
}

static enum program_status solve(struct program *p, int *indices, double *factors, bool *values,
				 bool *found)
{
	glp_prob *lp = glp_create_prob();
	enum program_status status;

	glp_set_obj_dir(lp, GLP_MIN);
	load_columns(lp, p);
	load_rows(lp, p, indices, factors);
	glp_std_basis(lp);
	status = relax(lp);
	if (status == PROGRAM_BEST)
		status = round_off(lp, p);
	*found = (status == PROGRAM_BEST || status == PROGRAM_LIMIT) &&
		 (glp_mip_status(lp) == GLP_OPT || glp_mip_status(lp) == GLP_FEAS);
	for (size_t i = 0; *found && i < p->n_columns; i++)
		values[i] = glp_mip_col_val(lp, (int)i + 1) > 0.5;
	glp_delete_prob(lp);
	return status;
}

enum program_status program_solve(struct program *p, bool *values, bool *found)
{
	int *indices = xrealloc(NULL, (p->n_columns + 1) * sizeof(*indices));
	double *factors = xrealloc(NULL, (p->n_columns + 1) * sizeof(*factors));
	enum program_status status = PROGRAM_FAILED;
	jmp_buf out;

	*found = false;
	glp_term_out(GLP_OFF);
	if (setjmp(out) == 0) {
		glp_error_hook(leap_out, &out);
		status = solve(p, indices, factors, values, found);
		glp_error_hook(NULL, NULL);
	} else {
		status = PROGRAM_FAILED;
		*found = false;
	}
	glp_free_env(); /* also what an abort left behind */
	free(indices);
	free(factors);
	return status;
}

const char *solver_version(void)
{
	return glp_version();
}
