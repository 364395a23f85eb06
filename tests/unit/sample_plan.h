/* A plan that has every row, every kind of key and every null, for the tests of those who write
 * and read plans.  Static: the same plan for all. */
#ifndef EPIC_SAMPLE_PLAN_H
#define EPIC_SAMPLE_PLAN_H

#include "compiler/plan/plan.h"

const struct plan *sample_plan(void);

#endif
