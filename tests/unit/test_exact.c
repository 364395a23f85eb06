/* The exact simplex method against GLPK's, and what doubles cannot tell. */
#include <config.h>

#include "compiler/solve/exact.h"

#include <math.h>
#include <stdlib.h>

#include "compiler/base/arena.h"
#include "compiler/solve/lp.h"
#include "tests/unit/unit.h"

static struct form form_of(struct arena *a, const int *factors, size_t n)
{
	size_t *columns = arena_many(a, size_t, n);
	struct rat *values = arena_many(a, struct rat, n);
	struct form f = { columns, values, 0 };

	for (size_t i = 0; i < n; i++) {
		if (!factors[i])
			continue;
		columns[f.n] = i;
		values[f.n++] = rat_int(factors[i]);
	}
	return f;
}

static void a_vertex_is_a_fraction(void)
{
	struct arena *a = arena_new();
	struct exact *e = exact_new(2);
	struct rat x, y;

	/* x + 2y <= 1, 3x + y <= 1; most x + y at x = 1/5, y = 2/5 */
	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 1, 2 }, 2), RAT_ONE)));
	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 3, 1 }, 2), RAT_ONE)));
	CU_ASSERT_TRUE(exact_maximise(e, form_of(a, (int[]){ 1, 1 }, 2)));
	x = exact_value(e, 0);
	y = exact_value(e, 1);
	CU_ASSERT_EQUAL(rat_cmp(x, rat_make(1, 5)), 0);
	CU_ASSERT_EQUAL(rat_cmp(y, rat_make(2, 5)), 0);
	exact_free(e);
	arena_free(a);
}

static void what_contradicts_is_refused(void)
{
	struct arena *a = arena_new();
	struct exact *e = exact_new(1);

	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 1 }, 1), rat_make(1, 3))));
	/* x >= 1/3 + 10^-30 */
	CU_ASSERT_FALSE(exact_enforce(
		e, exact_row(e, form_of(a, (int[]){ -1 }, 1),
			     rat_sub(rat_make(-1, 3), rat_make(1, (__int128)1000000000000000 * 1000000000000000)))));
	exact_free(e);
	arena_free(a);
}

static void later_maxima_keep_earlier_ones(void)
{
	struct arena *a = arena_new();
	struct exact *e = exact_new(3);

	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 1, 1, 1 }, 3), rat_int(6))));
	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 0, 0, 1 }, 3), rat_int(2))));
	CU_ASSERT_TRUE(exact_maximise(e, form_of(a, (int[]){ 1, 1, 1 }, 3)));
	CU_ASSERT_TRUE(exact_maximise(e, form_of(a, (int[]){ 0, 0, 1 }, 3)));
	CU_ASSERT_TRUE(exact_maximise(e, form_of(a, (int[]){ 0, 1, 0 }, 3)));
	CU_ASSERT_EQUAL(rat_cmp(exact_value(e, 2), rat_int(2)), 0);
	CU_ASSERT_EQUAL(rat_cmp(exact_value(e, 1), rat_int(4)), 0);
	CU_ASSERT_EQUAL(rat_sign(exact_value(e, 0)), 0);
	/* In force from now on, against what was reached: too late. */
	CU_ASSERT_FALSE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 0, 0, 1 }, 3), RAT_ONE)));
	exact_free(e);
	arena_free(a);
}

static void what_has_no_end_is_told(void)
{
	struct arena *a = arena_new();
	struct exact *e = exact_new(2);

	CU_ASSERT_TRUE(exact_enforce(e, exact_row(e, form_of(a, (int[]){ 1, -1 }, 2), RAT_ONE)));
	CU_ASSERT_FALSE(exact_maximise(e, form_of(a, (int[]){ 1, 0 }, 2)));
	exact_free(e);
	arena_free(a);
}

enum { COLUMNS = 5, ROWS = 8 };

/* One random program both ways; bounded by a row over all columns. */
static void compare(struct arena *a)
{
	struct exact *e = exact_new(COLUMNS);
	struct lp *lp = lp_new();
	int objective[COLUMNS];
	double factors[COLUMNS];
	size_t columns[COLUMNS] = { 0, 1, 2, 3, 4 };
	bool feasible = true, best;

	for (size_t j = 0; j < COLUMNS; j++) {
		lp_column(lp, 0, HUGE_VAL);
		objective[j] = rand() % 21 - 5;
	}
	for (size_t i = 0; i <= ROWS; i++) {
		int row[COLUMNS], bound = i < ROWS ? rand() % 60 - 15 : 50;

		for (size_t j = 0; j < COLUMNS; j++) {
			row[j] = i < ROWS ? rand() % 15 - 5 : 1;
			factors[j] = row[j];
		}
		lp_row(lp, columns, factors, COLUMNS, -HUGE_VAL, bound);
		feasible = feasible && exact_enforce(e, exact_row(e, form_of(a, row, COLUMNS), rat_int(bound)));
	}
	for (size_t j = 0; j < COLUMNS; j++)
		factors[j] = objective[j];
	lp_objective(lp, columns, factors, COLUMNS);
	best = lp_solve(lp) == LP_BEST;
	CU_ASSERT_EQUAL(feasible, best);
	if (feasible && best) {
		struct form f = form_of(a, objective, COLUMNS);

		CU_ASSERT_TRUE(exact_maximise(e, f));
		CU_ASSERT_DOUBLE_EQUAL(rat_double(exact_form(e, f)), lp_best(lp), 1e-6 * (1 + fabs(lp_best(lp))));
	}
	lp_free(lp);
	exact_free(e);
}

static void random_programs_agree_with_the_library(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	int n = 4000 / (scale && atoi(scale) > 0 ? atoi(scale) : 1);
	struct arena *a = arena_new();

	srand(1);
	for (int i = 0; i < n; i++)
		compare(a);
	arena_free(a);
}

static const struct unit units[] = {
	{ "a_vertex_is_a_fraction", a_vertex_is_a_fraction },
	{ "what_contradicts_is_refused_by_however_little", what_contradicts_is_refused },
	{ "later_maxima_keep_earlier_ones", later_maxima_keep_earlier_ones },
	{ "what_has_no_end_is_told", what_has_no_end_is_told },
	{ "random_programs_agree_with_the_library", random_programs_agree_with_the_library },
};

int main(void)
{
	return unit_main("exact", units, sizeof(units) / sizeof(*units));
}
