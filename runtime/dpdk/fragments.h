/* Fragments that wait for the rest of their packet.
 *
 * Not rte_ip_frag, which leaves the protocol out of its key (RFC 791 has it in), does not say why
 * it lets fragments go, forgets a datagram as soon as it was found to be faulty, and takes at most
 * eight fragments.  Here each fragment is counted with its reason, and of a datagram with an
 * overlap nothing that comes before its time is up is let through (RFC 5722). */
#ifndef EPIC_DPDK_FRAGMENTS_H
#define EPIC_DPDK_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dpdk/module.h"

enum { FRAGMENTS_OF_ONE = 64 }; /* a packet that has more is refused */

struct fragment_key {
	uint32_t addresses[8]; /* source, destination, as they stand in the packet; or 0 */
	uint32_t id;
	uint16_t vlan;
	uint8_t protocol; /* of IPv6 0: it is no part of the key there */
	uint8_t family;
};

/* One segment, without anything behind the end of the IP packet.  Offsets in the frame. */
struct fragment {
	struct fragment_key key;
	struct rte_mbuf *packet;
	uint16_t l3;
	uint16_t data, length; /* of what the packet contributes */
	uint16_t header;       /* of the fragment header, IPv6 */
	uint16_t next;         /* of the byte that names the fragment header, IPv6 */
	uint16_t offset;       /* in the original, in bytes */
	bool more;
};

struct fragments;

/* Holds at most MOST fragments, each at most CYCLES; NULL: no memory. */
struct fragments *fragments_open(size_t most, uint64_t cycles);
void fragments_close(struct fragments *); /* and frees what it holds; NULL is fine */

/* Takes the packet over: it is held or dropped, and NULL is returned; or it was the last one
 * missing, and the whole packet is, linear, its IP header right again, not yet parsed. */
struct rte_mbuf *fragments_add(struct fragments *, struct burst *, const struct fragment *);
/* Drops those whose time is up. */
void fragments_expire(struct fragments *, struct burst *);
uint64_t fragments_due(const struct fragments *); /* when; UINT64_MAX: holds none */
size_t fragments_held(const struct fragments *);
/* Takes over all that OLD holds.  Needs a table that holds nothing. */
void fragments_adopt(struct fragments *, struct fragments *old);

#endif
