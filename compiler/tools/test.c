/* Expectations (doc/language.md 7). */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/ast/ast.h"
#include "compiler/base/text.h"
#include "compiler/lower/lower.h"
#include "compiler/solve/movement.h"
#include "compiler/tools/command.h"
#include "compiler/tools/coverage.h"
#include "compiler/tools/solving.h"

enum outcome { HOLDS, FAILS, UNDECIDED };

struct judging {
	struct policy *p;
	const struct options *options;
	const struct expectation *x;
	struct sink actual; /* what is true instead */
};

#define ARENA(j) ((j)->p->ctx->arena)

/* ---- movement ---- */

static const char *status_word(const struct verdict *v)
{
	static const char *const words[] = { "direct", "bridged", "unbridgeable", "forbidden" };

	return words[v->status];
}

static void tell_flow(struct judging *j, uint32_t from, uint32_t to, const struct verdict *v)
{
	const struct ir *ir = j->p->ir;

	sink_printf(&j->actual, "%s%s => %s is %s", j->actual.size ? "\n" : "", ir->nodes[from].name,
		    ir->nodes[to].name, status_word(v));
	for (size_t i = 0; i < v->bridge.n_hops; i++)
		sink_printf(&j->actual, "%s%s on %s", i ? ", " : " by ",
			    ir->functions[v->bridge.hops[i].function].name,
			    ir->nodes[v->bridge.hops[i].proxy].name);
	if (v->failed)
		sink_printf(&j->actual, " (%s): %s", diag_page(v->code)->code, v->reason);
}

struct pairs {
	struct ids from, to;
};

static struct pairs pairs_of(struct judging *j)
{
	return (struct pairs){
		lower_nodes(j->p->ir, ARENA(j), &j->x->from, j->x->from_all),
		lower_nodes(j->p->ir, ARENA(j), &j->x->to, j->x->to_all),
	};
}

static struct ir_flow hypothetical(struct judging *j, uint32_t from, uint32_t to)
{
	const struct expectation *x = j->x;

	return (struct ir_flow){
		.application = ID_NONE,
		.from = from,
		.to = to,
		.cubes = fx_cubes(j->p->ir->fields, x->when),
		.when = fx_text(j->p->ir->fields, x->when),
		.rate_bps = RAT_ZERO,
		.rate_pps = RAT_ZERO,
		.carries = x->carries ? lower_id(j->p->ir, x->carries) : ID_NONE,
		.span = x->span,
	};
}

enum { MOST_TOLD = 5 };

/* `expect`: for all pairs; `expect not`: for none. */
static enum outcome judge_reach(struct judging *j)
{
	struct pairs p = pairs_of(j);
	size_t n_wrong = 0;

	for (size_t a = 0; a < p.from.n; a++)
		for (size_t b = 0; b < p.to.n; b++) {
			struct ir_flow f = hypothetical(j, p.from.at[a], p.to.at[b]);
			struct verdict v;
			bool reached;

			if (f.from == f.to)
				continue;
			v = movement_judge(j->p->ctx, j->p->ir, &f, IR_SETUP_TIME);
			reached = v.status == FLOW_DIRECT || v.status == FLOW_BRIDGED;
			if (reached == !j->x->negated)
				continue;
			if (n_wrong++ < MOST_TOLD)
				tell_flow(j, f.from, f.to, &v);
		}
	return n_wrong ? FAILS : HOLDS;
}

static bool same_functions(struct judging *j, const struct verdict *v)
{
	VEC(uint32_t) wanted = { 0 };
	VEC(uint32_t) found = { 0 };

	for (size_t i = 0; i < j->x->functions.n; i++)
		vec_push(ARENA(j), &wanted, lower_id(j->p->ir, j->x->functions.at[i]));
	for (size_t i = 0; i < v->bridge.n_hops; i++)
		vec_push(ARENA(j), &found, v->bridge.hops[i].function);
	return (v->status == FLOW_BRIDGED || v->status == FLOW_DIRECT) &&
	       ids_equal(ids_from(ARENA(j), wanted.at, wanted.n), ids_from(ARENA(j), found.at, found.n));
}

