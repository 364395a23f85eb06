#include <config.h>

#include "compiler/solve/search.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/solve/greedy.h"
#include "compiler/solve/leaf.h"
#include "compiler/solve/relaxed.h"

/* ---- time ---- */

double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool search_enough(struct cut_search *s)
{
	enum { TIMES_A_SECOND = 10 };
	const struct sched_options *o = s->options;
	double now, value;

	s->stopped |= s->most_nodes && s->n_nodes > s->most_nodes;
	if (s->stopped)
		return true;
	now = clock_now();
	s->stopped = o->time_limit > 0 && now - s->started > o->time_limit;
	if (!o->progress || now - s->reported < 1.0 / TIMES_A_SECOND)
		return s->stopped;
	s->reported = now;
	value = !s->best ? 0 : s->tasks_first ? (double)s->best->cut->n_tasks : rat_double(s->best->rates[0]);
	s->stopped |= !o->progress(o->data, now - s->started, s->best != NULL, value, s->open_rate);
	return s->stopped;
}

/* ---- the order of answers ---- */

/* Rates that need more than 127 bits are cut off: level to ten digits is level. */
static int compare_rates(const struct answer *a, const struct answer *b)
{
	for (size_t s = 0; s <= a->net->n_stages; s++) {
		struct rat off = rat_sub(a->rates[s], b->rates[s]);
		double size = rat_double(b->rates[s]);

		if (rat_sign(off) && rat_double(off) * rat_sign(off) > 1e-10 * (size > 1 ? size : 1))
			return -rat_sign(off);
	}
	return 0;
}

static int compare_sizes(const struct answer *a, const struct answer *b)
{
	return (a->cut->n_tasks > b->cut->n_tasks) - (a->cut->n_tasks < b->cut->n_tasks);
}

void answer_judge(struct answer *a)
{
	if (!a->judged)
		a->deviation = leaf_deviation(a->demand, a->cut, a->worker);
	a->judged = true;
}

static int compare_deviations(struct answer *a, struct answer *b)
{
	if (!a->demand->ratios.n)
		return 0;
	answer_judge(a);
	answer_judge(b);
	return rat_cmp(a->deviation, b->deviation);
}

bool answer_level(struct answer *a, const struct answer *b)
{
	struct answer other = *b;

	return !compare_rates(a, b) && !compare_deviations(a, &other);
}

/* Modules are numbered in the order of their names, and so are nodes. */
static int compare_roots(const struct answer *a, const struct answer *b)
{
	for (size_t t = 0; t < a->cut->n_tasks && t < b->cut->n_tasks; t++) {
		const struct net_node *x = &a->net->nodes[a->cut->nodes[t]];
		const struct net_node *y = &b->net->nodes[b->cut->nodes[t]];

		if (x->module != y->module)
			return x->module < y->module ? -1 : 1;
		if (x->order != y->order)
			return x->order < y->order ? -1 : 1;
	}
	return 0;
}

static int compare_workers(const struct answer *a, const struct answer *b)
{
	for (size_t t = 0; t < a->cut->n_tasks && t < b->cut->n_tasks; t++)
		if (a->worker[t] != b->worker[t])
			return a->worker[t] < b->worker[t] ? -1 : 1;
	return 0;
}

int answer_compare(bool tasks_first, struct answer *a, struct answer *b)
{
	int rates = compare_rates(a, b), sizes = compare_sizes(a, b), order;

	if (tasks_first ? sizes : rates)
		return tasks_first ? sizes : rates;
	if (tasks_first ? rates : sizes)
		return tasks_first ? rates : sizes;
	order = compare_deviations(a, b);
	if (!order)
		order = compare_roots(a, b);
	return order ? order : compare_workers(a, b);
}

/* ---- single cuts ---- */

static struct answer *answer_keep(struct arena *arena, const struct answer *a)
{
	struct answer *kept = arena_one(arena, struct answer);
	uint32_t *worker = arena_many(arena, uint32_t, a->cut->n_tasks);
	size_t n_rates = a->net->n_stages + 1;

	*kept = *a;
	kept->cut = cut_make(arena, a->net, a->cut->root);
	kept->worker = memcpy(worker, a->worker, a->cut->n_tasks * sizeof(*worker));
	kept->rates = arena_many(arena, struct rat, n_rates);
	memcpy(kept->rates, a->rates, n_rates * sizeof(*kept->rates));
	return kept;
}

bool search_try(struct cut_search *s, const struct demand *d, const bool *root)
{
	struct arena *scratch = arena_new();
	const struct cut *c = cut_make(scratch, d->net, root);
	struct answer *a = NULL;
	bool feasible = false;

	if (cut_keeps_priorities(scratch, c))
		a = workers_choose(s, scratch, d, c, &feasible);
	if (a)
		s->best = answer_keep(s->arena, a);
	arena_free(scratch);
	return feasible;
}

