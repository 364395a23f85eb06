/* Messages of SOCKS6: runtime/socks/socks6.h.  The bytes of the first tests are those that the
 * draft's reference proxy and its client sent to each other. */
#include <config.h>

#include <string.h>

#include "runtime/socks/socks6.h"
#include "tests/unit/hex.h"

static uint8_t out[1024];
static const uint8_t session[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static struct socks6_request request_of(const char *bytes)
{
	static struct hex h;
	struct socks6_request m;
	size_t used;

	h = hex(bytes);
	CU_ASSERT_EQUAL(socks6_request_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, h.n);
	return m;
}

static struct socks6_auth auth_of(const char *bytes)
{
	static struct hex h;
	struct socks6_auth m;
	size_t used;

	h = hex(bytes);
	CU_ASSERT_EQUAL(socks6_auth_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, h.n);
	return m;
}

static enum wire_fault request_fault(const char *bytes)
{
	struct hex h = hex(bytes);
	struct socks6_request m;
	size_t used;

	CU_ASSERT_EQUAL(socks6_request_read(h.at, h.n, &m, &used), WIRE_BAD);
	return m.fault;
}

static void asks_for_nothing(void)
{
	struct socks6_request m = request_of("06 00 0000 0000 00 01 00000000");
	struct socks6_auth auth = { .type = SOCKS6_AUTH_SUCCESS };
	struct socks6_operation op = { .bound = wire_any };

	CU_ASSERT_EQUAL(m.command, SOCKS6_NOOP);
	CU_ASSERT_EQUAL(m.options.has, 0);
	HEX_CHECK("06 00 0000 0000 00 01 00000000", out,
		  socks6_request_write(out, sizeof(out), &m));
	HEX_CHECK("06 00 0000", out, socks6_auth_write(out, sizeof(out), &auth));
	HEX_CHECK("06 00 0000 0000 00 01 00000000", out,
		  socks6_operation_write(out, sizeof(out), &op));
}

static void opens_a_session(void)
{
	static const char bytes[] = "06 00 000c 0000 00 01 00000000 0005 0004 000b 0008 000000c8";
	struct socks6_request m = request_of(bytes);
	struct socks6_auth auth = { .type = SOCKS6_AUTH_SUCCESS };

	CU_ASSERT_TRUE(socks6_has(&m.options, SOCKS6_SESSION_REQUEST));
	CU_ASSERT_TRUE(socks6_has(&m.options, SOCKS6_TOKEN_REQUEST));
	CU_ASSERT_EQUAL(m.options.tokens_wanted, 200);
	HEX_CHECK(bytes, out, socks6_request_write(out, sizeof(out), &m));
	auth.options.has = 1u << SOCKS6_SESSION_ID | 1u << SOCKS6_TOKEN_WINDOW;
	auth.options.session_id = (struct wire_span){ session, sizeof(session) };
	auth.options.window_base = 0x11223344;
	auth.options.window_size = 200;
	HEX_CHECK("06 00 0018 0006 000c 0102030405060708 000c 000c 11223344 000000c8", out,
		  socks6_auth_write(out, sizeof(out), &auth));
}

static void spends_a_token_in_a_session(void)
{
	struct socks6_request m = request_of("06 01 0014 0050 00 01 c0000201"
					     "0006 000c 0102030405060708 000d 0008 11223344");
	struct socks6_auth auth;

	CU_ASSERT_EQUAL(m.options.session_id.n, 8);
	CU_ASSERT_EQUAL(memcmp(m.options.session_id.at, session, 8), 0);
	CU_ASSERT_EQUAL(m.options.token, 0x11223344);
	auth = auth_of("06 00 0014 0008 0004 000c 000c 11223345 000000c8 000e 0004");
	CU_ASSERT_TRUE(socks6_has(&auth.options, SOCKS6_SESSION_OK));
	CU_ASSERT_TRUE(socks6_has(&auth.options, SOCKS6_TOKEN_ACCEPTED));
	CU_ASSERT_EQUAL(auth.options.window_base, 0x11223345);
	auth = auth_of("06 01 0004 000f 0004");
	CU_ASSERT_TRUE(socks6_has(&auth.options, SOCKS6_TOKEN_REJECTED));
	CU_ASSERT_EQUAL(socks6_auth_continues(&auth), -1);
}

static void learns_of_an_invalid_session(void)
{
	struct socks6_auth auth = auth_of("06 01 0004 0009 0004");
	struct hex success = hex("06 00 0004 0009 0004");
	size_t used;

	CU_ASSERT_TRUE(socks6_has(&auth.options, SOCKS6_SESSION_INVALID));
	HEX_CHECK("06 01 0004 0009 0004", out, socks6_auth_write(out, sizeof(out), &auth));
	CU_ASSERT_EQUAL(socks6_auth_read(success.at, success.n, &auth, &used), WIRE_BAD);
	CU_ASSERT_EQUAL(auth.fault, WIRE_FAULT_OPTION_CLASH);
}

static void leaves_the_data_of_a_false_start(void)
{
	struct hex h = hex("06 01 0000 01bb 00 01 c0000201 474554");
	struct socks6_request m;
	size_t used;

	CU_ASSERT_EQUAL(socks6_request_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, 12);
	CU_ASSERT_EQUAL(m.to.port, 443);
	CU_ASSERT_FALSE(socks6_has(&m.options, SOCKS6_METHODS));
}

static void answers_another_version_with_one_byte(void)
{
	struct hex h = hex("05 01 00");
	struct socks6_request m;
	size_t used;

	CU_ASSERT_EQUAL(socks6_request_read(h.at, 1, &m, &used), WIRE_BAD);
	CU_ASSERT_EQUAL(wire_fault_answer(m.fault), WIRE_ANSWER_MISMATCH);
	HEX_CHECK("06", out, socks6_mismatch_write(out, sizeof(out)));
	CU_ASSERT_TRUE(socks6_mismatch_is(out, 1));
	CU_ASSERT_FALSE(socks6_mismatch_is(h.at, 1));
}

/* "abcde" needs 2 bytes: counted, not counted, and both. */
static void reads_names_however_they_are_padded(void)
{
	static const char *const cases[] = {
		"06 01 0000 0050 00 03 07 6162636465 0000",
		"06 01 0000 0050 00 03 05 6162636465 0000",
		"06 01 0000 0050 00 03 06 6162636465 00 00",
	};

	for (size_t i = 0; i < 3; i++) {
		struct socks6_request m = request_of(cases[i]);

		CU_ASSERT_EQUAL(m.to.name.n, 5);
		HEX_CHECK(cases[0], out, socks6_request_write(out, sizeof(out), &m));
	}
	CU_ASSERT_EQUAL(request_fault("06 01 0000 0050 00 03 05 6162636465 4745"),
			WIRE_FAULT_PADDING);
	CU_ASSERT_EQUAL(request_fault("06 01 0000 0050 00 03 03 000000"), WIRE_FAULT_NAME);
	CU_ASSERT_EQUAL(request_fault("06 01 0000 0050 00 03 03 610062"), WIRE_FAULT_NAME);
}

static void pads_the_longest_name(void)
{
	char name[255];
	struct socks6_request m = { .command = SOCKS6_CONNECT }, back;
	size_t used, n;

	memset(name, 'a', sizeof(name));
	for (size_t length = 252; length <= 255; length++) {
		m.to = (struct wire_address){ .kind = WIRE_NAME,
					      .name = { (const uint8_t *)name, length } };
		n = socks6_request_write(out, sizeof(out), &m);
		CU_ASSERT_EQUAL(n, 8 + 256);
		CU_ASSERT_EQUAL(socks6_request_read(out, n, &back, &used), WIRE_DONE);
		CU_ASSERT_EQUAL(back.to.name.n, length);
	}
}

static void bounds_options(void)
{
	CU_ASSERT_EQUAL(request_fault("06 01 4004"), WIRE_FAULT_OPTIONS_SIZE);
	CU_ASSERT_EQUAL(request_fault("06 01 0002"), WIRE_FAULT_OPTIONS_SIZE);
	CU_ASSERT_EQUAL(request_fault("06 04"), WIRE_FAULT_COMMAND);
	CU_ASSERT_EQUAL(request_fault("06 00 0000 0000 00 03 03 616263"), WIRE_FAULT_ADDRESS_TYPE);
}

static void forgets_what_a_noop_names(void)
{
	struct socks6_request m = request_of("06 00 0000 0050 00 01 c0000201");

	CU_ASSERT_EQUAL(m.to.port, 0);
	CU_ASSERT_EQUAL(m.to.ip[0], 0);
	m.to.port = 1;
	CU_ASSERT_EQUAL(socks6_request_write(out, sizeof(out), &m), 0);
}

static void offers_to_go_on(void)
{
	struct socks6_auth m = auth_of("06 01 0008 0003 0008 02 000000");

	CU_ASSERT_EQUAL(socks6_auth_continues(&m), SOCKS_METHOD_PASSWORD);
	m = auth_of("06 01 0008 0003 0008 ff 000000");
	CU_ASSERT_EQUAL(socks6_auth_continues(&m), -1);
	m = auth_of("06 00 0008 0003 0008 02 000000");
	CU_ASSERT_EQUAL(socks6_auth_continues(&m), -1);
}

static void carries_experimental_options(void)
{
	struct hex extra = hex("fde8 0008 aabbccdd"), known = hex("0005 0004");
	struct socks6_request m = { .command = SOCKS6_CONNECT, .to = wire_any };

	m.extra = (struct wire_span){ extra.at, extra.n };
	m.options.has = 1u << SOCKS6_SESSION_REQUEST;
	HEX_CHECK("06 01 000c 0000 00 01 00000000 0005 0004 fde8 0008 aabbccdd", out,
		  socks6_request_write(out, sizeof(out), &m));
	m.extra = (struct wire_span){ known.at, known.n };
	CU_ASSERT_EQUAL(socks6_request_write(out, sizeof(out), &m), 0);
	m.extra = (struct wire_span){ extra.at, 7 };
	CU_ASSERT_EQUAL(socks6_request_write(out, sizeof(out), &m), 0);
}

/* ---- UDP ---- */

static void begins_an_association(void)
{
	struct socks6_udp m = { .type = SOCKS6_UDP_INIT, .association = 0x0102030405060708 };

	HEX_CHECK("06 01 000c 0102030405060708", out, socks6_udp_write(out, sizeof(out), &m));
	m.type = SOCKS6_UDP_CONFIRM;
	HEX_CHECK("06 02 000c 0102030405060708", out, socks6_udp_write(out, sizeof(out), &m));
}

static void reads_a_datagram_and_not_its_padding(void)
{
	struct hex h = hex("06 03 0017 0102030405060708 01 00 0035 c0000201 616263 ffff");
	struct socks6_udp m;
	size_t used;

	CU_ASSERT_EQUAL(socks6_udp_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, 0x17);
	CU_ASSERT_EQUAL(m.at.port, 53);
	CU_ASSERT_EQUAL(m.data.n, 3);
	HEX_CHECK("06 03 0017 0102030405060708 01 00 0035 c0000201 616263", out,
		  socks6_udp_write(out, sizeof(out), &m));
	CU_ASSERT_EQUAL(socks6_udp_read(h.at, 0x16, &m, &used), WIRE_MORE);
	CU_ASSERT_EQUAL(used, 0x17);
}

static void refuses_udp_messages_of_another_shape(void)
{
	static const struct {
		const char *bytes;
		enum wire_fault fault;
	} cases[] = {
		{ "06 05", WIRE_FAULT_MESSAGE_TYPE },
		{ "06 03 000b", WIRE_FAULT_MESSAGE_LENGTH },
		{ "06 01 000d 0000000000000000 00", WIRE_FAULT_MESSAGE_LENGTH },
		{ "06 03 0010 0000000000000000 01 00 0035", WIRE_FAULT_MESSAGE_LENGTH },
		{ "06 04 0014 0000000000000000 03 00 0035 03 616263", WIRE_FAULT_ADDRESS_TYPE },
		{ "06 04 001c 0000000000000000 01 00 0035 c0000201 01 05 0000 c0000202",
		  WIRE_FAULT_ERROR_CODE },
	};
	struct socks6_udp m;
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hex h = hex(cases[i].bytes);

		CU_ASSERT_EQUAL(socks6_udp_read(h.at, h.n, &m, &used), WIRE_BAD);
		CU_ASSERT_EQUAL(m.fault, cases[i].fault);
	}
}

