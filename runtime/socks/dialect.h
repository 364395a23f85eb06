/* Which protocol a client speaks, by its first bytes. */
#ifndef EPIC_SOCKS_DIALECT_H
#define EPIC_SOCKS_DIALECT_H

#include "runtime/socks/wire.h"

enum dialect {
	DIALECT_UNKNOWN, /* answer with a version mismatch reply */
	DIALECT_SOCKS4,  /* not spoken here; likewise */
	DIALECT_SOCKS5,
	DIALECT_SOCKS6,
	DIALECT_EPI,
	DIALECT_TLS
};

/* Never WIRE_BAD; uses no bytes.  A SOCKS6 request with 256 bytes of options or more may be taken
 * for the dialect `epi` only if its layout is impossible otherwise; an `epi` request for an address
 * whose fourth or last byte is 0 before a 1, 3 or 4 is taken for the draft's: a listener that knows
 * its clients says so in its configuration. */
enum wire_state dialect_read(const uint8_t *, size_t n, enum dialect *, size_t *used);
const char *dialect_name(enum dialect);

#endif
