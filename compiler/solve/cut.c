#include <config.h>

#include "compiler/solve/cut.h"

#include <string.h>

/* ---- tasks ---- */

static void number_tasks(struct arena *a, struct cut *c)
{
	uint32_t *nodes = arena_many(a, uint32_t, c->net->n_nodes);
	uint32_t *task = arena_many(a, uint32_t, c->net->n_nodes);

	for (uint32_t i = 0; i < c->net->n_nodes; i++) {
		task[i] = c->root[i] ? (uint32_t)c->n_tasks : ID_NONE;
		if (c->root[i])
			nodes[c->n_tasks++] = i;
	}
	c->nodes = nodes;
	c->task = task;
}

static void assign_ways(struct arena *a, struct cut *c)
{
	uint32_t *runs = arena_many(a, uint32_t, c->net->n_ways);

	for (size_t i = 0; i < c->net->n_ways; i++) {
		const struct net_way *w = &c->net->ways[i];

		runs[i] = c->root[w->node] ? c->task[w->node] : runs[w->parent];
	}
	c->runs = runs;
}

/* ---- equal multipliers ---- */

static uint32_t leader(const uint32_t *lead, uint32_t t)
{
	while (lead[t] != t)
		t = lead[t];
	return t;
}

/* The smaller number leads. */
static void lead_together(uint32_t *lead, uint32_t a, uint32_t b)
{
	uint32_t x = leader(lead, a), y = leader(lead, b);

	lead[x > y ? x : y] = x > y ? y : x;
}

/* A queue serves what arrives in proportion. */
static void join_feeders(const struct cut *c, uint32_t *lead)
{
	for (uint32_t t = 0; t < c->n_tasks; t++) {
		const struct ids ways = c->net->nodes[c->nodes[t]].ways;
		uint32_t first = ID_NONE;

		for (size_t i = 0; i < ways.n; i++) {
			uint32_t parent = c->net->ways[ways.at[i]].parent;

			if (parent == ID_NONE)
				continue;
			if (first == ID_NONE)
				first = c->runs[parent];
			lead_together(lead, first, c->runs[parent]);
		}
	}
}

static void number_unknowns(struct arena *a, struct cut *c)
{
	uint32_t *lead = arena_many(a, uint32_t, c->n_tasks);
	uint32_t *unknown = arena_many(a, uint32_t, c->n_tasks);

	for (uint32_t t = 0; t < c->n_tasks; t++)
		lead[t] = t;
	if (!c->net->slo->entitlement)
		join_feeders(c, lead);
	for (uint32_t t = 0; t < c->n_tasks; t++) {
		if (!c->net->nodes[c->nodes[t]].ways.n)
			unknown[t] = ID_NONE;
		else
			unknown[t] = leader(lead, t) == t ? (uint32_t)c->n_unknowns++ : unknown[leader(lead, t)];
	}
	c->unknown = unknown;
}

struct cut *cut_make(struct arena *a, const struct net *net, const bool *root)
{
	struct cut *c = arena_one(a, struct cut);
	bool *own = arena_many(a, bool, net->n_nodes);

	if (net->n_nodes)
		memcpy(own, root, net->n_nodes * sizeof(*own));
	c->net = net;
	c->root = own;
	number_tasks(a, c);
	assign_ways(a, c);
	number_unknowns(a, c);
	return c;
}

bool cut_has_queue(const struct cut *c, uint32_t task)
{
	const struct net_node *n = &c->net->nodes[c->nodes[task]];

	return n->queue || !n->root;
}

/* ---- what a task runs ---- */

struct ids cut_nodes(struct arena *a, const struct cut *c, uint32_t task)
{
	bool *seen = arena_many(a, bool, c->net->n_nodes);
	VEC(uint32_t) stack = { 0 };

	vec_push(a, &stack, c->nodes[task]);
	seen[c->nodes[task]] = true;
	for (size_t i = 0; i < stack.n; i++) {
		struct ids next = c->net->nodes[stack.at[i]].next;

		for (size_t k = 0; k < next.n; k++) {
			if (seen[next.at[k]] || c->root[next.at[k]])
				continue;
			seen[next.at[k]] = true;
			vec_push(a, &stack, next.at[k]);
		}
	}
	return ids_from(a, stack.at, stack.n);
}

/* ---- priorities ---- */

