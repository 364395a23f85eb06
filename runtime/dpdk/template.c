#include <config.h>

#include "runtime/dpdk/template.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

enum { TRIES = 64 };

/* The bytes of a packet in the making. */
struct maker {
	uint8_t *at;
	size_t n;            /* bytes so far */
	size_t l3, l4, size; /* size: of the whole frame */
	const struct packet *p;
};

/* ---- what the filter leaves open ---- */

/* Mostly plain UDP; later tries look elsewhere, should a filter's sample not tell all of it. */
static void draw_kind(struct packet *p, unsigned try)
{
	static const uint8_t protos[] = { IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_GRE };

	p->proto = try < TRIES / 4 ? IPPROTO_UDP : protos[try % 4];
	p->present = PACKET_ETH | (try < TRIES / 2 || try % 8 < 4 ? PACKET_IP4 : PACKET_IP6);
	p->eth_type = p->present & PACKET_IP4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	if (p->proto == IPPROTO_UDP || p->proto == IPPROTO_TCP)
		p->present |= PACKET_L4;
	if (p->proto == IPPROTO_TCP)
		p->present |= PACKET_TCP;
	if (p->proto == IPPROTO_ICMP)
		p->present |= PACKET_ICMP;
}

static void draw_addresses(struct packet *p, uint64_t random)
{
	uint32_t low = (uint32_t)random, high = (uint32_t)(random >> 32);

	if (p->present & PACKET_IP4) {
		p->src[3] = 10u << 24 | (low & 0xffffff);
		p->dst[3] = 198u << 24 | 18u << 16 | (high & 0x1ffff);
		return;
	}
	p->src[0] = p->dst[0] = 0x20010db8;
	p->dst[1] = 1;
	p->src[3] = low;
	p->dst[3] = high;
}

static void draw(struct packet *p, unsigned try, uint64_t *seed, uint16_t device)
{
	uint64_t random = template_random(seed);

	*p = (struct packet){ .device = device, .ttl = 64 };
	draw_kind(p, try);
	draw_addresses(p, template_random(seed));
	p->eth_src = 0x020000000000 | (random & 0xffff);
	p->eth_dst = 0x020000010000 | (random >> 16 & 0xffff);
	if (p->present & PACKET_L4) {
		p->sport = (uint16_t)(1024 + (random >> 32) % 64512);
		p->dport = (uint16_t)(1024 + (random >> 48) % 64512);
	}
	p->tcp_flags = p->present & PACKET_TCP ? RTE_TCP_ACK_FLAG : 0;
	p->icmp_type = p->present & PACKET_ICMP ? RTE_IP_ICMP_ECHO_REQUEST : 0;
	for (unsigned i = 0; i < PACKET_TAGS; i++)
		p->tags[i] = PACKET_NO_TAG;
}

/* ---- sizes ---- */

static bool is_ip(const struct packet *p)
{
	return p->present & PACKET_IP;
}

static size_t l3_size(const struct packet *p)
{
	if (p->present & PACKET_IP4)
		return sizeof(struct rte_ipv4_hdr);
	if (p->present & PACKET_IP6)
		return sizeof(struct rte_ipv6_hdr) + (p->frag ? 8 : 0);
	return 0;
}

static size_t l4_size(const struct packet *p)
{
	if (!is_ip(p) || p->frag)
		return 0;
	switch (p->proto) {
	case IPPROTO_TCP:
		return sizeof(struct rte_tcp_hdr);
	case IPPROTO_UDP:
		return sizeof(struct rte_udp_hdr);
	case IPPROTO_SCTP:
		return sizeof(struct rte_sctp_hdr);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sizeof(struct rte_icmp_hdr);
	default:
		return 0;
	}
}

/* ---- bytes ---- */

static void put(struct maker *k, const void *bytes, size_t size)
{
	memcpy(k->at + k->n, bytes, size);
	k->n += size;
}

static void put16(struct maker *k, uint16_t value)
{
	value = rte_cpu_to_be_16(value);
	put(k, &value, sizeof(value));
}

