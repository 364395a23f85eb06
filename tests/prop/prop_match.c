/* Random filters, random frames: matchers send every frame the way that its fields say.
 *
 * Frames are made from fields, so that the expected way comes from fx_eval on the fields and
 * the actual one from the frame's bytes alone.  The filters are read by a small interpreter
 * of the expressions that matchers use; tests/backends runs them through libpcap. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/ctx.h"
#include "compiler/plan/match.h"

enum { FRAME = 128, MOST_WAYS = 3, N_POLICIES = 400, N_FRAMES = 60, MOST_FIELDS = 20 };

struct frame {
	uint8_t at[FRAME];
	struct packet_value values[MOST_FIELDS];
	struct packet packet;
};

static uint64_t state = 20260419;

static uint64_t draw(uint64_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

/* ---- frames ---- */

static const uint16_t ports[] = { 0, 53, 80, 443, 1024, 65535 };
static const uint8_t protocols[] = { 1, 6, 17, 44, 47, 58, 132, 0 };
static const uint16_t types[] = { 0x0806, 0x88cc, 0x0700, 0x9100 };
static const uint8_t bytes[] = { 0, 1, 8, 63, 128, 255 };

#define ANY(list) ((list)[draw(sizeof(list) / sizeof(*(list)))])

static void put(struct frame *f, unsigned offset, unsigned size, epic_u128 value)
{
	for (unsigned i = 0; i < size; i++)
		f->at[offset + i] = (uint8_t)(value >> 8 * (size - 1 - i));
}

static void has(struct frame *f, struct fields *fields, const char *name, uint8_t family,
		epic_u128 value)
{
	f->values[f->packet.n++] = (struct packet_value){ .field = fields_find(fields, name),
							  .family = family,
							  .value = value };
}

static void put_transport(struct frame *f, struct fields *fields, unsigned at, uint8_t protocol,
			  bool later)
{
	if (!later && (protocol == 6 || protocol == 17 || protocol == 132)) {
		uint16_t from = ANY(ports), to = ANY(ports);

		put(f, at, 2, from);
		put(f, at + 2, 2, to);
		has(f, fields, "l4.sport", 0, from);
		has(f, fields, "l4.dport", 0, to);
	}
	if (!later && protocol == 6) {
		uint8_t flags = ANY(bytes);

		put(f, at + 13, 1, flags);
		has(f, fields, "tcp.flags", 0, flags);
	}
	if (protocol == 1 || protocol == 58) {
		put(f, at, 1, ANY(bytes));
		put(f, at + 1, 1, ANY(bytes));
		has(f, fields, "icmp.type", 0, f->at[at]);
		has(f, fields, "icmp.code", 0, f->at[at + 1]);
	}
}

static void has_ip(struct frame *f, struct fields *fields, unsigned family, epic_u128 src,
		   epic_u128 dst, uint8_t protocol, uint8_t dscp, uint8_t ttl, bool later)
{
	has(f, fields, "ip.src", (uint8_t)family, src);
	has(f, fields, "ip.dst", (uint8_t)family, dst);
	has(f, fields, "ip.proto", 0, protocol);
	has(f, fields, "ip.dscp", 0, dscp);
	has(f, fields, "ip.ttl", 0, ttl);
	has(f, fields, "ip.frag", 0, later);
}

static void put_v4(struct frame *f, struct fields *fields, unsigned at)
{
	unsigned words = draw(3) ? 5 : 5 + (unsigned)draw(11);
	uint8_t protocol = ANY(protocols), dscp = (uint8_t)draw(64), ttl = ANY(bytes);
	uint32_t src = 0x0a000000 + (uint32_t)draw(4),
		 dst = (uint32_t)(draw(2) << 31) + (uint32_t)draw(4);
	unsigned fragment = draw(4) ? 0 : (unsigned)draw(0x2000);

	put(f, at, 1, 0x40 + words);
	put(f, at + 1, 1, (epic_u128)dscp << 2 | draw(4));
	put(f, at + 6, 2, draw(8) << 13 | fragment);
	put(f, at + 8, 1, ttl);
	put(f, at + 9, 1, protocol);
	put(f, at + 12, 4, src);
	put(f, at + 16, 4, dst);
	has_ip(f, fields, 4, src, dst, protocol, dscp, ttl, fragment);
	put_transport(f, fields, at + 4 * words, protocol, fragment);
}

