/* NAME.bess: a script for bessd, run by `bessctl run file` (doc/language.md 6).
 *
 * Plain Python: ports, modules, the rules of matchers, wires, workers, the scheduler tree,
 * tasks.  What it sets up was decided, and what BESS cannot do refused, when the plan was
 * made (compiler/plan/bess_layout.h). */
#ifndef EPIC_BACKEND_BESS_H
#define EPIC_BACKEND_BESS_H

#include "backends/backend.h"

extern const struct backend backend_bess;

#endif
