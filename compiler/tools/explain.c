/* `epic explain`: a code, a movement, the areas, an slo, a queue or a target, in full sentences. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/lower/lower.h"
#include "compiler/solve/movement.h"
#include "compiler/tools/command.h"
#include "compiler/tools/explain_slo.h"
#include "compiler/tools/explain_target.h"
#include "compiler/tools/solving.h"

/* ---- codes ---- */

static void put_indented(struct sink *s, const char *text)
{
	while (*text) {
		int n = (int)strcspn(text, "\n");

		sink_printf(s, "    %.*s\n", n, text);
		text += n + (text[n] == '\n');
	}
}

/* A lint rule: its level, what becomes of its findings by --fix, what can be set. */
static void put_rule(struct sink *s, const struct diag_page *page, const struct lint_facts *rule)
{
	static const char *const levels[] = { "error", "warning", "info" };
	static const char *const fixes[] = { "none", "suggested in the message", "done by epic lint --fix" };
	const char *hidden = rule->level == SEVERITY_INFO ? "; shown only with --fail-level info, -W or -D" : "";

	sink_printf(s, "\nLevel: %s%s\nFix:   %s\n\n", levels[rule->level], hidden, fixes[rule->fix]);
	if (rule->star) {
		sink_puts(s, "The rule cannot be allowed, lowered or put into a baseline.\n");
		return;
	}
	if (rule->level == SEVERITY_ERROR)
		sink_printf(s, "-W %s lowers it to a warning, in epic.conf: warn %s;\n", page->slug, page->slug);
	else
		sink_printf(s, "-D, -W and -A %s make it an error, a warning or switch it off, in epic.conf: deny, warn, allow.\n",
			    page->slug);
	sink_printf(s, "One declaration is exempted by @allow(%s, \"reason\") before it; known findings by --baseline FILE.\n",
		    page->slug);
}

static int explain_code(struct run *r, const struct diag_page *page)
{
	const struct lint_facts *rule = lint_facts(diag_page_code(page));
	struct sink s = { 0 };
	bool ok;

	sink_printf(&s, "%s %s: %s\n", page->code, page->slug, page->summary);
	if (page->why)
		sink_printf(&s, "\n%s\n", page->why);
	if (page->bad) {
		sink_puts(&s, "\nWrong:\n\n");
		put_indented(&s, page->bad);
	}
	if (page->good) {
		sink_puts(&s, "\nRight:\n\n");
		put_indented(&s, page->good);
	}
	if (rule)
		put_rule(&s, page, rule);
	ok = run_write(r, &s);
	sink_free(&s);
	return ok ? EXIT_DONE : EXIT_ENVIRONMENT;
}

/* ---- a movement ---- */

enum { FEW_BRIDGES = 5 };

struct explaining {
	struct run *run;
	struct policy *p;
	struct sink *s;
};

static void attrs_text(struct explaining *e, struct ids attrs)
{
	for (size_t i = 0; i < attrs.n; i++)
		sink_printf(e->s, "%s%s", i ? ", " : "", e->p->ir->attrs[attrs.at[i]].name);
	if (!attrs.n)
		sink_puts(e->s, "nothing");
}

static const char *place_text(struct explaining *e, struct span span)
{
	const struct source *src = source_at(&e->p->ctx->sources, span.source);
	struct place at = source_place(src, span.start);

	return arena_printf(e->p->ctx->arena, "%s:%zu:%zu", src->path, at.line, at.col);
}

static void print_decider(struct explaining *e, const struct decider *d)
{
	const struct ir *ir = e->p->ir;
	const struct ir_domain *domain = &ir->domains[d->domain];

	sink_printf(e->s, "  rule      domain %s ", domain->name);
	if (d->rule != ID_NONE)
		sink_printf(e->s, "%s it by the rule at %s\n", d->allows ? "permits" : "forbids",
			    place_text(e, ir->rules[d->rule].span));
	else if (domain->decides == IR_DEFAULT_NONE)
		sink_puts(e->s, "states no rules\n");
	else
		sink_printf(e->s, "%s it by its default at %s\n", d->allows ? "allows" : "denies",
			    place_text(e, domain->default_span));
}

static void print_bridge(struct explaining *e, const struct bridge *b)
{
	char setup[DEC_TEXT_SIZE], cycles[DEC_TEXT_SIZE];

	for (size_t i = 0; i < b->n_hops; i++)
		sink_printf(e->s, "%s%s on %s", i ? ", then " : "", e->p->ir->functions[b->hops[i].function].name,
			    e->p->ir->nodes[b->hops[i].proxy].name);
	sink_printf(e->s, " (setup %s ms, %s cycles per packet)\n",
		    rat_text(rat_div(b->setup, rat_int(1000000)), setup), rat_text(b->cycles, cycles));
}

