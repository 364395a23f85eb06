/* Lets through whole IP packets that all receivers read alike.
 *
 *	fragments	how many fragments wait at most, default 1024
 *	timeout		how long one waits, in nanoseconds, default 1 s
 *	minimum-ttl	packets with a lower TTL or hop limit are refused; default 0
 *	strip-options	yes: takes the options out of IPv4 headers; default no
 *
 * What contradicts itself is malformed: lengths, checksums, headers that end too soon.  What is
 * refused: a TCP packet with SYN and FIN, SYN and RST or no flag at all; fragments that overlap,
 * are more than FRAGMENTS_OF_ONE, or do not fit into one mbuf together; more than EXTENSIONS
 * headers of IPv6.  Bytes behind the IP packet (padding of short frames) are cut off.  Frames that
 * hold no IP go on as they are, also those with more VLAN tags than packet_parse skips. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "runtime/dpdk/fragments.h"
#include "runtime/dpdk/linear.h"
#include "runtime/dpdk/module.h"
#include "runtime/dpdk/symbol.h"

enum { EXTENSIONS = 8 };

/* Beside the reasons for a drop: there is none. */
enum { FINE = N_DROP_REASONS };

struct normalizer {
	struct fragments *fragments;
	uint8_t minimum_ttl;
	bool strips;
	uint64_t n_fragments, n_reassembled, n_trimmed, n_stripped;
};

/* ---- opening ---- */

static bool strips_read(struct normalizer *n, const struct module_spec *spec,
			struct module_error *e)
{
	const struct rplan_value *v = config_value(spec, "strip-options");
	const char *text = v && v->kind == RPLAN_TEXT ? symbol_of(v->text) : NULL;

	n->strips = v && (v->kind == RPLAN_BOOL ? v->truth : text && !strcmp(text, "yes"));
	if (v && v->kind != RPLAN_BOOL && !n->strips && (!text || strcmp(text, "no")))
		return module_fail(e, "strip-options: expected yes or no");
	return true;
}

static bool normalizer_configure(struct normalizer *n, const struct module_spec *spec,
				 struct module_error *e)
{
	double fragments, timeout, ttl;

	if (!config_number(spec, "fragments", 1, 1 << 20, 1024, &fragments, e) ||
	    !config_number(spec, "timeout", 1e6, 60e9, 1e9, &timeout, e) ||
	    !config_number(spec, "minimum-ttl", 0, 255, 0, &ttl, e) || !strips_read(n, spec, e))
		return false;
	n->minimum_ttl = (uint8_t)ttl;
	n->fragments =
	    fragments_open((size_t)fragments, (uint64_t)(timeout * 1e-9 * (double)spec->world->hz));
	return n->fragments || module_fail(e, "fragments: no memory for %.0f", fragments);
}

static void *normalizer_open(const struct module_spec *spec, struct module_error *e)
{
	struct normalizer *n = calloc(1, sizeof(*n));

	if (!n) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (normalizer_configure(n, spec, e))
		return n;
	free(n);
	return NULL;
}

static void normalizer_close(void *state)
{
	struct normalizer *n = state;

	if (!n)
		return;
	fragments_close(n->fragments);
	free(n);
}

/* ---- IP headers ---- */

/* A packet as far as it was read. */
struct view {
	struct rte_mbuf *packet;
	uint8_t *frame;
	uint32_t l3, l4, end; /* offsets in the frame */
	uint8_t protocol;
	bool v4, is_fragment;
	bool routed;  /* the destination is in a routing header */
	bool changed; /* has to be parsed again */
	struct fragment fragment;
};

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* Cuts off what is behind the end. */
static void view_trim(struct normalizer *n, struct view *v)
{
	uint32_t behind = v->packet->data_len - v->end;

	if (!behind)
		return;
	rte_pktmbuf_trim(v->packet, (uint16_t)behind);
	v->changed = true;
	n->n_trimmed++;
}

