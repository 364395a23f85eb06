/* Schedules against plain enumeration: small random pipelines, classes and slos,
 * scheduled by compiler/solve and by what follows here, which was written from the words
 * of doc/language.md 5.5 alone: all sets of queues, all ways to part tasks among
 * workers, and for each the linear program that the text states.
 *
 *	prop_schedule [SEED [N]]
 */
#include <config.h>

#include <glpk.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/base/ctx.h"
#include "compiler/base/vec.h"
#include "compiler/ir/ir.h"
#include "compiler/solve/scheduling.h"

enum {
	CASES = 5000,
	MAX_MODULES = 9,
	MAX_PLAIN = 12, /* paths of the graph */
	MAX_CLASSES = 7,
	MAX_WAYS = 96, /* paths of classes */
	MAX_TASKS = 40,
	MAX_BITS = 9,        /* places where a queue may be put or not */
	MAX_WORLD = 140,     /* unknowns of a linear program */
	MAX_CHOICES = 64,    /* which task of a path serves least */
	MAX_PROGRAMS = 6000, /* per case */
	MAX_VALUES = 16,
	DEPTH = 3, /* of levels */
};

/* ---- chance ---- */

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

/* What a case is to be, and the graph while it grows. */
struct maker {
	struct ctx *ctx;
	struct arena *arena;
	uint64_t state, seed;
	struct ir *ir;
	struct ir_pipeline *pipeline;
	struct ir_target *target;
	struct ir_slo *slo;
	size_t n;                 /* modules, in an order in which edges lead onwards */
	uint32_t id[MAX_MODULES]; /* their numbers */
	bool edge[MAX_MODULES][MAX_MODULES], copied[MAX_MODULES][MAX_MODULES];
	size_t n_plain; /* paths without copies, by order */
	size_t plain[MAX_PLAIN][MAX_MODULES], length[MAX_PLAIN];
	bool ratios; /* some statement is one */
	/* a service that can be had, if every queue is there */
	double v[MAX_MODULES], time[MAX_CLASSES + 1], rate[MAX_CLASSES + 1];
};

static size_t below(struct maker *m, size_t n)
{
	return (size_t)(random_next(&m->state) % n);
}

static bool chance(struct maker *m, size_t percent)
{
	return below(m, 100) < percent;
}

static size_t between(struct maker *m, size_t low, size_t high)
{
	return low + below(m, high - low + 1);
}

/* ---- random graphs ---- */

/* All trees of 2 to 6 modules, as parents that do not fall; false behind the last. */
static bool nth_tree(size_t wanted, size_t *n, size_t *parent)
{
	for (*n = 2; *n <= 6; ++*n) {
		memset(parent, 0, MAX_MODULES * sizeof(*parent));
		for (;;) {
			size_t i = *n - 1;

			if (!wanted--)
				return true;
			while (i > 1 && parent[i] == i - 1)
				i--;
			if (i <= 1)
				break;
			parent[i]++;
			for (size_t k = i + 1; k < *n; k++)
				parent[k] = parent[i];
		}
	}
	return false;
}

enum { N_TREES = 64 };

static void make_tree(struct maker *m, size_t index)
{
	size_t parent[MAX_MODULES];

	nth_tree(index % N_TREES, &m->n, parent);
	for (size_t i = 1; i < m->n; i++)
		m->edge[parent[i]][i] = true;
}

static void make_random(struct maker *m, bool joins, size_t low)
{
	m->n = between(m, low, MAX_MODULES);
	for (size_t i = 1; i < m->n; i++)
		m->edge[i > 2 && chance(m, 50) ? i - 1 - below(m, 2) : below(m, i)][i] = true;
	for (size_t k = joins ? between(m, 1, 4) : 0; k > 0; k--) {
		size_t to = between(m, 2, m->n - 1);

		m->edge[below(m, to)][to] = true;
	}
	/* a second source */
	if (joins && chance(m, 15))
		for (size_t i = 0; i < 2; i++)
			m->edge[i][1] = false;
}

static bool is_start(const struct maker *m, size_t i)
{
	for (size_t k = 0; k < m->n; k++)
		if (m->edge[k][i] || m->copied[k][i])
			return false;
	return true;
}

static bool is_end(const struct maker *m, size_t i)
{
	for (size_t k = 0; k < m->n; k++)
		if (m->edge[i][k] || m->copied[i][k])
			return false;
	return true;
}

/* Paths from module AT on; beyond MAX_PLAIN they are only counted. */
static void find_plain(struct maker *m, size_t *path, size_t n, size_t at)
{
	path[n++] = at;
	if (is_end(m, at)) {
		if (m->n_plain < MAX_PLAIN) {
			memcpy(m->plain[m->n_plain], path, n * sizeof(*path));
			m->length[m->n_plain] = n;
		}
		m->n_plain++;
	}
	for (size_t k = at + 1; k < m->n; k++)
		if (m->edge[at][k])
			find_plain(m, path, n, k);
}

static void find_all_plain(struct maker *m)
{
	size_t path[MAX_MODULES];

	m->n_plain = 0;
	for (size_t i = 0; i < m->n; i++)
		if (is_start(m, i))
			find_plain(m, path, 0, i);
}

/* Turns an edge into one for copies, where the module keeps another edge. */
static void make_copies(struct maker *m)
{
	size_t i = below(m, m->n), kept = 0, last = 0;

	for (size_t k = 0; k < m->n; k++)
		if (m->edge[i][k]) {
			kept++;
			last = k;
		}
	if (kept < 2)
		return;
	m->edge[i][last] = false;
	m->copied[i][last] = true;
}

static bool has_lonely(const struct maker *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (is_start(m, i) && is_end(m, i))
			return true;
	return false;
}

static void make_edges(struct maker *m)
{
	size_t index = (size_t)(m->seed / 5);

	do {
		memset(m->edge, 0, sizeof(m->edge));
		memset(m->copied, 0, sizeof(m->copied));
		switch (m->seed % 5) {
		case 0:
			make_tree(m, index);
			break;
		case 1:
			make_tree(m, index + N_TREES / 2);
			break;
		case 2:
			make_random(m, false, 7);
			break;
		case 3:
			make_random(m, true, 4);
			break;
		default:
			make_random(m, true, 7);
		}
		if (chance(m, 20))
			make_copies(m);
		find_all_plain(m);
	} while (m->n_plain > MAX_PLAIN || !m->n_plain || has_lonely(m));
}

static struct rat random_cost(struct maker *m)
{
	if (chance(m, 12))
		return RAT_ZERO;
	return rat_uint(between(m, 1, 40) * (chance(m, 70) ? 10 : 7));
}

static void make_modules(struct maker *m)
{
	struct ir_pipeline *p = m->pipeline;

	for (uint32_t i = 0; i < m->n; i++)
		m->id[i] = i;
	for (size_t i = m->n - 1; i > 0; i--) {
		size_t k = below(m, i + 1);
		uint32_t t = m->id[i];

		m->id[i] = m->id[k];
		m->id[k] = t;
	}
	p->n_modules = m->n;
	p->modules = arena_many(m->arena, struct ir_module, m->n);
	for (size_t i = 0; i < m->n; i++) {
		struct ir_module *x = &p->modules[m->id[i]];

		x->name = arena_printf(m->arena, "p.m%u", m->id[i]);
		x->function_name = "work";
		x->function = ID_NONE;
		x->role = is_start(m, i) ? IR_ROLE_SOURCE
			  : is_end(m, i) ? IR_ROLE_EXIT
					 : IR_ROLE_TRANSIT;
		x->schedulable = x->role == IR_ROLE_SOURCE || chance(m, 3);
		x->cost = random_cost(m);
		x->cost_per_byte =
		    chance(m, 15) ? rat_make((__int128)between(m, 1, 6), 4) : RAT_ZERO;
	}
}

static void make_pipeline(struct maker *m)
{
	struct ir_pipeline *p = m->pipeline;

	make_edges(m);
	make_modules(m);
	p->name = "p";
	p->packet = RAT_ZERO; /* each class has its own, or none */
	p->edges = arena_many(m->arena, struct ir_edge, m->n * m->n);
	for (uint32_t from = 0; from < m->n; from++)
		for (uint32_t to = 0; to < m->n; to++) {
			size_t i = 0, k = 0;

			while (m->id[i] != from)
				i++;
			while (m->id[k] != to)
				k++;
			if (m->edge[i][k] || m->copied[i][k])
				p->edges[p->n_edges++] =
				    (struct ir_edge){ .from = from,
						      .to = to,
						      .fx = fx_true(m->ir->fields),
						      .when = "true",
						      .copy = m->copied[i][k],
						      .rate_pps = RAT_ZERO };
		}
}

/* ---- random classes ---- */

static struct ir_path make_path(struct maker *m, const size_t *order, size_t n, size_t copied,
				struct rat rate)
{
	struct ir_path path = {
		.pipeline = 0, .n = n, .rate_pps = rate, .copy = copied > 0, .first = copied
	};
	uint32_t *modules = arena_many(m->arena, uint32_t, n),
		 *copies = arena_many(m->arena, uint32_t, 1);

	for (size_t i = 0; i < n; i++)
		modules[i] = m->id[order[i]];
	copies[0] = (uint32_t)copied;
	path.modules = modules;
	path.copies = copies;
	path.n_copies = copied > 0;
	return path;
}

struct paths {
	struct ir_path *at;
	size_t n, cap;
};

static bool is_prefix(const struct ir_path *p, const uint32_t *modules, size_t n)
{
	return p->n >= n && !memcmp(p->modules, modules, n * sizeof(*modules));
}

/* The copies that a path sends at place K over an edge to order TO. */
static void add_copies(struct maker *m, struct paths *paths, size_t path, size_t k, size_t to,
		       struct rat rate)
{
	size_t order[MAX_MODULES], n, room[MAX_MODULES];
	struct maker tail = *m;

	for (n = 0; n <= k; n++)
		for (order[n] = 0; m->id[order[n]] != paths->at[path].modules[n];)
			order[n]++;
	tail.n_plain = 0;
	find_plain(&tail, room, 0, to);
	if (tail.n_plain > 3)
		tail.n_plain = 3;
	for (size_t i = 0; i < tail.n_plain; i++) {
		memcpy(order + n, tail.plain[i], tail.length[i] * sizeof(*order));
		vec_push(m->arena, paths,
			 make_path(m, order, n + tail.length[i], n,
				   rat_div(rate, rat_uint(tail.n_plain))));
	}
}

/* Copies of what passes, once per way to the module that sends them. */
static void add_all_copies(struct maker *m, struct paths *paths)
{
	size_t n = paths->n;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < paths->at[i].n; k++)
			for (size_t from = 0; from < m->n; from++)
				for (size_t to = 0; to < m->n; to++) {
					struct rat rate = RAT_ZERO;
					bool first = true;

					if (!m->copied[from][to] ||
					    m->id[from] != paths->at[i].modules[k])
						continue;
					for (size_t j = 0; j < n; j++)
						if (is_prefix(&paths->at[j], paths->at[i].modules,
							      k + 1)) {
							first &= j >= i;
							rate = rat_add(rate, paths->at[j].rate_pps);
						}
					if (first && m->seed % 3)
						add_copies(
						    m, paths, i, k, to,
						    rat_mul(rate,
							    rat_make(1, m->seed % 2 ? 1 : 4)));
				}
}

static int path_order(const void *x, const void *y)
{
	const struct ir_path *a = x, *b = y;

	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->modules[i] != b->modules[i])
			return a->modules[i] < b->modules[i] ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return (a->first > b->first) - (a->first < b->first);
}

/* CHOSEN: of the plain paths. */
static void fill_class(struct maker *m, struct ir_class *c, const bool *chosen, struct rat rate)
{
	size_t parts[MAX_PLAIN], sum = 0;
	struct paths paths = { 0 };
	bool equal = chance(m, 60);

	for (size_t i = 0; i < m->n_plain; i++)
		sum += parts[i] = chosen[i] ? equal ? 1 : between(m, 1, 5) : 0;
	c->rate_pps = rate;
	for (size_t i = 0; i < m->n_plain; i++)
		if (chosen[i])
			vec_push(
			    m->arena, &paths,
			    make_path(m, m->plain[i], m->length[i], 0,
				      rat_div(rat_mul(rate, rat_uint(parts[i])), rat_uint(sum))));
	add_all_copies(m, &paths);
	qsort(paths.at, paths.n, sizeof(*paths.at), path_order);
	c->paths = paths.at;
	c->n_paths = paths.n;
}

