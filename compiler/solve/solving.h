/* What the files that solve one target share. */
#ifndef EPIC_SOLVE_SOLVING_H
#define EPIC_SOLVE_SOLVING_H

#include "compiler/base/ctx.h"
#include "compiler/ir/schedule.h"
#include "compiler/solve/search.h"
#include "compiler/solve/separate.h"

struct solving {
	struct ctx *ctx;
	struct arena *arena;
	const struct ir *ir;
	const struct ir_target *target;
	const struct ir_slo *slo;
	const struct sched_options *options;
	bool any;          /* any answer will do */
	struct cut_search search;
	bool must_part;    /* a priority would have no effect otherwise */
	bool plain_failed; /* nothing without parting */
	bool separable;    /* headers tell the classes apart */
	struct class_overlap overlap; /* unless separable */
	const char *wrong;   /* what the checker found */
	bool solution_read;  /* the solution from outside names queues */
	const char *refusal; /* why the published formulation, or that solution, is no answer */
};

/* Plain, parted or both, as the slo asks (doc/language.md 5.5, "Classifying early"). */
void solving_run(struct solving *);
/* Findings and notes about a schedule. */
void schedule_report(struct solving *, struct schedule *); /* verdict.c */

#endif
