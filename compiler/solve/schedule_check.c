/* The second opinion on a schedule.
 *
 * Written from doc/language.md 5.5 and plan.md alone, and sharing nothing with the
 * solver but the base: from the target, its slo, the pipeline, the classes and the
 * (root, copy, queue, worker, service) of each task everything else is computed anew,
 * in long double, and compared with what the schedule claims and the slo demands.
 *
 * The work is a list of steps; each needs what the steps before it have found, and
 * answers with a sentence if something is wrong. */
#include <config.h>

#include "compiler/solve/scheduling.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/vec.h"

typedef long double real;

/* What rounding may explain: relative, and in shares that all but vanish. */
static const real slack = 1e-9L, speck = 1e-15L;

/* A class that passes the pipeline, or the rest. */
struct traffic {
	uint32_t class; /* or ID_REST */
	const struct ir_class *of;
	const char *name;
	bool named;
	uint32_t copy;                /* where it runs if classes are parted */
	uint32_t rank;                /* at the root level of the slo */
	real packet;                  /* bytes */
	const struct ir_path **paths; /* of this pipeline */
	uint32_t **runs;              /* per path and place: the task */
	size_t n_paths;
	bool *on;        /* per module: some path leads through it */
	real time, rate; /* T and R, found anew */
};

/* One copy of the graph, or the only one. */
struct copy {
	uint32_t class; /* ID_NONE: the only one, or what stands before the classifier */
	bool *edges;    /* per edge of the pipeline: part of the copy */
	bool *roots;    /* per module: a task begins here */
	bool *reached;  /* per module */
	bool *heads;    /* per module: an early queue ends before it */
};

/* Where a task hangs in the tree. */
struct home {
	uint32_t level, rank;
};

struct checking {
	struct arena *arena;
	const struct ir *ir;
	const struct schedule *s;
	const struct ir_target *target;
	const struct ir_slo *slo;
	const struct ir_pipeline *pipeline;
	uint32_t pipeline_number;
	real clock, replicas;
	struct traffic *traffic; /* rows: the schedule's `classes` */
	size_t n_traffic;
	struct copy *copies;
	size_t n_copies;
	bool *is_source;    /* per module */
	size_t *first_task; /* per module: where tasks with this root begin; one more row */
	bool *serves;       /* task x traffic */
	real *cycles;       /* task x traffic: cycles/s on it at v = 1, overhead included */
	real *load;         /* per task */
	real *drain;        /* per task: packets/s that come in by its root, at v = 1 */
	struct home *homes; /* per task */
};

static real value(struct rat r)
{
	return (real)r.num / (real)r.den;
}

static bool at_most(real a, real b)
{
	return a <= b + slack * fmaxl(fabsl(a), fabsl(b)) + speck;
}

static bool same(real a, real b)
{
	return at_most(a, b) && at_most(b, a);
}

#define WRONG(c, ...) arena_printf((c)->arena, __VA_ARGS__)

static const char *module_name(const struct checking *c, uint32_t module)
{
	return c->pipeline->modules[module].name;
}

static const char *class_name(const struct checking *c, uint32_t class)
{
	return class == ID_REST ? "rest" : class == ID_NONE ? "" : c->ir->classes[class].name;
}

static const char *task_name(const struct checking *c, size_t i)
{
	const struct sched_task *t = &c->s->tasks[i];

	return arena_printf(c->arena, "t%zu (%s%s%s)", i, module_name(c, t->root),
			    t->copy == ID_NONE ? "" : " of ", class_name(c, t->copy));
}

/* ---- what the schedule is about ---- */

static bool is_source(const struct ir_pipeline *p, uint32_t module)
{
	bool in = false, out = false;

	for (size_t i = 0; i < p->n_edges; i++) {
		in |= p->edges[i].to == module;
		out |= p->edges[i].from == module;
	}
	return p->modules[module].role == IR_ROLE_SOURCE ||
	       (p->modules[module].role == IR_ROLE_PORT && out && !in);
}

static uint32_t root_rank(const struct checking *c, uint32_t class)
{
	const struct ir_level *top = &c->slo->levels[0];

	for (size_t i = 0; i < top->n_members; i++)
		if (ids_has(top->members[i].classes, class))
			return top->members[i].rank;
	return top->n_ranks - 1;
}

static struct traffic traffic_of(const struct checking *c, uint32_t number,
				 const struct ir_class *class)
{
	struct traffic t = { .class = number, .of = class, .name = class_name(c, number) };

	t.named = ids_has(c->slo->classes, number);
	t.copy = t.named ? number : ID_REST;
	t.rank = root_rank(c, number);
	t.packet = class->has_packet ? value(class->packet) : 0;
	t.paths = arena_many(c->arena, const struct ir_path *, class->n_paths);
	t.runs = arena_many(c->arena, uint32_t *, class->n_paths);
	t.on = arena_many(c->arena, bool, c->pipeline->n_modules);
	for (size_t i = 0; i < class->n_paths; i++) {
		const struct ir_path *p = &class->paths[i];

		if (p->pipeline != c->pipeline_number)
			continue;
		for (size_t k = 0; k < p->n; k++)
			t.on[p->modules[k]] = true;
		t.runs[t.n_paths] = arena_many(c->arena, uint32_t, p->n);
		t.paths[t.n_paths++] = p;
	}
	return t;
}

static void find_traffic(struct checking *c)
{
	const struct ir_class *rest = &c->pipeline->rest;

	c->traffic = arena_many(c->arena, struct traffic, c->ir->n_classes + 1);
	for (uint32_t i = 0; i < c->ir->n_classes; i++) {
		struct traffic t = traffic_of(c, i, &c->ir->classes[i]);

		if (t.n_paths)
			c->traffic[c->n_traffic++] = t;
	}
	if (rest->n_paths && rat_sign(rest->rate_pps) > 0)
		c->traffic[c->n_traffic++] = traffic_of(c, ID_REST, rest);
}

