/* Cutting a box along the sides of many others.
 *
 * The piece is split along one dimension into the ranges in which the same
 * others are met; then each part goes on along the next dimension with those
 * only.  An other that the part does not exceed in any dimension left covers it,
 * and the part is done.  After a dimension has been split no other has a side
 * there that cuts, so the depth is at most the number of dimensions. */
#include <config.h>

#include "compiler/filter/filter_private.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/base/ids.h"

/* One of the others: its sides that still cut the piece. */
struct cutter {
	const struct side *sides;
	size_t n;
};

struct carving {
	struct work *work;
	enum carve mode;
	struct boxes *out;
	bool first_only;
};

/* The cutters with one and the same side in the dimension.  Parts of boxes share
 * their long lists of values, which are then gone through once. */
struct bunch {
	const struct values *in;
	size_t begin, n; /* in the split's cutters */
	bool covering;   /* one of them has no other side */
	bool counted;    /* the part where it is met alone is in the cost */
};

/* A place where a bunch begins or, inclusive, ends. */
struct event {
	epic_u128 at;
	bool end;
	uint32_t bunch;
};

/* A range of the dimension and who is met there; n == 0: it is covered. */
struct segment {
	struct range range;
	uint32_t *met; /* bunches, ascending */
	size_t n;
};

/* One piece being split along one dimension.  The lists are in the heap and go
 * when the split is done, since a split may have many parts. */
struct split {
	struct carving *carving;
	const struct box *piece;
	uint32_t dim;
	struct cutter *through; /* have no side in this dimension */
	size_t n_through;
	struct cutter *cutters; /* have one */
	struct cutter *past;    /* the same without it */
	size_t n_cutters;
	struct bunch *bunches;
	size_t n_bunches;
	struct event *events;
	size_t n_events;
	struct segment *segments; /* NULL while only the cost is counted */
	size_t n_segments;
	uint32_t *active;                   /* the bunches at the sweep's place, in no order */
	uint32_t *active_at;                /* where in `active` a bunch is */
	size_t n_active, n_met, n_covering; /* bunches, cutters, covering bunches */
	size_t cost;                        /* how many cutters the parts would meet, in sum */
};

static bool carve(struct carving *, const struct box *piece, const struct cutter *, size_t n);

/* ---- the way in ---- */

/* The sides of B that cut PIECE; they must overlap. */
static struct cutter cutter_of(struct work *w, const struct box *piece, const struct box *b)
{
	struct side *sides = arena_many(w->scratch, struct side, b->n);
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!values_subset(box_values(w->fields, piece, b->at[i].dim), b->at[i].in))
			sides[n++] = b->at[i];
	return (struct cutter){ sides, n };
}

static bool emit(struct carving *c, const struct box *piece)
{
	boxes_push(c->out, piece);
	return !c->first_only;
}

/* PIECE lies wholly inside one of the others. */
static bool covered(struct carving *c, const struct box *piece)
{
	return c->mode == CARVE_INSIDE ? emit(c, piece) : true;
}

bool box_carve(struct work *w, enum carve mode, const struct box *piece, const struct item *b,
	       size_t n, struct boxes *out, bool first_only)
{
	struct carving c = { w, mode, out, first_only };
	struct cutter *cutters = xrealloc(NULL, n * sizeof(*cutters));
	size_t n_cutters = 0;
	bool inside = false, go_on;

	for (size_t i = 0; i < n && !inside; i++) {
		if (!box_overlap(piece, b[i].box))
			continue;
		cutters[n_cutters] = cutter_of(w, piece, b[i].box);
		inside = !cutters[n_cutters++].n;
	}
	go_on = inside ? covered(&c, piece) : carve(&c, piece, cutters, n_cutters);
	free(cutters);
	return go_on;
}

/* ---- one split ---- */

static const struct side *cutter_side(const struct cutter *c, uint32_t dim)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->sides[i].dim == dim)
			return &c->sides[i];
	return NULL;
}

