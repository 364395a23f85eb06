/* Reading packets, and filters on them: runtime/dpdk/packet.h, runtime/dpdk/filter.h. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/filter.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

/* ---- packets ---- */

enum { ETHERNET = 14, IP4 = 20, IP6 = 40 };

static struct rte_mbuf *udp4(void)
{
	return packets_make(&(struct made){ .dport = 53 });
}

static uint8_t *bytes_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static const struct packet *parsed(struct rte_mbuf *m)
{
	packet_parse(m);
	return packet_of(m);
}

static void reads_udp(void)
{
	struct rte_mbuf *m = udp4();
	const struct packet *p = packet_of(m);

	CU_ASSERT_EQUAL(p->present, PACKET_ETH | PACKET_IP4 | PACKET_L4);
	CU_ASSERT_EQUAL(p->dport, 53);
	CU_ASSERT_EQUAL(p->dst[3], 0x0a000002);
	CU_ASSERT_EQUAL(p->dst[0], 0);
	CU_ASSERT_EQUAL(p->eth_dst, 0x020000000002);
	CU_ASSERT_EQUAL(p->eth_src, 0x020000000001);
	CU_ASSERT_EQUAL(p->l3, ETHERNET);
	CU_ASSERT_EQUAL(p->l4, ETHERNET + IP4);
	CU_ASSERT_EQUAL(p->payload, ETHERNET + IP4 + 8);
	rte_pktmbuf_free(m);
}

static void reads_tcp_behind_a_tag(void)
{
	struct rte_mbuf *m = packets_make(
	    &(struct made){ .family = 6, .proto = 6, .tcp_flags = 0x12, .vlan = 7, .size = 90 });
	const struct packet *p = packet_of(m);

	CU_ASSERT_EQUAL(p->present, PACKET_ETH | PACKET_VLAN | PACKET_IP6 | PACKET_L4 | PACKET_TCP);
	CU_ASSERT_EQUAL(p->vlan, 7);
	CU_ASSERT_EQUAL(p->eth_type, 0x86dd);
	CU_ASSERT_EQUAL(p->tcp_flags, 0x12);
	CU_ASSERT_EQUAL(p->src[0], 0xfd000000);
	CU_ASSERT_EQUAL(p->src[3], 1);
	CU_ASSERT_EQUAL(p->l4, ETHERNET + 4 + IP6);
	rte_pktmbuf_free(m);
}

static void a_later_fragment_has_no_ports(void)
{
	struct rte_mbuf *m = udp4();
	const struct packet *p;

	bytes_of(m)[ETHERNET + 7] = 1;
	p = parsed(m);
	CU_ASSERT_EQUAL(p->present, PACKET_ETH | PACKET_IP4);
	CU_ASSERT_EQUAL(p->frag, 1);
	CU_ASSERT_EQUAL(p->proto, 17);
	CU_ASSERT_EQUAL(p->dport, 0);
	bytes_of(m)[ETHERNET + 7] = 0;
	bytes_of(m)[ETHERNET + 6] = 0x20; /* more fragments: the first */
	CU_ASSERT_EQUAL(parsed(m)->dport, 53);
	rte_pktmbuf_free(m);
}

static void headers_of_ipv6_are_skipped(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .family = 6, .size = 100 });
	uint8_t *ip = bytes_of(m) + ETHERNET;
	const struct packet *p;

	memset(ip + IP6, 0, 40);
	ip[6] = 0;    /* hop by hop, 8 bytes */
	ip[IP6] = 43; /* routing, 16 bytes */
	ip[IP6 + 8] = 44;
	ip[IP6 + 9] = 1;
	ip[IP6 + 24] = 17; /* a first fragment */
	ip[IP6 + 27] = 1;
	ip[IP6 + 35] = 53;
	p = parsed(m);
	CU_ASSERT_EQUAL(p->proto, 17);
	CU_ASSERT_EQUAL(p->frag, 0);
	CU_ASSERT_EQUAL(p->dport, 53);
	CU_ASSERT_EQUAL(p->l4, ETHERNET + IP6 + 32);
	ip[IP6 + 26] = 1; /* a later one */
	p = parsed(m);
	CU_ASSERT_EQUAL(p->frag, 1);
	CU_ASSERT_EQUAL(p->present, PACKET_ETH | PACKET_IP6);
	rte_pktmbuf_free(m);
}

