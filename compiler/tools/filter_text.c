#include <config.h>

#include "compiler/tools/filter_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/vec.h"

enum { DEEPEST = 64 };

struct reading {
	struct fields *fields;
	struct arena *arena;
	const char *at;
	unsigned depth;
};

struct operands {
	const struct fx **at;
	size_t n, cap;
};

struct members {
	struct fx_member *at;
	size_t n, cap;
};

static const struct fx *read_any(struct reading *);

/* ---- words ---- */

static void skip_blanks(struct reading *r)
{
	while (*r->at == ' ')
		r->at++;
}

static bool take_sign(struct reading *r, const char *sign)
{
	skip_blanks(r);
	if (strncmp(r->at, sign, strlen(sign)))
		return false;
	r->at += strlen(sign);
	return true;
}

static size_t word_length(const char *at)
{
	return strcspn(at, " ,(){}\"=");
}

static bool take_word(struct reading *r, const char *word)
{
	skip_blanks(r);
	if (word_length(r->at) != strlen(word) || strncmp(r->at, word, strlen(word)))
		return false;
	r->at += strlen(word);
	return true;
}

static const char *next_word(struct reading *r)
{
	size_t n;
	const char *word;

	skip_blanks(r);
	n = word_length(r->at);
	word = n ? arena_strndup(r->arena, r->at, n) : NULL;
	r->at += n;
	return word;
}

static const char *read_string(struct reading *r)
{
	char *text = arena_alloc(r->arena, strlen(r->at) + 1);
	size_t n = 0;

	for (; *r->at && *r->at != '"'; r->at++) {
		if (*r->at != '\\') {
			text[n++] = *r->at;
			continue;
		}
		r->at++;
		text[n++] = *r->at == 'n' ? '\n' : *r->at == 't' ? '\t' : *r->at;
		if (!*r->at)
			return NULL;
	}
	return take_sign(r, "\"") ? text : NULL;
}

/* ---- values ---- */

static bool read_mac(const char *text, epic_u128 *value)
{
	epic_u128 v = 0;

	for (int i = 0; i < 6; i++) {
		char *end;

		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		v = v << 8 | strtoul(text, &end, 16);
		if (end != text + 2 || *end != (i < 5 ? ':' : '\0'))
			return false;
		text = end + 1;
	}
	*value = v;
	return true;
}

static bool read_int(const struct field *f, const char *text, epic_u128 *value)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > 10 || text[n])
		return false;
	*value = strtoull(text, NULL, 10);
	return *value <= f->max;
}

static bool read_value(const struct field *f, const char *text, struct fx_member *m,
		       epic_u128 *value)
{
	struct prefix p;

	if (f->kind == FIELD_MAC)
		return read_mac(text, value);
	if (f->kind == FIELD_INT)
		return read_int(f, text, value);
	if (!prefix_parse(text, strlen(text), &p) || p.is_prefix)
		return false;
	m->family = p.family;
	*value = p.bits;
	return true;
}

static bool read_prefix(const char *text, struct fx_member *m)
{
	struct prefix p;

	if (!prefix_parse(text, strlen(text), &p))
		return false;
	*m = (struct fx_member){ .kind = FX_PREFIX,
				 .family = p.family,
				 .length = p.length,
				 .lo = prefix_first(p),
				 .hi = prefix_last(p) };
	return true;
}

static bool is_value_of(const struct field *f, const char *word)
{
	for (size_t i = 0; i < f->n_values; i++)
		if (!strcmp(f->values[i], word))
			return true;
	return f->kind == FIELD_STRING;
}

static bool read_range(struct reading *r, const struct field *f, const char *word,
		       struct fx_member *m)
{
	const char *dots = strstr(word, "..");
	const char *low = dots ? arena_strndup(r->arena, word, (size_t)(dots - word)) : word;

	if (f->kind == FIELD_ADDR && strchr(word, '/'))
		return read_prefix(word, m);
	m->kind = FX_RANGE;
	if (!read_value(f, low, m, &m->lo))
		return false;
	m->hi = m->lo;
	return !dots || (read_value(f, dots + 2, m, &m->hi) && m->lo <= m->hi);
}

