#include <config.h>

#include "compiler/solve/leaf.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/solve/lp.h"

/* `form <= bound`, in force from its stage on. */
struct leaf_row {
	struct form form;
	struct rat bound;
	size_t stage;
};

/* The program of one cut.  Columns: multipliers, then delivered shares. */
struct program_of {
	struct arena *arena;
	const struct demand *demand;
	const struct cut *cut;
	size_t n_columns;
	VEC(struct leaf_row) physics; /* in force at all times */
	VEC(struct leaf_row) rows;
	struct form *stages;
	bool impossible; /* a path is too slow by itself */
	struct rat *factor; /* scratch, per column */
	bool *used;
};

/* ---- forms ---- */

static size_t column_of(const struct program_of *p, size_t unknown)
{
	const struct net *net = p->cut->net;

	return unknown < net->n_ways ? p->cut->unknown[p->cut->runs[unknown]] :
				       p->cut->n_unknowns + (unknown - net->n_ways);
}

struct column_list {
	size_t *at;
	size_t n, cap;
};

static void collect(struct program_of *p, struct column_list *list, struct form f, struct rat times)
{
	for (size_t i = 0; i < f.n; i++) {
		size_t column = column_of(p, f.columns[i]);

		if (!p->used[column]) {
			p->used[column] = true;
			p->factor[column] = RAT_ZERO;
			vec_push(p->arena, list, column);
		}
		p->factor[column] = rat_add(p->factor[column], rat_mul(f.factors[i], times));
	}
}

static struct form settle(struct program_of *p, struct column_list *list)
{
	struct rat *factors = arena_many(p->arena, struct rat, list->n);

	for (size_t i = 0; i < list->n; i++) {
		factors[i] = p->factor[list->at[i]];
		p->used[list->at[i]] = false;
	}
	return (struct form){ list->at, factors, list->n };
}

/* X * a + Y * b */
static struct form combine(struct program_of *p, struct form x, struct rat a, struct form y, struct rat b)
{
	struct column_list list = { 0 };

	collect(p, &list, x, a);
	collect(p, &list, y, b);
	return settle(p, &list);
}

static const struct form no_form = { NULL, NULL, 0 };

static struct form one(struct program_of *p, size_t column, struct rat factor)
{
	size_t *columns = arena_one(p->arena, size_t);
	struct rat *factors = arena_one(p->arena, struct rat);

	*columns = column;
	*factors = factor;
	return (struct form){ columns, factors, 1 };
}

static struct form difference(struct program_of *p, size_t plus, size_t minus)
{
	size_t *columns = arena_many(p->arena, size_t, 2);
	struct rat *factors = arena_many(p->arena, struct rat, 2);

	columns[0] = plus;
	columns[1] = minus;
	factors[0] = RAT_ONE;
	factors[1] = rat_int(-1);
	return (struct form){ columns, factors, plus == minus ? 0 : 2 };
}

static void add_physics(struct program_of *p, struct form f, struct rat bound)
{
	if (f.n)
		vec_push(p->arena, &p->physics, (struct leaf_row){ f, bound, 0 });
}

static void add_row(struct program_of *p, struct form f, struct rat bound, size_t stage)
{
	vec_push(p->arena, &p->rows, (struct leaf_row){ f, bound, stage });
}

/* ---- physics ---- */

/* Packets that are not served are not handed on. */
static void add_order(struct program_of *p)
{
	const struct cut *c = p->cut;

	for (size_t t = 0; t < c->n_tasks; t++) {
		const struct net_node *node = &c->net->nodes[c->nodes[t]];
		size_t column = c->unknown[t], last = SIZE_MAX;

		if (c->unknown[t] == ID_NONE)
			continue;
		if (node->source)
			add_physics(p, one(p, column, RAT_ONE), RAT_ONE);
		for (size_t i = 0; i < node->ways.n; i++) {
			uint32_t parent = c->net->ways[node->ways.at[i]].parent;
			size_t feeder = parent == ID_NONE ? SIZE_MAX : c->unknown[c->runs[parent]];

			if (feeder != SIZE_MAX && feeder != last)
				add_physics(p, difference(p, column, feeder), RAT_ZERO);
			last = feeder;
		}
	}
}

