/* The rows of grammar/plan_keys.def as the reader needs them. */
#ifndef EPIC_RUNTIME_ROWS_H
#define EPIC_RUNTIME_ROWS_H

#include <stddef.h>

enum rplan_kind {
	RPLAN_KIND_TEXT,
	RPLAN_KIND_TEXT_NULL,
	RPLAN_KIND_WORD,
	RPLAN_KIND_WORD_NULL,
	RPLAN_KIND_INT,
	RPLAN_KIND_INT_NULL,
	RPLAN_KIND_NUM,
	RPLAN_KIND_NUM_NULL,
	RPLAN_KIND_BOOL,
	RPLAN_KIND_TEXTS,
	RPLAN_KIND_INTS,
	RPLAN_KIND_LISTS,
	RPLAN_KIND_LIST,
	RPLAN_KIND_ONE,
	RPLAN_KIND_ONE_NULL,
	RPLAN_KIND_MAP,
	RPLAN_KIND_MAP_NUM,
	RPLAN_KIND_VALUES,
	RPLAN_KIND_CHOICE
};

struct rplan_key {
	const char *name;
	enum rplan_kind kind;
	size_t offset;
	const char *of; /* name of a row, words, or "none" */
};

struct rplan_row {
	const char *name;
	size_t size;
	const struct rplan_key *keys; /* at most 64 */
	size_t n_keys;
	size_t least; /* no encoding of a row has fewer bytes */
};

const struct rplan_row *rplan_row(const char *name);
/* The row that a CHOICE key holds for BACKEND; NULL: none. */
const struct rplan_row *rplan_choice(const char *backend);

#endif
