/* Classes: filters and the paths that they can take (doc/language.md 5.4). */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

enum { MOST_PATHS = 1 << 16 };

static void read_through(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_class *class = b->object;

	clauses_check(c, &s->property.clauses, "");
	class->through = only_value(c, s);
}

/* ---- walking ---- */

struct walk {
	struct check *check;
	struct m_class *class;
	struct m_pipeline *pipeline;
	const size_t *chain; /* modules of `through`, or NULL for any way */
	size_t n_chain;
	VEC(size_t) stack;  /* modules on the way */
	VEC(size_t) copies; /* places in it right behind copy edges */
	bool full;
};

/* What is known of the packets on the way: as they are now, and as they entered. */
struct packets {
	const struct cubes *now, *entry;
	const struct field_set *rewritten; /* fields that no longer say how they entered */
};

static bool was_rewritten(const struct field *f, void *data)
{
	const struct field_set *set = data;

	for (size_t i = 0; i < set->n; i++)
		if (set->at[i] == f)
			return true;
	return false;
}

static struct packets behind_module(struct walk *w, const struct m_instance *i, struct packets p)
{
	struct field_set *rewritten;
	const struct m_function *f = i->function ? OBJECT(i->function, m_function) : NULL;

	if (!f || !f->rewrites.n)
		return p;
	rewritten = arena_one(ARENA(w->check), struct field_set);
	for (size_t k = 0; p.rewritten && k < p.rewritten->n; k++)
		vec_push(ARENA(w->check), rewritten, p.rewritten->at[k]);
	for (size_t k = 0; k < f->rewrites.n; k++) {
		vec_push(ARENA(w->check), rewritten, f->rewrites.at[k]);
		p.now = cubes_forget(w->check->model->fields, p.now, f->rewrites.at[k]);
	}
	p.rewritten = rewritten;
	return p;
}

static struct packets across_edge(struct walk *w, const struct m_edge *e, struct packets p)
{
	struct fields *fields = w->check->model->fields;
	const struct fx *entering = e->when;

	if (p.rewritten)
		entering = fx_relax(fields, e->when, was_rewritten, (void *)p.rewritten);
	p.now = cubes_filter(fields, p.now, e->when);
	p.entry = cubes_empty(p.now) ? p.now : cubes_filter(fields, p.entry, entering);
	return p;
}

static bool is_exit(const struct m_pipeline *p, size_t module)
{
	const struct m_instance *i = p->instances.at[module];
	int role;

	if (p->out[module].n)
		return false;
	role = i->is_drop || !i->function ? ROLE_EXIT : OBJECT(i->function, m_function)->role;
	return role == ROLE_EXIT || role == ROLE_PORT;
}

static bool is_source(const struct m_pipeline *p, size_t module)
{
	const struct m_instance *i = p->instances.at[module];
	int role = i->function ? OBJECT(i->function, m_function)->role : ROLE_TRANSIT;

	return !p->in[module].n && (role == ROLE_SOURCE || role == ROLE_PORT);
}

static const size_t *places_copy(struct walk *w, const size_t *at, size_t n)
{
	size_t *places = arena_many(ARENA(w->check), size_t, n);

	if (n)
		memcpy(places, at, n * sizeof(*places));
	return places;
}

static void add_path(struct walk *w, struct packets p)
{
	struct m_path path = { .pipeline = w->pipeline, .n = w->stack.n, .n_copies = w->copies.n,
			       .cubes = p.entry };

	path.modules = places_copy(w, w->stack.at, w->stack.n);
	path.copies = places_copy(w, w->copies.at, w->copies.n);
	if (w->class->paths.n == MOST_PATHS)
		w->full = true;
	else
		vec_push(ARENA(w->check), &w->class->paths, path);
}

static void walk_from(struct walk *w, size_t module, struct packets p);

static size_t first_copy(const struct m_pipeline *p, size_t module)
{
	size_t low = 0, high = p->out[module].n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->edges.at[p->out[module].at[middle]].copy)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Parallel edges to one module are one step: packets of any of them take it. */
