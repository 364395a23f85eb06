/* The simplex method on a dictionary of integers.
 *
 * Every basic unknown is (constant + sum of entries * non-basic unknowns) / det; all
 * entries are integers, and a pivot divides them exactly by the old det (Edmonds,
 * Bareiss), so numbers grow no more than determinants of the program do.  Rows that
 * are not in force limit nothing.  After a maximum every non-basic unknown with a
 * reduced cost is locked at 0: what is left free is the face of best points. */
#include <config.h>

#include "compiler/solve/exact.h"

#include <gmp.h>
#include <stdint.h>
#include <stdlib.h>

#include "compiler/base/arena.h"

/* Unknowns: columns first, then the slacks of rows. */
struct row {
	mpz_t *entry; /* [0] the constant, [j] of the j-th non-basic unknown */
	size_t unknown;
	bool enforced; /* its unknown may not become negative */
};

struct exact {
	size_t n; /* columns, and non-basic unknowns */
	size_t *nonbasic;
	bool *locked; /* by place among the non-basic unknowns */
	struct row *rows;
	size_t n_rows, cap;
	size_t n_slacks;
	size_t *place; /* of each unknown: j for non-basic, n + 1 + i for basic in row i */
	size_t place_cap;
	mpz_t det, pivot, t;
	unsigned pivots; /* since something grew: many in a row may be a cycle */
};

enum { PATIENCE = 30 }; /* pivots by steepest entry before Bland's rule */

struct exact *exact_new(size_t n)
{
	struct exact *e = xrealloc(NULL, sizeof(*e));

	*e = (struct exact){ .n = n };
	e->nonbasic = xrealloc(NULL, (n + 1) * sizeof(*e->nonbasic));
	e->locked = xrealloc(NULL, (n + 1) * sizeof(*e->locked));
	e->place_cap = 2 * n + 16;
	e->place = xrealloc(NULL, e->place_cap * sizeof(*e->place));
	for (size_t j = 1; j <= n; j++) {
		e->nonbasic[j] = j - 1;
		e->locked[j] = false;
		e->place[j - 1] = j;
	}
	mpz_inits(e->det, e->pivot, e->t, NULL);
	mpz_set_ui(e->det, 1);
	return e;
}

void exact_free(struct exact *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_rows; i++) {
		for (size_t j = 0; j <= e->n; j++)
			mpz_clear(e->rows[i].entry[j]);
		free(e->rows[i].entry);
	}
	mpz_clears(e->det, e->pivot, e->t, NULL);
	free(e->rows);
	free(e->nonbasic);
	free(e->locked);
	free(e->place);
	free(e);
}

/* ---- numbers ---- */

static void set_int128(mpz_t z, __int128 value)
{
	unsigned __int128 m = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
	uint64_t words[2] = { (uint64_t)m, (uint64_t)(m >> 64) };

	mpz_import(z, 2, -1, sizeof(*words), 0, 0, words);
	if (value < 0)
		mpz_neg(z, z);
}

static __int128 get_int128(const mpz_t z)
{
	uint64_t words[2] = { 0, 0 };
	__int128 value;

	mpz_export(words, NULL, -1, sizeof(*words), 0, 0, z);
	value = (__int128)((unsigned __int128)words[1] << 64 | words[0]);
	return mpz_sgn(z) < 0 ? -value : value;
}

/* NUM / DEN, shortened to the leading bits where it must be. */
static struct rat ratio(const mpz_t num, const mpz_t den)
{
	enum { BITS = 126 };
	mpz_t n, d, g;
	size_t bits;
	struct rat r;

	mpz_inits(n, d, g, NULL);
	mpz_gcd(g, num, den);
	mpz_divexact(n, num, g);
	mpz_divexact(d, den, g);
	bits = mpz_sizeinbase(n, 2) > mpz_sizeinbase(d, 2) ? mpz_sizeinbase(n, 2) : mpz_sizeinbase(d, 2);
	if (bits > BITS) {
		mpz_tdiv_q_2exp(n, n, bits - BITS);
		mpz_tdiv_q_2exp(d, d, bits - BITS);
		if (!mpz_sgn(d))
			mpz_set_ui(d, 1);
	}
	r = rat_make(get_int128(n), get_int128(d));
	mpz_clears(n, d, g, NULL);
	return r;
}

/* ---- rows ---- */

static struct row *add_row(struct exact *e)
{
	struct row *row;

	if (e->n_rows == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 32;
		e->rows = xrealloc(e->rows, e->cap * sizeof(*e->rows));
	}
	row = &e->rows[e->n_rows++];
	row->entry = xrealloc(NULL, (e->n + 1) * sizeof(*row->entry));
	for (size_t j = 0; j <= e->n; j++)
		mpz_init(row->entry[j]);
	row->enforced = false;
	row->unknown = SIZE_MAX;
	return row;
}

