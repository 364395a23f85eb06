/* Changes for people, for pull requests, for programs. */
#include <config.h>

#include <math.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/tools/diff.h"

static size_t count_of(const struct diffing *d, enum diff_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->changes.n; i++)
		n += d->changes.at[i].kind == kind;
	return n;
}

static bool has_relative(const struct diff_fact *f)
{
	return f->is_number && f->was != 0;
}

static double relative(const struct diff_fact *f)
{
	return (f->is - f->was) / fabs(f->was);
}

static const char *shown(const char *text)
{
	return !text ? "none" : *text ? text : "nothing";
}

/* "flows 2, weights 1" */
static void put_counts(const struct diffing *d, struct sink *s)
{
	const char *between = "";

	for (enum diff_kind k = 0; k < N_DIFF_KINDS; k++)
		if (count_of(d, k)) {
			sink_printf(s, "%s%s %zu", between, diff_kinds[k], count_of(d, k));
			between = ", ";
		}
}

/* ---- human ---- */

static void put_fact(struct sink *s, const struct diff_fact *f)
{
	sink_printf(s, "      %s", f->name);
	if (!f->old)
		sink_printf(s, "%s%s", *f->new ? ": " : "", f->new);
	else if (!f->new)
		sink_printf(s, "%s%s (before)", *f->old ? ": " : "", f->old);
	else
		sink_printf(s, ": %s -> %s", shown(f->old), shown(f->new));
	if (has_relative(f))
		sink_printf(s, "  (%+.1f%%)", 100 * relative(f));
	sink_putc(s, '\n');
}

