/* Sorted sets of small numbers: attribute sets, sets of nodes. */
#ifndef EPIC_BASE_IDS_H
#define EPIC_BASE_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/arena.h"

#define ID_NONE UINT32_MAX

/* Strictly ascending; never written to once made, so sets may share memory. */
struct ids {
	const uint32_t *at;
	size_t n;
};

/* Sorts and drops repetitions. */
struct ids ids_from(struct arena *, const uint32_t *at, size_t n);
struct ids ids_union(struct arena *, struct ids, struct ids);
struct ids ids_minus(struct arena *, struct ids, struct ids);
bool ids_has(struct ids, uint32_t);
bool ids_subset(struct ids small, struct ids large);
bool ids_equal(struct ids, struct ids);
int ids_cmp(struct ids, struct ids); /* element by element; a prefix comes first */

#endif
