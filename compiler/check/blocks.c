/* Blocks: statements against the table of properties (grammar/schema.def). */
#include <config.h>

#include "compiler/check/private.h"
#include "compiler/check/schema.h"

#include <string.h>

/* ---- clauses ---- */

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

const struct ast_clause *clause_find(const struct ast_clauses *clauses, const char *name)
{
	for (size_t i = 0; i < clauses->n; i++)
		if (!strcmp(clauses->at[i].name.name, name))
			return &clauses->at[i];
	return NULL;
}

static void check_clause(struct check *c, const struct ast_clause *clause, const char *allowed)
{
	struct diag *d;

	if (in_list(allowed, clause->name.name))
		return;
	d = diag_add(DIAGS(c), E0205, clause->name.span, "this statement takes no '%s'", clause->name.name);
	if (*allowed)
		diag_help(DIAGS(c), d, "clauses that it takes: %s", allowed);
	else
		diag_help(DIAGS(c), d, "if '%s' begins a statement of its own, a ';' is missing before it",
			  clause->name.name);
}

void clauses_check(struct check *c, const struct ast_clauses *clauses, const char *allowed)
{
	for (size_t i = 0; i < clauses->n; i++) {
		const struct ast_clause *clause = &clauses->at[i];
		const struct ast_clause *first = clause_find(clauses, clause->name.name);

		check_clause(c, clause, allowed);
		if (first != clause)
			diag_also(DIAGS(c),
				  diag_add(DIAGS(c), E0306, clause->name.span, "'%s' is given twice",
					   clause->name.name),
				  first->name.span, "first given here");
		if (clause->values.n > 1)
			diag_add(DIAGS(c), E0205, clause->values.at[1]->span,
				 "'%s' takes one value; write a set in braces", clause->name.name);
	}
}

/* ---- one value ---- */

const struct ast_expr *only_value(struct check *c, const struct ast_stmt *s)
{
	if (s->property.rhs) {
		diag_add(DIAGS(c), E0205, s->property.rhs->span, "'%s' takes no '='", s->name.name);
		return NULL;
	}
	if (s->property.values.n > 1) {
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0205, s->property.values.at[1]->span, "'%s' takes one value",
				   s->name.name),
			  "a set is written in braces: {a, b}");
		return NULL;
	}
	return s->property.values.at[0];
}

static void bounds_error(struct check *c, const struct prop *p, const struct ast_expr *e)
{
	if (p->of.dimension == DIM_SHARE)
		diag_add(DIAGS(c), E0404, e->span, "'%s' lies between 0%% and %d%%", p->name,
			 p->high == 2 ? 50 : 100);
	else
		diag_add(DIAGS(c), E0404, e->span, "'%s' must be greater than zero", p->name);
}

static void read_quantity(struct check *c, const struct prop *p, struct operand o, struct rat *member)
{
	struct rat value;
	bool too_high;

	if (!value_quantity(c, o, p->of.dimension, &value))
		return;
	too_high = p->high && rat_cmp(value, rat_make(1, (__int128)p->high)) > 0;
	if (too_high || (p->low && rat_sign(value) <= 0)) {
		bounds_error(c, p, o.e);
		return;
	}
	*member = value;
}

static void read_file_name(struct check *c, const struct prop *p, struct operand o, const char **member)
{
	const char *text;

	if (!value_string(c, o, &text))
		return;
	if (strncmp(text, "file:", 5) || !text[5]) {
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0806, o.at, "'%s' names a file; what it holds does not belong into a policy",
				   p->name),
			  "write \"file:PATH\"");
		return;
	}
	*member = text;
}

static void read_words(struct check *c, const struct prop *p, struct scope *s, const struct ast_expr *e,
		       struct words *words)
{
	const struct ast_exprs one = { (struct ast_expr *[]){ (struct ast_expr *)e }, 1, 1 };
	const struct ast_exprs *list = e->kind == AST_SET ? &e->list.members : &one;