/* The cutter without its side in DIM, which has cut. */
static struct cutter cutter_past(struct work *w, const struct cutter *c, uint32_t dim)
{
	struct side *sides = arena_many(w->scratch, struct side, c->n - 1);
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->sides[i].dim != dim)
			sides[n++] = c->sides[i];
	return (struct cutter){ sides, n };
}

/* Finds or makes the bunch with these values; KNOWN maps them to its number + 1. */
static uint32_t bunch_of(struct split *s, struct map *known, const struct values *in)
{
	uintptr_t number = (uintptr_t)map_get(known, in);

	if (number)
		return (uint32_t)number - 1;
	s->bunches[s->n_bunches] = (struct bunch){ .in = in };
	map_put(known, in, (void *)(uintptr_t)++s->n_bunches);
	return (uint32_t)s->n_bunches - 1;
}

/* Tells which bunch each of the cutters is of, ID_NONE: it goes through. */
static void find_bunches(struct split *s, const struct cutter *at, size_t n, uint32_t *bunch)
{
	struct map known;
	size_t begin = 0;

	map_init(&known, s->carving->work->scratch);
	for (size_t i = 0; i < n; i++) {
		const struct side *side = cutter_side(&at[i], s->dim);

		bunch[i] = side ? bunch_of(s, &known, side->in) : ID_NONE;
		if (!side)
			continue;
		s->bunches[bunch[i]].n++;
		s->bunches[bunch[i]].covering |= at[i].n == 1;
	}
	for (size_t i = 0; i < s->n_bunches; i++) {
		s->bunches[i].begin = begin;
		begin += s->bunches[i].n;
		s->bunches[i].n = 0;
	}
}

static void sort_cutters(struct split *s, const struct cutter *at, size_t n)
{
	uint32_t *bunch = xrealloc(NULL, n * sizeof(*bunch));

	s->through = xrealloc(NULL, n * sizeof(*s->through));
	s->cutters = xrealloc(NULL, n * sizeof(*s->cutters));
	s->bunches = xrealloc(NULL, n * sizeof(*s->bunches));
	find_bunches(s, at, n, bunch);
	for (size_t i = 0; i < n; i++) {
		struct bunch *b = bunch[i] == ID_NONE ? NULL : &s->bunches[bunch[i]];

		if (b)
			s->cutters[b->begin + b->n++] = at[i];
		else
			s->through[s->n_through++] = at[i];
	}
	s->n_cutters = n - s->n_through;
	free(bunch);
}

static void find_pasts(struct split *s)
{
	s->past = xrealloc(NULL, s->n_cutters * sizeof(*s->past));
	for (size_t i = 0; i < s->n_cutters; i++)
		s->past[i] = cutter_past(s->carving->work, &s->cutters[i], s->dim);
}

static int event_cmp(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	int c = u128_cmp(x->at, y->at);

	if (c)
		return c;
	if (x->end != y->end)
		return x->end ? 1 : -1;
	return (x->bunch > y->bunch) - (x->bunch < y->bunch);
}

static void find_events(struct split *s)
{
	struct work *w = s->carving->work;
	const struct values *whole = box_values(w->fields, s->piece, s->dim);
	size_t cap = 0;

	for (uint32_t i = 0; i < s->n_bunches; i++) {
		const struct values *in = values_and(w->scratch, whole, s->bunches[i].in);

		if (s->n_events + 2 * in->n > cap) {
			cap = 2 * cap + 2 * in->n;
			s->events = xrealloc(s->events, cap * sizeof(*s->events));
		}
		for (size_t k = 0; k < in->n; k++) {
			s->events[s->n_events++] = (struct event){ in->at[k].lo, false, i };
			s->events[s->n_events++] = (struct event){ in->at[k].hi, true, i };
		}
	}
	qsort(s->events, s->n_events, sizeof(*s->events), event_cmp);
}

static int id_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Where one bunch is met alone is one part, however many segments it has; other
 * parts of several segments are counted as often. */