static void put_v6(struct frame *f, struct fields *fields, unsigned at)
{
	uint8_t protocol = ANY(protocols), dscp = (uint8_t)draw(64), ttl = ANY(bytes);
	epic_u128 src = ((epic_u128)0x20010db8 << 96) + draw(4),
		  dst = ((epic_u128)draw(2) << 127) + draw(4);
	bool parted = protocol == 44;
	unsigned fragment = parted && draw(2) ? (unsigned)draw(0x2000) : 0;

	put(f, at, 4, 0x60000000 | (uint32_t)dscp << 22 | (uint32_t)draw(1 << 22));
	put(f, at + 6, 1, protocol);
	put(f, at + 7, 1, ttl);
	put(f, at + 8, 16, src);
	put(f, at + 24, 16, dst);
	if (parted) {
		protocol = ANY(protocols);
		put(f, at + 40, 1, protocol);
		put(f, at + 42, 2, (epic_u128)fragment << 3 | draw(8));
	}
	has_ip(f, fields, 6, src, dst, protocol, dscp, ttl, fragment);
	put_transport(f, fields, at + (parted ? 48 : 40), protocol, fragment);
}

static void make_frame(struct frame *f, struct fields *fields)
{
	unsigned at = 12, net = (unsigned)draw(5);
	uint16_t type = net < 2 ? 0x0800 : net < 4 ? 0x86dd : ANY(types);
	epic_u128 dst = draw(3), src = draw(3);

	f->packet = (struct packet){ f->values, 0 };
	for (size_t i = 0; i < FRAME; i++)
		f->at[i] = (uint8_t)draw(256);
	put(f, 0, 6, dst);
	put(f, 6, 6, src);
	has(f, fields, "eth.src", 0, src);
	has(f, fields, "eth.dst", 0, dst);
	has(f, fields, "eth.type", 0, type);
	if (!draw(4)) {
		uint16_t vlan = draw(8) ? (uint16_t)draw(3) : 4095;

		put(f, at, 2, 0x8100);
		put(f, at + 2, 2, draw(16) << 12 | vlan);
		if (vlan < 4095)
			has(f, fields, "vlan.id", 0, vlan);
		at += 4;
	}
	put(f, at, 2, type);
	if (type == 0x0800)
		put_v4(f, fields, at + 2);
	else if (type == 0x86dd)
		put_v6(f, fields, at + 2);
}

/* ---- filters ---- */

static const char *const names[] = { "eth.src",   "eth.dst",   "eth.type",  "vlan.id",
				     "ip.src",    "ip.dst",    "ip.proto",  "ip.proto",
				     "ip.dscp",   "ip.ttl",    "ip.frag",   "l4.sport",
				     "l4.dport",  "l4.dport",  "tcp.dport", "udp.dport",
				     "udp.sport", "tcp.flags", "icmp.type", "icmp.code" };

static struct fx_member address(void)
{
	struct prefix p = { .family = draw(2) ? 4 : 6 };

	if (p.family == 4) {
		p.length = (uint8_t[]){ 0, 1, 8, 31, 32 }[draw(5)];
		p.bits = 0x0a000000 + draw(4);
	} else {
		p.length = (uint8_t[]){ 0, 1, 32, 63, 64, 127, 128 }[draw(7)];
		p.bits = ((epic_u128)0x20010db8 << 96) + draw(4);
	}
	return (struct fx_member){ .kind = FX_PREFIX,
				   .family = p.family,
				   .length = p.length,
				   .lo = prefix_first(p),
				   .hi = prefix_last(p) };
}

static struct fx_member number(const struct field *f)
{
	epic_u128 lo, hi;

	if (!strcmp(f->name, "eth.type"))
		lo = draw(2) ? ANY(types) : draw(2) ? 0x0800 : 0x86dd;
	else if (!strcmp(f->name, "ip.proto"))
		lo = ANY(protocols);
	else if (strstr(f->name, "port"))
		lo = ANY(ports);
	else if (f->kind == FIELD_MAC || !strcmp(f->name, "vlan.id"))
		lo = draw(3);
	else
		lo = ANY(bytes);
	if (f->kind != FIELD_MAC && lo > f->max)
		lo = f->max;
	hi = draw(4) ? lo : lo + draw(40);
	if (f->kind != FIELD_MAC && hi > f->max)
		hi = f->max;
	return (struct fx_member){ .kind = FX_RANGE, .lo = lo, .hi = hi };
}

