#include <config.h>

#include "compiler/base/ids.h"

#include <stdlib.h>
#include <string.h>

static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

struct ids ids_from(struct arena *a, const uint32_t *at, size_t n)
{
	uint32_t *copy = arena_many(a, uint32_t, n);
	size_t kept = 0;

	if (n)
		memcpy(copy, at, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_number);
	for (size_t i = 0; i < n; i++)
		if (!kept || copy[kept - 1] != copy[i])
			copy[kept++] = copy[i];
	return (struct ids){ copy, kept };
}

struct ids ids_union(struct arena *a, struct ids x, struct ids y)
{
	uint32_t *at = arena_many(a, uint32_t, x.n + y.n);
	size_t i = 0, j = 0, n = 0;

	while (i < x.n || j < y.n) {
		if (j == y.n || (i < x.n && x.at[i] < y.at[j]))
			at[n++] = x.at[i++];
		else if (i == x.n || y.at[j] < x.at[i])
			at[n++] = y.at[j++];
		else {
			at[n++] = x.at[i++];
			j++;
		}
	}
	return (struct ids){ at, n };
}

struct ids ids_minus(struct arena *a, struct ids x, struct ids y)
{
	uint32_t *at = arena_many(a, uint32_t, x.n);
	size_t n = 0;

	for (size_t i = 0; i < x.n; i++)
		if (!ids_has(y, x.at[i]))
			at[n++] = x.at[i];
	return (struct ids){ at, n };
}

bool ids_has(struct ids s, uint32_t id)
{
	size_t low = 0, high = s.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s.at[middle] == id)
			return true;
		if (s.at[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool ids_subset(struct ids small, struct ids large)
{
	for (size_t i = 0; i < small.n; i++)
		if (!ids_has(large, small.at[i]))
			return false;
	return true;
}

bool ids_equal(struct ids x, struct ids y)
{
	return x.n == y.n && (!x.n || !memcmp(x.at, y.at, x.n * sizeof(*x.at)));
}

int ids_cmp(struct ids x, struct ids y)
{
	for (size_t i = 0; i < x.n && i < y.n; i++)
		if (x.at[i] != y.at[i])
			return x.at[i] < y.at[i] ? -1 : 1;
	return (x.n > y.n) - (x.n < y.n);
}
