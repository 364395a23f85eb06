/* The plan by itself: nodes, areas, flows, pipelines, classes, targets. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tools/filter_text.h"
#include "compiler/tools/plan_facts.h"
#include "compiler/tools/verify.h"

static const struct rplan_node *node_named(const struct rplan_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (!strcmp(plan->nodes.at[i].name, name))
			return &plan->nodes.at[i];
	return NULL;
}

static bool has_text(const struct rplan_texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->at[i], text))
			return true;
	return false;
}

static bool same_texts(const struct rplan_texts *a, const struct rplan_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]))
			return false;
	return true;
}

static bool ascends(const struct rplan_texts *t)
{
	for (size_t i = 1; i < t->n; i++)
		if (strcmp(t->at[i - 1], t->at[i]) >= 0)
			return false;
	return true;
}

static void check_sorted(struct verifying *v, const char *row, const struct rplan_texts *t)
{
	if (!ascends(t))
		verify_find(v, 0, row, "is not sorted, or says something twice");
}

/* Rows of a list, in the order of a text of theirs. */
static void check_order(struct verifying *v, const char *list, const char *before, const char *name)
{
	if (before && strcmp(before, name) >= 0)
		verify_find(v, 0, arena_printf(v->arena, "%s[%s]", list, name),
			    "this row stands behind %s, which is not the order of the plan",
			    before);
}

/* The values of an attribute stand in the plan of packet targets only. */
static void see_derived(const struct field *f, void *seen)
{
	*(bool *)seen = *(bool *)seen || f->derived;
}

static void check_filter(struct verifying *v, struct fields *f, const char *row, const char *text)
{
	const struct fx *x = filter_text_read(f, v->arena, text);
	bool derived = false;

	if (x)
		fx_visit(x, see_derived, &derived);
	if (!x)
		verify_find(v, 0, row, "'%s' is no filter", text);
	else if (!derived && strcmp(fx_text(f, x), text))
		verify_find(v, 0, row, "'%s' is not written as the plan writes filters: '%s'", text,
			    fx_text(f, x));
}

/* ---- nodes and areas ---- */

static void check_nodes(struct verifying *v)
{
	const char *before = NULL;

	for (size_t i = 0; i < v->plan->nodes.n; i++) {
		const struct rplan_node *n = &v->plan->nodes.at[i];

		check_order(v, "nodes", before, n->name);
		before = n->name;
		check_sorted(v, arena_printf(v->arena, "nodes[%s].attributes", n->name),
			     &n->attributes);
		if (n->hosts.n && strcmp(n->kind, "proxy"))
			verify_find(v, 0, arena_printf(v->arena, "nodes[%s].hosts", n->name),
				    "%s is no proxy and hosts functions", n->name);
	}
}

static const struct rplan_area *area_of(const struct rplan_plan *plan, const char *node, size_t *n)
{
	const struct rplan_area *found = NULL;

	*n = 0;
	for (size_t i = 0; i < plan->areas.n; i++)
		if (has_text(&plan->areas.at[i].nodes, node)) {
			found = &plan->areas.at[i];
			++*n;
		}
	return found;
}

static void check_area_of(struct verifying *v, const struct rplan_node *n)
{
	size_t n_areas;
	const struct rplan_area *a = area_of(v->plan, n->name, &n_areas);
	const char *row = arena_printf(v->arena, "areas, nodes[%s]", n->name);

	if (n_areas != (size_t)!strcmp(n->kind, "endpoint"))
		verify_find(v, 0, row, "%s (%s) is in %zu areas", n->name, n->kind, n_areas);
	else if (a && !same_texts(&a->attributes, &n->attributes))
		verify_find(v, 0, row, "%s has other attributes than its area", n->name);
}

