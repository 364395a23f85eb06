/* Step 1 of judging a flow: what the two domains say (doc/language.md 5.2). */
#ifndef EPIC_SOLVE_RULES_H
#define EPIC_SOLVE_RULES_H

#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"

/* Fills in the deciders of V; if a domain stops FLOW also `failed`, `status`,
 * `code` and `example`, by the first domain that does (that of the source is
 * asked first).  Returns whether the flow may pass. */
bool rules_judge(struct arena *, const struct ir *, const struct ir_flow *, struct verdict *);

/* Whether a rule of one of the flow's domains speaks of the flow: of its ends, its label and some of
 * its packets. */
bool rules_meet(const struct ir *, const struct ir_rule *, const struct ir_flow *);

/* The rule or default that stops a flow which rules_judge refused. */
const struct decider *rules_refusal(const struct verdict *);

#endif