static void put_detail(struct sink *s, const char *detail)
{
	for (const char *line = detail; *line;) {
		size_t n = strcspn(line, "\n");

		sink_printf(s, "      %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

static void put_change(struct sink *s, const struct diff_change *c, bool detail)
{
	sink_printf(s, "  %c %s %s\n", "+-~"[c->way], c -> subject, c -> what);
	if (c->packets.example) {
		if (c->packets.filter)
			sink_printf(s, "      %s\n", c->packets.filter);
		sink_printf(s, "      for example: %s\n", c->packets.example);
	}
	for (size_t i = 0; i < c->facts.n; i++)
		put_fact(s, &c->facts.at[i]);
	if (detail && c->detail)
		put_detail(s, c->detail);
}

void diff_print_human(const struct diffing *d, const struct options *o, struct sink *s)
{
	enum diff_kind kind = N_DIFF_KINDS;

	if (!d->changes.n) {
		sink_printf(s, "nothing changes%s%s\n", o->only ? " in " : "",
			    o->only ? o->only : "");
		return;
	}
	for (size_t i = 0; i < d->changes.n; i++) {
		const struct diff_change *c = &d->changes.at[i];

		if (c->kind != kind)
			sink_printf(s, "%s%s\n", i ? "\n" : "", diff_kinds[c->kind]);
		kind = c->kind;
		put_change(s, c, o->verbose > 0);
	}
	sink_puts(s, "\nchanges: ");
	put_counts(d, s);
	sink_putc(s, '\n');
}

/* ---- Markdown ---- */

/* Text in a cell of a table, as code. */
static void put_code(struct sink *s, const char *text)
{
	bool tick = strchr(text, '`') != NULL;

	sink_puts(s, tick ? "`` " : "`");
	for (; *text; text++) {
		if (*text == '|')
			sink_putc(s, '\\');
		sink_putc(s, *text == '\n' ? ' ' : *text);
	}
	sink_puts(s, tick ? " ``" : "`");
}

static void put_cell(struct sink *s, const char *text)
{
	if (text && *text)
		put_code(s, text);
	sink_puts(s, " | ");
}

static void put_packets_row(struct sink *s, const struct diff_change *c)
{
	sink_printf(s, "| %s | ", c->way == DIFF_GAINED ? "gained" : "lost");
	put_cell(s, c->subject);
	put_cell(s, c->packets.filter ? c->packets.filter : "a set too odd to write down");
	sink_puts(s, "for example ");
	put_code(s, c->packets.example);
	sink_puts(s, " |\n");
}

static void put_fact_row(struct sink *s, const struct diff_change *c, const struct diff_fact *f)
{
	sink_puts(s, "| | ");
	put_cell(s, c->subject);
	put_cell(s, f->name);
	put_cell(s, f->old);
	put_cell(s, f->new);
	if (has_relative(f))
		sink_printf(s, "%+.1f%% ", 100 * relative(f));
	sink_puts(s, "|\n");
}

static void put_md_facts(const struct diffing *d, enum diff_kind kind, struct sink *s)
{
	bool headed = false;

	for (size_t i = 0; i < d->changes.n; i++) {
		const struct diff_change *c = &d->changes.at[i];

		if (c->kind != kind || c->packets.example)
			continue;
		if (!headed)
			sink_puts(s, "\n| | what | key | before | after | |\n|-|-|-|-|-|-|\n");
		headed = true;
		sink_printf(s, "| %c | ", "+-~"[c->way]);
		put_code(s, c->subject);
		sink_printf(s, " | %s | | | |\n", c->what);
		for (size_t k = 0; k < c->facts.n; k++)
			put_fact_row(s, c, &c->facts.at[k]);
	}
}

static void put_md_packets(const struct diffing *d, enum diff_kind kind, struct sink *s)
{
	bool headed = false;

	for (size_t i = 0; i < d->changes.n; i++) {
		const struct diff_change *c = &d->changes.at[i];

		if (c->kind != kind || !c->packets.example)
			continue;
		if (!headed)
			sink_puts(s, "\n| packets | between | which | |\n|-|-|-|-|\n");
		headed = true;
		put_packets_row(s, c);
	}
}

static void put_md_details(const struct diffing *d, enum diff_kind kind, struct sink *s)
{
	for (size_t i = 0; i < d->changes.n; i++) {
		const struct diff_change *c = &d->changes.at[i];

		if (c->kind == kind && c->detail && *c->detail)
			sink_printf(
			    s,
			    "\n<details><summary>Lines of %s</summary>\n\n~~~~diff\n%s~~~~\n\n"
			    "</details>\n",
			    c->subject, c->detail);
	}
}

void diff_print_md(const struct diffing *d, const struct options *o, struct sink *s)
{
	sink_puts(s, "### What this change means\n\n");
	if (!d->changes.n) {
		sink_printf(s, "Nothing changes%s%s.\n", o->only ? " in " : "",
			    o->only ? o->only : "");
		return;
	}
	put_counts(d, s);
	sink_putc(s, '\n');
	for (enum diff_kind k = 0; k < N_DIFF_KINDS; k++) {
		if (!count_of(d, k))
			continue;
		/* What may move is read by everybody, the rest by those who ask. */
		sink_printf(s, "\n<details%s><summary><b>%s</b>: %zu</summary>\n",
			    k == DIFF_FLOWS ? " open" : "", diff_kinds[k], count_of(d, k));
		put_md_packets(d, k, s);
		put_md_facts(d, k, s);
		put_md_details(d, k, s);
		sink_puts(s, "\n</details>\n");
	}
}

/* ---- JSON ---- */

static void put_json(struct sink *s, const char *key, const char *text)
{
	sink_printf(s, "\"%s\": ", key);
	if (text)
		sink_json(s, text);
	else
		sink_puts(s, "null");
}

static void put_json_fact(struct sink *s, const struct diff_fact *f)
{
	sink_putc(s, '{');
	put_json(s, "name", f->name);
	sink_puts(s, ", ");
	put_json(s, "new", f->new);
	sink_puts(s, ", ");
	put_json(s, "old", f->old);
	sink_puts(s, ", \"relative\": ");
	if (has_relative(f))
		sink_printf(s, "%.9f", relative(f));
	else
		sink_puts(s, "null");
	sink_putc(s, '}');
}

static void put_json_packets(struct sink *s, const struct diff_packets *p)
{
	if (!p->example) {
		sink_puts(s, "null");
		return;
	}
	sink_printf(s, "{\"example\": %s, ", p->json);
	put_json(s, "filter", p->filter);
	sink_putc(s, '}');
}

static void put_json_change(struct sink *s, const struct diff_change *c)
{
	static const char *const ways[] = { "gained", "lost", "changed" };

	sink_printf(s, "{\"change\": \"%s\", ", ways[c->way]);
	put_json(s, "detail", c->detail);
	sink_puts(s, ", \"facts\": [");
	for (size_t i = 0; i < c->facts.n; i++) {
		sink_puts(s, i ? ", " : "");
		put_json_fact(s, &c->facts.at[i]);
	}
	sink_puts(s, "], \"packets\": ");
	put_json_packets(s, &c->packets);
	sink_puts(s, ", ");
	put_json(s, "subject", c->subject);
	sink_puts(s, ", ");
	put_json(s, "what", c->what);
	sink_putc(s, '}');
}

void diff_print_json(const struct diffing *d, const struct options *o, struct sink *s)
{
	sink_puts(s, "{\n  \"schema\": \"epic.diff/1\",\n  ");
	put_json(s, "old", d->old->path);
	sink_puts(s, ",\n  ");
	put_json(s, "new", d->new->path);
	sink_puts(s, ",\n  ");
	put_json(s, "only", o->only);
	sink_printf(s, ",\n  \"same\": %s,\n  \"changes\": {", d->changes.n ? "false" : "true");
	for (enum diff_kind k = 0; k < N_DIFF_KINDS; k++) {
		size_t n = 0;

		sink_printf(s, "%s\n    \"%s\": [", k ? "," : "", diff_kinds[k]);
		for (size_t i = 0; i < d->changes.n; i++) {
			if (d->changes.at[i].kind != k)
				continue;
			sink_puts(s, n++ ? ",\n      " : "\n      ");
			put_json_change(s, &d->changes.at[i]);
		}
		sink_puts(s, n ? "\n    ]" : "]");
	}
	sink_puts(s, "\n  }\n}\n");
}
