#include <config.h>

#include "runtime/socks/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/certificates.h"
#include "tests/unit/relay_bed.h"
#include "tests/unit/relay_functions.h"
#include "tests/unit/unit.h"

enum { MIB = 1 << 20 };

/* ---- helpers ---- */

static void fill(uint8_t *at, size_t n, uint64_t seed)
{
	uint64_t x = seed * 2654435761u + 88172645463325252u;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at[i] = (uint8_t)(x >> 32);
	}
}

struct writer {
	int fd;
	const uint8_t *at;
	size_t n;
	bool shut, fine;
	pthread_t thread;
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	w->fine = bed_write(w->fd, w->at, w->n);
	if (w->shut)
		bed_shut(w->fd);
	return NULL;
}

static void writer_begin(struct writer *w, int fd, const uint8_t *at, size_t n, bool shut)
{
	*w = (struct writer){ .fd = fd, .at = at, .n = n, .shut = shut };
	CU_ASSERT_FATAL(!pthread_create(&w->thread, NULL, writer_run, w));
}

static void writer_end(struct writer *w)
{
	pthread_join(w->thread, NULL);
	CU_ASSERT(w->fine);
}

static void ready(struct bed *bed, struct bed_relay *b, enum bed_sockets kind)
{
	CU_ASSERT_FATAL(bed_open(bed));
	CU_ASSERT_FATAL(bed_ready(b, bed, kind));
}

static void begin(struct bed *bed, struct bed_relay *b, enum bed_sockets kind)
{
	ready(bed, b, kind);
	bed_start(b);
}

static void end(struct bed *bed, struct bed_relay *b, enum relay_end expected)
{
	CU_ASSERT(bed_wait_over(b));
	CU_ASSERT_EQUAL(b->end, expected);
	bed_done(b);
	bed_close(bed);
}

static bool reads_reset(int fd)
{
	char c[4096];
	ssize_t n;

	while ((n = recv(fd, c, sizeof(c), 0)) > 0)
		;
	return n < 0 && errno == ECONNRESET;
}

/* ---- plain ---- */

static void pass_both_ways(void)
{
	struct bed bed;
	struct bed_relay b;
	char got[16];

	begin(&bed, &b, BED_TCP);
	for (int i = 0; i < 50; i++) {
		CU_ASSERT(bed_write(b.client, "question", 8));
		CU_ASSERT(bed_read(b.server, got, 8) && !memcmp(got, "question", 8));
		CU_ASSERT(bed_write(b.server, "an answer", 9));
		CU_ASSERT(bed_read(b.client, got, 9) && !memcmp(got, "an answer", 9));
	}
	CU_ASSERT_EQUAL(bed_moved(&b, WAY_FORWARD), 400);
	CU_ASSERT_EQUAL(bed_moved(&b, WAY_BACK), 450);
	bed_shut(b.client);
	bed_shut(b.server);
	end(&bed, &b, RELAY_DONE);
}

static void ends_one_by_one(enum bed_sockets kind, bool server_first)
{
	struct bed bed;
	struct bed_relay b;
	char got[64];
	int first, second;

	begin(&bed, &b, kind);
	first = server_first ? b.server : b.client;
	second = server_first ? b.client : b.server;
	CU_ASSERT(bed_write(first, "farewell", 8));
	bed_shut(first);
	CU_ASSERT_EQUAL(bed_read_all(second, got, sizeof(got)), 8);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT(bed_write(second, "still here", 10));
		CU_ASSERT(bed_read(first, got, 10));
	}
	CU_ASSERT_FALSE(bed_over(&b));
	bed_shut(second);
	CU_ASSERT_EQUAL(bed_read_all(first, got, sizeof(got)), 0);
	end(&bed, &b, RELAY_DONE);
}

static void half_closes(void)
{
	ends_one_by_one(BED_TCP, false);
	ends_one_by_one(BED_TCP, true);
	ends_one_by_one(BED_UNIX, false);
	ends_one_by_one(BED_UNIX, true);
}

static void resets(void)
{
	struct bed bed;
	struct bed_relay b;

	begin(&bed, &b, BED_TCP);
	bed_reset(&b.client);
	CU_ASSERT(reads_reset(b.server));
	end(&bed, &b, RELAY_RESET);
	begin(&bed, &b, BED_TCP);
	bed_reset(&b.server);
	CU_ASSERT(reads_reset(b.client));
	end(&bed, &b, RELAY_RESET);
}

