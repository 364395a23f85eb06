#include <config.h>

#include "runtime/socks/relay_parts.h"

#include <errno.h>
#include <unistd.h>

/* Pieces below this are cheaper to copy than to splice. */
enum { SMALL = 8192 };

/* ---- one side ---- */

static ssize_t program_read(const struct relay_side *s, uint8_t *at, size_t room)
{
	ssize_t n;

	do
		n = read(s->stream.fd, at, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? STREAM_AGAIN : STREAM_BROKEN;
	return n;
}

static ssize_t program_write(const struct relay_side *s, const uint8_t *at, size_t n)
{
	ssize_t sent;

	do
		sent = write(s->stream.fd, at, n);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? STREAM_AGAIN : STREAM_BROKEN;
	return sent;
}

static ssize_t side_read(struct relay_side *s, uint8_t *at, size_t room)
{
	return side_is_program(s) ? program_read(s, at, room) : stream_recv(&s->stream, at, room);
}

/* As much as goes; STREAM_BROKEN.  A plain socket that takes a part is full, whereas TLS takes a
 * record each time. */
static ssize_t side_write(struct relay_side *s, const uint8_t *at, size_t n)
{
	size_t sent = 0;

	while (sent < n) {
		ssize_t m = side_is_program(s) ? program_write(s, at + sent, n - sent)
					       : stream_send(&s->stream, at + sent, n - sent);

		if (m == STREAM_BROKEN)
			return m;
		if (m <= 0)
			break;
		sent += (size_t)m;
		if (!s->stream.tls)
			break;
	}
	return (ssize_t)sent;
}

/* ---- to the sink ---- */

static bool has_waits(const struct relay_lane *l)
{
	return l->waits.n && !l->heading;
}

/* How many went; the relay may be over. */
static size_t lane_send(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	struct relay_side *sink = &r->sides[l->sink];
	ssize_t sent = side_write(sink, at, n);

	if (sent == STREAM_BROKEN) {
		side_is_broken(r, sink, errno);
		return 0;
	}
	l->moved += (uint64_t)sent;
	if (sent)
		r->active = loop_now(r->pool->loop);
	return (size_t)sent;
}

void lane_put(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	size_t sent = l->waits.n ? 0 : lane_send(r, l, at, n);

	if (r->over || l->finished)
		return;
	bytes_add(&l->waits, at + sent, n - sent);
	if (l->waits.failed)
		relay_is_over(r, RELAY_ERROR, "memory is exhausted");
}

/* True: nothing waits. */
static bool lane_flush(struct relay *r, struct relay_lane *l)
{
	if (l->pipe && !splice_flush(r, l))
		return false;
	if (!has_waits(l))
		return true;
	l->skip += (uint32_t)lane_send(r, l, l->waits.at + l->skip, l->waits.n - l->skip);
	if (r->over || l->finished || l->skip < l->waits.n)
		return false;
	bytes_free(&l->waits);
	l->skip = 0;
	return true;
}

bool lane_has_unsent(const struct relay_lane *l)
{
	return l->pipe || has_waits(l) ||
	       (l->ended && !l->finished && (!l->seen || l->n_ended == l->n));
}

/* Both its ways are over with this one: closing tells the end, too, unless bytes of a way that was
 * given up wait there unread, which would make it a reset. */
static bool side_closes_now(const struct relay *r, const struct relay_side *s)
{
	return !s->stream.tls && !r->broken && s->from != NO_LANE && r->lanes[s->from].ended;
}

static void lane_finish(struct relay *r, struct relay_lane *l)
{
	struct relay_side *sink = &r->sides[l->sink];
	int step = 1;

	if (l->finished || l->pipe || l->waits.n || !lane_has_unsent(l))
		return;
	if (!side_is_program(sink) && !side_closes_now(r, sink))
		step = stream_finish(&sink->stream);
	if (step == STREAM_BROKEN)
		side_is_broken(r, sink, EPIPE); /* what it sent may be left to read */
	else if (step != STREAM_AGAIN)
		l->finished = true;
}

void lane_drop(struct relay *r, struct relay_lane *l)
{
	splice_drop(r, l);
	bytes_free(&l->waits);
	l->skip = 0;
}

/* ---- from the source ---- */

bool lane_may_read(const struct relay_lane *l)
{
	if (l->heading)
		return !l->ended;
	return !l->ended && !l->pipe && !l->waits.n && !l->waiting && !l->metered;
}

void lane_count(struct relay *r, struct relay_lane *l, size_t n)
{
	r->active = loop_now(r->pool->loop);
	if (n < SMALL)
		l->in_a_row = 0;
	else if (l->in_a_row < RELAY_SPLICE_FROM)
		l->in_a_row += (uint32_t)n;
}

static void pass_on(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	if (l->seen)
		stages_pass(r, l, at, n);
	else if (n)
		lane_put(r, l, at, n);
}

/* Of N bytes the head took USED and wants to see the others again. */
static void head_keep(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n,
		      size_t used)
{
	if (l->waits.n)
		bytes_take(&l->waits, used);
	else
		bytes_add(&l->waits, at + used, n - used);
	if (l->waits.failed)
		relay_is_over(r, RELAY_ERROR, "memory is exhausted");
	else if (l->waits.n > RELAY_CHUNK)
		relay_is_over(r, RELAY_HEAD, "the server's answer has no end");
}

static void head_done(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	struct bytes seen = l->waits;

	l->waits = (struct bytes){ 0 };
	l->heading = false;
	pass_on(r, l, at, n);
	bytes_free(&seen);
}

static void head_take(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	size_t used = 0;
	enum relay_head step;

	if (l->waits.n) {
		bytes_add(&l->waits, at, n);
		if (l->waits.failed) {
			relay_is_over(r, RELAY_ERROR, "memory is exhausted");
			return;
		}
		at = l->waits.at;
		n = l->waits.n;
	}
	step = r->head(r->arg, at, n, &used);
	if (step == RELAY_HEAD_DONE)
		head_done(r, l, at + used, n - used);
	else if (step == RELAY_HEAD_MORE)
		head_keep(r, l, at, n, used);
	else
		relay_is_over(r, RELAY_HEAD, NULL);
}

void lane_take(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	if (l->heading)
		head_take(r, l, at, n);
	else
		pass_on(r, l, at, n);
}

/* A program may end only after its input. */
static bool program_ended_early(const struct relay *r, const struct relay_lane *l)
{
	return side_is_program(&r->sides[l->source]) && !(l - 1)->finished;
}

void lane_source_ended(struct relay *r, struct relay_lane *l)
{
	l->ended = true;
	if (program_ended_early(r, l))
		side_is_broken(r, &r->sides[l->source], 0);
	else if (l->heading)
		relay_is_over(r, RELAY_HEAD, "the server ended before it had answered");
	else
		pass_on(r, l, NULL, 0);
}

/* True: more can be read at once. */
static bool lane_read(struct relay *r, struct relay_lane *l)
{
	struct relay_side *source = &r->sides[l->source];
	ssize_t n;

	if (l->in_a_row >= RELAY_SPLICE_FROM && splice_fits(r, l) && splice_move(r, l))
		return false;
	n = side_read(source, r->pool->buffer, RELAY_CHUNK);
	if (n == STREAM_AGAIN)
		return false;
	if (n == STREAM_BROKEN) {
		side_is_broken(r, source, errno);
		return false;
	}
	if (n == STREAM_END) {
		lane_source_ended(r, l);
		return false;
	}
	lane_count(r, l, (size_t)n);
	lane_take(r, l, r->pool->buffer, (size_t)n);
	return !r->over && stream_holds(&source->stream);
}

/* If epoll was not asked, only trying can tell. */
static bool may_have_come(const struct relay *r, const struct relay_lane *l)
{
	const struct relay_side *s = &r->sides[l->source];

	return !(s->watch.added && (s->watch.events & EPOLLIN)) || stream_holds(&s->stream);
}

void lane_pump(struct relay *r, struct relay_lane *l, bool readable)
{
	bool tried = false;

	while (!r->over && !l->finished && lane_flush(r, l)) {
		if (l->woken && !l->heading) {
			stages_wake(r, l);
			continue;
		}
		if (l->rung && !l->waiting) {
			stages_pass(r, l, NULL, 0);
			continue;
		}
		if (tried || !lane_may_read(l) || !(readable || may_have_come(r, l)))
			break;
		tried = !lane_read(r, l);
	}
	if (!r->over)
		lane_finish(r, l);
}
