/* Network functions that do not go together on a path. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_shared.h"

enum { API_NATIVE, API_LEGACY };
enum { OPAQUE_NONE, OPAQUE_PAYLOAD, OPAQUE_HEADERS };
enum { MATCH_NONE, MATCH_PREFIX, MATCH_KEYWORD, MATCH_FULL };

/* ---- L2010 metadata-from-legacy ---- */

static const struct m_derives *metadata_of(const struct m_function *f)
{
	for (size_t k = 0; f->api == API_LEGACY && k < f->derives.n; k++)
		if (f->derives.at[k].via == VIA_METADATA)
			return &f->derives.at[k];
	return NULL;
}

/* What is inherited whole is the base's matter. */
void lint_legacy_metadata(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->functions);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_function *f = own.at[i]->object;
		const struct m_derives *derives = metadata_of(f);
		bool inherited = f->base && metadata_of(f->base->object);

		if (!derives || inherited)
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L2010,
				   lint_in_root(l, derives->span) ? derives->span : own.at[i]->span,
				   "'%s' is a legacy function: it cannot tag packets with '%s'",
				   own.at[i]->name, derives->name),
			  "write 'via port', or 'api native' if it knows the packet tags");
	}
}

/* ---- ways through a pipeline ---- */

/* The function of each instance once, where WANTED says so. */
static struct refs functions_in(struct linting *l, const struct m_pipeline *p,
				bool (*wanted)(const struct m_instance *))
{
	struct refs found = { 0 };
	struct map known;

	map_init(&known, LINT_ARENA(l));
	for (size_t i = 0; i < p->instances.n; i++) {
		struct symbol *f = p->instances.at[i]->function;

		if (!f || !f->module || !wanted(p->instances.at[i]) || map_get(&known, f))
			continue;
		map_put(&known, f, f);
		vec_push(LINT_ARENA(l), &found, f);
	}
	return found;
}

/* The nearest module upstream of AT for which IS says so; there is one. */
static size_t upstream(struct linting *l, const struct m_pipeline *p, size_t at,
		       bool (*is)(void *, size_t), void *data)
{
	bool *seen = arena_many(LINT_ARENA(l), bool, p->instances.n);
	size_t *queue = arena_many(LINT_ARENA(l), size_t, p->instances.n), n = 0;

	queue[n++] = at;
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < p->in[queue[k]].n; j++) {
			size_t from = p->edges.at[p->in[queue[k]].at[j]].from;

			if (is(data, from))
				return from;
			if (!seen[from])
				queue[n++] = from;
			seen[from] = true;
		}
	return at;
}

/* ---- L2012 inspect-after-opaque ---- */

/* Functions that work both ways are told by `direction` what to do. */
static bool opens(const struct m_instance *i)
{
	const struct m_value *v = lint_config(i, "direction");

	return v && v->kind == VALUE_TEXT && !strcmp(v->text, "open");
}

static bool hides(const struct m_instance *i)
{
	const struct m_function *f = lint_function(i);

	return f && f->opaque > OPAQUE_NONE && !opens(i);
}

static bool has_two_directions(const struct m_function *f)
{
	for (size_t i = 0; i < f->accepts.n; i++)
		if (!strcmp(f->accepts.at[i], "direction"))
			return true;
	return false;
}

/* X is the other half of F, or based on it. */
static bool is_mate(const struct symbol *f, const struct symbol *x)
{
	const struct symbol *of_f = OBJECT(f, m_function)->pair,
			    *of_x = OBJECT(x, m_function)->pair;

	return (of_f && lint_is_based_on(x, of_f)) || (of_x && lint_is_based_on(f, of_x));
}

struct hiding {
	const struct m_pipeline *pipeline;
	const struct symbol *function;
};

static bool hider_here(void *data, size_t module)
{
	const struct hiding *h = data;
	const struct m_instance *i = h->pipeline->instances.at[module];

	return i->function == h->function && hides(i);
}

static bool reveals(void *data, size_t module)
{
	const struct hiding *h = data;
	const struct m_instance *i = h->pipeline->instances.at[module];

	if (!i->function || !i->function->module)
		return false;
	return is_mate(h->function, i->function) ||
	       (opens(i) && has_two_directions(OBJECT(h->function, m_function)));
}

/* What F hides from G: "the payload", "the headers"; NULL: nothing that it needs. */
static const char *hidden_from(const struct m_function *f, const struct m_function *g)
{
	if (f->opaque == OPAQUE_PAYLOAD && g->inspects_payload &&
	    g->encrypted_match != MATCH_KEYWORD && g->encrypted_match != MATCH_FULL)
		return "the payload";
	if (f->opaque == OPAQUE_HEADERS && g->inspects.n && g->encrypted_match != MATCH_PREFIX &&
	    g->encrypted_match != MATCH_FULL)
		return "the headers";
	return NULL;
}

