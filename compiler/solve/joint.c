#include <config.h>

#include "compiler/solve/joint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/solve/glpk_door.h"

enum {
	MAX_NODES = 20000,  /* of one search tree */
	MAX_WORK = 6000000, /* free columns times nodes, over all programs that are solved */
	FIRST_NODE = 100,   /* in nodes, what the relaxed program takes */
	LARGE_SUM = 100000, /* of costs; beyond it doubles are asked twice */
};

/* What one bridge of one flow puts on one proxy. */
struct load {
	uint32_t slot;
	struct rat cycles; /* per second */
};

struct column {
	size_t flow;
	long bridge;
	struct load *loads;
	size_t n_loads;
	price extra; /* cost beyond the flow's cheapest bridge */
	size_t rank; /* among the flow's columns, by names */
};

struct row_list {
	VEC(struct program_row) list;
};

struct joint {
	struct arena *arena;
	const struct ir *ir;
	const struct hosting *hosting;
	struct joint_flow *flows;
	size_t n_flows;
	const struct rat *room;
	bool *limited;          /* per slot */
	struct column *columns; /* flow by flow */
	size_t n_columns;
	size_t *first; /* per flow, and one behind the last */
	/* the programs solved so far add to these */
	enum program_fix *fixed;
	bool *kept;             /* per flow: must have a bridge */
	struct row_list base;   /* one row for each flow that has columns, then the proxies */
	size_t *flow_row;       /* per flow: its row in `base` */
	struct row_list stages; /* what earlier criteria demand */
	struct row_list cuts;   /* sets of columns that were seen to overload a proxy */
	size_t work;
	bool unproven;
	long *best;          /* per flow: column, or JOINT_DROPPED; always legal */
	struct rat *total;   /* per slot: load of the best */
	struct rat *settled; /* per slot: that of the flows that are settled */
	bool *values;        /* scratch */
	double *costs;       /* scratch: what the next program minimises */
};

/* ---- columns ---- */

static void add_load(struct column *c, uint32_t slot, struct rat cycles)
{
	for (size_t i = 0; i < c->n_loads; i++)
		if (c->loads[i].slot == slot) {
			c->loads[i].cycles = rat_add(c->loads[i].cycles, cycles);
			return;
		}
	c->loads[c->n_loads++] = (struct load){ slot, cycles };
}

static void lay_loads(struct joint *j, struct column *c, const struct found_bridge *b)
{
	const struct joint_flow *f = &j->flows[c->flow];

	c->loads = arena_many(j->arena, struct load, b->n_hops);
	for (size_t i = 0; i < b->n_hops; i++) {
		struct rat cycles =
		    function_cycles(&j->ir->functions[b->hops[i].function], f->packet);
		uint32_t slot = j->hosting->slot[b->hops[i].proxy];

		if (j->limited[slot] && rat_sign(cycles) > 0 && rat_sign(f->rate) > 0)
			add_load(c, slot, rat_mul(cycles, f->rate));
	}
}

struct ranked {
	const struct found_bridge *bridge;
	const struct hosting *hosting;
	size_t column;
};

static int by_names(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	return crossing_chain_cmp(a->hosting, a->bridge->hops, a->bridge->n_hops, b->bridge->hops,
				  b->bridge->n_hops);
}

static void rank_columns(struct joint *j, size_t flow)
{
	size_t first = j->first[flow], n = j->first[flow + 1] - first;
	struct ranked *list = arena_many(j->arena, struct ranked, n);

	for (size_t i = 0; i < n; i++)
		list[i] = (struct ranked){ &j->flows[flow].bridges[i], j->hosting, first + i };
	qsort(list, n, sizeof(*list), by_names);
	for (size_t i = 0; i < n; i++)
		j->columns[list[i].column].rank = i;
}

