/* What clients say first: runtime/socks/inbound.h.  Bytes of SOCKS6 conversations are those that
 * the draft's reference proxy was seen to exchange with its client, where it knows them. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/socks/inbound.h"
#include "tests/unit/hex.h"

static const struct inbound_settings only5 = { .socks5 = true };
static const struct inbound_settings only6 = { .socks6 = true };
static const struct inbound_settings all = { .socks5 = true, .socks6 = true, .epi = true };

/* ---- one conversation ---- */

struct talk {
	struct inbound *in;
	enum inbound_step step;
	struct bytes reply;
	size_t used;
};

static void feed(struct talk *t, const uint8_t *bytes, size_t n)
{
	size_t used;

	t->step = inbound_feed(t->in, bytes, n, &used, &t->reply);
	t->used += used;
}

static struct talk begin(const struct inbound_settings *s)
{
	struct talk t = { .in = inbound_open(s) };

	CU_ASSERT_PTR_NOT_NULL_FATAL(t.in);
	return t;
}

static void end(struct talk *t)
{
	inbound_close(t->in);
	bytes_free(&t->reply);
}

static struct talk say(const struct inbound_settings *s, const char *text)
{
	struct talk t = begin(s);
	struct hex h = hex(text);

	feed(&t, h.at, h.n);
	return t;
}

/* Each byte by itself, from memory that ends there. */
static struct talk say_slowly(const struct inbound_settings *s, const char *text)
{
	struct talk t = begin(s);
	struct hex h = hex(text);

	for (size_t n = 0; n <= h.n && t.step == INBOUND_MORE; n++) {
		uint8_t *exact = malloc(n - t.used + 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, h.at + t.used, n - t.used);
		feed(&t, exact, n - t.used);
		free(exact);
	}
	return t;
}

#define REPLY(expected, t) HEX_CHECK(expected, (t).reply.at, (t).reply.n)

static void check_end(int line, const struct inbound_settings *s, const char *text,
		      const char *reply, const char *why)
{
	struct talk t = say(s, text), slow = say_slowly(s, text);

	CU_ASSERT_EQUAL(t.step, INBOUND_END);
	CU_ASSERT_EQUAL(slow.step, INBOUND_END);
	hex_check(__FILE__, line, reply, t.reply.at, t.reply.n);
	hex_check(__FILE__, line, reply, slow.reply.at, slow.reply.n);
	unit_text(__FILE__, line, why, inbound_why(t.in));
	unit_text(__FILE__, line, why, inbound_why(slow.in));
	end(&t);
	end(&slow);
}
#define ENDS(s, text, reply, why) check_end(__LINE__, s, text, reply, why)

static void check_request(int line, const struct inbound_settings *s, const char *text,
			  const char *reply, uint8_t command, const char *to, size_t behind)
{
	struct talk t = say(s, text), slow = say_slowly(s, text);
	char name[WIRE_TEXT_ROOM] = "";

	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(slow.step, INBOUND_REQUEST);
	hex_check(__FILE__, line, reply, t.reply.at, t.reply.n);
	hex_check(__FILE__, line, reply, slow.reply.at, slow.reply.n);
	CU_ASSERT_EQUAL(t.used, hex(text).n - behind);
	CU_ASSERT_EQUAL(slow.used, t.used);
	CU_ASSERT_EQUAL(inbound_request(t.in)->command, command);
	(void)wire_address_text(&inbound_request(slow.in)->to, name, sizeof(name));
	unit_text(__FILE__, line, to, name);
	end(&t);
	end(&slow);
}
#define REQUESTS(s, text, reply, command, to, behind) \
	check_request(__LINE__, s, text, reply, command, to, behind)

/* What the operation reply adds. */
static void check_operation(int line, struct talk *t, enum outcome outcome,
			    const struct wire_address *bound, uint32_t done, const char *reply)
{
	t->reply.n = 0;
	inbound_reply(t->in, outcome, bound, done, &t->reply);
	hex_check(__FILE__, line, reply, t->reply.at, t->reply.n);
}
#define OPERATES(t, outcome, bound, done, reply) \
	check_operation(__LINE__, t, outcome, bound, done, reply)

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE(wire_address_parse(text, strlen(text), &a));
	return a;
}

