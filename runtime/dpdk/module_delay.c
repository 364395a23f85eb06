/* Holds each packet for a constant time.
 *
 *	time	in nanoseconds, 0...10 s; required
 *	packets	how many it holds at most, default 65536; what comes when it is full is dropped
 *
 * As the time is the same for all, packets become due in the order in which they came. */
#include <config.h>

#include <stdlib.h>

#include "runtime/dpdk/module.h"

struct delay {
	struct rte_mbuf **ring; /* packet.more[0] is when each came */
	size_t room;            /* a power of two */
	size_t head, n;         /* the oldest; how many */
	size_t most;
	uint64_t cycles;
};

static size_t power_of_two(size_t n)
{
	size_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static bool delay_configure(struct delay *d, const struct module_spec *spec, struct module_error *e)
{
	double time, packets;

	if (!config_value(spec, "time"))
		return module_fail(e, "time: how long is a packet to be held?");
	if (!config_number(spec, "time", 0, 10e9, 0, &time, e) ||
	    !config_number(spec, "packets", 1, 1 << 24, 65536, &packets, e))
		return false;
	d->cycles = (uint64_t)(time * 1e-9 * (double)spec->world->hz + 0.5);
	d->most = (size_t)packets;
	d->room = power_of_two(d->most);
	d->ring = calloc(d->room, sizeof(*d->ring));
	return d->ring || module_fail(e, "packets: no memory for %zu", d->most);
}

static void *delay_open(const struct module_spec *spec, struct module_error *e)
{
	struct delay *d = calloc(1, sizeof(*d));

	if (!d) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (delay_configure(d, spec, e))
		return d;
	free(d);
	return NULL;
}

static struct rte_mbuf **delay_at(const struct delay *d, size_t i)
{
	return &d->ring[(d->head + i) & (d->room - 1)];
}

static void delay_close(void *state)
{
	struct delay *d = state;

	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++)
		rte_pktmbuf_free(*delay_at(d, i));
	free(d->ring);
	free(d);
}

static void delay_run(void *state, struct burst *b)
{
	struct delay *d = state;

	for (unsigned i = 0; i < b->n; i++) {
		if (d->n >= d->most) {
			burst_drop(b, b->at[i], DROP_FULL);
			continue;
		}
		packet_of(b->at[i])->more[0] = b->now;
		burst_hold(b, b->at[i]);
		*delay_at(d, d->n++) = b->at[i];
	}
	b->n = 0;
}

static uint64_t delay_due(const void *state)
{
	const struct delay *d = state;

	return d->n ? packet_of(*delay_at(d, 0))->more[0] + d->cycles : UINT64_MAX;
}

static void delay_release(void *state, struct burst *b)
{
	struct delay *d = state;

	while (b->n < BURST && delay_due(d) <= b->now) {
		b->at[b->n] = *delay_at(d, 0);
		burst_unhold(b, b->at[b->n++]);
		d->head++;
		d->n--;
	}
}

/* Held packets stay, with the new time; a smaller new capacity counts for new packets only. */
static void delay_adopt(void *state, void *from)
{
	struct delay *d = state, *old = from;
	struct rte_mbuf **ring = d->ring;
	size_t most = d->most, room = d->room;
	uint64_t cycles = d->cycles;

	if (old->n > room) { /* the old ring is roomier: keep it */
		*d = *old;
		*old = (struct delay){ .ring = ring, .room = room };
		d->most = most;
		d->cycles = cycles;
		return;
	}
	for (d->head = d->n = 0; d->n < old->n; d->n++)
		*delay_at(d, d->n) = *delay_at(old, d->n);
	old->n = 0;
}

static size_t delay_counters(const void *state, struct module_counter *c)
{
	c[0] = (struct module_counter){ "waiting", ((const struct delay *)state)->n };
	return 1;
}

const struct module_ops module_delay = {
	.class = "delay",
	.summary = "holds each packet for a constant time",
	.open = delay_open,
	.close = delay_close,
	.run = delay_run,
	.release = delay_release,
	.due = delay_due,
	.adopt = delay_adopt,
	.counters = delay_counters,
};
