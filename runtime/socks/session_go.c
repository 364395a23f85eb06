/* A session's way: who asks for what, whether that is allowed, through which functions, to where.
 */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "runtime/socks/session_private.h"

enum {
	MOST_EARLY = 16384, /* application bytes in one piece with what a next proxy is told */
	MOST_WARM = 64,     /* addresses learned by a thread */
	ANSWER_MS = 60000,  /* for the reply of a next proxy, which dials meanwhile */
	FIRST_BYTES_MS =
	    2, /* how long a redirected client may take for bytes that the SYN can carry */
	SYN_POLL_MS = 1
};

static struct server *server_of(const struct session *s)
{
	return s->worker->server;
}

static const struct setup_options *options_of(const struct session *s)
{
	return server_of(s)->options;
}

void go_refuse(struct session *s, enum counter counter, enum outcome outcome, const char *why)
{
	session_refused(s, counter, why);
	hear_refuse(s, outcome);
}

/* A reload may have come since the client was accepted. */
static bool setup_renew(struct session *s)
{
	const struct front *front;

	if (s->setup == s->worker->setup)
		return true;
	front = session_front(s, s->worker->setup);
	if (front)
		session_move(s, s->worker->setup, front);
	return front;
}

static void question_make(struct session *s)
{
	const struct inbound_request *r = s->opening->request;
	struct policy_question *q = &s->question;
	struct epi_chain *c = r ? r->chain : NULL;

	q->protocol = r && r->command == SOCKS6_UDP_ASSOCIATE ? IPPROTO_UDP : IPPROTO_TCP;
	q->told = r && r->told;
	q->source = q->told ? r->source : q->peer;
	if (s->front->kind == FRONT_FUNCTION && setup_is_elsewhere(s->setup, &q->peer))
		q->peer = s->front->at;
	for (size_t i = c ? c->index : 0; c && i < c->n; i++)
		s->opening->links[q->n_links++] = c->links[i].at;
	q->links = c ? s->opening->links : NULL;
}

/* ---- relaying ---- */

static void next_text(const struct session *s, char *text, size_t room, const char *why)
{
	const struct route *r = &s->opening->route;
	char at[WIRE_TEXT_ROOM] = "";

	wire_address_text(r->straight ? &s->question.to : &r->next, at, sizeof(at));
	snprintf(text, room, "%s%s: %s", r->straight ? "" : "the next proxy ", at, why);
}

/* What `up` says is the reason. */
static void next_refused(struct session *s)
{
	char why[512];

	next_text(s, why, sizeof(why), s->opening->up.why);
	go_refuse(s, COUNT_refused_upstream, s->opening->up.outcome, why);
}

static void relay_ended(void *arg, enum relay_end end, const char *why, struct stream *client)
{
	static const struct {
		enum counter counter;
		const char *text;
	} ends[] = {
		[RELAY_DONE] = { COUNT_finished, "it ended in order" },
		[RELAY_RESET] = { COUNT_reset, "one end broke it" },
		[RELAY_IDLE] = { COUNT_idled, "nothing moved for long" },
		[RELAY_FUNCTION] = { COUNT_refused_function, "a function ended it" },
		[RELAY_HEAD] = { COUNT_refused_upstream, "the next proxy refused it" },
		[RELAY_ERROR] = { COUNT_reset, "it failed" },
	};
	struct session *s = arg;
	struct opening *o = s->opening;
	uint64_t bytes[N_WAYS] = { relay_bytes(s->relay, WAY_FORWARD),
				   relay_bytes(s->relay, WAY_BACK) };

	s->relay = NULL;
	session_count_end(s, bytes);
	if (o)
		o->stream.fd = o->upstream.fd = -1;
	if (end == RELAY_HEAD && o) {
		o->stream = *client;
		if (o->up.outcome == OUTCOME_OK)
			upstream_end(&o->up, o->back.at, o->back.n);
		go_refuse(s, COUNT_refused_upstream, o->up.outcome, o->up.why);
		return;
	}
	if (end == RELAY_FUNCTION || end == RELAY_ERROR)
		session_failed(s, ends[end].counter, end == RELAY_FUNCTION ? "function" : "error",
			       why);
	else
		counters_add(&server_of(s)->counters, ends[end].counter, 1);
	session_log_end(s, ends[end].text, bytes);
	session_free(s);
}

