/* What a filter means to a proxy, which sees connections rather than packets.
 *
 * A proxy knows the protocol, the addresses of both ends and the destination port.
 * A filter that looks at anything else has no form there, nor has one whose parts
 * depend on each other where the proxy's file names them one by one. */
#ifndef EPIC_PLAN_PROXY_FILTER_H
#define EPIC_PLAN_PROXY_FILTER_H

#include "compiler/filter/filter.h"

enum proxy_fit {
	PROXY_FITS,
	PROXY_BAD_PROTOCOL, /* another protocol, or ports without bounds (E0803) */
	PROXY_BAD_FIELDS,   /* looks at what the proxy does not see (E0802) */
};

/* Addresses of one family; without `bounded` all of them. */
struct proxy_ends {
	bool bounded;
	struct fx_member *at; /* sorted, disjoint ranges */
	size_t n;
};

/* The product of its parts: TCP, to one of `ports`, and for one of the families from
 * a source to a destination. */
struct proxy_filter {
	struct fx_member *ports; /* sorted, disjoint ranges */
	size_t n_ports;
	struct {
		bool used; /* some packet is of this family */
		struct proxy_ends from, to;
	} families[2]; /* IPv4, IPv6 */
};

/* The parts of FILTER, if it is nothing but their product.  A filter that no packet
 * meets fits, with no ports. */
enum proxy_fit proxy_filter_parts(struct fields *, const struct cubes *filter,
				  struct proxy_filter *parts);

/* Whether a SOCKS proxy can decide FILTER: TCP and UDP, any ports. */
enum proxy_fit proxy_filter_socks(struct fields *, const struct cubes *filter);

#endif
