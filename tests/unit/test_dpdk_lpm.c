/* Longest-prefix match: the tables against a scan of all prefixes, the edges against the filters;
 * and the classes that leave the choice to the filters. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "runtime/dpdk/lpm_table.h"
#include "tests/unit/stateful.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_lpm, module_acl, module_classifier;

static const struct module_ops *const ops = &module_lpm;

/* Addresses that are close together, so that prefixes nest and are hit. */
static struct prefix some_address(int family, uint64_t *seed)
{
	static const uint32_t tops[] = { 0,          0x0a000000, 0x0a0a0a00,
					 0x7fffffff, 0x80000000, 0xffffff00 };
	struct prefix p = { .family = (uint8_t)family, .length = family == 4 ? 32 : 128 };
	uint32_t r = stateful_random(seed);

	p.at[3] = tops[r % 6] ^ (stateful_random(seed) & (UINT32_MAX >> (r >> 8) % 32));
	if (family == 4)
		return p;
	p.at[0] = tops[(r >> 16) % 6];
	p.at[1] = r >> 20 & 1 ? UINT32_MAX : 0;
	p.at[2] = r >> 21 & 1 ? UINT32_MAX : r >> 22 & 1;
	return p;
}

static struct prefix some_prefix(int family, uint64_t *seed)
{
	struct prefix p = some_address(family, seed);

	return prefix_outer(&p, stateful_random(seed) % (p.length + 1u));
}

static void set_destination(struct rte_mbuf *m, const struct prefix *p)
{
	packet_of(m)->present = p->family == 4 ? PACKET_IP4 : p->family == 6 ? PACKET_IP6 : 0;
	memcpy(packet_of(m)->dst, p->at, sizeof(p->at));
}

static void make_burst(struct rte_mbuf *packets[BURST])
{
	for (unsigned i = 0; i < BURST; i++)
		packets[i] = packets_make(&(struct made){ .ttl = 9 });
}

/* ---- tables ---- */

static size_t some_entries(struct lpm_entry *e, size_t n, int family, uint64_t *seed)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		e[kept].prefix = some_prefix(family, seed);
		while (prefix_compare(&e[j].prefix, &e[kept].prefix))
			j++;
		if (j == kept) {
			e[kept].hop = (uint32_t)kept + 10;
			kept++;
		}
	}
	return kept;
}

static uint32_t scan(const struct lpm_entry *e, size_t n, const struct lpm_misses *misses,
		     const struct prefix *at)
{
	uint32_t hop = at->family == 4 ? misses->v4 : at->family == 6 ? misses->v6 : misses->absent;
	int longest = -1;

	for (size_t i = 0; i < n; i++)
		if (e[i].prefix.length > longest && prefix_covers(&e[i].prefix, at)) {
			longest = e[i].prefix.length;
			hop = e[i].hop;
		}
	return hop;
}

static void compare_with_scan(const struct lpm_table *t, const struct lpm_entry *e, size_t n,
			      const struct lpm_misses *misses, uint64_t *seed)
{
	static const int families[] = { 4, 6, 4, 6, 0 };
	struct rte_mbuf *packets[BURST];
	struct prefix at[BURST];
	uint32_t hops[BURST];

	make_burst(packets);
	for (unsigned k = 0; k < 100; k++) {
		unsigned count = 1 + stateful_random(seed) % BURST;

		for (unsigned i = 0; i < count; i++) {
			at[i] = some_address(4 + 2 * (int)(stateful_random(seed) % 2), seed);
			if (n && stateful_random(seed) % 2)
				at[i] = e[stateful_random(seed) % n].prefix;
			if (families[stateful_random(seed) % 5] == 0)
				at[i].family = 0;
			set_destination(packets[i], &at[i]);
			if (at[i].family)
				at[i].length = at[i].family == 4 ? 32 : 128;
		}
		lpm_table_lookup(t, packets, count, hops);
		for (unsigned i = 0; i < count; i++)
			CU_ASSERT_EQUAL_FATAL(hops[i], scan(e, n, misses, &at[i]));
	}
	rte_pktmbuf_free_bulk(packets, BURST);
}

