/* What modules cost on this machine, as a module of the language that policies may use.
 *
 * Each module runs alone, on bursts of 32 packets that are in the cache, for several sizes; rounds
 * of all modules and sizes are interleaved, so that a disturbance meets all alike, and the median
 * of the rounds counts.  What an empty module costs in the same loop is taken off.  A straight line
 * through the sizes gives cycles per packet and per byte, neither below 0. */
#ifndef EPIC_DPDK_PROFILE_H
#define EPIC_DPDK_PROFILE_H

#include <stdio.h>

#include "runtime/dpdk/module.h"

enum { PROFILE_ROUNDS = 9, PROFILE_BURSTS = 256, PROFILE_FLOWS = 256 };

struct profile_item {
	const char *name; /* of the function that is written: an identifier */
	const char *base; /* of the function that it is based on: "std.dataplane.acl" */
	const struct module_ops *ops;
	const struct module_spec *spec; /* an instance is opened with it, and closed at the end */
	const unsigned *sizes;          /* of the frames; at least one */
	size_t n_sizes;
	const struct filter *filter; /* of the packets; NULL: any */
	const char *payload;         /* repeated in the packets; NULL: zeros */
	unsigned n_flows;            /* 0: PROFILE_FLOWS */
	/* How out-edges are chosen where the module does not do it itself; NULL: not. */
	void (*choose)(void *arg, struct burst *, int16_t *edges);
	void *choose_arg;
};

struct profile_request {
	const struct profile_item *items;
	size_t n_items;
	unsigned rounds, bursts;  /* 0: PROFILE_ROUNDS, PROFILE_BURSTS in each */
	struct rte_mempool *pool; /* with room for struct packet */
	uint64_t hz;              /* of the time stamp counter */
	const char *processor;    /* NULL: what Linux calls it */
	const char *date;         /* "2026-11-21" */
};

struct profile_error {
	char text[320];
};

/* Writes `module std.measured` to OUT, with a function for each item, in their order.  False:
 * *ERROR says why, and nothing was written but what an error of OUT itself left there. */
bool profile_run(const struct profile_request *, FILE *out, struct profile_error *);

/* The line through N points with costs[i] = *fixed + *slope * sizes[i], as near as can be (least
 * squares) with neither below 0. */
void profile_fit(const double *sizes, const double *costs, size_t n, double *fixed, double *slope);

#endif
