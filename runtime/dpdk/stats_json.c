#include <config.h>

#include "runtime/dpdk/stats_forms.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/stats_fields.h"

/* A comma, unless it is the first of its object or list. */
static void next(struct text *t)
{
	char last = t->n ? t->at[t->n - 1] : '[';

	if (last != '{' && last != '[')
		text_puts(t, ",");
}

static void put_key(struct text *t, const char *key)
{
	next(t);
	text_json(t, key);
	text_puts(t, ":");
}

/* While workers run, a sum of their counters may be a moment below zero. */
static void put_count(struct text *t, uint64_t n)
{
	text_printf(t, "%" PRIu64, n > INT64_MAX ? 0 : n);
}

static void put_text(struct text *t, const char *s)
{
	if (s)
		text_json(t, s);
	else
		text_puts(t, "null");
}

static void put_drops(struct text *t, const uint64_t dropped[N_DROP_REASONS])
{
	enum drop_reason sorted[N_DROP_REASONS];

	stats_reasons(sorted);
	text_puts(t, "{");
	for (size_t i = 0; i < N_DROP_REASONS; i++) {
		put_key(t, drop_reason_name(sorted[i]));
		put_count(t, dropped[sorted[i]]);
	}
	text_puts(t, "}");
}

static int compare_counters(const void *a, const void *b)
{
	return strcmp(((const struct module_counter *)a)->name,
		      ((const struct module_counter *)b)->name);
}

static void put_counters(struct text *t, const struct stats_module *m)
{
	struct module_counter sorted[MODULE_COUNTERS];

	memcpy(sorted, m->counters, m->n_counters * sizeof(*sorted));
	qsort(sorted, m->n_counters, sizeof(*sorted), compare_counters);
	text_puts(t, "{");
	for (size_t i = 0; i < m->n_counters; i++) {
		put_key(t, sorted[i].name);
		put_count(t, sorted[i].value);
	}
	text_puts(t, "}");
}

/* As pairs of the cycles with which a bucket begins, and the packets in it. */
static void put_buckets(struct text *t, const struct latency *l)
{
	text_puts(t, "[");
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		if (!l->bucket[i])
			continue;
		next(t);
		text_printf(t, "[%" PRIu64 ",", latency_begin(i));
		put_count(t, l->bucket[i]);
		text_puts(t, "]");
	}
	text_puts(t, "]");
}

static void put_latency(struct text *t, const struct latency *l, double hz)
{
	static const struct {
		const char *key;
		double share;
	} points[] = {
		{ "max_us", 1 },      { "p50_us", 0.5 },  { "p90_us", 0.9 },
		{ "p999_us", 0.999 }, { "p99_us", 0.99 },
	};

	text_puts(t, "{");
	put_key(t, "buckets");
	put_buckets(t, l);
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		put_key(t, points[i].key);
		text_number(t, hz > 0 ? latency_at(l, points[i].share) / hz * 1e6 : 0);
	}
	put_key(t, "packets");
	put_count(t, latency_count(l));
	text_puts(t, "}");
}

static void put_object(struct text *t, const struct stats_fields *, const char *row, double hz);

static void put_rows(struct text *t, const struct stats_field *f, const char *row, double hz)
{
	const char *rows = *(const char *const *)(row + f->offset);
	size_t n = *(const size_t *)(row + f->offset_n);

	text_puts(t, "[");
	for (size_t i = 0; i < n; i++) {
		next(t);
		put_object(t, f->rows, rows + i * f->rows->size, hz);
	}
	text_puts(t, "]");
}

static void put_field(struct text *t, const struct stats_field *f, const char *row, double hz)
{
	const void *at = row + f->offset;

	switch (f->kind) {
	case STATS_COUNT:
		put_count(t, *(const uint64_t *)at);
		return;
	case STATS_UNSIGNED:
		text_printf(t, "%u", *(const unsigned *)at);
		return;
	case STATS_INT:
		text_printf(t, "%d", *(const int *)at);
		return;
	case STATS_NUMBER:
		text_number(t, *(const double *)at);
		return;
	case STATS_TEXT:
	case STATS_TEXT_OR_NULL:
		put_text(t, *(const char *const *)at);
		return;
	case STATS_TRUTH:
		text_puts(t, *(const bool *)at ? "true" : "false");
		return;
	case STATS_DROPS:
		put_drops(t, at);
		return;
	case STATS_COUNTERS:
		put_counters(t, (const struct stats_module *)row);
		return;
	case STATS_LATENCY:
		put_latency(t, at, hz);
		return;
	case STATS_ROWS:
		put_rows(t, f, row, hz);
		return;
	case STATS_CONSTANT:
		text_json(t, STATS_SCHEMA);
		return;
	}
}

static void put_object(struct text *t, const struct stats_fields *fields, const char *row,
		       double hz)
{
	text_puts(t, "{");
	for (size_t i = 0; i < fields->n; i++) {
		put_key(t, fields->at[i].name);
		put_field(t, &fields->at[i], row, hz);
	}
	text_puts(t, "}");
}

void stats_json(struct text *t, const struct stats *s)
{
	put_object(t, &stats_fields, (const char *)s, s->hz);
	text_puts(t, "\n");
}
