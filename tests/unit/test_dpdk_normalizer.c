#include <config.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>

#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WATCHED 1
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#endif

extern const struct module_ops module_normalizer;

enum { ETHERNET = 14, SECOND = 1000000000 }; /* a counter of 1 GHz */

struct config {
	struct rplan_named_value at[4];
	size_t n;
};

static void *normalizer_try(const struct config *c, struct module_error *e)
{
	struct rplan_values config = { c->at, c->n };
	struct module_spec spec = packets_spec("n", "normalizer");
	struct module_world world = *spec.world;

	world.hz = SECOND;
	spec.world = &world;
	spec.config = &config;
	return module_normalizer.open(&spec, e);
}

static void *normalizer(struct config c)
{
	struct module_error e;
	void *state = normalizer_try(&c, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static struct config with_number(const char *name, double number)
{
	return (struct config){ { packets_number(name, number) }, 1 };
}

static const struct config nothing;

static bool pool_is_full(void)
{
	return rte_mempool_avail_count(packets_pool()) == packets_pool()->size;
}

static uint8_t *bytes_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned get16(const uint8_t *at)
{
	return at[0] * 256u + at[1];
}

/* ---- sums by the book (RFC 1071), byte by byte ---- */

static uint32_t sum_add(uint32_t sum, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? at[i] : at[i] * 256u;
	return sum;
}

static unsigned sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void mend_ip(struct rte_mbuf *m)
{
	uint8_t *ip = bytes_of(m) + ETHERNET;

	put16(ip + 10, 0);
	put16(ip + 10, ~sum_end(sum_add(0, ip, (ip[0] & 15) * 4u)) & 0xffff);
}

/* Over pseudo header and content, IPv4 or IPv6 without extension headers. */
static unsigned l4_sum(const uint8_t *ip, size_t size)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t header = v4 ? (ip[0] & 15) * 4u : 40;
	uint32_t sum = sum_add(0, ip + (v4 ? 12 : 8), v4 ? 8 : 32);

	sum += ip[v4 ? 9 : 6] + (uint32_t)(size - header);
	return sum_end(sum_add(sum, ip + header, size - header));
}

/* ---- running ---- */

/* One packet; whether it goes on (it is then freed) and if not, why. */
static bool passes(void *state, struct rte_mbuf *m, enum drop_reason why)
{
	struct burst *b = packets_burst(0);
	bool passed;

	packets_run(&module_normalizer, state, b, &m, 1);
	passed = b->n == 1;
	CU_ASSERT_EQUAL(packets_dropped(b, why), !passed);
	packets_free(b);
	return passed;
}

static void refuses(struct rte_mbuf *m, enum drop_reason why)
{
	void *state = normalizer(nothing);

	CU_ASSERT_FALSE(passes(state, m, why));
	module_normalizer.close(state);
}

static void lets_through(struct rte_mbuf *m)
{
	void *state = normalizer(nothing);

	CU_ASSERT_TRUE(passes(state, m, DROP_MALFORMED));
	module_normalizer.close(state);
}

static const char letters[] = "the quick brown fox jumps over the lazy dog";

static void whole_packets_go_on_unchanged(void)
{
	static const struct made kinds[] = {
		{ .size = 200, .payload = letters },
		{ .size = 201, .payload = letters, .proto = 6, .tcp_flags = 0x18 },
		{ .size = 202, .payload = letters, .family = 6 },
		{ .size = 1514, .payload = letters, .family = 6, .proto = 6, .tcp_flags = 2 },
		{ .size = 300, .payload = letters, .vlan = 7 },
		{ .size = 100, .proto = 47 },
	};

	for (size_t i = 0; i < RTE_DIM(kinds); i++) {
		void *state = normalizer(nothing);
		struct burst *b = packets_burst(0);
		struct rte_mbuf *m = packets_make(&kinds[i]);
		uint8_t before[2048];

		memcpy(before, bytes_of(m), m->data_len);
		packets_run(&module_normalizer, state, b, &m, 1);
		CU_ASSERT_EQUAL_FATAL(b->n, 1);
		CU_ASSERT_EQUAL(b->at[0]->pkt_len, kinds[i].size);
		CU_ASSERT_EQUAL(memcmp(before, bytes_of(b->at[0]), kinds[i].size), 0);
		packets_free(b);
		module_normalizer.close(state);
	}
}

static void what_is_not_ip_goes_on(void)
{
	uint8_t arp[60] = { [12] = 8, [13] = 6 };

	lets_through(packets_raw(arp, sizeof(arp)));
}

static void frames_without_a_header_are_malformed(void)
{
	uint8_t bytes[20] = { [12] = 8, [13] = 0, [14] = 0x45 };

	refuses(packets_raw(bytes, 13), DROP_MALFORMED);
	refuses(packets_raw(bytes, 14), DROP_MALFORMED);
	refuses(packets_raw(bytes, 20), DROP_MALFORMED);
}

static void padding_is_cut_off(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .size = 60, .payload = letters });
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	memset(rte_pktmbuf_append(m, 9), 0xee, 9);
	packets_run(&module_normalizer, state, b, &m, 1);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_EQUAL(b->at[0]->pkt_len, 60);
	CU_ASSERT_EQUAL(packet_of(b->at[0])->dport, 2000);
	packets_free(b);
	module_normalizer.close(state);
}

