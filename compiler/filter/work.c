#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>

void work_begin(struct work *w, struct fields *f, enum keep keep)
{
	*w = (struct work){ .fields = f, .scratch = arena_new() };
	w->keep = keep == KEEP_BOXES ? f->arena : w->scratch;
	w->bound = arena_many(w->scratch, uint32_t, f->dims.n);
}

void work_end(struct work *w)
{
	arena_free(w->scratch);
}

static bool work_limit(struct work *w, bool exceeded)
{
	w->overflowed |= exceeded;
	w->fields->overflowed |= exceeded;
	return !w->overflowed;
}

bool work_count(struct work *w)
{
	return work_limit(w, ++w->n_handled > MOST_BOXES);
}

bool work_spend(struct work *w, size_t n)
{
	w->n_met += n;
	return work_limit(w, w->n_met > MOST_MEETINGS);
}

void boxes_push(struct boxes *b, const struct box *box)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 16;
		b->at = xrealloc(b->at, b->cap * sizeof(*b->at));
	}
	b->at[b->n++] = box;
}
