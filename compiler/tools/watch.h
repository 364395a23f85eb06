/* --watch: a command again whenever a file that it read changes. */
#ifndef EPIC_TOOLS_WATCH_H
#define EPIC_TOOLS_WATCH_H

#include "compiler/tools/command.h"

/* Runs C by ONCE until the user interrupts it; returns the last exit code.  ONCE gets options of
 * its own, with an arena of its own, and adds the files that it read to o->read. */
int watch_run(const struct options *, const struct command *,
	      int (*once)(struct options *, const struct command *));

#endif