static const char *check_frame(struct checking *c)
{
	const struct schedule *s = c->s;

	if (!s->solved || s->failed)
		return "the schedule is none";
	if (c->target->enforce == ID_NONE || c->target->pipelines.n != 1 || !c->target->n_cores)
		return "the target enforces no slo on one pipeline";
	if (rat_sign(c->target->clock) <= 0 || !c->target->replicas)
		return "the target has no clock or no replicas";
	c->slo = &c->ir->slos[c->target->enforce];
	c->pipeline_number = c->target->pipelines.at[0];
	c->pipeline = &c->ir->pipelines[c->pipeline_number];
	c->clock = value(c->target->clock);
	c->replicas = (real)c->target->replicas;
	find_traffic(c);
	c->is_source = arena_many(c->arena, bool, c->pipeline->n_modules);
	for (uint32_t i = 0; i < c->pipeline->n_modules; i++)
		c->is_source[i] = is_source(c->pipeline, i);
	return NULL;
}

/* ---- the classifier ---- */

struct meeting {
	bool found;
	size_t a, b;
};

static void note_overlap(size_t a, size_t b, const struct packet *example, void *data)
{
	struct meeting *m = data;

	(void)example;
	if (!m->found)
		*m = (struct meeting){ true, a, b };
}

static const char *check_disjoint(struct checking *c)
{
	const struct cubes **sets = arena_many(c->arena, const struct cubes *, c->s->n_parts);
	struct meeting m = { 0 };

	for (size_t i = 0; i < c->s->n_parts; i++)
		sets[i] = fx_cubes(c->ir->fields, c->s->parts[i].when);
	cubes_overlaps(c->ir->fields, sets, c->s->n_parts, 1, note_overlap, &m);
	if (m.found)
		return WRONG(c, "the classifier cannot tell %s from %s by header fields",
			     class_name(c, c->s->parts[m.a].class),
			     class_name(c, c->s->parts[m.b].class));
	return NULL;
}

/* The named classes by number, then perhaps the rest. */
static const char *check_parts(struct checking *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_traffic; i++) {
		const struct traffic *t = &c->traffic[i];

		if (!t->named || t->class == ID_REST)
			continue;
		if (n >= c->s->n_parts || c->s->parts[n].class != t->class)
			return WRONG(c, "the classifier has no queue for %s in place %zu", t->name,
				     n);
		if (strcmp(fx_text(c->ir->fields, c->s->parts[n].when),
			   fx_text(c->ir->fields, t->of->header)))
			return WRONG(c,
				     "the classifier tells %s by another filter than its header's",
				     t->name);
		n++;
	}
	if (n < c->s->n_parts && c->s->parts[n].class == ID_REST)
		n++;
	if (n != c->s->n_parts)
		return WRONG(c, "the classifier has %zu queues, %zu are due", c->s->n_parts, n);
	for (size_t i = 0; i < c->n_traffic; i++)
		if (c->traffic[i].copy == ID_REST && (!n || c->s->parts[n - 1].class != ID_REST))
			return WRONG(c, "the classifier has no queue for other traffic such as %s",
				     c->traffic[i].name);
	return NULL;
}

/* Each source that traffic enters by, and nothing else. */
static const char *check_sources(struct checking *c)
{
	for (size_t i = 0; i < c->s->sources.n; i++)
		if (c->s->sources.at[i] >= c->pipeline->n_modules ||
		    !c->is_source[c->s->sources.at[i]])
			return WRONG(c, "a classifier stands behind module %u, which is no source",
				     c->s->sources.at[i]);
	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0; k < c->traffic[i].n_paths; k++)
			if (!ids_has(c->s->sources, c->traffic[i].paths[k]->modules[0]))
				return WRONG(c, "%s enters by %s, where no classifier is",
					     c->traffic[i].name,
					     module_name(c, c->traffic[i].paths[k]->modules[0]));
	return NULL;
}

static const char *check_classifier(struct checking *c)
{
	const char *wrong;

	if (!c->s->parted)
		return c->s->n_parts || c->s->sources.n ? "a classifier is listed that is not there"
							: NULL;
	if (c->slo->classify == IR_CLASSIFY_NEVER)
		return "classes are parted early in spite of `classify never`";
	if ((wrong = check_parts(c)) || (wrong = check_sources(c)))
		return wrong;
	return check_disjoint(c);
}

/* ---- tasks: where they begin and what they run ---- */

static int task_order(const struct checking *c, const struct sched_task *a,
		      const struct sched_task *b)
{
	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	if (a->copy == b->copy)
		return 0;
	if (a->copy == ID_NONE || b->copy == ID_NONE)
		return a->copy == ID_NONE ? -1 : 1;
	return strcmp(class_name(c, a->copy), class_name(c, b->copy));
}

static const char *check_task_ids(struct checking *c, size_t i)
{
	const struct sched_task *t = &c->s->tasks[i];

	if (t->root >= c->pipeline->n_modules)
		return WRONG(c, "t%zu has no root", i);
	if (t->copy != ID_NONE && t->copy != ID_REST && t->copy >= c->ir->n_classes)
		return WRONG(c, "t%zu serves no copy", i);
	if (i && task_order(c, t - 1, t) >= 0)
		return WRONG(c, "%s is out of order, or there twice", task_name(c, i));
	if (t->worker >= c->target->n_cores)
		return WRONG(c, "%s runs on worker %u of %zu", task_name(c, i), t->worker,
			     c->target->n_cores);
	if (t->service.den <= 0 || rat_sign(t->service) < 0)
		return WRONG(c, "%s has the service %Lg", task_name(c, i), value(t->service));
	if (c->is_source[t->root] && t->queue)
		return WRONG(c, "%s has a queue before a source", task_name(c, i));
	return NULL;
}

static const char *check_workers(struct checking *c)
{
	size_t *tasks = arena_many(c->arena, size_t, c->target->n_cores);

	for (size_t i = 0; i < c->s->n_tasks; i++)
		tasks[c->s->tasks[i].worker]++;
	for (size_t w = 0; w < c->target->n_cores; w++)
		if (!tasks[w])
			return WRONG(c, "worker %zu has no task", w);
	return NULL;
}

static void index_tasks(struct checking *c)
{
	size_t n = 0;

	c->first_task = arena_many(c->arena, size_t, c->pipeline->n_modules + 1);
	for (uint32_t m = 0; m <= c->pipeline->n_modules; m++) {
		while (n < c->s->n_tasks && c->s->tasks[n].root < m)
			n++;
		c->first_task[m] = n;
	}
}

