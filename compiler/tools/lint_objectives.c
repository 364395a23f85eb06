/* Rules on service level objectives, and the table of all rules on objectives and machines. */
#include <config.h>

#include "compiler/tools/lint_shared.h"

/* ---- which slo is enforced where ---- */

struct enforced {
	const struct m_target *target;
	const struct m_slo *slo;
	const struct m_pipeline *pipeline;
};

struct enforced_list {
	struct enforced *at;
	size_t n, cap;
};

/* By targets of the root file, on a sound pipeline. */
static struct enforced_list enforced_slos(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->targets);
	struct enforced_list list = { 0 };

	for (size_t i = 0; i < own.n; i++) {
		const struct m_target *t = own.at[i]->object;
		struct enforced e = { .target = t };

		if (t->backend < 0 || !t->enforce || t->subjects.n != 1 ||
		    t->subjects.at[0]->kind != SYM_PIPELINE)
			continue;
		e.slo = t->enforce->object;
		e.pipeline = t->subjects.at[0]->object;
		if (e.pipeline->sound)
			vec_push(LINT_ARENA(l), &list, e);
	}
	return list;
}

/* The place in the root file that a finding about SYM is reported at. */
static struct span own_place(const struct linting *l, const struct symbol *sym,
			     const struct m_target *t)
{
	return lint_in_root(l, sym->span) ? sym->span : t->sym->span;
}

static bool is_rest(const struct linting *l, const struct symbol *class)
{
	return class == l->policy->model->rest;
}

/* ---- L5005 starvable-class ---- */

/* A bound of its own, or of a group that it alone is in. */
static bool is_protected(const struct m_slo *slo, const struct symbol *member)
{
	for (size_t i = 0; i < slo->statements.n; i++) {
		const struct m_statement *st = &slo->statements.at[i];

		if ((st->kind == SLO_RATE_BOUND || st->kind == SLO_CPU_BOUND) && st->at_least &&
		    rat_sign(st->bound) > 0 && st->members.at[0] == member)
			return true;
	}
	return false;
}

static void report_starvable(struct linting *l, const struct m_slo *slo, const struct symbol *class,
			     const struct m_slo *level)
{
	const struct ast_stmt *floor = lint_property(slo->sym, "floor");
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L5005,
		     lint_in_root(l, class->span) ? class->span : slo->sym->span,
		     "slo '%s' may starve class '%s': it comes last, and its floor is 0 %%",
		     slo->sym->name, class->name);
	diag_also(LINT_DIAGS(l), d, floor ? floor->span : slo->sym->span, "the floor");
	diag_help(LINT_DIAGS(l), d, "promise it something: 'rate %s >= ...;' in '%s'", class->name,
		  level->sym->name);
}

/* Groups that come last may starve those of their members that come last. */
static void find_starvable(struct linting *l, const struct m_slo *slo, const struct m_slo *level)
{
	size_t last = 0;

	for (size_t i = 0; i < level->members.n; i++)
		last = level->ranks[i] > last ? level->ranks[i] : last;
	for (size_t i = 0; i < level->members.n; i++) {
		const struct symbol *member = level->members.at[i];
		const struct m_slo *group = member->kind == SYM_GROUP ? member->object : NULL;

		if (level->ranks[i] < last || is_rest(l, member))
			continue;
		if (group && !(is_protected(level, member) && group->members.n == 1))
			find_starvable(l, slo, group);
		else if (!group && !is_protected(level, member))
			report_starvable(l, slo, member, level);
	}
}

static void starvable(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->slos);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_slo *slo = own.at[i]->object;

		if (rat_given(slo->floor) && rat_sign(slo->floor) == 0)
			find_starvable(l, slo, slo);
	}
}

/* ---- L5006 slo-on-empty-class ---- */

static void empty_class(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->slos);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_slo *slo = own.at[i]->object;

		for (size_t k = 0; k < slo->classes.n; k++) {
			const struct symbol *sym = slo->classes.at[k];
			const struct m_class *class = sym->object;
			struct diag *d;

			if (is_rest(l, sym) || !rat_given(class->rate.value) ||
			    rat_sign(class->rate.value) > 0)
				continue;
			d = diag_add(LINT_DIAGS(l), L5006,
				     lint_in_root(l, sym->span) ? sym->span : own.at[i]->span,
				     "class '%s' has rate 0, so slo '%s' promises it nothing",
				     sym->name, own.at[i]->name);
			diag_also(LINT_DIAGS(l), d, own.at[i]->span, "named in this slo");
			diag_help(
			    LINT_DIAGS(l), d,
			    "state the rate that is expected, or leave the class out of the slo");
		}
	}
}

