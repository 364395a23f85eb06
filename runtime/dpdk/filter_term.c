/* Comparisons as unions of boxes. */
#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PLACE(member)                                                                    \
	{                                                                                \
		offsetof(struct packet, member), sizeof(((struct packet *)NULL)->member) \
	}
#define PLACE_OF_WORD(member, i)                             \
	{                                                    \
		offsetof(struct packet, member) + 4 * (i), 4 \
	}
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
#define PLACES_OF_MAC(member)                       \
	{ offsetof(struct packet, member) + 4, 2 }, \
	{                                           \
		offsetof(struct packet, member), 4  \
	}
#else
#define PLACES_OF_MAC(member)                          \
	{ offsetof(struct packet, member) + 2, 2 },    \
	{                                              \
		offsetof(struct packet, member) + 4, 4 \
	}
#endif
#define PLACE_OF_TAG(i)                                    \
	{                                                  \
		offsetof(struct packet, tags) + 2 * (i), 2 \
	}

const struct filter_place filter_places[N_COLUMNS] = {
	PLACES_OF_MAC(eth_src),
	PLACES_OF_MAC(eth_dst),
	PLACE(eth_type),
	PLACE(vlan),
	PLACE_OF_WORD(src, 0),
	PLACE_OF_WORD(src, 1),
	PLACE_OF_WORD(src, 2),
	PLACE_OF_WORD(src, 3),
	PLACE_OF_WORD(dst, 0),
	PLACE_OF_WORD(dst, 1),
	PLACE_OF_WORD(dst, 2),
	PLACE_OF_WORD(dst, 3),
	PLACE(proto),
	PLACE(dscp),
	PLACE(ttl),
	PLACE(frag),
	PLACE(sport),
	PLACE(dport),
	PLACE(tcp_flags),
	PLACE(icmp_type),
	PLACE(icmp_code),
	PLACE(device),
	PLACE_OF_TAG(0),
	PLACE_OF_TAG(1),
	PLACE_OF_TAG(2),
	PLACE_OF_TAG(3),
	PLACE_OF_TAG(4),
	PLACE_OF_TAG(5),
	PLACE_OF_TAG(6),
	PLACE_OF_TAG(7),
};

_Static_assert(PACKET_TAGS == 8, "the table above has a row for each tag");

/* Where the words of a field lie. */
static const struct field_form {
	uint8_t presence; /* one of these bits of the shape; 0: always there */
	uint8_t column, words;
} forms[] = {
	[FIELD_ETH_SRC] = { PACKET_ETH, COLUMN_ETH_SRC, 2 },
	[FIELD_ETH_DST] = { PACKET_ETH, COLUMN_ETH_DST, 2 },
	[FIELD_ETH_TYPE] = { PACKET_ETH, COLUMN_ETH_TYPE, 1 },
	[FIELD_VLAN_ID] = { PACKET_VLAN, COLUMN_VLAN, 1 },
	[FIELD_IP_SRC] = { SHAPE_IP, COLUMN_SRC, 4 },
	[FIELD_IP_DST] = { SHAPE_IP, COLUMN_DST, 4 },
	[FIELD_IP_PROTO] = { SHAPE_IP, COLUMN_PROTO, 1 },
	[FIELD_IP_DSCP] = { SHAPE_IP, COLUMN_DSCP, 1 },
	[FIELD_IP_TTL] = { SHAPE_IP, COLUMN_TTL, 1 },
	[FIELD_IP_FRAG] = { SHAPE_IP, COLUMN_FRAG, 1 },
	[FIELD_L4_SPORT] = { PACKET_L4, COLUMN_SPORT, 1 },
	[FIELD_L4_DPORT] = { PACKET_L4, COLUMN_DPORT, 1 },
	[FIELD_TCP_FLAGS] = { PACKET_TCP, COLUMN_FLAGS, 1 },
	[FIELD_ICMP_TYPE] = { PACKET_ICMP, COLUMN_ICMP_TYPE, 1 },
	[FIELD_ICMP_CODE] = { PACKET_ICMP, COLUMN_ICMP_CODE, 1 },
	[FIELD_PORT_IN] = { 0, COLUMN_DEVICE, 1 },
	[FIELD_TAG] = { 0, COLUMN_TAG, 1 }, /* PACKET_NO_TAG is no value */
};

