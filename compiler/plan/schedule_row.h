/* A schedule as the row of the plan. */
#ifndef EPIC_PLAN_SCHEDULE_ROW_H
#define EPIC_PLAN_SCHEDULE_ROW_H

#include "compiler/plan/plan.h"

struct plan_schedule schedule_row(struct arena *, const struct ir *, const struct schedule *);

#endif
