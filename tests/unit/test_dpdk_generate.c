#include <config.h>

#include "runtime/dpdk/generate.h"

#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "runtime/dpdk/packet.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

enum { HZ = 1000000000, DEVICE = 3 };

/* ---- filters ---- */

static bool knows_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg;
	*index = strcmp(name, "wan") == 0 ? DEVICE : DEVICE + 1;
	return true;
}

static bool knows_no_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg, (void)name, (void)tag;
	return false;
}

static bool knows_no_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg, (void)tag, (void)value, (void)index;
	return false;
}

static const struct filter *parsed(const char *text)
{
	const struct filter_names names = { knows_no_tag, knows_no_value, knows_device, NULL };
	struct filter_error error;
	const struct filter *f = filter_parse(text, &names, &error);

	if (!f)
		puts(error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

/* ---- a generator ---- */

static struct generate_error error;

static struct generate_request request_of(struct generate_class *classes, size_t n)
{
	return (struct generate_request){ .classes = classes,
					  .n_classes = n,
					  .seed = 1,
					  .pool = packets_pool(),
					  .hz = HZ,
					  .device = DEVICE,
					  .n_receive = 1,
					  .n_send = 1 };
}

static void *opened(const struct generate_request *r)
{
	void *state = generate_open(r, &error);

	if (!state)
		puts(error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static unsigned taken(void *state, unsigned queue, uint64_t now, struct rte_mbuf **packets)
{
	return generate_ops.receive(state, queue, now, packets, BURST);
}

/* Takes bursts at NOW until there is none; returns how many packets. */
static uint64_t drained(void *state, unsigned queue, uint64_t now)
{
	struct rte_mbuf *packets[BURST];
	uint64_t sum = 0;
	unsigned n;

	while ((n = taken(state, queue, now, packets))) {
		sum += n;
		rte_pktmbuf_free_bulk(packets, n);
	}
	return sum;
}

static struct generate_count count_of(const void *state, size_t row)
{
	struct generate_count count;

	generate_count(state, row, &count);
	return count;
}

static void closed(void *state)
{
	generate_ops.close(state);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

/* ---- packets ---- */

static void checksums_hold(struct rte_mbuf *m)
{
	const struct packet *p = packet_of(m);
	void *l3 = rte_pktmbuf_mtod_offset(m, void *, p->l3);
	void *l4 = rte_pktmbuf_mtod_offset(m, void *, p->l4);
	bool has_sum = p->present & PACKET_L4 && p->proto != IPPROTO_SCTP;

	if (p->present & PACKET_IP4)
		CU_ASSERT_EQUAL(rte_raw_cksum(l3, sizeof(struct rte_ipv4_hdr)), 0xffff);
	if (has_sum && p->present & PACKET_IP4)
		CU_ASSERT_EQUAL(rte_ipv4_udptcp_cksum_verify(l3, l4), 0);
	if (has_sum && p->present & PACKET_IP6)
		CU_ASSERT_EQUAL(rte_ipv6_udptcp_cksum_verify(l3, l4), 0);
	if (p->present & PACKET_ICMP && p->proto == IPPROTO_ICMPV6 && p->present & PACKET_IP6)
		CU_ASSERT_EQUAL(rte_ipv6_udptcp_cksum_verify(l3, l4), 0);
	if (p->present & PACKET_ICMP && p->proto == IPPROTO_ICMP)
		CU_ASSERT_EQUAL(rte_raw_cksum(l4, m->data_len - p->l4), 0xffff);
}

/* What was copied along is what parsing finds. */
static void is_parsed(struct rte_mbuf *m, uint64_t now)
{
	struct packet known = *packet_of(m);

	CU_ASSERT_EQUAL(known.arrived, now);
	CU_ASSERT_EQUAL(known.device, DEVICE);
	packet_enter(m, DEVICE, now);
	CU_ASSERT_EQUAL(memcmp(&known, packet_of(m), sizeof(known)), 0);
}

static void satisfies(const char *text, unsigned bytes)
{
	struct generate_class c = {
		.name = "c", .bytes = bytes, .n_flows = 100, .filter = parsed(text)
	};
	struct generate_request r = request_of(&c, 1);
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];

	for (unsigned burst = 0; burst < 10; burst++) {
		CU_ASSERT_EQUAL_FATAL(taken(state, 0, burst, packets), BURST);
		for (unsigned i = 0; i < BURST; i++) {
			CU_ASSERT_TRUE(filter_holds(c.filter, packet_of(packets[i])));
			CU_ASSERT_TRUE(packets[i]->data_len >= bytes);
			CU_ASSERT_EQUAL(packets[i]->data_len, packets[i]->pkt_len);
			is_parsed(packets[i], burst);
			checksums_hold(packets[i]);
		}
		rte_pktmbuf_free_bulk(packets, BURST);
	}
	closed(state);
	filter_free(c.filter);
}

static void filters_hold(void)
{
	static const char *const texts[] = {
		"true",
		"ip.proto == 6 and l4.dport == 443",
		"ip.proto == 6 and l4.dport in {80, 443} and tcp.flags == 18",
		"ip.proto == 17 and not l4.dport in {53, 5060}",
		"ip.src in 2001:db8::/32 and ip.proto == 17",
		"ip.dst in 10.0.0.0/24 or ip.dst in fd00::/8",
		"ip.proto == 1 and icmp.type == 8",
		"ip.proto == 58 and icmp.type in 128..129",
		"ip.proto == 58 and icmp.type == 128 and ip.src in fd00::/8",
		"ip.src in 10.0.0.0/8 and ip.dscp == 46",
		"ip.proto == 132 and l4.dport == 36412",
		"ip.proto == 47",
		"ip.frag == 1",
		"ip.frag == 1 and ip.src in fd00::/8",
		"vlan.id == 100 and ip.dscp == 46",
		"eth.type == 2054",
		"eth.dst == 01:00:5e:00:00:01 and ip.ttl in 1..4",
		"port.in == \"wan\"",
		"not ip.proto in {6, 17}",
	};

	for (size_t i = 0; i < N(texts); i++) {
		satisfies(texts[i], 64);
		satisfies(texts[i], 1500);
	}
}

static void impossible_refused(const char *text, const char *why)
{
	struct generate_class c = {
		.name = "web", .bytes = 64, .n_flows = 1, .filter = parsed(text)
	};
	struct generate_request r = request_of(&c, 1);

	CU_ASSERT_PTR_NULL(generate_open(&r, &error));
	UNIT_TEXT(why, error.text);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
	filter_free(c.filter);
}

static void impossible_filters_refused(void)
{
	impossible_refused("false", "class 'web': no packet was found that its filter takes");
	impossible_refused("port.in == \"lan\"",
			   "class 'web': no packet was found that its filter takes");
}

static void large_packets_refused(void)
{
	struct generate_class c = { .name = "web", .bytes = 9000, .n_flows = 1 };
	struct generate_request r = request_of(&c, 1);

	CU_ASSERT_PTR_NULL(generate_open(&r, &error));
	UNIT_TEXT("class 'web': packets of 9000 bytes do not fit, an mbuf holds 2048", error.text);
}

static void payload_is_repeated(void)
{
	struct generate_class c = { .name = "c", .bytes = 64, .n_flows = 1, .payload = "abc" };
	struct generate_request r = request_of(&c, 1);
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];

	CU_ASSERT_EQUAL_FATAL(taken(state, 0, 0, packets), BURST);
	CU_ASSERT_EQUAL(
	    memcmp(rte_pktmbuf_mtod_offset(packets[0], char *, packet_of(packets[0])->payload),
		   "abcabcabcabcabcabcabca", 22),
	    0);
	rte_pktmbuf_free_bulk(packets, BURST);
	closed(state);
}

/* ---- rates ---- */

static void rates_are_offered(void)
{
	struct generate_class c[] = {
		{ .name = "a", .pps = 1e6, .bytes = 64, .n_flows = 10, .index = 7 },
		{ .name = "b", .pps = 12345, .bytes = 64, .n_flows = 10 },
		{ .name = "c", .pps = 0.5, .bytes = 64, .n_flows = 10 },
	};
	struct generate_request r = request_of(c, N(c));
	void *state = opened(&r);

	/* Four seconds in steps of 20 microseconds: fewer packets than wait at most. */
	for (uint64_t now = 5; now <= 4ull * HZ + 5; now += 20000)
		drained(state, 0, now);
	CU_ASSERT_EQUAL(count_of(state, 0).index, 7);
	CU_ASSERT_DOUBLE_EQUAL((double)count_of(state, 0).generated, 4e6, 1);
	CU_ASSERT_DOUBLE_EQUAL((double)count_of(state, 1).generated, 4 * 12345, 1);
	CU_ASSERT_EQUAL(count_of(state, 2).generated, 2);
	for (size_t i = 0; i < N(c); i++) {
		CU_ASSERT_EQUAL(count_of(state, i).missed, 0);
		CU_ASSERT_EQUAL(count_of(state, i).offered, count_of(state, i).generated);
	}
	CU_ASSERT_FALSE(generate_ops.is_done(state));
	closed(state);
}

/* One burst each 100 microseconds is 320 kpps, of 4.04 Mpps. */
static void too_much_is_missed(void)
{
	struct generate_class c[] = {
		{ .name = "a", .pps = 2e6, .bytes = 64, .n_flows = 10 },
		{ .name = "b", .pps = 2e6, .bytes = 64, .n_flows = 10 },
		{ .name = "c", .pps = 4e4, .bytes = 64, .n_flows = 10 },
	};
	struct generate_request r = request_of(c, N(c));
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];
	uint64_t waiting = 0;
	double sum = 0;

	for (uint64_t now = 0; now <= HZ; now += 100000) {
		unsigned n = taken(state, 0, now, packets);

		sum += n;
		rte_pktmbuf_free_bulk(packets, n);
	}
	for (size_t i = 0; i < N(c); i++) {
		struct generate_count k = count_of(state, i);

		CU_ASSERT_DOUBLE_EQUAL((double)k.offered, c[i].pps, 1);
		CU_ASSERT_DOUBLE_EQUAL((double)k.generated / sum, c[i].pps / 4.04e6, 0.002);
		waiting += k.offered - k.generated - k.missed;
	}
	CU_ASSERT_TRUE(waiting <= GENERATE_BACKLOG);
	CU_ASSERT_TRUE(waiting >= GENERATE_BACKLOG - BURST);
	closed(state);
}

static void a_long_silence_is_missed(void)
{
	struct generate_class c = { .name = "a", .pps = 1e6, .bytes = 64, .n_flows = 10 };
	struct generate_request r = request_of(&c, 1);
	void *state;

	r.backlog = 100;
	state = opened(&r);
	CU_ASSERT_EQUAL(drained(state, 0, 0), 0);
	CU_ASSERT_EQUAL(drained(state, 0, HZ), 100);
	CU_ASSERT_EQUAL(count_of(state, 0).missed, 1000000 - 100);
	CU_ASSERT_EQUAL(drained(state, 0, HZ + 101000), 100);
	CU_ASSERT_EQUAL(count_of(state, 0).missed, 1000000 - 100 + 1);
	closed(state);
}

static void free_classes_share_equally(void)
{
	struct generate_class c[] = {
		{ .name = "a", .bytes = 64, .n_flows = 10 },
		{ .name = "b", .pps = 1e5, .bytes = 64, .n_flows = 10 },
		{ .name = "c", .bytes = 64, .n_flows = 10 },
		{ .name = "d", .bytes = 64, .n_flows = 10 },
	};
	struct generate_request r = request_of(c, N(c));
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];
	double equal;

	for (uint64_t now = 0; now <= HZ; now += 100000) {
		CU_ASSERT_EQUAL_FATAL(taken(state, 0, now, packets), BURST);
		rte_pktmbuf_free_bulk(packets, BURST);
	}
	equal = (double)count_of(state, 0).generated;
	CU_ASSERT_DOUBLE_EQUAL((double)count_of(state, 1).generated, 1e5, 1);
	CU_ASSERT_DOUBLE_EQUAL(equal, (10001.0 * BURST - 1e5) / 3, 2);
	CU_ASSERT_DOUBLE_EQUAL((double)count_of(state, 2).generated, equal, 1);
	CU_ASSERT_DOUBLE_EQUAL((double)count_of(state, 3).generated, equal, 1);
	closed(state);
}

/* No class comes in one piece: each of four has its packets in every half of a burst. */
static void classes_are_interleaved(void)
{
	struct generate_class c[] = {
		{ .name = "a", .bytes = 100, .n_flows = 1 },
		{ .name = "b", .bytes = 101, .n_flows = 1 },
		{ .name = "c", .bytes = 102, .n_flows = 1 },
		{ .name = "d", .bytes = 103, .n_flows = 1 },
	};
	struct generate_request r = request_of(c, N(c));
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];

	CU_ASSERT_EQUAL_FATAL(taken(state, 0, 0, packets), BURST);
	for (unsigned half = 0; half < 2; half++) {
		unsigned n[4] = { 0 };

		for (unsigned i = 0; i < BURST / 2; i++)
			n[packets[half * BURST / 2 + i]->data_len - 100]++;
		for (unsigned k = 0; k < 4; k++)
			CU_ASSERT_TRUE(n[k] >= 3 && n[k] <= 5);
	}
	rte_pktmbuf_free_bulk(packets, BURST);
	closed(state);
}

