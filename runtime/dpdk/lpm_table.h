/* Longest-prefix match for bursts, IPv4 and IPv6: up to a few prefixes a sorted array, which stays
 * in the first-level cache; beyond that rte_lpm and rte_lpm6, each of which takes 64 MiB. */
#ifndef EPIC_DPDK_LPM_TABLE_H
#define EPIC_DPDK_LPM_TABLE_H

#include "runtime/dpdk/config.h"

enum { LPM_FEW = 64, LPM_HOP_MOST = (1 << 21) - 1 };

struct lpm_entry {
	struct prefix prefix;
	uint32_t hop; /* at most LPM_HOP_MOST */
};

/* AUTO: also sorted where there is no memory for the other. */
enum lpm_how { LPM_AUTO, LPM_SORTED, LPM_RTE };

/* What an address without any entry has, and a packet without address. */
struct lpm_misses {
	uint32_t v4, v6, absent;
};

struct lpm_table;

/* Sorts the entries, whose prefixes are different.  NULL: *ERROR says why. */
struct lpm_table *lpm_table_open(struct lpm_entry *, size_t n, const struct lpm_misses *,
				 enum lpm_how, struct module_error *);
void lpm_table_close(struct lpm_table *); /* NULL is fine */

struct lpm_counts {
	unsigned n4, n6; /* packets that have such a destination */
};

/* Of N <= BURST packets the hops of their destinations. */
struct lpm_counts lpm_table_lookup(const struct lpm_table *, struct rte_mbuf *const *, unsigned n,
				   uint32_t *hops);

#endif
