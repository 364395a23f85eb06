/* Packets in one segment, for modules that read or change the payload. */
#ifndef EPIC_DPDK_LINEAR_H
#define EPIC_DPDK_LINEAR_H

#include <stdbool.h>

#include "runtime/dpdk/packet.h"

/* Makes a chain one segment; false: the first has no room for the others. */
static inline bool packet_linear(struct rte_mbuf *m)
{
	if (m->nb_segs == 1)
		return true;
	if (rte_pktmbuf_linearize(m))
		return false;
	packet_parse(m); /* had seen the first segment only */
	return true;
}

#endif
