#ifndef EPIC_TOOLS_EXPLAIN_SLO_H
#define EPIC_TOOLS_EXPLAIN_SLO_H

#include "compiler/tools/command.h"

/* What each statement gets and forces, on every target that enforces the slo, or else as
 * if the first one did that could.  False: there is none, reported.  The policy has its
 * schedules; findings are added to its diagnostics. */
bool explain_slo(struct run *, struct policy *, const char *name, struct sink *);
/* Why a queue stands before a module, and what it costs.  False: none does, reported. */
bool explain_queue(struct run *, struct policy *, const char *module, struct sink *);

#endif
