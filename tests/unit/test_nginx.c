#include <config.h>

#include "tests/unit/unit.h"

#include <string.h>

#include "backends/nginx/nginx.h"
#include "backends/socks/socks.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define TEXTS(texts)                  \
	{                             \
		(texts), COUNT(texts) \
	}

static const char *const everyone[] = { "10.0.0.0/8", "2001:db8::/32" };
static const char *const one_source[] = { "192.0.2.7/32" };
static const char *const proxy[] = { "192.0.2.2", "[2001:db8::2]" };
static const char *const server[] = { "192.0.2.1/32" };
static const char *const two_links[] = { "socks6://h:1", "socks6://h:2" };
static const char *const proxies[] = { "10.1.0.2", "10.1.0.3" };

/* Line 1: the target, line 2: the first flow, line 3: the second. */
static const char policy[] = "target\nflow a\nflow b\n";
static const struct span target_span = { 0, 0, 6 };
static const struct span flow_spans[] = { { 0, 7, 13 }, { 0, 14, 20 } };

struct world {
	struct ctx *ctx;
	struct plan plan;
	struct plan_flow flows[2];
	struct plan_listener listeners[2];
	struct plan_nginx_config nginx;
	struct plan_chain chains[2];
	struct plan_socks_config socks;
	struct plan_target target;
	struct output_files files;
};

static struct world world_new(void)
{
	struct world w = { .ctx = ctx_new() };

	source_add(&w.ctx->sources, "p.epi", "p.epi", policy, strlen(policy));
	w.flows[0] = (struct plan_flow){ .from = "a.x", .to = "b.y" };
	w.flows[1] = (struct plan_flow){ .from = "a.z", .to = "b.y" };
	w.listeners[0] = (struct plan_listener){ .span = flow_spans[0],
						 .flow = 0,
						 .port = 8080,
						 .next = "[2001:db8::9]:11080",
						 .destination = "192.0.2.1:443",
						 .chained = true,
						 .allow = TEXTS(everyone) };
	w.listeners[1] = (struct plan_listener){ .span = flow_spans[1],
						 .flow = 1,
						 .port = 8081,
						 .next = "192.0.2.1:443",
						 .destination = "192.0.2.1:443",
						 .allow = TEXTS(one_source) };
	w.nginx =
	    (struct plan_nginx_config){ .at = "a.px", .mode = "stream", .addresses = TEXTS(proxy) };
	w.target = (struct plan_target){ .span = target_span, .name = "web", .backend = "nginx" };
	return w;
}

static const char *emitted(struct world *w, const struct backend *b, const void *config)
{
	w->plan.module = "m";
	w->plan.flows.at = w->flows;
	w->plan.flows.n = COUNT(w->flows);
	w->nginx.listeners.at = w->listeners;
	w->target.config = (void *)config;
	b->emit(w->ctx, &w->plan, &w->target, &w->files);
	CU_ASSERT_EQUAL_FATAL(w->files.n, 1);
	return w->files.at[0].text.data;
}

static const char *emitted_nginx(struct world *w, size_t n_listeners)
{
	w->nginx.listeners.n = n_listeners;
	return emitted(w, &backend_nginx, &w->nginx);
}

static void world_free(struct world *w)
{
	sink_free(&w->files.at[0].text);
	ctx_free(w->ctx);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static size_t times(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part)))
		n++, text++;
	return n;
}

static void a_listener_listens_on_all_addresses_of_the_proxy(void)
{
	struct world w = world_new();
	const char *conf = emitted_nginx(&w, 2);

	UNIT_TEXT("web/nginx.conf", w.files.at[0].path);
	CU_ASSERT(has(conf, "listen 192.0.2.2:8080 "));
	CU_ASSERT(has(conf, "listen [2001:db8::2]:8080 "));
	CU_ASSERT(has(conf, "listen 192.0.2.2:8081 "));
	CU_ASSERT(has(conf, "proxy_pass [2001:db8::9]:11080;"));
	world_free(&w);
}

static void whoever_is_not_allowed_is_denied(void)
{
	struct world w = world_new();
	const char *conf = emitted_nginx(&w, 2);

	CU_ASSERT(has(conf, "        allow 10.0.0.0/8;\n"
			    "        allow 2001:db8::/32;\n"
			    "        deny all;\n"));
	CU_ASSERT(has(conf, "        allow 192.0.2.7/32;\n        deny all;\n"));
	world_free(&w);
}

static void only_flows_with_functions_leave_with_the_proxy_protocol(void)
{
	struct world w = world_new();
	const char *conf = emitted_nginx(&w, 2);
	const char *second = strstr(conf, "p.epi:3");

	CU_ASSERT_EQUAL(times(conf, "proxy_protocol on;"), 1);
	CU_ASSERT_FATAL(second != NULL);
	CU_ASSERT(!has(second, "proxy_protocol"));
	world_free(&w);
}

/* The text of lines FIRST to LAST, from 1. */
static const char *lines(struct world *w, size_t first, size_t last)
{
	const char *from = w->files.at[0].text.data, *to;

	for (size_t i = 1; i < first; i++)
		from = strchr(from, '\n') + 1;
	to = from;
	for (size_t i = first; i <= last; i++)
		to = strchr(to, '\n') + 1;
	return arena_strndup(w->ctx->arena, from, (size_t)(to - from));
}

