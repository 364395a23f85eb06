#include <config.h>

#include "runtime/dpdk/stats_forms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/table.h"

/* Two snapshots of one plan; rows of the earlier are found by what they are called. */
struct view {
	const struct stats *then; /* NULL: counters began at 0 */
	const struct stats *now;
	double seconds; /* between them */
};

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* A new plan counts from 0 again. */
static struct view view_of(const struct stats *earlier, const struct stats *now)
{
	struct view v = { earlier, now, now->seconds };

	if (!earlier || earlier->reloads != now->reloads || earlier->seconds >= now->seconds ||
	    !is_same(earlier->plan, now->plan) || !is_same(earlier->target, now->target))
		v.then = NULL;
	else
		v.seconds -= earlier->seconds;
	return v;
}

static double difference(uint64_t now, uint64_t then)
{
	return now > then ? (double)(now - then) : 0;
}

/* NaN, which a table shows as unknown, where there is nothing to divide by. */
static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

static double rate(const struct view *v, uint64_t now, uint64_t then)
{
	return ratio(difference(now, then), v->seconds);
}

/* ---- rows of the earlier snapshot; all zero where there is none ---- */

static struct stats_worker worker_then(const struct view *v, const struct stats_worker *now)
{
	for (size_t i = 0; v->then && i < v->then->n_workers; i++)
		if (v->then->workers[i].index == now->index)
			return v->then->workers[i];
	return (struct stats_worker){ 0 };
}

static struct stats_task task_then(const struct view *v, const struct stats_task *now)
{
	for (size_t i = 0; v->then && i < v->then->n_tasks; i++) {
		const struct stats_task *t = &v->then->tasks[i];

		if (t->worker == now->worker && t->copy == now->copy && is_same(t->id, now->id) &&
		    is_same(t->early, now->early))
			return *t;
	}
	return (struct stats_task){ 0 };
}

static const struct stats_module *module_then(const struct view *v, const struct stats_module *now)
{
	static const struct stats_module none;

	for (size_t i = 0; v->then && i < v->then->n_modules; i++)
		if (v->then->modules[i].copy == now->copy &&
		    is_same(v->then->modules[i].id, now->id))
			return &v->then->modules[i];
	return &none;
}

static const struct stats_class *class_then(const struct view *v, const struct stats_class *now)
{
	static const struct stats_class none;

	for (size_t i = 0; v->then && i < v->then->n_classes; i++)
		if (is_same(v->then->classes[i].name, now->name))
			return &v->then->classes[i];
	return &none;
}

static struct stats_device device_then(const struct view *v, const struct stats_device *now)
{
	for (size_t i = 0; v->then && i < v->then->n_devices; i++)
		if (is_same(v->then->devices[i].name, now->name))
			return v->then->devices[i];
	return (struct stats_device){ 0 };
}

/* ---- tables ---- */

struct head {
	const char *key, *head;
	enum table_align align;
};

static struct table *begin(const char *title, const struct head *heads, size_t n)
{
	struct table *t = table_new(title);

	for (size_t i = 0; i < n; i++)
		table_column(t, heads[i].key, heads[i].head, heads[i].align);
	return t;
}

#define BEGIN(title, heads) begin(title, heads, sizeof(heads) / sizeof(*(heads)))

static struct table *worker_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "worker", "WORKER", TABLE_RIGHT },
		{ "core", "core", TABLE_RIGHT },
		{ "copy", "copy", TABLE_RIGHT },
		{ "load", "load", TABLE_RIGHT },
		{ "busy_cps", "busy cycles/s", TABLE_RIGHT },
	};
	struct table *t = BEGIN("worker", heads);

	for (size_t i = 0; i < v->now->n_workers; i++) {
		const struct stats_worker *w = &v->now->workers[i];
		struct stats_worker then = worker_then(v, w);

		table_number(t, w->index);
		table_number(t, w->core);
		table_number(t, w->copy);
		table_bar(
		    t, ratio(difference(w->busy, then.busy), difference(w->cycles, then.cycles)));
		table_number(t, rate(v, w->busy, then.busy));
	}
	return t;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct stats_task *s = *(const struct stats_task *const *)a;
	const struct stats_task *t = *(const struct stats_task *const *)b;

	if (s->worker != t->worker)
		return s->worker < t->worker ? -1 : 1;
	if (strcmp(s->id, t->id))
		return strverscmp(s->id, t->id); /* t2 before t10 */
	if (s->copy != t->copy)
		return s->copy < t->copy ? -1 : 1;
	return strcmp(s->early ? s->early : "", t->early ? t->early : "");
}

