/* The one door to libcbor's decoder: one token of deterministic CBOR after the other.
 *
 * A token that is cut off, malformed, not in its shortest form or of indefinite length is refused,
 * as is text that is not UTF-8 or holds a NUL. */
#ifndef EPIC_RUNTIME_TOKEN_H
#define EPIC_RUNTIME_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_kind {
	TOKEN_NULL,
	TOKEN_BOOL,
	TOKEN_UINT,     /* `count` */
	TOKEN_NEGATIVE, /* -1 - `count` */
	TOKEN_FLOAT,    /* finite */
	TOKEN_TEXT,     /* `bytes`, `count` of them */
	TOKEN_BYTES,
	TOKEN_LIST,   /* `count` items follow */
	TOKEN_OBJECT, /* `count` keys and values follow */
	TOKEN_TAG,    /* one item follows; `count` is the tag */
	TOKEN_OTHER   /* undefined */
};

struct token {
	enum token_kind kind;
	bool truth;
	uint64_t count;
	double number;
	const char *bytes; /* not ended by NUL */
};

/* Reads the token at BYTES.  Returns its size in bytes, the text of a string included; 0: *WHY
 * says what is wrong with it. */
size_t token_read(const uint8_t *bytes, size_t size, struct token *, const char **why);

/* "an integer", "text": for messages. */
const char *token_name(const struct token *);

#endif
