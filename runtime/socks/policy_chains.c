/* Chains and flows of a plan. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLACE_ROOM = 128 };

/* Where a chain stands in the plan. */
struct standing {
	size_t flow, target, row; /* target: of the policy's */
};

static int standing_cmp(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static const struct rplan_socks_config *config_of(const struct policy_reading *r, size_t target)
{
	return rplan_target_socks(&r->plan->targets.at[r->numbers[target]]);
}

/* ---- links ---- */

static ptrdiff_t host_on(const struct rplan_node *n, uint16_t port)
{
	for (size_t i = 0; i < n->hosts.n; i++)
		if (n->hosts.at[i].port == port)
			return (ptrdiff_t)i;
	return POLICY_NOWHERE;
}

static bool has_host(const struct wire_address *at, size_t n, const struct wire_address *a)
{
	for (size_t i = 0; i < n; i++)
		if (policy_same_host(&at[i], a))
			return true;
	return false;
}

static bool add_tls(struct policy_reading *r, const struct rplan_node *node, size_t *room)
{
	size_t n;
	struct wire_address *more, *singles = policy_singles_of(r, node, &n);

	if (!singles)
		return false;
	if (r->n_tls + n > *room) {
		*room = 2 * (r->n_tls + n);
		more = policy_take(r, *room, sizeof(*more));
		if (!more)
			return false;
		if (r->n_tls)
			memcpy(more, r->tls, r->n_tls * sizeof(*more));
		r->tls = more;
	}
	for (size_t i = 0; i < n; i++)
		if (!has_host(r->tls, r->n_tls, &singles[i]))
			r->tls[r->n_tls++] = singles[i];
	return true;
}

/* A proxy speaks TLS if one of its targets has a certificate. */
static bool find_tls(struct policy_reading *r)
{
	bool *seen = policy_take(r, r->plan->nodes.n, sizeof(*seen));
	size_t room = 0;

	for (size_t i = 0; seen && i < r->plan->targets.n; i++) {
		const struct rplan_socks_config *c = rplan_target_socks(&r->plan->targets.at[i]);
		ptrdiff_t node = c && c->certificate ? policy_find_node(r, c->at) : POLICY_NOWHERE;

		if (node == POLICY_NOWHERE || seen[node])
			continue;
		if (!add_tls(r, r->nodes[node], &room))
			return false;
		seen[node] = true;
	}
	return seen;
}

static bool read_link(struct policy_reading *r, const char *place, size_t i, const char *text,
		      const struct policy_target *t, struct policy_link *link)
{
	char scheme[16];
	ptrdiff_t host;
	int n = snprintf(scheme, sizeof(scheme), "socks%d://", t->version);

	if (strncmp(text, scheme, (size_t)n))
		return policy_fail(r, "%s.links[%zu]: '%.60s' does not begin with %s", place, i,
				   text, scheme);
	if (!policy_address_of(text + n, &link->at))
		return policy_fail(r, "%s.links[%zu]: '%.60s' is no socks%d://ADDRESS:PORT", place,
				   i, text, t->version);
	link->text = text;
	link->own = -1;
	if (!has_host(r->singles, r->n_singles, &link->at)) {
		link->tls = has_host(r->tls, r->n_tls, &link->at);
		return true;
	}
	host = host_on(r->at, link->at.port);
	if (host == POLICY_NOWHERE)
		return policy_fail(r, "%s.links[%zu]: %.100s hosts no function on port %u", place,
				   i, r->at->name, link->at.port);
	if (strcmp(r->at->hosts.at[host].function, link->function))
		return policy_fail(r, "%s.links[%zu]: %.100s is there, but %.100s on the flow",
				   place, i, r->at->hosts.at[host].function, link->function);
	link->own = (int)host; /* the policy's own numbers come later */
	return true;
}

static bool read_links(struct policy_reading *r, const char *place, const struct rplan_chain *row,
		       const struct rplan_flow *flow, struct policy_chain *chain)
{
	struct policy_link *links = policy_take(r, row->links.n, sizeof(*links));
	size_t skipped = flow->bridge.n - row->links.n;

	if (!links)
		return false;
	if (row->links.n > flow->bridge.n)
		return policy_fail(r, "%s.links: %zu links, but %zu functions are on the flow",
				   place, row->links.n, flow->bridge.n);
	for (size_t i = 0; i < row->links.n; i++) {
		links[i].function = flow->bridge.at[skipped + i].function;
		if (!read_link(r, place, i, row->links.at[i], &r->policy->targets[chain->target],
			       &links[i]))
			return false;
	}
	chain->links = links;
	chain->n_links = row->links.n;
	return true;
}

/* ---- chains ---- */

static bool read_via(struct policy_reading *r, const char *place, const struct rplan_chain *row,
		     struct policy_entry *entry)
{
	struct wire_address *via = policy_take(r, row->via.n, sizeof(*via));

	if (!via)
		return false;
	for (size_t i = 0; i < row->via.n; i++)
		if (!policy_host_of(row->via.at[i], &via[i]))
			return policy_fail(r, "%s.via[%zu]: '%.60s' is no address", place, i,
					   row->via.at[i]);
	entry->via = via;
	entry->n_via = row->via.n;
	return true;
}

static bool read_scope(struct policy_reading *r, const char *place, const struct rplan_chain *row,
		       struct policy_scope *scope)
{
	struct filter_error error;

	scope->when = policy_filter_find(r->policy, row->when);
	if (!scope->when->tree) {
		filter_free(filter_parse(row->when, NULL, &error));
		return policy_fail(r, "%s.when: %s", place, error.text);
	}
	return policy_read_prefixes(r, place, "from", row->from, &scope->from) &&
	       policy_read_prefixes(r, place, "to", row->to, &scope->to);
}

static bool is_allowed(const struct rplan_flow *f)
{
	return !strcmp(f->status, "direct") || !strcmp(f->status, "bridged");
}

static bool read_chain(struct policy_reading *r, const struct standing *s, size_t i,
		       struct policy_scope *scope)
{
	const struct rplan_chain *row = &config_of(r, s->target)->chains.at[s->row];
	const struct rplan_flow *flow = &r->plan->flows.at[s->flow];
	struct policy_chain *chain = &r->policy->chains[i];
	struct policy_entry *entry = &r->policy->entries[i];
	char place[PLACE_ROOM];

	snprintf(place, sizeof(place), "targets[%zu].config.chains[%zu]", r->numbers[s->target],
		 s->row);
	if (!is_allowed(flow))
		return policy_fail(r, "%s.flow: flow %zu is %s", place, s->flow, flow->status);
	*chain = (struct policy_chain){ .target = s->target,
					.flow = s->flow,
					.application = flow->application,
					.from = flow->from,
					.to = flow->to,
					.file = flow->source->file,
					.line = flow->source->line,
					.when = row->when,
					.replay_safe = row->replay_safe };
	if (!read_links(r, place, row, flow, chain) || !read_via(r, place, row, entry) ||
	    !read_scope(r, place, row, scope))
		return false;
	if (chain->n_links < flow->bridge.n)
		entry->begins = flow->bridge.at[0].proxy;
	return true;
}

static struct standing *stand(struct policy_reading *r, size_t *n)
{
	struct standing *at;
	size_t total = 0;

	*n = 0;
	for (size_t i = 0; i < r->policy->n_targets; i++)
		total += config_of(r, i)->chains.n;
	at = policy_take(r, total, sizeof(*at));
	for (size_t i = 0; at && i < r->policy->n_targets; i++)
		for (size_t j = 0; j < config_of(r, i)->chains.n; j++)
			at[(*n)++] =
			    (struct standing){ (size_t)config_of(r, i)->chains.at[j].flow, i, j };
	if (*n)
		qsort(at, *n, sizeof(*at), standing_cmp);
	return at;
}

/* ---- functions ---- */

/* Links tell the places of their functions in the list of the node. */
static void mark_hosted(const struct policy *p, struct wire_address *listen)
{
	for (size_t i = 0; i < p->n_chains; i++)
		for (size_t j = 0; j < p->chains[i].n_links; j++)
			if (p->chains[i].links[j].own >= 0)
				listen[p->chains[i].links[j].own] = p->chains[i].links[j].at;
}

static void number_links(struct policy *p, const int *numbers)
{
	for (size_t i = 0; i < p->n_chains; i++)
		for (size_t j = 0; j < p->chains[i].n_links; j++) {
			struct policy_link *link = (struct policy_link *)&p->chains[i].links[j];

			if (link->own >= 0)
				link->own = numbers[link->own];
		}
}

/* Those that chains use, in the order of the node. */
static bool make_functions(struct policy_reading *r)
{
	size_t n = r->at->hosts.n;
	struct wire_address *listen = policy_take(r, n, sizeof(*listen));
	int *numbers = policy_take(r, n, sizeof(*numbers));
	struct policy *p = r->policy;

	p->functions = policy_take(r, n, sizeof(*p->functions));
	if (!listen || !numbers || !p->functions)
		return false;
	mark_hosted(p, listen);
	for (size_t i = 0; i < n; i++) {
		const struct rplan_host *host = &r->at->hosts.at[i];

		if (!listen[i].port)
			continue;
		numbers[i] = (int)p->n_functions;
		p->functions[p->n_functions++] = (struct policy_function){
			.name = host->function, .class = host->socks_class, .listen = listen[i]
		};
	}
	number_links(p, numbers);
	return true;
}

/* Of several addresses of the proxy the one that links name. */
static void move_targets(struct policy *p)
{
	for (size_t i = 0; p->n_functions && i < p->n_targets; i++) {
		uint16_t port = p->targets[i].listen.port;

		p->targets[i].listen = p->functions[0].listen;
		p->targets[i].listen.port = port;
	}
}

bool policy_make_chains(struct policy_reading *r)
{
	struct policy *p = r->policy;
	size_t n;
	struct standing *standings = stand(r, &n);
	struct policy_scope *scopes = policy_take(r, n, sizeof(*scopes));

	p->chains = policy_take(r, n, sizeof(*p->chains));
	p->entries = policy_take(r, n, sizeof(*p->entries));
	if (!standings || !scopes || !p->chains || !p->entries || !find_tls(r))
		return false;
	for (; p->n_chains < n; p->n_chains++)
		if (!read_chain(r, &standings[p->n_chains], p->n_chains, &scopes[p->n_chains]))
			return false;
	if (!make_functions(r))
		return false;
	move_targets(p);
	return policy_table_make(&p->by_chain, scopes, n, &p->pool) || policy_no_memory(r);
}

/* ---- flows, for the reasons of refusals ---- */

/* A flow between nodes or with a filter that nobody knows is in no connection. */
bool policy_make_flows(struct policy_reading *r)
{
	struct policy *p = r->policy;
	size_t n = r->plan->flows.n;
	struct policy_scope *scopes = policy_take(r, n, sizeof(*scopes));

	if (!scopes)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct rplan_flow *f = &r->plan->flows.at[i];
		ptrdiff_t from = policy_find_node(r, f->from), to = policy_find_node(r, f->to);

		if (from == POLICY_NOWHERE || to == POLICY_NOWHERE)
			continue;
		scopes[i] = (struct policy_scope){ r->prefixes[from], r->prefixes[to],
						   policy_filter_find(p, f->when) };
	}
	return policy_table_make(&p->by_flow, scopes, n, &p->pool) || policy_no_memory(r);
}
