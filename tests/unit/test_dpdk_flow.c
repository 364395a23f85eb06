/* The flow table against a plain array, and the keys of real packets. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "runtime/dpdk/flow.h"
#include "tests/unit/stateful.h"
#include "tests/unit/unit.h"

static struct flow_table *open_table(uint32_t n_flows, uint32_t n_keys, uint64_t longest)
{
	struct module_error e = { "" };
	struct flow_table *t = flow_table_open(
	    &(struct flow_config){
		.n_flows = n_flows, .n_keys = n_keys, .value_size = 8, .longest = longest },
	    &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	return t;
}

static struct flow_key numbered(uint32_t i, uint8_t zone)
{
	struct flow_key k = { .family = 4, .zone = zone };

	k.addr[0][3] = i;
	return k;
}

static void holds_exactly_its_capacity(void)
{
	static const uint32_t capacities[] = { 1, 2, 3, 7, 64, 1000, 4096 };

	for (unsigned c = 0; c < 7; c++) {
		struct flow_table *t = open_table(capacities[c], 2, 1000);

		for (uint32_t i = 0; i < capacities[c]; i++) {
			struct flow_key keys[2] = { numbered(i, 0), numbered(i, 1) };

			CU_ASSERT_NOT_EQUAL_FATAL(flow_add(t, keys, 500), FLOW_NONE);
		}
		CU_ASSERT_EQUAL(
		    flow_add(t, (struct flow_key[]){ numbered(9999, 0), numbered(9999, 1) }, 500),
		    FLOW_NONE);
		CU_ASSERT_EQUAL(flow_count(t), capacities[c]);
		for (uint32_t i = 0; i < capacities[c]; i++) {
			struct flow_key first = numbered(i, 0), second = numbered(i, 1);
			uint32_t found = flow_find(t, &first, 100);

			CU_ASSERT_EQUAL_FATAL(found & 1, 0);
			CU_ASSERT_EQUAL_FATAL(flow_find(t, &second, 100), found | 1);
			CU_ASSERT_FATAL(!memcmp(flow_key(t, found >> 1, 1), &second, 48));
		}
		flow_table_close(t);
	}
}

/* ---- against a model ---- */

enum { KEYS = 200, ROOM = 120 };

struct model {
	uint64_t until[KEYS]; /* 0: not there */
	uint64_t value[KEYS];
};

static unsigned n_alive(const struct model *m, uint64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEYS; i++)
		n += m->until[i] > now;
	return n;
}

static void compare_all(struct flow_table *t, const struct model *m, uint64_t now)
{
	for (unsigned base = 0; base < KEYS; base += BURST) {
		struct flow_key keys[BURST];
		uint32_t found[BURST];
		unsigned n = RTE_MIN(KEYS - base, (unsigned)BURST);

		for (unsigned i = 0; i < n; i++)
			keys[i] = numbered(base + i, 1);
		flow_lookup(t, keys, n, now, found);
		for (unsigned i = 0; i < n; i++) {
			bool alive = m->until[base + i] > now;

			CU_ASSERT_EQUAL_FATAL(found[i] != FLOW_NONE, alive);
			if (alive)
				CU_ASSERT_FATAL(*(uint64_t *)flow_value(t, found[i] >> 1) ==
						m->value[base + i]);
		}
	}
}

static void step(struct flow_table *t, struct model *m, uint64_t now, uint64_t *seed)
{
	uint32_t k = stateful_random(seed) % KEYS, r = stateful_random(seed);
	struct flow_key keys[2] = { numbered(k, 0), numbered(k, 1) };
	uint64_t until = now + 1 + stateful_random(seed) % 100000;
	uint32_t found = flow_find(t, &keys[r & 1], now);

	CU_ASSERT_EQUAL_FATAL(found != FLOW_NONE, m->until[k] > now);
	if (found == FLOW_NONE) {
		uint32_t flow = flow_add(t, keys, until);

		m->until[k] = flow == FLOW_NONE ? 0 : until;
		if (flow != FLOW_NONE)
			*(uint64_t *)flow_value(t, flow) = m->value[k] = r;
		else /* the wheel is late by at most two slots of 512 cycles */
			CU_ASSERT_FATAL(n_alive(m, now - 1024) >= ROOM);
	} else if (r >> 1 & 1) {
		flow_keep(t, found >> 1, until);
		m->until[k] = until;
	} else if (!(r >> 2 & 7)) {
		flow_remove(t, found >> 1);
		m->until[k] = 0;
	}
}

static void agrees_with_a_plain_array(void)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct flow_table *t = open_table(ROOM, 2, 100000);
		struct model m = { 0 };
		uint64_t now = seed == 5 ? 5 : rte_rdtsc(), s = seed;

		for (unsigned i = 0; i < 20000; i++) {
			now += stateful_random(&s) % (i % 1000 ? 300 : 200000);
			flow_advance(t, now);
			step(t, &m, now, &s);
			if (!(i % 500))
				compare_all(t, &m, now);
		}
		CU_ASSERT(flow_expired(t) > 100);
		flow_table_close(t);
	}
}

