/* A class is served by the vector of its ranks, from the slo inwards; a class that
 * stands directly at a level counts as rank 0 in the levels below.  A stage is one
 * such vector. */
#include <config.h>

#include "compiler/solve/stages.h"

#include <stdlib.h>
#include <string.h>

struct key {
	const uint32_t *ranks;
	size_t n;
};

static size_t depth_of(const struct ir_slo *slo)
{
	size_t deepest = 0;

	for (size_t i = 0; i < slo->n_levels; i++) {
		size_t depth = 1;

		for (uint32_t l = slo->levels[i].parent; l != ID_NONE; l = slo->levels[l].parent)
			depth++;
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest;
}

static const struct ir_member *member_of_level(const struct ir_slo *slo, uint32_t level)
{
	const struct ir_level *parent = &slo->levels[slo->levels[level].parent];
	size_t i = 0;

	while (parent->members[i].level != level)
		i++;
	return &parent->members[i];
}

/* The ranks on the way from the slo to a member of LEVEL with RANK, zeros behind. */
static struct key key_of(struct arena *a, const struct ir_slo *slo, uint32_t level, uint32_t rank)
{
	size_t n = depth_of(slo), depth = 0;
	uint32_t *ranks = arena_many(a, uint32_t, n);

	for (uint32_t l = slo->levels[level].parent; l != ID_NONE; l = slo->levels[l].parent)
		depth++;
	ranks[depth] = rank;
	for (uint32_t l = level; slo->levels[l].parent != ID_NONE; l = slo->levels[l].parent)
		ranks[--depth] = member_of_level(slo, l)->rank;
	return (struct key){ ranks, n };
}

static int by_ranks(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	for (size_t i = 0; i < a->n; i++)
		if (a->ranks[i] != b->ranks[i])
			return a->ranks[i] < b->ranks[i] ? -1 : 1;
	return 0;
}

struct class_key {
	uint32_t class;
	struct key key;
};

static int by_key(const void *x, const void *y)
{
	return by_ranks(&((const struct class_key *)x)->key, &((const struct class_key *)y)->key);
}

struct class_keys {
	struct class_key *at;
	size_t n, cap;
};

static struct class_keys keys_of_classes(struct arena *a, const struct net *n)
{
	struct class_keys keys = { 0 };

	for (uint32_t l = 0; l < n->slo->n_levels; l++)
		for (size_t m = 0; m < n->slo->levels[l].n_members; m++) {
			const struct ir_member *member = &n->slo->levels[l].members[m];
			uint32_t class = member->level == ID_NONE ? net_find_class(n, member->classes.at[0]) : ID_NONE;
			struct class_key key = { class, key_of(a, n->slo, l, member->rank) };

			if (class != ID_NONE)
				vec_push(a, &keys, key);
		}
	if (keys.n)
		qsort(keys.at, keys.n, sizeof(*keys.at), by_key);
	return keys;
}

void stages_assign(struct arena *a, struct net *n)
{
	struct class_keys keys = keys_of_classes(a, n);
	size_t stage = 0;

	for (size_t i = 0; i < keys.n; i++) {
		stage += i && by_key(&keys.at[i - 1], &keys.at[i]);
		n->classes[keys.at[i].class].stage = stage;
	}
	n->n_stages = stage + 1;
}

size_t net_stage_of(const struct net *n, uint32_t level, uint32_t rank)
{
	struct arena *scratch = arena_new();
	struct class_keys keys = keys_of_classes(scratch, n);
	struct key wanted = key_of(scratch, n->slo, level, rank);
	size_t i = 0, stage;

	while (i < keys.n && by_ranks(&keys.at[i].key, &wanted) < 0)
		i++;
	stage = i < keys.n ? n->classes[keys.at[i].class].stage : n->n_stages - 1;
	arena_free(scratch);
	return stage;
}
