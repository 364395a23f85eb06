/* The joint choice: bridges for flows that compete for the room of some proxies.
 *
 * Criteria, each within the best of those before it: most flows kept; earlier flows
 * rather than later ones; application by application the least cost; flow by flow
 * the smallest list of names.  Every answer is checked in exact numbers. */
#ifndef EPIC_SOLVE_JOINT_H
#define EPIC_SOLVE_JOINT_H

#include "compiler/solve/bridges.h"

enum { JOINT_DROPPED = -1 };

/* In plan order.  Bridges are sorted best first (but perhaps the last), and each fits
 * by itself. */
struct joint_flow {
	size_t application;
	struct rat rate, packet;
	const struct found_bridge *bridges;
	size_t n_bridges;
	bool truncated; /* there are more bridges, none of them better */
	price dearest;  /* cost of the last of those found in order */
	bool exhausted; /* there may be others, even better ones */
	long chosen;    /* index into bridges, or JOINT_DROPPED; in: a legal start */
};

/* ROOM: cycles per second per slot; only that of proxies with cores is looked at.
 * False if the choice is legal, but was not proven best. */
bool joint_choose(struct arena *, const struct ir *, const struct hosting *, struct joint_flow *,
		  size_t n, const struct rat *room);

#endif
