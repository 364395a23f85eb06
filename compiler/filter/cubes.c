#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>
#include <string.h>

static const struct cubes *cubes_new(struct fields *f, const struct box *const *at, size_t n)
{
	struct cubes *c = arena_one(f->arena, struct cubes);
	const struct box **own = arena_many(f->arena, const struct box *, n);

	if (n)
		memcpy(own, at, n * sizeof(*own));
	c->at = own;
	c->n = n;
	return c;
}

/* Takes the list over; a set of too many boxes counts as overflowed. */
static const struct cubes *cubes_take(struct fields *f, struct boxes *b)
{
	const struct cubes *c = cubes_new(f, b->at, b->n);

	f->overflowed |= b->n > MOST_BOXES;
	free(b->at);
	*b = (struct boxes){ 0 };
	return c;
}

const struct cubes *cubes_all(struct fields *f)
{
	const struct box *all = box_all(f->arena);

	return cubes_new(f, &all, 1);
}

const struct cubes *cubes_none(struct fields *f)
{
	return cubes_new(f, NULL, 0);
}

bool cubes_empty(const struct cubes *c)
{
	return !c->n;
}

size_t cubes_count(const struct cubes *c)
{
	return c->n;
}

static struct item *items_of(const struct box *const *at, size_t n)
{
	struct item *items = xrealloc(NULL, n * sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = (struct item){ at[i], i };
	return items;
}

/* ---- and, minus ---- */

struct carve_job {
	struct work *work;
	enum carve mode;
	struct boxes *out;
	bool first_only;
};

static bool carve_visit(void *arg, const struct item *a, const struct item *b, size_t n)
{
	struct carve_job *job = arg;

	return box_carve(job->work, job->mode, a->box, b, n, job->out, job->first_only);
}

static bool and_visit(void *arg, const struct item *a, const struct item *b, size_t n)
{
	struct carve_job *job = arg;

	for (size_t i = 0; i < n; i++) {
		const struct box *both = box_and(job->work->keep, a->box, b[i].box);

		if (!both)
			continue;
		if (!work_count(job->work))
			return false;
		boxes_push(job->out, both);
		if (job->first_only)
			return false;
	}
	return true;
}

/* Brings every box of A together with those of B. */
static bool boxes_meet(struct work *w, const struct box *const *a, size_t n_a,
		       const struct box *const *b, size_t n_b, meet_visit *visit,
		       struct carve_job *job)
{
	struct item *as = items_of(a, n_a), *bs = items_of(b, n_b);
	bool go_on = items_meet(w, as, n_a, bs, n_b, visit, job);

	free(bs);
	free(as);
	return go_on;
}

static const struct cubes *cubes_carve(struct work *w, enum carve mode, const struct cubes *a,
				       const struct box *const *b, size_t n_b)
{
	struct boxes out = { 0 };
	struct carve_job job = { w, mode, &out, false };

	boxes_meet(w, a->at, a->n, b, n_b, carve_visit, &job);
	return cubes_take(w->fields, &out);
}

static const struct cubes *cubes_meet(struct work *w, const struct cubes *a, const struct cubes *b)
{
	struct boxes out = { 0 };
	struct carve_job job = { w, CARVE_INSIDE, &out, false };

	boxes_meet(w, a->at, a->n, b->at, b->n, and_visit, &job);
	return cubes_take(w->fields, &out);
}

const struct cubes *cubes_and(struct fields *f, const struct cubes *a, const struct cubes *b)
{
	const struct cubes *result;
	struct work w;

	work_begin(&w, f, KEEP_BOXES);
	result = cubes_meet(&w, a, b);
	work_end(&w);
	return result;
}

const struct cubes *cubes_minus(struct fields *f, const struct cubes *a, const struct cubes *b)
{
	const struct cubes *result;
	struct work w;

	if (!a->n || !b->n)
		return a;
	work_begin(&w, f, KEEP_BOXES);
	result = cubes_carve(&w, CARVE_OUTSIDE, a, b->at, b->n);
	work_end(&w);
	return result;
}

const struct cubes *cubes_or(struct fields *f, const struct cubes *a, const struct cubes *b)
{
	const struct cubes *more = cubes_minus(f, b, a);
	struct boxes out = { 0 };

	for (size_t i = 0; i < a->n; i++)
		boxes_push(&out, a->at[i]);
	for (size_t i = 0; i < more->n; i++)
		boxes_push(&out, more->at[i]);
	return cubes_take(f, &out);
}

/* ---- questions ---- */

bool cubes_overlap(struct fields *f, const struct cubes *a, const struct cubes *b,
		   struct packet *example)
{
	struct boxes out = { 0 };
	struct work w;
	struct carve_job job = { &w, CARVE_INSIDE, &out, true };
	bool found;