static void what_contradicts_itself_is_absent(void)
{
	struct rte_mbuf *m = udp4();
	uint8_t *ip = bytes_of(m) + ETHERNET;

	ip[0] = 0x44; /* a header of 16 bytes */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH);
	ip[0] = 0x65; /* version 6 */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH);
	ip[0] = 0x45;
	ip[3]++; /* a byte more than the frame has */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH);
	CU_ASSERT_EQUAL(parsed(m)->src[3], 0);
	CU_ASSERT_EQUAL(parsed(m)->l4, 64);
	ip[3]--;
	CU_ASSERT_TRUE(parsed(m)->present & PACKET_L4);
	rte_pktmbuf_free(m);
}

static void a_cut_header_is_absent(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .proto = 6 });
	uint8_t *ip = bytes_of(m) + ETHERNET;

	ip[3] = IP4 + 19; /* behind it is padding */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH | PACKET_IP4);
	CU_ASSERT_EQUAL(parsed(m)->sport, 0);
	ip[3] = IP4 + 20;
	CU_ASSERT_TRUE(parsed(m)->present & PACKET_TCP);
	ip[IP4 + 12] = 4 << 4; /* a header of 16 bytes */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH | PACKET_IP4);
	rte_pktmbuf_free(m);
}

static void only_the_first_segment_is_read(void)
{
	struct rte_mbuf *m = udp4();

	m->data_len = ETHERNET + IP4 + 4; /* the frame still has 64 bytes */
	CU_ASSERT_EQUAL(parsed(m)->present, PACKET_ETH | PACKET_IP4);
	CU_ASSERT_EQUAL(parsed(m)->payload, ETHERNET + IP4);
	m->data_len = 64;
	rte_pktmbuf_free(m);
}

static void parsing_again_keeps_what_is_not_of_the_bytes(void)
{
	struct rte_mbuf *m = udp4();
	struct packet *p = packet_of(m);

	p->device = 3;
	p->state = 4;
	p->early = 5;
	p->arrived = 6;
	p->tags[7] = 8;
	packet_parse(m);
	CU_ASSERT_TRUE(p->device == 3 && p->state == 4 && p->early == 5 && p->arrived == 6 &&
		       p->tags[7] == 8);
	packet_enter(m, 9, 10);
	CU_ASSERT_TRUE(p->device == 9 && p->arrived == 10 && p->tags[7] == PACKET_NO_TAG);
	CU_ASSERT_EQUAL(p->dport, 53);
	rte_pktmbuf_free(m);
}

/* ---- texts ---- */

static bool find_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg;
	*tag = 3;
	return !strcmp(name, "edge.ids.verdict");
}

static bool find_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg;
	*index = !strcmp(value, "drop");
	return tag == 3 && (*index || !strcmp(value, "pass"));
}

static bool find_device(void *arg, const char *name, uint16_t *index)
{
	(void)arg;
	*index = 0;
	return !strcmp(name, "a\"b");
}

