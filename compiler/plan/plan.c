/* From the graph and its solution to the rows of the plan. */
#include <config.h>

#include "compiler/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/bess_layout.h"
#include "compiler/plan/proxy_config.h"
#include "compiler/plan/schedule_row.h"

struct building {
	struct ctx *ctx;
	const struct ir *ir;
	const struct solution *solution;
	struct schedule *const *schedules;
	struct plan *plan;
};

#define ARENA(b) ((b)->ctx->arena)

static struct plan_num number(struct rat r)
{
	return (struct plan_num){ true, rat_dec(r) };
}

static const struct plan_num no_number = { false, { 0 } };

/* ---- names ---- */

static struct plan_texts attr_names(struct building *b, struct ids ids)
{
	const char **at = arena_many(ARENA(b), const char *, ids.n);

	for (size_t i = 0; i < ids.n; i++)
		at[i] = b->ir->attrs[ids.at[i]].name;
	return (struct plan_texts){ at, ids.n };
}

static struct plan_texts node_names(struct building *b, struct ids ids)
{
	const char **at = arena_many(ARENA(b), const char *, ids.n);

	for (size_t i = 0; i < ids.n; i++)
		at[i] = b->ir->nodes[ids.at[i]].name;
	return (struct plan_texts){ at, ids.n };
}

/* ---- sources, areas ---- */

static void build_sources(struct building *b)
{
	const struct ir *ir = b->ir;

	b->plan->sources.at = arena_many(ARENA(b), struct plan_source, ir->n_sources);
	for (size_t i = 0; i < ir->n_sources; i++)
		b->plan->sources.at[b->plan->sources.n++] =
			(struct plan_source){ SPAN_NONE, ir->sources[i].file, ir->sources[i].sha256 };
}

static void build_areas(struct building *b)
{
	const struct area *areas = b->solution->areas;

	b->plan->areas.at = arena_many(ARENA(b), struct plan_area, b->solution->n_areas);
	for (size_t i = 0; i < b->solution->n_areas; i++) {
		struct plan_area *a = &b->plan->areas.at[b->plan->areas.n++];

		a->span = b->ir->nodes[areas[i].nodes.at[0]].span;
		a->attributes = attr_names(b, areas[i].attrs);
		a->nodes = node_names(b, areas[i].nodes);
	}
}

/* ---- nodes ---- */

static struct plan_host host_row(struct building *b, const struct ir_node *n, size_t i)
{
	const struct ir_function *f = &b->ir->functions[n->hosts[i]];

	return (struct plan_host){
		.span = n->span,
		.function = f->name,
		.port = (int64_t)(n->base_port + i),
		.provides = attr_names(b, f->provides),
		.socks_class = f->socks_class,
	};
}

static struct plan_node node_row(struct building *b, const struct ir_node *n)
{
	static const char *const kinds[] = { "endpoint", "proxy", "server", "switch" };
	struct plan_node row = {
		.span = n->span,
		.addresses = node_prefixes(ARENA(b), n),
		.attributes = attr_names(b, n->attrs),
		.domain = b->ir->domains[n->domain].name,
		.kind = kinds[n->kind],
		.name = n->name,
	};

	row.hosts.at = arena_many(ARENA(b), struct plan_host, n->n_hosts);
	for (size_t i = 0; i < n->n_hosts; i++)
		row.hosts.at[row.hosts.n++] = host_row(b, n, i);
	return row;
}

static void build_nodes(struct building *b)
{
	b->plan->nodes.at = arena_many(ARENA(b), struct plan_node, b->ir->n_nodes);
	for (size_t i = 0; i < b->ir->n_nodes; i++)
		b->plan->nodes.at[b->plan->nodes.n++] = node_row(b, &b->ir->nodes[i]);
}

/* ---- flows ---- */

static const char *status_words[] = { "direct", "bridged", "unbridgeable", "forbidden" };

static struct plan_place *place_of(struct building *b, struct span span)
{
	struct plan_place *p = arena_one(ARENA(b), struct plan_place);
	const struct source *src = source_at(&b->ctx->sources, span.source);
	struct place at = source_place(src, span.start);

