/* `epic trace` for people. */
#include <config.h>

#include <string.h>

#include "compiler/tools/trace.h"

struct telling {
	struct sink *s;
	const struct trace *trace;
	const struct trace_target *target; /* whose tasks are told */
	size_t width;                      /* of the names of modules */
};

static const char *module_name(const struct telling *t, uint32_t module)
{
	return t->trace->pipeline->modules[module].name;
}

/* ---- the packet ---- */

static void put_names(struct telling *t, struct ids classes, const char *joint)
{
	for (size_t i = 0; i < classes.n; i++)
		sink_printf(t->s, "%s%s", i ? joint : "",
			    t->trace->ir->classes[classes.at[i]].name);
}

static enum walk_end last_end(const struct trace *t)
{
	return t->walk->way.steps[t->walk->way.n - 1].end;
}

static void put_classes(struct telling *t)
{
	const struct trace *trace = t->trace;

	sink_puts(t->s, "class     ");
	put_names(t, trace->classes, ", ");
	if (trace->open.n) {
		sink_puts(t->s,
			  trace->classes.n ? ", and unknown whether " : "unknown; it may be ");
		put_names(t, trace->open, " or ");
	} else if (!trace->classes.n) {
		sink_puts(t->s, last_end(trace) == WALK_DROPPED ? "none: it reaches no exit"
				: trace->pipeline->rest.n_paths ? "rest"
								: "none that is declared");
	}
	sink_putc(t->s, '\n');
}

static void put_head(struct telling *t)
{
	char size[DEC_TEXT_SIZE];

	sink_puts(t->s, "packet    ");
	packet_print(t->s, &t->trace->packet.packet);
	sink_printf(t->s, "\npipeline  %s\n", t->trace->pipeline->name);
	put_classes(t);
	if (t->trace->has_size)
		sink_printf(t->s, "size      %s bytes\n", rat_text(t->trace->size, size));
	else
		sink_puts(t->s, "size      unknown\n");
}

/* ---- the way ---- */

static void put_cycles(struct telling *t, bool known, struct rat cycles)
{
	char text[DEC_TEXT_SIZE];

	if (known)
		sink_printf(t->s, "%s cycle%s", rat_text(cycles, text),
			    rat_cmp(cycles, RAT_ONE) ? "s" : "");
	else
		sink_puts(t->s, "unknown cycles");
}

static void put_edge(struct telling *t, uint32_t edge, size_t indent)
{
	const struct ir_edge *e = &t->trace->pipeline->edges[edge];

	sink_pad(t->s, indent);
	sink_printf(t->s, "%s %s when %s%s", e->copy ? "->>" : "->", module_name(t, e->to), e->when,
		    e->otherwise ? " (otherwise)" : "");
}

static void put_way(struct telling *t, const struct walk_way *way, size_t indent);

static void put_copies(struct telling *t, const struct walk_step *step, size_t indent)
{
	for (size_t i = 0; i < step->n_copies; i++) {
		const struct walk_copy *c = &step->copies[i];

		put_edge(t, c->edge, indent);
		sink_puts(t->s, c->open ? ": unknown whether a copy goes there\n" : ": a copy\n");
		if (!c->open)
			put_way(t, &c->way, indent + 4);
	}
}

static void put_end(struct telling *t, const struct walk_step *step, size_t indent)
{
	bool drop = t->trace->pipeline->modules[step->module].function == ID_NONE;

	switch (step->end) {
	case WALK_ON:
		put_edge(t, step->edge, indent);
		sink_putc(t->s, '\n');
		return;
	case WALK_OPEN:
		sink_pad(t->s, indent);
		sink_puts(t->s, "unknown from here on; it may go\n");
		for (size_t i = 0; i < step->open.n; i++) {
			put_edge(t, step->open.at[i], indent + 2);
			sink_putc(t->s, '\n');
		}
		return;
	default:
		sink_pad(t->s, indent);
		sink_puts(t->s, step->end == WALK_DROPPED ? "dropped: no edge takes it\n"
				: step->end == WALK_CUT   ? "and so on: there are too many copies\n"
				: drop                    ? "dropped\n"
							  : "leaves\n");
	}
}

static void put_way(struct telling *t, const struct walk_way *way, size_t indent)
{
	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *step = &way->steps[i];
		struct rat cycles;
		bool known = trace_cycles(t->trace, step->module, &cycles);

		sink_pad(t->s, indent);
		sink_printf(t->s, "%s: ", module_name(t, step->module));
		put_cycles(t, known, cycles);
		sink_putc(t->s, '\n');
		put_copies(t, step, indent + 2);
		put_end(t, step, indent + 2);
	}
}

