#include <config.h>

#include "compiler/plan/match.h"

#include "compiler/plan/match_private.h"

struct matching {
	struct arena *arena;
	struct fields *fields;
	const struct cubes *const *ways;
	size_t n;
	const struct match_known *known;
};

/* Ever less; the first that a table can hold is taken. */
static const struct match_limits attempts[] = {
	{ .fixed = true },
	{ .fixed = true, .no_tags = true },
	{ .fixed = true, .no_tags = true, .no_v6 = true },
};

static const struct match_table *make_table(const struct matching *m,
					    const struct match_limits *limits, bool reluctant,
					    bool *undecided)
{
	struct match_regions regions = { 0 };

	for (size_t i = 0; i < m->n; i++)
		match_regions_add(m->arena, m->fields, m->ways[i], (unsigned)i, m->known, limits,
				  &regions);
	return match_table_make(m->arena, &regions, (unsigned)m->n, reluctant, undecided);
}

/* A table that hands everything on is of no use. */
static bool is_of_use(const struct match_table *t, unsigned n_ways)
{
	for (size_t i = 0; i < t->n_rules; i++)
		if (t->rules[i].way != n_ways)
			return true;
	return false;
}

static void find_table(const struct matching *m, struct matcher *made)
{
	for (unsigned reluctant = 0; reluctant < 2; reluctant++)
		for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
			bool undecided;
			const struct match_table *t =
			    make_table(m, &attempts[i], reluctant, &undecided);

			if (!t || !is_of_use(t, (unsigned)m->n))
				continue;
			made->table = t;
			made->undecided = undecided;
			return;
		}
}

static bool make_filters(const struct matching *m, struct matcher *made)
{
	static const struct match_limits none = { 0 };

	made->filters = arena_many(m->arena, struct match_filter, m->n);
	for (size_t i = 1; i < m->n; i++) {
		struct match_regions regions = { 0 };
		const char *text;

		match_regions_add(m->arena, m->fields, m->ways[i], (unsigned)i, m->known, &none,
				  &regions);
		text = match_filter_text(m->arena, &regions);
		if (!text)
			return false;
		made->filters[made->n_filters++] = (struct match_filter){ (unsigned)i, text };
	}
	return true;
}

const struct matcher *match_make(struct arena *a, struct fields *f, const struct cubes *const *ways,
				 size_t n, const struct match_known *known)
{
	const struct matching m = { a, f, ways, n, known };
	struct matcher *made = arena_one(a, struct matcher);

	if (fields_overflowed(f))
		return NULL;
	find_table(&m, made);
	if ((!made->table || made->undecided) && !make_filters(&m, made))
		return NULL;
	return made;
}
