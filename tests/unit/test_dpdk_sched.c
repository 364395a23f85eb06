#include <config.h>

#include <math.h>
#include <stdlib.h>

#include "runtime/dpdk/sched.h"
#include "tests/unit/unit.h"

static uint64_t drawn(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Runs whoever is due, each run taking what BURST says, and adds up the cycles of each leaf. */
static void serve(struct sched *s, const double *burst, size_t runs, double *got)
{
	for (size_t i = 0; i < runs; i++) {
		int leaf = sched_pick(s);

		CU_ASSERT_FATAL(leaf != SCHED_NONE);
		sched_charge(s, leaf, burst[leaf]);
		got[leaf] += burst[leaf];
	}
}

static double share(const double *got, size_t n, size_t of)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += got[i];
	return got[of] / sum;
}

static void weights_are_shares_of_cycles(void)
{
	static const struct sched_node nodes[] = {
		{ SCHED_WEIGHTED, -1, 0, 0, 0 },
		{ SCHED_LEAF, 0, 0, 0.5, 0 },
		{ SCHED_LEAF, 0, 0, 0.3, 1 },
		{ SCHED_LEAF, 0, 0, 0.2, 2 },
	};
	static const double burst[] = { 3000, 20000, 500 };
	struct sched *s = sched_new(nodes, 4);
	double got[3] = { 0 };

	CU_ASSERT_EQUAL(sched_pick(s), SCHED_NONE);
	for (int i = 0; i < 3; i++)
		sched_wake(s, i);
	serve(s, burst, 200000, got);
	CU_ASSERT(fabs(share(got, 3, 0) - 0.5) < 0.0005);
	CU_ASSERT(fabs(share(got, 3, 1) - 0.3) < 0.0005);
	CU_ASSERT(fabs(share(got, 3, 2) - 0.2) < 0.0005);
	sched_free(s);
}

static void a_rank_is_served_before_the_next(void)
{
	static const struct sched_node nodes[] = {
		{ SCHED_PRIORITY, -1, 0, 0, 0 }, { SCHED_LEAF, 0, 1, 0, 0 },
		{ SCHED_WEIGHTED, 0, 0, 0, 0 },  { SCHED_LEAF, 2, 0, 1, 1 },
		{ SCHED_LEAF, 2, 0, 3, 2 },
	};
	static const double burst[] = { 100, 100, 100 };
	struct sched *s = sched_new(nodes, 5);
	double got[3] = { 0 };

	for (int i = 0; i < 3; i++)
		sched_wake(s, i);
	serve(s, burst, 4000, got);
	CU_ASSERT_EQUAL(got[0], 0);
	CU_ASSERT_EQUAL(got[2], 3 * got[1]);
	sched_sleep(s, 1);
	sched_sleep(s, 2);
	CU_ASSERT_EQUAL(sched_pick(s), 0);
	sched_wake(s, 1);
	CU_ASSERT_EQUAL(sched_pick(s), 1);
	sched_sleep(s, 1);
	sched_sleep(s, 0);
	CU_ASSERT_EQUAL(sched_pick(s), SCHED_NONE);
	sched_free(s);
}

static void a_lone_task_needs_no_siblings(void)
{
	static const struct sched_node node = { SCHED_LEAF, -1, 0, 0, 0 };
	struct sched *s = sched_new(&node, 1);

	CU_ASSERT_EQUAL(sched_pick(s), SCHED_NONE);
	sched_wake(s, 0);
	CU_ASSERT(sched_is_awake(s, 0));
	sched_charge(s, 0, 1000);
	CU_ASSERT_EQUAL(sched_pick(s), 0);
	sched_sleep(s, 0);
	CU_ASSERT_EQUAL(sched_pick(s), SCHED_NONE);
	sched_free(s);
}

/* One that runs dry half of the time still gets its share; one that was away for long does not
 * starve the others when it comes back. */
