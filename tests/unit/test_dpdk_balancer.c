/* The balancer on real packets. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "tests/unit/stateful.h"
#include "tests/unit/unit.h"

extern const struct module_ops module_balancer;

static const struct module_ops *const ops = &module_balancer;

enum { TAG = 3, MOST = 8 };

/* What an instance is opened with: names of values, weights, fields. */
struct wanted {
	const char *names[MOST];
	double weights[MOST];
	const char *fields[MOST];
	double n_flows, seconds;
	bool underivable;
};

static size_t n_texts(const char *const *at)
{
	size_t n = 0;

	while (n < MOST && at[n])
		n++;
	return n;
}

static void *open_as(const struct wanted *w, struct module_error *e)
{
	struct module_spec spec = packets_spec("p.b", ops->class);
	struct module_derive derive = { .attribute = "backend",
					.values = { w->names, n_texts(w->names) },
					.tag = TAG };
	struct settings s = { 0 };

	if (w->weights[0] || w->weights[1])
		settings_numbers(&s, "weights", w->weights, n_texts(w->names));
	if (w->n_flows)
		settings_add(&s, packets_number("flows", w->n_flows));
	if (w->seconds)
		settings_add(&s, packets_number("timeout", w->seconds * 1e9));
	s.values.at = s.named;
	for (size_t i = 0; i < s.values.n; i++)
		if (s.named[i].value.kind == RPLAN_LIST)
			s.named[i].value.items = s.items[i];
	spec.config = &s.values;
	spec.derives = w->underivable ? NULL : &derive;
	spec.n_derives = !w->underivable;
	spec.affinity = (struct rplan_texts){ w->fields, n_texts(w->fields) };
	return ops->open(&spec, e);
}

static void *open_fine(const struct wanted *w)
{
	struct module_error e = { "" };
	void *state = open_as(w, &e);

	UNIT_TEXT("", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(state);
	return state;
}

static unsigned choice_of(void *state, struct rte_mbuf *m, uint64_t now)
{
	unsigned value;

	m = stateful_pass(ops, state, m, now, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	value = packet_of(m)->tags[TAG];
	rte_pktmbuf_free(m);
	return value;
}

static unsigned choice(void *state, const struct made *w, uint64_t now)
{
	return choice_of(state, packets_make(w), now);
}

/* Flow number I, or what comes back. */
static struct made flow(unsigned i, bool back)
{
	struct made w = { .sport = (uint16_t)(1000 + i), .dport = 80 };

	if (back)
		w = (struct made){ .src = "10.0.0.2",
				   .dst = "10.0.0.1",
				   .sport = 80,
				   .dport = (uint16_t)(1000 + i) };
	return w;
}

static const struct wanted three = { .names = { "a", "b", "c" } };

static void refuses_what_it_cannot_choose_from(void)
{
	static const struct wanted wrong[] = {
		{ .underivable = true },
		{ .names = { NULL } },
		{ .names = { "a", "b" }, .weights = { 1, 1.5 } },
		{ .names = { "a" }, .fields = { "eth.src" } },
	};
	static const char *const why[] = {
		"a balancer derives one attribute with a set of values",
		"a balancer derives one attribute with a set of values",
		"weights: whole numbers from 0 to 10000 are due",
		"affinity: a balancer cannot look at eth.src",
	};

	for (unsigned i = 0; i < 4; i++) {
		struct module_error e = { "" };

		CU_ASSERT_PTR_NULL(open_as(&wrong[i], &e));
		UNIT_TEXT(why[i], e.text);
	}
}

static void both_directions_get_one_value(void)
{
	void *state = open_fine(&three);
	uint64_t now = rte_rdtsc();
	unsigned seen[3] = { 0 };

	for (unsigned i = 0; i < 300; i++) {
		struct made to = flow(i, i & 1), back = flow(i, !(i & 1));
		unsigned value = choice(state, &to, now);

		CU_ASSERT_FATAL(value < 3);
		CU_ASSERT_EQUAL(choice(state, &back, now), value);
		seen[value]++;
	}
	CU_ASSERT(seen[0] > 60 && seen[1] > 60 && seen[2] > 60);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 300);
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "a"), 2 * seen[0]);
	ops->close(state);
}

