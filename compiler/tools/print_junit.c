/* --format junit: test runs as most services read them, one suite for each policy. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/print.h"

struct junit_case {
	struct span span; /* of the expectation; SPAN_NONE: the case of the file */
	const char *name;
	const char *failure; /* NULL: none; the first message, for its attribute */
	const char *code, *text;
	bool undecided;
};

struct suite {
	const char *name;
	VEC(struct junit_case) cases;
	size_t n_failures, n_undecided;
};

struct kept {
	VEC(struct suite) suites;
	VEC(const struct diag *) at_hand; /* of the policy that is being reported */
};

static struct kept *kept_of(struct run *r)
{
	if (!r->kept)
		r->kept = arena_one(r->options->arena, struct kept);
	return r->kept;
}

static void junit_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	(void)ctx;
	vec_push(r->options->arena, &kept_of(r)->at_hand, d);
}

/* ---- cases ---- */

/* The text of the expectation on one line, without its semicolon. */
static const char *case_name(struct arena *a, const struct source *src, struct span span)
{
	char *name = arena_strndup(a, src->text + span.start, span.end - span.start), *to = name;

	for (const char *from = name; *from; from++) {
		bool blank = strchr(" \t\r\n", *from) != NULL;

		if (!blank)
			*to++ = *from;
		else if (to > name && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > name && strchr("; ", to[-1]))
		to--;
	*to = '\0';
	return name;
}

static void put_note(struct sink *s, const char *note)
{
	sink_puts(s, "  ");
	for (; *note; note++) {
		sink_putc(s, *note);
		if (*note == '\n')
			sink_puts(s, "  ");
	}
	sink_putc(s, '\n');
}

/* As --format plain says it, with what the notes add. */
static const char *told(struct arena *a, const struct ctx *ctx, const struct diag *d,
			const char *before)
{
	struct sink s = { 0 };
	const char *text;

	sink_puts(&s, before ? before : "");
	if (!span_is_none(d->span)) {
		const struct source *src = source_at(&ctx->sources, d->span.source);
		struct place at = source_place(src, d->span.start);

		sink_printf(&s, "%s:%zu:%zu: ", src->path, at.line, at.col);
	}
	sink_printf(&s, "%s: %s\n", diag_page(d->code)->code, d->message);
	for (size_t i = 0; i < d->notes.n; i++)
		put_note(&s, d->notes.at[i]);
	text = arena_strndup(a, s.data, s.size);
	sink_free(&s);
	return text;
}

static void add_finding(struct run *r, const struct ctx *ctx, struct junit_case *c,
			const struct diag *d)
{
	struct arena *a = r->options->arena;

	c->text = told(a, ctx, d, c->text);
	if (c->failure)
		return;
	c->failure = arena_strdup(a, d->message);
	c->code = diag_page(d->code)->code;
	c->undecided = d->severity != SEVERITY_ERROR && !span_is_none(c->span);
}

static enum severity fail_level(const struct options *o)
{
	if (!o->fail_level || !strcmp(o->fail_level, "error"))
		return SEVERITY_ERROR;
	return strcmp(o->fail_level, "info") ? SEVERITY_WARNING : SEVERITY_INFO;
}

static bool is_about(const struct junit_case *c, const struct diag *d)
{
	return !span_is_none(c->span) && !span_cmp(c->span, d->span) && c->span.end == d->span.end;
}

static struct junit_case *case_of(struct suite *s, const struct diag *d)
{
	for (size_t i = 0; i < s->cases.n; i++)
		if (is_about(&s->cases.at[i], d))
			return &s->cases.at[i];
	return NULL;
}

static void add_expectations(struct run *r, const struct ctx *ctx, struct suite *s)
{
	for (size_t i = 0; i < r->judged.n; i++) {
		struct span span = r->judged.at[i];
		const struct source *src = source_at(&ctx->sources, span.source);
		struct junit_case c = { .span = span,
					.name = case_name(r->options->arena, src, span) };

		vec_push(r->options->arena, &s->cases, c);
	}
}

/* A policy that was tested needs a case of its own only for what no expectation tells. */
static void junit_file(struct run *r, const struct ctx *ctx)
{
	struct kept *k = kept_of(r);
	struct arena *a = r->options->arena;
	struct suite s = { .name = arena_strdup(a, policy_name(r, ctx)) };
	struct junit_case whole = { .span = SPAN_NONE, .name = s.name };

	add_expectations(r, ctx, &s);
	for (size_t i = 0; i < k->at_hand.n; i++) {
		const struct diag *d = k->at_hand.at[i];
		struct junit_case *c = case_of(&s, d);

		if (c || d->severity <= fail_level(r->options))
			add_finding(r, ctx, c ? c : &whole, d);
	}
	if (!s.cases.n || whole.failure)
		vec_push(a, &s.cases, whole);
	for (size_t i = 0; i < s.cases.n; i++) {
		const struct junit_case *c = &s.cases.at[i];

		s.n_undecided += c->undecided;
		s.n_failures += c->failure && !c->undecided;
	}
	vec_push(a, &k->suites, s);
	k->at_hand.n = 0;
}

/* ---- XML ---- */

/* What XML cannot carry becomes a question mark. */
static void put_text(struct sink *s, const char *text, const char *escaped)
{
	size_t bad;

	if (!text_is_utf8(text, strlen(text), &bad)) {
		sink_puts(s, "(this is not plain UTF-8)");
		return;
	}
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr(escaped, c))
			sink_printf(s, "&#%u;", c);
		else
			sink_putc(s, c < 0x20 && c != '\n' && c != '\t' ? '?' : (char)c);
	}
}

