#include <config.h>

#include "grammar/parser.h"

#define ADDER(name, list, item)                                                                    \
	struct list name(struct parser *p, struct list l, item i)                                  \
	{                                                                                          \
		vec_push(p->ctx->arena, &l, i);                                                    \
		return l;                                                                          \
	}

ADDER(exprs_add, ast_exprs, struct ast_expr *)
ADDER(names_add, ast_names, struct ast_name)
ADDER(stmts_add, ast_stmts, struct ast_stmt *)
ADDER(clauses_add, ast_clauses, struct ast_clause)
ADDER(annots_add, ast_annots, struct ast_annot)

struct ast_name word_of(struct parser *p, struct span span)
{
	size_t length;
	const char *text = token_text(p, span, &length);

	return (struct ast_name){ intern(p->ctx->names, text, length), span };
}

struct ast_stmts stmts_lost(struct parser *p, struct ast_stmts l, struct span skipped)
{
	note_lost(p, skipped);
	l.broken = true;
	return l;
}

static struct ast_expr *node(struct parser *p, enum ast_expr_kind kind, struct span span)
{
	struct ast_expr *e = arena_one(p->ctx->arena, struct ast_expr);

	e->kind = kind;
	e->span = span;
	return e;
}

struct ast_expr *build_list(struct parser *p, enum ast_expr_kind kind, struct span span,
			    struct ast_expr *first)
{
	struct ast_expr *e = node(p, kind, span);

	e->list.members = exprs_add(p, e->list.members, first);
	return e;
}

/* `a or b or c` is one node: the tree of a long list stays flat. */
struct ast_expr *build_more(struct parser *p, enum ast_expr_kind kind, struct span span,
			    struct ast_expr *list, struct ast_expr *next)
{
	if (list->kind != kind || list->parens)
		list = build_list(p, kind, span, list);
	list->list.members = exprs_add(p, list->list.members, next);
	list->span = span;
	return list;
}

struct ast_expr *build_rel(struct parser *p, struct span span, struct ast_expr *left, enum ast_op op,
			   struct ast_expr *right)
{
	struct ast_expr *e = build_more(p, AST_REL, span, left, right);

	vec_push(p->ctx->arena, &e->list.ops, op);
	return e;
}

struct ast_expr *build_pair(struct parser *p, enum ast_expr_kind kind, struct span span,
			    struct ast_expr *a, struct ast_expr *b)
{
	struct ast_expr *e = build_list(p, kind, span, a);

	e->list.members = exprs_add(p, e->list.members, b);
	return e;
}

struct ast_expr *build_set(struct parser *p, struct span span, struct ast_exprs members)
{
	struct ast_expr *e = node(p, AST_SET, span);

	e->list.members = members;
	return e;
}

struct ast_expr *build_path(struct parser *p, struct span span, struct ast_names names, bool star)
{
	struct ast_expr *e = node(p, AST_PATH, span);

	e->path.names = names;
	e->path.star = star;
	return e;
}

struct ast_expr *build_chain(struct parser *p, struct span span, struct ast_expr *first,
			     struct ast_exprs rest)
{
	struct ast_expr *e = build_list(p, AST_CHAIN, span, first);

	for (size_t i = 0; i < rest.n; i++)
		e->list.members = exprs_add(p, e->list.members, rest.at[i]);
	return e;
}

struct ast_expr *in_parens(struct ast_expr *e, struct span span)
{
	e->parens = true;
	e->span = span;
	return e;
}

struct ast_ends ends_of(struct parser *p, struct span span, struct ast_exprs paths)
{
	(void)p;
	return (struct ast_ends){ paths, span };
}

struct ast_stmt *build_stmt(struct parser *p, enum ast_stmt_kind kind, struct span span)
{
	struct ast_stmt *s = arena_one(p->ctx->arena, struct ast_stmt);

	s->kind = kind;
	s->span = span;
	return s;
}

struct ast_stmt *build_decl(struct parser *p, struct span span, enum ast_decl kind,
			    struct ast_name name, struct ast_expr *parent, struct ast_stmts *body)
{
	struct ast_stmt *s = build_stmt(p, STMT_DECL, span);

	s->name = name;
	s->decl.kind = kind;
	s->decl.parent = parent;
	s->decl.has_body = body != NULL;
	if (body)
		s->decl.body = *body;
	return s;
}

struct ast_stmt *build_let(struct parser *p, struct span span, struct ast_name name,
			   struct ast_expr *value)
{
	struct ast_stmt *s = build_stmt(p, STMT_LET, span);

	s->name = name;
	s->let = value;
	return s;
}

struct ast_stmt *build_property(struct parser *p, enum ast_stmt_kind kind, struct span span,
				struct ast_name name, struct ast_exprs values, struct ast_expr *rhs,
				struct ast_clauses clauses)
{
	struct ast_stmt *s = build_stmt(p, kind, span);

	s->name = name;
	s->property.values = values;
	s->property.rhs = rhs;
	s->property.clauses = clauses;
	return s;
}

struct ast_stmt *build_attributes(struct parser *p, struct span span, struct ast_names names)
{
	struct ast_stmt *s = build_stmt(p, STMT_ATTRIBUTES, span);

	s->attributes = names;
	return s;
}

struct ast_stmt *build_use(struct parser *p, struct span span, struct span module_span,
			   struct ast_names module)
{
	struct ast_stmt *s = build_stmt(p, STMT_USE, span);

	s->use.module = module;
	s->use.module_span = module_span;
	s->name = module.at[module.n - 1];
	return s;
}

struct ast_stmt *build_edge(struct parser *p, struct span span, struct ast_ends from, bool tee,
			    struct ast_ends to)
{
	struct ast_stmt *s = build_stmt(p, STMT_EDGE, span);

	vec_push(p->ctx->arena, &s->edge.hops, from);
	return edge_more(p, span, s, tee, to);
}

struct ast_stmt *edge_more(struct parser *p, struct span span, struct ast_stmt *s, bool tee,
			   struct ast_ends to)
{
	vec_push(p->ctx->arena, &s->edge.tees, tee);
	vec_push(p->ctx->arena, &s->edge.hops, to);
	s->span = span;
	return s;
}

struct ast_stmt *annotated(struct ast_annots annots, struct ast_stmt *s)
{
	s->annots = annots;
	return s;
}