static void weights_give_shares(void)
{
	static const struct wanted w = { .names = { "a", "b", "c", "d" },
					 .weights = { 1, 3, 0, 4 } };
	void *state = open_fine(&w);
	uint64_t now = rte_rdtsc();
	unsigned seen[4] = { 0 };

	for (unsigned i = 0; i < 8000; i++) {
		struct made to = flow(i, false);

		seen[choice(state, &to, now)]++;
	}
	CU_ASSERT(seen[0] > 850 && seen[0] < 1150);
	CU_ASSERT(seen[1] > 2800 && seen[1] < 3200);
	CU_ASSERT_EQUAL(seen[2], 0);
	CU_ASSERT(seen[3] > 3800 && seen[3] < 4200);
	ops->close(state);
}

/* Of so many flows each place of the Maglev table has some; hardly any is in the table of flows. */
static void the_order_of_the_values_does_not_matter(void)
{
	static const struct wanted one_way = { .names = { "a", "b", "c", "d", "e" }, .n_flows = 1 };
	static const struct wanted other_way = { .names = { "d", "c", "a", "e", "b" },
						 .n_flows = 1 };
	void *one = open_fine(&one_way), *other = open_fine(&other_way);
	struct rte_mbuf *m = packets_make(&(struct made){ .ttl = 3 });
	struct burst *b = packets_burst(rte_rdtsc());
	struct packet *p = packet_of(m);

	for (uint32_t i = 0; i < 400000; i++) {
		const char *name;

		p->src[3] = i;
		packets_run(ops, one, b, &m, 1);
		name = one_way.names[p->tags[TAG]];
		packets_run(ops, other, b, &m, 1);
		CU_ASSERT_STRING_EQUAL_FATAL(name, other_way.names[p->tags[TAG]]);
	}
	packets_free(b);
	ops->close(one);
	ops->close(other);
}

/* By the Maglev table alone, as no flow is known: one value more moves hardly anything but its own
 * share. */
static void nearly_equal_plans_choose_nearly_equally(void)
{
	static const struct wanted four = { .names = { "a", "b", "c", "d" } };
	void *one = open_fine(&three), *more = open_fine(&four);
	uint64_t now = rte_rdtsc();
	unsigned moved = 0, to_d = 0;

	for (unsigned i = 0; i < 4000; i++) {
		struct made w = flow(i, false);
		unsigned value = choice(one, &w, now), with_d = choice(more, &w, now);

		to_d += with_d == 3;
		moved += with_d != 3 && with_d != value;
	}
	CU_ASSERT(to_d > 900 && to_d < 1100);
	CU_ASSERT(moved < 200);
	ops->close(one);
	ops->close(more);
}

static void known_flows_stay_where_they_are(void)
{
	static const struct wanted later = { .names = { "d", "c", "e", "a" },
					     .weights = { 1, 1, 1, 0 } };
	void *old = open_fine(&three), *state = open_fine(&later);
	uint64_t now = rte_rdtsc();
	unsigned before[300], stayed = 0;

	for (unsigned i = 0; i < 300; i++) {
		struct made w = flow(i, false);

		before[i] = choice(old, &w, now);
	}
	ops->adopt(state, old);
	ops->close(old);
	for (unsigned i = 0; i < 300; i++) {
		struct made w = flow(i, true);
		const char *name = later.names[choice(state, &w, now)];

		if (before[i] == 1) { /* b is no more; a takes nothing new */
			CU_ASSERT_STRING_NOT_EQUAL(name, "a");
			continue;
		}
		CU_ASSERT_STRING_EQUAL(name, three.names[before[i]]);
		stayed++;
	}
	CU_ASSERT(stayed > 150);
	ops->close(state);
}

