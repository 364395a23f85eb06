#include <config.h>

#include "compiler/plan/proxy_config.h"

#include <string.h>

#include "compiler/base/text.h"

struct making {
	struct ctx *ctx;
	const struct ir *ir;
	const struct solution *solution;
	const struct ir_target *target;
};

#define ARENA(m) ((m)->ctx->arena)
#define DIAGS(m) (&(m)->ctx->diags)

static void refuse(struct making *m, enum diag_code code, const struct ir_flow *f, const char *why)
{
	diag_also(DIAGS(m),
		  diag_add(DIAGS(m), code, f->span, "target '%s' cannot carry %s => %s: %s",
			   name_tail(m->target->name), m->ir->nodes[f->from].name,
			   m->ir->nodes[f->to].name, why),
		  m->target->span, "this target");
}

/* ---- which flows, and where they go from here ---- */

static bool is_carried(const struct verdict *v)
{
	return v->status == FLOW_DIRECT || v->status == FLOW_BRIDGED;
}

/* The first link of the chain behind this proxy, its own functions included. */
static size_t first_link(const struct making *m, const struct verdict *v)
{
	for (size_t i = 0; i < v->bridge.n_hops; i++)
		if (v->bridge.hops[i].proxy == m->target->at)
			return i;
	return 0;
}

static bool concerns(const struct making *m, const struct ir_flow *f, const struct verdict *v)
{
	const struct ir_node *at = &m->ir->nodes[m->target->at];

	if (!ids_has(m->target->applications, f->application) || !is_carried(v))
		return false;
	for (size_t i = 0; i < v->bridge.n_hops; i++)
		if (v->bridge.hops[i].proxy == m->target->at)
			return true;
	return m->ir->nodes[f->from].domain == at->domain;
}

/* ---- addresses ---- */

static bool is_single(const struct prefix *p)
{
	return p->length == prefix_width(p->family);
}

static const struct prefix *single_address(const struct ir_node *n)
{
	for (size_t i = 0; i < n->n_addresses; i++)
		if (is_single(&n->addresses[i]))
			return &n->addresses[i];
	return NULL;
}

static const char *socket_text(struct making *m, int family, epic_u128 bits, uint64_t port)
{
	char buf[ADDR_TEXT_SIZE];

	return arena_printf(ARENA(m), family == 6 ? "[%s]:%llu" : "%s:%llu", addr_text(family, bits, buf),
			    (unsigned long long)port);
}

static uint64_t function_port(const struct ir_node *proxy, uint32_t function)
{
	size_t i = 0;

	while (i < proxy->n_hosts && proxy->hosts[i] != function)
		i++;
	return proxy->base_port + i;
}

/* ADDRESS:PORT of a hosted function; NULL: reported. */
static const char *link_text(struct making *m, const struct ir_flow *f, const struct hop *h)
{
	const struct ir_node *proxy = &m->ir->nodes[h->proxy];
	const struct prefix *a = single_address(proxy);

	if (!a) {
		refuse(m, E0802, f, arena_printf(ARENA(m), "proxy '%s' has no single address", proxy->name));
		return NULL;
	}
	return socket_text(m, a->family, a->bits, function_port(proxy, h->function));
}

static struct plan_texts prefix_texts(struct making *m, const struct ir_node *n)
{
	const char **at = arena_many(ARENA(m), const char *, n->n_addresses);
	char buf[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < n->n_addresses; i++)
		at[i] = arena_strdup(ARENA(m), prefix_text(n->addresses[i], buf));
	return (struct plan_texts){ at, n->n_addresses };
}

/* ---- socks ---- */

static bool make_chain(struct making *m, size_t flow, struct plan_chain *row)
{
	const struct ir_flow *f = &m->ir->flows[flow];
	const struct bridge *b = &m->solution->verdicts[flow].bridge;
	size_t first = first_link(m, &m->solution->verdicts[flow]);
	const char **links = arena_many(ARENA(m), const char *, b->n_hops);

	row->span = f->span;
	row->flow = (int64_t)flow;
	row->from = prefix_texts(m, &m->ir->nodes[f->from]);
	row->to = prefix_texts(m, &m->ir->nodes[f->to]);
	row->when = f->when;
	row->links.at = links;
	for (size_t i = first; i < b->n_hops; i++) {
		const char *link = link_text(m, f, &b->hops[i]);

		if (!link)
			return false;
		links[row->links.n++] = arena_printf(ARENA(m), "socks%llu://%s",
						     (unsigned long long)m->target->version, link);
	}
	if (m->target->version == 5 && b->n_hops > 1) {
		refuse(m, E0805, f, "SOCKS 5 carries no position in a chain, and this one has several functions; write 'version 6'");
		return false;
	}
	return true;
}