static bool same_bridge(const struct bridge *a, const struct bridge *b)
{
	if (a->n_hops != b->n_hops)
		return false;
	for (size_t i = 0; i < a->n_hops; i++)
		/* Within one domain the side makes no difference that anybody sees. */
		if (a->hops[i].function != b->hops[i].function || a->hops[i].proxy != b->hops[i].proxy)
			return false;
	return true;
}

static void print_others(struct explaining *e, const struct ir_flow *f, const struct verdict *v,
			 enum ir_objective objective)
{
	size_t limit = e->run->options->all ? 0 : FEW_BRIDGES + 1, n, shown = 0;
	bool truncated;
	const struct bridge *all =
		movement_bridges(e->p->ctx, e->p->ir, f, objective, limit, &n, &truncated);

	for (size_t i = 0; i < n; i++) {
		if (same_bridge(&all[i], &v->bridge))
			continue;
		if (!e->run->options->all && shown == FEW_BRIDGES) {
			truncated = true;
			break;
		}
		sink_puts(e->s, shown++ ? "            " : "  others    ");
		print_bridge(e, &all[i]);
	}
	if (truncated)
		sink_puts(e->s, "            more with --all\n");
}

static void print_verdict(struct explaining *e, const struct ir_flow *f, const struct verdict *v,
			  bool declared)
{
	static const char *const words[] = { "direct", "bridged", "unbridgeable", "forbidden" };
	const struct ir *ir = e->p->ir;
	enum ir_objective objective =
		f->application == ID_NONE ? IR_SETUP_TIME : ir->applications[f->application].minimise;

	sink_printf(e->s, "%s => %s\n", ir->nodes[f->from].name, ir->nodes[f->to].name);
	if (declared)
		sink_printf(e->s, "  flow      of application %s, %s\n", ir->applications[f->application].name,
			    place_text(e, f->span));
	sink_printf(e->s, "  packets   %s\n", strcmp(f->when, "true") ? f->when : "all");
	sink_printf(e->s, "  label     %s\n", f->carries == ID_NONE ? "none" : ir->attrs[f->carries].name);
	sink_printf(e->s, "  status    %s", words[v->status]);
	if (v->failed)
		sink_printf(e->s, " (%s)", diag_page(v->code)->code);
	sink_printf(e->s, "\n  because   %s\n", v->reason);
	for (size_t i = 0; i < v->n_deciders; i++)
		print_decider(e, &v->deciders[i]);
	sink_puts(e->s, "  missing   ");
	attrs_text(e, v->missing);
	sink_putc(e->s, '\n');
	if (v->status == FLOW_BRIDGED) {
		sink_puts(e->s, "  bridge    ");
		print_bridge(e, &v->bridge);
	}
	if (v->missing.n && v->status != FLOW_FORBIDDEN)
		print_others(e, f, v, objective);
}

/* The label and filter that were given, or none. */
static bool hypothetical(struct explaining *e, struct ir_flow *f)
{
	const struct options *o = e->run->options;
	struct model *m = e->p->model;
	const struct fx *fx = fx_true(m->fields);
	const struct symbol *label = NULL;

	if (o->when && !check_filter_text(m, o->when, &fx))
		return false;
	if (o->carries && !(label = check_name_text(m, o->carries, KIND(ATTRIBUTE))))
		return false;
	if (label && !OBJECT(label, m_attribute)->label) {
		run_error(e->run, "--carries takes a label of data; '%s' is an attribute of nodes", o->carries);
		return false;
	}
	*f = (struct ir_flow){ .application = ID_NONE, .rate_bps = RAT_ZERO, .rate_pps = RAT_ZERO };
	f->cubes = fx_cubes(m->fields, fx);
	f->when = fx_text(m->fields, fx);
	f->carries = label ? lower_id(e->p->ir, label) : ID_NONE;
	f->span = SPAN_NONE;
	return true;
}

static void explain_pair(struct explaining *e, struct ir_flow f, uint32_t from, uint32_t to)
{
	const struct ir *ir = e->p->ir;
	bool asked = e->run->options->when || e->run->options->carries, declared = false;
	struct verdict v;

	for (size_t i = 0; i < ir->n_flows && !asked; i++) {
		if (ir->flows[i].from != from || ir->flows[i].to != to)
			continue;
		declared = true;
		print_verdict(e, &ir->flows[i], &e->p->solution->verdicts[i], true);
	}
	if (declared)
		return;
	f.from = from;
	f.to = to;
	v = movement_judge(e->p->ctx, ir, &f, IR_SETUP_TIME);
	print_verdict(e, &f, &v, false);
}

