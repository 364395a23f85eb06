/* `epic trace --as json`; the keys are listed in trace.c. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/trace.h"

/* Writes keys and values one level at a time, two blanks each. */
struct writing {
	struct sink *s;
	const struct trace *trace;
	size_t depth;
	bool first; /* in the object or array at hand */
};

static void put_line(struct writing *w)
{
	sink_puts(w->s, w->first ? "\n" : ",\n");
	sink_pad(w->s, 2 * w->depth);
	w->first = false;
}

static void put_key(struct writing *w, const char *key)
{
	put_line(w);
	sink_json(w->s, key);
	sink_puts(w->s, ": ");
}

static void put_open(struct writing *w, char sign)
{
	sink_putc(w->s, sign);
	w->depth++;
	w->first = true;
}

static void put_close(struct writing *w, char sign)
{
	w->depth--;
	if (!w->first) {
		sink_putc(w->s, '\n');
		sink_pad(w->s, 2 * w->depth);
	}
	sink_putc(w->s, sign);
	w->first = false;
}

static void put_text(struct writing *w, const char *key, const char *text)
{
	put_key(w, key);
	if (text)
		sink_json(w->s, text);
	else
		sink_puts(w->s, "null");
}

static void put_number(struct writing *w, const char *key, bool known, struct rat number)
{
	char text[DEC_TEXT_SIZE];

	put_key(w, key);
	sink_puts(w->s, known ? rat_text(number, text) : "null");
}

static const char *module_name(const struct writing *w, uint32_t module)
{
	return module == ID_NONE ? NULL : w->trace->pipeline->modules[module].name;
}

static void put_classes(struct writing *w, const char *key, struct ids classes)
{
	put_key(w, key);
	put_open(w, '[');
	for (size_t i = 0; i < classes.n; i++) {
		put_line(w);
		sink_json(w->s, w->trace->ir->classes[classes.at[i]].name);
	}
	put_close(w, ']');
}

/* ---- steps ---- */

static void put_edge_keys(struct writing *w, uint32_t edge)
{
	const struct ir_edge *e = &w->trace->pipeline->edges[edge];

	put_text(w, "to", module_name(w, e->to));
	put_text(w, "when", e->when);
}

static void put_steps(struct writing *w, const struct walk_way *way,
		      const struct trace_place *before);

static void put_copies(struct writing *w, const struct walk_step *step,
		       const struct trace_place *places)
{
	put_key(w, "copies");
	put_open(w, '[');
	for (size_t i = 0; i < step->n_copies; i++) {
		const struct walk_copy *c = &step->copies[i];

		put_line(w);
		put_open(w, '{');
		put_edge_keys(w, c->edge);
		put_key(w, "sent");
		sink_puts(w->s, c->open ? "null" : "true");
		put_steps(w, &c->way, places);
		put_close(w, '}');
	}
	put_close(w, ']');
}

static void put_edges(struct writing *w, const struct walk_step *step)
{
	put_key(w, "edges");
	put_open(w, '[');
	for (size_t i = 0; i < step->open.n + (step->end == WALK_ON); i++) {
		put_line(w);
		put_open(w, '{');
		put_edge_keys(w, step->end == WALK_ON ? step->edge : step->open.at[i]);
		put_close(w, '}');
	}
	put_close(w, ']');
}

static void put_places(struct writing *w, uint32_t module, struct trace_place *places)
{
	put_key(w, "served");
	put_open(w, '[');
	for (size_t i = 0; i < w->trace->n_targets; i++) {
		const struct trace_target *target = &w->trace->targets[i];
		const struct plan_task *task;

		places[i] = trace_place(target, module_name(w, module), places[i]);
		task = places[i].task;
		put_line(w);
		put_open(w, '{');
		put_text(w, "target", target->row->target);
		put_text(w, "task", task ? task->id : NULL);
		put_number(w, "worker", task, task ? rat_int(task->worker) : RAT_ZERO);
		put_key(w, "queue");
		sink_puts(w->s, !task ? "null" : places[i].queued ? "true" : "false");
		put_close(w, '}');
	}
	put_close(w, ']');
}

