/* Sentences and lists of names for people. */
#ifndef EPIC_SOLVE_WORDS_H
#define EPIC_SOLVE_WORDS_H

#include "compiler/ir/ir.h"
#include "compiler/ir/solution.h"

/* "a", "a and b", "a, b and c": attributes by the last component of their names,
 * in quotes if QUOTED is a character. */
const char *words_attrs(struct arena *, const struct ir *, struct ids attrs, char quoted);

/* Why the flow got its verdict, in one sentence. */
const char *words_reason(struct arena *, const struct ir *, const struct ir_flow *,
			 const struct verdict *);

/* "setup 40ms": in the largest unit that leaves a whole number. */
const char *words_time(struct arena *, struct rat ns);

/* "ip.proto tcp, l4.dport 80"; "any packet" if it says nothing. */
const char *words_packet(struct arena *, const struct packet *);

#endif
