/* Connections made in advance: runtime/socks/dial.h. */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "runtime/socks/dial.h"
#include "tests/unit/certificates.h"
#include "tests/unit/loopback.h"

struct bed {
	struct rig rig;
	struct warm *warm;
	struct wire_address at;
	int listener;
};

static void bed_open(struct bed *b, const char *text)
{
	rig_open(&b->rig);
	b->warm = warm_open(b->rig.loop);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->warm);
	b->listener = listen_at(text, 1024, &b->at);
}

static void bed_close(struct bed *b)
{
	warm_close(b->warm);
	if (b->listener >= 0)
		close(b->listener);
	rig_close(&b->rig);
}

/* Runs until N are warm. */
static bool becomes(struct bed *b, size_t n)
{
	for (int i = 0; i < PATIENCE_MS / 5 && warm_count(b->warm) != n; i++)
		rig_run(&b->rig, 5);
	return warm_count(b->warm) == n;
}

static void keep(struct bed *b, unsigned most)
{
	CU_ASSERT_TRUE(warm_keep(b->warm, &b->at, most, NULL, NULL, 0, NULL));
}

static bool ended(int fd)
{
	char byte;

	return readable(fd, PATIENCE_MS) && recv(fd, &byte, 1, 0) <= 0;
}

static void some_are_made_in_advance_and_made_again(void)
{
	struct stream taken;
	unsigned n_said = 0;
	struct bed b;
	int fds[4];

	bed_open(&b, "127.0.0.1:0");
	CU_ASSERT_FALSE(warm_take(b.warm, &b.at, &taken));
	keep(&b, 3);
	CU_ASSERT_TRUE(becomes(&b, 3));
	CU_ASSERT_TRUE_FATAL(warm_take(b.warm, &b.at, &taken));
	CU_ASSERT_EQUAL(warm_count(b.warm), 2);
	CU_ASSERT_TRUE(becomes(&b, 3));
	for (int i = 0; i < 4; i++)
		fds[i] = accept_one(b.listener);
	CU_ASSERT_FALSE(readable(b.listener, 0));
	CU_ASSERT_EQUAL(stream_send(&taken, "hello", 5), 5);
	loop_forget_left(b.rig.loop, taken.fd);
	stream_close(&taken);
	for (int i = 0; i < 4; i++) {
		char got[8] = "";

		n_said +=
		    recv(fds[i], got, sizeof(got), MSG_DONTWAIT) == 5 && !strcmp(got, "hello");
		close(fds[i]);
	}
	CU_ASSERT_EQUAL(n_said, 1);
	bed_close(&b);
}

static void the_descriptor_can_be_waited_for(void)
{
	struct stream taken;
	struct watch w = { .fd = -1 };
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	CU_ASSERT_TRUE_FATAL(warm_take(b.warm, &b.at, &taken));
	w.fd = taken.fd;
	CU_ASSERT_TRUE(loop_watch(b.rig.loop, &w, EPOLLIN));
	loop_forget_closing(b.rig.loop, &w);
	stream_close(&taken);
	bed_close(&b);
}

static void other_addresses_are_not_warm(void)
{
	struct wire_address other = address_of("127.0.0.2:80");
	struct stream taken;
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	CU_ASSERT_FALSE(warm_take(b.warm, &other, &taken));
	bed_close(&b);
}

static void one_that_the_server_ended_is_not_taken(void)
{
	struct stream taken;
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	close(accept_one(b.listener));
	CU_ASSERT_TRUE(becomes(&b, 0));
	CU_ASSERT_FALSE(warm_take(b.warm, &b.at, &taken));
	CU_ASSERT_TRUE(becomes(&b, 1));
	close(accept_one(b.listener));
	bed_close(&b);
}

