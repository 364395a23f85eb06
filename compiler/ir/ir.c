#include <config.h>

#include "compiler/ir/ir.h"

#include <assert.h>
#include <string.h>

static const char *attr_name(const struct ir *ir, size_t i)
{
	return ir->attrs[i].name;
}

static const char *function_name(const struct ir *ir, size_t i)
{
	return ir->functions[i].name;
}

static const char *domain_name(const struct ir *ir, size_t i)
{
	return ir->domains[i].name;
}

static const char *node_name(const struct ir *ir, size_t i)
{
	return ir->nodes[i].name;
}

static const char *pipeline_name(const struct ir *ir, size_t i)
{
	return ir->pipelines[i].name;
}

static const char *class_name(const struct ir *ir, size_t i)
{
	return ir->classes[i].name;
}

static const char *slo_name(const struct ir *ir, size_t i)
{
	return ir->slos[i].name;
}

static const char *target_name(const struct ir *ir, size_t i)
{
	return ir->targets[i].name;
}

static const char *source_file(const struct ir *ir, size_t i)
{
	return ir->sources[i].file;
}

static void verify_sorted(const struct ir *ir, size_t n,
			  const char *(*name)(const struct ir *, size_t))
{
	for (size_t i = 0; i < n; i++) {
		assert(name(ir, i));
		assert(i == 0 || strcmp(name(ir, i - 1), name(ir, i)) < 0);
	}
}

static void verify_names(const struct ir *ir)
{
	verify_sorted(ir, ir->n_sources, source_file);
	verify_sorted(ir, ir->n_attrs, attr_name);
	verify_sorted(ir, ir->n_functions, function_name);
	verify_sorted(ir, ir->n_domains, domain_name);
	verify_sorted(ir, ir->n_nodes, node_name);
	verify_sorted(ir, ir->n_pipelines, pipeline_name);
	verify_sorted(ir, ir->n_classes, class_name);
	verify_sorted(ir, ir->n_slos, slo_name);
	verify_sorted(ir, ir->n_targets, target_name);
}

/* Strictly ascending, each below N. */
static void verify_ids(struct ids s, size_t n)
{
	for (size_t i = 0; i < s.n; i++) {
		assert(s.at[i] < n);
		assert(i == 0 || s.at[i - 1] < s.at[i]);
	}
}

enum { SENSIBLE_SET = 64 }; /* larger ones would take the square of their size to look at */

static void verify_closed(const struct ir *ir, struct ids attrs)
{
	verify_ids(attrs, ir->n_attrs);
	for (size_t i = 0; i < attrs.n; i++) {
		assert(!ir->attrs[attrs.at[i]].is_label);
		assert(attrs.n > SENSIBLE_SET || ids_subset(ir->attrs[attrs.at[i]].closure, attrs));
	}
}

static void verify_not_negative(struct rat r)
{
	assert(r.den > 0);
	assert(rat_sign(r) >= 0);
}

/* What a label requires includes what the labels below it require. */
static void verify_label(const struct ir *ir, uint32_t id)
{
	const struct ir_attr *a = &ir->attrs[id];

	verify_ids(a->below, ir->n_attrs);
	verify_ids(a->requires, ir->n_attrs);
	assert(ids_has(a->below, id));
	for (size_t i = 0; i < a->below.n; i++) {
		const struct ir_attr *b = &ir->attrs[a->below.at[i]];

		assert(b->is_label);
		assert(a->below.n > SENSIBLE_SET || ids_subset(b->below, a->below));
		assert(a->below.n > SENSIBLE_SET || ids_subset(b->requires, a->requires));
	}
}

static void verify_attrs(const struct ir *ir)
{
	for (uint32_t i = 0; i < ir->n_attrs; i++) {
		const struct ir_attr *a = &ir->attrs[i];

		if (a->is_label) {
			verify_label(ir, i);
			continue;
		}
		verify_closed(ir, a->closure);
		assert(ids_has(a->closure, i));
	}
}

static void verify_functions(const struct ir *ir)
{
	for (uint32_t i = 0; i < ir->n_functions; i++) {
		const struct ir_function *f = &ir->functions[i];

		verify_closed(ir, f->provides);
		verify_ids(f->before, ir->n_functions);
		verify_ids(f->after, ir->n_functions);
		verify_not_negative(f->setup);
		verify_not_negative(f->cost);
		verify_not_negative(f->cost_per_byte);
		assert(f->pair == ID_NONE || f->pair < ir->n_functions);
		assert(f->pair == ID_NONE || ir->functions[f->pair].pair == i);
	}
}

static void verify_nodes(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n_nodes; i++) {
		const struct ir_node *n = &ir->nodes[i];

		assert(n->domain < ir->n_domains);
		verify_closed(ir, n->attrs);
		assert(n->kind == IR_PROXY || n->n_hosts == 0);
		for (size_t k = 0; k < n->n_hosts; k++)
			assert(n->hosts[k] < ir->n_functions);
		assert((n->kind == IR_PROXY) ==
		       ids_has(ir->domains[n->domain].proxies, (uint32_t)i));
		if (n->has_cores) {
			verify_not_negative(n->cores);
			verify_not_negative(n->clock);
		}
	}
}

static void verify_rule(const struct ir *ir, const struct ir_rule *r)
{
	verify_ids(r->from, ir->n_nodes);
	verify_ids(r->to, ir->n_nodes);
	assert(r->cubes);
	assert(r->carries == ID_NONE ||
	       (r->carries < ir->n_attrs && ir->attrs[r->carries].is_label));
}

