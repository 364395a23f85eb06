/* What the dataplane knows of a packet beside its bytes.
 *
 * It lies in the private area of the mbuf, filled in by packet_parse when the packet comes in and
 * again behind a module that rewrites fields.  Fields mean what doc/language.md 5.1 says; all
 * numbers are in host order.  What is not present is 0. */
#ifndef EPIC_DPDK_PACKET_H
#define EPIC_DPDK_PACKET_H

#include <stdint.h>

#include <rte_mbuf.h>

enum packet_present {
	PACKET_ETH = 1 << 0,
	PACKET_VLAN = 1 << 1,
	PACKET_IP4 = 1 << 2,
	PACKET_IP6 = 1 << 3,
	PACKET_IP = PACKET_IP4 | PACKET_IP6,
	PACKET_L4 = 1 << 4,  /* sport, dport */
	PACKET_TCP = 1 << 5, /* tcp_flags */
	PACKET_ICMP = 1 << 6
};

enum {
	BURST = 32,
	PACKET_TAGS = 8,       /* derived attributes that one plan may have */
	PACKET_NO_TAG = 0xffff /* the packet did not meet the module yet */
};

/* Two cache lines.  An IPv4 address is in the last word, the others are 0. */
struct packet {
	uint32_t present;
	uint16_t l3, l4, payload; /* offsets in the packet; of what is not there: of the end */
	uint16_t eth_type, vlan;  /* the type behind the VLAN tag, if there is one */
	uint16_t sport, dport;
	uint8_t proto, dscp, ttl, frag;                 /* frag: 1 for later fragments */
	uint8_t tcp_flags, icmp_type, icmp_code, early; /* early: way of the classifier in front */
	uint16_t device;                                /* by which it came in */
	uint32_t src[4], dst[4];
	uint32_t state; /* which classes it may belong to: an index, classes.h */

	uint64_t eth_src, eth_dst;  /* the low 48 bits */
	uint64_t arrived;           /* time stamp counter */
	uint16_t tags[PACKET_TAGS]; /* values of derived attributes, as indices */
	uint64_t more[1];           /* of the module that holds the packet */
};

_Static_assert(sizeof(struct packet) <= 128, "two cache lines");

static inline struct packet *packet_of(struct rte_mbuf *m)
{
	return (struct packet *)rte_mbuf_to_priv(m);
}

/* Reads the headers of the bytes; touches neither device, state, early, arrived nor tags.  Bytes
 * that end too soon or contradict themselves leave the fields behind that point absent; nothing
 * behind the end is read.  Only the first segment of a chain is looked at. */
void packet_parse(struct rte_mbuf *);

/* The same for a packet that has just come in: also the tags are reset. */
void packet_enter(struct rte_mbuf *, uint16_t device, uint64_t now);

/* Copies all that is known, for a copy of the bytes. */
static inline void packet_inherit(struct rte_mbuf *copy, struct rte_mbuf *of)
{
	*packet_of(copy) = *packet_of(of);
}

#endif
