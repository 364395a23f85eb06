#include <config.h>

#include <string.h>

#include "compiler/base/addr.h"
#include "compiler/base/arena.h"
#include "compiler/base/sink.h"
#include "compiler/filter/filter.h"
#include "tests/unit/unit.h"

enum { N_MANY = 10000 };

struct world {
	struct arena *arena;
	struct fields *f;
};

static const char *const verdicts[] = { "pass", "alert" };

static struct world world_new(void)
{
	struct world w = { .arena = arena_new() };

	w.f = fields_new(w.arena);
	fields_add_derived(w.f, "ids.verdict", verdicts, 2);
	fields_add_derived(w.f, "ids.user", NULL, 0);
	return w;
}

/* ---- short spellings of filters ---- */

static const struct fx *is(struct world *w, const char *field, const struct fx_member *m, size_t n)
{
	return fx_cmp(w->f, fields_find(w->f, field), m, n);
}

static const struct fx *range(struct world *w, const char *field, uint64_t lo, uint64_t hi)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = lo, .hi = hi };

	return is(w, field, &m, 1);
}

static const struct fx *number(struct world *w, const char *field, uint64_t v)
{
	return range(w, field, v, v);
}

static const struct fx *text(struct world *w, const char *field, const char *t)
{
	struct fx_member m = { .kind = FX_TEXT, .text = t };

	return is(w, field, &m, 1);
}

/* An address, or a prefix if it is written with its length. */
static struct fx_member member(const char *written)
{
	struct prefix p;

	CU_ASSERT_FATAL(prefix_parse(written, strlen(written), &p));
	return (struct fx_member){ .kind = p.is_prefix ? FX_PREFIX : FX_RANGE,
				   .family = p.family,
				   .length = p.length,
				   .lo = prefix_first(p),
				   .hi = prefix_last(p) };
}

static const struct fx *address(struct world *w, const char *field, const char *written)
{
	struct fx_member m = member(written);

	return is(w, field, &m, 1);
}

static const struct fx *both(struct world *w, const struct fx *a, const struct fx *b)
{
	return fx_and(w->f, (const struct fx *[]){ a, b }, 2);
}

static const struct fx *either(struct world *w, const struct fx *a, const struct fx *b)
{
	return fx_or(w->f, (const struct fx *[]){ a, b }, 2);
}

static const struct fx *negated(struct world *w, const struct fx *a)
{
	return fx_not(w->f, a);
}

static bool is_empty(struct world *w, const struct fx *fx)
{
	return cubes_empty(fx_cubes(w->f, fx));
}

static bool is_within(struct world *w, const struct fx *small, const struct fx *large)
{
	return cubes_subset(w->f, fx_cubes(w->f, small), fx_cubes(w->f, large));
}

#define TEXT(w, fx, expected) UNIT_TEXT(expected, fx_text((w)->f, (fx)))

/* ---- canonical texts ---- */

static void services_are_expanded(void)
{
	struct world w = world_new();

	TEXT(&w, fx_service(w.f, 6, 443, 443), "ip.proto == 6 and l4.dport == 443");
	TEXT(&w, fx_service(w.f, 17, 8000, 8080), "ip.proto == 17 and l4.dport in 8000..8080");
	TEXT(&w, number(&w, "tcp.dport", 80), "ip.proto == 6 and l4.dport == 80");
	TEXT(&w, negated(&w, number(&w, "udp.sport", 53)),
	     "not ip.proto == 17 or not l4.sport == 53");
	arena_free(w.arena);
}