static void time_ends_it(void)
{
	struct generate_class c = { .name = "a", .pps = 1e5, .bytes = 64, .n_flows = 10 };
	struct generate_request r = request_of(&c, 1);
	struct device_counts counts;
	void *state;

	r.seconds = 0.01;
	state = opened(&r);
	CU_ASSERT_EQUAL(drained(state, 0, 0), 0);
	CU_ASSERT_FALSE(generate_ops.is_done(state));
	CU_ASSERT_EQUAL(drained(state, 0, HZ), 1000);
	CU_ASSERT_TRUE(generate_ops.is_done(state));
	CU_ASSERT_EQUAL(drained(state, 0, 2ull * HZ), 0);
	generate_ops.counts(state, &counts);
	CU_ASSERT_EQUAL(counts.received, 1000);
	CU_ASSERT_EQUAL(counts.missed, 0);
	closed(state);
}

static void empty_pool_waits(void)
{
	static struct rte_mbuf *all[4095];
	struct generate_class c = { .name = "a", .pps = 1e6, .bytes = 64, .n_flows = 10 };
	struct generate_request r = request_of(&c, 1);
	void *state = opened(&r);
	unsigned n = 0;

	while (n < N(all) && (all[n] = rte_pktmbuf_alloc(packets_pool())))
		n++;
	CU_ASSERT_EQUAL(drained(state, 0, 0), 0);
	CU_ASSERT_EQUAL(drained(state, 0, 500000), 0);
	rte_pktmbuf_free_bulk(all, n);
	CU_ASSERT_EQUAL(drained(state, 0, 500000), 500);
	closed(state);
}