/* ---- the tree ---- */

/* Nodes right behind one way of which at least one must be a root. */
struct fork {
	const uint32_t *nodes;
	size_t n;
};

struct tree {
	struct cut_search *search;
	const struct demand *demand;
	struct relaxed *relaxed;
	struct arena *arena;
	bool any;
	VEC(struct fork) forks; /* disjoint */
};

static void join_as_asked(struct tree *t)
{
	const struct net *n = t->demand->net;
	const char *joined = t->search->options->joined;

	for (uint32_t i = 0; joined && i < n->n_nodes; i++)
		if (!n->nodes[i].root && !strcmp(n->pipeline->modules[n->nodes[i].module].name, joined))
			relaxed_decide(t->relaxed, i, JOINED);
}

static void force_priorities(struct tree *t)
{
	const bool *forced = net_forced(t->arena, t->demand->net);

	for (uint32_t i = 0; i < t->demand->net->n_nodes; i++)
		if (forced[i] && relaxed_decision(t->relaxed, i) == OPEN)
			relaxed_decide(t->relaxed, i, ROOT);
}

/* Tries what is decided, with all that is open joined. */
static bool try_joined(struct tree *t)
{
	const struct net *net = t->demand->net;
	struct arena *scratch = arena_new();
	bool *root = arena_many(scratch, bool, net->n_nodes), feasible;

	for (uint32_t i = 0; i < net->n_nodes; i++)
		root[i] = relaxed_decision(t->relaxed, i) == ROOT;
	feasible = search_try(t->search, t->demand, root);
	arena_free(scratch);
	return feasible;
}

/* How a part of the tree that is bounded by RATES and has ROOTS at least stands
 * against the best answer: it cannot be better; only its smallest cut can; open. */
enum standing { BEHIND, LEVEL, AHEAD };

static enum standing compare_with_best(const struct cut_search *s, size_t roots, const double *rates)
{
	const struct answer *best = s->best;
	int order;

	if (!rates_beat_rival(s, rates))
		return BEHIND;
	if (!best)
		return AHEAD;
	order = rates_against(rates, best);
	if (s->tasks_first) {
		if (roots != best->cut->n_tasks)
			return roots > best->cut->n_tasks ? BEHIND : AHEAD;
		return order < 0 ? BEHIND : LEVEL;
	}
	if (order)
		return order < 0 ? BEHIND : AHEAD;
	if (roots != best->cut->n_tasks)
		return roots > best->cut->n_tasks ? BEHIND : AHEAD;
	return LEVEL;
}

static bool is_within_gap(const struct cut_search *s, size_t roots, const double *rates)
{
	double gap = s->options->gap, value;

	if (!s->best || gap <= 0)
		return false;
	if (s->tasks_first)
		return (double)roots >= (double)s->best->cut->n_tasks * (1 - gap);
	value = rat_double(s->best->rates[0]);
	return rates[0] <= value * (1 + gap);
}

static void leave_open(struct cut_search *s, size_t roots, double rate)
{
	s->open_rate = rate > s->open_rate ? rate : s->open_rate;
	s->open_tasks = roots < s->open_tasks ? roots : s->open_tasks;
}

/* ---- what must be cut ---- */

static bool is_open(const struct tree *t, uint32_t node)
{
	return t->demand->net->nodes[node].ways.n && relaxed_decision(t->relaxed, node) == OPEN;
}

static bool can_join(struct tree *t, const uint32_t *nodes, size_t n)
{
	double rates[t->demand->net->n_stages + 1];
	bool possible;

	for (size_t i = 0; i < n; i++)
		relaxed_decide(t->relaxed, nodes[i], JOINED);
	possible = relaxed_solve(t->relaxed, rates);
	for (size_t i = 0; i < n; i++)
		relaxed_decide(t->relaxed, nodes[i], OPEN);
	return possible;
}

/* A node that cannot be joined is a root. */
static void probe_nodes(struct tree *t)
{
	for (uint32_t i = 0; i < t->demand->net->n_nodes && !search_enough(t->search); i++)
		if (is_open(t, i) && !can_join(t, &i, 1))
			relaxed_decide(t->relaxed, i, ROOT);
}

/* Of nodes that cannot all be joined one is a root, at least. */
static void probe_forks(struct tree *t)
{
	const struct net *net = t->demand->net;
	bool *taken = arena_many(t->arena, bool, net->n_nodes);

	for (uint32_t w = 0; w < net->n_ways && !search_enough(t->search); w++) {
		struct ids next = net->nodes[net->ways[w].node].next;
		uint32_t *nodes = arena_many(t->arena, uint32_t, next.n);
		size_t n = 0;

		for (size_t i = 0; i < next.n; i++)
			if (is_open(t, next.at[i]) && !taken[next.at[i]])
				nodes[n++] = next.at[i];
		if (n < 2 || can_join(t, nodes, n))
			continue;
		for (size_t i = 0; i < n; i++)
			taken[nodes[i]] = true;
		vec_push(t->arena, &t->forks, (struct fork){ nodes, n });
	}
}