static void lay_columns(struct joint *j)
{
	size_t n = 0;

	for (size_t f = 0; f < j->n_flows; f++)
		n += j->flows[f].n_bridges;
	j->columns = arena_many(j->arena, struct column, n);
	j->first = arena_many(j->arena, size_t, j->n_flows + 1);
	for (size_t f = 0; f < j->n_flows; f++) {
		const struct joint_flow *flow = &j->flows[f];

		j->first[f] = j->n_columns;
		for (size_t b = 0; b < flow->n_bridges; b++) {
			struct column *c = &j->columns[j->n_columns++];

			c->flow = f;
			c->bridge = (long)b;
			c->extra = flow->bridges[b].cost - flow->bridges[0].cost;
			lay_loads(j, c, &flow->bridges[b]);
		}
		j->first[f + 1] = j->n_columns;
		rank_columns(j, f);
	}
}

/* ---- exact checks ---- */

static struct rat *no_loads(struct joint *j)
{
	struct rat *sums = arena_many(j->arena, struct rat, j->hosting->n_slots);

	for (size_t s = 0; s < j->hosting->n_slots; s++)
		sums[s] = RAT_ZERO;
	return sums;
}

static void add_column(struct rat *sums, const struct column *c)
{
	for (size_t i = 0; i < c->n_loads; i++)
		sums[c->loads[i].slot] = rat_add(sums[c->loads[i].slot], c->loads[i].cycles);
}

static void remove_column(struct rat *sums, const struct column *c)
{
	for (size_t i = 0; i < c->n_loads; i++)
		sums[c->loads[i].slot] = rat_sub(sums[c->loads[i].slot], c->loads[i].cycles);
}

static bool column_fits(const struct joint *j, const struct rat *sums, const struct column *c)
{
	for (size_t i = 0; i < c->n_loads; i++) {
		uint32_t s = c->loads[i].slot;

		if (rat_cmp(rat_add(sums[s], c->loads[i].cycles), j->room[s]) > 0)
			return false;
	}
	return true;
}

/* The load of each slot, when each flow has the column that CHOSEN says. */
static struct rat *sum_loads(struct joint *j, const long *chosen)
{
	struct rat *sums = no_loads(j);

	for (size_t f = 0; f < j->n_flows; f++)
		if (chosen[f] >= 0)
			add_column(sums, &j->columns[chosen[f]]);
	return sums;
}

static bool loads_slot(const struct column *c, uint32_t slot)
{
	for (size_t i = 0; i < c->n_loads; i++)
		if (c->loads[i].slot == slot)
			return true;
	return false;
}

static void push_row(struct joint *j, struct row_list *rows, const size_t *columns,
		     const double *factors, size_t n, double lower, double upper)
{
	vec_push(j->arena, &rows->list, (struct program_row){ columns, factors, n, lower, upper });
}

static void fill_ones(double *factors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		factors[i] = 1;
}

/* All columns of CHOSEN that load SLOT cannot be had together. */
static void cut_off(struct joint *j, const long *chosen, uint32_t slot)
{
	size_t *at = arena_many(j->arena, size_t, j->n_flows), n = 0;
	double *ones = arena_many(j->arena, double, j->n_flows);

	for (size_t f = 0; f < j->n_flows; f++)
		if (chosen[f] >= 0 && loads_slot(&j->columns[chosen[f]], slot))
			at[n++] = (size_t)chosen[f];
	fill_ones(ones, n);
	push_row(j, &j->cuts, at, ones, n, -HUGE_VAL, (double)n - 1);
}

/* Cuts off what doubles let through.  Returns whether CHOSEN is legal. */
static bool recheck(struct joint *j, const long *chosen)
{
	struct rat *sums = sum_loads(j, chosen);
	bool legal = true;

	for (uint32_t s = 0; s < j->hosting->n_slots; s++)
		if (j->limited[s] && rat_cmp(sums[s], j->room[s]) > 0) {
			cut_off(j, chosen, s);
			legal = false;
		}
	return legal;
}

/* ---- programs ---- */

