#include <config.h>

#include "runtime/socks/session_private.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static void session_link(struct session *s)
{
	struct worker *w = s->worker;

	s->next = w->open;
	s->link = &w->open;
	if (s->next)
		s->next->link = &s->next;
	w->open = s;
	w->n_open++;
}

static void session_unlink(struct session *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->worker->n_open--;
}

void session_open(struct door *d, int fd, const struct sockaddr *peer, socklen_t n)
{
	struct worker *w = d->worker;
	struct session *s = calloc(1, sizeof(*s));
	struct stream stream = { .fd = fd };
	struct wire_address at;

	counters_add(&w->server->counters, COUNT_accepted, 1);
	if (!s || !wire_address_from_sockaddr(peer, n, &at) ||
	    !clients_enter(w->server->clients, &at)) {
		counters_add(&w->server->counters, COUNT_refused_limit, 1);
		stream_reset(&stream);
		free(s);
		return;
	}
	s->worker = w;
	s->setup = setup_hold(d->setup);
	s->front = d->front;
	s->number = atomic_fetch_add(&w->server->number, 1) + 1;
	s->began = loop_now(w->loop);
	s->client = s->question.peer = at;
	session_link(s);
	if (!hear_begin(s, stream))
		session_abort(s);
}

static void session_release(struct work *work)
{
	struct session *s = (struct session *)((char *)work - offsetof(struct session, freeing));

	free(s);
}

void session_free(struct session *s)
{
	opening_free(s);
	session_unlink(s);
	clients_leave(s->worker->server->clients, &s->client);
	setup_drop(s->setup);
	setup_drop(s->way);
	setup_release(s->functions);
	s->freeing.run = session_release;
	loop_later(s->worker->loop, &s->freeing);
}

static void stream_forget(struct session *s, struct stream *stream)
{
	if (stream->fd < 0)
		return;
	loop_forget_left(s->worker->loop, stream->fd);
	stream_close(stream);
}

void opening_free(struct session *s)
{
	struct opening *o = s->opening;

	if (!o)
		return;
	bind_end(s);
	s->opening = NULL;
	s->question.links = NULL;
	s->question.n_links = 0;
	timer_stop(&o->timer);
	if (o->resolve)
		resolve_cancel(o->resolve);
	if (o->dial)
		dial_cancel(o->dial);
	loop_leave(s->worker->loop, &o->client);
	loop_leave(s->worker->loop, &o->server);
	stream_forget(s, &o->stream);
	stream_forget(s, &o->upstream);
	stages_close(o->stages, o->n_stages);
	relay_wake_free(o->wake);
	inbound_close(o->inbound);
	bytes_free(&o->got);
	bytes_free(&o->reply);
	bytes_free(&o->say);
	bytes_free(&o->back);
	setup_drop(o->setup);
	free(o->texts);
	free(o);
}

/* ---- counting ---- */

static struct flow_counts *flow_of(const struct session *s)
{
	size_t n;

	return s->chain && s->setup->flows
		   ? &s->setup->flows[s->chain - policy_chains(s->setup->policy, &n)]
		   : NULL;
}

void session_count_open(struct session *s)
{
	struct flow_counts *f = flow_of(s);

	counters_add(&s->worker->server->counters, COUNT_opened, 1);
	if (f)
		atomic_fetch_add_explicit(&f->opened, 1, memory_order_relaxed);
	s->counted = true;
}

void session_count_end(struct session *s, const uint64_t bytes[N_WAYS])
{
	struct counters *c = &s->worker->server->counters;
	struct flow_counts *f = flow_of(s);

	if (!s->counted)
		return;
	counters_add(c, COUNT_bytes_forward, bytes[WAY_FORWARD]);
	counters_add(c, COUNT_bytes_back, bytes[WAY_BACK]);
	if (!f)
		return;
	atomic_fetch_add_explicit(&f->ended, 1, memory_order_relaxed);
	for (int way = 0; way < N_WAYS; way++)
		atomic_fetch_add_explicit(&f->bytes[way], bytes[way], memory_order_relaxed);
}

