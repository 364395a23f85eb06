/* What the files of this room share: dimensions, boxes, and the two ways of
 * working on many boxes at once.
 *
 * The space of packets is a product of dimensions.  Presence is folded into it:
 * `fam` says whether there is an IP header and of which family; a field that may
 * be absent by itself has one value more than the packet can carry.  Where a
 * field is absent because of others (no port without tcp, udp or sctp), its
 * dimension has no influence: every comparison also constrains what must hold for
 * its field to be there.  So a set of packets is a set of points, and the algebra
 * of points is exact. */
#ifndef EPIC_FILTER_PRIVATE_H
#define EPIC_FILTER_PRIVATE_H

#include "compiler/base/intern.h"
#include "compiler/base/map.h"
#include "compiler/base/vec.h"
#include "compiler/filter/filter.h"

/* The dimensions on which the presence of others depends come first, as the algebra
 * splits along the lowest of equally good ones: most boxes that constrain a port
 * then constrain fam, proto and frag as well, which makes good examples. */
enum dim_id {
	DIM_FAM,
	DIM_PROTO,
	DIM_FRAG,
	N_KEY_DIMS,
	DIM_NONE = UINT32_MAX,
};

enum family { FAM_NONE, FAM_V4, FAM_V6 };

/* Texts are numbered from 0 as they are met; the numbers not given out stand for
 * all other texts. */
#define N_TEXTS ((epic_u128)1 << 32)

/* A set may take so many boxes and an operation handle so many; and so often may
 * an operation compare a part of a box with another box.  Beyond that the filter
 * is refused, rather than taking all time and memory. */
enum { MOST_BOXES = 1 << 20, MOST_MEETINGS = 1 << 23 };

struct range {
	epic_u128 lo, hi; /* inclusive */
};

/* Ascending, disjoint, never adjoining; not empty where it is part of a box. */
struct values {
	size_t n;
	struct range at[];
};

struct side {
	uint32_t dim;
	const struct values *in;
};

/* The packets that satisfy all sides.  Sides ascend by dimension; a dimension
 * that is not listed may have any value. */
struct box {
	size_t n;
	struct side at[];
};

struct cubes {
	size_t n;
	const struct box *const *at;
};

struct dim {
	const struct field *field; /* NULL: fam */
	uint8_t family;            /* of an address */
	bool lacks;                /* the largest value means "absent" */
	epic_u128 max;
	const struct values *full; /* 0...max */
	const struct box *needs;   /* what must hold for the field to be there */
};

struct fields {
	struct arena *arena;
	VEC(struct field *) list;
	VEC(struct dim) dims;
	VEC(uint32_t) first_dim; /* by field; an address has two, v4 first */
	struct interner *names;
	struct map by_name; /* interned name to field */
	struct map numbers; /* interned text to its number + 1 */
	VEC(const char *) texts;
	bool overflowed;
};

/* DIM_NONE for tcp.* and udp.* ports, which are written as two comparisons. */
uint32_t field_dim(const struct fields *, const struct field *, int family);
/* "tcp.dport" is l4.dport of protocol 6; false for any other field. */
bool field_alias(const struct fields *, const struct field *, const struct field **port,
		 uint64_t *protocol);
const char *protocol_name(uint64_t number); /* NULL if it has none */
bool field_is_protocol(const struct field *);
/* Gives the text a number if it has none. */
epic_u128 text_number(struct fields *, const char *);
bool text_is_known(const struct fields *, const char *);

/* ---- values.c ---- */

int u128_cmp(epic_u128, epic_u128);
/* Sorts RANGES in place and joins what overlaps or adjoins. */
const struct values *values_from(struct arena *, struct range *ranges, size_t n);
const struct values *values_one(struct arena *, epic_u128 lo, epic_u128 hi);
bool values_have(const struct values *, epic_u128);
bool values_overlap(const struct values *, const struct values *);
bool values_subset(const struct values *small, const struct values *large);
/* The result may be empty (n == 0), or one of the arguments. */
const struct values *values_and(struct arena *, const struct values *, const struct values *);
const struct values *values_minus(struct arena *, const struct values *, const struct values *);

/* ---- box.c ---- */

/* What DIM may be in the box; all of it where the box says nothing. */
const struct values *box_values(const struct fields *, const struct box *, uint32_t dim);
bool box_bounds(const struct box *, uint32_t dim);
/* The same box with DIM in VALUES (not empty) instead. */
const struct box *box_with(const struct fields *, struct arena *, const struct box *, uint32_t dim,
			   const struct values *);
bool box_overlap(const struct box *, const struct box *);
const struct box *box_and(struct arena *, const struct box *, const struct box *); /* NULL: empty */
/* All packets. */
const struct box *box_all(struct arena *);

/* ---- expressions ---- */

struct fx {
	enum fx_kind kind;
	size_t n; /* of members or operands */
	const struct fx *const *operands;
	const struct field *field; /* FX_CMP */
	/* Canonical: sorted, joined; prefixes first. */
	const struct fx_member *members;
	/* FX_CMP: the union of these; two if members are of both families. */
	const struct box *boxes[2];
	size_t n_boxes;
};

/* ---- many boxes ---- */

/* A growing list outside of the arena. */
struct boxes {
	const struct box **at;
	size_t n, cap;
};

/* One public operation: its scratch memory and how many boxes it has handled. */
struct work {
	struct fields *fields;
	struct arena *keep;    /* for the boxes that are made */
	struct arena *scratch; /* freed with the operation */
	uint32_t *bound;       /* a counter by dimension; zero between uses */
	size_t n_handled, n_met;
	bool overflowed;
};

/* KEEP_NOTHING puts the boxes into scratch memory as well. */
enum keep { KEEP_BOXES, KEEP_NOTHING };
void work_begin(struct work *, struct fields *, enum keep);
void work_end(struct work *);
/* Counts one more box; false if that was too much: stop, the result is wrong. */
bool work_count(struct work *);
/* Counts N meetings, likewise. */
bool work_spend(struct work *, size_t n);
void boxes_push(struct boxes *, const struct box *);

struct item {
	const struct box *box;
	size_t owner;
};

/* Called with each of the As and all Bs that may overlap it, and some that do
 * not; false stops. */
typedef bool meet_visit(void *, const struct item *a, const struct item *b, size_t n_b);

/* Visits every A once, in an order that depends on the boxes alone.  Splits the
 * As along the dimension that tells them apart best and hands each half only
 * the Bs that reach into it.  False if a visit returned false. */
bool items_meet(struct work *, const struct item *a, size_t n_a, const struct item *b, size_t n_b,
		meet_visit *, void *);

/* What to cut out of a piece: the parts inside the union of the Bs or outside. */
enum carve { CARVE_INSIDE, CARVE_OUTSIDE };

/* Cuts PIECE along the sides of the Bs, which may overlap each other, and pushes
 * disjoint parts.  With FIRST_ONLY it stops at the first.  False if it stopped. */
bool box_carve(struct work *, enum carve, const struct box *piece, const struct item *b, size_t n,
	       struct boxes *out, bool first_only);

/* A packet in the box; see cubes_example. */
struct packet box_example(struct fields *, const struct box *);

#endif
