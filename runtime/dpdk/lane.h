/* Counters of a device: one lane per queue, so that each has a single writer.  Others may read
 * them at any time. */
#ifndef EPIC_DPDK_LANE_H
#define EPIC_DPDK_LANE_H

#include <stdint.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "runtime/dpdk/device.h"

struct lane {
	uint64_t received, sent, missed, refused;
} __rte_cache_aligned;

static inline void lane_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline uint64_t lane_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* N > 0 zeroed cells of SIZE bytes, a multiple of the cache line, on lines of their own; NULL: no
 * memory.  For free(). */
void *lane_cells(size_t n, size_t size);
/* N may be 0. */
struct lane *lanes_new(unsigned n);
void lanes_sum(const struct lane *, unsigned n, struct device_counts *); /* adds to *COUNTS */
/* Counts packets as sent and frees them: an exit that leads nowhere. */
unsigned lane_swallow(struct lane *, struct rte_mbuf **, unsigned n);

#endif
