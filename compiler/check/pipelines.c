/* Pipelines: instances, edges, and what must hold of the graph (doc/language.md 5.3). */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

#include "compiler/base/sink.h"

/* ---- instances ---- */

static void read_config(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_instance *i = b->object;
	const struct m_function *f = i->function ? OBJECT(i->function, m_function) : NULL;
	struct nearest near = nearest_to(s->name.name);
	struct m_config config = { .name = s->name.name, .span = s->span };
	const struct ast_expr *e;
	struct diag *d;

	for (size_t k = 0; k < i->config.n; k++)
		if (i->config.at[k].name == config.name)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0306, s->name.span, "'%s' is given twice", config.name),
				  i->config.at[k].span, "first given here");
	clauses_check(c, &s->property.clauses, "");
	for (size_t k = 0; f && k < f->accepts.n; k++) {
		if (f->accepts.at[k] == config.name) {
			e = only_value(c, s);
			config.value = e ? value_any(c, b->scope, e) : NULL;
			if (config.value)
				vec_push(ARENA(c), &i->config, config);
			return;
		}
		nearest_try(&near, f->accepts.at[k]);
	}
	if (!f)
		return;
	d = diag_add(DIAGS(c), E0305, s->name.span, "function '%s' accepts no configuration '%s'",
		     i->function->name, s->name.name);
	if (near.name) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, s->name.span, near.name, "write '%s'", near.name);
	}
}

/* S bit per cycle is 8/S cycles per byte, S packet per cycle is 1/S cycles. */
static void set_cycles(struct m_instance *i)
{
	const struct m_speed *speed = &i->cost.speed;
	bool by_cost = rat_given(i->cost.cost) || rat_given(i->cost.per_byte);

	i->cycles = rat_given(i->cost.cost) ? i->cost.cost : RAT_ZERO;
	i->cycles_per_byte = rat_given(i->cost.per_byte) ? i->cost.per_byte : RAT_ZERO;
	if (by_cost || !rat_given(speed->value))
		return;
	if (speed->packets)
		i->cycles = rat_div(RAT_ONE, speed->value);
	else
		i->cycles_per_byte = rat_div(rat_int(8), speed->value);
}

static void add_derived(struct check *c, const struct m_instance *i, const struct m_derives *d)
{
	const char *name = intern_text(c->ctx->names, arena_printf(ARENA(c), "%s.%s", i->sym->canonical, d->name));

	if (!strchr(d->name, '.') && !fields_find(c->model->fields, name))
		fields_add_derived(c->model->fields, name, d->is_string ? NULL : d->values, d->n_values);
}

static void add_instance(struct check *c, struct m_pipeline *p, struct m_instance *i)
{
	i->pipeline = p->sym;
	i->index = p->instances.n;
	vec_push(ARENA(c), &p->instances, i);
}

static void read_instance(struct check *c, struct m_pipeline *p, const struct ast_stmt *s)
{
	struct symbol *sym = scope_find_own(p->sym->members, s->name.name);
	struct m_instance *i;
	struct block b = { .name = "instance", .kind = "an instance", .open = true, .code = read_config };

	if (!sym || sym->stmt != s)
		return; /* declared twice */
	i = sym->object;
	i->function = resolve_ref(c, p->sym->members, s->decl.parent, KIND(FUNCTION));
	b.sym = sym;
	b.scope = sym->members;
	b.object = i;
	b.body = &s->decl.body;
	block_read(c, &b);
	if (rat_given(i->cost.speed.value) && (rat_given(i->cost.cost) || rat_given(i->cost.per_byte)))
		i->cost_span = block_given(&b, "speed")->span;
	else
		i->cost_span = SPAN_NONE;
	if (i->function) {
		const struct m_function *f = OBJECT(i->function, m_function);

		i->cost = cost_combine(f->cost, i->cost);
		i->schedulable = f->schedulable || f->role == ROLE_SOURCE;
		for (size_t k = 0; k < f->derives.n; k++)
			add_derived(c, i, &f->derives.at[k]);
	}
	set_cycles(i);
	add_instance(c, p, i);
}

/* ---- edges ---- */

static struct m_instance *edge_end(struct check *c, struct m_pipeline *p, const struct ast_expr *e)
{
	struct symbol *sym = resolve_ref(c, p->sym->members, e, KIND(INSTANCE));
	struct m_instance *i;

