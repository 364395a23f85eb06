#include <config.h>

#include "tests/unit/packets.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

static struct rte_mempool *pool;

void packets_start(const char *name)
{
	const char *arguments[] = {
		name,          "--no-huge",      "-m",       "128", "--no-pci",
		"--no-shconf", "--no-telemetry", "--lcores", "0",   "--file-prefix",
		name,          "--log-level",    "error"
	};
	char *argv[13], *made[13]; /* the EAL moves argv about */

	for (size_t i = 0; i < 13; i++)
		argv[i] = made[i] = strdup(arguments[i]);
	if (rte_eal_init(13, argv) < 0) {
		fputs("the EAL does not start here\n", stderr);
		exit(77);
	}
	for (size_t i = 0; i < 13; i++)
		free(made[i]);
	pool = rte_pktmbuf_pool_create(name, 4095, 0, sizeof(struct packet),
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool)
		exit(77);
}

struct rte_mempool *packets_pool(void)
{
	return pool;
}

struct rte_mbuf *packets_raw(const void *bytes, size_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	memcpy(rte_pktmbuf_append(m, (uint16_t)size), bytes, size);
	memset(packet_of(m), 0, sizeof(struct packet));
	packet_enter(m, 0, rte_rdtsc());
	return m;
}

static struct made completed(const struct made *from)
{
	struct made w = *from;

	w.family = w.family ? w.family : 4;
	w.ttl = w.ttl ? w.ttl : 64;
	w.proto = w.proto ? w.proto : IPPROTO_UDP;
	w.sport = w.sport ? w.sport : 1000;
	w.dport = w.dport ? w.dport : 2000;
	w.size = w.size ? w.size : 64;
	w.src = w.src ? w.src : w.family == 4 ? "10.0.0.1" : "fd00::1";
	w.dst = w.dst ? w.dst : w.family == 4 ? "10.0.0.2" : "fd00::2";
	return w;
}

static size_t put_ethernet(uint8_t *at, const struct made *w)
{
	uint16_t type = htons(w->family == 4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	uint16_t tag[2] = { htons(RTE_ETHER_TYPE_VLAN), htons(w->vlan) };
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	size_t n = sizeof(macs);

	memcpy(at, macs, n);
	if (w->vlan) {
		memcpy(at + n, tag, sizeof(tag));
		n += sizeof(tag);
	}
	memcpy(at + n, &type, sizeof(type));
	return n + sizeof(type);
}

static size_t put_ip(uint8_t *at, const struct made *w, size_t behind)
{
	struct rte_ipv4_hdr *v4 = (void *)at;
	struct rte_ipv6_hdr *v6 = (void *)at;

	if (w->family == 4) {
		v4->version_ihl = RTE_IPV4_VHL_DEF;
		v4->total_length = htons((uint16_t)(sizeof(*v4) + behind));
		v4->time_to_live = w->ttl;
		v4->next_proto_id = w->proto;
		inet_pton(AF_INET, w->src, &v4->src_addr);
		inet_pton(AF_INET, w->dst, &v4->dst_addr);
		v4->hdr_checksum = rte_ipv4_cksum(v4);
		return sizeof(*v4);
	}
	v6->vtc_flow = htonl(6u << 28);
	v6->payload_len = htons((uint16_t)behind);
	v6->hop_limits = w->ttl;
	v6->proto = w->proto;
	inet_pton(AF_INET6, w->src, v6->src_addr);
	inet_pton(AF_INET6, w->dst, v6->dst_addr);
	return sizeof(*v6);
}

static size_t l4_size(const struct made *w)
{
	return w->proto == IPPROTO_TCP   ? sizeof(struct rte_tcp_hdr)
	       : w->proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr)
					 : 0;
}

static void put_l4(uint8_t *at, const struct made *w, size_t size)
{
	struct rte_tcp_hdr *tcp = (void *)at;
	struct rte_udp_hdr *udp = (void *)at;

	if (w->proto == IPPROTO_TCP) {
		tcp->src_port = htons(w->sport);
		tcp->dst_port = htons(w->dport);
		tcp->data_off = sizeof(*tcp) / 4 << 4;
		tcp->tcp_flags = w->tcp_flags;
		tcp->rx_win = htons(1000);
	} else if (w->proto == IPPROTO_UDP) {
		udp->src_port = htons(w->sport);
		udp->dst_port = htons(w->dport);
		udp->dgram_len = htons((uint16_t)size);
	}
}

static void put_checksum(uint8_t *ip, uint8_t *l4, const struct made *w)
{
	size_t offset = w->proto == IPPROTO_TCP ? offsetof(struct rte_tcp_hdr, cksum)
						: offsetof(struct rte_udp_hdr, dgram_cksum);
	uint16_t sum;

	if (!l4_size(w))
		return;
	sum = w->family == 4 ? rte_ipv4_udptcp_cksum((void *)ip, l4)
			     : rte_ipv6_udptcp_cksum((void *)ip, l4);
	memcpy(l4 + offset, &sum, sizeof(sum));
}

struct rte_mbuf *packets_make(const struct made *from)
{
	struct made w = completed(from);
	uint8_t bytes[9216] = { 0 };
	size_t l3 = put_ethernet(bytes, &w), ip = w.family == 4 ? 20 : 40, l4 = l3 + ip;

	put_ip(bytes + l3, &w, w.size - l4);
	put_l4(bytes + l4, &w, w.size - l4);
	for (size_t i = l4 + l4_size(&w); w.payload && *w.payload && i < w.size; i++)
		bytes[i] = (uint8_t)w.payload[(i - l4 - l4_size(&w)) % strlen(w.payload)];
	put_checksum(bytes + l3, bytes + l4, &w);
	return packets_raw(bytes, w.size);
}

struct module_spec packets_spec(const char *id, const char *class)
{
	static struct module_world world;
	static const struct rplan_values nothing;

	world = (struct module_world){
		.directory = "", .pool = pool, .n_workers = 1, .hz = rte_get_tsc_hz()
	};
	return (struct module_spec){
		.id = id, .function = id, .class = class, .config = &nothing, .world = &world
	};
}

struct rplan_named_value packets_number(const char *name, double number)
{
	return (struct rplan_named_value){ name, { .kind = RPLAN_NUMBER, .number = number } };
}

struct rplan_named_value packets_text(const char *name, const char *text)
{
	return (struct rplan_named_value){ name, { .kind = RPLAN_TEXT, .text = text } };
}

struct burst *packets_burst(uint64_t now)
{
	struct burst *b = calloc(1, sizeof(*b));

	b->now = now;
	b->tally = calloc(1, sizeof(*b->tally));
	b->tally->n_states = 1;
	b->tally->dropped = calloc(N_DROP_REASONS, sizeof(uint64_t));
	b->tally->held = calloc(1, sizeof(uint64_t));
	return b;
}

void packets_run(const struct module_ops *ops, void *state, struct burst *b,
		 struct rte_mbuf **packets, unsigned n)
{
	memcpy(b->at, packets, n * sizeof(*packets));
	b->n = n;
	ops->run(state, b);
}

uint64_t packets_dropped(const struct burst *b, enum drop_reason why)
{
	return b->tally->dropped[why];
}

uint64_t packets_held(const struct burst *b)
{
	return b->tally->held[0];
}

void packets_free(struct burst *b)
{
	rte_pktmbuf_free_bulk(b->at, b->n);
	free(b->tally->dropped);
	free(b->tally->held);
	free(b->tally);
	free(b);
}
