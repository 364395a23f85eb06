#include <config.h>

#include "compiler/solve/rules.h"

#include <assert.h>

struct hearing {
	struct arena *arena;
	const struct ir *ir;
	const struct ir_flow *flow;
	struct verdict *verdict;
};

/* A permit speaks of its label and those below it, a forbid of its label and
 * those above it. */
static bool carries_applies(const struct ir *ir, const struct ir_rule *r, uint32_t carried)
{
	const struct ir_attr *attrs = ir->attrs;

	if (r->carries == ID_NONE)
		return true;
	if (carried == ID_NONE)
		return false;
	return r->forbid ? ids_has(attrs[carried].below, r->carries)
			 : ids_has(attrs[r->carries].below, carried);
}

static bool applies(const struct hearing *h, const struct ir_rule *r)
{
	return ids_has(r->from, h->flow->from) && ids_has(r->to, h->flow->to) &&
	       carries_applies(h->ir, r, h->flow->carries);
}

bool rules_meet(const struct ir *ir, const struct ir_rule *r, const struct ir_flow *flow)
{
	const struct hearing h = { .ir = ir, .flow = flow };

	return applies(&h, r) && cubes_overlap(ir->fields, flow->cubes, r->cubes, NULL);
}

static void decide(struct hearing *h, uint32_t domain, uint32_t rule, bool allows)
{
	struct verdict *v = h->verdict;

	v->deciders[v->n_deciders++] = (struct decider){ domain, rule, allows };
}

/* Only the first refusal decides the code. */
static void refuse(struct hearing *h, enum diag_code code, const struct packet *example)
{
	struct verdict *v = h->verdict;

	if (v->failed)
		return;
	v->failed = true;
	v->status = FLOW_FORBIDDEN;
	v->code = code;
	v->example = *example;
}

static bool forbidden(struct hearing *h, uint32_t domain)
{
	const struct ir_domain *d = &h->ir->domains[domain];
	struct packet example;

	for (size_t i = d->first_rule; i < d->first_rule + d->n_rules; i++) {
		const struct ir_rule *r = &h->ir->rules[i];

		if (!r->forbid || !applies(h, r) ||
		    !cubes_overlap(h->ir->fields, h->flow->cubes, r->cubes, &example))
			continue;
		decide(h, domain, (uint32_t)i, false);
		refuse(h, E0602, &example);
		return true;
	}
	return false;
}

/* Whether the domain's permits cover the flow; *FIRST is the first that overlaps it. */
static bool permitted(struct hearing *h, uint32_t domain, uint32_t *first, struct packet *example)
{
	const struct ir_domain *d = &h->ir->domains[domain];
	const struct cubes **sets = arena_many(h->arena, const struct cubes *, d->n_rules);
	size_t n = 0;

	*first = ID_NONE;
	for (size_t i = d->first_rule; i < d->first_rule + d->n_rules; i++) {
		const struct ir_rule *r = &h->ir->rules[i];

		if (r->forbid || !applies(h, r))
			continue;
		sets[n++] = r->cubes;
		if (*first == ID_NONE &&
		    cubes_overlap(h->ir->fields, h->flow->cubes, r->cubes, NULL))
			*first = (uint32_t)i;
	}
	return cubes_covered(h->ir->fields, h->flow->cubes, sets, n, example);
}

static void judge_domain(struct hearing *h, uint32_t domain)
{
	const struct ir_domain *d = &h->ir->domains[domain];
	struct packet example = { 0 };
	uint32_t first;

	if (d->n_rules == 0) {
		decide(h, domain, ID_NONE, true);
		return;
	}
	if (forbidden(h, domain))
		return;
	if (permitted(h, domain, &first, &example)) {
		decide(h, domain, first, true);
		return;
	}
	decide(h, domain, ID_NONE, d->decides == IR_DEFAULT_ALLOW);
	if (d->decides != IR_DEFAULT_ALLOW)
		refuse(h, E0603, &example);
}

bool rules_judge(struct arena *a, const struct ir *ir, const struct ir_flow *flow,
		 struct verdict *v)
{
	struct hearing h = { a, ir, flow, v };
	uint32_t from = ir->nodes[flow->from].domain, to = ir->nodes[flow->to].domain;

	v->n_deciders = 0;
	judge_domain(&h, from);
	if (to != from)
		judge_domain(&h, to);
	return !v->failed;
}

const struct decider *rules_refusal(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_deciders; i++)
		if (!v->deciders[i].allows)
			return &v->deciders[i];
	assert(!"a refused flow has a decider that refuses it");
	return NULL;
}
