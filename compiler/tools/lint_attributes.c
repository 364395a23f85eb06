/* Attributes that nothing needs, provides or seems to mean. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lint_shared.h"

/* Attributes that nodes of the root file state, each where it stands first. */
struct stated {
	uint32_t attr;
	struct span span;
	const struct symbol *node;
};

struct stated_list {
	struct stated *at;
	size_t n, cap;
};

static struct stated_list stated_attributes(struct linting *l)
{
	struct refs nodes = lint_own(l, &l->policy->model->nodes);
	bool *known = arena_many(LINT_ARENA(l), bool, l->policy->ir->n_attrs);
	struct stated_list list = { 0 };

	for (size_t i = 0; i < nodes.n; i++) {
		const struct refs *attrs = &OBJECT(nodes.at[i], m_node)->attributes;
		const struct ast_stmt *s = lint_property(nodes.at[i], "attributes");

		for (size_t k = 0; s && k < attrs->n; k++) {
			uint32_t attr = ir_find_attr(l->policy->ir, attrs->at[k]->canonical);

			if (attr == ID_NONE || known[attr])
				continue;
			known[attr] = true;
			vec_push(
			    LINT_ARENA(l), &list,
			    (struct stated){ attr, lint_member_span(s, k, attrs->n), nodes.at[i] });
		}
	}
	return list;
}

static void mark(bool *set, struct ids ids)
{
	for (size_t i = 0; i < ids.n; i++)
		set[ids.at[i]] = true;
}

/* ---- L3003 unbridgeable-attribute ---- */

void lint_unbridgeable(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	bool *provided = arena_many(LINT_ARENA(l), bool, ir->n_attrs);
	struct stated_list list = stated_attributes(l);

	for (size_t i = 0; i < ir->n_functions; i++)
		mark(provided, ir->functions[i].provides);
	for (size_t i = 0; i < list.n; i++)
		if (!provided[list.at[i].attr])
			diag_add(LINT_DIAGS(l), L3003, list.at[i].span,
				 "no known function provides %s: where it is missing, it cannot be "
				 "bridged",
				 ir->attrs[list.at[i].attr].name);
}

/* ---- L3005 attribute-never-required ---- */

/* A flow asks its receiver for what its sender has; a label asks all on the way. */
static void mark_required(const struct ir *ir, bool *required)
{
	for (size_t i = 0; i < ir->n_flows; i++) {
		const struct ir_flow *f = &ir->flows[i];

		mark(required, ir->nodes[f->from].attrs);
		for (size_t k = 0; f->carries != ID_NONE && k < ir->attrs[f->carries].requires.n;
		     k++)
			mark(required, ir->attrs[ir->attrs[f->carries].requires.at[k]].closure);
	}
}

/* What implies something that is required serves as well. */
static bool serves(const struct ir *ir, const bool *required, uint32_t attr)
{
	for (size_t i = 0; i < ir->attrs[attr].closure.n; i++)
		if (required[ir->attrs[attr].closure.at[i]])
			return true;
	return false;
}

void lint_never_required(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	bool *required = arena_many(LINT_ARENA(l), bool, ir->n_attrs);
	struct stated_list list = stated_attributes(l);

	if (!ir->n_flows)
		return;
	mark_required(ir, required);
	for (size_t i = 0; i < list.n; i++)
		if (!serves(ir, required, list.at[i].attr))
			diag_add(LINT_DIAGS(l), L3005, list.at[i].span,
				 "no flow can lack %s: none starts at a node that has it, and no "
				 "label asks for it",
				 ir->attrs[list.at[i].attr].name);
}

/* ---- L3004 attribute-typo ---- */

struct counting {
	struct linting *lint;
	struct map uses; /* symbol -> how often */
};

static void count(struct counting *c, const struct symbol *sym)
{
	if (sym)
		map_put(&c->uses, sym, (void *)((uintptr_t)map_get(&c->uses, sym) + 1));
}

static void count_all(struct counting *c, const struct refs *refs)
{
	for (size_t i = 0; i < refs->n; i++)
		count(c, refs->at[i]);
}

