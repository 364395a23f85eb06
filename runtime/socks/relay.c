#include <config.h>

#include "runtime/socks/relay_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { MOST_STAGES = 4096 };

static struct relay *side_relay(struct relay_side *s)
{
	return (struct relay *)((char *)(s - s->number) - offsetof(struct relay, sides));
}

/* ---- the end ---- */

static void side_forget(struct relay *r, struct relay_side *s)
{
	if (s->watch.added)
		loop_forget_closing(r->pool->loop, &s->watch);
	else
		loop_forget_left(r->pool->loop, s->watch.fd);
}

static void side_close(struct relay *r, struct relay_side *s, bool abort)
{
	if (s->stream.fd < 0)
		return;
	side_forget(r, s);
	if (abort && !side_is_program(s))
		stream_reset(&s->stream);
	else
		stream_close(&s->stream);
}

/* The other side is gone, but this one was told a proper end, which a reset would overtake: first
 * what it sent is thrown away, lest closing resets by itself. */
static void side_let_go(struct relay *r, struct relay_side *s)
{
	int unsent = 0;

	if (s->stream.fd < 0)
		return;
	if (ioctl(s->stream.fd, SIOCOUTQ, &unsent) || !unsent) {
		side_close(r, s, true);
		return;
	}
	for (int i = 0; i < 64; i++)
		if (stream_recv(&s->stream, r->pool->buffer, RELAY_CHUNK) <= 0)
			break;
	side_close(r, s, false);
}

/* Those that were told a proper end, if it is the other side that broke. */
static bool is_let_go(const struct relay *r, const struct relay_side *s, enum relay_end end)
{
	return end == RELAY_RESET && s->to != NO_LANE && r->lanes[s->to].finished;
}

static void sides_close(struct relay *r, enum relay_end end)
{
	for (size_t i = 0; i < r->n_sides; i++) {
		struct relay_side *s = &r->sides[i];

		if (end == RELAY_HEAD && i == CLIENT)
			loop_forget(r->pool->loop, &s->watch);
		else if (is_let_go(r, s, end))
			side_let_go(r, s);
		else
			side_close(r, s, end != RELAY_DONE);
	}
}

static void stages_close(struct stage *stages, size_t n, const uint64_t sent[N_WAYS])
{
	for (size_t i = 0; i < n; i++)
		if (stages[i].class->close)
			stages[i].class->close(stages[i].function, stages[i].state, sent);
	free(stages);
}

uint64_t relay_bytes(const struct relay *r, enum way way)
{
	return way_last(r, way)->moved;
}

/* All but the memory, and the client's stream if it goes back. */
static void relay_clear(struct relay *r, enum relay_end end)
{
	uint64_t sent[N_WAYS] = { relay_bytes(r, WAY_FORWARD), relay_bytes(r, WAY_BACK) };

	timer_stop(&r->idle);
	sides_close(r, end);
	for (size_t i = 0; i < r->n_lanes; i++)
		lane_drop(r, &r->lanes[i]);
	meters_close(r);
	stages_close(r->stages, r->n_stages, sent);
	wake_detach(r);
}

static void over_run(struct work *work)
{
	struct relay *r = (struct relay *)((char *)work - offsetof(struct relay, over_work));
	enum relay_end end = (enum relay_end)r->result;

	struct stream *client = end == RELAY_HEAD ? &r->sides[CLIENT].stream : NULL;

	if (r->done)
		r->done(r->arg, end, r->why ? r->why : "", client);
	else if (client)
		stream_reset(client);
	free(r->why);
	free(r);
}

void relay_is_over(struct relay *r, enum relay_end end, const char *why)
{
	if (r->over)
		return;
	r->over = true;
	r->result = (uint8_t)end;
	r->why = why ? strdup(why) : NULL;
	r->over_work.run = over_run;
	relay_clear(r, end);
	loop_later(r->pool->loop, &r->over_work);
}

