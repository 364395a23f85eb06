/* The canonical text of a filter: doc/language.md 5.1, "Canonical filter text". */
#include <config.h>

#include "compiler/filter/filter_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A filter whose `not`s stand at single comparisons.  `and` and `or` have at
 * least two parts, none of which is of the same kind. */
struct phrase {
	enum fx_kind kind; /* FX_CMP also for a negated comparison */
	const char *text;
	const struct phrase *const *parts; /* of FX_AND, FX_OR: sorted by text */
	size_t n;
};

struct parts {
	VEC(const struct phrase *) list;
	bool absorbed; /* a `false` in an `and`, a `true` in an `or` */
};

static const struct phrase *phrase_of(struct fields *, const struct fx *, bool negated);

const char *fx_text(struct fields *f, const struct fx *fx)
{
	return phrase_of(f, fx, false)->text;
}

static const struct phrase *phrase_new(struct fields *f, enum fx_kind kind, const char *text)
{
	struct phrase *p = arena_one(f->arena, struct phrase);

	p->kind = kind;
	p->text = text;
	return p;
}

static const struct phrase *constant(struct fields *f, bool value)
{
	return phrase_new(f, value ? FX_TRUE : FX_FALSE, value ? "true" : "false");
}

/* ---- one comparison ---- */

static void put_string(struct sink *s, const char *text)
{
	static const char escaped[] = "\"\\\n\t", letters[] = "\"\\nt";

	sink_putc(s, '"');
	for (; *text; text++) {
		const char *e = strchr(escaped, *text);

		if (e)
			sink_putc(s, '\\');
		sink_putc(s, e ? letters[e - escaped] : *text);
	}
	sink_putc(s, '"');
}

static void put_value(struct sink *s, const struct field *field, int family, epic_u128 value)
{
	char buf[ADDR_TEXT_SIZE];

	if (field->kind == FIELD_MAC)
		sink_puts(s, mac_text((uint64_t)value, buf));
	else if (field->kind == FIELD_ADDR)
		sink_puts(s, addr_text(family, value, buf));
	else
		sink_printf(s, "%" PRIu64, (uint64_t)value);
}

static void put_member(struct sink *s, const struct field *field, const struct fx_member *m)
{
	char buf[ADDR_TEXT_SIZE];

	if (m->kind == FX_TEXT && field->kind == FIELD_SYMBOL) {
		sink_puts(s, m->text);
	} else if (m->kind == FX_TEXT) {
		put_string(s, m->text);
	} else if (m->kind == FX_PREFIX) {
		sink_puts(s,
			  prefix_text((struct prefix){ m->family, m->length, true, m->lo }, buf));
	} else {
		put_value(s, field, m->family, m->lo);
		if (m->lo != m->hi) {
			sink_puts(s, "..");
			put_value(s, field, m->family, m->hi);
		}
	}
}

static bool is_one_value(const struct fx_member *m)
{
	return m->kind == FX_TEXT || (m->kind == FX_RANGE && m->lo == m->hi);
}

static void put_members(struct sink *s, const struct fx *fx)
{
	sink_puts(s, " in {");
	for (size_t i = 0; i < fx->n; i++) {
		if (i)
			sink_puts(s, ", ");
		put_member(s, fx->field, &fx->members[i]);
	}
	sink_putc(s, '}');
}

static const struct phrase *comparison(struct fields *f, const struct fx *fx, bool negated)
{
	struct sink s = { 0 };
	const struct phrase *p;

	sink_puts(&s, negated ? "not " : "");
	sink_puts(&s, fx->field->name);
	if (fx->n > 1) {
		put_members(&s, fx);
	} else {
		sink_puts(&s, is_one_value(fx->members) ? " == " : " in ");
		put_member(&s, fx->field, fx->members);
	}
	p = phrase_new(f, FX_CMP, arena_strndup(f->arena, s.data, s.size));
	sink_free(&s);
	return p;
}

