/* Any bytes as a policy: read, checked, and if sound taken through movement to the plan. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "compiler/check/check.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "compiler/solve/movement.h"
#include "compiler/solve/scheduling.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What the commands ask before they go on: nothing of the families E00 to E05. */
static bool is_sound(const struct ctx *ctx)
{
	for (size_t i = 0; i < ctx->diags.list.n; i++)
		if (ctx->diags.list.at[i]->code < E0601)
			return false;
	return true;
}

static struct schedule **schedules_of(struct ctx *ctx, const struct ir *ir)
{
	static const struct sched_options options = { .time_limit = 0.1 };
	struct schedule **schedules = arena_many(ctx->arena, struct schedule *, ir->n_targets);

	for (uint32_t i = 0; i < ir->n_targets; i++)
		if (ir->targets[i].enforce != ID_NONE && ir->targets[i].pipelines.n == 1)
			schedules[i] = schedule_solve(ctx, ir, i, &options, true);
	return schedules;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* With a standard library, policies that use it get farther. */
	const struct search search = { .std = getenv("EPIC_FUZZ_STD") };
	struct ctx *ctx = ctx_new();
	struct model *m = check_text(ctx, (const char *)bytes, size, &search);

	if (m && is_sound(ctx)) {
		struct ir *ir = lower(m);
		struct solution *s;

		ir_verify(ir);
		s = movement_choose(ctx, ir, true);
		movement_report(ctx, ir, s);
		plan_build(ctx, ir, s, schedules_of(ctx, ir));
	}
	diag_finish(&ctx->diags);
	ctx_free(ctx);
	return 0;
}
