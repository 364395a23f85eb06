/* Walks through the covers of a crossing, each once, by branch and bound.
 *
 * The bound on what an uncovered rest must cost is exact (by subsets) for the first
 * rows; where there are more, the sum of all rows' least shares may be better. */
#ifndef EPIC_SOLVE_COVER_H
#define EPIC_SOLVE_COVER_H

#include "compiler/solve/crossing.h"

enum { COVER_SUBSET_ROWS = 14 };

#define PRICE_MAX ((price)1 << 120)

/* Lower bounds of what covering sets of rows costs. */
struct cover_bounds {
	rowset first;   /* the rows that `subsets` knows */
	price *subsets; /* per set of them */
	price *shares;  /* per row; NULL if `subsets` knows all */
};

/* Over the units for which TAKE says so (NULL: all). */
struct cover_bounds cover_bounds_new(const struct crossing *, bool (*take)(const struct unit *));
/* PRICE_MAX if some row cannot be covered. */
price cover_bound(const struct cover_bounds *, rowset uncovered);

struct cover_walk {
	struct crossing *crossing;
	/* Called for each cover; may lower `most` and set `stop`. */
	void (*found)(struct cover_walk *, const uint32_t *units, size_t n, price cost);
	void *arg;
	bool only_legal; /* illegal covers may be left out */
	bool only_safe;  /* only units that need no help with the label rule */
	price most;      /* covers that cost more are skipped */
	size_t budget;   /* steps; SIZE_MAX: no limit */
	bool stop;
	bool exhausted; /* out: the budget did not suffice */
};

void cover_walk_run(struct cover_walk *);

/* Sets of rows covered at least once and at least twice. */
struct cover_count {
	rowset once, twice;
};
struct cover_count cover_count_add(struct cover_count, rowset);

#endif
