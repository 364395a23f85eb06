/* Connections: runtime/socks/dial.h.  In a network of our own, with Fast Open in both directions.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "runtime/socks/dial.h"
#include "tests/unit/certificates.h"
#include "tests/unit/loopback.h"

struct call {
	struct rig *rig;
	unsigned calls;
	struct dial_result result;
};

static void called(void *arg, const struct dial_result *r)
{
	struct call *c = arg;

	c->calls++;
	c->result = *r;
	if (r->outcome == OUTCOME_OK)
		loop_forget_left(c->rig->loop, r->stream.fd);
	loop_end(c->rig->loop);
}

static struct dial_wish wish_of(const struct wire_address *to, size_t n, const char *first)
{
	return (struct dial_wish){ .to = to,
				   .n = n,
				   .timeout_ms = PATIENCE_MS,
				   .first = { (const uint8_t *)first, strlen(first) } };
}

/* Dials and waits. */
static struct dial_result dial(struct rig *r, const struct dial_wish *wish)
{
	struct call c = { .rig = r };

	CU_ASSERT_PTR_NOT_NULL_FATAL(dial_start(r->loop, wish, called, &c));
	CU_ASSERT_EQUAL(c.calls, 0);
	CU_ASSERT_TRUE_FATAL(rig_run(r, PATIENCE_MS));
	CU_ASSERT_EQUAL(c.calls, 1);
	return c.result;
}

static void check_reached(const struct dial_result *r, const struct wire_address *at)
{
	CU_ASSERT_EQUAL_FATAL(r->outcome, OUTCOME_OK);
	CU_ASSERT_TRUE_FATAL(r->stream.fd >= 0);
	CU_ASSERT_TRUE(wire_address_same(&r->at, at));
}

/* What LISTENER accepts gets all of TEXT. */
static void check_first(int listener, const struct dial_result *r, const char *text)
{
	int fd = accept_one(listener);

	CU_ASSERT_EQUAL(r->sent, strlen(text));
	expect_bytes(fd, text);
	close(fd);
}

/* ---- one address ---- */

static void the_first_bytes_are_sent_at_once(const char *text)
{
	struct wire_address at;
	int listener = listen_at(text, 8, &at);
	struct dial_wish w = wish_of(&at, 1, "hello");
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	r = dial(&rig, &w);
	check_reached(&r, &at);
	CU_ASSERT_EQUAL(r.bound.port, 0);
	check_first(listener, &r, "hello");
	stream_close(&r.stream);
	close(listener);
	rig_close(&rig);
}

static void first_bytes_go_over_ipv4(void)
{
	the_first_bytes_are_sent_at_once("127.0.0.1:0");
}

static void first_bytes_go_over_ipv6(void)
{
	the_first_bytes_are_sent_at_once("[::1]:0");
}

static void more_than_fits_is_left_to_the_caller(void)
{
	static uint8_t much[32 << 20];
	struct wire_address at;
	int listener = listen_at("127.0.0.1:0", 8, &at);
	struct dial_wish w = wish_of(&at, 1, "");
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	w.first = (struct wire_span){ much, sizeof(much) };
	r = dial(&rig, &w);
	check_reached(&r, &at);
	CU_ASSERT_TRUE(r.sent > 0 && r.sent < sizeof(much));
	stream_close(&r.stream);
	close(listener);
	rig_close(&rig);
}

/* EPOLLIN comes to whoever takes the descriptor over. */
struct taker {
	struct watch watch; /* first */
	struct rig *rig;
	struct dial_result result;
	uint32_t seen;
};

static void taker_ready(struct watch *w, uint32_t events)
{
	struct taker *t = (struct taker *)w;

	t->seen |= events;
	loop_end(t->rig->loop);
}

static void taker_called(void *arg, const struct dial_result *r)
{
	struct taker *t = arg;

	t->result = *r;
	if (r->outcome != OUTCOME_OK)
		return;
	t->watch.fd = r->stream.fd;
	CU_ASSERT_TRUE(loop_watch(t->rig->loop, &t->watch, EPOLLIN));
}

