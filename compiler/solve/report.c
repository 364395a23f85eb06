#include <config.h>

#include "compiler/solve/movement.h"

#include <string.h>

#include "compiler/base/sink.h"
#include "compiler/base/text.h"
#include "compiler/solve/choose.h"
#include "compiler/solve/rules.h"
#include "compiler/solve/words.h"

enum {
	PAIRS_SHOWN = 10,     /* further pairs of one statement */
	CANDIDATES_SHOWN = 4, /* per missing attribute */
};

/* A function that provides something missing, on a proxy that may count or not. */
struct candidate {
	uint32_t function;
	uint32_t proxy;       /* ID_NONE: hosted nowhere */
	const char *excluded; /* as in the JSON, or NULL */
};

struct report {
	struct ctx *ctx;
	struct arena *arena;
	const struct ir *ir;
	const struct ir_flow *flow;
	const struct verdict *verdict;
	struct diag *diag;
	struct hosting *hosting; /* made once for all flows */
	/* for flows without a bridge */
	struct crossing *crossing;
	struct cover_faults faults;
	VEC(struct candidate) candidates;
};

static const char *node_name(const struct report *r, uint32_t node)
{
	return r->ir->nodes[node].name;
}

static const char *from_name(const struct report *r)
{
	return node_name(r, r->flow->from);
}

static const char *to_name(const struct report *r)
{
	return node_name(r, r->flow->to);
}

static const char *function_name(const struct report *r, uint32_t f)
{
	return r->ir->functions[f].name;
}

/* ---- candidates ---- */

/* The flow's whole room counts only if without it there would be a bridge: a caller
 * that leaves capacity out has no such failures. */
static void examine(struct report *r)
{
	const struct ir *ir = r->ir;
	struct hosting *h = r->hosting;
	struct question q = question_of(r->arena, ir, r->flow, IR_SETUP_TIME);
	struct rat *room = arena_many(r->arena, struct rat, h->n_slots);

	r->crossing = crossing_new(r->arena, ir, h, &q, false);
	r->faults = bridges_faults(r->arena, r->crossing, BRIDGES_STEPS_FAULTS);
	if (!r->faults.legal)
		return;
	for (size_t i = 0; i < ir->n_nodes; i++)
		if (h->slot[i] != ID_NONE)
			room[h->slot[i]] =
			    rat_mul(ir->nodes[i].has_cores ? ir->nodes[i].cores : RAT_ZERO,
				    ir->nodes[i].has_cores ? ir->nodes[i].clock : RAT_ZERO);
	q.room = room;
	r->crossing = crossing_new(r->arena, ir, h, &q, false);
	r->faults = bridges_faults(r->arena, r->crossing, BRIDGES_STEPS_FAULTS);
}

static unsigned faults_at(const struct report *r, uint32_t function, uint32_t proxy, bool *used)
{
	const struct crossing *c = r->crossing;
	unsigned faults = 0;

	*used = false;
	for (size_t i = 0; i < c->n_units; i++)
		for (size_t k = 0; k < c->units[i].n_hops; k++)
			if (c->units[i].hops[k].function == function &&
			    c->units[i].hops[k].proxy == proxy) {
				faults |= r->faults.by_unit[i];
				*used = true;
			}
	return faults;
}

static bool runs_there(const struct report *r, uint32_t function, uint32_t proxy)
{
	enum ir_side side = r->ir->functions[function].side;
	uint32_t domain = r->ir->nodes[proxy].domain;

	return (domain == r->crossing->q.from_domain && side_allows(side, true)) ||
	       (domain == r->crossing->q.to_domain && side_allows(side, false));
}

static bool in_domains(const struct report *r, uint32_t proxy)
{
	uint32_t domain = r->ir->nodes[proxy].domain;

	return domain == r->crossing->q.from_domain || domain == r->crossing->q.to_domain;
}

