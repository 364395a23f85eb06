/* The forms in which the dataplane tells its state. */
#ifndef EPIC_DPDK_STATS_FORMS_H
#define EPIC_DPDK_STATS_FORMS_H

#include <stddef.h>

#include "runtime/core/text.h"
#include "runtime/dpdk/stats.h"

/* One object on one line, schema "epic.dpdkd/1"; keys are sorted.  All of *S is in it. */
void stats_json(struct text *, const struct stats *);
/* Families epic_dpdkd_...; counters begin anew with every plan. */
void stats_prometheus(struct text *, const struct stats *);

/* What happened between EARLIER and NOW; with EARLIER NULL, or of another plan, since the plan is
 * in force.  As tables at most WIDTH wide (0: any width), or line by line with `key=value` and
 * plain numbers: packets, cycles and seconds. */
void stats_human(struct text *, const struct stats *earlier, const struct stats *now, size_t width);
void stats_lines(struct text *, const struct stats *earlier, const struct stats *now);

#endif
