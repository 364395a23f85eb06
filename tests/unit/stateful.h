/* What the tests of modules with flows share. */
#ifndef EPIC_UNIT_STATEFUL_H
#define EPIC_UNIT_STATEFUL_H

#include "tests/unit/packets.h"

/* Configuration that is built up by hand; a list holds at most 8 values. */
struct settings {
	struct rplan_named_value named[8];
	struct rplan_value items[8][8];
	struct rplan_values values;
};

void settings_add(struct settings *, struct rplan_named_value);
void settings_texts(struct settings *, const char *name, const char *const *, size_t n);
void settings_numbers(struct settings *, const char *name, const double *, size_t n);

/* Opens an instance with these settings; NULL: *ERROR. */
void *stateful_open(const struct module_ops *, struct settings *, struct module_error *);
/* One packet through it at time NOW: the packet, or NULL and why it was dropped. */
struct rte_mbuf *stateful_pass(const struct module_ops *, void *state, struct rte_mbuf *,
			       uint64_t now, enum drop_reason *why);
/* The same for what is made; true: it came through, and is freed. */
bool stateful_passes(const struct module_ops *, void *state, const struct made *, uint64_t now);
uint64_t stateful_counter(const struct module_ops *, const void *state, const char *name);
uint64_t stateful_seconds(double); /* in cycles */

/* An ICMP message (ICMPv6 for addresses with a colon); QUOTED: N bytes, behind 8 bytes of header.
 */
struct rte_mbuf *stateful_icmp(const char *src, const char *dst, uint8_t type, uint16_t id,
			       const void *quoted, size_t n);
/* The bytes from the IP header on. */
const uint8_t *stateful_l3(struct rte_mbuf *);
/* Whether the checksums of IPv4, TCP, UDP and ICMP are right. */
bool stateful_sums_hold(struct rte_mbuf *);
/* Whether what struct packet says is what packet_parse says. */
bool stateful_is_parsed(struct rte_mbuf *);

uint32_t stateful_random(uint64_t *seed);
/* N packets, some with a few bytes changed or cut off, between 10.0.0.0/29 and 198.51.100.0/29,
 * from there to 192.0.2.1, between fd00::/125 and fd01::/125, over a quarter of an hour. */
void stateful_fuzz(const struct module_ops *, void *state, unsigned n);
bool stateful_pool_is_full(void);

#endif
