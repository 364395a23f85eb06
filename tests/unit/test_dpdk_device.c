#include <config.h>

#include "runtime/dpdk/device.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "runtime/dpdk/pcap.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static struct device_error error;

static struct devices *opened(unsigned n_receive, unsigned n_send)
{
	return devices_new(packets_pool(), n_receive, n_send);
}

static struct device *found(struct devices *d, const char *binding, const char *name)
{
	struct device *device;

	CU_ASSERT_TRUE(devices_bind(d, binding, &error));
	device = devices_find(d, name, &error);
	if (!device)
		puts(error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(device);
	return device;
}

static unsigned taken(struct device *d, unsigned queue, struct rte_mbuf **packets)
{
	return d->ops->receive(d->state, queue, rte_rdtsc(), packets, BURST);
}

static struct device_counts counts_of(const struct device *d)
{
	struct device_counts counts;

	d->ops->counts(d->state, &counts);
	return counts;
}

static void pool_is_full(void)
{
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
}

/* ---- names ---- */

static void refused_binding(const char *binding, const char *why)
{
	struct devices *d = opened(1, 1);

	CU_ASSERT_TRUE(devices_bind(d, "wan=null", &error));
	CU_ASSERT_FALSE(devices_bind(d, binding, &error));
	UNIT_TEXT(why, error.text);
	devices_close(d);
}

static void bindings_refused(void)
{
	refused_binding("lan", "'lan' binds nothing: write POLICY=DEVICE");
	refused_binding("=null", "'=null' binds nothing: write POLICY=DEVICE");
	refused_binding("lan=", "'lan=' binds nothing: write POLICY=DEVICE");
	refused_binding("wan=net_null0", "device 'wan' is bound twice: to null and to net_null0");
	refused_binding("lan=eth0", "device 'lan' cannot be 'eth0': a device is net_NAME, a PCI "
				    "address, port:N, null, generate or replay:FILE");
}

static void refused_device(const char *binding, unsigned n_receive, unsigned n_send,
			   const char *why)
{
	struct devices *d = opened(n_receive, n_send);

	CU_ASSERT_TRUE_FATAL(devices_bind(d, binding, &error));
	CU_ASSERT_PTR_NULL(devices_find(d, "wan", &error));
	UNIT_TEXT(why, error.text);
	CU_ASSERT_EQUAL(devices_count(d), 0);
	devices_close(d);
	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 0);
	pool_is_full();
}

static void devices_refused(void)
{
	refused_device("wan=net_af_packet0,iface=nowhere9", 1, 1,
		       "device 'wan': net_af_packet0 could not be plugged in: "
		       "iface=nowhere9 is not there");
	refused_device("wan=net_pcap0,rx_pcap=/nowhere/x.pcap", 1, 1,
		       "device 'wan': net_pcap0 could not be plugged in: "
		       "rx_pcap=/nowhere/x.pcap: No such file or directory");
	refused_device("wan=port:7", 1, 1, "device 'wan': there is no port 7; the EAL has 0");
	refused_device("wan=0000:3b:00.0", 1, 1,
		       "device 'wan': 0000:3b:00.0 could not be plugged in: it is not there, or "
		       "no driver of DPDK has it");
	refused_device("wan=generate", 1, 1,
		       "device 'wan': no traffic is to be generated; start with --generate");
	refused_device("wan=replay:/nowhere/x.pcap", 1, 1,
		       "device 'wan': /nowhere/x.pcap: No such file or directory");
	refused_device("wan=replay:x,speed=fast", 1, 1,
		       "device 'wan': 'speed=fast': a speed is `max` or 0.001 ... 1000000");
}

static void unknown_driver_refused(void)
{
	struct devices *d = opened(1, 1);

	CU_ASSERT_TRUE(devices_bind(d, "wan=net_nonsense0", &error));
	CU_ASSERT_PTR_NULL(devices_find(d, "wan", &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "device 'wan': net_nonsense0 could not be"));
	devices_close(d);
}

static void unbound_refused(void)
{
	struct devices *d = opened(1, 1);
	uint16_t index;

	CU_ASSERT_PTR_NULL(devices_find(d, "wan", &error));
	UNIT_TEXT("device 'wan' is bound to nothing; start with --device wan=DEVICE", error.text);
	CU_ASSERT_FALSE(devices_index(d, "wan", &index));
	CU_ASSERT_STRING_EQUAL(devices_bound(d, "wan"), "wan");
	devices_close(d);
	devices_close(NULL);
}

