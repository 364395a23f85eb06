#include <config.h>

#include "compiler/solve/greedy.h"

#include <math.h>
#include <stdlib.h>

struct descent {
	struct arena *arena;
	const struct demand *demand;
	const struct net *net;
	struct ids *children;  /* per way */
	struct ids *classes;   /* per way: classes of the net that pass it */
	struct rat *due;       /* per class: time per offered packet, for a whole of 1 */
	struct rat *spent;     /* per class: so far */
	struct rat **rest;     /* per class and place on its path: cost from there to the exit */
	uint32_t *place;       /* per way: its place on the paths through it */
	uint32_t *begins;      /* per way: the neediest class of the task that begins here, or ID_NONE */
	struct greedy *out;
	bool ok;
};

/* ---- where it applies ---- */

static bool is_tree(const struct net *n)
{
	size_t n_with_ways = 0;

	for (size_t i = 0; i < n->n_nodes; i++) {
		n_with_ways += n->nodes[i].ways.n == 1;
		if (n->nodes[i].ways.n > 1 || (n->nodes[i].root && !n->nodes[i].source))
			return false;
	}
	return n_with_ways == n->n_ways;
}

/* Every class is a member of the one ratio, by itself. */
static bool one_ratio_names_all(const struct demand *d)
{
	const struct net *n = d->net;

	if (!d->ratios.n || d->ratios.n != n->n_classes || d->latencies.n || n->n_stages != 1)
		return false;
	for (size_t i = 0; i < d->ratios.n; i++)
		if (d->ratios.at[i].of_rates || d->ratios.at[i].statement != d->ratios.at[0].statement)
			return false;
	for (size_t i = 0; i < d->bounds.n; i++)
		if (d->bounds.at[i].statement)
			return false;
	for (size_t c = 0; c < n->n_classes; c++)
		if (!n->classes[c].named || n->classes[c].n_paths != 1 ||
		    rat_sign(n->paths[n->classes[c].first_path].rate) <= 0)
			return false;
	return true;
}

static bool applies(const struct demand *d)
{
	return !d->entitlement && d->net->target->n_cores == 1 && is_tree(d->net) && one_ratio_names_all(d);
}

/* ---- what is due ---- */

/* The class that member I of the ratio stands for. */
static uint32_t member_class(const struct demand *d, size_t i)
{
	const struct ir_statement *st = d->ratios.at[i].statement;

	for (size_t l = 0; l < d->net->slo->n_levels; l++) {
		const struct ir_level *level = &d->net->slo->levels[l];

		if (st >= level->statements && st < level->statements + level->n_statements)
			return level->members[st->members[i]].classes.n == 1 ?
				       net_find_class(d->net, level->members[st->members[i]].classes.at[0]) :
				       ID_NONE;
	}
	return ID_NONE;
}

static struct rat *costs_left(struct arena *a, const struct net_path *p)
{
	struct rat *rest = arena_many(a, struct rat, p->n + 1);

	rest[p->n] = RAT_ZERO;
	for (size_t k = p->n; k-- > 0;)
		rest[k] = rat_add(rest[k + 1], p->cost[k]);
	return rest;
}

static bool find_dues(struct descent *s)
{
	const struct net *n = s->net;

	s->due = arena_many(s->arena, struct rat, n->n_classes);
	s->spent = arena_many(s->arena, struct rat, n->n_classes);
	s->rest = arena_many(s->arena, struct rat *, n->n_classes);
	for (size_t i = 0; i < n->n_classes; i++) {
		uint32_t c = member_class(s->demand, i);

		if (c == ID_NONE)
			return false;
		s->due[c] = rat_div(s->demand->ratios.at[i].share, n->paths[n->classes[c].first_path].rate);
		s->spent[c] = RAT_ZERO;
		s->rest[c] = costs_left(s->arena, &n->paths[n->classes[c].first_path]);
	}
	return true;
}

struct list {
	uint32_t *at;
	size_t n, cap;
};