	*words = (struct words){ 0 };
	for (size_t i = 0; i < list->n; i++) {
		struct operand o = { list->at[i], s, list->at[i]->span };
		int index;

		if (o.e->kind != AST_PATH || o.e->path.star || o.e->path.names.n != 1)
			report_type(c, o, "a word");
		else if (!*p->of.words || value_word(c, o, p->of.words, &index))
			vec_push(ARENA(c), words, o.e->path.names.at[0].name);
	}
}

static void read_ref(struct check *c, const struct prop *p, struct scope *s, const struct ast_expr *e,
		     struct symbol **member)
{
	*member = resolve_ref(c, s, e, p->of.kinds);
}

static void read_prefixes(struct check *c, struct scope *s, const struct ast_expr *e,
			  struct prefixes *list)
{
	struct operands members = operands_of(c, s, e);
	struct prefix prefix;

	*list = (struct prefixes){ 0 };
	for (size_t i = 0; i < members.n; i++)
		if (value_prefix(c, members.at[i], &prefix))
			vec_push(ARENA(c), list, prefix);
}

static void read_note(struct check *c, struct operand o, const char **member)
{
	if (!o.e)
		return;
	if (o.e->kind == AST_STRING)
		*member = o.e->text;
	else if (o.e->kind == AST_DATE)
		*member = arena_printf(ARENA(c), "%04u-%02u-%02u", o.e->date / 10000, o.e->date / 100 % 100,
				       o.e->date % 100);
	else
		report_type(c, o, "a string or a date");
}

static void read_filter(struct check *c, struct scope *s, const struct ast_expr *e,
			const struct fx **member)
{
	*member = filter_of(c, s, e, NULL);
}

/* `workers 2` is a number, `workers {0, 2..3}` a set of cores. */
static void read_cores(struct check *c, struct scope *s, const struct ast_expr *e, struct m_target *t)
{
	struct operand o = operand_of(c, s, e);
	struct operands list;
	struct m_range r;
	uint64_t n;

	if (!o.e)
		return;
	t->workers = (struct numbers){ 0 };
	if (o.e->kind != AST_SET && o.e->kind != AST_RANGE) {
		if (value_int(c, o, 1, 1024, &n))
			for (uint64_t i = 0; i < n; i++)
				vec_push(ARENA(c), &t->workers, i);
		return;
	}
	list = operands_of(c, s, e);
	for (size_t i = 0; i < list.n; i++)
		if (value_range(c, list.at[i], 0, 4095, &r))
			for (uint64_t core = r.lo; core <= r.hi; core++)
				vec_push(ARENA(c), &t->workers, core);
	if (!list.n && !list.failed)
		diag_add(DIAGS(c), E0404, e->span, "at least one worker is due");
}

static void read_speed(struct check *c, struct operand o, struct m_speed *speed)
{
	struct rat value;
	bool packets;

	if (!value_quantity2(c, o, DIM_BITS_PER_CYCLE, DIM_PACKETS_PER_CYCLE, &value, &packets))
		return;
	if (rat_sign(value) <= 0)
		diag_add(DIAGS(c), E0404, o.at, "a speed is greater than zero");
	else
		*speed = (struct m_speed){ value, packets };
}

static void read_rate(struct check *c, struct operand o, struct m_rate *rate)
{
	struct rat value;
	bool packets;

	if (value_quantity2(c, o, DIM_RATE, DIM_PACKET_RATE, &value, &packets))
		*rate = (struct m_rate){ value, packets };
}

