#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

#include "compiler/base/sink.h"

/* ---- constants ---- */

static void report_let_cycle(struct check *c, struct symbol *let)
{
	diag_add(DIAGS(c), E0309, let->span, "the constant '%s' is defined by itself", let->name);
}

struct operand operand_of(struct check *c, struct scope *s, const struct ast_expr *e)
{
	struct operand o = { e, s, e->span };

	while (o.e->kind == AST_PATH && !o.e->path.star) {
		struct resolved r = resolve_quietly(c, o.scope, o.e);

		if (!r.sym || r.sym->kind != SYM_LET || r.used < o.e->path.names.n)
			break;
		if (r.sym->broken) {
			o.e = NULL;
			return o;
		}
		o.e = r.sym->stmt->let;
		o.scope = OBJECT(r.sym, scope);
	}
	if (o.e->kind == AST_ERROR)
		o.e = NULL;
	return o;
}

enum { MOST_MEMBERS = 1 << 20 }; /* constants that name each other twice grow fast */

static void collect(struct check *c, struct scope *s, const struct ast_expr *e, struct span at,
		    unsigned depth, struct operands *found)
{
	struct operand o = operand_of(c, s, e);

	if (!o.e || found->n == MOST_MEMBERS) {
		found->failed = true;
		return;
	}
	o.at = depth ? at : e->span;
	if (o.e->kind == AST_SET) {
		for (size_t i = 0; i < o.e->list.members.n; i++) {
			const struct ast_expr *member = o.e->list.members.at[i];

			collect(c, o.scope, member, o.e == e ? member->span : o.at, depth + 1, found);
		}
		return;
	}
	vec_push(ARENA(c), found, o);
}

struct operands operands_of(struct check *c, struct scope *s, const struct ast_expr *e)
{
	struct operands found = { 0 };

	collect(c, s, e, e->span, 0, &found);
	return found;
}

/* ---- reports ---- */

const char *expr_kind_text(const struct ast_expr *e)
{
	switch (e->kind) {
	case AST_PATH:
		return e->path.star ? "a set of names" : "a name";
	case AST_STRING:
		return "a string";
	case AST_INT:
		return "a number";
	case AST_FLOAT:
		return "a decimal number";
	case AST_QUANTITY:
		return dimension_phrase(e->number.unit->dimension);
	case AST_ADDR:
		return e->addr.is_prefix ? "a prefix" : "an address";
	case AST_MAC:
		return "a MAC address";
	case AST_SERVICE:
		return "a service";
	case AST_DATE:
		return "a date";
	case AST_RANGE:
		return "a range";
	case AST_SET:
		return "a set";
	case AST_RATIO:
		return "a ratio";
	case AST_REL:
		return "a comparison";
	case AST_NOT:
	case AST_AND:
	case AST_OR:
		return "a filter";
	case AST_CHAIN:
		return "a chain";
	case AST_MOVE:
		return "a movement";
	default:
		return "something else";
	}
}

static void point_at_let(struct check *c, struct diag *d, struct operand o)
{
	if (span_cmp(o.at, o.e->span))
		diag_also(DIAGS(c), d, o.e->span, "the value stands here");
}

/* What was meant, for the commonest mixtures; NULL: nothing comes to mind. */
static const char *type_hint(struct check *c, const struct ast_expr *e, const char *wanted)
{
	if (!strncmp(wanted, "a filter", 8) && e->kind == AST_INT)
		return arena_printf(ARENA(c), "a port is written with its protocol: %lld/tcp or %lld/udp",
				    (long long)e->number.value.num, (long long)e->number.value.num);
	if (!strncmp(wanted, "a movement", 10) && e->kind == AST_REL)
		return "data moves to the right: 'FROM => TO'";
	if (!strcmp(wanted, "a whole number") && e->kind == AST_SERVICE)
		return arena_printf(ARENA(c), "compare with the port, %u, or write the service without a field",
				    e->service.port);
	if (!strncmp(wanted, "a string", 8))
		return "a string stands in double quotes";
	if (e->kind == AST_STRING)
		return "only texts stand in quotes";
	return NULL;
}

void report_type(struct check *c, struct operand o, const char *wanted)
{
	struct diag *d = diag_add(DIAGS(c), E0401, o.at, "%s is due here, this is %s", wanted, expr_kind_text(o.e));
	const char *hint = type_hint(c, o.e, wanted);

	point_at_let(c, d, o);
	if (hint)
		diag_help(DIAGS(c), d, "%s", hint);
}

