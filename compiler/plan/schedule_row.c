#include <config.h>

#include "compiler/plan/schedule_row.h"

#include <stdlib.h>
#include <string.h>

struct writing {
	struct arena *arena;
	const struct ir *ir;
	const struct schedule *schedule;
	const struct ir_target *target;
	const struct ir_slo *slo;
	const struct ir_pipeline *pipeline;
};

static struct plan_num number(struct rat r)
{
	return (struct plan_num){ true, rat_dec(r) };
}

static const struct plan_num no_number = { false, { 0 } };

static const char *class_name(const struct writing *w, uint32_t class)
{
	if (class == ID_NONE)
		return NULL;
	return class == ID_REST ? "rest" : w->ir->classes[class].name;
}

static struct plan_texts module_names(const struct writing *w, struct ids modules)
{
	const char **at = arena_many(w->arena, const char *, modules.n);

	for (size_t i = 0; i < modules.n; i++)
		at[i] = w->pipeline->modules[modules.at[i]].name;
	return (struct plan_texts){ at, modules.n };
}

struct plan_ints plan_cores(struct arena *arena, const struct ir_target *t)
{
	int64_t *at = arena_many(arena, int64_t, t->n_cores);

	for (size_t i = 0; i < t->n_cores; i++)
		at[i] = (int64_t)t->cores[i];
	return (struct plan_ints){ at, t->n_cores };
}

static struct plan_classifier *classifier(const struct writing *w)
{
	const struct schedule *s = w->schedule;
	struct plan_classifier *c;

	if (!s->solved || !s->parted)
		return NULL;
	c = arena_one(w->arena, struct plan_classifier);
	c->span = w->target->span;
	c->after = module_names(w, s->sources);
	c->classes.at = arena_many(w->arena, struct plan_early_class, s->n_parts);
	for (size_t i = 0; i < s->n_parts; i++) {
		struct plan_early_class *row = &c->classes.at[c->classes.n++];

		row->span = s->parts[i].class == ID_REST ? w->target->span : w->ir->classes[s->parts[i].class].span;
		row->name = class_name(w, s->parts[i].class);
		row->fx = s->parts[i].when;
		row->when = fx_text(w->ir->fields, s->parts[i].when);
	}
	return c;
}

static int by_key(const void *x, const void *y)
{
	return strcmp(((const struct plan_named_num *)x)->key, ((const struct plan_named_num *)y)->key);
}

/* A task that no traffic reaches is there for what may come. */
static struct plan_map_num shares(const struct writing *w, const struct sched_task *t)
{
	const struct schedule *s = w->schedule;
	struct plan_named_num *at = arena_many(w->arena, struct plan_named_num, s->n_classes + 1);
	size_t n = 0;

	for (size_t c = 0; c < s->n_classes; c++)
		if (rat_sign(t->share[c]))
			at[n++] = (struct plan_named_num){ class_name(w, s->classes[c].class), rat_dec(t->share[c]) };
	if (!n)
		at[n++] = (struct plan_named_num){ "rest", rat_dec(RAT_ONE) };
	qsort(at, n, sizeof(*at), by_key);
	return (struct plan_map_num){ at, n };
}

static void write_tasks(const struct writing *w, struct plan_schedule *row)
{
	const struct schedule *s = w->schedule;

	row->tasks.at = arena_many(w->arena, struct plan_task, s->n_tasks);
	for (size_t i = 0; s->solved && i < s->n_tasks; i++) {
		const struct sched_task *t = &s->tasks[i];

		row->tasks.at[row->tasks.n++] = (struct plan_task){
			.span = w->pipeline->modules[t->root].span,
			.id = arena_printf(w->arena, "t%zu", i),
			.root = w->pipeline->modules[t->root].name,
			.class = class_name(w, t->copy),
			.modules = module_names(w, t->modules),
			.queue = t->queue,
			.worker = (int64_t)t->worker,
			.weight = t->weighted ? number(t->weight) : no_number,
			.priority = (int64_t)t->rank,
			.service = rat_dec(t->service),
			.share_by_class = shares(w, t),
		};
	}
}

static struct plan_tree tree_row(const struct writing *w, const struct sched_node *n)
{
	static const char *const kinds[] = { "priority", "weighted", "leaf" };
	struct plan_tree row = { .span = w->target->span, .kind = kinds[n->kind] };

