#include <config.h>

#include "runtime/dpdk/stats_fields.h"

#include <string.h>

#define FIELD(row, kind, name)                                           \
	{                                                                \
#name, STATS_##kind, offsetof(struct row, name), 0, NULL \
	}
#define ROWS(name, fields)                                                                         \
	{                                                                                          \
#name, STATS_ROWS, offsetof(struct stats, name), offsetof(struct stats, n_##name), \
		    &fields                                                                        \
	}
#define FIELDS(fields, row)                                                  \
	{                                                                    \
		fields, sizeof(fields) / sizeof(*fields), sizeof(struct row) \
	}

static const struct stats_field worker_fields[] = {
	FIELD(stats_worker, COUNT, busy),     FIELD(stats_worker, UNSIGNED, copy),
	FIELD(stats_worker, UNSIGNED, core),  FIELD(stats_worker, COUNT, cycles),
	FIELD(stats_worker, UNSIGNED, index),
};

static const struct stats_field task_fields[] = {
	FIELD(stats_task, COUNT, capacity),  FIELD(stats_task, UNSIGNED, copy),
	FIELD(stats_task, COUNT, cycles),    FIELD(stats_task, TEXT_OR_NULL, early),
	FIELD(stats_task, COUNT, enqueued),  FIELD(stats_task, TEXT, id),
	FIELD(stats_task, COUNT, overflown), FIELD(stats_task, COUNT, packets),
	FIELD(stats_task, INT, priority),    FIELD(stats_task, TRUTH, queue),
	FIELD(stats_task, COUNT, queued),    FIELD(stats_task, TEXT, root),
	FIELD(stats_task, COUNT, runs),      FIELD(stats_task, NUMBER, weight),
	FIELD(stats_task, UNSIGNED, worker),
};

static const struct stats_field module_fields[] = {
	FIELD(stats_module, COUNT, bytes),
	FIELD(stats_module, TEXT, class),
	FIELD(stats_module, UNSIGNED, copy),
	FIELD(stats_module, NUMBER, cost_cycles),
	FIELD(stats_module, NUMBER, cost_cycles_per_byte),
	FIELD(stats_module, COUNTERS, counters),
	FIELD(stats_module, NUMBER, cycles),
	FIELD(stats_module, DROPS, dropped),
	FIELD(stats_module, TEXT, function),
	FIELD(stats_module, COUNT, held),
	FIELD(stats_module, TEXT, id),
	FIELD(stats_module, COUNT, packets),
};

static const struct stats_field class_fields[] = {
	FIELD(stats_class, COUNT, copied),    FIELD(stats_class, NUMBER, cpu_share),
	FIELD(stats_class, NUMBER, cycles),   FIELD(stats_class, DROPS, dropped),
	FIELD(stats_class, COUNT, entered),   FIELD(stats_class, COUNT, held),
	FIELD(stats_class, LATENCY, latency), FIELD(stats_class, COUNT, left),
	FIELD(stats_class, TEXT, name),       FIELD(stats_class, COUNT, overflown),
	FIELD(stats_class, COUNT, queued),    FIELD(stats_class, NUMBER, rate_pps),
	FIELD(stats_class, COUNT, received),  FIELD(stats_class, COUNT, received_bytes),
	FIELD(stats_class, COUNT, sent),      FIELD(stats_class, COUNT, sent_bytes),
};

static const struct stats_field device_fields[] = {
	FIELD(stats_device, TEXT, kind),     FIELD(stats_device, COUNT, missed),
	FIELD(stats_device, TEXT, name),     FIELD(stats_device, COUNT, received),
	FIELD(stats_device, COUNT, refused), FIELD(stats_device, COUNT, sent),
};

static const struct stats_fields worker_rows = FIELDS(worker_fields, stats_worker);
static const struct stats_fields task_rows = FIELDS(task_fields, stats_task);
static const struct stats_fields module_rows = FIELDS(module_fields, stats_module);
static const struct stats_fields class_rows = FIELDS(class_fields, stats_class);
static const struct stats_fields device_rows = FIELDS(device_fields, stats_device);

static const struct stats_field top_fields[] = {
	FIELD(stats, COUNT, before_dropped), FIELD(stats, COUNT, before_received),
	FIELD(stats, COUNT, before_sent),    ROWS(classes, class_rows),
	ROWS(devices, device_rows),          FIELD(stats, NUMBER, hz),
	ROWS(modules, module_rows),          FIELD(stats, TRUTH, paused),
	FIELD(stats, TEXT, pipeline),        FIELD(stats, TEXT, plan),
	FIELD(stats, COUNT, reloads),        { "schema", STATS_CONSTANT, 0, 0, NULL },
	FIELD(stats, NUMBER, seconds),       FIELD(stats, TEXT_OR_NULL, slo),
	FIELD(stats, TEXT, target),          ROWS(tasks, task_rows),
	ROWS(workers, worker_rows),
};

const struct stats_fields stats_fields = FIELDS(top_fields, stats);

void stats_reasons(enum drop_reason sorted[N_DROP_REASONS])
{
	for (size_t n = 0; n < N_DROP_REASONS; n++) {
		size_t i = n;

		for (; i && strcmp(drop_reason_name((enum drop_reason)n),
				   drop_reason_name(sorted[i - 1])) < 0;
		     i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = (enum drop_reason)n;
	}
}
