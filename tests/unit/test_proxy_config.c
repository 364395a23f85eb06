#include <config.h>

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "compiler/plan/proxy_config.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Three domains: a hospital `north` with two proxies, a clinic `lake`, a centre `hub`.
 * Numbers follow the names, as in every graph. */
enum { HUB, LAKE, NORTH, N_DOMAINS };
enum { HUB_COMPUTE, HUB_PX, LAKE_EHR, LAKE_PX, NORTH_EHR, NORTH_PX, NORTH_PY, N_NODES };
enum { BROKER, FIREWALL, SEGMENT, N_FUNCTIONS };
enum { MOST = 4 };

struct world {
	struct ctx *ctx;
	struct ir ir;
	struct solution solution;
	struct ir_domain domains[N_DOMAINS];
	struct ir_node nodes[N_NODES];
	struct ir_function functions[N_FUNCTIONS];
	struct ir_application application;
	struct ir_flow flows[MOST];
	struct verdict verdicts[MOST];
	struct ir_target targets[MOST];
	struct hop hops[MOST][MOST];
};

static struct span span_at(uint32_t start)
{
	return (struct span){ 0, start, start + 1 };
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p = { 0 };

	CU_ASSERT_FATAL(prefix_parse(text, strlen(text), &p));
	return p;
}

/* TEXT: addresses, separated by blanks. */
static void set_addresses(struct world *w, uint32_t node, const char *text)
{
	struct prefix *at = arena_many(w->ctx->arena, struct prefix, MOST);
	size_t n = 0;

	for (const char *s = text; *s; n++) {
		size_t length = strcspn(s, " ");

		CU_ASSERT_FATAL(n < MOST && prefix_parse(s, length, &at[n]));
		s += length + (s[length] == ' ');
	}
	w->nodes[node].addresses = at;
	w->nodes[node].n_addresses = n;
}

static void set_node(struct world *w, uint32_t node, const char *name, uint32_t domain,
		     const char *addresses)
{
	w->nodes[node] = (struct ir_node){ .name = name, .domain = domain, .base_port = 11080 };
	w->nodes[node].span = span_at(10 + node);
	w->nodes[node].kind = strstr(name, ".p") ? IR_PROXY : IR_ENDPOINT;
	set_addresses(w, node, addresses);
}

static void make_nodes(struct world *w)
{
	static const uint32_t hosted[] = { FIREWALL, SEGMENT, BROKER };

	set_node(w, HUB_COMPUTE, "hub.compute", HUB, "198.51.100.10 198.51.100.11");
	set_node(w, HUB_PX, "hub.px", HUB, "198.51.100.2");
	set_node(w, LAKE_EHR, "lake.ehr", LAKE, "10.2.0.0/24");
	set_node(w, LAKE_PX, "lake.px", LAKE, "10.2.0.2");
	set_node(w, NORTH_EHR, "north.ehr", NORTH, "10.1.0.0/24 2001:db8:1::/48");
	set_node(w, NORTH_PX, "north.px", NORTH, "10.1.0.0/30 2001:db8:1::2 10.1.0.2");
	set_node(w, NORTH_PY, "north.py", NORTH, "10.1.0.3");
	w->nodes[HUB_PX].hosts = w->nodes[NORTH_PX].hosts = w->nodes[NORTH_PY].hosts = hosted;
	w->nodes[HUB_PX].n_hosts = w->nodes[NORTH_PX].n_hosts = w->nodes[NORTH_PY].n_hosts =
	    COUNT(hosted);
}

static struct world *world_new(void)
{
	struct ctx *ctx = ctx_new();
	struct world *w = arena_one(ctx->arena, struct world);

	w->ctx = ctx;
	w->ir.fields = fields_new(ctx->arena);
	w->ir.domains = w->domains, w->ir.n_domains = N_DOMAINS;
	w->ir.nodes = w->nodes, w->ir.n_nodes = N_NODES;
	w->ir.functions = w->functions, w->ir.n_functions = N_FUNCTIONS;
	w->ir.applications = &w->application, w->ir.n_applications = 1;
	w->ir.flows = w->flows;
	w->ir.targets = w->targets;
	w->solution.verdicts = w->verdicts;
	w->functions[BROKER].name = "bf.broker";
	w->functions[FIREWALL].name = "bf.firewall";
	w->functions[SEGMENT].name = "bf.segment";
	make_nodes(w);
	return w;
}

