/* Attributes, functions, domains, nodes, rules, applications. */
#include <config.h>

#include <string.h>

#include "compiler/lower/private.h"

/* ---- attributes ---- */

static struct ids close_over(struct lowering *l, struct ids direct)
{
	struct ids all = { 0 };

	for (size_t i = 0; i < direct.n; i++)
		all = ids_union(l->arena, all, l->ir->attrs[direct.at[i]].closure);
	return all;
}

/* Depth first; the checker has refused cycles. */
static void close_attr(struct lowering *l, const struct symbol *sym)
{
	const struct m_attribute *a = sym->object;
	uint32_t self = number_of(l, sym);
	struct ir_attr *attr = &l->ir->attrs[self];
	struct ids direct = numbers_of(l, &a->requires);

	if (attr->closure.n)
		return;
	attr->closure = attr->below = ids_from(l->arena, &self, 1);
	attr->requires = direct;
	for (size_t i = 0; i < a->implies.n; i++) {
		close_attr(l, a->implies.at[i]);
		attr->closure = ids_union(l->arena, attr->closure,
					  l->ir->attrs[number_of(l, a->implies.at[i])].closure);
	}
	for (size_t i = 0; i < a->above.n; i++) {
		const struct ir_attr *lower = &l->ir->attrs[number_of(l, a->above.at[i])];

		close_attr(l, a->above.at[i]);
		attr->below = ids_union(l->arena, attr->below, lower->below);
		attr->requires = ids_union(l->arena, attr->requires, lower->requires);
	}
}

static void lower_attrs(struct lowering *l)
{
	const struct refs *all = &l->model->attributes;
	struct symbol **sorted = number_sorted(l, all);

	l->ir->n_attrs = all->n;
	l->ir->attrs = arena_many(l->arena, struct ir_attr, all->n);
	for (size_t i = 0; i < all->n; i++) {
		l->ir->attrs[i].name = sorted[i]->canonical;
		l->ir->attrs[i].span = sorted[i]->span;
		l->ir->attrs[i].is_label = OBJECT(sorted[i], m_attribute)->label;
	}
	for (size_t i = 0; i < all->n; i++)
		close_attr(l, sorted[i]);
}

/* ---- functions ---- */

static struct rat or_zero(struct rat r)
{
	return rat_given(r) ? r : RAT_ZERO;
}

static void lower_cost(const struct m_cost *c, struct ir_function *f)
{
	f->cost = or_zero(c->cost);
	f->cost_per_byte = or_zero(c->per_byte);
	if (rat_given(c->cost) || rat_given(c->per_byte) || !rat_given(c->speed.value))
		return;
	if (c->speed.packets)
		f->cost = rat_div(RAT_ONE, c->speed.value);
	else
		f->cost_per_byte = rat_div(rat_int(8), c->speed.value);
}

static bool is_mutual(const struct symbol *sym)
{
	const struct symbol *pair = OBJECT(sym, m_function)->pair;

	return !pair || OBJECT(pair, m_function)->pair == sym;
}

static void lower_rewrites(struct lowering *l, const struct field_set *set, struct ir_function *f)
{
	f->rewrites = arena_many(l->arena, const struct field *, set->n);
	for (size_t i = 0; i < set->n; i++)
		f->rewrites[f->n_rewrites++] = set->at[i];
}

/* Packets equal in these fields must meet the same instance. */
static void lower_affinity(struct lowering *l, const struct m_function *m, struct ir_function *f)
{
	f->affinity = arena_many(l->arena, const char *, m->affinity.n + 1);
	if (m->affinity_kind == AFFINITY_FLOW)
		f->affinity[f->n_affinity++] = "flow";
	for (size_t i = 0; m->affinity_kind == AFFINITY_FIELDS && i < m->affinity.n; i++)
		f->affinity[f->n_affinity++] = m->affinity.at[i]->name;
}

static void lower_derives(struct lowering *l, const struct m_function *m, struct ir_function *f)
{
	struct ir_derive *at = arena_many(l->arena, struct ir_derive, m->derives.n);

	for (size_t i = 0; i < m->derives.n; i++) {
		const struct m_derives *d = &m->derives.at[i];

		at[f->n_derives++] = (struct ir_derive){ d->name, d->values, d->n_values,
							 d->via == VIA_PORT };
	}
	f->derives = at;
}