static const struct fx *make_filter(struct fields *fields, unsigned depth)
{
	const struct fx *two[2];

	if (!depth || !draw(3)) {
		const struct field *f = fields_find(fields, ANY(names));
		struct fx_member m[2];
		size_t n = 1 + draw(2);

		for (size_t i = 0; i < n; i++)
			m[i] = f->kind == FIELD_ADDR ? address() : number(f);
		return fx_cmp(fields, f, m, n);
	}
	if (!draw(3))
		return fx_not(fields, make_filter(fields, depth - 1));
	two[0] = make_filter(fields, depth - 1);
	two[1] = make_filter(fields, depth - 1);
	return draw(2) ? fx_and(fields, two, 2) : fx_or(fields, two, 2);
}

/* ---- what a WildcardMatch does ---- */

static uint64_t load(const uint8_t *frame, unsigned offset, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | frame[offset + i];
	return v;
}

static bool rule_holds(const struct match_table *t, const struct match_rule *r,
		       const uint8_t *frame)
{
	for (size_t i = 0; i < t->n_fields; i++)
		if ((load(frame, t->fields[i].offset, t->fields[i].size) & r->masks[i]) !=
		    r->values[i])
			return false;
	return true;
}

/* Does not trust the order of the rules; two of one priority must agree. */
static unsigned table_way(const struct match_table *t, const uint8_t *frame)
{
	unsigned best = 0, way = MATCH_REST;

	for (size_t i = 0; i < t->n_rules; i++) {
		const struct match_rule *r = &t->rules[i];

		if (!rule_holds(t, r, frame) || r->priority < best)
			continue;
		if (r->priority == best && way != r->way)
			return UINT32_MAX;
		best = r->priority;
		way = r->way;
	}
	return way;
}

static bool table_is_legal(const struct match_table *t)
{
	size_t n_masks = 0;

	for (size_t i = 0; i < t->n_rules; i++) {
		bool known = false;

		for (size_t k = 0; k < i; k++) {
			bool same = !memcmp(t->rules[i].masks, t->rules[k].masks,
					    sizeof(t->rules[i].masks));

			known = known || same;
			if (same && !memcmp(t->rules[i].values, t->rules[k].values,
					    sizeof(t->rules[i].values)))
				return false;
		}
		n_masks += !known;
		for (size_t k = 0; k < t->n_fields; k++)
			if (t->rules[i].values[k] & ~t->rules[i].masks[k])
				return false;
	}
	return n_masks <= MATCH_MOST_MASKS && t->n_fields >= 1 && t->n_fields <= MATCH_MOST_FIELDS;
}

/* ---- what a BPF filter does ---- */

struct reading {
	const char *s;
	const uint8_t *frame;
};

static bool take(struct reading *r, const char *token)
{
	while (*r->s == ' ')
		r->s++;
	if (strncmp(r->s, token, strlen(token)))
		return false;
	r->s += strlen(token);
	return true;
}

static uint32_t read_or(struct reading *);

static uint32_t read_bytes(struct reading *r)
{
	uint32_t offset = read_or(r), size;

	if (!take(r, ":"))
		abort();
	size = read_or(r);
	if (!take(r, "]") || offset + size > FRAME)
		abort();
	return (uint32_t)load(r->frame, offset, size);
}

static uint32_t read_term(struct reading *r)
{
	uint32_t v;
	char *end;

	if (take(r, "("))
		v = read_or(r);
	else if (take(r, "ether["))
		return read_bytes(r);
	else if (take(r, "less 0"))
		return 0;
	else {
		v = (uint32_t)strtoul(r->s, &end, 0);
		if (end == r->s)
			abort();
		r->s = end;
		return v;
	}
	if (!take(r, ")"))
		abort();
	return v;
}

/* Left to right; the expressions use parentheses where that is not the meaning. */
static uint32_t read_value(struct reading *r)
{
	uint32_t v = read_term(r);

	for (;;) {
		if (take(r, "<<"))
			v <<= read_term(r);
		else if (take(r, ">>"))
			v >>= read_term(r);
		else if (take(r, "&"))
			v &= read_term(r);
		else if (take(r, "+"))
			v += read_term(r);
		else
			return v;
	}
}

