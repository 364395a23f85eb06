/* The packet path: a burst on its way from module to module. */
#include <config.h>

#include <rte_cycles.h>

#include "runtime/dpdk/capture.h"
#include "runtime/dpdk/graph.h"

enum {
	SAMPLE_EVERY = 64,     /* bursts */
	SAMPLE_MOST = 100000   /* cycles; more is another's work on a shared core */
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

/* ---- leaving ---- */

static void count_end(struct hop *h, const struct rte_mbuf *m, uint64_t now)
{
	latency_add(&h->latency[h->class_of_state[state_index(m)]], now - packet_of((struct rte_mbuf *)m)->arrived);
}

static void send_out(struct hop *h, struct burst *b)
{
	struct device *d = h->instance->device;
	uint32_t states[BURST], sizes[BURST];
	unsigned sent, n = b->n;
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < n; i++) {
		states[i] = state_index(b->at[i]);
		sizes[i] = rte_pktmbuf_pkt_len(b->at[i]);
		count_end(h, b->at[i], now);
	}
	sent = d->ops->send(d->state, h->task->sender, b->at, n);
	for (unsigned i = 0; i < sent; i++) {
		h->sent[states[i]]++;
		h->sent_bytes[states[i]] += sizes[i];
	}
	for (unsigned i = sent; i < n; i++)
		burst_drop(b, b->at[i], DROP_SENT);
	b->n = 0;
}

static void end(struct hop *h, struct burst *b)
{
	uint64_t now;

	if (h->instance->device) {
		send_out(h, b);
		return;
	}
	now = rte_rdtsc();
	for (unsigned i = 0; i < b->n; i++) {
		count_end(h, b->at[i], now);
		burst_drop(b, b->at[i], DROP_EXIT);
	}
	b->n = 0;
}

/* ---- going on ---- */

/* Tasks of other workers find out for themselves. */
static void note_fed(struct task *t, struct task *fed)
{
	if (fed->sender == t->sender && t->n_woken < t->n_feeds)
		t->woken[t->n_woken++] = fed;
}

static void enqueue(struct way *w, struct queue *q, struct burst *b)
{
	uint32_t states[BURST];
	unsigned n, room;

	for (unsigned i = 0; i < b->n; i++)
		states[i] = state_index(b->at[i]);
	n = rte_ring_enqueue_burst(q->ring, (void **)b->at, b->n, &room);
	if (room + n == q->ring->capacity)
		note_fed(w->task, q->task);
	for (unsigned i = 0; i < n; i++)
		w->enqueued[states[i]]++;
	if (n < b->n)
		__atomic_fetch_add(&q->overflown, b->n - n, __ATOMIC_RELAXED);
	for (unsigned i = n; i < b->n; i++) {
		w->overflown[states[i]]++;
		rte_pktmbuf_free(b->at[i]);
	}
	b->n = 0;
}

/* Puts the packets with this key into PART. */
static void take_part(struct burst *b, const int16_t *keys, bool *taken, int16_t key,
			  struct burst *part)
{
	part->n = 0;
	part->now = b->now;
	part->tally = b->tally;
	for (unsigned i = 0; i < b->n; i++)
		if (!taken[i] && keys[i] == key) {
			part->at[part->n++] = b->at[i];
			taken[i] = true;
		}
}

