/* Where proxies have too little room for the best bridge of each flow: the flows are
 * parted into groups that share no scarce proxy, and each group that has a flow
 * without its best bridge is chosen for jointly. */
#include <config.h>

#include "compiler/solve/choose.h"
#include "compiler/solve/joint.h"

enum {
	JOINT_STEPS = 300000,      /* of the searches for them */
	JOINT_COLUMNS = 12000,     /* of all flows of one program together, about */
	JOINT_COLUMNS_MOST = 2000, /* of one flow */
	JOINT_COLUMNS_LEAST = 16,
};

static bool competes(const struct chooser *ch, size_t flow)
{
	return ch->by_flow[flow] && rat_sign(ch->by_flow[flow]->q.rate) > 0;
}

/* A bridge has an instance of a function on each side at most. */
static void bound_cycles(struct chooser *ch, struct strait *s)
{
	struct arena *scratch = arena_new();
	struct crossing *c = crossing_new(scratch, ch->ir, ch->hosting, &s->q, false);
	bool *seen = arena_many(scratch, bool, ch->ir->n_functions * ch->hosting->n_slots);

	s->most_cycles = arena_many(ch->arena, struct rat, ch->hosting->n_slots);
	for (size_t i = 0; i < ch->hosting->n_slots; i++)
		s->most_cycles[i] = RAT_ZERO;
	for (size_t i = 0; i < c->n_units * UNIT_HOPS; i++) {
		const struct unit *u = &c->units[i / UNIT_HOPS];
		const struct hop *hop = &u->hops[i % UNIT_HOPS];
		uint32_t slot = ch->hosting->slot[hop->proxy];
		bool *known = &seen[hop->function * ch->hosting->n_slots + slot];

		if (i % UNIT_HOPS >= u->n_hops || *known)
			continue;
		*known = true;
		s->most_cycles[slot] =
		    rat_add(s->most_cycles[slot],
			    rat_mul(rat_int(2), function_cycles(&ch->ir->functions[hop->function],
								s->q.packet)));
	}
	arena_free(scratch);
}

/* Proxies that the flows could together ask too much of. */
static bool *scarce_slots(struct chooser *ch)
{
	size_t n = ch->hosting->n_slots;
	struct rat *most = arena_many(ch->arena, struct rat, n);
	bool *scarce = arena_many(ch->arena, bool, n);

	for (size_t s = 0; s < n; s++)
		most[s] = RAT_ZERO;
	for (size_t i = 0; i < ch->ir->n_flows; i++) {
		const struct strait *st = ch->by_flow[i];

		for (size_t s = 0; competes(ch, i) && s < n; s++)
			if (rat_sign(st->most_cycles[s]))
				most[s] = rat_add(most[s], rat_mul(st->q.rate, st->most_cycles[s]));
	}
	for (size_t i = 0; i < ch->ir->n_nodes; i++) {
		uint32_t s = ch->hosting->slot[i];

		if (s != ID_NONE && ch->ir->nodes[i].has_cores)
			scarce[s] = rat_cmp(most[s], ch->room[s]) > 0;
	}
	return scarce;
}

