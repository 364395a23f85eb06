/* Filters as plans write them (doc/language.md 5.1, "Canonical filter text").
 *
 * filter_parse distrusts its text, as everything that reads a plan.  A filter can be evaluated
 * directly, which is the reference; a `struct chooser` decides many filters for a burst, by
 * code that rte_bpf compiles, or by rte_acl from about 40 comparisons on. */
#ifndef EPIC_DPDK_FILTER_H
#define EPIC_DPDK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/dpdk/packet.h"

struct filter_error {
	char text[256];
};

enum filter_kind { FILTER_TRUE, FILTER_FALSE, FILTER_IN, FILTER_NOT, FILTER_AND, FILTER_OR };

enum filter_field {
	FIELD_ETH_SRC,
	FIELD_ETH_DST,
	FIELD_ETH_TYPE,
	FIELD_VLAN_ID,
	FIELD_IP_SRC,
	FIELD_IP_DST,
	FIELD_IP_PROTO,
	FIELD_IP_DSCP,
	FIELD_IP_TTL,
	FIELD_IP_FRAG,
	FIELD_L4_SPORT,
	FIELD_L4_DPORT,
	FIELD_TCP_FLAGS,
	FIELD_ICMP_TYPE,
	FIELD_ICMP_CODE,
	FIELD_PORT_IN, /* values are indices of devices */
	FIELD_TAG      /* values are indices of a derived attribute's values */
};

/* Inclusive; an address in four words as in struct packet, any other value in lo[3], with the
 * upper half of a MAC in lo[2].  `family` is 4 or 6 for addresses, else 0. */
struct filter_range {
	uint32_t lo[4], hi[4];
	uint8_t family;
	uint8_t length; /* of a prefix; 255: a range that is none */
};

struct filter {
	enum filter_kind kind;
	enum filter_field field; /* FILTER_IN */
	uint8_t tag;             /* FIELD_TAG: which of packet.tags */
	struct filter_range *ranges;
	size_t n_ranges;
	const struct filter **parts; /* FILTER_NOT: 1, FILTER_AND and FILTER_OR: 2 and more */
	size_t n_parts;
};

/* Who knows the names that only this plan has.  A function returns false where it knows none. */
struct filter_names {
	/* The derived attribute `pipeline.instance.attribute`: the index of its tag, in *TAG; of
	 * its VALUE, in *INDEX. */
	bool (*tag)(void *arg, const char *name, uint8_t *tag);
	bool (*value)(void *arg, uint8_t tag, const char *value, uint16_t *index);
	/* A device by the policy's name; one that no module has matches nothing. */
	bool (*device)(void *arg, const char *name, uint16_t *index);
	void *arg;
};

/* NULL: *ERROR says what is wrong and at which character.  Nesting is bounded. */
const struct filter *filter_parse(const char *text, const struct filter_names *,
				  struct filter_error *);
const struct filter *filter_all(const struct filter *const *, size_t n); /* conjunction; takes
									     them over */
/* Disjunction; takes them over. */
const struct filter *filter_any(const struct filter *const *, size_t n);
/* A copy that is never narrower: comparisons of fields that DROP names, and their negations,
 * hold.  NULL: no memory. */
typedef bool filter_drops(void *arg, enum filter_field);
const struct filter *filter_relax(const struct filter *, filter_drops *drop, void *arg);
void filter_free(const struct filter *); /* NULL is fine */

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
