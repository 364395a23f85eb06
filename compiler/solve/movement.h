/* Movement of data: rules, areas, bridges (doc/language.md 5.2; EPI framework,
 * section III, equation 5).
 *
 * `movement_judge` looks at one flow by itself: rules, direct movement, minimal
 * bridges, order, pairs, labels.  `movement_choose` picks the bridges of all flows
 * together, which adds the capacity of the proxies.  Both are exact and
 * deterministic. */
#ifndef EPIC_SOLVE_MOVEMENT_H
#define EPIC_SOLVE_MOVEMENT_H

#include "compiler/base/ctx.h"
#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"

/* The areas of all endpoints; by attributes, then nodes sorted. */
struct area *areas_compute(struct arena *, const struct ir *, size_t *n);

/* One flow alone; FLOW need not be one of IR's.  Capacity is not looked at.  The
 * bridge is the best one for OBJECTIVE. */
struct verdict movement_judge(struct ctx *, const struct ir *, const struct ir_flow *flow,
			      enum ir_objective objective);

/* All flows of IR, with capacity if WITH_CAPACITY (the joint choice). */
struct solution *movement_choose(struct ctx *, const struct ir *, bool with_capacity);

/* All minimal legal bridges of one flow, best first, at most LIMIT (0: all).
 * *TRUNCATED tells whether there are more. */
struct bridge *movement_bridges(struct ctx *, const struct ir *, const struct ir_flow *,
				enum ir_objective, size_t limit, size_t *n, bool *truncated);

/* Reports every failed verdict as a diagnostic with the facts that language.md 8
 * and cli.md ask for. */
void movement_report(struct ctx *, const struct ir *, const struct solution *);

#endif