static void choose_by_exit(const struct maker *m, size_t index, bool *chosen)
{
	size_t exits[MAX_MODULES], n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (is_end(m, i))
			for (size_t k = 0; k < m->n_plain; k++)
				if (m->plain[k][m->length[k] - 1] == i && (!n || exits[n - 1] != i))
					exits[n++] = i;
	for (size_t k = 0; k < m->n_plain; k++)
		chosen[k] = m->plain[k][m->length[k] - 1] == exits[index % n];
}

static void choose_some(struct maker *m, bool *chosen)
{
	memset(chosen, 0, MAX_PLAIN * sizeof(*chosen));
	chosen[below(m, m->n_plain)] = true;
	while (chance(m, 25))
		chosen[below(m, m->n_plain)] = true;
}

static struct rat random_rate(struct maker *m)
{
	return chance(m, 6) ? RAT_ZERO : rat_uint(between(m, 1, 50) * 50000);
}

/* How the headers of classes lie to each other. */
enum headers { APART, WHOLE, MIXED };

static const struct fx *make_header(struct maker *m, enum headers kind, uint32_t i, size_t n)
{
	struct fields *f = m->ir->fields;
	const struct field *port = fields_find(f, "l4.dport"), *ttl = fields_find(f, "ip.ttl");
	struct fx_member one = { .kind = FX_RANGE, .lo = 1000 + i, .hi = 1000 + i };

	if (kind == MIXED && i < 2)
		return fx_true(f);
	if (kind != WHOLE)
		return fx_cmp(f, port, &one, 1);
	one.lo = one.hi = i;
	if (i + 1 < n)
		return fx_cmp(f, ttl, &one, 1);
	one.lo = 0;
	one.hi = n - 2;
	return n == 1 ? fx_true(f) : fx_not(f, fx_cmp(f, ttl, &one, 1));
}

static void make_class(struct maker *m, struct ir_class *c, uint32_t i, bool by_exit)
{
	bool chosen[MAX_PLAIN];

	c->name = arena_printf(m->arena, "c%u", i);
	c->fx = fx_true(m->ir->fields);
	c->match = "true";
	c->has_packet = chance(m, 90);
	c->packet = c->has_packet ? rat_uint(between(m, 64, 1500)) : RAT_ZERO;
	if (by_exit)
		choose_by_exit(m, i, chosen);
	else
		choose_some(m, chosen);
	fill_class(m, c, chosen, random_rate(m));
}

static void make_rest(struct maker *m, bool some)
{
	bool all[MAX_PLAIN];
	struct ir_class *c = &m->pipeline->rest;

	c->name = "rest";
	c->fx = c->header = fx_true(m->ir->fields);
	c->match = "true";
	c->has_packet = true;
	c->packet = rat_int(200);
	c->rate_pps = RAT_ZERO;
	memset(all, true, sizeof(all));
	if (some)
		fill_class(m, c, all, rat_uint(between(m, 1, 20) * 50000));
}

/* Returns how many classes the slo is to name: all but perhaps the last. */
static size_t make_classes(struct maker *m)
{
	size_t n = between(m, 1, m->n > 6 ? 3 : 4), unnamed = chance(m, 15);
	bool by_exit = chance(m, 45), rest = chance(m, 12);
	enum headers headers = n > 1 && chance(m, 25)             ? MIXED
			       : unnamed || rest || chance(m, 40) ? APART
								  : WHOLE;

	m->ir->n_classes = n + unnamed;
	m->ir->classes = arena_many(m->arena, struct ir_class, n + unnamed);
	for (uint32_t i = 0; i < n + unnamed; i++) {
		make_class(m, &m->ir->classes[i], i, by_exit);
		m->ir->classes[i].header = make_header(m, headers, i, n);
	}
	make_rest(m, rest);
	return n;
}

/* ---- random slos ---- */

struct levels {
	struct ir_level *at;
	size_t n, cap;
};

static int member_order(const void *x, const void *y)
{
	return strcmp(((const struct ir_member *)x)->name, ((const struct ir_member *)y)->name);
}

/* LEFT: classes that no group has taken yet. */
static void make_members(struct maker *m, struct levels *levels, size_t level, struct ids left,
			 size_t depth)
{
	VEC(struct ir_member) members = { 0 };

	while (depth + 1 < DEPTH && left.n > 1 && chance(m, depth ? 20 : 25)) {
		VEC(uint32_t) taken = { 0 };
		struct ids group;

		for (size_t i = 0; i < left.n; i++)
			if (chance(m, 60))
				vec_push(m->arena, &taken, left.at[i]);
		if (!taken.n)
			continue;
		group = ids_from(m->arena, taken.at, taken.n);
		left = ids_minus(m->arena, left, group);
		vec_push(m->arena, &members,
			 (struct ir_member){ arena_printf(m->arena, "s.g%zu", levels->n),
					     (uint32_t)levels->n, group, 0 });
		vec_push(m->arena, levels,
			 (struct ir_level){ .parent = (uint32_t)level, .n_ranks = 1 });
		levels->at[levels->n - 1].name = members.at[members.n - 1].name;
		make_members(m, levels, levels->n - 1, group, depth + 1);
	}
	for (size_t i = 0; i < left.n; i++)
		vec_push(m->arena, &members,
			 (struct ir_member){
			     left.at[i] == ID_REST ? "rest" : m->ir->classes[left.at[i]].name,
			     ID_NONE, ids_from(m->arena, &left.at[i], 1), 0 });
	qsort(members.at, members.n, sizeof(*members.at), member_order);
	levels->at[level].members = members.at;
	levels->at[level].n_members = members.n;
}

/* Pairs I over J for some I before J in a random order; closed. */
static void make_priorities(struct maker *m, struct ir_level *l)
{
	bool above[MAX_CLASSES][MAX_CLASSES] = { { false } };
	uint32_t order[MAX_CLASSES];
	size_t n = l->n_members;
	VEC(struct ir_priority) pairs = { 0 };

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n - 1; i > 0; i--) {
		size_t k = below(m, i + 1);
		uint32_t t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	for (size_t i = 0; i + 1 < n; i++)
		if (chance(m, 70))
			above[order[i]][order[i + 1 + below(m, n - i - 1)]] = true;
	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				above[i][j] |= above[i][k] && above[k][j];
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			if (above[i][j])
				vec_push(m->arena, &pairs, (struct ir_priority){ i, j, SPAN_NONE });
	l->priorities = pairs.at;
	l->n_priorities = pairs.n;
}

/* The longest chain above; what no priority names comes last. */
static void find_ranks(struct ir_level *l)
{
	bool named[MAX_CLASSES] = { false };

	l->n_ranks = 1;
	for (size_t round = 0; round < l->n_members; round++)
		for (size_t i = 0; i < l->n_priorities; i++) {
			struct ir_member *a = &l->members[l->priorities[i].above];
			struct ir_member *b = &l->members[l->priorities[i].below];

			named[l->priorities[i].above] = named[l->priorities[i].below] = true;
			if (b->rank <= a->rank)
				b->rank = a->rank + 1;
			if (b->rank >= l->n_ranks)
				l->n_ranks = b->rank + 1;
		}
	for (size_t i = 0; i < l->n_members; i++)
		if (!named[i])
			l->members[i].rank = l->n_ranks - 1;
}

/* A service that falls on every way, and what it gives. */
static void imagine(struct maker *m)
{
	double load = 0;

	for (size_t i = 0; i < m->n; i++) {
		double v = 1;

		for (size_t k = 0; k < i; k++)
			if ((m->edge[k][i] || m->copied[k][i]) && m->v[m->id[k]] < v)
				v = m->v[m->id[k]];
		m->v[m->id[i]] = chance(m, 50) ? v : v * (double)between(m, 30, 100) / 100;
	}
	for (size_t c = 0; c <= m->ir->n_classes; c++) {
		const struct ir_class *class =
		    c < m->ir->n_classes ? &m->ir->classes[c] : &m->pipeline->rest;

		for (size_t p = 0; p < class->n_paths; p++) {
			const struct ir_path *path = &class->paths[p];
			double rate = rat_double(path->rate_pps);

			for (size_t k = path->first; k < path->n; k++) {
				const struct ir_module *x = &m->pipeline->modules[path->modules[k]];
				double bytes = rat_double(class->packet);

				m->time[c] +=
				    rate * m->v[path->modules[k]] *
				    (rat_double(x->cost) + rat_double(x->cost_per_byte) * bytes);
			}
			m->rate[c] += path->copy ? 0 : rate * m->v[path->modules[path->n - 1]];
		}
		load += m->time[c];
	}
	/* a worker that has more than enough time, or too little */
	load = load * (double)between(m, 40, 160) / 100 / (double)m->target->n_cores;
	m->target->clock =
	    rat_uint(1000000 * (uint64_t)(load / 1e6 / (double)m->target->replicas + 1));
}

static double imagined(const struct maker *m, struct ids classes, bool cpu)
{
	const double *at = cpu ? m->time : m->rate;
	double sum = 0;

	for (size_t i = 0; i < m->ir->n_classes; i++)
		sum += ids_has(classes, (uint32_t)i) ? at[i] : 0;
	return sum + (ids_has(classes, ID_REST) ? at[m->ir->n_classes] : 0);
}

/* Two or more members of one rank; parts that can be had, more or less. */
static bool make_ratio(struct maker *m, const struct ir_level *l, struct ir_statement *st)
{
	uint32_t rank = (uint32_t)below(m, l->n_ranks),
		 *members = arena_many(m->arena, uint32_t, l->n_members);
	struct rat *parts = arena_many(m->arena, struct rat, l->n_members);
	bool cpu = st->kind == IR_CPU_RATIO, tame = chance(m, 75);
	double sum = 0;

	for (uint32_t i = 0; i < l->n_members; i++)
		if (l->members[i].rank == rank && chance(m, 80)) {
			members[st->n_members++] = i;
			sum += imagined(m, l->members[i].classes, cpu);
		}
	for (size_t i = 0; i < st->n_members; i++) {
		double part = imagined(m, l->members[members[i]].classes, cpu);

		parts[i] = rat_uint(!tame || sum <= 0 ? between(m, 1, 9)
						      : (uint64_t)(part / sum * 50) + 1);
	}
	st->members = members;
	st->parts = parts;
	m->ratios |= st->n_members > 1;
	return st->n_members > 1;
}

/* Bits can be told from packets. */
static bool all_sized(const struct maker *m, struct ids classes)
{
	for (size_t i = 0; i < m->ir->n_classes; i++)
		if (ids_has(classes, (uint32_t)i) && !m->ir->classes[i].has_packet)
			return false;
	return true;
}

static bool make_bound(struct maker *m, const struct ir_level *l, struct ir_statement *st)
{
	uint32_t *member = arena_many(m->arena, uint32_t, 1);
	struct ids classes = l->members[ *member = (uint32_t)below(m, l->n_members)].classes;
	double all = rat_double(m->target->clock) * (double)m->target->n_cores;
	double is = imagined(m, classes, st->kind == IR_CPU_BOUND);

	st->members = member;
	st->n_members = 1;
	st->at_least = chance(m, 60);
	is *= (double)(st->at_least ? between(m, 10, 105) : between(m, 60, 150)) / 100;
	if (st->kind == IR_CPU_BOUND) {
		st->bound =
		    rat_make((__int128)(is / (double)m->target->replicas / all * 1e5), 100000);
		return true;
	}
	st->bits = chance(m, 30) && all_sized(m, classes);
	st->bound = rat_make((__int128)(is * (st->bits ? 800 : 1)), 1);
	return true;
}

static bool make_latency(struct maker *m, const struct ir_level *l, struct ir_statement *st)
{
	uint32_t *member = arena_many(m->arena, uint32_t, 1);
	const struct ir_member *x = &l->members[ *member = (uint32_t)below(m, l->n_members)];
	double rate = imagined(m, x->classes, false);

	if (x->level != ID_NONE || x->classes.at[0] == ID_REST || rate <= 0)
		return false;
	st->members = member;
	st->n_members = 1;
	st->bound = rat_uint(
	    1000 + (uint64_t)(1e9 * (double)m->target->queue * (double)m->target->replicas / rate *
			      (double)between(m, 0, 250) / 100));
	return true;
}

static void make_statements(struct maker *m, struct ir_level *l)
{
	VEC(struct ir_statement) all = { 0 };

	for (size_t i = below(m, 3); i > 0; i--) {
		static const enum ir_statement_kind kinds[] = { IR_CPU_RATIO,  IR_CPU_RATIO,
								IR_CPU_RATIO,  IR_THROUGHPUT_RATIO,
								IR_CPU_BOUND,  IR_CPU_BOUND,
								IR_RATE_BOUND, IR_RATE_BOUND,
								IR_LATENCY };
		struct ir_statement st = { .kind = kinds[below(m, sizeof(kinds) / sizeof(*kinds))],
					   .span = SPAN_NONE };

		if (st.kind <= IR_THROUGHPUT_RATIO ? make_ratio(m, l, &st)
		    : st.kind == IR_LATENCY        ? make_latency(m, l, &st)
						   : make_bound(m, l, &st))
			vec_push(m->arena, &all, st);
	}
	l->statements = all.at;
	l->n_statements = all.n;
}