static void put_attribute(struct sink *s, const char *name, const char *value)
{
	sink_printf(s, " %s=\"", name);
	put_text(s, value, "&<>\"\n\t");
	sink_putc(s, '"');
}

static void put_counts(struct sink *s, size_t n_tests, size_t n_failures, size_t n_errors)
{
	sink_printf(s, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", n_tests, n_failures,
		    n_errors);
}

static void put_case(struct sink *s, const struct suite *suite, const struct junit_case *c)
{
	const char *element = c->undecided ? "error" : "failure";

	sink_puts(s, "    <testcase");
	put_attribute(s, "name", c->name);
	put_attribute(s, "classname", suite->name);
	if (!c->failure) {
		sink_puts(s, "/>\n");
		return;
	}
	sink_printf(s, ">\n      <%s", element);
	put_attribute(s, "type", c->code);
	put_attribute(s, "message", c->failure);
	sink_putc(s, '>');
	put_text(s, c->text, "&<>");
	sink_printf(s, "</%s>\n    </testcase>\n", element);
}

static void put_suite(struct sink *s, const struct suite *suite)
{
	sink_puts(s, "  <testsuite");
	put_attribute(s, "name", suite->name);
	put_attribute(s, "file", suite->name);
	put_counts(s, suite->cases.n, suite->n_failures, suite->n_undecided);
	sink_puts(s, ">\n");
	for (size_t i = 0; i < suite->cases.n; i++)
		put_case(s, suite, &suite->cases.at[i]);
	sink_puts(s, "  </testsuite>\n");
}

static void junit_end(struct run *r, int code)
{
	const struct kept *k = kept_of(r);
	size_t n_tests = 0, n_failures = 0, n_undecided = 0;
	struct sink *s = &r->pending;

	(void)code;
	for (size_t i = 0; i < k->suites.n; i++) {
		n_tests += k->suites.at[i].cases.n;
		n_failures += k->suites.at[i].n_failures;
		n_undecided += k->suites.at[i].n_undecided;
	}
	sink_puts(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
	put_attribute(
	    s, "name",
	    arena_printf(r->options->arena, "epic %s", r->command ? r->command : "check"));
	put_counts(s, n_tests, n_failures, n_undecided);
	sink_puts(s, ">\n");
	for (size_t i = 0; i < k->suites.n; i++)
		put_suite(s, &k->suites.at[i]);
	sink_puts(s, "</testsuites>\n");
	fwrite(s->data, 1, s->size, r->out);
}

const struct format format_junit = { .one = junit_one, .file = junit_file, .end = junit_end };
