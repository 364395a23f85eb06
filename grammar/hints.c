/* What the author may have meant: from the words round a mistake, for the help of its message. */
#include <config.h>

#include "grammar/parser.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "compiler/base/text.h"

/* ---- signs that .epi does not have ---- */

#define QUOTES "a string stands in straight double quotes: \"...\""
#define NO_BLANK "write an ordinary blank"

/* The first row whose sign the text begins with. */
static const struct {
	const char *sign, *help;
} strays[] = {
	{ "&", "write 'and'" },
	{ "|", "write 'or'" },
	{ "!", "write 'not'" },
	{ "//", "comments begin with '#'" },
	{ "/*", "comments begin with '#'" },
	{ "/", "a service is written 443/tcp and a prefix 10.0.0.0/8; comments begin with '#'" },
	{ "<-", "arrows point to the right: turn the two ends round" },
	{ "-", "arrows are written '->', '->>' and '=>'; a hyphen in a name is followed by a "
	       "letter or digit" },
	{ "%", "a share is a number with '%' directly behind it: 5%" },
	{ "'", QUOTES },
	{ "`", QUOTES },
	{ "[", "sets and blocks stand in braces: { ... }" },
	{ "]", "sets and blocks stand in braces: { ... }" },
	{ "\xe2\x80\x98", QUOTES }, /* ‘ */
	{ "\xe2\x80\x99", QUOTES }, /* ’ */
	{ "\xe2\x80\x9c", QUOTES }, /* “ */
	{ "\xe2\x80\x9d", QUOTES }, /* ” */
	{ "\xe2\x80\x9e", QUOTES }, /* „ */
	{ "\xc2\xab", QUOTES },     /* « */
	{ "\xc2\xbb", QUOTES },     /* » */
	{ "\xe2\x87\x92", "write '=>'" },
	{ "\xe2\x86\x92", "write '->'" },
	{ "\xe2\x89\xa0", "write '!='" },
	{ "\xe2\x89\xa4", "write '<='" },
	{ "\xe2\x89\xa5", "write '>='" },
	{ "\xe2\x80\x93", "write '-'; a range is written with two dots: 8000..8080" },
	{ "\xe2\x80\x94", "write '-'; a range is written with two dots: 8000..8080" },
	{ "\xe2\x80\xa6", "write '..'" },
	{ "\xc2\xa0", NO_BLANK },
	{ "\xe2\x80\xaf", NO_BLANK },
	{ "\xe2\x80\x8b", "take it out" },
	{ "\xef\xbb\xbf", "take it out" },
};

static bool between_digits(const struct parser *p, struct span span)
{
	return span.start && isdigit((unsigned char)p->text->text[span.start - 1]) &&
	       isdigit((unsigned char)p->text->text[span.end]);
}

const char *hint_for_stray(const struct parser *p, struct span span)
{
	size_t length;
	const char *text = token_text(p, span, &length);

	if (text[0] == '-' && between_digits(p, span))
		return "a range is written with two dots: 8000..8080";
	for (size_t i = 0; i < sizeof(strays) / sizeof(*strays); i++)
		if (!strncmp(text, strays[i].sign, strlen(strays[i].sign)))
			return strays[i].help;
	return NULL;
}

