/* What stands round a place, told from the tokens before it, so that it works in a text that
 * does not parse. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "compiler/tools/lsp.h"
#include "grammar/parse.h"

/* ---- the line ---- */

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static size_t line_start(const struct source *src, size_t offset)
{
	while (offset && src->text[offset - 1] != '\n')
		offset--;
	return offset;
}

/* Strings and comments end with their line. */
static bool inside_text(const struct source *src, size_t offset)
{
	bool string = false;

	for (size_t i = line_start(src, offset); i < offset; i++) {
		char c = src->text[i];

		if (c == '#' && !string)
			return true;
		if (c == '\\' && string)
			i++;
		else if (c == '"')
			string = !string;
	}
	return string;
}

static size_t partial_start(const struct source *src, size_t offset)
{
	size_t start = offset;

	while (start && is_word_char(src->text[start - 1]))
		start--;
	/* `a->` is an arrow behind a name. */
	while (start < offset && src->text[start] == '-')
		start++;
	return start;
}

/* ---- blocks ---- */

/* Words that stand at the top level only: at the start of a line they show that a brace before
 * them is missing. */
static const char *const top_words[] = {
	"use",      "attribute", "function",    "domain", "class",
	"pipeline", "slo",       "application", "target", "expect"
};

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return true;
	return false;
}

struct reading {
	struct arena *arena;
	struct around *a;
};

static const char *word_at(const struct words *w, size_t i)
{
	return i < w->n ? w->at[i] : "";
}

/* How many words the annotation has that they begin with; 0: none, or it is being written. */
static size_t annotation_words(const struct words *w)
{
	if (strcmp(word_at(w, 0), "@") || w->n < 2)
		return 0;
	if (strcmp(word_at(w, 2), "("))
		return 2;
	for (size_t i = 3; i < w->n; i++)
		if (!strcmp(w->at[i], ")"))
			return i + 1;
	return 0;
}

static void skip_annotations(struct words *w)
{
	size_t n;

	while ((n = annotation_words(w))) {
		w->at += n;
		w->cap = w->n -= n;
	}
}

/* The words behind the colon, joined: "bf.seal". */
static const char *parent_of(struct reading *r, const struct words *w, size_t colon)
{
	const char *text = "";

	if (strcmp(word_at(w, colon), ":"))
		return text;
	for (size_t i = colon + 1; i < w->n; i++)
		text = arena_printf(r->arena, "%s%s", text, w->at[i]);
	return text;
}

static bool opens_block(struct reading *r, struct around_block *b)
{
	static const char *const plain[] = { "node",        "group", "attribute", "function",
					     "domain",      "class", "pipeline",  "slo",
					     "application", "target" };
	struct words w = r->a->before;
	bool in_pipeline =
	    r->a->blocks.n && !strcmp(r->a->blocks.at[r->a->blocks.n - 1].word, "pipeline");

	skip_annotations(&w);
	if (is_one_of(word_at(&w, 0), plain, sizeof(plain) / sizeof(*plain)) && w.n > 1) {
		*b = (struct around_block){ w.at[0], w.at[1], parent_of(r, &w, 2) };
		return true;
	}
	if (in_pipeline && !strcmp(word_at(&w, 1), ":")) {
		*b = (struct around_block){ "instance", w.at[0], parent_of(r, &w, 1) };
		return true;
	}
	return false;
}

static void end_statement(struct around *a)
{
	a->before.n = 0;
	a->sets = 0;
}

static void open_brace(struct reading *r)
{
	struct around *a = r->a;
	struct around_block b;

	if (a->sets || !opens_block(r, &b)) {
		a->sets++;
		vec_push(r->arena, &a->before, "{");
		return;
	}
	vec_push(r->arena, &a->blocks, b);
	vec_push(r->arena, &a->names, b.name);
	end_statement(a);
}

static void close_brace(struct reading *r)
{
	struct around *a = r->a;

	if (a->sets) {
		a->sets--;
		vec_push(r->arena, &a->before, "}");
		return;
	}
	if (a->blocks.n) {
		a->blocks.n--;
		a->names.n--;
	}
	end_statement(a);
}

