#include <config.h>

#include "compiler/solve/movement.h"

#include "compiler/solve/bridges.h"
#include "compiler/solve/choose.h"
#include "compiler/solve/rules.h"
#include "compiler/solve/words.h"

enum {
	DEFAULT_PACKET = 1500,
	ALL_BRIDGES_STEPS = 4000000,
};

/* ---- questions ---- */

static struct ids missing_of(struct arena *a, const struct ir *ir, const struct ir_flow *f)
{
	return ids_minus(a, ir->nodes[f->from].attrs, ir->nodes[f->to].attrs);
}

static struct ids required_by(const struct ir *ir, const struct ir_flow *f)
{
	if (f->carries == ID_NONE)
		return (struct ids){ NULL, 0 };
	return ir->attrs[f->carries].requires;
}

struct question question_of(struct arena *a, const struct ir *ir, const struct ir_flow *f,
			    enum ir_objective objective)
{
	const struct ir_node *from = &ir->nodes[f->from], *to = &ir->nodes[f->to];
	struct ids requires = required_by(ir, f);

	return (struct question){
		.from_domain = from->domain,
		.to_domain = to->domain,
		.missing = missing_of(a, ir, f),
		.requires = requires,
		.from_lacks = ids_minus(a, requires, from->attrs),
		.to_lacks = ids_minus(a, requires, to->attrs),
		.objective = objective,
		.packet = f->application == ID_NONE ? rat_int(DEFAULT_PACKET)
						    : ir->applications[f->application].packet,
		.rate = f->has_rate ? f->rate_pps : RAT_ZERO,
	};
}

static bool question_equal(const struct question *x, const struct question *y)
{
	return x->from_domain == y->from_domain && x->to_domain == y->to_domain &&
	       x->objective == y->objective && ids_equal(x->missing, y->missing) &&
	       ids_equal(x->requires, y->requires) && ids_equal(x->from_lacks, y->from_lacks) &&
	       ids_equal(x->to_lacks, y->to_lacks) && !rat_cmp(x->packet, y->packet) &&
	       !rat_cmp(x->rate, y->rate);
}

/* ---- straits ---- */

/* Crossings take much memory and are soon forgotten, so each gets an arena. */
static void strait_judge(struct arena *a, const struct ir *ir, const struct hosting *h,
			 struct strait *s)
{
	struct arena *scratch = arena_new();
	struct crossing *c = crossing_new(scratch, ir, h, &s->q, true);

	s->legal = bridges_best(a, c, PRICE_MAX - 1, BRIDGES_STEPS_BEST, &s->own, &s->exhausted);
	s->current = s->own;
	if (!s->legal) {
		c = crossing_new(scratch, ir, h, &s->q, false);
		s->faults = bridges_faults(a, c, BRIDGES_STEPS_FAULTS);
	}
	arena_free(scratch);
}

/* ---- verdicts ---- */

static bool direct_is_labelled(const struct ir_flow *f, const struct question *q, struct verdict *v)
{
	if (q->from_lacks.n) {
		v->label_node = f->from;
		v->label_lacks = q->from_lacks;
	} else if (q->to_lacks.n) {
		v->label_node = f->to;
		v->label_lacks = q->to_lacks;
	} else {
		return true;
	}
	v->failed = true;
	v->status = FLOW_FORBIDDEN;
	v->code = E0604;
	return false;
}

static enum diag_code code_of(const struct cover_faults *f)
{
	switch (f->legal ? 0 : f->kinds) {
	case FAULT_ORDER:
		return E0605;
	case FAULT_CAPACITY:
		return E0606;
	case FAULT_LABEL:
		return E0604;
	case FAULT_PAIR:
		return E0607;
	default:
		return E0601;
	}
}

static uint32_t label_node_of(const struct ir_flow *f, uint32_t node)
{
	return node == LABEL_FROM ? f->from : node == LABEL_TO ? f->to : node;
}

static void verdict_fail(struct verdict *v, const struct ir_flow *f,
			 const struct cover_faults *faults)
{
	v->failed = true;
	v->code = code_of(faults);
	v->status = v->code == E0604 ? FLOW_FORBIDDEN : FLOW_UNBRIDGEABLE;
	if (v->code != E0604)
		return;
	v->label_node = label_node_of(f, faults->label_node);
	v->label_lacks = faults->label_lacks;
}

static void verdict_bridge(struct verdict *v, const struct ir *ir, const struct question *q,
			   const struct found_bridge *b)
{
	v->status = FLOW_BRIDGED;
	v->bridge = bridge_from(ir, b->hops, b->n_hops, q->packet);
}

