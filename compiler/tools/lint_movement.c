/* Rules on proxies, bridging functions and domains, and the table of all rules on movement. */
#include <config.h>

#include <stdlib.h>

#include "compiler/tools/lint_shared.h"

/* ---- L3002 unused-bridge ---- */

/* A pair of domain and function as one number: what another proxy of the domain does for a
 * flow is here in reserve. */
static uint64_t hosting(const struct ir *ir, uint32_t proxy, uint32_t function)
{
	return (uint64_t)ir->nodes[proxy].domain << 32 | function;
}

static int by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

struct hostings {
	uint64_t *at;
	size_t n, cap;
};

static struct hostings used_hostings(struct linting *l)
{
	const struct policy *p = l->policy;
	struct hostings used = { 0 };

	for (size_t i = 0; i < p->ir->n_flows; i++) {
		const struct bridge *b = &p->solution->verdicts[i].bridge;

		for (size_t k = 0; k < b->n_hops; k++)
			vec_push(LINT_ARENA(l), &used,
				 hosting(p->ir, b->hops[k].proxy, b->hops[k].function));
	}
	if (used.n)
		qsort(used.at, used.n, sizeof(*used.at), by_number);
	return used;
}

/* Domains at the end of a flow that came to nothing: what they host may be meant for it. */
static bool *troubled_domains(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	bool *troubled = arena_many(LINT_ARENA(l), bool, ir->n_domains);

	for (size_t i = 0; i < ir->n_flows; i++)
		if (l->policy->solution->verdicts[i].failed) {
			troubled[ir->nodes[ir->flows[i].from].domain] = true;
			troubled[ir->nodes[ir->flows[i].to].domain] = true;
		}
	return troubled;
}

static void judge_hosts(struct linting *l, const struct symbol *sym, uint32_t proxy,
			const struct hostings *used)
{
	const struct refs *hosts = &OBJECT(sym, m_node)->hosts;
	const struct ast_stmt *s = lint_property(sym, "hosts");

	for (size_t k = 0; s && k < hosts->n; k++) {
		uint64_t here = hosting(l->policy->ir, proxy,
					ir_find_function(l->policy->ir, hosts->at[k]->canonical));

		if (!hosts->at[k]->module ||
		    (used->n && bsearch(&here, used->at, used->n, sizeof(here), by_number)))
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L3002, lint_member_span(s, k, hosts->n),
				   "no flow uses %s on %s", hosts->at[k]->canonical,
				   sym->canonical),
			  "leave it out, or keep it for flows that other files state");
	}
}

/* Where no flow is known, what proxies are for is not known either. */
static void unused_bridge(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	struct refs nodes = lint_own(l, &l->policy->model->nodes);
	struct hostings used = used_hostings(l);
	bool *troubled = troubled_domains(l);

	for (size_t i = 0; i < nodes.n && ir->n_flows; i++) {
		uint32_t proxy = ir_find_node(ir, nodes.at[i]->canonical);

		if (ir->nodes[proxy].kind == IR_PROXY && !troubled[ir->nodes[proxy].domain])
			judge_hosts(l, nodes.at[i], proxy, &used);
	}
}

/* ---- L3006 missing-cost ---- */

static void missing_cost(struct linting *l)
{
	struct refs own = lint_own(l, &l->policy->model->functions);

	for (size_t i = 0; i < own.n; i++) {
		const struct m_function *f = own.at[i]->object;

		if (!f->provides.n || rat_given(f->setup) || rat_given(f->cost.cost) ||
		    rat_given(f->cost.per_byte) || rat_given(f->cost.speed.value))
			continue;
		diag_help(LINT_DIAGS(l),
			  diag_add(LINT_DIAGS(l), L3006, own.at[i]->span,
				   "'%s' provides something and seems to cost nothing",
				   own.at[i]->name),
			  "state 'setup' and 'cost', so that the best bridge can be chosen; '0ms' "
			  "if it is so");
	}
}

/* ---- L3007 single-host-bridge ---- */

/* A proxy that hosts a function with an attribute. */
struct supply {
	uint32_t domain, attr, proxy;
	enum ir_side side;
};

struct supplies {
	struct supply *at;
	size_t n, cap;
};

static int by_place(const void *x, const void *y)
{
	const struct supply *a = x, *b = y;

	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->attr != b->attr)
		return a->attr < b->attr ? -1 : 1;
	if (a->proxy != b->proxy)
		return a->proxy < b->proxy ? -1 : 1;
	return (int)a->side - (int)b->side;
}

static struct supplies all_supplies(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	struct supplies all = { 0 };

	for (uint32_t i = 0; i < ir->n_nodes; i++) {
		const struct ir_node *n = &ir->nodes[i];

		for (size_t k = 0; n->kind == IR_PROXY && k < n->n_hosts; k++) {
			const struct ir_function *f = &ir->functions[n->hosts[k]];

			for (size_t a = 0; a < f->provides.n; a++)
				vec_push(
				    LINT_ARENA(l), &all,
				    (struct supply){ n->domain, f->provides.at[a], i, f->side });
		}
	}
	if (all.n)
		qsort(all.at, all.n, sizeof(*all.at), by_place);
	return all;
}

