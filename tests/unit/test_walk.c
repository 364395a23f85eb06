/* The interpreter of pipelines, on graphs made by hand. */
#include <config.h>

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "compiler/base/arena.h"
#include "compiler/base/vec.h"
#include "compiler/ir/walk.h"

enum { MOST_MODULES = 64, MOST_EDGES = 160, MOST_VALUES = 16 };

/* A pipeline under construction, and what is known of a packet. */
struct bench {
	struct arena *arena;
	struct ir ir;
	struct ir_pipeline pipeline;
	struct ir_module modules[MOST_MODULES];
	struct ir_edge edges[MOST_EDGES];
	struct ir_function functions[1];
	struct packet_value values[MOST_VALUES];
	const struct field *hidden[MOST_VALUES];
	struct walk_rewrite rewrites[MOST_VALUES];
	struct walk_packet packet;
	struct sink text;
};

static void bench_open(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->arena = arena_new();
	b->ir.fields = fields_new(b->arena);
	b->ir.pipelines = &b->pipeline;
	b->ir.n_pipelines = 1;
	b->ir.functions = b->functions;
	b->ir.n_functions = 1;
	b->functions[0].name = "rewriter";
	b->pipeline.name = "p";
	b->pipeline.modules = b->modules;
	b->pipeline.edges = b->edges;
	b->packet.packet.at = b->values;
	b->packet.hidden = b->hidden;
	b->packet.rewrites = b->rewrites;
}

static void bench_close(struct bench *b)
{
	sink_free(&b->text);
	arena_free(b->arena);
}

static uint32_t module(struct bench *b, const char *name, enum ir_role role)
{
	uint32_t i = (uint32_t)b->pipeline.n_modules++;

	b->modules[i] = (struct ir_module){ .name = name, .role = role, .function = ID_NONE };
	return i;
}

static const struct field *field(const struct bench *b, const char *name)
{
	return fields_find(b->ir.fields, name);
}

/* Keeps the edges in the order that the graph promises. */
static void wire(struct bench *b, uint32_t from, uint32_t to, const struct fx *when, bool copy)
{
	size_t i = b->pipeline.n_edges++;
	struct ir_edge e = { .from = from, .to = to, .copy = copy, .fx = when };

	e.when = fx_text(b->ir.fields, when);
	for (; i && (b->edges[i - 1].from > from ||
		     (b->edges[i - 1].from == from && b->edges[i - 1].to > to));
	     i--)
		b->edges[i] = b->edges[i - 1];
	b->edges[i] = e;
}

static const struct fx *always(const struct bench *b)
{
	return fx_true(b->ir.fields);
}

static const struct fx *is_number(const struct bench *b, const char *name, uint64_t value)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = value, .hi = value };

	return fx_cmp(b->ir.fields, field(b, name), &m, 1);
}

static const struct fx *is_word(const struct bench *b, const char *name, const char *word)
{
	struct fx_member m = { .kind = FX_TEXT, .text = word };

	return fx_cmp(b->ir.fields, field(b, name), &m, 1);
}

static const struct fx *negated(const struct bench *b, const struct fx *fx)
{
	return fx_not(b->ir.fields, fx);
}

static const struct fx *both(const struct bench *b, const struct fx *x, const struct fx *y)
{
	return fx_and(b->ir.fields, (const struct fx *[]){ x, y }, 2);
}

static const struct fx *either(const struct bench *b, const struct fx *x, const struct fx *y)
{
	return fx_or(b->ir.fields, (const struct fx *[]){ x, y }, 2);
}

static void give(struct bench *b, const char *name, uint64_t value)
{
	b->values[b->packet.packet.n++] =
	    (struct packet_value){ .field = field(b, name), .value = value };
}

static void give_word(struct bench *b, const char *name, const char *word)
{
	b->values[b->packet.packet.n++] =
	    (struct packet_value){ .field = field(b, name), .text = word };
}

static void hide(struct bench *b, const char *name)
{
	b->hidden[b->packet.n_hidden++] = field(b, name);
}