/* The least number that makes all factors and the bound whole. */
static void common_denominator(mpz_t scale, struct form f, struct rat bound)
{
	mpz_t d;

	mpz_init(d);
	set_int128(scale, bound.den);
	for (size_t i = 0; i < f.n; i++) {
		set_int128(d, f.factors[i].den);
		mpz_lcm(scale, scale, d);
	}
	mpz_clear(d);
}

/* scale * value, which is whole. */
static void scaled(mpz_t out, const mpz_t scale, struct rat value)
{
	mpz_t den;

	mpz_init(den);
	set_int128(out, value.num);
	set_int128(den, value.den);
	mpz_mul(out, out, scale);
	mpz_divexact(out, out, den);
	mpz_clear(den);
}

/* row += factor * column, in terms of what is non-basic now. */
static void add_column(struct exact *e, struct row *row, size_t column, const mpz_t factor)
{
	size_t at = e->place[column];

	if (at <= e->n) {
		mpz_addmul(row->entry[at], factor, e->det);
		return;
	}
	for (size_t j = 0; j <= e->n; j++)
		mpz_addmul(row->entry[j], factor, e->rows[at - e->n - 1].entry[j]);
}

/* Small numbers make small determinants: what all have in common is left out. */
static void common_factor(mpz_t divisor, const mpz_t scale, struct form f, struct rat constant)
{
	mpz_t value;

	mpz_init(value);
	scaled(divisor, scale, constant);
	for (size_t i = 0; i < f.n; i++) {
		scaled(value, scale, f.factors[i]);
		mpz_gcd(divisor, divisor, value);
	}
	if (!mpz_sgn(divisor))
		mpz_set_ui(divisor, 1);
	mpz_clear(value);
}

/* constant - sum (sign < 0) or constant + sum, times the scale that makes it whole. */
static struct row *form_row(struct exact *e, struct form f, struct rat constant, int sign)
{
	struct row *row = add_row(e);
	mpz_t scale, divisor, factor;

	mpz_inits(scale, divisor, factor, NULL);
	common_denominator(scale, f, constant);
	common_factor(divisor, scale, f, constant);
	for (size_t i = 0; i < f.n; i++) {
		scaled(factor, scale, f.factors[i]);
		mpz_divexact(factor, factor, divisor);
		if (sign < 0)
			mpz_neg(factor, factor);
		add_column(e, row, f.columns[i], factor);
	}
	scaled(factor, scale, constant);
	mpz_divexact(factor, factor, divisor);
	mpz_addmul(row->entry[0], factor, e->det);
	mpz_clears(scale, divisor, factor, NULL);
	return row;
}

size_t exact_row(struct exact *e, struct form f, struct rat bound)
{
	size_t unknown = e->n + e->n_slacks++;
	struct row *row = form_row(e, f, bound, -1);

	if (unknown >= e->place_cap) {
		e->place_cap *= 2;
		e->place = xrealloc(e->place, e->place_cap * sizeof(*e->place));
	}
	row->unknown = unknown;
	e->place[unknown] = e->n + e->n_rows;
	return unknown - e->n;
}

/* ---- pivots ---- */

static void pivot_row(struct exact *e, struct row *row, const struct row *leaving, size_t s, int sign)
{
	mpz_t *a = row->entry;

	mpz_set(e->t, a[s]);
	for (size_t j = 0; j <= e->n; j++) {
		if (j == s)
			continue;
		mpz_mul(a[j], a[j], e->pivot);
		if (mpz_sgn(e->t))
			mpz_submul(a[j], e->t, leaving->entry[j]);
		mpz_divexact(a[j], a[j], e->det);
		if (sign < 0)
			mpz_neg(a[j], a[j]);
	}
	if (sign < 0)
		mpz_neg(a[s], a[s]);
}

/* The s-th non-basic unknown and that of row R change places. */
static void pivot(struct exact *e, size_t r, size_t s)
{
	struct row *leaving = &e->rows[r];
	size_t unknown = leaving->unknown;
	int sign;

	mpz_set(e->pivot, leaving->entry[s]);
	sign = mpz_sgn(e->pivot);
	for (size_t i = 0; i < e->n_rows; i++)
		if (i != r)
			pivot_row(e, &e->rows[i], leaving, s, sign);
	for (size_t j = 0; j <= e->n; j++)
		if (j != s && sign > 0)
			mpz_neg(leaving->entry[j], leaving->entry[j]);
	mpz_set(leaving->entry[s], e->det);
	if (sign < 0)
		mpz_neg(leaving->entry[s], leaving->entry[s]);
	mpz_abs(e->det, e->pivot);
	leaving->unknown = e->nonbasic[s];
	leaving->enforced = true; /* as all that is or was non-basic */
	e->nonbasic[s] = unknown;
	e->place[leaving->unknown] = e->n + 1 + r;
	e->place[unknown] = s;
}

