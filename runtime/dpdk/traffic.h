/* What a generator offers at a source: the plan's classes that enter there. */
#ifndef EPIC_DPDK_TRAFFIC_H
#define EPIC_DPDK_TRAFFIC_H

#include "runtime/dpdk/device.h"
#include "runtime/plan/plan.h"

struct traffic_request {
	const struct rplan_plan *plan;
	const char *module; /* the source */
	const char *text;   /* generate.h */
	struct rte_mempool *pool;
	uint64_t hz;
	unsigned n_receive, n_send;
};

/* Adds a generator that stands for the device NAME; NULL: *ERROR says why.
 *
 * A class's packets meet its `match` and the filters on the way of one of its paths; comparisons
 * of derived attributes and of what modules rewrite are left out, so that packets of such
 * a class may turn out to be another's. */
struct device *traffic_open(struct devices *, const char *name, const struct traffic_request *,
			    struct device_error *);

#endif
