/* Service level objectives: their statements, and what can be judged of them without
 * a solver (doc/language.md 5.5). */
#include <config.h>

#include "compiler/check/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_KINDS (KIND(CLASS) | KIND(GROUP))

/* ---- statements ---- */

static void report_form(struct check *c, const struct ast_stmt *s)
{
	static const struct {
		const char *name, *form;
	} forms[] = {
		{ "priority", "priority a > b" },
		{ "cpu", "cpu a : b = 3 : 1, or cpu a >= 5%" },
		{ "throughput", "throughput a : b = 2 : 1" },
		{ "rate", "rate a >= 1Mpps" },
		{ "latency", "latency a <= 20ms" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].name, s->name.name))
			diag_add(DIAGS(c), E0401, s->span, "write '%s'", forms[i].form);
}

static bool add_member(struct check *c, struct block *b, struct m_statement *st, const struct ast_expr *e,
		       unsigned kinds)
{
	struct symbol *sym = resolve_ref(c, b->scope, e, kinds);

	for (const struct symbol *around = b->sym; sym && around; around = around->owner)
		if (around == sym) {
			diag_add(DIAGS(c), E0309, e->span, "group '%s' cannot be a member of itself", sym->name);
			return false;
		}
	if (sym)
		vec_push(ARENA(c), &st->members, sym);
	return sym != NULL;
}

static bool read_priority(struct check *c, struct block *b, const struct ast_stmt *s,
			  struct m_statement *st)
{
	const struct ast_expr *e = only_value(c, s);
	bool ok = true;

	if (!e)
		return false;
	for (size_t i = 0; e->kind == AST_REL && i < e->list.ops.n; i++)
		ok &= e->list.ops.at[i] == OP_GT;
	if (e->kind != AST_REL || !ok) {
		report_form(c, s);
		return false;
	}
	st->kind = SLO_PRIORITY;
	for (size_t i = 0; i < e->list.members.n; i++)
		ok &= add_member(c, b, st, e->list.members.at[i], MEMBER_KINDS);
	return ok;
}

static bool read_part(struct check *c, struct scope *s, const struct ast_expr *e, struct rat *part)
{
	struct operand o = operand_of(c, s, e);

	if (!o.e)
		return false;
	if (o.e->kind != AST_INT && o.e->kind != AST_FLOAT) {
		report_type(c, o, "a positive number");
		return false;
	}
	*part = o.e->number.value;
	if (rat_sign(*part) > 0)
		return true;
	diag_add(DIAGS(c), E0404, o.at, "the terms of a ratio are greater than zero");
	return false;
}

static bool read_ratio(struct check *c, struct block *b, const struct ast_stmt *s, struct m_statement *st)
{
	const struct ast_expr *names = s->property.values.at[0];
	struct operand parts = operand_of(c, b->scope, s->property.rhs);
	bool ok = true;

	if (!parts.e)
		return false;
	if (s->property.values.n > 1 || names->kind != AST_RATIO || parts.e->kind != AST_RATIO) {
		report_form(c, s);
		return false;
	}
	if (names->list.members.n != parts.e->list.members.n) {
		diag_add(DIAGS(c), E0401, s->property.rhs->span, "%zu members need as many terms, these are %zu",
			 names->list.members.n, parts.e->list.members.n);
		return false;
	}
	st->parts = arena_many(ARENA(c), struct rat, names->list.members.n);
	for (size_t i = 0; i < names->list.members.n; i++) {
		ok &= add_member(c, b, st, names->list.members.at[i], MEMBER_KINDS);
		ok &= read_part(c, parts.scope, parts.e->list.members.at[i], &st->parts[i]);
	}
	return ok;
}

static bool read_bound_value(struct check *c, struct block *b, const struct ast_stmt *s,
			     const struct ast_expr *e, struct m_statement *st)
{
	struct operand o = operand_of(c, b->scope, e);
	bool packets;

	if (!strcmp(s->name.name, "latency")) {
		st->kind = SLO_LATENCY;
		return value_quantity(c, o, DIM_TIME, &st->bound);
	}
	if (!strcmp(s->name.name, "cpu")) {
		st->kind = SLO_CPU_BOUND;
		if (!value_quantity(c, o, DIM_SHARE, &st->bound))
			return false;
		if (rat_cmp(st->bound, RAT_ONE) <= 0)
			return true;
		diag_add(DIAGS(c), E0404, o.at, "a share of the processor lies between 0%% and 100%%");
		return false;
	}
	st->kind = SLO_RATE_BOUND;
	if (!value_quantity2(c, o, DIM_RATE, DIM_PACKET_RATE, &st->bound, &packets))
		return false;
	st->bits = !packets;
	return true;
}

