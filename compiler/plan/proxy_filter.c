#include <config.h>

#include "compiler/plan/proxy_filter.h"

enum { PROTO_TCP = 6, PROTO_UDP = 17, FAMILY_SIZE = 2, MOST_PARTS = 4 };

static const int families[FAMILY_SIZE] = { 4, 6 };

static struct fx_member whole_family(int family)
{
	struct prefix all = { .family = (uint8_t)family };

	return (struct fx_member){ .kind = FX_PREFIX,
				   .family = (uint8_t)family,
				   .lo = prefix_first(all),
				   .hi = prefix_last(all) };
}

static const struct fx *is_number(struct fields *f, const char *field, uint64_t value)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = value, .hi = value };

	return fx_cmp(f, fields_find(f, field), &m, 1);
}

/* ---- taking apart ---- */

/* True if every packet is of one of the protocols A and B. */
static bool only_protocols(struct fields *f, const struct cubes *set, uint64_t a, uint64_t b)
{
	struct fx_member *at;
	size_t n;

	if (!cubes_project(f, set, fields_find(f, "ip.proto"), 0, &at, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		for (epic_u128 p = at[i].lo; p <= at[i].hi; p++)
			if (p != a && p != b)
				return false;
	return true;
}

static struct proxy_ends ends_of(struct fields *f, const struct cubes *set, const char *field,
				 int family)
{
	struct proxy_ends e = { 0 };

	e.bounded = cubes_project(f, set, fields_find(f, field), family, &e.at, &e.n);
	return e;
}

static void take_family(struct fields *f, const struct cubes *set, size_t i,
			struct proxy_filter *parts)
{
	struct fx_member all = whole_family(families[i]);

	/* Within one family no packet lacks an address, so that a failing projection says
	 * nothing else but "any". */
	set = cubes_filter(f, set, fx_cmp(f, fields_find(f, "ip.src"), &all, 1));
	parts->families[i].used = !cubes_empty(set);
	parts->families[i].from = ends_of(f, set, "ip.src", families[i]);
	parts->families[i].to = ends_of(f, set, "ip.dst", families[i]);
}

/* ---- putting together again ---- */

static const struct fx *end_is(struct fields *f, const char *field, int family,
			       const struct proxy_ends *e)
{
	struct fx_member all = whole_family(family);

	if (!e->bounded)
		return fx_cmp(f, fields_find(f, field), &all, 1);
	return fx_cmp(f, fields_find(f, field), e->at, e->n);
}

static const struct fx *family_product(struct fields *f, const struct proxy_filter *parts, size_t i)
{
	const struct fx *all[MOST_PARTS] = {
		is_number(f, "ip.proto", PROTO_TCP),
		fx_cmp(f, fields_find(f, "l4.dport"), parts->ports, parts->n_ports),
		end_is(f, "ip.src", families[i], &parts->families[i].from),
		end_is(f, "ip.dst", families[i], &parts->families[i].to),
	};

	return fx_and(f, all, MOST_PARTS);
}

static const struct cubes *product(struct fields *f, const struct proxy_filter *parts)
{
	const struct fx *used[FAMILY_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < FAMILY_SIZE; i++)
		if (parts->families[i].used)
			used[n++] = family_product(f, parts, i);
	return fx_cubes(f, fx_or(f, used, n));
}

static bool is_same(struct fields *f, const struct cubes *a, const struct cubes *b)
{
	return cubes_subset(f, a, b) && cubes_subset(f, b, a);
}

enum proxy_fit proxy_filter_parts(struct fields *f, const struct cubes *filter,
				  struct proxy_filter *parts)
{
	*parts = (struct proxy_filter){ 0 };
	if (cubes_empty(filter))
		return PROXY_FITS;
	if (!only_protocols(f, filter, PROTO_TCP, PROTO_TCP) ||
	    !cubes_project(f, filter, fields_find(f, "l4.dport"), 0, &parts->ports,
			   &parts->n_ports))
		return PROXY_BAD_PROTOCOL;
	for (size_t i = 0; i < FAMILY_SIZE; i++)
		take_family(f, filter, i, parts);
	return is_same(f, filter, product(f, parts)) && !fields_overflowed(f) ? PROXY_FITS
									      : PROXY_BAD_FIELDS;
}

/* ---- SOCKS ---- */

/* What a SOCKS proxy does not learn of a connection.  Its client's port is its own, not
 * that of the packets that the policy speaks of. */
static const char *const unseen[] = { "eth.src", "eth.dst",   "eth.type", "vlan.id",
				      "ip.dscp", "ip.ttl",    "l4.sport", "tcp.flags",
				      "port.in", "http.host", "tls.sni" };

static bool depends_on(struct fields *f, const struct cubes *set, const char *field)
{
	return !cubes_subset(f, cubes_forget(f, set, fields_find(f, field)), set);
}

enum proxy_fit proxy_filter_socks(struct fields *f, const struct cubes *filter)
{
	const struct cubes *whole;

	if (cubes_empty(filter))
		return PROXY_FITS;
	if (!only_protocols(f, filter, PROTO_TCP, PROTO_UDP))
		return PROXY_BAD_PROTOCOL;
	/* A connection is whole: later fragments are the kernel's affair. */
	whole = cubes_filter(f, filter, is_number(f, "ip.frag", 0));
	if (cubes_empty(whole))
		return PROXY_BAD_FIELDS;
	for (size_t i = 0; i < sizeof(unseen) / sizeof(*unseen); i++)
		if (depends_on(f, whole, unseen[i]))
			return PROXY_BAD_FIELDS;
	return fields_overflowed(f) ? PROXY_BAD_FIELDS : PROXY_FITS;
}