static void put_step(struct writing *w, const struct walk_step *step, struct trace_place *places)
{
	static const char *const ends[] = { "edge", "exit", "dropped", "unknown", "cut" };
	struct rat cycles;
	bool known = trace_cycles(w->trace, step->module, &cycles);

	put_line(w);
	put_open(w, '{');
	put_text(w, "module", module_name(w, step->module));
	put_number(w, "cycles", known, cycles);
	put_places(w, step->module, places);
	put_copies(w, step, places);
	put_text(w, "end", ends[step->end]);
	put_edges(w, step);
	put_close(w, '}');
}

static void put_steps(struct writing *w, const struct walk_way *way,
		      const struct trace_place *before)
{
	struct trace_place *places =
	    arena_many(w->trace->arena, struct trace_place, w->trace->n_targets);

	if (w->trace->n_targets)
		memcpy(places, before, w->trace->n_targets * sizeof(*places));
	put_key(w, "steps");
	put_open(w, '[');
	for (size_t i = 0; i < way->n; i++)
		put_step(w, &way->steps[i], places);
	put_close(w, ']');
}

/* ---- one walk ---- */

static void put_values(struct writing *w, const struct field *f)
{
	put_key(w, "values");
	put_open(w, '[');
	for (size_t i = 0; i < f->n_values; i++) {
		put_line(w);
		sink_json(w->s, f->values[i]);
	}
	put_close(w, ']');
}

static void put_needs(struct writing *w)
{
	put_key(w, "needs");
	put_open(w, '[');
	for (size_t i = 0; i < w->trace->walk->n_needs; i++) {
		const struct walk_need *n = &w->trace->walk->needs[i];

		put_line(w);
		put_open(w, '{');
		put_text(w, "field", n->field->name);
		put_text(w, "module", module_name(w, n->module));
		put_text(w, "rewritten_by", module_name(w, n->rewriter));
		put_values(w, n->field);
		put_close(w, '}');
	}
	put_close(w, ']');
}

static void put_targets(struct writing *w)
{
	put_key(w, "targets");
	put_open(w, '[');
	for (size_t i = 0; i < w->trace->n_targets; i++) {
		const struct trace_target *target = &w->trace->targets[i];
		struct rat cycles = RAT_ZERO;
		bool known = target->row->tasks.n && trace_overhead(w->trace, target, &cycles);

		put_line(w);
		put_open(w, '{');
		put_text(w, "target", target->row->target);
		put_text(w, "slo", target->row->slo);
		put_text(w, "code", target->row->code);
		put_text(w, "early_queue", target->early);
		put_number(w, "overhead_cycles", known, cycles);
		put_close(w, '}');
	}
	put_close(w, ']');
}

static void put_walk(struct writing *w)
{
	const struct trace *t = w->trace;
	const struct trace_place *nowhere = arena_many(t->arena, struct trace_place, t->n_targets);
	struct rat sum;
	bool known;

	put_line(w);
	put_open(w, '{');
	put_text(w, "source", module_name(w, t->source));
	put_key(w, "packet");
	packet_json(w->s, &t->packet.packet);
	put_classes(w, "classes", t->classes);
	put_classes(w, "open_classes", t->open);
	put_number(w, "packet_bytes", t->has_size, t->size);
	put_steps(w, &t->walk->way, nowhere);
	known = trace_sum(t, &t->walk->way, false, &sum);
	put_number(w, "cycles", known, sum);
	known = trace_sum(t, &t->walk->way, true, &sum);
	put_number(w, "cycles_with_copies", known, sum);
	put_needs(w);
	put_targets(w);
	put_close(w, '}');
}

void trace_json(struct sink *s, const struct trace *const *traces, size_t n)
{
	struct writing w = { .s = s, .trace = traces[0] };

	put_open(&w, '{');
	put_text(&w, "schema", "epic.trace/1");
	put_text(&w, "pipeline", traces[0]->pipeline->name);
	put_key(&w, "walks");
	put_open(&w, '[');
	for (size_t i = 0; i < n; i++) {
		w.trace = traces[i];
		put_walk(&w);
	}
	put_close(&w, ']');
	put_close(&w, '}');
	sink_putc(s, '\n');
}