static bool read_bound(struct check *c, struct block *b, const struct ast_stmt *s, struct m_statement *st)
{
	const struct ast_expr *e = only_value(c, s);
	bool latency = !strcmp(s->name.name, "latency"), member;
	enum ast_op op;

	if (!e)
		return false;
	op = e->kind == AST_REL && e->list.members.n == 2 ? e->list.ops.at[0] : OP_IN;
	if (op != OP_LE && (op != OP_GE || latency)) {
		report_form(c, s);
		return false;
	}
	st->at_least = op == OP_GE;
	member = add_member(c, b, st, e->list.members.at[0], latency ? KIND(CLASS) : MEMBER_KINDS);
	return read_bound_value(c, b, s, e->list.members.at[1], st) && member;
}

static void report_repeated(struct check *c, const struct m_statement *st, const struct symbol *sym)
{
	diag_add(DIAGS(c), E0302, st->span, "'%s' stands twice in this statement", sym->name);
}

static bool members_differ(struct check *c, const struct m_statement *st)
{
	for (size_t i = 0; i < st->members.n; i++)
		for (size_t j = 0; j < i; j++)
			if (st->members.at[i] == st->members.at[j]) {
				if (st->kind != SLO_PRIORITY)
					report_repeated(c, st, st->members.at[i]);
				return st->kind == SLO_PRIORITY;
			}
	return true;
}

static void read_statement(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_slo *slo = b->object;
	struct m_statement st = { .span = s->span };
	bool ratio = s->property.rhs != NULL;
	bool ok;

	clauses_check(c, &s->property.clauses, "");
	if (!strcmp(s->name.name, "priority")) {
		ok = read_priority(c, b, s, &st);
	} else if (!strcmp(s->name.name, "throughput") || (ratio && !strcmp(s->name.name, "cpu"))) {
		st.kind = strcmp(s->name.name, "cpu") ? SLO_THROUGHPUT_RATIO : SLO_CPU_RATIO;
		if (!ratio)
			report_form(c, s);
		ok = ratio && read_ratio(c, b, s, &st);
	} else {
		ok = read_bound(c, b, s, &st);
	}
	if (ok && members_differ(c, &st))
		vec_push(ARENA(c), &slo->statements, st);
}

/* ---- levels ---- */

static bool has_ratio(const struct m_slo *slo)
{
	for (size_t i = 0; i < slo->statements.n; i++)
		if (slo->statements.at[i].kind == SLO_CPU_RATIO ||
		    slo->statements.at[i].kind == SLO_THROUGHPUT_RATIO)
			return true;
	for (size_t i = 0; i < slo->groups.n; i++)
		if (has_ratio(slo->groups.at[i]->object))
			return true;
	return false;
}

/* Members that the statements of one level name, in order, without repetition; the
 * i-th was first named at spans[i]. */
struct level {
	struct refs members;
	VEC(struct span) spans;
	size_t *rank;
	bool ranked;
};

static size_t level_index(const struct level *l, const struct symbol *sym)
{
	size_t i = 0;

	while (i < l->members.n && l->members.at[i] != sym)
		i++;
	return i;
}

static struct level level_of(struct check *c, const struct m_slo *slo)
{
	struct level l = { 0 };

	for (size_t i = 0; i < slo->statements.n; i++) {
		const struct m_statement *st = &slo->statements.at[i];

		l.ranked |= st->kind == SLO_PRIORITY;
		for (size_t k = 0; k < st->members.n; k++) {
			if (level_index(&l, st->members.at[k]) < l.members.n)
				continue;
			vec_push(ARENA(c), &l.members, st->members.at[k]);
			vec_push(ARENA(c), &l.spans, st->span);
		}
	}
	return l;
}

/* ---- priorities ---- */

