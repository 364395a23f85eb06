#include <config.h>

#include "compiler/plan/proxy_routes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "compiler/base/text.h"

#define ARENA(m) ((m)->ctx->arena)
#define DIAGS(m) (&(m)->ctx->diags)

/* ---- troubles ---- */

void refuse(struct making *m, enum diag_code code, const struct ir_flow *flow, const char *fmt, ...)
{
	struct diag **said = &m->said[code - FIRST_REFUSAL];
	const char *why;
	va_list args;

	if (m->quiet)
		return;
	va_start(args, fmt);
	why = arena_vprintf(ARENA(m), fmt, args);
	va_end(args);
	if (*said) {
		diag_also(DIAGS(m), *said, flow->span, "%s", why);
		return;
	}
	*said = diag_add(DIAGS(m), code, m->target->span, "target '%s': %s",
			 name_tail(m->target->name), why);
	diag_also(DIAGS(m), *said, flow->span, "this flow");
}

bool node_has_address(struct making *m, const struct ir_node *n)
{
	if (n->n_addresses)
		return true;
	if (m->quiet)
		return false;
	diag_also(DIAGS(m),
		  diag_add(DIAGS(m), E0307, n->span,
			   "node '%s' needs 'address': target '%s' names it", n->name,
			   name_tail(m->target->name)),
		  m->target->span, "this target");
	return false;
}

struct span listen_place(const struct ir_target *t)
{
	bool stated = t->listen_span.end > t->listen_span.start;

	return stated ? t->listen_span : t->span;
}

/* ---- routes ---- */

static bool has_function_at(const struct verdict *v, uint32_t node)
{
	for (size_t i = 0; i < v->bridge.n_hops; i++)
		if (v->bridge.hops[i].proxy == node)
			return true;
	return false;
}

bool route_passes(const struct making *m, size_t flow)
{
	const struct ir_flow *f = &m->ir->flows[flow];
	const struct verdict *v = &m->solution->verdicts[flow];
	const struct ir_node *at = &m->ir->nodes[m->target->at];

	if (f->application == ID_NONE || !ids_has(m->target->applications, f->application))
		return false;
	if (v->status == FLOW_DIRECT)
		return m->ir->nodes[f->from].domain == at->domain;
	return v->status == FLOW_BRIDGED &&
	       (m->ir->nodes[f->from].domain == at->domain || has_function_at(v, m->target->at));
}

const struct hop *route_links(const struct making *m, size_t flow, size_t *n)
{
	const struct verdict *v = &m->solution->verdicts[flow];
	size_t first = 0;

	*n = 0;
	if (v->status != FLOW_BRIDGED)
		return NULL;
	if (has_function_at(v, m->target->at))
		while (v->bridge.hops[first].proxy != m->target->at)
			first++;
	*n = v->bridge.n_hops - first;
	return v->bridge.hops + first;
}

/* ---- addresses ---- */

bool prefix_is_single(struct prefix p)
{
	return p.length == prefix_width(p.family);
}

const struct prefix *node_first_single(const struct ir_node *n)
{
	for (size_t i = 0; i < n->n_addresses; i++)
		if (prefix_is_single(n->addresses[i]))
			return &n->addresses[i];
	return NULL;
}

const char *address_port(struct arena *a, int family, epic_u128 address, uint64_t port)
{
	char buf[ADDR_TEXT_SIZE];

	return arena_printf(a, family == 6 ? "[%s]:%" PRIu64 : "%s:%" PRIu64,
			    addr_text(family, address, buf), port);
}

static uint64_t function_port(const struct ir_node *proxy, uint32_t function)
{
	size_t i = 0;

	while (proxy->hosts[i] != function) {
		i++;
		assert(i < proxy->n_hosts);
	}
	return proxy->base_port + i;
}

const char *route_link(struct making *m, const struct ir_flow *flow, const struct hop *hop)
{
	const struct ir_node *proxy = &m->ir->nodes[hop->proxy];
	const struct prefix *address = node_first_single(proxy);
	uint64_t port = function_port(proxy, hop->function);

	if (!node_has_address(m, proxy))
		return NULL;
	if (!address) {
		refuse(m, E0802, flow, "%s has no single address where %s could be reached",
		       proxy->name, name_tail(m->ir->functions[hop->function].name));
		return NULL;
	}
	if (port > UINT16_MAX) {
		refuse(m, E0804, flow, "no port is left on %s for %s: 'base-port' %u is too high",
		       proxy->name, name_tail(m->ir->functions[hop->function].name),
		       proxy->base_port);
		return NULL;
	}
	return address_port(ARENA(m), address->family, address->bits, port);
}

/* ---- what one flow asks of nginx ---- */

static const struct proxy_ends *ends_from(const struct proxy_filter *p, int family)
{
	return p->families[family == 6].used ? &p->families[family == 6].from : NULL;
}

static const struct proxy_ends *ends_to(const struct proxy_filter *p, int family)
{
	return p->families[family == 6].used ? &p->families[family == 6].to : NULL;
}

/* Calls PIECE for each part of the node's addresses that the filter lets pass. */
static void each_piece(const struct ir_node *n, const struct proxy_filter *p,
		       const struct proxy_ends *(*ends)(const struct proxy_filter *, int),
		       void (*piece)(void *, int family, epic_u128 lo, epic_u128 hi), void *out)
{
	for (size_t i = 0; i < n->n_addresses; i++) {
		struct prefix a = n->addresses[i];
		epic_u128 first = prefix_first(a), last = prefix_last(a);
		const struct proxy_ends *e = ends(p, a.family);

		if (e && !e->bounded)
			piece(out, a.family, first, last);
		for (size_t k = 0; e && e->bounded && k < e->n; k++)
			if (e->at[k].lo <= last && e->at[k].hi >= first)
				piece(out, a.family, e->at[k].lo > first ? e->at[k].lo : first,
				      e->at[k].hi < last ? e->at[k].hi : last);
	}
}

