/* Linear programs, solved by GLPK in doubles (glpk_door.c).
 *
 * A program is changed in place and solved again; the last basis is where the next
 * solve starts.  Answers carry GLPK's tolerance of about 1e-7: they guide a search,
 * and what they suggest is solved again in exact numbers (exact.h). */
#ifndef EPIC_SOLVE_LP_H
#define EPIC_SOLVE_LP_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum lp_status {
	LP_BEST,
	LP_IMPOSSIBLE,
	LP_LIMIT,  /* integer programs: time or nodes; see lp_has_answer */
	LP_FAILED, /* the library gave up, or took more than five seconds: nothing is known */
};

struct lp;

struct lp *lp_new(void);
void lp_free(struct lp *);

/* Columns and rows are numbered from 0; -HUGE_VAL and HUGE_VAL are no bounds. */
size_t lp_column(struct lp *, double lower, double upper);
void lp_integer(struct lp *, size_t column); /* for lp_solve_integer */
void lp_name_column(struct lp *, size_t column, const char *);
size_t lp_row(struct lp *, const size_t *columns, const double *factors, size_t n, double lower,
	      double upper);
void lp_name_row(struct lp *, size_t row, const char *);
void lp_bound_row(struct lp *, size_t row, double lower, double upper);
void lp_bound_column(struct lp *, size_t column, double lower, double upper);
/* Replaces the factors of a row. */
void lp_set_row(struct lp *, size_t row, const size_t *columns, const double *factors, size_t n);
/* Replaces the objective, which is maximised. */
void lp_objective(struct lp *, const size_t *columns, const double *factors, size_t n);
/* Minimise it instead. */
void lp_minimise(struct lp *);

enum lp_status lp_solve(struct lp *);
double lp_best(const struct lp *);
double lp_value(const struct lp *, size_t column);

/* Branch and cut without cuts (Gomory's and MIR together give wrong answers).
 * PROGRESS is asked now and then; false stops. */
struct lp_limits {
	double seconds; /* 0: none */
	bool (*progress)(void *, bool found, double value, double bound);
	void *data;
};
enum lp_status lp_solve_integer(struct lp *, const struct lp_limits *);
bool lp_has_answer(const struct lp *); /* of lp_solve_integer */
double lp_integer_value(const struct lp *, size_t column);
double lp_integer_bound(const struct lp *);
size_t lp_n_nodes(const struct lp *);

/* The program as text, CPLEX LP or free MPS; false: errno tells. */
bool lp_write(const struct lp *, const char *path, bool mps);

#endif