/* Each flow has at most one bridge; require_kept says which need one. */
static void push_flow_rows(struct joint *j)
{
	j->flow_row = arena_many(j->arena, size_t, j->n_flows);
	for (size_t f = 0; f < j->n_flows; f++) {
		size_t first = j->first[f], n = j->first[f + 1] - first;
		size_t *at = arena_many(j->arena, size_t, n);
		double *ones = arena_many(j->arena, double, n);

		for (size_t i = 0; i < n; i++)
			at[i] = first + i;
		fill_ones(ones, n);
		j->flow_row[f] = j->base.list.n;
		if (n)
			push_row(j, &j->base, at, ones, n, -HUGE_VAL, 1);
	}
}

static void require_kept(struct joint *j)
{
	for (size_t f = 0; f < j->n_flows; f++)
		if (j->first[f + 1] > j->first[f])
			j->base.list.at[j->flow_row[f]].lower = j->kept[f] ? 1 : -HUGE_VAL;
}

static size_t count_loading(const struct joint *j, uint32_t slot)
{
	size_t n = 0;

	for (size_t c = 0; c < j->n_columns; c++)
		n += loads_slot(&j->columns[c], slot);
	return n;
}

/* Each proxy's load as a part of its room, which keeps the factors near 1. */
static void push_slot_row(struct joint *j, uint32_t slot)
{
	size_t most = count_loading(j, slot), n = 0;
	size_t *at = arena_many(j->arena, size_t, most);
	double *parts = arena_many(j->arena, double, most);

	for (size_t c = 0; c < j->n_columns; c++)
		for (size_t i = 0; i < j->columns[c].n_loads; i++) {
			const struct load *l = &j->columns[c].loads[i];

			if (l->slot != slot)
				continue;
			at[n] = c;
			parts[n++] = rat_double(rat_div(l->cycles, j->room[slot]));
		}
	if (n)
		push_row(j, &j->base, at, parts, n, -HUGE_VAL, 1);
}

static void lay_base_rows(struct joint *j)
{
	push_flow_rows(j);
	for (uint32_t s = 0; s < j->hosting->n_slots; s++)
		if (j->limited[s] && rat_sign(j->room[s]) > 0)
			push_slot_row(j, s);
}

static void append_rows(struct joint *j, struct row_list *rows, const struct row_list *more)
{
	for (size_t i = 0; i < more->list.n; i++)
		vec_push(j->arena, &rows->list, more->list.at[i]);
}

static void read_answer(const struct joint *j, long *chosen)
{
	for (size_t f = 0; f < j->n_flows; f++) {
		chosen[f] = JOINT_DROPPED;
		for (size_t c = j->first[f]; c < j->first[f + 1]; c++)
			if (j->values[c])
				chosen[f] = (long)c;
	}
}

enum answer { ANSWER_BEST, ANSWER_LEGAL, ANSWER_NONE, ANSWER_UNKNOWN };

static size_t count_free(const struct joint *j)
{
	size_t n = 0;

	for (size_t c = 0; c < j->n_columns; c++)
		n += j->fixed[c] == PROGRAM_FREE;
	return n;
}

static int nodes_left(const struct joint *j, size_t n_free)
{
	size_t n = j->work < MAX_WORK ? (MAX_WORK - j->work) / (n_free + 1) : 0;

	return n < MAX_NODES ? (int)n : MAX_NODES;
}

/* Minimises `costs` under all rows so far and EXTRA.  CHOSEN is legal unless there
 * is no answer; ANSWER_NONE: proven that there is none. */
static enum answer solve(struct joint *j, const struct row_list *extra, long *chosen)
{
	size_t n_free = count_free(j);

