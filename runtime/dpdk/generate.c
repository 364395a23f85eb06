#include <config.h>

#include "runtime/dpdk/generate.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_ether.h>
#include <rte_prefetch.h>

#include "runtime/dpdk/lane.h"
#include "runtime/dpdk/packet.h"
#include "runtime/dpdk/template.h"

/* A template is at most this long where less was asked for. */
enum { HEADERS_MOST = 128 };
#define MEMORY_MOST ((size_t)2 << 30) /* bytes of one class's templates */

/* A packet as it comes in.  Of what is known of it only the first cache line, which parsing fills,
 * is kept: the second follows from the bytes or is the same for all.  In place of the state, which
 * is 0, is the packet's size.  Flows are met at random, and lines are what they cost. */
struct template
{
	uint8_t known[RTE_CACHE_LINE_SIZE];
	uint8_t bytes[];
};

static inline uint32_t template_size(const struct template *t)
{
	uint32_t size;

	memcpy(&size, t->known + offsetof(struct packet, state), sizeof(size));
	return size;
}

/* A class, for all queues. */
struct row {
	uint8_t *templates;
	size_t stride;
	unsigned index, n_flows;
};

/* A class in one queue. */
struct pace {
	double per_cycle;             /* packets; 0: as they are asked for */
	uint64_t gone;                /* packets generated or missed */
	uint64_t due;                 /* offered and not gone: valid within one call */
	uint32_t take;                /* of them now: likewise */
	uint32_t flow, step, n_flows; /* its flows: the first, and every STEP-th */
	uint64_t offered, generated, missed;
};

/* A receive queue. */
struct queue {
	struct pace *paces; /* by row */
	uint64_t random;
	uint64_t start; /* time of the first receive */
	uint64_t turn;  /* where the classes without a rate go on */
	uint64_t done;
	bool started;
} __rte_cache_aligned;

struct generate {
	struct row *rows;
	size_t n_rows;
	size_t n_free; /* rows of rate 0 */
	struct queue *queues;
	unsigned n_receive, n_send, backlog;
	uint64_t span; /* cycles in which packets are offered */
	struct rte_mempool *pool;
	uint8_t steps[BURST + 1]; /* by size of the burst: how its classes are interleaved */
	struct lane *sent;
};

static bool fail(struct generate_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct generate_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* ---- templates ---- */

static struct template *template_at(const struct row *row, size_t flow)
{
	return (struct template *)(row->templates + flow * row->stride);
}

/* Zeroed.  Large ones on huge pages where the system has them to give. */
static void *template_cells(size_t n, size_t size)
{
	size_t page = (size_t)2 << 20, whole = RTE_ALIGN(n * size, page);
	void *cells;

	if (n * size < page)
		return lane_cells(n, size);
	if ((cells = aligned_alloc(page, whole)))
		madvise(cells, whole, MADV_HUGEPAGE);
	return cells ? memset(cells, 0, whole) : NULL;
}

static void keep_template(struct template *to, struct rte_mbuf *m)
{
	_Static_assert(offsetof(struct packet, eth_src) == sizeof(to->known), "one cache line");
	packet_of(m)->state = m->data_len;
	memcpy(to->known, packet_of(m), sizeof(to->known));
	memcpy(to->bytes, rte_pktmbuf_mtod(m, const void *), m->data_len);
}

static bool make_templates(struct row *row, const struct generate_class *c, struct rte_mbuf *m,
			   const struct generate_request *r, uint64_t *seed,
			   struct generate_error *error)
{
	struct template_wish wish = { c->filter, c->bytes, c->payload, r->device };

	for (size_t f = 0; f < row->n_flows; f++) {
		if (!template_make(m, &wish, seed))
			return fail(error, "class '%s': no packet was found that its filter takes",
				    c->name);
		keep_template(template_at(row, f), m);
	}
	return true;
}

static bool row_open(struct row *row, const struct generate_class *c, struct rte_mbuf *m,
		     const struct generate_request *r, uint64_t *seed, struct generate_error *error)
{
	size_t longest = RTE_ALIGN(RTE_MAX(c->bytes, (unsigned)HEADERS_MOST), RTE_CACHE_LINE_SIZE);

	if (longest > rte_pktmbuf_tailroom(m) || c->bytes > TEMPLATE_LONGEST)
		return fail(error, "class '%s': packets of %u bytes do not fit, an mbuf holds %u",
			    c->name, c->bytes, rte_pktmbuf_tailroom(m));
	row->index = c->index;
	row->n_flows = c->n_flows;
	row->stride = sizeof(struct template) + longest;
	if (c->n_flows > GENERATE_FLOWS_MOST || row->n_flows * row->stride > MEMORY_MOST)
		return fail(error, "class '%s': %u flows of %u bytes are too many", c->name,
			    c->n_flows, c->bytes);
	if (!(row->templates = template_cells(row->n_flows, row->stride)))
		return fail(error, "class '%s': no memory for %u flows", c->name, c->n_flows);
	return make_templates(row, c, m, r, seed, error);
}

static bool rows_open(struct generate *g, const struct generate_request *r, uint64_t *seed,
		      struct generate_error *error)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);
	bool ok = m || fail(error, "the pool of packets is empty");

	for (size_t i = 0; ok && i < r->n_classes; i++) {
		if (!r->classes[i].n_flows)
			continue;
		rte_pktmbuf_reset(m);
		ok = row_open(&g->rows[g->n_rows++], &r->classes[i], m, r, seed, error);
	}
	rte_pktmbuf_free(m);
	return ok;
}