static void count_segment(struct split *s)
{
	struct bunch *b = &s->bunches[s->active[0]];

	if (s->n_covering || (s->n_active == 1 && b->counted))
		return;
	b->counted |= s->n_active == 1;
	s->cost += s->n_met + s->n_through;
}

static void add_segment(struct split *s, epic_u128 lo, epic_u128 hi)
{
	struct segment *g;

	if (!s->n_active)
		return;
	if (!s->segments) {
		count_segment(s);
		return;
	}
	g = &s->segments[s->n_segments++];
	*g = (struct segment){ .range = { lo, hi } };
	if (s->n_covering)
		return;
	g->n = s->n_active;
	g->met = arena_many(s->carving->work->scratch, uint32_t, g->n);
	memcpy(g->met, s->active, g->n * sizeof(*g->met));
	if (g->n > 1)
		qsort(g->met, g->n, sizeof(*g->met), id_cmp);
}

static void toggle(struct split *s, const struct event *e)
{
	const struct bunch *b = &s->bunches[e->bunch];

	if (e->end) {
		uint32_t moved = s->active[--s->n_active];

		s->active[s->active_at[e->bunch]] = moved;
		s->active_at[moved] = s->active_at[e->bunch];
		s->n_covering -= b->covering;
		s->n_met -= b->n;
	} else {
		s->active_at[e->bunch] = (uint32_t)s->n_active;
		s->active[s->n_active++] = e->bunch;
		s->n_covering += b->covering;
		s->n_met += b->n;
	}
}

/* Ends sort behind beginnings of the same place.  Everything below `from` has
 * been put into segments; after an end at the largest number there is no more. */
static void close_segments(struct split *s)
{
	epic_u128 from = 0;
	bool done = false;

	for (size_t i = 0; i < s->n_events; i++) {
		const struct event *e = &s->events[i];

		if (!e->end && e->at > from) {
			add_segment(s, from, e->at - 1);
			from = e->at;
		} else if (e->end && !done && e->at >= from) {
			add_segment(s, from, e->at);
			from = e->at + 1;
			done = !from;
		}
		toggle(s, e);
	}
}

static struct split split_prepare(struct carving *c, const struct box *piece, uint32_t dim,
				  const struct cutter *at, size_t n)
{
	struct split s = { .carving = c, .piece = piece, .dim = dim };

	sort_cutters(&s, at, n);
	find_events(&s);
	s.active = xrealloc(NULL, s.n_bunches * sizeof(*s.active));
	s.active_at = xrealloc(NULL, s.n_bunches * sizeof(*s.active_at));
	s.cost = s.n_through;
	close_segments(&s);
	return s;
}

static void split_free(struct split *s)
{
	free(s->active_at);
	free(s->active);
	free(s->segments);
	free(s->events);
	free(s->past);
	free(s->bunches);
	free(s->cutters);
	free(s->through);
}

/* Less to be done, then fewer parts, then the lower dimension. */
static bool split_better(const struct split *a, const struct split *b)
{
	if (a->cost != b->cost)
		return a->cost < b->cost;
	if (a->n_bunches != b->n_bunches)
		return a->n_bunches < b->n_bunches;
	return a->dim < b->dim;
}

/* Prepares the best split. */
static struct split choose_split(struct carving *c, const struct box *piece,
				 const struct cutter *at, size_t n)
{
	uint32_t *tried = c->work->bound, *dims = NULL;
	struct split best = { 0 };
	size_t n_dims = 0;

	if (n == 1)
		return split_prepare(c, piece, at->sides[0].dim, at, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < at[i].n; k++)
			if (!tried[at[i].sides[k].dim]++) {
				dims = xrealloc(dims, (n_dims + 1) * sizeof(*dims));
				dims[n_dims++] = at[i].sides[k].dim;
			}
	for (size_t i = 0; i < n_dims; i++) {
		struct split s = split_prepare(c, piece, dims[i], at, n);
		bool better = !i || split_better(&s, &best);

		split_free(better ? &best : &s);
		if (better)
			best = s;
		tried[dims[i]] = 0;
	}
	free(dims);
	return best;
}

