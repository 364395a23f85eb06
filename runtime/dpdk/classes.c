#include <config.h>

#include "runtime/dpdk/classes.h"

#include <stdlib.h>
#include <string.h>

#include <rte_spinlock.h>

enum {
	MOST_STATES = 4096,
	MATCHES_AT_ONCE = 64, /* filters of one chooser */
	MOST_CHOOSERS = 16,
	UNKNOWN = 0xffff
};

/* One path of one class. */
struct path {
	size_t row;
	struct rplan_texts modules;
};

/* A set of paths as bits.  Words are 64 bits, bit P is path P. */
struct classes {
	const struct rplan_class **rows;
	size_t n_rows;
	size_t *match; /* row -> number of its filter */
	struct path *paths;
	size_t n_paths, n_words;
	const struct filter **filters; /* distinct */
	size_t n_filters;
	struct chooser *choosers[MOST_CHOOSERS];
	size_t n_choosers;
	uint32_t base; /* generation << 16 */
	/* The states, filled in under the lock; a set does not change once it is there. */
	rte_spinlock_t lock;
	uint32_t n_states, most_states;
	uint64_t *sets;
	size_t *state_row;
};

static uint64_t *set_of(const struct classes *c, uint32_t state)
{
	return c->sets + state * c->n_words;
}

/* ---- states ---- */

static bool has(const uint64_t *set, size_t path)
{
	return set[path / 64] >> path % 64 & 1;
}

static bool same_way(struct rplan_texts a, struct rplan_texts b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (strcmp(a.at[i], b.at[i]))
			return false;
	return true;
}

static bool goes_way(const struct classes *c, const uint64_t *set, size_t row, size_t path)
{
	for (size_t p = 0; p < c->n_paths; p++)
		if (has(set, p) && c->paths[p].row == row &&
		    (p == path || same_way(c->paths[p].modules, c->paths[path].modules)))
			return true;
	return false;
}

/* Whether the packet belongs to this class whichever of the paths it takes. */
static bool is_certain(const struct classes *c, const uint64_t *set, size_t row)
{
	for (size_t p = 0; p < c->n_paths; p++)
		if (has(set, p) && !goes_way(c, set, row, p))
			return false;
	return true;
}

/* Classes of different slos may share packets; they count with the first. */
static size_t row_of_set(const struct classes *c, const uint64_t *set)
{
	size_t looked_at = SIZE_MAX;

	for (size_t p = 0; p < c->n_paths; p++) {
		if (!has(set, p) || c->paths[p].row == looked_at)
			continue;
		looked_at = c->paths[p].row;
		if (is_certain(c, set, looked_at))
			return looked_at;
	}
	return looked_at == SIZE_MAX ? c->n_rows : c->n_rows + 1;
}

/* The number of a set, which is numbered if it is new.  Rare: once per set. */
static uint32_t state_of(struct classes *c, const uint64_t *set)
{
	uint32_t state;

	rte_spinlock_lock(&c->lock);
	for (state = 0; state < c->n_states; state++)
		if (state != STATE_LOST && !memcmp(set_of(c, state), set, c->n_words * 8))
			goto found;
	if (c->n_states == c->most_states) {
		state = STATE_LOST;
		goto found;
	}
	memcpy(set_of(c, state), set, c->n_words * 8);
	c->state_row[state] = row_of_set(c, set);
	__atomic_store_n(&c->n_states, state + 1, __ATOMIC_RELEASE);
found:
	rte_spinlock_unlock(&c->lock);
	return state;
}

const size_t *classes_of_states(const struct classes *c)
{
	return c->state_row;
}

uint32_t classes_most_states(const struct classes *c)
{
	return c->most_states;
}

/* ---- building ---- */

