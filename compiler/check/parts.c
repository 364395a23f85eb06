/* Filters as they were written, part by part, for those who advise on them. */
#include <config.h>

#include "compiler/check/private.h"

/* The checker has refused derived attributes where they are not known. */
static bool knows_all(void *data, const struct symbol *instance, const struct field *f)
{
	(void)data;
	(void)instance;
	(void)f;
	return true;
}

static const struct filter_place everywhere = { knows_all, NULL };

static struct filter_part *parts_of(struct check *c, struct operand o);

static void add_parts(struct check *c, struct operand o, struct filter_part *p)
{
	const struct ast_exprs *members = &o.e->list.members;

	p->parts = arena_many(ARENA(c), const struct filter_part *, members->n);
	for (size_t i = 0; i < members->n; i++)
		p->parts[p->n_parts++] = parts_of(c, operand_of(c, o.scope, members->at[i]));
}

/* Members of a set of services stand where the author wrote them, or the constant's name. */
static void add_services(struct check *c, struct operand o, struct filter_part *p)
{
	struct operands list = operands_of(c, o.scope, o.e);

	p->parts = arena_many(ARENA(c), const struct filter_part *, list.n);
	for (size_t i = 0; i < list.n; i++) {
		struct filter_part *m = parts_of(c, list.at[i]);

		m->at = list.at[i].at;
		p->parts[p->n_parts++] = m;
	}
}

static struct filter_part *parts_of(struct check *c, struct operand o)
{
	struct filter_part *p = arena_one(ARENA(c), struct filter_part);

	p->kind = PART_OTHER;
	p->fx = o.e ? filter_of(c, o.scope, o.e, &everywhere) : NULL;
	if (!p->fx) {
		p->fx = fx_true(c->model->fields);
		p->at = SPAN_NONE;
		return p;
	}
	p->e = o.e;
	p->at = o.e->span;
	switch (o.e->kind) {
	case AST_AND:
	case AST_OR:
	case AST_NOT:
		p->kind = o.e->kind == AST_AND  ? PART_AND
			  : o.e->kind == AST_OR ? PART_OR
						: PART_NOT;
		add_parts(c, o, p);
		break;
	case AST_SET:
		p->kind = PART_SERVICES;
		add_services(c, o, p);
		break;
	case AST_REL:
		p->kind = PART_COMPARISON;
		p->field = field_of(c, o.scope, o.e->list.members.at[0], NULL);
		p->differs = o.e->list.ops.at[0] == OP_NE;
		break;
	default:
		break;
	}
	return p;
}

const struct filter_part *check_filter_parts(struct model *m, const struct symbol *block,
					     const struct ast_expr *e)
{
	struct check c = { .ctx = m->ctx, .model = m };

	return parts_of(&c, operand_of(&c, block->members, e));
}