static const char *excluded_by(const struct report *r, uint32_t function, uint32_t proxy)
{
	bool used;
	unsigned faults = faults_at(r, function, proxy, &used);

	if (!in_domains(r, proxy))
		return "domain";
	if (!runs_there(r, function, proxy))
		return "side";
	if (ids_has(r->crossing->broken, function))
		return "pair";
	if (!used)
		return r->ir->functions[function].pair == ID_NONE ? "side" : "pair";
	if (faults & FAULT_ORDER)
		return "order";
	if (faults & FAULT_CAPACITY)
		return "capacity";
	return faults & FAULT_LABEL ? "label" : NULL;
}

static bool provides_missing(const struct report *r, uint32_t f)
{
	for (size_t i = 0; i < r->verdict->missing.n; i++)
		if (ids_has(r->ir->functions[f].provides, r->verdict->missing.at[i]))
			return true;
	return false;
}

/* Proxies of the two domains, and a few of others as a hint where the function runs. */
static void collect_hosts(struct report *r, uint32_t f, struct ids hosts)
{
	size_t n_elsewhere = 0;

	for (size_t i = 0; i < hosts.n; i++) {
		if (!in_domains(r, hosts.at[i]) && n_elsewhere++ >= CANDIDATES_SHOWN)
			continue;
		vec_push(r->arena, &r->candidates,
			 (struct candidate){ f, hosts.at[i], excluded_by(r, f, hosts.at[i]) });
	}
}

static void collect_candidates(struct report *r)
{
	for (uint32_t f = 0; f < r->ir->n_functions; f++) {
		struct ids hosts = r->crossing->hosting->proxies[f];

		if (!provides_missing(r, f))
			continue;
		if (!hosts.n)
			vec_push(r->arena, &r->candidates,
				 (struct candidate){ f, ID_NONE, "not-hosted" });
		collect_hosts(r, f, hosts);
	}
}

static bool provides(const struct report *r, const struct candidate *c, uint32_t attr)
{
	return ids_has(r->ir->functions[c->function].provides, attr);
}

static const char *why_excluded(const struct report *r, const struct candidate *c)
{
	const char *f = function_name(r, c->function), *e = c->excluded;
	uint32_t pair = r->ir->functions[c->function].pair;

	if (c->proxy == ID_NONE)
		return arena_printf(r->arena, "%s provides it, but is hosted nowhere", f);
	if (!e)
		return arena_printf(r->arena, "%s on %s (setup %s)", f, node_name(r, c->proxy),
				    words_time(r->arena, r->ir->functions[c->function].setup));
	if (*e == 'd')
		return arena_printf(r->arena, "%s is on %s, outside both domains", f,
				    node_name(r, c->proxy));
	if (*e == 's')
		return arena_printf(r->arena,
				    "%s on %s is on one side only, and not where its `side` asks",
				    f, node_name(r, c->proxy));
	if (*e == 'p' && pair != ID_NONE)
		return arena_printf(r->arena, "%s on %s lacks its half %s on the other side", f,
				    node_name(r, c->proxy), function_name(r, pair));
	return arena_printf(r->arena, "%s on %s, excluded by %s", f, node_name(r, c->proxy), e);
}

static const char *describe_candidates(const struct report *r, uint32_t attr)
{
	struct sink s = { 0 };
	size_t n = 0;
	const char *text;

	for (size_t i = 0; i < r->candidates.n; i++) {
		if (!provides(r, &r->candidates.at[i], attr))
			continue;
		if (n < CANDIDATES_SHOWN)
			sink_printf(&s, "%s%s", n ? "; " : "",
				    why_excluded(r, &r->candidates.at[i]));
		n++;
	}
	if (n > CANDIDATES_SHOWN)
		sink_printf(&s, "; and %zu more", n - CANDIDATES_SHOWN);
	text = n ? arena_strndup(r->arena, s.data, s.size) : "no known function provides it";
	sink_free(&s);
	return text;
}

