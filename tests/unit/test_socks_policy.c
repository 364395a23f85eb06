/* The policy in force: what passes, where it goes next, and why something does not pass. */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/policy_of.h"
#include "tests/unit/unit.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TEXTS(...)                                                \
	{                                                         \
		(const char *const[]){ __VA_ARGS__ },             \
		    COUNT(((const char *const[]){ __VA_ARGS__ })) \
	}
#define LIST(rows)                \
	{                         \
		rows, COUNT(rows) \
	}

/* ---- the plan: north's records go sealed to the hub, lake's through the hub alone ---- */

#define HTTPS "ip.proto == 6 and l4.dport == 443"
#define DNS "ip.proto == 17 and l4.dport == 53"

static struct plan_host north_hosts[] = {
	{ .function = "std.bridges.recorder", .port = 11080, .socks_class = "audit-log" },
	{ .function = "std.bridges.seal", .port = 11081, .socks_class = "seal" },
};
static struct plan_host hub_hosts[] = {
	{ .function = "std.bridges.unseal", .port = 11080, .socks_class = "unseal" },
	{ .function = "std.bridges.microsegment", .port = 11081 },
};
static struct plan_node nodes[] = {
	{ .addresses = TEXTS("198.51.100.10/32"),
	  .domain = "d",
	  .kind = "endpoint",
	  .name = "hub.compute" },
	{ .addresses = TEXTS("198.51.100.0/28", "198.51.100.2/32"),
	  .hosts = LIST(hub_hosts),
	  .domain = "d",
	  .kind = "proxy",
	  .name = "hub.px" },
	{ .addresses = TEXTS("192.0.2.0/24"),
	  .domain = "d",
	  .kind = "endpoint",
	  .name = "lab.bench" },
	{ .addresses = TEXTS("10.2.0.0/24"),
	  .domain = "d",
	  .kind = "endpoint",
	  .name = "lake.ehr" },
	{ .addresses = TEXTS("10.2.0.2/32"), .domain = "d", .kind = "proxy", .name = "lake.px" },
	{ .addresses = TEXTS("10.1.0.0/24", "2001:db8:1::/48"),
	  .domain = "d",
	  .kind = "endpoint",
	  .name = "north.ehr" },
	{ .addresses = TEXTS("10.1.0.2/32", "2001:db8:1::2/128"),
	  .hosts = LIST(north_hosts),
	  .domain = "d",
	  .kind = "proxy",
	  .name = "north.px" },
};

enum { SEALED, DIRECT, UNBRIDGEABLE, LAKE, FORBIDDEN, OTHER };

static struct plan_hop sealed_hops[] = {
	{ .function = "std.bridges.seal", .order = 1, .proxy = "north.px" },
	{ .function = "std.bridges.unseal", .order = 2, .proxy = "hub.px" },
	{ .function = "std.bridges.microsegment", .order = 3, .proxy = "hub.px" },
};
static struct plan_hop lake_hops[] = {
	{ .function = "std.bridges.microsegment", .order = 1, .proxy = "hub.px" },
};
static struct plan_cost cost;
static struct plan_place places[] = {
	{ .col = 8, .file = "sepsis.epi", .line = 60 },
	{ .col = 8, .file = "sepsis.epi", .line = 61 },
	{ .col = 8, .file = "sepsis.epi", .line = 62 },
	{ .col = 8, .file = "sepsis.epi", .line = 63 },
	{ .col = 8, .file = "sepsis.epi", .line = 64 },
	{ .col = 8, .file = "imaging.epi", .line = 9 },
};
#define FLOW(i, app, g, h, w) \
	.application = app, .cost = &cost, .from = g, .to = h, .source = &places[i], .when = w
static struct plan_flow flows[] = {
	{ FLOW(SEALED, "sepsis-study", "north.ehr", "hub.compute", HTTPS),
	  .bridge = LIST(sealed_hops), .reason = "", .status = "bridged" },
	{ FLOW(DIRECT, "sepsis-study", "north.ehr", "lake.ehr", DNS), .reason = "",
	  .status = "direct" },
	{ FLOW(UNBRIDGEABLE, "sepsis-study", "north.ehr", "lab.bench", "ip.proto == 6"),
	  .code = "E0601",
	  .reason = "lab.bench lacks encryption; no proxy of north or lab hosts a function for it.",
	  .status = "unbridgeable" },
	{ FLOW(LAKE, "sepsis-study", "lake.ehr", "hub.compute", HTTPS), .bridge = LIST(lake_hops),
	  .reason = "", .status = "bridged" },
	{ FLOW(FORBIDDEN, "sepsis-study", "lake.ehr", "lab.bench", "true"),
	  .reason = "lake forbids it.", .status = "forbidden" },
	{ FLOW(OTHER, "imaging", "north.ehr", "hub.compute",
	       "ip.proto == 6 and l4.dport in 8000..8999"),
	  .reason = "", .status = "direct" },
};

