/* Growing arrays in an arena.
 *
 *	VEC(struct edge) edges = {0};
 *	vec_push(arena, &edges, e);
 *	for (size_t i = 0; i < edges.n; i++) use(edges.at[i]);
 *
 * Growing leaves the old array behind in the arena; it doubles, so at most as
 * much is left behind as is in use. */
#ifndef EPIC_BASE_VEC_H
#define EPIC_BASE_VEC_H

#include <stddef.h>

#include "compiler/base/arena.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t n, cap;                                                                     \
	}

#define vec_push(arena, v, ...)                                                                    \
	((v)->n == (v)->cap ? vec_grow((arena), (void **)&(v)->at, &(v)->cap, sizeof(*(v)->at))    \
			    : (void)0,                                                             \
	 (void)((v)->at[(v)->n++] = (__VA_ARGS__)))

/* Doubles the capacity of an array of elements of SIZE bytes. */
void vec_grow(struct arena *, void **at, size_t *cap, size_t size);

#endif
