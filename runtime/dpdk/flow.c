#include <config.h>

#include "runtime/dpdk/flow.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

/* ---- keys ---- */

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static bool is_icmp(uint8_t proto, uint8_t family)
{
	return proto == (family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool is_echo(uint8_t type, uint8_t family)
{
	return family == 4 ? type == 0 || type == 8 : type == 128 || type == 129;
}

/* Errors that quote a packet.  Redirects do so too, but a flow is none of their business. */
static bool is_error(uint8_t type, uint8_t family)
{
	return family == 4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

static enum flow_kind key_of_l4(const uint8_t *l4, struct flow_key *k)
{
	if (has_ports(k->proto)) {
		k->port[0] = read16(l4);
		k->port[1] = read16(l4 + 2);
		return FLOW_PORTS;
	}
	if (!is_icmp(k->proto, k->family) || !is_echo(l4[0], k->family))
		return FLOW_BARE;
	k->port[0] = k->port[1] = read16(l4 + 4);
	return FLOW_ECHO;
}

/* The header of the quoted packet; 0: it is broken, or a later fragment, which tells no ports. */
static unsigned quoted4(const uint8_t *at, unsigned n, struct flow_key *k)
{
	unsigned size = (at[0] & 15) * 4u;

	if (n < 20 || at[0] >> 4 != 4 || size < 20 || n < size || read16(at + 6) & 0x1fff)
		return 0;
	k->family = 4;
	k->proto = at[9];
	for (unsigned side = 0; side < 2; side++)
		k->addr[side][3] =
		    (uint32_t)read16(at + 12 + 4 * side) << 16 | read16(at + 14 + 4 * side);
	return size;
}

/* Extension headers are not followed: such a packet is quoted too rarely. */
static unsigned quoted6(const uint8_t *at, unsigned n, struct flow_key *k)
{
	if (n < 40 || at[0] >> 4 != 6)
		return 0;
	k->family = 6;
	k->proto = at[6];
	for (unsigned i = 0; i < 8; i++)
		k->addr[i / 4][i % 4] =
		    (uint32_t)read16(at + 8 + 4 * i) << 16 | read16(at + 10 + 4 * i);
	return 40;
}

static unsigned end_of_packet(struct rte_mbuf *m, const struct packet *p)
{
	const uint8_t *l3 = rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l3);
	unsigned has = rte_pktmbuf_data_len(m);
	unsigned says = p->l3 + (p->present & PACKET_IP4 ? read16(l3 + 2) : 40u + read16(l3 + 4));

	return RTE_MIN(has, says);
}

static enum flow_kind key_of_error(struct rte_mbuf *m, const struct packet *p, struct flow_key *k,
				   struct flow_inner *in)
{
	unsigned l3 = p->l4 + 8u, end = end_of_packet(m, p), size;
	const uint8_t *at = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);

	memset(k, 0, sizeof(*k));
	if (end <= l3)
		return FLOW_BROKEN;
	size = p->present & PACKET_IP4 ? quoted4(at, end - l3, k) : quoted6(at, end - l3, k);
	if (!size || end - l3 < size + 8) {
		memset(k, 0, sizeof(*k));
		return FLOW_BROKEN;
	}
	*in = (struct flow_inner){ (uint16_t)l3, (uint16_t)(l3 + size), (uint16_t)end };
	key_of_l4(at + size, k);
	return FLOW_ERROR;
}

static enum flow_kind key_of_icmp(struct rte_mbuf *m, const struct packet *p, struct flow_key *k,
				  struct flow_inner *in)
{
	if (!(p->present & PACKET_ICMP) || rte_pktmbuf_data_len(m) < p->l4 + 8u)
		return FLOW_BROKEN;
	if (is_error(p->icmp_type, k->family))
		return key_of_error(m, p, k, in);
	return key_of_l4(rte_pktmbuf_mtod_offset(m, const uint8_t *, p->l4), k);
}

enum flow_kind flow_key_of(struct rte_mbuf *m, struct flow_key *k, struct flow_inner *in)
{
	const struct packet *p = packet_of(m);

	memset(k, 0, sizeof(*k));
	if (!(p->present & PACKET_IP))
		return FLOW_ALIEN;
	memcpy(k->addr[0], p->src, sizeof(p->src));
	memcpy(k->addr[1], p->dst, sizeof(p->dst));
	k->proto = p->proto;
	k->family = p->present & PACKET_IP4 ? 4 : 6;
	if (p->frag)
		return FLOW_FRAGMENT;
	if (p->present & PACKET_L4) {
		k->port[0] = p->sport;
		k->port[1] = p->dport;
		return FLOW_PORTS;
	}
	if (is_icmp(p->proto, k->family))
		return key_of_icmp(m, p, k, in);
	if (has_ports(p->proto))
		memset(k, 0, sizeof(*k));
	return has_ports(p->proto) ? FLOW_BROKEN : FLOW_BARE;
}

bool flow_canonical(struct flow_key *k)
{
	for (unsigned i = 4; i-- > 0;)
		if (k->addr[0][i] != k->addr[1][i]) {
			if (k->addr[0][i] < k->addr[1][i])
				return false;
			flow_flip(k);
			return true;
		}
	if (k->port[0] <= k->port[1])
		return false;
	flow_flip(k);
	return true;
}

/* ---- the table ---- */

enum {
	SLOTS = 1024,      /* of the wheel; the longest time-out takes half of a turn */
	FLOWS_AT_ONCE = 64 /* that one call handles: more than a burst can add */
};

/* Flows of one slot form a ring; behind the flows' links come those of the slots and of `due`. */
struct link {
	uint32_t next, prev;
};

struct flow_table {
	struct rte_hash *hash;
	uint8_t *flows; /* each: uint64_t until, 0 if free; the value */
	uint32_t stride, n_flows, n_keys, n_live;
	uint32_t free;  /* first of a list by `next` */
	uint32_t due;   /* ring of flows of slots that the hand has passed */
	unsigned shift; /* a slot takes 1 << shift cycles */
	uint64_t hand;  /* next slot, not yet modulo SLOTS */
	uint64_t expired;
	struct link *links;
	int32_t (*positions)[2]; /* of the keys in the hash */
	void (*ended)(void *arg, uint32_t flow);
	void *arg;
};

static uint64_t *until_of(const struct flow_table *t, uint32_t flow)
{
	return (uint64_t *)(t->flows + (size_t)flow * t->stride);
}

static bool is_over(uint64_t until, uint64_t now)
{
	return (int64_t)(now - until) >= 0;
}

static void ring_clear(struct link *links, uint32_t head)
{
	links[head] = (struct link){ head, head };
}

static void ring_add(struct link *links, uint32_t head, uint32_t i)
{
	uint32_t last = links[head].prev;

	links[i] = (struct link){ head, last };
	links[last].next = i;
	links[head].prev = i;
}

static void ring_remove(struct link *links, uint32_t i)
{
	links[links[i].prev].next = links[i].next;
	links[links[i].next].prev = links[i].prev;
}

/* Hands all of FROM to the empty TO. */
static void ring_move(struct link *links, uint32_t from, uint32_t to)
{
	if (links[from].next == from)
		return;
	links[to] = links[from];
	links[links[to].next].prev = to;
	links[links[to].prev].next = to;
	ring_clear(links, from);
}

static uint32_t slot_at(const struct flow_table *t, uint64_t hand)
{
	return t->n_flows + (uint32_t)(hand & (SLOTS - 1));
}

static uint32_t slot_of(const struct flow_table *t, uint64_t until)
{
	return slot_at(t, until >> t->shift);
}

/* A flow lies in as few cache lines as can be. */
static uint32_t stride_for(uint32_t value_size)
{
	uint32_t size = (uint32_t)sizeof(uint64_t) + value_size;

	return size > RTE_CACHE_LINE_SIZE ? RTE_CACHE_LINE_ROUNDUP(size) : rte_align32pow2(size);
}

/* A name of its own for each hash, as rte_hash wants it: the table's address. */
static struct rte_hash *hash_open(const struct flow_table *t)
{
	char name[RTE_HASH_NAMESIZE];
	struct rte_hash_parameters wanted = {
		.name = name,
		.entries = t->n_flows * t->n_keys,
		.key_len = sizeof(struct flow_key),
		.hash_func = rte_hash_crc,
		.socket_id = SOCKET_ID_ANY,
		/* every key finds a place until the table is full */
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};

	snprintf(name, sizeof(name), "f%zx", (size_t)t);
	if (wanted.entries < 16) /* rte_hash wants two buckets of 8 */
		wanted.entries = 16;
	return rte_hash_create(&wanted);
}

/* Writes to all memory once, so that the first packets need not wait for pages. */
static void touch(struct flow_table *t)
{
	rte_hash_reset(t->hash);
	memset(t->flows, 0, (size_t)t->stride * t->n_flows);
	memset(t->positions, 0, t->n_flows * sizeof(*t->positions));
}

static void init_links(struct flow_table *t)
{
	for (uint32_t i = 0; i < t->n_flows; i++)
		t->links[i].next = i + 1 < t->n_flows ? i + 1 : FLOW_NONE;
	for (uint32_t i = t->n_flows; i <= t->due; i++)
		ring_clear(t->links, i);
}

struct flow_table *flow_table_open(const struct flow_config *c, struct module_error *e)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		goto fail;
	t->n_flows = c->n_flows;
	t->n_keys = c->n_keys;
	t->due = c->n_flows + SLOTS;
	t->stride = stride_for(c->value_size);
	t->ended = c->ended;
	t->arg = c->arg;
	while ((c->longest >> t->shift) >= SLOTS / 2)
		t->shift++;
	t->flows = rte_zmalloc(NULL, (size_t)t->stride * t->n_flows, RTE_CACHE_LINE_SIZE);
	t->links = calloc((size_t)t->due + 1, sizeof(*t->links));
	t->positions = calloc(t->n_flows, sizeof(*t->positions));
	t->hash = hash_open(t);
	if (!t->flows || !t->links || !t->positions || !t->hash)
		goto fail;
	touch(t);
	init_links(t);
	return t;
fail:
	flow_table_close(t);
	module_fail(e, "flows: no memory for a table of %u", c->n_flows);
	return NULL;
}