	work_begin(&w, f, KEEP_NOTHING);
	boxes_meet(&w, a->at, a->n, b->at, b->n, and_visit, &job);
	found = out.n;
	if (found && example)
		*example = box_example(f, out.at[0]);
	free(out.at);
	work_end(&w);
	return found;
}

static struct boxes boxes_of(const struct cubes *const *sets, size_t n)
{
	struct boxes all = { 0 };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sets[i]->n; k++)
			boxes_push(&all, sets[i]->at[k]);
	return all;
}

bool cubes_covered(struct fields *f, const struct cubes *small, const struct cubes *const *large,
		   size_t n, struct packet *uncovered)
{
	struct boxes all = boxes_of(large, n), out = { 0 };
	struct work w;
	struct carve_job job = { &w, CARVE_OUTSIDE, &out, true };
	bool yes;

	work_begin(&w, f, KEEP_NOTHING);
	yes = boxes_meet(&w, small->at, small->n, all.at, all.n, carve_visit, &job);
	if (!yes && uncovered)
		*uncovered = out.n ? box_example(f, out.at[0]) : (struct packet){ 0 };
	free(out.at);
	free(all.at);
	work_end(&w);
	return yes;
}

bool cubes_subset(struct fields *f, const struct cubes *small, const struct cubes *large)
{
	return cubes_covered(f, small, &large, 1, NULL);
}

/* ---- filters ---- */

/* What an `and` comes to, its nests and the `or`s below `not` unfolded: one box,
 * less some boxes, and filters that are neither. */
struct terms {
	const struct box *box;
	bool empty;
	struct boxes less;
	struct {
		const struct fx *fx;
		bool negated;
	} * rest;
	size_t n_rest, cap_rest;
};

static const struct cubes *filter(struct work *, const struct cubes *base, const struct fx *,
				  bool negated);

static void terms_narrow(struct work *w, struct terms *t, const struct box *b)
{
	const struct box *both = box_and(w->keep, t->box, b);

	if (both)
		t->box = both;
	else
		t->empty = true;
}

/* Whether FX is one box, a conjunction of plain comparisons; then narrows T. */
static bool narrow_plainly(struct work *w, struct terms *t, const struct fx *fx)
{
	switch (fx->kind) {
	case FX_TRUE:
		return true;
	case FX_FALSE:
		t->empty = true;
		return true;
	case FX_CMP:
		if (fx->n_boxes == 1)
			terms_narrow(w, t, fx->boxes[0]);
		return fx->n_boxes == 1;
	case FX_AND:
		for (size_t i = 0; i < fx->n; i++)
			if (!narrow_plainly(w, t, fx->operands[i]))
				return false;
		return true;
	default:
		return false;
	}
}

/* The boxes of FX if they are at hand: of a comparison or one box. */
static bool plain_boxes(struct work *w, const struct fx *fx, struct boxes *out)
{
	struct terms t = { .box = box_all(w->keep) };

	if (fx->kind == FX_CMP) {
		for (size_t i = 0; i < fx->n_boxes; i++)
			boxes_push(out, fx->boxes[i]);
		return true;
	}
	if (!narrow_plainly(w, &t, fx))
		return false;
	if (!t.empty)
		boxes_push(out, t.box);
	return true;
}

static void terms_defer(struct terms *t, const struct fx *fx, bool negated)
{
	if (t->n_rest == t->cap_rest) {
		t->cap_rest = t->cap_rest ? 2 * t->cap_rest : 8;
		t->rest = xrealloc(t->rest, t->cap_rest * sizeof(*t->rest));
	}
	t->rest[t->n_rest].fx = fx;
	t->rest[t->n_rest++].negated = negated;
}

static void terms_gather(struct work *w, struct terms *t, const struct fx *fx, bool negated)
{
	if (fx->kind == FX_NOT)
		terms_gather(w, t, fx->operands[0], !negated);
	else if (fx->kind == (negated ? FX_OR : FX_AND))
		for (size_t i = 0; i < fx->n; i++)
			terms_gather(w, t, fx->operands[i], negated);
	else if (negated && plain_boxes(w, fx, &t->less))
		return;
	else if (negated || fx->kind == FX_OR || !narrow_plainly(w, t, fx))
		terms_defer(t, fx, negated);
}

/* The operands of a nest of `or`s: boxes that are at hand, and others within BASE. */
static void gather_any(struct work *w, const struct cubes *base, const struct fx *fx,
		       struct boxes *out)
{
	const struct cubes *more;

	if (fx->kind == FX_OR) {
		for (size_t i = 0; i < fx->n; i++)
			gather_any(w, base, fx->operands[i], out);
	} else if (!plain_boxes(w, fx, out)) {
		more = filter(w, base, fx, false);
		for (size_t i = 0; i < more->n; i++)
			boxes_push(out, more->at[i]);
	}
}

