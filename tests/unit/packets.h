/* Packets for tests of the dataplane's modules: real mbufs, made and looked at byte by byte. */
#ifndef EPIC_UNIT_PACKETS_H
#define EPIC_UNIT_PACKETS_H

#include "runtime/dpdk/module.h"

/* Starts the EAL without huge pages, devices and telemetry; NAME is its file prefix.  Exits with
 * 77 where the EAL does not start. */
void packets_start(const char *name);
struct rte_mempool *packets_pool(void); /* with room for struct packet */

/* What is 0 gets a usual value: family 4, ttl 64, proto 17, ports 1000 and 2000, addresses
 * 10.0.0.1 and 10.0.0.2 (fd00::1, fd00::2), size (of the frame without FCS) 64. */
struct made {
	int family;
	uint8_t proto, ttl, tcp_flags;
	const char *src, *dst;
	uint16_t sport, dport;
	uint16_t vlan; /* 0: no tag */
	uint16_t size;
	const char *payload; /* repeated to the end; NULL: zeros */
};

/* Checksums are right; packet_enter is done, with device 0 and the time of now. */
struct rte_mbuf *packets_make(const struct made *);
struct rte_mbuf *packets_raw(const void *bytes, size_t size);

/* A specification of an instance without configuration; change it before opening. */
struct module_spec packets_spec(const char *id, const char *class);
/* A configuration value. */
struct rplan_named_value packets_number(const char *name, double);
struct rplan_named_value packets_text(const char *name, const char *);

/* Runs a burst of N packets through the instance; those that go on are then in B->at. */
void packets_run(const struct module_ops *, void *state, struct burst *b, struct rte_mbuf **,
		 unsigned n);
/* An empty burst with a tally of its own, at time NOW. */
struct burst *packets_burst(uint64_t now);
uint64_t packets_dropped(const struct burst *, enum drop_reason);
uint64_t packets_held(const struct burst *);
void packets_free(struct burst *); /* and what is in it */

#endif
