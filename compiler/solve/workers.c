/* Which worker runs which task. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/solve/leaf.h"
#include "compiler/solve/search.h"

/* Many tasks have more placings than can be looked at. */
enum { MOST_PROGRAMS = 2000 };

struct placing {
	struct cut_search *search;
	struct arena *arena; /* of the answers */
	const struct demand *demand;
	const struct cut *cut;
	uint32_t *worker, *glued;
	size_t n_left;       /* programs that may still be solved for this cut */
	struct answer *best; /* of this cut */
	bool feasible;
};

/* ---- rates ---- */

static int compare_stages(const double *rates, const struct answer *a, size_t n)
{
	for (size_t s = 0; s < n; s++) {
		double best = rat_double(a->rates[s]), slack = 1e-7 * (best > 1 ? best : 1);

		if (rates[s] < best - slack)
			return -1;
		if (rates[s] > best + slack)
			return 1;
	}
	return 0;
}

int rates_against(const double *rates, const struct answer *a)
{
	return compare_stages(rates, a, a->net->n_stages + 1);
}

bool rates_beat_rival(const struct cut_search *s, const double *rates)
{
	return !s->rival || compare_stages(rates, s->rival, s->rival->net->n_stages) > 0;
}

static bool leaf_beats_rival(const struct cut_search *s, const struct leaf *leaf, struct arena *scratch)
{
	size_t n = s->rival ? s->rival->net->n_stages : 0;
	double *rates = arena_many(scratch, double, n);

	for (size_t i = 0; i < n; i++)
		rates[i] = rat_double(leaf->rates[i]);
	return rates_beat_rival(s, rates);
}

/* ---- judging ---- */

static uint32_t *copy_workers(struct arena *a, const uint32_t *worker, size_t n)
{
	uint32_t *copy = arena_many(a, uint32_t, n);

	memcpy(copy, worker, n * sizeof(*copy));
	return copy;
}

/* Judged exactly; kept if better than what this cut and the search have. */
static void judge(struct placing *p)
{
	struct cut_search *s = p->search;
	struct arena *scratch = arena_new();
	struct leaf leaf = leaf_solve(scratch, p->demand, p->cut, p->worker, p->cut->net->slo->tolerance, false);
	struct answer *a;

	if (leaf.feasible && leaf_beats_rival(s, &leaf, scratch)) {
		p->feasible = true;
		a = arena_one(p->arena, struct answer);
		a->net = p->cut->net;
		a->demand = p->demand;
		a->cut = p->cut;
		a->worker = copy_workers(p->arena, p->worker, p->cut->n_tasks);
		a->rates = arena_many(p->arena, struct rat, a->net->n_stages + 1);
		memcpy(a->rates, leaf.rates, (a->net->n_stages + 1) * sizeof(*a->rates));
		if ((!p->best || answer_compare(s->tasks_first, a, p->best) < 0) &&
		    (!s->best || answer_compare(s->tasks_first, a, s->best) < 0))
			p->best = a;
	}
	arena_free(scratch);
}

/* Level is no better, unless it may be closer to a ratio. */
static bool is_no_better(struct placing *p, const double *rates)
{
	int order = p->best ? rates_against(rates, p->best) : 1;

	if (order || !p->demand->ratios.n)
		return order <= 0;
	answer_judge(p->best);
	return !rat_sign(p->best->deviation);
}

/* Nothing in reach is better than what is known. */
static bool is_hopeless(struct placing *p)
{
	struct cut_search *s = p->search;
	double *rates = arena_many(p->arena, double, p->cut->net->n_stages + 1);
	struct arena *scratch = arena_new();
	enum lp_status status = leaf_estimate(scratch, p->demand, p->cut, p->worker, rates);
	bool same_size = s->best && s->best->cut->n_tasks == p->cut->n_tasks;

	arena_free(scratch);
	if (status != LP_BEST) {
		s->cut_short |= status != LP_IMPOSSIBLE;
		return true;
	}
	if (is_no_better(p, rates) || !rates_beat_rival(s, rates))
		return true;
	if (!s->best || (s->tasks_first && !same_size))
		return false;
	return rates_against(rates, s->best) < 0;
}