static void make_slo(struct maker *m, size_t named)
{
	static const uint64_t floors[] = { 10, 10, 10, 1, 50, 200 },
			      tolerances[] = { 0, 10, 10, 50, 100 };
	struct levels levels = { 0 };
	uint32_t classes[MAX_CLASSES];

	for (uint32_t i = 0; i < named; i++)
		classes[i] = i;
	if (m->pipeline->rest.n_paths && chance(m, 25))
		classes[named++] = ID_REST;
	m->slo->name = "s";
	m->slo->classes = ids_from(m->arena, classes, named);
	m->slo->tasks_first = chance(m, 50);
	m->slo->entitlement = chance(m, 35);
	m->slo->classify = chance(m, 50) ? IR_CLASSIFY_NEVER : IR_CLASSIFY_AUTO;
	m->slo->tolerance = rat_make((__int128)tolerances[below(m, 5)], 1000);
	vec_push(m->arena, &levels,
		 (struct ir_level){ .name = "s", .parent = ID_NONE, .n_ranks = 1 });
	make_members(m, &levels, 0, m->slo->classes, 0);
	for (size_t i = 0; i < levels.n; i++) {
		if (levels.at[i].n_members > 1 && chance(m, 25))
			make_priorities(m, &levels.at[i]);
		find_ranks(&levels.at[i]);
		make_statements(m, &levels.at[i]);
	}
	m->slo->levels = levels.at;
	m->slo->n_levels = levels.n;
	m->slo->floor =
	    !m->ratios && chance(m, 50) ? RAT_ZERO : rat_make((__int128)floors[below(m, 6)], 1000);
}

static void make_target(struct maker *m)
{
	struct ir_target *t = m->target;
	static const uint32_t cores[] = { 0, 1, 2 }, pipeline = 0;

	t->name = "t";
	t->backend = IR_BESS;
	t->pipelines = ids_from(m->arena, &pipeline, 1);
	t->enforce = 0;
	t->at = ID_NONE;
	t->cores = cores;
	t->n_cores = m->n > 6 || !chance(m, 25) ? 1 : chance(m, 85) ? 2 : 3;
	t->replicas = between(m, 1, 2);
	t->queue = chance(m, 50) ? 1024 : 64;
	t->queue_cost = chance(m, 60) ? rat_int(12) : RAT_ZERO;
	t->classify_cost = chance(m, 60) ? rat_int(60) : RAT_ZERO;
	if (t->n_cores > 1 && chance(m, 15)) {
		uint32_t one = (uint32_t)below(m, m->n);

		t->one_worker = ids_from(m->arena, &one, 1);
	}
}

static struct ir *make_case(struct ctx *ctx, uint64_t seed)
{
	struct maker *m = arena_one(ctx->arena, struct maker);
	struct ir *ir = arena_one(ctx->arena, struct ir);
	size_t named;

	*m = (struct maker){ .ctx = ctx, .arena = ctx->arena, .seed = seed, .ir = ir };
	m->state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	for (size_t i = 0; i < 8; i++)
		random_next(&m->state);
	ir->module = "m";
	ir->edition = 1;
	ir->fields = fields_new(ctx->arena);
	ir->n_pipelines = ir->n_slos = ir->n_targets = 1;
	m->pipeline = ir->pipelines = arena_one(ctx->arena, struct ir_pipeline);
	m->slo = ir->slos = arena_one(ctx->arena, struct ir_slo);
	m->target = ir->targets = arena_one(ctx->arena, struct ir_target);
	make_pipeline(m);
	make_target(m);
	named = make_classes(m);
	imagine(m);
	make_slo(m, named);
	return ir;
}

/* ---- the case in plain numbers ---- */

/* A class that passes the pipeline, or the rest. */
struct row {
	uint32_t class;
	const char *name;
	bool named;
	size_t copy;  /* among the copies of a parted pipeline */
	size_t stage; /* of a named class */
	double packet;
	uint32_t on; /* modules, by bit */
};

/* A path of such a class. */
struct way {
	size_t row, n, first;
	uint32_t at[MAX_MODULES];
	bool copy;
	double rate; /* in one replica */
	double cost[MAX_MODULES];
};

/* A copy of the pipeline behind the classifier; [0]: the only one, or the sources. */
struct copy {
	uint32_t class;
	const char *name;
	uint32_t next[MAX_MODULES]; /* edges */
	uint32_t fixed;             /* modules that must be roots */
	uint32_t queued;            /* those of them that have a queue */
	uint32_t open;              /* modules that may be roots */
};

struct world {
	const struct ir *ir;
	const struct ir_target *target;
	const struct ir_slo *slo;
	const struct ir_pipeline *pipeline;
	size_t n;
	uint32_t sources, next[MAX_MODULES];
	struct row rows[MAX_CLASSES + 1];
	size_t n_rows, n_stages;
	double offered;               /* packets/s in one replica */
	uint32_t stages[MAX_CLASSES]; /* vectors of ranks, four bits each, outermost first */
	struct way ways[MAX_WAYS];
	size_t n_ways;
	bool too_large;
	bool can_part; /* headers tell the named classes apart */
	bool other;    /* traffic that is not named can arrive */
	bool idle;     /* some priority has no effect */
};

static double cost_of(const struct world *w, uint32_t module, double packet)
{
	return rat_double(w->pipeline->modules[module].cost) +
	       rat_double(w->pipeline->modules[module].cost_per_byte) * packet;
}

static void add_row(struct world *w, uint32_t number, const struct ir_class *c)
{
	struct row *r = &w->rows[w->n_rows];

	*r = (struct row){ .class = number,
			   .name = c->name,
			   .named = ids_has(w->slo->classes, number) };
	r->packet = rat_double(c->packet);
	for (size_t i = 0; i < c->n_paths; i++) {
		const struct ir_path *p = &c->paths[i];
		struct way *way = &w->ways[w->n_ways];

		if (w->n_ways == MAX_WAYS) {
			w->too_large = true;
			return;
		}
		w->n_ways++;
		*way =
		    (struct way){ .row = w->n_rows, .n = p->n, .first = p->first, .copy = p->copy };
		way->rate = rat_double(p->rate_pps) / (double)w->target->replicas;
		for (size_t k = 0; k < p->n; k++) {
			way->at[k] = p->modules[k];
			way->cost[k] = cost_of(w, p->modules[k], r->packet);
			r->on |= 1u << p->modules[k];
		}
		w->offered += p->copy ? 0 : way->rate;
	}
	w->n_rows += c->n_paths > 0;
}

static uint32_t shifted(uint32_t rank, size_t depth)
{
	return rank << 4 * (DEPTH - 1 - depth);
}

/* Ranks from the outermost level inwards. */
static uint32_t vector_of(const struct ir_slo *slo, uint32_t class)
{
	uint32_t vector = 0, level = 0;

	for (size_t depth = 0; level != ID_NONE; depth++) {
		const struct ir_level *l = &slo->levels[level];
		size_t i = 0;

		while (!ids_has(l->members[i].classes, class))
			i++;
		vector |= shifted(l->members[i].rank, depth);
		level = l->members[i].level;
	}
	return vector;
}

static int by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return (a > b) - (a < b);
}

static size_t stage_at(const struct world *w, uint32_t vector)
{
	size_t s = 0;

	while (s + 1 < w->n_stages && w->stages[s] < vector)
		s++;
	return s;
}

static void find_stages(struct world *w)
{
	uint32_t all[MAX_CLASSES];
	size_t n = 0;

	for (size_t i = 0; i < w->slo->classes.n; i++)
		all[n++] = vector_of(w->slo, w->slo->classes.at[i]);
	qsort(all, n, sizeof(*all), by_number);
	for (size_t i = 0; i < n; i++)
		if (!w->n_stages || w->stages[w->n_stages - 1] != all[i])
			w->stages[w->n_stages++] = all[i];
	for (size_t i = 0; i < w->n_rows; i++)
		if (w->rows[i].named)
			w->rows[i].stage = stage_at(w, vector_of(w->slo, w->rows[i].class));
}

/* When the statements of a level about a member of RANK begin to hold. */
static size_t stage_of_member(const struct world *w, size_t level, const struct ir_member *m)
{
	uint32_t vector = 0, classes = m->classes.at[0], depth = 0, at = 0;

	for (;;) {
		const struct ir_level *l = &w->slo->levels[at];
		size_t i = 0;

		while (!ids_has(l->members[i].classes, classes))
			i++;
		vector |= shifted(l->members[i].rank, depth++);
		if (at == level)
			return stage_at(w, vector);
		at = l->members[i].level;
	}
}

static uint32_t modules_on(const struct world *w, struct ids classes)
{
	uint32_t on = 0;

	for (size_t i = 0; i < w->n_rows; i++)
		on |= ids_has(classes, w->rows[i].class) ? w->rows[i].on : 0;
	return on;
}

/* Some class below has no module that the one above could leave to it. */
static bool has_no_effect(const struct world *w, const struct ir_member *a,
			  const struct ir_member *b)
{
	for (size_t i = 0; i < w->n_rows; i++)
		if (ids_has(b->classes, w->rows[i].class) &&
		    !(w->rows[i].on & ~modules_on(w, a->classes)))
			return true;
	return false;
}

static void judge_headers(struct world *w, struct arena *arena)
{
	const struct cubes **sets = arena_many(arena, const struct cubes *, w->n_rows);
	size_t n = 0;

	w->can_part = true;
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct fx *fx =
		    w->rows[i].class == ID_REST ? NULL : w->ir->classes[w->rows[i].class].header;

		w->other |= !w->rows[i].named || !fx;
		if (!w->rows[i].named || !fx)
			continue;
		sets[n++] = fx_cubes(w->ir->fields, fx);
		for (size_t k = 0; k + 1 < n; k++)
			w->can_part &= !cubes_overlap(w->ir->fields, sets[k], sets[n - 1], NULL);
	}
	w->other |= !cubes_covered(w->ir->fields, cubes_all(w->ir->fields), sets, n, NULL);
}

static void open_world(struct world *w, const struct ir *ir, struct arena *arena)
{
	memset(w, 0, sizeof(*w));
	w->ir = ir;
	w->target = &ir->targets[0];
	w->slo = &ir->slos[0];
	w->pipeline = &ir->pipelines[0];
	w->n = w->pipeline->n_modules;
	for (size_t i = 0; i < w->n; i++)
		w->sources |= (uint32_t)(w->pipeline->modules[i].role == IR_ROLE_SOURCE) << i;
	for (size_t i = 0; i < w->pipeline->n_edges; i++)
		w->next[w->pipeline->edges[i].from] |= 1u << w->pipeline->edges[i].to;
	for (uint32_t i = 0; i < ir->n_classes; i++)
		add_row(w, i, &ir->classes[i]);
	add_row(w, ID_REST, &w->pipeline->rest);
	find_stages(w);
	judge_headers(w, arena);
	for (size_t i = 0; i < w->slo->n_levels; i++)
		for (size_t k = 0; k < w->slo->levels[i].n_priorities; k++) {
			const struct ir_level *l = &w->slo->levels[i];

			w->idle |= has_no_effect(w, &l->members[l->priorities[k].above],
						 &l->members[l->priorities[k].below]);
		}
}

/* ---- copies ---- */

static uint32_t successors(const uint32_t *next, uint32_t of)
{
	uint32_t found = 0;

	for (size_t i = 0; i < MAX_MODULES; i++)
		found |= of >> i & 1 ? next[i] : 0;
	return found;
}

static uint32_t reached_from(const uint32_t *next, uint32_t of)
{
	for (uint32_t more = of; more; of |= more)
		more = successors(next, of) & ~of;
	return of;
}

static uint32_t schedulable(const struct world *w)
{
	uint32_t set = 0;

	for (size_t i = 0; i < w->n; i++)
		set |= (uint32_t)w->pipeline->modules[i].schedulable << i;
	return set;
}

static void make_plain_copy(const struct world *w, struct copy *c)
{
	uint32_t reached = reached_from(w->next, w->sources);

	*c = (struct copy){ .class = ID_NONE, .name = "" };
	memcpy(c->next, w->next, sizeof(c->next));
	c->fixed = w->sources | schedulable(w);
	c->open = reached & ~c->fixed;
}

