#include <config.h>

#include "compiler/tools/lint_names.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/ast/ast.h"
#include "compiler/tools/lint_parts.h"

#define DIAGS(l) (&(l)->ctx->diags)

static const struct module *root(const struct linting *l)
{
	return l->policy->model->root;
}

/* ---- places ---- */

static int by_place(const void *x, const void *y)
{
	const struct use *a = x, *b = y;
	int order = span_cmp(a->span, b->span);

	return order ? order : !a->sym - !b->sym;
}

const struct lint_places *lint_places(struct linting *l)
{
	const struct uses *uses = &l->policy->model->uses;
	struct lint_places *p = l->places;

	if (p)
		return p;
	l->places = p = arena_one(l->ctx->arena, struct lint_places);
	p->at = arena_many(l->ctx->arena, struct use, uses->n);
	if (uses->n) {
		memcpy(p->at, uses->at, uses->n * sizeof(*p->at));
		qsort(p->at, uses->n, sizeof(*p->at), by_place);
	}
	for (size_t i = 0; i < uses->n; i++)
		if (!p->n || by_place(&p->at[p->n - 1], &p->at[i]) ||
		    p->at[p->n - 1].sym != p->at[i].sym)
			p->at[p->n++] = p->at[i];
	return p;
}

/* The first at this place or behind it. */
static size_t place_index(const struct lint_places *p, struct span span)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_cmp(p->at[middle].span, span) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct use *place_at(const struct lint_places *p, struct span span)
{
	size_t i = place_index(p, span);

	return i < p->n && !span_cmp(p->at[i].span, span) ? &p->at[i] : NULL;
}

const struct symbol *lint_named(struct linting *l, const struct ast_expr *path)
{
	const struct ast_names *names = &path->path.names;
	const struct use *u =
	    names->n ? place_at(lint_places(l), names->at[names->n - 1].span) : NULL;

	return u ? u->sym : NULL;
}

static bool is_declaration(const struct use *u)
{
	return u->sym && !span_cmp(u->span, u->sym->span);
}

/* Calls FN with each use in the root file; neither declarations nor what stands in a `use`. */
static void each_use(struct linting *l, void *data,
		     void (*fn)(struct linting *, void *, const struct use *))
{
	const struct lint_places *p = lint_places(l);
	const struct ast_stmts *items = &root(l)->ast->items;
	size_t i = place_index(p, (struct span){ root(l)->source, 0, 0 }), item = 0;

	for (; i < p->n && p->at[i].span.source == root(l)->source; i++) {
		const struct use *u = &p->at[i];

		while (item < items->n && items->at[item]->span.end <= u->span.start)
			item++;
		if (item < items->n && items->at[item]->kind == STMT_USE &&
		    items->at[item]->span.start <= u->span.start)
			continue;
		if (!is_declaration(u))
			fn(l, data, u);
	}
}

/* In the declaration of the symbol itself. */
static bool is_own(const struct use *u)
{
	const struct ast_stmt *s = u->sym->stmt;

	return s && s->span.source == u->span.source && s->span.start <= u->span.start &&
	       u->span.end <= s->span.end;
}

struct symbols lint_declared(struct linting *l)
{
	const struct lint_places *p = lint_places(l);
	struct symbols found = { 0 };

	for (size_t i = place_index(p, (struct span){ root(l)->source, 0, 0 });
	     i < p->n && p->at[i].span.source == root(l)->source; i++)
		if (is_declaration(&p->at[i]) && p->at[i].sym->module == root(l))
			vec_push(l->ctx->arena, &found, p->at[i].sym);
	return found;
}

/* An unknown name may have been meant to be this one. */
static bool names_are_known(const struct linting *l)
{
	const struct diags *ds = &l->ctx->diags;

	for (size_t i = 0; i < ds->list.n; i++)
		if (ds->list.at[i]->severity == SEVERITY_ERROR && ds->list.at[i]->code < E0601)
			return false;
	return true;
}

/* ---- L1004 unused-import ---- */

struct used {
	struct map prefixes; /* interned prefix -> a use */
	struct map direct;   /* symbol that is named without a prefix -> a use */
};

