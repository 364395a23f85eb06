/* libFuzzer entry: whatever the bytes of a frame, no byte behind them is read, what is found
 * goes together, and filters say the same of it in every way. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST_BYTES = 65535, N_FILTERS = 8 };

struct framed {
	struct rte_mbuf m;
	struct packet p;
};

_Static_assert(offsetof(struct framed, p) == sizeof(struct rte_mbuf), "where packet_of looks");

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_offsets(const struct packet *p, size_t size)
{
	demand(p->l3 <= size && p->l4 <= size && p->payload <= size);
	demand(p->l3 <= p->l4 && p->l4 <= p->payload);
	demand(!(p->present & PACKET_IP4) || p->l3 + 20 <= p->l4);
	demand(!(p->present & PACKET_IP6) || p->l3 + 40 <= p->l4);
	demand(!(p->present & PACKET_TCP) || p->l4 + 20 <= p->payload);
	demand(!(p->present & (PACKET_L4 | PACKET_ICMP)) || p->l4 + 8 <= p->payload);
}

static void check_shape(const struct packet *p)
{
	bool ip = p->present & PACKET_IP;

	demand((p->present & PACKET_IP) != PACKET_IP);
	demand(ip || !(p->present & (PACKET_L4 | PACKET_TCP | PACKET_ICMP)));
	demand(!(p->present & (PACKET_L4 | PACKET_ICMP)) || !p->frag);
	demand(!(p->present & PACKET_TCP) || (p->present & PACKET_L4 && p->proto == 6));
	demand(p->present & PACKET_L4 || (!p->sport && !p->dport));
	demand(ip || (!p->proto && !p->ttl && !p->dscp && !p->frag));
	demand(p->vlan <= 4094 && p->dscp <= 63 && p->frag <= 1);
	demand(p->device == 7 && p->tags[0] == PACKET_NO_TAG && p->arrived == 9);
}

struct all_filters {
	const struct filter *at[N_FILTERS];
	struct chooser *code;
};

static void open_filters(struct all_filters *all)
{
	static const char *const texts[N_FILTERS] = {
		"ip.frag == 1",
		"ip.proto == 6 and l4.dport in 0..1023 and not tcp.flags in {2, 18}",
		"ip.src in {10.0.0.0/8, fd00::/8} or not ip.dst in ::..2001:db8::ffff",
		"icmp.type in 1..200 or icmp.code == 0",
		"vlan.id in {0..100, 200..4094}",
		"eth.src in 00:00:00:00:00:01..aa:bb:cc:dd:ee:ff and ip.ttl in 2..255",
		"not eth.type in {2048, 34525}",
		"ip.dscp in 0..31 or l4.sport == 0",
	};
	struct filter_error error;

	for (int i = 0; i < N_FILTERS; i++) {
		all->at[i] = filter_parse(texts[i], NULL, &error);
		demand(all->at[i]);
	}
	all->code = chooser_open("code", all->at, N_FILTERS, CHOOSER_BPF, &error);
	demand(all->code);
}

/* They are opened once and kept: to make machine code takes longer than all the rest. */
static void check_filters(struct rte_mbuf *m)
{
	static struct all_filters all;
	uint64_t mask;

	if (!all.code)
		open_filters(&all);
	chooser_all(all.code, &m, 1, &mask);
	for (int i = 0; i < N_FILTERS; i++)
		demand((mask >> i & 1) == filter_holds(all.at[i], packet_of(m)));
}

/* MORE bytes are in a second segment. */
static void parse(const uint8_t *bytes, size_t size, uint32_t more)
{
	struct framed f = { .m = { .data_len = (uint16_t)size, .pkt_len = (uint32_t)size + more } };

	f.m.buf_addr = malloc(size ? size : 1);
	if (size)
		memcpy(f.m.buf_addr, bytes, size);
	memset(&f.p, 0xa5, sizeof(f.p));
	packet_enter(&f.m, 7, 9);
	check_offsets(&f.p, size);
	check_shape(&f.p);
	check_filters(&f.m);
	free(f.m.buf_addr);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > MOST_BYTES)
		return 0;
	parse(bytes, size, 0);
	parse(bytes, size, 1000);
	return 0;
}
