#include <config.h>

#include "compiler/solve/crossing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is worked out once for a graph ---- */

struct named_node {
	const char *name;
	uint32_t node;
};

/* As strcmp on the names with a '/' behind each. */
static int by_text(const void *x, const void *y)
{
	const struct named_node *a = x, *b = y;
	const char *s = a->name, *t = b->name;

	while (*s && *s == *t) {
		s++;
		t++;
	}
	if (!*s && !*t)
		return 0;
	return (*s ? (unsigned char)*s : '/') - (*t ? (unsigned char)*t : '/');
}

static uint32_t *ranks_of_texts(struct arena *a, const struct ir *ir)
{
	struct named_node *list = arena_many(a, struct named_node, ir->n_nodes);
	uint32_t *rank = arena_many(a, uint32_t, ir->n_nodes);

	for (uint32_t i = 0; i < ir->n_nodes; i++)
		list[i] = (struct named_node){ ir->nodes[i].name, i };
	qsort(list, ir->n_nodes, sizeof(*list), by_text);
	for (uint32_t i = 0; i < ir->n_nodes; i++)
		rank[list[i].node] = i;
	return rank;
}

static struct ids *hosts_of_functions(struct arena *a, const struct ir *ir)
{
	VEC(uint32_t) *lists = arena_alloc_many(a, ir->n_functions, sizeof(*lists));
	struct ids *proxies = arena_many(a, struct ids, ir->n_functions);

	for (uint32_t i = 0; i < ir->n_nodes; i++)
		for (size_t k = 0; k < ir->nodes[i].n_hosts; k++)
			vec_push(a, &lists[ir->nodes[i].hosts[k]], i);
	for (size_t f = 0; f < ir->n_functions; f++)
		proxies[f] = ids_from(a, lists[f].at, lists[f].n);
	return proxies;
}

static bool *loose_functions(struct arena *a, const struct ir *ir)
{
	bool *loose = arena_many(a, bool, ir->n_functions);

	for (size_t f = 0; f < ir->n_functions; f++) {
		const struct ir_function *fn = &ir->functions[f];

		loose[f] = fn->pair == ID_NONE && !fn->before.n && !fn->after.n &&
			   !fn->inspects_payload && !fn->inspects_fields;
	}
	for (size_t f = 0; f < ir->n_functions; f++) {
		const struct ir_function *fn = &ir->functions[f];

		for (size_t i = 0; i < fn->before.n; i++)
			loose[fn->before.at[i]] = false;
		for (size_t i = 0; i < fn->after.n; i++)
			loose[fn->after.at[i]] = false;
	}
	return loose;
}

struct hosting *hosting_new(struct arena *a, const struct ir *ir)
{
	struct hosting *h = arena_one(a, struct hosting);

	h->proxies = hosts_of_functions(a, ir);
	h->rank = ranks_of_texts(a, ir);
	h->loose = loose_functions(a, ir);
	h->slot = arena_many(a, uint32_t, ir->n_nodes);
	for (size_t i = 0; i < ir->n_nodes; i++)
		h->slot[i] = ir->nodes[i].kind == IR_PROXY ? (uint32_t)h->n_slots++ : ID_NONE;
	return h;
}

int crossing_hop_cmp(const struct hosting *h, const struct hop *a, const struct hop *b)
{
	if (a->proxy != b->proxy)
		return h->rank[a->proxy] < h->rank[b->proxy] ? -1 : 1;
	return (a->function > b->function) - (a->function < b->function);
}

int crossing_chain_cmp(const struct hosting *h, const struct hop *x, size_t n, const struct hop *y,
		       size_t m)
{
	for (size_t i = 0; i < n && i < m; i++) {
		int c = crossing_hop_cmp(h, &x[i], &y[i]);

		if (c)
			return c;
	}
	if (n != m)
		return n < m ? -1 : 1;
	for (size_t i = 0; i < n; i++)
		if (x[i].source_side != y[i].source_side)
			return x[i].source_side ? -1 : 1;
	return 0;
}

