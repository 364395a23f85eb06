/* Cuts the pipelines into the plan's tasks. */
#include <config.h>

#include "runtime/dpdk/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "runtime/dpdk/graph_private.h"

/* ---- the target ---- */

static bool find_target(struct building *b)
{
	struct graph *g = b->graph;

	for (size_t i = 0; i < g->plan->targets.n; i++)
		if (!strcmp(g->plan->targets.at[i].name, b->request->target))
			g->target = &g->plan->targets.at[i];
	if (!g->target)
		return graph_fail(b, NULL, "the plan has no target '%s'", b->request->target);
	g->config = rplan_target_dpdk(g->target);
	if (!g->config)
		return graph_fail(b, NULL, "target '%s' is for %s, not for dpdk", g->target->name,
				  g->target->backend);
	if (g->config->schedule.present)
		g->schedule = &g->plan->schedules.at[g->config->schedule.value];
	if (g->schedule && g->schedule->code)
		return graph_fail(b, NULL, "the plan has no schedule for target '%s': %s",
				  g->target->name, g->schedule->code);
	return true;
}

static bool check_size(struct building *b)
{
	struct graph *g = b->graph;
	int64_t workers = g->schedule ? g->schedule->workers : (int64_t)g->config->cores.n;

	if (workers < 1 || workers > RTE_MAX_LCORE)
		return graph_fail(b, NULL, "the plan wants %lld workers", (long long)workers);
	if (g->config->replicas < 1 || g->config->replicas > 1024)
		return graph_fail(b, NULL, "the plan wants %lld copies",
				  (long long)g->config->replicas);
	if (g->config->queue_packets < 1 || g->config->queue_packets > 1 << 20)
		return graph_fail(b, NULL, "the plan wants queues of %lld packets",
				  (long long)g->config->queue_packets);
	g->n_workers = (unsigned)workers;
	g->n_copies = b->request->n_copies ? b->request->n_copies : (unsigned)g->config->replicas;
	return true;
}

/* ---- tasks ---- */

/* Where the tasks of a copy come from: the plan's rows, or one per source and schedulable module.
 */
struct task_seed {
	const char *id, *early, *root;
	struct rplan_texts modules; /* of no use without a schedule: all behind the root */
	const struct rplan_task *row;
	unsigned worker;
};

struct task_seeds {
	struct task_seed *at;
	size_t n;
	char (*ids)[16];
};

static bool is_source(const struct instance *m)
{
	return m->device && m->n_edges;
}

static bool roots_task(const struct instance *m)
{
	return is_source(m) || m->row->schedulable;
}

static bool seed_from_schedule(struct building *b, struct task_seeds *s)
{
	const struct rplan_schedule *plan = b->graph->schedule;

	for (size_t i = 0; i < plan->tasks.n; i++) {
		const struct rplan_task *t = &plan->tasks.at[i];

		s->at[s->n++] = (struct task_seed){ t->id,      t->class, t->root,
						    t->modules, t,        (unsigned)t->worker };
	}
	return s->n || graph_fail(b, NULL, "the schedule of '%s' has no tasks", plan->target);
}

static bool seed_from_sources(struct building *b, struct task_seeds *s)
{
	struct graph *g = b->graph;
	bool any = false;

	for (size_t i = 0; i < g->n_instances && !g->instances[i].copy; i++) {
		if (!roots_task(&g->instances[i]))
			continue;
		any = any || is_source(&g->instances[i]);
		snprintf(s->ids[s->n], sizeof(*s->ids), "t%zu", s->n);
		s->at[s->n] = (struct task_seed){ .id = s->ids[s->n],
						  .root = g->instances[i].row->id,
						  .worker = (unsigned)(s->n % g->n_workers) };
		s->n++;
	}
	return any || graph_fail(b, NULL, "no packets enter: there is no source");
}

static bool needs_queue(const struct building *b, const struct task_seed *seed)
{
	const struct instance *m = instance_find(b->graph, 0, seed->root);

	return (seed->row && seed->row->queue) || !m || !is_source(m);
}