/* Until the other side takes no more for a while. */
static size_t stuff(int fd, const uint8_t *at, size_t n)
{
	size_t sent = 0;
	int quiet = 0;

	while (sent < n && quiet < 20) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		ssize_t m = poll(&p, 1, 20) == 1
				? send(fd, at + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL)
				: 0;

		quiet = m > 0 ? 0 : quiet + 1;
		sent += m > 0 ? (size_t)m : 0;
	}
	return sent;
}

static void reset_while_slow(void)
{
	struct bed bed;
	struct bed_relay b;
	uint8_t *data = calloc(1, 16 * MIB);

	begin(&bed, &b, BED_SMALL);
	CU_ASSERT(stuff(b.client, data, 16 * MIB) < 16 * MIB);
	CU_ASSERT(stuff(b.server, data, 16 * MIB) < 16 * MIB);
	bed_reset(&b.client);
	CU_ASSERT(bed_wait_over(&b));
	CU_ASSERT(reads_reset(b.server));
	end(&bed, &b, RELAY_RESET);
	free(data);
}

static void slow_readers(enum bed_sockets kind, const struct function_class *class, size_t most)
{
	struct metering no_limit = { .most = SIZE_MAX };
	uint8_t *data = malloc(16 * MIB), *got = malloc(16 * MIB);
	struct bed bed;
	struct bed_relay b;
	struct writer rest;
	size_t sent;

	fill(data, 16 * MIB, 7);
	ready(&bed, &b, kind);
	if (class)
		bed_stage(&b, class, &no_limit);
	bed_start(&b);
	sent = stuff(b.client, data, 16 * MIB);
	CU_ASSERT(sent < most);
	CU_ASSERT(stuff(b.client, data + sent, 1) == 0);
	writer_begin(&rest, b.client, data + sent, 4 * MIB, true);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, 16 * MIB), (ssize_t)(sent + 4 * MIB));
	CU_ASSERT(!memcmp(got, data, sent + 4 * MIB));
	writer_end(&rest);
	bed_shut(b.server);
	end(&bed, &b, RELAY_DONE);
	free(data);
	free(got);
}

/* Buffers of sockets, and a chunk or a pipe. */
static void slow_readers_are_bounded(void)
{
	slow_readers(BED_SMALL, NULL, MIB + 512 * 1024);
	slow_readers(BED_SMALL, &meters, RELAY_CHUNK + 256 * 1024);
	slow_readers(BED_UNIX, NULL, 2 * MIB);
}

/* A client with large buffers and a server with small ones. */
static void ready_unequal(struct bed *bed, struct bed_relay *b)
{
	ready(bed, b, BED_TCP);
	close(b->server);
	close(b->start.server.fd);
	CU_ASSERT_FATAL(bed_pair(BED_SMALL, &b->server, &b->start.server.fd));
}

/* The sender ended in order and is gone, when the slow reader speaks into the void. */
static void gone_after_the_end(void)
{
	uint8_t data[120000], got[sizeof(data) + 1];
	struct bed bed;
	struct bed_relay b;

	fill(data, sizeof(data), 3);
	ready_unequal(&bed, &b);
	bed_start(&b);
	CU_ASSERT(bed_write(b.client, data, sizeof(data)));
	usleep(20000);
	close(b.client);
	b.client = -1;
	CU_ASSERT(bed_write(b.server, "anybody there?", 14));
	usleep(20000);
	send(b.server, "hello?", 6, MSG_NOSIGNAL);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, sizeof(got)), sizeof(data));
	CU_ASSERT(!memcmp(got, data, sizeof(data)));
	end(&bed, &b, RELAY_RESET);
}

/* The relay has sent all and the end, but the kernel has not yet. */
static void reset_behind_the_end(void)
{
	uint8_t data[120000], got[sizeof(data) + 1];
	int large = MIB;
	struct bed bed;
	struct bed_relay b;

	fill(data, sizeof(data), 4);
	ready_unequal(&bed, &b);
	setsockopt(b.start.server.fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	bed_start(&b);
	CU_ASSERT(bed_write(b.client, data, sizeof(data)));
	bed_shut(b.client);
	while (bed_moved(&b, WAY_FORWARD) < sizeof(data))
		usleep(1000);
	usleep(20000);
	bed_reset(&b.client);
	CU_ASSERT(bed_wait_over(&b));
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, sizeof(got)), sizeof(data));
	CU_ASSERT(!memcmp(got, data, sizeof(data)));
	end(&bed, &b, RELAY_RESET);
}

static void loop_cpu(void *arg)
{
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, arg);
}

