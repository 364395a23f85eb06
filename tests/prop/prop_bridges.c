/* Bridges against plain enumeration: small random policies, judged and chosen for by
 * compiler/solve and by what follows here, which was written from the words of
 * doc/language.md 5.2: all subsets of hosted instances, all orders of each, all
 * joint choices. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/ctx.h"
#include "compiler/ir/ir.h"
#include "compiler/solve/movement.h"

enum {
	POLICIES = 6000,
	N_ATTRS = 5,
	N_LABELS = 2,
	N_FUNCTIONS = 6,
	MAX_PROXIES = 4,
	MAX_FLOWS = 4,
	MAX_INSTANCES = 13,
	MAX_CHAIN = 9,
	MAX_BRIDGES = 400,
	MAX_JOINT = 200000,
};

/* ---- random policies ---- */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

struct maker {
	struct ctx *ctx;
	struct arena *arena;
	uint64_t state;
	bool tight;  /* flows that need bridges, and little room for them */
	bool veiled; /* labels, and pairs that hide from the proxies between */
	struct ir *ir;
};

static size_t below(struct maker *m, size_t n)
{
	return (size_t)(random_next(&m->state) % n);
}

static bool chance(struct maker *m, size_t percent)
{
	return below(m, 100) < percent;
}

static struct ids random_ids(struct maker *m, size_t n, size_t percent)
{
	uint32_t at[64];
	size_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (chance(m, percent))
			at[k++] = i;
	return ids_from(m->arena, at, k);
}

static struct ids closed(struct maker *m, struct ids s)
{
	struct ids out = s;

	for (size_t i = 0; i < s.n; i++)
		out = ids_union(m->arena, out, m->ir->attrs[s.at[i]].closure);
	return out;
}

static void make_attrs(struct maker *m)
{
	bool implies[N_ATTRS][N_ATTRS] = { { false } };

	m->ir->n_attrs = N_ATTRS + N_LABELS;
	m->ir->attrs = arena_many(m->arena, struct ir_attr, m->ir->n_attrs);
	for (size_t i = 0; i < N_ATTRS; i++)
		for (size_t j = 0; j < N_ATTRS; j++)
			implies[i][j] = i == j || chance(m, m->tight ? 2 : 6);
	for (size_t k = 0; k < N_ATTRS; k++)
		for (size_t i = 0; i < N_ATTRS; i++)
			for (size_t j = 0; j < N_ATTRS; j++)
				implies[i][j] |= implies[i][k] && implies[k][j];
	for (size_t i = 0; i < N_ATTRS; i++) {
		uint32_t at[N_ATTRS];
		size_t n = 0;

		for (uint32_t j = 0; j < N_ATTRS; j++)
			if (implies[i][j])
				at[n++] = j;
		m->ir->attrs[i].name = arena_printf(m->arena, "s.a%zu", i);
		m->ir->attrs[i].closure = ids_from(m->arena, at, n);
	}
}

/* l1 may be above l0. */
static void make_labels(struct maker *m)
{
	struct ir_attr *l = &m->ir->attrs[N_ATTRS];
	uint32_t low = N_ATTRS, high = N_ATTRS + 1, both[2] = { N_ATTRS, N_ATTRS + 1 };

	l[0] = (struct ir_attr){ .name = "s.l0", .is_label = true };
	l[1] = (struct ir_attr){ .name = "s.l1", .is_label = true };
	l[0].below = ids_from(m->arena, &low, 1);
	l[0].requires = random_ids(m, N_ATTRS, 30);
	l[1].requires = random_ids(m, N_ATTRS, 20);
	l[1].below = ids_from(m->arena, &high, 1);
	if (chance(m, 50)) {
		l[1].below = ids_from(m->arena, both, 2);
		l[1].requires = ids_union(m->arena, l[0].requires, l[1].requires);
	}
}

static void make_pairs(struct maker *m)
{
	for (uint32_t i = 0; i < N_FUNCTIONS; i++)
		m->ir->functions[i].pair = ID_NONE;
	for (uint32_t i = 0; i < N_FUNCTIONS; i++) {
		uint32_t j = (uint32_t)below(m, N_FUNCTIONS);

		if (!chance(m, m->tight    ? 8
			       : m->veiled ? 60
					   : 25) ||
		    m->ir->functions[i].pair != ID_NONE || m->ir->functions[j].pair != ID_NONE)
			continue;
		m->ir->functions[i].pair = j;
		m->ir->functions[j].pair = i;
	}
}

