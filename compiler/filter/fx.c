#include <config.h>

#include "compiler/filter/filter_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct fx *compare(struct fields *, const struct field *, const struct fx_member *,
				size_t n);
static const struct fx *junction(struct fields *, enum fx_kind, const struct fx *const *, size_t n);

static const struct fx *constant(struct fields *f, enum fx_kind kind)
{
	struct fx *fx = arena_one(f->arena, struct fx);

	fx->kind = kind;
	return fx;
}

const struct fx *fx_true(struct fields *f)
{
	return constant(f, FX_TRUE);
}

const struct fx *fx_false(struct fields *f)
{
	return constant(f, FX_FALSE);
}

static const struct fx *protocol_is(struct fields *f, uint64_t protocol)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = protocol, .hi = protocol };

	return compare(f, fields_find(f, "ip.proto"), &m, 1);
}

static const struct fx *both(struct fields *f, const struct fx *a, const struct fx *b)
{
	return junction(f, FX_AND, (const struct fx *[]){ a, b }, 2);
}

const struct fx *fx_cmp(struct fields *f, const struct field *field, const struct fx_member *m,
			size_t n)
{
	const struct field *port;
	uint64_t protocol;

	if (!n)
		return fx_false(f);
	if (field_alias(f, field, &port, &protocol))
		return both(f, protocol_is(f, protocol), compare(f, port, m, n));
	return compare(f, field, m, n);
}

const struct fx *fx_service(struct fields *f, uint64_t protocol, uint64_t lo, uint64_t hi)
{
	struct fx_member m = { .kind = FX_RANGE, .lo = lo, .hi = hi };

	return both(f, protocol_is(f, protocol), compare(f, fields_find(f, "l4.dport"), &m, 1));
}

const struct fx *fx_not(struct fields *f, const struct fx *inner)
{
	struct fx *fx;

	if (inner->kind == FX_NOT)
		return inner->operands[0];
	fx = arena_one(f->arena, struct fx);
	fx->kind = FX_NOT;
	fx->operands = arena_alloc(f->arena, sizeof(inner));
	memcpy((void *)fx->operands, &inner, sizeof(inner));
	fx->n = 1;
	return fx;
}

const struct fx *fx_and(struct fields *f, const struct fx *const *operands, size_t n)
{
	return junction(f, FX_AND, operands, n);
}

const struct fx *fx_or(struct fields *f, const struct fx *const *operands, size_t n)
{
	return junction(f, FX_OR, operands, n);
}

enum fx_kind fx_kind(const struct fx *fx)
{
	return fx->kind;
}

/* Operands that change nothing (true in `and`, false in `or`) are left out. */
static const struct fx *junction(struct fields *f, enum fx_kind kind,
				 const struct fx *const *operands, size_t n)
{
	enum fx_kind neutral = kind == FX_AND ? FX_TRUE : FX_FALSE;
	const struct fx **kept = arena_many(f->arena, const struct fx *, n);
	struct fx *fx;
	size_t n_kept = 0;

	for (size_t i = 0; i < n; i++)
		if (operands[i]->kind != neutral)
			kept[n_kept++] = operands[i];
	if (!n_kept)
		return constant(f, neutral);
	if (n_kept == 1)
		return kept[0];
	fx = arena_one(f->arena, struct fx);
	fx->kind = kind;
	fx->operands = kept;
	fx->n = n_kept;
	return fx;
}

/* ---- comparisons ---- */

/* Prefixes first, then texts or ranges; each by value. */
static int member_cmp(const void *a, const void *b)
{
	const struct fx_member *x = a, *y = b;
	int c = (y->kind == FX_PREFIX) - (x->kind == FX_PREFIX);

	if (c)
		return c;
	if (x->kind == FX_TEXT)
		return strcmp(x->text, y->text);
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	c = u128_cmp(x->lo, y->lo);
	if (!c && x->kind == FX_PREFIX)
		return (x->length > y->length) - (x->length < y->length);
	return c ? c : u128_cmp(x->hi, y->hi);
}

/* LAST takes up M: the same prefix or text again, or a range that adjoins. */
static bool member_absorb(struct fx_member *last, const struct fx_member *m)
{
	if (last->kind != m->kind || last->family != m->family)
		return false;
	if (m->kind != FX_RANGE)
		return !member_cmp(last, m);
	if (m->lo > last->hi && m->lo - 1 != last->hi)
		return false;
	if (m->hi > last->hi)
		last->hi = m->hi;
	return true;
}

static size_t members_canonical(struct fx_member *m, size_t n)
{
	size_t kept = 0;

	qsort(m, n, sizeof(*m), member_cmp);
	for (size_t i = 0; i < n; i++)
		if (!kept || !member_absorb(&m[kept - 1], &m[i]))
			m[kept++] = m[i];
	return kept;
}

static epic_u128 symbol_index(const struct field *field, const char *word)
{
	for (size_t i = 0; i < field->n_values; i++)
		if (!strcmp(field->values[i], word))
			return i;
	assert(!"a symbol that its field does not have");
	return 0;
}

