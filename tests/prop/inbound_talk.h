/* What must hold of runtime/socks/inbound.h for any bytes of a client, random ones or a fuzzer's.
 */
#ifndef EPIC_PROP_INBOUND_TALK_H
#define EPIC_PROP_INBOUND_TALK_H

#include "runtime/socks/inbound.h"

enum { TALK_MOST_REPLY = 256, TALK_MOST_TEXT = 6000 };

/* All that a conversation came to. */
struct talk {
	enum inbound_step step;
	size_t used; /* of INBOUND_REQUEST */
	uint8_t reply[TALK_MOST_REPLY];
	size_t n_reply;
	char text[TALK_MOST_TEXT]; /* the request, or why there is none */
};

/* The bytes arrive in pieces of 1 to LARGEST bytes, SEED deciding; LARGEST 0: all at once.  Each
 * piece lies in memory of its own that is gone when the next one comes.  NULL, or what does not
 * hold. */
const char *talk_run(const struct inbound_settings *, const uint8_t *, size_t n, uint64_t seed,
		     size_t largest, struct talk *);
/* Both came to the same.  With sessions replies are random but for their lengths. */
const char *talk_differs(const struct inbound_settings *, const struct talk *, const struct talk *);

/* What must hold of proxy_header_read for any bytes, and NULL. */
const char *proxy_header_wrong(const uint8_t *, size_t n);

#endif
