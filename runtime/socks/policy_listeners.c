/* The listeners of nginx targets, which PROXY headers name. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { PLACE_ROOM = 128, MOST_LISTENINGS = 1 << 20 };

int policy_listening_cmp(const void *a, const void *b)
{
	const struct wire_address *x = &((const struct policy_listening *)a)->at;
	const struct wire_address *y = &((const struct policy_listening *)b)->at;

	if (x->kind != y->kind)
		return x->kind - y->kind;
	if (x->port != y->port)
		return x->port - y->port;
	return memcmp(x->ip, y->ip, x->kind == WIRE_IPV4 ? 4 : 16);
}

static bool count_listeners(struct policy_reading *r, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < r->plan->targets.n; i++) {
		const struct rplan_nginx_config *c = rplan_target_nginx(&r->plan->targets.at[i]);
		size_t here;

		if (!c)
			continue;
		if (__builtin_mul_overflow(c->addresses.n, c->listeners.n, &here) ||
		    here > MOST_LISTENINGS || (*n += here) > MOST_LISTENINGS)
			return policy_fail(r, "targets[%zu].config: too many listeners", i);
	}
	return true;
}

static bool read_listener(struct policy_reading *r, const char *place,
			  const struct rplan_listener *l, const struct wire_address *hosts,
			  size_t n_hosts)
{
	struct wire_address destination;

	uint16_t port;

	if (!policy_read_port(r, place, "port", l->port, &port))
		return false;
	if (!policy_address_of(l->destination, &destination))
		return policy_fail(r, "%s.destination: '%.60s' is no ADDRESS:PORT", place,
				   l->destination);
	for (size_t i = 0; i < n_hosts; i++) {
		struct policy_listening *row = &r->policy->listeners[r->policy->n_listeners++];

		*row = (struct policy_listening){ hosts[i], destination };
		row->at.port = port;
	}
	return true;
}

static bool read_nginx(struct policy_reading *r, size_t target, const struct rplan_nginx_config *c)
{
	struct wire_address *hosts = policy_take(r, c->addresses.n, sizeof(*hosts));
	char place[PLACE_ROOM];

	if (!hosts)
		return false;
	for (size_t i = 0; i < c->addresses.n; i++)
		if (!policy_host_of(c->addresses.at[i], &hosts[i]))
			return policy_fail(
			    r, "targets[%zu].config.addresses[%zu]: '%.60s' is no address", target,
			    i, c->addresses.at[i]);
	for (size_t i = 0; i < c->listeners.n; i++) {
		snprintf(place, sizeof(place), "targets[%zu].config.listeners[%zu]", target, i);
		if (!read_listener(r, place, &c->listeners.at[i], hosts, c->addresses.n))
			return false;
	}
	return true;
}

static bool check_listeners(struct policy_reading *r)
{
	const struct policy *p = r->policy;
	char text[WIRE_TEXT_ROOM];

	for (size_t i = 1; i < p->n_listeners; i++) {
		if (policy_listening_cmp(&p->listeners[i - 1], &p->listeners[i]))
			continue;
		wire_address_text(&p->listeners[i].at, text, sizeof(text));
		return policy_fail(r, "two listeners of nginx targets are at %s", text);
	}
	return true;
}

bool policy_make_listeners(struct policy_reading *r)
{
	struct policy *p = r->policy;
	size_t n;

	if (!count_listeners(r, &n))
		return false;
	p->listeners = policy_take(r, n, sizeof(*p->listeners));
	if (!p->listeners)
		return false;
	for (size_t i = 0; i < r->plan->targets.n; i++) {
		const struct rplan_nginx_config *c = rplan_target_nginx(&r->plan->targets.at[i]);

		if (c && !read_nginx(r, i, c))
			return false;
	}
	if (n)
		qsort(p->listeners, n, sizeof(*p->listeners), policy_listening_cmp);
	return check_listeners(r);
}

bool policy_listener(const struct policy *p, const struct wire_address *header,
		     struct wire_address *to, char *why, size_t room)
{
	struct policy_listening key = { .at = *header }, *found = NULL;
	char text[WIRE_TEXT_ROOM] = "";

	wire_address_settle(&key.at);
	if (p->n_listeners && key.at.kind != WIRE_NAME)
		found =
		    bsearch(&key, p->listeners, p->n_listeners, sizeof(key), policy_listening_cmp);
	if (found) {
		*to = found->destination;
		return true;
	}
	wire_address_text(header, text, sizeof(text));
	snprintf(why, room, "no nginx of the policy listens on %s", text);
	return false;
}
