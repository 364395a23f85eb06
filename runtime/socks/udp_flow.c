#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/socks/udp_own.h"

enum { MOST_DATA = 65507 }; /* bytes of a datagram over IPv4 */

/* ---- the list, by last use ---- */

static void unlink_flow(struct udp *u, struct udp_flow *f)
{
	*(f->older ? &f->older->younger : &u->oldest) = f->younger;
	*(f->younger ? &f->younger->older : &u->youngest) = f->older;
	f->older = f->younger = NULL;
}

static void link_youngest(struct udp *u, struct udp_flow *f)
{
	f->younger = NULL;
	f->older = u->youngest;
	*(u->youngest ? &u->youngest->younger : &u->oldest) = f;
	u->youngest = f;
}

struct udp_flow *flow_find(struct udp *u, const struct wire_address *to)
{
	for (struct udp_flow *f = u->youngest; f; f = f->older)
		if (wire_address_same(&f->to, to))
			return f;
	return NULL;
}

struct udp_flow *flow_of_name(struct udp *u, const struct wire_address *name)
{
	for (struct udp_flow *f = u->youngest; f; f = f->older)
		if (f->name && f->to.port == name->port && f->n_name == name->name.n &&
		    !memcmp(f->name, name->name.at, f->n_name))
			return f;
	return NULL;
}

/* ---- what belongs to a flow ---- */

struct udp_route {
	struct stage *stages;
	size_t n_stages;
	struct wire_address next;
	struct upstream_wish wish;
};

static void close_stages(struct stage *stages, size_t n, const uint64_t bytes[N_WAYS])
{
	for (size_t i = 0; i < n; i++)
		if (stages[i].class->close)
			stages[i].class->close(stages[i].function, stages[i].state, bytes);
	free(stages);
}

static void route_close(struct udp_route *r)
{
	static const uint64_t none[N_WAYS];

	close_stages(r->stages, r->n_stages, none);
	*r = (struct udp_route){ .stages = NULL };
}

/* A function that only knows streams has to see what it cannot. */
static bool takes_datagrams(const struct udp_route *r)
{
	for (size_t i = 0; i < r->n_stages; i++) {
		const struct function_class *c = r->stages[i].class;

		if (!c->datagram && (c->bytes || c->pipe))
			return false;
	}
	return true;
}

static bool route_ask(struct udp *u, const struct wire_address *to, struct udp_route *r)
{
	*r = (struct udp_route){ .stages = NULL };
	if (!u->start.ask(u->start.arg, to, &r->stages, &r->n_stages, &r->next, &r->wish))
		return false;
	if (takes_datagrams(r))
		return true;
	route_close(r);
	return false;
}

static void flow_end(struct udp_flow *f)
{
	next_close(f->next);
	close_stages(f->stages, f->n_stages, f->bytes);
	f->next = NULL;
	f->stages = NULL;
	f->n_stages = 0;
	memset(f->bytes, 0, sizeof(f->bytes));
}

static void flow_deny(struct udp_flow *f)
{
	flow_end(f);
	f->again = UINT64_MAX;
}

static void flow_take(struct udp_flow *f, struct udp_route *r)
{
	f->stages = r->stages;
	f->n_stages = r->n_stages;
	f->again = 0;
	if (!r->next.kind)
		return;
	f->next = next_open(f, &r->next, &r->wish);
	if (!f->next)
		flow_deny(f);
}

static void flow_ask(struct udp_flow *f)
{
	struct udp_route r;

	if (route_ask(f->udp, &f->to, &r))
		flow_take(f, &r);
	else
		flow_deny(f);
}

static void flow_close(struct udp_flow *f)
{
	unlink_flow(f->udp, f);
	f->udp->n_flows--;
	flow_end(f);
	free(f->name);
	free(f);
}

void flows_close(struct udp *u)
{
	while (u->oldest)
		flow_close(u->oldest);
}

