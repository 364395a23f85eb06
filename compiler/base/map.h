/* A map from pointers (interned names, or anything with an identity) to
 * pointers, in an arena.  Iteration is not offered on purpose: its order would
 * depend on addresses. */
#ifndef EPIC_BASE_MAP_H
#define EPIC_BASE_MAP_H

#include <stddef.h>

#include "compiler/base/arena.h"

struct map {
	struct arena *arena;
	const void **keys; /* NULL: a free slot */
	void **values;
	size_t n, n_slots;
};

void map_init(struct map *, struct arena *);
void *map_get(const struct map *, const void *key); /* NULL if there is none */
void map_put(struct map *, const void *key, void *value); /* replaces; key and value not NULL */

#endif
