/* Source NAT on real packets, both directions. */
#include <config.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "tests/unit/stateful.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_nat;

static const struct module_ops *const ops = &module_nat;

static void *open_with(struct settings *s)
{
	struct module_error e = { "" };
	void *state = stateful_open(ops, s, &e);

	UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static struct settings usual(const char *external)
{
	struct settings s = { 0 };

	settings_add(&s, packets_text("external", external));
	settings_add(&s, packets_text("inside", "10.0.0.0/8"));
	return s;
}

static void *open_usual(void)
{
	struct settings s = usual("192.0.2.1");

	return open_with(&s);
}

static void refuses(struct settings *s, const char *why)
{
	struct module_error e = { "" };

	CU_ASSERT_PTR_NULL(stateful_open(ops, s, &e));
	UNIT_TEXT(why, e.text);
}

static uint32_t address(const char *text)
{
	struct in_addr a;

	inet_pton(AF_INET, text, &a);
	return ntohl(a.s_addr);
}

static const char *text_of(uint32_t at)
{
	static char text[4][INET_ADDRSTRLEN];
	static unsigned turn;
	struct in_addr a = { htonl(at) };

	turn = (turn + 1) % 4;
	return inet_ntop(AF_INET, &a, text[turn], sizeof(text[turn]));
}

/* Goes out, and is as it should be; the external port. */
static uint16_t out(void *state, const struct made *w, uint64_t now)
{
	struct rte_mbuf *m = stateful_pass(ops, state, packets_make(w), now, NULL);
	uint16_t port;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(packet_of(m)->src[3], address("192.0.2.1"));
	CU_ASSERT_EQUAL(packet_of(m)->dport, w->dport ? w->dport : 2000);
	CU_ASSERT(stateful_sums_hold(m));
	CU_ASSERT(stateful_is_parsed(m));
	port = packet_of(m)->sport;
	rte_pktmbuf_free(m);
	return port;
}

/* The answer to it comes in, to where it came from. */
static bool answered(void *state, const struct made *w, uint16_t port, uint64_t now)
{
	struct made back = { .proto = w->proto,
			     .src = w->dst,
			     .dst = "192.0.2.1",
			     .sport = w->dport,
			     .dport = port,
			     .tcp_flags = RTE_TCP_ACK_FLAG };
	struct rte_mbuf *m = stateful_pass(ops, state, packets_make(&back), now, NULL);
	bool passed = m;

	if (m) {
		CU_ASSERT_EQUAL(packet_of(m)->dst[3], address(w->src));
		CU_ASSERT_EQUAL(packet_of(m)->dport, w->sport);
		CU_ASSERT_EQUAL(packet_of(m)->src[3], address(w->dst));
		CU_ASSERT(stateful_sums_hold(m));
		CU_ASSERT(stateful_is_parsed(m));
	}
	rte_pktmbuf_free(m);
	return passed;
}

static void refuses_what_it_cannot_do(void)
{
	struct settings none = { 0 }, no_inside = { 0 }, six = usual("2001:db8::/64"),
			both = usual("10.1.2.3"), large = usual("203.0.0.0/16"),
			odd = usual("192.0.2.1"), word = usual("192.0.2.1"),
			text = usual("somewhere"), ports = usual("192.0.2.1");

	refuses(&none, "inside: a nat needs at least one prefix");
	settings_add(&none, packets_text("inside", "10.0.0.0/8"));
	refuses(&none, "external: a nat needs at least one address");
	settings_add(&no_inside, packets_text("external", "192.0.2.1"));
	refuses(&no_inside, "inside: a nat needs at least one prefix");
	refuses(&six, "external: a nat translates IPv4 only");
	refuses(&both, "external: an address of it is also inside");
	refuses(&large, "external: a nat has at most 1024 addresses");
	settings_add(&odd, packets_text("colour", "blue"));
	refuses(&odd, "colour: class nat has no such setting");
	settings_add(&word, packets_text("ipv6", "maybe"));
	refuses(&word, "ipv6: 'maybe' is not among its words; the first is 'pass'");
	refuses(&text, "external: somewhere is no prefix");
	settings_numbers(&ports, "ports", (const double[]){ 9, 5 }, 2);
	refuses(&ports, "ports: a range within 1..65535 is due");
}

static void translates_both_ways(void)
{
	static const uint8_t protos[] = { IPPROTO_UDP, IPPROTO_TCP };
	void *state = open_usual();
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < 2; i++) {
		struct made w = { .proto = protos[i],
				  .src = "10.1.2.3",
				  .dst = "198.51.100.7",
				  .sport = 4444,
				  .dport = 53,
				  .tcp_flags = RTE_TCP_SYN_FLAG,
				  .payload = "odd bytes",
				  .size = 97 };
		uint16_t port = out(state, &w, now);

		CU_ASSERT(port >= 1024);
		CU_ASSERT(answered(state, &w, port, now));
		CU_ASSERT_EQUAL(out(state, &w, now), port);
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 2);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "translated_out"), 4);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "translated_in"), 2);
	ops->close(state);
}