static void make_functions(struct maker *m)
{
	m->ir->n_functions = N_FUNCTIONS;
	m->ir->functions = arena_many(m->arena, struct ir_function, N_FUNCTIONS);
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		struct ir_function *f = &m->ir->functions[i];

		*f = (struct ir_function){
			.name = arena_printf(m->arena, "b.f%zu", i),
			.provides = closed(m, random_ids(m, N_ATTRS, m->tight ? 45 : 30)),
			.side = chance(m, m->tight ? 85 : 60) ? IR_SIDE_EITHER
							      : (enum ir_side)below(m, 4),
			.before = random_ids(m, N_FUNCTIONS, m->tight ? 2 : 8),
			.after = random_ids(m, N_FUNCTIONS, m->tight ? 2 : 8),
			.inspects_payload = chance(m, m->veiled ? 5 : 25),
			.inspects_fields = chance(m, 25),
			.opaque = m->veiled ? IR_OPAQUE_PAYLOAD
					    : (enum ir_opaque)(chance(m, 50) ? below(m, 3) : 0),
			.encrypted_match = (enum ir_match)(chance(m, 40) ? below(m, 4) : 0),
			.setup = rat_int((int64_t)below(m, 4) * 1000000),
			.cost = rat_int((int64_t)below(m, 5)),
			.cost_per_byte = rat_make((int64_t)below(m, 3), 1000),
		};
	}
	make_pairs(m);
}

static int by_node_name(const void *x, const void *y)
{
	return strcmp(((const struct ir_node *)x)->name, ((const struct ir_node *)y)->name);
}

static void make_hosts(struct maker *m, struct ir_node *n)
{
	uint32_t *hosts = arena_many(m->arena, uint32_t, N_FUNCTIONS);

	for (uint32_t f = 0; f < N_FUNCTIONS; f++)
		if (chance(m, m->tight ? 55 : 45))
			hosts[n->n_hosts++] = f;
	n->hosts = hosts;
}

/* Proxies of one domain are called px, px-1, px2: their names and the texts
 * "px/f" do not sort alike. */
static void make_nodes(struct maker *m)
{
	static const char *const names[] = { "px", "px-1", "px2", "pa" };
	size_t n_endpoints = 3 + below(m, 2), n_proxies = 2 + below(m, 3);
	size_t n = n_endpoints + n_proxies;

	m->ir->nodes = arena_many(m->arena, struct ir_node, n);
	m->ir->n_nodes = n;
	for (size_t i = 0; i < n; i++) {
		struct ir_node *node = &m->ir->nodes[i];
		bool proxy = i >= n_endpoints;

		node->kind = proxy ? IR_PROXY : IR_ENDPOINT;
		node->domain = (uint32_t)below(m, m->ir->n_domains);
		node->name =
		    proxy ? arena_printf(m->arena, "d%u.%s", node->domain, names[i - n_endpoints])
			  : arena_printf(m->arena, "d%u.e%zu", node->domain, i);
		node->attrs =
		    closed(m, random_ids(m, N_ATTRS, m->tight ? 20 + below(m, 2) * 30 : 35));
		if (!proxy)
			continue;
		make_hosts(m, node);
		node->has_cores = chance(m, m->tight ? 90 : 60);
		node->cores = rat_int(1 + (int64_t)below(m, 2));
		node->clock = rat_int(1 + (int64_t)below(m, chance(m, 70) ? 9 : 60));
	}
	qsort(m->ir->nodes, n, sizeof(*m->ir->nodes), by_node_name);
}

static void make_domains(struct maker *m)
{
	m->ir->n_domains = 2 + (m->tight ? chance(m, 25) : below(m, 2));
	m->ir->domains = arena_many(m->arena, struct ir_domain, m->ir->n_domains);
	for (size_t i = 0; i < m->ir->n_domains; i++)
		m->ir->domains[i].name = arena_printf(m->arena, "d%zu", i);
	make_nodes(m);
	for (uint32_t d = 0; d < m->ir->n_domains; d++) {
		uint32_t at[MAX_PROXIES];
		size_t n = 0;

		for (uint32_t i = 0; i < m->ir->n_nodes; i++)
			if (m->ir->nodes[i].kind == IR_PROXY && m->ir->nodes[i].domain == d)
				at[n++] = i;
		m->ir->domains[d].proxies = ids_from(m->arena, at, n);
	}
}

static uint32_t random_endpoint(struct maker *m)
{
	uint32_t i;

	do
		i = (uint32_t)below(m, m->ir->n_nodes);
	while (m->ir->nodes[i].kind != IR_ENDPOINT);
	return i;
}

static bool sends_what_is_required(struct maker *m, const struct ir_flow *f)
{
	struct ids sent = m->ir->nodes[f->from].attrs;

	return ids_subset(m->ir->attrs[N_ATTRS + 1].requires, sent) &&
	       !ids_subset(sent, m->ir->nodes[f->to].attrs);
}

