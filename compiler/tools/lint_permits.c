/* What domains permit and forbid. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_memo.h"

/* Pairs of rules of one domain that share packets; what is beyond is not looked at, which
 * can only make findings fewer. */
enum { MOST_MEETINGS = 1 << 17 };

struct meetings {
	size_t *at;
	size_t n, cap;
};

/* The rules of one domain, as sets over its packets and the two ends. */
struct ruling {
	struct linting *lint;
	const struct ir *ir;
	const struct m_domain *domain;
	const struct ir_rule *rules; /* in the order of domain->rules */
	uint32_t number;             /* of the domain */
	size_t n;
	const struct cubes **sets;
	struct meetings *meets; /* rules with which each shares something */
	bool *gone;
};

/* Domains of the graph are sorted by name. */
static uint32_t domain_number(const struct ir *ir, const struct symbol *sym)
{
	size_t low = 0, high = ir->n_domains;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(ir->domains[middle].name, sym->canonical) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ir->n_domains && !strcmp(ir->domains[low].name, sym->canonical) ? (uint32_t)low
										     : ID_NONE;
}

static bool ruling_of(struct linting *l, const struct symbol *sym, struct ruling *r)
{
	const struct ir *ir = l->policy->ir;
	uint32_t number = domain_number(ir, sym);

	*r = (struct ruling){ .lint = l, .ir = ir, .domain = sym->object, .number = number };
	if (number == ID_NONE)
		return false;
	r->n = ir->domains[number].n_rules;
	if (!r->n)
		return false;
	r->rules = ir->rules + ir->domains[number].first_rule;
	return true;
}

/* ---- rules as sets ---- */

/* A text field that every packet has; only sets within this file speak of it. */
static const struct field *end_field(struct linting *l, const char *name)
{
	const struct field *f = fields_find(LINT_FIELDS(l), name);

	return f ? f : fields_add_derived(LINT_FIELDS(l), name, NULL, 0);
}

static const struct fx *ends_fx(struct linting *l, const struct field *f, struct ids nodes)
{
	struct fx_member *members = arena_many(LINT_ARENA(l), struct fx_member, nodes.n);

	for (size_t i = 0; i < nodes.n; i++)
		members[i] = (struct fx_member){ .kind = FX_TEXT,
						 .text = l->policy->ir->nodes[nodes.at[i]].name };
	return fx_cmp(LINT_FIELDS(l), f, members, nodes.n);
}

static void note_meeting(size_t i, size_t j, const struct packet *example, void *data)
{
	struct ruling *r = data;

	(void)example;
	vec_push(LINT_ARENA(r->lint), &r->meets[i], j);
	vec_push(LINT_ARENA(r->lint), &r->meets[j], i);
}

/* Neighbouring rules often speak of the same nodes. */
struct ends {
	const struct field *field;
	struct ids nodes;
	const struct fx *fx;
};

static const struct fx *ends_again(struct linting *l, struct ends *last, struct ids nodes, bool all)
{
	if (all)
		return fx_true(LINT_FIELDS(l));
	if (!last->fx || !ids_equal(last->nodes, nodes)) {
		last->nodes = nodes;
		last->fx = ends_fx(l, last->field, nodes);
	}
	return last->fx;
}

static void make_sets(struct ruling *r)
{
	struct linting *l = r->lint;
	struct ends from = { .field = end_field(l, "lint from") },
		    to = { .field = end_field(l, "lint to") };

	r->sets = arena_many(LINT_ARENA(l), const struct cubes *, r->n);
	r->meets = arena_many(LINT_ARENA(l), struct meetings, r->n);
	r->gone = arena_many(LINT_ARENA(l), bool, r->n);
	for (size_t i = 0; i < r->n; i++) {
		const struct m_rule *m = &r->domain->rules.at[i];
		const struct fx *both[2] = { ends_again(l, &from, r->rules[i].from, m->from_all),
					     ends_again(l, &to, r->rules[i].to, m->to_all) };

		r->sets[i] =
		    cubes_filter(LINT_FIELDS(l), m->cubes, fx_and(LINT_FIELDS(l), both, 2));
	}
	cubes_overlaps(LINT_FIELDS(l), r->sets, r->n, MOST_MEETINGS, note_meeting, r);
}