static void table_equals_scan(size_t n, int family, enum lpm_how how, uint64_t seed)
{
	const struct lpm_misses misses = { 1, 2, 3 };
	struct lpm_entry e[401];
	struct module_error error = { "" };
	struct lpm_table *t;

	n = some_entries(e, n, family, &seed);
	t = lpm_table_open(e, n, &misses, how, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	compare_with_scan(t, e, n, &misses, &seed);
	lpm_table_close(t);
}

static void sorted_tables_equal_a_scan(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		table_equals_scan(seed % 4 ? seed : seed * 10, 4, LPM_SORTED, seed);
		table_equals_scan(seed % 4 ? seed : seed * 10, 6, LPM_SORTED, seed);
	}
	table_equals_scan(0, 4, LPM_AUTO, 1);
}

static void large_tables_equal_a_scan(void)
{
	table_equals_scan(400, 4, LPM_RTE, 7);
	table_equals_scan(400, 6, LPM_RTE, 8);
	table_equals_scan(400, 4, LPM_AUTO, 9);
}

/* ---- edges ---- */

enum { NODES = 4000, EDGES = 5 };

struct forest {
	struct filter nodes[NODES];
	struct filter_range ranges[NODES];
	const struct filter *parts[NODES];
	size_t n_nodes, n_ranges, n_parts;
	struct prefix mentioned[NODES];
};

static const struct filter *some_comparison(struct forest *f, uint64_t *seed)
{
	struct filter *node = &f->nodes[f->n_nodes++];

	*node = (struct filter){ .kind = FILTER_IN,
				 .field = FIELD_IP_DST,
				 .ranges = &f->ranges[f->n_ranges],
				 .n_ranges = 1 + stateful_random(seed) % 3 };
	for (size_t i = 0; i < node->n_ranges; i++) {
		struct prefix p = some_prefix(4 + 2 * (int)(stateful_random(seed) % 2), seed);
		struct filter_range *r = &f->ranges[f->n_ranges];
		unsigned before = p.family == 4 ? 96 : 0;

		f->mentioned[f->n_ranges++] = p;
		r->family = p.family;
		r->length = p.length;
		for (unsigned w = 0; w < 4; w++) {
			int host = (int)(32 * (w + 1)) - (int)(before + p.length);

			r->lo[w] = p.at[w];
			r->hi[w] = p.at[w] | (host >= 32 ? UINT32_MAX
					      : host > 0 ? (UINT32_C(1) << host) - 1
							 : 0);
			if (p.family == 4 && w < 3)
				r->hi[w] = 0;
		}
	}
	return node;
}

static const struct filter *some_filter(struct forest *f, unsigned depth, uint64_t *seed)
{
	uint32_t r = stateful_random(seed) % 16;
	const struct filter *parts[4];
	struct filter *node;
	size_t n = r < 6 ? 1 : 2 + stateful_random(seed) % 3;

	if (!depth || r < 3)
		return some_comparison(f, seed);
	if (r != 15)
		for (size_t i = 0; i < n; i++)
			parts[i] = some_filter(f, depth - 1, seed);
	else
		n = 0;
	node = &f->nodes[f->n_nodes++];
	*node = (struct filter){ .kind = r < 6       ? FILTER_NOT
					 : r < 10    ? FILTER_AND
					 : r != 15   ? FILTER_OR
					 : depth % 2 ? FILTER_TRUE
						     : FILTER_FALSE,
				 .parts = &f->parts[f->n_parts],
				 .n_parts = n };
	for (size_t i = 0; i < n; i++)
		f->parts[f->n_parts++] = parts[i];
	return node;
}