static bool read_member(struct reading *r, const struct field *f, struct members *members)
{
	struct fx_member m = { .kind = FX_TEXT };
	const char *word;

	if (take_sign(r, "\"")) {
		m.text = read_string(r);
		if (!m.text || f->kind != FIELD_STRING)
			return false;
	} else {
		word = next_word(r);
		if (!word)
			return false;
		m.text = word;
		if (f->kind == FIELD_STRING || f->kind == FIELD_SYMBOL) {
			if (!is_value_of(f, word))
				return false;
		} else if (!read_range(r, f, word, &m)) {
			return false;
		}
	}
	vec_push(r->arena, members, m);
	return true;
}

/* ---- comparisons ---- */

static const struct field *field_named(struct reading *r, const char *name)
{
	const struct field *f = name ? fields_find(r->fields, name) : NULL;

	if (f || !name || !strchr(name, '.'))
		return f;
	return fields_add_derived(r->fields, name, NULL, 0);
}

static const struct fx *read_comparison(struct reading *r)
{
	const struct field *f = field_named(r, next_word(r));
	struct members m = { 0 };
	bool ok;

	if (!f)
		return NULL;
	if (take_sign(r, "==")) {
		ok = read_member(r, f, &m);
	} else if (!take_word(r, "in")) {
		return NULL;
	} else if (take_sign(r, "{")) {
		do
			ok = read_member(r, f, &m);
		while (ok && take_sign(r, ","));
		ok = ok && take_sign(r, "}");
	} else {
		ok = read_member(r, f, &m);
	}
	return ok ? fx_cmp(r->fields, f, m.at, m.n) : NULL;
}

static const struct fx *read_one(struct reading *r)
{
	const struct fx *x;

	if (take_word(r, "true"))
		return fx_true(r->fields);
	if (take_word(r, "false"))
		return fx_false(r->fields);
	if (take_word(r, "not")) {
		x = ++r->depth < DEEPEST ? read_one(r) : NULL;
		r->depth--;
		return x ? fx_not(r->fields, x) : NULL;
	}
	if (!take_sign(r, "("))
		return read_comparison(r);
	x = ++r->depth < DEEPEST ? read_any(r) : NULL;
	r->depth--;
	return x && take_sign(r, ")") ? x : NULL;
}

static const struct fx *
read_joined(struct reading *r, const char *word, const struct fx *(*operand)(struct reading *),
	    const struct fx *(*join)(struct fields *, const struct fx *const *, size_t))
{
	struct operands all = { 0 };

	do {
		const struct fx *x = operand(r);

		if (!x)
			return NULL;
		vec_push(r->arena, &all, x);
	} while (take_word(r, word));
	return all.n == 1 ? all.at[0] : join(r->fields, all.at, all.n);
}

static const struct fx *read_all(struct reading *r)
{
	return read_joined(r, "and", read_one, fx_and);
}

static const struct fx *read_any(struct reading *r)
{
	return read_joined(r, "or", read_all, fx_or);
}

const struct fx *filter_text_read(struct fields *f, struct arena *a, const char *text)
{
	struct reading r = { .fields = f, .arena = a, .at = text };
	const struct fx *x = read_any(&r);

	skip_blanks(&r);
	return x && !*r.at ? x : NULL;
}

/* ---- sets ---- */

static struct fx_member as_prefix(struct fx_member m)
{
	epic_u128 size = m.hi - m.lo;
	unsigned bits = 0;

	while (bits < prefix_width(m.family) && size >> bits & 1)
		bits++;
	if (!bits || size >> bits || (m.lo & size))
		return m;
	m.kind = FX_PREFIX;
	m.length = (uint8_t)(prefix_width(m.family) - bits);
	return m;
}

