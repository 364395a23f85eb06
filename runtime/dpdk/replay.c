#include <config.h>

#include "runtime/dpdk/replay.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "runtime/dpdk/device_kinds.h"
#include "runtime/dpdk/lane.h"
#include "runtime/dpdk/packet.h"
#include "runtime/dpdk/pcap.h"

enum { FILE_MOST = 1 << 30 }; /* bytes that are read into memory */

/* One receive queue: its frames, and how far it is. */
struct replay_queue {
	struct pcap_frame *frames;
	size_t n, next;
	uint64_t turn;  /* times through, from 0 */
	uint64_t start; /* time stamp of the first receive */
	uint64_t received;
	uint64_t done;
	bool started;
} __rte_cache_aligned;

struct replay {
	uint8_t *bytes;
	struct replay_request request;
	struct replay_facts facts;
	double cycles_per_ns; /* of the time stamp counter, per recorded one */
	uint64_t round_ns;    /* from the start of one time through to that of the next */
	struct replay_queue *queues;
	struct lane *sent; /* per transmit queue */
};

/* ---- the request ---- */

static bool speed_of(const char *value, double *speed)
{
	char *end;

	if (strcmp(value, "max") == 0) {
		*speed = 0;
		return true;
	}
	*speed = strtod(value, &end);
	return end != value && !*end && *speed >= 0.001 && *speed <= 1e6;
}

static bool loop_of(const char *value, uint64_t *loop)
{
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	*loop = strtoull(value, &end, 10);
	return !*end && !errno;
}

static bool parse_option(const char *option, struct replay_request *r, struct device_error *error)
{
	if (strncmp(option, "speed=", 6) == 0)
		return speed_of(option + 6, &r->speed) ||
		       device_fail(error, "'%s': a speed is `max` or 0.001 ... 1000000", option);
	if (strncmp(option, "loop=", 5) == 0)
		return loop_of(option + 5, &r->loop) ||
		       device_fail(error, "'%s': a number of times is due", option);
	return device_fail(error, "'%s' is no option of a replay; there are speed and loop",
			   option);
}

bool replay_parse(const char *text, struct replay_request *r, struct device_error *error)
{
	size_t length = strcspn(text, ",");
	const char *at = text + length;
	char option[64];

	r->speed = 1;
	r->loop = 1;
	if (!length)
		return device_fail(error, "`replay:` wants a file");
	if (length >= sizeof(r->file))
		return device_fail(error, "the path of the file has over %zu bytes",
				   sizeof(r->file) - 1);
	snprintf(r->file, sizeof(r->file), "%.*s", (int)length, text);
	for (; *at == ','; at += length) {
		length = strcspn(++at, ",");
		snprintf(option, sizeof(option), "%.*s", (int)length, at);
		if (!parse_option(option, r, error))
			return false;
	}
	return true;
}

/* ---- the file ---- */

static bool read_whole(int fd, uint8_t *bytes, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t more = read(fd, bytes + n, size - n);

		if (more < 0 && errno == EINTR)
			continue;
		if (more == 0)
			errno = ENODATA; /* it has become shorter */
		if (more <= 0)
			return false;
		n += (size_t)more;
	}
	return true;
}

/* malloced; a named pipe would make us wait, and is refused without being waited for. */
static uint8_t *load(const char *path, size_t *size, struct device_error *error)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes = NULL;

	if (fd < 0 || fstat(fd, &st) != 0)
		device_fail(error, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		device_fail(error, "%s is no file", path);
	else if (st.st_size > FILE_MOST)
		device_fail(error, "%s is over %d MiB long", path, FILE_MOST >> 20);
	else if (!(bytes = malloc((size_t)st.st_size + 1)))
		device_fail(error, "%s: no memory", path);
	else if (!read_whole(fd, bytes, *size = (size_t)st.st_size)) {
		device_fail(error, "%s: %s", path, strerror(errno));
		free(bytes);
		bytes = NULL;
	}
	if (fd >= 0)
		close(fd);
	return bytes;
}

/* ---- frames to queues ---- */

/* The same for both directions of a flow. */
static uint32_t flow_hash(const struct packet *p)
{
	uint32_t h = (uint32_t)(p->sport ^ p->dport) << 8 | p->proto;

	for (int i = 0; i < 4; i++)
		h = h * 31 + (p->src[i] ^ p->dst[i]);
	h *= 0x9e3779b1u;
	return h >> 16 ^ h;
}

static unsigned queue_of(const struct pcap_frame *frame, struct rte_mbuf *m, unsigned n)
{
	if (n == 1)
		return 0;
	rte_pktmbuf_reset(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)frame->size), frame->bytes, frame->size);
	memset(packet_of(m), 0, sizeof(struct packet));
	packet_parse(m);
	return flow_hash(packet_of(m)) % n;
}

static uint32_t mbuf_holds(const struct rte_mempool *pool)
{
	return (uint32_t)rte_pktmbuf_data_room_size((struct rte_mempool *)pool) -
	       RTE_PKTMBUF_HEADROOM;
}

/* Takes out what no mbuf holds. */
static void keep_fitting(struct pcap *p, uint32_t most)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->frames[i].size <= most)
			p->frames[kept++] = p->frames[i];
	p->too_long += p->n - kept;
	p->n = kept;
}

