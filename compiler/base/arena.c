#include <config.h>

#include "compiler/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, FIRST_BLOCK = 64 * 1024, LARGEST_BLOCK = 4 * 1024 * 1024, EXIT_ENVIRONMENT = 5 };

struct block {
	struct block *next;
	size_t used, size;
	/* The bytes follow, aligned. */
};

struct arena {
	struct block *blocks;
	size_t next_size;
};

static _Noreturn void out_of_memory(void)
{
	fputs("epic: out of memory\n", stderr);
	exit(EXIT_ENVIRONMENT);
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

static size_t round_up(size_t size)
{
	return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static char *block_bytes(struct block *b)
{
	return (char *)b + round_up(sizeof(*b));
}

static void add_block(struct arena *a, size_t size)
{
	struct block *b = xrealloc(NULL, round_up(sizeof(*b)) + size);

	b->next = a->blocks;
	b->used = 0;
	b->size = size;
	a->blocks = b;
}

struct arena *arena_new(void)
{
	struct arena *a = xrealloc(NULL, sizeof(*a));

	a->blocks = NULL;
	a->next_size = FIRST_BLOCK;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = round_up(size ? size : 1);
	if (!b || b->size - b->used < size) {
		add_block(a, size > a->next_size ? size : a->next_size);
		if (a->next_size < LARGEST_BLOCK)
			a->next_size *= 2;
		b = a->blocks;
	}
	p = block_bytes(b) + b->used;
	b->used += size;
	return memset(p, 0, size);
}

void *arena_alloc_many(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory();
	return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t length)
{
	char *copy = arena_alloc(a, length + 1);

	memcpy(copy, s, length);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;
	int length;
	char *s;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, args);
	s = arena_alloc(a, (size_t)length + 1);
	vsnprintf(s, (size_t)length + 1, fmt, again);
	va_end(again);
	return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = arena_vprintf(a, fmt, args);
	va_end(args);
	return s;
}