static void queues_refused(void)
{
	refused_device("wan=net_pcap0,iface=lo", 2, 1,
		       "device 'wan': net_pcap0,iface=lo has 1 receive queues, and the plan needs "
		       "2: one for each copy of the pipeline");
	refused_device("wan=net_pcap0,iface=lo", 1, 3,
		       "device 'wan': net_pcap0,iface=lo has 1 transmit queues, and the plan needs "
		       "3: one for each worker");
}

/* ---- packets ---- */

static void null_takes_all(void)
{
	struct devices *d = opened(1, 2);
	struct device *null = found(d, "wan=null", "wan");
	struct rte_mbuf *packets[BURST];

	for (unsigned i = 0; i < BURST; i++)
		packets[i] = packets_make(&(struct made){ 0 });
	CU_ASSERT_EQUAL(null->ops->send(null->state, 1, packets, BURST), BURST);
	CU_ASSERT_EQUAL(taken(null, 0, packets), 0);
	CU_ASSERT_EQUAL(counts_of(null).sent, BURST);
	CU_ASSERT_TRUE(null->ops->is_done(null->state));
	devices_close(d);
	pool_is_full();
}

static void ethdev_gives_and_takes(void)
{
	struct devices *d = opened(2, 2);
	struct device *lan = found(d, "lan=null", "lan"), *wan;
	struct rte_mbuf *packets[BURST];

	wan = found(d, "wan=net_null0,size=64", "wan");
	CU_ASSERT_PTR_EQUAL(devices_find(d, "wan", &error), wan);
	CU_ASSERT_EQUAL(lan->index, 0);
	CU_ASSERT_EQUAL(wan->index, 1);
	CU_ASSERT_EQUAL_FATAL(taken(wan, 1, packets), BURST);
	for (unsigned i = 0; i < BURST; i++) {
		CU_ASSERT_PTR_EQUAL(packets[i]->pool, packets_pool());
		CU_ASSERT_EQUAL(packet_of(packets[i])->device, 1);
		CU_ASSERT_EQUAL(packet_of(packets[i])->tags[0], PACKET_NO_TAG);
	}
	CU_ASSERT_EQUAL(wan->ops->send(wan->state, 1, packets, BURST), BURST);
	CU_ASSERT_EQUAL(counts_of(wan).received, BURST);
	CU_ASSERT_EQUAL(counts_of(wan).sent, BURST);
	CU_ASSERT_FALSE(wan->ops->is_done(wan->state));
	devices_close(d);
	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 0);
	pool_is_full();
}

/* net_ring gives back what it is sent. */
static void two_names_share_one_port(void)
{
	struct devices *d = opened(1, 1);
	struct device *in = found(d, "in=net_ring0", "in"), *out = found(d, "out=net_ring0", "out");
	struct rte_mbuf *m = packets_make(&(struct made){ .dport = 53 }), *back[BURST];

	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 1);
	CU_ASSERT_PTR_NOT_EQUAL(in, out);
	CU_ASSERT_EQUAL(out->ops->send(out->state, 0, &m, 1), 1);
	CU_ASSERT_EQUAL_FATAL(taken(in, 0, back), 1);
	CU_ASSERT_PTR_EQUAL(back[0], m);
	CU_ASSERT_EQUAL(packet_of(m)->device, in->index);
	CU_ASSERT_EQUAL(packet_of(m)->dport, 53);
	CU_ASSERT_EQUAL(counts_of(in).received, 1);
	CU_ASSERT_EQUAL(counts_of(in).sent, 0);
	CU_ASSERT_EQUAL(counts_of(out).sent, 1);
	rte_pktmbuf_free(m);
	devices_close(d);
	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 0);
	pool_is_full();
}

static void full_ring_refuses(void)
{
	struct devices *d = opened(1, 1);
	struct device *ring = found(d, "wan=net_ring0", "wan");
	struct rte_mbuf *packets[BURST];
	unsigned in = 0, out = 0, n;

	do {
		for (unsigned i = 0; i < BURST; i++)
			packets[i] = packets_make(&(struct made){ 0 });
		in += n = ring->ops->send(ring->state, 0, packets, BURST);
		rte_pktmbuf_free_bulk(packets + n, BURST - n);
	} while (n == BURST && in < 4000);
	CU_ASSERT_EQUAL(counts_of(ring).refused, BURST - n);
	CU_ASSERT_TRUE(counts_of(ring).refused > 0);
	while ((n = taken(ring, 0, packets))) {
		out += n;
		rte_pktmbuf_free_bulk(packets, n);
	}
	CU_ASSERT_EQUAL(in, out);
	devices_close(d);
	pool_is_full();
}