static bool sends_copies(const struct walk_way *way)
{
	for (size_t i = 0; i < way->n; i++)
		if (way->steps[i].n_copies)
			return true;
	return false;
}

static void put_sum(struct telling *t)
{
	const struct walk_way *way = &t->trace->walk->way;
	struct rat alone, all;
	bool known = trace_sum(t->trace, way, false, &alone);

	sink_puts(t->s, "in all    ");
	put_cycles(t, known, alone);
	if (sends_copies(way)) {
		known = trace_sum(t->trace, way, true, &all);
		sink_puts(t->s, ", with copies ");
		put_cycles(t, known, all);
	}
	sink_putc(t->s, '\n');
}

/* ---- tasks ---- */

static void put_worker(struct telling *t, const struct plan_task *task)
{
	const struct plan_schedule *row = t->target->row;

	sink_printf(t->s, "task %s, worker %lld", task->id, (long long)task->worker);
	if (row->replicas == 1 && (size_t)task->worker < row->cores.n)
		sink_printf(t->s, " on core %lld", (long long)row->cores.at[task->worker]);
}

static void put_place(struct telling *t, uint32_t module, struct trace_place p, size_t indent)
{
	const char *name = module_name(t, module);
	size_t taken = indent + strlen(name);

	sink_pad(t->s, indent);
	sink_puts(t->s, name);
	sink_pad(t->s, taken < t->width ? t->width - taken + 2 : 2);
	if (!p.task) {
		sink_puts(t->s, "unknown task\n");
		return;
	}
	put_worker(t, p.task);
	if (p.queued)
		sink_printf(t->s, ", behind %s queue of %lld packets",
			    p.early ? "its class's" : "a",
			    (long long)t->target->row->queue_packets);
	sink_putc(t->s, '\n');
}

static void put_places(struct telling *t, const struct walk_way *way, struct trace_place place,
		       size_t indent)
{
	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *step = &way->steps[i];

		place = trace_place(t->target, module_name(t, step->module), place);
		put_place(t, step->module, place, indent);
		for (size_t k = 0; k < step->n_copies; k++)
			if (!step->copies[k].open)
				put_places(t, &step->copies[k].way, place, indent + 4);
	}
}

static size_t widest(const struct telling *t, const struct walk_way *way, size_t indent)
{
	size_t width = 0;

	for (size_t i = 0; i < way->n; i++) {
		const struct walk_step *step = &way->steps[i];
		size_t n = indent + strlen(module_name(t, step->module));

		width = n > width ? n : width;
		for (size_t k = 0; k < step->n_copies; k++) {
			n = widest(t, &step->copies[k].way, indent + 4);
			width = n > width ? n : width;
		}
	}
	return width;
}

static void put_classifier(struct telling *t)
{
	const struct trace_target *target = t->target;

	if (!target->parted)
		return;
	sink_printf(t->s, "  a classifier behind %s puts it into ",
		    module_name(t, t->trace->source));
	if (target->early)
		sink_printf(t->s, "the early queue of class %s\n", target->early);
	else
		sink_puts(t->s,
			  target->open ? "an early queue that is not known\n" : "no early queue\n");
}

static void put_target(struct telling *t)
{
	const struct plan_schedule *row = t->target->row;
	const struct walk_way *way = &t->trace->walk->way;
	struct rat cycles;
	bool known;

	sink_printf(t->s, "target %s, slo %s\n", row->target, row->slo);
	if (!row->tasks.n) {
		sink_printf(t->s, "  no schedule%s%s\n", row->code ? ": " : "",
			    row->code ? row->code : "");
		return;
	}
	put_classifier(t);
	put_places(t, way, (struct trace_place){ 0 }, 2);
	known = trace_overhead(t->trace, t->target, &cycles);
	if (known && !rat_sign(cycles))
		return;
	sink_puts(t->s, "  queues and classifier: ");
	put_cycles(t, known, cycles);
	sink_puts(t->s, " besides\n");
}

void trace_human(struct sink *s, const struct trace *trace)
{
	struct telling t = { .s = s, .trace = trace };

	t.width = widest(&t, &trace->walk->way, 2);
	put_head(&t);
	sink_putc(s, '\n');
	put_way(&t, &trace->walk->way, 0);
	put_sum(&t);
	for (size_t i = 0; i < trace->n_targets; i++) {
		t.target = &trace->targets[i];
		sink_putc(s, '\n');
		put_target(&t);
	}
}