/* L_t / v_t of each task, overheads included. */
static struct rat *loads(struct arena *a, const struct cut *c)
{
	struct rat *load = arena_many(a, struct rat, c->n_tasks);

	for (size_t t = 0; t < c->n_tasks; t++) {
		const struct net_node *node = &c->net->nodes[c->nodes[t]];

		load[t] = rat_mul(node->packets, net_overhead(c->net, node));
	}
	for (size_t w = 0; w < c->net->n_ways; w++)
		load[c->runs[w]] = rat_add(load[c->runs[w]], c->net->ways[w].cycles);
	return load;
}

/* Tasks of one worker; ID_NONE: all of them. */
static void add_capacity_of(struct program_of *p, const struct rat *load, const uint32_t *worker,
			    uint32_t which, struct rat cycles)
{
	struct column_list list = { 0 };

	for (size_t t = 0; t < p->cut->n_tasks; t++) {
		size_t column = p->cut->unknown[t];

		if ((which != ID_NONE && worker[t] != which) || p->cut->unknown[t] == ID_NONE)
			continue;
		if (!p->used[column]) {
			p->used[column] = true;
			p->factor[column] = RAT_ZERO;
			vec_push(p->arena, &list, column);
		}
		p->factor[column] = rat_add(p->factor[column], load[t]);
	}
	add_physics(p, settle(p, &list), cycles);
}

static void add_capacity(struct program_of *p, const uint32_t *worker)
{
	const struct ir_target *target = p->cut->net->target;
	const struct rat *load = loads(p->arena, p->cut);

	for (uint32_t w = 0; w < target->n_cores; w++)
		add_capacity_of(p, load, worker, w, target->clock);
	if (target->n_cores > 1)
		add_capacity_of(p, load, worker, ID_NONE, rat_mul(target->clock, rat_uint(target->n_cores)));
}

/* `entitlement`: what is delivered, and a limit for multipliers that cost nothing. */
static void add_deliveries(struct program_of *p)
{
	const struct cut *c = p->cut;
	const struct rat *load = loads(p->arena, c);

	for (size_t t = 0; t < c->n_tasks; t++)
		if (c->unknown[t] != ID_NONE && !rat_sign(load[t]))
			add_physics(p, one(p, c->unknown[t], RAT_ONE), RAT_ONE);
	for (size_t i = 0; i < c->net->n_paths; i++) {
		const struct net_path *path = &c->net->paths[i];
		size_t share = c->n_unknowns + i, last = SIZE_MAX;

		add_physics(p, one(p, share, RAT_ONE), RAT_ONE);
		for (size_t k = 0; k < path->n; k++) {
			size_t column = c->unknown[c->runs[path->ways[k]]];

			if (column != last)
				add_physics(p, difference(p, share, column), RAT_ZERO);
			last = column;
		}
	}
}

/* ---- statements ---- */

/* In place of a deviation: leave the ratios out. */
static const struct rat any_deviation = { -1, 1 };

static void add_ratios(struct program_of *p, struct rat deviation)
{
	for (size_t i = 0; rat_cmp(deviation, any_deviation) && i < p->demand->ratios.n; i++) {
		const struct demand_ratio *r = &p->demand->ratios.at[i];
		struct rat most = rat_mul(r->share, rat_add(RAT_ONE, deviation));
		struct rat least = rat_mul(r->share, rat_sub(RAT_ONE, deviation));
		struct rat minus = rat_int(-1);

		add_row(p, combine(p, r->member, RAT_ONE, r->whole, rat_mul(most, minus)), RAT_ZERO, r->stage);
		add_row(p, combine(p, r->whole, least, r->member, minus), RAT_ZERO, r->stage);
	}
}

static void add_bounds(struct program_of *p)
{
	for (size_t i = 0; i < p->demand->bounds.n; i++) {
		const struct demand_bound *b = &p->demand->bounds.at[i];
		struct rat sign = rat_int(b->at_least ? -1 : 1);

		add_row(p, combine(p, b->form, sign, no_form, RAT_ZERO), rat_mul(b->bound, sign), b->stage);
	}
}