/* In a tight policy the sender should have something that the receiver lacks. */
static void draw_ends(struct maker *m, struct ir_flow *f)
{
	for (int tries = 0; tries < 20; tries++) {
		f->from = random_endpoint(m);
		do
			f->to = random_endpoint(m);
		while (f->to == f->from);
		if (m->veiled ? sends_what_is_required(m, f)
			      : !m->tight || !ids_subset(m->ir->nodes[f->from].attrs,
							 m->ir->nodes[f->to].attrs))
			return;
	}
}

static void make_flows(struct maker *m)
{
	size_t n = m->tight ? MAX_FLOWS - below(m, 2) : 1 + below(m, MAX_FLOWS),
	       middle = below(m, n + 1);
	struct ir_application *apps = arena_many(m->arena, struct ir_application, 2);

	for (size_t i = 0; i < 2; i++)
		apps[i] = (struct ir_application){ .name = i ? "app1" : "app0",
						   .minimise = (enum ir_objective)below(m, 3),
						   .packet = rat_int(chance(m, 50) ? 1000 : 1500) };
	apps[0].n_flows = middle;
	apps[1].first_flow = middle;
	apps[1].n_flows = n - middle;
	m->ir->applications = apps;
	m->ir->n_applications = 2;
	m->ir->flows = arena_many(m->arena, struct ir_flow, n);
	m->ir->n_flows = n;
	for (uint32_t i = 0; i < n; i++) {
		struct ir_flow *f = &m->ir->flows[i];

		f->application = i >= middle;
		draw_ends(m, f);
		f->cubes = cubes_all(m->ir->fields);
		f->when = "true";
		f->has_rate = chance(m, m->tight ? 95 : 75);
		f->rate_pps = rat_int(1 + (int64_t)below(m, 3));
		f->rate_bps = rat_mul(f->rate_pps, rat_int(8000));
		f->carries = chance(m, m->tight    ? 8
				       : m->veiled ? 90
						   : 30)
				 ? N_ATTRS + (uint32_t)below(m, N_LABELS)
				 : ID_NONE;
		f->span = (struct span){ 0, i * 10, i * 10 + 5 };
	}
}

static struct ir *make_policy(struct ctx *ctx, uint64_t seed)
{
	struct maker m = { ctx,      ctx->arena,    seed * 0x9e3779b97f4a7c15 + 1,
			   seed % 2, seed % 4 == 0, NULL };

	for (int i = 0; i < 8; i++)
		random_next(&m.state);
	m.ir = arena_one(ctx->arena, struct ir);
	m.ir->module = "prop";
	m.ir->fields = fields_new(ctx->arena);
	make_attrs(&m);
	make_labels(&m);
	make_functions(&m);
	make_domains(&m);
	make_flows(&m);
	return m.ir;
}

/* ---- enumeration: the legal bridges of one flow ---- */

struct plain_bridge {
	struct hop hops[MAX_CHAIN];
	size_t n;
	int64_t cost; /* by the objective; cycles in thousandths */
};

enum { BY_ORDER = 1, BY_CAPACITY = 2, BY_LABEL = 4, BY_PAIR = 8 };

struct trial {
	const struct ir *ir;
	const struct ir_flow *flow;
	enum ir_objective objective;
	bool with_capacity;
	int64_t packet;
	struct ids missing; /* in the arena of the policy */
	struct hop instances[MAX_INSTANCES];
	size_t n_instances;
	struct plain_bridge *bridges;
	size_t n_bridges;
	unsigned faults;
	bool too_large;
	enum diag_code code; /* if there is no bridge */
};

static int64_t milli_cycles(const struct trial *t, uint32_t f)
{
	const struct ir_function *fn = &t->ir->functions[f];
	struct rat c = rat_add(fn->cost, rat_mul(fn->cost_per_byte, rat_int(t->packet)));

	return (int64_t)(c.num * 1000 / c.den);
}

static bool allowed(enum ir_side side, bool source)
{
	return side == IR_SIDE_EITHER || side == IR_SIDE_BOTH ||
	       side == (source ? IR_SIDE_SOURCE : IR_SIDE_DESTINATION);
}

static void list_instances(struct trial *t)
{
	const struct ir *ir = t->ir;

	for (uint32_t p = 0; p < ir->n_nodes; p++)
		for (size_t k = 0; k < ir->nodes[p].n_hosts; k++)
			for (int source = 0; source < 2; source++) {
				uint32_t f = ir->nodes[p].hosts[k];
				uint32_t end = source ? t->flow->from : t->flow->to;

				if (ir->nodes[p].domain != ir->nodes[end].domain ||
				    !allowed(ir->functions[f].side, source))
					continue;
				if (t->n_instances == MAX_INSTANCES) {
					t->too_large = true;
					return;
				}
				t->instances[t->n_instances++] = (struct hop){ f, p, source };
			}
}

