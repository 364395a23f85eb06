#include <config.h>

#include "runtime/dpdk/telemetry.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rte_telemetry.h>

#include "runtime/core/table.h"

/* A reply has 16 kB, or it is null; this many rows of shares fit surely. */
enum { MOST_ROWS = 40, NAME_SIZE = RTE_TEL_MAX_STRING_LEN };

/* rte_telemetry hands its callbacks no argument, so these are the only variables of the runtime. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stats *(*snapshot)(void *);
static void *snapshot_arg;

/* ---- members ---- */

static void put_count(struct rte_tel_data *d, const char *name, uint64_t n)
{
	rte_tel_data_add_dict_u64(d, name, n > INT64_MAX ? 0 : n);
}

/* The middle is left out of what a reply has no room for. */
static void put_text(struct rte_tel_data *d, const char *name, const char *s)
{
	struct text cut = { 0 };

	text_cut(&cut, s ? s : "", NAME_SIZE - 1);
	rte_tel_data_add_dict_string(d, name, cut.at ? cut.at : "");
	text_free(&cut);
}

/* There are no fractions here: millionths. */
static uint64_t millionths(double part, double whole)
{
	return whole > 0 && part > 0 ? (uint64_t)llround(part / whole * 1e6) : 0;
}

static uint64_t rounded(double value)
{
	return value > 0 && isfinite(value) ? (uint64_t)llround(value) : 0;
}

static void put_ns(struct rte_tel_data *d, const char *name, const struct stats *s,
		   const struct stats_class *c, double share)
{
	put_count(d, name, s->hz > 0 ? rounded(latency_at(&c->latency, share) / s->hz * 1e9) : 0);
}

static double all_cycles(const struct stats *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_classes; i++)
		sum += s->classes[i].cycles;
	return sum;
}

/* ---- rows ---- */

static void put_worker(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_worker *w = &s->workers[i];

	put_count(d, "index", w->index);
	put_count(d, "core", w->core);
	put_count(d, "copy", w->copy);
	put_count(d, "cycles", w->cycles);
	put_count(d, "busy", w->busy);
	put_count(d, "load_millionths", millionths((double)w->busy, (double)w->cycles));
}

static void put_queue(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_task *t = &s->tasks[i];

	put_text(d, "task", t->id);
	put_count(d, "queued", t->queued);
	put_count(d, "capacity", t->capacity);
	put_count(d, "enqueued", t->enqueued);
	put_count(d, "overflown", t->overflown);
}

static void put_task(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_task *t = &s->tasks[i];

	put_text(d, "id", t->id);
	put_text(d, "root", t->root);
	put_text(d, "early", t->early);
	put_count(d, "worker", t->worker);
	put_count(d, "copy", t->copy);
	put_count(d, "weight_millionths", millionths(t->weight, 1));
	rte_tel_data_add_dict_int(d, "priority", t->priority);
	put_count(d, "runs", t->runs);
	put_count(d, "packets", t->packets);
	put_count(d, "cycles", t->cycles);
	put_count(d, "queued", t->queued);
	put_count(d, "overflown", t->overflown);
}

static void put_drops(struct rte_tel_data *d, const uint64_t dropped[N_DROP_REASONS])
{
	for (size_t i = 0; i < N_DROP_REASONS; i++)
		put_count(d, drop_reason_name((enum drop_reason)i), dropped[i]);
}

static void put_class_drops(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	put_drops(d, s->classes[i].dropped);
}

static void put_class(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_class *c = &s->classes[i];

	put_text(d, "name", c->name);
	put_count(d, "received", c->received);
	put_count(d, "received_bytes", c->received_bytes);
	put_count(d, "copied", c->copied);
	put_count(d, "entered", c->entered);
	put_count(d, "left", c->left);
	put_count(d, "sent", c->sent);
	put_count(d, "sent_bytes", c->sent_bytes);
	put_count(d, "queued", c->queued);
	put_count(d, "held", c->held);
	put_count(d, "overflown", c->overflown);
	put_count(d, "cycles", rounded(c->cycles));
	put_ns(d, "latency_p50_ns", s, c, 0.5);
	put_ns(d, "latency_p99_ns", s, c, 0.99);
	put_ns(d, "latency_max_ns", s, c, 1);
}