/* Workers are alike: a new one is the next that has no task. */
static void place(struct placing *p, uint32_t task, uint32_t used)
{
	uint32_t n = (uint32_t)p->cut->net->target->n_cores;
	uint32_t left = (uint32_t)p->cut->n_tasks - task;

	if (search_enough(p->search) || left + used < n)
		return;
	if (!p->n_left) {
		p->search->cut_short = true;
		return;
	}
	p->n_left--;
	if (task == p->cut->n_tasks) {
		judge(p);
		return;
	}
	if (is_hopeless(p))
		return;
	for (uint32_t w = 0; w <= used && w < n; w++) {
		if (p->glued[task] < task && p->worker[p->glued[task]] != w)
			continue;
		p->worker[task] = w;
		place(p, task + 1, w == used ? used + 1 : used);
	}
	p->worker[task] = ID_NONE;
}

/* ---- a first placing ---- */

struct bundle {
	uint32_t lead; /* of tasks that share a worker */
	double load;
};

static int heaviest_first(const void *x, const void *y)
{
	const struct bundle *a = x, *b = y;

	if (a->load != b->load)
		return a->load < b->load ? 1 : -1;
	return (a->lead > b->lead) - (a->lead < b->lead);
}

/* Tasks by what they would do if the workers were one. */
static struct bundle *weigh(struct placing *p, struct arena *scratch, const struct leaf *leaf, size_t *n)
{
	const struct cut *c = p->cut;
	struct bundle *bundles = arena_many(scratch, struct bundle, c->n_tasks);
	double *load = arena_many(scratch, double, c->n_tasks);

	for (size_t w = 0; w < c->net->n_ways; w++) {
		uint32_t t = c->runs[w];

		load[p->glued[t]] += rat_double(c->net->ways[w].cycles) * rat_double(leaf->service[t]);
	}
	*n = 0;
	for (uint32_t t = 0; t < c->n_tasks; t++)
		if (p->glued[t] == t)
			bundles[(*n)++] = (struct bundle){ t, load[t] };
	qsort(bundles, *n, sizeof(*bundles), heaviest_first);
	return bundles;
}

/* The heaviest goes to the idlest; then workers are numbered as tasks meet them. */
static void balance(struct placing *p, struct arena *scratch, const struct bundle *bundles, size_t n)
{
	uint32_t n_workers = (uint32_t)p->cut->net->target->n_cores, used = 0;
	double *busy = arena_many(scratch, double, n_workers);
	uint32_t *number = arena_many(scratch, uint32_t, n_workers);

	for (size_t i = 0; i < n; i++) {
		uint32_t idlest = 0;

		for (uint32_t w = 1; w < n_workers; w++)
			if (busy[w] < busy[idlest])
				idlest = w;
		/* What weighs nothing still takes a worker that has none. */
		busy[idlest] += bundles[i].load > 0 ? bundles[i].load : 1e-9;
		p->worker[bundles[i].lead] = idlest;
	}
	for (uint32_t w = 0; w < n_workers; w++)
		number[w] = ID_NONE;
	for (uint32_t t = 0; t < p->cut->n_tasks; t++) {
		uint32_t w = p->worker[p->glued[t]];

		if (p->glued[t] == t) {
			if (number[w] == ID_NONE)
				number[w] = used++;
			p->worker[t] = number[w];
		} else {
			p->worker[t] = p->worker[p->glued[t]];
		}
	}
}

