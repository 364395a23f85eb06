/* A crossing: one movement that needs a bridge, and the units it may be built from.
 *
 * A *unit* is what is chosen: one hosted function; with `side both` its two
 * instances; with a `pair` the function and its half.  A *cover* is a set of units
 * that together provide what is missing and from which none can be left out.
 * Flows with equal questions share one crossing. */
#ifndef EPIC_SOLVE_CROSSING_H
#define EPIC_SOLVE_CROSSING_H

#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"
#include "compiler/solve/chain.h"

enum {
	UNIT_HOPS = 4,
	CROSSING_ROWS = 128, /* missing attributes and required ones that can be told apart */
};

/* Why a cover, or a candidate, falls away. */
enum {
	FAULT_ORDER = 1,
	FAULT_CAPACITY = 2,
	FAULT_LABEL = 4,
	FAULT_PAIR = 8,
};

/* Which bits of a crossing's rows. */
typedef epic_u128 rowset;

/* Costs are whole numbers: scaled by a common denominator. */
typedef __int128 price;

/* What is worked out once for a graph. */
struct hosting {
	struct ids *proxies; /* per function: the proxies that host it */
	uint32_t *slot;      /* per node: number among all proxies, or ID_NONE */
	uint32_t *rank;      /* per node: place of "NAME/" among those of all nodes */
	bool *loose;         /* per function: no rule of order speaks of it */
	size_t n_slots;
};
struct hosting *hosting_new(struct arena *, const struct ir *);

/* The question.  Equal questions have equal answers. */
struct question {
	uint32_t from_domain, to_domain;
	struct ids missing;
	struct ids from_lacks, to_lacks; /* what they lack of `requires` */
	struct ids requires;             /* empty without a label */
	enum ir_objective objective;
	struct rat packet; /* bytes */
	struct rat rate;   /* packets per second; 0: capacity plays no part */
	/* per slot the cycles per second that are left; NULL: no limits */
	const struct rat *room;
};

struct unit {
	struct hop hops[UNIT_HOPS];
	int mates[UNIT_HOPS]; /* index into hops, or NO_MATE */
	size_t n_hops;
	rowset covers;   /* of the rows */
	rowset supplies; /* of the required attributes */
	price cost;
};

struct crossing {
	const struct ir *ir;
	const struct hosting *hosting;
	struct arena *arena;
	struct question q;
	struct ids rows; /* the missing attributes that no other missing one implies */
	rowset all_rows;
	struct ids wanted; /* required attributes that someone may lack */
	rowset to_lacks, from_lacks;
	bool too_large;   /* more rows than fit; there are no units then */
	bool names_agree; /* both orders of proxies (names, "proxy/function" texts) are one */
	rowset *supplies; /* per function */
	rowset *lacks;    /* per slot */
	price *costs;     /* per function, by the objective */
	price *works;     /* per function: cycles per packet */
	price *rooms;     /* per slot: works that fit, or ROOM_UNLIMITED */
	struct unit *units;
	size_t n_units;
	struct ids broken;  /* functions that provide something missing, but lack their half */
	struct chain chain; /* of the cover looked at last */
	/* where the label failed for the cover looked at last */
	uint32_t label_node;
	rowset label_lacks; /* of `wanted` */
};

#define ROOM_UNLIMITED ((price)-1)

/* Values of label_node beside the proxies: the ends of the flow, which a crossing
 * does not know. */
#define LABEL_FROM (ID_NONE - 1)
#define LABEL_TO (ID_NONE - 2)

/* With THIN, units that can never be needed in a best bridge are left out. */
struct crossing *crossing_new(struct arena *, const struct ir *, const struct hosting *,
			      const struct question *, bool thin);

/* Whether order and capacity leave hope for covers that contain these units. */
bool crossing_hopeful(struct crossing *, const uint32_t *units, size_t n);

/* Order, capacity and label of a cover, in this order: 0 or the first fault.
 * Leaves the ordered chain in `chain` if order was no fault. */
unsigned crossing_check(struct crossing *, const uint32_t *units, size_t n);

/* The attributes of `wanted` that a set of them stands for. */
struct ids crossing_attrs(struct arena *, const struct crossing *, rowset wanted);

/* Compares hops as "proxy/function" texts. */
int crossing_hop_cmp(const struct hosting *, const struct hop *, const struct hop *);
/* Compares chains as lists of such texts; then source's side before destination's. */
int crossing_chain_cmp(const struct hosting *, const struct hop *, size_t n, const struct hop *,
		       size_t m);

/* Whether SIDE lets a function run on the source's (or destination's) side. */
bool side_allows(enum ir_side, bool source_side);
/* Cycles per packet of the given size. */
struct rat function_cycles(const struct ir_function *, struct rat packet);

#endif