/* What stands behind the classifier for one class, or for all others. */
static void make_parted_copy(const struct world *w, struct copy *c, uint32_t class,
			     const char *name, bool workers)
{
	uint32_t reached;
	bool used = class != ID_REST;

	*c = (struct copy){ .class = class, .name = name };
	if (class == ID_REST)
		memcpy(c->next, w->next, sizeof(c->next));
	for (size_t i = 0; i < w->n_ways; i++) {
		const struct way *way = &w->ways[i];

		used |= !w->rows[way->row].named || w->rows[way->row].class == ID_REST;
		for (size_t k = 1; w->rows[way->row].class == class && k < way->n; k++)
			c->next[way->at[k - 1]] |= 1u << way->at[k];
	}
	reached = reached_from(c->next, w->sources) & ~w->sources;
	c->queued = successors(c->next, w->sources);
	c->fixed = (c->queued | schedulable(w)) & reached;
	/* queues in an empty copy serve none but workers that have no task */
	c->open = used || workers ? reached & ~c->fixed : 0;
}

static size_t make_copies_of(struct world *w, struct copy *copies, bool parted)
{
	size_t n = 1;

	make_plain_copy(w, &copies[0]);
	if (!parted)
		return n;
	copies[0].fixed = w->sources;
	copies[0].open = 0;
	memset(copies[0].next, 0, sizeof(copies[0].next));
	for (size_t i = 0; i < w->n_rows; i++) {
		if (!w->rows[i].named || w->rows[i].class == ID_REST)
			continue;
		w->rows[i].copy = n;
		make_parted_copy(w, &copies[n++], w->rows[i].class, w->rows[i].name, false);
	}
	if (!w->other)
		return n;
	for (size_t i = 0; i < w->n_rows; i++)
		if (!w->rows[i].named || w->rows[i].class == ID_REST)
			w->rows[i].copy = n;
	make_parted_copy(w, &copies[n++], ID_REST, "rest", w->target->n_cores > 1);
	return n;
}

/* ---- cuts ---- */

struct task {
	uint32_t copy, root, modules;
	const char *name; /* of the copy */
	bool queue;
	uint8_t worker;
};

struct cut {
	bool parted;
	size_t n;
	struct task tasks[MAX_TASKS];
	uint8_t runs[MAX_WAYS][MAX_MODULES];
	uint32_t serves[MAX_TASKS]; /* rows, by bit */
};

static int task_order(const void *x, const void *y)
{
	const struct task *a = x, *b = y;

	if (a->root != b->root)
		return a->root < b->root ? -1 : 1;
	return strcmp(a->name, b->name); /* ID_NONE has the empty name */
}

static void add_tasks(struct cut *cut, const struct copy *c, uint32_t roots)
{
	for (uint32_t r = 0; r < MAX_MODULES; r++) {
		uint32_t set = 1u << r, more = set;

		if (!(roots >> r & 1))
			continue;
		for (; more; set |= more)
			more = successors(c->next, set) & ~set & ~roots;
		cut->tasks[cut->n++] =
		    (struct task){ .copy = c->class,
				   .root = r,
				   .modules = set,
				   .name = c->name,
				   .queue = ((roots & ~c->fixed) | c->queued) >> r & 1 };
	}
}

static size_t task_at(const struct cut *cut, uint32_t copy, uint32_t root)
{
	for (size_t i = 0; i < cut->n; i++)
		if (cut->tasks[i].copy == copy && cut->tasks[i].root == root)
			return i;
	return MAX_TASKS;
}

static void run_ways(const struct world *w, const struct copy *copies, struct cut *cut)
{
	memset(cut->serves, 0, sizeof(cut->serves));
	for (size_t i = 0; i < w->n_ways; i++) {
		const struct way *way = &w->ways[i];
		size_t at = MAX_TASKS;

		for (size_t k = 0; k < way->n; k++) {
			const struct copy *c =
			    &copies[cut->parted && k ? w->rows[way->row].copy : 0];
			size_t begins = task_at(cut, c->class, way->at[k]);

			at = begins == MAX_TASKS ? at : begins;
			cut->runs[i][k] = (uint8_t)at;
			cut->serves[at] |= 1u << way->row;
		}
	}
}

static bool bites(const struct world *w, const struct cut *cut, const struct ir_member *a,
		  const struct ir_member *b)
{
	uint32_t only = modules_on(w, b->classes) & ~modules_on(w, a->classes), above = 0;

	for (size_t i = 0; i < w->n_rows; i++)
		above |= (uint32_t)ids_has(a->classes, w->rows[i].class) << i;
	for (size_t i = 0; i < cut->n; i++)
		if (cut->serves[i] & above && cut->tasks[i].modules & only)
			return false;
	return true;
}

static bool keeps_priorities(const struct world *w, const struct cut *cut)
{
	for (size_t i = 0; i < w->slo->n_levels; i++)
		for (size_t k = 0; k < w->slo->levels[i].n_priorities; k++) {
			const struct ir_level *l = &w->slo->levels[i];

			if (!bites(w, cut, &l->members[l->priorities[k].above],
				   &l->members[l->priorities[k].below]))
				return false;
		}
	return true;
}

/* MASK: which of the open modules of all copies are roots. */
static void make_cut(const struct world *w, const struct copy *copies, size_t n_copies,
		     uint32_t mask, struct cut *cut)
{
	cut->parted = n_copies > 1;
	cut->n = 0;
	for (size_t i = 0; i < n_copies; i++) {
		uint32_t roots = copies[i].fixed;

		for (uint32_t m = 0; m < MAX_MODULES; m++)
			if (copies[i].open >> m & 1) {
				roots |= (mask & 1) << m;
				mask >>= 1;
			}
		add_tasks(cut, &copies[i], roots);
	}
	qsort(cut->tasks, cut->n, sizeof(*cut->tasks), task_order);
	run_ways(w, copies, cut);
}

/* ---- the linear program of a cut ---- */

struct linear {
	double a[MAX_WORLD];
	double low, high;
	size_t stage; /* from which it holds */
	/* a ratio: |A| may be as large as the tolerance times B, and LOW and HIGH say nothing */
	bool ratio;
	double b[MAX_WORLD];
};

struct problem {
	struct linear *rows;
	size_t n, cap;
	size_t n_vars; /* v of the tasks, then for entitlement the least v of each set of tasks */
	double high[MAX_WORLD];
	double rate[MAX_CLASSES + 1][MAX_WORLD]; /* R of a row */
	double time[MAX_CLASSES + 1][MAX_WORLD]; /* T of a row */
	double load[MAX_TASKS];                  /* L at v = 1 */
	double drain[MAX_TASKS];
	/* entitlement: sets of tasks of which the least v counts, by bit */
	uint64_t least[MAX_WAYS];
	bool exact[MAX_WAYS]; /* a statement needs it to be the least, not at most that */
	size_t n_least;
	size_t least_of[MAX_WAYS]; /* per way */
};

/* One per thread of work; large, so it is reused. */
struct work {
	struct arena *arena; /* of the case */
	struct world *w;
	struct problem p;
	glp_prob *glpk;
	size_t n_solved, n_doubts;
};

static struct linear *add_linear(struct work *k, double low, double high, size_t stage)
{
	struct problem *p = &k->p;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->rows = xrealloc(p->rows, p->cap * sizeof(*p->rows));
	}
	memset(&p->rows[p->n], 0, sizeof(*p->rows));
	p->rows[p->n].low = low;
	p->rows[p->n].high = high;
	p->rows[p->n].stage = stage;
	return &p->rows[p->n++];
}

static void count_ways(struct work *k, const struct cut *cut)
{
	const struct world *w = k->w;
	struct problem *p = &k->p;

	for (size_t i = 0; i < w->n_ways; i++) {
		const struct way *way = &w->ways[i];

		for (size_t at = way->first; at < way->n; at++) {
			const struct task *t = &cut->tasks[cut->runs[i][at]];
			bool root = t->root == way->at[at];
			double more = (root && t->queue ? rat_double(w->target->queue_cost) : 0) +
				      (cut->parted && w->sources >> way->at[at] & 1
					   ? rat_double(w->target->classify_cost)
					   : 0);

			p->time[way->row][cut->runs[i][at]] += way->rate * way->cost[at];
			p->load[cut->runs[i][at]] += way->rate * (way->cost[at] + more);
			p->drain[cut->runs[i][at]] += root ? way->rate : 0;
		}
	}
}

/* R under useful accounting: v at the exit. */
static void count_exits(struct work *k, const struct cut *cut)
{
	for (size_t i = 0; i < k->w->n_ways; i++) {
		const struct way *way = &k->w->ways[i];

		if (!way->copy)
			k->p.rate[way->row][cut->runs[i][way->n - 1]] += way->rate;
	}
}

/* R under entitlement: the least v of the path, at most 1, as an unknown of its own. */
static void count_least(struct work *k, const struct cut *cut)
{
	struct problem *p = &k->p;

	for (size_t i = 0; i < k->w->n_ways; i++) {
		const struct way *way = &k->w->ways[i];
		uint64_t set = 0;
		size_t at = 0;

		if (way->copy)
			continue;
		for (size_t n = 0; n < way->n; n++)
			set |= (uint64_t)1 << cut->runs[i][n];
		while (at < p->n_least && p->least[at] != set)
			at++;
		if (at == p->n_least) {
			p->exact[at] = false;
			p->least[p->n_least++] = set;
		}
		p->least_of[i] = at;
		p->rate[way->row][cut->n + at] += way->rate;
	}
	for (size_t i = 0; i < p->n_least; i++) {
		p->high[p->n_vars++] = 1;
		for (size_t t = 0; t < cut->n; t++)
			if (p->least[i] >> t & 1) {
				struct linear *r = add_linear(k, -INFINITY, 0, 0);

				r->a[cut->n + i] = 1;
				r->a[t] = -1;
			}
	}
}

/* v does not rise, what feeds one queue has one v, exits keep the floor. */
static void add_useful(struct work *k, const struct cut *cut)
{
	size_t feeder[MAX_TASKS];
	uint64_t above[MAX_TASKS] = { 0 };
	double floor = rat_double(k->w->slo->floor);

	for (size_t i = 0; i < cut->n; i++)
		feeder[i] = MAX_TASKS;
	for (size_t i = 0; i < k->w->n_ways; i++) {
		const struct way *way = &k->w->ways[i];

		for (size_t at = 1; at < way->n; at++) {
			size_t up = cut->runs[i][at - 1], down = cut->runs[i][at];
			struct linear *r;

			if (up == down || above[down] >> up & 1)
				continue;
			above[down] |= (uint64_t)1 << up;
			r = add_linear(k, -INFINITY, 0, 0);
			r->a[down] = 1;
			r->a[up] = -1;
			if (feeder[down] != MAX_TASKS) {
				r = add_linear(k, 0, 0, 0);
				r->a[up] = 1;
				r->a[feeder[down]] = -1;
			}
			feeder[down] = up;
		}
		if (k->w->rows[way->row].named && !way->copy)
			add_linear(k, floor, INFINITY, k->w->rows[way->row].stage)
			    ->a[cut->runs[i][way->n - 1]] = 1;
	}
}

static void add_entitled(struct work *k, const struct cut *cut)
{
	for (size_t t = 0; t < cut->n; t++)
		for (size_t i = 0; i < k->w->n_rows; i++)
			if (k->w->rows[i].named && cut->serves[t] >> i & 1)
				add_linear(k, rat_double(k->w->slo->floor), INFINITY,
					   k->w->rows[i].stage)
				    ->a[t] = 1;
}

static void add_capacity(struct work *k, const struct cut *cut, bool together)
{
	size_t n = k->w->target->n_cores;
	double clock = rat_double(k->w->target->clock);

	for (size_t i = 0; i < (together ? 1 : n); i++) {
		struct linear *r =
		    add_linear(k, -INFINITY, together ? clock * (double)n : clock, 0);

		for (size_t t = 0; t < cut->n; t++)
			if (together || cut->tasks[t].worker == i)
				r->a[t] = k->p.load[t];
	}
}

static double largest(const double *a, size_t n)
{
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(a[i]));
	return most;
}

static void add_up(double *sum, const double *part, double factor)
{
	for (size_t i = 0; i < MAX_WORLD; i++)
		sum[i] += part[i] * factor;
}

static void sum_member(const struct work *k, struct ids classes, bool cpu, bool bits, double factor,
		       double *sum)
{
	for (size_t i = 0; i < k->w->n_rows; i++)
		if (ids_has(classes, k->w->rows[i].class))
			add_up(sum, cpu ? k->p.time[i] : k->p.rate[i],
			       factor * (bits ? 8 * k->w->rows[i].packet : 1));
}

