/* A schedule as the row of the plan. */
#ifndef EPIC_PLAN_SCHEDULE_ROW_H
#define EPIC_PLAN_SCHEDULE_ROW_H

#include "compiler/plan/plan.h"

/* The cores of the workers of one copy. */
struct plan_ints plan_cores(struct arena *, const struct ir_target *);
struct plan_schedule schedule_row(struct arena *, const struct ir *, const struct schedule *);

#endif