void flow_table_close(struct flow_table *t)
{
	if (!t)
		return;
	rte_hash_free(t->hash);
	free(t->positions);
	free(t->links);
	rte_free(t->flows);
	free(t);
}

/* A flow whose keys the bulk look-up has found: it is there no longer if an earlier packet of the
 * same burst has found that its time is over. */
static uint32_t still_there(struct flow_table *t, uint32_t found, uint64_t now)
{
	uint64_t until = *until_of(t, found >> 1);

	if (!until)
		return FLOW_NONE;
	if (!is_over(until, now))
		return found;
	t->expired++;
	flow_remove(t, found >> 1);
	return FLOW_NONE;
}

void flow_lookup(struct flow_table *t, const struct flow_key *keys, unsigned n, uint64_t now,
		 uint32_t *found)
{
	const void *pointers[BURST];
	void *data[BURST];
	uint64_t hits = 0;

	if (!n)
		return;
	for (unsigned i = 0; i < n; i++)
		pointers[i] = &keys[i];
	rte_hash_lookup_bulk_data(t->hash, pointers, n, &hits, data);
	for (unsigned i = 0; i < n; i++)
		if (hits >> i & 1)
			rte_prefetch0(until_of(t, (uint32_t)(uintptr_t)data[i] >> 1));
	for (unsigned i = 0; i < n; i++)
		found[i] =
		    hits >> i & 1 ? still_there(t, (uint32_t)(uintptr_t)data[i], now) : FLOW_NONE;
}