static bool open_queue(struct building *b, struct task *t)
{
	char name[RTE_RING_NAMESIZE];

	t->queue = calloc(1, sizeof(*t->queue));
	if (!t->queue)
		return graph_fail(b, NULL, "no memory");
	t->queue->task = t;
	snprintf(name, sizeof(name), "epic.%u.%zu", b->graph->generation,
		 (size_t)(t - b->graph->tasks));
	t->queue->ring = rte_ring_create(name, (unsigned)b->graph->config->queue_packets,
					 SOCKET_ID_ANY, RING_F_EXACT_SZ | RING_F_SC_DEQ);
	t->queue->burst = (unsigned)RTE_MIN((b->graph->config->queue_packets + 1) / 2, BURST);
	return t->queue->ring || graph_fail(b, NULL, "no memory for the queue in front of %s: %s",
					    t->id, rte_strerror(rte_errno));
}

/* ---- hops ---- */

static bool count_arrays(struct building *b, struct hop *h)
{
	uint32_t n = classes_most_states(b->graph->classes);

	h->tally.n_states = n;
	h->tally.generation = (uint32_t)b->graph->generation << 16;
	h->tally.dropped = calloc((size_t)N_DROP_REASONS * n, sizeof(uint64_t));
	h->tally.held = calloc(n, sizeof(uint64_t));
	h->in = calloc(n, sizeof(uint64_t));
	h->copied = calloc(n, sizeof(uint64_t));
	h->sent = calloc(n, sizeof(uint64_t));
	h->sent_bytes = calloc(n, sizeof(uint64_t));
	h->class_of_state = classes_of_states(b->graph->classes);
	if (h->ends)
		h->latency = calloc(classes_count(b->graph->classes), sizeof(*h->latency));
	return (h->tally.dropped && h->tally.held && h->in && h->copied && h->sent &&
		h->sent_bytes && (h->latency || !h->ends)) ||
	       graph_fail(b, h->instance, "no memory for its counters");
}

static bool open_hop(struct building *b, struct task *t, struct instance *m)
{
	struct hop *h = &t->hops[t->n_hops++];

	h->instance = m;
	h->ops = m->ops;
	h->state = m->state;
	h->task = t;
	h->ends = !m->n_edges;
	h->chooses = m->ops->chooses && m->ops->chooses(m->state);
	h->chooser = m->chooser;
	if (!strcmp(m->row->id, t->root_id))
		t->root = h;
	return count_arrays(b, h);
}

static struct hop *hop_find(const struct task *t, const char *id)
{
	for (size_t i = 0; i < t->n_hops; i++)
		if (!strcmp(t->hops[i].instance->row->id, id))
			return &t->hops[i];
	return NULL;
}

/* All modules that packets reach from the root up to the next one, without a schedule. */
static bool reach(struct building *b, struct task *t, struct instance *m)
{
	if (hop_find(t, m->row->id))
		return true;
	if (!open_hop(b, t, m))
		return false;
	for (size_t i = 0; i < m->n_edges; i++) {
		struct instance *next = instance_find(b->graph, t->copy, m->edges[i]->to);

		if (next->row->schedulable)
			continue;
		if (!reach(b, t, next))
			return false;
	}
	return true;
}

static bool open_hops(struct building *b, struct task *t, const struct task_seed *seed)
{
	struct instance *root = instance_find(b->graph, t->copy, seed->root);

	t->hops = calloc(b->graph->n_instances + 1, sizeof(*t->hops));
	if (!t->hops)
		return graph_fail(b, NULL, "no memory");
	if (!root)
		return graph_fail(b, NULL, "task %s begins at '%s', which is no module of '%s'",
				  t->id, seed->root, b->graph->target->name);
	if (!seed->row)
		return reach(b, t, root);
	for (size_t i = 0; i < seed->modules.n; i++) {
		struct instance *m = instance_find(b->graph, t->copy, seed->modules.at[i]);

		if (!m)
			return graph_fail(b, NULL, "task %s runs '%s', which is no module of '%s'",
					  t->id, seed->modules.at[i], b->graph->target->name);
		if (!hop_find(t, m->row->id) && !open_hop(b, t, m))
			return false;
	}
	return t->root || graph_fail(b, root, "task %s does not run its own root", t->id);
}

/* ---- ways ---- */

static struct task *task_at(const struct graph *g, const struct task *like, const char *root,
			    const char *early)
{
	for (size_t i = 0; i < g->n_tasks; i++) {
		struct task *t = &g->tasks[i];

		if (t->copy == like->copy && t->queue && !strcmp(t->root_id, root) &&
		    (early ? t->early && !strcmp(t->early, early) : !t->early))
			return t;
	}
	return NULL;
}

