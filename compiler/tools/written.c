#include <config.h>

#include "compiler/tools/written.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/sha256.h"

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void written_names(struct arena *a, const char *dir, const char *ending, struct texts *names)
{
	DIR *d = opendir(dir);
	size_t m = strlen(ending);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > m && !strcmp(e->d_name + n - m, ending))
			vec_push(a, names, arena_strndup(a, e->d_name, n - m));
	}
	if (d)
		closedir(d);
	if (names->n)
		qsort(names->at, names->n, sizeof(*names->at), by_text);
}

static void open_map(struct arena *a, struct written *w)
{
	struct sink s = { 0 };
	const char *path = arena_printf(a, "%s/%s.map", w->dir, w->name);

	if (!file_read(path, &s))
		w->map_error = errno == ENOENT ? "is missing" : arena_strdup(a, strerror(errno));
	else if (!source_map_read(s.data, s.size, &w->map))
		w->map_error = "is no source map that can be read";
	w->has_map = !w->map_error;
	sink_free(&s);
}

struct written written_open(struct arena *a, const char *dir, const char *name)
{
	struct written w = { .dir = dir, .name = name };

	w.plan = plan_open(arena_printf(a, "%s/%s.plan", dir, name), &w.plan_error);
	open_map(a, &w);
	return w;
}

void written_close(struct written *w)
{
	plan_close(w->plan);
	source_map_free(&w->map);
}

const struct source_map_file *written_file(const struct written *w, const char *path)
{
	for (size_t i = 0; i < w->map.n_files; i++)
		if (!strcmp(w->map.files[i].path, path))
			return &w->map.files[i];
	return NULL;
}

const char *written_path(struct arena *a, const struct written *w, const char *path)
{
	return arena_printf(a, "%s/%s", w->dir, path);
}

/* ---- sources ---- */

static const char *hash_of(const struct written *w, const char *file)
{
	for (size_t i = 0; w->plan && i < w->plan->sources.n; i++)
		if (!strcmp(w->plan->sources.at[i].file, file))
			return w->plan->sources.at[i].sha256;
	return NULL;
}

/* Takes the text at PATH unless a better one was found.  Where sources need not lie, a file of
 * the same name is another one if it says something else. */
static void try_path(const char *path, const char *hash, bool may_differ,
		     struct written_source *best)
{
	char found[SHA256_TEXT_SIZE];
	struct sink s = { 0 };
	bool same;

	if ((best->path && best->same) || !file_read(path, &s)) {
		sink_free(&s);
		return;
	}
	sha256_text(s.data ? s.data : "", s.size, found);
	same = !hash || !strcmp(hash, found);
	if (!same && (best->path || !may_differ)) {
		sink_free(&s);
		return;
	}
	sink_free(&best->text);
	*best = (struct written_source){ path, same, s };
}

struct written_source written_source(const struct options *o, const struct written *w,
				     const char *file)
{
	static const char library[] = "<std>/";
	struct arena *a = o->arena;
	struct written_source best = { 0 };
	const char *hash = hash_of(w, file);

	if (!strncmp(file, library, strlen(library))) {
		if (o->search.std)
			try_path(arena_printf(a, "%s/%s", o->search.std, file + strlen(library)),
				 hash, true, &best);
		return best;
	}
	if (*file == '/')
		try_path(file, hash, true, &best);
	try_path(arena_printf(a, "%s/../%s", w->dir, file), hash, true, &best);
	try_path(arena_printf(a, "%s/%s", w->dir, file), hash, false, &best);
	try_path(file, hash, false, &best);
	for (size_t i = 0; i < o->search.n_roots; i++)
		try_path(arena_printf(a, "%s/%s", o->search.roots[i], file), hash, false, &best);
	return best;
}
