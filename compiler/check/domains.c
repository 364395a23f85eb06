/* Domains, nodes, rules, applications and their flows. */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

/* ---- nodes ---- */

static const char node_kind_letters[] = "epsw";
static const char *const node_kind_words[] = { "an endpoint", "a proxy", "a server", "a switch" };

static void missing_property(struct check *c, const struct symbol *sym, const char *what,
			     const char *property)
{
	diag_add(DIAGS(c), E0307, sym->span, "%s '%s' needs '%s'", what, sym->name, property);
}

static void check_proxy_ports(struct check *c, const struct symbol *sym, const struct m_node *n)
{
	if (n->base_port + n->hosts.n > 65536)
		diag_add(DIAGS(c), E0404, sym->span,
			 "%zu hosted functions from base-port %llu on end above port 65535", n->hosts.n,
			 (unsigned long long)n->base_port);
}

static void check_node_needs(struct check *c, const struct symbol *sym, const struct block *b)
{
	const struct m_node *n = sym->object;
	bool broken = b->body->broken;

	if (n->kind == NODE_PROXY && !block_given(b, "address") && !broken)
		missing_property(c, sym, "proxy", "address");
	if (n->kind == NODE_SERVER && !block_given(b, "cores") && !broken)
		missing_property(c, sym, "server", "cores");
	if (n->kind == NODE_SWITCH && !block_given(b, "ports") && !broken)
		missing_property(c, sym, "switch", "ports");
	if (block_given(b, "cores") && !block_given(b, "clock") && !broken)
		missing_property(c, sym, symbol_kind_word(SYM_NODE) + 2, "clock");
	if (rat_given(n->external) && rat_given(n->ports) && rat_cmp(n->external, n->ports) > 0)
		diag_add(DIAGS(c), E0404, sym->span, "a switch cannot have more external ports than ports");
	if (n->kind == NODE_PROXY)
		check_proxy_ports(c, sym, n);
}

static void refuse_node_labels(struct check *c, const struct symbol *sym)
{
	const struct refs *attrs = &OBJECT(sym, m_node)->attributes;

	for (size_t i = 0; i < attrs->n; i++)
		if (OBJECT(attrs->at[i], m_attribute)->label)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0303, sym->span,
					   "'%s' is a label of data, not an attribute of nodes", attrs->at[i]->name),
				  attrs->at[i]->span, "declared here");
}

static void read_node(struct check *c, struct symbol *sym)
{
	struct m_node *n = sym->object;
	const struct ast_expr *parent = sym->stmt->decl.parent;
	struct block b = { .name = "node", .sym = sym, .scope = sym->members, .object = n,
			   .body = &sym->stmt->decl.body };
	bool known;

	n->domain = sym->owner;
	n->trust = 1;
	n->base_port = 11080;
	if (parent)
		value_word(c, (struct operand){ parent, NULL, parent->span }, "endpoint proxy server switch",
			   &n->kind);
	known = n->kind >= 0;
	n->kind = known ? n->kind : NODE_ENDPOINT;
	b.kinds = known ? &node_kind_letters[n->kind] : "?";
	b.kind = node_kind_words[n->kind];
	block_read(c, &b);
	if (known)
		check_node_needs(c, sym, &b);
	refuse_node_labels(c, sym);
}

/* ---- permit and forbid ---- */

static const struct ast_expr *move_of(struct check *c, const struct ast_stmt *s)
{
	const struct ast_expr *e = only_value(c, s);

	if (!e || e->kind == AST_ERROR)
		return NULL;
	if (e->kind == AST_MOVE)
		return e;
	if (e->kind == AST_CHAIN)
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0401, e->span, "a movement of data is due here, this is a chain of modules"),
			  "data moves by '=>', packets by '->'");
	else
		report_type(c, (struct operand){ e, NULL, e->span }, "a movement 'a => b'");
	return NULL;
}

static const struct fx *when_of(struct check *c, struct scope *s, const struct ast_clauses *clauses)
{
	const struct ast_clause *when = clause_find(clauses, "when");

	return when ? filter_of(c, s, when->values.at[0], NULL) : fx_true(c->model->fields);
}

static bool carries_of(struct check *c, struct scope *s, const struct ast_clauses *clauses,
		       struct symbol **label)
{
	const struct ast_clause *carries = clause_find(clauses, "carries");

	*label = NULL;
	return !carries || value_label(c, s, carries->values.at[0], label);
}

static void read_rule(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_domain *d = b->object;
	struct m_rule r = { .forbid = !strcmp(s->name.name, "forbid") };
	const struct ast_expr *move = move_of(c, s);
	bool many, ok;

	clauses_check(c, &s->property.clauses, "when carries");
	if (!move)
		return;
	r.span = s->span;
	ok = value_nodes(c, b->scope, move->list.members.at[0], false, &r.from, &many, &r.from_all);
	ok &= value_nodes(c, b->scope, move->list.members.at[1], false, &r.to, &many, &r.to_all);
	r.when = when_of(c, b->scope, &s->property.clauses);
	ok &= carries_of(c, b->scope, &s->property.clauses, &r.carries);
	if (!ok || !r.when)
		return;
	r.cubes = fx_cubes(c->model->fields, r.when);
	vec_push(ARENA(c), &d->rules, r);
}

