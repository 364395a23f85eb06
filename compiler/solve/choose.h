/* What the files of this room share about choosing for all flows together. */
#ifndef EPIC_SOLVE_CHOOSE_H
#define EPIC_SOLVE_CHOOSE_H

#include "compiler/base/vec.h"
#include "compiler/solve/bridges.h"
#include "compiler/solve/crossing.h"

/* What FLOW asks of a crossing.  Of the application only the packet size is used;
 * a hypothetical flow has packets of 1500 bytes. */
struct question question_of(struct arena *, const struct ir *, const struct ir_flow *,
			    enum ir_objective);

/* A strait: all flows that ask the same. */
struct strait {
	struct question q; /* with the whole room of the proxies */
	bool legal;        /* there is a bridge */
	bool exhausted;
	struct found_bridge own;     /* the best by itself */
	struct found_bridge current; /* the best in the room that is left */
	bool stuck;                  /* no bridge as cheap as `own` is left */
	struct cover_faults faults;  /* unless legal */
	/* for the joint choice, once needed */
	struct found_bridge *bridges;
	size_t n_bridges;
	bool truncated, bridges_exhausted;
	struct rat *most_cycles; /* per slot: no bridge puts more on it per packet */
};

struct chooser {
	struct arena *arena;
	const struct ir *ir;
	struct hosting *hosting;
	struct rat *room; /* per slot: whole; NULL: capacity plays no part */
	struct rat *left; /* per slot: what the flows so far leave */
	VEC(struct strait *) straits;
	struct strait **by_flow;    /* NULL: needs no bridge, or may not have one */
	struct found_bridge *taken; /* per flow; no hops: none could be had */
	struct solution *solution;
};

/* The best bridge of S that costs MOST or less and fits into what is left, whose
 * room is taken then.  `current` remembers it for the next flow.  False: none. */
bool chooser_take(struct chooser *, struct strait *, price most);

/* Chooses anew for those flows that compete for room with one that is STUCK. */
void scarce_choose(struct chooser *, const bool *stuck);

#endif
