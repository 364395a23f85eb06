/* Open documents, places in them, file names and URIs. */
#include <config.h>

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lsp.h"

/* ---- file names and URIs ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'         ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

static void decode(struct sink *s, const char *text)
{
	for (; *text; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1,
		    low = high < 0 ? -1 : hex_digit(text[2]);

		sink_putc(s, low < 0 ? *text : (char)(high * 16 + low));
		text += low < 0 ? 0 : 2;
	}
}

char *real_name(const char *path)
{
	char buf[PATH_MAX], *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
	struct sink s = { 0 };

	if (realpath(path, buf) || !slash) {
		sink_puts(&s, realpath(path, buf) ? buf : path);
	} else {
		*slash = '\0';
		sink_printf(&s, "%s/%s", *copy && realpath(copy, buf) ? buf : copy, slash + 1);
	}
	free(copy);
	return s.data;
}

char *uri_path(const char *uri)
{
	struct sink s = { 0 };
	char *real;

	if (strncmp(uri, "file://", 7)) {
		sink_puts(&s, uri);
		return s.data;
	}
	uri = strchr(uri + 7, '/');
	decode(&s, uri ? uri : "/");
	real = real_name(s.data);
	sink_free(&s);
	return real;
}

const char *path_uri(struct lsp *l, struct arena *arena, const char *path)
{
	const struct document *doc = doc_by_path(l, path);
	struct sink s = { 0 };
	const char *uri;
	char *real;

	if (doc)
		return arena_strdup(arena, doc->uri);
	real = real_name(path);
	sink_puts(&s, "file://");
	for (const char *p = real; *p; p++)
		sink_printf(&s, isalnum((unsigned char)*p) || strchr("/-._~", *p) ? "%c" : "%%%02X",
			    (unsigned char)*p);
	uri = arena_strdup(arena, s.data);
	sink_free(&s);
	free(real);
	return uri;
}

/* ---- places ---- */

/* Bytes of a line that lie before a column in UTF-16 units. */
static size_t utf16_bytes(const char *line, size_t length, size_t units)
{
	size_t i = 0;

	while (i < length && units) {
		unsigned char c = (unsigned char)line[i];

		units -= c >= 0xf0 && units > 1 ? 2 : 1;
		for (i++; i < length && ((unsigned char)line[i] & 0xc0) == 0x80; i++)
			;
	}
	return i;
}

/* A column behind the end of a line means its end, a line behind the last the end of the text. */
bool place_offset(struct lsp *l, const struct source *src, const struct tree_node *position,
		  size_t *offset)
{
	int64_t line, column;
	const char *text;
	size_t length;

	if (!position || !json_integer(position, "line", 0, INT32_MAX, &line) ||
	    !json_integer(position, "character", 0, INT32_MAX, &column))
		return false;
	if ((size_t)line >= src->n_lines) {
		*offset = src->size;
		return true;
	}
	text = source_line(src, (size_t)line + 1, &length);
	if (l->utf8)
		*offset = (size_t)(text - src->text) +
			  ((size_t)column < length ? (size_t)column : length);
	else
		*offset = (size_t)(text - src->text) + utf16_bytes(text, length, (size_t)column);
	return true;
}

void sink_place(struct sink *s, const struct lsp *l, const struct source *src, size_t offset)
{
	struct place at = source_place(src, offset < src->size ? offset : src->size);

	sink_printf(s, "{\"line\": %zu, \"character\": %zu}", at.line - 1,
		    l->utf8 ? at.col - 1 : at.utf16);
}

void sink_range(struct sink *s, const struct lsp *l, const struct source *src, size_t start,
		size_t end)
{
	sink_puts(s, "{\"start\": ");
	sink_place(s, l, src, start);
	sink_puts(s, ", \"end\": ");
	sink_place(s, l, src, end);
	sink_putc(s, '}');
}

void sink_location(struct sink *s, struct lsp *l, struct ctx *ctx, struct span span)
{
	const struct source *src = source_at(&ctx->sources, span.source);

	sink_puts(s, "{\"uri\": ");
	sink_json(s, path_uri(l, ctx->arena, src->path));
	sink_puts(s, ", \"range\": ");
	sink_range(s, l, src, span.start, span.end);
	sink_putc(s, '}');
}