/* Both directions of the client are shut, which epoll cannot be kept from telling. */
static void hang_up_does_not_spin(void)
{
	uint8_t data[120000], got[sizeof(data) + 1];
	struct timespec from, to;
	struct bed bed;
	struct bed_relay b;

	fill(data, sizeof(data), 2);
	ready_unequal(&bed, &b);
	bed_start(&b);
	bed_shut(b.server);
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, 1), 0);
	CU_ASSERT(bed_write(b.client, data, sizeof(data)));
	bed_shut(b.client);
	usleep(20000);
	bed_do(&bed, loop_cpu, &from);
	usleep(300000);
	bed_do(&bed, loop_cpu, &to);
	CU_ASSERT((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 60);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, sizeof(got)), sizeof(data));
	CU_ASSERT(!memcmp(got, data, sizeof(data)));
	end(&bed, &b, RELAY_DONE);
}

static void early_bytes(void)
{
	struct scrambler s = { .key = 9, .tag = '$' };
	uint8_t got[64], *expected;
	struct bed bed;
	struct bed_relay b;
	size_t n;

	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &scrambling, &s);
	b.start.early[WAY_FORWARD] = (struct wire_span){ (const uint8_t *)"early", 5 };
	b.start.early[WAY_BACK] = (struct wire_span){ (const uint8_t *)"bird", 4 };
	bed_start(&b);
	CU_ASSERT(bed_write(b.client, " and late", 9));
	CU_ASSERT(bed_write(b.server, "s sing", 6));
	bed_shut(b.client);
	bed_shut(b.server);
	expected = scrambled(&s, (const uint8_t *)"early and late", 14, &n);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, sizeof(got)), (ssize_t)n);
	CU_ASSERT(!memcmp(got, expected, n));
	free(expected);
	expected = scrambled(&s, (const uint8_t *)"birds sing", 10, &n);
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, sizeof(got)), (ssize_t)n);
	CU_ASSERT(!memcmp(got, expected, n));
	free(expected);
	end(&bed, &b, RELAY_DONE);
	CU_ASSERT_EQUAL(s.closed, 1);
	CU_ASSERT_EQUAL(s.sent[WAY_BACK], n);
}

static void idle_time(void)
{
	struct bed bed;
	struct bed_relay b;

	ready(&bed, &b, BED_TCP);
	b.start.idle_ms = 300;
	bed_start(&b);
	for (int i = 0; i < 8; i++) {
		usleep(60000);
		CU_ASSERT(bed_write(b.client, "x", 1));
	}
	CU_ASSERT_FALSE(bed_over(&b));
	CU_ASSERT(bed_wait_over(&b));
	CU_ASSERT(reads_reset(b.client));
	end(&bed, &b, RELAY_IDLE);
}

static void relay_room(void *arg)
{
	struct bed_relay *b = arg;

	CU_ASSERT(malloc_usable_size(b->relay) <= 400);
	CU_ASSERT(relay_is_idle(b->relay));
}

static void idle_relays_are_small(void)
{
	struct bed bed;
	struct bed_relay b;
	char c;

	begin(&bed, &b, BED_TCP);
	CU_ASSERT(bed_write(b.client, "x", 1));
	CU_ASSERT(bed_read(b.server, &c, 1));
	bed_do(&bed, relay_room, &b);
	bed_shut(b.client);
	bed_shut(b.server);
	end(&bed, &b, RELAY_DONE);
}

static void stop_in_order(void *arg)
{
	struct bed_relay *b = arg;

	relay_stop(b->relay, false);
	b->relay = NULL;
}

static void stopped_relays_say_nothing(void)
{
	struct bed bed;
	struct bed_relay b;
	char c;

	begin(&bed, &b, BED_TCP);
	bed_do(&bed, stop_in_order, &b);
	CU_ASSERT_EQUAL(bed_read_all(b.client, &c, 1), 0);
	CU_ASSERT_EQUAL(bed_read_all(b.server, &c, 1), 0);
	CU_ASSERT_FALSE(bed_over(&b));
	bed_done(&b);
	bed_close(&bed);
}

/* ---- bulk ---- */

struct bulk {
	uint64_t n, sum;
	bool fine;
	int fd;
	unsigned seed;
	bool slow;
	pthread_t thread;
};

static uint64_t add_up(uint64_t sum, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ at[i]) * 1099511628211u;
	return sum;
}

static void *bulk_write(void *arg)
{
	struct bulk *b = arg;
	uint8_t *data = malloc(MIB);

	b->sum = 14695981039346656037u;
	b->fine = true;
	for (uint64_t sent = 0; sent < b->n && b->fine;) {
		size_t n = b->n - sent < MIB ? (size_t)(b->n - sent) : MIB;

		fill(data, n, sent);
		b->sum = add_up(b->sum, data, n);
		b->fine = bed_write(b->fd, data, n);
		sent += n;
	}
	free(data);
	bed_shut(b->fd);
	return NULL;
}

