#include <config.h>

#include "compiler/solve/bridges.h"

#include <stdlib.h>
#include <string.h>

/* ---- the best ---- */

static struct hop *chain_hops(struct arena *a, const struct chain *chain)
{
	struct hop *hops = arena_many(a, struct hop, chain->n);

	for (size_t i = 0; i < chain->n; i++)
		hops[i] = chain->items[i].hop;
	return hops;
}

struct best {
	struct arena *arena;
	struct crossing *crossing;
	size_t budget;
	struct found_bridge bridge;
};

static void keep(struct best *b, price cost)
{
	const struct chain *chain = &b->crossing->chain;

	b->bridge = (struct found_bridge){ chain_hops(b->arena, chain), chain->n, cost };
}

/* From here on only cheaper covers matter. */
static void keep_cheaper(struct cover_walk *w, const uint32_t *units, size_t n, price cost)
{
	struct best *b = w->arg;

	if (crossing_check(b->crossing, units, n))
		return;
	keep(b, cost);
	w->most = cost - 1;
}

static void keep_better(struct cover_walk *w, const uint32_t *units, size_t n, price cost)
{
	struct best *b = w->arg;
	struct hop *hops;

	if (crossing_check(b->crossing, units, n))
		return;
	hops = chain_hops(b->arena, &b->crossing->chain);
	if (b->bridge.hops && cost >= b->bridge.cost &&
	    crossing_chain_cmp(b->crossing->hosting, hops, b->crossing->chain.n, b->bridge.hops,
			       b->bridge.n_hops) >= 0)
		return;
	keep(b, cost);
	w->most = cost;
}

static void walk_best(struct best *b, price most, bool only_safe, bool *exhausted,
		      void (*found)(struct cover_walk *, const uint32_t *, size_t, price))
{
	struct cover_walk w = { .crossing = b->crossing,
				.found = found,
				.arg = b,
				.only_legal = true,
				.only_safe = only_safe,
				.most = most,
				.budget = b->budget };

	cover_walk_run(&w);
	*exhausted |= w.exhausted;
}

/* Covers of which no part needs help with the label rule are found fast, and bound
 * the search among all. */
static void find_cheapest(struct best *b, price most, bool *exhausted)
{
	bool ignored = false;

	if (b->crossing->wanted.n) {
		walk_best(b, most, true, &ignored, keep_cheaper);
		most = b->bridge.hops ? b->bridge.cost - 1 : most;
	}
	walk_best(b, most, false, exhausted, keep_cheaper);
}

bool bridges_best(struct arena *a, struct crossing *c, price most, size_t budget,
		  struct found_bridge *out, bool *exhausted)
{
	struct best b = { a, c, budget, { NULL, 0, 0 } };

	*out = b.bridge;
	*exhausted |= c->too_large;
	if (c->too_large || c->from_lacks)
		return false;
	find_cheapest(&b, most, exhausted);
	*out = b.bridge;
	if (!b.bridge.hops)
		return false;
	if (c->names_agree) {
		bridges_smallest(a, c, b.bridge.cost, budget, out, exhausted);
	} else {
		walk_best(&b, b.bridge.cost, false, exhausted, keep_better);
		*out = b.bridge;
	}
	return true;
}

/* ---- the best few ---- */

struct top {
	struct arena *arena;
	struct crossing *crossing;
	size_t limit;                  /* 0: all */
	VEC(struct found_bridge) list; /* the best LIMIT, sorted, if there is a limit */
};

static int found_cmp(const struct hosting *h, const struct found_bridge *x,
		     const struct found_bridge *y)
{
	if (x->cost != y->cost)
		return x->cost < y->cost ? -1 : 1;
	return crossing_chain_cmp(h, x->hops, x->n_hops, y->hops, y->n_hops);
}

static int by_quality(const void *x, const void *y, void *hosting)
{
	return found_cmp(hosting, x, y);
}

/* Puts B, with copied hops, in its place among the best; the worst falls off. */
static void top_insert(struct top *t, struct found_bridge b)
{
	const struct hosting *h = t->crossing->hosting;
	size_t low = 0, high = t->list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (found_cmp(h, &t->list.at[middle], &b) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->limit)
		return;
	b.hops = chain_hops(t->arena, &t->crossing->chain);
	if (t->list.n < t->limit)
		vec_push(t->arena, &t->list, b);
	memmove(&t->list.at[low + 1], &t->list.at[low], (t->list.n - 1 - low) * sizeof(b));
	t->list.at[low] = b;
}

