/* The rows of nginx and SOCKS targets against the flows, nodes and bridges of the plan. */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/addr.h"
#include "compiler/tools/filter_text.h"
#include "compiler/tools/plan_facts.h"
#include "compiler/tools/verify.h"

static const struct rplan_node *node_named(const struct verifying *v, const char *name)
{
	for (size_t i = 0; i < v->plan->nodes.n; i++)
		if (!strcmp(v->plan->nodes.at[i].name, name))
			return &v->plan->nodes.at[i];
	return NULL;
}

/* "A.B.C.D:PORT" or "[IPv6]:PORT" */
static bool split(const char *text, struct prefix *address, uint64_t *port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	char *end;

	if (!n)
		return false;
	*port = strtoull(colon + 1, &end, 10);
	if (*text == '[' && n > 2 && colon[-1] == ']')
		return !*end && prefix_parse(text + 1, n - 2, address);
	return !*end && prefix_parse(text, n, address);
}

static bool is_within(const struct rplan_texts *prefixes, struct prefix inner)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		struct prefix p;

		if (prefix_parse(prefixes->at[i], strlen(prefixes->at[i]), &p) &&
		    p.family == inner.family && prefix_contains(p, inner))
			return true;
	}
	return false;
}

/* The hop whose function listens there; -1: none. */
static int hop_at(const struct verifying *v, const struct rplan_flow *f, const char *place)
{
	struct prefix address;
	uint64_t port;

	if (!split(place, &address, &port))
		return -1;
	for (size_t i = 0; i < f->bridge.n; i++) {
		const struct rplan_node *n = node_named(v, f->bridge.at[i].proxy);

		for (size_t k = 0; n && k < n->hosts.n; k++)
			if (!strcmp(n->hosts.at[k].function, f->bridge.at[i].function) &&
			    n->hosts.at[k].port == (int64_t)port &&
			    is_within(&n->addresses, address))
				return (int)i;
	}
	return -1;
}

static bool moves(const struct rplan_flow *f)
{
	return !strcmp(f->status, "direct") || !strcmp(f->status, "bridged");
}

/* ---- nginx ---- */

static bool port_fits(struct verifying *v, struct fields *fields, const struct rplan_flow *f,
		      uint64_t port)
{
	const struct fx *x = filter_text_read(fields, v->arena, f->when);
	const struct fx_member m = { .kind = FX_RANGE, .lo = port, .hi = port };
	const struct cubes *all = x ? fx_cubes(fields, x) : NULL;

	return !all || !cubes_empty(cubes_filter(
			   fields, all, fx_cmp(fields, fields_find(fields, "tcp.dport"), &m, 1)));
}

static void check_destination(struct verifying *v, struct fields *fields,
			      const struct rplan_flow *f, const struct rplan_listener *l)
{
	const char *row = verify_row(v, "config.listeners[%" PRId64 "].destination", l->port);
	const struct rplan_node *to = node_named(v, f->to);
	struct prefix address;
	uint64_t port;

	if (!split(l->destination, &address, &port))
		verify_find(v, 0, row, "'%s' is no address and port", l->destination);
	else if (to && !is_within(&to->addresses, address))
		verify_find(v, 0, row, "%s is no address of %s", l->destination, f->to);
	else if (!port_fits(v, fields, f, port))
		verify_find(v, 0, row, "port %" PRIu64 " is none of the flow's: %s", port, f->when);
}

static void check_allow(struct verifying *v, const struct rplan_flow *f,
			const struct rplan_listener *l)
{
	const struct rplan_node *from = node_named(v, f->from);

	for (size_t i = 0; from && i < l->allow.n; i++) {
		struct prefix p;

		if (!prefix_parse(l->allow.at[i], strlen(l->allow.at[i]), &p) ||
		    !is_within(&from->addresses, p))
			verify_find(v, 0,
				    verify_row(v, "config.listeners[%" PRId64 "].allow", l->port),
				    "%s is not of %s", l->allow.at[i], f->from);
	}
}

static void check_listener(struct verifying *v, struct fields *fields,
			   const struct rplan_listener *l)
{
	const struct rplan_flow *f = &v->plan->flows.at[l->flow];
	const char *row = verify_row(v, "config.listeners[%" PRId64 "]", l->port);

	if (l->port < 1 || l->port > UINT16_MAX)
		verify_find(v, 0, row, "port %" PRId64 " is none", l->port);
	if (!moves(f))
		verify_find(v, 0, row, "carries %s, which is %s", plan_flow_name(v->arena, f),
			    f->status);
	if (strcmp(l->next, l->destination) && hop_at(v, f, l->next) < 0)
		verify_find(v, 0, row, "%s is neither the destination nor a function of the bridge",
			    l->next);
	check_destination(v, fields, f, l);
	check_allow(v, f, l);
}

