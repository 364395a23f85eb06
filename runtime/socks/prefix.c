#include <config.h>

#include "runtime/socks/prefix.h"

#include <arpa/inet.h>
#include <string.h>

static bool parse_bits(const char *text, unsigned most, unsigned *bits)
{
	*bits = 0;
	if (!*text || strlen(text) > 3)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*bits = *bits * 10 + (unsigned)(*text - '0');
	}
	return *bits <= most;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return !memcmp(a, b, bits / 8) && (!rest || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

static bool ends_with_zeros(const struct prefix *p, unsigned most)
{
	for (unsigned i = p->bits; i < most; i++)
		if (p->ip[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

bool prefix_parse(const char *text, struct prefix *out)
{
	char ip[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "/");
	unsigned most;

	if (n >= sizeof(ip))
		return false;
	memcpy(ip, text, n);
	ip[n] = '\0';
	*out = (struct prefix){ .kind = strchr(ip, ':') ? WIRE_IPV6 : WIRE_IPV4 };
	if (inet_pton(out->kind == WIRE_IPV6 ? AF_INET6 : AF_INET, ip, out->ip) != 1)
		return false;
	most = out->kind == WIRE_IPV6 ? 128 : 32;
	out->bits = most;
	return (!text[n] || parse_bits(text + n + 1, most, &out->bits)) &&
	       ends_with_zeros(out, most);
}

bool prefix_holds(const struct prefix *p, const struct wire_address *a)
{
	return p->kind == a->kind && same_bits(p->ip, a->ip, p->bits);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->kind == inner->kind && outer->bits <= inner->bits &&
	       same_bits(outer->ip, inner->ip, outer->bits);
}
