#include <config.h>

#include "compiler/solve/relaxed.h"

#include <stdlib.h>

#include "compiler/solve/lp.h"

enum { NO_ROW = -1, SLACK_PARTS = 1000000000 };

struct limit_row {
	size_t number;
	double upper;
	size_t stage;
};

/* One queue of one path with a limit of its latency. */
struct wait_row {
	size_t number;
	const struct demand_latency *latency;
	uint32_t node;
};

struct relaxed {
	struct arena *arena;
	const struct demand *demand;
	const struct net *net;
	struct lp *lp;
	enum decision *decision;
	size_t n_roots;
	long *link, *same, *feed; /* per way: rows, or NO_ROW */
	size_t capacity;
	bool capacity_stale;
	VEC(struct limit_row) limits; /* of statements and floors */
	VEC(struct wait_row) waits;
	size_t *keep; /* per stage: what was reached is kept */
	bool known;      /* the last program was solved, so columns have values */
	size_t *columns; /* scratch */
	double *factors;
};

/* ---- rows ---- */

static long difference(struct relaxed *r, size_t plus, size_t minus, double lower, double upper)
{
	const size_t columns[] = { plus, minus };
	const double factors[] = { 1, -1 };

	return plus == minus ? NO_ROW : (long)lp_row(r->lp, columns, factors, 2, lower, upper);
}

static double load_form(struct relaxed *r, struct form f, double times, size_t *n)
{
	double most = 0;

	for (size_t i = 0; i < f.n; i++) {
		r->columns[*n] = f.columns[i];
		r->factors[*n] = times * rat_double(f.factors[i]);
		most = fmax(most, fabs(r->factors[(*n)++]));
	}
	return most;
}

static size_t scaled_row(struct relaxed *r, size_t n, double lower, double upper, double scale)
{
	for (size_t i = 0; i < n && scale > 0; i++)
		r->factors[i] /= scale;
	if (scale > 0) {
		lower /= scale;
		upper /= scale;
	}
	return lp_row(r->lp, r->columns, r->factors, n, lower, upper);
}

static void add_limit(struct relaxed *r, size_t n, double upper, double scale, size_t stage)
{
	size_t row = scaled_row(r, n, -HUGE_VAL, upper, scale);
	struct limit_row limit = { row, scale > 0 ? upper / scale : upper, stage };

	vec_push(r->arena, &r->limits, limit);
}

/* a * member + b * the column of the whole <= 0 */
static void add_ratio(struct relaxed *r, const struct demand_ratio *d, size_t whole, double unit, double a, double b)
{
	size_t n = 0;
	double scale = load_form(r, d->member, a, &n);

	r->columns[n] = whole;
	r->factors[n++] = b * unit;
	add_limit(r, n, 0, fmax(scale, fabs(b * unit)), d->stage);
}

/* A column for the sum of a ratio's members, so that its rows stay short. */
static size_t add_whole(struct relaxed *r, struct form whole, double *unit)
{
	size_t column = lp_column(r->lp, 0, HUGE_VAL), n = 0;

	*unit = load_form(r, whole, 1, &n);
	if (*unit <= 0)
		*unit = 1;
	r->columns[n] = column;
	r->factors[n++] = -*unit;
	scaled_row(r, n, 0, 0, *unit);
	return column;
}

static void add_statements(struct relaxed *r)
{
	const struct demand *d = r->demand;
	double tolerance = rat_double(r->net->slo->tolerance), unit = 1;
	size_t whole = 0;

	for (size_t i = 0; i < d->ratios.n; i++) {
		const struct demand_ratio *ratio = &d->ratios.at[i];
		double share = rat_double(ratio->share);

		if (!i || ratio->statement != d->ratios.at[i - 1].statement)
			whole = add_whole(r, ratio->whole, &unit);
		add_ratio(r, ratio, whole, unit, 1, -share * (1 + tolerance));
		add_ratio(r, ratio, whole, unit, -1, share * (1 - tolerance));
	}
	for (size_t i = 0; i < d->bounds.n; i++) {
		double sign = d->bounds.at[i].at_least ? -1 : 1;
		size_t n = 0;
		double scale = load_form(r, d->bounds.at[i].form, sign, &n);

		add_limit(r, n, sign * rat_double(d->bounds.at[i].bound), scale, d->bounds.at[i].stage);
	}
}

static void add_waits_of(struct relaxed *r, const struct demand_latency *l)
{
	const struct net_path *path = &r->net->paths[l->path];

	for (size_t k = 1; k < path->n; k++) {
		const struct net_way *way = &r->net->ways[path->ways[k]];
		const struct net_node *node = &r->net->nodes[way->node];
		double drained = rat_double(node->packets) * fmax(rat_double(l->seconds), 0);
		double queue = (double)r->net->target->queue;
		const size_t column = path->ways[k];
		const double factor = drained / queue;
		struct wait_row wait = { 0, l, way->node };

		if (node->root && !node->queue)
			continue;
		wait.number = lp_row(r->lp, &column, &factor, 1, -HUGE_VAL, HUGE_VAL);
		vec_push(r->arena, &r->waits, wait);
	}
}