static void verify_domains(const struct ir *ir)
{
	size_t next = 0;

	for (size_t i = 0; i < ir->n_domains; i++) {
		const struct ir_domain *d = &ir->domains[i];

		verify_ids(d->proxies, ir->n_nodes);
		assert(d->n_rules == 0 || (d->first_rule == next && d->decides != IR_DEFAULT_NONE));
		assert(d->n_rules <= ir->n_rules - next);
		for (size_t k = 0; k < d->n_rules; k++) {
			assert(ir->rules[next + k].domain == i);
			verify_rule(ir, &ir->rules[next + k]);
		}
		next += d->n_rules;
	}
	assert(next == ir->n_rules);
}

static void verify_flow(const struct ir *ir, const struct ir_flow *f)
{
	assert(f->from < ir->n_nodes && f->to < ir->n_nodes);
	assert(f->cubes && f->when);
	assert(f->carries == ID_NONE ||
	       (f->carries < ir->n_attrs && ir->attrs[f->carries].is_label));
	if (f->has_rate) {
		verify_not_negative(f->rate_bps);
		verify_not_negative(f->rate_pps);
	}
}

static void verify_applications(const struct ir *ir)
{
	size_t next = 0;

	for (size_t i = 0; i < ir->n_applications; i++) {
		const struct ir_application *a = &ir->applications[i];

		assert(a->name);
		verify_not_negative(a->packet);
		assert(a->n_flows == 0 || a->first_flow == next);
		assert(a->n_flows <= ir->n_flows - next);
		for (size_t k = 0; k < a->n_flows; k++) {
			assert(ir->flows[next + k].application == i);
			verify_flow(ir, &ir->flows[next + k]);
		}
		next += a->n_flows;
	}
	assert(next == ir->n_flows);
}

static int edge_cmp(const struct ir_edge *a, const struct ir_edge *b)
{
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->copy != b->copy)
		return a->copy ? 1 : -1;
	return strcmp(a->when, b->when);
}

static void verify_modules(const struct ir *ir, const struct ir_pipeline *p)
{
	for (size_t i = 0; i < p->n_modules; i++) {
		const struct ir_module *m = &p->modules[i];

		assert(m->name && m->function_name);
		assert(i == 0 || strcmp(p->modules[i - 1].name, m->name) < 0);
		assert(m->function == ID_NONE || m->function < ir->n_functions);
		verify_not_negative(m->cost);
		verify_not_negative(m->cost_per_byte);
		for (size_t k = 1; k < m->n_config; k++)
			assert(strcmp(m->config[k - 1].name, m->config[k].name) < 0);
	}
}

static void verify_pipelines(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n_pipelines; i++) {
		const struct ir_pipeline *p = &ir->pipelines[i];

		verify_modules(ir, p);
		for (size_t k = 0; k < p->n_edges; k++) {
			const struct ir_edge *e = &p->edges[k];

			assert(e->from < p->n_modules && e->to < p->n_modules);
			assert(e->fx && e->when);
			assert(k == 0 || edge_cmp(&p->edges[k - 1], e) <= 0);
			if (e->has_rate)
				verify_not_negative(e->rate_pps);
		}
	}
}

static int path_cmp(const struct ir_path *a, const struct ir_path *b)
{
	if (a->pipeline != b->pipeline)
		return a->pipeline < b->pipeline ? -1 : 1;
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->modules[i] != b->modules[i])
			return a->modules[i] < b->modules[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

static void verify_classes(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n_classes; i++) {
		const struct ir_class *c = &ir->classes[i];

		assert(c->fx && c->match);
		verify_not_negative(c->rate_pps);
		for (size_t k = 0; k < c->n_paths; k++) {
			const struct ir_path *p = &c->paths[k];

			assert(k == 0 || path_cmp(&c->paths[k - 1], p) <= 0);
			assert(p->pipeline < ir->n_pipelines);
			for (size_t m = 0; m < p->n; m++)
				assert(p->modules[m] < ir->pipelines[p->pipeline].n_modules);
		}
	}
}

static void verify_targets(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n_targets; i++) {
		const struct ir_target *t = &ir->targets[i];

		verify_ids(t->applications, ir->n_applications);
		verify_ids(t->pipelines, ir->n_pipelines);
		assert(t->enforce == ID_NONE || t->enforce < ir->n_slos);
		assert(t->at == ID_NONE || t->at < ir->n_nodes);
	}
}

void ir_verify(const struct ir *ir)
{
	verify_names(ir);
	verify_attrs(ir);
	verify_functions(ir);
	verify_domains(ir);
	verify_nodes(ir);
	verify_applications(ir);
	verify_pipelines(ir);
	verify_classes(ir);
	verify_targets(ir);
}

static uint32_t find(const struct ir *ir, size_t n, const char *(*name)(const struct ir *, size_t),
		     const char *wanted)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = strcmp(name(ir, middle), wanted);

		if (c == 0)
			return (uint32_t)middle;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return ID_NONE;
}

uint32_t ir_find_node(const struct ir *ir, const char *name)
{
	return find(ir, ir->n_nodes, node_name, name);
}

uint32_t ir_find_attr(const struct ir *ir, const char *name)
{
	return find(ir, ir->n_attrs, attr_name, name);
}

uint32_t ir_find_function(const struct ir *ir, const char *name)
{
	return find(ir, ir->n_functions, function_name, name);
}
