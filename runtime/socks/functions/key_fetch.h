/* Asks a key broker for its keys: blocks for some seconds at most; the protocol is in keyring.h. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_FETCH_H
#define EPIC_SOCKS_FUNCTIONS_KEY_FETCH_H

#include <sys/socket.h>

#include "runtime/socks/functions/keys.h"

struct tls_side;

enum { KEY_FETCH_PATIENCE = 5000 /* ms, for all of it */ };

struct key_broker_at {
	struct sockaddr_storage address;
	socklen_t size;
	struct tls_side *tls; /* NULL: a Unix socket */
	const char *name;     /* that the certificate must be good for */
};

/* False: *ERROR says why.  Ends early once STOP, a descriptor, can be read. */
bool key_fetch(const struct key_broker_at *, int stop, struct key_set *, int64_t *refresh,
	       struct key_error *);
/* Whether the other end of a Unix socket is of this process's user, or root. */
bool key_peer_is_own(int fd);

#endif