static void *bulk_read(void *arg)
{
	struct bulk *b = arg;
	uint8_t *data = malloc(MIB);
	ssize_t n = 1;

	b->sum = 14695981039346656037u;
	while (n > 0) {
		size_t room = 1 + (size_t)rand_r(&b->seed) % (b->slow ? 65536 : MIB);

		n = recv(b->fd, data, room, 0);
		if (n > 0) {
			b->sum = add_up(b->sum, data, (size_t)n);
			b->n += (uint64_t)n;
		}
		if (b->slow && rand_r(&b->seed) % 64 == 0)
			usleep((unsigned)rand_r(&b->seed) % 3000);
	}
	b->fine = n == 0;
	free(data);
	return NULL;
}

static void bulk(enum bed_sockets kind, uint64_t n, bool slow)
{
	struct bed bed;
	struct bed_relay b;
	struct bulk ends[4];

	begin(&bed, &b, kind);
	for (int i = 0; i < 4; i++) {
		ends[i] = (struct bulk){ .n = i < 2 ? n : 0,
					 .fd = i == 0 || i == 3 ? b.client : b.server,
					 .seed = (unsigned)i + 1,
					 .slow = slow };
		CU_ASSERT_FATAL(!pthread_create(&ends[i].thread, NULL,
						i < 2 ? bulk_write : bulk_read, &ends[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(ends[i].thread, NULL);
		CU_ASSERT(ends[i].fine);
	}
	CU_ASSERT(ends[2].n == n && ends[2].sum == ends[0].sum);
	CU_ASSERT(ends[3].n == n && ends[3].sum == ends[1].sum);
	end(&bed, &b, RELAY_DONE);
}

static void bulk_is_the_same(void)
{
	bulk(BED_TCP, 64 * MIB, false);
	bulk(BED_TCP, 24 * MIB + 12345, true);
	bulk(BED_UNIX, 16 * MIB + 1, true);
}

/* ---- the head ---- */

/* `HEAD`, then until ';', is the head's. */
static enum relay_head head(void *arg, const uint8_t *at, size_t n, size_t *used)
{
	const uint8_t *last = memchr(at, ';', n);

	(void)arg;
	if (memcmp(at, "HEAD", n < 4 ? n : 4))
		return RELAY_HEAD_BAD;
	if (!last)
		return RELAY_HEAD_MORE;
	*used = (size_t)(last - at) + 1;
	return RELAY_HEAD_DONE;
}

/* Takes each byte at once. */
static enum relay_head greedy_head(void *arg, const uint8_t *at, size_t n, size_t *used)
{
	(void)arg;
	*used = 0;
	while (*used < n)
		if (at[(*used)++] == ';')
			return RELAY_HEAD_DONE;
	return RELAY_HEAD_MORE;
}

static void head_split(size_t at, bool stage, bool greedy)
{
	static const char all[] = "HEAD of it;and the body";
	struct scrambler s = { .key = 1, .tag = '$' };
	size_t n_body;
	uint8_t *body = scrambled(&s, (const uint8_t *)"and the body", 12, &n_body);
	uint8_t got[64];
	struct bed bed;
	struct bed_relay b;

	ready(&bed, &b, BED_TCP);
	b.start.head = greedy ? greedy_head : head;
	if (stage)
		bed_stage(&b, &scrambling, &s);
	bed_start(&b);
	CU_ASSERT(bed_write(b.client, "x", 1));
	CU_ASSERT(bed_read(b.server, got, 1));
	CU_ASSERT(bed_write(b.server, all, at));
	usleep(1000);
	CU_ASSERT(bed_write(b.server, all + at, sizeof(all) - 1 - at));
	bed_shut(b.server);
	bed_shut(b.client);
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, sizeof(got)), stage ? (ssize_t)n_body : 12);
	CU_ASSERT(
	    !memcmp(got, stage ? body : (const uint8_t *)"and the body", stage ? n_body : 12));
	end(&bed, &b, RELAY_DONE);
	free(body);
}

static void heads(void)
{
	for (size_t at = 0; at <= 23; at++) {
		head_split(at, false, at % 2);
		head_split(at, true, at % 3 == 0);
	}
}

static void early_head(void)
{
	struct bed bed;
	struct bed_relay b;
	char got[8];

	ready(&bed, &b, BED_TCP);
	b.start.head = head;
	b.start.early[WAY_BACK] = (struct wire_span){ (const uint8_t *)"HEAD;a", 6 };
	bed_start(&b);
	CU_ASSERT(bed_read(b.client, got, 1) && *got == 'a');
	bed_shut(b.client);
	bed_shut(b.server);
	end(&bed, &b, RELAY_DONE);
}

static void refused(const char *bytes, bool reset, const char *why)
{
	struct bed bed;
	struct bed_relay b;
	char got[8];

	ready(&bed, &b, BED_TCP);
	b.start.head = head;
	bed_start(&b);
	CU_ASSERT(bed_write(b.server, bytes, strlen(bytes)));
	if (reset)
		bed_reset(&b.server);
	else
		bed_shut(b.server);
	CU_ASSERT_FATAL(bed_wait_over(&b));
	UNIT_TEXT(why, b.why);
	CU_ASSERT_FATAL(b.returned >= 0);
	CU_ASSERT(bed_write(b.returned, "sorry", 5));
	CU_ASSERT(bed_read(b.client, got, 5) && !memcmp(got, "sorry", 5));
	end(&bed, &b, RELAY_HEAD);
}

static void bad_heads(void)
{
	refused("BODY", false, "");
	refused("HEA", false, "the server ended before it had answered");
	refused("", true, "the server broke the connection before it had answered");
}

/* ---- functions ---- */

static void functions_in_order(void)
{
	struct scrambler a = { .key = 3, .tag = 'a' }, z = { .key = 77, .tag = 'z' };
	size_t n = 200000, n1, n2, n3, n4;
	uint8_t *data = malloc(n), *got = malloc(4 * n);
	uint8_t *once, *twice, *back_once, *back_twice;
	struct writer client, server;
	struct bed bed;
	struct bed_relay b;

	fill(data, n, 5);
	once = scrambled(&a, data, n, &n1);
	twice = scrambled(&z, once, n1, &n2);
	back_once = scrambled(&z, data, n, &n3);
	back_twice = scrambled(&a, back_once, n3, &n4);
	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &scrambling, &a);
	bed_stage(&b, &scrambling, &z);
	bed_start(&b);
	writer_begin(&client, b.client, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, 4 * n), (ssize_t)n2);
	CU_ASSERT(!memcmp(got, twice, n2));
	writer_begin(&server, b.server, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, 4 * n), (ssize_t)n4);
	CU_ASSERT(!memcmp(got, back_twice, n4));
	writer_end(&client);
	writer_end(&server);
	end(&bed, &b, RELAY_DONE);
	CU_ASSERT_EQUAL(a.closed + z.closed, 2);
	CU_ASSERT_EQUAL(a.sent[WAY_FORWARD], n2);
	CU_ASSERT_EQUAL(z.sent[WAY_BACK], n4);
	free(data);
	free(got);
	free(once);
	free(twice);
	free(back_once);
	free(back_twice);
}