/* ---- queues ---- */

static void pace_open(struct pace *pace, const struct row *row, const struct generate_class *c,
		      const struct generate_request *r, unsigned queue)
{
	bool shared = row->n_flows < r->n_receive; /* too few for each to have its own */

	pace->per_cycle = c->pps / r->n_receive / (double)r->hz;
	pace->flow = shared ? 0 : queue;
	pace->step = shared ? 1 : r->n_receive;
	pace->n_flows = (row->n_flows - pace->flow + pace->step - 1) / pace->step;
}

static bool queue_open(struct generate *g, unsigned queue, const struct generate_request *r,
		       uint64_t *seed)
{
	struct queue *q = &g->queues[queue];
	size_t row = 0;

	q->random = template_random(seed);
	q->turn = template_random(seed) >> 1;
	q->paces = lane_cells(1, RTE_ALIGN(g->n_rows * sizeof(*q->paces), RTE_CACHE_LINE_SIZE));
	for (size_t i = 0; q->paces && i < r->n_classes; i++) {
		if (!r->classes[i].n_flows)
			continue;
		pace_open(&q->paces[row], &g->rows[row], &r->classes[i], r, queue);
		row++;
	}
	return q->paces;
}

static bool queues_open(struct generate *g, const struct generate_request *r, uint64_t *seed)
{
	g->queues = lane_cells(r->n_receive, sizeof(*g->queues));
	g->sent = lanes_new(r->n_send);
	for (unsigned q = 0; g->queues && q < r->n_receive; q++)
		if (!queue_open(g, q, r, seed))
			return false;
	for (size_t i = 0; g->queues && i < g->n_rows; i++)
		g->n_free += g->queues[0].paces[i].per_cycle <= 0;
	return g->queues && g->sent;
}

static unsigned divisor_of(unsigned a, unsigned b)
{
	return b ? divisor_of(b, a % b) : a;
}

/* For each size the step near its golden section that meets every place once. */
static void find_steps(uint8_t *steps)
{
	for (unsigned n = 1; n <= BURST; n++) {
		unsigned step = RTE_MAX(n * 618 / 1000, 1u);

		while (divisor_of(n, step) != 1)
			step--;
		steps[n] = (uint8_t)step;
	}
}

static void generate_close(void *state)
{
	struct generate *g = state;

	for (size_t i = 0; i < g->n_rows; i++)
		free(g->rows[i].templates);
	for (unsigned q = 0; g->queues && q < g->n_receive; q++)
		free(g->queues[q].paces);
	free(g->queues);
	free(g->sent);
	free(g->rows);
	free(g);
}

static bool is_sound(const struct generate_request *r, struct generate_error *error)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_classes; i++) {
		if (!(r->classes[i].pps >= 0 && r->classes[i].pps <= 1e12))
			return fail(error, "class '%s' has no rate that can be generated",
				    r->classes[i].name);
		n += r->classes[i].n_flows > 0;
	}
	return (n && r->n_receive) || fail(error, "nothing is to be generated");
}

void *generate_open(const struct generate_request *r, struct generate_error *error)
{
	struct generate *g;
	uint64_t seed = r->seed;

	if (!is_sound(r, error))
		return NULL;
	if (!(g = calloc(1, sizeof(*g))) || !(g->rows = calloc(r->n_classes, sizeof(*g->rows)))) {
		free(g);
		fail(error, "no memory");
		return NULL;
	}
	g->n_receive = r->n_receive;
	g->n_send = r->n_send;
	g->backlog = r->backlog ? r->backlog : GENERATE_BACKLOG;
	g->pool = r->pool;
	g->span = r->seconds > 0 ? (uint64_t)(r->seconds * (double)r->hz) : UINT64_MAX;
	find_steps(g->steps);
	if (!rows_open(g, r, &seed, error))
		goto close;
	if (queues_open(g, r, &seed))
		return g;
	fail(error, "no memory");
close:
	generate_close(g);
	return NULL;
}