static void world_free(struct world *w)
{
	ctx_free(w->ctx);
}

static const struct fx *within(struct world *w, const char *field, const char *prefix)
{
	struct prefix p = prefix_of(prefix);
	struct fx_member m = { .kind = FX_PREFIX,
			       .family = p.family,
			       .length = p.length,
			       .lo = prefix_first(p),
			       .hi = prefix_last(p) };

	return fx_cmp(w->ir.fields, fields_find(w->ir.fields, field), &m, 1);
}

static const struct fx *between(struct world *w, const char *field, uint64_t lo, uint64_t hi)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = lo, .hi = hi };

	return fx_cmp(w->ir.fields, fields_find(w->ir.fields, field), &m, 1);
}

static const struct fx *both(struct world *w, const struct fx *a, const struct fx *b)
{
	return fx_and(w->ir.fields, (const struct fx *[]){ a, b }, 2);
}

static const struct fx *either(struct world *w, const struct fx *a, const struct fx *b)
{
	return fx_or(w->ir.fields, (const struct fx *[]){ a, b }, 2);
}

static const struct fx *https(struct world *w)
{
	return fx_service(w->ir.fields, 6, 443, 443);
}

static struct verdict *add_flow(struct world *w, uint32_t from, uint32_t to, const struct fx *fx)
{
	struct ir_flow *f = &w->flows[w->ir.n_flows];

	*f = (struct ir_flow){ .from = from, .to = to, .carries = ID_NONE };
	f->cubes = fx_cubes(w->ir.fields, fx);
	f->when = fx_text(w->ir.fields, fx);
	f->span = span_at(100 + (uint32_t)w->ir.n_flows);
	return &w->verdicts[w->ir.n_flows++];
}

static void add_hop(struct world *w, struct verdict *v, uint32_t function, uint32_t proxy)
{
	v->status = FLOW_BRIDGED;
	v->bridge.hops = w->hops[v - w->verdicts];
	v->bridge.hops[v->bridge.n_hops++] = (struct hop){ .function = function, .proxy = proxy };
}

static struct ir_target *add_target(struct world *w, enum ir_backend backend, uint32_t at,
				    uint64_t lo, uint64_t hi)
{
	static const uint32_t first = 0;
	struct ir_target *t = &w->targets[w->ir.n_targets];

	*t = (struct ir_target){ .backend = backend, .at = at, .listen_lo = lo, .listen_hi = hi };
	t->name = arena_printf(w->ctx->arena, "t%zu", w->ir.n_targets);
	t->applications = (struct ids){ &first, 1 };
	t->span = span_at(200 + 10 * (uint32_t)w->ir.n_targets);
	t->version = 6, t->dialect = "draft", t->auth = "none";
	w->ir.n_targets++;
	return t;
}

static struct plan_nginx_config *make_nginx(struct world *w, const struct ir_target *t)
{
	return nginx_config_make(w->ctx, &w->ir, &w->solution, t);
}

static struct plan_socks_config *make_socks(struct world *w, const struct ir_target *t)
{
	return socks_config_make(w->ctx, &w->ir, &w->solution, t);
}

static const char *joined(struct world *w, struct plan_texts texts)
{
	const char *all = "";

	for (size_t i = 0; i < texts.n; i++)
		all = arena_printf(w->ctx->arena, "%s%s%s", all, i ? " " : "", texts.at[i]);
	return all;
}

/* "PORT>NEXT" of each listener. */
static const char *shown(struct world *w, const struct plan_nginx_config *c)
{
	const char *all = "";

	for (size_t i = 0; i < c->listeners.n; i++)
		all = arena_printf(w->ctx->arena, "%s%s%d>%s", all, i ? " " : "",
				   (int)c->listeners.at[i].port, c->listeners.at[i].next);
	return all;
}

static void assert_no_findings(struct world *w)
{
	for (size_t i = 0; i < w->ctx->diags.list.n; i++)
		fprintf(stderr, "unexpected: %s\n", w->ctx->diags.list.at[i]->message);
	CU_ASSERT_EQUAL(w->ctx->diags.list.n, 0);
}

