/* One target: which models are solved, and what becomes of their answers. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "compiler/solve/leaf.h"
#include "compiler/solve/mip.h"
#include "compiler/solve/outcome.h"
#include "compiler/solve/paper.h"
#include "compiler/solve/scheduling.h"
#include "compiler/solve/separate.h"
#include "compiler/solve/solving.h"

/* ---- cuts that are given ---- */

static bool leads_to_several(const struct net *n, uint32_t from)
{
	return n->nodes[from].next.n > 1;
}

/* A queue at every branch: before each node behind one that packets leave by several
 * ways (Alpine's "semi-manual"); none otherwise. */
static void try_given_cut(struct solving *s, const struct demand *d)
{
	const struct net *n = d->net;
	bool *root = arena_many(s->arena, bool, n->n_nodes);

	for (size_t i = 0; i < n->n_nodes; i++)
		root[i] = n->nodes[i].root;
	for (size_t w = 0; w < n->n_ways && s->options->partition == PARTITION_BRANCHES; w++)
		if (n->ways[w].parent != ID_NONE && leads_to_several(n, n->ways[n->ways[w].parent].node))
			root[n->ways[w].node] = true;
	s->search.n_nodes++;
	search_try(&s->search, d, root);
}

static void try_solution(struct solving *s, const struct demand *d)
{
	bool *root = arena_many(s->arena, bool, d->net->n_nodes);

	if (!mip_read(s->arena, d->net, s->options->solution, root))
		return;
	s->solution_read = true;
	search_try(&s->search, d, root);
}

/* The published program says nothing of floors exactly, nor of overheads: a cut that it
 * finds and that does not stand is no answer, and no proof that there is none. */
static void try_published(struct solving *s, const struct demand *d)
{
	struct paper_answer answer;
	enum lp_status status = paper_solve(s->arena, d->net, s->options, &answer);

	s->search.n_nodes += answer.n_nodes;
	if (answer.found)
		search_try(&s->search, d, answer.root);
	s->search.stopped = status != LP_IMPOSSIBLE && (status != LP_BEST || !s->search.best);
	s->search.open_tasks = status == LP_BEST && s->search.best ? SIZE_MAX : (size_t)ceil(answer.bound - 1e-6);
}

static void solve_net(struct solving *s, bool parted)
{
	const struct net *n = net_make(s->arena, s->ir, s->target, s->slo, parted);
	const struct demand *d = demand_make(s->arena, n);

	if (s->options->solution)
		try_solution(s, d);
	else if (s->options->formulation == FORMULATION_PAPER)
		try_published(s, d);
	else if (s->options->partition == PARTITION_AUTO)
		search_run(&s->search, d, s->any);
	else
		try_given_cut(s, d);
}

/* Parting has to deliver more of what is named than going without does. */
static void solve_parted(struct solving *s)
{
	struct answer *plain = s->search.best;

	s->search.rival = plain;
	s->search.best = NULL;
	solve_net(s, true);
	if (!s->search.best)
		s->search.best = plain;
}

/* There is no answer without parting, and with it none that may be used; whether it
 * would help is worth knowing, but not worth long. */
static void probe_parted(struct solving *s)
{
	enum { MOST_NODES = 1000 };
	struct cut_search before = s->search;

	s->any = true;
	s->search.most_nodes = s->search.n_nodes + MOST_NODES;
	solve_net(s, true);
	if (s->search.best)
		return;
	before.n_nodes = s->search.n_nodes;
	s->search = before;
}

/* ---- which models ---- */

static bool may_part(const struct solving *s)
{
	if (s->options->formulation == FORMULATION_PAPER)
		return false;
	switch (s->options->partition) {
	case PARTITION_AUTO:
		return s->slo->classify == IR_CLASSIFY_AUTO;
	case PARTITION_FRONT:
		return true;
	default:
		return false;
	}
}

void solving_run(struct solving *s)
{
	bool must = s->options->partition == PARTITION_FRONT ||
		    (may_part(s) && priority_is_idle(s->arena, s->ir, s->target, s->slo));

	s->search.arena = s->arena;
	s->search.options = s->options;
	s->search.tasks_first = s->slo->tasks_first;
	s->search.open_tasks = SIZE_MAX;
	if (!s->search.started)
		s->search.started = clock_now();
	s->must_part = must;
	if (!must)
		solve_net(s, false);
	s->plain_failed = !s->search.best;
	if (!may_part(s) || (!must && s->search.best && s->slo->tasks_first) ||
	    (s->any && s->search.best) || (!must && s->search.stopped))
		return;
	s->separable = classes_separable(s->arena, s->ir, s->slo, &s->overlap);
	if (s->separable)
		solve_parted(s);
	else if (s->plain_failed)
		probe_parted(s);
}

/* ---- the answer ---- */

static struct rat from_double(double x)
{
	enum { PARTS = 1000000 };

	return rat_make((__int128)(x * PARTS), PARTS);
}

static struct rat gap_of(struct rat bound, struct rat value)
{
	struct rat off = rat_sub(bound, value);

	if (!rat_sign(value))
		return RAT_ZERO;
	return rat_div(rat_sign(off) < 0 ? rat_sub(RAT_ZERO, off) : off, value);
}

