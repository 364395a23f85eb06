#include <config.h>

#include "runtime/dpdk/worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

enum {
	CHARGE_MOST = 100000, /* cycles */
	GATHER_NS = 10000,    /* how long less than a burst may wait while others run */
	WEIGH_EVERY = 1024,   /* runs, after which what they took is looked at */
	LOOK_NS = 2000,       /* how often sleeping tasks are looked at while others run, */
	MANY_TASKS = 16,      /* and less often where there are many */
	PATIENCE_NS = 1000,   /* of a source whose last burst was not full */
	PATIENCE_MOST_NS = 32000,
	IDLE_NS = 1000000, /* after which a worker lets others have the core */
	NAP_US = 50
};

/* Of a task that serves all it is fed: its queue stays short, and what it does not use the others
 * share in the same proportions as before. */
#define SLACK 1.25
/* Of what was measured, for each WEIGH_EVERY runs: the last 50 times count. */
#define FORGET 0.98

/* ---- the tree ---- */

struct tree {
	const struct graph *graph;
	unsigned worker;
	struct sched_node *nodes;
	size_t n;
	struct task **tasks;
	size_t n_tasks;
};

static bool runs(unsigned worker, const struct task *t)
{
	return t->sender == worker;
}

static struct task *task_find(const struct tree *x, const char *id)
{
	for (size_t i = 0; i < x->graph->n_tasks; i++)
		if (runs(x->worker, &x->graph->tasks[i]) && !strcmp(x->graph->tasks[i].id, id))
			return &x->graph->tasks[i];
	return NULL;
}

static bool feeds(const struct task *t, const struct task *fed)
{
	for (size_t i = 0; i < t->n_feeds; i++)
		if (t->feeds[i] == fed->queue)
			return true;
	return false;
}

static bool serves_all(const struct graph *g, const struct task *t)
{
	double most = t->queue ? 0 : 1;

	for (size_t i = 0; i < g->n_tasks; i++)
		if (t->queue && g->tasks[i].copy == t->copy && feeds(&g->tasks[i], t))
			most = fmax(most, g->tasks[i].service);
	return t->service >= most * (1 - 1e-6);
}

static double weight_of(const struct graph *g, const struct task *t)
{
	bool useful = g->schedule && !strcmp(g->schedule->accounting, "useful");
	double weight = t->weight > 0 ? t->weight : 1e-6;

	return useful && serves_all(g, t) ? weight * SLACK : weight;
}

static double weight_below(const struct tree *x, const struct rplan_tree *row)
{
	double sum = 0;

	if (row->task) {
		struct task *t = task_find(x, row->task);

		return t ? weight_of(x->graph, t) : 0;
	}
	for (size_t i = 0; i < row->children.n; i++)
		sum += weight_below(x, &row->children.at[i]);
	return sum;
}

static bool is_here(const struct tree *x, const struct rplan_tree *row)
{
	bool here = row->task && task_find(x, row->task);

	for (size_t i = 0; !here && i < row->children.n; i++)
		here = is_here(x, &row->children.at[i]);
	return here;
}

static void add_row(struct tree *x, const struct rplan_tree *row, int parent)
{
	int me = (int)x->n;
	struct sched_node *n = &x->nodes[x->n++];

	*n = (struct sched_node){
		.kind = !strcmp(row->kind, "priority")   ? SCHED_PRIORITY
			: !strcmp(row->kind, "weighted") ? SCHED_WEIGHTED
							 : SCHED_LEAF,
		.parent = parent,
		.rank = row->priority.present ? (int)row->priority.value : 0,
		.weight = weight_below(x, row),
	};
	if (n->kind == SCHED_LEAF) {
		n->leaf = (int)x->n_tasks;
		x->tasks[x->n_tasks++] = task_find(x, row->task);
	}
	for (size_t i = 0; i < row->children.n; i++)
		if (is_here(x, &row->children.at[i]))
			add_row(x, &row->children.at[i], me);
}

static void add_equals(struct tree *x)
{
	x->nodes[x->n++] = (struct sched_node){ .kind = SCHED_WEIGHTED, .parent = -1 };
	for (size_t i = 0; i < x->graph->n_tasks; i++) {
		struct task *t = &x->graph->tasks[i];

		if (!runs(x->worker, t))
			continue;
		x->nodes[x->n++] = (struct sched_node){
			.kind = SCHED_LEAF, .parent = 0, .weight = 1, .leaf = (int)x->n_tasks
		};
		x->tasks[x->n_tasks++] = t;
	}
}