/* Exactly one finding: CODE at PLACE, with a second place. */
static void assert_found(struct world *w, enum diag_code code, uint32_t place, uint32_t second)
{
	const struct diag *d;

	CU_ASSERT_EQUAL_FATAL(w->ctx->diags.list.n, 1);
	d = w->ctx->diags.list.at[0];
	CU_ASSERT_EQUAL(d->code, code);
	CU_ASSERT_EQUAL(d->span.start, place);
	CU_ASSERT_FATAL(!second || d->also.n > 0);
	CU_ASSERT(!second || d->also.at[0].span.start == second);
}

/* ---- nginx: routes ---- */

static void a_bridged_flow_takes_a_port_for_each_destination(void)
{
	struct world *w = world_new();
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));
	struct plan_nginx_config *c;

	add_hop(w, v, BROKER, HUB_PX);
	add_hop(w, v, SEGMENT, HUB_PX);
	c = make_nginx(w, add_target(w, IR_NGINX, NORTH_PX, 8080, 8099));
	UNIT_TEXT("8080>198.51.100.2:11082 8081>198.51.100.2:11082", shown(w, c));
	UNIT_TEXT("10.1.0.0/24 2001:db8:1::/48", joined(w, c->listeners.at[0].allow));
	UNIT_TEXT("198.51.100.10:443", c->listeners.at[0].destination);
	UNIT_TEXT("198.51.100.11:443", c->listeners.at[1].destination);
	CU_ASSERT(c->listeners.at[0].chained && c->listeners.at[1].chained);
	UNIT_TEXT("[2001:db8:1::2] 10.1.0.2", joined(w, c->addresses));
	assert_no_findings(w);
	world_free(w);
}

static void a_direct_flow_goes_straight_to_its_destination(void)
{
	struct world *w = world_new();
	struct plan_nginx_config *c;

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	c = make_nginx(w, add_target(w, IR_NGINX, LAKE_PX, 8443, 8444));
	UNIT_TEXT("8443>198.51.100.10:443 8444>198.51.100.11:443", shown(w, c));
	CU_ASSERT(!c->listeners.at[0].chained);
	assert_no_findings(w);
	world_free(w);
}

static void a_proxy_in_the_chain_hands_on_to_its_own_first_function(void)
{
	struct world *w = world_new();
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));

	add_hop(w, v, FIREWALL, NORTH_PX);
	add_hop(w, v, SEGMENT, HUB_PX);
	add_hop(w, v, BROKER, HUB_PX);
	UNIT_TEXT("8080>198.51.100.2:11081 8081>198.51.100.2:11081",
		  shown(w, make_nginx(w, add_target(w, IR_NGINX, HUB_PX, 8080, 8099))));
	UNIT_TEXT("8080>[2001:db8:1::2]:11080 8081>[2001:db8:1::2]:11080",
		  shown(w, make_nginx(w, add_target(w, IR_NGINX, NORTH_PX, 8080, 8099))));
	UNIT_TEXT("8080>[2001:db8:1::2]:11080 8081>[2001:db8:1::2]:11080",
		  shown(w, make_nginx(w, add_target(w, IR_NGINX, NORTH_PY, 8080, 8099))));
	assert_no_findings(w);
	world_free(w);
}

static void flows_that_pass_elsewhere_or_may_not_move_get_no_port(void)
{
	struct world *w = world_new();

	add_flow(w, HUB_COMPUTE, NORTH_EHR, fx_true(w->ir.fields));
	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w))->status = FLOW_FORBIDDEN;
	add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w))->status = FLOW_UNBRIDGEABLE;
	UNIT_TEXT("", shown(w, make_nginx(w, add_target(w, IR_NGINX, NORTH_PX, 8080, 8080))));
	assert_no_findings(w);
	world_free(w);
}

static void an_application_of_another_target_gets_no_port(void)
{
	static const uint32_t second = 1;
	struct world *w = world_new();
	struct ir_target *t = add_target(w, IR_NGINX, LAKE_PX, 8080, 8080);

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	t->applications = (struct ids){ &second, 1 };
	UNIT_TEXT("", shown(w, make_nginx(w, t)));
	assert_no_findings(w);
	world_free(w);
}

/* ---- nginx: filters ---- */

