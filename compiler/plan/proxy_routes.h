/* The ways of flows through one proxy: what nginx and socks targets have in common. */
#ifndef EPIC_PLAN_PROXY_ROUTES_H
#define EPIC_PLAN_PROXY_ROUTES_H

#include "compiler/plan/plan.h"
#include "compiler/plan/proxy_filter.h"

enum { FIRST_REFUSAL = E0802, N_REFUSALS = E0805 - E0802 + 1 };

/* One target that is being made. */
struct making {
	struct ctx *ctx;
	const struct ir *ir;
	const struct solution *solution;
	const struct ir_target *target;
	bool quiet; /* only counting: each target reports its own troubles */
	struct diag *said[N_REFUSALS];
};

/* Reports that FLOW cannot be expressed.  One message per code: diagnostics of one code at
 * one place are taken for repetitions, so further flows join the first one's. */
void refuse(struct making *, enum diag_code, const struct ir_flow *flow, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether the target has to do with the flow of this number. */
bool route_passes(const struct making *, size_t flow);
/* The functions of the flow that run on this proxy or behind it; none for a direct flow. */
const struct hop *route_links(const struct making *, size_t flow, size_t *n);
/* "ADDRESS:PORT" of a function; NULL if that is refused. */
const char *route_link(struct making *, const struct ir_flow *, const struct hop *);

/* Reports a `socks-class` that epic-socksd does not have (E0802), once for each function.  None
 * at all is fine: the function is reached elsewhere. */
void socks_check_class(struct making *, const struct ir_function *);

/* "A.B.C.D:PORT" or "[IPv6]:PORT". */
const char *address_port(struct arena *, int family, epic_u128 address, uint64_t port);
bool prefix_is_single(struct prefix);
/* NULL: all its addresses are wider. */
const struct prefix *node_first_single(const struct ir_node *);
/* Reports a node that must be named and has no address (E0307). */
bool node_has_address(struct making *, const struct ir_node *);

/* Where connections of a flow to one destination enter this proxy: one listen port. */
struct entry {
	size_t flow;
	const char *destination; /* "ADDRESS:PORT" */
	struct plan_texts allow; /* prefixes */
};

struct entries {
	VEC(struct entry) list; /* in plan order; not more than there are ports */
	size_t wanted;          /* how many there would be */
};

/* All entries of an nginx target, before ports are given out. */
struct entries route_entries(struct making *);

/* Where `listen` stands, or else the target. */
struct span listen_place(const struct ir_target *);
/* Reports a port of the target that a function or a target that stands before it in the
 * policy uses on the same proxy (E0804).  N_PORTS are used from the first of `listen`. */
void ports_check(struct making *, size_t n_ports);

#endif