/* ---- flows and seeds ---- */

/* A number that stands for the flow. */
static uint64_t flow_of(struct rte_mbuf *m)
{
	const struct packet *p = packet_of(m);

	return (uint64_t)p->src[3] << 32 ^ (uint64_t)p->dst[3] << 16 ^ p->sport ^
	       (uint64_t)p->dport << 8;
}

static uint64_t flows_of(void *state, unsigned queue, uint64_t *flows, unsigned most)
{
	struct rte_mbuf *packets[BURST];
	unsigned n = 0;

	while (n < most) {
		CU_ASSERT_EQUAL_FATAL(taken(state, queue, n, packets), BURST);
		for (unsigned i = 0; i < BURST; i++)
			flows[n++] = flow_of(packets[i]);
		rte_pktmbuf_free_bulk(packets, BURST);
	}
	return n;
}

static void seeds_decide(void)
{
	struct generate_class c[] = { { .name = "a", .bytes = 64, .n_flows = 50 },
				      { .name = "b", .bytes = 64, .n_flows = 50 } };
	struct generate_request r = request_of(c, N(c));
	static uint64_t flows[3][640];

	for (unsigned i = 0; i < 3; i++) {
		void *state;

		r.seed = i < 2 ? 5 : 6;
		state = opened(&r);
		flows_of(state, 0, flows[i], 640);
		closed(state);
	}
	CU_ASSERT_EQUAL(memcmp(flows[0], flows[1], sizeof(flows[0])), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(flows[0], flows[2], sizeof(flows[0])), 0);
}