/* ---- documents ---- */

struct document *doc_find(struct lsp *l, const char *uri)
{
	for (size_t i = 0; i < l->n_docs; i++)
		if (!strcmp(l->docs[i]->uri, uri))
			return l->docs[i];
	return NULL;
}

struct document *doc_by_path(struct lsp *l, const char *path)
{
	struct document *found = NULL;
	char *real = real_name(path);

	for (size_t i = 0; i < l->n_docs && !found; i++)
		if (!strcmp(l->docs[i]->path, real))
			found = l->docs[i];
	free(real);
	return found;
}

bool docs_find_text(void *lsp, const char *path, const char **text, size_t *size)
{
	const struct document *doc = doc_by_path(lsp, path);

	if (!doc)
		return false;
	*text = doc->text.text;
	*size = doc->text.size;
	return true;
}

/* Was DOC read for this analysis, or a file looked for in vain that it may be? */
static bool reads(struct lsp *l, const struct analysis *a, const struct document *doc)
{
	const struct diags *ds = &a->ctx->diags;

	for (size_t i = 0; i < a->ctx->sources.list.n; i++)
		if (doc_by_path(l, a->ctx->sources.list.at[i].path) == doc)
			return true;
	for (size_t i = 0; i < ds->list.n; i++)
		if (ds->list.at[i]->code == E0002 || ds->list.at[i]->code == E0004)
			return true;
	return false;
}

/* What uses a text is out of date with it. */
static void text_changed(struct lsp *l, const struct document *doc)
{
	deep_stop(l);
	for (size_t i = 0; i < l->n_docs; i++)
		if (l->docs[i] == doc || !l->docs[i]->now || reads(l, l->docs[i]->now, doc))
			l->docs[i]->stale = l->docs[i]->deep_due = true;
}

static void set_text(struct lsp *l, struct document *doc, const char *text, size_t size)
{
	struct arena *memory = arena_new();
	struct sources sources = { .arena = memory };

	doc->text = *source_at(&sources, source_add(&sources, doc->path, doc->path,
						    arena_strndup(memory, text, size), size));
	if (doc->memory)
		arena_free(doc->memory);
	doc->memory = memory;
	text_changed(l, doc);
}

void doc_open(struct lsp *l, const char *uri, int64_t version, const char *text)
{
	struct document *doc = doc_find(l, uri);

	if (!doc) {
		doc = xrealloc(NULL, sizeof(*doc));
		*doc = (struct document){ .uri = strdup(uri), .path = uri_path(uri) };
		l->docs = xrealloc(l->docs, (l->n_docs + 1) * sizeof(doc));
		l->docs[l->n_docs++] = doc;
	}
	doc->version = version;
	set_text(l, doc, text, strlen(text));
}

void doc_close(struct lsp *l, struct document *doc)
{
	size_t i = 0;

	text_changed(l, doc);
	while (l->docs[i] != doc)
		i++;
	memmove(l->docs + i, l->docs + i + 1, (--l->n_docs - i) * sizeof(doc));
	doc_forget(doc);
	arena_free(doc->memory);
	free(doc->uri);
	free(doc->path);
	free(doc);
}

static bool change_one(struct lsp *l, struct document *doc, const struct tree_node *change)
{
	const struct tree_node *range = json_member(change, "range");
	struct sink s = { 0 };
	const char *text;
	size_t start, end;

	if (!json_text(change, "text", &text))
		return false;
	if (!range || range->kind == TREE_NULL) {
		set_text(l, doc, text, strlen(text));
		return true;
	}
	if (!place_offset(l, &doc->text, json_member(range, "start"), &start) ||
	    !place_offset(l, &doc->text, json_member(range, "end"), &end) || end < start)
		return false;
	sink_put(&s, doc->text.text, start);
	sink_puts(&s, text);
	sink_put(&s, doc->text.text + end, doc->text.size - end);
	set_text(l, doc, s.data, s.size);
	sink_free(&s);
	return true;
}

bool doc_change(struct lsp *l, struct document *doc, const struct tree_node *changes)
{
	if (!changes || changes->kind != TREE_LIST)
		return false;
	for (size_t i = 0; i < changes->n_items; i++)
		if (!change_one(l, doc, &changes->items[i]))
			return false;
	return true;
}
