#include <config.h>

#include "compiler/tools/coverage.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/span_json.h"
#include "compiler/base/text.h"
#include "compiler/lower/lower.h"
#include "compiler/solve/rules.h"

enum item_kind { ITEM_FLOW, ITEM_RULE, ITEM_EDGE, N_ITEM_KINDS };

static const char *const item_words[] = { "flow", "rule", "edge" };

struct item {
	enum item_kind kind;
	struct span span;
	const char *name;
	bool copy, touched;
};

struct coverage {
	struct policy *p;
	VEC(struct item) items;
	size_t
	    first[N_ITEM_KINDS]; /* of each kind; flows and rules are numbered as in the graph, and
				  * edges follow each other as the pipelines of the model do */
};

#define ARENA(c) ((c)->p->ctx->arena)

/* ---- what there is ---- */

static bool counts(const struct coverage *c, const struct item *i)
{
	return !i->copy &&
	       strncmp(source_at(&c->p->ctx->sources, i->span.source)->shown, "<std>/", 6) != 0;
}

/* The statement as it was written, on one line. */
static const char *text_of(struct coverage *c, struct span span)
{
	const char *text = source_at(&c->p->ctx->sources, span.source)->text;
	char *line = arena_strndup(ARENA(c), text + span.start, span.end - span.start), *out = line;

	for (const char *s = line; *s; s++)
		if (!isspace((unsigned char)*s))
			*out++ = *s;
		else if (out > line && out[-1] != ' ')
			*out++ = ' ';
	*out = '\0';
	return line;
}

static void add(struct coverage *c, enum item_kind kind, struct span span, const char *name)
{
	vec_push(ARENA(c), &c->items, ((struct item){ .kind = kind, .span = span, .name = name }));
}

static void add_edges(struct coverage *c, const struct m_pipeline *p)
{
	for (size_t i = 0; i < p->edges.n; i++) {
		const struct m_edge *e = &p->edges.at[i];

		add(c, ITEM_EDGE, e->span,
		    arena_printf(ARENA(c), "%s -> %s", p->instances.at[e->from]->sym->canonical,
				 p->instances.at[e->to]->sym->canonical));
		c->items.at[c->items.n - 1].copy = e->copy;
	}
}

struct coverage *coverage_new(struct policy *p)
{
	struct coverage *c = arena_one(p->ctx->arena, struct coverage);
	const struct ir *ir = p->ir;

	c->p = p;
	for (size_t i = 0; i < ir->n_flows; i++)
		add(c, ITEM_FLOW, ir->flows[i].span,
		    arena_printf(ARENA(c), "%s => %s when %s", ir->nodes[ir->flows[i].from].name,
				 ir->nodes[ir->flows[i].to].name, ir->flows[i].when));
	c->first[ITEM_RULE] = c->items.n;
	for (size_t i = 0; i < ir->n_rules; i++)
		add(c, ITEM_RULE, ir->rules[i].span, text_of(c, ir->rules[i].span));
	c->first[ITEM_EDGE] = c->items.n;
	for (size_t i = 0; i < p->model->pipelines.n; i++)
		add_edges(c, OBJECT(p->model->pipelines.at[i], m_pipeline));
	return c;
}

/* ---- what expectations touch ---- */

static void touch_rules(struct coverage *c, const struct ir_flow *f)
{
	const struct ir *ir = c->p->ir;

	for (size_t i = 0; i < ir->n_rules; i++) {
		const struct ir_rule *r = &ir->rules[i];

		if (r->domain != ir->nodes[f->from].domain && r->domain != ir->nodes[f->to].domain)
			continue;
		if (rules_meet(ir, r, f))
			c->items.at[c->first[ITEM_RULE] + i].touched = true;
	}
}

/* A flow as the expectation states it. */
static struct ir_flow stated(struct coverage *c, const struct expectation *x, uint32_t from,
			     uint32_t to)
{
	return (struct ir_flow){
		.application = ID_NONE,
		.from = from,
		.to = to,
		.cubes = fx_cubes(c->p->ir->fields, x->when),
		.carries = x->carries ? lower_id(c->p->ir, x->carries) : ID_NONE,
	};
}