static const struct fx *family_fx(struct fields *f, uint64_t family)
{
	const struct fx_member any[] = {
		{ .kind = FX_PREFIX, .family = 4, .hi = UINT32_MAX },
		{ .kind = FX_PREFIX, .family = 6, .hi = ~(epic_u128)0 },
	};
	const struct field *source = fields_find(f, "ip.src");

	return family ? fx_cmp(f, source, &any[family - 1], 1)
		      : fx_not(f, fx_cmp(f, source, any, 2));
}

static const struct fx *header_fx(struct fields *f, struct arena *a, const struct cubes_side *s)
{
	struct operands any = { 0 };

	for (size_t i = 0; i < s->n; i++)
		for (epic_u128 v = s->in[i].lo; v <= s->in[i].hi && v <= 2; v++)
			vec_push(a, &any, family_fx(f, (uint64_t)v));
	return fx_or(f, any.at, any.n);
}

/* What lies between the ranges of a side. */
static const struct fx *outside_fx(struct fields *f, struct arena *a, const struct cubes_side *s)
{
	epic_u128 most = s->field->kind == FIELD_MAC ? ((epic_u128)1 << 48) - 1 : s->field->max;
	epic_u128 from = 0;
	struct members out = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		if (s->in[i].lo > from)
			vec_push(a, &out,
				 (struct fx_member){
				     .kind = FX_RANGE, .lo = from, .hi = s->in[i].lo - 1 });
		from = s->in[i].hi + 1;
	}
	if (from <= most)
		vec_push(a, &out, (struct fx_member){ .kind = FX_RANGE, .lo = from, .hi = most });
	return fx_cmp(f, s->field, out.at, out.n);
}

static const struct fx *side_fx(struct fields *f, struct arena *a, const struct cubes_side *s)
{
	struct members in = { 0 };

	if (!s->field)
		return header_fx(f, a, s);
	if (s->field->kind == FIELD_STRING || s->field->kind == FIELD_SYMBOL)
		return NULL;
	if (s->absent)
		return s->field->kind == FIELD_ADDR ? NULL : fx_not(f, outside_fx(f, a, s));
	for (size_t i = 0; i < s->n; i++)
		vec_push(a, &in, s->field->kind == FIELD_ADDR ? as_prefix(s->in[i]) : s->in[i]);
	return fx_cmp(f, s->field, in.at, in.n);
}

/* What goes without saying is left out: that a packet with ports has an IP header. */
static void drop_implied(struct fields *f, struct operands *all)
{
	const struct cubes *box = fx_cubes(f, fx_and(f, all->at, all->n));

	for (size_t i = all->n; i-- > 0;) {
		const struct fx *x = all->at[i];

		all->at[i] = fx_true(f);
		if (!cubes_subset(f, fx_cubes(f, fx_and(f, all->at, all->n)), box))
			all->at[i] = x;
	}
}

static const struct fx *box_fx(struct fields *f, struct arena *a, const struct cubes *set, size_t i)
{
	struct operands all = { 0 };
	struct cubes_side *sides;
	size_t n = cubes_sides(f, set, i, &sides);

	for (size_t k = 0; k < n; k++) {
		const struct fx *x = side_fx(f, a, &sides[k]);

		if (!x)
			return NULL;
		vec_push(a, &all, x);
	}
	drop_implied(f, &all);
	return fx_and(f, all.at, all.n);
}

static bool says_the_same(struct fields *f, const struct fx *x, const struct cubes *set)
{
	const struct cubes *said = fx_cubes(f, x);

	return cubes_subset(f, said, set) && cubes_subset(f, set, said);
}

const char *filter_text_of_set(struct fields *f, struct arena *a, const struct cubes *set,
			       size_t most)
{
	struct operands any = { 0 };
	const struct fx *x;

	if (cubes_count(set) > most)
		return NULL;
	for (size_t i = 0; i < cubes_count(set); i++) {
		x = box_fx(f, a, set, i);
		if (!x)
			return NULL;
		vec_push(a, &any, x);
	}
	x = fx_or(f, any.at, any.n);
	return says_the_same(f, x, set) ? fx_text(f, x) : NULL;
}
