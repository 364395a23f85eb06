#include <config.h>

#include "compiler/check/check.h"

#include <string.h>

#include "compiler/check/private.h"
#include "grammar/parse.h"

static struct model *model_new(struct ctx *ctx)
{
	struct model *m = arena_one(ctx->arena, struct model);
	struct m_class *rest = arena_one(ctx->arena, struct m_class);

	m->ctx = ctx;
	m->fields = fields_new(ctx->arena);
	m->rest = arena_one(ctx->arena, struct symbol);
	m->rest->kind = SYM_CLASS;
	m->rest->name = m->rest->canonical = intern_text(ctx->names, "rest");
	m->none = arena_one(ctx->arena, struct symbol);
	m->none->kind = SYM_FUNCTION;
	m->none->name = m->none->canonical = intern_text(ctx->names, "none");
	m->none->object = arena_one(ctx->arena, struct m_function);
	OBJECT(m->none, m_function)->sym = m->none;
	m->rest->object = rest;
	rest->sym = m->rest;
	rest->match = fx_true(m->fields);
	return m;
}

static void collect_expects(struct check *c)
{
	const struct module *root = c->model->root;

	for (size_t i = 0; i < root->ast->items.n; i++) {
		const struct ast_stmt *s = root->ast->items.at[i];
		struct m_expect e = { s, root->scope, s->span };

		if (s->kind == STMT_EXPECT)
			vec_push(ARENA(c), &c->model->expects, e);
	}
}

static void check_top_annotations(struct check *c)
{
	for (size_t i = 0; i < c->model->modules.n; i++) {
		const struct ast_stmts *items = &c->model->modules.at[i]->ast->items;

		for (size_t k = 0; k < items->n; k++)
			check_annotations(c, items->at[k]);
	}
}

/* The order matters: each step uses what the steps before it have read. */
static void check_model(struct check *c)
{
	check_top_annotations(c);
	check_let_cycles(c);
	check_attributes(c);
	check_functions(c);
	check_domains(c);
	check_applications(c);
	check_pipelines(c);
	check_lets(c);
	check_classes(c);
	check_slos(c);
	check_targets(c);
	check_expects(c);
	check_class_paths(c);
	check_target_classes(c);
	check_rest(c);
	check_class_costs(c);
	check_class_overlaps(c);
}

static struct check check_new(struct ctx *ctx, const struct search *search)
{
	struct check c = { .ctx = ctx, .search = search };

	c.model = model_new(ctx);
	c.model->keeps_uses = search->keeps_uses;
	c.model->std = search->std;
	map_init(&c.by_path, ctx->arena);
	return c;
}

static struct model *check_root(struct check *c, struct module *root)
{
	if (root) {
		c->model->root = root;
		/* Behind an open brace everything stands in the wrong block. */
		if (!root->ast->unclosed) {
			collect_expects(c);
			check_model(c);
		}
	}
	show_ways_out(c);
	return root ? c->model : NULL;
}

struct model *check_policy(struct ctx *ctx, const char *path, const struct search *search)
{
	struct check c = check_new(ctx, search);

	return check_root(&c, modules_load(&c, path));
}

struct model *check_text(struct ctx *ctx, const char *text, size_t size, const struct search *search)
{
	struct check c = check_new(ctx, search);

	return check_root(&c, modules_load_text(&c, text, size));
}

/* ---- texts of the command line ---- */

static struct ast_expr *parse_text(struct model *m, const char *text)
{
	uint32_t source = source_add(&m->ctx->sources, "<command line>", "<command line>", text, strlen(text));

	return parse_expression(m->ctx, source);
}

bool check_filter_text(struct model *m, const char *text, const struct fx **fx)
{
	struct check c = { .ctx = m->ctx, .model = m };
	struct ast_expr *e = parse_text(m, text);

	*fx = e ? filter_of(&c, m->root->scope, e, NULL) : NULL;
	return *fx != NULL;
}

bool check_move_text(struct model *m, const char *text, struct expectation *x)
{
	struct check c = { .ctx = m->ctx, .model = m };
	struct ast_expr *e = parse_text(m, text);
	bool many, ok;

	*x = (struct expectation){ 0 };
	if (!e)
		return false;
	if (e->kind != AST_MOVE) {
		report_type(&c, (struct operand){ e, m->root->scope, e->span }, "a movement 'a => b'");
		return false;
	}
	ok = value_nodes(&c, m->root->scope, e->list.members.at[0], true, &x->from, &many, &x->from_all);
	return value_nodes(&c, m->root->scope, e->list.members.at[1], true, &x->to, &many, &x->to_all) && ok;
}

struct symbol *check_name_text(struct model *m, const char *text, unsigned kinds)
{
	struct check c = { .ctx = m->ctx, .model = m };
	struct ast_expr *e = parse_text(m, text);

	return e ? resolve_ref(&c, m->root->scope, e, kinds) : NULL;
}
