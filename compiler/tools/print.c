/* Diagnostics as people and machines want them (doc/cli.md, Output). */
#include <config.h>

#include <string.h>

#include "compiler/base/span_json.h"
#include "compiler/base/text.h"
#include "compiler/tools/print.h"

static const char *const severity_words[] = { "error", "warning", "info" };

/* ---- for people ---- */

struct painter {
	struct sink *s;
	bool color;
	const struct ctx *ctx;
};

static const char *paint(const struct painter *p, const char *code)
{
	return p->color ? code : "";
}

static const char *severity_color(enum severity s)
{
	return s == SEVERITY_ERROR ? "\033[1;31m" : s == SEVERITY_WARNING ? "\033[1;33m" : "\033[1;36m";
}

static size_t digits_of(size_t n)
{
	size_t digits = 1;

	while (n /= 10)
		digits++;
	return digits;
}

/* Columns that a piece of UTF-8 takes, one for each character. */
static size_t columns(const char *s, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

enum { WIDEST_LINE = 160, BEFORE_MARK = 60 };

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The part of a line that is shown: all of it, or what stands round the mark. */
struct window {
	const char *line;
	size_t start, end;
	bool cut_before, cut_behind;
};

static struct window window_of(const char *line, size_t length, size_t mark)
{
	struct window w = { line, 0, length, false, false };

	if (length > WIDEST_LINE && mark > WIDEST_LINE - BEFORE_MARK) {
		w.start = mark - BEFORE_MARK;
		while (w.start && continues_character(line[w.start]))
			w.start--;
		w.cut_before = true;
	}
	if (length - w.start > WIDEST_LINE) {
		w.end = w.start + WIDEST_LINE;
		while (w.end < length && continues_character(line[w.end]))
			w.end++;
		w.cut_behind = true;
	}
	return w;
}

/* Tabs, control characters and bytes that are no UTF-8 take one column each. */
static void print_window(const struct painter *p, const struct window *w)
{
	size_t bad;
	bool utf8 = text_is_utf8(w->line + w->start, w->end - w->start, &bad);

	sink_puts(p->s, w->cut_before ? "..." : "");
	for (size_t i = w->start; i < w->end; i++) {
		unsigned char c = (unsigned char)w->line[i];

		sink_putc(p->s, c < 0x20 || c == 0x7f ? ' ' : c >= 0x80 && !utf8 ? '?' : (char)c);
	}
	sink_puts(p->s, w->cut_behind ? "...\n" : "\n");
}

/* The line, and under it a mark with its label. */
static void print_snippet(const struct painter *p, struct span span, size_t gutter, char mark,
			  const char *color, const char *label)
{
	const struct source *src = source_at(&p->ctx->sources, span.source);
	struct place start = source_place(src, span.start);
	size_t length, first, last, width;
	const char *line = source_line(src, start.line, &length);
	struct window w;

	first = start.col - 1 < length ? start.col - 1 : length;
	last = first + (span.end > span.start ? span.end - span.start : 1);
	w = window_of(line, length, first);
	last = last > w.end ? w.end : last;
	width = last > first ? columns(line + first, last - first) : 1;
	sink_printf(p->s, "%s%*zu |%s ", paint(p, "\033[1;34m"), (int)gutter, start.line, paint(p, "\033[0m"));
	print_window(p, &w);
	sink_printf(p->s, "%s%*s |%s ", paint(p, "\033[1;34m"), (int)gutter, "", paint(p, "\033[0m"));
	sink_pad(p->s, (w.cut_before ? 3 : 0) + columns(line + w.start, first - w.start));
	sink_puts(p->s, paint(p, color));
	for (size_t i = 0; i < width; i++)
		sink_putc(p->s, mark);
	if (label)
		sink_printf(p->s, " %s", label);
	sink_printf(p->s, "%s\n", paint(p, "\033[0m"));
}

static void print_place(const struct painter *p, struct span span, size_t gutter, const char *arrow)
{
	const struct source *src = source_at(&p->ctx->sources, span.source);
	struct place at = source_place(src, span.start);

	sink_printf(p->s, "%*s%s%s%s %s:%zu:%zu\n", (int)gutter, "", paint(p, "\033[1;34m"), arrow,
		    paint(p, "\033[0m"), src->path, at.line, at.col);
}

static size_t gutter_of(const struct painter *p, const struct diag *d)
{
	size_t most = source_place(source_at(&p->ctx->sources, d->span.source), d->span.start).line;

	for (size_t i = 0; i < d->also.n; i++) {
		size_t line = source_place(source_at(&p->ctx->sources, d->also.at[i].span.source),
					   d->also.at[i].span.start).line;

		most = line > most ? line : most;
	}
	return digits_of(most);
}

static void print_also(const struct painter *p, const struct diag *d, size_t gutter)
{
	for (size_t i = 0; i < d->also.n; i++) {
		const struct diag_also *a = &d->also.at[i];

		if (a->span.source != d->span.source)
			print_place(p, a->span, gutter, ":::");
		else
			sink_printf(p->s, "%*s %s...%s\n", (int)gutter, "", paint(p, "\033[1;34m"),
				    paint(p, "\033[0m"));
		print_snippet(p, a->span, gutter, '-', "\033[1;34m", a->label);
	}
}

/* Lines behind the first of a note stand under its text. */
static void print_note(const struct painter *p, size_t gutter, const char *note)
{
	sink_printf(p->s, "%*s = ", (int)gutter, "");
	for (; *note; note++) {
		sink_putc(p->s, *note);
		if (*note == '\n')
			sink_pad(p->s, gutter + 3);
	}
	sink_putc(p->s, '\n');
}

static void paint_diag(const struct painter *p, const struct diag *d)
{
	const char *color = severity_color(d->severity);
	size_t gutter = 1;

	sink_printf(p->s, "%s%s[%s]%s%s: %s%s\n", paint(p, color), severity_words[d->severity],
		    diag_page(d->code)->code, paint(p, "\033[0m"), paint(p, "\033[1m"), d->message,
		    paint(p, "\033[0m"));
	if (!span_is_none(d->span)) {
		gutter = gutter_of(p, d);
		print_place(p, d->span, gutter, "-->");
		sink_printf(p->s, "%*s %s|%s\n", (int)gutter, "", paint(p, "\033[1;34m"), paint(p, "\033[0m"));
		print_snippet(p, d->span, gutter, '^', color, d->label);
		print_also(p, d, gutter);
	}
	for (size_t i = 0; i < d->notes.n; i++)
		print_note(p, gutter, d->notes.at[i]);
	if (d->help)
		sink_printf(p->s, "%shelp%s: %s\n", paint(p, "\033[1;36m"), paint(p, "\033[0m"), d->help);
	else if (d->fixes.n && !d->label)
		sink_printf(p->s, "%shelp%s: %s\n", paint(p, "\033[1;36m"), paint(p, "\033[0m"),
			    d->fixes.at[0].message);
	sink_putc(p->s, '\n');
}

static void human_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	const struct painter painter = { &r->pending, r->options->color, ctx };

	paint_diag(&painter, d);
}