/* Cycles that the worker spent on packets. */
static double busy_of(const struct view *v, unsigned worker)
{
	for (size_t i = 0; i < v->now->n_workers; i++)
		if (v->now->workers[i].index == worker)
			return difference(v->now->workers[i].busy,
					  worker_then(v, &v->now->workers[i]).busy);
	return 0;
}

static void task_row(const struct view *v, const struct stats_task *now, struct table *t)
{
	struct stats_task then = task_then(v, now);
	double cycles = difference(now->cycles, then.cycles);

	table_number(t, now->worker);
	table_text(t, now->id);
	table_number(t, now->copy);
	table_text(t, now->root);
	table_text(t, now->early);
	table_number(t, now->priority);
	table_share(t, now->weight > 0 ? now->weight : NAN);
	table_share(t, ratio(cycles, busy_of(v, now->worker)));
	table_number(t, rate(v, now->packets, then.packets));
	table_number(t, ratio(cycles, difference(now->packets, then.packets)));
	table_bar(t, now->queue ? ratio((double)now->queued, (double)now->capacity) : NAN);
	table_number(t, now->queue ? rate(v, now->overflown, then.overflown) : NAN);
}

static struct table *task_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "worker", "WORKER", TABLE_RIGHT }, { "task", "TASK", TABLE_LEFT },
		{ "copy", "copy", TABLE_RIGHT },     { "root", "root", TABLE_LEFT },
		{ "class", "class", TABLE_LEFT },    { "priority", "prio", TABLE_RIGHT },
		{ "weight", "weight", TABLE_RIGHT }, { "share", "share", TABLE_RIGHT },
		{ "pps", "packets/s", TABLE_RIGHT }, { "cycles", "cycles/packet", TABLE_RIGHT },
		{ "queue", "queue", TABLE_RIGHT },   { "drops_pps", "drops/s", TABLE_RIGHT },
	};
	size_t n = v->now->n_tasks;
	const struct stats_task **sorted = calloc(n ? n : 1, sizeof(*sorted));
	struct table *t = sorted ? BEGIN("task", heads) : NULL;

	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = &v->now->tasks[i];
	if (sorted)
		qsort(sorted, n, sizeof(*sorted), compare_tasks);
	for (size_t i = 0; sorted && i < n; i++)
		task_row(v, sorted[i], t);
	free(sorted);
	return t;
}

/* What the policy's `drop` ended is no loss. */
static uint64_t losses(const uint64_t dropped[N_DROP_REASONS])
{
	uint64_t n = 0;

	for (size_t i = 0; i < N_DROP_REASONS; i++)
		n += i == DROP_EXIT ? 0 : dropped[i];
	return n;
}

static double all_cycles(const struct view *v)
{
	double sum = 0;

	for (size_t i = 0; i < v->now->n_classes; i++)
		sum +=
		    fmax(0, v->now->classes[i].cycles - class_then(v, &v->now->classes[i])->cycles);
	return sum;
}

static void class_row(const struct view *v, const struct stats_class *now, double all,
		      struct table *t)
{
	static const double points[] = { 0.5, 0.99, 0.999, 1 };
	const struct stats_class *then = class_then(v, now);
	struct latency latency = now->latency;
	double sent = rate(v, now->sent, then->sent);

