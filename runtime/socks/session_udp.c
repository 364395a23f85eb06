/* UDP ASSOCIATE within a session. */
#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/socks/session_private.h"

static void refused_log(struct session *s, const struct policy_answer *answer)
{
	session_refused(s,
			answer->verdict == POLICY_FORBIDDEN ? COUNT_refused_forbidden
							    : COUNT_refused_no_flow,
			answer->why);
}

/* The wake is NULL: functions that wait cannot carry datagrams. */
static bool udp_ask(void *arg, const struct wire_address *to, struct stage **stages, size_t *n,
		    struct wire_address *next, struct upstream_wish *wish)
{
	struct session *s = arg;
	struct policy_answer answer;
	struct route *route = &s->opening->route;
	char why[300];

	if (!route_ask(s, to, &answer)) {
		refused_log(s, &answer);
		return false;
	}
	s->chain = answer.chain;
	s->first = answer.first;
	if (!route_make(s, &answer, route, why) ||
	    !stages_open(s, to, route, stages, n, NULL, why)) {
		session_refused(s, COUNT_refused_function, why);
		return false;
	}
	*next = route->straight ? (struct wire_address){ 0 } : route->next;
	if (route->straight)
		return true;
	*wish = (struct upstream_wish){ .version = route->version,
					.epi = route->epi,
					.command = SOCKS6_UDP_ASSOCIATE,
					.to = wire_any,
					.source = &s->question.source,
					.n_links = route->n_links };
	wish->links = route->links;
	return true;
}

static struct tls_side *udp_tls(void *arg, const struct wire_address *next, const char **name)
{
	const struct session *s = arg;
	const struct policy_chain *c = s->chain;

	*name = NULL;
	for (size_t i = 0; c && i < c->n_links; i++)
		if (c->links[i].tls && wire_address_same(&c->links[i].at, next))
			return s->setup->clients[c->target];
	return NULL;
}

static void udp_ended(void *arg, const char *why, const uint64_t bytes[N_WAYS], uint64_t dropped)
{
	struct session *s = arg;

	s->udp = NULL;
	counters_add(&s->worker->server->counters, COUNT_finished, 1);
	counters_add(&s->worker->server->counters, COUNT_datagrams_dropped, dropped);
	counters_add(&s->worker->server->counters, COUNT_bytes_forward, bytes[WAY_FORWARD]);
	counters_add(&s->worker->server->counters, COUNT_bytes_back, bytes[WAY_BACK]);
	session_log_end(s, why, bytes);
	session_free(s);
}

static bool local_address(int fd, struct wire_address *at)
{
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);

	return !getsockname(fd, (struct sockaddr *)&own, &n) &&
	       wire_address_from_sockaddr((struct sockaddr *)&own, n, at);
}

void udp_begin(struct session *s)
{
	struct opening *o = s->opening;
	const struct inbound_request *r = o->request;
	const struct server *server = s->worker->server;
	enum outcome outcome = OUTCOME_FAILED;
	const struct wire_address *own;
	struct wire_address bound;
	struct udp_start start = {
		.loop = s->worker->loop,
		.control = o->stream,
		.kind = r->kind,
		.from = r->to,
		.peer = s->question.peer,
		.mark = server->options->mark,
		.idle_ms = server->limits.idle_ms,
		.ask = udp_ask,
		.tls = udp_tls,
		.resolver = server->resolver,
		.done = udp_ended,
		.arg = s,
	};

	if (r->options) {
		start.parity_wish = (uint8_t)(r->options->stack[SOCKS6_PORT_PARITY].value[1] >> 8);
		start.report_errors = r->options->stack[SOCKS6_UDP_ERROR].value[1] == SOCKS6_YES;
	}
	if (!local_address(o->stream.fd, &start.relay)) {
		go_refuse(s, COUNT_unreachable, OUTCOME_FAILED, "the connection has no address");
		return;
	}
	start.relay.port = 0;
	own = setup_from(s->setup, &start.relay);
	start.from_proxy = own ? *own : start.from_proxy;
	s->udp = udp_open(&start, &bound, &outcome);
	if (!s->udp) {
		go_refuse(s, COUNT_unreachable, outcome, outcome_text(outcome));
		return;
	}
	if (!hear_succeed(s, &bound, o->granted))
		return;
	counters_add(&s->worker->server->counters, COUNT_associations, 1);
	loop_leave(s->worker->loop, &o->client);
	o->stream.fd = -1;
	setup_drop(o->setup); /* the client was heard */
	o->setup = NULL;
	/* The opening stays: what the request told is asked about with each new destination. */
	udp_run(s->udp, (struct wire_span){ o->got.at, o->got.n });
}
