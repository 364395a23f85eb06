/* A table of flows: keys of addresses and ports, a value of the module's for each flow, time-outs.
 *
 * All memory is taken at open.  A flow has one or two keys (a NAT knows it by another one from
 * each side).  Keys lie in an rte_hash; a wheel finds the flows that have ended, with bounded work
 * per burst, and a look-up never gives one whose time is over, whether the wheel has passed it or
 * not.  One thread at a time. */
#ifndef EPIC_DPDK_FLOW_H
#define EPIC_DPDK_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "runtime/dpdk/module.h"

/* 48 bytes without holes, compared and hashed as a whole. */
struct flow_key {
	uint32_t addr[2][4]; /* source, destination, as in struct packet */
	uint16_t port[2];    /* of ICMP echoes both are the identifier */
	uint8_t proto;
	uint8_t family; /* 4 or 6 */
	uint8_t zone;   /* the module's: keys of different kinds in one table */
	uint8_t zero[9];
};

_Static_assert(sizeof(struct flow_key) == 48, "rte_hash compares 48 bytes quickly");

/* What a packet tells of its flow. */
enum flow_kind {
	FLOW_ALIEN,    /* neither IPv4 nor IPv6 */
	FLOW_BROKEN,   /* its headers end too soon */
	FLOW_FRAGMENT, /* a later one: addresses and protocol only */
	FLOW_BARE,     /* a protocol without ports: likewise */
	FLOW_PORTS,    /* TCP, UDP, SCTP */
	FLOW_ECHO,     /* ICMP echo, request or reply */
	FLOW_ERROR     /* an ICMP error; the key is that of the packet in it, as it stands there */
};

/* Where the packet in an ICMP error lies. */
struct flow_inner {
	uint16_t l3, l4, end; /* at least 8 bytes of its layer 4 are there */
};

/* INNER is filled in for FLOW_ERROR.  The key is all zeros for FLOW_ALIEN and FLOW_BROKEN. */
enum flow_kind flow_key_of(struct rte_mbuf *, struct flow_key *, struct flow_inner *);

static inline void flow_flip(struct flow_key *k)
{
	uint32_t addr[4];
	uint16_t port = k->port[0];

	memcpy(addr, k->addr[0], sizeof(addr));
	memcpy(k->addr[0], k->addr[1], sizeof(addr));
	memcpy(k->addr[1], addr, sizeof(addr));
	k->port[0] = k->port[1];
	k->port[1] = port;
}

/* Makes the keys of both directions the same; true: it was turned round. */
bool flow_canonical(struct flow_key *);

#define FLOW_NONE UINT32_MAX

struct flow_table;

struct flow_config {
	uint32_t n_flows;
	uint32_t n_keys;     /* per flow, 1 or 2 */
	uint32_t value_size; /* bytes */
	uint64_t longest;    /* time-out in cycles; flows of more are found too, but later */
	/* A flow is about to be taken out, for whatever reason but flow_table_close.  May be NULL.
	 * It may not change this table. */
	void (*ended)(void *arg, uint32_t flow);
	void *arg;
};

/* NULL: *ERROR says why. */
struct flow_table *flow_table_open(const struct flow_config *, struct module_error *);
void flow_table_close(struct flow_table *); /* NULL is fine */

/* For each of N <= BURST keys `flow << 1 | which of its keys`, or FLOW_NONE. */
void flow_lookup(struct flow_table *, const struct flow_key *, unsigned n, uint64_t now,
		 uint32_t *found);
uint32_t flow_find(struct flow_table *, const struct flow_key *, uint64_t now);
/* A new flow that ends at UNTIL, its value zeroed; the keys must not be in the table.  FLOW_NONE:
 * the table is full. */
uint32_t flow_add(struct flow_table *, const struct flow_key *keys, uint64_t until);
/* Adds a flow of another table with the same keys and the same value; it ends when it would have
 * there, or after LONGEST.  FLOW_NONE: it has ended, or the table is full. */
uint32_t flow_copy(struct flow_table *, const struct flow_table *from, uint32_t flow, uint64_t now,
		   uint64_t longest);
void flow_remove(struct flow_table *, uint32_t flow);
/* Its time now ends at UNTIL. */
void flow_keep(struct flow_table *, uint32_t flow, uint64_t until);
/* Takes out flows that have ended; once per burst. */
void flow_advance(struct flow_table *, uint64_t now);

void *flow_value(const struct flow_table *, uint32_t flow);
const struct flow_key *flow_key(const struct flow_table *, uint32_t flow, unsigned which);
uint64_t flow_until(const struct flow_table *, uint32_t flow);
uint32_t flow_count(const struct flow_table *);
uint64_t flow_expired(const struct flow_table *); /* how many ended by time, so far */
/* The first flow from FLOW on, 0 at the beginning; FLOW_NONE behind the last. */
uint32_t flow_next(const struct flow_table *, uint32_t flow);

#endif