static void waits(void)
{
	size_t n = 300000;
	uint8_t *data = malloc(n), *got = malloc(2 * n);
	struct pausing p = { 0 };
	struct writer client, server;
	struct bed bed;
	struct bed_relay b;

	fill(data, n, 6);
	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &pauses, &p);
	CU_ASSERT_FATAL(pausing_open(&p, b.start.wake));
	bed_start(&b);
	writer_begin(&client, b.client, data, n, true);
	writer_begin(&server, b.server, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, 2 * n), (ssize_t)n);
	CU_ASSERT(!memcmp(got, data, n));
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, 2 * n), (ssize_t)n);
	CU_ASSERT(!memcmp(got, data, n));
	CU_ASSERT(p.pauses >= 4);
	writer_end(&client);
	writer_end(&server);
	end(&bed, &b, RELAY_DONE);
	pausing_close(&p);
	free(data);
	free(got);
}

static void wake_and_stop(void *arg)
{
	struct bed_relay *b = arg;

	b->start.wake->wake(b->start.wake);
	b->start.wake->wake(b->start.wake);
	relay_stop(b->relay, true);
	b->relay = NULL;
}

static void free_wake(void *arg)
{
	struct function_wake *w = relay_wake_make(((struct bed *)arg)->loop);

	w->wake(w);
	relay_wake_free(w);
}

static void late_wakes(void)
{
	struct pausing p = { 0 };
	struct bed bed;
	struct bed_relay b;

	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &pauses, &p);
	CU_ASSERT_FATAL(pausing_open(&p, b.start.wake));
	bed_start(&b);
	bed_do(&bed, wake_and_stop, &b);
	bed_do(&bed, free_wake, &bed);
	bed_done(&b);
	bed_close(&bed);
	pausing_close(&p);
}