static const char *listeners_for(struct world *w, const struct fx *fx)
{
	add_flow(w, LAKE_EHR, HUB_COMPUTE, fx);
	return shown(w, make_nginx(w, add_target(w, IR_NGINX, LAKE_PX, 8000, 8999)));
}

static void several_ports_take_a_listener_each(void)
{
	struct world *w = world_new();
	const struct fx *two = either(w, https(w), fx_service(w->ir.fields, 6, 80, 80));

	UNIT_TEXT("8000>198.51.100.10:80 8001>198.51.100.10:443 "
		  "8002>198.51.100.11:80 8003>198.51.100.11:443",
		  listeners_for(w, two));
	assert_no_findings(w);
	world_free(w);
}

static void a_filter_on_sources_narrows_who_may_connect(void)
{
	struct world *w = world_new();
	struct fx_member m = { .kind = FX_RANGE, .family = 4 };
	const struct plan_nginx_config *c;
	const struct fx *sources;

	m.lo = prefix_of("10.1.255.255").bits, m.hi = prefix_of("10.2.0.4").bits;
	sources = fx_cmp(w->ir.fields, fields_find(w->ir.fields, "ip.src"), &m, 1);
	add_flow(w, LAKE_EHR, HUB_COMPUTE, both(w, https(w), sources));
	c = make_nginx(w, add_target(w, IR_NGINX, LAKE_PX, 8000, 8999));
	CU_ASSERT_EQUAL_FATAL(c->listeners.n, 2);
	UNIT_TEXT("10.2.0.0/30 10.2.0.4/32", joined(w, c->listeners.at[0].allow));
	assert_no_findings(w);
	world_free(w);
}

static void a_filter_on_destinations_leaves_the_others_out(void)
{
	struct world *w = world_new();

	UNIT_TEXT("8000>198.51.100.11:443",
		  listeners_for(w, both(w, https(w), within(w, "ip.dst", "198.51.100.11/32"))));
	assert_no_findings(w);
	world_free(w);
}

static void sources_outside_the_filter_leave_nothing_to_listen_for(void)
{
	struct world *w = world_new();

	UNIT_TEXT("", listeners_for(w, both(w, https(w), within(w, "ip.src", "192.0.2.0/24"))));
	assert_no_findings(w);
	world_free(w);
}

static void a_filter_that_no_packet_meets_leaves_nothing_to_listen_for(void)
{
	struct world *w = world_new();

	UNIT_TEXT("", listeners_for(w, fx_false(w->ir.fields)));
	assert_no_findings(w);
	world_free(w);
}

static void assert_refused(const struct fx *(*filter)(struct world *), enum diag_code code)
{
	struct world *w = world_new();

	UNIT_TEXT("", listeners_for(w, filter(w)));
	assert_found(w, code, 200, 100);
	world_free(w);
}

static const struct fx *dns(struct world *w)
{
	return fx_service(w->ir.fields, 17, 53, 53);
}

static const struct fx *dns_by_both(struct world *w)
{
	return either(w, dns(w), fx_service(w->ir.fields, 6, 53, 53));
}

static const struct fx *every_packet(struct world *w)
{
	return fx_true(w->ir.fields);
}

static const struct fx *tcp_to_any_port(struct world *w)
{
	return between(w, "ip.proto", 6, 6);
}

static const struct fx *all_but_one_port(struct world *w)
{
	return both(w, tcp_to_any_port(w), fx_not(w->ir.fields, between(w, "l4.dport", 23, 23)));
}

static void other_protocols_and_open_ports_are_refused(void)
{
	assert_refused(dns, E0803);
	assert_refused(dns_by_both, E0803);
	assert_refused(every_packet, E0803);
	assert_refused(tcp_to_any_port, E0803);
	assert_refused(all_but_one_port, E0803);
}

static const struct fx *from_low_ports(struct world *w)
{
	return both(w, https(w), between(w, "l4.sport", 1, 1023));
}

static const struct fx *marked(struct world *w)
{
	return both(w, https(w), between(w, "ip.dscp", 46, 46));
}

static const struct fx *with_flags(struct world *w)
{
	return both(w, https(w), between(w, "tcp.flags", 2, 2));
}

