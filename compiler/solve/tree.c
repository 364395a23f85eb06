/* The scheduler tree (doc/language.md 5.5). */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "compiler/solve/outcome.h"

/* Where a task hangs. */
struct hook {
	uint32_t level;
	uint32_t rank;
};

struct growing {
	struct arena *arena;
	const struct ir_slo *slo;
	struct schedule *schedule;
	struct hook *hooks; /* per task */
};

struct nodes {
	struct sched_node *at;
	size_t n, cap;
};

/* Named classes that each task serves. */
static struct ids *named_served(struct arena *a, const struct cut *c)
{
	struct links {
		uint32_t *at;
		size_t n, cap;
	} *found = arena_alloc_many(a, c->n_tasks, sizeof(*found));
	struct ids *served = arena_many(a, struct ids, c->n_tasks);

	for (size_t i = 0; i < c->net->n_paths; i++) {
		const struct net_path *p = &c->net->paths[i];
		uint32_t last = ID_NONE;

		for (size_t k = 0; c->net->classes[p->class].named && k < p->n; k++) {
			uint32_t task = c->runs[p->ways[k]];

			if (task != last)
				vec_push(a, &found[task], c->net->classes[p->class].id);
			last = task;
		}
	}
	for (uint32_t t = 0; t < c->n_tasks; t++)
		served[t] = ids_from(a, found[t].at, found[t].n);
	return served;
}

/* The member of a level that holds all of CLASSES; NULL: none does. */
static const struct ir_member *common_member(const struct ir_level *l, struct ids classes)
{
	for (size_t i = 0; i < l->n_members; i++)
		if (ids_has(l->members[i].classes, classes.at[0]))
			return ids_subset(classes, l->members[i].classes) ? &l->members[i] : NULL;
	return NULL;
}

static uint32_t best_rank(const struct ir_level *l, struct ids classes)
{
	uint32_t best = l->n_ranks - 1;

	for (size_t i = 0; i < l->n_members; i++)
		for (size_t k = 0; k < classes.n; k++)
			if (ids_has(l->members[i].classes, classes.at[k]) && l->members[i].rank < best)
				best = l->members[i].rank;
	return best;
}

static struct hook find_hook(const struct ir_slo *slo, struct ids classes)
{
	struct hook h = { 0, slo->levels[0].n_ranks - 1 };

	if (!classes.n)
		return h;
	for (;;) {
		const struct ir_member *m = common_member(&slo->levels[h.level], classes);

		if (!m || m->level == ID_NONE)
			break;
		h.level = m->level;
	}
	h.rank = best_rank(&slo->levels[h.level], classes);
	return h;
}

/* ---- nodes ---- */

/* "t10" comes before "t2". */
static int compare_ids(uint32_t a, uint32_t b)
{
	char x[16], y[16];

	snprintf(x, sizeof(x), "%u", a);
	snprintf(y, sizeof(y), "%u", b);
	return strcmp(x, y);
}

/* By name, then task; what has none comes last. */
static bool comes_before(const struct ir_slo *slo, const struct sched_node *a, const struct sched_node *b)
{
	if ((a->level == ID_NONE) != (b->level == ID_NONE))
		return a->level != ID_NONE;
	if (a->level != ID_NONE)
		return strcmp(slo->levels[a->level].name, slo->levels[b->level].name) < 0;
	return compare_ids(a->task, b->task) < 0;
}

static void sort_nodes(const struct ir_slo *slo, struct nodes *nodes)
{
	for (size_t i = 1; i < nodes->n; i++)
		for (size_t k = i; k && comes_before(slo, &nodes->at[k], &nodes->at[k - 1]); k--) {
			struct sched_node swapped = nodes->at[k];

			nodes->at[k] = nodes->at[k - 1];
			nodes->at[k - 1] = swapped;
		}
}

static void add_task(struct growing *g, struct nodes *nodes, uint32_t task)
{
	struct sched_node leaf = { .kind = SCHED_LEAF, .level = ID_NONE, .task = task };

	vec_push(g->arena, nodes, leaf);
}

