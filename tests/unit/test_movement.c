#include <config.h>

#include "compiler/solve/movement.h"

#include <string.h>

#include "tests/unit/unit.h"

/* The study of the reference: north (ehr, px) sends to hub (compute, px, px2);
 * attributes encryption, firewall, key-management, segmentation; label secret. */
enum { ENCRYPTION, FIREWALL, KEYS, SEGMENTATION, SECRET, N_ATTRS };
enum { BROKER, SEAL, SEGMENT, UNSEAL, N_FUNCTIONS };
enum { COMPUTE, HUB_PX, HUB_PX2, EHR, NORTH_PX, N_NODES };
enum { HUB, NORTH, N_DOMAINS };

struct study {
	struct ctx *ctx;
	struct arena *arena;
	struct ir ir;
	struct ir_attr attrs[N_ATTRS];
	struct ir_function functions[N_FUNCTIONS];
	struct ir_node nodes[N_NODES];
	struct ir_domain domains[N_DOMAINS];
	struct ir_rule rules[4];
	struct ir_application applications[1];
	struct ir_flow flows[3];
};

static struct ids set(struct study *s, size_t n, const uint32_t *at)
{
	return ids_from(s->arena, at, n);
}

#define SET(s, ...)                                                      \
	set((s), sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
	    (uint32_t[]){ __VA_ARGS__ })

static void host(struct study *s, uint32_t node, struct ids functions)
{
	s->nodes[node].hosts = functions.at;
	s->nodes[node].n_hosts = functions.n;
}

static void open_attrs(struct study *s)
{
	static const char *const names[] = { "s.encryption", "s.firewall", "s.key-management",
					     "s.segmentation", "s.z-secret" };

	for (uint32_t i = 0; i < N_ATTRS; i++)
		s->attrs[i] = (struct ir_attr){ .name = names[i],
						.is_label = i == SECRET,
						.closure = SET(s, i),
						.below = SET(s, i) };
	s->attrs[SECRET].requires = SET(s, ENCRYPTION);
}

static void open_functions(struct study *s)
{
	static const char *const names[] = { "b.broker", "b.seal", "b.segment", "b.unseal" };

	for (uint32_t i = 0; i < N_FUNCTIONS; i++)
		s->functions[i] = (struct ir_function){ .name = names[i],
							.pair = ID_NONE,
							.side = IR_SIDE_DESTINATION,
							.setup = rat_int(40000000),
							.cost = rat_int(100),
							.cost_per_byte = RAT_ZERO };
	s->functions[BROKER].provides = SET(s, KEYS);
	s->functions[SEGMENT].provides = SET(s, SEGMENTATION);
	s->functions[SEAL].provides = SET(s, ENCRYPTION);
	s->functions[SEAL].side = IR_SIDE_SOURCE;
	s->functions[SEAL].pair = UNSEAL;
	s->functions[UNSEAL].pair = SEAL;
}

static void open_nodes(struct study *s)
{
	static const char *const names[] = { "hub.compute", "hub.px", "hub.px2", "north.ehr",
					     "north.px" };

	for (uint32_t i = 0; i < N_NODES; i++)
		s->nodes[i] =
		    (struct ir_node){ .name = names[i],
				      .kind = i == COMPUTE || i == EHR ? IR_ENDPOINT : IR_PROXY,
				      .domain = i >= EHR ? NORTH : HUB,
				      .attrs = SET(s, ENCRYPTION) };
	s->nodes[EHR].attrs = SET(s, ENCRYPTION, FIREWALL, KEYS, SEGMENTATION);
	s->nodes[COMPUTE].attrs = SET(s, ENCRYPTION, FIREWALL);
	host(s, HUB_PX, SET(s, BROKER, SEGMENT));
	host(s, HUB_PX2, SET(s, BROKER, SEGMENT));
	s->domains[HUB] = (struct ir_domain){ .name = "hub", .proxies = SET(s, HUB_PX, HUB_PX2) };
	s->domains[NORTH] = (struct ir_domain){ .name = "north", .proxies = SET(s, NORTH_PX) };
}

