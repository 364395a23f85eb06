/* Filters, nodes and targets of a plan. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLACE_ROOM = 96 };

/* ---- filters ---- */

static int filter_cmp(const void *a, const void *b)
{
	const struct policy_filter *x = a, *y = b;

	return strcmp(x->text, y->text);
}

struct policy_filter *policy_filter_find(struct policy *p, const char *text)
{
	struct policy_filter key = { .text = text };

	return bsearch(&key, p->filters, p->n_filters, sizeof(key), filter_cmp);
}

static size_t count_filters(const struct rplan_plan *plan)
{
	size_t n = plan->flows.n;

	for (size_t i = 0; i < plan->targets.n; i++)
		if (rplan_target_socks(&plan->targets.at[i]))
			n += rplan_target_socks(&plan->targets.at[i])->chains.n;
	return n;
}

static void gather_filters(struct policy *p)
{
	for (size_t i = 0; i < p->plan->flows.n; i++)
		p->filters[p->n_filters++].text = p->plan->flows.at[i].when;
	for (size_t i = 0; i < p->plan->targets.n; i++) {
		const struct rplan_socks_config *c = rplan_target_socks(&p->plan->targets.at[i]);

		for (size_t j = 0; c && j < c->chains.n; j++)
			p->filters[p->n_filters++].text = c->chains.at[j].when;
	}
}

static bool find_ports(struct policy *p, struct policy_filter *f)
{
	static const int protocols[2] = { IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < 2; i++) {
		f->ports[i].at =
		    policy_filter_ports(f->tree, protocols[i], &p->pool, &f->ports[i].n);
		if (!f->ports[i].at)
			return false;
	}
	return true;
}

/* A text that is no filter matters only if a chain has it. */
bool policy_make_filters(struct policy_reading *r)
{
	struct policy *p = r->policy;
	struct filter_error error;
	size_t n = 0;

	p->filters = policy_take(r, count_filters(p->plan), sizeof(*p->filters));
	if (!p->filters)
		return false;
	gather_filters(p);
	if (p->n_filters)
		qsort(p->filters, p->n_filters, sizeof(*p->filters), filter_cmp);
	for (size_t i = 0; i < p->n_filters; i++)
		if (!n || strcmp(p->filters[n - 1].text, p->filters[i].text))
			p->filters[n++] = p->filters[i];
	p->n_filters = n;
	for (size_t i = 0; i < n; i++) {
		p->filters[i].tree = filter_parse(p->filters[i].text, NULL, &error);
		if (p->filters[i].tree && !find_ports(p, &p->filters[i]))
			return policy_no_memory(r);
	}
	return true;
}

/* ---- nodes ---- */

