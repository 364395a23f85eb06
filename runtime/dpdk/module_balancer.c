/* Class "balancer": chooses a value of the attribute that it derives, the same for all packets of
 * a flow, in both directions.
 *
 * A new flow looks into a Maglev table (Eisenbud et al., NSDI 2016): each value walks through a
 * permutation of its own, given by its name, and takes the next free place in turn, as often as
 * its weight says.  Two plans with nearly the same values have nearly the same table.  Known flows
 * stay where they are while their value exists; a weight of 0 drains a value.  Where the table of
 * flows is full, the Maglev table alone decides, and no packet is lost.
 *
 * With an affinity other than `flow` only those fields are looked at; both directions are then
 * alike if for each field of one end the other end's is there too.  ICMP errors go with the flow
 * that they quote, later fragments with their addresses only, and all that is neither IPv4 nor
 * IPv6 to one and the same value. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_hash_crc.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/flow.h"
#include "runtime/dpdk/module.h"

/* Prime; 100 times as many places as values keep the shares within 1 % of their weights. */
enum { PLACES = 65537, MOST_VALUES = 655 };

enum field { SRC = 1, DST = 2, SPORT = 4, DPORT = 8, PROTO = 16, FLOW = 31 };

struct balancer {
	struct flow_table *flows; /* the value of a flow: uint16_t, index of the attribute's */
	uint16_t *places;
	char **names; /* of the attribute's values */
	uint64_t *chosen;
	size_t n_values;
	uint64_t timeout, untracked;
	unsigned fields; /* enum field */
	bool symmetric;
	uint8_t tag;
};

static void balancer_close(void *state)
{
	struct balancer *l = state;

	flow_table_close(l->flows);
	for (size_t i = 0; l->names && i < l->n_values; i++)
		free(l->names[i]);
	free(l->names);
	free(l->chosen);
	free(l->places);
	free(l);
}

/* ---- opening ---- */

static unsigned field_bit(const char *name)
{
	static const char *const names[] = { "ip.src",   "ip.dst",   "l4.sport",
					     "l4.dport", "ip.proto", "flow" };
	static const unsigned bits[] = { SRC, DST, SPORT, DPORT, PROTO, FLOW };

	for (size_t i = 0; i < RTE_DIM(names); i++)
		if (!strcmp(name, names[i]))
			return bits[i];
	return 0;
}

static bool open_fields(const struct module_spec *spec, struct balancer *l, struct module_error *e)
{
	for (size_t i = 0; i < spec->affinity.n; i++) {
		unsigned bit = field_bit(spec->affinity.at[i]);

		if (!bit)
			return module_fail(e, "affinity: a balancer cannot look at %s",
					   spec->affinity.at[i]);
		l->fields |= bit;
	}
	if (!l->fields)
		l->fields = FLOW;
	l->symmetric = !(l->fields & SRC) == !(l->fields & DST) &&
		       !(l->fields & SPORT) == !(l->fields & DPORT);
	return true;
}

static bool open_values(const struct module_spec *spec, struct balancer *l, struct module_error *e)
{
	const struct rplan_texts *values;

	if (spec->n_derives != 1 || !spec->derives[0].values.n)
		return module_fail(e, "a balancer derives one attribute with a set of values");
	values = &spec->derives[0].values;
	if (values->n > MOST_VALUES)
		return module_fail(e, "%s: a balancer has at most %d values",
				   spec->derives[0].attribute, MOST_VALUES);
	l->tag = spec->derives[0].tag;
	l->n_values = values->n;
	l->names = calloc(values->n, sizeof(*l->names));
	l->chosen = calloc(values->n, sizeof(*l->chosen));
	if (!l->names || !l->chosen)
		return module_fail(e, "no memory");
	for (size_t i = 0; i < values->n; i++)
		if (!(l->names[i] = strdup(values->at[i])))
			return module_fail(e, "no memory");
	return true;
}

/* Where a value's permutation begins, and its step: neither depends on the other values. */
struct walk {
	uint32_t at, step;
};

