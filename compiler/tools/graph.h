/* Running epic-graph. */
#ifndef EPIC_TOOLS_GRAPH_H
#define EPIC_TOOLS_GRAPH_H

#include "compiler/tools/command.h"

/* Draws a plan file; VIEW NULL leaves the choice to epic-graph.  Returns its exit
 * code, or 5 if the program is missing (said). */
int graph_run(struct run *, const char *plan, const char *view, const char *form, const char *output);

#endif