	require_kept(j);
	for (;;) {
		struct row_list rows = { 0 };
		enum program_status status;
		struct program p;
		bool found;

		append_rows(j, &rows, &j->base);
		append_rows(j, &rows, &j->stages);
		append_rows(j, &rows, &j->cuts);
		append_rows(j, &rows, extra);
		p = (struct program){ .n_columns = j->n_columns,
				      .costs = j->costs,
				      .fixed = j->fixed,
				      .rows = rows.list.at,
				      .n_rows = rows.list.n,
				      .max_nodes = nodes_left(j, n_free) };
		if (!p.max_nodes)
			return ANSWER_UNKNOWN;
		status = program_solve(&p, j->values, &found);
		j->work += n_free * ((size_t)p.n_nodes + FIRST_NODE);
		if (status == PROGRAM_IMPOSSIBLE)
			return ANSWER_NONE;
		if (!found)
			return ANSWER_UNKNOWN;
		read_answer(j, chosen);
		if (recheck(j, chosen))
			return status == PROGRAM_BEST ? ANSWER_BEST : ANSWER_LEGAL;
	}
}

static void clear_costs(struct joint *j)
{
	memset(j->costs, 0, j->n_columns * sizeof(*j->costs));
}

/* ---- first: most flows, earlier ones rather than later ones ---- */

static size_t count_kept(const struct joint *j, const long *chosen)
{
	size_t n = 0;

	for (size_t f = 0; f < j->n_flows; f++)
		n += chosen[f] >= 0;
	return n;
}

static void adopt(struct joint *j, const long *chosen)
{
	memcpy(j->best, chosen, j->n_flows * sizeof(*chosen));
	j->total = sum_loads(j, j->best);
}

/* A legal start: what the caller knows, else each flow its first bridge that fits. */
static void start_greedily(struct joint *j)
{
	for (size_t f = 0; f < j->n_flows; f++) {
		long known = j->flows[f].chosen;

		j->best[f] = known < 0 ? JOINT_DROPPED : (long)j->first[f] + known;
		if (known >= 0)
			add_column(j->total, &j->columns[j->best[f]]);
	}
	for (size_t f = 0; f < j->n_flows; f++) {
		if (j->best[f] >= 0)
			continue;
		for (size_t c = j->first[f]; c < j->first[f + 1] && j->best[f] < 0; c++)
			if (column_fits(j, j->total, &j->columns[c]))
				j->best[f] = (long)c;
		if (j->best[f] >= 0)
			add_column(j->total, &j->columns[j->best[f]]);
	}
}

static void demand_count(struct joint *j)
{
	size_t *at = arena_many(j->arena, size_t, j->n_columns);
	double *ones = arena_many(j->arena, double, j->n_columns);

	for (size_t c = 0; c < j->n_columns; c++)
		at[c] = c;
	fill_ones(ones, j->n_columns);
	push_row(j, &j->stages, at, ones, j->n_columns, (double)count_kept(j, j->best) - 0.5,
		 HUGE_VAL);
}

static void keep_most(struct joint *j)
{
	long *chosen = arena_many(j->arena, long, j->n_flows);
	struct row_list none = { 0 };
	enum answer a;

	if (count_kept(j, j->best) == j->n_flows)
		return;
	for (size_t c = 0; c < j->n_columns; c++)
		j->costs[c] = -1;
	a = solve(j, &none, chosen);
	j->unproven |= a != ANSWER_BEST;
	if (a <= ANSWER_LEGAL && count_kept(j, chosen) > count_kept(j, j->best))
		adopt(j, chosen);
}

static void drop_flow(struct joint *j, size_t f)
{
	for (size_t c = j->first[f]; c < j->first[f + 1]; c++)
		j->fixed[c] = PROGRAM_ZERO;
}

/* Decides which flows are kept, from the first to the last. */
static void keep_earliest(struct joint *j)
{
	long *chosen = arena_many(j->arena, long, j->n_flows);
	struct row_list none = { 0 };

	demand_count(j);
	clear_costs(j);
	for (size_t f = 0; f < j->n_flows; f++) {
		enum answer a = ANSWER_BEST;

		j->kept[f] = true;
		if (j->best[f] >= 0)
			continue;
		a = solve(j, &none, chosen);
		if (a <= ANSWER_LEGAL) {
			adopt(j, chosen);
			continue;
		}
		j->unproven |= a == ANSWER_UNKNOWN;
		j->kept[f] = false;
		drop_flow(j, f);
	}
}