struct plan_socks_config *socks_config_make(struct ctx *ctx, const struct ir *ir,
					    const struct solution *solution, const struct ir_target *t)
{
	struct making m = { ctx, ir, solution, t };
	struct plan_socks_config *c = arena_one(ctx->arena, struct plan_socks_config);
	const struct prefix *address = single_address(&ir->nodes[t->at]);

	c->span = t->span;
	c->at = ir->nodes[t->at].name;
	c->listen = (int64_t)t->listen_lo;
	c->version = (int64_t)t->version;
	c->dialect = t->dialect;
	c->auth = t->auth;
	c->users = t->users;
	c->authority = t->authority;
	c->certificate = t->certificate;
	c->certificate_key = t->certificate_key;
	c->fast_open = t->fast_open;
	c->warm = (int64_t)t->warm;
	if (address)
		c->listen_address = *address;
	c->chains.at = arena_many(ctx->arena, struct plan_chain, ir->n_flows);
	for (size_t i = 0; i < ir->n_flows; i++)
		if (concerns(&m, &ir->flows[i], &solution->verdicts[i]) &&
		    make_chain(&m, i, &c->chains.at[c->chains.n]))
			c->chains.n++;
	return c;
}

/* ---- nginx: what a filter asks for, as nginx can say it ---- */

/* The packets of one family: sources and ports, and whether that is all the filter says. */
struct demand {
	const struct cubes *set;
	struct fx_member *sources, *destinations, *ports;
	size_t n_sources, n_destinations, n_ports;
	bool any_source, any_destination;
};

static const struct fx *family_filter(struct making *m, int family)
{
	struct fx_member all = { .kind = FX_PREFIX, .family = (uint8_t)family,
				 .hi = family == 4 ? UINT32_MAX : ~(epic_u128)0 };

	return fx_cmp(m->ir->fields, fields_find(m->ir->fields, "ip.src"), &all, 1);
}

static const struct cubes *narrowed(struct making *m, const struct cubes *set, const char *field,
				    const struct fx_member *ranges, size_t n)
{
	return cubes_filter(m->ir->fields, set,
			    fx_cmp(m->ir->fields, fields_find(m->ir->fields, field), ranges, n));
}

/* The filter must be exactly the product of what nginx looks at. */
static bool is_product(struct making *m, const struct demand *d, int family)
{
	struct fx_member tcp = { .kind = FX_RANGE, .lo = 6, .hi = 6 };
	const struct cubes *all = fx_cubes(m->ir->fields, family_filter(m, family));

	all = narrowed(m, all, "ip.proto", &tcp, 1);
	all = narrowed(m, all, "l4.dport", d->ports, d->n_ports);
	if (!d->any_source)
		all = narrowed(m, all, "ip.src", d->sources, d->n_sources);
	if (!d->any_destination)
		all = narrowed(m, all, "ip.dst", d->destinations, d->n_destinations);
	return cubes_subset(m->ir->fields, all, d->set);
}

static bool only_tcp(struct making *m, const struct cubes *set)
{
	struct fx_member *protocols;
	size_t n;

	return cubes_project(m->ir->fields, set, fields_find(m->ir->fields, "ip.proto"), 0, &protocols, &n) &&
	       n == 1 && protocols[0].lo == 6 && protocols[0].hi == 6;
}

static bool read_demand(struct making *m, const struct ir_flow *f, int family, struct demand *d)
{
	struct fields *fields = m->ir->fields;

	*d = (struct demand){ .set = cubes_filter(fields, f->cubes, family_filter(m, family)) };
	if (cubes_empty(d->set))
		return true;
	if (!only_tcp(m, d->set) ||
	    !cubes_project(fields, d->set, fields_find(fields, "l4.dport"), 0, &d->ports, &d->n_ports)) {
		refuse(m, E0803, f, "nginx carries TCP to named ports only");
		return false;
	}
	d->any_source = !cubes_project(fields, d->set, fields_find(fields, "ip.src"), family, &d->sources, &d->n_sources) ||
			(d->n_sources == 1 && !d->sources[0].lo && d->sources[0].hi == (family == 4 ? UINT32_MAX : ~(epic_u128)0));
	d->any_destination = !cubes_project(fields, d->set, fields_find(fields, "ip.dst"), family,
					    &d->destinations, &d->n_destinations);
	if (is_product(m, d, family))
		return true;
	refuse(m, E0802, f, "nginx looks at source addresses and destination ports, and the filter asks for more");
	return false;
}