static void the_caller_takes_the_descriptor_over(void)
{
	struct wire_address at;
	int listener = listen_at("127.0.0.1:0", 8, &at), fd;
	struct dial_wish w = wish_of(&at, 1, "");
	struct rig rig;
	struct taker t = { .watch.ready = taker_ready, .rig = &rig };

	rig_open(&rig);
	CU_ASSERT_PTR_NOT_NULL_FATAL(dial_start(rig.loop, &w, taker_called, &t));
	CU_ASSERT_FALSE(rig_run(&rig, 50));
	CU_ASSERT_EQUAL_FATAL(t.result.outcome, OUTCOME_OK);
	CU_ASSERT_EQUAL(t.seen, 0);
	fd = accept_one(listener);
	CU_ASSERT_EQUAL(send(fd, "x", 1, 0), 1);
	CU_ASSERT_TRUE(rig_run(&rig, PATIENCE_MS));
	CU_ASSERT_EQUAL(t.seen, EPOLLIN);
	loop_forget_closing(rig.loop, &t.watch);
	stream_close(&t.result.stream);
	close(fd);
	close(listener);
	rig_close(&rig);
}

static void what_was_wished_is_there(void)
{
	struct wire_address at, from = address_of("127.0.0.5:0"), name;
	int listener = listen_at("127.0.0.1:0", 8, &at), fd, tos, ttl, mtu, mark;
	struct dial_wish w = wish_of(&at, 1, "");
	socklen_t n = sizeof(int);
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	w.from = &from;
	w.want_bound = true;
	w.tos = 0x28;
	w.ttl = 9;
	w.mark = 77;
	w.no_fragmentation = true;
	r = dial(&rig, &w);
	check_reached(&r, &at);
	fd = accept_one(listener);
	name = name_of_socket(fd, true);
	CU_ASSERT_TRUE(wire_address_same(&name, &r.bound));
	CU_ASSERT_EQUAL(memcmp(name.ip, from.ip, 4), 0);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_IP, IP_TOS, &tos, &n), 0);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_IP, IP_TTL, &ttl, &n), 0);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_IP, IP_MTU_DISCOVER, &mtu, &n), 0);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, SOL_SOCKET, SO_MARK, &mark, &n), 0);
	CU_ASSERT_EQUAL(tos, 0x28);
	CU_ASSERT_EQUAL(ttl, 9);
	CU_ASSERT_EQUAL(mtu, IP_PMTUDISC_DO);
	CU_ASSERT_EQUAL(mark, 77);
	stream_close(&r.stream);
	close(fd);
	close(listener);
	rig_close(&rig);
}

static void options_of_ipv6_are_there_too(void)
{
	struct wire_address at;
	int listener = listen_at("[::1]:0", 8, &at), class, hops;
	struct dial_wish w = wish_of(&at, 1, "");
	socklen_t n = sizeof(int);
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	w.tos = 0x28;
	w.ttl = 9;
	r = dial(&rig, &w);
	check_reached(&r, &at);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_IPV6, IPV6_TCLASS, &class, &n), 0);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, &n), 0);
	CU_ASSERT_EQUAL(class, 0x28);
	CU_ASSERT_EQUAL(hops, 9);
	stream_close(&r.stream);
	close(listener);
	rig_close(&rig);
}

static void multipath_or_plain_it_connects(void)
{
	struct wire_address at;
	int listener = listen_at("127.0.0.1:0", 8, &at);
	struct dial_wish w = wish_of(&at, 1, "hello");
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	w.multipath = true;
	r = dial(&rig, &w);
	check_reached(&r, &at);
	check_first(listener, &r, "hello");
	stream_close(&r.stream);
	close(listener);
	rig_close(&rig);
}

/* ---- failures ---- */

