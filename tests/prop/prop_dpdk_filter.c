/* Random filters and packets of the dataplane.  A filter is drawn as a tree of this file's own,
 * written down as text and parsed; a packet is drawn as a list of fields, written down as bytes
 * and parsed.  What the tree says of the fields is what the filter must say of the packet, by
 * whichever way many filters are decided; and drawn samples satisfy their filter. */
#include <config.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/filter.h"
#include "tests/unit/packets.h"

enum {
	N_ROUNDS = 200,
	N_LARGE = 2,
	ACL_EVERY = 8, /* rounds: to build its tables takes long for such filters */
	N_SAMPLES = 3000,
	MOST_FILTERS = 200,
	MOST_PARTS = 4,
	MOST_RANGES = 5,
	TEXT_ROOM = 1 << 16,
	N_DEVICES = 3,
	N_VALUES = 4
};

typedef unsigned __int128 wide;

/* ---- what is known of a packet ---- */

enum {
	ETH_SRC,
	ETH_DST,
	ETH_TYPE,
	VLAN,
	SRC,
	DST,
	PROTO,
	DSCP,
	TTL,
	FRAG,
	SPORT,
	DPORT,
	FLAGS,
	ICMP_TYPE,
	ICMP_CODE,
	DEVICE,
	TAG_A,
	TAG_B,
	N_FIELDS
};

static const char *const names[N_FIELDS] = {
	"eth.src",   "eth.dst",   "eth.type",  "vlan.id", "ip.src",        "ip.dst",
	"ip.proto",  "ip.dscp",   "ip.ttl",    "ip.frag", "l4.sport",      "l4.dport",
	"tcp.flags", "icmp.type", "icmp.code", "port.in", "p.ids.verdict", "p.dpi.kind",
};

static const char *const words[N_VALUES] = { "accept", "alert", "drop", "no-idea" };
static const char *const devices[N_DEVICES] = { "lan", "wan", "\"x\\\n" };

struct truth {
	bool has[N_FIELDS];
	wide value[N_FIELDS];
	int family; /* 4, 6, or 0: no IP */
};

struct world {
	uint64_t state;
	size_t n_failures, n_checks;
	size_t n_acl, n_no_acl, n_true, n_sampled;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (w->state >> 33) % below;
}

static void check(struct world *w, bool holds, const char *claim, const char *filter)
{
	w->n_checks++;
	if (holds)
		return;
	if (w->n_failures++ < 20)
		fprintf(stderr, "failed: %s: %.300s\n", claim, filter);
}

/* ---- values ---- */

static wide most_of(int field)
{
	switch (field) {
	case ETH_SRC:
	case ETH_DST:
		return ((wide)1 << 48) - 1;
	case ETH_TYPE:
	case SPORT:
	case DPORT:
		return 65535;
	case VLAN:
		return 4094;
	case DSCP:
		return 63;
	case FRAG:
		return 1;
	case DEVICE:
		return N_DEVICES - 1;
	case TAG_A:
	case TAG_B:
		return N_VALUES - 1;
	default:
		return 255;
	}
}

static wide some_number(struct world *w, int field)
{
	static const uint64_t usual[] = { 0, 1, 2, 5, 6, 8, 17, 58, 80, 132, 443, 0x800, 0x86dd };
	wide most = most_of(field), v = usual[draw(w, 13)];

	if (field == ETH_SRC || field == ETH_DST)
		return ((wide)draw(w, 2) * 0xffff << 32 | draw(w, 3)) +
		       (draw(w, 4) ? 0 : 0xfffffff0);
	if (!draw(w, 3) || v > most)
		v = draw(w, 2) ? most - draw(w, 2) : draw(w, (uint64_t)most + 1);
	return v;
}

/* Near the borders of words and of prefixes that filters like. */
static wide some_address(struct world *w, int family)
{
	wide all = family == 4 ? UINT32_MAX : ~(wide)0;
	wide base = family == 4 ? 0x0a000000 : (wide)0x20010db8 << 96;

	switch (draw(w, 6)) {
	case 0:
		return draw(w, 2) ? 0 : all;
	case 1:
		return base - 1 + draw(w, 3);
	case 2:
		return family == 4 ? draw(w, UINT32_MAX)
				   : base | (wide)draw(w, 3) << 64 | draw(w, 2);
	case 3:
		return family == 4 ? base
				   : base | (wide)draw(w, 2) << 32 | (draw(w, 2) ? UINT32_MAX : 0);
	default:
		return base + draw(w, 4) * 256 + draw(w, 3);
	}
}