static void read_value(struct check *c, struct block *b, const struct prop *p, const struct ast_expr *e)
{
	void *member = (char *)b->object + p->offset;
	bool by_name = p->type == PROP_REF || p->type == PROP_REFS || p->type == PROP_FIELDS ||
		       p->type == PROP_WORDS || p->type == PROP_SYMBOL || p->type == PROP_PREFIXES ||
		       p->type == PROP_FILTER || p->type == PROP_CORES;
	struct operand o = by_name ? (struct operand){ e, b->scope, e->span } : operand_of(c, b->scope, e);
	uint64_t number;
	int index;

	if (e->kind == AST_ERROR)
		return;
	switch (p->type) {
	case PROP_SYMBOL:
		if (value_word(c, o, p->of.words, &index))
			*(int *)member = index;
		break;
	case PROP_WORDS:
		read_words(c, p, b->scope, e, member);
		break;
	case PROP_INT:
		if (value_int(c, o, p->low, p->high, &number))
			*(struct rat *)member = rat_uint(number);
		break;
	case PROP_UINT:
		if (value_int(c, o, p->low, p->high, &number))
			*(uint64_t *)member = number;
		break;
	case PROP_QUANTITY:
		read_quantity(c, p, o, member);
		break;
	case PROP_RATE:
		read_rate(c, o, member);
		break;
	case PROP_SPEED:
		read_speed(c, o, member);
		break;
	case PROP_STRING:
		value_string(c, o, member);
		break;
	case PROP_FILE:
		read_file_name(c, p, o, member);
		break;
	case PROP_NOTE:
		read_note(c, o, member);
		break;
	case PROP_PREFIXES:
		read_prefixes(c, b->scope, e, member);
		break;
	case PROP_REF:
		read_ref(c, p, b->scope, e, member);
		break;
	case PROP_REFS:
		*(struct refs *)member = (struct refs){ 0 };
		value_refs(c, b->scope, e, p->of.kinds, member);
		break;
	case PROP_FIELDS:
		*(struct field_set *)member = (struct field_set){ 0 };
		value_fields(c, b->scope, e, member);
		break;
	case PROP_CORES:
		read_cores(c, b->scope, e, b->object);
		break;
	case PROP_FILTER:
		read_filter(c, b->scope, e, member);
		break;
	default:
		break;
	}
}

/* ---- one statement ---- */

/* A kind of block, by its letter in the table of properties. */
static const struct kind_word {
	const char *block;
	char letter;
	const char *word, *form;
} kind_words[] = {
	{ "node", 'e', "an endpoint", "node NAME" },
	{ "node", 'p', "a proxy", "node NAME : proxy" },
	{ "node", 's', "a server", "node NAME : server" },
	{ "node", 'w', "a switch", "node NAME : switch" },
	{ "attribute", 'l', "a label", "attribute NAME : label" },
	{ "target", 'b', "a target for bess", "target NAME : bess" },
	{ "target", 'd', "a target for dpdk", "target NAME : dpdk" },
	{ "target", 'n', "a target for nginx", "target NAME : nginx" },
	{ "target", 'k', "a target for socks", "target NAME : socks" },
	{ "target", 'g', "a target for dot", "target NAME : dot" },
};

static const struct kind_word *kind_that_takes(const struct prop *p)
{
	for (size_t i = 0; i < sizeof(kind_words) / sizeof(*kind_words); i++) {
		char letter[] = { kind_words[i].letter, '\0' };

		if (!strcmp(kind_words[i].block, p->block) && prop_fits(p, letter))
			return &kind_words[i];
	}
	return NULL;
}

/* "address, attributes and trust"; NULL: too many to be of use. */
static const char *known_properties(struct check *c, const struct block *b)
{
	enum { MOST = 12 };
	const char *names[MOST], *text = "";
	size_t n = 0;

	for (const struct prop *p = schema_first(b->name); p; p = schema_next(p)) {
		if (!prop_fits(p, b->kinds))
			continue;
		if (n == MOST)
			return NULL;
		names[n++] = p->name;
	}
	for (size_t i = 0; i < n; i++)
		text = arena_printf(ARENA(c), "%s%s%s", text, !i ? "" : i + 1 < n ? ", " : " and ", names[i]);
	return n ? text : NULL;
}

