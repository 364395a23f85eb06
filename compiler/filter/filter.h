/* Filters: which packets are meant, decided exactly (doc/language.md 5.1).
 *
 * A filter has two forms.  A `struct fx` is the author's expression after names
 * are resolved; it has a canonical text and can be evaluated on one packet.
 * `struct cubes` is a set of packets as a union of pairwise disjoint boxes: a
 * box constrains some dimensions to unions of intervals.  Emptiness, overlap,
 * difference and an example packet are read off the boxes.
 *
 * A packet is a partial map from fields to values.  Presence is part of the
 * meaning: `f op v` is false where f is absent, so its negation is true there.
 * What the algebra knows of presence:
 *   - ip.* are present together or not at all; ip.src and ip.dst are of one family;
 *   - l4.sport, l4.dport iff ip.proto is 6, 17 or 132 and ip.frag is 0;
 *   - tcp.flags iff ip.proto is 6 and ip.frag is 0;
 *   - icmp.type, icmp.code iff ip.proto is 1 or 58;
 *   - eth.*, vlan.id, port.in, http.host, tls.sni: each may be absent by itself;
 *   - a derived attribute is always present (it may be used only behind the
 *     module that derives it).
 *
 * Everything lives in the arena of the `struct fields`.  Nothing made here is
 * changed later, so sub-expressions and boxes are shared freely. */
#ifndef EPIC_FILTER_H
#define EPIC_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/addr.h"
#include "compiler/base/arena.h"
#include "compiler/base/sink.h"

enum field_kind {
	FIELD_INT,    /* 0...max */
	FIELD_MAC,    /* 48 bits */
	FIELD_ADDR,   /* IPv4 or IPv6 address */
	FIELD_STRING, /* any text; == != in only */
	FIELD_SYMBOL, /* one of a finite list of words: a derived attribute */
};

struct field {
	const char *name; /* canonical: "ip.src", "l4.dport", "tcp.dport", "subscriber.ids.verdict" */
	enum field_kind kind;
	uint64_t max;              /* FIELD_INT */
	const char *const *values; /* FIELD_SYMBOL, as declared */
	size_t n_values;
	size_t index; /* among the fields of its registry */
	bool derived;
};

/* The fields of one compilation: the predefined ones, and one per derived
 * attribute of an instance. */
struct fields;

struct fields *fields_new(struct arena *);
/* By canonical name; NULL if there is none.  Linear in nothing: hashed. */
const struct field *fields_find(const struct fields *, const char *name);
size_t fields_count(const struct fields *);
const struct field *fields_at(const struct fields *, size_t index);
/* A derived attribute; VALUES NULL makes it a FIELD_STRING.  The texts must
 * outlive the registry; NAME must be new. */
const struct field *fields_add_derived(struct fields *, const char *name,
				       const char *const *values, size_t n_values);
/* "tcp" gives 6, and so on; false if the word names no protocol. */
bool protocol_number(const char *word, uint64_t *number);

/* ---- expressions ---- */

enum fx_kind { FX_TRUE, FX_FALSE, FX_CMP, FX_NOT, FX_AND, FX_OR };

/* One member of the set that a field is compared with. */
struct fx_member {
	enum { FX_RANGE, FX_PREFIX, FX_TEXT } kind;
	uint8_t family;   /* of an address or prefix: 4 or 6 */
	uint8_t length;   /* of a prefix */
	epic_u128 lo, hi; /* FX_RANGE: inclusive, a single value has lo == hi;
			   * FX_PREFIX: first and last address */
	const char *text; /* FX_TEXT: a string or symbol */
};

struct fx;

const struct fx *fx_true(struct fields *);
const struct fx *fx_false(struct fields *);
/* FIELD in {MEMBERS}; no members: false.  `tcp.*` and `udp.*` ports become one
 * unit with their protocol.  Members must fit the field (the checker saw to it);
 * they are copied. */
const struct fx *fx_cmp(struct fields *, const struct field *, const struct fx_member *, size_t n);
/* A destination port, or a range of them, of one protocol. */
const struct fx *fx_service(struct fields *, uint64_t protocol, uint64_t lo, uint64_t hi);
const struct fx *fx_not(struct fields *, const struct fx *);
const struct fx *fx_and(struct fields *, const struct fx *const *, size_t n); /* n == 0: true */
const struct fx *fx_or(struct fields *, const struct fx *const *, size_t n);  /* n == 0: false */
enum fx_kind fx_kind(const struct fx *);

/* The canonical text; equal texts mean equal filters.  In the arena. */
const char *fx_text(struct fields *, const struct fx *);

/* Calls VISIT for each field that is compared (tcp.dport is visited as ip.proto
 * and l4.dport), in the order of writing, with repetitions. */
void fx_visit(const struct fx *, void (*visit)(const struct field *, void *), void *);

/* The same filter with every comparison of a field for which DROP says so
 * replaced by true; a negated one as well (`not F == v` comes out true), so the
 * result is never narrower. */
