/* Which worker runs which task. */
#include <config.h>

#include <string.h>

#include "compiler/solve/leaf.h"
#include "compiler/solve/search.h"

struct placing {
	struct cut_search *search;
	struct arena *arena; /* of the answers */
	const struct demand *demand;
	const struct cut *cut;
	uint32_t *worker, *glued;
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

/* Of equal placings the first is the best, unless it may be further off a ratio. */
static bool is_no_better(const struct placing *p, const double *rates)
{
	int order = p->best ? rates_against(rates, p->best) : 1;

	return order < 0 || (!order && !p->demand->ratios.n);
}

/* Nothing in reach is better than what is known. */
static bool is_hopeless(struct placing *p)
{
	struct cut_search *s = p->search;
	double *rates = arena_many(p->arena, double, p->cut->net->n_stages + 1);
	struct arena *scratch = arena_new();
	bool some = leaf_estimate(scratch, p->demand, p->cut, p->worker, rates);
	bool same_size = s->best && s->best->cut->n_tasks == p->cut->n_tasks;

	arena_free(scratch);
	if (!some)
		return true;
	if (is_no_better(p, rates) || !rates_beat_rival(s, rates))
		return true;
	if (!s->best || (s->tasks_first && !same_size))
		return false;
	return rates_against(rates, s->best) < 0;
}

/* New workers are taken in turn, so that of equal placings the first is found first. */
static void place(struct placing *p, uint32_t task, uint32_t used)
{
	uint32_t n = (uint32_t)p->cut->net->target->n_cores;
	uint32_t left = (uint32_t)p->cut->n_tasks - task;

	if (search_enough(p->search) || left + used < n)
		return;
	if (task == p->cut->n_tasks) {
		judge(p);
		return;
	}
	if (task && is_hopeless(p))
		return;
	for (uint32_t w = 0; w <= used && w < n; w++) {
		if (p->glued[task] < task && p->worker[p->glued[task]] != w)
			continue;
		p->worker[task] = w;
		place(p, task + 1, w == used ? used + 1 : used);
	}
	p->worker[task] = ID_NONE;
}

struct answer *workers_choose(struct cut_search *s, struct arena *arena, const struct demand *d,
			      const struct cut *c, bool *feasible)
{
	struct placing p = { .search = s, .arena = arena, .demand = d, .cut = c };
	uint32_t n = (uint32_t)c->net->target->n_cores;

	p.worker = arena_many(arena, uint32_t, c->n_tasks);
	p.glued = cut_glued(arena, c);
	if (n == 1) {
		if (!is_hopeless(&p))
			judge(&p);
	} else {
		for (size_t t = 0; t < c->n_tasks; t++)
			p.worker[t] = ID_NONE;
		place(&p, 0, 0);
	}
	*feasible = p.feasible;
	return p.best;
}
