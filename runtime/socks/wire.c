#include <config.h>

#include "runtime/socks/wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	enum wire_answer answer;
	enum outcome outcome;
	const char *text;
} faults[WIRE_N_FAULTS] = {
#define FAULT(name, answer, outcome, text) { WIRE_ANSWER_##answer, OUTCOME_##outcome, text },
#include "runtime/socks/faults.def"
#undef FAULT
};

const struct wire_address wire_any = { .kind = WIRE_IPV4 };

const char *wire_fault_text(enum wire_fault f)
{
	return faults[f].text;
}

enum wire_answer wire_fault_answer(enum wire_fault f)
{
	return faults[f].answer;
}

enum outcome wire_fault_outcome(enum wire_fault f)
{
	return faults[f].outcome;
}

/* ---- what is an address ---- */

static bool name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_.:[]", c));
}

bool wire_name_valid(struct wire_span name)
{
	if (!name.n || name.n > WIRE_MOST_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!name_byte(name.at[i]))
			return false;
	return true;
}

bool wire_address_valid(const struct wire_address *a)
{
	if (a->kind == WIRE_NAME)
		return wire_name_valid(a->name);
	return a->kind == WIRE_IPV4 || a->kind == WIRE_IPV6;
}

bool wire_address_same(const struct wire_address *a, const struct wire_address *b)
{
	if (a->kind != b->kind || a->port != b->port)
		return false;
	if (a->kind == WIRE_NAME)
		return a->name.n == b->name.n &&
		       (!a->name.n || !memcmp(a->name.at, b->name.at, a->name.n));
	return !memcmp(a->ip, b->ip, a->kind == WIRE_IPV4 ? 4 : 16);
}

static void unmap(struct wire_address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->kind != WIRE_IPV6 || memcmp(a->ip, mapped, sizeof(mapped)))
		return;
	a->kind = WIRE_IPV4;
	memcpy(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

static bool read_ipv6(const char *text, struct wire_address *a)
{
	struct in6_addr ip;

	if (inet_pton(AF_INET6, text, &ip) != 1)
		return false;
	*a = (struct wire_address){ .kind = WIRE_IPV6, .port = a->port };
	memcpy(a->ip, &ip, 16);
	return true;
}

/* LOOSE: all that inet_aton takes, since getaddrinfo does. */
static bool read_ipv4(const char *text, bool loose, struct wire_address *a)
{
	struct in_addr ip;

	if (loose ? !inet_aton(text, &ip) : inet_pton(AF_INET, text, &ip) != 1)
		return false;
	*a = (struct wire_address){ .kind = WIRE_IPV4, .port = a->port };
	memcpy(a->ip, &ip, 4);
	return true;
}

void wire_address_settle(struct wire_address *a)
{
	char text[WIRE_MOST_NAME + 1];
	size_t n = a->name.n;

	if (a->kind == WIRE_NAME && wire_name_valid(a->name)) {
		memcpy(text, a->name.at, n);
		text[n] = '\0';
		if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
			text[n - 1] = '\0';
			read_ipv6(text + 1, a);
		} else if (!read_ipv6(text, a)) {
			read_ipv4(text, true, a);
		}
	}
	unmap(a);
}

/* ---- text ---- */

static int print_address(const struct wire_address *a, char *out, size_t room)
{
	char ip[INET6_ADDRSTRLEN];

	if (a->kind == WIRE_NAME)
		return snprintf(out, room, "%.*s:%u", (int)a->name.n, (const char *)a->name.at,
				a->port);
	if (!inet_ntop(a->kind == WIRE_IPV4 ? AF_INET : AF_INET6, a->ip, ip, sizeof(ip)))
		return -1;
	return snprintf(out, room, a->kind == WIRE_IPV4 ? "%s:%u" : "[%s]:%u", ip, a->port);
}

size_t wire_address_text(const struct wire_address *a, char *out, size_t room)
{
	int n = wire_address_valid(a) ? print_address(a, out, room) : -1;

	return n >= 0 && (size_t)n < room ? (size_t)n : 0;
}

/* Digits only, so that no two texts mean the same port but for leading zeros. */
static bool parse_port(const char *text, size_t n, uint16_t *port)
{
	uint32_t value = 0;

	if (!n || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint32_t)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

static bool parse_host(const char *text, size_t n, struct wire_address *a)
{
	char copy[WIRE_MOST_NAME + 1];
	struct wire_span name = { (const uint8_t *)text, n };

	if (!wire_name_valid(name))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (copy[0] == '[' && copy[n - 1] == ']') {
		copy[n - 1] = '\0';
		return read_ipv6(copy + 1, a);
	}
	if (strpbrk(copy, ":[]"))
		return false;
	if (!read_ipv4(copy, false, a))
		*a = (struct wire_address){ .kind = WIRE_NAME, .port = a->port, .name = name };
	return true;
}

bool wire_address_parse(const char *text, size_t n, struct wire_address *out)
{
	size_t colon = n;

	memset(out, 0, sizeof(*out));
	while (colon && text[colon - 1] != ':')
		colon--;
	return colon && parse_port(text + colon, n - colon, &out->port) &&
	       parse_host(text, colon - 1, out);
}

/* ---- the kernel's form ---- */

socklen_t wire_address_to_sockaddr(const struct wire_address *a, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

	memset(out, 0, sizeof(*out));
	if (a->kind == WIRE_IPV4) {
		memcpy(&v4.sin_addr, a->ip, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	if (a->kind == WIRE_IPV6) {
		memcpy(&v6.sin6_addr, a->ip, 16);
		memcpy(out, &v6, sizeof(v6));
		return sizeof(v6);
	}
	return 0;
}

bool wire_address_from_sockaddr(const struct sockaddr *s, socklen_t n, struct wire_address *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(v4) && s->sa_family == AF_INET) {
		memcpy(&v4, s, sizeof(v4));
		*out = (struct wire_address){ .kind = WIRE_IPV4, .port = ntohs(v4.sin_port) };
		memcpy(out->ip, &v4.sin_addr, 4);
		return true;
	}
	if (n >= sizeof(v6) && s->sa_family == AF_INET6) {
		memcpy(&v6, s, sizeof(v6));
		*out = (struct wire_address){ .kind = WIRE_IPV6, .port = ntohs(v6.sin6_port) };
		memcpy(out->ip, &v6.sin6_addr, 16);
		unmap(out);
		return true;
	}
	return false;
}