static bool is_classified(const struct graph *g, const struct hop *h)
{
	const struct rplan_classifier *c = g->schedule ? g->schedule->classifier : NULL;

	for (size_t i = 0; c && i < c->after.n; i++)
		if (!strcmp(c->after.at[i], h->instance->row->id))
			return true;
	return false;
}

static bool lead_early(struct building *b, struct hop *h, struct way *w)
{
	const struct rplan_classifier *c = b->graph->schedule->classifier;
	bool any = false;

	w->by_early = calloc(NO_EARLY + 1, sizeof(*w->by_early));
	if (!w->by_early)
		return graph_fail(b, h->instance, "no memory");
	for (size_t i = 0; i < c->classes.n; i++) {
		struct task *t = task_at(b->graph, h->task, w->edge->to, c->classes.at[i].name);

		w->by_early[i] = t ? t->queue : NULL;
		any = any || t;
	}
	return any || graph_fail(b, h->instance, "no task takes what goes to '%s'", w->edge->to);
}

/* Also modules that no class of the slo passes, which are in no task of the plan. */
static struct hop *run_here(struct building *b, struct task *t, const char *id)
{
	struct instance *m = instance_find(b->graph, t->copy, id);
	struct hop *h = hop_find(t, id);

	if (h)
		return h;
	if (!m) {
		graph_fail(b, t->root->instance, "there is no module '%s'", id);
		return NULL;
	}
	return open_hop(b, t, m) ? &t->hops[t->n_hops - 1] : NULL;
}

static bool lead(struct building *b, struct hop *h, struct way *w)
{
	struct task *t;

	if (is_classified(b->graph, h))
		return lead_early(b, h, w);
	t = task_at(b->graph, h->task, w->edge->to, h->task->early);
	w->queue = t ? t->queue : NULL;
	if (!t)
		w->hop = run_here(b, h->task, w->edge->to);
	return t || w->hop;
}

static bool open_way(struct building *b, struct hop *h, struct way *w,
		     const struct rplan_edge *edge)
{
	uint32_t n = classes_most_states(b->graph->classes);

	w->edge = edge;
	w->task = h->task;
	if (!lead(b, h, w))
		return false;
	w->crossing = crossing_open(b->graph->classes, edge->from, edge->to);
	w->left = calloc(n, sizeof(uint64_t));
	w->entered = calloc(n, sizeof(uint64_t));
	w->overflown = calloc(n, sizeof(uint64_t));
	w->crossed = calloc(n, sizeof(uint64_t));
	return (w->left && w->entered && w->crossed && w->overflown) ||
	       graph_fail(b, h->instance, "no memory for its counters");
}

static bool open_ways(struct building *b, struct hop *h)
{
	const struct instance *m = h->instance;
	int16_t *way_of_edge = calloc(m->n_edges + 1, sizeof(*way_of_edge));

	h->ways = calloc(m->n_edges + 1, sizeof(*h->ways));
	h->copies = calloc(m->n_edges + 1, sizeof(*h->copies));
	h->way_of_edge = way_of_edge;
	if (!h->ways || !h->copies || !way_of_edge)
		return graph_fail(b, m, "no memory");
	for (size_t i = 0; i < m->n_edges; i++) {
		bool copy = m->edges[i]->copy;
		struct way *w = copy ? &h->copies[h->n_copies++] : &h->ways[h->n_ways++];

		way_of_edge[i] = copy ? -1 : (int16_t)(h->n_ways - 1);
		h->certain = h->certain || (!copy && m->filters[i]->kind == FILTER_TRUE);
		if (!open_way(b, h, w, m->edges[i]))
			return false;
	}
	h->certain = h->certain && h->n_ways == 1;
	if (h->certain && h->ways->hop && !h->ways->crossing && h->ops->flags & MODULE_KEEPS) {
		free(h->ways->crossed); /* it would count what came in */
		h->ways->crossed = NULL;
	}
	return true;
}

static void add_feed(struct task *t, struct queue *q)
{
	for (size_t i = 0; i < t->n_feeds; i++)
		if (t->feeds[i] == q)
			return;
	t->feeds[t->n_feeds++] = q;
}

static void add_feeds(struct task *t, const struct way *w)
{
	if (w->queue)
		add_feed(t, w->queue);
	for (size_t i = 0; w->by_early && i < NO_EARLY; i++)
		if (w->by_early[i])
			add_feed(t, w->by_early[i]);
}

