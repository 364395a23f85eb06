/* All overlapping pairs among many sets. */
#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>

/* Two boxes that share a packet, of the sets i < j. */
struct pair {
	size_t i, j;
	const struct box *a, *b;
	size_t rank; /* among the pairs found */
};

struct search {
	struct work *work;
	struct pair *pairs;
	size_t n, cap, most;
};

static void push_pair(struct search *s, const struct item *a, const struct item *b)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->pairs = xrealloc(s->pairs, s->cap * sizeof(*s->pairs));
	}
	s->pairs[s->n] = (struct pair){ a->owner, b->owner, a->box, b->box, s->n };
	s->n++;
}

static bool visit(void *arg, const struct item *a, const struct item *b, size_t n)
{
	struct search *s = arg;

	for (size_t i = 0; i < n; i++) {
		if (a->owner >= b[i].owner || !box_overlap(a->box, b[i].box))
			continue;
		push_pair(s, a, &b[i]);
		if (s->n == s->most)
			return false;
	}
	return true;
}

static int pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->i != y->i)
		return x->i < y->i ? -1 : 1;
	if (x->j != y->j)
		return x->j < y->j ? -1 : 1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

static struct item *items_of(const struct cubes *const *sets, size_t n_sets, size_t *n)
{
	struct item *items;
	size_t k = 0;

	*n = 0;
	for (size_t i = 0; i < n_sets; i++)
		*n += sets[i]->n;
	items = xrealloc(NULL, *n * sizeof(*items));
	for (size_t i = 0; i < n_sets; i++)
		for (size_t b = 0; b < sets[i]->n; b++)
			items[k++] = (struct item){ sets[i]->at[b], i };
	return items;
}

void cubes_overlaps(struct fields *f, const struct cubes *const *sets, size_t n, size_t most,
		    void (*overlap)(size_t i, size_t j, const struct packet *, void *), void *arg)
{
	struct work w;
	struct search s = { .work = &w, .most = most };
	size_t n_items;
	struct item *items = items_of(sets, n, &n_items);

	work_begin(&w, f, KEEP_NOTHING);
	items_meet(&w, items, n_items, items, n_items, visit, &s);
	if (s.n)
		qsort(s.pairs, s.n, sizeof(*s.pairs), pair_cmp);
	for (size_t k = 0; k < s.n; k++) {
		const struct pair *p = &s.pairs[k];
		struct packet example;

		if (k && p[-1].i == p->i && p[-1].j == p->j)
			continue;
		example = box_example(f, box_and(w.scratch, p->a, p->b));
		overlap(p->i, p->j, &example, arg);
	}
	work_end(&w);
	free(s.pairs);
	free(items);
}
