#include <config.h>

#include "compiler/filter/filter_private.h"

/* The box without what it says of the dimension. */
static const struct box *without(struct fields *f, const struct box *b, uint32_t dim)
{
	struct box *free_box;

	if (!box_bounds(b, dim))
		return b;
	free_box = arena_alloc(f->arena, sizeof(*b) + b->n * sizeof(*b->at));
	for (size_t i = 0; i < b->n; i++)
		if (b->at[i].dim != dim)
			free_box->at[free_box->n++] = b->at[i];
	return free_box;
}

const struct cubes *cubes_forget(struct fields *f, const struct cubes *c, const struct field *field)
{
	const struct cubes *all = cubes_none(f);
	bool is_addr = field->kind == FIELD_ADDR;

	for (size_t i = 0; i < c->n; i++) {
		const struct box *b = without(f, c->at[i], field_dim(f, field, is_addr ? 4 : 0));
		const struct box **own = arena_one(f->arena, const struct box *);
		struct cubes *one = arena_one(f->arena, struct cubes);

		*own = is_addr ? without(f, b, field_dim(f, field, 6)) : b;
		one->at = own;
		one->n = 1;
		/* Boxes that differed in this field alone are one now. */
		all = cubes_or(f, all, one);
	}
	return all;
}
