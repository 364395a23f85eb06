/* From a plan that was read back to what the backends take.
 *
 * The rows are copied; what a plan does not write down is found again: filters from their texts,
 * modules from their names, which edge was `otherwise` from its being the rest of the others.
 * Where two edges are each the rest of the other, both readings are possible: a guess of the
 * caller's settles it. */
#ifndef EPIC_TOOLS_PLAN_AGAIN_H
#define EPIC_TOOLS_PLAN_AGAIN_H

#include "backends/backend.h"
#include "compiler/base/ctx.h"
#include "compiler/base/map.h"
#include "compiler/plan/plan.h"
#include "runtime/plan/plan.h"

struct plan_again {
	struct ctx *ctx;
	struct plan *plan;
	struct ir *ir;       /* fields, pipelines and packet targets only */
	const char *trouble; /* not NULL: it cannot be done, and why */
};

/* NAME.plan is the file that the plan was read from. */
struct plan_again plan_again(struct ctx *, const struct rplan_plan *, const char *name);

/* A module whose `otherwise` is open, and how many readings there are. */
size_t plan_again_open(const struct plan_again *, struct ir_pipeline *, uint32_t module);
/* Takes the READING-th one: 0 is no `otherwise` at all. */
void plan_again_choose(struct plan_again *, struct ir_pipeline *, uint32_t module, size_t reading);

/* The files of one target, written anew.  False: the backend refuses the plan; its messages are
 * in ctx->diags. */
bool plan_again_emit(struct plan_again *, size_t target, struct output_files *);

#endif
