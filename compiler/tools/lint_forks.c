/* Where packets go, or do not go, in a pipeline. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_shared.h"

/* Calls JUDGE for each sound pipeline of the root file. */
static void each_pipeline(struct linting *l,
			  void (*judge)(struct linting *, const struct m_pipeline *))
{
	struct refs own = lint_pipelines(l);

	for (size_t i = 0; i < own.n; i++)
		judge(l, own.at[i]->object);
}

static const struct m_edge *out_edge(const struct m_pipeline *p, size_t module, size_t j)
{
	return &p->edges.at[p->out[module].at[j]];
}

/* ---- L2009 unused-derived-value ---- */

/* A derived attribute, and where it decides. */
struct asking {
	struct linting *lint;
	const struct m_pipeline *pipeline;
	const struct field **fields; /* each once */
	size_t n;
	struct map index; /* field -> its number, from 1 */
	VEC(size_t) * at; /* per field: modules whose out-edges compare it */
};

struct seeing {
	struct asking *asking;
	size_t module;
};

static void see_field(const struct field *f, void *data)
{
	const struct seeing *s = data;
	struct asking *a = s->asking;
	size_t k = (size_t)(uintptr_t)map_get(&a->index, f);

	if (k && (!a->at[k - 1].n || a->at[k - 1].at[a->at[k - 1].n - 1] != s->module))
		vec_push(LINT_ARENA(a->lint), &a->at[k - 1], s->module);
}

static void list_derived(struct asking *a)
{
	const struct m_pipeline *p = a->pipeline;
	VEC(const struct field *) found = { 0 };

	map_init(&a->index, LINT_ARENA(a->lint));
	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_function *f = lint_function(p->instances.at[i]);

		for (size_t k = 0; f && k < f->derives.n; k++) {
			const char *name =
			    arena_printf(LINT_ARENA(a->lint), "%s.%s",
					 p->instances.at[i]->sym->canonical, f->derives.at[k].name);
			const struct field *field = fields_find(LINT_FIELDS(a->lint), name);

			if (!field || field->kind != FIELD_SYMBOL)
				continue;
			vec_push(LINT_ARENA(a->lint), &found, field);
			map_put(&a->index, field, (void *)(uintptr_t)found.n);
		}
	}
	a->fields = found.at;
	a->n = found.n;
	a->at = arena_alloc_many(LINT_ARENA(a->lint), found.n, sizeof(*a->at));
}

static struct asking find_askers(struct linting *l, const struct m_pipeline *p)
{
	struct asking a = { .lint = l, .pipeline = p };

	list_derived(&a);
	for (size_t i = 0; i < p->instances.n && a.n; i++) {
		struct seeing s = { &a, i };

		for (size_t j = 0; j < p->out[i].n; j++)
			if (!out_edge(p, i, j)->otherwise)
				fx_visit(out_edge(p, i, j)->when, see_field, &s);
	}
	return a;
}

static const struct fx *has_value(struct linting *l, const struct field *f,
				  const char *const *values, size_t n)
{
	struct fx_member *members = arena_many(LINT_ARENA(l), struct fx_member, n);

	for (size_t i = 0; i < n; i++)
		members[i] = (struct fx_member){ .kind = FX_TEXT, .text = values[i] };
	return fx_cmp(LINT_FIELDS(l), f, members, n);
}

/* The values of field K that no edge takes; none where some `otherwise` does. */
static size_t unused_values(const struct asking *a, size_t k, const char **unused)
{
	const struct field *f = a->fields[k];
	size_t n = 0;

	for (size_t v = 0; v < f->n_values && a->at[k].n; v++) {
		const struct cubes *set =
		    fx_cubes(LINT_FIELDS(a->lint), has_value(a->lint, f, &f->values[v], 1));
		bool used = false;

		for (size_t m = 0; m < a->at[k].n && !used; m++) {
			size_t module = a->at[k].at[m];

			for (size_t j = 0; j < a->pipeline->out[module].n && !used; j++) {
				const struct m_edge *e = out_edge(a->pipeline, module, j);

				used = e->otherwise ||
				       cubes_overlap(LINT_FIELDS(a->lint), set, e->cubes, NULL);
			}
		}
		if (!used)
			unused[n++] = f->values[v];
	}
	return n;
}

