/* How the rate of a class is divided among its paths (doc/language.md 5.4).
 *
 * The paths of a class in a pipeline form a tree of their common beginnings.  At each
 * branching the rate is divided by the rates of the edges if all are known, else
 * equally; behind a copy edge begins a stream of its own. */
#include <config.h>

#include "compiler/base/vec.h"
#include "compiler/lower/private.h"

/* A copy edge with a stated rate, and what the classes bring to it. */
struct tap {
	const struct ir_edge *edge;
	struct rat arriving; /* as found by the last round */
	struct rat sum;      /* being found by this round */
};

struct dividing {
	struct arena *arena;
	const struct ir_pipeline *pipeline;
	struct tap *taps;
	size_t n_taps;
};

/* Paths that begin alike. */
struct bundle {
	struct ir_path *at;
	size_t n;
	size_t depth; /* how many modules they share */
};

static bool is_copied_at(const struct ir_path *p, size_t depth)
{
	for (size_t i = 0; i < p->n_copies; i++)
		if (p->copies[i] == depth)
			return true;
	return false;
}

/* The paths of a bundle that go on to the same module in the same way.  They need not
 * stand side by side, so they are gathered. */
struct step {
	uint32_t to;
	bool copy;
	bool known; /* the rates of its edges */
	struct rat edge_rate;
	VEC(struct ir_path *) paths;
};

struct steps {
	struct step *at;
	size_t n, cap;
};

static void edge_rates(const struct dividing *d, uint32_t from, struct step *s)
{
	s->known = false;
	s->edge_rate = RAT_ZERO;
	for (size_t i = 0; i < d->pipeline->n_edges; i++) {
		const struct ir_edge *e = &d->pipeline->edges[i];

		if (e->from != from || e->to != s->to || e->copy != s->copy)
			continue;
		if (!e->has_rate) {
			s->known = false;
			return;
		}
		s->known = true;
		s->edge_rate = rat_add(s->edge_rate, e->rate_pps);
	}
}

static struct steps steps_of(const struct dividing *d, struct ir_path *const *paths, size_t n, size_t depth)
{
	struct steps steps = { 0 };

	for (size_t i = 0; i < n; i++) {
		uint32_t to = paths[i]->modules[depth];
		bool copy = is_copied_at(paths[i], depth);
		size_t k = 0;

		while (k < steps.n && (steps.at[k].to != to || steps.at[k].copy != copy))
			k++;
		if (k == steps.n) {
			struct step s = { .to = to, .copy = copy };

			if (depth)
				edge_rates(d, paths[i]->modules[depth - 1], &s);
			vec_push(d->arena, &steps, s);
		}
		vec_push(d->arena, &steps.at[k].paths, paths[i]);
	}
	return steps;
}

/* Sources count by what their edges bring in. */
static void source_rates(const struct dividing *d, struct steps *steps)
{
	for (size_t k = 0; k < steps->n; k++) {
		struct step *s = &steps->at[k];

		s->known = true;
		s->edge_rate = RAT_ZERO;
		for (size_t i = 0; i < d->pipeline->n_edges; i++) {
			const struct ir_edge *e = &d->pipeline->edges[i];

			if (e->from != s->to || e->copy)
				continue;
			s->known &= e->has_rate;
			s->edge_rate = rat_add(s->edge_rate, e->has_rate ? e->rate_pps : RAT_ZERO);
		}
	}
}

static struct tap *tap_of(const struct dividing *d, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < d->n_taps; i++)
		if (d->taps[i].edge->from == from && d->taps[i].edge->to == to)
			return &d->taps[i];
	return NULL;
}

/* What a copy edge sends of RATE: its own rate divided among all that can take it. */
static struct rat copied_rate(const struct dividing *d, uint32_t from, const struct step *s, struct rat rate)
{
	struct tap *tap = tap_of(d, from, s->to);

	if (!tap)
		return rate;
	tap->sum = rat_add(tap->sum, rate);
	if (rat_sign(tap->arriving) <= 0)
		return RAT_ZERO;
	return rat_div(rat_mul(s->edge_rate, rate), tap->arriving);
}

/* The part of RATE that takes step K among those that are no copies. */
static struct rat divided_rate(const struct steps *steps, size_t k, struct rat rate)
{
	struct rat sum = RAT_ZERO;
	bool known = true;
	int64_t n = 0;

	for (size_t i = 0; i < steps->n; i++) {
		if (steps->at[i].copy)
			continue;
		n++;
		known &= steps->at[i].known;
		sum = rat_add(sum, steps->at[i].edge_rate);
	}
	if (n == 1)
		return rate;
	if (!known || rat_sign(sum) <= 0)
		return rat_div(rate, rat_int(n));
	return rat_div(rat_mul(rate, steps->at[k].edge_rate), sum);
}

static void divide(const struct dividing *d, struct ir_path *const *paths, size_t n, size_t depth, struct rat rate)
{
	struct steps steps;

	if (depth == paths[0]->n || (n == 1 && !paths[0]->copy)) {
		paths[0]->rate_pps = rate;
		return;
	}
	steps = steps_of(d, paths, n, depth);
	if (!depth)
		source_rates(d, &steps);
	for (size_t k = 0; k < steps.n; k++) {
		struct step *s = &steps.at[k];
		struct rat part = s->copy ? copied_rate(d, paths[0]->modules[depth - 1], s, rate) :
					    divided_rate(&steps, k, rate);

		divide(d, s->paths.at, s->paths.n, depth + 1, part);
	}
}

static void divide_class(const struct dividing *d, uint32_t pipeline, struct ir_class *c)
{
	VEC(struct ir_path *) own = { 0 };

	for (size_t i = 0; i < c->n_paths; i++)
		if (c->paths[i].pipeline == pipeline)
			vec_push(d->arena, &own, &c->paths[i]);
	if (own.n)
		divide(d, own.at, own.n, 0, c->rate_pps);
}

static void find_taps(struct dividing *d)
{
	d->taps = arena_many(d->arena, struct tap, d->pipeline->n_edges);
	for (size_t i = 0; i < d->pipeline->n_edges; i++) {
		const struct ir_edge *e = &d->pipeline->edges[i];

		if (e->copy && e->has_rate && !tap_of(d, e->from, e->to))
			d->taps[d->n_taps++] = (struct tap){ e, RAT_ZERO, RAT_ZERO };
	}
}

/* What arrives at a copy edge behind another one is known a round later. */
static void divide_all(struct dividing *d, struct ir *ir, uint32_t pipeline)
{
	for (size_t round = 0; round <= d->n_taps; round++) {
		for (size_t i = 0; i < ir->n_classes; i++)
			divide_class(d, pipeline, &ir->classes[i]);
		divide_class(d, pipeline, &ir->pipelines[pipeline].rest);
		for (size_t i = 0; i < d->n_taps; i++) {
			d->taps[i].arriving = d->taps[i].sum;
			d->taps[i].sum = RAT_ZERO;
		}
	}
}

void lower_path_rates(struct arena *arena, struct ir *ir)
{
	for (uint32_t p = 0; p < ir->n_pipelines; p++) {
		struct dividing d = { .arena = arena, .pipeline = &ir->pipelines[p] };

		find_taps(&d);
		divide_all(&d, ir, p);
	}
}
