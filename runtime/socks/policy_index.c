/* Which of many scopes a connection is in.
 *
 * Three hash tables tell the rows that may be meant: by the source, by the destination, by protocol
 * and port; of the three the one that names the fewest rows is walked.  An address is looked up
 * once for each length of prefixes that occurs. */
#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdlib.h>

/* A prefix, and the rows that have it, ascending: rows[start] ... */
struct policy_group {
	uint32_t words[4];
	uint32_t start, n; /* n 0: a free place */
	uint8_t family, length;
};

/* What stands for a family where the key is no prefix: protocol and port, protocol alone. */
enum { KEY_PORT = 1, KEY_MANY_PORTS = 2 };

/* Rows with more ports of a protocol than these are found by the protocol. */
enum { FEW_PORTS = 16 };

static unsigned family_bits(uint8_t family)
{
	return family == 4 ? 32 : 128;
}

/* ---- prefixes ---- */

static int words_cmp(const uint32_t a[4], const uint32_t b[4])
{
	for (size_t i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int prefix_cmp(const void *a, const void *b)
{
	const struct filter_range *x = a, *y = b;
	int words = words_cmp(x->lo, y->lo);

	if (x->family != y->family)
		return x->family - y->family;
	return words ? words : x->length - y->length;
}

struct policy_prefixes policy_prefixes_of(struct filter_range *at, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(at, n, sizeof(*at), prefix_cmp);
	for (size_t i = 0; i < n; i++)
		if (!kept || at[kept - 1].family != at[i].family ||
		    words_cmp(at[kept - 1].hi, at[i].lo) < 0)
			at[kept++] = at[i];
	return (struct policy_prefixes){ at, kept };
}

bool policy_prefixes_hold(const struct policy_prefixes *p, const struct policy_end *e)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct filter_range *r = &p->at[middle];

		if (r->family < e->family ||
		    (r->family == e->family && words_cmp(r->hi, e->words) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->n && p->at[low].family == e->family &&
	       words_cmp(p->at[low].lo, e->words) <= 0;
}

static void mask_words(uint32_t words[4], unsigned bits)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned here = bits > 32 * i ? bits - 32 * i : 0;

		if (here < 32)
			words[i] &= ~(UINT32_MAX >> here);
	}
}

static uint64_t hash_of(const uint32_t words[4], uint8_t family, uint8_t length)
{
	uint64_t h = ((uint64_t)family << 8 | length) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < 4; i += 2) {
		h ^= (uint64_t)words[i] << 32 | words[i + 1];
		h *= UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 29;
	}
	h *= UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 32;
}

/* ---- making an index ---- */

struct pair {
	struct filter_range prefix;
	uint32_t row;
};

static int pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int prefix = prefix_cmp(&x->prefix, &y->prefix);

	return prefix ? prefix : x->row < y->row ? -1 : x->row > y->row;
}

/* ---- what keys a row has ---- */

struct keys {
	struct pair *at; /* NULL: they are only counted */
	size_t n;
};

static void add_key(struct keys *k, const struct filter_range *key, size_t row)
{
	if (k->at)
		k->at[k->n] = (struct pair){ *key, (uint32_t)row };
	k->n++;
}

static void add_prefixes(struct keys *k, const struct policy_prefixes *p, size_t row)
{
	for (size_t i = 0; i < p->n; i++)
		add_key(k, &p->at[i], row);
}

static void add_from(struct keys *k, const struct policy_scope *s, size_t row)
{
	add_prefixes(k, &s->from, row);
}

static void add_to(struct keys *k, const struct policy_scope *s, size_t row)
{
	add_prefixes(k, &s->to, row);
}

static struct filter_range port_key(uint8_t kind, int protocol, uint32_t port)
{
	return (struct filter_range){ .family = kind, .lo = { (uint32_t)protocol, port } };
}

static void add_protocol(struct keys *k, const struct policy_ports *ports, size_t n, int protocol,
			 size_t row)
{
	struct filter_range key = port_key(KEY_MANY_PORTS, protocol, 0);
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += 1u + ports[i].high - ports[i].low;
	if (total > FEW_PORTS) {
		add_key(k, &key, row);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (uint32_t port = ports[i].low; port <= ports[i].high; port++) {
			key = port_key(KEY_PORT, protocol, port);
			add_key(k, &key, row);
		}
}

static void add_ports(struct keys *k, const struct policy_scope *s, size_t row)
{
	add_protocol(k, s->when->ports[0].at, s->when->ports[0].n, IPPROTO_TCP, row);
	add_protocol(k, s->when->ports[1].at, s->when->ports[1].n, IPPROTO_UDP, row);
}

typedef void add_keys(struct keys *, const struct policy_scope *, size_t row);

/* Sorted; NULL: no memory. */
static struct pair *pairs_of(const struct policy_scope *scopes, size_t n, add_keys *add,
			     size_t *n_pairs)
{
	struct keys k = { NULL, 0 };

	for (int again = 0; again < 2; again++) {
		if (again && !(k.at = calloc(k.n + 1, sizeof(*k.at))))
			return NULL;
		k.n = 0;
		for (size_t i = 0; i < n; i++)
			if (scopes[i].when && scopes[i].when->tree)
				add(&k, &scopes[i], i);
	}
	qsort(k.at, k.n, sizeof(*k.at), pair_cmp);
	*n_pairs = k.n;
	return k.at;
}

static void add_length(struct policy_index *x, const struct filter_range *prefix)
{
	size_t family = prefix->family == 6;

	if (prefix->family != 4 && prefix->family != 6)
		return;
	for (size_t i = 0; i < x->n_lengths[family]; i++)
		if (x->lengths[family][i] == prefix->length)
			return;
	x->lengths[family][x->n_lengths[family]++] = prefix->length;
}

/* The place of the prefix, or the free one where it would be. */
static size_t place_of(const struct policy_group *groups, size_t mask, const uint32_t words[4],
		       uint8_t family, uint8_t length)
{
	size_t i = hash_of(words, family, length) & mask;

	while (groups[i].n && (groups[i].family != family || groups[i].length != length ||
			       words_cmp(groups[i].words, words)))
		i = (i + 1) & mask;
	return i;
}

static void add_groups(struct policy_index *x, struct policy_group *groups, uint32_t *rows,
		       const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n;) {
		const struct filter_range *p = &pairs[i].prefix;
		struct policy_group *g =
		    &groups[place_of(groups, x->mask, p->lo, p->family, p->length)];

		*g = (struct policy_group){ .start = (uint32_t)i,
					    .family = p->family,
					    .length = p->length };
		memcpy(g->words, p->lo, sizeof(g->words));
		for (; i < n && !prefix_cmp(&pairs[i].prefix, p); i++)
			rows[i] = pairs[i].row;
		g->n = (uint32_t)i - g->start;
		add_length(x, p);
	}
}

