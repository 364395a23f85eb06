/* The one reader of plans (doc/plan.md).
 *
 * It distrusts its bytes.  A plan is refused, with a message that names the place, unless it is
 * deterministic CBOR (RFC 8949, 4.2.1) under tag 55799: definite lengths, shortest heads, keys
 * strictly ascending by their encodings, no bytes behind the end; unless texts are UTF-8 without
 * NUL, numbers finite, integers of at most 64 bits with sign, nesting at most PLAN_DEEPEST; unless
 * every key of grammar/plan_keys.def is there, of its type, words known; and unless indices point
 * into what they index (chain.flow, listener.flow, config.schedule, task.worker).  Names are not
 * looked up: whoever follows a name must expect that nothing is called so.  Unknown keys are
 * skipped.  No announced count is believed before the bytes left could hold it, so that memory
 * stays within a small multiple of the file's size.
 *
 * The structs are made from grammar/plan_keys.def: `struct rplan_flow` has a member per key.  All
 * belongs to the plan and lives until plan_close; nothing is NULL unless the table says so. */
#ifndef EPIC_RUNTIME_PLAN_H
#define EPIC_RUNTIME_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PLAN_VERSION_READ = 1, PLAN_DEEPEST = 64 };

struct rplan_texts {
	const char *const *at;
	size_t n;
};

struct rplan_ints {
	const int64_t *at;
	size_t n;
};

struct rplan_lists {
	const struct rplan_texts *at;
	size_t n;
};

struct rplan_int {
	bool present; /* false: null */
	int64_t value;
};

struct rplan_num {
	bool present; /* false: null */
	double value;
};

struct rplan_named_num {
	const char *key;
	double value;
};

struct rplan_map_num {
	const struct rplan_named_num *at;
	size_t n;
};

struct rplan_named_value;

struct rplan_values {
	const struct rplan_named_value *at;
	size_t n;
};

enum rplan_value_kind {
	RPLAN_NULL,
	RPLAN_BOOL,
	RPLAN_NUMBER,
	RPLAN_TEXT,
	RPLAN_LIST,
	RPLAN_OBJECT
};

struct rplan_value {
	enum rplan_value_kind kind; /* tells which member of the union holds */
	union {
		bool truth;
		double number;
		const char *text;
		struct {
			const struct rplan_value *items; /* RPLAN_LIST */
			size_t n_items;
		};
		struct rplan_values members; /* RPLAN_OBJECT */
	};
};

struct rplan_named_value {
	const char *key;
	struct rplan_value value;
};

#define RPLAN_C_TEXT(key, of) const char *key;
#define RPLAN_C_TEXT_NULL(key, of) const char *key;
#define RPLAN_C_WORD(key, of) const char *key;
#define RPLAN_C_WORD_NULL(key, of) const char *key;
#define RPLAN_C_INT(key, of) int64_t key;
#define RPLAN_C_INT_NULL(key, of) struct rplan_int key;
#define RPLAN_C_NUM(key, of) double key;
#define RPLAN_C_NUM_NULL(key, of) struct rplan_num key;
#define RPLAN_C_BOOL(key, of) bool key;
#define RPLAN_C_TEXTS(key, of) struct rplan_texts key;
#define RPLAN_C_INTS(key, of) struct rplan_ints key;
#define RPLAN_C_LISTS(key, of) struct rplan_lists key;
#define RPLAN_C_LIST(key, of)                \
	struct {                             \
		const struct rplan_##of *at; \
		size_t n;                    \
	} key;
#define RPLAN_C_ONE(key, of) const struct rplan_##of *key;
#define RPLAN_C_ONE_NULL(key, of) const struct rplan_##of *key;
#define RPLAN_C_MAP(key, of)                                                      \
	struct {                                                                  \
		const char *const *names; /* shorter first, then by byte value */ \
		const struct rplan_##of *at;                                      \
		size_t n;                                                         \
	} key;
#define RPLAN_C_MAP_NUM(key, of) struct rplan_map_num key;
#define RPLAN_C_VALUES(key, of) struct rplan_values key;
#define RPLAN_C_CHOICE(key, of) const void *key; /* see rplan_target_socks and its like */

#define PLAN_BEGIN(row, doc) struct rplan_##row {
#define PLAN_KEY(row, kind, key, of, doc) RPLAN_C_##kind(key, of)
#define PLAN_SIDE(row, ...)
#define PLAN_END(row) \
	}             \
	;
#define PLAN_CHOICE(row, key, word, of)
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END
#undef PLAN_CHOICE

/* rplan_target_socks(t) is the configuration of a target whose backend is `socks`, NULL for any
 * other target; likewise rplan_target_nginx and so on. */
#define PLAN_BEGIN(row, doc)
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
#define PLAN_CHOICE(row, key, word, of)                                                          \
	static inline const struct rplan_##of *rplan_##row##_##word(const struct rplan_##row *r) \
	{                                                                                        \
		return strcmp(r->backend, #word) ? NULL : r->key;                                \
	}
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_SIDE
#undef PLAN_END
#undef PLAN_CHOICE

struct plan_error {
	char text[512]; /* "flows[3].cost.setup_us: expected a number, found text" */
	size_t offset;  /* of the byte where reading stopped; 0: the file could not be read */
};

/* Reads a file; `-` is standard input.  NULL: *ERROR says why. */
const struct rplan_plan *plan_open(const char *path, struct plan_error *error);

/* The same from memory; BYTES are not needed afterwards. */
const struct rplan_plan *plan_read(const void *bytes, size_t size, struct plan_error *error);

void plan_close(const struct rplan_plan *); /* NULL is fine */

#endif
