#include <config.h>

#include "compiler/solve/net.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/base/map.h"
#include "compiler/solve/stages.h"

struct weaving {
	struct arena *arena;
	struct net *net;
	bool *source; /* modules */
	VEC(struct net_node) nodes;
	VEC(struct net_way) ways;
	VEC(struct net_path) paths;
	VEC(struct net_class) classes;
};

/* ---- classes ---- */

static bool passes(const struct ir_class *c, uint32_t pipeline)
{
	for (size_t i = 0; i < c->n_paths; i++)
		if (c->paths[i].pipeline == pipeline)
			return true;
	return false;
}

static void add_class(struct weaving *w, const struct ir_class *c, uint32_t id)
{
	struct net_class class = { .id = id, .name = c->name, .has_packet = c->has_packet, .packet = c->packet };

	class.named = ids_has(w->net->slo->classes, id);
	vec_push(w->arena, &w->classes, class);
}

static void add_classes(struct weaving *w)
{
	const struct net *n = w->net;
	uint32_t pipeline = (uint32_t)(n->pipeline - n->ir->pipelines);

	for (uint32_t i = 0; i < n->ir->n_classes; i++)
		if (passes(&n->ir->classes[i], pipeline))
			add_class(w, &n->ir->classes[i], i);
	if (n->pipeline->rest.n_paths)
		add_class(w, &n->pipeline->rest, ID_REST);
}

/* ---- nodes ---- */

static uint32_t copy_of(const struct net *n, const struct net_class *c)
{
	if (!n->parted)
		return ID_NONE;
	return c->named ? c->id : ID_REST;
}

static void find_sources(struct weaving *w)
{
	const struct ir_pipeline *p = w->net->pipeline;

	w->source = arena_many(w->arena, bool, p->n_modules);
	for (size_t i = 0; i < p->n_modules; i++)
		w->source[i] = p->modules[i].role == IR_ROLE_SOURCE || p->modules[i].role == IR_ROLE_PORT;
	for (size_t i = 0; i < p->n_edges; i++)
		w->source[p->edges[i].to] = false;
}

/* Classes are numbered by name; "rest" has its place among them. */
static uint32_t copy_order(const struct net *n, uint32_t copy)
{
	uint32_t before = 0;

	if (copy == ID_NONE)
		return 0;
	if (copy != ID_REST)
		return 2 * copy + 2;
	while (before < n->ir->n_classes && strcmp(n->ir->classes[before].name, "rest") < 0)
		before++;
	return 2 * before + 1;
}

static void add_node(struct weaving *w, uint32_t module, uint32_t copy)
{
	struct net_node node = { .module = module, .copy = copy, .packets = RAT_ZERO };

	node.source = w->source[module];
	node.root = node.source || w->net->pipeline->modules[module].schedulable;
	if (node.source)
		node.copy = ID_NONE;
	node.order = copy_order(w->net, node.copy);
	vec_push(w->arena, &w->nodes, node);
}

static void add_path_nodes(struct weaving *w, const struct ir_class *c, uint32_t copy)
{
	uint32_t pipeline = (uint32_t)(w->net->pipeline - w->net->ir->pipelines);
	bool *seen = arena_many(w->arena, bool, w->net->pipeline->n_modules);

	for (size_t i = 0; i < c->n_paths; i++)
		for (size_t k = 0; c->paths[i].pipeline == pipeline && k < c->paths[i].n; k++) {
			uint32_t module = c->paths[i].modules[k];

			if (!seen[module])
				add_node(w, module, copy);
			seen[module] = true;
		}
}