	if (!sym)
		return NULL;
	i = sym->object;
	if (sym->owner != p->sym) {
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0303, e->span, "'%s' is an instance of another pipeline", sym->name),
			  sym->span, "declared here");
		return NULL;
	}
	if (i->is_drop && !i->pipeline) {
		i->cycles = i->cycles_per_byte = RAT_ZERO;
		add_instance(c, p, i);
	}
	return i->pipeline ? i : NULL;
}

static void connect(struct check *c, struct m_pipeline *p, const struct ast_stmt *s, size_t arrow)
{
	const struct ast_exprs *from = &s->edge.hops.at[arrow].paths;
	const struct ast_exprs *to = &s->edge.hops.at[arrow + 1].paths;
	struct m_edge edge = { .copy = s->edge.tees.at[arrow], .span = s->span };

	edge.otherwise = clause_find(&s->edge.clauses, "otherwise") != NULL;
	if (s->edge.hops.n > 2)
		edge.span = span_join(s->edge.hops.at[arrow].span, s->edge.hops.at[arrow + 1].span);
	for (size_t i = 0; i < from->n; i++) {
		for (size_t j = 0; j < to->n; j++) {
			struct m_instance *a = edge_end(c, p, from->at[i]), *b = edge_end(c, p, to->at[j]);

			if (!a || !b) {
				p->sound = false;
				continue;
			}
			edge.from = a->index;
			edge.to = b->index;
			edge.rate_span = s->span;
			edge.when_span = s->span;
			vec_push(ARENA(c), &p->edges, edge);
		}
	}
}

static void check_edge_clauses(struct check *c, const struct ast_stmt *s)
{
	const struct ast_clauses *clauses = &s->edge.clauses;
	const struct ast_clause *otherwise = clause_find(clauses, "otherwise");

	if (s->edge.hops.n > 2 && clauses->n) {
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0502, clauses->at[0].span, "a chain of several arrows takes no '%s'",
				   clauses->at[0].name.name),
			  "write the arrow that it belongs to as an edge of its own");
		return;
	}
	clauses_check(c, clauses, "when rate otherwise");
	if (otherwise && clause_find(clauses, "when"))
		diag_add(DIAGS(c), E0205, otherwise->span, "an edge takes 'when' or 'otherwise', not both");
	if (otherwise && s->edge.tees.at[0])
		diag_add(DIAGS(c), E0205, otherwise->span,
			 "a copy is taken by a filter; '->>' takes no 'otherwise'");
}

/* ---- the graph ---- */

/* Counts edges into buckets by target, so that edges of one module to another end up
 * side by side, copies behind the others. */
static void sort_by_target(struct check *c, const struct m_pipeline *p, size_t *sorted)
{
	size_t n = p->instances.n, *start = arena_many(ARENA(c), size_t, 2 * n + 1);

	for (size_t e = 0; e < p->edges.n; e++)
		start[p->edges.at[e].copy * n + p->edges.at[e].to + 1]++;
	for (size_t i = 0; i < 2 * n; i++)
		start[i + 1] += start[i];
	for (size_t e = 0; e < p->edges.n; e++)
		sorted[start[p->edges.at[e].copy * n + p->edges.at[e].to]++] = e;
}

struct m_links pipeline_edges_between(const struct m_pipeline *p, size_t from, size_t to, bool copy)
{
	const struct m_links *out = &p->out[from];
	struct m_links found = { 0 };
	size_t low = 0, high = out->n;

	if (!out->n)
		return found;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct m_edge *e = &p->edges.at[out->at[middle]];

		if (e->copy != copy ? !e->copy : e->to < to)
			low = middle + 1;
		else
			high = middle;
	}
	found.at = out->at + low;
	while (low + found.n < out->n) {
		const struct m_edge *e = &p->edges.at[found.at[found.n]];

		if (e->copy != copy || e->to != to)
			break;
		found.n++;
	}
	return found;
}

static void link_edges(struct check *c, struct m_pipeline *p)
{
	size_t *sorted = arena_many(ARENA(c), size_t, p->edges.n);

	p->out = arena_many(ARENA(c), struct m_links, p->instances.n);
	p->in = arena_many(ARENA(c), struct m_links, p->instances.n);
	sort_by_target(c, p, sorted);
	for (size_t e = 0; e < p->edges.n; e++) {
		vec_push(ARENA(c), &p->out[p->edges.at[sorted[e]].from], sorted[e]);
		vec_push(ARENA(c), &p->in[p->edges.at[e].to], e);
	}
}

