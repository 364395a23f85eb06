/* The forks of a pipeline, as wires and matchers can make them.
 *
 * A packet that leaves a module takes a way: the edges that get it, the copies among them.
 * Which way is decided by the module's own output ports where it has some (`via port`),
 * and by matchers behind them. */
#ifndef EPIC_PLAN_FORKS_H
#define EPIC_PLAN_FORKS_H

#include "compiler/base/ctx.h"
#include "compiler/ir/ir.h"
#include "compiler/plan/match.h"

struct fork_way {
	const uint32_t *edges; /* of the pipeline; the packet itself takes the first, if that is no
				* copy; none: dropped */
	size_t n;
};

struct fork_port {
	const struct matcher *matcher; /* NULL: everything takes ways[0] */
	const struct fork_way *ways;   /* as the matcher counts them */
	size_t n_ways;
	/* Not NULL: the ways are copies only, and the packet itself goes on to this. */
	const struct fork_port *next;
};

struct fork {
	struct fork_port *ports; /* one, or one per value of the attribute that chooses the port */
	size_t n_ports;
	bool own_ports; /* the latter */
};

/* ARRIVING: a set that has all packets that come to the module.  DEVICE: by which they came
 * in (port.in); NULL: not known.  What cannot be expressed is reported (E0802); then the fork
 * drops everything. */
const struct fork *fork_make(struct ctx *, const struct ir *, const struct ir_pipeline *,
			     uint32_t module, const struct cubes *arriving, const char *device);

/* The part of ARRIVING that an edge takes on, with nothing known of what only the module that
 * it leaves can tell. */
const struct cubes *fork_taken(struct fields *, const struct cubes *arriving,
			       const struct ir_edge *);

#endif
