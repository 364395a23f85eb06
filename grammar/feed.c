#include <config.h>

#include "grammar/parser.h"

#include <string.h>

static const char *const reserved[] = {
	"edition",  "module", "use",	  "as",	 "let",		"attribute", "function",
	"domain",   "node",   "class",	  "pipeline", "slo",	"application", "target",
	"expect",   "and",    "or",	  "not", "in",		"otherwise", NULL,
};

const char *const *reserved_words(void)
{
	return reserved;
}

const char *token_text(const struct parser *p, struct span span, size_t *length)
{
	*length = span.end - span.start;
	return p->text->text + span.start;
}

static struct token scan(struct parser *p)
{
	struct token t = { 0 };

	t.kind = scan_token(&t.value, &t.span, p->scanner);
	if (p->n_errors > MOST_SYNTAX_ERRORS)
		t.kind = END;
	return t;
}

static bool same_line(const struct parser *p, uint32_t from, uint32_t to)
{
	return !memchr(p->text->text + from, '\n', to - from);
}

static bool is_unit(const struct parser *p, const struct token *t)
{
	size_t length;
	const char *text = token_text(p, t->span, &length);

	return t->kind == IDENT && unit_find(text, length);
}

/* "5 ms": a number, a blank and a unit become the quantity that was meant. */
static void join_unit(struct parser *p, struct token *number)
{
	struct token next = scan(p);
	const struct unit *unit;
	size_t length;

	if (!is_unit(p, &next) || number->value.INT->kind == AST_ERROR ||
	    !same_line(p, number->span.end, next.span.start)) {
		p->held = next;
		p->has_held = true;
		return;
	}
	report_spaced_unit(p, number->span, next.span);
	unit = unit_find(token_text(p, next.span, &length), next.span.end - next.span.start);
	number->value.INT->kind = AST_QUANTITY;
	number->value.INT->number.unit = unit;
	number->value.INT->span = number->span = span_join(number->span, next.span);
	number->kind = QUANTITY;
}

static struct token next_token(struct parser *p)
{
	struct token t;

	if (p->wants_semicolon) {
		p->wants_semicolon = false;
		return (struct token){ .kind = ';', .span = { p->source, p->held.span.start,
							      p->held.span.start } };
	}
	if (p->has_held) {
		p->has_held = false;
		t = p->held;
	} else {
		t = scan(p);
	}
	if (t.kind == INT || t.kind == FLOAT)
		join_unit(p, &t);
	return t;
}

/* ---- statements ---- */

static void open_brace(struct parser *p, const struct token *t)
{
	struct brace b = { .span = t->span, .statement = p->statement, .depth = p->depth };

	vec_push(p->ctx->arena, &p->braces, b);
	p->begins = true;
}

/* White space before the first character of the line that holds AT; *FIRST: AT is that character. */
static size_t indentation(const struct parser *p, uint32_t at, bool *first)
{
	const char *text = p->text->text, *line = text + at;
	size_t n;

	while (line > text && line[-1] != '\n')
		line--;
	n = strspn(line, " \t");
	*first = line + n == text + at;
	return n;
}

/* A block whose end stands further left than its beginning was perhaps never closed. */
static void suspect(struct parser *p, const struct brace *b, const struct token *end)
{
	bool first, alone;
	size_t begins = indentation(p, b->span.start, &first), ends = indentation(p, end->span.start, &alone);

	if (alone && ends < begins && !p->suspect.end)
		p->suspect = b->span;
}

/* Returns whether it was a block that ends here. */
static bool close_brace(struct parser *p, const struct token *t)
{
	struct brace b;

	if (!p->braces.n)
		return p->begins = true;
	b = p->braces.at[--p->braces.n];
	suspect(p, &b, t);
	p->begins = b.block;
	if (!b.block) {
		p->statement = b.statement;
		p->depth = b.depth;
	}
	return b.block;
}

static bool watch(struct parser *p, const struct token *t)
{
	if (p->begins) {
		p->statement = t->span.start;
		p->depth = p->braces.n;
		p->begins = false;
	}
	if (t->kind == '{')
		open_brace(p, t);
	if (t->kind == '}')
		return close_brace(p, t);
	if (t->kind != ';')
		return false;
	if (p->braces.n)
		p->braces.at[p->braces.n - 1].block = true;
	p->begins = true;
	return true;
}

/* Skips to the end of a statement that was reported: the semicolon or closing brace at
 * its own depth, or behind a block of its own. */
static struct token skip_statement(struct parser *p)
{
	size_t depth = p->depth;

	p->recovering = false;
	for (;;) {
		struct token t = next_token(p);
		bool nested = p->braces.n > depth, ends;

		if (t.kind == END || (!nested && t.kind == '}'))
			return t;
		ends = watch(p, &t);
		if (ends && p->braces.n <= depth) {
			if (t.kind == '}') {
				t.kind = ';';
				t.span.start = t.span.end;
			}
			return t;
		}
	}
}

int feed_token(YYSTYPE *value, struct span *span, struct parser *p)
{
	struct token t;

	if (p->first) {
		int first = p->first;

		p->first = 0;
		p->begins = true;
		*span = (struct span){ p->source, 0, 0 };
		return first;
	}
	if (p->recovering) {
		t = skip_statement(p);
		/* What ended the skipping was watched there, but for what was not consumed. */
		if (t.kind == '}')
			watch(p, &t);
	} else {
		t = next_token(p);
		watch(p, &t);
	}
	p->last = t;
	*value = t.value;
	*span = t.span;
	return t.kind;
}

struct lexemes scan_lexemes(struct ctx *ctx, uint32_t source)
{
	struct ctx quiet = *ctx;
	struct ast_file file = { .source = source };
	struct parser p = { .ctx = &quiet, .file = &file, .source = source,
			    .text = source_at(&ctx->sources, source) };
	struct lexemes found = { 0 };
	size_t n_comments = 0;
	struct token t;

	quiet.diags = (struct diags){ .arena = ctx->arena };
	scan_open(&p);
	do {
		t = scan(&p);
		for (; n_comments < file.comments.n; n_comments++) {
			struct lexeme c = { LEXEME_COMMENT, file.comments.at[n_comments].span };

			vec_push(ctx->arena, &found, c);
		}
		if (t.kind != END) {
			struct lexeme l = { t.kind == IDENT ? LEXEME_WORD : LEXEME_TOKEN, t.span };

			vec_push(ctx->arena, &found, l);
		}
	} while (t.kind != END);
	scan_close(&p);
	found.broken = quiet.diags.n_errors > 0;
	return found;
}

static struct parser parser_for(struct ctx *ctx, uint32_t source)
{
	struct ast_file *file = arena_one(ctx->arena, struct ast_file);

	file->source = source;
	return (struct parser){ .ctx = ctx, .file = file, .source = source,
				.text = source_at(&ctx->sources, source) };
}

static void parse(struct parser *p, int first)
{
	p->first = first;
	scan_open(p);
	yyparse(p);
	scan_close(p);
	p->file->broken = p->n_errors > 0;
}

struct ast_file *parse_file(struct ctx *ctx, uint32_t source)
{
	struct parser p = parser_for(ctx, source);

	parse(&p, START_FILE);
	return p.file;
}

struct ast_expr *parse_expression(struct ctx *ctx, uint32_t source)
{
	struct parser p = parser_for(ctx, source);

	parse(&p, START_EXPRESSION);
	return p.file->broken ? NULL : p.expression;
}

struct ast_file *parse_properties(struct ctx *ctx, uint32_t source)
{
	struct parser p = parser_for(ctx, source);

	parse(&p, START_PROPERTIES);
	return p.file;
}