uint32_t flow_find(struct flow_table *t, const struct flow_key *key, uint64_t now)
{
	void *data;

	if (rte_hash_lookup_data(t->hash, key, &data) < 0)
		return FLOW_NONE;
	return still_there(t, (uint32_t)(uintptr_t)data, now);
}

static bool add_key(struct flow_table *t, const struct flow_key *key, uint32_t flow, unsigned which)
{
	void *data = (void *)(uintptr_t)(flow << 1 | which);
	hash_sig_t sum = rte_hash_hash(t->hash, key);

	if (rte_hash_add_key_with_hash_data(t->hash, key, sum, data) < 0)
		return false;
	t->positions[flow][which] = rte_hash_lookup_with_hash(t->hash, key, sum);
	return true;
}

static void remove_keys(struct flow_table *t, uint32_t flow, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		rte_hash_del_key(t->hash, flow_key(t, flow, i));
}

uint32_t flow_add(struct flow_table *t, const struct flow_key *keys, uint64_t until)
{
	uint32_t flow = t->free;

	if (flow == FLOW_NONE)
		return FLOW_NONE;
	for (unsigned i = 0; i < t->n_keys; i++)
		if (!add_key(t, &keys[i], flow, i)) {
			remove_keys(t, flow, i);
			return FLOW_NONE;
		}
	t->free = t->links[flow].next;
	until += !until; /* 0 means free */
	memset(until_of(t, flow), 0, t->stride);
	*until_of(t, flow) = until;
	ring_add(t->links, slot_of(t, until), flow);
	t->n_live++;
	return flow;
}

