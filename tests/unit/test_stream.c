#include <config.h>

#include "runtime/socks/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/socks/function.h"
#include "tests/unit/certificates.h"
#include "tests/unit/relay_bed.h"
#include "tests/unit/unit.h"

/* ---- bytes ---- */

static void bytes_grow(void)
{
	struct bytes b = { 0 };
	uint8_t *at;

	for (int i = 0; i < 1000; i++)
		bytes_add(&b, "abcdefg", 7);
	CU_ASSERT_EQUAL(b.n, 7000);
	bytes_take(&b, 6993);
	CU_ASSERT(b.n == 7 && !memcmp(b.at, "abcdefg", 7));
	CU_ASSERT_PTR_NOT_NULL_FATAL(at = bytes_more(&b, 100000));
	CU_ASSERT(at == b.at + 7 && b.n == 7 && b.room >= 100007);
	bytes_take(&b, 100);
	CU_ASSERT_EQUAL(b.n, 0);
	bytes_add(&b, NULL, 0);
	bytes_free(&b);
	CU_ASSERT(!b.at && !b.room);
}

static void bytes_fail(void)
{
	struct bytes b = { 0 };

	bytes_add(&b, "abc", 3);
	CU_ASSERT_PTR_NULL(bytes_more(&b, SIZE_MAX));
	CU_ASSERT(b.failed);
	bytes_add(&b, "def", 3);
	CU_ASSERT_EQUAL(b.n, 3);
	bytes_free(&b);
}

/* ---- plain ---- */

struct pair {
	struct stream a, b; /* neither blocks */
};

static void pair_open(struct pair *p, enum bed_sockets kind)
{
	memset(p, 0, sizeof(*p));
	CU_ASSERT_FATAL(bed_pair(kind, &p->a.fd, &p->b.fd));
	fcntl(p->a.fd, F_SETFL, O_NONBLOCK);
}

static void pair_close(struct pair *p)
{
	stream_close(&p->a);
	stream_close(&p->b);
}

/* Loopback is quick, but not instant. */
static ssize_t recv_soon(struct stream *s, void *to, size_t room)
{
	ssize_t n = STREAM_AGAIN;

	for (int i = 0; i < 2000 && n == STREAM_AGAIN; i++) {
		n = stream_recv(s, to, room);
		if (n == STREAM_AGAIN)
			usleep(500);
	}
	return n;
}

static void plain_streams(void)
{
	struct pair p;
	char got[8];

	pair_open(&p, BED_TCP);
	CU_ASSERT_EQUAL(stream_recv(&p.a, got, 8), STREAM_AGAIN);
	CU_ASSERT_EQUAL(stream_send(&p.b, "hello", 5), 5);
	CU_ASSERT_EQUAL(recv_soon(&p.a, got, 8), 5);
	CU_ASSERT_EQUAL(stream_finish(&p.b), 1);
	CU_ASSERT_EQUAL(recv_soon(&p.a, got, 8), STREAM_END);
	CU_ASSERT_EQUAL(stream_send(&p.a, "still", 5), 5);
	CU_ASSERT_EQUAL(recv_soon(&p.b, got, 8), 5);
	CU_ASSERT(stream_wants(&p.a) == 0 && !stream_holds(&p.a));
	pair_close(&p);
	CU_ASSERT(p.a.fd == -1 && p.b.fd == -1);
}

static void plain_resets(void)
{
	struct pair p;
	char got[8];

	pair_open(&p, BED_TCP);
	stream_reset(&p.b);
	CU_ASSERT_EQUAL(p.b.fd, -1);
	CU_ASSERT_EQUAL(recv_soon(&p.a, got, 8), STREAM_BROKEN);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
	CU_ASSERT_EQUAL(stream_send(&p.a, "x", 1), STREAM_BROKEN);
	CU_ASSERT_EQUAL(stream_finish(&p.a), STREAM_BROKEN);
	pair_close(&p);
}

static void tuned(void)
{
	struct pair p;
	int delay = 0, alive = 0;
	socklen_t n = sizeof(int);

	pair_open(&p, BED_TCP);
	stream_hurry(p.b.fd);
	stream_keep_alive(p.b.fd);
	CU_ASSERT(!getsockopt(p.b.fd, IPPROTO_TCP, TCP_NODELAY, &delay, &n) && delay);
	CU_ASSERT(!getsockopt(p.b.fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &n) && alive);
	pair_close(&p);
}

/* ---- TLS ---- */