/* The property of another kind of this block, or of another block; else those that there are. */
static void help_with_property(struct check *c, struct diag *d, const struct block *b, const char *name,
			       const char *what)
{
	const struct prop *own = schema_find(b->name, name);
	const struct kind_word *kind = own ? kind_that_takes(own) : NULL;
	const char *known = known_properties(c, b);

	if (kind) {
		diag_help(DIAGS(c), d, "%s has it: %s { ... }", kind->word, kind->form);
		return;
	}
	for (int k = 0; k < N_SYMBOL_KINDS; k++) {
		const char *word = symbol_kind_word(k), *block = strchr(word, ' ') + 1;

		if (strcmp(block, b->name) && schema_find(block, name)) {
			diag_help(DIAGS(c), d, "it is a property of %s", word);
			return;
		}
	}
	if (known)
		diag_help(DIAGS(c), d, "%s has %s", what, known);
}

static void report_no_property(struct check *c, struct block *b, struct ast_name name)
{
	struct nearest near = nearest_to(name.name);
	const char *what = b->kind ? b->kind : symbol_kind_word(b->sym->kind);
	struct diag *d;

	for (const struct prop *p = schema_first(b->name); p; p = schema_next(p))
		if (prop_fits(p, b->kinds))
			nearest_try(&near, p->name);
	d = diag_add(DIAGS(c), E0305, name.span, "%s has no property '%s'", what, name.name);
	if (near.name) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, name.span, near.name, "write '%s'", near.name);
	} else {
		help_with_property(c, d, b, name.name, what);
	}
}

static void read_property(struct check *c, struct block *b, const struct ast_stmt *s)
{
	const struct prop *p = schema_find(b->name, s->name.name);
	const struct ast_stmt **first;
	const struct ast_expr *e;

	if (!strncmp(s->name.name, "x-", 2))
		return;
	if (!p && b->open) {
		b->code(c, b, s);
		return;
	}
	if (!p || !prop_fits(p, b->kinds)) {
		report_no_property(c, b, s->name);
		return;
	}
	first = &b->given.at[prop_index(p)];
	if (*first && !prop_may_repeat(p)) {
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0306, s->name.span, "'%s' is given twice", s->name.name),
			  (*first)->name.span, "first given here");
		return;
	}
	if (!*first)
		*first = s;
	if (p->type == PROP_CODE) {
		b->code(c, b, s);
		return;
	}
	clauses_check(c, &s->property.clauses, "");
	e = only_value(c, s);
	if (e)
		read_value(c, b, p, e);
}

/* ---- forgotten semicolons ---- */

/* Statements of type CODE tell which clauses they take. */
static const char *clauses_taken(const char *block, const char *property)
{
	static const struct {
		const char *block, *property, *clauses;
	} taken[] = {
		{ "function", "derives", "via" },
		{ "domain", "permit", "when carries" },
		{ "domain", "forbid", "when carries" },
		{ "application", "flow", "when rate carries" },
	};

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (!strcmp(taken[i].block, block) && !strcmp(taken[i].property, property))
			return taken[i].clauses;
	return "";
}

static uint32_t end_of_part(const struct ast_stmt *s, size_t clause)
{
	if (clause)
		return s->property.clauses.at[clause - 1].span.end;
	if (s->property.rhs)
		return s->property.rhs->span.end;
	return s->property.values.at[s->property.values.n - 1]->span.end;
}

/* The first clause that is really the next statement; n if there is none. */
static size_t swallowed(const struct block *b, const struct ast_stmt *s)
{
	const char *taken = clauses_taken(b->name, s->name.name);
	size_t i;

	for (i = 0; i < s->property.clauses.n; i++) {
		const char *name = s->property.clauses.at[i].name.name;

		if (!in_list(taken, name) && schema_find(b->name, name))
			break;
	}
	return i;
}

static struct ast_stmt *statement_of_clause(struct check *c, const struct ast_stmt *s, size_t clause)
{
	struct ast_stmt *next = arena_one(ARENA(c), struct ast_stmt);
	const struct ast_clause *head = &s->property.clauses.at[clause];

	next->kind = STMT_PROPERTY;
	next->span = span_join(head->span, s->span);
	next->name = head->name;
	next->property.values = head->values;
	next->property.clauses.at = s->property.clauses.at + clause + 1;
	next->property.clauses.n = s->property.clauses.n - clause - 1;
	return next;
}

