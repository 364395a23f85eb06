#include <config.h>

#include "runtime/dpdk/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "runtime/dpdk/packet.h"
#include "runtime/dpdk/pcap.h"

enum { BUFFER = 1 << 19 };

struct capture {
	/* Of the workers. */
	struct rte_ring *ring;
	struct rte_mempool *pool;
	uint32_t snaplen;
	bool stopped;
	uint64_t lost, beyond;

	/* Of the main thread. */
	char *path, *temporary;
	int fd;
	uint64_t limit;
	uint64_t zero, epoch; /* a time stamp, and the nanoseconds since 1970 that belong to it */
	double ns_per_cycle;
	uint64_t written, bytes; /* on the disk or in the buffer */
	uint64_t flushed;        /* bytes of whole frames on the disk */
	uint64_t frames_held;    /* frames in the buffer */
	bool at_limit;
	size_t held;
	char why[128];
	uint8_t buffer[BUFFER];
};

static bool capture_fail(struct capture_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool capture_fail(struct capture_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* ---- opening ---- */

/* Only a plain file may be replaced; not what a link points to either. */
static bool may_replace(const char *path, struct capture_error *error)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || capture_fail(error, "%s: %s", path, strerror(errno));
	return S_ISREG(st.st_mode) || capture_fail(error, "%s exists and is no plain file", path);
}

static bool open_file(struct capture *c, const char *path, struct capture_error *error)
{
	if (!may_replace(path, error))
		return false;
	c->path = strdup(path);
	if (asprintf(&c->temporary, "%s.XXXXXX", path) < 0)
		c->temporary = NULL;
	if (!c->path || !c->temporary)
		return capture_fail(error, "no memory");
	/* mkostemp makes it readable for nobody else: packets are private. */
	c->fd = mkostemp(c->temporary, O_CLOEXEC);
	return c->fd >= 0 || capture_fail(error, "%s: %s", path, strerror(errno));
}

static bool open_ring(struct capture *c, struct capture_error *error)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "capture_%p", (void *)c);
	c->ring =
	    rte_ring_create(name, CAPTURE_RING, SOCKET_ID_ANY, RING_F_SC_DEQ | RING_F_EXACT_SZ);
	return c->ring || capture_fail(error, "no ring for copies: %s", rte_strerror(rte_errno));
}

static void read_clocks(struct capture *c)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	c->zero = rte_rdtsc();
	c->epoch = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	c->ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
}

static void free_all(struct capture *c)
{
	rte_ring_free(c->ring);
	free(c->path);
	free(c->temporary);
	free(c);
}

struct capture *capture_open(const char *path, struct rte_mempool *pool, uint32_t snaplen,
			     uint64_t limit, struct capture_error *error)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c) {
		capture_fail(error, "no memory");
		return NULL;
	}
	c->pool = pool;
	c->snaplen = snaplen && snaplen < PCAP_SNAPLEN_MOST ? snaplen : PCAP_SNAPLEN_MOST;
	c->limit = limit;
	if (rte_pktmbuf_priv_size(pool) < sizeof(struct packet))
		capture_fail(error, "the pool has no room for what is known of a packet");
	else if (open_ring(c, error) && open_file(c, path, error)) {
		read_clocks(c);
		pcap_put_file(c->buffer, c->snaplen);
		c->bytes = c->held = PCAP_FILE_HEADER;
		return c;
	}
	free_all(c);
	return NULL;
}

/* ---- the packet path ---- */

/* The copy's packet area tells the writer when it was taken and how long its original is. */
static struct rte_mbuf *copy_of(const struct capture *c, const struct rte_mbuf *m, uint64_t now)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, c->pool, 0, c->snaplen);

	if (copy) {
		packet_of(copy)->arrived = now;
		packet_of(copy)->more[0] = rte_pktmbuf_pkt_len(m);
	}
	return copy;
}

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* A burst at a time, so that its copies fit on the stack. */
static void put_burst(struct capture *c, struct rte_mbuf *const *packets, unsigned n)
{
	struct rte_mbuf *copies[BURST];
	uint64_t now = rte_rdtsc();
	unsigned made = 0, taken;

	for (unsigned i = 0; i < n; i++)
		if ((copies[made] = copy_of(c, packets[i], now)))
			made++;
	taken = rte_ring_enqueue_burst(c->ring, (void **)copies, made, NULL);
	rte_pktmbuf_free_bulk(copies + taken, made - taken);
	if (taken < n)
		count(&c->lost, n - taken);
}

void capture_put(struct capture *c, struct rte_mbuf *const *packets, unsigned n)
{
	if (__atomic_load_n(&c->stopped, __ATOMIC_ACQUIRE)) {
		count(c->at_limit ? &c->beyond : &c->lost, n);
		return;
	}
	for (unsigned i = 0; i < n; i += BURST)
		put_burst(c, packets + i, n - i < BURST ? n - i : BURST);
}

