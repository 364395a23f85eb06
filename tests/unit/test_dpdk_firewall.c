/* The stateful firewall on real packets. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_tcp.h>

#include "tests/unit/stateful.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_firewall;

static const struct module_ops *const ops = &module_firewall;

enum {
	SYN = RTE_TCP_SYN_FLAG,
	ACK = RTE_TCP_ACK_FLAG,
	FIN = RTE_TCP_FIN_FLAG,
	RST = RTE_TCP_RST_FLAG
};

static struct settings usual(void)
{
	struct settings s = { 0 };

	settings_texts(&s, "inside", (const char *const[]){ "10.0.0.0/8", "fd00::/64" }, 2);
	return s;
}

static void *open_with(struct settings *s)
{
	struct module_error e = { "" };
	void *state = stateful_open(ops, s, &e);

	UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static void *open_usual(void)
{
	struct settings s = usual();

	return open_with(&s);
}

static bool tcp(void *state, bool from_inside, uint8_t flags, uint64_t now)
{
	struct made w = { .proto = 6,
			  .tcp_flags = flags,
			  .src = from_inside ? "10.1.2.3" : "198.51.100.7",
			  .dst = from_inside ? "198.51.100.7" : "10.1.2.3",
			  .sport = from_inside ? 999 : 80,
			  .dport = from_inside ? 80 : 999 };

	return stateful_passes(ops, state, &w, now);
}

static bool udp(void *state, const char *from, const char *to, uint16_t sport, uint16_t dport,
		uint64_t now)
{
	struct made w = { .family = strchr(from, ':') ? 6 : 4,
			  .src = from,
			  .dst = to,
			  .sport = sport,
			  .dport = dport };

	return stateful_passes(ops, state, &w, now);
}

static bool icmp(void *state, const char *from, const char *to, uint8_t type, uint64_t now)
{
	struct rte_mbuf *m = stateful_icmp(from, to, type, 5, "ping", 4);

	m = stateful_pass(ops, state, m, now, NULL);
	rte_pktmbuf_free(m);
	return m;
}

static void needs_to_know_what_is_inside(void)
{
	struct settings none = { 0 }, odd = usual();
	struct module_error e;

	CU_ASSERT_PTR_NULL(stateful_open(ops, &none, &e));
	UNIT_TEXT("inside: a firewall needs at least one prefix", e.text);
	settings_add(&odd, packets_number("flows", 0));
	CU_ASSERT_PTR_NULL(stateful_open(ops, &odd, &e));
	UNIT_TEXT("flows: a number from 1 to 16777216 is due", e.text);
}

static void only_answers_come_in(void)
{
	static const char *const in[] = { "10.1.2.3", "fd00::5" };
	static const char *const out[] = { "198.51.100.7", "2001:db8::7" };
	void *state = open_usual();
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT(!udp(state, out[i], in[i], 53, 999, now));
		CU_ASSERT(udp(state, in[i], out[i], 999, 53, now));
		CU_ASSERT(udp(state, out[i], in[i], 53, 999, now));
		CU_ASSERT(!udp(state, out[i], in[i], 53, 998, now));
		CU_ASSERT(!udp(state, out[i], in[i], 54, 999, now));
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 2);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "refused"), 6);
	ops->close(state);
}

static void does_not_change_packets(void)
{
	void *state = open_usual();
	struct made w = { .src = "10.1.2.3", .payload = "text", .size = 90 };
	struct rte_mbuf *m = packets_make(&w), *as_made = packets_make(&w);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stateful_pass(ops, state, m, rte_rdtsc(), NULL));
	CU_ASSERT(!memcmp(stateful_l3(m), stateful_l3(as_made), 76));
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(as_made);
	ops->close(state);
}

static void tcp_begins_with_a_syn_from_inside(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();

	CU_ASSERT(!tcp(state, false, SYN, now));
	CU_ASSERT(!tcp(state, true, ACK, now));
	CU_ASSERT(!tcp(state, true, SYN | ACK, now));
	CU_ASSERT(!tcp(state, true, RST, now));
	CU_ASSERT(!tcp(state, true, FIN, now));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 0);
	CU_ASSERT(tcp(state, true, SYN, now));
	CU_ASSERT(tcp(state, false, SYN | ACK, now));
	CU_ASSERT(tcp(state, true, ACK, now));
	ops->close(state);
}

static void tcp_ends_ten_seconds_behind_its_end(void)
{
	static const uint8_t last[] = { RST, FIN };
	uint64_t now = rte_rdtsc(), second = stateful_seconds(1);

	for (unsigned i = 0; i < 2; i++) {
		void *state = open_usual();

		CU_ASSERT(tcp(state, true, SYN, now));
		CU_ASSERT(tcp(state, true, FIN | ACK, now)); /* half closed */
		CU_ASSERT(tcp(state, false, ACK, now + 100 * second));
		CU_ASSERT(tcp(state, false, last[i], now + 101 * second));
		CU_ASSERT(tcp(state, true, ACK, now + 110 * second));
		CU_ASSERT(!tcp(state, false, SYN, now + 110 * second));
		CU_ASSERT(!tcp(state, false, ACK, now + 121 * second));
		CU_ASSERT_EQUAL(stateful_counter(ops, state, "expired"), 1);
		ops->close(state);
	}
}