/* ---- lengths and checksums ---- */

static struct rte_mbuf *changed(struct made w, unsigned offset, unsigned value, bool mended)
{
	struct rte_mbuf *m = packets_make(&w);

	put16(bytes_of(m) + offset, value);
	if (mended)
		mend_ip(m);
	return m;
}

/* A TCP header of WORDS words in a packet with 44 bytes behind the IP header; the sum is right. */
static struct rte_mbuf *offset_tcp(unsigned words)
{
	struct rte_mbuf *m =
	    packets_make(&(struct made){ .size = 78, .proto = 6, .tcp_flags = 16 });
	uint8_t *ip = bytes_of(m) + ETHERNET;

	ip[32] = (uint8_t)(words << 4);
	put16(ip + 36, 0);
	put16(ip + 36, ~l4_sum(ip, 64) & 0xffff);
	return m;
}

static void lengths_that_lie_are_malformed(void)
{
	struct made udp = { .size = 100 }, tcp = { .size = 100, .proto = 6, .tcp_flags = 16 };
	struct made six = { .size = 100, .family = 6 };

	refuses(changed(udp, 14, 0x4400, true), DROP_MALFORMED); /* IHL 4 */
	refuses(changed(udp, 14, 0x5500, true), DROP_MALFORMED); /* version 5 */
	refuses(changed(udp, 16, 87, true), DROP_MALFORMED);     /* behind the frame */
	refuses(changed(udp, 16, 19, true), DROP_MALFORMED);     /* within the header */
	refuses(changed(udp, 16, 27, true), DROP_MALFORMED);     /* within UDP's header */
	refuses(changed(udp, 38, 67, true), DROP_MALFORMED);     /* UDP's own */
	refuses(changed(udp, 38, 65, true), DROP_MALFORMED);
	refuses(changed(tcp, 46, 0x4010, true), DROP_MALFORMED); /* data offset 4 */
	refuses(changed(tcp, 46, 0xf010, true), DROP_MALFORMED); /* wrong sum as well */
	refuses(changed(tcp, 16, 39, true), DROP_MALFORMED);
	refuses(offset_tcp(15), DROP_MALFORMED);
	lets_through(offset_tcp(11));
	refuses(changed(six, 18, 47, false), DROP_MALFORMED);
	refuses(changed(six, 18, 7, false), DROP_MALFORMED);
	refuses(changed(six, 20, 0x0040, false), DROP_MALFORMED); /* options behind its end */
}

static struct rte_mbuf *icmp(int family, bool right)
{
	struct rte_mbuf *m = packets_make(
	    &(struct made){ .size = 98, .family = family, .proto = family == 4 ? 1 : 58 });
	uint8_t *ip = bytes_of(m) + ETHERNET, *at = ip + (family == 4 ? 20 : 40);
	size_t size = 98 - ETHERNET;

	at[0] = family == 4 ? 8 : 128;
	memset(at + 8, 'x', 20);
	put16(at + 2,
	      ~(family == 4 ? sum_end(sum_add(0, at, size - 20)) : l4_sum(ip, size)) & 0xffff);
	at[9] ^= right ? 0 : 1;
	return m;
}

static void wrong_checksums_are_malformed(void)
{
	struct made udp = { .size = 99, .payload = letters };
	struct made tcp = { .size = 99, .payload = letters, .proto = 6, .tcp_flags = 16 };
	struct made six = { .size = 99, .payload = letters, .family = 6 };

	refuses(changed(udp, 22, 0x3f11, false), DROP_MALFORMED); /* the TTL */
	refuses(changed(udp, 60, 0x1234, false), DROP_MALFORMED);
	refuses(changed(udp, 98 - 1, 0x1234, false), DROP_MALFORMED); /* odd end */
	refuses(changed(tcp, 60, 0x1234, false), DROP_MALFORMED);
	refuses(changed(six, 70, 0x1234, false), DROP_MALFORMED);
	six.proto = 6;
	six.tcp_flags = 16;
	refuses(changed(six, 80, 0x1234, false), DROP_MALFORMED);
	refuses(icmp(4, false), DROP_MALFORMED);
	refuses(icmp(6, false), DROP_MALFORMED);
	lets_through(icmp(4, true));
	lets_through(icmp(6, true));
}