static void a_greeting_is_left_to_the_caller(void)
{
	struct stream taken;
	char got[8] = "";
	struct bed b;
	int fd;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	fd = accept_one(b.listener);
	CU_ASSERT_EQUAL(send(fd, "220", 3, 0), 3);
	rig_run(&b.rig, 20);
	CU_ASSERT_TRUE_FATAL(warm_take(b.warm, &b.at, &taken));
	CU_ASSERT_TRUE(readable(taken.fd, PATIENCE_MS));
	CU_ASSERT_EQUAL(stream_recv(&taken, got, sizeof(got)), 3);
	UNIT_TEXT("220", got);
	loop_forget_left(b.rig.loop, taken.fd);
	stream_close(&taken);
	close(fd);
	bed_close(&b);
}

/* At 0, 100, 300 and 700 ms, for three that are wanted. */
static void pauses_grow_while_the_server_ends_all(void)
{
	unsigned n = 0;
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 3);
	for (int i = 0; i < 100; i++) {
		rig_run(&b.rig, 5);
		while (readable(b.listener, 0)) {
			close(accept_one(b.listener));
			n++;
		}
	}
	CU_ASSERT_TRUE(n >= 3 && n <= 10);
	bed_close(&b);
}

static void a_server_that_comes_back_is_found(void)
{
	char text[WIRE_TEXT_ROOM];
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	close(b.listener);
	b.listener = -1;
	keep(&b, 2);
	CU_ASSERT_FALSE(rig_run(&b.rig, 50));
	CU_ASSERT_EQUAL(warm_count(b.warm), 0);
	wire_address_text(&b.at, text, sizeof(text));
	b.listener = listen_at(text, 8, &b.at);
	CU_ASSERT_TRUE(becomes(&b, 2));
	bed_close(&b);
}

static void those_that_waited_for_long_are_made_anew(void)
{
	struct bed b;
	int fd;

	bed_open(&b, "127.0.0.1:0");
	warm_age(b.warm, 1100);
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	fd = accept_one(b.listener);
	CU_ASSERT_FALSE(readable(fd, 0));
	for (int i = 0; i < PATIENCE_MS / 5 && !readable(fd, 0); i++)
		rig_run(&b.rig, 5);
	CU_ASSERT_TRUE(ended(fd));
	close(fd);
	CU_ASSERT_TRUE(becomes(&b, 1));
	close(accept_one(b.listener));
	bed_close(&b);
}

static void a_new_declaration_replaces_the_old_one(void)
{
	struct bed b;
	int first, again;

	bed_open(&b, "127.0.0.1:0");
	keep(&b, 1);
	CU_ASSERT_TRUE(becomes(&b, 1));
	first = accept_one(b.listener);
	keep(&b, 1);
	rig_run(&b.rig, 20);
	CU_ASSERT_FALSE(readable(first, 0));
	keep(&b, 2);
	CU_ASSERT_TRUE(ended(first));
	CU_ASSERT_TRUE(becomes(&b, 2));
	again = accept_one(b.listener);
	keep(&b, 0);
	CU_ASSERT_EQUAL(warm_count(b.warm), 0);
	CU_ASSERT_TRUE(ended(again));
	rig_run(&b.rig, 20);
	CU_ASSERT_EQUAL(warm_count(b.warm), 0);
	close(first);
	close(again);
	bed_close(&b);
}

static void closing_stops_what_is_under_way(void)
{
	struct silent s;
	struct bed b;

	bed_open(&b, "127.0.0.1:0");
	silent_open(&s, "127.0.0.1:0");
	CU_ASSERT_TRUE(warm_keep(b.warm, &s.at, 4, NULL, NULL, 0, NULL));
	rig_run(&b.rig, 20);
	CU_ASSERT_EQUAL(warm_count(b.warm), 0);
	warm_close(b.warm);
	b.warm = NULL;
	rig_run(&b.rig, 20);
	silent_close(&s);
	bed_close(&b);
}

