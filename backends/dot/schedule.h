/* What the drawings of schedules share: their frame, the colours of tasks, and words. */
#ifndef EPIC_DOT_SCHEDULE_H
#define EPIC_DOT_SCHEDULE_H

#include "backends/dot/draw.h"

/* Light letters can be read on STRONG, dark ones on PALE, in grey too. */
struct tint {
	const char *strong, *pale;
};
struct tint tint_of(size_t task); /* by its place in the schedule; repeats after a while */

/* A view of schedules.  PUT draws one that has tasks into its frame; the ids of its nodes begin
 * with s<NUMBER>_, so that they differ from those of others. */
struct schedule_view {
	const char *more; /* attributes of the graph, ", a=b" */
	void (*put_legend)(FILE *, const struct rplan_plan *);
	void (*put)(struct picture *, struct pic_item *frame, size_t number);
};
void draw_schedules(struct picture *, const struct schedule_view *);

bool has_ranks(const struct rplan_schedule *);   /* some tasks come before others */
bool has_weights(const struct rplan_schedule *); /* some tasks share by weight */
/* Whether one of the plan's schedules is such. */
bool any_schedule(const struct rplan_plan *, bool (*is_such)(const struct rplan_schedule *));

/* The row of a legend that explains v, unless no schedule has tasks. */
void put_service_row(FILE *, const struct rplan_plan *);

/* "0.546", "2.71", "0.00916": three digits that count, without trailing zeros. */
void put_significant(FILE *, double);
void put_percent(FILE *, double share);               /* "56.2 %" from 0.562 */
void put_count(FILE *, int64_t n, const char *thing); /* "1 task", "2 tasks" */

#endif
