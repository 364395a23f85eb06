/* Slos: levels of members, their statements and ranks. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "compiler/base/vec.h"
#include "compiler/lower/private.h"

struct lowering_slo {
	struct lowering *l;
	const struct symbol *slo;
	VEC(struct symbol *) symbols; /* of the levels */
	VEC(struct ir_level) levels;
};

/* ---- members ---- */

struct found_member {
	struct symbol *sym;
	size_t rank;
};

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct found_member *)x)->sym->canonical,
		      ((const struct found_member *)y)->sym->canonical);
}

static bool is_named(const struct m_slo *level, const struct symbol *group)
{
	for (size_t i = 0; i < level->members.n; i++)
		if (level->members.at[i] == group)
			return true;
	for (size_t i = 0; i < level->groups.n; i++)
		if (is_named(level->groups.at[i]->object, group))
			return true;
	return false;
}

static size_t last_rank(const struct m_slo *m)
{
	size_t last = 0;

	for (size_t i = 0; i < m->members.n; i++)
		last = m->ranks[i] > last ? m->ranks[i] : last;
	return last;
}

static uint32_t class_number(const struct lowering *l, const struct symbol *sym)
{
	return sym == l->model->rest ? ID_REST : number_of(l, sym);
}

/* Named members, and groups of this level that no statement of the slo names. */
static void find_members(struct lowering_slo *s, const struct m_slo *m, uint32_t level)
{
	struct arena *a = s->l->arena;
	VEC(struct found_member) found = { 0 };
	struct ir_member *members;

	for (size_t i = 0; i < m->members.n; i++)
		vec_push(a, &found, (struct found_member){ m->members.at[i], m->ranks[i] });
	for (size_t i = 0; i < m->groups.n; i++)
		if (!is_named(s->slo->object, m->groups.at[i]))
			vec_push(a, &found, (struct found_member){ m->groups.at[i], last_rank(m) });
	if (found.n)
		qsort(found.at, found.n, sizeof(*found.at), by_name);
	members = arena_many(a, struct ir_member, found.n);
	for (size_t i = 0; i < found.n; i++) {
		struct symbol *sym = found.at[i].sym;
		uint32_t number = class_number(s->l, sym);

		members[i] = (struct ir_member){ .name = sym->canonical, .level = ID_NONE,
						 .rank = (uint32_t)found.at[i].rank };
		if (sym->kind == SYM_GROUP) {
			members[i].level = (uint32_t)s->symbols.n;
			vec_push(a, &s->symbols, sym);
			vec_push(a, &s->levels, (struct ir_level){ .parent = level });
		} else {
			members[i].classes = ids_from(a, &number, 1);
		}
	}
	s->levels.at[level].members = members;
	s->levels.at[level].n_members = found.n;
	s->levels.at[level].n_ranks = (uint32_t)last_rank(m) + 1;
}

static uint32_t member_number(const struct ir_level *level, const struct symbol *sym)
{
	uint32_t i = 0;

	while (strcmp(level->members[i].name, sym->canonical))
		i++;
	return i;
}

/* ---- statements ---- */

static struct ir_statement lower_statement(struct lowering *l, const struct ir_level *level,
					   const struct m_statement *m)
{
	static const enum ir_statement_kind kinds[] = {
		[SLO_CPU_RATIO] = IR_CPU_RATIO,	  [SLO_THROUGHPUT_RATIO] = IR_THROUGHPUT_RATIO,
		[SLO_CPU_BOUND] = IR_CPU_BOUND,	  [SLO_RATE_BOUND] = IR_RATE_BOUND,
		[SLO_LATENCY] = IR_LATENCY,
	};
	struct ir_statement st = { .kind = kinds[m->kind], .span = m->span };
	uint32_t *members = arena_many(l->arena, uint32_t, m->members.n);

	for (size_t i = 0; i < m->members.n; i++)
		members[i] = member_number(level, m->members.at[i]);
	st.members = members;
	st.n_members = m->members.n;
	st.parts = m->parts;
	st.at_least = m->at_least;
	st.bits = m->bits;
	st.bound = m->bound;
	return st;
}

static void lower_statements(struct lowering *l, const struct m_slo *m, struct ir_level *level)
{
	level->statements = arena_many(l->arena, struct ir_statement, m->statements.n);
	for (size_t i = 0; i < m->statements.n; i++)
		if (m->statements.at[i].kind != SLO_PRIORITY)
			level->statements[level->n_statements++] =
				lower_statement(l, level, &m->statements.at[i]);
}

