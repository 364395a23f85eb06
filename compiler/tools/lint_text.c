/* Lint: rules about the text of a file.  Findings are in the root file. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compiler/ast/ast.h"
#include "compiler/tools/fmt.h"
#include "compiler/tools/lint_names.h"
#include "grammar/parse.h"

#define DIAGS(l) (&(l)->ctx->diags)

static const struct ast_file *root_file(const struct linting *l)
{
	return l->policy->model->root->ast;
}

static const struct source *root_source(const struct linting *l)
{
	return source_at(&l->ctx->sources, root_file(l)->source);
}

/* ---- places ---- */

struct span lint_statement_span(const struct ast_stmt *s)
{
	struct span span = s->span;

	if (s->annots.n && s->annots.at[0].span.start < span.start)
		span.start = s->annots.at[0].span.start;
	return span;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t line_start(const struct source *src, size_t at)
{
	while (at && src->text[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the line end. */
static size_t line_end(const struct source *src, size_t at)
{
	while (at < src->size && src->text[at] != '\n')
		at++;
	return at < src->size ? at + 1 : at;
}

static bool is_blank_between(const struct source *src, size_t from, size_t to)
{
	while (from < to && (is_blank(src->text[from]) || src->text[from] == '\n'))
		from++;
	return from == to;
}

/* Whole lines go; of the empty lines above and below only one is kept, at the ends of the
 * file none. */
static struct span with_empty_lines(const struct source *src, struct span span)
{
	size_t above = span.start ? line_start(src, span.start - 1) : 0,
	       below = line_end(src, span.end);
	bool empty_above = is_blank_between(src, above, span.start);
	bool empty_below = span.end < src->size && is_blank_between(src, span.end, below);

	if (empty_above && empty_below)
		span.end = (uint32_t)below;
	else if (empty_above && span.end == src->size)
		span.start = (uint32_t)above;
	return span;
}

struct span lint_span_with_layout(const struct source *src, struct span span)
{
	size_t first = line_start(src, span.start), last = line_end(src, span.end);
	bool leads = is_blank_between(src, first, span.start),
	     ends = is_blank_between(src, span.end, last);

	if (leads && ends) {
		span.start = (uint32_t)first;
		span.end = (uint32_t)last;
		return with_empty_lines(src, span);
	}
	while (ends && span.start && is_blank(src->text[span.start - 1]))
		span.start--;
	while (!ends && span.end < src->size && is_blank(src->text[span.end]))
		span.end++;
	return span;
}

/* ---- L1001 missing-edition ---- */

/* The first token, with the comments that document it. */
static size_t first_statement(const struct linting *l, struct span *first)
{
	const struct ast_file *f = root_file(l);
	const struct source *src = root_source(l);
	size_t at;

	*first = (struct span){ f->source, 0, 0 };
	if (f->has_module)
		*first = (struct span){ f->source, f->module_span.start, f->module_span.end };
	else if (f->items.n)
		*first = lint_statement_span(f->items.at[0]);
	at = line_start(src, first->start);
	while (at) {
		size_t above = line_start(src, at - 1);

		if (strncmp(src->text + above + strspn(src->text + above, " \t"), "##", 2))
			break;
		at = above;
	}
	return at;
}

static void missing_edition(struct linting *l)
{
	const struct ast_file *f = root_file(l);
	struct span first, place;
	struct diag *d;

	if (f->has_edition)
		return;
	place.source = f->source;
	place.start = place.end = (uint32_t)first_statement(l, &first);
	d = diag_add(DIAGS(l), L1001, first,
		     "the file does not say which edition of the language it is written in");
	diag_fix(DIAGS(l), d, MACHINE_APPLICABLE, place, "edition 1;\n",
		 "write 'edition 1;' in front of it");
}

/* ---- L1002 not-formatted ---- */

static size_t first_difference(const struct source *src, const struct sink *text)
{
	size_t i = 0;

	while (i < src->size && i < text->size && src->text[i] == text->data[i])
		i++;
	return i;
}

/* Equal bytes at the end, not reaching before FROM. */
static size_t common_tail(const struct source *src, const struct sink *text, size_t from)
{
	size_t n = 0;

	while (src->size - n > from && text->size - n > from &&
	       src->text[src->size - n - 1] == text->data[text->size - n - 1])
		n++;
	return n;
}

static bool continues_character(const char *text, size_t at)
{
	return ((unsigned char)text[at] & 0xc0) == 0x80;
}

static void report_layout(struct linting *l, const struct source *src, const struct sink *text)
{
	size_t from = first_difference(src, text), tail;
	uint32_t source = root_file(l)->source;
	struct span changed, line;
	const char *new;
	struct diag *d;

	while (from && from < src->size && continues_character(src->text, from))
		from--;
	tail = common_tail(src, text, from);
	while (tail && continues_character(src->text, src->size - tail))
		tail--;
	changed = (struct span){ source, (uint32_t)from, (uint32_t)(src->size - tail) };
	line = (struct span){ source, (uint32_t)line_start(src, from), 0 };
	line.end = (uint32_t)line_end(src, line.start);
	line.end -= line.end > line.start && src->text[line.end - 1] == '\n';
	new = arena_strndup(l->ctx->arena, text->data + from, text->size - tail - from);
	d = diag_add(DIAGS(l), L1002, line,
		     "the layout is not the canonical one, from this line on");
	diag_fix(DIAGS(l), d, MACHINE_APPLICABLE, changed, new, "run epic fmt");
}

static void not_formatted(struct linting *l)
{
	const struct source *src = root_source(l);
	struct sink text = { 0 };

	sink_puts(&text, "");
	if (fmt_source(l->ctx, root_file(l)->source, &text) &&
	    (text.size != src->size || memcmp(text.data, src->text, text.size)))
		report_layout(l, src, &text);
	sink_free(&text);
}

/* ---- L1003 naming-style ---- */

static bool is_kebab(const char *name)
{
	name += *name == '_';
	if (!islower((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!islower((unsigned char)*name) && !isdigit((unsigned char)*name) &&
		    *name != '-')
			return false;
	return true;
}

/* "EHR_1" as "ehr-1", "fooBar" as "foo-bar"; NULL: there is no such name. */
static const char *kebab(struct arena *a, const char *name)
{
	struct sink s = { 0 };
	const char *text, *const *w = reserved_words();

	for (size_t i = 0; name[i]; i++) {
		char c = name[i], before = i ? name[i - 1] : '\0';
		bool hump = isupper((unsigned char)c) &&
			    (islower((unsigned char)before) || isdigit((unsigned char)before));

		if ((hump || c == '_') && i && before != '-' && before != '_' &&
		    (hump || name[i + 1]))
			sink_putc(&s, '-');
		if (c != '_' || !i)
			sink_putc(&s, (char)tolower((unsigned char)c));
	}
	text = arena_strdup(a, s.data);
	sink_free(&s);
	while (*w && strcmp(*w, text))
		w++;
	return *w || !is_kebab(text) ? NULL : text;
}

static void check_name(struct linting *l, const char *name, struct span span)
{
	const char *better;
	struct diag *d;

	if (is_kebab(name))
		return;
	better = kebab(l->ctx->arena, name);
	d = diag_add(DIAGS(l), L1003, span, "'%s' is not in kebab-case, as names are", name);
	if (better)
		diag_label(DIAGS(l), d, "call it '%s'", better);
	else
		diag_help(DIAGS(l), d, "write it in small letters, with hyphens between words");
}

static void naming_style(struct linting *l)
{
	struct symbols declared = lint_declared(l);
	const struct ast_stmts *items = &root_file(l)->items;

	for (size_t i = 0; i < declared.n; i++)
		check_name(l, declared.at[i]->name, declared.at[i]->span);
	for (size_t i = 0; i < items->n; i++)
		if (items->at[i]->kind == STMT_USE && items->at[i]->use.has_alias)
			check_name(l, items->at[i]->name.name, items->at[i]->name.span);
}

/* ---- L1008 missing-doc ---- */

static size_t line_of(const struct source *src, size_t at)
{
	return source_place(src, at).line;
}

static bool has_doc(const struct linting *l, const struct ast_stmt *s)
{
	const struct ast_file *f = root_file(l);
	const struct source *src = root_source(l);
	struct span span = lint_statement_span(s);
	size_t line = line_of(src, span.start);

	for (size_t i = 0; i < f->comments.n; i++) {
		struct span c = f->comments.at[i].span;

		if (c.start > s->span.start)
			break;
		if (!strncmp(src->text + c.start, "##", 2) &&
		    (c.start > span.start || line_of(src, c.start) + 1 == line))
			return true;
	}
	return false;
}

static void missing_doc(struct linting *l)
{
	const struct ast_stmts *items = &root_file(l)->items;

	for (size_t i = 0; i < items->n; i++) {
		const struct ast_stmt *s = items->at[i];

		if (s->kind != STMT_DECL || s->name.name[0] == '_' ||
		    (s->decl.kind != DECL_FUNCTION && s->decl.kind != DECL_PIPELINE) ||
		    has_doc(l, s))
			continue;
		diag_help(DIAGS(l),
			  diag_add(DIAGS(l), L1008, s->name.span,
				   "the %s '%s' has no documentation", decl_word(s->decl.kind),
				   s->name.name),
			  "say what it is for in a line '## ...' above it");
	}
}

/* ---- L1011 expired ---- */

/* Days since 1970-01-01, by the proleptic Gregorian calendar. */
long lint_day_number(uint32_t date)
{
	long year = date / 10000, month = date / 100 % 100, day = date % 100, era, of_era;

	year -= month <= 2;
	era = year / 400;
	of_era = year - era * 400;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
}

enum { WARNING_DAYS = 30 };

static void check_expiry(struct linting *l, const struct ast_annot *annot)
{
	const struct ast_expr *date = annot->values.n ? annot->values.at[0] : NULL;
	struct diag *d;
	long left;

	if (strcmp(annot->name.name, "expires") || !date || date->kind != AST_DATE)
		return;
	left = lint_day_number(date->date) - lint_day_number(l->today);
	if (left > WARNING_DAYS)
		return;
	if (left < 0) {
		d = diag_add(DIAGS(l), L1011, annot->span, "this expired %ld %s ago", -left,
			     left == -1 ? "day" : "days");
	} else {
		d = diag_add(DIAGS(l), L1011, annot->span,
			     left ? "this expires in %ld %s" : "this expires today", left,
			     left == 1 ? "day" : "days");
		d->severity = SEVERITY_WARNING;
	}
	diag_help(DIAGS(l), d,
		  "delete what is no longer due, or decide anew and write a later date");
}

static void check_expiries(struct linting *l, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->at[i];

		for (size_t k = 0; k < s->annots.n; k++)
			check_expiry(l, &s->annots.at[k]);
		if (s->kind == STMT_DECL)
			check_expiries(l, &s->decl.body);
	}
}

static void expired(struct linting *l)
{
	check_expiries(l, &root_file(l)->items);
}

/* ---- L1013 literal-secret ---- */

static bool names_secret(const char *name)
{
	static const char *const words[] = { "key", "password", "token", "secret" };
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t m = strlen(words[i]);

		if (n >= m && !strcasecmp(name + n - m, words[i]))
			return true;
	}
	return false;
}

static bool was_reported(const struct linting *l, struct span span)
{
	const struct diags *ds = &l->ctx->diags;

	for (size_t i = 0; i < ds->list.n; i++)
		if (ds->list.at[i]->code == E0806 && !span_cmp(ds->list.at[i]->span, span))
			return true;
	return false;
}

static void check_secret(struct linting *l, const char *name, const struct ast_expr *e,
			 struct span at)
{
	const struct symbol *let;

	if (e->kind == AST_SET)
		for (size_t i = 0; i < e->list.members.n; i++)
			check_secret(l, name, e->list.members.at[i],
				     at.source == e->span.source ? e->list.members.at[i]->span
								 : at);
	let = e->kind == AST_PATH ? lint_named(l, e) : NULL;
	if (let && let->kind == SYM_LET && !let->broken)
		check_secret(l, name, let->stmt->let, at);
	if (e->kind != AST_STRING || !strncmp(e->text, "file:", 5) ||
	    !strncmp(e->text, "env:", 4) || was_reported(l, at))
		return;
	diag_help(
	    DIAGS(l),
	    diag_add(DIAGS(l), L1013, at, "the secret of '%s' stands in the policy itself", name),
	    "put it into a file and write \"file:PATH\", or into the environment and write "
	    "\"env:NAME\"");
}

static void check_secrets(struct linting *l, const struct ast_stmts *stmts)
{
	for (size_t i = 0; i < stmts->n; i++) {
		const struct ast_stmt *s = stmts->at[i];

		if (s->kind == STMT_DECL)
			check_secrets(l, &s->decl.body);
		for (size_t k = 0; s->kind == STMT_PROPERTY && names_secret(s->name.name) &&
				   k < s->property.values.n;
		     k++)
			check_secret(l, s->name.name, s->property.values.at[k],
				     s->property.values.at[k]->span);
	}
}

static void literal_secret(struct linting *l)
{
	check_secrets(l, &root_file(l)->items);
}

/* L1009 and L1010 are about @allow: lint_allow.c. */
const struct lint_rule lint_text_rules[] = {
	{ L1001, missing_edition },
	{ L1002, not_formatted },
	{ L1003, naming_style },
	{ L1004, lint_unused_import },
	{ L1005, lint_unused_definition },
	{ L1006, lint_shadowed_name },
	{ L1007, lint_duplicate_value },
	{ L1008, missing_doc },
	{ L1011, expired },
	{ L1012, lint_deprecated_use },
	{ L1013, literal_secret },
	{ 0 },
};
