#include <config.h>

#include "compiler/solve/outcome.h"

#include <string.h>

struct filling {
	struct arena *arena;
	const struct demand *demand;
	const struct net *net;
	const struct cut *cut;
	const struct rat *service;
	struct schedule *schedule;
};

/* ---- tasks ---- */

static struct ids module_numbers(struct filling *f, uint32_t task)
{
	struct ids nodes = cut_nodes(f->arena, f->cut, task);
	uint32_t *modules = arena_many(f->arena, uint32_t, nodes.n);

	for (size_t i = 0; i < nodes.n; i++)
		modules[i] = f->net->nodes[nodes.at[i]].module;
	return ids_from(f->arena, modules, nodes.n);
}

static void fill_tasks(struct filling *f, const uint32_t *worker)
{
	f->schedule->n_tasks = f->cut->n_tasks;
	f->schedule->tasks = arena_many(f->arena, struct sched_task, f->cut->n_tasks);
	for (uint32_t t = 0; t < f->cut->n_tasks; t++) {
		const struct net_node *node = &f->net->nodes[f->cut->nodes[t]];
		struct sched_task *task = &f->schedule->tasks[t];

		task->root = node->module;
		task->copy = node->copy;
		task->modules = module_numbers(f, t);
		task->queue = cut_has_queue(f->cut, t);
		task->worker = worker[t];
		task->service = f->service[t];
		task->load = RAT_ZERO;
		task->weight = RAT_ZERO;
		task->share = arena_many(f->arena, struct rat, f->net->n_classes);
		for (size_t c = 0; c < f->net->n_classes; c++)
			task->share[c] = RAT_ZERO;
	}
}

/* Cycles of a class in the tasks on a path, overheads at their roots included. */
static void add_cycles(struct filling *f, const struct net_path *p)
{
	for (size_t k = p->first; k < p->n; k++) {
		uint32_t t = f->cut->runs[p->ways[k]], node = f->net->ways[p->ways[k]].node;
		struct sched_task *task = &f->schedule->tasks[t];
		struct rat cost = p->cost[k], cycles;

		if (f->cut->root[node])
			cost = rat_add(cost, net_overhead(f->net, &f->net->nodes[node]));
		cycles = rat_mul(rat_mul(p->rate, cost), task->service);
		task->share[p->class] = rat_add(task->share[p->class], cycles);
		task->load = rat_add(task->load, cycles);
	}
}

static void share_idle_task(struct filling *f, uint32_t t)
{
	for (size_t i = 0; i < f->net->n_paths; i++)
		for (size_t k = 0; k < f->net->paths[i].n; k++)
			if (f->cut->runs[f->net->paths[i].ways[k]] == t) {
				f->schedule->tasks[t].share[f->net->paths[i].class] = RAT_ONE;
				return;
			}
}

static void fill_loads(struct filling *f)
{
	for (size_t i = 0; i < f->net->n_paths; i++)
		add_cycles(f, &f->net->paths[i]);
	for (uint32_t t = 0; t < f->cut->n_tasks; t++) {
		struct sched_task *task = &f->schedule->tasks[t];

		for (size_t c = 0; rat_sign(task->load) && c < f->net->n_classes; c++)
			task->share[c] = rat_div(task->share[c], task->load);
		if (!rat_sign(task->load))
			share_idle_task(f, t);
	}
}

/* ---- weights ---- */

static void fill_weights(struct schedule *s, uint32_t worker)
{
	struct rat sum = RAT_ZERO;
	int64_t n = 0;

	for (size_t t = 0; t < s->n_tasks; t++)
		if (s->tasks[t].worker == worker && s->tasks[t].weighted) {
			sum = rat_add(sum, s->tasks[t].load);
			n++;
		}
	for (size_t t = 0; t < s->n_tasks; t++)
		if (s->tasks[t].worker == worker && s->tasks[t].weighted)
			s->tasks[t].weight = rat_sign(sum) ? rat_div(s->tasks[t].load, sum) :
							     rat_div(RAT_ONE, rat_int(n));
}

