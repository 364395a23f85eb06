/* The messages between a keyring and a key broker, see keyring.h: pure functions of bytes. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_LINES_H
#define EPIC_SOCKS_FUNCTIONS_KEY_LINES_H

#include "runtime/socks/functions/keys.h"

#define KEY_REQUEST "epic-keys 1 get\n"

enum {
	KEY_LINE_MOST = 160,
	KEY_ANSWER_ROOM = (KEYS_MOST + 2) * KEY_LINE_MOST,
	KEY_REFRESH_LEAST = 100,
	KEY_REFRESH_MOST = 3600 * 1000
};

enum key_answer { KEY_ANSWER_MORE, KEY_ANSWER_DONE, KEY_ANSWER_BAD };

/* Returns the length; wipe OUT afterwards. */
size_t key_answer_write(const struct key_set *, int64_t refresh, char out[KEY_ANSWER_ROOM]);
size_t key_refusal_write(const char *why, char out[KEY_ANSWER_ROOM]);

/* N bytes as they came so far.  KEY_ANSWER_BAD: *SET is empty and *ERROR says why, which a refusal
 * is, too. */
enum key_answer key_answer_read(const char *, size_t n, struct key_set *, int64_t *refresh,
				struct key_error *);
/* Of a broker's client: KEY_ANSWER_DONE is the request. */
enum key_answer key_request_read(const char *, size_t n);

#endif
