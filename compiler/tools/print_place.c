/* Places as services know them: paths within a repository, hashes that outlive a move. */
#include <config.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/tools/print.h"

const char *policy_name(const struct run *r, const struct ctx *ctx)
{
	const char *path = r->path;

	if (!path && ctx->sources.list.n)
		path = source_at(&ctx->sources, 0)->path;
	return !path ? "policy" : strcmp(path, "-") ? path : "<stdin>";
}

/* ---- paths ---- */

static bool holds_git(const char *directory)
{
	char path[PATH_MAX + 8];
	struct stat st;

	snprintf(path, sizeof(path), "%s/.git", directory);
	return !stat(path, &st);
}

/* Into ROOT, without a slash behind it. */
static bool find_root(char *root)
{
	char here[PATH_MAX], *slash;

	if (!getcwd(here, sizeof(here)))
		return false;
	strcpy(root, here);
	while (!holds_git(root)) {
		slash = strrchr(root, '/');
		if (!slash) {
			strcpy(root, strcmp(here, "/") ? here : "");
			return true;
		}
		*slash = '\0';
	}
	return true;
}

const char *repository_path(struct arena *a, const struct source *src)
{
	char path[PATH_MAX], root[PATH_MAX];
	size_t n;

	if (!realpath(src->path, path) || !find_root(root))
		return NULL;
	n = strlen(root);
	return !strncmp(path, root, n) && path[n] == '/' ? arena_strdup(a, path + n + 1) : NULL;
}

/* ---- hashes ---- */

/* The hash that github/codeql-action computes: of the hundred UTF-16 units from the line's start
 * on, blanks left out, as digits of a number to the base 37; then how often it occurred so far. */
enum { HASH_WINDOW = 100, HASH_BASE = 37, HASH_END = 65535 };

struct line_hash {
	uint64_t hash;
	size_t line;
};

struct hashing {
	struct arena *arena;
	uint64_t hash, outermost;
	uint64_t window[HASH_WINDOW];
	size_t lines[HASH_WINDOW]; /* 0: no line begins here */
	size_t at, line, n_lines;
	bool starts;
	struct line_hash *found;
	size_t n_found;
};

static void take_unit(struct hashing *h, uint64_t unit)
{
	uint64_t leaving = h->window[h->at];

	h->window[h->at] = unit;
	h->hash = HASH_BASE * h->hash + unit - h->outermost * leaving;
	h->at = (h->at + 1) % HASH_WINDOW;
}

/* The window is full for the line that began a hundred units ago. */
static void end_line(struct hashing *h)
{
	if (!h->lines[h->at])
		return;
	h->found[h->n_found++] = (struct line_hash){ h->hash, h->lines[h->at] };
	h->lines[h->at] = 0;
}

static void hash_unit(struct hashing *h, uint32_t unit)
{
	end_line(h);
	if (h->starts && h->line < h->n_lines + 1)
		h->lines[h->at] = ++h->line;
	h->starts = unit == '\n';
	take_unit(h, unit);
}

/* One character of valid UTF-8; a broken byte counts as itself. */
static uint32_t next_character(const char **at, const char *end)
{
	unsigned char c = (unsigned char)*(*at)++;
	uint32_t code = c < 0x80 ? c : c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0xf : c & 7;

	while (c >= 0x80 && *at < end && ((unsigned char)**at & 0xc0) == 0x80)
		code = code << 6 | ((unsigned char)*(*at)++ & 0x3f);
	return code;
}

static void hash_text(struct hashing *h, const struct source *src)
{
	const char *at = src->text, *end = at + src->size;
	bool behind_return = false;

	while (at < end) {
		uint32_t c = next_character(&at, end);

		if (c == ' ' || c == '\t' || (behind_return && c == '\n')) {
			behind_return = false;
			continue;
		}
		behind_return = c == '\r';
		if (c > 0xffff)
			hash_unit(h, 0xd800 + ((c - 0x10000) >> 10));
		hash_unit(h, behind_return ? '\n'
			     : c > 0xffff  ? 0xdc00 + ((c - 0x10000) & 0x3ff)
					   : c);
	}
	hash_unit(h, HASH_END);
	for (size_t i = 0; i < HASH_WINDOW; i++) {
		end_line(h);
		take_unit(h, 0);
	}
}

static int by_hash(const void *x, const void *y)
{
	const struct line_hash *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

const char **line_hashes(struct arena *a, const struct source *src)
{
	struct hashing h = { .arena = a, .outermost = 1, .n_lines = src->n_lines, .starts = true };
	const char **texts = arena_many(a, const char *, src->n_lines + 2);
	size_t nth = 0;

	h.found = arena_many(a, struct line_hash, src->n_lines + 2);
	for (size_t i = 0; i < HASH_WINDOW; i++)
		h.outermost *= HASH_BASE;
	hash_text(&h, src);
	qsort(h.found, h.n_found, sizeof(*h.found), by_hash);
	for (size_t i = 0; i < h.n_found; i++) {
		nth = i && h.found[i].hash == h.found[i - 1].hash ? nth + 1 : 1;
		texts[h.found[i].line] =
		    arena_printf(a, "%llx:%zu", (unsigned long long)h.found[i].hash, nth);
	}
	return texts;
}