static size_t n_rows(const struct rplan_tree *row)
{
	size_t n = 1;

	for (size_t i = 0; row && i < row->children.n; i++)
		n += n_rows(&row->children.at[i]);
	return n;
}

bool worker_plan(struct worker_plan *w, unsigned index, const struct graph *g)
{
	const struct rplan_tree *row = g->schedule ? g->schedule->tree : NULL;
	size_t most = row ? n_rows(row) : g->n_tasks + 1;
	struct tree x = { .graph = g,
			  .worker = index,
			  .nodes = calloc(most, sizeof(*x.nodes)),
			  .tasks = calloc(most, sizeof(*x.tasks)) };

	if (x.nodes && x.tasks && row)
		add_row(&x, row, -1);
	else if (x.nodes && x.tasks)
		add_equals(&x);
	*w = (struct worker_plan){ .tasks = x.tasks, .n_tasks = x.n_tasks };
	w->sched = x.nodes ? sched_new(x.nodes, x.n) : NULL;
	free(x.nodes);
	for (size_t i = 0; w->tasks && i < w->n_tasks; i++)
		w->tasks[i]->leaf = (int)i;
	if (w->sched && w->tasks)
		return true;
	worker_plan_free(w);
	return false;
}

void worker_plan_free(struct worker_plan *w)
{
	sched_free(w->sched);
	free(w->tasks);
	*w = (struct worker_plan){ 0 };
}

void worker_set(struct worker *w, struct worker_plan plan)
{
	worker_plan_free(&w->plan);
	w->plan = plan;
	w->begun = rte_rdtsc();
	w->busy = 0;
}

/* ---- running ---- */

static uint64_t cycles(const struct worker *w, uint64_t ns)
{
	return ns * (w->hz / 1000000) / 1000;
}

/* A run costs nearly the same for few packets as for a burst, so few of them wait for more, unless
 * there is nothing else to do. */
static bool has_gathered(const struct task *t, uint64_t now)
{
	return task_has_burst(t) || (task_is_fed(t) && now >= t->gather_until);
}

static bool has_work(const struct task *t, uint64_t now)
{
	return (t->queue ? has_gathered(t, now) : now >= t->poll_at) ||
	       (t->n_holders && task_due(t) <= now);
}

static void look(struct worker *w, uint64_t now)
{
	for (size_t i = 0; i < w->plan.n_tasks; i++)
		if (!sched_is_awake(w->plan.sched, (int)i) && has_work(w->plan.tasks[i], now))
			sched_wake(w->plan.sched, (int)i);
}

/* With nothing else to do a few packets will do. */
static void look_for_any(struct worker *w)
{
	for (size_t i = 0; i < w->plan.n_tasks; i++)
		if (task_is_fed(w->plan.tasks[i]))
			sched_wake(w->plan.sched, (int)i);
}

static void wake_fed(struct worker *w, struct task *t)
{
	for (size_t i = 0; i < t->n_woken; i++)
		sched_wake(w->plan.sched, t->woken[i]->leaf);
	t->n_woken = 0;
}

/* Runs stay well below CHARGE_MOST, or a task of expensive modules would not pay for all it
 * takes, and a more urgent one would wait for it. */
static void measure_out(struct task *t, unsigned n, uint64_t took)
{
	if (took > CHARGE_MOST / 2 && t->most > 1)
		t->most /= 2;
	else if (took < CHARGE_MOST / 4 && n == t->most && t->most < BURST)
		t->most *= 2;
}

/* A source that finds little lets packets gather. */
static void settle(struct worker *w, struct task *t, unsigned n, unsigned asked, uint64_t now)
{
	if (t->n_holders && task_due(t) <= now)
		return;
	if (t->queue) {
		t->gather_until = now + cycles(w, GATHER_NS);
		if (!task_has_burst(t))
			sched_sleep(w->plan.sched, t->leaf);
		return;
	}
	if (n == asked)
		return;
	t->patience = n                                               ? cycles(w, PATIENCE_NS)
		      : 2 * t->patience < cycles(w, PATIENCE_MOST_NS) ? 2 * t->patience + 1
								      : cycles(w, PATIENCE_MOST_NS);
	t->poll_at = now + t->patience;
	sched_sleep(w->plan.sched, t->leaf);
}

