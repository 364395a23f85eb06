#include <config.h>

#include "runtime/socks/relay_parts.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

enum { MOST_SCRATCH = 4 * RELAY_CHUNK }; /* what a thread keeps */

/* Bytes on their way through the stages of a lane. */
struct passage {
	struct relay *relay;
	struct relay_lane *lane;
	const uint8_t *at;
	size_t n;
	int spare; /* the scratch that AT is not in */
};

struct stage *lane_stage(const struct relay *r, const struct relay_lane *l, size_t place)
{
	size_t along = l->first + place;

	return &r->stages[l->back ? r->n_stages - 1 - along : along];
}

static void no_memory(struct relay *r)
{
	relay_is_over(r, RELAY_ERROR, "memory is exhausted");
}

/* ---- meters ---- */

static struct relay_meter *stage_meter(const struct relay *r, const struct stage *s)
{
	return s->class->admit ? &r->meters[s - r->stages] : NULL;
}

static void meter_rings(struct timer *t)
{
	struct relay_meter *m =
	    (struct relay_meter *)((char *)t - offsetof(struct relay_meter, timer));
	struct relay *r = m->relay;

	for (size_t i = 0; i < r->n_lanes && !r->over; i++) {
		r->lanes[i].rung = r->lanes[i].metered;
		lane_pump(r, &r->lanes[i], false);
	}
	relay_settle(r);
}

void meters_open(struct relay *r)
{
	for (size_t i = 0; r->meters && i < r->n_stages; i++) {
		r->meters[i].relay = r;
		r->meters[i].timer.ring = meter_rings;
	}
}

void meters_close(struct relay *r)
{
	meters_drop(r, WAY_FORWARD);
	meters_drop(r, WAY_BACK);
	for (size_t i = 0; r->meters && i < r->n_stages; i++)
		timer_stop(&r->meters[i].timer);
}

void meters_drop(struct relay *r, enum way way)
{
	for (size_t i = 0; r->meters && i < r->n_stages; i++)
		bytes_free(&r->meters[i].waits[way]);
}

static size_t meter_ask(struct passage *p, const struct stage *s, struct relay_meter *m, size_t n)
{
	struct loop *loop = p->relay->pool->loop;
	uint32_t retry_ms = 1;
	size_t may = s->class->admit(s->function, s->state, lane_way(p->lane), n, &retry_ms);

	if (may >= n)
		return n;
	p->lane->metered = true;
	if (!timer_runs(&m->timer) || m->timer.due > loop_now(loop) + retry_ms)
		timer_set(loop, &m->timer, retry_ms);
	return may;
}

/* Of what waited and what comes only as much goes on as may. */
static void meter_pass(struct passage *p, const struct stage *s, struct relay_meter *m)
{
	struct bytes *waits = &m->waits[lane_way(p->lane)], *out;
	size_t may;

	if (!waits->n) {
		may = meter_ask(p, s, m, p->n);
		bytes_add(waits, p->at + may, p->n - may);
		p->n = may;
		return;
	}
	bytes_add(waits, p->at, p->n);
	may = meter_ask(p, s, m, waits->n);
	out = &p->relay->pool->scratch[p->spare];
	out->n = 0;
	bytes_add(out, waits->at, may);
	bytes_take(waits, may);
	p->at = out->at;
	p->n = out->n;
	p->spare ^= 1;
	waits->failed |= out->failed;
	out->failed = false;
	if (!waits->n && !waits->failed)
		bytes_free(waits);
}

/* False: the relay is over. */
static bool stage_admits(struct passage *p, const struct stage *s)
{
	struct relay_meter *m = stage_meter(p->relay, s);

	if (!m || (!p->n && !m->waits[lane_way(p->lane)].n))
		return true;
	meter_pass(p, s, m);
	if (!m->waits[lane_way(p->lane)].failed)
		return true;
	no_memory(p->relay);
	return false;
}

/* ---- one stage after the other ---- */

static bool is_last(const struct passage *p, const struct stage *s, size_t place)
{
	const struct relay_meter *m = stage_meter(p->relay, s);

	return p->lane->ended && place == p->lane->n_ended && !(m && m->waits[lane_way(p->lane)].n);
}