/* The next proxy's reply. */
static enum relay_head head_feed(void *arg, const uint8_t *bytes, size_t n, size_t *used)
{
	struct session *s = arg;
	struct opening *o = s->opening;
	struct bytes none = { 0 };
	enum upstream_step step = upstream_feed(&o->up, bytes, n, used, &none);
	bool told;

	bytes_free(&none);
	bytes_take(&o->back, o->back.n);
	if (step == UPSTREAM_MORE) {
		/* Half a reply tells something, too, if no more comes. */
		bytes_add(&o->back, bytes + *used, n - *used);
		return RELAY_HEAD_MORE;
	}
	if (step != UPSTREAM_DONE)
		return RELAY_HEAD_BAD;
	o->answered = true;
	if (o->inbound) {
		inbound_reply(o->inbound, OUTCOME_OK, &o->up.bound, 0, &o->reply);
		told = !o->reply.failed &&
		       stream_send(&o->stream, o->reply.at, o->reply.n) == (ssize_t)o->reply.n;
		if (!told) {
			o->up.outcome = OUTCOME_FAILED;
			return RELAY_HEAD_BAD;
		}
	}
	session_count_open(s);
	o->stream.fd = o->upstream.fd = -1;
	opening_free(s);
	return RELAY_HEAD_DONE;
}

void relay_begin(struct session *s)
{
	struct opening *o = s->opening;
	bool head = !o->route.straight && !o->route.header;
	struct bytes got = o->got, back = o->back;
	struct relay_start start = {
		.client = o->stream,
		.server = o->upstream,
		.stages = o->stages,
		.n_stages = o->n_stages,
		.wake = o->wake,
		.early = { [WAY_FORWARD] = { got.at, got.n }, [WAY_BACK] = { back.at, back.n } },
		.idle_ms = server_of(s)->limits.idle_ms,
		.head = head ? head_feed : NULL,
		.done = relay_ended,
		.arg = s,
	};

	/* Else the time of rest finds the dead. */
	if (!start.idle_ms)
		stream_keep_alive(o->upstream.fd);
	loop_leave(s->worker->loop, &o->client);
	loop_leave(s->worker->loop, &o->server);
	if (o->n_stages)
		s->functions = setup_loosen(s->way);
	else
		setup_drop(s->way);
	s->way = NULL;
	o->stages = NULL;
	o->n_stages = 0;
	o->wake = NULL;
	o->got = o->back = (struct bytes){ 0 };
	if (!head) {
		session_count_open(s);
		o->stream.fd = o->upstream.fd = -1;
	}
	s->relay = relay_start(s->worker->pool, &start);
	bytes_free(&got);
	bytes_free(&back);
	if (!s->relay) {
		o->stream.fd = o->upstream.fd = -1;
		session_failed(s, COUNT_reset, "error", "no memory");
		session_abort(s);
	} else if (!head) {
		opening_free(s);
	}
}

/* ---- the server's side ---- */

static void server_lost(struct session *s, enum outcome outcome, const char *why)
{
	go_refuse(s, COUNT_unreachable, outcome, why);
}

static void go_say(struct session *);

/* A next proxy that asks for user and password first. */
static void server_speak(struct opening *o)
{
	struct session *s = o->session;
	uint8_t *at = bytes_more(&o->back, 512);
	ssize_t n = at ? stream_recv(&o->upstream, at, 512) : STREAM_BROKEN;
	enum upstream_step step;
	size_t used = 0;

	if (n == STREAM_AGAIN)
		return;
	o->back.n += n > 0 ? (size_t)n : 0;
	step = n > 0 ? upstream_feed(&o->up, o->back.at, o->back.n, &used, &o->say) : UPSTREAM_BAD;
	if (n <= 0)
		upstream_end(&o->up, o->back.at, o->back.n);
	bytes_take(&o->back, used);
	if (step == UPSTREAM_BAD)
		next_refused(s);
	else if (step == UPSTREAM_SPEAK)
		go_say(s);
}

static struct opening *opening_of_server(struct watch *w)
{
	return (struct opening *)((char *)w - offsetof(struct opening, server));
}