static bool judge_one_bridge(struct judging *j, uint32_t from, uint32_t to, const struct verdict *v,
			     size_t *n_wrong)
{
	bool same = same_functions(j, v);

	if (same == !j->x->negated)
		return true;
	if ((*n_wrong)++ < MOST_TOLD)
		tell_flow(j, from, to, v);
	return false;
}

/* Every declared flow between the two, else a hypothetical one. */
static void judge_pair_bridge(struct judging *j, uint32_t from, uint32_t to, size_t *n_wrong)
{
	const struct ir *ir = j->p->ir;
	struct ir_flow f = hypothetical(j, from, to);
	struct verdict v;
	bool declared = false;

	for (size_t i = 0; i < ir->n_flows; i++) {
		if (ir->flows[i].from != from || ir->flows[i].to != to)
			continue;
		declared = true;
		judge_one_bridge(j, from, to, &j->p->solution->verdicts[i], n_wrong);
	}
	if (declared)
		return;
	v = movement_judge(j->p->ctx, ir, &f, IR_SETUP_TIME);
	judge_one_bridge(j, from, to, &v, n_wrong);
}

static enum outcome judge_bridge(struct judging *j)
{
	struct pairs p = pairs_of(j);
	size_t n_wrong = 0;

	for (size_t a = 0; a < p.from.n; a++)
		for (size_t b = 0; b < p.to.n; b++)
			if (p.from.at[a] != p.to.at[b])
				judge_pair_bridge(j, p.from.at[a], p.to.at[b], &n_wrong);
	return n_wrong ? FAILS : HOLDS;
}

/* ---- areas ---- */

static void tell_area(struct judging *j, const struct area *a)
{
	const struct ir *ir = j->p->ir;

	sink_printf(&j->actual, "%sarea {", j->actual.size ? "\n" : "");
	for (size_t i = 0; i < a->nodes.n; i++)
		sink_printf(&j->actual, "%s%s", i ? ", " : "", ir->nodes[a->nodes.at[i]].name);
	sink_puts(&j->actual, "} with {");
	for (size_t i = 0; i < a->attrs.n; i++)
		sink_printf(&j->actual, "%s%s", i ? ", " : "", name_tail(ir->attrs[a->attrs.at[i]].name));
	sink_putc(&j->actual, '}');
}

static bool meets(struct ids a, struct ids b)
{
	for (size_t i = 0; i < a.n; i++)
		if (ids_has(b, a.at[i]))
			return true;
	return false;
}

static enum outcome judge_area(struct judging *j)
{
	size_t n;
	const struct area *areas = areas_compute(ARENA(j), j->p->ir, &n);
	struct ids nodes = lower_nodes(j->p->ir, ARENA(j), &j->x->nodes, false);
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		found |= ids_equal(areas[i].nodes, nodes);
		if (meets(areas[i].nodes, nodes))
			tell_area(j, &areas[i]);
	}
	return found == !j->x->negated ? HOLDS : FAILS;
}

/* ---- paths and classes ---- */

/* The packets of SET that go straight from one module to the next. */
static const struct cubes *taking(struct judging *j, size_t from, size_t to, const struct cubes *set)
{
	struct fields *fields = j->p->model->fields;
	const struct m_pipeline *p = j->x->pipeline;
	const struct cubes *all = cubes_none(fields);

	for (size_t e = 0; e < p->out[from].n; e++) {
		const struct m_edge *edge = &p->edges.at[p->out[from].at[e]];

		if (edge->to == to && !edge->copy)
			all = cubes_or(fields, all, cubes_filter(fields, set, edge->when));
	}
	return all;
}

static void tell_example(struct judging *j, const struct cubes *set, const char *what)
{
	struct packet example = cubes_example(j->p->model->fields, set);

	packet_print(&j->actual, &example);
	if (!j->actual.size)
		sink_puts(&j->actual, "any packet");
	sink_printf(&j->actual, ": %s", what);
}

static const struct cubes *behind(struct judging *j, size_t module, const struct cubes *set)
{
	const struct m_instance *i = j->x->pipeline->instances.at[module];
	const struct m_function *f = i->function ? OBJECT(i->function, m_function) : NULL;

	for (size_t k = 0; f && k < f->rewrites.n; k++)
		set = cubes_forget(j->p->model->fields, set, f->rewrites.at[k]);
	return set;
}

