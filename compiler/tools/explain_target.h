#ifndef EPIC_TOOLS_EXPLAIN_TARGET_H
#define EPIC_TOOLS_EXPLAIN_TARGET_H

#include "compiler/tools/command.h"

/* What the backend of a target costs: a proxy side by side with the other ways to build it, a
 * pipeline by its schedule.  Warns where the choice contradicts what the flows need.  False:
 * there is no such target, reported.  The policy has its plan. */
bool explain_target(struct run *, struct policy *, const char *name, struct sink *);

#endif
