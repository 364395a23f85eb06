#include <config.h>

#include "runtime/dpdk/sched.h"

#include <assert.h>
#include <stdlib.h>

struct node {
	enum sched_kind kind;
	int parent;
	int slot;   /* place in the parent's heap, or -1: asleep */
	double key; /* below a weighted node the virtual time, below a priority node the rank */
	double per_cycle; /* 1 / weight, of the parent's sum of weights */
	double now;       /* of a weighted node: the virtual time of the child served last */
	int *heap;        /* awake children, the one to serve first in front */
	int n;
	int leaf;
};

struct sched {
	struct node *nodes;
	size_t n;
	int *leaves; /* leaf -> node */
	int *heaps;
};

/* ---- a heap of children ---- */

static void put(struct sched *s, struct node *at, int slot, int child)
{
	at->heap[slot] = child;
	s->nodes[child].slot = slot;
}

/* By key; by index among equals, so that runs repeat. */
static bool is_before(const struct sched *s, int a, int b)
{
	return s->nodes[a].key < s->nodes[b].key || (s->nodes[a].key == s->nodes[b].key && a < b);
}

static void rise(struct sched *s, struct node *at, int slot)
{
	int child = at->heap[slot];

	for (; slot && is_before(s, child, at->heap[(slot - 1) / 2]); slot = (slot - 1) / 2)
		put(s, at, slot, at->heap[(slot - 1) / 2]);
	put(s, at, slot, child);
}

static void sink(struct sched *s, struct node *at, int slot)
{
	int child = at->heap[slot];

	for (;;) {
		int next = 2 * slot + 1;

		if (next + 1 < at->n && is_before(s, at->heap[next + 1], at->heap[next]))
			next++;
		if (next >= at->n || !is_before(s, at->heap[next], child))
			break;
		put(s, at, slot, at->heap[next]);
		slot = next;
	}
	put(s, at, slot, child);
}

static void insert(struct sched *s, struct node *at, int child)
{
	put(s, at, at->n++, child);
	rise(s, at, at->n - 1);
}

static void take_out(struct sched *s, struct node *at, int child)
{
	int slot = s->nodes[child].slot, last = at->heap[--at->n];

	s->nodes[child].slot = -1;
	if (last == child)
		return;
	put(s, at, slot, last);
	rise(s, at, slot);
	sink(s, at, s->nodes[last].slot);
}

/* ---- building ---- */

static double sum_of_weights(const struct sched_node *nodes, size_t n, int parent)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (nodes[i].parent == parent)
			sum += nodes[i].weight;
	return sum;
}

static int n_children(const struct sched_node *nodes, size_t n, int parent)
{
	int children = 0;

	for (size_t i = 0; i < n; i++)
		children += nodes[i].parent == parent;
	return children;
}

static void build(struct sched *s, const struct sched_node *nodes, size_t n)
{
	int *heap = s->heaps;

	for (size_t i = 0; i < n; i++) {
		struct node *node = &s->nodes[i];

		*node = (struct node){ .kind = nodes[i].kind,
				       .parent = nodes[i].parent,
				       .slot = -1,
				       .leaf = nodes[i].leaf,
				       .heap = heap };
		heap += n_children(nodes, n, (int)i);
		if (nodes[i].kind == SCHED_LEAF)
			s->leaves[nodes[i].leaf] = (int)i;
		if (nodes[i].parent < 0)
			continue;
		if (nodes[nodes[i].parent].kind == SCHED_PRIORITY)
			node->key = nodes[i].rank;
		else
			node->per_cycle =
			    sum_of_weights(nodes, n, nodes[i].parent) / nodes[i].weight;
	}
}

struct sched *sched_new(const struct sched_node *nodes, size_t n)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->n = n;
	s->nodes = calloc(n, sizeof(*s->nodes));
	s->leaves = calloc(n, sizeof(*s->leaves));
	s->heaps = calloc(n, sizeof(*s->heaps));
	if (!n || !s->nodes || !s->leaves || !s->heaps) {
		sched_free(s);
		return NULL;
	}
	build(s, nodes, n);
	return s;
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	free(s->nodes);
	free(s->leaves);
	free(s->heaps);
	free(s);
}

/* ---- running ---- */

/* Far from where a double cannot tell the cycles of a run any more: alone, a child of small weight
 * takes its node's time there within hours, and then no charge would move those that come back. */
#define TIME_MOST 1e14

/* Sets the clock of a node back to 0; what its children lag or owe stays the same. */
static void turn_back(struct sched *s, int parent)
{
	double now = s->nodes[parent].now;

	for (size_t i = 0; i < s->n; i++)
		if (s->nodes[i].parent == parent)
			s->nodes[i].key -= now;
	s->nodes[parent].now = 0;
}

static bool is_awake(const struct node *n)
{
	return n->kind == SCHED_LEAF ? n->slot >= 0 || n->now > 0 : n->n > 0;
}

bool sched_is_awake(const struct sched *s, int leaf)
{
	return is_awake(&s->nodes[s->leaves[leaf]]);
}

/* A child that comes back may lag by SCHED_CREDIT cycles of the parent, no more. */
static void wake_below(struct sched *s, struct node *parent, int child)
{
	struct node *c = &s->nodes[child];

	if (parent->kind == SCHED_WEIGHTED && c->key < parent->now - SCHED_CREDIT)
		c->key = parent->now - SCHED_CREDIT;
	insert(s, parent, child);
}

void sched_wake(struct sched *s, int leaf)
{
	int at = s->leaves[leaf];

	if (is_awake(&s->nodes[at]))
		return;
	s->nodes[at].now = 1;
	while (s->nodes[at].parent >= 0) {
		struct node *parent = &s->nodes[s->nodes[at].parent];
		bool was_awake = parent->n > 0;

		wake_below(s, parent, at);
		if (was_awake)
			return;
		at = s->nodes[at].parent;
	}
}

void sched_sleep(struct sched *s, int leaf)
{
	int at = s->leaves[leaf];

	if (!is_awake(&s->nodes[at]))
		return;
	s->nodes[at].now = 0;
	while (s->nodes[at].parent >= 0) {
		struct node *parent = &s->nodes[s->nodes[at].parent];

		take_out(s, parent, at);
		if (parent->n)
			return;
		at = s->nodes[at].parent;
	}
}

int sched_pick(const struct sched *s)
{
	const struct node *n = s->nodes;

	while (n->kind != SCHED_LEAF) {
		if (!n->n)
			return SCHED_NONE;
		n = &s->nodes[n->heap[0]];
	}
	return is_awake(n) ? n->leaf : SCHED_NONE;
}

void sched_charge(struct sched *s, int leaf, double cycles)
{
	int at = s->leaves[leaf];

	while (s->nodes[at].parent >= 0) {
		struct node *n = &s->nodes[at], *parent = &s->nodes[n->parent];

		if (parent->kind == SCHED_WEIGHTED) {
			if (n->key > parent->now)
				parent->now = n->key;
			n->key += cycles * n->per_cycle;
			if (n->slot >= 0)
				sink(s, parent, n->slot);
			if (parent->now > TIME_MOST)
				turn_back(s, n->parent);
		}
		at = n->parent;
	}
}
