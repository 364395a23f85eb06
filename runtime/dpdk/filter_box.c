/* Whole filters as unions of boxes. */
#include <config.h>

#include "runtime/dpdk/filter_private.h"

#include <stdlib.h>
#include <string.h>

/* Up to so many boxes, those that lie within another are taken out; it is quadratic. */
enum { MOST_COMPARED = 512 };

void filter_box_all(struct filter_box *b)
{
	*b = (struct filter_box){ 0 };
	for (unsigned i = 0; i < N_COLUMNS; i++)
		b->in[i] = (struct filter_span){ 0, column_most(i) };
}

bool filter_box_meet(struct filter_box *b, const struct filter_term *t)
{
	if ((b->shape ^ t->shape) & b->need & t->need)
		return false;
	b->need |= t->need;
	b->shape |= t->shape;
	for (unsigned i = 0; i < t->n; i++) {
		struct filter_span *in = &b->in[t->column[i]];

		if (t->in[i].lo > in->lo)
			in->lo = t->in[i].lo;
		if (t->in[i].hi < in->hi)
			in->hi = t->in[i].hi;
		if (in->lo > in->hi)
			return false;
		b->bound |= 1u << t->column[i];
	}
	return true;
}

/* Whether all packets of A are in B. */
static bool within(const struct filter_box *a, const struct filter_box *b)
{
	if ((b->need & ~a->need) || ((a->shape ^ b->shape) & b->need) || (b->bound & ~a->bound))
		return false;
	for (uint32_t left = b->bound; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		if (a->in[i].lo < b->in[i].lo || a->in[i].hi > b->in[i].hi)
			return false;
	}
	return true;
}

/* ---- lists of boxes ---- */

static bool boxes_grow(struct filter_boxes *b)
{
	size_t room = b->room ? 2 * b->room : 16;
	struct filter_box *at = realloc(b->at, room * sizeof(*at));

	if (!at)
		return false;
	b->at = at;
	b->room = room;
	return true;
}

static void boxes_add(struct filter_boxes *b, const struct filter_box *box)
{
	b->failed = b->failed || b->n == b->most || (b->n == b->room && !boxes_grow(b));
	if (!b->failed)
		b->at[b->n++] = *box;
}

void filter_boxes_free(struct filter_boxes *b)
{
	free(b->at);
	b->at = NULL;
	b->n = b->room = 0;
}

static bool is_within_another(const struct filter_boxes *b, size_t i)
{
	for (size_t j = 0; j < b->n; j++)
		if (j != i && within(&b->at[i], &b->at[j]) &&
		    (j < i || !within(&b->at[j], &b->at[i])))
			return true;
	return false;
}

/* Alternatives of one conjunction are often within each other; taken out they do not multiply
 * with those that follow. */
static void boxes_absorb(struct filter_boxes *b)
{
	size_t pairs = b->n * b->n;

	if (b->failed || b->n > MOST_COMPARED || pairs > b->work)
		return;
	b->work -= pairs;
	for (size_t i = b->n; i-- > 0;)
		if (is_within_another(b, i))
			b->at[i] = b->at[--b->n];
}

/* ---- BASE and FILTER ---- */

/* Adds what the filter, or its negation, leaves of BASE to OUT. */
static void narrow(const struct filter *, bool negated, const struct filter_boxes *base,
		   struct filter_boxes *out);

static void narrow_terms(const struct filter_terms *terms, const struct filter_boxes *base,
			 struct filter_boxes *out)
{
	out->failed = out->failed || terms->failed;
	for (size_t i = 0; i < base->n && !out->failed; i++)
		for (size_t j = 0; j < terms->n; j++) {
			struct filter_box box = base->at[i];

			if (!out->work--) {
				out->work = 0;
				out->failed = true;
				return;
			}
			if (filter_box_meet(&box, &terms->at[j]))
				boxes_add(out, &box);
		}
}

static void narrow_comparisons(const struct filter *const *subjects, size_t n, bool negated,
			       const struct filter_boxes *base, struct filter_boxes *out)
{
	struct filter_terms terms = { 0 };

	filter_terms(subjects, n, negated, &terms);
	narrow_terms(&terms, base, out);
	filter_terms_free(&terms);
}

static void narrow_constant(bool value, const struct filter_boxes *base, struct filter_boxes *out)
{
	for (size_t i = 0; value && i < base->n; i++)
		boxes_add(out, &base->at[i]);
}

