/* Made-up statistics, for tests of how they are told: every counter grows with STEP by an amount
 * of its own, one step is one second. */
#ifndef EPIC_UNIT_MADE_STATS_H
#define EPIC_UNIT_MADE_STATS_H

#include "runtime/dpdk/stats.h"

/* stats_free frees it; its texts are constants.  Exits with 99 if memory is exhausted. */
struct stats *made_stats(unsigned step);

#endif
