/* Prefixes of addresses: `10.2.0.0/16`, `2001:db8::/32`, or an address alone. */
#ifndef EPIC_SOCKS_PREFIX_H
#define EPIC_SOCKS_PREFIX_H

#include "runtime/socks/wire.h"

struct prefix {
	uint8_t kind;   /* WIRE_IPV4 or WIRE_IPV6 */
	uint8_t ip[16]; /* network order; bits behind the first `bits` are zero */
	unsigned bits;
};

/* False: it is none, or an address with bits behind the prefix. */
bool prefix_parse(const char *text, struct prefix *);
/* A name is in no prefix. */
bool prefix_holds(const struct prefix *, const struct wire_address *);
/* Whether the first holds all of the second. */
bool prefix_covers(const struct prefix *, const struct prefix *);

#endif
