/* The dataplane's state through rte_telemetry: /epic/info, /epic/workers, /epic/tasks,
 * /epic/classes, /epic/queues, /epic/shares, /epic/drops, /epic/devices.
 *
 * A list gives the names of its rows, and with a name as parameter that row; shares give the rows
 * themselves while they fit into a reply.  Rows that exist more than once are called NAME/COPY
 * from the second copy on. */
#ifndef EPIC_DPDK_TELEMETRY_H
#define EPIC_DPDK_TELEMETRY_H

#include <stdbool.h>

#include "runtime/dpdk/stats.h"

/* FN takes a snapshot, which stats_free frees, or returns NULL.  It is called on the EAL's
 * telemetry thread, one call at a time; after telemetry_register(NULL, NULL) has returned no
 * longer.  False: the EAL does not take the commands. */
bool telemetry_register(struct stats *(*fn)(void *arg), void *arg);

#endif