/* The least v must be just that where a statement could profit from less. */
static void need_exact(struct work *k, struct ids classes)
{
	for (size_t i = 0; k->w->slo->entitlement && i < k->w->n_ways; i++)
		if (!k->w->ways[i].copy && k->w->ways[i].rate > 0 &&
		    ids_has(classes, k->w->rows[k->w->ways[i].row].class))
			k->p.exact[k->p.least_of[i]] = true;
}

static void add_ratio(struct work *k, size_t level, const struct ir_statement *st)
{
	const struct ir_level *l = &k->w->slo->levels[level];
	bool cpu = st->kind == IR_CPU_RATIO;
	double stated = 0;

	for (size_t i = 0; i < st->n_members; i++)
		stated += rat_double(st->parts[i]);
	for (size_t i = 0; i < st->n_members; i++) {
		double share = rat_double(st->parts[i]) / stated;
		const struct ir_member *m = &l->members[st->members[i]];
		struct linear *r = add_linear(k, 0, 0, stage_of_member(k->w, level, m));

		r->ratio = true;
		sum_member(k, m->classes, cpu, false, 1, r->a);
		for (size_t j = 0; j < st->n_members; j++)
			sum_member(k, l->members[st->members[j]].classes, cpu, false, share, r->b);
		add_up(r->a, r->b, -1);
		if (!cpu)
			need_exact(k, m->classes);
	}
}

static void add_bound(struct work *k, size_t level, const struct ir_statement *st)
{
	const struct ir_member *m = &k->w->slo->levels[level].members[st->members[0]];
	double bound = rat_double(st->bound);
	bool cpu = st->kind == IR_CPU_BOUND;
	struct linear *r =
	    add_linear(k, st->at_least ? bound : -INFINITY, st->at_least ? INFINITY : bound,
		       stage_of_member(k->w, level, m));

	sum_member(k, m->classes, cpu, st->bits,
		   cpu ? 1 / (rat_double(k->w->target->clock) * (double)k->w->target->n_cores)
		       : (double)k->w->target->replicas,
		   r->a);
	if (!cpu && !st->at_least)
		need_exact(k, m->classes);
}

static void add_latency(struct work *k, const struct cut *cut, size_t level,
			const struct ir_statement *st)
{
	const struct ir_member *m = &k->w->slo->levels[level].members[st->members[0]];
	size_t stage = stage_of_member(k->w, level, m);

	for (size_t i = 0; i < k->w->n_ways; i++) {
		const struct way *way = &k->w->ways[i];
		double left = rat_double(st->bound) / 1e9;
		uint64_t queues = 0;

		if (way->copy || !ids_has(m->classes, k->w->rows[way->row].class))
			continue;
		for (size_t at = 0; at < way->n; at++) {
			size_t t = cut->runs[i][at];

			left -= way->cost[at] / rat_double(k->w->target->clock);
			if (cut->tasks[t].queue && cut->tasks[t].root == way->at[at])
				queues |= (uint64_t)1 << t;
		}
		if (left < 0 || (left <= 0 && queues))
			add_linear(k, 1, INFINITY, stage);
		for (size_t t = 0; left > 0 && t < cut->n; t++)
			if (queues >> t & 1) {
				double least = (double)(__builtin_popcountll(queues) *
							(int)k->w->target->queue) /
					       left;

				add_linear(k, least, INFINITY, stage)->a[t] = k->p.drain[t];
			}
	}
}

static void add_statements(struct work *k, const struct cut *cut)
{
	for (size_t i = 0; i < k->w->slo->n_levels; i++)
		for (size_t n = 0; n < k->w->slo->levels[i].n_statements; n++) {
			const struct ir_statement *st = &k->w->slo->levels[i].statements[n];

			if (st->kind == IR_LATENCY)
				add_latency(k, cut, i, st);
			else if (st->kind == IR_CPU_RATIO || st->kind == IR_THROUGHPUT_RATIO)
				add_ratio(k, i, st);
			else
				add_bound(k, i, st);
		}
}

/* TOGETHER: as if one worker had all the cycles. */
static void state_problem(struct work *k, const struct cut *cut, bool together)
{
	struct problem *p = &k->p;
	struct linear *rows = p->rows;
	size_t cap = p->cap;

	memset(p, 0, sizeof(*p));
	p->rows = rows;
	p->cap = cap;
	p->n_vars = cut->n;
	count_ways(k, cut);
	for (size_t t = 0; t < cut->n; t++)
		p->high[t] = k->w->slo->entitlement && p->load[t] > 0 ? INFINITY : 1;
	if (k->w->slo->entitlement) {
		count_least(k, cut);
		add_entitled(k, cut);
	} else {
		count_exits(k, cut);
		add_useful(k, cut);
	}
	add_capacity(k, cut, together);
	add_statements(k, cut);
}

/* ---- linear programs ---- */

struct glp_rows {
	int row[8192], column[8192];
	double value[8192];
	int n;
};

/* SCALE: what counts as large in it. */
static void put_scaled(glp_prob *lp, struct glp_rows *g, const double *a, size_t n, double scale,
		       double z, double low, double high)
{
	int row = glp_add_rows(lp, 1);

	for (size_t i = 0; i < n; i++)
		if (a[i] != 0) {
			g->row[++g->n] = row;
			g->column[g->n] = (int)i + 1;
			g->value[g->n] = a[i] / scale;
		}
	if (z != 0) {
		g->row[++g->n] = row;
		g->column[g->n] = (int)n + 1;
		g->value[g->n] = z;
	}
	low /= scale;
	high /= scale;
	glp_set_row_bnds(lp, row,
			 isinf(low)    ? GLP_UP
			 : isinf(high) ? GLP_LO
			 : low == high ? GLP_FX
				       : GLP_DB,
			 low, high);
}

static void put_row(glp_prob *lp, struct glp_rows *g, const double *a, size_t n, double low,
		    double high)
{
	double scale = largest(a, n);

	put_scaled(lp, g, a, n, scale > 0 ? scale : 1, 0, low, high);
}

/* What a solution is asked for. */
struct asking {
	size_t stage;  /* rows of later stages do not hold yet */
	size_t n_kept; /* earlier maxima */
	const double *kept[MAX_VALUES];
	double least[MAX_VALUES];
	const double *deviation; /* per stage: of the ratios that begin there */
	const double *objective; /* greatest; NULL: the least excess of the ratios that begin at
				  * STAGE over their deviation */
	uint64_t choice;         /* entitlement: which task serves least, see choose_least */
};

static void put_ratio(glp_prob *lp, struct glp_rows *g, const struct problem *p,
		      const struct linear *r, double d, double z)
{
	double row[MAX_WORLD], scale = largest(r->b, p->n_vars);

	if (scale <= 0)
		return; /* nothing is divided */
	for (int sign = -1; sign <= 1; sign += 2) {
		for (size_t i = 0; i < p->n_vars; i++)
			row[i] = sign * r->a[i] - d * r->b[i];
		put_scaled(lp, g, row, p->n_vars, scale, z, -INFINITY, 0);
	}
}

/* Digits of CHOICE name for each exact set of tasks which of them, or 1, is its v. */
static void choose_least(glp_prob *lp, struct glp_rows *g, const struct problem *p, size_t n_tasks,
			 uint64_t choice)
{
	for (size_t i = 0; i < p->n_least; i++) {
		double row[MAX_WORLD] = { 0 };
		uint64_t size, which;
		size_t t;

		if (!p->exact[i])
			continue;
		size = (uint64_t)__builtin_popcountll(p->least[i]) + 1;
		which = choice % size;
		choice /= size;
		row[n_tasks + i] = 1;
		if (which + 1 == size) {
			put_row(lp, g, row, p->n_vars, 1, INFINITY);
			continue;
		}
		for (t = 0; !(p->least[i] >> t & 1) || which--; t++)
			;
		row[t] = -1;
		put_row(lp, g, row, p->n_vars, 0, INFINITY);
	}
}

static size_t n_choices(const struct problem *p)
{
	size_t n = 1;

	for (size_t i = 0; i < p->n_least; i++)
		if (p->exact[i] && n <= MAX_CHOICES)
			n *= (size_t)__builtin_popcountll(p->least[i]) + 1;
	return n;
}

static void put_rows(struct work *k, struct glp_rows *g, const struct cut *cut,
		     const struct asking *q)
{
	const struct problem *p = &k->p;

	for (size_t i = 0; i < p->n; i++) {
		const struct linear *r = &p->rows[i];
		double d = r->ratio ? q->deviation[r->stage] : 0;

		if (r->stage > q->stage)
			continue;
		if (r->ratio)
			put_ratio(k->glpk, g, p, r, d,
				  !q->objective && r->stage == q->stage ? -1 : 0);
		else
			put_row(k->glpk, g, r->a, p->n_vars, r->low, r->high);
	}
	for (size_t i = 0; i < q->n_kept; i++)
		put_row(k->glpk, g, q->kept[i], p->n_vars, q->least[i], INFINITY);
	choose_least(k->glpk, g, p, cut->n, q->choice);
}

static void put_columns(struct work *k, const struct asking *q)
{
	const struct problem *p = &k->p;
	double scale = q->objective ? largest(q->objective, p->n_vars) : 1;

	for (size_t i = 0; i < p->n_vars; i++) {
		glp_set_col_bnds(k->glpk, (int)i + 1, isinf(p->high[i]) ? GLP_LO : GLP_DB, 0,
				 p->high[i]);
		if (q->objective && scale > 0)
			glp_set_obj_coef(k->glpk, (int)i + 1, q->objective[i] / scale);
	}
	if (!q->objective)
		glp_set_obj_coef(k->glpk, (int)p->n_vars + 1, -1);
	glp_set_col_bnds(k->glpk, (int)p->n_vars + 1, q->objective ? GLP_FX : GLP_FR, 0, 0);
}

/* False if there is no solution.  X: the unknowns. */
static bool solve_once(struct work *k, const struct cut *cut, const struct asking *q, double *x)
{
	static struct glp_rows g;
	glp_smcp params;
	int error;

	glp_erase_prob(k->glpk);
	g.n = 0;
	glp_set_obj_dir(k->glpk, GLP_MAX);
	glp_add_cols(k->glpk, (int)k->p.n_vars + 1);
	put_columns(k, q);
	put_rows(k, &g, cut, q);
	glp_load_matrix(k->glpk, g.n, g.row, g.column, g.value);
	glp_init_smcp(&params);
	params.msg_lev = GLP_MSG_OFF;
	params.tol_bnd = 1e-10;
	params.tol_dj = 1e-9;
	k->n_solved++;
	error = glp_simplex(k->glpk, &params);
	if (error || glp_get_status(k->glpk) == GLP_UNDEF) {
		glp_std_basis(k->glpk);
		params.meth = GLP_DUALP;
		error = glp_simplex(k->glpk, &params);
	}
	k->n_doubts +=
	    error || glp_get_status(k->glpk) == GLP_UNDEF || glp_get_status(k->glpk) == GLP_UNBND;
	if (error || glp_get_status(k->glpk) != GLP_OPT)
		return false;
	for (size_t i = 0; i < k->p.n_vars; i++)
		x[i] = glp_get_col_prim(k->glpk, (int)i + 1);
	return true;
}

/* ---- a cut, solved stage by stage ---- */

struct answer {
	double values[MAX_VALUES]; /* R of the stages, then of other traffic */
	double deviation[MAX_CLASSES];
	double x[MAX_WORLD];
};

/* A is less than B, and not by what solving in stages leaves open. */
static bool is_less(const struct world *w, double a, double b)
{
	return a < b - 1e-7 * fmax(fabs(a), fabs(b)) - 1e-7 * w->offered;
}

/* What stage S maximises; behind the last one, other traffic. */
static bool stage_objective(const struct work *k, size_t s, double *sum)
{
	bool some = false;

	memset(sum, 0, MAX_WORLD * sizeof(*sum));
	for (size_t i = 0; i < k->w->n_rows; i++) {
		const struct row *r = &k->w->rows[i];

		if (s < k->w->n_stages ? !r->named || r->stage != s : r->named)
			continue;
		add_up(sum, k->p.rate[i], 1);
		some = true;
	}
	return some;
}

static double value_at(const double *a, const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * x[i];
	return sum;
}

static double excess_of(const struct work *k, size_t stage, const double *x)
{
	double most = 0;

	for (size_t i = 0; i < k->p.n; i++) {
		const struct linear *r = &k->p.rows[i];
		double sum;

		if (!r->ratio || r->stage != stage || !largest(r->b, k->p.n_vars))
			continue;
		sum = value_at(r->b, x, k->p.n_vars);
		most = fmax(most, sum > 0 ? fabs(value_at(r->a, x, k->p.n_vars)) / sum : 0);
	}
	return most;
}