static void members_are_sorted_and_joined(void)
{
	struct world w = world_new();
	struct fx_member ports[] = {
		{ .kind = FX_RANGE, .lo = 443, .hi = 443 },
		{ .kind = FX_RANGE, .lo = 81, .hi = 81 },
		{ .kind = FX_RANGE, .lo = 80, .hi = 80 },
		{ .kind = FX_RANGE, .lo = 9, .hi = 9 },
		{ .kind = FX_RANGE, .lo = 500, .hi = 600 },
		{ .kind = FX_RANGE, .lo = 550, .hi = 700 },
		{ .kind = FX_RANGE, .lo = 443, .hi = 443 },
	};

	TEXT(&w, is(&w, "l4.dport", ports, 7), "l4.dport in {9, 80..81, 443, 500..700}");
	TEXT(&w, is(&w, "l4.dport", ports + 1, 2), "l4.dport in 80..81");
	TEXT(&w, is(&w, "l4.dport", ports, 1), "l4.dport == 443");
	TEXT(&w, is(&w, "l4.dport", ports, 0), "false");
	arena_free(w.arena);
}

static void prefixes_come_before_addresses(void)
{
	struct world w = world_new();
	struct fx_member m[] = { member("2001:db8::1"), member("10.0.0.2"),
				 member("10.0.0.1"),    member("fe80::/10"),
				 member("10.1.0.0/16"), member("10.0.0.0/8"),
				 member("10.1.0.0/16"), member("255.255.255.255"),
				 member("::") };

	TEXT(&w, is(&w, "ip.src", m, 9),
	     "ip.src in {10.0.0.0/8, 10.1.0.0/16, fe80::/10, 10.0.0.1..10.0.0.2, "
	     "255.255.255.255, ::, 2001:db8::1}");
	TEXT(&w, address(&w, "ip.dst", "10.0.0.0/8"), "ip.dst in 10.0.0.0/8");
	TEXT(&w, address(&w, "ip.dst", "10.0.0.1/32"), "ip.dst in 10.0.0.1/32");
	TEXT(&w, address(&w, "ip.dst", "10.0.0.1"), "ip.dst == 10.0.0.1");
	arena_free(w.arena);
}

static void texts_and_macs_are_written_in_their_way(void)
{
	struct world w = world_new();
	struct fx_member hosts[] = { { .kind = FX_TEXT, .text = "b" },
				     { .kind = FX_TEXT, .text = "a\"\\\n\t" },
				     { .kind = FX_TEXT, .text = "b" } };

	TEXT(&w, is(&w, "http.host", hosts, 3), "http.host in {\"a\\\"\\\\\\n\\t\", \"b\"}");
	TEXT(&w, text(&w, "ids.verdict", "alert"), "ids.verdict == alert");
	TEXT(&w, text(&w, "ids.user", "alert"), "ids.user == \"alert\"");
	TEXT(&w, range(&w, "eth.src", 1, 0xfe), "eth.src in 00:00:00:00:00:01..00:00:00:00:00:fe");
	arena_free(w.arena);
}

static void not_is_pushed_down(void)
{
	struct world w = world_new();
	const struct fx *a = number(&w, "ip.ttl", 1), *b = number(&w, "vlan.id", 2);
	const struct fx *c = number(&w, "eth.type", 3);

	TEXT(&w, negated(&w, either(&w, a, both(&w, b, negated(&w, c)))),
	     "(eth.type == 3 or not vlan.id == 2) and not ip.ttl == 1");
	TEXT(&w, negated(&w, negated(&w, a)), "ip.ttl == 1");
	arena_free(w.arena);
}

static void nests_of_one_kind_are_flattened(void)
{
	struct world w = world_new();
	const struct fx *a = number(&w, "ip.ttl", 1), *b = number(&w, "vlan.id", 2);
	const struct fx *c = number(&w, "eth.type", 3);

	TEXT(&w, both(&w, b, both(&w, a, both(&w, c, a))),
	     "eth.type == 3 and ip.ttl == 1 and vlan.id == 2");
	TEXT(&w, either(&w, b, negated(&w, both(&w, negated(&w, a), c))),
	     "ip.ttl == 1 or not eth.type == 3 or vlan.id == 2");
	/* The inner `or` is one operand once its duplicate is gone. */
	TEXT(&w, both(&w, b, either(&w, both(&w, a, c), both(&w, c, a))),
	     "eth.type == 3 and ip.ttl == 1 and vlan.id == 2");
	arena_free(w.arena);
}

