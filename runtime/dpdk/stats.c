#include <config.h>

#include "runtime/dpdk/stats.h"

#include <math.h>
#include <stdlib.h>

/* The first 16 buckets hold one number each; then every power of two has 16 of equal width. */
enum { STEP_BITS = 4, STEPS = 1 << STEP_BITS };

unsigned latency_bucket(uint64_t cycles)
{
	unsigned power, bucket;

	if (cycles < STEPS)
		return (unsigned)cycles;
	power = 63 - (unsigned)__builtin_clzll(cycles);
	bucket = (power - STEP_BITS + 1) * STEPS + ((cycles >> (power - STEP_BITS)) & (STEPS - 1));
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

uint64_t latency_begin(unsigned bucket)
{
	if (bucket < STEPS)
		return bucket;
	return (uint64_t)(STEPS + bucket % STEPS) << (bucket / STEPS - 1);
}

void latency_add(struct latency *l, uint64_t cycles)
{
	l->bucket[latency_bucket(cycles)]++;
}

void latency_sum(struct latency *to, const struct latency *l)
{
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		to->bucket[i] += l->bucket[i];
}

void latency_minus(struct latency *from, const struct latency *earlier)
{
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		from->bucket[i] -=
		    earlier->bucket[i] < from->bucket[i] ? earlier->bucket[i] : from->bucket[i];
}

uint64_t latency_count(const struct latency *l)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		n += l->bucket[i];
	return n;
}

double latency_at(const struct latency *l, double share)
{
	double rank = ceil(share * (double)latency_count(l));
	uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank, seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += l->bucket[i];
		if (seen >= wanted)
			return ((double)latency_begin(i) + (double)latency_begin(i + 1) - 1) / 2;
	}
	return 0;
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	free(s->workers);
	free(s->tasks);
	free(s->modules);
	free(s->classes);
	free(s->devices);
	free(s->texts);
	free(s);
}
