/* The packet path: a burst on its way from module to module. */
#include <config.h>

#include <rte_cycles.h>
#include <rte_prefetch.h>

#include "runtime/dpdk/capture.h"
#include "runtime/dpdk/graph.h"

enum {
	SAMPLE_EVERY = 64,   /* bursts */
	LATENCY_EVERY = 8,   /* bursts */
	FEW_WAYS = 8,        /* that are told apart in one go */
	SAMPLE_MOST = 100000 /* cycles; more is another's work on a shared core */
};

/* A time at which everything is due; UINT64_MAX itself is that of what is not there. */
#define AT_ONCE (UINT64_MAX - 1)

static void hop_run(struct hop *, struct burst *);

/* ---- measuring ---- */

static bool sample_begins(struct sample *s)
{
	if (s->until--)
		return false;
	s->until = SAMPLE_EVERY - 1;
	return true;
}

static void sample_ends(struct sample *s, uint64_t cycles, unsigned packets, uint64_t bytes)
{
	if (cycles > SAMPLE_MOST || !packets)
		return;
	s->cycles += cycles;
	s->packets += packets;
	s->bytes += bytes;
}

static uint64_t bytes_of(const struct burst *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < b->n; i++)
		n += rte_pktmbuf_pkt_len(b->at[i]);
	return n;
}

/* ---- counting ---- */

/* Whether all packets of the burst, at least one, have the same state.  To read what was written a
 * moment ago is dear, so what is known of the whole burst is kept with it. */
static bool is_alike(struct burst *b)
{
	uint32_t first, others = 0;

	if (b->alike)
		return true;
	first = packet_of(b->at[0])->state;
	for (unsigned i = 1; i < b->n; i++)
		others |= packet_of(b->at[i])->state ^ first;
	b->state = first & STATE_INDEX;
	b->alike = !others;
	return b->alike;
}

/* Neighbours are often of one state, and an addition to memory waits for the one before. */
static void count_states(uint64_t *by_state, struct burst *b)
{
	uint32_t state, begin = 0;

	if (is_alike(b)) {
		by_state[b->state] += b->n;
		return;
	}
	state = state_index(b->at[0]);
	for (uint32_t i = 1; i < b->n; i++) {
		uint32_t next = state_index(b->at[i]);

		if (next == state)
			continue;
		by_state[state] += i - begin;
		state = next;
		begin = i;
	}
	by_state[state] += b->n - begin;
}

static void count_sizes(uint64_t *by_state, struct burst *b)
{
	if (is_alike(b)) {
		by_state[b->state] += bytes_of(b);
		return;
	}
	for (unsigned i = 0; i < b->n; i++)
		by_state[state_index(b->at[i])] += rte_pktmbuf_pkt_len(b->at[i]);
}

/* ---- leaving ---- */

static void drop_all(struct burst *b, enum drop_reason why)
{
	count_states(&b->tally->dropped[why * b->tally->n_states], b);
	rte_pktmbuf_free_bulk(b->at, b->n);
	b->n = 0;
}

static void sample_latency(struct hop *h, const struct burst *b)
{
	uint64_t now;

	if (h->until_latency--)
		return;
	h->until_latency = LATENCY_EVERY - 1;
	now = rte_rdtsc();
	for (unsigned i = 0; i < b->n; i++)
		latency_add(&h->latency[h->class_of_state[state_index(b->at[i])]],
			    now - packet_of(b->at[i])->arrived);
}

/* What is sent is not ours any more: it is counted before, and what came back taken off. */
static void send_out(struct hop *h, struct burst *b)
{
	struct device *d = h->instance->device;
	unsigned sent;

	count_states(h->sent, b);
	count_sizes(h->sent_bytes, b);
	sent = d->ops->send(d->state, h->task->sender, b->at, b->n);
	for (unsigned i = sent; i < b->n; i++) {
		h->sent[state_index(b->at[i])]--;
		h->sent_bytes[state_index(b->at[i])] -= rte_pktmbuf_pkt_len(b->at[i]);
		burst_drop(b, b->at[i], DROP_SENT);
	}
	b->n = 0;
}