/* Kahn's algorithm; what is left over lies on or behind a cycle. */
static size_t sort_topologically(struct check *c, struct m_pipeline *p, size_t *waiting)
{
	size_t n = 0;

	p->order = arena_many(ARENA(c), size_t, p->instances.n);
	for (size_t i = 0; i < p->instances.n; i++) {
		waiting[i] = p->in[i].n;
		if (!waiting[i])
			p->order[n++] = i;
	}
	for (size_t k = 0; k < n; k++) {
		const struct m_links *out = &p->out[p->order[k]];

		for (size_t j = 0; j < out->n; j++) {
			size_t to = p->edges.at[out->at[j]].to;

			if (--waiting[to] == 0)
				p->order[n++] = to;
		}
	}
	return n;
}

/* From an instance that waits for ever, going back along waiting ones meets a cycle. */
static void report_cycle(struct check *c, struct m_pipeline *p, const size_t *waiting)
{
	size_t *step = arena_many(ARENA(c), size_t, p->instances.n), n = 0, i = 0, first;
	bool *seen = arena_many(ARENA(c), bool, p->instances.n);
	struct sink s = { 0 };

	while (!waiting[i])
		i++;
	while (!seen[i]) {
		seen[i] = true;
		step[n++] = i;
		for (size_t j = 0; j < p->in[i].n; j++) {
			size_t from = p->edges.at[p->in[i].at[j]].from;

			if (waiting[from]) {
				i = from;
				break;
			}
		}
	}
	for (first = 0; step[first] != i; first++)
		;
	sink_puts(&s, p->instances.at[i]->sym->name);
	for (size_t k = n; k-- > first;)
		sink_printf(&s, " -> %s", p->instances.at[step[k]]->sym->name);
	diag_note(DIAGS(c),
		  diag_add(DIAGS(c), E0503, p->instances.at[i]->sym->span,
			   "packets of pipeline '%s' would run in a circle", p->sym->name),
		  "%s", s.data);
	sink_free(&s);
}

static void report_role(struct check *c, const struct m_pipeline *p, const struct m_edge *e, size_t at,
			const char *why)
{
	const struct m_instance *i = p->instances.at[at];
	struct diag *d = diag_add(DIAGS(c), E0504, e->span, "'%s' %s", i->sym->name, why);

	if (i->function)
		diag_also(DIAGS(c), d, i->sym->span, "an instance of %s", i->function->name);
}

static void check_roles(struct check *c, struct m_pipeline *p)
{
	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_instance *inst = p->instances.at[i];
		const struct m_links *in = &p->in[i], *out = &p->out[i];
		int role = inst->is_drop ? ROLE_EXIT :
			   inst->function ? OBJECT(inst->function, m_function)->role :
					    ROLE_TRANSIT;

		if (role == ROLE_SOURCE && in->n)
			report_role(c, p, &p->edges.at[in->at[0]], i, "is a source; no edge leads into it");
		if (role == ROLE_EXIT && out->n)
			report_role(c, p, &p->edges.at[out->at[0]], i, "is an exit; no edge leads out of it");
		if (role == ROLE_PORT && in->n && out->n)
			report_role(c, p, &p->edges.at[out->at[0]], i,
				    "is a port; here it is used both as a source and as an exit");
		if (role == ROLE_PORT && out->n)
			p->instances.at[i]->schedulable = true;
	}
}

static void check_graph(struct check *c, struct m_pipeline *p)
{
	size_t *waiting = arena_many(ARENA(c), size_t, p->instances.n);

	link_edges(c, p);
	if (sort_topologically(c, p, waiting) < p->instances.n) {
		report_cycle(c, p, waiting);
		p->sound = false;
	}
	check_roles(c, p);
}

/* ---- derived attributes: where they are known ---- */

struct knowing {
	struct check *check;
	struct m_pipeline *pipeline;
	size_t at;                 /* the module that the edge leaves */
	struct map reached;        /* field -> bool[]: reached without being derived */
};

static const struct m_derives *derives_find(const struct m_instance *i, const char *name)
{
	const struct m_function *f = i->function ? OBJECT(i->function, m_function) : NULL;

	for (size_t k = 0; f && k < f->derives.n; k++)
		if (!strcmp(f->derives.at[k].name, name))
			return &f->derives.at[k];
	return NULL;
}