static void udp_without_checksum_is_for_ipv4(void)
{
	lets_through(changed((struct made){ .size = 80 }, 40, 0, false));
	refuses(changed((struct made){ .size = 80, .family = 6 }, 60, 0, false), DROP_MALFORMED);
}

static void impossible_flags_are_refused(void)
{
	for (unsigned family = 4; family <= 6; family += 2)
		for (unsigned flags = 0; flags < 256; flags++) {
			bool bad = !(flags & 0x3f) || (flags & 2 && flags & 5);
			struct rte_mbuf *m =
			    packets_make(&(struct made){ .size = 80,
							 .family = (int)family,
							 .proto = 6,
							 .tcp_flags = (uint8_t)flags });

			if (bad)
				refuses(m, DROP_REFUSED);
			else
				lets_through(m);
		}
}

static void a_low_ttl_is_refused(void)
{
	void *state = normalizer(with_number("minimum-ttl", 5));

	for (int family = 4; family <= 6; family += 2) {
		struct made w = { .ttl = 4, .family = family, .size = 80 };

		CU_ASSERT_FALSE(passes(state, packets_make(&w), DROP_REFUSED));
		w.ttl = 5;
		CU_ASSERT_TRUE(passes(state, packets_make(&w), DROP_REFUSED));
	}
	module_normalizer.close(state);
}

/* ---- options and extension headers ---- */

/* With SIZE more bytes in front. */
static uint8_t *widened(struct rte_mbuf *m, unsigned size)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(rte_pktmbuf_prepend(m, (uint16_t)size));
	return bytes_of(m);
}

/* A UDP packet with 8 bytes of options. */
static struct rte_mbuf *optioned(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .size = 90, .payload = letters });
	uint8_t *frame = widened(m, 8), *ip = frame + ETHERNET;

	memmove(frame, frame + 8, ETHERNET + 20);
	memcpy(ip + 20, "\x94\x04\0\0\1\1\1\0", 8);
	ip[0] = 0x47;
	put16(ip + 2, 90 + 8 - ETHERNET);
	mend_ip(m);
	packet_parse(m);
	return m;
}

static void options_are_stripped_on_request_only(void)
{
	struct config yes = { { packets_text("strip-options", "yes") }, 1 };
	void *keeps = normalizer(nothing), *strips = normalizer(yes);
	struct rte_mbuf *m = optioned(),
			*plain = packets_make(&(struct made){ .size = 90, .payload = letters });
	struct burst *b = packets_burst(0);

	packets_run(&module_normalizer, keeps, b, &m, 1);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_EQUAL(b->at[0]->pkt_len, 98);
	module_normalizer.run(strips, b);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_EQUAL(b->at[0]->pkt_len, 90);
	CU_ASSERT_EQUAL(memcmp(bytes_of(b->at[0]), bytes_of(plain), 90), 0);
	CU_ASSERT_EQUAL(packet_of(b->at[0])->l4, 34);
	rte_pktmbuf_free(plain);
	packets_free(b);
	module_normalizer.close(keeps);
	module_normalizer.close(strips);
}

/* Puts headers of 8 bytes each, of the given types, between IPv6 and UDP. */
static struct rte_mbuf *extended(const uint8_t *types, unsigned n, bool right)
{
	struct rte_mbuf *m =
	    packets_make(&(struct made){ .size = 100, .family = 6, .payload = letters });
	uint8_t *frame = widened(m, 8 * n);

	memmove(frame, frame + 8 * n, 54);
	frame[20] = types[0];
	put16(frame + 18, 46 + 8 * n);
	for (unsigned i = 0; i < n; i++) {
		memset(frame + 54 + 8 * i, 0, 8);
		frame[54 + 8 * i] = i + 1 < n ? types[i + 1] : 17;
	}
	frame[54 + 8 * n + 12] ^= right ? 0 : 1;
	packet_parse(m);
	return m;
}

static void what_follows_extension_headers_is_checked(void)
{
	static const uint8_t types[10] = { 0, 60, 43, 60, 60, 60, 60, 60, 60, 60 };

	for (unsigned n = 1; n <= 8; n++) {
		lets_through(extended(types, n, true));
		refuses(extended(types, n, false), DROP_MALFORMED);
	}
	refuses(extended(types, 9, true), DROP_REFUSED);
}

/* ---- fragments ---- */

/* Bytes FROM to TO behind the IP header of WHOLE, as a fragment. */
static struct rte_mbuf *fragment(struct rte_mbuf *whole, unsigned from, unsigned to, bool more)
{
	uint8_t bytes[4096], *ip = bytes + ETHERNET;
	bool v4 = bytes_of(whole)[ETHERNET] >> 4 == 4;
	unsigned head = v4 ? 34 : 54, extra = v4 ? 0 : 8;
	struct rte_mbuf *m;