/* ---- second: least cost, application by application ---- */

static price sum_extra(const struct joint *j, const long *chosen, size_t application)
{
	price sum = 0;

	for (size_t f = 0; f < j->n_flows; f++)
		if (j->flows[f].application == application && chosen[f] >= 0)
			sum += j->columns[chosen[f]].extra;
	return sum;
}

static price gcd(price a, price b)
{
	while (b) {
		price t = a % b;

		a = b;
		b = t;
	}
	return a;
}

/* The largest unit of which all costs are multiples keeps the factors small. */
static price common_unit(const struct joint *j, size_t application)
{
	price g = 0;

	for (size_t c = 0; c < j->n_columns; c++)
		if (j->flows[j->columns[c].flow].application == application)
			g = gcd(g, j->columns[c].extra);
	return g ? g : 1;
}

/* The application's cost, in UNIT, is at most MOST. */
static struct program_row cost_row(struct joint *j, size_t application, price unit, double most)
{
	size_t *at = arena_many(j->arena, size_t, j->n_columns), n = 0;
	double *factors = arena_many(j->arena, double, j->n_columns);

	for (size_t c = 0; c < j->n_columns; c++) {
		if (j->flows[j->columns[c].flow].application != application || !j->columns[c].extra)
			continue;
		at[n] = c;
		factors[n++] = (double)(j->columns[c].extra / unit);
	}
	return (struct program_row){ at, factors, n, -HUGE_VAL, most };
}

static void set_costs(struct joint *j, size_t application, price unit)
{
	clear_costs(j);
	for (size_t c = 0; c < j->n_columns; c++)
		if (j->flows[j->columns[c].flow].application == application)
			j->costs[c] = (double)(j->columns[c].extra / unit);
}

/* One try to make the application cheaper.  Returns whether it is worth another:
 * where sums are large, doubles do not see the last units. */
static bool cheapen(struct joint *j, size_t application, price unit)
{
	long *chosen = arena_many(j->arena, long, j->n_flows);
	price now = sum_extra(j, j->best, application);
	struct row_list extra = { 0 };
	enum answer a;

	vec_push(j->arena, &extra.list, cost_row(j, application, unit, (double)(now / unit) - 0.5));
	a = solve(j, &extra, chosen);
	j->unproven |= a == ANSWER_LEGAL || a == ANSWER_UNKNOWN;
	if (a > ANSWER_LEGAL || sum_extra(j, chosen, application) >= now)
		return false;
	adopt(j, chosen);
	now = sum_extra(j, chosen, application) / unit;
	return now > LARGE_SUM;
}

static void spend_least(struct joint *j, size_t application)
{
	price unit = common_unit(j, application);

	set_costs(j, application, unit);
	while (sum_extra(j, j->best, application) > 0 && cheapen(j, application, unit))
		;
	vec_push(j->arena, &j->stages.list,
		 cost_row(j, application, unit,
			  (double)(sum_extra(j, j->best, application) / unit) + 0.5));
}

static void spend_least_everywhere(struct joint *j)
{
	for (size_t f = 0; f < j->n_flows; f++)
		if (f == 0 || j->flows[f].application != j->flows[f - 1].application)
			spend_least(j, j->flows[f].application);
}

/* ---- third: the smallest lists of names, flow by flow ---- */

/* The smallest column that can simply be put in place of the present one. */
static void exchange(struct joint *j, size_t f)
{
	const struct column *now = &j->columns[j->best[f]];
	size_t best_rank = now->rank;

	remove_column(j->total, now);
	for (size_t c = j->first[f]; c < j->first[f + 1]; c++)
		if (j->columns[c].rank < best_rank && j->columns[c].extra <= now->extra &&
		    column_fits(j, j->total, &j->columns[c])) {
			j->best[f] = (long)c;
			best_rank = j->columns[c].rank;
		}
	add_column(j->total, &j->columns[j->best[f]]);
}

