#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

static void read_above(struct check *c, struct block *b, const struct ast_stmt *s)
{
	const struct ast_expr *e = only_value(c, s);
	struct m_attribute *a = b->object;
	struct symbol *label;

	clauses_check(c, &s->property.clauses, "");
	if (e && value_label(c, b->scope, e, &label))
		vec_push(ARENA(c), &a->above, label);
}

static void read_attribute(struct check *c, struct symbol *sym)
{
	struct m_attribute *a = sym->object;
	struct block b = { .name = "attribute", .sym = sym, .scope = sym->members, .object = a,
			   .code = read_above };

	if (sym->stmt->kind != STMT_DECL)
		return;
	b.body = &sym->stmt->decl.body;
	b.kinds = a->label ? "l" : "a";
	b.kind = a->label ? "a label" : "an attribute that is no label";
	block_read(c, &b);
}

static void find_labels(struct check *c, struct symbol *sym)
{
	const struct ast_expr *parent = sym->stmt->kind == STMT_DECL ? sym->stmt->decl.parent : NULL;

	if (!parent)
		return;
	OBJECT(sym, m_attribute)->label = true;
	if (strcmp(parent->path.names.at[0].name, "label"))
		diag_add(DIAGS(c), E0205, parent->span, "an attribute takes no base but 'label'");
}

/* Members of a set that must not be labels. */
static void refuse_labels(struct check *c, const struct refs *refs, const struct symbol *sym,
			  const char *property)
{
	for (size_t i = 0; i < refs->n; i++)
		if (OBJECT(refs->at[i], m_attribute)->label)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0303, sym->span,
					   "'%s' is a label of data and cannot stand in '%s' of %s",
					   refs->at[i]->name, property, sym->name),
				  refs->at[i]->span, "declared here");
}

/* Depth first along `implies` or `above`; a cycle is shown once, where it closes. */
static void visit(struct check *c, struct symbol *sym, bool above)
{
	struct m_attribute *a = sym->object;
	struct refs *next = above ? &a->above : &a->implies;

	if (sym->visited)
		return;
	sym->visiting = true;
	for (size_t i = 0; i < next->n; i++) {
		if (next->at[i]->visiting) {
			diag_add(DIAGS(c), E0309, next->at[i]->span, "the attribute '%s' leads back to itself by '%s'",
				 next->at[i]->name, above ? "above" : "implies");
			next->at[i--] = next->at[--next->n];
			continue;
		}
		visit(c, next->at[i], above);
	}
	sym->visiting = false;
	sym->visited = true;
}

static void check_cycles(struct check *c, bool above)
{
	struct refs *all = &c->model->attributes;

	for (size_t i = 0; i < all->n; i++)
		all->at[i]->visited = false;
	for (size_t i = 0; i < all->n; i++)
		visit(c, all->at[i], above);
}

void check_attributes(struct check *c)
{
	struct refs *all = &c->model->attributes;

	for (size_t i = 0; i < all->n; i++)
		find_labels(c, all->at[i]);
	for (size_t i = 0; i < all->n; i++)
		read_attribute(c, all->at[i]);
	for (size_t i = 0; i < all->n; i++) {
		refuse_labels(c, &OBJECT(all->at[i], m_attribute)->implies, all->at[i], "implies");
		refuse_labels(c, &OBJECT(all->at[i], m_attribute)->requires, all->at[i], "requires");
	}
	check_cycles(c, false);
	check_cycles(c, true);
}