static void server_ready(struct watch *w, uint32_t events)
{
	struct opening *o = opening_of_server(w);

	if (o->said < o->say.n)
		go_say(o->session);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		server_speak(o);
}

static bool server_wait(struct session *s, uint32_t events)
{
	struct opening *o = s->opening;

	o->server.fd = o->upstream.fd;
	o->server.ready = server_ready;
	if (loop_events(s->worker->loop, &o->server, events | stream_wants(&o->upstream)))
		return true;
	server_lost(s, OUTCOME_FAILED, strerror(errno));
	return false;
}

/* Says what is left of `say`, then relays as soon as the protocol lets application bytes follow. */
static void go_say(struct session *s)
{
	struct opening *o = s->opening;
	bool early = o->route.straight || o->route.header || o->up.early;

	while (o->said < o->say.n) {
		ssize_t n = stream_send(&o->upstream, o->say.at + o->said, o->say.n - o->said);

		if (n == STREAM_AGAIN) {
			server_wait(s, EPOLLOUT);
			return;
		}
		if (n < 0) {
			server_lost(s, outcome_from_errno(errno), strerror(errno));
			return;
		}
		o->said += (size_t)n;
	}
	if (!early) {
		server_wait(s, EPOLLIN);
		return;
	}
	relay_begin(s);
}

static void answer_late(struct timer *t)
{
	struct session *s =
	    ((struct opening *)((char *)t - offsetof(struct opening, timer)))->session;
	char why[512];

	next_text(s, why, sizeof(why), "no answer in time");
	if (!s->relay) {
		server_lost(s, OUTCOME_TIMED_OUT, why);
		return;
	}
	session_refused(s, COUNT_unreachable, why);
	session_abort(s);
}

static void connected(struct session *s, const struct wire_address *bound)
{
	struct opening *o = s->opening;

	if (!o->route.straight && !o->route.header) {
		o->timer.ring = answer_late;
		timer_set(s->worker->loop, &o->timer, ANSWER_MS);
	} else if (!hear_succeed(s, bound, o->granted)) {
		return;
	}
	go_say(s);
}

static void dial_ended(void *arg, const struct dial_result *r)
{
	struct session *s = arg;
	struct opening *o = s->opening;
	char why[512];

	o->dial = NULL;
	if (r->outcome == OUTCOME_OK) {
		o->upstream = r->stream;
		o->said = r->sent;
		if (o->route.straight)
			s->question.to = r->at;
		connected(s, &r->bound);
		return;
	}
	next_text(s, why, sizeof(why), r->why);
	server_lost(s, r->outcome, why);
}

static bool warm_use(struct session *s, const struct wire_address *to)
{
	struct worker *w = s->worker;
	struct opening *o = s->opening;
	unsigned share =
	    (unsigned)((o->route.warm + server_of(s)->n_workers - 1) / server_of(s)->n_workers);

	if (!o->route.warm)
		return false;
	if (warm_take(w->warm, to, &o->upstream))
		return true;
	if (o->route.straight && warm_count(w->warm) < MOST_WARM)
		warm_keep(w->warm, to, share, o->route.tls, NULL, options_of(s)->mark, NULL);
	return false;
}

/* What the next proxy is told, with the first bytes of the application where they may follow. */
static bool say_make(struct session *s)
{
	struct opening *o = s->opening;
	const struct route *r = &o->route;
	const struct setup_options *options = options_of(s);
	size_t early = stages_unseeing(o->stages, o->n_stages) ? o->got.n : 0;
	struct upstream_wish wish = {
		.version = r->version,
		.epi = r->epi,
		.command = SOCKS6_CONNECT,
		.to = s->question.to,
		.source = options->role == ROLE_REDIRECT ? NULL : &s->question.source,
		.links = r->links,
		.n_links = r->n_links,
		.user = options->user,
		.password = options->password,
		.fast_open = r->fast_open,
	};

	early = early < MOST_EARLY ? early : MOST_EARLY;
	if (r->straight) {
		early = r->fast_open || r->warm ? early : 0;
	} else if (r->header) {
		bytes_add(&o->say, o->request->header.at, o->request->header.n);
	} else {
		wish.data = early;
		if (!upstream_begin(&o->up, &wish, &o->say))
			return false;
		early = o->up.early ? early : 0;
	}
	bytes_add(&o->say, o->got.at, early);
	bytes_take(&o->got, early);
	return !o->say.failed;
}

