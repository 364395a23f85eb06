/* NAME.plan: the plan as deterministic CBOR (RFC 8949, 4.2.1) under tag 55799, the form that
 * programs read; grammar/plan.cddl describes it. */
#ifndef EPIC_BACKEND_CBOR_H
#define EPIC_BACKEND_CBOR_H

#include <stdbool.h>

#include "compiler/base/sink.h"
#include "compiler/plan/plan.h"

/* Appends the whole file.  False, and nothing is written: the plan holds a text that is
 * not UTF-8, or nests deeper than PLAN_DEPTH. */
bool cbor_emit(const struct plan *, struct sink *);

#endif