static const char *check_tasks(struct checking *c)
{
	const char *wrong;

	for (size_t i = 0; i < c->s->n_tasks; i++)
		if ((wrong = check_task_ids(c, i)))
			return wrong;
	index_tasks(c);
	return check_workers(c);
}

/* ID_NONE if there is none. */
static uint32_t find_task(const struct checking *c, uint32_t copy, uint32_t root)
{
	for (size_t i = c->first_task[root]; i < c->first_task[root + 1]; i++)
		if (c->s->tasks[i].copy == copy)
			return (uint32_t)i;
	return ID_NONE;
}

static void mark_edge(const struct checking *c, struct copy *copy, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < c->pipeline->n_edges; i++)
		if (c->pipeline->edges[i].from == from && c->pipeline->edges[i].to == to)
			copy->edges[i] = true;
}

/* A class's copy has the edges of its paths, that of the rest and the only one all. */
static void mark_edges(const struct checking *c, struct copy *copy)
{
	if (copy->class == ID_NONE && c->s->parted)
		return;
	if (copy->class == ID_NONE || copy->class == ID_REST) {
		memset(copy->edges, true, c->pipeline->n_edges * sizeof(bool));
		return;
	}
	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0; c->traffic[i].class == copy->class && k < c->traffic[i].n_paths;
		     k++)
			for (size_t m = 1; m < c->traffic[i].paths[k]->n; m++)
				mark_edge(c, copy, c->traffic[i].paths[k]->modules[m - 1],
					  c->traffic[i].paths[k]->modules[m]);
}

/* All that a copy's sources reach by its edges. */
static void mark_reached(const struct checking *c, struct copy *copy)
{
	bool more = true;

	for (uint32_t m = 0; m < c->pipeline->n_modules; m++)
		copy->reached[m] = c->is_source[m];
	while (more) {
		more = false;
		for (size_t i = 0; i < c->pipeline->n_edges; i++) {
			const struct ir_edge *e = &c->pipeline->edges[i];

			if (!copy->edges[i] || !copy->reached[e->from] || copy->reached[e->to])
				continue;
			copy->reached[e->to] = true;
			more = true;
		}
	}
}

/* Behind the classifier, right behind a source. */
static void mark_heads(const struct checking *c, struct copy *copy)
{
	for (size_t i = 0; c->s->parted && i < c->pipeline->n_edges; i++)
		if (copy->edges[i] && c->is_source[c->pipeline->edges[i].from])
			copy->heads[c->pipeline->edges[i].to] = true;
}

static void open_copy(struct checking *c, uint32_t class)
{
	struct copy *copy = &c->copies[c->n_copies++];

	copy->class = class;
	copy->edges = arena_many(c->arena, bool, c->pipeline->n_edges);
	copy->roots = arena_many(c->arena, bool, c->pipeline->n_modules);
	copy->reached = arena_many(c->arena, bool, c->pipeline->n_modules);
	copy->heads = arena_many(c->arena, bool, c->pipeline->n_modules);
	mark_edges(c, copy);
	mark_heads(c, copy);
	mark_reached(c, copy);
	for (size_t i = 0; i < c->s->n_tasks; i++)
		if (c->s->tasks[i].copy == class)
			copy->roots[c->s->tasks[i].root] = true;
}

static const struct copy *find_copy(const struct checking *c, uint32_t class)
{
	for (size_t i = 0; i < c->n_copies; i++)
		if (c->copies[i].class == class)
			return &c->copies[i];
	return NULL;
}

/* What must begin a task in this copy whatever the solver prefers. */
static const char *check_due_root(struct checking *c, const struct copy *copy, uint32_t module)
{
	bool behind = c->s->parted && copy->class != ID_NONE;

	if (copy->roots[module])
		return NULL;
	if (c->is_source[module] && !behind)
		return WRONG(c, "the source %s roots no task", module_name(c, module));
	if (copy->heads[module])
		return WRONG(c, "no task begins at %s, where the early queue of %s ends",
			     module_name(c, module), class_name(c, copy->class));
	if (c->pipeline->modules[module].schedulable && !c->is_source[module] &&
	    (copy->reached[module] || !c->s->parted))
		return WRONG(c, "%s can be scheduled by itself and roots no task%s%s",
			     module_name(c, module), behind ? " for " : "",
			     class_name(c, copy->class));
	return NULL;
}

static const char *check_root(struct checking *c, size_t i)
{
	const struct sched_task *t = &c->s->tasks[i];
	const struct copy *copy = find_copy(c, t->copy);
	bool scheduled = c->pipeline->modules[t->root].schedulable || c->is_source[t->root];

	if (!copy)
		return WRONG(c, "%s stands in a copy that is not there", task_name(c, i));
	if (c->s->parted && (t->copy == ID_NONE) != c->is_source[t->root])
		return WRONG(c, "%s stands on the wrong side of the classifier", task_name(c, i));
	if (!copy->reached[t->root] && !scheduled)
		return WRONG(c, "%s begins where nothing arrives", task_name(c, i));
	if (!t->queue && !scheduled)
		return WRONG(c, "%s has no queue before its root", task_name(c, i));
	if (t->queue && scheduled && !copy->heads[t->root])
		return WRONG(c, "%s has a queue that its root does not need", task_name(c, i));
	return NULL;
}

static const char *check_roots(struct checking *c)
{
	const char *wrong;

	c->copies = arena_many(c->arena, struct copy, c->s->n_parts + 1);
	open_copy(c, ID_NONE);
	for (size_t i = 0; i < c->s->n_parts; i++)
		open_copy(c, c->s->parts[i].class);
	for (size_t i = 0; i < c->s->n_tasks; i++)
		if ((wrong = check_root(c, i)))
			return wrong;
	for (size_t i = 0; i < c->n_copies; i++)
		for (uint32_t m = 0; m < c->pipeline->n_modules; m++)
			if ((wrong = check_due_root(c, &c->copies[i], m)))
				return wrong;
	return NULL;
}