static const struct fx *each_source_its_port(struct world *w)
{
	return either(
	    w, both(w, https(w), within(w, "ip.src", "10.2.0.0/25")),
	    both(w, fx_service(w->ir.fields, 6, 80, 80), within(w, "ip.src", "10.2.0.128/25")));
}

static const struct fx *port_zero(struct world *w)
{
	return fx_service(w->ir.fields, 6, 0, 3);
}

static void what_nginx_does_not_see_is_refused(void)
{
	assert_refused(from_low_ports, E0802);
	assert_refused(marked, E0802);
	assert_refused(with_flags, E0802);
	assert_refused(each_source_its_port, E0802);
	assert_refused(port_zero, E0802);
}

static void two_flows_of_one_trouble_share_a_message(void)
{
	struct world *w = world_new();

	add_flow(w, LAKE_EHR, HUB_COMPUTE, dns(w));
	UNIT_TEXT("", listeners_for(w, every_packet(w)));
	assert_found(w, E0803, 200, 100);
	CU_ASSERT_EQUAL_FATAL(w->ctx->diags.list.at[0]->also.n, 2);
	CU_ASSERT_EQUAL(w->ctx->diags.list.at[0]->also.at[1].span.start, 101);
	world_free(w);
}

/* ---- nginx: addresses, modes, ports ---- */

static void a_wide_destination_is_refused_whole(void)
{
	struct world *w = world_new();

	set_addresses(w, HUB_COMPUTE, "198.51.100.10 198.51.100.16/30");
	UNIT_TEXT("", listeners_for(w, https(w)));
	assert_found(w, E0802, 200, 100);
	world_free(w);
}

static void a_wide_destination_fits_where_the_filter_names_one_address(void)
{
	struct world *w = world_new();

	set_addresses(w, HUB_COMPUTE, "198.51.100.0/24");
	UNIT_TEXT("8000>198.51.100.7:443",
		  listeners_for(w, both(w, https(w), within(w, "ip.dst", "198.51.100.7/32"))));
	assert_no_findings(w);
	world_free(w);
}

static void a_proxy_without_a_single_address_is_refused(void)
{
	struct world *w = world_new();

	set_addresses(w, LAKE_PX, "10.2.0.0/30");
	listeners_for(w, https(w));
	assert_found(w, E0802, 200, 10 + LAKE_PX);
	world_free(w);
}

static void a_function_behind_a_wide_address_is_refused(void)
{
	struct world *w = world_new();

	set_addresses(w, HUB_PX, "198.51.100.0/30");
	add_hop(w, add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w)), SEGMENT, HUB_PX);
	UNIT_TEXT("", shown(w, make_nginx(w, add_target(w, IR_NGINX, LAKE_PX, 8000, 8999))));
	assert_found(w, E0802, 200, 100);
	world_free(w);
}

static void mode_http_refuses_functions_only(void)
{
	struct world *w = world_new();
	struct ir_target *t = add_target(w, IR_NGINX, LAKE_PX, 8000, 8999);

	t->http = true;
	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	add_hop(w, add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w)), SEGMENT, HUB_PX);
	UNIT_TEXT("8000>198.51.100.10:443 8001>198.51.100.11:443", shown(w, make_nginx(w, t)));
	assert_found(w, E0802, 200, 101);
	world_free(w);
}

static void the_last_port_of_the_range_can_be_used(void)
{
	struct world *w = world_new();

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	UNIT_TEXT("65534>198.51.100.10:443 65535>198.51.100.11:443",
		  shown(w, make_nginx(w, add_target(w, IR_NGINX, LAKE_PX, 65534, 65535))));
	assert_no_findings(w);
	world_free(w);
}

static void too_few_ports_are_told_with_the_range_that_would_do(void)
{
	struct world *w = world_new();
	struct ir_target *t = add_target(w, IR_NGINX, LAKE_PX, 8000, 8000);

	t->listen_span = span_at(205);
	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	make_nginx(w, t);
	assert_found(w, E0804, 205, 0);
	UNIT_TEXT("write 'listen 8000..8001;'", w->ctx->diags.list.at[0]->help);
	world_free(w);
}

static void two_targets_may_not_use_one_port(void)
{
	struct world *w = world_new();
	struct ir_target *first = add_target(w, IR_NGINX, LAKE_PX, 8000, 8099);
	struct ir_target *second = add_target(w, IR_NGINX, LAKE_PX, 8001, 8099);

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	make_nginx(w, first);
	assert_no_findings(w);
	make_nginx(w, second);
	assert_found(w, E0804, 210, 200);
	world_free(w);
}

