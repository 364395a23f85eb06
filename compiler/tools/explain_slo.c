/* `epic explain slo NAME` and `epic explain queue MODULE`: what a schedule is for. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/solve/conflict.h"
#include "compiler/tools/explain_slo.h"

struct telling {
	struct run *run;
	struct policy *p;
	struct sink *s;
	uint32_t target;
	const struct ir_slo *slo;
	const struct ir_pipeline *pipeline;
	struct schedule *schedule;
};

#define ARENA(t) ((t)->p->ctx->arena)

static const char *module_name(const struct telling *t, uint32_t module)
{
	return t->pipeline->modules[module].name;
}

static const char *class_name(const struct telling *t, uint32_t class)
{
	return class == ID_REST ? "rest" : name_tail(t->p->ir->classes[class].name);
}

/* ---- other schedules of the same target ---- */

static struct schedule *solve_with(struct telling *t, const struct ir_slo *slo, const char *joined)
{
	struct ir ir = *t->p->ir;
	struct ir_slo *slos = arena_many(ARENA(t), struct ir_slo, ir.n_slos);
	struct sched_options options = t->run->options->solving;

	memcpy(slos, ir.slos, ir.n_slos * sizeof(*slos));
	slos[ir.targets[t->target].enforce] = *slo;
	ir.slos = slos;
	options.joined = joined;
	return schedule_solve(t->p->ctx, &ir, t->target, &options, false);
}

static const struct ir_slo *without(struct telling *t, struct claim claim)
{
	VEC(struct claim) rest = { 0 };

	for (uint32_t l = 0; l < t->slo->n_levels; l++)
		for (uint32_t i = 0; i <= t->slo->levels[l].n_statements; i++) {
			struct claim c = { l, i < t->slo->levels[l].n_statements ? i : ID_NONE };

			if (c.level != claim.level || c.statement != claim.statement)
				vec_push(ARENA(t), &rest, c);
		}
	return slo_with(ARENA(t), t->slo, rest.at, rest.n);
}

static bool has_queue(const struct schedule *s, uint32_t module, uint32_t copy)
{
	for (size_t i = 0; s->solved && i < s->n_tasks; i++)
		if (s->tasks[i].queue && s->tasks[i].root == module && s->tasks[i].copy == copy)
			return true;
	return false;
}

/* ---- slo ---- */

/* "3.752Mpps" */
static const char *rate_words(struct telling *t, double rate)
{
	static const struct {
		double size;
		const char *name;
	} units[] = { { 1e9, "Gpps" }, { 1e6, "Mpps" }, { 1e3, "kpps" }, { 0, "pps" } };
	size_t i = 0;

	while (rate < units[i].size * 0.99995) /* which four digits make whole */
		i++;
	return arena_printf(ARENA(t), "%.4g%s", rate / (units[i].size > 0 ? units[i].size : 1), units[i].name);
}

static const struct sched_class *find_class(const struct telling *t, uint32_t class)
{
	for (size_t i = 0; i < t->schedule->n_classes; i++)
		if (t->schedule->classes[i].class == class)
			return &t->schedule->classes[i];
	return NULL;
}

static double member_value(const struct telling *t, const struct ir_member *m, bool rate)
{
	double sum = 0;

	for (size_t i = 0; i < m->classes.n; i++) {
		const struct sched_class *c = find_class(t, m->classes.at[i]);

		if (c)
			sum += rat_double(rate ? c->rate : c->time);
	}
	return sum;
}