/* Whether INST derives FIELD for packets that leave it. */
static bool derives_field(const struct m_instance *i, const struct field *f)
{
	if (!f->derived)
		return derives_find(i, f->name) != NULL;
	return !strncmp(f->name, i->sym->canonical, strlen(i->sym->canonical)) &&
	       f->name[strlen(i->sym->canonical)] == '.' &&
	       derives_find(i, f->name + strlen(i->sym->canonical) + 1);
}

/* Modules that some path reaches without passing one that derives the field. */
static const bool *reached_without(struct knowing *k, const struct field *f)
{
	struct m_pipeline *p = k->pipeline;
	bool *reached = map_get(&k->reached, f);

	if (reached)
		return reached;
	reached = arena_many(ARENA(k->check), bool, p->instances.n);
	for (size_t o = 0; o < p->instances.n; o++) {
		size_t i = p->order[o];

		reached[i] |= !p->in[i].n;
		if (!reached[i] || derives_field(p->instances.at[i], f))
			continue;
		for (size_t j = 0; j < p->out[i].n; j++)
			reached[p->edges.at[p->out[i].at[j]].to] = true;
	}
	map_put(&k->reached, f, reached);
	return reached;
}

static bool known_on_edge(void *data, const struct symbol *inst, const struct field *f)
{
	struct knowing *k = data;
	const struct m_instance *here = k->pipeline->instances.at[k->at];

	if (inst && inst->owner != k->pipeline->sym)
		return false;
	if (derives_field(here, f))
		return true;
	if (inst && derives_find(inst->object, f->name + strlen(inst->canonical) + 1)->via == VIA_PORT)
		return false;
	return !reached_without(k, f)[k->at];
}

/* ---- filters of edges ---- */

static void read_edge_filter(struct check *c, struct knowing *k, struct m_edge *e,
			     const struct ast_stmt *s)
{
	const struct ast_clause *when = clause_find(&s->edge.clauses, "when");
	const struct filter_place place = { known_on_edge, k };
	const struct fx *fx = fx_true(c->model->fields);

	k->at = e->from;
	if (when && s->edge.hops.n == 2) {
		e->when_span = when->values.at[0]->span;
		fx = filter_of(c, k->pipeline->sym->members, when->values.at[0], &place);
	}
	if (!fx) {
		k->pipeline->sound = false;
		return;
	}
	e->when = fx;
	if (!e->otherwise)
		e->cubes = fx_cubes(c->model->fields, fx);
}

static void read_edge_rate(struct check *c, struct m_pipeline *p, struct m_edge *e,
			   const struct ast_stmt *s)
{
	const struct ast_clause *rate = clause_find(&s->edge.clauses, "rate");
	struct rat value;
	bool packets;

	if (!rate || s->edge.hops.n > 2 ||
	    !value_quantity2(c, operand_of(c, p->sym->members, rate->values.at[0]), DIM_RATE,
			     DIM_PACKET_RATE, &value, &packets))
		return;
	e->rate_span = rate->span;
	if (!packets && !rat_given(p->packet)) {
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0402, rate->values.at[0]->span,
				   "a rate becomes a packet-rate by the packet size, and pipeline '%s' states none",
				   p->sym->name),
			  "state 'packet 512B;' in the pipeline, or write the rate in pps");
		return;
	}
	e->rate = packets ? value : rat_div(value, rat_mul(p->packet, rat_int(8)));
	e->rate_in_bits = !packets;
	e->has_rate = e->stated = true;
}

/* The complement of the union of the siblings. */
static void expand_otherwise(struct check *c, struct m_pipeline *p, struct m_edge *e)
{
	const struct m_links *out = &p->out[e->from];
	const struct fx **siblings = arena_many(ARENA(c), const struct fx *, out->n);
	size_t n = 0;

	for (size_t j = 0; j < out->n; j++) {
		const struct m_edge *s = &p->edges.at[out->at[j]];

		if (!s->copy && !s->otherwise && s->when)
			siblings[n++] = s->when;
	}
	e->when = fx_not(c->model->fields, fx_or(c->model->fields, siblings, n));
}

static void read_filters(struct check *c, struct m_pipeline *p)
{
	struct knowing k = { .check = c, .pipeline = p };
	size_t next = 0;

	map_init(&k.reached, ARENA(c));
	for (size_t i = 0; i < p->sym->stmt->decl.body.n; i++) {
		const struct ast_stmt *s = p->sym->stmt->decl.body.at[i];

		if (s->kind != STMT_EDGE)
			continue;
		for (size_t arrow = 0; arrow + 1 < s->edge.hops.n; arrow++) {
			size_t n = s->edge.hops.at[arrow].paths.n * s->edge.hops.at[arrow + 1].paths.n;

			for (size_t j = 0; j < n && next < p->edges.n; j++, next++) {
				read_edge_filter(c, &k, &p->edges.at[next], s);
				read_edge_rate(c, p, &p->edges.at[next], s);
			}
		}
	}
	for (size_t e = 0; e < p->edges.n; e++)
		if (p->edges.at[e].otherwise)
			expand_otherwise(c, p, &p->edges.at[e]);
}