static void a_port_that_nobody_uses_is_free(void)
{
	struct world *w = world_new();
	struct ir_target *first = add_target(w, IR_NGINX, LAKE_PX, 8000, 8099);
	struct ir_target *second = add_target(w, IR_NGINX, LAKE_PX, 8002, 8099);
	struct ir_target *elsewhere = add_target(w, IR_NGINX, HUB_PX, 8000, 8099);

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	make_nginx(w, first);
	make_nginx(w, second);
	make_nginx(w, elsewhere);
	assert_no_findings(w);
	world_free(w);
}

static void a_socks_port_clashes_with_a_listener(void)
{
	struct world *w = world_new();
	struct ir_target *socks = add_target(w, IR_SOCKS, LAKE_PX, 8001, 8001);
	struct ir_target *nginx = add_target(w, IR_NGINX, LAKE_PX, 8000, 8099);

	add_flow(w, LAKE_EHR, HUB_COMPUTE, https(w));
	make_socks(w, socks);
	make_nginx(w, nginx);
	assert_found(w, E0804, 210, 200);
	world_free(w);
}

static void a_port_of_a_hosted_function_is_taken(void)
{
	struct world *w = world_new();

	add_flow(w, HUB_COMPUTE, HUB_COMPUTE, https(w));
	make_nginx(w, add_target(w, IR_NGINX, HUB_PX, 11083, 11090));
	assert_no_findings(w);
	make_nginx(w, add_target(w, IR_NGINX, HUB_PX, 11079, 11082));
	assert_found(w, E0804, 210, 10 + HUB_PX);
	CU_ASSERT_PTR_NOT_NULL(strstr(w->ctx->diags.list.at[0]->message, "port 11080 of hub.px"));
	world_free(w);
}

static void a_certificate_that_nginx_cannot_name_is_refused(void)
{
	struct world *w = world_new();
	struct ir_target *t = add_target(w, IR_NGINX, LAKE_PX, 8000, 8099);

	t->http = true;
	t->certificate = "file:/etc/$x.pem";
	t->certificate_key = "file:/etc/x.key";
	make_nginx(w, t);
	assert_found(w, E0802, 200, 0);
	world_free(w);
}

/* ---- socks ---- */

