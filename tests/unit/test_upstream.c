/* What is said to the next proxy: runtime/socks/upstream.h. */
#include <config.h>

#include <string.h>

#include "runtime/socks/upstream.h"
#include "tests/unit/hex.h"

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

static struct upstream_wish wish_of(int version, const char *to)
{
	return (struct upstream_wish){ .version = version,
				       .command = SOCKS6_CONNECT,
				       .to = address(to) };
}

static void begin(struct upstream *u, const struct upstream_wish *w, struct bytes *out)
{
	CU_ASSERT_TRUE(upstream_begin(u, w, out));
}

/* Feeds all of HEX once; what is left is counted in *LEFT. */
static enum upstream_step feed(struct upstream *u, const char *text, size_t *left,
			       struct bytes *out)
{
	struct hex h = hex(text);
	size_t used;
	enum upstream_step step = upstream_feed(u, h.at, h.n, &used, out);

	CU_ASSERT_TRUE(used <= h.n);
	*left = h.n - used;
	return step;
}

/* ---- SOCKS5 ---- */

static void socks5_without_a_user_says_all_at_once(void)
{
	struct upstream_wish w = wish_of(5, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	begin(&u, &w, &out);
	HEX_CHECK("05 01 00 05 01 00 01 c0000201 0050", out.at, out.n);
	CU_ASSERT_TRUE(u.early);
	CU_ASSERT_EQUAL(feed(&u, "05 00 05 00 00 01 0a000001 1234 48 49", &left, &out),
			UPSTREAM_DONE);
	CU_ASSERT_EQUAL(left, 2);
	CU_ASSERT_EQUAL(out.n, 13);
	CU_ASSERT_EQUAL(u.outcome, OUTCOME_OK);
	UNIT_TEXT("10.0.0.1:4660", text_of(&u.bound));
	bytes_free(&out);
}

static void socks5_with_a_user_asks_step_by_step(void)
{
	struct upstream_wish w = wish_of(5, "example.org:443");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	w.user = "eve";
	w.password = "pw";
	begin(&u, &w, &out);
	HEX_CHECK("05 02 00 02", out.at, out.n);
	CU_ASSERT_FALSE(u.early);
	out.n = 0;
	CU_ASSERT_EQUAL(feed(&u, "05 02", &left, &out), UPSTREAM_SPEAK);
	HEX_CHECK("01 03 657665 02 7077", out.at, out.n);
	CU_ASSERT_FALSE(u.early);
	out.n = 0;
	CU_ASSERT_EQUAL(feed(&u, "01 00", &left, &out), UPSTREAM_SPEAK);
	HEX_CHECK("05 01 00 03 0b 6578616d706c652e6f7267 01bb", out.at, out.n);
	CU_ASSERT_TRUE(u.early);
	CU_ASSERT_EQUAL(feed(&u, "05 00 00 01 00000000 0000", &left, &out), UPSTREAM_DONE);
	bytes_free(&out);
}

static void socks5_goes_on_where_no_password_is_wanted(void)
{
	struct upstream_wish w = wish_of(5, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	w.user = "eve";
	begin(&u, &w, &out);
	out.n = 0;
	CU_ASSERT_EQUAL(feed(&u, "05 00", &left, &out), UPSTREAM_SPEAK);
	HEX_CHECK("05 01 00 01 c0000201 0050", out.at, out.n);
	CU_ASSERT_TRUE(u.early);
	bytes_free(&out);
}

/* ---- SOCKS6 ---- */

static void socks6_needs_twelve_bytes(void)
{
	struct upstream_wish w = wish_of(6, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	w.data = 100;
	begin(&u, &w, &out);
	HEX_CHECK("06 01 0000 0050 00 01 c0000201", out.at, out.n);
	CU_ASSERT_TRUE(u.early);
	CU_ASSERT_EQUAL(feed(&u, "06 00 0000 06 00 0000 1234 00 01 7f000001 48", &left, &out),
			UPSTREAM_DONE);
	CU_ASSERT_EQUAL(left, 1);
	UNIT_TEXT("127.0.0.1:4660", text_of(&u.bound));
	bytes_free(&out);
}

static void socks6_announces_data_only_beside_a_user(void)
{
	struct upstream_wish w = wish_of(6, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct socks6_request m;
	struct socks5_password password;
	struct upstream u;
	size_t used;

	w.user = "eve";
	w.password = "pw";
	w.data = 70000;
	w.fast_open = true;
	begin(&u, &w, &out);
	CU_ASSERT_EQUAL(socks6_request_read(out.at, out.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, out.n);
	CU_ASSERT_EQUAL(m.options.initial_data, SOCKS6_MOST_INITIAL_DATA);
	CU_ASSERT_EQUAL(m.options.methods.at[0], SOCKS_METHOD_PASSWORD);
	CU_ASSERT_TRUE(socks6_password_of(&m.options, &password));
	CU_ASSERT_EQUAL(password.user.n, 3);
	CU_ASSERT_EQUAL(m.options.stack[SOCKS6_TFO].legs, SOCKS6_REMOTE_LEG);
	CU_ASSERT_TRUE(u.early);
	bytes_free(&out);
}

static void check_chain(struct wire_span options)
{
	static const char *const texts[] = { "root:1080", "10.0.0.1:1080", "[2001:db8::1]:1081" };
	struct epi_chain chain;
	struct wire_span source;
	struct epi_metadata m;
	enum wire_fault fault;
	char text[64];

	CU_ASSERT_EQUAL(epi_chain_read(options, &chain), WIRE_FAULT_NONE);
	CU_ASSERT_EQUAL(chain.index, 1);
	CU_ASSERT_EQUAL_FATAL(chain.n, 3);
	for (size_t i = 0; i < chain.n; i++)
		UNIT_TEXT(texts[i], text_of(&chain.links[i].at));
	CU_ASSERT_TRUE_FATAL(epi_metadata_next(&options, &m, &fault));
	CU_ASSERT_EQUAL(m.key, EPI_SOURCE);
	source = m.value;
	snprintf(text, sizeof(text), "%.*s", (int)source.n, (const char *)source.at);
	UNIT_TEXT("10.2.0.7:40000", text);
}

static void source_and_chain_are_told_in_both_dialects(void)
{
	static const char *const links[] = { "socks6://10.0.0.1:1080",
					     "socks6://[2001:db8::1]:1081" };
	struct upstream_wish w = wish_of(6, "example.org:80");
	struct wire_address source = address("10.2.0.7:40000");
	struct bytes out = { .n = 0 };
	struct socks6_request draft;
	struct epi_request epi;
	struct upstream u;
	size_t used;

	w.source = &source;
	w.links = links;
	w.n_links = 2;
	w.data = 5;
	begin(&u, &w, &out);
	CU_ASSERT_EQUAL_FATAL(socks6_request_read(out.at, out.n, &draft, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, out.n);
	check_chain(draft.raw);
	out.n = 0;
	w.epi = true;
	begin(&u, &w, &out);
	CU_ASSERT_EQUAL_FATAL(epi_request_read(out.at, out.n, &epi, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, out.n);
	CU_ASSERT_EQUAL(epi.initial_data, 5);
	check_chain(epi.options);
	bytes_free(&out);
}

/* Whoever gets the request goes on behind his own place, as the prototype does. */
static void each_receiver_finds_the_rest_of_the_way(void)
{
	static const char *const links[] = { "socks6://10.0.0.1:1080", "socks6://10.0.0.2:1080" };
	struct upstream_wish w = wish_of(6, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct socks6_request m;
	const struct epi_link *next;
	struct epi_chain chain;
	struct upstream u;
	size_t used;

	w.links = links;
	w.n_links = 2;
	begin(&u, &w, &out);
	CU_ASSERT_EQUAL_FATAL(socks6_request_read(out.at, out.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(epi_chain_read(m.raw, &chain), WIRE_FAULT_NONE);
	UNIT_TEXT("10.0.0.1:1080", text_of(&chain.links[chain.index].at));
	next = epi_chain_next(&chain);
	CU_ASSERT_PTR_NOT_NULL_FATAL(next);
	UNIT_TEXT("10.0.0.2:1080", text_of(&next->at));
	CU_ASSERT_PTR_NULL(epi_chain_next(&chain));
	bytes_free(&out);
}

static void a_long_chain_fits(void)
{
	const char *links[EPI_MOST_LINKS];
	struct upstream_wish w = wish_of(6, "192.0.2.1:80");
	struct wire_address source = address("[2001:db8:1111:2222:3333:4444:5555:6666]:40000");
	struct bytes out = { .n = 0 };
	struct upstream u;

	for (size_t i = 0; i < EPI_MOST_LINKS; i++)
		links[i] = "socks6://user:word@[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
	w.source = &source;
	w.links = links;
	w.n_links = EPI_MOST_LINKS - 1;
	for (int epi = 0; epi < 2; epi++) {
		w.epi = epi;
		begin(&u, &w, &out);
	}
	w.n_links++;
	CU_ASSERT_FALSE(upstream_begin(&u, &w, &out));
	bytes_free(&out);
}

static void both_replies_of_the_prototype_are_read(void)
{
	static const char *const replies[] = {
		"06 00 00 00 06 00 1234 00 01 0a000001 0000 48",
		"06 00 00 00 06 00 00 01 0a000001 1234 0000 48",
	};
	struct upstream_wish w = wish_of(6, "192.0.2.1:80");
	struct upstream u;
	size_t left;

	w.epi = true;
	for (size_t i = 0; i < 2; i++) {
		struct bytes out = { .n = 0 };

		begin(&u, &w, &out);
		HEX_CHECK("06 01 01 c0000201 0050 00 0008 0002 0008 0000 0000", out.at, out.n);
		CU_ASSERT_EQUAL(feed(&u, replies[i], &left, &out), UPSTREAM_DONE);
		CU_ASSERT_EQUAL(left, 1);
		UNIT_TEXT("10.0.0.1:4660", text_of(&u.bound));
		bytes_free(&out);
	}
}

static void bind_has_two_replies(void)
{
	struct upstream_wish w = wish_of(6, "0.0.0.0:0");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	w.command = SOCKS6_BIND;
	begin(&u, &w, &out);
	CU_ASSERT_EQUAL(feed(&u,
			     "06 00 0000 06 00 0000 1234 00 01 7f000001"
			     "06 00 0000 0050 00 01 c0000207",
			     &left, &out),
			UPSTREAM_DONE);
	CU_ASSERT_EQUAL(left, 12);
	upstream_again(&u);
	CU_ASSERT_EQUAL(feed(&u, "06 00 0000 0050 00 01 c0000207", &left, &out), UPSTREAM_DONE);
	UNIT_TEXT("192.0.2.7:80", text_of(&u.bound));
	bytes_free(&out);
}

/* ---- refusals ---- */

static void refusals_say_why(void)
{
	static const struct {
		int version;
		bool user, epi;
		const char *answer;
		enum outcome outcome;
		const char *why;
	} cases[] = {
		{ 5, 0, 0, "05 ff", OUTCOME_DENIED, "SOCKS5: no acceptable method" },
		{ 5, 0, 0, "05 02", OUTCOME_DENIED, "SOCKS5: a method that was not offered" },
		{ 5, 0, 0, "06", OUTCOME_FAILED, "SOCKS5: the answer is of version 6" },
		{ 5, 1, 0, "05 02 01 01", OUTCOME_DENIED, "SOCKS5: user or password refused" },
		{ 5, 0, 0, "05 00 05 05 00 01 00000000 0000", OUTCOME_REFUSED,
		  "SOCKS5: connection refused" },
		{ 5, 0, 0, "05 00 05 02 00 00", OUTCOME_DENIED,
		  "SOCKS5: not allowed by the policy" },
		{ 5, 0, 0, "05 00 05 00 00 00", OUTCOME_FAILED, "SOCKS5: an unknown address type" },
		{ 6, 0, 0, "05 ff", OUTCOME_FAILED, "SOCKS6: the answer is of version 5" },
		{ 6, 0, 0, "06 01 0000", OUTCOME_DENIED, "SOCKS6: it wants a user" },
		{ 6, 1, 0, "06 01 0000", OUTCOME_DENIED, "SOCKS6: user or password refused" },
		{ 6, 0, 0, "06 00 0000 06 09 0000 0000 00 01 00000000", OUTCOME_TIMED_OUT,
		  "SOCKS6: connection attempt timed out" },
		{ 6, 0, 0, "06 00 0000 06 63 0000 0000 00 01 00000000", OUTCOME_FAILED,
		  "SOCKS6: general failure" },
		{ 6, 0, 1, "06 00 00 00 06 05 00 01 00 01 00000000 0000", OUTCOME_REFUSED,
		  "SOCKS6 (epi): connection refused" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct upstream_wish w = wish_of(cases[i].version, "192.0.2.1:80");
		struct bytes out = { .n = 0 };
		enum upstream_step step;
		struct upstream u;
		struct hex h = hex(cases[i].answer);
		size_t used, at = 0;

		w.user = cases[i].user ? "eve" : NULL;
		w.epi = cases[i].epi;
		begin(&u, &w, &out);
		do {
			step = upstream_feed(&u, h.at + at, h.n - at, &used, &out);
			at += used;
		} while (step == UPSTREAM_SPEAK);
		CU_ASSERT_EQUAL(step, UPSTREAM_BAD);
		CU_ASSERT_EQUAL(u.outcome, cases[i].outcome);
		UNIT_TEXT(cases[i].why, u.why);
		bytes_free(&out);
	}
}

static void an_early_end_says_why(void)
{
	static const struct {
		int version;
		const char *answer;
		enum outcome outcome;
		const char *why;
	} cases[] = {
		{ 6, "06", OUTCOME_FAILED, "SOCKS6: it speaks another version" },
		{ 6, "", OUTCOME_FAILED, "SOCKS6: it ended without an answer" },
		{ 6, "06 00 0000 06 05", OUTCOME_REFUSED, "SOCKS6: connection refused" },
		{ 5, "05 00 05 03", OUTCOME_NET_UNREACHABLE, "SOCKS5: network unreachable" },
		{ 5, "05 00 05 00", OUTCOME_FAILED, "SOCKS5: it ended in the middle of an answer" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct upstream_wish w = wish_of(cases[i].version, "192.0.2.1:80");
		struct bytes out = { .n = 0 };
		struct upstream u;
		struct hex h = hex(cases[i].answer);
		size_t used;

		begin(&u, &w, &out);
		CU_ASSERT_EQUAL(upstream_feed(&u, h.at, h.n, &used, &out), UPSTREAM_MORE);
		upstream_end(&u, h.at + used, h.n - used);
		CU_ASSERT_EQUAL(u.outcome, cases[i].outcome);
		UNIT_TEXT(cases[i].why, u.why);
		bytes_free(&out);
	}
}

static void what_cannot_be_said_is_not_begun(void)
{
	static const char *const links[] = { "socks5://10.0.0.1:1080", "socks5://10.0.0.2:1080" };
	static const char *const wrong[] = { "http://10.0.0.1:1080" };
	static char long_text[300];
	struct upstream_wish good = wish_of(6, "192.0.2.1:80"), w[7];
	struct bytes out = { .n = 0 };
	struct upstream u;

	memset(long_text, 'a', sizeof(long_text) - 1);
	for (size_t i = 0; i < 7; i++)
		w[i] = good;
	w[0].version = 4;
	w[1].version = 5;
	w[1].links = links;
	w[1].n_links = 2;
	w[2].epi = true;
	w[2].user = "eve";
	w[3].epi = true;
	w[3].command = SOCKS6_BIND;
	w[4].user = long_text;
	w[5].version = 5;
	w[5].user = long_text;
	w[6].links = wrong;
	w[6].n_links = 1;
	bytes_add(&out, "before", 6);
	for (size_t i = 0; i < 7; i++) {
		CU_ASSERT_FALSE(upstream_begin(&u, &w[i], &out));
		CU_ASSERT_FALSE(u.early);
		CU_ASSERT_PTR_NOT_NULL(strstr(u.why, "cannot be said"));
		CU_ASSERT_EQUAL(out.n, 6);
	}
	w[1].n_links = 1;
	CU_ASSERT_TRUE(upstream_begin(&u, &w[1], &out));
	bytes_free(&out);
}

static void a_bound_name_is_no_address(void)
{
	struct upstream_wish w = wish_of(5, "192.0.2.1:80");
	struct bytes out = { .n = 0 };
	struct upstream u;
	size_t left;

	begin(&u, &w, &out);
	CU_ASSERT_EQUAL(feed(&u, "05 00 05 00 00 03 02 6162 0050", &left, &out), UPSTREAM_DONE);
	UNIT_TEXT("0.0.0.0:80", text_of(&u.bound));
	bytes_free(&out);
}

static const struct unit units[] = {
	{ "socks5_without_a_user_says_all_at_once", socks5_without_a_user_says_all_at_once },
	{ "socks5_with_a_user_asks_step_by_step", socks5_with_a_user_asks_step_by_step },
	{ "socks5_goes_on_where_no_password_is_wanted",
	  socks5_goes_on_where_no_password_is_wanted },
	{ "socks6_needs_twelve_bytes", socks6_needs_twelve_bytes },
	{ "socks6_announces_data_only_beside_a_user", socks6_announces_data_only_beside_a_user },
	{ "source_and_chain_are_told_in_both_dialects",
	  source_and_chain_are_told_in_both_dialects },
	{ "each_receiver_finds_the_rest_of_the_way", each_receiver_finds_the_rest_of_the_way },
	{ "a_long_chain_fits", a_long_chain_fits },
	{ "both_replies_of_the_prototype_are_read", both_replies_of_the_prototype_are_read },
	{ "bind_has_two_replies", bind_has_two_replies },
	{ "refusals_say_why", refusals_say_why },
	{ "an_early_end_says_why", an_early_end_says_why },
	{ "what_cannot_be_said_is_not_begun", what_cannot_be_said_is_not_begun },
	{ "a_bound_name_is_no_address", a_bound_name_is_no_address },
};

int main(void)
{
	return unit_main("upstream", units, sizeof(units) / sizeof(*units));
}
