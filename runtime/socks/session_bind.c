/* BIND: a server connects to the proxy, which hands it to the client (RFC 1928 section 6).
 *
 * To the policy it is a flow from that server to the client: who begins is its source. */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/session_private.h"

enum { WAIT_MS = 60000, BACKLOG = 1 };

static struct opening *opening_of_listener(struct watch *w)
{
	return (struct opening *)((char *)w - offsetof(struct opening, listener));
}

void bind_end(struct session *s)
{
	struct opening *o = s->opening;

	if (o->listener.fd < 0)
		return;
	loop_forget_closing(s->worker->loop, &o->listener);
	close(o->listener.fd);
	o->listener.fd = -1;
}

static void bind_late(struct timer *t)
{
	struct opening *o = (struct opening *)((char *)t - offsetof(struct opening, timer));

	bind_end(o->session);
	go_refuse(o->session, COUNT_unreachable, OUTCOME_TIMED_OUT, "nobody connected in time");
}

/* Whether the server at FROM may connect to the client. */
static bool bind_allowed(struct session *s, const struct wire_address *from,
			 struct policy_answer *a)
{
	struct policy_question *q = &s->question;
	struct wire_address client = s->client;

	client.port = s->opening->bound.port;
	q->source = *from;
	if (s->front->kind == FRONT_OPEN)
		return route_ask(s, from, a);
	q->peer = *from;
	return route_ask(s, &client, a);
}

static void bind_take(struct session *s, int fd, const struct wire_address *from)
{
	struct opening *o = s->opening;
	struct policy_answer answer;
	char why[300];

	bind_end(s);
	o->upstream = (struct stream){ .fd = fd };
	if (!bind_allowed(s, from, &answer)) {
		route_refuse(s, &answer);
		return;
	}
	if (!route_take(s, &answer, why)) {
		go_refuse(s, COUNT_refused_function, OUTCOME_BRIDGE_LOST, why);
		return;
	}
	if (!o->route.straight) {
		go_refuse(s, COUNT_refused_chain, OUTCOME_DENIED,
			  "the flow's chain goes through other proxies, BIND cannot");
		return;
	}
	if (!route_open(s, why))
		go_refuse(s, COUNT_refused_function, OUTCOME_DENIED, why);
	else if (hear_succeed(s, from, 0))
		relay_begin(s);
}

static void bind_ready(struct watch *w, uint32_t events)
{
	struct opening *o = opening_of_listener(w);
	struct sockaddr_storage from;
	socklen_t n = sizeof(from);
	struct wire_address at;
	int fd = accept4(w->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (!wire_address_from_sockaddr((struct sockaddr *)&from, n, &at) ||
	    (o->to[0].kind && memcmp(at.ip, o->to[0].ip, sizeof(at.ip)))) {
		close(fd); /* somebody else; the one that is waited for may still come */
		return;
	}
	timer_stop(&o->timer);
	bind_take(o->session, fd, &at);
}

/* On the address that the client sees of the proxy. */
static bool bind_listen(struct session *s)
{
	struct opening *o = s->opening;
	struct sockaddr_storage at;
	socklen_t n = sizeof(at);
	struct wire_address local;
	int fd;

	if (getsockname(o->stream.fd, (struct sockaddr *)&at, &n) ||
	    !wire_address_from_sockaddr((struct sockaddr *)&at, n, &local))
		return false;
	local.port = o->request->kind == INBOUND_SOCKS6 ? o->request->to.port : 0;
	n = wire_address_to_sockaddr(&local, &at);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	o->listener = (struct watch){ .fd = fd, .ready = bind_ready };
	if (fd < 0)
		return false;
	stream_hurry(fd);
	stream_keep_alive(fd);
	if (bind(fd, (struct sockaddr *)&at, n) || listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&at, &n))
		return false;
	return wire_address_from_sockaddr((struct sockaddr *)&at, n, &o->bound) &&
	       loop_watch(s->worker->loop, &o->listener, EPOLLIN);
}

static bool is_any(const struct wire_address *a)
{
	static const uint8_t zeros[16];

	return a->kind == WIRE_NAME || !memcmp(a->ip, zeros, sizeof(zeros));
}

/* SOCKS5 names the server that will connect, SOCKS6 the address to listen on. */
void bind_begin(struct session *s)
{
	struct opening *o = s->opening;
	struct policy_answer answer;

	o->to[0] = o->request->to;
	if (o->request->kind == INBOUND_SOCKS6 || is_any(&o->to[0]))
		o->to[0] = (struct wire_address){ 0 };
	if (s->front->kind == FRONT_FUNCTION) {
		go_refuse(s, COUNT_bad_request, OUTCOME_COMMAND,
			  "BIND goes through one proxy only");
		return;
	}
	if (!bind_listen(s)) {
		go_refuse(s, COUNT_unreachable, outcome_from_errno(errno), strerror(errno));
		return;
	}
	if (o->to[0].kind && !bind_allowed(s, &o->to[0], &answer)) {
		route_refuse(s, &answer);
		return;
	}
	inbound_reply(o->inbound, OUTCOME_OK, &o->bound, 0, &o->reply);
	o->timer.ring = bind_late;
	timer_set(s->worker->loop, &o->timer, WAIT_MS);
	if (hear_flush(s))
		hear_wait(s);
}
