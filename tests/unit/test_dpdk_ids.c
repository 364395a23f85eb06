#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_ids;

enum { TAG = 3 };

static const char *const levels[] = { "clean", "low", "high" };
static const struct module_derive derive = { "alert", { levels, 3 }, TAG };

static const char patterns[] = "# what is looked for\n"
			       "\n"
			       "low: fox\n"
			       "  high :  /evil+/i\r\n"
			       "low: /one.*two/s\n"
			       "high: ^begin\n"
			       "clean: harmless\n"
			       "low: /etc/passwd\n" /* a flag that is none: see below */;

/* Opens with a file that holds TEXT, in a directory of its own. */
static void *ids_try(const char *text, bool derives, const char *action, struct module_error *e)
{
	char directory[] = "/tmp/epic-ids-XXXXXX/", path[64];
	struct rplan_named_value v[] = { packets_text("patterns", "file:patterns"),
					 packets_text("action", action) };
	struct rplan_values config = { v, action ? 2 : 1 };
	struct module_spec spec = packets_spec("i", "ids");
	struct module_world world = *spec.world;
	FILE *f;
	void *state;

	directory[strlen(directory) - 1] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/patterns", directory);
	strcat(directory, "/");
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	world.directory = directory;
	spec.world = &world;
	spec.config = &config;
	spec.derives = &derive;
	spec.n_derives = derives;
	state = module_ids.open(&spec, e);
	unlink(path);
	rmdir(directory);
	return state;
}

/* All of `patterns` but the last line, which has no flags. */
static void *ids(bool derives, const char *action)
{
	char text[sizeof(patterns)];
	struct module_error e = { "" };
	void *state;

	strcpy(text, patterns);
	*strstr(text, "low: /etc") = '\0';
	state = ids_try(text, derives, action, &e);
	UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static uint64_t counter(const void *state, const char *name)
{
	struct module_counter c[MODULE_COUNTERS];
	size_t n = module_ids.counters(state, c);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(c[i].name, name))
			return c[i].value;
	CU_FAIL("no such counter");
	return 0;
}

/* A packet that carries TEXT once. */
static struct rte_mbuf *carrying(const char *text, int family, uint8_t proto)
{
	size_t head = (family == 4 ? 34u : 54u) + (proto == 6 ? 20u : 8u);

	return packets_make(&(struct made){ .family = family,
					    .proto = proto,
					    .tcp_flags = 16,
					    .size = (uint16_t)(head + strlen(text)),
					    .payload = text });
}

/* The tag that the packet then has, or -1 for one that does not go on. */
static int judged(void *state, struct rte_mbuf *m)
{
	struct burst *b = packets_burst(0);
	int tag = -1;

	packets_run(&module_ids, state, b, &m, 1);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_REFUSED), !b->n);
	if (b->n)
		tag = packet_of(b->at[0])->tags[TAG];
	packets_free(b);
	return tag;
}

static int judged_text(void *state, const char *text)
{
	return judged(state, carrying(text, 4, 17));
}

static void the_worst_match_becomes_the_tag(void)
{
	static const struct {
		const char *text;
		int tag;
	} cases[] = { { "the quick brown dog", 0 },
		      { "the quick brown fox", 1 },
		      { "the FOX", 0 },
		      { "EVILLL", 2 },
		      { "evi", 0 },
		      { "one\ntwo", 1 },
		      { "a fox and something evil and harmless", 2 },
		      { "something evil and a fox", 2 },
		      { "begin", 2 },
		      { " begin", 0 },
		      { "harmless", 0 },
		      { "harmless fox", 1 } };
	void *state = ids(true, NULL);

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		CU_ASSERT_EQUAL(judged_text(state, cases[i].text), cases[i].tag);
		CU_ASSERT_EQUAL(judged(state, carrying(cases[i].text, 6, 6)), cases[i].tag);
		CU_ASSERT_EQUAL(judged(state, carrying(cases[i].text, 6, 17)), cases[i].tag);
		CU_ASSERT_EQUAL(judged(state, carrying(cases[i].text, 4, 6)), cases[i].tag);
	}
	CU_ASSERT_EQUAL(counter(state, "scanned"), 48);
	CU_ASSERT_EQUAL(counter(state, "alarms"), 28);
	CU_ASSERT_EQUAL(counter(state, "clean"), 20);
	CU_ASSERT_EQUAL(counter(state, "low"), 12);
	CU_ASSERT_EQUAL(counter(state, "high"), 16);
	module_ids.close(state);
}