static void v4_strip(struct normalizer *n, struct view *v)
{
	uint32_t size = v->l4 - v->l3 - (uint32_t)sizeof(struct rte_ipv4_hdr);
	struct rte_ipv4_hdr *ip;

	if (!n->strips || !size)
		return;
	memmove(v->frame + size, v->frame, v->l3 + sizeof(struct rte_ipv4_hdr));
	v->frame = (uint8_t *)rte_pktmbuf_adj(v->packet, (uint16_t)size);
	v->l4 -= size;
	v->end -= size;
	ip = (struct rte_ipv4_hdr *)(v->frame + v->l3);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16((uint16_t)(v->end - v->l3));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	v->changed = true;
	n->n_stripped++;
}

/* The place of the packet's data in the original. */
static void fragment_fill(struct view *v, uint32_t data, uint32_t offset, bool more)
{
	struct fragment *f = &v->fragment;

	f->packet = v->packet;
	f->l3 = (uint16_t)v->l3;
	f->data = (uint16_t)data;
	f->length = (uint16_t)(v->end - data);
	f->offset = (uint16_t)offset;
	f->more = more;
	f->key.vlan = packet_of(v->packet)->vlan;
	v->is_fragment = true;
}

static void v4_fragment(struct view *v)
{
	const uint8_t *ip = v->frame + v->l3;
	uint32_t field = get16(ip + 6);

	if (!(field & (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return;
	memset(&v->fragment, 0, sizeof(v->fragment));
	memcpy(v->fragment.key.addresses, ip + 12, 8);
	v->fragment.key.id = get16(ip + 4);
	v->fragment.key.protocol = v->protocol;
	v->fragment.key.family = 4;
	fragment_fill(v, v->l4, (field & RTE_IPV4_HDR_OFFSET_MASK) * 8,
		      field & RTE_IPV4_HDR_MF_FLAG);
}

static unsigned v4_read(struct normalizer *n, struct view *v)
{
	uint32_t size = v->packet->data_len, header, total;
	const uint8_t *ip = v->frame + v->l3;

	if (v->l3 + sizeof(struct rte_ipv4_hdr) > size || ip[0] >> 4 != 4)
		return DROP_MALFORMED;
	header = (ip[0] & 15) * 4u;
	total = get16(ip + 2);
	if (header < sizeof(struct rte_ipv4_hdr) || total < header || v->l3 + total > size ||
	    rte_raw_cksum(ip, header) != 0xffff)
		return DROP_MALFORMED;
	if (ip[8] < n->minimum_ttl)
		return DROP_REFUSED;
	v->l4 = v->l3 + header;
	v->end = v->l3 + total;
	v->protocol = ip[9];
	view_trim(n, v);
	v4_strip(n, v);
	v4_fragment(v);
	return FINE;
}

static unsigned v6_fragment(struct view *v, uint32_t next)
{
	const uint8_t *ip = v->frame + v->l3, *header = v->frame + v->l4;
	uint32_t field = get16(header + 2);

	memset(&v->fragment, 0, sizeof(v->fragment));
	memcpy(v->fragment.key.addresses, ip + 8, 32);
	memcpy(&v->fragment.key.id, header + 4, 4);
	v->fragment.key.family = 6;
	v->fragment.header = (uint16_t)v->l4;
	v->fragment.next = (uint16_t)next;
	fragment_fill(v, v->l4 + RTE_IPV6_FRAG_HDR_SIZE, field & 0xfff8, field & 1);
	return FINE;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH;
}

/* Goes to what is behind the extension headers; stops at a fragment header. */
static unsigned v6_walk(struct view *v)
{
	uint32_t next = v->l3 + offsetof(struct rte_ipv6_hdr, proto);

	for (unsigned i = 0; is_extension(v->frame[next]); i++) {
		const uint8_t *at = v->frame + v->l4;
		uint32_t size;

		if (i == EXTENSIONS)
			return DROP_REFUSED;
		if (v->l4 + 8 > v->end)
			return DROP_MALFORMED;
		if (v->frame[next] == IPPROTO_FRAGMENT)
			return v6_fragment(v, next);
		size = v->frame[next] == IPPROTO_AH ? (at[1] + 2) * 4u : (at[1] + 1) * 8u;
		if (v->l4 + size > v->end)
			return DROP_MALFORMED;
		v->routed |= v->frame[next] == IPPROTO_ROUTING && at[3];
		next = v->l4;
		v->l4 += size;
	}
	v->protocol = v->frame[next];
	return FINE;
}

static unsigned v6_read(struct normalizer *n, struct view *v)
{
	const uint8_t *ip = v->frame + v->l3;

	if (v->l3 + sizeof(struct rte_ipv6_hdr) > v->packet->data_len || ip[0] >> 4 != 6)
		return DROP_MALFORMED;
	v->l4 = v->l3 + sizeof(struct rte_ipv6_hdr);
	v->end = v->l4 + get16(ip + 4);
	if (v->end > v->packet->data_len)
		return DROP_MALFORMED;
	if (ip[7] < n->minimum_ttl)
		return DROP_REFUSED;
	view_trim(n, v);
	return v6_walk(v);
}

/* ---- what IP carries ---- */

/* The sum over the pseudo header and the packet, its checksum among it: 0xffff if that is right. */
static bool sum_is_right(const struct view *v)
{
	const uint8_t *ip = v->frame + v->l3;
	uint32_t length = v->end - v->l4, sum = rte_raw_cksum(v->frame + v->l4, length);

	sum += v->v4 ? rte_raw_cksum(ip + 12, 8) : rte_raw_cksum(ip + 8, 32);
	sum += rte_cpu_to_be_16(v->protocol) + rte_cpu_to_be_16((uint16_t)length);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return v->routed || sum == 0xffff;
}

static unsigned tcp_check(const struct view *v)
{
	const uint8_t *tcp = v->frame + v->l4;
	uint32_t length = v->end - v->l4, header, flags;

	if (length < sizeof(struct rte_tcp_hdr))
		return DROP_MALFORMED;
	header = (tcp[12] >> 4) * 4u;
	if (header < sizeof(struct rte_tcp_hdr) || header > length || !sum_is_right(v))
		return DROP_MALFORMED;
	flags = tcp[13] & 0x3f; /* without those of ECN */
	if (!flags || (flags & RTE_TCP_SYN_FLAG && flags & (RTE_TCP_FIN_FLAG | RTE_TCP_RST_FLAG)))
		return DROP_REFUSED;
	return FINE;
}

static unsigned udp_check(const struct view *v)
{
	const uint8_t *udp = v->frame + v->l4;
	uint32_t length = v->end - v->l4;

	if (length < sizeof(struct rte_udp_hdr) || get16(udp + 4) != length)
		return DROP_MALFORMED;
	if (v->v4 && !get16(udp + 6)) /* sent without checksum */
		return FINE;
	return get16(udp + 6) && sum_is_right(v) ? FINE : DROP_MALFORMED;
}

static unsigned icmp_check(const struct view *v)
{
	uint32_t length = v->end - v->l4;

	if (length < sizeof(struct rte_icmp_hdr) ||
	    rte_raw_cksum(v->frame + v->l4, length) != 0xffff)
		return DROP_MALFORMED;
	return FINE;
}

static unsigned icmp6_check(const struct view *v)
{
	return v->end - v->l4 >= 4 && sum_is_right(v) ? FINE : DROP_MALFORMED;
}

static unsigned l4_check(const struct view *v)
{
	switch (v->protocol) {
	case IPPROTO_TCP:
		return tcp_check(v);
	case IPPROTO_UDP:
		return udp_check(v);
	case IPPROTO_ICMP:
		return v->v4 ? icmp_check(v) : FINE;
	case IPPROTO_ICMPV6:
		return v->v4 ? FINE : icmp6_check(v);
	default:
		return FINE;
	}
}

/* ---- packets ---- */

static unsigned view_read(struct normalizer *n, struct view *v, struct rte_mbuf *m)
{
	v->packet = m;
	v->frame = rte_pktmbuf_mtod(m, uint8_t *);
	v->is_fragment = v->routed = false;
	return v->v4 ? v4_read(n, v) : v6_read(n, v);
}

/* FINE: *V is of a whole packet; its `packet` is NULL if there is none (yet). */
static unsigned normalizer_read(struct normalizer *n, struct burst *b, struct view *v)
{
	unsigned why = view_read(n, v, v->packet);

	if (why != FINE || !v->is_fragment)
		return why;
	n->n_fragments++;
	if (!(v->packet = fragments_add(n->fragments, b, &v->fragment)))
		return FINE;
	n->n_reassembled++;
	v->changed = true;
	why = view_read(n, v, v->packet);
	return why == FINE && v->is_fragment ? DROP_REFUSED : why; /* fragments of a fragment */
}

/* The packet that goes on, or NULL. */
static struct rte_mbuf *normalizer_take(struct normalizer *n, struct burst *b, struct rte_mbuf *m)
{
	const struct packet *known = packet_of(m);
	struct view v = { .packet = m };
	unsigned why = DROP_MALFORMED;

	if (!packet_linear(m))
		why = DROP_REFUSED;
	else if (known->present & PACKET_ETH) {
		v.l3 = known->l3;
		v.v4 = known->eth_type == RTE_ETHER_TYPE_IPV4;
		if (!v.v4 && known->eth_type != RTE_ETHER_TYPE_IPV6)
			return m;
		why = normalizer_read(n, b, &v);
		if (why == FINE && v.packet)
			why = l4_check(&v);
	}
	if (why != FINE) {
		burst_drop(b, v.packet, why);
		return NULL;
	}
	if (v.packet && v.changed)
		packet_parse(v.packet);
	return v.packet;
}

static void normalizer_run(void *state, struct burst *b)
{
	struct normalizer *n = state;
	unsigned out = 0;

	fragments_expire(n->fragments, b);
	for (unsigned i = 0; i < b->n; i++) {
		struct rte_mbuf *m = normalizer_take(n, b, b->at[i]);

		if (m)
			b->at[out++] = m;
	}
	b->n = out;
}

/* Gives no packet back, but drops those that waited too long when nothing else comes. */
static void normalizer_release(void *state, struct burst *b)
{
	fragments_expire(((struct normalizer *)state)->fragments, b);
}

static uint64_t normalizer_due(const void *state)
{
	return fragments_due(((const struct normalizer *)state)->fragments);
}

static void normalizer_adopt(void *state, void *old)
{
	fragments_adopt(((struct normalizer *)state)->fragments,
			((struct normalizer *)old)->fragments);
}

static size_t normalizer_counters(const void *state, struct module_counter *c)
{
	const struct normalizer *n = state;

	c[0] = (struct module_counter){ "fragments", n->n_fragments };
	c[1] = (struct module_counter){ "reassembled", n->n_reassembled };
	c[2] = (struct module_counter){ "waiting", fragments_held(n->fragments) };
	c[3] = (struct module_counter){ "trimmed", n->n_trimmed };
	c[4] = (struct module_counter){ "stripped", n->n_stripped };
	return 5;
}

const struct module_ops module_normalizer = {
	.class = "normalizer",
	.summary = "reassembles fragments, refuses what contradicts itself",
	.open = normalizer_open,
	.close = normalizer_close,
	.run = normalizer_run,
	.release = normalizer_release,
	.due = normalizer_due,
	.adopt = normalizer_adopt,
	.counters = normalizer_counters,
};