static uint8_t stack_value(const struct socks6_options *o, enum socks6_stack_kind kind,
			   uint32_t *granted)
{
	const struct socks6_stack *stack = &o->stack[kind];

	if (!(stack->legs & SOCKS6_REMOTE_LEG))
		return 0;
	*granted |= 1u << kind;
	return (uint8_t)stack->value[1];
}

/* What a client of SOCKS6 wishes for the connection to its server. */
static uint32_t options_wish(const struct socks6_options *o, struct dial_wish *wish)
{
	uint32_t granted = 0;

	wish->tos = stack_value(o, SOCKS6_TOS, &granted);
	wish->ttl = stack_value(o, SOCKS6_TTL, &granted);
	wish->no_fragmentation = stack_value(o, SOCKS6_NO_FRAGMENTATION, &granted) == SOCKS6_YES;
	wish->multipath = stack_value(o, SOCKS6_MULTIPATH, &granted) == SOCKS6_YES;
	if (stack_value(o, SOCKS6_HAPPY_EYEBALLS, &granted) == SOCKS6_NO)
		wish->n = 1;
	if (wish->fast_open)
		granted |= 1u << SOCKS6_TFO;
	return granted;
}

static void dial_begin(struct session *s)
{
	struct opening *o = s->opening;
	const struct route *r = &o->route;
	struct dial_wish wish = {
		.to = r->straight ? o->to : &r->next,
		/* Functions were told of the first one. */
		.n = r->straight && !o->n_stages ? o->n_to : 1,
		.timeout_ms = server_of(s)->limits.connect_ms,
		.mark = options_of(s)->mark,
		.from = r->straight ? NULL : setup_from(s->setup, &r->next),
		.fast_open = r->fast_open,
		.first = { o->say.at, o->say.n },
		.tls = r->tls,
		.want_bound = r->straight && o->inbound != NULL,
	};

	if (r->straight && o->request && o->request->kind == INBOUND_SOCKS6)
		o->granted = options_wish(o->request->options, &wish);
	o->dial = dial_start(s->worker->loop, &wish, dial_ended, s);
	if (!o->dial)
		server_lost(s, outcome_from_errno(errno), strerror(errno));
}

static void go_connect(struct session *s)
{
	struct opening *o = s->opening;
	const struct wire_address *next = o->route.straight ? o->to : &o->route.next;

	if (!say_make(s)) {
		go_refuse(s, COUNT_unreachable, OUTCOME_FAILED,
			  o->up.why[0] ? o->up.why : "no memory");
		return;
	}
	if (warm_use(s, next))
		connected(s, &wire_any);
	else
		dial_begin(s);
}

/* ---- deciding ---- */

/* A SYN with data may be an old one that comes again; a server must then not be asked twice unless
 * the application says so.  Once the client has answered our SYN, it is not (RFC 7413 section 6).
 */
static bool is_replay(const struct session *s)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	/* Without a policy it is --fast-open that says so. */
	if (!s->front->fast_open || !s->chain || s->chain->replay_safe)
		return false;
	return !getsockopt(s->opening->stream.fd, IPPROTO_TCP, TCP_INFO, &info, &n) &&
	       info.tcpi_state == TCP_SYN_RECV;
}

static void go_again(struct timer *);

static void go_further(struct session *s, const struct policy_answer *answer)
{
	struct opening *o = s->opening;
	char why[300];

	if (is_replay(s)) {
		o->timer.ring = go_again;
		timer_set(s->worker->loop, &o->timer, SYN_POLL_MS);
	} else if (!route_take(s, answer, why)) {
		go_refuse(s, COUNT_refused_function, OUTCOME_BRIDGE_LOST, why);
	} else if (!route_open(s, why)) {
		go_refuse(s, COUNT_refused_function, OUTCOME_DENIED, why);
	} else {
		go_connect(s);
	}
}

