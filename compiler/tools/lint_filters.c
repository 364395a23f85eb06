/* Rules on filters by themselves, and the table of all rules on filters and pipelines. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/lint_shared.h"

/* What a statement is called in messages. */
static const char *filter_of_what(const struct lint_filter *f)
{
	if (f->stmt->kind == STMT_EDGE)
		return "edge";
	return f->clause ? f->stmt->name.name : "class";
}

/* ---- L2002 shadowed-filter: members of a set of services ---- */

enum { MOST_MEMBERS = 4096 };

struct shadow {
	struct linting *lint;
	const struct filter_part *set;
	bool *gone;          /* lies within others, and was reported */
	VEC(size_t) * meets; /* members that share packets with each */
};

static void note_meeting(size_t i, size_t j, const struct packet *example, void *data)
{
	struct shadow *s = data;

	(void)example;
	vec_push(LINT_ARENA(s->lint), &s->meets[i], j);
	vec_push(LINT_ARENA(s->lint), &s->meets[j], i);
}

/* A member within one other is a duplicate value, which another rule reports. */
static void judge_member(struct shadow *s, const struct cubes *const *sets, size_t i)
{
	struct linting *l = s->lint;
	const struct cubes **others =
	    arena_many(LINT_ARENA(l), const struct cubes *, s->meets[i].n);
	struct diag *d;
	size_t n = 0;

	for (size_t k = 0; k < s->meets[i].n; k++) {
		size_t j = s->meets[i].at[k];

		if (s->gone[j])
			continue;
		if (cubes_subset(LINT_FIELDS(l), sets[i], sets[j]))
			return;
		others[n++] = sets[j];
	}
	if (n < 2 || !cubes_covered(LINT_FIELDS(l), sets[i], others, n, NULL))
		return;
	s->gone[i] = true;
	d = diag_add(LINT_DIAGS(l), L2002, s->set->parts[i]->at,
		     "this member adds nothing: the others of the set match all that it matches");
	for (size_t k = 0; k < s->meets[i].n; k++)
		if (!s->gone[s->meets[i].at[k]])
			diag_also(LINT_DIAGS(l), d, s->set->parts[s->meets[i].at[k]]->at,
				  "matches a part of it");
	diag_help(LINT_DIAGS(l), d, "leave it out");
}

static void judge_services(struct linting *l, const struct filter_part *set)
{
	size_t n = set->n_parts;
	const struct cubes **sets = arena_many(LINT_ARENA(l), const struct cubes *, n);
	struct shadow s = { .lint = l, .set = set, .gone = arena_many(LINT_ARENA(l), bool, n) };

	if (n < 3 || n > MOST_MEMBERS)
		return;
	s.meets = arena_alloc_many(LINT_ARENA(l), n, sizeof(*s.meets));
	for (size_t i = 0; i < n; i++)
		sets[i] = fx_cubes(LINT_FIELDS(l), set->parts[i]->fx);
	cubes_overlaps(LINT_FIELDS(l), sets, n, 8 * n, note_meeting, &s);
	for (size_t i = n; i-- > 0;)
		if (lint_in_root(l, set->parts[i]->at))
			judge_member(&s, sets, i);
}

static void find_services(struct linting *l, const struct filter_part *p)
{
	if (p->kind == PART_SERVICES)
		judge_services(l, p);
	for (size_t i = 0; i < p->n_parts && p->kind != PART_SERVICES; i++)
		find_services(l, p->parts[i]);
}

static void shadowed(struct linting *l)
{
	const struct lint_filters *all = lint_filters_of(l);

	for (size_t i = 0; i < all->n; i++)
		find_services(l, all->at[i].part);
	lint_shadowed_rules(l);
}

/* ---- L2003 empty-filter ---- */

enum { MOST_OPERANDS = 32 };

/* Two operands of an `and` that no packet meets together. */
static void show_contradiction(struct linting *l, const struct filter_part *p, struct diag *d)
{
	const struct cubes *sets[MOST_OPERANDS];

	if (p->kind != PART_AND || p->n_parts > MOST_OPERANDS)
		return;
	for (size_t i = 0; i < p->n_parts; i++)
		sets[i] = fx_cubes(LINT_FIELDS(l), p->parts[i]->fx);
	for (size_t i = 0; i < p->n_parts; i++)
		for (size_t j = i + 1; j < p->n_parts; j++) {
			if (cubes_overlap(LINT_FIELDS(l), sets[i], sets[j], NULL))
				continue;
			diag_also(LINT_DIAGS(l), d, p->parts[i]->at, "no packet meets this");
			diag_also(LINT_DIAGS(l), d, p->parts[j]->at, "and this as well");
			return;
		}
}

