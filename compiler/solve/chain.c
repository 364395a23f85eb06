#include <config.h>

#include "compiler/solve/chain.h"

#include <string.h>

void chain_reserve(struct arena *a, struct chain *c, size_t n)
{
	if (n <= c->cap)
		return;
	c->cap = n;
	c->items = arena_many(a, struct chain_item, n);
	c->unordered = arena_many(a, struct chain_item, n);
	c->must = arena_many(a, bool, n *n);
	c->placed = arena_many(a, bool, n);
	c->place = arena_many(a, int, n);
}

bool chain_function_precedes(const struct ir *ir, uint32_t a, uint32_t b)
{
	return a != b &&
	       (ids_has(ir->functions[a].before, b) || ids_has(ir->functions[b].after, a));
}

bool chain_function_blinded(const struct ir *ir, uint32_t opaque, uint32_t reader)
{
	const struct ir_function *r = &ir->functions[reader];
	enum ir_match m = r->encrypted_match;

	switch (ir->functions[opaque].opaque) {
	case IR_OPAQUE_PAYLOAD:
		return r->inspects_payload && m != IR_MATCH_KEYWORD && m != IR_MATCH_FULL;
	case IR_OPAQUE_HEADERS:
		return r->inspects_fields && m != IR_MATCH_PREFIX && m != IR_MATCH_FULL;
	default:
		return false;
	}
}

static bool *must(struct chain *c, size_t i, size_t j)
{
	return &c->must[i * c->n + j];
}

/* Readers on the source's side stand before the half that hides, those on the
 * destination's side behind its mate. */
static void demand_sight(const struct ir *ir, struct chain *c, size_t hider)
{
	const struct chain_item *items = c->items;
	size_t mate = (size_t)items[hider].mate;

	for (size_t x = 0; x < c->n; x++) {
		if (x == hider || x == mate ||
		    !chain_function_blinded(ir, items[hider].hop.function, items[x].hop.function))
			continue;
		if (items[x].hop.source_side)
			*must(c, x, hider) = true;
		else
			*must(c, mate, x) = true;
	}
}

static void demand_all(const struct ir *ir, struct chain *c)
{
	const struct chain_item *items = c->items;

	memset(c->must, 0, c->n * c->n * sizeof(*c->must));
	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j < c->n; j++)
			if ((items[i].hop.source_side && !items[j].hop.source_side) ||
			    chain_function_precedes(ir, items[i].hop.function,
						    items[j].hop.function))
				*must(c, i, j) = true;
		if (items[i].mate != NO_MATE && items[i].hop.source_side)
			demand_sight(ir, c, i);
	}
}

static void close_transitively(struct chain *c)
{
	for (size_t k = 0; k < c->n; k++)
		for (size_t i = 0; i < c->n; i++)
			for (size_t j = 0; *must(c, i, k) && j < c->n; j++)
				*must(c, i, j) |= *must(c, k, j);
}

/* What precedes another half on one side has its mate behind the other's mate
 * on the other side.  Returns whether that said anything new. */
static bool mirror_halves(struct chain *c)
{
	const struct chain_item *items = c->items;
	bool news = false;

	for (size_t i = 0; i < c->n; i++)
		for (size_t j = 0; items[i].mate != NO_MATE && j < c->n; j++) {
			bool *mirrored;

			if (j == i || items[j].mate == NO_MATE || !*must(c, i, j) ||
			    items[i].hop.source_side != items[j].hop.source_side)
				continue;
			mirrored = must(c, (size_t)items[j].mate, (size_t)items[i].mate);
			news |= !*mirrored;
			*mirrored = true;
		}
	return news;
}

static bool has_cycle(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (*must(c, i, i))
			return true;
	return false;
}

static bool item_smaller(const struct chain_item *a, const struct chain_item *b)
{
	if (a->hop.proxy != b->hop.proxy)
		return a->hop.proxy < b->hop.proxy;
	if (a->hop.function != b->hop.function)
		return a->hop.function < b->hop.function;
	return a->hop.source_side && !b->hop.source_side;
}

static bool is_ready(struct chain *c, size_t i)
{
	for (size_t j = 0; j < c->n; j++)
		if (!c->placed[j] && *must(c, j, i))
			return false;
	return !c->placed[i];
}

static size_t smallest_ready(struct chain *c)
{
	size_t best = c->n;

	for (size_t i = 0; i < c->n; i++)
		if (is_ready(c, i) && (best == c->n || item_smaller(&c->items[i], &c->items[best])))
			best = i;
	return best;
}

/* A half that was just placed on the source's side: the mates of those before it
 * come behind its own.  This cannot contradict the closed precedences, for they
 * were mirrored too. */
static void nest_behind(struct chain *c, size_t latest)
{
	const struct chain_item *items = c->items;

	if (items[latest].mate == NO_MATE || !items[latest].hop.source_side)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (i != latest && c->placed[i] && items[i].mate != NO_MATE &&
		    items[i].hop.source_side)
			*must(c, (size_t)items[latest].mate, (size_t)items[i].mate) = true;
}

static void place_all(struct chain *c)
{
	memset(c->placed, 0, c->n * sizeof(*c->placed));
	for (size_t k = 0; k < c->n; k++) {
		size_t i = smallest_ready(c);

		c->placed[i] = true;
		c->place[i] = (int)k;
		nest_behind(c, i);
	}
}

static void rearrange(struct chain *c)
{
	if (c->n)
		memcpy(c->unordered, c->items, c->n * sizeof(*c->items));
	for (size_t i = 0; i < c->n; i++) {
		struct chain_item x = c->unordered[i];

		x.mate = x.mate == NO_MATE ? NO_MATE : c->place[x.mate];
		c->items[c->place[i]] = x;
	}
}

bool chain_order(const struct ir *ir, struct chain *c)
{
	demand_all(ir, c);
	do
		close_transitively(c);
	while (mirror_halves(c));
	if (has_cycle(c))
		return false;
	place_all(c);
	rearrange(c);
	return true;
}

bool chain_is_hidden(const struct ir *ir, const struct chain *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (c->items[k].mate > (int)i &&
		    ir->functions[c->items[k].hop.function].opaque == IR_OPAQUE_PAYLOAD)
			return true;
	return false;
}