static int64_t queues_on(const struct cut *c, const struct net_path *path)
{
	int64_t n = 0;

	for (size_t k = 0; k < path->n; k++) {
		uint32_t node = c->net->ways[path->ways[k]].node;

		n += c->root[node] && cut_has_queue(c, c->task[node]);
	}
	return n;
}

static void add_latency(struct program_of *p, const struct demand_latency *l)
{
	const struct cut *c = p->cut;
	const struct net_path *path = &c->net->paths[l->path];
	int64_t queues = queues_on(c, path);
	struct rat waiting = rat_mul(rat_int(-queues), rat_uint(c->net->target->queue));

	p->impossible |= rat_sign(l->seconds) < (queues ? 1 : 0);
	for (size_t k = 0; k < path->n && queues; k++) {
		const struct net_node *node = &c->net->nodes[c->net->ways[path->ways[k]].node];
		uint32_t task = c->task[node - c->net->nodes];

		if (task != ID_NONE && cut_has_queue(c, task))
			add_row(p, one(p, c->unknown[task], rat_mul(rat_mul(node->packets, l->seconds), rat_int(-1))),
				waiting, l->stage);
	}
}

static struct program_of *program_make(struct arena *a, const struct demand *d, const struct cut *c,
				       const uint32_t *worker, struct rat deviation)
{
	struct program_of *p = arena_one(a, struct program_of);

	p->arena = a;
	p->demand = d;
	p->cut = c;
	p->n_columns = c->n_unknowns + (d->entitlement ? c->net->n_paths : 0);
	p->factor = arena_many(a, struct rat, p->n_columns);
	p->used = arena_many(a, bool, p->n_columns);
	p->stages = arena_many(a, struct form, c->net->n_stages + 1);
	if (d->entitlement)
		add_deliveries(p);
	else
		add_order(p);
	add_capacity(p, worker);
	add_bounds(p);
	add_ratios(p, deviation);
	for (size_t i = 0; i < d->latencies.n; i++)
		add_latency(p, &d->latencies.at[i]);
	for (size_t s = 0; s <= c->net->n_stages; s++)
		p->stages[s] = combine(p, d->stage[s], RAT_ONE, no_form, RAT_ZERO);
	return p;
}

/* ---- exact ---- */

static bool enforce_all(struct exact *e, struct program_of *p, const size_t *numbers, size_t stage)
{
	for (size_t i = 0; i < p->rows.n; i++)
		if (p->rows.at[i].stage == stage && !exact_enforce(e, numbers[i]))
			return false;
	return true;
}

/* What stages cannot tell apart is served as far as it can be, task by task. */
static void maximise_tasks(struct exact *e, struct program_of *p)
{
	for (size_t t = 0; t < p->cut->n_tasks; t++)
		if (p->cut->unknown[t] != ID_NONE)
			exact_maximise(e, one(p, p->cut->unknown[t], RAT_ONE));
}

static bool enforce_physics(struct exact *e, struct program_of *p)
{
	for (size_t i = 0; i < p->physics.n; i++)
		if (!exact_enforce(e, exact_row(e, p->physics.at[i].form, p->physics.at[i].bound)))
			return false;
	return true;
}

static bool climb(struct exact *e, struct program_of *p, bool final)
{
	size_t *numbers = arena_many(p->arena, size_t, p->rows.n);
	size_t n_stages = p->cut->net->n_stages;

	for (size_t i = 0; i < p->rows.n; i++)
		numbers[i] = exact_row(e, p->rows.at[i].form, p->rows.at[i].bound);
	for (size_t s = 0; s <= n_stages; s++) {
		if (!enforce_all(e, p, numbers, s))
			return false;
		if (p->stages[s].n && !exact_maximise(e, p->stages[s]))
			return false;
	}
	if (final)
		maximise_tasks(e, p);
	return true;
}

static struct leaf read_leaf(struct exact *e, struct program_of *p)
{
	const struct cut *c = p->cut;
	struct leaf leaf = { .feasible = true };

	leaf.rates = arena_many(p->arena, struct rat, c->net->n_stages + 1);
	leaf.service = arena_many(p->arena, struct rat, c->n_tasks);
	for (size_t s = 0; s <= c->net->n_stages; s++)
		leaf.rates[s] = exact_form(e, p->stages[s]);
	for (size_t t = 0; t < c->n_tasks; t++)
		leaf.service[t] = c->unknown[t] == ID_NONE ? RAT_ONE : exact_value(e, c->unknown[t]);
	return leaf;
}