static enum outcome judge_path(struct judging *j)
{
	struct fields *fields = j->p->model->fields;
	const struct numbers *path = &j->x->path;
	const struct m_pipeline *p = j->x->pipeline;
	const struct cubes *set = fx_cubes(fields, j->x->when);

	for (size_t i = 0; i + 1 < path->n && !cubes_empty(set); i++) {
		const struct cubes *before = behind(j, path->at[i], set);
		const struct cubes *taken = taking(j, path->at[i], path->at[i + 1], before);
		const struct cubes *stray = cubes_minus(fields, before, taken);

		if (!j->x->negated && !cubes_empty(stray)) {
			tell_example(j, stray,
				     arena_printf(ARENA(j), "goes from %s elsewhere than to %s",
						  p->instances.at[path->at[i]]->sym->name,
						  p->instances.at[path->at[i + 1]]->sym->name));
			return FAILS;
		}
		set = taken;
	}
	if (!j->x->negated || cubes_empty(set))
		return HOLDS;
	tell_example(j, set, "takes this path");
	return FAILS;
}

static enum outcome judge_classified(struct judging *j)
{
	struct fields *fields = j->p->model->fields;
	const struct m_class *class = OBJECT(j->x->class, m_class);
	const struct cubes *set = fx_cubes(fields, j->x->when);
	const struct cubes **paths = arena_many(ARENA(j), const struct cubes *, class->paths.n);
	struct packet example;
	size_t n = 0;

	for (size_t i = 0; i < class->paths.n; i++)
		if (!class->paths.at[i].n_copies)
			paths[n++] = class->paths.at[i].cubes;
	for (size_t i = 0; i < n && j->x->negated; i++)
		if (cubes_overlap(fields, set, paths[i], &example)) {
			packet_print(&j->actual, &example);
			sink_printf(&j->actual, ": is in class %s", class->sym->name);
			return FAILS;
		}
	if (j->x->negated || cubes_covered(fields, set, paths, n, &example))
		return HOLDS;
	packet_print(&j->actual, &example);
	sink_printf(&j->actual, "%s: is not in class %s", j->actual.size ? "" : "any packet", class->sym->name);
	return FAILS;
}

/* ---- all kinds ---- */

static uint32_t number_of_slo(const struct ir *ir, const char *name)
{
	uint32_t i = 0;

	while (i < ir->n_slos && strcmp(ir->slos[i].name, name))
		i++;
	return i;
}

static uint32_t number_of_target(const struct ir *ir, const char *name)
{
	uint32_t i = 0;

	while (i < ir->n_targets && strcmp(ir->targets[i].name, name))
		i++;
	return i;
}

/* The target as if it enforced the slo. */
static struct schedule *solve_feasible(struct judging *j, uint32_t target, uint32_t slo)
{
	struct ir ir = *j->p->ir;
	struct ir_target *targets = arena_many(ARENA(j), struct ir_target, ir.n_targets);

	memcpy(targets, ir.targets, ir.n_targets * sizeof(*targets));
	targets[target].enforce = slo;
	ir.targets = targets;
	return schedule_solve(j->p->ctx, &ir, target, &j->options->solving, false);
}

static enum outcome undecided(struct judging *j)
{
	diag_add(&j->p->ctx->diags, W0702, j->x->span,
		 "whether slo '%s' can be met on target '%s' was not decided in the time given", j->x->slo->name,
		 j->x->target->name);
	return UNDECIDED;
}

static enum outcome judge_feasible(struct judging *j)
{
	uint32_t slo = number_of_slo(j->p->ir, j->x->slo->canonical);
	uint32_t target = number_of_target(j->p->ir, j->x->target->canonical);
	struct schedule *s;

	if (slo == j->p->ir->n_slos || target == j->p->ir->n_targets ||
	    j->p->ir->targets[target].pipelines.n != 1) {
		sink_printf(&j->actual, "target '%s' schedules no single pipeline", j->x->target->name);
		return FAILS;
	}
	s = solve_feasible(j, target, slo);
	if (!s->solved && s->code == E0702)
		return undecided(j);
	if (s->solved)
		sink_printf(&j->actual, "slo '%s' can be met on target '%s' with %zu tasks", j->x->slo->name,
			    j->x->target->name, s->n_tasks);
	else
		sink_printf(&j->actual, "slo '%s' cannot be met on target '%s' (%s)", j->x->slo->name,
			    j->x->target->name, diag_page(s->code)->code);
	return s->solved == !j->x->negated ? HOLDS : FAILS;
}

