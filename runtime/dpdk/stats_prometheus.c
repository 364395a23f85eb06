#include <config.h>

#include "runtime/dpdk/stats_forms.h"

#include <math.h>
#include <stdio.h>

#define PREFIX "epic_dpdkd_"
#define ARRAY(a) a, sizeof(a) / sizeof(*(a))

enum { MOST_LABELS = 6, NUMBER_SIZE = 12 };

/* What lies at a family's offset, and how it is told. */
enum form {
	FORM_COUNT,         /* uint64_t */
	FORM_CYCLES,        /* uint64_t, told in seconds */
	FORM_CYCLES_NUMBER, /* the same of a double */
	FORM_NUMBER,        /* double */
	FORM_INT
};

struct family {
	const char *name;
	enum prometheus_kind kind;
	enum form form;
	size_t offset;
	const char *help;
};

struct labels {
	const char *at[2 * MOST_LABELS + 1]; /* ends with NULL */
	size_t n;
	char numbers[MOST_LABELS][NUMBER_SIZE];
};

/* Families of the rows of one array. */
struct group {
	const struct family *families;
	size_t n;
	size_t offset, offset_n, size; /* of the array in struct stats, of one row */
	void (*label)(const void *row, struct labels *);
	bool (*is_told)(const void *row); /* NULL: every row */
};

static void add_label(struct labels *l, const char *name, const char *value)
{
	l->at[l->n++] = name;
	l->at[l->n++] = value;
	l->at[l->n] = NULL;
}

static void add_number(struct labels *l, const char *name, unsigned value)
{
	char *number = l->numbers[l->n / 2];

	snprintf(number, NUMBER_SIZE, "%u", value);
	add_label(l, name, number);
}

/* ---- rows ---- */

#define COUNTER(row, form, member, name, help)                                                   \
	{                                                                                        \
		PREFIX name, PROMETHEUS_COUNTER, FORM_##form, offsetof(struct row, member), help \
	}
#define GAUGE(row, form, member, name, help)                                                   \
	{                                                                                      \
		PREFIX name, PROMETHEUS_GAUGE, FORM_##form, offsetof(struct row, member), help \
	}

static const struct family worker_families[] = {
	COUNTER(stats_worker, CYCLES, cycles, "worker_seconds_total",
		"Time since the plan is in force."),
	COUNTER(stats_worker, CYCLES, busy, "worker_busy_seconds_total",
		"Time that the worker spent on packets."),
};

static const struct family task_families[] = {
	COUNTER(stats_task, COUNT, runs, "task_runs_total", "How often the task was run."),
	COUNTER(stats_task, COUNT, packets, "task_packets_total", "Packets that the task took."),
	COUNTER(stats_task, CYCLES, cycles, "task_seconds_total", "Time charged to the task."),
	GAUGE(stats_task, NUMBER, weight, "task_weight",
	      "The plan's weight; 0 if the task is not below a weighted node."),
	GAUGE(stats_task, INT, priority, "task_priority", "The plan's priority."),
};

static const struct family queue_families[] = {
	GAUGE(stats_task, COUNT, queued, "queue_packets", "Packets now in the task's queue."),
	GAUGE(stats_task, COUNT, capacity, "queue_capacity_packets",
	      "Packets that the queue has room for."),
	COUNTER(stats_task, COUNT, enqueued, "queue_enqueued_packets_total",
		"Packets that were put into the queue."),
	COUNTER(stats_task, COUNT, overflown, "queue_overflown_packets_total",
		"Packets lost because the queue was full."),
};

static const struct family class_families[] = {
	COUNTER(stats_class, COUNT, received, "class_received_packets_total", "Packets come in."),
	COUNTER(stats_class, COUNT, received_bytes, "class_received_bytes_total", "Bytes come in."),
	COUNTER(stats_class, COUNT, copied, "class_copied_packets_total", "Copies made."),
	COUNTER(stats_class, COUNT, entered, "class_entered_packets_total",
		"Packets that turned out to belong to the class on their way."),
	COUNTER(stats_class, COUNT, left, "class_left_packets_total",
		"Packets that turned out to belong to another class on their way."),
	COUNTER(stats_class, COUNT, sent, "class_sent_packets_total",
		"Packets that left by an exit other than a drop."),
	COUNTER(stats_class, COUNT, sent_bytes, "class_sent_bytes_total",
		"Bytes that left by an exit other than a drop."),
	GAUGE(stats_class, COUNT, queued, "class_queued_packets", "Packets now in queues."),
	GAUGE(stats_class, COUNT, held, "class_held_packets", "Packets now held by modules."),
	COUNTER(stats_class, CYCLES_NUMBER, cycles, "class_cpu_seconds_total",
		"Time spent on the class: packets times the measured time of each module."),
	GAUGE(stats_class, NUMBER, cpu_share, "class_predicted_cpu_ratio",
	      "Share of the time that the plan predicts; 0 if it predicts none."),
	GAUGE(stats_class, NUMBER, rate_pps, "class_predicted_packets_per_second",
	      "Rate that the plan predicts; 0 if it predicts none."),
};