static void stage_shown(struct passage *p, const struct stage *s, bool last)
{
	struct bytes *out = &p->relay->pool->scratch[p->spare];
	char why[256] = "";
	enum function_step step;

	out->n = 0;
	step =
	    s->class->bytes(s->function, s->state, lane_way(p->lane), p->at, p->n, last, out, why);
	p->at = out->at;
	p->n = out->n;
	p->spare ^= 1;
	if (step == FUNCTION_END) {
		relay_is_over(p->relay, RELAY_FUNCTION, why);
	} else if (out->failed) {
		bytes_free(out);
		no_memory(p->relay);
	} else if (step == FUNCTION_WAIT) {
		p->lane->waiting = true;
	} else if (last) {
		p->lane->n_ended++;
	}
}

static void stage_pass(struct passage *p, size_t place)
{
	const struct stage *s = lane_stage(p->relay, p->lane, place);
	bool last;

	if (place < p->lane->n_ended || !stage_admits(p, s))
		return;
	last = is_last(p, s, place);
	if (!s->class->bytes)
		p->lane->n_ended += last;
	else if (p->n || last)
		stage_shown(p, s, last);
}

static void scratch_trim(struct relay_pool *pool)
{
	for (int i = 0; i < 2; i++)
		if (pool->scratch[i].room > MOST_SCRATCH)
			bytes_free(&pool->scratch[i]);
}

/* From the stage at PLACE on, to the sink. */
static void pass_from(struct passage *p, size_t place)
{
	while (place < p->lane->n && !p->relay->over)
		stage_pass(p, place++);
	if (!p->relay->over && p->n)
		lane_put(p->relay, p->lane, p->at, p->n);
	scratch_trim(p->relay->pool);
}

void stages_pass(struct relay *r, struct relay_lane *l, const uint8_t *at, size_t n)
{
	struct passage p = { .relay = r, .lane = l, .at = at, .n = n };

	l->rung = l->metered = false;
	pass_from(&p, 0);
}

/* The last one first, since what one says goes to those behind it, which must not wait then: while
 * one still does, those before it are left for the next time. */
void stages_wake(struct relay *r, struct relay_lane *l)
{
	l->woken = l->waiting = false;
	for (size_t place = l->n; place-- > l->n_ended && !r->over && !l->waiting;) {
		struct passage p = { .relay = r, .lane = l };
		const struct stage *s = lane_stage(r, l, place);

		if (!s->class->bytes)
			continue;
		stage_shown(&p, s, is_last(&p, s, place));
		pass_from(&p, place + 1);
	}
}

/* ---- wakes ---- */

struct relay_wake {
	struct function_wake face;
	struct work work;
	struct loop *loop;
	struct relay *relay; /* NULL before it starts and after it ended; the loop's thread only */
	bool missed;         /* woken before it started; the loop's thread only */
	atomic_bool posted;
	atomic_uint holders; /* the relay's side, and the work while it is posted */
};

static void wake_drop(struct relay_wake *w)
{
	if (atomic_fetch_sub(&w->holders, 1) == 1)
		free(w);
}

static void relay_woken(struct relay *r)
{
	for (size_t i = 0; i < r->n_lanes && !r->over; i++) {
		r->lanes[i].woken = r->lanes[i].seen;
		lane_pump(r, &r->lanes[i], false);
	}
	relay_settle(r);
}

/* Whoever wakes after this moment posts again. */
static void wake_run(struct work *work)
{
	struct relay_wake *w =
	    (struct relay_wake *)((char *)work - offsetof(struct relay_wake, work));

	atomic_store(&w->posted, false);
	if (w->relay)
		relay_woken(w->relay);
	else
		w->missed = true;
	wake_drop(w);
}

static void wake_post(struct function_wake *face)
{
	struct relay_wake *w =
	    (struct relay_wake *)((char *)face - offsetof(struct relay_wake, face));

	if (atomic_exchange(&w->posted, true))
		return;
	atomic_fetch_add(&w->holders, 1);
	loop_post(w->loop, &w->work);
}

struct function_wake *relay_wake_make(struct loop *loop)
{
	struct relay_wake *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->face.wake = wake_post;
	w->work.run = wake_run;
	w->loop = loop;
	atomic_init(&w->holders, 1);
	return &w->face;
}

void relay_wake_free(struct function_wake *face)
{
	if (face)
		wake_drop((struct relay_wake *)((char *)face - offsetof(struct relay_wake, face)));
}

void wake_attach(struct relay *r)
{
	if (!r->wake)
		return;
	r->wake->relay = r;
	if (r->wake->missed)
		relay_woken(r);
}

void wake_detach(struct relay *r)
{
	if (!r->wake)
		return;
	r->wake->relay = NULL;
	wake_drop(r->wake);
	r->wake = NULL;
}