static void links_are_those_on_this_proxy_and_behind_it(void)
{
	struct world *w = world_new();
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));
	struct plan_socks_config *c;

	add_hop(w, v, FIREWALL, NORTH_PX);
	add_hop(w, v, SEGMENT, HUB_PX);
	add_hop(w, v, BROKER, HUB_PX);
	c = make_socks(w, add_target(w, IR_SOCKS, NORTH_PY, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("socks6://[2001:db8:1::2]:11080 socks6://198.51.100.2:11081 "
		  "socks6://198.51.100.2:11082",
		  joined(w, c->chains.at[0].links));
	UNIT_TEXT("10.1.0.0/24 2001:db8:1::/48", joined(w, c->chains.at[0].from));
	UNIT_TEXT("198.51.100.10/32 198.51.100.11/32", joined(w, c->chains.at[0].to));
	UNIT_TEXT("ip.proto == 6 and l4.dport == 443", c->chains.at[0].when);
	c = make_socks(w, add_target(w, IR_SOCKS, HUB_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("socks6://198.51.100.2:11081 socks6://198.51.100.2:11082",
		  joined(w, c->chains.at[0].links));
	assert_no_findings(w);
	world_free(w);
}

static void a_direct_flow_has_no_links_and_may_have_a_wide_destination(void)
{
	struct world *w = world_new();
	struct plan_socks_config *c;

	add_flow(w, HUB_COMPUTE, NORTH_EHR, https(w));
	c = make_socks(w, add_target(w, IR_SOCKS, HUB_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	CU_ASSERT_EQUAL(c->chains.at[0].links.n, 0);
	UNIT_TEXT("10.1.0.0/24 2001:db8:1::/48", joined(w, c->chains.at[0].to));
	assert_no_findings(w);
	world_free(w);
}

/* North has two proxies, one of them with a wide prefix beside its single addresses. */
static void a_chain_may_begin_at_any_proxy_of_the_source(void)
{
	struct world *w = world_new();
	struct plan_socks_config *c;

	add_hop(w, add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w)), SEGMENT, HUB_PX);
	c = make_socks(w, add_target(w, IR_SOCKS, HUB_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("10.1.0.2 10.1.0.3 198.51.100.2 2001:db8:1::2", joined(w, c->chains.at[0].via));
	CU_ASSERT_FALSE(c->chains.at[0].replay_safe);
	world_free(w);
}

static void a_chain_comes_on_from_the_function_before(void)
{
	struct world *w = world_new();
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));
	struct plan_socks_config *c;

	w->application.replay_safe = true;
	add_hop(w, v, FIREWALL, NORTH_PX);
	add_hop(w, v, SEGMENT, HUB_PX);
	add_hop(w, v, BROKER, HUB_PX);
	c = make_socks(w, add_target(w, IR_SOCKS, HUB_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("10.1.0.2 198.51.100.2 2001:db8:1::2", joined(w, c->chains.at[0].via));
	CU_ASSERT_TRUE(c->chains.at[0].replay_safe);
	c = make_socks(w, add_target(w, IR_SOCKS, NORTH_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("10.1.0.2 10.1.0.3 2001:db8:1::2", joined(w, c->chains.at[0].via));
	world_free(w);
}

static void nobody_comes_to_a_chain_without_links(void)
{
	struct world *w = world_new();
	struct plan_socks_config *c;

	add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));
	c = make_socks(w, add_target(w, IR_SOCKS, NORTH_PX, 1080, 1080));
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	CU_ASSERT_EQUAL(c->chains.at[0].via.n, 0);
	world_free(w);
}

static void a_class_that_epic_socksd_lacks_is_refused_once(void)
{
	struct world *w = world_new();
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));

	w->functions[FIREWALL].socks_class = "rate-metre";
	w->functions[FIREWALL].span = span_at(1);
	w->functions[SEGMENT].socks_class = "microsegment";
	w->functions[SEGMENT].span = span_at(2);
	w->functions[BROKER].socks_class = "teleport";
	w->functions[BROKER].span = span_at(3);
	add_hop(w, v, FIREWALL, NORTH_PX);
	add_hop(w, v, SEGMENT, HUB_PX);
	CU_ASSERT_EQUAL(make_socks(w, add_target(w, IR_SOCKS, NORTH_PX, 1080, 1080))->chains.n, 1);
	make_socks(w, add_target(w, IR_SOCKS, NORTH_PX, 1081, 1081));
	diag_finish(&w->ctx->diags);
	CU_ASSERT_EQUAL_FATAL(w->ctx->diags.list.n, 1);
	CU_ASSERT_EQUAL(w->ctx->diags.list.at[0]->code, E0802);
	UNIT_TEXT("did you mean 'rate-meter'?", w->ctx->diags.list.at[0]->help);
	world_free(w);
}

static void version_5_takes_one_function_and_no_more(void)
{
	struct world *w = world_new();
	struct ir_target *t = add_target(w, IR_SOCKS, NORTH_PX, 1080, 1080);
	struct verdict *v = add_flow(w, NORTH_EHR, HUB_COMPUTE, https(w));
	struct plan_socks_config *c;

	t->version = 5;
	add_hop(w, v, SEGMENT, HUB_PX);
	c = make_socks(w, t);
	CU_ASSERT_EQUAL_FATAL(c->chains.n, 1);
	UNIT_TEXT("socks5://198.51.100.2:11081", joined(w, c->chains.at[0].links));
	assert_no_findings(w);
	add_hop(w, v, BROKER, HUB_PX);
	CU_ASSERT_EQUAL(make_socks(w, t)->chains.n, 0);
	assert_found(w, E0805, 200, 100);
	world_free(w);
}

static size_t chains_for(struct world *w, const struct fx *fx)
{
	add_flow(w, LAKE_EHR, HUB_COMPUTE, fx);
	return make_socks(w, add_target(w, IR_SOCKS, LAKE_PX, 1080, 1080))->chains.n;
}

static void assert_socks_takes(const struct fx *(*filter)(struct world *))
{
	struct world *w = world_new();

	CU_ASSERT_EQUAL(chains_for(w, filter(w)), 1);
	assert_no_findings(w);
	world_free(w);
}

static void socks_takes_tcp_and_udp_to_any_port(void)
{
	assert_socks_takes(https);
	assert_socks_takes(dns_by_both);
	assert_socks_takes(tcp_to_any_port);
	assert_socks_takes(all_but_one_port);
	assert_socks_takes(each_source_its_port);
}

static const struct fx *ping(struct world *w)
{
	return between(w, "ip.proto", 1, 1);
}

static const struct fx *later_fragments(struct world *w)
{
	return both(w, tcp_to_any_port(w), between(w, "ip.frag", 1, 1));
}

static void assert_socks_refuses(const struct fx *(*filter)(struct world *), enum diag_code code)
{
	struct world *w = world_new();

	CU_ASSERT_EQUAL(chains_for(w, filter(w)), 0);
	assert_found(w, code, 200, 100);
	world_free(w);
}

static void socks_refuses_what_it_does_not_see(void)
{
	assert_socks_refuses(ping, E0803);
	assert_socks_refuses(every_packet, E0803);
	assert_socks_refuses(from_low_ports, E0802);
	assert_socks_refuses(marked, E0802);
	assert_socks_refuses(with_flags, E0802);
	assert_socks_refuses(later_fragments, E0802);
}

static void a_node_without_an_address_is_named(void)
{
	struct world *w = world_new();

	set_addresses(w, HUB_COMPUTE, "");
	CU_ASSERT_EQUAL(chains_for(w, https(w)), 0);
	assert_found(w, E0307, 10 + HUB_COMPUTE, 200);
	world_free(w);
}

#define UNIT(name)          \
	{                   \
#name, name \
	}

static const struct unit units[] = {
	UNIT(a_bridged_flow_takes_a_port_for_each_destination),
	UNIT(a_direct_flow_goes_straight_to_its_destination),
	UNIT(a_proxy_in_the_chain_hands_on_to_its_own_first_function),
	UNIT(flows_that_pass_elsewhere_or_may_not_move_get_no_port),
	UNIT(an_application_of_another_target_gets_no_port),
	UNIT(several_ports_take_a_listener_each),
	UNIT(a_filter_on_sources_narrows_who_may_connect),
	UNIT(a_filter_on_destinations_leaves_the_others_out),
	UNIT(sources_outside_the_filter_leave_nothing_to_listen_for),
	UNIT(a_filter_that_no_packet_meets_leaves_nothing_to_listen_for),
	UNIT(other_protocols_and_open_ports_are_refused),
	UNIT(what_nginx_does_not_see_is_refused),
	UNIT(two_flows_of_one_trouble_share_a_message),
	UNIT(a_wide_destination_is_refused_whole),
	UNIT(a_wide_destination_fits_where_the_filter_names_one_address),
	UNIT(a_proxy_without_a_single_address_is_refused),
	UNIT(a_function_behind_a_wide_address_is_refused),
	UNIT(mode_http_refuses_functions_only),
	UNIT(the_last_port_of_the_range_can_be_used),
	UNIT(too_few_ports_are_told_with_the_range_that_would_do),
	UNIT(two_targets_may_not_use_one_port),
	UNIT(a_port_that_nobody_uses_is_free),
	UNIT(a_socks_port_clashes_with_a_listener),
	UNIT(a_port_of_a_hosted_function_is_taken),
	UNIT(a_certificate_that_nginx_cannot_name_is_refused),
	UNIT(links_are_those_on_this_proxy_and_behind_it),
	UNIT(a_direct_flow_has_no_links_and_may_have_a_wide_destination),
	UNIT(a_chain_may_begin_at_any_proxy_of_the_source),
	UNIT(a_chain_comes_on_from_the_function_before),
	UNIT(nobody_comes_to_a_chain_without_links),
	UNIT(a_class_that_epic_socksd_lacks_is_refused_once),
	UNIT(version_5_takes_one_function_and_no_more),
	UNIT(socks_takes_tcp_and_udp_to_any_port),
	UNIT(socks_refuses_what_it_does_not_see),
	UNIT(a_node_without_an_address_is_named),
};

int main(void)
{
	return unit_main("proxy_config", units, COUNT(units));
}
