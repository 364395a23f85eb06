/* What an slo demands, as linear forms over the unknowns of a net.
 *
 * The unknowns are the service multipliers of the ways and, under `accounting
 * entitlement`, the delivered share of each path (the least multiplier on it, at
 * most 1), numbered behind the ways.  Times are in cycles/s, rates in packets/s. */
#ifndef EPIC_SOLVE_DEMAND_H
#define EPIC_SOLVE_DEMAND_H

#include "compiler/solve/exact.h"
#include "compiler/solve/net.h"

/* Member is SHARE of the whole, within a relative tolerance. */
struct demand_ratio {
	struct form member, whole;
	struct rat share;
	bool of_rates; /* throughput */
	size_t stage;
	const struct ir_statement *statement;
};

struct demand_bound {
	struct form form;
	bool at_least;
	struct rat bound;
	bool of_rates;
	size_t stage;
	const struct ir_statement *statement; /* NULL: the floor */
};

/* Each queue on the path must drain in time (doc/language.md 5.5, `latency`). */
struct demand_latency {
	uint32_t path;
	struct rat seconds; /* left for waiting in queues */
	size_t stage;
	const struct ir_statement *statement;
};

struct demand {
	const struct net *net;
	size_t n_columns; /* unknowns */
	bool entitlement;
	VEC(struct demand_ratio) ratios;
	VEC(struct demand_bound) bounds; /* floors among them */
	VEC(struct demand_latency) latencies;
	struct form *time;  /* per class: T */
	struct form *rate;  /* per class: R */
	struct form *stage; /* per stage: what is maximised; [n_stages]: all other traffic */
	bool *must_be_least; /* entitlement, per path: a statement keeps its rate down, so
			      * that the share must be the least multiplier, not just below it */
};

struct demand *demand_make(struct arena *, const struct net *);
/* The unknown that says how much of a path is delivered. */
size_t demand_delivered(const struct demand *, uint32_t path);

/* The sum of the factors, to measure a form by; 1 if it is 0.  Of a rate: what is offered. */
double demand_unit(struct form);

#endif
