#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_tagger, module_monitor, module_work, module_cache,
    module_drop, module_queue;

static unsigned pool_free(void)
{
	return rte_mempool_avail_count(packets_pool());
}

static uint64_t counter(const struct module_ops *ops, const void *state, const char *name)
{
	struct module_counter c[MODULE_COUNTERS];
	size_t n = ops->counters(state, c);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(c[i].name, name))
			return c[i].value;
	CU_FAIL("no such counter");
	return 0;
}

/* ---- tagger ---- */

static const char *const colours[] = { "red", "green", "blue" };

static struct module_spec tagger_spec(const struct rplan_values *config,
				      const struct module_derive *derive)
{
	struct module_spec spec = packets_spec("t", "tagger");

	spec.config = config;
	spec.derives = derive;
	spec.n_derives = derive ? 1 : 0;
	return spec;
}

static void tagger_writes_its_value(const char *value, uint16_t expected)
{
	struct rplan_named_value v = packets_text("value", value);
	struct rplan_values config = { &v, 1 };
	struct module_derive derive = { "colour", { colours, 3 }, 5 };
	struct module_spec spec = tagger_spec(&config, &derive);
	struct rte_mbuf *m = packets_make(&(struct made){ 0 });
	struct burst *b = packets_burst(0);
	struct module_error e;
	void *state = module_tagger.open(&spec, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	packets_run(&module_tagger, state, b, &m, 1);
	CU_ASSERT_EQUAL(b->n, 1);
	CU_ASSERT_EQUAL(packet_of(m)->tags[5], expected);
	CU_ASSERT_EQUAL(packet_of(m)->tags[4], PACKET_NO_TAG);
	packets_free(b);
	module_tagger.close(state);
}

static void tagger_writes_the_value_into_the_attributes_tag(void)
{
	tagger_writes_its_value("red", 0);
	tagger_writes_its_value("blue", 2);
	tagger_writes_its_value("edge.blue", 2); /* the policy has an instance of that name */
}

static void tagger_refuses(const struct rplan_values *config, const struct module_derive *derive,
			   const char *text)
{
	struct module_spec spec = tagger_spec(config, derive);
	struct module_error e = { "" };

	CU_ASSERT_PTR_NULL(module_tagger.open(&spec, &e));
	UNIT_TEXT(text, e.text);
}

static void tagger_refuses_a_value_that_is_none(void)
{
	struct rplan_named_value v = packets_text("value", "pink");
	struct rplan_values config = { &v, 1 }, nothing = { NULL, 0 };
	struct module_derive derive = { "colour", { colours, 3 }, 0 };

	tagger_refuses(&config, &derive, "value: no derived attribute has the value 'pink'");
	tagger_refuses(&config, NULL, "value: no derived attribute has the value 'pink'");
	tagger_refuses(&nothing, &derive,
		       "value: which of the derived attribute's values is to be written?");
}

/* ---- monitor ---- */

static void *monitor(void)
{
	struct module_spec spec = packets_spec("m", "monitor");
	struct module_error e;

	return module_monitor.open(&spec, &e);
}

static void monitor_counts_by_protocol(void)
{
	static const struct made kinds[] = { { .proto = 6, .size = 100 },
					     { .proto = 6, .family = 6, .size = 200 },
					     { .proto = 17, .size = 64 },
					     { .proto = 1, .size = 70 },
					     { .proto = 58, .family = 6, .size = 80 },
					     { .proto = 47, .size = 90 } };
	struct burst *b = packets_burst(0);
	void *state = monitor();

	for (size_t i = 0; i < RTE_DIM(kinds); i++)
		b->at[b->n++] = packets_make(&kinds[i]);
	module_monitor.run(state, b);
	CU_ASSERT_EQUAL(b->n, RTE_DIM(kinds));
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "tcp_packets"), 2);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "tcp_bytes"), 300);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "udp_packets"), 1);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "udp_bytes"), 64);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "icmp_packets"), 2);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "icmp_bytes"), 150);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "other_packets"), 1);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "other_bytes"), 90);
	CU_ASSERT_EQUAL(counter(&module_monitor, state, "sources"), 2);
	packets_free(b);
	module_monitor.close(state);
}

/* The addresses of HOSTS hosts, each TIMES times, without making each packet afresh. */
static uint64_t monitor_estimate(uint32_t hosts, unsigned times)
{
	struct burst *b = packets_burst(0);
	void *state = monitor();
	uint64_t n;

	for (unsigned i = 0; i < BURST; i++)
		b->at[b->n++] = packets_make(&(struct made){ 0 });
	for (unsigned t = 0; t < times; t++)
		for (uint32_t h = 0; h < hosts; h += BURST) {
			for (uint32_t i = 0; i < BURST; i++)
				packet_of(b->at[i])->src[3] =
				    0x0a000000 + (h + i < hosts ? h + i : 0);
			module_monitor.run(state, b);
		}
	n = counter(&module_monitor, state, "sources");
	packets_free(b);
	module_monitor.close(state);
	return n;
}