/* ---- writing ---- */

static void stop(struct capture *c)
{
	/* After at_limit, which the workers read behind it. */
	__atomic_store_n(&c->stopped, true, __ATOMIC_RELEASE);
}

/* What was in the buffer is lost, and the part of it that reached the disk is cut off again. */
static void stop_for_error(struct capture *c)
{
	snprintf(c->why, sizeof(c->why), "writing: %s", strerror(errno));
	stop(c);
	if (ftruncate(c->fd, (off_t)c->flushed) != 0)
		snprintf(c->why, sizeof(c->why), "writing, and then cutting off: %s",
			 strerror(errno));
	c->written -= c->frames_held;
	count(&c->lost, c->frames_held);
	c->bytes = c->flushed;
	c->held = c->frames_held = 0;
}

static bool write_whole(int fd, const uint8_t *bytes, size_t size)
{
	for (size_t n = 0; n < size;) {
		ssize_t more = write(fd, bytes + n, size - n);

		if (more < 0 && errno != EINTR)
			return false;
		n += more > 0 ? (size_t)more : 0;
	}
	return true;
}

static void flush(struct capture *c)
{
	if (!c->held)
		return;
	if (!write_whole(c->fd, c->buffer, c->held)) {
		stop_for_error(c);
		return;
	}
	c->flushed += c->held;
	c->held = c->frames_held = 0;
}

static uint64_t time_of(const struct capture *c, const struct rte_mbuf *copy)
{
	int64_t cycles = (int64_t)(packet_of((struct rte_mbuf *)copy)->arrived - c->zero);

	return c->epoch + (uint64_t)(int64_t)((double)cycles * c->ns_per_cycle);
}

static void add_frame(struct capture *c, struct rte_mbuf *copy)
{
	uint32_t n = rte_pktmbuf_pkt_len(copy);
	uint8_t *at = c->buffer + c->held;

	pcap_put_frame(at, time_of(c, copy), n, (uint32_t)packet_of(copy)->more[0]);
	at += PCAP_FRAME_HEADER;
	for (struct rte_mbuf *m = copy; m; m = m->next) {
		memcpy(at, rte_pktmbuf_mtod(m, void *), m->data_len);
		at += m->data_len;
	}
	c->held += PCAP_FRAME_HEADER + n;
	c->bytes += PCAP_FRAME_HEADER + n;
	c->written++;
	c->frames_held++;
}

static void write_frame(struct capture *c, struct rte_mbuf *copy)
{
	size_t size = PCAP_FRAME_HEADER + rte_pktmbuf_pkt_len(copy);

	if (!c->stopped && c->limit && c->bytes + size > c->limit) {
		snprintf(c->why, sizeof(c->why), "the limit of %llu bytes is reached",
			 (unsigned long long)c->limit);
		c->at_limit = true;
		stop(c);
	}
	if (!c->stopped && c->held + size > BUFFER)
		flush(c);
	if (c->stopped || c->held + size > BUFFER)
		count(c->at_limit ? &c->beyond : &c->lost, 1);
	else
		add_frame(c, copy);
}

void capture_poll(struct capture *c)
{
	struct rte_mbuf *copies[BURST];
	unsigned n;

	/* As many as one ring holds, so that a flood does not keep the main thread here. */
	for (unsigned done = 0; done < CAPTURE_RING; done += n) {
		n = rte_ring_dequeue_burst(c->ring, (void **)copies, BURST, NULL);
		for (unsigned i = 0; i < n; i++)
			write_frame(c, copies[i]);
		rte_pktmbuf_free_bulk(copies, n);
		if (!n)
			break;
	}
	flush(c);
}

void capture_about(const struct capture *c, struct capture_facts *facts)
{
	*facts = (struct capture_facts){
		.written = c->written,
		.bytes = c->bytes,
		.lost = __atomic_load_n(&c->lost, __ATOMIC_RELAXED),
		.beyond = __atomic_load_n(&c->beyond, __ATOMIC_RELAXED),
		.stopped = c->stopped,
		.why = c->stopped ? c->why : NULL,
	};
}

bool capture_close(struct capture *c, struct capture_error *error)
{
	bool ok;

	if (!c)
		return true;
	capture_poll(c);
	ok = close(c->fd) == 0 && rename(c->temporary, c->path) == 0;
	if (!ok) {
		capture_fail(error, "%s: %s", c->path, strerror(errno));
		unlink(c->temporary);
	} else if (c->stopped && !c->at_limit) {
		ok = capture_fail(error, "%s: %s", c->path, c->why);
	}
	free_all(c);
	return ok;
}