static int widest_name(const struct report *r)
{
	size_t widest = 0;

	for (size_t i = 0; i < r->verdict->missing.n; i++) {
		const char *name = name_tail(r->ir->attrs[r->verdict->missing.at[i]].name);
		size_t n = 0;

		while (name[n])
			n++;
		widest = n > widest ? n : widest;
	}
	return (int)widest;
}

static void note_missing(struct report *r)
{
	int width = widest_name(r);

	for (size_t i = 0; i < r->verdict->missing.n; i++) {
		uint32_t m = r->verdict->missing.at[i];

		diag_note(&r->ctx->diags, r->diag, "missing: %-*s  %s", width,
			  name_tail(r->ir->attrs[m].name), describe_candidates(r, m));
	}
}

static void json_names(struct sink *s, const struct ir *ir, struct ids attrs)
{
	sink_putc(s, '[');
	for (size_t i = 0; i < attrs.n; i++) {
		sink_puts(s, i ? ", " : "");
		sink_json(s, ir->attrs[attrs.at[i]].name);
	}
	sink_putc(s, ']');
}

static void json_text(struct sink *s, const char *text)
{
	if (text)
		sink_json(s, text);
	else
		sink_puts(s, "null");
}

static void json_candidate(struct sink *s, const struct report *r, const struct candidate *c)
{
	sink_puts(s, "{\"function\": ");
	sink_json(s, function_name(r, c->function));
	sink_puts(s, ", \"provides\": ");
	json_names(s, r->ir, r->ir->functions[c->function].provides);
	sink_puts(s, ", \"proxy\": ");
	json_text(s, c->proxy == ID_NONE ? NULL : node_name(r, c->proxy));
	sink_puts(s, ", \"excluded_by\": ");
	json_text(s, c->excluded);
	sink_putc(s, '}');
}

static void data_unbridgeable(struct report *r)
{
	struct sink s = { 0 };

	sink_puts(&s, "{\"from\": ");
	sink_json(&s, from_name(r));
	sink_puts(&s, ", \"to\": ");
	sink_json(&s, to_name(r));
	sink_puts(&s, ", \"missing\": ");
	json_names(&s, r->ir, r->verdict->missing);
	sink_puts(&s, ", \"candidates\": [");
	for (size_t i = 0; i < r->candidates.n; i++) {
		sink_puts(&s, i ? ", " : "");
		json_candidate(&s, r, &r->candidates.at[i]);
	}
	sink_puts(&s, "]}");
	diag_data(&r->ctx->diags, r->diag, "%s", s.data);
	sink_free(&s);
}

/* ---- the way out ---- */

/* A proxy of the domain where F would run; ID_NONE if that domain has none. */
static uint32_t host_for(const struct report *r, uint32_t f, uint32_t *domain)
{
	bool source = r->ir->functions[f].side == IR_SIDE_SOURCE;
	struct ids proxies;

	*domain = source ? r->crossing->q.from_domain : r->crossing->q.to_domain;
	proxies = r->ir->domains[*domain].proxies;
	if (!proxies.n && r->ir->functions[f].side == IR_SIDE_EITHER) {
		*domain = r->crossing->q.from_domain;
		proxies = r->ir->domains[*domain].proxies;
	}
	return proxies.n ? proxies.at[0] : ID_NONE;
}

static bool attr_is_open(const struct report *r, uint32_t attr)
{
	for (size_t i = 0; i < r->candidates.n; i++) {
		const struct candidate *c = &r->candidates.at[i];
		bool used;

		if (!provides(r, c, attr) || c->proxy == ID_NONE)
			continue;
		faults_at(r, c->function, c->proxy, &used);
		if (used)
			return false;
	}
	return true;
}

/* Missing attributes that nothing on the two sides provides. */
static struct ids open_attrs(const struct report *r)
{
	uint32_t *at = arena_many(r->arena, uint32_t, r->verdict->missing.n);
	size_t n = 0;