/* The candidates that are allowed in the same way as the first such. */
static void go_choose(struct session *s)
{
	struct opening *o = s->opening;
	struct policy_answer answer, refused = { .verdict = POLICY_ALLOWED }, first = { 0 };
	struct wire_address to;
	size_t n = 0;

	for (size_t i = 0; i < o->n_to; i++) {
		if (!route_ask(s, &o->to[i], &answer)) {
			if (refused.verdict == POLICY_ALLOWED)
				refused = answer;
			continue;
		}
		if (n && (answer.chain != first.chain || answer.first != first.first))
			continue;
		first = answer;
		o->to[n++] = o->to[i];
	}
	to = o->to[0];
	if (!n) {
		route_refuse(s, &refused);
		return;
	}
	o->n_to = n;
	s->question.to = to;
	s->chain = first.chain;
	s->first = first.first;
	go_further(s, &first);
}

/* A reload may have come meanwhile. */
static void go_again(struct timer *t)
{
	struct opening *o = (struct opening *)((char *)t - offsetof(struct opening, timer));

	go_choose(o->session);
}

static void resolved(void *arg, const struct wire_address *at, size_t n, enum outcome outcome)
{
	struct session *s = arg;
	struct opening *o = s->opening;
	char why[WIRE_MOST_NAME + 64];

	o->resolve = NULL;
	if (!n) {
		snprintf(why, sizeof(why), "%.*s: %s", (int)o->request->to.name.n,
			 (const char *)o->request->to.name.at, outcome_text(outcome));
		go_refuse(s, COUNT_unreachable, outcome, why);
		return;
	}
	memcpy(o->to, at, n * sizeof(*at));
	for (size_t i = 0; i < n; i++)
		wire_address_settle(&o->to[i]);
	o->n_to = n;
	go_choose(s);
}

static void go_resolve(struct session *s)
{
	struct opening *o = s->opening;

	o->resolve =
	    resolve_start(server_of(s)->resolver, s->worker->loop, &o->request->to, resolved, s);
	if (!o->resolve)
		go_refuse(s, COUNT_unreachable, OUTCOME_FAILED, "no memory for a name");
}

static void go_header(struct session *s)
{
	struct opening *o = s->opening;
	char why[256];

	if (!policy_listener(s->setup->policy, &o->request->to, &o->to[0], why, sizeof(why))) {
		go_refuse(s, COUNT_refused_chain, OUTCOME_DENIED, why);
		return;
	}
	o->n_to = 1;
	go_choose(s);
}

static void go_request(struct session *s)
{
	struct opening *o = s->opening;
	const struct inbound_request *r = o->request;

	question_make(s);
	if (r->kind == INBOUND_PROXY) {
		go_header(s);
	} else if (r->command == SOCKS6_NOOP) {
		if (hear_succeed(s, &wire_any, 0))
			hear_linger(s);
	} else if (r->command == SOCKS6_UDP_ASSOCIATE) {
		udp_begin(s);
	} else if (r->command == SOCKS6_BIND) {
		bind_begin(s);
	} else if (r->to.kind == WIRE_NAME) {
		go_resolve(s);
	} else {
		o->to[0] = r->to;
		o->n_to = 1;
		go_choose(s);
	}
}

/* Bytes that a SYN could carry, if the client speaks at once. */
static void first_late(struct timer *t)
{
	struct opening *o = (struct opening *)((char *)t - offsetof(struct opening, timer));

	o->awaiting = false;
	go_choose(o->session);
}

static void go_redirected(struct session *s)
{
	struct opening *o = s->opening;

	o->to[0] = s->question.to;
	o->n_to = 1;
	s->question.protocol = IPPROTO_TCP;
	if (!options_of(s)->fast_open && !options_of(s)->warm) {
		go_choose(s);
		return;
	}
	o->awaiting = true;
	o->timer.ring = first_late;
	timer_set(s->worker->loop, &o->timer, FIRST_BYTES_MS);
	if (!loop_events(s->worker->loop, &o->client, EPOLLIN))
		session_abort(s);
}

void go_first(struct session *s)
{
	timer_stop(&s->opening->timer);
	first_late(&s->opening->timer);
}

void go_decide(struct session *s)
{
	if (!setup_renew(s)) {
		go_refuse(s, COUNT_refused_no_flow, OUTCOME_DENIED, "its listener is gone");
		return;
	}
	if (s->opening->request)
		go_request(s);
	else
		go_redirected(s);
}