struct world {
	struct certificates c;
	struct pair p; /* a: client, b: server */
	struct tls_side *client, *server;
	struct tls_error client_error, server_error;
	int client_step, server_step;
};

struct names {
	const char *client, *client_authority, *server, *server_authority;
};

static struct tls_files files(struct world *w, const char *name, const char *authority)
{
	char file[32];
	struct tls_files f = { 0 };

	if (name) {
		snprintf(file, sizeof(file), "%s.pem", name);
		f.certificate = certificates_path(&w->c, file);
		snprintf(file, sizeof(file), "%s.key", name);
		f.certificate_key = certificates_path(&w->c, file);
	}
	if (authority) {
		snprintf(file, sizeof(file), "%s.pem", authority);
		f.authority = certificates_path(&w->c, file);
	}
	return f;
}

static void shake_both(struct world *w)
{
	w->client_step = w->server_step = STREAM_AGAIN;
	for (int i = 0; i < 4000; i++) {
		if (w->client_step == STREAM_AGAIN)
			w->client_step = stream_shake(&w->p.a, &w->client_error);
		if (w->server_step == STREAM_AGAIN)
			w->server_step = stream_shake(&w->p.b, &w->server_error);
		if (w->client_step != STREAM_AGAIN && w->server_step != STREAM_AGAIN)
			return;
		if (w->client_step == STREAM_BROKEN || w->server_step == STREAM_BROKEN)
			return;
		usleep(200);
	}
}

static void world_open(struct world *w, enum bed_sockets kind, const struct names *n,
		       const char *asked)
{
	struct tls_files client, server;

	memset(w, 0, sizeof(*w));
	CU_ASSERT_FATAL(certificates_make(&w->c));
	client = files(w, n->client, n->client_authority);
	server = files(w, n->server, n->server_authority);
	pair_open(&w->p, kind);
	w->client = tls_client(&client, &w->client_error);
	w->server = tls_server(&server, &w->server_error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->client);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->server);
	CU_ASSERT_FATAL(stream_tls_connect(&w->p.a, w->client, asked));
	CU_ASSERT_FATAL(stream_tls_accept(&w->p.b, w->server));
	CU_ASSERT_EQUAL(stream_shake(&w->p.b, &w->server_error), STREAM_AGAIN);
	CU_ASSERT_EQUAL(stream_wants(&w->p.b), EPOLLIN);
	shake_both(w);
}

static void world_close(struct world *w)
{
	pair_close(&w->p);
	tls_drop(w->client);
	tls_drop(w->server);
	certificates_remove(&w->c);
}

static const struct names mutual = { "client", "authority", "server", "authority" };
static const struct names one_sided = { NULL, "authority", "server", NULL };

static void tls_talks(void)
{
	uint8_t data[20000], got[20000];
	struct world w;
	char peer[64];
	size_t n = 0;

	world_open(&w, BED_TCP, &mutual, "localhost");
	CU_ASSERT(w.client_step == 1 && w.server_step == 1);
	CU_ASSERT(stream_wants(&w.p.a) == 0 && stream_wants(&w.p.b) == 0);
	CU_ASSERT_FATAL(stream_peer(&w.p.b, peer, sizeof(peer)));
	UNIT_TEXT("CN=client", peer);
	CU_ASSERT_FATAL(stream_peer(&w.p.a, peer, 6));
	UNIT_TEXT("CN=se", peer);
	memset(data, 7, sizeof(data));
	while (n < sizeof(data)) {
		ssize_t m = stream_send(&w.p.a, data + n, sizeof(data) - n);

		CU_ASSERT_FATAL(m > 0);
		n += (size_t)m;
	}
	CU_ASSERT_EQUAL(recv_soon(&w.p.b, got, 1), 1);
	CU_ASSERT(stream_holds(&w.p.b));
	for (n = 1; n < sizeof(got);) {
		ssize_t m = recv_soon(&w.p.b, got + n, sizeof(got) - n);

		CU_ASSERT_FATAL(m > 0);
		n += (size_t)m;
	}
	CU_ASSERT(!memcmp(got, data, sizeof(data)));
	CU_ASSERT_FALSE(stream_holds(&w.p.b));
	CU_ASSERT_EQUAL(stream_recv(&w.p.b, got, 1), STREAM_AGAIN);
	world_close(&w);
}

