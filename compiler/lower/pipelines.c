/* Pipelines. */
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

static void lower_port_attributes(struct lowering *l, const struct m_instance *m, struct ir_module *module)
{
	const struct m_function *f = m->function ? m->function->object : NULL;
	const struct field **at;

	if (!f || !f->derives.n)
		return;
	at = arena_many(l->arena, const struct field *, f->derives.n);
	for (size_t i = 0; i < f->derives.n; i++)
		if (f->derives.at[i].via == VIA_PORT)
			at[module->n_port_attributes++] = fields_find(
				l->model->fields, arena_printf(l->arena, "%s.%s", m->sym->canonical,
							       f->derives.at[i].name));
	module->port_attributes = at;
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
	lower_port_attributes(l, m, &module);
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

uint32_t **lower_pipelines(struct lowering *l)
{
	struct refs pipelines = in_plan(l, &l->model->pipelines, SYM_PIPELINE);
	struct symbol **sorted = number_sorted(l, &pipelines);
	uint32_t **place = arena_many(l->arena, uint32_t *, pipelines.n);

	l->ir->n_pipelines = pipelines.n;
	l->ir->pipelines = arena_many(l->arena, struct ir_pipeline, pipelines.n);
	for (size_t i = 0; i < pipelines.n; i++)
		place[i] = lower_pipeline(l, sorted[i]->object, &l->ir->pipelines[i]);
	return place;
}
