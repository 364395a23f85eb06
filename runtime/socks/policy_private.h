/* What the files of the policy share. */
#ifndef EPIC_SOCKS_POLICY_PRIVATE_H
#define EPIC_SOCKS_POLICY_PRIVATE_H

#include <stdatomic.h>

#include "runtime/core/filter.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/pool.h"
#include "runtime/socks/policy.h"

/* ---- what is seen of a connection ---- */

struct policy_end {
	uint8_t family; /* 4 or 6; 0: a name, which nothing holds */
	uint32_t words[4];
};

struct policy_seen {
	int protocol;
	bool any_source; /* the source is not known */
	struct policy_end source, to;
	uint16_t port; /* of `to` */
};

struct policy_end policy_end_of(const struct wire_address *);

/* Whether the filter holds for certain: what cannot be seen makes neither a comparison nor its
 * negation hold.  Source ports do both. */
bool policy_filter_holds(const struct filter *, const struct policy_seen *);

struct policy_ports {
	uint16_t low, high;
};

/* The destination ports for which the filter may hold, whatever the addresses: ascending ranges
 * with gaps between.  NULL: no memory. */
const struct policy_ports *policy_filter_ports(const struct filter *, int protocol, struct pool *,
					       size_t *n);

/* A text that occurs as a filter; equal texts are read once. */
struct policy_filter {
	const char *text;
	const struct filter *tree; /* NULL: it is none */
	struct {
		const struct policy_ports *at;
		size_t n;
	} ports[2]; /* for which it may hold, as policy_filter_ports says: TCP, UDP */
};

/* ---- prefixes ---- */

/* Sorted, none within another. */
struct policy_prefixes {
	const struct filter_range *at;
	size_t n;
};

/* Sorts AT and takes out what lies within others. */
struct policy_prefixes policy_prefixes_of(struct filter_range *at, size_t n);
bool policy_prefixes_hold(const struct policy_prefixes *, const struct policy_end *);

/* ---- many scopes ---- */

/* Connections as a chain or a flow describes them; WHEN NULL, or no filter: none. */
struct policy_scope {
	struct policy_prefixes from, to;
	const struct policy_filter *when;
};

struct policy_group;

/* A hash table that tells which rows have a prefix that holds an address, or a port. */
struct policy_index {
	uint8_t lengths[2][129]; /* that occur, by family */
	size_t n_lengths[2];
	const struct policy_group *groups;
	size_t mask;
	const uint32_t *rows;
};

struct policy_table {
	const struct policy_scope *scopes;
	size_t n;
	struct policy_index from, to, port;
};

enum { POLICY_NOWHERE = -1 };

/* False: no memory. */
bool policy_table_make(struct policy_table *, const struct policy_scope *, size_t n, struct pool *);

/* The first row that the connection is in and that WANTED takes, else POLICY_NOWHERE.  WANTED sees
 * no row behind one that it has taken; if it takes none it has seen all, in any order. */
typedef bool policy_wanted(void *arg, size_t row);
ptrdiff_t policy_table_first(const struct policy_table *, const struct policy_seen *,
			     policy_wanted *wanted, void *arg);

/* ---- the whole ---- */

/* The private side of a chain. */
struct policy_entry {
	const struct wire_address *via; /* ports are 0 */
	size_t n_via;
	const char *begins; /* the proxy of the flow's first function, if that is before the links;
			       NULL: clients may come in here */
};

struct policy_listening {
	struct wire_address at, destination;
};

struct policy {
	atomic_size_t holders;
	const struct rplan_plan *plan;
	struct pool pool;
	const char *proxy;
	struct policy_target *targets;
	size_t n_targets;
	struct policy_function *functions;
	size_t n_functions;
	struct policy_chain *chains; /* by flow, then by target */
	struct policy_entry *entries;
	size_t n_chains;
	struct policy_table by_chain, by_flow;
	struct policy_listening *listeners; /* sorted by `at` */
	size_t n_listeners;
	struct policy_catch *catches;
	size_t n_catches;
	struct policy_filter *filters; /* sorted by text */
	size_t n_filters;
};

int policy_listening_cmp(const void *, const void *);
bool policy_same_host(const struct wire_address *, const struct wire_address *);

/* ---- refusing ---- */

enum policy_reason {
	POLICY_NOTHING,    /* no row */
	POLICY_PROHIBITED, /* ROW is a flow; so of the next one */
	POLICY_ELSEWHERE,  /* allowed, but not here */
	POLICY_BEHIND,     /* ROW is a chain, from here on; it begins at another proxy */
	POLICY_SPEAKS_FOR, /* the peer tells another source than itself */
	POLICY_PEER,       /* LINK of the chain is not reached from this peer */
	POLICY_OFF_CHAIN,  /* the function is none of the chain */
	POLICY_OTHER_REST, /* the peer told other links than the chain has from LINK on */
	POLICY_UNCLEAR,    /* several chains that go on in different ways */
	POLICY_N_REASONS
};

/* Fills in verdict and words. */
void policy_refuse(const struct policy *, const struct policy_question *, enum policy_reason,
		   size_t row, size_t link, struct policy_answer *);

/* ---- making it ---- */

struct policy_reading {
	struct policy *policy;
	const struct rplan_plan *plan;
	const char *directory;
	struct policy_error *error;
	const struct rplan_node **nodes;  /* by name */
	struct policy_prefixes *prefixes; /* of these */
	const struct rplan_node *at;      /* the proxy */
	struct wire_address *singles;     /* its addresses; ports are 0 */
	size_t n_singles;
	struct wire_address *tls; /* addresses of proxies that speak TLS */
	size_t n_tls;
	size_t *numbers; /* of the targets, in the plan */
};

bool policy_fail(struct policy_reading *, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* always false */
bool policy_no_memory(struct policy_reading *);
/* N zeroed things in the policy's pool; NULL: said. */
void *policy_take(struct policy_reading *, size_t n, size_t size);

/* Each says what is wrong at PLACE, "targets[2].config.chains[1]", and the key behind it. */
bool policy_read_prefixes(struct policy_reading *, const char *place, const char *key,
			  struct rplan_texts, struct policy_prefixes *);
bool policy_read_port(struct policy_reading *, const char *place, const char *key, int64_t,
		      uint16_t *);

/* ADDRESS:PORT, and an address alone, IPv6 in brackets or not; the port is 0 then. */
bool policy_address_of(const char *text, struct wire_address *);
bool policy_host_of(const char *text, struct wire_address *);
/* Those of a node's prefixes that are addresses; NULL: said. */
struct wire_address *policy_singles_of(struct policy_reading *, const struct rplan_node *,
				       size_t *n);

/* The steps, in this order. */
bool policy_make_filters(struct policy_reading *);
bool policy_make_nodes(struct policy_reading *);
bool policy_make_targets(struct policy_reading *, const char *const *names, size_t n);
bool policy_make_chains(struct policy_reading *);
bool policy_make_flows(struct policy_reading *);
bool policy_make_listeners(struct policy_reading *);
bool policy_make_catches(struct policy_reading *);

struct policy_filter *policy_filter_find(struct policy *, const char *text);
/* -1: no node is called so. */
ptrdiff_t policy_find_node(const struct policy_reading *, const char *name);

#endif
