#include <config.h>

#include "grammar/parser.h"

#include <ctype.h>
#include <string.h>

#include "compiler/base/text.h"

struct diag *syntax_error(struct parser *p, enum diag_code code, struct span span, const char *fmt, ...)
{
	va_list args;
	struct diag *d;

	va_start(args, fmt);
	d = diag_add(&p->ctx->diags, code, span, "%s", arena_vprintf(p->ctx->arena, fmt, args));
	va_end(args);
	p->n_errors++;
	return d;
}

/* What follows in this statement makes no sense any more and is not reported. */
static void spoil_statement(struct parser *p)
{
	p->spoilt = p->statement + 1;
}

void report_stray(struct parser *p, struct span span)
{
	size_t length;
	const char *text = token_text(p, span, &length);
	const char *help = hint_for_stray(p, span), *invisible = invisible_name(text);
	struct diag *d;

	if (invisible)
		d = syntax_error(p, E0101, span, "%s has no meaning here", invisible);
	else if (isprint((unsigned char)text[0]) || (text[0] & 0x80))
		d = syntax_error(p, E0101, span, "'%.*s' has no meaning here", (int)(length > 40 ? 40 : length), text);
	else
		d = syntax_error(p, E0101, span, "a control character (0x%02x) has no meaning here",
				 (unsigned char)text[0]);
	if (help)
		diag_help(&p->ctx->diags, d, "%s", help);
	spoil_statement(p);
}

void report_foreign_comment(struct parser *p, struct span comment)
{
	struct span sign = { p->source, comment.start, comment.start + 2 };
	size_t length;
	const char *text = token_text(p, sign, &length);

	diag_help(&p->ctx->diags, syntax_error(p, E0101, sign, "'%.2s' has no meaning here", text), "%s",
		  hint_for_stray(p, sign));
}

void report_unterminated(struct parser *p, struct span span)
{
	diag_help(&p->ctx->diags, syntax_error(p, E0102, span, "this string has no closing quote"),
		  "a string ends on the line where it begins; write '\"' behind it");
	spoil_statement(p);
}

void report_spaced_unit(struct parser *p, struct span number, struct span unit)
{
	size_t n, m;
	const char *digits = token_text(p, number, &n), *letters = token_text(p, unit, &m);
	struct diag *d = syntax_error(p, E0405, span_join(number, unit),
				      "a unit follows its number without a blank");

	diag_fix(&p->ctx->diags, d, MACHINE_APPLICABLE,
		 (struct span){ p->source, number.end, unit.start }, "", "write %.*s%.*s", (int)n,
		 digits, (int)m, letters);
}

/* The words of the text that was skipped are remembered. */
void note_lost(struct parser *p, struct span skipped)
{
	const char *s = p->text->text + skipped.start, *end = p->text->text + skipped.end;

	while (s < end) {
		const char *word = s;

		while (s < end && (isalnum((unsigned char)*s) || *s == '_' || *s == '-'))
			s++;
		if (s > word) {
			struct ast_name n = { intern(p->ctx->names, word, (size_t)(s - word)), skipped };

			p->file->lost = names_add(p, p->file->lost, n);
		} else {
			s++;
		}
	}
}

static bool is_reserved(const char *text, size_t length)
{
	for (const char *const *w = reserved_words(); *w; w++)
		if (strlen(*w) == length && !memcmp(*w, text, length))
			return true;
	return false;
}

/* "';', 'when' or a name"; NULL where the list would not help. */
static const char *expected_text(struct parser *p, const struct unexpected *u)
{
	struct sink s = { 0 };
	char *text;

	if (!u->n_expected || u->n_expected > 6)
		return NULL;
	for (size_t i = 0; i < u->n_expected; i++)
		sink_printf(&s, "%s%s", !i ? "" : i + 1 == u->n_expected ? " or " : ", ", u->expected[i]);
	text = arena_strdup(p->ctx->arena, s.data);
	sink_free(&s);
	return text;
}

static bool on_a_later_line(const struct parser *p, const struct token *before, struct span found)
{
	return memchr(p->text->text + before->span.end, '\n', found.start - before->span.end);
}