/* The columns of F that are smaller than the present one and fit beside those of
 * the flows before F; all others get fixed at 0.  Returns their number. */
static size_t narrow_down(struct joint *j, size_t f)
{
	size_t n = 0;

	for (size_t c = j->first[f]; c < j->first[f + 1]; c++) {
		bool smaller = j->columns[c].rank < j->columns[j->best[f]].rank;

		if (smaller && column_fits(j, j->settled, &j->columns[c]))
			n++;
		else
			j->fixed[c] = PROGRAM_ZERO;
	}
	return n;
}

static void settle(struct joint *j, size_t f)
{
	for (size_t c = j->first[f]; c < j->first[f + 1]; c++)
		j->fixed[c] = (long)c == j->best[f] ? PROGRAM_ONE : PROGRAM_ZERO;
	add_column(j->settled, &j->columns[j->best[f]]);
}

static void name_smallest(struct joint *j, size_t f)
{
	long *chosen = arena_many(j->arena, long, j->n_flows);
	struct row_list none = { 0 };
	enum answer a;

	exchange(j, f);
	if (narrow_down(j, f)) {
		clear_costs(j);
		for (size_t c = j->first[f]; c < j->first[f + 1]; c++)
			j->costs[c] = (double)j->columns[c].rank;
		a = solve(j, &none, chosen);
		if (a <= ANSWER_LEGAL)
			adopt(j, chosen);
		j->unproven |= a == ANSWER_LEGAL || a == ANSWER_UNKNOWN;
	}
	settle(j, f);
}

/* ---- all of it ---- */

/* Whether bridges that were not listed could make a difference: they might unless
 * all flows have a cheapest bridge and all cheapest bridges were listed. */
static bool misses_bridges(const struct joint *j)
{
	bool truncated = false, all_cheapest = true;

	for (size_t f = 0; f < j->n_flows; f++) {
		const struct joint_flow *flow = &j->flows[f];

		all_cheapest &= j->best[f] >= 0 && j->columns[j->best[f]].extra == 0;
		truncated |= flow->truncated;
		if (flow->exhausted || (flow->truncated && flow->dearest == flow->bridges[0].cost))
			return true;
	}
	return truncated && !all_cheapest;
}

static void mark_limited(struct joint *j)
{
	j->limited = arena_many(j->arena, bool, j->hosting->n_slots);
	for (size_t i = 0; i < j->ir->n_nodes; i++)
		if (j->hosting->slot[i] != ID_NONE)
			j->limited[j->hosting->slot[i]] = j->ir->nodes[i].has_cores;
}

static void joint_open(struct joint *j)
{
	mark_limited(j);
	lay_columns(j);
	j->fixed = arena_many(j->arena, enum program_fix, j->n_columns);
	j->kept = arena_many(j->arena, bool, j->n_flows);
	j->best = arena_many(j->arena, long, j->n_flows);
	lay_base_rows(j);
	j->total = no_loads(j);
	j->settled = no_loads(j);
	j->values = arena_many(j->arena, bool, j->n_columns);
	j->costs = arena_many(j->arena, double, j->n_columns);
}

bool joint_choose(struct arena *a, const struct ir *ir, const struct hosting *h,
		  struct joint_flow *flows, size_t n, const struct rat *room)
{
	struct joint j = {
		.arena = a, .ir = ir, .hosting = h, .flows = flows, .n_flows = n, .room = room
	};

	joint_open(&j);
	start_greedily(&j);
	keep_most(&j);
	keep_earliest(&j);
	spend_least_everywhere(&j);
	for (size_t f = 0; f < n; f++)
		if (j.kept[f])
			name_smallest(&j, f);
	for (size_t f = 0; f < n; f++)
		flows[f].chosen = j.best[f] < 0 ? JOINT_DROPPED : j.columns[j.best[f]].bridge;
	return !j.unproven && !misses_bridges(&j);
}