static void add_verdict(struct bench *b)
{
	static const char *const verdicts[] = { "accept", "alert", "drop" };

	fields_add_derived(b->ir.fields, "p.ids.verdict", verdicts, 3);
}

/* ---- what came of it, as a text ---- */

static void put_way(struct bench *b, const struct walk_way *way)
{
	static const char *const ends[] = { "", "", " dropped", " open", " cut" };

	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *s = &way->steps[i];

		sink_printf(&b->text, "%s%s", i ? " " : "", b->modules[s->module].name);
		for (size_t k = 0; k < s->n_copies; k++) {
			sink_puts(&b->text, s->copies[k].open ? " (?" : " (");
			put_way(b, &s->copies[k].way);
			sink_putc(&b->text, ')');
		}
		sink_puts(&b->text, ends[s->end]);
	}
}

static const char *walk_text(struct bench *b, const struct walk *w)
{
	sink_free(&b->text);
	b->text = (struct sink){ 0 };
	put_way(b, &w->way);
	for (size_t i = 0; i < w->n_needs; i++) {
		const struct walk_need *n = &w->needs[i];

		sink_printf(&b->text, "; %s needs %s",
			    n->module == ID_NONE ? "class" : b->modules[n->module].name,
			    n->field->name);
		if (n->rewriter != ID_NONE)
			sink_printf(&b->text, " of %s", b->modules[n->rewriter].name);
	}
	return b->text.data;
}

static struct walk *walk(struct bench *b)
{
	return walk_packet(b->arena, &b->ir, 0, 0, &b->packet);
}

static const char *walked(struct bench *b)
{
	return walk_text(b, walk(b));
}

/* ---- edges ---- */

/* in -> out for port 80, in -> log for port 53. */
static void open_fork(struct bench *b)
{
	uint32_t in, out, log;

	bench_open(b);
	in = module(b, "in", IR_ROLE_SOURCE);
	out = module(b, "out", IR_ROLE_EXIT);
	log = module(b, "log", IR_ROLE_EXIT);
	wire(b, in, out, is_number(b, "l4.dport", 80), false);
	wire(b, in, log, is_number(b, "l4.dport", 53), false);
}

static void takes_its_edge(void)
{
	struct bench b;

	open_fork(&b);
	give(&b, "l4.dport", 53);
	UNIT_TEXT("in log", walked(&b));
	b.values[0].value = 80;
	UNIT_TEXT("in out", walked(&b));
	bench_close(&b);
}

static void no_edge_drops(void)
{
	struct bench b;

	open_fork(&b);
	give(&b, "l4.dport", 443);
	UNIT_TEXT("in dropped", walked(&b));
	bench_close(&b);
}

static void absent_is_not_unknown(void)
{
	struct bench b;

	open_fork(&b);
	UNIT_TEXT("in dropped", walked(&b));
	hide(&b, "l4.dport");
	UNIT_TEXT("in open; in needs l4.dport", walked(&b));
	bench_close(&b);
}

static void transit_end_drops(void)
{
	struct bench b;

	bench_open(&b);
	module(&b, "in", IR_ROLE_SOURCE);
	module(&b, "mid", IR_ROLE_TRANSIT);
	wire(&b, 0, 1, always(&b), false);
	UNIT_TEXT("in mid dropped", walked(&b));
	b.modules[1].role = IR_ROLE_PORT;
	UNIT_TEXT("in mid", walked(&b));
	bench_close(&b);
}

static void the_edge_is_named(void)
{
	struct bench b;
	const struct walk *w;

	open_fork(&b);
	give(&b, "l4.dport", 53);
	w = walk(&b);
	CU_ASSERT_EQUAL_FATAL(w->way.n, 2);
	UNIT_TEXT("l4.dport == 53", b.edges[w->way.steps[0].edge].when);
	CU_ASSERT_EQUAL(w->way.steps[1].edge, ID_NONE);
	CU_ASSERT_EQUAL(w->way.steps[1].end, WALK_EXIT);
	bench_close(&b);
}

