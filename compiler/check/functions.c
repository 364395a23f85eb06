#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

/* ---- derives NAME in {values} | string, via port | metadata ---- */

static bool derived_values(struct check *c, struct scope *s, const struct ast_expr *e,
			   struct m_derives *d)
{
	struct words words = { 0 };

	if (e->kind == AST_PATH && e->path.names.n == 1 && !strcmp(e->path.names.at[0].name, "string")) {
		d->is_string = true;
		return true;
	}
	if (e->kind != AST_SET || !e->list.members.n) {
		report_type(c, (struct operand){ e, s, e->span }, "a set of words, or 'string',");
		return false;
	}
	for (size_t i = 0; i < e->list.members.n; i++) {
		const struct ast_expr *m = e->list.members.at[i];

		if (m->kind != AST_PATH || m->path.names.n != 1 || m->path.star) {
			report_type(c, (struct operand){ m, s, m->span }, "a word");
			return false;
		}
		vec_push(ARENA(c), &words, m->path.names.at[0].name);
	}
	d->values = words.at;
	d->n_values = words.n;
	return true;
}

static bool derives_via(struct check *c, const struct ast_stmt *s, struct m_derives *d)
{
	const struct ast_clause *via = clause_find(&s->property.clauses, "via");

	if (!via) {
		diag_help(DIAGS(c), diag_add(DIAGS(c), E0307, s->span, "'derives' needs 'via'"),
			  "write 'via port' or 'via metadata'");
		return false;
	}
	if (!value_word(c, (struct operand){ via->values.at[0], NULL, via->values.at[0]->span },
			"port metadata", &d->via))
		return false;
	if (d->is_string && d->via == VIA_PORT) {
		diag_add(DIAGS(c), E0401, via->span, "a text cannot choose a port; write 'via metadata'");
		return false;
	}
	return true;
}

static void read_derives(struct check *c, struct block *b, const struct ast_stmt *s)
{
	const struct ast_expr *e = only_value(c, s), *name;
	struct m_function *f = b->object;
	struct m_derives d = { .span = s->span };

	clauses_check(c, &s->property.clauses, "via");
	if (!e)
		return;
	name = e->kind == AST_REL && e->list.members.n == 2 && e->list.ops.at[0] == OP_IN ?
		       e->list.members.at[0] :
		       NULL;
	if (!name || name->kind != AST_PATH || name->path.star) {
		diag_add(DIAGS(c), E0401, e->span, "write 'derives NAME in {a, b} via port'");
		return;
	}
	d.name = intern_text(c->ctx->names, ast_path_text(ARENA(c), name));
	for (size_t i = 0; i < f->derives.n; i++)
		if (f->derives.at[i].name == d.name)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0302, name->span, "'%s' is derived twice", d.name),
				  f->derives.at[i].span, "first here");
	if (derived_values(c, b->scope, e->list.members.at[1], &d) && derives_via(c, s, &d))
		vec_push(ARENA(c), &f->derives, d);
}

/* ---- inspects, affinity ---- */

static bool is_word(const struct ast_expr *e, const char *word)
{
	return e->kind == AST_PATH && !e->path.star && e->path.names.n == 1 &&
	       !strcmp(e->path.names.at[0].name, word);
}

static void read_inspects(struct check *c, struct block *b, const struct ast_stmt *s)
{
	const struct ast_expr *e = only_value(c, s);
	struct m_function *f = b->object;

	clauses_check(c, &s->property.clauses, "");
	if (!e)
		return;
	f->inspects = (struct field_set){ 0 };
	f->inspects_payload = is_word(e, "payload");
	if (!f->inspects_payload)
		value_fields(c, b->scope, e, &f->inspects);
}

static void read_affinity(struct check *c, struct block *b, const struct ast_stmt *s)
{
	const struct ast_expr *e = only_value(c, s);
	struct m_function *f = b->object;

	clauses_check(c, &s->property.clauses, "");
	if (!e)
		return;
	f->affinity = (struct field_set){ 0 };
	f->affinity_kind = is_word(e, "none") ? AFFINITY_NONE : is_word(e, "flow") ? AFFINITY_FLOW : AFFINITY_FIELDS;
	if (f->affinity_kind == AFFINITY_FIELDS)
		value_fields(c, b->scope, e, &f->affinity);
}