/* ---- L5007 class-uncovered ---- */

enum { MOST_SETS = 1 << 14 }; /* paths and boxes; beyond, nothing is said */

struct sets {
	const struct cubes **at;
	size_t n, cap, n_boxes;
};

static void add_paths(struct linting *l, const struct m_class *class, const struct m_pipeline *p,
		      size_t source, struct sets *sets)
{
	for (size_t k = 0; k < class->paths.n; k++) {
		const struct m_path *path = &class->paths.at[k];

		if (path->pipeline != p || path->n_copies || path->modules[0] != source)
			continue;
		vec_push(LINT_ARENA(l), sets, path->cubes);
		sets->n_boxes += cubes_count(path->cubes);
	}
}

/* What enters by a source and is not dropped by its own edges. */
static struct lint_way entering(struct linting *l, const struct m_pipeline *p, size_t source)
{
	struct lint_way all = lint_arriving(l, p)[source],
			taken = { cubes_none(LINT_FIELDS(l)), all.exact };

	for (size_t j = 0; j < p->out[source].n; j++) {
		const struct m_edge *e = &p->edges.at[p->out[source].at[j]];
		struct lint_way part;

		if (e->copy)
			continue;
		part = lint_across(l, p, all, e);
		taken.cubes = cubes_or(LINT_FIELDS(l), taken.cubes, part.cubes);
		taken.exact &= part.exact;
	}
	return taken;
}

static bool names_rest(const struct linting *l, const struct m_slo *slo)
{
	for (size_t i = 0; i < slo->classes.n; i++)
		if (is_rest(l, slo->classes.at[i]))
			return true;
	return false;
}

static bool is_uncovered(struct linting *l, const struct enforced *e, size_t source,
			 struct packet *example)
{
	struct lint_way all = entering(l, e->pipeline, source);
	struct sets sets = { 0 };

	for (size_t i = 0; i < e->slo->classes.n; i++)
		add_paths(l, e->slo->classes.at[i]->object, e->pipeline, source, &sets);
	if (!all.exact || sets.n_boxes + cubes_count(all.cubes) > MOST_SETS)
		return false;
	return !cubes_covered(LINT_FIELDS(l), all.cubes, sets.at, sets.n, example);
}

static void uncovered(struct linting *l)
{
	struct enforced_list list = enforced_slos(l);
	struct packet example;

	for (size_t i = 0; i < list.n; i++) {
		const struct enforced *e = &list.at[i];

		for (size_t s = 0; s < e->pipeline->instances.n && !names_rest(l, e->slo); s++) {
			struct diag *d;

			if (!lint_begins(e->pipeline, s) || !is_uncovered(l, e, s, &example))
				continue;
			d = diag_add(LINT_DIAGS(l), L5007, e->target->sym->span,
				     "some packets that enter by '%s' are in no class of slo '%s'",
				     e->pipeline->instances.at[s]->sym->name, e->slo->sym->name);
			diag_also(LINT_DIAGS(l), d, e->slo->sym->span, "the slo");
			lint_example(l, d, &example);
			diag_help(LINT_DIAGS(l), d,
				  "widen a class, add one, or give 'rest' a place in the slo");
			break;
		}
	}
}

/* ---- L5008 missing-rate ---- */

static void class_without_rate(struct linting *l, const struct enforced *e,
			       const struct symbol *sym)
{
	struct diag *d;

	if (is_rest(l, sym) || rat_given(OBJECT(sym, m_class)->rate.value))
		return;
	d = diag_add(LINT_DIAGS(l), L5008, own_place(l, sym, e->target),
		     "class '%s' states no rate, so slo '%s' takes it for 0", sym->name,
		     e->slo->sym->name);
	diag_also(LINT_DIAGS(l), d, e->target->sym->span, "this target enforces the slo");
	diag_help(LINT_DIAGS(l), d, "state 'rate', for example 'rate 1Mpps;'");
}