static void touch(const struct net *n, const struct ir_member *m, bool *nodes)
{
	for (size_t i = 0; i < m->classes.n; i++) {
		uint32_t number = net_find_class(n, m->classes.at[i]);

		for (size_t p = 0; number != ID_NONE && p < n->classes[number].n_paths; p++) {
			const struct net_path *path = &n->paths[n->classes[number].first_path + p];

			for (size_t k = 0; k < path->n; k++)
				nodes[n->ways[path->ways[k]].node] = true;
		}
	}
}

static void force(struct arena *a, const struct net *n, const struct ir_member *above,
		  const struct ir_member *below, bool *forced)
{
	bool *high = arena_many(a, bool, n->n_nodes), *low = arena_many(a, bool, n->n_nodes);

	touch(n, above, high);
	touch(n, below, low);
	for (size_t i = 0; i < n->n_nodes; i++)
		for (size_t k = 0; high[i] && k < n->nodes[i].next.n; k++) {
			uint32_t next = n->nodes[i].next.at[k];

			forced[next] |= low[next] && !high[next];
		}
}

bool *net_forced(struct arena *a, const struct net *n)
{
	bool *forced = arena_many(a, bool, n->n_nodes);

	for (size_t l = 0; l < n->slo->n_levels; l++) {
		const struct ir_level *level = &n->slo->levels[l];

		for (size_t i = 0; i < level->n_priorities; i++)
			force(a, n, &level->members[level->priorities[i].above],
			      &level->members[level->priorities[i].below], forced);
	}
	return forced;
}

static bool *tasks_serving(struct arena *a, const struct cut *c, const struct ir_member *m)
{
	bool *tasks = arena_many(a, bool, c->n_tasks);

	for (size_t i = 0; i < m->classes.n; i++) {
		uint32_t number = net_find_class(c->net, m->classes.at[i]);

		for (size_t p = 0; number != ID_NONE && p < c->net->classes[number].n_paths; p++) {
			const struct net_path *path = &c->net->paths[c->net->classes[number].first_path + p];

			for (size_t k = 0; k < path->n; k++)
				tasks[c->runs[path->ways[k]]] = true;
		}
	}
	return tasks;
}

static bool keeps_out(struct arena *a, const struct cut *c, const struct ir_member *above,
		      const struct ir_member *below)
{
	bool *high = arena_many(a, bool, c->net->n_nodes), *low = arena_many(a, bool, c->net->n_nodes);
	const bool *serving = tasks_serving(a, c, above);

	touch(c->net, above, high);
	touch(c->net, below, low);
	for (uint32_t t = 0; t < c->n_tasks; t++) {
		struct ids nodes = serving[t] ? cut_nodes(a, c, t) : (struct ids){ 0 };

		for (size_t i = 0; i < nodes.n; i++)
			if (low[nodes.at[i]] && !high[nodes.at[i]])
				return false;
	}
	return true;
}

bool cut_keeps_priorities(struct arena *a, const struct cut *c)
{
	const struct ir_slo *slo = c->net->slo;

	for (size_t l = 0; l < slo->n_levels; l++)
		for (size_t i = 0; i < slo->levels[l].n_priorities; i++) {
			const struct ir_priority *p = &slo->levels[l].priorities[i];

			if (!keeps_out(a, c, &slo->levels[l].members[p->above], &slo->levels[l].members[p->below]))
				return false;
		}
	return true;
}

/* ---- modules that one worker only may reach ---- */

static void glue_module(const struct cut *c, uint32_t module, const struct ids *nodes, uint32_t *lead)
{
	uint32_t first = ID_NONE;

	for (uint32_t t = 0; t < c->n_tasks; t++)
		for (size_t i = 0; i < nodes[t].n; i++) {
			if (c->net->nodes[nodes[t].at[i]].module != module)
				continue;
			if (first == ID_NONE)
				first = t;
			lead_together(lead, first, t);
		}
}

uint32_t *cut_glued(struct arena *a, const struct cut *c)
{
	uint32_t *lead = arena_many(a, uint32_t, c->n_tasks);
	const struct ids single = c->net->target->one_worker;
	struct ids *nodes = single.n ? arena_many(a, struct ids, c->n_tasks) : NULL;

	for (uint32_t t = 0; t < c->n_tasks; t++) {
		lead[t] = t;
		if (nodes)
			nodes[t] = cut_nodes(a, c, t);
	}
	for (size_t i = 0; i < single.n; i++)
		glue_module(c, single.at[i], nodes, lead);
	for (uint32_t t = 0; t < c->n_tasks; t++)
		lead[t] = leader(lead, t);
	return lead;
}