static void check_areas(struct verifying *v)
{
	for (size_t i = 0; i < v->plan->areas.n; i++) {
		const struct rplan_area *a = &v->plan->areas.at[i];
		const char *row = arena_printf(v->arena, "areas[%zu]", i);

		check_sorted(v, row, &a->nodes);
		for (size_t k = 0; k < a->nodes.n; k++)
			if (!node_named(v->plan, a->nodes.at[k]))
				verify_find(v, 0, row, "no node is called %s", a->nodes.at[k]);
		for (size_t k = 0; k < i; k++)
			if (same_texts(&a->attributes, &v->plan->areas.at[k].attributes))
				verify_find(v, 0, row, "has the attributes of area %zu", k);
	}
	for (size_t i = 0; i < v->plan->nodes.n; i++)
		check_area_of(v, &v->plan->nodes.at[i]);
}

/* ---- flows ---- */

static const char *flow_row(struct verifying *v, const struct rplan_flow *f, const char *key)
{
	return arena_printf(v->arena, "flows[%zu].%s, %s", (size_t)(f - v->plan->flows.at), key,
			    plan_flow_name(v->arena, f));
}

static void check_missing(struct verifying *v, const struct rplan_flow *f,
			  const struct rplan_node *from, const struct rplan_node *to)
{
	size_t n = 0;

	for (size_t i = 0; i < from->attributes.n; i++) {
		if (has_text(&to->attributes, from->attributes.at[i]))
			continue;
		n++;
		if (!has_text(&f->missing, from->attributes.at[i]))
			verify_find(v, 0, flow_row(v, f, "missing"),
				    "%s lacks %s, which is not said", f->to,
				    from->attributes.at[i]);
	}
	if (n != f->missing.n)
		verify_find(v, 0, flow_row(v, f, "missing"),
			    "names %zu attributes, and %s lacks %zu", f->missing.n, f->to, n);
}

static const struct rplan_host *host_of(const struct rplan_plan *plan, const struct rplan_hop *hop)
{
	const struct rplan_node *n = node_named(plan, hop->proxy);

	for (size_t i = 0; n && i < n->hosts.n; i++)
		if (!strcmp(n->hosts.at[i].function, hop->function))
			return &n->hosts.at[i];
	return NULL;
}

static bool supplies(struct verifying *v, const struct rplan_flow *f, const char *attribute)
{
	for (size_t i = 0; i < f->bridge.n; i++) {
		const struct rplan_host *h = host_of(v->plan, &f->bridge.at[i]);

		if (h && has_text(&h->provides, attribute))
			return true;
	}
	return false;
}

static void check_bridge(struct verifying *v, const struct rplan_flow *f)
{
	const char *row = flow_row(v, f, "bridge");

	for (size_t i = 0; i < f->bridge.n; i++) {
		const struct rplan_hop *hop = &f->bridge.at[i];

		if (hop->order != (int64_t)i + 1)
			verify_find(v, 0, row, "its hop %zu is number %" PRId64, i + 1, hop->order);
		if (!host_of(v->plan, hop))
			verify_find(v, 0, row, "%s hosts no %s", hop->proxy, hop->function);
	}
	for (size_t i = 0; i < f->missing.n; i++)
		if (!supplies(v, f, f->missing.at[i]))
			verify_find(v, 0, row, "no function of it supplies %s", f->missing.at[i]);
}

static void check_status(struct verifying *v, const struct rplan_flow *f)
{
	bool bridged = !strcmp(f->status, "bridged"),
	     moves = bridged || !strcmp(f->status, "direct");

	if (bridged != (f->bridge.n > 0))
		verify_find(v, 0, flow_row(v, f, "status"), "is %s with a bridge of %zu functions",
			    f->status, f->bridge.n);
	if (!strcmp(f->status, "direct") && f->missing.n)
		verify_find(v, 0, flow_row(v, f, "status"), "is direct although %s is missing",
			    f->missing.at[0]);
	if (moves == (f->code != NULL) && (moves || strcmp(f->status, "forbidden")))
		verify_find(v, 0, flow_row(v, f, "code"), "is %s and has %s", f->status,
			    f->code ? f->code : "no code");
	if (!f->bridge.n && (f->cost->setup_us != 0 || f->cost->cycles_per_packet != 0))
		verify_find(v, 0, flow_row(v, f, "cost"), "costs something without a bridge");
	if (f->cost->setup_us < 0 || f->cost->cycles_per_packet < 0)
		verify_find(v, 0, flow_row(v, f, "cost"), "costs less than nothing");
	if (bridged)
		check_bridge(v, f);
}