bool side_allows(enum ir_side side, bool source_side)
{
	return side != (source_side ? IR_SIDE_DESTINATION : IR_SIDE_SOURCE);
}

struct rat function_cycles(const struct ir_function *f, struct rat packet)
{
	return rat_add(f->cost, rat_mul(f->cost_per_byte, packet));
}

/* ---- costs as whole numbers ---- */

/* The least common denominator; 10^12 if it is beyond reason, which keeps a
 * trillionth of a cycle. */
static __int128 common_denominator(const struct rat *list, size_t n)
{
	const __int128 limit = (__int128)1 << 60;
	__int128 scale = 1;

	for (size_t i = 0; i < n; i++) {
		if (list[i].den > limit)
			return 1000000000000;
		scale = rat_make(scale, list[i].den).num * list[i].den;
		if (scale > limit)
			return 1000000000000;
	}
	return scale;
}

static price floor_scaled(struct rat r, __int128 scale)
{
	struct rat x = rat_mul(r, rat_make(scale, 1));

	return x.num / x.den;
}

static struct rat objective_cost(const struct crossing *c, const struct ir_function *f)
{
	switch (c->q.objective) {
	case IR_SETUP_TIME:
		return f->setup;
	case IR_PACKET_COST:
		return function_cycles(f, c->q.packet);
	default:
		return RAT_ONE;
	}
}

static price *scaled(struct arena *a, const struct rat *list, size_t n, __int128 *scale)
{
	price *out = arena_many(a, price, n);

	*scale = common_denominator(list, n);
	for (size_t i = 0; i < n; i++)
		out[i] = floor_scaled(list[i], *scale);
	return out;
}

static void price_functions(struct crossing *c)
{
	size_t n = c->ir->n_functions;
	struct rat *costs = arena_many(c->arena, struct rat, n);
	__int128 scale;

	for (size_t f = 0; f < n; f++)
		costs[f] = objective_cost(c, &c->ir->functions[f]);
	c->costs = scaled(c->arena, costs, n, &scale);
}

static bool limits_capacity(const struct crossing *c)
{
	return c->q.room && rat_sign(c->q.rate) > 0;
}

/* How much work per packet each proxy of the two domains has room for. */
static void measure_rooms(struct crossing *c)
{
	size_t n = c->ir->n_functions;
	struct rat *cycles = arena_many(c->arena, struct rat, n);
	__int128 scale;

	c->rooms = arena_many(c->arena, price, c->hosting->n_slots);
	for (size_t f = 0; f < n; f++)
		cycles[f] = function_cycles(&c->ir->functions[f], c->q.packet);
	c->works = scaled(c->arena, cycles, n, &scale);
	for (size_t i = 0; i < c->ir->n_nodes; i++) {
		uint32_t slot = c->hosting->slot[i];

		if (slot == ID_NONE)
			continue;
		c->rooms[slot] = ROOM_UNLIMITED;
		if (limits_capacity(c) && c->ir->nodes[i].has_cores)
			c->rooms[slot] = floor_scaled(rat_div(c->q.room[slot], c->q.rate), scale);
	}
}

/* ---- rows ---- */

static bool implied_by_another(const struct ir *ir, struct ids missing, uint32_t m)
{
	for (size_t i = 0; i < missing.n; i++) {
		uint32_t o = missing.at[i];

		if (o == m || !ids_has(ir->attrs[o].closure, m))
			continue;
		if (o < m || !ids_has(ir->attrs[m].closure, o))
			return true; /* of two that imply each other the first stays */
	}
	return false;
}

/* Who covers an attribute covers what it implies, so implied ones need no row. */
static struct ids essential_rows(struct arena *a, const struct ir *ir, struct ids missing)
{
	uint32_t *rows = arena_many(a, uint32_t, missing.n);
	size_t n = 0;

