/* What a picture keeps when somebody looks at a part of it. */
#ifndef EPIC_DOT_NEAR_H
#define EPIC_DOT_NEAR_H

#include "backends/dot/picture.h"

/* Hides all that is more than DEPTH steps from what is called so: nodes, modules, functions,
 * domains, pipelines, areas, classes, applications.  A flow with all on its way is one step, and so
 * is an edge.  Returns a name that the picture does not have, or NULL. */
const char *near_keep(struct picture *, const struct pic_texts *names, size_t depth);

/* What comes nearest to a name, among those that near_keep knows; with CLUSTERS among frames alone.
 * NULL: nothing is near. */
const char *near_name(const struct picture *, const char *name, bool clusters);

/* "web" for "fw.web": whether NAME means what is called FULL. */
bool near_means(const char *name, const char *full);

#endif
