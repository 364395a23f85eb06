/* Sessions of SOCKS6 (draft section "Session options") as inbound uses them; inbound.h has the
 * rest. */
#ifndef EPIC_SOCKS_SESSIONS_H
#define EPIC_SOCKS_SESSIONS_H

#include "runtime/socks/inbound.h"

enum { SESSION_ID = 16 };

/* What the session says to one request. */
struct session_grant {
	uint8_t id[SESSION_ID];
	char user[UINT8_MAX + 1];          /* who began it */
	uint32_t window_base, window_size; /* of tokens; size 0: there is no window */
	bool rejected;                     /* the token that was to be spent */
};

/* SESSION_ID random bytes, drawn when the users were read; of NULL: zeros. */
const uint8_t *users_realm(const struct users *);

/* Begins one, and issues a window if TOKENS are wanted.  False: it cannot be had. */
bool sessions_begin(struct sessions *, const struct users *, const char *user, uint32_t tokens,
		    struct session_grant *);
/* One more request within session ID, which spends *TOKEN unless that is NULL.  False: there is no
 * such session, or it began among other users: "The credentials, or lack thereof, used to initiate
 * the session are tied to the session", and they are worth nothing elsewhere, or after a reload. */
bool sessions_enter(struct sessions *, const struct users *, struct wire_span id, uint32_t tokens,
		    const uint32_t *token, struct session_grant *);
void sessions_forget(struct sessions *, struct wire_span id); /* if there is one */

#endif