	for (size_t i = 0; i < missing.n; i++)
		if (!implied_by_another(ir, missing, missing.at[i]))
			rows[n++] = missing.at[i];
	return (struct ids){ rows, n };
}

static rowset rowset_of(struct ids rows, struct ids attrs)
{
	rowset s = 0;

	for (size_t i = 0; i < rows.n; i++)
		if (ids_has(attrs, rows.at[i]))
			s |= (rowset)1 << i;
	return s;
}

static rowset full_rowset(size_t n)
{
	return n == CROSSING_ROWS ? ~(rowset)0 : ((rowset)1 << n) - 1;
}

/* Required attributes that the receiver or a proxy of the two domains lacks. */
static struct ids attributes_wanted(struct crossing *c)
{
	const struct ir *ir = c->ir;
	struct ids wanted = ids_union(c->arena, c->q.from_lacks, c->q.to_lacks);
	uint32_t domains[2] = { c->q.from_domain, c->q.to_domain };

	for (size_t d = 0; c->q.requires.n && d < 2; d++) {
		struct ids proxies = ir->domains[domains[d]].proxies;

		for (size_t i = 0; i < proxies.n; i++)
			wanted = ids_union(
			    c->arena, wanted,
			    ids_minus(c->arena, c->q.requires, ir->nodes[proxies.at[i]].attrs));
	}
	return wanted;
}

static void lay_rows(struct crossing *c)
{
	const struct ir *ir = c->ir;

	c->rows = essential_rows(c->arena, ir, c->q.missing);
	c->wanted = attributes_wanted(c);
	c->too_large = c->rows.n > CROSSING_ROWS || c->wanted.n > CROSSING_ROWS;
	if (c->too_large)
		return;
	c->all_rows = full_rowset(c->rows.n);
	c->from_lacks = rowset_of(c->wanted, c->q.from_lacks);
	c->to_lacks = rowset_of(c->wanted, c->q.to_lacks);
	c->supplies = arena_many(c->arena, rowset, ir->n_functions);
	c->lacks = arena_many(c->arena, rowset, c->hosting->n_slots);
	if (!c->wanted.n)
		return;
	for (size_t f = 0; f < ir->n_functions; f++)
		c->supplies[f] = rowset_of(c->wanted, ir->functions[f].provides);
	for (size_t i = 0; i < ir->n_nodes; i++)
		if (c->hosting->slot[i] != ID_NONE)
			c->lacks[c->hosting->slot[i]] =
			    full_rowset(c->wanted.n) & ~rowset_of(c->wanted, ir->nodes[i].attrs);
}

/* ---- units ---- */

struct builder {
	struct crossing *c;
	bool thin;
	price most_work; /* no bridge puts more on one proxy */
	VEC(struct unit) units;
};

/* Whether the two domains' proxies sort alike as names and as texts. */
static bool names_agree(const struct crossing *c)
{
	const struct ir *ir = c->ir;
	struct ids all = ids_union(c->arena, ir->domains[c->q.from_domain].proxies,
				   ir->domains[c->q.to_domain].proxies);

	for (size_t i = 1; i < all.n; i++)
		if (c->hosting->rank[all.at[i - 1]] > c->hosting->rank[all.at[i]])
			return false;
	return true;
}

/* A proxy that neither label nor capacity can speak against. */
static bool is_carefree(const struct builder *b, uint32_t proxy)
{
	uint32_t slot = b->c->hosting->slot[proxy];

	return !b->c->lacks[slot] &&
	       (b->c->rooms[slot] == ROOM_UNLIMITED || b->c->rooms[slot] >= b->most_work);
}

/* The proxies on which F may run on one side.  If F runs on a carefree proxy, then
 * on one of a larger name it is never needed, for the same bridge with that proxy
 * replaced is as cheap, legal, and has a smaller list of names; unless what F
 * provides there lets another function of that proxy pass the label rule. */