static struct rte_mbuf *sent_round(struct device *ring, struct rte_mbuf *m)
{
	struct rte_mbuf *back[BURST];

	CU_ASSERT_EQUAL(ring->ops->send(ring->state, 0, &m, 1), 1);
	return taken(ring, 0, back) == 1 ? back[0] : NULL;
}

/* A pool without room for what is known of packets: bytes behind the mbuf are the packet's. */
static void foreign_packets_are_copied(void)
{
	struct rte_mempool *bare =
	    rte_pktmbuf_pool_create("bare", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	struct devices *d = opened(1, 1);
	struct device *ring = found(d, "wan=net_ring0", "wan");
	struct rte_mbuf *ours = packets_make(&(struct made){ .dport = 53 }), *back;
	struct rte_mbuf *foreign = rte_pktmbuf_copy(ours, bare, 0, UINT32_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(foreign);
	back = sent_round(ring, foreign);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_PTR_EQUAL(back->pool, packets_pool());
	CU_ASSERT_EQUAL(packet_of(back)->dport, 53);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(back, void *), rte_pktmbuf_mtod(ours, void *), 64),
			0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(bare), 0);
	rte_pktmbuf_free(back);
	rte_pktmbuf_free(ours);
	devices_close(d);
	rte_mempool_free(bare);
	pool_is_full();
}

/* The packet with its last SIZE bytes in a segment of their own. */
static struct rte_mbuf *split(struct rte_mbuf *m, uint16_t size, uint16_t more)
{
	struct rte_mbuf *tail = rte_pktmbuf_alloc(packets_pool());

	memcpy(rte_pktmbuf_append(tail, size + more),
	       rte_pktmbuf_mtod_offset(m, void *, m->data_len - size), size);
	rte_pktmbuf_trim(m, size);
	rte_pktmbuf_chain(m, tail);
	return m;
}

/* The driver of net_null says that it cannot send segments; a second reference keeps the packet for
 * us to look at. */
static void segments_become_one(void)
{
	struct devices *d = opened(1, 1);
	struct device *null = found(d, "wan=net_null0", "wan");
	struct rte_mbuf *whole = packets_make(&(struct made){ .dport = 53, .size = 200 });
	struct rte_mbuf *m =
	    split(packets_make(&(struct made){ .dport = 53, .size = 200 }), 190, 0);

	rte_mbuf_refcnt_update(m, 1);
	CU_ASSERT_EQUAL(null->ops->send(null->state, 0, &m, 1), 1);
	CU_ASSERT_EQUAL(m->nb_segs, 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod(m, void *), rte_pktmbuf_mtod(whole, void *), 200),
			0);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(whole);
	devices_close(d);
	pool_is_full();
}

static void unsendable_stays(void)
{
	struct devices *d = opened(1, 1);
	struct device *null = found(d, "wan=net_null0", "wan");
	struct rte_mbuf *huge = split(packets_make(&(struct made){ .size = 2000 }), 100, 1000);
	struct rte_mbuf *first = packets_make(&(struct made){ 0 });
	struct rte_mbuf *second = packets_make(&(struct made){ 0 });
	struct rte_mbuf *all[] = { first, huge, second };

	CU_ASSERT_EQUAL(null->ops->send(null->state, 0, all, 3), 2);
	CU_ASSERT_PTR_EQUAL(all[0], first);
	CU_ASSERT_PTR_EQUAL(all[1], second);
	CU_ASSERT_PTR_EQUAL(all[2], huge);
	CU_ASSERT_EQUAL(counts_of(null).sent, 2);
	CU_ASSERT_EQUAL(counts_of(null).refused, 1);
	rte_pktmbuf_free(huge);
	devices_close(d);
	pool_is_full();
}

/* Put into the ring behind the device's back, so that nobody makes one piece of them before. */
static void received_segments(void)
{
	struct devices *d = opened(1, 1);
	struct device *ring = found(d, "wan=net_ring0", "wan");
	struct rte_mbuf *small = split(packets_make(&(struct made){ .size = 200 }), 190, 0);
	struct rte_mbuf *huge = split(packets_make(&(struct made){ .size = 2000 }), 100, 1000);
	struct rte_mbuf *back[BURST], *both[2] = { huge, small };

	CU_ASSERT_EQUAL(rte_eth_tx_burst(0, 0, both, 2), 2);
	CU_ASSERT_EQUAL_FATAL(taken(ring, 0, back), 1);
	CU_ASSERT_PTR_EQUAL(back[0], small);
	CU_ASSERT_EQUAL(small->nb_segs, 1);
	CU_ASSERT_EQUAL(counts_of(ring).received, 1);
	CU_ASSERT_EQUAL(counts_of(ring).missed, 1);
	rte_pktmbuf_free(small);
	devices_close(d);
	pool_is_full();
}

