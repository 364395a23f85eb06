#include <config.h>

#include "compiler/base/intern.h"

#include <stdint.h>
#include <string.h>

struct entry {
	const char *name;
	size_t length;
	unsigned long hash;
};

struct interner {
	struct arena *arena;
	struct entry *slots; /* open addressing, linear probing; at most half full */
	size_t n, n_slots;   /* n_slots is a power of two */
};

unsigned long hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h ^ (h >> 32);
}

static void allot(struct interner *in, size_t n_slots)
{
	in->slots = arena_many(in->arena, struct entry, n_slots);
	in->n_slots = n_slots;
}

static struct entry *find_slot(const struct interner *in, const char *s, size_t length,
			       unsigned long hash)
{
	size_t i = hash & (in->n_slots - 1);

	for (;; i = (i + 1) & (in->n_slots - 1)) {
		struct entry *e = &in->slots[i];

		if (!e->name)
			return e;
		if (e->hash == hash && e->length == length && !memcmp(e->name, s, length))
			return e;
	}
}

static void grow(struct interner *in)
{
	struct entry *old = in->slots;
	size_t n_old = in->n_slots;

	allot(in, n_old * 2);
	for (size_t i = 0; i < n_old; i++)
		if (old[i].name)
			*find_slot(in, old[i].name, old[i].length, old[i].hash) = old[i];
}

struct interner *interner_new(struct arena *a)
{
	struct interner *in = arena_one(a, struct interner);

	in->arena = a;
	allot(in, 1024);
	return in;
}

const char *intern(struct interner *in, const char *s, size_t length)
{
	unsigned long hash = hash_bytes(s, length);
	struct entry *e = find_slot(in, s, length, hash);

	if (e->name)
		return e->name;
	if (2 * (in->n + 1) > in->n_slots) {
		grow(in);
		e = find_slot(in, s, length, hash);
	}
	in->n++;
	*e = (struct entry){ arena_strndup(in->arena, s, length), length, hash };
	return e->name;
}

const char *intern_text(struct interner *in, const char *s)
{
	return intern(in, s, strlen(s));
}
