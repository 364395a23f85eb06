/* Filters made of filters. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/filter_private.h"

static struct filter *copy_ranges(struct filter *to, const struct filter *from)
{
	to->field = from->field;
	to->tag = from->tag;
	to->ranges = calloc(from->n_ranges + 1, sizeof(*to->ranges));
	if (!to->ranges) {
		filter_free(to);
		return NULL;
	}
	memcpy(to->ranges, from->ranges, from->n_ranges * sizeof(*to->ranges));
	to->n_ranges = from->n_ranges;
	return to;
}

static bool mentions(const struct filter *f, filter_drops *drop, void *arg)
{
	bool found = f->kind == FILTER_IN && drop(arg, f->field);

	for (size_t i = 0; !found && i < f->n_parts; i++)
		found = mentions(f->parts[i], drop, arg);
	return found;
}

/* Below a `not` a wider part would make the whole narrower. */
static bool is_dropped(const struct filter *f, filter_drops *drop, void *arg)
{
	return (f->kind == FILTER_IN || f->kind == FILTER_NOT) && mentions(f, drop, arg);
}

const struct filter *filter_relax(const struct filter *f, filter_drops *drop, void *arg)
{
	struct filter *to;

	if (is_dropped(f, drop, arg))
		return filter_new(FILTER_TRUE);
	to = filter_new(f->kind);
	if (!to || f->kind == FILTER_IN)
		return to ? copy_ranges(to, f) : NULL;
	to->parts = calloc(f->n_parts + 1, sizeof(*to->parts));
	for (size_t i = 0; to->parts && i < f->n_parts; i++) {
		to->parts[i] = filter_relax(f->parts[i], drop, arg);
		to->n_parts += to->parts[i] != NULL;
	}
	if (to->parts && to->n_parts == f->n_parts)
		return to;
	filter_free(to);
	return NULL;
}