	for (size_t i = 0; i < r->verdict->missing.n; i++)
		if (attr_is_open(r, r->verdict->missing.at[i]))
			at[n++] = r->verdict->missing.at[i];
	return (struct ids){ at, n };
}

/* Prefers functions without a half, which are one change and not two. */
static uint32_t function_for(const struct report *r, uint32_t attr)
{
	uint32_t best = ID_NONE;

	for (uint32_t f = 0; f < r->ir->n_functions; f++)
		if (ids_has(r->ir->functions[f].provides, attr) &&
		    (best == ID_NONE || (r->ir->functions[best].pair != ID_NONE &&
					 r->ir->functions[f].pair == ID_NONE)))
			best = f;
	return best;
}

static void help_host(struct report *r, uint32_t f)
{
	uint32_t domain, proxy = host_for(r, f, &domain);

	if (proxy == ID_NONE)
		diag_help(&r->ctx->diags, r->diag, "declare a proxy in %s that hosts %s",
			  r->ir->domains[domain].name, function_name(r, f));
	else
		diag_help(&r->ctx->diags, r->diag, "host %s on %s", function_name(r, f),
			  node_name(r, proxy));
}

static void help_open_attr(struct report *r, uint32_t attr)
{
	uint32_t f = function_for(r, attr);
	const char *from = r->ir->domains[r->crossing->q.from_domain].name;
	const char *to = r->ir->domains[r->crossing->q.to_domain].name;

	if (f == ID_NONE)
		diag_help(&r->ctx->diags, r->diag,
			  "declare or import a function with `provides %s`%s and host it on a proxy of %s%s%s",
			  name_tail(r->ir->attrs[attr].name),
			  strncmp(r->ir->attrs[attr].name, "std.", 4) ? "" : " (std.bridges has some)", from,
			  from == to ? "" : " or ", from == to ? "" : to);
	else
		help_host(r, f);
}

static void help_pair(struct report *r)
{
	uint32_t f = r->crossing->broken.n ? r->crossing->broken.at[0] : ID_NONE;
	uint32_t half = f == ID_NONE ? ID_NONE : r->ir->functions[f].pair;

	if (half == ID_NONE)
		return;
	diag_help(&r->ctx->diags, r->diag,
		  "host %s, the other half of %s, on a proxy of the other side",
		  function_name(r, half), function_name(r, f));
}

static void help_unbridgeable(struct report *r, struct ids open)
{
	switch (r->verdict->code) {
	case E0605:
		diag_help(&r->ctx->diags, r->diag,
			  "change `before`, `after`, `inspects` or `opaque` of these functions, or "
			  "host another one");
		break;
	case E0606:
		diag_help(
		    &r->ctx->diags, r->diag,
		    "give the proxies more `cores`, or host the functions on further proxies");
		break;
	case E0607:
		help_pair(r);
		break;
	default:
		if (open.n)
			help_open_attr(r, open.at[0]);
		else
			diag_help(&r->ctx->diags, r->diag,
				  "host a function for one of these attributes on another proxy");
	}
}

/* ---- messages ---- */

/* Those of ATTRS that some function provides, or that none does. */
static struct ids provided(const struct report *r, struct ids attrs, bool by_some)
{
	uint32_t *at = arena_many(r->arena, uint32_t, attrs.n);
	size_t n = 0;

	for (size_t i = 0; i < attrs.n; i++)
		if ((function_for(r, attrs.at[i]) != ID_NONE) == by_some)
			at[n++] = attrs.at[i];
	return (struct ids){ at, n };
}

static const char *why_open(const struct report *r, struct ids open)
{
	struct ids known = provided(r, open, true), unknown = provided(r, open, false);
	const char *first = "", *second = "";

	if (unknown.n)
		first = arena_printf(r->arena, "no known function provides %s",
				     words_attrs(r->arena, r->ir, unknown, '`'));
	if (known.n)
		second = arena_printf(r->arena, "no proxy hosts a function for %s",
				      words_attrs(r->arena, r->ir, known, '`'));
	return arena_printf(r->arena, "%s%s%s", first, unknown.n && known.n ? ", and " : "", second);
}