static struct ids hosts_for(struct builder *b, uint32_t f, bool source_side)
{
	const struct crossing *c = b->c;
	struct ids hosts = c->hosting->proxies[f];
	uint32_t domain = source_side ? c->q.from_domain : c->q.to_domain;
	uint32_t *kept = arena_many(c->arena, uint32_t, hosts.n);
	bool enough = false;
	size_t n = 0;

	if (!side_allows(c->ir->functions[f].side, source_side))
		return (struct ids){ NULL, 0 };
	for (size_t i = 0; i < hosts.n; i++) {
		uint32_t p = hosts.at[i];

		if (c->ir->nodes[p].domain != domain)
			continue;
		if (enough && (!c->supplies[f] || !c->lacks[c->hosting->slot[p]]))
			continue;
		kept[n++] = p;
		enough |= b->thin && c->names_agree && is_carefree(b, p);
	}
	return (struct ids){ kept, n };
}

static void unit_add_hop(const struct crossing *c, struct unit *u, uint32_t f, uint32_t proxy,
			 bool source_side, int mate)
{
	u->hops[u->n_hops] = (struct hop){ f, proxy, source_side };
	u->mates[u->n_hops++] = mate;
	u->covers |= rowset_of(c->rows, c->ir->functions[f].provides);
	u->supplies |= c->supplies[f];
	u->cost += c->costs[f];
}

static void add_single(struct builder *b, uint32_t f, bool source_side)
{
	struct ids hosts = hosts_for(b, f, source_side);

	for (size_t i = 0; i < hosts.n; i++) {
		struct unit u = { 0 };

		unit_add_hop(b->c, &u, f, hosts.at[i], source_side, NO_MATE);
		vec_push(b->c->arena, &b->units, u);
	}
}

/* F on the source's side with G on the destination's, halves or both instances. */
static void add_couple(struct builder *b, uint32_t f, uint32_t g, bool halves)
{
	struct ids sources = hosts_for(b, f, true), destinations = hosts_for(b, g, false);

	for (size_t i = 0; i < sources.n; i++)
		for (size_t j = 0; j < destinations.n; j++) {
			struct unit u = { 0 };

			unit_add_hop(b->c, &u, f, sources.at[i], true, halves ? 1 : NO_MATE);
			unit_add_hop(b->c, &u, g, destinations.at[j], false, halves ? 0 : NO_MATE);
			vec_push(b->c->arena, &b->units, u);
		}
}

/* A paired function on both sides: each of its instances has a half. */
static void add_double_pair(struct builder *b, uint32_t f, uint32_t g)
{
	size_t first = b->units.n, middle, end;

	add_couple(b, f, g, true);
	middle = b->units.n;
	add_couple(b, g, f, true);
	end = b->units.n;
	for (size_t i = first; i < middle; i++)
		for (size_t j = middle; j < end; j++) {
			struct unit u = b->units.at[i], v = b->units.at[j];

			for (size_t k = 0; k < v.n_hops; k++)
				unit_add_hop(b->c, &u, v.hops[k].function, v.hops[k].proxy,
					     v.hops[k].source_side, v.mates[k] + (int)v.n_hops);
			vec_push(b->c->arena, &b->units, u);
		}
	if (b->units.n > first) /* the couples were only a means */
		memmove(b->units.at + first, b->units.at + end,
			(b->units.n - end) * sizeof(struct unit));
	b->units.n -= end - first;
}

static void add_paired(struct builder *b, uint32_t f, uint32_t g)
{
	const struct ir_function *fs = b->c->ir->functions;

	if (f == g)
		add_couple(b, f, f, true);
	else if (fs[f].side == IR_SIDE_BOTH || fs[g].side == IR_SIDE_BOTH)
		add_double_pair(b, f, g);
	else {
		add_couple(b, f, g, true);
		add_couple(b, g, f, true);
	}
}

