/* Random filters and packets: the boxes, the direct evaluation and the canonical
 * text must tell the same.  Packets are drawn from the few values that the
 * filters mention and their neighbours, and obey the rules of presence. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/arena.h"
#include "compiler/filter/filter_private.h"

enum { N_ROUNDS = 3000, N_PACKETS = 12, N_VALUES = 8 };

struct world {
	struct arena *arena;
	struct fields *fields;
	unsigned long state;
	size_t n_failures, n_checks;
	const char *what; /* the filter at hand */
};

static unsigned long draw(struct world *w, unsigned long below)
{
	w->state = w->state * 6364136223846793005u + 1442695040888963407u;
	return (w->state >> 33) % below;
}

static void check(struct world *w, bool holds, const char *claim)
{
	w->n_checks++;
	if (holds)
		return;
	if (w->n_failures++ < 20)
		fprintf(stderr, "failed: %s: %s\n", claim, w->what);
}

/* ---- values ---- */

static const char *const verdicts[] = { "accept", "alert", "drop" };
static const char *const texts[] = { "a", "b", "a.example", "\"q\\", "z", "unheard", "", "other" };

static epic_u128 some_number(struct world *w, epic_u128 max)
{
	static const uint64_t usual[] = { 0, 1, 2, 5, 6, 17, 58, 79, 80, 81, 132, 443 };
	epic_u128 v = draw(w, 3) ? usual[draw(w, 12)] : max - draw(w, 3);

	return v > max ? draw(w, (unsigned long)max + 1) : v;
}

static epic_u128 some_address(struct world *w, int family)
{
	epic_u128 base = family == 4 ? 0x0a000000 : (epic_u128)0x20010db8 << 96;
	epic_u128 all = family == 4 ? UINT32_MAX : ~(epic_u128)0;

	switch (draw(w, 4)) {
	case 0:
		return draw(w, 2) ? 0 : all;
	case 1:
		return base - 1 + draw(w, 3);
	default:
		return base + draw(w, 4) * 256 + draw(w, 3);
	}
}

static epic_u128 largest(const struct field *f)
{
	return f->kind == FIELD_MAC ? ((epic_u128)1 << 48) - 1 : f->max;
}

/* ---- filters ---- */

static struct fx_member some_prefix(struct world *w, int family)
{
	static const uint8_t lengths[] = { 0, 8, 24, 30, 31, 32 };
	struct prefix p = { (uint8_t)family, lengths[draw(w, 6)], true, some_address(w, family) };
	struct fx_member m = { .kind = FX_PREFIX, .family = p.family };

	if (family == 6)
		p.length += 96;
	if (family == 6 && !draw(w, 3))
		p.length = 0;
	m.length = p.length;
	m.lo = prefix_first(p);
	m.hi = prefix_last(p);
	return m;
}

static struct fx_member some_range(struct world *w, const struct field *f, int family)
{
	struct fx_member m = { .kind = FX_RANGE, .family = (uint8_t)family };
	epic_u128 other;

	m.lo = m.hi = family ? some_address(w, family) : some_number(w, largest(f));
	if (draw(w, 2))
		return m;
	other = family ? some_address(w, family) : some_number(w, largest(f));
	if (other < m.lo)
		m.lo = other;
	else
		m.hi = other;
	return m;
}

static struct fx_member some_member(struct world *w, const struct field *f)
{
	int family = draw(w, 3) ? 4 : 6;

	if (f->kind == FIELD_SYMBOL)
		return (struct fx_member){ .kind = FX_TEXT,
					   .text = f->values[draw(w, f->n_values)] };
	if (f->kind == FIELD_STRING)
		return (struct fx_member){ .kind = FX_TEXT, .text = texts[draw(w, 5)] };
	if (f->kind == FIELD_ADDR)
		return draw(w, 2) ? some_prefix(w, family) : some_range(w, f, family);
	return some_range(w, f, 0);
}

static const struct fx *some_comparison(struct world *w)
{
	const struct field *f = fields_at(w->fields, draw(w, fields_count(w->fields)));
	struct fx_member m[3];
	size_t n = draw(w, 12) ? 1 + draw(w, 3) : 0;

	for (size_t i = 0; i < n; i++)
		m[i] = some_member(w, f);
	return fx_cmp(w->fields, f, m, n);
}

