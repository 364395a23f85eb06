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

void note_use(struct check *c, struct span span, struct symbol *sym, struct module *module)
{
	struct use use = { span, sym, module };

	if (c->model->keeps_uses)
		vec_push(ARENA(c), &c->model->uses, use);
}

/* Every component that was found, from the last to the first. */
static void note_path(struct check *c, struct scope *s, const struct ast_names *names, struct resolved r)
{
	struct import *import = names->n ? map_get(&file_scope(s)->imports, names->at[0].name) : NULL;
	struct symbol *sym = r.sym;
	size_t i = r.used;

	for (; i && sym; sym = sym->owner)
		note_use(c, names->at[--i].span, sym, NULL);
	if (i && import && !import->member)
		note_use(c, names->at[0].span, NULL, import->module);
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
	if (c->model->keeps_uses)
		note_path(c, s, names, r);
	return r;
}

static void try_words(struct nearest *near, const struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		nearest_try(near, words->at[i]);
}

/* The module before the dot, if the name behind it is missing. */
static const struct import *missing_prefix(struct scope *s, const struct ast_names *names, struct resolved r)
{
	struct import *import = map_get(&file_scope(s)->imports, names->at[0].name);

	return !r.sym && import && !import->member && names->n > 1 ? import : NULL;
}

/* Proposes for the component that was not found, out of the scopes it was sought in. */
static const char *propose(struct scope *s, const struct ast_names *names, struct resolved r)
{
	const struct import *import = missing_prefix(s, names, r);
	size_t missing = import ? 1 : r.used;
	struct nearest near;

	near = nearest_to(names->at[missing].name);
	if (r.sym) {
		if (r.sym->members)
			try_words(&near, &r.sym->members->words);
	} else if (import) {
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
	if (missing_prefix(s, names, r))
		return names->at[1];
	return names->at[r.used < names->n ? r.used : names->n - 1];
}

/* The standard library may have it, alone or behind a prefix. */
static bool help_with_use(struct check *c, struct diag *d, const struct ast_names *names, unsigned kinds)
{
	const char *module = module_that_offers(c, names->at[names->n - 1].name, kinds);

	if (!module || names->n > 2)
		return false;
	if (names->n == 1)
		diag_help(DIAGS(c), d, "%s has it: write 'use %s { %s };' at the top of the file", module, module,
			  names->at[0].name);
	else if (!strcmp(names->at[0].name, name_tail(module)))
		diag_help(DIAGS(c), d, "write 'use %s;' at the top of the file", module);
	else
		diag_help(DIAGS(c), d, "if %s is meant, write 'use %s as %s;' at the top of the file", module, module,
			  names->at[0].name);
	return true;
}

static void help_with_declaration(struct check *c, struct diag *d, const char *name, unsigned kinds)
{
	if (kinds == KIND(ATTRIBUTE))
		diag_help(DIAGS(c), d, "a new attribute is declared at the top of the file: attribute %s;", name);
	else if (kinds == KIND(INSTANCE))
		diag_help(DIAGS(c), d, "an instance is declared in the pipeline: %s : FUNCTION;", name);
}

void report_unknown(struct check *c, struct scope *s, const struct ast_expr *path, unsigned kinds)
{
	const struct ast_names *names = &path->path.names;
	struct resolved r = resolve_quietly(c, s, path);
	struct ast_name missing = missing_name(s, names, r);
	const char *meant = propose(s, names, r);
	const struct import *prefix = missing_prefix(s, names, r);
	struct diag *d;

	if (maybe_lost(s, missing.name))
		return;
	if (r.sym)
		d = diag_add(DIAGS(c), E0301, missing.span, "%s '%s' has nothing called '%s'",
			     article_off(symbol_kind_word(r.sym->kind)), r.sym->name, missing.name);
	else if (prefix)
		d = diag_add(DIAGS(c), E0301, missing.span, "module %s has nothing called '%s'", prefix->module->name,
			     missing.name);
	else if (kinds == KIND(LET) || names->n > 1)
		d = diag_add(DIAGS(c), E0301, missing.span, "nothing is called '%s'", missing.name);
	else
		d = diag_add(DIAGS(c), E0301, missing.span, "no %s is called '%s'",
			     article_off(kinds_text(c, kinds)), missing.name);
	if (!r.sym && missing.span.start == names->at[0].span.start && help_with_use(c, d, names, kinds))
		return;
	if (meant) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", meant);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, missing.span, meant, "write '%s'", meant);
	} else if (!r.sym && names->n > 1) {
		diag_help(DIAGS(c), d, "if '%s' is a module, a 'use' is missing", names->at[0].name);
	} else if (!r.sym) {
		help_with_declaration(c, d, missing.name, kinds);
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