const struct filter *filter_denied(const struct filter *part, bool negated)
{
	for (; part->kind == FILTER_NOT; negated = !negated)
		part = part->parts[0];
	return part->kind == FILTER_IN && negated ? part : NULL;
}

size_t filter_gather(const struct filter **comparisons, size_t n)
{
	const struct filter *first = comparisons[0];
	size_t same = 0;

	for (size_t i = 0; i < n; i++) {
		const struct filter *c = comparisons[i];

		if (c->field != first->field || c->tag != first->tag)
			continue;
		comparisons[i] = comparisons[same];
		comparisons[same++] = c;
	}
	return same;
}

/* The boxes of a conjunction as they become fewer and smaller. */
struct narrowing {
	struct filter_boxes now;
	struct filter_boxes *out; /* for its limits */
};

static struct filter_boxes empty_like(const struct filter_boxes *b)
{
	return (struct filter_boxes){ .most = b->most, .work = b->work, .failed = b->failed };
}

static void take(struct narrowing *w, struct filter_boxes *next)
{
	boxes_absorb(next);
	w->out->work = next->work;
	w->out->failed = w->out->failed || next->failed;
	filter_boxes_free(&w->now);
	w->now = *next;
}

/* All that is denied of the field of DENIALS[0] at once: the gaps between N values are n + 1
 * boxes, and not 2^n.  Returns how many these were. */
static size_t deny_field(struct narrowing *w, const struct filter **denials, size_t n)
{
	struct filter_boxes next = empty_like(w->out);
	size_t same = filter_gather(denials, n);

	narrow_comparisons(denials, same, true, &w->now, &next);
	take(w, &next);
	return same;
}

static void deny(struct narrowing *w, const struct filter *f, bool negated)
{
	const struct filter **denials = calloc(f->n_parts, sizeof(*denials));
	size_t n = 0;

	if (!denials) {
		w->out->failed = true;
		return;
	}
	for (size_t i = 0; i < f->n_parts; i++)
		if (filter_denied(f->parts[i], negated))
			denials[n++] = filter_denied(f->parts[i], negated);
	for (size_t i = 0; i < n && !w->out->failed;)
		i += deny_field(w, denials + i, n - i);
	free(denials);
}

/* A conjunction: an `and`, or an `or` under `not`.  What is simple comes first, so that less is
 * left for what is not. */
static void narrow_by_all(const struct filter *f, bool negated, const struct filter_boxes *base,
			  struct filter_boxes *out)
{
	struct narrowing w = { empty_like(out), out };

	narrow_constant(true, base, &w.now);
	deny(&w, f, negated);
	for (unsigned simple = 2; simple-- > 0;)
		for (size_t i = 0; i < f->n_parts && !out->failed; i++) {
			const struct filter *part = f->parts[i];
			struct filter_boxes next = empty_like(out);

			if (filter_denied(part, negated) || (part->kind == FILTER_IN) != simple)
				continue;
			narrow(part, negated, &w.now, &next);
			take(&w, &next);
		}
	out->failed = out->failed || w.now.failed;
	narrow_constant(!out->failed, &w.now, out);
	filter_boxes_free(&w.now);
}

static void narrow_by_any(const struct filter *f, bool negated, const struct filter_boxes *base,
			  struct filter_boxes *out)
{
	for (size_t i = 0; i < f->n_parts && !out->failed; i++)
		narrow(f->parts[i], negated, base, out);
}

static void narrow(const struct filter *f, bool negated, const struct filter_boxes *base,
		   struct filter_boxes *out)
{
	switch (f->kind) {
	case FILTER_TRUE:
	case FILTER_FALSE:
		narrow_constant((f->kind == FILTER_TRUE) != negated, base, out);
		break;
	case FILTER_IN:
		narrow_comparisons(&f, 1, negated, base, out);
		break;
	case FILTER_NOT:
		narrow(f->parts[0], !negated, base, out);
		break;
	case FILTER_AND:
	case FILTER_OR:
		if ((f->kind == FILTER_AND) != negated)
			narrow_by_all(f, negated, base, out);
		else
			narrow_by_any(f, negated, base, out);
	}
}

bool filter_boxes(const struct filter *f, struct filter_boxes *out)
{
	struct filter_box all;
	struct filter_boxes base = { .at = &all, .n = 1, .room = 1, .most = 1 };

	filter_box_all(&all);
	narrow(f, false, &base, out);
	return !out->failed;
}