static void put_mac(struct maker *k, uint64_t mac)
{
	put16(k, (uint16_t)(mac >> 32));
	put16(k, (uint16_t)(mac >> 16));
	put16(k, (uint16_t)mac);
}

static void put_ethernet(struct maker *k)
{
	uint16_t type = k->p->present & PACKET_IP4   ? RTE_ETHER_TYPE_IPV4
			: k->p->present & PACKET_IP6 ? RTE_ETHER_TYPE_IPV6
						     : k->p->eth_type;

	put_mac(k, k->p->eth_dst);
	put_mac(k, k->p->eth_src);
	if (k->p->present & PACKET_VLAN) {
		put16(k, RTE_ETHER_TYPE_VLAN);
		put16(k, k->p->vlan);
	}
	put16(k, type);
}

static void put_ip4(struct maker *k)
{
	const struct packet *p = k->p;
	struct rte_ipv4_hdr h = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = (uint8_t)(p->dscp << 2),
		.total_length = rte_cpu_to_be_16((uint16_t)(k->size - k->n)),
		.fragment_offset = rte_cpu_to_be_16(p->frag ? 185 : RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = p->ttl,
		.next_proto_id = p->proto,
		.src_addr = rte_cpu_to_be_32(p->src[3]),
		.dst_addr = rte_cpu_to_be_32(p->dst[3]),
	};

	h.hdr_checksum = rte_ipv4_cksum(&h);
	put(k, &h, sizeof(h));
}

static void put_ip6(struct maker *k)
{
	const struct packet *p = k->p;
	struct rte_ipv6_hdr h = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)p->dscp << 22),
		.payload_len = rte_cpu_to_be_16((uint16_t)(k->size - k->n - sizeof(h))),
		.proto = p->frag ? IPPROTO_FRAGMENT : p->proto,
		.hop_limits = p->ttl,
	};
	const uint8_t fragment[8] = { p->proto, 0, 185 >> 5, (185 << 3) & 0xff, 0, 0, 0, 1 };

	for (unsigned i = 0; i < 4; i++) {
		uint32_t src = rte_cpu_to_be_32(p->src[i]), dst = rte_cpu_to_be_32(p->dst[i]);

		memcpy(h.src_addr + 4 * i, &src, sizeof(src));
		memcpy(h.dst_addr + 4 * i, &dst, sizeof(dst));
	}
	put(k, &h, sizeof(h));
	if (p->frag)
		put(k, fragment, sizeof(fragment));
}

static void put_tcp(struct maker *k)
{
	const struct rte_tcp_hdr h = {
		.src_port = rte_cpu_to_be_16(k->p->sport),
		.dst_port = rte_cpu_to_be_16(k->p->dport),
		.sent_seq = rte_cpu_to_be_32(1),
		.data_off = sizeof(h) / 4 << 4,
		.tcp_flags = k->p->tcp_flags,
		.rx_win = rte_cpu_to_be_16(8192),
	};

	put(k, &h, sizeof(h));
}

static void put_udp(struct maker *k)
{
	const struct rte_udp_hdr h = {
		.src_port = rte_cpu_to_be_16(k->p->sport),
		.dst_port = rte_cpu_to_be_16(k->p->dport),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(k->size - k->n)),
	};

	put(k, &h, sizeof(h));
}

static void put_sctp(struct maker *k)
{
	const struct rte_sctp_hdr h = {
		.src_port = rte_cpu_to_be_16(k->p->sport),
		.dst_port = rte_cpu_to_be_16(k->p->dport),
	};

	put(k, &h, sizeof(h));
}

static void put_icmp(struct maker *k)
{
	const struct rte_icmp_hdr h = { .icmp_type = k->p->icmp_type,
					.icmp_code = k->p->icmp_code };

	put(k, &h, sizeof(h));
}