/* No call handles more than 64, and flows that are over leave within a slot of the wheel. */
static void the_wheel_takes_out_what_is_over_in_bounded_steps(void)
{
	struct flow_table *t = open_table(1000, 1, 512000);
	uint64_t now = rte_rdtsc();
	unsigned calls = 0;

	flow_advance(t, now);
	for (uint32_t i = 0; i < 1000; i++) {
		struct flow_key k = numbered(i, 0);

		flow_add(t, &k, now + 1000);
	}
	flow_advance(t, now + 999);
	CU_ASSERT_EQUAL(flow_count(t), 1000);
	for (; flow_count(t); calls++) {
		uint32_t before = flow_count(t);

		flow_advance(t, now + 4000);
		CU_ASSERT_FATAL(before - flow_count(t) <= 64 && before > flow_count(t));
	}
	CU_ASSERT_EQUAL(calls, 16);
	CU_ASSERT_EQUAL(flow_expired(t), 1000);
	flow_table_close(t);
}

static void a_long_silence_does_not_keep_flows(void)
{
	struct flow_table *t = open_table(10, 1, 1000);
	struct flow_key k = numbered(1, 0);
	uint64_t now = rte_rdtsc();

	flow_advance(t, now);
	flow_add(t, &k, now + 900);
	flow_advance(t, now + stateful_seconds(3600));
	CU_ASSERT_EQUAL(flow_count(t), 0);
	flow_table_close(t);
}

static void a_copy_ends_with_its_original_or_sooner(void)
{
	struct flow_table *from = open_table(10, 1, 1000), *to = open_table(2, 1, 1000);
	struct flow_key k[3] = { numbered(1, 0), numbered(2, 0), numbered(3, 0) };
	uint32_t flow[3], copy;

	for (unsigned i = 0; i < 3; i++) {
		flow[i] = flow_add(from, &k[i], 1000 + i);
		*(uint64_t *)flow_value(from, flow[i]) = i + 7;
	}
	CU_ASSERT_EQUAL(flow_copy(to, from, flow[0], 1000, 500), FLOW_NONE); /* over */
	copy = flow_copy(to, from, flow[1], 500, 5000);
	CU_ASSERT_EQUAL(flow_until(to, copy), 1001);
	CU_ASSERT_EQUAL(*(uint64_t *)flow_value(to, copy), 8);
	copy = flow_copy(to, from, flow[2], 500, 100);
	CU_ASSERT_EQUAL(flow_until(to, copy), 600);
	CU_ASSERT_EQUAL(flow_copy(to, from, flow[0], 500, 100), FLOW_NONE); /* full */
	flow_table_close(from);
	flow_table_close(to);
}

/* Several packets of one flow that is over, in one burst. */
static void a_burst_sees_the_end_of_a_flow_once(void)
{
	struct flow_table *t = open_table(4, 1, 1000);
	struct flow_key k = numbered(1, 0), other = numbered(2, 0);
	struct flow_key burst[4] = { k, k, other, k };
	uint32_t found[4], flow = flow_add(t, &k, 500);

	CU_ASSERT_NOT_EQUAL(flow, FLOW_NONE);
	flow_add(t, &other, 900);
	flow_lookup(t, burst, 4, 600, found);
	CU_ASSERT(found[0] == FLOW_NONE && found[1] == FLOW_NONE && found[3] == FLOW_NONE);
	CU_ASSERT_NOT_EQUAL(found[2], FLOW_NONE);
	CU_ASSERT_EQUAL(flow_count(t), 1);
	CU_ASSERT_EQUAL(flow_expired(t), 1);
	flow_table_close(t);
}

/* ---- keys ---- */

static enum flow_kind kind_of(struct rte_mbuf *m, struct flow_key *k)
{
	struct flow_inner inner;
	enum flow_kind kind = flow_key_of(m, k, &inner);

	rte_pktmbuf_free(m);
	return kind;
}

