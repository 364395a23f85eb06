#include <config.h>

#include "tests/unit/made_stats.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_WORKERS = 2, N_TASKS = 12, N_CLASSES = 4, N_MODULES = 5, N_DEVICES = 3 };

static const double hz = 2e9;

static void *rows(size_t n, size_t size)
{
	void *made = calloc(n, size);

	if (!made) {
		fputs("memory is exhausted\n", stderr);
		exit(99);
	}
	return made;
}

/* Worker 0 is busy half of its time, worker 1 a quarter. */
static void make_workers(struct stats *s, unsigned step)
{
	s->workers = rows(s->n_workers = N_WORKERS, sizeof(*s->workers));
	for (unsigned i = 0; i < N_WORKERS; i++)
		s->workers[i] = (struct stats_worker){
			.index = i,
			.core = 2 * i + 1,
			.copy = i,
			.cycles = (uint64_t)(hz * step),
			.busy = (uint64_t)(hz * step / (2 << i)),
		};
}

/* Tasks of even number on worker 0; they share what it is busy with by their numbers. */
static void make_tasks(struct stats *s, unsigned step)
{
	static const char *const ids[N_TASKS] = { "t11", "t10", "t9", "t8", "t7", "t6",
						  "t5",  "t4",  "t3", "t2", "t1", "t0" };

	s->tasks = rows(s->n_tasks = N_TASKS, sizeof(*s->tasks));
	for (unsigned i = 0; i < N_TASKS; i++)
		s->tasks[i] = (struct stats_task){
			.id = ids[i],
			.root = "edge.firewall_of_a_rather_long_name",
			.early = i == 1 ? "web" : NULL,
			.worker = i % 2,
			.copy = i % 2,
			.weight = i < 2 ? 0 : 0.2,
			.priority = i < 2 ? -1 : 0,
			.runs = 100 * step,
			.packets = 1000 * step * (i + 1),
			.cycles = 8000000ull * step * (i + 1),
			.queue = i > 1,
			.queued = i > 1 ? 64 * i : 0,
			.capacity = i > 1 ? 1024 : 0,
			.enqueued = i > 1 ? 1000 * step * (i + 1) : 0,
			.overflown = i > 1 ? step * i : 0,
		};
}

static void make_modules(struct stats *s, unsigned step)
{
	static const char *const ids[N_MODULES] = { "edge.in", "edge.nat", "edge.ids", "edge.out",
						    "edge.nat" };

	s->modules = rows(s->n_modules = N_MODULES, sizeof(*s->modules));
	for (unsigned i = 0; i < N_MODULES; i++) {
		struct stats_module *m = &s->modules[i];

		*m = (struct stats_module){
			.id = ids[i],
			.function = "std.nat",
			.class = "nat",
			.copy = i == 4,
			.packets = 12340ull * step * i,
			.bytes = 12340ull * step * i * 100,
			.cycles = 33.5 * i,
			.cost_cycles = 20,
			.cost_cycles_per_byte = 0.135,
			.held = i,
		};
		m->dropped[DROP_REFUSED] = 7 * step * i;
		m->counters[0] = (struct module_counter){ "translated", 5 * step };
		m->counters[1] = (struct module_counter){ "flows", 17 };
		m->n_counters = i == 1 ? 2 : 0;
	}
}

static void make_latency(struct latency *l, unsigned step, unsigned i)
{
	for (unsigned k = 1; k <= 1000 * step; k++)
		latency_add(l, 2000ull * (k % 1000) * (i + 1));
}

static void make_classes(struct stats *s, unsigned step)
{
	static const char *const names[N_CLASSES] = { "edge.\"bulk\\mail\"", "web", "rest",
						      "undecided" };

	s->classes = rows(s->n_classes = N_CLASSES, sizeof(*s->classes));
	for (unsigned i = 0; i < N_CLASSES; i++) {
		struct stats_class *c = &s->classes[i];

		*c = (struct stats_class){
			.name = names[i],
			.received = 1000000ull * step * (i + 1),
			.received_bytes = 64000000ull * step * (i + 1),
			.copied = 3 * step,
			.entered = 4 * step,
			.left = 5 * step,
			.sent = 900000ull * step * (i + 1),
			.sent_bytes = 57600000ull * step * (i + 1),
			.queued = 10 + i,
			.held = i == 3 ? (uint64_t)-1 : i, /* a moment between two workers */
			.cycles = 1e8 * step * (i + 1),
			.cpu_share = i < 2 ? 0.1 + 0.1 * i : 0,
			.rate_pps = i < 2 ? 1e6 : 0,
		};
		for (unsigned why = 0; why < N_DROP_REASONS; why++)
			c->dropped[why] = i == 2 ? 0 : (why + 1) * 10 * step;
		c->overflown = c->dropped[DROP_QUEUE];
		make_latency(&c->latency, step, i);
	}
}

static void make_devices(struct stats *s, unsigned step)
{
	static const char *const names[N_DEVICES] = { "lan", "wan", "trace" };
	static const char *const kinds[N_DEVICES] = { "net_null", "net_af_packet", "replay" };

	s->devices = rows(s->n_devices = N_DEVICES, sizeof(*s->devices));
	for (unsigned i = 0; i < N_DEVICES; i++)
		s->devices[i] = (struct stats_device){
			.name = names[i],
			.kind = kinds[i],
			.received = 5000ull * step * i,
			.sent = 4000ull * step * i,
			.missed = step * i,
			.refused = 2 * step * i,
		};
}

struct stats *made_stats(unsigned step)
{
	struct stats *s = rows(1, sizeof(*s));

	*s = (struct stats){ .seconds = step,
			     .hz = hz,
			     .plan = "site.plan",
			     .target = "edge.box",
			     .pipeline = "edge.fast",
			     .slo = NULL,
			     .reloads = 1 };
	make_workers(s, step);
	make_tasks(s, step);
	make_modules(s, step);
	make_classes(s, step);
	make_devices(s, step);
	return s;
}
