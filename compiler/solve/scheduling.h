/* Scheduling: from an slo to tasks, weights and priorities (doc/language.md 5.5).
 *
 * Alpine (chapter 5 of "An Architecture for Network Function Virtualization")
 * without its products: the unknowns are the service multipliers v, and every
 * quantity that a statement speaks of is linear in them. */
#ifndef EPIC_SOLVE_SCHEDULING_H
#define EPIC_SOLVE_SCHEDULING_H

#include "compiler/base/ctx.h"
#include "compiler/ir/ir.h"
#include "compiler/ir/schedule.h"

enum sched_partition {
	PARTITION_AUTO,
	PARTITION_NONE,     /* run to completion */
	PARTITION_FRONT,    /* a classifier with one queue per class */
	PARTITION_BRANCHES, /* a queue at every branch */
};

enum sched_formulation { FORMULATION_COMPACT, FORMULATION_PAPER };

struct sched_options {
	enum sched_partition partition;
	enum sched_formulation formulation;
	double time_limit; /* seconds; 0: none */
	double gap;        /* accepted without further search */
	const char *joined;   /* a module before which no queue may be put; NULL: none */
	const char *solution; /* what another solver said of schedule_program; NULL: none */
	bool timings;         /* the time may be written down */
	/* called about ten times a second while solving; NULL: no one asks.  False stops
	 * the search, which keeps the best answer. */
	bool (*progress)(void *data, double seconds, bool found, double value, double bound);
	void *data;
};

/* The tasks of TARGET, which enforces an slo on one pipeline.  Findings (E07xx, W0702,
 * notes) are added to the diagnostics if REPORT.  Never NULL. */
struct schedule *schedule_solve(struct ctx *, const struct ir *, uint32_t target,
				const struct sched_options *, bool report);

/* The leading criterion as text, CPLEX LP or free MPS (mip.h), into the file PATH; the
 * parted model if only that is due.  False: errno tells. */
bool schedule_program(struct ctx *, const struct ir *, uint32_t target, bool mps, const char *path);

/* Recomputes everything from roots, copies, workers and service alone and compares it with what the
 * schedule claims and what the slo demands.  NULL if all holds, else what does not.
 * Shares no code with the solver. */
const char *schedule_check(struct arena *, const struct ir *, const struct schedule *);

#endif
