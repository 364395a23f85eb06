/* The leading criterion as one mixed-integer program, for other solvers.
 *
 * A column v per way, q (0 or 1) per possible queue, e for what a queue costs, d per
 * path under `entitlement`; no product is left.  The statements of
 * all ranks, the tolerance and the queues that priorities force are in it; the order of
 * service and of the later criteria is not, and several workers are one big one: whoever
 * solves it gets a cut, which epic judges. */
#ifndef EPIC_SOLVE_MIP_H
#define EPIC_SOLVE_MIP_H

#include "compiler/solve/demand.h"
#include "compiler/solve/lp.h"

struct lp *mip_make(struct arena *, const struct demand *);
/* "q.fw.fwd", with "@data" behind it in the copy of a class; fits both formats. */
const char *mip_queue_name(struct arena *, const struct net *, uint32_t node);
/* Reads which queues a solution has: lines with a name of a queue and, as the next
 * number, its value.  ROOT per node is set.  False: no queue's name is there. */
bool mip_read(struct arena *, const struct net *, const char *text, bool *root);

#endif
