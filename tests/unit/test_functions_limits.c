/* Who may connect, how many and how fast: the classes stateful-firewall, microsegment, rate-meter.
 */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/pace.h"
#include "runtime/socks/functions/sources.h"
#include "tests/unit/function_rig.h"

enum { THREADS = 4, ROUNDS = 500 };

static const char hub[] = "198.51.100.10:443";

static bool comes(struct rig *r, const char *source, const char *destination,
		  const char *application, void **state)
{
	struct function_facts facts = rig_facts(source, destination, application);

	return rig_open(r, &facts, state);
}

/* Opens and closes. */
static bool may(struct rig *r, const char *source, const char *destination, int protocol)
{
	struct function_facts facts = rig_facts(source, destination, "study");
	void *state;
	bool ok;

	facts.protocol = protocol;
	ok = rig_open(r, &facts, &state);
	if (ok)
		rig_close(r, state, 0, 0);
	return ok;
}

/* ---- settings ---- */

static void settings_are_refused_by_their_path(void)
{
	rig_refuses(&function_firewall, "{\"mots\": 3}", "mots is unknown");
	rig_refuses(&function_firewall, "{\"most\": 0}", "most is not from 1 to 1000000");
	rig_refuses(&function_firewall, "{\"allow\": [{}, {\"source\": \"10.0.0.1/8\"}]}",
		    "allow[1].source is not a prefix");
	rig_refuses(&function_firewall, "{\"allow\": [{\"ports\": \"80,443-442\"}]}",
		    "allow[0].ports is not a list of ports");
	rig_refuses(&function_firewall, "{\"allow\": [{\"protocol\": \"icmp\"}]}",
		    "allow[0].protocol is none of tcp, udp");
	rig_refuses(&function_firewall, "[]", ". is not an object");
	rig_refuses(&function_microsegment, "{\"sources\": [7]}", "sources[0] is not a string");
	rig_refuses(&function_microsegment, "{\"exclusive\": 1}", "exclusive is not true or false");
	rig_refuses(&function_rate_meter, NULL, "rate is missing");
	rig_refuses(&function_rate_meter, "{\"rate\": \"1M\"}", "rate is not an integer");
	rig_refuses(&function_rate_meter, "{\"rate\": 8000, \"per\": \"flow\"}",
		    "per is none of connection, source, all");
}

/* ---- stateful-firewall ---- */

static void a_firewall_without_settings_lets_the_flow_pass(void)
{
	struct rig r;

	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, NULL));
	for (int i = 0; i < 100; i++)
		CU_ASSERT_TRUE(may(&r, "10.2.0.7:4000", hub, IPPROTO_TCP));
	CU_ASSERT_EQUAL(rig_count(&r, "opened"), 100);
	CU_ASSERT_EQUAL(rig_count(&r, "open"), 0);
	rig_end(&r);
}

static void a_firewall_lets_pass_what_a_rule_allows(void)
{
	struct rig r;

	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(
	    rig_make(&r, "{\"allow\": [{\"source\": \"10.2.0.0/16\", \"protocol\": \"tcp\","
			 " \"ports\": \"443,8000-8999\"}, {\"destination\": \"2001:db8::/32\"}]}"));
	CU_ASSERT_TRUE(may(&r, "10.2.0.7:4000", "198.51.100.10:443", IPPROTO_TCP));
	CU_ASSERT_TRUE(may(&r, "10.2.0.7:4000", "198.51.100.10:8999", IPPROTO_TCP));
	CU_ASSERT_FALSE(may(&r, "10.2.0.7:4000", "198.51.100.10:9000", IPPROTO_TCP));
	CU_ASSERT_FALSE(may(&r, "10.2.0.7:4000", "198.51.100.10:443", IPPROTO_UDP));
	CU_ASSERT_FALSE(may(&r, "10.3.0.7:4000", "198.51.100.10:443", IPPROTO_TCP));
	UNIT_TEXT("no rule of the firewall allows 10.3.0.7:4000 to 198.51.100.10:443/tcp", r.why);
	CU_ASSERT_TRUE(may(&r, "10.3.0.7:4000", "[2001:db8::1]:22", IPPROTO_UDP));
	CU_ASSERT_EQUAL(rig_count(&r, "refused"), 3);
	rig_end(&r);
}

