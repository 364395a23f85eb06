#include <config.h>

#include "runtime/socks/functions/pace.h"

#include <time.h>

enum { NS = 1000000000 };

uint64_t pace_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static uint64_t cost(const struct pace_rate *r, uint64_t n)
{
	return n * NS / r->per_second;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

bool pace_take(struct pace *p, const struct pace_rate *r, uint64_t now, uint64_t n)
{
	uint64_t due = atomic_load_explicit(&p->due, memory_order_relaxed), next;

	do {
		next = later(due, now) + cost(r, n);
		if (next - now > cost(r, r->burst))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&p->due, &due, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

uint64_t pace_book(struct pace *p, const struct pace_rate *r, uint64_t now, uint64_t n)
{
	uint64_t due = atomic_load_explicit(&p->due, memory_order_relaxed), next;

	do
		next = later(due, now) + cost(r, n);
	while (!atomic_compare_exchange_weak_explicit(&p->due, &due, next, memory_order_relaxed,
						      memory_order_relaxed));
	return next - now > cost(r, r->burst) ? next - cost(r, r->burst) : now;
}

void pace_return(struct pace *p, const struct pace_rate *r, uint64_t n)
{
	atomic_fetch_sub_explicit(&p->due, cost(r, n), memory_order_relaxed);
}
