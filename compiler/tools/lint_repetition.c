/* The same function twice on one path. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/tools/lint_shared.h"

enum { MOST_WALKS = 16 }; /* per pipeline; beyond, a way along the edges is enough */

static int value_cmp(const struct m_value *a, const struct m_value *b)
{
	int c;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == VALUE_NUMBER)
		return rat_cmp(a->number, b->number);
	if (a->kind == VALUE_TEXT)
		return strcmp(a->text, b->text);
	for (size_t i = 0; i < a->n_members && i < b->n_members; i++)
		if ((c = value_cmp(a->members[i], b->members[i])))
			return c;
	return (a->n_members > b->n_members) - (a->n_members < b->n_members);
}

/* In the order of writing, which does not matter much: who writes the same twice writes it
 * alike. */
static int config_cmp(const struct m_instance *a, const struct m_instance *b)
{
	int c;

	for (size_t i = 0; i < a->config.n && i < b->config.n; i++) {
		if ((c = strcmp(a->config.at[i].name, b->config.at[i].name)))
			return c;
		if ((c = value_cmp(a->config.at[i].value, b->config.at[i].value)))
			return c;
	}
	return (a->config.n > b->config.n) - (a->config.n < b->config.n);
}

static int by_work(const void *x, const void *y)
{
	const struct m_instance *a = *(struct m_instance *const *)x,
				*b = *(struct m_instance *const *)y;
	int c = strcmp(a->function->canonical, b->function->canonical);

	if (c || (c = config_cmp(a, b)))
		return c;
	return (a->index > b->index) - (a->index < b->index);
}

/* Instances that do the same. */
struct alike {
	struct linting *lint;
	const struct m_pipeline *pipeline;
	struct m_instance **at;
	size_t n;
	size_t *above; /* per module: the last of them upstream, + 1 */
	size_t *n_walks;
};

static bool packets_pass(struct alike *a, size_t from, size_t to)
{
	struct linting *l = a->lint;
	struct lint_way *in;
	struct lint_walk w = { l, a->pipeline, true, NULL, NULL };

	if (++*a->n_walks > MOST_WALKS)
		return true;
	in = arena_many(LINT_ARENA(l), struct lint_way, a->pipeline->instances.n);
	in[from] = lint_arriving(l, a->pipeline)[from];
	return !cubes_empty(lint_spread(&w, in)[to].cubes);
}

static void find_above(struct alike *a)
{
	const struct m_pipeline *p = a->pipeline;
	bool *is = arena_many(LINT_ARENA(a->lint), bool, p->instances.n);
	size_t *passing = arena_many(LINT_ARENA(a->lint), size_t, p->instances.n);

	for (size_t k = 0; k < a->n; k++)
		is[a->at[k]->index] = true;
	for (size_t o = 0; o < p->instances.n; o++) {
		size_t i = p->order[o];

		a->above[i] = passing[i];
		if (is[i])
			passing[i] = i + 1;
		for (size_t j = 0; j < p->out[i].n && passing[i]; j++)
			passing[p->edges.at[p->out[i].at[j]].to] = passing[i];
	}
}

static void judge_alike(struct alike *a)
{
	struct linting *l = a->lint;

	a->above = arena_many(LINT_ARENA(l), size_t, a->pipeline->instances.n);
	find_above(a);
	for (size_t k = 0; k < a->n; k++) {
		const struct m_instance *second = a->at[k], *first;
		struct diag *d;

		if (!a->above[second->index] ||
		    !packets_pass(a, a->above[second->index] - 1, second->index))
			continue;
		first = a->pipeline->instances.at[a->above[second->index] - 1];
		d = diag_add(
		    LINT_DIAGS(l), L2015, second->sym->span,
		    "packets that come to '%s' have passed '%s', the same function, before",
		    second->sym->name, first->sym->name);
		diag_also(LINT_DIAGS(l), d, first->sym->span, "an instance of %s too",
			  first->function->canonical);
		diag_help(LINT_DIAGS(l), d, "leave one of them out");
	}
}

static void judge_repetition(struct linting *l, const struct m_pipeline *p)
{
	VEC(struct m_instance *) transit = { 0 };
	size_t n_walks = 0;

	for (size_t i = 0; i < p->instances.n; i++) {
		struct m_instance *inst = p->instances.at[i];

		if (inst->function && inst->function->module && lint_role(inst) == ROLE_TRANSIT)
			vec_push(LINT_ARENA(l), &transit, inst);
	}
	if (transit.n)
		qsort(transit.at, transit.n, sizeof(*transit.at), by_work);
	for (size_t i = 0, n; i < transit.n; i += n) {
		struct alike a = {
			.lint = l, .pipeline = p, .at = &transit.at[i], .n_walks = &n_walks
		};

		for (n = 1;
		     i + n < transit.n && transit.at[i]->function == transit.at[i + n]->function;
		     n++)
			if (config_cmp(transit.at[i], transit.at[i + n]))
				break;
		a.n = n;
		if (n > 1)
			judge_alike(&a);
	}
}

void lint_redundant(struct linting *l)
{
	struct refs own = lint_pipelines(l);

	for (size_t i = 0; i < own.n; i++)
		judge_repetition(l, own.at[i]->object);
}