/* Only source, port and the three checksums change. */
static void leaves_other_bytes_alone(void)
{
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7", .payload = "x", .size = 80 };
	void *state = open_usual();
	struct rte_mbuf *m = packets_make(&w), *before = packets_make(&w);
	const uint8_t *a = rte_pktmbuf_mtod(before, const uint8_t *);
	const uint8_t *b = rte_pktmbuf_mtod(m, const uint8_t *);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stateful_pass(ops, state, m, rte_rdtsc(), NULL));
	for (unsigned i = 0; i < 80; i++) {
		bool may = (i >= 24 && i < 30) || (i >= 34 && i < 36) || (i >= 40 && i < 42);

		CU_ASSERT(may || a[i] == b[i]);
	}
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(before);
	ops->close(state);
}

static void a_udp_checksum_of_zero_stays_zero(void)
{
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7" };
	void *state = open_usual();
	struct rte_mbuf *m = packets_make(&w);
	uint8_t *sum = rte_pktmbuf_mtod_offset(m, uint8_t *, 40);

	memset(sum, 0, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stateful_pass(ops, state, m, rte_rdtsc(), NULL));
	CU_ASSERT(!sum[0] && !sum[1]);
	rte_pktmbuf_free(m);
	ops->close(state);
}

/* All values of one word of the payload bring the sum to each of its values once. */
static void checksums_hold_for_all_sums(void)
{
	void *state = open_usual();
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7", .size = 60 };
	uint64_t now = rte_rdtsc();

	for (uint32_t i = 0; i < 65536; i++) {
		struct rte_mbuf *m = packets_make(&w);
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
		uint8_t *l4 = (uint8_t *)(ip + 1);
		uint16_t sum, word = (uint16_t)i;

		memcpy(l4 + 8, &word, 2);
		ip->packet_id = word;
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		memset(l4 + 6, 0, 2);
		sum = rte_ipv4_udptcp_cksum(ip, l4);
		memcpy(l4 + 6, &sum, 2);
		CU_ASSERT_PTR_NOT_NULL_FATAL(stateful_pass(ops, state, m, now, NULL));
		CU_ASSERT_FATAL(stateful_sums_hold(m));
		CU_ASSERT_FATAL(l4[6] || l4[7]);
		rte_pktmbuf_free(m);
	}
	ops->close(state);
}

static void one_inside_port_has_one_outside_port(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct made a = { .src = "10.1.2.3", .dst = "198.51.100.7", .sport = 5, .dport = 1 };
	struct made b = a, other = a;
	uint16_t port = out(state, &a, now);

	b.dst = "203.0.113.9";
	CU_ASSERT(!answered(state, &b, port, now)); /* nobody has talked to it */
	CU_ASSERT_EQUAL(out(state, &b, now), port);
	CU_ASSERT(answered(state, &b, port, now));
	other.sport = 6;
	CU_ASSERT_NOT_EQUAL(out(state, &other, now), port);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 2);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 3);
	ops->close(state);
}