static bool explain_move(struct explaining *e, const char *subject)
{
	struct expectation x;
	struct ir_flow f;
	struct ids from, to;

	if (!check_move_text(e->p->model, subject, &x) || !hypothetical(e, &f))
		return false;
	from = lower_nodes(e->p->ir, e->p->ctx->arena, &x.from, x.from_all);
	to = lower_nodes(e->p->ir, e->p->ctx->arena, &x.to, x.to_all);
	for (size_t i = 0; i < from.n; i++)
		for (size_t j = 0; j < to.n; j++) {
			if (from.at[i] == to.at[j])
				continue;
			if (e->s->size)
				sink_putc(e->s, '\n');
			explain_pair(e, f, from.at[i], to.at[j]);
		}
	return true;
}

/* ---- areas ---- */

/* Attributes alone decide here: rules speak of flows, not of areas. */
static struct ir without_rules(const struct ir *ir, struct arena *a)
{
	struct ir free_ir = *ir;

	free_ir.domains = arena_many(a, struct ir_domain, ir->n_domains);
	for (size_t i = 0; i < ir->n_domains; i++) {
		free_ir.domains[i] = ir->domains[i];
		free_ir.domains[i].n_rules = 0;
		free_ir.domains[i].decides = IR_DEFAULT_NONE;
	}
	return free_ir;
}

/* Bridges depend on the domains of the two nodes, so one pair for each two domains
 * is enough. */
static bool can_bridge(struct explaining *e, const struct ir *ir, const struct area *x,
		       const struct area *y)
{
	uint32_t last_from = ID_NONE;

	for (size_t i = 0; i < x->nodes.n; i++) {
		uint32_t last_to = ID_NONE;

		if (ir->nodes[x->nodes.at[i]].domain == last_from)
			continue;
		last_from = ir->nodes[x->nodes.at[i]].domain;
		for (size_t j = 0; j < y->nodes.n; j++) {
			struct ir_flow f;

			if (ir->nodes[y->nodes.at[j]].domain == last_to)
				continue;
			last_to = ir->nodes[y->nodes.at[j]].domain;
			f = (struct ir_flow){ .application = ID_NONE, .from = x->nodes.at[i],
					      .to = y->nodes.at[j], .cubes = cubes_all(ir->fields),
					      .when = "true", .rate_bps = RAT_ZERO, .rate_pps = RAT_ZERO,
					      .carries = ID_NONE, .span = SPAN_NONE };
			if (movement_judge(e->p->ctx, ir, &f, IR_SETUP_TIME).status == FLOW_BRIDGED)
				return true;
		}
	}
	return false;
}

enum { WIDEST_MATRIX = 30 };

static void print_area(struct explaining *e, const struct area *a, size_t number)
{
	const struct ir *ir = e->p->ir;

	sink_printf(e->s, "  A%-3zu", number + 1);
	for (size_t i = 0; i < a->nodes.n && i < 8; i++)
		sink_printf(e->s, "%s%s", i ? ", " : "", ir->nodes[a->nodes.at[i]].name);
	if (a->nodes.n > 8)
		sink_printf(e->s, " and %zu more", a->nodes.n - 8);
	sink_puts(e->s, "\n      has ");
	for (size_t i = 0; i < a->attrs.n; i++)
		sink_printf(e->s, "%s%s", i ? ", " : "", name_tail(ir->attrs[a->attrs.at[i]].name));
	sink_puts(e->s, a->attrs.n ? "\n" : "nothing\n");
}

static void explain_areas(struct explaining *e)
{
	struct ir ir = without_rules(e->p->ir, e->p->ctx->arena);
	size_t n, counts[3] = { 0 };
	const struct area *areas = areas_compute(e->p->ctx->arena, &ir, &n);
	static const char *const words[] = { "direct", "bridged", "-" };

	sink_printf(e->s, "%zu area%s\n", n, n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++)
		print_area(e, &areas[i], i);
	if (n && n <= WIDEST_MATRIX) {
		sink_puts(e->s, "\nfrom\\to ");
		for (size_t j = 0; j < n; j++)
			sink_printf(e->s, " A%-7zu", j + 1);
		sink_putc(e->s, '\n');
	}
	for (size_t i = 0; i < n; i++) {
		if (n <= WIDEST_MATRIX)
			sink_printf(e->s, "  A%-5zu ", i + 1);
		for (size_t j = 0; j < n; j++) {
			size_t kind = ids_subset(areas[i].attrs, areas[j].attrs)   ? 0 :
				      can_bridge(e, &ir, &areas[i], &areas[j]) ? 1 :
										 2;

			counts[kind] += i != j;
			if (n <= WIDEST_MATRIX)
				sink_printf(e->s, " %-8s", i == j ? "." : words[kind]);
		}
		if (n <= WIDEST_MATRIX)
			sink_putc(e->s, '\n');
	}
	if (n > 1)
		sink_printf(e->s, "\nOf %zu movements between areas %zu are direct, %zu bridged and %zu impossible (%.1f %%).\n",
			    n * (n - 1), counts[0], counts[1], counts[2],
			    100.0 * (double)counts[2] / (double)(n * (n - 1)));
	sink_puts(e->s, "Rules and labels are not looked at here; `epic explain 'a => b'` does.\n");
}

