/* Classes and their paths. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/lower/private.h"

static int path_order(const void *x, const void *y)
{
	const struct ir_path *a = x, *b = y;

	if (a->pipeline != b->pipeline)
		return a->pipeline < b->pipeline ? -1 : 1;
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->modules[i] != b->modules[i])
			return a->modules[i] < b->modules[i] ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = 0; i < a->n_copies && i < b->n_copies; i++)
		if (a->copies[i] != b->copies[i])
			return a->copies[i] < b->copies[i] ? -1 : 1;
	return (a->n_copies > b->n_copies) - (a->n_copies < b->n_copies);
}

static struct ir_path lower_path(struct lowering *l, const struct m_path *m, uint32_t *const *places)
{
	struct ir_path path = { .pipeline = number_of(l, m->pipeline->sym), .n = m->n, .n_copies = m->n_copies };
	uint32_t *modules = arena_many(l->arena, uint32_t, m->n);
	uint32_t *copies = arena_many(l->arena, uint32_t, m->n_copies);

	for (size_t k = 0; k < m->n; k++)
		modules[k] = places[path.pipeline][m->modules[k]];
	for (size_t k = 0; k < m->n_copies; k++)
		copies[k] = (uint32_t)m->copies[k];
	path.modules = modules;
	path.copies = copies;
	path.copy = m->n_copies > 0;
	path.first = path.copy ? copies[m->n_copies - 1] : 0;
	path.rate_pps = RAT_ZERO;
	return path;
}

static void lower_class(struct lowering *l, const struct m_class *m, uint32_t *const *places,
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
	for (size_t i = 0; i < m->paths.n; i++)
		c->paths[c->n_paths++] = lower_path(l, &m->paths.at[i], places);
	if (c->n_paths)
		qsort(c->paths, c->n_paths, sizeof(*c->paths), path_order);
	c->header = class_header(l, m);
}

static void lower_rest(struct lowering *l, const struct m_pipeline *p, uint32_t *const *places,
		       struct ir_class *rest)
{
	static const struct m_class none = { .rate_pps = { 0, 1 } };
	struct m_class m = p->rest ? *p->rest : none;

	m.sym = l->model->rest;
	m.match = fx_true(l->model->fields);
	lower_class(l, &m, places, rest);
}

void lower_classes(struct lowering *l, uint32_t *const *places)
{
	struct refs classes = in_plan(l, &l->model->classes, SYM_CLASS);
	struct symbol **sorted = number_sorted(l, &classes);

	l->ir->n_classes = classes.n;
	l->ir->classes = arena_many(l->arena, struct ir_class, classes.n);
	for (size_t i = 0; i < classes.n; i++)
		lower_class(l, sorted[i]->object, places, &l->ir->classes[i]);
	for (size_t i = 0; i < l->model->pipelines.n; i++) {
		uint32_t number = number_of(l, l->model->pipelines.at[i]);

		if (number != ID_NONE)
			lower_rest(l, l->model->pipelines.at[i]->object, places, &l->ir->pipelines[number].rest);
	}
}