/* Modules below the root that are not behind another one. */
static struct ids run_below(const struct checking *c, const struct copy *copy, uint32_t root)
{
	VEC(uint32_t) found = { 0 };
	bool *seen = arena_many(c->arena, bool, c->pipeline->n_modules);

	seen[root] = true;
	vec_push(c->arena, &found, root);
	for (size_t i = 0; i < found.n; i++)
		for (size_t k = 0; k < c->pipeline->n_edges; k++) {
			const struct ir_edge *e = &c->pipeline->edges[k];

			if (e->from != found.at[i] || !copy->edges[k] || seen[e->to] ||
			    copy->roots[e->to])
				continue;
			seen[e->to] = true;
			vec_push(c->arena, &found, e->to);
		}
	return ids_from(c->arena, found.at, found.n);
}

static const char *check_modules(struct checking *c)
{
	for (size_t i = 0; i < c->s->n_tasks; i++) {
		const struct sched_task *t = &c->s->tasks[i];
		struct ids due = run_below(c, find_copy(c, t->copy), t->root);
		struct ids extra = ids_minus(c->arena, t->modules, due);
		struct ids missing = ids_minus(c->arena, due, t->modules);

		if (extra.n)
			return WRONG(c, "%s runs %s, which is not below its root", task_name(c, i),
				     extra.at[0] < c->pipeline->n_modules
					 ? module_name(c, extra.at[0])
					 : "no module");
		if (missing.n)
			return WRONG(c, "%s does not run %s, which is below its root",
				     task_name(c, i), module_name(c, missing.at[0]));
	}
	return NULL;
}

/* ---- paths: which task runs what ---- */

static const char *run_path(struct checking *c, struct traffic *t, size_t path)
{
	const struct ir_path *p = t->paths[path];
	uint32_t copy = ID_NONE, at = ID_NONE;

	for (size_t k = 0; k < p->n; k++) {
		uint32_t begins = find_task(c, copy, p->modules[k]);

		at = begins == ID_NONE ? at : begins;
		if (at == ID_NONE || !ids_has(c->s->tasks[at].modules, p->modules[k]))
			return WRONG(c, "no task runs %s for %s", module_name(c, p->modules[k]),
				     t->name);
		t->runs[path][k] = at;
		c->serves[at * c->n_traffic + (size_t)(t - c->traffic)] = true;
		if (c->s->parted)
			copy = t->copy;
	}
	return NULL;
}

static const char *check_paths(struct checking *c)
{
	const char *wrong;

	c->serves = arena_many(c->arena, bool, c->s->n_tasks * c->n_traffic + 1);
	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0; k < c->traffic[i].n_paths; k++)
			if ((wrong = run_path(c, &c->traffic[i], k)))
				return wrong;
	return NULL;
}

/* ---- priorities ---- */

static bool *modules_of(const struct checking *c, struct ids classes)
{
	bool *on = arena_many(c->arena, bool, c->pipeline->n_modules);

	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t m = 0;
		     ids_has(classes, c->traffic[i].class) && m < c->pipeline->n_modules; m++)
			on[m] |= c->traffic[i].on[m];
	return on;
}

static bool serves_any(const struct checking *c, size_t task, struct ids classes)
{
	for (size_t i = 0; i < c->n_traffic; i++)
		if (c->serves[task * c->n_traffic + i] && ids_has(classes, c->traffic[i].class))
			return true;
	return false;
}

static const char *check_bite(struct checking *c, const struct ir_member *a,
			      const struct ir_member *b)
{
	const bool *above = modules_of(c, a->classes), *below = modules_of(c, b->classes);

	for (size_t i = 0; i < c->s->n_tasks; i++)
		for (size_t k = 0; k < c->s->tasks[i].modules.n; k++) {
			uint32_t m = c->s->tasks[i].modules.at[k];

			if (below[m] && !above[m] && serves_any(c, i, a->classes))
				return WRONG(
				    c, "%s serves %s and runs %s, which only %s below it needs",
				    task_name(c, i), a->name, module_name(c, m), b->name);
		}
	return NULL;
}

/* Some class of B has no module that A could leave to it. */
static const char *check_effect(struct checking *c, const struct ir_member *a,
				const struct ir_member *b)
{
	const bool *above = modules_of(c, a->classes);

	for (size_t i = 0; i < c->n_traffic; i++) {
		const struct traffic *t = &c->traffic[i];
		bool own = !ids_has(b->classes, t->class);

		for (size_t m = 0; m < c->pipeline->n_modules; m++)
			own |= t->on[m] && !above[m];
		if (!own)
			return WRONG(
			    c, "priority of %s over %s has no effect and classes are not parted",
			    a->name, t->name);
	}
	return NULL;
}

static const char *check_priorities(struct checking *c)
{
	bool due = !c->s->parted && c->slo->classify != IR_CLASSIFY_NEVER;
	const char *wrong;

	for (size_t i = 0; i < c->slo->n_levels; i++)
		for (size_t k = 0; k < c->slo->levels[i].n_priorities; k++) {
			const struct ir_level *l = &c->slo->levels[i];
			const struct ir_member *a = &l->members[l->priorities[k].above];
			const struct ir_member *b = &l->members[l->priorities[k].below];

			if ((wrong = check_bite(c, a, b)) ||
			    (due && (wrong = check_effect(c, a, b))))
				return wrong;
		}
	return NULL;
}

static const char *check_ranks(struct checking *c)
{
	for (size_t i = 0; i < c->s->n_tasks; i++) {
		uint32_t rank = c->slo->levels[0].n_ranks - 1;

		for (size_t k = 0; k < c->n_traffic; k++)
			if (c->traffic[k].named && c->serves[i * c->n_traffic + k] &&
			    c->traffic[k].rank < rank)
				rank = c->traffic[k].rank;
		if (c->s->tasks[i].rank != rank)
			return WRONG(c, "%s has rank %u, not %u", task_name(c, i),
				     c->s->tasks[i].rank, rank);
	}
	return NULL;
}

/* ---- service ---- */

static real service(const struct checking *c, uint32_t task)
{
	return value(c->s->tasks[task].service);
}

