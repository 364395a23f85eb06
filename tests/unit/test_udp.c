/* UDP ASSOCIATE with real sockets of the loopback: runtime/socks/udp.h.  The association lives on a
 * loop's thread, the test plays client and servers. */
#include <config.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/udp.h"
#include "tests/unit/hex.h"

enum { PATIENCE_MS = 3000, SHORT_MS = 60 };

/* ---- sockets of the test ---- */

static void set_patience(int fd, int ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
}

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE_FATAL(wire_address_parse(text, strlen(text), &a));
	return a;
}

static int open_socket(int type, const char *at, struct wire_address *bound)
{
	struct wire_address a = address(at);
	struct sockaddr_storage s;
	socklen_t n = wire_address_to_sockaddr(&a, &s);
	int fd = socket(s.ss_family, type | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&s, n), 0);
	n = sizeof(s);
	CU_ASSERT_EQUAL(getsockname(fd, (struct sockaddr *)&s, &n), 0);
	CU_ASSERT_TRUE(wire_address_from_sockaddr((struct sockaddr *)&s, n, bound));
	set_patience(fd, PATIENCE_MS);
	return fd;
}

static int udp_socket(const char *at, struct wire_address *bound)
{
	return open_socket(SOCK_DGRAM, at, bound);
}

static void send_to(int fd, const struct wire_address *to, const void *bytes, size_t n)
{
	struct sockaddr_storage s;
	socklen_t size = wire_address_to_sockaddr(to, &s);

	CU_ASSERT_EQUAL(sendto(fd, bytes, n, 0, (struct sockaddr *)&s, size), (ssize_t)n);
}

static size_t receive(int fd, uint8_t *out, size_t room, struct wire_address *from)
{
	struct sockaddr_storage s;
	socklen_t size = sizeof(s);
	ssize_t n = recvfrom(fd, out, room, 0, (struct sockaddr *)&s, &size);

	if (n < 0)
		return SIZE_MAX;
	if (from)
		CU_ASSERT_TRUE(wire_address_from_sockaddr((struct sockaddr *)&s, size, from));
	return (size_t)n;
}

static bool stays_silent(int fd)
{
	uint8_t byte[1];
	ssize_t n;

	set_patience(fd, SHORT_MS);
	n = recv(fd, byte, 1, 0);
	set_patience(fd, PATIENCE_MS);
	return n < 0;
}

/* ---- a function: puts its letter behind what goes, takes it away from what comes ---- */

struct letter {
	char letter;
	atomic_int opened, closed;
	atomic_ullong forward, back;
};

static void letter_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct letter *l = (struct letter *)f;

	CU_ASSERT_PTR_EQUAL(state, f);
	l->closed++;
	l->forward += sent[WAY_FORWARD];
	l->back += sent[WAY_BACK];
}

static bool letter_datagram(struct function *f, void *state, enum way way, const uint8_t *in,
			    size_t n, struct bytes *out)
{
	const struct letter *l = (const struct letter *)f;

	(void)state;
	if (way == WAY_FORWARD) {
		bytes_add(out, in, n);
		bytes_add(out, &l->letter, 1);
		return true;
	}
	if (!n || in[n - 1] != l->letter)
		return false;
	bytes_add(out, in, n - 1);
	return true;
}

static enum function_step letter_bytes(struct function *f, void *state, enum way way,
				       const uint8_t *in, size_t n, bool last, struct bytes *out,
				       char *why)
{
	(void)f;
	(void)state;
	(void)way;
	(void)last;
	(void)why;
	bytes_add(out, in, n);
	return FUNCTION_ON;
}

static size_t admit_short(struct function *f, void *state, enum way way, size_t n,
			  uint32_t *retry_ms)
{
	(void)f;
	(void)state;
	(void)way;
	*retry_ms = 1;
	return n < 8 ? n : 8;
}

static const struct function_class letter_class = {
	.name = "letter",
	.close = letter_close,
	.bytes = letter_bytes,
	.datagram = letter_datagram,
};
static const struct function_class stream_class = {
	.name = "stream",
	.close = letter_close,
	.bytes = letter_bytes,
};
static const struct function_class meter_class = {
	.name = "meter",
	.close = letter_close,
	.admit = admit_short,
};

