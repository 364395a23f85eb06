/* What is said about a schedule: why it cannot be, and what was done to make it. */
#include <config.h>

#include <math.h>

#include "compiler/base/sink.h"
#include "compiler/base/span_json.h"
#include "compiler/base/text.h"
#include "compiler/solve/conflict.h"

struct telling {
	struct solving *s;
	struct schedule *out;
	struct diags *diags;
	const char *slo, *target; /* last parts of their names */
};

static struct diag *tell(struct telling *t, enum diag_code code, struct span span, const char *what)
{
	return diag_add(t->diags, code, span, "slo '%s' %s on target '%s'", t->slo, what, t->target);
}

/* ---- E0705, E0706, E0707, E0702, W0702 ---- */

static void tell_small_machine(struct telling *t)
{
	const struct ir_target *target = t->s->target;
	struct rat needed = rat_mul(rat_uint(target->replicas), rat_uint(target->n_cores));
	char cores[DEC_TEXT_SIZE], have[DEC_TEXT_SIZE];

	if (target->has_on && rat_cmp(needed, target->on_cores) > 0)
		diag_add(t->diags, E0705, target->span,
			 "%llu copies on %zu workers each need %s cores, and the servers have %s that are not reserved",
			 (unsigned long long)target->replicas, target->n_cores, rat_text(needed, cores),
			 rat_text(target->on_cores, have));
	else
		diag_help(t->diags,
			  diag_add(t->diags, E0705, target->span,
				   "pipeline '%s' cannot be cut into a task for each of %zu workers",
				   name_tail(t->s->ir->pipelines[target->pipelines.at[0]].name), target->n_cores),
			  "ask for fewer workers, or for more replicas");
}

static void tell_inseparable(struct telling *t)
{
	const struct class_overlap *o = &t->s->overlap;
	const struct ir_class *a = &t->s->ir->classes[o->a], *b = &t->s->ir->classes[o->b];
	struct sink packet = { 0 };
	struct diag *d;

	packet_print(&packet, &o->example);
	if (!packet.size)
		sink_puts(&packet, "any packet");
	d = diag_add(t->diags, E0707, t->s->slo->span,
		     "slo '%s' can be met on target '%s' only if its classes are told apart in front, and header fields do not part '%s' from '%s', for example %.*s",
		     t->slo, t->target, name_tail(a->name), name_tail(b->name), (int)packet.size, packet.data);
	diag_also(t->diags, d, a->span, "one class");
	diag_also(t->diags, d, b->span, "the other");
	diag_note(t->diags, d, t->s->must_part ? "without that a priority would have no effect: every module of the lower class lies on a path of the higher" :
						 "without that no cut into tasks meets its statements");
	diag_help(t->diags, d, "give the classes a 'match' on header fields that parts them");
	sink_free(&packet);
}

static void tell_limit(struct telling *t)
{
	struct schedule *out = t->out;
	bool ranked = t->s->slo->levels[0].n_priorities > 0;
	struct diag *d;

	if (t->s->refusal) {
		diag_note(t->diags, tell(t, E0702, t->s->target->span, "was not decided"),
			  "%s", t->s->refusal);
		return;
	}
	if (!out->solved) {
		diag_help(t->diags, tell(t, E0702, t->s->target->span, "was not decided"),
			  "allow more time with --time-limit, or name fewer classes in one slo");
		return;
	}
	if (out->optimal || t->s->options->partition != PARTITION_AUTO || t->s->options->solution ||
	    (t->s->options->gap > 0 && rat_double(out->gap) <= t->s->options->gap))
		return;
	d = tell(t, W0702, t->s->target->span, "is met, but not proven to be met best");
	if (!rat_sign(out->gap))
		diag_note(t->diags, d, "%s cannot be improved; what is open are the criteria behind",
			  t->s->slo->tasks_first ? "the number of tasks" : ranked ? "the rate of the first rank" : "the rate");
	else if (t->s->slo->tasks_first)
		diag_note(t->diags, d, "%zu tasks, at least %.10g are needed: a gap of %.2f%%", out->n_tasks,
			  rat_double(out->bound), 100 * rat_double(out->gap));
	else
		diag_note(t->diags, d, "%.10g packets/s%s, at most %.10g can be: a gap of %.2f%%",
			  rat_double(out->bound) / (1 + rat_double(out->gap)), ranked ? " of the first rank" : "",
			  rat_double(out->bound), 100 * rat_double(out->gap));
}

/* ---- E0701 ---- */

static void tell_reach(struct telling *t, struct diag *d, const struct ir_slo *slo, struct claim claim, double low,
		       double high)
{
	const struct ir_level *l = &slo->levels[claim.level];
	const struct ir_statement *st = &l->statements[claim.statement];
	const char *a = name_tail(l->members[st->members[0]].name), *b = name_tail(l->members[st->members[1]].name);
	char floor[DEC_TEXT_SIZE];

	rat_text(rat_mul(slo->floor, rat_int(100)), floor);
	if (high == HUGE_VAL)
		diag_note(t->diags, d, "%s : %s cannot fall below %.2f : 1 (floor %s%%)", a, b, low, floor);
	else
		diag_note(t->diags, d, "%s keeps %s : %s between %.2f : 1 and %.2f : 1 (floor %s%%)",
			  st->kind == IR_CPU_RATIO ? "work on shared modules" : "the machine", a, b, low, high, floor);
}