static bool is_place(const struct verifying *v, const struct rplan_place *p)
{
	for (size_t i = 0; i < v->plan->sources.n; i++)
		if (!strcmp(v->plan->sources.at[i].file, p->file))
			return p->line > 0 && p->col > 0;
	return false;
}

static void check_flow(struct verifying *v, struct fields *fields, const struct rplan_flow *f)
{
	const struct rplan_node *from = node_named(v->plan, f->from),
				*to = node_named(v->plan, f->to);

	check_filter(v, fields, flow_row(v, f, "when"), f->when);
	if (!is_place(v, f->source))
		verify_find(v, 0, flow_row(v, f, "source"),
			    "%s:%" PRId64 " is no place of a source", f->source->file,
			    f->source->line);
	if (f->rate_bps.present && f->rate_bps.value < 0)
		verify_find(v, 0, flow_row(v, f, "rate_bps"), "is less than nothing");
	if (!from || !to) {
		verify_find(v, 0, flow_row(v, f, from ? "to" : "from"), "no node is called %s",
			    from ? f->to : f->from);
		return;
	}
	check_missing(v, f, from, to);
	check_status(v, f);
}

/* ---- pipelines ---- */

static size_t module_at(const struct rplan_pipeline *p, const char *id)
{
	size_t i = 0;

	while (i < p->modules.n && strcmp(p->modules.at[i].id, id))
		i++;
	return i;
}

static void check_module(struct verifying *v, const struct rplan_pipeline *p, size_t i)
{
	const struct rplan_module *m = &p->modules.at[i];
	const char *list = arena_printf(v->arena, "pipelines[%s].modules", p->name);

	check_order(v, list, i ? p->modules.at[i - 1].id : NULL, m->id);
	if (m->cost_cycles < 0 || m->cost_cycles_per_byte < 0)
		verify_find(v, 0, arena_printf(v->arena, "%s[%s].cost_cycles", list, m->id),
			    "costs less than nothing");
}

static void check_edge(struct verifying *v, struct fields *fields, const struct rplan_pipeline *p,
		       size_t i)
{
	const struct rplan_edge *e = &p->edges.at[i], *before = i ? e - 1 : NULL;
	const char *row = arena_printf(v->arena, "pipelines[%s].edges[%s %s %s]", p->name, e->from,
				       e->copy ? "->>" : "->", e->to);
	int order;

	check_filter(v, fields, row, e->when);
	if (module_at(p, e->from) == p->modules.n || module_at(p, e->to) == p->modules.n)
		verify_find(v, 0, row, "no module is called %s",
			    module_at(p, e->from) == p->modules.n ? e->from : e->to);
	if (e->rate_pps.present && e->rate_pps.value < 0)
		verify_find(v, 0, row, "its rate is less than nothing");
	if (!before)
		return;
	order = strcmp(before->from, e->from);
	order = order ? order : strcmp(before->to, e->to);
	order = order ? order : before->copy - e->copy;
	order = order ? order : strcmp(before->when, e->when);
	if (order >= 0)
		verify_find(v, 0, row, "stands where it should not, or twice");
}

/* Takes modules away that no other leads to; what is left runs in a circle. */
static void check_acyclic(struct verifying *v, const struct rplan_pipeline *p)
{
	bool *gone = arena_many(v->arena, bool, p->modules.n);
	size_t n_gone = 0;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < p->modules.n; i++) {
			bool led = gone[i];

			for (size_t k = 0; k < p->edges.n && !led; k++) {
				size_t from = module_at(p, p->edges.at[k].from);

				led = !strcmp(p->edges.at[k].to, p->modules.at[i].id) &&
				      from < p->modules.n && !gone[from];
			}
			if (led)
				continue;
			gone[i] = more = true;
			n_gone++;
		}
	}
	if (n_gone < p->modules.n)
		verify_find(v, 0, arena_printf(v->arena, "pipelines[%s].edges", p->name),
			    "run in a circle");
}