/* Rate of the first rank's classes, over all copies. */
static struct rat leading_rate(const struct answer *a, const struct leaf *leaf)
{
	return rat_mul(leaf->rates[0], rat_uint(a->net->target->replicas));
}

static void fill_objective(struct solving *s, const struct answer *a, const struct leaf *leaf, struct schedule *out)
{
	bool given = s->options->partition != PARTITION_AUTO || s->options->solution;
	bool proven = given || (s->search.open_tasks == SIZE_MAX && !s->search.cut_short);
	struct rat value = s->slo->tasks_first ? rat_uint(a->cut->n_tasks) : leading_rate(a, leaf);
	double open = s->search.open_rate * (double)s->target->replicas;

	out->optimal = proven && !given;
	out->bound = value;
	if (!proven && s->slo->tasks_first && s->search.open_tasks != SIZE_MAX)
		out->bound = rat_uint(s->search.open_tasks < a->cut->n_tasks ? s->search.open_tasks : a->cut->n_tasks);
	else if (!proven && open > rat_double(value))
		out->bound = from_double(open);
	out->gap = gap_of(out->bound, value);
}

/* With the cut chosen, ratios are met as well as they can be, then the rates. */
static bool finish(struct solving *s, struct schedule *out)
{
	struct answer *a = s->search.best;
	struct leaf leaf = { true, a->rates, (struct rat *)a->service };

	answer_judge(a);
	workers_settle(&s->search, a);
	if (!a->service)
		leaf = leaf_solve(s->arena, a->demand, a->cut, a->worker, a->deviation, true);
	if (!leaf.feasible)
		return false;
	outcome_fill(s->arena, a->demand, a->cut, a->worker, leaf.service, out);
	out->why_parted = s->options->partition == PARTITION_FRONT ? PARTED_FOR_ASKING :
			  s->must_part				   ? PARTED_FOR_PRIORITY :
			  s->plain_failed			   ? PARTED_FOR_ANSWER :
								     PARTED_FOR_RATE;
	fill_objective(s, a, &leaf, out);
	return true;
}

/* ---- all of it ---- */

static void fail(struct schedule *out, enum diag_code code)
{
	out->failed = true;
	out->code = code;
}

static bool machine_fits(const struct ir_target *t)
{
	return !t->has_on || rat_cmp(rat_mul(rat_uint(t->replicas), rat_uint(t->n_cores)), t->on_cores) <= 0;
}

/* Every module can root a task. */
static bool too_few_tasks(struct solving *s, bool parted)
{
	return net_make(s->arena, s->ir, s->target, s->slo, parted)->n_nodes < s->target->n_cores;
}

static void judge(struct solving *s, struct schedule *out)
{
	struct answer *a = s->search.best;
	const char *wrong;

	if (a && a->net->parted && !s->separable) {
		fail(out, E0707);
		return;
	}
	if (!a && s->options->solution) {
		s->refusal = s->solution_read ? "the queues of the solution that was given do not meet its statements" :
						"the solution that was given names no queue of this pipeline";
		fail(out, E0702);
		return;
	}
	if (!a && !s->search.stopped && !s->search.cut_short) {
		bool few = too_few_tasks(s, false) && (!may_part(s) || too_few_tasks(s, true));

		fail(out, few ? E0705 : E0701);
		return;
	}
	if (!a || !finish(s, out)) {
		fail(out, a ? E0706 : E0702);
		return;
	}
	wrong = schedule_check(s->arena, s->ir, out);
	if (!wrong)
		return;
	s->wrong = wrong;
	fail(out, E0706);
	out->solved = false;
}

static const char *published_refusal(struct solving *s)
{
	return paper_refusal(net_make(s->arena, s->ir, s->target, s->slo, false));
}

bool schedule_program(struct ctx *ctx, const struct ir *ir, uint32_t target, bool mps, const char *path)
{
	const struct ir_target *t = &ir->targets[target];
	const struct ir_slo *slo = &ir->slos[t->enforce];
	bool parted = slo->classify == IR_CLASSIFY_AUTO && priority_is_idle(ctx->arena, ir, t, slo);
	const struct net *net = net_make(ctx->arena, ir, t, slo, parted);
	struct lp *lp = mip_make(ctx->arena, demand_make(ctx->arena, net));
	bool ok = lp_write(lp, path, mps);

	lp_free(lp);
	return ok;
}

struct schedule *schedule_solve(struct ctx *ctx, const struct ir *ir, uint32_t target,
				const struct sched_options *options, bool report)
{
	struct schedule *out = arena_one(ctx->arena, struct schedule);
	const struct ir_target *t = &ir->targets[target];
	struct solving s = { .ctx = ctx, .arena = ctx->arena, .ir = ir, .target = t,
			     .slo = &ir->slos[t->enforce], .options = options };

	out->target = target;
	out->solver = "none";
	out->rate = out->bound = out->gap = RAT_ZERO;
	if (!machine_fits(t)) {
		fail(out, E0705);
	} else if (options->formulation == FORMULATION_PAPER && (s.refusal = published_refusal(&s))) {
		fail(out, E0702);
	} else {
		solving_run(&s);
		judge(&s, out);
		out->solver = options->solution ? "offline" : "glpk";
		out->timed = options->timings;
		out->n_nodes = s.search.n_nodes;
		out->seconds = clock_now() - s.search.started;
	}
	if (report)
		schedule_report(&s, out);
	return out;
}