static bool share_frames(struct replay *r, const struct pcap *p)
{
	unsigned n = r->request.n_receive;
	struct rte_mbuf *scratch = rte_pktmbuf_alloc(r->request.pool);
	bool ok = scratch;

	for (unsigned q = 0; ok && q < n; q++)
		ok = (r->queues[q].frames = calloc(p->n, sizeof(*p->frames)));
	for (size_t i = 0; ok && i < p->n; i++) {
		struct replay_queue *q = &r->queues[queue_of(&p->frames[i], scratch, n)];

		q->frames[q->n++] = p->frames[i];
	}
	for (unsigned q = 0; ok && q < n; q++)
		r->queues[q].done = r->queues[q].n == 0;
	rte_pktmbuf_free(scratch);
	return ok;
}

/* Behind the last frame comes the gap that lies between two on average. */
static uint64_t round_of(const struct pcap *p)
{
	uint64_t last = p->frames[p->n - 1].ns;

	return last + (p->n > 1 ? last / (p->n - 1) : 1000);
}

static bool take_file(struct replay *r, size_t size, struct device_error *error)
{
	struct pcap_error why;
	struct pcap p;
	bool ok;

	if (!pcap_read(r->bytes, size, &p, &why))
		return device_fail(error, "%s: %s", r->request.file, why.text);
	keep_fitting(&p, mbuf_holds(r->request.pool));
	r->facts = (struct replay_facts){ p.n, p.too_long, p.empty, p.cut };
	if (!p.n)
		ok =
		    device_fail(error, "%s holds no frame that could be replayed", r->request.file);
	else if (!share_frames(r, &p))
		ok = device_fail(error, "%s: no memory", r->request.file);
	else
		ok = true;
	r->round_ns = p.n ? round_of(&p) : 0;
	pcap_free(&p);
	return ok;
}

static void replay_close(void *state)
{
	struct replay *r = state;

	for (unsigned q = 0; r->queues && q < r->request.n_receive; q++)
		free(r->queues[q].frames);
	free(r->queues);
	free(r->sent);
	free(r->bytes);
	free(r);
}

void *replay_open(const struct replay_request *request, struct device_error *error)
{
	struct replay *r = calloc(1, sizeof(*r));
	size_t size = 0;

	if (!r) {
		device_fail(error, "no memory");
		return NULL;
	}
	r->request = *request;
	r->queues = lane_cells(request->n_receive, sizeof(*r->queues));
	r->sent = lanes_new(request->n_send);
	if (request->speed > 0)
		r->cycles_per_ns = (double)rte_get_tsc_hz() / 1e9 / request->speed;
	if (!r->queues || !r->sent)
		device_fail(error, "no memory");
	else if ((r->bytes = load(request->file, &size, error)) && take_file(r, size, error))
		return r;
	replay_close(r);
	return NULL;
}

void replay_about(const void *state, struct replay_facts *facts)
{
	*facts = ((const struct replay *)state)->facts;
}

/* ---- the packet path ---- */

static bool is_due(const struct replay *r, const struct replay_queue *q, uint64_t now)
{
	double ns = (double)q->turn * (double)r->round_ns + (double)q->frames[q->next].ns;

	return (double)(now - q->start) >= ns * r->cycles_per_ns;
}

static struct rte_mbuf *frame_packet(const struct replay *r, const struct pcap_frame *frame,
				     uint64_t now)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->request.pool);

	if (!m)
		return NULL;
	memcpy(rte_pktmbuf_append(m, (uint16_t)frame->size), frame->bytes, frame->size);
	packet_enter(m, r->request.device, now);
	return m;
}

static void step(const struct replay *r, struct replay_queue *q)
{
	if (++q->next < q->n)
		return;
	q->next = 0;
	q->turn++;
	if (r->request.loop && q->turn == r->request.loop)
		__atomic_store_n(&q->done, 1, __ATOMIC_RELAXED);
}

static unsigned replay_receive(void *state, unsigned queue, uint64_t now, struct rte_mbuf **packets,
			       unsigned most)
{
	struct replay *r = state;
	struct replay_queue *q = &r->queues[queue];
	unsigned n = 0;

	assert(queue < r->request.n_receive);
	if (!q->started) {
		q->started = true;
		q->start = now;
	}
	while (n < most && !q->done && is_due(r, q, now)) {
		if (!(packets[n] = frame_packet(r, &q->frames[q->next], now)))
			break; /* it waits for an mbuf */
		n++;
		step(r, q);
	}
	lane_add(&q->received, n);
	return n;
}

static unsigned replay_send(void *state, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
	struct replay *r = state;

	assert(queue < r->request.n_send);
	return lane_swallow(&r->sent[queue], packets, n);
}

static void replay_counts(const void *state, struct device_counts *counts)
{
	const struct replay *r = state;

	*counts = (struct device_counts){ 0 };
	lanes_sum(r->sent, r->request.n_send, counts);
	for (unsigned q = 0; q < r->request.n_receive; q++)
		counts->received += lane_get(&r->queues[q].received);
}

static bool replay_is_done(const void *state)
{
	const struct replay *r = state;

	for (unsigned q = 0; q < r->request.n_receive; q++)
		if (!lane_get(&r->queues[q].done))
			return false;
	return true;
}

const struct device_ops replay_ops = {
	.name = "replay",
	.receive = replay_receive,
	.send = replay_send,
	.counts = replay_counts,
	.is_done = replay_is_done,
	.close = replay_close,
};
