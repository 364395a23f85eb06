#include <config.h>

#include "tests/unit/sample_plan.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TEXTS(...)                                                \
	{                                                         \
		(const char *const[]){ __VA_ARGS__ },             \
		    COUNT(((const char *const[]){ __VA_ARGS__ })) \
	}
#define INTS(...)                                                                           \
	{                                                                                   \
		(const int64_t[]){ __VA_ARGS__ }, COUNT(((const int64_t[]){ __VA_ARGS__ })) \
	}
#define LIST(rows)                \
	{                         \
		rows, COUNT(rows) \
	}
#define NANO(n)               \
	{                     \
		(__int128)(n) \
	}
#define WHOLE(n)                         \
	{                                \
		(__int128)(n)*1000000000 \
	}

static struct plan_source sources[] = {
	{ .file = "<std>/security.epi",
	  .sha256 = "0000000000000000000000000000000000000000000000000000000000000000" },
	{ .file = "sepsis.epi",
	  .sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
};

static struct plan_area areas[] = {
	{ .attributes = { 0 }, .nodes = TEXTS("lab.bench") },
	{ .attributes = TEXTS("std.security.encryption", "std.security.firewall"),
	  .nodes = TEXTS("hub.compute", "lake.ehr") },
};

static struct plan_hop hops[] = {
	{ .function = "std.bridges.key-broker", .order = 1, .proxy = "hub.px" },
	{ .function = "std.bridges.microsegment", .order = 2, .proxy = "hub.px" },
};
static struct plan_cost bridged_cost = { .cycles_per_packet = WHOLE(310),
					 .setup_us = NANO(220000500000000) };
static struct plan_cost no_cost;
static struct plan_place places[] = {
	{ .col = 8, .file = "sepsis.epi", .line = 60 },
	{ .col = 3, .file = "sepsis.epi", .line = 61 },
};
static struct plan_flow flows[] = {
	{ .application = "sepsis-study",
	  .bridge = LIST(hops),
	  .carries = "std.privacy.pseudonymised",
	  .cost = &bridged_cost,
	  .from = "north.ehr",
	  .missing = TEXTS("std.security.key-management", "std.security.segmentation"),
	  .rate_bps = { true, WHOLE(200000000) },
	  .reason = "hub.compute lacks key-management and segmentation; two functions on hub.px "
		    "supply them.",
	  .source = &places[0],
	  .status = "bridged",
	  .to = "hub.compute",
	  .when = "ip.proto == 6 and l4.dport == 443" },
	{ .application = "sepsis-study",
	  .code = "E0601",
	  .cost = &no_cost,
	  .from = "hub.compute",
	  .reason = "Für \"lab.bench\" gibt es nichts,\n\tdas hülfe \xe2\x80\xa6 \x01\x7f",
	  .source = &places[1],
	  .status = "unbridgeable",
	  .to = "lab.bench",
	  .when = "true" },
};

static const struct ir_value device = { .kind = IR_VALUE_TEXT, .text = "0000:3b:00.0" };
static const struct ir_value mtu = { .kind = IR_VALUE_NUMBER, .number = { 1500, 1 } };
static const struct ir_value share = { .kind = IR_VALUE_NUMBER, .number = { -1, 3 } };
static const struct ir_value huge = { .kind = IR_VALUE_NUMBER, .number = { (__int128)1 << 90, 1 } };
static const struct ir_value most = { .kind = IR_VALUE_NUMBER, .number = { UINT64_MAX, 1 } };
static const struct ir_value least = { .kind = IR_VALUE_NUMBER,
				       .number = { -((__int128)UINT64_MAX + 1), 1 } };
static const struct ir_value below = { .kind = IR_VALUE_NUMBER,
				       .number = { -((__int128)UINT64_MAX + 2), 1 } };
static const struct ir_value on = { .kind = IR_VALUE_BOOL, .truth = true };
static const struct ir_value range = { .kind = IR_VALUE_LIST,
				       .members = (const struct ir_value *const[]){ &mtu, &share },
				       .n_members = 2 };
static const struct ir_value ranges = { .kind = IR_VALUE_LIST,
					.members = (const struct ir_value *const[]){ &range },
					.n_members = 1 };
static const struct ir_value none = { .kind = IR_VALUE_LIST };
static const struct ir_config config[] = {
	{ "a-name-that-is-longer-than-twenty-three-bytes", &on },
	{ "below", &below },
	{ "device", &device },
	{ "huge", &huge },
	{ "least", &least },
	{ "most", &most },
	{ "mtu", &mtu },
	{ "none", &none },
	{ "ranges", &ranges },
	{ "share", &share },
};
static struct plan_module modules[] = {
	{ .config = { config, COUNT(config) },
	  .cost_cycles = NANO(1),
	  .cost_cycles_per_byte = NANO(25806451613),
	  .function = "std.dataplane.port-in",
	  .id = "fw.inc",
	  .schedulable = true },
	{ .function = "drop", .id = "fw.drop", .cost_cycles = NANO(500000000) },
};
static struct plan_edge edges[] = {
	{ .from = "fw.inc", .to = "fw.drop", .when = "true", .copy = true },
	{ .from = "fw.inc", .to = "fw.drop", .when = "true", .rate_pps = { true, NANO(1500000) } },
};
static struct plan_pipeline pipelines[] = {
	{ .edges = LIST(edges), .modules = LIST(modules), .name = "fw" },
};

static const struct plan_texts paths[] = { TEXTS("fw.inc", "fw.drop") };
static struct plan_class classes[] = {
	{ .match = "true",
	  .name = "all",
	  .paths = { paths, 1 },
	  .rate_pps = NANO(2500000000500000000) },
	{ .match = "ip.proto == 1", .name = "control", .packet_bytes = { true, WHOLE(98) } },
};

static struct plan_early_class early[] = {
	{ .name = "control", .when = "ip.proto == 1" },
	{ .name = "rest", .when = "not ip.proto == 1" },
};
static struct plan_classifier classifier = { .after = TEXTS("fw.inc"), .classes = LIST(early) };
static const struct plan_named_num shares[] = { { "all", NANO(333333333) },
						{ "control", NANO(666666667) } };
static struct plan_task tasks[] = {
	{ .class = "control",
	  .id = "t0",
	  .modules = TEXTS("fw.drop", "fw.inc"),
	  .priority = 0,
	  .queue = true,
	  .root = "fw.inc",
	  .service = WHOLE(1),
	  .share_by_class = LIST(shares),
	  .weight = { true, NANO(100000000) },
	  .worker = 1 },
	{ .id = "t1", .modules = TEXTS("fw.drop"), .root = "fw.drop", .service = NANO(1200000000) },
};
static struct plan_tree leaves[] = {
	{ .kind = "leaf", .task = "t0", .weight = { true, NANO(100000000) } },
	{ .kind = "leaf", .task = "t1", .weight = { true, NANO(900000000) } },
};
static struct plan_tree groups[] = {
	{ .kind = "weighted", .name = "bulk", .priority = { true, 0 }, .children = LIST(leaves) },
};
static struct plan_tree tree = { .kind = "priority", .children = LIST(groups) };
static const char *predicted_names[] = { "all", "rest" };
static struct plan_predicted predicted[] = {
	{ .cpu_share = NANO(250000000), .rate_pps = WHOLE(2500000) },
	{ .cpu_share = NANO(0), .rate_pps = NANO(123456789123) },
};
static struct plan_objective objective = { .bound = { true, NANO(-5500000000) },
					   .gap = { true, WHOLE(0) },
					   .kind = "throughput",
					   .optimal = true,
					   .rate_pps = WHOLE(5000000),
					   .tasks = 2 };
static struct plan_objective failed = { .kind = "tasks" };
static struct plan_solver solver = { .name = "glpk",
				     .nodes = 17,
				     .seconds = { true, NANO(12500000) } };
static struct plan_solver untimed = { .name = "glpk" };
static struct plan_schedule schedules[] = {
	{ .accounting = "useful",
	  .classifier = &classifier,
	  .classify_cost_cycles = WHOLE(45),
	  .clock_hz = WHOLE(2600000000),
	  .cores = INTS(1, 2),
	  .floor = NANO(10000000),
	  .objective = &objective,
	  .pipeline = "fw",
	  .predicted = { predicted_names, predicted, 2 },
	  .queue_cost_cycles = WHOLE(30),
	  .queue_packets = 1024,
	  .replicas = 1,
	  .slo = "layered",
	  .solver = &solver,
	  .target = "rack",
	  .tasks = LIST(tasks),
	  .tolerance = NANO(1000),
	  .tree = &tree,
	  .workers = 2 },
	{ .accounting = "entitlement",
	  .code = "E0701",
	  .clock_hz = WHOLE(2600000000),
	  .cores = INTS(3),
	  .objective = &failed,
	  .pipeline = "fw",
	  .replicas = 1,
	  .slo = "plain",
	  .solver = &untimed,
	  .target = "rack2",
	  .workers = 1 },
};

static struct plan_host hosts[] = {
	{ .function = "std.bridges.microsegment",
	  .port = 11080,
	  .provides = TEXTS("std.security.segmentation"),
	  .socks_class = "microsegment" },
	{ .function = "vault", .port = 11081 },
};
static struct plan_node nodes[] = {
	{ .addresses = TEXTS("198.51.100.10/32"),
	  .attributes = TEXTS("std.security.encryption"),
	  .domain = "hub",
	  .kind = "endpoint",
	  .name = "hub.compute" },
	{ .domain = "hub", .hosts = LIST(hosts), .kind = "proxy", .name = "hub.px" },
};
static struct plan_chain chains[] = {
	{ .flow = 0,
	  .from = TEXTS("10.1.0.0/24", "2001:db8:1::/48"),
	  .links = TEXTS("socks6://198.51.100.2:1080"),
	  .replay_safe = true,
	  .to = TEXTS("198.51.100.10/32"),
	  .via = TEXTS("10.1.0.2", "198.51.100.2"),
	  .when = "true" },
};
static struct plan_socks_config socks = { .at = "hub.px",
					  .auth = "mtls",
					  .authority = "file:/etc/epic/ca.pem",
					  .certificate = "file:/etc/epic/hub.pem",
					  .certificate_key = "file:/etc/epic/hub.key",
					  .chains = LIST(chains),
					  .dialect = "draft",
					  .fast_open = true,
					  .listen = 1080,
					  .version = 6,
					  .warm = 4 };
static struct plan_listener listeners[] = {
	{ .allow = TEXTS("10.2.0.0/24"),
	  .destination = "198.51.100.10:443",
	  .flow = 1,
	  .next = "198.51.100.10:443",
	  .port = 8443 },
};
static struct plan_nginx_config nginx = { .addresses = TEXTS("198.51.100.2", "[2001:db8::2]"),
					  .at = "hub.px",
					  .certificate = "file:/etc/epic/hub.pem",
					  .listeners = LIST(listeners),
					  .mode = "stream" };
static struct plan_derive derives[] = {
	{ .attribute = "verdict", .values = TEXTS("clean", "suspect"), .via = "port" },
};
static struct plan_place module_place = { .col = 3, .file = "sepsis.epi", .line = 30 };
static struct plan_packet_module packet_modules[] = {
	{ .affinity = TEXTS("flow"),
	  .class = "WildcardMatch",
	  .derives = LIST(derives),
	  .id = "fw.acl",
	  .rewrites = TEXTS("ip.src"),
	  .source = &module_place },
	{ .id = "fw.drop", .source = &module_place },
};
static struct plan_packet_config bess = { .cores = INTS(1, 2),
					  .modules = LIST(packet_modules),
					  .pipelines = TEXTS("fw"),
					  .queue_packets = 1024,
					  .replicas = 1,
					  .schedule = { true, 1 } };
static struct plan_packet_config dpdk = { .pipelines = TEXTS("fw"), .replicas = -1 };
static struct plan_dot_config dot = { .format = "svg", .view = "pipelines" };
static struct plan_target targets[] = {
	{ .backend = "bess", .config = &bess, .files = TEXTS("rack/fw.bess"), .name = "rack" },
	{ .backend = "dpdk", .config = &dpdk, .name = "rack2" },
	{ .backend = "dot", .config = &dot, .files = TEXTS("view/view.svg"), .name = "view" },
	{ .backend = "nginx", .config = &nginx, .name = "web" },
	{ .backend = "socks", .config = &socks, .name = "wire" },
};

static const struct plan plan = {
	.areas = LIST(areas),
	.classes = LIST(classes),
	.edition = 1,
	.epic_plan = 1,
	.flows = LIST(flows),
	.module = "epi.sepsis",
	.nodes = LIST(nodes),
	.pipelines = LIST(pipelines),
	.schedules = LIST(schedules),
	.sources = LIST(sources),
	.targets = LIST(targets),
};

const struct plan *sample_plan(void)
{
	return &plan;
}
