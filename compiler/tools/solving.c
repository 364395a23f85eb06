#include <config.h>

#include "compiler/tools/solving.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "compiler/base/text.h"

/* ---- interruption and progress ---- */

/* Written by the signal handler, so it cannot live elsewhere. */
static volatile sig_atomic_t interruptions;

static void interrupt(int signal)
{
	(void)signal;
	if (++interruptions > 1)
		_exit(EXIT_INTERRUPTED);
}

static double gap_of(double value, double bound)
{
	return value > 0 ? 100 * fabs(bound - value) / value : 0;
}

static bool watch(void *data, double seconds, bool found, double value, double bound)
{
	enum { PATIENCE = 2 };
	struct run *r = data;

	if (interruptions)
		return false;
	if (seconds < PATIENCE || r->options->quiet || !isatty(fileno(r->err)))
		return true;
	if (found)
		fprintf(r->err, "\r\033[Ksolving: best %.6g, bound %.6g, gap %.2f%%, %.0f s", value, bound,
			gap_of(value, bound), seconds);
	else
		fprintf(r->err, "\r\033[Ksolving: nothing found yet, %.0f s", seconds);
	fflush(r->err);
	return true;
}

bool solving_interrupted(void)
{
	return interruptions > 0;
}

void solving_count_interrupts(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = interrupt;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

void solving_watch(struct run *r, struct options *o)
{
	solving_count_interrupts();
	o->solving.progress = watch;
	o->solving.data = r;
	o->solving.timings = o->timings;
}

/* ---- notes ---- */

static void note_parting(struct run *r, const struct ir *ir, const struct schedule *s)
{
	static const char *const why[] = {
		[PARTED_FOR_ASKING] = "as --partition front asks",
		[PARTED_FOR_PRIORITY] = "for a priority would have no effect otherwise",
		[PARTED_FOR_ANSWER] = "for no cut of the shared modules meets its statements",
		[PARTED_FOR_RATE] = "for more packets can be delivered so",
	};
	const struct ir_target *t = &ir->targets[s->target];
	const struct ir_pipeline *p = &ir->pipelines[t->pipelines.at[0]];

	fprintf(r->err, "note: slo '%s' on target '%s': a classifier parts the classes behind %s%s, %s\n",
		name_tail(ir->slos[t->enforce].name), name_tail(t->name),
		name_tail(p->modules[s->sources.at[0]].name), s->sources.n > 1 ? " and the other sources" : "",
		why[s->why_parted]);
}

static struct rat member_time(const struct schedule *s, const struct ir_member *m)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < s->n_classes; i++)
		if (ids_has(m->classes, s->classes[i].class))
			sum = rat_add(sum, s->classes[i].offered);
	return sum;
}

/* "data : logs is 8.48 : 1" */
static void note_ratio(struct run *r, const struct schedule *s, const struct ir_level *l, const struct ir_statement *st)
{
	enum { MOST_MEMBERS = 6 };
	struct rat last = member_time(s, &l->members[st->members[st->n_members - 1]]);

	if (st->kind != IR_CPU_RATIO || st->n_members > MOST_MEMBERS || !rat_sign(last))
		return;
	fputs(", and cpu ", r->err);
	for (size_t i = 0; i < st->n_members; i++)
		fprintf(r->err, "%s%s", i ? " : " : "", name_tail(l->members[st->members[i]].name));
	fputs(" is", r->err);
	for (size_t i = 0; i < st->n_members; i++)
		fprintf(r->err, "%s %.2f", i ? " :" : "",
			rat_double(rat_div(member_time(s, &l->members[st->members[i]]), last)));
}

/* Shares are guarantees while a worker is full. */
static void note_idleness(struct run *r, const struct ir *ir, const struct schedule *s)
{
	const struct ir_target *t = &ir->targets[s->target];
	const struct ir_slo *slo = &ir->slos[t->enforce];
	double busy = 0, cycles = rat_double(t->clock) * (double)t->n_cores;

	for (size_t i = 0; i < s->n_tasks; i++)
		busy += rat_double(s->tasks[i].load);
	if (busy > 0.999 * cycles)
		return;
	fprintf(r->err, "note: slo '%s' on target '%s' takes %.1f%% of the workers; until they are full, traffic is served as it comes",
		name_tail(slo->name), name_tail(t->name), 100 * busy / cycles);
	for (size_t l = 0; l < slo->n_levels; l++)
		for (size_t i = 0; i < slo->levels[l].n_statements; i++)
			note_ratio(r, s, &slo->levels[l], &slo->levels[l].statements[i]);
	fputc('\n', r->err);
}

static void note_outcome(struct run *r, const struct ir *ir, const struct schedule *s)
{
	const struct ir_target *t = &ir->targets[s->target];

	fprintf(r->err, "note: slo '%s' on target '%s': %zu task%s, %.9g packets/s of its classes, %s, %llu programs solved in %.3f s\n",
		name_tail(ir->slos[t->enforce].name), name_tail(t->name), s->n_tasks, s->n_tasks == 1 ? "" : "s",
		rat_double(s->rate), s->optimal ? "proven best" : "not proven best",
		(unsigned long long)s->n_nodes, s->seconds);
	if (!s->optimal)
		fprintf(r->err, "note: its bound is %.9g, the gap %.2f%%\n", rat_double(s->bound),
			100 * rat_double(s->gap));
}

void solving_notes(struct run *r, const struct policy *p)
{
	bool people = format_is_for_people(r->options->format);

	if (!people || r->options->quiet || !p->schedules)
		return;
	for (size_t i = 0; i < p->ir->n_targets; i++) {
		const struct schedule *s = p->schedules[i];

		if (!s || !s->solved)
			continue;
		if (s->parted)
			note_parting(r, p->ir, s);
		note_idleness(r, p->ir, s);
		if (r->options->verbose)
			note_outcome(r, p->ir, s);
	}
}
