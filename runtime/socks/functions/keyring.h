/* The shared keys that `seal` and `unseal` use: from a directory, or from a `key-broker`.
 *
 * SETTINGS, one of
 *
 *	{"keys": "DIR"}		a directory, see key_files.h.  It is looked at each second, and read
 *				when it was changed: put keys there by renaming.  What then is wrong
 *				is logged, and the keys stay as they were
 *	{"broker": "unix:PATH"}	a broker on this machine, of the same user or root
 *	{"broker": "ADDRESS:PORT", "certificate": FILE, "key": FILE, "authority": FILE,
 *	 "broker-name": NAME}	a broker by mutual TLS; its certificate is to be good for NAME, or
 *				else for ADDRESS
 *
 * Of the keys that have begun the newest seals; every key that is there unseals.  A key of a
 * broker stays in memory alone, and as long as the broker has it or cannot be asked.
 *
 * A keyring has a thread that reads, asks, and wakes who waits for a key; nobody else waits for
 * files or the broker.  Keys are wiped when they go, and are in no text that this module makes.
 *
 * PROTOCOL of the broker, lines that end in LF.  The client says
 *
 *	epic-keys 1 get
 *
 * and the broker, which then ends the connection, either of
 *
 *	epic-keys 1 ok N REFRESH	N keys, 0 to 64; ask again after REFRESH ms at most
 *	key ID FROM HEX			N times: number, when it begins (ms since 1970), 64 digits
 *	end
 *
 *	epic-keys 1 error TEXT		printable ASCII, at most 120 characters
 *
 * Over TCP this is under TLS, and both sides show certificates of the authority; over a Unix socket
 * both look at the other's user.  Neither takes more than its own limits, waits longer than some
 * seconds, or goes on after a line that is not of this form. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEYRING_H
#define EPIC_SOCKS_FUNCTIONS_KEYRING_H

#include "runtime/socks/function.h"
#include "runtime/socks/functions/keys.h"

struct keyring; /* counted, shared by threads */

/* The members of settings that are the keyring's, ended by NULL. */
#define KEYRING_SETTINGS "keys", "broker", "broker-name", "certificate", "key", "authority"

/* NULL: *ERROR says why.  WAS may be another keyring, or NULL: it is held instead if it was made
 * with the same settings and no certificate.  FUNCTION is for the log.  A directory must have a key
 * at once; a broker may come later. */
struct keyring *keyring_open(const struct function_site *, const char *function,
			     const struct tree_node *settings, struct keyring *was,
			     struct function_error *);
struct keyring *keyring_hold(struct keyring *);
void keyring_drop(struct keyring *); /* NULL is fine; the last one ends the thread */

/* The number of the key that seals now, without a lock; -1: none. */
int64_t keyring_sealing(const struct keyring *);
/* Copies of the caller's, to be wiped.  False: there is none. */
bool keyring_current(struct keyring *, struct shared_key *);
bool keyring_find(struct keyring *, uint32_t id, struct shared_key *);

/* ---- waiting ---- */

/* Zero it to begin; its owner keeps it until keyring_wait_end. */
struct keyring_wait {
	struct keyring_wait *next, **link;
	struct function_wake *wake;
	int64_t due; /* ms, monotonic */
};

/* Looks for keys at once and often, and wakes WAKE each time that keys came, and after MS at the
 * latest.  One that waits is set anew.  WAKE NULL: it only looks. */
void keyring_wait(struct keyring *, struct keyring_wait *, struct function_wake *, uint32_t ms);
void keyring_wait_end(struct keyring *, struct keyring_wait *); /* afterwards nothing is woken */

/* Members for `status`: "key", "keys", "next-key", "problem". */
void keyring_status(struct keyring *, struct text *);

#endif
