/* Options of SOCKS6: runtime/socks/socks6_options.h. */
#include <config.h>

#include <string.h>

#include "runtime/socks/socks6_options.h"
#include "tests/unit/hex.h"

static uint8_t out[1024];

static struct socks6_options options_of(const char *bytes, int place)
{
	static struct hex h;
	struct socks6_options o;

	h = hex(bytes);
	CU_ASSERT_EQUAL(socks6_options_read((struct wire_span){ h.at, h.n }, place, &o),
			WIRE_FAULT_NONE);
	return o;
}

static enum wire_fault fault_of(const char *bytes, int place)
{
	struct hex h = hex(bytes);
	struct socks6_options o;

	return socks6_options_read((struct wire_span){ h.at, h.n }, place, &o);
}

static size_t written(const struct socks6_options *o, int place)
{
	bool ok;
	size_t n = socks6_options_write(out, sizeof(out), place, o, &ok);

	CU_ASSERT_TRUE(ok);
	return n;
}

static bool refused(const struct socks6_options *o, int place)
{
	bool ok;

	return !socks6_options_write(out, sizeof(out), place, o, &ok) && !ok;
}

/* ---- stack ---- */

static void writes_each_stack_option(void)
{
	static const struct {
		enum socks6_stack_kind kind;
		uint8_t legs;
		uint16_t value;
		const char *bytes;
	} cases[] = {
		{ SOCKS6_TOS, SOCKS6_BOTH_LEGS, 0x10, "0001 0008 c1 01 10 00" },
		{ SOCKS6_HAPPY_EYEBALLS, SOCKS6_REMOTE_LEG, SOCKS6_YES, "0001 0008 81 02 02 00" },
		{ SOCKS6_TTL, SOCKS6_CLIENT_LEG, 64, "0001 0008 41 03 40 00" },
		{ SOCKS6_NO_FRAGMENTATION, SOCKS6_REMOTE_LEG, SOCKS6_NO, "0001 0008 81 04 01 00" },
		{ SOCKS6_TFO, SOCKS6_REMOTE_LEG, 1400, "0001 0008 84 01 0578" },
		{ SOCKS6_MULTIPATH, SOCKS6_REMOTE_LEG, SOCKS6_YES, "0001 0008 84 02 02 00" },
		{ SOCKS6_BACKLOG, SOCKS6_REMOTE_LEG, 300, "0001 0008 84 03 012c" },
		{ SOCKS6_UDP_ERROR, SOCKS6_REMOTE_LEG, SOCKS6_YES, "0001 0008 85 01 02 00" },
		{ SOCKS6_PORT_PARITY, SOCKS6_REMOTE_LEG, SOCKS6_PARITY(SOCKS6_ODD, 1),
		  "0001 0008 85 02 02 01" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct socks6_options o = { 0 };

		CU_ASSERT_TRUE(
		    socks6_options_stack(&o, cases[i].kind, cases[i].legs, cases[i].value));
		HEX_CHECK(cases[i].bytes, out, written(&o, SOCKS6_IN_REQUEST));
		o = options_of(cases[i].bytes, SOCKS6_IN_OPERATION);
		CU_ASSERT_EQUAL(o.stack[cases[i].kind].legs, cases[i].legs);
		CU_ASSERT_EQUAL(o.stack[cases[i].kind].value[cases[i].legs >> 1 & 1],
				cases[i].value);
	}
}

static void joins_the_legs_that_agree(void)
{
	struct socks6_options o =
	    options_of("0001 0008 41 01 10 00 0001 0008 81 01 10 00", SOCKS6_IN_REQUEST);

	HEX_CHECK("0001 0008 c1 01 10 00", out, written(&o, SOCKS6_IN_REQUEST));
	o = options_of("0001 0008 41 01 10 00 0001 0008 81 01 20 00", SOCKS6_IN_REQUEST);
	HEX_CHECK("0001 0008 41 01 10 00 0001 0008 81 01 20 00", out,
		  written(&o, SOCKS6_IN_REQUEST));
}

static void refuses_two_stack_options_for_a_leg(void)
{
	CU_ASSERT_EQUAL(fault_of("0001 0008 81 01 10 00 0001 0008 81 01 10 00", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_TWICE);
	CU_ASSERT_EQUAL(fault_of("0001 0008 c1 01 10 00 0001 0008 81 01 20 00", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_TWICE);
}

/* A level, a code, a leg, a value, a place that nobody has defined; the second byte of a value is
 * padding. */
static void skips_undefined_stack_options(void)
{
	static const char *const skipped[] = {
		"0001 0008 82 01 10 00",          "0001 0008 81 09 10 00", "0001 0008 44 01 0000",
		"0001 0008 84 02 03 00",          "0001 0008 85 02 00 02", "0001 0008 01 01 10 00",
		"0001 000c 81 09 10 00 00000000",
	};

	for (size_t i = 0; i < sizeof(skipped) / sizeof(*skipped); i++) {
		struct socks6_options o = options_of(skipped[i], SOCKS6_IN_REQUEST);

		CU_ASSERT_EQUAL(written(&o, SOCKS6_IN_REQUEST), 0);
	}
	CU_ASSERT_EQUAL(options_of("0001 0008 81 01 10 00", SOCKS6_IN_AUTH).stack[SOCKS6_TOS].legs,
			0);
	CU_ASSERT_EQUAL(
	    options_of("0001 0008 81 01 10 ff", SOCKS6_IN_REQUEST).stack[SOCKS6_TOS].value[1],
	    0x10);
	CU_ASSERT_EQUAL(fault_of("0001 000c 81 01 10 00 00000000", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_LENGTH);
}

static void sets_only_defined_stack_options(void)
{
	struct socks6_options o = { 0 };

	CU_ASSERT_FALSE(socks6_options_stack(&o, SOCKS6_TFO, SOCKS6_CLIENT_LEG, 0));
	CU_ASSERT_FALSE(socks6_options_stack(&o, SOCKS6_TTL, SOCKS6_BOTH_LEGS, 256));
	CU_ASSERT_FALSE(socks6_options_stack(&o, SOCKS6_MULTIPATH, SOCKS6_REMOTE_LEG, 0));
	o.stack[SOCKS6_TFO] = (struct socks6_stack){ .legs = SOCKS6_CLIENT_LEG };
	CU_ASSERT_TRUE(refused(&o, SOCKS6_IN_REQUEST));
}

/* ---- lengths ---- */

static void refuses_impossible_lengths(void)
{
	static const char *const bad[] = {
		"0005 0000",
		"0005 0003",
		"0005 0005 00000000",
		"0005 0008",
		"0005 0008 00000000",
		"ffff 0008",
		"0002 0004",
		"0006 0004",
		"000b 0004",
		"000d 0004",
		"00",
		"0004 0004",
		"000b 000c 00000001 00000000",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(fault_of(bad[i], SOCKS6_IN_REQUEST), WIRE_FAULT_OPTION_LENGTH);
	CU_ASSERT_EQUAL(fault_of("000c 0008 00000001", SOCKS6_IN_AUTH), WIRE_FAULT_OPTION_LENGTH);
}

static void skips_what_nobody_knows(void)
{
	struct socks6_options o = options_of("0007 0004 0010 0008 00000000 fde8 0008 01020304"
					     "0000 0004 0005 0004",
					     SOCKS6_IN_REQUEST);

	CU_ASSERT_EQUAL(o.has, 1u << SOCKS6_SESSION_REQUEST);
	UNIT_TEXT("fast open", socks6_stack_name(SOCKS6_TFO));
	UNIT_TEXT("session request", socks6_option_name(5));
	UNIT_TEXT("unknown option", socks6_option_name(7));
	UNIT_TEXT("unknown option", socks6_option_name(65000));
}

/* ---- authentication ---- */

static void advertises_methods(void)
{
	struct socks6_options o = options_of("0002 000c 0005 02 80 00 81 00 00", SOCKS6_IN_REQUEST);

	CU_ASSERT_EQUAL(o.initial_data, 5);
	CU_ASSERT_EQUAL(o.methods.n, 4);
	HEX_CHECK("0002 000c 0005 02 80 00 81 00 00", out, written(&o, SOCKS6_IN_REQUEST));
	o.methods.n = 0;
	HEX_CHECK("0002 0008 0005 0000", out, written(&o, SOCKS6_IN_REQUEST));
	CU_ASSERT_EQUAL(options_of("0002 0008 4000 0000", SOCKS6_IN_REQUEST).initial_data, 16384);
	CU_ASSERT_EQUAL(fault_of("0002 0008 4001 0000", SOCKS6_IN_REQUEST),
			WIRE_FAULT_INITIAL_DATA);
	o.initial_data = 16385;
	CU_ASSERT_TRUE(refused(&o, SOCKS6_IN_REQUEST));
}

static void carries_user_and_password(void)
{
	static const char bytes[] = "0004 000c 02 01 02 6d65 01 70 00";
	struct socks6_options o = { .n_auth = 1 };
	struct hex rfc1929 = hex("01 02 6d65 01 70");
	struct socks5_password password;
	struct socks5_status status;

	o.auth[0] = (struct socks6_auth_data){ SOCKS_METHOD_PASSWORD, { rfc1929.at, rfc1929.n } };
	HEX_CHECK(bytes, out, written(&o, SOCKS6_IN_REQUEST));
	o = options_of(bytes, SOCKS6_IN_REQUEST);
	CU_ASSERT_TRUE(socks6_password_of(&o, &password));
	CU_ASSERT_EQUAL(password.user.n, 2);
	CU_ASSERT_EQUAL(password.password.at[0], 'p');
	o = options_of("0004 0008 02 01 01 00", SOCKS6_IN_AUTH);
	CU_ASSERT_TRUE(socks6_status_of(&o, &status));
	CU_ASSERT_EQUAL(status.status, 1);
	CU_ASSERT_FALSE(socks6_password_of(&o, &password));
	o = options_of("0004 0008 02 01 09 61", SOCKS6_IN_REQUEST);
	CU_ASSERT_FALSE(socks6_password_of(&o, &password));
	CU_ASSERT_EQUAL(fault_of("0004 0008 02 000000 0004 0008 02 000000", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_TWICE);
}

/* ---- groups ---- */

static void refuses_contradictions(void)
{
	CU_ASSERT_EQUAL(fault_of("0005 0004 0005 0004", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_TWICE);
	CU_ASSERT_EQUAL(fault_of("0005 0004 0006 0008 01020304", SOCKS6_IN_REQUEST),
			WIRE_FAULT_OPTION_CLASH);
	CU_ASSERT_EQUAL(fault_of("000a 0004", SOCKS6_IN_REQUEST), WIRE_FAULT_OPTION_CLASH);
	CU_ASSERT_EQUAL(fault_of("0008 0004 0009 0004", SOCKS6_IN_AUTH), WIRE_FAULT_OPTION_CLASH);
	CU_ASSERT_EQUAL(fault_of("000e 0004 000f 0004", SOCKS6_IN_AUTH), WIRE_FAULT_OPTION_CLASH);
	CU_ASSERT_EQUAL(fault_of("000c 000c 00000000 00000000", SOCKS6_IN_AUTH),
			WIRE_FAULT_OPTION_VALUE);
	CU_ASSERT_EQUAL(fault_of("000c 000c 00000000 80000000", SOCKS6_IN_AUTH),
			WIRE_FAULT_OPTION_VALUE);
}

static void ignores_tokens_outside_of_a_session(void)
{
	struct socks6_options o =
	    options_of("000d 0008 00000001 000b 0008 00000005", SOCKS6_IN_REQUEST);

	CU_ASSERT_EQUAL(o.has, 0);
	CU_ASSERT_EQUAL(o.token, 0);
	o = options_of("000d 0008 00000001 0006 0008 01020304 000a 0004", SOCKS6_IN_REQUEST);
	CU_ASSERT_FALSE(socks6_has(&o, SOCKS6_TOKEN_SPEND));
	CU_ASSERT_TRUE(socks6_has(&o, SOCKS6_SESSION_TEARDOWN));
	o = options_of("000d 0008 00000001 0006 0008 01020304", SOCKS6_IN_REQUEST);
	CU_ASSERT_TRUE(socks6_has(&o, SOCKS6_TOKEN_SPEND));
	o = options_of("0005 0004 000b 0008 00000000", SOCKS6_IN_REQUEST);
	CU_ASSERT_FALSE(socks6_has(&o, SOCKS6_TOKEN_REQUEST));
	o = (struct socks6_options){ .has = 1u << SOCKS6_TOKEN_SPEND };
	CU_ASSERT_TRUE(refused(&o, SOCKS6_IN_REQUEST));
}

static void drops_a_group_that_is_not_supported(void)
{
	struct socks6_options o =
	    options_of("0006 0008 01020304 000d 0008 00000001", SOCKS6_IN_REQUEST);

	socks6_options_drop(&o, SOCKS6_TOKENS);
	CU_ASSERT_EQUAL(o.has, 1u << SOCKS6_SESSION_ID);
	socks6_options_drop(&o, SOCKS6_SESSIONS);
	CU_ASSERT_EQUAL(o.has, 0);
	CU_ASSERT_EQUAL(o.session_id.n, 0);
}

static void takes_the_session_id_of_both_replies(void)
{
	CU_ASSERT_EQUAL(options_of("0006 0008 01020304", SOCKS6_IN_AUTH).session_id.n, 4);
	CU_ASSERT_EQUAL(options_of("0006 0008 01020304", SOCKS6_IN_OPERATION).session_id.n, 4);
}

static void writes_no_session_id_that_needs_padding(void)
{
	struct hex id = hex("01020304 05");
	struct socks6_options o = { .has = 1u << SOCKS6_SESSION_ID };

	o.session_id = (struct wire_span){ id.at, 5 };
	CU_ASSERT_TRUE(refused(&o, SOCKS6_IN_AUTH));
	o.session_id.n = 0;
	CU_ASSERT_TRUE(refused(&o, SOCKS6_IN_AUTH));
	o.session_id.n = 4;
	HEX_CHECK("0006 0008 01020304", out, written(&o, SOCKS6_IN_AUTH));
}

static const struct unit units[] = {
	{ "writes_each_stack_option", writes_each_stack_option },
	{ "joins_the_legs_that_agree", joins_the_legs_that_agree },
	{ "refuses_two_stack_options_for_a_leg", refuses_two_stack_options_for_a_leg },
	{ "skips_undefined_stack_options", skips_undefined_stack_options },
	{ "sets_only_defined_stack_options", sets_only_defined_stack_options },
	{ "refuses_impossible_lengths", refuses_impossible_lengths },
	{ "skips_what_nobody_knows", skips_what_nobody_knows },
	{ "advertises_methods", advertises_methods },
	{ "carries_user_and_password", carries_user_and_password },
	{ "refuses_contradictions", refuses_contradictions },
	{ "ignores_tokens_outside_of_a_session", ignores_tokens_outside_of_a_session },
	{ "drops_a_group_that_is_not_supported", drops_a_group_that_is_not_supported },
	{ "takes_the_session_id_of_both_replies", takes_the_session_id_of_both_replies },
	{ "writes_no_session_id_that_needs_padding", writes_no_session_id_that_needs_padding },
};

int main(void)
{
	return unit_main("socks6 options", units, sizeof(units) / sizeof(*units));
}