/* FNV-1a, its upper half mixed in. */
static struct walk walk_of(const char *name)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (const char *c = name; *c; c++)
		sum = (sum ^ (uint8_t)*c) * UINT64_C(1099511628211);
	sum = (sum ^ sum >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return (struct walk){ (uint32_t)(sum >> 32) % PLACES, (uint32_t)sum % (PLACES - 1) + 1 };
}

static void take_place(uint16_t *places, struct walk *w, uint16_t value)
{
	while (places[w->at] != UINT16_MAX)
		w->at = (w->at + w->step) % PLACES;
	places[w->at] = value;
}

/* In each round a value takes weight / greatest places, fractions saved up. */
static void fill_places(uint16_t *places, struct walk *walks, const uint32_t *weights, size_t n)
{
	uint64_t greatest = 0, saved[MOST_VALUES] = { 0 };
	unsigned n_taken = 0;

	memset(places, 0xff, PLACES * sizeof(*places));
	for (size_t i = 0; i < n; i++)
		greatest = RTE_MAX(greatest, weights[i]);
	for (size_t i = 0; n_taken < PLACES; i = (i + 1) % n) {
		saved[i] += weights[i];
		if (saved[i] < greatest)
			continue;
		saved[i] -= greatest;
		take_place(places, &walks[i], (uint16_t)i);
		n_taken++;
	}
}

struct named {
	const char *name;
	uint32_t weight;
	uint16_t value;
};

static int compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The turns go by name, so that the order in the policy does not matter. */
static void make_places(struct balancer *l, const uint32_t *weights)
{
	struct named sorted[MOST_VALUES];
	struct walk walks[MOST_VALUES];
	uint32_t in_turn[MOST_VALUES];

	for (size_t i = 0; i < l->n_values; i++)
		sorted[i] = (struct named){ l->names[i], weights[i], (uint16_t)i };
	qsort(sorted, l->n_values, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < l->n_values; i++) {
		walks[i] = walk_of(sorted[i].name);
		in_turn[i] = sorted[i].weight;
	}
	fill_places(l->places, walks, in_turn, l->n_values);
	for (size_t i = 0; i < PLACES; i++)
		l->places[i] = sorted[l->places[i]].value;
}

static bool open_places(const struct module_spec *spec, struct balancer *l, struct module_error *e)
{
	uint32_t weights[MOST_VALUES], sum = 0;

	for (size_t i = 0; i < l->n_values; i++)
		weights[i] = 1;
	if (!config_numbers(spec, "weights", 0, 10000, weights, l->n_values, e))
		return false;
	for (size_t i = 0; i < l->n_values; i++)
		sum += weights[i];
	if (!sum)
		return module_fail(e, "weights: one must be greater than 0");
	if (!(l->places = malloc(PLACES * sizeof(*l->places))))
		return module_fail(e, "no memory");
	make_places(l, weights);
	return true;
}

static bool open_table(const struct module_spec *spec, struct balancer *l, struct module_error *e)
{
	double n_flows;

	if (!config_number(spec, "flows", 1, 1 << 24, 65536, &n_flows, e) ||
	    !config_time(spec, "timeout", 120, &l->timeout, e))
		return false;
	l->flows = flow_table_open(&(struct flow_config){ .n_flows = (uint32_t)n_flows,
							  .n_keys = 1,
							  .value_size = sizeof(uint16_t),
							  .longest = l->timeout },
				   e);
	return l->flows;
}

static void *balancer_open(const struct module_spec *spec, struct module_error *e)
{
	static const char *const names[] = { "weights", "flows", "timeout", NULL };
	struct balancer *l = calloc(1, sizeof(*l));

	if (!l) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (config_known(spec, names, e) && open_fields(spec, l, e) && open_values(spec, l, e) &&
	    open_places(spec, l, e) && open_table(spec, l, e))
		return l;
	balancer_close(l);
	return NULL;
}

/* ---- packets ---- */

static void keep_fields(struct flow_key *k, unsigned fields)
{
	if (!(fields & SRC))
		memset(k->addr[0], 0, sizeof(k->addr[0]));
	if (!(fields & DST))
		memset(k->addr[1], 0, sizeof(k->addr[1]));
	if (!(fields & SPORT))
		k->port[0] = 0;
	if (!(fields & DPORT))
		k->port[1] = 0;
	if (!(fields & PROTO))
		k->proto = 0;
}

