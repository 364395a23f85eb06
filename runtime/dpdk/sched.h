/* The scheduler tree of one worker (doc/plan.md, "tree"): which task runs next.
 *
 * A priority node serves its best child that has something to do.  A weighted node shares cycles:
 * each child has a virtual time that grows with the cycles it was charged, divided by its weight,
 * and the one that is furthest behind runs (start-time fair queueing, Goyal, Vin and Cheng 1996,
 * with the length of a packet being cycles).  Only leaves that are awake are looked at.  One that
 * wakes up may lag behind the others by at most SCHED_CREDIT cycles: so a task whose queue runs
 * empty now and then still gets its share, and a task that was idle for long does not starve
 * the others when it comes back.
 *
 * Plain C, no locks, nothing is allocated after sched_new. */
#ifndef EPIC_DPDK_SCHED_H
#define EPIC_DPDK_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCHED_NONE = -1 };

/* Cycles of the whole worker. */
#define SCHED_CREDIT 1e6

enum sched_kind { SCHED_PRIORITY, SCHED_WEIGHTED, SCHED_LEAF };

/* Nodes in any order but the root first; PARENT is an index, of the root -1. */
struct sched_node {
	enum sched_kind kind;
	int parent;
	int rank;      /* below a priority node: 0 first; any distinct numbers */
	double weight; /* below a weighted node: above 0, in any unit */
	int leaf;      /* SCHED_LEAF: what sched_pick returns, 0 ... number of leaves - 1 */
};

struct sched;

/* All leaves are asleep.  NULL: no memory, or no tree. */
struct sched *sched_new(const struct sched_node *, size_t n);
void sched_free(struct sched *); /* NULL is fine */

void sched_wake(struct sched *, int leaf);
void sched_sleep(struct sched *, int leaf);
bool sched_is_awake(const struct sched *, int leaf);

/* The leaf that is due, or SCHED_NONE if all are asleep.  It stays where it is until charged. */
int sched_pick(const struct sched *);
/* LEAF ran for CYCLES. */
void sched_charge(struct sched *, int leaf, double cycles);

#endif