/* ---- copies ---- */

static void copies_go_on(void)
{
	struct bench b;
	uint32_t in, mid, tap, out, log;

	bench_open(&b);
	in = module(&b, "in", IR_ROLE_SOURCE);
	mid = module(&b, "mid", IR_ROLE_TRANSIT);
	out = module(&b, "out", IR_ROLE_EXIT);
	tap = module(&b, "tap", IR_ROLE_TRANSIT);
	log = module(&b, "log", IR_ROLE_EXIT);
	wire(&b, in, mid, always(&b), false);
	wire(&b, in, tap, always(&b), true);
	wire(&b, mid, out, always(&b), false);
	wire(&b, mid, log, is_number(&b, "l4.dport", 80), true);
	wire(&b, tap, log, is_number(&b, "l4.dport", 53), false);
	wire(&b, tap, mid, always(&b), true);
	give(&b, "l4.dport", 80);
	UNIT_TEXT("in (tap (mid (log) out) dropped) mid (log) out", walked(&b));
	b.values[0].value = 53;
	UNIT_TEXT("in (tap (mid out) log) mid out", walked(&b));
	bench_close(&b);
}

static void open_copy(void)
{
	struct bench b;

	open_fork(&b);
	add_verdict(&b);
	wire(&b, 0, 1, is_word(&b, "p.ids.verdict", "alert"), true);
	give(&b, "l4.dport", 53);
	UNIT_TEXT("in (?) log; in needs p.ids.verdict", walked(&b));
	give_word(&b, "p.ids.verdict", "alert");
	UNIT_TEXT("in (out) log", walked(&b));
	b.values[1].text = "drop";
	UNIT_TEXT("in log", walked(&b));
	bench_close(&b);
}

/* Each module sends two copies to the next: 2^30 ways. */
static void too_many_copies(void)
{
	struct bench b;
	const struct walk *w;

	bench_open(&b);
	for (uint32_t i = 0; i < 30; i++)
		module(&b, i ? "m" : "in", i ? IR_ROLE_TRANSIT : IR_ROLE_SOURCE);
	module(&b, "out", IR_ROLE_EXIT);
	for (uint32_t i = 0; i < 30; i++) {
		wire(&b, i, i + 1, always(&b), true);
		wire(&b, i, i + 1, always(&b), true);
	}
	w = walk(&b);
	CU_ASSERT_EQUAL(w->way.steps[0].n_copies, 2);
	CU_ASSERT_EQUAL(w->way.steps[0].copies[1].way.steps[0].end, WALK_CUT);
	bench_close(&b);
}

/* ---- what is not known ---- */

/* in -> ids; ids -> out, log by its verdict. */
static void open_ids(struct bench *b)
{
	uint32_t in, ids, out, log;

	bench_open(b);
	add_verdict(b);
	in = module(b, "in", IR_ROLE_SOURCE);
	ids = module(b, "ids", IR_ROLE_TRANSIT);
	out = module(b, "out", IR_ROLE_EXIT);
	log = module(b, "log", IR_ROLE_EXIT);
	wire(b, in, ids, always(b), false);
	wire(b, ids, out, is_word(b, "p.ids.verdict", "accept"), false);
	wire(b, ids, log, is_word(b, "p.ids.verdict", "drop"), false);
}

static void derived_is_needed(void)
{
	struct bench b;
	const struct walk *w;

	open_ids(&b);
	w = walk(&b);
	UNIT_TEXT("in ids open; ids needs p.ids.verdict", walk_text(&b, w));
	CU_ASSERT_EQUAL(w->way.steps[1].open.n, 2);
	give_word(&b, "p.ids.verdict", "drop");
	UNIT_TEXT("in ids log", walked(&b));
	b.values[0].text = "alert";
	UNIT_TEXT("in ids dropped", walked(&b));
	bench_close(&b);
}