void relay_stop(struct relay *r, bool abort)
{
	r->done = NULL;
	relay_is_over(r, abort ? RELAY_ERROR : RELAY_DONE, NULL);
}

static void idle_rings(struct timer *t)
{
	struct relay *r = (struct relay *)((char *)t - offsetof(struct relay, idle));
	uint64_t still = loop_now(r->pool->loop) - r->active;

	if (still >= r->idle_ms)
		relay_is_over(r, RELAY_IDLE, NULL);
	else
		timer_set(r->pool->loop, t, (uint32_t)(r->idle_ms - still));
}

/* ---- breaks ---- */

static void way_give_up(struct relay *r, enum way way)
{
	for (struct relay_lane *l = way_first(r, way); l <= way_last(r, way); l++) {
		lane_drop(r, l);
		l->ended = l->finished = true;
		l->heading = l->waiting = l->metered = false;
	}
	meters_drop(r, way);
}

static void program_is_broken(struct relay *r, const struct relay_side *s)
{
	char why[256];

	snprintf(why, sizeof(why), "the program of %s ended before its input did",
		 r->stages[s->stage].class->name);
	relay_is_over(r, RELAY_FUNCTION, why);
}

static enum way other_way(enum way way)
{
	return way == WAY_FORWARD ? WAY_BACK : WAY_FORWARD;
}

/* Sides that end in order may break afterwards: what they sent before is delivered.  TCP says EPIPE
 * for a reset behind the end, which may not have been read yet. */
static void main_is_broken(struct relay *r, struct relay_side *s, int error)
{
	enum way sent = s->number == CLIENT ? WAY_FORWARD : WAY_BACK;
	bool ended = r->lanes[s->from].ended;

	if (way_last(r, sent)->finished || (!ended && error != EPIPE)) {
		relay_is_over(r, RELAY_RESET, NULL);
		return;
	}
	r->broken = true;
	way_give_up(r, other_way(sent));
	if (ended)
		side_close(r, s, true);
}

void side_is_broken(struct relay *r, struct relay_side *s, int error)
{
	if (r->over)
		return;
	if (side_is_program(s))
		program_is_broken(r, s);
	else if (r->lanes[s->from].heading)
		relay_is_over(r, RELAY_HEAD,
			      "the server broke the connection before it had answered");
	else
		main_is_broken(r, s, error);
}

static int socket_error(const struct relay_side *s)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(s->stream.fd, SOL_SOCKET, SO_ERROR, &error, &n))
		return errno;
	return error;
}

/* ---- events ---- */

static bool side_is_done(const struct relay *r, const struct relay_side *s)
{
	return (s->from == NO_LANE || r->lanes[s->from].ended) &&
	       (s->to == NO_LANE || r->lanes[s->to].finished);
}

static uint32_t side_wants(const struct relay *r, const struct relay_side *s)
{
	uint32_t events = s->stream.tls ? stream_wants(&s->stream) : 0;

	if (s->from != NO_LANE && lane_may_read(&r->lanes[s->from]))
		events |= EPOLLIN;
	if (s->to != NO_LANE && lane_has_unsent(&r->lanes[s->to]))
		events |= EPOLLOUT;
	return events;
}

/* EPOLLIN that nobody wants stays until it rings in vain, since mostly it is wanted again before:
 * but not the end of a stream, which would. */
static bool side_must_tell(const struct relay *r, const struct relay_side *s, uint32_t wants)
{
	uint32_t has = s->watch.events, over = has & ~wants;

	if (wants & ~has || over & EPOLLOUT)
		return true;
	return over && s->from != NO_LANE && r->lanes[s->from].ended;
}

static void side_tend(struct relay *r, struct relay_side *s)
{
	struct loop *loop = r->pool->loop;
	uint32_t wants;
	bool fine = true;

	if (s->stream.fd < 0)
		return;
	if (side_is_done(r, s)) {
		side_close(r, s, false);
		return;
	}
	wants = side_wants(r, s);
	if (!s->watch.added)
		fine = (s->hung_up && !wants) || loop_watch(loop, &s->watch, wants);
	else if (side_must_tell(r, s, wants))
		fine = loop_events(loop, &s->watch, wants);
	if (!fine)
		relay_is_over(r, RELAY_ERROR, strerror(errno));
}