static void check_fails(const struct dial_wish *w, enum outcome outcome, const char *why)
{
	struct dial_result r;
	struct rig rig;

	rig_open(&rig);
	r = dial(&rig, w);
	CU_ASSERT_EQUAL(r.outcome, outcome);
	CU_ASSERT_EQUAL(r.stream.fd, -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.why, why));
	rig_close(&rig);
}

static void nobody_listens(void)
{
	struct wire_address at = closed_port();
	struct dial_wish w = wish_of(&at, 1, "hello");

	check_fails(&w, OUTCOME_REFUSED, "connection refused");
}

static void there_is_no_way(void)
{
	struct wire_address at = address_of("192.0.2.1:80");
	struct dial_wish w = wish_of(&at, 1, "");

	check_fails(&w, OUTCOME_NET_UNREACHABLE, "192.0.2.1:80: network unreachable");
}

static void there_is_no_address(void)
{
	struct dial_wish w = wish_of(NULL, 0, "");

	check_fails(&w, OUTCOME_NO_SUCH_NAME, "no address");
}

static void nobody_answers(void)
{
	struct silent s;
	struct dial_wish w;

	silent_open(&s, "127.0.0.1:0");
	w = wish_of(&s.at, 1, "");
	w.timeout_ms = 60;
	check_fails(&w, OUTCOME_TIMED_OUT, "timed out");
	silent_close(&s);
}

static void the_most_telling_error_counts(void)
{
	struct wire_address to[3] = { address_of("[2001:db8::1]:80"), closed_port(),
				      address_of("192.0.2.1:80") };
	struct dial_wish w = wish_of(to, 3, "");

	check_fails(&w, OUTCOME_REFUSED, "127.0.0.1");
}

static void another_family_cannot_be_bound(void)
{
	struct wire_address at, from = address_of("[::1]:0");
	int listener = listen_at("127.0.0.1:0", 8, &at);
	struct dial_wish w = wish_of(&at, 1, "");

	w.from = &from;
	check_fails(&w, OUTCOME_ADDRESS_TYPE, "127.0.0.1");
	close(listener);
}

/* ---- several addresses ---- */

/* Head starts would take longer than there is patience. */
static void one_that_fails_is_followed_at_once(void)
{
	struct wire_address to[DIAL_MOST] = { address_of("[2001:db8::1]:80") };
	int listener = listen_at("127.0.0.1:0", 8, &to[DIAL_MOST - 1]);
	struct dial_wish w = wish_of(to, DIAL_MOST, "hello");
	struct dial_result r;
	struct rig rig;

	for (int i = 1; i < DIAL_MOST - 1; i++)
		to[i] = closed_port();
	rig_open(&rig);
	w.timeout_ms = (DIAL_MOST - 2) * DIAL_HEAD_START_MS;
	r = dial(&rig, &w);
	check_reached(&r, &to[DIAL_MOST - 1]);
	check_first(listener, &r, "hello");
	stream_close(&r.stream);
	close(listener);
	rig_close(&rig);
}

/* Descriptors of this process. */
static unsigned n_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_silent_one_is_overtaken_and_closed(void)
{
	struct wire_address to[2];
	struct silent s;
	struct dial_wish w;
	struct dial_result r;
	struct rig rig;
	int listener = listen_at("127.0.0.1:0", 8, &to[1]);
	unsigned before;

	rig_open(&rig);
	silent_open(&s, "127.0.0.1:0");
	to[0] = s.at;
	w = wish_of(to, 2, "hello");
	before = n_descriptors();
	r = dial(&rig, &w);
	check_reached(&r, &to[1]);
	CU_ASSERT_EQUAL(n_descriptors(), before + 1);
	check_first(listener, &r, "hello");
	stream_close(&r.stream);
	silent_close(&s);
	close(listener);
	rig_close(&rig);
}

