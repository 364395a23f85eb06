#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>
#include <string.h>

/* Below these sizes looking at every pair is quicker than sorting; so many
 * items are looked at to choose a dimension. */
enum { FEW_ITEMS = 4, SAMPLE = 32 };

struct meeting {
	struct work *work;
	meet_visit *visit;
	void *arg;
};

/* An item and where it begins in the dimension at hand. */
struct placed {
	struct item item;
	epic_u128 lo;
	size_t rank; /* to keep the order of equals */
};

static bool meet(struct meeting *, const struct item *a, size_t n_a, const struct item *b,
		 size_t n_b);

bool items_meet(struct work *w, const struct item *a, size_t n_a, const struct item *b, size_t n_b,
		meet_visit *visit, void *arg)
{
	return meet(&(struct meeting){ w, visit, arg }, a, n_a, b, n_b);
}

static epic_u128 begin(const struct work *w, const struct item *i, uint32_t dim)
{
	return box_values(w->fields, i->box, dim)->at[0].lo;
}

static epic_u128 finish(const struct work *w, const struct item *i, uint32_t dim)
{
	const struct values *v = box_values(w->fields, i->box, dim);

	return v->at[v->n - 1].hi;
}

/* How many pairs of the sampled items overlap in the dimension, gaps aside. */
static size_t n_unparted(const struct work *w, const struct item *at, size_t n, uint32_t dim)
{
	size_t n_sample = n < SAMPLE ? n : SAMPLE, count = 0;
	struct range reach[SAMPLE];

	for (size_t i = 0; i < n_sample; i++) {
		const struct item *item = &at[i * n / n_sample];

		reach[i] = (struct range){ begin(w, item, dim), finish(w, item, dim) };
		for (size_t j = 0; j < i; j++)
			count += reach[i].lo <= reach[j].hi && reach[j].lo <= reach[i].hi;
	}
	return count;
}

/* The dimension that parts most pairs of the sampled items; DIM_NONE if none
 * parts any. */
static uint32_t choose_dim(struct work *w, const struct item *at, size_t n)
{
	size_t n_sample = n < SAMPLE ? n : SAMPLE, least = n_sample * (n_sample - 1) / 2;
	uint32_t best = DIM_NONE;

	for (size_t i = 0; i < n_sample; i++) {
		const struct box *b = at[i * n / n_sample].box;

		for (size_t k = 0; k < b->n; k++)
			w->bound[b->at[k].dim] = 1;
	}
	for (uint32_t d = 0; d < w->fields->dims.n; d++) {
		size_t unparted = w->bound[d] ? n_unparted(w, at, n, d) : SIZE_MAX;

		w->bound[d] = 0;
		if (unparted < least) {
			least = unparted;
			best = d;
		}
	}
	return best;
}

static int placed_cmp(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int c = u128_cmp(x->lo, y->lo);

	return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static struct item *items_sorted(const struct work *w, const struct item *at, size_t n,
				 uint32_t dim)
{
	struct placed *placed = xrealloc(NULL, n * sizeof(*placed));
	struct item *sorted = xrealloc(NULL, n * sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		placed[i] = (struct placed){ at[i], begin(w, &at[i], dim), i };
	qsort(placed, n, sizeof(*placed), placed_cmp);
	for (size_t i = 0; i < n; i++)
		sorted[i] = placed[i].item;
	free(placed);
	return sorted;
}

/* The items that reach into LO...HI of the dimension. */
static struct item *items_within(const struct work *w, const struct item *at, size_t n,
				 uint32_t dim, struct range r, size_t *n_within)
{
	struct item *within = xrealloc(NULL, n * sizeof(*within));

	*n_within = 0;
	for (size_t i = 0; i < n; i++)
		if (begin(w, &at[i], dim) <= r.hi && finish(w, &at[i], dim) >= r.lo)
			within[(*n_within)++] = at[i];
	return within;
}

static bool meet_half(struct meeting *m, uint32_t dim, const struct item *a, size_t n_a,
		      const struct item *b, size_t n_b)
{
	struct range reach = { begin(m->work, &a[0], dim), 0 };
	struct item *within;
	size_t n_within;
	bool go_on;

	for (size_t i = 0; i < n_a; i++) {
		epic_u128 hi = finish(m->work, &a[i], dim);

		reach.hi = hi > reach.hi ? hi : reach.hi;
	}
	within = items_within(m->work, b, n_b, dim, reach, &n_within);
	go_on = meet(m, a, n_a, within, n_within);
	free(within);
	return go_on;
}

static bool visit_each(struct meeting *m, const struct item *a, size_t n_a, const struct item *b,
		       size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		if (!m->visit(m->arg, &a[i], b, n_b))
			return false;
	return true;
}

static bool meet(struct meeting *m, const struct item *a, size_t n_a, const struct item *b,
		 size_t n_b)
{
	struct item *sorted;
	uint32_t dim;
	bool go_on;

	if (n_a <= FEW_ITEMS || n_b <= FEW_ITEMS)
		return visit_each(m, a, n_a, b, n_b);
	dim = choose_dim(m->work, a, n_a);
	if (dim == DIM_NONE)
		return visit_each(m, a, n_a, b, n_b);
	sorted = items_sorted(m->work, a, n_a, dim);
	go_on = meet_half(m, dim, sorted, n_a / 2, b, n_b) &&
		meet_half(m, dim, sorted + n_a / 2, n_a - n_a / 2, b, n_b);
	free(sorted);
	return go_on;
}
