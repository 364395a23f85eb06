/* Filters as rules of rte_acl: each of a filter's boxes is one rule.
 *
 * Where several filters hold, the priority of the first is the highest; where all are asked for,
 * each filter has a category of its own, of which a context has sixteen.  What a packet is looked
 * up by is its shape, one byte, and behind it the columns that some filter compares, in network
 * order and packed into groups of four bytes, as rte_acl wants them. */
#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_errno.h>

enum {
	MOST_BOXES = 20000, /* of all filters together */
	MOST_WORK = 1 << 22,
	MOST_FIELDS = 1 + N_COLUMNS + 3, /* the shape, the columns, filling at the end */
	KEY_ROOM = 128,
	MOST_CONTEXTS = CHOOSER_MASKED / CHOOSER_SET,
	FILLING = N_COLUMNS /* the column of a field that may be anything */
};

_Static_assert(CHOOSER_SET == RTE_ACL_MAX_CATEGORIES, "a category each");
_Static_assert(sizeof(struct packet) <= KEY_ROOM, "columns do not share bytes");

/* How one column comes into the key. */
struct key_part {
	uint8_t from, to, size;
};

/* An rte_acl with the filters FIRST...; of one category it gives the number of the first filter
 * that holds, of several each is a filter. */
struct context {
	struct rte_acl_ctx *acl;
	unsigned first, n;
	unsigned categories;
};

struct chooser_acl {
	struct key_part parts[N_COLUMNS];
	unsigned n_parts;
	unsigned key_size;
	struct context contexts[MOST_CONTEXTS];
	unsigned n_contexts;
};

/* What is needed while it is built. */
struct building {
	struct chooser_acl *acl;
	const struct filter *const *filters;
	size_t n;
	struct filter_boxes boxes;
	size_t *ends;                 /* of each filter's boxes */
	uint32_t bound;               /* columns that some box binds */
	uint32_t masks;               /* columns in which all boxes bind prefixes */
	uint8_t columns[MOST_FIELDS]; /* of the fields behind the shape */
	struct rte_acl_config config;
	struct filter_error *error;
};

/* ---- the boxes ---- */

static bool is_prefix(struct filter_span in)
{
	uint32_t free = in.lo ^ in.hi;

	return !(free & (free + 1)) && !(in.lo & free);
}

static void note_columns(struct building *b)
{
	b->masks = UINT32_MAX;
	for (size_t i = 0; i < b->boxes.n; i++) {
		const struct filter_box *box = &b->boxes.at[i];

		b->bound |= box->bound;
		for (uint32_t left = box->bound; left; left &= left - 1) {
			unsigned column = (unsigned)__builtin_ctz(left);

			if (!is_prefix(box->in[column]))
				b->masks &= ~(1u << column);
		}
	}
}

static bool find_boxes(struct building *b)
{
	b->boxes.most = MOST_BOXES;
	b->boxes.work = MOST_WORK;
	b->ends = calloc(b->n + 1, sizeof(*b->ends));
	if (!b->ends)
		return filter_fail(b->error, "out of memory");
	for (size_t i = 0; i < b->n; i++) {
		if (!filter_boxes(b->filters[i], &b->boxes))
			return filter_fail(b->error, "rte_acl: more than %d rules", MOST_BOXES);
		b->ends[i] = b->boxes.n;
	}
	note_columns(b);
	return true;
}

/* ---- the key ---- */

static void add_field(struct building *b, uint8_t column, uint8_t type, uint8_t size)
{
	unsigned n = b->config.num_fields++, at = b->acl->key_size;

	b->config.defs[n] = (struct rte_acl_field_def){ .type = type,
							.size = size,
							.field_index = (uint8_t)n,
							.input_index = (uint8_t)((at + 3) / 4),
							.offset = at };
	b->columns[n] = column;
	b->acl->key_size += size;
}

