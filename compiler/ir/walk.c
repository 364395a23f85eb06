#include <config.h>

#include "compiler/ir/walk.h"

#include <string.h>

#include "compiler/base/vec.h"

/* A field without a known value, and the module that took it away, or ID_NONE. */
struct hidden {
	const struct field *field;
	uint32_t rewriter;
};

/* What is known of the packet at one place of its way; shared, never written to. */
struct known {
	struct packet packet;
	const struct hidden *hidden;
	size_t n_hidden;
};

struct walking {
	struct arena *arena;
	const struct ir *ir;
	const struct ir_pipeline *pipeline;
	const struct walk_packet *given;
	size_t n_steps, depth; /* so far; of copies of copies */
	VEC(struct walk_need) needs;
};

/* One filter being judged. */
struct looking {
	struct walking *walking;
	const struct known *known;
	uint32_t module;
};

enum { DEEPEST = 1024 };

static struct walk_way walk_on(struct walking *, uint32_t module, const struct known *);

/* ---- what is known ---- */

static bool has_value(const struct packet *p, const struct field *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].field == f)
			return true;
	return false;
}

static const struct hidden *find_hidden(const struct known *k, const struct field *f)
{
	for (size_t i = 0; i < k->n_hidden; i++)
		if (k->hidden[i].field == f)
			return &k->hidden[i];
	return NULL;
}

static bool is_hidden(const struct field *f, void *data)
{
	const struct looking *l = data;

	return find_hidden(l->known, f) || (f->derived && !has_value(&l->known->packet, f));
}

static void add_need(const struct field *f, void *data)
{
	struct looking *l = data;
	const struct hidden *h = find_hidden(l->known, f);
	struct walk_need need = { f, l->module, h ? h->rewriter : ID_NONE };

	for (size_t i = 0; i < l->walking->needs.n; i++) {
		const struct walk_need *n = &l->walking->needs.at[i];

		if (n->field == f && n->module == need.module && n->rewriter == need.rewriter)
			return;
	}
	vec_push(l->walking->arena, &l->walking->needs, need);
}

static enum fx_truth look(struct looking *l, const struct fx *fx)
{
	return fx_judge(fx, &l->known->packet, is_hidden, NULL, l);
}

/* Looks again at a filter that stayed open, for what it needs. */
static void ask(struct looking *l, const struct fx *fx)
{
	fx_judge(fx, &l->known->packet, is_hidden, add_need, l);
}

static struct known *known_entering(struct arena *a, const struct walk_packet *given)
{
	struct known *k = arena_one(a, struct known);
	struct hidden *hidden = arena_many(a, struct hidden, given->n_hidden);

	for (size_t i = 0; i < given->n_hidden; i++)
		hidden[i] = (struct hidden){ given->hidden[i], ID_NONE };
	k->packet = given->packet;
	k->hidden = hidden;
	k->n_hidden = given->n_hidden;
	return k;
}

/* ---- rewriting ---- */

/* Whether a packet has these hangs on ip.proto and ip.frag. */
static const char *const hanging[] = { "l4.sport", "l4.dport", "tcp.flags", "icmp.type",
				       "icmp.code" };

enum { N_HANGING = sizeof(hanging) / sizeof(*hanging) };

static bool hangs_on_others(const struct field *f)
{
	for (size_t i = 0; i < N_HANGING; i++)
		if (!strcmp(f->name, hanging[i]))
			return true;
	return false;
}

static bool rules_others(const struct field *f)
{
	return !strcmp(f->name, "ip.proto") || !strcmp(f->name, "ip.frag");
}

bool walk_rewrites(const struct ir_function *function, const struct field *f)
{
	for (size_t i = 0; i < function->n_rewrites; i++)
		if (function->rewrites[i] == f ||
		    (rules_others(function->rewrites[i]) && hangs_on_others(f)))
			return true;
	return false;
}

/* A rewriter changes the fields of the headers that a packet has; a field that may be
 * absent by itself may also be put in or taken out. */
static bool may_change(const struct known *k, const struct field *f)
{
	bool of_header = !strncmp(f->name, "ip.", 3) || hangs_on_others(f);

	return !of_header || has_value(&k->packet, f) || find_hidden(k, f);
}

static const struct packet_value *written(const struct walking *w, uint32_t module,
					  const struct field *f)
{
	for (size_t i = 0; i < w->given->n_rewrites; i++)
		if (w->given->rewrites[i].module == module &&
		    w->given->rewrites[i].value.field == f)
			return &w->given->rewrites[i].value;
	return NULL;
}

/* What is known, being changed; there is room for what is added. */
struct changing {
	const struct walking *walking;
	uint32_t module;
	struct known *known;
	struct hidden *hidden;
};