static void an_empty_list_of_rules_allows_nothing(void)
{
	struct rig r;

	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"allow\": []}"));
	CU_ASSERT_FALSE(may(&r, "10.2.0.7:4000", hub, IPPROTO_TCP));
	rig_end(&r);
}

static void a_source_has_so_many_connections_at_once_across_a_reload(void)
{
	void *first, *second, *third;
	struct rig r;

	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"most\": 2, \"log\": true}"));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:1", hub, "study", &first));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:2", hub, "study", &second));
	CU_ASSERT_FALSE(comes(&r, "10.2.0.7:3", hub, "study", &third));
	UNIT_TEXT("10.2.0.7 has 2 connections, the most that one source may have", r.why);
	CU_ASSERT_TRUE(may(&r, "10.2.0.8:3", hub, IPPROTO_TCP));
	rig_close(&r, first, 10, 20);
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:3", hub, "study", &third));
	rig_close(&r, second, 10, 20);
	CU_ASSERT_TRUE(rig_reload(&r, "{\"most\": 1}"));
	CU_ASSERT_EQUAL(rig_count(&r, "open"), 1);
	CU_ASSERT_FALSE(comes(&r, "10.2.0.7:4", hub, "study", &first));
	rig_close(&r, third, 0, 0);
	CU_ASSERT_TRUE(may(&r, "10.2.0.7:4", hub, IPPROTO_TCP));
	rig_end(&r);
}

static void a_source_opens_so_many_per_second(void)
{
	struct rig r;
	int n = 0;

	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"new_per_second\": 5}"));
	while (n < 100 && may(&r, "10.2.0.7:4000", hub, IPPROTO_TCP))
		n++;
	CU_ASSERT_TRUE(n >= 5 && n < 100);
	UNIT_TEXT("10.2.0.7 opens more than 5 connections per second", r.why);
	CU_ASSERT_TRUE(may(&r, "10.2.0.8:4000", hub, IPPROTO_TCP));
	rig_end(&r);
}

static void a_server_answers_datagrams_and_sends_none_unasked(void)
{
	struct function_facts facts = rig_facts("10.2.0.7:1", "198.51.100.10:53", "study");
	struct rig r;
	void *state;

	facts.protocol = IPPROTO_UDP;
	rig_begin(&r, &function_firewall);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, NULL));
	CU_ASSERT_TRUE_FATAL(rig_open(&r, &facts, &state));
	CU_ASSERT_FALSE(rig_datagram(&r, state, WAY_BACK, 100));
	CU_ASSERT_TRUE(rig_datagram(&r, state, WAY_FORWARD, 100));
	CU_ASSERT_TRUE(rig_datagram(&r, state, WAY_BACK, 100));
	CU_ASSERT_EQUAL(rig_count(&r, "dropped_datagrams"), 1);
	rig_close(&r, state, 100, 100);
	rig_end(&r);
}

/* ---- sources ---- */

static struct wire_address numbered(uint32_t i)
{
	struct wire_address a = { .kind = WIRE_IPV4 };

	memcpy(a.ip, &i, sizeof(i));
	return a;
}

static void sources_that_nobody_holds_make_room(void)
{
	struct sources *t = sources_new();
	const struct source_limits none = { 0 };
	struct source **held = calloc(SOURCES_MOST + 1, sizeof(*held)), *extra;
	struct wire_address a;
	uint64_t n;

	for (uint32_t i = 0; i < 2 * SOURCES_MOST; i++) {
		a = numbered(i);
		CU_ASSERT_EQUAL(sources_enter(t, &a, &none, 1, &extra), SOURCE_IN);
		sources_leave(t, extra);
	}
	CU_ASSERT_EQUAL(sources_count(t, &n), SOURCES_MOST);
	CU_ASSERT_EQUAL(n, 0);
	for (uint32_t i = 0; i < SOURCES_MOST; i++) {
		a = numbered(i);
		CU_ASSERT_EQUAL(sources_enter(t, &a, &none, 1, &held[i]), SOURCE_IN);
	}
	a = numbered(SOURCES_MOST);
	CU_ASSERT_EQUAL(sources_enter(t, &a, &none, 1, &extra), SOURCE_FULL);
	sources_leave(t, held[4000]);
	CU_ASSERT_EQUAL(sources_enter(t, &a, &none, 1, &extra), SOURCE_IN);
	CU_ASSERT_EQUAL(sources_count(t, &n), SOURCES_MOST);
	CU_ASSERT_EQUAL(n, SOURCES_MOST);
	free(held);
	sources_drop(t);
}