static const struct filter *filter_of(const char *text)
{
	static const struct filter_names names = { find_tag, find_value, find_device, NULL };
	struct filter_error error;
	const struct filter *f = filter_parse(text, &names, &error);

	if (!f)
		printf("%s: %s\n", text, error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static void refused(const char *text, const char *because)
{
	static const struct filter_names names = { find_tag, find_value, find_device, NULL };
	struct filter_error error;
	const struct filter *f = filter_parse(text, &names, &error);

	CU_ASSERT_PTR_NULL(f);
	UNIT_TEXT(because, error.text);
	filter_free(f);
}

static bool holds(const char *text, const struct rte_mbuf *m)
{
	const struct filter *f = filter_of(text);
	bool answer = filter_holds(f, packet_of((struct rte_mbuf *)m));

	filter_free(f);
	return answer;
}

static void a_refusal_says_where(void)
{
	refused("ip.proto == 6 and ip.sorc == 1", "character 19: packets have no field 'ip.sorc'");
	refused("http.host == \"a\"",
		"character 1: this needs a function that derives it: 'http.host'");
	refused("tls.sni == \"a\"",
		"character 1: this needs a function that derives it: 'tls.sni'");
	refused("l4.dport == 65536", "character 13: no value of the field: '65536'");
	refused("ip.dst in 10.0.0.1/8", "character 11: this is no prefix");
	refused("ip.dst in 10.0.0.0/33", "character 11: this is no prefix");
	refused("l4.dport in 9..8", "character 13: the range is of two families, or its end is "
				    "before its start");
	refused("ip.src in 10.0.0.1..::1", "character 11: the range is of two families, or its "
					   "end is before its start");
	refused("edge.ids.verdict == other", "character 21: the attribute has no value 'other'");
	refused("(true", "character 6: ')' is expected");
	refused("", "character 1: a field is expected");
	refused("true false", "character 6: 'and', 'or' or the end is expected");
	refused("ip.ttl < 5", "character 8: '==' or 'in' is expected");
	refused("ip.ttl in {}", "character 12: a value is expected");
	refused("port.in == \"äö\" x", "character 17: 'and', 'or' or the end is expected");
	refused("port.in == \"a", "character 12: the string does not end");
}

static void nesting_and_size_are_bounded(void)
{
	size_t n = 100000;
	char *deep = malloc(2 * n + 5), *many = malloc(8 * n + 1), *huge = malloc(n * 11 + 1);
	struct filter_error error;

	memset(deep, '(', n);
	strcpy(deep + n, "true");
	memset(deep + n + 4, ')', n);
	deep[2 * n + 4] = '\0';
	*many = *huge = '\0';
	for (size_t i = 0; i < n; i++) {
		strcpy(many + 8 * i, i + 1 < n ? "true or " : "true");
		strcpy(huge + 11 * i, "           ");
	}
	refused(deep, "character 65: the filter is nested too deeply");
	refused(huge, "the filter is longer than 1048576 characters");
	CU_ASSERT_PTR_NULL(filter_parse(many, NULL, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "the filter has too many parts"));
	free(deep);
	free(many);
	free(huge);
}

static void a_comparison_needs_its_field(void)
{
	struct rte_mbuf *m = udp4();

	CU_ASSERT_TRUE(holds("ip.proto == 17 and l4.dport == 53", m));
	CU_ASSERT_FALSE(holds("vlan.id in 0..4094", m));
	CU_ASSERT_TRUE(holds("not vlan.id in 0..4094", m));
	CU_ASSERT_FALSE(holds("ip.src in ::/0", m));
	CU_ASSERT_TRUE(holds("ip.src in 0.0.0.0/0", m));
	CU_ASSERT_TRUE(holds("not icmp.type == 0 and not tcp.flags == 0", m));
	CU_ASSERT_TRUE(holds("eth.src in {00:00:00:00:00:00, 02:00:00:00:00:01}", m));
	CU_ASSERT_FALSE(holds("eth.src in 02:00:00:00:00:02..ff:ff:ff:ff:ff:ff", m));
	rte_pktmbuf_free(m);
}

static void devices_and_attributes_are_known_by_name(void)
{
	struct rte_mbuf *m = udp4();

	CU_ASSERT_TRUE(holds("port.in == \"a\\\"b\"", m));
	CU_ASSERT_FALSE(holds("port.in == \"nowhere\"", m));
	CU_ASSERT_TRUE(holds("not port.in in {\"nowhere\", \"never\"}", m));
	CU_ASSERT_FALSE(holds("edge.ids.verdict in {drop, pass}", m));
	packet_of(m)->tags[3] = 1;
	CU_ASSERT_TRUE(holds("edge.ids.verdict == drop", m));
	CU_ASSERT_FALSE(holds("edge.ids.verdict == pass", m));
	rte_pktmbuf_free(m);
}

static void a_conjunction_takes_its_filters_over(void)
{
	struct rte_mbuf *m = udp4();
	const struct filter *two[] = { filter_of("ip.proto == 17"), filter_of("l4.dport == 54") };
	const struct filter *both = filter_all(two, 2), *one, *none = filter_all(NULL, 0);

	CU_ASSERT_FALSE(filter_holds(both, packet_of(m)));
	packet_of(m)->dport = 54;
	CU_ASSERT_TRUE(filter_holds(both, packet_of(m)));
	CU_ASSERT_TRUE(filter_holds(none, packet_of(m)));
	one = filter_all(&both, 1);
	CU_ASSERT_PTR_EQUAL(one, both);
	filter_free(one);
	filter_free(none);
	filter_free(NULL);
	rte_pktmbuf_free(m);
}

/* ---- choosers ---- */

static const enum chooser_how ways[] = { CHOOSER_PLAIN, CHOOSER_BPF, CHOOSER_ACL, CHOOSER_AUTO };

static struct chooser *chooser_of(const struct filter *const *filters, size_t n,
				  enum chooser_how how)
{
	struct filter_error error;
	struct chooser *c = chooser_open("test", filters, n, how, &error);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static void the_first_that_holds_is_chosen(void)
{
	const struct filter *filters[] = { filter_of("ip.dst in 10.1.0.0/16"),
					   filter_of("ip.dst in 10.0.0.0/8 and l4.dport == 53"),
					   filter_of("ip.dst in 10.0.0.0/8"),
					   filter_of("ip.proto in 0..255") };
	struct rte_mbuf *m[] = { packets_make(&(struct made){ .dst = "10.1.2.3" }), udp4(),
				 packets_make(&(struct made){ .dst = "10.9.9.9" }),
				 packets_make(&(struct made){ .family = 6 }) };
	int16_t first[4];
	uint64_t all[4];

	for (size_t i = 0; i < 4; i++) {
		struct chooser *c = chooser_of(filters, 4, ways[i]);

		chooser_first(c, m, 4, first);
		chooser_all(c, m, 4, all);
		CU_ASSERT_TRUE(first[0] == 0 && first[1] == 1 && first[2] == 2 && first[3] == 3);
		CU_ASSERT_TRUE(all[0] == 13 && all[1] == 14 && all[2] == 12 && all[3] == 8);
		chooser_close(c);
	}
	rte_pktmbuf_free_bulk(m, 4);
	for (size_t i = 0; i < 4; i++)
		filter_free(filters[i]);
}

static void where_none_holds_none_is_chosen(void)
{
	const struct filter *filters[] = { filter_of("false"), filter_of("vlan.id == 1") };
	struct rte_mbuf *m = udp4();
	int16_t first = 7;
	uint64_t all = 7;

	for (size_t i = 0; i < 4; i++)
		for (size_t n = 0; n <= 2; n++) {
			struct chooser *c = chooser_of(filters, n, ways[i]);

			chooser_first(c, &m, 1, &first);
			chooser_all(c, &m, 1, &all);
			CU_ASSERT_TRUE(first == -1 && all == 0);
			chooser_close(c);
		}
	rte_pktmbuf_free(m);
	filter_free(filters[0]);
	filter_free(filters[1]);
}

static void the_way_follows_from_the_filters(void)
{
	const struct filter *filters[100];
	struct filter_error error;
	struct chooser *c;
	char text[64];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "ip.dst in 10.%d.0.0/16", i);
		filters[i] = filter_of(text);
	}
	c = chooser_of(filters, 4, CHOOSER_AUTO);
	UNIT_TEXT("bpf", chooser_name(c));
	chooser_close(c);
	c = chooser_of(filters, 100, CHOOSER_AUTO);
	UNIT_TEXT("acl", chooser_name(c));
	chooser_close(c);
	CU_ASSERT_PTR_NULL(chooser_open("many", filters, 4097, CHOOSER_AUTO, &error));
	UNIT_TEXT("many: more than 4096 filters", error.text);
	chooser_close(NULL);
	for (int i = 0; i < 100; i++)
		filter_free(filters[i]);
}

/* ---- samples ---- */

static void sampled(const char *text, bool possible)
{
	const struct filter *f = filter_of(text);
	struct rte_mbuf *m = udp4();
	uint64_t seed = 1;

	for (int i = 0; i < 50; i++) {
		struct packet p = *packet_of(m);

		CU_ASSERT_EQUAL(filter_sample(f, &seed, &p), possible);
		CU_ASSERT_EQUAL(filter_holds(f, &p), possible);
	}
	filter_free(f);
	rte_pktmbuf_free(m);
}

static void samples_are_found(void)
{
	sampled("true", true);
	sampled("ip.proto == 6 and l4.dport == 443 and not ip.src in 10.0.0.0/8", true);
	sampled("ip.dst in 2001:db8::/32 and not ip.dst in 2001:db8::/33 and icmp.type == 128",
		true);
	sampled("not ip.src in 0.0.0.0/0 and tcp.flags in {2, 18}", true);
	sampled("not ip.src in {0.0.0.0/0, ::/0}", true);
	sampled("vlan.id == 5 and not eth.type in {2048, 34525} and not ip.ttl == 3", true);
	sampled("edge.ids.verdict == drop and port.in == \"a\\\"b\"", true);
	sampled("ip.frag == 1 and ip.proto == 6", true);
	sampled("false", false);
	sampled("ip.frag == 1 and l4.dport == 6", false);
	sampled("ip.proto == 17 and tcp.flags == 6", false);
	sampled("ip.src in 10.0.0.0/8 and ip.dst in ::/0", false);
}

static void a_sample_keeps_what_the_filter_leaves_open(void)
{
	const struct filter *f = filter_of("ip.dst in 192.0.2.0/24 and l4.dport in 1..9");
	struct rte_mbuf *m = udp4();
	uint64_t seed = 1, seen = 0;

	for (int i = 0; i < 100; i++) {
		struct packet p = *packet_of(m);

		CU_ASSERT_TRUE(filter_sample(f, &seed, &p));
		CU_ASSERT_TRUE(p.proto == 17 && p.sport == 1000 && p.src[3] == 0x0a000001);
		CU_ASSERT_EQUAL(p.present, packet_of(m)->present);
		seen |= UINT64_C(1) << p.dport;
	}
	CU_ASSERT_EQUAL(seen, 0x3fe);
	filter_free(f);
	rte_pktmbuf_free(m);
}

static void packets_are_given_back(void)
{
	CU_ASSERT_TRUE(rte_mempool_full(packets_pool()));
}

int main(void)
{
	static const struct unit units[] = {
		{ "the_headers_of_a_udp_packet_are_read", reads_udp },
		{ "tcp_in_ipv6_behind_a_vlan_tag_is_read", reads_tcp_behind_a_tag },
		{ "a_later_fragment_has_no_ports", a_later_fragment_has_no_ports },
		{ "extension_headers_of_ipv6_are_skipped", headers_of_ipv6_are_skipped },
		{ "a_header_that_contradicts_itself_is_absent", what_contradicts_itself_is_absent },
		{ "a_header_that_is_cut_is_absent", a_cut_header_is_absent },
		{ "only_the_first_segment_is_read", only_the_first_segment_is_read },
		{ "parsing_again_keeps_what_is_not_of_the_bytes",
		  parsing_again_keeps_what_is_not_of_the_bytes },
		{ "a_refusal_says_at_which_character", a_refusal_says_where },
		{ "nesting_and_size_of_a_filter_are_bounded", nesting_and_size_are_bounded },
		{ "a_comparison_is_false_where_its_field_is_absent", a_comparison_needs_its_field },
		{ "devices_and_attributes_are_known_by_name",
		  devices_and_attributes_are_known_by_name },
		{ "a_conjunction_takes_its_filters_over", a_conjunction_takes_its_filters_over },
		{ "the_first_filter_that_holds_is_chosen", the_first_that_holds_is_chosen },
		{ "where_no_filter_holds_none_is_chosen", where_none_holds_none_is_chosen },
		{ "the_way_of_choosing_follows_from_the_filters",
		  the_way_follows_from_the_filters },
		{ "a_sample_is_found_where_there_is_one", samples_are_found },
		{ "a_sample_keeps_what_the_filter_leaves_open",
		  a_sample_keeps_what_the_filter_leaves_open },
		{ "all_packets_are_given_back", packets_are_given_back },
	};

	packets_start("test_dpdk_filter");
	return unit_main("dpdk_filter", units, sizeof(units) / sizeof(*units));
}