static void add_columns(struct building *b, uint8_t size)
{
	for (uint8_t i = 0; i < N_COLUMNS; i++) {
		if (!(b->bound >> i & 1) || filter_places[i].size != size)
			continue;
		b->acl->parts[b->acl->n_parts++] =
		    (struct key_part){ filter_places[i].offset, (uint8_t)b->acl->key_size, size };
		add_field(b, i,
			  b->masks >> i & 1 ? RTE_ACL_FIELD_TYPE_MASK : RTE_ACL_FIELD_TYPE_RANGE,
			  size);
	}
}

/* The widest first, so that none straddles two groups. */
static void lay_out_key(struct building *b)
{
	add_field(b, FILLING, RTE_ACL_FIELD_TYPE_BITMASK, 1);
	for (uint8_t size = 4; size; size /= 2)
		add_columns(b, size);
	while (b->acl->key_size % 4 != 1 || b->acl->key_size == 1)
		add_field(b, FILLING, RTE_ACL_FIELD_TYPE_RANGE, 1);
}

/* ---- the rules ---- */

static struct rte_acl_field rule_field(const struct building *b, unsigned field,
				       const struct filter_box *box)
{
	unsigned column = b->columns[field];
	struct filter_span in = { 0, UINT8_MAX };
	struct rte_acl_field f = { 0 };
	bool mask = b->config.defs[field].type == RTE_ACL_FIELD_TYPE_MASK;

	if (column != FILLING)
		in = box->in[column];
	f.value.u32 = in.lo;
	f.mask_range.u32 = in.hi;
	if (mask)
		f.mask_range.u32 =
		    8u * b->config.defs[field].size - (unsigned)__builtin_popcount(in.lo ^ in.hi);
	return f;
}

static bool add_rule(struct building *b, const struct context *c, size_t filter,
		     const struct filter_box *box)
{
	uint8_t room[RTE_ACL_RULE_SZ(MOST_FIELDS)] __rte_aligned(8) = { 0 };
	struct rte_acl_rule *rule = (struct rte_acl_rule *)room;
	size_t i = filter - c->first;

	rule->data.category_mask = c->categories == 1 ? 1 : 1u << i;
	rule->data.priority = (int32_t)(c->n - i);
	rule->data.userdata = (uint32_t)filter + 1;
	rule->field[0].value.u8 = box->shape;
	rule->field[0].mask_range.u8 = box->need;
	for (unsigned field = 1; field < b->config.num_fields; field++)
		rule->field[field] = rule_field(b, field, box);
	return !rte_acl_add_rules(c->acl, rule, 1);
}

static bool add_rules(struct building *b, const struct context *c)
{
	for (size_t i = c->first; i < c->first + c->n; i++)
		for (size_t j = i ? b->ends[i - 1] : 0; j < b->ends[i]; j++)
			if (!add_rule(b, c, i, &b->boxes.at[j]))
				return false;
	return true;
}

/* The name is unique while the chooser lives; it is never shown. */
static struct rte_acl_ctx *create(const struct building *b, const struct context *c)
{
	char name[RTE_ACL_NAMESIZE];
	struct rte_acl_param param = { .name = name,
				       .socket_id = SOCKET_ID_ANY,
				       .rule_size = RTE_ACL_RULE_SZ(b->config.num_fields),
				       .max_rule_num = (uint32_t)b->boxes.n + 1 };

	snprintf(name, sizeof(name), "%p", (const void *)c);
	return rte_acl_create(&param);
}

/* No limit of memory is set (max_size): with one, rte_acl first tries to make a single tree of
 * the rules, which took up to thirty times as long.  Without any rule the context stays without
 * tables, and is not asked. */
static bool build(struct building *b, unsigned first, unsigned n, unsigned categories)
{
	struct context *c = &b->acl->contexts[b->acl->n_contexts++];
	size_t from = first ? b->ends[first - 1] : 0;

	*c = (struct context){ .first = first, .n = n, .categories = categories };
	if (!n || b->ends[first + n - 1] == from)
		return true;
	c->acl = create(b, c);
	if (!c->acl)
		return filter_fail(b->error, "rte_acl: %s", rte_strerror(rte_errno));
	b->config.num_categories = categories;
	if (add_rules(b, c) && !rte_acl_build(c->acl, &b->config))
		return true;
	return filter_fail(b->error, "rte_acl does not take %zu rules", b->boxes.n);
}