static size_t count_in(const struct hop *set, size_t n, uint32_t f, bool source)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += set[i].function == f && set[i].source_side == source;
	return k;
}

/* Whether the instances of F (and of its half) in SET are one unit. */
static bool is_one_unit(const struct ir *ir, const struct hop *set, size_t n, uint32_t f)
{
	uint32_t g = ir->functions[f].pair;
	size_t fs = count_in(set, n, f, true), fd = count_in(set, n, f, false), gs, gd;

	if (g == ID_NONE)
		return ir->functions[f].side == IR_SIDE_BOTH ? fs == 1 && fd == 1 : fs + fd == 1;
	if (g == f)
		return fs == 1 && fd == 1;
	gs = count_in(set, n, g, true);
	gd = count_in(set, n, g, false);
	if (ir->functions[f].side == IR_SIDE_BOTH || ir->functions[g].side == IR_SIDE_BOTH)
		return fs == 1 && fd == 1 && gs == 1 && gd == 1;
	return (fs == 1 && gd == 1 && fd == 0 && gs == 0) ||
	       (fs == 0 && gd == 0 && fd == 1 && gs == 1);
}

static bool covers(const struct trial *t, const struct hop *set, size_t n, uint32_t without)
{
	uint32_t half = without == ID_NONE ? ID_NONE : t->ir->functions[without].pair;

	for (size_t i = 0; i < t->missing.n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |=
			    set[k].function != without &&
			    (half == ID_NONE || set[k].function != half) &&
			    ids_has(t->ir->functions[set[k].function].provides, t->missing.at[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool is_minimal_cover(const struct trial *t, const struct hop *set, size_t n)
{
	if (!covers(t, set, n, ID_NONE))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_one_unit(t->ir, set, n, set[i].function) ||
		    covers(t, set, n, set[i].function))
			return false;
	return true;
}

/* The place of the other half of a hop in a chain; N if it has none. */
static size_t mate(const struct ir *ir, const struct hop *chain, size_t n, size_t i)
{
	uint32_t half = ir->functions[chain[i].function].pair;

	for (size_t k = 0; k < n && half != ID_NONE; k++)
		if (chain[k].function == half && chain[k].source_side != chain[i].source_side)
			return k;
	return n;
}

static bool named(struct ids s, uint32_t f)
{
	return ids_has(s, f);
}

static bool sees_nothing(const struct ir_function *hider, const struct ir_function *reader)
{
	enum ir_match m = reader->encrypted_match;

	if (hider->opaque == IR_OPAQUE_PAYLOAD)
		return reader->inspects_payload && (m == IR_MATCH_NONE || m == IR_MATCH_PREFIX);
	if (hider->opaque == IR_OPAQUE_HEADERS)
		return reader->inspects_fields && (m == IR_MATCH_NONE || m == IR_MATCH_KEYWORD);
	return false;
}

static bool is_legal_order(const struct ir *ir, const struct hop *c, size_t n)
{
	const struct ir_function *fs = ir->functions;

	for (size_t i = 0; i < n; i++) {
		size_t im = mate(ir, c, n, i);

		for (size_t k = i + 1; k < n; k++) {
			size_t km = mate(ir, c, n, k);
			uint32_t first = c[i].function, second = c[k].function;

			if (!c[i].source_side && c[k].source_side)
				return false;
			if (first != second &&
			    (named(fs[second].before, first) || named(fs[first].after, second)))
				return false;
			if (im < n && km < n && i < im && k < km && k < im && im < km)
				return false; /* halves cross */
			if (im < n && k < im && sees_nothing(&fs[first], &fs[second]))
				return false;
		}
	}
	return true;
}

static int name_cmp(const struct ir *ir, const struct hop *a, const struct hop *b)
{
	int c = strcmp(ir->nodes[a->proxy].name, ir->nodes[b->proxy].name);

	return c ? c : strcmp(ir->functions[a->function].name, ir->functions[b->function].name);
}

/* The chain built from the front, each time with the smallest that still allows a
 * legal order: the smallest legal order.  Tries orders in ascending order. */
static bool smallest_order(const struct ir *ir, struct hop *c, size_t fixed, size_t n)
{
	if (fixed == n)
		return is_legal_order(ir, c, n);
	for (size_t i = fixed; i < n; i++) /* selection sort of the rest */
		for (size_t k = i + 1; k < n; k++) {
			int d = name_cmp(ir, &c[i], &c[k]);

			if (d > 0 || (d == 0 && !c[i].source_side && c[k].source_side)) {
				struct hop x = c[i];

				c[i] = c[k];
				c[k] = x;
			}
		}
	for (size_t i = fixed; i < n; i++) {
		struct hop rest[MAX_CHAIN];

		memcpy(rest, c, n * sizeof(*c));
		rest[fixed] = c[i];
		for (size_t k = fixed; k < i; k++)
			rest[k + 1] = c[k];
		if (fixed > 0 && !rest[fixed - 1].source_side && rest[fixed].source_side)
			continue;
		if (smallest_order(ir, rest, fixed + 1, n)) {
			memcpy(c, rest, n * sizeof(*c));
			return true;
		}
	}
	return false;
}

/* In thousandths of cycles per second. */
static int64_t load_on(const struct trial *t, const struct hop *c, size_t n, uint32_t proxy)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (c[i].proxy == proxy)
			sum += milli_cycles(t, c[i].function);
	return t->flow->has_rate ? sum * (int64_t)t->flow->rate_pps.num : 0;
}

static int64_t room_on(const struct ir *ir, uint32_t proxy)
{
	const struct ir_node *n = &ir->nodes[proxy];

	return n->has_cores ? (int64_t)(n->cores.num * n->clock.num) * 1000 : INT64_MAX;
}

static bool has_room(const struct trial *t, const struct hop *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (load_on(t, c, n, c[i].proxy) > room_on(t->ir, c[i].proxy))
			return false;
	return true;
}

static bool has_with(const struct trial *t, uint32_t node, const struct hop *c, size_t n,
		     bool only_there, uint32_t attr)
{
	if (ids_has(t->ir->nodes[node].attrs, attr))
		return true;
	for (size_t i = 0; i < n; i++)
		if ((!only_there || c[i].proxy == node) &&
		    ids_has(t->ir->functions[c[i].function].provides, attr))
			return true;
	return false;
}

static bool is_hidden(const struct trial *t, const struct hop *c, size_t n, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		size_t m = mate(t->ir, c, n, i);

		if (m < n && m > at && t->ir->functions[c[i].function].opaque == IR_OPAQUE_PAYLOAD)
			return true;
	}
	return false;
}

static bool label_allows(const struct trial *t, const struct hop *c, size_t n)
{
	struct ids requires;

	if (t->flow->carries == ID_NONE)
		return true;
	requires = t->ir->attrs[t->flow->carries].requires;
	for (size_t r = 0; r < requires.n; r++) {
		uint32_t a = requires.at[r];

		if (!ids_has(t->ir->nodes[t->flow->from].attrs, a) ||
		    !has_with(t, t->flow->to, c, n, false, a))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!is_hidden(t, c, n, i) && !has_with(t, c[i].proxy, c, n, true, a))
				return false;
	}
	return true;
}