static void tls_ends(void)
{
	struct world w;
	char got[8];

	world_open(&w, BED_TCP, &one_sided, "localhost");
	CU_ASSERT_EQUAL(stream_finish(&w.p.a), 1);
	CU_ASSERT_EQUAL(recv_soon(&w.p.b, got, 8), STREAM_END);
	CU_ASSERT_EQUAL(stream_send(&w.p.b, "more", 4), 4);
	CU_ASSERT_EQUAL(recv_soon(&w.p.a, got, 8), 4);
	stream_close(&w.p.b);
	CU_ASSERT_EQUAL(recv_soon(&w.p.a, got, 8), STREAM_END);
	world_close(&w);
}

static void tls_cut(void)
{
	struct world w;
	char got[8];

	world_open(&w, BED_TCP, &one_sided, NULL);
	CU_ASSERT_FALSE(stream_peer(&w.p.b, got, sizeof(got)));
	shutdown(w.p.a.fd, SHUT_WR);
	CU_ASSERT_EQUAL(recv_soon(&w.p.b, got, 8), STREAM_BROKEN);
	CU_ASSERT_EQUAL(errno, ECONNRESET);
	CU_ASSERT_EQUAL(stream_recv(&w.p.b, got, 8), STREAM_BROKEN);
	CU_ASSERT_EQUAL(stream_send(&w.p.b, got, 8), STREAM_BROKEN);
	CU_ASSERT_EQUAL(stream_finish(&w.p.b), STREAM_BROKEN);
	world_close(&w);
}

/* The socket is filled behind the back of TLS, so that only close_notify has to wait. */
static void tls_finish_waits(void)
{
	uint8_t data[4096] = { 0 };
	size_t sent = 0, got = 0;
	struct world w;
	ssize_t n;

	world_open(&w, BED_SMALL, &one_sided, NULL);
	for (int quiet = 0; quiet < 20; usleep(500)) {
		n = send(w.p.a.fd, data, sizeof(data), MSG_DONTWAIT);
		sent += n > 0 ? (size_t)n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
	}
	CU_ASSERT_EQUAL(stream_finish(&w.p.a), STREAM_AGAIN);
	CU_ASSERT_EQUAL(stream_finish(&w.p.a), STREAM_AGAIN);
	for (int i = 0; i < 2000 && got < sent; i++) {
		n = recv(w.p.b.fd, data, sizeof(data), 0);
		got += n > 0 ? (size_t)n : 0;
		if (n < 0)
			usleep(500);
	}
	CU_ASSERT_EQUAL(got, sent);
	CU_ASSERT_EQUAL(stream_finish(&w.p.a), 1);
	usleep(20000);
	CU_ASSERT(recv(w.p.b.fd, data, sizeof(data), 0) > 5);
	CU_ASSERT_EQUAL(recv(w.p.b.fd, data, sizeof(data), 0), 0);
	world_close(&w);
}