static void both_directions_have_one_canonical_key(void)
{
	static const struct made ways[4][2] = {
		{ { .sport = 5 },
		  { .src = "10.0.0.2", .dst = "10.0.0.1", .sport = 2000, .dport = 5 } },
		{ { .proto = 6 },
		  { .proto = 6,
		    .src = "10.0.0.2",
		    .dst = "10.0.0.1",
		    .sport = 2000,
		    .dport = 1000 } },
		{ { .family = 6 },
		  { .family = 6,
		    .src = "fd00::2",
		    .dst = "fd00::1",
		    .sport = 2000,
		    .dport = 1000 } },
		{ { .dst = "10.0.0.1" }, { .dst = "10.0.0.1", .sport = 2000, .dport = 1000 } },
	};

	for (unsigned i = 0; i < 4; i++) {
		struct flow_key a, b;
		bool turned;

		CU_ASSERT_EQUAL(kind_of(packets_make(&ways[i][0]), &a), FLOW_PORTS);
		CU_ASSERT_EQUAL(kind_of(packets_make(&ways[i][1]), &b), FLOW_PORTS);
		CU_ASSERT(memcmp(&a, &b, sizeof(a)) != 0);
		turned = flow_canonical(&a);
		CU_ASSERT_EQUAL(flow_canonical(&b), !turned);
		CU_ASSERT(!memcmp(&a, &b, sizeof(a)));
	}
}

static void an_error_has_the_key_of_what_it_quotes(void)
{
	static const char *const ends[2][3] = { { "10.0.0.1", "10.0.0.2", "10.9.9.9" },
						{ "fd00::1", "fd00::2", "fd00::9" } };

	for (unsigned i = 0; i < 2; i++) {
		struct made w = { .family = i ? 6 : 4, .src = ends[i][0], .dst = ends[i][1] };
		struct rte_mbuf *m = packets_make(&w);
		size_t least = i ? 48 : 28;
		struct flow_key error, key, cut;

		CU_ASSERT_EQUAL(kind_of(stateful_icmp(ends[i][2], ends[i][0], i ? 1 : 3, 0,
						      stateful_l3(m), least),
					&error),
				FLOW_ERROR);
		CU_ASSERT_EQUAL(kind_of(stateful_icmp(ends[i][2], ends[i][0], i ? 1 : 3, 0,
						      stateful_l3(m), least - 1),
					&cut),
				FLOW_BROKEN);
		CU_ASSERT_EQUAL(kind_of(m, &key), FLOW_PORTS);
		CU_ASSERT(!memcmp(&key, &error, sizeof(key)));
	}
}

static void kinds_are_told_apart(void)
{
	struct made udp = { .sport = 0 }, esp = { .proto = 50 }, sctp = { .proto = 132 };
	struct rte_mbuf *later = packets_make(&udp), *cut = packets_make(&udp),
			*arp = packets_make(&udp);
	struct flow_key k;

	rte_pktmbuf_mtod(later, uint8_t *)[21] = 1;
	packet_parse(later);
	CU_ASSERT_EQUAL(kind_of(later, &k), FLOW_FRAGMENT);
	rte_pktmbuf_mtod(cut, uint8_t *)[17] = 26; /* total length: 6 bytes of UDP */
	packet_parse(cut);
	CU_ASSERT_EQUAL(kind_of(cut, &k), FLOW_BROKEN);
	rte_pktmbuf_mtod(arp, uint8_t *)[13] = 6;
	packet_parse(arp);
	CU_ASSERT_EQUAL(kind_of(arp, &k), FLOW_ALIEN);
	CU_ASSERT_EQUAL(kind_of(packets_make(&esp), &k), FLOW_BARE);
	CU_ASSERT_EQUAL(kind_of(packets_make(&sctp), &k), FLOW_PORTS);
	CU_ASSERT_EQUAL(kind_of(stateful_icmp("10.0.0.1", "10.0.0.2", 8, 77, "", 0), &k),
			FLOW_ECHO);
	CU_ASSERT(k.port[0] == 77 && k.port[1] == 77);
	CU_ASSERT_EQUAL(kind_of(stateful_icmp("fd00::1", "fd00::2", 129, 77, "", 0), &k),
			FLOW_ECHO);
	CU_ASSERT_EQUAL(kind_of(stateful_icmp("10.0.0.1", "10.0.0.2", 5, 0, "", 0), &k), FLOW_BARE);
	CU_ASSERT(stateful_pool_is_full());
}

static const struct unit units[] = {
	{ "holds_exactly_its_capacity", holds_exactly_its_capacity },
	{ "agrees_with_a_plain_array", agrees_with_a_plain_array },
	{ "the_wheel_takes_out_what_is_over_in_bounded_steps",
	  the_wheel_takes_out_what_is_over_in_bounded_steps },
	{ "a_long_silence_does_not_keep_flows", a_long_silence_does_not_keep_flows },
	{ "a_copy_ends_with_its_original_or_sooner", a_copy_ends_with_its_original_or_sooner },
	{ "a_burst_sees_the_end_of_a_flow_once", a_burst_sees_the_end_of_a_flow_once },
	{ "both_directions_have_one_canonical_key", both_directions_have_one_canonical_key },
	{ "an_error_has_the_key_of_what_it_quotes", an_error_has_the_key_of_what_it_quotes },
	{ "kinds_are_told_apart", kinds_are_told_apart },
};

int main(void)
{
	packets_start("epic-test-flow");
	return unit_main("flow", units, sizeof(units) / sizeof(*units));
}
