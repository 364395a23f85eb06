#include <config.h>

#include "backends/cbor/map.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cbor/out.h"
#include "compiler/base/arena.h"
#include "compiler/base/text.h"

enum { MAP_VERSION = 1, PLAN_VERSION = 1 };

static int order_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int order_ranges(const void *a, const void *b)
{
	const struct map_range *r = *(const struct map_range *const *)a;
	const struct map_range *s = *(const struct map_range *const *)b;
	int c;

	if ((c = order_numbers(r->first, s->first)) || (c = order_numbers(r->last, s->last)) ||
	    (c = strcmp(r->file, s->file)) || (c = order_numbers(r->line, s->line)) ||
	    (c = order_numbers(r->col, s->col)))
		return c;
	return strcmp(r->reason, s->reason);
}

static int order_files(const void *a, const void *b)
{
	const struct map_file *f = *(const struct map_file *const *)a;
	const struct map_file *g = *(const struct map_file *const *)b;

	return strcmp(f->path, g->path);
}

static bool is_utf8(const char *text)
{
	size_t bad;

	return text_is_utf8(text, strlen(text), &bad);
}

static bool file_is_writable(const struct map_file *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!is_utf8(f->ranges[i].file) || !is_utf8(f->ranges[i].reason))
			return false;
	return is_utf8(f->path) && is_utf8(f->sha256);
}

static void put_number(struct sink *s, const char *key, uint32_t value)
{
	cbor_put_text(s, key);
	cbor_put_int(s, value);
}

static void put_text(struct sink *s, const char *key, const char *value)
{
	cbor_put_text(s, key);
	cbor_put_text(s, value);
}

/* Keys here and below stand in the order of their encodings: shorter ones first. */
static void put_range(struct sink *s, const struct map_range *r)
{
	cbor_put_object(s, 6);
	put_number(s, "col", r->col);
	put_text(s, "file", r->file);
	put_number(s, "last", r->last);
	put_number(s, "line", r->line);
	put_number(s, "first", r->first);
	put_text(s, "reason", r->reason);
}

static void put_file(struct sink *s, const struct map_file *f)
{
	const struct map_range **ranges = xrealloc(NULL, (f->n + 1) * sizeof(*ranges));

	for (size_t i = 0; i < f->n; i++)
		ranges[i] = &f->ranges[i];
	qsort(ranges, f->n, sizeof(*ranges), order_ranges);
	cbor_put_object(s, 3);
	put_text(s, "path", f->path);
	cbor_put_text(s, "ranges");
	cbor_put_list(s, f->n);
	for (size_t i = 0; i < f->n; i++)
		put_range(s, ranges[i]);
	put_text(s, "sha256", f->sha256);
	free(ranges);
}

static void put_files(struct sink *s, const struct map_file *files, size_t n)
{
	const struct map_file **sorted = xrealloc(NULL, (n + 1) * sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = &files[i];
	qsort(sorted, n, sizeof(*sorted), order_files);
	cbor_put_list(s, n);
	for (size_t i = 0; i < n; i++)
		put_file(s, sorted[i]);
	free(sorted);
}

bool map_emit(const struct map_file *files, size_t n, const char *plan_sha256, struct sink *s)
{
	for (size_t i = 0; i < n; i++)
		if (!file_is_writable(&files[i]))
			return false;
	cbor_put_self_described(s);
	cbor_put_object(s, plan_sha256 ? 4 : 3);
	cbor_put_text(s, "files");
	put_files(s, files, n);
	put_number(s, "epic_map", MAP_VERSION);
	put_number(s, "epic_plan", PLAN_VERSION);
	if (plan_sha256)
		put_text(s, "plan_sha256", plan_sha256);
	return true;
}