static void refuses_what_nobody_asked_for(void)
{
	void *state = open_usual();
	struct made stray = { .src = "198.51.100.7", .dst = "192.0.2.1" };
	struct made past = { .src = "198.51.100.7", .dst = "10.1.2.3" };
	struct made sctp = { .src = "10.1.2.3", .dst = "198.51.100.7", .proto = IPPROTO_SCTP };
	struct made reset = { .src = "10.1.2.3",
			      .dst = "198.51.100.7",
			      .proto = IPPROTO_TCP,
			      .tcp_flags = RTE_TCP_RST_FLAG };
	const struct made *all[] = { &stray, &past, &sctp, &reset };

	for (unsigned i = 0; i < 4; i++) {
		enum drop_reason why = N_DROP_REASONS;

		CU_ASSERT_PTR_NULL(
		    stateful_pass(ops, state, packets_make(all[i]), rte_rdtsc(), &why));
		CU_ASSERT_EQUAL(why, DROP_REFUSED);
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "refused"), 4);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 0);
	ops->close(state);
}

static void refuses_later_fragments_and_broken_headers(void)
{
	void *state = open_usual();
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7" };
	struct rte_mbuf *later = packets_make(&w), *cut = packets_make(&w);
	enum drop_reason why = N_DROP_REASONS;

	rte_pktmbuf_mtod(later, uint8_t *)[21] = 1; /* fragment offset */
	packet_parse(later);
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, later, rte_rdtsc(), &why));
	CU_ASSERT_EQUAL(why, DROP_REFUSED);
	rte_pktmbuf_trim(cut, 40);
	packet_parse(cut);
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, cut, rte_rdtsc(), &why));
	CU_ASSERT_EQUAL(why, DROP_MALFORMED);
	ops->close(state);
}

static void passes_what_stays_inside(void)
{
	void *state = open_usual();
	struct made w = { .src = "10.1.2.3", .dst = "10.9.9.9" };
	struct rte_mbuf *m = packets_make(&w), *as_made = packets_make(&w);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stateful_pass(ops, state, m, rte_rdtsc(), NULL));
	CU_ASSERT(!memcmp(stateful_l3(m), stateful_l3(as_made), 50));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "passed"), 1);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(as_made);
	ops->close(state);
}

/* The word `drop` is also the name of an exit, and comes as that. */
static void ipv6_passes_or_not_as_configured(void)
{
	struct settings s = usual("192.0.2.1");
	void *passing = open_usual(), *dropping;
	struct made w = { .family = 6 };

	settings_add(&s, packets_text("ipv6", "p.drop"));
	dropping = open_with(&s);
	CU_ASSERT(stateful_passes(ops, passing, &w, rte_rdtsc()));
	CU_ASSERT(!stateful_passes(ops, dropping, &w, rte_rdtsc()));
	ops->close(passing);
	ops->close(dropping);
}

static void echo_is_translated_by_identifier(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct rte_mbuf *m = stateful_icmp("10.1.2.3", "198.51.100.7", 8, 77, "ping", 4), *stray;
	uint16_t id;

	m = stateful_pass(ops, state, m, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT(stateful_sums_hold(m) && stateful_is_parsed(m));
	id = (uint16_t)(stateful_l3(m)[24] << 8 | stateful_l3(m)[25]);
	rte_pktmbuf_free(m);
	/* requests do not come in, though the identifier is known */
	stray = stateful_icmp("198.51.100.7", "192.0.2.1", 8, id, "ping", 4);
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, stray, now, NULL));
	m = stateful_icmp("198.51.100.7", "192.0.2.1", 0, id, "ping", 4);
	m = stateful_pass(ops, state, m, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT(stateful_sums_hold(m) && stateful_is_parsed(m));
	CU_ASSERT_EQUAL(packet_of(m)->dst[3], address("10.1.2.3"));
	CU_ASSERT_EQUAL(stateful_l3(m)[25], 77);
	rte_pktmbuf_free(m);
	ops->close(state);
}