/* ---- climbing ---- */

/* A non-basic unknown that makes row F grow; 0: none. */
static size_t entering(const struct exact *e, const struct row *f)
{
	size_t best = 0;

	for (size_t j = 1; j <= e->n; j++) {
		if (e->locked[j] || mpz_sgn(f->entry[j]) <= 0)
			continue;
		if (!best || (e->pivots > PATIENCE ? e->nonbasic[j] < e->nonbasic[best] :
						     mpz_cmp(f->entry[j], f->entry[best]) > 0))
			best = j;
	}
	return best;
}

/* Whether row A lets the s-th unknown grow less than row B does. */
static bool is_tighter(const struct row *a, const struct row *b, size_t s)
{
	mpz_t x, y;
	int order;

	mpz_inits(x, y, NULL);
	mpz_mul(x, a->entry[0], b->entry[s]);
	mpz_mul(y, b->entry[0], a->entry[s]);
	order = mpz_cmp(x, y); /* a0 / -as < b0 / -bs */
	mpz_clears(x, y, NULL);
	return order > 0 || (!order && a->unknown < b->unknown);
}

/* The row in force that stops the s-th unknown first; NULL: none. */
static struct row *leaving(const struct exact *e, size_t s)
{
	struct row *best = NULL;

	for (size_t i = 0; i < e->n_rows; i++) {
		struct row *row = &e->rows[i];

		if (!row->enforced || mpz_sgn(row->entry[s]) >= 0)
			continue;
		if (!best || is_tighter(row, best, s))
			best = row;
	}
	return best;
}

/* ---- what is offered ---- */

/* Whether row F, which is negative, reaches 0 before ROW stops the s-th unknown. */
static bool reaches_zero(const struct row *f, const struct row *row, size_t s)
{
	mpz_t x, y;
	bool reaches;

	if (!row)
		return true;
	mpz_inits(x, y, NULL);
	/* -f0 / fs <= row0 / -rows, with fs > 0 > rows */
	mpz_mul(x, f->entry[0], row->entry[s]);
	mpz_mul(y, row->entry[0], f->entry[s]);
	reaches = mpz_cmp(x, y) <= 0;
	mpz_clears(x, y, NULL);
	return reaches;
}

bool exact_enforce(struct exact *e, size_t row)
{
	size_t at = e->place[e->n + row];

	e->pivots = 0;
	while (at > e->n) {
		struct row *f = &e->rows[at - e->n - 1], *stop;
		size_t s;

		if (mpz_sgn(f->entry[0]) >= 0) {
			f->enforced = true;
			return true;
		}
		s = entering(e, f);
		if (!s)
			return false;
		stop = leaving(e, s);
		if (reaches_zero(f, stop, s)) {
			/* its slack becomes non-basic, at 0, and its row stands for another */
			f->enforced = true;
			pivot(e, (size_t)(f - e->rows), s);
			return true;
		}
		e->pivots++;
		pivot(e, (size_t)(stop - e->rows), s);
	}
	return true;
}

static void lock_face(struct exact *e, const struct row *f)
{
	for (size_t j = 1; j <= e->n; j++)
		e->locked[j] |= mpz_sgn(f->entry[j]) != 0;
}

static void drop_last_row(struct exact *e)
{
	struct row *row = &e->rows[--e->n_rows];

	for (size_t j = 0; j <= e->n; j++)
		mpz_clear(row->entry[j]);
	free(row->entry);
}

bool exact_maximise(struct exact *e, struct form form)
{
	struct row *stop = NULL;
	size_t f, s = 0;

	form_row(e, form, RAT_ZERO, 1);
	f = e->n_rows - 1;
	e->pivots = 0;
	while ((s = entering(e, &e->rows[f])) && (stop = leaving(e, s))) {
		e->pivots++;
		pivot(e, (size_t)(stop - e->rows), s);
	}
	if (!s)
		lock_face(e, &e->rows[f]);
	drop_last_row(e);
	return !s;
}

struct rat exact_value(const struct exact *e, size_t column)
{
	size_t at = e->place[column];

	return at <= e->n ? RAT_ZERO : ratio(e->rows[at - e->n - 1].entry[0], e->det);
}

struct rat exact_form(const struct exact *e, struct form f)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < f.n; i++)
		sum = rat_add(sum, rat_mul(f.factors[i], exact_value(e, f.columns[i])));
	return sum;
}