static void *open_edges(const struct module_edge *edges, size_t n, const char *route)
{
	struct module_spec spec = packets_spec("p.l", ops->class);
	struct rplan_named_value routes = packets_text("routes", route);
	struct rplan_values config = { &routes, route ? 1 : 0 };
	struct module_error e = { "" };
	void *state;

	spec.config = &config;
	spec.edges = edges;
	spec.n_edges = n;
	state = ops->open(&spec, &e);
	UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static int first_edge(const struct module_edge *edges, const struct packet *p)
{
	for (int i = 0; i < EDGES; i++)
		if (!edges[i].copy && filter_holds(edges[i].when, p))
			return i;
	return -1;
}

static void run_and_choose(void *state, struct burst *b, struct rte_mbuf **packets, unsigned n,
			   int16_t *chosen)
{
	packets_run(ops, state, b, packets, n);
	CU_ASSERT_EQUAL_FATAL(b->n, n);
	ops->choose(state, b, chosen);
	b->n = 0;
}

static void compare_with_filters(void *state, const struct forest *f,
				 const struct module_edge *edges, uint64_t *seed)
{
	struct rte_mbuf *packets[BURST];
	struct burst *b = packets_burst(0);

	make_burst(packets);
	for (unsigned k = 0; k < 20; k++) {
		int16_t chosen[BURST];

		for (unsigned i = 0; i < BURST; i++) {
			struct prefix p = some_address(4 + 2 * (int)(i % 2), seed);

			if (i % 3 && f->n_ranges)
				p = f->mentioned[stateful_random(seed) % f->n_ranges];
			if (i == 31)
				p.family = 0;
			set_destination(packets[i], &p);
		}
		run_and_choose(state, b, packets, BURST, chosen);
		for (unsigned i = 0; i < BURST; i++)
			CU_ASSERT_EQUAL_FATAL(chosen[i], first_edge(edges, packet_of(packets[i])));
	}
	packets_free(b);
	rte_pktmbuf_free_bulk(packets, BURST);
}

static void edges_are_those_of_the_filters(void)
{
	static struct forest f;
	static const char *const routes[] = { NULL, "10.0.0.0/8", "::/0", "0.0.0.0/0" };

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct module_edge edges[EDGES] = { 0 };
		uint64_t s = seed;
		void *state;

		f.n_nodes = f.n_ranges = f.n_parts = 0;
		for (unsigned i = 0; i < EDGES; i++)
			edges[i] = (struct module_edge){ .to = "x",
							 .when = some_filter(&f, seed % 4, &s),
							 .copy = i == 1 };
		state = open_edges(edges, EDGES, routes[seed % 4]);
		CU_ASSERT_FATAL(ops->chooses(state));
		compare_with_filters(state, &f, edges, &s);
		ops->close(state);
	}
}

static void other_filters_are_left_to_the_graph(void)
{
	static const char *const left[] = { "ip.dst in 10.0.0.1..10.0.0.9", "ip.proto == 6",
					    "ip.src in 10.0.0.0/8",
					    "ip.dst in 10.0.0.0/8 and l4.dport == 80" };
	static const struct filter_names none;
	struct filter_error e;
	const struct filter *nothing = filter_parse("false", &none, &e);

	for (unsigned i = 0; i < 4; i++) {
		const struct filter *f = filter_parse(left[i], &none, &e);
		struct module_edge edges[2] = { { .to = "x", .when = f },
						{ .to = "y", .when = nothing } };
		void *state;

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		state = open_edges(edges, 2, NULL);
		CU_ASSERT(!ops->chooses(state));
		ops->close(state);
		edges[0].copy = true; /* but copies are none of its business */
		state = open_edges(edges, 2, NULL);
		CU_ASSERT(ops->chooses(state));
		ops->close(state);
		filter_free(f);
	}
	filter_free(nothing);
}

/* The graph does not ask, so `run` looks up. */
static void a_single_way_is_still_counted(void)
{
	static const struct filter_names none;
	struct filter_error e;
	const struct filter *all = filter_parse("true", &none, &e);
	struct module_edge edge = { .to = "x", .when = all };
	void *state = open_edges(&edge, 1, "10.0.0.0/8");

	CU_ASSERT(!ops->chooses(state));
	CU_ASSERT(stateful_passes(ops, state, &(struct made){ .ttl = 2 }, 0));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "routed"), 1);
	ops->close(state);
	filter_free(all);
}