static bool begins_in(const struct rplan_plan *plan, struct rplan_texts pipelines,
		      const char *module)
{
	for (size_t i = 0; i < plan->pipelines.n; i++)
		for (size_t k = 0; k < pipelines.n; k++) {
			const struct rplan_pipeline *p = &plan->pipelines.at[i];

			if (strcmp(p->name, pipelines.at[k]))
				continue;
			for (size_t m = 0; m < p->modules.n; m++)
				if (!strcmp(p->modules.at[m].id, module))
					return true;
		}
	return false;
}

static bool add_match(struct classes *c, const char *text, const struct filter_names *names,
		      struct filter_error *error)
{
	const struct filter *f;

	for (size_t i = 0; i + 1 < c->n_rows; i++)
		if (!strcmp(c->rows[i]->match, text)) {
			c->match[c->n_rows - 1] = c->match[i];
			return true;
		}
	f = filter_parse(text, names, error);
	if (!f)
		return false;
	c->filters[c->n_filters] = f;
	c->match[c->n_rows - 1] = c->n_filters++;
	return true;
}

static bool add_class(struct classes *c, const struct rplan_plan *plan,
		      struct rplan_texts pipelines, const struct rplan_class *row,
		      const struct filter_names *names, struct filter_error *error)
{
	size_t before = c->n_paths;

	for (size_t i = 0; i < row->paths.n; i++)
		if (row->paths.at[i].n && begins_in(plan, pipelines, row->paths.at[i].at[0]))
			c->paths[c->n_paths++] = (struct path){ c->n_rows, row->paths.at[i] };
	if (c->n_paths == before)
		return true;
	c->rows[c->n_rows++] = row;
	return add_match(c, row->match, names, error);
}

static bool open_choosers(struct classes *c, struct filter_error *error)
{
	char name[48];

	for (size_t first = 0; first < c->n_filters; first += MATCHES_AT_ONCE) {
		size_t n = c->n_filters - first;

		if (c->n_choosers == MOST_CHOOSERS) {
			snprintf(error->text, sizeof(error->text),
				 "more than %d classes with different filters",
				 MATCHES_AT_ONCE * MOST_CHOOSERS);
			return false;
		}
		snprintf(name, sizeof(name), "classes.%u.%u", (unsigned)(c->base >> 16),
			 (unsigned)first);
		c->choosers[c->n_choosers] =
		    chooser_open(name, c->filters + first,
				 n < MATCHES_AT_ONCE ? n : MATCHES_AT_ONCE, CHOOSER_AUTO, error);
		if (!c->choosers[c->n_choosers])
			return false;
		c->n_choosers++;
	}
	return true;
}

static bool make_states(struct classes *c)
{
	c->n_words = c->n_paths / 64 + 1;
	c->most_states =
	    2 * c->n_paths + 62 < MOST_STATES ? (uint32_t)(2 * c->n_paths + 62) : MOST_STATES;
	c->sets = calloc(c->most_states, c->n_words * 8);
	c->state_row = calloc(c->most_states, sizeof(*c->state_row));
	if (!c->sets || !c->state_row)
		return false;
	c->state_row[STATE_REST] = c->n_rows;
	c->state_row[STATE_LOST] = c->n_rows + 1;
	c->n_states = 2;
	return true;
}

struct classes *classes_build(const struct rplan_plan *plan, struct rplan_texts pipelines,
			      uint16_t generation, const struct filter_names *names,
			      struct filter_error *error)
{
	struct classes *c = calloc(1, sizeof(*c));
	size_t n_paths = 0, n = plan->classes.n + 1;

	snprintf(error->text, sizeof(error->text), "no memory for the classes");
	if (!c)
		return NULL;
	for (size_t i = 0; i < plan->classes.n; i++)
		n_paths += plan->classes.at[i].paths.n;
	c->base = (uint32_t)generation << 16;
	c->rows = calloc(n, sizeof(*c->rows));
	c->match = calloc(n, sizeof(*c->match));
	c->filters = calloc(n, sizeof(*c->filters));
	c->paths = calloc(n_paths + 1, sizeof(*c->paths));
	rte_spinlock_init(&c->lock);
	if (!c->rows || !c->match || !c->filters || !c->paths)
		goto fail;
	for (size_t i = 0; i < plan->classes.n; i++)
		if (!add_class(c, plan, pipelines, &plan->classes.at[i], names, error))
			goto fail;
	if (!make_states(c) || !open_choosers(c, error))
		goto fail;
	return c;
fail:
	classes_free(c);
	return NULL;
}

