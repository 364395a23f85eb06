/* What the files about filters share: packets as points, filters as boxes.
 *
 * A packet is a shape (which headers it has) and 32 columns, none wider than a word.  A box
 * demands some bits of the shape and a range in some columns; a comparison is a union of boxes,
 * as is its negation.  An address has four columns, and an IPv4 address lies in the last. */
#ifndef EPIC_DPDK_FILTER_PRIVATE_H
#define EPIC_DPDK_FILTER_PRIVATE_H

#include "runtime/dpdk/filter.h"

enum filter_column {
	COLUMN_ETH_SRC, /* upper 16 bits, then the others */
	COLUMN_ETH_DST = COLUMN_ETH_SRC + 2,
	COLUMN_ETH_TYPE = COLUMN_ETH_DST + 2,
	COLUMN_VLAN,
	COLUMN_SRC,
	COLUMN_DST = COLUMN_SRC + 4,
	COLUMN_PROTO = COLUMN_DST + 4,
	COLUMN_DSCP,
	COLUMN_TTL,
	COLUMN_FRAG,
	COLUMN_SPORT,
	COLUMN_DPORT,
	COLUMN_FLAGS,
	COLUMN_ICMP_TYPE,
	COLUMN_ICMP_CODE,
	COLUMN_DEVICE,
	COLUMN_TAG,
	N_COLUMNS = COLUMN_TAG + PACKET_TAGS
};

_Static_assert(N_COLUMNS <= 32, "sets of columns are words");

struct filter_place {
	uint8_t offset, size; /* in struct packet; a number of 1, 2 or 4 bytes */
};

extern const struct filter_place filter_places[N_COLUMNS];

static inline uint32_t column_most(unsigned column)
{
	return filter_places[column].size == 4 ? UINT32_MAX
					       : (1u << 8 * filter_places[column].size) - 1;
}

uint32_t column_read(const struct packet *, unsigned column);
void column_write(struct packet *, unsigned column, uint32_t value);

/* packet.present, and whether there is an IP header of either family: one bit, so that one box
 * can demand or refuse it. */
enum { SHAPE_IP = 1 << 7 };

_Static_assert((int)PACKET_ICMP < (int)SHAPE_IP, "the shape is one byte");

static inline uint8_t packet_shape(const struct packet *p)
{
	return (uint8_t)(p->present | (p->present & PACKET_IP ? SHAPE_IP : 0));
}

/* ---- comparisons ---- */

struct filter_span {
	uint32_t lo, hi; /* inclusive */
};

/* One box of a comparison: at most an address. */
struct filter_term {
	uint8_t need, shape; /* shape & need == shape */
	uint8_t n;
	uint8_t column[4];
	struct filter_span in[4];
};

struct filter_terms {
	struct filter_term *at;
	size_t n, room;
	bool failed; /* out of memory; nothing more is added */
};

/* The boxes of N comparisons (FILTER_IN) of one field, of which one must hold; or, disjoint, of
 * the negation of that. */
void filter_terms(const struct filter *const *subjects, size_t n, bool negated,
		  struct filter_terms *);
void filter_terms_free(struct filter_terms *);

/* Bits of the shape, one of which must be set for the field to be there; 0: it always is. */
uint8_t filter_presence(enum filter_field, uint8_t family);
bool filter_is_wide(enum filter_field); /* an address */

/* ---- boxes ---- */

struct filter_box {
	uint8_t need, shape;
	uint32_t bound; /* columns that are not free */
	struct filter_span in[N_COLUMNS];
};

struct filter_boxes {
	struct filter_box *at;
	size_t n, room;
	size_t most; /* boxes; more of them are a failure */
	size_t work; /* comparisons of boxes that are still allowed */
	bool failed;
};

void filter_box_all(struct filter_box *);
/* Narrows it; false: nothing is left. */
bool filter_box_meet(struct filter_box *, const struct filter_term *);
/* The filter as a union of boxes, which may overlap.  False: it takes more than MOST. */
bool filter_boxes(const struct filter *, struct filter_boxes *);
void filter_boxes_free(struct filter_boxes *);

/* Of a conjunction, an `and` or an `or` under `not`: the comparison that PART denies; NULL: it is
 * something else. */
const struct filter *filter_denied(const struct filter *part, bool negated);
/* Moves the comparisons of the first one's field to the front; returns how many. */
size_t filter_gather(const struct filter **comparisons, size_t n);

/* ---- ways of choosing; each opens N filters, NULL where it cannot ---- */

enum {
	CHOOSER_MASKED = 64, /* filters of a mask */
	CHOOSER_SET = 16     /* of which rte_acl tells at once */
};

struct chooser_bpf;

/* MASKS: it is for `all`, of N <= CHOOSER_MASKED filters; else for `first`. */
struct chooser_bpf *chooser_bpf_open(const struct filter *const *, size_t n, bool masks,
				     struct filter_error *);
void chooser_bpf_close(struct chooser_bpf *);
void chooser_bpf_first(const struct chooser_bpf *, struct rte_mbuf *const *, unsigned n,
		       int16_t *first);
void chooser_bpf_all(const struct chooser_bpf *, struct rte_mbuf *const *, unsigned n,
		     uint64_t *masks);

struct chooser_acl;

struct chooser_acl *chooser_acl_open(const struct filter *const *, size_t n, bool masks,
				     struct filter_error *);
void chooser_acl_close(struct chooser_acl *);
void chooser_acl_first(const struct chooser_acl *, struct rte_mbuf *const *, unsigned n,
		       int16_t *first);
void chooser_acl_all(const struct chooser_acl *, struct rte_mbuf *const *, unsigned n,
		     uint64_t *masks);

#endif