static void check_pipeline(struct verifying *v, struct fields *fields, size_t i)
{
	const struct rplan_pipeline *p = &v->plan->pipelines.at[i];

	check_order(v, "pipelines", i ? p[-1].name : NULL, p->name);
	for (size_t k = 0; k < p->modules.n; k++)
		check_module(v, p, k);
	for (size_t k = 0; k < p->edges.n; k++)
		check_edge(v, fields, p, k);
	check_acyclic(v, p);
}

/* ---- classes ---- */

static bool has_edge(const struct rplan_plan *plan, const char *from, const char *to)
{
	for (size_t i = 0; i < plan->pipelines.n; i++)
		for (size_t k = 0; k < plan->pipelines.at[i].edges.n; k++) {
			const struct rplan_edge *e = &plan->pipelines.at[i].edges.at[k];

			if (!strcmp(e->from, from) && !strcmp(e->to, to))
				return true;
		}
	return false;
}

static void check_class(struct verifying *v, struct fields *fields, size_t i)
{
	const struct rplan_class *c = &v->plan->classes.at[i];
	const char *row = arena_printf(v->arena, "classes[%s]", c->name);

	check_order(v, "classes", i ? c[-1].name : NULL, c->name);
	check_filter(v, fields, arena_printf(v->arena, "%s.match", row), c->match);
	if (c->rate_pps < 0)
		verify_find(v, 0, row, "its rate is less than nothing");
	for (size_t k = 0; k < c->paths.n; k++)
		for (size_t m = 1; m < c->paths.at[k].n; m++)
			if (!has_edge(v->plan, c->paths.at[k].at[m - 1], c->paths.at[k].at[m]))
				verify_find(v, 0, arena_printf(v->arena, "%s.paths[%zu]", row, k),
					    "no edge leads from %s to %s", c->paths.at[k].at[m - 1],
					    c->paths.at[k].at[m]);
}

/* ---- targets ---- */

static void check_packet_config(struct verifying *v, const struct rplan_target *t,
				const struct rplan_packet_config *c)
{
	const char *row = arena_printf(v->arena, "targets[%s].config", t->name);

	if (!c->cores.n || c->replicas < 1)
		verify_find(v, 0, row, "runs on %zu cores in %" PRId64 " copies", c->cores.n,
			    c->replicas);
	for (size_t i = 0; i < c->pipelines.n; i++) {
		bool found = false;

		for (size_t k = 0; k < v->plan->pipelines.n; k++)
			found = found || !strcmp(v->plan->pipelines.at[k].name, c->pipelines.at[i]);
		if (!found)
			verify_find(v, 0, row, "no pipeline is called %s", c->pipelines.at[i]);
	}
	if (c->schedule.present && strcmp(v->plan->schedules.at[c->schedule.value].target, t->name))
		verify_find(v, 0, row, "its schedule is that of %s",
			    v->plan->schedules.at[c->schedule.value].target);
}

static void check_target(struct verifying *v, size_t i)
{
	const struct rplan_target *t = &v->plan->targets.at[i];
	bool packets = !strcmp(t->backend, "bess") || !strcmp(t->backend, "dpdk");

	check_order(v, "targets", i ? t[-1].name : NULL, t->name);
	check_sorted(v, arena_printf(v->arena, "targets[%s].files", t->name), &t->files);
	if (packets)
		check_packet_config(v, t, t->config);
}

void verify_plan(struct verifying *v)
{
	struct fields *fields = fields_new(v->arena);
	const struct rplan_plan *plan = v->plan;

	for (size_t i = 0; i < plan->sources.n; i++)
		check_order(v, "sources", i ? plan->sources.at[i - 1].file : NULL,
			    plan->sources.at[i].file);
	check_nodes(v);
	check_areas(v);
	for (size_t i = 0; i < plan->flows.n; i++)
		check_flow(v, fields, &plan->flows.at[i]);
	for (size_t i = 0; i < plan->pipelines.n; i++)
		check_pipeline(v, fields, i);
	for (size_t i = 0; i < plan->classes.n; i++)
		check_class(v, fields, i);
	for (size_t i = 0; i < plan->targets.n; i++)
		check_target(v, i);
}