void classes_free(struct classes *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_choosers; i++)
		chooser_close(c->choosers[i]);
	for (size_t i = 0; i < c->n_filters; i++)
		filter_free(c->filters[i]);
	free(c->filters);
	free(c->rows);
	free(c->match);
	free(c->paths);
	free(c->sets);
	free(c->state_row);
	free(c);
}

size_t classes_count(const struct classes *c)
{
	return c->n_rows + 2;
}

const char *classes_name(const struct classes *c, size_t row)
{
	return row < c->n_rows ? c->rows[row]->name : row == c->n_rows ? "rest" : "undecided";
}

const struct rplan_class *classes_row(const struct classes *c, size_t row)
{
	return row < c->n_rows ? c->rows[row] : NULL;
}

/* ---- entering ---- */

enum { SLOTS = 256 }; /* power of two: combinations of filters that are found at once */

struct slot {
	uint64_t masks[MOST_CHOOSERS];
	uint32_t state;
	bool used;
};

struct entrance {
	struct classes *classes;
	const char *module;
	uint32_t only; /* the state of all packets, where no filter tells classes apart */
	bool is_only;
	uint32_t alone[MATCHES_AT_ONCE + 1]; /* where one filter holds, or (last) none; UNKNOWN */
	struct slot slots[SLOTS];
};

static uint32_t state_of_masks(struct entrance *e, const uint64_t *masks)
{
	const struct classes *c = e->classes;
	uint64_t set[c->n_words];

	memset(set, 0, sizeof(set));
	for (size_t p = 0; p < c->n_paths; p++) {
		size_t f = c->match[c->paths[p].row];

		if ((masks[f / 64] >> f % 64 & 1) && !strcmp(c->paths[p].modules.at[0], e->module))
			set[p / 64] |= UINT64_C(1) << p % 64;
	}
	return state_of(e->classes, set);
}

struct entrance *entrance_open(struct classes *c, const char *module)
{
	struct entrance *e = calloc(1, sizeof(*e));
	uint64_t all[MOST_CHOOSERS];

	if (!e)
		return NULL;
	e->classes = c;
	e->module = module;
	memset(all, 0xff, sizeof(all));
	for (size_t i = 0; i <= MATCHES_AT_ONCE; i++)
		e->alone[i] = UNKNOWN;
	e->is_only = !c->n_filters || (c->n_filters == 1 && c->filters[0]->kind == FILTER_TRUE);
	if (e->is_only)
		e->only = state_of_masks(e, all);
	return e;
}

void entrance_close(struct entrance *e)
{
	free(e);
}

static uint32_t look_up(struct entrance *e, const uint64_t *masks)
{
	size_t n = e->classes->n_choosers;
	uint64_t hash = 0;
	struct slot *s;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ masks[i]) * UINT64_C(0x9e3779b97f4a7c15);
	s = &e->slots[hash >> 32 & (SLOTS - 1)];
	if (s->used && !memcmp(s->masks, masks, n * sizeof(*masks)))
		return s->state;
	memcpy(s->masks, masks, n * sizeof(*masks));
	s->state = state_of_masks(e, masks);
	s->used = true;
	return s->state;
}

/* Most packets meet one filter, or none. */
static uint32_t look_up_one(struct entrance *e, uint64_t mask)
{
	unsigned bit = mask ? (unsigned)__builtin_ctzll(mask) : MATCHES_AT_ONCE;

	if (mask & (mask - 1))
		return look_up(e, &mask);
	if (e->alone[bit] == UNKNOWN)
		e->alone[bit] = look_up(e, &mask);
	return e->alone[bit];
}

