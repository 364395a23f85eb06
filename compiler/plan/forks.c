#include <config.h>

#include "compiler/plan/forks.h"

#include <string.h>

struct part {
	const struct cubes *cubes;
	struct {
		uint32_t *at;
		size_t n, cap;
	} edges;
};

struct forking {
	struct ctx *ctx;
	const struct ir *ir;
	const struct ir_pipeline *pipeline;
	uint32_t module;
	const struct cubes *all; /* that arrives */
	const char *device;
	const struct field *attribute; /* that chooses the port; NULL: none */
	const struct ir_edge *edge;    /* being looked at */
	bool failed;
	struct {
		struct part *at;
		size_t n, cap;
	} parts;
};

#define ARENA(k) ((k)->ctx->arena)

static const struct ir_module *module_of(const struct forking *k)
{
	return &k->pipeline->modules[k->module];
}

/* ---- fields that can be told ---- */

static bool is_port_in(const struct field *f)
{
	return !strcmp(f->name, "port.in");
}

static bool is_known(const struct field *f, const void *data)
{
	const struct forking *k = data;

	return f == k->attribute || is_port_in(f);
}

static void refuse_field(struct forking *k, const struct field *f)
{
	struct diags *d = &k->ctx->diags;

	k->failed = true;
	if (is_port_in(f))
		diag_note(
		    d,
		    diag_add(d, E0802, k->edge->span,
			     "a matcher cannot tell by which port a packet came in"),
		    "packets of several devices, or of none that is stated, reach this module");
	else
		diag_note(d,
			  diag_add(d, E0802, k->edge->span, "a matcher cannot compare %s", f->name),
			  f->derived ? "it is handed on beside the packet; matchers read its bytes"
				     : "it is no field of the packet's headers");
}

static void visit_field(const struct field *f, void *data)
{
	struct forking *k = data;
	bool unseen = f->kind == FIELD_STRING || f->derived;

	if (unseen && f != k->attribute && !(is_port_in(f) && k->device))
		refuse_field(k, f);
}

static void look_at_fields(struct forking *k)
{
	const struct ir_module *m = module_of(k);

	if (m->n_port_attributes > 1) {
		diag_add(&k->ctx->diags, E0802, m->span,
			 "'%s' has output ports for %s and for %s; one attribute can choose them",
			 m->name, m->port_attributes[0]->name, m->port_attributes[1]->name);
		k->failed = true;
	}
	k->attribute = m->n_port_attributes == 1 ? m->port_attributes[0] : NULL;
	for (size_t i = 0; i < k->pipeline->n_edges; i++) {
		k->edge = &k->pipeline->edges[i];
		if (k->edge->from == k->module)
			fx_visit(k->edge->fx, visit_field, k);
	}
}

/* ---- parts ---- */

static const struct cubes *narrowed(struct forking *k, const struct cubes *set,
				    const struct field *f, const char *text)
{
	const struct fx_member m = { .kind = FX_TEXT, .text = text };

	return cubes_filter(k->ir->fields, set, fx_cmp(k->ir->fields, f, &m, 1));
}

/* What arrives at the port of the VALUE-th value. */
static const struct cubes *arriving(struct forking *k, size_t value)
{
	const struct cubes *all = k->all;

	if (k->attribute)
		all = narrowed(k, all, k->attribute, k->attribute->values[value]);
	if (k->device)
		all = narrowed(k, all, fields_find(k->ir->fields, "port.in"), k->device);
	return all;
}

static void add_part(struct forking *k, const struct cubes *cubes, const struct part *like,
		     uint32_t edge)
{
	struct part p = { .cubes = cubes };

	for (size_t i = 0; like && i < like->edges.n; i++)
		vec_push(ARENA(k), &p.edges, like->edges.at[i]);
	if (edge != ID_NONE)
		vec_push(ARENA(k), &p.edges, edge);
	vec_push(ARENA(k), &k->parts, p);
}

/* The packet itself; `otherwise` has what is left, and else nobody. */
static void part_by_edges(struct forking *k, const struct cubes *all)
{
	uint32_t otherwise = ID_NONE;
	const struct cubes *rest = all;

	add_part(k, rest, NULL, ID_NONE);
	for (uint32_t i = 0; i < k->pipeline->n_edges; i++) {
		const struct ir_edge *e = &k->pipeline->edges[i];
		const struct cubes *taken;

		if (e->from != k->module || e->copy)
			continue;
		if (e->otherwise) {
			otherwise = i;
			continue;
		}
		taken = cubes_filter(k->ir->fields, all, e->fx);
		rest = cubes_minus(k->ir->fields, rest, taken);
		add_part(k, taken, NULL, i);
	}
	k->parts.at[0].cubes = rest;
	if (otherwise != ID_NONE)
		vec_push(ARENA(k), &k->parts.at[0].edges, otherwise);
}

