/* Shared keys of `seal`: 256 bits each, told apart by a number, with the time when each begins to
 * seal.  Times are milliseconds since 1970, of the wall clock.
 *
 * A set owns its keys' bytes; key_set_wipe ends it, and whoever copies a key wipes the copy. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEYS_H
#define EPIC_SOCKS_FUNCTIONS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KEY_BYTES = 32,
	KEYS_MOST = 64,
	KEY_HEX_ROOM = 2 * KEY_BYTES + 1,
	KEY_TIME_ROOM = sizeof("292278994-08-17T07:12:55.807Z")
};

struct shared_key {
	uint32_t id;
	int64_t from; /* seals from then on; 0: always */
	uint8_t bytes[KEY_BYTES];
};

/* The earliest first; of two that begin at once, the lower number. */
struct key_set {
	size_t n;
	struct shared_key keys[KEYS_MOST];
};

struct key_error {
	char text[256];
};

int64_t key_now(void);

/* False: the number is taken, or there are KEYS_MOST; *ERROR says so. */
bool key_set_add(struct key_set *, const struct shared_key *, struct key_error *);
void key_set_remove(struct key_set *, uint32_t id);
const struct shared_key *key_set_find(const struct key_set *, uint32_t id);
/* The newest that has begun, which seals; NULL: none has. */
const struct shared_key *key_set_current(const struct key_set *, int64_t now);
/* The first that has not begun; NULL: none waits. */
const struct shared_key *key_set_next(const struct key_set *, int64_t now);
bool key_set_same(const struct key_set *, const struct key_set *);
void key_set_wipe(struct key_set *);

/* ---- as text ---- */

/* Decimal, without sign and leading zeros. */
bool key_id_read(const char *, size_t n, uint32_t *id);
bool key_number_read(const char *, size_t n, int64_t most, int64_t *value);
/* 64 hexadecimal digits of either case; how long it takes does not depend on them. */
bool key_hex_read(const char *, size_t n, uint8_t bytes[KEY_BYTES]);
void key_hex_write(const uint8_t bytes[KEY_BYTES], char out[KEY_HEX_ROOM]);
/* `2026-11-21T12:00:00Z`, or with milliseconds, `2026-11-21T12:00:00.250Z` (RFC 3339, UTC only). */
bool key_time_read(const char *, size_t n, int64_t *ms);
void key_time_write(int64_t ms, char out[KEY_TIME_ROOM]);

#endif
