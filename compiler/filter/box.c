#include <config.h>

#include "compiler/filter/filter_private.h"

#include <string.h>

static struct box *box_new(struct arena *a, size_t n)
{
	struct box *b = arena_alloc(a, sizeof(*b) + n * sizeof(b->at[0]));

	b->n = n;
	return b;
}

const struct box *box_all(struct arena *a)
{
	return box_new(a, 0);
}

/* The first side at or behind DIM; boxes have few sides. */
static size_t side_at(const struct box *b, uint32_t dim)
{
	size_t i = 0;

	while (i < b->n && b->at[i].dim < dim)
		i++;
	return i;
}

bool box_bounds(const struct box *b, uint32_t dim)
{
	size_t i = side_at(b, dim);

	return i < b->n && b->at[i].dim == dim;
}

const struct values *box_values(const struct fields *f, const struct box *b, uint32_t dim)
{
	size_t i = side_at(b, dim);

	return i < b->n && b->at[i].dim == dim ? b->at[i].in : f->dims.at[dim].full;
}

const struct box *box_with(const struct fields *f, struct arena *a, const struct box *b,
			   uint32_t dim, const struct values *in)
{
	size_t i = side_at(b, dim), bounded = i < b->n && b->at[i].dim == dim;
	size_t wanted = !values_subset(f->dims.at[dim].full, in);
	struct box *made = box_new(a, b->n - bounded + wanted);

	memcpy(made->at, b->at, i * sizeof(b->at[0]));
	if (wanted)
		made->at[i] = (struct side){ dim, in };
	memcpy(made->at + i + wanted, b->at + i + bounded, (b->n - i - bounded) * sizeof(b->at[0]));
	return made;
}

bool box_overlap(const struct box *a, const struct box *b)
{
	for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
		if (a->at[i].dim < b->at[j].dim)
			i++;
		else if (a->at[i].dim > b->at[j].dim)
			j++;
		else if (!values_overlap(a->at[i++].in, b->at[j++].in))
			return false;
	}
	return true;
}

/* Merges the sides; those of one dimension by intersection. */
static void sides_and(struct arena *arena, const struct box *a, const struct box *b,
		      struct box *made)
{
	size_t i = 0, j = 0;

	made->n = 0;
	while (i < a->n || j < b->n) {
		struct side *s = &made->at[made->n++];

		if (j == b->n || (i < a->n && a->at[i].dim < b->at[j].dim))
			*s = a->at[i++];
		else if (i == a->n || b->at[j].dim < a->at[i].dim)
			*s = b->at[j++];
		else {
			*s = a->at[i++];
			s->in = values_and(arena, s->in, b->at[j++].in);
		}
	}
}

const struct box *box_and(struct arena *arena, const struct box *a, const struct box *b)
{
	struct box *made;

	if (!b->n)
		return a;
	if (!a->n)
		return b;
	if (!box_overlap(a, b))
		return NULL;
	made = box_new(arena, a->n + b->n);
	sides_and(arena, a, b, made);
	return made;
}