static void note_import(struct linting *l, void *data, const struct use *u)
{
	const struct source *src = source_at(&l->ctx->sources, u->span.source);
	struct used *used = data;

	if (!u->sym)
		map_put(
		    &used->prefixes,
		    intern(l->ctx->names, src->text + u->span.start, u->span.end - u->span.start),
		    (void *)u);
	else if (!u->span.start || src->text[u->span.start - 1] != '.')
		map_put(&used->direct, u->sym, (void *)u);
}

static bool import_is_used(struct linting *l, const struct used *used, const struct ast_stmt *s)
{
	if (!s->use.has_names)
		return map_get(&used->prefixes, s->name.name) != NULL;
	for (size_t i = 0; i < s->use.names.n; i++) {
		const struct use *u = place_at(lint_places(l), s->use.names.at[i].span);

		if (u && u->sym && map_get(&used->direct, u->sym))
			return true;
	}
	return false;
}

static void report_import(struct linting *l, const struct ast_stmt *s)
{
	const char *module = ast_names_text(l->ctx->arena, &s->use.module);
	const struct source *src = source_at(&l->ctx->sources, s->span.source);
	struct diag *d =
	    s->use.has_names
		? diag_add(DIAGS(l), L1004, s->span, "none of the names that this imports is used")
		: diag_add(DIAGS(l), L1004, s->span, "nothing of module %s is used", module);

	diag_fix(DIAGS(l), d, MACHINE_APPLICABLE,
		 lint_span_with_layout(src, lint_statement_span(s)), "", "delete the use of %s",
		 module);
}

void lint_unused_import(struct linting *l)
{
	const struct ast_stmts *items = &root(l)->ast->items;
	struct used used;

	if (!names_are_known(l))
		return;
	map_init(&used.prefixes, l->ctx->arena);
	map_init(&used.direct, l->ctx->arena);
	each_use(l, &used, note_import);
	for (size_t i = 0; i < items->n; i++)
		if (items->at[i]->kind == STMT_USE && !import_is_used(l, &used, items->at[i]))
			report_import(l, items->at[i]);
}

/* ---- L1005 unused-definition ---- */

static void note_symbol(struct linting *l, void *data, const struct use *u)
{
	(void)l;
	if (u->sym && u->sym->module && !is_own(u))
		map_put(data, u->sym, u->sym);
}

/* A file without target and application is there to be used by others. */
static bool is_library(const struct linting *l)
{
	const struct ast_stmts *items = &root(l)->ast->items;

	for (size_t i = 0; i < items->n; i++)
		if (items->at[i]->kind == STMT_DECL &&
		    (items->at[i]->decl.kind == DECL_TARGET ||
		     items->at[i]->decl.kind == DECL_APPLICATION))
			return false;
	return true;
}

static bool is_exported(const struct symbol *sym)
{
	while (sym->owner)
		sym = sym->owner;
	return sym->name[0] != '_';
}

static bool wants_use(const struct symbol *sym)
{
	const unsigned kinds =
	    KIND(LET) | KIND(FUNCTION) | KIND(CLASS) | KIND(SLO) | KIND(ATTRIBUTE);

	return kinds & (1u << sym->kind);
}

void lint_unused_definition(struct linting *l)
{
	struct symbols declared = lint_declared(l);
	bool library = is_library(l);
	struct map used;

	if (!names_are_known(l))
		return;
	map_init(&used, l->ctx->arena);
	each_use(l, &used, note_symbol);
	for (size_t i = 0; i < declared.n; i++) {
		const struct symbol *sym = declared.at[i];

		if (!wants_use(sym) || map_get(&used, sym) || (library && is_exported(sym)))
			continue;
		diag_help(DIAGS(l),
			  diag_add(DIAGS(l), L1005, sym->span, "the %s '%s' is not used",
				   symbol_kind_word(sym->kind) +
				       strcspn(symbol_kind_word(sym->kind), " ") + 1,
				   sym->name),
			  "delete it, or use it where it is due");
	}
}

/* ---- L1006 shadowed-name ---- */