static void put_share(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_class *c = &s->classes[i];

	put_text(d, "class", c->name);
	put_count(d, "share_millionths", millionths(c->cycles, all_cycles(s)));
	put_count(d, "plan_millionths", millionths(c->cpu_share, 1));
	put_count(d, "sent_pps", s->seconds > 0 ? rounded((double)c->sent / s->seconds) : 0);
	put_count(d, "plan_pps", rounded(c->rate_pps));
}

static void put_device(struct rte_tel_data *d, const struct stats *s, size_t i)
{
	const struct stats_device *v = &s->devices[i];

	put_text(d, "name", v->name);
	put_text(d, "kind", v->kind);
	put_count(d, "received", v->received);
	put_count(d, "sent", v->sent);
	put_count(d, "missed", v->missed);
	put_count(d, "refused", v->refused);
}

/* ---- names ---- */

static size_t count_workers(const struct stats *s)
{
	return s->n_workers;
}

static size_t count_tasks(const struct stats *s)
{
	return s->n_tasks;
}

static size_t count_classes(const struct stats *s)
{
	return s->n_classes;
}

static size_t count_devices(const struct stats *s)
{
	return s->n_devices;
}

static bool name_worker(const struct stats *s, size_t i, struct text *name)
{
	text_printf(name, "%u", s->workers[i].index);
	return true;
}

static bool name_task(const struct stats *s, size_t i, struct text *name)
{
	text_puts(name, s->tasks[i].id);
	if (s->tasks[i].copy)
		text_printf(name, "/%u", s->tasks[i].copy);
	return true;
}

static bool name_queue(const struct stats *s, size_t i, struct text *name)
{
	return s->tasks[i].queue && name_task(s, i, name);
}

static bool name_class(const struct stats *s, size_t i, struct text *name)
{
	text_puts(name, s->classes[i].name);
	return true;
}

static bool name_device(const struct stats *s, size_t i, struct text *name)
{
	text_puts(name, s->devices[i].name);
	return true;
}

struct list {
	const char *command, *help;
	size_t (*count)(const struct stats *);
	bool (*name)(const struct stats *, size_t, struct text *); /* false: no row of this list */
	void (*put)(struct rte_tel_data *, const struct stats *, size_t);
};

static const struct list lists[] = {
	{ "/epic/workers", "Workers, or one. Parameters: [WORKER]", count_workers, name_worker,
	  put_worker },
	{ "/epic/tasks", "Tasks, or one. Parameters: [TASK]", count_tasks, name_task, put_task },
	{ "/epic/classes", "Classes, or one. Parameters: [CLASS]", count_classes, name_class,
	  put_class },
	{ "/epic/queues", "Tasks with queues, or one queue. Parameters: [TASK]", count_tasks,
	  name_queue, put_queue },
	{ "/epic/shares", "Shares of cycles against the plan. Parameters: [CLASS]", count_classes,
	  name_class, put_share },
	{ "/epic/drops", "Drops by reason, of all or one. Parameters: [CLASS]", count_classes,
	  name_class, put_class_drops },
	{ "/epic/devices", "Devices, or one. Parameters: [DEVICE]", count_devices, name_device,
	  put_device },
};

enum { N_LISTS = sizeof(lists) / sizeof(*lists) };

static int reply_names(const struct list *l, const struct stats *s, struct rte_tel_data *d)
{
	int code = rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);

	for (size_t i = 0; i < l->count(s) && !code; i++) {
		struct text name = { 0 }, cut = { 0 };

		if (l->name(s, i, &name) && name.at) {
			text_cut(&cut, name.at, NAME_SIZE - 1);
			code = rte_tel_data_add_array_string(d, cut.at ? cut.at : "");
		}
		text_free(&name);
		text_free(&cut);
	}
	/* What does not fit is left out; whoever knows its name may still ask for it. */
	return code == -ENOSPC ? 0 : code;
}