static void monitor_estimates_how_many_hosts_send(void)
{
	static const uint32_t hosts[] = { 1, 10, 100, 1000, 10000, 100000 };

	for (size_t i = 0; i < RTE_DIM(hosts); i++) {
		double seen = (double)monitor_estimate(hosts[i], 1);

		CU_ASSERT(seen > 0.95 * hosts[i] && seen < 1.05 * hosts[i]);
		CU_ASSERT_EQUAL(seen, (double)monitor_estimate(hosts[i], 2));
	}
}

static void monitor_counts_on_under_a_new_plan(void)
{
	struct rte_mbuf *m = packets_make(&(struct made){ .proto = 6 });
	struct burst *b = packets_burst(0);
	void *old = monitor(), *new = monitor();

	packets_run(&module_monitor, old, b, &m, 1);
	module_monitor.adopt(new, old);
	module_monitor.close(old);
	module_monitor.run(new, b);
	CU_ASSERT_EQUAL(counter(&module_monitor, new, "tcp_packets"), 2);
	CU_ASSERT_EQUAL(counter(&module_monitor, new, "sources"), 1);
	packets_free(b);
	module_monitor.close(new);
}

/* ---- work ---- */

/* The least time of several runs: interruptions make a run longer, never shorter. */
static uint64_t work_spends(double cycles, double per_byte, uint16_t size)
{
	struct module_spec spec = packets_spec("w", "work");
	struct burst *b = packets_burst(0);
	uint64_t least = UINT64_MAX;
	struct module_error e;
	void *state;

	spec.cost_cycles = cycles;
	spec.cost_cycles_per_byte = per_byte;
	state = module_work.open(&spec, &e);
	for (unsigned i = 0; i < BURST; i++)
		b->at[b->n++] = packets_make(&(struct made){ .size = size });
	for (unsigned i = 0; i < 20; i++) {
		uint64_t begin = rte_rdtsc(), took;

		module_work.run(state, b);
		took = rte_rdtsc() - begin;
		least = took < least ? took : least;
	}
	CU_ASSERT_EQUAL(b->n, BURST);
	packets_free(b);
	module_work.close(state);
	return least;
}

/* Half of what is wanted: the core may have been slower while it was measured. */
static void work_takes_time_by_packets_and_bytes(void)
{
	CU_ASSERT(work_spends(3000, 0, 64) > 1500 * BURST);
	CU_ASSERT(work_spends(0, 20, 1000) > 10000 * BURST);
	CU_ASSERT(work_spends(0, 0, 64) < 100000);
}

/* ---- those that are almost nothing ---- */

static void cache_is_refused(void)
{
	struct module_spec spec = packets_spec("c", "cache");
	struct module_error e;

	CU_ASSERT_PTR_NULL(module_cache.open(&spec, &e));
	UNIT_TEXT("a cache would have to terminate TCP, which epic-dpdkd does not do", e.text);
}

static void drop_ends_all_packets_without_loss(void)
{
	struct module_spec spec = packets_spec("d", "drop");
	struct burst *b = packets_burst(0);
	struct module_error e;
	void *state = module_drop.open(&spec, &e);

	for (unsigned i = 0; i < BURST; i++)
		b->at[b->n++] = packets_make(&(struct made){ 0 });
	module_drop.run(state, b);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_EXIT), BURST);
	packets_free(b);
	module_drop.close(state);
}

static void queue_lets_packets_through_in_order(void)
{
	struct module_spec spec = packets_spec("q", "queue");
	struct rte_mbuf *m[3];
	struct burst *b = packets_burst(0);
	struct module_error e;
	void *state = module_queue.open(&spec, &e);

	for (unsigned i = 0; i < 3; i++)
		m[i] = packets_make(&(struct made){ 0 });
	packets_run(&module_queue, state, b, m, 3);
	CU_ASSERT_EQUAL(b->n, 3);
	CU_ASSERT_EQUAL(memcmp(b->at, m, sizeof(m)), 0);
	packets_free(b);
	module_queue.close(state);
}

static void no_packet_is_lost(void)
{
	CU_ASSERT_EQUAL(pool_free(), packets_pool()->size);
}

int main(void)
{
	static const struct unit units[] = {
		{ "tagger_writes_the_value_into_the_attributes_tag",
		  tagger_writes_the_value_into_the_attributes_tag },
		{ "tagger_refuses_a_value_that_is_none", tagger_refuses_a_value_that_is_none },
		{ "monitor_counts_by_protocol", monitor_counts_by_protocol },
		{ "monitor_estimates_how_many_hosts_send", monitor_estimates_how_many_hosts_send },
		{ "monitor_counts_on_under_a_new_plan", monitor_counts_on_under_a_new_plan },
		{ "work_takes_time_by_packets_and_bytes", work_takes_time_by_packets_and_bytes },
		{ "cache_is_refused", cache_is_refused },
		{ "drop_ends_all_packets_without_loss", drop_ends_all_packets_without_loss },
		{ "queue_lets_packets_through_in_order", queue_lets_packets_through_in_order },
		{ "no_packet_is_lost", no_packet_is_lost },
	};

	packets_start("epic-small");
	return unit_main("dpdk_small", units, sizeof(units) / sizeof(*units));
}