static void ranges_cover_the_blocks_and_name_their_statements(void)
{
	struct world w = world_new();
	const struct output_file *f;

	emitted_nginx(&w, 2);
	f = &w.files.at[0];
	CU_ASSERT_EQUAL_FATAL(f->ranges.n, 3);
	CU_ASSERT(has(lines(&w, f->ranges.at[0].first, f->ranges.at[0].last), "# epi:p.epi:1"));
	for (size_t i = 1; i < f->ranges.n; i++) {
		const char *block = lines(&w, f->ranges.at[i].first, f->ranges.at[i].last);

		CU_ASSERT_EQUAL(span_cmp(f->ranges.at[i].policy, flow_spans[i - 1]), 0);
		CU_ASSERT_EQUAL(
		    strncmp(block, i == 1 ? "    # epi:p.epi:2\n" : "    # epi:p.epi:3\n", 18), 0);
		CU_ASSERT_EQUAL(times(block, "server {"), 1);
		UNIT_TEXT("    }\n", block + strlen(block) - 6);
	}
	world_free(&w);
}

static void names_of_certificates_are_quoted(void)
{
	struct world w = world_new();
	const char *conf;

	w.nginx.mode = "http";
	w.nginx.certificate = "file:/etc/my \"own\".pem";
	w.nginx.certificate_key = "file:/etc/a\\b;.key";
	conf = emitted_nginx(&w, 2);
	CU_ASSERT(has(conf, "ssl_certificate \"/etc/my \\\"own\\\".pem\";\n"));
	CU_ASSERT(has(conf, "ssl_certificate_key \"/etc/a\\\\b;.key\";\n"));
	CU_ASSERT(has(conf, "listen [2001:db8::2]:8081 ssl "));
	CU_ASSERT(has(conf, "proxy_pass https://epic_8081;"));
	CU_ASSERT(!has(conf, "load_module"));
	world_free(&w);
}

static void without_a_certificate_nothing_speaks_tls(void)
{
	struct world w = world_new();
	const char *conf;

	w.nginx.mode = "http";
	conf = emitted_nginx(&w, 2);
	CU_ASSERT(!has(conf, "ssl"));
	CU_ASSERT(has(conf, "proxy_pass http://epic_8080;"));
	world_free(&w);
}

static void a_chain_table_tells_links_and_straight_ways(void)
{
	/* The first function is no link here: it stands on a proxy before this one. */
	static struct plan_hop hops[] = {
		{ .function = "bf.seal", .proxy = "c.px", .order = 1 },
		{ .function = "bf.microsegment", .proxy = "a.px", .order = 2 },
		{ .function = "bf.unseal", .proxy = "b.px", .order = 3 }
	};
	struct world w = world_new();
	const char *table;

	w.chains[0] = (struct plan_chain){ .span = flow_spans[0],
					   .flow = 0,
					   .when = "true",
					   .from = TEXTS(everyone),
					   .to = TEXTS(server),
					   .links = TEXTS(two_links),
					   .via = TEXTS(proxies) };
	w.flows[0].bridge.at = hops;
	w.flows[0].bridge.n = COUNT(hops);
	w.chains[1] = (struct plan_chain){
		.span = flow_spans[1], .flow = 1, .when = "true", .replay_safe = true
	};
	w.socks = (struct plan_socks_config){ .at = "a.px",
					      .version = 6,
					      .listen = 1080,
					      .auth = "none",
					      .dialect = "draft",
					      .fast_open = true,
					      .warm = 3 };
	w.socks.chains.at = w.chains;
	w.socks.chains.n = COUNT(w.chains);
	table = emitted(&w, &backend_socks, &w.socks);
	UNIT_TEXT("web/chains.txt", w.files.at[0].path);
	CU_ASSERT(has(table, "# epi:p.epi:2\nflow 0  a.x => b.y\n"));
	CU_ASSERT(has(table, "  via     10.1.0.2 10.1.0.3\n"
			     "  links   socks6://h:1                    microsegment on a.px\n"
			     "          socks6://h:2                    unseal on b.px\n"));
	CU_ASSERT(has(table, "  replay  safe\n  links   straight to the destination\n"));
	CU_ASSERT(has(table, "without TLS, Fast Open, 3 warm connections for each next hop\n"));
	CU_ASSERT_EQUAL(w.files.at[0].ranges.n, 3);
	world_free(&w);
}

#define UNIT(name)          \
	{                   \
#name, name \
	}

static const struct unit units[] = {
	UNIT(a_listener_listens_on_all_addresses_of_the_proxy),
	UNIT(whoever_is_not_allowed_is_denied),
	UNIT(only_flows_with_functions_leave_with_the_proxy_protocol),
	UNIT(ranges_cover_the_blocks_and_name_their_statements),
	UNIT(names_of_certificates_are_quoted),
	UNIT(without_a_certificate_nothing_speaks_tls),
	UNIT(a_chain_table_tells_links_and_straight_ways),
};

int main(void)
{
	return unit_main("nginx", units, COUNT(units));
}