static void report_semicolon(struct parser *p, uint32_t after)
{
	struct span place = { p->source, after - 1, after };
	struct diag *d = syntax_error(p, E0204, place, "a ';' is missing behind this");

	diag_fix(&p->ctx->diags, d, MACHINE_APPLICABLE, (struct span){ p->source, after, after }, ";",
		 "insert ';'");
}

static void report_unclosed(struct parser *p)
{
	struct span open = p->braces.at[p->braces.n - 1].span;

	struct diag *d = syntax_error(p, E0202, open, "this block is never closed");

	if (p->suspect.end)
		diag_also(&p->ctx->diags, d, p->suspect,
			  "or this one: the '}' that closes it stands further left than it begins");
	diag_help(&p->ctx->diags, d, "write '}' where the block ends");
	p->file->unclosed = true;
}

static uint32_t end_before(const struct parser *p, uint32_t at)
{
	/* Comments and blanks between the last token and the one found do not count. */
	struct lexeme_end {
		uint32_t end;
	} e = { at };

	for (size_t i = p->file->comments.n; i-- > 0;) {
		while (e.end && isspace((unsigned char)p->text->text[e.end - 1]))
			e.end--;
		if (p->file->comments.at[i].span.end != e.end)
			break;
		e.end = p->file->comments.at[i].span.start;
	}
	while (e.end && isspace((unsigned char)p->text->text[e.end - 1]))
		e.end--;
	return e.end;
}

static bool ends_statement(const struct parser *p)
{
	return p->last.kind == ';' || p->last.kind == END ||
	       (p->last.kind == '}' && p->begins);
}

/* Delivers a `;` and then the unexpected token once more: only the statement in hand
 * is lost. */
static void recover_with_semicolon(struct parser *p)
{
	note_lost(p, (struct span){ p->source, p->statement, p->last.span.end });
	/* A closing brace ends the recovery by itself. */
	if (p->has_held || p->last.kind == END || p->last.kind == '}')
		return;
	if (p->last.kind == '{')
		p->braces.n--;
	p->held = p->last;
	p->has_held = true;
	p->wants_semicolon = true;
}

static struct diag *add_found(struct parser *p, const struct unexpected *u, const char **hint)
{
	const char *expected = expected_text(p, u);
	size_t length;
	const char *text = token_text(p, u->span, &length);
	const char *found = arena_printf(p->ctx->arena, "'%.*s'", (int)length, text);

	*hint = u->at_end ? NULL : hint_for_unexpected(p, u->span, end_before(p, u->span.start));
	if (u->at_end)
		found = "the end of the file";
	if (!u->at_end && is_reserved(text, length) && u->wants_name) {
		*hint = hint_for_reserved(p, u->span);
		return syntax_error(p, E0203, u->span, "%s is a reserved word and cannot be a name", found);
	}
	if (expected)
		return syntax_error(p, E0201, u->span, "expected %s, found %s", expected, found);
	return syntax_error(p, E0201, u->span, "%s makes no sense here", found);
}

static void report_found(struct parser *p, const struct unexpected *u)
{
	const char *hint;
	struct diag *d;

	if (!u->at_end && report_earlier_mistake(p, u->span, end_before(p, u->span.start)))
		return;
	d = add_found(p, u, &hint);
	if (hint)
		diag_help(&p->ctx->diags, d, "%s", hint);
}

void report_unexpected(struct parser *p, const struct unexpected *u)
{
	char found = p->text->text[u->span.start];
	uint32_t before = end_before(p, u->span.start);
	struct token last = { .span = { p->source, before, before } };
	bool semicolon = u->wants_semicolon && before > 0 &&
			 (u->at_end || found == '}' || on_a_later_line(p, &last, u->span));

	if (p->n_errors > MOST_SYNTAX_ERRORS)
		return;
	if (u->at_end && p->braces.n) {
		report_unclosed(p);
	} else if (p->spoilt == p->statement + 1) {
		p->spoilt = 0;
		if (on_a_later_line(p, &last, u->span))
			recover_with_semicolon(p);
		else
			p->recovering = !ends_statement(p);
	} else if (semicolon) {
		report_semicolon(p, before);
		recover_with_semicolon(p);
	} else {
		p->recovering = !ends_statement(p);
		report_found(p, u);
	}
}
