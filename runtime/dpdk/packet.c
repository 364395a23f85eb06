#include <config.h>

#include "runtime/dpdk/packet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

enum {
	MOST_TAGS = 2,       /* VLAN tags that are skipped; vlan.id is the outer one's */
	MOST_EXTENSIONS = 8, /* IPv6 headers that are skipped */
	VLAN_RESERVED = 4095 /* no id that a network may have */
};

/* The bytes that may be read, and how far parsing has come. */
struct cursor {
	const uint8_t *bytes;
	uint32_t at, end;
	uint32_t whole; /* bytes of all segments */
};

static uint32_t read16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t read32(const uint8_t *p)
{
	return read16(p) << 16 | read16(p + 2);
}

static uint64_t read48(const uint8_t *p)
{
	return (uint64_t)read16(p) << 32 | read32(p + 2);
}

static bool has(const struct cursor *c, uint32_t size)
{
	return c->end - c->at >= size;
}

static bool is_tag(uint32_t type)
{
	return type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ;
}

static void put_vlan(struct packet *p, uint32_t id)
{
	if (id == VLAN_RESERVED)
		return;
	p->vlan = (uint16_t)id;
	p->present |= PACKET_VLAN;
}

/* False: the bytes end within a tag, so that the type behind it is not known. */
static bool parse_tags(struct cursor *c, struct packet *p, uint32_t *type)
{
	for (unsigned n = 0; n < MOST_TAGS && is_tag(*type); n++) {
		if (!has(c, 4))
			return false;
		if (!n)
			put_vlan(p, read16(c->bytes + c->at) & 0xfff);
		*type = read16(c->bytes + c->at + 2);
		c->at += 4;
	}
	return true;
}

static bool parse_ethernet(struct cursor *c, struct packet *p)
{
	uint32_t type;
	bool known;

	if (!has(c, RTE_ETHER_HDR_LEN))
		return false;
	p->eth_dst = read48(c->bytes);
	p->eth_src = read48(c->bytes + 6);
	p->present |= PACKET_ETH;
	type = read16(c->bytes + 12);
	c->at += RTE_ETHER_HDR_LEN;
	known = parse_tags(c, p, &type);
	p->eth_type = (uint16_t)type;
	if (known)
		p->l3 = (uint16_t)c->at;
	return known;
}

/* Whether an IP packet of SIZE fits into the frame; what is behind it is padding. */
static bool ends_at(struct cursor *c, uint32_t size)
{
	if (size > c->whole - c->at)
		return false;
	if (size < c->end - c->at)
		c->end = c->at + size;
	return true;
}

static bool parse_ip4(struct cursor *c, struct packet *p)
{
	const uint8_t *h = c->bytes + c->at;
	uint32_t size;

	if (!has(c, sizeof(struct rte_ipv4_hdr)) || h[0] >> 4 != 4)
		return false;
	size = (h[0] & 15u) * 4;
	if (size < sizeof(struct rte_ipv4_hdr) || read16(h + 2) < size || !has(c, size) ||
	    !ends_at(c, read16(h + 2)))
		return false;
	p->present |= PACKET_IP4;
	p->dscp = h[1] >> 2;
	p->frag = (read16(h + 6) & 0x1fff) != 0;
	p->ttl = h[8];
	p->proto = h[9];
	p->src[3] = read32(h + 12);
	p->dst[3] = read32(h + 16);
	c->at += size;
	return true;
}

/* Size of the extension header at the cursor; 0: it is none, or is cut. */
static uint32_t extension_size(const struct cursor *c, uint8_t type)
{
	uint32_t size = 8;

	if (!has(c, 8))
		return 0;
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		size += c->bytes[c->at + 1] * 8u;
		break;
	case IPPROTO_FRAGMENT:
		break;
	default:
		return 0;
	}
	return has(c, size) ? size : 0;
}

/* Behind the header of a later fragment no header can be found any more. */
static void skip_extensions(struct cursor *c, struct packet *p)
{
	for (unsigned n = 0; n < MOST_EXTENSIONS && !p->frag; n++) {
		const uint8_t *h = c->bytes + c->at;
		uint32_t size = extension_size(c, p->proto);

		if (!size)
			return;
		if (p->proto == IPPROTO_FRAGMENT)
			p->frag = (read16(h + 2) & 0xfff8) != 0;
		p->proto = h[0];
		c->at += size;
	}
}

