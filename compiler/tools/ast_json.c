#include <config.h>

#include "compiler/tools/ast_json.h"

#include <string.h>

#include "compiler/base/text.h"

struct writer {
	struct ctx *ctx;
	struct sink *s;
	size_t depth;
	bool first; /* nothing was written in the object or list yet */
};

/* ---- layout ---- */

static void next_line(struct writer *w)
{
	sink_puts(w->s, w->first ? "\n" : ",\n");
	sink_pad(w->s, 2 * w->depth);
	w->first = false;
}

static void open_with(struct writer *w, char bracket)
{
	sink_putc(w->s, bracket);
	w->depth++;
	w->first = true;
}

static void close_with(struct writer *w, char bracket)
{
	w->depth--;
	if (!w->first) {
		sink_putc(w->s, '\n');
		sink_pad(w->s, 2 * w->depth);
	}
	sink_putc(w->s, bracket);
	w->first = false;
}

static void key(struct writer *w, const char *name)
{
	next_line(w);
	sink_json(w->s, name);
	sink_puts(w->s, ": ");
}

static void text_key(struct writer *w, const char *name, const char *text)
{
	key(w, name);
	sink_json(w->s, text);
}

static void source_text(struct writer *w, struct span span)
{
	const struct source *src = source_at(&w->ctx->sources, span.source);

	text_key(w, "text", arena_strndup(w->ctx->arena, src->text + span.start, span.end - span.start));
}

static void place(struct writer *w, struct span span)
{
	const struct source *src = source_at(&w->ctx->sources, span.source);
	struct place at = source_place(src, span.start);

	key(w, "line");
	sink_printf(w->s, "%zu", at.line);
	key(w, "col");
	sink_printf(w->s, "%zu", at.col);
}

/* ---- expressions ---- */

static const char *const expr_kinds[] = {
	[AST_ERROR] = "error",	 [AST_PATH] = "path",	    [AST_STRING] = "string",
	[AST_INT] = "int",	 [AST_FLOAT] = "float",	    [AST_QUANTITY] = "quantity",
	[AST_ADDR] = "address",	 [AST_MAC] = "mac",	    [AST_SERVICE] = "service",
	[AST_DATE] = "date",	 [AST_RANGE] = "range",	    [AST_SET] = "set",
	[AST_RATIO] = "ratio",	 [AST_REL] = "comparison",  [AST_NOT] = "not",
	[AST_AND] = "and",	 [AST_OR] = "or",	    [AST_CHAIN] = "chain",
	[AST_MOVE] = "move",
};

static const char *const op_texts[] = { "==", "!=", "<", "<=", ">", ">=", "in" };

static void put_exprs(struct writer *w, const struct ast_exprs *list);

static void put_expr(struct writer *w, const struct ast_expr *e)
{
	open_with(w, '{');
	text_key(w, "kind", expr_kinds[e->kind]);
	place(w, e->span);
	if (e->kind < AST_RANGE) {
		source_text(w, e->span);
	} else {
		key(w, "members");
		put_exprs(w, &e->list.members);
	}
	if (e->kind == AST_REL) {
		key(w, "operators");
		open_with(w, '[');
		for (size_t i = 0; i < e->list.ops.n; i++) {
			next_line(w);
			sink_json(w->s, op_texts[e->list.ops.at[i]]);
		}
		close_with(w, ']');
	}
	close_with(w, '}');
}

static void put_exprs(struct writer *w, const struct ast_exprs *list)
{
	open_with(w, '[');
	for (size_t i = 0; i < list->n; i++) {
		next_line(w);
		put_expr(w, list->at[i]);
	}
	close_with(w, ']');
}

static void put_names(struct writer *w, const struct ast_names *names)
{
	open_with(w, '[');
	for (size_t i = 0; i < names->n; i++) {
		next_line(w);
		sink_json(w->s, names->at[i].name);
	}
	close_with(w, ']');
}

/* ---- statements ---- */

static void put_stmts(struct writer *w, const struct ast_stmts *list);

static void put_clauses(struct writer *w, const struct ast_clauses *clauses)
{
	key(w, "clauses");
	open_with(w, '[');
	for (size_t i = 0; i < clauses->n; i++) {
		next_line(w);
		open_with(w, '{');
		text_key(w, "name", clauses->at[i].name.name);
		key(w, "values");
		put_exprs(w, &clauses->at[i].values);
		close_with(w, '}');
	}
	close_with(w, ']');
}