static uint32_t read_comparison(struct reading *r)
{
	uint32_t v;

	if (take(r, "not "))
		return !read_term(r);
	v = read_value(r);
	if (take(r, "!="))
		return v != read_value(r);
	if (take(r, ">="))
		return v >= read_value(r);
	if (take(r, "<="))
		return v <= read_value(r);
	if (take(r, "<"))
		return v < read_value(r);
	if (take(r, ">"))
		return v > read_value(r);
	if (take(r, "="))
		return v == read_value(r);
	return v;
}

static uint32_t read_and(struct reading *r)
{
	uint32_t v = read_comparison(r);

	while (take(r, "and "))
		v &= read_comparison(r);
	return v;
}

/* Reads parentheses round conditions and round values alike. */
static uint32_t read_or(struct reading *r)
{
	uint32_t v = read_and(r);

	while (take(r, "or "))
		v |= read_and(r);
	return v;
}

static unsigned filter_way(const struct matcher *m, const uint8_t *frame)
{
	unsigned way = MATCH_REST;

	for (size_t i = 0; i < m->n_filters; i++) {
		struct reading r = { m->filters[i].text, frame };

		if (!read_or(&r))
			continue;
		if (way != MATCH_REST || r.s[strspn(r.s, " ")])
			return UINT32_MAX;
		way = m->filters[i].way;
	}
	return way;
}

/* ---- the property ---- */

struct tally {
	size_t tables, complete, filters, refused, frames;
};

static bool check(const struct matcher *m, size_t n, const struct frame *f, unsigned expected)
{
	unsigned way = m->table ? table_way(m->table, f->at) : n + 1;

	if (way == n + 1 && (m->undecided || !m->table))
		way = filter_way(m, f->at);
	else if (m->n_filters && filter_way(m, f->at) != expected)
		return false;
	return way == expected;
}

static bool try_policy(struct tally *t)
{
	struct ctx *ctx = ctx_new();
	struct fields *fields = fields_new(ctx->arena);
	const struct fx *fx[MOST_WAYS];
	const struct cubes *ways[MOST_WAYS + 1];
	size_t n = 1 + draw(MOST_WAYS);
	const struct fx *arriving;
	const struct matcher *m;
	bool ok = true;

	arriving = draw(2) ? fx_true(fields) : make_filter(fields, 2);
	ways[0] = fx_cubes(fields, arriving);
	for (size_t i = 0; i < n; i++) {
		fx[i] = make_filter(fields, (unsigned)draw(4));
		ways[i + 1] = cubes_and(fields, ways[0], fx_cubes(fields, fx[i]));
		ways[0] = cubes_minus(fields, ways[0], ways[i + 1]);
	}
	m = match_make(ctx->arena, fields, ways, n + 1, NULL);
	t->refused += !m;
	t->tables += m && m->table;
	t->complete += m && m->table && !m->undecided;
	ok = !m || !m->table || table_is_legal(m->table);
	for (size_t i = 0; m && ok && i < N_FRAMES; i++) {
		struct frame f = { 0 };
		unsigned expected = 0;

		make_frame(&f, fields);
		if (!fx_eval(arriving, &f.packet))
			continue;
		for (size_t k = n; k-- > 0;)
			if (fx_eval(fx[k], &f.packet))
				expected = (unsigned)k + 1;
		t->frames++;
		ok = check(m, n, &f, expected);
	}
	if (!ok)
		printf("of what is %s\n", fx_text(fields, arriving));
	for (size_t k = 0; !ok && k < n; k++)
		printf("way %zu when %s\n", k + 1, fx_text(fields, fx[k]));
	ctx_free(ctx);
	return ok;
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	size_t n = N_POLICIES / (scale && atoi(scale) > 0 ? (size_t)atoi(scale) : 1);
	struct tally t = { 0 };

	for (size_t i = 0; i < n; i++)
		if (!try_policy(&t)) {
			printf("policy %zu goes astray\n", i);
			return 1;
		}
	printf("%zu policies: %zu tables, %zu of them complete, %zu refused; %zu frames\n", n,
	       t.tables, t.complete, t.refused, t.frames);
	return t.refused * 10 > n || t.tables * 2 < n;
}