static enum function_step count_calls(struct function *f, void *state, enum way way,
				      const uint8_t *in, size_t n, bool last, struct bytes *out,
				      char *why)
{
	(void)f;
	(void)why;
	(void)last;
	bytes_add(out, in, n);
	((atomic_uint *)state)[way] += n == 0;
	if (!n && way == WAY_FORWARD)
		bytes_add(out, "woken", 5);
	return FUNCTION_ON;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Before the relay starts, and while it has not moved a byte. */
static void early_wakes(void)
{
	static const struct function_class counting = { .name = "test.counting",
							.bytes = count_calls };
	atomic_uint calls[N_WAYS] = { 0 };
	struct bed bed;
	struct bed_relay b;
	char got[8];

	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &counting, calls);
	b.start.wake->wake(b.start.wake);
	bed_do(&bed, nothing, NULL);
	bed_start(&b);
	CU_ASSERT(bed_read(b.server, got, 5) && !memcmp(got, "woken", 5));
	b.start.wake->wake(b.start.wake);
	CU_ASSERT(bed_read(b.server, got, 5) && !memcmp(got, "woken", 5));
	bed_do(&bed, nothing, NULL);
	CU_ASSERT_EQUAL(calls[WAY_FORWARD], 2);
	CU_ASSERT_EQUAL(calls[WAY_BACK], 2);
	bed_done(&b);
	bed_close(&bed);
}

static void functions_end_it(void)
{
	struct bed bed;
	struct bed_relay b;
	char got[8];

	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &ending, NULL);
	bed_start(&b);
	CU_ASSERT(bed_write(b.client, "abc", 3));
	CU_ASSERT(bed_read(b.server, got, 3));
	CU_ASSERT(bed_write(b.server, "de!", 3));
	CU_ASSERT(reads_reset(b.client));
	CU_ASSERT(reads_reset(b.server));
	CU_ASSERT(bed_wait_over(&b));
	UNIT_TEXT("there was a '!'", b.why);
	end(&bed, &b, RELAY_FUNCTION);
}

static void meters_slow_and_lose_nothing(void)
{
	struct metering m = { .most = 3000 }, finer = { .most = 1111 };
	struct scrambler s = { .key = 5, .tag = '.' };
	size_t n = 50000, n_expected;
	uint8_t *data = malloc(n), *got = malloc(2 * n), *expected;
	struct writer client;
	struct bed bed;
	struct bed_relay b;

	fill(data, n, 8);
	expected = scrambled(&s, data, n, &n_expected);
	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &meters, &m);
	bed_stage(&b, &scrambling, &s);
	bed_stage(&b, &meters, &finer);
	bed_start(&b);
	writer_begin(&client, b.client, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, 2 * n), (ssize_t)n_expected);
	CU_ASSERT(!memcmp(got, expected, n_expected));
	writer_end(&client);
	bed_shut(b.server);
	end(&bed, &b, RELAY_DONE);
	CU_ASSERT_EQUAL(m.passed[WAY_FORWARD], n);
	CU_ASSERT_EQUAL(finer.passed[WAY_FORWARD], n_expected);
	CU_ASSERT(m.asked > n / 3000 && finer.asked > n_expected / 1111);
	free(data);
	free(got);
	free(expected);
}

/* ---- programs ---- */

static void through_cat(void)
{
	static const char *const cat[] = { "/bin/cat", NULL };
	struct program p = { .arguments = cat, .way = { true, true } };
	struct program q = { .arguments = cat, .way = { true, false } };
	struct scrambler s = { .key = 5, .tag = '.' };
	size_t n = MIB, n_expected;
	uint8_t *data = malloc(n), *got = malloc(2 * n), *expected;
	struct writer client, server;
	struct bed bed;
	struct bed_relay b;

	fill(data, n, 9);
	expected = scrambled(&s, data, n, &n_expected);
	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &programs, &p);
	bed_stage(&b, &scrambling, &s);
	bed_stage(&b, &programs, &q);
	bed_start(&b);
	writer_begin(&client, b.client, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.server, got, 2 * n), (ssize_t)n_expected);
	CU_ASSERT(!memcmp(got, expected, n_expected));
	writer_begin(&server, b.server, data, n, true);
	CU_ASSERT_EQUAL(bed_read_all(b.client, got, 2 * n), (ssize_t)n_expected);
	CU_ASSERT(!memcmp(got, expected, n_expected));
	writer_end(&client);
	writer_end(&server);
	end(&bed, &b, RELAY_DONE);
	program_reap(&p);
	program_reap(&q);
	free(data);
	free(got);
	free(expected);
}

