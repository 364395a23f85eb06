/* Names: what each file and each block declares. */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

/* Which declarations may stand in which block; DECL_... of the block, or file. */
enum { IN_FILE = N_DECLS };

static bool may_stand_in(enum ast_decl kind, int block)
{
	switch (kind) {
	case DECL_NODE:
		return block == DECL_DOMAIN;
	case DECL_INSTANCE:
		return block == DECL_PIPELINE;
	case DECL_GROUP:
		return block == DECL_SLO || block == DECL_GROUP;
	default:
		return block == IN_FILE;
	}
}

static enum symbol_kind symbol_kind_of(enum ast_decl kind)
{
	static const enum symbol_kind kinds[N_DECLS] = {
		[DECL_ATTRIBUTE] = SYM_ATTRIBUTE,     [DECL_FUNCTION] = SYM_FUNCTION,
		[DECL_DOMAIN] = SYM_DOMAIN,	      [DECL_NODE] = SYM_NODE,
		[DECL_CLASS] = SYM_CLASS,	      [DECL_PIPELINE] = SYM_PIPELINE,
		[DECL_SLO] = SYM_SLO,		      [DECL_APPLICATION] = SYM_APPLICATION,
		[DECL_TARGET] = SYM_TARGET,	      [DECL_INSTANCE] = SYM_INSTANCE,
		[DECL_GROUP] = SYM_GROUP,
	};

	return kinds[kind];
}

static const char *canonical_name(struct check *c, const struct scope *s, const char *name)
{
	if (s->owner)
		return intern_text(c->ctx->names, arena_printf(ARENA(c), "%s.%s", s->owner->canonical, name));
	if (*s->module->prefix)
		return intern_text(c->ctx->names, arena_printf(ARENA(c), "%s.%s", s->module->prefix, name));
	return name;
}

static void report_twice(struct check *c, const struct symbol *first, struct ast_name again)
{
	struct diag *d = diag_add(DIAGS(c), E0302, again.span, first->module ? "'%s' is declared twice" : "'%s' is predefined", again.name);

	if (first->module)
		diag_also(DIAGS(c), d, first->span, "first declared here");
}

/* NULL: the name is taken (reported). */
static struct symbol *declare(struct check *c, struct scope *s, enum symbol_kind kind,
			      struct ast_name name, const struct ast_stmt *stmt)
{
	struct symbol *first = scope_find_own(s, name.name), *sym;

	if (!first && kind == SYM_CLASS && name.name == c->model->rest->name)
		first = c->model->rest;
	if (!first && kind == SYM_FUNCTION && name.name == c->model->none->name)
		first = c->model->none;
	if (first) {
		report_twice(c, first, name);
		return NULL;
	}
	sym = arena_one(ARENA(c), struct symbol);
	*sym = (struct symbol){ .kind = kind, .name = name.name, .span = name.span,
				.module = s->module, .owner = s->owner, .stmt = stmt };
	sym->canonical = canonical_name(c, s, name.name);
	map_put(&s->names, name.name, sym);
	vec_push(ARENA(c), &s->words, name.name);
	note_use(c, name.span, sym, NULL);
	return sym;
}

static struct refs *list_of(struct model *m, enum symbol_kind kind)
{
	switch (kind) {
	case SYM_ATTRIBUTE:
		return &m->attributes;
	case SYM_FUNCTION:
		return &m->functions;
	case SYM_DOMAIN:
		return &m->domains;
	case SYM_NODE:
		return &m->nodes;
	case SYM_CLASS:
		return &m->classes;
	case SYM_PIPELINE:
		return &m->pipelines;
	case SYM_SLO:
		return &m->slos;
	case SYM_APPLICATION:
		return &m->applications;
	case SYM_TARGET:
		return &m->targets;
	default:
		return NULL;
	}
}