static int reply_row(const struct list *l, const struct stats *s, const char *wanted,
		     struct rte_tel_data *d)
{
	for (size_t i = 0; i < l->count(s); i++) {
		struct text name = { 0 };
		bool found = l->name(s, i, &name) && name.at && !strcmp(name.at, wanted);

		text_free(&name);
		if (!found)
			continue;
		rte_tel_data_start_dict(d);
		l->put(d, s, i);
		return 0;
	}
	return -ENOENT;
}

/* Lists may not hold rows in this DPDK, and names of classes are no keys: rows by number. */
static int reply_shares(const struct list *l, const struct stats *s, struct rte_tel_data *d)
{
	int code = 0;

	if (s->n_classes > MOST_ROWS)
		return reply_names(l, s, d);
	rte_tel_data_start_dict(d);
	for (size_t i = 0; i < s->n_classes && !code; i++) {
		struct rte_tel_data *row = rte_tel_data_alloc();
		char number[24];

		if (!row)
			return -ENOMEM;
		rte_tel_data_start_dict(row);
		put_share(row, s, i);
		snprintf(number, sizeof(number), "%zu", i);
		code = rte_tel_data_add_dict_container(d, number, row, 0);
		if (code)
			rte_tel_data_free(row);
	}
	return code;
}

static int reply_drops(const struct stats *s, struct rte_tel_data *d)
{
	uint64_t sums[N_DROP_REASONS] = { 0 };

	for (size_t i = 0; i < s->n_classes; i++)
		for (size_t why = 0; why < N_DROP_REASONS; why++)
			sums[why] += s->classes[i].dropped[why];
	rte_tel_data_start_dict(d);
	put_drops(d, sums);
	return 0;
}

static int reply_info(const struct stats *s, struct rte_tel_data *d)
{
	rte_tel_data_start_dict(d);
	put_text(d, "plan", s->plan);
	put_text(d, "target", s->target);
	put_text(d, "pipeline", s->pipeline);
	put_text(d, "slo", s->slo);
	put_count(d, "milliseconds", rounded(s->seconds * 1000));
	put_count(d, "hz", rounded(s->hz));
	put_count(d, "reloads", s->reloads);
	put_count(d, "paused", s->paused);
	put_count(d, "workers", s->n_workers);
	put_count(d, "tasks", s->n_tasks);
	put_count(d, "modules", s->n_modules);
	put_count(d, "classes", s->n_classes);
	put_count(d, "devices", s->n_devices);
	return 0;
}

static int reply(const char *command, const char *name, const struct stats *s,
		 struct rte_tel_data *d)
{
	if (!strcmp(command, "/epic/info"))
		return reply_info(s, d);
	for (size_t i = 0; i < N_LISTS; i++) {
		if (strcmp(command, lists[i].command))
			continue;
		if (name && *name)
			return reply_row(&lists[i], s, name, d);
		if (lists[i].put == put_share)
			return reply_shares(&lists[i], s, d);
		if (lists[i].put == put_class_drops)
			return reply_drops(s, d);
		return reply_names(&lists[i], s, d);
	}
	return -EINVAL;
}

/* ---- registering ---- */

static int answer(const char *command, const char *name, struct rte_tel_data *d)
{
	struct stats *s;
	int code = -EAGAIN;

	pthread_mutex_lock(&lock);
	s = snapshot ? snapshot(snapshot_arg) : NULL;
	if (s)
		code = reply(command, name, s, d);
	stats_free(s);
	pthread_mutex_unlock(&lock);
	return code;
}

static bool is_taken(int code)
{
	return code == 0 || code == -EEXIST;
}

bool telemetry_register(struct stats *(*fn)(void *), void *arg)
{
	bool ok = true;

	pthread_mutex_lock(&lock);
	snapshot = fn;
	snapshot_arg = arg;
	pthread_mutex_unlock(&lock);
	if (!fn)
		return true;
	ok = is_taken(rte_telemetry_register_cmd("/epic/info", answer, "What is run"));
	for (size_t i = 0; i < N_LISTS; i++)
		ok =
		    is_taken(rte_telemetry_register_cmd(lists[i].command, answer, lists[i].help)) &&
		    ok;
	return ok;
}
