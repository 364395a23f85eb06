/* Lint, L1007: members of a set that are given twice or lie in another.
 *
 * Each member becomes intervals of its own kind: addresses, numbers, services as ranges, all
 * else as single points.  Sorted by their begin, the wider first, an interval lies in another if
 * one before it reaches as far. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/ast/ast.h"
#include "compiler/tools/lint_names.h"
#include "compiler/tools/lint_parts.h"

#define DIAGS(l) (&(l)->ctx->diags)

/* Services have a kind for each protocol, from PIECE_SERVICE on. */
enum piece_kind {
	PIECE_IP4,
	PIECE_IP6,
	PIECE_NUMBER,
	PIECE_NODE,
	PIECE_NAME,
	PIECE_TEXT,
	PIECE_SERVICE
};

struct piece {
	int kind;
	epic_u128 low, high;
	size_t member;
};

struct pieces {
	struct piece *at;
	size_t n, cap;
	bool odd; /* something in it is not understood */
};

enum { MOST_DEPTH = 32 }; /* of constants within constants */

static void add_pieces(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member,
		       unsigned depth);

static void add(struct linting *l, struct pieces *p, int kind, epic_u128 low, epic_u128 high,
		size_t member)
{
	struct piece piece = { kind, low, high, member };

	vec_push(l->ctx->arena, p, piece);
}

/* Equal texts are equal pointers. */
static void add_text(struct linting *l, struct pieces *p, int kind, const char *text, size_t member)
{
	epic_u128 at = (uintptr_t)intern_text(l->ctx->names, text);

	add(l, p, kind, at, at, member);
}

static void add_range(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member)
{
	const struct ast_expr *from = e->list.members.at[0], *to = e->list.members.at[1];

	if (from->kind != AST_INT)
		p->odd = true;
	else if (to->kind == AST_SERVICE)
		add(l, p, PIECE_SERVICE + to->service.protocol, (epic_u128)from->number.value.num,
		    to->service.port, member);
	else if (to->kind == AST_INT)
		add(l, p, PIECE_NUMBER, (epic_u128)from->number.value.num,
		    (epic_u128)to->number.value.num, member);
	else
		p->odd = true;
}

/* The endpoints of a domain are points of its range, which `d.*` is as a whole; other nodes are not
 * in it everywhere. */
static void add_name(struct linting *l, struct pieces *p, const struct symbol *sym, size_t member)
{
	epic_u128 at;

	if (sym->kind != SYM_NODE || !sym->owner || OBJECT(sym, m_node)->kind != NODE_ENDPOINT) {
		add(l, p, PIECE_NAME, (uintptr_t)sym, (uintptr_t)sym, member);
		return;
	}
	at = ((epic_u128)(uintptr_t)sym->owner << 32) + sym->span.start;
	add(l, p, PIECE_NODE, at, at, member);
}

static void add_star(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member)
{
	const struct symbol *sym = lint_named(l, e);
	epic_u128 at = (epic_u128)(uintptr_t)sym << 32;

	if (sym && sym->kind == SYM_DOMAIN)
		add(l, p, PIECE_NODE, at, at + UINT32_MAX, member);
	else
		add_text(l, p, PIECE_TEXT,
			 arena_printf(l->ctx->arena, "%s.*", sym ? sym->canonical : ""), member);
}

static void add_path(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member,
		     unsigned depth)
{
	const struct symbol *sym = lint_named(l, e);

	if (e->path.star)
		add_star(l, p, e, member);
	else if (!sym)
		add_text(l, p, PIECE_TEXT, ast_path_text(l->ctx->arena, e), member);
	else if (sym->kind != SYM_LET)
		add_name(l, p, sym, member);
	else if (!sym->broken && depth < MOST_DEPTH)
		add_pieces(l, p, sym->stmt->let, member, depth + 1);
	else
		p->odd = true;
}

static void add_number(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member)
{
	struct rat value = e->kind == AST_QUANTITY ? rat_mul(e->number.value, e->number.unit->scale)
						   : e->number.value;
	int dimension = e->kind == AST_QUANTITY ? (int)e->number.unit->dimension : -1;
	char text[DEC_TEXT_SIZE];

	add_text(l, p, PIECE_TEXT,
		 arena_printf(l->ctx->arena, "%d %s", dimension, rat_text(value, text)), member);
}

static void add_pieces(struct linting *l, struct pieces *p, const struct ast_expr *e, size_t member,
		       unsigned depth)
{
	char text[ADDR_TEXT_SIZE];

	switch (e->kind) {
	case AST_SET:
		for (size_t i = 0; i < e->list.members.n; i++)
			add_pieces(l, p, e->list.members.at[i], member, depth);
		break;
	case AST_PATH:
		add_path(l, p, e, member, depth);
		break;
	case AST_STRING:
		add_text(l, p, PIECE_TEXT, arena_printf(l->ctx->arena, "\"%s", e->text), member);
		break;
	case AST_INT:
		add(l, p, PIECE_NUMBER, (epic_u128)e->number.value.num,
		    (epic_u128)e->number.value.num, member);
		break;
	case AST_FLOAT:
	case AST_QUANTITY:
		add_number(l, p, e, member);
		break;
	case AST_ADDR:
		add(l, p, e->addr.family == 4 ? PIECE_IP4 : PIECE_IP6, prefix_first(e->addr),
		    prefix_last(e->addr), member);
		break;
	case AST_MAC:
		add_text(l, p, PIECE_TEXT, mac_text(e->mac, text), member);
		break;
	case AST_SERVICE:
		add(l, p, PIECE_SERVICE + e->service.protocol, e->service.port, e->service.port,
		    member);
		break;
	case AST_RANGE:
		add_range(l, p, e, member);
		break;
	default:
		p->odd = true;
	}
}