static bool open_task_ways(struct building *b, struct task *t)
{
	t->feeds = calloc(b->graph->n_tasks + 1, sizeof(*t->feeds));
	t->holders = calloc(b->graph->n_instances + 1, sizeof(*t->holders));
	t->woken = calloc(b->graph->n_tasks + 1, sizeof(*t->woken));
	if (!t->feeds || !t->holders || !t->woken)
		return graph_fail(b, NULL, "no memory");
	for (size_t i = 0; i < t->n_hops; i++) {
		struct hop *h = &t->hops[i];

		if (!open_ways(b, h))
			return false;
		if (h->ops->release)
			t->holders[t->n_holders++] = h;
		for (size_t k = 0; k < h->n_ways; k++)
			add_feeds(t, &h->ways[k]);
		for (size_t k = 0; k < h->n_copies; k++)
			add_feeds(t, &h->copies[k]);
	}
	return true;
}

/* ---- sources ---- */

static bool open_classifier(struct building *b, struct task *t)
{
	const struct rplan_classifier *c = b->graph->schedule->classifier;
	const struct filter **when = calloc(c->classes.n + 1, sizeof(*when));
	struct filter_error error = { "no memory" };
	char name[48];
	bool good = when && c->classes.n < NO_EARLY;

	for (size_t i = 0; good && i < c->classes.n; i++) {
		const char *text = c->classes.at[i].when;

		/* What no class takes is the rest's. */
		if (!strcmp(c->classes.at[i].name, "rest") && i + 1 == c->classes.n)
			text = "true";
		good = (when[i] = filter_parse(text, &b->names, &error));
	}
	snprintf(name, sizeof(name), "early.%u.%zu", b->graph->generation,
		 (size_t)(t - b->graph->tasks));
	if (good)
		t->classifier = chooser_open(name, when, c->classes.n, CHOOSER_AUTO, &error);
	t->early_filters = when;
	t->n_early = good ? c->classes.n : 0;
	return t->classifier ||
	       graph_fail(b, t->root->instance, "the classifier behind it: %s",
			  c->classes.n < NO_EARLY ? error.text : "more than 254 classes");
}

static bool open_source(struct building *b, struct task *t)
{
	uint32_t n = classes_most_states(b->graph->classes);

	t->received = calloc(n, sizeof(uint64_t));
	t->received_bytes = calloc(n, sizeof(uint64_t));
	t->dequeued = calloc(n, sizeof(uint64_t));
	if (!t->received || !t->received_bytes || !t->dequeued)
		return graph_fail(b, NULL, "no memory");
	if (t->queue)
		return true;
	t->entrance = entrance_open(b->graph->classes, t->root_id);
	if (!t->entrance)
		return graph_fail(b, NULL, "no memory");
	return !is_classified(b->graph, t->root) || open_classifier(b, t);
}

/* ---- all of it ---- */

static bool seed_tasks(struct building *b, struct task_seeds *s)
{
	struct graph *g = b->graph;
	size_t n = g->schedule ? g->schedule->tasks.n : g->n_instances;

	s->at = calloc(n + 1, sizeof(*s->at));
	g->ids = calloc(n + 1, sizeof(*g->ids));
	s->ids = g->ids;
	if (!s->at || !s->ids)
		return graph_fail(b, NULL, "no memory");
	return g->schedule ? seed_from_schedule(b, s) : seed_from_sources(b, s);
}

/* What the plan takes a packet to cost the task: the cycles of its weight over the packets that it
 * is to serve.  0: the plan does not say. */
static double planned_cost(const struct graph *g, const struct rplan_task *row)
{
	const struct rplan_schedule *s = g->schedule;
	double offered = 0;

	if (!row || !row->weight.present || row->service <= 0 || s->replicas < 1)
		return 0;
	for (size_t i = 0; i < row->share_by_class.n; i++)
		for (size_t k = 0; k < g->plan->classes.n; k++)
			if (!strcmp(g->plan->classes.at[k].name, row->share_by_class.at[i].key))
				offered += g->plan->classes.at[k].rate_pps / (double)s->replicas;
	return offered > 0 ? row->weight.value * s->clock_hz / (row->service * offered) : 0;
}

/* For each cycle of the modules' own work the plan gives the task this many: those of its queue, or
 * of the classifier behind it, among them. */
