/* launch.json: what epic-dpdkd is started with (doc/plan.md).
 *
 * The schedule and the graph are in the plan; this file says where the plan lies, for which
 * target it is read, on which cores and with which devices. */
#ifndef EPIC_BACKEND_DPDK_H
#define EPIC_BACKEND_DPDK_H

#include "backends/backend.h"

extern const struct backend backend_dpdk;

#endif
