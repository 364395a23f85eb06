/* What the proxy counts since its start, by all threads. */
#ifndef EPIC_SOCKS_COUNTERS_H
#define EPIC_SOCKS_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

enum counter {
#define COUNTER(name, help) COUNT_##name,
#include "runtime/socks/counters.def"
#undef COUNTER
	N_COUNTERS
};

struct counters {
	atomic_uint_least64_t at[N_COUNTERS];
};

extern const char *const counter_names[N_COUNTERS], *const counter_helps[N_COUNTERS];

static inline void counters_add(struct counters *c, enum counter which, uint64_t n)
{
	atomic_fetch_add_explicit(&c->at[which], n, memory_order_relaxed);
}

static inline uint64_t counters_get(const struct counters *c, enum counter which)
{
	return atomic_load_explicit(&c->at[which], memory_order_relaxed);
}

#endif