static void study_open(struct study *s)
{
	static const char text[] = "module m;\nflow ehr => compute;\npermit a;\n";

	memset(s, 0, sizeof(*s));
	s->ctx = ctx_new();
	s->arena = s->ctx->arena;
	source_add(&s->ctx->sources, "m.epi", "m.epi", text, sizeof(text) - 1);
	open_attrs(s);
	open_functions(s);
	open_nodes(s);
	s->applications[0] = (struct ir_application){ .name = "study", .packet = rat_int(1500) };
	s->ir = (struct ir){ .module = "m",
			     .fields = fields_new(s->arena),
			     .attrs = s->attrs,
			     .n_attrs = N_ATTRS,
			     .functions = s->functions,
			     .n_functions = N_FUNCTIONS,
			     .domains = s->domains,
			     .n_domains = N_DOMAINS,
			     .nodes = s->nodes,
			     .n_nodes = N_NODES,
			     .rules = s->rules,
			     .applications = s->applications,
			     .n_applications = 1,
			     .flows = s->flows };
}

static struct ir_flow *add_flow(struct study *s, uint32_t from, uint32_t to)
{
	struct ir_flow *f = &s->flows[s->ir.n_flows++];

	s->applications[0].n_flows = s->ir.n_flows;
	*f = (struct ir_flow){ .from = from,
			       .to = to,
			       .cubes = cubes_all(s->ir.fields),
			       .when = "true",
			       .rate_bps = RAT_ZERO,
			       .rate_pps = RAT_ZERO,
			       .carries = ID_NONE,
			       .span = { 0, 15, 29 } };
	return f;
}

/* To the last domain that has a rule, or a later one. */
static void add_rule(struct study *s, uint32_t domain, bool forbid, const struct fx *fx)
{
	struct ir_domain *d = &s->domains[domain];

	if (!d->n_rules) {
		d->first_rule = s->ir.n_rules;
		d->decides = IR_DEFAULT_DENY;
		d->default_span = SPAN_NONE;
	}
	d->n_rules++;
	s->rules[s->ir.n_rules++] = (struct ir_rule){ .forbid = forbid,
						      .domain = domain,
						      .from = SET(s, EHR),
						      .to = SET(s, COMPUTE),
						      .cubes = fx_cubes(s->ir.fields, fx),
						      .when = "",
						      .carries = ID_NONE,
						      .span = { 0, 31, 37 } };
}

static const struct solution *choose(struct study *s)
{
	ir_verify(&s->ir);
	return movement_choose(s->ctx, &s->ir, true);
}

/* The only diagnostic that the failed flows give. */
static const struct diag *report(struct study *s)
{
	const struct solution *solution = choose(s);

	movement_report(s->ctx, &s->ir, solution);
	diag_finish(&s->ctx->diags);
	CU_ASSERT_EQUAL_FATAL(s->ctx->diags.list.n, 1);
	return s->ctx->diags.list.at[0];
}

