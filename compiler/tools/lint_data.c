/* Rules on labels and what they ask for. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/tools/lint_shared.h"

/* ---- L4001 sensitive-in-clear ---- */

/* The library says which services are in clear text; the policy need not use it. */
static const struct fx *clear_text(struct linting *l)
{
	static const char question[] = "edition 1;\nuse std.services { clear-text };\n"
				       "class asked { match clear-text; }\n";
	struct ctx *ctx = ctx_new();
	struct search search = { .roots = l->run->options->search.roots,
				 .n_roots = l->run->options->search.n_roots,
				 .std = l->run->options->search.std };
	struct model *m = check_text(ctx, question, sizeof(question) - 1, &search);
	const struct fx *found = NULL;

	if (m && !ctx->diags.n_errors && m->classes.n) {
		const struct fx *match = OBJECT(m->classes.at[m->classes.n - 1], m_class)->match;
		const char *text = arena_strdup(LINT_ARENA(l), fx_text(m->fields, match));

		check_filter_text(l->policy->model, text, &found);
	}
	ctx_free(ctx);
	return found;
}

static bool asks_for(const struct ir *ir, uint32_t label, uint32_t attr)
{
	const struct ids *requires = &ir->attrs[label].requires;

	for (size_t i = 0; i < requires->n; i++)
		if (ids_has(ir->attrs[requires->at[i]].closure, attr))
			return true;
	return false;
}

/* From the first proxy of the chain to the last: what stands in front of the function that
 * hides runs beside it, and so does what stands behind its other half. */
static bool covers_way(const struct ir *ir, const struct bridge *b)
{
	for (size_t i = 0; i < b->n_hops; i++) {
		const struct ir_function *f = &ir->functions[b->hops[i].function];
		size_t last = i + 1;

		if (b->hops[i].proxy != b->hops[0].proxy)
			return false;
		if (f->opaque != IR_OPAQUE_PAYLOAD)
			continue;
		while (last < b->n_hops &&
		       (f->pair == ID_NONE || b->hops[last].function != f->pair))
			last++;
		if (last == b->n_hops ? f->pair == ID_NONE
				      : b->hops[last].proxy == b->hops[b->n_hops - 1].proxy)
			return true;
	}
	return false;
}

static struct diag *report_clear(struct linting *l, const struct ir_flow *f, uint32_t attr,
				 const struct packet *example)
{
	const struct ir *ir = l->policy->ir;
	struct diag *d;

	d = diag_add(LINT_DIAGS(l), L4001, f->span,
		     "this flow may carry %s in clear text from %s to %s",
		     ir->attrs[f->carries].name, ir->nodes[f->from].name, ir->nodes[f->to].name);
	diag_also(LINT_DIAGS(l), d, ir->attrs[f->carries].span, "the label requires %s",
		  ir->attrs[attr].name);
	lint_example(l, d, example);
	diag_help(LINT_DIAGS(l), d,
		  "narrow 'when' to services that encrypt, or bridge the flow by a function with "
		  "'opaque payload'");
	return d;
}

static void sensitive(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	uint32_t attr = ir_find_attr(ir, "std.security.encryption");
	const struct cubes *clear = NULL;
	const struct fx *fx = NULL;
	struct packet example;

	for (size_t i = 0; i < ir->n_flows && attr != ID_NONE; i++) {
		const struct ir_flow *f = &ir->flows[i];

		if (f->carries == ID_NONE || !lint_in_root(l, f->span) ||
		    !asks_for(ir, f->carries, attr) ||
		    covers_way(ir, &l->policy->solution->verdicts[i].bridge))
			continue;
		if (!fx && !(fx = clear_text(l)))
			return;
		clear = clear ? clear : fx_cubes(LINT_FIELDS(l), fx);
		if (!cubes_overlap(LINT_FIELDS(l), f->cubes, clear, &example))
			continue;
		report_clear(l, f, attr, &example);
		/* The other pairs of the same statement would say the same. */
		while (i + 1 < ir->n_flows && !span_cmp(ir->flows[i + 1].span, f->span))
			i++;
	}
}

/* ---- L4003 unlabelled-flow ---- */

static void unlabelled(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	struct span said = SPAN_NONE;

	for (size_t i = 0; i < ir->n_flows; i++) {
		const struct ir_flow *f = &ir->flows[i];
		const struct ir_node *from = &ir->nodes[f->from], *to = &ir->nodes[f->to];

		if (f->carries != ID_NONE || from->domain == to->domain ||
		    !lint_in_root(l, f->span) || !span_cmp(said, f->span))
			continue;
		said = f->span;
		diag_help(
		    LINT_DIAGS(l),
		    diag_add(LINT_DIAGS(l), L4003, f->span,
			     "data moves from %s to %s without a label",
			     ir->domains[from->domain].name, ir->domains[to->domain].name),
		    "say what it is by 'carries', for example 'carries public' of std.privacy");
	}
}

/* ---- L4005 purpose-missing ---- */

static void purpose(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->applications);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_application *a = own.at[i]->object;
		const struct m_flow *labelled = NULL;
		struct diag *d;

		for (size_t k = 0; k < a->flows.n && !labelled; k++)
			if (a->flows.at[k].carries)
				labelled = &a->flows.at[k];
		if (!labelled || (a->purpose && *a->purpose))
			continue;
		d = diag_add(LINT_DIAGS(l), L4005, own.at[i]->span,
			     "application '%s' moves labelled data and does not say what for",
			     own.at[i]->name);
		diag_also(LINT_DIAGS(l), d, labelled->span, "carries %s",
			  labelled->carries->canonical);
		diag_help(LINT_DIAGS(l), d, "write 'purpose \"...\";'");
	}
}

const struct lint_rule lint_data_rules[] = {
	{ L4001, sensitive },
	{ L4003, unlabelled },
	{ L4005, purpose },
	{ 0 },
};