static void flows_stay_in_their_queue(void)
{
	struct generate_class c = { .name = "a", .bytes = 64, .n_flows = 9 };
	struct generate_request r = request_of(&c, 1);
	static uint64_t flows[2][640];
	void *state;
	size_t shared = 0;

	r.n_receive = 2;
	state = opened(&r);
	flows_of(state, 0, flows[0], 640);
	flows_of(state, 1, flows[1], 640);
	for (size_t i = 0; i < 640; i++)
		for (size_t k = 0; k < 640; k++)
			shared += flows[0][i] == flows[1][k];
	CU_ASSERT_EQUAL(shared, 0);
	closed(state);
}

/* 100 flows, 32000 packets: 320 of each, give or take five standard deviations. */
static void flows_are_uniform(void)
{
	struct generate_class c = { .name = "a", .bytes = 64, .n_flows = 100 };
	struct generate_request r = request_of(&c, 1);
	void *state = opened(&r);
	static uint64_t flows[32000];
	unsigned kinds = 0;

	flows_of(state, 0, flows, N(flows));
	for (size_t i = 0; i < N(flows); i++) {
		size_t first = 0, n = 0;

		while (flows[first] != flows[i])
			first++;
		if (first < i)
			continue;
		kinds++;
		for (size_t k = i; k < N(flows); k++)
			n += flows[k] == flows[i];
		CU_ASSERT_TRUE(n > 230 && n < 410);
	}
	CU_ASSERT_EQUAL(kinds, 100);
	closed(state);
}

