/* Lint: @allow(rule, "reason") before a declaration covers it and what it contains. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <string.h>

#include "compiler/ast/ast.h"

/* ---- collecting ---- */

static void add_allowance(struct linting *l, struct allowances *found, const struct ast_stmt *s,
			  const struct ast_annot *annot)
{
	struct allowance a = { .annot = annot, .covers = lint_statement_span(s) };
	const char *near;

	if (strcmp(annot->name.name, "allow") || !annot->values.n ||
	    annot->values.at[0]->kind != AST_PATH)
		return;
	a.slug = ast_path_text(l->ctx->arena, annot->values.at[0]);
	a.known = lint_rule_find(a.slug, &a.code, &near);
	vec_push(l->ctx->arena, found, a);
}

static void collect(struct linting *l, struct allowances *found, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->at[i];

		for (size_t k = 0; k < s->annots.n; k++)
			add_allowance(l, found, s, &s->annots.at[k]);
		if (s->kind == STMT_DECL)
			collect(l, found, &s->decl.body);
	}
}

struct allowances lint_allowances(struct linting *l)
{
	const struct model *m = l->policy->model;
	struct allowances found = { 0 };

	for (size_t i = 0; i < m->modules.n; i++)
		collect(l, &found, &m->modules.at[i]->ast->items);
	return found;
}

/* ---- exempting ---- */

static bool lies_in(struct span inner, struct span outer)
{
	return inner.source == outer.source && inner.start >= outer.start && inner.end <= outer.end;
}

/* An annotation does not vouch for itself. */
static bool exempts(const struct allowance *a, const struct diag *d)
{
	return a->known && a->code == d->code && lies_in(d->span, a->covers) &&
	       span_cmp(d->span, a->annot->span);
}

bool lint_is_allowed(struct allowances *all, const struct diag *d)
{
	const struct lint_facts *facts = lint_facts(d->code);
	bool allowed = false;

	if (!facts || facts->star || lint_is_about_file(d->code))
		return false;
	for (size_t i = 0; i < all->n; i++) {
		if (!exempts(&all->at[i], d))
			continue;
		all->at[i].used = true;
		allowed = true;
	}
	return allowed;
}

/* ---- rules about the annotation itself ---- */

static bool is_of_root(const struct linting *l, const struct allowance *a)
{
	return a->annot->span.source == l->policy->model->root->source;
}

static bool has_reason(const struct ast_annot *annot)
{
	const struct ast_expr *reason = annot->values.n > 1 ? annot->values.at[1] : NULL;

	return reason &&
	       (reason->kind != AST_STRING || reason->text[strspn(reason->text, " \t\n")]);
}

void lint_check_reasons(struct linting *l, const struct allowances *all)
{
	struct diags *ds = &l->ctx->diags;

	for (size_t i = 0; i < all->n; i++) {
		const struct allowance *a = &all->at[i];
		struct diag *d;
		const char *text;

		if (!is_of_root(l, a) || has_reason(a->annot))
			continue;
		text = arena_printf(l->ctx->arena, "@allow(%s, \"...\")", a->slug);
		d = diag_add(ds, L1010, a->annot->span,
			     "this @allow does not say why '%s' is right here", a->slug);
		diag_fix(ds, d, HAS_PLACEHOLDERS, a->annot->span, text, "write %s with the reason",
			 text);
	}
}

static const char *why_unused(struct linting *l, const struct allowance *a)
{
	enum diag_code code;
	const char *near = NULL;

	if (!a->known) {
		lint_rule_find(a->slug, &code, &near);
		return near ? arena_printf(l->ctx->arena,
					   "there is no rule '%s'; did you mean '%s'?", a->slug,
					   near)
			    : arena_printf(l->ctx->arena, "there is no rule '%s'", a->slug);
	}
	if (lint_facts(a->code)->star)
		return arena_printf(l->ctx->arena, "the rule '%s' cannot be allowed", a->slug);
	if (lint_is_about_file(a->code))
		return arena_printf(
		    l->ctx->arena,
		    "'%s' is about the whole file and cannot be allowed at one place", a->slug);
	return arena_printf(l->ctx->arena, "this @allow exempts nothing: '%s' finds nothing here",
			    a->slug);
}

static void report_unused(struct linting *l, struct allowances *all, const struct allowance *a)
{
	struct diags *ds = &l->ctx->diags;
	const struct source *src = source_at(&l->ctx->sources, a->annot->span.source);
	struct diag *d = diag_add(ds, L1009, a->annot->span, "%s", why_unused(l, a));

	diag_fix(ds, d, MACHINE_APPLICABLE, lint_span_with_layout(src, a->annot->span), "",
		 "delete the @allow");
	if (lint_is_allowed(all, d))
		ds->list.n--;
}

/* Those that allow unused ones come last: whether they are used depends on the others. */
void lint_check_unused(struct linting *l, struct allowances *all)
{
	for (int last = 0; last < 2; last++)
		for (size_t i = 0; i < all->n; i++) {
			const struct allowance *a = &all->at[i];

			if (is_of_root(l, a) && !a->used && (a->known && a->code == L1009) == last)
				report_unused(l, all, a);
		}
}