static void take_token(struct reading *r, const char *text, bool at_line_start)
{
	struct around *a = r->a;

	if (at_line_start && is_one_of(text, top_words, sizeof(top_words) / sizeof(*top_words))) {
		a->blocks.n = a->names.n = 0;
		end_statement(a);
	}
	if (!strcmp(text, ";"))
		end_statement(a);
	else if (!strcmp(text, "{"))
		open_brace(r);
	else if (!strcmp(text, "}"))
		close_brace(r);
	else
		vec_push(r->arena, &a->before, text);
}

static void take_path(struct reading *r)
{
	const struct words *w = &r->a->before;
	size_t first = w->n;

	if (!w->n || strcmp(w->at[w->n - 1], "."))
		return;
	while (first >= 2 && !strcmp(w->at[first - 1], ".") && is_word_char(w->at[first - 2][0]))
		first -= 2;
	for (size_t i = first; i < w->n; i += 2)
		vec_push(r->arena, &r->a->path, w->at[i]);
}

struct around around_of(struct arena *arena, const struct source *src, size_t offset)
{
	struct around a = { .start = partial_start(src, offset),
			    .in_text = inside_text(src, offset) };
	struct reading r = { arena, &a };
	struct ctx *ctx = ctx_new();
	struct lexemes found;

	a.partial = arena_strndup(arena, src->text + a.start, offset - a.start);
	found =
	    scan_lexemes(ctx, source_add(&ctx->sources, "", "",
					 arena_strndup(ctx->arena, src->text, a.start), a.start));
	for (size_t i = 0; i < found.n; i++) {
		struct span s = found.at[i].span;

		if (found.at[i].kind != LEXEME_COMMENT)
			take_token(&r, arena_strndup(arena, src->text + s.start, s.end - s.start),
				   !s.start || src->text[s.start - 1] == '\n');
	}
	ctx_free(ctx);
	skip_annotations(&a.before);
	take_path(&r);
	return a;
}

/* ---- properties ---- */

static const struct {
	const char *word, *parent, *kinds;
} kinds_of[] = {
	{ "attribute", "label", "l" }, { "attribute", "", "a" },   { "node", "proxy", "p" },
	{ "node", "server", "s" },     { "node", "switch", "w" },  { "node", "endpoint", "e" },
	{ "node", "", "e" },           { "target", "bess", "b" },  { "target", "dpdk", "d" },
	{ "target", "nginx", "n" },    { "target", "socks", "k" }, { "target", "dot", "g" },
	{ "target", "", "?" },         { "slo", "", "s" },
};

const struct prop *around_schema(const struct around *a, const char **kinds)
{
	const struct around_block *b = a->blocks.n ? &a->blocks.at[a->blocks.n - 1] : NULL;

	*kinds = NULL;
	if (!b)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds_of) / sizeof(*kinds_of); i++)
		if (!strcmp(kinds_of[i].word, b->word) && !strcmp(kinds_of[i].parent, b->parent))
			*kinds = kinds_of[i].kinds;
	return schema_first(strcmp(b->word, "group") ? b->word : "slo");
}

const struct prop *around_property(const struct around *a)
{
	const char *kinds;
	const struct prop *first = around_schema(a, &kinds);

	return first && a->before.n ? schema_find(first->block, a->before.at[0]) : NULL;
}

struct words word_path_at(struct arena *arena, const struct source *src, size_t offset,
			  size_t *start, size_t *end)
{
	struct words path = { 0 };
	size_t first;

	*end = offset;
	while (*end < src->size && is_word_char(src->text[*end]))
		++*end;
	for (*start = *end; *start && is_word_char(src->text[*start - 1]);)
		--*start;
	for (first = *start;
	     first && (is_word_char(src->text[first - 1]) || src->text[first - 1] == '.');)
		first--;
	while (first < *end) {
		size_t stop = first;

		while (stop < *end && src->text[stop] != '.')
			stop++;
		if (stop > first)
			vec_push(arena, &path,
				 arena_strndup(arena, src->text + first, stop - first));
		first = stop + 1;
	}
	return path;
}