/* Longest chains by relaxation; a rank beyond the number of members is a cycle. */
static const struct m_statement *find_priority_cycle(const struct m_slo *slo, struct level *l)
{
	for (size_t round = 0; round <= l->members.n; round++) {
		const struct m_statement *moved = NULL;

		for (size_t i = 0; i < slo->statements.n; i++) {
			const struct m_statement *st = &slo->statements.at[i];

			for (size_t k = 0; st->kind == SLO_PRIORITY && k + 1 < st->members.n; k++) {
				size_t a = level_index(l, st->members.at[k]);
				size_t b = level_index(l, st->members.at[k + 1]);

				if (l->rank[b] > l->rank[a])
					continue;
				l->rank[b] = l->rank[a] + 1;
				moved = st;
			}
		}
		if (!moved)
			return NULL;
		if (round == l->members.n)
			return moved;
	}
	return NULL;
}

/* Who is not in any priority shares the last rank. */
static void rank_the_rest(const struct m_slo *slo, struct level *l)
{
	size_t last = 0;

	for (size_t i = 0; i < l->members.n; i++)
		last = l->rank[i] > last ? l->rank[i] : last;
	for (size_t i = 0; i < l->members.n; i++) {
		bool named = false;

		for (size_t k = 0; k < slo->statements.n; k++)
			for (size_t m = 0; m < slo->statements.at[k].members.n; m++)
				named |= slo->statements.at[k].kind == SLO_PRIORITY &&
					 slo->statements.at[k].members.at[m] == l->members.at[i];
		if (!named)
			l->rank[i] = last;
	}
}

static bool is_ratio(const struct m_statement *st)
{
	return st->kind == SLO_CPU_RATIO || st->kind == SLO_THROUGHPUT_RATIO;
}

/* Statements of the same kind take part in the contradiction, or may. */
static void also_statements(struct check *c, const struct m_slo *slo, const struct m_statement *st,
			    struct diag *d)
{
	for (size_t i = 0; i < slo->statements.n; i++)
		if (&slo->statements.at[i] != st && slo->statements.at[i].kind == st->kind)
			diag_also(DIAGS(c), d, slo->statements.at[i].span, "stated here");
}

static void check_ranks(struct check *c, struct m_slo *slo, struct level *l)
{
	const struct m_statement *cycle;

	l->rank = arena_many(ARENA(c), size_t, l->members.n);
	cycle = find_priority_cycle(slo, l);
	if (cycle) {
		also_statements(c, slo, cycle,
				diag_add(DIAGS(c), E0703, cycle->span,
					 "these priorities run in a circle: '%s' would come before itself",
					 cycle->members.at[0]->name));
		return;
	}
	rank_the_rest(slo, l);
	slo->members = l->members;
	slo->ranks = l->rank;
	slo->ranked = l->ranked;
	for (size_t i = 0; l->ranked && i < slo->statements.n; i++) {
		const struct m_statement *st = &slo->statements.at[i];

		for (size_t k = 1; is_ratio(st) && k < st->members.n; k++)
			if (l->rank[level_index(l, st->members.at[k])] !=
			    l->rank[level_index(l, st->members.at[0])]) {
				diag_add(DIAGS(c), E0708, st->span,
					 "'%s' and '%s' have different priorities, so their ratio cannot be set",
					 st->members.at[0]->name, st->members.at[k]->name);
				break;
			}
	}
}

/* ---- ratios that contradict each other ---- */

struct potential {
	size_t *parent;    /* union-find forest */
	double *log_ratio; /* of a member to its parent */
	size_t *steps;     /* statements between them */
};

static size_t find_root(struct potential *p, size_t i, double *log_ratio, size_t *steps)
{
	*log_ratio = 0;
	*steps = 0;
	while (p->parent[i] != i) {
		*log_ratio += p->log_ratio[i];
		*steps += p->steps[i];
		i = p->parent[i];
	}
	return i;
}

/* Says whether a : b may be as stated beside what is known; SLACK is what one
 * statement may be off, as a logarithm. */
static bool join_ratio(struct potential *p, size_t a, size_t b, double log_ratio, double slack)
{
	double la, lb;
	size_t sa, sb, ra = find_root(p, a, &la, &sa), rb = find_root(p, b, &lb, &sb);

	if (ra == rb)
		return fabs(la - lb - log_ratio) <= slack * (double)(sa + sb + 1) + 1e-9;
	p->parent[ra] = rb;
	p->log_ratio[ra] = log_ratio - la + lb;
	p->steps[ra] = sa + sb + 1;
	return true;
}

