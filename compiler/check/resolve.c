#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

struct scope *scope_new(struct check *c, struct scope *outer, struct module *m, struct symbol *owner)
{
	struct scope *s = arena_one(ARENA(c), struct scope);

	s->outer = outer;
	s->module = m;
	s->owner = owner;
	map_init(&s->names, ARENA(c));
	map_init(&s->imports, ARENA(c));
	map_init(&s->clashes, ARENA(c));
	return s;
}

struct symbol *scope_find_own(const struct scope *s, const char *name)
{
	return map_get(&s->names, name);
}

static struct scope *file_scope(struct scope *s)
{
	while (s->outer)
		s = s->outer;
	return s;
}

static struct symbol *find_outwards(const struct scope *s, const char *name)
{
	for (; s; s = s->outer) {
		struct symbol *sym = scope_find_own(s, name);

		if (sym)
			return sym;
	}
	return NULL;
}

/* Follows names[first...] through the members of SYM. */
static struct resolved descend(struct symbol *sym, const struct ast_names *names, size_t first)
{
	struct resolved r = { sym, first, false };

	while (r.used < names->n && r.sym->members) {
		struct symbol *next = scope_find_own(r.sym->members, names->at[r.used].name);

		if (!next)
			break;
		r.sym = next;
		r.used++;
	}
	return r;
}

static struct resolved through_import(const struct import *import, const struct ast_names *names)
{
	struct symbol *sym;

	if (import->member) {
		sym = scope_find_own(import->module->scope, import->member);
		return sym ? descend(sym, names, 1) : (struct resolved){ 0 };
	}
	if (names->n < 2)
		return (struct resolved){ 0 };
	sym = scope_find_own(import->module->scope, names->at[1].name);
	return sym ? descend(sym, names, 2) : (struct resolved){ 0 };
}

struct resolved resolve_quietly(struct check *c, struct scope *s, const struct ast_expr *path)
{
	const struct ast_names *names = &path->path.names;
	struct resolved r = { 0 };
	struct symbol *sym;
	struct import *import;

	if (names->n) {
		sym = find_outwards(s, names->at[0].name);
		import = map_get(&file_scope(s)->imports, names->at[0].name);
		if (sym)
			r = descend(sym, names, 1);
		else if (import)
			r = through_import(import, names);
		else if (names->at[0].name == c->model->rest->name)
			r = descend(c->model->rest, names, 1);
		else if (names->at[0].name == c->model->none->name)
			r = descend(c->model->none, names, 1);
	}
	r.star = path->path.star;
	return r;
}

static void try_words(struct nearest *near, const struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		nearest_try(near, words->at[i]);
}

/* Proposes for the component that was not found, out of the scopes it was sought in. */
static const char *propose(struct scope *s, const struct ast_names *names, struct resolved r)
{
	size_t missing = r.used;
	struct import *import = map_get(&file_scope(s)->imports, names->at[0].name);
	struct nearest near;

	if (!r.sym && import && !import->member && names->n > 1)
		missing = 1;
	near = nearest_to(names->at[missing].name);
	if (r.sym) {
		if (r.sym->members)
			try_words(&near, &r.sym->members->words);
	} else if (missing == 1) {
		try_words(&near, &import->module->scope->words);
	} else {
		for (struct scope *at = s; at; at = at->outer) {
			try_words(&near, &at->words);
			try_words(&near, &at->prefixes);
		}
	}
	return near.name;
}

/* The words of KINDS: "a node or a domain". */
static const char *kinds_text(struct check *c, unsigned kinds)
{
	const char *text = NULL;

	for (int k = 0; k < N_SYMBOL_KINDS; k++)
		if (kinds & (1u << k) && k != SYM_LET)
			text = text ? arena_printf(ARENA(c), "%s or %s", text, symbol_kind_word(k)) :
				      symbol_kind_word(k);
	return text ? text : "a name";
}

static const char *article_off(const char *words)
{
	const char *blank = strchr(words, ' ');

	return blank ? blank + 1 : words;
}

/* Words that stand in text which was skipped after a syntax error may have been
 * declared there. */
static bool maybe_lost(const struct scope *s, const char *name)
{
	const struct ast_names *lost = &s->module->ast->lost;

	for (size_t i = 0; i < lost->n; i++)
		if (lost->at[i].name == name)
			return true;
	return s->module->ast->unclosed;
}

