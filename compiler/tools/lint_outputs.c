/* Rules on targets and expectations. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_shared.h"

/* ---- L6001 target-missing ---- */

static void find_targeted(struct linting *l, const struct refs *targets, struct map *found)
{
	map_init(found, LINT_ARENA(l));
	for (size_t i = 0; i < targets->n; i++) {
		const struct m_target *t = targets->at[i]->object;

		for (size_t k = 0; k < t->subjects.n; k++)
			map_put(found, t->subjects.at[k], t->subjects.at[k]);
	}
}

static void target_missing(struct linting *l)
{
	const struct model *m = l->policy->model;
	const struct refs *kinds[] = { &m->pipelines, &m->applications };
	struct refs targets = lint_own(l, &m->targets);
	struct map found;

	find_targeted(l, &targets, &found);
	for (size_t k = 0; k < 2 && targets.n; k++) {
		struct refs own = lint_own(l, kinds[k]);

		for (size_t i = 0; i < own.n; i++)
			if (!map_get(&found, own.at[i]))
				diag_help(LINT_DIAGS(l),
					  diag_add(LINT_DIAGS(l), L6001, own.at[i]->span,
						   "no target is for %s '%s'",
						   k ? "application" : "pipeline", own.at[i]->name),
					  "name it in the 'for' of a target, or leave it out");
	}
}

/* ---- L6003 port-pressure ---- */

static void port_pressure(struct linting *l)
{
	const struct plan *plan = l->policy->plan;
	const struct ir *ir = l->policy->ir;

	for (size_t i = 0; i < ir->n_targets && plan && i < plan->targets.n; i++) {
		const struct ir_target *t = &ir->targets[i];
		const struct plan_nginx_config *c = plan->targets.at[i].config;
		uint64_t ports = t->listen_hi - t->listen_lo + 1;

		if (t->backend != IR_NGINX || !c || !lint_in_root(l, t->span) ||
		    c->listeners.n * 5 <= ports * 4)
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L6003,
				   span_is_none(t->listen_span) ? t->span : t->listen_span,
				   "%zu of the %llu ports of target '%s' are in use",
				   c->listeners.n, (unsigned long long)ports, t->name),
			  "widen 'listen', so that there is room for further flows");
	}
}

/* ---- L7002 tautological-expect ---- */

static void tautological(struct linting *l)
{
	struct model *m = l->policy->model;
	struct expectation x;

	for (size_t i = 0; i < m->expects.n; i++) {
		const struct ast_stmt *s = m->expects.at[i].stmt;
		const struct ast_clause *when = lint_clause(&s->property.clauses, "when");

		if (!when || !check_expectation(m, &m->expects.at[i], &x) || !x.when ||
		    !cubes_empty(fx_cubes(LINT_FIELDS(l), x.when)))
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L7002, when->values.at[0]->span,
				   "this filter matches nothing, so the expectation says nothing"),
			  "mend the filter, or leave the expectation out");
	}
}

const struct lint_rule lint_output_rules[] = {
	{ L6001, target_missing },
	{ L6003, port_pressure },
	{ L7002, tautological },
	{ 0 },
};
