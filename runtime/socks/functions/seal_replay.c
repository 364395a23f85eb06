#include <config.h>

#include "runtime/socks/functions/seal_replay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/keys.h"

enum { FIRST_ROOM = 256 };

struct salt {
	uint8_t bytes[SEAL_REPLAY_SALT];
	int64_t until; /* when its time has passed, and so the salt may be forgotten; 0: free */
};

/* An open-addressed table that is swept when it is full: salts come from who holds the key, so that
 * their own bytes are their hash. */
struct seal_replay {
	atomic_uint holders;
	pthread_mutex_t lock;
	int64_t since; /* what is older may have been taken by a process before this one */
	struct salt *salts;
	size_t n, room;
};

struct seal_replay *seal_replay_open(void)
{
	struct seal_replay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	atomic_init(&r->holders, 1);
	pthread_mutex_init(&r->lock, NULL);
	r->since = key_now();
	return r;
}

struct seal_replay *seal_replay_hold(struct seal_replay *r)
{
	atomic_fetch_add(&r->holders, 1);
	return r;
}

void seal_replay_drop(struct seal_replay *r)
{
	if (!r || atomic_fetch_sub(&r->holders, 1) != 1)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r->salts);
	free(r);
}

/* Where SALT is or would be. */
static struct salt *place(struct salt *salts, size_t room, const uint8_t *salt)
{
	uint64_t hash;

	memcpy(&hash, salt, sizeof(hash));
	for (size_t i = hash & (room - 1);; i = (i + 1) & (room - 1))
		if (!salts[i].until || !memcmp(salts[i].bytes, salt, SEAL_REPLAY_SALT))
			return &salts[i];
}

/* Into a table of twice the room that what is still needed takes. */
static bool sweep(struct seal_replay *r, int64_t now)
{
	size_t n = 0, room = FIRST_ROOM;
	struct salt *salts;

	for (size_t i = 0; i < r->room; i++)
		n += r->salts[i].until >= now;
	if (n >= SEAL_REPLAY_MOST)
		return false;
	while (room < 4 * n)
		room *= 2;
	salts = calloc(room, sizeof(*salts));
	if (!salts)
		return false;
	for (size_t i = 0; i < r->room; i++)
		if (r->salts[i].until >= now)
			*place(salts, room, r->salts[i].bytes) = r->salts[i];
	free(r->salts);
	r->salts = salts;
	r->room = room;
	r->n = n;
	return true;
}

static const char *remember(struct seal_replay *r, const uint8_t *salt, int64_t now, int64_t until)
{
	struct salt *found;

	if (2 * r->n >= r->room && !sweep(r, now))
		return "too many sealed connections came at once to know which are recordings";
	found = place(r->salts, r->room, salt);
	if (found->until)
		return "the sealed stream is a recording: it was here before";
	memcpy(found->bytes, salt, SEAL_REPLAY_SALT);
	found->until = until;
	r->n++;
	return NULL;
}

const char *seal_replay_take(struct seal_replay *r, const uint8_t salt[SEAL_REPLAY_SALT],
			     int64_t time, int64_t now, int64_t skew)
{
	const char *why;

	if (time < 0 || time < now - skew || time > now + skew)
		return "the sealed stream is a recording, or the clocks differ too much";
	if (time < r->since)
		return "the sealed stream is older than this function, and may be a recording";
	pthread_mutex_lock(&r->lock);
	why = remember(r, salt, now, time + skew);
	pthread_mutex_unlock(&r->lock);
	return why;
}