/* Neither headers nor what is behind the packet is payload. */
static void only_the_payload_is_looked_at(void)
{
	struct rte_mbuf *m = carrying("nothing", 4, 17);
	void *state = ids(true, NULL);

	memcpy(rte_pktmbuf_append(m, 8), "the evil", 8);
	packet_parse(m);
	CU_ASSERT_EQUAL(judged(state, m), 0);
	m = carrying("evil", 4, 17);
	memcpy(rte_pktmbuf_mtod(m, char *), "evil", 4); /* a MAC */
	CU_ASSERT_EQUAL(judged(state, m), 2);
	m = carrying("", 4, 17);
	memcpy(rte_pktmbuf_mtod(m, char *), "evil", 4);
	CU_ASSERT_EQUAL(judged(state, m), 0);
	module_ids.close(state);
}

static void a_chain_is_looked_at_whole(void)
{
	struct rte_mbuf *m = carrying("something e", 4, 17), *tail = packets_raw("vil", 3);
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *) + 14;
	void *state = ids(true, NULL);

	ip[3] = (uint8_t)(ip[3] + 3);
	rte_pktmbuf_chain(m, tail);
	CU_ASSERT_EQUAL(judged(state, m), 2);
	module_ids.close(state);
}

static void matches_are_dropped_on_request(void)
{
	void *state = ids(true, "drop");

	CU_ASSERT_EQUAL(judged_text(state, "a fox"), -1);
	CU_ASSERT_EQUAL(judged_text(state, "evil"), -1);
	CU_ASSERT_EQUAL(judged_text(state, "harmless"), 0); /* the clean value is no alarm */
	CU_ASSERT_EQUAL(judged_text(state, "a dog"), 0);
	module_ids.close(state);
	state = ids(false, "edge.drop"); /* what the policy's `drop` becomes */
	CU_ASSERT_EQUAL(judged_text(state, "harmless"), -1);
	CU_ASSERT_EQUAL(judged_text(state, "a dog"), PACKET_NO_TAG);
	module_ids.close(state);
}

static void without_an_attribute_matches_are_counted(void)
{
	void *state = ids(false, "pass");

	CU_ASSERT_EQUAL(judged_text(state, "a fox"), PACKET_NO_TAG);
	CU_ASSERT_EQUAL(judged_text(state, "an evil fox"), PACKET_NO_TAG);
	CU_ASSERT_EQUAL(judged_text(state, "a dog"), PACKET_NO_TAG);
	CU_ASSERT_EQUAL(counter(state, "scanned"), 3);
	CU_ASSERT_EQUAL(counter(state, "low"), 1);
	CU_ASSERT_EQUAL(counter(state, "high"), 1);
	CU_ASSERT_EQUAL(counter(state, "alarms"), 2);
	module_ids.close(state);
}

static void order_is_kept(void)
{
	static const char *const texts[] = { "a", "fox", "b", "c", "evil", "d" };
	struct rte_mbuf *m[6];
	struct burst *b = packets_burst(0);
	void *state = ids(true, "drop");

	for (unsigned i = 0; i < 6; i++)
		m[i] = carrying(texts[i], 4, 17);
	packets_run(&module_ids, state, b, m, 6);
	CU_ASSERT_EQUAL_FATAL(b->n, 4);
	CU_ASSERT(b->at[0] == m[0] && b->at[1] == m[2] && b->at[2] == m[3] && b->at[3] == m[5]);
	packets_free(b);
	module_ids.close(state);
}

/* The message ends with TAIL, behind the path. */
static void refused(const char *text, bool derives, const char *tail)
{
	struct module_error e = { "" };
	const char *at;

	CU_ASSERT_PTR_NULL(ids_try(text, derives, NULL, &e));
	CU_ASSERT_EQUAL(strncmp(e.text, "patterns: /tmp/epic-ids-", 24), 0);
	at = strstr(e.text, "/patterns");
	UNIT_TEXT(tail, at ? at + strlen("/patterns") : e.text);
}

static void errors_name_the_line(void)
{
	refused("\n# a\nlow: (\n", true,
		":3: Missing close parenthesis for group started at index 0.");
	refused("low: a\nmiddle: b\n", true,
		":2: 'middle' is no value of alert (clean, low, high)");
	refused("low: a\n\nlow b\n", true, ":3: 'VALUE: REGEX' is due");
	refused(": b\n", true, ":1: 'VALUE: REGEX' is due");
	refused("low:  \n", true, ":1: the pattern is empty");
	refused("low: //i\n", true, ":1: the pattern is empty");
	refused("low: /a/iq\n", true, ":1: unknown flag 'q'");
	refused(strstr(patterns, "low: /etc"), true, ":1: unknown flag 'p'");
	refused("# nothing\n", true, " holds no pattern");
	refused("low: a*\n", true,
		":1: Pattern matches empty buffer; use HS_FLAG_ALLOWEMPTY to enable support.");
	refused("a:a\nb:a\nc:a\nd:a\ne:a\nf:a\ng:a\nh:a\ni:a\nj:a\nk:a\nl:a\nm:a\nn:a\no:a\n",
		false, ":15: more than 14 names");
}

