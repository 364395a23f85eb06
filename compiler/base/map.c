#include <config.h>

#include "compiler/base/map.h"

#include <assert.h>
#include <stdint.h>

void map_init(struct map *m, struct arena *a)
{
	*m = (struct map){ .arena = a };
}

static size_t slot_of(const struct map *m, const void *key)
{
	uint64_t h = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
	size_t i = (h >> 32) & (m->n_slots - 1);

	while (m->keys[i] && m->keys[i] != key)
		i = (i + 1) & (m->n_slots - 1);
	return i;
}

void *map_get(const struct map *m, const void *key)
{
	return m->n_slots ? m->values[slot_of(m, key)] : NULL;
}

static void map_grow(struct map *m)
{
	struct map wider = { .arena = m->arena, .n_slots = m->n_slots ? 2 * m->n_slots : 8 };

	wider.keys = arena_many(m->arena, const void *, wider.n_slots);
	wider.values = arena_many(m->arena, void *, wider.n_slots);
	for (size_t i = 0; i < m->n_slots; i++)
		if (m->keys[i])
			map_put(&wider, m->keys[i], m->values[i]);
	*m = wider;
}

void map_put(struct map *m, const void *key, void *value)
{
	size_t i;

	assert(key && value);
	if (2 * (m->n + 1) > m->n_slots)
		map_grow(m);
	i = slot_of(m, key);
	if (!m->keys[i])
		m->n++;
	m->keys[i] = key;
	m->values[i] = value;
}