static void parentheses_do_not_sort(void)
{
	struct world w = world_new();
	const struct fx *a = number(&w, "ip.ttl", 1), *b = number(&w, "ip.ttl", 2);
	const struct fx *c = number(&w, "eth.type", 3);

	TEXT(&w, both(&w, either(&w, a, b), c), "eth.type == 3 and (ip.ttl == 1 or ip.ttl == 2)");
	TEXT(&w, either(&w, both(&w, a, b), c), "eth.type == 3 or ip.ttl == 1 and ip.ttl == 2");
	arena_free(w.arena);
}

static void constants_vanish(void)
{
	struct world w = world_new();
	const struct fx *a = number(&w, "ip.ttl", 1), *yes = fx_true(w.f), *no = fx_false(w.f);

	TEXT(&w, both(&w, a, yes), "ip.ttl == 1");
	TEXT(&w, both(&w, a, no), "false");
	TEXT(&w, either(&w, a, negated(&w, no)), "true");
	TEXT(&w, negated(&w, both(&w, a, negated(&w, yes))), "true");
	TEXT(&w, fx_and(w.f, NULL, 0), "true");
	TEXT(&w, fx_or(w.f, NULL, 0), "false");
	arena_free(w.arena);
}

/* ---- presence and families ---- */

static void ports_need_a_protocol_that_has_them(void)
{
	struct world w = world_new();
	const struct fx *port = number(&w, "l4.dport", 53);

	CU_ASSERT(is_empty(&w, both(&w, port, number(&w, "ip.proto", 1))));
	CU_ASSERT(is_empty(&w, both(&w, port, number(&w, "ip.frag", 1))));
	CU_ASSERT(!is_empty(&w, both(&w, port, number(&w, "ip.proto", 132))));
	CU_ASSERT(is_within(&w, number(&w, "tcp.flags", 2), range(&w, "l4.sport", 0, 65535)));
	CU_ASSERT(is_empty(&w, both(&w, number(&w, "icmp.type", 8), range(&w, "ip.proto", 2, 57))));
	arena_free(w.arena);
}

static void a_negation_holds_where_the_field_is_absent(void)
{
	struct world w = world_new();
	const struct fx *other = negated(&w, number(&w, "vlan.id", 7));
	const struct fx *tagged = range(&w, "vlan.id", 0, 4094);

	CU_ASSERT(!is_within(&w, other, tagged));
	CU_ASSERT(!is_empty(&w, negated(&w, tagged)));
	CU_ASSERT(is_empty(
	    &w, both(&w, negated(&w, range(&w, "ip.ttl", 0, 255)), number(&w, "ip.proto", 6))));
	arena_free(w.arena);
}

static void derived_attributes_are_never_absent(void)
{
	struct world w = world_new();
	const struct fx *any =
	    either(&w, text(&w, "ids.verdict", "pass"), text(&w, "ids.verdict", "alert"));

	CU_ASSERT(is_within(&w, fx_true(w.f), any));
	CU_ASSERT(!is_empty(&w, negated(&w, text(&w, "ids.user", "root"))));
	arena_free(w.arena);
}

static void source_and_destination_are_of_one_family(void)
{
	struct world w = world_new();
	const struct fx *four = address(&w, "ip.src", "10.0.0.0/8");
	const struct fx *six = address(&w, "ip.dst", "2001:db8::/32");
	struct fx_member whole[] = { member("0.0.0.0/0"), member("::/0") };

	CU_ASSERT(is_empty(&w, both(&w, four, six)));
	CU_ASSERT(!is_empty(&w, both(&w, four, negated(&w, six))));
	CU_ASSERT(is_within(&w, number(&w, "ip.ttl", 1), is(&w, "ip.src", whole, 2)));
	CU_ASSERT(!is_within(&w, number(&w, "ip.ttl", 1), is(&w, "ip.src", whole, 1)));
	arena_free(w.arena);
}