static void add_order(struct relaxed *r)
{
	const struct net *net = r->net;
	bool useful = !r->demand->entitlement;

	for (size_t w = 0; w < net->n_ways; w++) {
		const struct net_way *way = &net->ways[w];
		uint32_t first = net->nodes[way->node].ways.at[0];

		r->link[w] = r->same[w] = r->feed[w] = NO_ROW;
		if (way->parent == ID_NONE)
			continue;
		r->link[w] = difference(r, way->parent, w, useful ? 0 : -HUGE_VAL, HUGE_VAL);
		if (first == w)
			continue;
		r->same[w] = difference(r, first, w, -HUGE_VAL, HUGE_VAL);
		if (useful)
			r->feed[w] = difference(r, net->ways[first].parent, way->parent, -HUGE_VAL, HUGE_VAL);
	}
}

static void add_columns(struct relaxed *r)
{
	const struct net *net = r->net;

	for (size_t w = 0; w < net->n_ways; w++)
		lp_column(r->lp, 0, r->demand->entitlement ? HUGE_VAL : 1);
	for (size_t p = 0; r->demand->entitlement && p < net->n_paths; p++)
		lp_column(r->lp, 0, 1);
}

static void add_deliveries(struct relaxed *r)
{
	for (size_t p = 0; r->demand->entitlement && p < r->net->n_paths; p++)
		for (size_t k = 0; k < r->net->paths[p].n; k++)
			difference(r, r->net->paths[p].ways[k], r->net->n_ways + p, 0, HUGE_VAL);
}

struct relaxed *relaxed_new(struct arena *a, const struct demand *d)
{
	struct relaxed *r = arena_one(a, struct relaxed);
	const struct net *net = d->net;

	r->arena = a;
	r->demand = d;
	r->net = net;
	r->lp = lp_new();
	r->decision = arena_many(a, enum decision, net->n_nodes);
	r->link = arena_many(a, long, net->n_ways);
	r->same = arena_many(a, long, net->n_ways);
	r->feed = arena_many(a, long, net->n_ways);
	r->keep = arena_many(a, size_t, net->n_stages + 1);
	r->columns = arena_many(a, size_t, d->n_columns + 2);
	r->factors = arena_many(a, double, d->n_columns + 2);
	add_columns(r);
	add_order(r);
	add_deliveries(r);
	r->capacity = lp_row(r->lp, NULL, NULL, 0, -HUGE_VAL, (double)net->target->n_cores);
	add_statements(r);
	for (size_t i = 0; i < d->latencies.n; i++)
		add_waits_of(r, &d->latencies.at[i]);
	for (size_t s = 0; s <= net->n_stages; s++)
		r->keep[s] = lp_row(r->lp, NULL, NULL, 0, -HUGE_VAL, HUGE_VAL);
	r->capacity_stale = true;
	for (uint32_t i = 0; i < net->n_nodes; i++)
		if (net->nodes[i].root)
			relaxed_decide(r, i, ROOT);
	return r;
}

void relaxed_free(struct relaxed *r)
{
	if (r)
		lp_free(r->lp);
}

/* ---- decisions ---- */

static void bound_difference(struct relaxed *r, long row, bool equal, double lower)
{
	if (row != NO_ROW)
		lp_bound_row(r->lp, (size_t)row, equal ? 0 : lower, equal ? 0 : HUGE_VAL);
}

void relaxed_decide(struct relaxed *r, uint32_t node, enum decision decision)
{
	const struct ids ways = r->net->nodes[node].ways;
	double below = r->demand->entitlement ? -HUGE_VAL : 0;

	r->n_roots += (decision == ROOT) - (size_t)(r->decision[node] == ROOT);
	r->capacity_stale |= (decision == ROOT) != (r->decision[node] == ROOT);
	r->decision[node] = decision;
	for (size_t i = 0; i < ways.n; i++) {
		bound_difference(r, r->link[ways.at[i]], decision == JOINED, below);
		bound_difference(r, r->same[ways.at[i]], decision == ROOT, -HUGE_VAL);
		bound_difference(r, r->feed[ways.at[i]], decision == ROOT, -HUGE_VAL);
	}
}

enum decision relaxed_decision(const struct relaxed *r, uint32_t node)
{
	return r->decision[node];
}

size_t relaxed_roots(const struct relaxed *r)
{
	return r->n_roots;
}

/* ---- solving ---- */

static void set_capacity(struct relaxed *r)
{
	double clock = rat_double(r->net->target->clock);
	size_t n = 0;

	if (!r->capacity_stale)
		return;
	for (size_t w = 0; w < r->net->n_ways; w++) {
		const struct net_way *way = &r->net->ways[w];
		double cycles = rat_double(way->cycles);

		if (r->decision[way->node] == ROOT)
			cycles += rat_double(way->packets) *
				  rat_double(net_overhead(r->net, &r->net->nodes[way->node]));
		if (cycles > 0) {
			r->columns[n] = w;
			r->factors[n++] = cycles / clock;
		}
	}
	lp_set_row(r->lp, r->capacity, r->columns, r->factors, n);
	r->capacity_stale = false;
}