/* ---- an association on a loop ---- */

struct rig {
	struct loop *loop;
	pthread_t thread;
	struct udp *udp;
	struct udp_start start;
	int control; /* the client's end */
	struct wire_address bound;

	/* What `ask` says; set before it can be asked. */
	atomic_uint denied_port;
	const struct function_class *classes[2];
	struct letter letters[2];
	size_t n_stages;
	struct wire_address next;

	atomic_int asked, done;
	char why[64];
	uint64_t bytes[N_WAYS], dropped;
	struct work work; /* for the loop's thread */
	atomic_bool worked;
};

static bool rig_ask(void *arg, const struct wire_address *to, struct stage **stages, size_t *n,
		    struct wire_address *next, struct upstream_wish *wish)
{
	struct rig *r = arg;

	r->asked++;
	if (to->port == r->denied_port)
		return false;
	*n = r->n_stages;
	if (*n)
		*stages = calloc(*n, sizeof(**stages));
	for (size_t i = 0; i < *n; i++) {
		struct function *f = (struct function *)&r->letters[i];

		r->letters[i].opened++;
		(*stages)[i] = (struct stage){ .class = r->classes[i], .function = f, .state = f };
	}
	*next = r->next;
	wish->version = 6;
	return true;
}

static void rig_done(void *arg, const char *why, const uint64_t bytes[N_WAYS], uint64_t dropped)
{
	struct rig *r = arg;

	snprintf(r->why, sizeof(r->why), "%s", why);
	memcpy(r->bytes, bytes, sizeof(r->bytes));
	r->dropped = dropped;
	r->done++;
	loop_end(r->loop);
}

static void *rig_thread(void *arg)
{
	struct rig *r = arg;

	loop_run(r->loop);
	return NULL;
}

static struct rig *rig_new(enum inbound_kind kind)
{
	struct rig *r = calloc(1, sizeof(*r));
	int pair[2];

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	r->loop = loop_open();
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->loop);
	r->control = pair[0];
	set_patience(r->control, PATIENCE_MS);
	r->start = (struct udp_start){
		.loop = r->loop,
		.control = { .fd = pair[1] },
		.kind = kind,
		.from = wire_any,
		.peer = address("127.0.0.1:1"),
		.relay = address("127.0.0.1:0"),
		.ask = rig_ask,
		.done = rig_done,
		.arg = r,
	};
	for (size_t i = 0; i < 2; i++) {
		r->classes[i] = &letter_class;
		r->letters[i].letter = (char)('a' + i);
	}
	return r;
}

/* EARLY: hexadecimal. */
static void rig_run(struct rig *r, const char *early)
{
	struct hex h = hex(early);
	enum outcome outcome;

	(void)fcntl(r->start.control.fd, F_SETFL, O_NONBLOCK);
	r->udp = udp_open(&r->start, &r->bound, &outcome);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->udp);
	CU_ASSERT_EQUAL(outcome, OUTCOME_OK);
	udp_run(r->udp, (struct wire_span){ h.at, h.n });
	CU_ASSERT_EQUAL_FATAL(pthread_create(&r->thread, NULL, rig_thread, r), 0);
}

