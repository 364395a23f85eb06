/* Negated comparisons that also match packets without the field. */
#include <config.h>

#include "compiler/tools/lint_shared.h"

/* Filters with more of them, or sets of more boxes, are not looked at. */
enum { MOST_NEGATIONS = 64, MOST_BOXES = 4096 };

struct negation {
	const struct filter_part *part; /* `f != v`, or the `not` in front of a comparison */
	const struct filter_part *comparison;
	bool below_not; /* the fix needs parentheses */
};

/* What a comparison is replaced by when the filter is built anew. */
enum instead { AS_WRITTEN, WITH_PRESENCE, BY_TRUE, BY_FALSE };

struct negations {
	struct linting *lint;
	const struct lint_filter *filter;
	const struct cubes *asked; /* what comes to the filter at all */
	struct negation at[MOST_NEGATIONS];
	enum instead instead[MOST_NEGATIONS];
	size_t n;
	bool full;
};

/* ---- finding them ---- */

static bool may_be_absent(const struct field *f)
{
	return f && !f->derived && f->kind != FIELD_SYMBOL;
}

static void add_negation(struct negations *ns, const struct filter_part *part,
			 const struct filter_part *comparison, bool below_not)
{
	if (!may_be_absent(comparison->field))
		return;
	if (ns->n == MOST_NEGATIONS)
		ns->full = true;
	else
		ns->at[ns->n++] = (struct negation){ part, comparison, below_not };
}

/* Below an odd number of `not`s, `f != v` says `f == v`. */
static void find_negations(struct negations *ns, const struct filter_part *p, bool negated,
			   bool below_not)
{
	const struct filter_part *inner = p->kind == PART_NOT ? p->parts[0] : NULL;

	if (inner && !negated && inner->kind == PART_COMPARISON && !inner->differs) {
		add_negation(ns, p, inner, below_not);
	} else if (p->kind == PART_COMPARISON) {
		if (p->differs && !negated)
			add_negation(ns, p, p, below_not);
	} else if (p->kind == PART_AND || p->kind == PART_OR || inner) {
		for (size_t i = 0; i < p->n_parts; i++)
			find_negations(ns, p->parts[i], inner ? !negated : negated, inner != NULL);
	}
}

/* ---- what the filter would be ---- */

/* The first and last value of a field, as they are written; NULL: nothing says that a text
 * is there. */
static const char *all_values(struct linting *l, const struct field *f)
{
	switch (f->kind) {
	case FIELD_INT:
		return arena_printf(LINT_ARENA(l), "0..%llu", (unsigned long long)f->max);
	case FIELD_MAC:
		return "00:00:00:00:00:00..ff:ff:ff:ff:ff:ff";
	case FIELD_ADDR:
		return "{0.0.0.0/0, ::/0}";
	default:
		return NULL;
	}
}

static const struct fx *is_present(struct linting *l, const struct field *f)
{
	struct fx_member all[2] = { { .kind = FX_RANGE, .hi = f->max } };

	if (f->kind == FIELD_MAC)
		all[0].hi = ((epic_u128)1 << 48) - 1;
	if (f->kind == FIELD_ADDR) {
		all[0] = (struct fx_member){ .kind = FX_PREFIX, .family = 4, .hi = UINT32_MAX };
		all[1] = (struct fx_member){ .kind = FX_PREFIX, .family = 6, .hi = ~(epic_u128)0 };
	}
	return fx_cmp(LINT_FIELDS(l), f, all, f->kind == FIELD_ADDR ? 2 : 1);
}

static const struct fx *replaced(const struct negations *ns, size_t i)
{
	struct fields *fields = LINT_FIELDS(ns->lint);
	const struct negation *n = &ns->at[i];
	const struct fx *both[2] = { NULL, n->part->fx };

	switch (ns->instead[i]) {
	case WITH_PRESENCE:
		both[0] = is_present(ns->lint, n->comparison->field);
		return fx_and(fields, both, 2);
	case BY_TRUE:
		return fx_true(fields);
	case BY_FALSE:
		return fx_false(fields);
	default:
		return n->part->fx;
	}
}

static const struct fx *rebuilt(const struct negations *ns, const struct filter_part *p)
{
	struct fields *fields = LINT_FIELDS(ns->lint);
	const struct fx **parts;

	for (size_t i = 0; i < ns->n; i++)
		if (ns->at[i].part == p)
			return replaced(ns, i);
	if (p->kind != PART_AND && p->kind != PART_OR && p->kind != PART_NOT)
		return p->fx;
	parts = arena_many(LINT_ARENA(ns->lint), const struct fx *, p->n_parts);
	for (size_t i = 0; i < p->n_parts; i++)
		parts[i] = rebuilt(ns, p->parts[i]);
	if (p->kind == PART_NOT)
		return fx_not(fields, parts[0]);
	return p->kind == PART_AND ? fx_and(fields, parts, p->n_parts)
				   : fx_or(fields, parts, p->n_parts);
}