static void program_dies(const char *const *arguments, const char *bytes)
{
	struct program p = { .arguments = arguments, .way = { true, false } };
	struct bed bed;
	struct bed_relay b;

	ready(&bed, &b, BED_TCP);
	bed_stage(&b, &programs, &p);
	bed_start(&b);
	CU_ASSERT(!bed_write(b.client, bytes, strlen(bytes)) || reads_reset(b.client));
	CU_ASSERT(reads_reset(b.server));
	CU_ASSERT(bed_wait_over(&b));
	UNIT_TEXT("the program of test.programs ended before its input did", b.why);
	end(&bed, &b, RELAY_FUNCTION);
	program_reap(&p);
}

static void programs_that_die(void)
{
	static const char *const head_10[] = { "/usr/bin/head", "-c", "10", NULL };
	static const char *const mute[] = { "/bin/sh", "-c", "exec >&-; cat >/dev/null", NULL };
	static const char *const none[] = { "/nonexistent/program", NULL };

	program_dies(head_10, "more than ten bytes");
	program_dies(head_10, "just 10 by");
	program_dies(mute, "x");
	program_dies(none, "x");
}

/* ---- TLS in the middle: plain, TLS, plain ---- */

struct shaking {
	struct stream *ends[2];
	struct tls_error error;
	int result;
};

static void shake(struct shaking *s)
{
	bool done[2] = { false, false };

	for (int i = 0; i < 4000 && !(done[0] && done[1]); i++) {
		int which = i % 2, step;

		if (done[which])
			continue;
		step = stream_shake(s->ends[which], &s->error);
		if (step == STREAM_BROKEN)
			break;
		done[which] = step == 1;
		if (step == STREAM_AGAIN)
			usleep(500);
	}
	s->result = done[0] && done[1];
}

struct tls_world {
	struct certificates certificates;
	struct tls_side *server, *client;
	struct bed bed;
	struct bed_relay near, far; /* client, NEAR, TLS, FAR, server */
};

static void tls_ready(struct tls_world *w)
{
	struct certificates *c = &w->certificates;
	struct tls_files server, client;
	struct shaking s;

	CU_ASSERT_FATAL(certificates_make(c));
	server = (struct tls_files){ certificates_path(c, "server.pem"),
				     certificates_path(c, "server.key"),
				     certificates_path(c, "authority.pem") };
	client = (struct tls_files){ certificates_path(c, "client.pem"),
				     certificates_path(c, "client.key"),
				     certificates_path(c, "authority.pem") };
	w->server = tls_server(&server, &s.error);
	w->client = tls_client(&client, &s.error);
	CU_ASSERT_FATAL(w->server && w->client);
	ready(&w->bed, &w->near, BED_TCP);
	CU_ASSERT_FATAL(bed_ready(&w->far, &w->bed, BED_TCP));
	/* What would be far ends of a test is the link in the middle. */
	close(w->near.server);
	close(w->near.start.server.fd);
	w->near.start.server.fd = w->far.client;
	w->near.server = w->far.client = -1;
	fcntl(w->near.start.server.fd, F_SETFL, O_NONBLOCK);
	CU_ASSERT_FATAL(stream_tls_connect(&w->near.start.server, w->client, "localhost"));
	CU_ASSERT_FATAL(stream_tls_accept(&w->far.start.client, w->server));
	s.ends[0] = &w->near.start.server;
	s.ends[1] = &w->far.start.client;
	shake(&s);
	CU_ASSERT_FATAL(s.result);
}

static void tls_open(struct tls_world *w)
{
	tls_ready(w);
	bed_start(&w->near);
	bed_start(&w->far);
}

static void tls_close(struct tls_world *w, enum relay_end expected)
{
	CU_ASSERT(bed_wait_over(&w->near));
	CU_ASSERT(bed_wait_over(&w->far));
	CU_ASSERT_EQUAL(w->near.end, expected);
	CU_ASSERT_EQUAL(w->far.end, expected);
	bed_done(&w->near);
	bed_done(&w->far);
	bed_close(&w->bed);
	tls_drop(w->server);
	tls_drop(w->client);
	certificates_remove(&w->certificates);
}

