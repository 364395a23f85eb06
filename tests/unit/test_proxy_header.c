/* The PROXY protocol: proxy_header_read and _write of runtime/socks/inbound.h. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/socks/inbound.h"
#include "tests/unit/hex.h"

#define SIGNATURE "0d0a0d0a000d0a515549540a "

/* All beginnings want more, each from memory that ends there. */
static enum wire_state read_all(const uint8_t *bytes, size_t n, struct proxy_header *h,
				size_t *used)
{
	enum wire_state state = WIRE_MORE;

	for (size_t i = 0; i <= n && state == WIRE_MORE; i++) {
		uint8_t *exact = malloc(i + !i);

		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, bytes, i);
		state = proxy_header_read(exact, i, h, used);
		CU_ASSERT_TRUE(state != WIRE_MORE || *used > i);
		CU_ASSERT_TRUE(state != WIRE_DONE || *used == i);
		free(exact);
	}
	return state;
}

static void check_addresses(int line, const uint8_t *bytes, size_t n, const char *source,
			    const char *listener)
{
	struct proxy_header h;
	char a[WIRE_TEXT_ROOM] = "", b[WIRE_TEXT_ROOM] = "";
	size_t used;

	CU_ASSERT_EQUAL(read_all(bytes, n, &h, &used), WIRE_DONE);
	CU_ASSERT_EQUAL(used, n);
	CU_ASSERT_FALSE(h.local);
	(void)wire_address_text(&h.source, a, sizeof(a));
	(void)wire_address_text(&h.listener, b, sizeof(b));
	unit_text(__FILE__, line, source, a);
	unit_text(__FILE__, line, listener, b);
}
#define LINE(text, a, b) check_addresses(__LINE__, (const uint8_t *)text, sizeof(text) - 1, a, b)

static void reads_version_1(void)
{
	LINE("PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\r\n", "192.0.2.1:40000", "192.0.2.2:443");
	LINE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535",
	     "255.255.255.255:65535");
	LINE("PROXY TCP6 2001:db8::1 ::1 0 1\r\n", "[2001:db8::1]:0", "[::1]:1");
	LINE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n",
	     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
	     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535");
}

static void reads_unknown_as_no_address(void)
{
	static const char *const lines[] = { "PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever\r\n" };
	struct proxy_header h;
	size_t used;

	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(read_all((const uint8_t *)lines[i], strlen(lines[i]), &h, &used),
				WIRE_DONE);
		CU_ASSERT_TRUE(h.local);
		CU_ASSERT_EQUAL(used, strlen(lines[i]));
	}
}

static void refuses_other_lines(void)
{
	static const char *const lines[] = {
		"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443\n",
		"PROXY TCP4  192.0.2.1 192.0.2.2 40000 443\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 40000 443 \r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 40000\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 040 443\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n",
		"PROXY TCP4 ::1 192.0.2.2 1 443\r\n",
		"PROXY TCP6 192.0.2.1 ::1 1 443\r\n",
		"PROXY UDP4 192.0.2.1 192.0.2.2 40000 443\r\n",
		"PROXY UNKNOWNS\r\n",
		"PROXX",
		"GET / HTTP/1.1\r\n",
	};
	char longest[128];
	struct proxy_header h;
	size_t used;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		CU_ASSERT_EQUAL(read_all((const uint8_t *)lines[i], strlen(lines[i]), &h, &used),
				WIRE_BAD);
		CU_ASSERT_EQUAL(h.fault, WIRE_FAULT_PROXY);
		CU_ASSERT_EQUAL(used, 0);
	}
	memset(longest, ' ', sizeof(longest));
	memcpy(longest, "PROXY UNKNOWN", 13);
	memcpy(longest + 105, "\r\n", 2);
	CU_ASSERT_EQUAL(read_all((const uint8_t *)longest, 107, &h, &used), WIRE_DONE);
	memcpy(longest + 105, " \r\n", 3);
	CU_ASSERT_EQUAL(read_all((const uint8_t *)longest, 108, &h, &used), WIRE_BAD);
}

static void check_v2(int line, const char *bytes, const char *source, const char *listener)
{
	struct hex h = hex(bytes);

	check_addresses(line, h.at, h.n, source, listener);
}
#define V2(bytes, a, b) check_v2(__LINE__, SIGNATURE bytes, a, b)

static void reads_version_2(void)
{
	V2("21 11 000c c0000201 c0000202 9c40 01bb", "192.0.2.1:40000", "192.0.2.2:443");
	V2("21 21 0024 20010db8000000000000000000000001 00000000000000000000000000000001 0001 0002",
	   "[2001:db8::1]:1", "[::1]:2");
	/* with a TLV behind it */
	V2("21 11 0013 c0000201 c0000202 9c40 01bb 03 0004 01020304", "192.0.2.1:40000",
	   "192.0.2.2:443");
}

