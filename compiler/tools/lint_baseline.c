/* Lint: baselines, the findings that are known and not to be shown.
 *
 * A baseline is a text of lines "SLUG SYMBOL", sorted by byte value; empty lines and
 * lines that begin with '#' mean nothing.  SYMBOL is the canonical name of the innermost
 * declaration round the finding, the name of the imported module for a `use`, else (and for what is
 * about the whole file) the name of the finding's module. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ast/ast.h"

/* ---- the symbol of a finding ---- */

static bool holds(struct span outer, struct span inner)
{
	return outer.start <= inner.start && inner.start < outer.end;
}

static const struct ast_stmt *statement_at(const struct ast_stmts *stmts, struct span span)
{
	for (size_t i = 0; i < stmts->n; i++)
		if (holds(lint_statement_span(stmts->at[i]), span))
			return stmts->at[i];
	return NULL;
}

static const char *attribute_at(const struct ast_names *names, struct span span)
{
	for (size_t i = 0; i < names->n; i++)
		if (holds(names->at[i].span, span))
			return names->at[i].name;
	return names->at[0].name;
}

/* The name that the statement declares, or NULL. */
static const char *declared_name(const struct ast_stmt *s, struct span span)
{
	switch (s->kind) {
	case STMT_DECL:
	case STMT_LET:
		return s->name.name;
	case STMT_ATTRIBUTES:
		return attribute_at(&s->attributes, span);
	default:
		return NULL;
	}
}

static const struct module *module_of(const struct linting *l, struct span span)
{
	const struct model *m = l->policy->model;

	for (size_t i = 0; i < m->modules.n; i++)
		if (m->modules.at[i]->source == span.source)
			return m->modules.at[i];
	return m->root;
}

static const char *symbol_at(const struct linting *l, struct span span)
{
	const struct module *m = module_of(l, span);
	const struct ast_stmts *stmts = &m->ast->items;
	const struct ast_stmt *s = statement_at(stmts, span);
	const char *name = *m->prefix ? m->prefix : NULL, *next;

	if (s && s->kind == STMT_USE)
		return ast_names_text(l->ctx->arena, &s->use.module);
	if (!s || !declared_name(s, span))
		return m->name;
	while (s && (next = declared_name(s, span))) {
		name = name ? arena_printf(l->ctx->arena, "%s.%s", name, next) : next;
		s = s->kind == STMT_DECL ? statement_at(&s->decl.body, span) : NULL;
	}
	return name;
}

const char *baseline_line(const struct linting *l, const struct diag *d)
{
	const char *symbol =
	    lint_is_about_file(d->code) ? module_of(l, d->span)->name : symbol_at(l, d->span);

	return arena_printf(l->ctx->arena, "%s %s", diag_page(d->code)->slug, symbol);
}

/* ---- the file ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void sort_lines(struct baseline *b)
{
	size_t n = 0;

	if (!b->lines.n)
		return;
	qsort(b->lines.at, b->lines.n, sizeof(*b->lines.at), by_text);
	for (size_t i = 0; i < b->lines.n; i++)
		if (!n || strcmp(b->lines.at[n - 1], b->lines.at[i]))
			b->lines.at[n++] = b->lines.at[i];
	b->lines.n = n;
}

bool baseline_has(const struct baseline *b, const char *line)
{
	return b->lines.n && bsearch(&line, b->lines.at, b->lines.n, sizeof(*b->lines.at), by_text);
}

static bool refuse(struct run *r, const char *path, size_t number, const char *slug,
		   const char *near)
{
	if (near)
		run_error(r, "%s:%zu: there is no lint rule '%s'; did you mean '%s'?", path, number,
			  slug, near);
	else
		run_error(r, "%s:%zu: there is no lint rule '%s'", path, number, slug);
	return false;
}

/* One line without its end; ids are taken for slugs. */
static bool read_line(struct run *r, const char *path, size_t number, const char *line,
		      struct baseline *b)
{
	struct arena *a = r->options->arena;
	size_t n = strcspn(line, " \t");
	const char *slug = arena_strndup(a, line, n), *symbol = line + n + strspn(line + n, " \t"),
		   *near;
	enum diag_code code;

	if (!*line || *line == '#')
		return true;
	if (!lint_rule_find(slug, &code, &near))
		return refuse(r, path, number, slug, near);
	if (!*symbol) {
		run_error(r, "%s:%zu: a symbol is due behind '%s'", path, number, slug);
		return false;
	}
	if (lint_facts(code)->star) {
		run_error(r, "%s:%zu: findings of '%s' cannot be put into a baseline", path, number,
			  slug);
		return false;
	}
	vec_push(a, &b->lines, arena_printf(a, "%s %s", diag_page(code)->slug, symbol));
	return true;
}

bool baseline_read(struct run *r, const char *path, struct baseline *b)
{
	struct sink s = { 0 };
	bool ok = file_read(path, &s);
	char *line = s.data, *next;

	if (!ok)
		run_error(r, "cannot read the baseline %s: %s", path, strerror(errno));
	for (size_t number = 1; ok && line && *line; number++, line = next) {
		size_t n = strcspn(line, "\n"), end = n;

		next = line + n + (line[n] == '\n');
		while (end && strchr(" \t\r", line[end - 1]))
			end--;
		line[end] = '\0';
		ok = read_line(r, path, number, line, b);
	}
	sink_free(&s);
	sort_lines(b);
	return ok;
}

bool baseline_write(struct run *r, const char *path, struct baseline *b)
{
	struct sink s = { 0 };
	bool ok;

	sort_lines(b);
	sink_puts(&s, "# epic lint --baseline: findings that are not shown, by rule and symbol.\n");
	for (size_t i = 0; i < b->lines.n; i++)
		sink_printf(&s, "%s\n", b->lines.at[i]);
	ok = file_write(path, &s);
	if (!ok)
		run_error(r, "cannot write %s: %s", path, strerror(errno));
	sink_free(&s);
	return ok;
}