static void all_addresses_together_are_bounded(void)
{
	struct rlimit limit;
	struct wire_address other;
	struct bed b;
	int listener;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CU_ASSERT_TRUE_FATAL(limit.rlim_cur > WARM_MOST + 64);
	bed_open(&b, "127.0.0.1:0");
	listener = listen_at("127.0.0.2:0", 1024, &other);
	keep(&b, WARM_MOST - 10);
	CU_ASSERT_TRUE(warm_keep(b.warm, &other, 20, NULL, NULL, 0, NULL));
	CU_ASSERT_TRUE(becomes(&b, WARM_MOST));
	CU_ASSERT_TRUE(warm_keep(b.warm, &other, 20, NULL, NULL, 0, NULL));
	CU_ASSERT_EQUAL(warm_count(b.warm), WARM_MOST);
	rig_run(&b.rig, 50);
	CU_ASSERT_EQUAL(warm_count(b.warm), WARM_MOST);
	close(listener);
	bed_close(&b);
}

/* ---- TLS ---- */

struct server {
	int listener;
	struct tls_side *side;
	char got[8];
};

/* Of two connections, the one that says something. */
static void *serve(void *arg)
{
	struct server *s = arg;
	struct tls_error error;

	for (int i = 0; i < 2; i++) {
		struct stream stream = { .fd = accept_one(s->listener) };

		if (!stream_tls_accept(&stream, s->side) || stream_shake(&stream, &error) != 1)
			break;
		stream_recv(&stream, s->got, sizeof(s->got) - 1);
		stream_close(&stream);
	}
	return NULL;
}

static void tls_is_shaken_in_advance(void)
{
	struct certificates c;
	struct server s = { .listener = -1 };
	struct stream taken;
	struct tls_error error;
	struct tls_side *client;
	pthread_t thread;
	struct bed b;

	CU_ASSERT_TRUE_FATAL(certificates_make(&c));
	s.side = tls_server(&(struct tls_files){ certificates_path(&c, "server.pem"),
						 certificates_path(&c, "server.key"), NULL },
			    &error);
	client = tls_client(
	    &(struct tls_files){ .authority = certificates_path(&c, "authority.pem") }, &error);
	CU_ASSERT_TRUE_FATAL(s.side && client);
	bed_open(&b, "127.0.0.1:0");
	s.listener = b.listener;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, serve, &s), 0);
	CU_ASSERT_TRUE(warm_keep(b.warm, &b.at, 1, client, "localhost", 0, NULL));
	tls_drop(client);
	CU_ASSERT_TRUE(becomes(&b, 1));
	CU_ASSERT_TRUE_FATAL(warm_take(b.warm, &b.at, &taken));
	CU_ASSERT_PTR_NOT_NULL(taken.tls);
	CU_ASSERT_EQUAL(stream_send(&taken, "hello", 5), 5);
	CU_ASSERT_TRUE(becomes(&b, 1));
	CU_ASSERT_TRUE(warm_keep(b.warm, &b.at, 0, NULL, NULL, 0, NULL));
	pthread_join(thread, NULL);
	UNIT_TEXT("hello", s.got);
	loop_forget_left(b.rig.loop, taken.fd);
	stream_close(&taken);
	bed_close(&b);
	tls_drop(s.side);
	certificates_remove(&c);
}

static const struct unit units[] = {
	{ "some_are_made_in_advance_and_made_again", some_are_made_in_advance_and_made_again },
	{ "the_descriptor_can_be_waited_for", the_descriptor_can_be_waited_for },
	{ "other_addresses_are_not_warm", other_addresses_are_not_warm },
	{ "one_that_the_server_ended_is_not_taken", one_that_the_server_ended_is_not_taken },
	{ "a_greeting_is_left_to_the_caller", a_greeting_is_left_to_the_caller },
	{ "pauses_grow_while_the_server_ends_all", pauses_grow_while_the_server_ends_all },
	{ "a_server_that_comes_back_is_found", a_server_that_comes_back_is_found },
	{ "those_that_waited_for_long_are_made_anew", those_that_waited_for_long_are_made_anew },
	{ "a_new_declaration_replaces_the_old_one", a_new_declaration_replaces_the_old_one },
	{ "closing_stops_what_is_under_way", closing_stops_what_is_under_way },
	{ "tls_is_shaken_in_advance", tls_is_shaken_in_advance },
	{ "all_addresses_together_are_bounded", all_addresses_together_are_bounded },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return unit_main("warm", units, sizeof(units) / sizeof(*units));
}