static int by_module_and_copy(const void *x, const void *y)
{
	const struct net_node *a = x, *b = y;

	if (a->module != b->module)
		return a->module < b->module ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static void sort_nodes(struct weaving *w)
{
	size_t n = 0;

	if (w->nodes.n)
		qsort(w->nodes.at, w->nodes.n, sizeof(*w->nodes.at), by_module_and_copy);
	for (size_t i = 0; i < w->nodes.n; i++)
		if (!n || by_module_and_copy(&w->nodes.at[n - 1], &w->nodes.at[i]))
			w->nodes.at[n++] = w->nodes.at[i];
	w->net->nodes = w->nodes.at;
	w->net->n_nodes = n;
}

/* Without parting, and in the copy of the rest, every module may see a packet. */
static void add_nodes(struct weaving *w)
{
	struct net *n = w->net;

	for (uint32_t m = 0; m < n->pipeline->n_modules; m++)
		if (!n->parted || w->source[m] || n->rest_arrives)
			add_node(w, m, n->parted ? ID_REST : ID_NONE);
	for (size_t i = 0; n->parted && i < w->classes.n; i++)
		if (w->classes.at[i].named && w->classes.at[i].id != ID_REST)
			add_path_nodes(w, &n->ir->classes[w->classes.at[i].id], w->classes.at[i].id);
	sort_nodes(w);
}

uint32_t net_find_node(const struct net *n, uint32_t module, uint32_t copy)
{
	const struct net_node key = { .module = module, .order = copy_order(n, copy) };
	const struct net_node *found =
		bsearch(&key, n->nodes, n->n_nodes, sizeof(*n->nodes), by_module_and_copy);

	return found ? (uint32_t)(found - n->nodes) : ID_NONE;
}

/* ---- ways and paths ---- */

static uint32_t enter_way(struct weaving *w, struct map *known, uint32_t parent, uint32_t node)
{
	/* What makes a way is the way before (ID_NONE wraps to 0) and the node. */
	const void *key = (const void *)(((uintptr_t)(uint32_t)(parent + 1) << 32 | node) + 1);
	void *found = map_get(known, key);
	struct net_way way = { node, parent, RAT_ZERO, RAT_ZERO };

	if (found)
		return (uint32_t)((uintptr_t)found - 1);
	vec_push(w->arena, &w->ways, way);
	map_put(known, key, (void *)(uintptr_t)w->ways.n);
	return (uint32_t)w->ways.n - 1;
}

static struct rat cost_of(const struct net *n, uint32_t module, const struct net_class *c)
{
	const struct ir_module *m = &n->pipeline->modules[module];

	if (!c->has_packet || !rat_sign(m->cost_per_byte))
		return m->cost;
	return rat_add(m->cost, rat_mul(m->cost_per_byte, c->packet));
}

static void add_path(struct weaving *w, struct map *known, uint32_t class, const struct ir_path *p)
{
	const struct net *n = w->net;
	const struct net_class *c = &w->classes.at[class];
	struct net_path path = { .class = class, .n = p->n, .first = p->first, .copy = p->copy };
	uint32_t *ways = arena_many(w->arena, uint32_t, p->n), parent = ID_NONE;
	struct rat *cost = arena_many(w->arena, struct rat, p->n);

	path.rate = rat_div(p->rate_pps, rat_uint(n->target->replicas));
	for (size_t k = 0; k < p->n; k++) {
		uint32_t node = net_find_node(n, p->modules[k], k ? copy_of(n, c) : ID_NONE);
		struct net_way *way;

		ways[k] = parent = enter_way(w, known, parent, node);
		cost[k] = cost_of(n, p->modules[k], c);
		if (k < p->first)
			continue;
		way = &w->ways.at[parent];
		way->packets = rat_add(way->packets, path.rate);
		way->cycles = rat_add(way->cycles, rat_mul(path.rate, cost[k]));
	}
	path.ways = ways;
	path.cost = cost;
	vec_push(w->arena, &w->paths, path);
}

static void add_paths(struct weaving *w, struct map *known, uint32_t class)
{
	struct net_class *c = &w->classes.at[class];
	const struct net *n = w->net;
	const struct ir_class *ir = c->id == ID_REST ? &n->pipeline->rest : &n->ir->classes[c->id];
	uint32_t pipeline = (uint32_t)(n->pipeline - n->ir->pipelines);

	c->first_path = w->paths.n;
	for (size_t i = 0; i < ir->n_paths; i++)
		if (ir->paths[i].pipeline == pipeline)
			add_path(w, known, class, &ir->paths[i]);
	c->n_paths = w->paths.n - c->first_path;
}

static void gather_ways(struct weaving *w)
{
	struct net *n = w->net;
	size_t *count = arena_many(w->arena, size_t, n->n_nodes);
	uint32_t **at = arena_many(w->arena, uint32_t *, n->n_nodes);

	for (size_t i = 0; i < n->n_ways; i++)
		count[n->ways[i].node]++;
	for (size_t i = 0; i < n->n_nodes; i++)
		at[i] = arena_many(w->arena, uint32_t, count[i]);
	for (size_t i = 0; i < n->n_ways; i++) {
		struct net_node *node = &n->nodes[n->ways[i].node];

		at[n->ways[i].node][node->ways.n++] = (uint32_t)i;
		node->ways.at = at[n->ways[i].node];
		node->packets = rat_add(node->packets, n->ways[i].packets);
	}
}

static void add_ways(struct weaving *w)
{
	struct map known;

	map_init(&known, w->arena);
	for (uint32_t i = 0; i < w->classes.n; i++)
		add_paths(w, &known, i);
	w->net->ways = w->ways.at;
	w->net->n_ways = w->ways.n;
	w->net->paths = w->paths.at;
	w->net->n_paths = w->paths.n;
	gather_ways(w);
}

/* ---- what follows on what ---- */

struct links {
	uint32_t *at;
	size_t n, cap;
};

static void add_edge_links(struct weaving *w, struct links *next, const struct ir_edge *e, uint32_t copy)
{
	uint32_t from = net_find_node(w->net, e->from, w->source[e->from] ? ID_NONE : copy);
	uint32_t to = net_find_node(w->net, e->to, copy);

	if (from != ID_NONE && to != ID_NONE)
		vec_push(w->arena, &next[from], to);
}

static void add_links(struct weaving *w)
{
	struct net *n = w->net;
	struct links *next = arena_many(w->arena, struct links, n->n_nodes);

	for (size_t e = 0; e < n->pipeline->n_edges && (!n->parted || n->rest_arrives); e++)
		add_edge_links(w, next, &n->pipeline->edges[e], n->parted ? ID_REST : ID_NONE);
	for (size_t i = 0; i < n->n_ways; i++)
		if (n->ways[i].parent != ID_NONE)
			vec_push(w->arena, &next[n->ways[n->ways[i].parent].node], n->ways[i].node);
	for (size_t i = 0; i < n->n_nodes; i++)
		n->nodes[i].next = ids_from(w->arena, next[i].at, next[i].n);
}

/* Behind a classifier stands a queue per copy. */
static void mark_early(struct net *n)
{
	for (size_t i = 0; i < n->n_nodes; i++)
		for (size_t k = 0; n->nodes[i].source && k < n->nodes[i].next.n; k++) {
			struct net_node *behind = &n->nodes[n->nodes[i].next.at[k]];

			behind->root = behind->queue = true;
		}
}

/* ---- all of it ---- */

static bool all_is_named(struct arena *a, const struct net *n, const struct weaving *w)
{
	const struct cubes **sets = arena_many(a, const struct cubes *, w->classes.n);
	size_t k = 0;

	for (size_t i = 0; i < w->classes.n; i++) {
		const struct net_class *c = &w->classes.at[i];

		if (!c->named || (c->id == ID_REST && n->pipeline->rest.n_paths))
			return false;
		sets[k++] = fx_cubes(n->ir->fields, n->ir->classes[c->id].header);
	}
	return cubes_covered(n->ir->fields, cubes_all(n->ir->fields), sets, k, NULL);
}

struct net *net_make(struct arena *a, const struct ir *ir, const struct ir_target *t, const struct ir_slo *slo,
		     bool parted)
{
	struct weaving w = { .arena = a, .net = arena_one(a, struct net) };
	struct net *n = w.net;

	n->ir = ir;
	n->target = t;
	n->slo = slo;
	n->pipeline = &ir->pipelines[t->pipelines.at[0]];
	n->parted = parted;
	find_sources(&w);
	add_classes(&w);
	n->rest_arrives = parted && !all_is_named(a, n, &w);
	add_nodes(&w);
	add_ways(&w);
	add_links(&w);
	if (n->parted)
		mark_early(n);
	n->classes = w.classes.at;
	n->n_classes = w.classes.n;
	stages_assign(a, n);
	return n;
}

static int by_id(const void *x, const void *y)
{
	const struct net_class *a = x, *b = y;

	return (a->id > b->id) - (a->id < b->id);
}

uint32_t net_find_class(const struct net *n, uint32_t id)
{
	const struct net_class key = { .id = id }, *found = NULL;

	if (n->n_classes)
		found = bsearch(&key, n->classes, n->n_classes, sizeof(*n->classes), by_id);
	return found ? (uint32_t)(found - n->classes) : ID_NONE;
}

struct rat net_overhead(const struct net *n, const struct net_node *node)
{
	struct rat cost = node->queue || !node->root ? n->target->queue_cost : RAT_ZERO;

	return node->source && n->parted ? rat_add(cost, n->target->classify_cost) : cost;
}