static size_t first_supply(const struct supplies *s, uint32_t domain, uint32_t attr)
{
	struct supply wanted = { .domain = domain, .attr = attr };
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_place(&s->at[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Who can supply an attribute to a flow: two are enough to know. */
struct suppliers {
	uint32_t first;
	bool several;
};

static void add_suppliers(struct suppliers *found, const struct supplies *s, uint32_t domain,
			  uint32_t attr, bool source, bool destination, bool both)
{
	for (size_t i = first_supply(s, domain, attr);
	     i < s->n && s->at[i].domain == domain && s->at[i].attr == attr; i++) {
		const struct supply *at = &s->at[i];

		if (!(at->side == IR_SIDE_EITHER || (at->side == IR_SIDE_SOURCE && source) ||
		      (at->side == IR_SIDE_DESTINATION && destination) ||
		      (at->side == IR_SIDE_BOTH && both)))
			continue;
		found->several |= found->first != ID_NONE && found->first != at->proxy;
		found->first = at->proxy;
	}
}

/* A function that is needed on both sides depends on each: the scarcer one counts. */
static struct suppliers suppliers_of(const struct ir *ir, const struct supplies *s,
				     const struct ir_flow *f, uint32_t attr)
{
	uint32_t from = ir->nodes[f->from].domain, to = ir->nodes[f->to].domain;
	struct suppliers found = { ID_NONE, false };

	add_suppliers(&found, s, from, attr, true, from == to, false);
	if (from != to)
		add_suppliers(&found, s, to, attr, false, true, false);
	if (found.first == ID_NONE) {
		struct suppliers there = { ID_NONE, false };

		add_suppliers(&found, s, from, attr, false, false, true);
		add_suppliers(&there, s, to, attr, false, false, true);
		if (!there.several)
			found = there;
	}
	return found;
}

static bool same_span(struct span a, struct span b)
{
	return !span_cmp(a, b) && a.end == b.end;
}

/* One finding for a flow statement: further pairs and attributes join it. */
static struct diag *report_single(struct linting *l, const struct ir_flow *f, uint32_t attr,
				  uint32_t proxy, struct diag *d)
{
	const struct ir *ir = l->policy->ir;
	struct span span = ir->nodes[proxy].span;

	if (!d) {
		d = diag_add(LINT_DIAGS(l), L3007, f->span, "only %s can supply %s to this flow",
			     ir->nodes[proxy].name, ir->attrs[attr].name);
		diag_help(LINT_DIAGS(l), d,
			  "host a function that provides it on a second proxy as well");
	}
	for (size_t i = 0; i < d->also.n; i++)
		if (same_span(d->also.at[i].span, span))
			return d;
	diag_also(LINT_DIAGS(l), d, span, "no other proxy hosts what provides %s",
		  ir->attrs[attr].name);
	return d;
}

enum { MOST_PAIRS = 1 << 16 }; /* of flows; the rest is not looked at */

static void single_host(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	struct supplies s = all_supplies(l);
	struct diag *d = NULL;

	for (size_t i = 0; i < ir->n_flows && i < MOST_PAIRS; i++) {
		const struct verdict *v = &l->policy->solution->verdicts[i];
		const struct ir_flow *f = &ir->flows[i];

		if (i && !same_span(f->span, f[-1].span))
			d = NULL;
		for (size_t k = 0;
		     v->status == FLOW_BRIDGED && lint_in_root(l, f->span) && k < v->missing.n;
		     k++) {
			struct suppliers found = suppliers_of(ir, &s, f, v->missing.at[k]);

			if (found.first != ID_NONE && !found.several)
				d = report_single(l, f, v->missing.at[k], found.first, d);
		}
	}
}

/* ---- L3008 domain-without-rules ---- */

static void domain_without_rules(struct linting *l)
{
	const struct ir *ir = l->policy->ir;
	const struct ir_flow **by =
	    arena_many(LINT_ARENA(l), const struct ir_flow *, ir->n_domains);

	for (size_t i = ir->n_flows; i-- > 0;) {
		by[ir->nodes[ir->flows[i].from].domain] = &ir->flows[i];
		by[ir->nodes[ir->flows[i].to].domain] = &ir->flows[i];
	}
	for (size_t i = 0; i < ir->n_domains; i++) {
		const struct ir_domain *domain = &ir->domains[i];
		struct diag *d;

		if (domain->n_rules || !by[i] || !lint_in_root(l, domain->span))
			continue;
		d = diag_add(LINT_DIAGS(l), L3008, domain->span,
			     "domain '%s' states no rule, so it lets every flow pass",
			     domain->name);
		diag_also(LINT_DIAGS(l), d, by[i]->span, "a flow that ends there, or starts");
		diag_help(LINT_DIAGS(l), d, "write 'default deny;' and permit what is meant");
	}
}

/* ---- the table ---- */

const struct lint_rule lint_movement_rules[] = {
	{ L3002, unused_bridge },
	{ L3003, lint_unbridgeable },
	{ L3004, lint_attribute_typos },
	{ L3005, lint_never_required },
	{ L3006, missing_cost },
	{ L3007, single_host },
	{ L3008, domain_without_rules },
	{ L3009, lint_dead_rules },
	{ L3010, lint_broad_permits },
	{ L3011, lint_permit_conflicts },
	{ 0 },
};