bool entrance_is_only(const struct entrance *e, uint32_t *state)
{
	*state = e->only;
	return e->is_only;
}

void entrance_run(struct entrance *e, struct rte_mbuf **packets, unsigned n)
{
	const struct classes *c = e->classes;
	uint64_t found[MOST_CHOOSERS][BURST], masks[MOST_CHOOSERS];

	for (unsigned i = 0; e->is_only && i < n; i++)
		packet_of(packets[i])->state = c->base | e->only;
	if (e->is_only)
		return;
	for (size_t k = 0; k < c->n_choosers; k++)
		chooser_all(c->choosers[k], packets, n, found[k]);
	if (c->n_choosers == 1) {
		for (unsigned i = 0; i < n; i++)
			packet_of(packets[i])->state = c->base | look_up_one(e, found[0][i]);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < c->n_choosers; k++)
			masks[k] = found[k][i];
		packet_of(packets[i])->state = c->base | look_up(e, masks);
	}
}

/* ---- crossing an edge ---- */

struct crossing {
	struct classes *classes;
	uint64_t *on;   /* the paths that have the edge */
	uint16_t *next; /* state -> state, or UNKNOWN */
};

static bool has_edge(const struct rplan_texts *path, const char *from, const char *to, bool *passes)
{
	for (size_t i = 0; i < path->n; i++) {
		if (strcmp(path->at[i], from))
			continue;
		*passes = true;
		return i + 1 < path->n && !strcmp(path->at[i + 1], to);
	}
	*passes = false;
	return false;
}

static bool find_paths(struct crossing *x, const char *from, const char *to)
{
	const struct classes *c = x->classes;
	bool parts = false;

	for (size_t p = 0; p < c->n_paths; p++) {
		bool passes, on = has_edge(&c->paths[p].modules, from, to, &passes);

		parts = parts || (passes && !on);
		if (on)
			x->on[p / 64] |= UINT64_C(1) << p % 64;
	}
	return parts;
}

struct crossing *crossing_open(struct classes *c, const char *from, const char *to)
{
	struct crossing *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->classes = c;
	x->on = calloc(c->n_words, 8);
	x->next = malloc(c->most_states * sizeof(*x->next));
	if (!x->on || !x->next || !find_paths(x, from, to)) {
		crossing_close(x);
		return NULL;
	}
	for (uint32_t i = 0; i < c->most_states; i++)
		x->next[i] = UNKNOWN;
	x->next[STATE_REST] = STATE_REST;
	x->next[STATE_LOST] = STATE_LOST;
	return x;
}

void crossing_close(struct crossing *x)
{
	if (!x)
		return;
	free(x->on);
	free(x->next);
	free(x);
}

static uint32_t cross(struct crossing *x, uint32_t state)
{
	const struct classes *c = x->classes;
	const uint64_t *old = set_of(c, state);
	uint64_t set[c->n_words];

	for (size_t i = 0; i < c->n_words; i++)
		set[i] = old[i] & x->on[i];
	return x->next[state] = (uint16_t)state_of(x->classes, set);
}

uint32_t crossing_run_alike(struct crossing *x, struct rte_mbuf **packets, unsigned n,
			    uint32_t state, uint64_t *left, uint64_t *entered)
{
	uint32_t new = x->next[state];

	if (new == UNKNOWN)
		new = cross(x, state);
	if (new == state)
		return state;
	left[state] += n;
	entered[new] += n;
	for (unsigned i = 0; i < n; i++)
		packet_of(packets[i])->state = x->classes->base | new;
	return new;
}

void crossing_run(struct crossing *x, struct rte_mbuf **packets, unsigned n, uint64_t *left,
		  uint64_t *entered)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t old = state_index(packets[i]), new = x->next[old];

		if (new == UNKNOWN)
			new = cross(x, old);
		if (new == old)
			continue;
		left[old]++;
		entered[new]++;
		packet_of(packets[i])->state = x->classes->base | new;
	}
}