static double planned_ratio(const struct graph *g, const struct task_seed *seed, bool queue)
{
	double cost = planned_cost(g, seed->row), extra = 0;

	if (cost > 0 && queue)
		extra = g->schedule->queue_cost_cycles;
	else if (cost > 0 && g->schedule->classifier)
		extra = g->schedule->classify_cost_cycles;
	return extra > 0 && extra < cost ? cost / (cost - extra) : 1;
}

static bool open_task(struct building *b, const struct task_seed *seed, unsigned copy)
{
	struct task *t = &b->graph->tasks[b->graph->n_tasks++];

	t->id = seed->id;
	t->early = seed->early;
	t->root_id = seed->root;
	t->copy = copy;
	t->worker = seed->worker;
	t->sender = copy * b->graph->n_workers + seed->worker;
	t->weight = seed->row && seed->row->weight.present ? seed->row->weight.value : 0;
	t->most = BURST;
	t->service = seed->row ? seed->row->service : 1;
	t->ratio = planned_ratio(b->graph, seed, needs_queue(b, seed));
	t->charge = 1;
	t->priority = seed->row ? (int)seed->row->priority : 0;
	if (needs_queue(b, seed) && !open_queue(b, t))
		return false;
	return open_hops(b, t, seed) && open_source(b, t);
}

static bool open_tasks(struct building *b)
{
	struct graph *g = b->graph;
	struct task_seeds seeds = { 0 };
	bool good = seed_tasks(b, &seeds);

	if (good)
		g->tasks = calloc(seeds.n * g->n_copies, sizeof(*g->tasks));
	good = good && (g->tasks || graph_fail(b, NULL, "no memory"));
	for (unsigned copy = 0; good && copy < g->n_copies; copy++)
		for (size_t i = 0; good && i < seeds.n; i++)
			good = open_task(b, &seeds.at[i], copy);
	free(seeds.at);
	for (size_t i = 0; good && i < g->n_tasks; i++)
		good = open_task_ways(b, &g->tasks[i]);
	return good;
}

/* An instance that tasks of several workers run is locked. */
static void share_instances(struct graph *g)
{
	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_hops; k++) {
			struct instance *m = g->tasks[i].hops[k].instance;

			if (m->runner && m->runner != &g->tasks[i] &&
			    m->runner->worker != g->tasks[i].worker)
				m->shared = true;
			m->runner = &g->tasks[i];
		}
	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_hops; k++) {
			struct hop *h = &g->tasks[i].hops[k];

			if (h->instance->shared && !(h->ops->flags & MODULE_PURE))
				h->lock = &h->instance->lock;
		}
}

/* Queues stand in a graph without cycles, so that this ends. */
static void find_depths(struct graph *g)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < g->n_tasks; i++)
			for (size_t k = 0; k < g->tasks[i].n_feeds; k++) {
				struct task *next = g->tasks[i].feeds[k]->task;

				if (next->depth > g->tasks[i].depth)
					continue;
				next->depth = g->tasks[i].depth + 1;
				moved = next->depth < g->n_tasks;
			}
	}
}

static bool build(struct building *b)
{
	struct graph *g = b->graph;
	struct filter_error error;

	if (!find_target(b) || !check_size(b) || !instances_open(b) || !graph_check(b))
		return false;
	g->classes = classes_build(g->plan, g->config->pipelines, g->generation, &b->names, &error);
	if (!g->classes)
		return graph_fail(b, NULL, "the classes: %s", error.text);
	if (!open_tasks(b))
		return false;
	share_instances(g);
	find_depths(g);
	return true;
}

struct graph *graph_build(const struct graph_request *r, struct graph_error *error)
{
	struct building b = { .graph = calloc(1, sizeof(*b.graph)), .request = r, .error = error };

	snprintf(error->text, sizeof(error->text), "no memory");
	if (!b.graph) {
		plan_close(r->plan);
		return NULL;
	}
	b.graph->plan = r->plan;
	b.graph->pool = r->world.pool;
	b.graph->generation = r->generation;
	if (build(&b))
		return b.graph;
	graph_free(b.graph);
	return NULL;
}

/* ---- the end ---- */

static void close_way(struct way *w)
{
	crossing_close(w->crossing);
	free(w->by_early);
	free(w->left);
	free(w->entered);
	free(w->crossed);
	free(w->overflown);
}

