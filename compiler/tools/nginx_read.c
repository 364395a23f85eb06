#include <config.h>

#include "compiler/tools/nginx_read.h"

#include <stdbool.h>
#include <string.h>

#include "compiler/base/vec.h"

enum { DEEPEST = 32 };

struct reading {
	struct arena *arena;
	const char *at, *end;
	size_t line, depth;
	const char *why;
};

static void skip_space(struct reading *r)
{
	for (; r->at < r->end; r->at++) {
		if (*r->at == '#')
			while (r->at < r->end && *r->at != '\n')
				r->at++;
		if (r->at == r->end || !strchr(" \t\r\n", *r->at))
			return;
		r->line += *r->at == '\n';
	}
}

static bool ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n;{}", c);
}

static const char *read_quoted(struct reading *r)
{
	char quote = *r->at++, *word = arena_alloc(r->arena, (size_t)(r->end - r->at) + 1);
	size_t n = 0;

	for (; r->at < r->end && *r->at != quote; r->at++) {
		if (*r->at == '\\' && r->at + 1 < r->end)
			r->at++;
		r->line += *r->at == '\n';
		word[n++] = *r->at;
	}
	if (r->at == r->end) {
		r->why = "a quoted text does not end";
		return NULL;
	}
	r->at++;
	if (r->at < r->end && !ends_word(*r->at)) {
		r->why = "a quoted text goes on behind its quote";
		return NULL;
	}
	return arena_strdup(r->arena, word);
}

static const char *read_plain(struct reading *r)
{
	const char *start = r->at;

	while (r->at < r->end && !ends_word(*r->at)) {
		/* A variable may be written ${name}. */
		if (*r->at == '$' && r->at + 1 < r->end && r->at[1] == '{')
			while (r->at < r->end && *r->at != '}')
				r->at++;
		if (r->at < r->end && *r->at == '\\')
			r->at++;
		if (r->at < r->end)
			r->at++;
	}
	return arena_strndup(r->arena, start, (size_t)(r->at - start));
}

static bool read_block(struct reading *, struct nginx_directive *, bool inner);

static bool read_directive(struct reading *r, struct nginx_directive *d)
{
	VEC(const char *) words = { 0 };

	for (d->line = r->line;; skip_space(r)) {
		if (r->at == r->end) {
			r->why = "the file ends within a directive";
			return false;
		}
		if (strchr(";{}", *r->at))
			break;
		vec_push(r->arena, &words,
			 *r->at == '"' || *r->at == '\'' ? read_quoted(r) : read_plain(r));
		if (!words.at[words.n - 1])
			return false;
	}
	d->words = words.at;
	d->n_words = words.n;
	if (*r->at == '}' || !words.n) {
		r->why = words.n ? "a directive ends without `;`"
				 : "there is a sign without a directive";
		return false;
	}
	d->end = r->line;
	return *r->at++ == ';' || read_block(r, d, true);
}

static bool read_block(struct reading *r, struct nginx_directive *block, bool inner)
{
	VEC(struct nginx_directive) list = { 0 };

	if (++r->depth > DEEPEST) {
		r->why = "blocks nest too deep";
		return false;
	}
	for (skip_space(r); r->at < r->end && *r->at != '}'; skip_space(r)) {
		struct nginx_directive d = { 0 };

		if (!read_directive(r, &d))
			return false;
		vec_push(r->arena, &list, d);
	}
	r->depth--;
	block->at = list.at;
	block->n = list.n;
	block->end = r->line;
	if ((r->at == r->end) == inner) {
		r->why = inner ? "a block does not end" : "a block ends that was not begun";
		return false;
	}
	r->at += inner;
	return true;
}

const struct nginx_directive *nginx_read(struct arena *a, const struct sink *text, size_t *line,
					 const char **why)
{
	const char *data = text->data ? text->data : "";
	struct reading r = { .arena = a, .at = data, .end = data + text->size, .line = 1 };
	struct nginx_directive *file = arena_one(a, struct nginx_directive);

	if (read_block(&r, file, false))
		return file;
	*line = r.line;
	*why = r.why;
	return NULL;
}

const char *nginx_word(const struct nginx_directive *d, size_t i)
{
	return i < d->n_words ? d->words[i] : "";
}

const char *nginx_text(struct arena *a, const struct nginx_directive *d)
{
	const char *text = nginx_word(d, 0);

	for (size_t i = 1; i < d->n_words; i++)
		text = arena_printf(a, "%s %s", text, d->words[i]);
	return text;
}