	row.name = n->level == ID_NONE ? NULL : w->slo->levels[n->level].name;
	row.task = n->kind == SCHED_LEAF ? arena_printf(w->arena, "t%u", n->task) : NULL;
	row.priority = (struct plan_int){ n->ranked, (int64_t)n->rank };
	row.weight = n->weighted ? number(n->weight) : no_number;
	row.children.at = arena_many(w->arena, struct plan_tree, n->n_children);
	for (size_t i = 0; i < n->n_children; i++)
		row.children.at[row.children.n++] = tree_row(w, &n->children[i]);
	return row;
}

static struct plan_tree *write_tree(const struct writing *w)
{
	struct plan_tree *row = NULL;

	if (w->schedule->solved) {
		row = arena_one(w->arena, struct plan_tree);
		*row = tree_row(w, w->schedule->tree);
	}
	return row;
}

struct predicted_row {
	const char *name;
	struct plan_predicted row;
};

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct predicted_row *)x)->name, ((const struct predicted_row *)y)->name);
}

static void write_predicted(const struct writing *w, struct plan_schedule *row)
{
	const struct schedule *s = w->schedule;
	struct rat cycles = rat_mul(w->target->clock, rat_uint(w->target->n_cores));
	struct predicted_row *rows = arena_many(w->arena, struct predicted_row, s->n_classes);

	for (size_t i = 0; s->solved && i < s->n_classes; i++) {
		rows[i].name = class_name(w, s->classes[i].class);
		rows[i].row.span = w->slo->span;
		rows[i].row.cpu_share = rat_dec(rat_div(s->classes[i].time, cycles));
		rows[i].row.rate_pps = rat_dec(rat_mul(s->classes[i].rate, rat_uint(w->target->replicas)));
		row->predicted.n++;
	}
	if (row->predicted.n)
		qsort(rows, row->predicted.n, sizeof(*rows), by_name);
	row->predicted.names = arena_many(w->arena, const char *, row->predicted.n);
	row->predicted.at = arena_many(w->arena, struct plan_predicted, row->predicted.n);
	for (size_t i = 0; i < row->predicted.n; i++) {
		row->predicted.names[i] = rows[i].name;
		row->predicted.at[i] = rows[i].row;
	}
}

static void write_objective(const struct writing *w, struct plan_schedule *row)
{
	const struct schedule *s = w->schedule;

	row->objective = arena_one(w->arena, struct plan_objective);
	row->objective->kind = w->slo->tasks_first ? "tasks" : "throughput";
	row->solver = arena_one(w->arena, struct plan_solver);
	row->solver->name = s->solver;
	row->solver->nodes = (int64_t)s->n_nodes;
	if (!s->solved)
		return;
	row->objective->tasks = (int64_t)s->n_tasks;
	row->objective->rate_pps = rat_dec(s->rate);
	row->objective->optimal = s->optimal;
	row->objective->bound = number(s->bound);
	row->objective->gap = number(s->gap);
	if (s->timed)
		row->solver->seconds = number(rat_make((__int128)(s->seconds * 1e6), 1000000));
}

struct plan_schedule schedule_row(struct arena *arena, const struct ir *ir, const struct schedule *s)
{
	const struct ir_target *t = &ir->targets[s->target];
	const struct writing w = { arena, ir, s, t, &ir->slos[t->enforce], &ir->pipelines[t->pipelines.at[0]] };
	struct plan_schedule row = { .span = t->span };

	row.slo = w.slo->name;
	row.target = t->name;
	row.pipeline = w.pipeline->name;
	row.code = s->failed ? diag_page(s->code)->code : NULL;
	row.workers = (int64_t)t->n_cores;
	row.cores = plan_cores(arena, t);
	row.replicas = (int64_t)t->replicas;
	row.clock_hz = rat_dec(t->clock);
	row.accounting = w.slo->entitlement ? "entitlement" : "useful";
	row.queue_packets = (int64_t)t->queue;
	row.queue_cost_cycles = rat_dec(t->queue_cost);
	row.classify_cost_cycles = rat_dec(t->classify_cost);
	row.floor = rat_dec(w.slo->floor);
	row.tolerance = rat_dec(w.slo->tolerance);
	row.classifier = classifier(&w);
	write_tasks(&w, &row);
	row.tree = write_tree(&w);
	write_predicted(&w, &row);
	write_objective(&w, &row);
	return row;
}
