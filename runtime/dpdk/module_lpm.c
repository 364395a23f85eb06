/* Class "lpm": longest-prefix lookup of the destination.
 *
 * The edges' filters decide where a packet goes, never `routes`; but where they compare nothing
 * but `ip.dst` with prefixes, the table itself decides.  It holds all prefixes that routes and
 * filters mention.  In the region of one of them, which is what no longer one covers, an address
 * is in each mentioned prefix or it is not, the same for all its addresses; so the filters have
 * one value there, and the out-edge is known when the instance is opened. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/lpm_table.h"
#include "runtime/dpdk/module.h"

enum { MOST_PREFIXES = 1 << 16, MOST_EDGES = (1 << 15) - 1 };

/* A hop of the table: the edge, by one more, so that 0 is none; and whether a route has matched. */
enum { HOP_EDGE = (1 << 16) - 1, HOP_ROUTED = 1 << 16 };

_Static_assert((HOP_ROUTED | HOP_EDGE) <= LPM_HOP_MOST, "a hop fits into the tables");

/* Changed atomically: workers do not lock a pure module. */
struct counts {
	uint64_t routed, preset, lookups4, lookups6, absent;
};

struct lpm {
	struct lpm_table *table;
	struct counts *counts;
	bool chooses; /* then the burst is looked up there, and not by `run` */
};

/* What is mentioned; while the instance is opened. */
struct mentioned {
	struct lpm_entry *at;
	size_t n, room;
	bool failed;
};

/* ---- what filters mention ---- */

static void mention(struct mentioned *m, const struct prefix *p)
{
	size_t room = m->room ? 2 * m->room : 64;
	struct lpm_entry *grown = m->at;

	if (m->n == m->room) {
		grown = m->n < MOST_PREFIXES ? reallocarray(m->at, room, sizeof(*m->at)) : NULL;
		m->failed |= !grown;
	}
	if (m->failed)
		return;
	if (m->n == m->room)
		m->room = room;
	m->at = grown;
	m->at[m->n++] = (struct lpm_entry){ .prefix = *p };
}

static struct prefix prefix_of(const struct filter_range *r)
{
	struct prefix p = { .family = r->family, .length = r->length };

	memcpy(p.at, r->lo, sizeof(p.at));
	return p;
}

static bool is_prefix(const struct filter_range *r)
{
	return (r->family == 4 && r->length <= 32) || (r->family == 6 && r->length <= 128);
}

/* False: the filter looks at something else than the prefixes of the destination. */
static bool mention_ranges(struct mentioned *m, const struct filter *f)
{
	bool only = true;

	if (f->field != FIELD_IP_DST)
		return false;
	for (size_t i = 0; i < f->n_ranges && !m->failed; i++) {
		struct prefix p = prefix_of(&f->ranges[i]);

		if (is_prefix(&f->ranges[i]))
			mention(m, &p);
		else
			only = false;
	}
	return only;
}

static bool mention_filter(struct mentioned *m, const struct filter *f)
{
	bool only = true;

	if (f->kind == FILTER_IN)
		return mention_ranges(m, f);
	for (size_t i = 0; i < f->n_parts; i++)
		only &= mention_filter(m, f->parts[i]);
	return only;
}

/* ---- what filters say of a region ---- */

/* REGION is the prefix whose longer ones are left out; NULL: there is no destination. */
static bool holds_in(const struct filter *f, const struct prefix *region);

static bool covered(const struct filter *f, const struct prefix *region)
{
	for (size_t i = 0; region && i < f->n_ranges; i++) {
		struct prefix p = prefix_of(&f->ranges[i]);

		if (prefix_covers(&p, region))
			return true;
	}
	return false;
}

/* Whether some part, or the lack of one, is WANTED. */
static bool some_part(const struct filter *f, const struct prefix *region, bool wanted)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (holds_in(f->parts[i], region) == wanted)
			return true;
	return false;
}

static bool holds_in(const struct filter *f, const struct prefix *region)
{
	switch (f->kind) {
	case FILTER_TRUE:
		return true;
	case FILTER_FALSE:
		return false;
	case FILTER_IN:
		return covered(f, region);
	case FILTER_NOT:
	case FILTER_AND: /* NOT of one part: that one must not hold */
		return some_part(f, region, false) == (f->kind == FILTER_NOT);
	case FILTER_OR:
		return some_part(f, region, true);
	}
	return false;
}

