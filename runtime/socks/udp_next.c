#include <config.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/udp_own.h"

enum { TIMEOUT_MS = 10000, READ_ROOM = 16384, READS = 8 };

/* An association of SOCKS6 over TCP for one destination. */
struct udp_next {
	struct udp_flow *flow;
	struct work freeing;
	struct dial *dial; /* until it is connected */
	struct stream stream;
	struct watch watch;
	struct upstream up;
	bool spoken, open; /* the request succeeded; the association began */
	uint64_t association;
	struct bytes say, got;
	struct bytes waiting[UDP_MOST_WAITING];
	size_t n_waiting;
};

static struct udp *udp_of(const struct udp_next *x)
{
	return x->flow->udp;
}

/* The flow lets it go, and tries again later. */
static void lose(struct udp_next *x)
{
	flow_pause(x->flow);
}

/* ---- to the next proxy ---- */

static bool flush(struct udp_next *x)
{
	uint32_t events = EPOLLIN;

	while (x->say.n) {
		ssize_t n = stream_send(&x->stream, x->say.at, x->say.n);

		if (n == STREAM_BROKEN)
			return false;
		if (n == STREAM_AGAIN)
			break;
		bytes_take(&x->say, (size_t)n);
	}
	events |= x->say.n ? (uint32_t)EPOLLOUT : 0;
	return !x->say.failed &&
	       loop_events(udp_of(x)->start.loop, &x->watch, events | stream_wants(&x->stream));
}

static bool say_datagram(struct udp_next *x, struct wire_span data)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_DATAGRAM,
				.association = x->association,
				.at = x->flow->to,
				.data = data };
	size_t room = UDP_MOST_HEAD + data.n;
	uint8_t *at;
	size_t n;

	if (x->say.n > UDP_MOST_UNSENT)
		return false;
	at = bytes_more(&x->say, room);
	n = at ? socks6_udp_write(at, room, &m) : 0;
	x->say.n += n;
	return n;
}

static bool hold(struct udp_next *x, struct wire_span data)
{
	struct bytes *b = &x->waiting[x->n_waiting];

	if (x->n_waiting == UDP_MOST_WAITING)
		return false;
	bytes_add(b, data.at, data.n);
	if (b->failed) {
		bytes_free(b);
		return false;
	}
	x->n_waiting++;
	return true;
}

void next_send(struct udp_next *x, struct wire_span data)
{
	struct udp *u = udp_of(x);

	if (!flow_pass(x->flow, WAY_FORWARD, &data, NULL) ||
	    !(x->open ? say_datagram(x, data) : hold(x, data)))
		udp_dropped(u);
	else if (x->open && !flush(x))
		lose(x);
}

/* ---- from the next proxy ---- */

static void begin(struct udp_next *x, uint64_t association)
{
	x->association = association;
	x->open = true;
	for (size_t i = 0; i < x->n_waiting; i++) {
		struct bytes *b = &x->waiting[i];

		if (!say_datagram(x, (struct wire_span){ b->at, b->n }))
			udp_dropped(udp_of(x));
		bytes_free(b);
	}
	x->n_waiting = 0;
}

/* Only what comes from where the client has sent to. */
static void take_message(struct udp_next *x, struct socks6_udp *m)
{
	if (!x->open) {
		if (m->type == SOCKS6_UDP_INIT)
			begin(x, m->association);
		return;
	}
	if (m->type != SOCKS6_UDP_DATAGRAM)
		return;
	wire_address_settle(&m->at);
	if (m->association == x->association && wire_address_same(&m->at, &x->flow->to))
		client_send(x->flow, m->data);
	else
		udp_dropped(udp_of(x));
}

/* What was sent to the client is still in GOT. */
static bool take_messages(struct udp_next *x)
{
	enum wire_state state;
	struct socks6_udp m;
	size_t at = 0, used;

	if (!x->got.n)
		return true;
	while ((state = socks6_udp_read(x->got.at + at, x->got.n - at, &m, &used)) == WIRE_DONE) {
		take_message(x, &m);
		at += used;
	}
	if (udp_of(x)->batch)
		udp_batch_flush(udp_of(x)->batch);
	bytes_take(&x->got, at);
	return state == WIRE_MORE;
}

