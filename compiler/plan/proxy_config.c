#include <config.h>

#include "compiler/plan/proxy_config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/proxy_routes.h"

#define ARENA(m) ((m)->ctx->arena)
#define DIAGS(m) (&(m)->ctx->diags)

static const struct ir_node *node_at(const struct making *m)
{
	return &m->ir->nodes[m->target->at];
}

static void refuse_wide_proxy(struct making *m)
{
	struct diag *d = diag_add(DIAGS(m), E0802, m->target->span,
				  "target '%s': %s has no single address to listen on",
				  name_tail(m->target->name), node_at(m)->name);

	diag_also(DIAGS(m), d, node_at(m)->span, "this proxy");
}

/* ---- nginx ---- */

/* As nginx writes them: IPv6 in brackets. */
static struct plan_texts single_addresses(struct making *m)
{
	const struct ir_node *at = node_at(m);
	VEC(const char *) texts = { 0 };
	char buf[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < at->n_addresses; i++) {
		struct prefix p = at->addresses[i];

		if (prefix_is_single(p))
			vec_push(ARENA(m), &texts,
				 arena_printf(ARENA(m), p.family == 6 ? "[%s]" : "%s",
					      addr_text(p.family, p.bits, buf)));
	}
	return (struct plan_texts){ texts.at, texts.n };
}

static bool listener_make(struct making *m, const struct entry *e, uint64_t port,
			  struct plan_listener *row)
{
	const struct ir_flow *f = &m->ir->flows[e->flow];
	const struct hop *hops;
	size_t n;

	hops = route_links(m, e->flow, &n);
	*row = (struct plan_listener){
		.span = f->span,
		.flow = (int64_t)e->flow,
		.port = (int64_t)port,
		.next = n ? route_link(m, f, hops) : e->destination,
		.allow = e->allow,
		.destination = e->destination,
		.chained = n > 0,
	};
	return row->next != NULL;
}

static void listeners_make(struct making *m, const struct entries *entries,
			   struct plan_nginx_config *c)
{
	c->listeners.at = arena_many(ARENA(m), struct plan_listener, entries->list.n);
	for (size_t i = 0; i < entries->list.n; i++)
		if (listener_make(m, &entries->list.at[i], m->target->listen_lo + i,
				  &c->listeners.at[c->listeners.n]))
			c->listeners.n++;
}

static void refuse_too_few(struct making *m, size_t wanted)
{
	const struct ir_target *t = m->target;
	struct diag *d = diag_add(DIAGS(m), E0804, listen_place(t),
				  "target '%s' needs %zu ports, but 'listen' names %" PRIu64,
				  name_tail(t->name), wanted, t->listen_hi - t->listen_lo + 1);

	diag_note(DIAGS(m), d, "each flow takes one for each address and port of its destination");
	if (t->listen_lo + wanted - 1 <= UINT16_MAX)
		diag_help(DIAGS(m), d, "write 'listen %" PRIu64 "..%" PRIu64 ";'", t->listen_lo,
			  t->listen_lo + wanted - 1);
}

/* nginx reads variables in the names of certificates and knows no way to write a `$`. */
static void check_certificate(struct making *m, const char *path)
{
	if (path && strchr(path, '$'))
		diag_add(DIAGS(m), E0802, m->target->span,
			 "target '%s': nginx cannot open a file with '$' in its name: '%s'",
			 name_tail(m->target->name), path);
}

struct plan_nginx_config *nginx_config_make(struct ctx *ctx, const struct ir *ir,
					    const struct solution *solution,
					    const struct ir_target *target)
{
	struct making m = { ctx, ir, solution, target, .quiet = false };
	struct plan_nginx_config *c = arena_one(ctx->arena, struct plan_nginx_config);
	struct entries entries = route_entries(&m);

	c->span = target->span;
	c->at = node_at(&m)->name;
	c->mode = target->http ? "http" : "stream";
	c->addresses = single_addresses(&m);
	c->certificate = target->certificate;
	c->certificate_key = target->certificate_key;
	check_certificate(&m, c->certificate);
	check_certificate(&m, c->certificate_key);
	if (node_has_address(&m, node_at(&m)) && !c->addresses.n)
		refuse_wide_proxy(&m);
	if (entries.wanted > entries.list.n)
		refuse_too_few(&m, entries.wanted);
	listeners_make(&m, &entries, c);
	ports_check(&m, entries.list.n);
	return c;
}

/* ---- socks ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

struct plan_texts node_prefixes(struct arena *arena, const struct ir_node *n)
{
	const char **at = arena_many(arena, const char *, n->n_addresses);
	char buf[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < n->n_addresses; i++)
		at[i] = arena_strdup(arena, prefix_text(n->addresses[i], buf));
	if (n->n_addresses)
		qsort(at, n->n_addresses, sizeof(*at), by_text);
	return (struct plan_texts){ at, n->n_addresses };
}

/* ---- who may come to the first link ---- */

struct gathering {
	struct arena *arena;
	VEC(const char *) texts;
};

static void gather_singles(struct gathering *g, const struct ir_node *n)
{
	char buf[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < n->n_addresses; i++) {
		struct prefix p = n->addresses[i];

		if (prefix_is_single(p))
			vec_push(g->arena, &g->texts,
				 arena_strdup(g->arena, addr_text(p.family, p.bits, buf)));
	}
}