/* ---- examples ---- */

static void shows(struct world *w, const struct fx *fx, const char *words, const char *json)
{
	struct packet p = cubes_example(w->f, fx_cubes(w->f, fx));
	struct sink s = { 0 }, j = { 0 };

	CU_ASSERT(fx_eval(fx, &p));
	packet_print(&s, &p);
	packet_json(&j, &p);
	UNIT_TEXT(words, s.data ? s.data : "");
	UNIT_TEXT(json, j.data);
	sink_free(&s);
	sink_free(&j);
}

static void examples_are_short(void)
{
	struct world w = world_new();

	shows(&w, fx_service(w.f, 17, 53, 60), "ip.proto udp, l4.dport 53",
	      "{\"ip.proto\": 17, \"l4.dport\": 53}");
	shows(&w, both(&w, number(&w, "ip.frag", 1), number(&w, "ip.proto", 99)),
	      "ip.proto 99, ip.frag 1", "{\"ip.proto\": 99, \"ip.frag\": 1}");
	shows(&w, both(&w, address(&w, "ip.src", "10.1.0.0/16"), number(&w, "eth.src", 1)),
	      "eth.src 00:00:00:00:00:01, ip.src 10.1.0.0",
	      "{\"eth.src\": \"00:00:00:00:00:01\", \"ip.src\": \"10.1.0.0\"}");
	shows(&w, both(&w, text(&w, "ids.verdict", "alert"), text(&w, "port.in", "eth\"0")),
	      "port.in \"eth\\\"0\", ids.verdict alert",
	      "{\"port.in\": \"eth\\\"0\", \"ids.verdict\": \"alert\"}");
	shows(&w, fx_true(w.f), "", "{}");
	arena_free(w.arena);
}

static void examples_tell_the_family_where_it_matters(void)
{
	struct world w = world_new();
	const struct fx *tcp = number(&w, "ip.proto", 6);

	shows(&w, both(&w, tcp, negated(&w, address(&w, "ip.dst", "0.0.0.0/0"))),
	      "ip.src ::, ip.proto tcp", "{\"ip.src\": \"::\", \"ip.proto\": 6}");
	shows(&w, tcp, "ip.proto tcp", "{\"ip.proto\": 6}");
	arena_free(w.arena);
}

static void an_example_of_other_texts_is_none_of_them(void)
{
	struct world w = world_new();
	const struct fx *texts[] = { text(&w, "ids.user", "other"), text(&w, "ids.user", "root") };
	const struct fx *rest = negated(&w, fx_or(w.f, texts, 2));

	shows(&w, rest, "ids.user \"other-2\"", "{\"ids.user\": \"other-2\"}");
	arena_free(w.arena);
}

static void an_uncovered_packet_is_found(void)
{
	struct world w = world_new();
	const struct cubes *ports = fx_cubes(w.f, fx_service(w.f, 6, 1, 100));
	const struct cubes *parts[] = { fx_cubes(w.f, fx_service(w.f, 6, 1, 49)),
					fx_cubes(w.f, fx_service(w.f, 6, 51, 100)) };
	struct sink s = { 0 };
	struct packet p;

	CU_ASSERT_FATAL(!cubes_covered(w.f, ports, parts, 2, &p));
	packet_print(&s, &p);
	UNIT_TEXT("ip.proto tcp, l4.dport 50", s.data);
	sink_free(&s);
	arena_free(w.arena);
}

/* ---- projection, relaxation, visits ---- */

