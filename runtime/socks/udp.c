#include <config.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "runtime/socks/udp_own.h"

enum { TICK_MS = 10000 };

static void free_late(struct work *w)
{
	free((char *)w - offsetof(struct udp, freeing));
}

struct udp *udp_open(const struct udp_start *start, struct wire_address *bound,
		     enum outcome *outcome)
{
	struct udp *u = calloc(1, sizeof(*u));

	*outcome = OUTCOME_BUSY;
	if (!u)
		return NULL;
	u->start = *start;
	u->control.fd = u->relay.fd = u->remote[UDP_IPV4].fd = u->remote[UDP_IPV6].fd = -1;
	u->freeing.run = free_late;
	u->moved = loop_now(start->loop);
	if (getrandom(&u->association, sizeof(u->association), 0) != sizeof(u->association) ||
	    !client_open(u, bound, outcome)) {
		free(u);
		return NULL;
	}
	*outcome = OUTCOME_OK;
	return u;
}

static void close_all(struct udp *u)
{
	u->over = true;
	timer_stop(&u->timer);
	names_close(u);
	flows_close(u);
	remote_close(u);
	client_close(u);
	udp_batch_close(u->batch);
	u->batch = NULL;
	bytes_free(&u->scratch[0]);
	bytes_free(&u->scratch[1]);
	loop_later(u->start.loop, &u->freeing);
}

void udp_stop(struct udp *u)
{
	if (!u->over)
		close_all(u);
}

void udp_over(struct udp *u, const char *why)
{
	if (u->over)
		return;
	close_all(u);
	u->start.done(u->start.arg, why, u->bytes, u->dropped);
}

void udp_ask_again(struct udp *u)
{
	flows_ask_again(u);
}

/* ---- time ---- */

static uint32_t tick_ms(const struct udp *u)
{
	return u->start.idle_ms && u->start.idle_ms < TICK_MS ? u->start.idle_ms : TICK_MS;
}

static void free_if_empty(struct bytes *b)
{
	if (!b->n)
		bytes_free(b);
}

/* An idle association holds no buffer. */
static void trim(struct udp *u)
{
	udp_batch_close(u->batch);
	u->batch = NULL;
	bytes_free(&u->scratch[0]);
	bytes_free(&u->scratch[1]);
	free_if_empty(&u->got);
	free_if_empty(&u->say);
	for (struct udp_flow *f = u->oldest; f; f = f->younger)
		if (f->next)
			next_trim(f->next);
}

static void tick(struct timer *t)
{
	struct udp *u = (struct udp *)((char *)t - offsetof(struct udp, timer));
	uint64_t quiet = loop_now(u->start.loop) - u->moved;
	uint32_t ms = tick_ms(u);

	if (u->start.idle_ms && quiet >= u->start.idle_ms) {
		udp_over(u, "idle");
		return;
	}
	if (quiet >= ms)
		trim(u);
	if (u->start.idle_ms && u->start.idle_ms - quiet < ms)
		ms = (uint32_t)(u->start.idle_ms - quiet);
	timer_set(u->start.loop, &u->timer, ms);
}

void udp_run(struct udp *u, struct wire_span early)
{
	u->timer.ring = tick;
	timer_set(u->start.loop, &u->timer, tick_ms(u));
	if (!client_run(u, early))
		udp_over(u, "out of memory or descriptors");
}

/* ---- counting ---- */

void udp_dropped(struct udp *u)
{
	u->dropped++;
}

void udp_passed(struct udp_flow *f, enum way way, size_t n)
{
	struct udp *u = f->udp;

	u->moved = loop_now(u->start.loop);
	u->bytes[way] += n;
	f->bytes[way] += n;
}

struct udp_batch *udp_batch_of(struct udp *u)
{
	if (!u->batch)
		u->batch = udp_batch_open();
	return u->batch;
}

void udp_flush(struct udp *u)
{
	if (u->over)
		return;
	if (u->batch) {
		udp_batch_flush(u->batch);
		u->dropped += udp_batch_lost(u->batch);
	}
	client_flush(u);
}