static const struct cubes *meaning(const struct negations *ns)
{
	return cubes_filter(LINT_FIELDS(ns->lint), ns->asked, rebuilt(ns, ns->filter->part));
}

/* ---- judging ---- */

static bool box_takes_absent(struct fields *f, const struct cubes *set, size_t box,
			     const struct field *field)
{
	struct cubes_side *sides;
	size_t n = cubes_sides(f, set, box, &sides);

	for (size_t i = 0; i < n; i++)
		if (sides[i].field == field)
			return sides[i].absent;
	return true;
}

/* A text cannot be asked to be there, so the packets for which it matters are looked at. */
static bool text_matters(struct negations *ns, size_t i)
{
	struct fields *f = LINT_FIELDS(ns->lint);
	const struct cubes *with, *without, *differ;
	bool found = false;

	ns->instead[i] = BY_TRUE;
	with = meaning(ns);
	ns->instead[i] = BY_FALSE;
	without = meaning(ns);
	ns->instead[i] = AS_WRITTEN;
	if (cubes_count(with) > MOST_BOXES || cubes_count(without) > MOST_BOXES)
		return false;
	differ = cubes_minus(f, with, without);
	for (size_t k = 0; k < cubes_count(differ) && !found; k++)
		found = box_takes_absent(f, differ, k, ns->at[i].comparison->field);
	return found;
}

/* Whether some packet meets the filter only for lack of the field.  What is reported counts
 * as mended for the negations behind it. */
static bool field_matters(struct negations *ns, size_t i, const struct cubes **now,
			  struct packet *example)
{
	const struct cubes *mended;

	ns->instead[i] = WITH_PRESENCE;
	mended = meaning(ns);
	if (cubes_covered(LINT_FIELDS(ns->lint), *now, &mended, 1, example)) {
		ns->instead[i] = AS_WRITTEN;
		return false;
	}
	*now = mended;
	return true;
}

static void report(struct negations *ns, size_t i, const struct packet *example)
{
	struct linting *l = ns->lint;
	const struct negation *n = &ns->at[i];
	const char *name = n->comparison->field->name,
		   *values = all_values(l, n->comparison->field);
	const struct source *src;
	const char *text;
	struct diag *d;

	if (!lint_in_root(l, n->part->at))
		return;
	d = diag_add(LINT_DIAGS(l), L2005, n->part->at, "this also matches packets without %s",
		     name);
	if (example)
		lint_example(l, d, example);
	if (!values) {
		diag_help(LINT_DIAGS(l), d, "list the values that are meant, with 'in'");
		return;
	}
	src = source_at(&l->ctx->sources, n->part->at.source);
	text = arena_strndup(LINT_ARENA(l), src->text + n->part->at.start,
			     n->part->at.end - n->part->at.start);
	diag_fix(LINT_DIAGS(l), d, MACHINE_APPLICABLE, n->part->at,
		 arena_printf(LINT_ARENA(l), n->below_not ? "(%s in %s and %s)" : "%s in %s and %s",
			      name, values, text),
		 "ask for %s first", name);
}

static void judge(struct linting *l, const struct lint_filter *f)
{
	struct negations ns = { .lint = l, .filter = f };
	const struct cubes *now;
	struct packet example;

	find_negations(&ns, f->part, false, false);
	if (!ns.n || ns.full || cubes_count(f->cubes) > MOST_BOXES)
		return;
	ns.asked = lint_asked(l, f);
	now = meaning(&ns);
	/* A filter that lets all pass asks nothing of a field. */
	if (cubes_count(now) > MOST_BOXES || cubes_subset(LINT_FIELDS(l), ns.asked, f->cubes))
		return;
	for (size_t i = 0; i < ns.n; i++) {
		if (ns.at[i].comparison->field->kind == FIELD_STRING) {
			if (text_matters(&ns, i))
				report(&ns, i, NULL);
		} else if (field_matters(&ns, i, &now, &example)) {
			report(&ns, i, &example);
		}
	}
}

void lint_negations(struct linting *l)
{
	const struct lint_filters *all = lint_filters_of(l);

	for (size_t i = 0; i < all->n; i++)
		judge(l, &all->at[i]);
}
