/* Regions as rules of a WildcardMatch: values under masks, few masks, priorities.
 *
 * "All but port 53" takes sixteen masks if it is written out, and one if port 53 is decided
 * by a rule above.  So a test is left out of a rule (it is widened) where its complement is
 * simpler, and everything that the wider rule would take in addition must stand above it.
 * Where that runs in a circle, only what has no other form is widened. */
#include <config.h>

#include "compiler/plan/match_private.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_SIZE = 8, KEY_SIZE = 64, MOST_NODES = 2000, MOST_PREFIXES = 64 };

struct node {
	const struct match_region *region;
	bool widened[MATCH_MOST_TESTS];
	bool used;
	unsigned level; /* 0: nothing must stand above it */
	size_t n_above; /* while levels are found */
};

struct tabling {
	struct arena *arena;
	struct node *nodes;
	size_t n;
	bool reluctant; /* to widen */
	struct match_table *table;
	size_t cap;
};

/* ---- what to widen ---- */

static size_t n_lengths(const struct match_prefixes *p)
{
	uint64_t seen[3] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		uint64_t bit = (uint64_t)1 << (p->at[i].free % 64),
			 *word = &seen[p->at[i].free / 64];

		n += !(*word & bit);
		*word |= bit;
	}
	return n;
}

static bool better_widened(struct tabling *t, const struct match_test *test)
{
	struct match_set not = match_set_not(t->arena, test->in, match_key_max(test->key));
	struct match_prefixes in = match_set_prefixes(t->arena, test->in);
	struct match_prefixes out = match_set_prefixes(t->arena, not );
	size_t in_lengths = n_lengths(&in), out_lengths = n_lengths(&out);

	if (!out.n)
		return true;
	if (t->reluctant)
		return in.n > MOST_PREFIXES || (in_lengths > MATCH_MOST_MASKS);
	return in_lengths != out_lengths ? in_lengths > out_lengths : in.n > out.n;
}

/* ---- the order ---- */

static bool tests_apart(const struct match_region *a, const struct match_test *t)
{
	for (size_t i = 0; i < a->n; i++)
		if (match_key_same(a->at[i].key, t->key) && !match_set_meets(a->at[i].in, t->in))
			return true;
	return false;
}

/* Whether B, as wide as it is written, takes packets of A. */
static bool reaches_into(const struct node *b, const struct match_region *a)
{
	for (size_t i = 0; i < b->region->n; i++)
		if (!b->widened[i] && tests_apart(a, &b->region->at[i]))
			return false;
	return true;
}

static bool must_stand_above(const struct node *a, const struct node *b)
{
	return a->region->way != b->region->way && reaches_into(b, a->region);
}

static void drop_needless(struct tabling *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct node *a = &t->nodes[i];

		a->used = !a->region->optional;
		for (size_t k = 0; k < t->n && !a->used; k++)
			a->used =
			    !t->nodes[k].region->optional && must_stand_above(a, &t->nodes[k]);
	}
}

/* Takes the nodes with nothing left above them, level by level; false: a circle. */
static bool find_levels(struct tabling *t)
{
	size_t *ready = arena_many(t->arena, size_t, t->n);
	size_t n_ready = 0, n_used = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct node *b = &t->nodes[i];

		if (!b->used)
			continue;
		n_used++;
		for (size_t k = 0; k < t->n; k++)
			b->n_above += t->nodes[k].used && must_stand_above(&t->nodes[k], b);
		if (!b->n_above)
			ready[n_ready++] = i;
	}
	for (size_t done = 0; done < n_ready; done++) {
		const struct node *a = &t->nodes[ready[done]];

		for (size_t k = 0; k < t->n; k++) {
			struct node *b = &t->nodes[k];

			if (!b->used || !must_stand_above(a, b))
				continue;
			if (b->level <= a->level)
				b->level = a->level + 1;
			if (!--b->n_above)
				ready[n_ready++] = k;
		}
	}
	return n_ready == n_used;
}

/* ---- rules ---- */

static bool find_field(struct match_table *t, unsigned offset, unsigned size, size_t *index)
{
	for (*index = 0; *index < t->n_fields; ++*index)
		if (t->fields[*index].offset == offset && t->fields[*index].size == size)
			return true;
	if (t->n_fields == MATCH_MOST_FIELDS)
		return false;
	t->fields[t->n_fields++] = (struct match_field){ offset, size };
	return true;
}

static bool demand(struct match_table *t, struct match_rule *r, unsigned offset, unsigned size,
		   uint64_t value, uint64_t mask)
{
	size_t i;

	if (!mask)
		return true;
	if (!find_field(t, offset, size, &i))
		return false;
	r->values[i] |= value;
	r->masks[i] |= mask;
	return true;
}

static bool demand_prefix(struct match_table *t, struct match_rule *r, const struct match_key *k,
			  const struct match_prefix *p)
{
	epic_u128 low = p->free >= 128 ? 0 : ~(epic_u128)0 << p->free;
	epic_u128 mask = (low & match_key_max(*k)) << k->shift,
		  value = (p->value << k->shift) & mask;

	if (k->size <= WORD_SIZE)
		return demand(t, r, k->offset, k->size, (uint64_t)value, (uint64_t)mask);
	return demand(t, r, k->offset, WORD_SIZE, (uint64_t)(value >> 64),
		      (uint64_t)(mask >> 64)) &&
	       demand(t, r, k->offset + WORD_SIZE, WORD_SIZE, (uint64_t)value, (uint64_t)mask);
}

