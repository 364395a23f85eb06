#include <config.h>

#include "compiler/tools/plan_again.h"

#include <math.h>
#include <string.h>

#include "compiler/plan/bess_layout.h"
#include "compiler/tools/filter_text.h"
#include "runtime/plan/rows.h"

/* Everything stems from one empty source, for a plan knows places only, not texts. */
static const struct span nowhere = { 0, 0, 0 };

#define ARENA(g) ((g)->ctx->arena)

/* ---- rows ---- */

static void copy_row(struct arena *, const struct rplan_row *, const void *from, void *to);

static struct dec dec_of(double d)
{
	return (struct dec){ (__int128)roundl((long double)d * 1e9L) };
}

static const struct ir_value *value_of(struct arena *a, const struct rplan_value *v)
{
	struct ir_value *value = arena_one(a, struct ir_value);
	const struct ir_value **members;

	switch (v->kind) {
	case RPLAN_BOOL:
		value->kind = IR_VALUE_BOOL;
		value->truth = v->truth;
		break;
	case RPLAN_NUMBER:
		value->kind = IR_VALUE_NUMBER;
		value->number = rat_make(dec_of(v->number).nano, 1000000000);
		break;
	case RPLAN_LIST:
		value->kind = IR_VALUE_LIST;
		members = arena_many(a, const struct ir_value *, v->n_items);
		for (size_t i = 0; i < v->n_items; i++)
			members[i] = value_of(a, &v->items[i]);
		value->members = members;
		value->n_members = v->n_items;
		break;
	default:
		value->kind = IR_VALUE_TEXT;
		value->text = v->kind == RPLAN_TEXT ? v->text : "";
	}
	return value;
}

static struct plan_values values_of(struct arena *a, const struct rplan_values *v)
{
	struct ir_config *at = arena_many(a, struct ir_config, v->n);

	for (size_t i = 0; i < v->n; i++)
		at[i] = (struct ir_config){ v->at[i].key, value_of(a, &v->at[i].value) };
	return (struct plan_values){ at, v->n };
}

static struct plan_map_num numbers_of(struct arena *a, const struct rplan_map_num *m)
{
	struct plan_named_num *at = arena_many(a, struct plan_named_num, m->n);

	for (size_t i = 0; i < m->n; i++)
		at[i] = (struct plan_named_num){ m->at[i].key, dec_of(m->at[i].value) };
	return (struct plan_map_num){ at, m->n };
}

static struct plan_lists lists_of(struct arena *a, const struct rplan_lists *l)
{
	struct plan_texts *at = arena_many(a, struct plan_texts, l->n);

	for (size_t i = 0; i < l->n; i++)
		at[i] = (struct plan_texts){ l->at[i].at, l->at[i].n };
	return (struct plan_lists){ at, l->n };
}

struct list {
	void *at;
	size_t n;
};

struct named_list {
	const char **names;
	void *at;
	size_t n;
};

static void *rows_of(struct arena *a, const struct rplan_row *row, const char *from, size_t n)
{
	const struct plan_row *to = plan_row_find(row->name);
	char *at = arena_alloc_many(a, n, to->size);

	for (size_t i = 0; i < n; i++)
		copy_row(a, row, from + i * row->size, at + i * to->size);
	return at;
}

#define FROM(type) (*(type const *)from)
#define TO(type) (*(type *)to)

static void copy_rows(struct arena *a, const struct rplan_key *k, const struct rplan_row *of,
		      const void *from, void *to)
{
	switch (k->kind) {
	case RPLAN_KIND_LIST:
		TO(struct list).at = rows_of(a, of, FROM(struct list).at, FROM(struct list).n);
		TO(struct list).n = FROM(struct list).n;
		break;
	case RPLAN_KIND_MAP:
		TO(struct named_list) = FROM(struct named_list);
		TO(struct named_list).at =
		    rows_of(a, of, FROM(struct named_list).at, FROM(struct named_list).n);
		break;
	default:
		if (FROM(const void *) && of)
			TO(void *) = rows_of(a, of, FROM(const void *), 1);
	}
}