/* `bridge` speaks of the declared flows between two nodes, `reach` of those with its label and some
 * of its packets. */
static bool speaks_of(struct coverage *c, const struct expectation *x, const struct ir_flow *said,
		      const struct ir_flow *f)
{
	if (f->from != said->from || f->to != said->to)
		return false;
	return x->kind == EXPECT_BRIDGE ||
	       (f->carries == said->carries &&
		cubes_overlap(c->p->ir->fields, f->cubes, said->cubes, NULL));
}

static void touch_pair(struct coverage *c, const struct expectation *x, uint32_t from, uint32_t to)
{
	const struct ir *ir = c->p->ir;
	struct ir_flow said = stated(c, x, from, to);
	bool declared = false;

	for (size_t i = 0; i < ir->n_flows; i++) {
		if (!speaks_of(c, x, &said, &ir->flows[i]))
			continue;
		declared = c->items.at[i].touched = true;
		touch_rules(c, &ir->flows[i]);
	}
	if (x->kind == EXPECT_REACH || !declared)
		touch_rules(c, &said);
}

static void touch_movement(struct coverage *c, const struct expectation *x)
{
	struct ids from = lower_nodes(c->p->ir, ARENA(c), &x->from, x->from_all);
	struct ids to = lower_nodes(c->p->ir, ARENA(c), &x->to, x->to_all);

	for (size_t a = 0; a < from.n; a++)
		for (size_t b = 0; b < to.n; b++)
			if (from.at[a] != to.at[b])
				touch_pair(c, x, from.at[a], to.at[b]);
}

static size_t first_edge(const struct coverage *c, const struct m_pipeline *wanted)
{
	const struct refs *pipelines = &c->p->model->pipelines;
	size_t at = c->first[ITEM_EDGE];

	for (size_t i = 0; OBJECT(pipelines->at[i], m_pipeline) != wanted; i++)
		at += OBJECT(pipelines->at[i], m_pipeline)->edges.n;
	return at;
}

static void touch_edges(struct coverage *c, const struct m_pipeline *p, size_t from, size_t to)
{
	size_t first = first_edge(c, p);

	for (size_t i = 0; i < p->edges.n; i++)
		if (!p->edges.at[i].copy && p->edges.at[i].from == from && p->edges.at[i].to == to)
			c->items.at[first + i].touched = true;
}

static void touch_path(struct coverage *c, const struct expectation *x)
{
	for (size_t i = 0; i + 1 < x->path.n; i++)
		touch_edges(c, x->pipeline, x->path.at[i], x->path.at[i + 1]);
}

static void touch_class(struct coverage *c, const struct expectation *x)
{
	const struct m_class *class = OBJECT(x->class, m_class);
	struct fields *fields = c->p->model->fields;
	const struct cubes *set = fx_cubes(fields, x->when);

	for (size_t i = 0; i < class->paths.n; i++) {
		const struct m_path *path = &class->paths.at[i];

		if (path->n_copies || !cubes_overlap(fields, set, path->cubes, NULL))
			continue;
		for (size_t k = 0; k + 1 < path->n; k++)
			touch_edges(c, path->pipeline, path->modules[k], path->modules[k + 1]);
	}
}

void coverage_touch(struct coverage *c, const struct expectation *x)
{
	static void (*const touches[])(struct coverage *, const struct expectation *) = {
		[EXPECT_REACH] = touch_movement,
		[EXPECT_BRIDGE] = touch_movement,
		[EXPECT_PATH] = touch_path,
		[EXPECT_CLASSIFIED] = touch_class,
		[EXPECT_AREA] = NULL,
		[EXPECT_FEASIBLE] = NULL,
	};

	if (touches[x->kind])
		touches[x->kind](c, x);
}