static void part_by_copies(struct forking *k)
{
	for (uint32_t i = 0; i < k->pipeline->n_edges; i++) {
		const struct ir_edge *e = &k->pipeline->edges[i];
		size_t n = k->parts.n;

		if (e->from != k->module || !e->copy)
			continue;
		for (size_t p = 0; p < n; p++) {
			const struct cubes *whole = k->parts.at[p].cubes;
			const struct cubes *copied = cubes_filter(k->ir->fields, whole, e->fx);

			k->parts.at[p].cubes = cubes_minus(k->ir->fields, whole, copied);
			if (!cubes_empty(copied))
				add_part(k, copied, &k->parts.at[p], i);
		}
	}
}

static bool has_copies(const struct forking *k)
{
	for (size_t i = 0; i < k->pipeline->n_edges; i++)
		if (k->pipeline->edges[i].from == k->module && k->pipeline->edges[i].copy)
			return true;
	return false;
}

/* Parts without packets go; the first stays, for it is the rest. */
static void drop_empty(struct forking *k)
{
	size_t n = 1;

	for (size_t i = 1; i < k->parts.n; i++)
		if (!cubes_empty(k->parts.at[i].cubes))
			k->parts.at[n++] = k->parts.at[i];
	k->parts.n = n;
	if (n == 2 && cubes_empty(k->parts.at[0].cubes)) {
		k->parts.at[0] = k->parts.at[1];
		k->parts.n = 1;
	}
}

/* ---- ports ---- */

static const struct matcher *matcher_for(struct forking *k)
{
	const struct cubes **ways = arena_many(ARENA(k), const struct cubes *, k->parts.n);
	const struct match_known known = { is_known, k };
	const struct matcher *m;

	for (size_t i = 0; i < k->parts.n; i++)
		ways[i] = k->parts.at[i].cubes;
	m = match_make(ARENA(k), k->ir->fields, ways, k->parts.n, &known);
	if (!m) {
		diag_add(&k->ctx->diags, E0802, module_of(k)->span,
			 "the filters behind '%s' take more rules than a matcher can hold",
			 module_of(k)->name);
		k->failed = true;
	}
	return m;
}

static void take_ways(struct forking *k, struct fork_port *port)
{
	struct fork_way *ways = arena_many(ARENA(k), struct fork_way, k->parts.n);

	for (size_t i = 0; i < k->parts.n; i++)
		ways[i] = (struct fork_way){ k->parts.at[i].edges.at, k->parts.at[i].edges.n };
	port->ways = ways;
	port->n_ways = k->parts.n;
	port->matcher = k->parts.n > 1 ? matcher_for(k) : NULL;
}

enum stages { EDGES = 1, COPIES = 2 };

static void make_stage(struct forking *k, size_t value, enum stages stages, struct fork_port *port)
{
	k->parts.n = 0;
	if (stages & EDGES)
		part_by_edges(k, arriving(k, value));
	else
		add_part(k, arriving(k, value), NULL, ID_NONE);
	if (stages & COPIES)
		part_by_copies(k);
	drop_empty(k);
	take_ways(k, port);
}

/* Edges and copies are decided at once if a table can do that; else copies first. */
static void make_port(struct forking *k, size_t value, struct fork_port *port)
{
	struct fork_port *next;

	make_stage(k, value, EDGES | COPIES, port);
	if (k->failed || !port->matcher || port->matcher->table || !has_copies(k))
		return;
	next = arena_one(ARENA(k), struct fork_port);
	make_stage(k, value, COPIES, port);
	make_stage(k, value, EDGES, next);
	port->next = next;
}

static void forget_field(const struct field *f, void *data)
{
	struct {
		struct fields *fields;
		const struct cubes *set;
	} *d = data;

	if (f->derived || f->kind == FIELD_STRING)
		d->set = cubes_forget(d->fields, d->set, f);
}

const struct cubes *fork_taken(struct fields *f, const struct cubes *arriving_here,
			       const struct ir_edge *e)
{
	struct {
		struct fields *fields;
		const struct cubes *set;
	} d = { f, cubes_filter(f, arriving_here, e->fx) };

	fx_visit(e->fx, forget_field, &d);
	return d.set;
}

const struct fork *fork_make(struct ctx *ctx, const struct ir *ir, const struct ir_pipeline *p,
			     uint32_t module, const struct cubes *arriving_here, const char *device)
{
	static const struct fork_way dropped = { NULL, 0 };
	struct forking k = { .ctx = ctx,
			     .ir = ir,
			     .pipeline = p,
			     .module = module,
			     .all = arriving_here,
			     .device = device };
	struct fork *f = arena_one(ctx->arena, struct fork);

	look_at_fields(&k);
	f->own_ports = k.attribute != NULL;
	f->n_ports = k.attribute ? k.attribute->n_values : 1;
	f->ports = arena_many(ctx->arena, struct fork_port, f->n_ports);
	for (size_t i = 0; i < f->n_ports; i++) {
		if (!k.failed)
			make_port(&k, i, &f->ports[i]);
		if (k.failed)
			f->ports[i] = (struct fork_port){ .ways = &dropped, .n_ways = 1 };
	}
	return f;
}