static int by_begin(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	if (a->high != b->high)
		return a->high > b->high ? -1 : 1;
	return (a->member > b->member) - (a->member < b->member);
}

/* For each member the member that holds it, as far as each of its pieces lies in a piece of
 * another one; N: none. */
struct holders {
	size_t *pieces, *held, *by;
};

static void find_holders(struct pieces *p, struct holders *h)
{
	const struct piece *widest = NULL;

	if (p->n)
		qsort(p->at, p->n, sizeof(*p->at), by_begin);
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *x = &p->at[i];

		h->pieces[x->member]++;
		if (widest && widest->kind == x->kind && x->high <= widest->high) {
			h->held[x->member] += widest->member != x->member;
			if (widest->member != x->member)
				h->by[x->member] = widest->member;
		} else {
			widest = x;
		}
	}
}

/* ---- what is to be deleted ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The offset of the comma next to the member, past white space alone; false: there is none. */
static bool comma_behind(const struct source *src, size_t at, size_t *comma)
{
	while (at < src->size && is_space(src->text[at]))
		at++;
	*comma = at;
	return at < src->size && src->text[at] == ',';
}

static bool comma_before(const struct source *src, size_t at, size_t *comma)
{
	while (at && is_space(src->text[at - 1]))
		at--;
	*comma = at - 1;
	return at && src->text[at - 1] == ',';
}

/* With its comma; the last member without one leaves the comma before it alone only if a
 * comment stands between. */
static struct span member_span(const struct source *src, struct span span)
{
	size_t comma;

	if (comma_behind(src, span.end, &comma)) {
		span.end = (uint32_t)comma + 1;
		return lint_span_with_layout(src, span);
	}
	if (comma_before(src, span.start, &comma))
		span.start = (uint32_t)comma;
	return span;
}

static const char *source_text(struct linting *l, struct span span)
{
	return arena_strndup(l->ctx->arena,
			     source_at(&l->ctx->sources, span.source)->text + span.start,
			     span.end - span.start);
}

static void report(struct linting *l, const struct ast_expr *member, const struct ast_expr *holder)
{
	const char *inner = source_text(l, member->span), *outer = source_text(l, holder->span);
	const struct source *src = source_at(&l->ctx->sources, member->span.source);
	struct diag *d = strcmp(inner, outer)
			     ? diag_add(DIAGS(l), L1007, member->span,
					"%s lies in %s, which the set holds too", inner, outer)
			     : diag_add(DIAGS(l), L1007, member->span, "%s is given twice", inner);

	diag_also(DIAGS(l), d, holder->span, strcmp(inner, outer) ? "here" : "first given here");
	diag_fix(DIAGS(l), d, MACHINE_APPLICABLE, member_span(src, member->span), "", "delete it");
}

/* ---- every set of the file ---- */

static void check_set(struct linting *l, const struct ast_exprs *members)
{
	struct pieces p = { 0 };
	struct holders h = { arena_many(l->ctx->arena, size_t, members->n),
			     arena_many(l->ctx->arena, size_t, members->n),
			     arena_many(l->ctx->arena, size_t, members->n) };

	for (size_t i = 0; i < members->n; i++)
		add_pieces(l, &p, members->at[i], i, 0);
	if (p.odd)
		return;
	find_holders(&p, &h);
	for (size_t i = 0; i < members->n; i++)
		if (h.pieces[i] && h.held[i] == h.pieces[i])
			report(l, members->at[i], members->at[h.by[i]]);
}

static void check_exprs(struct linting *l, const struct ast_exprs *list);

static void check_expr(struct linting *l, const struct ast_expr *e)
{
	switch (e->kind) {
	case AST_SET:
		if (e->list.members.n > 1)
			check_set(l, &e->list.members);
		check_exprs(l, &e->list.members);
		break;
	case AST_RANGE:
	case AST_RATIO:
	case AST_REL:
	case AST_NOT:
	case AST_AND:
	case AST_OR:
	case AST_CHAIN:
	case AST_MOVE:
		check_exprs(l, &e->list.members);
		break;
	default:
		break;
	}
}

static void check_exprs(struct linting *l, const struct ast_exprs *list)
{
	for (size_t i = 0; i < list->n; i++)
		check_expr(l, list->at[i]);
}

static void check_clauses(struct linting *l, const struct ast_clauses *clauses)
{
	for (size_t i = 0; i < clauses->n; i++)
		check_exprs(l, &clauses->at[i].values);
}

static void check_statements(struct linting *l, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->at[i];

		switch (s->kind) {
		case STMT_DECL:
			check_statements(l, &s->decl.body);
			break;
		case STMT_LET:
			check_expr(l, s->let);
			break;
		case STMT_EXPECT:
		case STMT_PROPERTY:
			check_exprs(l, &s->property.values);
			check_clauses(l, &s->property.clauses);
			break;
		case STMT_EDGE:
			check_clauses(l, &s->edge.clauses);
			break;
		default:
			break;
		}
	}
}

void lint_duplicate_value(struct linting *l)
{
	check_statements(l, &l->policy->model->root->ast->items);
}
