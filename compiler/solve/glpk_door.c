#include <config.h>

#include "compiler/solve/glpk_door.h"
#include "compiler/solve/lp.h"
#include "compiler/solve/solver.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>

#include "compiler/base/arena.h"

enum { MAX_STEPS = 100000, MAX_MILLISECONDS = 5000 }; /* of the simplex method */

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

/* ---- linear programs ---- */

struct lp {
	glp_prob *prob; /* NULL: lost in an abort of the library */
	int *indices;
	double *factors;
	size_t cap;
	size_t n_nodes;
	double bound; /* of the last integer program */
	bool found;
	const struct lp_limits *limits;
};

struct lp *lp_new(void)
{
	struct lp *lp = xrealloc(NULL, sizeof(*lp));

	*lp = (struct lp){ .prob = NULL };
	glp_term_out(GLP_OFF);
	lp->prob = glp_create_prob();
	glp_set_obj_dir(lp->prob, GLP_MAX);
	return lp;
}

void lp_free(struct lp *lp)
{
	if (!lp)
		return;
	if (lp->prob)
		glp_delete_prob(lp->prob);
	free(lp->indices);
	free(lp->factors);
	free(lp);
}

size_t lp_column(struct lp *lp, double lower, double upper)
{
	int j = glp_add_cols(lp->prob, 1);

	glp_set_col_bnds(lp->prob, j, bound_kind(lower, upper), lower, upper);
	return (size_t)j - 1;
}

void lp_integer(struct lp *lp, size_t column)
{
	glp_set_col_kind(lp->prob, (int)column + 1, GLP_IV);
}

void lp_name_column(struct lp *lp, size_t column, const char *name)
{
	glp_set_col_name(lp->prob, (int)column + 1, name);
}

void lp_name_row(struct lp *lp, size_t row, const char *name)
{
	glp_set_row_name(lp->prob, (int)row + 1, name);
}

/* GLPK counts from 1. */
static void load(struct lp *lp, const size_t *columns, const double *factors, size_t n)
{
	if (n >= lp->cap) {
		lp->cap = 2 * n + 16;
		lp->indices = xrealloc(lp->indices, lp->cap * sizeof(*lp->indices));
		lp->factors = xrealloc(lp->factors, lp->cap * sizeof(*lp->factors));
	}
	for (size_t i = 0; i < n; i++) {
		lp->indices[i + 1] = (int)columns[i] + 1;
		lp->factors[i + 1] = factors[i];
	}
}

size_t lp_row(struct lp *lp, const size_t *columns, const double *factors, size_t n, double lower,
	      double upper)
{
	int i = glp_add_rows(lp->prob, 1);

	lp_set_row(lp, (size_t)i - 1, columns, factors, n);
	lp_bound_row(lp, (size_t)i - 1, lower, upper);
	return (size_t)i - 1;
}

void lp_set_row(struct lp *lp, size_t row, const size_t *columns, const double *factors, size_t n)
{
	load(lp, columns, factors, n);
	glp_set_mat_row(lp->prob, (int)row + 1, (int)n, lp->indices, lp->factors);
}

void lp_bound_row(struct lp *lp, size_t row, double lower, double upper)
{
	glp_set_row_bnds(lp->prob, (int)row + 1, bound_kind(lower, upper), lower, upper);
}

void lp_bound_column(struct lp *lp, size_t column, double lower, double upper)
{
	glp_set_col_bnds(lp->prob, (int)column + 1, bound_kind(lower, upper), lower, upper);
}

void lp_objective(struct lp *lp, const size_t *columns, const double *factors, size_t n)
{
	for (int j = 0; j <= glp_get_num_cols(lp->prob); j++)
		glp_set_obj_coef(lp->prob, j, 0);
	for (size_t i = 0; i < n; i++)
		glp_set_obj_coef(lp->prob, (int)columns[i] + 1, factors[i]);
}

void lp_minimise(struct lp *lp)
{
	glp_set_obj_dir(lp->prob, GLP_MIN);
}

static enum lp_status simplex(glp_prob *prob)
{
	glp_smcp how;

