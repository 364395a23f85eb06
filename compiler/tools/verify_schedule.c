/* The schedules of the plan: tasks, weights, the tree, what is predicted. */
#include <config.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "compiler/tools/verify.h"

/* Numerical slack of ratios that are stated to nine decimals. */
#define SLACK 1e-6

struct judging {
	struct verifying *v;
	const struct rplan_schedule *s;
	const struct rplan_pipeline *pipeline;
};

static const char *row(struct judging *j, const char *key)
{
	return arena_printf(j->v->arena, "schedules[%s].%s", j->s->target, key);
}

static const char *task_row(struct judging *j, const struct rplan_task *t, const char *key)
{
	return arena_printf(j->v->arena, "schedules[%s].tasks[%s].%s", j->s->target, t->id, key);
}

static bool differs(double a, double b)
{
	return !(fabs(a - b) <= SLACK * fmax(1, fmax(fabs(a), fabs(b))));
}

static bool has_text(const struct rplan_texts *t, const char *text)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->at[i], text))
			return true;
	return false;
}

static bool is_class(const struct judging *j, const char *name)
{
	for (size_t i = 0; i < j->v->plan->classes.n; i++)
		if (!strcmp(j->v->plan->classes.at[i].name, name))
			return true;
	return !strcmp(name, "rest");
}

static bool is_module(const struct judging *j, const char *id)
{
	for (size_t i = 0; i < j->pipeline->modules.n; i++)
		if (!strcmp(j->pipeline->modules.at[i].id, id))
			return true;
	return false;
}

/* ---- tasks ---- */

static int class_order(const char *a, const char *b)
{
	return !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

static void check_place(struct judging *j, size_t i)
{
	const struct rplan_task *t = &j->s->tasks.at[i];
	int order = -1;

	if (strcmp(t->id, arena_printf(j->v->arena, "t%zu", i)))
		verify_find(j->v, 0, task_row(j, t, "id"), "is number %zu", i);
	if (i) {
		order = strcmp(t[-1].root, t->root);
		order = order ? order : class_order(t[-1].class, t->class);
	}
	if (order >= 0)
		verify_find(j->v, 0, task_row(j, t, "root"),
			    "stands behind %s, which is not the order of tasks", t[-1].root);
}

static void check_modules(struct judging *j, const struct rplan_task *t)
{
	if (!has_text(&t->modules, t->root))
		verify_find(j->v, 0, task_row(j, t, "modules"), "its root %s is not among them",
			    t->root);
	for (size_t i = 0; i < t->modules.n; i++) {
		if (!is_module(j, t->modules.at[i]))
			verify_find(j->v, 0, task_row(j, t, "modules"), "%s has no module %s",
				    j->s->pipeline, t->modules.at[i]);
		if (i && strcmp(t->modules.at[i - 1], t->modules.at[i]) >= 0)
			verify_find(j->v, 0, task_row(j, t, "modules"), "they are not sorted");
	}
}

static void check_shares(struct judging *j, const struct rplan_task *t)
{
	double sum = 0;

	for (size_t i = 0; i < t->share_by_class.n; i++) {
		sum += t->share_by_class.at[i].value;
		if (t->share_by_class.at[i].value < -SLACK)
			verify_find(j->v, 0, task_row(j, t, "share_by_class"),
				    "a share is less than nothing");
		if (!is_class(j, t->share_by_class.at[i].key))
			verify_find(j->v, 0, task_row(j, t, "share_by_class"),
				    "no class is called %s", t->share_by_class.at[i].key);
	}
	if (t->share_by_class.n && differs(sum, 1))
		verify_find(j->v, 0, task_row(j, t, "share_by_class"),
			    "its shares sum to %.9g, not to 1", sum);
}

static void check_task(struct judging *j, size_t i)
{
	const struct rplan_task *t = &j->s->tasks.at[i];

	check_place(j, i);
	check_modules(j, t);
	check_shares(j, t);
	if (t->class && !is_class(j, t->class))
		verify_find(j->v, 0, task_row(j, t, "class"), "no class is called %s", t->class);
	if (t->worker < 0 || t->worker >= j->s->workers)
		verify_find(j->v, 0, task_row(j, t, "worker"), "is %" PRId64 " of %" PRId64,
			    t->worker, j->s->workers);
	if (t->priority < 0)
		verify_find(j->v, 0, task_row(j, t, "priority"), "is %" PRId64, t->priority);
	if (t->weight.present && (t->weight.value < -SLACK || t->weight.value > 1 + SLACK))
		verify_find(j->v, 0, task_row(j, t, "weight"),
			    "is %.9g, and a weight lies between 0 and 1", t->weight.value);
	if (t->service < 0)
		verify_find(j->v, 0, task_row(j, t, "service"), "is %.9g", t->service);
}

/* Over the weighted tasks of one worker. */
static void check_weights(struct judging *j, int64_t worker)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < j->s->tasks.n; i++)
		if (j->s->tasks.at[i].worker == worker && j->s->tasks.at[i].weight.present) {
			sum += j->s->tasks.at[i].weight.value;
			n++;
		}
	if (n && differs(sum, 1))
		verify_find(j->v, 0, row(j, "tasks"),
			    "the weights of worker %" PRId64 " sum to %.9g, not to 1", worker, sum);
}