/* ---- lines of the log ---- */

struct words {
	char peer[WIRE_TEXT_ROOM], to[WIRE_TEXT_ROOM], source[WIRE_TEXT_ROOM], place[512];
	char number[24];
};

static void words_make(const struct session *s, struct words *w)
{
	const struct policy_question *q = &s->question;

	*w = (struct words){ .to = "-", .source = "-", .place = "-" };
	wire_address_text(&s->client, w->peer, sizeof(w->peer));
	if (q->to.kind)
		wire_address_text(&q->to, w->to, sizeof(w->to));
	if (q->source.kind)
		wire_address_text(&q->source, w->source, sizeof(w->source));
	if (s->chain)
		snprintf(w->place, sizeof(w->place), "%s:%" PRId64, s->chain->file, s->chain->line);
	snprintf(w->number, sizeof(w->number), "%" PRIu64, s->number);
}

static void session_log(struct session *s, enum log_level level, const char *event,
			const char *message, const char *why)
{
	struct words w;

	words_make(s, &w);
	log_event(s->worker->server->log, level, event, message, "connection", w.number, "peer",
		  w.peer, "source", w.source, "destination", w.to, "flow",
		  s->chain ? s->chain->application : "-", "policy", w.place, "reason", why, NULL);
}

void session_failed(struct session *s, enum counter counter, const char *event, const char *why)
{
	counters_add(&s->worker->server->counters, counter, 1);
	if (worker_may_log(s->worker))
		session_log(s, LOG_LEVEL_WARNING, event, "a connection failed", why);
}

void session_refused(struct session *s, enum counter counter, const char *why)
{
	counters_add(&s->worker->server->counters, counter, 1);
	if (worker_may_log(s->worker))
		session_log(s, LOG_LEVEL_WARNING, "refused", "a request is refused", why);
}

void session_log_end(struct session *s, const char *how, const uint64_t bytes[N_WAYS])
{
	char forward[24], back[24], ms[24];
	struct words w;

	if (!s->worker->server->log_connections)
		return;
	words_make(s, &w);
	snprintf(forward, sizeof(forward), "%" PRIu64, bytes[WAY_FORWARD]);
	snprintf(back, sizeof(back), "%" PRIu64, bytes[WAY_BACK]);
	snprintf(ms, sizeof(ms), "%" PRIu64, loop_now(s->worker->loop) - s->began);
	log_event(s->worker->server->log, LOG_LEVEL_INFO, "connection", how, "connection", w.number,
		  "peer", w.peer, "source", w.source, "destination", w.to, "flow",
		  s->chain ? s->chain->application : "-", "from", s->chain ? s->chain->from : "-",
		  "to", s->chain ? s->chain->to : "-", "policy", w.place, "forward", forward,
		  "back", back, "ms", ms, NULL);
}

/* ---- ends from outside ---- */

static void session_bytes(const struct session *s, uint64_t bytes[N_WAYS])
{
	bytes[WAY_FORWARD] = s->relay ? relay_bytes(s->relay, WAY_FORWARD) : 0;
	bytes[WAY_BACK] = s->relay ? relay_bytes(s->relay, WAY_BACK) : 0;
}

static void session_stop(struct session *s, const char *how)
{
	uint64_t bytes[N_WAYS];

	session_bytes(s, bytes);
	session_count_end(s, bytes);
	if (s->counted)
		session_log_end(s, how, bytes);
	if (s->relay) {
		relay_stop(s->relay, true);
		if (s->opening)
			s->opening->stream.fd = s->opening->upstream.fd = -1;
	}
	if (s->udp)
		udp_stop(s->udp);
	s->relay = NULL;
	s->udp = NULL;
	session_free(s);
}

