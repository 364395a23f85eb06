/* Minimal legal bridges of one crossing: the best, the best few, or why there is none. */
#ifndef EPIC_SOLVE_BRIDGES_H
#define EPIC_SOLVE_BRIDGES_H

#include "compiler/solve/cover.h"
#include "compiler/solve/crossing.h"

struct found_bridge {
	struct hop *hops; /* in chain order; NULL: none */
	size_t n_hops;
	price cost;
};

/* The cheapest, with the smallest list of names.  C should be thin.  False if no
 * bridge of cost MOST or less is legal.  At most BUDGET steps.  *EXHAUSTED is set (never cleared)
 * if the search was cut short. */
bool bridges_best(struct arena *, struct crossing *, price most, size_t budget,
		  struct found_bridge *, bool *exhausted);

/* The best LIMIT (0: all), best first.  C should not be thin.  At most BUDGET
 * steps.  *TRUNCATED: there are more, none of them better; *EXHAUSTED: the steps
 * did not suffice, and there may be others, even better ones. */
struct found_bridge *bridges_list(struct arena *, struct crossing *, size_t limit, size_t budget,
				  size_t *n, bool *truncated, bool *exhausted);

/* Why covers fall away. */
struct cover_faults {
	unsigned kinds;      /* all first faults met, and FAULT_PAIR */
	unsigned *by_unit;   /* first faults of the covers that a unit is in */
	bool legal;          /* some cover has no fault at all */
	bool uncoverable;    /* a missing attribute has no unit */
	bool exhausted;      /* not all covers were looked at */
	uint32_t label_node; /* of the first label fault */
	struct ids label_lacks;
};
struct cover_faults bridges_faults(struct arena *, struct crossing *, size_t budget);

/* With its costs in full. */
struct bridge bridge_from(const struct ir *, const struct hop *, size_t n, struct rat packet);

enum {
	BRIDGES_STEPS_BEST = 200000,
	BRIDGES_STEPS_ROOM = 20000, /* where little room is left */
	BRIDGES_STEPS_LIST = 400000,
	BRIDGES_STEPS_FAULTS = 20000,
};

/* Among the legal bridges that cost MOST or less the one with the smallest list of
 * names, built from the front of the chain.  Needs `names_agree`. */
bool bridges_smallest(struct arena *, struct crossing *, price most, size_t budget,
		      struct found_bridge *, bool *exhausted);

#endif