static void end(struct hop *h, struct burst *b)
{
	sample_latency(h, b);
	if (h->instance->device)
		send_out(h, b);
	else
		drop_all(b, DROP_EXIT);
}

/* ---- going on ---- */

/* Tasks of other workers find out for themselves. */
static void note_fed(struct task *t, struct task *fed)
{
	if (fed->sender == t->sender && t->n_woken < t->n_feeds)
		t->woken[t->n_woken++] = fed;
}

static void overflow(struct way *w, struct queue *q, struct burst *b, unsigned from)
{
	__atomic_fetch_add(&q->overflown, b->n - from, __ATOMIC_RELAXED);
	for (unsigned i = from; i < b->n; i++)
		w->overflown[state_index(b->at[i])]++;
	rte_pktmbuf_free_bulk(b->at + from, b->n - from);
}

static void enqueue(struct way *w, struct queue *q, struct burst *b)
{
	unsigned n, room;

	count_states(w->crossed, b);
	n = rte_ring_enqueue_burst(q->ring, (void **)b->at, b->n, &room);
	if (q->ring->capacity - room >= q->burst && q->ring->capacity - room - n < q->burst)
		note_fed(w->task, q->task);
	if (n < b->n)
		overflow(w, q, b, n);
	b->n = 0;
}

/* Puts the packets with this key into PART. */
static void take_part(struct burst *b, const int16_t *keys, bool *taken, int16_t key,
		      struct burst *part)
{
	part->n = 0;
	part->now = b->now;
	part->tally = b->tally;
	part->alike = b->alike;
	part->state = b->state;
	for (unsigned i = 0; i < b->n; i++)
		if (!taken[i] && keys[i] == key) {
			part->at[part->n++] = b->at[i];
			taken[i] = true;
		}
}

static void enqueue_early(struct way *w, struct burst *b)
{
	int16_t early[BURST];
	bool taken[BURST] = { false };
	struct burst part;

	for (unsigned i = 0; i < b->n; i++)
		early[i] = packet_of(b->at[i])->early;
	for (unsigned i = 0; i < b->n; i++) {
		if (taken[i])
			continue;
		take_part(b, early, taken, early[i], &part);
		if (w->by_early[early[i]])
			enqueue(w, w->by_early[early[i]], &part);
		else
			drop_all(&part, DROP_UNROUTED);
	}
	b->n = 0;
}

/* Takes over the packets of the burst; its tally stays that of the module behind. */
static void go(struct way *w, struct burst *b)
{
	struct capture *capture = __atomic_load_n(&w->capture, __ATOMIC_ACQUIRE);

	if (capture)
		capture_put(capture, b->at, b->n);
	if (w->crossing && b->alike)
		b->state =
		    crossing_run_alike(w->crossing, b->at, b->n, b->state, w->left, w->entered);
	else if (w->crossing)
		crossing_run(w->crossing, b->at, b->n, w->left, w->entered);
	if (w->hop) {
		if (w->crossed)
			count_states(w->crossed, b);
		hop_run(w->hop, b);
	} else if (w->queue) {
		enqueue(w, w->queue, b);
	} else {
		enqueue_early(w, b);
	}
}

static struct rte_mbuf *copy_of(struct hop *h, struct burst *b, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);

	h->copied[state_index(m)]++;
	if (!copy) {
		burst_gone(b, m, DROP_MEMORY);
		return NULL;
	}
	packet_inherit(copy, m);
	return copy;
}

/* Goes on by the way; where somebody measures, AWAY is what is spent there, which is not the
 * module's own. */
static void leave_by(struct way *w, struct burst *b, uint64_t *away)
{
	uint64_t left = away ? rte_rdtsc() : 0;

	go(w, b);
	if (away)
		*away += rte_rdtsc() - left;
}