static void a_closed_connection_can_be_opened_again(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc(), second = stateful_seconds(1);

	CU_ASSERT(tcp(state, true, SYN, now));
	CU_ASSERT(tcp(state, true, RST, now));
	CU_ASSERT(tcp(state, true, SYN, now + second));
	CU_ASSERT(tcp(state, false, SYN | ACK, now + 60 * second));
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 1);
	ops->close(state);
}

static void echo_replies_answer_requests(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc();

	CU_ASSERT(!icmp(state, "198.51.100.7", "10.1.2.3", 8, now));
	CU_ASSERT(!icmp(state, "10.1.2.3", "198.51.100.7", 0, now));
	CU_ASSERT(icmp(state, "10.1.2.3", "198.51.100.7", 8, now));
	CU_ASSERT(icmp(state, "198.51.100.7", "10.1.2.3", 0, now));
	CU_ASSERT(!icmp(state, "198.51.100.7", "10.1.2.3", 8, now));
	CU_ASSERT(icmp(state, "fd00::1", "2001:db8::1", 128, now));
	CU_ASSERT(icmp(state, "2001:db8::1", "fd00::1", 129, now));
	ops->close(state);
}

static bool error(void *state, const struct made *about, uint64_t now)
{
	struct rte_mbuf *quoted = packets_make(about), *m;

	m = stateful_icmp("203.0.113.1", about->src, 3, 0, stateful_l3(quoted), 28);
	m = stateful_pass(ops, state, m, now, NULL);
	rte_pktmbuf_free(quoted);
	rte_pktmbuf_free(m);
	return m;
}

static void errors_pass_if_what_they_quote_does(void)
{
	void *state = open_usual();
	uint64_t now = rte_rdtsc(), second = stateful_seconds(1);
	struct made w = { .src = "10.1.2.3", .dst = "198.51.100.7" };

	CU_ASSERT(!error(state, &w, now));
	CU_ASSERT(stateful_passes(ops, state, &w, now));
	CU_ASSERT(error(state, &w, now + 119 * second));
	CU_ASSERT(!error(state, &w, now + 121 * second)); /* it has not prolonged the flow */
	ops->close(state);
}

