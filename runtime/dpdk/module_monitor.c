/* Counts packets and bytes by protocol, and how many hosts sent them.
 *
 * The hosts are estimated by HyperLogLog with 4096 registers (Flajolet and others 2007): a fixed
 * 4 KiB, a standard error of 1.04/64 = 1.6 %, one hash and one comparison per packet, and at no
 * number of hosts a table that is full.  The sketch of rte_member finds the heaviest keys, which
 * is another question. */
#include <config.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/module.h"

enum { REGISTER_BITS = 12, REGISTERS = 1 << REGISTER_BITS };

enum kind { KIND_TCP, KIND_UDP, KIND_ICMP, KIND_OTHER, N_KINDS };

struct monitor {
	uint64_t packets[N_KINDS], bytes[N_KINDS];
	uint8_t registers[REGISTERS];
};

static void *monitor_open(const struct module_spec *spec, struct module_error *e)
{
	struct monitor *m = calloc(1, sizeof(*m));

	(void)spec;
	if (!m)
		module_fail(e, "no memory");
	return m;
}

static enum kind kind_of(const struct packet *p)
{
	if (!(p->present & PACKET_IP))
		return KIND_OTHER;
	switch (p->proto) {
	case 6:
		return KIND_TCP;
	case 17:
		return KIND_UDP;
	case 1:
	case 58:
		return KIND_ICMP;
	default:
		return KIND_OTHER;
	}
}

/* The finisher of splitmix64: each bit of the input flips half of the output. */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void sketch_add(uint8_t *registers, const uint32_t *src)
{
	uint64_t hash = mixed(mixed((uint64_t)src[0] << 32 | src[1]) + 0x9e3779b97f4a7c15 +
			      ((uint64_t)src[2] << 32 | src[3]));
	uint64_t rest = hash << REGISTER_BITS | 1u << (REGISTER_BITS - 1); /* never 0 */
	uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
	uint8_t *r = &registers[hash >> (64 - REGISTER_BITS)];

	if (rank > *r)
		*r = rank;
}

static uint64_t sketch_count(const uint8_t *registers)
{
	double sum = 0, m = REGISTERS, estimate;
	unsigned empty = 0;

	for (unsigned i = 0; i < REGISTERS; i++) {
		sum += ldexp(1, -registers[i]);
		empty += !registers[i];
	}
	estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	if (estimate <= 2.5 * m && empty) /* counting empty registers is better for few */
		estimate = m * log(m / empty);
	return (uint64_t)(estimate + 0.5);
}

static void monitor_run(void *state, struct burst *b)
{
	struct monitor *m = state;

	for (unsigned i = 0; i < b->n; i++) {
		const struct packet *p = packet_of(b->at[i]);
		enum kind kind = kind_of(p);

		m->packets[kind]++;
		m->bytes[kind] += b->at[i]->pkt_len;
		if (p->present & PACKET_IP)
			sketch_add(m->registers, p->src);
	}
}

static void monitor_adopt(void *state, void *old)
{
	memcpy(state, old, sizeof(struct monitor));
}

static size_t monitor_counters(const void *state, struct module_counter *c)
{
	static const char *const names[N_KINDS][2] = { { "tcp_packets", "tcp_bytes" },
						       { "udp_packets", "udp_bytes" },
						       { "icmp_packets", "icmp_bytes" },
						       { "other_packets", "other_bytes" } };
	const struct monitor *m = state;
	size_t n = 0;

	for (unsigned kind = 0; kind < N_KINDS; kind++) {
		c[n++] = (struct module_counter){ names[kind][0], m->packets[kind] };
		c[n++] = (struct module_counter){ names[kind][1], m->bytes[kind] };
	}
	c[n++] = (struct module_counter){ "sources", sketch_count(m->registers) };
	return n;
}

const struct module_ops module_monitor = {
	.class = "monitor",
	.summary = "counts packets and bytes by protocol, and their sources",
	.flags = MODULE_KEEPS,
	.open = monitor_open,
	.close = free,
	.run = monitor_run,
	.adopt = monitor_adopt,
	.counters = monitor_counters,
};
