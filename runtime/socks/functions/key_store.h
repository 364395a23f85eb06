/* The keys that a broker makes: in a directory (key_files.h), rotated, and revoked when they are
 * old.  Its caller guards it. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_STORE_H
#define EPIC_SOCKS_FUNCTIONS_KEY_STORE_H

#include "runtime/socks/functions/keys.h"

struct key_rules {
	int64_t rotate; /* ms that a key seals; 0: until it is told */
	int64_t ahead;  /* ms that a key is there before it begins, so that all ends have it */
	int64_t keep;   /* older keys than the one that seals */
};

struct key_store {
	char *directory;
	struct key_rules rules;
	struct key_set keys;
	uint64_t made, revoked;
};

/* False: *ERROR says why.  Keys that are there already are taken on. */
bool key_store_open(struct key_store *, const char *directory, const struct key_rules *,
		    struct key_error *);
/* Looks at the directory again, which others may have changed; false: all stays as it was. */
bool key_store_read(struct key_store *, struct key_error *);
void key_store_close(struct key_store *);

/* Makes the next key and revokes old ones where it is time.  False: *ERROR, try again later. */
bool key_store_tick(struct key_store *, int64_t now, struct key_error *);
/* When there is something to do next; INT64_MAX: not by time. */
int64_t key_store_due(const struct key_store *, int64_t now);
/* Makes the next key out of turn; there must be none that waits for its begin. */
bool key_store_rotate(struct key_store *, int64_t now, struct key_error *);
bool key_store_revoke(struct key_store *, uint32_t id, struct key_error *);

#endif