const struct fx *fx_relax(struct fields *, const struct fx *,
			  bool (*drop)(const struct field *, void *), void *);

/* ---- packets ---- */

struct packet_value {
	const struct field *field;
	uint8_t family; /* of an address */
	epic_u128 value;
	const char *text; /* of a string or symbol */
	bool implied; /* goes without saying: evaluated, but not printed */
};

/* A packet: fields that are not listed are absent. */
struct packet {
	struct packet_value *at; /* in the order of the registry */
	size_t n;
};

/* By direct evaluation on the expression; shares nothing with the boxes. */
bool fx_eval(const struct fx *, const struct packet *);

enum fx_truth { FX_NO, FX_YES, FX_OPEN };

/* As fx_eval, for a packet of which not all is known: HIDDEN says whether the value of a
 * field is unknown, whatever the packet lists.  An `and` or `or` that is decided by
 * its other operands is decided.  Where the filter stays open, calls NEEDED (unless it is
 * NULL) for each comparison that leaves it so, in the order of writing, with repetitions.
 * FX_OPEN is no promise that both answers are possible. */
enum fx_truth fx_judge(const struct fx *, const struct packet *,
		       bool (*hidden)(const struct field *, void *),
		       void (*needed)(const struct field *, void *), void *arg);

/* "ip.proto 17, l4.dport 53"; protocols by name where they have one. */
void packet_print(struct sink *, const struct packet *);
/* {"ip.proto": 17, "l4.dport": 53} */
void packet_json(struct sink *, const struct packet *);

/* ---- sets of packets ---- */

struct cubes;

const struct cubes *cubes_all(struct fields *);
const struct cubes *cubes_none(struct fields *);
const struct cubes *fx_cubes(struct fields *, const struct fx *);
/* BASE and FX, without building FX alone; the way to keep sets small. */
const struct cubes *cubes_filter(struct fields *, const struct cubes *base, const struct fx *);
const struct cubes *cubes_and(struct fields *, const struct cubes *, const struct cubes *);
const struct cubes *cubes_or(struct fields *, const struct cubes *, const struct cubes *);
const struct cubes *cubes_minus(struct fields *, const struct cubes *, const struct cubes *);
/* The same packets with any value of FIELD, where they have it: what is known behind a
 * module that rewrites it. */
const struct cubes *cubes_forget(struct fields *, const struct cubes *, const struct field *);
bool cubes_empty(const struct cubes *);
size_t cubes_count(const struct cubes *);
bool cubes_subset(struct fields *, const struct cubes *small, const struct cubes *large);
/* SMALL within the union of N sets, found without building the union. */
bool cubes_covered(struct fields *, const struct cubes *small, const struct cubes *const *large,
		   size_t n, struct packet *uncovered /* may be NULL */);
/* A packet of both; false if there is none.  EXAMPLE may be NULL. */
bool cubes_overlap(struct fields *, const struct cubes *, const struct cubes *,
		   struct packet *example);
/* A packet of the set (not empty): the least value of each constrained field.  It is
 * whole, so that fx_eval agrees with the sets; what the set leaves open is marked as
 * implied, and so is `ip.frag 0` beside a port. */
struct packet cubes_example(struct fields *, const struct cubes *);
/* What FIELD may be in this set, as sorted disjoint ranges; addresses of FAMILY
 * (0 for other fields).  False: some packets lack the field or FAMILY's part of
 * it, or its values are not bounded by the set. */
bool cubes_project(struct fields *, const struct cubes *, const struct field *, int family,
		   struct fx_member **ranges, size_t *n);

/* What one box of a set demands; for those who write sets down. */
struct cubes_side {
	const struct field *field; /* NULL: the IP header: 0 there is none, 1 IPv4, 2 IPv6 */
	uint8_t family;		   /* of an address: 4 or 6 */
	bool absent; /* packets without the field satisfy it too; only of fields that may be
		      * absent by themselves */
	const struct fx_member *in; /* sorted, disjoint ranges */
	size_t n;
};
/* The sides of the INDEX-th box, each field once (an address once per family); what is not
 * listed may have any value.  Where a field is absent because of others, packets are in
 * the set with all of its values or with none. */
size_t cubes_sides(struct fields *, const struct cubes *, size_t index, struct cubes_side **sides);

/* Calls OVERLAP(i, j, example) once for each pair i < j of sets that share a
 * packet, in order; stops looking after MOST overlapping boxes (0: finds all); 10 000 sets of one box each that differ in some field take well under a
 * second. */
void cubes_overlaps(struct fields *, const struct cubes *const *sets, size_t n, size_t most,
		    void (*overlap)(size_t i, size_t j, const struct packet *, void *), void *);

/* True once a set would have taken more boxes than is sensible (a million), or an
 * operation more comparisons of boxes; such sets and answers come out wrong and the
 * caller reports the filter. */
bool fields_overflowed(const struct fields *);

#endif
