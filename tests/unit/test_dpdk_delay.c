#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_delay;

/* With a time stamp counter of 1 GHz a cycle is a nanosecond. */
static void *delay_try(double time, double packets, struct module_error *e)
{
	struct rplan_named_value v[] = { packets_number("time", time),
					 packets_number("packets", packets) };
	struct rplan_values config = { v, packets ? 2 : 1 };
	struct module_spec spec = packets_spec("d", "delay");
	struct module_world world = *spec.world;

	world.hz = 1000000000;
	spec.world = &world;
	spec.config = &config;
	return module_delay.open(&spec, e);
}

static void *delay(double time, double packets)
{
	struct module_error e;
	void *state = delay_try(time, packets, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

/* N packets with ports from FIRST on come at NOW; the counts are in *B, which is given on. */
static void come(void *state, struct burst *b, uint64_t now, unsigned n, unsigned first)
{
	b->now = now;
	for (b->n = 0; b->n < n; b->n++)
		b->at[b->n] = packets_make(&(struct made){ .sport = (uint16_t)(first + b->n) });
	module_delay.run(state, b);
	CU_ASSERT_EQUAL(b->n, 0);
}

/* Expects N packets with ports from FIRST on, and frees them. */
static void go(void *state, struct burst *b, uint64_t now, unsigned n, unsigned first)
{
	b->now = now;
	b->n = 0;
	module_delay.release(state, b);
	CU_ASSERT_EQUAL(b->n, n);
	for (unsigned i = 0; i < b->n; i++) {
		CU_ASSERT_EQUAL(packet_of(b->at[i])->sport, first + i);
		rte_pktmbuf_free(b->at[i]);
	}
	b->n = 0;
}

static void packets_leave_in_order_when_they_are_due(void)
{
	struct burst *b = packets_burst(0);
	void *state = delay(1000, 0);

	CU_ASSERT_EQUAL(module_delay.due(state), UINT64_MAX);
	come(state, b, 5000, 2, 1);
	come(state, b, 5500, 3, 3);
	CU_ASSERT_EQUAL(packets_held(b), 5);
	CU_ASSERT_EQUAL(module_delay.due(state), 6000);
	go(state, b, 5999, 0, 0);
	go(state, b, 6000, 2, 1);
	CU_ASSERT_EQUAL(module_delay.due(state), 6500);
	CU_ASSERT_EQUAL(packets_held(b), 3);
	go(state, b, 9000, 3, 3);
	CU_ASSERT_EQUAL(packets_held(b), 0);
	CU_ASSERT_EQUAL(module_delay.due(state), UINT64_MAX);
	packets_free(b);
	module_delay.close(state);
}

static void a_burst_gives_no_more_than_it_has_room_for(void)
{
	struct burst *b = packets_burst(0);
	void *state = delay(0, 0);

	come(state, b, 0, BURST, 1);
	come(state, b, 0, BURST, 1 + BURST);
	go(state, b, 0, BURST, 1);
	go(state, b, 0, BURST, 1 + BURST);
	go(state, b, 0, 0, 0);
	packets_free(b);
	module_delay.close(state);
}

static void what_comes_when_it_is_full_is_dropped(void)
{
	struct burst *b = packets_burst(0);
	void *state = delay(100, 5);

	come(state, b, 0, 3, 1);
	come(state, b, 50, 4, 4);
	CU_ASSERT_EQUAL(packets_held(b), 5);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_FULL), 2);
	go(state, b, 100, 3, 1);
	come(state, b, 100, 4, 6); /* round the end of the ring */
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_FULL), 3);
	go(state, b, 300, 5, 4);
	packets_free(b);
	module_delay.close(state);
}

/* OLD_ROOM and NEW_ROOM: capacities. */
static void survives(double old_room, double new_room)
{
	struct burst *b = packets_burst(0);
	void *old = delay(1000, old_room), *new = delay(200, new_room);

	come(old, b, 0, 3, 1);
	go(old, b, 1000, 3, 1);
	come(old, b, 2000, 6, 1);
	module_delay.adopt(new, old);
	module_delay.close(old);
	CU_ASSERT_EQUAL(module_delay.due(new), 2200);
	come(new, b, 2100, 1, 7);
	CU_ASSERT_EQUAL(packets_dropped(b, DROP_FULL), new_room < 7);
	go(new, b, 2200, 6, 1);
	go(new, b, 2300, new_room < 7 ? 0 : 1, 7);
	CU_ASSERT_EQUAL(packets_held(b), 0);
	packets_free(b);
	module_delay.close(new);
}

static void held_packets_survive_a_new_plan(void)
{
	survives(8, 8);
	survives(8, 2);
	survives(8, 64);
	survives(64, 4);
}

static void closing_frees_what_is_held(void)
{
	struct burst *b = packets_burst(0);
	void *state = delay(1000, 8);

	come(state, b, 0, 7, 1);
	module_delay.close(state);
	packets_free(b);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(packets_pool()), packets_pool()->size);
}

static void times_without_sense_are_refused(void)
{
	struct module_spec spec = packets_spec("d", "delay");
	struct module_error e;

	CU_ASSERT_PTR_NULL(module_delay.open(&spec, &e));
	UNIT_TEXT("time: how long is a packet to be held?", e.text);
	CU_ASSERT_PTR_NULL(delay_try(-1, 0, &e));
	CU_ASSERT_PTR_NULL(delay_try(10e9 + 1, 0, &e));
	CU_ASSERT_PTR_NULL(delay_try(1, -1, &e));
}

/* Whatever comes when: in = out + dropped + held, and out is in in order. */
static void random_times_keep_count_and_order(void)
{
	struct burst *b = packets_burst(0);
	void *state = delay(777, 100);
	uint64_t now = 0, in = 0, out = 0;
	uint16_t last = 0, next = 1;

	srand(1);
	for (unsigned round = 0; round < 5000; round++) {
		unsigned n = (unsigned)rand() % (BURST + 1);

		now += (uint64_t)(rand() % 400);
		come(state, b, now, n, next);
		next = (uint16_t)(next + n > 60000 ? 1 : next + n); /* 0 is the usual port */
		in += n;
		b->n = 0;
		module_delay.release(state, b);
		out += b->n;
		for (unsigned i = 0; i < b->n; i++) {
			CU_ASSERT(packet_of(b->at[i])->sport > last || last > 59000);
			last = packet_of(b->at[i])->sport;
			rte_pktmbuf_free(b->at[i]);
		}
		b->n = 0;
		CU_ASSERT_EQUAL(in, out + packets_held(b) + packets_dropped(b, DROP_FULL));
	}
	CU_ASSERT(packets_dropped(b, DROP_FULL) > 0);
	packets_free(b);
	module_delay.close(state);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(packets_pool()), packets_pool()->size);
}

int main(void)
{
	static const struct unit units[] = {
		{ "packets_leave_in_order_when_they_are_due",
		  packets_leave_in_order_when_they_are_due },
		{ "a_burst_gives_no_more_than_it_has_room_for",
		  a_burst_gives_no_more_than_it_has_room_for },
		{ "what_comes_when_it_is_full_is_dropped", what_comes_when_it_is_full_is_dropped },
		{ "held_packets_survive_a_new_plan", held_packets_survive_a_new_plan },
		{ "closing_frees_what_is_held", closing_frees_what_is_held },
		{ "times_without_sense_are_refused", times_without_sense_are_refused },
		{ "random_times_keep_count_and_order", random_times_keep_count_and_order },
	};

	packets_start("epic-delay");
	return unit_main("dpdk_delay", units, sizeof(units) / sizeof(*units));
}
