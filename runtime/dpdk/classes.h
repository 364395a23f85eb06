/* To which class a packet belongs, as far as that is known where it is.
 *
 * A class is a filter on the packet as it enters and a set of paths (doc/language.md 5.4).  A
 * *state* is the set of the paths that a packet may still be on; it starts with those of the
 * classes whose `match` holds and that begin where it entered, and shrinks where paths part.  If
 * all paths of a state belong to one class, that is the class; to none, `rest`; else it is not
 * known yet.  States are numbered as they are first met, by any worker; the number lies in
 * packet.state, whose upper half says which graph numbered it, so that a packet that a module
 * held across a change of plan is known to be of another. */
#ifndef EPIC_DPDK_CLASSES_H
#define EPIC_DPDK_CLASSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dpdk/filter.h"
#include "runtime/plan/plan.h"

enum {
	STATE_REST = 0,
	STATE_LOST = 1, /* more states than there is room for, or from another graph */
	STATE_INDEX = 0xffff
};

static inline uint32_t state_index(const struct rte_mbuf *m)
{
	return packet_of((struct rte_mbuf *)m)->state & STATE_INDEX;
}

struct classes;

/* The classes of PLAN that pass one of PIPELINES; NAMES for the filters.  GENERATION goes to the
 * upper half of the numbers.  NULL: *ERROR says why. */
struct classes *classes_build(const struct rplan_plan *, struct rplan_texts pipelines,
			      uint16_t generation, const struct filter_names *,
			      struct filter_error *);
void classes_free(struct classes *);

/* Rows: the classes in plan order, then `rest`, then `undecided`. */
size_t classes_count(const struct classes *);
const char *classes_name(const struct classes *, size_t row);
const struct rplan_class *classes_row(const struct classes *, size_t row); /* NULL: the last two */
uint32_t classes_most_states(const struct classes *); /* numbers stay below it */
/* State -> row; filled in as states are met. */
const size_t *classes_of_states(const struct classes *);

/* Sets the states of packets that enter at MODULE.  One per worker. */
struct entrance;
struct entrance *entrance_open(struct classes *, const char *module);
void entrance_close(struct entrance *);
void entrance_run(struct entrance *, struct rte_mbuf **, unsigned n);
/* Whether all packets get the same state, whatever they are: its lower half. */
bool entrance_is_only(const struct entrance *, uint32_t *state);

/* Follows packets over the edge FROM -> TO.  One per worker.  NULL from crossing_open: all states
 * stay. */
struct crossing;
struct crossing *crossing_open(struct classes *, const char *from, const char *to);
void crossing_close(struct crossing *);
/* LEFT[old] and ENTERED[new] are counters by index: how often a state changed. */
void crossing_run(struct crossing *, struct rte_mbuf **, unsigned n, uint64_t *left,
		  uint64_t *entered);
/* The same for packets that all have STATE; returns the state that they have then. */
uint32_t crossing_run_alike(struct crossing *, struct rte_mbuf **, unsigned n, uint32_t state,
			    uint64_t *left, uint64_t *entered);

#endif