static void copy_key(struct arena *a, const struct rplan_key *k, const struct rplan_row *choice,
		     const void *from, void *to)
{
	switch (k->kind) {
	case RPLAN_KIND_INT:
		TO(int64_t) = FROM(int64_t);
		break;
	case RPLAN_KIND_INT_NULL:
		TO(struct plan_int) = (struct plan_int){ FROM(struct rplan_int).present,
							 FROM(struct rplan_int).value };
		break;
	case RPLAN_KIND_NUM:
		TO(struct dec) = dec_of(FROM(double));
		break;
	case RPLAN_KIND_NUM_NULL:
		TO(struct plan_num) = (struct plan_num){ FROM(struct rplan_num).present,
							 dec_of(FROM(struct rplan_num).value) };
		break;
	case RPLAN_KIND_BOOL:
		TO(bool) = FROM(bool);
		break;
	case RPLAN_KIND_TEXTS:
		TO(struct plan_texts) =
		    (struct plan_texts){ FROM(struct rplan_texts).at, FROM(struct rplan_texts).n };
		break;
	case RPLAN_KIND_INTS:
		TO(struct plan_ints) =
		    (struct plan_ints){ FROM(struct rplan_ints).at, FROM(struct rplan_ints).n };
		break;
	case RPLAN_KIND_LISTS:
		TO(struct plan_lists) = lists_of(a, from);
		break;
	case RPLAN_KIND_MAP_NUM:
		TO(struct plan_map_num) = numbers_of(a, from);
		break;
	case RPLAN_KIND_VALUES:
		TO(struct plan_values) = values_of(a, from);
		break;
	case RPLAN_KIND_LIST:
	case RPLAN_KIND_MAP:
	case RPLAN_KIND_ONE:
	case RPLAN_KIND_ONE_NULL:
		copy_rows(a, k, rplan_row(k->of), from, to);
		break;
	case RPLAN_KIND_CHOICE:
		copy_rows(a, k, choice, from, to);
		break;
	default:
		TO(const char *) = FROM(const char *);
	}
}

/* Both tables are made from one list, so that their keys stand in one order; every row of the
 * compiler's begins with its span. */
static void copy_row(struct arena *a, const struct rplan_row *row, const void *from, void *to)
{
	const struct plan_row *into = plan_row_find(row->name);
	const struct rplan_row *choice = NULL;

	if (!strcmp(row->name, "target"))
		choice = rplan_choice(((const struct rplan_target *)from)->backend);
	*(struct span *)to = nowhere;
	for (size_t i = 0; i < row->n_keys; i++)
		copy_key(a, &row->keys[i], choice, (const char *)from + row->keys[i].offset,
			 (char *)to + into->keys[i].offset);
}

/* ---- fields and filters ---- */

static const struct fx *filter(struct plan_again *g, const char *text)
{
	const struct fx *x = filter_text_read(g->ir->fields, ARENA(g), text);

	if (!x && !g->trouble)
		g->trouble = arena_printf(ARENA(g), "'%s' is no filter", text);
	return x ? x : fx_false(g->ir->fields);
}

static bool is_packet_target(const struct plan_target *t)
{
	return !strcmp(t->backend, "bess") || !strcmp(t->backend, "dpdk");
}

static void add_fields(struct plan_again *g, const struct plan_packet_module *m)
{
	for (size_t i = 0; i < m->derives.n; i++) {
		const struct plan_derive *d = &m->derives.at[i];
		const char *name = arena_printf(ARENA(g), "%s.%s", m->id, d->attribute);

		if (!fields_find(g->ir->fields, name))
			fields_add_derived(g->ir->fields, name, d->values.n ? d->values.at : NULL,
					   d->values.n);
	}
}

static void find_fields(struct plan_again *g)
{
	g->ir->fields = fields_new(ARENA(g));
	for (size_t i = 0; i < g->plan->targets.n; i++) {
		const struct plan_packet_config *c = g->plan->targets.at[i].config;

		for (size_t k = 0; is_packet_target(&g->plan->targets.at[i]) && k < c->modules.n;
		     k++)
			add_fields(g, &c->modules.at[k]);
	}
}

/* ---- pipelines ---- */

static uint32_t module_named(const struct ir_pipeline *p, const char *id)
{
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (!strcmp(p->modules[i].name, id))
			return i;
	return ID_NONE;
}

static void make_module(const struct plan_module *row, struct ir_module *m)
{
	*m = (struct ir_module){
		.name = row->id,
		.span = nowhere,
		.function_name = row->function,
		.function = ID_NONE,
		.schedulable = row->schedulable,
		.config = row->config.at,
		.n_config = row->config.n,
	};
}

