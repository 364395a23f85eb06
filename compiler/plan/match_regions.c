/* From boxes of fields to regions of bytes: one region per shape of packet.
 *
 * A region that a table cannot hold is replaced by its shadow: the same packets as far as a
 * table sees them, sent to the filters.  Boxes are disjoint, and those that meet a shadow
 * differ from its box in what the shadow leaves out, so that they cast one as well. */
#include <config.h>

#include "compiler/plan/match_private.h"

#include <assert.h>
#include <string.h>

enum { TYPE_V4 = 0x0800, TYPE_V6 = 0x86dd, TYPE_TAG = 0x8100, MOST_VLAN = 4095 };
enum { PROTO_FRAGMENT = 44, PROTO_MAX = 255, TAG_SIZE = 4 };

enum quantity {
	Q_DST,
	Q_SRC,
	Q_TYPE,
	Q_VLAN,
	Q_PROTO,
	Q_FRAG,
	Q_SRC4,
	Q_DST4,
	Q_SRC6,
	Q_DST6,
	Q_DSCP,
	Q_TTL,
	Q_SPORT,
	Q_DPORT,
	Q_FLAGS,
	Q_ICMP_TYPE,
	Q_ICMP_CODE,
	N_QUANTITIES
};

static const struct {
	const char *field;
	int family;
} quantities[N_QUANTITIES] = {
	[Q_DST] = { "eth.dst", 0 },         [Q_SRC] = { "eth.src", 0 },
	[Q_TYPE] = { "eth.type", 0 },       [Q_VLAN] = { "vlan.id", 0 },
	[Q_PROTO] = { "ip.proto", 0 },      [Q_FRAG] = { "ip.frag", 0 },
	[Q_SRC4] = { "ip.src", 4 },         [Q_DST4] = { "ip.dst", 4 },
	[Q_SRC6] = { "ip.src", 6 },         [Q_DST6] = { "ip.dst", 6 },
	[Q_DSCP] = { "ip.dscp", 0 },        [Q_TTL] = { "ip.ttl", 0 },
	[Q_SPORT] = { "l4.sport", 0 },      [Q_DPORT] = { "l4.dport", 0 },
	[Q_FLAGS] = { "tcp.flags", 0 },     [Q_ICMP_TYPE] = { "icmp.type", 0 },
	[Q_ICMP_CODE] = { "icmp.code", 0 },
};

/* Where a quantity stands in an untagged frame: offset, size, shift, bits, header. */
static const struct match_key link_keys[N_QUANTITIES] = {
	[Q_DST] = { 0, 6, 0, 48, 0 },
	[Q_SRC] = { 6, 6, 0, 48, 0 },
	[Q_TYPE] = { 12, 2, 0, 16, 0 },
	[Q_VLAN] = { 14, 2, 0, 12, 0 },
};