static const size_t object_sizes[N_SYMBOL_KINDS] = {
	[SYM_ATTRIBUTE] = sizeof(struct m_attribute), [SYM_FUNCTION] = sizeof(struct m_function),
	[SYM_DOMAIN] = sizeof(struct m_domain),	      [SYM_NODE] = sizeof(struct m_node),
	[SYM_CLASS] = sizeof(struct m_class),	      [SYM_PIPELINE] = sizeof(struct m_pipeline),
	[SYM_INSTANCE] = sizeof(struct m_instance),   [SYM_SLO] = sizeof(struct m_slo),
	[SYM_GROUP] = sizeof(struct m_slo),	      [SYM_APPLICATION] = sizeof(struct m_application),
	[SYM_TARGET] = sizeof(struct m_target),
};

/* Every object begins with its symbol. */
static void add_object(struct check *c, struct symbol *sym)
{
	struct refs *list = list_of(c->model, sym->kind);

	sym->object = arena_alloc(ARENA(c), object_sizes[sym->kind]);
	memcpy(sym->object, &sym, sizeof(sym));
	if (list)
		vec_push(ARENA(c), list, sym);
}

static void declare_body(struct check *c, struct scope *s, const struct ast_stmts *body, int block);

static void report_misplaced(struct check *c, const struct ast_stmt *s, int block)
{
	enum ast_decl kind = s->decl.kind;
	const char *place = block == IN_FILE ? "at the top level" :
					       arena_printf(ARENA(c), "in the block of %s %s",
							    block == DECL_ATTRIBUTE || block == DECL_APPLICATION || block == DECL_INSTANCE ? "an" : "a",
							    decl_word((enum ast_decl)block));
	struct diag *d = diag_add(DIAGS(c), E0206, s->name.span, "%s cannot be declared %s",
				  symbol_kind_word(symbol_kind_of(kind)), place);

	if (kind == DECL_NODE)
		diag_help(DIAGS(c), d, "nodes stand in a domain");
	else if (kind == DECL_INSTANCE)
		diag_help(DIAGS(c), d, "instances stand in a pipeline");
	else if (kind == DECL_GROUP)
		diag_help(DIAGS(c), d, "groups stand in an slo");
	else
		diag_help(DIAGS(c), d, "is the closing brace of the block before it missing?");
}

/* The exit that every pipeline has; it becomes an instance once an edge leads to it. */
static void predefine_drop(struct check *c, struct symbol *pipeline)
{
	struct symbol *sym = arena_one(ARENA(c), struct symbol);
	struct m_instance *drop = arena_one(ARENA(c), struct m_instance);

	sym->kind = SYM_INSTANCE;
	sym->name = intern_text(c->ctx->names, "drop");
	sym->canonical = canonical_name(c, pipeline->members, sym->name);
	sym->span = pipeline->span;
	sym->owner = pipeline;
	sym->object = drop;
	drop->sym = sym;
	drop->is_drop = true;
	map_put(&pipeline->members->names, sym->name, sym);
}

static void check_parent(struct check *c, const struct ast_stmt *s)
{
	switch (s->decl.kind) {
	case DECL_TARGET:
		if (!s->decl.parent)
			diag_help(DIAGS(c),
				  diag_add(DIAGS(c), E0307, s->name.span, "target '%s' names no backend", s->name.name),
				  "write 'target %s : nginx { ... }'; the backends are bess, dpdk, nginx, socks and dot",
				  s->name.name);
		return;
	case DECL_FUNCTION:
	case DECL_NODE:
	case DECL_INSTANCE:
	case DECL_ATTRIBUTE:
		return;
	default:
		if (s->decl.parent)
			diag_add(DIAGS(c), E0205, s->decl.parent->span, "%s has no base",
				 symbol_kind_word(symbol_kind_of(s->decl.kind)));
	}
}