static bool is_candidate(const struct crossing *c, uint32_t f)
{
	for (size_t i = 0; i < c->q.missing.n; i++)
		if (ids_has(c->ir->functions[f].provides, c->q.missing.at[i]))
			return true;
	return false;
}

static bool is_hosted(struct builder *b, uint32_t f)
{
	return hosts_for(b, f, true).n || hosts_for(b, f, false).n;
}

/* All units of F; a pair is built when its first candidate comes along. */
static void add_function(struct builder *b, uint32_t f, bool *broken)
{
	const struct ir_function *function = &b->c->ir->functions[f];
	uint32_t pair = function->pair;
	size_t before = b->units.n;

	if (pair != ID_NONE) {
		add_paired(b, f, pair);
		*broken = b->units.n == before && is_hosted(b, f);
		if (pair < f && is_candidate(b->c, pair))
			b->units.n = before; /* was built with its half */
	} else if (function->side == IR_SIDE_BOTH) {
		add_couple(b, f, f, false);
	} else {
		add_single(b, f, true);
		add_single(b, f, false);
	}
}

/* A cover has at most one unit per row, so no proxy gets more than the heaviest
 * unit for each of them. */
static price most_work(const struct crossing *c)
{
	price heaviest = 0;

	for (size_t f = 0; f < c->ir->n_functions; f++)
		if (c->works[f] > heaviest)
			heaviest = c->works[f];
	return heaviest * UNIT_HOPS * (price)c->rows.n;
}

/* What the label requires and can be had on a proxy at best. */
static rowset best_supply(const struct crossing *c, uint32_t proxy)
{
	const struct ir_node *n = &c->ir->nodes[proxy];
	rowset s = 0;

	for (size_t i = 0; i < n->n_hosts; i++)
		s |= c->supplies[n->hosts[i]];
	return s;
}

static bool something_hides(const struct builder *b)
{
	for (size_t i = 0; i < b->units.n; i++)
		for (size_t k = 0; k < b->units.at[i].n_hops; k++)
			if (b->units.at[i].mates[k] != NO_MATE &&
			    b->c->ir->functions[b->units.at[i].hops[k].function].opaque ==
				IR_OPAQUE_PAYLOAD)
				return true;
	return false;
}

/* Drops units that the label rule refuses in every cover. */
static void drop_doomed(struct builder *b)
{
	const struct crossing *c = b->c;
	size_t kept = 0;

	if (!c->wanted.n || something_hides(b))
		return;
	for (size_t i = 0; i < b->units.n; i++) {
		const struct unit *u = &b->units.at[i];
		bool doomed = false;

		for (size_t k = 0; k < u->n_hops; k++)
			doomed |= (c->lacks[c->hosting->slot[u->hops[k].proxy]] &
				   ~best_supply(c, u->hops[k].proxy)) != 0;
		if (!doomed)
			b->units.at[kept++] = *u;
	}
	b->units.n = kept;
}

static void build_units(struct crossing *c, bool thin)
{
	struct builder b = { .c = c, .thin = thin, .most_work = most_work(c) };
	uint32_t *broken = arena_many(c->arena, uint32_t, c->ir->n_functions);
	size_t n_broken = 0;

	for (uint32_t f = 0; f < c->ir->n_functions; f++) {
		bool is_broken = false;

		if (is_candidate(c, f))
			add_function(&b, f, &is_broken);
		if (is_broken)
			broken[n_broken++] = f;
	}
	if (thin)
		drop_doomed(&b);
	c->units = b.units.at;
	c->n_units = b.units.n;
	c->broken = (struct ids){ broken, n_broken };
}

struct ids crossing_attrs(struct arena *a, const struct crossing *c, rowset wanted)
{
	uint32_t *at = arena_many(a, uint32_t, c->wanted.n);
	size_t n = 0;

