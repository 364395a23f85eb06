/* Packets of the classes at stated rates, as a device.
 *
 * Open loop: by the time t since the first receive a class with rate r has offered floor(r t)
 * packets, whether somebody takes them or not.  At most `backlog` wait for each receive queue; of
 * what is beyond, every class misses its part.  Who asks gets the classes that have something
 * waiting, in proportion; classes of rate 0, which are given as fast as they are asked for, share
 * in equal parts what room is left.  Within a burst the classes are interleaved.  The flow of a
 * packet is drawn at random.  All of this follows from the seed and the times of asking alone.
 *
 * Each receive queue has its part of the rates and flows of its own (flow i belongs to queue i mod
 * n), so that a flow never changes from one copy of the pipeline to another.  What is sent to the
 * device is counted and freed.
 *
 * It takes the place of a policy's device, be it that this was bound to `generate` (devices_bound)
 * or that the user asks for it: with `device` = devices_count(), devices_add(..., NAME,
 * &generate_ops, generate_open(...)) before anything calls devices_find for NAME. */
#ifndef EPIC_DPDK_GENERATE_H
#define EPIC_DPDK_GENERATE_H

#include "runtime/dpdk/device.h"
#include "runtime/dpdk/filter.h"

enum {
	GENERATE_BACKLOG = 1024,
	GENERATE_FLOWS = 1000,
	GENERATE_FLOWS_MOST = 1 << 20,
	GENERATE_BYTES = 64
};

struct generate_class {
	const char *name;
	unsigned index; /* the caller's; generate_count gives it back */
	double pps;     /* 0: as fast as it is asked for */
	unsigned bytes; /* of a frame without its check sequence; more where the headers need it */
	unsigned n_flows;            /* 0: nothing of this class */
	const struct filter *filter; /* of the class, read on the packet as it enters; NULL: any */
	const char *payload;         /* repeated to the end of each packet; NULL: zeros */
};

struct generate_request {
	struct generate_class *classes; /* not needed after generate_open, nor is what they hold */
	size_t n_classes;
	uint64_t seed;
	unsigned backlog; /* packets for each receive queue; 0: GENERATE_BACKLOG */
	double seconds;   /* after this time nothing more is offered; 0: for ever */
	struct rte_mempool *pool;
	uint64_t hz;     /* of the times that `receive` is given */
	uint16_t device; /* index of the device: devices_count() before devices_add */
	unsigned n_receive, n_send;
};

struct generate_error {
	char text[256];
};

/* Reads what is to be generated: items with commas between them, the later ones winning.
 *
 *	CLASS[=RATE][:SIZE]	this class; without RATE, SIZE those of the plan
 *	all[=RATE][:SIZE]	every class, each at this rate
 *	flows=N			flows of each class (default 1000)
 *	seed=N			another sequence (default 1)
 *	scale=F			all rates times F
 *	time=T			for this time only: 10s
 *	backlog=N		packets that wait at most (default 1024)
 *
 * RATE is a quantity in pps kpps Mpps Gpps, or in bps kbps Mbps Gbps Tbps or B/s kB/s MB/s GB/s of
 * frames of the class's size; or `Fx`, times the plan's rate; or `max`, as fast as it can be taken.
 * SIZE is a quantity in B or kB; T in ns us ms s min h.  `voip=1Mpps,web=2Gbps:900B`,
 * `all:64B,scale=2`, `all=max,flows=10000`.  A class that is called as an option is told from it
 * by its unit: `seed=1` and `seed=1pps`.
 *
 * In: the classes with the plan's name, pps (0: unknown) and bytes (0: unknown, and then 64).  Out:
 * pps, bytes, n_flows, seed, seconds and backlog as asked for; classes that are not mentioned have
 * no flows.  False: *ERROR names the item. */
bool generate_parse(const char *text, struct generate_request *, struct generate_error *);

/* The state for generate_ops; NULL: *ERROR says why, with the class's name. */
void *generate_open(const struct generate_request *, struct generate_error *);

struct generate_count {
	unsigned index;                      /* as in the request */
	uint64_t offered, generated, missed; /* the difference waits */
};

/* Rows are the request's classes that have flows, in its order.  While workers run, a row's
 * numbers belong together up to one burst. */
size_t generate_rows(const void *state);
void generate_count(const void *state, size_t row, struct generate_count *);

extern const struct device_ops generate_ops;

#endif