static void gather_proxies(struct gathering *g, const struct ir *ir, uint32_t domain)
{
	for (size_t i = 0; i < ir->n_nodes; i++)
		if (ir->nodes[i].kind == IR_PROXY && ir->nodes[i].domain == domain)
			gather_singles(g, &ir->nodes[i]);
}

static struct plan_texts gathered(struct gathering *g)
{
	size_t n = 0;

	if (g->texts.n)
		qsort(g->texts.at, g->texts.n, sizeof(*g->texts.at), by_text);
	for (size_t i = 0; i < g->texts.n; i++)
		if (!n || strcmp(g->texts.at[n - 1], g->texts.at[i]))
			g->texts.at[n++] = g->texts.at[i];
	return (struct plan_texts){ g->texts.at, n };
}

/* The proxies that may hand the flow to its first link here: that of the function before it,
 * or any of the source's domain where the chain begins; and this one. */
static struct plan_texts via_of(struct making *m, const struct ir_flow *f)
{
	const struct verdict *v = &m->solution->verdicts[f - m->ir->flows];
	struct gathering g = { .arena = ARENA(m) };
	const struct hop *hops;
	size_t n;

	hops = route_links(m, (size_t)(f - m->ir->flows), &n);
	if (!n)
		return (struct plan_texts){ NULL, 0 };
	if (hops == v->bridge.hops)
		gather_proxies(&g, m->ir, m->ir->nodes[f->from].domain);
	else
		gather_singles(&g, &m->ir->nodes[hops[-1].proxy]);
	gather_singles(&g, node_at(m));
	return gathered(&g);
}

static bool links_make(struct making *m, const struct ir_flow *f, struct plan_texts *links)
{
	const struct hop *hops;
	const char **at;
	size_t n;

	hops = route_links(m, (size_t)(f - m->ir->flows), &n);
	at = arena_many(ARENA(m), const char *, n);
	*links = (struct plan_texts){ at, n };
	for (size_t i = 0; i < n; i++) {
		const char *link = route_link(m, f, &hops[i]);

		socks_check_class(m, &m->ir->functions[hops[i].function]);
		if (!link)
			return false;
		at[i] = arena_printf(ARENA(m), "socks%" PRIu64 "://%s", m->target->version, link);
	}
	return true;
}

/* Version 5 has no place for the position in a chain, so a function could not tell which
 * link comes next. */
static bool version_fits(struct making *m, const struct ir_flow *f)
{
	const struct verdict *v = &m->solution->verdicts[f - m->ir->flows];
	size_t n = v->status == FLOW_BRIDGED ? v->bridge.n_hops : 0;

	if (m->target->version != 5 || n < 2)
		return true;
	refuse(m, E0805, f, "SOCKS version 5 cannot lead %s => %s through a chain of %zu functions",
	       m->ir->nodes[f->from].name, m->ir->nodes[f->to].name, n);
	return false;
}

static bool socks_filter_fits(struct making *m, const struct ir_flow *f)
{
	switch (proxy_filter_socks(m->ir->fields, f->cubes)) {
	case PROXY_BAD_PROTOCOL:
		refuse(m, E0803, f, "SOCKS carries only TCP and UDP, not '%s'", f->when);
		return false;
	case PROXY_BAD_FIELDS:
		refuse(m, E0802, f,
		       "SOCKS sees only protocol, addresses and destination port, not '%s'",
		       f->when);
		return false;
	default:
		return true;
	}
}

static bool chain_make(struct making *m, const struct ir_flow *f, struct plan_chain *row)
{
	const struct ir_node *from = &m->ir->nodes[f->from], *to = &m->ir->nodes[f->to];
	bool named = node_has_address(m, from);

	named = node_has_address(m, to) && named;
	*row = (struct plan_chain){
		.span = f->span,
		.flow = f - m->ir->flows,
		.from = node_prefixes(ARENA(m), from),
		.to = node_prefixes(ARENA(m), to),
		.via = via_of(m, f),
		.replay_safe = m->ir->applications[f->application].replay_safe,
		.when = f->when,
	};
	return named && socks_filter_fits(m, f) && version_fits(m, f) &&
	       links_make(m, f, &row->links);
}

static void chains_make(struct making *m, struct plan_socks_config *c)
{
	c->chains.at = arena_many(ARENA(m), struct plan_chain, m->ir->n_flows);
	for (size_t i = 0; i < m->ir->n_flows; i++)
		if (route_passes(m, i) &&
		    chain_make(m, &m->ir->flows[i], &c->chains.at[c->chains.n]))
			c->chains.n++;
}

struct plan_socks_config *socks_config_make(struct ctx *ctx, const struct ir *ir,
					    const struct solution *solution,
					    const struct ir_target *target)
{
	struct making m = { ctx, ir, solution, target, .quiet = false };
	struct plan_socks_config *c = arena_one(ctx->arena, struct plan_socks_config);
	const struct prefix *address = node_first_single(node_at(&m));

	*c = (struct plan_socks_config){
		.span = target->span,
		.at = node_at(&m)->name,
		.auth = target->auth,
		.authority = target->authority,
		.certificate = target->certificate,
		.certificate_key = target->certificate_key,
		.dialect = target->dialect,
		.fast_open = target->fast_open,
		.listen = (int64_t)target->listen_lo,
		.users = target->users,
		.version = (int64_t)target->version,
		.warm = (int64_t)target->warm,
	};
	if (address)
		c->listen_address = *address;
	else if (node_has_address(&m, node_at(&m)))
		refuse_wide_proxy(&m);
	chains_make(&m, c);
	ports_check(&m, 1);
	return c;
}