/* A router outside complains of a packet that had been translated: what the host inside gets
 * quotes the packet that it had sent, byte by byte. */
static void errors_quote_what_was_sent(const struct made *w, size_t n_quoted)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct rte_mbuf *as_sent = packets_make(w), *sent = packets_make(w), *error;
	uint8_t behind[16];

	sent = stateful_pass(ops, state, sent, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
	error = stateful_icmp("203.0.113.1", "192.0.2.1", 11, 0, stateful_l3(sent), n_quoted);
	memset(rte_pktmbuf_mtod_offset(error, uint8_t *, error->data_len), 0xa5, sizeof(behind));
	memset(behind, 0xa5, sizeof(behind));
	error = stateful_pass(ops, state, error, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT(stateful_sums_hold(error) && stateful_is_parsed(error));
	CU_ASSERT_EQUAL(packet_of(error)->dst[3], address(w->src));
	CU_ASSERT_EQUAL(packet_of(error)->src[3], address("203.0.113.1"));
	CU_ASSERT(!memcmp(stateful_l3(error) + 28, stateful_l3(as_sent), n_quoted));
	CU_ASSERT(!memcmp(stateful_l3(error) + 28 + n_quoted, behind, sizeof(behind)));
	rte_pktmbuf_free(as_sent);
	rte_pktmbuf_free(sent);
	rte_pktmbuf_free(error);
	ops->close(state);
}

static void errors_come_in_translated(void)
{
	static const size_t quoted[] = { 28, 31, 40, 46, 50 };

	for (unsigned i = 0; i < 5; i++) {
		struct made w = { .src = "10.1.2.3",
				  .dst = "198.51.100.7",
				  .sport = 4444,
				  .proto = IPPROTO_TCP,
				  .tcp_flags = RTE_TCP_SYN_FLAG,
				  .size = 64,
				  .payload = "text" };

		errors_quote_what_was_sent(&w, quoted[i]);
		w.proto = IPPROTO_UDP;
		errors_quote_what_was_sent(&w, quoted[i]);
	}
}

static void errors_of_echoes_come_in_translated(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct rte_mbuf *as_sent = stateful_icmp("10.1.2.3", "198.51.100.7", 8, 77, "ping", 4);
	struct rte_mbuf *sent = stateful_icmp("10.1.2.3", "198.51.100.7", 8, 77, "ping", 4), *error;

	sent = stateful_pass(ops, state, sent, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
	error = stateful_icmp("203.0.113.1", "192.0.2.1", 3, 0, stateful_l3(sent), 32);
	error = stateful_pass(ops, state, error, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT(stateful_sums_hold(error));
	CU_ASSERT(!memcmp(stateful_l3(error) + 28, stateful_l3(as_sent), 32));
	rte_pktmbuf_free(as_sent);
	rte_pktmbuf_free(sent);
	rte_pktmbuf_free(error);
	ops->close(state);
}

/* A router inside complains of an answer: who sent it gets it quoted as it was sent. */
static void errors_go_out_translated(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7", .sport = 44, .dport = 53 };
	struct made back = { .src = "198.51.100.7", .dst = "192.0.2.1", .sport = 53 };
	struct rte_mbuf *as_sent, *came, *error;

	back.dport = out(state, &w, now);
	as_sent = packets_make(&back);
	came = stateful_pass(ops, state, packets_make(&back), now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(came);
	error = stateful_icmp("10.7.7.7", "198.51.100.7", 3, 0, stateful_l3(came), 36);
	error = stateful_pass(ops, state, error, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(error);
	CU_ASSERT(stateful_sums_hold(error) && stateful_is_parsed(error));
	CU_ASSERT_EQUAL(packet_of(error)->src[3], address("192.0.2.1"));
	CU_ASSERT(!memcmp(stateful_l3(error) + 28, stateful_l3(as_sent), 36));
	rte_pktmbuf_free(as_sent);
	rte_pktmbuf_free(came);
	rte_pktmbuf_free(error);
	ops->close(state);
}

static void errors_without_a_session_are_refused(void)
{
	void *state = open_usual();
	struct made w = { .src = "192.0.2.1", .dst = "198.51.100.7" };
	struct rte_mbuf *quoted = packets_make(&w), *m;
	enum drop_reason why = N_DROP_REASONS;

	m = stateful_icmp("203.0.113.1", "192.0.2.1", 3, 0, stateful_l3(quoted), 28);
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, m, rte_rdtsc(), &why));
	CU_ASSERT_EQUAL(why, DROP_REFUSED);
	rte_pktmbuf_free(quoted);
	ops->close(state);
}

/* Two hosts inside that know each other by their external endpoints. */
static void hairpins_between_hosts_that_talk(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();
	struct made a = { .src = "10.0.0.1", .dst = "198.51.100.7", .sport = 11 };
	struct made b = { .src = "10.0.0.2", .dst = "198.51.100.7", .sport = 22 };
	uint16_t port_a = out(state, &a, now), port_b = out(state, &b, now);
	struct rte_mbuf *m;

	a.dst = b.dst = "192.0.2.1";
	a.dport = port_b;
	b.dport = port_a;
	CU_ASSERT(!stateful_passes(ops, state, &a, now)); /* B has not sent to A yet */
	m = stateful_pass(ops, state, packets_make(&b), now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT_EQUAL(packet_of(m)->src[3], address("192.0.2.1"));
	CU_ASSERT_EQUAL(packet_of(m)->sport, port_b);
	CU_ASSERT_EQUAL(packet_of(m)->dst[3], address("10.0.0.1"));
	CU_ASSERT_EQUAL(packet_of(m)->dport, 11);
	CU_ASSERT(stateful_sums_hold(m) && stateful_is_parsed(m));
	rte_pktmbuf_free(m);
	ops->close(state);
}

static void few_ports_and_few_flows_run_out(void)
{
	struct settings ports = usual("192.0.2.1"), flows = usual("192.0.2.1");
	void *state;
	uint64_t now = rte_rdtsc();
	enum drop_reason why = N_DROP_REASONS;
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7" };
	bool taken[8] = { false };

	settings_numbers(&ports, "ports", (const double[]){ 5000, 5007 }, 2);
	state = open_with(&ports);
	for (w.sport = 1; w.sport <= 8; w.sport++) {
		uint16_t port = out(state, &w, now);

		CU_ASSERT_FATAL(port >= 5000 && port <= 5007 && !taken[port - 5000]);
		taken[port - 5000] = true;
	}
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, packets_make(&w), now, &why));
	CU_ASSERT_EQUAL(why, DROP_FULL);
	w.proto = IPPROTO_TCP; /* which has ports of its own */
	out(state, &w, now);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "no_port"), 1);
	w.proto = IPPROTO_UDP;
	for (w.sport = 101; w.sport <= 108; w.sport++) /* ports come back by time */
		out(state, &w, now + stateful_seconds(121));
	ops->close(state);
	settings_add(&flows, packets_number("flows", 3));
	state = open_with(&flows);
	for (w.sport = 1; w.sport <= 3; w.sport++)
		out(state, &w, now);
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, packets_make(&w), now, &why));
	CU_ASSERT_EQUAL(why, DROP_FULL);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 3);
	out(state, &w, now + stateful_seconds(121));
	ops->close(state);
}