static void refuses_other_binary_headers(void)
{
	static const struct {
		const char *bytes;
		enum wire_state state;
	} cases[] = {
		{ SIGNATURE "20 00 0000", WIRE_DONE },
		{ SIGNATURE "20 11 000c c0000201 c0000202 9c40 01bb", WIRE_DONE },
		{ SIGNATURE "21 00 0003 010203", WIRE_DONE },
		{ SIGNATURE "22", WIRE_BAD },
		{ SIGNATURE "11", WIRE_BAD },
		{ SIGNATURE "21 11 000b c0000201 c0000202 9c40 01", WIRE_BAD },
		{ SIGNATURE "21 12 000c c0000201 c0000202 9c40 01bb", WIRE_BAD },
		{ SIGNATURE "21 31 0000", WIRE_BAD },
		{ SIGNATURE "21 11 0209", WIRE_BAD },
		{ "0d0a0d0a000d0a515549540b", WIRE_BAD },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hex h = hex(cases[i].bytes);
		struct proxy_header out;
		size_t used;

		CU_ASSERT_EQUAL(read_all(h.at, h.n, &out, &used), cases[i].state);
		CU_ASSERT_EQUAL(out.local, cases[i].state == WIRE_DONE);
	}
}

static struct wire_address address(const char *text)
{
	struct wire_address a;

	CU_ASSERT_TRUE(wire_address_parse(text, strlen(text), &a));
	return a;
}

static void writes_what_it_reads(void)
{
	static const char *const ends[][2] = {
		{ "192.0.2.1:40000", "192.0.2.2:443" },
		{ "[2001:db8::1]:1", "[::1]:65535" },
		{ "192.0.2.1:40000", "[2001:db8::1]:443" },
		{ "[2001:db8::1]:443", "192.0.2.1:40000" },
	};
	uint8_t out[128];

	for (size_t i = 0; i < 8; i++) {
		struct proxy_header h = { .source = address(ends[i / 2][0]),
					  .listener = address(ends[i / 2][1]) },
				    back;
		int version = 1 + (int)(i % 2);
		size_t n = proxy_header_write(out, sizeof(out), version, &h), used;

		CU_ASSERT_EQUAL(read_all(out, n, &back, &used), WIRE_DONE);
		CU_ASSERT_EQUAL(back.source.kind, back.listener.kind);
		wire_address_settle(&back.source);
		wire_address_settle(&back.listener);
		CU_ASSERT_TRUE(wire_address_same(&back.source, &h.source));
		CU_ASSERT_TRUE(wire_address_same(&back.listener, &h.listener));
		CU_ASSERT_EQUAL(proxy_header_write(out, n - 1, version, &h), 0);
	}
}

static void writes_the_headers_of_the_specification(void)
{
	struct proxy_header h = { .source = address("192.168.0.1:56324"),
				  .listener = address("192.168.0.11:443") },
			    local = { .local = true };
	uint8_t out[128];
	size_t n = proxy_header_write(out, sizeof(out), 1, &h);

	out[n] = '\0';
	UNIT_TEXT("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", (char *)out);
	n = proxy_header_write(out, sizeof(out), 2, &h);
	HEX_CHECK(SIGNATURE "21 11 000c c0a80001 c0a8000b dc04 01bb", out, n);
	n = proxy_header_write(out, sizeof(out), 2, &local);
	HEX_CHECK(SIGNATURE "20 00 0000", out, n);
	n = proxy_header_write(out, sizeof(out), 1, &local);
	out[n] = '\0';
	UNIT_TEXT("PROXY UNKNOWN\r\n", (char *)out);
	CU_ASSERT_EQUAL(proxy_header_write(out, sizeof(out), 3, &h), 0);
	h.source = address("host:80");
	CU_ASSERT_EQUAL(proxy_header_write(out, sizeof(out), 1, &h), 0);
	CU_ASSERT_EQUAL(proxy_header_write(out, sizeof(out), 2, &h), 0);
}

static const struct unit units[] = {
	{ "reads_version_1", reads_version_1 },
	{ "reads_unknown_as_no_address", reads_unknown_as_no_address },
	{ "refuses_other_lines", refuses_other_lines },
	{ "reads_version_2", reads_version_2 },
	{ "refuses_other_binary_headers", refuses_other_binary_headers },
	{ "writes_what_it_reads", writes_what_it_reads },
	{ "writes_the_headers_of_the_specification", writes_the_headers_of_the_specification },
};

int main(void)
{
	return unit_main("proxy header", units, sizeof(units) / sizeof(*units));
}