	memcpy(bytes, bytes_of(whole), head);
	if (v4) {
		put16(ip + 2, 20 + to - from);
		put16(ip + 6, from / 8 | (more ? 0x2000 : 0));
	} else {
		memcpy(bytes + head, (uint8_t[]){ ip[6], 0, 0, 0, 1, 2, 3, 4 }, 8);
		put16(bytes + head + 2, from | more);
		ip[6] = 44;
		put16(ip + 4, 8 + to - from);
	}
	memcpy(bytes + head + extra, bytes_of(whole) + head + from, to - from);
	m = packets_raw(bytes, head + extra + to - from);
	if (v4)
		mend_ip(m);
	packet_parse(m);
	return m;
}

static struct rte_mbuf *whole(int family, uint16_t size, uint16_t id)
{
	struct rte_mbuf *m =
	    packets_make(&(struct made){ .family = family, .size = size, .payload = letters });

	if (family == 4) {
		put16(bytes_of(m) + ETHERNET + 4, id);
		mend_ip(m);
	}
	return m;
}

static bool same(struct rte_mbuf *x, struct rte_mbuf *y)
{
	return x->nb_segs == 1 && x->pkt_len == y->pkt_len && x->data_len == y->data_len &&
	       !memcmp(bytes_of(x), bytes_of(y), x->pkt_len);
}

/* In each order, in one burst or one by one. */
static void come_in_order(int family, const unsigned *order, bool together)
{
	struct rte_mbuf *all = whole(family, 1000, 9), *m[3];
	unsigned end = 1000 - (family == 4 ? 34 : 54);
	struct rte_mbuf *cut[3] = { fragment(all, 0, 400, true), fragment(all, 400, 408, true),
				    fragment(all, 408, end, false) };
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	for (unsigned i = 0; i < 3; i++) {
		m[i] = cut[order[i]];
		packet_of(m[i])->arrived = 100 + order[i];
	}
	if (together)
		packets_run(&module_normalizer, state, b, m, 3);
	for (unsigned i = 0; !together && i < 3; i++) {
		CU_ASSERT_EQUAL(b->n, 0);
		CU_ASSERT_EQUAL(packets_held(b), i);
		packets_run(&module_normalizer, state, b, &m[i], 1);
	}
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_TRUE(same(b->at[0], all));
	CU_ASSERT_EQUAL(packet_of(b->at[0])->dport, 2000);
	CU_ASSERT_EQUAL(packet_of(b->at[0])->arrived, 100);
	CU_ASSERT_EQUAL(packets_held(b), 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_MERGED), 2);
	CU_ASSERT_EQUAL(module_normalizer.due(state), UINT64_MAX);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
}

static void fragments_become_the_packet_in_whatever_order(void)
{
	static const unsigned orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					       { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 4; k++)
			come_in_order(k & 1 ? 4 : 6, orders[i], k & 2);
	CU_ASSERT_TRUE(pool_is_full());
}

/* Fragments as {from, to, more}; the counts that are then right. */
struct pieces {
	unsigned n, at[4][3];
	unsigned on, refused, malformed, merged, held;
};

static void come_as(int family, const struct pieces *p)
{
	struct rte_mbuf *all = whole(family, 1000, 9);
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	for (unsigned i = 0; i < p->n; i++) {
		struct rte_mbuf *m = fragment(all, p->at[i][0], p->at[i][1], p->at[i][2]);

		CU_ASSERT_EQUAL(b->n, 0);
		packets_run(&module_normalizer, state, b, &m, 1);
	}
	CU_ASSERT_EQUAL(b->n, p->on);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), p->refused);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_MALFORMED), p->malformed);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_MERGED), p->merged);
	CU_ASSERT_EQUAL(packets_held(b), p->held);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

static void of_overlapping_fragments_nothing_is_left(void)
{
	static const struct pieces all[] = {
		/* the last byte of one is the first of the next */
		{ 3, { { 0, 400, 1 }, { 392, 800, 1 }, { 800, 900, 0 } }, 0, 3, 0, 0, 0 },
		/* within another */
		{ 3, { { 0, 400, 1 }, { 80, 160, 1 }, { 400, 900, 0 } }, 0, 3, 0, 0, 0 },
		/* round another */
		{ 2, { { 80, 160, 1 }, { 0, 400, 1 } }, 0, 2, 0, 0, 0 },
		/* something behind the end, before and after it is known */
		{ 2, { { 800, 880, 1 }, { 400, 480, 0 } }, 0, 2, 0, 0, 0 },
		{ 2, { { 400, 480, 0 }, { 800, 880, 1 } }, 0, 2, 0, 0, 0 },
		/* what comes once it was refused */
		{ 4,
		  { { 0, 400, 1 }, { 80, 160, 1 }, { 0, 400, 1 }, { 400, 900, 0 } },
		  0,
		  4,
		  0,
		  0,
		  0 },
		/* lengths that are no multiples of 8 */
		{ 2, { { 0, 401, 1 }, { 400, 900, 0 } }, 0, 0, 1, 0, 1 },
	};

	for (size_t i = 0; i < RTE_DIM(all); i++) {
		come_as(4, &all[i]);
		come_as(6, &all[i]);
	}
}