static void lower_function(struct lowering *l, const struct symbol *sym, struct ir_function *f)
{
	const struct m_function *m = sym->object;

	f->name = sym->canonical;
	f->span = sym->span;
	f->side = (enum ir_side)m->side;
	/* A half whose pair does not name it (reported) can bridge nothing. */
	f->pair = is_mutual(sym) ? number_of(l, m->pair) : ID_NONE;
	if (is_mutual(sym))
		f->provides = close_over(l, numbers_of(l, &m->provides));
	f->inspects_payload = m->inspects_payload;
	f->inspects_fields = m->inspects.n > 0;
	f->opaque = (enum ir_opaque)m->opaque;
	f->encrypted_match = (enum ir_match)m->encrypted_match;
	lower_rewrites(l, &m->rewrites, f);
	lower_affinity(l, m, f);
	lower_derives(l, m, f);
	f->setup = or_zero(m->setup);
	lower_cost(&m->cost, f);
	f->bess_class = m->bess_class;
	f->dpdk_class = m->dpdk_class;
	f->socks_class = m->socks_class;
	f->image = m->image;
}

/* Functions by the one they are based on. */
struct derived {
	uint32_t *at;
	size_t n, cap;
};

static void collect_based_on(struct lowering *l, const struct derived *based, uint32_t f, struct derived *all)
{
	vec_push(l->arena, all, f);
	for (size_t i = 0; i < based[f].n; i++)
		collect_based_on(l, based, based[f].at[i], all);
}

/* A member of `before` stands also for the functions based on it. */
static struct ids with_based(struct lowering *l, const struct derived *based, const struct refs *refs)
{
	struct derived all = { 0 };

	for (size_t i = 0; i < refs->n; i++)
		if (number_of(l, refs->at[i]) != ID_NONE)
			collect_based_on(l, based, number_of(l, refs->at[i]), &all);
	return ids_from(l->arena, all.at, all.n);
}

static void lower_functions(struct lowering *l)
{
	const struct refs *all = &l->model->functions;
	struct symbol **sorted = number_sorted(l, all);
	struct derived *based = arena_many(l->arena, struct derived, all->n);

	l->ir->n_functions = all->n;
	l->ir->functions = arena_many(l->arena, struct ir_function, all->n);
	for (size_t i = 0; i < all->n; i++) {
		const struct symbol *base = OBJECT(sorted[i], m_function)->base;

		lower_function(l, sorted[i], &l->ir->functions[i]);
		if (base)
			vec_push(l->arena, &based[number_of(l, base)], (uint32_t)i);
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct m_function *m = sorted[i]->object;

		l->ir->functions[i].before = with_based(l, based, &m->before);
		l->ir->functions[i].after = with_based(l, based, &m->after);
	}
}

/* ---- domains and nodes ---- */

static void lower_node(struct lowering *l, const struct symbol *sym, struct ir_node *n)
{
	const struct m_node *m = sym->object;
	uint32_t *hosts = arena_many(l->arena, uint32_t, m->hosts.n);

	n->name = sym->canonical;
	n->span = sym->span;
	n->kind = (enum ir_node_kind)m->kind;
	n->domain = number_of(l, m->domain);
	n->attrs = close_over(l, numbers_of(l, &m->attributes));
	n->addresses = m->address.at;
	n->n_addresses = m->address.n;
	for (size_t i = 0; i < m->hosts.n; i++)
		if (m->hosts.at[i]->module) /* `none` is hosted nowhere */
			hosts[n->n_hosts++] = number_of(l, m->hosts.at[i]);
	n->hosts = hosts;
	n->base_port = (unsigned)m->base_port;
	n->has_cores = rat_given(m->cores) && rat_given(m->clock);
	n->cores = or_zero(m->cores);
	n->clock = or_zero(m->clock);
	n->reserve = or_zero(m->reserve);
}

static void lower_nodes_and_domains(struct lowering *l)
{
	const struct refs *domains = &l->model->domains, *nodes = &l->model->nodes;
	struct symbol **sorted = number_sorted(l, domains), **sorted_nodes = number_sorted(l, nodes);

	l->ir->n_domains = domains->n;
	l->ir->domains = arena_many(l->arena, struct ir_domain, domains->n);
	l->ir->n_nodes = nodes->n;
	l->ir->nodes = arena_many(l->arena, struct ir_node, nodes->n);
	for (size_t i = 0; i < nodes->n; i++)
		lower_node(l, sorted_nodes[i], &l->ir->nodes[i]);
	for (size_t i = 0; i < domains->n; i++) {
		const struct m_domain *m = sorted[i]->object;
		struct ir_domain *d = &l->ir->domains[i];
		struct refs proxies = { 0 };

		d->name = sorted[i]->canonical;
		d->span = sorted[i]->span;
		d->decides = (enum ir_default)(m->decides + 1);
		d->default_span = m->default_span;
		for (size_t k = 0; k < m->nodes.n; k++)
			if (OBJECT(m->nodes.at[k], m_node)->kind == NODE_PROXY)
				vec_push(l->arena, &proxies, m->nodes.at[k]);
		d->proxies = numbers_of(l, &proxies);
	}
}

/* ---- rules ---- */

