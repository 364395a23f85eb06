#include <config.h>

#include "runtime/dpdk/device_kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/lane.h"

void *lane_cells(size_t n, size_t size)
{
	void *cells = aligned_alloc(RTE_CACHE_LINE_SIZE, n * size);

	return cells ? memset(cells, 0, n * size) : NULL;
}

struct lane *lanes_new(unsigned n)
{
	return lane_cells(n ? n : 1, sizeof(struct lane));
}

void lanes_sum(const struct lane *lanes, unsigned n, struct device_counts *sum)
{
	for (unsigned i = 0; i < n; i++) {
		sum->received += lane_get(&lanes[i].received);
		sum->sent += lane_get(&lanes[i].sent);
		sum->missed += lane_get(&lanes[i].missed);
		sum->refused += lane_get(&lanes[i].refused);
	}
}

unsigned lane_swallow(struct lane *lane, struct rte_mbuf **packets, unsigned n)
{
	lane_add(&lane->sent, n);
	rte_pktmbuf_free_bulk(packets, n);
	return n;
}

struct null {
	struct lane *lanes; /* per transmit queue */
	unsigned n_lanes;
};

void *null_open(const struct device_wish *w, struct device_error *error)
{
	struct null *null = calloc(1, sizeof(*null));

	if (null)
		null->lanes = lanes_new(null->n_lanes = w->n_send);
	if (null && null->lanes)
		return null;
	free(null);
	device_fail(error, "no memory");
	return NULL;
}

static unsigned null_receive(void *state, unsigned queue, uint64_t now, struct rte_mbuf **packets,
			     unsigned most)
{
	(void)state, (void)queue, (void)now, (void)packets, (void)most;
	return 0;
}

static unsigned null_send(void *state, unsigned queue, struct rte_mbuf **packets, unsigned n)
{
	struct null *null = state;

	assert(queue < null->n_lanes);
	return lane_swallow(&null->lanes[queue], packets, n);
}

static void null_counts(const void *state, struct device_counts *counts)
{
	const struct null *null = state;

	*counts = (struct device_counts){ 0 };
	lanes_sum(null->lanes, null->n_lanes, counts);
}

static bool null_is_done(const void *state)
{
	(void)state;
	return true;
}

static void null_close(void *state)
{
	struct null *null = state;

	free(null->lanes);
	free(null);
}

const struct device_ops null_ops = {
	.name = "null",
	.receive = null_receive,
	.send = null_send,
	.counts = null_counts,
	.is_done = null_is_done,
	.close = null_close,
};