static void find_tree(struct descent *s)
{
	const struct net *n = s->net;
	struct list *children = arena_many(s->arena, struct list, n->n_ways);
	struct list *classes = arena_many(s->arena, struct list, n->n_ways);

	s->children = arena_many(s->arena, struct ids, n->n_ways);
	s->classes = arena_many(s->arena, struct ids, n->n_ways);
	s->place = arena_many(s->arena, uint32_t, n->n_ways);
	s->begins = arena_many(s->arena, uint32_t, n->n_ways);
	for (uint32_t w = 0; w < n->n_ways; w++)
		s->begins[w] = ID_NONE;
	for (uint32_t w = 0; w < n->n_ways; w++)
		if (n->ways[w].parent != ID_NONE)
			vec_push(s->arena, &children[n->ways[w].parent], w);
	for (uint32_t c = 0; c < n->n_classes; c++) {
		const struct net_path *p = &n->paths[n->classes[c].first_path];

		for (uint32_t k = 0; k < p->n; k++) {
			vec_push(s->arena, &classes[p->ways[k]], c);
			s->place[p->ways[k]] = k;
		}
	}
	for (size_t w = 0; w < n->n_ways; w++) {
		s->children[w] = ids_from(s->arena, children[w].at, children[w].n);
		s->classes[w] = ids_from(s->arena, classes[w].at, classes[w].n);
	}
}

/* ---- down the tree ---- */

/* The multiplier that a task needs whose root is at WAY, and for which class. */
static struct rat needed(struct descent *s, uint32_t way, uint32_t *neediest)
{
	struct rat most = RAT_ZERO;

	for (size_t i = 0; i < s->classes[way].n; i++) {
		uint32_t c = s->classes[way].at[i];
		struct rat left = rat_sub(s->due[c], s->spent[c]), cost = s->rest[c][s->place[way]], v;

		if (!rat_sign(cost)) {
			s->ok = false;
			return most;
		}
		v = rat_div(left, cost);
		if (!i || rat_cmp(v, most) > 0) {
			most = v;
			*neediest = c;
		}
	}
	return most;
}

static void descend(struct descent *s, uint32_t way, struct rat v, uint32_t neediest);

static void begin_task(struct descent *s, uint32_t way)
{
	uint32_t parent = s->net->ways[way].parent, neediest = 0;
	struct rat v = needed(s, way, &neediest);

	if (rat_sign(v) <= 0 || (parent != ID_NONE && rat_cmp(v, s->out->service[parent]) > 0))
		s->ok = false;
	if (!s->ok)
		return;
	s->begins[way] = neediest;
	/* Level with the task above: no queue is needed. */
	if (parent != ID_NONE)
		s->out->root[s->net->ways[way].node] = rat_cmp(v, s->out->service[parent]) != 0;
	descend(s, way, v, neediest);
}

static void descend(struct descent *s, uint32_t way, struct rat v, uint32_t neediest)
{
	s->out->service[way] = v;
	for (size_t i = 0; i < s->classes[way].n; i++) {
		uint32_t c = s->classes[way].at[i];
		const struct net_path *p = &s->net->paths[s->net->classes[c].first_path];

		s->spent[c] = rat_add(s->spent[c], rat_mul(p->cost[s->place[way]], v));
	}
	for (size_t i = 0; i < s->children[way].n && s->ok; i++) {
		uint32_t child = s->children[way].at[i];

		if (ids_has(s->classes[child], neediest))
			descend(s, child, v, neediest);
		else
			begin_task(s, child);
	}
}

/* ---- to scale ---- */

/* So that the worker is full or everything is served. */
static void scale(struct descent *s)
{
	const struct net *n = s->net;
	struct rat load = RAT_ZERO, most = RAT_ZERO, factor;

	for (size_t w = 0; w < n->n_ways; w++) {
		const struct net_node *node = &n->nodes[n->ways[w].node];
		struct rat cycles = n->ways[w].cycles;

		if (s->out->root[n->ways[w].node])
			cycles = rat_add(cycles, rat_mul(n->ways[w].packets, net_overhead(n, node)));
		load = rat_add(load, rat_mul(cycles, s->out->service[w]));
		if (rat_cmp(s->out->service[w], most) > 0)
			most = s->out->service[w];
	}
	factor = rat_div(RAT_ONE, most);
	if (rat_sign(load) && rat_cmp(rat_div(n->target->clock, load), factor) < 0)
		factor = rat_div(n->target->clock, load);
	for (size_t w = 0; w < n->n_ways; w++)
		s->out->service[w] = rat_mul(s->out->service[w], factor);
}

static void sum_up(struct descent *s)
{
	s->out->rate = RAT_ZERO;
	for (size_t i = 0; i < s->net->n_paths; i++) {
		const struct net_path *p = &s->net->paths[i];
		struct rat v = s->out->service[p->ways[p->n - 1]];

		s->ok &= rat_cmp(v, s->net->slo->floor) >= 0;
		s->out->rate = rat_add(s->out->rate, rat_mul(p->rate, v));
	}
}

/* ---- a limit ---- */