/* v never rises on the way, and what feeds one queue has one v. */
static const char *check_descent(struct checking *c, const struct traffic *t, size_t path,
				 uint32_t *feeder)
{
	const uint32_t *runs = t->runs[path];

	for (size_t k = 1; k < t->paths[path]->n; k++) {
		uint32_t up = runs[k - 1], down = runs[k];

		if (up == down)
			continue;
		if (!at_most(service(c, down), service(c, up)))
			return WRONG(c,
				     "%s serves %Lg, more than the %Lg of %s that feeds it with %s",
				     task_name(c, down), service(c, down), service(c, up),
				     task_name(c, up), t->name);
		if (feeder[down] != ID_NONE && !same(service(c, feeder[down]), service(c, up)))
			return WRONG(c, "%s and %s feed %s with services %Lg and %Lg",
				     task_name(c, feeder[down]), task_name(c, up),
				     task_name(c, down), service(c, feeder[down]), service(c, up));
		feeder[down] = up;
	}
	return NULL;
}

static const char *check_useful_path(struct checking *c, const struct traffic *t, size_t path,
				     uint32_t *feeder)
{
	const struct ir_path *p = t->paths[path];
	real floor = value(c->slo->floor), v = service(c, t->runs[path][p->n - 1]);

	if (t->named && !p->copy && !at_most(floor, v))
		return WRONG(c, "%s leaves %s with service %Lg, below the floor %Lg", t->name,
			     module_name(c, p->modules[p->n - 1]), v, floor);
	return check_descent(c, t, path, feeder);
}

static const char *check_useful(struct checking *c)
{
	uint32_t *feeder = arena_many(c->arena, uint32_t, c->s->n_tasks);
	const char *wrong;

	for (uint32_t i = 0; i < c->s->n_tasks; i++) {
		feeder[i] = ID_NONE;
		if (!at_most(service(c, i), 1))
			return WRONG(c, "%s has service %Lg, more than 1", task_name(c, i),
				     service(c, i));
	}
	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0; k < c->traffic[i].n_paths; k++)
			if ((wrong = check_useful_path(c, &c->traffic[i], k, feeder)))
				return wrong;
	return NULL;
}

static const char *check_entitled(struct checking *c, uint32_t task)
{
	real floor = value(c->slo->floor), v = service(c, task), cycles = 0;
	bool named = false;

	for (size_t i = 0; i < c->n_traffic; i++) {
		named |= c->traffic[i].named && c->serves[task * c->n_traffic + i];
		cycles += c->cycles[task * c->n_traffic + i];
	}
	if (named && !at_most(floor, v))
		return WRONG(c, "%s has service %Lg, below the floor %Lg", task_name(c, task), v,
			     floor);
	if (cycles <= 0 && !at_most(v, 1))
		return WRONG(c, "%s has service %Lg without any load", task_name(c, task), v);
	return NULL;
}

static const char *check_service(struct checking *c)
{
	const char *wrong;

	if (!c->slo->entitlement)
		return check_useful(c);
	for (uint32_t i = 0; i < c->s->n_tasks; i++)
		if ((wrong = check_entitled(c, i)))
			return wrong;
	return NULL;
}

/* ---- T, R and L ---- */

static real overhead(const struct checking *c, const struct sched_task *t, uint32_t module)
{
	if (module != t->root)
		return 0;
	return (t->queue ? value(c->target->queue_cost) : 0) +
	       (ids_has(c->s->sources, module) ? value(c->target->classify_cost) : 0);
}

/* The least v on the way; under useful accounting that of the exit. */
static real delivered(const struct checking *c, const struct traffic *t, size_t path)
{
	real least = 1;

	if (!c->slo->entitlement)
		return service(c, t->runs[path][t->paths[path]->n - 1]);
	for (size_t k = 0; k < t->paths[path]->n; k++)
		least = fminl(least, service(c, t->runs[path][k]));
	return least;
}

static void count_path(struct checking *c, struct traffic *t, size_t path)
{
	const struct ir_path *p = t->paths[path];
	real rate = value(p->rate_pps) / c->replicas;

	for (size_t k = p->first; k < p->n; k++) {
		const struct ir_module *m = &c->pipeline->modules[p->modules[k]];
		const struct sched_task *task = &c->s->tasks[t->runs[path][k]];
		real cost = value(m->cost) + value(m->cost_per_byte) * t->packet;
		size_t at = t->runs[path][k];

		t->time += rate * cost * service(c, t->runs[path][k]);
		c->cycles[at * c->n_traffic + (size_t)(t - c->traffic)] +=
		    rate * (cost + overhead(c, task, p->modules[k]));
		if (p->modules[k] == task->root)
			c->drain[at] += rate;
	}
	if (!p->copy)
		t->rate += rate * delivered(c, t, path);
}

static const char *count_all(struct checking *c)
{
	c->cycles = arena_many(c->arena, real, c->s->n_tasks * c->n_traffic + 1);
	c->load = arena_many(c->arena, real, c->s->n_tasks + 1);
	c->drain = arena_many(c->arena, real, c->s->n_tasks + 1);
	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0; k < c->traffic[i].n_paths; k++)
			count_path(c, &c->traffic[i], k);
	for (uint32_t i = 0; i < c->s->n_tasks; i++)
		for (size_t k = 0; k < c->n_traffic; k++)
			c->load[i] += c->cycles[i * c->n_traffic + k] * service(c, i);
	return NULL;
}

static const char *check_rows(struct checking *c)
{
	real sum = 0;

	if (c->s->n_classes != c->n_traffic)
		return WRONG(c, "%zu classes are predicted, %zu pass the pipeline", c->s->n_classes,
			     c->n_traffic);
	for (size_t i = 0; i < c->n_traffic; i++) {
		const struct traffic *t = &c->traffic[i];
		const struct sched_class *row = &c->s->classes[i];

		if (row->class != t->class)
			return WRONG(c, "row %zu of the prediction is not that of %s", i, t->name);
		if (!same(value(row->time), t->time))
			return WRONG(c, "%s takes %.12Lg cycles/s, not %.12Lg", t->name, t->time,
				     value(row->time));
		if (!same(value(row->rate), t->rate))
			return WRONG(c, "%s delivers %.12Lg packets/s, not %.12Lg", t->name,
				     t->rate, value(row->rate));
		sum += t->named ? t->rate * c->replicas : 0;
	}
	if (!same(value(c->s->rate), sum))
		return WRONG(c, "all named classes deliver %.12Lg packets/s, not %.12Lg", sum,
			     value(c->s->rate));
	return NULL;
}

