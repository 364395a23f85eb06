/* Walking over the bytes of a plan: where we are, what we refuse, what we skip. */
#ifndef EPIC_RUNTIME_READER_H
#define EPIC_RUNTIME_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/plan/plan.h"
#include "runtime/plan/pool.h"
#include "runtime/plan/token.h"

/* One step of the path to the value that is being read: a key, or an index. */
struct reader_step {
	const char *key; /* NULL: an index; not ended by NUL */
	size_t n;        /* length of the key, or the index */
};

struct reader {
	const uint8_t *bytes;
	size_t size, at;
	struct pool *pool;
	struct plan_error *error;
	struct reader_step steps[PLAN_DEEPEST];
	size_t n_steps;
	bool failed; /* the first failure is kept */
};

/* An object that is being read: its keys ascend. */
struct reader_object {
	size_t n_left;
	struct token last_key; /* `bytes` NULL before the first */
};

/* Records that the value at the present path is refused.  Always false. */
bool reader_refuse(struct reader *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same with a path of the caller's own. */
bool reader_refuse_at(struct reader *, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a token; false: refused. */
bool reader_token(struct reader *, struct token *);
/* Reads a token of this kind, else says that WHAT was expected. */
bool reader_expect(struct reader *, enum token_kind, const char *what, struct token *);

/* Checks that N items of at least LEAST bytes each can still come. */
bool reader_room(struct reader *, uint64_t n, size_t least);

bool reader_enter_key(struct reader *, const struct token *key);
bool reader_enter_index(struct reader *, size_t index);
void reader_leave(struct reader *);

/* After the head of an object: its keys one by one, strictly ascending.  *KEY is valid while
 * the bytes are.  False: refused, or (n_left was 0) no key is left; ask `failed`. */
bool reader_key(struct reader *, struct reader_object *, struct token *key);

/* Steps over one value of any kind, checking that it is well-formed. */
bool reader_skip(struct reader *);

/* Memory of the plan; NULL: refused. */
void *reader_take(struct reader *, size_t n, size_t size);
const char *reader_text(struct reader *, const struct token *);

#endif
