/* What a plan must be so that running it ends: no cycles, and a tree with every task once. */
#include <config.h>

#include <string.h>

#include "runtime/dpdk/graph_private.h"

enum { LONGEST_PATH = 1000, DEEPEST_TREE = 64 };

/* ---- the pipelines ---- */

/* The longest way from M on, in modules; 0: an error is set.  Packets go from module to module by
 * calls, so that a way must not be too long. */
static unsigned measure(struct building *b, struct instance *m, unsigned before)
{
	if (before > LONGEST_PATH || m->is_visited) {
		graph_fail(b, m,
			   m->is_visited ? "lies on a cycle" : "more than 1000 modules in a row");
		return 0;
	}
	if (m->height)
		return m->height;
	m->is_visited = true;
	m->height = 1;
	for (size_t i = 0; i < m->n_edges; i++) {
		struct instance *to = instance_find(b->graph, m->copy, m->edges[i]->to);
		unsigned behind;

		if (!to) {
			graph_fail(b, m, "there is no module '%s'", m->edges[i]->to);
			return 0;
		}
		behind = measure(b, to, before + 1);
		if (!behind)
			return 0;
		m->height = behind + 1 > m->height ? behind + 1 : m->height;
	}
	m->is_visited = false;
	return m->height;
}

/* A device has one receive queue for each copy, which one task may ask. */
static bool check_devices(struct building *b)
{
	const struct graph *g = b->graph;

	for (size_t i = 0; i < g->n_instances; i++)
		for (size_t k = 0; g->instances[i].device && g->instances[i].n_edges && k < i; k++)
			if (g->instances[k].device == g->instances[i].device &&
			    g->instances[k].n_edges && g->instances[k].copy == g->instances[i].copy)
				return graph_fail(
				    b, &g->instances[i],
				    "the packets of device '%s' enter at '%s' already",
				    g->instances[i].device->name, g->instances[k].row->id);
	return true;
}

static bool check_pipelines(struct building *b)
{
	struct graph *g = b->graph;

	for (size_t i = 0; i < g->n_instances && !g->instances[i].copy; i++) {
		struct instance *m = &g->instances[i];

		if (instance_find(g, 0, m->row->id) != m)
			return graph_fail(b, m, "the plan has the module twice");
		if (!measure(b, m, 1))
			return false;
		if (m->height > LONGEST_PATH)
			return graph_fail(b, m, "more than 1000 modules in a row");
	}
	return true;
}

/* ---- the tree ---- */

static size_t rows_with(const struct rplan_tree *row, const char *task, unsigned depth)
{
	size_t n = row->task && !strcmp(row->task, task);

	for (size_t i = 0; depth < DEEPEST_TREE && i < row->children.n; i++)
		n += rows_with(&row->children.at[i], task, depth + 1);
	return n;
}

static const struct rplan_task *task_called(const struct rplan_schedule *s, const char *id)
{
	for (size_t i = 0; i < s->tasks.n; i++)
		if (!strcmp(s->tasks.at[i].id, id))
			return &s->tasks.at[i];
	return NULL;
}

static bool check_ranks(struct building *b, const struct rplan_tree *row)
{
	for (size_t i = 0; i < row->children.n; i++)
		for (size_t k = 0; k < i; k++)
			if (row->children.at[i].priority.value ==
			    row->children.at[k].priority.value)
				return graph_fail(b, NULL,
						  "two children of a priority node have one rank");
	return true;
}

static bool check_row(struct building *b, const struct rplan_tree *row, unsigned depth)
{
	bool leaf = !strcmp(row->kind, "leaf");

	if (depth > DEEPEST_TREE)
		return graph_fail(b, NULL, "the scheduler tree is deeper than %d", DEEPEST_TREE);
	if (leaf != (row->task != NULL) || leaf == (row->children.n > 0))
		return graph_fail(b, NULL,
				  "a node of the scheduler tree is neither a leaf with a "
				  "task nor one with children");
	if (leaf && !task_called(b->graph->schedule, row->task))
		return graph_fail(b, NULL, "the scheduler tree runs '%s', which is no task",
				  row->task);
	if (!strcmp(row->kind, "priority") && !check_ranks(b, row))
		return false;
	for (size_t i = 0; i < row->children.n; i++)
		if (!check_row(b, &row->children.at[i], depth + 1))
			return false;
	return true;
}

static bool check_schedule(struct building *b)
{
	const struct rplan_schedule *s = b->graph->schedule;

	if (!s)
		return true;
	if (!s->tree)
		return graph_fail(b, NULL, "the schedule of '%s' has no tree", s->target);
	if (!check_row(b, s->tree, 0))
		return false;
	for (size_t i = 0; i < s->tasks.n; i++) {
		const struct rplan_task *t = &s->tasks.at[i];

		if (task_called(s, t->id) != t)
			return graph_fail(b, NULL, "the schedule has task '%s' twice", t->id);
		if (rows_with(s->tree, t->id, 0) != 1)
			return graph_fail(b, NULL, "the scheduler tree does not run task '%s' once",
					  t->id);
		if (t->weight.present && !(t->weight.value >= 0))
			return graph_fail(b, NULL, "task '%s' has a negative weight", t->id);
	}
	return true;
}

static bool check_workers(struct building *b)
{
	const struct graph *g = b->graph;
	const struct rplan_schedule *s = g->schedule;

	for (unsigned w = 0; s && w < g->n_workers; w++) {
		bool any = false;

		for (size_t i = 0; !any && i < s->tasks.n; i++)
			any = s->tasks.at[i].worker == w;
		if (!any)
			return graph_fail(b, NULL, "worker %u has no task", w);
	}
	return true;
}

bool graph_check(struct building *b)
{
	return check_devices(b) && check_pipelines(b) && check_schedule(b) && check_workers(b);
}