static void drop_all(struct burst *b, enum drop_reason why)
{
	for (unsigned i = 0; i < b->n; i++)
		burst_drop(b, b->at[i], why);
	b->n = 0;
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
	if (w->crossing)
		crossing_run(w->crossing, b->at, b->n, w->left, w->entered);
	if (w->hop)
		hop_run(w->hop, b);
	else if (w->queue)
		enqueue(w, w->queue, b);
	else
		enqueue_early(w, b);
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

static void send_copies(struct hop *h, struct burst *b)
{
	uint64_t masks[BURST];
	struct burst copies = { .now = b->now, .tally = b->tally };

	chooser_all(h->instance->copy_chooser, b->at, b->n, masks);
	for (unsigned k = 0; k < h->n_copies; k++) {
		copies.n = 0;
		for (unsigned i = 0; i < b->n; i++) {
			struct rte_mbuf *copy =
				masks[i] >> k & 1 ? copy_of(h, b, b->at[i]) : NULL;

			if (copy)
				copies.at[copies.n++] = copy;
		}
		if (copies.n)
			go(&h->copies[k], &copies);
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

static void take_way(struct hop *h, struct burst *b, int16_t way)
{
	if (way < 0)
		drop_all(b, DROP_UNROUTED);
	else
		go(&h->ways[way], b);
}

static void forward(struct hop *h, struct burst *b, const int16_t *ways)
{
	bool taken[BURST] = { false };
	struct burst part;

	if (h->certain || all_equal(ways, b->n)) {
		take_way(h, b, h->certain ? 0 : ways[0]);
		return;
	}
	for (unsigned i = 0; i < b->n; i++)
		if (!taken[i]) {
			take_part(b, ways, taken, ways[i], &part);
			take_way(h, &part, ways[i]);
		}
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
}

/* Behind the module: its packets leave, or go on. */
static void pass_on(struct hop *h, struct burst *b, const int16_t *ways)
{
	b->tally = &h->tally;
	if (h->ends)
		end(h, b);
	else if (h->n_ways)
		forward(h, b, ways);
	else
		drop_all(b, DROP_UNROUTED);
}

static void prepare(struct hop *h, struct burst *b, int16_t *ways)
{
	if (h->n_copies)
		send_copies(h, b);
	if (h->n_ways && !h->certain)
		choose(h, b, ways);
}

static void count(struct hop *h, const struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++)
		h->in[state_index(b->at[i])]++;
}

static void hop_run(struct hop *h, struct burst *b)
{
	unsigned n = b->n;
	int16_t ways[BURST];
	bool measured = sample_begins(&h->sample);
	uint64_t bytes = measured ? bytes_of(b) : 0, begin = measured ? rte_rdtsc() : 0;

	b->tally = &h->tally;
	count(h, b);
	run(h, b);
	if (b->n)
		prepare(h, b, ways);
	if (measured && !h->ends)
		sample_ends(&h->sample, rte_rdtsc() - begin, n, bytes);
	if (b->n)
		pass_on(h, b, ways);
	if (measured && h->ends)
		sample_ends(&h->sample, rte_rdtsc() - begin, n, bytes);
}

/* ---- tasks ---- */

static void classify(struct task *t, struct burst *b)
{
	int16_t first[BURST];

	entrance_run(t->entrance, b->at, b->n);
	for (unsigned i = 0; i < b->n; i++) {
		uint32_t state = state_index(b->at[i]);

		t->received[state]++;
		t->received_bytes[state] += rte_pktmbuf_pkt_len(b->at[i]);
	}
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

	b->n = d->ops->receive(d->state, t->copy, b->now, b->at, BURST);
	if (b->n)
		classify(t, b);
	if (measured)
		sample_ends(&t->sample, rte_rdtsc() - b->now, b->n, 0);
}

static void dequeue(struct task *t, struct burst *b)
{
	b->n = rte_ring_dequeue_burst(t->queue->ring, (void **)b->at, BURST, NULL);
	for (unsigned i = 0; i < b->n; i++)
		t->dequeued[state_index(b->at[i])]++;
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

uint64_t task_due(const struct task *t)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < t->n_holders; i++) {
		uint64_t d = t->holders[i]->ops->due(t->holders[i]->state);

		due = d < due ? d : due;
	}
	return due;
}

static unsigned release(struct hop *h, uint64_t now)
{
	struct burst b = { .now = now, .tally = &h->tally };
	int16_t ways[BURST];
	unsigned n;

	if (h->lock)
		rte_spinlock_lock(h->lock);
	h->ops->release(h->state, &b);
	if (h->lock)
		rte_spinlock_unlock(h->lock);
	n = b.n;
	b.now = now == AT_ONCE ? rte_rdtsc() : now;
	if (n) {
		prepare(h, &b, ways);
		pass_on(h, &b, ways);
	}
	return n;
}

unsigned task_release(struct task *t, uint64_t now)
{
	unsigned n = 0, some;

	for (size_t i = 0; i < t->n_holders; i++)
		while ((some = release(t->holders[i], now)))
			n += some;
	return n;
}

void task_release_from(struct hop *h)
{
	while (release(h, AT_ONCE))
		;
}
