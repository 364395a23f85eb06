/* Packets made to order: bytes with right checksums for which a filter holds. */
#ifndef EPIC_DPDK_TEMPLATE_H
#define EPIC_DPDK_TEMPLATE_H

#include "runtime/dpdk/filter.h"

enum { TEMPLATE_LONGEST = 9018 };

struct template_wish {
	const struct filter *filter; /* NULL: any packet */
	unsigned bytes; /* of the frame without its check sequence; more where headers need it */
	const char *payload; /* repeated to the end; NULL or "": zeros */
	uint16_t device;
};

/* Fills the empty M with a random packet and does packet_enter.  What the filter leaves open is
 * UDP over IPv4 with random addresses (10.0.0.0/8 to 198.18.0.0/15) and ports from 1024 up.  The
 * bytes are parsed again, and the filter holds for them.  False: no such packet was found.  SEED
 * is changed. */
bool template_make(struct rte_mbuf *m, const struct template_wish *, uint64_t *seed);

/* The next of a sequence of random numbers (splitmix64). */
static inline uint64_t template_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#endif