/* Reads the statement; where a semicolon was forgotten, the ones it swallowed too. */
static void read_statement(struct check *c, struct block *b, const struct ast_stmt *s)
{
	size_t cut = swallowed(b, s);

	while (cut < s->property.clauses.n) {
		struct ast_stmt head = *s, *first;
		uint32_t end = end_of_part(s, cut);
		struct span before = { s->span.source, end - 1, end };
		struct diag *d = diag_add(DIAGS(c), E0204, before, "a ';' is missing behind this");

		diag_fix(DIAGS(c), d, MACHINE_APPLICABLE, (struct span){ s->span.source, end, end }, ";",
			 "insert ';'");
		head.property.clauses.n = cut;
		first = arena_one(ARENA(c), struct ast_stmt);
		*first = head;
		read_property(c, b, first);
		s = statement_of_clause(c, s, cut);
		if (!s->property.values.n)
			return;
		cut = swallowed(b, s);
	}
	read_property(c, b, s);
}

/* ---- the block ---- */

const struct ast_stmt *block_given(const struct block *b, const char *property)
{
	const struct prop *p = schema_find(b->name, property);

	return p ? b->given.at[prop_index(p)] : NULL;
}

static void check_required(struct check *c, struct block *b)
{
	for (const struct prop *p = schema_first(b->name); p; p = schema_next(p))
		if (prop_is_required(p) && prop_fits(p, b->kinds) && !b->given.at[prop_index(p)])
			diag_help(DIAGS(c),
				  diag_add(DIAGS(c), E0307, b->sym->span, "%s '%s' needs '%s'",
					   b->name, b->sym->name, p->name),
				  "write '%s ...;' in its block: %s", p->name, p->doc);
}

void block_read(struct check *c, struct block *b)
{
	if (!b->given.at)
		b->given.at = arena_many(ARENA(c), const struct ast_stmt *, schema_size(b->name));
	for (size_t i = 0; i < b->body->n; i++) {
		check_annotations(c, b->body->at[i]);
		if (b->body->at[i]->kind == STMT_PROPERTY)
			read_statement(c, b, b->body->at[i]);
	}
	if (!b->body->broken)
		check_required(c, b);
}

/* ---- annotations ---- */

static const struct {
	const char *name, *form;
	int least, most;
	enum ast_expr_kind kinds[2];
} annotations[] = {
	{ "owner", "@owner(\"who\")", 1, 1, { AST_STRING } },
	{ "expires", "@expires(2027-06-30)", 1, 1, { AST_DATE } },
	{ "allow", "@allow(rule, \"reason\")", 1, 2, { AST_PATH, AST_STRING } },
	{ "id", "@id(\"name\")", 1, 1, { AST_STRING } },
	{ "deprecated", "@deprecated(\"what instead\")", 0, 1, { AST_STRING } },
};

enum { N_ANNOTATIONS = sizeof(annotations) / sizeof(*annotations) };

static void check_annotation(struct check *c, const struct ast_annot *a)
{
	struct nearest near = nearest_to(a->name.name);
	struct diag *d;
	size_t k = 0;

	while (k < N_ANNOTATIONS && strcmp(annotations[k].name, a->name.name))
		nearest_try(&near, annotations[k++].name);
	if (k == N_ANNOTATIONS) {
		d = diag_add(DIAGS(c), E0305, a->name.span, "there is no annotation @%s", a->name.name);
		if (near.name)
			diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
		return;
	}
	if (a->values.n < (size_t)annotations[k].least || a->values.n > (size_t)annotations[k].most) {
		diag_add(DIAGS(c), E0401, a->span, "write %s", annotations[k].form);
		return;
	}
	for (size_t i = 0; i < a->values.n; i++)
		if (a->values.at[i]->kind != annotations[k].kinds[i] && a->values.at[i]->kind != AST_ERROR)
			diag_add(DIAGS(c), E0401, a->values.at[i]->span, "write %s", annotations[k].form);
}

void check_annotations(struct check *c, const struct ast_stmt *s)
{
	for (size_t i = 0; i < s->annots.n; i++)
		check_annotation(c, &s->annots.at[i]);
}
