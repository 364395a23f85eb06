/* The dialect of the published prototype: runtime/socks/socks6_epi.h. */
#include <config.h>

#include <string.h>

#include "runtime/socks/socks6_epi.h"
#include "tests/unit/hex.h"

static uint8_t out[4096];

static struct wire_span span(const char *text)
{
	return (struct wire_span){ (const uint8_t *)text, strlen(text) };
}

static struct epi_link link_of(const char *text)
{
	struct epi_link l;

	CU_ASSERT_TRUE(epi_link_parse(span(text), &l));
	return l;
}

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE(wire_address_parse(text, strlen(text), &a));
	return a;
}

/* ---- messages ---- */

/* Version 2.0.0 announces no data and pads with 4 bytes more than it must. */
static void reads_a_request_of_the_prototype(void)
{
	struct hex h = hex("06 01 03 04 686f7374 0050 00 0008 0002 0008 0000 0000 474554");
	struct epi_request m;
	size_t used;

	CU_ASSERT_EQUAL(epi_request_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, h.n - 3);
	CU_ASSERT_EQUAL(m.to.port, 80);
	CU_ASSERT_EQUAL(m.to.name.n, 4);
	CU_ASSERT_EQUAL(m.initial_data, 0);
}

/* Version 0.1.0 reads the length of the data from a fixed place. */
static void writes_the_initial_data_first(void)
{
	struct hex metadata = hex("0005 0004 fde8 0010 0001 0004 61626364 00000000");
	struct epi_request m = { .to = address("10.0.0.1:80"), .initial_data = 5 };

	m.options = (struct wire_span){ metadata.at, metadata.n };
	HEX_CHECK("06 01 01 0a000001 0050 00 0014 0002 0008 0005 0000"
		  "fde8 000c 0001 0004 61626364",
		  out, epi_request_write(out, sizeof(out), &m));
	m.options.n = 5;
	CU_ASSERT_EQUAL(epi_request_write(out, sizeof(out), &m), 0);
	m.options.n = 0;
	m.initial_data = 16385;
	CU_ASSERT_EQUAL(epi_request_write(out, sizeof(out), &m), 0);
}

static void refuses_what_the_prototype_cannot(void)
{
	static const struct {
		const char *bytes;
		enum wire_fault fault;
	} cases[] = {
		{ "05", WIRE_FAULT_VERSION6 },
		{ "06 02", WIRE_FAULT_COMMAND },
		{ "06 01 02", WIRE_FAULT_ADDRESS_TYPE },
		{ "06 01 01 0a000001 0050 00 4004", WIRE_FAULT_OPTIONS_SIZE },
		{ "06 01 01 0a000001 0050 00 0004 0002 0004", WIRE_FAULT_OPTION_LENGTH },
		{ "06 01 01 0a000001 0050 00 0008 0002 0008 4001 0000", WIRE_FAULT_INITIAL_DATA },
		{ "06 01 01 0a000001 0050 00 0008 fde8 0008 0001 0004", WIRE_FAULT_METADATA },
		{ "06 01 01 0a000001 0050 00 000c fde8 000c 0001 0001 ff000000",
		  WIRE_FAULT_METADATA },
	};
	struct epi_request m;
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hex h = hex(cases[i].bytes);

		CU_ASSERT_EQUAL(epi_request_read(h.at, h.n, &m, &used), WIRE_BAD);
		CU_ASSERT_EQUAL(m.fault, cases[i].fault);
	}
}