static bool take(struct udp_next *x)
{
	enum upstream_step step;
	size_t used;

	while (!x->spoken) {
		step = upstream_feed(&x->up, x->got.at, x->got.n, &used, &x->say);
		bytes_take(&x->got, used);
		if (step == UPSTREAM_BAD)
			return false;
		if (step == UPSTREAM_MORE)
			return true;
		x->spoken = step == UPSTREAM_DONE;
	}
	return take_messages(x);
}

static bool read_all(struct udp_next *x)
{
	for (int i = 0; i < READS || stream_holds(&x->stream); i++) {
		uint8_t *at = bytes_more(&x->got, READ_ROOM);
		ssize_t n = at ? stream_recv(&x->stream, at, READ_ROOM) : STREAM_BROKEN;

		if (n == STREAM_AGAIN)
			return true;
		if (n <= 0)
			return false;
		x->got.n += (size_t)n;
		if (!take(x))
			return false;
	}
	return true;
}

static void next_ready(struct watch *w, uint32_t events)
{
	struct udp_next *x = (struct udp_next *)((char *)w - offsetof(struct udp_next, watch));
	struct udp *u = udp_of(x);

	(void)events;
	if (!read_all(x) || !flush(x))
		lose(x);
	udp_flush(u);
}

/* ---- beginning and end ---- */

static void connected(void *arg, const struct dial_result *r)
{
	struct udp_next *x = arg;

	x->dial = NULL;
	if (r->outcome != OUTCOME_OK) {
		lose(x);
		return;
	}
	x->stream = r->stream;
	x->watch = (struct watch){ .fd = r->stream.fd, .ready = next_ready };
	bytes_take(&x->say, r->sent);
	if (!loop_watch(udp_of(x)->start.loop, &x->watch, EPOLLIN) || !flush(x))
		lose(x);
}

static bool dial(struct udp_next *x, const struct wire_address *next)
{
	const struct udp_start *start = &udp_of(x)->start;
	struct dial_wish wish = {
		.to = next,
		.n = 1,
		.timeout_ms = TIMEOUT_MS,
		.mark = start->mark,
		.from = start->from_proxy.kind == next->kind ? &start->from_proxy : NULL,
		.first = { x->say.at, x->say.n },
	};

	if (start->tls)
		wish.tls = start->tls(start->arg, next, &wish.tls_name);
	x->dial = dial_start(start->loop, &wish, connected, x);
	return x->dial;
}

struct udp_next *next_open(struct udp_flow *f, const struct wire_address *next,
			   const struct upstream_wish *given)
{
	struct upstream_wish wish = *given;
	struct udp_next *x;

	if (wish.version != 6 || wish.epi || !(x = calloc(1, sizeof(*x))))
		return NULL;
	x->flow = f;
	x->stream.fd = x->watch.fd = -1;
	wish.command = SOCKS6_UDP_ASSOCIATE;
	wish.to = wire_any;
	wish.data = 0;
	wish.fast_open = false;
	if (upstream_begin(&x->up, &wish, &x->say) && dial(x, next))
		return x;
	next_close(x);
	return NULL;
}

static void free_late(struct work *w)
{
	free((char *)w - offsetof(struct udp_next, freeing));
}

void next_close(struct udp_next *x)
{
	if (!x)
		return;
	if (x->dial)
		dial_cancel(x->dial);
	if (x->watch.added)
		loop_forget(udp_of(x)->start.loop, &x->watch);
	else if (x->stream.fd >= 0)
		loop_forget_left(udp_of(x)->start.loop, x->stream.fd);
	if (x->stream.fd >= 0)
		stream_close(&x->stream);
	for (size_t i = 0; i < UDP_MOST_WAITING; i++)
		bytes_free(&x->waiting[i]);
	bytes_free(&x->say);
	bytes_free(&x->got);
	x->freeing.run = free_late;
	loop_later(udp_of(x)->start.loop, &x->freeing);
}

void next_trim(struct udp_next *x)
{
	if (!x->got.n)
		bytes_free(&x->got);
	if (!x->say.n && !x->dial)
		bytes_free(&x->say);
}