static void check_ratios_of(struct check *c, const struct m_slo *slo, const struct level *l, int kind,
			    struct rat tolerance)
{
	size_t n = l->members.n;
	struct potential p = { arena_many(ARENA(c), size_t, n), arena_many(ARENA(c), double, n),
			       arena_many(ARENA(c), size_t, n) };
	double t = rat_double(tolerance), slack = log1p(t) - log1p(-t);

	for (size_t i = 0; i < n; i++)
		p.parent[i] = i;
	for (size_t i = 0; i < slo->statements.n; i++) {
		const struct m_statement *st = &slo->statements.at[i];

		for (size_t k = 1; st->kind == kind && k < st->members.n; k++) {
			size_t a = level_index(l, st->members.at[0]), b = level_index(l, st->members.at[k]);
			double ratio = log(rat_double(st->parts[0])) - log(rat_double(st->parts[k]));

			if (join_ratio(&p, a, b, ratio, slack))
				continue;
			also_statements(c, slo, st,
					diag_add(DIAGS(c), E0704, st->span,
						 "the ratio of '%s' to '%s' contradicts the ratios stated before it",
						 st->members.at[0]->name, st->members.at[k]->name));
			break;
		}
	}
}

/* ---- groups ---- */

static void collect_classes(struct check *c, struct m_slo *slo, const struct m_slo *level)
{
	for (size_t i = 0; i < level->statements.n; i++)
		for (size_t k = 0; k < level->statements.at[i].members.n; k++) {
			struct symbol *sym = level->statements.at[i].members.at[k];
			bool known = sym->kind != SYM_CLASS;

			for (size_t j = 0; j < slo->classes.n && !known; j++)
				known = slo->classes.at[j] == sym;
			if (!known)
				vec_push(ARENA(c), &slo->classes, sym);
		}
	for (size_t i = 0; i < level->groups.n; i++)
		collect_classes(c, slo, level->groups.at[i]->object);
}

struct membership {
	const struct m_slo *level;
	struct span span;
};

/* A class or group may be named at one level only. */
static void check_membership(struct check *c, struct map *where, const struct m_slo *slo)
{
	struct level l = level_of(c, slo);

	for (size_t i = 0; i < l.members.n; i++) {
		struct membership *first = map_get(where, l.members.at[i]), *m;

		if (first) {
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0302, l.spans.at[i],
					   "'%s' is named in two groups, or in a group and outside it",
					   l.members.at[i]->name),
				  first->span, "first named here");
			continue;
		}
		m = arena_one(ARENA(c), struct membership);
		*m = (struct membership){ slo, l.spans.at[i] };
		map_put(where, l.members.at[i], m);
	}
	for (size_t i = 0; i < slo->groups.n; i++)
		check_membership(c, where, slo->groups.at[i]->object);
}

static void check_level(struct check *c, struct m_slo *slo, struct rat tolerance)
{
	struct level l = level_of(c, slo);

	check_ranks(c, slo, &l);
	check_ratios_of(c, slo, &l, SLO_CPU_RATIO, tolerance);
	check_ratios_of(c, slo, &l, SLO_THROUGHPUT_RATIO, tolerance);
	for (size_t i = 0; i < slo->groups.n; i++)
		check_level(c, slo->groups.at[i]->object, tolerance);
}

/* ---- all of it ---- */

static void read_level(struct check *c, struct symbol *sym)
{
	struct m_slo *slo = sym->object;
	struct block b = { .name = "slo", .sym = sym, .scope = sym->members, .object = slo,
			   .body = &sym->stmt->decl.body, .code = read_statement };

	slo->is_group = sym->kind == SYM_GROUP;
	slo->floor = slo->tolerance = rat_make(1, 100);
	b.kinds = slo->is_group ? NULL : "s";
	b.kind = symbol_kind_word(sym->kind);
	for (size_t i = 0; i < b.body->n; i++) {
		const struct ast_stmt *s = b.body->at[i];
		struct symbol *group = s->kind == STMT_DECL && s->decl.kind == DECL_GROUP ?
					       scope_find_own(sym->members, s->name.name) :
					       NULL;

		if (group && group->stmt == s) {
			read_level(c, group);
			vec_push(ARENA(c), &slo->groups, group);
		}
	}
	block_read(c, &b);
	if (!slo->is_group && rat_sign(slo->floor) == 0 && has_ratio(slo))
		diag_add(DIAGS(c), E0404, block_given(&b, "floor")->span,
			 "'floor 0%%' would let a ratio be met by starving its classes; an slo with a ratio needs a floor");
}