static struct range member_range(struct fields *f, const struct field *field,
				 const struct fx_member *m)
{
	epic_u128 v;

	if (m->kind != FX_TEXT)
		return (struct range){ m->lo, m->hi };
	v = field->kind == FIELD_SYMBOL ? symbol_index(field, m->text) : text_number(f, m->text);
	return (struct range){ v, v };
}

/* The box of the members of one family; does nothing if there are none. */
static void add_box(struct fields *f, struct fx *fx, int family)
{
	struct range *ranges = arena_many(f->arena, struct range, fx->n);
	uint32_t dim = field_dim(f, fx->field, family);
	const struct dim *d = &f->dims.at[dim];
	size_t n = 0;

	for (size_t i = 0; i < fx->n; i++)
		if (fx->members[i].family == family) {
			ranges[n] = member_range(f, fx->field, &fx->members[i]);
			assert(ranges[n].hi <= d->max - d->lacks && ranges[n].lo <= ranges[n].hi);
			n++;
		}
	if (n)
		fx->boxes[fx->n_boxes++] =
		    box_with(f, f->arena, d->needs, dim, values_from(f->arena, ranges, n));
}

static const struct fx *compare(struct fields *f, const struct field *field,
				const struct fx_member *m, size_t n)
{
	struct fx *fx = arena_one(f->arena, struct fx);
	struct fx_member *own = arena_many(f->arena, struct fx_member, n);

	memcpy(own, m, n * sizeof(*m));
	for (size_t i = 0; i < n; i++) {
		if (own[i].kind == FX_TEXT)
			own[i].text = intern_text(f->names, own[i].text);
		if (field->kind != FIELD_ADDR)
			own[i].family = 0;
	}
	fx->kind = FX_CMP;
	fx->field = field;
	fx->members = own;
	fx->n = members_canonical(own, n);
	if (field->kind == FIELD_ADDR) {
		add_box(f, fx, 4);
		add_box(f, fx, 6);
	} else {
		add_box(f, fx, 0);
	}
	assert(fx->n_boxes);
	return fx;
}

/* ---- walks ---- */

void fx_visit(const struct fx *fx, void (*visit)(const struct field *, void *), void *arg)
{
	if (fx->kind == FX_CMP)
		visit(fx->field, arg);
	else
		for (size_t i = 0; i < fx->n; i++)
			fx_visit(fx->operands[i], visit, arg);
}

struct relaxing {
	struct fields *fields;
	bool (*drop)(const struct field *, void *);
	void *arg;
};

/* Below an odd number of `not` the negation of a dropped comparison has to come
 * out true, so the comparison itself turns false. */
static const struct fx *relax(const struct relaxing *r, const struct fx *fx, bool negated)
{
	const struct fx **operands;

	if (fx->kind == FX_CMP && r->drop(fx->field, r->arg))
		return constant(r->fields, negated ? FX_FALSE : FX_TRUE);
	if (fx->kind == FX_CMP || !fx->n)
		return fx;
	if (fx->kind == FX_NOT)
		return fx_not(r->fields, relax(r, fx->operands[0], !negated));
	operands = arena_many(r->fields->arena, const struct fx *, fx->n);
	for (size_t i = 0; i < fx->n; i++)
		operands[i] = relax(r, fx->operands[i], negated);
	return junction(r->fields, fx->kind, operands, fx->n);
}

const struct fx *fx_relax(struct fields *f, const struct fx *fx,
			  bool (*drop)(const struct field *, void *), void *arg)
{
	return relax(&(struct relaxing){ f, drop, arg }, fx, false);
}

/* ---- evaluation ---- */

static const struct packet_value *packet_find(const struct packet *p, const struct field *field)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].field == field)
			return &p->at[i];
	return NULL;
}

static bool member_has(const struct fx_member *m, const struct packet_value *v)
{
	if (m->kind == FX_TEXT)
		return !strcmp(m->text, v->text);
	if (v->field->kind == FIELD_ADDR && m->family != v->family)
		return false;
	return m->lo <= v->value && v->value <= m->hi;
}

static bool compare_eval(const struct fx *fx, const struct packet *p)
{
	const struct packet_value *v = packet_find(p, fx->field);

	for (size_t i = 0; v && i < fx->n; i++)
		if (member_has(&fx->members[i], v))
			return true;
	return false;
}

/* Whether any operand evaluates to WANTED. */
static bool any_evals(const struct fx *fx, const struct packet *p, bool wanted)
{
	for (size_t i = 0; i < fx->n; i++)
		if (fx_eval(fx->operands[i], p) == wanted)
			return true;
	return false;
}

bool fx_eval(const struct fx *fx, const struct packet *p)
{
	switch (fx->kind) {
	case FX_TRUE:
		return true;
	case FX_FALSE:
		return false;
	case FX_CMP:
		return compare_eval(fx, p);
	case FX_NOT:
		return !fx_eval(fx->operands[0], p);
	case FX_AND:
		return !any_evals(fx, p, false);
	case FX_OR:
		return any_evals(fx, p, true);
	}
	assert(!"not a filter");
	return false;
}
