/* Interned names: equal names are equal pointers, so they are compared with ==.
 * Names live as long as the interner's arena. */
#ifndef EPIC_BASE_INTERN_H
#define EPIC_BASE_INTERN_H

#include <stddef.h>

#include "compiler/base/arena.h"

struct interner;

struct interner *interner_new(struct arena *);
const char *intern(struct interner *, const char *, size_t length);
const char *intern_text(struct interner *, const char *);

/* FNV-1a, 64 bits; the hash of every table in the compiler. */
unsigned long hash_bytes(const void *, size_t size);

#endif
