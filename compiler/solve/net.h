/* What flows where: the pipeline of a target as its scheduler sees it.
 *
 * A *node* is a module or, where classes are parted in front, a module in the copy
 * of one class.  A *way* is a beginning of a path: the node at its end, reached
 * through the ways before it; all that is linear in the service multipliers is
 * linear in one multiplier per way.  Ways are numbered so that a parent comes first.
 * Rates are those of one copy of the pipeline (doc/language.md 5.5). */
#ifndef EPIC_SOLVE_NET_H
#define EPIC_SOLVE_NET_H

#include "compiler/base/arena.h"
#include "compiler/base/vec.h"
#include "compiler/ir/ir.h"

struct net_node {
	uint32_t module;
	uint32_t copy;    /* class, ID_REST or ID_NONE */
	uint32_t order;   /* of the copy's name; 0 for ID_NONE */
	bool source;
	bool root;        /* whatever is decided: source, schedulable, behind a classifier */
	bool queue;       /* a root before which the compiler puts a queue */
	struct ids ways;  /* that end here */
	struct ids next;  /* nodes that packets can go on to: in the copy of a class along
			   * its paths, else along all edges */
	struct rat packets; /* that arrive by all of them, packets/s */
};

struct net_way {
	uint32_t node;
	uint32_t parent;    /* way, or ID_NONE at a source */
	struct rat packets; /* packets/s that count here if all is served */
	struct rat cycles;  /* cycles/s that they take, without overheads */
};

struct net_path {
	uint32_t class;       /* of the net */
	const uint32_t *ways; /* from source to exit */
	size_t n, first;      /* those before FIRST do not count: a copy's beginning */
	bool copy;
	struct rat rate;
	const struct rat *cost; /* cycles per packet, per way */
};

struct net_class {
	uint32_t id; /* of the graph, or ID_REST */
	const char *name;
	bool named;     /* in the slo */
	size_t stage;   /* of the rank by which it is served; named classes only */
	bool has_packet;
	struct rat packet;
	size_t first_path, n_paths; /* in `paths` */
};

struct net {
	const struct ir *ir;
	const struct ir_target *target;
	const struct ir_slo *slo;
	const struct ir_pipeline *pipeline;
	bool parted;
	bool rest_arrives; /* parted: there is a copy for all other traffic */
	struct net_node *nodes; /* by module, then by the name of the copy, ID_NONE first */
	size_t n_nodes;
	struct net_way *ways;
	size_t n_ways;
	struct net_path *paths;
	size_t n_paths;
	struct net_class *classes; /* by id, ID_REST last */
	size_t n_classes;
	size_t n_stages; /* at least 1 */
};

/* PARTED: with a classifier behind the sources. */
struct net *net_make(struct arena *, const struct ir *, const struct ir_target *, const struct ir_slo *,
		     bool parted);

/* ID_NONE if there is none. */
uint32_t net_find_node(const struct net *, uint32_t module, uint32_t copy);
/* Number of a class of the graph in this net; ID_NONE: it does not pass. */
uint32_t net_find_class(const struct net *, uint32_t id);
/* The first stage of the members of RANK at a level of the slo. */
size_t net_stage_of(const struct net *, uint32_t level, uint32_t rank);
/* The overhead per packet at a node that is a root. */
struct rat net_overhead(const struct net *, const struct net_node *);

#endif