	for (size_t i = 0; i < c->wanted.n; i++)
		if (wanted >> i & 1)
			at[n++] = c->wanted.at[i];
	return (struct ids){ at, n };
}

struct crossing *crossing_new(struct arena *a, const struct ir *ir, const struct hosting *h,
			      const struct question *q, bool thin)
{
	struct crossing *c = arena_one(a, struct crossing);

	c->ir = ir;
	c->hosting = h;
	c->arena = a;
	c->q = *q;
	c->label_node = ID_NONE;
	lay_rows(c);
	if (c->too_large)
		return c;
	c->names_agree = names_agree(c);
	price_functions(c);
	measure_rooms(c);
	build_units(c, thin);
	chain_reserve(a, &c->chain, UNIT_HOPS * (c->rows.n + 1));
	return c;
}

/* ---- judging a cover ---- */

static void lay_chain(struct crossing *c, const uint32_t *units, size_t n)
{
	struct chain *chain = &c->chain;

	chain->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct unit *u = &c->units[units[i]];
		int first = (int)chain->n;

		for (size_t k = 0; k < u->n_hops; k++)
			chain->items[chain->n++] = (struct chain_item){
				u->hops[k], u->mates[k] == NO_MATE ? NO_MATE : u->mates[k] + first
			};
	}
}

static bool fits(const struct crossing *c)
{
	const struct chain *chain = &c->chain;

	for (size_t i = 0; i < chain->n; i++) {
		uint32_t proxy = chain->items[i].hop.proxy;
		price room = c->rooms[c->hosting->slot[proxy]], work = 0;

		if (room == ROOM_UNLIMITED)
			continue;
		for (size_t k = 0; k < chain->n; k++)
			if (chain->items[k].hop.proxy == proxy)
				work += c->works[chain->items[k].hop.function];
		if (work > room)
			return false;
	}
	return true;
}

static bool label_fails(struct crossing *c, uint32_t node, rowset lacks)
{
	if (!lacks)
		return false;
	c->label_node = node;
	c->label_lacks = lacks;
	return true;
}

static rowset supplied_on(const struct crossing *c, uint32_t proxy /* ID_NONE: anywhere */)
{
	rowset s = 0;

	for (size_t i = 0; i < c->chain.n; i++)
		if (proxy == ID_NONE || c->chain.items[i].hop.proxy == proxy)
			s |= c->supplies[c->chain.items[i].hop.function];
	return s;
}

static bool label_holds(struct crossing *c)
{
	if (!c->wanted.n)
		return true;
	if (label_fails(c, LABEL_FROM, c->from_lacks) ||
	    label_fails(c, LABEL_TO, c->to_lacks & ~supplied_on(c, ID_NONE)))
		return false;
	for (size_t i = 0; i < c->chain.n; i++) {
		uint32_t proxy = c->chain.items[i].hop.proxy;
		rowset lacks = c->lacks[c->hosting->slot[proxy]];

		if (!lacks || chain_is_hidden(c->ir, &c->chain, i))
			continue;
		if (label_fails(c, proxy, lacks & ~supplied_on(c, proxy)))
			return false;
	}
	return true;
}

/* Loose functions always find their place. */
static bool all_loose(const struct crossing *c)
{
	for (size_t i = 0; i < c->chain.n; i++)
		if (!c->hosting->loose[c->chain.items[i].hop.function])
			return false;
	return true;
}

bool crossing_hopeful(struct crossing *c, const uint32_t *units, size_t n)
{
	lay_chain(c, units, n);
	return fits(c) && (all_loose(c) || chain_order(c->ir, &c->chain));
}

unsigned crossing_check(struct crossing *c, const uint32_t *units, size_t n)
{
	lay_chain(c, units, n);
	if (!chain_order(c->ir, &c->chain))
		return FAULT_ORDER;
	if (!fits(c))
		return FAULT_CAPACITY;
	return label_holds(c) ? 0 : FAULT_LABEL;
}
