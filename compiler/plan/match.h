/* From sets of packets to what a module that looks at bytes can decide.
 *
 * A fork parts packets into numbered ways.  A WildcardMatch compares bytes at fixed places,
 * under masks, and can hold few patterns; a BPF program can decide whatever the filter
 * language says.  So a matcher is a table where one decides exactly what it decides, and
 * hands what it cannot tell apart (a tag before the header, options in it, fragments of
 * IPv6) to filters that can.
 *
 * How bytes become the fields of doc/language.md 5.1: one 802.1Q tag (0x8100) is looked
 * behind; eth.type is the type behind it, vlan.id its number (4095 counts as none).  A
 * header is IPv4 behind type 0x0800 and IPv6 behind 0x86dd.  In IPv4 ports and the like
 * stand behind the options, and ip.frag is 0 where the fragment's offset is.  In IPv6
 * ip.proto is the next header; a fragment header right behind the fixed one is looked
 * behind, any other extension header is the protocol. */
#ifndef EPIC_PLAN_MATCH_H
#define EPIC_PLAN_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/arena.h"
#include "compiler/filter/filter.h"

enum {
	MATCH_MOST_FIELDS = 8,   /* of a WildcardMatch */
	MATCH_MOST_MASKS = 8,    /* mask patterns */
	MATCH_MOST_RULES = 4096, /* what is sensible in a file */
	MATCH_REST = 0,          /* the way of what meets no rule and no filter */
};

/* Bytes of a frame, from its start. */
struct match_field {
	unsigned offset, size; /* size 1 ... 8 */
};

/* A packet goes `way` if every field under its mask has its value; of several rules that
 * say so the one with the highest priority counts. */
struct match_rule {
	unsigned priority, way;
	uint64_t values[MATCH_MOST_FIELDS], masks[MATCH_MOST_FIELDS]; /* by field */
};

struct match_table {
	struct match_field fields[MATCH_MOST_FIELDS];
	size_t n_fields;          /* at least 1 */
	struct match_rule *rules; /* by priority, highest first; no two alike in values and masks */
	size_t n_rules;
};

/* A pcap filter expression; no two of a matcher hold for the same packet. */
struct match_filter {
	unsigned way;
	const char *text;
};

struct matcher {
	const struct match_table *table; /* NULL: the filters decide alone */
	bool undecided; /* the table sends packets out by the way behind the last, to the filters */
	struct match_filter *filters; /* by way; none if the table decides all */
	size_t n_filters;
};

/* WAYS part the packets that arrive; way 0, the rest, is what no rule and no filter names.
 * Sides on fields for which KNOWN (may be NULL) says so hold for every packet that arrives
 * and are not looked at.  NULL: it would take more than is sensible. */
struct match_known {
	bool (*is_known)(const struct field *, const void *);
	const void *data;
};
const struct matcher *match_make(struct arena *, struct fields *, const struct cubes *const *ways,
				 size_t n, const struct match_known *);

#endif