static void plain_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	struct sink *s = &r->pending;

	if (!span_is_none(d->span)) {
		const struct source *src = source_at(&ctx->sources, d->span.source);
		struct place at = source_place(src, d->span.start);

		sink_printf(s, "%s:%zu:%zu: ", src->path, at.line, at.col);
	} else {
		sink_puts(s, "epic: ");
	}
	sink_printf(s, "%s[%s]: %s\n", severity_words[d->severity], diag_page(d->code)->code, d->message);
}

/* ---- for machines ---- */

static void json_text(struct sink *s, const char *key, const char *text)
{
	sink_printf(s, "\"%s\": ", key);
	if (text)
		sink_json(s, text);
	else
		sink_puts(s, "null");
}

static void json_fix(struct sink *s, const struct ctx *ctx, const struct diag_fix *f)
{
	static const char *const words[] = { "machine-applicable", "maybe-incorrect", "has-placeholders" };

	sink_putc(s, '{');
	json_text(s, "message", f->message);
	sink_printf(s, ", \"applicability\": \"%s\", \"edits\": [", words[f->applicability]);
	for (size_t i = 0; i < f->edits.n; i++) {
		const struct diag_edit *e = &f->edits.at[i];

		sink_puts(s, i ? ", {" : "{");
		json_text(s, "file", source_at(&ctx->sources, e->span.source)->path);
		sink_printf(s, ", \"start_byte\": %u, \"end_byte\": %u, ", e->span.start, e->span.end);
		json_text(s, "text", e->text);
		sink_putc(s, '}');
	}
	sink_puts(s, "]}");
}

static void print_json(struct sink *s, const struct ctx *ctx, const struct diag *d)
{
	const struct diag_page *page = diag_page(d->code);

	sink_printf(s, "{\"schema\": \"epic.diag/1\", \"severity\": \"%s\", \"code\": \"%s\", \"slug\": \"%s\", ",
		    severity_words[d->severity], page->code, page->slug);
	json_text(s, "message", d->message);
	sink_puts(s, ", \"primary\": ");
	span_json(s, &ctx->sources, d->span, d->label);
	sink_puts(s, ", \"secondary\": [");
	for (size_t i = 0; i < d->also.n; i++) {
		sink_puts(s, i ? ", " : "");
		span_json(s, &ctx->sources, d->also.at[i].span, d->also.at[i].label);
	}
	sink_puts(s, "], \"notes\": [");
	for (size_t i = 0; i < d->notes.n; i++) {
		sink_puts(s, i ? ", " : "");
		sink_json(s, d->notes.at[i]);
	}
	sink_puts(s, "], ");
	json_text(s, "help", d->help);
	sink_puts(s, ", \"fixes\": [");
	for (size_t i = 0; i < d->fixes.n; i++) {
		sink_puts(s, i ? ", " : "");
		json_fix(s, ctx, &d->fixes.at[i]);
	}
	sink_printf(s, "], \"help_uri\": \"epic:%s\", \"data\": %s}", page->code, d->data ? d->data : "{}");
}

