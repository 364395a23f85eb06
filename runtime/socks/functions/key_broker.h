/* Bridging function `key-broker`: makes the keys of `seal`, rotates them, and serves them to the
 * keyrings of other proxies (keyring.h).  A connection that passes it is only asked whether a key
 *is current; its bytes pass unseen.
 *
 * SETTINGS
 *
 *	keys		directory of the keys (key_files.h); needed
 *	rotate		seconds that a key seals (86400); 0: until `rotate` is told
 *	ahead		seconds that a key is announced before it begins (60), less than rotate
 *	keep		older keys that are kept beside the current one (2), 0 to 32
 *	listen		"ADDRESS:PORT" to serve at, by TLS; then certificate, key, authority and
 *clients unix		path to serve at, to processes of the same user and root clients
 *list of the clients that may have keys: subjects of their certificates, as "CN=north", or "north"
 *for the same
 *
 * COMMANDS
 *
 *	rotate		makes the next key now, to begin after `ahead`; the first begins at once
 *	revoke ID	removes a key
 *
 * A reload with the same directory goes on with the same keys, and where an address is the same,
 * with the same socket; clients that are being served do not notice.  Another directory at the same
 * address needs a restart.
 *
 * One thread serves and rotates.  Keys are written to disk before they are served. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_BROKER_H
#define EPIC_SOCKS_FUNCTIONS_KEY_BROKER_H

#include "runtime/socks/functions/rows.h" /* function_key_broker */

#endif