static bool in_ranges(const struct fx_member *ranges, size_t n, epic_u128 value)
{
	for (size_t i = 0; i < n; i++)
		if (ranges[i].lo <= value && value <= ranges[i].hi)
			return true;
	return false;
}

/* ---- nginx: who may connect ---- */

struct allowed {
	const char **at;
	size_t n, cap;
};

/* A range of addresses as the fewest prefixes. */
static void allow_range(struct making *m, struct allowed *list, int family, epic_u128 lo, epic_u128 hi)
{
	char buf[ADDR_TEXT_SIZE];

	for (;;) {
		struct prefix p = { (uint8_t)family, (uint8_t)prefix_width(family), true, lo };

		while (p.length) {
			struct prefix wider = p;

			wider.length--;
			if (prefix_first(wider) != lo || prefix_last(wider) > hi)
				break;
			p = wider;
		}
		vec_push(ARENA(m), list, arena_strdup(ARENA(m), prefix_text(p, buf)));
		if (prefix_last(p) >= hi)
			return;
		lo = prefix_last(p) + 1;
	}
}

static void allow_prefix(struct making *m, struct allowed *list, const struct demand *d,
			 const struct prefix *p)
{
	epic_u128 first = prefix_first(*p), last = prefix_last(*p);

	if (d->any_source) {
		allow_range(m, list, p->family, first, last);
		return;
	}
	for (size_t i = 0; i < d->n_sources; i++) {
		epic_u128 lo = d->sources[i].lo > first ? d->sources[i].lo : first;
		epic_u128 hi = d->sources[i].hi < last ? d->sources[i].hi : last;

		if (lo <= hi)
			allow_range(m, list, p->family, lo, hi);
	}
}

static struct plan_texts allowed_sources(struct making *m, const struct ir_flow *f,
					 const struct demand demands[2])
{
	const struct ir_node *from = &m->ir->nodes[f->from];
	struct allowed list = { 0 };

	for (size_t i = 0; i < from->n_addresses; i++) {
		const struct demand *d = &demands[from->addresses[i].family == 6];

		if (!cubes_empty(d->set))
			allow_prefix(m, &list, d, &from->addresses[i]);
	}
	return (struct plan_texts){ list.at, list.n };
}

/* ---- nginx: listeners ---- */

struct listeners {
	struct plan_listener *at;
	size_t n, cap;
};

static void add_listener(struct making *m, struct listeners *list, size_t flow, const char *next,
			 const char *destination, struct plan_texts allow)
{
	const struct ir_flow *f = &m->ir->flows[flow];
	struct plan_listener row = { .span = f->span, .flow = (int64_t)flow, .next = next };

	row.port = (int64_t)(m->target->listen_lo + list->n);
	row.allow = allow;
	row.destination = destination;
	row.chained = m->solution->verdicts[flow].bridge.n_hops > 0;
	vec_push(ARENA(m), list, row);
}

/* One listener for each destination address and port. */
static void listen_for_address(struct making *m, struct listeners *list, size_t flow,
			       const struct prefix *to, const struct demand *d, const char *link,
			       struct plan_texts allow)
{
	for (size_t i = 0; i < d->n_ports; i++)
		for (epic_u128 port = d->ports[i].lo; port <= d->ports[i].hi; port++) {
			const char *destination = socket_text(m, to->family, to->bits, (uint64_t)port);

			if (list->n > 65536)
				return;
			add_listener(m, list, flow, link ? link : destination, destination, allow);
		}
}

static void listen_for_flow(struct making *m, struct listeners *list, size_t flow)
{
	const struct ir_flow *f = &m->ir->flows[flow];
	const struct verdict *v = &m->solution->verdicts[flow];
	const struct ir_node *to = &m->ir->nodes[f->to];
	struct demand demands[2];
	const char *link = NULL;
	struct plan_texts allow;

	if (!read_demand(m, f, 4, &demands[0]) || !read_demand(m, f, 6, &demands[1]))
		return;
	if (v->bridge.n_hops && m->target->http) {
		refuse(m, E0802, f, "mode http cannot tell the functions of the chain which flow this is; write 'mode stream'");
		return;
	}
	if (v->bridge.n_hops && !(link = link_text(m, f, &v->bridge.hops[first_link(m, v)])))
		return;
	allow = allowed_sources(m, f, demands);
	for (size_t i = 0; i < to->n_addresses; i++) {
		const struct prefix *p = &to->addresses[i];
		const struct demand *d = &demands[p->family == 6];

		if (!is_single(p)) {
			refuse(m, E0802, f, "the destination is a whole prefix; nginx needs single addresses");
			return;
		}
		if (!cubes_empty(d->set) &&
		    (d->any_destination || in_ranges(d->destinations, d->n_destinations, p->bits)))
			listen_for_address(m, list, flow, p, d, link, allow);
	}
}