static void put_property(struct writer *w, const struct ast_stmt *s)
{
	key(w, "values");
	put_exprs(w, &s->property.values);
	if (s->property.rhs) {
		key(w, "equals");
		put_expr(w, s->property.rhs);
	}
	put_clauses(w, &s->property.clauses);
	if (s->property.negated) {
		key(w, "negated");
		sink_puts(w->s, "true");
	}
}

static void put_edge(struct writer *w, const struct ast_stmt *s)
{
	key(w, "ends");
	open_with(w, '[');
	for (size_t i = 0; i < s->edge.hops.n; i++) {
		next_line(w);
		put_exprs(w, &s->edge.hops.at[i].paths);
	}
	close_with(w, ']');
	key(w, "copies");
	open_with(w, '[');
	for (size_t i = 0; i < s->edge.tees.n; i++) {
		next_line(w);
		sink_puts(w->s, s->edge.tees.at[i] ? "true" : "false");
	}
	close_with(w, ']');
	put_clauses(w, &s->edge.clauses);
}

static void put_use(struct writer *w, const struct ast_stmt *s)
{
	text_key(w, "module", ast_names_text(w->ctx->arena, &s->use.module));
	if (s->use.has_alias)
		text_key(w, "as", s->name.name);
	if (s->use.has_names) {
		key(w, "names");
		put_names(w, &s->use.names);
	}
}

static void put_decl(struct writer *w, const struct ast_stmt *s)
{
	if (s->decl.parent)
		text_key(w, "base", ast_path_text(w->ctx->arena, s->decl.parent));
	key(w, "body");
	put_stmts(w, &s->decl.body);
}

static void put_body(struct writer *w, const struct ast_stmt *s)
{
	switch (s->kind) {
	case STMT_DECL:
		put_decl(w, s);
		break;
	case STMT_ATTRIBUTES:
		key(w, "names");
		put_names(w, &s->attributes);
		break;
	case STMT_LET:
		key(w, "value");
		put_expr(w, s->let);
		break;
	case STMT_USE:
		put_use(w, s);
		break;
	case STMT_EXPECT:
	case STMT_PROPERTY:
		put_property(w, s);
		break;
	case STMT_EDGE:
		put_edge(w, s);
		break;
	}
}

static const char *stmt_kind(const struct ast_stmt *s)
{
	static const char *const kinds[] = {
		[STMT_ATTRIBUTES] = "attributes", [STMT_LET] = "let",		[STMT_USE] = "use",
		[STMT_EXPECT] = "expect",	  [STMT_PROPERTY] = "property", [STMT_EDGE] = "edge",
	};

	return s->kind == STMT_DECL ? decl_word(s->decl.kind) : kinds[s->kind];
}

static void put_annots(struct writer *w, const struct ast_annots *annots)
{
	key(w, "annotations");
	open_with(w, '[');
	for (size_t i = 0; i < annots->n; i++) {
		next_line(w);
		open_with(w, '{');
		text_key(w, "name", annots->at[i].name.name);
		key(w, "values");
		put_exprs(w, &annots->at[i].values);
		close_with(w, '}');
	}
	close_with(w, ']');
}

static void put_stmt(struct writer *w, const struct ast_stmt *s)
{
	open_with(w, '{');
	text_key(w, "kind", stmt_kind(s));
	place(w, s->span);
	if (s->name.name && s->kind != STMT_USE)
		text_key(w, "name", s->name.name);
	if (s->annots.n)
		put_annots(w, &s->annots);
	put_body(w, s);
	close_with(w, '}');
}

static void put_stmts(struct writer *w, const struct ast_stmts *list)
{
	open_with(w, '[');
	for (size_t i = 0; i < list->n; i++) {
		next_line(w);
		put_stmt(w, list->at[i]);
	}
	close_with(w, ']');
}

void ast_json(struct ctx *ctx, const struct ast_file *f, struct sink *s)
{
	struct writer w = { .ctx = ctx, .s = s };

	open_with(&w, '{');
	text_key(&w, "file", source_at(&ctx->sources, f->source)->shown);
	key(&w, "edition");
	sink_printf(s, "%llu", (unsigned long long)(f->has_edition ? f->edition : 1));
	if (f->has_module)
		text_key(&w, "module", ast_names_text(ctx->arena, &f->module));
	key(&w, "items");
	put_stmts(&w, &f->items);
	close_with(&w, '}');
	sink_putc(s, '\n');
}