static bool is_finished(const struct relay *r)
{
	for (size_t i = 0; i < r->n_lanes; i++)
		if (!r->lanes[i].finished)
			return false;
	return true;
}

void relay_settle(struct relay *r)
{
	if (!r->over && is_finished(r))
		relay_is_over(r, r->broken ? RELAY_RESET : RELAY_DONE, NULL);
	for (size_t i = 0; i < r->n_sides && !r->over; i++)
		side_tend(r, &r->sides[i]);
}

/* After events that were of no use and would come again at once. */
static void side_calm(struct relay *r, struct relay_side *s, uint32_t events)
{
	uint32_t wants;

	if (r->over || !s->watch.added)
		return;
	wants = side_wants(r, s);
	if (events & EPOLLHUP && !wants) {
		s->hung_up = true;
		loop_forget(r->pool->loop, &s->watch);
	} else if (events & EPOLLIN && !(wants & EPOLLIN)) {
		loop_events(r->pool->loop, &s->watch, wants);
	}
}

/* EPOLLHUP alone is no break: of sockets both directions are shut, and bytes may be left to read;
 * so with the output of a program.  Under TLS either direction may need either event. */
static void side_ready(struct watch *watch, uint32_t events)
{
	struct relay_side *s =
	    (struct relay_side *)((char *)watch - offsetof(struct relay_side, watch));
	struct relay *r = side_relay(s);

	if (events & EPOLLERR)
		side_is_broken(r, s, socket_error(s));
	if (!r->over && s->to != NO_LANE && (events & ~(uint32_t)EPOLLIN || s->stream.tls))
		lane_pump(r, &r->lanes[s->to], false);
	if (!r->over && s->from != NO_LANE && (events & ~(uint32_t)EPOLLOUT || s->stream.tls))
		lane_pump(r, &r->lanes[s->from], true);
	relay_settle(r);
	side_calm(r, s, events);
}

/* ---- the beginning ---- */

static size_t count_pipes(const struct relay_start *start)
{
	size_t n = 0;

	for (size_t i = 0; i < start->n_stages; i++)
		n += start->stages[i].class->pipe != NULL;
	return n;
}

static bool any_admits(const struct relay_start *start)
{
	for (size_t i = 0; i < start->n_stages; i++)
		if (start->stages[i].class->admit)
			return true;
	return false;
}

static struct relay *relay_make(struct relay_pool *pool, const struct relay_start *start)
{
	size_t pipes = count_pipes(start), n_sides = N_MAIN_SIDES + N_WAYS * 2 * pipes;
	size_t n_lanes = N_WAYS * (1 + pipes), n_meters = any_admits(start) ? start->n_stages : 0;
	struct relay *r;

	if (start->n_stages > MOST_STAGES)
		return NULL;
	r = calloc(1, sizeof(*r) + n_sides * sizeof(*r->sides) + n_lanes * sizeof(*r->lanes) +
			  n_meters * sizeof(*r->meters));
	if (!r)
		return NULL;
	r->lanes = (struct relay_lane *)&r->sides[n_sides];
	r->meters = n_meters ? (struct relay_meter *)&r->lanes[n_lanes] : NULL;
	r->pool = pool;
	r->head = start->head;
	r->done = start->done;
	r->arg = start->arg;
	r->stages = start->stages;
	r->n_stages = (uint16_t)start->n_stages;
	r->wake = (struct relay_wake *)start->wake;
	r->idle_ms = start->idle_ms;
	r->active = loop_now(pool->loop);
	r->idle.ring = idle_rings;
	return r;
}

static struct relay_side *side_add(struct relay *r, struct stream stream, uint16_t stage)
{
	struct relay_side *s = &r->sides[r->n_sides];

