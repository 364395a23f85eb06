#include <config.h>

#include "runtime/core/filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct filter *filter_new(enum filter_kind kind)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f)
		f->kind = kind;
	return f;
}

void filter_free(const struct filter *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n_parts; i++)
		filter_free(f->parts[i]);
	free(f->parts);
	free(f->ranges);
	free((struct filter *)f);
}

static const struct filter *free_all(const struct filter *const *filters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		filter_free(filters[i]);
	return NULL;
}

const struct filter *filter_all(const struct filter *const *filters, size_t n)
{
	struct filter *f;

	if (n == 1)
		return filters[0];
	f = filter_new(n ? FILTER_AND : FILTER_TRUE);
	if (!f || !n)
		return f ? f : free_all(filters, n);
	f->parts = calloc(n, sizeof(*f->parts));
	if (!f->parts) {
		free(f);
		return free_all(filters, n);
	}
	memcpy(f->parts, filters, n * sizeof(*filters));
	f->n_parts = n;
	return f;
}

const struct filter *filter_any(const struct filter *const *filters, size_t n)
{
	struct filter *f;

	if (n == 1)
		return filters[0];
	f = (struct filter *)filter_all(filters, n);
	if (f)
		f->kind = n ? FILTER_OR : FILTER_FALSE;
	return f;
}

size_t filter_comparisons(const struct filter *f)
{
	size_t n = f->n_ranges;

	for (size_t i = 0; i < f->n_parts; i++)
		n += filter_comparisons(f->parts[i]);
	return n;
}

/* ABSORBING: what one part is enough for; false of an `and`, true of an `or`. */
static int parts_constant(const struct filter *f, int absorbing)
{
	int all = !absorbing;

	for (size_t i = 0; i < f->n_parts; i++) {
		int part = filter_constant(f->parts[i]);

		if (part == absorbing)
			return absorbing;
		if (part < 0)
			all = -1;
	}
	return all;
}

int filter_constant(const struct filter *f)
{
	int part;

	switch (f->kind) {
	case FILTER_TRUE:
		return 1;
	case FILTER_FALSE:
		return 0;
	case FILTER_IN:
		return f->n_ranges ? -1 : 0;
	case FILTER_NOT:
		part = filter_constant(f->parts[0]);
		return part < 0 ? part : !part;
	case FILTER_AND:
		return parts_constant(f, 0);
	case FILTER_OR:
		return parts_constant(f, 1);
	}
	return -1;
}

bool filter_fail(struct filter_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}