static bool has_ratio(const struct work *k, size_t stage)
{
	for (size_t i = 0; i < k->p.n; i++)
		if (k->p.rows[i].ratio && k->p.rows[i].stage == stage &&
		    largest(k->p.rows[i].b, k->p.n_vars))
			return true;
	return false;
}

/* Earlier maxima are kept all but exactly; a bit less exactly if that is too thin a slice
 * for the simplex method to find it. */
static bool solve_kept(struct work *k, const struct cut *cut, const struct asking *q, double *x)
{
	struct asking loose = *q;

	for (double slack = 1e-10; slack < 2e-8; slack *= 10) {
		for (size_t i = 0; i < q->n_kept; i++)
			loose.least[i] = q->least[i] - slack * k->w->offered;
		if (solve_once(k, cut, &loose, x))
			return true;
		if (!q->n_kept)
			break;
	}
	return false;
}

/* The least largest deviation of the ratios that begin at a stage (Dinkelbach's method);
 * infinite if there is no solution. */
static double least_deviation(struct work *k, const struct cut *cut, struct asking q,
			      double *deviation)
{
	double x[MAX_WORLD], tolerance = rat_double(k->w->slo->tolerance), found = INFINITY;

	q.objective = NULL;
	deviation[q.stage] = tolerance;
	for (int round = 0; round < 40 && found > 1e-12; round++) {
		double next;

		if (!solve_kept(k, cut, &q, x))
			break;
		next = excess_of(k, q.stage, x);
		if (next > tolerance * (1 + 1e-9) + 1e-9 ||
		    (found < INFINITY && next > found - 1e-12))
			break;
		deviation[q.stage] = found = next;
	}
	return found;
}

/* The choices that are still as good as the best. */
struct choices {
	uint64_t at[MAX_CHOICES];
	double value[MAX_CHOICES];
	size_t n;
};

static void keep_best(struct choices *c, double best, double slack)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (fabs(c->value[i] - best) <= slack * fmax(1, fabs(best)))
			c->at[n++] = c->at[i];
	c->n = n;
}

/* False: no choice has a solution. */
static bool least_of_choices(struct work *k, const struct cut *cut, struct asking *q,
			     struct choices *c, double *deviation)
{
	double best = INFINITY;

	for (size_t i = 0; i < c->n; i++) {
		q->choice = c->at[i];
		c->value[i] = least_deviation(k, cut, *q, deviation);
		best = fmin(best, c->value[i]);
	}
	deviation[q->stage] = best;
	keep_best(c, best, 1e-9);
	return best < INFINITY && c->n;
}

static bool greatest_of_choices(struct work *k, const struct cut *cut, struct asking *q,
				struct choices *c, const double *objective, double *value,
				double *x)
{
	double best = -1, found[MAX_WORLD];

	q->objective = objective;
	for (size_t i = 0; i < c->n; i++) {
		q->choice = c->at[i];
		c->value[i] = -1e9;
		if (!solve_kept(k, cut, q, found))
			continue;
		c->value[i] = value_at(objective, found, k->p.n_vars);
		if (c->value[i] > best) {
			best = c->value[i];
			memcpy(x, found, sizeof(found));
		}
	}
	keep_best(c, best, 1e-9);
	*value = best;
	return best >= 0;
}

/* BEST: values that must not be missed, or NULL.  CLOSE: with the least deviation. */
static bool solve_stages(struct work *k, const struct cut *cut, const double *best, bool close,
			 struct answer *a)
{
	double objectives[MAX_VALUES][MAX_WORLD];
	struct asking q = { .deviation = a->deviation };
	struct choices c = { .n = n_choices(&k->p) };
	bool tied = best != NULL;

	for (size_t i = 0; i < c.n; i++)
		c.at[i] = i;
	for (size_t s = 0; s < MAX_CLASSES; s++)
		a->deviation[s] = rat_double(k->w->slo->tolerance);
	for (size_t s = 0; s <= k->w->n_stages; s++) {
		bool some = stage_objective(k, s, objectives[s]);

		a->values[s] = 0;
		if (!some && s == k->w->n_stages)
			break;
		q.stage = s < k->w->n_stages ? s : k->w->n_stages - 1;
		if (close && s < k->w->n_stages && has_ratio(k, s) &&
		    !least_of_choices(k, cut, &q, &c, a->deviation))
			return false;
		if (!greatest_of_choices(k, cut, &q, &c, objectives[s], &a->values[s], a->x))
			return false;
		if (tied && is_less(k->w, a->values[s], best[s]))
			return false;
		tied &= tied && !is_less(k->w, best[s], a->values[s]);
		q.kept[q.n_kept] = objectives[s];
		q.least[q.n_kept++] = a->values[s];
	}
	return true;
}

/* ---- all cuts ---- */

struct candidate {
	struct cut cut;
	struct answer answer;
};

struct search {
	struct work *k;
	struct candidate *at;
	size_t n, cap;
	bool too_large;
	size_t n_tried;
};

static int compare_rates(const struct world *w, const struct candidate *a,
			 const struct candidate *b)
{
	for (size_t i = 0; i <= w->n_stages; i++) {
		if (is_less(w, b->answer.values[i], a->answer.values[i]))
			return -1;
		if (is_less(w, a->answer.values[i], b->answer.values[i]))
			return 1;
	}
	return 0;
}

/* < 0: A is better. */
static int compare_values(const struct world *w, const struct candidate *a,
			  const struct candidate *b)
{
	int tasks = (a->cut.n > b->cut.n) - (a->cut.n < b->cut.n);
	int rates = compare_rates(w, a, b);

	return w->slo->tasks_first ? (tasks ? tasks : rates) : (rates ? rates : tasks);
}

static void add_candidate(struct search *s, const struct candidate *c)
{
	int order = s->n ? compare_values(s->k->w, c, &s->at[0]) : -1;

	if (order > 0)
		return;
	if (order < 0)
		s->n = 0;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->at = xrealloc(s->at, s->cap * sizeof(*s->at));
	}
	s->at[s->n++] = *c;
}

static const double *best_values(const struct search *s)
{
	return s->n ? s->at[0].answer.values : NULL;
}

static void try_cut(struct search *s, const struct cut *cut)
{
	struct candidate c;

	s->n_tried++;
	state_problem(s->k, cut, false);
	s->too_large |= n_choices(&s->k->p) > MAX_CHOICES || s->k->n_solved > MAX_PROGRAMS;
	if (s->too_large || !solve_stages(s->k, cut, best_values(s), false, &c.answer))
		return;
	c.cut = *cut;
	add_candidate(s, &c);
}

static bool shares_worker(const struct world *w, const struct cut *cut)
{
	for (size_t i = 0; i < w->target->one_worker.n; i++) {
		uint32_t bit = 1u << w->target->one_worker.at[i];
		size_t first = 0;

		while (first < cut->n && !(cut->tasks[first].modules & bit))
			first++;
		for (size_t t = first; t < cut->n; t++)
			if (cut->tasks[t].modules & bit &&
			    cut->tasks[t].worker != cut->tasks[first].worker)
				return false;
	}
	return true;
}

/* Tasks from AT on get workers; USED of them have a task. */
static void try_workers(struct search *s, struct cut *cut, size_t at, size_t used)
{
	size_t n = s->k->w->target->n_cores;

	if (at == cut->n) {
		if (used == n && shares_worker(s->k->w, cut))
			try_cut(s, cut);
		return;
	}
	for (size_t i = 0; i <= used && i < n && cut->n - at >= n - used; i++) {
		cut->tasks[at].worker = (uint8_t)i;
		try_workers(s, cut, at + 1, i == used ? used + 1 : used);
	}
}

static void try_mask(struct search *s, const struct copy *copies, size_t n_copies, uint32_t mask)
{
	struct answer answer;
	struct cut cut;

	make_cut(s->k->w, copies, n_copies, mask, &cut);
	if (!keeps_priorities(s->k->w, &cut) || cut.n < s->k->w->target->n_cores)
		return;
	if (s->k->w->target->n_cores > 1) {
		state_problem(s->k, &cut, true);
		s->too_large |= n_choices(&s->k->p) > MAX_CHOICES;
		if (s->too_large || !solve_stages(s->k, &cut, best_values(s), false, &answer))
			return; /* not even if one worker had all cycles */
	}
	try_workers(s, &cut, 0, 0);
}

/* Fewest queues first; where tasks count first, no more than are needed. */
static void try_all(struct search *s, bool parted)
{
	struct copy copies[MAX_CLASSES + 2];
	const struct world *w = s->k->w;
	size_t n = make_copies_of(s->k->w, copies, parted), bits = 0, fixed = 0;

	for (size_t i = 0; i < n; i++) {
		bits += (size_t)__builtin_popcount(copies[i].open);
		fixed += (size_t)__builtin_popcount(copies[i].fixed);
	}
	if (bits > MAX_BITS || bits + fixed > MAX_TASKS) {
		s->too_large = true;
		return;
	}
	for (size_t queues = 0; queues <= bits && !s->too_large && !(s->n && w->slo->tasks_first);
	     queues++)
		for (uint32_t mask = 0; mask < 1u << bits; mask++)
			if ((size_t)__builtin_popcount(mask) == queues)
				try_mask(s, copies, n, mask);
}

static double worst(const struct world *w, const struct answer *a, const struct work *k)
{
	double most = 0;

	for (size_t s = 0; s < w->n_stages; s++)
		if (has_ratio(k, s))
			most = fmax(most, a->deviation[s]);
	return most;
}

static int compare_roots(const struct candidate *a, const struct candidate *b)
{
	for (size_t i = 0; i < a->cut.n && i < b->cut.n; i++)
		if (a->cut.tasks[i].root != b->cut.tasks[i].root)
			return a->cut.tasks[i].root < b->cut.tasks[i].root ? -1 : 1;
	return 0;
}

/* Of the cuts that are as good as the best, those whose ratios can be met most closely,
 * the one with the smallest list of roots first.  Their answers become final. */
static void finish(struct search *s)
{
	double least = INFINITY, *deviations = arena_many(s->k->arena, double, s->n);
	size_t n = 0, first = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct answer a = s->at[i].answer;

		state_problem(s->k, &s->at[i].cut, false);
		if (!solve_stages(s->k, &s->at[i].cut, NULL, true, &a)) {
			deviations[i] = INFINITY;
			continue;
		}
		s->at[i].answer = a;
		deviations[i] = worst(s->k->w, &a, s->k);
		least = fmin(least, deviations[i]);
	}
	for (size_t i = 0; i < s->n; i++)
		if (deviations[i] <= least + 1e-7 && least < INFINITY)
			s->at[n++] = s->at[i];
	for (size_t i = 1; i < n; i++)
		if (compare_roots(&s->at[i], &s->at[first]) < 0)
			first = i;
	if (n) {
		struct candidate t = s->at[0];

		s->at[0] = s->at[first];
		s->at[first] = t;
	}
	s->n = n;
}

/* More of the named classes; what other traffic gains does not count. */
static bool delivers_more(const struct world *w, const struct candidate *a,
			  const struct candidate *b)
{
	for (size_t i = 0; i < w->n_stages; i++) {
		if (is_less(w, b->answer.values[i], a->answer.values[i]))
			return true;
		if (is_less(w, a->answer.values[i], b->answer.values[i]))
			return false;
	}
	return false;
}

/* Whether classes may, or must, be parted is the word of doc/language.md 5.5: where it is
 * a matter of the objective, more must be delivered. */
static void search_all(struct search *s)
{
	const struct world *w = s->k->w;
	bool may = w->slo->classify != IR_CLASSIFY_NEVER, must = may && w->idle;
	struct search parted = { .k = s->k };

	if (!must)
		try_all(s, false);
	if (may && w->can_part && !s->too_large && (!s->n || !w->slo->tasks_first))
		try_all(&parted, true);
	s->too_large |= parted.too_large;
	s->n_tried += parted.n_tried;
	if (parted.n && (!s->n || delivers_more(w, &parted.at[0], &s->at[0]))) {
		struct search t = *s;

		s->at = parted.at;
		s->n = parted.n;
		s->cap = parted.cap;
		parted.at = t.at;
	}
	free(parted.at);
	if (s->n && !s->too_large)
		finish(s);
}

/* ---- our answer as a schedule ---- */

struct outcome {
	double v[MAX_TASKS], load[MAX_TASKS], cycles[MAX_TASKS][MAX_CLASSES + 1];
	double time[MAX_CLASSES + 1], rate[MAX_CLASSES + 1];
};