static void queues_share_the_rate(void)
{
	struct generate_class c = { .name = "a", .pps = 1e6, .bytes = 64, .n_flows = 10 };
	struct generate_request r = request_of(&c, 1);
	void *state;

	r.n_receive = 2;
	state = opened(&r);
	CU_ASSERT_EQUAL(drained(state, 0, 0) + drained(state, 1, 0), 0);
	CU_ASSERT_EQUAL(drained(state, 0, HZ / 1000), 500);
	CU_ASSERT_EQUAL(drained(state, 1, HZ / 1000), 500);
	closed(state);
}

static void sent_packets_are_counted(void)
{
	struct generate_class c = { .name = "a", .bytes = 64, .n_flows = 10 };
	struct generate_request r = request_of(&c, 1);
	void *state = opened(&r);
	struct rte_mbuf *packets[BURST];
	struct device_counts counts;

	CU_ASSERT_EQUAL_FATAL(taken(state, 0, 0, packets), BURST);
	CU_ASSERT_EQUAL(generate_ops.send(state, 0, packets, BURST), BURST);
	generate_ops.counts(state, &counts);
	CU_ASSERT_EQUAL(counts.sent, BURST);
	closed(state);
}

static void device_is_replaced(void)
{
	struct generate_class c = { .name = "a", .bytes = 64, .n_flows = 1 };
	struct generate_request r = request_of(&c, 1);
	struct devices *d = devices_new(packets_pool(), 1, 1);
	struct device_error why;
	struct device *device;
	uint16_t index;

	CU_ASSERT_TRUE(devices_bind(d, "wan=generate", &why));
	UNIT_TEXT("generate", devices_bound(d, "wan"));
	CU_ASSERT_PTR_NULL(devices_find(d, "wan", &why));
	device = devices_add(d, "wan", &generate_ops, opened(&r));
	CU_ASSERT_PTR_NOT_NULL(device);
	CU_ASSERT_PTR_EQUAL(devices_find(d, "wan", &why), device);
	CU_ASSERT_TRUE(devices_index(d, "wan", &index) && index == 0);
	CU_ASSERT_PTR_EQUAL(devices_at(d, 0), device);
	devices_close(d);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

/* ---- requests ---- */

static struct generate_class planned[] = {
	{ .name = "voip" },
	{ .name = "web" },
	{ .name = "seed" },
	{ .name = "bulk" },
};

static bool asked(const char *text, struct generate_request *r)
{
	planned[0].pps = 3e6;
	planned[1].pps = 2e6;
	planned[2].pps = 1e6;
	planned[3].pps = 0;
	planned[0].bytes = 200;
	planned[1].bytes = 1500;
	planned[2].bytes = planned[3].bytes = 0;
	*r = request_of(planned, N(planned));
	return generate_parse(text, r, &error);
}

static void asks(const char *text, size_t i, double pps, unsigned bytes, unsigned flows)
{
	struct generate_request r;

	if (!asked(text, &r))
		puts(error.text);
	CU_ASSERT_DOUBLE_EQUAL(planned[i].pps, pps, 1e-6);
	CU_ASSERT_EQUAL(planned[i].bytes, bytes);
	CU_ASSERT_EQUAL(planned[i].n_flows, flows);
}

static void requests_are_read(void)
{
	struct generate_request r;

	asks("voip=1Mpps,web=2kpps:900B", 0, 1e6, 200, 1000);
	asks("voip=1Mpps,web=2kpps:900B", 1, 2e3, 900, 1000);
	asks("voip=1Mpps,web=2kpps:900B", 3, 0, 64, 0);
	asks("voip,web", 1, 2e6, 1500, 1000);
	asks("all=1.5Mpps:64B,flows=7", 3, 1.5e6, 64, 7);
	asks("all=max:64B", 0, 0, 64, 1000);
	asks("all=2x,bulk=1pps", 0, 6e6, 200, 1000);
	asks("all:128B,bulk=1pps,scale=0.5", 1, 1e6, 128, 1000);
	asks("web=12Mbps", 1, 1000, 1500, 1000);
	asks("web=12MB/s:1kB", 1, 12000, 1000, 1000);
	asks("seed=5pps", 2, 5, 64, 1000);
	asks("seed=5x,seed=77", 2, 5e6, 64, 1000);
	CU_ASSERT_TRUE(asked("voip,seed=77,time=1.5min,backlog=64", &r));
	CU_ASSERT_EQUAL(r.seed, 77);
	CU_ASSERT_DOUBLE_EQUAL(r.seconds, 90, 1e-9);
	CU_ASSERT_EQUAL(r.backlog, 64);
}

static void refused(const char *text, const char *why)
{
	struct generate_request r;

	CU_ASSERT_FALSE(asked(text, &r));
	UNIT_TEXT(why, error.text);
}

static void requests_refused(void)
{
	refused("", "an item is empty");
	refused("voip,,web", "an item is empty");
	refused("flows=3", "nothing is to be generated; name a class, or `all`");
	refused("viop=1Mpps", "'viop=1Mpps': no class is called 'viop'");
	refused("voip=1M", "'voip=1M': '1M' is no rate; as 2Mpps, 10Gbps, 1.5x or max");
	refused("voip=-1pps", "'voip=-1pps': '-1pps' is no rate; as 2Mpps, 10Gbps, 1.5x or max");
	refused("voip=0pps", "'voip=0pps': '0pps' is no rate; as 2Mpps, 10Gbps, 1.5x or max");
	refused("voip:9MB", "'voip:9MB': '9MB' is no size from 14B to 9018B");
	refused("voip:10kB", "'voip:10kB': '10kB' is no size from 14B to 9018B");
	refused("voip,flows=0", "'flows=0': a number from 1 to 1048576 is due");
	refused("voip,flows=1.5", "'flows=1.5': a number from 1 to 1048576 is due");
	refused("voip,time=10", "'time=10': a time, as 10s or 500ms, is due");
	refused("voip,scale=0", "'scale=0': a number above 0 is due");
	refused("all", "class 'bulk' has no rate in the plan; write bulk=RATE");
	refused("bulk=2x", "class 'bulk' has no rate in the plan; write bulk=RATE");
}

static const struct unit units[] = {
	{ "every_packet_is_one_that_its_class_takes", filters_hold },
	{ "a_class_that_no_packet_is_in_is_refused_by_name", impossible_filters_refused },
	{ "packets_that_no_mbuf_holds_are_refused", large_packets_refused },
	{ "a_payload_is_repeated_to_the_end", payload_is_repeated },
	{ "each_class_offers_its_rate", rates_are_offered },
	{ "what_waits_too_long_is_missed_in_proportion", too_much_is_missed },
	{ "after_a_silence_only_the_backlog_is_left", a_long_silence_is_missed },
	{ "classes_without_a_rate_share_what_is_left_equally", free_classes_share_equally },
	{ "a_burst_interleaves_its_classes", classes_are_interleaved },
	{ "after_its_time_a_generator_is_done", time_ends_it },
	{ "with_an_empty_pool_packets_wait", empty_pool_waits },
	{ "the_same_seed_gives_the_same_packets", seeds_decide },
	{ "a_flow_stays_in_its_queue", flows_stay_in_their_queue },
	{ "the_flows_of_a_class_are_drawn_uniformly", flows_are_uniform },
	{ "queues_share_the_rate", queues_share_the_rate },
	{ "what_is_sent_to_a_generator_is_counted", sent_packets_are_counted },
	{ "a_generator_takes_the_place_of_a_device", device_is_replaced },
	{ "requests_are_read", requests_are_read },
	{ "requests_are_refused_with_the_item", requests_refused },
};

int main(void)
{
	packets_start("epic-test-generate");
	return unit_main("dpdk generator", units, N(units));
}
