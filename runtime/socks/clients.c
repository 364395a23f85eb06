#include <config.h>

#include "runtime/socks/clients.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, FIRST_ROOM = 64 };

struct client {
	uint8_t key[9]; /* kind, then the address, or the first half of it */
	uint32_t n;     /* 0: free */
};

/* Open addressing with linear probing; freed rows are closed up. */
struct shard {
	pthread_mutex_t lock;
	struct client *rows;
	size_t room, used;
};

struct clients {
	size_t most_each, most;
	atomic_size_t all;
	struct shard shards[SHARDS];
};

struct clients *clients_open(size_t most_each, size_t most)
{
	struct clients *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->most_each = most_each;
	c->most = most;
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_init(&c->shards[i].lock, NULL);
	return c;
}

void clients_close(struct clients *c)
{
	if (!c)
		return;
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&c->shards[i].lock);
		free(c->shards[i].rows);
	}
	free(c);
}

static uint64_t key_make(const struct wire_address *a, uint8_t key[9])
{
	uint64_t hash = 0xcbf29ce484222325;

	memset(key, 0, 9);
	key[0] = a->kind;
	memcpy(key + 1, a->ip, a->kind == WIRE_IPV4 ? 4 : 8);
	for (int i = 0; i < 9; i++)
		hash = (hash ^ key[i]) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static struct client *row_find(struct shard *s, const uint8_t key[9], uint64_t hash)
{
	size_t i = (hash / SHARDS) & (s->room - 1);

	while (s->rows[i].n && memcmp(s->rows[i].key, key, 9))
		i = (i + 1) & (s->room - 1);
	return &s->rows[i];
}

static uint64_t row_hash(const struct client *row)
{
	struct wire_address a = { .kind = row->key[0] };
	uint8_t key[9];

	memcpy(a.ip, row->key + 1, 8);
	return key_make(&a, key);
}

static bool shard_grow(struct shard *s)
{
	struct shard bigger = { .room = s->room ? s->room * 2 : FIRST_ROOM };

	bigger.rows = calloc(bigger.room, sizeof(*bigger.rows));
	if (!bigger.rows)
		return false;
	for (size_t i = 0; i < s->room; i++)
		if (s->rows[i].n)
			*row_find(&bigger, s->rows[i].key, row_hash(&s->rows[i])) = s->rows[i];
	free(s->rows);
	s->rows = bigger.rows;
	s->room = bigger.room;
	return true;
}

static bool shard_enter(struct clients *c, struct shard *s, const uint8_t key[9], uint64_t hash)
{
	struct client *row;

	if ((!s->room || s->used * 4 >= s->room * 3) && !shard_grow(s))
		return false;
	row = row_find(s, key, hash);
	if (c->most_each && row->n >= c->most_each)
		return false;
	if (!row->n) {
		memcpy(row->key, key, 9);
		s->used++;
	}
	row->n++;
	return true;
}

/* Rows behind a freed one move up, unless they are where they belong already. */
static void shard_close_up(struct shard *s, size_t hole)
{
	size_t mask = s->room - 1;

	s->used--;
	for (size_t i = (hole + 1) & mask; s->rows[i].n; i = (i + 1) & mask) {
		size_t home = (row_hash(&s->rows[i]) / SHARDS) & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			s->rows[hole] = s->rows[i];
			s->rows[i].n = 0;
			hole = i;
		}
	}
}

bool clients_enter(struct clients *c, const struct wire_address *a)
{
	uint8_t key[9];
	uint64_t hash = key_make(a, key);
	struct shard *s = &c->shards[hash % SHARDS];
	bool good = atomic_fetch_add(&c->all, 1) < c->most || !c->most;

	if (good) {
		pthread_mutex_lock(&s->lock);
		good = shard_enter(c, s, key, hash);
		pthread_mutex_unlock(&s->lock);
	}
	if (!good)
		atomic_fetch_sub(&c->all, 1);
	return good;
}

void clients_leave(struct clients *c, const struct wire_address *a)
{
	uint8_t key[9];
	uint64_t hash = key_make(a, key);
	struct shard *s = &c->shards[hash % SHARDS];
	struct client *row;

	pthread_mutex_lock(&s->lock);
	row = row_find(s, key, hash);
	if (!--row->n)
		shard_close_up(s, (size_t)(row - s->rows));
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_sub(&c->all, 1);
}

size_t clients_count(struct clients *c)
{
	return atomic_load(&c->all);
}