/* A word where no name was found: more helpful than "a name is not a number". */
static bool report_if_unknown(struct check *c, struct operand o)
{
	struct resolved r;

	if (o.e->kind != AST_PATH || o.e->path.star)
		return false;
	r = resolve_quietly(c, o.scope, o.e);
	if (r.sym && r.used == o.e->path.names.n)
		return false;
	if (field_of(c, o.scope, o.e, NULL))
		return false;
	report_unknown(c, o.scope, o.e, KIND(LET));
	return true;
}

static void report_bounds(struct check *c, struct operand o, uint64_t low, uint64_t high)
{
	point_at_let(c, diag_add(DIAGS(c), E0404, o.at, "a number from %llu to %llu is due here",
				 (unsigned long long)low, (unsigned long long)high),
		     o);
}

/* ---- simple values ---- */

bool value_int(struct check *c, struct operand o, uint64_t low, uint64_t high, uint64_t *value)
{
	if (!o.e)
		return false;
	if (o.e->kind != AST_INT) {
		if (!report_if_unknown(c, o))
			report_type(c, o, "a whole number");
		return false;
	}
	*value = (uint64_t)o.e->number.value.num;
	if (*value < low || *value > high) {
		report_bounds(c, o, low, high);
		return false;
	}
	return true;
}

static const char *text_at(struct check *c, struct span span)
{
	return source_at(&c->ctx->sources, span.source)->text + span.start;
}

static void report_unit(struct check *c, struct operand o, enum dimension wanted)
{
	const char *example = dimension_example(wanted);
	struct diag *d = diag_add(DIAGS(c), E0405, o.at, "%s needs a unit", dimension_phrase(wanted));
	struct span behind = { o.e->span.source, o.e->span.end, o.e->span.end };

	diag_fix(DIAGS(c), d, HAS_PLACEHOLDERS, behind, example, "write the unit, for example %s", example);
	diag_help(DIAGS(c), d, "write the unit directly behind the number, for example '%.*s%s'",
		  (int)(o.e->span.end - o.e->span.start), text_at(c, o.e->span), example);
}

static void report_dimension(struct check *c, struct operand o, enum dimension wanted)
{
	enum dimension found = o.e->number.unit->dimension;
	struct diag *d = diag_add(DIAGS(c), E0402, o.at, "%s is due here, this is %s",
				  dimension_phrase(wanted), dimension_phrase(found));

	point_at_let(c, d, o);
	diag_help(DIAGS(c), d, "%s is written like '1%s'", dimension_phrase(wanted),
		  dimension_example(wanted));
}

bool value_quantity2(struct check *c, struct operand o, enum dimension first, enum dimension other,
		     struct rat *value, bool *second)
{
	if (!o.e)
		return false;
	if (o.e->kind == AST_INT || o.e->kind == AST_FLOAT) {
		report_unit(c, o, first);
		return false;
	}
	if (o.e->kind != AST_QUANTITY) {
		if (!report_if_unknown(c, o))
			report_type(c, o, dimension_phrase(first));
		return false;
	}
	if (o.e->number.unit->dimension != first && o.e->number.unit->dimension != other) {
		report_dimension(c, o, first);
		return false;
	}
	*value = rat_mul(o.e->number.value, o.e->number.unit->scale);
	*second = o.e->number.unit->dimension != first;
	return true;
}

bool value_quantity(struct check *c, struct operand o, enum dimension dimension, struct rat *value)
{
	bool second;

	return value_quantity2(c, o, dimension, dimension, value, &second);
}

/* The index of WORD in the blank-separated list, or -1. */
static int word_index(const char *list, const char *word)
{
	size_t length = strlen(word);
	int i = 0;

	for (const char *p = list; *p; i++) {
		size_t n = strcspn(p, " ");

		if (n == length && !memcmp(p, word, n))
			return i;
		p += n + strspn(p + n, " ");
	}
	return -1;
}

static const char *nearest_word(struct check *c, const char *list, const char *word)
{
	struct nearest near = nearest_to(word);

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, " ");

		nearest_try(&near, arena_strndup(ARENA(c), p, n));
		p += n + strspn(p + n, " ");
	}
	return near.name;
}