static const struct match_key net_keys[N_NETS][N_QUANTITIES] = {
	[NET_V4] = {
		[Q_PROTO] = { 23, 1, 0, 8, 0 },	 [Q_FRAG] = { 20, 2, 0, 13, 0 },
		[Q_SRC4] = { 26, 4, 0, 32, 0 },	 [Q_DST4] = { 30, 4, 0, 32, 0 },
		[Q_DSCP] = { 15, 1, 2, 6, 0 },	 [Q_TTL] = { 22, 1, 0, 8, 0 },
		[Q_SPORT] = { 34, 2, 0, 16, 14 },	 [Q_DPORT] = { 36, 2, 0, 16, 14 },
		[Q_FLAGS] = { 47, 1, 0, 8, 14 },	 [Q_ICMP_TYPE] = { 34, 1, 0, 8, 14 },
		[Q_ICMP_CODE] = { 35, 1, 0, 8, 14 },
	},
	[NET_V6] = {
		[Q_PROTO] = { 20, 1, 0, 8, 0 },	 [Q_SRC6] = { 22, 16, 0, 128, 0 },
		[Q_DST6] = { 38, 16, 0, 128, 0 },	 [Q_DSCP] = { 14, 2, 6, 6, 0 },
		[Q_TTL] = { 21, 1, 0, 8, 0 },	 [Q_SPORT] = { 54, 2, 0, 16, 0 },
		[Q_DPORT] = { 56, 2, 0, 16, 0 },	 [Q_FLAGS] = { 67, 1, 0, 8, 0 },
		[Q_ICMP_TYPE] = { 54, 1, 0, 8, 0 },	 [Q_ICMP_CODE] = { 55, 1, 0, 8, 0 },
	},
	[NET_V6_FRAGMENT] = {
		[Q_PROTO] = { 54, 1, 0, 8, 0 },	 [Q_FRAG] = { 56, 2, 3, 13, 0 },
		[Q_SRC6] = { 22, 16, 0, 128, 0 },	 [Q_DST6] = { 38, 16, 0, 128, 0 },
		[Q_DSCP] = { 14, 2, 6, 6, 0 },	 [Q_TTL] = { 21, 1, 0, 8, 0 },
		[Q_SPORT] = { 62, 2, 0, 16, 0 },	 [Q_DPORT] = { 64, 2, 0, 16, 0 },
		[Q_FLAGS] = { 75, 1, 0, 8, 0 },	 [Q_ICMP_TYPE] = { 62, 1, 0, 8, 0 },
		[Q_ICMP_CODE] = { 63, 1, 0, 8, 0 },
	},
};

static const struct match_key header_length = { 14, 1, 0, 4, 0 };

enum { FAM_NONE, FAM_V4, FAM_V6, N_FAMILIES };

/* A box, by quantity. */
struct view {
	struct arena *arena;
	const struct match_limits *limits;
	struct match_regions *out;
	unsigned way;
	bool families[N_FAMILIES];
	bool given[N_QUANTITIES];  /* else any value */
	bool absent[N_QUANTITIES]; /* packets without it as well */
	struct match_set in[N_QUANTITIES];
};

/* ---- reading ---- */

static enum quantity quantity_of(const struct cubes_side *s)
{
	for (size_t q = 0; q < N_QUANTITIES; q++)
		if (!strcmp(quantities[q].field, s->field->name) &&
		    quantities[q].family == s->family)
			return (enum quantity)q;
	return N_QUANTITIES;
}

static void read_side(struct view *v, const struct cubes_side *s)
{
	struct match_set in = match_set_of(v->arena, s->in, s->n);
	enum quantity q;

	if (!s->field) {
		for (size_t i = 0; i < N_FAMILIES; i++)
			v->families[i] = match_set_has(in, i);
		return;
	}
	q = quantity_of(s);
	assert(q < N_QUANTITIES); /* the caller has looked at the fields of its filters */
	v->given[q] = true;
	v->absent[q] = s->absent;
	v->in[q] = in;
}

static bool has(const struct view *v, enum quantity q, epic_u128 value)
{
	return !v->given[q] || match_set_has(v->in[q], value);
}

static bool any_given(const struct view *v, enum quantity first, enum quantity last)
{
	for (size_t q = first; q <= last; q++)
		if (v->given[q])
			return true;
	return false;
}

/* A field that is absent because of others has no influence; of the boxes that differ only
 * in it the one with 0 stands for all. */
static bool stands_for(const struct view *v, enum quantity first, enum quantity last)
{
	for (size_t q = first; q <= last; q++)
		if (!has(v, (enum quantity)q, 0))
			return false;
	return true;
}

/* ---- making regions ---- */

static void test(struct match_region *r, struct match_key key, unsigned shifted,
		 struct match_set in)
{
	assert(r->n < MATCH_MOST_TESTS);
	key.offset += shifted;
	key.header += key.header ? shifted : 0;
	r->at[r->n++] = (struct match_test){ key, in };
}

static void test_value(struct view *v, struct match_region *r, struct match_key key,
		       unsigned shifted, epic_u128 value)
{
	test(r, key, shifted, match_set_range(v->arena, value, value));
}