static void reports_an_error(void)
{
	static const char bytes[] =
	    "06 04 001c 0102030405060708 01 00 0035 c0000201 01 02 0000 c0000202";
	struct hex h = hex(bytes);
	struct socks6_udp m;
	size_t used;

	CU_ASSERT_EQUAL(socks6_udp_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(m.code, SOCKS6_UDP_HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(m.reporter.ip[3], 2);
	HEX_CHECK(bytes, out, socks6_udp_write(out, sizeof(out), &m));
	m.reporter.port = 1;
	CU_ASSERT_EQUAL(socks6_udp_write(out, sizeof(out), &m), 0);
}

static const struct unit units[] = {
	{ "asks_for_nothing", asks_for_nothing },
	{ "opens_a_session", opens_a_session },
	{ "spends_a_token_in_a_session", spends_a_token_in_a_session },
	{ "learns_of_an_invalid_session", learns_of_an_invalid_session },
	{ "leaves_the_data_of_a_false_start", leaves_the_data_of_a_false_start },
	{ "answers_another_version_with_one_byte", answers_another_version_with_one_byte },
	{ "reads_names_however_they_are_padded", reads_names_however_they_are_padded },
	{ "pads_the_longest_name", pads_the_longest_name },
	{ "bounds_options", bounds_options },
	{ "forgets_what_a_noop_names", forgets_what_a_noop_names },
	{ "offers_to_go_on", offers_to_go_on },
	{ "carries_experimental_options", carries_experimental_options },
	{ "begins_an_association", begins_an_association },
	{ "reads_a_datagram_and_not_its_padding", reads_a_datagram_and_not_its_padding },
	{ "refuses_udp_messages_of_another_shape", refuses_udp_messages_of_another_shape },
	{ "reports_an_error", reports_an_error },
};

int main(void)
{
	return unit_main("socks6", units, sizeof(units) / sizeof(*units));
}