/* "6.00 : 1 here" */
static void tell_value(struct telling *t, const struct ir_level *l, const struct ir_statement *st)
{
	const struct ir_target *target = &t->p->ir->targets[t->target];
	const struct ir_member *m = &l->members[st->members[0]];
	bool rate = st->kind == IR_THROUGHPUT_RATIO || st->kind == IR_RATE_BOUND;
	double last = member_value(t, &l->members[st->members[st->n_members - 1]], rate);

	switch (st->kind) {
	case IR_CPU_RATIO:
	case IR_THROUGHPUT_RATIO:
		for (size_t i = 0; i < st->n_members; i++)
			sink_printf(t->s, "%s%.4g", i ? " : " : "now ",
				    member_value(t, &l->members[st->members[i]], rate) / last);
		break;
	case IR_CPU_BOUND:
		sink_printf(t->s, "now %.2f%%", 100 * member_value(t, m, false) /
						(rat_double(target->clock) * (double)target->n_cores));
		break;
	case IR_RATE_BOUND:
		sink_printf(t->s, "now %s", rate_words(t, member_value(t, m, true) * (double)target->replicas));
		break;
	default:
		sink_puts(t->s, "met");
	}
}

static void tell_forced(struct telling *t, struct claim claim)
{
	struct schedule *other = solve_with(t, without(t, claim), NULL);
	size_t n = 0;

	if (!other->solved)
		return;
	if (t->schedule->parted && !other->parted) {
		sink_puts(t->s, "; forces the classifier");
		return;
	}
	for (size_t i = 0; i < t->schedule->n_tasks; i++) {
		const struct sched_task *task = &t->schedule->tasks[i];

		if (!task->queue || has_queue(other, task->root, task->copy))
			continue;
		sink_printf(t->s, "%s%s", n++ ? ", " : "; forces the queue before ", module_name(t, task->root));
		if (task->copy != ID_NONE)
			sink_printf(t->s, " (%s)", class_name(t, task->copy));
	}
	if (!n)
		sink_puts(t->s, "; forces no queue by itself");
	if (!t->slo->tasks_first && rat_cmp(other->rate, t->schedule->rate) > 0)
		sink_printf(t->s, "; without it %s more",
			    rate_words(t, rat_double(other->rate) - rat_double(t->schedule->rate)));
}

static void tell_claim(struct telling *t, struct claim claim)
{
	const struct ir_level *l = &t->slo->levels[claim.level];

	sink_printf(t->s, "  %s", claim_text(ARENA(t), t->slo, claim));
	if (claim.statement != ID_NONE) {
		sink_puts(t->s, ": ");
		tell_value(t, l, &l->statements[claim.statement]);
	}
	tell_forced(t, claim);
	sink_putc(t->s, '\n');
}

static void tell_statements(struct telling *t)
{
	sink_puts(t->s, "\nits statements\n");
	for (uint32_t l = 0; l < t->slo->n_levels; l++) {
		if (t->slo->levels[l].n_priorities)
			tell_claim(t, (struct claim){ l, ID_NONE });
		for (uint32_t i = 0; i < t->slo->levels[l].n_statements; i++)
			tell_claim(t, (struct claim){ l, i });
	}
}

static void tell_task(struct telling *t, size_t i)
{
	const struct sched_task *task = &t->schedule->tasks[i];

	sink_printf(t->s, "  t%-3zu", i);
	for (size_t k = 0; k < task->modules.n; k++)
		sink_printf(t->s, " %s", name_tail(module_name(t, task->modules.at[k])));
	if (task->copy != ID_NONE)
		sink_printf(t->s, " for %s", class_name(t, task->copy));
	sink_printf(t->s, "\n       %s%s, serves %.2f%% of what arrives, ", task->queue ? "behind a queue before " : "from ",
		    name_tail(module_name(t, task->root)), 100 * rat_double(task->service));
	if (task->weighted)
		sink_printf(t->s, "weight %.4f", rat_double(task->weight));
	else
		sink_printf(t->s, "rank %u", task->rank);
	if (t->p->ir->targets[t->target].n_cores > 1)
		sink_printf(t->s, ", worker %u", task->worker);
	sink_putc(t->s, '\n');
}

static void tell_classes(struct telling *t)
{
	const struct ir_target *target = &t->p->ir->targets[t->target];
	double cycles = rat_double(target->clock) * (double)target->n_cores;

	sink_puts(t->s, "\nits classes are entitled to\n");
	for (size_t i = 0; i < t->schedule->n_classes; i++) {
		const struct sched_class *c = &t->schedule->classes[i];

		sink_printf(t->s, "  %-12s %6.2f%% of the cycles, %s\n", class_name(t, c->class),
			    100 * rat_double(c->time) / cycles,
			    rate_words(t, rat_double(c->rate) * (double)target->replicas));
	}
}