/* ---- priorities ---- */

struct ranking {
	const struct ir_level *level;
	struct span *stated; /* n x n: the statement behind a pair */
	bool *above;         /* n x n, closed */
};

static void state_pairs(const struct m_slo *m, struct ranking *r)
{
	size_t n = r->level->n_members;

	for (size_t i = 0; i < m->statements.n; i++) {
		const struct m_statement *st = &m->statements.at[i];

		for (size_t k = 0; st->kind == SLO_PRIORITY && k + 1 < st->members.n; k++) {
			size_t at = member_number(r->level, st->members.at[k]) * n +
				    member_number(r->level, st->members.at[k + 1]);

			r->above[at] = true;
			r->stated[at] = st->span;
		}
	}
}

/* Warshall: what is above through others. */
static void close_pairs(struct ranking *r)
{
	size_t n = r->level->n_members;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; r->above[i * n + k] && j < n; j++)
				if (r->above[k * n + j] && !r->above[i * n + j]) {
					r->above[i * n + j] = true;
					r->stated[i * n + j] = r->stated[i * n + k];
				}
}

static void lower_priorities(struct lowering *l, const struct m_slo *m, struct ir_level *level)
{
	size_t n = level->n_members;
	struct ranking r = { level, NULL, NULL };
	VEC(struct ir_priority) pairs = { 0 };

	if (!m->ranked)
		return;
	r.stated = arena_many(l->arena, struct span, n * n);
	r.above = arena_many(l->arena, bool, n * n);
	state_pairs(m, &r);
	close_pairs(&r);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			if (r.above[i * n + j])
				vec_push(l->arena, &pairs, (struct ir_priority){ i, j, r.stated[i * n + j] });
	level->priorities = pairs.at;
	level->n_priorities = pairs.n;
}

/* ---- levels ---- */

/* Groups come behind the level they stand in, so theirs are known first. */
static void collect_classes(struct lowering *l, struct ir_slo *slo)
{
	for (size_t i = slo->n_levels; i-- > 0;) {
		struct ir_level *level = &slo->levels[i];

		for (size_t k = 0; k < level->n_members; k++) {
			struct ir_member *m = &level->members[k];

			for (size_t j = 0; m->level != ID_NONE && j < slo->levels[m->level].n_members; j++)
				m->classes = ids_union(l->arena, m->classes, slo->levels[m->level].members[j].classes);
			if (!i)
				slo->classes = ids_union(l->arena, slo->classes, m->classes);
		}
	}
}

static void lower_levels(struct lowering *l, struct symbol *sym, struct ir_slo *slo)
{
	struct lowering_slo s = { .l = l, .slo = sym };

	vec_push(l->arena, &s.symbols, sym);
	vec_push(l->arena, &s.levels, (struct ir_level){ .parent = ID_NONE });
	for (uint32_t i = 0; i < s.levels.n; i++) {
		const struct m_slo *m = s.symbols.at[i]->object;

		find_members(&s, m, i);
		s.levels.at[i].name = s.symbols.at[i]->canonical;
		s.levels.at[i].span = s.symbols.at[i]->span;
		lower_statements(l, m, &s.levels.at[i]);
		lower_priorities(l, m, &s.levels.at[i]);
	}
	slo->levels = s.levels.at;
	slo->n_levels = s.levels.n;
	collect_classes(l, slo);
}

void lower_slos(struct lowering *l)
{
	struct refs all = in_plan(l, &l->model->slos, SYM_SLO);
	struct symbol **sorted = number_sorted(l, &all);

	l->ir->n_slos = all.n;
	l->ir->slos = arena_many(l->arena, struct ir_slo, all.n);
	for (size_t i = 0; i < all.n; i++) {
		const struct m_slo *m = sorted[i]->object;
		struct ir_slo *slo = &l->ir->slos[i];

		slo->name = sorted[i]->canonical;
		slo->span = sorted[i]->span;
		slo->tasks_first = m->objective == 1;
		slo->entitlement = m->accounting == 1;
		slo->classify = m->classify == 1 ? IR_CLASSIFY_NEVER : IR_CLASSIFY_AUTO;
		slo->floor = m->floor;
		slo->tolerance = m->tolerance;
		lower_levels(l, sorted[i], slo);
	}
}