static void module_without_cost(struct linting *l, const struct enforced *e,
				const struct m_class *class, const struct m_instance *i)
{
	struct diag *d;

	if (i->is_drop || rat_given(i->cost.cost) || rat_given(i->cost.per_byte) ||
	    rat_given(i->cost.speed.value))
		return;
	d = diag_add(LINT_DIAGS(l), L5008, own_place(l, i->sym, e->target),
		     "'%s' states neither 'cost' nor 'speed', so its work counts for nothing",
		     i->sym->name);
	diag_also(LINT_DIAGS(l), d, class->sym->span, "on a path of this class");
	diag_help(LINT_DIAGS(l), d, "state 'cost' or 'speed', here or in %s; '0cycles' if it is so",
		  i->function->canonical);
}

/* Edges of one module that a class takes; the rate of one at least is not known. */
static bool divides_equally(const struct m_pipeline *p, size_t module, const bool *taken)
{
	size_t first = SIZE_MAX;
	bool several = false, known = true;

	for (size_t j = 0; j < p->out[module].n; j++) {
		const struct m_edge *e = &p->edges.at[p->out[module].at[j]];

		if (e->copy || !taken[p->out[module].at[j]])
			continue;
		several |= first != SIZE_MAX && first != e->to;
		first = e->to;
		known &= e->has_rate;
	}
	return several && !known;
}

/* Marks the edges along a path; parallel ones are one step. */
static void mark_edges(const struct m_path *path, bool *taken)
{
	const struct m_pipeline *p = path->pipeline;

	for (size_t k = 0; k + 1 < path->n; k++) {
		const struct m_links *out = &p->out[path->modules[k]];

		for (size_t j = 0; j < out->n; j++)
			taken[out->at[j]] |= p->edges.at[out->at[j]].to == path->modules[k + 1];
	}
}

static void fork_without_rates(struct linting *l, const struct enforced *e,
			       const struct m_class *class, const bool *taken)
{
	for (size_t i = 0; i < e->pipeline->instances.n; i++) {
		const struct m_instance *inst = e->pipeline->instances.at[i];
		struct diag *d;

		if (!divides_equally(e->pipeline, i, taken))
			continue;
		d = diag_add(LINT_DIAGS(l), L5008, own_place(l, inst->sym, e->target),
			     "at '%s' the rate of class '%s' is divided equally, for not all edges "
			     "state theirs",
			     inst->sym->name, class->sym->name);
		diag_also(LINT_DIAGS(l), d, class->sym->span, "the class");
		diag_help(LINT_DIAGS(l), d, "state 'rate' on the edges out of '%s'",
			  inst->sym->name);
	}
}

enum { MOST_STEPS = 1 << 20 }; /* modules on paths, in all; what is beyond is not looked at */

static void judge_paths(struct linting *l, const struct enforced *e, const struct m_class *class,
			bool *costed, size_t *steps)
{
	bool *taken = arena_many(LINT_ARENA(l), bool, e->pipeline->edges.n);

	for (size_t k = 0; k < class->paths.n && *steps < MOST_STEPS; k++) {
		const struct m_path *path = &class->paths.at[k];

		if (path->pipeline != e->pipeline)
			continue;
		*steps += path->n;
		for (size_t m = 0; m < path->n; m++)
			if (!costed[path->modules[m]]) {
				costed[path->modules[m]] = true;
				module_without_cost(l, e, class,
						    e->pipeline->instances.at[path->modules[m]]);
			}
		if (!path->n_copies)
			mark_edges(path, taken);
	}
	fork_without_rates(l, e, class, taken);
}

/* Without a rate the capacity of a proxy says nothing about the flow. */
static void flows_without_rate(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	struct span said = SPAN_NONE;

	for (size_t i = 0; i < ir->n_flows; i++) {
		const struct bridge *b = &l->policy->solution->verdicts[i].bridge;
		const struct ir_flow *f = &ir->flows[i];

		for (size_t k = 0; k < b->n_hops && !f->has_rate && lint_in_root(l, f->span); k++) {
			const struct ir_node *proxy = &ir->nodes[b->hops[k].proxy];
			struct diag *d;

			if (!proxy->has_cores || !span_cmp(said, f->span))
				continue;
			said = f->span;
			d = diag_add(
			    LINT_DIAGS(l), L5008, f->span,
			    "this flow passes %s and states no rate, so it takes none of its cores",
			    proxy->name);
			diag_also(LINT_DIAGS(l), d, proxy->span, "has a limited number of cores");
			diag_help(LINT_DIAGS(l), d, "state 'rate', for example 'rate 100Mbps'");
		}
	}
}