/* What a name of the file may hide: the last one declared, and those before it. */
struct bearer {
	const struct symbol *sym; /* NULL: an import */
	struct span span;
	struct bearer *next;
};

static void add_bearer(struct linting *l, struct map *names, const char *name,
		       const struct symbol *sym, struct span span)
{
	struct bearer *b = arena_one(l->ctx->arena, struct bearer);

	*b = (struct bearer){ sym, span, map_get(names, name) };
	map_put(names, name, b);
}

static void add_imports(struct linting *l, struct map *names)
{
	const struct ast_stmts *items = &root(l)->ast->items;

	for (size_t i = 0; i < items->n; i++) {
		const struct ast_stmt *s = items->at[i];

		if (s->kind != STMT_USE)
			continue;
		if (!s->use.has_names)
			add_bearer(l, names, s->name.name, NULL,
				   s->use.has_alias ? s->name.span : s->use.module_span);
		for (size_t k = 0; k < s->use.names.n; k++)
			add_bearer(l, names, s->use.names.at[k].name, NULL,
				   s->use.names.at[k].span);
	}
}

/* How many scopes lie between; 0: the one does not see the other. */
static size_t distance(const struct symbol *inner, const struct bearer *outer)
{
	size_t n = 1;

	for (const struct symbol *o = inner->owner; o; o = o->owner, n++)
		if (outer->sym && outer->sym->owner == o->owner)
			return n;
	return outer->sym ? 0 : n;
}

static const struct bearer *hidden_by(const struct map *names, const struct symbol *sym)
{
	const struct bearer *nearest = NULL;
	size_t least = 0;

	for (const struct bearer *b = map_get(names, sym->name); b; b = b->next) {
		size_t n = b->sym == sym ? 0 : distance(sym, b);

		if (n && (!nearest || n < least)) {
			nearest = b;
			least = n;
		}
	}
	return nearest;
}

void lint_shadowed_name(struct linting *l)
{
	struct symbols declared = lint_declared(l);
	struct map names;

	map_init(&names, l->ctx->arena);
	for (size_t i = 0; i < declared.n; i++)
		add_bearer(l, &names, declared.at[i]->name, declared.at[i], declared.at[i]->span);
	add_imports(l, &names);
	for (size_t i = 0; i < declared.n; i++) {
		const struct symbol *sym = declared.at[i];
		const struct bearer *hidden = hidden_by(&names, sym);
		struct diag *d;

		if (!hidden)
			continue;
		d = diag_add(
		    DIAGS(l), L1006, sym->span, "'%s' hides %s of the same name", sym->name,
		    hidden->sym ? symbol_kind_word(hidden->sym->kind) : "what is imported");
		diag_also(DIAGS(l), d, hidden->span,
			  hidden->sym ? "declared here" : "imported here");
		diag_help(DIAGS(l), d, "give one of them another name");
	}
}

/* ---- L1012 deprecated-use ---- */

static const struct ast_annot *deprecation(const struct symbol *sym)
{
	for (size_t i = 0; sym->stmt && i < sym->stmt->annots.n; i++)
		if (!strcmp(sym->stmt->annots.at[i].name.name, "deprecated"))
			return &sym->stmt->annots.at[i];
	return NULL;
}

static void check_deprecated(struct linting *l, void *none, const struct use *u)
{
	const struct ast_annot *annot = u->sym ? deprecation(u->sym) : NULL;
	const struct ast_expr *instead = annot && annot->values.n ? annot->values.at[0] : NULL;
	struct diag *d;

	(void)none;
	if (!annot || is_own(u))
		return;
	d = diag_add(DIAGS(l), L1012, u->span, "'%s' is deprecated", u->sym->name);
	diag_also(DIAGS(l), d, u->sym->span, "declared here");
	if (instead && instead->kind == AST_STRING)
		diag_help(DIAGS(l), d, "%s", instead->text);
	else
		diag_help(DIAGS(l), d, "its author says that it will go; do without it");
}

void lint_deprecated_use(struct linting *l)
{
	each_use(l, NULL, check_deprecated);
}