static void wrong_configuration_is_refused(void)
{
	struct module_spec spec = packets_spec("i", "ids");
	struct module_error e;

	CU_ASSERT_PTR_NULL(module_ids.open(&spec, &e));
	UNIT_TEXT("patterns: which file holds the patterns?", e.text);
	CU_ASSERT_PTR_NULL(ids_try("low: a\n", true, "explode", &e));
	UNIT_TEXT("action: expected pass or drop", e.text);
}

static unsigned scaled(unsigned n)
{
	const char *scale = getenv("EPIC_TEST_SCALE");

	return scale && atoi(scale) > 1 ? n / (unsigned)atoi(scale) : n;
}

static void mutate(struct rte_mbuf *m)
{
	unsigned n = (unsigned)rand() % 4;

	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_mtod(m, uint8_t *)[(unsigned)rand() % m->data_len] ^=
		    (uint8_t)(rand() % 3 ? 1 << rand() % 8 : rand());
	if (rand() % 8 == 0)
		rte_pktmbuf_trim(m, (uint16_t)(rand() % m->data_len));
	packet_parse(m);
}

/* The tag of each is what a plain search in the bytes of the payload says. */
static int expected(struct rte_mbuf *m)
{
	const struct packet *p = packet_of(m);
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t end = p->present & PACKET_IP4
			   ? p->l3 + frame[p->l3 + 2] * 256u + frame[p->l3 + 3]
			   : p->l3 + 40 + frame[p->l3 + 4] * 256u + frame[p->l3 + 5];

	if (!(p->present & (PACKET_L4 | PACKET_ICMP)) || p->payload >= end)
		return 0;
	return memmem(frame + p->payload, end - p->payload, "lazy", 4) ? 1 : 0;
}

static void mutated_packets_get_the_right_tag(void)
{
	struct module_error e;
	void *state = ids_try("low: lazy\n", true, NULL, &e);
	struct burst *b = packets_burst(0);
	uint64_t found = 0, n = scaled(100000);

	srand(5);
	for (uint64_t i = 0; i < n; i++) {
		struct rte_mbuf *m = packets_make(
		    &(struct made){ .family = rand() % 2 ? 4 : 6,
				    .proto = rand() % 2 ? 6 : 17,
				    .size = (uint16_t)(80 + rand() % 80),
				    .payload = "the quick brown fox jumps over the lazy dog" });

		mutate(m);
		packets_run(&module_ids, state, b, &m, 1);
		CU_ASSERT_EQUAL_FATAL(b->n, 1);
		CU_ASSERT_EQUAL(packet_of(m)->tags[TAG], expected(m));
		found += packet_of(m)->tags[TAG];
		rte_pktmbuf_free(m);
		b->n = 0;
	}
	CU_ASSERT(found > n / 10 && found < n - n / 10);
	packets_free(b);
	module_ids.close(state);
}

static void no_packet_is_lost(void)
{
	CU_ASSERT_EQUAL(rte_mempool_avail_count(packets_pool()), packets_pool()->size);
}

int main(void)
{
	static const struct unit units[] = {
		{ "the_worst_match_becomes_the_tag", the_worst_match_becomes_the_tag },
		{ "only_the_payload_is_looked_at", only_the_payload_is_looked_at },
		{ "a_chain_is_looked_at_whole", a_chain_is_looked_at_whole },
		{ "matches_are_dropped_on_request", matches_are_dropped_on_request },
		{ "without_an_attribute_matches_are_counted",
		  without_an_attribute_matches_are_counted },
		{ "order_is_kept", order_is_kept },
		{ "errors_name_the_line", errors_name_the_line },
		{ "wrong_configuration_is_refused", wrong_configuration_is_refused },
		{ "mutated_packets_get_the_right_tag", mutated_packets_get_the_right_tag },
		{ "no_packet_is_lost", no_packet_is_lost },
	};

	packets_start("epic-ids");
	return unit_main("dpdk_ids", units, sizeof(units) / sizeof(*units));
}