/* The answer solves a linear program: the most rate for given times of the classes.
 * Its dual has a price per class, the packets that a cycle of it is worth; at the root
 * of a task nothing presses, so the prices follow from the exits upwards.  Prices limit
 * the rate for all other times as well, those of the band among them. */
struct pricing {
	struct descent *descent;
	double *price; /* per class: packets per cycle */
	double *worth; /* per way: sum of price * rate of the classes that pass */
	bool ok;
};

static double path_rate(const struct descent *s, uint32_t c)
{
	return rat_double(s->net->paths[s->net->classes[c].first_path].rate);
}

/* What passes WAY beside the class of the path, which goes on to NEXT. */
static double worth_beside(const struct pricing *p, uint32_t way, uint32_t next)
{
	const struct ids children = p->descent->children[way];
	double sum = 0;

	for (size_t i = 0; i < children.n; i++)
		sum += children.at[i] == next ? 0 : p->worth[children.at[i]];
	return sum;
}

/* The task that begins at the K-th way of the path of class C. */
static void price_task(struct pricing *p, uint32_t c, size_t k)
{
	const struct net_path *path = &p->descent->net->paths[p->descent->net->classes[c].first_path];
	double rate = path_rate(p->descent, c), beside = 0, taken = 0, cost = 0, pressure = 0;

	for (size_t i = path->n; i-- > k;) {
		beside += worth_beside(p, path->ways[i], i + 1 < path->n ? path->ways[i + 1] : ID_NONE);
		p->worth[path->ways[i]] = beside;
		taken += rat_double(path->cost[i]) * beside;
		cost += rat_double(path->cost[i]);
	}
	p->price[c] = (rate - taken) / (rate * cost);
	for (size_t i = k; i < path->n; i++) {
		p->worth[path->ways[i]] += p->price[c] * rate;
		pressure += rat_double(path->cost[i]) * p->worth[path->ways[i]];
		p->ok &= pressure >= -1e-9 * rate;
	}
}

static void price_tasks(struct pricing *p)
{
	struct descent *s = p->descent;

	for (size_t w = s->net->n_ways; w-- > 0;)
		if (s->begins[w] != ID_NONE)
			price_task(p, s->begins[w], s->place[w]);
}

struct priced {
	double price, share;
};

static int dearest_first(const void *x, const void *y)
{
	const struct priced *a = x, *b = y;

	return (a->price < b->price) - (a->price > b->price);
}

/* The worker's cycles at these prices, shares moved within the band to the dearest. */
static double worth_of_clock(const struct pricing *p)
{
	const struct demand *d = p->descent->demand;
	struct priced *all = arena_many(p->descent->arena, struct priced, d->ratios.n);
	double tolerance = rat_double(d->net->slo->tolerance), left = 1, worth = 0;

	for (size_t i = 0; i < d->ratios.n; i++) {
		all[i] = (struct priced){ p->price[member_class(d, i)], rat_double(d->ratios.at[i].share) };
		worth += all[i].price * all[i].share * (1 - tolerance);
		left -= all[i].share * (1 - tolerance);
	}
	qsort(all, d->ratios.n, sizeof(*all), dearest_first);
	for (size_t i = 0; i < d->ratios.n && left > 0; i++) {
		double more = fmin(left, 2 * tolerance * all[i].share);

		worth += more * all[i].price;
		left -= more;
	}
	return worth * rat_double(d->net->target->clock);
}

static void find_limit(struct descent *s)
{
	struct pricing p = { s, arena_many(s->arena, double, s->net->n_classes),
			     arena_many(s->arena, double, s->net->n_ways), true };
	double offered = 0;

	price_tasks(&p);
	for (uint32_t c = 0; c < s->net->n_classes; c++)
		offered += path_rate(s, c);
	s->out->limit = p.ok ? fmin(worth_of_clock(&p), offered) : offered;
}

/* ---- all of it ---- */

bool greedy_cut(struct arena *a, const struct demand *d, struct greedy *out)
{
	struct descent s = { .arena = a, .demand = d, .net = d->net, .out = out, .ok = true };

	if (!applies(d) || !find_dues(&s))
		return false;
	find_tree(&s);
	out->root = arena_many(a, bool, d->net->n_nodes);
	out->service = arena_many(a, struct rat, d->net->n_ways);
	for (size_t i = 0; i < d->net->n_nodes; i++)
		out->root[i] = d->net->nodes[i].root;
	for (uint32_t w = 0; w < d->net->n_ways && s.ok; w++)
		if (d->net->ways[w].parent == ID_NONE)
			begin_task(&s, w);
	if (!s.ok)
		return false;
	find_limit(&s);
	scale(&s);
	sum_up(&s);
	return s.ok;
}