/* ---- the packet path ---- */

/* xorshift64*: one multiplication for each packet; 0 would stay 0. */
static inline uint64_t draw(struct queue *q)
{
	uint64_t x = q->random | (q->random == 0);

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	q->random = x;
	return x * 0x2545f4914f6cdd1du;
}

/* What has been offered by now and is not gone; returns the sum. */
static uint64_t find_due(const struct generate *g, struct queue *q, double elapsed)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		struct pace *p = &q->paces[i];
		uint64_t offered = (uint64_t)(elapsed * p->per_cycle);

		p->due = offered > p->gone ? offered - p->gone : 0;
		sum += p->due;
	}
	return sum;
}

/* Calls for every row with its part of MOST, in proportion to what is due of it: systematic
 * sampling, whose random beginning gives rare classes their turn. */
static inline void share(const struct generate *g, struct queue *q, uint64_t sum, uint64_t most,
			 void (*take)(struct pace *, uint64_t))
{
	double each = (double)most / (double)sum, at = (double)(draw(q) >> 11) * 0x1p-53;
	uint64_t before = 0;

	for (size_t i = 0; i < g->n_rows; i++) {
		struct pace *p = &q->paces[i];
		uint64_t now;

		at += (double)p->due * each;
		now = (uint64_t)at;
		take(p, RTE_MIN(now - before, p->due));
		before = now;
	}
}

static inline void miss(struct pace *p, uint64_t n)
{
	p->due -= n;
	p->gone += n;
	lane_add(&p->missed, n);
}

static inline void take_some(struct pace *p, uint64_t n)
{
	p->take = (uint32_t)n;
}

/* Of the rows without a rate each has as many as any other, but for a remainder that goes round. */
static unsigned share_free(const struct generate *g, struct queue *q, unsigned most)
{
	uint64_t n_free = g->n_free, each = most / n_free, more = most % n_free;
	uint64_t nth = n_free - q->turn % n_free;

	for (size_t i = 0; i < g->n_rows; i++) {
		struct pace *p = &q->paces[i];

		if (p->per_cycle > 0)
			continue;
		nth -= nth >= n_free ? n_free : 0;
		p->take = (uint32_t)(each + (nth++ < more));
	}
	q->turn += more;
	return most;
}

/* Sets each row's `take`; returns the sum, at most MOST. */
static unsigned find_parts(const struct generate *g, struct queue *q, uint64_t elapsed,
			   unsigned most)
{
	double offering = (double)RTE_MIN(elapsed, g->span);
	uint64_t sum = find_due(g, q, offering);
	unsigned n = 0;

	if (sum > g->backlog) {
		share(g, q, sum, sum - g->backlog, miss);
		sum = find_due(g, q, offering);
	}
	if (sum > most)
		share(g, q, sum, most, take_some);
	else
		for (size_t i = 0; i < g->n_rows; i++)
			take_some(&q->paces[i], q->paces[i].due);
	for (size_t i = 0; i < g->n_rows; i++)
		n += q->paces[i].take;
	if (n < most && g->n_free && elapsed < g->span)
		n += share_free(g, q, most - n);
	return n;
}

/* Nothing more is offered, and nothing waits. */
static void find_end(const struct generate *g, struct queue *q, uint64_t elapsed)
{
	uint64_t waiting = 0;

	if (elapsed < g->span)
		return;
	for (size_t i = 0; i < g->n_rows; i++)
		waiting += q->paces[i].due;
	if (!waiting)
		__atomic_store_n(&q->done, 1, __ATOMIC_RELAXED);
}

static inline void prefetch_template(const struct template *t)
{
	rte_prefetch0(t->known);
	rte_prefetch0(t->bytes);
}

/* Draws the flows of the parts; the rows' packets lie a step apart, one row after the other, from a
 * place at random: where a full queue takes the front of a burst only, no class is favoured. */
static void draw_templates(const struct generate *g, struct queue *q, unsigned n,
			   const struct template **templates)
{
	unsigned step = g->steps[n], place = (unsigned)((draw(q) >> 32) * n >> 32);

	for (size_t i = 0; i < g->n_rows; i++) {
		const struct pace *p = &q->paces[i];

		for (uint32_t k = 0; k < p->take; k++) {
			uint64_t nth = (draw(q) >> 32) * p->n_flows >> 32;

			templates[place] = template_at(&g->rows[i], p->flow + nth * p->step);
			prefetch_template(templates[place]);
			place += step;
			place -= place >= n ? n : 0;
		}
	}
}

