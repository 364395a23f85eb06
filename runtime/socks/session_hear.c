/* The client's side of a session until its bytes flow: TLS, the request, replies, and the way out.
 */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/socks/redirect.h"
#include "runtime/socks/session_private.h"

enum {
	READ_ROOM = 2048,
	MOST_AHEAD = 65536, /* bytes that a client may send before its server is there */
	LINGER_MS = 2000,
	MOST_DRAINED = 1 << 20,
	TLS_FIRST = 0x16,
	SILENT_TIMES = 8 /* --request-time, until a client that never spoke is ended */
};

static struct opening *opening_of_client(struct watch *w)
{
	return (struct opening *)((char *)w - offsetof(struct opening, client));
}

static struct opening *opening_of_timer(struct timer *t)
{
	return (struct opening *)((char *)t - offsetof(struct opening, timer));
}

static struct loop *loop_of(const struct opening *o)
{
	return o->session->worker->loop;
}

/* ---- replies ---- */

static void client_wait(struct opening *o, uint32_t events)
{
	if (!loop_events(loop_of(o), &o->client, events | stream_wants(&o->stream)))
		session_abort(o->session);
}

static uint32_t client_events(const struct opening *o)
{
	bool full = o->got.n >= MOST_AHEAD || o->client_ended;

	return (full ? 0 : (uint32_t)EPOLLIN) | (o->reply.n ? (uint32_t)EPOLLOUT : 0);
}

static bool reply_send(struct opening *o)
{
	while (o->reply.n) {
		ssize_t n = stream_send(&o->stream, o->reply.at, o->reply.n);

		if (n == STREAM_AGAIN)
			return true;
		if (n < 0)
			return false;
		bytes_take(&o->reply, (size_t)n);
	}
	return true;
}

bool hear_flush(struct session *s)
{
	if (!s->opening->reply.failed && reply_send(s->opening))
		return true;
	session_abort(s);
	return false;
}

bool hear_succeed(struct session *s, const struct wire_address *bound, uint32_t done)
{
	struct opening *o = s->opening;

	o->answered = true;
	if (!o->inbound)
		return true;
	inbound_reply(o->inbound, OUTCOME_OK, bound, done, &o->reply);
	if (!hear_flush(s))
		return false;
	/* What follows would overtake the rest.  A client that takes no reply reads nothing. */
	if (!o->reply.n)
		return true;
	session_abort(s);
	return false;
}

void hear_wait(struct session *s)
{
	client_wait(s->opening, client_events(s->opening));
}

static void linger_late(struct timer *t)
{
	session_free(opening_of_timer(t)->session);
}

/* A client that still sends would get a reset, which may overtake the reply: its bytes are read
 * until it closes. */
void hear_linger(struct session *s)
{
	struct opening *o = s->opening;

	if (o->lingering)
		return;
	o->lingering = true;
	if (!o->reply.n)
		stream_finish(&o->stream);
	bytes_free(&o->got);
	o->got = (struct bytes){ 0 };
	o->timer.ring = linger_late;
	timer_set(loop_of(o), &o->timer, LINGER_MS);
	client_wait(o, client_events(o));
}

static void linger_ready(struct opening *o)
{
	uint8_t buf[4096];
	size_t drained = 0;
	ssize_t n = 1;

	if (!reply_send(o)) {
		session_free(o->session);
		return;
	}
	while (n > 0 && drained < sizeof(buf) * 4) {
		n = stream_recv(&o->stream, buf, sizeof(buf));
		drained += n > 0 ? (size_t)n : 0;
	}
	o->drained += drained;
	if (n == STREAM_END || n == STREAM_BROKEN || o->drained > MOST_DRAINED)
		session_free(o->session);
	else if (!o->reply.n) {
		stream_finish(&o->stream);
		client_wait(o, client_events(o));
	}
}