static void close_hop(struct hop *h)
{
	for (size_t i = 0; h->ways && i < h->n_ways; i++)
		close_way(&h->ways[i]);
	for (size_t i = 0; h->copies && i < h->n_copies; i++)
		close_way(&h->copies[i]);
	free(h->ways);
	free(h->copies);
	free((void *)h->way_of_edge);
	free(h->tally.dropped);
	free(h->tally.held);
	free(h->in);
	free(h->copied);
	free(h->sent);
	free(h->sent_bytes);
	free(h->latency);
}

static void close_queue(struct queue *q)
{
	void *m;

	if (!q)
		return;
	while (q->ring && !rte_ring_dequeue(q->ring, &m))
		rte_pktmbuf_free(m);
	rte_ring_free(q->ring);
	free(q);
}

static void close_task(struct task *t)
{
	for (size_t i = 0; i < t->n_hops; i++)
		close_hop(&t->hops[i]);
	close_queue(t->queue);
	chooser_close(t->classifier);
	for (size_t i = 0; i < t->n_early; i++)
		filter_free(t->early_filters[i]);
	free(t->early_filters);
	entrance_close(t->entrance);
	free(t->hops);
	free(t->holders);
	free(t->feeds);
	free(t->woken);
	free(t->received);
	free(t->received_bytes);
	free(t->dequeued);
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_tasks; i++)
		close_task(&g->tasks[i]);
	free(g->tasks);
	free(g->ids);
	classes_free(g->classes);
	instances_close(g);
	plan_close(g->plan);
	free(g);
}

/* ---- as a whole ---- */

uint64_t graph_queued(const struct graph *g)
{
	uint64_t n = 0;

	for (size_t i = 0; i < g->n_tasks; i++)
		n += g->tasks[i].queue ? rte_ring_count(g->tasks[i].queue->ring) : 0;
	return n;
}

static uint64_t hop_held(const struct hop *h)
{
	uint64_t n = 0;

	for (uint32_t s = 0; s < h->tally.n_states; s++)
		n += h->tally.held[s];
	return n;
}

uint64_t graph_held(const struct graph *g)
{
	uint64_t n = 0;

	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_holders; k++)
			n += hop_held(g->tasks[i].holders[k]);
	return n;
}

static uint64_t instance_held(const struct graph *g, const struct instance *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_hops; k++)
			if (g->tasks[i].hops[k].instance == m)
				n += hop_held(&g->tasks[i].hops[k]);
	return n;
}

static struct hop *first_hop(const struct graph *g, const struct instance *m)
{
	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_hops; k++)
			if (g->tasks[i].hops[k].instance == m)
				return &g->tasks[i].hops[k];
	return NULL;
}

/* Held packets are of the old graph's states: they count as lost ones in the new. */
static void adopt(struct graph *g, struct instance *heir, struct graph *old, struct instance *from)
{
	uint64_t held = instance_held(old, from);

	heir->ops->adopt(heir->state, from->state);
	first_hop(g, heir)->tally.held[STATE_LOST] += held;
	g->held_before += held;
}

struct instance *graph_heir(const struct graph *g, const struct instance *from)
{
	struct instance *m = instance_find(g, from->copy, from->row->id);

	return m && m->ops == from->ops && m->ops->adopt && first_hop(g, m) ? m : NULL;
}

void graph_adopt(struct graph *g, struct graph *old)
{
	for (size_t i = 0; i < old->n_instances; i++) {
		struct instance *heir = graph_heir(g, &old->instances[i]);

		if (heir)
			adopt(g, heir, old, &old->instances[i]);
	}
}

static void find_ways(struct way *ways, unsigned n, const char *to,
		      void (*found)(struct way *, void *arg), void *arg, bool *any)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(ways[i].edge->to, to)) {
			*any = true;
			if (found)
				found(&ways[i], arg);
		}
}

bool graph_ways(struct graph *g, const char *from, const char *to,
		void (*found)(struct way *, void *arg), void *arg)
{
	bool any = false;

	for (size_t i = 0; i < g->n_tasks; i++)
		for (size_t k = 0; k < g->tasks[i].n_hops; k++) {
			struct hop *h = &g->tasks[i].hops[k];

			if (strcmp(h->instance->row->id, from))
				continue;
			find_ways(h->ways, h->n_ways, to, found, arg, &any);
			find_ways(h->copies, h->n_copies, to, found, arg, &any);
		}
	return any;
}