void flow_remove(struct flow_table *t, uint32_t flow)
{
	if (t->ended)
		t->ended(t->arg, flow);
	remove_keys(t, flow, t->n_keys);
	ring_remove(t->links, flow);
	*until_of(t, flow) = 0;
	t->links[flow].next = t->free;
	t->free = flow;
	t->n_live--;
}

/* One that now ends earlier must move to an earlier slot; any other is moved by the hand. */
void flow_keep(struct flow_table *t, uint32_t flow, uint64_t until)
{
	uint64_t *at = until_of(t, flow);
	bool is_earlier = until >> t->shift < *at >> t->shift;

	*at = until + !until;
	if (!is_earlier)
		return;
	ring_remove(t->links, flow);
	ring_add(t->links, slot_of(t, *at), flow);
}

/* Slots whose time is over altogether, up to the first with flows.  Behind a long silence one turn
 * of the wheel sees all of them. */
static void pass_slots(struct flow_table *t, uint64_t now)
{
	uint64_t end = now >> t->shift;

	if (end > t->hand + SLOTS)
		t->hand = end - SLOTS;
	for (; t->hand < end && t->links[t->due].next == t->due; t->hand++)
		ring_move(t->links, slot_at(t, t->hand), t->due);
}

static void judge(struct flow_table *t, uint32_t flow, uint64_t now)
{
	if (is_over(*until_of(t, flow), now)) {
		t->expired++;
		flow_remove(t, flow);
		return;
	}
	ring_remove(t->links, flow);
	ring_add(t->links, slot_of(t, *until_of(t, flow)), flow);
}

void flow_advance(struct flow_table *t, uint64_t now)
{
	for (unsigned n = 0; n < FLOWS_AT_ONCE; n++) {
		pass_slots(t, now);
		if (t->links[t->due].next == t->due)
			return;
		judge(t, t->links[t->due].next, now);
	}
}

uint32_t flow_copy(struct flow_table *t, const struct flow_table *from, uint32_t flow, uint64_t now,
		   uint64_t longest)
{
	uint64_t until = flow_until(from, flow);
	struct flow_key keys[2];
	uint32_t copy;

	if (is_over(until, now))
		return FLOW_NONE;
	for (unsigned i = 0; i < t->n_keys; i++)
		keys[i] = *flow_key(from, flow, i);
	copy = flow_add(t, keys, until - now > longest ? now + longest : until);
	if (copy != FLOW_NONE)
		memcpy(flow_value(t, copy), flow_value(from, flow), t->stride - sizeof(uint64_t));
	return copy;
}

/* ---- what it holds ---- */

void *flow_value(const struct flow_table *t, uint32_t flow)
{
	return until_of(t, flow) + 1;
}

const struct flow_key *flow_key(const struct flow_table *t, uint32_t flow, unsigned which)
{
	void *key;

	rte_hash_get_key_with_position(t->hash, t->positions[flow][which], &key);
	return key;
}

uint64_t flow_until(const struct flow_table *t, uint32_t flow)
{
	return *until_of(t, flow);
}

uint32_t flow_count(const struct flow_table *t)
{
	return t->n_live;
}

uint64_t flow_expired(const struct flow_table *t)
{
	return t->expired;
}

uint32_t flow_next(const struct flow_table *t, uint32_t flow)
{
	while (flow < t->n_flows && !*until_of(t, flow))
		flow++;
	return flow < t->n_flows ? flow : FLOW_NONE;
}