static const char *why_unbridgeable(const struct report *r, struct ids open)
{
	const char *open_names = words_attrs(r->arena, r->ir, open, '`');
	const char *names = words_attrs(r->arena, r->ir, r->verdict->missing, '`');

	switch (r->verdict->code) {
	case E0605:
		return arena_printf(r->arena, "no order of the functions for %s is legal", names);
	case E0606:
		return arena_printf(r->arena,
				    r->faults.legal
					? "beside the other flows the proxies have no room for %s"
					: "the proxies have no room for %s",
				    names);
	case E0607:
		return arena_printf(r->arena, "the functions for %s lack their other halves",
				    open.n ? open_names : names);
	default:
		if (!open.n)
			return "order, pairs, capacity and label exclude all bridges";
		return why_open(r, open);
	}
}

static void note_explain(struct report *r)
{
	const char *code = diag_page(r->verdict->code)->code;

	diag_note(&r->ctx->diags, r->diag,
		  "run `epic explain %s`, or `epic explain '%s => %s'` for %s", code, from_name(r),
		  to_name(r),
		  r->verdict->status == FLOW_FORBIDDEN ? "the rules that decide" : "all bridges");
}

static void report_unbridgeable(struct report *r)
{
	struct ids open;

	examine(r);
	collect_candidates(r);
	open = open_attrs(r);
	r->diag = diag_add(&r->ctx->diags, r->verdict->code, r->flow->span,
			   "%s cannot receive data from %s: %s", to_name(r), from_name(r),
			   why_unbridgeable(r, open));
	note_missing(r);
	help_unbridgeable(r, open);
	data_unbridgeable(r);
}

static const char *place_of(const struct report *r, struct span span)
{
	const struct source *s;
	struct place p;

	if (span_is_none(span) || span.source >= r->ctx->sources.list.n)
		return "";
	s = source_at(&r->ctx->sources, span.source);
	p = source_place(s, span.start);
	return arena_printf(r->arena, "%s:%zu:%zu", s->shown, p.line, p.col);
}

static void report_forbidden(struct report *r)
{
	const struct decider *d = rules_refusal(r->verdict);
	const struct ir_rule *rule = &r->ir->rules[d->rule];
	struct sink s = { 0 };

	r->diag = diag_add(&r->ctx->diags, E0602, r->flow->span,
			   "%s forbids data from %s to %s, for example %s",
			   r->ir->domains[d->domain].name, from_name(r), to_name(r),
			   words_packet(r->arena, &r->verdict->example));
	diag_also(&r->ctx->diags, r->diag, rule->span, "forbidden here");
	diag_help(&r->ctx->diags, r->diag, "narrow the flow or the rule");
	sink_puts(&s, "{\"example\": ");
	packet_json(&s, &r->verdict->example);
	sink_puts(&s, ", \"rule\": ");
	sink_json(&s, place_of(r, rule->span));
	sink_putc(&s, '}');
	diag_data(&r->ctx->diags, r->diag, "%s", s.data);
	sink_free(&s);
}

/* `permit a => b when FILTER carries LABEL;` with the author's filter in canonical form. */
static const char *permit_text(const struct report *r)
{
	bool all = !strcmp(r->flow->when, "true");
	const char *when = all ? "" : arena_printf(r->arena, " when %s", r->flow->when);
	const char *carries = "";

	if (r->flow->carries != ID_NONE)
		carries = arena_printf(r->arena, " carries %s",
				       name_tail(r->ir->attrs[r->flow->carries].name));
	return arena_printf(r->arena, "permit %s => %s%s%s;", from_name(r), to_name(r), when,
			    carries);
}