static const struct fx *some_fx(struct world *w, unsigned depth)
{
	const struct fx *operands[4];
	size_t n = 2 + draw(w, 3);

	if (!depth || !draw(w, 5))
		return draw(w, 40) ? some_comparison(w)
				   : (draw(w, 2) ? fx_true(w->fields) : fx_false(w->fields));
	if (!draw(w, 3))
		return fx_not(w->fields, some_fx(w, depth - 1));
	for (size_t i = 0; i < n; i++)
		operands[i] = some_fx(w, depth - 1);
	return draw(w, 2) ? fx_and(w->fields, operands, n) : fx_or(w->fields, operands, n);
}

/* ---- packets ---- */

struct draft {
	bool ip, ports, tcp, icmp;
	int family;
	uint64_t protocol, frag;
};

static struct draft some_draft(struct world *w)
{
	static const uint64_t protocols[] = { 0, 1, 6, 6, 17, 58, 132, 47, 255 };
	struct draft d = { .ip = draw(w, 5), .family = draw(w, 3) ? 4 : 6 };

	d.protocol = protocols[draw(w, 9)];
	d.frag = !draw(w, 4);
	d.tcp = d.ip && d.protocol == 6 && !d.frag;
	d.ports = d.tcp || (d.ip && (d.protocol == 17 || d.protocol == 132) && !d.frag);
	d.icmp = d.ip && (d.protocol == 1 || d.protocol == 58);
	return d;
}

/* tcp.dport and the like stand for two comparisons; packets have l4.dport. */
static bool is_spelling(const struct field *f)
{
	return (!strncmp(f->name, "tcp.", 4) || !strncmp(f->name, "udp.", 4)) &&
	       strstr(f->name, "port");
}

static bool draft_has(struct world *w, const struct draft *d, const struct field *f)
{
	if (!strncmp(f->name, "ip.", 3))
		return d->ip;
	if (!strncmp(f->name, "l4.", 3))
		return d->ports;
	if (!strcmp(f->name, "tcp.flags"))
		return d->tcp;
	if (!strncmp(f->name, "icmp.", 5))
		return d->icmp;
	if (is_spelling(f))
		return false;
	return f->derived || draw(w, 2);
}

static struct packet_value some_value(struct world *w, const struct draft *d, const struct field *f)
{
	struct packet_value v = { .field = f };

	if (!strcmp(f->name, "ip.proto"))
		v.value = d->protocol;
	else if (!strcmp(f->name, "ip.frag"))
		v.value = d->frag;
	else if (f->kind == FIELD_SYMBOL)
		v.text = f->values[draw(w, f->n_values)];
	else if (f->kind == FIELD_STRING)
		v.text = texts[draw(w, 8)];
	else if (f->kind == FIELD_ADDR)
		v.value = some_address(w, d->family);
	else
		v.value = some_number(w, largest(f));
	v.family = f->kind == FIELD_ADDR ? (uint8_t)d->family : 0;
	return v;
}

static struct packet some_packet(struct world *w)
{
	size_t n = fields_count(w->fields);
	struct packet p = { arena_many(w->arena, struct packet_value, n), 0 };
	struct draft d = some_draft(w);

	for (size_t i = 0; i < n; i++) {
		const struct field *f = fields_at(w->fields, i);

		if (draft_has(w, &d, f))
			p.at[p.n++] = some_value(w, &d, f);
	}
	return p;
}

/* FIELD is there, whatever its value. */
static const struct fx *is_there(struct world *w, const struct field *f)
{
	struct fx_member whole[] = {
		{ .kind = FX_RANGE, .family = 4, .hi = UINT32_MAX },
		{ .kind = FX_RANGE, .family = 6, .hi = ~(epic_u128)0 },
	};

	if (f->kind != FIELD_ADDR)
		whole[0] = (struct fx_member){ .kind = FX_RANGE, .hi = largest(f) };
	return fx_cmp(w->fields, f, whole, f->kind == FIELD_ADDR ? 2 : 1);
}

/* Strings that are absent cannot be told as a filter: such a field is not
 * none of the texts, which leaves the others; the packets avoid these. */
static const struct fx *absent_string(struct world *w, const struct field *f)
{
	struct fx_member m[8];

	for (size_t i = 0; i < 8; i++)
		m[i] = (struct fx_member){ .kind = FX_TEXT, .text = texts[i] };
	return fx_not(w->fields, fx_cmp(w->fields, f, m, 8));
}

static const struct fx *equals(struct world *w, const struct packet_value *v)
{
	struct fx_member m = { .kind = v->text ? FX_TEXT : FX_RANGE,
			       .family = v->family,
			       .lo = v->value,
			       .hi = v->value,
			       .text = v->text };

	return fx_cmp(w->fields, v->field, &m, 1);
}