/* ---- microsegment ---- */

static void a_second_client_does_not_come_beside_the_allowed_one(void)
{
	struct rig r;
	void *allowed, *again, *other;

	rig_begin(&r, &function_microsegment);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, NULL));
	CU_ASSERT_TRUE_FATAL(comes(&r, "10.2.0.7:1", hub, "study", &allowed));
	CU_ASSERT_FALSE(comes(&r, "10.2.0.8:1", hub, "study", &other));
	UNIT_TEXT("the segment of 198.51.100.10 is open to 10.2.0.7 for study, not to 10.2.0.8 for "
		  "study",
		  r.why);
	CU_ASSERT_FALSE(comes(&r, "10.2.0.7:2", hub, "billing", &other));
	UNIT_TEXT("the segment of 198.51.100.10 is open to 10.2.0.7 for study, not to 10.2.0.7 for "
		  "billing",
		  r.why);
	CU_ASSERT_FALSE(comes(&r, "10.2.0.8:1", "198.51.100.10:22", "study", &other));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:3", "198.51.100.10:22", "study", &again));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.8:1", "198.51.100.11:443", "study", &other));
	CU_ASSERT_EQUAL(rig_count(&r, "refused"), 3);
	rig_close(&r, allowed, 0, 0);
	rig_close(&r, again, 0, 0);
	rig_close(&r, other, 0, 0);
	rig_end(&r);
}

static void a_segment_stays_its_members_for_a_while_and_across_a_reload(void)
{
	struct rig r;
	struct text answer = { 0 };
	void *state;

	rig_begin(&r, &function_microsegment);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"hold_seconds\": 3600}"));
	CU_ASSERT_TRUE(may(&r, "10.2.0.7:1", hub, IPPROTO_TCP));
	CU_ASSERT_FALSE(may(&r, "10.2.0.8:1", hub, IPPROTO_TCP));
	CU_ASSERT_TRUE(rig_reload(&r, "{\"hold_seconds\": 3600}"));
	CU_ASSERT_FALSE(may(&r, "10.2.0.8:1", hub, IPPROTO_TCP));
	CU_ASSERT_TRUE(function_microsegment.command(r.function, "list", &answer));
	UNIT_TEXT("198.51.100.10 10.2.0.7 study north 0\n", answer.at);
	text_free(&answer);
	CU_ASSERT_FALSE(function_microsegment.command(r.function, "release hub", &answer));
	text_free(&answer);
	CU_ASSERT_TRUE(function_microsegment.command(r.function, "release 198.51.100.10", &answer));
	UNIT_TEXT("1 left\n", answer.at);
	text_free(&answer);
	CU_ASSERT_TRUE(comes(&r, "10.2.0.8:1", hub, "study", &state));
	CU_ASSERT_TRUE(rig_reload(&r, "{\"hold_seconds\": 0}"));
	CU_ASSERT_FALSE(may(&r, "10.2.0.7:1", hub, IPPROTO_TCP));
	rig_close(&r, state, 0, 0);
	CU_ASSERT_TRUE(may(&r, "10.2.0.7:1", hub, IPPROTO_TCP));
	rig_end(&r);
}

static void flows_of_their_own_share_a_segment_unless_it_is_exclusive(void)
{
	struct function_facts lake = rig_facts("10.3.0.9:1", hub, "study");
	struct rig r;
	void *study, *billing;

	rig_begin(&r, &function_microsegment);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"hold_seconds\": 0}"));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:1", hub, "study", &study));
	CU_ASSERT_TRUE(comes(&r, "10.3.0.9:1", hub, "billing", &billing));
	rig_close(&r, billing, 0, 0);
	lake.from = "lake";
	CU_ASSERT_TRUE(rig_open(&r, &lake, &billing));
	rig_close(&r, billing, 0, 0);
	CU_ASSERT_TRUE(rig_reload(&r, "{\"hold_seconds\": 0, \"exclusive\": true}"));
	CU_ASSERT_FALSE(comes(&r, "10.3.0.9:1", hub, "billing", &billing));
	rig_close(&r, study, 0, 0);
	CU_ASSERT_TRUE(comes(&r, "10.3.0.9:1", hub, "billing", &billing));
	CU_ASSERT_FALSE(comes(&r, "10.2.0.7:1", hub, "study", &study));
	rig_close(&r, billing, 0, 0);
	rig_end(&r);
}