static void make_edge(struct plan_again *g, struct ir_pipeline *p, struct plan_edge *row,
		      struct ir_edge *e)
{
	row->fx = filter(g, row->when);
	*e = (struct ir_edge){ .from = module_named(p, row->from),
			       .to = module_named(p, row->to),
			       .fx = row->fx,
			       .when = row->when,
			       .copy = row->copy,
			       .span = nowhere };
	if ((e->from == ID_NONE || e->to == ID_NONE) && !g->trouble)
		g->trouble = arena_printf(ARENA(g), "pipeline %s has no module %s", p->name,
					  e->from == ID_NONE ? row->from : row->to);
}

static bool takes_the_rest(const struct plan_again *g, const struct ir_pipeline *p, size_t edge)
{
	const struct ir_edge *e = &p->edges[edge];
	struct fields *f = g->ir->fields;
	VEC(const struct fx *) others = { 0 };

	for (size_t i = 0; i < p->n_edges; i++)
		if (i != edge && p->edges[i].from == e->from && !p->edges[i].copy)
			vec_push(ARENA(g), &others, p->edges[i].fx);
	return !e->copy && !strcmp(fx_text(f, fx_not(f, fx_or(f, others.at, others.n))), e->when);
}

size_t plan_again_open(const struct plan_again *g, struct ir_pipeline *p, uint32_t module)
{
	size_t n = 1;

	for (size_t i = 0; i < p->n_edges; i++)
		n += p->edges[i].from == module && takes_the_rest(g, p, i);
	return n;
}

void plan_again_choose(struct plan_again *g, struct ir_pipeline *p, uint32_t module, size_t reading)
{
	struct plan_pipeline *rows = &g->plan->pipelines.at[p - g->ir->pipelines];

	for (size_t i = 0; i < p->n_edges; i++) {
		bool rest = p->edges[i].from == module && takes_the_rest(g, p, i);

		if (p->edges[i].from == module)
			rows->edges.at[i].otherwise = p->edges[i].otherwise = rest && reading == 1;
		if (rest && reading)
			reading--;
	}
}

/* The usual reading: the rest is what `otherwise` was said for. */
static void choose_first(struct plan_again *g, struct ir_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_modules; i++)
		plan_again_choose(g, p, i, plan_again_open(g, p, i) > 1);
}

static void make_pipelines(struct plan_again *g)
{
	g->ir->n_pipelines = g->plan->pipelines.n;
	g->ir->pipelines = arena_many(ARENA(g), struct ir_pipeline, g->ir->n_pipelines);
	for (size_t i = 0; i < g->ir->n_pipelines; i++) {
		struct plan_pipeline *row = &g->plan->pipelines.at[i];
		struct ir_pipeline *p = &g->ir->pipelines[i];

		*p = (struct ir_pipeline){ .name = row->name, .span = nowhere };
		p->n_modules = row->modules.n;
		p->modules = arena_many(ARENA(g), struct ir_module, p->n_modules);
		for (size_t k = 0; k < p->n_modules; k++)
			make_module(&row->modules.at[k], &p->modules[k]);
		p->n_edges = row->edges.n;
		p->edges = arena_many(ARENA(g), struct ir_edge, p->n_edges);
		for (size_t k = 0; k < p->n_edges; k++)
			make_edge(g, p, &row->edges.at[k], &p->edges[k]);
		if (!g->trouble)
			choose_first(g, p);
	}
}

/* ---- classes, schedules, targets ---- */

static void see_unseen(const struct field *f, void *seen)
{
	*(bool *)seen = *(bool *)seen || f->derived || f->kind == FIELD_STRING;
}

/* Of headers only. */
static const struct fx *header_filter(struct plan_again *g, const char *text)
{
	const struct fx *x = filter(g, text);
	bool unseen = false;

	fx_visit(x, see_unseen, &unseen);
	if (unseen && !g->trouble)
		g->trouble = arena_printf(ARENA(g), "'%s' is no filter of headers", text);
	return unseen ? fx_false(g->ir->fields) : x;
}

static void make_classes(struct plan_again *g)
{
	for (size_t i = 0; i < g->plan->classes.n; i++)
		g->plan->classes.at[i].fx = filter(g, g->plan->classes.at[i].match);
	for (size_t i = 0; i < g->plan->schedules.n; i++) {
		struct plan_classifier *c = g->plan->schedules.at[i].classifier;

		for (size_t k = 0; c && k < c->classes.n; k++)
			c->classes.at[k].fx = header_filter(g, c->classes.at[k].when);
	}
}

static void take_ports(struct plan_again *g, const struct plan_packet_module *from,
		       struct ir_module *m)
{
	const struct field **at = arena_many(ARENA(g), const struct field *, from->derives.n);