static void sessions_end_by_time(void)
{
	struct settings s = usual("192.0.2.1");
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7", .sport = 9, .dport = 53 };
	uint64_t now = rte_rdtsc(), second = stateful_seconds(1);
	void *state;
	uint16_t port;

	settings_add(&s, packets_number("timeout", 30e9));
	state = open_with(&s);
	port = out(state, &w, now);
	CU_ASSERT(answered(state, &w, port, now + 29 * second)); /* which prolongs it */
	CU_ASSERT(answered(state, &w, port, now + 58 * second));
	CU_ASSERT(!answered(state, &w, port, now + 89 * second));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 0);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 0);
	ops->close(state);
}

static void tcp_ends_sooner_behind_a_reset_or_two_fins(void)
{
	static const uint8_t ends[2][2] = { { RTE_TCP_RST_FLAG, RTE_TCP_RST_FLAG },
					    { RTE_TCP_FIN_FLAG, RTE_TCP_FIN_FLAG } };
	uint64_t now = rte_rdtsc(), second = stateful_seconds(1);

	for (unsigned i = 0; i < 2; i++) {
		void *state = open_usual();
		struct made w = { .src = "10.1.2.3",
				  .dst = "198.51.100.7",
				  .sport = 9,
				  .dport = 80,
				  .proto = IPPROTO_TCP,
				  .tcp_flags = RTE_TCP_SYN_FLAG };
		struct made back = { .src = w.dst, .dst = "192.0.2.1", .sport = 80, .proto = 6 };
		uint16_t port = out(state, &w, now);

		w.tcp_flags = RTE_TCP_FIN_FLAG; /* half closed is not closed */
		out(state, &w, now);
		CU_ASSERT(answered(state, &w, port, now + 100 * second));
		back.dport = port;
		back.tcp_flags = ends[i][1];
		CU_ASSERT(stateful_passes(ops, state, &back, now + 100 * second));
		CU_ASSERT(answered(state, &w, port, now + 109 * second));
		CU_ASSERT(!answered(state, &w, port, now + 120 * second));
		ops->close(state);
	}
}