static const struct m_instance *deriver(const struct m_pipeline *p, const struct field *f)
{
	for (size_t i = 0; i < p->instances.n; i++) {
		size_t length = strlen(p->instances.at[i]->sym->canonical);

		if (!strncmp(f->name, p->instances.at[i]->sym->canonical, length) &&
		    f->name[length] == '.' && !strchr(f->name + length + 1, '.'))
			return p->instances.at[i];
	}
	return NULL;
}

static void report_unused(const struct asking *a, size_t k, const char *const *unused, size_t n)
{
	struct linting *l = a->lint;
	const struct field *f = a->fields[k];
	const struct m_instance *i = deriver(a->pipeline, f);
	size_t module = a->at[k].at[0];
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L2009, i->sym->span, "no edge takes packets whose %s is %s",
		     f->name, lint_list(l, unused, n));
	for (size_t j = 0; j < a->pipeline->out[module].n; j++)
		diag_also(LINT_DIAGS(l), d, out_edge(a->pipeline, module, j)->when_span,
			  "what is taken here");
	diag_help(LINT_DIAGS(l), d, "write an edge for %s, or 'otherwise'", n == 1 ? "it" : "them");
}

static void judge_derived(struct linting *l, const struct m_pipeline *p)
{
	struct asking a = find_askers(l, p);

	for (size_t k = 0; k < a.n; k++) {
		const char **unused =
		    arena_many(LINT_ARENA(l), const char *, a.fields[k]->n_values);
		size_t n = unused_values(&a, k, unused);

		if (n)
			report_unused(&a, k, unused, n);
	}
}

void lint_unused_derived(struct linting *l)
{
	each_pipeline(l, judge_derived);
}

/* ---- L2006 lossy-fork ---- */

/* What L2009 says is not said again. */
static const struct cubes *without_unused(const struct asking *a, size_t module,
					  const struct cubes *leaving)
{
	for (size_t k = 0; k < a->n; k++) {
		const char **unused =
		    arena_many(LINT_ARENA(a->lint), const char *, a->fields[k]->n_values);
		bool asks = false;
		size_t n;

		for (size_t m = 0; m < a->at[k].n && !asks; m++)
			asks = a->at[k].at[m] == module;
		n = asks ? unused_values(a, k, unused) : 0;
		if (n)
			leaving = cubes_filter(LINT_FIELDS(a->lint), leaving,
					       fx_not(LINT_FIELDS(a->lint),
						      has_value(a->lint, a->fields[k], unused, n)));
	}
	return leaving;
}

/* The filters of the `->` edges; false if one of them takes all that is left, or is left out. */
static bool taken_sets(const struct m_pipeline *p, size_t module, const struct cubes **sets,
		       size_t *n, const struct m_edge **last)
{
	*n = 0;
	for (size_t j = 0; j < p->out[module].n; j++) {
		const struct m_edge *e = out_edge(p, module, j);

		if (e->copy)
			continue;
		if (e->otherwise || fx_kind(e->when) == FX_TRUE)
			return false;
		*last = e;
		sets[(*n)++] = e->cubes;
	}
	return p->out[module].n > 0;
}

static void judge_fork(struct linting *l, const struct asking *a, const struct lint_way *at,
		       size_t module)
{
	const struct m_pipeline *p = a->pipeline;
	const struct m_instance *i = p->instances.at[module];
	const struct cubes **sets =
	    arena_many(LINT_ARENA(l), const struct cubes *, p->out[module].n);
	struct lint_way leaving = lint_behind(l, i, at[module]);
	const struct m_edge *last = NULL;
	struct packet example;
	struct diag *d;
	size_t n;

	if (!taken_sets(p, module, sets, &n, &last) || cubes_empty(leaving.cubes) || !leaving.exact)
		return;
	if (cubes_covered(LINT_FIELDS(l), without_unused(a, module, leaving.cubes), sets, n,
			  &example))
		return;
	d = diag_add(LINT_DIAGS(l), L2006, i->sym->span,
		     last ? "some packets take no edge out of '%s': they are lost"
			  : "packets take no edge out of '%s' but copies: they are lost",
		     i->sym->name);
	if (last)
		diag_also(LINT_DIAGS(l), d, last->when_span,
			  n == 1 ? "the only edge" : "the last of its edges");
	lint_example(l, d, &example);
	diag_help(LINT_DIAGS(l), d,
		  "write '%s -> drop otherwise;' to drop them, or send them elsewhere",
		  i->sym->name);
}