static struct plan_chain hub_chains[] = {
	{ .flow = SEALED,
	  .from = TEXTS("10.1.0.0/24", "2001:db8:1::/48"),
	  .links = TEXTS("socks6://198.51.100.2:11080", "socks6://198.51.100.2:11081"),
	  .to = TEXTS("198.51.100.10/32"),
	  .via = TEXTS("10.1.0.2", "2001:db8:1::2"),
	  .when = HTTPS },
	{ .flow = LAKE,
	  .from = TEXTS("10.2.0.0/24"),
	  .links = TEXTS("socks6://198.51.100.2:11081"),
	  .replay_safe = true,
	  .to = TEXTS("198.51.100.10/32"),
	  .via = TEXTS("10.2.0.2", "198.51.100.2"),
	  .when = HTTPS },
};
static struct plan_chain north_chains[] = {
	{ .flow = SEALED,
	  .from = TEXTS("10.1.0.0/24", "2001:db8:1::/48"),
	  .links = TEXTS("socks6://10.1.0.2:11081", "socks6://198.51.100.2:11080",
			 "socks6://198.51.100.2:11081"),
	  .to = TEXTS("198.51.100.10/32"),
	  .via = TEXTS("10.1.0.2"),
	  .when = HTTPS },
	{ .flow = DIRECT,
	  .from = TEXTS("10.1.0.0/24", "2001:db8:1::/48"),
	  .to = TEXTS("10.2.0.0/24"),
	  .when = DNS },
};
static struct plan_chain old_chains[] = {
	{ .flow = OTHER,
	  .from = TEXTS("10.1.0.0/24"),
	  .to = TEXTS("198.51.100.10/32"),
	  .when = "ip.proto == 6 and l4.dport in 8000..8999" },
};
static struct plan_listener listeners[] = {
	{ .destination = "198.51.100.10:443", .next = "10.1.0.2:11081", .port = 8080 },
	{ .destination = "[2001:db8:9::9]:443", .next = "10.1.0.2:11081", .port = 8081 },
};
static struct plan_nginx_config nginx = { .addresses = TEXTS("10.1.0.2", "[2001:db8:1::2]"),
					  .at = "north.px",
					  .listeners = LIST(listeners),
					  .mode = "stream" };
#define SOCKS(place, port, rows) \
	.at = place, .auth = "none", .chains = LIST(rows), .dialect = "draft", .listen = port
static struct plan_socks_config hub = { SOCKS("hub.px", 1080, hub_chains),
					.certificate = "file:/etc/tls/hub.pem",
					.certificate_key = "file:tls/hub.key", .version = 6 };
static struct plan_socks_config north = { SOCKS("north.px", 1080, north_chains), .fast_open = true,
					  .version = 6, .warm = 4 };
static struct plan_socks_config old = { SOCKS("north.px", 1081, old_chains), .version = 5 };
static struct plan_target targets[] = {
	{ .backend = "socks", .config = &hub, .name = "epi.hub" },
	{ .backend = "nginx", .config = &nginx, .name = "epi.north-web" },
	{ .backend = "socks", .config = &north, .name = "epi.north" },
	{ .backend = "socks", .config = &old, .name = "epi.old" },
};
static const struct plan plan = { .edition = 1,
				  .epic_plan = 1,
				  .flows = LIST(flows),
				  .module = "epi",
				  .nodes = LIST(nodes),
				  .targets = LIST(targets) };

static const char *const hub_only[] = { "epi.hub" }, *const both[] = { "epi.north", "epi.old" };

