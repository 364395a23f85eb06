/* Random packets for which a filter holds.
 *
 * The search begins with the box of all packets of one kind (IPv6 with TCP, a later fragment of
 * IPv4, ...), takes a way through the filter's alternatives that leaves something of it, and
 * turns back where none does.  Kinds and alternatives are tried in random order, except that a
 * packet stays of its own family and protocol where the filter says nothing of these. */
#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>

enum {
	MOST_STEPS = 20000, /* of the search through one kind */
	MOST_DEPTH = 4096,
	MOST_KINDS = 64 /* in the table below */
};

/* A kind of packet: what is there, and where the values lie that go with that. */
static const struct kind {
	uint8_t shape;
	uint8_t frag;
	uint8_t odd; /* how seldom one wants it where nothing is said */
	struct filter_span proto;
} kinds[] = {
#define IP4 (PACKET_ETH | PACKET_IP4 | SHAPE_IP)
#define IP6 (PACKET_ETH | PACKET_IP6 | SHAPE_IP)
#define ONE(number)            \
	{                      \
		number, number \
	}
	{ IP4 | PACKET_L4 | PACKET_TCP, 0, 0, ONE(IPPROTO_TCP) },
	{ IP6 | PACKET_L4 | PACKET_TCP, 0, 0, ONE(IPPROTO_TCP) },
	{ IP4 | PACKET_L4, 0, 0, ONE(IPPROTO_UDP) },
	{ IP6 | PACKET_L4, 0, 0, ONE(IPPROTO_UDP) },
	{ IP4 | PACKET_L4, 0, 2, ONE(IPPROTO_SCTP) },
	{ IP6 | PACKET_L4, 0, 2, ONE(IPPROTO_SCTP) },
	{ IP4 | PACKET_ICMP, 0, 1, ONE(IPPROTO_ICMP) },
	{ IP6 | PACKET_ICMP, 0, 1, ONE(IPPROTO_ICMPV6) },
	{ IP4 | PACKET_ICMP, 0, 3, ONE(IPPROTO_ICMPV6) },
	{ IP6 | PACKET_ICMP, 0, 3, ONE(IPPROTO_ICMP) },
	/* Other protocols; those of IPv6's extension headers are none. */
	{ IP4, 0, 3, { 0, 0 } },
	{ IP4, 0, 3, { 2, 5 } },
	{ IP4, 0, 3, { 7, 16 } },
	{ IP4, 0, 2, { 18, 57 } },
	{ IP4, 0, 3, { 59, 131 } },
	{ IP4, 0, 3, { 133, 255 } },
	{ IP6, 0, 3, { 2, 5 } },
	{ IP6, 0, 3, { 7, 16 } },
	{ IP6, 0, 3, { 18, 42 } },
	{ IP6, 0, 2, { 45, 57 } },
	{ IP6, 0, 3, { 59, 59 } },
	{ IP6, 0, 3, { 61, 131 } },
	{ IP6, 0, 3, { 133, 255 } },
	{ IP4, 1, 4, { 0, 255 } },
	{ IP6, 1, 4, { 1, 42 } },
	{ IP6, 1, 4, { 45, 59 } },
	{ IP6, 1, 4, { 61, 255 } },
	/* No IP: `proto` is then of the Ethernet type. */
	{ PACKET_ETH, 0, 5, { 0, RTE_ETHER_TYPE_IPV4 - 1 } },
	{ PACKET_ETH, 0, 5, { RTE_ETHER_TYPE_IPV4 + 1, RTE_ETHER_TYPE_VLAN - 1 } },
	{ PACKET_ETH, 0, 5, { RTE_ETHER_TYPE_VLAN + 1, RTE_ETHER_TYPE_IPV6 - 1 } },
	{ PACKET_ETH, 0, 5, { RTE_ETHER_TYPE_IPV6 + 1, RTE_ETHER_TYPE_QINQ - 1 } },
	{ PACKET_ETH, 0, 5, { RTE_ETHER_TYPE_QINQ + 1, UINT16_MAX } },
#undef IP4
#undef IP6
#undef ONE
};

_Static_assert(RTE_DIM(kinds) <= MOST_KINDS, "room for an order of them");

/* Filters that must all hold, or not, of what is left. */
struct goal {
	const struct filter *const *filters; /* one, or comparisons of one field that are denied */
	size_t n;
	bool negated;
	const struct goal *next;
};

