/* Configuration of modules, beyond the few forms of module.h: prefixes, ranges, words.
 *
 * All return false with *ERROR ("NAME: what is wrong with it") for a value of another form, and
 * true with the preset where the name is not given. */
#ifndef EPIC_DPDK_CONFIG_H
#define EPIC_DPDK_CONFIG_H

#include "runtime/dpdk/module.h"

/* An address as struct packet has it; host bits are 0. */
struct prefix {
	uint32_t at[4];
	uint8_t family; /* 4 or 6 */
	uint8_t length; /* of the family's 32 or 128 bits */
};

/* "10.0.0.0/8", "2001:db8::1"; false: it is neither a prefix nor an address, or has host bits. */
bool prefix_parse(const char *text, struct prefix *);
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
/* The prefix of LENGTH bits, no longer than it, that it lies in. */
struct prefix prefix_outer(const struct prefix *, unsigned length);
/* By family, address, length: what lies in a prefix comes right behind it. */
int prefix_compare(const struct prefix *, const struct prefix *);
void prefix_text(const struct prefix *, char text[64]);

/* The prefixes in the order in which they are written. */
struct prefixes {
	struct prefix *at;
	size_t n;
};

/* A prefix, an address, or a set of these; nothing: none.  Freed by prefixes_free. */
bool config_prefixes(const struct module_spec *, const char *name, struct prefixes *,
		     struct module_error *);
void prefixes_free(struct prefixes *);

/* Whether an address is in one of many prefixes: disjoint ranges, sorted. */
struct address_range {
	uint32_t lo[4], hi[4];
};

struct address_set {
	struct address_range *v4, *v6;
	size_t n_v4, n_v6;
};

/* False: no memory. */
bool address_set_make(struct address_set *, const struct prefixes *);
void address_set_free(struct address_set *);
bool address_set_has6(const struct address_set *, const uint32_t at[4]);

static inline bool address_set_has4(const struct address_set *s, uint32_t at)
{
	size_t from = 0, to = s->n_v4;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (at > s->v4[middle].hi[3])
			from = middle + 1;
		else if (at < s->v4[middle].lo[3])
			to = middle;
		else
			return true;
	}
	return false;
}

/* The source or the destination of a packet; false for one without addresses. */
static inline bool address_set_has(const struct address_set *s, const struct packet *p,
				   const uint32_t at[4])
{
	if (p->present & PACKET_IP4)
		return address_set_has4(s, at[3]);
	return p->present & PACKET_IP6 && address_set_has6(s, at);
}

struct number_range {
	uint32_t lo, hi;
};

/* One number or a range; within LOW...HIGH.  *RANGE is the preset before the call. */
bool config_range(const struct module_spec *, const char *name, uint32_t low, uint32_t high,
		  struct number_range *range, struct module_error *);
/* A set of exactly N whole numbers within LOW...HIGH; a single one is a set. */
bool config_numbers(const struct module_spec *, const char *name, double low, double high,
		    uint32_t *numbers, size_t n, struct module_error *);
/* A time from 1 ms to 30 days, in cycles; the preset is in seconds. */
bool config_time(const struct module_spec *, const char *name, double preset, uint64_t *cycles,
		 struct module_error *);
/* One of WORDS, ended by NULL; *INDEX is the preset before the call.  A word that the policy could
 * look up as a name (`drop` is an exit of every pipeline) comes as `PIPELINE.WORD`. */
bool config_word(const struct module_spec *, const char *name, const char *const *words,
		 size_t *index, struct module_error *);
/* Refuses a name that is not in NAMES, ended by NULL. */
bool config_known(const struct module_spec *, const char *const *names, struct module_error *);

#endif
