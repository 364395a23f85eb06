/* Memory of one plan: taken piece by piece, given back at once. */
#ifndef EPIC_RUNTIME_POOL_H
#define EPIC_RUNTIME_POOL_H

#include <stddef.h>

struct pool_block;

struct pool {
	struct pool_block *blocks;
};

/* N zeroed things of SIZE bytes, aligned for any type; NULL: the product overflows or there is
 * no memory left.  N may be 0. */
void *pool_take(struct pool *, size_t n, size_t size);
/* A copy of SIZE bytes with a NUL behind them, or NULL. */
char *pool_text(struct pool *, const char *, size_t size);
void pool_free(struct pool *);

#endif
