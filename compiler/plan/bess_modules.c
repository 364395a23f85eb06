/* Whether BESS has what a module is and takes what it is configured with. */
#include <config.h>

#include <string.h>

#include "compiler/plan/bess_private.h"

const struct bess_class *bess_class_of(struct laying *k, const struct plan_module *m)
{
	const struct bess_class *c;
	const char *name = !strcmp(m->function, "drop") ? "Sink" : m->bess_class;

	if (!name) {
		diag_help(&k->ctx->diags,
			  diag_add(&k->ctx->diags, E0802, m->span,
				   "'%s' has no class in BESS: %s states no bess-class", m->id,
				   m->function),
			  "state 'bess-class' in the function");
		return NULL;
	}
	c = bess_class_find(name);
	if (!c)
		diag_add(&k->ctx->diags, E0802, m->span, "BESS has no module class '%s'", name);
	else if (c->kind == BESS_NEVER)
		diag_add(&k->ctx->diags, E0802, m->span,
			 "a policy cannot set up what BESS's class %s needs", name);
	else
		return c;
	return NULL;
}

static bool has_config(const struct plan_module *m, const char *name, size_t length)
{
	for (size_t i = 0; i < m->config.n; i++)
		if (strlen(m->config.at[i].name) == length &&
		    !strncmp(m->config.at[i].name, name, length))
			return true;
	return false;
}

static void check_needs(struct laying *k, const struct plan_module *m, const struct bess_class *c)
{
	for (const char *s = c->needs; *s; s += strcspn(s, " "), s += *s == ' ')
		if (!has_config(m, s, strcspn(s, " ")))
			diag_add(&k->ctx->diags, E0802, m->span,
				 "BESS's class %s needs '%.*s', which '%s' does not state", c->name,
				 (int)strcspn(s, " "), s, m->id);
}

static bool is_whole(struct dec d, int64_t most)
{
	return d.nano % 1000000000 == 0 && d.nano >= 0 && d.nano / 1000000000 <= most;
}

static bool fits_type(char type, const struct ir_value *v)
{
	bool whole = v->kind == IR_VALUE_NUMBER && rat_is_int(v->number);

	switch (type) {
	case 'u':
		return whole && rat_sign(v->number) >= 0;
	case 'i':
		return whole;
	case 'd':
		return v->kind == IR_VALUE_NUMBER;
	case 'b':
		return v->kind == IR_VALUE_BOOL ||
		       (v->kind == IR_VALUE_TEXT &&
			(!strcmp(v->text, "yes") || !strcmp(v->text, "no")));
	case 's':
		return v->kind == IR_VALUE_TEXT;
	default:
		for (size_t i = 0; v->kind == IR_VALUE_LIST && i < v->n_members; i++)
			if (v->members[i]->kind != IR_VALUE_TEXT)
				return false;
		return v->kind == IR_VALUE_LIST || v->kind == IR_VALUE_TEXT;
	}
}

static bool is_queue_size(const struct ir_value *v)
{
	for (int64_t size = 4; size <= 16384; size *= 2)
		if (!rat_cmp(v->number, rat_int(size)))
			return true;
	return false;
}

static bool is_prefix4(const struct ir_value *v)
{
	struct prefix p;

	return v->kind == IR_VALUE_TEXT && prefix_parse(v->text, strlen(v->text), &p) &&
	       p.family == 4;
}

static void check_config(struct laying *k, const struct plan_module *m, const struct bess_class *c)
{
	for (size_t i = 0; i < m->config.n; i++) {
		const char *name = m->config.at[i].name;
		const struct ir_value *v = m->config.at[i].value;
		char type = bess_arg_type(c, name);
		bool bad = type && !fits_type(type, v);

		if (!bad && !strcmp(c->name, "Queue") && !strcmp(name, "size"))
			bad = !is_queue_size(v);
		if (c->kind == BESS_LOOKUP && !strcmp(name, "routes"))
			for (size_t j = 0; j < v->n_members || (v->kind == IR_VALUE_TEXT && j < 1);
			     j++)
				bad = bad ||
				      !is_prefix4(v->kind == IR_VALUE_LIST ? v->members[j] : v);
		if (bad)
			diag_add(&k->ctx->diags, E0802, m->span,
				 "'%s' of '%s' is nothing that BESS's class %s takes", name, m->id,
				 c->name);
	}
	if (c->kind == BESS_BURN && (!is_whole(m->cost_cycles, UINT32_MAX) ||
				     !is_whole(m->cost_cycles_per_byte, UINT32_MAX)))
		diag_add(&k->ctx->diags, E0802, m->span,
			 "'%s' costs a fraction of a cycle, and Bypass spends whole ones", m->id);
}

static void check_gates(struct laying *k, const struct plan_module *m, const struct bess_class *c,
			const struct fork *f)
{
	bool goes_on = false, comes_in = false;

	for (size_t i = 0; i < k->pipeline->n_edges; i++) {
		goes_on = goes_on || !strcmp(k->rows->edges.at[i].from, m->id);
		comes_in = comes_in || !strcmp(k->rows->edges.at[i].to, m->id);
	}
	if (goes_on && c->out <= c->gate)
		diag_add(&k->ctx->diags, E0802, m->span,
			 "'%s' has out-edges, and BESS's class %s has no output gate", m->id,
			 c->name);
	else if (f->own_ports && f->n_ports > c->out)
		diag_add(&k->ctx->diags, E0802, m->span,
			 "'%s' has %zu output ports, and BESS's class %s has %u gates", m->id,
			 f->n_ports, c->name, c->out);
	if (comes_in && !c->in)
		diag_add(&k->ctx->diags, E0802, m->span,
			 "'%s' has in-edges, and BESS's class %s has no input gate", m->id,
			 c->name);
}

void bess_check_module(struct laying *k, const struct plan_module *m, const struct bess_class *c,
		       const struct fork *f)
{
	check_needs(k, m, c);
	check_config(k, m, c);
	check_gates(k, m, c, f);
}