	p->file = src->shown;
	p->line = (int64_t)at.line;
	p->col = (int64_t)at.col;
	return p;
}

static void build_bridge(struct building *b, const struct bridge *bridge, struct plan_flow *row)
{
	row->bridge.at = arena_many(ARENA(b), struct plan_hop, bridge->n_hops);
	for (size_t i = 0; i < bridge->n_hops; i++) {
		struct plan_hop *h = &row->bridge.at[row->bridge.n++];

		h->function = b->ir->functions[bridge->hops[i].function].name;
		h->proxy = b->ir->nodes[bridge->hops[i].proxy].name;
		h->order = (int64_t)i + 1;
	}
	row->cost = arena_one(ARENA(b), struct plan_cost);
	if (!bridge->n_hops)
		return;
	row->cost->setup_us = rat_dec(rat_div(bridge->setup, rat_int(1000)));
	row->cost->cycles_per_packet = rat_dec(bridge->cycles);
}

static void build_flow(struct building *b, const struct ir_flow *f, const struct verdict *v,
		       struct plan_flow *row)
{
	static const struct bridge none = { 0 };

	row->span = f->span;
	row->application = b->ir->applications[f->application].name;
	row->from = b->ir->nodes[f->from].name;
	row->to = b->ir->nodes[f->to].name;
	row->when = f->when;
	row->rate_bps = f->has_rate ? number(f->rate_bps) : no_number;
	row->carries = f->carries == ID_NONE ? NULL : b->ir->attrs[f->carries].name;
	row->status = status_words[v->status];
	row->missing = attr_names(b, v->missing);
	row->code = v->failed ? diag_page(v->code)->code : NULL;
	row->reason = v->reason;
	row->source = place_of(b, f->span);
	build_bridge(b, v->status == FLOW_BRIDGED ? &v->bridge : &none, row);
}

static void build_flows(struct building *b)
{
	b->plan->flows.n = b->ir->n_flows;
	b->plan->flows.at = arena_many(ARENA(b), struct plan_flow, b->ir->n_flows);
	for (size_t i = 0; i < b->ir->n_flows; i++)
		build_flow(b, &b->ir->flows[i], &b->solution->verdicts[i], &b->plan->flows.at[i]);
}

/* ---- pipelines, classes ---- */

static void build_pipeline(struct building *b, const struct ir_pipeline *p, struct plan_pipeline *row)
{
	row->span = p->span;
	row->name = p->name;
	row->modules.at = arena_many(ARENA(b), struct plan_module, p->n_modules);
	for (size_t i = 0; i < p->n_modules; i++) {
		const struct ir_module *m = &p->modules[i];

		row->modules.at[row->modules.n++] = (struct plan_module){
			.span = m->span,
			.id = m->name,
			.function = m->function_name,
			.cost_cycles = rat_dec(m->cost),
			.cost_cycles_per_byte = rat_dec(m->cost_per_byte),
			.schedulable = m->schedulable,
			.config = { m->config, m->n_config },
			.bess_class = m->function == ID_NONE ? NULL : b->ir->functions[m->function].bess_class,
			.dpdk_class = m->function == ID_NONE ? NULL : b->ir->functions[m->function].dpdk_class,
			.role = m->role,
		};
	}
	row->edges.at = arena_many(ARENA(b), struct plan_edge, p->n_edges);
	for (size_t i = 0; i < p->n_edges; i++) {
		const struct ir_edge *e = &p->edges[i];

		row->edges.at[row->edges.n++] = (struct plan_edge){
			.span = e->span,
			.from = p->modules[e->from].name,
			.to = p->modules[e->to].name,
			.when = e->when,
			.rate_pps = e->has_rate ? number(e->rate_pps) : no_number,
			.copy = e->copy,
			.fx = e->fx,
			.otherwise = e->otherwise,
		};
	}
}

static struct plan_lists path_names(struct building *b, const struct ir_class *c)
{
	struct plan_texts *lists = arena_many(ARENA(b), struct plan_texts, c->n_paths);

