#include <config.h>

#include "runtime/plan/reader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 256, SHOWN_KEY = 40 };

static bool is_plain(const char *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)key[i]) && key[i] != '_')
			return false;
	return n > 0;
}

static int print_step(char *out, size_t size, struct reader_step step, bool first)
{
	int shown = step.n > SHOWN_KEY ? SHOWN_KEY : (int)step.n;

	if (!step.key)
		return snprintf(out, size, "[%zu]", step.n);
	if (!is_plain(step.key, step.n))
		return snprintf(out, size, "[\"%.*s\"]", shown, step.key);
	return snprintf(out, size, "%s%.*s", first ? "" : ".", shown, step.key);
}

static void print_path(const struct reader *r, char out[PATH_SIZE])
{
	size_t used = 0;

	strcpy(out, "the plan");
	for (size_t i = 0; i < r->n_steps && used < PATH_SIZE - 1; i++)
		used += (size_t)print_step(out + used, PATH_SIZE - used, r->steps[i], i == 0);
}

/* Messages go to terminals and logs, so nothing from the file may steer those. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static bool refuse(struct reader *r, const char *path, const char *fmt, va_list args)
{
	size_t size = sizeof(r->error->text);
	int used;

	if (r->failed)
		return false;
	r->failed = true;
	r->error->offset = r->at;
	used = snprintf(r->error->text, size, "%s: ", path);
	vsnprintf(r->error->text + used, size - (size_t)used, fmt, args);
	make_printable(r->error->text);
	return false;
}

bool reader_refuse(struct reader *r, const char *fmt, ...)
{
	char path[PATH_SIZE];
	va_list args;

	print_path(r, path);
	va_start(args, fmt);
	refuse(r, path, fmt, args);
	va_end(args);
	return false;
}

bool reader_refuse_at(struct reader *r, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	refuse(r, path, fmt, args);
	va_end(args);
	return false;
}

bool reader_token(struct reader *r, struct token *token)
{
	const char *why;
	size_t read = token_read(r->bytes + r->at, r->size - r->at, token, &why);

	if (!read)
		return reader_refuse(r, "%s", why);
	r->at += read;
	return true;
}

bool reader_expect(struct reader *r, enum token_kind kind, const char *what, struct token *token)
{
	if (!reader_token(r, token))
		return false;
	if (token->kind != kind)
		return reader_refuse(r, "expected %s, found %s", what, token_name(token));
	return true;
}

bool reader_room(struct reader *r, uint64_t n, size_t least)
{
	size_t left = r->size - r->at;

	if (n > left / least)
		return reader_refuse(r, "announces %ju items, but only %zu bytes are left",
				     (uintmax_t)n, left);
	return true;
}

static bool enter(struct reader *r, struct reader_step step)
{
	if (r->n_steps == PLAN_DEEPEST)
		return reader_refuse(r, "nested deeper than %d levels", PLAN_DEEPEST);
	r->steps[r->n_steps++] = step;
	return true;
}

bool reader_enter_key(struct reader *r, const struct token *key)
{
	return enter(r, (struct reader_step){ key->bytes, key->count });
}

bool reader_enter_index(struct reader *r, size_t index)
{
	return enter(r, (struct reader_step){ NULL, index });
}

void reader_leave(struct reader *r)
{
	r->n_steps--;
}

/* Order of keys by their encodings: the head holds the length. */
static int key_cmp(const struct token *a, const struct token *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return memcmp(a->bytes, b->bytes, a->count);
}

bool reader_key(struct reader *r, struct reader_object *object, struct token *key)
{
	int shown, c;

	if (!object->n_left)
		return false;
	if (!reader_expect(r, TOKEN_TEXT, "a key", key))
		return false;
	shown = key->count > SHOWN_KEY ? SHOWN_KEY : (int)key->count;
	c = object->last_key.bytes ? key_cmp(&object->last_key, key) : -1;
	if (c == 0)
		return reader_refuse(r, "key '%.*s' stands twice", shown, key->bytes);
	if (c > 0)
		return reader_refuse(r, "key '%.*s' is out of order", shown, key->bytes);
	object->last_key = *key;
	object->n_left--;
	return true;
}

static bool skip_list(struct reader *r, uint64_t n)
{
	if (!reader_room(r, n, 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!reader_enter_index(r, i) || !reader_skip(r))
			return false;
		reader_leave(r);
	}
	return true;
}

static bool skip_object(struct reader *r, uint64_t n)
{
	struct reader_object object = { n, { 0 } };
	struct token key;

	if (!reader_room(r, n, 2))
		return false;
	while (reader_key(r, &object, &key)) {
		if (!reader_enter_key(r, &key) || !reader_skip(r))
			return false;
		reader_leave(r);
	}
	return !r->failed;
}

bool reader_skip(struct reader *r)
{
	struct token token;

	if (!reader_token(r, &token))
		return false;
	switch (token.kind) {
	case TOKEN_LIST:
		return skip_list(r, token.count);
	case TOKEN_OBJECT:
		return skip_object(r, token.count);
	case TOKEN_TAG:
		return skip_list(r, 1);
	default:
		return true;
	}
}

void *reader_take(struct reader *r, size_t n, size_t size)
{
	void *taken = pool_take(r->pool, n, size);

	if (!taken)
		reader_refuse(r, "no memory is left");
	return taken;
}

const char *reader_text(struct reader *r, const struct token *token)
{
	const char *text = pool_text(r->pool, token->bytes, token->count);

	if (!text)
		reader_refuse(r, "no memory is left");
	return text;
}