static bool add_rule(struct tabling *t, const struct match_rule *r)
{
	if (t->table->n_rules == MATCH_MOST_RULES)
		return false;
	if (t->table->n_rules == t->cap)
		vec_grow(t->arena, (void **)&t->table->rules, &t->cap, sizeof(*r));
	t->table->rules[t->table->n_rules++] = *r;
	return true;
}

/* A table looks at something even if no rule demands anything. */
static void look_at_type(struct match_table *t)
{
	size_t i;

	if (!t->n_fields)
		find_field(t, 12, 2, &i);
}

/* All rules of a node from its test I on. */
static bool add_rules(struct tabling *t, const struct node *node, size_t i,
		      const struct match_rule *so_far)
{
	struct match_prefixes p;

	while (i < node->region->n && node->widened[i])
		i++;
	if (i == node->region->n)
		return add_rule(t, so_far);
	p = match_set_prefixes(t->arena, node->region->at[i].in);
	if (p.n > MATCH_MOST_RULES)
		return false;
	for (size_t k = 0; k < p.n; k++) {
		struct match_rule r = *so_far;

		if (!demand_prefix(t->table, &r, &node->region->at[i].key, &p.at[k]) ||
		    !add_rules(t, node, i + 1, &r))
			return false;
	}
	return true;
}

static int compare_words(const uint64_t *a, const uint64_t *b)
{
	for (size_t i = 0; i < MATCH_MOST_FIELDS; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int same_key(const struct match_rule *a, const struct match_rule *b)
{
	int c = compare_words(a->masks, b->masks);

	return c ? c : compare_words(a->values, b->values);
}

static int rule_order(const void *x, const void *y)
{
	const struct match_rule *a = x, *b = y;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->way != b->way)
		return a->way < b->way ? -1 : 1;
	return same_key(a, b);
}

/* A WildcardMatch keeps one rule for the same values and masks: the first here. */
static void drop_repeated(struct match_table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_rules; i++) {
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = !same_key(&t->rules[k], &t->rules[i]);
		if (!known)
			t->rules[n++] = t->rules[i];
	}
	t->n_rules = n;
}

static size_t n_masks(const struct match_table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_rules; i++) {
		bool known = false;

		for (size_t k = 0; k < i && !known; k++)
			known = !compare_words(t->rules[k].masks, t->rules[i].masks);
		n += !known;
	}
	return n;
}

static void sort_fields(struct match_table *t)
{
	for (size_t i = 1; i < t->n_fields; i++)
		for (size_t k = i; k > 0; k--) {
			const struct match_field a = t->fields[k - 1], b = t->fields[k];

			if (a.offset < b.offset || (a.offset == b.offset && a.size < b.size))
				break;
			t->fields[k - 1] = b;
			t->fields[k] = a;
			for (size_t r = 0; r < t->n_rules; r++) {
				uint64_t v = t->rules[r].values[k], m = t->rules[r].masks[k];

				t->rules[r].values[k] = t->rules[r].values[k - 1];
				t->rules[r].masks[k] = t->rules[r].masks[k - 1];
				t->rules[r].values[k - 1] = v;
				t->rules[r].masks[k - 1] = m;
			}
		}
}

/* BESS gathers the fields one behind the other and reads each as eight bytes: the last must
 * begin eight bytes before the end of its key, or it spills into the next packet's. */
static bool fits_key(const struct match_table *t)
{
	size_t size = 0;

	for (size_t i = 0; i + 1 < t->n_fields; i++)
		size += t->fields[i].size;
	return size + WORD_SIZE <= KEY_SIZE;
}

static bool write_rules(struct tabling *t, unsigned n_ways, bool *undecided)
{
	unsigned levels = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->nodes[i].used && t->nodes[i].level > levels)
			levels = t->nodes[i].level;
	for (size_t i = 0; i < t->n; i++) {
		const struct node *node = &t->nodes[i];
		struct match_rule r = { .priority = levels - node->level + 1,
					.way = node->region->way };

		if (!node->used)
			continue;
		if (r.way == WAY_UNDECIDED) {
			r.way = n_ways;
			*undecided = true;
		}
		if (!add_rules(t, node, 0, &r))
			return false;
	}
	return true;
}

struct match_table *match_table_make(struct arena *a, const struct match_regions *regions,
				     unsigned n_ways, bool reluctant, bool *undecided)
{
	struct tabling t = { .arena = a, .n = regions->n, .reluctant = reluctant };

	*undecided = false;
	if (regions->n > MOST_NODES)
		return NULL;
	t.nodes = arena_many(a, struct node, regions->n);
	t.table = arena_one(a, struct match_table);
	for (size_t i = 0; i < t.n; i++) {
		t.nodes[i].region = &regions->at[i];
		for (size_t k = 0; k < regions->at[i].n; k++)
			t.nodes[i].widened[k] = better_widened(&t, &regions->at[i].at[k]);
	}
	drop_needless(&t);
	if (!find_levels(&t) || !write_rules(&t, n_ways, undecided))
		return NULL;
	if (t.table->n_rules)
		qsort(t.table->rules, t.table->n_rules, sizeof(*t.table->rules), rule_order);
	drop_repeated(t.table);
	look_at_type(t.table);
	sort_fields(t.table);
	return n_masks(t.table) <= MATCH_MOST_MASKS && fits_key(t.table) ? t.table : NULL;
}