static void report_hidden(struct linting *l, const struct hiding *h, size_t module,
			  const char *what)
{
	const struct m_pipeline *p = h->pipeline;
	const struct m_instance *reader = p->instances.at[module];
	size_t at = upstream(l, p, module, hider_here, (void *)h);
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L2012, reader->sym->span,
		     "'%s' inspects %s, which '%s' has hidden from it", reader->sym->name, what,
		     p->instances.at[at]->sym->name);
	diag_also(LINT_DIAGS(l), d, p->instances.at[at]->sym->span, "makes %s opaque", what);
	diag_help(LINT_DIAGS(l), d, "put '%s' in front of '%s', or behind its other half",
		  reader->sym->name, p->instances.at[at]->sym->name);
}

static void judge_hider(struct linting *l, const struct m_pipeline *p,
			const struct symbol *function)
{
	const struct lint_way *arriving = lint_arriving(l, p), *at;
	struct lint_way *in = arena_many(LINT_ARENA(l), struct lint_way, p->instances.n);
	struct hiding h = { p, function };
	struct lint_walk w = { l, p, true, reveals, &h };

	for (size_t i = 0; i < p->instances.n; i++)
		if (hider_here(&h, i))
			in[i] = arriving[i];
	at = lint_spread(&w, in);
	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_function *f = lint_function(p->instances.at[i]);
		const char *what = f ? hidden_from(function->object, f) : NULL;

		if (what && p->instances.at[i]->function != function && !cubes_empty(at[i].cubes) &&
		    !reveals(&h, i))
			report_hidden(l, &h, i, what);
	}
}

/* ---- L2014 asymmetric-pair ---- */

static bool has_pair(const struct m_instance *i)
{
	return lint_function(i) && lint_function(i)->pair != NULL;
}

static bool mate_here(void *data, size_t module)
{
	const struct hiding *h = data;
	const struct symbol *f = h->pipeline->instances.at[module]->function;

	return f && f->module && is_mate(h->function, f);
}

/* Where packets leave that came to module AT (ID: SIZE_MAX, to any of the function's) and meet
 * no mate behind it. */
static bool leaves_alone(struct linting *l, struct hiding *h, const struct lint_way *alone,
			 size_t at, size_t *exit, struct packet *example)
{
	const struct m_pipeline *p = h->pipeline;
	struct lint_way *in = arena_many(LINT_ARENA(l), struct lint_way, p->instances.n), *out;
	struct lint_walk w = { l, p, false, mate_here, h };

	for (size_t i = 0; i < p->instances.n; i++)
		if (p->instances.at[i]->function == h->function && (at == SIZE_MAX || at == i))
			in[i] = alone[i];
	out = lint_spread(&w, in);
	for (size_t i = 0; i < p->instances.n; i++) {
		if (p->out[i].n || p->instances.at[i]->is_drop || cubes_empty(out[i].cubes) ||
		    lint_role(p->instances.at[i]) == ROLE_TRANSIT || mate_here(h, i))
			continue;
		*exit = i;
		*example = cubes_example(LINT_FIELDS(l), out[i].cubes);
		return true;
	}
	return false;
}

static void report_alone(struct linting *l, const struct hiding *h, size_t at, size_t exit,
			 const struct packet *example)
{
	const struct m_pipeline *p = h->pipeline;
	const struct m_instance *i = p->instances.at[at];
	const char *mate = OBJECT(h->function, m_function)->pair->canonical;
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L2014, i->sym->span,
		     "some packets pass '%s' (%s) and no %s on their way", i->sym->name,
		     h->function->canonical, mate);
	diag_also(LINT_DIAGS(l), d, p->instances.at[exit]->sym->span, "they leave here");
	lint_example(l, d, example);
	diag_help(LINT_DIAGS(l), d, "put an instance of %s on the same path", mate);
}

static void judge_pair(struct linting *l, const struct m_pipeline *p, const struct symbol *function)
{
	struct hiding h = { p, function };
	struct lint_walk w = { l, p, true, mate_here, &h };
	struct lint_way *in = arena_many(LINT_ARENA(l), struct lint_way, p->instances.n), *alone;
	const struct lint_way *arriving = lint_arriving(l, p);
	struct packet example;
	size_t exit;

	for (size_t i = 0; i < p->instances.n; i++)
		if (lint_begins(p, i))
			in[i] = arriving[i];
	alone = lint_spread(&w, in);
	if (!leaves_alone(l, &h, alone, SIZE_MAX, &exit, &example))
		return;
	for (size_t i = 0; i < p->instances.n; i++)
		if (p->instances.at[i]->function == function &&
		    leaves_alone(l, &h, alone, i, &exit, &example))
			report_alone(l, &h, i, exit, &example);
}

/* ---- both ---- */

static void each_function(struct linting *l, bool (*wanted)(const struct m_instance *),
			  void (*judge)(struct linting *, const struct m_pipeline *,
					const struct symbol *))
{
	struct refs own = lint_pipelines(l);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_pipeline *p = own.at[i]->object;
		struct refs functions = functions_in(l, p, wanted);

		for (size_t k = 0; k < functions.n; k++)
			judge(l, p, functions.at[k]);
	}
}

