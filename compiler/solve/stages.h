/* Priorities: the order in which classes are served (doc/language.md 5.5). */
#ifndef EPIC_SOLVE_STAGES_H
#define EPIC_SOLVE_STAGES_H

#include "compiler/solve/net.h"

/* Sets the stage of every named class, and the number of stages. */
void stages_assign(struct arena *, struct net *);

#endif