struct allowing {
	struct arena *arena;
	VEC(const char *) prefixes;
};

/* The longest way from LO that is one prefix and does not pass HI. */
static struct prefix widest_prefix(int family, epic_u128 lo, epic_u128 hi)
{
	struct prefix p = { (uint8_t)family, (uint8_t)prefix_width(family), true, lo };

	while (p.length) {
		struct prefix wider = p;

		wider.length--;
		if (prefix_first(wider) != lo || prefix_last(wider) > hi)
			break;
		p = wider;
	}
	return p;
}

static void allow_piece(void *out, int family, epic_u128 lo, epic_u128 hi)
{
	struct allowing *a = out;
	char buf[ADDR_TEXT_SIZE];

	for (;;) {
		struct prefix p = widest_prefix(family, lo, hi);

		vec_push(a->arena, &a->prefixes, arena_strdup(a->arena, prefix_text(p, buf)));
		if (prefix_last(p) == hi)
			return;
		lo = prefix_last(p) + 1;
	}
}

static struct plan_texts sources_of(struct making *m, const struct ir_flow *f,
				    const struct proxy_filter *p)
{
	struct allowing a = { .arena = ARENA(m) };

	each_piece(&m->ir->nodes[f->from], p, ends_from, allow_piece, &a);
	return (struct plan_texts){ a.prefixes.at, a.prefixes.n };
}

struct reaching {
	struct making *m;
	const struct ir_flow *flow;
	struct entries *entries;
	struct proxy_filter parts;
	struct plan_texts allow;
	size_t most; /* ports that the target may use */
	bool refused;
};

static void reach_port(struct reaching *r, int family, epic_u128 address, uint64_t port)
{
	struct entry e = { .flow = (size_t)(r->flow - r->m->ir->flows), .allow = r->allow };

	r->entries->wanted++;
	if (r->entries->list.n == r->most)
		return;
	e.destination = address_port(ARENA(r->m), family, address, port);
	vec_push(ARENA(r->m), &r->entries->list, e);
}

static void reach_piece(void *out, int family, epic_u128 lo, epic_u128 hi)
{
	struct reaching *r = out;

	if (lo != hi) {
		r->refused = true;
		return;
	}
	for (size_t i = 0; i < r->parts.n_ports; i++)
		for (epic_u128 port = r->parts.ports[i].lo; port <= r->parts.ports[i].hi; port++)
			reach_port(r, family, lo, (uint64_t)port);
}

/* ---- whether nginx can serve the flow ---- */

static bool filter_fits(struct making *m, const struct ir_flow *f, struct proxy_filter *parts)
{
	switch (proxy_filter_parts(m->ir->fields, f->cubes, parts)) {
	case PROXY_BAD_PROTOCOL:
		refuse(m, E0803, f, "nginx carries only TCP to bounded ports, not '%s'", f->when);
		return false;
	case PROXY_BAD_FIELDS:
		refuse(m, E0802, f,
		       "nginx tells apart only ports and addresses, each by itself, not '%s'",
		       f->when);
		return false;
	default:
		break;
	}
	if (parts->n_ports && !parts->ports[0].lo) {
		refuse(m, E0802, f, "no connection can be made to port 0, which '%s' includes",
		       f->when);
		return false;
	}
	return true;
}

/* In mode http the next function would have to find the flow in a PROXY header, which
 * nginx does not send there. */
static bool mode_fits(struct making *m, const struct ir_flow *f)
{
	const struct hop *hop;
	size_t n;

	hop = route_links(m, (size_t)(f - m->ir->flows), &n);
	if (!m->target->http || !n)
		return true;
	refuse(m, E0802, f, "mode http cannot pass %s => %s on to %s; mode stream can",
	       m->ir->nodes[f->from].name, m->ir->nodes[f->to].name,
	       name_tail(m->ir->functions[hop->function].name));
	return false;
}

static void enter_flow(struct making *m, const struct ir_flow *f, struct entries *entries)
{
	const struct ir_node *to = &m->ir->nodes[f->to];
	struct entries before = *entries;
	struct reaching r = { .m = m, .flow = f, .entries = entries };
	bool named = node_has_address(m, &m->ir->nodes[f->from]);

	named = node_has_address(m, to) && named;
	if (!named || !mode_fits(m, f) || !filter_fits(m, f, &r.parts))
		return;
	r.most = (size_t)(m->target->listen_hi - m->target->listen_lo) + 1;
	r.allow = sources_of(m, f, &r.parts);
	if (!r.allow.n)
		return;
	each_piece(to, &r.parts, ends_to, reach_piece, &r);
	if (!r.refused)
		return;
	entries->list.n = before.list.n;
	entries->wanted = before.wanted;
	refuse(m, E0802, f, "%s has more than single addresses, and nginx needs one for each port",
	       to->name);
}

struct entries route_entries(struct making *m)
{
	struct entries entries = { 0 };

	for (size_t i = 0; i < m->ir->n_flows; i++)
		if (route_passes(m, i))
			enter_flow(m, &m->ir->flows[i], &entries);
	return entries;
}
