/* What the dataplane is doing: a snapshot of all counters, and what two of them say.
 *
 * Taken while workers run; a row's counters belong together up to a burst.  Once the workers are
 * paused all of it is exact: for every class, received + copied + entered = sent + dropped +
 * queued + held + left. */
#ifndef EPIC_DPDK_STATS_H
#define EPIC_DPDK_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dpdk/module.h"

enum { LATENCY_BUCKETS = 512 };

/* Time from entering to leaving in cycles, in buckets of at most 1/16 of their lower end. */
struct latency {
	uint64_t bucket[LATENCY_BUCKETS];
};

void latency_add(struct latency *, uint64_t cycles);
void latency_sum(struct latency *to, const struct latency *);
void latency_minus(struct latency *from, const struct latency *earlier);
/* Which bucket CYCLES belongs to, and with which number of cycles a bucket begins. */
unsigned latency_bucket(uint64_t cycles);
uint64_t latency_begin(unsigned bucket);
uint64_t latency_count(const struct latency *);
/* The middle of the bucket in which the share (0...1) lies; 0 if there is none. */
double latency_at(const struct latency *, double share);

struct stats_worker {
	unsigned index, core, copy;
	uint64_t cycles; /* since the plan is in force */
	uint64_t busy;   /* of them spent on packets */
};

struct stats_task {
	const char *id, *root, *early; /* early: class of its early queue, or NULL */
	unsigned worker, copy;
	double weight; /* the plan's; 0: not below a weighted node */
	int priority;
	uint64_t runs, packets, cycles; /* cycles as charged */
	bool queue;
	uint64_t queued, capacity;    /* now in its queue, or 0 */
	uint64_t enqueued, overflown; /* since the plan is in force */
};

struct stats_module {
	const char *id, *function, *class;
	unsigned copy;
	uint64_t packets;
	uint64_t bytes; /* by the mean size of the sample */
	double cycles;  /* per packet, measured on a sample of bursts; 0: no sample yet */
	double cost_cycles, cost_cycles_per_byte; /* the plan's */
	uint64_t dropped[N_DROP_REASONS], held;
	struct module_counter counters[MODULE_COUNTERS];
	size_t n_counters;
};

/* Rows of classes by name, then `rest` (in no class), then `undecided` (not yet known). */
struct stats_class {
	const char *name;
	uint64_t received, received_bytes;
	uint64_t copied; /* by ->> */
	uint64_t entered,
	    left; /* packets whose class became known on the way: into it, out of it */
	uint64_t sent, sent_bytes; /* left by an exit other than a drop */
	uint64_t queued, held;
	uint64_t dropped[N_DROP_REASONS];
	uint64_t overflown; /* dropped[DROP_QUEUE] */
	double cycles; /* spent on it: packets times measured cycles, summed over the modules */
	double cpu_share, rate_pps; /* predicted; 0: not */
	struct latency latency;
};

struct stats_device {
	const char *name, *kind;
	uint64_t received, sent, missed, refused;
};

struct stats {
	double seconds;                             /* since the plan is in force */
	double hz;                                  /* of the time stamp counter */
	const char *plan, *target, *pipeline, *slo; /* slo may be NULL */
	uint64_t reloads;
	/* Under the plans before, the modules' copies among what was received. */
	uint64_t before_received, before_sent, before_dropped;
	bool paused;
	struct stats_worker *workers;
	size_t n_workers;
	struct stats_task *tasks;
	size_t n_tasks;
	struct stats_module *modules;
	size_t n_modules;
	struct stats_class *classes;
	size_t n_classes;
	struct stats_device *devices;
	size_t n_devices;
	char *texts; /* stats_own_texts */
};

/* Copies all texts but those that are constant; false: no memory. */
bool stats_own_texts(struct stats *);
void stats_free(struct stats *); /* NULL is fine */

#endif
