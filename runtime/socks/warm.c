#include <config.h>

#include "runtime/socks/dial.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 10000, SETTLED_MS = 1000 };

/* Empty, being dialed (dial), or ready (stream.fd >= 0). */
struct slot {
	struct watch watch; /* first */
	struct spot *spot;
	struct dial *dial;
	struct stream stream;
	struct timer age;
	uint64_t since;
};

/* An address.  Freed by its work, since that may be in the loop's queue. */
struct spot {
	struct work work; /* first: fills, or frees when it is gone */
	struct spot *next;
	struct warm *warm;
	struct wire_address to;
	struct tls_side *tls;
	char *tls_name; /* or NULL */
	uint32_t mark;
	struct wire_address from; /* kind 0: any */
	bool queued, gone;
	uint32_t pause_ms; /* 0: the address is well */
	struct timer retry;
	unsigned most; /* as declared */
	size_t n;      /* as there was room */
	struct slot slots[];
};

struct warm {
	struct loop *loop;
	uint32_t age_ms;
	struct spot *spots;
};

#define SPOT_OF(timer) ((struct spot *)(void *)((char *)(timer)-offsetof(struct spot, retry)))
#define SLOT_OF(timer) ((struct slot *)(void *)((char *)(timer)-offsetof(struct slot, age)))

static bool slot_ready(const struct slot *s)
{
	return s->stream.fd >= 0;
}

static void slot_empty(struct slot *s)
{
	if (s->dial)
		dial_cancel(s->dial);
	s->dial = NULL;
	timer_stop(&s->age);
	if (!slot_ready(s))
		return;
	loop_forget_closing(s->spot->warm->loop, &s->watch);
	stream_close(&s->stream);
}

/* ---- filling ---- */

/* At the end of the batch: what a client waits for comes first. */
static void spot_tend(struct spot *p)
{
	if (p->queued)
		return;
	p->queued = true;
	loop_later(p->warm->loop, &p->work);
}

static void spot_rest(struct spot *p)
{
	if (timer_runs(&p->retry))
		return;
	p->pause_ms = p->pause_ms ? 2 * p->pause_ms : WARM_LEAST_PAUSE_MS;
	if (p->pause_ms > WARM_MOST_PAUSE_MS)
		p->pause_ms = WARM_MOST_PAUSE_MS;
	timer_set(p->warm->loop, &p->retry, p->pause_ms);
}

/* It was of use, or could have been. */
static bool slot_settled(const struct slot *s)
{
	return loop_now(s->spot->warm->loop) - s->since >= SETTLED_MS;
}

static void slot_lost(struct slot *s)
{
	struct spot *p = s->spot;

	if (slot_settled(s))
		p->pause_ms = 0;
	else
		spot_rest(p);
	slot_empty(s);
	spot_tend(p);
}

/* Only ends and errors are waited for: bytes may come, a greeting or TLS tickets, and are left to
 * whoever takes it. */
static void slot_ended(struct watch *w, uint32_t events)
{
	(void)events;
	slot_lost((struct slot *)w);
}

static void slot_aged(struct timer *t)
{
	slot_lost(SLOT_OF(t));
}

static void slot_dialed(void *arg, const struct dial_result *r)
{
	struct slot *s = arg;
	struct spot *p = s->spot;

	s->dial = NULL;
	if (r->outcome != OUTCOME_OK) {
		spot_rest(p);
		return;
	}
	s->stream = r->stream;
	s->since = loop_now(p->warm->loop);
	s->watch = (struct watch){ .fd = s->stream.fd, .ready = slot_ended };
	if (!loop_watch(p->warm->loop, &s->watch, EPOLLRDHUP)) {
		loop_forget_left(p->warm->loop, s->stream.fd);
		spot_rest(p);
		slot_empty(s);
		return;
	}
	timer_set(p->warm->loop, &s->age, p->warm->age_ms);
	spot_tend(p);
}

static void slot_dial(struct slot *s)
{
	struct spot *p = s->spot;
	struct dial_wish wish = { .to = &p->to,
				  .n = 1,
				  .timeout_ms = TIMEOUT_MS,
				  .mark = p->mark,
				  .from = p->from.kind ? &p->from : NULL,
				  .tls = p->tls,
				  .tls_name = p->tls_name };

	s->dial = dial_start(p->warm->loop, &wish, slot_dialed, s);
	if (!s->dial)
		spot_rest(p);
}

/* One by one while the address is not well. */
static void spot_fill(struct spot *p)
{
	for (size_t i = 0; i < p->n && !timer_runs(&p->retry); i++) {
		struct slot *s = &p->slots[i];

		if (!s->dial && !slot_ready(s))
			slot_dial(s);
		if (s->dial && p->pause_ms)
			return;
	}
}