static void json_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	sink_puts(&r->pending, r->pending.size ? ",\n  " : "\n  ");
	print_json(&r->pending, ctx, d);
}

static void json_end(struct run *r, int code)
{
	fprintf(r->out, "{\"schema\": \"epic.diag/1\", \"diagnostics\": [%s%s], ",
		r->pending.data ? r->pending.data : "", r->pending.size ? "\n" : "");
	if (r->coverage.n) {
		fputs("\"coverage\": [", r->out);
		for (size_t i = 0; i < r->coverage.n; i++)
			fprintf(r->out, "%s%s", i ? ", " : "", r->coverage.at[i]);
		fputs("], ", r->out);
	}
	fprintf(r->out, "\"summary\": {\"errors\": %zu, \"warnings\": %zu, \"infos\": %zu, \"exit\": %d}}\n",
		r->n_errors, r->n_warnings, r->n_infos, code);
}

static void jsonl_one(struct run *r, const struct ctx *ctx, const struct diag *d)
{
	print_json(&r->pending, ctx, d);
	sink_putc(&r->pending, '\n');
}

/* ---- what is written as soon as a policy is done ---- */

static void flush_to(struct run *r, FILE *to)
{
	if (r->pending.size)
		fwrite(r->pending.data, 1, r->pending.size, to);
	sink_free(&r->pending);
}

static void people_file(struct run *r, const struct ctx *ctx)
{
	(void)ctx;
	flush_to(r, r->err);
}

static void jsonl_file(struct run *r, const struct ctx *ctx)
{
	(void)ctx;
	flush_to(r, r->out);
}

static void jsonl_end(struct run *r, int code)
{
	(void)code;
	for (size_t i = 0; i < r->coverage.n; i++)
		fprintf(r->out, "%s\n", r->coverage.at[i]);
}

static void people_end(struct run *r, int code)
{
	size_t all = r->n_errors + r->n_warnings;

	if (all > r->n_shown && r->n_shown == r->options->max_errors && r->options->max_errors)
		fprintf(r->err, "epic: %zu more not shown (--max-errors 0 shows all)\n",
			all - r->n_shown);
	if (code && !r->options->quiet)
		fprintf(r->err, "epic: %s (exit code %d)\n", exit_meaning(code), code);
}

/* ---- a run ---- */

static const struct format format_human = { .one = human_one,
					    .file = people_file,
					    .end = people_end },
			   format_plain = { .one = plain_one,
					    .file = people_file,
					    .end = people_end },
			   format_json = { .one = json_one, .end = json_end },
			   format_jsonl = { .one = jsonl_one, .file = jsonl_file, .end = jsonl_end };

static const struct format *const formats[] = {
	[FORMAT_HUMAN] = &format_human, [FORMAT_PLAIN] = &format_plain,
	[FORMAT_JSON] = &format_json,   [FORMAT_JSONL] = &format_jsonl,
	[FORMAT_SARIF] = &format_sarif, [FORMAT_GITHUB] = &format_github,
	[FORMAT_JUNIT] = &format_junit,
};

bool format_is_for_people(enum diag_format f)
{
	return f == FORMAT_HUMAN || f == FORMAT_PLAIN;
}

static void count(struct run *r, const struct diag *d)
{
	r->n_errors += d->severity == SEVERITY_ERROR;
	r->n_warnings += d->severity == SEVERITY_WARNING;
	r->n_infos += d->severity == SEVERITY_INFO;
}

static bool is_wanted(const struct run *r, const struct diag *d)
{
	if (r->options->quiet && d->severity != SEVERITY_ERROR)
		return false;
	if (d->severity == SEVERITY_INFO && !r->options->verbose)
		return false;
	return !format_is_for_people(r->options->format) || !r->options->max_errors ||
	       r->n_shown < r->options->max_errors;
}

static void note_sources(struct run *r, const struct ctx *ctx)
{
	for (size_t i = 0; i < ctx->sources.list.n; i++)
		vec_push(r->options->arena, r->options->read,
			 arena_strdup(r->options->arena, ctx->sources.list.at[i].path));
}

void print_diags(struct run *r, struct ctx *ctx)
{
	const struct format *f = formats[r->options->format];

	diag_finish(&ctx->diags);
	for (size_t i = 0; i < ctx->diags.list.n; i++) {
		const struct diag *d = ctx->diags.list.at[i];

		count(r, d);
		if (!is_wanted(r, d))
			continue;
		r->n_shown++;
		f->one(r, ctx, d);
	}
	if (f->file)
		f->file(r, ctx);
	r->judged.n = 0;
	if (r->options->read)
		note_sources(r, ctx);
}

void print_end(struct run *r, int code)
{
	const struct format *f = formats[r->options->format];

	if (f->end)
		f->end(r, code);
	sink_free(&r->pending);
}