void hear_refuse(struct session *s, enum outcome outcome)
{
	struct opening *o = s->opening;

	if (!o->inbound || o->request->kind == INBOUND_PROXY || o->answered) {
		/* There is no way to say it but the reset that a server would have given. */
		stream_reset(&o->stream);
		session_free(s);
		return;
	}
	inbound_reply(o->inbound, outcome, &wire_any, 0, &o->reply);
	if (hear_flush(s))
		hear_linger(s);
}

/* ---- the request ---- */

/* Connections that other proxies keep open in advance say nothing for long; those who have begun to
 * speak go on. */
static void request_late(struct timer *t)
{
	struct opening *o = opening_of_timer(t);
	uint32_t ms = o->session->worker->server->limits.request_ms;
	uint64_t age = loop_now(loop_of(o)) - o->session->began;
	bool silent = o->silent && !o->shaking;

	if (silent && age < (uint64_t)ms * SILENT_TIMES) {
		timer_set(loop_of(o), t, ms);
		return;
	}
	if (silent)
		counters_add(&o->session->worker->server->counters, COUNT_late_request, 1);
	else if (!o->request)
		session_failed(o->session, COUNT_late_request, "late",
			       o->shaking ? "no TLS handshake in time" : "no request in time");
	session_abort(o->session);
}

static void request_bad(struct opening *o)
{
	const char *why = inbound_why(o->inbound);
	bool user = inbound_denied(o->inbound);

	session_failed(o->session, user ? COUNT_refused_user : COUNT_bad_request,
		       user ? "denied" : "bad-request", why);
	hear_linger(o->session);
}

/* Initial data that came before the end of an authentication come first. */
static bool held_first(struct opening *o)
{
	struct bytes all = { 0 };

	if (!o->request->held.n)
		return true;
	bytes_add(&all, o->request->held.at, o->request->held.n);
	bytes_add(&all, o->got.at, o->got.n);
	bytes_free(&o->got);
	o->got = all;
	return !all.failed;
}

/* Without a word, or in the middle of its request. */
static void client_gone(struct opening *o)
{
	if (o->got.n)
		session_failed(o->session, COUNT_bad_request, "bad-request",
			       "the client ended in the middle of its request");
	session_free(o->session);
}

/* What was read goes to the parser until there is a request. */
static void request_feed(struct opening *o)
{
	enum inbound_step step;
	size_t used = 0;

	step = inbound_feed(o->inbound, o->got.at, o->got.n, &used, &o->reply);
	bytes_take(&o->got, used);
	/* What is said before a request goes with the answer to it. */
	if (step != INBOUND_REQUEST && o->reply.n && !hear_flush(o->session))
		return;
	switch (step) {
	case INBOUND_MORE:
		if (o->client_ended)
			client_gone(o);
		else
			client_wait(o, client_events(o));
		return;
	case INBOUND_END:
		request_bad(o);
		return;
	case INBOUND_REQUEST:
		o->request = inbound_request(o->inbound);
		timer_stop(&o->timer);
		if (held_first(o))
			go_decide(o->session);
		else
			session_abort(o->session);
		return;
	}
}

static ssize_t client_read(struct opening *o)
{
	size_t room = o->got.n < READ_ROOM ? READ_ROOM : o->got.n;
	uint8_t *at = bytes_more(&o->got, room);
	ssize_t n = at ? stream_recv(&o->stream, at, room) : STREAM_BROKEN;

	if (n > 0) {
		o->got.n += (size_t)n;
		o->silent = false;
	}
	return n;
}

/* Of the bytes that are there now; under TLS epoll does not tell of all. */
static ssize_t client_read_all(struct opening *o)
{
	ssize_t n = client_read(o);

	while (n > 0 && stream_holds(&o->stream) && o->got.n < MOST_AHEAD)
		n = client_read(o);
	return n;
}

static void client_heard(struct opening *o)
{
	ssize_t n = client_read_all(o);

	if (n == STREAM_BROKEN) {
		if (o->got.failed)
			session_failed(o->session, COUNT_bad_request, "memory", "no memory");
		session_abort(o->session);
		return;
	}
	/* It may have said all it wants to say. */
	o->client_ended = n == STREAM_END;
	if (!o->request && o->inbound) {
		request_feed(o);
	} else if (o->awaiting) {
		go_first(o->session);
	} else {
		client_wait(o, client_events(o));
	}
}