static void empty(struct linting *l)
{
	const struct lint_filters *all = lint_filters_of(l);

	for (size_t i = 0; i < all->n; i++) {
		const struct lint_filter *f = &all->at[i];
		struct diag *d;

		if (!cubes_empty(f->cubes))
			continue;
		d = diag_add(LINT_DIAGS(l), L2003, f->span, "this filter matches nothing");
		show_contradiction(l, f->part, d);
		diag_help(LINT_DIAGS(l), d, "mend the filter, or leave the %s out",
			  filter_of_what(f));
	}
}

/* ---- L2004 tautology ---- */

static size_t count_ways(const struct m_pipeline *p, size_t module)
{
	size_t n = 0;

	for (size_t j = 0; j < p->out[module].n; j++)
		n += !p->edges.at[p->out[module].at[j]].copy;
	return n;
}

/* The filter of one statement on all the edges that it stands for: they all match whatever
 * comes there.  *ALONE: none has a sibling, so it can go. */
static bool edge_takes_all(struct linting *l, const struct lint_filter *f, bool *alone)
{
	const struct m_pipeline *p = f->block->object;
	const struct lint_way *at = lint_arriving(l, p);
	size_t first = lint_first_edge(p, f->span), e = first;

	*alone = true;
	for (; e < p->edges.n && !span_cmp(p->edges.at[e].when_span, f->span); e++) {
		const struct m_edge *edge = &p->edges.at[e];
		struct lint_way leaving =
		    lint_behind(l, p->instances.at[edge->from], at[edge->from]);

		if (cubes_empty(leaving.cubes) ||
		    !cubes_subset(LINT_FIELDS(l), leaving.cubes, f->cubes))
			return false;
		*alone &= edge->copy || count_ways(p, edge->from) == 1;
	}
	return e > first;
}

static void report_tautology(struct linting *l, const struct lint_filter *f, bool can_go)
{
	bool edge = f->block->kind == SYM_PIPELINE;
	struct diag *d =
	    diag_add(LINT_DIAGS(l), L2004, f->span, "this filter matches every packet%s",
		     edge ? " that can come here" : "");

	if (can_go && f->clause)
		diag_fix(LINT_DIAGS(l), d, MACHINE_APPLICABLE, lint_whole_clause(l, f->clause), "",
			 "leave 'when' out");
	else if (can_go)
		diag_fix(LINT_DIAGS(l), d, MACHINE_APPLICABLE, lint_whole_stmt(l, f->stmt), "",
			 "leave 'match' out");
	else
		diag_help(LINT_DIAGS(l), d,
			  "the other edges out of the module get no packets; leave them out, and "
			  "'when' too");
}

static void tautology(struct linting *l)
{
	const struct lint_filters *all = lint_filters_of(l);
	const struct cubes *every = cubes_all(LINT_FIELDS(l));
	bool can_go = true;

	for (size_t i = 0; i < all->n; i++) {
		const struct lint_filter *f = &all->at[i];

		if (f->block->kind == SYM_PIPELINE ? edge_takes_all(l, f, &can_go)
						   : cubes_subset(LINT_FIELDS(l), every, f->cubes))
			report_tautology(l, f, f->block->kind != SYM_PIPELINE || can_go);
	}
}

/* ---- the table ---- */

const struct lint_rule lint_filter_rules[] = {
	{ L2002, shadowed },
	{ L2003, empty },
	{ L2004, tautology },
	{ L2005, lint_negations },
	{ L2006, lint_lossy_forks },
	{ L2007, lint_unreachable },
	{ L2008, lint_dead_ends },
	{ L2009, lint_unused_derived },
	{ L2010, lint_legacy_metadata },
	{ L2011, lint_rewritten },
	{ L2012, lint_opaque },
	{ L2013, lint_affinity },
	{ L2014, lint_pairs },
	{ L2015, lint_redundant },
	{ L2016, lint_copy_storms },
	{ 0 },
};