/* As it is: a double is a fraction. */
static struct rat exactly(double x)
{
	int e;
	double f = frexp(x, &e);
	__int128 num = (__int128)ldexp(f, 53);

	e -= 53;
	for (; e < -110; e++)
		num /= 2;
	return e >= 0 ? rat_make(num << e, 1) : rat_make(num, (__int128)1 << -e);
}

static void find_outcome(struct work *k, const struct candidate *c, struct outcome *o)
{
	const struct world *w = k->w;

	memset(o, 0, sizeof(*o));
	state_problem(k, &c->cut, false);
	for (size_t t = 0; t < c->cut.n; t++) {
		o->v[t] = fmax(0, c->answer.x[t]);
		o->load[t] = k->p.load[t] * o->v[t];
	}
	for (size_t i = 0; i < w->n_rows; i++)
		o->time[i] = value_at(k->p.time[i], o->v, c->cut.n);
	for (size_t i = 0; i < w->n_ways; i++) {
		const struct way *way = &w->ways[i];
		double least = w->slo->entitlement ? 1 : INFINITY;

		for (size_t at = 0; at < way->n; at++)
			if (w->slo->entitlement || at + 1 == way->n)
				least = fmin(least, o->v[c->cut.runs[i][at]]);
		o->rate[way->row] += way->copy ? 0 : way->rate * least;
		for (size_t at = way->first; at < way->n; at++) {
			const struct task *t = &c->cut.tasks[c->cut.runs[i][at]];
			bool classifies = c->cut.parted && w->sources >> way->at[at] & 1;

			o->cycles[c->cut.runs[i][at]][way->row] +=
			    way->rate *
			    (way->cost[at] +
			     (t->queue && t->root == way->at[at] ? rat_double(w->target->queue_cost)
								 : 0) +
			     (classifies ? rat_double(w->target->classify_cost) : 0));
		}
	}
}

static struct ids bits_to_ids(struct arena *arena, uint32_t bits)
{
	uint32_t at[32];
	size_t n = 0;

	for (uint32_t i = 0; i < 32; i++)
		if (bits >> i & 1)
			at[n++] = i;
	return ids_from(arena, at, n);
}

static uint32_t named_rows(const struct world *w, uint32_t rows)
{
	for (size_t i = 0; i < w->n_rows; i++)
		rows &= ~((uint32_t)!w->rows[i].named << i);
	return rows;
}

/* Rows that a member of a level holds. */
static uint32_t rows_of(const struct world *w, struct ids classes)
{
	uint32_t rows = 0;

	for (size_t i = 0; i < w->n_rows; i++)
		rows |= (uint32_t)ids_has(classes, w->rows[i].class) << i;
	return rows;
}

static uint32_t rank_of(const struct world *w, const struct ir_level *l, uint32_t rows)
{
	uint32_t rank = l->n_ranks - 1;

	for (size_t i = 0; i < l->n_members; i++)
		if (rows_of(w, l->members[i].classes) & rows && l->members[i].rank < rank)
			rank = l->members[i].rank;
	return rank;
}

static int node_order(const void *x, const void *y)
{
	const struct sched_node *a = x, *b = y;
	char p[16], q[16];

	/* groups by name, which is the order of their numbers here; then leaves by id */
	if ((a->kind == SCHED_LEAF) != (b->kind == SCHED_LEAF))
		return a->kind == SCHED_LEAF ? 1 : -1;
	if (a->kind != SCHED_LEAF)
		return (a->level > b->level) - (a->level < b->level);
	snprintf(p, sizeof(p), "t%u", a->task);
	snprintf(q, sizeof(q), "t%u", b->task);
	return strcmp(p, q);
}

struct planting {
	struct arena *arena;
	const struct world *w;
	const struct candidate *c;
	struct schedule *s;
};

static struct sched_node plant(const struct planting *p, uint32_t level, uint64_t tasks);

/* The tasks of TASKS that hang at a rank of a level or within one of its groups there. */
static void plant_rank(const struct planting *p, uint32_t level, uint32_t rank, uint64_t tasks,
		       struct sched_node *items, size_t *n)
{
	const struct ir_level *l = &p->w->slo->levels[level];

	for (size_t i = 0; i < l->n_members; i++) {
		uint32_t rows = rows_of(p->w, l->members[i].classes);
		uint64_t inside = 0;

		for (uint32_t t = 0; l->members[i].level != ID_NONE && t < p->c->cut.n; t++) {
			uint32_t served = named_rows(p->w, p->c->cut.serves[t]);

			if (tasks >> t & 1 && served && !(served & ~rows))
				inside |= (uint64_t)1 << t;
		}
		tasks &= ~inside;
		if (inside && l->members[i].rank == rank)
			items[(*n)++] = plant(p, l->members[i].level, inside);
	}
	for (uint32_t t = 0; t < p->c->cut.n; t++)
		if (tasks >> t & 1 &&
		    rank_of(p->w, l, named_rows(p->w, p->c->cut.serves[t])) == rank)
			items[(*n)++] =
			    (struct sched_node){ .kind = SCHED_LEAF, .level = ID_NONE, .task = t };
	qsort(items, *n, sizeof(*items), node_order);
}

static struct sched_node join(const struct planting *p, struct sched_node *items, size_t n,
			      uint32_t level)
{
	struct sched_node node = {
		.kind = SCHED_WEIGHTED, .level = level, .task = ID_NONE, .n_children = n
	};

	node.children = arena_many(p->arena, struct sched_node, n);
	memcpy(node.children, items, n * sizeof(*items));
	return node;
}

static struct sched_node plant(const struct planting *p, uint32_t level, uint64_t tasks)
{
	const struct ir_level *l = &p->w->slo->levels[level];
	struct sched_node items[MAX_TASKS],
	    node = { .kind = SCHED_PRIORITY, .level = level, .task = ID_NONE };
	size_t n = 0;

	if (__builtin_popcountll(tasks) == 1)
		return (struct sched_node){ .kind = SCHED_LEAF,
					    .level = ID_NONE,
					    .task = (uint32_t)__builtin_ctzll(tasks) };
	if (l->n_ranks == 1) {
		plant_rank(p, level, 0, tasks, items, &n);
		return join(p, items, n, level);
	}
	node.children = arena_many(p->arena, struct sched_node, l->n_ranks);
	for (uint32_t rank = 0; rank < l->n_ranks; rank++) {
		n = 0;
		plant_rank(p, level, rank, tasks, items, &n);
		if (!n)
			continue;
		node.children[node.n_children] = n == 1 ? items[0] : join(p, items, n, ID_NONE);
		node.children[node.n_children].ranked = true;
		node.children[node.n_children++].rank = rank;
	}
	return node;
}

static void mark_weighted(struct schedule *s, struct sched_node *n, bool weighted)
{
	n->weighted = weighted;
	if (n->kind == SCHED_LEAF)
		s->tasks[n->task].weighted = weighted;
	for (size_t i = 0; i < n->n_children; i++)
		mark_weighted(s, &n->children[i], weighted || n->kind == SCHED_WEIGHTED);
}

/* Returns the sum of the leaves. */
static double weigh_nodes(const struct schedule *s, struct sched_node *n)
{
	double sum = n->kind == SCHED_LEAF ? rat_double(s->tasks[n->task].weight) : 0;

	for (size_t i = 0; i < n->n_children; i++)
		sum += weigh_nodes(s, &n->children[i]);
	n->weight = exactly(sum);
	return sum;
}

static void weigh(struct schedule *s, const struct outcome *o, size_t n_workers)
{
	for (uint32_t w = 0; w < n_workers; w++) {
		double sum = 0, n = 0;

		for (size_t t = 0; t < s->n_tasks; t++)
			if (s->tasks[t].weighted && s->tasks[t].worker == w) {
				sum += o->load[t];
				n++;
			}
		for (size_t t = 0; t < s->n_tasks; t++)
			if (s->tasks[t].weighted && s->tasks[t].worker == w)
				s->tasks[t].weight = exactly(sum > 0 ? o->load[t] / sum : 1 / n);
	}
	weigh_nodes(s, s->tree);
}

static void write_task(const struct planting *p, const struct outcome *o, size_t i)
{
	const struct task *is = &p->c->cut.tasks[i];
	struct sched_task *t = &p->s->tasks[i];
	bool taken = false;
	double sum = 0;

	*t = (struct sched_task){
		.root = is->root, .copy = is->copy, .queue = is->queue, .worker = is->worker
	};
	t->modules = bits_to_ids(p->arena, is->modules);
	t->service = exactly(o->v[i]);
	t->load = exactly(o->load[i]);
	t->rank = rank_of(p->w, &p->w->slo->levels[0], named_rows(p->w, p->c->cut.serves[i]));
	t->share = arena_many(p->arena, struct rat, p->w->n_rows);
	t->weight = RAT_ZERO;
	for (size_t r = 0; r < p->w->n_rows; r++)
		sum += o->cycles[i][r];
	for (size_t r = 0; r < p->w->n_rows; r++) {
		bool first = !taken && p->c->cut.serves[i] >> r & 1;

		t->share[r] = o->load[i] > 0 ? exactly(o->cycles[i][r] / sum)
			      : first        ? RAT_ONE
					     : RAT_ZERO;
		taken |= first;
	}
}

static void write_parts(const struct planting *p)
{
	p->s->sources = bits_to_ids(p->arena, p->w->sources);
	p->s->parts = arena_many(p->arena, struct sched_part, p->w->n_rows + 1);
	for (size_t i = 0; i < p->w->n_rows; i++)
		if (p->w->rows[i].named && p->w->rows[i].class != ID_REST)
			p->s->parts[p->s->n_parts++] =
			    (struct sched_part){ p->w->rows[i].class,
						 p->w->ir->classes[p->w->rows[i].class].header };
	if (p->w->other) {
		struct fields *f = p->w->ir->fields;
		const struct fx **all = arena_many(p->arena, const struct fx *, p->s->n_parts);

		for (size_t i = 0; i < p->s->n_parts; i++)
			all[i] = p->s->parts[i].when;
		p->s->parts[p->s->n_parts] =
		    (struct sched_part){ ID_REST, fx_not(f, fx_or(f, all, p->s->n_parts)) };
		p->s->n_parts++;
	}
}

static struct schedule *write_schedule(struct work *k, const struct candidate *c,
				       const struct outcome *o)
{
	struct schedule *s = arena_one(k->arena, struct schedule);
	struct planting p = { k->arena, k->w, c, s };
	double rate = 0;

	s->solved = s->optimal = true;
	s->parted = c->cut.parted;
	if (s->parted)
		write_parts(&p);
	s->n_tasks = c->cut.n;
	s->tasks = arena_many(k->arena, struct sched_task, s->n_tasks);
	for (size_t i = 0; i < s->n_tasks; i++)
		write_task(&p, o, i);
	s->n_classes = k->w->n_rows;
	s->classes = arena_many(k->arena, struct sched_class, s->n_classes);
	for (size_t i = 0; i < s->n_classes; i++) {
		s->classes[i] = (struct sched_class){ .class = k->w->rows[i].class,
						      .time = exactly(o->time[i]),
						      .rate = exactly(o->rate[i]) };
		rate += k->w->rows[i].named ? o->rate[i] * (double)k->w->target->replicas : 0;
	}
	s->rate = exactly(rate);
	s->tree = arena_one(k->arena, struct sched_node);
	*s->tree = plant(&p, 0, ((uint64_t)1 << s->n_tasks) - 1);
	mark_weighted(s, s->tree, false);
	if (s->n_tasks == 1 && k->w->slo->levels[0].n_ranks == 1)
		s->tasks[0].weighted = true;
	weigh(s, o, k->w->target->n_cores);
	return s;
}

/* ---- what a case is, in words ---- */

static void show_members(const struct world *w, const struct ir_level *l,
			 const struct ir_statement *st)
{
	for (size_t i = 0; i < st->n_members; i++)
		printf("%s%s", i ? " : " : "", l->members[st->members[i]].name);
	(void)w;
}

static void show_statement(const struct world *w, const struct ir_level *l,
			   const struct ir_statement *st)
{
	static const char *const kinds[] = { "cpu", "throughput", "cpu", "rate", "latency" };

	printf("    %s ", kinds[st->kind]);
	show_members(w, l, st);
	if (st->kind <= IR_THROUGHPUT_RATIO)
		for (size_t i = 0; i < st->n_members; i++)
			printf(" %s %.9g", i ? ":" : "=", rat_double(st->parts[i]));
	else
		printf(" %s %.12g%s", st->at_least ? ">=" : "<=", rat_double(st->bound),
		       st->kind == IR_LATENCY     ? "ns"
		       : st->kind == IR_CPU_BOUND ? " of 1"
		       : st->bits                 ? "bps"
						  : "pps");
	printf(";\n");
}