/* The client closes; the association ends by itself. */
static void rig_end(struct rig *r, const char *why)
{
	if (r->control >= 0)
		close(r->control);
	pthread_join(r->thread, NULL);
	CU_ASSERT_EQUAL(r->done, 1);
	UNIT_TEXT(why, r->why);
	for (size_t i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(r->letters[i].opened, r->letters[i].closed);
	loop_close(r->loop);
}

static struct rig *rig_of(struct work *w)
{
	return (struct rig *)((char *)w - offsetof(struct rig, work));
}

static void ask_again(struct work *w)
{
	udp_ask_again(rig_of(w)->udp);
	rig_of(w)->worked = true;
}

static void stop(struct work *w)
{
	udp_stop(rig_of(w)->udp);
	loop_end(rig_of(w)->loop);
}

static void rig_work(struct rig *r, void (*run)(struct work *))
{
	r->work.run = run;
	r->worked = false;
	loop_post(r->loop, &r->work);
}

/* ---- SOCKS5 ---- */

static size_t with_header(uint8_t *out, const struct wire_address *to, const char *data)
{
	struct socks5_udp m = { .at = *to };
	size_t n = socks5_udp_write(out, 300, &m);

	memcpy(out + n, data, strlen(data));
	return n + strlen(data);
}

static void say5(const struct rig *r, int client, const struct wire_address *to, const char *data)
{
	uint8_t out[1024];

	send_to(client, &r->bound, out, with_header(out, to, data));
}

static void check_data(int line, int fd, struct wire_address *from, const char *expected)
{
	uint8_t got[2048];
	size_t n = receive(fd, got, sizeof(got) - 1, from);

	got[n == SIZE_MAX ? 0 : n] = '\0';
	unit_text(__FILE__, line, expected, n == SIZE_MAX ? "(nothing came)" : (char *)got);
}
#define GETS(fd, from, expected) check_data(__LINE__, fd, from, expected)

static void check_back(int line, int fd, const struct wire_address *server, const char *expected)
{
	uint8_t got[2048], want[2048];
	size_t n = receive(fd, got, sizeof(got), NULL),
	       n_want = with_header(want, server, expected);

	CU_ASSERT_EQUAL(n, n_want);
	if (n != n_want || memcmp(got, want, n))
		unit_text(__FILE__, line, expected, "(something else came)");
}
#define GETS_BACK(fd, server, expected) check_back(__LINE__, fd, server, expected)

static void carries_datagrams_both_ways(void)
{
	static const char *const hosts[] = { "127.0.0.1:0", "[::1]:0" };
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, from, me;
	int client = udp_socket("127.0.0.1:0", &me);

	rig_run(r, "");
	CU_ASSERT_NOT_EQUAL(r->bound.port, 0);
	for (size_t i = 0; i < 2; i++) {
		int fd = udp_socket(hosts[i], &server);

		say5(r, client, &server, "hello");
		say5(r, client, &server, "");
		GETS(fd, &from, "hello");
		GETS(fd, &from, "");
		CU_ASSERT_NOT_EQUAL(from.port, me.port);
		send_to(fd, &from, "world", 5);
		GETS_BACK(client, &server, "world");
		close(fd);
	}
	CU_ASSERT_EQUAL(r->asked, 2);
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->bytes[WAY_FORWARD], 10);
	CU_ASSERT_EQUAL(r->bytes[WAY_BACK], 10);
	CU_ASSERT_EQUAL(r->dropped, 0);
	close(client);
	free(r);
}

static void drops_what_may_not_pass(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, other, from, me;
	int client = udp_socket("127.0.0.1:0", &me), stranger = udp_socket("127.0.0.2:0", &me);
	int neighbour = udp_socket("127.0.0.1:0", &me);
	int fd = udp_socket("127.0.0.1:0", &server), forbidden = udp_socket("127.0.0.1:0", &other);
	uint8_t out[300];
	size_t n;

	r->denied_port = other.port;
	rig_run(r, "");
	say5(r, stranger, &server, "1: another address");
	n = with_header(out, &server, "2: a fragment");
	out[2] = 1;
	send_to(client, &r->bound, out, n);
	send_to(client, &r->bound, "3", 1);
	say5(r, client, &other, "4: denied");
	say5(r, neighbour, &server, "5: another port, once one is known");
	out[0] = 0;
	n = with_header(out,
			&(struct wire_address){ .kind = WIRE_NAME,
						.port = server.port,
						.name = { (const uint8_t *)"h.ex", 4 } },
			"6: a name");
	send_to(client, &r->bound, out, n);
	say5(r, client, &server, "good");
	GETS(fd, &from, "good");
	send_to(forbidden, &from, "7: not asked for", 16);
	send_to(stranger, &from, "8: not asked for", 16);
	send_to(fd, &from, "back", 4);
	GETS_BACK(client, &server, "back");
	CU_ASSERT_TRUE(stays_silent(fd));
	CU_ASSERT_TRUE(stays_silent(forbidden));
	CU_ASSERT_TRUE(stays_silent(client));
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 8);
	close(client), close(stranger), close(neighbour), close(fd), close(forbidden);
	free(r);
}