static void a_second_end_is_refused(void)
{
	static const struct pieces ends = {
		2, { { 400, 900, 0 }, { 408, 800, 0 } }, 0, 2, 0, 0, 0
	};

	come_as(4, &ends);
	come_as(6, &ends);
}

static void a_fragment_that_comes_twice_does_no_harm(void)
{
	static const struct pieces four = {
		4, { { 0, 400, 1 }, { 0, 400, 1 }, { 400, 800, 1 }, { 800, 966, 0 } }, 1, 1, 0, 2, 0
	};
	static const struct pieces six = {
		4, { { 0, 400, 1 }, { 0, 400, 1 }, { 400, 800, 1 }, { 800, 946, 0 } }, 1, 1, 0, 2, 0
	};

	come_as(4, &four);
	come_as(6, &six);
}

static void a_fragment_that_comes_twice_but_differs_is_an_overlap(void)
{
	struct rte_mbuf *all = whole(4, 1000, 9), *m[3];
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	m[0] = fragment(all, 0, 400, true);
	m[1] = fragment(all, 0, 400, true);
	m[2] = fragment(all, 400, 966, false);
	bytes_of(m[1])[60] ^= 1;
	packets_run(&module_normalizer, state, b, m, 3);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), 3);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
}

static void an_atomic_fragment_is_a_packet(void)
{
	struct rte_mbuf *all = whole(6, 300, 0), *m = fragment(all, 0, 246, false);
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	packets_run(&module_normalizer, state, b, &m, 1);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_TRUE(same(b->at[0], all));
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
}

static void what_was_reassembled_is_checked(void)
{
	struct rte_mbuf *all = whole(4, 1000, 9), *m[2];
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	bytes_of(all)[700] ^= 1;
	m[0] = fragment(all, 0, 400, true);
	m[1] = fragment(all, 400, 966, false);
	packets_run(&module_normalizer, state, b, m, 2);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_MERGED), 1);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_MALFORMED), 1);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
}

/* Same addresses and id, but UDP and TCP; as RFC 791 has it, two packets. */
static void the_protocol_tells_fragments_apart(void)
{
	struct rte_mbuf *udp = whole(4, 1000, 9), *tcp = packets_make(&(struct made){
						      .proto = 6, .tcp_flags = 16, .size = 1000 });
	struct rte_mbuf *m[4];
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	put16(bytes_of(tcp) + ETHERNET + 4, 9);
	mend_ip(tcp);
	m[0] = fragment(udp, 0, 400, true);
	m[1] = fragment(tcp, 0, 400, true);
	m[2] = fragment(udp, 400, 966, false);
	m[3] = fragment(tcp, 400, 966, false);
	packets_run(&module_normalizer, state, b, m, 4);
	CU_ASSERT_EQUAL_FATAL(b->n, 2);
	CU_ASSERT_TRUE(same(b->at[0], udp));
	CU_ASSERT_TRUE(same(b->at[1], tcp));
	rte_pktmbuf_free(udp);
	rte_pktmbuf_free(tcp);
	packets_free(b);
	module_normalizer.close(state);
}

static void fragments_that_wait_too_long_expire(void)
{
	struct rte_mbuf *one = whole(4, 1000, 1), *two = whole(4, 1000, 2), *m;
	void *state = normalizer(with_number("timeout", 0.5 * SECOND));
	struct burst *b = packets_burst(1000);

	m = fragment(one, 0, 400, true);
	packets_run(&module_normalizer, state, b, &m, 1);
	b->now = 2000;
	m = fragment(two, 0, 400, true);
	packets_run(&module_normalizer, state, b, &m, 1);
	CU_ASSERT_EQUAL(module_normalizer.due(state), 1000 + SECOND / 2);
	b->now = 1000 + SECOND / 2 - 1;
	module_normalizer.release(state, b);
	CU_ASSERT_EQUAL(packets_held(b), 2);
	b->now++;
	module_normalizer.release(state, b);
	CU_ASSERT_EQUAL(packets_held(b), 1);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_EXPIRED), 1);
	CU_ASSERT_EQUAL(module_normalizer.due(state), 2000 + SECOND / 2);
	b->now += 1000; /* the rest comes too late, and waits for itself */
	m = fragment(two, 400, 966, false);
	packets_run(&module_normalizer, state, b, &m, 1);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_EXPIRED), 2);
	CU_ASSERT_EQUAL(packets_held(b), 1);
	rte_pktmbuf_free(one);
	rte_pktmbuf_free(two);
	packets_free(b);
	module_normalizer.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

