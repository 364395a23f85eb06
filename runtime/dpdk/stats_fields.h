/* The members of the statistics as const tables, from which the JSON form is written and read.
 *
 * Rows of fields are sorted by name, as keys of the JSON are. */
#ifndef EPIC_DPDK_STATS_FIELDS_H
#define EPIC_DPDK_STATS_FIELDS_H

#include <stddef.h>

#include "runtime/dpdk/stats.h"

#define STATS_SCHEMA "epic.dpdkd/1"

enum stats_field_kind {
	STATS_COUNT,    /* uint64_t */
	STATS_UNSIGNED, /* unsigned */
	STATS_INT,      /* int */
	STATS_NUMBER,   /* double */
	STATS_TEXT,     /* const char * */
	STATS_TEXT_OR_NULL,
	STATS_TRUTH,    /* bool */
	STATS_DROPS,    /* uint64_t[N_DROP_REASONS] */
	STATS_COUNTERS, /* of struct stats_module */
	STATS_LATENCY,  /* struct latency */
	STATS_ROWS,     /* an array; its length is at offset_n */
	STATS_CONSTANT  /* the schema */
};

struct stats_fields;

struct stats_field {
	const char *name;
	enum stats_field_kind kind;
	size_t offset, offset_n;
	const struct stats_fields *rows;
};

struct stats_fields {
	const struct stats_field *at;
	size_t n;
	size_t size; /* of the struct */
};

extern const struct stats_fields stats_fields;

/* The reasons in the order of their names. */
void stats_reasons(enum drop_reason sorted[N_DROP_REASONS]);

#endif
