/* Rates of edges: what enters a module leaves it or is dropped (doc/language.md 5.3). */
#include <config.h>

#include "compiler/check/private.h"

struct balance {
	struct check *check;
	struct m_pipeline *pipeline;
	bool *lossless; /* every packet that enters takes some -> edge */
	size_t *queue;  /* modules whose balance may have changed */
	size_t head, n;
	bool *queued;
};

static bool edges_cover(struct check *c, const struct m_pipeline *p, size_t module)
{
	const struct m_links *out = &p->out[module];
	const struct cubes **sets = arena_many(ARENA(c), const struct cubes *, out->n);
	size_t n = 0;

	for (size_t j = 0; j < out->n; j++) {
		const struct m_edge *e = &p->edges.at[out->at[j]];

		if (e->copy)
			continue;
		if (e->otherwise)
			return true;
		sets[n++] = e->cubes;
	}
	return n && cubes_covered(c->model->fields, cubes_all(c->model->fields), sets, n, NULL);
}

static void enqueue(struct balance *b, size_t module)
{
	if (b->queued[module])
		return;
	b->queued[module] = true;
	b->queue[(b->head + b->n++) % b->pipeline->instances.n] = module;
}

static void settle(struct balance *b, struct m_edge *e, struct rat rate)
{
	e->rate = rate;
	e->has_rate = true;
	enqueue(b, e->from);
	enqueue(b, e->to);
}

/* The sum of the known rates on one side of a module, and the one edge that is not
 * known, if it is the only one. */
struct side {
	struct rat sum;
	size_t unknown;
	struct m_edge *edge;
	const struct m_edge *some;
};

static struct side side_of(struct m_pipeline *p, const struct m_links *links, bool copies)
{
	struct side s = { .sum = RAT_ZERO };

	for (size_t j = 0; j < links->n; j++) {
		struct m_edge *e = &p->edges.at[links->at[j]];

		if (e->copy && !copies)
			continue;
		if (e->has_rate) {
			s.sum = rat_add(s.sum, e->rate);
			s.some = e;
		} else {
			s.unknown++;
			s.edge = e;
		}
	}
	return s;
}

/* a exceeds b by more than 0.1 % of itself. */
static bool exceeds(struct rat a, struct rat b)
{
	return rat_cmp(rat_mul(a, rat_make(999, 1000)), b) > 0;
}

static void report_contradiction(struct balance *b, size_t module, struct side in, struct side out)
{
	struct check *c = b->check;
	char entering[DEC_TEXT_SIZE], leaving[DEC_TEXT_SIZE];
	const struct m_edge *at = out.some && out.some->stated ? out.some : in.some ? in.some : out.some;
	struct diag *d = diag_add(DIAGS(c), E0507, at->rate_span,
				  "the rates at '%s' do not add up: %s packets/s enter, %s leave",
				  b->pipeline->instances.at[module]->sym->name, rat_text(in.sum, entering),
				  rat_text(out.sum, leaving));

	for (size_t j = 0; j < b->pipeline->in[module].n; j++) {
		const struct m_edge *e = &b->pipeline->edges.at[b->pipeline->in[module].at[j]];

		if (e != at && e->stated)
			diag_also(DIAGS(c), d, e->rate_span, "enters here");
	}
}

/* Copies that no filter thins out carry all that enters. */
static void copy_all(struct balance *b, size_t module, struct rat rate)
{
	const struct m_links *out = &b->pipeline->out[module];

	for (size_t j = out->n; j-- > 0;) {
		struct m_edge *e = &b->pipeline->edges.at[out->at[j]];

		if (!e->copy)
			return; /* copies stand last */
		if (!e->has_rate && fx_kind(e->when) == FX_TRUE)
			settle(b, e, rate);
	}
}

/* Either fills in the last unknown edge, or compares. */
static bool balance_module(struct balance *b, size_t module)
{
	struct m_pipeline *p = b->pipeline;
	struct side in = side_of(p, &p->in[module], true), out = side_of(p, &p->out[module], false);

	if (!p->in[module].n || !p->out[module].n)
		return true;
	if (!in.unknown)
		copy_all(b, module, in.sum);
	if (!in.unknown && exceeds(out.sum, in.sum)) {
		report_contradiction(b, module, in, out);
		return false;
	}
	if (!b->lossless[module])
		return true;
	if (!in.unknown && !out.unknown) {
		if (!exceeds(in.sum, out.sum))
			return true;
		report_contradiction(b, module, in, out);
		return false;
	}
	if (in.unknown + out.unknown != 1)
		return true;
	if (out.unknown) {
		struct rat rest = rat_sub(in.sum, out.sum);

		settle(b, out.edge, rat_sign(rest) < 0 ? RAT_ZERO : rest);
	} else if (rat_cmp(out.sum, in.sum) >= 0) {
		settle(b, in.edge, rat_sub(out.sum, in.sum));
	} else if (exceeds(in.sum, out.sum)) {
		report_contradiction(b, module, in, out);
		return false;
	}
	return true;
}

void pipeline_rates(struct check *c, struct m_pipeline *p)
{
	size_t n = p->instances.n;
	struct balance b = { .check = c, .pipeline = p };
	bool any = false;

	for (size_t e = 0; e < p->edges.n; e++)
		any |= p->edges.at[e].has_rate;
	if (!any)
		return;
	b.lossless = arena_many(ARENA(c), bool, n);
	b.queue = arena_many(ARENA(c), size_t, n);
	b.queued = arena_many(ARENA(c), bool, n);
	for (size_t i = 0; i < n; i++) {
		b.lossless[i] = edges_cover(c, p, i);
		enqueue(&b, p->order[i]);
	}
	while (b.n) {
		size_t module = b.queue[b.head];

		b.head = (b.head + 1) % n;
		b.n--;
		b.queued[module] = false;
		if (!balance_module(&b, module))
			return;
	}
}