static void a_full_table_takes_no_more(void)
{
	void *state = normalizer(with_number("fragments", 10));
	struct burst *b = packets_burst(0);

	for (uint16_t id = 1; id <= 12; id++) {
		struct rte_mbuf *all = whole(4, 1000, id), *m = fragment(all, 0, 400, true);

		rte_pktmbuf_free(all);
		packets_run(&module_normalizer, state, b, &m, 1);
	}
	CU_ASSERT_EQUAL(packets_held(b), 10);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_FULL), 2);
	packets_free(b);
	module_normalizer.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

static void a_packet_that_fits_no_mbuf_is_refused(void)
{
	struct rte_mbuf *all = whole(4, 1500, 9), *m[3];
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	m[0] = fragment(all, 0, 1400, true);
	m[1] = fragment(all, 0, 800, false);
	put16(bytes_of(m[1]) + ETHERNET + 6, 1400 / 8);
	mend_ip(m[1]);
	m[2] = fragment(all, 0, 1400, true);
	put16(bytes_of(m[2]) + ETHERNET + 6, 0x2000 | 2800 / 8);
	mend_ip(m[2]);
	packets_run(&module_normalizer, state, b, m, 2);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), 2);
	packets_run(&module_normalizer, state, b, m + 2, 1);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), 3);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
	CU_ASSERT_TRUE(pool_is_full());
}

static void more_than_64_fragments_are_refused(void)
{
	struct rte_mbuf *all = whole(4, 1000, 9);
	void *state = normalizer(nothing);
	struct burst *b = packets_burst(0);

	for (unsigned i = 0; i < 65; i++) {
		struct rte_mbuf *m = fragment(all, 8 * i, 8 * i + 8, true);

		packets_run(&module_normalizer, state, b, &m, 1);
		CU_ASSERT_EQUAL(packets_held(b), i < 64 ? i + 1 : 0);
	}
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), 65);
	rte_pktmbuf_free(all);
	packets_free(b);
	module_normalizer.close(state);
}