/* Other ways out than to change a number. */
static void tell_ways_out(struct telling *t, struct diag *d)
{
	struct ir_slo variant = *t->s->slo;
	bool decided;

	variant.entitlement = true;
	if (!t->s->slo->entitlement && slo_is_feasible(t->s, &variant, &decided))
		diag_note(t->diags, d, "with 'accounting entitlement;', shares that may go unused, it can be met");
	variant = *t->s->slo;
	variant.classify = IR_CLASSIFY_AUTO;
	if (t->s->slo->classify == IR_CLASSIFY_NEVER && t->s->options->partition == PARTITION_AUTO &&
	    slo_is_feasible(t->s, &variant, &decided))
		diag_note(t->diags, d, "without 'classify never;' the classes would be told apart in front, and it can be met");
}

static void put_conflict(struct telling *t, struct sink *s, const struct conflict *c)
{
	sink_puts(s, "{\"conflict\": [");
	for (size_t i = 0; i < c->n; i++) {
		sink_puts(s, i ? ", " : "");
		span_json(s, &t->s->ctx->sources, claim_span(t->s->slo, c->claims[i]), NULL);
	}
	sink_puts(s, "], \"repair\": [");
}

static void put_data(struct telling *t, struct diag *d, const struct conflict *c, const char *repair, size_t which,
		     bool reach, double low, double high)
{
	struct sink s = { 0 };

	put_conflict(t, &s, c);
	if (repair) {
		sink_puts(&s, "{\"span\": ");
		span_json(&s, &t->s->ctx->sources, which < c->n ? claim_span(t->s->slo, c->claims[which]) : t->s->slo->span, NULL);
		sink_puts(&s, ", \"text\": ");
		sink_json(&s, arena_printf(t->s->arena, "%s;", repair));
		sink_putc(&s, '}');
	}
	sink_puts(&s, "], \"reachable\": ");
	if (!reach)
		sink_puts(&s, "null}");
	else if (high == HUGE_VAL)
		sink_printf(&s, "{\"low\": %.2f, \"high\": null}}", low);
	else
		sink_printf(&s, "{\"low\": %.2f, \"high\": %.2f}}", low, high);
	diag_data(t->diags, d, "%.*s", (int)s.size, s.data);
	sink_free(&s);
}

static struct diag *tell_conflict(struct telling *t, const struct conflict *c)
{
	struct diag *d;

	if (!c->n)
		return diag_add(t->diags, E0701, t->s->slo->span,
				"slo '%s' cannot be met on target '%s': the floor of its classes alone is more than the workers can do",
				t->slo, t->target);
	if (c->n == 1 && c->claims[0].statement == ID_NONE)
		return diag_add(t->diags, E0701, claim_span(t->s->slo, c->claims[0]),
				"slo '%s' cannot be met on target '%s': what '%s' serves first leaves less than the floor to what comes later",
				t->slo, t->target, claim_text(t->s->arena, t->s->slo, c->claims[0]));
	if (c->n == 1)
		return diag_add(t->diags, E0701, claim_span(t->s->slo, c->claims[0]),
				"slo '%s' cannot be met on target '%s': '%s' is out of reach", t->slo, t->target,
				claim_text(t->s->arena, t->s->slo, c->claims[0]));
	d = diag_add(t->diags, E0701, claim_span(t->s->slo, c->claims[0]),
		     "slo '%s' cannot be met on target '%s': %s%zu of its statements contradict each other", t->slo,
		     t->target, c->minimal ? "" : "some among ", c->n);
	for (size_t i = 1; i < c->n; i++)
		diag_also(t->diags, d, claim_span(t->s->slo, c->claims[i]), "and this");
	return d;
}

static void tell_infeasible(struct telling *t)
{
	struct conflict c = conflict_find(t->s);
	struct diag *d = tell_conflict(t, &c);
	double low = 0, high = 0;
	bool reach = c.n == 1 && t->s->options->partition == PARTITION_AUTO &&
		     ratio_reach(t->s, &c, 0, &low, &high);
	size_t which = 0;
	const char *repair = conflict_repair(t->s, &c, &which), *cap = conflict_cap(t->s, &c);

	if (reach)
		tell_reach(t, d, t->s->slo, c.claims[0], low, high);
	if (t->s->options->partition != PARTITION_AUTO)
		diag_note(t->diags, d, "with the cut that --partition gives");
	diag_also(t->diags, d, t->s->target->span, "on this target");
	if (repair)
		diag_help(t->diags, d, which < c.n ? "the least change that resolves it: '%s;'" : "state '%s;' to let classes starve",
			  repair);
	if (cap)
		diag_note(t->diags, d, "with '%s;' the rest can live", cap);
	tell_ways_out(t, d);
	put_data(t, d, &c, repair, which, reach, low, high);
}

void schedule_report(struct solving *s, struct schedule *out)
{
	struct telling t = { s, out, &s->ctx->diags, name_tail(s->slo->name), name_tail(s->target->name) };

	if (!out->failed) {
		tell_limit(&t);
		return;
	}
	switch (out->code) {
	case E0701:
		tell_infeasible(&t);
		break;
	case E0705:
		tell_small_machine(&t);
		break;
	case E0706:
		diag_note(t.diags, tell(&t, E0706, s->target->span, "got an answer that the re-check refuses"), "%s",
			  s->wrong ? s->wrong : "the exact program disagrees with the search");
		break;
	case E0707:
		tell_inseparable(&t);
		break;
	default:
		tell_limit(&t);
	}
}
