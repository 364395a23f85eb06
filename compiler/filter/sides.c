#include <config.h>

#include "compiler/filter/filter_private.h"

/* The ranges of a side without the value that stands for "absent". */
static void take_values(struct arena *a, const struct dim *d, const struct values *v,
			struct cubes_side *side)
{
	struct fx_member *at = arena_many(a, struct fx_member, v->n);

	for (size_t i = 0; i < v->n; i++) {
		epic_u128 lo = v->at[i].lo, hi = v->at[i].hi;

		if (d->lacks && hi == d->max) {
			side->absent = true;
			if (lo == hi)
				break;
			hi--;
		}
		at[side->n++] =
		    (struct fx_member){ .kind = FX_RANGE, .family = d->family, .lo = lo, .hi = hi };
	}
	side->in = at;
}

size_t cubes_sides(struct fields *f, const struct cubes *set, size_t index,
		   struct cubes_side **sides)
{
	const struct box *b = set->at[index];

	*sides = arena_many(f->arena, struct cubes_side, b->n);
	for (size_t i = 0; i < b->n; i++) {
		const struct dim *d = &f->dims.at[b->at[i].dim];

		(*sides)[i].field = d->field;
		(*sides)[i].family = d->family;
		take_values(f->arena, d, b->at[i].in, &(*sides)[i]);
	}
	return b->n;
}