static void named_sources_come_side_by_side_and_no_others(void)
{
	struct rig r;
	void *first, *second, *third;

	rig_begin(&r, &function_microsegment);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"sources\": [\"10.2.0.0/16\"],"
					  " \"destinations\": [\"198.51.100.10\"]}"));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:1", hub, "study", &first));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.8:1", hub, "study", &second));
	CU_ASSERT_FALSE(comes(&r, "10.2.0.8:1", hub, "billing", &third));
	CU_ASSERT_FALSE(comes(&r, "10.3.0.8:1", hub, "study", &third));
	UNIT_TEXT("10.3.0.8 is none of the segment's sources", r.why);
	CU_ASSERT_FALSE(comes(&r, "10.2.0.7:1", "198.51.100.11:443", "study", &third));
	UNIT_TEXT("198.51.100.11 has no segment here", r.why);
	rig_close(&r, first, 0, 0);
	rig_close(&r, second, 0, 0);
	rig_end(&r);
}

/* ---- paces: by a clock of our own ---- */

static void a_pace_lets_pass_its_burst_and_then_its_rate(void)
{
	const struct pace_rate rate = { 1000, 200 };
	const uint64_t second = 1000000000;
	struct pace p = { 0 };
	uint64_t n = 0;

	CU_ASSERT_FALSE(pace_take(&p, &rate, second, 201));
	CU_ASSERT_TRUE(pace_take(&p, &rate, second, 200));
	CU_ASSERT_FALSE(pace_take(&p, &rate, second, 1));
	CU_ASSERT_TRUE(pace_take(&p, &rate, second + second / 10, 100));
	CU_ASSERT_FALSE(pace_take(&p, &rate, second + second / 10, 1));
	for (uint64_t now = 10 * second; now < 20 * second; now += second / 2000)
		n += pace_take(&p, &rate, now, 1);
	CU_ASSERT_TRUE(n >= 10000 && n <= 10200);
}

/* Two that always want more, one of them asking ten times as often. */
static void who_asks_more_often_gets_no_more(void)
{
	const struct pace_rate rate = { 8000000, 80000 };
	const uint64_t ms = 1000000, portion = 12000;
	struct pace p = { 0 };
	uint64_t due[2] = { 0 }, got[2] = { 0 };

	for (uint64_t now = 1000 * ms; now < 3000 * ms; now += ms / 10)
		for (int i = 0; i < 2; i++) {
			if (i && now % ms)
				continue;
			if (due[i] && due[i] <= now) {
				got[i] += portion;
				due[i] = 0;
			}
			if (!due[i])
				due[i] = pace_book(&p, &rate, now, portion);
		}
	CU_ASSERT_TRUE(got[0] + got[1] >= 15800000 && got[0] + got[1] <= 16080000);
	CU_ASSERT_TRUE(got[0] < got[1] + got[1] / 20 && got[1] < got[0] + got[0] / 20);
}

static void what_was_booked_and_not_used_comes_back(void)
{
	const struct pace_rate rate = { 1000, 100 };
	struct pace p = { 0 };

	CU_ASSERT_EQUAL(pace_book(&p, &rate, 1000000, 100), 1000000);
	CU_ASSERT_EQUAL(pace_book(&p, &rate, 1000000, 100), 101000000);
	pace_return(&p, &rate, 100);
	CU_ASSERT_EQUAL(pace_book(&p, &rate, 1000000, 50), 51000000);
}

/* ---- rate-meter ---- */