/* The filter that only this packet satisfies. */
static const struct fx *exactly(struct world *w, const struct packet *p)
{
	const struct fx *all[64];
	size_t n = 0, next = 0;

	for (size_t i = 0; i < fields_count(w->fields); i++) {
		const struct field *f = fields_at(w->fields, i);

		if (next < p->n && p->at[next].field == f)
			all[n++] = equals(w, &p->at[next++]);
		else if (is_spelling(f))
			continue;
		else if (f->kind == FIELD_STRING)
			all[n++] = absent_string(w, f);
		else
			all[n++] = fx_not(w->fields, is_there(w, f));
	}
	return fx_and(w->fields, all, n);
}

static bool holds(struct world *w, const struct cubes *set, const struct packet *p)
{
	return cubes_overlap(w->fields, set, fx_cubes(w->fields, exactly(w, p)), NULL);
}

/* ---- claims ---- */

static const struct fx *parse(struct world *, const char **);

/* Membership by the sets agrees with evaluation, packet by packet. */
static void check_packets(struct world *w, const struct fx *a, const struct fx *b,
			  const struct fx *again)
{
	struct fields *f = w->fields;
	const struct cubes *x = fx_cubes(f, a), *y = fx_cubes(f, b);
	const struct cubes *both = cubes_and(f, x, y), *any = cubes_or(f, x, y);
	const struct cubes *less = cubes_minus(f, x, y), *filtered = cubes_filter(f, x, b);

	for (size_t i = 0; i < N_PACKETS; i++) {
		struct packet p = some_packet(w);
		bool in_a = fx_eval(a, &p), in_b = fx_eval(b, &p);

		check(w, holds(w, x, &p) == in_a, "the set holds what evaluates to true");
		check(w, holds(w, both, &p) == (in_a && in_b), "and");
		check(w, holds(w, any, &p) == (in_a || in_b), "or");
		check(w, holds(w, less, &p) == (in_a && !in_b), "minus");
		check(w, holds(w, filtered, &p) == (in_a && in_b), "filter");
		check(w, fx_eval(again, &p) == in_a, "the text means the filter");
	}
}

static void check_boxes(struct world *w, const struct cubes *set)
{
	bool disjoint = true;

	for (size_t i = 0; i < set->n; i++)
		for (size_t j = 0; j < i; j++)
			disjoint &= !box_overlap(set->at[i], set->at[j]);
	check(w, disjoint, "the boxes of a set are disjoint");
	check(w, cubes_empty(set) == !cubes_count(set), "empty sets have no boxes");
	check(w, cubes_subset(w->fields, set, set), "a set contains itself");
}

static void check_algebra(struct world *w, const struct fx *a, const struct fx *b)
{
	struct fields *f = w->fields;
	const struct cubes *x = fx_cubes(f, a), *y = fx_cubes(f, b), *not_x;
	const struct cubes *both = cubes_and(f, x, y), *less = cubes_minus(f, x, y);
	const struct cubes *parts[] = { both, less };
	struct packet p;

	not_x = fx_cubes(f, fx_not(f, a));
	check_boxes(w, x);
	check_boxes(w, cubes_or(f, x, y));
	check_boxes(w, less);
	check(w, !cubes_overlap(f, x, not_x, NULL), "a filter and its negation part");
	check(w, cubes_covered(f, cubes_all(f), (const struct cubes *[]){ x, not_x }, 2, NULL),
	      "a filter and its negation cover all");
	check(w, cubes_covered(f, x, parts, 2, NULL), "a set is its parts");
	check(w, !cubes_overlap(f, both, less, NULL), "and and minus part");
	check(w, cubes_subset(f, x, y) == cubes_empty(less), "subset is an empty difference");
	check(w, cubes_overlap(f, x, y, &p) != cubes_empty(both), "overlap is a common part");
	if (!cubes_empty(both))
		check(w, fx_eval(a, &p) && fx_eval(b, &p), "an overlap's example is of both");
	if (!cubes_covered(f, x, &y, 1, &p))
		check(w, fx_eval(a, &p) && !fx_eval(b, &p), "an uncovered packet is uncovered");
	if (cubes_empty(less))
		return;
	p = cubes_example(f, less);
	check(w, fx_eval(a, &p) && !fx_eval(b, &p), "a difference's example is of it");
}

static bool ranges_have(const struct fx_member *m, size_t n, const struct packet_value *v)
{
	for (size_t i = 0; i < n; i++) {
		if (v->text ? !strcmp(v->text, m[i].text)
			    : m[i].lo <= v->value && v->value <= m[i].hi)
			return true;
	}
	return false;
}