	latency_minus(&latency, &then->latency);
	table_text(t, now->name);
	table_number(t, rate(v, now->received, then->received));
	table_number(t, sent);
	table_number(t, rate(v, losses(now->dropped), losses(then->dropped)));
	table_number(t, rate(v, now->dropped[DROP_EXIT], then->dropped[DROP_EXIT]));
	table_share(t, ratio(fmax(0, now->cycles - then->cycles), all));
	table_share(t, now->cpu_share > 0 ? now->cpu_share : NAN);
	table_number(t, now->rate_pps > 0 ? now->rate_pps : NAN);
	table_share(t, ratio(sent, now->rate_pps));
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		table_time(t, latency_count(&latency)
				  ? ratio(latency_at(&latency, points[i]), v->now->hz)
				  : NAN);
}

static struct table *class_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "class", "CLASS", TABLE_LEFT },
		{ "received_pps", "received/s", TABLE_RIGHT },
		{ "sent_pps", "sent/s", TABLE_RIGHT },
		{ "lost_pps", "lost/s", TABLE_RIGHT },
		{ "ended_pps", "drop/s", TABLE_RIGHT },
		{ "share", "cycles", TABLE_RIGHT },
		{ "plan_share", "plan", TABLE_RIGHT },
		{ "plan_pps", "plan/s", TABLE_RIGHT },
		{ "of_plan", "of plan", TABLE_RIGHT },
		{ "p50_s", "p50", TABLE_RIGHT },
		{ "p99_s", "p99", TABLE_RIGHT },
		{ "p999_s", "p99.9", TABLE_RIGHT },
		{ "max_s", "max", TABLE_RIGHT },
	};
	struct table *t = BEGIN("class", heads);
	double all = all_cycles(v);

	for (size_t i = 0; i < v->now->n_classes; i++)
		class_row(v, &v->now->classes[i], all, t);
	return t;
}

/* Only reasons that a packet was met by. */
static struct table *drop_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "class", "DROPS OF CLASS", TABLE_LEFT },
		{ "reason", "reason", TABLE_LEFT },
		{ "pps", "packets/s", TABLE_RIGHT },
		{ "packets", "packets", TABLE_RIGHT },
	};
	struct table *t = BEGIN("drop", heads);

	for (size_t i = 0; i < v->now->n_classes; i++) {
		const struct stats_class *now = &v->now->classes[i], *then = class_then(v, now);

		for (size_t why = 0; why < N_DROP_REASONS; why++) {
			if (!now->dropped[why])
				continue;
			table_text(t, now->name);
			table_text(t, drop_reason_name((enum drop_reason)why));
			table_number(t, rate(v, now->dropped[why], then->dropped[why]));
			table_number(t, (double)now->dropped[why]);
		}
	}
	return t;
}

/* "flows=12 translated=3" */
static void counters_cell(const struct stats_module *m, struct table *t)
{
	struct text s = { 0 };

	for (size_t i = 0; i < m->n_counters; i++) {
		text_printf(&s, "%s%s=", i ? "," : "", m->counters[i].name);
		text_printf(&s, "%llu", (unsigned long long)m->counters[i].value);
	}
	table_text(t, s.at);
	text_free(&s);
}

static void module_row(const struct view *v, const struct stats_module *now, struct table *t)
{
	const struct stats_module *then = module_then(v, now);
	double packets = difference(now->packets, then->packets);
	double size = packets > 0 ? difference(now->bytes, then->bytes) / packets : 0;
	double cost = now->cost_cycles + now->cost_cycles_per_byte * size;
	bool measured = now->cycles > 0;

	table_text(t, now->id);
	table_number(t, now->copy);
	table_number(t, ratio(packets, v->seconds));
	table_number(t, size > 0 ? size : NAN);
	table_number(t, measured ? now->cycles : NAN);
	table_number(t, cost > 0 ? cost : NAN);
	table_share(t, measured ? ratio(now->cycles, cost) : NAN);
	table_number(t, rate(v, losses(now->dropped), losses(then->dropped)));
	table_number(t, now->held > INT64_MAX ? 0 : (double)now->held);
	counters_cell(now, t);
}