/* ---- and, or ---- */

/* What FX comes to once `not` is pushed down. */
static enum fx_kind pushed_kind(const struct fx *fx, bool negated)
{
	if (!negated)
		return fx->kind;
	switch (fx->kind) {
	case FX_TRUE:
		return FX_FALSE;
	case FX_FALSE:
		return FX_TRUE;
	case FX_AND:
		return FX_OR;
	case FX_OR:
		return FX_AND;
	default:
		return fx->kind;
	}
}

static void parts_add(struct fields *f, struct parts *parts, enum fx_kind kind,
		      const struct phrase *p)
{
	if (p->kind == FX_TRUE || p->kind == FX_FALSE)
		parts->absorbed |= p->kind == (kind == FX_AND ? FX_FALSE : FX_TRUE);
	else if (p->kind != kind)
		vec_push(f->arena, &parts->list, p);
	else
		for (size_t i = 0; i < p->n; i++)
			vec_push(f->arena, &parts->list, p->parts[i]);
}

/* Collects the operands of a nest of FXs of one KIND without building the texts
 * in between, which would be quadratic in a chain. */
static void parts_collect(struct fields *f, struct parts *parts, enum fx_kind kind,
			  const struct fx *fx, bool negated)
{
	if (fx->kind == FX_NOT)
		parts_collect(f, parts, kind, fx->operands[0], !negated);
	else if (pushed_kind(fx, negated) == kind)
		for (size_t i = 0; i < fx->n; i++)
			parts_collect(f, parts, kind, fx->operands[i], negated);
	else
		parts_add(f, parts, kind, phrase_of(f, fx, negated));
}

static int phrase_cmp(const void *a, const void *b)
{
	const struct phrase *const *x = a, *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

static void parts_sort(struct parts *parts)
{
	size_t kept = 0;

	if (!parts->list.n)
		return;
	qsort(parts->list.at, parts->list.n, sizeof(*parts->list.at), phrase_cmp);
	for (size_t i = 0; i < parts->list.n; i++)
		if (!kept || strcmp(parts->list.at[kept - 1]->text, parts->list.at[i]->text))
			parts->list.at[kept++] = parts->list.at[i];
	parts->list.n = kept;
}

static const struct phrase *joined(struct fields *f, enum fx_kind kind, const struct parts *parts)
{
	struct phrase *p = arena_one(f->arena, struct phrase);
	struct sink s = { 0 };

	for (size_t i = 0; i < parts->list.n; i++) {
		const struct phrase *part = parts->list.at[i];
		bool parens = part->kind == FX_OR;

		if (i)
			sink_puts(&s, kind == FX_AND ? " and " : " or ");
		sink_printf(&s, "%s%s%s", parens ? "(" : "", part->text, parens ? ")" : "");
	}
	p->kind = kind;
	p->parts = parts->list.at;
	p->n = parts->list.n;
	p->text = arena_strndup(f->arena, s.data, s.size);
	sink_free(&s);
	return p;
}

static const struct phrase *junction(struct fields *f, enum fx_kind kind, const struct fx *fx,
				     bool negated)
{
	struct parts parts = { 0 };

	parts_collect(f, &parts, kind, fx, negated);
	if (parts.absorbed || !parts.list.n)
		return constant(f, parts.absorbed == (kind == FX_OR));
	parts_sort(&parts);
	return parts.list.n == 1 ? parts.list.at[0] : joined(f, kind, &parts);
}

static const struct phrase *phrase_of(struct fields *f, const struct fx *fx, bool negated)
{
	enum fx_kind kind = pushed_kind(fx, negated);

	switch (kind) {
	case FX_NOT:
		return phrase_of(f, fx->operands[0], !negated);
	case FX_CMP:
		return comparison(f, fx, negated);
	case FX_AND:
	case FX_OR:
		return junction(f, kind, fx, negated);
	default:
		return constant(f, kind == FX_TRUE);
	}
}