/* All that can be said without looking for bridges.  True if one is needed. */
static bool verdict_begin(struct arena *a, const struct ir *ir, const struct ir_flow *f,
			  const struct question *q, struct verdict *v)
{
	*v = (struct verdict){ .missing = q->missing, .label_node = ID_NONE };
	v->bridge.setup = v->bridge.cycles = RAT_ZERO;
	if (!rules_judge(a, ir, f, v))
		return false;
	if (q->missing.n)
		return true;
	v->status = FLOW_DIRECT;
	direct_is_labelled(f, q, v);
	return false;
}

struct verdict movement_judge(struct ctx *ctx, const struct ir *ir, const struct ir_flow *flow,
			      enum ir_objective objective)
{
	struct strait s = { .q = question_of(ctx->arena, ir, flow, objective) };
	struct verdict v;

	if (verdict_begin(ctx->arena, ir, flow, &s.q, &v)) {
		strait_judge(ctx->arena, ir, hosting_new(ctx->arena, ir), &s);
		if (s.legal)
			verdict_bridge(&v, ir, &s.q, &s.own);
		else
			verdict_fail(&v, flow, &s.faults);
	}
	v.reason = words_reason(ctx->arena, ir, flow, &v);
	return v;
}

struct bridge *movement_bridges(struct ctx *ctx, const struct ir *ir, const struct ir_flow *flow,
				enum ir_objective objective, size_t limit, size_t *n,
				bool *truncated)
{
	struct arena *scratch = arena_new();
	struct question q = question_of(ctx->arena, ir, flow, objective);
	struct crossing *c;
	struct found_bridge *found;
	struct bridge *list;
	bool exhausted;

	*n = 0;
	*truncated = false;
	if (!q.missing.n) {
		arena_free(scratch);
		return NULL;
	}
	c = crossing_new(scratch, ir, hosting_new(scratch, ir), &q, false);
	found = bridges_list(ctx->arena, c, limit, limit ? BRIDGES_STEPS_LIST : ALL_BRIDGES_STEPS,
			     n, truncated, &exhausted);
	*truncated |= exhausted;
	list = arena_many(ctx->arena, struct bridge, *n);
	for (size_t i = 0; i < *n; i++)
		list[i] = bridge_from(ir, found[i].hops, found[i].n_hops, q.packet);
	arena_free(scratch);
	return list;
}

/* ---- each flow by itself ---- */

static struct strait *strait_for(struct chooser *ch, const struct question *q)
{
	struct strait *s;

	for (size_t i = 0; i < ch->straits.n; i++)
		if (question_equal(&ch->straits.at[i]->q, q))
			return ch->straits.at[i];
	s = arena_one(ch->arena, struct strait);
	s->q = *q;
	strait_judge(ch->arena, ch->ir, ch->hosting, s);
	ch->solution->limit_reached |= s->exhausted;
	vec_push(ch->arena, &ch->straits, s);
	return s;
}

static enum ir_objective objective_of(const struct ir *ir, const struct ir_flow *f)
{
	return f->application == ID_NONE ? IR_SETUP_TIME
					 : ir->applications[f->application].minimise;
}

static void judge_alone(struct chooser *ch, size_t i)
{
	const struct ir_flow *f = &ch->ir->flows[i];
	struct question q = question_of(ch->arena, ch->ir, f, objective_of(ch->ir, f));
	struct verdict *v = &ch->solution->verdicts[i];
	struct strait *s;

	if (!verdict_begin(ch->arena, ch->ir, f, &q, v))
		return;
	q.room = ch->room;
	if (!ch->room)
		q.rate = RAT_ZERO; /* flows that differ in nothing else are one strait */
	s = strait_for(ch, &q);
	if (s->legal)
		ch->by_flow[i] = s;
	else
		verdict_fail(v, f, &s->faults);
}

/* ---- all flows, as long as there is room for the best of each ---- */

static struct rat *rooms_of(struct chooser *ch)
{
	struct rat *room = arena_many(ch->arena, struct rat, ch->hosting->n_slots);

	for (size_t i = 0; i < ch->ir->n_nodes; i++) {
		const struct ir_node *n = &ch->ir->nodes[i];

		if (ch->hosting->slot[i] != ID_NONE)
			room[ch->hosting->slot[i]] =
			    n->has_cores ? rat_mul(n->cores, n->clock) : RAT_ZERO;
	}
	return room;
}

static bool is_rated(const struct chooser *ch, size_t i)
{
	return ch->room && ch->by_flow[i] && rat_sign(ch->by_flow[i]->q.rate) > 0;
}

