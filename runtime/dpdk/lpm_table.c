#include <config.h>

#include "runtime/dpdk/lpm_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>

/* Addresses from LO up to the next region's have this hop. */
struct region {
	uint32_t lo[4];
	uint32_t hop;
};

/* The first region begins at 0. */
struct regions {
	struct region *at;
	uint32_t *lo4; /* of IPv4: the last words once more, close together */
	size_t n;
};

struct lpm_table {
	struct regions v4, v6; /* of a family with `lpm`: only for building */
	struct rte_lpm *lpm;
	struct rte_lpm6 *lpm6;
	struct lpm_misses misses;
};

/* ---- regions ---- */

static int compare_words(const uint32_t a[4], const uint32_t b[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	return prefix_compare(&((const struct lpm_entry *)a)->prefix,
			      &((const struct lpm_entry *)b)->prefix);
}

/* The first address behind the prefix; false: it ends with the last address there is. */
static bool behind(const struct prefix *p, uint32_t next[4])
{
	unsigned bits = p->family == 4 ? 32u - p->length : 128u - p->length;
	unsigned word = 3 - bits / 32;
	uint32_t step = UINT32_C(1) << bits % 32;
	unsigned least = p->family == 4 ? 3 : 0;

	memcpy(next, p->at, 4 * sizeof(*next));
	if (!p->length)
		return false;
	next[word] += step;
	while (next[word] < step && word > least) {
		step = 1;
		next[--word] += 1;
	}
	return next[word] >= step;
}

static void begin_region(struct regions *r, const uint32_t lo[4], uint32_t hop)
{
	if (!r->n || compare_words(r->at[r->n - 1].lo, lo))
		r->n++;
	memcpy(r->at[r->n - 1].lo, lo, sizeof(r->at->lo));
	r->at[r->n - 1].hop = hop;
}

/* Prefixes nest at most 128 deep; the innermost that is open is the last of the stack. */
struct open_prefixes {
	const struct lpm_entry *at[129];
	size_t n;
	uint32_t miss;
};

static void end_region(struct regions *r, struct open_prefixes *o)
{
	const struct lpm_entry *ended = o->at[--o->n];
	uint32_t next[4];

	if (behind(&ended->prefix, next))
		begin_region(r, next, o->n ? o->at[o->n - 1]->hop : o->miss);
}

static void fill_regions(struct regions *r, const struct lpm_entry *sorted, size_t n, uint32_t miss)
{
	struct open_prefixes o = { .miss = miss };

	begin_region(r, (const uint32_t[4]){ 0 }, miss);
	for (size_t i = 0; i < n; i++) {
		while (o.n && !prefix_covers(&o.at[o.n - 1]->prefix, &sorted[i].prefix))
			end_region(r, &o);
		o.at[o.n++] = &sorted[i];
		begin_region(r, sorted[i].prefix.at, sorted[i].hop);
	}
	while (o.n)
		end_region(r, &o);
}

static bool make_regions(struct regions *r, const struct lpm_entry *sorted, size_t n, uint32_t miss)
{
	r->at = calloc(2 * n + 1, sizeof(*r->at));
	r->lo4 = calloc(2 * n + 1, sizeof(*r->lo4));
	if (!r->at || !r->lo4)
		return false;
	fill_regions(r, sorted, n, miss);
	for (size_t i = 0; i < r->n; i++)
		r->lo4[i] = r->at[i].lo[3];
	return true;
}

static void free_regions(struct regions *r)
{
	free(r->at);
	free(r->lo4);
}

/* The last region that begins at or before it.  The compiler makes the choice a move. */
static uint32_t find4(const struct regions *r, uint32_t at)
{
	const uint32_t *lo = r->lo4;

	for (size_t n = r->n; n > 1; n -= n / 2)
		lo += at >= lo[n / 2] ? n / 2 : 0;
	return r->at[lo - r->lo4].hop;
}

static uint32_t find6(const struct regions *r, const uint32_t at[4])
{
	const struct region *lo = r->at;

	for (size_t n = r->n; n > 1; n -= n / 2)
		lo += compare_words(at, lo[n / 2].lo) >= 0 ? n / 2 : 0;
	return lo->hop;
}

/* ---- rte_lpm ---- */

/* Groups of 256 that a prefix may need below the first 24 bits, one for each further 8. */
static uint32_t groups(const struct lpm_entry *e, size_t n)
{
	uint32_t sum = 1;

	for (size_t i = 0; i < n; i++)
		sum += e[i].prefix.length <= 24 ? 0u : (e[i].prefix.length - 24u + 7) / 8;
	return sum;
}

static bool add4(struct rte_lpm *lpm, const struct prefix *p, uint32_t hop)
{
	return !p->length || !rte_lpm_add(lpm, p->at[3], p->length, hop);
}

static void bytes_of(const uint32_t words[4], uint8_t bytes[16])
{
	uint32_t swapped[4];

	for (unsigned i = 0; i < 4; i++)
		swapped[i] = rte_cpu_to_be_32(words[i]);
	memcpy(bytes, swapped, sizeof(swapped));
}

static bool add6(struct rte_lpm6 *lpm, const struct prefix *p, uint32_t hop)
{
	uint8_t bytes[16];

	bytes_of(p->at, bytes);
	return !p->length || !rte_lpm6_add(lpm, bytes, p->length, hop);
}

/* Names of their own, as DPDK wants them: the table's address. */
static bool open_lpm4(struct lpm_table *t, const struct lpm_entry *e, size_t n)
{
	struct rte_lpm_config c = { .max_rules = (uint32_t)n, .number_tbl8s = groups(e, n) };
	char name[RTE_LPM_NAMESIZE];

	snprintf(name, sizeof(name), "l%zx", (size_t)t);
	if (!(t->lpm = rte_lpm_create(name, SOCKET_ID_ANY, &c)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!add4(t->lpm, &e[i].prefix, e[i].hop)) {
			rte_lpm_free(t->lpm);
			t->lpm = NULL;
			return false;
		}
	return true;
}

static bool open_lpm6(struct lpm_table *t, const struct lpm_entry *e, size_t n)
{
	struct rte_lpm6_config c = { .max_rules = (uint32_t)n, .number_tbl8s = groups(e, n) };
	char name[RTE_LPM6_NAMESIZE];

	snprintf(name, sizeof(name), "l%zx", (size_t)t);
	if (!(t->lpm6 = rte_lpm6_create(name, SOCKET_ID_ANY, &c)))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!add6(t->lpm6, &e[i].prefix, e[i].hop)) {
			rte_lpm6_free(t->lpm6);
			t->lpm6 = NULL;
			return false;
		}
	return true;
}

/* ---- both ---- */

/* What an address outside all longer prefixes has: that of length 0 where there is one. */
static void put_defaults(struct lpm_table *t, const struct lpm_entry *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!e[i].prefix.length)
			*(e[i].prefix.family == 4 ? &t->misses.v4 : &t->misses.v6) = e[i].hop;
}

