#include <config.h>

#include "compiler/solve/separate.h"

/* ---- headers ---- */

struct finding {
	struct class_overlap *overlap;
	const uint32_t *classes;
	bool found;
};

static void note_overlap(size_t i, size_t j, const struct packet *example, void *data)
{
	struct finding *f = data;

	if (f->found)
		return;
	f->found = true;
	*f->overlap = (struct class_overlap){ f->classes[i], f->classes[j], *example };
}

bool classes_separable(struct arena *a, const struct ir *ir, const struct ir_slo *slo,
		       struct class_overlap *overlap)
{
	const struct cubes **sets = arena_many(a, const struct cubes *, slo->classes.n);
	struct finding f = { overlap, slo->classes.at, false };
	size_t n = 0;

	/* The rest, the largest number, is what is left over. */
	for (size_t i = 0; i < slo->classes.n; i++)
		if (slo->classes.at[i] != ID_REST)
			sets[n++] = fx_cubes(ir->fields, ir->classes[slo->classes.at[i]].header);
	cubes_overlaps(ir->fields, sets, n, 1, note_overlap, &f);
	return !f.found;
}

/* ---- priorities without effect ---- */

static const struct ir_class *class_at(const struct ir *ir, uint32_t pipeline, uint32_t class)
{
	return class == ID_REST ? &ir->pipelines[pipeline].rest : &ir->classes[class];
}

static bool *modules_of(struct arena *a, const struct ir *ir, uint32_t pipeline, struct ids classes)
{
	bool *on = arena_many(a, bool, ir->pipelines[pipeline].n_modules);

	for (size_t c = 0; c < classes.n; c++) {
		const struct ir_class *class = class_at(ir, pipeline, classes.at[c]);

		for (size_t i = 0; i < class->n_paths; i++)
			for (size_t k = 0; class->paths[i].pipeline == pipeline && k < class->paths[i].n; k++)
				on[class->paths[i].modules[k]] = true;
	}
	return on;
}

static bool lies_on(const struct ir *ir, uint32_t pipeline, uint32_t class, const bool *on)
{
	const struct ir_class *c = class_at(ir, pipeline, class);

	for (size_t i = 0; i < c->n_paths; i++)
		for (size_t k = 0; c->paths[i].pipeline == pipeline && k < c->paths[i].n; k++)
			if (!on[c->paths[i].modules[k]])
				return false;
	return true;
}

bool priority_is_idle(struct arena *a, const struct ir *ir, const struct ir_target *t, const struct ir_slo *slo)
{
	uint32_t pipeline = t->pipelines.at[0];

	for (size_t l = 0; l < slo->n_levels; l++)
		for (size_t i = 0; i < slo->levels[l].n_priorities; i++) {
			const struct ir_priority *p = &slo->levels[l].priorities[i];
			const struct ids below = slo->levels[l].members[p->below].classes;
			const bool *on = modules_of(a, ir, pipeline, slo->levels[l].members[p->above].classes);

			for (size_t k = 0; k < below.n; k++)
				if (lies_on(ir, pipeline, below.at[k], on))
					return true;
		}
	return false;
}