	for (size_t i = 0; i < c->n_paths; i++) {
		const struct ir_path *path = &c->paths[i];
		const char **at = arena_many(ARENA(b), const char *, path->n);

		for (size_t k = 0; k < path->n; k++)
			at[k] = b->ir->pipelines[path->pipeline].modules[path->modules[k]].name;
		lists[i] = (struct plan_texts){ at, path->n };
	}
	return (struct plan_lists){ lists, c->n_paths };
}

static void build_pipelines(struct building *b)
{
	const struct ir *ir = b->ir;

	b->plan->pipelines.n = ir->n_pipelines;
	b->plan->pipelines.at = arena_many(ARENA(b), struct plan_pipeline, ir->n_pipelines);
	for (size_t i = 0; i < ir->n_pipelines; i++)
		build_pipeline(b, &ir->pipelines[i], &b->plan->pipelines.at[i]);
	b->plan->classes.at = arena_many(ARENA(b), struct plan_class, ir->n_classes);
	for (size_t i = 0; i < ir->n_classes; i++) {
		const struct ir_class *c = &ir->classes[i];

		b->plan->classes.at[b->plan->classes.n++] = (struct plan_class){
			.span = c->span,
			.name = c->name,
			.match = c->match,
			.fx = c->fx,
			.paths = path_names(b, c),
			.rate_pps = rat_dec(c->rate_pps),
			.packet_bytes = c->has_packet ? number(c->packet) : no_number,
		};
	}
}

/* ---- schedules ---- */

static void build_schedules(struct building *b)
{
	b->plan->schedules.at = arena_many(ARENA(b), struct plan_schedule, b->ir->n_targets);
	for (size_t i = 0; i < b->ir->n_targets; i++)
		if (b->schedules[i])
			b->plan->schedules.at[b->plan->schedules.n++] = schedule_row(ARENA(b), b->ir, b->schedules[i]);
}

/* ---- targets ---- */

static struct plan_texts one_text(struct building *b, const char *text)
{
	const char **at = arena_one(ARENA(b), const char *);

	*at = text;
	return (struct plan_texts){ at, 1 };
}

static struct plan_texts field_names(struct building *b, const struct field *const *fields, size_t n)
{
	const char **at = arena_many(ARENA(b), const char *, n);

	for (size_t i = 0; i < n; i++)
		at[i] = fields[i]->name;
	return (struct plan_texts){ at, n };
}

static void derive_rows(struct building *b, const struct ir_function *f,
			struct plan_packet_module *row)
{
	row->derives.at = arena_many(ARENA(b), struct plan_derive, f->n_derives);
	for (size_t i = 0; i < f->n_derives; i++) {
		const struct ir_derive *d = &f->derives[i];

		row->derives.at[row->derives.n++] = (struct plan_derive){
			.attribute = d->name,
			.values = { d->values, d->n_values },
			.via = d->via_port ? "port" : "metadata",
		};
	}
}

static struct plan_packet_module packet_module(struct building *b, const struct ir_target *t,
					       const struct ir_pipeline *p, const struct ir_module *m)
{
	struct plan_packet_module row = { .span = m->span, .id = m->name };
	const struct ir_function *f;

	row.source = place_of(b, m->function == ID_NONE ? p->span : m->span);
	if (m->function == ID_NONE)
		return row;
	f = &b->ir->functions[m->function];
	row.class = t->backend == IR_DPDK ? f->dpdk_class : f->bess_class;
	row.affinity = (struct plan_texts){ f->affinity, f->n_affinity };
	row.rewrites = field_names(b, f->rewrites, f->n_rewrites);
	derive_rows(b, f, &row);
	return row;
}

static int by_id(const void *x, const void *y)
{
	return strcmp(((const struct plan_packet_module *)x)->id,
		      ((const struct plan_packet_module *)y)->id);
}

static void packet_modules(struct building *b, const struct ir_target *t,
			   struct plan_packet_config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < t->pipelines.n; i++)
		n += b->ir->pipelines[t->pipelines.at[i]].n_modules;
	c->modules.at = arena_many(ARENA(b), struct plan_packet_module, n);
	for (size_t i = 0; i < t->pipelines.n; i++) {
		const struct ir_pipeline *p = &b->ir->pipelines[t->pipelines.at[i]];

		for (size_t k = 0; k < p->n_modules; k++)
			c->modules.at[c->modules.n++] = packet_module(b, t, p, &p->modules[k]);
	}
	if (n)
		qsort(c->modules.at, n, sizeof(*c->modules.at), by_id);
}

