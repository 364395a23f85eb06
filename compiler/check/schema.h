/* The table of properties, grammar/schema.def, as rows. */
#ifndef EPIC_CHECK_SCHEMA_H
#define EPIC_CHECK_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/ast/units.h"

enum prop_type {
	PROP_SYMBOL, PROP_WORDS, PROP_INT, PROP_UINT, PROP_QUANTITY, PROP_RATE, PROP_SPEED,
	PROP_STRING, PROP_FILE, PROP_NOTE, PROP_PREFIXES, PROP_REF, PROP_REFS, PROP_FIELDS,
	PROP_CORES, PROP_FILTER, PROP_CODE
};

struct prop {
	const char *block, *name;
	enum prop_type type;
	struct {
		const char *words;
		unsigned kinds;
		enum dimension dimension;
	} of;
	size_t offset; /* of the member in the model's struct */
	const char *initial; /* default, for people */
	const char *flags;
	uint64_t low, high;
	const char *doc;
};

/* The properties of a block, in the order of the table; "group" has those of "slo"
 * that groups take. */
const struct prop *schema_first(const char *block);
const struct prop *schema_next(const struct prop *); /* NULL behind the last */
const struct prop *schema_find(const char *block, const char *name);
size_t schema_size(const char *block);
size_t prop_index(const struct prop *); /* within its block */

bool prop_may_repeat(const struct prop *);
bool prop_is_required(const struct prop *);
/* KINDS: one letter, NULL where the block has no kinds, or "?" where the kind is not
 * known, which fits everything. */
bool prop_fits(const struct prop *, const char *kinds);

#endif