static struct ids every_node(struct lowering *l, bool endpoints)
{
	uint32_t *at = arena_many(l->arena, uint32_t, l->ir->n_nodes);
	size_t n = 0;

	for (size_t i = 0; i < l->ir->n_nodes; i++)
		if (!endpoints || l->ir->nodes[i].kind == IR_ENDPOINT)
			at[n++] = (uint32_t)i;
	return (struct ids){ at, n };
}

static void lower_rules(struct lowering *l)
{
	struct symbol **sorted = number_sorted(l, &l->model->domains);
	struct ids every = every_node(l, false);
	VEC(struct ir_rule) rules = { 0 };

	for (size_t i = 0; i < l->model->domains.n; i++) {
		const struct m_domain *m = sorted[i]->object;
		struct ir_domain *d = &l->ir->domains[i];

		d->first_rule = rules.n;
		d->n_rules = m->rules.n;
		for (size_t k = 0; k < m->rules.n; k++) {
			const struct m_rule *r = &m->rules.at[k];
			struct ir_rule rule = { .forbid = r->forbid, .cubes = r->cubes, .span = r->span };

			rule.domain = number_of(l, m->sym);
			rule.from = r->from_all ? every : numbers_of(l, &r->from);
			rule.to = r->to_all ? every : numbers_of(l, &r->to);
			rule.when = fx_text(l->ir->fields, r->when);
			rule.carries = number_of(l, r->carries);
			vec_push(l->arena, &rules, rule);
		}
	}
	l->ir->rules = rules.at;
	l->ir->n_rules = rules.n;
}

/* ---- applications ---- */

struct flows {
	struct ir_flow *at;
	size_t n, cap;
};

static void add_flows(struct lowering *l, const struct m_application *a, const struct m_flow *f,
		      uint32_t application, struct ids every, struct flows *flows)
{
	struct ids from = f->from_all ? every : numbers_of(l, &f->from);
	struct ids to = f->to_all ? every : numbers_of(l, &f->to);
	struct ir_flow flow = { .application = application, .cubes = f->cubes, .span = f->span };
	struct rat bits = rat_mul(a->packet, rat_int(8));

	flow.when = fx_text(l->ir->fields, f->when);
	flow.carries = number_of(l, f->carries);
	flow.has_rate = rat_given(f->rate.value);
	if (flow.has_rate) {
		flow.rate_pps = f->rate.packets ? f->rate.value : rat_div(f->rate.value, bits);
		flow.rate_bps = f->rate.packets ? rat_mul(f->rate.value, bits) : f->rate.value;
	} else {
		flow.rate_pps = flow.rate_bps = RAT_ZERO;
	}
	for (size_t i = 0; i < from.n; i++)
		for (size_t j = 0; j < to.n; j++) {
			if (from.at[i] == to.at[j])
				continue;
			flow.from = from.at[i];
			flow.to = to.at[j];
			vec_push(l->arena, flows, flow);
		}
}

/* The root module's in source order, then the others that a target names, by name. */
static struct refs ordered_applications(struct lowering *l)
{
	struct refs all = in_plan(l, &l->model->applications, SYM_APPLICATION), ordered = { 0 }, others = { 0 };
	struct symbol **sorted;

	for (size_t i = 0; i < all.n; i++)
		if (all.at[i]->module == l->model->root)
			vec_push(l->arena, &ordered, all.at[i]);
		else
			vec_push(l->arena, &others, all.at[i]);
	sorted = number_sorted(l, &others);
	for (size_t i = 0; i < others.n; i++)
		vec_push(l->arena, &ordered, sorted[i]);
	return ordered;
}

static void lower_applications(struct lowering *l)
{
	struct refs all = ordered_applications(l);
	struct ids every = every_node(l, true);
	struct flows flows = { 0 };

	l->ir->n_applications = all.n;
	l->ir->applications = arena_many(l->arena, struct ir_application, all.n);
	for (size_t i = 0; i < all.n; i++) {
		const struct m_application *m = all.at[i]->object;
		struct ir_application *a = &l->ir->applications[i];

		map_put(&l->numbers, all.at[i], (void *)(uintptr_t)(i + 1));
		a->name = all.at[i]->canonical;
		a->span = all.at[i]->span;
		a->minimise = (enum ir_objective)m->minimise;
		a->packet = m->packet;
		a->replay_safe = m->replay == 1;
		a->first_flow = flows.n;
		for (size_t k = 0; k < m->flows.n; k++)
			add_flows(l, m, &m->flows.at[k], (uint32_t)i, every, &flows);
		a->n_flows = flows.n - a->first_flow;
	}
	l->ir->flows = flows.at;
	l->ir->n_flows = flows.n;
}

void lower_movement(struct lowering *l)
{
	lower_attrs(l);
	lower_functions(l);
	lower_nodes_and_domains(l);
	lower_rules(l);
	lower_applications(l);
}