static void fragments_and_aliens_stay_outside(void)
{
	void *state = open_usual();
	struct made in = { .src = "10.1.2.3" }, out = { .src = "198.51.100.7" };
	struct rte_mbuf *m[4] = { packets_make(&in), packets_make(&out), packets_make(&in),
				  packets_make(&in) };
	enum drop_reason why = N_DROP_REASONS;

	rte_pktmbuf_mtod(m[0], uint8_t *)[21] = 1; /* fragment offset */
	rte_pktmbuf_mtod(m[1], uint8_t *)[21] = 1;
	rte_pktmbuf_mtod(m[2], uint8_t *)[13] = 6; /* ARP */
	rte_pktmbuf_trim(m[3], 64 - 40);
	for (unsigned i = 0; i < 4; i++)
		packet_parse(m[i]);
	m[0] = stateful_pass(ops, state, m[0], 5, NULL);
	CU_ASSERT_PTR_NOT_NULL(m[0]);
	rte_pktmbuf_free(m[0]);
	for (unsigned i = 1; i < 4; i++) {
		CU_ASSERT_PTR_NULL(stateful_pass(ops, state, m[i], 5, &why));
		CU_ASSERT_EQUAL(why, DROP_REFUSED);
	}
	ops->close(state);
}

static void a_full_table_says_so(void)
{
	struct settings s = usual();
	void *state;
	uint64_t now = rte_rdtsc();
	enum drop_reason why = N_DROP_REASONS;
	struct made third = { .src = "10.0.0.3" };

	settings_add(&s, packets_number("flows", 2));
	state = open_with(&s);
	CU_ASSERT(udp(state, "10.0.0.1", "198.51.100.7", 1, 2, now));
	CU_ASSERT(udp(state, "10.0.0.2", "198.51.100.7", 1, 2, now));
	CU_ASSERT_PTR_NULL(stateful_pass(ops, state, packets_make(&third), now, &why));
	CU_ASSERT_EQUAL(why, DROP_FULL);
	CU_ASSERT(udp(state, "198.51.100.7", "10.0.0.1", 2, 1, now)); /* those go on */
	CU_ASSERT(stateful_passes(ops, state, &third, now + stateful_seconds(130)));
	ops->close(state);
}

static void a_new_plan_keeps_what_is_still_inside(void)
{
	struct settings s = { 0 };
	void *old = open_usual(), *state;
	uint64_t now = rte_rdtsc();

	CU_ASSERT(udp(old, "10.0.0.1", "198.51.100.7", 1, 2, now));
	CU_ASSERT(udp(old, "10.128.0.1", "198.51.100.7", 1, 2, now));
	settings_add(&s, packets_text("inside", "10.0.0.0/16"));
	state = open_with(&s);
	ops->adopt(state, old);
	ops->close(old);
	CU_ASSERT(udp(state, "198.51.100.7", "10.0.0.1", 2, 1, now));
	CU_ASSERT(!udp(state, "198.51.100.7", "10.128.0.1", 2, 1, now));
	ops->close(state);
}

static void survives_malformed_packets(void)
{
	struct settings s = usual();
	void *state;

	settings_add(&s, packets_number("flows", 300));
	state = open_with(&s);
	stateful_fuzz(ops, state, 100000);
	CU_ASSERT(stateful_counter(ops, state, "opened") > 0);
	CU_ASSERT(stateful_counter(ops, state, "refused") > 0);
	ops->close(state);
}

static const struct unit units[] = {
	{ "needs_to_know_what_is_inside", needs_to_know_what_is_inside },
	{ "only_answers_come_in", only_answers_come_in },
	{ "does_not_change_packets", does_not_change_packets },
	{ "tcp_begins_with_a_syn_from_inside", tcp_begins_with_a_syn_from_inside },
	{ "tcp_ends_ten_seconds_behind_its_end", tcp_ends_ten_seconds_behind_its_end },
	{ "a_closed_connection_can_be_opened_again", a_closed_connection_can_be_opened_again },
	{ "echo_replies_answer_requests", echo_replies_answer_requests },
	{ "errors_pass_if_what_they_quote_does", errors_pass_if_what_they_quote_does },
	{ "fragments_and_aliens_stay_outside", fragments_and_aliens_stay_outside },
	{ "a_full_table_says_so", a_full_table_says_so },
	{ "a_new_plan_keeps_what_is_still_inside", a_new_plan_keeps_what_is_still_inside },
	{ "survives_malformed_packets", survives_malformed_packets },
};

int main(void)
{
	packets_start("epic-test-firewall");
	return unit_main("firewall", units, sizeof(units) / sizeof(*units));
}
