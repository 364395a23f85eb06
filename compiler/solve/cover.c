#include <config.h>

#include "compiler/solve/cover.h"

#include <stdlib.h>

/* ---- bounds ---- */

static int lowest_row(rowset s)
{
	uint64_t low = (uint64_t)s;

	return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(s >> 64));
}

static int count_rows(rowset s)
{
	return __builtin_popcountll((uint64_t)s) + __builtin_popcountll((uint64_t)(s >> 64));
}

struct offer {
	rowset covers;
	price cost;
};

/* The cheapest price of each set of the first rows that some unit covers. */
static size_t offers_collect(const struct crossing *c, bool (*take)(const struct unit *),
			     struct offer *offers, price *cheapest, size_t n_sets)
{
	size_t n = 0;

	for (size_t s = 0; s < n_sets; s++)
		cheapest[s] = PRICE_MAX;
	for (size_t i = 0; i < c->n_units; i++) {
		const struct unit *u = &c->units[i];
		size_t s = (size_t)u->covers & (n_sets - 1);

		if ((!take || take(u)) && u->cost < cheapest[s])
			cheapest[s] = u->cost;
	}
	for (size_t s = 1; s < n_sets; s++)
		if (cheapest[s] < PRICE_MAX)
			offers[n++] = (struct offer){ s, cheapest[s] };
	return n;
}

static price *subset_bounds(const struct crossing *c, bool (*take)(const struct unit *),
			    size_t n_sets)
{
	struct offer *offers = arena_many(c->arena, struct offer, n_sets);
	price *bounds = arena_many(c->arena, price, n_sets);
	size_t n = offers_collect(c, take, offers, bounds, n_sets);

	bounds[0] = 0;
	for (size_t s = 1; s < n_sets; s++) {
		size_t first = s & (~s + 1);

		bounds[s] = PRICE_MAX;
		for (size_t i = 0; i < n; i++) {
			price rest = bounds[s & ~(size_t)offers[i].covers];

			if (((size_t)offers[i].covers & first) && rest < PRICE_MAX &&
			    offers[i].cost + rest < bounds[s])
				bounds[s] = offers[i].cost + rest;
		}
	}
	return bounds;
}

/* Each row's least part of the cost of a unit that covers it, shared evenly. */
static price *share_bounds(const struct crossing *c, bool (*take)(const struct unit *))
{
	price *shares = arena_many(c->arena, price, c->rows.n);

	for (size_t r = 0; r < c->rows.n; r++)
		shares[r] = PRICE_MAX;
	for (size_t i = 0; i < c->n_units; i++) {
		const struct unit *u = &c->units[i];
		price share = u->covers ? u->cost / count_rows(u->covers) : 0;

		if (take && !take(u))
			continue;
		for (rowset s = u->covers; s; s &= s - 1)
			if (share < shares[lowest_row(s)])
				shares[lowest_row(s)] = share;
	}
	return shares;
}

struct cover_bounds cover_bounds_new(const struct crossing *c, bool (*take)(const struct unit *))
{
	bool all = c->rows.n <= COVER_SUBSET_ROWS;
	size_t n_sets = (size_t)1 << (all ? c->rows.n : COVER_SUBSET_ROWS);

	return (struct cover_bounds){ n_sets - 1, subset_bounds(c, take, n_sets),
				      all ? NULL : share_bounds(c, take) };
}

static price sum_shares(const price *shares, rowset rows)
{
	price sum = 0;

	for (rowset s = rows; s; s &= s - 1) {
		if (shares[lowest_row(s)] == PRICE_MAX)
			return PRICE_MAX;
		sum += shares[lowest_row(s)];
	}
	return sum;
}

price cover_bound(const struct cover_bounds *b, rowset uncovered)
{
	price bound = b->subsets[(size_t)(uncovered & b->first)], sum;

	if (!b->shares || !(uncovered & ~b->first))
		return bound;
	sum = sum_shares(b->shares, uncovered);
	return sum > bound ? sum : bound;
}

struct cover_count cover_count_add(struct cover_count c, rowset s)
{
	return (struct cover_count){ c.once | s, c.twice | (c.once & s) };
}

/* ---- the walk ---- */

struct row {
	uint32_t *units; /* that cover it, cheapest first */
	size_t n;
};