static const char *check_loads(struct checking *c)
{
	real *load = arena_many(c->arena, real, c->target->n_cores);

	for (size_t i = 0; i < c->s->n_tasks; i++) {
		const struct sched_task *t = &c->s->tasks[i];

		if (!same(value(t->load), c->load[i]))
			return WRONG(c, "%s takes %.12Lg cycles/s, not %.12Lg", task_name(c, i),
				     c->load[i], value(t->load));
		load[t->worker] += c->load[i];
	}
	for (size_t w = 0; w < c->target->n_cores; w++)
		if (!at_most(load[w], c->clock))
			return WRONG(c, "worker %zu is to do %.12Lg cycles/s and has %.12Lg", w,
				     load[w], c->clock);
	return NULL;
}

/* What one worker only may reach is in tasks of one worker only. */
static const char *check_lonely(struct checking *c)
{
	for (size_t k = 0; k < c->target->one_worker.n; k++) {
		uint32_t m = c->target->one_worker.at[k], worker = ID_NONE;

		for (size_t i = 0; i < c->s->n_tasks; i++) {
			const struct sched_task *t = &c->s->tasks[i];

			if (!ids_has(t->modules, m))
				continue;
			if (worker != ID_NONE && worker != t->worker)
				return WRONG(c, "%s is reached by workers %u and %u",
					     module_name(c, m), worker, t->worker);
			worker = t->worker;
		}
	}
	return NULL;
}

static real share_due(const struct checking *c, size_t task, size_t row, bool *taken)
{
	const real *cycles = &c->cycles[task * c->n_traffic];
	real sum = 0;

	for (size_t k = 0; k < c->n_traffic; k++)
		sum += cycles[k];
	if (c->load[task] > 0)
		return cycles[row] / sum;
	if (*taken || !c->serves[task * c->n_traffic + row])
		return 0;
	*taken = true;
	return 1;
}

static const char *check_shares(struct checking *c)
{
	for (size_t i = 0; i < c->s->n_tasks; i++) {
		bool taken = false;

		for (size_t k = 0; k < c->n_traffic; k++) {
			real due = share_due(c, i, k, &taken), is = value(c->s->tasks[i].share[k]);

			if (!same(due, is))
				return WRONG(c, "%s spends %.12Lg of its cycles on %s, not %.12Lg",
					     task_name(c, i), due, c->traffic[k].name, is);
		}
	}
	return NULL;
}

/* ---- statements ---- */

static real sum_time(const struct checking *c, struct ids classes)
{
	real sum = 0;

	for (size_t i = 0; i < c->n_traffic; i++)
		if (ids_has(classes, c->traffic[i].class))
			sum += c->traffic[i].time;
	return sum;
}

/* In packets/s, or bit/s, of all replicas. */
static real sum_rate(const struct checking *c, struct ids classes, bool bits)
{
	real sum = 0;

	for (size_t i = 0; i < c->n_traffic; i++)
		if (ids_has(classes, c->traffic[i].class))
			sum += c->traffic[i].rate * c->replicas *
			       (bits ? c->traffic[i].packet * 8 : 1);
	return sum;
}

static const char *check_ratio(struct checking *c, const struct ir_level *l,
			       const struct ir_statement *st)
{
	bool cpu = st->kind == IR_CPU_RATIO;
	real *parts = arena_many(c->arena, real, st->n_members);
	real sum = 0, stated = 0, tolerance = value(c->slo->tolerance);

	for (size_t i = 0; i < st->n_members; i++) {
		struct ids classes = l->members[st->members[i]].classes;

		parts[i] = cpu ? sum_time(c, classes) : sum_rate(c, classes, false);
		sum += parts[i];
		stated += value(st->parts[i]);
	}
	for (size_t i = 0; i < st->n_members; i++) {
		real share = value(st->parts[i]) / stated * sum;

		if (!at_most((1 - tolerance) * share, parts[i]) ||
		    !at_most(parts[i], (1 + tolerance) * share))
			return WRONG(
			    c,
			    "%s of %s is %.12Lg of the sum %.12Lg; stated is %.12Lg, tolerance %Lg",
			    cpu ? "the time" : "the rate", l->members[st->members[i]].name,
			    parts[i], sum, share, tolerance);
	}
	return NULL;
}

static const char *check_bound(struct checking *c, const struct ir_level *l,
			       const struct ir_statement *st)
{
	const struct ir_member *m = &l->members[st->members[0]];
	bool cpu = st->kind == IR_CPU_BOUND;
	real is = cpu ? sum_time(c, m->classes) / (c->clock * (real)c->target->n_cores)
		      : sum_rate(c, m->classes, st->bits);
	real bound = value(st->bound);

	if (st->at_least ? at_most(bound, is) : at_most(is, bound))
		return NULL;
	return WRONG(c, "%s of %s is %.12Lg; stated is %s %.12Lg", cpu ? "the share" : "the rate",
		     m->name, is, st->at_least ? "at least" : "at most", bound);
}

/* Nanoseconds at worst, queues full. */
static real path_latency(const struct checking *c, const struct traffic *t, size_t path)
{
	const struct ir_path *p = t->paths[path];
	real cycles = 0, slowest = INFINITY, n = 0;

	for (size_t k = 0; k < p->n; k++) {
		const struct ir_module *m = &c->pipeline->modules[p->modules[k]];
		uint32_t at = t->runs[path][k];

		cycles += value(m->cost) + value(m->cost_per_byte) * t->packet;
		if (!c->s->tasks[at].queue || c->s->tasks[at].root != p->modules[k])
			continue;
		n++;
		slowest = fminl(slowest, c->drain[at] * service(c, at));
	}
	return 1e9L * (cycles / c->clock + (n > 0 ? n * (real)c->target->queue / slowest : 0));
}