/* Adds (or with SIGN -1 takes away) what B needs. */
static void move_room(struct chooser *ch, const struct question *q, const struct found_bridge *b,
		      int sign)
{
	struct rat rate = rat_mul(q->rate, rat_int(sign));

	for (size_t i = 0; i < b->n_hops; i++) {
		const struct ir_function *f = &ch->ir->functions[b->hops[i].function];
		struct rat *left = &ch->left[ch->hosting->slot[b->hops[i].proxy]];

		if (ch->ir->nodes[b->hops[i].proxy].has_cores)
			*left = rat_add(*left, rat_mul(rate, function_cycles(f, q->packet)));
	}
}

static bool is_overdrawn(const struct chooser *ch, const struct found_bridge *b)
{
	for (size_t i = 0; i < b->n_hops; i++)
		if (ch->ir->nodes[b->hops[i].proxy].has_cores &&
		    rat_sign(ch->left[ch->hosting->slot[b->hops[i].proxy]]) < 0)
			return true;
	return false;
}

/* Takes what B needs from LEFT.  False, and nothing taken, if it does not fit. */
static bool take_room(struct chooser *ch, const struct question *q, const struct found_bridge *b)
{
	move_room(ch, q, b, -1);
	if (!is_overdrawn(ch, b))
		return true;
	move_room(ch, q, b, 1);
	return false;
}

/* Room only shrinks, so what was best before is best as long as it fits. */
bool chooser_take(struct chooser *ch, struct strait *s, price most)
{
	struct arena *scratch;
	struct question q = s->q;
	bool exhausted = false;

	if (s->stuck)
		return false;
	if (take_room(ch, &s->q, &s->current))
		return true;
	scratch = arena_new();
	q.room = ch->left;
	s->stuck = !bridges_best(ch->arena, crossing_new(scratch, ch->ir, ch->hosting, &q, true),
				 most, BRIDGES_STEPS_ROOM, &s->current, &exhausted) ||
		   exhausted || !take_room(ch, &s->q, &s->current);
	arena_free(scratch);
	return !s->stuck;
}

static bool take_best(struct chooser *ch, size_t i)
{
	struct strait *s = ch->by_flow[i];
	bool taken = !is_rated(ch, i) || chooser_take(ch, s, s->own.cost);

	ch->taken[i] = s->current;
	return taken;
}

/* Flow by flow the smallest of the cheapest bridges that still fit.  If none is
 * left over, this is the best choice by every criterion: all flows are kept, no
 * flow could be cheaper, and no earlier flow could have a smaller list.  *STUCK
 * tells for which flows it did not work out. */
static bool choose_greedily(struct chooser *ch, bool *stuck)
{
	bool all = true;

	for (size_t i = 0; i < ch->ir->n_flows; i++) {
		if (!ch->by_flow[i])
			continue;
		stuck[i] = !take_best(ch, i);
		all &= !stuck[i];
	}
	return all;
}

/* ---- all together ---- */

static void write_down(struct chooser *ch)
{
	for (size_t i = 0; i < ch->ir->n_flows; i++) {
		struct verdict *v = &ch->solution->verdicts[i];
		const struct strait *s = ch->by_flow[i];

		if (s && ch->taken[i].hops) {
			verdict_bridge(v, ch->ir, &s->q, &ch->taken[i]);
		} else if (s) {
			v->failed = true;
			v->status = FLOW_UNBRIDGEABLE;
			v->code = E0606;
		}
		v->reason = words_reason(ch->arena, ch->ir, &ch->ir->flows[i], v);
	}
}

struct solution *movement_choose(struct ctx *ctx, const struct ir *ir, bool with_capacity)
{
	struct arena *a = ctx->arena;
	struct chooser ch = { .arena = a, .ir = ir, .hosting = hosting_new(a, ir) };
	bool *stuck = arena_many(a, bool, ir->n_flows);

	ch.solution = arena_one(a, struct solution);
	ch.solution->areas = areas_compute(a, ir, &ch.solution->n_areas);
	ch.solution->verdicts = arena_many(a, struct verdict, ir->n_flows);
	ch.by_flow = arena_many(a, struct strait *, ir->n_flows);
	ch.taken = arena_many(a, struct found_bridge, ir->n_flows);
	if (with_capacity) {
		ch.room = rooms_of(&ch);
		ch.left = rooms_of(&ch);
	}
	for (size_t i = 0; i < ir->n_flows; i++)
		judge_alone(&ch, i);
	if (!choose_greedily(&ch, stuck))
		scarce_choose(&ch, stuck);
	write_down(&ch);
	return ch.solution;
}