static bool index_make(struct policy_index *x, const struct policy_scope *scopes, size_t n,
		       add_keys *add, struct pool *pool)
{
	size_t n_pairs = 0, size = 2;
	struct pair *pairs = pairs_of(scopes, n, add, &n_pairs);
	struct policy_group *groups;
	uint32_t *rows;

	while (size < 2 * n_pairs)
		size *= 2;
	groups = pool_take(pool, size, sizeof(*groups));
	rows = pool_take(pool, n_pairs, sizeof(*rows));
	if (!pairs || !groups || !rows || n_pairs > UINT32_MAX) {
		free(pairs);
		return false;
	}
	x->groups = groups;
	x->mask = size - 1;
	x->rows = rows;
	add_groups(x, groups, rows, pairs, n_pairs);
	free(pairs);
	return true;
}

bool policy_table_make(struct policy_table *t, const struct policy_scope *scopes, size_t n,
		       struct pool *pool)
{
	*t = (struct policy_table){ .scopes = scopes, .n = n };
	return n < UINT32_MAX && index_make(&t->from, scopes, n, add_from, pool) &&
	       index_make(&t->to, scopes, n, add_to, pool) &&
	       index_make(&t->port, scopes, n, add_ports, pool);
}

/* ---- looking up ---- */

struct hits {
	const struct policy_index *index;
	size_t n, total;
	const struct policy_group *groups[129];
};

static void add_hit(struct hits *hits, const struct policy_index *x, const uint32_t words[4],
		    uint8_t family, uint8_t length)
{
	const struct policy_group *g =
	    &x->groups[place_of(x->groups, x->mask, words, family, length)];

	if (!g->n)
		return;
	hits->groups[hits->n++] = g;
	hits->total += g->n;
}

static void find(struct hits *hits, const struct policy_index *x, const struct policy_end *e)
{
	size_t family = e->family == 6, n = e->family ? x->n_lengths[family] : 0;

	hits->index = x;
	hits->n = hits->total = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t length = x->lengths[family][i];
		uint32_t words[4];

		memcpy(words, e->words, sizeof(words));
		mask_words(words, 128 - family_bits(e->family) + length);
		add_hit(hits, x, words, e->family, length);
	}
}

static void find_port(struct hits *hits, const struct policy_index *x, int protocol, uint16_t port)
{
	struct filter_range one = port_key(KEY_PORT, protocol, port);
	struct filter_range many = port_key(KEY_MANY_PORTS, protocol, 0);

	hits->index = x;
	hits->n = hits->total = 0;
	add_hit(hits, x, one.lo, one.family, one.length);
	add_hit(hits, x, many.lo, many.family, many.length);
}

/* The fewest rows among which all are that may be meant: one of ALL. */
static const struct hits *find_fewest(struct hits all[3], const struct policy_table *t,
				      const struct policy_seen *seen)
{
	const struct hits *fewest = &all[0];
	size_t n = seen->any_source ? 2 : 3;

	find(&all[0], &t->to, &seen->to);
	find_port(&all[1], &t->port, seen->protocol, seen->port);
	if (!seen->any_source)
		find(&all[2], &t->from, &seen->source);
	for (size_t i = 1; i < n; i++)
		if (all[i].total < fewest->total)
			fewest = &all[i];
	return fewest;
}

static bool scope_holds(const struct policy_scope *s, const struct policy_seen *seen)
{
	return (seen->any_source || policy_prefixes_hold(&s->from, &seen->source)) &&
	       policy_prefixes_hold(&s->to, &seen->to) && policy_filter_holds(s->when->tree, seen);
}

ptrdiff_t policy_table_first(const struct policy_table *t, const struct policy_seen *seen,
			     policy_wanted *wanted, void *arg)
{
	ptrdiff_t first = POLICY_NOWHERE;
	struct hits all[3];
	const struct hits *hits = find_fewest(all, t, seen);

	for (size_t i = 0; i < hits->n; i++)
		for (size_t j = 0; j < hits->groups[i]->n; j++) {
			size_t row = hits->index->rows[hits->groups[i]->start + j];

			if (first != POLICY_NOWHERE && row >= (size_t)first)
				break;
			if (!scope_holds(&t->scopes[row], seen) || !wanted(arg, row))
				continue;
			first = (ptrdiff_t)row;
			break;
		}
	return first;
}
