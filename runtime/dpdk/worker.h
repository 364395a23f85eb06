/* A worker: one core that runs its tasks in the order of its scheduler tree, for ever.
 *
 * A run is charged what it took by the time stamp counter, at most CHARGE_MOST cycles: on a shared
 * core a task that was interrupted would else pay for its neighbour; and of that the part that
 * was its modules' own work, times what the plan gives for queues.  A task is awake while
 * packets wait for it, 32 of them or for a while; a source that finds fewer than that sleeps for a
 * time that doubles each time it finds none.  The main thread pauses workers between two runs,
 * never inside one. */
#ifndef EPIC_DPDK_WORKER_H
#define EPIC_DPDK_WORKER_H

#include "runtime/dpdk/graph.h"
#include "runtime/dpdk/sched.h"

enum worker_order { WORKER_RUN, WORKER_PAUSE, WORKER_STOP };

/* What one worker runs of a graph, and in which order. */
struct worker_plan {
	struct sched *sched;
	struct task **tasks; /* leaf -> task */
	size_t n_tasks;
};

struct worker {
	unsigned index; /* among those of all copies: also its transmit queue */
	unsigned lcore;
	uint64_t hz;
	struct worker_plan plan; /* written by the main thread while the worker is paused */
	/* Atomic. */
	int order;
	int paused; /* it has seen WORKER_PAUSE */
	/* Written by the worker. */
	uint64_t begun; /* time stamp at which it began to run this graph */
	uint64_t busy;  /* cycles spent in runs that found packets */
};

/* The tree of the tasks of worker INDEX.  GRAPH's plan may have no schedule: equal weights then.
 * False: no memory, and nothing is to be freed. */
bool worker_plan(struct worker_plan *, unsigned index, const struct graph *);
void worker_plan_free(struct worker_plan *);
/* Puts the plan in force, which is the worker's from here on.  The worker is paused. */
void worker_set(struct worker *, struct worker_plan);

int worker_main(void *worker); /* for rte_eal_remote_launch */

/* By the main thread, for all N: waits until they are. */
void workers_pause(struct worker *, size_t n);
void workers_resume(struct worker *, size_t n);
void workers_stop(struct worker *, size_t n);

/* What runs without its feeders: runs all tasks until no packet is in a queue, deepest first, so
 * that no queue overflows.  Workers are paused; the caller is the main thread. */
void graph_drain(struct graph *);

#endif