/* ---- the command ---- */

static int explain_policy(struct run *r, const char *subject, const char *path)
{
	struct policy p = policy_read(r->options, path, DEPTH_MODEL);
	struct sink s = { 0 };
	struct explaining e = { r, &p, &s };
	bool ok;
	int code = policy_code(&p);

	if (code == EXIT_DONE) {
		p.ir = lower(p.model);
		p.solution = movement_choose(p.ctx, p.ir, true);
		ok = true;
		if (!strcmp(subject, "areas"))
			explain_areas(&e);
		else
			ok = explain_move(&e, subject);
		/* What is wrong is on the command line, not in the policy. */
		code = ok ? EXIT_DONE : EXIT_USAGE;
	}
	policy_report(r, &p);
	if (code == EXIT_DONE && s.size && !run_write(r, &s))
		code = EXIT_ENVIRONMENT;
	sink_free(&s);
	policy_close(&p);
	return code;
}

/* What is said about one thing of the policy by its name. */
static const struct {
	const char *subject;
	bool (*explain)(struct run *, struct policy *, const char *name, struct sink *);
} named[] = {
	{ "slo", explain_slo },
	{ "queue", explain_queue },
	{ "target", explain_target },
};

enum { N_NAMED = sizeof(named) / sizeof(*named) };

static size_t named_find(const char *subject)
{
	size_t i = 0;

	while (i < N_NAMED && strcmp(named[i].subject, subject))
		i++;
	return i;
}

/* `slo NAME FILE`, `queue MODULE FILE`, `target NAME FILE`. */
static int explain_named(struct run *r, size_t subject, const char *name, const char *path)
{
	struct options watched = *r->options;
	struct policy p;
	struct sink s = { 0 };
	bool found = true;
	int code;

	solving_watch(r, &watched);
	p = policy_read(&watched, path, DEPTH_PLAN);
	if (p.schedules)
		found = named[subject].explain(r, &p, name, &s);
	code = found ? policy_code(&p) : exit_worse(policy_code(&p), EXIT_USAGE);
	policy_report(r, &p);
	if (s.size && !run_write(r, &s))
		code = EXIT_ENVIRONMENT;
	sink_free(&s);
	policy_close(&p);
	return code;
}

static int run_explain(struct run *r)
{
	const struct texts *args = &r->options->files;
	const struct diag_page *page;
	size_t subject;
	int code;

	if (!args->n) {
		run_error(r, "explain needs a SUBJECT: a code, 'a => b', areas, slo NAME, queue MODULE or target NAME");
		return EXIT_USAGE;
	}
	page = diag_page_find(args->at[0]);
	if (page && args->n == 1)
		return explain_code(r, page);
	if (!run_has_room(r))
		return EXIT_USAGE;
	subject = named_find(args->at[0]);
	if (subject < N_NAMED) {
		if (args->n != 3) {
			run_error(r, "explain %s needs a NAME and one FILE", args->at[0]);
			return EXIT_USAGE;
		}
		code = explain_named(r, subject, args->at[1], args->at[2]);
		print_end(r, code);
		return code;
	}
	if (strcmp(args->at[0], "areas") && !strstr(args->at[0], "=>")) {
		run_error(r, "'%s' is no code; explain takes a code like E0301, 'a => b', areas, slo NAME, queue MODULE or target NAME", args->at[0]);
		return EXIT_USAGE;
	}
	if (args->n != 2) {
		run_error(r, "explain '%s' needs one FILE", args->at[0]);
		return EXIT_USAGE;
	}
	code = explain_policy(r, args->at[0], args->at[1]);
	print_end(r, code);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "SUBJECT [FILE]",
	.summary = "a code, a movement or the areas in full sentences",
	.help = ".\nSUBJECT is a code or slug (E0601, unknown-name), a movement ('a => b', with FILE),\n"
		"the word areas, 'slo NAME', 'queue MODULE' or 'target NAME' (with FILE)",
	.run = run_explain,
};