static const char *comma_list(struct check *c, const char *list)
{
	char *text = arena_strdup(ARENA(c), list), *blank;
	struct sink s = { 0 };

	for (char *p = text; p; p = blank) {
		blank = strchr(p, ' ');
		if (blank)
			*blank++ = '\0';
		sink_printf(&s, "%s'%s'", p == text ? "" : blank ? ", " : " or ", p);
	}
	text = arena_strdup(ARENA(c), s.data);
	sink_free(&s);
	return text;
}

bool value_word(struct check *c, struct operand o, const char *words, int *index)
{
	const char *word, *meant;
	struct diag *d;

	if (!o.e)
		return false;
	if (o.e->kind != AST_PATH || o.e->path.star || o.e->path.names.n != 1) {
		report_type(c, o, comma_list(c, words));
		return false;
	}
	word = o.e->path.names.at[0].name;
	*index = word_index(words, word);
	if (*index >= 0)
		return true;
	d = diag_add(DIAGS(c), E0401, o.at, "%s is due here, not '%s'", comma_list(c, words), word);
	meant = nearest_word(c, words, word);
	if (meant) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", meant);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, o.at, meant, "write '%s'", meant);
	}
	return false;
}

bool value_string(struct check *c, struct operand o, const char **text)
{
	if (!o.e)
		return false;
	if (o.e->kind != AST_STRING) {
		report_type(c, o, "a string");
		return false;
	}
	*text = o.e->text;
	return true;
}

bool value_prefix(struct check *c, struct operand o, struct prefix *p)
{
	if (!o.e)
		return false;
	if (o.e->kind != AST_ADDR) {
		if (!report_if_unknown(c, o))
			report_type(c, o, "an address or prefix");
		return false;
	}
	*p = o.e->addr;
	return true;
}

static bool report_empty_range(struct check *c, struct operand o)
{
	point_at_let(c, diag_add(DIAGS(c), E0403, o.at, "this range ends before it begins"), o);
	return false;
}

/* A range of whole numbers; a single one counts as a range of one. */
bool value_range(struct check *c, struct operand o, uint64_t low, uint64_t high, struct m_range *r)
{
	struct operand from, to;

	if (!o.e)
		return false;
	from = to = o;
	if (o.e->kind == AST_RANGE) {
		from = operand_of(c, o.scope, o.e->list.members.at[0]);
		to = operand_of(c, o.scope, o.e->list.members.at[1]);
	}
	if (!value_int(c, from, low, high, &r->lo) || !value_int(c, to, low, high, &r->hi))
		return false;
	r->given = true;
	return r->lo <= r->hi || report_empty_range(c, o);
}

bool value_refs(struct check *c, struct scope *s, const struct ast_expr *e, unsigned kinds,
		struct refs *refs)
{
	struct operands members = operands_of(c, s, e);
	bool ok = !members.failed;

	for (size_t i = 0; i < members.n; i++) {
		struct symbol *sym = resolve_ref(c, members.at[i].scope, members.at[i].e, kinds);
		bool known = !sym;

		for (size_t j = 0; j < refs->n && !known; j++)
			known = refs->at[j] == sym;
		ok &= sym != NULL;
		if (!known)
			vec_push(ARENA(c), refs, sym);
	}
	return ok;
}

/* tcp.dport is l4.dport, where the protocol is TCP: in a set of fields it is the port that
 * is meant. */
static const struct field *port_field(struct check *c, const struct field *f)
{
	if (!strncmp(f->name, "tcp.", 4) || !strncmp(f->name, "udp.", 4)) {
		const struct field *port =
			fields_find(c->model->fields, arena_printf(ARENA(c), "l4.%s", f->name + 4));

		return port ? port : f;
	}
	return f;
}

bool value_fields(struct check *c, struct scope *s, const struct ast_expr *e, struct field_set *set)
{
	struct operands members = operands_of(c, s, e);
	bool ok = !members.failed;

	for (size_t i = 0; i < members.n; i++) {
		struct operand o = members.at[i];
		const struct field *f = o.e->kind == AST_PATH ? field_of(c, o.scope, o.e, NULL) : NULL;

		if (f) {
			vec_push(ARENA(c), set, port_field(c, f));
			continue;
		}
		ok = false;
		if (!report_if_unknown(c, o))
			report_type(c, o, "a field of a packet");
	}
	return ok;
}