static const struct family module_families[] = {
	COUNTER(stats_module, COUNT, packets, "module_packets_total", "Packets handled."),
	COUNTER(stats_module, COUNT, bytes, "module_bytes_total", "Bytes handled."),
	GAUGE(stats_module, CYCLES_NUMBER, cycles, "module_packet_seconds",
	      "Time per packet, measured on a sample; 0 if there is none yet."),
	GAUGE(stats_module, CYCLES_NUMBER, cost_cycles, "module_planned_packet_seconds",
	      "Time per packet as the plan has it, without its part per byte."),
	GAUGE(stats_module, CYCLES_NUMBER, cost_cycles_per_byte, "module_planned_byte_seconds",
	      "Time per byte as the plan has it."),
	GAUGE(stats_module, COUNT, held, "module_held_packets", "Packets now held."),
};

static const struct family device_families[] = {
	COUNTER(stats_device, COUNT, received, "device_received_packets_total",
		"Packets taken from the device."),
	COUNTER(stats_device, COUNT, sent, "device_sent_packets_total",
		"Packets that the device took."),
	COUNTER(stats_device, COUNT, missed, "device_missed_packets_total",
		"Packets that came in while the device's ring was full."),
	COUNTER(stats_device, COUNT, refused, "device_refused_packets_total",
		"Packets that the device did not take."),
};

static void label_worker(const void *row, struct labels *l)
{
	const struct stats_worker *w = row;

	add_number(l, "worker", w->index);
	add_number(l, "core", w->core);
	add_number(l, "copy", w->copy);
}

static void label_task(const void *row, struct labels *l)
{
	const struct stats_task *t = row;

	add_label(l, "task", t->id);
	add_number(l, "worker", t->worker);
	add_number(l, "copy", t->copy);
	add_label(l, "class", t->early ? t->early : "");
}

/* A queue is called as the task that it stands in front of. */
static void label_queue(const void *row, struct labels *l)
{
	label_task(row, l);
	l->at[0] = "queue";
}

static bool has_queue(const void *row)
{
	return ((const struct stats_task *)row)->queue;
}

static void label_class(const void *row, struct labels *l)
{
	add_label(l, "class", ((const struct stats_class *)row)->name);
}

static void label_module(const void *row, struct labels *l)
{
	const struct stats_module *m = row;

	add_label(l, "module", m->id);
	add_number(l, "copy", m->copy);
}

static void label_device(const void *row, struct labels *l)
{
	add_label(l, "device", ((const struct stats_device *)row)->name);
}