static void keeps_to_the_port_that_the_client_told(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, me, other;
	int client = udp_socket("127.0.0.1:0", &me), another = udp_socket("127.0.0.1:0", &other);
	int fd = udp_socket("127.0.0.1:0", &server);

	r->start.from.port = me.port;
	rig_run(r, "");
	say5(r, another, &server, "bad");
	say5(r, client, &server, "good");
	GETS(fd, NULL, "good");
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 1);
	close(client), close(another), close(fd);
	free(r);
}

static void passes_functions_in_order_and_back(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, from, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);

	r->n_stages = 2;
	rig_run(r, "");
	say5(r, client, &server, "x");
	say5(r, client, &server, "yz");
	GETS(fd, &from, "xab");
	GETS(fd, &from, "yzab");
	send_to(fd, &from, "wrong", 5);
	send_to(fd, &from, "rightab", 7);
	GETS_BACK(client, &server, "right");
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->letters[0].opened, 1);
	CU_ASSERT_EQUAL(r->letters[1].forward, 3);
	CU_ASSERT_EQUAL(r->letters[0].back, 7);
	CU_ASSERT_EQUAL(r->dropped, 1);
	close(client), close(fd);
	free(r);
}

static void refuses_functions_of_streams_and_asks_meters(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);

	r->n_stages = 1;
	r->classes[0] = &stream_class;
	rig_run(r, "");
	say5(r, client, &server, "x");
	CU_ASSERT_TRUE(stays_silent(fd));
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->letters[0].closed, 1);
	CU_ASSERT_EQUAL(r->dropped, 1);
	free(r);

	r = rig_new(INBOUND_SOCKS5);
	r->n_stages = 1;
	r->classes[0] = &meter_class;
	rig_run(r, "");
	say5(r, client, &server, "longer than eight");
	say5(r, client, &server, "short");
	GETS(fd, NULL, "short");
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 1);
	close(client), close(fd);
	free(r);
}

static void forgets_the_longest_unused_destination(void)
{
	enum { MANY = UDP_MOST_FLOWS + 6 };
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address servers[MANY], from, me;
	int client = udp_socket("127.0.0.1:0", &me), fds[MANY];

	r->n_stages = 1;
	rig_run(r, "");
	for (int i = 0; i < MANY; i++) {
		fds[i] = udp_socket("127.0.0.1:0", &servers[i]);
		say5(r, client, &servers[i], "x");
		GETS(fds[i], &from, "xa");
	}
	CU_ASSERT_EQUAL(r->letters[0].opened - r->letters[0].closed, UDP_MOST_FLOWS);
	send_to(fds[0], &from, "longa", 5);
	send_to(fds[MANY - 1], &from, "nowa", 4);
	GETS_BACK(client, &servers[MANY - 1], "now");
	say5(r, client, &servers[0], "again");
	GETS(fds[0], NULL, "againa");
	CU_ASSERT_EQUAL(r->asked, MANY + 1);
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 1);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	close(client);
	free(r);
}

static void wait_worked(struct rig *r)
{
	for (int i = 0; i < PATIENCE_MS && !r->worked; i++)
		usleep(1000);
	CU_ASSERT_TRUE(r->worked);
}

static void asks_again_after_a_reload(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, other, from, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);
	int another = udp_socket("127.0.0.1:0", &other);

	r->n_stages = 1;
	rig_run(r, "");
	say5(r, client, &server, "x");
	say5(r, client, &other, "x");
	GETS(fd, &from, "xa");
	GETS(another, NULL, "xa");
	r->denied_port = other.port;
	rig_work(r, ask_again);
	wait_worked(r);
	/* The one that may stay keeps its functions' state, the other one is gone. */
	CU_ASSERT_EQUAL(r->letters[0].opened, 3);
	CU_ASSERT_EQUAL(r->letters[0].closed, 2);
	send_to(another, &from, "latea", 5);
	send_to(fd, &from, "backa", 5);
	GETS_BACK(client, &server, "back");
	say5(r, client, &other, "no");
	say5(r, client, &server, "y");
	GETS(fd, NULL, "ya");
	CU_ASSERT_TRUE(stays_silent(another));
	CU_ASSERT_TRUE(stays_silent(client));
	rig_end(r, "the client ended it");
	close(client), close(fd), close(another);
	free(r);
}