static void take_step(struct walk *w, struct m_links edges, struct packets p)
{
	struct fields *fields = w->check->model->fields;
	const struct m_edge *e = &w->pipeline->edges.at[edges.at[0]];
	struct packets taken = across_edge(w, e, p);

	for (size_t j = 1; j < edges.n; j++) {
		struct packets more = across_edge(w, &w->pipeline->edges.at[edges.at[j]], p);

		taken.now = cubes_or(fields, taken.now, more.now);
		taken.entry = cubes_or(fields, taken.entry, more.entry);
	}
	if (cubes_empty(taken.now) || cubes_empty(taken.entry))
		return;
	if (e->copy)
		vec_push(ARENA(w->check), &w->copies, w->stack.n);
	walk_from(w, e->to, taken);
	w->copies.n -= e->copy;
}

static void walk_from(struct walk *w, size_t module, struct packets p)
{
	const struct m_links *out = &w->pipeline->out[module];
	bool bound = w->chain && !w->copies.n;
	size_t j = 0;

	if (w->full)
		return;
	vec_push(ARENA(w->check), &w->stack, module);
	if (is_exit(w->pipeline, module))
		add_path(w, p);
	p = behind_module(w, w->pipeline->instances.at[module], p);
	if (bound && w->stack.n < w->n_chain) {
		struct m_links edges =
			pipeline_edges_between(w->pipeline, module, w->chain[w->stack.n], false);

		take_step(w, edges, p);
	}
	/* Copies stand behind the other edges. */
	if (bound)
		j = first_copy(w->pipeline, module);
	while (j < out->n) {
		const struct m_edge *e = &w->pipeline->edges.at[out->at[j]];
		struct m_links edges = pipeline_edges_between(w->pipeline, module, e->to, e->copy);

		take_step(w, edges, p);
		j += edges.n;
	}
	w->stack.n--;
}

static struct packets entering(struct check *c, const struct m_class *class)
{
	const struct cubes *match = fx_cubes(c->model->fields, class->match);

	return (struct packets){ match, match, NULL };
}

static void walk_pipeline(struct check *c, struct m_class *class, struct m_pipeline *p,
			  const size_t *chain, size_t n_chain)
{
	struct walk w = { .check = c, .class = class, .pipeline = p, .chain = chain, .n_chain = n_chain };
	struct packets all = entering(c, class);

	if (!p->sound)
		return;
	if (cubes_empty(all.now))
		return;
	if (chain)
		walk_from(&w, chain[0], all);
	for (size_t i = 0; i < p->instances.n && !chain; i++)
		if (is_source(p, i))
			walk_from(&w, i, all);
	if (w.full)
		diag_add(DIAGS(c), E0506, class->sym->span,
			 "class '%s' has more than %d paths; name one chain with 'through'", class->sym->name,
			 MOST_PATHS);
}

void class_walk_all(struct check *c, struct m_class *class, struct m_pipeline *p)
{
	walk_pipeline(c, class, p, NULL, 0);
}

/* ---- through ---- */

static void report_chain(struct check *c, const struct ast_expr *e, const char *why)
{
	diag_help(DIAGS(c),
		  diag_add(DIAGS(c), E0506, e->span, "this is no path of one pipeline from a source to an exit: %s", why),
		  "name every module on the way, or all paths by a star behind the pipeline's name");
}

/* The instances that a chain names, all of one pipeline; NULL: reported. */
static struct m_pipeline *chain_instances(struct check *c, struct scope *s, const struct ast_expr *e,
					  struct numbers *modules)
{
	struct m_pipeline *p = NULL;

	for (size_t i = 0; i < e->list.members.n; i++) {
		struct symbol *sym = resolve_ref(c, s, e->list.members.at[i], KIND(INSTANCE));
		struct m_pipeline *of = sym ? sym->owner->object : NULL;

		if (!sym)
			return NULL;
		if (p && of != p) {
			report_chain(c, e->list.members.at[i], "its modules are of several pipelines");
			return NULL;
		}
		p = of;
		if (!OBJECT(sym, m_instance)->pipeline) {
			report_chain(c, e->list.members.at[i], "no edge leads to 'drop'");
			return NULL;
		}
		vec_push(ARENA(c), modules, OBJECT(sym, m_instance)->index);
	}
	return p;
}

