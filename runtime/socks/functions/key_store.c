#include <config.h>

#include "runtime/socks/functions/key_store.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/key_files.h"

bool key_store_open(struct key_store *s, const char *directory, const struct key_rules *rules,
		    struct key_error *error)
{
	*s = (struct key_store){ .directory = strdup(directory), .rules = *rules };
	if (!s->directory)
		snprintf(error->text, sizeof(error->text), "memory is exhausted");
	else if (key_files_read(directory, &s->keys, error))
		return true;
	key_store_close(s);
	return false;
}

bool key_store_read(struct key_store *s, struct key_error *error)
{
	struct key_set fresh;
	bool ok = key_files_read(s->directory, &fresh, error);

	if (ok) {
		key_set_wipe(&s->keys);
		s->keys = fresh;
	}
	key_set_wipe(&fresh);
	return ok;
}

void key_store_close(struct key_store *s)
{
	key_set_wipe(&s->keys);
	free(s->directory);
	s->directory = NULL;
}

/* A number that no key has had, as far as can be seen. */
static bool next_id(const struct key_set *keys, uint32_t *id, struct key_error *error)
{
	*id = 0;
	for (size_t i = 0; i < keys->n; i++)
		if (keys->keys[i].id > *id)
			*id = keys->keys[i].id;
	if (++*id)
		return true;
	snprintf(error->text, sizeof(error->text), "all numbers of keys were given");
	return false;
}

static bool make_key(struct key_store *s, int64_t from, struct key_error *error)
{
	struct shared_key key = { .from = from };
	bool ok = next_id(&s->keys, &key.id, error);

	if (ok && RAND_priv_bytes(key.bytes, KEY_BYTES) != 1) {
		snprintf(error->text, sizeof(error->text), "OpenSSL has no random bytes");
		ok = false;
	}
	ok = ok && key_set_add(&s->keys, &key, error);
	if (ok && !key_files_write(s->directory, &key, error)) {
		key_set_remove(&s->keys, key.id);
		ok = false;
	}
	s->made += ok;
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}

/* When the next key is to be made; INT64_MAX: not by time, or it is there. */
static int64_t next_made(const struct key_store *s, int64_t now)
{
	const struct shared_key *newest = s->keys.n ? &s->keys.keys[s->keys.n - 1] : NULL;

	if (!s->rules.rotate || (newest && newest->from > now))
		return INT64_MAX;
	return newest ? newest->from + s->rules.rotate - s->rules.ahead : now;
}

/* How many there are before the one that seals, beyond those that are kept. */
static size_t n_spent(const struct key_store *s, int64_t now)
{
	const struct shared_key *current = key_set_current(&s->keys, now);
	size_t older = current ? (size_t)(current - s->keys.keys) : 0;

	return older > (size_t)s->rules.keep ? older - (size_t)s->rules.keep : 0;
}

static bool revoke_spent(struct key_store *s, int64_t now, struct key_error *error)
{
	for (size_t n = n_spent(s, now); n; n--)
		if (!key_store_revoke(s, s->keys.keys[0].id, error))
			return false;
	return true;
}

bool key_store_tick(struct key_store *s, int64_t now, struct key_error *error)
{
	int64_t from = now;

	if (next_made(s, now) <= now) {
		if (s->keys.n) {
			const struct shared_key *newest = &s->keys.keys[s->keys.n - 1];

			from = newest->from + s->rules.rotate;
			if (from < now + s->rules.ahead)
				from = now + s->rules.ahead;
		}
		if (!make_key(s, from, error))
			return false;
	}
	return revoke_spent(s, now, error);
}

int64_t key_store_due(const struct key_store *s, int64_t now)
{
	const struct shared_key *next = key_set_next(&s->keys, now);
	int64_t made = next_made(s, now);

	return next && next->from < made ? next->from : made;
}

bool key_store_rotate(struct key_store *s, int64_t now, struct key_error *error)
{
	const struct shared_key *next = key_set_next(&s->keys, now);
	char when[KEY_TIME_ROOM];

	if (!next)
		return make_key(s, s->keys.n ? now + s->rules.ahead : now, error) &&
		       revoke_spent(s, now, error);
	key_time_write(next->from, when);
	snprintf(error->text, sizeof(error->text), "key %u waits already, to begin at %s", next->id,
		 when);
	return false;
}

bool key_store_revoke(struct key_store *s, uint32_t id, struct key_error *error)
{
	if (!key_set_find(&s->keys, id)) {
		snprintf(error->text, sizeof(error->text), "there is no key %u", id);
		return false;
	}
	if (!key_files_remove(s->directory, id, error))
		return false;
	key_set_remove(&s->keys, id);
	s->revoked++;
	return true;
}