static void weigh_tree(struct sched_node *n, const struct schedule *s)
{
	n->weight = n->kind == SCHED_LEAF ? s->tasks[n->task].weight : RAT_ZERO;
	for (size_t i = 0; i < n->n_children; i++) {
		weigh_tree(&n->children[i], s);
		n->weight = rat_add(n->weight, n->children[i].weight);
	}
}

/* ---- classes ---- */

/* `entitlement`: the least multiplier on the path, at most 1. */
static struct rat delivered(const struct filling *f, const struct net_path *p)
{
	struct rat least = RAT_ONE;

	if (!f->demand->entitlement)
		return f->service[f->cut->runs[p->ways[p->n - 1]]];
	for (size_t k = 0; k < p->n; k++)
		if (rat_cmp(f->service[f->cut->runs[p->ways[k]]], least) < 0)
			least = f->service[f->cut->runs[p->ways[k]]];
	return least;
}

static void fill_classes(struct filling *f)
{
	struct schedule *s = f->schedule;

	s->n_classes = f->net->n_classes;
	s->classes = arena_many(f->arena, struct sched_class, s->n_classes);
	s->rate = RAT_ZERO;
	for (size_t c = 0; c < s->n_classes; c++)
		s->classes[c] = (struct sched_class){ f->net->classes[c].id, RAT_ZERO, RAT_ZERO, RAT_ZERO };
	for (size_t i = 0; i < f->net->n_paths; i++) {
		const struct net_path *p = &f->net->paths[i];
		struct sched_class *c = &s->classes[p->class];

		for (size_t k = p->first; k < p->n; k++) {
			struct rat cycles = rat_mul(p->rate, p->cost[k]);

			c->offered = rat_add(c->offered, cycles);
			c->time = rat_add(c->time, rat_mul(cycles, f->service[f->cut->runs[p->ways[k]]]));
		}
		if (!p->copy)
			c->rate = rat_add(c->rate, rat_mul(p->rate, delivered(f, p)));
	}
	for (size_t c = 0; c < s->n_classes; c++)
		if (f->net->classes[c].named)
			s->rate = rat_add(s->rate, s->classes[c].rate);
	s->rate = rat_mul(s->rate, rat_uint(f->net->target->replicas));
}

/* ---- parts ---- */

static const struct fx *rest_filter(struct filling *f)
{
	struct fields *fields = f->net->ir->fields;
	VEC(const struct fx *) named = { 0 };

	for (size_t c = 0; c < f->net->n_classes; c++)
		if (f->net->classes[c].named && f->net->classes[c].id != ID_REST)
			vec_push(f->arena, &named, f->net->ir->classes[f->net->classes[c].id].header);
	return fx_not(fields, fx_or(fields, named.at, named.n));
}

static void fill_parts(struct filling *f)
{
	struct schedule *s = f->schedule;
	VEC(uint32_t) sources = { 0 };

	s->parted = f->net->parted;
	if (!s->parted)
		return;
	s->parts = arena_many(f->arena, struct sched_part, f->net->n_classes + 1);
	for (size_t c = 0; c < f->net->n_classes; c++)
		if (f->net->classes[c].named && f->net->classes[c].id != ID_REST)
			s->parts[s->n_parts++] =
				(struct sched_part){ f->net->classes[c].id,
						     f->net->ir->classes[f->net->classes[c].id].header };
	if (f->net->rest_arrives)
		s->parts[s->n_parts++] = (struct sched_part){ ID_REST, rest_filter(f) };
	for (size_t i = 0; i < f->net->n_nodes; i++)
		if (f->net->nodes[i].source)
			vec_push(f->arena, &sources, f->net->nodes[i].module);
	s->sources = ids_from(f->arena, sources.at, sources.n);
}

void outcome_fill(struct arena *arena, const struct demand *d, const struct cut *c, const uint32_t *worker,
		  const struct rat *service, struct schedule *s)
{
	struct filling f = { arena, d, d->net, c, service, s };

	s->solved = true;
	fill_parts(&f);
	fill_tasks(&f, worker);
	fill_loads(&f);
	fill_classes(&f);
	outcome_tree(arena, c, s);
	for (uint32_t w = 0; w < d->net->target->n_cores; w++)
		fill_weights(s, w);
	weigh_tree(s->tree, s);
}