static void patience_is_for_all_addresses(void)
{
	struct wire_address to[2];
	struct silent s;
	struct dial_wish w;

	silent_open(&s, "127.0.0.1:0");
	to[0] = to[1] = s.at;
	w = wish_of(to, 2, "");
	w.timeout_ms = DIAL_HEAD_START_MS + 100;
	check_fails(&w, OUTCOME_TIMED_OUT, "timed out");
	silent_close(&s);
}

/* ---- cancelling ---- */

static void cancelled_dials_do_not_call(void)
{
	struct wire_address at[2] = { closed_port() }, none = address_of("192.0.2.1:80");
	struct dial_wish w;
	struct silent s;
	struct rig rig;
	struct call c = { .rig = &rig };
	unsigned before;

	rig_open(&rig);
	silent_open(&s, "127.0.0.1:0");
	at[1] = s.at;
	before = n_descriptors();
	w = wish_of(at, 2, "hello");
	dial_cancel(dial_start(rig.loop, &w, called, &c));
	w = wish_of(&none, 1, "");
	dial_cancel(dial_start(rig.loop, &w, called, &c));
	CU_ASSERT_FALSE(rig_run(&rig, 50));
	CU_ASSERT_EQUAL(c.calls, 0);
	CU_ASSERT_EQUAL(n_descriptors(), before);
	silent_close(&s);
	rig_close(&rig);
}

static void a_cancelled_dial_is_reset(void)
{
	struct wire_address at;
	int listener = listen_at("127.0.0.1:0", 8, &at), fd;
	struct dial_wish w = wish_of(&at, 1, "");
	struct rig rig;
	struct call c = { .rig = &rig };
	struct dial *d;
	char byte;

	rig_open(&rig);
	d = dial_start(rig.loop, &w, called, &c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	fd = accept_one(listener);
	dial_cancel(d);
	CU_ASSERT_TRUE(readable(fd, PATIENCE_MS));
	CU_ASSERT_EQUAL(recv(fd, &byte, 1, 0), -1);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
	CU_ASSERT_FALSE(rig_run(&rig, 20));
	CU_ASSERT_EQUAL(c.calls, 0);
	close(fd);
	close(listener);
	rig_close(&rig);
}

/* ---- Fast Open ---- */

static int listen_fast(struct wire_address *at)
{
	int listener = listen_at("127.0.0.1:0", 8, at), queue = 8;

	CU_ASSERT_EQUAL(setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)), 0);
	return listener;
}

/* Dials with Fast Open; returns whether the SYN carried data that the server took. */
static bool dial_fast(struct rig *rig, const struct wire_address *to, size_t n, int listener,
		      const char *first)
{
	struct dial_wish w = wish_of(to, n, first);
	struct tcp_info info = { .tcpi_options = 0 };
	socklen_t size = sizeof(info);
	struct dial_result r;
	int fd;

	w.fast_open = true;
	r = dial(rig, &w);
	check_reached(&r, &to[n - 1]);
	CU_ASSERT_EQUAL(r.sent, strlen(first));
	fd = accept_one(listener);
	expect_bytes(fd, first);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	stream_close(&r.stream);
	close(fd);
	return info.tcpi_options & TCPI_OPT_SYN_DATA;
}

static void the_first_bytes_ride_in_the_syn(void)
{
	struct wire_address at;
	int listener = listen_fast(&at);
	struct rig rig;

	rig_open(&rig);
	CU_ASSERT_EQUAL(dial_fast_open_allowed(), 3);
	dial_fast(&rig, &at, 1, listener, "first"); /* may fetch the cookie */
	CU_ASSERT_TRUE(dial_fast(&rig, &at, 1, listener, "second"));
	close(listener);
	rig_close(&rig);
}

static void without_bytes_it_connects_all_the_same(void)
{
	struct wire_address at;
	int listener = listen_fast(&at);
	struct rig rig;

	rig_open(&rig);
	dial_fast(&rig, &at, 1, listener, "first");
	CU_ASSERT_FALSE(dial_fast(&rig, &at, 1, listener, ""));
	close(listener);
	rig_close(&rig);
}