static void count_parts(const struct generate *g, struct queue *q)
{
	for (size_t i = 0; i < g->n_rows; i++) {
		struct pace *p = &q->paces[i];

		p->gone += p->take;
		p->due -= p->per_cycle > 0 ? p->take : 0;
		lane_add(&p->generated, p->take);
		__atomic_store_n(&p->offered, p->gone + p->due, __ATOMIC_RELAXED);
	}
}

/* The address at the beginning of the bytes, which go on behind it. */
static inline uint64_t mac_at(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return rte_be_to_cpu_64(word) >> 16;
}

static inline void write_known(struct packet *p, const struct template *t, uint64_t now)
{
	memcpy(p, t->known, sizeof(t->known));
	p->state = 0;
	p->eth_dst = mac_at(t->bytes);
	p->eth_src = mac_at(t->bytes + RTE_ETHER_ADDR_LEN);
	p->arrived = now;
	for (unsigned i = 0; i < PACKET_TAGS; i++)
		p->tags[i] = PACKET_NO_TAG;
	p->more[0] = 0;
}

/* Whole lines, for which both have room: quicker than to look at the size more closely. */
static inline void copy_lines(uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i += RTE_CACHE_LINE_SIZE)
		memcpy(to + i, from + i, RTE_CACHE_LINE_SIZE);
}

static inline void write_packet(struct rte_mbuf *m, const struct template *t, uint64_t now)
{
	uint16_t size = (uint16_t)template_size(t);

	copy_lines(rte_pktmbuf_mtod(m, uint8_t *), t->bytes, size);
	m->data_len = size;
	m->pkt_len = size;
	write_known(packet_of(m), t, now);
}

/* All lines of it that will be written: another core may have had them last. */
static inline void prefetch_packet(struct rte_mbuf *m)
{
	rte_prefetch0_write(m);
	rte_prefetch0_write((uint8_t *)m + RTE_CACHE_LINE_SIZE);
	rte_prefetch0_write(packet_of(m));
	rte_prefetch0_write((uint8_t *)packet_of(m) + RTE_CACHE_LINE_SIZE);
	rte_prefetch0_write((uint8_t *)packet_of(m) + sizeof(struct packet) + RTE_PKTMBUF_HEADROOM);
}

static unsigned generate_receive(void *state, unsigned queue, uint64_t now,
				 struct rte_mbuf **packets, unsigned most)
{
	struct generate *g = state;
	struct queue *q = &g->queues[queue];
	const struct template *templates[BURST];
	uint64_t elapsed;
	unsigned n;

	assert(queue < g->n_receive);
	if (!q->started) {
		q->started = true;
		q->start = now;
	}
	elapsed = now > q->start ? now - q->start : 0;
	n = find_parts(g, q, elapsed, RTE_MIN(most, (unsigned)BURST));
	if (n && rte_mempool_get_bulk(g->pool, (void **)packets, n) != 0)
		return 0; /* what is due waits, and is missed in the end */
	for (unsigned i = 0; i < n; i++)
		prefetch_packet(packets[i]);
	if (n)
		draw_templates(g, q, n, templates);
	for (unsigned i = 0; i < n; i++) {
		rte_pktmbuf_reset(packets[i]);
		write_packet(packets[i], templates[i], now);
	}
	count_parts(g, q);
	find_end(g, q, elapsed);
	return n;
}

static unsigned generate_send(void *state, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
	struct generate *g = state;

	assert(queue < g->n_send);
	return lane_swallow(&g->sent[queue], packets, n);
}

/* ---- counters ---- */

size_t generate_rows(const void *state)
{
	return ((const struct generate *)state)->n_rows;
}

void generate_count(const void *state, size_t row, struct generate_count *count)
{
	const struct generate *g = state;

	assert(row < g->n_rows);
	*count = (struct generate_count){ .index = g->rows[row].index };
	for (unsigned q = 0; q < g->n_receive; q++) {
		const struct pace *p = &g->queues[q].paces[row];

		count->generated += lane_get(&p->generated);
		count->missed += lane_get(&p->missed);
		count->offered += lane_get(&p->offered);
	}
}

static void generate_counts(const void *state, struct device_counts *counts)
{
	const struct generate *g = state;

	*counts = (struct device_counts){ 0 };
	lanes_sum(g->sent, g->n_send, counts);
	for (size_t i = 0; i < g->n_rows; i++) {
		struct generate_count count;

		generate_count(g, i, &count);
		counts->received += count.generated;
		counts->missed += count.missed;
	}
}

static bool generate_is_done(const void *state)
{
	const struct generate *g = state;

	for (unsigned q = 0; q < g->n_receive; q++)
		if (!lane_get(&g->queues[q].done))
			return false;
	return true;
}

const struct device_ops generate_ops = {
	.name = "generate",
	.receive = generate_receive,
	.send = generate_send,
	.counts = generate_counts,
	.is_done = generate_is_done,
	.close = generate_close,
};