static size_t root_of(size_t *parent, size_t i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

/* Per flow the first flow of its group. */
static size_t *group_flows(struct chooser *ch, const bool *scarce)
{
	size_t n = ch->ir->n_flows, n_slots = ch->hosting->n_slots;
	size_t *parent = arena_many(ch->arena, size_t, n);
	size_t *first = arena_many(ch->arena, size_t, n_slots); /* flow + 1 */

	for (size_t i = 0; i < n; i++)
		parent[i] = i;
	for (size_t i = 0; i < n; i++)
		for (size_t s = 0; competes(ch, i) && s < n_slots; s++) {
			size_t a, b;

			if (!scarce[s] || !rat_sign(ch->by_flow[i]->most_cycles[s]))
				continue;
			if (!first[s])
				first[s] = i + 1;
			a = root_of(parent, first[s] - 1);
			b = root_of(parent, i);
			parent[a > b ? a : b] = a < b ? a : b;
		}
	for (size_t i = 0; i < n; i++)
		parent[i] = root_of(parent, i);
	return parent;
}

static void list_bridges(struct chooser *ch, struct strait *s, size_t n_flows)
{
	struct arena *scratch = arena_new();
	size_t limit = JOINT_COLUMNS / n_flows, budget = JOINT_STEPS / n_flows;

	budget = budget > BRIDGES_STEPS_LIST ? BRIDGES_STEPS_LIST : budget;
	limit = limit > JOINT_COLUMNS_MOST ? JOINT_COLUMNS_MOST : limit;
	limit = limit < JOINT_COLUMNS_LEAST ? JOINT_COLUMNS_LEAST : limit;
	s->bridges =
	    bridges_list(ch->arena, crossing_new(scratch, ch->ir, ch->hosting, &s->q, false), limit,
			 budget, &s->n_bridges, &s->truncated, &s->bridges_exhausted);
	if (!s->n_bridges) { /* given up before the first */
		s->bridges = &s->own;
		s->n_bridges = 1;
	}
	arena_free(scratch);
}

static size_t find_bridge(const struct joint_flow *f, const struct hosting *h,
			  const struct found_bridge *b)
{
	for (size_t i = 0; i < f->n_bridges; i++)
		if (!crossing_chain_cmp(h, f->bridges[i].hops, f->bridges[i].n_hops, b->hops,
					b->n_hops))
			return i;
	return f->n_bridges;
}

/* Starts a flow with bridge B, which joins the list if it is not among the best. */
static void start_with(struct chooser *ch, struct joint_flow *f, const struct found_bridge *b)
{
	size_t at = find_bridge(f, ch->hosting, b);
	struct found_bridge *more;

	f->chosen = (long)at;
	if (at < f->n_bridges)
		return;
	more = arena_many(ch->arena, struct found_bridge, f->n_bridges + 1);
	for (size_t i = 0; i < f->n_bridges; i++)
		more[i] = f->bridges[i];
	more[f->n_bridges++] = *b;
	f->bridges = more;
}

/* Where lists are cut short, all their bridges may want the same few proxies; so
 * each flow gets one that fits beside those of the flows before it. */
static void start_in_room(struct chooser *ch, const size_t *members, struct joint_flow *flows,
			  size_t n)
{
	for (size_t s = 0; s < ch->hosting->n_slots; s++)
		ch->left[s] = ch->room[s];
	for (size_t i = 0; i < n; i++) {
		ch->by_flow[members[i]]->current = ch->by_flow[members[i]]->own;
		ch->by_flow[members[i]]->stuck = false;
	}
	for (size_t i = 0; i < n; i++) {
		struct strait *s = ch->by_flow[members[i]];

		if (chooser_take(ch, s, PRICE_MAX - 1))
			start_with(ch, &flows[i], &s->current);
	}
}

static bool list_is_short(const struct joint_flow *flows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (flows[i].truncated || flows[i].exhausted)
			return true;
	return false;
}

static void choose_group(struct chooser *ch, const size_t *members, size_t n)
{
	struct joint_flow *flows = arena_many(ch->arena, struct joint_flow, n);

	for (size_t i = 0; i < n; i++) {
		struct strait *s = ch->by_flow[members[i]];

		if (!s->bridges)
			list_bridges(ch, s, n);
		flows[i] = (struct joint_flow){
			.application = ch->ir->flows[members[i]].application,
			.rate = s->q.rate,
			.packet = s->q.packet,
			.bridges = s->bridges,
			.n_bridges = s->n_bridges,
			.truncated = s->truncated,
			.dearest = s->bridges[s->n_bridges - 1].cost,
			.exhausted = s->bridges_exhausted,
			.chosen = JOINT_DROPPED,
		};
	}
	if (list_is_short(flows, n))
		start_in_room(ch, members, flows, n);
	if (!joint_choose(ch->arena, ch->ir, ch->hosting, flows, n, ch->room))
		ch->solution->limit_reached = true;
	for (size_t i = 0; i < n; i++)
		ch->taken[members[i]] = flows[i].chosen == JOINT_DROPPED
					    ? (struct found_bridge){ NULL, 0, 0 }
					    : flows[i].bridges[flows[i].chosen];
}

void scarce_choose(struct chooser *ch, const bool *stuck)
{
	size_t n = ch->ir->n_flows;
	size_t *members = arena_many(ch->arena, size_t, n), *group;

	for (size_t i = 0; i < ch->straits.n; i++)
		if (ch->straits.at[i]->legal)
			bound_cycles(ch, ch->straits.at[i]);
	group = group_flows(ch, scarce_slots(ch));
	for (size_t g = 0; g < n; g++) {
		size_t n_members = 0;
		bool any_stuck = false;

		for (size_t i = g; i < n; i++)
			if (group[i] == g && competes(ch, i)) {
				members[n_members++] = i;
				any_stuck |= stuck[i];
			}
		if (any_stuck)
			choose_group(ch, members, n_members);
	}
}