static void bytes_in_a_refused_syn_go_to_the_next(void)
{
	struct wire_address to[2];
	int gone = listen_fast(&to[0]), listener = listen_at("127.0.0.2:0", 8, &to[1]);
	struct rig rig;

	rig_open(&rig);
	dial_fast(&rig, to, 1, gone, "cookie");
	close(gone);
	dial_fast(&rig, to, 2, listener, "hello");
	close(listener);
	rig_close(&rig);
}

static void a_refused_syn_with_data_is_told(void)
{
	struct wire_address at;
	int gone = listen_fast(&at);
	struct dial_wish w = wish_of(&at, 1, "hello");
	struct rig rig;

	rig_open(&rig);
	dial_fast(&rig, &at, 1, gone, "cookie");
	close(gone);
	rig_close(&rig);
	w.fast_open = true;
	check_fails(&w, OUTCOME_REFUSED, "connection refused");
}

/* ---- TLS ---- */

/* A server on a thread of its own that tells what it got. */
struct server {
	struct certificates certificates;
	struct tls_side *side, *client;
	struct wire_address at;
	int listener;
	pthread_t thread;
	char got[64];
};

static void *serve(void *arg)
{
	struct server *s = arg;
	struct stream stream = { .fd = accept_one(s->listener) };
	struct tls_error error;
	size_t n = 0;
	ssize_t more = 1;

	if (!stream_tls_accept(&stream, s->side) || stream_shake(&stream, &error) != 1)
		more = 0;
	while (more > 0 && n < sizeof(s->got) - 1) {
		more = stream_recv(&stream, s->got + n, sizeof(s->got) - 1 - n);
		n += more > 0 ? (size_t)more : 0;
	}
	stream_close(&stream);
	return NULL;
}