uint32_t column_read(const struct packet *p, unsigned column)
{
	const uint8_t *at = (const uint8_t *)p + filter_places[column].offset;
	uint16_t half;
	uint32_t word;

	switch (filter_places[column].size) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return half;
	default:
		memcpy(&word, at, sizeof(word));
		return word;
	}
}

void column_write(struct packet *p, unsigned column, uint32_t value)
{
	uint8_t *at = (uint8_t *)p + filter_places[column].offset;
	uint16_t half = (uint16_t)value;

	switch (filter_places[column].size) {
	case 1:
		*at = (uint8_t)value;
		break;
	case 2:
		memcpy(at, &half, sizeof(half));
		break;
	default:
		memcpy(at, &value, sizeof(value));
	}
}

bool filter_is_wide(enum filter_field field)
{
	return forms[field].words == 4;
}

uint8_t filter_presence(enum filter_field field, uint8_t family)
{
	return family == 4 ? PACKET_IP4 : family == 6 ? PACKET_IP6 : forms[field].presence;
}

/* ---- the boxes of a range ---- */

static void terms_add(struct filter_terms *terms, const struct filter_term *t)
{
	size_t room = terms->room ? 2 * terms->room : 4;
	struct filter_term *at = terms->at;

	if (terms->failed)
		return;
	if (terms->n == terms->room) {
		at = realloc(at, room * sizeof(*at));
		if (!at) {
			terms->failed = true;
			return;
		}
		terms->at = at;
		terms->room = room;
	}
	terms->at[terms->n++] = *t;
}

void filter_terms_free(struct filter_terms *terms)
{
	free(terms->at);
	*terms = (struct filter_terms){ 0 };
}

static bool words_are(const uint32_t words[4], unsigned from, uint32_t value)
{
	for (; from < 4; from++)
		if (words[from] != value)
			return false;
	return true;
}

/* The columns are those of the last words of a number: word I is in column BASE + I. */
struct splitting {
	struct filter_terms *terms;
	int base;
	struct filter_term term;
};

static void split_add(const struct splitting *s)
{
	terms_add(s->terms, &s->term);
}

static struct splitting split_with(const struct splitting *s, unsigned word, uint32_t lo,
				   uint32_t hi)
{
	struct splitting with = *s;
	unsigned column = (unsigned)(s->base + (int)word);

	if (lo || hi < column_most(column)) {
		with.term.column[with.term.n] = (uint8_t)column;
		with.term.in[with.term.n++] = (struct filter_span){ lo, hi };
	}
	return with;
}

/* LO...HI, which are equal in front of WORD, as boxes: those that share the first word with LO,
 * those between, those that share it with HI.  At most seven for four words. */
static void split(const struct splitting *s, unsigned word, const uint32_t lo[4],
		  const uint32_t hi[4])
{
	static const uint32_t least[4],
	    most[4] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	uint64_t a, b;
	struct splitting with;

	if (word == 4) {
		split_add(s);
		return;
	}
	a = lo[word];
	b = hi[word];
	if (a == b) {
		with = split_with(s, word, lo[word], lo[word]);
		split(&with, word + 1, lo, hi);
		return;
	}
	if (!words_are(lo, word + 1, 0)) {
		with = split_with(s, word, lo[word], lo[word]);
		split(&with, word + 1, lo, most);
		a++;
	}
	if (!words_are(hi, word + 1, UINT32_MAX)) {
		with = split_with(s, word, hi[word], hi[word]);
		split(&with, word + 1, least, hi);
		b--;
	}
	if (a <= b) {
		with = split_with(s, word, (uint32_t)a, (uint32_t)b);
		split_add(&with);
	}
}

