/* A first answer for trees, in microseconds.
 *
 * Where each class has one path and one exit, and one cpu ratio names them all, walk
 * down from the source: a task takes the multiplier that the exit with the most time
 * still due needs, the branch to that exit goes on in the task, and every other
 * branch begins its own.  The shared beginning works no more than any answer must,
 * so every exit gets the most that the ratio allows. */
#ifndef EPIC_SOLVE_GREEDY_H
#define EPIC_SOLVE_GREEDY_H

#include "compiler/solve/demand.h"

struct greedy {
	bool *root;          /* per node */
	struct rat *service; /* per way */
	struct rat rate;     /* of all named classes */
	double limit;        /* no answer delivers more, whatever its queues */
};

/* False: the net is no such tree, or an exit would fall below the floor. */
bool greedy_cut(struct arena *, const struct demand *, struct greedy *);

#endif