static void server_open(struct server *s, const char *authority)
{
	struct tls_error error;

	memset(s, 0, sizeof(*s));
	CU_ASSERT_TRUE_FATAL(certificates_make(&s->certificates));
	s->side = tls_server(&(struct tls_files){ certificates_path(&s->certificates, "server.pem"),
						  certificates_path(&s->certificates, "server.key"),
						  NULL },
			     &error);
	s->client = tls_client(
	    &(struct tls_files){ .authority = certificates_path(&s->certificates, authority) },
	    &error);
	CU_ASSERT_TRUE_FATAL(s->side && s->client);
	s->listener = listen_fast(&s->at);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_close(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
	tls_drop(s->client);
	tls_drop(s->side);
	certificates_remove(&s->certificates);
}

static struct dial_wish wish_of_server(const struct server *s, const char *first)
{
	struct dial_wish w = wish_of(&s->at, 1, first);

	w.tls = s->client;
	w.tls_name = "localhost";
	return w;
}

static void check_tls(bool fast_open)
{
	struct tcp_info info = { .tcpi_options = 0 };
	socklen_t size = sizeof(info);
	struct dial_result r;
	struct dial_wish w;
	struct server s;
	struct rig rig;

	rig_open(&rig);
	server_open(&s, "authority.pem");
	w = wish_of_server(&s, "hello");
	w.fast_open = fast_open;
	r = dial(&rig, &w);
	check_reached(&r, &s.at);
	CU_ASSERT_PTR_NOT_NULL(r.stream.tls);
	CU_ASSERT_EQUAL(r.sent, 5);
	CU_ASSERT_EQUAL(getsockopt(r.stream.fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	CU_ASSERT_EQUAL(!!(info.tcpi_options & TCPI_OPT_SYN_DATA), fast_open);
	stream_close(&r.stream);
	server_close(&s);
	UNIT_TEXT("hello", s.got);
	rig_close(&rig);
}

static void first_bytes_go_under_tls(void)
{
	check_tls(false);
}

static void a_tls_handshake_begins_in_the_syn(void)
{
	struct wire_address at;
	int listener = listen_fast(&at);
	struct rig rig;

	rig_open(&rig);
	dial_fast(&rig, &at, 1, listener, "cookie");
	rig_close(&rig);
	close(listener);
	check_tls(true);
}

static void a_stranger_is_not_spoken_to(void)
{
	struct dial_wish w;
	struct server s;

	server_open(&s, "stranger.pem");
	w = wish_of_server(&s, "hello");
	check_fails(&w, OUTCOME_FAILED, "certificate");
	server_close(&s);
	UNIT_TEXT("", s.got);
}

static void whoever_does_not_shake_is_given_up(void)
{
	struct wire_address at;
	int listener = listen_at("127.0.0.1:0", 8, &at);
	struct dial_wish w;
	struct server s;

	server_open(&s, "authority.pem");
	w = wish_of_server(&s, "hello");
	w.to = &at;
	w.timeout_ms = 60;
	check_fails(&w, OUTCOME_TIMED_OUT, "timed out");
	close(listener);
	w.to = &s.at;
	w.tls_name = "elsewhere.test";
	w.timeout_ms = PATIENCE_MS;
	check_fails(&w, OUTCOME_FAILED, "certificate");
	server_close(&s);
}

static const struct unit units[] = {
	{ "first_bytes_go_over_ipv4", first_bytes_go_over_ipv4 },
	{ "first_bytes_go_over_ipv6", first_bytes_go_over_ipv6 },
	{ "more_than_fits_is_left_to_the_caller", more_than_fits_is_left_to_the_caller },
	{ "the_caller_takes_the_descriptor_over", the_caller_takes_the_descriptor_over },
	{ "what_was_wished_is_there", what_was_wished_is_there },
	{ "options_of_ipv6_are_there_too", options_of_ipv6_are_there_too },
	{ "multipath_or_plain_it_connects", multipath_or_plain_it_connects },
	{ "nobody_listens", nobody_listens },
	{ "there_is_no_way", there_is_no_way },
	{ "there_is_no_address", there_is_no_address },
	{ "nobody_answers", nobody_answers },
	{ "the_most_telling_error_counts", the_most_telling_error_counts },
	{ "another_family_cannot_be_bound", another_family_cannot_be_bound },
	{ "one_that_fails_is_followed_at_once", one_that_fails_is_followed_at_once },
	{ "a_silent_one_is_overtaken_and_closed", a_silent_one_is_overtaken_and_closed },
	{ "patience_is_for_all_addresses", patience_is_for_all_addresses },
	{ "cancelled_dials_do_not_call", cancelled_dials_do_not_call },
	{ "a_cancelled_dial_is_reset", a_cancelled_dial_is_reset },
	{ "the_first_bytes_ride_in_the_syn", the_first_bytes_ride_in_the_syn },
	{ "without_bytes_it_connects_all_the_same", without_bytes_it_connects_all_the_same },
	{ "bytes_in_a_refused_syn_go_to_the_next", bytes_in_a_refused_syn_go_to_the_next },
	{ "a_refused_syn_with_data_is_told", a_refused_syn_with_data_is_told },
	{ "first_bytes_go_under_tls", first_bytes_go_under_tls },
	{ "a_tls_handshake_begins_in_the_syn", a_tls_handshake_begins_in_the_syn },
	{ "a_stranger_is_not_spoken_to", a_stranger_is_not_spoken_to },
	{ "whoever_does_not_shake_is_given_up", whoever_does_not_shake_is_given_up },
};

int main(void)
{
	if (!own_network(0) || !write_file("/proc/sys/net/ipv4/tcp_fastopen", "3")) {
		puts("skipped: no network of our own is allowed");
		return 77;
	}
	signal(SIGPIPE, SIG_IGN);
	return unit_main("dial", units, sizeof(units) / sizeof(*units));
}