static bool chain_is_wired(struct check *c, const struct m_pipeline *p, const struct ast_expr *e,
			   const struct numbers *modules)
{
	for (size_t i = 0; i + 1 < modules->n; i++) {
		if (pipeline_edges_between(p, modules->at[i], modules->at[i + 1], false).n)
			continue;
		report_chain(c, e->list.members.at[i + 1],
			     arena_printf(ARENA(c), "no edge leads from '%s' to '%s'",
					  p->instances.at[modules->at[i]]->sym->name,
					  p->instances.at[modules->at[i + 1]]->sym->name));
		return false;
	}
	return true;
}

static void walk_chain(struct check *c, struct m_class *class, const struct ast_expr *e)
{
	struct scope *s = class->sym->members;
	struct numbers modules = { 0 };
	struct m_pipeline *p = chain_instances(c, s, e, &modules);

	if (!p || !p->sound || !chain_is_wired(c, p, e, &modules))
		return;
	if (!is_source(p, modules.at[0])) {
		report_chain(c, e->list.members.at[0], arena_printf(ARENA(c), "'%s' is no source", p->instances.at[modules.at[0]]->sym->name));
		return;
	}
	if (!is_exit(p, modules.at[modules.n - 1])) {
		report_chain(c, e->list.members.at[modules.n - 1],
			     arena_printf(ARENA(c), "'%s' is no exit", p->instances.at[modules.at[modules.n - 1]]->sym->name));
		return;
	}
	vec_push(ARENA(c), &class->pipelines, p->sym);
	walk_pipeline(c, class, p, modules.at, modules.n);
}

static void walk_all_of(struct check *c, struct m_class *class, const struct ast_expr *e)
{
	struct ast_expr whole = *e;
	struct symbol *sym;

	whole.path.star = false;
	sym = e->path.names.n ? resolve_ref(c, class->sym->members, &whole, KIND(PIPELINE)) : NULL;
	if (!e->path.names.n)
		diag_add(DIAGS(c), E0401, e->span, "write 'P.*' for all paths of pipeline P");
	if (!sym)
		return;
	vec_push(ARENA(c), &class->pipelines, sym);
	walk_pipeline(c, class, sym->object, NULL, 0);
}

/* Where there is no `through`, the class passes the pipelines in which it is used. */
static void walk_used(struct check *c, struct m_class *class)
{
	for (size_t i = 0; i < class->pipelines.n; i++)
		walk_pipeline(c, class, class->pipelines.at[i]->object, NULL, 0);
}

static void find_paths(struct check *c, struct m_class *class)
{
	struct operand o = { 0 };
	size_t before = c->ctx->diags.n_errors;
	bool sound = true;

	if (class->through)
		o = operand_of(c, class->sym->members, class->through);
	if (!class->through)
		walk_used(c, class);
	else if (!o.e)
		return;
	else if (o.e->kind == AST_CHAIN)
		walk_chain(c, class, o.e);
	else if (o.e->kind == AST_PATH && o.e->path.star)
		walk_all_of(c, class, o.e);
	else
		report_chain(c, class->through, "write 'a -> b -> c', or 'P.*' for all paths of pipeline P");
	for (size_t i = 0; i < class->pipelines.n; i++)
		sound &= OBJECT(class->pipelines.at[i], m_pipeline)->sound;
	if (!class->paths.n && class->pipelines.n && sound && c->ctx->diags.n_errors == before)
		diag_add(DIAGS(c), E0509, class->sym->span,
			 "no packet can belong to class '%s': none that meets its filter can take its paths",
			 class->sym->name);
}

/* ---- rates ---- */