static void send_copies(struct hop *h, struct burst *b, uint64_t *away)
{
	uint64_t masks[BURST];
	struct burst copies = { .now = b->now, .tally = b->tally };

	chooser_all(h->instance->copy_chooser, b->at, b->n, masks);
	for (unsigned k = 0; k < h->n_copies; k++) {
		copies.n = 0;
		copies.alike = false;
		for (unsigned i = 0; i < b->n; i++) {
			struct rte_mbuf *copy = masks[i] >> k & 1 ? copy_of(h, b, b->at[i]) : NULL;

			if (copy)
				copies.at[copies.n++] = copy;
		}
		if (copies.n)
			leave_by(&h->copies[k], &copies, away);
	}
}

static void choose(struct hop *h, struct burst *b, int16_t *ways)
{
	if (!h->chooses) {
		chooser_first(h->chooser, b->at, b->n, ways);
		return;
	}
	h->ops->choose(h->state, b, ways);
	for (unsigned i = 0; i < b->n; i++)
		ways[i] = ways[i] < 0 ? -1 : h->way_of_edge[ways[i]];
}

static bool all_equal(const int16_t *ways, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (ways[i] != ways[0])
			return false;
	return true;
}

static void take_way(struct hop *h, struct burst *b, int16_t way, uint64_t *away)
{
	if (way < 0)
		drop_all(b, DROP_UNROUTED);
	else
		leave_by(&h->ways[way], b, away);
}

static void forward_many(struct hop *h, struct burst *b, const int16_t *ways, uint64_t *away)
{
	bool taken[BURST] = { false };
	struct burst part;

	for (unsigned i = 0; i < b->n; i++)
		if (!taken[i]) {
			take_part(b, ways, taken, ways[i], &part);
			take_way(h, &part, ways[i], away);
		}
}

/* The last part is for those without a way. */
static void forward_few(struct hop *h, struct burst *b, const int16_t *ways, uint64_t *away)
{
	struct burst parts[FEW_WAYS + 1];

	for (unsigned k = 0; k <= h->n_ways; k++) {
		parts[k].n = 0;
		parts[k].now = b->now;
		parts[k].tally = b->tally;
		parts[k].alike = b->alike;
		parts[k].state = b->state;
	}
	for (unsigned i = 0; i < b->n; i++) {
		struct burst *part = &parts[ways[i] < 0 ? h->n_ways : (unsigned)ways[i]];

		part->at[part->n++] = b->at[i];
	}
	for (unsigned k = 0; k <= h->n_ways; k++)
		if (parts[k].n)
			take_way(h, &parts[k], k < h->n_ways ? (int16_t)k : -1, away);
}

static void forward(struct hop *h, struct burst *b, const int16_t *ways, uint64_t *away)
{
	if (h->certain || all_equal(ways, b->n))
		take_way(h, b, h->certain ? 0 : ways[0], away);
	else if (h->n_ways <= FEW_WAYS)
		forward_few(h, b, ways, away);
	else
		forward_many(h, b, ways, away);
	b->n = 0;
}

static void run(struct hop *h, struct burst *b)
{
	if (!h->ops->run)
		return;
	if (h->lock)
		rte_spinlock_lock(h->lock);
	h->ops->run(h->state, b);
	if (h->lock)
		rte_spinlock_unlock(h->lock);
	if (h->ops->release)
		b->alike = false; /* what it held before may have come out */
}

/* Behind the module: its packets leave, or go on. */
static void pass_on(struct hop *h, struct burst *b, uint64_t *away)
{
	int16_t ways[BURST];

	if (h->n_copies)
		send_copies(h, b, away);
	if (h->n_ways && !h->certain)
		choose(h, b, ways);
	b->tally = &h->tally;
	if (h->ends)
		end(h, b);
	else if (h->n_ways)
		forward(h, b, ways, away);
	else
		drop_all(b, DROP_UNROUTED);
}