static void ends_when_idle_and_when_stopped(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);
	uint8_t byte[1];

	r->start.idle_ms = 30;
	rig_run(r, "");
	CU_ASSERT_EQUAL(recv(r->control, byte, 1, 0), 0);
	rig_end(r, "idle");
	free(r);

	r = rig_new(INBOUND_SOCKS5);
	r->n_stages = 1;
	rig_run(r, "");
	say5(r, client, &server, "x");
	GETS(fd, NULL, "xa");
	rig_work(r, stop);
	CU_ASSERT_EQUAL(recv(r->control, byte, 1, 0), 0);
	pthread_join(r->thread, NULL);
	CU_ASSERT_EQUAL(r->done, 0);
	CU_ASSERT_EQUAL(r->letters[0].closed, 1);
	loop_close(r->loop);
	close(r->control), close(client), close(fd);
	free(r);
}

/* Where this machine's localhost is looked for first. */
static const char *localhost(void)
{
	const struct addrinfo wish = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	const char *at = "127.0.0.1:0";

	CU_ASSERT_EQUAL_FATAL(getaddrinfo("localhost", NULL, &wish, &found), 0);
	if (found->ai_family == AF_INET6)
		at = "[::1]:0";
	freeaddrinfo(found);
	return at;
}

static void resolves_names_once(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, from, me, name;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket(localhost(), &server);
	struct resolver *resolver = resolver_open(1);
	char text[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(resolver);
	r->start.resolver = resolver;
	rig_run(r, "");
	snprintf(text, sizeof(text), "localhost:%u", server.port);
	name = address(text);
	say5(r, client, &name, "x");
	GETS(fd, &from, "x");
	send_to(fd, &from, "y", 1);
	GETS_BACK(client, &server, "y");
	say5(r, client, &name, "z");
	GETS(fd, &from, "z");
	CU_ASSERT_EQUAL(r->asked, 1);
	rig_end(r, "the client ended it");
	resolver_close(resolver);
	close(client), close(fd);
	free(r);
}

static void says_why_there_is_no_association(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	enum outcome outcome;

	r->start.relay = address("192.0.2.1:0");
	CU_ASSERT_PTR_NULL(udp_open(&r->start, &r->bound, &outcome));
	CU_ASSERT_NOT_EQUAL(outcome, OUTCOME_OK);
	/* Until it runs, the control connection is the caller's. */
	r->start.relay = address("127.0.0.1:0");
	r->udp = udp_open(&r->start, &r->bound, &outcome);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->udp);
	udp_stop(r->udp);
	CU_ASSERT_EQUAL(close(r->start.control.fd), 0);
	close(r->control);
	loop_close(r->loop);
	free(r);
}

/* ---- SOCKS6 ---- */

static size_t message6(uint8_t *out, size_t room, uint64_t association,
		       const struct wire_address *to, const char *data)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_DATAGRAM,
				.association = association,
				.at = *to,
				.data = { (const uint8_t *)data, strlen(data) } };

	return socks6_udp_write(out, room, &m);
}

/* A whole message from the connection; its bytes stay in BYTES. */
static struct socks6_udp read_message(int control, uint8_t *bytes, size_t room)
{
	struct socks6_udp m = { .type = 0 };
	size_t n = 0, used = 12;

	while (n < used && used <= room) {
		ssize_t more = recv(control, bytes + n, used - n, 0);

		if (more <= 0)
			break;
		n += (size_t)more;
		if (socks6_udp_read(bytes, n, &m, &used) == WIRE_BAD)
			break;
	}
	return m;
}

static uint64_t read_init(int control)
{
	uint8_t bytes[64];
	struct socks6_udp m = read_message(control, bytes, sizeof(bytes));

	CU_ASSERT_EQUAL(m.type, SOCKS6_UDP_INIT);
	return m.association;
}