static void declare_decl(struct check *c, struct scope *s, const struct ast_stmt *stmt, int block)
{
	enum ast_decl kind = stmt->decl.kind;
	struct symbol *sym;

	if (!may_stand_in(kind, block)) {
		report_misplaced(c, stmt, block);
		return;
	}
	sym = declare(c, s, symbol_kind_of(kind), stmt->name, stmt);
	if (!sym)
		return;
	add_object(c, sym);
	sym->members = scope_new(c, s, s->module, sym);
	check_parent(c, stmt);
	if (kind == DECL_PIPELINE)
		predefine_drop(c, sym);
	declare_body(c, sym->members, &stmt->decl.body, (int)kind);
}

static void declare_let(struct check *c, struct scope *s, const struct ast_stmt *stmt)
{
	struct symbol *sym = declare(c, s, SYM_LET, stmt->name, stmt);

	if (sym)
		sym->object = s;
}

static void declare_attributes(struct check *c, struct scope *s, const struct ast_stmt *stmt)
{
	for (size_t i = 0; i < stmt->attributes.n; i++) {
		struct symbol *sym = declare(c, s, SYM_ATTRIBUTE, stmt->attributes.at[i], stmt);

		if (sym)
			add_object(c, sym);
	}
}

static void declare_body(struct check *c, struct scope *s, const struct ast_stmts *body, int block)
{
	for (size_t i = 0; i < body->n; i++) {
		const struct ast_stmt *stmt = body->at[i];

		switch (stmt->kind) {
		case STMT_DECL:
			declare_decl(c, s, stmt, block);
			break;
		case STMT_LET:
			declare_let(c, s, stmt);
			break;
		case STMT_ATTRIBUTES:
			declare_attributes(c, s, stmt);
			break;
		case STMT_EDGE:
			if (block != DECL_PIPELINE)
				diag_add(DIAGS(c), E0206, stmt->span, "edges stand in a pipeline");
			break;
		default:
			break;
		}
	}
}

void declare_module(struct check *c, struct module *m)
{
	m->scope = scope_new(c, NULL, m, NULL);
	declare_body(c, m->scope, &m->ast->items, IN_FILE);
}

/* ---- imports ---- */

static void add_import(struct check *c, struct scope *s, struct import import)
{
	struct import *copy = arena_one(ARENA(c), struct import);
	struct import *first = map_get(&s->imports, import.name);

	*copy = import;
	if (!first) {
		map_put(&s->imports, import.name, copy);
		vec_push(ARENA(c), &s->prefixes, import.name);
	} else if (first->module != import.module || first->member != import.member) {
		map_put(&s->clashes, import.name, copy);
	}
}

static void import_name(struct check *c, struct module *m, struct ast_name name, struct module *used)
{
	struct import import = { name.name, used, name.name, name.span };
	struct nearest near = nearest_to(name.name);
	struct diag *d;

	if (!scope_find_own(used->scope, name.name)) {
		if (used->ast->broken)
			return;
		d = diag_add(DIAGS(c), E0301, name.span, "module %s has nothing called '%s'", used->name,
			     name.name);
		for (size_t i = 0; i < used->scope->words.n; i++)
			nearest_try(&near, used->scope->words.at[i]);
		if (near.name) {
			diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
			diag_fix(DIAGS(c), d, MAYBE_INCORRECT, name.span, near.name, "write '%s'", near.name);
		}
		return;
	}
	if (name.name[0] == '_') {
		d = diag_add(DIAGS(c), E0304, name.span, "'%s' is private to module %s", name.name,
			     used->name);
		diag_also(DIAGS(c), d, scope_find_own(used->scope, name.name)->span, "declared here");
		return;
	}
	note_use(c, name.span, scope_find_own(used->scope, name.name), NULL);
	add_import(c, m->scope, import);
}

void declare_import(struct check *c, struct module *m, const struct ast_stmt *use, struct module *used)
{
	if (!use->use.has_names) {
		struct import import = { use->name.name, used, NULL, use->use.module_span };

		add_import(c, m->scope, import);
		return;
	}
	for (size_t i = 0; i < use->use.names.n; i++)
		import_name(c, m, use->use.names.at[i], used);
}
