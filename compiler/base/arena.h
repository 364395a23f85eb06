/* Arenas: memory that is allocated piece by piece and freed at once.
 *
 * The compiler allocates everything that belongs to one compilation from one
 * arena.  Memory is zeroed and aligned for any type.  When the system has no
 * memory left, the program ends with exit code 5 and says so; callers never
 * see NULL. */
#ifndef EPIC_BASE_ARENA_H
#define EPIC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *);

void *arena_alloc(struct arena *, size_t size);
char *arena_strndup(struct arena *, const char *, size_t length);
char *arena_strdup(struct arena *, const char *);
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list);

/* One zeroed TYPE, or N of them. */
#define arena_one(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_many(arena, type, n) ((type *)arena_alloc_many((arena), (n), sizeof(type)))

/* As calloc: refuses a product that overflows. */
void *arena_alloc_many(struct arena *, size_t n, size_t size);

/* malloc that never fails, for what does not live in an arena. */
void *xrealloc(void *, size_t size);

#endif