/* Where a rank fails, LEAF and *SHARES tell how far it came; without shares nothing is
 * possible at all. */
static struct leaf solve_program(struct program_of *p, bool final, struct rat **shares)
{
	struct exact *e = exact_new(p->n_columns);
	struct leaf leaf = { .feasible = false };
	bool feasible;

	*shares = NULL;
	if (p->impossible || !enforce_physics(e, p)) {
		exact_free(e);
		return leaf;
	}
	feasible = climb(e, p, final);
	leaf = read_leaf(e, p);
	leaf.feasible = feasible;
	*shares = arena_many(p->arena, struct rat, p->n_columns - p->cut->n_unknowns);
	for (size_t i = p->cut->n_unknowns; i < p->n_columns; i++)
		(*shares)[i - p->cut->n_unknowns] = exact_value(e, i);
	exact_free(e);
	return leaf;
}

/* ---- in doubles ---- */

struct estimate {
	struct lp *lp;
	size_t *columns;
	double *factors;
};

static void estimate_row(struct estimate *e, const struct leaf_row *row, double *upper, size_t *number)
{
	double most = 0;

	for (size_t i = 0; i < row->form.n; i++) {
		e->columns[i] = row->form.columns[i];
		e->factors[i] = rat_double(row->form.factors[i]);
		most = fmax(most, fabs(e->factors[i]));
	}
	for (size_t i = 0; i < row->form.n && most > 0; i++)
		e->factors[i] /= most;
	*upper = rat_double(row->bound) / (most > 0 ? most : 1);
	*number = lp_row(e->lp, e->columns, e->factors, row->form.n, -HUGE_VAL, *upper);
}

static void estimate_objective(struct estimate *e, struct form f, double unit)
{
	for (size_t i = 0; i < f.n; i++) {
		e->columns[i] = f.columns[i];
		e->factors[i] = rat_double(f.factors[i]) / unit;
	}
	lp_objective(e->lp, e->columns, e->factors, f.n);
}

enum { SLACK_PARTS = 1000000000 }; /* what a maximum that is kept may lose */

static enum lp_status estimate_stages(struct estimate *e, const struct program_of *p, double *rates)
{
	enum lp_status status;
	double *upper = arena_many(p->arena, double, p->rows.n), ignored;
	size_t *number = arena_many(p->arena, size_t, p->rows.n), row;

	for (size_t j = 0; j < p->n_columns; j++)
		lp_column(e->lp, 0, HUGE_VAL);
	for (size_t i = 0; i < p->physics.n; i++)
		estimate_row(e, &p->physics.at[i], &ignored, &row);
	for (size_t i = 0; i < p->rows.n; i++) {
		estimate_row(e, &p->rows.at[i], &upper[i], &number[i]);
		lp_bound_row(e->lp, number[i], -HUGE_VAL, HUGE_VAL);
	}
	for (size_t s = 0; s <= p->cut->net->n_stages; s++) {
		double unit = demand_unit(p->stages[s]);

		for (size_t i = 0; i < p->rows.n; i++)
			if (p->rows.at[i].stage == s)
				lp_bound_row(e->lp, number[i], -HUGE_VAL, upper[i]);
		estimate_objective(e, p->stages[s], unit);
		status = lp_solve(e->lp);
		if (status != LP_BEST)
			return status;
		rates[s] = lp_best(e->lp) * unit;
		row = lp_row(e->lp, e->columns, e->factors, p->stages[s].n, lp_best(e->lp) - 1.0 / SLACK_PARTS, HUGE_VAL);
	}
	return LP_BEST;
}

/* Multipliers as doubles have them, in order where rounding undid it. */
static struct leaf read_estimate(const struct estimate *e, const struct program_of *p, const double *rates)
{
	enum { PARTS_BITS = 50 };
	const struct cut *c = p->cut;
	double parts = (double)((int64_t)1 << PARTS_BITS);
	struct leaf leaf = { .feasible = true };