static void parsed_filters_are_understood(void)
{
	static const struct filter_names none;
	struct filter_error e;
	const struct filter *in =
	    filter_parse("ip.dst in {10.1.0.0/16, 192.0.2.1/32, fd00::/8}", &none, &e);
	const struct filter *out =
	    filter_parse("not ip.dst in {10.1.0.0/16, 192.0.2.1/32, fd00::/8}", &none, &e);
	const struct module_edge edges[] = { { .to = "a", .when = in },
					     { .to = "b", .when = out } };
	static const struct made sent[] = { { .dst = "10.1.2.3" },
					    { .dst = "10.2.2.3" },
					    { .dst = "192.0.2.1" },
					    { .family = 6, .dst = "fd12::1" },
					    { .family = 6, .dst = "fe80::1" } };
	static const int16_t expected[] = { 0, 1, 0, 0, 1 };
	struct rte_mbuf *packets[5];
	struct burst *b = packets_burst(0);
	int16_t chosen[BURST];
	void *state = open_edges(edges, 2, "10.0.0.0/8");

	for (unsigned i = 0; i < 5; i++)
		packets[i] = packets_make(&sent[i]);
	CU_ASSERT(ops->chooses(state));
	run_and_choose(state, b, packets, 5, chosen);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(chosen[i], expected[i]);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "routed"), 2);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "default"), 3);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "lookups4"), 3);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "lookups6"), 2);
	ops->close(state);
	packets_free(b);
	rte_pktmbuf_free_bulk(packets, 5);
	filter_free(in);
	filter_free(out);
}

static void bad_routes_are_refused(void)
{
	static const char *const bad[] = { "10.0.0.0/40", "10.0.0.1/8", "somewhere",
					   "::1/129",     "10.0.0.0/",  "1.2.3.4/8x" };
	struct settings s[7] = { 0 };

	for (unsigned i = 0; i < 6; i++) {
		struct module_error e = { "" };
		char why[80];

		settings_add(&s[i], packets_text("routes", bad[i]));
		CU_ASSERT_PTR_NULL(stateful_open(ops, &s[i], &e));
		snprintf(why, sizeof(why), "routes: %s is no prefix", bad[i]);
		UNIT_TEXT(why, e.text);
	}
}

static void survives_malformed_packets(void)
{
	struct settings s = { 0 };
	void *state;

	settings_add(&s, packets_text("routes", "10.0.0.0/30"));
	state = stateful_open(ops, &s, &(struct module_error){ "" });
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	stateful_fuzz(ops, state, 100000);
	CU_ASSERT(stateful_counter(ops, state, "routed") > 0);
	ops->close(state);
}

/* ---- acl, classifier ---- */

static void filters_alone_decide_behind_an_acl(void)
{
	const struct module_ops *const classes[] = { &module_acl, &module_classifier };

	for (unsigned i = 0; i < 2; i++) {
		struct settings none = { 0 }, some = { 0 };
		struct module_error e = { "" };
		void *state = stateful_open(classes[i], &none, &e);

		CU_ASSERT_PTR_NOT_NULL_FATAL(state);
		CU_ASSERT(stateful_passes(classes[i], state, &(struct made){ .ttl = 1 }, 0));
		CU_ASSERT_EQUAL(stateful_counter(classes[i], state, "filtered"), 1);
		classes[i]->close(state);
		settings_add(&some, packets_number("rules", 3));
		CU_ASSERT_PTR_NULL(stateful_open(classes[i], &some, &e));
		CU_ASSERT(strstr(e.text, "rules: class ") == e.text);
	}
}

static const struct unit units[] = {
	{ "sorted_tables_equal_a_scan", sorted_tables_equal_a_scan },
	{ "large_tables_equal_a_scan", large_tables_equal_a_scan },
	{ "edges_are_those_of_the_filters", edges_are_those_of_the_filters },
	{ "other_filters_are_left_to_the_graph", other_filters_are_left_to_the_graph },
	{ "a_single_way_is_still_counted", a_single_way_is_still_counted },
	{ "parsed_filters_are_understood", parsed_filters_are_understood },
	{ "bad_routes_are_refused", bad_routes_are_refused },
	{ "survives_malformed_packets", survives_malformed_packets },
	{ "filters_alone_decide_behind_an_acl", filters_alone_decide_behind_an_acl },
};

int main(void)
{
	packets_start("epic-test-lpm");
	return unit_main("lpm", units, sizeof(units) / sizeof(*units));
}