void check_slos(struct check *c)
{
	for (size_t i = 0; i < c->model->slos.n; i++) {
		struct symbol *sym = c->model->slos.at[i];
		struct m_slo *slo = sym->object;
		struct map where;

		map_init(&where, ARENA(c));
		read_level(c, sym);
		check_membership(c, &where, slo);
		check_level(c, slo, slo->tolerance);
		collect_classes(c, slo, slo);
	}
}

/* ---- classes of one slo are disjoint on each path ---- */

enum { MOST_SHARED = 50 }; /* per path; the rest repeats the same mistake */

struct shared {
	struct check *check;
	const struct symbol *slo;
	const struct symbol **classes;
};

static void report_shared(size_t i, size_t j, const struct packet *example, void *data)
{
	struct shared *s = data;
	struct check *c = s->check;
	const struct symbol *a = s->classes[i], *b = s->classes[j];
	struct diag *d;

	if (a == b)
		return;
	d = diag_add(DIAGS(c), E0508, b->span, "the classes '%s' and '%s' of slo '%s' share packets", a->name,
		     b->name, s->slo->name);
	diag_also(DIAGS(c), d, a->span, "the other class");
	diag_note(DIAGS(c), d, "for example %s", packet_words(c, example));
	packet_data(c, d, example, "");
}

/* Paths of an slo's classes, one row each; rows of equal paths stand together. */
struct row {
	const struct m_path *path;
	const struct symbol *class;
	size_t order;
};

static int row_order(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	const char *pa = a->path->pipeline->sym->canonical, *pb = b->path->pipeline->sym->canonical;
	int by_pipeline = strcmp(pa, pb);

	if (by_pipeline)
		return by_pipeline;
	for (size_t i = 0; i < a->path->n && i < b->path->n; i++)
		if (a->path->modules[i] != b->path->modules[i])
			return a->path->modules[i] < b->path->modules[i] ? -1 : 1;
	if (a->path->n != b->path->n)
		return a->path->n < b->path->n ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

static bool same_path(const struct row *a, const struct row *b)
{
	return a->path->pipeline == b->path->pipeline && a->path->n == b->path->n &&
	       !memcmp(a->path->modules, b->path->modules, a->path->n * sizeof(size_t));
}

static void check_shared_path(struct check *c, const struct symbol *slo, const struct row *rows, size_t n)
{
	const struct cubes **sets = arena_many(ARENA(c), const struct cubes *, n);
	const struct symbol **classes = arena_many(ARENA(c), const struct symbol *, n);
	struct shared s = { c, slo, classes };

	for (size_t i = 0; i < n; i++) {
		sets[i] = rows[i].path->cubes;
		classes[i] = rows[i].class;
	}
	cubes_overlaps(c->model->fields, sets, n, MOST_SHARED, report_shared, &s);
}

static void check_overlaps(struct check *c, const struct symbol *sym)
{
	const struct m_slo *slo = sym->object;
	VEC(struct row) rows = { 0 };

	for (size_t i = 0; i < slo->classes.n; i++) {
		const struct m_class *class = slo->classes.at[i]->object;

		for (size_t p = 0; p < class->paths.n; p++) {
			struct row r = { &class->paths.at[p], class->sym, rows.n };

			vec_push(ARENA(c), &rows, r);
		}
	}
	if (rows.n)
		qsort(rows.at, rows.n, sizeof(*rows.at), row_order);
	for (size_t i = 0, j; i < rows.n; i = j) {
		for (j = i + 1; j < rows.n && same_path(&rows.at[i], &rows.at[j]); j++)
			;
		if (j - i > 1)
			check_shared_path(c, sym, rows.at + i, j - i);
	}
}

void check_class_overlaps(struct check *c)
{
	for (size_t i = 0; i < c->model->slos.n; i++)
		check_overlaps(c, c->model->slos.at[i]);
}