static int node_cmp(const void *a, const void *b)
{
	const struct rplan_node *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

ptrdiff_t policy_find_node(const struct policy_reading *r, const char *name)
{
	struct rplan_node key = { .name = name };
	const struct rplan_node *pointer = &key, **found;

	found = bsearch(&pointer, r->nodes, r->plan->nodes.n, sizeof(pointer), node_cmp);
	return found ? found - r->nodes : POLICY_NOWHERE;
}

bool policy_make_nodes(struct policy_reading *r)
{
	size_t n = r->plan->nodes.n;
	char place[PLACE_ROOM];

	r->nodes = policy_take(r, n, sizeof(*r->nodes));
	r->prefixes = policy_take(r, n, sizeof(*r->prefixes));
	if (!r->nodes || !r->prefixes)
		return false;
	for (size_t i = 0; i < n; i++)
		r->nodes[i] = &r->plan->nodes.at[i];
	if (n)
		qsort(r->nodes, n, sizeof(*r->nodes), node_cmp);
	for (size_t i = 0; i < n; i++) {
		snprintf(place, sizeof(place), "nodes[%zu]",
			 (size_t)(r->nodes[i] - r->plan->nodes.at));
		if (i && !strcmp(r->nodes[i - 1]->name, r->nodes[i]->name))
			return policy_fail(r, "%s.name: two nodes are called '%.100s'", place,
					   r->nodes[i]->name);
		if (!policy_read_prefixes(r, place, "addresses", r->nodes[i]->addresses,
					  &r->prefixes[i]))
			return false;
	}
	return true;
}

/* ---- the proxy ---- */

static bool find_proxy(struct policy_reading *r, size_t target, const char *name)
{
	ptrdiff_t node = policy_find_node(r, name);

	if (node == POLICY_NOWHERE)
		return policy_fail(r, "targets[%zu].config.at: no node is called '%.100s'", target,
				   name);
	r->at = r->nodes[node];
	r->policy->proxy = r->at->name;
	r->singles = policy_singles_of(r, r->at, &r->n_singles);
	if (r->singles && !r->n_singles)
		return policy_fail(r, "node '%.100s' has no single address to listen on",
				   r->at->name);
	return r->singles;
}

/* A function for which no port was left is no harm while no link leads to it. */
static bool check_hosts(struct policy_reading *r)
{
	bool *taken = policy_take(r, UINT16_MAX + 1, sizeof(*taken));
	char place[PLACE_ROOM];
	uint16_t port;

	for (size_t i = 0; taken && i < r->at->hosts.n; i++) {
		snprintf(place, sizeof(place), "nodes[%zu].hosts[%zu]",
			 (size_t)(r->at - r->plan->nodes.at), i);
		if (r->at->hosts.at[i].port > UINT16_MAX)
			continue;
		if (!policy_read_port(r, place, "port", r->at->hosts.at[i].port, &port))
			return false;
		if (taken[port])
			return policy_fail(r, "%s.port: two functions listen on %u", place, port);
		taken[port] = true;
	}
	return taken;
}

/* ---- targets ---- */

/* "file:PATH" as a path of this process; NULL stays NULL. */
static bool read_file(struct policy_reading *r, const char *place, const char *key,
		      const char *text, const char **path)
{
	size_t room;
	char *at;

	*path = NULL;
	if (!text)
		return true;
	if (strncmp(text, "file:", 5) || !text[5])
		return policy_fail(r, "%s.%s: '%.60s' is no file:PATH", place, key, text);
	text += 5;
	room = strlen(r->directory) + strlen(text) + 2;
	at = policy_take(r, room, 1);
	if (!at)
		return false;
	snprintf(at, room, "%s%s%s", text[0] == '/' ? "" : r->directory, text[0] == '/' ? "" : "/",
		 text);
	*path = at;
	return true;
}

static bool read_files(struct policy_reading *r, const char *place,
		       const struct rplan_socks_config *c, struct policy_target *t)
{
	return read_file(r, place, "users", c->users, &t->users) &&
	       read_file(r, place, "authority", c->authority, &t->authority) &&
	       read_file(r, place, "certificate", c->certificate, &t->certificate) &&
	       read_file(r, place, "certificate_key", c->certificate_key, &t->certificate_key);
}

/* What one key needs of another. */
static bool check_files(struct policy_reading *r, const char *place, const struct policy_target *t)
{
	if (!t->certificate != !t->certificate_key)
		return policy_fail(r, "%s.certificate: it and certificate_key come together",
				   place);
	if (t->auth == POLICY_AUTH_PASSWORD && !t->users)
		return policy_fail(r, "%s.users: auth 'password' needs them", place);
	if (t->auth == POLICY_AUTH_MTLS && (!t->authority || !t->certificate))
		return policy_fail(r, "%s.authority: auth 'mtls' needs it and a certificate",
				   place);
	return true;
}

static enum policy_auth auth_of(const char *word)
{
	return !strcmp(word, "password") ? POLICY_AUTH_PASSWORD
	       : !strcmp(word, "mtls")   ? POLICY_AUTH_MTLS
					 : POLICY_AUTH_NONE;
}

static bool check_listen(struct policy_reading *r, const char *place, size_t i)
{
	const struct policy *p = r->policy;
	uint16_t port = p->targets[i].listen.port;

	for (size_t j = 0; j < i; j++)
		if (p->targets[j].listen.port == port)
			return policy_fail(r, "%s.listen: target '%.100s' listens on %u, too",
					   place, p->targets[j].name, port);
	for (size_t j = 0; j < r->at->hosts.n; j++)
		if (r->at->hosts.at[j].port == port)
			return policy_fail(r, "%s.listen: '%.100s' listens on %u, too", place,
					   r->at->hosts.at[j].function, port);
	return true;
}

static bool read_target(struct policy_reading *r, const struct rplan_target *row,
			struct policy_target *t)
{
	const struct rplan_socks_config *c = rplan_target_socks(row);
	char place[PLACE_ROOM];

	snprintf(place, sizeof(place), "targets[%zu].config", (size_t)(row - r->plan->targets.at));
	if (c->version != 5 && c->version != 6)
		return policy_fail(r, "%s.version: %jd is neither 5 nor 6", place,
				   (intmax_t)c->version);
	if (c->warm < 0 || c->warm > 64)
		return policy_fail(r, "%s.warm: %jd is not in 0..64", place, (intmax_t)c->warm);
	*t = (struct policy_target){ .name = row->name,
				     .version = (int)c->version,
				     .epi = !strcmp(c->dialect, "epi"),
				     .auth = auth_of(c->auth),
				     .fast_open = c->fast_open,
				     .warm = (unsigned)c->warm,
				     .listen = r->singles[0] };
	return policy_read_port(r, place, "listen", c->listen, &t->listen.port) &&
	       read_files(r, place, c, t) && check_files(r, place, t) &&
	       check_listen(r, place, (size_t)(t - r->policy->targets));
}

/* The target NAME, which must be for us, is in the plan's list at *NUMBER. */
static bool find_target(struct policy_reading *r, const char *name, size_t *number)
{
	for (size_t i = 0; i < r->plan->targets.n; i++) {
		const struct rplan_target *t = &r->plan->targets.at[i];

		if (strcmp(t->name, name))
			continue;
		*number = i;
		return rplan_target_socks(t) ||
		       policy_fail(r, "target '%.100s' is for %s, not for socks", name, t->backend);
	}
	return policy_fail(r, "the plan has no target '%.100s'", name);
}

static bool name_targets(struct policy_reading *r, const char *const *names, size_t n)
{
	size_t *found = &r->policy->n_targets;

	r->numbers = policy_take(r, n ? n : r->plan->targets.n, sizeof(*r->numbers));
	if (!r->numbers)
		return false;
	for (size_t i = 0; !n && i < r->plan->targets.n; i++)
		if (rplan_target_socks(&r->plan->targets.at[i]))
			r->numbers[(*found)++] = i;
	for (size_t i = 0; i < n; i++) {
		if (!find_target(r, names[i], &r->numbers[i]))
			return false;
		for (size_t j = 0; j < i; j++)
			if (r->numbers[j] == r->numbers[i])
				return policy_fail(r, "target '%.100s' is named twice", names[i]);
		++*found;
	}
	return *found || policy_fail(r, "the plan has no target for socks");
}

bool policy_make_targets(struct policy_reading *r, const char *const *names, size_t n)
{
	struct policy *p = r->policy;
	const struct rplan_target *first, *t;

	if (!name_targets(r, names, n))
		return false;
	p->targets = policy_take(r, p->n_targets, sizeof(*p->targets));
	first = &r->plan->targets.at[r->numbers[0]];
	if (!p->targets || !find_proxy(r, r->numbers[0], rplan_target_socks(first)->at) ||
	    !check_hosts(r))
		return false;
	for (size_t i = 0; i < p->n_targets; i++) {
		t = &r->plan->targets.at[r->numbers[i]];
		if (strcmp(rplan_target_socks(t)->at, r->at->name))
			return policy_fail(
			    r, "target '%.100s' is at %.100s, target '%.100s' at %.100s", t->name,
			    rplan_target_socks(t)->at, first->name, r->at->name);
		if (!read_target(r, t, &p->targets[i]))
			return false;
	}
	return true;
}