static void a_meter_admits_its_burst_and_says_when_there_is_more(void)
{
	struct rig r;
	void *first, *second;
	uint32_t retry_ms = 0;
	size_t got;

	rig_begin(&r, &function_rate_meter);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"rate\": 8000, \"burst\": 20000}"));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:1", hub, "study", &first));
	CU_ASSERT_TRUE(comes(&r, "10.2.0.7:2", hub, "study", &second));
	got = function_rate_meter.admit(r.function, first, WAY_FORWARD, 65536, &retry_ms);
	CU_ASSERT_TRUE(got > 18000 && got <= 20000);
	CU_ASSERT_TRUE(retry_ms > 500 && retry_ms <= 1500);
	CU_ASSERT_EQUAL(function_rate_meter.admit(r.function, first, WAY_FORWARD, 65536, &retry_ms),
			0);
	CU_ASSERT_EQUAL(function_rate_meter.admit(r.function, first, WAY_BACK, 1000, &retry_ms),
			1000);
	CU_ASSERT_EQUAL(function_rate_meter.admit(r.function, second, WAY_FORWARD, 1000, &retry_ms),
			1000);
	CU_ASSERT_EQUAL(rig_count(&r, "delayed"), 2);
	rig_close(&r, first, 0, 0);
	rig_close(&r, second, 0, 0);
	rig_end(&r);
}

static void a_rate_is_shared_by_a_source_or_by_all(void)
{
	static const struct {
		const char *settings;
		bool same, other;
	} cases[] = {
		{ "{\"rate\": 8000, \"burst\": 16000, \"per\": \"source\"}", false, true },
		{ "{\"rate\": 8000, \"burst\": 16000, \"per\": \"all\"}", false, false },
	};

	for (size_t i = 0; i < 2; i++) {
		void *first, *same, *other;
		uint32_t retry_ms;
		struct rig r;

		rig_begin(&r, &function_rate_meter);
		CU_ASSERT_TRUE_FATAL(rig_make(&r, cases[i].settings));
		CU_ASSERT_TRUE(comes(&r, "10.2.0.7:1", hub, "study", &first));
		CU_ASSERT_TRUE(comes(&r, "10.2.0.7:2", hub, "study", &same));
		CU_ASSERT_TRUE(comes(&r, "10.2.0.8:1", hub, "study", &other));
		r.class->admit(r.function, first, WAY_FORWARD, 65536, &retry_ms);
		CU_ASSERT_EQUAL(r.class->admit(r.function, same, WAY_FORWARD, 1500, &retry_ms) > 0,
				cases[i].same);
		CU_ASSERT_EQUAL(r.class->admit(r.function, other, WAY_FORWARD, 1500, &retry_ms) > 0,
				cases[i].other);
		rig_close(&r, first, 0, 0);
		rig_close(&r, same, 0, 0);
		rig_close(&r, other, 0, 0);
		rig_end(&r);
	}
}

static void datagrams_beyond_the_rate_are_dropped(void)
{
	struct function_facts facts = rig_facts("10.2.0.7:1", hub, "study");
	uint32_t retry_ms;
	struct rig r;
	void *state;
	int n = 0;

	facts.protocol = IPPROTO_UDP;
	rig_begin(&r, &function_rate_meter);
	CU_ASSERT_TRUE_FATAL(rig_make(&r, "{\"rate\": 8000, \"burst\": 10000}"));
	CU_ASSERT_TRUE(rig_open(&r, &facts, &state));
	CU_ASSERT_EQUAL(function_rate_meter.admit(r.function, state, WAY_FORWARD, 50000, &retry_ms),
			50000);
	for (int i = 0; i < 100; i++)
		n += rig_datagram(&r, state, WAY_FORWARD, 1000);
	CU_ASSERT_TRUE(n >= 10 && n < 50);
	CU_ASSERT_EQUAL(rig_count(&r, "dropped_datagrams"), 100 - n);
	rig_close(&r, state, 0, 0);
	rig_end(&r);
}

static void a_meter_refuses_connections_that_come_too_fast(void)
{
	struct rig r;
	int n = 0;

	rig_begin(&r, &function_rate_meter);
	CU_ASSERT_TRUE_FATAL(
	    rig_make(&r, "{\"rate\": 8000, \"per\": \"all\", \"new_per_second\": 3}"));
	while (n < 50 && may(&r, "10.2.0.7:1", hub, IPPROTO_TCP))
		n++;
	CU_ASSERT_TRUE(n >= 3 && n < 50);
	UNIT_TEXT("more than 3 connections per second", r.why);
	rig_end(&r);
}

/* ---- threads ---- */

