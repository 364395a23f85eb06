/* What filters (runtime/core/filter.h) say of packets.
 *
 * A filter can be evaluated directly, which is the reference; a `struct chooser` decides many
 * filters for a burst, by code that rte_bpf compiles, or by rte_acl from about 40 comparisons
 * on. */
#ifndef EPIC_DPDK_FILTER_H
#define EPIC_DPDK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/core/filter.h"
#include "runtime/dpdk/packet.h"

_Static_assert((int)FILTER_TAGS == (int)PACKET_TAGS && (int)FILTER_NO_VALUE == (int)PACKET_NO_TAG,
	       "what a filter may name a packet can hold");

/* A copy that is never narrower: comparisons of fields that DROP names, and their negations,
 * hold.  NULL: no memory. */
typedef bool filter_drops(void *arg, enum filter_field);
const struct filter *filter_relax(const struct filter *, filter_drops *drop, void *arg);

bool filter_holds(const struct filter *, const struct packet *);

/* A random packet for which it holds, in the fields that the filter compares and in those that
 * they imply (addresses of one family; a protocol with ports where ports are compared); fields
 * that it leaves open come from *PACKET, which the caller has filled in with a whole packet.
 * False: none was found.  SEED is changed. */
bool filter_sample(const struct filter *, uint64_t *seed, struct packet *);

/* ---- many filters, for bursts ---- */

struct chooser;

enum chooser_how { CHOOSER_AUTO, CHOOSER_PLAIN, CHOOSER_BPF, CHOOSER_ACL };

/* N <= 4096 filters, which stay the caller's and must outlive it.  HOW is for tests; a way that
 * cannot be gone (an ACL of too many rules, no JIT) falls back to CHOOSER_PLAIN, but for AUTO
 * only. */
struct chooser *chooser_open(const char *name, const struct filter *const *filters, size_t n,
			     enum chooser_how how, struct filter_error *);
void chooser_close(struct chooser *);             /* NULL is fine */
const char *chooser_name(const struct chooser *); /* "plain", "bpf", "acl" */

/* For each of N <= BURST packets the first filter that holds, or -1. */
void chooser_first(const struct chooser *, struct rte_mbuf *const *, unsigned n, int16_t *first);

/* For each packet which of the filters hold, as bits; only of choosers with up to 64 filters. */
void chooser_all(const struct chooser *, struct rte_mbuf *const *, unsigned n, uint64_t *masks);

#endif
