#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/socks/udp_own.h"

/* A datagram that waits until its name is resolved. */
struct udp_name {
	struct udp *udp;
	struct resolve *resolve;
	struct wire_address to; /* the name is in `bytes` */
	struct wire_span data;
	uint8_t bytes[];
};

static struct udp_name **slot_of(struct udp *u, const struct udp_name *n)
{
	for (size_t i = 0; i < UDP_MOST_WAITING; i++)
		if (u->names[i] == n)
			return &u->names[i];
	return NULL;
}

static void resolved(void *arg, const struct wire_address *addresses, size_t n,
		     enum outcome outcome)
{
	struct udp_name *name = arg;
	struct udp *u = name->udp;
	struct wire_address at;

	(void)outcome;
	*slot_of(u, name) = NULL;
	if (n) {
		at = addresses[0];
		at.port = name->to.port;
		wire_address_settle(&at);
		flow_send(u, &at, name->to.name, name->data);
	} else {
		udp_dropped(u);
	}
	udp_flush(u);
	free(name);
}

static struct udp_name *name_new(struct udp *u, const struct wire_address *at,
				 struct wire_span data)
{
	struct udp_name *n = malloc(sizeof(*n) + at->name.n + data.n);

	if (!n)
		return NULL;
	*n = (struct udp_name){ .udp = u, .to = *at };
	memcpy(n->bytes, at->name.at, at->name.n);
	n->to.name.at = n->bytes;
	if (data.n)
		memcpy(n->bytes + at->name.n, data.at, data.n);
	n->data = (struct wire_span){ n->bytes + at->name.n, data.n };
	return n;
}

static bool name_wait(struct udp *u, const struct wire_address *at, struct wire_span data)
{
	struct udp_name **slot = slot_of(u, NULL);
	struct udp_name *n = slot && u->start.resolver ? name_new(u, at, data) : NULL;

	if (!n)
		return false;
	n->resolve = resolve_start(u->start.resolver, u->start.loop, &n->to, resolved, n);
	if (!n->resolve) {
		free(n);
		return false;
	}
	*slot = n;
	return true;
}

void name_send(struct udp *u, const struct wire_address *at, struct wire_span data)
{
	struct udp_flow *f = flow_of_name(u, at);

	if (f)
		flow_send(u, &f->to, (struct wire_span){ NULL, 0 }, data);
	else if (!name_wait(u, at, data))
		udp_dropped(u);
}

void names_close(struct udp *u)
{
	for (size_t i = 0; i < UDP_MOST_WAITING; i++) {
		if (!u->names[i])
			continue;
		resolve_cancel(u->names[i]->resolve);
		free(u->names[i]);
		u->names[i] = NULL;
	}
}