/* Several of them are counted in fours. */
static unsigned categories_of(unsigned n)
{
	return n == 1 ? 1 : RTE_ALIGN(n, (unsigned)RTE_ACL_RESULTS_MULTIPLIER);
}

static bool build_masks(struct building *b)
{
	unsigned all = (unsigned)b->n, most = CHOOSER_SET;
	bool ok = true;

	for (unsigned i = 0; ok && i < all; i += most)
		ok = build(b, i, RTE_MIN(all - i, most), categories_of(RTE_MIN(all - i, most)));
	return ok;
}

struct chooser_acl *chooser_acl_open(const struct filter *const *filters, size_t n, bool masks,
				     struct filter_error *error)
{
	struct building b = { .filters = filters, .n = n, .error = error };
	bool ok;

	b.acl = calloc(1, sizeof(*b.acl));
	ok = b.acl ? find_boxes(&b) : filter_fail(error, "out of memory");
	if (ok) {
		lay_out_key(&b);
		ok = masks ? build_masks(&b) : build(&b, 0, (unsigned)n, 1);
	}
	filter_boxes_free(&b.boxes);
	free(b.ends);
	if (ok)
		return b.acl;
	chooser_acl_close(b.acl);
	return NULL;
}

void chooser_acl_close(struct chooser_acl *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < a->n_contexts; i++)
		rte_acl_free(a->contexts[i].acl);
	free(a);
}

/* ---- choosing ---- */

static void key_add(uint8_t *key, const struct packet *p, const struct key_part *part)
{
	const uint8_t *from = (const uint8_t *)p + part->from;
	uint16_t half;
	uint32_t word;

	if (part->size == 1) {
		key[part->to] = *from;
	} else if (part->size == 2) {
		memcpy(&half, from, sizeof(half));
		half = rte_cpu_to_be_16(half);
		memcpy(key + part->to, &half, sizeof(half));
	} else {
		memcpy(&word, from, sizeof(word));
		word = rte_cpu_to_be_32(word);
		memcpy(key + part->to, &word, sizeof(word));
	}
}

/* What the keys of a burst are made in.  The filling at their ends may be anything. */
struct keys {
	uint8_t bytes[BURST][KEY_ROOM] __rte_cache_aligned;
	const uint8_t *at[BURST];
};

static void make_keys(const struct chooser_acl *a, struct rte_mbuf *const *packets, unsigned n,
		      struct keys *keys)
{
	for (unsigned i = 0; i < n; i++) {
		const struct packet *p = packet_of(packets[i]);
		uint8_t *key = keys->bytes[i];

		key[0] = packet_shape(p);
		for (unsigned part = 0; part < a->n_parts; part++)
			key_add(key, p, &a->parts[part]);
		keys->at[i] = key;
	}
}

void chooser_acl_first(const struct chooser_acl *a, struct rte_mbuf *const *packets, unsigned n,
		       int16_t *first)
{
	uint32_t results[BURST] = { 0 };
	struct keys keys;

	make_keys(a, packets, n, &keys);
	if (a->contexts[0].acl)
		rte_acl_classify(a->contexts[0].acl, keys.at, results, n, 1);
	for (unsigned i = 0; i < n; i++)
		first[i] = (int16_t)((int)results[i] - 1);
}

static void add_masks(const struct context *c, const struct keys *keys, unsigned n, uint64_t *masks)
{
	uint32_t results[BURST * CHOOSER_SET];

	rte_acl_classify(c->acl, (const uint8_t **)(uintptr_t)keys->at, results, n, c->categories);
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < c->n; j++)
			if (results[i * c->categories + j])
				masks[i] |= UINT64_C(1) << (c->first + j);
}

void chooser_acl_all(const struct chooser_acl *a, struct rte_mbuf *const *packets, unsigned n,
		     uint64_t *masks)
{
	struct keys keys;

	make_keys(a, packets, n, &keys);
	memset(masks, 0, n * sizeof(*masks));
	for (unsigned i = 0; i < a->n_contexts; i++)
		if (a->contexts[i].acl)
			add_masks(&a->contexts[i], &keys, n, masks);
}