/* Statements are about the work of modules.  What the runtime needs beside, for queues, counters
 * and small bursts, differs from task to task, and the plan knows it by one number only; so a run
 * is charged the part of its cycles that was its modules' own, by the samples of late, times what
 * the plan gives for that. */
static void weigh(struct task *t)
{
	uint64_t work = task_work(t);

	if (t->runs - t->runs_then < WEIGH_EVERY)
		return;
	t->work = t->work * FORGET + (double)(work - t->work_then);
	t->took = t->took * FORGET + (double)(t->cycles - t->took_then);
	t->work_then = work;
	t->took_then = t->cycles;
	t->runs_then = t->runs;
	t->charge = t->work > 0 && t->took > 0 ? fmin(t->work / t->took, 1) * t->ratio : 1;
}

static unsigned run(struct worker *w, struct task *t, uint64_t now)
{
	unsigned released = t->n_holders && task_due(t) <= now ? task_release(t, now) : 0;
	unsigned asked = t->most;
	unsigned n = t->queue && !task_is_fed(t) ? 0 : task_run(t, now);
	uint64_t end = rte_rdtsc(), took = end - now;

	took = took < CHARGE_MOST ? took : CHARGE_MOST;
	t->cycles += took;
	sched_charge(w->plan.sched, t->leaf, (double)took * t->charge);
	weigh(t);
	wake_fed(w, t);
	settle(w, t, n, asked, end);
	measure_out(t, n, took);
	if (n + released)
		w->busy += end - now;
	return n + released;
}

static bool obey(struct worker *w)
{
	int order = __atomic_load_n(&w->order, __ATOMIC_ACQUIRE);

	while (order == WORKER_PAUSE) {
		__atomic_store_n(&w->paused, 1, __ATOMIC_RELEASE);
		usleep(NAP_US);
		order = __atomic_load_n(&w->order, __ATOMIC_ACQUIRE);
	}
	if (__atomic_load_n(&w->paused, __ATOMIC_RELAXED))
		__atomic_store_n(&w->paused, 0, __ATOMIC_RELEASE);
	return order != WORKER_STOP;
}

int worker_main(void *arg)
{
	struct worker *w = arg;
	uint64_t look_at = 0, worked = rte_rdtsc();

	w->begun = worked;
	while (obey(w)) {
		uint64_t now = rte_rdtsc();
		int leaf = sched_pick(w->plan.sched);

		if (now >= look_at || leaf == SCHED_NONE) {
			look(w, now);
			if (sched_pick(w->plan.sched) == SCHED_NONE)
				look_for_any(w);
			look_at = now + cycles(w, LOOK_NS * (1 + w->plan.n_tasks / MANY_TASKS));
			leaf = sched_pick(w->plan.sched);
		}
		if (leaf != SCHED_NONE && run(w, w->plan.tasks[leaf], now))
			worked = now;
		else if (now - worked > cycles(w, IDLE_NS))
			usleep(NAP_US);
		else
			rte_pause();
	}
	return 0;
}

/* ---- orders ---- */

static void order(struct worker *w, size_t n, enum worker_order o)
{
	for (size_t i = 0; i < n; i++)
		__atomic_store_n(&w[i].order, o, __ATOMIC_RELEASE);
}

static void await(struct worker *w, size_t n, int paused)
{
	for (size_t i = 0; i < n; i++)
		while (__atomic_load_n(&w[i].paused, __ATOMIC_ACQUIRE) != paused)
			usleep(10);
}

void workers_pause(struct worker *w, size_t n)
{
	order(w, n, WORKER_PAUSE);
	await(w, n, 1);
}

void workers_resume(struct worker *w, size_t n)
{
	order(w, n, WORKER_RUN);
	await(w, n, 0);
}

void workers_stop(struct worker *w, size_t n)
{
	order(w, n, WORKER_STOP);
	for (size_t i = 0; i < n; i++)
		rte_eal_wait_lcore(w[i].lcore);
}

/* ---- draining ---- */

static struct task *deepest_fed(const struct graph *g)
{
	struct task *deepest = NULL;

	for (size_t i = 0; i < g->n_tasks; i++) {
		struct task *t = &g->tasks[i];

		if (task_is_fed(t) && (!deepest || t->depth > deepest->depth))
			deepest = t;
	}
	return deepest;
}

void graph_drain(struct graph *g)
{
	struct task *t;

	while ((t = deepest_fed(g)))
		task_run(t, rte_rdtsc());
}