/* ---- filters ---- */

enum kind { K_TRUE, K_FALSE, K_IN, K_NOT, K_AND, K_OR };

struct node {
	enum kind kind;
	int field, n, n_ranges;
	struct node *parts[MOST_PARTS];
	struct {
		int family, length; /* -1: no prefix */
		wide lo, hi;
	} ranges[MOST_RANGES];
};

static void draw_prefix(struct world *w, struct node *f, int i)
{
	static const int lengths[] = { 0, 8, 24, 30, 31, 32 };
	int family = f->ranges[i].family, n = lengths[draw(w, 6)], host;

	if (family == 6 && (n || draw(w, 2)))
		n = draw(w, 2) ? n + 96 : (int)draw(w, 129);
	host = (family == 4 ? 32 : 128) - n;
	f->ranges[i].length = n;
	f->ranges[i].lo = host == 128 ? 0 : f->ranges[i].lo >> host << host;
	f->ranges[i].hi = f->ranges[i].lo | (host == 128 ? ~(wide)0 : ((wide)1 << host) - 1);
}

static void draw_range(struct world *w, struct node *f, int i)
{
	bool address = f->field == SRC || f->field == DST;
	int family = address ? (draw(w, 2) ? 4 : 6) : 0;
	wide a = address ? some_address(w, family) : some_number(w, f->field), b;

	f->ranges[i].family = family;
	f->ranges[i].length = -1;
	f->ranges[i].lo = f->ranges[i].hi = a;
	if (address && draw(w, 2)) {
		draw_prefix(w, f, i);
	} else if (f->field < DEVICE && draw(w, 2)) {
		b = address ? some_address(w, family) : some_number(w, f->field);
		f->ranges[i].lo = a < b ? a : b;
		f->ranges[i].hi = a < b ? b : a;
	}
}

static struct node *draw_comparison(struct world *w)
{
	struct node *f = calloc(1, sizeof(*f));

	f->kind = K_IN;
	f->field = (int)draw(w, N_FIELDS);
	f->n_ranges = draw(w, 3) ? 1 : 1 + (int)draw(w, MOST_RANGES);
	for (int i = 0; i < f->n_ranges; i++)
		draw_range(w, f, i);
	return f;
}

static struct node *draw_filter(struct world *w, int depth)
{
	struct node *f;

	if (!depth || !draw(w, 4)) {
		if (draw(w, 20))
			return draw_comparison(w);
		f = calloc(1, sizeof(*f));
		f->kind = draw(w, 2) ? K_TRUE : K_FALSE;
		return f;
	}
	f = calloc(1, sizeof(*f));
	f->kind = K_NOT + (enum kind)draw(w, 3);
	f->n = f->kind == K_NOT ? 1 : 2 + (int)draw(w, MOST_PARTS - 1);
	for (int i = 0; i < f->n; i++)
		f->parts[i] = draw_filter(w, depth - 1);
	return f;
}

static void node_free(struct node *f)
{
	for (int i = 0; i < f->n; i++)
		node_free(f->parts[i]);
	free(f);
}

static bool node_holds(const struct node *f, const struct truth *t)
{
	bool any = false, all = true;

	if (f->kind == K_IN) {
		for (int i = 0; i < f->n_ranges && t->has[f->field]; i++)
			any |= (!f->ranges[i].family || f->ranges[i].family == t->family) &&
			       t->value[f->field] >= f->ranges[i].lo &&
			       t->value[f->field] <= f->ranges[i].hi;
		return any;
	}
	for (int i = 0; i < f->n; i++) {
		bool part = node_holds(f->parts[i], t);

		any |= part;
		all &= part;
	}
	return f->kind == K_TRUE || (f->kind == K_NOT && !all) || (f->kind == K_AND && all) ||
	       (f->kind == K_OR && any);
}

/* ---- texts ---- */

struct writing {
	char text[TEXT_ROOM];
	size_t n;
};

static void put(struct writing *o, const char *text)
{
	size_t n = strlen(text);

	if (o->n + n >= TEXT_ROOM)
		abort();
	memcpy(o->text + o->n, text, n + 1);
	o->n += n;
}