static void flows_are_forgotten_by_time(void)
{
	static const struct wanted w = { .names = { "a", "b" }, .seconds = 5 };
	static const struct wanted drained = { .names = { "a", "b" }, .weights = { 0, 1 } };
	void *old = open_fine(&w), *state = open_fine(&drained);
	uint64_t now = rte_rdtsc();
	struct made one = { .sport = 1 };
	unsigned i = 1;

	while (choice(old, &one, now))
		one.sport = (uint16_t)++i;
	ops->adopt(state, old);
	ops->close(old);
	CU_ASSERT_EQUAL(choice(state, &one, now + stateful_seconds(4)), 0);
	CU_ASSERT_EQUAL(choice(state, &one, now + stateful_seconds(130)), 1);
	ops->close(state);
}

static void a_full_table_loses_no_packet(void)
{
	static const struct wanted w = { .names = { "a", "b", "c" }, .n_flows = 10 };
	void *small = open_fine(&w), *large = open_fine(&three);
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < 100; i++) {
		struct made f = flow(i, false);

		CU_ASSERT_EQUAL(choice(small, &f, now), choice(large, &f, now));
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, small, "untracked"), 90);
	ops->close(small);
	ops->close(large);
}

static void only_fields_of_the_affinity_count(void)
{
	static const struct wanted source = { .names = { "a", "b", "c" }, .fields = { "ip.src" } };
	static const struct wanted pair = { .names = { "a", "b", "c" },
					    .fields = { "ip.src", "ip.dst" } };
	void *by_source = open_fine(&source), *by_pair = open_fine(&pair);
	uint64_t now = rte_rdtsc();
	char other[32];

	for (unsigned i = 0; i < 100; i++) {
		struct made one = flow(i, false), back = flow(i, true), elsewhere = one;

		snprintf(other, sizeof(other), "10.7.0.%u", i);
		elsewhere.dst = other;
		elsewhere.proto = 6;
		CU_ASSERT_EQUAL(choice(by_source, &one, now), choice(by_source, &elsewhere, now));
		CU_ASSERT_EQUAL(choice(by_pair, &one, now), choice(by_pair, &back, now));
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, by_source, "flows"), 1);
	CU_ASSERT_EQUAL(stateful_counter(ops, by_pair, "flows"), 1);
	ops->close(by_source);
	ops->close(by_pair);
}

static void errors_go_where_their_flow_goes(void)
{
	void *state = open_fine(&three);
	uint64_t now = rte_rdtsc();

	for (unsigned i = 0; i < 50; i++) {
		struct made w = flow(i, false);
		struct rte_mbuf *quoted = packets_make(&w), *m;
		unsigned value = choice(state, &w, now);

		m = stateful_icmp("203.0.113.1", "10.0.0.1", 3, 0, stateful_l3(quoted), 28);
		CU_ASSERT_EQUAL(choice_of(state, m, now), value);
		rte_pktmbuf_free(quoted);
	}
	CU_ASSERT_EQUAL(stateful_counter(ops, state, "flows"), 50);
	ops->close(state);
}

static void survives_malformed_packets(void)
{
	static const struct wanted w = { .names = { "a", "b", "c" }, .n_flows = 300 };
	void *state = open_fine(&w);

	stateful_fuzz(ops, state, 100000);
	CU_ASSERT(stateful_counter(ops, state, "expired") > 0);
	ops->close(state);
}

static const struct unit units[] = {
	{ "refuses_what_it_cannot_choose_from", refuses_what_it_cannot_choose_from },
	{ "both_directions_get_one_value", both_directions_get_one_value },
	{ "weights_give_shares", weights_give_shares },
	{ "the_order_of_the_values_does_not_matter", the_order_of_the_values_does_not_matter },
	{ "nearly_equal_plans_choose_nearly_equally", nearly_equal_plans_choose_nearly_equally },
	{ "known_flows_stay_where_they_are", known_flows_stay_where_they_are },
	{ "flows_are_forgotten_by_time", flows_are_forgotten_by_time },
	{ "a_full_table_loses_no_packet", a_full_table_loses_no_packet },
	{ "only_fields_of_the_affinity_count", only_fields_of_the_affinity_count },
	{ "errors_go_where_their_flow_goes", errors_go_where_their_flow_goes },
	{ "survives_malformed_packets", survives_malformed_packets },
};

int main(void)
{
	packets_start("epic-test-balancer");
	return unit_main("balancer", units, sizeof(units) / sizeof(*units));
}
