/* Filters that can be read off a packet as it enters (doc/language.md 5.5, "Classifying
 * early"). */
#include <config.h>

#include "compiler/lower/private.h"

enum { MOST_PATHS = 1024 }; /* beyond, only `match` tells classes apart */

static bool is_hidden(const struct field *f, void *data)
{
	const struct field_set *rewritten = data;

	for (size_t i = 0; i < rewritten->n; i++)
		if (rewritten->at[i] == f)
			return true;
	return f->derived;
}

/* Any of the edges between two modules. */
static const struct fx *step_filter(struct lowering *l, const struct m_pipeline *p, size_t from,
				    size_t to, struct field_set *rewritten)
{
	struct fields *fields = l->model->fields;
	VEC(const struct fx *) any = { 0 };

	for (size_t j = 0; j < p->out[from].n; j++) {
		const struct m_edge *e = &p->edges.at[p->out[from].at[j]];

		if (e->to == to && !e->copy)
			vec_push(l->arena, &any, fx_relax(fields, e->when, is_hidden, rewritten));
	}
	return fx_or(fields, any.at, any.n);
}

static void add_rewritten(struct lowering *l, const struct m_instance *i, struct field_set *rewritten)
{
	const struct m_function *f = i->function ? i->function->object : NULL;

	for (size_t k = 0; f && k < f->rewrites.n; k++)
		vec_push(l->arena, rewritten, f->rewrites.at[k]);
}

static bool is_copy_step(const struct m_path *path, size_t k)
{
	for (size_t i = 0; i < path->n_copies; i++)
		if (path->copies[i] == k)
			return true;
	return false;
}

static const struct fx *path_header(struct lowering *l, const struct m_path *path)
{
	struct field_set rewritten = { 0 };
	VEC(const struct fx *) all = { 0 };

	for (size_t k = 1; k < path->n; k++) {
		add_rewritten(l, path->pipeline->instances.at[path->modules[k - 1]], &rewritten);
		if (!is_copy_step(path, k))
			vec_push(l->arena, &all,
				 step_filter(l, path->pipeline, path->modules[k - 1], path->modules[k], &rewritten));
	}
	return fx_and(l->model->fields, all.at, all.n);
}

const struct fx *class_header(struct lowering *l, const struct m_class *m)
{
	VEC(const struct fx *) ways = { 0 };

	if (!m->paths.n || m->paths.n > MOST_PATHS)
		return m->match;
	for (size_t i = 0; i < m->paths.n; i++)
		vec_push(l->arena, &ways, path_header(l, &m->paths.at[i]));
	return fx_and(l->model->fields,
		      (const struct fx *[]){ m->match, fx_or(l->model->fields, ways.at, ways.n) }, 2);
}