static void sweep(struct split *s)
{
	s->segments = xrealloc(NULL, s->n_events * sizeof(*s->segments));
	close_segments(s);
}

static int segment_cmp(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (size_t i = 0; i < x->n; i++)
		if (x->met[i] != y->met[i])
			return x->met[i] < y->met[i] ? -1 : 1;
	return u128_cmp(x->range.lo, y->range.lo);
}

static bool same_met(const struct segment *x, const struct segment *y)
{
	return x->n == y->n && (!x->n || !memcmp(x->met, y->met, x->n * sizeof(*x->met)));
}

static const struct values *segment_values(struct split *s, const struct segment *g, size_t n)
{
	struct range *ranges = xrealloc(NULL, n * sizeof(*ranges));
	const struct values *v;

	for (size_t i = 0; i < n; i++)
		ranges[i] = g[i].range;
	v = values_from(s->carving->work->keep, ranges, n);
	free(ranges);
	return v;
}

/* Those that go through and those of the bunches that the segment meets. */
static struct cutter *cutters_met(const struct split *s, const struct segment *g, size_t *n)
{
	struct cutter *met;

	*n = s->n_through;
	for (size_t i = 0; i < g->n; i++)
		*n += s->bunches[g->met[i]].n;
	met = xrealloc(NULL, *n * sizeof(*met));
	memcpy(met, s->through, s->n_through * sizeof(*met));
	*n = s->n_through;
	for (size_t i = 0; i < g->n; i++) {
		const struct bunch *b = &s->bunches[g->met[i]];

		memcpy(met + *n, s->past + b->begin, b->n * sizeof(*met));
		*n += b->n;
	}
	return met;
}

/* The part of the piece where the same cutters are met: the segments G. */
static bool carve_part(struct split *s, const struct segment *g, size_t n)
{
	struct work *w = s->carving->work;
	const struct box *part =
	    box_with(w->fields, w->keep, s->piece, s->dim, segment_values(s, g, n));
	struct cutter *cutters;
	size_t n_cutters;
	bool go_on;

	if (!g->n)
		return covered(s->carving, part);
	cutters = cutters_met(s, g, &n_cutters);
	go_on = carve(s->carving, part, cutters, n_cutters);
	free(cutters);
	return go_on;
}

/* Where no cutter with a side in this dimension is met. */
static bool carve_rest(struct split *s)
{
	struct work *w = s->carving->work;
	const struct values *met = segment_values(s, s->segments, s->n_segments);
	const struct values *rest =
	    values_minus(w->keep, box_values(w->fields, s->piece, s->dim), met);

	if (!rest->n)
		return true;
	return carve(s->carving, box_with(w->fields, w->keep, s->piece, s->dim, rest), s->through,
		     s->n_through);
}

static bool carve_parts(struct split *s)
{
	size_t n;

	qsort(s->segments, s->n_segments, sizeof(*s->segments), segment_cmp);
	for (size_t i = 0; i < s->n_segments; i += n) {
		n = 1;
		while (i + n < s->n_segments && same_met(&s->segments[i], &s->segments[i + n]))
			n++;
		if (!carve_part(s, &s->segments[i], n))
			return false;
	}
	return carve_rest(s);
}

/* No cutter contains the piece; all overlap it. */
static bool carve(struct carving *c, const struct box *piece, const struct cutter *at, size_t n)
{
	struct split s;
	bool go_on;

	if (!work_count(c->work))
		return false;
	if (!n)
		return c->mode == CARVE_OUTSIDE ? emit(c, piece) : true;
	s = choose_split(c, piece, at, n);
	go_on = work_spend(c->work, s.cost + s.n_events);
	if (go_on) {
		find_pasts(&s);
		sweep(&s);
		go_on = carve_parts(&s);
	}
	split_free(&s);
	return go_on;
}