void lint_opaque(struct linting *l)
{
	each_function(l, hides, judge_hider);
}

void lint_pairs(struct linting *l)
{
	each_function(l, has_pair, judge_pair);
}

/* ---- L2013 affinity-broken ---- */

enum { MOST_SPLITS = 64 }; /* different sets of fields in one pipeline; more are not looked at */

struct splitting {
	struct linting *lint;
	const struct m_pipeline *pipeline;
	struct field_set sets[MOST_SPLITS];
	size_t n;
	size_t *own; /* per module: its set + 1; 0: none, or beyond the most */
	size_t wanted;
};

static struct field_set affinity_of(struct linting *l, const struct m_function *f)
{
	static const char *const flow[] = { "ip.src", "ip.dst", "ip.proto", "l4.sport",
					    "l4.dport" };
	struct field_set set = { 0 };

	if (f && f->affinity_kind == AFFINITY_FIELDS)
		return f->affinity;
	for (size_t i = 0;
	     f && f->affinity_kind == AFFINITY_FLOW && i < sizeof(flow) / sizeof(*flow); i++)
		vec_push(LINT_ARENA(l), &set, fields_find(LINT_FIELDS(l), flow[i]));
	return set;
}

static bool set_has(const struct field_set *set, const struct field *f)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->at[i] == f)
			return true;
	return false;
}

/* The first field of SMALL that LARGE lacks. */
static const struct field *lacking(const struct field_set *small, const struct field_set *large)
{
	for (size_t i = 0; i < small->n; i++)
		if (!set_has(large, small->at[i]))
			return small->at[i];
	return NULL;
}

static size_t number_set(struct splitting *s, struct field_set set)
{
	size_t k = 0;

	if (!set.n)
		return 0;
	while (k < s->n && (lacking(&set, &s->sets[k]) || lacking(&s->sets[k], &set)))
		k++;
	if (k == MOST_SPLITS)
		return 0;
	if (k == s->n)
		s->sets[s->n++] = set;
	return k + 1;
}

static bool splits_so(void *data, size_t module)
{
	const struct splitting *s = data;

	return s->own[module] == s->wanted;
}

static const char *set_text(struct linting *l, const struct field_set *set)
{
	struct sink s = { 0 };
	const char *text;

	for (size_t i = 0; i < set->n; i++)
		sink_printf(&s, "%s%s", i ? ", " : "", set->at[i]->name);
	text = arena_strdup(LINT_ARENA(l), s.data);
	sink_free(&s);
	return text;
}

static void report_split(struct splitting *s, size_t module, size_t k)
{
	struct linting *l = s->lint;
	const struct m_instance *here = s->pipeline->instances.at[module], *above;
	const struct field_set *own = &s->sets[s->own[module] - 1];
	struct diag *d;

	s->wanted = k + 1;
	above = s->pipeline->instances.at[upstream(l, s->pipeline, module, splits_so, s)];
	d = diag_add(LINT_DIAGS(l), L2013, here->sym->span,
		     "behind '%s', the traffic of '%s' must be spread anew: packets that must meet "
		     "there may differ in %s",
		     above->sym->name, here->sym->name, lacking(&s->sets[k], own)->name);
	diag_also(LINT_DIAGS(l), d, above->sym->span, "split by %s", set_text(l, &s->sets[k]));
	diag_note(LINT_DIAGS(l), d, "'%s' is split by %s", here->sym->name, set_text(l, own));
	diag_help(LINT_DIAGS(l), d,
		  "put '%s' in front of '%s', or let both split by the same fields",
		  here->sym->name, above->sym->name);
}

static void judge_splits(struct linting *l, const struct m_pipeline *p)
{
	struct splitting s = { .lint = l, .pipeline = p };
	uint64_t *above = arena_many(LINT_ARENA(l), uint64_t, p->instances.n);

	s.own = arena_many(LINT_ARENA(l), size_t, p->instances.n);
	for (size_t i = 0; i < p->instances.n; i++)
		s.own[i] = number_set(&s, affinity_of(l, lint_function(p->instances.at[i])));
	for (size_t o = 0; o < p->instances.n && s.n; o++) {
		size_t i = p->order[o];

		for (size_t k = 0; s.own[i] && k < s.n; k++)
			if (above[i] >> k & 1 && lacking(&s.sets[k], &s.sets[s.own[i] - 1])) {
				report_split(&s, i, k);
				break;
			}
		if (s.own[i])
			above[i] |= (uint64_t)1 << (s.own[i] - 1);
		for (size_t j = 0; j < p->out[i].n; j++)
			above[p->edges.at[p->out[i].at[j]].to] |= above[i];
	}
}

void lint_affinity(struct linting *l)
{
	struct refs own = lint_pipelines(l);

	for (size_t i = 0; i < own.n; i++)
		judge_splits(l, own.at[i]->object);
}