static struct table *module_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "module", "MODULE", TABLE_LEFT },
		{ "copy", "copy", TABLE_RIGHT },
		{ "pps", "packets/s", TABLE_RIGHT },
		{ "bytes", "bytes", TABLE_RIGHT },
		{ "cycles", "cycles/packet", TABLE_RIGHT },
		{ "plan_cycles", "plan", TABLE_RIGHT },
		{ "of_plan", "of plan", TABLE_RIGHT },
		{ "lost_pps", "lost/s", TABLE_RIGHT },
		{ "held", "held", TABLE_RIGHT },
		{ "counters", "counters", TABLE_LEFT },
	};
	struct table *t = BEGIN("module", heads);

	for (size_t i = 0; i < v->now->n_modules; i++)
		module_row(v, &v->now->modules[i], t);
	return t;
}

static struct table *device_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "device", "DEVICE", TABLE_LEFT },
		{ "kind", "kind", TABLE_LEFT },
		{ "received_pps", "received/s", TABLE_RIGHT },
		{ "sent_pps", "sent/s", TABLE_RIGHT },
		{ "missed_pps", "missed/s", TABLE_RIGHT },
		{ "refused_pps", "refused/s", TABLE_RIGHT },
	};
	struct table *t = BEGIN("device", heads);

	for (size_t i = 0; i < v->now->n_devices; i++) {
		const struct stats_device *d = &v->now->devices[i];
		struct stats_device then = device_then(v, d);

		table_text(t, d->name);
		table_text(t, d->kind);
		table_number(t, rate(v, d->received, then.received));
		table_number(t, rate(v, d->sent, then.sent));
		table_number(t, rate(v, d->missed, then.missed));
		table_number(t, rate(v, d->refused, then.refused));
	}
	return t;
}

static struct table *(*const tables[])(const struct view *) = {
	worker_table, task_table, class_table, drop_table, module_table, device_table,
};

enum { N_TABLES = sizeof(tables) / sizeof(*tables) };

static void put_title(struct text *out, const struct view *v, size_t width)
{
	const struct stats *s = v->now;
	struct text line = { 0 };

	text_printf(&line, "%s%s of %s, target %s, slo %s, reloads %llu; ",
		    s->paused ? "PAUSED: " : "", s->pipeline, s->plan, s->target,
		    s->slo ? s->slo : "-", (unsigned long long)s->reloads);
	if (v->then)
		text_printf(&line, "the last %.2f s", v->seconds);
	else
		text_printf(&line, "%.2f s since the plan is in force", v->seconds);
	out->failed = out->failed || line.failed;
	text_cut(out, line.at ? line.at : "", width ? width : line.n);
	text_puts(out, "\n");
	text_free(&line);
}

void stats_human(struct text *out, const struct stats *earlier, const struct stats *now,
		 size_t width)
{
	struct view v = view_of(earlier, now);

	put_title(out, &v, width);
	for (size_t i = 0; i < N_TABLES; i++) {
		struct table *t = tables[i](&v);

		if (!t || table_rows(t))
			text_puts(out, "\n");
		table_draw(t, width, out);
		table_free(t);
	}
}

static struct table *plan_table(const struct view *v)
{
	static const struct head heads[] = {
		{ "plan", "PLAN", TABLE_LEFT },         { "target", "target", TABLE_LEFT },
		{ "pipeline", "pipeline", TABLE_LEFT }, { "slo", "slo", TABLE_LEFT },
		{ "paused", "paused", TABLE_RIGHT },    { "reloads", "reloads", TABLE_RIGHT },
		{ "age_s", "age", TABLE_RIGHT },        { "over_s", "over", TABLE_RIGHT },
	};
	struct table *t = BEGIN("plan", heads);

	table_text(t, v->now->plan);
	table_text(t, v->now->target);
	table_text(t, v->now->pipeline);
	table_text(t, v->now->slo);
	table_number(t, v->now->paused);
	table_number(t, (double)v->now->reloads);
	table_number(t, v->now->seconds);
	table_number(t, v->seconds);
	return t;
}

void stats_lines(struct text *out, const struct stats *earlier, const struct stats *now)
{
	struct view v = view_of(earlier, now);
	struct table *t = plan_table(&v);

	table_lines(t, out);
	table_free(t);
	for (size_t i = 0; i < N_TABLES; i++) {
		t = tables[i](&v);
		table_lines(t, out);
		table_free(t);
	}
}