static struct plan_packet_config *packet_config(struct building *b, const struct ir_target *t)
{
	struct plan_packet_config *c = arena_one(ARENA(b), struct plan_packet_config);
	const char **names = arena_many(ARENA(b), const char *, t->pipelines.n);

	for (size_t i = 0; i < t->pipelines.n; i++)
		names[i] = b->ir->pipelines[t->pipelines.at[i]].name;
	c->pipelines = (struct plan_texts){ names, t->pipelines.n };
	c->cores = plan_cores(ARENA(b), t);
	c->replicas = (int64_t)t->replicas;
	c->queue_packets = (int64_t)t->queue;
	packet_modules(b, t, c);
	for (size_t i = 0; i < b->plan->schedules.n; i++)
		if (!strcmp(b->plan->schedules.at[i].target, t->name))
			c->schedule = (struct plan_int){ true, (int64_t)i };
	return c;
}

static struct plan_dot_config *dot_config(struct building *b, const struct ir_target *t)
{
	struct plan_dot_config *c = arena_one(ARENA(b), struct plan_dot_config);

	c->view = t->view;
	c->format = t->format;
	return c;
}

/* Without an slo, or with one that is met. */
static bool is_scheduled(const struct building *b, const struct plan_packet_config *c)
{
	return !c->schedule.present || !b->plan->schedules.at[c->schedule.value].code;
}

static const char *backend_words[] = { "bess", "dpdk", "nginx", "socks", "dot" };

static void build_target(struct building *b, const struct ir_target *t, struct plan_target *row)
{
	const char *name = name_tail(t->name);
	struct plan_packet_config *packet;

	row->span = t->span;
	row->name = t->name;
	row->backend = backend_words[t->backend];
	switch (t->backend) {
	case IR_NGINX:
		row->config = nginx_config_make(b->ctx, b->ir, b->solution, t);
		row->files = one_text(b, arena_printf(ARENA(b), "%s/nginx.conf", name));
		break;
	case IR_SOCKS:
		row->config = socks_config_make(b->ctx, b->ir, b->solution, t);
		row->files = one_text(b, arena_printf(ARENA(b), "%s/chains.txt", name));
		break;
	case IR_DOT:
		row->config = dot_config(b, t);
		row->files = one_text(b, arena_printf(ARENA(b), "%s/%s.%s", name, name, t->format));
		break;
	case IR_BESS:
		packet = packet_config(b, t);
		if (is_scheduled(b, packet))
			packet->layout = bess_layout_make(b->ctx, b->ir, b->plan, t, packet);
		row->config = packet;
		row->files = one_text(b, arena_printf(ARENA(b), "%s/%s.bess", name, name));
		break;
	case IR_DPDK:
		row->config = packet_config(b, t);
		dpdk_check(b->ctx, b->plan, t);
		row->files = one_text(b, arena_printf(ARENA(b), "%s/launch.json", name));
		break;
	}
}

static void build_targets(struct building *b)
{
	b->plan->targets.n = b->ir->n_targets;
	b->plan->targets.at = arena_many(ARENA(b), struct plan_target, b->ir->n_targets);
	for (size_t i = 0; i < b->ir->n_targets; i++)
		build_target(b, &b->ir->targets[i], &b->plan->targets.at[i]);
}

struct plan *plan_build(struct ctx *ctx, const struct ir *ir, const struct solution *solution,
			struct schedule *const *schedules)
{
	struct building b = { ctx, ir, solution, schedules, arena_one(ctx->arena, struct plan) };

	b.plan->span = SPAN_NONE;
	b.plan->epic_plan = 1;
	b.plan->module = ir->module;
	b.plan->edition = (int64_t)ir->edition;
	build_sources(&b);
	build_areas(&b);
	build_nodes(&b);
	build_flows(&b);
	build_pipelines(&b);
	build_schedules(&b);
	build_targets(&b);
	return b.plan;
}
