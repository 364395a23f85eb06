#include <config.h>

#include "tests/unit/stateful.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mempool.h>

#include "tests/unit/unit.h"

/* What lies behind the end of a packet may be neither read nor written; reading is seen only by a
 * program with the address sanitizer. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_SANITIZER 1
#endif
#ifdef WITH_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
#endif

enum { GUARD = 64, GUARD_BYTE = 0xa5 };

void settings_add(struct settings *s, struct rplan_named_value v)
{
	s->named[s->values.n++] = v;
}

static void add_list(struct settings *s, const char *name, size_t n)
{
	settings_add(s, (struct rplan_named_value){ name, { .kind = RPLAN_LIST, .n_items = n } });
}

void settings_texts(struct settings *s, const char *name, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->items[s->values.n][i] =
		    (struct rplan_value){ .kind = RPLAN_TEXT, .text = texts[i] };
	add_list(s, name, n);
}

void settings_numbers(struct settings *s, const char *name, const double *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->items[s->values.n][i] =
		    (struct rplan_value){ .kind = RPLAN_NUMBER, .number = numbers[i] };
	add_list(s, name, n);
}

void *stateful_open(const struct module_ops *ops, struct settings *s, struct module_error *e)
{
	struct module_spec spec = packets_spec("p.m", ops->class);

	/* they may have been copied since */
	s->values.at = s->named;
	for (size_t i = 0; i < s->values.n; i++)
		if (s->named[i].value.kind == RPLAN_LIST)
			s->named[i].value.items = s->items[i];
	spec.config = &s->values;
	return ops->open(&spec, e);
}

struct rte_mbuf *stateful_pass(const struct module_ops *ops, void *state, struct rte_mbuf *m,
			       uint64_t now, enum drop_reason *why)
{
	struct burst *b = packets_burst(now);
	struct rte_mbuf *passed = NULL;

	packets_run(ops, state, b, &m, 1);
	for (unsigned r = 0; r < N_DROP_REASONS; r++)
		if (packets_dropped(b, (enum drop_reason)r) && why)
			*why = (enum drop_reason)r;
	if (b->n) {
		passed = b->at[0];
		b->n = 0;
	}
	packets_free(b);
	return passed;
}

bool stateful_passes(const struct module_ops *ops, void *state, const struct made *w, uint64_t now)
{
	struct rte_mbuf *m = stateful_pass(ops, state, packets_make(w), now, NULL);

	rte_pktmbuf_free(m);
	return m;
}

uint64_t stateful_counter(const struct module_ops *ops, const void *state, const char *name)
{
	struct module_counter all[MODULE_COUNTERS];
	size_t n = ops->counters(state, all);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].name, name))
			return all[i].value;
	CU_FAIL("no such counter");
	return UINT64_MAX;
}

uint64_t stateful_seconds(double seconds)
{
	return (uint64_t)(seconds * (double)rte_get_tsc_hz());
}

const uint8_t *stateful_l3(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
}

struct rte_mbuf *stateful_icmp(const char *src, const char *dst, uint8_t type, uint16_t id,
			       const void *quoted, size_t n)
{
	int family = strchr(src, ':') ? 6 : 4;
	uint16_t l4 = family == 4 ? 34 : 54, sum;
	struct made w = { .family = family,
			  .src = src,
			  .dst = dst,
			  .proto = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
			  .size = (uint16_t)(l4 + 8 + n) };
	struct rte_mbuf *m = packets_make(&w);
	uint8_t *at = rte_pktmbuf_mtod_offset(m, uint8_t *, l4);

	at[0] = type;
	at[4] = (uint8_t)(id >> 8);
	at[5] = (uint8_t)id;
	if (n)
		memcpy(at + 8, quoted, n);
	sum = family == 4 ? (uint16_t)~rte_raw_cksum(at, 8 + n)
			  : rte_ipv6_udptcp_cksum((const void *)stateful_l3(m), at);
	memcpy(at + 2, &sum, sizeof(sum));
	packet_parse(m);
	return m;
}

static bool l4_sum_holds(const struct rte_ipv4_hdr *ip, const uint8_t *l4, size_t n)
{
	static const uint8_t none[2];

	if (ip->next_proto_id == IPPROTO_ICMP)
		return rte_raw_cksum(l4, n) == 0xffff;
	if (ip->next_proto_id == IPPROTO_UDP && !memcmp(l4 + 6, none, 2))
		return true;
	return !rte_ipv4_udptcp_cksum_verify(ip, l4);
}

bool stateful_sums_hold(struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = (const void *)stateful_l3(m);
	size_t size = rte_ipv4_hdr_len(ip);

	return rte_raw_cksum(ip, size) == 0xffff &&
	       l4_sum_holds(ip, (const uint8_t *)ip + size, ntohs(ip->total_length) - size);
}

bool stateful_is_parsed(struct rte_mbuf *m)
{
	struct packet before = *packet_of(m);

	packet_parse(m);
	return !memcmp(&before, packet_of(m), sizeof(before));
}

/* SplitMix64. */
uint32_t stateful_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32);
}