/* The rules of a domain with their sets, made once; NULL: less than two. */
static struct ruling *ruling_with_sets(struct linting *l, const struct symbol *domain)
{
	struct map *known = &lint_memo(l)->rulings;
	struct ruling *r = map_get(known, domain);

	if (r)
		return r->n < 2 ? NULL : r;
	r = arena_one(LINT_ARENA(l), struct ruling);
	if (ruling_of(l, domain, r) && r->n >= 2)
		make_sets(r);
	map_put(known, domain, r);
	return r->n < 2 ? NULL : r;
}

/* ---- L2002 shadowed-filter ---- */

/* Whether rule B speaks of every flow, by its label, that A speaks of. */
static bool carries_as_much(const struct ruling *r, const struct ir_rule *b,
			    const struct ir_rule *a)
{
	const struct ir_attr *attrs = r->ir->attrs;

	if (b->carries == ID_NONE)
		return true;
	if (a->carries == ID_NONE)
		return false;
	return a->forbid ? ids_has(attrs[a->carries].below, b->carries)
			 : ids_has(attrs[b->carries].below, a->carries);
}

static void report_shadowed(struct ruling *r, size_t i, const size_t *by, size_t n)
{
	struct linting *l = r->lint;
	const char *word = r->rules[i].forbid ? "forbid" : "permit";
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L2002, r->rules[i].span,
		     n == 1 ? "this '%s' adds nothing: another one says as much"
			    : "this '%s' adds nothing: others together say as much",
		     word);
	for (size_t k = 0; k < n; k++)
		diag_also(LINT_DIAGS(l), d, r->rules[by[k]].span,
			  n == 1 ? "this one" : "a part of it");
	diag_help(LINT_DIAGS(l), d, "leave it out");
}

/* Later rules first, so that of two equal ones the first stays. */
static void judge_shadowed(struct ruling *r, size_t i)
{
	struct linting *l = r->lint;
	const struct meetings *m = &r->meets[i];
	const struct cubes **others = arena_many(LINT_ARENA(l), const struct cubes *, m->n);
	size_t *by = arena_many(LINT_ARENA(l), size_t, m->n), n = 0;

	if (cubes_empty(r->sets[i]))
		return;
	for (size_t k = 0; k < m->n; k++) {
		size_t j = m->at[k];

		if (r->gone[j] || r->rules[j].forbid != r->rules[i].forbid ||
		    !carries_as_much(r, &r->rules[j], &r->rules[i]))
			continue;
		if (cubes_subset(LINT_FIELDS(l), r->sets[i], r->sets[j])) {
			r->gone[i] = true;
			report_shadowed(r, i, &j, 1);
			return;
		}
		others[n] = r->sets[j];
		by[n++] = j;
	}
	if (n < 2 || !cubes_covered(LINT_FIELDS(l), r->sets[i], others, n, NULL))
		return;
	r->gone[i] = true;
	report_shadowed(r, i, by, n);
}

void lint_shadowed_rules(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->domains);

	for (size_t d = 0; d < own.n; d++) {
		struct ruling *r = ruling_with_sets(l, own.at[d]);

		for (size_t i = r ? r->n : 0; i-- > 0;)
			judge_shadowed(r, i);
	}
}

/* ---- L3011 permit-forbid-conflict ---- */

/* A forbid speaks of its label and those above, a permit of its label and those below. */
static bool forbids_all_labels(const struct ruling *r, const struct ir_rule *forbid,
			       const struct ir_rule *permit)
{
	const struct ir_attr *attrs = r->ir->attrs;

	if (forbid->carries == ID_NONE)
		return true;
	if (permit->carries == ID_NONE)
		return false;
	for (size_t i = 0; i < attrs[permit->carries].below.n; i++)
		if (!ids_has(attrs[attrs[permit->carries].below.at[i]].below, forbid->carries))
			return false;
	return true;
}