static void put_value(struct writing *o, int field, int family, wide v)
{
	uint8_t bytes[16];
	char text[64];

	for (int i = 15; i >= 0; i--, v >>= 8)
		bytes[i] = (uint8_t)v;
	if (family)
		inet_ntop(family == 4 ? AF_INET : AF_INET6, family == 4 ? bytes + 12 : bytes, text,
			  sizeof(text));
	else if (field == ETH_SRC || field == ETH_DST)
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", bytes[10], bytes[11],
			 bytes[12], bytes[13], bytes[14], bytes[15]);
	else if (field == DEVICE)
		snprintf(text, sizeof(text), "%s",
			 bytes[15] == 2 ? "\"\\\"x\\\\\\n\""
			 : bytes[15]    ? "\"wan\""
					: "\"lan\"");
	else if (field > DEVICE)
		snprintf(text, sizeof(text), "%s", words[bytes[15]]);
	else
		snprintf(text, sizeof(text), "%u", bytes[14] << 8 | bytes[15]);
	put(o, text);
}

static void put_ranges(struct writing *o, const struct node *f)
{
	for (int i = 0; i < f->n_ranges; i++) {
		char length[8];

		put(o, i ? ", " : "");
		put_value(o, f->field, f->ranges[i].family, f->ranges[i].lo);
		snprintf(length, sizeof(length), "/%d", f->ranges[i].length);
		if (f->ranges[i].length >= 0) {
			put(o, length);
		} else if (f->ranges[i].lo != f->ranges[i].hi) {
			put(o, "..");
			put_value(o, f->field, f->ranges[i].family, f->ranges[i].hi);
		}
	}
}

static void put_node(struct writing *o, const struct node *f)
{
	if (f->kind == K_IN) {
		bool one = f->n_ranges == 1 && f->ranges[0].lo == f->ranges[0].hi &&
			   f->ranges[0].length < 0;

		put(o, names[f->field]);
		put(o, one ? " == " : f->n_ranges > 1 ? " in {" : " in ");
		put_ranges(o, f);
		put(o, f->n_ranges > 1 ? "}" : "");
		return;
	}
	put(o, f->kind == K_TRUE ? "true" : f->kind == K_FALSE ? "false" : "");
	put(o, f->kind == K_NOT ? "not " : "");
	for (int i = 0; i < f->n; i++) {
		bool bare = f->parts[i]->kind <= K_IN;

		put(o, !i ? "" : f->kind == K_AND ? " and " : " or ");
		put(o, bare ? "" : "(");
		put_node(o, f->parts[i]);
		put(o, bare ? "" : ")");
	}
}

static bool name_tag(void *arg, const char *name, uint8_t *tag)
{
	(void)arg;
	*tag = !strcmp(name, names[TAG_A]) ? 2 : 7;
	return !strcmp(name, names[TAG_A]) || !strcmp(name, names[TAG_B]);
}

static bool name_value(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	(void)arg, (void)tag;
	for (*index = 0; *index < N_VALUES; ++*index)
		if (!strcmp(words[*index], value))
			return true;
	return false;
}

static bool name_device(void *arg, const char *name, uint16_t *index)
{
	const char *const known[N_DEVICES] = { devices[0], devices[1], "\"x\\\n" };

	(void)arg;
	for (*index = 0; *index < N_DEVICES; ++*index)
		if (!strcmp(known[*index], name))
			return true;
	return false;
}

static const struct filter_names all_names = { name_tag, name_value, name_device, NULL };

static const struct filter *parsed(struct world *w, const struct node *f, struct writing *o)
{
	struct filter_error error;
	const struct filter *filter;

	o->n = 0;
	put(o, "");
	put_node(o, f);
	filter = filter_parse(o->text, &all_names, &error);
	check(w, filter, "the text of a filter is taken", filter ? o->text : error.text);
	if (!filter)
		exit(1);
	return filter;
}

/* ---- packets ---- */

struct bytes {
	uint8_t at[2048];
	size_t n;
};

static void put_bytes(struct bytes *b, wide value, int size)
{
	for (int i = size - 1; i >= 0; i--)
		b->at[b->n++] = i < 16 ? (uint8_t)(value >> 8 * i) : 0;
}

static void know(struct truth *t, int field, wide value)
{
	t->has[field] = true;
	t->value[field] = value;
}

