/* What the files of the matcher share: places in a frame, sets of values there, and
 * regions, which are products of such sets. */
#ifndef EPIC_PLAN_MATCH_PRIVATE_H
#define EPIC_PLAN_MATCH_PRIVATE_H

#include "compiler/base/vec.h"
#include "compiler/plan/match.h"

/* ---- sets of values ---- */

struct match_range {
	epic_u128 lo, hi; /* inclusive */
};

/* Ascending, disjoint, never adjoining. */
struct match_set {
	size_t n;
	const struct match_range *at;
};

struct match_set match_set_of(struct arena *, const struct fx_member *, size_t n);
struct match_set match_set_range(struct arena *, epic_u128 lo, epic_u128 hi);
struct match_set match_set_and(struct arena *, struct match_set, struct match_set);
struct match_set match_set_or(struct arena *, struct match_set, struct match_set);
/* What is left of 0 ... MAX. */
struct match_set match_set_not(struct arena *, struct match_set, epic_u128 max);
bool match_set_has(struct match_set, epic_u128);
bool match_set_meets(struct match_set, struct match_set);

/* Values that agree with `value` in all bits but the last `free`. */
struct match_prefix {
	epic_u128 value;
	unsigned free;
};
struct match_prefixes {
	struct match_prefix *at;
	size_t n, cap;
};
struct match_prefixes match_set_prefixes(struct arena *, struct match_set);

/* ---- places ---- */

/* Some bits of a frame. */
struct match_key {
	unsigned offset, size; /* bytes; 16 for an address of IPv6 */
	unsigned shift, bits;  /* the value is (bytes >> shift) in so many bits */
	unsigned header; /* of IPv4, if that has no options and the key stands behind it; else 0 */
};

epic_u128 match_key_max(struct match_key);
bool match_key_same(struct match_key, struct match_key);

/* ---- regions ---- */

enum match_net { NET_ANY, NET_V4, NET_V6, NET_V6_FRAGMENT, NET_OTHER, N_NETS };
enum match_tag { TAG_ANY, TAG_NONE, TAG_ONE };

struct match_test {
	struct match_key key;
	struct match_set in;
};

enum { MATCH_MOST_TESTS = 24, WAY_UNDECIDED = UINT16_MAX };

struct match_region {
	unsigned way;
	bool optional; /* needed only above others: of the rest, or the shadow of such */
	size_t n;
	struct match_test at[MATCH_MOST_TESTS];
};

struct match_regions {
	struct match_region *at;
	size_t n, cap;
};

/* What a table leaves to the filters; all false for the filters themselves. */
struct match_limits {
	bool fixed;   /* only fixed places: no options, no fragment header of IPv6 */
	bool no_tags; /* nothing behind a tag */
	bool no_v6;
};

/* Adds the packets of SET, way WAY, as regions; of what the limits exclude regions of
 * WAY_UNDECIDED. */
void match_regions_add(struct arena *, struct fields *, const struct cubes *set, unsigned way,
		       const struct match_known *, const struct match_limits *,
		       struct match_regions *);

/* NULL: no table within LIMITS does. */
struct match_table *match_table_make(struct arena *, const struct match_regions *, unsigned n_ways,
				     bool reluctant, bool *undecided);

/* NULL: too long. */
const char *match_filter_text(struct arena *, const struct match_regions *);

#endif