/* Characters that look like a blank or like nothing; NULL: the text does not begin with one. */
const char *invisible_name(const char *text)
{
	static const struct {
		const char *bytes, *name;
	} rows[] = {
		{ "\xc2\xa0", "a no-break blank (U+00A0)" },
		{ "\xe2\x80\xaf", "a narrow no-break blank (U+202F)" },
		{ "\xe2\x80\x8b", "a blank without width (U+200B)" },
		{ "\xef\xbb\xbf", "a byte-order mark (U+FEFF)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strncmp(text, rows[i].bytes, strlen(rows[i].bytes)))
			return rows[i].name;
	return NULL;
}

/* ---- words where they do not belong ---- */

struct spot {
	const struct parser *p;
	const char *found; /* the token, and its length */
	size_t length;
	const char *statement; /* where its statement begins */
	const char *before;    /* behind the last character before it that is no white space */
};

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static size_t word_length(const char *s)
{
	size_t n = 0;

	while (is_word_char(s[n]))
		n++;
	return n;
}

static bool found_is(const struct spot *at, const char *text)
{
	return strlen(text) == at->length && !memcmp(text, at->found, at->length);
}

static bool statement_begins(const struct spot *at, const char *word)
{
	return word_length(at->statement) == strlen(word) &&
	       !strncmp(at->statement, word, strlen(word));
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* "NAME" or "NAME:" and then what was found. */
static bool follows_first_word(const struct spot *at, const char *sign)
{
	const char *s = skip_blanks(at->statement + word_length(at->statement));

	if (s == at->statement)
		return false;
	if (*sign && strncmp(s, sign, 1))
		return false;
	return skip_blanks(s + strlen(sign)) == at->found;
}

static const char *hint_header(const struct spot *at)
{
	if (found_is(at, "edition"))
		return "'edition' is the first statement of a file, and stands there once";
	if (found_is(at, "module"))
		return "'module' stands once, at the beginning of a file or right behind 'edition'";
	return NULL;
}

static const char *hint_brace_too_many(const struct spot *at)
{
	return found_is(at, "}") && !at->p->braces.n
		   ? "every block before it is closed already: one '}' too many"
		   : NULL;
}

static const char *hint_equals(const struct spot *at)
{
	if (!found_is(at, "=") || statement_begins(at, "let"))
		return NULL;
	return follows_first_word(at, "")
		   ? "a property and its value stand side by side, without '='"
		   : "a comparison is written '=='";
}

static const char *hint_colon(const struct spot *at)
{
	return follows_first_word(at, ":")
		   ? "a property and its value stand side by side, without ':'"
		   : NULL;
}

static const char *hint_moves(const struct spot *at)
{
	return found_is(at, "=>") ? "packets go from module to module by '->'; data moves by '=>' "
				    "in flow, permit, forbid and expect"
				  : NULL;
}

static const char *hint_parenthesis(const struct spot *at)
{
	return found_is(at, "(") ? "sets and blocks stand in braces: { ... }" : NULL;
}

static const char *hint_clause(const struct spot *at)
{
	static const char *const clauses[] = { "when", "rate", "carries", "via", "by", "on" };
	const char *s = at->before;

	while (s > at->statement && is_word_char(s[-1]))
		s--;
	for (size_t i = 0; i < sizeof(clauses) / sizeof(*clauses) && s > at->statement; i++)
		if (strlen(clauses[i]) == (size_t)(at->before - s) &&
		    !memcmp(clauses[i], s, strlen(clauses[i])))
			return arena_printf(at->p->ctx->arena, "'%s' needs a value", clauses[i]);
	return NULL;
}

/* "purpose Study 17": nothing but words so far. */
static const char *hint_text(const struct spot *at)
{
	for (const char *s = at->statement; s < at->before; s++)
		if (!is_word_char(*s) && !isspace((unsigned char)*s))
			return NULL;
	if (at->p->braces.n && at->before > at->statement &&
	    (found_is(at, ";") || isalnum((unsigned char)at->found[0])))
		return "a text stands in double quotes";
	return NULL;
}

/* At the top of a file: a declaration in other letters, or what belongs into a block. */
static const char *hint_top(const struct spot *at)
{
	static const struct {
		const char *word, *help;
	} inner[] = {
		{ "permit", "'permit' stands in the block of a domain" },
		{ "forbid", "'forbid' stands in the block of a domain" },
		{ "default", "'default' stands in the block of a domain" },
		{ "flow", "'flow' stands in the block of an application" },
		{ "group", "'group' stands in the block of an slo" },
	};
	struct arena *arena = at->p->ctx->arena;
	struct nearest near = nearest_to(arena_strndup(arena, at->found, at->length));

	if (at->found != at->statement || !isalpha((unsigned char)at->found[0]))
		return NULL;
	for (size_t i = 0; i < sizeof(inner) / sizeof(*inner); i++)
		if (found_is(at, inner[i].word))
			return inner[i].help;
	for (const char *const *w = reserved_words(); *w; w++) {
		if (!strcasecmp(*w, near.wanted))
			return arena_printf(arena, "did you mean '%s'?", *w);
		nearest_try(&near, *w);
	}
	return near.name ? arena_printf(arena, "did you mean '%s'?", near.name)
			 : "a file consists of declarations: use, let, attribute, function, "
			   "domain, class, pipeline, slo, application, target, expect";
}

static struct spot spot_of(const struct parser *p, struct span found, uint32_t before)
{
	struct spot at = { .p = p,
			   .statement = p->text->text + p->statement,
			   .before = p->text->text + before };

	at.found = token_text(p, found, &at.length);
	return at;
}

const char *hint_for_unexpected(const struct parser *p, struct span found, uint32_t before)
{
	static const char *(*const hints[])(const struct spot *) = {
		hint_header,      hint_brace_too_many, hint_equals, hint_colon, hint_moves,
		hint_parenthesis, hint_clause,         hint_text,   hint_top,
	};
	struct spot at = { .p = p,
			   .statement = p->text->text + p->statement,
			   .before = p->text->text + before };
	const char *hint = NULL;

	at.found = token_text(p, found, &at.length);
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints) && !hint; i++)
		hint = hints[i](&at);
	return hint;
}

/* ---- mistakes that were made before the word that does not fit ---- */

static struct span span_of(const struct parser *p, const char *text, size_t length)
{
	uint32_t start = (uint32_t)(text - p->text->text);

	return (struct span){ p->source, start, start + (uint32_t)length };
}

/* "expect no reach a => b", "expect a => b". */
static bool report_kind_of_expectation(struct parser *p, const struct spot *at)
{
	static const char *const kinds[] = { "reach", "bridge",   "path",
					     "area",  "feasible", "classified" };
	const char *s = at->statement;
	size_t n;

	if (!statement_begins(at, "expect"))
		return false;
	s = skip_blanks(s + strlen("expect"));
	if (word_length(s) == 3 && !strncmp(s, "not", 3))
		s = skip_blanks(s + 3);
	n = word_length(s);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (n == strlen(kinds[i]) && !strncmp(s, kinds[i], n))
			return false;
	if (!n || s >= at->found)
		return false;
	diag_help(
	    &p->ctx->diags,
	    syntax_error(p, E0201, span_of(p, s, n), "'%.*s' is no kind of expectation", (int)n, s),
	    "write 'expect KIND ...;' or 'expect not KIND ...;', where KIND is reach, bridge, "
	    "path, area, feasible or classified");
	return true;
}

/* "address 10.1.0.5, attributes {}": the comma was meant to end a statement. */
static bool report_comma(struct parser *p, const struct spot *at)
{
	const char *s = at->before;
	struct span comma;

	while (s > at->statement && is_word_char(s[-1]))
		s--;
	if (s == at->before || !p->braces.n)
		return false;
	while (s > at->statement && isspace((unsigned char)s[-1]))
		s--;
	if (s == at->statement || s[-1] != ',')
		return false;
	comma = span_of(p, s - 1, 1);
	diag_fix(&p->ctx->diags,
		 syntax_error(p, E0204, comma, "a statement ends with ';', not with ','"),
		 MAYBE_INCORRECT, comma, ";", "write ';'");
	return true;
}

bool report_earlier_mistake(struct parser *p, struct span found, uint32_t before)
{
	struct spot at = spot_of(p, found, before);

	return report_kind_of_expectation(p, &at) || report_comma(p, &at);
}

const char *hint_for_reserved(const struct parser *p, struct span found)
{
	size_t length;
	const char *text = token_text(p, found, &length);

	if (found.start == p->statement && length == strlen("attribute") &&
	    !memcmp(text, "attribute", length))
		return "did you mean the property 'attributes'?";
	return arena_printf(p->ctx->arena, "choose another name, for example 'my-%.*s'",
			    (int)length, text);
}