static void judge_conflict(struct ruling *r, size_t i)
{
	struct linting *l = r->lint;

	for (size_t k = 0; k < r->meets[i].n; k++) {
		size_t j = r->meets[i].at[k];
		struct diag *d;

		if (!r->rules[j].forbid || !forbids_all_labels(r, &r->rules[j], &r->rules[i]) ||
		    !cubes_subset(LINT_FIELDS(l), r->sets[i], r->sets[j]))
			continue;
		d = diag_add(LINT_DIAGS(l), L3011, r->rules[i].span,
			     "this permit has no effect: all of it is forbidden");
		diag_also(LINT_DIAGS(l), d, r->rules[j].span, "forbidden here");
		return;
	}
}

void lint_permit_conflicts(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->domains);

	for (size_t d = 0; d < own.n; d++) {
		struct ruling *r = ruling_with_sets(l, own.at[d]);

		for (size_t i = 0; r && i < r->n; i++)
			if (!r->rules[i].forbid && !cubes_empty(r->sets[i]))
				judge_conflict(r, i);
	}
}

/* ---- L3009 dead-rule ---- */

/* Nodes between which data can move. */
static struct ids movers(const struct ruling *r, struct ids nodes, bool own)
{
	uint32_t *at = arena_many(LINT_ARENA(r->lint), uint32_t, nodes.n);
	size_t n = 0;

	for (size_t i = 0; i < nodes.n; i++) {
		const struct ir_node *node = &r->ir->nodes[nodes.at[i]];

		if ((node->kind == IR_ENDPOINT || node->kind == IR_PROXY) &&
		    (!own || node->domain == r->number))
			at[n++] = nodes.at[i];
	}
	return (struct ids){ at, n };
}

/* Some node of one set and another one of the other. */
static bool makes_pair(struct ids a, struct ids b)
{
	return a.n && b.n && !(a.n == 1 && b.n == 1 && a.at[0] == b.at[0]);
}

static void judge_dead(const struct ruling *r, const struct ir_rule *rule)
{
	struct linting *l = r->lint;
	struct ids from = movers(r, rule->from, false), to = movers(r, rule->to, false);
	const char *word = rule->forbid ? "forbid" : "permit", *domain = r->domain->sym->name;

	if (!makes_pair(from, to))
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L3009, rule->span,
				   "no two nodes can meet this '%s'", word),
			  "data moves between two different endpoints or proxies; name some, or "
			  "leave the rule out");
	else if (!makes_pair(movers(r, rule->from, true), to) &&
		 !makes_pair(from, movers(r, rule->to, true)))
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L3009, rule->span,
				   "this '%s' is never asked: no end of it lies in '%s'", word,
				   domain),
			  "a domain decides about its own nodes only; state the rule in a domain "
			  "at one of the ends");
}

void lint_dead_rules(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->domains);
	struct ruling r;

	for (size_t d = 0; d < own.n; d++)
		if (ruling_of(l, own.at[d], &r))
			for (size_t i = 0; i < r.n; i++)
				judge_dead(&r, &r.rules[i]);
}

/* ---- L3010 broad-permit ---- */

/* A filter that every packet meets is as good as none. */
static const char *why_broad(struct linting *l, const struct m_rule *rule)
{
	if (rule->forbid)
		return NULL;
	if (rule->from_all && rule->to_all)
		return "this permits movement from everywhere to everywhere";
	if (!rule->carries && cubes_subset(LINT_FIELDS(l), cubes_all(LINT_FIELDS(l)), rule->cubes))
		return "this permits all packets with all data";
	return NULL;
}

void lint_broad_permits(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->domains);

	for (size_t d = 0; d < own.n; d++) {
		const struct m_domain *domain = own.at[d]->object;

		for (size_t i = 0; i < domain->rules.n; i++) {
			const char *why = why_broad(l, &domain->rules.at[i]);

			if (why)
				diag_help(LINT_DIAGS(l),
					  diag_add(LINT_DIAGS(l), L3010, domain->rules.at[i].span,
						   "%s", why),
					  "name the ends, and say what may pass: 'when' a filter, "
					  "or 'carries' a label");
		}
	}
}
