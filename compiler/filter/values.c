#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>
#include <string.h>

int u128_cmp(epic_u128 a, epic_u128 b)
{
	return (a > b) - (a < b);
}

static int range_cmp(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	int c = u128_cmp(x->lo, y->lo);

	return c ? c : u128_cmp(x->hi, y->hi);
}

static struct values *values_new(struct arena *a, size_t n)
{
	struct values *v = arena_alloc(a, sizeof(*v) + n * sizeof(v->at[0]));

	v->n = n;
	return v;
}

/* How many ranges are left at the front of the array. */
static size_t join_sorted(struct range *r, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct range *last = kept ? &r[kept - 1] : NULL;

		if (last && (r[i].lo <= last->hi || r[i].lo - 1 == last->hi)) {
			if (r[i].hi > last->hi)
				last->hi = r[i].hi;
		} else {
			r[kept++] = r[i];
		}
	}
	return kept;
}

const struct values *values_from(struct arena *a, struct range *ranges, size_t n)
{
	struct values *v;

	if (n > 1)
		qsort(ranges, n, sizeof(*ranges), range_cmp);
	n = join_sorted(ranges, n);
	v = values_new(a, n);
	if (n)
		memcpy(v->at, ranges, n * sizeof(*ranges));
	return v;
}

const struct values *values_one(struct arena *a, epic_u128 lo, epic_u128 hi)
{
	return values_from(a, &(struct range){ lo, hi }, 1);
}

/* The first range that does not end before X. */
static size_t find(const struct values *v, epic_u128 x)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->at[mid].hi < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool values_overlap(const struct values *a, const struct values *b)
{
	const struct values *few = a->n < b->n ? a : b, *many = few == a ? b : a;

	for (size_t k = 0; k < few->n; k++) {
		size_t i = find(many, few->at[k].lo);

		if (i < many->n && many->at[i].lo <= few->at[k].hi)
			return true;
	}
	return false;
}

bool values_have(const struct values *v, epic_u128 x)
{
	size_t i = find(v, x);

	return i < v->n && v->at[i].lo <= x;
}

bool values_subset(const struct values *small, const struct values *large)
{
	if (small == large)
		return true;
	for (size_t k = 0; k < small->n; k++) {
		size_t i = find(large, small->at[k].lo);

		if (i == large->n || large->at[i].lo > small->at[k].lo ||
		    large->at[i].hi < small->at[k].hi)
			return false;
	}
	return true;
}

/* Writes the common parts to OUT unless it is NULL; returns how many. */
static size_t common(const struct values *few, const struct values *many, struct range *out)
{
	size_t n = 0;

	for (size_t k = 0; k < few->n; k++) {
		struct range r = few->at[k];

		for (size_t i = find(many, r.lo); i < many->n && many->at[i].lo <= r.hi; i++, n++) {
			const struct range *m = &many->at[i];

			if (out)
				out[n] = (struct range){ m->lo > r.lo ? m->lo : r.lo,
							 m->hi < r.hi ? m->hi : r.hi };
		}
	}
	return n;
}

const struct values *values_and(struct arena *arena, const struct values *a, const struct values *b)
{
	const struct values *few = a->n < b->n ? a : b, *many = few == a ? b : a;
	struct values *v;

	if (values_subset(few, many))
		return few;
	if (values_subset(many, few))
		return many;
	v = values_new(arena, common(few, many, NULL));
	common(few, many, v->at);
	return v;
}

static size_t put(struct range *out, size_t n, epic_u128 lo, epic_u128 hi)
{
	if (out)
		out[n] = (struct range){ lo, hi };
	return n + 1;
}

/* Writes R without B behind the N ranges of OUT, if that is not NULL. */
static size_t range_minus(struct range r, const struct values *b, struct range *out, size_t n)
{
	for (size_t i = find(b, r.lo); i < b->n && b->at[i].lo <= r.hi; i++) {
		if (b->at[i].lo > r.lo)
			n = put(out, n, r.lo, b->at[i].lo - 1);
		if (b->at[i].hi >= r.hi)
			return n;
		r.lo = b->at[i].hi + 1;
	}
	return put(out, n, r.lo, r.hi);
}

const struct values *values_minus(struct arena *arena, const struct values *a,
				  const struct values *b)
{
	struct values *v;
	size_t n = 0;

	if (!values_overlap(a, b))
		return a;
	for (size_t i = 0; i < a->n; i++)
		n = range_minus(a->at[i], b, NULL, n);
	v = values_new(arena, n);
	n = 0;
	for (size_t i = 0; i < a->n; i++)
		n = range_minus(a->at[i], b, v->at, n);
	return v;
}