static void place_evenly(struct placing *p)
{
	struct arena *scratch = arena_new();
	struct leaf leaf = leaf_solve(scratch, p->demand, p->cut, p->worker, p->cut->net->slo->tolerance, false);
	size_t n;

	if (leaf.feasible) {
		struct bundle *bundles = weigh(p, scratch, &leaf, &n);

		if (n >= p->cut->net->target->n_cores) {
			balance(p, scratch, bundles, n);
			judge(p);
		}
	}
	for (size_t t = 0; t < p->cut->n_tasks; t++)
		p->worker[t] = ID_NONE;
	arena_free(scratch);
}

struct answer *workers_choose(struct cut_search *s, struct arena *arena, const struct demand *d,
			      const struct cut *c, bool *feasible)
{
	struct placing p = { .search = s, .arena = arena, .demand = d, .cut = c, .n_left = MOST_PROGRAMS };
	bool alone = c->net->target->n_cores == 1;

	p.worker = arena_many(arena, uint32_t, c->n_tasks);
	p.glued = cut_glued(arena, c);
	for (size_t t = 0; t < c->n_tasks && !alone; t++)
		p.worker[t] = ID_NONE;
	if (!is_hopeless(&p)) {
		if (alone) {
			judge(&p);
		} else {
			place_evenly(&p);
			place(&p, 0, 0);
		}
	}
	*feasible = p.feasible;
	return p.best;
}

/* ---- the first of equal placings ---- */

struct settling {
	struct placing placing;
	const struct answer *wanted;
	size_t n_left; /* programs that may still be solved */
	bool found;
};

static bool is_level(struct settling *s)
{
	struct placing *p = &s->placing;
	struct arena *scratch = arena_new();
	struct leaf leaf = leaf_solve(scratch, p->demand, p->cut, p->worker, p->cut->net->slo->tolerance, false);
	struct answer a = *s->wanted;

	a.worker = p->worker;
	a.rates = leaf.rates;
	a.judged = false;
	if (leaf.feasible)
		s->found = answer_level(&a, s->wanted);
	arena_free(scratch);
	return s->found;
}

static bool may_be_level(struct settling *s)
{
	struct placing *p = &s->placing;
	struct arena *scratch = arena_new();
	double *rates = arena_many(scratch, double, p->cut->net->n_stages + 1);
	bool may = leaf_estimate(scratch, p->demand, p->cut, p->worker, rates) == LP_BEST &&
		   rates_against(rates, s->wanted) >= 0;

	arena_free(scratch);
	s->n_left -= s->n_left > 0;
	return may;
}

static void settle(struct settling *s, uint32_t task, uint32_t used)
{
	struct placing *p = &s->placing;
	uint32_t n = (uint32_t)p->cut->net->target->n_cores;
	uint32_t left = (uint32_t)p->cut->n_tasks - task;

	if (s->found || !s->n_left || left + used < n || !may_be_level(s))
		return;
	if (task == p->cut->n_tasks) {
		is_level(s);
		return;
	}
	for (uint32_t w = 0; w <= used && w < n && !s->found && s->n_left; w++) {
		if (p->glued[task] < task && p->worker[p->glued[task]] != w)
			continue;
		p->worker[task] = w;
		settle(s, task + 1, w == used ? used + 1 : used);
	}
	if (!s->found)
		p->worker[task] = ID_NONE;
}

void workers_settle(struct cut_search *search, struct answer *a)
{
	struct settling s = { .wanted = a, .n_left = MOST_PROGRAMS };
	uint32_t *worker = arena_many(search->arena, uint32_t, a->cut->n_tasks);

	if (a->net->target->n_cores == 1)
		return;
	s.placing = (struct placing){ .search = search, .arena = search->arena, .demand = a->demand, .cut = a->cut };
	s.placing.worker = worker;
	s.placing.glued = cut_glued(search->arena, a->cut);
	for (size_t t = 0; t < a->cut->n_tasks; t++)
		worker[t] = ID_NONE;
	settle(&s, 0, 0);
	if (s.found)
		a->worker = worker;
}