	leaf.rates = arena_many(p->arena, struct rat, c->net->n_stages + 1);
	leaf.service = arena_many(p->arena, struct rat, c->n_tasks);
	for (size_t s = 0; s <= c->net->n_stages; s++)
		leaf.rates[s] = rat_make((__int128)(rates[s] * 1e9), 1000000000);
	for (size_t t = 0; t < c->n_tasks; t++) {
		double v = c->unknown[t] == ID_NONE ? 1 : fmax(lp_value(e->lp, c->unknown[t]), 0);

		leaf.service[t] = rat_make((__int128)(v * parts), (__int128)parts);
		if (!p->demand->entitlement && rat_cmp(leaf.service[t], RAT_ONE) > 0)
			leaf.service[t] = RAT_ONE;
	}
	for (size_t w = 0; w < c->net->n_ways && !p->demand->entitlement; w++) {
		uint32_t parent = c->net->ways[w].parent;

		if (parent != ID_NONE && rat_cmp(leaf.service[c->runs[w]], leaf.service[c->runs[parent]]) > 0)
			leaf.service[c->runs[w]] = leaf.service[c->runs[parent]];
	}
	return leaf;
}

static struct leaf estimate_program(struct program_of *p, double *rates, enum lp_status *status)
{
	struct estimate e = { lp_new(), arena_many(p->arena, size_t, p->n_columns),
			      arena_many(p->arena, double, p->n_columns) };
	struct leaf leaf = { .feasible = false };

	*status = p->impossible ? LP_IMPOSSIBLE : estimate_stages(&e, p, rates);
	if (*status == LP_BEST)
		leaf = read_estimate(&e, p, rates);
	lp_free(e.lp);
	return leaf;
}

/* ---- shares that must be the least multiplier ---- */

static struct rat least_service(const struct cut *c, const struct leaf *leaf, const struct net_path *path)
{
	struct rat least = RAT_ONE;

	for (size_t k = 0; k < path->n; k++)
		if (rat_cmp(leaf->service[c->runs[path->ways[k]]], least) < 0)
			least = leaf->service[c->runs[path->ways[k]]];
	return least;
}

/* A path whose share was kept below what its tasks deliver; SIZE_MAX: none. */
static size_t find_kept_down(const struct program_of *p, const struct leaf *leaf, const struct rat *shares)
{
	const struct net *net = p->cut->net;

	for (size_t i = 0; p->demand->entitlement && i < net->n_paths; i++)
		if (p->demand->must_be_least[i] && rat_sign(net->paths[i].rate) &&
		    rat_cmp(shares[i], least_service(p->cut, leaf, &net->paths[i])) < 0)
			return i;
	return SIZE_MAX;
}

static int compare_rates(const struct net *net, const struct leaf *a, const struct leaf *b)
{
	for (size_t s = 0; s <= net->n_stages; s++)
		if (rat_cmp(a->rates[s], b->rates[s]))
			return rat_cmp(a->rates[s], b->rates[s]);
	return 0;
}

static int compare_service(const struct cut *c, const struct leaf *a, const struct leaf *b)
{
	for (size_t t = 0; t < c->n_tasks; t++)
		if (rat_cmp(a->service[t], b->service[t]))
			return rat_cmp(a->service[t], b->service[t]);
	return 0;
}

static bool is_better_leaf(const struct cut *c, const struct leaf *a, const struct leaf *b)
{
	int order;

	if (!a->feasible || !b->feasible)
		return a->feasible;
	order = compare_rates(c->net, a, b);
	return order > 0 || (!order && compare_service(c, a, b) > 0);
}

static struct leaf solve_tight(struct program_of *p, bool final);

/* Some multiplier on the path, or 1, is the least: tries each. */
static struct leaf try_least(struct program_of *p, size_t path, bool final)
{
	const struct cut *c = p->cut;
	const struct net_path *of = &c->net->paths[path];
	struct leaf best = { .feasible = false };
	size_t share = c->n_unknowns + path, last = SIZE_MAX;