static void spot_free(struct spot *p)
{
	tls_drop(p->tls);
	free(p->tls_name);
	free(p);
}

static void spot_tended(struct work *w)
{
	struct spot *p = (struct spot *)w;

	p->queued = false;
	if (p->gone)
		spot_free(p);
	else
		spot_fill(p);
}

static void retry_rings(struct timer *t)
{
	spot_tend(SPOT_OF(t));
}

/* ---- addresses ---- */

static struct spot **spot_find(struct warm *w, const struct wire_address *to)
{
	struct spot **p = &w->spots;

	while (*p && !wire_address_same(&(*p)->to, to))
		p = &(*p)->next;
	return p;
}

static void spot_end(struct spot **at)
{
	struct spot *p = *at;

	*at = p->next;
	timer_stop(&p->retry);
	for (size_t i = 0; i < p->n; i++)
		slot_empty(&p->slots[i]);
	p->gone = true;
	spot_tend(p);
}

static bool spot_name(struct spot *p, const char *tls_name)
{
	if (!tls_name)
		return true;
	p->tls_name = strdup(tls_name);
	return p->tls_name != NULL;
}

static struct spot *spot_new(struct warm *w, const struct wire_address *to, size_t n,
			     struct tls_side *tls, const char *tls_name, uint32_t mark,
			     const struct wire_address *from)
{
	struct spot *p = calloc(1, sizeof(*p) + n * sizeof(*p->slots));

	if (!p || !spot_name(p, tls_name)) {
		free(p);
		return NULL;
	}
	p->work.run = spot_tended;
	p->retry.ring = retry_rings;
	p->warm = w;
	p->to = *to;
	p->tls = tls ? tls_hold(tls) : NULL;
	p->mark = mark;
	if (from)
		p->from = *from;
	p->n = n;
	for (size_t i = 0; i < n; i++)
		p->slots[i] = (struct slot){ .spot = p, .stream.fd = -1, .age.ring = slot_aged };
	return p;
}

static size_t spots_total(const struct warm *w)
{
	size_t n = 0;

	for (const struct spot *p = w->spots; p; p = p->next)
		n += p->n;
	return n;
}

static bool spot_is(const struct spot *p, unsigned most, const struct tls_side *tls,
		    const char *tls_name, uint32_t mark, const struct wire_address *from)
{
	static const struct wire_address any;

	return p && p->most == most && p->tls == tls && p->mark == mark &&
	       !memcmp(p->from.ip, from ? from->ip : any.ip, sizeof(any.ip)) &&
	       !strcmp(p->tls_name ? p->tls_name : "", tls_name ? tls_name : "");
}

bool warm_keep(struct warm *w, const struct wire_address *to, unsigned most, struct tls_side *tls,
	       const char *tls_name, uint32_t mark, const struct wire_address *from)
{
	struct spot **at = spot_find(w, to), *p;
	size_t room;

	if (spot_is(*at, most, tls, tls_name, mark, from))
		return true;
	if (*at)
		spot_end(at);
	room = WARM_MOST - spots_total(w);
	if (!most || !room)
		return true;
	p = spot_new(w, to, most < room ? most : room, tls, tls_name, mark, from);
	if (!p)
		return false;
	p->most = most;
	p->next = w->spots;
	w->spots = p;
	spot_tend(p);
	return true;
}

/* ---- use ---- */

struct warm *warm_open(struct loop *loop)
{
	struct warm *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct warm){ .loop = loop, .age_ms = WARM_AGE_MS };
	return w;
}

void warm_age(struct warm *w, uint32_t ms)
{
	w->age_ms = ms;
}

void warm_close(struct warm *w)
{
	if (!w)
		return;
	while (w->spots)
		spot_end(&w->spots);
	free(w);
}

/* The youngest: servers end those that were idle for long. */
static struct slot *spot_best(struct spot *p)
{
	struct slot *best = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct slot *s = &p->slots[i];

		if (slot_ready(s) && (!best || s->since > best->since))
			best = s;
	}
	return best;
}

bool warm_take(struct warm *w, const struct wire_address *to, struct stream *out)
{
	struct spot *p = *spot_find(w, to);
	struct slot *s = p ? spot_best(p) : NULL;

	if (!s)
		return false;
	timer_stop(&s->age);
	loop_leave(w->loop, &s->watch);
	*out = s->stream;
	s->stream = (struct stream){ .fd = -1 };
	p->pause_ms = 0;
	spot_tend(p);
	return true;
}

size_t warm_count(const struct warm *w)
{
	size_t n = 0;

	for (const struct spot *p = w->spots; p; p = p->next)
		for (size_t i = 0; i < p->n; i++)
			n += slot_ready(&p->slots[i]);
	return n;
}
