/* A worker: one core that runs its tasks in the order of its scheduler tree, for ever.
 *
 * What a run of a task took by the time stamp counter is charged to it, at most CHARGE_MOST
 * cycles: on a shared core a task that was interrupted would else pay for its neighbour.  A task
 * is awake while packets wait for it; a source that finds fewer packets than a burst sleeps for a
 * while that doubles each time it finds none.  The main thread pauses workers between two runs,
 * never inside one. */
#ifndef EPIC_DPDK_WORKER_H
#define EPIC_DPDK_WORKER_H

#include "runtime/dpdk/graph.h"
#include "runtime/dpdk/sched.h"

enum worker_order { WORKER_RUN, WORKER_PAUSE, WORKER_STOP };

struct worker {
	unsigned index; /* among those of all copies: also its transmit queue */
	unsigned lcore;
	uint64_t hz;
	/* Written by the main thread while the worker is paused. */
	struct sched *sched;
	struct task **tasks; /* leaf -> task */
	size_t n_tasks;
	struct task **watched; /* sources, holders, and queues that other workers fill */
	int *watched_leaf;
	size_t n_watched;
	/* Atomic. */
	int order;
	int paused; /* it has seen WORKER_PAUSE */
	/* Written by the worker. */
	uint64_t begun; /* time stamp at which it began to run this graph */
	uint64_t busy;	/* cycles spent in runs that found packets */
	uint64_t now;
};

/* The tree of the worker's tasks.  GRAPH's plan may have no schedule: equal weights then.  The
 * worker is paused.  False: no memory. */
bool worker_set(struct worker *, const struct graph *);
void worker_unset(struct worker *);

int worker_main(void *worker); /* for rte_eal_remote_launch */

/* By the main thread, for all N: waits until they are. */
void workers_pause(struct worker *, size_t n);
void workers_resume(struct worker *, size_t n);
void workers_stop(struct worker *, size_t n);

/* What runs without its feeders: runs all tasks until no packet is in a queue, deepest first, so
 * that no queue overflows.  Workers are paused; the caller is the main thread. */
void graph_drain(struct graph *);

#endif
