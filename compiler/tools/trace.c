/* `epic trace`: one packet's way through a pipeline (doc/cli.md).
 *
 * --as json writes one object; all keys are present:
 *
 *	schema        "epic.trace/1"
 *	pipeline      its name
 *	walks         one row per source that the packet may enter, by its name:
 *	  source      module
 *	  packet      field -> value, as it enters there; derived attributes that were given too
 *	  classes     those that it belongs to
 *	  open_classes  those that it may belong to
 *	  packet_bytes  number, or null if unknown
 *	  steps       in the order of the way, see below
 *	  cycles, cycles_with_copies  sums over the steps, null if unknown
 *	  needs       [{field, module, rewritten_by, values}]: what was needed and not known;
 *`module` compares it on its way out, null: a class does; `rewritten_by` is a module or null;
 *`values` are those of a derived attribute, else [] targets     [{target, slo, code, early_queue,
 *overhead_cycles}] that enforce an slo on the pipeline: `early_queue` is the class whose early
 *queue it waits in, or null; `overhead_cycles` what queues and classifier cost on the way, null if
 *	              unknown or not scheduled
 *	a step:
 *	  module, cycles (null if unknown)
 *	  served      [{target, task, worker, queue}], null where unknown; `queue`: it waits in one
 *	              before this module
 *	  copies      [{to, when, sent, steps}] sent on the way out; `sent` null: unknown
 *	  end         "edge", "exit", "dropped" (no edge takes it), "unknown", "cut" (too long)
 *	  edges       [{to, when}]: the one that is taken, or those that may be if it is unknown
 */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/trace.h"

struct tracing {
	struct run *run;
	struct policy *policy;
	const struct ir_pipeline *pipeline;
	VEC(const struct trace *) traces;
};

#define ARENA(t) ((t)->policy->ctx->arena)

/* ---- the pipeline ---- */

static const char *pipeline_names(const struct tracing *t)
{
	const struct ir *ir = t->policy->ir;
	const char *all = "";

	for (size_t i = 0; i < ir->n_pipelines; i++)
		all = arena_printf(ARENA(t), "%s%s%s", all, i ? ", " : "", ir->pipelines[i].name);
	return all;
}

static bool find_pipeline(struct tracing *t, const char *name)
{
	const struct ir *ir = t->policy->ir;
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < ir->n_pipelines; i++) {
		nearest_try(&near, ir->pipelines[i].name);
		if (!strcmp(ir->pipelines[i].name, name))
			t->pipeline = &ir->pipelines[i];
	}
	if (!t->pipeline && near.name)
		run_error(t->run, "there is no pipeline '%s'; did you mean '%s'?", name, near.name);
	else if (!t->pipeline)
		run_error(t->run, "there is no pipeline '%s', but %s", name, pipeline_names(t));
	return t->pipeline != NULL;
}

static bool choose_pipeline(struct tracing *t)
{
	const struct ir *ir = t->policy->ir;

	if (!ir->n_pipelines) {
		run_error(t->run, "%s has no pipeline", t->policy->path);
		return false;
	}
	if (t->run->options->pipeline)
		return find_pipeline(t, t->run->options->pipeline);
	if (ir->n_pipelines > 1) {
		run_error(t->run,
			  "the policy has several pipelines; choose one with --pipeline: %s",
			  pipeline_names(t));
		return false;
	}
	t->pipeline = ir->pipelines;
	return true;
}

/* ---- the sources ---- */

static const char *device_of(const struct tracing *t, uint32_t module)
{
	const struct ir_module *m = &t->pipeline->modules[module];

	for (size_t i = 0; i < m->n_config; i++)
		if (!strcmp(m->config[i].name, "device") &&
		    m->config[i].value->kind == IR_VALUE_TEXT)
			return m->config[i].value->text;
	return NULL;
}

static void follow(struct tracing *t, uint32_t source, struct walk_packet packet)
{
	const char *device = device_of(t, source);

	if (device)
		trace_enter(ARENA(t), t->policy->ir, device, &packet);
	vec_push(ARENA(t), &t->traces,
		 trace_walk(ARENA(t), t->policy, t->pipeline, source, &packet));
}

/* Sources with the device that was given, else those that name none; without one, all. */
static void follow_from(struct tracing *t, struct ids sources, const char *given,
			const struct walk_packet *packet)
{
	for (size_t i = 0; i < sources.n; i++) {
		const char *device = device_of(t, sources.at[i]);

		if (!given || (device && !strcmp(device, given)))
			follow(t, sources.at[i], *packet);
	}
	if (t->traces.n)
		return;
	for (size_t i = 0; i < sources.n; i++)
		if (!device_of(t, sources.at[i]))
			follow(t, sources.at[i], *packet);
}

static bool follow_all(struct tracing *t, const struct walk_packet *packet)
{
	const struct field *port = fields_find(t->policy->ir->fields, "port.in");
	const struct packet_value *given = trace_value(packet, port);
	struct ids sources = walk_sources(ARENA(t), t->pipeline);

	follow_from(t, sources, given ? given->text : NULL, packet);
	if (!sources.n)
		run_error(t->run, "pipeline '%s' has no source", t->pipeline->name);
	else if (!t->traces.n)
		run_error(t->run, "no source of pipeline '%s' has the device \"%s\"",
			  t->pipeline->name, given->text);
	return t->traces.n > 0;
}