static void make_key(const struct balancer *l, struct rte_mbuf *m, struct flow_key *k)
{
	struct flow_inner inner;

	if (flow_key_of(m, k, &inner) == FLOW_ERROR)
		flow_flip(k); /* the error goes the other way than what it quotes */
	if (l->fields != FLOW)
		keep_fields(k, l->fields);
	if (l->symmetric)
		flow_canonical(k);
}

static uint16_t choose(struct balancer *l, const struct flow_key *k, uint64_t now)
{
	uint16_t value = l->places[rte_hash_crc(k, sizeof(*k), 0xc2b2ae35) % PLACES];
	uint32_t flow = flow_add(l->flows, k, now + l->timeout);

	if (flow == FLOW_NONE)
		l->untracked++;
	else
		*(uint16_t *)flow_value(l->flows, flow) = value;
	return value;
}

static uint16_t value_of(struct balancer *l, const struct flow_key *k, uint32_t found, uint64_t now)
{
	if (found == FLOW_NONE) /* an earlier packet of the burst may have begun it */
		found = flow_find(l->flows, k, now);
	if (found == FLOW_NONE)
		return choose(l, k, now);
	flow_keep(l->flows, found >> 1, now + l->timeout);
	return *(uint16_t *)flow_value(l->flows, found >> 1);
}

static void balancer_run(void *state, struct burst *b)
{
	struct balancer *l = state;
	struct flow_key keys[BURST];
	uint32_t found[BURST];

	flow_advance(l->flows, b->now);
	for (unsigned i = 0; i < b->n; i++)
		make_key(l, b->at[i], &keys[i]);
	flow_lookup(l->flows, keys, b->n, b->now, found);
	for (unsigned i = 0; i < b->n; i++) {
		uint16_t value = value_of(l, &keys[i], found[i], b->now);

		packet_of(b->at[i])->tags[l->tag] = value;
		l->chosen[value]++;
	}
}

/* ---- other plans ---- */

/* The value of this name in the new plan, or UINT16_MAX. */
static uint16_t value_named(const struct balancer *l, const char *name)
{
	for (size_t i = 0; i < l->n_values; i++)
		if (!strcmp(l->names[i], name))
			return (uint16_t)i;
	return UINT16_MAX;
}

static void balancer_adopt(void *state, void *old)
{
	struct balancer *l = state, *from = old;
	uint16_t values[MOST_VALUES];
	uint64_t now = rte_rdtsc();

	if (l->fields != from->fields)
		return; /* the keys mean something else */
	for (size_t i = 0; i < from->n_values; i++)
		values[i] = value_named(l, from->names[i]);
	for (uint32_t i = 0; (i = flow_next(from->flows, i)) != FLOW_NONE; i++) {
		uint16_t value = values[*(uint16_t *)flow_value(from->flows, i)];
		uint32_t flow = value == UINT16_MAX
				    ? FLOW_NONE
				    : flow_copy(l->flows, from->flows, i, now, l->timeout);

		if (flow != FLOW_NONE)
			*(uint16_t *)flow_value(l->flows, flow) = value;
	}
}

/* The first values have counters of their own, by the names of the attribute. */
static size_t balancer_counters(const void *state, struct module_counter *to)
{
	const struct balancer *l = state;
	size_t n = 0;

	to[n++] = (struct module_counter){ "flows", flow_count(l->flows) };
	to[n++] = (struct module_counter){ "expired", flow_expired(l->flows) };
	to[n++] = (struct module_counter){ "untracked", l->untracked };
	for (size_t i = 0; i < l->n_values && n < MODULE_COUNTERS; i++)
		to[n++] = (struct module_counter){ l->names[i], l->chosen[i] };
	return n;
}

const struct module_ops module_balancer = {
	.class = "balancer",
	.summary = "chooses a value by the packet's flow and stays with it",
	.open = balancer_open,
	.close = balancer_close,
	.run = balancer_run,
	.adopt = balancer_adopt,
	.counters = balancer_counters,
};