/* Worth its programs where none takes long. */
static void probe(struct tree *t)
{
	enum { MOST_PROBED = 150 };

	if (t->any || t->demand->net->n_ways > MOST_PROBED)
		return;
	probe_nodes(t);
	probe_forks(t);
}

/* Roots that are still to come in this part of the tree. */
static size_t missing_roots(const struct tree *t)
{
	size_t missing = 0;

	for (size_t i = 0; i < t->forks.n; i++) {
		bool has_root = false;

		for (size_t k = 0; k < t->forks.at[i].n; k++)
			has_root |= relaxed_decision(t->relaxed, t->forks.at[i].nodes[k]) == ROOT;
		missing += !has_root;
	}
	return missing;
}

/* ---- descending ---- */

static void explore(struct tree *t, double above);

static void branch(struct tree *t, uint32_t node, double rate)
{
	relaxed_decide(t->relaxed, node, ROOT);
	explore(t, rate);
	relaxed_decide(t->relaxed, node, JOINED);
	explore(t, rate);
	relaxed_decide(t->relaxed, node, OPEN);
}

/* All multipliers are level: the smallest cut may be the best of this part. */
static bool is_settled_by_joining(struct tree *t, size_t roots, const double *rates)
{
	struct cut_search *s = t->search;
	bool feasible = try_joined(t);

	if (t->any && s->best)
		return true;
	if (s->tasks_first && feasible)
		return true;
	return compare_with_best(s, roots + 1, rates) == BEHIND;
}

static void explore(struct tree *t, double above)
{
	struct cut_search *s = t->search;
	size_t missing = missing_roots(t), roots = relaxed_roots(t->relaxed) + missing;
	double rates[t->demand->net->n_stages + 1];
	uint32_t node;

	if ((t->any && s->best) || search_enough(s)) {
		leave_open(s, roots, above);
		return;
	}
	s->n_nodes++;
	if (!relaxed_solve(t->relaxed, rates))
		return;
	switch (compare_with_best(s, roots, rates)) {
	case BEHIND:
		return;
	case LEVEL:
		if (!missing) {
			try_joined(t);
			return;
		}
		break;
	case AHEAD:
		break;
	}
	if (is_within_gap(s, roots, rates)) {
		leave_open(s, roots, rates[0]);
		return;
	}
	node = relaxed_most_torn(t->relaxed);
	if (node == ID_NONE) {
		if (is_settled_by_joining(t, relaxed_roots(t->relaxed), rates))
			return;
		node = relaxed_busiest(t->relaxed);
	}
	if (node != ID_NONE)
		branch(t, node, rates[0]);
}

/* ---- first answers ---- */

/* So many ways make programs that take too long to solve at every node. */
enum { MOST_WAYS = 400 };

static void keep_greedy(struct cut_search *s, const struct demand *d, const struct greedy *g)
{
	struct answer *a = arena_one(s->arena, struct answer);
	struct rat *service;

	a->net = d->net;
	a->demand = d;
	a->cut = cut_make(s->arena, d->net, g->root);
	a->worker = arena_many(s->arena, uint32_t, a->cut->n_tasks);
	a->rates = arena_many(s->arena, struct rat, d->net->n_stages + 1);
	a->rates[0] = g->rate;
	a->rates[1] = RAT_ZERO;
	a->judged = true;
	a->deviation = RAT_ZERO;
	service = arena_many(s->arena, struct rat, a->cut->n_tasks);
	for (size_t w = 0; w < d->net->n_ways; w++)
		service[a->cut->runs[w]] = g->service[w];
	a->service = service;
	s->best = a;
}

/* True: that is as far as it goes. */
static bool begin_greedily(struct cut_search *s, const struct demand *d)
{
	struct greedy g;

	if (s->rival || s->options->joined || !greedy_cut(s->arena, d, &g))
		return false;
	s->n_nodes++;
	if (d->net->n_ways <= MOST_WAYS) {
		search_try(s, d, g.root);
		return false;
	}
	keep_greedy(s, d, &g);
	leave_open(s, 1, g.limit);
	return true;
}

void search_run(struct cut_search *s, const struct demand *d, bool any)
{
	struct tree t = { .search = s, .demand = d, .any = any };
	struct arena *scratch;

	if (begin_greedily(s, d))
		return;
	scratch = t.arena = arena_new();
	t.relaxed = relaxed_new(scratch, d);
	join_as_asked(&t);
	force_priorities(&t);
	probe(&t);
	explore(&t, demand_unit(d->stage[0])); /* no more than is offered */
	relaxed_free(t.relaxed);
	arena_free(scratch);
}
