#include <config.h>

#include "runtime/plan/map.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/plan/token.h"

enum { SELF_DESCRIBED = 55799, DEEPEST = 64 };

struct input {
	const uint8_t *at, *end;
};

static bool next(struct input *in, struct token *t)
{
	const char *why;
	size_t n = token_read(in->at, (size_t)(in->end - in->at), t, &why);

	in->at += n;
	return n > 0;
}

/* Every announced item takes a byte at least. */
static bool opens(struct input *in, enum token_kind kind, uint64_t *count)
{
	struct token t;

	if (!next(in, &t) || t.kind != kind || t.count > (uint64_t)(in->end - in->at))
		return false;
	*count = t.count;
	return true;
}

static bool skip(struct input *in, unsigned depth)
{
	struct token t;
	uint64_t n;

	if (depth > DEEPEST || !next(in, &t))
		return false;
	n = t.kind == TOKEN_LIST     ? t.count
	    : t.kind == TOKEN_OBJECT ? 2 * t.count
				     : t.kind == TOKEN_TAG;
	if (n > (uint64_t)(in->end - in->at))
		return false;
	while (n--)
		if (!skip(in, depth + 1))
			return false;
	return true;
}

static bool read_text(struct input *in, char **text)
{
	struct token t;

	if (!next(in, &t) || t.kind != TOKEN_TEXT)
		return false;
	free(*text);
	*text = malloc(t.count + 1);
	if (!*text)
		return false;
	memcpy(*text, t.bytes, t.count);
	(*text)[t.count] = '\0';
	return true;
}

static bool read_number(struct input *in, uint32_t *number)
{
	struct token t;

	if (!next(in, &t) || t.kind != TOKEN_UINT || t.count > UINT32_MAX)
		return false;
	*number = (uint32_t)t.count;
	return true;
}

static bool is_key(const struct token *key, const char *name)
{
	return key->count == strlen(name) && !memcmp(key->bytes, name, key->count);
}

static bool read_range_key(struct input *in, const struct token *key, struct source_map_range *r)
{
	if (is_key(key, "first"))
		return read_number(in, &r->first);
	if (is_key(key, "last"))
		return read_number(in, &r->last);
	if (is_key(key, "line"))
		return read_number(in, &r->line);
	if (is_key(key, "col"))
		return read_number(in, &r->col);
	if (is_key(key, "file"))
		return read_text(in, &r->file);
	if (is_key(key, "reason"))
		return read_text(in, &r->reason);
	return skip(in, 0);
}

static bool read_range(struct input *in, struct source_map_range *r)
{
	struct token key;
	uint64_t n;

	if (!opens(in, TOKEN_OBJECT, &n))
		return false;
	while (n--)
		if (!next(in, &key) || key.kind != TOKEN_TEXT || !read_range_key(in, &key, r))
			return false;
	return r->file && r->reason;
}

static bool read_ranges(struct input *in, struct source_map_file *f)
{
	uint64_t n;

	if (f->ranges || !opens(in, TOKEN_LIST, &n))
		return false;
	f->ranges = calloc(n + 1, sizeof(*f->ranges));
	while (f->ranges && n--)
		if (!read_range(in, &f->ranges[f->n_ranges++]))
			return false;
	return f->ranges != NULL;
}

static bool read_file(struct input *in, struct source_map_file *f)
{
	struct token key;
	uint64_t n;

	if (!opens(in, TOKEN_OBJECT, &n))
		return false;
	while (n--) {
		bool ok;

		if (!next(in, &key) || key.kind != TOKEN_TEXT)
			return false;
		ok = is_key(&key, "path")     ? read_text(in, &f->path)
		     : is_key(&key, "sha256") ? read_text(in, &f->sha256)
		     : is_key(&key, "ranges") ? read_ranges(in, f)
					      : skip(in, 0);
		if (!ok)
			return false;
	}
	return f->path && f->sha256;
}

static bool read_files(struct input *in, struct source_map *map)
{
	uint64_t n;

	if (map->files || !opens(in, TOKEN_LIST, &n))
		return false;
	map->files = calloc(n + 1, sizeof(*map->files));
	while (map->files && n--)
		if (!read_file(in, &map->files[map->n_files++]))
			return false;
	return map->files != NULL;
}

static bool read_map(struct input *in, struct source_map *map)
{
	struct token t;
	uint64_t n;

	if (!next(in, &t) || t.kind != TOKEN_TAG || t.count != SELF_DESCRIBED ||
	    !opens(in, TOKEN_OBJECT, &n))
		return false;
	while (n--) {
		bool ok;

		if (!next(in, &t) || t.kind != TOKEN_TEXT)
			return false;
		ok = is_key(&t, "files")	 ? read_files(in, map)
		     : is_key(&t, "plan_sha256") ? read_text(in, &map->plan_sha256)
						 : skip(in, 0);
		if (!ok)
			return false;
	}
	return map->files && in->at == in->end;
}

bool source_map_read(const void *bytes, size_t size, struct source_map *map)
{
	struct input in = { bytes, (const uint8_t *)bytes + size };

	*map = (struct source_map){ 0 };
	if (read_map(&in, map))
		return true;
	source_map_free(map);
	return false;
}

static void free_file(struct source_map_file *f)
{
	for (size_t i = 0; i < f->n_ranges; i++) {
		free(f->ranges[i].file);
		free(f->ranges[i].reason);
	}
	free(f->ranges);
	free(f->path);
	free(f->sha256);
}

void source_map_free(struct source_map *map)
{
	for (size_t i = 0; i < map->n_files; i++)
		free_file(&map->files[i]);
	free(map->files);
	free(map->plan_sha256);
	*map = (struct source_map){ 0 };
}