/* ---- what is needed ---- */

/* The name as it stands inside the pipeline. */
static const char *inside(const struct tracing *t, const char *canonical)
{
	return canonical + strlen(t->pipeline->name) + 1;
}

static const char *way_out(const struct tracing *t, const struct walk_need *n)
{
	const char *choices = trace_choices(t->run->options->arena, n->field);

	if (n->rewriter != ID_NONE)
		return arena_printf(ARENA(t), "which %s rewrites; add --derived %s.%s=%s",
				    t->pipeline->modules[n->rewriter].name,
				    inside(t, t->pipeline->modules[n->rewriter].name),
				    n->field->name, choices);
	if (n->field->derived)
		return arena_printf(ARENA(t), "which is not given; add --derived %s=%s",
				    inside(t, n->field->name), choices);
	return arena_printf(ARENA(t), "which is not given; add %s=%s to the packet", n->field->name,
			    choices);
}

static void tell_need(const struct tracing *t, const struct walk_need *n)
{
	const char *who = n->module == ID_NONE ? "the class of the packet"
					       : arena_printf(ARENA(t), "the way out of %s",
							      t->pipeline->modules[n->module].name);

	run_error(t->run, "%s hangs on %s, %s", who, n->field->name, way_out(t, n));
}

/* Each field once, where it is needed first. */
static bool tell_needs(const struct tracing *t)
{
	VEC(struct walk_need) told = { 0 };

	for (size_t i = 0; i < t->traces.n; i++) {
		const struct walk *w = t->traces.at[i]->walk;

		for (size_t k = 0; k < w->n_needs; k++) {
			const struct walk_need *n = &w->needs[k];
			bool again = false;

			for (size_t j = 0; j < told.n; j++)
				again |= told.at[j].field == n->field &&
					 told.at[j].rewriter == n->rewriter;
			if (again)
				continue;
			vec_push(ARENA(t), &told, *n);
			tell_need(t, n);
		}
	}
	return told.n > 0;
}

/* ---- the command ---- */

static bool wants_json(const struct run *r)
{
	return r->options->as && !strcmp(r->options->as, "json");
}

static int print_traces(struct tracing *t)
{
	struct sink s = { 0 };
	bool ok;

	if (wants_json(t->run))
		trace_json(&s, t->traces.at, t->traces.n);
	for (size_t i = 0; i < t->traces.n && !wants_json(t->run); i++) {
		if (i)
			sink_putc(&s, '\n');
		trace_human(&s, t->traces.at[i]);
	}
	ok = run_write(t->run, &s);
	sink_free(&s);
	return ok ? EXIT_DONE : EXIT_ENVIRONMENT;
}

static int trace_graph(struct run *r, struct policy *p, const struct trace_request *q)
{
	struct tracing t = { .run = r, .policy = p };
	struct walk_packet packet;
	int code;

	if (!choose_pipeline(&t) || !trace_resolve(r, p->ir, t.pipeline, q, &packet) ||
	    !follow_all(&t, &packet))
		return EXIT_USAGE;
	code = print_traces(&t);
	return tell_needs(&t) ? exit_worse(code, EXIT_FINDINGS) : code;
}

/* A policy with errors elsewhere can be traced, as far as its graph is sound. */
static int trace_policy(struct run *r, const struct trace_request *q, const char *path)
{
	struct policy p = policy_read(r->options, path, DEPTH_PLAN);
	int code = policy_report(r, &p);

	if (p.ir)
		code = exit_worse(code, trace_graph(r, &p, q));
	policy_close(&p);
	return code;
}

static bool options_fit(struct run *r)
{
	const struct options *o = r->options;

	if (o->as && strcmp(o->as, "human") && strcmp(o->as, "json")) {
		run_error(r, "trace --as takes human or json, not '%s'", o->as);
		return false;
	}
	if (o->files.n == 2)
		return true;
	run_error(r, "trace needs a packet and one FILE, like epic trace "
		     "'tcp 100.64.1.9:5000 > 10.1.0.7:443' policy.epi");
	return false;
}

static int run_trace(struct run *r)
{
	struct trace_request q;
	int code = EXIT_USAGE;

	if (options_fit(r) && trace_parse(r, r->options->files.at[0], &q))
		code = trace_policy(r, &q, r->options->files.at[1]);
	print_end(r, code);
	return code;
}

const struct command command_trace = {
	.name = "trace",
	.arguments = "PACKET FILE",
	.summary = "one packet's way through a pipeline",
	.help =
	    ".\nPACKET is 'PROTO SRC[:PORT] > DST[:PORT] [FIELD=VALUE]...', like\n"
	    "'tcp 100.64.1.9:5000 > 10.1.0.7:443 vlan.id=7'; PROTO is tcp, udp, sctp, icmp or a\n"
	    "number, an IPv6 address with a port stands in brackets. port.in=DEVICE chooses among\n"
	    "several sources. --derived gives what a module finds out or writes:\n"
	    "--derived ids.verdict=alert, --derived nat.ip.src=192.0.2.1",
	.run = run_trace,
	.result = true,
};