static struct ast_name missing_name(struct scope *s, const struct ast_names *names, struct resolved r)
{
	struct import *import = map_get(&file_scope(s)->imports, names->at[0].name);

	if (!r.sym && import && !import->member && names->n > 1)
		return names->at[1];
	return names->at[r.used < names->n ? r.used : names->n - 1];
}

void report_unknown(struct check *c, struct scope *s, const struct ast_expr *path, unsigned kinds)
{
	const struct ast_names *names = &path->path.names;
	struct resolved r = resolve_quietly(c, s, path);
	struct ast_name missing = missing_name(s, names, r);
	const char *meant = propose(s, names, r);
	struct diag *d;

	if (maybe_lost(s, missing.name))
		return;
	if (r.sym)
		d = diag_add(DIAGS(c), E0301, missing.span, "%s '%s' has nothing called '%s'",
			     article_off(symbol_kind_word(r.sym->kind)), r.sym->name, missing.name);
	else if (kinds == KIND(LET) || names->n > 1)
		d = diag_add(DIAGS(c), E0301, missing.span, "nothing is called '%s'", missing.name);
	else
		d = diag_add(DIAGS(c), E0301, missing.span, "no %s is called '%s'",
			     article_off(kinds_text(c, kinds)), missing.name);
	if (meant) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", meant);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, missing.span, meant, "write '%s'", meant);
	} else if (!r.sym && names->n > 1) {
		diag_help(DIAGS(c), d, "if '%s' is a module, a 'use' is missing", names->at[0].name);
	}
}

static bool report_ambiguous(struct check *c, struct scope *s, const struct ast_expr *path)
{
	const struct ast_name *first = &path->path.names.at[0];
	struct scope *file = file_scope(s);
	struct import *clash = map_get(&file->clashes, first->name), *import;
	struct diag *d;

	if (!clash || find_outwards(s, first->name))
		return false;
	import = map_get(&file->imports, first->name);
	d = diag_add(DIAGS(c), E0308, first->span, "'%s' comes from two modules, %s and %s", first->name,
		     import->module->name, clash->module->name);
	diag_also(DIAGS(c), d, import->span, "once here");
	diag_also(DIAGS(c), d, clash->span, "and once here");
	diag_help(DIAGS(c), d, "give one of them a prefix: use %s as ...;", clash->module->name);
	return true;
}

static bool report_private(struct check *c, struct scope *s, const struct ast_expr *path,
			   const struct symbol *sym)
{
	struct diag *d;

	while (sym->owner)
		sym = sym->owner;
	if (!sym->module || sym->module == s->module || sym->name[0] != '_')
		return false;
	d = diag_add(DIAGS(c), E0304, path->span, "'%s' is private to module %s", sym->name,
		     sym->module->name);
	diag_also(DIAGS(c), d, sym->span, "declared here");
	diag_help(DIAGS(c), d, "names that begin with '_' cannot be used from other modules");
	return true;
}

static void report_kind(struct check *c, const struct ast_expr *path, const struct symbol *sym,
			unsigned kinds)
{
	struct diag *d = diag_add(DIAGS(c), E0303, path->span, "'%s' is %s; %s is due here",
				  ast_path_text(ARENA(c), path), symbol_kind_word(sym->kind),
				  kinds_text(c, kinds));

	if (sym->module)
		diag_also(DIAGS(c), d, sym->span, "declared here");
}

struct symbol *resolve_ref(struct check *c, struct scope *s, const struct ast_expr *e, unsigned kinds)
{
	struct operand o = operand_of(c, s, e);
	struct resolved r;

	if (!o.e)
		return NULL;
	if (o.e->kind != AST_PATH || o.e->path.star) {
		report_type(c, o, kinds_text(c, kinds));
		return NULL;
	}
	if (report_ambiguous(c, o.scope, o.e))
		return NULL;
	r = resolve_quietly(c, o.scope, o.e);
	if (!r.sym || r.used < o.e->path.names.n) {
		report_unknown(c, o.scope, o.e, kinds);
		return NULL;
	}
	if (report_private(c, o.scope, o.e, r.sym))
		return NULL;
	if (!(kinds & (1u << r.sym->kind))) {
		report_kind(c, e, r.sym, kinds);
		return NULL;
	}
	return r.sym;
}
