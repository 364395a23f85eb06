/* Puts many boxes into one. */
#ifndef EPIC_DOT_FOLD_H
#define EPIC_DOT_FOLD_H

#include "backends/dot/picture.h"

/* The frames of that name, each with all in it, become one box; lines to the same places become
 * one, with a count.  False: no frame is called so. */
bool fold_frames(struct picture *, const char *name);

/* Folds until people can read the picture, and adds a note that says so: domains, then areas or
 * pipelines, then all but the busiest boxes.  Leaves small pictures as they are. */
void fold_crowd(struct picture *);

#endif