static bool parse_ip6(struct cursor *c, struct packet *p)
{
	const uint8_t *h = c->bytes + c->at;

	if (!has(c, sizeof(struct rte_ipv6_hdr)) || h[0] >> 4 != 6 ||
	    !ends_at(c, (uint32_t)sizeof(struct rte_ipv6_hdr) + read16(h + 4)))
		return false;
	p->present |= PACKET_IP6;
	p->dscp = (uint8_t)((read16(h) >> 6) & 63);
	p->proto = h[6];
	p->ttl = h[7];
	for (unsigned i = 0; i < 4; i++) {
		p->src[i] = read32(h + 8 + 4 * i);
		p->dst[i] = read32(h + 24 + 4 * i);
	}
	c->at += sizeof(struct rte_ipv6_hdr);
	skip_extensions(c, p);
	return true;
}

static void put_ports(struct cursor *c, struct packet *p, uint32_t header)
{
	p->sport = (uint16_t)read16(c->bytes + c->at);
	p->dport = (uint16_t)read16(c->bytes + c->at + 2);
	p->present |= PACKET_L4;
	c->at += header;
}

static void parse_tcp(struct cursor *c, struct packet *p)
{
	const uint8_t *h = c->bytes + c->at;
	uint32_t size;

	if (!has(c, sizeof(struct rte_tcp_hdr)))
		return;
	size = (h[12] >> 4) * 4u;
	if (size < sizeof(struct rte_tcp_hdr))
		return;
	p->tcp_flags = h[13];
	p->present |= PACKET_TCP;
	put_ports(c, p, has(c, size) ? size : c->end - c->at);
}

static void parse_icmp(struct cursor *c, struct packet *p)
{
	if (!has(c, sizeof(struct rte_icmp_hdr)))
		return;
	p->icmp_type = c->bytes[c->at];
	p->icmp_code = c->bytes[c->at + 1];
	p->present |= PACKET_ICMP;
	c->at += sizeof(struct rte_icmp_hdr);
}

/* A header counts only if it is there in its fixed size, so that whoever sees it present may
 * write to it. */
static void parse_l4(struct cursor *c, struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		parse_tcp(c, p);
		break;
	case IPPROTO_UDP:
		if (has(c, sizeof(struct rte_udp_hdr)))
			put_ports(c, p, sizeof(struct rte_udp_hdr));
		break;
	case IPPROTO_SCTP:
		if (has(c, sizeof(struct rte_sctp_hdr)))
			put_ports(c, p, sizeof(struct rte_sctp_hdr));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		parse_icmp(c, p);
		break;
	default:
		break;
	}
}

static bool parse_ip(struct cursor *c, struct packet *p)
{
	if (p->eth_type == RTE_ETHER_TYPE_IPV4)
		return parse_ip4(c, p);
	return p->eth_type == RTE_ETHER_TYPE_IPV6 && parse_ip6(c, p);
}

/* The first cache line, which is all of what is read but the MACs, begins afresh. */
static void forget(struct packet *p, uint16_t end)
{
	struct packet kept = { .early = p->early, .device = p->device, .state = p->state };

	_Static_assert(offsetof(struct packet, eth_src) == 64, "one cache line");
	memset(p, 0, offsetof(struct packet, eth_src));
	p->early = kept.early;
	p->device = kept.device;
	p->state = kept.state;
	p->l3 = p->l4 = p->payload = end;
	p->eth_src = p->eth_dst = 0;
}

void packet_parse(struct rte_mbuf *m)
{
	struct packet *p = packet_of(m);
	struct cursor c = { rte_pktmbuf_mtod(m, const uint8_t *), 0, m->data_len, m->pkt_len };

	if (c.whole < c.end)
		c.whole = c.end;
	forget(p, m->data_len);
	if (!parse_ethernet(&c, p) || !parse_ip(&c, p))
		return;
	p->l4 = (uint16_t)c.at;
	if (!p->frag)
		parse_l4(&c, p);
	p->payload = (uint16_t)c.at;
}

void packet_enter(struct rte_mbuf *m, uint16_t device, uint64_t now)
{
	struct packet *p = packet_of(m);

	packet_parse(m);
	p->device = device;
	p->early = 0;
	p->state = 0;
	p->arrived = now;
	for (unsigned i = 0; i < PACKET_TAGS; i++)
		p->tags[i] = PACKET_NO_TAG;
	p->more[0] = 0;
}