static void add_range(const struct filter *f, uint8_t family, const uint32_t lo[4],
		      const uint32_t hi[4], struct filter_terms *terms)
{
	const struct field_form *form = &forms[f->field];
	unsigned words = family == 4 ? 1 : form->words;
	uint8_t bit = filter_presence(f->field, family);
	int column = form->column + (f->field == FIELD_TAG ? f->tag : 0);
	struct splitting s = { .terms = terms,
			       .base = column + form->words - 4,
			       .term = { .need = bit, .shape = bit } };

	split(&s, 4 - words, lo, hi);
}

static void add_absent(uint8_t bit, struct filter_terms *terms)
{
	if (bit)
		terms_add(terms, &(struct filter_term){ .need = bit });
}

/* ---- the complement of ranges ---- */

static int words_cmp(const uint32_t a[4], const uint32_t b[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int range_cmp(const void *a, const void *b)
{
	const struct filter_range *x = a, *y = b;

	return words_cmp(x->lo, y->lo);
}

/* The next number, or the one before; both exist. */
static void words_step(uint32_t words[4], uint32_t by)
{
	unsigned i = 3;

	words[i] += by;
	while (i && words[i] == (by == 1 ? 0 : UINT32_MAX))
		words[--i] += by;
}

/* What RANGES, sorted, leave of FIRST...LAST. */
static void add_gaps(const struct filter *f, uint8_t family, const struct filter_range *ranges,
		     size_t n, const uint32_t last[4], struct filter_terms *terms)
{
	uint32_t at[4] = { 0 }, before[4];

	for (size_t i = 0; i < n; i++) {
		if (words_cmp(at, ranges[i].lo) < 0) {
			memcpy(before, ranges[i].lo, sizeof(before));
			words_step(before, UINT32_MAX);
			add_range(f, family, at, before, terms);
		}
		if (words_cmp(ranges[i].hi, last) >= 0)
			return;
		if (words_cmp(at, ranges[i].hi) <= 0) {
			memcpy(at, ranges[i].hi, sizeof(at));
			words_step(at, 1);
		}
	}
	add_range(f, family, at, last, terms);
}

static void last_value(const struct filter *f, uint8_t family, uint32_t last[4])
{
	unsigned words = family == 4 ? 1 : forms[f->field].words;

	for (unsigned i = 0; i < 4; i++)
		last[i] = i < 4 - words ? 0 : UINT32_MAX;
	if (words == 2)
		last[2] = 0xffff;
	else if (words == 1 && !family)
		last[3] = column_most(forms[f->field].column);
}

static size_t ranges_of(const struct filter *const *subjects, size_t n, uint8_t family,
			struct filter_range *ranges)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < subjects[i]->n_ranges; j++)
			if (subjects[i]->ranges[j].family == family)
				ranges[total++] = subjects[i]->ranges[j];
	return total;
}

static void add_complement(const struct filter *const *subjects, size_t n, uint8_t family,
			   struct filter_range *ranges, struct filter_terms *terms)
{
	size_t total = ranges_of(subjects, n, family, ranges);
	uint32_t last[4];

	if (total)
		qsort(ranges, total, sizeof(*ranges), range_cmp);
	last_value(subjects[0], family, last);
	add_gaps(subjects[0], family, ranges, total, last, terms);
}

static void add_negated(const struct filter *const *subjects, size_t n, struct filter_terms *terms)
{
	const struct filter *f = subjects[0];
	struct filter_range *ranges;
	size_t total = 1;

	for (size_t i = 0; i < n; i++)
		total += subjects[i]->n_ranges;
	ranges = calloc(total, sizeof(*ranges));
	if (!ranges) {
		terms->failed = true;
		return;
	}
	add_absent(forms[f->field].presence, terms);
	if (filter_is_wide(f->field)) {
		add_complement(subjects, n, 4, ranges, terms);
		add_complement(subjects, n, 6, ranges, terms);
	} else {
		add_complement(subjects, n, 0, ranges, terms);
	}
	free(ranges);
}

void filter_terms(const struct filter *const *subjects, size_t n, bool negated,
		  struct filter_terms *terms)
{
	if (negated) {
		add_negated(subjects, n, terms);
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < subjects[i]->n_ranges; j++) {
			const struct filter_range *r = &subjects[i]->ranges[j];

			add_range(subjects[i], r->family, r->lo, r->hi, terms);
		}
}