static int64_t cost_of(const struct trial *t, const struct hop *c, size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		switch (t->objective) {
		case IR_SETUP_TIME:
			sum += (int64_t)t->ir->functions[c[i].function].setup.num;
			break;
		case IR_PACKET_COST:
			sum += milli_cycles(t, c[i].function);
			break;
		default:
			sum++;
		}
	return sum;
}

static void try_subset(struct trial *t, const struct hop *set, size_t n)
{
	struct plain_bridge b = { .n = n };

	if (n > MAX_CHAIN) {
		t->too_large |= is_minimal_cover(t, set, n);
		return;
	}
	if (!is_minimal_cover(t, set, n))
		return;
	memcpy(b.hops, set, n * sizeof(*set));
	b.cost = cost_of(t, set, n);
	if (!smallest_order(t->ir, b.hops, 0, n))
		t->faults |= BY_ORDER;
	else if (t->with_capacity && !has_room(t, b.hops, n))
		t->faults |= BY_CAPACITY;
	else if (!label_allows(t, b.hops, n))
		t->faults |= BY_LABEL;
	else if (t->n_bridges == MAX_BRIDGES)
		t->too_large = true;
	else
		t->bridges[t->n_bridges++] = b;
}

/* Whether F could be part of any unit: all the instances that it needs are there. */
static bool can_be_had(const struct trial *t, uint32_t f)
{
	const struct ir_function *fs = t->ir->functions;
	uint32_t g = fs[f].pair;
	bool s = count_in(t->instances, t->n_instances, f, true);
	bool d = count_in(t->instances, t->n_instances, f, false), gs, gd;

	if (g == ID_NONE)
		return fs[f].side == IR_SIDE_BOTH ? s && d : s || d;
	gs = count_in(t->instances, t->n_instances, g, true);
	gd = count_in(t->instances, t->n_instances, g, false);
	if (g == f || fs[f].side == IR_SIDE_BOTH || fs[g].side == IR_SIDE_BOTH)
		return s && d && gs && gd;
	return (s && gd) || (d && gs);
}

