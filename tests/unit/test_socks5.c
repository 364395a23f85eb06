/* SOCKS5, addresses and outcomes: runtime/socks/{socks5,wire,reply,dialect}.h. */
#include <config.h>

#include <errno.h>
#include <string.h>

#include "runtime/socks/dialect.h"
#include "runtime/socks/socks5.h"
#include "tests/unit/hex.h"

static uint8_t out[1024];

static struct wire_span span(const char *text)
{
	return (struct wire_span){ (const uint8_t *)text, strlen(text) };
}

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE(wire_address_parse(text, strlen(text), &a));
	return a;
}

static const char *text_of(const struct wire_address *a)
{
	static char text[WIRE_TEXT_ROOM];

	text[wire_address_text(a, text, sizeof(text))] = '\0';
	return text;
}

/* ---- messages ---- */

static void leaves_what_was_pipelined(void)
{
	struct hex h = hex("05 01 00 05 01 00 01 c0000201 0050 48 49");
	struct socks5_greeting greeting;
	struct socks5_request request;
	size_t used, at;

	CU_ASSERT_EQUAL(socks5_greeting_read(h.at, h.n, &greeting, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, 3);
	CU_ASSERT_EQUAL(greeting.methods.n, 1);
	at = used;
	CU_ASSERT_EQUAL(socks5_request_read(h.at + at, h.n - at, &request, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, 10);
	CU_ASSERT_EQUAL(request.command, SOCKS5_CONNECT);
	UNIT_TEXT("192.0.2.1:80", text_of(&request.to));
	CU_ASSERT_EQUAL(at + used, h.n - 2);
}

static void tells_how_much_is_missing(void)
{
	struct hex h = hex("05 01 00 03 0b 65");
	struct socks5_request request;
	size_t used;

	CU_ASSERT_EQUAL(socks5_request_read(h.at, 0, &request, &used), WIRE_MORE);
	CU_ASSERT_EQUAL(used, 8);
	CU_ASSERT_EQUAL(socks5_request_read(h.at, h.n, &request, &used), WIRE_MORE);
	CU_ASSERT_EQUAL(used, 5 + 11);
}

static void says_what_is_wrong_at_once(void)
{
	static const struct {
		const char *bytes;
		enum wire_fault fault;
		uint8_t code;
	} cases[] = {
		{ "06", WIRE_FAULT_VERSION, 1 },
		{ "05 04", WIRE_FAULT_COMMAND, 7 },
		{ "05 01 00 02", WIRE_FAULT_ADDRESS_TYPE, 8 },
		{ "05 01 00 03 00", WIRE_FAULT_NAME, 4 },
		{ "05 01 00 03 03 61 00 62", WIRE_FAULT_NAME, 4 },
		{ "05 01 00 03 03 61 0a 62", WIRE_FAULT_NAME, 4 },
	};
	struct socks5_request request;
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hex h = hex(cases[i].bytes);

		CU_ASSERT_EQUAL(socks5_request_read(h.at, h.n, &request, &used), WIRE_BAD);
		CU_ASSERT_EQUAL(request.fault, cases[i].fault);
		CU_ASSERT_EQUAL(outcome_socks5(wire_fault_outcome(request.fault)), cases[i].code);
	}
	CU_ASSERT_EQUAL(wire_fault_answer(WIRE_FAULT_COMMAND), WIRE_ANSWER_REPLY);
	CU_ASSERT_EQUAL(wire_fault_answer(WIRE_FAULT_METHODS), WIRE_ANSWER_METHOD);
}

static void greets_with_methods(void)
{
	struct hex h = hex("05 00");
	struct socks5_greeting greeting = { .methods = span("") };
	size_t used;

	CU_ASSERT_EQUAL(socks5_greeting_write(out, sizeof(out), &greeting), 0);
	greeting.methods = (struct wire_span){ (const uint8_t[]){ 0, 2 }, 2 };
	HEX_CHECK("05 02 0002", out, socks5_greeting_write(out, sizeof(out), &greeting));
	CU_ASSERT_EQUAL(socks5_greeting_read(h.at, h.n, &greeting, &used), WIRE_BAD);
	CU_ASSERT_EQUAL(greeting.fault, WIRE_FAULT_METHODS);
}

static void sends_passwords(void)
{
	struct socks5_password m = { .user = span("me"), .password = span("pw") }, back;
	size_t used, n = socks5_password_write(out, sizeof(out), &m);
	struct hex no_user = hex("01 00 01 61");

	HEX_CHECK("01 02 6d65 02 7077", out, n);
	CU_ASSERT_EQUAL(socks5_password_read(out, n, &back, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(back.password.n, 2);
	m.password = span("");
	HEX_CHECK("01 02 6d65 00", out, socks5_password_write(out, sizeof(out), &m));
	CU_ASSERT_EQUAL(socks5_password_read(no_user.at, no_user.n, &back, &used), WIRE_BAD);
	CU_ASSERT_EQUAL(wire_fault_answer(back.fault), WIRE_ANSWER_STATUS);
}

static void takes_the_status_of_a_careless_server(void)
{
	struct hex h = hex("05 00");
	struct socks5_status status = { .status = 0xff };
	size_t used;

	CU_ASSERT_EQUAL(socks5_status_read(h.at, h.n, &status, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(status.status, 0);
	status.status = 1;
	HEX_CHECK("01 01", out, socks5_status_write(out, sizeof(out), &status));
}

static void replies(void)
{
	struct socks5_reply m = { .code = 5, .bound = wire_any }, back;
	struct hex half = hex("05 02 00 00");
	size_t used;

	HEX_CHECK("05 05 00 01 00000000 0000", out, socks5_reply_write(out, sizeof(out), &m));
	CU_ASSERT_EQUAL(socks5_reply_write(out, 9, &m), 0);
	CU_ASSERT_EQUAL(socks5_reply_read(half.at, half.n, &back, &used), WIRE_BAD);
	CU_ASSERT_EQUAL(back.code, 2);
}

static void heads_datagrams(void)
{
	struct socks5_udp m = { .at = address("[2001:db8::1]:53") }, back;
	size_t used, n = socks5_udp_write(out, sizeof(out), &m);

	HEX_CHECK("0000 00 04 20010db8 00000000 00000000 00000001 0035", out, n);
	out[2] = 3;
	CU_ASSERT_EQUAL(socks5_udp_read(out, n, &back, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(back.fragment, 3);
	CU_ASSERT_EQUAL(socks5_udp_read(out, n - 1, &back, &used), WIRE_MORE);
}

/* ---- addresses ---- */

static void reads_addresses_as_people_write_them(void)
{
	static const char *const bad[] = {
		"",       "host",  ":80",     "host:",        "host:65536", "host:+1", "a b:1",
		"::1:80", "[::1]", "[::1:80", "[1.2.3.4]:80", "[]:1",       "a/b:1",   "host:080000"
	};
	struct wire_address a;

	a = address("example.com:443");
	UNIT_TEXT("example.com:443", text_of(&a));
	a = address("[2001:DB8:0::1]:80");
	UNIT_TEXT("[2001:db8::1]:80", text_of(&a));
	CU_ASSERT_EQUAL(address("10.0.0.1:0").kind, WIRE_IPV4);
	CU_ASSERT_EQUAL(address("10.1:0").kind, WIRE_NAME);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(wire_address_parse(bad[i], strlen(bad[i]), &a));
}

static void settles_what_means_an_address(void)
{
	static const char *const cases[][2] = {
		{ "127.0.0.1", "127.0.0.1:80" },
		{ "0x7f.1", "127.0.0.1:80" },
		{ "2130706433", "127.0.0.1:80" },
		{ "::1", "[::1]:80" },
		{ "[::1]", "[::1]:80" },
		{ "::ffff:10.0.0.1", "10.0.0.1:80" },
		{ "example.com", "example.com:80" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire_address a = { .kind = WIRE_NAME,
					  .port = 80,
					  .name = span(cases[i][0]) };

		wire_address_settle(&a);
		UNIT_TEXT(cases[i][1], text_of(&a));
	}
}

static void goes_to_the_kernel_and_back(void)
{
	static const char *const cases[][2] = { { "192.0.2.1:80", "192.0.2.1:80" },
						{ "[2001:db8::1]:443", "[2001:db8::1]:443" },
						{ "[::ffff:192.0.2.1]:1", "192.0.2.1:1" } };
	struct sockaddr_storage s;
	struct wire_address a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		socklen_t n;

		a = address(cases[i][0]);
		n = wire_address_to_sockaddr(&a, &s);
		CU_ASSERT_TRUE(wire_address_from_sockaddr((struct sockaddr *)&s, n, &a));
		UNIT_TEXT(cases[i][1], text_of(&a));
		CU_ASSERT_FALSE(wire_address_from_sockaddr((struct sockaddr *)&s, n - 1, &a));
	}
	a = address("host:1");
	CU_ASSERT_EQUAL(wire_address_to_sockaddr(&a, &s), 0);
}

/* ---- outcomes, dialects ---- */

static void maps_errors_to_codes(void)
{
	CU_ASSERT_EQUAL(outcome_from_errno(ETIMEDOUT), OUTCOME_TIMED_OUT);
	CU_ASSERT_EQUAL(outcome_socks5(OUTCOME_TIMED_OUT), 4);
	CU_ASSERT_EQUAL(outcome_socks6(OUTCOME_TIMED_OUT), 9);
	CU_ASSERT_EQUAL(outcome_from_errno(EIO), OUTCOME_FAILED);
	CU_ASSERT_EQUAL(outcome_from_socks5(4), OUTCOME_HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(outcome_from_socks5(9), OUTCOME_FAILED);
	CU_ASSERT_EQUAL(outcome_from_socks6(9), OUTCOME_TIMED_OUT);
	for (uint8_t code = 0; code <= 9; code++)
		CU_ASSERT_EQUAL(outcome_socks6(outcome_from_socks6(code)), code);
}

static void tells_dialects_apart(void)
{
	static const struct {
		const char *bytes;
		enum wire_state state;
		enum dialect dialect;
	} cases[] = {
		{ "04", WIRE_DONE, DIALECT_SOCKS4 },
		{ "05", WIRE_DONE, DIALECT_SOCKS5 },
		{ "16", WIRE_DONE, DIALECT_TLS },
		{ "47", WIRE_DONE, DIALECT_UNKNOWN },
		{ "06 01", WIRE_MORE, DIALECT_SOCKS6 },
		{ "06 01 00", WIRE_DONE, DIALECT_SOCKS6 },
		{ "06 00 01", WIRE_DONE, DIALECT_SOCKS6 },
		{ "06 01 01", WIRE_MORE, DIALECT_SOCKS6 },
		{ "06 01 01 0a000001 0050", WIRE_DONE, DIALECT_EPI },
		{ "06 01 03 03 616263 0050", WIRE_DONE, DIALECT_EPI },
		{ "06 01 0100 0050 00 01 0a000001", WIRE_DONE, DIALECT_SOCKS6 },
		{ "06 01 01 0a000000 01bb", WIRE_DONE, DIALECT_SOCKS6 }, /* no way to know */
	};
	enum dialect dialect;
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hex h = hex(cases[i].bytes);

		CU_ASSERT_EQUAL(dialect_read(h.at, h.n, &dialect, &used), cases[i].state);
		CU_ASSERT_EQUAL(dialect, cases[i].dialect);
	}
	UNIT_TEXT("epi", dialect_name(DIALECT_EPI));
}

static const struct unit units[] = {
	{ "leaves_what_was_pipelined", leaves_what_was_pipelined },
	{ "tells_how_much_is_missing", tells_how_much_is_missing },
	{ "says_what_is_wrong_at_once", says_what_is_wrong_at_once },
	{ "greets_with_methods", greets_with_methods },
	{ "sends_passwords", sends_passwords },
	{ "takes_the_status_of_a_careless_server", takes_the_status_of_a_careless_server },
	{ "replies", replies },
	{ "heads_datagrams", heads_datagrams },
	{ "reads_addresses_as_people_write_them", reads_addresses_as_people_write_them },
	{ "settles_what_means_an_address", settles_what_means_an_address },
	{ "goes_to_the_kernel_and_back", goes_to_the_kernel_and_back },
	{ "maps_errors_to_codes", maps_errors_to_codes },
	{ "tells_dialects_apart", tells_dialects_apart },
};

int main(void)
{
	return unit_main("socks5", units, sizeof(units) / sizeof(*units));
}
