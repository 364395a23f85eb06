#include <config.h>

#include "compiler/base/vec.h"

#include <string.h>

void vec_grow(struct arena *a, void **at, size_t *cap, size_t size)
{
	size_t wider = *cap ? *cap * 2 : 4;
	void *grown = arena_alloc_many(a, wider, size);

	if (*cap)
		memcpy(grown, *at, *cap * size);
	*at = grown;
	*cap = wider;
}