static bool packet_fits(const struct packet *p, const struct field *f, int family,
			const struct fx_member *m, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].field == f)
			return p->at[i].family == family && ranges_have(m, n, &p->at[i]);
	return false;
}

/* Where a projection is bounded, every packet of the set fits it, and each end
 * of a range is met. */
static void check_projection(struct world *w, const struct fx *a)
{
	const struct field *f = fields_at(w->fields, draw(w, fields_count(w->fields)));
	int family = f->kind != FIELD_ADDR ? 0 : draw(w, 2) ? 4 : 6;
	const struct cubes *x = fx_cubes(w->fields, a);
	struct fx_member *m;
	size_t n;

	if (!cubes_project(w->fields, x, f, family, &m, &n))
		return;
	for (size_t i = 0; i < N_PACKETS; i++) {
		struct packet p = some_packet(w);

		if (fx_eval(a, &p))
			check(w, packet_fits(&p, f, family, m, n), "a packet fits the projection");
	}
	for (size_t i = 0; i < n; i++)
		check(w,
		      cubes_overlap(w->fields, x,
				    fx_cubes(w->fields, fx_cmp(w->fields, f, &m[i], 1)), NULL),
		      "the set reaches each part of its projection");
}

static bool is_derived(const struct field *f, void *arg)
{
	(void)arg;
	return f->derived || !strcmp(f->name, "ip.ttl");
}

struct seen {
	bool dropped;
};

static void see(const struct field *f, void *arg)
{
	struct seen *s = arg;

	s->dropped |= is_derived(f, NULL);
}

static void check_relaxed(struct world *w, const struct fx *a)
{
	const struct fx *wide = fx_relax(w->fields, a, is_derived, NULL);
	struct seen before = { 0 }, after = { 0 };

	fx_visit(a, see, &before);
	fx_visit(wide, see, &after);
	check(w, !after.dropped, "a relaxed filter compares no dropped field");
	if (!before.dropped)
		check(w, !strcmp(fx_text(w->fields, a), fx_text(w->fields, wide)),
		      "relaxing leaves the rest alone");
	check(w, cubes_subset(w->fields, fx_cubes(w->fields, a), fx_cubes(w->fields, wide)),
	      "a relaxed filter is no narrower");
}

struct pairs {
	struct world *world;
	const struct cubes *const *sets;
	const struct fx *const *fx;
	bool found[N_VALUES][N_VALUES];
};

static void note_pair(size_t i, size_t j, const struct packet *p, void *arg)
{
	struct pairs *pairs = arg;

	check(pairs->world, i < j && !pairs->found[i][j], "a pair is told once");
	check(pairs->world, fx_eval(pairs->fx[i], p) && fx_eval(pairs->fx[j], p),
	      "the example of a pair is of both");
	pairs->found[i][j] = true;
}

static void check_pairs(struct world *w)
{
	const struct cubes *sets[N_VALUES];
	const struct fx *fx[N_VALUES];
	struct pairs pairs = { .world = w, .sets = sets, .fx = fx };

	for (size_t i = 0; i < N_VALUES; i++) {
		const struct fx *parts[] = { some_comparison(w), some_fx(w, 2) };

		fx[i] = fx_and(w->fields, parts, 2);
		sets[i] = fx_cubes(w->fields, fx[i]);
	}
	cubes_overlaps(w->fields, sets, N_VALUES, 0, note_pair, &pairs);
	for (size_t i = 0; i < N_VALUES; i++)
		for (size_t j = i + 1; j < N_VALUES; j++)
			check(w,
			      pairs.found[i][j] == cubes_overlap(w->fields, sets[i], sets[j], NULL),
			      "the pairs are those that overlap");
}

/* ---- a reader of canonical texts, sharing nothing with their writer ---- */

static bool take(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n))
		return false;
	*s += n;
	return true;
}

static const char *take_word(struct world *w, const char **s)
{
	size_t n = strcspn(*s, " ,{}()");
	const char *word = arena_strndup(w->arena, *s, n);

	*s += n;
	return word;
}

static const char *take_string(struct world *w, const char **s)
{
	char *text = arena_strdup(w->arena, *s), *end = text;

	for (++*s; **s != '"'; ++*s) {
		if (**s == '\\')
			++*s;
		*end++ = **s;
	}
	++*s;
	*end = '\0';
	return text;
}