void flow_pause(struct udp_flow *f)
{
	flow_end(f);
	f->again = loop_now(f->udp->start.loop) + UDP_RETRY_MS;
}

/* The functions and their state stay if they are the same.  An association with a next proxy is
 * made anew, since what was said about the flow there may have changed. */
static bool same_route(const struct udp_flow *f, const struct udp_route *r)
{
	if (f->next || r->next.kind || f->n_stages != r->n_stages || f->again)
		return false;
	for (size_t i = 0; i < f->n_stages; i++)
		if (f->stages[i].function != r->stages[i].function)
			return false;
	return true;
}

void flows_ask_again(struct udp *u)
{
	struct udp_route r;

	for (struct udp_flow *f = u->youngest; f; f = f->older) {
		if (!route_ask(u, &f->to, &r)) {
			flow_deny(f);
		} else if (same_route(f, &r)) {
			route_close(&r);
		} else {
			flow_end(f);
			flow_take(f, &r);
		}
	}
}

/* ---- destinations come and go ---- */

/* One that may not be reached goes before one that may. */
static void make_room(struct udp *u)
{
	struct udp_flow *f = u->oldest;

	if (u->n_flows < UDP_MOST_FLOWS)
		return;
	while (f && f->again != UINT64_MAX)
		f = f->younger;
	flow_close(f ? f : u->oldest);
}

static struct udp_flow *flow_new(struct udp *u, const struct wire_address *to)
{
	struct udp_flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	make_room(u);
	f->udp = u;
	f->to = *to;
	link_youngest(u, f);
	u->n_flows++;
	flow_ask(f);
	return f;
}

static struct udp_flow *flow_for(struct udp *u, const struct wire_address *to)
{
	struct udp_flow *f = flow_find(u, to);

	if (!f)
		return flow_new(u, to);
	if (f != u->youngest) {
		unlink_flow(u, f);
		link_youngest(u, f);
	}
	if (f->again && f->again <= loop_now(u->start.loop))
		flow_ask(f);
	return f;
}

static void take_name(struct udp_flow *f, struct wire_span name)
{
	if (!name.n)
		return;
	free(f->name);
	f->name = malloc(name.n);
	f->n_name = f->name ? name.n : 0;
	if (f->name)
		memcpy(f->name, name.at, name.n);
}

void flow_send(struct udp *u, const struct wire_address *at, struct wire_span name,
	       struct wire_span data)
{
	struct udp_flow *f = flow_for(u, at);

	if (f)
		take_name(f, name);
	if (!f || f->again) {
		udp_dropped(u);
	} else if (f->next) {
		next_send(f->next, data);
	} else {
		remote_send(f, data);
	}
}

/* ---- functions ---- */

static bool stage_pass(const struct stage *s, enum way way, struct wire_span *data,
		       struct bytes scratch[2])
{
	struct bytes *out = &scratch[data->at == scratch[0].at];
	uint32_t retry_ms;

	if (s->class->admit &&
	    s->class->admit(s->function, s->state, way, data->n, &retry_ms) < data->n)
		return false;
	if (!s->class->datagram)
		return true;
	out->n = 0;
	out->failed = false;
	if (!s->class->datagram(s->function, s->state, way, data->at, data->n, out) || out->failed)
		return false;
	*data = (struct wire_span){ out->at, out->n };
	return true;
}

bool flow_pass(struct udp_flow *f, enum way way, struct wire_span *data, struct bytes *made)
{
	const struct wire_span given = *data;

	for (size_t i = 0; i < f->n_stages; i++) {
		size_t at = way == WAY_FORWARD ? i : f->n_stages - 1 - i;

		if (!stage_pass(&f->stages[at], way, data, f->udp->scratch))
			return false;
	}
	if (data->n > MOST_DATA)
		return false;
	if (made && data->at != given.at) {
		bytes_add(made, data->at, data->n);
		*data = (struct wire_span){ made->at, made->n };
	}
	udp_passed(f, way, given.n);
	return !made || !made->failed;
}
