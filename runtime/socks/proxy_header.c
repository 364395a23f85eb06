#include <config.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "runtime/socks/cursor.h"
#include "runtime/socks/inbound.h"

/* Version 1 is one line of 107 bytes at most; of version 2 all that fits into PROXY_MOST. */
enum { V1_MOST = 107, V2_HEAD = 16, V2_SIGNATURE = 12 };
enum { V2_LOCAL = 0x20, V2_PROXY = 0x21, V2_UNSPECIFIED = 0x00, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

static const uint8_t signature[V2_SIGNATURE] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
						 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
static const char v1_prefix[] = "PROXY ", v1_unknown[] = "UNKNOWN";

/* ---- version 1 ---- */

static bool parse_port(const char *text, uint16_t *port)
{
	uint32_t value = 0;
	size_t n = strlen(text);

	if (!n || n > 5 || (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static bool parse_end(uint8_t kind, const char *ip, const char *port, struct wire_address *out)
{
	*out = (struct wire_address){ .kind = kind };
	return inet_pton(kind == WIRE_IPV4 ? AF_INET : AF_INET6, ip, out->ip) == 1 &&
	       parse_port(port, &out->port);
}

/* `TCP4 192.0.2.1 192.0.2.2 40000 443`: just one blank between words. */
static bool parse_addresses(char *text, struct proxy_header *out)
{
	char *words[5];
	uint8_t kind;

	for (int i = 0; i < 5; i++)
		words[i] = strsep(&text, " ");
	if (text || !words[4])
		return false;
	if (!strcmp(words[0], "TCP4"))
		kind = WIRE_IPV4;
	else if (!strcmp(words[0], "TCP6"))
		kind = WIRE_IPV6;
	else
		return false;
	return parse_end(kind, words[1], words[3], &out->source) &&
	       parse_end(kind, words[2], words[4], &out->listener);
}

/* Behind `UNKNOWN` anything may stand. */
static bool parse_line(const uint8_t *bytes, size_t n, struct proxy_header *out)
{
	const size_t n_unknown = sizeof(v1_unknown) - 1;
	char text[V1_MOST + 1];

	if (memchr(bytes, 0, n))
		return false;
	memcpy(text, bytes, n);
	text[n] = '\0';
	if (!strncmp(text, v1_unknown, n_unknown) && (!text[n_unknown] || text[n_unknown] == ' ')) {
		out->local = true;
		return true;
	}
	return parse_addresses(text, out);
}

static enum wire_state end_bad(struct proxy_header *out, size_t *used)
{
	*out = (struct proxy_header){ .fault = WIRE_FAULT_PROXY };
	*used = 0;
	return WIRE_BAD;
}

static enum wire_state end_more(size_t least, size_t *used)
{
	*used = least;
	return WIRE_MORE;
}

static enum wire_state read_v1(const uint8_t *bytes, size_t n, struct proxy_header *out,
			       size_t *used)
{
	const size_t n_prefix = sizeof(v1_prefix) - 1;
	const size_t shortest = n_prefix + sizeof(v1_unknown) - 1 + 2;
	size_t seen = n < V1_MOST ? n : V1_MOST;
	const uint8_t *end = memchr(bytes, '\n', seen);

	if (memcmp(bytes, v1_prefix, n < n_prefix ? n : n_prefix))
		return end_bad(out, used);
	if (!end && seen < V1_MOST)
		return end_more(n < shortest ? shortest : n + 1, used);
	if (!end || end[-1] != '\r' ||
	    !parse_line(bytes + n_prefix, (size_t)(end - bytes) - 1 - n_prefix, out))
		return end_bad(out, used);
	*used = (size_t)(end - bytes) + 1;
	return WIRE_DONE;
}

/* ---- version 2 ---- */

static void read_end(const uint8_t *ip, const uint8_t *port, uint8_t kind, struct wire_address *out)
{
	*out = (struct wire_address){ .kind = kind, .port = wire_u16(port) };
	memcpy(out->ip, ip, kind == WIRE_IPV4 ? 4 : 16);
}

/* Behind the addresses there may be more (TLVs), which nothing here depends on. */
static bool read_addresses(uint8_t family, const uint8_t *at, size_t n, struct proxy_header *out)
{
	uint8_t kind = family == V2_TCP4 ? WIRE_IPV4 : WIRE_IPV6;
	size_t n_ip = kind == WIRE_IPV4 ? 4 : 16;

	if ((family != V2_TCP4 && family != V2_TCP6) || n < 2 * n_ip + 4)
		return false;
	read_end(at, at + 2 * n_ip, kind, &out->source);
	read_end(at + n_ip, at + 2 * n_ip + 2, kind, &out->listener);
	return true;
}

static enum wire_state read_v2(const uint8_t *bytes, size_t n, struct proxy_header *out,
			       size_t *used)
{
	size_t n_rest;

	if (memcmp(bytes, signature, n < V2_SIGNATURE ? n : V2_SIGNATURE) ||
	    (n > V2_SIGNATURE && bytes[V2_SIGNATURE] != V2_LOCAL &&
	     bytes[V2_SIGNATURE] != V2_PROXY))
		return end_bad(out, used);
	if (n < V2_HEAD)
		return end_more(V2_HEAD, used);
	n_rest = wire_u16(bytes + 14);
	if (n_rest > PROXY_MOST - V2_HEAD)
		return end_bad(out, used);
	if (n < V2_HEAD + n_rest)
		return end_more(V2_HEAD + n_rest, used);
	out->local = bytes[12] == V2_LOCAL || bytes[13] == V2_UNSPECIFIED;
	if (!out->local && !read_addresses(bytes[13], bytes + V2_HEAD, n_rest, out))
		return end_bad(out, used);
	*used = V2_HEAD + n_rest;
	return WIRE_DONE;
}

enum wire_state proxy_header_read(const uint8_t *bytes, size_t n, struct proxy_header *out,
				  size_t *used)
{
	memset(out, 0, sizeof(*out));
	if (!n)
		return end_more(sizeof(v1_prefix) - 1 + sizeof(v1_unknown) - 1 + 2, used);
	if (bytes[0] == signature[0])
		return read_v2(bytes, n, out, used);
	return read_v1(bytes, n, out, used);
}

/* ---- writing ---- */

/* One family for both ends: where they differ, IPv4 is written within IPv6. */
static void map(struct wire_address *a)
{
	if (a->kind != WIRE_IPV4)
		return;
	a->kind = WIRE_IPV6;
	memcpy(a->ip + 12, a->ip, 4);
	memset(a->ip, 0, 10);
	memset(a->ip + 10, 0xff, 2);
}

static bool write_v1(struct writer *w, const struct proxy_header *h)
{
	char source[INET6_ADDRSTRLEN], listener[INET6_ADDRSTRLEN], line[V1_MOST + 1];
	bool v4 = h->source.kind == WIRE_IPV4;
	int n;

	if (h->local) {
		n = snprintf(line, sizeof(line), "%s%s\r\n", v1_prefix, v1_unknown);
	} else {
		if (!inet_ntop(v4 ? AF_INET : AF_INET6, h->source.ip, source, sizeof(source)) ||
		    !inet_ntop(v4 ? AF_INET : AF_INET6, h->listener.ip, listener, sizeof(listener)))
			return false;
		n = snprintf(line, sizeof(line), "%s%s %s %s %u %u\r\n", v1_prefix,
			     v4 ? "TCP4" : "TCP6", source, listener, h->source.port,
			     h->listener.port);
	}
	if (n < 0 || (size_t)n >= sizeof(line))
		return false;
	writer_bytes(w, line, (size_t)n);
	return true;
}

static void write_v2(struct writer *w, const struct proxy_header *h)
{
	bool v4 = h->source.kind == WIRE_IPV4;
	size_t n_ip = v4 ? 4 : 16;

	writer_bytes(w, signature, sizeof(signature));
	writer_u8(w, h->local ? V2_LOCAL : V2_PROXY);
	writer_u8(w, h->local ? V2_UNSPECIFIED : v4 ? V2_TCP4 : V2_TCP6);
	writer_u16(w, h->local ? 0 : (uint16_t)(2 * n_ip + 4));
	if (h->local)
		return;
	writer_bytes(w, h->source.ip, n_ip);
	writer_bytes(w, h->listener.ip, n_ip);
	writer_u16(w, h->source.port);
	writer_u16(w, h->listener.port);
}

size_t proxy_header_write(uint8_t *out, size_t room, int version, const struct proxy_header *h)
{
	struct writer w = writer_open(out, room);
	struct proxy_header same = *h;

	if (!h->local && (h->source.kind == WIRE_NAME || h->listener.kind == WIRE_NAME ||
			  !wire_address_valid(&h->source) || !wire_address_valid(&h->listener)))
		return 0;
	if (h->source.kind != h->listener.kind) {
		map(&same.source);
		map(&same.listener);
	}
	if (version == 1 && !write_v1(&w, &same))
		return 0;
	if (version == 2)
		write_v2(&w, &same);
	return version == 1 || version == 2 ? writer_end(&w) : 0;
}