static bool lacks_half(const struct trial *t, uint32_t f)
{
	return t->ir->functions[f].pair != ID_NONE && !can_be_had(t, f) &&
	       (count_in(t->instances, t->n_instances, f, true) ||
		count_in(t->instances, t->n_instances, f, false));
}

static bool any_function(const struct trial *t, uint32_t attr,
			 bool (*holds)(const struct trial *, uint32_t))
{
	for (uint32_t f = 0; f < t->ir->n_functions; f++) {
		uint32_t g = t->ir->functions[f].pair;
		bool either = ids_has(t->ir->functions[f].provides, attr) ||
			      (holds == can_be_had && g != ID_NONE &&
			       ids_has(t->ir->functions[g].provides, attr));

		if (either && holds(t, f))
			return true;
	}
	return false;
}

static enum diag_code code_without_bridge(const struct trial *t)
{
	bool uncovered = false, only_pairs = true, some_pair = false;
	unsigned faults = t->faults;

	for (size_t i = 0; i < t->missing.n; i++) {
		bool pair = any_function(t, t->missing.at[i], lacks_half);

		some_pair |= pair;
		if (any_function(t, t->missing.at[i], can_be_had))
			continue;
		uncovered = true;
		only_pairs &= pair;
	}
	if (uncovered)
		return only_pairs ? E0607 : E0601;
	faults |= some_pair ? BY_PAIR : 0;
	return faults == BY_ORDER      ? E0605
	       : faults == BY_CAPACITY ? E0606
	       : faults == BY_LABEL    ? E0604
	       : faults == BY_PAIR     ? E0607
				       : E0601;
}

/* "proxy/function" texts, element by element, a beginning first. */
static int list_cmp(const struct ir *ir, const struct plain_bridge *a, const struct plain_bridge *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		char x[80], y[80];
		int c;

		snprintf(x, sizeof(x), "%s/%s", ir->nodes[a->hops[i].proxy].name,
			 ir->functions[a->hops[i].function].name);
		snprintf(y, sizeof(y), "%s/%s", ir->nodes[b->hops[i].proxy].name,
			 ir->functions[b->hops[i].function].name);
		c = strcmp(x, y);
		if (c)
			return c;
	}
	return (a->n > b->n) - (a->n < b->n);
}

static int by_cost_then_list(const void *x, const void *y, void *ir)
{
	const struct plain_bridge *a = x, *b = y;

	if (a->cost != b->cost)
		return a->cost < b->cost ? -1 : 1;
	return list_cmp(ir, a, b);
}

static struct trial *try_flow(struct arena *a, const struct ir *ir, const struct ir_flow *flow,
			      enum ir_objective objective, bool with_capacity)
{
	struct trial *t = arena_one(a, struct trial);

	t->ir = ir;
	t->flow = flow;
	t->objective = objective;
	t->with_capacity = with_capacity;
	t->packet = (int64_t)ir->applications[flow->application].packet.num;
	t->missing = ids_minus(a, ir->nodes[flow->from].attrs, ir->nodes[flow->to].attrs);
	t->bridges = arena_many(a, struct plain_bridge, MAX_BRIDGES);
	if (!t->missing.n)
		return t;
	list_instances(t);
	for (size_t bits = 1; !t->too_large && bits < (size_t)1 << t->n_instances; bits++) {
		struct hop set[MAX_INSTANCES];
		size_t n = 0;

		for (size_t i = 0; i < t->n_instances; i++)
			if (bits >> i & 1)
				set[n++] = t->instances[i];
		try_subset(t, set, n);
	}
	t->code = code_without_bridge(t);
	qsort_r(t->bridges, t->n_bridges, sizeof(*t->bridges), by_cost_then_list, (void *)ir);
	return t;
}

/* ---- enumeration: all flows together ---- */

struct joint {
	const struct ir *ir;
	struct trial *trials[MAX_FLOWS];
	int now[MAX_FLOWS], best[MAX_FLOWS]; /* index into bridges; -1: none */
	bool any;
};

static const struct plain_bridge *bridge_at(const struct joint *j, const int *choice, size_t f)
{
	return choice[f] < 0 ? NULL : &j->trials[f]->bridges[choice[f]];
}

static bool all_fit(const struct joint *j)
{
	for (uint32_t p = 0; p < j->ir->n_nodes; p++) {
		int64_t sum = 0;

		for (size_t f = 0; f < j->ir->n_flows; f++) {
			const struct plain_bridge *b = bridge_at(j, j->now, f);

			sum += b ? load_on(j->trials[f], b->hops, b->n, p) : 0;
		}
		if (sum > room_on(j->ir, p))
			return false;
	}
	return true;
}