static void read_domain(struct check *c, struct symbol *sym)
{
	struct m_domain *d = sym->object;
	struct block b = { .name = "domain", .sym = sym, .scope = sym->members, .object = d,
			   .body = &sym->stmt->decl.body, .code = read_rule };
	const struct ast_stmt *rule;

	d->decides = DEFAULT_NONE;
	block_read(c, &b);
	rule = block_given(&b, "permit") ? block_given(&b, "permit") : block_given(&b, "forbid");
	if (block_given(&b, "default")) {
		d->default_span = block_given(&b, "default")->span;
	} else if (rule && !b.body->broken) {
		struct diag *m = diag_add(DIAGS(c), E0307, sym->span, "domain '%s' states rules, so it needs 'default'",
					  sym->name);

		diag_also(DIAGS(c), m, rule->span, "a rule");
		diag_help(DIAGS(c), m, "write 'default deny;' or 'default allow;'");
	}
}

void check_domains(struct check *c)
{
	struct model *m = c->model;

	for (size_t i = 0; i < m->nodes.n; i++)
		if (m->nodes.at[i]->owner)
			vec_push(ARENA(c), &OBJECT(m->nodes.at[i]->owner, m_domain)->nodes, m->nodes.at[i]);
	for (size_t i = 0; i < m->nodes.n; i++)
		read_node(c, m->nodes.at[i]);
	for (size_t i = 0; i < m->domains.n; i++)
		read_domain(c, m->domains.at[i]);
}

/* ---- applications ---- */

static void check_flow_ends(struct check *c, const struct refs *ends, const struct ast_expr *e)
{
	for (size_t i = 0; i < ends->n; i++) {
		int kind = OBJECT(ends->at[i], m_node)->kind;

		if (kind == NODE_SERVER || kind == NODE_SWITCH)
			diag_add(DIAGS(c), E0303, e->span,
				 "'%s' is %s; data moves between endpoints", ends->at[i]->name,
				 node_kind_words[kind]);
	}
}

enum { MOST_PAIRS = 1 << 20 }; /* of one flow statement */

static size_t count_ends(struct check *c, const struct refs *ends, bool all)
{
	return all ? c->model->nodes.n : ends->n;
}

static bool has_room(struct check *c, const struct m_flow *f, const struct ast_expr *move)
{
	size_t n_from = count_ends(c, &f->from, f->from_all), n_to = count_ends(c, &f->to, f->to_all);

	if (!n_to || n_from <= MOST_PAIRS / n_to)
		return true;
	diag_help(DIAGS(c),
		  diag_add(DIAGS(c), E0404, move->span, "this stands for %zu times %zu pairs of nodes; at most %d are taken",
			   n_from, n_to, MOST_PAIRS),
		  "name the nodes, or the domains, that really exchange data");
	return false;
}

static bool read_flow_ends(struct check *c, struct scope *s, const struct ast_expr *move,
			   struct m_flow *f)
{
	const struct ast_expr *from = move->list.members.at[0], *to = move->list.members.at[1];
	bool ok = value_nodes(c, s, from, true, &f->from, &f->from_many, &f->from_all);

	ok &= value_nodes(c, s, to, true, &f->to, &f->to_many, &f->to_all);
	check_flow_ends(c, &f->from, from);
	check_flow_ends(c, &f->to, to);
	if (ok && !f->from_many && !f->to_many && f->from.at[0] == f->to.at[0]) {
		diag_add(DIAGS(c), E0404, move->span, "a flow needs two different nodes");
		return false;
	}
	return ok && has_room(c, f, move);
}

static void read_flow_rate(struct check *c, struct scope *s, const struct ast_clauses *clauses,
			   struct m_rate *rate)
{
	const struct ast_clause *clause = clause_find(clauses, "rate");
	struct rat value;
	bool packets;

	if (clause && value_quantity2(c, operand_of(c, s, clause->values.at[0]), DIM_RATE, DIM_PACKET_RATE,
				      &value, &packets))
		*rate = (struct m_rate){ value, packets };
}

static void read_flow(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_application *a = b->object;
	const struct ast_expr *move = move_of(c, s);
	struct m_flow f = { 0 };
	bool ok;

	clauses_check(c, &s->property.clauses, "when rate carries");
	if (!move)
		return;
	f.span = move->span;
	ok = read_flow_ends(c, b->scope, move, &f);
	f.when = when_of(c, b->scope, &s->property.clauses);
	read_flow_rate(c, b->scope, &s->property.clauses, &f.rate);
	ok &= carries_of(c, b->scope, &s->property.clauses, &f.carries);
	if (!ok || !f.when)
		return;
	f.cubes = fx_cubes(c->model->fields, f.when);
	vec_push(ARENA(c), &a->flows, f);
}

void check_applications(struct check *c)
{
	for (size_t i = 0; i < c->model->applications.n; i++) {
		struct symbol *sym = c->model->applications.at[i];
		struct m_application *a = sym->object;
		struct block b = { .name = "application", .sym = sym, .scope = sym->members,
				   .object = a, .body = &sym->stmt->decl.body, .code = read_flow };

		a->packet = rat_int(1500);
		block_read(c, &b);
	}
}
