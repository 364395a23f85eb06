#include <config.h>

#include "compiler/lower/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/ast/ast.h"
#include "compiler/base/sha256.h"
#include "compiler/lower/private.h"

uint32_t number_of(const struct lowering *l, const struct symbol *sym)
{
	void *number = sym ? map_get(&l->numbers, sym) : NULL;

	return number ? (uint32_t)((uintptr_t)number - 1) : ID_NONE;
}

struct ids numbers_of(const struct lowering *l, const struct refs *refs)
{
	uint32_t *at = arena_many(l->arena, uint32_t, refs->n);
	size_t n = 0;

	for (size_t i = 0; i < refs->n; i++)
		if (number_of(l, refs->at[i]) != ID_NONE)
			at[n++] = number_of(l, refs->at[i]);
	return ids_from(l->arena, at, n);
}

static int by_canonical(const void *x, const void *y)
{
	const struct symbol *a = *(struct symbol *const *)x, *b = *(struct symbol *const *)y;

	return strcmp(a->canonical, b->canonical);
}

struct symbol **number_sorted(struct lowering *l, const struct refs *refs)
{
	struct symbol **sorted = arena_many(l->arena, struct symbol *, refs->n);

	if (refs->n) {
		memcpy(sorted, refs->at, refs->n * sizeof(*sorted));
		qsort(sorted, refs->n, sizeof(*sorted), by_canonical);
	}
	for (size_t i = 0; i < refs->n; i++)
		map_put(&l->numbers, sorted[i], (void *)(uintptr_t)(i + 1));
	return sorted;
}

static bool named_by_target(const struct model *m, const struct symbol *sym)
{
	for (size_t i = 0; i < m->targets.n; i++) {
		const struct m_target *t = m->targets.at[i]->object;

		if (m->targets.at[i]->module != m->root || t->backend < 0)
			continue;
		for (size_t k = 0; k < t->subjects.n; k++)
			if (t->subjects.at[k] == sym)
				return true;
		if (t->enforce == sym)
			return true;
		for (size_t k = 0; t->enforce && k < OBJECT(t->enforce, m_slo)->classes.n; k++)
			if (OBJECT(t->enforce, m_slo)->classes.at[k] == sym)
				return true;
	}
	return false;
}

/* Other modules' classes bring their pipelines along. */
static bool passed_by_class(const struct model *m, const struct symbol *pipeline)
{
	for (size_t i = 0; i < m->classes.n; i++) {
		const struct m_class *class = m->classes.at[i]->object;

		if (m->classes.at[i]->module != m->root && !named_by_target(m, m->classes.at[i]))
			continue;
		for (size_t k = 0; k < class->pipelines.n; k++)
			if (class->pipelines.at[k] == pipeline)
				return true;
	}
	return false;
}

struct refs in_plan(struct lowering *l, const struct refs *all, enum symbol_kind kind)
{
	struct refs found = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		struct symbol *sym = all->at[i];

		if (sym->module == l->model->root || named_by_target(l->model, sym) ||
		    (kind == SYM_PIPELINE && passed_by_class(l->model, sym)))
			vec_push(l->arena, &found, sym);
	}
	return found;
}

static int by_file(const void *x, const void *y)
{
	return strcmp(((const struct ir_source *)x)->file, ((const struct ir_source *)y)->file);
}

static void lower_sources(struct lowering *l)
{
	struct ir *ir = l->ir;
	const struct sources *sources = &l->model->ctx->sources;

	ir->sources = arena_many(l->arena, struct ir_source, l->model->modules.n);
	for (size_t i = 0; i < l->model->modules.n; i++) {
		const struct source *src = source_at(sources, l->model->modules.at[i]->source);
		struct ir_source *s = &ir->sources[ir->n_sources++];

		s->file = src->shown;
		s->source = l->model->modules.at[i]->source;
		sha256_text(src->text, src->size, s->sha256);
	}
	qsort(ir->sources, ir->n_sources, sizeof(*ir->sources), by_file);
}

struct ir *lower(struct model *m)
{
	struct lowering l = { .model = m, .arena = m->ctx->arena };

	l.ir = arena_one(l.arena, struct ir);
	map_init(&l.numbers, l.arena);
	l.ir->module = m->root->name;
	l.ir->edition = m->root->ast->has_edition ? m->root->ast->edition : 1;
	l.ir->fields = m->fields;
	lower_sources(&l);
	lower_movement(&l);
	lower_classes(&l, lower_pipelines(&l));
	lower_path_rates(l.arena, l.ir);
	lower_slos(&l);
	lower_targets(&l);
	return l.ir;
}

uint32_t lower_id(const struct ir *ir, const struct symbol *sym)
{
	switch (sym->kind) {
	case SYM_NODE:
		return ir_find_node(ir, sym->canonical);
	case SYM_ATTRIBUTE:
		return ir_find_attr(ir, sym->canonical);
	case SYM_FUNCTION:
		return ir_find_function(ir, sym->canonical);
	default:
		return ID_NONE;
	}
}

struct ids lower_nodes(const struct ir *ir, struct arena *a, const struct refs *refs, bool all)
{
	VEC(uint32_t) found = { 0 };

	for (size_t i = 0; !all && i < refs->n; i++)
		vec_push(a, &found, lower_id(ir, refs->at[i]));
	for (size_t i = 0; all && i < ir->n_nodes; i++)
		if (ir->nodes[i].kind == IR_ENDPOINT)
			vec_push(a, &found, (uint32_t)i);
	return ids_from(a, found.at, found.n);
}