	m->port_attributes = at;
	m->n_port_attributes = 0;
	for (size_t i = 0; i < from->derives.n; i++)
		if (!strcmp(from->derives.at[i].via, "port"))
			at[m->n_port_attributes++] =
			    fields_find(g->ir->fields, arena_printf(ARENA(g), "%s.%s", m->name,
								    from->derives.at[i].attribute));
}

/* What only the target knows of the modules of its pipelines. */
static void take_modules(struct plan_again *g, const struct plan_packet_config *c, size_t pipeline)
{
	struct ir_pipeline *p = &g->ir->pipelines[pipeline];

	for (size_t i = 0; i < c->modules.n; i++) {
		uint32_t m = module_named(p, c->modules.at[i].id);

		if (m == ID_NONE)
			continue;
		g->plan->pipelines.at[pipeline].modules.at[m].bess_class = c->modules.at[i].class;
		take_ports(g, &c->modules.at[i], &p->modules[m]);
	}
}

static void make_target(struct plan_again *g, const struct plan_target *row, struct ir_target *t)
{
	const struct plan_packet_config *c = row->config;
	VEC(uint32_t) pipelines = { 0 };

	*t = (struct ir_target){ .name = row->name, .span = nowhere, .enforce = ID_NONE };
	if (!is_packet_target(row))
		return;
	t->n_cores = c->cores.n;
	t->replicas = (uint64_t)c->replicas;
	for (uint32_t i = 0; i < g->plan->pipelines.n; i++)
		for (size_t k = 0; k < c->pipelines.n; k++)
			if (!strcmp(c->pipelines.at[k], g->plan->pipelines.at[i].name)) {
				vec_push(ARENA(g), &pipelines, i);
				take_modules(g, c, i);
			}
	t->pipelines = ids_from(ARENA(g), pipelines.at, pipelines.n);
	if ((!t->n_cores || t->pipelines.n != c->pipelines.n) && !g->trouble)
		g->trouble =
		    arena_printf(ARENA(g), "target %s lacks cores or pipelines", row->name);
}

/* nginx: what goes on to a function is announced to it. */
static void mark_chained(struct plan_nginx_config *c)
{
	for (size_t i = 0; i < c->listeners.n; i++)
		c->listeners.at[i].chained =
		    strcmp(c->listeners.at[i].next, c->listeners.at[i].destination) != 0;
}

static void make_targets(struct plan_again *g)
{
	g->ir->n_targets = g->plan->targets.n;
	g->ir->targets = arena_many(ARENA(g), struct ir_target, g->ir->n_targets);
	for (size_t i = 0; i < g->ir->n_targets; i++) {
		make_target(g, &g->plan->targets.at[i], &g->ir->targets[i]);
		if (!strcmp(g->plan->targets.at[i].backend, "nginx"))
			mark_chained(g->plan->targets.at[i].config);
	}
}

struct plan_again plan_again(struct ctx *ctx, const struct rplan_plan *plan, const char *name)
{
	struct plan_again g = { .ctx = ctx };
	const char *file = arena_printf(ctx->arena, "%s.epi", name);

	source_add(&ctx->sources, file, file, "", 0);
	g.plan = arena_one(ctx->arena, struct plan);
	g.ir = arena_one(ctx->arena, struct ir);
	copy_row(ctx->arena, rplan_row("plan"), plan, g.plan);
	find_fields(&g);
	make_pipelines(&g);
	make_classes(&g);
	make_targets(&g);
	return g;
}

/* ---- files ---- */

static bool lay_out(struct plan_again *g, size_t target)
{
	struct plan_packet_config *c = g->plan->targets.at[target].config;
	size_t n = g->ctx->diags.n_errors;

	/* The classes of the modules are those of this target. */
	for (size_t i = 0; i < g->ir->targets[target].pipelines.n; i++)
		take_modules(g, c, g->ir->targets[target].pipelines.at[i]);
	c->layout = bess_layout_make(g->ctx, g->ir, g->plan, &g->ir->targets[target], c);
	return g->ctx->diags.n_errors == n;
}

bool plan_again_emit(struct plan_again *g, size_t target, struct output_files *files)
{
	const struct plan_target *t = &g->plan->targets.at[target];
	const struct backend *b = backend_find(t->backend);

	if (g->trouble || !b || !b->emit || (!strcmp(t->backend, "bess") && !lay_out(g, target)))
		return false;
	b->emit(g->ctx, g->plan, t, files);
	return true;
}