static struct policy *at_hub(void)
{
	struct policy_error error;
	struct policy *p = policy_of(&plan, hub_only, 1, &error);

	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static struct policy *at_north(void)
{
	struct policy_error error;
	struct policy *p = policy_of(&plan, both, 2, &error);

	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

/* ---- questions ---- */

enum { UNSEAL, MICROSEGMENT, SEAL = 0 }; /* functions of the policies above */

static struct policy_question at_target(size_t target, const char *peer, const char *to)
{
	return (struct policy_question){ .protocol = IPPROTO_TCP,
					 .function = -1,
					 .target = target,
					 .peer = address_of(peer),
					 .source = address_of(peer),
					 .to = address_of(to) };
}

static struct policy_question at_function(int function, const char *peer, const char *source,
					  const char *to)
{
	struct policy_question q = at_target(0, peer, to);

	q.function = function;
	q.told = source;
	q.source = source ? address_of(source) : q.peer;
	return q;
}

static bool is_at(const struct wire_address *a, const char *text)
{
	struct wire_address b = address_of(text);

	return wire_address_same(a, &b);
}

static void allowed(const struct policy *p, struct policy_question q, size_t flow, size_t first)
{
	struct policy_answer answer;

	CU_ASSERT_TRUE(policy_ask(p, &q, &answer));
	UNIT_TEXT("", answer.why);
	CU_ASSERT_EQUAL_FATAL(answer.verdict, POLICY_ALLOWED);
	CU_ASSERT_EQUAL(answer.chain->flow, flow);
	CU_ASSERT_EQUAL(answer.first, first);
}

static void refused(const struct policy *p, struct policy_question q, enum policy_verdict verdict,
		    const char *why)
{
	struct policy_answer answer;

	CU_ASSERT_FALSE(policy_ask(p, &q, &answer));
	CU_ASSERT_EQUAL(answer.verdict, verdict);
	CU_ASSERT_PTR_NULL(answer.chain);
	UNIT_TEXT(why, answer.why);
}

/* ---- the tests ---- */

static void tells_what_it_read(void)
{
	struct policy *p = at_hub();
	size_t n;
	const struct policy_target *t = policy_targets(p, &n);
	const struct policy_function *f;
	const struct policy_chain *c;

	UNIT_TEXT("hub.px", policy_proxy(p));
	CU_ASSERT_EQUAL_FATAL(n, 1);
	CU_ASSERT_EQUAL(t->version, 6);
	CU_ASSERT_EQUAL(t->auth, POLICY_AUTH_NONE);
	UNIT_TEXT("/etc/tls/hub.pem", t->certificate);
	UNIT_TEXT("/etc/epic/tls/hub.key", t->certificate_key);
	CU_ASSERT_PTR_NULL(t->users);
	CU_ASSERT_TRUE(is_at(&t->listen, "198.51.100.2:1080"));
	f = policy_functions(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	UNIT_TEXT("std.bridges.unseal", f[UNSEAL].name);
	UNIT_TEXT("unseal", f[UNSEAL].class);
	CU_ASSERT_EQUAL(f[MICROSEGMENT].listen.port, 11081);
	CU_ASSERT_PTR_NULL(f[MICROSEGMENT].class);
	c = policy_chains(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	UNIT_TEXT("sepsis-study", c[1].application);
	UNIT_TEXT("lake.ehr", c[1].from);
	UNIT_TEXT("sepsis.epi", c[1].file);
	CU_ASSERT_EQUAL(c[1].line, 63);
	CU_ASSERT_TRUE(c[1].replay_safe);
	UNIT_TEXT(HTTPS, c[1].when);
	policy_drop(policy_hold(p));
	policy_drop(p);
}

static void tells_links(void)
{
	struct policy *p = at_north();
	size_t n;
	const struct policy_target *t = policy_targets(p, &n);
	const struct policy_function *f;
	const struct policy_link *l;

	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(t[1].version, 5);
	CU_ASSERT_TRUE(t[0].fast_open);
	CU_ASSERT_EQUAL(t[0].warm, 4);
	f = policy_functions(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1); /* nobody uses the recorder */
	UNIT_TEXT("std.bridges.seal", f[SEAL].name);
	CU_ASSERT_EQUAL_FATAL(policy_chains(p, &n)[0].n_links, 3);
	l = policy_chains(p, &n)[0].links;
	CU_ASSERT_EQUAL(l[0].own, SEAL);
	CU_ASSERT_FALSE(l[0].tls);
	CU_ASSERT_EQUAL(l[1].own, -1);
	CU_ASSERT_TRUE(l[1].tls); /* its single address lies in its wider one */
	UNIT_TEXT("socks6://198.51.100.2:11081", l[2].text);
	UNIT_TEXT("std.bridges.microsegment", l[2].function);
	policy_drop(p);
}

static void clients(void)
{
	struct policy *p = at_north();
	struct policy_question dns = at_target(0, "10.1.0.7:999", "10.2.0.9:53");

	allowed(p, at_target(0, "10.1.0.7:999", "198.51.100.10:443"), SEALED, 0);
	allowed(p, at_target(0, "[2001:db8:1::7]:999", "198.51.100.10:443"), SEALED, 0);
	allowed(p, at_target(1, "10.1.0.7:999", "198.51.100.10:8443"), OTHER, 0);
	dns.protocol = IPPROTO_UDP;
	allowed(p, dns, DIRECT, 0);
	policy_drop(p);
}

static void strangers(void)
{
	struct policy *p = at_north();
	struct policy_question dns = at_target(0, "10.1.0.7:999", "10.2.0.9:53");

	refused(p, at_target(0, "10.2.0.7:999", "198.51.100.10:22"), POLICY_NO_FLOW,
		"no flow of the policy goes from 10.2.0.7 to 198.51.100.10:22/tcp");
	refused(p, at_target(0, "[2001:db8::7]:999", "[2001:db8::1]:443"), POLICY_NO_FLOW,
		"no flow of the policy goes from 2001:db8::7 to [2001:db8::1]:443/tcp");
	refused(p, dns, POLICY_NO_FLOW,
		"no flow of the policy goes from 10.1.0.7 to 10.2.0.9:53/tcp");
	dns.protocol = IPPROTO_SCTP;
	refused(p, dns, POLICY_NO_FLOW,
		"no flow of the policy goes from 10.1.0.7 to 10.2.0.9:53 with protocol 132");
	refused(p, at_target(0, "10.1.0.7:999", "hub.example:443"), POLICY_NO_FLOW,
		"no flow of the policy goes from 10.1.0.7 to hub.example:443/tcp");
	refused(p, at_target(7, "10.1.0.7:999", "198.51.100.10:443"), POLICY_WRONG_WAY,
		"sepsis.epi:60: north.ehr => hub.compute of sepsis-study is allowed, but does not "
		"pass this target");
	policy_drop(p);
}

static void reasons_of_the_policy(void)
{
	struct policy *p = at_north();

	refused(p, at_target(0, "10.1.0.7:999", "192.0.2.9:80"), POLICY_FORBIDDEN,
		"sepsis.epi:62: north.ehr => lab.bench is unbridgeable (E0601): lab.bench lacks "
		"encryption; no proxy of north or lab hosts a function for it.");
	refused(p, at_target(0, "10.2.0.7:999", "192.0.2.9:80"), POLICY_FORBIDDEN,
		"sepsis.epi:64: lake.ehr => lab.bench is forbidden: lake forbids it.");
	refused(p, at_target(0, "10.1.0.7:999", "198.51.100.10:8443"), POLICY_WRONG_WAY,
		"imaging.epi:9: north.ehr => hub.compute of imaging is allowed, but does not pass "
		"target epi.north");
	refused(p, at_function(SEAL, "10.2.0.2:9", "10.2.0.7:9", "198.51.100.10:443"),
		POLICY_WRONG_WAY,
		"sepsis.epi:63: lake.ehr => hub.compute of sepsis-study is allowed, but does not "
		"pass std.bridges.seal on north.px");
	policy_drop(p);
}

static void long_reasons(void)
{
	const char *reason = flows[UNBRIDGEABLE].reason;
	struct policy_question q = at_target(0, "10.1.0.7:999", "192.0.2.9:80");
	struct policy_answer answer;
	struct policy *p;
	char text[500];

	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xbc", 3);
	for (int odd = 0; odd < 2; odd++) {
		flows[UNBRIDGEABLE].reason = odd ? text : (text[0] = 'x', text[1] = 'y', text);
		if (odd)
			memmove(text, text + 1, sizeof(text) - 1);
		p = at_north();
		CU_ASSERT_FALSE(policy_ask(p, &q, &answer));
		CU_ASSERT(strlen(answer.why) >= sizeof(answer.why) - 3);
		UNIT_TEXT("\xc3\xbc...", answer.why + strlen(answer.why) - 5);
		policy_drop(p);
	}
	flows[UNBRIDGEABLE].reason = reason;
}

static void chains_begin_elsewhere(void)
{
	struct policy *p = at_hub();

	allowed(p, at_target(0, "10.2.0.7:999", "198.51.100.10:443"), LAKE, 0);
	refused(p, at_target(0, "10.1.0.7:999", "198.51.100.10:443"), POLICY_WRONG_WAY,
		"sepsis.epi:60: north.ehr => hub.compute begins with std.bridges.seal on north.px, "
		"not at hub.px");
	policy_drop(p);
}

static void speaking_for_others(void)
{
	struct policy *p = at_north();
	struct policy_question q = at_target(0, "10.1.0.7:999", "198.51.100.10:443");

	q.told = true;
	q.source = address_of("10.1.0.7:5");
	allowed(p, q, SEALED, 0);
	q.source = address_of("10.1.0.8:5");
	refused(p, q, POLICY_WRONG_PEER,
		"sepsis.epi:60: north.ehr => hub.compute: 10.1.0.7 must not speak for 10.1.0.8, "
		"since clients of target epi.north speak for themselves");
	q.peer = address_of("203.0.113.5:77");
	refused(p, q, POLICY_WRONG_PEER,
		"sepsis.epi:60: north.ehr => hub.compute: 203.0.113.5 must not speak for 10.1.0.8, "
		"since clients of target epi.north speak for themselves");
	q.source = address_of("203.0.113.6:5");
	refused(p, q, POLICY_NO_FLOW,
		"no flow of the policy goes from 203.0.113.5 to 198.51.100.10:443/tcp");
	policy_drop(p);
}

static void functions_ports(void)
{
	struct policy *p = at_hub();

	allowed(p, at_function(UNSEAL, "10.1.0.2:9", "10.1.0.7:9", "198.51.100.10:443"), SEALED, 0);
	allowed(p,
		at_function(UNSEAL, "[2001:db8:1::2]:9", "[2001:db8:1::7]:9", "198.51.100.10:443"),
		SEALED, 0);
	/* Its second link comes from the first, which is here. */
	allowed(p, at_function(MICROSEGMENT, "198.51.100.2:9", "10.1.0.7:9", "198.51.100.10:443"),
		SEALED, 1);
	allowed(p, at_function(MICROSEGMENT, "10.2.0.2:9", "10.2.0.7:9", "198.51.100.10:443"), LAKE,
		0);
	refused(p, at_function(UNSEAL, "10.1.0.3:9", "10.1.0.7:9", "198.51.100.10:443"),
		POLICY_WRONG_PEER,
		"sepsis.epi:60: north.ehr => hub.compute comes to std.bridges.unseal from 10.1.0.2 "
		"or 2001:db8:1::2, not from 10.1.0.3");
	refused(p, at_function(MICROSEGMENT, "10.1.0.2:9", "10.1.0.7:9", "198.51.100.10:443"),
		POLICY_WRONG_PEER,
		"sepsis.epi:60: north.ehr => hub.compute comes to std.bridges.microsegment from "
		"198.51.100.2, not from 10.1.0.2");
	refused(
	    p, at_function(UNSEAL, "10.2.0.2:9", "10.2.0.7:9", "198.51.100.10:443"),
	    POLICY_WRONG_WAY,
	    "sepsis.epi:63: lake.ehr => hub.compute does not pass std.bridges.unseal on hub.px");
	refused(p, at_function(UNSEAL, "10.1.0.2:9", "10.1.0.7:9", "192.0.2.9:80"),
		POLICY_FORBIDDEN,
		"sepsis.epi:62: north.ehr => lab.bench is unbridgeable (E0601): lab.bench lacks "
		"encryption; no proxy of north or lab hosts a function for it.");
	refused(p, at_function(9, "10.1.0.2:9", "10.1.0.7:9", "198.51.100.10:443"),
		POLICY_WRONG_WAY,
		"sepsis.epi:60: north.ehr => hub.compute does not pass this function on hub.px");
	policy_drop(p);
}

static void told_chains(void)
{
	struct policy *p = at_hub();
	struct policy_question q =
	    at_function(UNSEAL, "10.1.0.2:9", "10.1.0.7:9", "198.51.100.10:443");
	struct wire_address links[] = { address_of("198.51.100.2:11080"),
					address_of("198.51.100.2:11081"),
					address_of("198.51.100.2:11082") };

	q.links = links;
	q.n_links = 2;
	allowed(p, q, SEALED, 0);
	for (q.n_links = 0; q.n_links < 4; q.n_links++)
		if (q.n_links != 2)
			refused(p, q, POLICY_WRONG_WAY,
				"sepsis.epi:60: north.ehr => hub.compute goes from "
				"std.bridges.unseal by 198.51.100.2:11081 to the destination, but "
				"10.1.0.2 tells another chain");
	q = at_function(MICROSEGMENT, "10.2.0.2:9", "10.2.0.7:9", "198.51.100.10:443");
	q.links = links;
	q.n_links = 1;
	refused(p, q, POLICY_WRONG_WAY,
		"sepsis.epi:63: lake.ehr => hub.compute goes from std.bridges.microsegment "
		"straight to the destination, but 10.2.0.2 tells another chain");
	q.links = links + 1;
	allowed(p, q, LAKE, 0);
	policy_drop(p);
}

static void untold_sources(void)
{
	struct policy *p = at_hub();

	allowed(p, at_function(UNSEAL, "10.1.0.2:9", NULL, "198.51.100.10:443"), SEALED, 0);
	allowed(p, at_function(MICROSEGMENT, "10.2.0.2:9", NULL, "198.51.100.10:443"), LAKE, 0);
	/* From here both chains come, and go on alike. */
	allowed(p, at_function(MICROSEGMENT, "198.51.100.2:9", NULL, "198.51.100.10:443"), SEALED,
		1);
	refused(p, at_function(UNSEAL, "10.2.0.2:9", NULL, "198.51.100.10:443"), POLICY_WRONG_PEER,
		"sepsis.epi:60: north.ehr => hub.compute comes to std.bridges.unseal from 10.1.0.2 "
		"or 2001:db8:1::2, not from 10.2.0.2");
	refused(p, at_function(UNSEAL, "10.1.0.2:9", NULL, "192.0.2.9:80"), POLICY_NO_FLOW,
		"no flow of the policy that passes std.bridges.unseal goes to 192.0.2.9:80/tcp");
	policy_drop(p);
}

static void unclear_ways(void)
{
	struct plan_texts via = hub_chains[1].via, links = hub_chains[1].links;
	struct plan_hop *hops = flows[LAKE].bridge.at;
	struct plan_hop changed[] = { lake_hops[0], lake_hops[0] };
	struct policy_question q = at_function(UNSEAL, "10.1.0.2:9", NULL, "198.51.100.10:443");
	struct wire_address straight = address_of("198.51.100.2:11080");
	struct policy_answer answer, again;
	struct policy *p;

	/* Lake's chain now comes from north as well and goes from there straight on. */
	changed[0].function = "std.bridges.seal";
	changed[1].function = "std.bridges.unseal";
	flows[LAKE].bridge.at = changed;
	flows[LAKE].bridge.n = 2;
	hub_chains[1].via = hub_chains[0].via;
	hub_chains[1].links = (struct plan_texts){ hub_chains[0].links.at, 1 };
	p = at_hub();
	refused(p, q, POLICY_WRONG_WAY,
		"flows to 198.51.100.10:443/tcp go from std.bridges.unseal on in different ways, "
		"and 10.1.0.2 tells neither the source nor the chain");
	q.links = &straight;
	q.n_links = 1;
	allowed(p, q, LAKE, 0);
	/* Once it goes, it is clear how. */
	CU_ASSERT_TRUE_FATAL(policy_ask(p, &q, &answer));
	q.links = NULL;
	CU_ASSERT_TRUE(policy_still(p, &q, answer.chain, answer.first, &again));
	CU_ASSERT_EQUAL(again.chain, answer.chain);
	q = at_function(UNSEAL, "10.1.0.2:9", "10.2.0.7:9", "198.51.100.10:443");
	allowed(p, q, LAKE, 0);
	policy_drop(p);
	flows[LAKE].bridge.at = hops;
	flows[LAKE].bridge.n = 1;
	hub_chains[1].via = via;
	hub_chains[1].links = links;
}

/* ---- filters ---- */

static void when(const char *filter, int protocol, const char *to, bool holds)
{
	const char *was = north_chains[0].when;
	struct policy_question q = at_target(0, "10.1.0.7:999", to);
	struct policy_answer answer;
	struct policy *p;

	q.protocol = protocol;
	north_chains[0].when = filter;
	p = at_north();
	CU_ASSERT_EQUAL(policy_ask(p, &q, &answer), holds);
	if (policy_ask(p, &q, &answer) != holds)
		fprintf(stderr, "%s: %s\n", filter, answer.why);
	policy_drop(p);
	north_chains[0].when = was;
}

static void filters(void)
{
	when("ip.dst == 198.51.100.10", IPPROTO_UDP, "198.51.100.10:1", true);
	when("ip.dst in 198.51.100.0/30", IPPROTO_UDP, "198.51.100.10:1", false);
	when("ip.src in {10.1.0.0/29, 10.1.0.200..10.1.0.255}", IPPROTO_TCP, "198.51.100.10:1",
	     true);
	when("not ip.src in 10.1.0.0/29", IPPROTO_TCP, "198.51.100.10:1", false);
	when("l4.dport in {1..9, 443} and (ip.proto == 17 or ip.src in ::/0)", IPPROTO_TCP,
	     "198.51.100.10:443", false);
	when("l4.sport == 7 and not l4.sport in 8..9", IPPROTO_TCP, "198.51.100.10:443", true);
	when("ip.frag == 0 and not icmp.type == 8", IPPROTO_TCP, "198.51.100.10:443", true);
	when("ip.frag == 1 or icmp.type == 8", IPPROTO_TCP, "198.51.100.10:443", false);
	when("not tcp.flags == 2", IPPROTO_UDP, "198.51.100.10:443", true);
}

static void what_cannot_be_seen(void)
{
	static const char *const unseen[] = { "tcp.flags == 2",   "not tcp.flags == 2",
					      "ip.dscp == 1",     "not ip.dscp == 1",
					      "vlan.id == 1",     "not vlan.id == 1",
					      "port.in == \"x\"", "not port.in == \"x\"",
					      "ip.ttl == 1",      "not eth.type == 2048" };
	char text[100];

	for (size_t i = 0; i < COUNT(unseen); i++) {
		when(unseen[i], IPPROTO_TCP, "198.51.100.10:443", false);
		snprintf(text, sizeof(text), "ip.proto == 6 or (%s)", unseen[i]);
		when(text, IPPROTO_TCP, "198.51.100.10:443", true);
	}
}

static void untold_source_in_a_filter(void)
{
	const char *was = hub_chains[0].when;
	struct policy *p;

	hub_chains[0].when = "ip.src in 10.1.0.0/25";
	p = at_hub();
	allowed(p, at_function(UNSEAL, "10.1.0.2:9", "10.1.0.7:9", "198.51.100.10:443"), SEALED, 0);
	refused(
	    p, at_function(UNSEAL, "10.1.0.2:9", NULL, "198.51.100.10:443"), POLICY_WRONG_WAY,
	    "sepsis.epi:63: lake.ehr => hub.compute does not pass std.bridges.unseal on hub.px");
	policy_drop(p);
	hub_chains[0].when = was;
}

/* ---- reload ---- */

static void still(void)
{
	struct policy *was = at_hub(), *now;
	struct policy_question q =
	    at_function(MICROSEGMENT, "198.51.100.2:9", "10.1.0.7:9", "198.51.100.10:443");
	struct plan_texts from = hub_chains[0].from;
	struct policy_answer old_answer, answer;

	CU_ASSERT_TRUE_FATAL(policy_ask(was, &q, &old_answer));
	now = at_hub();
	CU_ASSERT_TRUE(policy_still(now, &q, old_answer.chain, old_answer.first, &answer));
	CU_ASSERT_EQUAL(answer.chain, &policy_chains(now, &(size_t){ 0 })[0]);
	policy_drop(now);
	hub_chains[0].from = (struct plan_texts)TEXTS("10.1.0.128/25");
	now = at_hub();
	CU_ASSERT_FALSE(policy_still(now, &q, old_answer.chain, old_answer.first, &answer));
	CU_ASSERT_EQUAL(answer.verdict, POLICY_WRONG_WAY);
	policy_drop(now);
	hub_chains[0].from = from;
	policy_drop(was);
}

static void another_chain(void)
{
	struct policy *was = at_north(), *now;
	struct policy_question q = at_target(0, "10.1.0.7:9", "198.51.100.10:443");
	struct policy_answer old_answer, answer;

	CU_ASSERT_TRUE_FATAL(policy_ask(was, &q, &old_answer));
	sealed_hops[2].function = "std.bridges.another";
	now = at_north();
	CU_ASSERT_FALSE(policy_still(now, &q, old_answer.chain, old_answer.first, &answer));
	CU_ASSERT_EQUAL(answer.verdict, POLICY_ALLOWED);
	policy_drop(now);
	sealed_hops[2].function = "std.bridges.microsegment";
	north_chains[0].links.n = 2;
	flows[SEALED].bridge.n = 2;
	now = at_north();
	CU_ASSERT_FALSE(policy_still(now, &q, old_answer.chain, old_answer.first, &answer));
	policy_drop(now);
	north_chains[0].links.n = flows[SEALED].bridge.n = 3;
	policy_drop(was);
}

/* ---- listeners and catches ---- */

static void proxy_headers(void)
{
	struct policy *p = at_north();
	struct wire_address at = address_of("10.1.0.2:8080"), to;
	char why[128] = "";

	CU_ASSERT_TRUE(policy_listener(p, &at, &to, why, sizeof(why)));
	CU_ASSERT_TRUE(is_at(&to, "198.51.100.10:443"));
	at = address_of("[2001:db8:1::2]:8081");
	CU_ASSERT_TRUE(policy_listener(p, &at, &to, why, sizeof(why)));
	CU_ASSERT_EQUAL(to.kind, WIRE_IPV6);
	at = address_of("[::ffff:10.1.0.2]:8081");
	CU_ASSERT_TRUE(policy_listener(p, &at, &to, why, sizeof(why)));
	at = address_of("10.1.0.2:8082");
	CU_ASSERT_FALSE(policy_listener(p, &at, &to, why, sizeof(why)));
	UNIT_TEXT("no nginx of the policy listens on 10.1.0.2:8082", why);
	policy_drop(p);
}

static void catches(void)
{
	static const struct policy_catch expected[] = {
		{ IPPROTO_UDP, "10.2.0.0/24", "10.1.0.0/24", 53, 53 },
		{ IPPROTO_TCP, "198.51.100.10/32", "10.1.0.0/24", 443, 443 },
		{ IPPROTO_TCP, "198.51.100.10/32", "10.1.0.0/24", 8000, 8999 },
	};
	struct policy *p = at_north();
	size_t n;
	const struct policy_catch *c = policy_catches(p, &n);

	CU_ASSERT_EQUAL_FATAL(n, COUNT(expected));
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(c[i].protocol, expected[i].protocol);
		UNIT_TEXT(expected[i].prefix, c[i].prefix);
		UNIT_TEXT(expected[i].source, c[i].source);
		CU_ASSERT_EQUAL(c[i].low, expected[i].low);
		CU_ASSERT_EQUAL(c[i].high, expected[i].high);
	}
	policy_drop(p);
	/* Clients of the first chain do not come in at the hub. */
	p = at_hub();
	c = policy_catches(p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	UNIT_TEXT("10.2.0.0/24", c->source);
	policy_drop(p);
}

/* ---- plans that are refused ---- */

static void bad(const char *const *names, size_t n, const char *why)
{
	struct policy_error error;
	struct policy *p = policy_of(&plan, names, n, &error);

	CU_ASSERT_PTR_NULL(p);
	UNIT_TEXT(why, error.text);
	policy_drop(p);
}

#define CHANGED(where, value, why)                \
	do {                                      \
		__typeof__(where) was_ = where;   \
		where = (__typeof__(where))value; \
		bad(both, 2, why);                \
		where = was_;                     \
	} while (0)

static void names_of_targets(void)
{
	static const char *const odd[] = { "epi.north", "epi.hub", "epi.north-web", "epi.none" };
	static const char *const twice[] = { "epi.old", "epi.old" };
	struct policy_error error;

	bad(odd, 2, "target 'epi.hub' is at hub.px, target 'epi.north' at north.px");
	bad(odd + 2, 1, "target 'epi.north-web' is for nginx, not for socks");
	bad(odd + 3, 1, "the plan has no target 'epi.none'");
	bad(twice, 2, "target 'epi.old' is named twice");
	bad(NULL, 0, "target 'epi.north' is at north.px, target 'epi.hub' at hub.px");
	CU_ASSERT_PTR_NULL(policy_read("", 0, ".", NULL, 0, &error));
	UNIT_TEXT("the plan: does not begin with the CBOR tag 55799, so it is no plan", error.text);
	CU_ASSERT_PTR_NULL(policy_open("/nonexistent/x.plan", NULL, 0, &error));
	UNIT_TEXT("cannot read: No such file or directory", error.text);
}

static void bad_chains(void)
{
#define CHAIN "targets[2].config.chains[0]"
	CHANGED(north_chains[0].via, TEXTS("10.1.0.2/32"),
		CHAIN ".via[0]: '10.1.0.2/32' is no address");
	CHANGED(north_chains[0].from, TEXTS("10.1.0.0/24", "10.1.0.1/24"),
		CHAIN ".from[1]: '10.1.0.1/24' is no prefix");
	CHANGED(north_chains[0].to, TEXTS("::/129"), CHAIN ".to[0]: '::/129' is no prefix");
	CHANGED(north_chains[0].links, TEXTS("http://10.1.0.2:11081"),
		CHAIN ".links[0]: 'http://10.1.0.2:11081' does not begin with socks6://");
	CHANGED(north.version, 5,
		CHAIN ".links[0]: 'socks6://10.1.0.2:11081' does not begin with socks5://");
	CHANGED(north_chains[0].links, TEXTS("socks6://north:11081"),
		CHAIN ".links[0]: 'socks6://north:11081' is no socks6://ADDRESS:PORT");
	CHANGED(north_chains[0].links.n, 2,
		CHAIN ".links[0]: std.bridges.seal is there, but std.bridges.unseal on the flow");
	CHANGED(north_chains[0].links, TEXTS("socks6://10.1.0.2:65536"),
		CHAIN ".links[0]: 'socks6://10.1.0.2:65536' is no socks6://ADDRESS:PORT");
	CHANGED(north_chains[0].links, TEXTS("socks6://10.1.0.2:0"),
		CHAIN ".links[0]: 'socks6://10.1.0.2:0' is no socks6://ADDRESS:PORT");
	CHANGED(north_chains[0].links, TEXTS("socks6://10.1.0.2:1234"),
		CHAIN ".links[0]: north.px hosts no function on port 1234");
	CHANGED(north_chains[0].links, TEXTS("socks6://10.1.0.2:11080"),
		CHAIN ".links[0]: std.bridges.recorder is there, but std.bridges.microsegment on "
		      "the flow");
	CHANGED(flows[SEALED].bridge.n, 2,
		CHAIN ".links: 3 links, but 2 functions are on the flow");
	CHANGED(flows[SEALED].status, "forbidden", CHAIN ".flow: flow 0 is forbidden");
	CHANGED(north_chains[0].when, "http.host == \"x\"",
		CHAIN ".when: character 1: this needs a function that derives it: 'http.host'");
}

static void bad_targets(void)
{
#define NORTH "targets[2].config"
	CHANGED(north.version, 4, NORTH ".version: 4 is neither 5 nor 6");
	CHANGED(north.listen, 0, NORTH ".listen: 0 is no port");
	CHANGED(north.listen, 65536, NORTH ".listen: 65536 is no port");
	CHANGED(north.listen, 11080, NORTH ".listen: 'std.bridges.recorder' listens on 11080, too");
	CHANGED(old.listen, 1080,
		"targets[3].config.listen: target 'epi.north' listens on 1080, too");
	CHANGED(north.warm, 65, NORTH ".warm: 65 is not in 0..64");
	CHANGED(north.auth, "password", NORTH ".users: auth 'password' needs them");
	CHANGED(north.auth, "mtls", NORTH ".authority: auth 'mtls' needs it and a certificate");
	CHANGED(north.certificate, "file:x",
		NORTH ".certificate: it and certificate_key come together");
	CHANGED(north.users, "x", NORTH ".users: 'x' is no file:PATH");
	CHANGED(north.at, "west.px", NORTH ".at: no node is called 'west.px'");
}

static void bad_nodes(void)
{
	CHANGED(north_hosts[1].port, 0, "nodes[6].hosts[1].port: 0 is no port");
	CHANGED(north_hosts[1].port, 11080,
		"nodes[6].hosts[1].port: two functions listen on 11080");
	CHANGED(nodes[0].addresses, TEXTS("x"), "nodes[0].addresses[0]: 'x' is no prefix");
	CHANGED(nodes[6].addresses, TEXTS("10.1.0.0/30"),
		"node 'north.px' has no single address to listen on");
	CHANGED(nodes[1].name, "hub.compute", "nodes[1].name: two nodes are called 'hub.compute'");
	CHANGED(nginx.addresses, TEXTS("10.1.0.2", "north"),
		"targets[1].config.addresses[1]: 'north' is no address");
	CHANGED(listeners[1].port, -1, "targets[1].config.listeners[1].port: -1 is no port");
	CHANGED(listeners[0].destination, "198.51.100.10",
		"targets[1].config.listeners[0].destination: '198.51.100.10' is no ADDRESS:PORT");
	CHANGED(listeners[1].port, 8080, "two listeners of nginx targets are at 10.1.0.2:8080");
}

static void functions_without_a_port(void)
{
	north_hosts[0].port = 65536;
	policy_drop(at_north());
	north_hosts[0].port = 11080;
}

/* Nobody asks about a flow whose filter speaks of packets only. */
static void flows_of_packets(void)
{
	const char *was = flows[OTHER].when;
	struct policy *p;

	flows[OTHER].when = "fw.ids.verdict == clean";
	p = at_north();
	allowed(p, at_target(1, "10.1.0.7:999", "198.51.100.10:8443"), OTHER, 0);
	refused(p, at_target(0, "10.1.0.7:999", "198.51.100.10:8443"), POLICY_NO_FLOW,
		"no flow of the policy goes from 10.1.0.7 to 198.51.100.10:8443/tcp");
	policy_drop(p);
	flows[OTHER].when = was;
}

static void files(void)
{
	char path[] = "/tmp/epic-policy-XXXXXX";
	struct sink out = { 0 };
	struct policy_error error = { "" };
	struct policy *p;
	size_t n;
	int fd = mkstemp(path);

	CU_ASSERT_FATAL(fd >= 0 && cbor_emit(&plan, &out));
	CU_ASSERT_EQUAL_FATAL(write(fd, out.data, out.size), (ssize_t)out.size);
	close(fd);
	sink_free(&out);
	p = policy_open(path, hub_only, 1, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	UNIT_TEXT("/tmp/tls/hub.key", policy_targets(p, &n)->certificate_key);
	policy_drop(p);
	unlink(path);
}

/* Each holds it longer than the one that made it. */
static void *ask_often(void *arg)
{
	struct policy *p = arg;
	struct policy_question q = at_target(0, "10.1.0.7:999", "198.51.100.10:443");
	struct policy_answer answer;
	size_t n = 0;

	for (int i = 0; i < 1000; i++) {
		policy_hold(p);
		q.to.port = i % 2 ? 443 : 22;
		n += policy_ask(p, &q, &answer);
		policy_drop(p);
	}
	policy_drop(p);
	return (void *)n;
}

static void threads(void)
{
	struct policy *p = at_north();
	pthread_t threads[4];
	void *n;

	for (size_t i = 0; i < COUNT(threads); i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, ask_often, policy_hold(p)),
				      0);
	policy_drop(p);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], &n);
		CU_ASSERT_EQUAL((size_t)n, 500);
	}
}

static const struct unit units[] = {
	{ "a_policy_tells_its_proxy_targets_functions_and_chains", tells_what_it_read },
	{ "links_are_its_own_or_those_of_proxies_with_TLS", tells_links },
	{ "clients_get_the_chain_of_their_flow", clients },
	{ "what_no_flow_allows_is_refused", strangers },
	{ "a_refusal_names_the_flow_that_forbids", reasons_of_the_policy },
	{ "long_reasons_are_cut_between_characters", long_reasons },
	{ "clients_cannot_leave_out_functions_of_other_proxies", chains_begin_elsewhere },
	{ "clients_speak_for_themselves", speaking_for_others },
	{ "a_function_is_reached_only_from_the_link_before", functions_ports },
	{ "a_told_chain_is_that_of_the_plan", told_chains },
	{ "a_prototype_proxy_need_not_tell_the_source", untold_sources },
	{ "chains_that_go_on_differently_need_a_source_or_links", unclear_ways },
	{ "filters_are_asked_about_connections", filters },
	{ "what_cannot_be_seen_does_not_allow", what_cannot_be_seen },
	{ "an_untold_source_does_not_meet_a_filter", untold_source_in_a_filter },
	{ "a_connection_stays_if_its_flow_does", still },
	{ "a_connection_ends_if_its_chain_changes", another_chain },
	{ "a_proxy_header_names_a_listener", proxy_headers },
	{ "a_redirector_takes_what_clients_may_send", catches },
	{ "targets_are_of_one_proxy_and_for_socks", names_of_targets },
	{ "a_chain_that_makes_no_sense_is_refused", bad_chains },
	{ "a_target_that_makes_no_sense_is_refused", bad_targets },
	{ "nodes_and_listeners_that_make_no_sense_are_refused", bad_nodes },
	{ "functions_that_nobody_reaches_do_no_harm", functions_without_a_port },
	{ "flows_that_only_packets_have_do_no_harm", flows_of_packets },
	{ "threads_share_a_policy", threads },
	{ "a_plan_file_tells_where_its_files_are", files },
};

int main(void)
{
	return unit_main("socks_policy", units, COUNT(units));
}