static bool has_ports(wide proto)
{
	return proto == 6 || proto == 17 || proto == 132;
}

static bool is_extension(wide proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static void put_l4(struct world *w, struct truth *t, struct bytes *b)
{
	wide proto = t->value[PROTO];
	bool icmp = proto == 1 || proto == 58;

	if (t->value[FRAG] || (!has_ports(proto) && !icmp)) {
		put_bytes(b, draw(w, UINT32_MAX), 8 + (int)draw(w, 8));
		return;
	}
	if (icmp) {
		know(t, ICMP_TYPE, some_number(w, ICMP_TYPE));
		know(t, ICMP_CODE, some_number(w, ICMP_CODE));
		put_bytes(b, t->value[ICMP_TYPE] << 8 | t->value[ICMP_CODE], 2);
		put_bytes(b, draw(w, UINT32_MAX), 6);
		return;
	}
	know(t, SPORT, some_number(w, SPORT));
	know(t, DPORT, some_number(w, DPORT));
	put_bytes(b, t->value[SPORT] << 16 | t->value[DPORT], 4);
	if (proto != 6) {
		put_bytes(b, 8, proto == 17 ? 4 : 8);
		return;
	}
	know(t, FLAGS, some_number(w, FLAGS));
	put_bytes(b, draw(w, UINT32_MAX), 8);
	put_bytes(b, (wide)(5 + draw(w, 2)) << 12 | t->value[FLAGS], 2);
	put_bytes(b, 0, 6 + 4);
}

static void draw_ip(struct world *w, struct truth *t)
{
	know(t, PROTO, draw(w, 3) ? (wide[]){ 6, 17, 132, 1, 58 }[draw(w, 5)] : draw(w, 256));
	while (t->family == 6 && is_extension(t->value[PROTO]))
		know(t, PROTO, draw(w, 256));
	know(t, DSCP, some_number(w, DSCP));
	know(t, TTL, some_number(w, TTL));
	know(t, FRAG, !draw(w, 6));
	know(t, SRC, some_address(w, t->family));
	know(t, DST, some_address(w, t->family));
}

static void put_ip4(struct world *w, struct truth *t, struct bytes *b)
{
	int options = draw(w, 4) ? 0 : (int)draw(w, 11);
	size_t start = b->n, end;

	put_bytes(b, 0x45 + (wide)options, 1);
	put_bytes(b, t->value[DSCP] << 2 | draw(w, 4), 1);
	put_bytes(b, 0, 4);
	put_bytes(b, t->value[FRAG] ? 1 + draw(w, 0x1fff) : draw(w, 2) << 13, 2);
	put_bytes(b, t->value[TTL] << 8 | t->value[PROTO], 2);
	put_bytes(b, 0, 2);
	put_bytes(b, t->value[SRC] << 32 | t->value[DST], 8);
	put_bytes(b, 1, options * 4);
	put_l4(w, t, b);
	end = b->n;
	b->n = start + 2;
	put_bytes(b, end - start, 2);
	b->n = end;
}

/* Zero or more extension headers; the last one's next header is the protocol. */
static void put_extensions(struct world *w, struct truth *t, struct bytes *b, size_t next)
{
	static const uint8_t kinds[] = { 0, 43, 60 };
	unsigned n = draw(w, 3) ? 0 : 1 + (unsigned)draw(w, 3);

	for (unsigned i = 0; i < n; i++) {
		unsigned longer = (unsigned)draw(w, 3);

		b->at[next] = kinds[draw(w, 3)];
		next = b->n;
		put_bytes(b, longer, 2);
		put_bytes(b, draw(w, UINT32_MAX), 6 + 8 * (int)longer);
	}
	if (t->value[FRAG] || !draw(w, 4)) {
		b->at[next] = 44;
		next = b->n;
		put_bytes(b, 0, 2);
		put_bytes(b, t->value[FRAG] ? (1 + draw(w, 0x1fff)) << 3 : draw(w, 2), 2);
		put_bytes(b, draw(w, UINT32_MAX), 4);
	}
	b->at[next] = (uint8_t)t->value[PROTO];
}

static void put_ip6(struct world *w, struct truth *t, struct bytes *b)
{
	size_t start = b->n, end;

	put_bytes(b, 6u << 28 | (uint32_t)t->value[DSCP] << 22 | (uint32_t)draw(w, 1 << 22), 4);
	put_bytes(b, 0, 3);
	put_bytes(b, t->value[TTL], 1);
	put_bytes(b, t->value[SRC], 16);
	put_bytes(b, t->value[DST], 16);
	put_extensions(w, t, b, start + 6);
	put_l4(w, t, b);
	end = b->n;
	b->n = start + 4;
	put_bytes(b, end - start - 40, 2);
	b->n = end;
}

static void put_frame(struct world *w, struct truth *t, struct bytes *b)
{
	unsigned tags = draw(w, 3) ? 0 : 1 + (unsigned)draw(w, 2);

	know(t, ETH_SRC, some_number(w, ETH_SRC));
	know(t, ETH_DST, some_number(w, ETH_DST));
	know(t, ETH_TYPE, t->family == 4 ? 0x800 : t->family == 6 ? 0x86dd : draw(w, 0x700));
	put_bytes(b, t->value[ETH_DST], 6);
	put_bytes(b, t->value[ETH_SRC], 6);
	for (unsigned i = 0; i < tags; i++) {
		wide id = some_number(w, VLAN);

		put_bytes(b, i + 1 < tags ? 0x88a8 : 0x8100, 2);
		put_bytes(b, (wide)draw(w, 16) << 12 | id, 2);
		if (!i)
			know(t, VLAN, id);
	}
	put_bytes(b, t->value[ETH_TYPE], 2);
}

static struct rte_mbuf *draw_packet(struct world *w, struct truth *t)
{
	struct bytes b = { .n = 0 };
	struct rte_mbuf *m;

	*t = (struct truth){ .family = (int[]){ 4, 4, 6, 6, 0 }[draw(w, 5)] };
	if (t->family)
		draw_ip(w, t);
	put_frame(w, t, &b);
	if (t->family == 4)
		put_ip4(w, t, &b);
	else if (t->family == 6)
		put_ip6(w, t, &b);
	put_bytes(&b, 0x55aa, draw(w, 3) ? 0 : 1 + (int)draw(w, 15)); /* padding */
	m = packets_raw(b.at, b.n);
	know(t, DEVICE, draw(w, N_DEVICES));
	packet_of(m)->device = (uint16_t)t->value[DEVICE];
	for (int tag = TAG_A; tag <= TAG_B; tag++)
		if (draw(w, 3)) {
			know(t, tag, draw(w, N_VALUES));
			packet_of(m)->tags[tag == TAG_A ? 2 : 7] = (uint16_t)t->value[tag];
		}
	return m;
}

/* ---- choosing ---- */

struct scene {
	const struct filter *filters[MOST_FILTERS];
	struct node *nodes[MOST_FILTERS];
	size_t n;
	struct rte_mbuf *packets[BURST];
	struct truth truths[BURST];
	struct writing writing;
};

static void check_way(struct world *w, struct scene *s, enum chooser_how how, const char *claim)
{
	struct filter_error error;
	struct chooser *c = chooser_open("prop", s->filters, s->n, how, &error);
	int16_t first[BURST];
	uint64_t all[BURST] = { 0 };

	w->n_acl += how == CHOOSER_ACL && c;
	w->n_no_acl += how == CHOOSER_ACL && !c;
	if (!c) {
		check(w, how == CHOOSER_ACL || how == CHOOSER_BPF, error.text, claim);
		return;
	}
	chooser_first(c, s->packets, BURST, first);
	if (s->n <= 64)
		chooser_all(c, s->packets, BURST, all);
	for (int i = 0; i < BURST; i++) {
		int16_t expected = -1;
		uint64_t mask = 0;

		for (size_t j = s->n; j-- > 0;)
			if (node_holds(s->nodes[j], &s->truths[i])) {
				expected = (int16_t)j;
				mask |= s->n <= 64 ? UINT64_C(1) << j : 0;
			}
		check(w, first[i] == expected, claim, "the first filter that holds");
		check(w, all[i] == mask, claim, "all filters that hold");
	}
	chooser_close(c);
}

static void check_each(struct world *w, struct scene *s)
{
	for (size_t j = 0; j < s->n; j++) {
		s->writing.n = 0;
		put_node(&s->writing, s->nodes[j]);
		for (int i = 0; i < BURST; i++) {
			bool holds = node_holds(s->nodes[j], &s->truths[i]);

			w->n_true += holds;
			check(w, filter_holds(s->filters[j], packet_of(s->packets[i])) == holds,
			      "a filter says of the packet what it says of its fields",
			      s->writing.text);
		}
	}
}

static void close_scene(struct scene *s)
{
	for (size_t j = 0; j < s->n; j++) {
		node_free(s->nodes[j]);
		filter_free(s->filters[j]);
	}
	rte_pktmbuf_free_bulk(s->packets, BURST);
}

static void round_of(struct world *w, struct scene *s, size_t n, int depth, bool acl)
{
	for (s->n = 0; s->n < n; s->n++) {
		s->nodes[s->n] = draw_filter(w, (int)draw(w, (uint64_t)depth + 1));
		s->filters[s->n] = parsed(w, s->nodes[s->n], &s->writing);
	}
	for (int i = 0; i < BURST; i++)
		s->packets[i] = draw_packet(w, &s->truths[i]);
	check_each(w, s);
	check_way(w, s, CHOOSER_PLAIN, "plain");
	check_way(w, s, CHOOSER_BPF, "bpf");
	if (acl) {
		check_way(w, s, CHOOSER_ACL, "acl");
		check_way(w, s, CHOOSER_AUTO, "auto");
	}
	close_scene(s);
}

/* ---- samples ---- */

/* Packets are whole: what goes with what. */
static bool is_whole(const struct packet *p)
{
	bool ip4 = p->present & PACKET_IP4, ip6 = p->present & PACKET_IP6, ip = ip4 || ip6;
	bool first = ip && !p->frag, tcp = p->proto == 6, icmp = p->proto == 1 || p->proto == 58;

	return !(ip4 && ip6) && ip4 == (p->eth_type == 0x800) && ip6 == (p->eth_type == 0x86dd) &&
	       !!(p->present & PACKET_L4) == (first && has_ports(p->proto)) &&
	       !!(p->present & PACKET_TCP) == (first && tcp) &&
	       !!(p->present & PACKET_ICMP) == (first && icmp) &&
	       (ip6 || !(p->src[0] | p->src[1] | p->src[2] | p->dst[0] | p->dst[1] | p->dst[2])) &&
	       p->dscp <= 63 && p->frag <= 1 && p->vlan <= 4094 && p->present & PACKET_ETH;
}

static void sample_once(struct world *w, struct writing *o)
{
	struct node *f = draw_filter(w, 2);
	const struct filter *filter = parsed(w, f, o);
	struct truth t;
	struct rte_mbuf *m = draw_packet(w, &t);
	struct packet p = *packet_of(m);
	bool held = node_holds(f, &t), found = filter_sample(filter, &w->state, &p);

	w->n_sampled += found;
	check(w, found || !held, "a packet is found where there is one", o->text);
	check(w, !found || filter_holds(filter, &p), "the filter holds for its sample", o->text);
	check(w, !found || is_whole(&p), "a sample is a whole packet", o->text);
	rte_pktmbuf_free(m);
	filter_free(filter);
	node_free(f);
}

static unsigned scale(void)
{
	const char *text = getenv("EPIC_TEST_SCALE");
	int n = text ? atoi(text) : 1;

	return n > 0 ? (unsigned)n : 1;
}

int main(void)
{
	struct world w = { .state = 20261121 };
	struct scene *s = calloc(1, sizeof(*s));
	unsigned by = scale();

	packets_start("prop_dpdk_filter");
	for (unsigned i = 0; i < N_ROUNDS / by; i++)
		round_of(&w, s, 1 + draw(&w, draw(&w, 8) ? 12 : 64), 2, i % ACL_EVERY == 0);
	for (unsigned i = 0; i < N_LARGE / by; i++)
		round_of(&w, s, MOST_FILTERS - draw(&w, 100), 1, true);
	for (unsigned i = 0; i < N_SAMPLES / by; i++)
		sample_once(&w, &s->writing);
	check(&w, rte_mempool_full(packets_pool()), "all packets are given back", "");
	printf("%zu checks, %zu failures; %zu true, acl %zu and not %zu, %zu samples\n", w.n_checks,
	       w.n_failures, w.n_true, w.n_acl, w.n_no_acl, w.n_sampled);
	free(s);
	return w.n_failures || !w.n_true || w.n_no_acl > w.n_acl;
}