/* Each module that a class of the schedule passes runs in some task. */
static void check_cover(struct judging *j)
{
	for (size_t i = 0; i < j->s->predicted.n; i++)
		for (size_t c = 0; c < j->v->plan->classes.n; c++) {
			const struct rplan_class *class = &j->v->plan->classes.at[c];

			if (strcmp(class->name, j->s->predicted.names[i]))
				continue;
			for (size_t p = 0; p < class->paths.n; p++)
				for (size_t m = 0; m < class->paths.at[p].n; m++) {
					const char *id = class->paths.at[p].at[m];
					bool runs = !is_module(j, id);

					for (size_t t = 0; t < j->s->tasks.n && !runs; t++)
						runs = has_text(&j->s->tasks.at[t].modules, id);
					if (!runs)
						verify_find(
						    j->v, 0, row(j, "tasks"),
						    "no task runs %s, which class %s passes", id,
						    class->name);
				}
		}
}

/* ---- the tree ---- */

static const struct rplan_task *task_named(const struct judging *j, const char *id)
{
	for (size_t i = 0; id && i < j->s->tasks.n; i++)
		if (!strcmp(j->s->tasks.at[i].id, id))
			return &j->s->tasks.at[i];
	return NULL;
}

/* Counts the leaves in SEEN; returns the sum of their weights. */
static double walk(struct judging *j, const struct rplan_tree *n, size_t *seen)
{
	const struct rplan_task *t = task_named(j, n->task);
	bool leaf = !strcmp(n->kind, "leaf"), ranked = !strcmp(n->kind, "priority");
	double sum = leaf && t && t->weight.present ? t->weight.value : 0;

	if (leaf != (n->task != NULL) || (leaf && (!t || n->children.n)))
		verify_find(j->v, 0, row(j, "tree"), "a leaf stands for %s",
			    n->task ? n->task : "no task");
	if (t)
		seen[t - j->s->tasks.at]++;
	for (size_t i = 0; i < n->children.n; i++) {
		const struct rplan_tree *c = &n->children.at[i];

		sum += walk(j, c, seen);
		if (c->priority.present != ranked)
			verify_find(j->v, 0, row(j, "tree"), "a child of a %s node has %s rank",
				    n->kind, ranked ? "no" : "a");
		else if (ranked && i && c[-1].priority.value >= c->priority.value)
			verify_find(j->v, 0, row(j, "tree"),
				    "rank %" PRId64 " stands behind rank %" PRId64,
				    c->priority.value, c[-1].priority.value);
	}
	if (n->weight.present && differs(n->weight.value, sum))
		verify_find(j->v, 0, row(j, "tree"),
			    "the weight of %s is %.9g, and its tasks' sum is %.9g",
			    n->task   ? n->task
			    : n->name ? n->name
				      : "a node",
			    n->weight.value, sum);
	return sum;
}