static void a_projection_gives_the_ranges_of_a_field(void)
{
	struct world w = world_new();
	const struct fx *four = address(&w, "ip.src", "10.0.0.0/8");
	const struct fx *fx =
	    both(&w, four, either(&w, fx_service(w.f, 6, 80, 81), fx_service(w.f, 17, 82, 82)));
	const struct field *port = fields_find(w.f, "l4.dport"), *src = fields_find(w.f, "ip.src");
	struct fx_member *m;
	size_t n;

	CU_ASSERT_FATAL(cubes_project(w.f, fx_cubes(w.f, fx), port, 0, &m, &n));
	CU_ASSERT(n == 1 && m[0].lo == 80 && m[0].hi == 82);
	CU_ASSERT_FATAL(cubes_project(w.f, fx_cubes(w.f, fx), src, 4, &m, &n));
	CU_ASSERT(n == 1 && m[0].family == 4 && m[0].lo == 0x0a000000 && m[0].hi == 0x0affffff);
	CU_ASSERT(!cubes_project(w.f, fx_cubes(w.f, fx), src, 6, &m, &n));
	CU_ASSERT(!cubes_project(w.f, fx_cubes(w.f, four), port, 0, &m, &n));
	CU_ASSERT(!cubes_project(w.f, fx_cubes(w.f, negated(&w, fx)), port, 0, &m, &n));
	arena_free(w.arena);
}

static void a_projection_lists_known_texts_only(void)
{
	struct world w = world_new();
	const struct fx *user = text(&w, "ids.user", "root");
	const struct field *f = fields_find(w.f, "ids.user");
	struct fx_member *m;
	size_t n;

	CU_ASSERT_FATAL(cubes_project(w.f, fx_cubes(w.f, user), f, 0, &m, &n));
	CU_ASSERT_FATAL(n == 1);
	UNIT_TEXT("root", m[0].text);
	CU_ASSERT(!cubes_project(w.f, fx_cubes(w.f, negated(&w, user)), f, 0, &m, &n));
	arena_free(w.arena);
}

static bool is_derived(const struct field *f, void *arg)
{
	(void)arg;
	return f->derived;
}

static void dropped_comparisons_turn_true_even_negated(void)
{
	struct world w = world_new();
	const struct fx *a = number(&w, "ip.ttl", 1), *d = text(&w, "ids.user", "root");

	TEXT(&w, fx_relax(w.f, both(&w, a, d), is_derived, NULL), "ip.ttl == 1");
	TEXT(&w, fx_relax(w.f, both(&w, a, negated(&w, d)), is_derived, NULL), "ip.ttl == 1");
	TEXT(&w, fx_relax(w.f, negated(&w, either(&w, a, d)), is_derived, NULL), "not ip.ttl == 1");
	arena_free(w.arena);
}

static void note_name(const struct field *f, void *arg)
{
	sink_printf(arg, "%s ", f->name);
}

static void visits_see_both_halves_of_a_port(void)
{
	struct world w = world_new();
	struct sink s = { 0 };

	fx_visit(negated(&w, both(&w, number(&w, "tcp.dport", 80), number(&w, "ip.ttl", 1))),
		 note_name, &s);
	UNIT_TEXT("ip.proto l4.dport ip.ttl ", s.data);
	sink_free(&s);
	arena_free(w.arena);
}

/* ---- many ---- */

static void count_pair(size_t i, size_t j, const struct packet *p, void *arg)
{
	(void)p;
	CU_ASSERT(i == 17 && j == N_MANY - 1);
	++*(size_t *)arg;
}

static void negated_services_stay_small(void)
{
	struct world w = world_new();
	const struct fx **ports = arena_many(w.arena, const struct fx *, N_MANY);
	const struct cubes *rest;

	for (uint64_t i = 0; i < N_MANY; i++)
		ports[i] = fx_service(w.f, i % 2 ? 6 : 17, 3 * i, 3 * i);
	rest = fx_cubes(w.f, fx_not(w.f, fx_or(w.f, ports, N_MANY)));
	CU_ASSERT(cubes_count(rest) < 10);
	CU_ASSERT(!fields_overflowed(w.f));
	arena_free(w.arena);
}