static void decided_anyway(void)
{
	struct bench b;
	const struct fx *alert, *web;

	bench_open(&b);
	add_verdict(&b);
	module(&b, "in", IR_ROLE_SOURCE);
	module(&b, "out", IR_ROLE_EXIT);
	module(&b, "log", IR_ROLE_EXIT);
	alert = is_word(&b, "p.ids.verdict", "alert");
	web = is_number(&b, "l4.dport", 80);
	wire(&b, 0, 1, both(&b, alert, web), false);
	wire(&b, 0, 2, either(&b, negated(&b, web), negated(&b, alert)), false);
	give(&b, "l4.dport", 53);
	UNIT_TEXT("in log", walked(&b));
	b.values[0].value = 80;
	UNIT_TEXT("in open; in needs p.ids.verdict", walked(&b));
	bench_close(&b);
}

/* Of (verdict and port 80) or (flags and port 53) only one half matters to a packet. */
static void only_what_matters(void)
{
	struct bench b;
	const struct fx *left, *right;

	bench_open(&b);
	add_verdict(&b);
	module(&b, "in", IR_ROLE_SOURCE);
	module(&b, "out", IR_ROLE_EXIT);
	left = both(&b, is_word(&b, "p.ids.verdict", "alert"), is_number(&b, "l4.dport", 80));
	right = both(&b, is_number(&b, "tcp.flags", 2), is_number(&b, "l4.dport", 53));
	wire(&b, 0, 1, either(&b, left, right), false);
	hide(&b, "tcp.flags");
	give(&b, "l4.dport", 53);
	UNIT_TEXT("in open; in needs tcp.flags", walked(&b));
	b.values[0].value = 80;
	UNIT_TEXT("in open; in needs p.ids.verdict", walked(&b));
	bench_close(&b);
}

static void sure_edge_wins(void)
{
	struct bench b;
	const struct fx *alert;

	open_fork(&b);
	add_verdict(&b);
	alert = is_word(&b, "p.ids.verdict", "alert");
	wire(&b, 0, 1, both(&b, alert, negated(&b, is_number(&b, "l4.dport", 53))), false);
	give(&b, "l4.dport", 53);
	UNIT_TEXT("in log", walked(&b));
	bench_close(&b);
}

static void all_values_need_none(void)
{
	struct bench b;
	const struct fx *some, *any;

	open_ids(&b);
	some = either(&b, is_word(&b, "p.ids.verdict", "accept"),
		      is_word(&b, "p.ids.verdict", "alert"));
	any = fx_cmp(b.ir.fields, field(&b, "p.ids.verdict"),
		     (struct fx_member[]){ { .kind = FX_TEXT, .text = "accept" },
					   { .kind = FX_TEXT, .text = "alert" },
					   { .kind = FX_TEXT, .text = "drop" } },
		     3);
	CU_ASSERT_EQUAL(walk_entering(&b.packet, any), FX_YES);
	CU_ASSERT_EQUAL(walk_entering(&b.packet, negated(&b, any)), FX_NO);
	CU_ASSERT_EQUAL(walk_entering(&b.packet, some), FX_OPEN);
	bench_close(&b);
}

/* ---- rewriting ---- */

/* in -> nat -> fw, in -> log for port 53; nat rewrites FIELD and fw looks at ON. */
static void open_nat(struct bench *b, const char *rewritten,
		     const struct fx *(*on)(const struct bench *))
{
	uint32_t in, nat, fw, out;

	bench_open(b);
	in = module(b, "in", IR_ROLE_SOURCE);
	nat = module(b, "nat", IR_ROLE_TRANSIT);
	fw = module(b, "fw", IR_ROLE_TRANSIT);
	out = module(b, "out", IR_ROLE_EXIT);
	b->functions[0].rewrites = arena_one(b->arena, const struct field *);
	b->functions[0].rewrites[0] = field(b, rewritten);
	b->functions[0].n_rewrites = 1;
	b->modules[nat].function = 0;
	wire(b, in, nat, on(b), false);
	wire(b, nat, fw, always(b), false);
	wire(b, fw, out, on(b), false);
}

