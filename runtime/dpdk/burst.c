#include <config.h>

#include "runtime/dpdk/classes.h"
#include "runtime/dpdk/module.h"

static uint64_t *dropped(struct burst *b, const struct rte_mbuf *m, enum drop_reason why)
{
	return &b->tally->dropped[why * b->tally->n_states + state_index(m)];
}

void burst_drop(struct burst *b, struct rte_mbuf *m, enum drop_reason why)
{
	++*dropped(b, m, why);
	rte_pktmbuf_free(m);
}

void burst_gone(struct burst *b, struct rte_mbuf *m, enum drop_reason why)
{
	++*dropped(b, m, why);
}

void burst_hold(struct burst *b, struct rte_mbuf *m)
{
	b->tally->held[state_index(m)]++;
}

/* A packet that was held since before a change of plan has a state that means nothing any more. */
void burst_unhold(struct burst *b, struct rte_mbuf *m)
{
	struct packet *p = packet_of(m);

	if ((p->state & ~(uint32_t)STATE_INDEX) != b->tally->generation)
		p->state = b->tally->generation | STATE_LOST;
	b->tally->held[state_index(m)]--;
}

const char *drop_reason_name(enum drop_reason why)
{
	static const char *const names[N_DROP_REASONS] = {
		[DROP_EXIT] = "exit",           [DROP_UNROUTED] = "unrouted",
		[DROP_QUEUE] = "queue",         [DROP_REFUSED] = "refused",
		[DROP_MALFORMED] = "malformed", [DROP_FULL] = "full",
		[DROP_EXPIRED] = "expired",     [DROP_MERGED] = "merged",
		[DROP_MEMORY] = "memory",       [DROP_SENT] = "sent",
	};

	return names[why];
}
