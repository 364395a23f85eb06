/* Pipelines and classes. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/lower/private.h"

/* ---- modules ---- */

static const struct ir_value *lower_value(struct lowering *l, const struct m_value *m)
{
	struct ir_value *v = arena_one(l->arena, struct ir_value);
	const struct ir_value **members = arena_many(l->arena, const struct ir_value *, m->n_members);

	v->kind = m->kind == VALUE_NUMBER ? IR_VALUE_NUMBER :
		  m->kind == VALUE_TEXT	  ? IR_VALUE_TEXT :
					    IR_VALUE_LIST;
	v->number = m->number;
	v->text = m->text;
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i])
			members[v->n_members++] = lower_value(l, m->members[i]);
	v->members = members;
	return v;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct ir_config *)x)->name, ((const struct ir_config *)y)->name);
}

static void lower_config(struct lowering *l, const struct m_instance *m, struct ir_module *module)
{
	struct ir_config *config = arena_many(l->arena, struct ir_config, m->config.n);

	for (size_t i = 0; i < m->config.n; i++)
		config[i] = (struct ir_config){ m->config.at[i].name, lower_value(l, m->config.at[i].value) };
	if (m->config.n)
		qsort(config, m->config.n, sizeof(*config), by_name);
	module->config = config;
	module->n_config = m->config.n;
}

static struct ir_module lower_module(struct lowering *l, const struct m_instance *m)
{
	struct ir_module module = { .name = m->sym->canonical, .span = m->sym->span };

	module.function = number_of(l, m->function);
	module.function_name = m->function ? m->function->canonical : "drop";
	module.role = m->is_drop ? IR_ROLE_EXIT : (enum ir_role)OBJECT(m->function, m_function)->role;
	module.schedulable = m->schedulable;
	module.cost = m->cycles;
	module.cost_per_byte = m->cycles_per_byte;
	lower_config(l, m, &module);
	return module;
}

static int by_module_name(const void *x, const void *y)
{
	return strcmp(((const struct ir_module *)x)->name, ((const struct ir_module *)y)->name);
}

/* ---- edges ---- */

static int edge_order(const void *x, const void *y)
{
	const struct ir_edge *a = x, *b = y;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	if (a->copy != b->copy)
		return a->copy ? 1 : -1;
	return strcmp(a->when, b->when);
}

/* Instances of the model by their place in its list -> modules of the graph. */
static uint32_t *places(struct lowering *l, const struct m_pipeline *m, const struct ir_pipeline *p)
{
	uint32_t *place = arena_many(l->arena, uint32_t, m->instances.n);

	for (size_t i = 0; i < m->instances.n; i++) {
		const struct ir_module key = { .name = m->instances.at[i]->sym->canonical };
		const struct ir_module *found =
			bsearch(&key, p->modules, p->n_modules, sizeof(*p->modules), by_module_name);

		place[i] = (uint32_t)(found - p->modules);
	}
	return place;
}

static void lower_edges(struct lowering *l, const struct m_pipeline *m, const uint32_t *place,
			struct ir_pipeline *p)
{
	p->n_edges = m->edges.n;
	p->edges = arena_many(l->arena, struct ir_edge, m->edges.n);
	for (size_t i = 0; i < m->edges.n; i++) {
		const struct m_edge *e = &m->edges.at[i];

		p->edges[i] = (struct ir_edge){
			.from = place[e->from],
			.to = place[e->to],
			.fx = e->when,
			.when = fx_text(l->ir->fields, e->when),
			.copy = e->copy,
			.otherwise = e->otherwise,
			.has_rate = e->has_rate,
			.rate_pps = e->has_rate ? e->rate : RAT_ZERO,
			.span = e->span,
		};
	}
	if (p->n_edges)
		qsort(p->edges, p->n_edges, sizeof(*p->edges), edge_order);
}

static uint32_t *lower_pipeline(struct lowering *l, const struct m_pipeline *m, struct ir_pipeline *p)
{
	uint32_t *place;

	p->name = m->sym->canonical;
	p->span = m->sym->span;
	p->has_packet = rat_given(m->packet);
	p->packet = p->has_packet ? m->packet : RAT_ZERO;
	p->n_modules = m->instances.n;
	p->modules = arena_many(l->arena, struct ir_module, m->instances.n);
	for (size_t i = 0; i < m->instances.n; i++)
		p->modules[i] = lower_module(l, m->instances.at[i]);
	if (p->n_modules)
		qsort(p->modules, p->n_modules, sizeof(*p->modules), by_module_name);
	place = places(l, m, p);
	lower_edges(l, m, place, p);
	return place;
}

/* ---- classes ---- */

static int path_order(const void *x, const void *y)
{
	const struct ir_path *a = x, *b = y;

	if (a->pipeline != b->pipeline)
		return a->pipeline < b->pipeline ? -1 : 1;
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->modules[i] != b->modules[i])
			return a->modules[i] < b->modules[i] ? -1 : 1;
	return (a->n > b->n) - (a->n < b->n);
}

static void lower_class(struct lowering *l, const struct m_class *m, uint32_t *const *place,
			struct ir_class *c)
{
	c->name = m->sym->canonical;
	c->span = m->sym->span;
	c->fx = m->match;
	c->match = fx_text(l->ir->fields, m->match);
	c->rate_pps = m->rate_pps;
	c->has_packet = rat_given(m->packet_bytes);
	c->packet = c->has_packet ? m->packet_bytes : RAT_ZERO;
	c->paths = arena_many(l->arena, struct ir_path, m->paths.n);
	for (size_t i = 0; i < m->paths.n; i++) {
		const struct m_path *path = &m->paths.at[i];
		uint32_t pipeline = number_of(l, path->pipeline->sym);
		uint32_t *modules = arena_many(l->arena, uint32_t, path->n);

		for (size_t k = 0; k < path->n; k++)
			modules[k] = place[pipeline][path->modules[k]];
		c->paths[c->n_paths++] = (struct ir_path){ pipeline, modules, path->n, path->copy };
	}
	if (c->n_paths)
		qsort(c->paths, c->n_paths, sizeof(*c->paths), path_order);
}

void lower_pipelines(struct lowering *l)
{
	struct refs pipelines = in_plan(l, &l->model->pipelines, SYM_PIPELINE);
	struct refs classes = in_plan(l, &l->model->classes, SYM_CLASS);
	struct symbol **sorted = number_sorted(l, &pipelines), **sorted_classes = number_sorted(l, &classes);
	uint32_t **place = arena_many(l->arena, uint32_t *, pipelines.n);

	l->ir->n_pipelines = pipelines.n;
	l->ir->pipelines = arena_many(l->arena, struct ir_pipeline, pipelines.n);
	for (size_t i = 0; i < pipelines.n; i++)
		place[i] = lower_pipeline(l, sorted[i]->object, &l->ir->pipelines[i]);
	l->ir->n_classes = classes.n;
	l->ir->classes = arena_many(l->arena, struct ir_class, classes.n);
	for (size_t i = 0; i < classes.n; i++)
		lower_class(l, sorted_classes[i]->object, place, &l->ir->classes[i]);
}