static void tell_target(struct telling *t)
{
	const struct schedule *s = t->schedule;

	sink_printf(t->s, "slo %s on target %s: %zu task%s%s, %s of its classes, ", name_tail(t->slo->name),
		    name_tail(t->p->ir->targets[t->target].name), s->n_tasks, s->n_tasks == 1 ? "" : "s",
		    s->parted ? " behind a classifier" : "", rate_words(t, rat_double(s->rate)));
	if (s->optimal)
		sink_puts(t->s, "proven best\n");
	else
		sink_printf(t->s, "not proven best (bound %.6g, gap %.2f%%)\n", rat_double(s->bound),
			    100 * rat_double(s->gap));
	tell_statements(t);
	sink_puts(t->s, "\nits tasks\n");
	for (size_t i = 0; i < s->n_tasks; i++)
		tell_task(t, i);
	tell_classes(t);
}

/* ---- queue ---- */

static void tell_who_forces(struct telling *t, uint32_t module, uint32_t copy)
{
	size_t n = 0;

	for (uint32_t l = 0; l < t->slo->n_levels; l++)
		for (uint32_t i = 0; i <= t->slo->levels[l].n_statements; i++) {
			struct claim c = { l, i < t->slo->levels[l].n_statements ? i : ID_NONE };
			struct schedule *other;

			if (c.statement == ID_NONE && !t->slo->levels[l].n_priorities)
				continue;
			other = solve_with(t, without(t, c), NULL);
			if (!other->solved || has_queue(other, module, copy))
				continue;
			sink_printf(t->s, "%s'%s'", n++ ? " and " : "  forced by ", claim_text(ARENA(t), t->slo, c));
		}
	sink_puts(t->s, n ? "\n" : "  no single statement forces it\n");
}

static void tell_cost(struct telling *t, const struct sched_task *task)
{
	const struct ir_target *target = &t->p->ir->targets[t->target];
	char cycles[DEC_TEXT_SIZE];

	sink_printf(t->s, "  costs %s cycles for each packet that it serves\n", rat_text(target->queue_cost, cycles));
	if (task->copy != ID_NONE && t->schedule->parted)
		sink_printf(t->s, "  it is the early queue of %s, or behind it\n", class_name(t, task->copy));
}

static void tell_without(struct telling *t, const struct sched_task *task)
{
	struct schedule *other = solve_with(t, t->slo, module_name(t, task->root));

	if (!other->solved)
		sink_printf(t->s, "  without it the slo cannot be met%s\n", other->code == E0702 ? ", as far as was looked" : "");
	else if (has_queue(other, task->root, task->copy))
		sink_puts(t->s, "  it stands behind the classifier, which the slo needs\n");
	else
		sink_printf(t->s, "  without it %zu tasks and %s, with it %zu and %s\n", other->n_tasks,
			    rate_words(t, rat_double(other->rate)), t->schedule->n_tasks,
			    rate_words(t, rat_double(t->schedule->rate)));
}

static size_t tell_queues(struct telling *t, const char *module)
{
	size_t n = 0;

	for (size_t i = 0; i < t->schedule->n_tasks; i++) {
		const struct sched_task *task = &t->schedule->tasks[i];

		if (!task->queue || strcmp(module_name(t, task->root), module))
			continue;
		sink_printf(t->s, "%squeue before %s%s%s, slo %s on target %s, task t%zu\n", t->s->size ? "\n" : "", module,
			    task->copy == ID_NONE ? "" : " for ", task->copy == ID_NONE ? "" : class_name(t, task->copy),
			    name_tail(t->slo->name), name_tail(t->p->ir->targets[t->target].name), i);
		tell_cost(t, task);
		tell_who_forces(t, task->root, task->copy);
		tell_without(t, task);
		n++;
	}
	return n;
}

