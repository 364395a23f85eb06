/* Other traffic: what enters a pipeline in none of its classes (doc/language.md 5.5). */
#include <config.h>

#include "compiler/check/private.h"

static bool passes(const struct m_class *class, const struct symbol *pipeline)
{
	for (size_t i = 0; i < class->pipelines.n; i++)
		if (class->pipelines.at[i] == pipeline)
			return true;
	return false;
}

/* What enters the pipeline's sources.  False: not stated for all of them in one unit. */
static bool source_rate(const struct m_pipeline *p, struct rat *sum, bool *bits, struct span *span)
{
	bool first = true;

	*sum = RAT_ZERO;
	for (size_t e = 0; e < p->edges.n; e++) {
		const struct m_edge *edge = &p->edges.at[e];

		if (p->in[edge->from].n || edge->copy)
			continue;
		if (!edge->stated || (!first && edge->rate_in_bits != *bits))
			return false;
		*bits = edge->rate_in_bits;
		*span = edge->rate_span;
		*sum = rat_add(*sum, edge->rate);
		first = false;
	}
	return !first;
}

/* In packets of the pipeline's size, where bits were stated. */
static struct rat offered(struct check *c, const struct m_pipeline *p, bool bits)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < c->model->classes.n; i++) {
		const struct m_class *class = c->model->classes.at[i]->object;
		struct rat rate = class->rate_pps;

		if (!passes(class, p->sym))
			continue;
		if (bits && rat_given(class->packet_bytes) && rat_given(p->packet))
			rate = rat_mul(rate, rat_div(class->packet_bytes, p->packet));
		sum = rat_add(sum, rate);
	}
	return sum;
}

static void report_excess(struct check *c, const struct symbol *target, const struct m_pipeline *p,
			  struct rat classes, struct rat entering, struct span span)
{
	char left[DEC_TEXT_SIZE], right[DEC_TEXT_SIZE];

	diag_also(DIAGS(c),
		  diag_add(DIAGS(c), E0507, target->span,
			   "the classes of pipeline '%s' offer %s packets/s of its size, and only %s enter it",
			   p->sym->name, rat_text(classes, left), rat_text(entering, right)),
		  span, "enters here");
}

static void find_rest(struct check *c, const struct symbol *target, struct m_pipeline *p)
{
	struct rat entering, classes;
	struct span span;
	bool bits = false;

	p->rest = arena_one(ARENA(c), struct m_class);
	p->rest->sym = c->model->rest;
	p->rest->match = fx_true(c->model->fields);
	p->rest->packet_bytes = p->packet;
	p->rest->rate_pps = RAT_ZERO;
	if (!source_rate(p, &entering, &bits, &span))
		return;
	classes = offered(c, p, bits);
	if (rat_cmp(rat_mul(classes, rat_make(999, 1000)), entering) > 0)
		report_excess(c, target, p, classes, entering, span);
	else if (rat_cmp(entering, classes) > 0)
		p->rest->rate_pps = rat_sub(entering, classes);
	if (rat_sign(p->rest->rate_pps) > 0)
		class_walk_all(c, p->rest, p);
}

/* For pipelines that a target may have to schedule. */
void check_rest(struct check *c)
{
	for (size_t i = 0; i < c->model->targets.n; i++) {
		const struct m_target *t = c->model->targets.at[i]->object;

		for (size_t k = 0; t->backend >= 0 && k < t->subjects.n; k++) {
			struct symbol *sym = t->subjects.at[k];
			struct m_pipeline *p = sym->kind == SYM_PIPELINE ? sym->object : NULL;

			if (p && p->sound && !p->rest && (t->backend == BACKEND_BESS || t->backend == BACKEND_DPDK))
				find_rest(c, c->model->targets.at[i], p);
		}
	}
}