/* ---- TLS ---- */

static void shake(struct opening *o)
{
	struct tls_error why;
	int step = stream_shake(&o->stream, &why);

	if (step == STREAM_AGAIN) {
		client_wait(o, EPOLLIN);
		return;
	}
	if (step == STREAM_BROKEN) {
		session_failed(o->session, COUNT_bad_tls, "tls", why.text);
		session_abort(o->session);
		return;
	}
	o->shaking = false;
	client_heard(o);
}

static bool is_own(const struct session *s)
{
	return !memcmp(s->question.peer.ip, s->front->at.ip, sizeof(s->front->at.ip)) ||
	       setup_is_elsewhere(s->setup, &s->question.peer);
}

static void shake_begin(struct opening *o)
{
	if (!stream_tls_accept(&o->stream, o->session->front->tls)) {
		session_abort(o->session);
		return;
	}
	o->tls_open = false;
	o->shaking = true;
	shake(o);
}

/* At functions' ports TLS is told by its first byte: an nginx in front on the same proxy does not
 * speak it. */
static void tls_decide(struct opening *o)
{
	const struct front *f = o->session->front;
	uint8_t first = 0;
	ssize_t n;

	if (!f->tls_own) {
		shake_begin(o);
		return;
	}
	n = recv(o->stream.fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		client_wait(o, EPOLLIN);
		return;
	}
	o->tls_open = false;
	if (n == 1 && first == TLS_FIRST) {
		shake_begin(o);
	} else if (f->tls_must && !is_own(o->session)) {
		session_failed(o->session, COUNT_bad_tls, "tls", "the client speaks no TLS");
		session_abort(o->session);
	} else {
		client_heard(o);
	}
}

/* ---- beginning ---- */

static void client_ready(struct watch *w, uint32_t events)
{
	struct opening *o = opening_of_client(w);

	if (o->lingering)
		linger_ready(o);
	else if (o->tls_open)
		tls_decide(o);
	else if (o->shaking)
		shake(o);
	else if (events & EPOLLOUT && o->reply.n && !hear_flush(o->session))
		return;
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) || stream_wants(&o->stream))
		client_heard(o);
	else
		client_wait(o, client_events(o));
}

static void redirected(struct session *s)
{
	struct opening *o = s->opening;

	s->question.source = s->question.peer;
	if (redirect_original(o->stream.fd, &s->front->at, &s->question.to)) {
		go_decide(s);
		return;
	}
	session_refused(s, COUNT_bad_request, "it was not redirected, but made to the redirector");
	session_abort(s);
}

bool hear_begin(struct session *s, struct stream stream)
{
	struct opening *o = calloc(1, sizeof(*o));

	if (!o) {
		stream_reset(&stream);
		return false;
	}
	s->opening = o;
	o->setup = setup_hold(s->setup);
	o->session = s;
	o->listener.fd = -1;
	o->stream = stream;
	o->upstream.fd = -1;
	o->client = (struct watch){ .fd = stream.fd, .ready = client_ready };
	s->question.function = s->front->kind == FRONT_FUNCTION ? (int)s->front->index : -1;
	s->question.target = s->front->kind == FRONT_TARGET ? s->front->index : 0;
	if (s->front->kind == FRONT_REDIRECT) {
		redirected(s);
		return true;
	}
	o->inbound = inbound_open(&s->front->settings);
	if (!o->inbound)
		return false;
	o->silent = true;
	o->timer.ring = request_late;
	timer_set(loop_of(o), &o->timer, s->worker->server->limits.request_ms);
	o->tls_open = s->front->tls != NULL;
	/* The kernel hands over connections with their first bytes. */
	if (o->tls_open)
		tls_decide(o);
	else
		client_heard(o);
	return true;
}