static void read_code(struct check *c, struct block *b, const struct ast_stmt *s)
{
	if (!strcmp(s->name.name, "derives"))
		read_derives(c, b, s);
	else if (!strcmp(s->name.name, "inspects"))
		read_inspects(c, b, s);
	else if (!strcmp(s->name.name, "affinity"))
		read_affinity(c, b, s);
	else
		diag_add(DIAGS(c), E0305, s->name.span, "a function has no property '%s'", s->name.name);
}

/* ---- inheritance ---- */

struct m_cost cost_combine(struct m_cost base, struct m_cost own)
{
	bool by_cost = rat_given(own.cost) || rat_given(own.per_byte);
	bool by_speed = rat_given(own.speed.value);

	if (by_cost) {
		base.speed = own.speed;
		if (rat_given(own.cost))
			base.cost = own.cost;
		if (rat_given(own.per_byte))
			base.per_byte = own.per_byte;
	} else if (by_speed) {
		base = own;
	}
	return base;
}

static void read_function(struct check *c, struct symbol *sym);

static void inherit(struct check *c, struct m_function *f, const struct ast_expr *parent)
{
	struct symbol *sym = f->sym, *base = resolve_ref(c, sym->owner ? sym->owner->members : sym->module->scope, parent, KIND(FUNCTION));
	struct m_function *from;

	if (!base || !base->module)
		return;
	if (base->visiting) {
		diag_add(DIAGS(c), E0309, parent->span, "the function '%s' is based on itself", sym->name);
		return;
	}
	read_function(c, base);
	from = base->object;
	*f = *from;
	f->sym = sym;
	f->base = base;
	/* Derived attributes are added to, so the list is a copy. */
	f->derives.at = arena_many(ARENA(c), struct m_derives, from->derives.n);
	if (from->derives.n)
		memcpy(f->derives.at, from->derives.at, from->derives.n * sizeof(*from->derives.at));
	f->derives.cap = f->derives.n;
}

static void read_function(struct check *c, struct symbol *sym)
{
	struct m_function *f = sym->object;
	struct block b = { .name = "function", .sym = sym, .scope = sym->members, .object = f,
			   .code = read_code };
	struct m_cost inherited;

	if (sym->visited || !sym->stmt)
		return;
	sym->visiting = true;
	if (sym->stmt->decl.parent)
		inherit(c, f, sym->stmt->decl.parent);
	inherited = f->cost;
	f->cost = (struct m_cost){ 0 };
	b.body = &sym->stmt->decl.body;
	block_read(c, &b);
	f->cost = cost_combine(inherited, f->cost);
	f->schedulable_given |= block_given(&b, "schedulable") != NULL;
	if (block_given(&b, "pair"))
		f->pair_span = block_given(&b, "pair")->span;
	sym->visiting = false;
	sym->visited = true;
}

/* A half inherits its pair from its base; only what is written is held to be mutual. */
static void check_pair(struct check *c, const struct symbol *sym)
{
	const struct m_function *f = OBJECT(sym, m_function);
	struct diag *d;

	if (!f->pair || !sym->stmt || OBJECT(f->pair, m_function)->pair == sym)
		return;
	if (span_is_none(f->pair_span) || f->pair_span.source != sym->span.source)
		return;
	d = diag_add(DIAGS(c), E0607, f->pair_span, "'%s' is to be the pair of '%s', but does not say so",
		     f->pair->name, sym->name);
	diag_also(DIAGS(c), d, f->pair->span, "this function needs 'pair %s;'", sym->name);
}

static void refuse_labels(struct check *c, const struct symbol *sym)
{
	const struct refs *provides = &OBJECT(sym, m_function)->provides;

	for (size_t i = 0; i < provides->n; i++)
		if (OBJECT(provides->at[i], m_attribute)->label)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0303, sym->span,
					   "'%s' is a label of data; no function can provide it",
					   provides->at[i]->name),
				  provides->at[i]->span, "declared here");
}

void check_functions(struct check *c)
{
	struct refs *all = &c->model->functions;

	for (size_t i = 0; i < all->n; i++)
		OBJECT(all->at[i], m_function)->pair_span = SPAN_NONE;
	for (size_t i = 0; i < all->n; i++)
		read_function(c, all->at[i]);
	for (size_t i = 0; i < all->n; i++) {
		check_pair(c, all->at[i]);
		refuse_labels(c, all->at[i]);
	}
}