/* BASE and an `or`, or a comparison with both families of addresses. */
static const struct cubes *filter_any(struct work *w, const struct cubes *base, const struct fx *fx)
{
	struct boxes any = { 0 };
	const struct cubes *result;

	gather_any(w, base, fx, &any);
	result = cubes_carve(w, CARVE_INSIDE, base, any.at, any.n);
	free(any.at);
	return result;
}

/* BASE less an `and` that is no box. */
static const struct cubes *filter_less(struct work *w, const struct cubes *base,
				       const struct fx *fx)
{
	const struct cubes *less = filter(w, base, fx, false);

	return cubes_carve(w, CARVE_OUTSIDE, base, less->at, less->n);
}

static const struct cubes *terms_apply(struct work *w, const struct cubes *base,
				       const struct terms *t)
{
	const struct cubes one = { 1, &t->box };

	if (t->empty)
		return cubes_none(w->fields);
	if (t->box->n)
		base = cubes_meet(w, base, &one);
	if (t->less.n)
		base = cubes_carve(w, CARVE_OUTSIDE, base, t->less.at, t->less.n);
	for (size_t i = 0; i < t->n_rest && base->n && !w->overflowed; i++)
		base = t->rest[i].negated ? filter_less(w, base, t->rest[i].fx)
					  : filter_any(w, base, t->rest[i].fx);
	return base;
}

static const struct cubes *filter(struct work *w, const struct cubes *base, const struct fx *fx,
				  bool negated)
{
	struct terms t = { .box = box_all(w->keep) };

	terms_gather(w, &t, fx, negated);
	base = terms_apply(w, base, &t);
	free(t.less.at);
	free(t.rest);
	return base;
}

const struct cubes *cubes_filter(struct fields *f, const struct cubes *base, const struct fx *fx)
{
	const struct cubes *result;
	struct work w;

	work_begin(&w, f, KEEP_BOXES);
	result = filter(&w, base, fx, false);
	work_end(&w);
	return result;
}

const struct cubes *fx_cubes(struct fields *f, const struct fx *fx)
{
	return cubes_filter(f, cubes_all(f), fx);
}

/* ---- projection ---- */

/* Appends the box's values of the dimension; false if some of its packets lack
 * the field. */
static bool project_box(const struct fields *f, const struct box *b, uint32_t dim,
			struct range **at, size_t *n)
{
	const struct dim *d = &f->dims.at[dim];
	const struct values *v = box_values(f, b, dim);

	if (!box_bounds(b, dim) || (d->lacks && v->at[v->n - 1].hi == d->max))
		return false;
	for (size_t i = 0; i < d->needs->n; i++)
		if (!values_subset(box_values(f, b, d->needs->at[i].dim), d->needs->at[i].in))
			return false;
	*at = xrealloc(*at, (*n + v->n) * sizeof(**at));
	memcpy(*at + *n, v->at, v->n * sizeof(**at));
	*n += v->n;
	return true;
}

static bool is_text(const struct field *field)
{
	return field->kind == FIELD_STRING || field->kind == FIELD_SYMBOL;
}

/* One member per text; false if there are texts without a number. */
static bool text_members(struct fields *f, const struct field *field, const struct values *v,
			 struct fx_member **members, size_t *n)
{
	size_t n_texts = field->kind == FIELD_SYMBOL ? field->n_values : f->texts.n;
	VEC(struct fx_member) list = { 0 };

	if (v->n && v->at[v->n - 1].hi >= n_texts)
		return false;
	for (size_t i = 0; i < v->n; i++)
		for (size_t k = (size_t)v->at[i].lo; k <= v->at[i].hi; k++) {
			const char *text =
			    field->kind == FIELD_SYMBOL ? field->values[k] : f->texts.at[k];
			vec_push(f->arena, &list,
				 (struct fx_member){ .kind = FX_TEXT, .text = text });
		}
	*members = list.at;
	*n = list.n;
	return true;
}

static void range_members(struct fields *f, const struct values *v, int family,
			  struct fx_member **members, size_t *n)
{
	*n = v->n;
	*members = arena_many(f->arena, struct fx_member, v->n);
	for (size_t i = 0; i < v->n; i++)
		(*members)[i] = (struct fx_member){ .kind = FX_RANGE,
						    .family = (uint8_t)family,
						    .lo = v->at[i].lo,
						    .hi = v->at[i].hi };
}

bool cubes_project(struct fields *f, const struct cubes *set, const struct field *field, int family,
		   struct fx_member **ranges, size_t *n)
{
	uint32_t dim = field_dim(f, field, family);
	struct range *at = NULL;
	const struct values *v;
	size_t n_at = 0;
	bool bounded = dim != DIM_NONE;

	for (size_t i = 0; i < set->n && bounded; i++)
		bounded = project_box(f, set->at[i], dim, &at, &n_at);
	v = values_from(f->arena, at, bounded ? n_at : 0);
	free(at);
	if (!bounded)
		return false;
	if (is_text(field))
		return text_members(f, field, v, ranges, n);
	range_members(f, v, family, ranges, n);
	return true;
}