	for (size_t k = 0; k <= of->n; k++) {
		size_t column = k < of->n ? c->unknown[c->runs[of->ways[k]]] : SIZE_MAX - 1;
		struct leaf leaf;

		if (column == last)
			continue;
		last = column;
		if (k < of->n)
			add_physics(p, difference(p, column, share), RAT_ZERO);
		else
			add_physics(p, one(p, share, rat_int(-1)), rat_int(-1));
		leaf = solve_tight(p, final);
		if (is_better_leaf(c, &leaf, &best))
			best = leaf;
		p->physics.n--;
	}
	return best;
}

/* A rank may have failed only because a share was kept down before it, so that is looked
 * at in either case. */
static struct leaf solve_tight(struct program_of *p, bool final)
{
	struct rat *shares;
	struct leaf leaf = solve_program(p, final, &shares);
	size_t path = shares ? find_kept_down(p, &leaf, shares) : SIZE_MAX;

	return path == SIZE_MAX ? leaf : try_least(p, path, final);
}

/* Determinants of so many rows have thousands of digits. */
static bool is_large(const struct cut *c)
{
	enum { MOST_UNKNOWNS = 40 };

	return c->n_unknowns > MOST_UNKNOWNS;
}

struct leaf leaf_solve(struct arena *a, const struct demand *d, const struct cut *c, const uint32_t *worker,
		       struct rat deviation, bool final)
{
	struct program_of *p = program_make(a, d, c, worker, deviation);
	enum lp_status status;

	if (is_large(c))
		return estimate_program(p, arena_many(a, double, c->net->n_stages + 1), &status);
	return solve_tight(p, final);
}

static enum lp_status estimate(struct arena *a, const struct demand *d, const struct cut *c,
			       const uint32_t *worker, struct rat deviation, double *rates)
{
	enum lp_status status;

	estimate_program(program_make(a, d, c, worker, deviation), rates, &status);
	return status;
}

enum lp_status leaf_estimate(struct arena *a, const struct demand *d, const struct cut *c, const uint32_t *worker,
		   double *rates)
{
	return estimate(a, d, c, worker, d->net->slo->tolerance, rates);
}

/* ---- deviation ---- */

static bool is_feasible(const struct demand *d, const struct cut *c, const uint32_t *worker,
			struct rat deviation, bool exactly)
{
	struct arena *scratch = arena_new();
	double *rates = arena_many(scratch, double, d->net->n_stages + 1);
	bool feasible = exactly ? leaf_solve(scratch, d, c, worker, deviation, false).feasible :
				  estimate(scratch, d, c, worker, deviation, rates) == LP_BEST;

	arena_free(scratch);
	return feasible;
}

/* f, and two more columns behind its program's. */
static struct form extend(struct program_of *p, struct form f, struct rat scale, struct rat deviation)
{
	size_t *columns = arena_many(p->arena, size_t, f.n + 2);
	struct rat *factors = arena_many(p->arena, struct rat, f.n + 2);

	for (size_t i = 0; i < f.n; i++) {
		columns[i] = f.columns[i];
		factors[i] = f.factors[i];
	}
	columns[f.n] = p->n_columns;
	factors[f.n] = scale;
	columns[f.n + 1] = p->n_columns + 1;
	factors[f.n + 1] = deviation;
	return (struct form){ columns, factors, f.n + 2 };
}

static bool enforce_scaled(struct exact *e, struct program_of *p, const struct leaf_row *row)
{
	struct form f = extend(p, row->form, rat_sub(RAT_ZERO, row->bound), RAT_ZERO);

	return exact_enforce(e, exact_row(e, f, RAT_ZERO));
}

/* member / whole = share (1 +- deviation), where the whole is scaled to 1. */
static bool enforce_ratio(struct exact *e, struct program_of *p, const struct demand_ratio *r)
{
	struct rat minus = rat_int(-1), share = rat_sub(RAT_ZERO, r->share);
	struct form above = extend(p, combine(p, r->member, RAT_ONE, no_form, RAT_ZERO), RAT_ZERO, share);
	struct form below = extend(p, combine(p, r->member, minus, no_form, RAT_ZERO), RAT_ZERO, share);

	return exact_enforce(e, exact_row(e, above, r->share)) && exact_enforce(e, exact_row(e, below, share));
}

/* All rows of one ratio, with every multiplier scaled so that the whole is 1 (Charnes
 * and Cooper): the least deviation is linear then. */