/* So many queues are on the path at least, and each must drain in time.  False: the
 * path is too slow. */
static bool set_waits(struct relaxed *r)
{
	for (size_t i = 0; i < r->waits.n; i++) {
		const struct wait_row *wait = &r->waits.at[i];
		const struct net_path *path = &r->net->paths[wait->latency->path];
		size_t queues = 0;

		for (size_t k = 1; k < path->n; k++) {
			const struct net_way *way = &r->net->ways[path->ways[k]];
			const struct net_node *node = &r->net->nodes[way->node];

			queues += r->decision[way->node] == ROOT && (!node->root || node->queue);
		}
		if (rat_sign(wait->latency->seconds) < (queues ? 1 : 0))
			return false;
		lp_bound_row(r->lp, wait->number,
			     r->decision[wait->node] == ROOT ? (double)queues : -HUGE_VAL, HUGE_VAL);
	}
	for (size_t i = 0; i < r->demand->latencies.n; i++)
		if (rat_sign(r->demand->latencies.at[i].seconds) < 0)
			return false;
	return true;
}

static void enforce(struct relaxed *r, size_t stage, bool only)
{
	for (size_t i = 0; i < r->limits.n; i++) {
		const struct limit_row *l = &r->limits.at[i];

		if (l->stage == stage)
			lp_bound_row(r->lp, l->number, -HUGE_VAL, l->upper);
		else if (only && l->stage > stage)
			lp_bound_row(r->lp, l->number, -HUGE_VAL, HUGE_VAL);
	}
}

static enum lp_status solve_stage(struct relaxed *r, size_t stage, double *rate)
{
	const struct form *f = &r->demand->stage[stage];
	double unit = demand_unit(*f);
	enum lp_status status;
	size_t n = 0;

	load_form(r, *f, 1 / unit, &n);
	lp_objective(r->lp, r->columns, r->factors, n);
	status = lp_solve(r->lp);
	if (status != LP_BEST)
		return status;
	*rate = lp_best(r->lp) * unit;
	if (stage < r->net->n_stages && n) {
		lp_set_row(r->lp, r->keep[stage], r->columns, r->factors, n);
		lp_bound_row(r->lp, r->keep[stage], lp_best(r->lp) - 1.0 / SLACK_PARTS, HUGE_VAL);
	}
	return LP_BEST;
}

/* Whether all statements together can be met, whatever the order of service. */
static bool all_can_be_met(struct relaxed *r)
{
	if (r->net->n_stages == 1)
		return true;
	for (size_t s = 0; s < r->net->n_stages; s++)
		enforce(r, s, false);
	lp_objective(r->lp, NULL, NULL, 0);
	return lp_solve(r->lp) != LP_IMPOSSIBLE;
}

bool relaxed_solve(struct relaxed *r, double *rates)
{
	bool possible;

	set_capacity(r);
	for (size_t s = 0; s <= r->net->n_stages; s++)
		lp_bound_row(r->lp, r->keep[s], -HUGE_VAL, HUGE_VAL);
	possible = set_waits(r) && all_can_be_met(r);
	for (size_t s = 0; s <= r->net->n_stages; s++)
		rates[s] = HUGE_VAL;
	for (size_t s = 0; possible && s <= r->net->n_stages; s++) {
		enum lp_status status;

		enforce(r, s, true);
		status = solve_stage(r, s, &rates[s]);
		r->known = status == LP_BEST;
		/* What comes first may take less than it could, and let this one live. */
		if (!r->known)
			return s > 0 || status != LP_IMPOSSIBLE;
	}
	return possible;
}

uint32_t relaxed_most_torn(const struct relaxed *r)
{
	uint32_t torn = ID_NONE;
	double most = 1e-7;

	for (size_t w = 0; r->known && w < r->net->n_ways; w++) {
		const struct net_way *way = &r->net->ways[w];
		double gap;

		if (way->parent == ID_NONE || r->decision[way->node] != OPEN)
			continue;
		gap = fabs(lp_value(r->lp, way->parent) - lp_value(r->lp, w));
		if (gap > most) {
			most = gap;
			torn = way->node;
		}
	}
	return torn;
}

/* A task without traffic is of use where a worker needs one, or where a module must not
 * run in the task in front of it, which is so where classes share modules. */
static bool idle_tasks_help(const struct net *n)
{
	for (size_t l = 0; l < n->slo->n_levels; l++)
		if (n->slo->levels[l].n_priorities && !n->parted)
			return true;
	return n->target->n_cores > 1;
}

uint32_t relaxed_busiest(const struct relaxed *r)
{
	uint32_t busiest = ID_NONE;

	for (uint32_t i = 0; i < r->net->n_nodes; i++) {
		const struct net_node *n = &r->net->nodes[i];

		if (r->decision[i] == OPEN && (n->ways.n || idle_tasks_help(r->net)) &&
		    (busiest == ID_NONE || rat_cmp(n->packets, r->net->nodes[busiest].packets) > 0))
			busiest = i;
	}
	return busiest;
}