bool stateful_pool_is_full(void)
{
	return rte_mempool_avail_count(packets_pool()) == packets_pool()->size;
}

static struct rte_mbuf *some_error(const char *src, const char *dst, const struct made *w,
				   uint64_t *seed)
{
	struct rte_mbuf *inner = packets_make(w), *m;

	m = stateful_icmp(src, dst, w->family == 4 ? 3 : 1, 0, stateful_l3(inner),
			  28 + stateful_random(seed) % 30);
	rte_pktmbuf_free(inner);
	return m;
}

static struct rte_mbuf *some_packet(uint64_t *seed)
{
	static const uint8_t protos[] = { 6, 17, 6, 17, 132, 50 };
	uint32_t r = stateful_random(seed);
	int family = r % 8 ? 4 : 6;
	char a[64], b[64];
	struct made w = { .family = family,
			  .src = a,
			  .dst = b,
			  .proto = protos[r >> 8 & 3 ? (r >> 8 & 3) : r >> 10 & 3],
			  .tcp_flags = (uint8_t)(stateful_random(seed) & 23),
			  .sport = (uint16_t)(1024 + (r >> 12) % 16),
			  .dport = (uint16_t)(1024 + (r >> 18) % 16),
			  .size = (uint16_t)(90 + (r >> 24) % 64) };

	if (r % 64 == 63)
		w.proto = protos[4 + (r >> 8) % 2];
	snprintf(a, sizeof(a), family == 4 ? "10.0.0.%u" : "fd00::%u", r >> 16 & 7);
	snprintf(b, sizeof(b), family == 4 ? "198.51.100.%u" : "fd01::%u", r >> 19 & 7);
	if (r >> 22 & 1) {
		w.src = b;
		w.dst = r >> 23 & 1 || family == 6 ? a : "192.0.2.1";
	}
	switch (stateful_random(seed) % 8) {
	case 0:
		return stateful_icmp(w.src, w.dst,
				     family == 4 ? (r >> 25 & 8) : 128 + (r >> 25 & 1), w.sport,
				     "ping", 4);
	case 1:
		return some_error(w.src, w.dst, &w, seed);
	default:
		return packets_make(&w);
	}
}

static void mutate(struct rte_mbuf *m, uint64_t *seed)
{
	uint32_t r = stateful_random(seed), n = r % 4;

	if (!(r >> 8 & 7))
		rte_pktmbuf_trim(m, (uint16_t)((r >> 16) % m->data_len));
	while (n--) {
		uint32_t at = stateful_random(seed);

		rte_pktmbuf_mtod(m, uint8_t *)[at % RTE_MIN(m->data_len, 80)] = (uint8_t)(at >> 24);
	}
	packet_enter(m, 0, 0);
}

static void guard(struct rte_mbuf *m)
{
	uint8_t *end = rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len);

	memset(end, GUARD_BYTE, GUARD);
	ASAN_POISON_MEMORY_REGION(end, GUARD);
}

/* M may have been freed; its bytes stay the pool's. */
static bool guarded(const uint8_t *end)
{
	ASAN_UNPOISON_MEMORY_REGION(end, GUARD);
	for (unsigned i = 0; i < GUARD; i++)
		if (end[i] != GUARD_BYTE)
			return false;
	return true;
}

/* Runs them and looks whether each of them is somewhere, and as it should be. */
static void fuzz_burst(const struct module_ops *ops, void *state, struct rte_mbuf **packets,
		       struct burst *b)
{
	const uint8_t *ends[BURST];
	uint64_t lost = 0;

	for (unsigned i = 0; i < BURST; i++) {
		guard(packets[i]);
		ends[i] = rte_pktmbuf_mtod_offset(packets[i], uint8_t *, packets[i]->data_len);
	}
	packets_run(ops, state, b, packets, BURST);
	for (unsigned i = 0; i < BURST; i++)
		CU_ASSERT_FATAL(guarded(ends[i]));
	for (unsigned r = 0; r < N_DROP_REASONS; r++)
		lost += packets_dropped(b, (enum drop_reason)r);
	CU_ASSERT_EQUAL_FATAL(b->n + lost, BURST);
	for (unsigned i = 0; i < b->n; i++)
		CU_ASSERT_FATAL(stateful_is_parsed(b->at[i]));
}

void stateful_fuzz(const struct module_ops *ops, void *state, unsigned n)
{
	uint64_t seed = 4, now = rte_rdtsc();
	const char *scale = getenv("EPIC_TEST_SCALE");
	unsigned n_bursts = n / 32 / (scale ? (unsigned)RTE_MAX(atoi(scale), 1) : 1);

	for (unsigned i = 0; i < n_bursts; i++) {
		struct burst *b = packets_burst(now += stateful_seconds(900. / n_bursts));
		struct rte_mbuf *packets[BURST];

		for (unsigned j = 0; j < BURST; j++) {
			packets[j] = some_packet(&seed);
			mutate(packets[j], &seed);
		}
		fuzz_burst(ops, state, packets, b);
		packets_free(b);
	}
	CU_ASSERT(stateful_pool_is_full());
}