static const struct fx *to_web(const struct bench *b)
{
	return is_number(b, "l4.dport", 80);
}

static const struct fx *not_to_web(const struct bench *b)
{
	return negated(b, is_number(b, "l4.dport", 80));
}

static const struct fx *without_vlan(const struct bench *b)
{
	return negated(b, is_number(b, "vlan.id", 7));
}

static void rewritten_is_unknown(void)
{
	struct bench b;

	open_nat(&b, "l4.dport", to_web);
	give(&b, "l4.dport", 80);
	UNIT_TEXT("in nat fw open; fw needs l4.dport of nat", walked(&b));
	bench_close(&b);
}

static void given_is_known_again(void)
{
	struct bench b;

	open_nat(&b, "l4.dport", to_web);
	give(&b, "l4.dport", 80);
	b.rewrites[0] = (struct walk_rewrite){ 1, { .field = field(&b, "l4.dport"), .value = 80 } };
	b.packet.n_rewrites = 1;
	UNIT_TEXT("in nat fw out", walked(&b));
	b.rewrites[0].value.value = 8080;
	UNIT_TEXT("in nat fw dropped", walked(&b));
	b.rewrites[0].module = 2; /* which rewrites nothing */
	UNIT_TEXT("in nat fw open; fw needs l4.dport of nat", walked(&b));
	bench_close(&b);
}

static void absent_is_not_rewritten(void)
{
	struct bench b;

	open_nat(&b, "l4.dport", not_to_web);
	give(&b, "ip.proto", 1);
	UNIT_TEXT("in nat fw out", walked(&b));
	bench_close(&b);
}

static void tags_may_be_put_in(void)
{
	struct bench b;

	open_nat(&b, "vlan.id", without_vlan);
	UNIT_TEXT("in nat fw open; fw needs vlan.id of nat", walked(&b));
	bench_close(&b);
}

static void protocol_hides_ports(void)
{
	struct bench b;

	open_nat(&b, "ip.proto", to_web);
	give(&b, "ip.proto", 6);
	give(&b, "l4.dport", 80);
	UNIT_TEXT("in nat fw open; fw needs l4.dport of nat", walked(&b));
	CU_ASSERT(walk_rewrites(&b.functions[0], field(&b, "l4.dport")));
	CU_ASSERT(!walk_rewrites(&b.functions[0], field(&b, "ip.src")));
	bench_close(&b);
}

/* ---- classes and sources ---- */

/* A class of what goes to `log`, with a filter of its own. */
static struct ir_class log_class(struct bench *b, const struct fx *match)
{
	uint32_t *modules = arena_many(b->arena, uint32_t, 2);
	struct ir_path *path = arena_one(b->arena, struct ir_path);

	modules[1] = 2;
	*path = (struct ir_path){ .modules = modules, .n = 2 };
	return (struct ir_class){ .name = "c", .fx = match, .paths = path, .n_paths = 1 };
}

static void class_needs_match_and_path(void)
{
	struct bench b;
	struct ir_class c;

	open_fork(&b);
	give(&b, "l4.dport", 53);
	give(&b, "ip.dscp", 46);
	c = log_class(&b, is_number(&b, "ip.dscp", 46));
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_YES);
	b.values[1].value = 0;
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_NO);
	b.values[1].value = 46;
	b.values[0].value = 80;
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_NO);
	b.values[0].value = 443;
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_NO);
	bench_close(&b);
}

static void class_may_be_open(void)
{
	struct bench b;
	struct ir_class c;
	struct walk *w;

	open_fork(&b);
	hide(&b, "ip.dscp");
	give(&b, "l4.dport", 53);
	c = log_class(&b, is_number(&b, "ip.dscp", 46));
	w = walk(&b);
	CU_ASSERT_EQUAL(walk_class(b.arena, w, &c, &b.packet), FX_OPEN);
	UNIT_TEXT("in log; class needs ip.dscp", walk_text(&b, w));
	/* Another way: its match is of no interest. */
	b.values[0].value = 80;
	w = walk(&b);
	CU_ASSERT_EQUAL(walk_class(b.arena, w, &c, &b.packet), FX_NO);
	UNIT_TEXT("in out", walk_text(&b, w));
	bench_close(&b);
}

