#include <config.h>

#include "runtime/dpdk/stats_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/stats_fields.h"

static bool read_count(const struct tree_node *node, const char *key, uint64_t *value,
		       struct tree_error *error)
{
	int64_t n;

	if (!tree_integer(node, key, 0, INT64_MAX, &n, error))
		return false;
	*value = (uint64_t)n;
	return true;
}

static bool read_unsigned(const struct tree_node *node, const char *key, unsigned *value,
			  struct tree_error *error)
{
	int64_t n;

	if (!tree_integer(node, key, 0, UINT_MAX, &n, error))
		return false;
	*value = (unsigned)n;
	return true;
}

static bool read_int(const struct tree_node *node, const char *key, int *value,
		     struct tree_error *error)
{
	int64_t n;

	if (!tree_integer(node, key, INT_MIN, INT_MAX, &n, error))
		return false;
	*value = (int)n;
	return true;
}

static bool read_drops(const struct tree_node *node, const char *key,
		       uint64_t dropped[N_DROP_REASONS], struct tree_error *error)
{
	const struct tree_node *drops;
	bool ok = tree_object(node, key, &drops, error);

	for (size_t i = 0; ok && i < N_DROP_REASONS; i++)
		ok = read_count(drops, drop_reason_name((enum drop_reason)i), &dropped[i], error);
	return ok;
}

static bool read_counters(const struct tree_node *node, const char *key, struct stats_module *m,
			  struct tree_error *error)
{
	const struct tree_node *counters;

	if (!tree_object(node, key, &counters, error))
		return false;
	if (counters->n_items > MODULE_COUNTERS)
		return tree_fail(counters, NULL, "has too many members", error);
	for (; m->n_counters < counters->n_items; m->n_counters++) {
		struct module_counter *c = &m->counters[m->n_counters];
		const struct tree_node *item = &counters->items[m->n_counters];

		c->name = item->key;
		if (!read_count(item, NULL, &c->value, error))
			return false;
	}
	return true;
}

static bool read_bucket(const struct tree_node *pair, struct latency *l, struct tree_error *error)
{
	uint64_t begin, n;

	if (pair->kind != TREE_LIST || pair->n_items != 2)
		return tree_fail(pair, NULL, "is no pair", error);
	if (!read_count(&pair->items[0], NULL, &begin, error) ||
	    !read_count(&pair->items[1], NULL, &n, error))
		return false;
	l->bucket[latency_bucket(begin)] = n;
	return true;
}

/* The percentiles follow from the buckets. */
static bool read_latency(const struct tree_node *node, const char *key, struct latency *l,
			 struct tree_error *error)
{
	const struct tree_node *latency, *buckets;
	bool ok = tree_object(node, key, &latency, error) &&
		  tree_list(latency, "buckets", &buckets, error);

	for (size_t i = 0; ok && i < buckets->n_items; i++)
		ok = read_bucket(&buckets->items[i], l, error);
	return ok;
}

static bool read_schema(const struct tree_node *node, const char *key, struct tree_error *error)
{
	const char *schema;

	return tree_text(node, key, &schema, error) &&
	       (!strcmp(schema, STATS_SCHEMA) ||
		tree_fail(node, key, "is not " STATS_SCHEMA, error));
}

static bool read_object(const struct tree_node *node, const struct stats_fields *, char *row,
			struct tree_error *);

static bool read_rows(const struct tree_node *node, const struct stats_field *f, char *row,
		      struct tree_error *error)
{
	const struct tree_node *list;
	char *rows;
	bool ok = true;

	if (!tree_list(node, f->name, &list, error))
		return false;
	rows = calloc(list->n_items ? list->n_items : 1, f->rows->size);
	if (!rows)
		return tree_fail(list, NULL, "does not fit into memory", error);
	*(char **)(row + f->offset) = rows;
	*(size_t *)(row + f->offset_n) = list->n_items;
	for (size_t i = 0; ok && i < list->n_items; i++)
		ok = read_object(&list->items[i], f->rows, rows + i * f->rows->size, error);
	return ok;
}

static bool read_field(const struct tree_node *node, const struct stats_field *f, char *row,
		       struct tree_error *error)
{
	void *at = row + f->offset;

	switch (f->kind) {
	case STATS_COUNT:
		return read_count(node, f->name, at, error);
	case STATS_UNSIGNED:
		return read_unsigned(node, f->name, at, error);
	case STATS_INT:
		return read_int(node, f->name, at, error);
	case STATS_NUMBER:
		return tree_number(node, f->name, at, error);
	case STATS_TEXT:
		return tree_text(node, f->name, at, error);
	case STATS_TEXT_OR_NULL:
		return tree_text_or_null(node, f->name, at, error);
	case STATS_TRUTH:
		return tree_truth(node, f->name, at, error);
	case STATS_DROPS:
		return read_drops(node, f->name, at, error);
	case STATS_COUNTERS:
		return read_counters(node, f->name, (struct stats_module *)row, error);
	case STATS_LATENCY:
		return read_latency(node, f->name, at, error);
	case STATS_ROWS:
		return read_rows(node, f, row, error);
	case STATS_CONSTANT:
		return read_schema(node, f->name, error);
	}
	return false;
}

static bool read_object(const struct tree_node *node, const struct stats_fields *fields, char *row,
			struct tree_error *error)
{
	bool ok = true;

	for (size_t i = 0; ok && i < fields->n; i++)
		ok = read_field(node, &fields->at[i], row, error);
	return ok;
}

bool stats_read(struct stats_copy *copy, const char *bytes, size_t n, struct tree_error *error)
{
	*copy = (struct stats_copy){ NULL, tree_read(bytes, n, error) };
	if (!copy->tree)
		return false;
	copy->stats = calloc(1, sizeof(*copy->stats));
	if (!copy->stats) {
		tree_fail(tree_root(copy->tree), NULL, "does not fit into memory", error);
		stats_forget(copy);
		return false;
	}
	if (read_object(tree_root(copy->tree), &stats_fields, (char *)copy->stats, error))
		return true;
	stats_forget(copy);
	return false;
}

void stats_forget(struct stats_copy *copy)
{
	stats_free(copy->stats);
	tree_free(copy->tree);
	*copy = (struct stats_copy){ NULL, NULL };
}
