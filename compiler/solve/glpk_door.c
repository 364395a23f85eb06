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

/* Columns that are fixed do not reach the library: a program of which most is settled is
 * a small one. */
struct reduced {
	int *number; /* per column: its number in the library's program; 0: fixed */
	int n;
	int *indices;
	double *factors;
};

static void load_columns(glp_prob *lp, const struct program *p, struct reduced *r)
{
	for (size_t i = 0; i < p->n_columns; i++)
		r->number[i] = p->fixed[i] == PROGRAM_FREE ? ++r->n : 0;
	if (r->n)
		glp_add_cols(lp, r->n);
	for (size_t i = 0; i < p->n_columns; i++) {
		if (!r->number[i])
			continue;
		glp_set_col_kind(lp, r->number[i], GLP_BV);
		glp_set_obj_coef(lp, r->number[i], p->costs[i]);
	}
}

enum { SLACK_PARTS = 1000000000 }; /* what doubles may lose in a row without columns */

/* What the columns fixed at 1 take is taken off the bounds.  False: the row can no
 * longer hold. */
static bool load_row(glp_prob *lp, const struct program *p, struct reduced *r,
		     const struct program_row *row)
{
	double settled = 0, lower, upper;
	int n = 0, at;

	for (size_t k = 0; k < row->n; k++) {
		size_t column = row->columns[k];

		if (r->number[column]) {
			r->indices[++n] = r->number[column];
			r->factors[n] = row->factors[k];
		} else if (p->fixed[column] == PROGRAM_ONE) {
			settled += row->factors[k];
		}
	}
	lower = row->lower == -HUGE_VAL ? row->lower : row->lower - settled;
	upper = row->upper == HUGE_VAL ? row->upper : row->upper - settled;
	if (!n)
		return lower <= 1.0 / SLACK_PARTS && upper >= -1.0 / SLACK_PARTS;
	at = glp_add_rows(lp, 1);
	glp_set_mat_row(lp, at, n, r->indices, r->factors);
	glp_set_row_bnds(lp, at, bound_kind(lower, upper), lower, upper);
	return true;
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

static enum program_status solve_reduced(glp_prob *lp, struct program *p, struct reduced *r)
{
	enum program_status status;

	glp_set_obj_dir(lp, GLP_MIN);
	load_columns(lp, p, r);
	for (size_t i = 0; i < p->n_rows; i++)
		if (!load_row(lp, p, r, &p->rows[i]))
			return PROGRAM_IMPOSSIBLE;
	if (!r->n)
		return PROGRAM_BEST;
	glp_std_basis(lp);
	status = relax(lp);
	return status == PROGRAM_BEST ? round_off(lp, p) : status;
}

static enum program_status solve(struct program *p, struct reduced *r, bool *values, bool *found)
{
	glp_prob *lp = glp_create_prob();
	enum program_status status = solve_reduced(lp, p, r);

	*found = (status == PROGRAM_BEST || status == PROGRAM_LIMIT) &&
		 (!r->n || glp_mip_status(lp) == GLP_OPT || glp_mip_status(lp) == GLP_FEAS);
	for (size_t i = 0; *found && i < p->n_columns; i++)
		values[i] = r->number[i] ? glp_mip_col_val(lp, r->number[i]) > 0.5 :
					   p->fixed[i] == PROGRAM_ONE;
	glp_delete_prob(lp);
	return status;
}

enum program_status program_solve(struct program *p, bool *values, bool *found)
{
	struct reduced r = {
		.number = xrealloc(NULL, (p->n_columns + 1) * sizeof(int)),
		.indices = xrealloc(NULL, (p->n_columns + 1) * sizeof(int)),
		.factors = xrealloc(NULL, (p->n_columns + 1) * sizeof(double)),
	};
	enum program_status status = PROGRAM_FAILED;
	jmp_buf out;

	*found = false;
	glp_term_out(GLP_OFF);
	if (setjmp(out) == 0) {
		glp_error_hook(leap_out, &out);
		status = solve(p, &r, values, found);
		glp_error_hook(NULL, NULL);
	} else {
		status = PROGRAM_FAILED;
		*found = false;
	}
	glp_free_env(); /* also what an abort left behind */
	free(r.number);
	free(r.indices);
	free(r.factors);
	return status;
}

const char *solver_version(void)
{
	return glp_version();
}