static void hop_run(struct hop *h, struct burst *b)
{
	unsigned n = b->n;
	bool measured = sample_begins(&h->sample);
	uint64_t bytes = measured ? bytes_of(b) : 0, begin = measured ? rte_rdtsc() : 0, away = 0;

	b->tally = &h->tally;
	run(h, b);
	if (b->n)
		pass_on(h, b, measured ? &away : NULL);
	if (measured)
		sample_ends(&h->sample, rte_rdtsc() - begin - away, n, bytes);
}

/* ---- tasks ---- */

static void classify(struct task *t, struct burst *b)
{
	int16_t first[BURST];

	entrance_run(t->entrance, b->at, b->n);
	b->alike = entrance_is_only(t->entrance, &b->state);
	count_states(t->received, b);
	count_sizes(t->received_bytes, b);
	if (!t->classifier)
		return;
	chooser_first(t->classifier, b->at, b->n, first);
	for (unsigned i = 0; i < b->n; i++)
		packet_of(b->at[i])->early = (uint8_t)(first[i] < 0 ? NO_EARLY : first[i]);
}

static void receive(struct task *t, struct burst *b)
{
	struct device *d = t->root->instance->device;
	bool measured = sample_begins(&t->sample);

	b->n = d->ops->receive(d->state, t->copy, b->now, b->at, t->most);
	if (b->n)
		classify(t, b);
	if (measured)
		sample_ends(&t->sample, rte_rdtsc() - b->now, b->n, 0);
}

/* What the way through the modules touches: a packet that waited in a long queue is in no near
 * cache any more. */
static void prefetch(struct rte_mbuf *m)
{
	rte_prefetch0(packet_of(m));
	rte_prefetch0(m);
	rte_prefetch0((char *)packet_of(m) + RTE_CACHE_LINE_SIZE);
	rte_prefetch0((char *)m + RTE_CACHE_LINE_SIZE);
}

static void dequeue(struct task *t, struct burst *b)
{
	b->n = rte_ring_dequeue_burst(t->queue->ring, (void **)b->at, t->most, NULL);
	for (unsigned i = 0; i < b->n; i++)
		prefetch(b->at[i]);
	if (b->n)
		count_states(t->dequeued, b);
}

unsigned task_run(struct task *t, uint64_t now)
{
	struct burst b = { .now = now };
	unsigned n;

	if (t->queue)
		dequeue(t, &b);
	else
		receive(t, &b);
	n = b.n;
	if (n)
		hop_run(t->root, &b);
	t->runs++;
	t->packets += n;
	return n;
}

uint64_t task_work(const struct task *t)
{
	uint64_t cycles = t->sample.cycles;

	for (size_t i = 0; i < t->n_hops; i++)
		cycles += t->hops[i].sample.cycles;
	return cycles * SAMPLE_EVERY;
}

uint64_t task_due(const struct task *t)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < t->n_holders; i++) {
		const struct hop *h = t->holders[i];
		uint64_t d;

		if (h->lock)
			rte_spinlock_lock(h->lock);
		d = h->ops->due(h->state);
		if (h->lock)
			rte_spinlock_unlock(h->lock);
		due = d < due ? d : due;
	}
	return due;
}

static unsigned release(struct hop *h, uint64_t now)
{
	struct burst b = { .now = now, .tally = &h->tally };
	unsigned n;

	if (h->lock)
		rte_spinlock_lock(h->lock);
	h->ops->release(h->state, &b);
	if (h->lock)
		rte_spinlock_unlock(h->lock);
	n = b.n;
	b.now = now == AT_ONCE ? rte_rdtsc() : now;
	if (n)
		pass_on(h, &b, NULL);
	return n;
}

unsigned task_release(struct task *t, uint64_t now)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->n_holders; i++)
		n += release(t->holders[i], now);
	return n;
}

unsigned task_release_from(struct hop *h)
{
	return release(h, AT_ONCE);
}