static void forget(struct changing *c, const struct field *f)
{
	struct known *k = c->known;
	size_t n = 0, n_hidden = 0;

	for (size_t i = 0; i < k->packet.n; i++)
		if (k->packet.at[i].field != f)
			k->packet.at[n++] = k->packet.at[i];
	for (size_t i = 0; i < k->n_hidden; i++)
		if (c->hidden[i].field != f)
			c->hidden[n_hidden++] = c->hidden[i];
	k->packet.n = n;
	k->n_hidden = n_hidden;
}

static void change(struct changing *c, const struct field *f)
{
	const struct packet_value *value = written(c->walking, c->module, f);
	struct known *k = c->known;

	forget(c, f);
	if (value)
		k->packet.at[k->packet.n++] = *value;
	else
		c->hidden[k->n_hidden++] = (struct hidden){ f, c->module };
}

/* A copy with room for N more. */
static struct changing change_begin(const struct walking *w, uint32_t module,
				    const struct known *old, size_t n)
{
	struct changing c = { w, module, arena_one(w->arena, struct known),
			      arena_many(w->arena, struct hidden, old->n_hidden + n) };

	c.known->packet.at = arena_many(w->arena, struct packet_value, old->packet.n + n);
	c.known->packet.n = old->packet.n;
	c.known->hidden = c.hidden;
	c.known->n_hidden = old->n_hidden;
	if (old->packet.n)
		memcpy(c.known->packet.at, old->packet.at, old->packet.n * sizeof(*old->packet.at));
	if (old->n_hidden)
		memcpy(c.hidden, old->hidden, old->n_hidden * sizeof(*old->hidden));
	return c;
}

static const struct known *known_behind(const struct walking *w, uint32_t module,
					const struct known *old)
{
	uint32_t function = w->pipeline->modules[module].function;
	const struct ir_function *by = function == ID_NONE ? NULL : &w->ir->functions[function];
	struct changing c;

	if (!by || !by->n_rewrites)
		return old;
	c = change_begin(w, module, old, by->n_rewrites + N_HANGING);
	for (size_t i = 0; i < by->n_rewrites; i++) {
		if (!may_change(old, by->rewrites[i]))
			continue;
		change(&c, by->rewrites[i]);
		for (size_t k = 0; k < N_HANGING && rules_others(by->rewrites[i]); k++)
			change(&c, fields_find(w->ir->fields, hanging[k]));
	}
	return c.known;
}

/* ---- edges ---- */

/* Edges out of one module stand side by side. */
static uint32_t first_edge(const struct ir_pipeline *p, uint32_t module)
{
	uint32_t low = 0, high = (uint32_t)p->n_edges;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->edges[middle].from < module)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_out_edge(const struct ir_pipeline *p, uint32_t edge, uint32_t module)
{
	return edge < p->n_edges && p->edges[edge].from == module;
}

static void send_copy(struct looking *l, struct walk_copy *c, uint32_t edge, enum fx_truth t)
{
	const struct ir_edge *e = &l->walking->pipeline->edges[edge];

	c->edge = edge;
	c->open = t == FX_OPEN;
	if (c->open)
		ask(l, e->fx);
	else
		c->way = walk_on(l->walking, e->to, l->known);
}

static void send_copies(struct looking *l, struct walk_step *step)
{
	const struct ir_pipeline *p = l->walking->pipeline;
	VEC(struct walk_copy) copies = { 0 };

	for (uint32_t e = first_edge(p, l->module); is_out_edge(p, e, l->module); e++) {
		enum fx_truth t = p->edges[e].copy ? look(l, p->edges[e].fx) : FX_NO;
		struct walk_copy c = { 0 };

		if (t == FX_NO)
			continue;
		send_copy(l, &c, e, t);
		vec_push(l->walking->arena, &copies, c);
	}
	step->copies = copies.at;
	step->n_copies = copies.n;
}

/* Siblings are disjoint: where one takes the packet, no other does. */
static void choose_edge(struct looking *l, struct walk_step *step)
{
	const struct ir_pipeline *p = l->walking->pipeline;
	VEC(uint32_t) open = { 0 };

	for (uint32_t e = first_edge(p, l->module); is_out_edge(p, e, l->module); e++) {
		enum fx_truth t = p->edges[e].copy ? FX_NO : look(l, p->edges[e].fx);

		if (t == FX_YES) {
			step->end = WALK_ON;
			step->edge = e;
			return;
		}
		if (t == FX_OPEN)
			vec_push(l->walking->arena, &open, e);
	}
	step->end = open.n ? WALK_OPEN : WALK_DROPPED;
	step->open = (struct ids){ open.at, open.n };
	for (size_t i = 0; i < open.n; i++)
		ask(l, p->edges[open.at[i]].fx);
}

