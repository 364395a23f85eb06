/* A talk with a next proxy whose answers arrive in pieces, for random answers and for a fuzzer's.
 */
#ifndef EPIC_PROP_UPSTREAM_TALK_H
#define EPIC_PROP_UPSTREAM_TALK_H

#include "runtime/socks/upstream.h"

/* Wishes to choose from: versions, dialects, with and without a user, CONNECT and BIND. */
enum { N_TALKS = 8 };
struct upstream_wish talk_wish(size_t);

/* All that the caller gets to know. */
struct talk {
	enum upstream_step step;
	enum outcome outcome;
	bool early;
	struct wire_address bound;
	char why[96];
	size_t used; /* of the answers */
	struct bytes said;
};

/* How many of N bytes come next, 1 to N. */
typedef size_t talk_cut(void *arg, size_t n);
size_t talk_whole(void *arg, size_t n);
size_t talk_bytewise(void *arg, size_t n);

/* The answers come, then the end; each look at them is at memory of its own size.  False: memory
 * ran out.  SAID is the caller's to free. */
bool talk_hold(const struct upstream_wish *, const uint8_t *answers, size_t n, talk_cut *,
	       void *arg, struct talk *);
/* NULL, or what does not hold of one talk, or of two with the same answers. */
const char *talk_sane(const struct upstream_wish *, const struct talk *, size_t n);
const char *talk_same(const struct talk *, const struct talk *);

#endif