/* One burst of new flows, each twice. */
static void a_burst_opens_each_flow_once(void)
{
	void *state = open_usual();
	struct burst *b = packets_burst(rte_rdtsc());
	struct rte_mbuf *packets[BURST];

	for (unsigned i = 0; i < BURST; i++)
		packets[i] = packets_make(&(struct made){
		    .src = "10.1.2.3", .dst = "198.51.100.7", .sport = (uint16_t)(1 + i / 2) });
	packets_run(ops, state, b, packets, BURST);
	CU_ASSERT_EQUAL_FATAL(b->n, BURST);
	for (unsigned i = 0; i < BURST; i += 2)
		CU_ASSERT_EQUAL(packet_of(b->at[i])->sport, packet_of(b->at[i + 1])->sport);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), BURST / 2);
	packets_free(b);
	ops->close(state);
}

static void pools_give_each_host_one_address(void)
{
	struct settings s = { 0 };
	void *state;
	bool used[4] = { false };
	uint64_t now = rte_rdtsc();

	settings_texts(&s, "external",
		       (const char *const[]){ "192.0.2.4/31", "192.0.2.6", "192.0.2.7" }, 3);
	settings_texts(&s, "inside", (const char *const[]){ "10.0.0.0/8", "172.16.0.0/12" }, 2);
	state = open_with(&s);
	for (unsigned i = 0; i < 32; i++) {
		struct made w = { .src = text_of(address("172.16.0.0") + i / 2),
				  .dst = "198.51.100.7",
				  .sport = (uint16_t)(i + 1) };
		struct rte_mbuf *m = stateful_pass(ops, state, packets_make(&w), now, NULL);
		uint32_t external;

		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		external = packet_of(m)->src[3] - address("192.0.2.4");
		CU_ASSERT_FATAL(external < 4);
		CU_ASSERT_EQUAL(external, (address("172.16.0.0") + i / 2) % 4);
		used[external] = true;
		rte_pktmbuf_free(m);
	}
	CU_ASSERT(used[0] && used[1] && used[2] && used[3]);
	ops->close(state);
}