#define GROUP(families, rows, row, label, told)                                                  \
	{                                                                                        \
		ARRAY(families), offsetof(struct stats, rows), offsetof(struct stats, n_##rows), \
		    sizeof(struct row), label, told                                              \
	}

static const struct group groups[] = {
	GROUP(worker_families, workers, stats_worker, label_worker, NULL),
	GROUP(task_families, tasks, stats_task, label_task, NULL),
	GROUP(queue_families, tasks, stats_task, label_queue, has_queue),
	GROUP(class_families, classes, stats_class, label_class, NULL),
	GROUP(module_families, modules, stats_module, label_module, NULL),
	GROUP(device_families, devices, stats_device, label_device, NULL),
};

/* While workers run, a sum of their counters may be a moment below zero. */
static double count_of(uint64_t n)
{
	return n > INT64_MAX ? 0 : (double)n;
}

static double seconds_of(double cycles, double hz)
{
	return hz > 0 ? cycles / hz : 0;
}

static double value_of(const struct family *f, const char *row, double hz)
{
	const void *at = row + f->offset;

	switch (f->form) {
	case FORM_COUNT:
		return count_of(*(const uint64_t *)at);
	case FORM_CYCLES:
		return seconds_of(count_of(*(const uint64_t *)at), hz);
	case FORM_CYCLES_NUMBER:
		return seconds_of(*(const double *)at, hz);
	case FORM_NUMBER:
		return *(const double *)at;
	case FORM_INT:
		return *(const int *)at;
	}
	return NAN;
}

static void tell_family(struct text *t, const struct stats *s, const struct group *g,
			const struct family *f)
{
	const char *rows = *(const char *const *)((const char *)s + g->offset);
	size_t n = *(const size_t *)((const char *)s + g->offset_n);

	prometheus_family(t, f->name, f->kind, f->help);
	for (size_t i = 0; i < n; i++) {
		const char *row = rows + i * g->size;
		struct labels l = { .n = 0 };

		if (g->is_told && !g->is_told(row))
			continue;
		g->label(row, &l);
		prometheus_sample(t, f->name, value_of(f, row, s->hz), l.at);
	}
}

/* ---- what is no plain row ---- */

static void tell_one(struct text *t, const char *name, enum prometheus_kind kind, const char *help,
		     double value)
{
	const char *const none[] = { NULL };

	prometheus_family(t, name, kind, help);
	prometheus_sample(t, name, value, none);
}

static void tell_plan(struct text *t, const struct stats *s)
{
	const char *const info[] = { "plan",     s->plan,     "target", s->target,
				     "pipeline", s->pipeline, "slo",    s->slo ? s->slo : "",
				     NULL };

	prometheus_family(t, PREFIX "info", PROMETHEUS_GAUGE, "What is run; the value is 1.");
	prometheus_sample(t, PREFIX "info", 1, info);
	tell_one(t, PREFIX "plan_age_seconds", PROMETHEUS_GAUGE, "Time since the plan is in force.",
		 s->seconds);
	tell_one(t, PREFIX "reloads_total", PROMETHEUS_COUNTER,
		 "Plans that were put in the place of another.", count_of(s->reloads));
	tell_one(t, PREFIX "paused", PROMETHEUS_GAUGE, "1 while the workers are paused.",
		 s->paused);
	tell_one(t, PREFIX "clock_hertz", PROMETHEUS_GAUGE, "Frequency of the time stamp counter.",
		 s->hz);
}

static void tell_drops(struct text *t, const char *name, const uint64_t dropped[N_DROP_REASONS],
		       struct labels *l)
{
	enum drop_reason why;
	size_t n = l->n;

	for (why = 0; why < N_DROP_REASONS; why++) {
		l->n = n;
		add_label(l, "reason", drop_reason_name(why));
		prometheus_sample(t, name, count_of(dropped[why]), l->at);
	}
}

static void tell_class_drops(struct text *t, const struct stats *s)
{
	const char *name = PREFIX "class_dropped_packets_total";

	prometheus_family(t, name, PROMETHEUS_COUNTER,
			  "Packets that ended; reason exit is no loss but the policy's will.");
	for (size_t i = 0; i < s->n_classes; i++) {
		struct labels l = { .n = 0 };

		label_class(&s->classes[i], &l);
		tell_drops(t, name, s->classes[i].dropped, &l);
	}
}

static void tell_module_drops(struct text *t, const struct stats *s)
{
	const char *name = PREFIX "module_dropped_packets_total";

	prometheus_family(t, name, PROMETHEUS_COUNTER, "Packets that ended in or behind a module.");
	for (size_t i = 0; i < s->n_modules; i++) {
		struct labels l = { .n = 0 };

		label_module(&s->modules[i], &l);
		tell_drops(t, name, s->modules[i].dropped, &l);
	}
}

static void tell_module_counters(struct text *t, const struct stats *s)
{
	const char *name = PREFIX "module_state";

	prometheus_family(t, name, PROMETHEUS_GAUGE, "What the module counts itself.");
	for (size_t i = 0; i < s->n_modules; i++) {
		const struct stats_module *m = &s->modules[i];

		for (size_t k = 0; k < m->n_counters; k++) {
			struct labels l = { .n = 0 };

			label_module(m, &l);
			add_label(&l, "counter", m->counters[k].name);
			prometheus_sample(t, name, count_of(m->counters[k].value), l.at);
		}
	}
}

/* Of the middles of the buckets. */
static double latency_total(const struct latency *l)
{
	double sum = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		sum += (double)l->bucket[i] *
		       ((double)latency_begin(i) + (double)latency_begin(i + 1) - 1) / 2;
	return sum;
}

static void tell_class_latency(struct text *t, const char *name, const struct stats_class *c,
			       double hz)
{
	static const struct {
		double share;
		const char *label;
	} points[] = {
		{ 0.5, "0.5" }, { 0.9, "0.9" }, { 0.99, "0.99" }, { 0.999, "0.999" }, { 1, "1" }
	};
	const char *const plain[] = { "class", c->name, NULL };
	uint64_t n = latency_count(&c->latency);
	char part[128];

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		const char *const labels[] = { "class", c->name, "quantile", points[i].label,
					       NULL };
		double cycles = latency_at(&c->latency, points[i].share);

		prometheus_sample(t, name, n ? seconds_of(cycles, hz) : NAN, labels);
	}
	snprintf(part, sizeof(part), "%s_sum", name);
	prometheus_sample(t, part, seconds_of(latency_total(&c->latency), hz), plain);
	snprintf(part, sizeof(part), "%s_count", name);
	prometheus_sample(t, part, (double)n, plain);
}

static void tell_latency(struct text *t, const struct stats *s)
{
	const char *name = PREFIX "class_latency_seconds";

	prometheus_family(t, name, PROMETHEUS_SUMMARY,
			  "Time from entering to leaving, since the plan is in force.");
	for (size_t i = 0; i < s->n_classes; i++)
		tell_class_latency(t, name, &s->classes[i], s->hz);
}

void stats_prometheus(struct text *t, const struct stats *s)
{
	tell_plan(t, s);
	for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++)
		for (size_t f = 0; f < groups[g].n; f++)
			tell_family(t, s, &groups[g], &groups[g].families[f]);
	tell_class_drops(t, s);
	tell_latency(t, s);
	tell_module_drops(t, s);
	tell_module_counters(t, s);
}
