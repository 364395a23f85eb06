/* --format github: workflow commands that annotate a pull request, and the summary of a job. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/tools/print.h"

/* More of a kind are not shown by the service. */
enum { MOST_ANNOTATIONS = 10, N_KINDS = SEVERITY_INFO + 1 };

static const char *const kinds[N_KINDS] = { "error", "warning", "notice" };

struct annotation {
	const char *properties, *message; /* both escaped */
	const char *row;                  /* of the summary */
};

struct kept {
	VEC(struct annotation) of[N_KINDS];
};

static struct kept *kept_of(struct run *r)
{
	if (!r->kept)
		r->kept = arena_one(r->options->arena, struct kept);
	return r->kept;
}

static void put_escaped(struct sink *s, const char *text, const char *which)
{
	for (; *text; text++)
		if (strchr(which, *text))
			sink_printf(s, "%%%02X", (unsigned)*text);
		else
			sink_putc(s, *text);
}

static void put_property(struct sink *s, const char *name, const char *value)
{
	sink_printf(s, "%s%s=", s->size ? "," : "", name);
	put_escaped(s, value, "%\r\n:,");
}

static const char *kept_text(struct run *r, struct sink *s)
{
	const char *text = arena_strndup(r->options->arena, s->data ? s->data : "", s->size);

	sink_free(s);
	return text;
}

static const char *file_of(struct run *r, const struct ctx *ctx, struct span span)
{
	const struct source *src = source_at(&ctx->sources, span.source);
	const char *path = repository_path(r->options->arena, src);

	return path ? path : src->path;
}

static const char *properties_of(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	const struct diag_page *page = diag_page(d->code);
	struct sink s = { 0 };

	if (!span_is_none(d->span)) {
		const struct source *src = source_at(&ctx->sources, d->span.source);
		struct place start = source_place(src, d->span.start),
			     end = source_place(src, d->span.end);

		put_property(&s, "file", file_of(r, ctx, d->span));
		sink_printf(&s, ",line=%zu,endLine=%zu", start.line, end.line);
		if (start.line == end.line)
			sink_printf(&s, ",col=%zu,endColumn=%zu", start.utf16 + 1, end.utf16 + 1);
	}
	put_property(&s, "title", arena_printf(r->options->arena, "%s %s", page->code, page->slug));
	return kept_text(r, &s);
}

static const char *message_of(struct run *r, const struct diag *d)
{
	struct sink s = { 0 };

	put_escaped(&s, d->message, "%\r\n");
	for (size_t i = 0; i < d->notes.n; i++) {
		sink_puts(&s, "%0A");
		put_escaped(&s, d->notes.at[i], "%\r\n");
	}
	if (d->help) {
		sink_puts(&s, "%0A");
		put_escaped(&s, d->help, "%\r\n");
	}
	return kept_text(r, &s);
}

/* A cell of a Markdown table: nothing in it is markup. */
static void put_cell(struct sink *s, const char *text)
{
	for (; *text; text++)
		if (*text == '\n' || *text == '\r')
			sink_putc(s, ' ');
		else if (strchr("\\`*_{}[]<>#|~", *text))
			sink_printf(s, "\\%c", *text);
		else
			sink_putc(s, *text);
}

static const char *row_of(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	struct sink s = { 0 };

	sink_printf(&s, "| %s | %s | ", kinds[d->severity], diag_page(d->code)->code);
	if (!span_is_none(d->span)) {
		put_cell(&s, file_of(r, ctx, d->span));
		sink_printf(
		    &s, ":%zu",
		    source_place(source_at(&ctx->sources, d->span.source), d->span.start).line);
	}
	sink_puts(&s, " | ");
	put_cell(&s, d->message);
	sink_puts(&s, " |\n");
	return kept_text(r, &s);
}

static void github_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	struct annotation a = { properties_of(r, ctx, d), message_of(r, d), row_of(r, ctx, d) };

	vec_push(r->options->arena, &kept_of(r)->of[d->severity], a);
}

static void print_kind(struct run *r, const struct kept *k, size_t kind)
{
	size_t n = k->of[kind].n, shown = n < MOST_ANNOTATIONS ? n : MOST_ANNOTATIONS;

	for (size_t i = 0; i < shown; i++) {
		const struct annotation *a = &k->of[kind].at[i];

		fprintf(r->out, "::%s %s::%s", kinds[kind], a->properties, a->message);
		if (i + 1 == shown && n > shown)
			fprintf(r->out, "%%0Aand %zu more %s%s, see the summary of the job",
				n - shown, kinds[kind], n - shown == 1 ? "" : "s");
		fputc('\n', r->out);
	}
}

static void put_count(struct sink *s, size_t n, const char *what)
{
	sink_printf(s, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static void put_summary(struct sink *s, struct run *r, const struct kept *k, int code)
{
	bool any = k->of[0].n || k->of[1].n || k->of[2].n;

	sink_printf(s, "### epic %s: %s\n\n", r->command ? r->command : "", exit_meaning(code));
	put_count(s, r->n_errors, "error");
	sink_puts(s, ", ");
	put_count(s, r->n_warnings, "warning");
	sink_puts(s, ", ");
	put_count(s, r->n_infos, "notice");
	sink_puts(s, any ? ".\n\n| level | code | place | message |\n|---|---|---|---|\n" : ".\n");
	for (size_t kind = 0; kind < N_KINDS; kind++)
		for (size_t i = 0; i < k->of[kind].n; i++)
			sink_puts(s, k->of[kind].at[i].row);
	sink_putc(s, '\n');
}

/* The steps of a job share the file, so it is added to. */
static void write_summary(struct run *r, const struct kept *k, int code)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	struct sink s = { 0 };
	FILE *f;

	if (!path || !*path)
		return;
	put_summary(&s, r, k, code);
	f = fopen(path, "a");
	if (!f || (fwrite(s.data, 1, s.size, f) != s.size) | fclose(f)) {
		run_error(r, "cannot write the summary %s: %s", path, strerror(errno));
		r->write_failed = true;
	}
	sink_free(&s);
}

static void github_end(struct run *r, int code)
{
	const struct kept *k = kept_of(r);

	for (size_t kind = 0; kind < N_KINDS; kind++)
		print_kind(r, k, kind);
	write_summary(r, k, code);
}

const struct format format_github = { .one = github_one, .end = github_end };