static void check_room(struct making *m, size_t needed)
{
	uint64_t room = m->target->listen_hi - m->target->listen_lo + 1;

	if (needed > room)
		diag_add(DIAGS(m), E0804, m->target->listen_span,
			 "%zu ports are needed, one for each flow, destination address and port, and 'listen' gives %llu",
			 needed, (unsigned long long)room);
}

static struct plan_texts listen_addresses(struct making *m)
{
	const struct ir_node *at = &m->ir->nodes[m->target->at];
	const char **texts = arena_many(ARENA(m), const char *, at->n_addresses);
	char buf[ADDR_TEXT_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < at->n_addresses; i++) {
		const struct prefix *p = &at->addresses[i];

		if (is_single(p))
			texts[n++] = arena_printf(ARENA(m), p->family == 6 ? "[%s]" : "%s",
						  addr_text(p->family, p->bits, buf));
	}
	if (!n)
		diag_add(DIAGS(m), E0802, m->target->span, "proxy '%s' has no single address to listen on", at->name);
	return (struct plan_texts){ texts, n };
}

struct plan_nginx_config *nginx_config_make(struct ctx *ctx, const struct ir *ir,
					    const struct solution *solution, const struct ir_target *t)
{
	struct making m = { ctx, ir, solution, t };
	struct plan_nginx_config *c = arena_one(ctx->arena, struct plan_nginx_config);
	struct listeners list = { 0 };

	c->span = t->span;
	c->at = ir->nodes[t->at].name;
	c->mode = t->http ? "http" : "stream";
	c->certificate = t->certificate;
	c->certificate_key = t->certificate_key;
	c->addresses = listen_addresses(&m);
	for (size_t i = 0; i < ir->n_flows; i++)
		if (concerns(&m, &ir->flows[i], &solution->verdicts[i]))
			listen_for_flow(&m, &list, i);
	check_room(&m, list.n);
	c->listeners.at = list.at;
	c->listeners.n = list.n;
	return c;
}

/* ---- one port, one use ---- */

struct use {
	uint32_t proxy;
	int64_t port;
	struct span span;
};

struct uses {
	struct use *at;
	size_t n, cap;
};

static void use_port(struct ctx *ctx, struct uses *uses, struct use u, const char *proxy)
{
	for (size_t i = 0; i < uses->n; i++) {
		if (uses->at[i].proxy != u.proxy || uses->at[i].port != u.port)
			continue;
		diag_also(&ctx->diags,
			  diag_add(&ctx->diags, E0804, u.span, "port %lld of proxy '%s' is used twice",
				   (long long)u.port, proxy),
			  uses->at[i].span, "used here too");
		return;
	}
	vec_push(ctx->arena, uses, u);
}

static void use_hosted(struct ctx *ctx, const struct ir *ir, uint32_t proxy, struct uses *uses)
{
	const struct ir_node *n = &ir->nodes[proxy];

	for (size_t i = 0; i < uses->n; i++)
		if (uses->at[i].proxy == proxy)
			return;
	for (size_t i = 0; i < n->n_hosts; i++)
		use_port(ctx, uses, (struct use){ proxy, (int64_t)(n->base_port + i), n->span }, n->name);
}

void proxy_ports_check(struct ctx *ctx, const struct ir *ir, const struct plan *plan)
{
	struct uses uses = { 0 };

	for (size_t i = 0; i < ir->n_targets; i++) {
		const struct ir_target *t = &ir->targets[i];
		const char *name = t->at == ID_NONE ? NULL : ir->nodes[t->at].name;

		if (t->backend == IR_SOCKS) {
			const struct plan_socks_config *c = plan->targets.at[i].config;

			use_hosted(ctx, ir, t->at, &uses);
			use_port(ctx, &uses, (struct use){ t->at, c->listen, t->listen_span }, name);
		} else if (t->backend == IR_NGINX) {
			const struct plan_nginx_config *c = plan->targets.at[i].config;

			use_hosted(ctx, ir, t->at, &uses);
			for (size_t k = 0; k < c->listeners.n; k++)
				use_port(ctx, &uses, (struct use){ t->at, c->listeners.at[k].port, t->listen_span }, name);
		}
	}
}
