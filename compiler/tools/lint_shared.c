#include <config.h>

#include "compiler/tools/lint_shared.h"

#include <string.h>

#include "compiler/tools/lint_memo.h"

struct lint_shared *lint_memo(struct linting *l)
{
	if (!l->shared) {
		l->shared = arena_one(LINT_ARENA(l), struct lint_shared);
		map_init(&l->shared->arriving, LINT_ARENA(l));
		map_init(&l->shared->rulings, LINT_ARENA(l));
	}
	return l->shared;
}

/* ---- whose it is ---- */

bool lint_is_own(const struct linting *l, const struct symbol *sym)
{
	return sym->module == l->policy->model->root;
}

bool lint_in_root(const struct linting *l, struct span span)
{
	return !span_is_none(span) && span.source == l->policy->model->root->source;
}

struct refs lint_own(const struct linting *l, const struct refs *all)
{
	struct refs own = { 0 };

	for (size_t i = 0; i < all->n; i++)
		if (lint_is_own(l, all->at[i]))
			vec_push(LINT_ARENA(l), &own, all->at[i]);
	return own;
}

struct refs lint_pipelines(const struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->pipelines), sound = { 0 };

	for (size_t i = 0; i < own.n; i++)
		if (OBJECT(own.at[i], m_pipeline)->sound)
			vec_push(LINT_ARENA(l), &sound, own.at[i]);
	return sound;
}

/* ---- what was written ---- */

const struct ast_clause *lint_clause(const struct ast_clauses *clauses, const char *name)
{
	for (size_t i = 0; i < clauses->n; i++)
		if (!strcmp(clauses->at[i].name.name, name))
			return &clauses->at[i];
	return NULL;
}

const struct ast_stmt *lint_property(const struct symbol *block, const char *name)
{
	const struct ast_stmts *body = &block->stmt->decl.body;

	for (size_t i = 0; i < body->n; i++)
		if (body->at[i]->kind == STMT_PROPERTY && !strcmp(body->at[i]->name.name, name))
			return body->at[i];
	return NULL;
}

struct span lint_member_span(const struct ast_stmt *property, size_t index, size_t n)
{
	const struct ast_exprs *values = &property->property.values;
	const struct ast_expr *e = values->n == 1 ? values->at[0] : NULL;

	if (e && e->kind == AST_SET && e->list.members.n == n)
		return e->list.members.at[index]->span;
	return values->n ? span_join(values->at[0]->span, values->at[values->n - 1]->span)
			 : property->span;
}

/* ---- words ---- */

const char *lint_packet(const struct linting *l, const struct packet *packet)
{
	struct sink s = { 0 };
	const char *text;

	packet_print(&s, packet);
	text =
	    s.size ? arena_strdup(LINT_ARENA(l), s.data) : "a packet that has none of the fields";
	sink_free(&s);
	return text;
}

void lint_example(const struct linting *l, struct diag *d, const struct packet *packet)
{
	struct sink s = { 0 };

	diag_note(LINT_DIAGS(l), d, "for example %s", lint_packet(l, packet));
	packet_json(&s, packet);
	diag_data(LINT_DIAGS(l), d, "{\"example\": %s}", s.data ? s.data : "{}");
	sink_free(&s);
}

enum { MOST_NAMED = 5 };

const char *lint_list(const struct linting *l, const char *const *names, size_t n)
{
	size_t shown = n > MOST_NAMED ? MOST_NAMED - 1 : n;
	struct sink s = { 0 };
	const char *text;

	for (size_t i = 0; i < shown; i++)
		sink_printf(&s, "%s%s", !i ? "" : i + 1 == n ? " and " : ", ", names[i]);
	if (shown < n)
		sink_printf(&s, " and %zu others", n - shown);
	text = arena_strdup(LINT_ARENA(l), s.data ? s.data : "");
	sink_free(&s);
	return text;
}

/* ---- places to cut ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span with_blanks_before(const char *text, struct span span)
{
	while (span.start && is_blank(text[span.start - 1]))
		span.start--;
	return span;
}

struct span lint_whole_clause(const struct linting *l, const struct ast_clause *clause)
{
	const struct source *src = source_at(&l->ctx->sources, clause->span.source);

	return with_blanks_before(src->text, clause->span);
}

struct span lint_whole_stmt(const struct linting *l, const struct ast_stmt *stmt)
{
	const struct source *src = source_at(&l->ctx->sources, stmt->span.source);
	struct span span = stmt->span;
	size_t start = span.start, end = span.end;

	while (start && (src->text[start - 1] == ' ' || src->text[start - 1] == '\t'))
		start--;
	while (end < src->size &&
	       (src->text[end] == ' ' || src->text[end] == '\t' || src->text[end] == '\r'))
		end++;
	if ((!start || src->text[start - 1] == '\n') && end < src->size && src->text[end] == '\n') {
		span.start = (uint32_t)start;
		span.end = (uint32_t)end + 1;
		return span;
	}
	return with_blanks_before(src->text, span);
}

/* ---- filters ---- */

static void add_filter(struct linting *l, struct lint_filters *all, const struct symbol *block,
		       const struct ast_stmt *stmt, const struct ast_clause *clause,
		       const struct ast_expr *e)
{
	struct lint_filter f = { .block = block, .stmt = stmt, .clause = clause, .span = e->span };

	f.part = check_filter_parts(l->policy->model, block, e);
	f.cubes = fx_cubes(LINT_FIELDS(l), f.part->fx);
	vec_push(LINT_ARENA(l), all, f);
}

static void add_filters_of(struct linting *l, struct lint_filters *all, const struct symbol *block)
{
	const struct ast_stmts *body = &block->stmt->decl.body;

	for (size_t i = 0; i < body->n; i++) {
		const struct ast_stmt *s = body->at[i];
		bool property = s->kind == STMT_PROPERTY;
		const struct ast_clause *when = NULL;

		if (property || s->kind == STMT_EDGE)
			when =
			    lint_clause(property ? &s->property.clauses : &s->edge.clauses, "when");
		if (when && when->values.n == 1)
			add_filter(l, all, block, s, when, when->values.at[0]);
		else if (property && block->kind == SYM_CLASS && !strcmp(s->name.name, "match") &&
			 s->property.values.n == 1)
			add_filter(l, all, block, s, NULL, s->property.values.at[0]);
	}
}

const struct lint_filters *lint_filters_of(struct linting *l)
{
	const struct model *m = l->policy->model;
	const struct refs *kinds[] = { &m->domains, &m->applications, &m->classes };
	struct lint_shared *memo = lint_memo(l);
	struct refs pipelines = lint_pipelines(l);

	if (memo->has_filters)
		return &memo->filters;
	memo->has_filters = true;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t i = 0; i < kinds[k]->n; i++)
			if (lint_is_own(l, kinds[k]->at[i]))
				add_filters_of(l, &memo->filters, kinds[k]->at[i]);
	for (size_t i = 0; i < pipelines.n; i++)
		add_filters_of(l, &memo->filters, pipelines.at[i]);
	return &memo->filters;
}