static void report_not_permitted(struct report *r)
{
	const struct decider *d = rules_refusal(r->verdict);
	const struct ir_domain *domain = &r->ir->domains[d->domain];
	struct sink s = { 0 };

	r->diag = diag_add(&r->ctx->diags, E0603, r->flow->span,
			   "%s does not permit data from %s to %s, for example %s", domain->name,
			   from_name(r), to_name(r), words_packet(r->arena, &r->verdict->example));
	if (!span_is_none(domain->default_span))
		diag_also(&r->ctx->diags, r->diag, domain->default_span,
			  "what no rule permits is denied");
	diag_help(&r->ctx->diags, r->diag, "state `%s` in %s", permit_text(r), domain->name);
	sink_puts(&s, "{\"example\": ");
	packet_json(&s, &r->verdict->example);
	sink_putc(&s, '}');
	diag_data(&r->ctx->diags, r->diag, "%s", s.data);
	sink_free(&s);
}

static void report_label(struct report *r)
{
	const struct verdict *v = r->verdict;
	const struct ir_node *node = &r->ir->nodes[v->label_node];
	const char *lacks = words_attrs(r->arena, r->ir, v->label_lacks, '`');
	const char *label = name_tail(r->ir->attrs[r->flow->carries].name);

	r->diag = diag_add(&r->ctx->diags, E0604, r->flow->span,
			   "%s data may not move from %s to %s: %s lacks %s", label, from_name(r),
			   to_name(r), node->name, lacks);
	diag_also(&r->ctx->diags, r->diag, node->span, "lacks %s", lacks);
	diag_help(&r->ctx->diags, r->diag, "give %s %s", node->name, lacks);
}

static void report_first(struct report *r)
{
	switch (r->verdict->code) {
	case E0602:
		report_forbidden(r);
		break;
	case E0603:
		report_not_permitted(r);
		break;
	case E0604:
		report_label(r);
		break;
	default:
		report_unbridgeable(r);
	}
}

/* ---- one diagnostic per statement and code ---- */

/* The flows of one statement stand side by side. */
static bool same_statement(const struct ir *ir, size_t i, size_t j)
{
	return span_cmp(ir->flows[i].span, ir->flows[j].span) == 0 &&
	       ir->flows[i].application == ir->flows[j].application;
}

static bool belongs_together(const struct solution *s, size_t i, size_t j)
{
	return s->verdicts[j].failed && s->verdicts[i].code == s->verdicts[j].code;
}

static void note_further_pairs(struct report *r, const struct solution *s, size_t first)
{
	const struct ir *ir = r->ir;
	size_t n = 0;

	for (size_t j = first + 1; j < ir->n_flows && same_statement(ir, first, j); j++) {
		if (!belongs_together(s, first, j))
			continue;
		if (n < PAIRS_SHOWN)
			diag_note(&r->ctx->diags, r->diag, "also %s => %s: %s",
				  node_name(r, ir->flows[j].from), node_name(r, ir->flows[j].to),
				  s->verdicts[j].reason);
		n++;
	}
	if (n > PAIRS_SHOWN)
		diag_note(&r->ctx->diags, r->diag, "and %zu more pairs", n - PAIRS_SHOWN);
}

static bool was_reported(const struct ir *ir, const struct solution *s, size_t i)
{
	for (size_t j = i; j-- > 0 && same_statement(ir, i, j);)
		if (belongs_together(s, i, j))
			return true;
	return false;
}

void movement_report(struct ctx *ctx, const struct ir *ir, const struct solution *s)
{
	struct hosting *hosting = hosting_new(ctx->arena, ir);

	for (size_t i = 0; i < ir->n_flows; i++) {
		struct arena *scratch;
		struct report r;

		if (!s->verdicts[i].failed || was_reported(ir, s, i))
			continue;
		scratch = arena_new();
		r = (struct report){ .ctx = ctx,
				     .arena = scratch,
				     .ir = ir,
				     .hosting = hosting,
				     .flow = &ir->flows[i],
				     .verdict = &s->verdicts[i] };
		report_first(&r);
		note_further_pairs(&r, s, i);
		note_explain(&r);
		arena_free(scratch);
	}
}