static void keep_top(struct cover_walk *w, const uint32_t *units, size_t n, price cost)
{
	struct top *t = w->arg;
	struct chain *chain = &t->crossing->chain;
	struct hop hops[UNIT_HOPS * (CROSSING_ROWS + 1)];

	if (crossing_check(t->crossing, units, n))
		return;
	for (size_t i = 0; i < chain->n; i++)
		hops[i] = chain->items[i].hop;
	if (t->limit) {
		top_insert(t, (struct found_bridge){ hops, chain->n, cost });
		if (t->list.n == t->limit)
			w->most = t->list.at[t->limit - 1].cost;
		return;
	}
	vec_push(t->arena, &t->list,
		 (struct found_bridge){ chain_hops(t->arena, chain), chain->n, cost });
}

struct found_bridge *bridges_list(struct arena *a, struct crossing *c, size_t limit, size_t budget,
				  size_t *n, bool *truncated, bool *exhausted)
{
	/* one more than asked for tells whether there are more */
	struct top t = { .arena = a, .crossing = c, .limit = limit ? limit + 1 : 0 };
	struct cover_walk w = { .crossing = c,
				.found = keep_top,
				.only_legal = true,
				.arg = &t,
				.most = PRICE_MAX - 1,
				.budget = budget };

	if (!c->from_lacks)
		cover_walk_run(&w);
	if (!limit && t.list.n)
		qsort_r(t.list.at, t.list.n, sizeof(*t.list.at), by_quality, (void *)c->hosting);
	*truncated = limit && t.list.n > limit;
	*exhausted = w.exhausted || c->too_large;
	*n = limit && t.list.n > limit ? limit : t.list.n;
	return t.list.at;
}

/* ---- why there is none ---- */

struct autopsy {
	struct arena *arena;
	struct crossing *crossing;
	struct cover_faults faults;
};

static void note_faults(struct cover_walk *w, const uint32_t *units, size_t n, price cost)
{
	struct autopsy *a = w->arg;
	unsigned fault = crossing_check(a->crossing, units, n);

	(void)cost;
	a->faults.legal |= !fault;
	if (fault == FAULT_LABEL && !(a->faults.kinds & FAULT_LABEL)) {
		a->faults.label_node = a->crossing->label_node;
		a->faults.label_lacks =
		    crossing_attrs(a->arena, a->crossing, a->crossing->label_lacks);
	}
	a->faults.kinds |= fault;
	for (size_t i = 0; i < n; i++)
		a->faults.by_unit[units[i]] |= fault;
}

/* A missing attribute that no function with its half provides here. */
static bool attr_has_unit(const struct crossing *c, uint32_t attr)
{
	for (size_t i = 0; i < c->n_units; i++)
		for (size_t k = 0; k < c->units[i].n_hops; k++)
			if (ids_has(c->ir->functions[c->units[i].hops[k].function].provides, attr))
				return true;
	return false;
}

static bool attr_is_broken(const struct crossing *c, uint32_t attr)
{
	for (size_t i = 0; i < c->broken.n; i++)
		if (ids_has(c->ir->functions[c->broken.at[i]].provides, attr))
			return true;
	return false;
}

/* Whether pairs alone are to blame for the attributes that nothing covers. */
static void note_uncoverable(struct autopsy *a)
{
	const struct crossing *c = a->crossing;
	bool only_pairs = true;

	for (size_t i = 0; i < c->q.missing.n; i++) {
		uint32_t m = c->q.missing.at[i];

		if (attr_has_unit(c, m))
			continue;
		a->faults.uncoverable = true;
		only_pairs &= attr_is_broken(c, m);
	}
	if (a->faults.uncoverable)
		a->faults.kinds = only_pairs ? FAULT_PAIR : 0;
	else if (c->broken.n)
		a->faults.kinds |= FAULT_PAIR;
}

struct cover_faults bridges_faults(struct arena *arena, struct crossing *c, size_t budget)
{
	struct autopsy a = { arena, c, { .label_node = ID_NONE } };
	struct cover_walk w = { .crossing = c,
				.found = note_faults,
				.arg = &a,
				.most = PRICE_MAX - 1,
				.budget = budget };

	a.faults.by_unit = arena_many(arena, unsigned, c->n_units);
	cover_walk_run(&w);
	a.faults.exhausted = w.exhausted;
	if (c->too_large)
		a.faults.exhausted = a.faults.uncoverable = true;
	else
		note_uncoverable(&a);
	return a.faults;
}

struct bridge bridge_from(const struct ir *ir, const struct hop *hops, size_t n, struct rat packet)
{
	struct bridge b = { (struct hop *)hops, n, RAT_ZERO, RAT_ZERO };

	for (size_t i = 0; i < n; i++) {
		const struct ir_function *f = &ir->functions[hops[i].function];

		b.setup = rat_add(b.setup, f->setup);
		b.cycles = rat_add(b.cycles, function_cycles(f, packet));
	}
	return b;
}