static void tls_garbage(void)
{
	struct world w = { 0 };
	struct tls_files server;

	CU_ASSERT_FATAL(certificates_make(&w.c));
	server = files(&w, "server", NULL);
	pair_open(&w.p, BED_TCP);
	w.server = tls_server(&server, &w.server_error);
	CU_ASSERT_FATAL(w.server && stream_tls_accept(&w.p.b, w.server));
	CU_ASSERT_EQUAL(stream_send(&w.p.a, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	w.server_step = STREAM_AGAIN;
	for (int i = 0; i < 2000 && w.server_step == STREAM_AGAIN; i++) {
		w.server_step = stream_shake(&w.p.b, &w.server_error);
		usleep(200);
	}
	CU_ASSERT_EQUAL(w.server_step, STREAM_BROKEN);
	UNIT_TEXT("TLS: http request", w.server_error.text);
	world_close(&w);
}

static void accepted(const struct names *n, const char *asked, bool expected, const char *why)
{
	struct world w;

	world_open(&w, BED_TCP, n, asked);
	CU_ASSERT_EQUAL(w.client_step == 1, expected);
	if (!expected)
		UNIT_TEXT(why, w.client_error.text);
	world_close(&w);
}

static void tls_names(void)
{
	static const struct names stranger = { NULL, "stranger", "server", NULL };
	static const struct names expired = { NULL, "authority", "expired", NULL };
	static const struct names any = { NULL, NULL, "server", NULL };

	accepted(&one_sided, "localhost", true, NULL);
	accepted(&one_sided, "127.0.0.1", true, NULL);
	accepted(&one_sided, NULL, true, NULL);
	accepted(&any, "elsewhere.example", true, NULL);
	accepted(&one_sided, "elsewhere.example", false,
		 "the peer's certificate is refused: hostname mismatch");
	accepted(&one_sided, "127.0.0.2", false,
		 "the peer's certificate is refused: IP address mismatch");
	accepted(&stranger, "localhost", false,
		 "the peer's certificate is refused: unable to get local issuer certificate");
	accepted(&expired, NULL, false,
		 "the peer's certificate is refused: certificate has expired");
}

static void tls_wants_client_certificates(void)
{
	static const struct names without = { NULL, "authority", "server", "authority" };
	static const struct names foreign = { "client", "authority", "server", "stranger" };
	struct world w;

	world_open(&w, BED_TCP, &without, "localhost");
	CU_ASSERT_EQUAL(w.server_step, STREAM_BROKEN);
	UNIT_TEXT("TLS: peer did not return a certificate", w.server_error.text);
	world_close(&w);
	world_open(&w, BED_TCP, &foreign, "localhost");
	CU_ASSERT_EQUAL(w.server_step, STREAM_BROKEN);
	CU_ASSERT(!strncmp(w.server_error.text, "the peer's certificate is refused: ", 35));
	world_close(&w);
}

/* ---- files ---- */

static void refused(struct certificates *c, const struct tls_files *f, const char *begins,
		    const char *names, const char *ends)
{
	struct tls_error error;
	char expected[400];

	CU_ASSERT_PTR_NULL(tls_server(f, &error));
	snprintf(expected, sizeof(expected), "%s%s%s", begins,
		 names ? certificates_path(c, names) : "", ends);
	if (strncmp(expected, error.text, strlen(expected)))
		UNIT_TEXT(expected, error.text);
}

static void tls_files_are_named(void)
{
	struct certificates c;
	struct tls_error error;
	struct tls_side *side;
	struct tls_files f = { 0 };

	CU_ASSERT_FATAL(certificates_make(&c));
	refused(&c, &f, "a TLS server needs a certificate", NULL, "");
	f.certificate = certificates_path(&c, "none.pem");
	refused(&c, &f, "certificate ", "none.pem", ": No such file or directory");
	f.certificate = certificates_path(&c, "server.key");
	refused(&c, &f, "certificate ", "server.key", ": no certificate in PEM form (");
	f.certificate = c.directory;
	refused(&c, &f, "certificate ", NULL, "/tmp/epic-certificates-");
	f.certificate = certificates_path(&c, "server.pem");
	refused(&c, &f, "certificate ", "server.pem", ": its key is missing");
	f.certificate_key = certificates_path(&c, "client.key");
	refused(&c, &f, "key ", "client.key", ": it does not fit the certificate ");
	f.certificate = certificates_path(&c, "server.pem");
	f.certificate_key = certificates_path(&c, "authority.pem");
	refused(&c, &f, "key ", "authority.pem", ": no unencrypted private key in PEM form (");
	f.certificate_key = certificates_path(&c, "server.key");
	f.authority = certificates_path(&c, "server.key");
	refused(&c, &f, "authority ", "server.key", ": no certificate in PEM form (");
	f.authority = "/dev/null";
	refused(&c, &f, "authority /dev/null: the file is empty", NULL, "");
	f = (struct tls_files){ certificates_path(&c, "expired.pem"),
				certificates_path(&c, "expired.key"), NULL };
	side = tls_server(&f, &error);
	CU_ASSERT_PTR_NOT_NULL(side);
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "expired.pem: it has expired"));
	tls_drop(tls_hold(side));
	tls_drop(side);
	tls_drop(NULL);
	certificates_remove(&c);
}

static const struct unit units[] = {
	{ "bytes_grow_and_shrink", bytes_grow },
	{ "bytes_that_are_too_many_fail_and_stay", bytes_fail },
	{ "a_plain_stream_ends_in_halves", plain_streams },
	{ "a_reset_breaks_the_other_side", plain_resets },
	{ "tuned_sockets_do_not_delay", tuned },
	{ "tls_streams_talk_and_know_their_peers", tls_talks },
	{ "tls_streams_end_in_halves", tls_ends },
	{ "a_tls_stream_that_was_cut_is_broken", tls_cut },
	{ "the_end_of_a_tls_stream_waits_for_room", tls_finish_waits },
	{ "what_is_no_tls_is_told", tls_garbage },
	{ "servers_must_have_the_name_that_was_asked_for", tls_names },
	{ "clients_must_show_a_certificate_of_the_authority", tls_wants_client_certificates },
	{ "files_that_do_not_serve_are_named", tls_files_are_named },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return unit_main("stream", units, sizeof(units) / sizeof(*units));
}