static bool least_of_one_ratio(struct program_of *p, struct rat *least)
{
	const struct demand *d = p->demand;
	struct exact *e = exact_new(p->n_columns + 2);
	struct form whole = combine(p, d->ratios.at[0].whole, RAT_ONE, no_form, RAT_ZERO);
	struct form minus = combine(p, d->ratios.at[0].whole, rat_int(-1), no_form, RAT_ZERO);
	bool ok = !p->impossible;

	for (size_t i = 0; ok && i < p->physics.n; i++)
		ok = enforce_scaled(e, p, &p->physics.at[i]);
	for (size_t i = 0; ok && i < p->rows.n; i++)
		ok = enforce_scaled(e, p, &p->rows.at[i]);
	ok = ok && exact_enforce(e, exact_row(e, whole, RAT_ONE)) &&
	     exact_enforce(e, exact_row(e, minus, rat_int(-1)));
	for (size_t i = 0; ok && i < d->ratios.n; i++)
		ok = enforce_ratio(e, p, &d->ratios.at[i]);
	ok = ok && exact_maximise(e, one(p, p->n_columns + 1, rat_int(-1)));
	if (ok)
		*least = exact_value(e, p->n_columns + 1);
	exact_free(e);
	return ok;
}

enum { GRID = 48 }; /* bits of a deviation that is no simple fraction */

/* Up to the grid, so that nothing is lost that needs it. */
static struct rat grid_up(struct rat r)
{
	__int128 one_grid = (__int128)1 << GRID;
	struct rat steps = rat_mul(r, rat_make(one_grid, 1));

	if (r.den <= one_grid)
		return r;
	return rat_make(steps.num / steps.den + 1, one_grid);
}

struct halving {
	const struct demand *demand;
	const struct cut *cut;
	const uint32_t *worker;
	uint64_t low, high; /* steps of the grid: too little, enough */
};

static struct rat steps_of(const struct halving *h, uint64_t steps)
{
	return rat_mul(h->demand->net->slo->tolerance, rat_make((__int128)steps, (__int128)1 << GRID));
}

static void halve(struct halving *h, uint64_t until, bool exactly)
{
	while (h->high - h->low > until) {
		uint64_t middle = h->low + (h->high - h->low) / 2;

		if (is_feasible(h->demand, h->cut, h->worker, steps_of(h, middle), exactly))
			h->high = middle;
		else
			h->low = middle;
	}
}

/* Halves in doubles, which may be too easily content, then between there and here in
 * exact numbers. */
static struct rat least_by_halving(const struct demand *d, const struct cut *c, const uint32_t *worker)
{
	uint64_t all = (uint64_t)1 << GRID, margin = all >> (is_large(c) ? 10 : 24);
	struct halving h = { d, c, worker, 0, all };

	halve(&h, margin, false);
	if (is_large(c))
		return steps_of(&h, h.high);
	h.low = h.low > margin ? h.low - margin : 0;
	h.high = h.high < all - margin ? h.high + margin : all;
	if (!is_feasible(d, c, worker, steps_of(&h, h.high), true))
		h.high = all;
	halve(&h, 1, true);
	return steps_of(&h, h.high);
}

static bool has_one_ratio(const struct demand *d)
{
	for (size_t i = 1; i < d->ratios.n; i++)
		if (d->ratios.at[i].statement != d->ratios.at[0].statement)
			return false;
	for (size_t i = 0; i < d->net->n_paths; i++)
		if (d->must_be_least[i])
			return false;
	return d->net->n_stages == 1;
}

struct rat leaf_deviation(const struct demand *d, const struct cut *c, const uint32_t *worker)
{
	struct arena *scratch;
	struct rat least = d->net->slo->tolerance;

	if (!d->ratios.n || is_feasible(d, c, worker, RAT_ZERO, true))
		return RAT_ZERO;
	if (!has_one_ratio(d) || is_large(c))
		return least_by_halving(d, c, worker);
	scratch = arena_new();
	least_of_one_ratio(program_make(scratch, d, c, worker, any_deviation), &least);
	arena_free(scratch);
	least = grid_up(least);
	return rat_cmp(least, d->net->slo->tolerance) < 0 ? least : d->net->slo->tolerance;
}