static void check_message(int line, int fd, bool stream, uint64_t association,
			  const struct wire_address *at, const char *data)
{
	uint8_t bytes[2048];
	struct socks6_udp m = { .type = 0 };
	size_t n, used;
	char text[128];

	if (stream)
		m = read_message(fd, bytes, sizeof(bytes));
	else if ((n = receive(fd, bytes, sizeof(bytes), NULL)) != SIZE_MAX)
		CU_ASSERT_EQUAL(socks6_udp_read(bytes, n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(m.type, SOCKS6_UDP_DATAGRAM);
	CU_ASSERT_EQUAL(m.association, association);
	CU_ASSERT_TRUE(wire_address_same(&m.at, at));
	snprintf(text, sizeof(text), "%.*s", (int)m.data.n, (const char *)m.data.at);
	unit_text(__FILE__, line, data, text);
}

static void finds_a_port_of_the_wanted_parity(void)
{
	for (int i = 0; i < 16; i++) {
		struct rig *r = rig_new(INBOUND_SOCKS6);

		r->start.parity_wish = i % 2 ? SOCKS6_ODD : SOCKS6_EVEN;
		rig_run(r, "");
		CU_ASSERT_EQUAL(r->bound.port % 2, i % 2);
		(void)read_init(r->control);
		rig_end(r, "the client ended it");
		free(r);
	}
}

static void carries_messages_over_tcp(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS6);
	struct wire_address server, from, me;
	int fd = udp_socket("127.0.0.1:0", &server), client = udp_socket("127.0.0.1:0", &me);
	uint8_t out[300], bytes[64];
	uint64_t id;
	size_t n;

	rig_run(r, "");
	id = read_init(r->control);
	n = message6(out, sizeof(out), id ^ 1, &server, "bad");
	CU_ASSERT_EQUAL(send(r->control, out, n, 0), (ssize_t)n);
	n = message6(out, sizeof(out), id, &server, "hello");
	for (size_t i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(send(r->control, out + i, 1, 0), 1);
		usleep(i % 8 ? 0 : 500);
	}
	GETS(fd, &from, "hello");
	CU_ASSERT_EQUAL(read_message(r->control, bytes, sizeof(bytes)).type, SOCKS6_UDP_CONFIRM);
	/* The transport is fixed now. */
	n = message6(out, sizeof(out), id, &server, "bad");
	send_to(client, &r->bound, out, n);
	send_to(fd, &from, "world", 5);
	check_message(__LINE__, r->control, true, id, &server, "world");
	CU_ASSERT_TRUE(stays_silent(fd));
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 2);
	close(fd), close(client);
	free(r);
}

static void carries_messages_over_udp(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS6);
	struct wire_address server, from, me;
	int fd = udp_socket("127.0.0.1:0", &server), client = udp_socket("127.0.0.1:0", &me);
	int another = udp_socket("127.0.0.1:0", &me);
	uint8_t out[300], bytes[64];
	uint64_t id;
	size_t n;

	rig_run(r, "");
	id = read_init(r->control);
	n = message6(out, sizeof(out), id ^ 1, &server, "bad");
	send_to(another, &r->bound, out, n);
	n = message6(out, sizeof(out), id, &server, "hello");
	memcpy(out + n, "padding", 7);
	send_to(client, &r->bound, out, n + 7);
	GETS(fd, &from, "hello");
	CU_ASSERT_EQUAL(read_message(r->control, bytes, sizeof(bytes)).type, SOCKS6_UDP_CONFIRM);
	CU_ASSERT_EQUAL(send(r->control, out, n, 0), (ssize_t)n);
	send_to(another, &r->bound, out, n);
	send_to(client, &r->bound, out, n - 1);
	send_to(fd, &from, "world", 5);
	check_message(__LINE__, client, false, id, &server, "world");
	CU_ASSERT_TRUE(stays_silent(fd));
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 4);
	close(fd), close(client), close(another);
	free(r);
}

static void confirms_empty_datagrams(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS6);
	uint8_t out[64], bytes[64];
	uint64_t id;
	size_t n;

	rig_run(r, "");
	id = read_init(r->control);
	n = message6(out, sizeof(out), id, &wire_any, "");
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(send(r->control, out, n, 0), (ssize_t)n);
		CU_ASSERT_EQUAL(read_message(r->control, bytes, sizeof(bytes)).type,
				SOCKS6_UDP_CONFIRM);
	}
	CU_ASSERT_EQUAL(r->asked, 0);
	/* What is no message ends it. */
	CU_ASSERT_EQUAL(send(r->control, "\x05", 1, 0), 1);
	CU_ASSERT_EQUAL(recv(r->control, bytes, 1, 0), 0);
	rig_end(r, "the client's message is none");
	free(r);
}