static void a_new_plan_keeps_the_sessions(void)
{
	struct settings s = usual("192.0.2.0/30"), other = usual("203.0.113.1");
	void *old = open_usual(), *state = open_with(&s), *elsewhere = open_with(&other);
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7", .sport = 9, .dport = 53 };
	struct made more = { .src = "10.1.2.1", .dst = "198.51.100.7", .sport = 9, .dport = 53 };
	uint64_t now = rte_rdtsc();
	uint16_t port = out(old, &w, now);

	ops->adopt(state, old);
	ops->adopt(elsewhere, old);
	ops->close(old);
	CU_ASSERT(answered(state, &w, port, now));
	CU_ASSERT_EQUAL(out(state, &w, now), port);
	CU_ASSERT(stateful_passes(ops, state, &more, now));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 2);
	/* the address is not there any more */
	CU_ASSERT_EQUAL(stateful_counter(ops, elsewhere, "flows"), 0);
	CU_ASSERT_EQUAL(stateful_counter(ops, elsewhere, "mappings"), 0);
	CU_ASSERT(!answered(state, &w, port, now + stateful_seconds(500)));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "mappings"), 0);
	ops->close(state);
	ops->close(elsewhere);
}

static void survives_malformed_packets(void)
{
	struct settings s = usual("192.0.2.1");
	void *state;

	settings_add(&s, packets_number("flows", 200));
	settings_numbers(&s, "ports", (const double[]){ 1024, 1055 }, 2);
	state = open_with(&s);
	stateful_fuzz(ops, state, 100000);
	CU_ASSERT(stateful_counter(ops, state, "translated_out") > 0);
	CU_ASSERT(stateful_counter(ops, state, "translated_in") > 0);
	CU_ASSERT(stateful_counter(ops, state, "expired") > 0);
	ops->close(state);
}

static const struct unit units[] = {
	{ "refuses_what_it_cannot_do", refuses_what_it_cannot_do },
	{ "translates_both_ways", translates_both_ways },
	{ "leaves_other_bytes_alone", leaves_other_bytes_alone },
	{ "a_udp_checksum_of_zero_stays_zero", a_udp_checksum_of_zero_stays_zero },
	{ "checksums_hold_for_all_sums", checksums_hold_for_all_sums },
	{ "one_inside_port_has_one_outside_port", one_inside_port_has_one_outside_port },
	{ "refuses_what_nobody_asked_for", refuses_what_nobody_asked_for },
	{ "refuses_later_fragments_and_broken_headers",
	  refuses_later_fragments_and_broken_headers },
	{ "passes_what_stays_inside", passes_what_stays_inside },
	{ "ipv6_passes_or_not_as_configured", ipv6_passes_or_not_as_configured },
	{ "echo_is_translated_by_identifier", echo_is_translated_by_identifier },
	{ "errors_come_in_translated", errors_come_in_translated },
	{ "errors_of_echoes_come_in_translated", errors_of_echoes_come_in_translated },
	{ "errors_go_out_translated", errors_go_out_translated },
	{ "errors_without_a_session_are_refused", errors_without_a_session_are_refused },
	{ "hairpins_between_hosts_that_talk", hairpins_between_hosts_that_talk },
	{ "few_ports_and_few_flows_run_out", few_ports_and_few_flows_run_out },
	{ "sessions_end_by_time", sessions_end_by_time },
	{ "tcp_ends_sooner_behind_a_reset_or_two_fins",
	  tcp_ends_sooner_behind_a_reset_or_two_fins },
	{ "a_burst_opens_each_flow_once", a_burst_opens_each_flow_once },
	{ "pools_give_each_host_one_address", pools_give_each_host_one_address },
	{ "a_new_plan_keeps_the_sessions", a_new_plan_keeps_the_sessions },
	{ "survives_malformed_packets", survives_malformed_packets },
};

int main(void)
{
	packets_start("epic-test-nat");
	return unit_main("nat", units, sizeof(units) / sizeof(*units));
}