static void areas(void)
{
	struct study s;
	struct area *list;
	size_t n;

	study_open(&s);
	list = areas_compute(s.arena, &s.ir, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(list[0].nodes.at[0], COMPUTE);
	CU_ASSERT_EQUAL(list[1].nodes.at[0], EHR);
	s.nodes[COMPUTE].attrs = s.nodes[EHR].attrs;
	list = areas_compute(s.arena, &s.ir, &n);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(list[0].nodes.n, 2);
	ctx_free(s.ctx);
}

static void bridges_example(void)
{
	struct study s;
	const struct verdict *v;
	char buf[DEC_TEXT_SIZE];

	study_open(&s);
	add_flow(&s, EHR, COMPUTE);
	v = choose(&s)->verdicts;
	CU_ASSERT_EQUAL(v->status, FLOW_BRIDGED);
	CU_ASSERT_EQUAL_FATAL(v->bridge.n_hops, 2);
	CU_ASSERT_EQUAL(v->bridge.hops[0].function, BROKER);
	CU_ASSERT_EQUAL(v->bridge.hops[1].proxy, HUB_PX);
	UNIT_TEXT("80000000", rat_text(v->bridge.setup, buf));
	UNIT_TEXT("200", rat_text(v->bridge.cycles, buf));
	UNIT_TEXT("hub.compute lacks key-management and segmentation; two functions on hub.px "
		  "supply them.",
		  v->reason);
	ctx_free(s.ctx);
}

static void direct(void)
{
	struct study s;
	const struct verdict *v;

	study_open(&s);
	add_flow(&s, COMPUTE, EHR);
	v = choose(&s)->verdicts;
	CU_ASSERT_EQUAL(v->status, FLOW_DIRECT);
	UNIT_TEXT("north.ehr has everything that hub.compute has.", v->reason);
	ctx_free(s.ctx);
}

static void forbidden(void)
{
	struct study s;
	const struct diag *d;

	study_open(&s);
	add_rule(&s, HUB, true, fx_service(s.ir.fields, 6, 23, 23));
	add_rule(&s, HUB, false, fx_true(s.ir.fields));
	add_flow(&s, EHR, COMPUTE);
	d = report(&s);
	CU_ASSERT_EQUAL(d->code, E0602);
	CU_ASSERT_EQUAL(d->also.n, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(d->data, "\"l4.dport\": 23"));
	CU_ASSERT_PTR_NOT_NULL(strstr(d->data, "\"rule\": \"m.epi:3:1\""));
	ctx_free(s.ctx);
}

static void not_permitted(void)
{
	struct study s;
	const struct diag *d;
	const struct solution *solution;

	study_open(&s);
	add_rule(&s, HUB, false, fx_service(s.ir.fields, 6, 443, 443));
	add_flow(&s, EHR, COMPUTE);
	d = report(&s);
	CU_ASSERT_EQUAL(d->code, E0603);
	UNIT_TEXT("state `permit north.ehr => hub.compute;` in hub", d->help);
	s.domains[HUB].decides = IR_DEFAULT_ALLOW;
	solution = choose(&s);
	CU_ASSERT_EQUAL(solution->verdicts[0].status, FLOW_BRIDGED);
	CU_ASSERT_EQUAL(solution->verdicts[0].n_deciders, 2);
	CU_ASSERT_EQUAL(solution->verdicts[0].deciders[1].rule, ID_NONE);
	CU_ASSERT_TRUE(solution->verdicts[0].deciders[1].allows);
	ctx_free(s.ctx);
}

static void permits_together(void)
{
	struct study s;
	const struct verdict *v;
	const struct fx *web;

	study_open(&s);
	web = fx_service(s.ir.fields, 6, 443, 443);
	add_rule(&s, HUB, false, web);
	add_rule(&s, HUB, false, fx_not(s.ir.fields, web));
	add_flow(&s, EHR, COMPUTE);
	v = choose(&s)->verdicts;
	CU_ASSERT_FALSE(v->failed);
	CU_ASSERT_EQUAL(v->deciders[0].domain, NORTH);
	CU_ASSERT_EQUAL(v->deciders[1].rule, 0);
	ctx_free(s.ctx);
}

static void labels_of_rules(void)
{
	struct study s;

	study_open(&s);
	add_rule(&s, HUB, false, fx_true(s.ir.fields));
	s.rules[0].carries = SECRET;
	add_flow(&s, EHR, COMPUTE);
	CU_ASSERT_EQUAL(choose(&s)->verdicts[0].code, E0603);
	s.flows[0].carries = SECRET;
	CU_ASSERT_FALSE(choose(&s)->verdicts[0].failed);
	ctx_free(s.ctx);
}

static void hosted_nowhere(void)
{
	struct study s;
	const struct diag *d;

	study_open(&s);
	host(&s, HUB_PX, SET(&s, SEGMENT));
	host(&s, HUB_PX2, (struct ids){ NULL, 0 });
	add_flow(&s, EHR, COMPUTE);
	d = report(&s);
	CU_ASSERT_EQUAL(d->code, E0601);
	UNIT_TEXT("hub.compute cannot receive data from north.ehr: no proxy hosts a function for "
		  "`key-management`",
		  d->message);
	UNIT_TEXT("host b.broker on hub.px", d->help);
	CU_ASSERT_EQUAL_FATAL(d->notes.n, 3);
	UNIT_TEXT("missing: key-management  b.broker provides it, but is hosted nowhere",
		  d->notes.at[0]);
	UNIT_TEXT("missing: segmentation    b.segment on hub.px (setup 40ms)", d->notes.at[1]);
	UNIT_TEXT("run `epic explain E0601`, or `epic explain 'north.ehr => hub.compute'` for all "
		  "bridges",
		  d->notes.at[2]);
	UNIT_TEXT("{\"from\": \"north.ehr\", \"to\": \"hub.compute\", \"missing\": "
		  "[\"s.key-management\", \"s.segmentation\"], \"candidates\": [{\"function\": "
		  "\"b.broker\", \"provides\": [\"s.key-management\"], \"proxy\": null, "
		  "\"excluded_by\": \"not-hosted\"}, {\"function\": \"b.segment\", \"provides\": "
		  "[\"s.segmentation\"], \"proxy\": \"hub.px\", \"excluded_by\": null}]}",
		  d->data);
	ctx_free(s.ctx);
}

static void one_statement_one_message(void)
{
	struct study s;
	const struct diag *d;

	study_open(&s);
	host(&s, HUB_PX, (struct ids){ NULL, 0 });
	host(&s, HUB_PX2, (struct ids){ NULL, 0 });
	add_flow(&s, EHR, COMPUTE);
	add_flow(&s, EHR, COMPUTE);
	d = report(&s);
	CU_ASSERT_EQUAL(d->notes.n, 4);
	ctx_free(s.ctx);
}

/* Nothing but the label, the order, the pair or the room stands against a bridge. */
static void only_label(void)
{
	struct study s;
	const struct verdict *v;

	study_open(&s);
	s.nodes[HUB_PX].attrs = s.nodes[HUB_PX2].attrs = (struct ids){ NULL, 0 };
	add_flow(&s, EHR, COMPUTE)->carries = SECRET;
	v = choose(&s)->verdicts;
	CU_ASSERT_EQUAL(v->code, E0604);
	CU_ASSERT_EQUAL(v->status, FLOW_FORBIDDEN);
	CU_ASSERT_EQUAL(v->label_node, HUB_PX);
	UNIT_TEXT("z-secret requires encryption, which hub.px lacks.", v->reason);
	s.nodes[HUB_PX2].attrs = SET(&s, ENCRYPTION);
	v = choose(&s)->verdicts;
	CU_ASSERT_EQUAL(v->status, FLOW_BRIDGED);
	CU_ASSERT_EQUAL(v->bridge.hops[0].proxy, HUB_PX2);
	ctx_free(s.ctx);
}

static void only_order(void)
{
	struct study s;

	study_open(&s);
	s.functions[BROKER].before = SET(&s, SEGMENT);
	s.functions[SEGMENT].before = SET(&s, BROKER);
	add_flow(&s, EHR, COMPUTE);
	CU_ASSERT_EQUAL(choose(&s)->verdicts[0].code, E0605);
	ctx_free(s.ctx);
}

static void only_pair(void)
{
	struct study s;
	const struct verdict *v;

	study_open(&s);
	s.nodes[COMPUTE].attrs = SET(&s, FIREWALL, KEYS, SEGMENTATION);
	host(&s, NORTH_PX, SET(&s, SEAL));
	add_flow(&s, EHR, COMPUTE);
	CU_ASSERT_EQUAL(choose(&s)->verdicts[0].code, E0607);
	host(&s, HUB_PX2, SET(&s, UNSEAL));
	v = choose(&s)->verdicts;
	CU_ASSERT_EQUAL(v->status, FLOW_BRIDGED);
	CU_ASSERT_EQUAL_FATAL(v->bridge.n_hops, 2);
	CU_ASSERT_EQUAL(v->bridge.hops[1].function, UNSEAL);
	UNIT_TEXT("hub.compute lacks encryption; two functions on hub.px2 and north.px supply it.",
		  v->reason);
	ctx_free(s.ctx);
}

static void limit_room(struct study *s, uint32_t node, int64_t cycles)
{
	s->nodes[node].has_cores = true;
	s->nodes[node].cores = RAT_ONE;
	s->nodes[node].clock = rat_int(cycles);
}

static void set_rate(struct ir_flow *f, int64_t pps)
{
	f->has_rate = true;
	f->rate_pps = rat_int(pps);
}

static void only_room(void)
{
	struct study s;

	study_open(&s);
	limit_room(&s, HUB_PX, 1000);
	limit_room(&s, HUB_PX2, 1000);
	set_rate(add_flow(&s, EHR, COMPUTE), 11);
	CU_ASSERT_EQUAL(choose(&s)->verdicts[0].code, E0606);
	CU_ASSERT_FALSE(movement_choose(s.ctx, &s.ir, false)->verdicts[0].failed);
	set_rate(&s.flows[0], 10); /* exactly full: one function on each proxy */
	CU_ASSERT_FALSE(choose(&s)->verdicts[0].failed);
	ctx_free(s.ctx);
}

static void room_is_shared(void)
{
	struct study s;
	const struct solution *solution;

	study_open(&s);
	limit_room(&s, HUB_PX, 1000);
	limit_room(&s, HUB_PX2, 1000);
	for (int i = 0; i < 3; i++)
		set_rate(add_flow(&s, EHR, COMPUTE), i == 0 ? 6 : 5);
	solution = choose(&s);
	/* 6 + 5 + 5 packets of two functions each would need 3200; two of the flows fit */
	CU_ASSERT_FALSE(solution->limit_reached);
	CU_ASSERT_EQUAL(solution->verdicts[0].code, E0606);
	CU_ASSERT_FALSE(solution->verdicts[1].failed);
	CU_ASSERT_FALSE(solution->verdicts[2].failed);
	CU_ASSERT_EQUAL(solution->verdicts[1].bridge.hops[1].proxy, HUB_PX);
	CU_ASSERT_EQUAL(solution->verdicts[2].bridge.hops[0].proxy, HUB_PX2);
	ctx_free(s.ctx);
}

static void all_bridges(void)
{
	struct study s;
	struct bridge *list;
	size_t n;
	bool truncated;

	study_open(&s);
	add_flow(&s, EHR, COMPUTE);
	list = movement_bridges(s.ctx, &s.ir, &s.flows[0], IR_FUNCTIONS, 0, &n, &truncated);
	CU_ASSERT_EQUAL_FATAL(n, 4);
	CU_ASSERT_FALSE(truncated);
	CU_ASSERT_EQUAL(list[0].hops[1].proxy, HUB_PX);
	CU_ASSERT_EQUAL(list[3].hops[0].proxy, HUB_PX2);
	movement_bridges(s.ctx, &s.ir, &s.flows[0], IR_FUNCTIONS, 3, &n, &truncated);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_TRUE(truncated);
	ctx_free(s.ctx);
}

static const struct unit units[] = {
	{ "endpoints_with_equal_attributes_form_an_area", areas },
	{ "what_is_missing_is_supplied_by_the_smallest_proxies", bridges_example },
	{ "a_receiver_with_more_attributes_is_direct", direct },
	{ "a_forbid_beats_a_permit_and_shows_a_packet", forbidden },
	{ "what_no_permit_covers_falls_to_the_default", not_permitted },
	{ "permits_cover_a_flow_together", permits_together },
	{ "a_rule_for_a_label_needs_the_label", labels_of_rules },
	{ "a_function_that_is_hosted_nowhere_is_named", hosted_nowhere },
	{ "pairs_of_one_statement_share_a_message", one_statement_one_message },
	{ "only_the_label_excludes", only_label },
	{ "only_the_order_excludes", only_order },
	{ "only_a_missing_half_excludes", only_pair },
	{ "only_room_excludes", only_room },
	{ "most_flows_are_kept_where_room_is_shared", room_is_shared },
	{ "all_minimal_bridges_are_listed_best_first", all_bridges },
};

int main(void)
{
	return unit_main("movement", units, sizeof(units) / sizeof(*units));
}
