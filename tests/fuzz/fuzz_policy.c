/* Any bytes as a policy: read, checked, and if sound taken through movement to the plan. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "compiler/check/check.h"
#include "compiler/lower/lower.h"
#include "compiler/plan/plan.h"
#include "compiler/solve/movement.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What the commands ask before they go on: nothing of the families E00 to E05. */
static bool is_sound(const struct ctx *ctx)
{
	for (size_t i = 0; i < ctx->diags.list.n; i++)
		if (ctx->diags.list.at[i]->code < E0601)
			return false;
	return true;
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
		plan_build(ctx, ir, s);
	}
	diag_finish(&ctx->diags);
	ctx_free(ctx);
	return 0;
}
