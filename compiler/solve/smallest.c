/* Builds chains from the front, small names first, within a given cost.  Among many
 * covers of equal cost this finds the smallest list of names without looking at
 * most of them: a chain whose beginning is larger than that of the best one so far
 * is given up at once. */
#include <config.h>

#include "compiler/solve/bridges.h"

#include <stdlib.h>

/* A hop by which a unit may come into the chain. */
struct opener {
	struct hop hop;
	uint32_t unit, index;
};

struct openers {
	struct opener *at; /* by (proxy, function, unit) */
	size_t n;
};

struct chosen_unit {
	uint32_t unit;
	unsigned placed; /* bit per hop */
};

struct placed_hop {
	struct hop hop;
	int mate;      /* index of its other half in its unit, or NO_MATE */
	size_t chosen; /* index of its unit in `chosen` */
};

struct builder {
	struct crossing *c;
	struct arena *arena;
	price most;
	struct cover_bounds bounds[2]; /* by source_side: what may still come in */
	struct openers openers[2];     /* by source_side */
	bool destination_first;        /* its names are smaller */
	struct chosen_unit *chosen;
	uint32_t *units; /* scratch: the chosen ones */
	size_t n_chosen;
	bool *taken; /* per unit */
	struct placed_hop *placed;
	size_t n_placed;
	size_t budget;
	bool exhausted;
	struct found_bridge best;
};

/* How far a chain has come. */
struct progress {
	bool source_side;
	bool tied; /* the chain is a beginning of the best one */
	struct cover_count count;
	price cost;
};

static int hop_cmp(const struct hop *a, const struct hop *b)
{
	if (a->proxy != b->proxy)
		return a->proxy < b->proxy ? -1 : 1;
	return (a->function > b->function) - (a->function < b->function);
}