static void check_nginx(struct verifying *v, struct fields *fields,
			const struct rplan_nginx_config *c)
{
	const struct rplan_node *at = node_named(v, c->at);

	if (!at || strcmp(at->kind, "proxy"))
		verify_find(v, 0, verify_row(v, "config.at"), "%s is no proxy", c->at);
	for (size_t i = 0; i < c->listeners.n; i++) {
		if (i && c->listeners.at[i - 1].port >= c->listeners.at[i].port)
			verify_find(v, 0, verify_row(v, "config.listeners"),
				    "port %" PRId64 " stands behind port %" PRId64,
				    c->listeners.at[i].port, c->listeners.at[i - 1].port);
		check_listener(v, fields, &c->listeners.at[i]);
	}
}

/* ---- SOCKS ---- */

static bool same_texts(const struct rplan_texts *a, const struct rplan_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]))
			return false;
	return true;
}

static void check_links(struct verifying *v, const struct rplan_socks_config *c, size_t i)
{
	const struct rplan_chain *chain = &c->chains.at[i];
	const struct rplan_flow *f = &v->plan->flows.at[chain->flow];
	const char *row =
	    verify_row(v, "config.chains[%zu].links, for %s", i, plan_flow_name(v->arena, f));
	const char *scheme = arena_printf(v->arena, "socks%" PRId64 "://", c->version);

	if (chain->links.n > f->bridge.n) {
		verify_find(v, 0, row, "has %zu links for a bridge of %zu functions",
			    chain->links.n, f->bridge.n);
		return;
	}
	for (size_t k = 0; k < chain->links.n; k++) {
		const char *link = chain->links.at[k];
		size_t hop = f->bridge.n - chain->links.n + k;

		if (strncmp(link, scheme, strlen(scheme)))
			verify_find(v, 0, row, "%s is not of version %" PRId64, link, c->version);
		else if (hop_at(v, f, link + strlen(scheme)) != (int)hop)
			verify_find(v, 0, row, "%s is not where %s listens on %s", link,
				    f->bridge.at[hop].function, f->bridge.at[hop].proxy);
	}
}

static void check_chain(struct verifying *v, const struct rplan_socks_config *c, size_t i)
{
	const struct rplan_chain *chain = &c->chains.at[i];
	const struct rplan_flow *f = &v->plan->flows.at[chain->flow];
	const struct rplan_node *from = node_named(v, f->from), *to = node_named(v, f->to);
	const char *row =
	    verify_row(v, "config.chains[%zu], for %s", i, plan_flow_name(v->arena, f));

	if (!moves(f))
		verify_find(v, 0, row, "leads a flow that is %s", f->status);
	if (strcmp(chain->when, f->when))
		verify_find(v, 0, row, "is for '%s', and the flow for '%s'", chain->when, f->when);
	if (from && !same_texts(&chain->from, &from->addresses))
		verify_find(v, 0, row, "comes from other addresses than %s has", f->from);
	if (to && !same_texts(&chain->to, &to->addresses))
		verify_find(v, 0, row, "goes to other addresses than %s has", f->to);
	check_links(v, c, i);
}

static void check_socks(struct verifying *v, const struct rplan_socks_config *c)
{
	const struct rplan_node *at = node_named(v, c->at);

	if (!at || strcmp(at->kind, "proxy"))
		verify_find(v, 0, verify_row(v, "config.at"), "%s is no proxy", c->at);
	if (c->listen < 1 || c->listen > UINT16_MAX)
		verify_find(v, 0, verify_row(v, "config.listen"), "port %" PRId64 " is none",
			    c->listen);
	for (size_t i = 0; i < c->chains.n; i++)
		check_chain(v, c, i);
}

void verify_proxies(struct verifying *v)
{
	struct fields *fields = fields_new(v->arena);

	for (size_t i = 0; i < v->plan->targets.n; i++) {
		v->target = &v->plan->targets.at[i];
		v->target_index = i;
		if (rplan_target_nginx(v->target))
			check_nginx(v, fields, rplan_target_nginx(v->target));
		if (rplan_target_socks(v->target))
			check_socks(v, rplan_target_socks(v->target));
	}
}