/* ---- both ---- */

static struct telling telling_of(struct run *r, struct policy *p, struct sink *s, uint32_t target)
{
	const struct ir_target *t = &p->ir->targets[target];

	return (struct telling){ .run = r, .p = p, .s = s, .target = target, .slo = &p->ir->slos[t->enforce],
				 .pipeline = &p->ir->pipelines[t->pipelines.at[0]], .schedule = p->schedules[target] };
}

static bool same_name(const char *canonical, const char *asked)
{
	return !strcmp(canonical, asked) || !strcmp(name_tail(canonical), asked);
}

static bool passes(const struct ir *ir, uint32_t class, uint32_t pipeline)
{
	for (size_t i = 0; class != ID_REST && i < ir->classes[class].n_paths; i++)
		if (ir->classes[class].paths[i].pipeline == pipeline)
			return true;
	return class == ID_REST;
}

/* A machine on which every class of the slo passes the pipeline. */
static bool could_enforce(const struct ir *ir, const struct ir_target *t, const struct ir_slo *slo)
{
	bool all = (t->backend == IR_BESS || t->backend == IR_DPDK) && t->pipelines.n == 1 && rat_sign(t->clock);

	for (size_t i = 0; all && i < slo->classes.n; i++)
		all = passes(ir, slo->classes.at[i], t->pipelines.at[0]);
	return all;
}

/* As if the first target that could enforced it. */
static bool suppose(struct run *r, struct policy *p, uint32_t slo, struct sink *s)
{
	struct ir *ir = arena_one(p->ctx->arena, struct ir);
	struct telling t;
	uint32_t i = 0;

	*ir = *p->ir;
	while (i < ir->n_targets && !could_enforce(ir, &ir->targets[i], &ir->slos[slo]))
		i++;
	if (i == ir->n_targets)
		return false;
	ir->targets = arena_many(p->ctx->arena, struct ir_target, ir->n_targets);
	memcpy(ir->targets, p->ir->targets, ir->n_targets * sizeof(*ir->targets));
	ir->targets[i].enforce = slo;
	p->ir = ir;
	p->schedules[i] = policy_schedule(r->options, p, i, true);
	t = telling_of(r, p, s, i);
	if (t.schedule->solved)
		tell_target(&t);
	return true;
}

bool explain_slo(struct run *r, struct policy *p, const char *name, struct sink *s)
{
	bool enforced = false;

	for (uint32_t i = 0; i < p->ir->n_targets; i++) {
		struct telling t;

		if (!p->schedules[i] || !same_name(p->ir->slos[p->ir->targets[i].enforce].name, name))
			continue;
		enforced = true;
		t = telling_of(r, p, s, i);
		if (!t.schedule->solved)
			continue;
		if (s->size)
			sink_putc(s, '\n');
		tell_target(&t);
	}
	for (uint32_t i = 0; i < p->ir->n_slos && !enforced; i++)
		enforced = same_name(p->ir->slos[i].name, name) && suppose(r, p, i, s);
	if (!enforced)
		run_error(r, "no target of %s enforces or could enforce an slo '%s'", p->path, name);
	return enforced;
}

bool explain_queue(struct run *r, struct policy *p, const char *module, struct sink *s)
{
	size_t n = 0;
	bool solved = false;

	for (uint32_t i = 0; i < p->ir->n_targets; i++) {
		struct telling t;

		if (!p->schedules[i] || !p->schedules[i]->solved)
			continue;
		solved = true;
		t = telling_of(r, p, s, i);
		for (size_t m = 0; m < t.pipeline->n_modules; m++)
			if (same_name(module_name(&t, (uint32_t)m), module)) {
				n += tell_queues(&t, module_name(&t, (uint32_t)m));
			}
	}
	if (!n)
		run_error(r, solved ? "no schedule of %s has a queue before '%s'" : "%s has no schedule with queues like '%s'",
			  p->path, module);
	return n > 0;
}