static void open_way_leaves_classes_open(void)
{
	struct bench b;
	struct ir_class c;

	open_fork(&b);
	hide(&b, "l4.dport");
	give(&b, "ip.dscp", 46);
	c = log_class(&b, is_number(&b, "ip.dscp", 46));
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_OPEN);
	c.fx = is_number(&b, "ip.dscp", 0);
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_NO);
	bench_close(&b);
}

/* A class of copies has what was copied, not what went the same way by itself. */
static void copy_paths_are_no_ways(void)
{
	struct bench b;
	struct ir_class c;

	open_fork(&b);
	give(&b, "l4.dport", 53);
	c = log_class(&b, always(&b));
	c.paths[0].copy = true;
	CU_ASSERT_EQUAL(walk_class(b.arena, walk(&b), &c, &b.packet), FX_NO);
	bench_close(&b);
}

static void sources_are_found(void)
{
	struct bench b;
	struct ids found;

	open_fork(&b);
	module(&b, "port", IR_ROLE_PORT);
	module(&b, "unused", IR_ROLE_PORT);
	module(&b, "orphan", IR_ROLE_TRANSIT);
	wire(&b, 3, 1, always(&b), false);
	wire(&b, 5, 1, always(&b), false);
	found = walk_sources(b.arena, &b.pipeline);
	CU_ASSERT_EQUAL_FATAL(found.n, 2);
	CU_ASSERT_EQUAL(found.at[0], 0);
	CU_ASSERT_EQUAL(found.at[1], 3);
	bench_close(&b);
}

static const struct unit units[] = {
	{ "a_packet_takes_the_edge_whose_filter_it_meets", takes_its_edge },
	{ "a_packet_that_no_edge_takes_is_dropped", no_edge_drops },
	{ "an_absent_field_is_not_an_unknown_one", absent_is_not_unknown },
	{ "the_way_ends_in_a_port_but_not_in_a_transit_module", transit_end_drops },
	{ "the_walk_names_the_edge_that_was_taken", the_edge_is_named },
	{ "copies_go_on_by_themselves_and_are_copied_again", copies_go_on },
	{ "a_copy_that_may_be_sent_leaves_the_way_known", open_copy },
	{ "a_walk_of_too_many_copies_is_cut", too_many_copies },
	{ "a_derived_attribute_that_decides_is_needed", derived_is_needed },
	{ "what_is_decided_anyway_needs_nothing", decided_anyway },
	{ "only_fields_that_still_matter_are_asked_for", only_what_matters },
	{ "an_edge_that_is_sure_rules_out_its_siblings", sure_edge_wins },
	{ "a_comparison_with_all_values_of_an_attribute_needs_none", all_values_need_none },
	{ "a_rewritten_field_is_unknown_behind_its_rewriter_only", rewritten_is_unknown },
	{ "a_value_given_for_a_rewriter_is_known_behind_it", given_is_known_again },
	{ "a_header_field_that_is_absent_is_not_rewritten", absent_is_not_rewritten },
	{ "a_rewriter_may_put_in_a_tag", tags_may_be_put_in },
	{ "rewriting_the_protocol_hides_the_ports", protocol_hides_ports },
	{ "a_class_is_its_match_and_its_paths", class_needs_match_and_path },
	{ "a_class_whose_match_is_unknown_is_open", class_may_be_open },
	{ "an_unknown_way_leaves_the_classes_of_its_beginning_open", open_way_leaves_classes_open },
	{ "a_path_of_copies_makes_no_class", copy_paths_are_no_ways },
	{ "packets_enter_at_sources_and_at_ports_in_use", sources_are_found },
};

int main(void)
{
	return unit_main("walk", units, sizeof(units) / sizeof(*units));
}