static enum outcome (*const judges[])(struct judging *) = {
	[EXPECT_REACH] = judge_reach,	    [EXPECT_BRIDGE] = judge_bridge,
	[EXPECT_PATH] = judge_path,	    [EXPECT_AREA] = judge_area,
	[EXPECT_FEASIBLE] = judge_feasible, [EXPECT_CLASSIFIED] = judge_classified,
};

static void report_failure(struct policy *p, const struct expectation *x, const struct sink *actual)
{
	struct diag *d = diag_add(&p->ctx->diags, E0901, x->span, "this expectation does not hold");
	const char *text = actual->size ? actual->data : "nothing of the kind is there";
	struct sink json = { 0 };

	diag_note(&p->ctx->diags, d, "%s", text);
	sink_json(&json, text);
	diag_data(&p->ctx->diags, d, "{\"actual\": %s}", json.data);
	sink_free(&json);
}

/* Returns how many expectations did not hold. */
static size_t judge_all(struct run *r, struct policy *p, const struct options *o, struct coverage *coverage,
			size_t *n_undecided)
{
	size_t n_failed = 0;

	for (size_t i = 0; i < p->model->expects.n; i++) {
		struct expectation x;
		struct judging j = { .p = p, .options = o, .x = &x };
		enum outcome outcome;

		if (!check_expectation(p->model, &p->model->expects.at[i], &x))
			continue;
		vec_push(r->options->arena, &r->judged, x.span);
		outcome = judges[x.kind](&j);
		if (coverage)
			coverage_touch(coverage, &x);
		if (outcome == FAILS)
			report_failure(p, &x, &j.actual);
		n_failed += outcome == FAILS;
		*n_undecided += outcome == UNDECIDED;
		sink_free(&j.actual);
	}
	return n_failed;
}

static int test_file(struct run *r, const char *path)
{
	struct options watched = *r->options;
	struct policy p;
	bool people = format_is_for_people(r->options->format);
	size_t n_failed = 0, n_undecided = 0, n = 0;
	struct coverage *coverage = NULL;
	int code;

	solving_watch(r, &watched);
	p = policy_read(&watched, path, DEPTH_MOVEMENT);
	if (p.ir) {
		p.solution = movement_choose(p.ctx, p.ir, true);
		n = p.model->expects.n;
		coverage = r->options->coverage ? coverage_new(&p) : NULL;
		n_failed = judge_all(r, &p, &watched, coverage, &n_undecided);
	}
	code = policy_report(r, &p);
	if (p.ir && people && !r->options->quiet)
		fprintf(r->out, "%s: %zu expectation%s, %zu hold, %zu fail, %zu undecided\n",
			strcmp(path, "-") ? path : "<stdin>", n,
			n == 1 ? "" : "s", n - n_failed - n_undecided, n_failed, n_undecided);
	if (coverage && !coverage_report(r, coverage, strcmp(path, "-") ? path : "<stdin>"))
		code = exit_worse(code, EXIT_FINDINGS);
	policy_close(&p);
	return code;
}

static int run_test(struct run *r)
{
	struct texts files = { 0 };
	int code = EXIT_DONE;

	if (!r->options->files.n) {
		run_error(r, "test needs a FILE; epic help test tells more");
		return EXIT_USAGE;
	}
	if (r->options->threshold >= 0 && !r->options->coverage) {
		run_error(r, "--threshold is for --coverage");
		return EXIT_USAGE;
	}
	if (!files_expand(r, &files))
		return EXIT_USAGE;
	for (size_t i = 0; i < files.n; i++)
		code = exit_worse(code, test_file(r, files.at[i]));
	print_end(r, code);
	return code;
}

const struct command command_test = {
	.name = "test",
	.arguments = "FILE|DIR|-...",
	.summary = "runs the expectations of policies",
	.run = run_test,
};