static uint32_t edge_in(const struct module_spec *spec, const struct prefix *region)
{
	for (uint32_t i = 0; i < spec->n_edges; i++)
		if (!spec->edges[i].copy && holds_in(spec->edges[i].when, region))
			return i + 1;
	return 0;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/* Whether one of the routes, which are sorted, covers the region. */
static bool is_routed(const struct prefixes *routes, const struct prefix *region)
{
	for (unsigned length = 0; routes->n && length <= region->length; length++) {
		struct prefix outer = prefix_outer(region, length);

		if (bsearch(&outer, routes->at, routes->n, sizeof(*routes->at), compare_prefixes))
			return true;
	}
	return false;
}

static uint32_t hop_in(const struct module_spec *spec, const struct prefixes *routes, bool chooses,
		       const struct prefix *region)
{
	return (chooses ? edge_in(spec, region) : 0) |
	       (region && is_routed(routes, region) ? HOP_ROUTED : 0);
}

/* ---- opening ---- */

/* Whether there is anything to choose; the graph does not ask about a single way for all. */
static bool is_fork(const struct module_spec *spec)
{
	size_t n_ways = 0;
	bool all = false;

	for (size_t i = 0; i < spec->n_edges; i++) {
		n_ways += !spec->edges[i].copy;
		all |= !spec->edges[i].copy && spec->edges[i].when->kind == FILTER_TRUE;
	}
	return n_ways > 1 || (n_ways == 1 && !all);
}

static int compare_mentioned(const void *a, const void *b)
{
	return prefix_compare(&((const struct lpm_entry *)a)->prefix,
			      &((const struct lpm_entry *)b)->prefix);
}

static void drop_doubles(struct mentioned *m)
{
	size_t n = 0;

	if (m->n)
		qsort(m->at, m->n, sizeof(*m->at), compare_mentioned);
	for (size_t i = 0; i < m->n; i++)
		if (!n || compare_mentioned(&m->at[i], &m->at[n - 1]))
			m->at[n++] = m->at[i];
	m->n = n;
}

static bool mention_all(const struct module_spec *spec, const struct prefixes *routes,
			struct mentioned *m)
{
	bool only = spec->n_edges <= MOST_EDGES;

	for (size_t i = 0; i < routes->n; i++)
		mention(m, &routes->at[i]);
	for (size_t i = 0; i < spec->n_edges; i++)
		only &= spec->edges[i].copy || mention_filter(m, spec->edges[i].when);
	drop_doubles(m);
	return only;
}

static bool open_table(const struct module_spec *spec, struct lpm *l, const struct prefixes *routes,
		       struct module_error *e)
{
	const struct prefix all4 = { .family = 4 }, all6 = { .family = 6 };
	struct mentioned m = { 0 };
	struct lpm_misses misses;

	l->chooses = mention_all(spec, routes, &m) && is_fork(spec);
	misses = (struct lpm_misses){ hop_in(spec, routes, l->chooses, &all4),
				      hop_in(spec, routes, l->chooses, &all6),
				      hop_in(spec, routes, l->chooses, NULL) };
	for (size_t i = 0; i < m.n; i++)
		m.at[i].hop = hop_in(spec, routes, l->chooses, &m.at[i].prefix);
	if (m.failed)
		module_fail(e, "routes: no memory, or more than %d prefixes", MOST_PREFIXES);
	else
		l->table = lpm_table_open(m.at, m.n, &misses, LPM_AUTO, e);
	free(m.at);
	return l->table;
}

static void lpm_close(void *state)
{
	struct lpm *l = state;

	lpm_table_close(l->table);
	free(l->counts);
	free(l);
}

static void *lpm_open(const struct module_spec *spec, struct module_error *e)
{
	static const char *const names[] = { "routes", NULL };
	struct prefixes routes = { 0 };
	struct lpm *l = calloc(1, sizeof(*l));
	bool ok = l && (l->counts = calloc(1, sizeof(*l->counts)));

	if (!ok)
		module_fail(e, "no memory");
	ok = ok && config_known(spec, names, e) && config_prefixes(spec, "routes", &routes, e);
	if (routes.n)
		qsort(routes.at, routes.n, sizeof(*routes.at), compare_prefixes);
	ok = ok && open_table(spec, l, &routes, e);
	prefixes_free(&routes);
	if (ok)
		return l;
	if (l)
		lpm_close(l);
	return NULL;
}

/* ---- packets ---- */

static void add(uint64_t *to, uint64_t n)
{
	if (n)
		__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void look_up(const struct lpm *l, const struct burst *b, uint32_t *hops)
{
	struct lpm_counts n = lpm_table_lookup(l->table, b->at, b->n, hops);
	unsigned routed = 0;

	for (unsigned i = 0; i < b->n; i++)
		routed += (hops[i] & HOP_ROUTED) != 0;
	add(&l->counts->routed, routed);
	add(&l->counts->preset, n.n4 + n.n6 - routed);
	add(&l->counts->lookups4, n.n4);
	add(&l->counts->lookups6, n.n6);
	add(&l->counts->absent, b->n - n.n4 - n.n6);
}

static void lpm_run(void *state, struct burst *b)
{
	const struct lpm *l = state;
	uint32_t hops[BURST];

	if (!l->chooses)
		look_up(l, b, hops);
}

static bool lpm_chooses(const void *state)
{
	const struct lpm *l = state;

	return l->chooses;
}

static void lpm_choose(const void *state, struct burst *b, int16_t *edges)
{
	uint32_t hops[BURST];

	look_up(state, b, hops);
	for (unsigned i = 0; i < b->n; i++)
		edges[i] = (int16_t)((int)(hops[i] & HOP_EDGE) - 1);
}

static size_t lpm_counters(const void *state, struct module_counter *to)
{
	const struct lpm *l = state;
	const struct counts *c = l->counts;
	const struct module_counter all[] = {
		{ "routed", __atomic_load_n(&c->routed, __ATOMIC_RELAXED) },
		{ "default", __atomic_load_n(&c->preset, __ATOMIC_RELAXED) },
		{ "lookups4", __atomic_load_n(&c->lookups4, __ATOMIC_RELAXED) },
		{ "lookups6", __atomic_load_n(&c->lookups6, __ATOMIC_RELAXED) },
		{ "absent", __atomic_load_n(&c->absent, __ATOMIC_RELAXED) },
	};

	memcpy(to, all, sizeof(all));
	return RTE_DIM(all);
}

const struct module_ops module_lpm = {
	.class = "lpm",
	.summary = "looks up the destination by its longest prefix",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = lpm_open,
	.close = lpm_close,
	.run = lpm_run,
	.chooses = lpm_chooses,
	.choose = lpm_choose,
	.counters = lpm_counters,
};
