/* The plan: what was decided, flat and sorted, with a place in the policy for
 * every row (doc/plan.md).
 *
 * The structs are made from grammar/plan_keys.def: `struct plan_flow` has a member
 * per key, of the type that PLAN_C_* below gives for its kind, and `span`.  Rows
 * live in the arena of the compilation.  Backends read them and write files;
 * `plan_rows` describes them to the generic writers. */
#ifndef EPIC_PLAN_H
#define EPIC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/addr.h"
#include "compiler/base/ctx.h"
#include "compiler/base/rat.h"
#include "compiler/base/source.h"
#include "compiler/ir/ir.h"
#include "compiler/ir/schedule.h"
#include "compiler/ir/solution.h"

struct plan_texts {
	const char *const *at;
	size_t n;
};

struct plan_ints {
	const int64_t *at;
	size_t n;
};

struct plan_lists {
	const struct plan_texts *at;
	size_t n;
};

struct plan_int {
	bool present; /* false: null */
	int64_t value;
};

struct plan_num {
	bool present; /* false: null */
	struct dec value;
};

struct plan_named_num {
	const char *key;
	struct dec value;
};

/* Sorted by key, byte value. */
struct plan_map_num {
	const struct plan_named_num *at;
	size_t n;
};

/* The configuration of an instance, as the graph has it. */
struct plan_values {
	const struct ir_config *at;
	size_t n;
};

#define PLAN_C_TEXT(key, of) const char *key;
#define PLAN_C_TEXT_NULL(key, of) const char *key;
#define PLAN_C_WORD(key, of) const char *key;
#define PLAN_C_WORD_NULL(key, of) const char *key;
#define PLAN_C_INT(key, of) int64_t key;
#define PLAN_C_INT_NULL(key, of) struct plan_int key;
#define PLAN_C_NUM(key, of) struct dec key;
#define PLAN_C_NUM_NULL(key, of) struct plan_num key;
#define PLAN_C_BOOL(key, of) bool key;
#define PLAN_C_TEXTS(key, of) struct plan_texts key;
#define PLAN_C_INTS(key, of) struct plan_ints key;
#define PLAN_C_LISTS(key, of) struct plan_lists key;
#define PLAN_C_LIST(key, of)                                                                       \
	struct {                                                                                   \
		struct plan_##of *at;                                                              \
		size_t n;                                                                          \
	} key;
#define PLAN_C_ONE(key, of) struct plan_##of *key;
#define PLAN_C_ONE_NULL(key, of) struct plan_##of *key;
#define PLAN_C_MAP(key, of)                                                                        \
	struct {                                                                                   \
		const char **names; /* sorted */                                                   \
		struct plan_##of *at;                                                              \
		size_t n;                                                                          \
	} key;
#define PLAN_C_MAP_NUM(key, of) struct plan_map_num key;
#define PLAN_C_VALUES(key, of) struct plan_values key;
#define PLAN_C_CHOICE(key, of) void *key;

#define PLAN_BEGIN(row, doc)                                                                       \
	struct plan_##row {                                                                        \
		struct span span;
#define PLAN_KEY(row, kind, key, of, doc) PLAN_C_##kind(key, of)
#define PLAN_SIDE(row, ...) __VA_ARGS__
#define PLAN_END(row)                                                                              \
	}                                                                                          \
	;
#define PLAN_CHOICE(row, key, word, of)
/* The row of the whole is spelled `struct plan`. */
#define plan_plan plan
/* A row that has both a key `class` and a struct of that name is fine: members and
 * tags are different spaces. */
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_SIDE
#undef PLAN_END
#undef PLAN_CHOICE

/* ---- the description of the rows ---- */

enum plan_kind {
	PLAN_TEXT, PLAN_TEXT_NULL, PLAN_WORD, PLAN_WORD_NULL, PLAN_INT, PLAN_INT_NULL, PLAN_NUM,
	PLAN_NUM_NULL, PLAN_BOOL, PLAN_TEXTS, PLAN_INTS, PLAN_LISTS, PLAN_LIST, PLAN_ONE,
	PLAN_ONE_NULL, PLAN_MAP, PLAN_MAP_NUM, PLAN_VALUES, PLAN_CHOICE
};

struct plan_key {
	const char *name;
	enum plan_kind kind;
	size_t offset;
	const char *of; /* name of a row, words, or "none" */
};

struct plan_row {
	const char *name;
	size_t size; /* of the struct */
	const struct plan_key *keys; /* in byte order of their names */
	size_t n_keys;
};

const struct plan_row *plan_row_find(const char *name);
/* The row that a CHOICE key holds for this backend; NULL: none. */
const struct plan_row *plan_choice(const char *backend);

/* ---- making one ---- */

/* Needs an ir, the solution of all its flows, and per target its schedule (NULL where
 * none is due); reports what a target cannot express (E0802 to E0805).  Never NULL. */
struct plan *plan_build(struct ctx *, const struct ir *, const struct solution *,
			struct schedule *const *schedules);

#endif