struct search {
	uint64_t *seed;
	size_t steps; /* still allowed */
	size_t depth;
	struct filter_box found;
};

static uint64_t draw(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t draw_within(uint64_t *seed, struct filter_span in)
{
	return in.lo + (uint32_t)(draw(seed) % ((uint64_t)in.hi - in.lo + 1));
}

/* ---- the search ---- */

static bool seek(struct search *, const struct goal *, const struct filter_box *);

/* Parts or terms are tried in a random cyclic order: from a random one on, by a step that has no
 * divisor in common with their number. */
struct turn {
	size_t at, step, n;
};

static size_t divisor(size_t a, size_t b)
{
	while (b) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static struct turn turn_begin(uint64_t *seed, size_t n)
{
	struct turn t = { 0, 1, n };

	if (n < 2)
		return t;
	t.at = draw(seed) % n;
	t.step = 1 + draw(seed) % (n - 1);
	while (divisor(t.step, n) != 1)
		t.step = t.step % (n - 1) + 1;
	return t;
}

static size_t turn_next(struct turn *t)
{
	size_t at = t->at;

	t->at = (t->at + t->step) % t->n;
	return at;
}

static bool seek_term(struct search *s, const struct goal *g, const struct filter_box *box)
{
	struct filter_terms terms = { 0 };
	struct turn turn;
	bool found = false;

	filter_terms(g->filters, g->n, g->negated, &terms);
	turn = turn_begin(s->seed, terms.n);
	for (size_t i = 0; i < terms.n && !found && s->steps; i++) {
		struct filter_box narrower = *box;

		s->steps--;
		found = filter_box_meet(&narrower, &terms.at[turn_next(&turn)]) &&
			seek(s, g->next, &narrower);
	}
	filter_terms_free(&terms);
	return found;
}

static bool seek_any(struct search *s, const struct goal *g, const struct filter_box *box)
{
	const struct filter *f = g->filters[0];
	struct turn turn = turn_begin(s->seed, f->n_parts);
	bool found = false;

	for (size_t i = 0; i < f->n_parts && !found && s->steps; i++) {
		struct goal part = { &f->parts[turn_next(&turn)], 1, g->negated, g->next };

		s->steps--;
		found = seek(s, &part, box);
	}
	return found;
}

/* What seek_all makes of a conjunction. */
struct parts {
	struct goal *goals;
	const struct filter **denials;
	size_t n, n_denials;
	const struct goal *last; /* which is met first */
};

static void add_goal(struct parts *parts, const struct filter *const *filters, size_t n,
		     bool negated)
{
	parts->goals[parts->n] = (struct goal){ filters, n, negated, parts->last };
	parts->last = &parts->goals[parts->n++];
}

static void find_denials(struct parts *parts, const struct goal *g)
{
	const struct filter *f = g->filters[0];

	for (size_t i = 0; i < f->n_parts; i++) {
		const struct filter *denied = filter_denied(f->parts[i], g->negated);

		if (denied)
			parts->denials[parts->n_denials++] = denied;
	}
}

/* All denials of one field are one goal, so that the search does not run into each of them; and
 * what leaves a choice of ways comes after what does not. */
static void find_goals(struct parts *parts, const struct goal *g)
{
	const struct filter *f = g->filters[0];

	for (unsigned simple = 0; simple < 2; simple++)
		for (size_t i = 0; i < f->n_parts; i++)
			if (!filter_denied(f->parts[i], g->negated) &&
			    (f->parts[i]->kind == FILTER_IN) == simple)
				add_goal(parts, &f->parts[i], 1, g->negated);
	for (size_t i = 0; i < parts->n_denials;) {
		const struct filter **rest = parts->denials + i;
		size_t same = filter_gather(rest, parts->n_denials - i);

		add_goal(parts, rest, same, true);
		i += same;
	}
}

static bool seek_all(struct search *s, const struct goal *g, const struct filter_box *box)
{
	size_t n = g->filters[0]->n_parts;
	struct parts parts = { .last = g->next };
	bool found = false;

	parts.goals = calloc(n, sizeof(*parts.goals));
	parts.denials = calloc(n, sizeof(*parts.denials));
	if (parts.goals && parts.denials) {
		find_denials(&parts, g);
		find_goals(&parts, g);
		found = seek(s, parts.last, box);
	}
	free(parts.goals);
	free(parts.denials);
	return found;
}

static bool seek_goal(struct search *s, const struct goal *g, const struct filter_box *box)
{
	const struct filter *f = g->filters[0];
	struct goal other;

	switch (f->kind) {
	case FILTER_TRUE:
	case FILTER_FALSE:
		return (f->kind == FILTER_TRUE) != g->negated && seek(s, g->next, box);
	case FILTER_IN:
		return seek_term(s, g, box);
	case FILTER_NOT:
		other = (struct goal){ f->parts, 1, !g->negated, g->next };
		return seek(s, &other, box);
	case FILTER_AND:
	case FILTER_OR:
		return (f->kind == FILTER_AND) != g->negated ? seek_all(s, g, box)
							     : seek_any(s, g, box);
	}
	return false;
}

/* A packet of the box for which all goals are met. */
static bool seek(struct search *s, const struct goal *g, const struct filter_box *box)
{
	bool found;

	if (!g) {
		s->found = *box;
		return true;
	}
	if (s->depth == MOST_DEPTH)
		return false;
	s->depth++;
	found = seek_goal(s, g, box);
	s->depth--;
	return found;
}

/* ---- kinds ---- */

static void demand(struct filter_box *b, unsigned column, struct filter_span in)
{
	b->in[column] = in;
}

/* All packets of a kind.  Columns that only this demands are not bound: they are not the
 * filter's. */
static void box_of_kind(const struct kind *k, struct filter_box *b)
{
	static const struct filter_span none = { 0, 0 };
	bool ip4 = k->shape & PACKET_IP4, ip6 = k->shape & PACKET_IP6;
	uint32_t type = ip4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;

	filter_box_all(b);
	b->need = (uint8_t)~PACKET_VLAN;
	b->shape = k->shape;
	demand(b, COLUMN_VLAN, (struct filter_span){ 0, 4094 });
	demand(b, COLUMN_DSCP, (struct filter_span){ 0, 63 });
	demand(b, COLUMN_FRAG, (struct filter_span){ k->frag, k->frag });
	demand(b, COLUMN_PROTO, ip4 || ip6 ? k->proto : none);
	demand(b, COLUMN_ETH_TYPE, ip4 || ip6 ? (struct filter_span){ type, type } : k->proto);
	for (unsigned i = 0; i < 3 && !ip6; i++) {
		demand(b, COLUMN_SRC + i, none);
		demand(b, COLUMN_DST + i, none);
	}
}

static bool compares(const struct filter *f, enum filter_field field)
{
	if (f->kind == FILTER_IN && f->field == field)
		return true;
	for (size_t i = 0; i < f->n_parts; i++)
		if (compares(f->parts[i], field))
			return true;
	return false;
}

struct wishes {
	bool family, proto; /* which the filter leaves open */
	uint8_t shape, frag;
	uint16_t number; /* what kinds call `proto` */
};

static struct wishes wishes_of(const struct filter *f, const struct packet *p)
{
	return (struct wishes){ .family = !compares(f, FIELD_IP_SRC) &&
					  !compares(f, FIELD_IP_DST) &&
					  !compares(f, FIELD_ETH_TYPE),
				.proto = !compares(f, FIELD_IP_PROTO),
				.shape = packet_shape(p),
				.frag = p->frag,
				.number = p->present & PACKET_IP ? p->proto : p->eth_type };
}

/* How far a kind is from what is wished; what is not of the filter stays as it was. */
static unsigned distance(const struct wishes *w, const struct kind *k)
{
	uint8_t family = PACKET_IP4 | PACKET_IP6 | SHAPE_IP, other = w->shape ^ k->shape;
	bool same_family = !(other & family);
	bool same_proto = !(other & (PACKET_L4 | PACKET_TCP | PACKET_ICMP)) &&
			  w->number >= k->proto.lo && w->number <= k->proto.hi &&
			  w->frag == k->frag;

	if (same_family && same_proto)
		return 0;
	if (!(k->shape & SHAPE_IP) || k->frag)
		return 100u + k->odd;
	return (w->family && !same_family ? 30u : 0) + (w->proto && !same_proto ? 10u + k->odd : 0);
}

/* The order in which kinds are tried: by distance, else at random. */
static void order_kinds(const struct wishes *w, uint64_t *seed, uint8_t order[MOST_KINDS])
{
	unsigned far[MOST_KINDS];

	for (uint8_t i = 0; i < RTE_DIM(kinds); i++) {
		unsigned mine = distance(w, &kinds[i]) << 16 | (draw(seed) & 0xffff), at = i;

		for (; at && far[at - 1] > mine; at--) {
			far[at] = far[at - 1];
			order[at] = order[at - 1];
		}
		far[at] = mine;
		order[at] = i;
	}
}

/* ---- the packet ---- */

/* An address that the filter leaves open, of a family that the packet did not have. */
static void draw_address(const struct filter_box *b, unsigned column, uint64_t *seed,
			 struct packet *p)
{
	if (b->bound >> column & 15)
		return;
	for (unsigned i = 0; i < 4; i++)
		column_write(p, column + i, b->shape & PACKET_IP6 ? (uint32_t)draw(seed) : 0);
	if (b->shape & PACKET_IP6)
		column_write(p, column, 0xfd000000);
	else
		column_write(p, column + 3, 0x0a000000 | (uint32_t)(draw(seed) & 0xffffff));
}

static void change_family(const struct filter_box *b, uint64_t *seed, struct packet *p)
{
	if (!((b->shape ^ packet_shape(p)) & (PACKET_IP4 | PACKET_IP6)))
		return;
	draw_address(b, COLUMN_SRC, seed, p);
	draw_address(b, COLUMN_DST, seed, p);
}

/* What the filter compares is drawn anew; the rest only where it does not fit. */
static void fill(const struct filter_box *b, uint64_t *seed, struct packet *p)
{
	for (unsigned i = 0; i < N_COLUMNS; i++) {
		uint32_t now = column_read(p, i);

		if (b->bound >> i & 1 || now < b->in[i].lo || now > b->in[i].hi)
			column_write(p, i, draw_within(seed, b->in[i]));
	}
}

/* The words of an address behind those that are bound are drawn, too. */
static void bind_addresses(struct filter_box *b)
{
	for (unsigned column = COLUMN_SRC; column <= COLUMN_DST; column += 4)
		if (b->shape & PACKET_IP6 && b->bound >> column & 15)
			b->bound |= 15u << column;
}

static void clear_absent(struct packet *p)
{
	if (!(p->present & PACKET_VLAN))
		p->vlan = 0;
	if (!(p->present & PACKET_IP)) {
		memset(p->src, 0, sizeof(p->src));
		memset(p->dst, 0, sizeof(p->dst));
		p->dscp = p->ttl = 0;
	}
	if (!(p->present & PACKET_L4))
		p->sport = p->dport = 0;
	if (!(p->present & PACKET_TCP))
		p->tcp_flags = 0;
	if (!(p->present & PACKET_ICMP))
		p->icmp_type = p->icmp_code = 0;
}

/* Headers that the packet did not have: with ports of clients, and a usual time to live. */
static void fill_new(const struct filter_box *b, uint64_t *seed, struct packet *p)
{
	static const struct filter_span client = { 1024, 65535 };
	uint8_t new = b->shape &(uint8_t)~packet_shape(p);

	if (new &SHAPE_IP && !(b->bound >> COLUMN_TTL & 1))
		p->ttl = 64;
	if (new &PACKET_L4 && !(b->bound >> COLUMN_SPORT & 1))
		p->sport = (uint16_t)draw_within(seed, client);
	if (new &PACKET_L4 && !(b->bound >> COLUMN_DPORT & 1))
		p->dport = (uint16_t)draw_within(seed, client);
}

static void apply(struct filter_box *b, uint64_t *seed, struct packet *p)
{
	uint32_t vlan = b->need & PACKET_VLAN ? b->shape : p->present;

	change_family(b, seed, p);
	bind_addresses(b);
	fill(b, seed, p);
	fill_new(b, seed, p);
	p->present = (b->shape & ~(SHAPE_IP | PACKET_VLAN)) | (vlan & PACKET_VLAN);
	clear_absent(p);
}

bool filter_sample(const struct filter *f, uint64_t *seed, struct packet *p)
{
	struct search s = { .seed = seed };
	struct goal goal = { .filters = &f, .n = 1 };
	struct wishes wishes = wishes_of(f, p);
	uint8_t order[MOST_KINDS];

	order_kinds(&wishes, seed, order);
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct filter_box box;

		box_of_kind(&kinds[order[i]], &box);
		s.steps = MOST_STEPS;
		if (!seek(&s, &goal, &box))
			continue;
		apply(&s.found, seed, p);
		return filter_holds(f, p);
	}
	return false;
}
