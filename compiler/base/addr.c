#include <config.h>

#include "compiler/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned prefix_width(int family)
{
	return family == 4 ? 32 : 128;
}

/* The host part's bits set. */
static epic_u128 host_mask(struct prefix p)
{
	unsigned host = prefix_width(p.family) - p.length;

	if (host == 128)
		return ~(epic_u128)0;
	return ((epic_u128)1 << host) - 1;
}

epic_u128 prefix_first(struct prefix p)
{
	return p.bits & ~host_mask(p);
}

epic_u128 prefix_last(struct prefix p)
{
	return p.bits | host_mask(p);
}

bool prefix_contains(struct prefix outer, struct prefix inner)
{
	return outer.family == inner.family && outer.length <= inner.length &&
	       prefix_first(outer) <= prefix_first(inner) && prefix_last(inner) <= prefix_last(outer);
}

static epic_u128 from_bytes(const unsigned char *bytes, size_t n)
{
	epic_u128 bits = 0;

	for (size_t i = 0; i < n; i++)
		bits = bits << 8 | bytes[i];
	return bits;
}

static bool parse_length(const char *s, struct prefix *p)
{
	unsigned long n;

	if (strlen(s) > 3 || strspn(s, "0123456789") != strlen(s) || !*s)
		return false;
	n = strtoul(s, NULL, 10);
	if (n > prefix_width(p->family))
		return false;
	p->length = (uint8_t)n;
	p->is_prefix = true;
	return true;
}

bool prefix_parse(const char *text, size_t length, struct prefix *p)
{
	char buf[ADDR_TEXT_SIZE], *slash;
	unsigned char bytes[16];

	if (length >= sizeof(buf))
		return false;
	memcpy(buf, text, length);
	buf[length] = '\0';
	slash = strchr(buf, '/');
	if (slash)
		*slash++ = '\0';
	if (inet_pton(AF_INET, buf, bytes) == 1)
		*p = (struct prefix){ 4, 32, false, from_bytes(bytes, 4) };
	else if (inet_pton(AF_INET6, buf, bytes) == 1)
		*p = (struct prefix){ 6, 128, false, from_bytes(bytes, 16) };
	else
		return false;
	return !slash || parse_length(slash, p);
}

/* inet_ntop writes ::1.2.3.4 for ::102:304, which .epi does not read. */
static void hex_tail(const unsigned char bytes[16], char buf[ADDR_TEXT_SIZE])
{
	char *tail = strrchr(buf, ':') + 1;

	snprintf(tail, (size_t)(buf + ADDR_TEXT_SIZE - tail), "%x:%x", bytes[12] << 8 | bytes[13],
		 bytes[14] << 8 | bytes[15]);
}

const char *addr_text(int family, epic_u128 bits, char buf[ADDR_TEXT_SIZE])
{
	unsigned char bytes[16];
	size_t n = family == 4 ? 4 : 16;

	for (size_t i = n; i-- > 0; bits >>= 8)
		bytes[i] = (unsigned char)bits;
	inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, buf, ADDR_TEXT_SIZE);
	if (family == 6 && strchr(buf, '.'))
		hex_tail(bytes, buf);
	return buf;
}

const char *prefix_text(struct prefix p, char buf[ADDR_TEXT_SIZE])
{
	size_t n;

	addr_text(p.family, p.bits, buf);
	n = strlen(buf);
	snprintf(buf + n, ADDR_TEXT_SIZE - n, "/%u", p.length);
	return buf;
}

const char *mac_text(uint64_t mac, char buf[ADDR_TEXT_SIZE])
{
	snprintf(buf, ADDR_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(mac >> 40 & 0xff),
		 (unsigned)(mac >> 32 & 0xff), (unsigned)(mac >> 24 & 0xff),
		 (unsigned)(mac >> 16 & 0xff), (unsigned)(mac >> 8 & 0xff), (unsigned)(mac & 0xff));
	return buf;
}