bool value_label(struct check *c, struct scope *s, const struct ast_expr *e, struct symbol **label)
{
	*label = resolve_ref(c, s, e, KIND(ATTRIBUTE));
	if (!*label)
		return false;
	if (OBJECT(*label, m_attribute)->label)
		return true;
	diag_also(DIAGS(c),
		  diag_add(DIAGS(c), E0303, e->span, "'%s' is an attribute of nodes; a label is due here",
			   ast_path_text(ARENA(c), e)),
		  (*label)->span, "declared here; a label is declared with 'attribute %s : label'",
		  (*label)->name);
	*label = NULL;
	return false;
}

/* ---- nodes ---- */

static void add_node(struct check *c, struct refs *refs, struct symbol *node)
{
	for (size_t i = 0; i < refs->n && refs->n < 64; i++)
		if (refs->at[i] == node)
			return;
	vec_push(ARENA(c), refs, node);
}

static void add_nodes(struct check *c, struct refs *refs, const struct refs *nodes, bool endpoints)
{
	for (size_t i = 0; i < nodes->n; i++)
		if (!endpoints || OBJECT(nodes->at[i], m_node)->kind == NODE_ENDPOINT)
			vec_push(ARENA(c), refs, nodes->at[i]);
}

static bool add_star(struct check *c, struct operand o, bool endpoints, struct refs *refs, bool *all)
{
	struct ast_expr domain = *o.e;
	struct symbol *sym;

	if (!o.e->path.names.n) {
		*all = true;
		return true;
	}
	domain.path.star = false;
	sym = resolve_ref(c, o.scope, &domain, KIND(DOMAIN));
	if (sym)
		add_nodes(c, refs, &OBJECT(sym, m_domain)->nodes, endpoints);
	return sym != NULL;
}

bool value_nodes(struct check *c, struct scope *s, const struct ast_expr *e, bool endpoints,
		 struct refs *refs, bool *many, bool *all)
{
	struct operand whole = operand_of(c, s, e);
	struct operands members = operands_of(c, s, e);
	bool ok = !members.failed;

	*many = whole.e && (whole.e->kind == AST_SET || (whole.e->kind == AST_PATH && whole.e->path.star));
	for (size_t i = 0; i < members.n; i++) {
		struct operand o = members.at[i];
		struct symbol *sym;

		if (o.e->kind == AST_PATH && o.e->path.star) {
			ok &= add_star(c, o, endpoints, refs, all);
			continue;
		}
		sym = resolve_ref(c, o.scope, o.e, KIND(NODE));
		ok &= sym != NULL;
		if (sym)
			add_node(c, refs, sym);
	}
	return ok;
}

/* ---- any value ---- */

static struct m_value *new_value(struct check *c, int kind)
{
	struct m_value *v = arena_one(ARENA(c), struct m_value);

	v->kind = kind;
	return v;
}

static const struct m_value *list_value(struct check *c, struct scope *s, const struct ast_exprs *list)
{
	struct m_value *v = new_value(c, VALUE_LIST);

	v->members = arena_many(ARENA(c), const struct m_value *, list->n);
	for (size_t i = 0; i < list->n; i++)
		v->members[v->n_members++] = value_any(c, s, list->at[i]);
	return v;
}

static const char *service_text(struct check *c, const struct ast_expr *e)
{
	const char *protocol = e->service.protocol == 6 ? "tcp" : e->service.protocol == 17 ? "udp" : "sctp";

	return arena_printf(ARENA(c), "%u/%s", e->service.port, protocol);
}

static const char *plain_text(struct check *c, struct operand o)
{
	char buf[ADDR_TEXT_SIZE];
	struct resolved r;

	switch (o.e->kind) {
	case AST_STRING:
		return o.e->text;
	case AST_ADDR:
		return arena_strdup(ARENA(c), o.e->addr.is_prefix ? prefix_text(o.e->addr, buf) :
								   addr_text(o.e->addr.family, o.e->addr.bits, buf));
	case AST_MAC:
		return arena_strdup(ARENA(c), mac_text(o.e->mac, buf));
	case AST_SERVICE:
		return service_text(c, o.e);
	case AST_DATE:
		return arena_printf(ARENA(c), "%04u-%02u-%02u", o.e->date / 10000, o.e->date / 100 % 100,
				    o.e->date % 100);
	case AST_PATH:
		r = resolve_quietly(c, o.scope, o.e);
		if (r.sym && r.used == o.e->path.names.n && !o.e->path.star)
			return r.sym->canonical;
		return ast_path_text(ARENA(c), o.e);
	default:
		return NULL;
	}
}