static epic_u128 number_of(const struct field *f, const char *word, struct fx_member *m)
{
	unsigned byte[6];
	struct prefix p = { 0 };

	if (f->kind == FIELD_ADDR) {
		prefix_parse(word, strlen(word), &p);
		m->family = p.family;
		m->length = p.length;
		m->kind = p.is_prefix ? FX_PREFIX : FX_RANGE;
		m->hi = p.is_prefix ? prefix_last(p) : p.bits;
		return p.bits;
	}
	m->hi = 0;
	if (f->kind != FIELD_MAC)
		return m->hi = strtoul(word, NULL, 10);
	sscanf(word, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
	       &byte[5]);
	for (size_t i = 0; i < 6; i++)
		m->hi = m->hi << 8 | byte[i];
	return m->hi;
}

static struct fx_member take_member(struct world *w, const struct field *f, const char **s)
{
	struct fx_member m = { .kind = FX_RANGE }, end = { 0 };
	const char *word, *dots;

	if (f->kind == FIELD_STRING)
		return (struct fx_member){ .kind = FX_TEXT, .text = take_string(w, s) };
	word = take_word(w, s);
	if (f->kind == FIELD_SYMBOL)
		return (struct fx_member){ .kind = FX_TEXT, .text = word };
	dots = strstr(word, "..");
	m.lo = number_of(f, dots ? arena_strndup(w->arena, word, (size_t)(dots - word)) : word, &m);
	if (dots)
		m.hi = number_of(f, dots + 2, &end);
	return m;
}

static const struct fx *parse_comparison(struct world *w, const char **s)
{
	const struct field *f = fields_find(w->fields, take_word(w, s));
	struct fx_member m[8];
	size_t n = 0;

	if (take(s, " in {")) {
		do
			m[n++] = take_member(w, f, s);
		while (take(s, ", "));
		take(s, "}");
	} else {
		if (!take(s, " == "))
			take(s, " in ");
		m[n++] = take_member(w, f, s);
	}
	return fx_cmp(w->fields, f, m, n);
}

static const struct fx *parse_factor(struct world *w, const char **s)
{
	const struct fx *fx;

	if (take(s, "not "))
		return fx_not(w->fields, parse_comparison(w, s));
	if (take(s, "true"))
		return fx_true(w->fields);
	if (take(s, "false"))
		return fx_false(w->fields);
	if (!take(s, "("))
		return parse_comparison(w, s);
	fx = parse(w, s);
	take(s, ")");
	return fx;
}

static const struct fx *parse_and(struct world *w, const char **s)
{
	const struct fx *pair[2] = { parse_factor(w, s) };

	while (take(s, " and ")) {
		pair[1] = parse_factor(w, s);
		pair[0] = fx_and(w->fields, pair, 2);
	}
	return pair[0];
}

static const struct fx *parse(struct world *w, const char **s)
{
	const struct fx *pair[2] = { parse_and(w, s) };

	while (take(s, " or ")) {
		pair[1] = parse_and(w, s);
		pair[0] = fx_or(w->fields, pair, 2);
	}
	return pair[0];
}

static const struct fx *reread(struct world *w, const char *text)
{
	const char *s = text;
	const struct fx *fx = parse(w, &s);

	check(w, !*s, "a canonical text is read to its end");
	check(w, !strcmp(fx_text(w->fields, fx), text), "a canonical text is its own text");
	return fx;
}

/* ---- rounds ---- */

static void world_open(struct world *w)
{
	w->arena = arena_new();
	w->fields = fields_new(w->arena);
	fields_add_derived(w->fields, "ids.verdict", verdicts, 3);
	fields_add_derived(w->fields, "ids.user", NULL, 0);
}

static void round_of(struct world *w)
{
	const struct fx *a, *b;

	world_open(w);
	a = some_fx(w, 3);
	b = some_fx(w, 3);
	w->what = fx_text(w->fields, a);
	check_packets(w, a, b, reread(w, w->what));
	check_algebra(w, a, b);
	check_projection(w, a);
	check_relaxed(w, a);
	if (!draw(w, 8))
		check_pairs(w);
	check(w, !fields_overflowed(w->fields), "small filters do not overflow");
	arena_free(w->arena);
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long divisor = scale ? strtol(scale, NULL, 10) : 1;
	struct world w = { .state = 20260101 };

	for (long i = 0; i < N_ROUNDS / (divisor > 0 ? divisor : 1); i++)
		round_of(&w);
	printf("%zu checks, %zu failed\n", w.n_checks, w.n_failures);
	return w.n_failures ? 1 : 0;
}
