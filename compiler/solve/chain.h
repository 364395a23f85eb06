/* Legal orders of the functions of a bridge (doc/language.md 5.2, "Chain").
 *
 * Since it is known which functions run on the source's side and which on the
 * destination's, every rule is a precedence between two hops, and nesting of
 * halves mirrors the precedences of one side on the other. */
#ifndef EPIC_SOLVE_CHAIN_H
#define EPIC_SOLVE_CHAIN_H

#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"

enum { NO_MATE = -1 };

struct chain_item {
	struct hop hop;
	int mate; /* place of its other half in the chain, or NO_MATE */
};

struct chain {
	struct chain_item *items;
	size_t n;
	/* scratch, of room for `cap` items */
	size_t cap;
	struct chain_item *unordered;
	bool *must; /* must[i * n + j]: i precedes j */
	bool *placed;
	int *place;
};

/* Makes room for N items. */
void chain_reserve(struct arena *, struct chain *, size_t n);

/* Whether functions on a chain constrain each other by `before` and `after`:
 * A precedes B. */
bool chain_function_precedes(const struct ir *, uint32_t a, uint32_t b);
/* The two kinds of reading that a function hidden from may not do. */
bool chain_function_blinded(const struct ir *, uint32_t opaque, uint32_t reader);

/* Brings the items into chain order, from the front each time the smallest
 * (proxy, function) that nothing still missing must precede.  False if no order
 * is legal; the items are then in no particular order. */
bool chain_order(const struct ir *, struct chain *);

/* Whether the payload is hidden at item I of an ordered chain: strictly between
 * a function with `opaque payload` and its pair. */
bool chain_is_hidden(const struct ir *, const struct chain *, size_t i);

#endif