	s->watch.fd = stream.fd;
	s->watch.ready = side_ready;
	s->stream = stream;
	s->number = r->n_sides++;
	s->from = s->to = NO_LANE;
	s->stage = stage & 0x7fff;
	return s;
}

static void lane_begin(struct relay *r, struct relay_side *source, enum way way, size_t first)
{
	struct relay_lane *l = &r->lanes[r->n_lanes];

	l->back = way == WAY_BACK;
	l->source = source->number;
	l->first = (uint16_t)first;
	source->from = r->n_lanes;
}

/* With the stages up to the place BEHIND. */
static void lane_end(struct relay *r, struct relay_side *sink, size_t behind)
{
	struct relay_lane *l = &r->lanes[r->n_lanes];

	l->n = (uint16_t)(behind - l->first);
	for (size_t i = 0; i < l->n; i++)
		l->seen |= lane_stage(r, l, i)->class->bytes || lane_stage(r, l, i)->class->admit;
	l->sink = sink->number;
	sink->to = r->n_lanes++;
}

/* If the stage at this place of the way is a program, the lane ends there and another begins. */
static void way_cut(struct relay *r, enum way way, size_t place)
{
	size_t i = way == WAY_BACK ? r->n_stages - 1 - place : place;
	const struct stage *s = &r->stages[i];
	int in, out;

	if (!s->class->pipe || !s->class->pipe(s->function, s->state, way, &in, &out))
		return;
	lane_end(r, side_add(r, (struct stream){ .fd = in }, (uint16_t)i), place);
	lane_begin(r, side_add(r, (struct stream){ .fd = out }, (uint16_t)i), way, place + 1);
}

static void way_lay(struct relay *r, enum way way, struct relay_side *from, struct relay_side *to)
{
	lane_begin(r, from, way, 0);
	for (size_t place = 0; place < r->n_stages; place++)
		way_cut(r, way, place);
	lane_end(r, to, r->n_stages);
}

static void relay_lay(struct relay *r, const struct relay_start *start)
{
	struct relay_side *client = side_add(r, start->client, 0);
	struct relay_side *server = side_add(r, start->server, 0);

	way_lay(r, WAY_FORWARD, client, server);
	r->n_forward = r->n_lanes;
	way_lay(r, WAY_BACK, server, client);
	way_first(r, WAY_BACK)->heading = r->head != NULL;
	meters_open(r);
}

static void relay_begin(struct relay *r, const struct relay_start *start)
{
	for (int way = 0; way < N_WAYS && !r->over; way++) {
		struct relay_lane *l = way_first(r, (enum way)way);

		if (start->early[way].n)
			lane_take(r, l, start->early[way].at, start->early[way].n);
		if (!r->over && stream_holds(&r->sides[l->source].stream))
			lane_pump(r, l, true);
	}
	if (!r->over)
		wake_attach(r);
	relay_settle(r);
}

/* Of what was to be taken over. */
static struct relay *start_nothing(struct relay_pool *pool, const struct relay_start *start)
{
	struct stream client = start->client, server = start->server;

	loop_forget_left(pool->loop, client.fd);
	loop_forget_left(pool->loop, server.fd);
	stream_reset(&client);
	stream_reset(&server);
	stages_close(start->stages, start->n_stages, (const uint64_t[N_WAYS]){ 0, 0 });
	relay_wake_free(start->wake);
	return NULL;
}

struct relay *relay_start(struct relay_pool *pool, const struct relay_start *start)
{
	struct relay *r = relay_make(pool, start);

	if (!r)
		return start_nothing(pool, start);
	relay_lay(r, start);
	if (r->idle_ms)
		timer_set(pool->loop, &r->idle, r->idle_ms);
	relay_begin(r, start);
	return r;
}

bool relay_is_idle(const struct relay *r)
{
	for (size_t i = 0; i < r->n_lanes; i++) {
		const struct relay_lane *l = &r->lanes[i];

		if (l->waits.n || l->pipe || l->waiting || l->metered || l->heading || l->woken)
			return false;
	}
	return true;
}