static void test_given(struct view *v, struct match_region *r, const struct match_key *keys,
		       unsigned shifted, enum quantity first, enum quantity last)
{
	for (size_t q = first; q <= last; q++)
		if (v->given[q] && keys[q].bits)
			test(r, keys[q], shifted, v->in[q]);
}

static void push(struct view *v, const struct match_region *r)
{
	vec_push(v->arena, v->out, *r);
}

static void push_shadow(struct view *v, struct match_region r)
{
	r.way = WAY_UNDECIDED;
	push(v, &r);
}

/* ---- protocols and what depends on them ---- */

enum { PORTS = 1, FLAGS = 2, ICMP = 4 };

struct group {
	unsigned bit;
	enum quantity first, last;
};
static const struct group groups[] = { { PORTS, Q_SPORT, Q_DPORT },
				       { FLAGS, Q_FLAGS, Q_FLAGS },
				       { ICMP, Q_ICMP_TYPE, Q_ICMP_CODE } };
enum { N_GROUPS = sizeof(groups) / sizeof(*groups) };

/* What a packet of a protocol has, if it is whole or the first fragment. */
static const struct {
	unsigned has;
	unsigned protocols[2];
	size_t n;
} kinds[] = {
	{ PORTS | FLAGS, { 6, 0 }, 1 },
	{ PORTS, { 17, 132 }, 2 },
	{ ICMP, { 1, 58 }, 2 },
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Where the packet's header ends, as far as a region is concerned. */
struct header {
	enum match_net net;
	unsigned shifted;
	bool keep_protocol; /* test it even if the box does not */
};

static struct match_set kind_protocols(struct view *v, size_t i)
{
	struct match_set s = { 0 };

	for (size_t k = 0; k < kinds[i].n; k++)
		s = match_set_or(
		    v->arena, s,
		    match_set_range(v->arena, kinds[i].protocols[k], kinds[i].protocols[k]));
	return s;
}

/* Protocols whose packets have just the groups HAS of those that are GIVEN. */
static struct match_set protocols_with(struct view *v, unsigned has_groups, unsigned given,
				       bool later)
{
	struct match_set all = { 0 }, with = { 0 };

	for (size_t i = 0; i < N_KINDS; i++) {
		unsigned present = kinds[i].has & given & (later ? ICMP : ~0u);

		all = match_set_or(v->arena, all, kind_protocols(v, i));
		if (present == has_groups)
			with = match_set_or(v->arena, with, kind_protocols(v, i));
	}
	if (!has_groups)
		with = match_set_or(v->arena, with, match_set_not(v->arena, all, PROTO_MAX));
	return with;
}

static unsigned given_groups(const struct view *v)
{
	unsigned given = 0;

	for (size_t i = 0; i < N_GROUPS; i++)
		if (any_given(v, groups[i].first, groups[i].last))
			given |= groups[i].bit;
	return given;
}

static void test_fragment(struct view *v, struct match_region *r, const struct header *h,
			  bool later)
{
	struct match_key key = net_keys[h->net][Q_FRAG];

	if (!key.bits)
		return;
	if (later)
		test(r, key, h->shifted, match_set_range(v->arena, 1, match_key_max(key)));
	else
		test_value(v, r, key, h->shifted, 0);
}

static void test_length(struct view *v, struct match_region *r, const struct header *h,
			bool options)
{
	struct match_set plain = match_set_range(v->arena, 5, 5);

	test(r, header_length, h->shifted,
	     options ? match_set_not(v->arena, plain, match_key_max(header_length)) : plain);
}

/* R with what follows the header; behind options a table does not know where that is. */
static void push_transport(struct view *v, const struct header *h, struct match_region r,
			   unsigned present)
{
	struct match_region with = r;

	for (size_t i = 0; i < N_GROUPS; i++)
		if (present & groups[i].bit)
			test_given(v, &with, net_keys[h->net], h->shifted, groups[i].first,
				   groups[i].last);
	if (present && h->net == NET_V4 && v->limits->fixed) {
		test_length(v, &r, h, true);
		push_shadow(v, r);
		test_length(v, &with, h, false);
	}
	push(v, &with);
}

enum pieces { WHOLE, LATER, ALL_PIECES };

static void push_protocols(struct view *v, const struct header *h, const struct match_region *start,
			   struct match_set allowed, enum pieces pieces)
{
	unsigned given = given_groups(v);

	for (unsigned present = 0; present <= given; present++) {
		struct match_region r = *start;
		struct match_set in;
		bool stands = true;

		if (present & ~given)
			continue;
		for (size_t i = 0; i < N_GROUPS; i++)
			if (!(present & groups[i].bit))
				stands = stands && stands_for(v, groups[i].first, groups[i].last);
		in = match_set_and(v->arena, allowed,
				   protocols_with(v, present, given, pieces == LATER));
		if (!stands || !in.n)
			continue;
		if (given || v->given[Q_PROTO] || h->keep_protocol)
			test(&r, net_keys[h->net][Q_PROTO], h->shifted, in);
		if (pieces != ALL_PIECES)
			test_fragment(v, &r, h, pieces == LATER);
		push_transport(v, h, r, present);
	}
}

/* All regions below a header; later fragments are set apart where that matters. */
static void push_header(struct view *v, const struct header *h, const struct match_region *start)
{
	struct match_set allowed =
	    v->given[Q_PROTO] ? v->in[Q_PROTO] : match_set_range(v->arena, 0, PROTO_MAX);
	bool matters = v->given[Q_FRAG] || given_groups(v) & (PORTS | FLAGS);

	if (h->net == NET_V6)
		allowed = match_set_and(
		    v->arena, allowed,
		    match_set_not(v->arena,
				  match_set_range(v->arena, PROTO_FRAGMENT, PROTO_FRAGMENT),
				  PROTO_MAX));
	if (!matters) {
		push_protocols(v, h, start, allowed, ALL_PIECES);
		return;
	}
	if (has(v, Q_FRAG, 0))
		push_protocols(v, h, start, allowed, WHOLE);
	if (has(v, Q_FRAG, 1) && h->net != NET_V6)
		push_protocols(v, h, start, allowed, LATER);
}

/* ---- networks ---- */

static void push_v4(struct view *v, struct match_region r, unsigned shifted)
{
	const struct header h = { NET_V4, shifted, false };

	if (!v->families[FAM_V4] || !has(v, Q_TYPE, TYPE_V4) || !stands_for(v, Q_SRC6, Q_DST6))
		return;
	test_value(v, &r, link_keys[Q_TYPE], shifted, TYPE_V4);
	test_given(v, &r, net_keys[NET_V4], shifted, Q_SRC4, Q_DST4);
	test_given(v, &r, net_keys[NET_V4], shifted, Q_DSCP, Q_TTL);
	push_header(v, &h, &r);
}

static void push_fragments(struct view *v, struct match_region r, unsigned shifted)
{
	const struct header h = { NET_V6_FRAGMENT, shifted, false };

	test_value(v, &r, net_keys[NET_V6][Q_PROTO], shifted, PROTO_FRAGMENT);
	if (v->limits->fixed)
		push_shadow(v, r);
	else
		push_header(v, &h, &r);
}

static void push_v6(struct view *v, struct match_region r, unsigned shifted)
{
	bool deep = any_given(v, Q_PROTO, Q_FRAG) || given_groups(v);
	const struct header h = { NET_V6, shifted, true };

	if (!v->families[FAM_V6] || !has(v, Q_TYPE, TYPE_V6) || !stands_for(v, Q_SRC4, Q_DST4))
		return;
	test_value(v, &r, link_keys[Q_TYPE], shifted, TYPE_V6);
	if (v->limits->no_v6) {
		push_shadow(v, r);
		return;
	}
	test_given(v, &r, net_keys[NET_V6], shifted, Q_SRC6, Q_DST6);
	test_given(v, &r, net_keys[NET_V6], shifted, Q_DSCP, Q_TTL);
	if (!deep) {
		push(v, &r);
		return;
	}
	push_header(v, &h, &r);
	push_fragments(v, r, shifted);
}

static void push_other(struct view *v, struct match_region r, unsigned shifted, bool tagged)
{
	struct match_key key = link_keys[Q_TYPE];
	struct match_set known = match_set_or(v->arena, match_set_range(v->arena, TYPE_V4, TYPE_V4),
					      match_set_range(v->arena, TYPE_V6, TYPE_V6));
	struct match_set in;

	if (!tagged)
		known =
		    match_set_or(v->arena, known, match_set_range(v->arena, TYPE_TAG, TYPE_TAG));
	in = match_set_not(v->arena, known, match_key_max(key));
	if (v->given[Q_TYPE])
		in = match_set_and(v->arena, in, v->in[Q_TYPE]);
	if (!v->families[FAM_NONE] || !in.n || !stands_for(v, Q_PROTO, Q_ICMP_CODE))
		return;
	test(&r, key, shifted, in);
	push(v, &r);
}

static void push_nets(struct view *v, const struct match_region *r, bool tagged)
{
	unsigned shifted = tagged ? TAG_SIZE : 0;

	push_v4(v, *r, shifted);
	push_v6(v, *r, shifted);
	push_other(v, *r, shifted, tagged);
}

/* ---- tags ---- */

static struct match_set vlans(struct view *v)
{
	struct match_set in = match_set_range(v->arena, 0, MOST_VLAN);

	if (!v->given[Q_VLAN])
		return in;
	in = v->in[Q_VLAN];
	if (v->absent[Q_VLAN])
		in = match_set_or(v->arena, in, match_set_range(v->arena, MOST_VLAN, MOST_VLAN));
	return in;
}

static bool same_for_all_nets(const struct view *v)
{
	return v->families[FAM_NONE] && v->families[FAM_V4] && v->families[FAM_V6] &&
	       !v->given[Q_TYPE] && !any_given(v, Q_PROTO, Q_ICMP_CODE);
}

static void push_tagged(struct view *v, struct match_region r, bool alike)
{
	if (!vlans(v).n)
		return;
	test_value(v, &r, link_keys[Q_TYPE], 0, TYPE_TAG);
	if (v->given[Q_VLAN])
		test(&r, link_keys[Q_VLAN], 0, vlans(v));
	if (alike)
		push(v, &r);
	else if (v->limits->no_tags)
		push_shadow(v, r);
	else
		push_nets(v, &r, true);
}

static void push_untagged(struct view *v, struct match_region r, bool alike)
{
	if (v->given[Q_VLAN] && !v->absent[Q_VLAN])
		return;
	if (!alike) {
		push_nets(v, &r, false);
		return;
	}
	test(&r, link_keys[Q_TYPE], 0,
	     match_set_not(v->arena, match_set_range(v->arena, TYPE_TAG, TYPE_TAG),
			   match_key_max(link_keys[Q_TYPE])));
	push(v, &r);
}

static void push_box(struct view *v)
{
	bool alike = same_for_all_nets(v);
	struct match_region r = { .way = v->way, .optional = v->way == MATCH_REST };

	/* Frames have addresses: a box of packets without them is of no frame. */
	for (size_t q = Q_DST; q <= Q_TYPE; q++)
		if (v->given[q] && !v->in[q].n)
			return;
	test_given(v, &r, link_keys, 0, Q_DST, Q_SRC);
	if (alike && !v->given[Q_VLAN]) {
		push(v, &r);
		return;
	}
	push_untagged(v, r, alike);
	push_tagged(v, r, alike);
}

void match_regions_add(struct arena *a, struct fields *f, const struct cubes *set, unsigned way,
		       const struct match_known *known, const struct match_limits *limits,
		       struct match_regions *out)
{
	for (size_t i = 0; i < cubes_count(set); i++) {
		struct view v = { .arena = a,
				  .limits = limits,
				  .out = out,
				  .way = way,
				  .families = { true, true, true } };
		struct cubes_side *sides;
		size_t n = cubes_sides(f, set, i, &sides);

		for (size_t k = 0; k < n; k++)
			if (!sides[k].field || !known ||
			    !known->is_known(sides[k].field, known->data))
				read_side(&v, &sides[k]);
		push_box(&v);
	}
}
