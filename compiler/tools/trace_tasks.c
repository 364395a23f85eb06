/* One packet's walk, its classes and cycles, and which task serves it where. */
#include <config.h>

#include <string.h>

#include "compiler/tools/trace.h"

/* ---- classes ---- */

static void find_classes(struct trace *t)
{
	VEC(uint32_t) in = { 0 };
	VEC(uint32_t) open = { 0 };

	for (uint32_t i = 0; i < t->ir->n_classes; i++) {
		enum fx_truth is = walk_class(t->arena, t->walk, &t->ir->classes[i], &t->packet);

		if (is == FX_YES)
			vec_push(t->arena, &in, i);
		if (is == FX_OPEN)
			vec_push(t->arena, &open, i);
	}
	t->classes = (struct ids){ in.at, in.n };
	t->open = (struct ids){ open.at, open.n };
}

/* False: another size was found before. */
static bool agree(struct trace *t, bool first, bool has_size, struct rat size)
{
	if (first) {
		t->has_size = has_size;
		t->size = size;
	} else if (!has_size || !t->has_size || rat_cmp(size, t->size)) {
		t->has_size = false;
		return false;
	}
	return true;
}

/* The size of its classes, where they have one in common; of no class, the pipeline's. */
static void find_size(struct trace *t)
{
	bool first = true, one = true;

	if (!t->classes.n)
		one = agree(t, first, t->pipeline->has_packet, t->pipeline->packet);
	first = t->classes.n > 0;
	for (size_t i = 0; i < t->classes.n + t->open.n && one; i++) {
		uint32_t id = i < t->classes.n ? t->classes.at[i] : t->open.at[i - t->classes.n];
		const struct ir_class *c = &t->ir->classes[id];

		one = agree(t, first, c->has_packet, c->packet);
		first = false;
	}
}

/* ---- targets ---- */

static bool stands_behind(const struct plan_classifier *c, const char *source)
{
	for (size_t i = 0; c && i < c->after.n; i++)
		if (!strcmp(c->after.at[i], source))
			return true;
	return false;
}

/* The classifier looks at the header as the packet enters. */
static void find_early(const struct trace *t, struct trace_target *target)
{
	const struct plan_classifier *c = target->row->classifier;

	target->source = t->pipeline->modules[t->source].name;
	target->parted = stands_behind(c, target->source);
	for (size_t i = 0; target->parted && i < c->classes.n; i++) {
		const struct plan_early_class *e = &c->classes.at[i];
		bool rest = !strcmp(e->name, "rest");
		enum fx_truth is = rest ? FX_YES : walk_entering(&t->packet, e->fx);

		if (is == FX_YES && (!rest || !target->open)) {
			target->early = e->name;
			target->open = false;
			return;
		}
		target->open |= is == FX_OPEN;
	}
}

static void find_targets(struct trace *t, const struct plan *plan)
{
	VEC(struct trace_target) targets = { 0 };

	for (size_t i = 0; plan && i < plan->schedules.n; i++) {
		struct trace_target target = { .row = &plan->schedules.at[i] };

		if (strcmp(target.row->pipeline, t->pipeline->name))
			continue;
		find_early(t, &target);
		vec_push(t->arena, &targets, target);
	}
	t->targets = targets.at;
	t->n_targets = targets.n;
}

struct trace *trace_walk(struct arena *a, const struct policy *p,
			 const struct ir_pipeline *pipeline, uint32_t source,
			 const struct walk_packet *packet)
{
	struct trace *t = arena_one(a, struct trace);

	t->arena = a;
	t->ir = p->ir;
	t->pipeline = pipeline;
	t->source = source;
	t->packet = *packet;
	t->walk = walk_packet(a, p->ir, (uint32_t)(pipeline - p->ir->pipelines), source, packet);
	find_classes(t);
	find_size(t);
	find_targets(t, p->plan);
	return t;
}

/* ---- cycles ---- */

bool trace_cycles(const struct trace *t, uint32_t module, struct rat *cycles)
{
	const struct ir_module *m = &t->pipeline->modules[module];

	*cycles = m->cost;
	if (!rat_sign(m->cost_per_byte))
		return true;
	if (t->has_size)
		*cycles = rat_add(m->cost, rat_mul(m->cost_per_byte, t->size));
	return t->has_size;
}

static bool add_sum(const struct trace *t, const struct walk_way *way, bool copies, struct rat *sum)
{
	struct rat cycles;

	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *s = &way->steps[i];

		if (s->end == WALK_OPEN || s->end == WALK_CUT ||
		    !trace_cycles(t, s->module, &cycles))
			return false;
		*sum = rat_add(*sum, cycles);
		for (size_t k = 0; copies && k < s->n_copies; k++)
			if (s->copies[k].open || !add_sum(t, &s->copies[k].way, true, sum))
				return false;
	}
	return true;
}

bool trace_sum(const struct trace *t, const struct walk_way *way, bool copies, struct rat *sum)
{
	*sum = RAT_ZERO;
	return add_sum(t, way, copies, sum);
}

/* ---- tasks ---- */

/* The task that begins at the module, NULL if none does.  Behind a classifier those count
 * that are for packets of the early queue; UNKNOWN: it is not known which. */
static const struct plan_task *task_at(const struct trace_target *target, const char *module,
				       bool *unknown)
{
	bool parted = target->parted && strcmp(module, target->source);
	const char *class = parted ? target->early : NULL;

	*unknown = false;
	for (size_t i = 0; i < target->row->tasks.n; i++) {
		const struct plan_task *task = &target->row->tasks.at[i];

		if (strcmp(task->root, module) || !task->class == parted)
			continue;
		if (!task->class || (class && !strcmp(task->class, class)))
			return task;
		*unknown |= !class;
	}
	return NULL;
}

struct trace_place trace_place(const struct trace_target *target, const char *module,
			       struct trace_place before)
{
	bool unknown, first = !before.task || !before.task->class;
	const struct plan_task *task = task_at(target, module, &unknown);

	if (unknown)
		return (struct trace_place){ 0 };
	if (!task)
		return (struct trace_place){ .task = before.task };
	return (struct trace_place){ .task = task,
				     .queued = task->queue,
				     .early = task->queue && task->class && first };
}

bool trace_overhead(const struct trace *t, const struct trace_target *target, struct rat *cycles)
{
	const struct walk_way *way = &t->walk->way;
	struct trace_place place = { 0 };
	enum walk_end end = way->steps[way->n - 1].end;
	__int128 nano = target->parted ? target->row->classify_cost_cycles.nano : 0;

	for (size_t i = 0; i < way->n; i++) {
		place = trace_place(target, t->pipeline->modules[way->steps[i].module].name, place);
		if (!place.task)
			return false;
		nano += place.queued ? target->row->queue_cost_cycles.nano : 0;
	}
	*cycles = rat_make(nano, 1000000000);
	return end != WALK_OPEN && end != WALK_CUT;
}