static void missing_rate(struct linting *l)
{
	struct enforced_list list = enforced_slos(l);
	size_t steps = 0;

	for (size_t i = 0; i < list.n; i++) {
		const struct enforced *e = &list.at[i];
		bool *costed = arena_many(LINT_ARENA(l), bool, e->pipeline->instances.n);

		for (size_t k = 0; k < e->slo->classes.n; k++) {
			class_without_rate(l, e, e->slo->classes.at[k]);
			judge_paths(l, e, e->slo->classes.at[k]->object, costed, &steps);
		}
	}
	flows_without_rate(l);
}

/* ---- L5015 priority-without-effect ---- */

enum { CLASSIFY_AUTO, CLASSIFY_NEVER };

/* Modules on paths of the classes of a member, numbered by instance. */
static void mark_modules(struct linting *l, const struct symbol *member, struct map *marked)
{
	const struct m_class *class = member->object;

	if (member->kind == SYM_GROUP) {
		const struct refs *inner = &OBJECT(member, m_slo)->members;

		for (size_t i = 0; i < inner->n; i++)
			mark_modules(l, inner->at[i], marked);
		return;
	}
	for (size_t k = 0; !is_rest(l, member) && k < class->paths.n; k++)
		for (size_t m = 0; m < class->paths.at[k].n; m++) {
			struct m_instance *i =
			    class->paths.at[k]
				.pipeline->instances.at[class->paths.at[k].modules[m]];

			map_put(marked, i, i);
		}
}

/* Some class of the member has paths, and all their modules are marked. */
static bool shares_all(const struct linting *l, const struct symbol *member,
		       const struct map *marked)
{
	const struct m_class *class = member->object;

	if (member->kind == SYM_GROUP) {
		const struct refs *inner = &OBJECT(member, m_slo)->members;

		for (size_t i = 0; i < inner->n; i++)
			if (shares_all(l, inner->at[i], marked))
				return true;
		return false;
	}
	if (is_rest(l, member) || !class->paths.n)
		return false;
	for (size_t k = 0; k < class->paths.n; k++)
		for (size_t m = 0; m < class->paths.at[k].n; m++)
			if (!map_get(marked,
				     class->paths.at[k]
					 .pipeline->instances.at[class->paths.at[k].modules[m]]))
				return false;
	return true;
}

static void judge_priority(struct linting *l, const struct m_statement *st)
{
	for (size_t k = 0; k + 1 < st->members.n; k++) {
		const struct symbol *above = st->members.at[k], *below = st->members.at[k + 1];
		struct map marked;

		map_init(&marked, LINT_ARENA(l));
		mark_modules(l, above, &marked);
		if (!shares_all(l, below, &marked))
			continue;
		diag_help(
		    LINT_DIAGS(l),
		    diag_add(LINT_DIAGS(l), L5015, st->span,
			     "this priority has no effect: '%s' passes no module of its own behind "
			     "which it could wait for '%s'",
			     below->name, above->name),
		    "leave 'classify never' out, so that the classes are told apart in front");
		return;
	}
}

static void judge_priorities(struct linting *l, const struct m_slo *level)
{
	for (size_t i = 0; i < level->statements.n; i++)
		if (level->statements.at[i].kind == SLO_PRIORITY)
			judge_priority(l, &level->statements.at[i]);
	for (size_t i = 0; i < level->groups.n; i++)
		judge_priorities(l, level->groups.at[i]->object);
}

static void priority_without_effect(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->slos);

	for (size_t i = 0; i < own.n; i++)
		if (OBJECT(own.at[i], m_slo)->classify == CLASSIFY_NEVER)
			judge_priorities(l, own.at[i]->object);
}

/* ---- the table ---- */

const struct lint_rule lint_objective_rules[] = {
	{ L5003, lint_committed_cores },
	{ L5004, lint_committed_links },
	{ L5005, starvable },
	{ L5006, empty_class },
	{ L5007, uncovered },
	{ L5008, missing_rate },
	{ L5015, priority_without_effect },
	{ 0 },
};
