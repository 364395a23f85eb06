/* Expectations: what they say, resolved (doc/language.md 7). */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

struct reader {
	struct check *check;
	struct scope *scope;
	const struct ast_stmt *stmt;
	struct expectation *x;
};

static const struct ast_expr *first_value(const struct reader *r)
{
	return r->stmt->property.values.at[0];
}

static void wrong_form(struct reader *r, const char *form)
{
	diag_add(DIAGS(r->check), E0401, first_value(r)->span, "write '%s'", form);
}

static bool read_when(struct reader *r, const struct filter_place *place)
{
	const struct ast_clause *when = clause_find(&r->stmt->property.clauses, "when");

	r->x->when = fx_true(r->check->model->fields);
	if (when)
		r->x->when = filter_of(r->check, r->scope, when->values.at[0], place);
	return r->x->when != NULL;
}

static bool read_carries(struct reader *r)
{
	const struct ast_clause *carries = clause_find(&r->stmt->property.clauses, "carries");

	return !carries || value_label(r->check, r->scope, carries->values.at[0], &r->x->carries);
}

static bool read_move(struct reader *r, const char *form)
{
	const struct ast_expr *e = first_value(r);
	bool many, ok;

	if (e->kind != AST_MOVE) {
		wrong_form(r, form);
		return false;
	}
	ok = value_nodes(r->check, r->scope, e->list.members.at[0], true, &r->x->from, &many,
			 &r->x->from_all);
	return value_nodes(r->check, r->scope, e->list.members.at[1], true, &r->x->to, &many,
			   &r->x->to_all) &&
	       ok;
}

static bool read_reach(struct reader *r)
{
	bool move = read_move(r, "expect reach a => b"), when = read_when(r, NULL);

	return read_carries(r) && move && when;
}

static bool read_bridge(struct reader *r)
{
	const struct ast_clause *by = clause_find(&r->stmt->property.clauses, "by");
	bool move;

	r->x->when = fx_true(r->check->model->fields);
	if (!by) {
		diag_add(DIAGS(r->check), E0307, r->stmt->span, "'expect bridge' needs 'by {functions}'");
		return false;
	}
	move = read_move(r, "expect bridge a => b by {f}");
	return value_refs(r->check, r->scope, by->values.at[0], KIND(FUNCTION), &r->x->functions) && move;
}

static bool on_path(void *data, const struct symbol *inst, const struct field *f)
{
	const struct expectation *x = data;

	for (size_t i = 0; i < x->path.n; i++) {
		const struct m_instance *at = x->pipeline->instances.at[x->path.at[i]];
		const struct m_function *fn = at->function ? OBJECT(at->function, m_function) : NULL;

		if (inst && at->sym == inst)
			return true;
		for (size_t k = 0; !inst && fn && k < fn->derives.n; k++)
			if (!strcmp(fn->derives.at[k].name, f->name))
				return true;
	}
	return false;
}

static bool read_path(struct reader *r)
{
	const struct ast_expr *e = first_value(r);
	const struct filter_place place = { on_path, r->x };

	if (e->kind != AST_CHAIN) {
		wrong_form(r, "expect path a -> b -> c");
		return false;
	}
	for (size_t i = 0; i < e->list.members.n; i++) {
		const struct ast_expr *m = e->list.members.at[i];
		struct symbol *sym = resolve_ref(r->check, r->scope, m, KIND(INSTANCE));
		struct m_pipeline *p = sym ? sym->owner->object : NULL;

		if (!sym)
			return false;
		if ((r->x->pipeline && p != r->x->pipeline) || !OBJECT(sym, m_instance)->pipeline) {
			diag_add(DIAGS(r->check), E0506, m->span, "this is no path of one pipeline");
			return false;
		}
		r->x->pipeline = p;
		vec_push(ARENA(r->check), &r->x->path, OBJECT(sym, m_instance)->index);
	}
	return read_when(r, &place);
}

static bool read_area(struct reader *r)
{
	bool many, all = false;

	return value_nodes(r->check, r->scope, first_value(r), true, &r->x->nodes, &many, &all);
}

static bool read_feasible(struct reader *r)
{
	const struct ast_clause *on = clause_find(&r->stmt->property.clauses, "on");

	if (!on) {
		diag_add(DIAGS(r->check), E0307, r->stmt->span, "'expect feasible' needs 'on TARGET'");
		return false;
	}
	r->x->slo = resolve_ref(r->check, r->scope, first_value(r), KIND(SLO));
	r->x->target = resolve_ref(r->check, r->scope, on->values.at[0], KIND(TARGET));
	return r->x->slo && r->x->target;
}

static bool read_classified(struct reader *r)
{
	r->x->class = resolve_ref(r->check, r->scope, first_value(r), KIND(CLASS));
	return read_when(r, NULL) && r->x->class;
}

static const struct {
	const char *name, *clauses;
	bool (*read)(struct reader *);
} kinds[] = {
	[EXPECT_REACH] = { "reach", "when carries", read_reach },
	[EXPECT_BRIDGE] = { "bridge", "by", read_bridge },
	[EXPECT_PATH] = { "path", "when", read_path },
	[EXPECT_AREA] = { "area", "", read_area },
	[EXPECT_FEASIBLE] = { "feasible", "on", read_feasible },
	[EXPECT_CLASSIFIED] = { "classified", "when", read_classified },
};

enum { N_EXPECT_KINDS = sizeof(kinds) / sizeof(*kinds) };

static bool find_kind(struct check *c, const struct ast_stmt *s, size_t *kind)
{
	struct nearest near = nearest_to(s->name.name);
	struct diag *d;

	for (*kind = 0; *kind < N_EXPECT_KINDS; ++*kind) {
		if (!strcmp(kinds[*kind].name, s->name.name))
			return true;
		nearest_try(&near, kinds[*kind].name);
	}
	d = diag_add(DIAGS(c), E0305, s->name.span, "there is no expectation '%s'", s->name.name);
	if (near.name && (!strncmp(near.wanted, "un", 2) || !strncmp(near.wanted, "no", 2)))
		diag_label(DIAGS(c), d, "did you mean 'not %s'?", near.name);
	else if (near.name)
		diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
	else
		diag_help(DIAGS(c), d, "expectations are reach, bridge, path, area, feasible and classified");
	return false;
}

static bool read_expectation(struct check *c, const struct m_expect *e, struct expectation *x)
{
	struct reader r = { c, e->scope, e->stmt, x };
	size_t kind;

	*x = (struct expectation){ .negated = e->stmt->property.negated, .span = e->span };
	if (!find_kind(c, e->stmt, &kind))
		return false;
	x->kind = (enum expect_kind)kind;
	clauses_check(c, &e->stmt->property.clauses, kinds[kind].clauses);
	if (e->stmt->property.values.n > 1) {
		diag_add(DIAGS(c), E0205, e->stmt->property.values.at[1]->span, "an expectation takes one value");
		return false;
	}
	return kinds[kind].read(&r);
}

void check_expects(struct check *c)
{
	struct expectation x;

	for (size_t i = 0; i < c->model->expects.n; i++)
		if (read_expectation(c, &c->model->expects.at[i], &x) && x.kind == EXPECT_FEASIBLE)
			check_use_slo(c, x.slo, x.target);
}

bool check_expectation(struct model *m, const struct m_expect *e, struct expectation *x)
{
	struct check c = { .ctx = m->ctx, .model = m };

	return read_expectation(&c, e, x);
}