static void tls_bytes(void)
{
	size_t n = 3 * MIB;
	uint8_t *data = malloc(n), *got = malloc(n + 1);
	struct writer client, server;
	struct tls_world w;
	char c;

	fill(data, n, 11);
	tls_open(&w);
	for (int i = 0; i < 20; i++) {
		CU_ASSERT(bed_write(w.near.client, "q", 1));
		CU_ASSERT(bed_read(w.far.server, &c, 1));
		CU_ASSERT(bed_write(w.far.server, "a", 1));
		CU_ASSERT(bed_read(w.near.client, &c, 1));
	}
	writer_begin(&client, w.near.client, data, n, true);
	writer_begin(&server, w.far.server, data, n, false);
	usleep(50000);
	CU_ASSERT_EQUAL(bed_read_all(w.far.server, got, n + 1), (ssize_t)n);
	CU_ASSERT(!memcmp(got, data, n));
	memset(got, 0, n);
	CU_ASSERT(bed_read(w.near.client, got, n));
	CU_ASSERT(!memcmp(got, data, n));
	writer_end(&client);
	writer_end(&server);
	/* One way has ended, the other goes on. */
	CU_ASSERT(bed_write(w.far.server, "a", 1));
	CU_ASSERT(bed_read(w.near.client, &c, 1));
	bed_shut(w.far.server);
	CU_ASSERT_EQUAL(bed_read_all(w.near.client, got, 1), 0);
	tls_close(&w, RELAY_DONE);
	free(data);
	free(got);
}

/* Of one record the first byte was read before the relay began. */
static void tls_held(void)
{
	struct tls_world w;
	char got[8];

	tls_ready(&w);
	CU_ASSERT_EQUAL(stream_send(&w.near.start.server, "abcdef", 6), 6);
	usleep(20000);
	CU_ASSERT_EQUAL(stream_recv(&w.far.start.client, got, 1), 1);
	w.far.start.early[WAY_FORWARD] = (struct wire_span){ (const uint8_t *)got, 1 };
	bed_start(&w.far);
	CU_ASSERT(bed_read(w.far.server, got, 6) && !memcmp(got, "abcdef", 6));
	bed_start(&w.near);
	bed_shut(w.near.client);
	bed_shut(w.far.server);
	tls_close(&w, RELAY_DONE);
}

static void tls_resets(void)
{
	struct tls_world w;

	tls_open(&w);
	bed_reset(&w.near.client);
	CU_ASSERT(reads_reset(w.far.server));
	tls_close(&w, RELAY_RESET);
}

static const struct unit units[] = {
	{ "bytes_pass_both_ways", pass_both_ways },
	{ "each_way_ends_by_itself_in_either_order", half_closes },
	{ "a_reset_of_one_end_resets_the_other", resets },
	{ "a_reset_is_noticed_while_both_ways_are_stuck", reset_while_slow },
	{ "what_a_slow_reader_leaves_is_bounded", slow_readers_are_bounded },
	{ "bytes_before_an_end_arrive_although_the_sender_is_gone", gone_after_the_end },
	{ "bytes_before_an_end_arrive_although_a_reset_follows", reset_behind_the_end },
	{ "a_hung_up_socket_with_bytes_left_does_not_spin", hang_up_does_not_spin },
	{ "early_bytes_go_first_through_the_functions", early_bytes },
	{ "a_relay_ends_when_nothing_moved_for_long", idle_time },
	{ "an_idle_relay_takes_at_most_400_bytes", idle_relays_are_small },
	{ "a_stopped_relay_says_nothing", stopped_relays_say_nothing },
	{ "bulk_arrives_byte_for_byte", bulk_is_the_same },
	{ "the_head_is_found_however_it_is_split", heads },
	{ "the_head_may_have_come_early", early_head },
	{ "a_refused_head_gives_the_client_back", bad_heads },
	{ "functions_run_in_order_and_back_against_it", functions_in_order },
	{ "a_function_that_waits_is_woken_by_another_thread", waits },
	{ "a_wake_of_a_relay_that_is_gone_does_nothing", late_wakes },
	{ "a_wake_calls_functions_without_bytes_for_both_ways", early_wakes },
	{ "a_function_may_end_the_connection", functions_end_it },
	{ "meters_slow_and_lose_nothing", meters_slow_and_lose_nothing },
	{ "bytes_go_through_programs_and_functions_between", through_cat },
	{ "a_program_that_dies_early_resets_the_connection", programs_that_die },
	{ "bytes_and_ends_pass_under_tls", tls_bytes },
	{ "bytes_that_tls_holds_are_not_forgotten", tls_held },
	{ "a_reset_passes_tls", tls_resets },
};

int main(void)
{
	return unit_main("relay", units, sizeof(units) / sizeof(*units));
}
