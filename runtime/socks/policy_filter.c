/* What filters say of a connection. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <arpa/inet.h>

/* EITHER: the comparison holds, and so does its negation. */
enum answer { NO, YES, UNSEEN, EITHER };

struct policy_end policy_end_of(const struct wire_address *a)
{
	struct policy_end e = { 0 };

	if (a->kind == WIRE_IPV4) {
		e.family = 4;
		memcpy(&e.words[3], a->ip, 4);
	} else if (a->kind == WIRE_IPV6) {
		e.family = 6;
		memcpy(e.words, a->ip, 16);
	}
	for (size_t i = 0; i < 4; i++)
		e.words[i] = ntohl(e.words[i]);
	return e;
}

static bool at_least(const uint32_t a[4], const uint32_t b[4])
{
	for (size_t i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] > b[i];
	return true;
}

static enum answer address_in(const struct filter *f, const struct policy_end *e)
{
	for (size_t i = 0; i < f->n_ranges; i++)
		if (f->ranges[i].family == e->family && at_least(e->words, f->ranges[i].lo) &&
		    at_least(f->ranges[i].hi, e->words))
			return YES;
	return NO;
}

static enum answer number_in(const struct filter *f, uint32_t value)
{
	for (size_t i = 0; i < f->n_ranges; i++)
		if (value >= f->ranges[i].lo[3] && value <= f->ranges[i].hi[3])
			return YES;
	return NO;
}

/* Connections are whole, so that no packet of theirs is a later fragment, and have no ICMP
 * header; only TCP has flags. */
static enum answer compare(const struct filter *f, const struct policy_seen *s)
{
	switch (f->field) {
	case FIELD_IP_SRC:
		return s->any_source ? UNSEEN : address_in(f, &s->source);
	case FIELD_IP_DST:
		return address_in(f, &s->to);
	case FIELD_IP_PROTO:
		return number_in(f, (uint32_t)s->protocol);
	case FIELD_IP_FRAG:
		return number_in(f, 0);
	case FIELD_L4_DPORT:
		return number_in(f, s->port);
	case FIELD_L4_SPORT:
		return EITHER;
	case FIELD_TCP_FLAGS:
		return s->protocol == IPPROTO_TCP ? UNSEEN : NO;
	case FIELD_ICMP_TYPE:
	case FIELD_ICMP_CODE:
		return NO;
	default:
		return UNSEEN;
	}
}

static bool comes_out(const struct filter *f, const struct policy_seen *s, bool wanted);

/* Whether all parts come out as WANTED, or any. */
static bool parts_come_out(const struct filter *f, const struct policy_seen *s, bool wanted,
			   bool all)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (comes_out(f->parts[i], s, wanted) != all)
			return !all;
	return all;
}

static bool comes_out(const struct filter *f, const struct policy_seen *s, bool wanted)
{
	enum answer answer;

	switch (f->kind) {
	case FILTER_TRUE:
	case FILTER_FALSE:
		return (f->kind == FILTER_TRUE) == wanted;
	case FILTER_IN:
		answer = compare(f, s);
		return answer == EITHER || answer == (wanted ? YES : NO);
	case FILTER_NOT:
		return comes_out(f->parts[0], s, !wanted);
	case FILTER_AND:
	case FILTER_OR:
		return parts_come_out(f, s, wanted, (f->kind == FILTER_AND) == wanted);
	}
	return false;
}

bool policy_filter_holds(const struct filter *f, const struct policy_seen *s)
{
	return comes_out(f, s, true);
}

/* ---- ports ---- */

enum { N_PORTS = 65536, N_WORDS = N_PORTS / 64 };

struct port_set {
	uint64_t words[N_WORDS];
};

static void set_all(struct port_set *set, bool value)
{
	memset(set, value ? 0xff : 0, sizeof(*set));
}

static void set_range(struct port_set *set, uint32_t low, uint32_t high, bool value)
{
	for (uint32_t w = low / 64; w <= high / 64; w++) {
		uint64_t from = w == low / 64 ? UINT64_MAX << low % 64 : UINT64_MAX;
		uint64_t to = w == high / 64 ? UINT64_MAX >> (63 - high % 64) : UINT64_MAX;

		set->words[w] = value ? set->words[w] | (from & to) : set->words[w] & ~(from & to);
	}
}

static void set_comparison(const struct filter *f, int protocol, bool wanted, struct port_set *set)
{
	static const struct policy_end no_end;
	struct policy_seen s = { .protocol = protocol, .source = no_end, .to = no_end };
	enum answer answer;

	if (f->field == FIELD_IP_SRC || f->field == FIELD_IP_DST) {
		set_all(set, true);
		return;
	}
	answer = compare(f, &s);
	set_all(set, answer == EITHER || answer == (wanted ? YES : NO));
	if (f->field != FIELD_L4_DPORT)
		return;
	set_all(set, !wanted);
	for (size_t i = 0; i < f->n_ranges; i++)
		set_range(set, f->ranges[i].lo[3], f->ranges[i].hi[3], wanted);
}

/* Each level of nesting, which filter_parse bounds, has one set on the stack. */
static void set_filter(const struct filter *f, int protocol, bool wanted, struct port_set *set)
{
	bool all = (f->kind == FILTER_AND) == wanted;
	struct port_set part;

	switch (f->kind) {
	case FILTER_TRUE:
	case FILTER_FALSE:
		set_all(set, (f->kind == FILTER_TRUE) == wanted);
		return;
	case FILTER_IN:
		set_comparison(f, protocol, wanted, set);
		return;
	case FILTER_NOT:
		set_filter(f->parts[0], protocol, !wanted, set);
		return;
	case FILTER_AND:
	case FILTER_OR:
		set_all(set, all);
		for (size_t i = 0; i < f->n_parts; i++) {
			set_filter(f->parts[i], protocol, wanted, &part);
			for (size_t w = 0; w < N_WORDS; w++)
				set->words[w] = all ? set->words[w] & part.words[w]
						    : set->words[w] | part.words[w];
		}
	}
}

/* The first port from P on that is in the set, or is not. */
static size_t next_port(const struct port_set *set, size_t p, bool in)
{
	while (p < N_PORTS) {
		uint64_t word = set->words[p / 64] ^ (in ? 0 : UINT64_MAX);

		word &= UINT64_MAX << p % 64;
		if (word)
			return p / 64 * 64 + (size_t)__builtin_ctzll(word);
		p = (p / 64 + 1) * 64;
	}
	return N_PORTS;
}

/* Returns how many ranges there are; AT may be NULL. */
static size_t ranges_of(const struct port_set *set, struct policy_ports *at)
{
	size_t n = 0, end;

	for (size_t p = next_port(set, 0, true); p < N_PORTS; p = next_port(set, end, true)) {
		end = next_port(set, p, false);
		if (at)
			at[n] = (struct policy_ports){ (uint16_t)p, (uint16_t)(end - 1) };
		n++;
	}
	return n;
}

const struct policy_ports *policy_filter_ports(const struct filter *f, int protocol,
					       struct pool *pool, size_t *n)
{
	struct policy_ports *at;
	struct port_set set;

	set_filter(f, protocol, true, &set);
	*n = ranges_of(&set, NULL);
	at = pool_take(pool, *n, sizeof(*at));
	if (at)
		ranges_of(&set, at);
	return at;
}