	glp_init_smcp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.meth = GLP_DUALP;
	how.it_lim = MAX_STEPS;
	how.tm_lim = MAX_MILLISECONDS; /* so that who waits for many programs is asked again */
	/* A basis that became singular is replaced once. */
	switch (glp_simplex(prob, &how)) {
	case 0:
		break;
	case GLP_EITLIM:
	case GLP_ETMLIM:
		return LP_FAILED;
	default:
		glp_std_basis(prob);
		how.meth = GLP_PRIMAL;
		if (glp_simplex(prob, &how))
			return LP_FAILED;
	}
	switch (glp_get_status(prob)) {
	case GLP_OPT:
		return LP_BEST;
	case GLP_NOFEAS:
		return LP_IMPOSSIBLE;
	default:
		return LP_FAILED;
	}
}

/* Runs DEED; an abort of the library takes all its memory along. */
static enum lp_status guarded(struct lp *lp, enum lp_status (*deed)(struct lp *))
{
	enum lp_status status = LP_FAILED;
	jmp_buf out;

	if (!lp->prob)
		return LP_FAILED;
	if (setjmp(out) == 0) {
		glp_error_hook(leap_out, &out);
		status = deed(lp);
		glp_error_hook(NULL, NULL);
		return status;
	}
	glp_free_env();
	glp_term_out(GLP_OFF);
	lp->prob = NULL;
	return LP_FAILED;
}

static enum lp_status solve_relaxed(struct lp *lp)
{
	return simplex(lp->prob);
}

enum lp_status lp_solve(struct lp *lp)
{
	return guarded(lp, solve_relaxed);
}

double lp_best(const struct lp *lp)
{
	return glp_get_obj_val(lp->prob);
}

double lp_value(const struct lp *lp, size_t column)
{
	return glp_get_col_prim(lp->prob, (int)column + 1);
}

static void watch_integer(glp_tree *tree, void *arg)
{
	struct lp *lp = arg;
	int active, now, total, best = glp_ios_best_node(tree);

	glp_ios_tree_size(tree, &active, &now, &total);
	lp->n_nodes = (size_t)total;
	lp->found = glp_mip_status(lp->prob) == GLP_FEAS;
	if (best)
		lp->bound = glp_ios_node_bound(tree, best);
	if (lp->limits && lp->limits->progress &&
	    !lp->limits->progress(lp->limits->data, lp->found, lp->found ? glp_mip_obj_val(lp->prob) : 0, lp->bound))
		glp_ios_terminate(tree);
}

static enum lp_status integer_status(const struct lp *lp, int failed)
{
	switch (glp_mip_status(lp->prob)) {
	case GLP_OPT:
		return LP_BEST;
	case GLP_NOFEAS:
		return LP_IMPOSSIBLE;
	default:
		return failed == GLP_EBOUND || failed == GLP_EROOT || failed == GLP_EFAIL ? LP_FAILED : LP_LIMIT;
	}
}

static enum lp_status solve_integer(struct lp *lp)
{
	enum lp_status status = simplex(lp->prob);
	glp_iocp how;
	int failed;

	if (status != LP_BEST)
		return status;
	glp_init_iocp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.cb_func = watch_integer;
	how.cb_info = lp;
	if (lp->limits && lp->limits->seconds > 0)
		how.tm_lim = lp->limits->seconds > 2e6 ? 2000000000 : (int)(lp->limits->seconds * 1000);
	lp->bound = glp_get_obj_val(lp->prob);
	failed = glp_intopt(lp->prob, &how);
	status = integer_status(lp, failed);
	lp->found = status == LP_BEST || glp_mip_status(lp->prob) == GLP_FEAS;
	if (status == LP_BEST)
		lp->bound = glp_mip_obj_val(lp->prob);
	return status;
}

enum lp_status lp_solve_integer(struct lp *lp, const struct lp_limits *limits)
{
	lp->limits = limits;
	lp->n_nodes = 0;
	lp->found = false;
	return guarded(lp, solve_integer);
}

bool lp_has_answer(const struct lp *lp)
{
	return lp->prob && lp->found;
}

double lp_integer_value(const struct lp *lp, size_t column)
{
	return glp_mip_col_val(lp->prob, (int)column + 1);
}

double lp_integer_bound(const struct lp *lp)
{
	return lp->bound;
}

size_t lp_n_nodes(const struct lp *lp)
{
	return lp->n_nodes;
}

bool lp_write(const struct lp *lp, const char *path, bool mps)
{
	return (mps ? glp_write_mps(lp->prob, GLP_MPS_FILE, NULL, path) :
		      glp_write_lp(lp->prob, NULL, path)) == 0;
}

const char *solver_version(void)
{
	return glp_version();
}