static void check_tree(struct judging *j)
{
	size_t *seen = arena_many(j->v->arena, size_t, j->s->tasks.n);

	if ((j->s->tree != NULL) != (j->s->tasks.n > 0)) {
		verify_find(j->v, 0, row(j, "tree"), "there are %zu tasks and %s tree",
			    j->s->tasks.n, j->s->tree ? "a" : "no");
		return;
	}
	if (j->s->tree)
		walk(j, j->s->tree, seen);
	for (size_t i = 0; i < j->s->tasks.n; i++)
		if (seen[i] != 1)
			verify_find(j->v, 0, row(j, "tree"), "task %s is in it %zu times",
				    j->s->tasks.at[i].id, seen[i]);
}

/* ---- the whole ---- */

static void check_predicted(struct judging *j)
{
	double sum = 0;

	for (size_t i = 0; i < j->s->predicted.n; i++) {
		const struct rplan_predicted *p = &j->s->predicted.at[i];

		sum += p->cpu_share;
		if (!is_class(j, j->s->predicted.names[i]))
			verify_find(j->v, 0, row(j, "predicted"), "no class is called %s",
				    j->s->predicted.names[i]);
		if (p->cpu_share < -SLACK || p->rate_pps < 0)
			verify_find(j->v, 0, row(j, "predicted"),
				    "class %s is entitled to less than nothing",
				    j->s->predicted.names[i]);
	}
	if (sum > 1 + SLACK)
		verify_find(j->v, 0, row(j, "predicted"), "the classes' shares sum to %.9g", sum);
}

static void check_objective(struct judging *j)
{
	const struct rplan_objective *o = j->s->objective;

	if (j->s->tasks.n && o->tasks != (int64_t)j->s->tasks.n)
		verify_find(j->v, 0, row(j, "objective.tasks"),
			    "says %" PRId64 ", and there are %zu", o->tasks, j->s->tasks.n);
}

static void check_settings(struct judging *j)
{
	if (j->s->workers != (int64_t)j->s->cores.n)
		verify_find(j->v, 0, row(j, "cores"), "%zu cores for %" PRId64 " workers",
			    j->s->cores.n, j->s->workers);
	if (j->s->replicas < 1 || j->s->clock_hz < 0)
		verify_find(j->v, 0, row(j, "replicas"), "is %" PRId64 " at %.9g Hz",
			    j->s->replicas, j->s->clock_hz);
	if (!j->s->code && !j->s->tasks.n)
		verify_find(j->v, 0, row(j, "tasks"), "there are none, and no code says why");
}

static const struct rplan_pipeline *pipeline_named(const struct verifying *v, const char *name)
{
	for (size_t i = 0; i < v->plan->pipelines.n; i++)
		if (!strcmp(v->plan->pipelines.at[i].name, name))
			return &v->plan->pipelines.at[i];
	return NULL;
}

static void check_schedule(struct verifying *v, const struct rplan_schedule *s)
{
	struct judging j = { v, s, pipeline_named(v, s->pipeline) };

	if (!j.pipeline) {
		verify_find(v, 0, row(&j, "pipeline"), "no pipeline is called %s", s->pipeline);
		return;
	}
	check_settings(&j);
	for (size_t i = 0; i < s->tasks.n; i++)
		check_task(&j, i);
	for (int64_t w = 0; w < s->workers && w < (int64_t)s->cores.n; w++)
		check_weights(&j, w);
	if (s->tasks.n)
		check_cover(&j);
	check_tree(&j);
	check_predicted(&j);
	check_objective(&j);
}

void verify_schedules(struct verifying *v)
{
	for (size_t i = 0; i < v->plan->schedules.n; i++)
		check_schedule(v, &v->plan->schedules.at[i]);
}
