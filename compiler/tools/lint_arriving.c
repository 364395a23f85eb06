/* Which packets come to the modules of a pipeline. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_memo.h"

/* A set of more boxes than this is taken for all packets, and so is every set once this
 * many boxes have been made in all.  `otherwise` beside more edges than this is taken to
 * let everything pass. */
enum { MOST_BOXES = 512, MOST_SPENT = 1 << 17, MOST_SIBLINGS = 256 };

const struct m_function *lint_function(const struct m_instance *i)
{
	return i->function ? OBJECT(i->function, m_function) : NULL;
}

int lint_role(const struct m_instance *i)
{
	const struct m_function *f = lint_function(i);

	if (i->is_drop)
		return ROLE_EXIT;
	return f ? f->role : ROLE_TRANSIT;
}

bool lint_begins(const struct m_pipeline *p, size_t module)
{
	int role = lint_role(p->instances.at[module]);

	return !p->in[module].n && (role == ROLE_SOURCE || (role == ROLE_PORT && p->out[module].n));
}

const struct m_value *lint_config(const struct m_instance *i, const char *name)
{
	for (size_t k = 0; k < i->config.n; k++)
		if (!strcmp(i->config.at[k].name, name))
			return i->config.at[k].value;
	return NULL;
}

bool lint_is_based_on(const struct symbol *a, const struct symbol *b)
{
	while (a && a != b)
		a = OBJECT(a, m_function)->base;
	return a && a == b;
}

/* ---- steps ---- */

static struct lint_way unknown_way(struct linting *l)
{
	return (struct lint_way){ cubes_all(LINT_FIELDS(l)), false };
}

/* Sets that have grown too large are given up. */
static struct lint_way settle(struct linting *l, struct lint_way w)
{
	struct lint_shared *memo = lint_memo(l);
	size_t n = cubes_count(w.cubes);

	memo->spent += n;
	return n > MOST_BOXES || memo->spent > MOST_SPENT ? unknown_way(l) : w;
}

struct lint_way lint_behind(struct linting *l, const struct m_instance *i, struct lint_way w)
{
	const struct m_function *f = lint_function(i);

	for (size_t k = 0; f && k < f->rewrites.n; k++)
		w.cubes = cubes_forget(LINT_FIELDS(l), w.cubes, f->rewrites.at[k]);
	return f && f->rewrites.n ? settle(l, w) : w;
}

struct lint_way lint_across(struct linting *l, const struct m_pipeline *p, struct lint_way w,
			    const struct m_edge *e)
{
	if (cubes_empty(w.cubes) || (!e->otherwise && fx_kind(e->when) == FX_TRUE))
		return w;
	if (e->otherwise && p->out[e->from].n > MOST_SIBLINGS)
		return (struct lint_way){ w.cubes, false };
	w.cubes = cubes_filter(LINT_FIELDS(l), w.cubes, e->when);
	return settle(l, w);
}

static struct lint_way join(struct linting *l, struct lint_way a, struct lint_way b)
{
	if (cubes_empty(a.cubes) && a.exact)
		return b;
	if (cubes_empty(b.cubes) && b.exact)
		return a;
	return settle(
	    l, (struct lint_way){ cubes_or(LINT_FIELDS(l), a.cubes, b.cubes), a.exact && b.exact });
}

struct lint_way *lint_spread(const struct lint_walk *w, const struct lint_way *in)
{
	const struct m_pipeline *p = w->pipeline;
	struct lint_way *at = arena_many(LINT_ARENA(w->lint), struct lint_way, p->instances.n);

	for (size_t i = 0; i < p->instances.n; i++)
		at[i] = in[i].cubes ? in[i]
				    : (struct lint_way){ cubes_none(LINT_FIELDS(w->lint)), true };
	for (size_t o = 0; o < p->instances.n; o++) {
		size_t i = p->order[o];
		struct lint_way leaving;

		if (cubes_empty(at[i].cubes) || (w->stops && w->stops(w->data, i)))
			continue;
		leaving = lint_behind(w->lint, p->instances.at[i], at[i]);
		for (size_t j = 0; j < p->out[i].n; j++) {
			const struct m_edge *e = &p->edges.at[p->out[i].at[j]];

			if (!e->copy || w->copies)
				at[e->to] =
				    join(w->lint, at[e->to], lint_across(w->lint, p, leaving, e));
		}
	}
	return at;
}

/* ---- what enters ---- */

static void note_port(const struct field *f, void *data)
{
	if (!strcmp(f->name, "port.in"))
		*(bool *)data = true;
}

/* Whether it matters by which device packets came. */
static bool asks_for_port(const struct m_pipeline *p)
{
	bool asks = false;

	for (size_t e = 0; e < p->edges.n; e++)
		fx_visit(p->edges.at[e].when, note_port, &asks);
	return asks;
}

static const struct cubes *entering(struct linting *l, const struct m_instance *i, bool by_port)
{
	struct fields *fields = LINT_FIELDS(l);
	const struct m_value *device = by_port ? lint_config(i, "device") : NULL;
	struct fx_member member = { .kind = FX_TEXT };

	if (!device || device->kind != VALUE_TEXT)
		return cubes_all(fields);
	member.text = device->text;
	return fx_cubes(fields, fx_cmp(fields, fields_find(fields, "port.in"), &member, 1));
}

const struct lint_way *lint_arriving(struct linting *l, const struct m_pipeline *p)
{
	struct lint_shared *memo = lint_memo(l);
	struct lint_walk walk = { .lint = l, .pipeline = p, .copies = true };
	struct lint_way *at = map_get(&memo->arriving, p), *in;
	bool by_port;

	if (at)
		return at;
	in = arena_many(LINT_ARENA(l), struct lint_way, p->instances.n);
	by_port = asks_for_port(p);
	for (size_t i = 0; i < p->instances.n; i++)
		if (lint_begins(p, i))
			in[i] = (struct lint_way){ entering(l, p->instances.at[i], by_port), true };
	at = lint_spread(&walk, in);
	map_put(&memo->arriving, p, at);
	return at;
}

/* ---- edges of one statement ---- */

/* Edges are in the order of the source. */
size_t lint_first_edge(const struct m_pipeline *p, struct span when)
{
	size_t low = 0, high = p->edges.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_cmp(p->edges.at[middle].when_span, when) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct cubes *lint_asked(struct linting *l, const struct lint_filter *f)
{
	const struct m_pipeline *p = f->block->object;
	const struct cubes *all = cubes_none(LINT_FIELDS(l));
	const struct lint_way *at;

	if (f->block->kind != SYM_PIPELINE)
		return cubes_all(LINT_FIELDS(l));
	at = lint_arriving(l, p);
	for (size_t e = lint_first_edge(p, f->span);
	     e < p->edges.n && !span_cmp(p->edges.at[e].when_span, f->span); e++) {
		size_t from = p->edges.at[e].from;

		all = cubes_or(LINT_FIELDS(l), all,
			       lint_behind(l, p->instances.at[from], at[from]).cubes);
	}
	return all;
}