static void lag_is_made_up_for_but_not_without_end(void)
{
	static const struct sched_node nodes[] = {
		{ SCHED_WEIGHTED, -1, 0, 0, 0 },
		{ SCHED_LEAF, 0, 0, 1, 0 },
		{ SCHED_LEAF, 0, 0, 1, 1 },
	};
	struct sched *s = sched_new(nodes, 3);
	double got[2] = { 0 };
	size_t in_a_row = 0;

	sched_wake(s, 0);
	for (size_t i = 0; i < 100000; i++) {
		int leaf;

		if (i % 8 == 0)
			sched_wake(s, 1);
		if (i % 8 == 6)
			sched_sleep(s, 1);
		leaf = sched_pick(s);
		sched_charge(s, leaf, 5000);
		got[leaf] += 5000;
	}
	CU_ASSERT(fabs(share(got, 2, 1) - 0.5) < 0.005);
	sched_sleep(s, 1);
	for (size_t i = 0; i < 100000; i++)
		sched_charge(s, 0, 5000);
	sched_wake(s, 1);
	while (sched_pick(s) == 1) {
		sched_charge(s, 1, 5000);
		in_a_row++;
	}
	CU_ASSERT((double)in_a_row * 5000 <= SCHED_CREDIT);
	sched_free(s);
}

enum { MOST_LEAVES = 80, MOST_NODES = 2 * MOST_LEAVES };

struct random_tree {
	struct sched_node nodes[MOST_NODES];
	size_t n, n_leaves;
};

static void grow(struct random_tree *t, uint64_t *seed, int parent, unsigned depth)
{
	int me = (int)t->n++;
	unsigned children = 2 + drawn(seed) % 3;
	bool leaf = depth == 0 || t->n + 12 > MOST_NODES;

	t->nodes[me] = (struct sched_node){ leaf              ? SCHED_LEAF
					    : drawn(seed) % 2 ? SCHED_WEIGHTED
							      : SCHED_PRIORITY,
					    parent, me, 1 + (double)(drawn(seed) % 9),
					    leaf ? (int)t->n_leaves++ : 0 };
	for (unsigned i = 0; !leaf && i < children; i++)
		grow(t, seed, me, depth - 1);
}

static bool is_below(const struct random_tree *t, int node, int top)
{
	while (node >= 0 && node != top)
		node = t->nodes[node].parent;
	return node == top;
}

static bool any_awake(const struct random_tree *t, const bool *awake, int top)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->nodes[i].kind == SCHED_LEAF && awake[t->nodes[i].leaf] &&
		    is_below(t, (int)i, top))
			return true;
	return false;
}

/* No awake leaf of a better rank may be passed over, at any level; and no sleeping one runs. */
static bool is_lawful(const struct random_tree *t, const bool *awake, int leaf)
{
	int at = 0;

	if (!awake[leaf])
		return false;
	while (t->nodes[at].kind != SCHED_LEAF || t->nodes[at].leaf != leaf)
		at++;
	for (; t->nodes[at].parent >= 0; at = t->nodes[at].parent)
		for (size_t i = 0; i < t->n; i++)
			if (t->nodes[i].parent == t->nodes[at].parent &&
			    t->nodes[t->nodes[at].parent].kind == SCHED_PRIORITY &&
			    t->nodes[i].rank < t->nodes[at].rank && any_awake(t, awake, (int)i))
				return false;
	return true;
}

static void random_trees_keep_ranks_and_serve_only_who_is_awake(void)
{
	for (uint64_t round = 1; round <= 200; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15;
		struct random_tree t = { .n = 0 };
		bool awake[MOST_LEAVES] = { false };
		struct sched *s;

		grow(&t, &seed, -1, 3);
		s = sched_new(t.nodes, t.n);
		for (unsigned i = 0; i < 500; i++) {
			int leaf = (int)(drawn(&seed) % t.n_leaves);

			awake[leaf] = drawn(&seed) % 2;
			if (awake[leaf])
				sched_wake(s, leaf);
			else
				sched_sleep(s, leaf);
			CU_ASSERT_EQUAL(sched_is_awake(s, leaf), awake[leaf]);
			leaf = sched_pick(s);
			CU_ASSERT(leaf == SCHED_NONE ? !any_awake(&t, awake, 0)
						     : is_lawful(&t, awake, leaf));
			if (leaf != SCHED_NONE)
				sched_charge(s, leaf, (double)(drawn(&seed) % 10000));
		}
		sched_free(s);
	}
}

static const struct unit units[] = {
	{ "weights_are_shares_of_cycles", weights_are_shares_of_cycles },
	{ "a_rank_is_served_before_the_next", a_rank_is_served_before_the_next },
	{ "a_lone_task_needs_no_siblings", a_lone_task_needs_no_siblings },
	{ "lag_is_made_up_for_but_not_without_end", lag_is_made_up_for_but_not_without_end },
	{ "random_trees_keep_ranks_and_serve_only_who_is_awake",
	  random_trees_keep_ranks_and_serve_only_who_is_awake },
};

int main(void)
{
	return unit_main("dpdk_sched", units, sizeof(units) / sizeof(*units));
}