static void fragments_survive_a_new_plan_of(double old_room, double new_room)
{
	void *old = normalizer(with_number("fragments", old_room));
	void *new = normalizer(with_number("fragments", new_room));
	struct rte_mbuf *all[4], *m;
	struct burst *b = packets_burst(0);

	for (uint16_t i = 0; i < 4; i++) {
		all[i] = whole(4, 1000, i);
		m = fragment(all[i], 400, 966, false);
		packets_run(&module_normalizer, old, b, &m, 1);
		m = fragment(all[i], 0, 200, true);
		packets_run(&module_normalizer, old, b, &m, 1);
	}
	module_normalizer.adopt(new, old);
	module_normalizer.close(old);
	CU_ASSERT_EQUAL(module_normalizer.due(new), SECOND);
	CU_ASSERT_EQUAL(packets_held(b), 8);
	for (uint16_t i = 0; i < 4; i++) {
		m = fragment(all[i], 200, 400, true);
		packets_run(&module_normalizer, new, b, &m, 1);
		if (new_room < 8) {
			CU_ASSERT_EQUAL(packets_dropped(b, DROP_FULL), i + 1u);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(b->n, 1);
		CU_ASSERT_TRUE(same(b->at[0], all[i]));
		rte_pktmbuf_free(b->at[0]);
		b->n = 0;
	}
	rte_pktmbuf_free_bulk(all, 4);
	packets_free(b);
	module_normalizer.close(new);
	CU_ASSERT_TRUE(pool_is_full());
}

static void fragments_survive_a_new_plan(void)
{
	fragments_survive_a_new_plan_of(16, 16);
	fragments_survive_a_new_plan_of(16, 1000);
	fragments_survive_a_new_plan_of(1000, 16);
	fragments_survive_a_new_plan_of(16, 2);
}

static void wrong_configuration_is_refused(void)
{
	static const char *const names[] = { "fragments", "timeout", "minimum-ttl",
					     "strip-options" };
	struct module_error e;

	for (size_t i = 0; i < 4; i++) {
		struct config c = with_number(names[i], -1);

		CU_ASSERT_PTR_NULL(normalizer_try(&c, &e));
		CU_ASSERT_EQUAL(strncmp(e.text, names[i], strlen(names[i])), 0);
		c.at[0] = packets_text(names[i], "maybe");
		CU_ASSERT_PTR_NULL(normalizer_try(&c, &e));
	}
}

/* ---- chance ---- */

/* Whether a sanitizer sees reads of bytes that are not the packet's. */
static void watch(struct rte_mbuf *m, bool on)
{
#ifdef WATCHED
	uint8_t *begin = m->buf_addr, *data = bytes_of(m);

	if (on) {
		__asan_poison_memory_region(begin, (size_t)(data - begin));
		__asan_poison_memory_region(data + m->data_len, rte_pktmbuf_tailroom(m));
	} else {
		__asan_unpoison_memory_region(begin, m->buf_len);
	}
#else
	(void)m, (void)on;
#endif
}

/* What is let through holds what the module promises. */
static void is_normal(struct rte_mbuf *m)
{
	const uint8_t *frame = bytes_of(m), *ip = frame + packet_of(m)->l3;
	unsigned type = packet_of(m)->eth_type, size = m->data_len - packet_of(m)->l3;

	CU_ASSERT_EQUAL(m->nb_segs, 1);
	if (type == 0x0800) {
		CU_ASSERT_EQUAL(get16(ip + 2), size);
		CU_ASSERT_EQUAL(sum_end(sum_add(0, ip, (ip[0] & 15) * 4u)), 0xffff);
		CU_ASSERT_EQUAL(get16(ip + 6) & 0x3fff, 0);
		if (ip[9] == 6)
			CU_ASSERT_EQUAL(l4_sum(ip, size), 0xffff);
	} else if (type == 0x86dd) {
		CU_ASSERT_EQUAL(get16(ip + 4) + 40u, size);
		CU_ASSERT_NOT_EQUAL(ip[6], 44);
		if (ip[6] == 6 || ip[6] == 17)
			CU_ASSERT_EQUAL(l4_sum(ip, size), 0xffff);
	}
}

static struct rte_mbuf *random_packet(unsigned i, bool fragments)
{
	struct made w = { .family = rand() % 2 ? 4 : 6,
			  .proto = rand() % 2 ? 6 : 17,
			  .size = (uint16_t)(80 + rand() % 300),
			  .tcp_flags = 16,
			  .vlan = rand() % 4 ? 0 : 5,
			  .payload = letters };
	struct rte_mbuf *all, *m;
	unsigned size, from;

	if (!fragments) {
		m = packets_make(&w);
		if (w.family == 4 && !w.vlan) { /* so that no two are fragments of one */
			put16(bytes_of(m) + ETHERNET + 4, i);
			mend_ip(m);
		}
		return m;
	}
	all = whole(w.family, w.size, (uint16_t)(rand() % 40));
	size = all->data_len - (w.family == 4 ? 34u : 54u);
	from = (unsigned)rand() % (size / 8) * 8;
	m = rand() % 3 ? fragment(all, from, size, false)
	    : from     ? fragment(all, 0, from, true)
		       : fragment(all, 8, 16, true);
	rte_pktmbuf_free(all);
	return m;
}

/* Makes length and checksums right as far as the headers are there, so that it is what lies behind
 * them that is judged. */
static void mend(struct rte_mbuf *m)
{
	uint8_t *ip = bytes_of(m) + ETHERNET, *at;
	unsigned size = m->data_len - ETHERNET, header, offset;
	bool v4 = ip[0] >> 4 == 4;

	header = v4 ? (ip[0] & 15) * 4u : 40;
	if (size < header || header < 20)
		return;
	put16(ip + (v4 ? 2 : 4), v4 ? size : size - 40);
	if (v4)
		mend_ip(m);
	offset = header + (ip[v4 ? 9 : 6] == 6 ? 16 : 6);
	if (size < offset + 2)
		return;
	at = ip + offset;
	put16(at, 0);
	put16(at, ~l4_sum(ip, size) & 0xffff);
}

/* Changes some bytes, the length, the protocol; then perhaps lengths and sums are put right. */
static void mutate(struct rte_mbuf *m)
{
	static const uint8_t protocols[] = { 0, 43, 44, 51, 60, 1, 6, 17, 58 };
	unsigned n = (unsigned)rand() % 4;
	uint8_t *frame = bytes_of(m);

	for (unsigned i = 0; i < n; i++)
		frame[(unsigned)rand() % (rand() % 2 ? 64 : m->data_len)] ^=
		    (uint8_t)(rand() % 3 ? 1 << rand() % 8 : rand());
	if (rand() % 8 == 0)
		frame[ETHERNET + (frame[ETHERNET] >> 4 == 4 ? 9 : 6)] =
		    protocols[(size_t)rand() % sizeof(protocols)];
	if (rand() % 6 == 0)
		rte_pktmbuf_trim(m, (uint16_t)(rand() % m->data_len));
	else if (rand() % 6 == 0)
		rte_pktmbuf_trim(m, (uint16_t)(m->data_len - ETHERNET - 20 - rand() % 40));
	if (rand() % 2 && m->data_len >= ETHERNET + 20)
		mend(m);
	packet_parse(m);
}

static unsigned scaled(unsigned n)
{
	const char *scale = getenv("EPIC_TEST_SCALE");

	return scale && atoi(scale) > 1 ? n / (unsigned)atoi(scale) : n;
}

static uint64_t all_dropped(const struct burst *b)
{
	uint64_t n = 0;

	for (unsigned why = 0; why < N_DROP_REASONS; why++)
		n += packets_dropped(b, why);
	return n;
}

static void mutated_packets_are_counted(bool fragments, bool watched, const struct config *c)
{
	void *state = normalizer(*c);
	struct burst *b = packets_burst(0);
	uint64_t in = 0, out = 0;

	for (unsigned round = 0; round < scaled(50000) / BURST; round++) {
		struct rte_mbuf *m[BURST];
		unsigned n = 1 + (unsigned)rand() % BURST;

		b->now += (uint64_t)(rand() % (SECOND / 8));
		for (unsigned i = 0; i < n; i++) {
			m[i] = random_packet((unsigned)in++, fragments);
			mutate(m[i]);
			if (watched)
				watch(m[i], true);
		}
		packets_run(&module_normalizer, state, b, m, n);
		for (unsigned i = 0; watched && i < n; i++)
			watch(m[i], false);
		for (unsigned i = 0; i < b->n; i++)
			is_normal(b->at[i]);
		out += b->n;
		rte_pktmbuf_free_bulk(b->at, b->n);
		b->n = 0;
		CU_ASSERT_EQUAL(in, out + packets_held(b) + all_dropped(b));
	}
	CU_ASSERT(out > in / 50 && out < in);
	b->now += 100ull * SECOND;
	module_normalizer.release(state, b);
	CU_ASSERT_EQUAL(packets_held(b), 0);
	CU_ASSERT_EQUAL(in, out + all_dropped(b));
	CU_ASSERT_EQUAL(module_normalizer.due(state), UINT64_MAX);
	module_normalizer.close(state);
	packets_free(b);
	CU_ASSERT_TRUE(pool_is_full());
}

static void mutated_packets_are_let_through_right_or_not_at_all(void)
{
	struct config strips = { { packets_text("strip-options", "yes") }, 1 };

	srand(2);
	mutated_packets_are_counted(false, true, &nothing);
	mutated_packets_are_counted(false, true, &strips);
}

static void no_mutated_fragment_is_lost(void)
{
	struct config few = with_number("fragments", 20);

	srand(3);
	mutated_packets_are_counted(true, false, &nothing);
	mutated_packets_are_counted(true, false, &few);
}

int main(void)
{
	static const struct unit units[] = {
		{ "whole_packets_go_on_unchanged", whole_packets_go_on_unchanged },
		{ "what_is_not_ip_goes_on", what_is_not_ip_goes_on },
		{ "frames_without_a_header_are_malformed", frames_without_a_header_are_malformed },
		{ "padding_is_cut_off", padding_is_cut_off },
		{ "lengths_that_lie_are_malformed", lengths_that_lie_are_malformed },
		{ "wrong_checksums_are_malformed", wrong_checksums_are_malformed },
		{ "udp_without_checksum_is_for_ipv4", udp_without_checksum_is_for_ipv4 },
		{ "impossible_flags_are_refused", impossible_flags_are_refused },
		{ "a_low_ttl_is_refused", a_low_ttl_is_refused },
		{ "options_are_stripped_on_request_only", options_are_stripped_on_request_only },
		{ "what_follows_extension_headers_is_checked",
		  what_follows_extension_headers_is_checked },
		{ "fragments_become_the_packet_in_whatever_order",
		  fragments_become_the_packet_in_whatever_order },
		{ "of_overlapping_fragments_nothing_is_left",
		  of_overlapping_fragments_nothing_is_left },
		{ "a_second_end_is_refused", a_second_end_is_refused },
		{ "a_fragment_that_comes_twice_does_no_harm",
		  a_fragment_that_comes_twice_does_no_harm },
		{ "a_fragment_that_comes_twice_but_differs_is_an_overlap",
		  a_fragment_that_comes_twice_but_differs_is_an_overlap },
		{ "an_atomic_fragment_is_a_packet", an_atomic_fragment_is_a_packet },
		{ "what_was_reassembled_is_checked", what_was_reassembled_is_checked },
		{ "the_protocol_tells_fragments_apart", the_protocol_tells_fragments_apart },
		{ "fragments_that_wait_too_long_expire", fragments_that_wait_too_long_expire },
		{ "a_full_table_takes_no_more", a_full_table_takes_no_more },
		{ "a_packet_that_fits_no_mbuf_is_refused", a_packet_that_fits_no_mbuf_is_refused },
		{ "more_than_64_fragments_are_refused", more_than_64_fragments_are_refused },
		{ "fragments_survive_a_new_plan", fragments_survive_a_new_plan },
		{ "wrong_configuration_is_refused", wrong_configuration_is_refused },
		{ "mutated_packets_are_let_through_right_or_not_at_all",
		  mutated_packets_are_let_through_right_or_not_at_all },
		{ "no_mutated_fragment_is_lost", no_mutated_fragment_is_lost },
	};

	packets_start("epic-normalizer");
	return unit_main("dpdk_normalizer", units, sizeof(units) / sizeof(*units));
}
