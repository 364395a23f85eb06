/* Filters as plans write them (doc/language.md 5.1, "Canonical filter text"): the text becomes a
 * tree.  What a filter says of a packet or of a connection is the matter of those that have them.
 *
 * filter_parse distrusts its text, as everything that reads a plan. */
#ifndef EPIC_CORE_FILTER_H
#define EPIC_CORE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FILTER_TAGS = 8,         /* derived attributes that one plan may have */
	FILTER_NO_VALUE = 0xffff /* an index that no value has */
};

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

/* Inclusive; an address in four words, of IPv4 in the last, any other value in lo[3], with the
 * upper half of a MAC in lo[2].  `family` is 4 or 6 for addresses, else 0. */
struct filter_range {
	uint32_t lo[4], hi[4];
	uint8_t family;
	uint8_t length; /* of a prefix; 255: a range that is none */
};

struct filter {
	enum filter_kind kind;
	enum filter_field field; /* FILTER_IN */
	uint8_t tag;             /* FIELD_TAG: which of FILTER_TAGS */
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
/* One prefix, or an address, which is a prefix as well.  False: TEXT is neither, or has bits behind
 * its length. */
bool filter_read_prefix(const char *text, struct filter_range *);

/* ---- trees ---- */

const struct filter *filter_all(const struct filter *const *, size_t n); /* conjunction; takes
									     them over */
/* Disjunction; takes them over. */
const struct filter *filter_any(const struct filter *const *, size_t n);
void filter_free(const struct filter *); /* NULL is fine */

struct filter *filter_new(enum filter_kind);      /* NULL: no memory */
size_t filter_comparisons(const struct filter *); /* ranges that are compared */
/* 1: always holds, 0: never, -1: it depends. */
int filter_constant(const struct filter *);

bool filter_fail(struct filter_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* always false */

#endif
