/* plan.json: the plan as JSON, for people and for scripts (doc/plan.md). */
#ifndef EPIC_BACKEND_JSON_H
#define EPIC_BACKEND_JSON_H

#include <stdbool.h>

#include "compiler/base/sink.h"
#include "compiler/plan/plan.h"

/* Appends the whole file.  False, and nothing is written: the plan holds a text that is
 * not UTF-8, or nests deeper than PLAN_DEPTH. */
bool json_emit(const struct plan *, struct sink *);

#endif