struct walker {
	struct cover_walk *walk;
	struct cover_bounds bounds;
	struct row *rows;
	size_t *order;    /* of the rows: those with few units first */
	uint32_t *banned; /* per unit: how often; counts nested branches */
	uint32_t *chosen;
	size_t n_chosen;
	uint32_t **helpers; /* per depth: room for a list of units */
};

struct listed_unit {
	price cost;
	uint32_t unit;
};

static int by_cost(const void *x, const void *y)
{
	const struct listed_unit *a = x, *b = y;

	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return (a->unit > b->unit) - (a->unit < b->unit);
}

static struct row row_new(const struct crossing *c, size_t r, struct listed_unit *list)
{
	struct row row = { NULL, 0 };

	for (uint32_t i = 0; i < c->n_units; i++)
		if (c->units[i].covers >> r & 1)
			list[row.n++] = (struct listed_unit){ c->units[i].cost, i };
	qsort(list, row.n, sizeof(*list), by_cost);
	row.units = arena_many(c->arena, uint32_t, row.n);
	for (size_t i = 0; i < row.n; i++)
		row.units[i] = list[i].unit;
	return row;
}

/* Insertion sort: rows are few, and equal ones keep their order. */
static size_t *rows_ordered(struct arena *a, const struct row *rows, size_t n)
{
	size_t *order = arena_many(a, size_t, n);

	for (size_t i = 0; i < n; i++) {
		size_t k = i;

		for (; k > 0 && rows[order[k - 1]].n > rows[i].n; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	return order;
}

static const struct row *next_row(const struct walker *w, rowset covered)
{
	size_t i = 0;

	while (covered >> w->order[i] & 1)
		i++;
	return &w->rows[w->order[i]];
}

/* Whether each chosen unit, and U, is alone in covering something. */
static bool none_idle(const struct walker *w, struct cover_count count, uint32_t u)
{
	const struct unit *units = w->walk->crossing->units;

	if (!(units[u].covers & ~count.twice))
		return false;
	for (size_t i = 0; i < w->n_chosen; i++)
		if (!(units[w->chosen[i]].covers & ~count.twice))
			return false;
	return true;
}

/* ---- help ----
 *
 * A function on a proxy that lacks what the label requires needs help: another
 * unit that supplies it on this proxy, or one that hides the payload. */

static rowset supplied_there(const struct crossing *c, const struct unit *u, uint32_t proxy)
{
	rowset s = 0;

	for (size_t k = 0; k < u->n_hops; k++)
		if (u->hops[k].proxy == proxy)
			s |= c->supplies[u->hops[k].function];
	return s;
}

static bool needs_help(const struct crossing *c, const struct unit *u)
{
	for (size_t k = 0; k < u->n_hops; k++)
		if (c->lacks[c->hosting->slot[u->hops[k].proxy]] &
		    ~supplied_there(c, u, u->hops[k].proxy))
			return true;
	return false;
}

/* Whether unit U could hide HOP.  A loose function on the source's side that is
 * smaller than the half that hides always comes before it. */
static bool may_hide(const struct crossing *c, const struct unit *u, const struct hop *hop)
{
	for (size_t k = 0; k < u->n_hops; k++) {
		const struct hop *h = &u->hops[k];
		bool smaller =
		    hop->proxy != h->proxy ? hop->proxy < h->proxy : hop->function < h->function;

		if (u->mates[k] == NO_MATE || !h->source_side ||
		    c->ir->functions[h->function].opaque != IR_OPAQUE_PAYLOAD)
			continue;
		if (!(hop->source_side && smaller && c->hosting->loose[hop->function]))
			return true;
	}
	return false;
}

static bool some_chosen_may_hide(const struct walker *w, const struct hop *hop)
{
	const struct crossing *c = w->walk->crossing;

	for (size_t i = 0; i < w->n_chosen; i++)
		if (may_hide(c, &c->units[w->chosen[i]], hop))
			return true;
	return false;
}

static rowset lacks_there(const struct walker *w, uint32_t proxy)
{
	const struct crossing *c = w->walk->crossing;
	rowset lacks = c->lacks[c->hosting->slot[proxy]];

	for (size_t i = 0; lacks && i < w->n_chosen; i++)
		lacks &= ~supplied_there(c, &c->units[w->chosen[i]], proxy);
	return lacks;
}

/* What a chosen unit's *HOP lacks on its proxy; 0 if none needs help, or it cannot
 * be told yet. */
static rowset find_need(const struct walker *w, const struct hop **hop)
{
	const struct crossing *c = w->walk->crossing;

	if (!c->wanted.n || !w->walk->only_legal)
		return 0;
	for (size_t i = 0; i < w->n_chosen; i++) {
		const struct unit *u = &c->units[w->chosen[i]];

		for (size_t k = 0; k < u->n_hops; k++) {
			rowset lacks = lacks_there(w, u->hops[k].proxy);

			*hop = &u->hops[k];
			if (lacks && !some_chosen_may_hide(w, *hop))
				return lacks;
		}
	}
	return 0;
}

/* All units of which a legal cover has at least one. */
static struct row list_helpers(const struct walker *w, rowset need, const struct hop *hop,
			       rowset uncovered)
{
	const struct crossing *c = w->walk->crossing;
	struct row row = { w->helpers[w->n_chosen], 0 };

	for (uint32_t i = 0; i < c->n_units; i++) {
		const struct unit *u = &c->units[i];

		if ((u->covers & uncovered) &&
		    ((supplied_there(c, u, hop->proxy) & need) || may_hide(c, u, hop)))
			row.units[row.n++] = i;
	}
	return row;
}

/* ---- branches ---- */

static void branch(struct walker *, struct cover_count, price cost);

static bool is_too_dear(const struct walker *w, struct cover_count count, price cost)
{
	price rest = cover_bound(&w->bounds, w->walk->crossing->all_rows & ~count.once);

	return rest == PRICE_MAX || cost + rest > w->walk->most;
}

static void try_unit(struct walker *w, uint32_t u, struct cover_count count, price cost)
{
	const struct unit *unit = &w->walk->crossing->units[u];
	struct cover_count next = cover_count_add(count, unit->covers);

	if (w->banned[u] || !none_idle(w, next, u) || is_too_dear(w, next, cost + unit->cost))
		return;
	w->chosen[w->n_chosen++] = u;
	if (!w->walk->only_legal || crossing_hopeful(w->walk->crossing, w->chosen, w->n_chosen))
		branch(w, next, cost + unit->cost);
	w->n_chosen--;
}

/* Covers the next row (or gives help) by each unit in turn; units tried are banned below the
 * later ones, so that no cover is met twice. */
static void branch(struct walker *w, struct cover_count count, price cost)
{
	const struct crossing *c = w->walk->crossing;
	rowset uncovered = c->all_rows & ~count.once;
	const struct hop *hop = NULL;
	struct row row;
	rowset need;
	size_t i;

	if (w->walk->stop || is_too_dear(w, count, cost))
		return;
	if (w->walk->budget != SIZE_MAX && w->walk->budget-- == 0) {
		w->walk->exhausted = w->walk->stop = true;
		return;
	}
	need = find_need(w, &hop);
	if (!uncovered) {
		if (!need)
			w->walk->found(w->walk, w->chosen, w->n_chosen, cost);
		return;
	}
	row = need ? list_helpers(w, need, hop, uncovered) : *next_row(w, count.once);
	for (i = 0; i < row.n && !w->walk->stop; i++) {
		if (!need && cost + c->units[row.units[i]].cost > w->walk->most)
			break; /* so are the others */
		try_unit(w, row.units[i], count, cost);
		w->banned[row.units[i]]++;
	}
	while (i-- > 0)
		w->banned[row.units[i]]--;
}

void cover_walk_run(struct cover_walk *walk)
{
	const struct crossing *c = walk->crossing;
	struct arena *a = c->arena;
	struct walker w = { .walk = walk };
	struct listed_unit *list = arena_many(a, struct listed_unit, c->n_units);

	if (c->too_large)
		return;
	w.bounds = cover_bounds_new(c, NULL);
	w.rows = arena_many(a, struct row, c->rows.n);
	for (size_t r = 0; r < c->rows.n; r++)
		w.rows[r] = row_new(c, r, list);
	w.order = rows_ordered(a, w.rows, c->rows.n);
	w.banned = arena_many(a, uint32_t, c->n_units);
	for (size_t i = 0; walk->only_safe && i < c->n_units; i++)
		w.banned[i] = needs_help(c, &c->units[i]);
	w.chosen = arena_many(a, uint32_t, c->rows.n + 1);
	w.helpers = arena_many(a, uint32_t *, c->rows.n + 1);
	for (size_t i = 0; walk->only_legal && c->wanted.n && i <= c->rows.n; i++)
		w.helpers[i] = arena_many(a, uint32_t, c->n_units);
	branch(&w, (struct cover_count){ 0, 0 }, 0);
}