void session_abort(struct session *s)
{
	session_stop(s, "it was ended");
}

void sessions_end(struct worker *w)
{
	while (w->open)
		session_abort(w->open);
}

/* ---- reload ---- */

const struct front *session_front(const struct session *s, const struct setup *setup)
{
	for (size_t i = 0; i < setup->n_fronts; i++) {
		const struct front *f = &setup->fronts[i];

		if (f->kind == s->front->kind && wire_address_same(&f->at, &s->front->at))
			return f;
	}
	return NULL;
}

void session_move(struct session *s, struct setup *setup, const struct front *front)
{
	struct setup *was = s->setup;

	s->setup = setup_hold(setup);
	s->front = front;
	s->question.function = front->kind == FRONT_FUNCTION ? (int)front->index : -1;
	s->question.target = front->kind == FRONT_TARGET ? front->index : 0;
	setup_drop(was);
}

/* Each of its destinations is asked about, none is the association's.  Functions of the old setup
 * are closed meanwhile. */
static void association_review(struct session *s, struct setup *setup, const struct front *front)
{
	struct setup *was = setup_hold(s->setup);

	s->chain = NULL;
	session_move(s, setup, front);
	udp_ask_again(s->udp);
	setup_drop(was);
}

/* Whether a connection that was allowed may go on. */
static bool session_review(struct session *s, struct setup *setup, char *why, size_t room)
{
	const struct front *front = session_front(s, setup);
	const struct policy_chain *chain = s->chain;
	struct policy_question q = s->question;
	struct policy_answer answer;

	if (!front) {
		snprintf(why, room, "its listener is gone");
		return false;
	}
	if (s->udp) {
		association_review(s, setup, front);
		return true;
	}
	q.function = front->kind == FRONT_FUNCTION ? (int)front->index : -1;
	q.target = front->kind == FRONT_TARGET ? front->index : 0;
	if (chain && !policy_still(setup->policy, &q, chain, s->first, &answer)) {
		snprintf(why, room, "%s",
			 answer.verdict == POLICY_ALLOWED ? "its chain is another now"
							  : answer.why);
		return false;
	}
	session_move(s, setup, front);
	if (chain) {
		s->chain = answer.chain;
		s->first = answer.first;
		if (s->counted)
			atomic_fetch_add_explicit(&flow_of(s)->opened, 1, memory_order_relaxed);
	}
	return true;
}

void sessions_review(struct worker *w, struct reload_facts *facts)
{
	struct session *s, *next;
	char why[400];

	for (s = w->open; s; s = next) {
		next = s->next;
		/* One that is heard still takes the new setup when its request is there. */
		if (s->opening && !s->opening->request && !s->udp)
			continue;
		if (session_review(s, w->setup, why, sizeof(why))) {
			facts->kept++;
			continue;
		}
		facts->ended++;
		session_log(s, LOG_LEVEL_WARNING, "reload", "the new policy ends a connection",
			    why);
		session_stop(s, "the new policy ended it");
	}
}

/* ---- state ---- */

void sessions_bytes(const struct worker *w, uint64_t bytes[N_WAYS])
{
	for (const struct session *s = w->open; s; s = s->next) {
		uint64_t own[N_WAYS];

		session_bytes(s, own);
		for (int way = 0; way < N_WAYS; way++)
			bytes[way] += own[way];
	}
}

void sessions_list(const struct worker *w, struct text *t, size_t most)
{
	size_t n = 0;

	for (const struct session *s = w->open; s && n < most; s = s->next, n++) {
		uint64_t bytes[N_WAYS];
		struct words words;

		session_bytes(s, bytes);
		words_make(s, &words);
		text_printf(t, "%s %s => %s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			    words.number, s->question.told ? words.source : words.peer, words.to,
			    s->chain ? s->chain->application : "-", words.place, bytes[WAY_FORWARD],
			    bytes[WAY_BACK], loop_now(w->loop) - s->began);
	}
}