static const char *check_latency(struct checking *c, const struct ir_level *l,
				 const struct ir_statement *st)
{
	const struct ir_member *m = &l->members[st->members[0]];

	for (size_t i = 0; i < c->n_traffic; i++)
		for (size_t k = 0;
		     ids_has(m->classes, c->traffic[i].class) && k < c->traffic[i].n_paths; k++) {
			real is = path_latency(c, &c->traffic[i], k);

			if (!c->traffic[i].paths[k]->copy && !at_most(is, value(st->bound)))
				return WRONG(c, "%s may take %.12Lg ns; stated are %.12Lg",
					     c->traffic[i].name, is, value(st->bound));
		}
	return NULL;
}

static const char *check_statements(struct checking *c)
{
	static const char *(*const by_kind[])(struct checking *, const struct ir_level *,
					      const struct ir_statement *) = {
		[IR_CPU_RATIO] = check_ratio, [IR_THROUGHPUT_RATIO] = check_ratio,
		[IR_CPU_BOUND] = check_bound, [IR_RATE_BOUND] = check_bound,
		[IR_LATENCY] = check_latency,
	};
	const char *wrong;

	for (size_t i = 0; i < c->slo->n_levels; i++)
		for (size_t k = 0; k < c->slo->levels[i].n_statements; k++) {
			const struct ir_level *l = &c->slo->levels[i];

			if ((wrong = by_kind[l->statements[k].kind](c, l, &l->statements[k])))
				return wrong;
		}
	return NULL;
}

/* ---- the tree ---- */

/* The member of LEVEL that holds all that the task serves of the slo; ID_NONE. */
static uint32_t common_member(const struct checking *c, const struct ir_level *l, size_t task)
{
	uint32_t common = ID_NONE;

	for (size_t k = 0; k < c->n_traffic; k++) {
		uint32_t m = 0;

		if (!c->traffic[k].named || !c->serves[task * c->n_traffic + k])
			continue;
		while (m < l->n_members && !ids_has(l->members[m].classes, c->traffic[k].class))
			m++;
		if (m == l->n_members || (common != ID_NONE && common != m))
			return ID_NONE;
		common = m;
	}
	return common;
}

static uint32_t best_rank(const struct checking *c, const struct ir_level *l, size_t task)
{
	uint32_t rank = l->n_ranks - 1;

	for (size_t k = 0; k < c->n_traffic; k++)
		for (size_t m = 0;
		     c->traffic[k].named && c->serves[task * c->n_traffic + k] && m < l->n_members;
		     m++)
			if (l->members[m].rank < rank &&
			    ids_has(l->members[m].classes, c->traffic[k].class))
				rank = l->members[m].rank;
	return rank;
}

static struct home home_of(const struct checking *c, size_t task)
{
	uint32_t level = 0, m;

	while ((m = common_member(c, &c->slo->levels[level], task)) != ID_NONE &&
	       c->slo->levels[level].members[m].level != ID_NONE)
		level = c->slo->levels[level].members[m].level;
	return (struct home){ level, best_rank(c, &c->slo->levels[level], task) };
}

struct nodes {
	struct sched_node *at;
	size_t n, cap;
};

static struct sched_node expect_leaf(uint32_t task)
{
	return (struct sched_node){ .kind = SCHED_LEAF, .level = ID_NONE, .task = task };
}

static struct sched_node expect_weighted(struct nodes items, uint32_t level)
{
	return (struct sched_node){ .kind = SCHED_WEIGHTED,
				    .level = level,
				    .task = ID_NONE,
				    .children = items.at,
				    .n_children = items.n };
}

static bool is_within(const struct checking *c, uint32_t level, uint32_t outer)
{
	while (level != outer && level != ID_NONE)
		level = c->slo->levels[level].parent;
	return level == outer;
}

static struct ids tasks_within(const struct checking *c, uint32_t level)
{
	VEC(uint32_t) found = { 0 };

	for (uint32_t i = 0; i < c->s->n_tasks; i++)
		if (is_within(c, c->homes[i].level, level))
			vec_push(c->arena, &found, i);
	return (struct ids){ found.at, found.n };
}

static struct sched_node expect_level(const struct checking *c, uint32_t level);

/* By id as the plan writes it: t10 comes before t2. */
static int leaf_order(const void *x, const void *y)
{
	char a[24], b[24];

	snprintf(a, sizeof(a), "%u", ((const struct sched_node *)x)->task);
	snprintf(b, sizeof(b), "%u", ((const struct sched_node *)y)->task);
	return strcmp(a, b);
}

/* What hangs at a rank of a level: groups by name, then leaves, among them what is left
 * of a group with a single task. */
static struct nodes expect_items(const struct checking *c, uint32_t level, uint32_t rank)
{
	const struct ir_level *l = &c->slo->levels[level];
	struct nodes items = { 0 }, leaves = { 0 };

	for (size_t m = 0; m < l->n_members; m++) {
		struct ids tasks = { 0 };

		if (l->members[m].level != ID_NONE && l->members[m].rank == rank)
			tasks = tasks_within(c, l->members[m].level);
		if (tasks.n == 1)
			vec_push(c->arena, &leaves, expect_leaf(tasks.at[0]));
		else if (tasks.n)
			vec_push(c->arena, &items, expect_level(c, l->members[m].level));
	}
	for (uint32_t i = 0; i < c->s->n_tasks; i++)
		if (c->homes[i].level == level && c->homes[i].rank == rank)
			vec_push(c->arena, &leaves, expect_leaf(i));
	if (leaves.n)
		qsort(leaves.at, leaves.n, sizeof(*leaves.at), leaf_order);
	for (size_t i = 0; i < leaves.n; i++)
		vec_push(c->arena, &items, leaves.at[i]);
	return items;
}

static struct sched_node expect_ranks(const struct checking *c, uint32_t level)
{
	struct nodes children = { 0 };

	for (uint32_t rank = 0; rank < c->slo->levels[level].n_ranks; rank++) {
		struct nodes items = expect_items(c, level, rank);
		struct sched_node child;

		if (!items.n)
			continue;
		child = items.n == 1 ? items.at[0] : expect_weighted(items, ID_NONE);
		child.ranked = true;
		child.rank = rank;
		vec_push(c->arena, &children, child);
	}
	return (struct sched_node){ .kind = SCHED_PRIORITY,
				    .level = level,
				    .task = ID_NONE,
				    .children = children.at,
				    .n_children = children.n };
}

