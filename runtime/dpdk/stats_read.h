/* Reads the JSON form of the statistics back. */
#ifndef EPIC_DPDK_STATS_READ_H
#define EPIC_DPDK_STATS_READ_H

#include <stddef.h>

#include "runtime/core/json_read.h"
#include "runtime/dpdk/stats.h"

struct stats_copy {
	struct stats *stats;
	struct tree *tree; /* owns its texts */
};

/* False: *ERROR says what is wrong, and *COPY is empty. */
bool stats_read(struct stats_copy *copy, const char *bytes, size_t n, struct tree_error *);
void stats_forget(struct stats_copy *); /* an empty one is fine */

#endif
