#include <config.h>

#include "runtime/plan/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16384 };

struct pool_block {
	struct pool_block *next;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

static struct pool_block *pool_grow(struct pool *p, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct pool_block *b;

	if (room > SIZE_MAX - sizeof(*b))
		return NULL;
	b = calloc(1, sizeof(*b) + room);
	if (!b)
		return NULL;
	b->size = room;
	b->next = p->blocks;
	p->blocks = b;
	return b;
}

void *pool_take(struct pool *p, size_t n, size_t size)
{
	struct pool_block *b = p->blocks;
	size_t bytes;
	void *taken;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, alignof(max_align_t) - 1, &bytes))
		return NULL;
	bytes -= bytes % alignof(max_align_t);
	if ((!b || b->size - b->used < bytes) && !(b = pool_grow(p, bytes)))
		return NULL;
	taken = b->bytes + b->used;
	b->used += bytes;
	return taken;
}

char *pool_text(struct pool *p, const char *text, size_t size)
{
	char *copy = size < SIZE_MAX ? pool_take(p, size + 1, 1) : NULL;

	if (copy && size)
		memcpy(copy, text, size);
	return copy;
}

void pool_free(struct pool *p)
{
	while (p->blocks) {
		struct pool_block *next = p->blocks->next;

		free(p->blocks);
		p->blocks = next;
	}
}