static void judge_forks(struct linting *l, const struct m_pipeline *p)
{
	const struct lint_way *at = lint_arriving(l, p);
	struct asking a = find_askers(l, p);

	for (size_t i = 0; i < p->instances.n; i++)
		if (p->out[i].n)
			judge_fork(l, &a, at, i);
}

void lint_lossy_forks(struct linting *l)
{
	each_pipeline(l, judge_forks);
}

/* ---- L2007 unreachable-node, L2008 dead-end ---- */

static void judge_reach(struct linting *l, const struct m_pipeline *p)
{
	const struct lint_way *at = lint_arriving(l, p);

	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_instance *inst = p->instances.at[i];
		struct diag *d;

		if (inst->is_drop || lint_begins(p, i) || !cubes_empty(at[i].cubes))
			continue;
		d = diag_add(LINT_DIAGS(l), L2007, inst->sym->span, "no packet can reach '%s'",
			     inst->sym->name);
		for (size_t j = 0; j < p->in[i].n && j < 5; j++)
			diag_also(LINT_DIAGS(l), d, p->edges.at[p->in[i].at[j]].when_span,
				  "no packet takes this edge");
		diag_help(LINT_DIAGS(l), d,
			  p->in[i].n ? "widen a filter on the way to it, or leave it out"
				     : "no edge leads to it: write one, or leave it out");
	}
}

void lint_unreachable(struct linting *l)
{
	each_pipeline(l, judge_reach);
}

static void judge_ends(struct linting *l, const struct m_pipeline *p)
{
	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_instance *inst = p->instances.at[i];

		if (p->out[i].n || lint_role(inst) != ROLE_TRANSIT || !inst->function)
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L2008, inst->sym->span,
				   "packets come no further than '%s': no edge leads out of it",
				   inst->sym->name),
			  "lead its packets to an exit, or write '%s -> drop;'", inst->sym->name);
	}
}

void lint_dead_ends(struct linting *l)
{
	each_pipeline(l, judge_ends);
}

/* ---- L2011 rewritten-field-match ---- */

enum { MOST_REWRITTEN = 64 };

/* For each field that is rewritten, the last module upstream that does. */
struct rewriting {
	struct linting *lint;
	const struct m_pipeline *pipeline;
	const struct field *fields[MOST_REWRITTEN];
	size_t n;
	size_t (*by)[MOST_REWRITTEN]; /* per module: what leaves it; a module + 1, or 0 */
};

static size_t field_number(struct rewriting *r, const struct field *f, bool add)
{
	size_t k = 0;

	while (k < r->n && r->fields[k] != f)
		k++;
	if (k == r->n && add && r->n < MOST_REWRITTEN)
		r->fields[r->n++] = f;
	return k;
}

static void spread_rewriters(struct rewriting *r)
{
	const struct m_pipeline *p = r->pipeline;

	for (size_t o = 0; o < p->instances.n; o++) {
		size_t i = p->order[o];
		const struct m_function *f = lint_function(p->instances.at[i]);

		for (size_t k = 0; f && k < f->rewrites.n; k++) {
			size_t number = field_number(r, f->rewrites.at[k], true);

			if (number < r->n)
				r->by[i][number] = i + 1;
		}
		for (size_t j = 0; j < p->out[i].n; j++) {
			size_t to = out_edge(p, i, j)->to;

			for (size_t k = 0; k < r->n; k++)
				if (r->by[i][k])
					r->by[to][k] = r->by[i][k];
		}
	}
}

struct comparing {
	struct rewriting *rewriting;
	size_t module;
	const struct field *found;
	size_t by;
};