static int64_t application_cost(const struct joint *j, const int *choice, uint32_t application)
{
	int64_t sum = 0;

	for (size_t f = 0; f < j->ir->n_flows; f++)
		if (j->ir->flows[f].application == application && choice[f] >= 0)
			sum += bridge_at(j, choice, f)->cost;
	return sum;
}

static int count_bridged(const struct joint *j, const int *choice)
{
	int n = 0;

	for (size_t f = 0; f < j->ir->n_flows; f++)
		n += choice[f] >= 0;
	return n;
}

/* Negative if X is the better choice. */
static int choice_cmp(const struct joint *j, const int *x, const int *y)
{
	int d = count_bridged(j, y) - count_bridged(j, x);

	for (size_t f = 0; !d && f < j->ir->n_flows; f++)
		d = (y[f] >= 0) - (x[f] >= 0);
	for (uint32_t a = 0; !d && a < 2; a++) {
		int64_t p = application_cost(j, x, a), q = application_cost(j, y, a);

		d = (p > q) - (p < q);
	}
	for (size_t f = 0; !d && f < j->ir->n_flows; f++)
		if (x[f] >= 0)
			d = list_cmp(j->ir, bridge_at(j, x, f), bridge_at(j, y, f));
	return d;
}

static void try_joint(struct joint *j, size_t f)
{
	if (f == j->ir->n_flows) {
		if (all_fit(j) && (!j->any || choice_cmp(j, j->now, j->best) < 0)) {
			memcpy(j->best, j->now, sizeof(j->best));
			j->any = true;
		}
		return;
	}
	for (int b = -1; b < (int)j->trials[f]->n_bridges; b++) {
		j->now[f] = b;
		try_joint(j, f + 1);
	}
}

/* ---- comparison ---- */

struct tally {
	size_t failures, direct, bridged, bound, failed_flows, codes[N_DIAG_CODES];
};

static void complain(struct tally *t, uint64_t seed, size_t flow, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void complain(struct tally *t, uint64_t seed, size_t flow, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "policy %llu, flow %zu: ", (unsigned long long)seed, flow);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	t->failures++;
}

static bool same_chain(const struct bridge *a, const struct plain_bridge *b)
{
	if (a->n_hops != b->n)
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (a->hops[i].function != b->hops[i].function ||
		    a->hops[i].proxy != b->hops[i].proxy)
			return false;
	return true;
}

static bool same_cost(const struct trial *t, const struct bridge *a, const struct plain_bridge *b)
{
	int64_t setup = 0, cycles = 0;

	for (size_t i = 0; i < b->n; i++) {
		setup += (int64_t)t->ir->functions[b->hops[i].function].setup.num;
		cycles += milli_cycles(t, b->hops[i].function);
	}
	return !rat_cmp(a->setup, rat_int(setup)) && !rat_cmp(a->cycles, rat_make(cycles, 1000));
}

static void print_chain(const struct ir *ir, const char *who, const struct hop *hops, size_t n)
{
	fprintf(stderr, "  %s:", who);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, " %s/%s(%c)", ir->nodes[hops[i].proxy].name,
			ir->functions[hops[i].function].name, hops[i].source_side ? 's' : 'd');
	fputc('\n', stderr);
}

/* EXPECTED: the bridge that the flow should have, or NULL; CODE: else. */
static void compare(struct tally *tally, uint64_t seed, size_t i, const struct trial *t,
		    const struct verdict *v, const struct plain_bridge *expected,
		    enum diag_code code)
{
	bool direct = !t->missing.n;
	bool fails = direct ? !label_allows(t, NULL, 0) : !expected;
	enum verdict_status status = direct ? FLOW_DIRECT : FLOW_BRIDGED;

	if (fails) {
		code = direct ? E0604 : code;
		status = code == E0604 ? FLOW_FORBIDDEN : FLOW_UNBRIDGEABLE;
		tally->codes[code]++;
	}
	tally->direct += direct && !fails;
	tally->bridged += expected != NULL;
	if (v->failed != fails || v->status != status || (fails && v->code != code)) {
		complain(tally, seed, i, "status %d, code %d; should be %d, %d", v->status,
			 v->failed ? (int)v->code - (int)E0601 + 601 : 0, status,
			 fails ? (int)code - (int)E0601 + 601 : 0);
		return;
	}
	if (!ids_equal(v->missing, t->missing) || !v->reason)
		complain(tally, seed, i, "missing or reason is wrong");
	if (expected &&
	    (!same_chain(&v->bridge, expected) || !same_cost(t, &v->bridge, expected))) {
		complain(tally, seed, i, "another bridge is best");
		print_chain(t->ir, "found", v->bridge.hops, v->bridge.n_hops);
		print_chain(t->ir, "should be", expected->hops, expected->n);
	}
}