static struct sched_node expect_level(const struct checking *c, uint32_t level)
{
	struct ids tasks = tasks_within(c, level);

	if (tasks.n == 1)
		return expect_leaf(tasks.at[0]);
	return c->slo->levels[level].n_ranks > 1
		   ? expect_ranks(c, level)
		   : expect_weighted(expect_items(c, level, 0), level);
}

static real weight_below(const struct checking *c, const struct sched_node *n)
{
	real sum = 0;

	if (n->kind == SCHED_LEAF)
		return value(c->s->tasks[n->task].weight);
	for (size_t i = 0; i < n->n_children; i++)
		sum += weight_below(c, &n->children[i]);
	return sum;
}

static const char *node_text(const struct checking *c, const struct sched_node *n)
{
	static const char *const kinds[] = { "a priority node", "a weighted node", "a leaf" };

	if (n->kind == SCHED_LEAF && n->task < c->s->n_tasks)
		return task_name(c, n->task);
	return arena_printf(c->arena, "%s %s", kinds[n->kind],
			    n->level < c->slo->n_levels ? c->slo->levels[n->level].name
							: "without a name");
}

/* BELOW: some node above it is weighted. */
static const char *compare_node(struct checking *c, const struct sched_node *is,
				const struct sched_node *due, bool below)
{
	bool leaf = due->kind == SCHED_LEAF;

	if (is->kind != due->kind || (leaf && is->task != due->task) ||
	    (!leaf && is->level != due->level))
		return WRONG(c, "the tree has %s in place of %s", node_text(c, is),
			     node_text(c, due));
	if (is->ranked != due->ranked || (due->ranked && is->rank != due->rank))
		return WRONG(c, "in the tree %s %s rank %u", node_text(c, is),
			     due->ranked ? "has not the" : "has a",
			     due->ranked ? due->rank : is->rank);
	if (is->weighted != below)
		return WRONG(c, "in the tree %s has %s weight", node_text(c, is),
			     below ? "no" : "a");
	if (below && !same(value(is->weight), weight_below(c, due)))
		return WRONG(c, "in the tree %s weighs %.12Lg, not the %.12Lg of its leaves",
			     node_text(c, is), value(is->weight), weight_below(c, due));
	if (is->n_children != due->n_children)
		return WRONG(c, "in the tree %s has %zu children, not %zu", node_text(c, is),
			     is->n_children, due->n_children);
	return NULL;
}

/* Notes in WEIGHTED which tasks hang below a weighted node. */
static const char *compare_tree(struct checking *c, const struct sched_node *is,
				const struct sched_node *due, bool below, bool *weighted)
{
	const char *wrong = compare_node(c, is, due, below);

	if (due->kind == SCHED_LEAF)
		weighted[due->task] = below;
	for (size_t i = 0; !wrong && i < due->n_children; i++)
		wrong = compare_tree(c, &is->children[i], &due->children[i],
				     below || due->kind == SCHED_WEIGHTED, weighted);
	return wrong;
}

/* A tree of one leaf has no node above it; its weight is 1, at least without priorities. */
static bool is_alone(const struct checking *c, const struct sched_node *due)
{
	return due->kind == SCHED_LEAF &&
	       (c->slo->levels[0].n_ranks == 1 || c->s->tasks[due->task].weighted);
}

/* Weights of what hangs below weighted nodes; BELOW says what does. */
static const char *check_weights(struct checking *c, const bool *below)
{
	real *sum = arena_many(c->arena, real, c->target->n_cores);
	real *weights = arena_many(c->arena, real, c->target->n_cores);

	for (size_t i = 0; i < c->s->n_tasks; i++)
		sum[c->s->tasks[i].worker] += below[i] ? c->load[i] : 0;
	for (size_t i = 0; i < c->s->n_tasks; i++) {
		const struct sched_task *t = &c->s->tasks[i];

		if (t->weighted != below[i])
			return WRONG(c, "%s has %s weight", task_name(c, i), below[i] ? "no" : "a");
		if (!below[i])
			continue;
		if (rat_sign(t->weight) < 0 ||
		    (sum[t->worker] > 0 && !same(value(t->weight), c->load[i] / sum[t->worker])))
			return WRONG(c, "%s weighs %.12Lg, not %.12Lg", task_name(c, i),
				     value(t->weight),
				     sum[t->worker] > 0 ? c->load[i] / sum[t->worker] : 0);
		weights[t->worker] += value(t->weight);
	}
	for (size_t i = 0; i < c->s->n_tasks; i++)
		if (below[i] && !same(weights[c->s->tasks[i].worker], 1))
			return WRONG(c, "the weights of worker %u sum to %.12Lg",
				     c->s->tasks[i].worker, weights[c->s->tasks[i].worker]);
	return NULL;
}

static const char *check_tree(struct checking *c)
{
	bool *below = arena_many(c->arena, bool, c->s->n_tasks);
	struct sched_node due;
	const char *wrong;

	c->homes = arena_many(c->arena, struct home, c->s->n_tasks);
	for (size_t i = 0; i < c->s->n_tasks; i++)
		c->homes[i] = home_of(c, i);
	if (!c->s->tree)
		return "there is no tree";
	due = expect_level(c, 0);
	if ((wrong = compare_tree(c, c->s->tree, &due, false, below)))
		return wrong;
	below[0] |= is_alone(c, &due);
	return check_weights(c, below);
}

/* ---- all of it ---- */

const char *schedule_check(struct arena *arena, const struct ir *ir, const struct schedule *s)
{
	static const char *(*const steps[])(struct checking *) = {
		check_frame,   check_classifier, check_tasks,      check_roots,
		check_modules, check_paths,      check_priorities, check_ranks,
		count_all,     check_service,    check_rows,       check_loads,
		check_lonely,  check_shares,     check_statements, check_tree,
	};
	struct checking c = { .arena = arena, .ir = ir, .s = s, .target = &ir->targets[s->target] };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const char *wrong = steps[i](&c);

		if (wrong)
			return wrong;
	}
	return NULL;
}
