/* Sets of values as ranges, and ranges as prefixes. */
#include <config.h>

#include "compiler/plan/match_private.h"

struct ranges {
	struct match_range *at;
	size_t n, cap;
};

static struct match_set set_of(struct ranges r)
{
	return (struct match_set){ r.n, r.at };
}

/* LO is not below the ranges that are there. */
static void append(struct arena *a, struct ranges *r, epic_u128 lo, epic_u128 hi)
{
	if (r->n && (lo <= r->at[r->n - 1].hi || lo - 1 == r->at[r->n - 1].hi)) {
		if (hi > r->at[r->n - 1].hi)
			r->at[r->n - 1].hi = hi;
		return;
	}
	vec_push(a, r, (struct match_range){ lo, hi });
}

struct match_set match_set_of(struct arena *a, const struct fx_member *in, size_t n)
{
	struct ranges r = { 0 };

	for (size_t i = 0; i < n; i++)
		append(a, &r, in[i].lo, in[i].hi);
	return set_of(r);
}

struct match_set match_set_range(struct arena *a, epic_u128 lo, epic_u128 hi)
{
	struct ranges r = { 0 };

	append(a, &r, lo, hi);
	return set_of(r);
}

struct match_set match_set_and(struct arena *a, struct match_set x, struct match_set y)
{
	struct ranges r = { 0 };

	for (size_t i = 0, j = 0; i < x.n && j < y.n;) {
		epic_u128 lo = x.at[i].lo > y.at[j].lo ? x.at[i].lo : y.at[j].lo;
		epic_u128 hi = x.at[i].hi < y.at[j].hi ? x.at[i].hi : y.at[j].hi;

		if (lo <= hi)
			append(a, &r, lo, hi);
		if (x.at[i].hi < y.at[j].hi)
			i++;
		else
			j++;
	}
	return set_of(r);
}

struct match_set match_set_or(struct arena *a, struct match_set x, struct match_set y)
{
	struct ranges r = { 0 };

	for (size_t i = 0, j = 0; i < x.n || j < y.n;) {
		bool first = j == y.n || (i < x.n && x.at[i].lo <= y.at[j].lo);
		const struct match_range *next = first ? &x.at[i++] : &y.at[j++];

		append(a, &r, next->lo, next->hi);
	}
	return set_of(r);
}

struct match_set match_set_not(struct arena *a, struct match_set x, epic_u128 max)
{
	struct ranges r = { 0 };
	epic_u128 next = 0;

	for (size_t i = 0; i < x.n; i++) {
		if (x.at[i].lo > next)
			append(a, &r, next, x.at[i].lo - 1);
		if (x.at[i].hi >= max)
			return set_of(r);
		next = x.at[i].hi + 1;
	}
	append(a, &r, next, max);
	return set_of(r);
}

bool match_set_has(struct match_set x, epic_u128 value)
{
	for (size_t i = 0; i < x.n; i++)
		if (x.at[i].lo <= value && value <= x.at[i].hi)
			return true;
	return false;
}

bool match_set_meets(struct match_set x, struct match_set y)
{
	for (size_t i = 0, j = 0; i < x.n && j < y.n;) {
		if (x.at[i].hi < y.at[j].lo)
			i++;
		else if (y.at[j].hi < x.at[i].lo)
			j++;
		else
			return true;
	}
	return false;
}

static epic_u128 ones(unsigned n)
{
	return n >= 128 ? ~(epic_u128)0 : ((epic_u128)1 << n) - 1;
}

/* The largest aligned block that begins at LO and ends by HI. */
static unsigned block(epic_u128 lo, epic_u128 hi)
{
	unsigned n = 0;

	while (n < 128 && !(lo & ones(n + 1)) && lo + ones(n + 1) <= hi && lo + ones(n + 1) >= lo)
		n++;
	return n;
}

struct match_prefixes match_set_prefixes(struct arena *a, struct match_set x)
{
	struct match_prefixes p = { 0 };

	for (size_t i = 0; i < x.n; i++) {
		epic_u128 lo = x.at[i].lo, last;

		do {
			unsigned n = block(lo, x.at[i].hi);

			vec_push(a, &p, (struct match_prefix){ lo, n });
			last = lo + ones(n);
			lo = last + 1;
		} while (last < x.at[i].hi);
	}
	return p;
}

epic_u128 match_key_max(struct match_key k)
{
	return ones(k.bits);
}

bool match_key_same(struct match_key a, struct match_key b)
{
	return a.offset == b.offset && a.size == b.size && a.shift == b.shift && a.bits == b.bits &&
	       a.header == b.header;
}