static void check_list(struct tally *tally, uint64_t seed, size_t i, struct ctx *ctx,
		       const struct trial *t)
{
	bool truncated;
	size_t n, limit = 1 + i * 2;
	struct bridge *all = movement_bridges(ctx, t->ir, t->flow, t->objective, 0, &n, &truncated);

	if (n != t->n_bridges || truncated)
		complain(tally, seed, i, "%zu bridges, should be %zu", n, t->n_bridges);
	for (size_t k = 0; k < n && k < t->n_bridges; k++)
		if (list_cmp(t->ir, &t->bridges[k], &(struct plain_bridge){ .n = 0 }) < 0 ||
		    cost_of(t, all[k].hops, all[k].n_hops) != t->bridges[k].cost ||
		    !same_chain(&all[k], &t->bridges[k]))
			complain(tally, seed, i, "bridge %zu of the list differs", k);
	movement_bridges(ctx, t->ir, t->flow, t->objective, limit, &n, &truncated);
	if (n != (limit < t->n_bridges ? limit : t->n_bridges) ||
	    truncated != (limit < t->n_bridges))
		complain(tally, seed, i, "a list of %zu has %zu", limit, n);
}

static bool check_alone(struct tally *tally, uint64_t seed, struct ctx *ctx, const struct ir *ir)
{
	for (size_t i = 0; i < ir->n_flows; i++) {
		enum ir_objective objective = (enum ir_objective)((seed + i) % 3);
		struct trial *t = try_flow(ctx->arena, ir, &ir->flows[i], objective, false);
		struct verdict v;

		if (t->too_large)
			return false;
		v = movement_judge(ctx, ir, &ir->flows[i], objective);
		compare(tally, seed, i, t, &v, t->n_bridges ? &t->bridges[0] : NULL, t->code);
		check_list(tally, seed, i, ctx, t);
	}
	return true;
}

static bool check_together(struct tally *tally, uint64_t seed, struct ctx *ctx, const struct ir *ir)
{
	struct joint j = { .ir = ir };
	struct solution *s;
	size_t combinations = 1;
	bool bound = false;

	for (size_t i = 0; i < ir->n_flows; i++) {
		const struct ir_flow *f = &ir->flows[i];

		j.trials[i] =
		    try_flow(ctx->arena, ir, f, ir->applications[f->application].minimise, true);
		combinations *= j.trials[i]->n_bridges + 1;
		if (j.trials[i]->too_large || combinations > MAX_JOINT)
			return false;
	}
	try_joint(&j, 0);
	s = movement_choose(ctx, ir, true);
	if (s->limit_reached)
		complain(tally, seed, 0, "a limit was reached");
	for (size_t i = 0; i < ir->n_flows; i++) {
		bound |= j.trials[i]->n_bridges && j.best[i] != 0;
		compare(tally, seed, i, j.trials[i], &s->verdicts[i], bridge_at(&j, j.best, i),
			j.trials[i]->n_bridges ? E0606 : j.trials[i]->code);
	}
	tally->bound += bound;
	movement_report(ctx, ir, s);
	return true;
}

static bool check_policy(struct tally *tally, uint64_t seed)
{
	struct ctx *ctx = ctx_new();
	struct ir *ir = make_policy(ctx, seed);
	bool small;

	ir_verify(ir);
	small = check_alone(tally, seed, ctx, ir) && check_together(tally, seed, ctx, ir);
	ctx_free(ctx);
	return small;
}

int main(int argc, char **argv)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	size_t n = POLICIES / (scale && atoi(scale) > 0 ? (size_t)atoi(scale) : 1), checked = 0;
	struct tally tally = { 0 };

	if (argc > 1) {
		check_policy(&tally, strtoull(argv[1], NULL, 10));
		return tally.failures != 0;
	}
	for (uint64_t seed = 1; seed <= n && tally.failures < 20; seed++)
		checked += check_policy(&tally, seed);
	printf("%zu policies; flows: %zu direct, %zu bridged; room was scarce in %zu\n", checked,
	       tally.direct, tally.bridged, tally.bound);
	for (int c = 0; c < N_DIAG_CODES; c++)
		if (tally.codes[c])
			printf("  %s: %zu\n", diag_page((enum diag_code)c)->code, tally.codes[c]);
	return tally.failures || !checked || !tally.bound ? 1 : 0;
}