static bool open_family(struct lpm_table *t, const struct lpm_entry *e, size_t n, bool is4,
			enum lpm_how how)
{
	if (n && (how == LPM_RTE || (how == LPM_AUTO && n > LPM_FEW))) {
		if (is4 ? open_lpm4(t, e, n) : open_lpm6(t, e, n))
			return true;
		if (how == LPM_RTE)
			return false;
	}
	return make_regions(is4 ? &t->v4 : &t->v6, e, n, is4 ? t->misses.v4 : t->misses.v6);
}

struct lpm_table *lpm_table_open(struct lpm_entry *e, size_t n, const struct lpm_misses *misses,
				 enum lpm_how how, struct module_error *error)
{
	struct lpm_table *t = calloc(1, sizeof(*t));
	size_t n4 = 0;

	if (n)
		qsort(e, n, sizeof(*e), compare_entries);
	while (n4 < n && e[n4].prefix.family == 4)
		n4++;
	if (t) {
		t->misses = *misses;
		put_defaults(t, e, n);
		if (open_family(t, e, n4, true, how) &&
		    open_family(t, n4 < n ? e + n4 : NULL, n - n4, false, how))
			return t;
	}
	lpm_table_close(t);
	module_fail(error, "routes: no memory for a table of %zu prefixes", n);
	return NULL;
}

void lpm_table_close(struct lpm_table *t)
{
	if (!t)
		return;
	rte_lpm_free(t->lpm);
	rte_lpm6_free(t->lpm6);
	free_regions(&t->v4);
	free_regions(&t->v6);
	free(t);
}

/* ---- bursts ---- */

static void lookup4(const struct lpm_table *t, const uint32_t *at, unsigned n, uint32_t *found)
{
	if (!t->lpm) {
		for (unsigned i = 0; i < n; i++)
			found[i] = find4(&t->v4, at[i]);
		return;
	}
	rte_lpm_lookup_bulk(t->lpm, at, found, n);
	for (unsigned i = 0; i < n; i++)
		found[i] = found[i] & RTE_LPM_LOOKUP_SUCCESS
			       ? found[i] & (RTE_LPM_LOOKUP_SUCCESS - 1)
			       : t->misses.v4;
}

static void lookup6(const struct lpm_table *t, const uint32_t *const *at, unsigned n,
		    uint32_t *found)
{
	uint8_t bytes[BURST][16];
	int32_t hops[BURST];

	if (!t->lpm6) {
		for (unsigned i = 0; i < n; i++)
			found[i] = find6(&t->v6, at[i]);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		bytes_of(at[i], bytes[i]);
	rte_lpm6_lookup_bulk_func(t->lpm6, bytes, hops, n);
	for (unsigned i = 0; i < n; i++)
		found[i] = hops[i] < 0 ? t->misses.v6 : (uint32_t)hops[i];
}

/* Where the packets are not all of IPv4. */
static void scatter(const struct lpm_table *t, struct rte_mbuf *const *packets, unsigned n,
		    const uint32_t *found4, const uint32_t *found6, uint32_t *hops)
{
	unsigned n4 = 0, n6 = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned present = packet_of(packets[i])->present;

		hops[i] = present & PACKET_IP4   ? found4[n4++]
			  : present & PACKET_IP6 ? found6[n6++]
						 : t->misses.absent;
	}
}

struct lpm_counts lpm_table_lookup(const struct lpm_table *t, struct rte_mbuf *const *packets,
				   unsigned n, uint32_t *hops)
{
	uint32_t at4[BURST], found4[BURST], found6[BURST];
	const uint32_t *at6[BURST];
	unsigned n4 = 0, n6 = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct packet *p = packet_of(packets[i]);

		if (p->present & PACKET_IP4)
			at4[n4++] = p->dst[3];
		else if (p->present & PACKET_IP6)
			at6[n6++] = p->dst;
	}
	if (n4)
		lookup4(t, at4, n4, n4 == n ? hops : found4);
	if (n6)
		lookup6(t, at6, n6, found6);
	if (n4 < n)
		scatter(t, packets, n, found4, found6, hops);
	return (struct lpm_counts){ n4, n6 };
}