static void reports_errors_to_those_who_want_them(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS6);
	struct wire_address nobody, server, localhost = address("127.0.0.1:0");
	int fd = udp_socket("127.0.0.1:0", &nobody);
	uint8_t out[300], bytes[64];
	struct socks6_udp m;
	uint64_t id;
	size_t n;

	close(fd);
	fd = udp_socket("127.0.0.1:0", &server);
	r->start.report_errors = true;
	rig_run(r, "");
	id = read_init(r->control);
	n = message6(out, sizeof(out), id, &nobody, "x");
	CU_ASSERT_EQUAL(send(r->control, out, n, 0), (ssize_t)n);
	CU_ASSERT_EQUAL(read_message(r->control, bytes, sizeof(bytes)).type, SOCKS6_UDP_CONFIRM);
	m = read_message(r->control, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(m.type, SOCKS6_UDP_ERROR_REPORT);
	CU_ASSERT_EQUAL(m.association, id);
	CU_ASSERT_EQUAL(m.code, SOCKS6_UDP_HOST_UNREACHABLE);
	CU_ASSERT_TRUE(wire_address_same(&m.at, &nobody));
	CU_ASSERT_TRUE(wire_address_same(&m.reporter, &localhost));
	/* Others are not disturbed. */
	n = message6(out, sizeof(out), id, &server, "y");
	CU_ASSERT_EQUAL(send(r->control, out, n, 0), (ssize_t)n);
	GETS(fd, NULL, "y");
	rig_end(r, "the client ended it");
	close(fd);
	free(r);
}

/* ---- a next proxy ---- */

/* Reads a SOCKS6 request from FD and grants it. */
static void grant(int fd, const struct wire_address *bound)
{
	static const struct inbound_settings settings = { .socks6 = true };
	struct inbound *in = inbound_open(&settings);
	enum inbound_step step = INBOUND_MORE;
	struct bytes reply = { .n = 0 };
	uint8_t got[512];
	size_t n = 0, used;

	while (step == INBOUND_MORE) {
		ssize_t more = recv(fd, got + n, sizeof(got) - n, 0);

		CU_ASSERT_FATAL(more > 0);
		n += (size_t)more;
		step = inbound_feed(in, got, n, &used, &reply);
	}
	CU_ASSERT_EQUAL(step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(used, n);
	CU_ASSERT_EQUAL(inbound_request(in)->command, SOCKS6_UDP_ASSOCIATE);
	inbound_reply(in, OUTCOME_OK, bound, 0, &reply);
	CU_ASSERT_EQUAL(send(fd, reply.at, reply.n, 0), (ssize_t)reply.n);
	bytes_free(&reply);
	inbound_close(in);
}

static void goes_on_to_the_next_proxy(void)
{
	struct rig *near = rig_new(INBOUND_SOCKS5), *far = rig_new(INBOUND_SOCKS6);
	struct wire_address server, from, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);
	int listener = open_socket(SOCK_STREAM, "127.0.0.1:0", &near->next), link;
	char text[8];

	CU_ASSERT_EQUAL(listen(listener, 4), 0);
	near->n_stages = 1;
	rig_run(near, "");
	/* 4 wait until there is a connection, the others are lost. */
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say5(near, client, &server, text);
	}
	link = accept(listener, NULL, NULL);
	CU_ASSERT_FATAL(link >= 0);
	close(far->start.control.fd);
	close(far->control);
	far->control = -1;
	far->start.control.fd = link;
	grant(link, &wire_any);
	rig_run(far, "");
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%da", i);
		GETS(fd, &from, text);
	}
	say5(near, client, &server, "last");
	GETS(fd, &from, "lasta");
	send_to(fd, &from, "backa", 5);
	GETS_BACK(client, &server, "back");
	rig_end(near, "the client ended it");
	rig_end(far, "the client ended it");
	CU_ASSERT_EQUAL(near->dropped, 2);
	CU_ASSERT_EQUAL(far->dropped, 0);
	CU_ASSERT_EQUAL(far->bytes[WAY_FORWARD], 4 * 2 + 5);
	close(client), close(fd), close(listener);
	free(near);
	free(far);
}

