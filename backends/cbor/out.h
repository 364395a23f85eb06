/* The one door to libcbor's encoder: deterministic CBOR (RFC 8949, 4.2.1) into a sink.
 *
 * Heads have their shortest forms and lengths are definite; the order of keys is the
 * caller's duty, cbor_key_cmp tells it. */
#ifndef EPIC_BACKEND_CBOR_OUT_H
#define EPIC_BACKEND_CBOR_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/rat.h"
#include "compiler/base/sink.h"

void cbor_put_self_described(struct sink *); /* tag 55799 */
void cbor_put_null(struct sink *);
void cbor_put_bool(struct sink *, bool);
void cbor_put_int(struct sink *, int64_t);
/* A whole number of at most 64 bits is an integer; any other is the shortest float that
 * holds the binary64 nearest to it. */
void cbor_put_dec(struct sink *, struct dec);
void cbor_put_text(struct sink *, const char *); /* must be UTF-8 */
void cbor_put_list(struct sink *, size_t n);     /* N items follow */
void cbor_put_object(struct sink *, size_t n);   /* N keys and values follow */

/* Compares two text keys by the bytes of their encodings. */
int cbor_key_cmp(const char *, const char *);

/* The binary64 nearest to a decimal, ties to even. */
double dec_nearest(struct dec);

#endif