static void one_pair_among_many_is_found(void)
{
	struct world w = world_new();
	const struct cubes **sets = arena_many(w.arena, const struct cubes *, N_MANY);
	size_t n_pairs = 0;

	for (uint64_t i = 0; i + 1 < N_MANY; i++)
		sets[i] = fx_cubes(
		    w.f, both(&w, number(&w, "eth.type", i / 100), number(&w, "vlan.id", i % 100)));
	sets[N_MANY - 1] = sets[17];
	cubes_overlaps(w.f, sets, N_MANY, 0, count_pair, &n_pairs);
	CU_ASSERT(n_pairs == 1);
	arena_free(w.arena);
}

/* Wide boxes that cross each other in six dimensions leave millions of gaps. */
static void a_filter_of_too_many_boxes_is_told(void)
{
	static const char *const names[] = { "ip.ttl",  "ip.dscp", "eth.type",
					     "vlan.id", "eth.src", "eth.dst" };
	struct world w = world_new();
	const struct fx *boxes[300], *sides[6];
	uint64_t draw = 1;

	for (size_t i = 0; i < 300; i++) {
		for (size_t k = 0; k < 6; k++) {
			draw = draw * 6364136223846793005u + 1442695040888963407u;
			sides[k] =
			    range(&w, names[k], draw >> 59, (draw >> 59) + (draw >> 32) % 32);
		}
		boxes[i] = fx_and(w.f, sides, 6);
	}
	fx_cubes(w.f, fx_not(w.f, fx_or(w.f, boxes, 3)));
	CU_ASSERT(!fields_overflowed(w.f));
	fx_cubes(w.f, fx_not(w.f, fx_or(w.f, boxes, 300)));
	CU_ASSERT(fields_overflowed(w.f));
	arena_free(w.arena);
}

static const struct unit units[] = {
	{ "services_are_expanded", services_are_expanded },
	{ "members_are_sorted_and_joined", members_are_sorted_and_joined },
	{ "prefixes_come_before_addresses", prefixes_come_before_addresses },
	{ "texts_and_macs_are_written_in_their_way", texts_and_macs_are_written_in_their_way },
	{ "not_is_pushed_down", not_is_pushed_down },
	{ "nests_of_one_kind_are_flattened", nests_of_one_kind_are_flattened },
	{ "parentheses_do_not_sort", parentheses_do_not_sort },
	{ "constants_vanish", constants_vanish },
	{ "ports_need_a_protocol_that_has_them", ports_need_a_protocol_that_has_them },
	{ "a_negation_holds_where_the_field_is_absent",
	  a_negation_holds_where_the_field_is_absent },
	{ "derived_attributes_are_never_absent", derived_attributes_are_never_absent },
	{ "source_and_destination_are_of_one_family", source_and_destination_are_of_one_family },
	{ "examples_are_short", examples_are_short },
	{ "examples_tell_the_family_where_it_matters", examples_tell_the_family_where_it_matters },
	{ "an_example_of_other_texts_is_none_of_them", an_example_of_other_texts_is_none_of_them },
	{ "an_uncovered_packet_is_found", an_uncovered_packet_is_found },
	{ "a_projection_gives_the_ranges_of_a_field", a_projection_gives_the_ranges_of_a_field },
	{ "a_projection_lists_known_texts_only", a_projection_lists_known_texts_only },
	{ "dropped_comparisons_turn_true_even_negated",
	  dropped_comparisons_turn_true_even_negated },
	{ "visits_see_both_halves_of_a_port", visits_see_both_halves_of_a_port },
	{ "negated_services_stay_small", negated_services_stay_small },
	{ "one_pair_among_many_is_found", one_pair_among_many_is_found },
	{ "a_filter_of_too_many_boxes_is_told", a_filter_of_too_many_boxes_is_told },
};

int main(void)
{
	return unit_main("filter", units, sizeof(units) / sizeof(*units));
}