/* ---- files ---- */

static void write_pcap(const char *path, struct rte_mbuf *const *packets, unsigned n)
{
	FILE *f = fopen(path, "wb");
	uint8_t head[PCAP_FILE_HEADER], frame[PCAP_FRAME_HEADER];

	pcap_put_file(head, 65535);
	fwrite(head, sizeof(head), 1, f);
	for (unsigned i = 0; i < n; i++) {
		pcap_put_frame(frame, i * 1000, packets[i]->pkt_len, packets[i]->pkt_len);
		fwrite(frame, sizeof(frame), 1, f);
		fwrite(rte_pktmbuf_mtod(packets[i], void *), packets[i]->pkt_len, 1, f);
	}
	fclose(f);
}

static void pcap_file_comes_in(void)
{
	char path[] = "/tmp/epic-device-XXXXXX", binding[100];
	struct rte_mbuf *packets[5], *back[BURST];
	struct devices *d = opened(1, 1);
	struct device *file;

	close(mkstemp(path));
	for (unsigned i = 0; i < N(packets); i++)
		packets[i] = packets_make(&(struct made){ .dport = (uint16_t)(100 + i) });
	write_pcap(path, packets, N(packets));
	snprintf(binding, sizeof(binding), "wan=net_pcap0,rx_pcap=%s", path);
	file = found(d, binding, "wan");
	CU_ASSERT_EQUAL_FATAL(taken(file, 0, back), N(packets));
	for (unsigned i = 0; i < N(packets); i++)
		CU_ASSERT_EQUAL(packet_of(back[i])->dport, 100 + i);
	CU_ASSERT_EQUAL(taken(file, 0, back + N(packets)), 0);
	rte_pktmbuf_free_bulk(back, N(packets));
	rte_pktmbuf_free_bulk(packets, N(packets));
	devices_close(d);
	unlink(path);
	pool_is_full();
}

static void existing_port_is_used(void)
{
	struct devices *d = opened(1, 1);
	struct device *wan;
	uint16_t id;

	CU_ASSERT_EQUAL_FATAL(rte_eal_hotplug_add("vdev", "net_null7", ""), 0);
	wan = found(d, "wan=net_null7,size=1500", "wan");
	CU_ASSERT_PTR_NOT_NULL(wan);
	CU_ASSERT_EQUAL(rte_eth_dev_get_port_by_name("net_null7", &id), 0);
	CU_ASSERT_PTR_NOT_NULL(found(d, "lan=port:0", "lan"));
	CU_ASSERT_EQUAL(rte_eth_dev_count_avail(), 1);
	devices_close(d);
	rte_eal_hotplug_remove("vdev", "net_null7");
	pool_is_full();
}

static const struct unit units[] = {
	{ "bindings_that_are_none_or_given_twice_are_refused", bindings_refused },
	{ "devices_that_are_not_there_are_refused_with_the_reason", devices_refused },
	{ "a_virtual_device_that_no_driver_knows_is_refused", unknown_driver_refused },
	{ "a_name_that_is_bound_to_nothing_is_refused", unbound_refused },
	{ "too_few_queues_are_refused_with_both_numbers", queues_refused },
	{ "null_takes_all_packets_and_gives_none", null_takes_all },
	{ "an_ethdev_gives_parsed_packets_of_our_pool_and_takes_them", ethdev_gives_and_takes },
	{ "two_names_of_one_port_share_it_and_count_apart", two_names_share_one_port },
	{ "what_a_full_ring_does_not_take_stays_with_the_sender", full_ring_refuses },
	{ "packets_of_a_pool_without_room_are_copied", foreign_packets_are_copied },
	{ "segments_are_made_one_for_a_device_that_cannot_send_them", segments_become_one },
	{ "what_a_device_cannot_send_holds_up_nothing_else", unsendable_stays },
	{ "received_segments_become_one_or_are_counted_as_missed", received_segments },
	{ "a_pcap_file_comes_in_through_its_driver", pcap_file_comes_in },
	{ "a_port_that_the_eal_has_already_is_used", existing_port_is_used },
};

int main(void)
{
	packets_start("epic-test-device");
	return unit_main("dpdk devices", units, N(units));
}