/* ---- what is said about it ---- */

struct share {
	size_t touched, all;
};

struct totals {
	struct share of[N_ITEM_KINDS], sum;
};

static struct totals count(const struct coverage *c)
{
	struct totals t = { 0 };

	for (size_t i = 0; i < c->items.n; i++) {
		const struct item *at = &c->items.at[i];

		if (!counts(c, at))
			continue;
		t.of[at->kind].all++;
		t.of[at->kind].touched += at->touched;
		t.sum.all++;
		t.sum.touched += at->touched;
	}
	return t;
}

/* Where there is nothing to touch, all of it is touched. */
static double share_of(const struct totals *t)
{
	return t->sum.all ? (double)t->sum.touched / (double)t->sum.all : 1;
}

static void print_for_people(struct run *r, const struct coverage *c, const struct totals *t,
			     const char *path)
{
	fprintf(r->out, "%s: expectations touch", path);
	for (int k = 0; k < N_ITEM_KINDS; k++)
		fprintf(r->out, "%s %zu of %zu %s%s", k ? "," : "", t->of[k].touched, t->of[k].all,
			item_words[k], t->of[k].all == 1 ? "" : "s");
	fprintf(r->out, "; %zu of %zu in all (%.1f %%)\n", t->sum.touched, t->sum.all,
		100 * share_of(t));
	for (size_t i = 0; i < c->items.n; i++) {
		const struct item *at = &c->items.at[i];
		const struct source *src = source_at(&c->p->ctx->sources, at->span.source);
		struct place place = source_place(src, at->span.start);

		if (counts(c, at) && !at->touched)
			fprintf(r->out, "  no expectation touches the %s at %s:%zu:%zu: %s\n",
				item_words[at->kind], src->path, place.line, place.col, at->name);
	}
}

/* Kept for the end of the run. */
static void keep_for_machines(struct run *r, const struct coverage *c, const struct totals *t,
			      const char *path)
{
	struct sink s = { 0 };
	bool first = true;

	sink_puts(&s, "{\"schema\": \"epic.coverage/1\", \"file\": ");
	sink_json(&s, path);
	for (int k = 0; k < N_ITEM_KINDS; k++)
		sink_printf(&s, ", \"%ss\": {\"touched\": %zu, \"all\": %zu}", item_words[k],
			    t->of[k].touched, t->of[k].all);
	sink_puts(&s, ", \"untouched\": [");
	for (size_t i = 0; i < c->items.n; i++) {
		const struct item *at = &c->items.at[i];

		if (!counts(c, at) || at->touched)
			continue;
		sink_printf(&s, "%s{\"kind\": \"%s\", \"name\": ", first ? "" : ", ",
			    item_words[at->kind]);
		sink_json(&s, at->name);
		sink_puts(&s, ", \"place\": ");
		span_json(&s, &c->p->ctx->sources, at->span, NULL);
		sink_putc(&s, '}');
		first = false;
	}
	sink_puts(&s, "]}");
	vec_push(r->options->arena, &r->coverage, arena_strdup(r->options->arena, s.data));
	sink_free(&s);
}

static int by_place(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	int order = a->kind != b->kind ? (int)a->kind - (int)b->kind : span_cmp(a->span, b->span);

	return order ? order : strcmp(a->name, b->name);
}

bool coverage_report(struct run *r, struct coverage *c, const char *path)
{
	const struct options *o = r->options;
	struct totals t = count(c);
	bool enough = share_of(&t) >= o->threshold - 1e-9;

	if (c->items.n)
		qsort(c->items.at, c->items.n, sizeof(*c->items.at), by_place);
	if (!format_is_for_people(o->format))
		keep_for_machines(r, c, &t, path);
	else if (!o->quiet)
		print_for_people(r, c, &t, path);
	if (!enough)
		run_error(r, "%s: expectations touch %.1f %%, the threshold is %.6g %%", path,
			  100 * share_of(&t), 100 * o->threshold);
	return enough;
}