/* ---- the way ---- */

static bool is_exit(const struct ir_pipeline *p, uint32_t module)
{
	enum ir_role role = p->modules[module].role;

	return (role == IR_ROLE_EXIT || role == IR_ROLE_PORT) &&
	       !is_out_edge(p, first_edge(p, module), module);
}

static struct walk_step take_step(struct walking *w, uint32_t module, const struct known **known)
{
	struct walk_step step = { .module = module, .end = WALK_EXIT, .edge = ID_NONE };
	struct looking l = { w, NULL, module };

	if (++w->n_steps > WALK_MOST || w->depth > DEEPEST) {
		step.end = WALK_CUT;
		return step;
	}
	if (is_exit(w->pipeline, module))
		return step;
	l.known = *known = known_behind(w, module, *known);
	send_copies(&l, &step);
	choose_edge(&l, &step);
	return step;
}

static struct walk_way walk_on(struct walking *w, uint32_t module, const struct known *known)
{
	VEC(struct walk_step) steps = { 0 };
	enum walk_end end;

	w->depth++;
	do {
		struct walk_step step = take_step(w, module, &known);

		end = step.end;
		if (end == WALK_ON)
			module = w->pipeline->edges[step.edge].to;
		vec_push(w->arena, &steps, step);
	} while (end == WALK_ON);
	w->depth--;
	return (struct walk_way){ steps.at, steps.n };
}

struct walk *walk_packet(struct arena *a, const struct ir *ir, uint32_t pipeline, uint32_t source,
			 const struct walk_packet *given)
{
	struct walking w = {
		.arena = a, .ir = ir, .pipeline = &ir->pipelines[pipeline], .given = given
	};
	struct walk *walk = arena_one(a, struct walk);

	walk->pipeline = pipeline;
	walk->way = walk_on(&w, source, known_entering(a, given));
	walk->needs = w.needs.at;
	walk->n_needs = w.needs.n;
	return walk;
}

struct ids walk_sources(struct arena *a, const struct ir_pipeline *p)
{
	uint32_t *at = arena_many(a, uint32_t, p->n_modules);
	bool *entered = arena_many(a, bool, p->n_modules),
	     *left = arena_many(a, bool, p->n_modules);
	size_t n = 0;

	for (size_t i = 0; i < p->n_edges; i++) {
		left[p->edges[i].from] = true;
		entered[p->edges[i].to] = true;
	}
	for (uint32_t i = 0; i < p->n_modules; i++) {
		enum ir_role role = p->modules[i].role;

		if (!entered[i] && (role == IR_ROLE_SOURCE || (role == IR_ROLE_PORT && left[i])))
			at[n++] = i;
	}
	return (struct ids){ at, n };
}

/* ---- classes ---- */

/* FX_OPEN: the way ends before the path does, and is not known to go elsewhere. */
static enum fx_truth takes_path(const struct walk *w, const struct ir_path *path)
{
	enum walk_end end = w->way.steps[w->way.n - 1].end;

	if (path->pipeline != w->pipeline || path->copy || path->n < w->way.n)
		return FX_NO;
	for (size_t i = 0; i < w->way.n; i++)
		if (path->modules[i] != w->way.steps[i].module)
			return FX_NO;
	if (end == WALK_EXIT)
		return path->n == w->way.n ? FX_YES : FX_NO;
	return end == WALK_DROPPED ? FX_NO : FX_OPEN;
}

static enum fx_truth takes_any(const struct walk *w, const struct ir_class *c)
{
	enum fx_truth best = FX_NO;

	for (size_t i = 0; i < c->n_paths && best != FX_YES; i++) {
		enum fx_truth t = takes_path(w, &c->paths[i]);

		if (t != FX_NO)
			best = t;
	}
	return best;
}

enum fx_truth walk_class(struct arena *a, struct walk *walk, const struct ir_class *c,
			 const struct walk_packet *given)
{
	struct walking w = { .arena = a, .needs = { walk->needs, walk->n_needs, walk->n_needs } };
	struct looking l = { &w, known_entering(a, given), ID_NONE };
	enum fx_truth way = takes_any(walk, c), match;

	if (way == FX_NO)
		return FX_NO;
	match = look(&l, c->fx);
	if (match != FX_OPEN)
		return match == FX_YES ? way : FX_NO;
	ask(&l, c->fx);
	walk->needs = w.needs.at;
	walk->n_needs = w.needs.n;
	return FX_OPEN;
}

enum fx_truth walk_entering(const struct walk_packet *given, const struct fx *fx)
{
	struct arena *a = arena_new();
	struct looking l = { NULL, known_entering(a, given), ID_NONE };
	enum fx_truth t = look(&l, fx);

	arena_free(a);
	return t;
}