static void see_rewritten(const struct field *f, void *data)
{
	struct comparing *c = data;
	size_t k = field_number(c->rewriting, f, false);

	if (c->found || k == c->rewriting->n || !c->rewriting->by[c->module][k])
		return;
	c->found = f;
	c->by = c->rewriting->by[c->module][k] - 1;
}

static void judge_rewritten(struct linting *l, const struct m_pipeline *p)
{
	struct rewriting r = { .lint = l, .pipeline = p };

	r.by = arena_alloc_many(LINT_ARENA(l), p->instances.n, sizeof(*r.by));
	spread_rewriters(&r);
	for (size_t e = 0; e < p->edges.n && r.n; e++) {
		struct comparing c = { &r, p->edges.at[e].from, NULL, 0 };
		struct diag *d;

		if (p->edges.at[e].otherwise)
			continue;
		fx_visit(p->edges.at[e].when, see_rewritten, &c);
		if (!c.found)
			continue;
		d = diag_add(LINT_DIAGS(l), L2011, p->edges.at[e].when_span,
			     "'%s' rewrites %s, so this compares what it has put there",
			     p->instances.at[c.by]->sym->name, c.found->name);
		diag_also(LINT_DIAGS(l), d, p->instances.at[c.by]->sym->span, "rewrites %s",
			  c.found->name);
		diag_help(LINT_DIAGS(l), d, "compare %s in front of '%s', or another field here",
			  c.found->name, p->instances.at[c.by]->sym->name);
	}
}

void lint_rewritten(struct linting *l)
{
	each_pipeline(l, judge_rewritten);
}

/* ---- L2016 copy-storm ---- */

/* What is known to enter a module, packets/s; false: not all of it. */
static bool entering_rate(const struct m_pipeline *p, size_t module, struct rat *rate)
{
	bool begins = !p->in[module].n;
	const struct m_links *links = begins ? &p->out[module] : &p->in[module];

	*rate = RAT_ZERO;
	for (size_t j = 0; j < links->n; j++) {
		const struct m_edge *e = &p->edges.at[links->at[j]];

		if (begins && e->copy)
			continue;
		if (!e->has_rate)
			return false;
		*rate = rat_add(*rate, e->rate);
	}
	return rat_sign(*rate) > 0;
}

static const char *percent(struct linting *l, struct rat part, struct rat whole)
{
	struct rat share = rat_mul(rat_div(part, whole), rat_int(100));

	return arena_printf(LINT_ARENA(l), "%.0f %%", rat_double(share));
}

/* How much of what enters the copy may carry; NULL: not more than half, or not known. */
static const char *copied_share(struct linting *l, const struct m_pipeline *p,
				const struct lint_way *at, const struct m_edge *e)
{
	struct lint_way leaving;
	struct rat rate;

	if (e->has_rate && entering_rate(p, e->from, &rate))
		return rat_cmp(rat_mul(e->rate, rat_int(2)), rate) > 0 ? percent(l, e->rate, rate)
								       : NULL;
	leaving = lint_behind(l, p->instances.at[e->from], at[e->from]);
	if (e->has_rate || cubes_empty(leaving.cubes) ||
	    !cubes_subset(LINT_FIELDS(l), leaving.cubes, e->cubes))
		return NULL;
	return "all";
}

static void judge_copies(struct linting *l, const struct m_pipeline *p)
{
	const struct lint_way *at = lint_arriving(l, p);

	for (size_t e = 0; e < p->edges.n; e++) {
		const struct m_edge *edge = &p->edges.at[e];
		const char *share = edge->copy ? copied_share(l, p, at, edge) : NULL;

		if (share)
			diag_help(LINT_DIAGS(l),
				  diag_add(LINT_DIAGS(l), L2016, edge->span,
					   "this copies %s of what enters '%s'", share,
					   p->instances.at[edge->from]->sym->name),
				  "copy less by 'when', or lead the packets themselves past '%s'",
				  p->instances.at[edge->to]->sym->name);
	}
}

void lint_copy_storms(struct linting *l)
{
	each_pipeline(l, judge_copies);
}