static void count_rules(struct counting *c, const struct model *m)
{
	for (size_t i = 0; i < m->domains.n; i++) {
		const struct m_domain *d = m->domains.at[i]->object;

		for (size_t k = 0; k < d->rules.n; k++)
			count(c, d->rules.at[k].carries);
	}
	for (size_t i = 0; i < m->applications.n; i++) {
		const struct m_application *a = m->applications.at[i]->object;

		for (size_t k = 0; k < a->flows.n; k++)
			count(c, a->flows.at[k].carries);
	}
	for (size_t i = 0; i < m->classes.n; i++)
		count(c, OBJECT(m->classes.at[i], m_class)->carries);
}

static void count_expects(struct counting *c, struct model *m)
{
	struct expectation x;

	for (size_t i = 0; i < m->expects.n; i++)
		if (check_expectation(m, &m->expects.at[i], &x))
			count(c, x.carries);
}

static void count_uses(struct counting *c)
{
	struct model *m = c->lint->policy->model;

	map_init(&c->uses, LINT_ARENA(c->lint));
	for (size_t i = 0; i < m->nodes.n; i++)
		count_all(c, &OBJECT(m->nodes.at[i], m_node)->attributes);
	for (size_t i = 0; i < m->functions.n; i++)
		if (m->functions.at[i]->stmt && lint_property(m->functions.at[i], "provides"))
			count_all(c, &OBJECT(m->functions.at[i], m_function)->provides);
	for (size_t i = 0; i < m->attributes.n; i++) {
		const struct m_attribute *a = m->attributes.at[i]->object;

		count_all(c, &a->implies);
		count_all(c, &a->requires);
		count_all(c, &a->above);
	}
	count_rules(c, m);
	count_expects(c, m);
}

/* The part of a name between hyphens that begins here. */
static size_t word_length(const char *name)
{
	return strcspn(name, "-");
}

static bool is_numbering(const char *word, size_t n)
{
	bool digits = false;

	for (size_t i = 0; i < n; i++)
		digits |= isdigit((unsigned char)word[i]) != 0;
	return n <= 2 || digits;
}

/* `zone-a` and `zone-b`, `tier1` and `tier2` are series rather than slips. */
static bool is_series(const char *a, const char *b)
{
	while (*a && *b) {
		size_t n = word_length(a), m = word_length(b);

		if ((n != m || strncmp(a, b, n)) && !(is_numbering(a, n) && is_numbering(b, m)))
			return false;
		a += n + (a[n] == '-');
		b += m + (b[m] == '-');
	}
	return !*a && !*b;
}

/* Short names are near to each other by chance.  Of more pairs of attributes than this none
 * is compared. */
enum { SHORTEST = 5, FARTHEST = 2, MOST_PAIRS = 1 << 20 };

static const struct symbol *meant_instead(const struct counting *c, const struct symbol *sym)
{
	const struct refs *all = &c->lint->policy->model->attributes;
	const struct symbol *best = NULL;
	size_t distance = FARTHEST + 1;

	for (size_t i = 0; i < all->n; i++) {
		const struct symbol *other = all->at[i];
		struct nearest near = nearest_to(sym->name);
		uintptr_t uses = (uintptr_t)map_get(&c->uses, other);

		if (other == sym ||
		    OBJECT(other, m_attribute)->label != OBJECT(sym, m_attribute)->label ||
		    !strcmp(other->name, sym->name) || is_series(sym->name, other->name))
			continue;
		/* Of two names that are used once, the first is taken to be right. */
		if (uses <= 1 && lint_is_own(c->lint, other) &&
		    span_cmp(other->span, sym->span) > 0)
			continue;
		if (strlen(other->name) > strlen(sym->name) + FARTHEST ||
		    strlen(sym->name) > strlen(other->name) + FARTHEST)
			continue;
		nearest_try(&near, other->name);
		if (near.name && near.distance < distance) {
			best = other;
			distance = near.distance;
		}
	}
	return best;
}

void lint_attribute_typos(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->attributes);
	struct counting c = { .lint = l };

	if (!own.n || own.n > MOST_PAIRS / l->policy->model->attributes.n)
		return;
	count_uses(&c);
	for (size_t i = 0; i < own.n; i++) {
		const struct symbol *other;

		if ((uintptr_t)map_get(&c.uses, own.at[i]) != 1 ||
		    strlen(own.at[i]->name) < SHORTEST)
			continue;
		other = meant_instead(&c, own.at[i]);
		if (!other)
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L3004, own.at[i]->span,
				   "attribute '%s' is used once; was %s meant?", own.at[i]->name,
				   other->canonical),
			  "use '%s' instead, or a name that is less like it", other->name);
	}
}