/* What both versions' proxies really send. */
static void tells_the_replies_apart(void)
{
	struct hex h = hex("06 00 0000 00 01 00000000 0000");
	struct epi_reply m;
	size_t used;

	CU_ASSERT_EQUAL(epi_reply_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(m.version, EPI_0_1);
	h = hex("06 05 00 01 00000000 0000 0000");
	CU_ASSERT_EQUAL(epi_reply_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(m.version, EPI_2_0);
	CU_ASSERT_EQUAL(m.code, 5);
	h = hex("06 00 0050 00 01 c0000201 0004 00010004");
	CU_ASSERT_EQUAL(epi_reply_read(h.at, h.n, &m, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, 16);
	CU_ASSERT_EQUAL(m.bound.port, 80);
	CU_ASSERT_EQUAL(m.bound.ip[0], 192);
}

static void replies_to_each_version(void)
{
	struct epi_reply m = { .version = EPI_0_1, .bound = address("192.0.2.1:80") };

	HEX_CHECK("06 00 0050 00 01 c0000201 0000", out, epi_reply_write(out, sizeof(out), &m));
	m.version = EPI_2_0;
	HEX_CHECK("06 00 00 01 c0000201 0050 0000", out, epi_reply_write(out, sizeof(out), &m));
	m.version = EPI_0_1;
	m.bound.port = 4;
	CU_ASSERT_EQUAL(epi_reply_write(out, sizeof(out), &m), 0);
}

/* The fields that each version's client looks at, where it looks for them. */
static void replies_to_a_client_of_either_version(void)
{
	struct epi_reply m = { .version = EPI_EITHER, .code = 5 };

	CU_ASSERT_EQUAL(epi_reply_write(out, sizeof(out), &m), 12);
	CU_ASSERT_EQUAL(out[1], 5);
	CU_ASSERT_EQUAL(out[5], WIRE_IPV4); /* 0.1.0: address 6 to 9, size 10 */
	CU_ASSERT_EQUAL(out[3], WIRE_IPV4); /* 2.0.0: address 4 to 7, port 8, size 10 */
	CU_ASSERT_EQUAL(out[10] | out[11], 0);
}

/* ---- metadata, chains ---- */

static void keeps_metadata_to_utf8(void)
{
	static const char *const good[] = { "", "a", "\xc3\xa9", "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80" };
	static const char *const bad[] = { "\xc3",         "\xc0\x80",         "\xe0\x80\x80",
					   "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
					   "\xe2\x82" };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		CU_ASSERT_TRUE(epi_metadata_write(out, sizeof(out),
						  &(struct epi_metadata){ 7, span(good[i]) }));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(epi_metadata_write(out, sizeof(out),
						   &(struct epi_metadata){ 7, span(bad[i]) }));
}

static void reads_links(void)
{
	static const char *const bad[] = { "socks4://a:1",    "socks6:/a:1",
					   "socks6://a",      "socks6://@a:1",
					   "socks6://:p@a:1", "socks6://u@b@a:1",
					   "socks6://a:1/x",  "",
					   "socks6://",       "socks6://u v@a:1" };
	struct epi_link l = link_of("socks6://me:p%40ss@[2001:db8::1]:1080");

	CU_ASSERT_EQUAL(l.version, 6);
	CU_ASSERT_EQUAL(l.user.n, 2);
	CU_ASSERT_EQUAL(l.password.n, 6);
	CU_ASSERT_EQUAL(l.at.kind, WIRE_IPV6);
	CU_ASSERT_EQUAL(link_of("socks5://host:1").version, 5);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(epi_link_parse(span(bad[i]), &l));
}

static void walks_a_chain(void)
{
	struct epi_link own[] = { link_of("socks6://a:1"), link_of("socks6://b:2") };
	struct epi_link detour = link_of("socks6://c:3");
	struct epi_chain chain = { .n = 0 }, back;
	struct wire_span bytes = { out, 0 };

	CU_ASSERT_PTR_NULL(epi_chain_next(&chain));
	CU_ASSERT_TRUE(epi_chain_detour(&chain, own, 2));
	CU_ASSERT_EQUAL(chain.n, 3);
	CU_ASSERT_EQUAL(chain.links[0].at.port, 1080);
	CU_ASSERT_EQUAL(epi_chain_next(&chain)->at.port, 1);
	CU_ASSERT_TRUE(epi_chain_detour(&chain, &detour, 1));
	bytes.n = epi_chain_write(out, sizeof(out), &chain);
	CU_ASSERT_EQUAL(epi_chain_read(bytes, &back), WIRE_FAULT_NONE);
	CU_ASSERT_EQUAL(back.n, 4);
	CU_ASSERT_EQUAL(epi_chain_next(&back)->at.port, 3);
	CU_ASSERT_EQUAL(epi_chain_next(&back)->at.port, 2);
	CU_ASSERT_PTR_NULL(epi_chain_next(&back));
	CU_ASSERT_EQUAL(back.index, 3);
	back.index = 4;
	CU_ASSERT_EQUAL(epi_chain_write(out, sizeof(out), &back), 0);
	back.n = 0;
	CU_ASSERT_EQUAL(epi_chain_write(out, sizeof(out), &back), 0);
}

static void bounds_a_detour(void)
{
	struct epi_link links[EPI_MOST_LINKS];
	struct epi_chain chain = { .n = 0 };

	for (size_t i = 0; i < EPI_MOST_LINKS; i++)
		links[i] = link_of("socks6://a:1");
	CU_ASSERT_FALSE(epi_chain_detour(&chain, links, EPI_MOST_LINKS));
	CU_ASSERT_EQUAL(chain.n, 0);
	CU_ASSERT_TRUE(epi_chain_detour(&chain, links, EPI_MOST_LINKS - 1));
	CU_ASSERT_FALSE(epi_chain_detour(&chain, links, 1));
}

struct pair {
	uint16_t key;
	const char *value;
};

static enum wire_fault chain_fault(const struct pair *pairs, size_t n)
{
	struct wire_span bytes = { out, 0 };
	struct epi_chain chain;

	for (size_t i = 0; i < n; i++)
		bytes.n += epi_metadata_write(
		    out + bytes.n, sizeof(out) - bytes.n,
		    &(struct epi_metadata){ pairs[i].key, span(pairs[i].value) });
	return epi_chain_read(bytes, &chain);
}

static void refuses_chains_that_contradict_themselves(void)
{
	static const char a[] = "socks6://a:1";
	static const struct {
		struct pair pairs[4];
		enum wire_fault fault;
	} cases[] = {
		{ { { 999, "2" }, { 998, "1" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_NONE },
		{ { { 999, "2" }, { 998, "2" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "2" }, { 998, "x" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "2" }, { 998, "" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "2" }, { 997, "1" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "2" }, { 998, "0" }, { 1000, a }, { 1002, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "1" }, { 998, "0" }, { 1000, a }, { 1000, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "33" }, { 998, "0" }, { 1000, a }, { 1001, a } }, WIRE_FAULT_CHAIN },
		{ { { 999, "0" }, { 998, "0" }, { 1, "" }, { 2, "" } }, WIRE_FAULT_NONE },
		{ { { 998, "5" }, { 1000, "?" }, { 1, "" }, { 2, "" } }, WIRE_FAULT_NONE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CU_ASSERT_EQUAL(chain_fault(cases[i].pairs, 4), cases[i].fault);
}

static const struct unit units[] = {
	{ "reads_a_request_of_the_prototype", reads_a_request_of_the_prototype },
	{ "writes_the_initial_data_first", writes_the_initial_data_first },
	{ "refuses_what_the_prototype_cannot", refuses_what_the_prototype_cannot },
	{ "tells_the_replies_apart", tells_the_replies_apart },
	{ "replies_to_each_version", replies_to_each_version },
	{ "replies_to_a_client_of_either_version", replies_to_a_client_of_either_version },
	{ "keeps_metadata_to_utf8", keeps_metadata_to_utf8 },
	{ "reads_links", reads_links },
	{ "walks_a_chain", walks_a_chain },
	{ "bounds_a_detour", bounds_a_detour },
	{ "refuses_chains_that_contradict_themselves", refuses_chains_that_contradict_themselves },
};

int main(void)
{
	return unit_main("socks epi", units, sizeof(units) / sizeof(*units));
}