static int by_hop(const void *x, const void *y)
{
	const struct opener *a = x, *b = y;
	int c = hop_cmp(&a->hop, &b->hop);

	if (c)
		return c;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

static bool has_no_source(const struct unit *u)
{
	for (size_t k = 0; k < u->n_hops; k++)
		if (u->hops[k].source_side)
			return false;
	return true;
}

/* Units with a hop on the source's side come in there; the others behind them. */
static struct openers openers_new(struct crossing *c, bool source_side)
{
	struct openers o = { arena_many(c->arena, struct opener, UNIT_HOPS * c->n_units), 0 };

	for (uint32_t i = 0; i < c->n_units; i++) {
		const struct unit *u = &c->units[i];

		if (!u->covers || has_no_source(u) == source_side)
			continue;
		for (uint32_t k = 0; k < u->n_hops; k++)
			if (u->hops[k].source_side == source_side)
				o.at[o.n++] = (struct opener){ u->hops[k], i, k };
	}
	qsort(o.at, o.n, sizeof(*o.at), by_hop);
	return o;
}

static int mate_of(const struct builder *b, const struct opener *x)
{
	return b->c->units[x->unit].mates[x->index];
}

/* Whether Y, placed before, keeps X from coming now. */
static bool is_in_the_way(const struct builder *b, const struct placed_hop *y,
			  const struct opener *x)
{
	const struct ir *ir = b->c->ir;
	const struct chosen_unit *yc = &b->chosen[y->chosen];
	bool half_open = y->mate != NO_MATE && y->hop.source_side && !(yc->placed >> y->mate & 1);

	if (chain_function_precedes(ir, x->hop.function, y->hop.function))
		return true;
	if (!half_open || (yc->unit == x->unit && y->mate == (int)x->index))
		return false;
	return chain_function_blinded(ir, y->hop.function, x->hop.function);
}

/* Whether a half that opened behind X's other half is still open. */
static bool crosses(const struct builder *b, const struct opener *x)
{
	int mate = mate_of(b, x);

	if (mate == NO_MATE || x->hop.source_side)
		return false;
	for (size_t i = b->n_placed; i-- > 0;) {
		const struct placed_hop *y = &b->placed[i];
		const struct chosen_unit *yc = &b->chosen[y->chosen];

		if (!y->hop.source_side || y->mate == NO_MATE)
			continue;
		if (yc->unit == x->unit && y->mate == (int)x->index)
			return false;
		if (!(yc->placed >> y->mate & 1))
			return true;
	}
	return false;
}

/* Whether the chain would be smaller with X and the hop before it exchanged, and
 * as legal: then it is not the chain of its set. */
static bool should_swap(const struct builder *b, const struct opener *x)
{
	const struct ir *ir = b->c->ir;
	const struct placed_hop *y;

	if (!b->n_placed)
		return false;
	y = &b->placed[b->n_placed - 1];
	if (y->hop.source_side != x->hop.source_side || hop_cmp(&x->hop, &y->hop) >= 0)
		return false;
	if (y->mate != NO_MATE || mate_of(b, x) != NO_MATE)
		return false; /* nesting and hiding may be why */
	return !chain_function_precedes(ir, y->hop.function, x->hop.function);
}

static bool may_come(const struct builder *b, const struct opener *x)
{
	if (b->c->hosting->loose[x->hop.function])
		return !should_swap(b, x);
	for (size_t i = 0; i < b->n_placed; i++)
		if (is_in_the_way(b, &b->placed[i], x))
			return false;
	return !crosses(b, x) && !should_swap(b, x);
}

static bool none_idle(const struct builder *b, struct cover_count count)
{
	for (size_t i = 0; i < b->n_chosen; i++)
		if (!(b->c->units[b->chosen[i].unit].covers & ~count.twice))
			return false;
	return true;
}

static void extend(struct builder *, struct progress);

static void place_and_extend(struct builder *b, const struct opener *x, size_t chosen,
			     struct progress p)
{
	b->chosen[chosen].placed |= 1u << x->index;
	b->placed[b->n_placed++] = (struct placed_hop){ x->hop, mate_of(b, x), chosen };
	extend(b, p);
	b->n_placed--;
	b->chosen[chosen].placed &= ~(1u << x->index);
}

static size_t find_chosen(const struct builder *b, uint32_t unit)
{
	size_t i = 0;

	while (b->chosen[i].unit != unit)
		i++;
	return i;
}

/* What more units cannot mend: one that is idle, an order, a proxy that is full. */
static bool is_hopeful(struct builder *b, struct progress p)
{
	for (size_t i = 0; i < b->n_chosen; i++)
		b->units[i] = b->chosen[i].unit;
	return none_idle(b, p.count) && crossing_hopeful(b->c, b->units, b->n_chosen);
}

static void open_unit(struct builder *b, const struct opener *x, struct progress p)
{
	const struct unit *u = &b->c->units[x->unit];
	price rest;

	if (!(u->covers & ~p.count.once))
		return;
	p.count = cover_count_add(p.count, u->covers);
	p.cost += u->cost;
	rest = cover_bound(&b->bounds[p.source_side], b->c->all_rows & ~p.count.once);
	if (rest == PRICE_MAX || p.cost + rest > b->most || !may_come(b, x))
		return;
	b->chosen[b->n_chosen++] = (struct chosen_unit){ x->unit, 0 };
	b->taken[x->unit] = true;
	if (is_hopeful(b, p))
		place_and_extend(b, x, b->n_chosen - 1, p);
	b->taken[x->unit] = false;
	b->n_chosen--;
}

/* Returns false if this and all larger hops lead to larger chains. */
static bool try_hop(struct builder *b, const struct opener *x, struct progress p)
{
	if (b->best.hops && p.tied) {
		int c =
		    b->n_placed < b->best.n_hops ? hop_cmp(&x->hop, &b->best.hops[b->n_placed]) : 1;

		if (c > 0)
			return false;
		p.tied = c == 0;
	}
	if (b->taken[x->unit] && may_come(b, x))
		place_and_extend(b, x, find_chosen(b, x->unit), p);
	else if (!b->taken[x->unit])
		open_unit(b, x, p);
	return true;
}

static bool is_pending(const struct builder *b, bool source_side)
{
	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct unit *u = &b->c->units[b->chosen[i].unit];

		for (uint32_t k = 0; k < u->n_hops; k++)
			if (u->hops[k].source_side == source_side &&
			    !(b->chosen[i].placed >> k & 1))
				return true;
	}
	return false;
}

/* Hops of chosen units that still have to come on this side, sorted. */
static struct openers pending(const struct builder *b, bool source_side, struct opener *at)
{
	struct openers o = { at, 0 };

	for (size_t i = 0; i < b->n_chosen; i++) {
		const struct unit *u = &b->c->units[b->chosen[i].unit];

		for (uint32_t k = 0; k < u->n_hops; k++)
			if (u->hops[k].source_side == source_side &&
			    !(b->chosen[i].placed >> k & 1))
				at[o.n++] = (struct opener){ u->hops[k], b->chosen[i].unit, k };
	}
	qsort(at, o.n, sizeof(*at), by_hop);
	return o;
}

