/* The files that targets get, line by line; what epic-graph draws follows from the plan. */
#include <config.h>

#include <string.h>

#include "compiler/tools/diff.h"
#include "compiler/tools/line_diff.h"

static bool has_file(const struct diff_side *s, const char *path, const char **backend)
{
	for (size_t i = 0; i < s->plan->targets.n; i++) {
		const struct rplan_target *t = &s->plan->targets.at[i];

		for (size_t k = 0; k < t->files.n; k++)
			if (!strcmp(t->files.at[k], path)) {
				*backend = t->backend;
				return true;
			}
	}
	return false;
}

/* The text that the side gives the file; false: it is not at hand. */
static bool file_text(struct diffing *d, const struct diff_side *s, const char *path,
		      struct sink *text)
{
	const char *backend;

	if (!has_file(s, path, &backend))
		return true;
	if (s->dir)
		return file_read(arena_printf(d->arena, "%s/%s", s->dir, path), text);
	for (size_t i = 0; i < s->outputs.n; i++)
		if (!strcmp(s->outputs.at[i].path, path)) {
			sink_put(text, s->outputs.at[i].text.data, s->outputs.at[i].text.size);
			return true;
		}
	return false;
}

/* Comments, and the name of the plan in JSON. */
static const char *ignored_lines(const char *backend)
{
	return strcmp(backend, "dpdk") ? "#" : "\"plan\": ";
}

static void put_lines(struct diffing *d, struct diff_change *c, const struct sink *old,
		      const struct sink *new, const char *ignored)
{
	struct line_diff lines = line_diff(d->arena, old, new, ignored);

	if (lines.gained)
		diff_fact(d, c, "lines gained", NULL, arena_printf(d->arena, "%zu", lines.gained));
	if (lines.lost)
		diff_fact(d, c, "lines lost", arena_printf(d->arena, "%zu", lines.lost), NULL);
	c->detail = lines.unified;
}

static void compare_file(struct diffing *d, const char *path)
{
	const char *backend = "";
	bool was = has_file(d->old, path, &backend), is = has_file(d->new, path, &backend);
	enum diff_way way = !was ? DIFF_GAINED : !is ? DIFF_LOST : DIFF_CHANGED;
	static const char *const whats[] = { "is written now", "is written no more", "changes" };
	struct diff_change *c = diff_add(d, DIFF_FILES, way, path, whats[way]);
	struct sink old = { 0 }, new = { 0 };

	if (strcmp(backend, "dot") && file_text(d, d->old, path, &old) &&
	    file_text(d, d->new, path, &new))
		put_lines(d, c, &old, &new, ignored_lines(backend));
	if (way == DIFF_CHANGED && !c->facts.n)
		d->changes.n--;
	sink_free(&old);
	sink_free(&new);
}

void diff_files(struct diffing *d)
{
	const struct diff_side *sides[] = { d->new, d->old };
	const char *backend;

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sides[s]->plan->targets.n; i++) {
			const struct rplan_target *t = &sides[s]->plan->targets.at[i];

			for (size_t k = 0; k < t->files.n; k++)
				if (!s || !has_file(d->new, t->files.at[k], &backend))
					compare_file(d, t->files.at[k]);
		}
}