static void *hammer(void *arg)
{
	struct rig r = *(struct rig *)arg; /* a `why` of its own */
	char source[32];
	uint32_t retry_ms;
	void *state;

	for (int i = 0; i < ROUNDS; i++) {
		struct function_facts facts;

		snprintf(source, sizeof(source), "10.2.0.%d:1", i % 7);
		memset(&facts, 0, sizeof(facts));
		facts.application = i % 2 ? "study" : "billing";
		facts.from = "north";
		facts.protocol = IPPROTO_TCP;
		wire_address_parse(source, strlen(source), &facts.source);
		wire_address_parse(hub, strlen(hub), &facts.destination);
		if (!rig_open(&r, &facts, &state))
			continue;
		for (int w = 0; r.class->admit && w < N_WAYS; w++)
			r.class->admit(r.function, state, (enum way)w, 3000, &retry_ms);
		rig_close(&r, state, 1, 1);
	}
	return NULL;
}

static void threads_share_them(void)
{
	static const struct {
		const struct function_class *class;
		const char *settings;
	} cases[] = {
		{ &function_firewall, "{\"most\": 2, \"new_per_second\": 100000}" },
		{ &function_microsegment, "{\"hold_seconds\": 0}" },
		{ &function_rate_meter, "{\"rate\": 8000000, \"per\": \"all\"}" },
		{ &function_rate_meter, "{\"rate\": 8000000, \"per\": \"source\"}" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pthread_t threads[THREADS];
		struct rig r;

		rig_begin(&r, cases[i].class);
		CU_ASSERT_TRUE_FATAL(rig_make(&r, cases[i].settings));
		for (int t = 0; t < THREADS; t++)
			pthread_create(&threads[t], NULL, hammer, &r);
		for (int t = 0; t < THREADS; t++)
			pthread_join(threads[t], NULL);
		CU_ASSERT_EQUAL(rig_count(&r, "opened") + rig_count(&r, "refused"),
				THREADS * ROUNDS);
		if (r.class == &function_firewall)
			CU_ASSERT_EQUAL(rig_count(&r, "open"), 0);
		rig_end(&r);
	}
}

int main(void)
{
	static const struct unit units[] = {
		{ "settings_are_refused_by_their_path", settings_are_refused_by_their_path },
		{ "a_firewall_without_settings_lets_the_flow_pass",
		  a_firewall_without_settings_lets_the_flow_pass },
		{ "a_firewall_lets_pass_what_a_rule_allows",
		  a_firewall_lets_pass_what_a_rule_allows },
		{ "an_empty_list_of_rules_allows_nothing", an_empty_list_of_rules_allows_nothing },
		{ "a_source_has_so_many_connections_at_once_across_a_reload",
		  a_source_has_so_many_connections_at_once_across_a_reload },
		{ "a_source_opens_so_many_per_second", a_source_opens_so_many_per_second },
		{ "a_server_answers_datagrams_and_sends_none_unasked",
		  a_server_answers_datagrams_and_sends_none_unasked },
		{ "sources_that_nobody_holds_make_room", sources_that_nobody_holds_make_room },
		{ "a_second_client_does_not_come_beside_the_allowed_one",
		  a_second_client_does_not_come_beside_the_allowed_one },
		{ "a_segment_stays_its_members_for_a_while_and_across_a_reload",
		  a_segment_stays_its_members_for_a_while_and_across_a_reload },
		{ "flows_of_their_own_share_a_segment_unless_it_is_exclusive",
		  flows_of_their_own_share_a_segment_unless_it_is_exclusive },
		{ "named_sources_come_side_by_side_and_no_others",
		  named_sources_come_side_by_side_and_no_others },
		{ "a_pace_lets_pass_its_burst_and_then_its_rate",
		  a_pace_lets_pass_its_burst_and_then_its_rate },
		{ "who_asks_more_often_gets_no_more", who_asks_more_often_gets_no_more },
		{ "what_was_booked_and_not_used_comes_back",
		  what_was_booked_and_not_used_comes_back },
		{ "a_meter_admits_its_burst_and_says_when_there_is_more",
		  a_meter_admits_its_burst_and_says_when_there_is_more },
		{ "a_rate_is_shared_by_a_source_or_by_all",
		  a_rate_is_shared_by_a_source_or_by_all },
		{ "datagrams_beyond_the_rate_are_dropped", datagrams_beyond_the_rate_are_dropped },
		{ "a_meter_refuses_connections_that_come_too_fast",
		  a_meter_refuses_connections_that_come_too_fast },
		{ "threads_share_them", threads_share_them },
	};

	return unit_main("functions_limits", units, sizeof(units) / sizeof(*units));
}