/* The next hop on this side; TIED must be looked at anew each time, for the best
 * chain may have changed. */
static bool still_tied(const struct builder *b)
{
	if (!b->best.hops || b->n_placed > b->best.n_hops)
		return false;
	for (size_t i = 0; i < b->n_placed; i++)
		if (hop_cmp(&b->placed[i].hop, &b->best.hops[i]))
			return false;
	return true;
}

static bool is_beaten(const struct builder *b)
{
	if (!b->best.hops)
		return false;
	for (size_t i = 0; i < b->n_placed && i < b->best.n_hops; i++) {
		int c = hop_cmp(&b->placed[i].hop, &b->best.hops[i]);

		if (c)
			return c > 0;
	}
	return b->n_placed > b->best.n_hops;
}

static void go_on_here(struct builder *b, struct progress p)
{
	struct opener room[UNIT_HOPS * b->n_chosen + 1];
	struct openers wait = pending(b, p.source_side, room);
	const struct openers *open = &b->openers[p.source_side];
	size_t i = 0, j = 0;

	while (!b->exhausted && (i < wait.n || j < open->n)) {
		const struct opener *x;

		if (j == open->n || (i < wait.n && by_hop(&wait.at[i], &open->at[j]) < 0))
			x = &wait.at[i++];
		else
			x = &open->at[j++];
		if (x >= open->at && x < open->at + open->n && b->taken[x->unit])
			continue; /* is among those that wait, or was placed */
		if (is_beaten(b))
			return;
		p.tied = still_tied(b);
		if (!try_hop(b, x, p))
			return;
	}
}

static void cross_over(struct builder *b, struct progress p)
{
	if (!p.source_side || is_pending(b, true))
		return;
	p.source_side = false;
	extend(b, p);
}

/* All units are in, and all their hops are placed. */
static void finish(struct builder *b, struct progress p)
{
	struct chain *chain = &b->c->chain;
	struct hop *hops;

	for (size_t i = 0; i < b->n_chosen; i++)
		b->units[i] = b->chosen[i].unit;
	if (crossing_check(b->c, b->units, b->n_chosen))
		return;
	hops = arena_many(b->arena, struct hop, chain->n);
	for (size_t i = 0; i < chain->n; i++)
		hops[i] = chain->items[i].hop;
	if (!b->best.hops ||
	    crossing_chain_cmp(b->c->hosting, hops, chain->n, b->best.hops, b->best.n_hops) < 0)
		b->best = (struct found_bridge){ hops, chain->n, p.cost };
}

static void extend(struct builder *b, struct progress p)
{
	rowset uncovered = b->c->all_rows & ~p.count.once;
	price rest = cover_bound(&b->bounds[p.source_side], uncovered);

	if (b->exhausted || rest == PRICE_MAX || p.cost + rest > b->most)
		return;
	if (b->budget-- == 0) {
		b->exhausted = true;
		return;
	}
	if (!uncovered && !is_pending(b, true) && !is_pending(b, false)) {
		finish(b, p);
		return;
	}
	if (b->destination_first)
		cross_over(b, p);
	go_on_here(b, p);
	if (!b->destination_first)
		cross_over(b, p);
}

bool bridges_smallest(struct arena *a, struct crossing *c, price most, size_t budget,
		      struct found_bridge *out, bool *exhausted)
{
	struct builder b = { .c = c, .arena = a, .most = most, .budget = budget };

	b.bounds[false] = cover_bounds_new(c, has_no_source);
	b.bounds[true] = cover_bounds_new(c, NULL);
	b.openers[false] = openers_new(c, false);
	b.openers[true] = openers_new(c, true);
	b.destination_first = c->q.to_domain < c->q.from_domain;
	b.chosen = arena_many(c->arena, struct chosen_unit, c->rows.n + 1);
	b.units = arena_many(c->arena, uint32_t, c->rows.n + 1);
	b.taken = arena_many(c->arena, bool, c->n_units);
	b.placed = arena_many(c->arena, struct placed_hop, UNIT_HOPS * (c->rows.n + 1));
	extend(&b, (struct progress){ .source_side = true });
	*exhausted |= b.exhausted;
	if (b.best.hops)
		*out = b.best;
	return b.best.hops;
}