static void put_l4(struct maker *k)
{
	if (!l4_size(k->p))
		return;
	if (k->p->proto == IPPROTO_TCP)
		put_tcp(k);
	else if (k->p->proto == IPPROTO_UDP)
		put_udp(k);
	else if (k->p->proto == IPPROTO_SCTP)
		put_sctp(k);
	else
		put_icmp(k);
}

static void put_payload(struct maker *k, const char *payload)
{
	size_t length = payload ? strlen(payload) : 0;

	for (size_t i = 0; k->n < k->size; i++)
		k->at[k->n++] = length ? (uint8_t)payload[i % length] : 0;
}

/* ---- checksums ---- */

/* CRC-32C, the low bit first (RFC 9260, appendix A). */
static uint32_t crc32c(const uint8_t *bytes, size_t n)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* With the pseudo header. */
static uint16_t sum_of(const struct maker *k)
{
	const void *l3 = k->at + k->l3, *l4 = k->at + k->l4;

	return k->p->present & PACKET_IP4 ? rte_ipv4_udptcp_cksum(l3, l4)
					  : rte_ipv6_udptcp_cksum(l3, l4);
}

static void put_sum(struct maker *k, size_t offset, uint16_t sum)
{
	memcpy(k->at + k->l4 + offset, &sum, sizeof(sum));
}

static void put_checksum(struct maker *k)
{
	uint8_t *l4 = k->at + k->l4;
	uint32_t crc;

	if (!l4_size(k->p))
		return;
	if (k->p->proto == IPPROTO_TCP) {
		put_sum(k, offsetof(struct rte_tcp_hdr, cksum), sum_of(k));
	} else if (k->p->proto == IPPROTO_UDP) {
		put_sum(k, offsetof(struct rte_udp_hdr, dgram_cksum), sum_of(k));
	} else if (k->p->proto == IPPROTO_SCTP) {
		crc = rte_cpu_to_le_32(crc32c(l4, k->size - k->l4));
		memcpy(l4 + offsetof(struct rte_sctp_hdr, cksum), &crc, sizeof(crc));
	} else if (k->p->proto == IPPROTO_ICMPV6 && k->p->present & PACKET_IP6) {
		put_sum(k, offsetof(struct rte_icmp_hdr, icmp_cksum), sum_of(k));
	} else {
		put_sum(k, offsetof(struct rte_icmp_hdr, icmp_cksum),
			(uint16_t)~rte_raw_cksum(l4, k->size - k->l4));
	}
}

/* ---- the whole ---- */

/* False: M is too small. */
static bool write_packet(struct rte_mbuf *m, const struct packet *p,
			 const struct template_wish *wish)
{
	size_t l3 = RTE_ETHER_HDR_LEN + (p->present & PACKET_VLAN ? 4 : 0);
	size_t l4 = l3 + l3_size(p), least = l4 + l4_size(p);
	struct maker k = { .l3 = l3, .l4 = l4, .p = p };

	k.size = wish->bytes > least ? wish->bytes : least;
	if (k.size > TEMPLATE_LONGEST || !(k.at = (void *)rte_pktmbuf_append(m, (uint16_t)k.size)))
		return false;
	put_ethernet(&k);
	if (p->present & PACKET_IP4)
		put_ip4(&k);
	else if (p->present & PACKET_IP6)
		put_ip6(&k);
	put_l4(&k);
	put_payload(&k, wish->payload);
	put_checksum(&k);
	return true;
}

static bool holds(const struct template_wish *wish, const struct packet *p)
{
	return !wish->filter || filter_holds(wish->filter, p);
}

bool template_make(struct rte_mbuf *m, const struct template_wish *wish, uint64_t *seed)
{
	for (unsigned try = 0; try < TRIES; try++) {
		struct packet p;

		draw(&p, try, seed, wish->device);
		if (wish->filter && !filter_sample(wish->filter, seed, &p))
			continue;
		rte_pktmbuf_reset(m);
		if (!write_packet(m, &p, wish))
			return false;
		packet_enter(m, wish->device, 0);
		if (holds(wish, packet_of(m)))
			return true;
	}
	return false;
}