const struct m_value *value_any(struct check *c, struct scope *s, const struct ast_expr *e)
{
	struct operand o = operand_of(c, s, e);
	struct m_value *v;

	if (!o.e)
		return NULL;
	switch (o.e->kind) {
	case AST_INT:
	case AST_FLOAT:
	case AST_QUANTITY:
		v = new_value(c, VALUE_NUMBER);
		v->number = o.e->number.value;
		if (o.e->kind == AST_QUANTITY)
			v->number = rat_mul(v->number, o.e->number.unit->scale);
		return v;
	case AST_SET:
	case AST_RANGE:
		return list_value(c, o.scope, &o.e->list.members);
	default:
		v = new_value(c, VALUE_TEXT);
		v->text = plain_text(c, o);
		if (!v->text)
			report_type(c, o, "a simple value, a set or a name");
		return v->text ? v : NULL;
	}
}

/* ---- constants by themselves ---- */

static void check_let_paths(struct check *c, struct scope *s, const struct ast_expr *e);

/* A range of plain numbers is wrong by itself, used or not. */
static void check_let_range(struct check *c, struct scope *s, const struct ast_expr *e)
{
	const struct ast_expr *lo = e->list.members.at[0], *hi = e->list.members.at[1];

	check_let_paths(c, s, lo);
	check_let_paths(c, s, hi);
	if (lo->kind == AST_INT && hi->kind == AST_INT && rat_cmp(lo->number.value, hi->number.value) > 0)
		report_empty_range(c, (struct operand){ e, s, e->span });
}

static void check_let_paths(struct check *c, struct scope *s, const struct ast_expr *e)
{
	struct resolved r;

	switch (e->kind) {
	case AST_PATH:
		if (!e->path.names.n)
			return;
		r = resolve_quietly(c, s, e);
		if ((!r.sym || r.used < e->path.names.n) && !field_of(c, s, e, NULL))
			report_unknown(c, s, e, KIND(LET));
		return;
	case AST_REL:
		/* The right side may be a word that belongs to the field. */
		check_let_paths(c, s, e->list.members.at[0]);
		return;
	case AST_RANGE:
		check_let_range(c, s, e);
		return;
	case AST_SET:
	case AST_RATIO:
	case AST_NOT:
	case AST_AND:
	case AST_OR:
	case AST_CHAIN:
	case AST_MOVE:
		for (size_t i = 0; i < e->list.members.n; i++)
			check_let_paths(c, s, e->list.members.at[i]);
		return;
	default:
		return;
	}
}

/* A depth-first walk over the constants that a constant names; a set may name
 * several. */
static void visit_let(struct check *c, struct symbol *let);

static void visit_paths(struct check *c, struct scope *s, const struct ast_expr *e)
{
	if (e->kind == AST_PATH) {
		struct resolved r = resolve_quietly(c, s, e);

		if (r.sym && r.sym->kind == SYM_LET)
			visit_let(c, r.sym);
	} else if (e->kind >= AST_RANGE) {
		for (size_t i = 0; i < e->list.members.n; i++)
			visit_paths(c, s, e->list.members.at[i]);
	}
}

static void visit_let(struct check *c, struct symbol *let)
{
	if (let->visited)
		return;
	if (let->visiting) {
		let->broken = true;
		report_let_cycle(c, let);
		return;
	}
	let->visiting = true;
	visit_paths(c, OBJECT(let, scope), let->stmt->let);
	let->visiting = false;
	let->visited = true;
}

static void each_let(struct check *c, struct scope *s, void (*visit)(struct check *, struct symbol *))
{
	for (size_t i = 0; i < s->words.n; i++) {
		struct symbol *sym = scope_find_own(s, s->words.at[i]);

		if (sym->kind == SYM_LET)
			visit(c, sym);
		else if (sym->members)
			each_let(c, sym->members, visit);
	}
}

static void check_let(struct check *c, struct symbol *let)
{
	check_let_paths(c, OBJECT(let, scope), let->stmt->let);
}

void check_let_cycles(struct check *c)
{
	for (size_t i = 0; i < c->model->modules.n; i++)
		each_let(c, c->model->modules.at[i]->scope, visit_let);
}

void check_lets(struct check *c)
{
	for (size_t i = 0; i < c->model->modules.n; i++)
		each_let(c, c->model->modules.at[i]->scope, check_let);
}