static void show_slo(const struct world *w)
{
	printf("slo s { %s; accounting %s; classify %s; floor %g; tolerance %g;\n",
	       w->slo->tasks_first ? "objective tasks" : "objective throughput",
	       w->slo->entitlement ? "entitlement" : "useful", w->slo->classify ? "never" : "auto",
	       rat_double(w->slo->floor), rat_double(w->slo->tolerance));
	for (size_t i = 0; i < w->slo->n_levels; i++) {
		const struct ir_level *l = &w->slo->levels[i];

		printf("  %s {", l->name);
		for (size_t m = 0; m < l->n_members; m++)
			printf(" %s(%u)", l->members[m].name, l->members[m].rank);
		printf("\n");
		for (size_t n = 0; n < l->n_priorities; n++)
			printf("    priority %s > %s;\n", l->members[l->priorities[n].above].name,
			       l->members[l->priorities[n].below].name);
		for (size_t n = 0; n < l->n_statements; n++)
			show_statement(w, l, &l->statements[n]);
		printf("  }\n");
	}
	printf("}\n");
}

static void show_case(const struct world *w)
{
	printf("pipeline {\n");
	for (size_t i = 0; i < w->n; i++)
		printf("  m%zu { cost %g + %g/B%s%s }\n", i,
		       rat_double(w->pipeline->modules[i].cost),
		       rat_double(w->pipeline->modules[i].cost_per_byte),
		       w->sources >> i & 1 ? "; source" : "",
		       w->pipeline->modules[i].schedulable ? "; schedulable" : "");
	for (size_t i = 0; i < w->pipeline->n_edges; i++)
		printf("  m%u %s m%u;\n", w->pipeline->edges[i].from,
		       w->pipeline->edges[i].copy ? "->>" : "->", w->pipeline->edges[i].to);
	printf("}\n");
	for (size_t i = 0; i < w->n_rows; i++) {
		printf("class %s {%s packet %g;", w->rows[i].name,
		       w->rows[i].named ? "" : " unnamed;", w->rows[i].packet);
		if (w->rows[i].class != ID_REST)
			printf(" header %s;",
			       fx_text(w->ir->fields, w->ir->classes[w->rows[i].class].header));
		printf("\n");
		for (size_t p = 0; p < w->n_ways; p++) {
			const struct way *way = &w->ways[p];

			if (way->row != i)
				continue;
			printf("   ");
			for (size_t n = 0; n < way->n; n++)
				printf(" %sm%u", way->copy && n == way->first ? "->> " : "",
				       way->at[n]);
			printf(" rate %.12g;\n", way->rate);
		}
		printf("}\n");
	}
	show_slo(w);
	printf("target { clock %.12g; workers %zu; replicas %u; queue %u; queue-cost %g; "
	       "classify-cost %g;%s }\n",
	       rat_double(w->target->clock), w->target->n_cores, (unsigned)w->target->replicas,
	       (unsigned)w->target->queue, rat_double(w->target->queue_cost),
	       rat_double(w->target->classify_cost), w->target->one_worker.n ? " one worker" : "");
	if (w->target->one_worker.n)
		printf("one worker: m%u\n", w->target->one_worker.at[0]);
}

static void show_schedule(const struct world *w, const char *whose, const struct schedule *s)
{
	printf("%s: %s%s\n", whose,
	       s->solved   ? "solved"
	       : s->failed ? diag_page(s->code)->code
			   : "unknown",
	       s->parted ? ", parted" : "");
	for (size_t i = 0; s->solved && i < s->n_tasks; i++) {
		const struct sched_task *t = &s->tasks[i];

		printf("  t%zu m%u%s%s worker %u rank %u v %.12g:", i, t->root,
		       t->copy == ID_NONE ? "" : " of ",
		       t->copy == ID_NONE   ? ""
		       : t->copy == ID_REST ? "rest"
					    : w->ir->classes[t->copy].name,
		       t->worker, t->rank, rat_double(t->service));
		for (size_t k = 0; k < t->modules.n; k++)
			printf(" m%u", t->modules.at[k]);
		printf("\n");
	}
	for (size_t i = 0; s->solved && i < s->n_classes; i++)
		printf("  %s: T %.12g R %.12g\n", w->rows[i].name, rat_double(s->classes[i].time),
		       rat_double(s->classes[i].rate));
}

/* ---- the two side by side ---- */

struct tally {
	size_t cases, feasible, infeasible, parted, several, ranked, entitled, skipped, failures,
	    doubts, solved;
	double seconds_ours, seconds_theirs;
};

static void stage_rates(const struct world *w, const struct schedule *s, double *values)
{
	memset(values, 0, MAX_VALUES * sizeof(*values));
	for (size_t i = 0; i < s->n_classes && i < w->n_rows; i++)
		values[w->rows[i].named ? w->rows[i].stage : w->n_stages] +=
		    rat_double(s->classes[i].rate);
}

static size_t n_ratio_stages(const struct work *k)
{
	size_t n = 0;

	for (size_t s = 0; s < k->w->n_stages; s++)
		n += has_ratio(k, s);
	return n;
}

static double schedule_deviation(const struct world *w, const struct schedule *s)
{
	double most = 0;

	for (size_t i = 0; i < w->slo->n_levels; i++)
		for (size_t n = 0; n < w->slo->levels[i].n_statements; n++) {
			const struct ir_level *l = &w->slo->levels[i];
			const struct ir_statement *st = &l->statements[n];
			double is[MAX_CLASSES] = { 0 }, sum = 0, stated = 0;

			if (st->kind > IR_THROUGHPUT_RATIO)
				continue;
			for (size_t m = 0; m < st->n_members; m++) {
				for (size_t r = 0; r < w->n_rows; r++)
					if (ids_has(l->members[st->members[m]].classes,
						    w->rows[r].class))
						is[m] += rat_double(st->kind == IR_CPU_RATIO
									? s->classes[r].time
									: s->classes[r].rate);
				sum += is[m];
				stated += rat_double(st->parts[m]);
			}
			for (size_t m = 0; sum > 0 && m < st->n_members; m++) {
				double share = rat_double(st->parts[m]) / stated;

				most = fmax(most, fabs(is[m] / sum - share) / share);
			}
		}
	return most;
}

/* Whether theirs is one of ours; what differs. */
static const char *differs(struct work *k, const struct candidate *c, const struct schedule *s)
{
	double values[MAX_VALUES];
	const struct world *w = k->w;

	if (c->cut.parted != s->parted)
		return "one parts the classes";
	if (c->cut.n != s->n_tasks)
		return "numbers of tasks differ";
	stage_rates(w, s, values);
	state_problem(k, &c->cut, false);
	if (n_ratio_stages(k) > 1)
		return NULL; /* whether all ratios or those of the first rank are to be closest is
				not said */
	if (fabs(worst(w, &c->answer, k) - schedule_deviation(w, s)) > 1e-6)
		return "deviations differ";
	for (size_t i = 0; i <= w->n_stages; i++)
		if (fabs(values[i] - c->answer.values[i]) > 1e-6 * w->offered)
			return "rates differ";
	return NULL;
}

static bool same_roots(const struct candidate *c, const struct schedule *s)
{
	for (size_t i = 0; i < c->cut.n; i++)
		if (c->cut.tasks[i].root != s->tasks[i].root)
			return false;
	return true;
}

/* Among equals the solver must have chosen the smallest list of roots. */
static const char *compare(struct work *k, const struct search *s, const struct schedule *theirs)
{
	if (theirs->failed == theirs->solved)
		return "theirs is neither solved nor failed";
	if (theirs->solved != (s->n > 0))
		return s->n ? "theirs found nothing" : "ours found nothing";
	for (size_t i = 0; i < s->n; i++)
		if (!differs(k, &s->at[i], theirs))
			return same_roots(&s->at[0], theirs) ? NULL : "roots differ";
	return s->n ? differs(k, &s->at[0], theirs) : NULL;
}

static double now(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void count(struct tally *t, const struct world *w, const struct search *s)
{
	t->feasible += s->n > 0;
	t->infeasible += !s->n;
	t->parted += s->n && s->at[0].cut.parted;
	t->several += s->n && w->target->n_cores > 1;
	t->ranked += s->n && w->n_stages > 1;
	t->entitled += s->n && w->slo->entitlement;
}

static const struct sched_options options = { .gap = 0 };

static void complain(struct tally *t, struct work *k, struct ctx *ctx, uint64_t seed,
		     const struct schedule *ours, const struct schedule *theirs, const char *what,
		     const char *why)
{
	t->failures++;
	printf("seed %llu: %s%s%s\n", (unsigned long long)seed, what, why ? ": " : "",
	       why ? why : "");
	show_case(k->w);
	schedule_solve(ctx, k->w->ir, 0, &options, true);
	for (size_t i = 0; i < ctx->diags.list.n; i++) {
		const struct diag *d = ctx->diags.list.at[i];

		printf("%s: %s\n", diag_page(d->code)->code, d->message);
		for (size_t n = 0; n < d->notes.n; n++)
			printf("  %s\n", d->notes.at[n]);
	}
	if (ours)
		show_schedule(k->w, "enumeration", ours);
	if (theirs)
		show_schedule(k->w, "solver", theirs);
	printf("\n");
}

static void judge(struct tally *tally, struct work *k, struct search *s, struct ctx *ctx,
		  const struct ir *ir, uint64_t seed)
{
	struct schedule *ours = NULL, *theirs;
	const char *wrong = NULL;
	double start;

	if (s->n) {
		struct outcome o;

		find_outcome(k, &s->at[0], &o);
		ours = write_schedule(k, &s->at[0], &o);
		if ((wrong = schedule_check(k->arena, ir, ours)))
			complain(tally, k, ctx, seed, ours, NULL,
				 "the check refuses the enumeration's", wrong);
	}
	start = now();
	theirs = schedule_solve(ctx, ir, 0, &options, false);
	tally->seconds_theirs += now() - start;
	if (theirs->solved && (wrong = schedule_check(k->arena, ir, theirs))) {
		complain(tally, k, ctx, seed, ours, theirs, "the check refuses the solver's",
			 wrong);
		return;
	}
	wrong = compare(k, s, theirs);
	if (wrong)
		complain(tally, k, ctx, seed, ours, theirs, wrong, NULL);
}

static void check_case(struct tally *tally, uint64_t seed, glp_prob *glpk)
{
	struct ctx *ctx = ctx_new();
	struct ir *ir = make_case(ctx, seed);
	struct world *w = arena_one(ctx->arena, struct world);
	struct work *k = arena_one(ctx->arena, struct work);
	struct search s = { .k = k };
	double start = now();

	ir_verify(ir);
	open_world(w, ir, ctx->arena);
	k->arena = ctx->arena;
	k->w = w;
	k->glpk = glpk;
	tally->cases++;
	s.too_large = w->too_large;
	if (!s.too_large)
		search_all(&s);
	tally->seconds_ours += now() - start;
	tally->skipped += s.too_large;
	if (!s.too_large) {
		count(tally, w, &s);
		judge(tally, k, &s, ctx, ir, seed);
	}
	tally->doubts += k->n_doubts;
	tally->solved += k->n_solved;
	free(k->p.rows);
	free(s.at);
	ctx_free(ctx);
}

static void report(const struct tally *t)
{
	printf("%zu cases: %zu feasible, %zu infeasible, %zu skipped as too large\n", t->cases,
	       t->feasible, t->infeasible, t->skipped);
	printf("of the feasible %zu parted, %zu with several workers, %zu with ranks, %zu with "
	       "entitlement\n",
	       t->parted, t->several, t->ranked, t->entitled);
	printf("%zu linear programs, %zu without a clear end; %.1f s enumerating, %.1f s in the "
	       "solver\n",
	       t->solved, t->doubts, t->seconds_ours, t->seconds_theirs);
}

int main(int argc, char **argv)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	size_t n = CASES / (scale && atoi(scale) > 0 ? (size_t)atoi(scale) : 1);
	struct tally tally = { 0 };
	glp_prob *glpk;

	if (argc > 1)
		n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	glp_term_out(GLP_OFF);
	glpk = glp_create_prob();
	for (uint64_t seed = first; seed < first + n && tally.failures < 20; seed++)
		check_case(&tally, seed, glpk);
	glp_delete_prob(glpk);
	glp_free_env();
	report(&tally);
	if (tally.failures)
		return 1;
	return argc > 1 || (tally.feasible && tally.infeasible && tally.parted && tally.several)
		   ? 0
		   : 1;
}
