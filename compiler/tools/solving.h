/* Commands that solve schedules: interruption, progress, notes. */
#ifndef EPIC_TOOLS_SOLVING_H
#define EPIC_TOOLS_SOLVING_H

#include "compiler/tools/command.h"

/* From now on the first Ctrl-C stops the solver, which keeps its best answer, and the
 * second ends the program; after two seconds a terminal sees how far it is. */
void solving_watch(struct run *, struct options *);
/* What was decided beside what was asked, for people. */
void solving_notes(struct run *, const struct policy *);

/* From now on the first Ctrl-C is only noted, the second ends the program. */
void solving_count_interrupts(void);
bool solving_interrupted(void);

#endif