static bool grow_level(struct growing *g, uint32_t level, struct sched_node *node);

/* What hangs at a rank of a level: groups by name, then tasks. */
static struct nodes items_of_rank(struct growing *g, uint32_t level, uint32_t rank)
{
	const struct ir_level *l = &g->slo->levels[level];
	struct nodes items = { 0 };

	for (size_t i = 0; i < l->n_members; i++) {
		struct sched_node group;

		if (l->members[i].level != ID_NONE && l->members[i].rank == rank &&
		    grow_level(g, l->members[i].level, &group))
			vec_push(g->arena, &items, group);
	}
	for (uint32_t t = 0; t < g->schedule->n_tasks; t++)
		if (g->hooks[t].level == level && g->hooks[t].rank == rank)
			add_task(g, &items, t);
	return items;
}

static struct sched_node weighted_node(const struct growing *g, uint32_t level, struct nodes items)
{
	struct sched_node node = { .kind = SCHED_WEIGHTED, .level = level, .task = ID_NONE };

	sort_nodes(g->slo, &items);
	for (size_t i = 0; i < items.n; i++)
		items.at[i].weighted = true;
	node.children = items.at;
	node.n_children = items.n;
	return node;
}

static bool grow_ranks(struct growing *g, uint32_t level, struct sched_node *node)
{
	const struct ir_level *l = &g->slo->levels[level];
	struct nodes children = { 0 };

	for (uint32_t rank = 0; rank < l->n_ranks; rank++) {
		struct nodes items = items_of_rank(g, level, rank);
		struct sched_node child;

		if (!items.n)
			continue;
		child = items.n == 1 ? items.at[0] : weighted_node(g, ID_NONE, items);
		child.ranked = true;
		child.rank = rank;
		vec_push(g->arena, &children, child);
	}
	*node = (struct sched_node){ .kind = SCHED_PRIORITY, .level = level, .task = ID_NONE,
				     .children = children.at, .n_children = children.n };
	return children.n > 0;
}

/* False: nothing hangs there. */
static bool grow_level(struct growing *g, uint32_t level, struct sched_node *node)
{
	struct nodes items;

	if (g->slo->levels[level].n_priorities) {
		if (!grow_ranks(g, level, node))
			return false;
		if (node->n_children == 1 && node->children[0].kind == SCHED_LEAF) {
			*node = node->children[0];
			node->ranked = false;
			node->rank = 0;
		}
		return true;
	}
	items = items_of_rank(g, level, 0);
	if (!items.n)
		return false;
	*node = items.n == 1 && items.at[0].kind == SCHED_LEAF ? items.at[0] : weighted_node(g, level, items);
	return true;
}

static void mark_weighted(struct schedule *s, struct sched_node *n, bool below)
{
	n->weighted = below;
	if (n->kind == SCHED_LEAF)
		s->tasks[n->task].weighted = below;
	for (size_t i = 0; i < n->n_children; i++)
		mark_weighted(s, &n->children[i], below || n->kind == SCHED_WEIGHTED);
}

void outcome_tree(struct arena *a, const struct cut *c, struct schedule *s)
{
	struct growing g = { a, c->net->slo, s, arena_many(a, struct hook, c->n_tasks) };
	struct ids *served = named_served(a, c);

	for (uint32_t t = 0; t < c->n_tasks; t++) {
		g.hooks[t] = find_hook(g.slo, served[t]);
		s->tasks[t].rank = served[t].n ? best_rank(&g.slo->levels[0], served[t]) :
						 g.slo->levels[0].n_ranks - 1;
	}
	s->tree = arena_one(a, struct sched_node);
	grow_level(&g, 0, s->tree);
	mark_weighted(s, s->tree, false);
	/* The only task of all has its worker for itself. */
	if (s->tree->kind == SCHED_LEAF && !g.slo->levels[0].n_priorities)
		s->tasks[s->tree->task].weighted = true;
}