static void takes_replies_only_from_where_it_sent_to(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, other, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);
	int listener = open_socket(SOCK_STREAM, "127.0.0.1:0", &r->next), link;
	struct socks6_udp init = { .type = SOCKS6_UDP_INIT, .association = 7 };
	uint8_t out[512];
	size_t n;

	CU_ASSERT_EQUAL(listen(listener, 4), 0);
	rig_run(r, "");
	say5(r, client, &server, "x");
	link = accept(listener, NULL, NULL);
	CU_ASSERT_FATAL(link >= 0);
	set_patience(link, PATIENCE_MS);
	grant(link, &wire_any);
	other = server;
	other.port ^= 1;
	n = socks6_udp_write(out, sizeof(out), &init);
	n += message6(out + n, sizeof(out) - n, 7, &other, "elsewhere");
	n += message6(out + n, sizeof(out) - n, 8, &server, "another association");
	n += message6(out + n, sizeof(out) - n, 7, &server, "good");
	CU_ASSERT_EQUAL(send(link, out, n, 0), (ssize_t)n);
	check_message(__LINE__, link, true, 7, &server, "x");
	GETS_BACK(client, &server, "good");
	close(link);
	CU_ASSERT_TRUE(stays_silent(client));
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->dropped, 2);
	close(client), close(fd), close(listener);
	free(r);
}

static void survives_the_loss_of_the_next_proxy(void)
{
	struct rig *r = rig_new(INBOUND_SOCKS5);
	struct wire_address server, me;
	int client = udp_socket("127.0.0.1:0", &me), fd = udp_socket("127.0.0.1:0", &server);
	int listener = open_socket(SOCK_STREAM, "127.0.0.1:0", &r->next), link;
	uint8_t byte[1];

	CU_ASSERT_EQUAL(listen(listener, 4), 0);
	rig_run(r, "");
	say5(r, client, &server, "x");
	link = accept(listener, NULL, NULL);
	CU_ASSERT_FATAL(link >= 0);
	grant(link, &wire_any);
	CU_ASSERT_EQUAL(send(link, "\x06\x09", 2, 0), 2);
	CU_ASSERT_EQUAL(recv(link, byte, 1, 0), 0);
	close(link);
	/* At once it is not tried again. */
	say5(r, client, &server, "y");
	set_patience(listener, SHORT_MS);
	CU_ASSERT_TRUE(accept(listener, NULL, NULL) < 0);
	rig_end(r, "the client ended it");
	CU_ASSERT_EQUAL(r->asked, 1);
	close(client), close(fd), close(listener);
	free(r);
}

static const struct unit units[] = {
	{ "carries_datagrams_both_ways", carries_datagrams_both_ways },
	{ "drops_what_may_not_pass", drops_what_may_not_pass },
	{ "keeps_to_the_port_that_the_client_told", keeps_to_the_port_that_the_client_told },
	{ "passes_functions_in_order_and_back", passes_functions_in_order_and_back },
	{ "refuses_functions_of_streams_and_asks_meters",
	  refuses_functions_of_streams_and_asks_meters },
	{ "forgets_the_longest_unused_destination", forgets_the_longest_unused_destination },
	{ "asks_again_after_a_reload", asks_again_after_a_reload },
	{ "ends_when_idle_and_when_stopped", ends_when_idle_and_when_stopped },
	{ "resolves_names_once", resolves_names_once },
	{ "finds_a_port_of_the_wanted_parity", finds_a_port_of_the_wanted_parity },
	{ "says_why_there_is_no_association", says_why_there_is_no_association },
	{ "carries_messages_over_tcp", carries_messages_over_tcp },
	{ "carries_messages_over_udp", carries_messages_over_udp },
	{ "confirms_empty_datagrams", confirms_empty_datagrams },
	{ "reports_errors_to_those_who_want_them", reports_errors_to_those_who_want_them },
	{ "goes_on_to_the_next_proxy", goes_on_to_the_next_proxy },
	{ "takes_replies_only_from_where_it_sent_to", takes_replies_only_from_where_it_sent_to },
	{ "survives_the_loss_of_the_next_proxy", survives_the_loss_of_the_next_proxy },
};

int main(void)
{
	return unit_main("udp", units, sizeof(units) / sizeof(*units));
}