/* ---- siblings are disjoint ---- */

struct siblings {
	struct check *check;
	struct m_pipeline *pipeline;
	const size_t *edges;
};

enum { MOST_OVERLAPS = 50 }; /* per module; the rest repeats the same mistake */

static void report_overlap(size_t i, size_t j, const struct packet *example, void *data)
{
	struct siblings *s = data;
	struct check *c = s->check;
	size_t first = s->edges[i] < s->edges[j] ? s->edges[i] : s->edges[j];
	size_t second = s->edges[i] < s->edges[j] ? s->edges[j] : s->edges[i];
	const struct m_edge *a = &s->pipeline->edges.at[first], *b = &s->pipeline->edges.at[second];
	struct diag *d;

	d = diag_add(DIAGS(c), E0501, b->when_span,
		     "'%s' would send some packets to both '%s' and '%s'",
		     s->pipeline->instances.at[a->from]->sym->name,
		     s->pipeline->instances.at[a->to]->sym->name,
		     s->pipeline->instances.at[b->to]->sym->name);
	diag_also(DIAGS(c), d, a->when_span, "the other edge");
	diag_note(DIAGS(c), d, "for example %s", packet_words(c, example));
	diag_help(DIAGS(c), d, "exclude one filter from the other, or write 'otherwise' on one edge");
	packet_data(c, d, example, "");
}

static void check_disjoint(struct check *c, struct m_pipeline *p, size_t module)
{
	const struct m_links *out = &p->out[module];
	size_t *edges = arena_many(ARENA(c), size_t, out->n), n = 0;
	const struct cubes **sets = arena_many(ARENA(c), const struct cubes *, out->n);
	struct siblings s = { c, p, edges };
	const struct m_edge *otherwise = NULL;

	for (size_t j = 0; j < out->n; j++) {
		const struct m_edge *e = &p->edges.at[out->at[j]];

		if (e->copy)
			continue;
		if (e->otherwise && otherwise)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0501, e->span, "'%s' has two edges with 'otherwise'",
					   p->instances.at[module]->sym->name),
				  otherwise->span, "the first");
		if (e->otherwise) {
			otherwise = e;
			continue;
		}
		edges[n] = out->at[j];
		sets[n++] = e->cubes;
	}
	cubes_overlaps(c->model->fields, sets, n, MOST_OVERLAPS, report_overlap, &s);
}

/* ---- all of it ---- */

static void read_pipeline(struct check *c, struct symbol *sym)
{
	struct m_pipeline *p = sym->object;
	struct block b = { .name = "pipeline", .sym = sym, .scope = sym->members, .object = p,
			   .body = &sym->stmt->decl.body };

	p->sound = true;
	block_read(c, &b);
	for (size_t i = 0; i < b.body->n; i++)
		if (b.body->at[i]->kind == STMT_DECL && b.body->at[i]->decl.kind == DECL_INSTANCE)
			read_instance(c, p, b.body->at[i]);
}

static void wire_pipeline(struct check *c, struct m_pipeline *p)
{
	const struct ast_stmts *body = &p->sym->stmt->decl.body;

	for (size_t i = 0; i < body->n; i++) {
		if (body->at[i]->kind != STMT_EDGE)
			continue;
		check_edge_clauses(c, body->at[i]);
		for (size_t arrow = 0; arrow + 1 < body->at[i]->edge.hops.n; arrow++)
			connect(c, p, body->at[i], arrow);
	}
	check_graph(c, p);
	if (!p->sound)
		return;
	read_filters(c, p);
	if (!p->sound)
		return;
	for (size_t i = 0; i < p->instances.n; i++)
		check_disjoint(c, p, i);
	pipeline_rates(c, p);
}

void check_pipelines(struct check *c)
{
	struct refs *all = &c->model->pipelines;

	for (size_t i = 0; i < all->n; i++)
		read_pipeline(c, all->at[i]);
	for (size_t i = 0; i < all->n; i++)
		wire_pipeline(c, all->at[i]->object);
}