static void settle_rate(struct check *c, struct m_class *class)
{
	struct rat packet = class->packet;

	if (!rat_given(packet) && class->pipelines.n)
		packet = OBJECT(class->pipelines.at[0], m_pipeline)->packet;
	class->packet_bytes = packet;
	class->rate_pps = RAT_ZERO;
	if (!rat_given(class->rate.value))
		return;
	if (class->rate.packets) {
		class->rate_pps = class->rate.value;
	} else if (rat_given(packet)) {
		class->rate_pps = rat_div(class->rate.value, rat_mul(packet, rat_int(8)));
	} else {
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0402, class->sym->span,
				   "the rate of class '%s' becomes a packet-rate by a packet size, and none is stated",
				   class->sym->name),
			  "state 'packet 512B;' in the class or in its pipeline");
	}
}

static void read_class(struct check *c, struct symbol *sym)
{
	struct m_class *class = sym->object;
	struct block b = { .name = "class", .sym = sym, .scope = sym->members, .object = class,
			   .body = &sym->stmt->decl.body, .code = read_through };

	class->match = fx_true(c->model->fields);
	block_read(c, &b);
	if (class->carries && !OBJECT(class->carries, m_attribute)->label)
		diag_add(DIAGS(c), E0303, block_given(&b, "carries")->span,
			 "'%s' is an attribute of nodes; a label is due here", class->carries->name);
}

void check_classes(struct check *c)
{
	for (size_t i = 0; i < c->model->classes.n; i++)
		read_class(c, c->model->classes.at[i]);
}

void check_class_paths(struct check *c)
{
	for (size_t i = 0; i < c->model->classes.n; i++) {
		struct m_class *class = c->model->classes.at[i]->object;

		if (class->match)
			find_paths(c, class);
		settle_rate(c, class);
	}
}

/* ---- cost and speed stated together ---- */

static void compare_spellings(struct check *c, const struct m_instance *i, struct rat bytes,
			      const char *what)
{
	struct rat by_cost = rat_add(i->cycles, rat_mul(i->cycles_per_byte, bytes));
	struct rat by_speed = i->cost.speed.packets ?
				      rat_div(RAT_ONE, i->cost.speed.value) :
				      rat_div(rat_mul(rat_int(8), bytes), i->cost.speed.value);
	struct rat least = rat_mul(by_speed, rat_make(9, 10)), most = rat_mul(by_speed, rat_make(11, 10));
	char a[DEC_TEXT_SIZE], b[DEC_TEXT_SIZE];

	if (rat_cmp(by_cost, least) >= 0 && rat_cmp(by_cost, most) <= 0)
		return;
	diag_add(DIAGS(c), E0406, span_is_none(i->cost_span) ? i->sym->span : i->cost_span,
		 "at the packet size of %s, the cost of '%s' is %s cycles and its speed means %s", what,
		 i->sym->name, rat_text(by_cost, a), rat_text(by_speed, b));
}

static bool states_both(const struct m_instance *i)
{
	return rat_given(i->cost.speed.value) && (rat_given(i->cost.cost) || rat_given(i->cost.per_byte));
}

void check_class_costs(struct check *c)
{
	for (size_t k = 0; k < c->model->classes.n; k++) {
		const struct m_class *class = c->model->classes.at[k]->object;

		if (!rat_given(class->packet_bytes))
			continue;
		for (size_t p = 0; p < class->paths.n; p++)
			for (size_t i = 0; i < class->paths.at[p].n; i++) {
				const struct m_path *path = &class->paths.at[p];
				const struct m_instance *inst = path->pipeline->instances.at[path->modules[i]];

				if (states_both(inst))
					compare_spellings(c, inst, class->packet_bytes,
							  arena_printf(ARENA(c), "class '%s'", class->sym->name));
			}
	}
	for (size_t k = 0; k < c->model->pipelines.n; k++) {
		const struct m_pipeline *p = c->model->pipelines.at[k]->object;

		for (size_t i = 0; i < p->instances.n && rat_given(p->packet); i++)
			if (states_both(p->instances.at[i]))
				compare_spellings(c, p->instances.at[i], p->packet,
						  arena_printf(ARENA(c), "pipeline '%s'", p->sym->name));
	}
}