static struct users *make_users(const char *text)
{
	char path[] = "/tmp/epic-users-XXXXXX", why[256];
	int fd = mkstemp(path);
	struct users *u;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	u = users_open(path, why, sizeof(why));
	unlink(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(u);
	return u;
}

/* ---- SOCKS5 ---- */

static void connects_with_socks5(void)
{
	struct wire_address bound = address("192.0.2.7:4660");
	struct talk t;

	REQUESTS(&only5, "05 01 00  05 01 00 01 c0000201 0050  474554", "05 00", SOCKS6_CONNECT,
		 "192.0.2.1:80", 3);
	REQUESTS(&all, "05 02 02 00  05 01 00 03 04 682e6578 01bb", "05 00", SOCKS6_CONNECT,
		 "h.ex:443", 0);
	REQUESTS(&all, "05 01 00  05 02 00 04 20010db8000000000000000000000001 0001", "05 00",
		 SOCKS6_BIND, "[2001:db8::1]:1", 0);
	REQUESTS(&all, "05 01 00  05 03 00 01 00000000 0000", "05 00", SOCKS6_UDP_ASSOCIATE,
		 "0.0.0.0:0", 0);
	t = say(&only5, "05 01 00  05 01 00 01 c0000201 0050");
	CU_ASSERT_EQUAL(inbound_request(t.in)->kind, INBOUND_SOCKS5);
	CU_ASSERT_PTR_NULL(inbound_request(t.in)->options);
	UNIT_TEXT("", inbound_request(t.in)->user);
	OPERATES(&t, OUTCOME_OK, &bound, 0, "05 00 00 01 c0000207 1234");
	bound = address("[2001:db8::7]:4660");
	OPERATES(&t, OUTCOME_OK, &bound, 0, "05 00 00 04 20010db8000000000000000000000007 1234");
	OPERATES(&t, OUTCOME_TIMED_OUT, &wire_any, 0, "05 04 00 01 00000000 0000");
	OPERATES(&t, OUTCOME_DENIED, NULL, ~0u, "05 02 00 01 00000000 0000");
	end(&t);
}

static void gives_each_outcome_its_code(void)
{
	static const uint8_t v5[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 4, 1, 1 };
	static const uint8_t v6[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 1, 1 };
	struct talk t5 = say(&all, "05 01 00  05 01 00 01 c0000201 0050");
	struct talk t6 = say(&all, "06 01 0000 0050 00 01 c0000201");
	struct talk epi = say(&all, "06 01 01 c0000201 0050 00 0000");

	CU_ASSERT_EQUAL(inbound_request(epi.in)->kind, INBOUND_EPI);
	CU_ASSERT_EQUAL(sizeof(v5), N_OUTCOMES);
	for (size_t i = 0; i < N_OUTCOMES; i++) {
		t5.reply.n = t6.reply.n = epi.reply.n = 0;
		inbound_reply(t5.in, (enum outcome)i, &wire_any, 0, &t5.reply);
		inbound_reply(t6.in, (enum outcome)i, &wire_any, 0, &t6.reply);
		inbound_reply(epi.in, (enum outcome)i, &wire_any, 0, &epi.reply);
		CU_ASSERT_EQUAL(t5.reply.at[1], v5[i]);
		CU_ASSERT_EQUAL(t6.reply.at[1], v6[i]);
		CU_ASSERT_EQUAL(epi.reply.at[1], v6[i]);
		CU_ASSERT_TRUE(t5.reply.n == 10 && t6.reply.n == 12 && epi.reply.n == 12);
	}
	end(&t5);
	end(&t6);
	end(&epi);
}

static void refuses_what_socks5_does_not_know(void)
{
	ENDS(&only5, "05 01 00  05 f0 00 03 01 61 0000", "05 00  05 07 00 01 00000000 0000",
	     "SOCKS5: Tor's commands are not supported");
	ENDS(&only5, "05 01 00  05 09", "05 00  05 07 00 01 00000000 0000",
	     "SOCKS5: an unknown command");
	ENDS(&only5, "05 01 00  05 01 00 02", "05 00  05 08 00 01 00000000 0000",
	     "SOCKS5: an unknown address type");
	ENDS(&only5, "05 01 00  05 01 00 03 02 6120 0050", "05 00  05 04 00 01 00000000 0000",
	     "SOCKS5: no host name");
	ENDS(&only5, "05 00", "05 ff", "SOCKS5: a greeting without methods");
	ENDS(&only5, "05 02 01 02", "05 ff",
	     "SOCKS5: the client does not offer to go without password");
	ENDS(&only5, "05 01 00  04", "05 00", "SOCKS5: another protocol version");
}

static void settles_literals_in_names(void)
{
	REQUESTS(&only5, "05 01 00  05 01 00 03 04 31302e31 0050", "05 00", SOCKS6_CONNECT,
		 "10.0.0.1:80", 0);
	REQUESTS(&only5, "05 01 00  05 01 00 04 00000000000000000000ffff0a000001 0050", "05 00",
		 SOCKS6_CONNECT, "10.0.0.1:80", 0);
	REQUESTS(&only6, "06 01 0000 0050 00 03 07 31302e31 000000", "06 00 0000", SOCKS6_CONNECT,
		 "10.0.0.1:80", 0);
}

static void wants_passwords_where_there_are_users(void)
{
	struct users *u = make_users("eve:secret\n");
	struct inbound_settings s = { .socks5 = true, .users = u };
	struct talk t;

	ENDS(&s, "05 01 00", "05 ff", "SOCKS5: the client does not offer to go with a password");
	t = say(&s, "05 01 00");
	CU_ASSERT_TRUE(inbound_denied(t.in));
	end(&t);
	t = say(&s, "05 00");
	CU_ASSERT_FALSE(inbound_denied(t.in));
	end(&t);
	ENDS(&s, "05 02 00 02  01 03 657665 02 6e6f", "05 02  01 01",
	     "SOCKS5: user 'eve': wrong password");
	ENDS(&s, "05 01 02  01 03 0a657e 02 6e6f", "05 02  01 01",
	     "SOCKS5: user '?e~': wrong password");
	ENDS(&s, "05 01 02  01 03 657665 00", "05 02  01 01", "SOCKS5: user 'eve': wrong password");
	ENDS(&s, "05 01 02  01 00", "05 02  01 01", "SOCKS5: an empty user name");
	ENDS(&s, "05 01 02  05", "05 02", "SOCKS5: another protocol version");
	REQUESTS(&s, "05 01 02  01 03 657665 06 736563726574  05 01 00 01 c0000201 0050 47",
		 "05 02  01 00", SOCKS6_CONNECT, "192.0.2.1:80", 1);
	t = say(&s, "05 01 02  01 03 657665 06 736563726574  05 01 00 01 c0000201 0050 47");
	UNIT_TEXT("eve", inbound_request(t.in)->user);
	end(&t);
	users_drop(u);
}

/* ---- which protocol ---- */

static void tells_protocols_apart(void)
{
	struct inbound_settings epi = { .epi = true }, draft_epi = { .socks6 = true, .epi = true };

	ENDS(&only6, "05 01 00", "06", "no protocol that is spoken here begins with 0x05");
	ENDS(&draft_epi, "05 01 00", "06", "no protocol that is spoken here begins with 0x05");
	ENDS(&all, "04 01 0050", "06", "no protocol that is spoken here begins with 0x04");
	ENDS(&all, "47 45 54", "06", "no protocol that is spoken here begins with 0x47");
	ENDS(&only5, "06 01 0000", "", "no protocol that is spoken here begins with 0x06");
	ENDS(&only5, "50 52", "", "no protocol that is spoken here begins with 0x50");
	REQUESTS(&only6, "06 01 0000 0050 00 01 c0000201 47", "06 00 0000", SOCKS6_CONNECT,
		 "192.0.2.1:80", 1);
	REQUESTS(&all, "06 01 0000 0050 00 01 c0000201 47", "06 00 0000", SOCKS6_CONNECT,
		 "192.0.2.1:80", 1);
	REQUESTS(&all, "06 01 01 c0000201 0050 00 0000", "06 00 0000", SOCKS6_CONNECT,
		 "192.0.2.1:80", 0);
	/* Only a listener that speaks the dialect alone can be sure of this one. */
	REQUESTS(&epi, "06 01 01 c0000001 0050 00 0000", "06 00 0000", SOCKS6_CONNECT,
		 "192.0.0.1:80", 0);
}

/* ---- SOCKS6 ---- */

static void answers_as_the_reference_does(void)
{
	struct wire_address bound = address("127.0.0.1:4660");
	struct talk t = say(&only6, "06 00 0000 0000 00 01 00000000");

	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(inbound_request(t.in)->command, SOCKS6_NOOP);
	REPLY("06 00 0000", t);
	OPERATES(&t, OUTCOME_OK, &wire_any, 0, "06 00 0000 0000 00 01 00000000");
	end(&t);
	t = say(&only6, "06 01 0010 0050 00 01 c0000201  0001 0008 84 01 0000"
			"0002 0008 0003 0000  474554");
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(t.used, 28);
	CU_ASSERT_EQUAL(inbound_request(t.in)->initial_data, 3);
	REPLY("06 00 0000", t);
	OPERATES(&t, OUTCOME_OK, &bound, 0, "06 00 0000 1234 00 01 7f000001");
	end(&t);
	ENDS(&only6, "05 01 00", "06", "no protocol that is spoken here begins with 0x05");
}

static void begins_a_session_as_the_reference_does(void)
{
	struct sessions *sessions = sessions_open(8);
	struct inbound_settings s = { .socks6 = true, .sessions = sessions };
	struct talk t = say(&s, "06 00 000c 0000 00 01 00000000 0005 0004 000b 0008 000000c8");
	char text[512];
	uint8_t id[16], base[4];

	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL_FATAL(t.reply.n, 4 + 20 + 12);
	HEX_CHECK("06 00 0020 0006 0014", t.reply.at, 8);
	HEX_CHECK("000c 000c", t.reply.at + 24, 4);
	HEX_CHECK("000000c8", t.reply.at + 32, 4);
	memcpy(id, t.reply.at + 8, 16);
	memcpy(base, t.reply.at + 28, 4);
	CU_ASSERT_EQUAL(sessions_count(sessions), 1);
	end(&t);

#define HEX(out, at, bytes, n)              \
	for (size_t i_ = 0; i_ < (n); i_++) \
	snprintf((out) + (at) + 2 * i_, 3, "%02x", (bytes)[i_])
	/* CONNECT within it */
	snprintf(text, sizeof(text), "0601001400500001c000020100060014");
	HEX(text, 32, id, 16);
	t = say(&s, text);
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL_FATAL(t.reply.n, 20);
	HEX_CHECK("06 00 0010 0008 0004 000c 000c", t.reply.at, 12);
	CU_ASSERT_EQUAL(memcmp(t.reply.at + 12, base, 4), 0);
	end(&t);

	/* with a token, and with the same token again */
	snprintf(text, sizeof(text), "0601001c00500001c000020100060014");
	HEX(text, 32, id, 16);
	strcat(text, "000d0008");
	HEX(text, 72, base, 4);
	t = say(&s, text);
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL_FATAL(t.reply.n, 24);
	HEX_CHECK("06 00 0014 0008 0004 000c 000c", t.reply.at, 12);
	HEX_CHECK("000000c8 000e 0004", t.reply.at + 16, 8);
	for (int i = 3; i >= 0 && !++base[i]; i--)
		;
	CU_ASSERT_EQUAL(memcmp(t.reply.at + 12, base, 4), 0);
	end(&t);
	t = say(&s, text);
	CU_ASSERT_EQUAL(t.step, INBOUND_END);
	UNIT_TEXT("SOCKS6: the token is spent, or outside of the window", inbound_why(t.in));
	CU_ASSERT_EQUAL_FATAL(t.reply.n, 24);
	HEX_CHECK("06 01 0014 0008 0004 000c 000c", t.reply.at, 12);
	CU_ASSERT_EQUAL(memcmp(t.reply.at + 12, base, 4), 0);
	HEX_CHECK("000000c8 000f 0004", t.reply.at + 16, 8);
	end(&t);

	/* torn down by a request that is not within it, it is gone */
	snprintf(text, sizeof(text), "0600001800000001000000000006001400000000");
	HEX(text, 32, id, 16);
	strcat(text, "000a0004");
	t = say(&s, text);
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	REPLY("06 00 0000", t);
	CU_ASSERT_EQUAL(sessions_count(sessions), 0);
	end(&t);
	snprintf(text, sizeof(text), "0601001400500001c000020100060014");
	HEX(text, 32, id, 16);
	ENDS(&s, text, "06 01 0004 0009 0004", "SOCKS6: there is no such session");
	sessions_close(sessions);
}

static void knows_no_session_that_it_did_not_begin(void)
{
	struct sessions *sessions = sessions_open(8);
	struct inbound_settings s = { .socks6 = true, .sessions = sessions };

	ENDS(&s, "06 01 000c 0050 00 01 c0000201 0006 000c 0102030405060708",
	     "06 01 0004 0009 0004", "SOCKS6: there is no such session");
	/* Tokens are of no use outside. */
	REQUESTS(&s, "06 01 0008 0050 00 01 c0000201 000d 0008 00000001", "06 00 0000",
		 SOCKS6_CONNECT, "192.0.2.1:80", 0);
	ENDS(&s, "06 01 000c 0050 00 01 c0000201 0005 0004 000d 0008 00000001",
	     "06 01 0004 000f 0004", "SOCKS6: a token before its session");
	CU_ASSERT_EQUAL(sessions_count(sessions), 0);
	sessions_close(sessions);
	/* Without support all of it is ignored. */
	REQUESTS(&only6, "06 01 000c 0050 00 01 c0000201 0006 000c 0102030405060708", "06 00 0000",
		 SOCKS6_CONNECT, "192.0.2.1:80", 0);
	REQUESTS(&only6, "06 01 000c 0050 00 01 c0000201 0005 0004 000b 0008 00000001",
		 "06 00 0000", SOCKS6_CONNECT, "192.0.2.1:80", 0);
}

static void authenticates_within_the_request(void)
{
	struct users *u = make_users("eve:secret\n"), *others = make_users("eve:secret\n");
	struct sessions *sessions = sessions_open(8);
	struct inbound_settings s = { .socks6 = true, .users = u, .sessions = sessions };
	struct talk t;
	char text[256] = "0601001400500001c000020100060014";

	/* 02 | 01 03 eve 06 secret: 13 bytes and 3 of padding */
	REQUESTS(&s,
		 "06 01 0014 0050 00 01 c0000201 0004 0014 02 01 03 657665 06 736563726574"
		 "0000 00 47",
		 "06 00 0008 0004 0008 02 01 00 00", SOCKS6_CONNECT, "192.0.2.1:80", 1);
	ENDS(&s, "06 01 0010 0050 00 01 c0000201 0004 0010 02 01 03 657665 02 6e6f 000000",
	     "06 01 0008 0004 0008 02 01 01 00", "SOCKS6: user 'eve': wrong password");
	ENDS(&s, "06 01 0000 0050 00 01 c0000201", "06 01 0008 0003 0008 ff 000000",
	     "SOCKS6: the client offers no password");
	/* who was let in needs no password within the session */
	t = say(&s, "06 01 0018 0050 00 01 c0000201 0004 0014 02 01 03 657665 06 736563726574"
		    "0000 00 0005 0004");
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	UNIT_TEXT("eve", inbound_request(t.in)->user);
	CU_ASSERT_EQUAL_FATAL(t.reply.n, 4 + 8 + 20);
	HEX_CHECK("06 00 001c 0004 0008 02 01 00 00 0006 0014", t.reply.at, 16);
	HEX(text, 32, t.reply.at + 16, 16);
	end(&t);
	t = say(&s, text);
	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	REPLY("06 00 0004 0008 0004", t);
	UNIT_TEXT("eve", inbound_request(t.in)->user);
	end(&t);
	/* nor is it worth anything among other users, or where there are none */
	s.users = NULL;
	ENDS(&s, text, "06 01 0004 0009 0004", "SOCKS6: there is no such session");
	s.users = others;
	ENDS(&s, text, "06 01 0004 0009 0004", "SOCKS6: there is no such session");
	sessions_close(sessions);
	users_drop(others);
	users_drop(u);
}

static void authenticates_by_a_dialogue(void)
{
	static const char asks[] = "06 01 0008 0050 00 01 c0000201 0002 0008 0003 02 00  474554";
	struct users *u = make_users("eve:secret\n");
	struct inbound_settings s = { .socks6 = true, .users = u };
	struct talk t = say(&s, asks);
	char text[256];

	CU_ASSERT_EQUAL(t.step, INBOUND_MORE);
	CU_ASSERT_EQUAL(t.used, 23);
	REPLY("06 01 0008 0003 0008 02 000000", t);
	end(&t);
	snprintf(text, sizeof(text), "%s 01 03 657665 06 736563726574 4142", asks);
	REQUESTS(&s, text, "06 01 0008 0003 0008 02 000000  01 00  06 00 0000", SOCKS6_CONNECT,
		 "192.0.2.1:80", 2);
	t = say_slowly(&s, text);
	CU_ASSERT_EQUAL(inbound_request(t.in)->initial_data, 0);
	HEX_CHECK("474554", inbound_request(t.in)->held.at, inbound_request(t.in)->held.n);
	end(&t);
	snprintf(text, sizeof(text), "%s 01 03 657665 02 6e6f", asks);
	ENDS(&s, text, "06 01 0008 0003 0008 02 000000  01 01  06 01 0000",
	     "SOCKS6: user 'eve': wrong password");
	snprintf(text, sizeof(text), "%s 02", asks);
	ENDS(&s, text, "06 01 0008 0003 0008 02 000000  01 01  06 01 0000",
	     "SOCKS6: another protocol version");
	users_drop(u);
}

static void answers_faulty_requests(void)
{
	static const char *const failed = "06 00 0000  06 01 0000 0000 00 01 00000000";

	ENDS(&only6, "06 04", "06 00 0000  06 07 0000 0000 00 01 00000000",
	     "SOCKS6: an unknown command");
	ENDS(&only6, "06 01 0000 0050 00 02", "06 00 0000  06 08 0000 0000 00 01 00000000",
	     "SOCKS6: an unknown address type");
	ENDS(&only6, "06 01 0003", failed,
	     "SOCKS6: options of more than 16 KiB, or not a multiple of 4");
	ENDS(&only6, "06 01 0004 0050 00 01 c0000201 0005 0003", failed,
	     "SOCKS6: an option with an impossible length");
	ENDS(&only6, "06 01 0008 0050 00 01 c0000201 0005 0004 0005 0004", failed,
	     "SOCKS6: an option that stands there twice");
}

static void answers_the_stack_options_that_were_done(void)
{
	struct talk t = say(&only6, "06 01 0018 0050 00 01 c0000201  0001 0008 84 01 0400"
				    "0001 0008 c1 01 2000  0001 0008 81 03 4000");

	CU_ASSERT_EQUAL_FATAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(inbound_request(t.in)->options->stack[SOCKS6_TFO].value[1], 0x400);
	OPERATES(&t, OUTCOME_OK, &wire_any, 1u << SOCKS6_TFO | 1u << SOCKS6_TOS,
		 "06 00 0010 0000 00 01 00000000  0001 0008 c1 01 2000  0001 0008 84 01 0400");
	OPERATES(&t, OUTCOME_OK, &wire_any, ~0u,
		 "06 00 0018 0000 00 01 00000000  0001 0008 c1 01 2000  0001 0008 81 03 4000"
		 "0001 0008 84 01 0400");
	OPERATES(&t, OUTCOME_REFUSED, &wire_any, 0, "06 05 0000 0000 00 01 00000000");
	end(&t);
}

/* ---- epi and metadata ---- */

static void speaks_the_prototypes_dialect(void)
{
	struct users *u = make_users("eve:secret\n");
	struct inbound_settings s = { .epi = true, .users = u };
	struct talk t = say(&all, "06 01 03 04 682e6578 0050 00 0008 0002 0008 0003 0000 474554");

	CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(inbound_request(t.in)->kind, INBOUND_EPI);
	CU_ASSERT_EQUAL(inbound_request(t.in)->initial_data, 3);
	CU_ASSERT_PTR_NULL(inbound_request(t.in)->options);
	REPLY("06 00 0000", t);
	OPERATES(&t, OUTCOME_OK, &wire_any, 0, "06 00 00 01 00 01 0000 0000 0000");
	end(&t);
	ENDS(&s, "06 01 01 c0000201 0050 00 0000", "06 01 0000",
	     "epi: clients of this dialect cannot authenticate");
	ENDS(&all, "06 01 01 c0000201 0050 00 0003", "06 00 0000  06 01 00 01 00 01 0000 0000 0000",
	     "epi: options of more than 16 KiB, or not a multiple of 4");
	users_drop(u);
}

/* source 10.0.0.7:99, chain of root and socks6://10.0.0.2:80, at 1 */
#define SOURCE "fde8 0014 03e5 000b 31302e302e302e373a3939 00"
#define CHAIN                                                           \
	"fde8 001c 03e8 0012 736f636b73363a2f2f726f6f743a31303830 0000" \
	"fde8 001c 03e9 0014 736f636b73363a2f2f31302e302e302e323a3830"  \
	"fde8 000c 03e6 0001 31 000000  fde8 000c 03e7 0001 32 000000"

static void believes_metadata_of_those_it_trusts(void)
{
	static const char draft[] = "06 01 0064 0050 00 01 c0000201" SOURCE CHAIN "47";
	static const char epi[] = "06 01 01 c0000201 0050 00 0064" SOURCE CHAIN "47";
	struct inbound_settings trusting = all;

	trusting.trusted = true;
	for (int i = 0; i < 4; i++) {
		struct talk t = say_slowly(i & 2 ? &trusting : &all, i & 1 ? draft : epi);
		const struct inbound_request *r = inbound_request(t.in);

		CU_ASSERT_EQUAL(t.step, INBOUND_REQUEST);
		CU_ASSERT_EQUAL(r->kind, i & 1 ? INBOUND_SOCKS6 : INBOUND_EPI);
		CU_ASSERT_EQUAL(r->told, (i & 2) != 0);
		CU_ASSERT_EQUAL(r->chain != NULL, (i & 2) != 0);
		if (i & 2) {
			struct wire_address source = address("10.0.0.7:99");
			struct wire_address link = address("10.0.0.2:80");

			CU_ASSERT_TRUE(wire_address_same(&r->source, &source));
			CU_ASSERT_EQUAL(r->chain->n, 2);
			CU_ASSERT_EQUAL(r->chain->index, 1);
			CU_ASSERT_TRUE(wire_address_same(&r->chain->links[1].at, &link));
			CU_ASSERT_EQUAL(memcmp(r->chain->links[0].at.name.at, "root", 4), 0);
		}
		end(&t);
	}
}

static void refuses_metadata_that_means_nothing(void)
{
	static const char *const failed = "06 00 0000  06 01 0000 0000 00 01 00000000";
	struct inbound_settings trusting = { .socks6 = true, .trusted = true };

	ENDS(&trusting, "06 01 0010 0050 00 01 c0000201 fde8 0010 03e5 0007 726f6f743a3830 00",
	     failed, "SOCKS6: metadata that is no UTF-8 text or goes over its option");
	ENDS(&trusting, "06 01 0028 0050 00 01 c0000201" SOURCE SOURCE, failed,
	     "SOCKS6: metadata that is no UTF-8 text or goes over its option");
	ENDS(&trusting, "06 01 000c 0050 00 01 c0000201 fde8 000c 03e7 0001 32 000000", failed,
	     "SOCKS6: metadata that makes no chain");
	/* nobody looks at a stranger's */
	REQUESTS(&only6, "06 01 000c 0050 00 01 c0000201 fde8 000c 03e7 0001 32 000000",
		 "06 00 0000", SOCKS6_CONNECT, "192.0.2.1:80", 0);
}

/* ---- PROXY ---- */

static void takes_a_proxy_header(void)
{
	static const char v1[] = "50524f585920 5443503420 3139322e302e322e3120 3139322e302e322e3220"
				 "313030302034 34330d0a";
	struct inbound_settings s = { .socks6 = true, .proxy = true };
	struct wire_address source = address("192.0.2.1:1000");
	struct talk t = say_slowly(&s, v1);
	struct hex h = hex(v1);

	CU_ASSERT_EQUAL_FATAL(t.step, INBOUND_REQUEST);
	CU_ASSERT_EQUAL(inbound_request(t.in)->kind, INBOUND_PROXY);
	CU_ASSERT_TRUE(inbound_request(t.in)->told);
	CU_ASSERT_TRUE(wire_address_same(&inbound_request(t.in)->source, &source));
	CU_ASSERT_EQUAL(inbound_request(t.in)->header.n, h.n);
	CU_ASSERT_EQUAL(memcmp(inbound_request(t.in)->header.at, h.at, h.n), 0);
	OPERATES(&t, OUTCOME_OK, &wire_any, 0, "");
	end(&t);
	REQUESTS(&s,
		 "50524f58592054435034203139322e302e322e31203139322e302e322e32203120340d0a"
		 "474554",
		 "", SOCKS6_CONNECT, "192.0.2.2:4", 3);
	REQUESTS(&s, "0d0a0d0a000d0a515549540a 21 11 000f c0000201 c0000202 03e8 01bb 040000 47",
		 "", SOCKS6_CONNECT, "192.0.2.2:443", 1);
	REQUESTS(&s, "0d0a0d0a000d0a515549540a 20 00 0000 47", "", SOCKS6_CONNECT, "0.0.0.0:0", 1);
	ENDS(&s, "50524f5859204a 0d0a", "",
	     "PROXY: no PROXY header, or one of another family than TCP");
	ENDS(&only6, "0d0a0d0a", "06", "no protocol that is spoken here begins with 0x0d");
}

static const struct unit units[] = {
	{ "connects_with_socks5", connects_with_socks5 },
	{ "gives_each_outcome_its_code", gives_each_outcome_its_code },
	{ "refuses_what_socks5_does_not_know", refuses_what_socks5_does_not_know },
	{ "settles_literals_in_names", settles_literals_in_names },
	{ "wants_passwords_where_there_are_users", wants_passwords_where_there_are_users },
	{ "tells_protocols_apart", tells_protocols_apart },
	{ "answers_as_the_reference_does", answers_as_the_reference_does },
	{ "begins_a_session_as_the_reference_does", begins_a_session_as_the_reference_does },
	{ "knows_no_session_that_it_did_not_begin", knows_no_session_that_it_did_not_begin },
	{ "authenticates_within_the_request", authenticates_within_the_request },
	{ "authenticates_by_a_dialogue", authenticates_by_a_dialogue },
	{ "answers_faulty_requests", answers_faulty_requests },
	{ "answers_the_stack_options_that_were_done", answers_the_stack_options_that_were_done },
	{ "speaks_the_prototypes_dialect", speaks_the_prototypes_dialect },
	{ "believes_metadata_of_those_it_trusts", believes_metadata_of_those_it_trusts },
	{ "refuses_metadata_that_means_nothing", refuses_metadata_that_means_nothing },
	{ "takes_a_proxy_header", takes_a_proxy_header },
};

int main(void)
{
	return unit_main("inbound", units, sizeof(units) / sizeof(*units));
}
