#include <config.h>

#include "runtime/core/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 16, LEAST_CUT = 8, BAR = 10, GAP = 2 };

struct column {
	char *key, *head;
	enum table_align align;
};

struct cell {
	char *drawn, *plain; /* plain NULL: nothing is known */
};

struct table {
	char *title;
	struct column columns[MOST_COLUMNS];
	size_t n_columns;
	struct cell *cells;
	size_t n_cells, room;
	bool failed;
};

struct table *table_new(const char *title)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t && !(t->title = strdup(title))) {
		free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_columns; i++) {
		free(t->columns[i].key);
		free(t->columns[i].head);
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		free(t->cells[i].drawn);
		free(t->cells[i].plain);
	}
	free(t->cells);
	free(t->title);
	free(t);
}

void table_column(struct table *t, const char *key, const char *head, enum table_align align)
{
	struct column c = { NULL, NULL, align };

	if (!t || t->n_columns == MOST_COLUMNS)
		return;
	c.key = strdup(key);
	c.head = strdup(head);
	t->failed = t->failed || !c.key || !c.head;
	t->columns[t->n_columns++] = c;
}

size_t table_rows(const struct table *t)
{
	return t && t->n_columns ? t->n_cells / t->n_columns : 0;
}

/* ---- cells ---- */

/* Takes both texts over. */
static void add_cell(struct table *t, struct text *drawn, struct text *plain)
{
	if (t->n_cells == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct cell *cells = reallocarray(t->cells, room, sizeof(*cells));

		if (!cells)
			goto fail;
		t->cells = cells;
		t->room = room;
	}
	if (!drawn->at || drawn->failed || (plain && plain->failed))
		goto fail;
	t->cells[t->n_cells++] = (struct cell){ drawn->at, plain ? plain->at : NULL };
	return;
fail:
	text_free(drawn);
	if (plain)
		text_free(plain);
	t->failed = true;
}

void table_text(struct table *t, const char *s)
{
	struct text drawn = { 0 }, plain = { 0 };

	if (!t)
		return;
	if (!s) {
		table_none(t);
		return;
	}
	/* What is no printable ASCII could disturb the terminal and the widths. */
	for (const char *c = s; *c; c++)
		text_add(&drawn, *c >= ' ' && *c <= '~' ? c : "?", 1);
	text_puts(&drawn, "");
	if (*s && !s[strcspn(s, " \"=\\")] && drawn.at && !strcmp(drawn.at, s))
		text_puts(&plain, s);
	else
		text_json(&plain, s);
	add_cell(t, &drawn, &plain);
}

void table_none(struct table *t)
{
	struct text drawn = { 0 };

	if (!t)
		return;
	text_puts(&drawn, "-");
	add_cell(t, &drawn, NULL);
}

/* PLAIN is rounded: six digits are enough for eyes and scripts alike. */
static void put_plain(struct text *plain, double value)
{
	char rounded[32];

	snprintf(rounded, sizeof(rounded), "%.6g", value);
	text_number(plain, fabs(value) < 1e6 ? strtod(rounded, NULL) : round(value));
}

void text_si(struct text *t, double value)
{
	static const char *const units[] = { "", " k", " M", " G", " T", " P", " E" };
	double size = fabs(value);
	size_t unit = 0;

	while (size >= 999.5 && unit < 6) {
		size /= 1000;
		value /= 1000;
		unit++;
	}
	if (!unit && size == floor(size))
		text_printf(t, "%.0f", value);
	else
		text_printf(t, "%.*f%s",
			    size < 9.995   ? 2
			    : size < 99.95 ? 1
					   : 0,
			    value, units[unit]);
}

void table_number(struct table *t, double value)
{
	struct text drawn = { 0 }, plain = { 0 };

	if (!t)
		return;
	if (!isfinite(value)) {
		table_none(t);
		return;
	}
	text_si(&drawn, value);
	put_plain(&plain, value);
	add_cell(t, &drawn, &plain);
}

void table_time(struct table *t, double seconds)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	struct text drawn = { 0 }, plain = { 0 };
	double value = seconds * 1e9;
	size_t unit = 0;

	if (!t)
		return;
	if (!isfinite(seconds)) {
		table_none(t);
		return;
	}
	for (; value >= 999.5 && unit < 3; unit++)
		value /= 1000;
	text_printf(&drawn, "%.*f %s",
		    value < 9.995   ? 2
		    : value < 99.95 ? 1
				    : 0,
		    value, units[unit]);
	put_plain(&plain, seconds);
	add_cell(t, &drawn, &plain);
}

void table_share(struct table *t, double share)
{
	struct text drawn = { 0 }, plain = { 0 };

	if (!t)
		return;
	if (!isfinite(share)) {
		table_none(t);
		return;
	}
	text_printf(&drawn, "%.1f %%", share * 100);
	put_plain(&plain, share);
	add_cell(t, &drawn, &plain);
}

void table_bar(struct table *t, double share)
{
	struct text drawn = { 0 }, plain = { 0 };
	int full;

	if (!t)
		return;
	if (!isfinite(share)) {
		table_none(t);
		return;
	}
	full = (int)lround((share < 0 ? 0 : share > 1 ? 1 : share) * BAR);
	text_puts(&drawn, "[");
	for (int i = 0; i < BAR; i++)
		text_puts(&drawn, i < full ? "#" : ".");
	text_printf(&drawn, "] %3.0f %%", share * 100);
	put_plain(&plain, share);
	add_cell(t, &drawn, &plain);
}

/* ---- forms ---- */

void text_cut(struct text *t, const char *s, size_t width)
{
	size_t n = strlen(s), front = width / 2;

	if (n <= width) {
		text_puts(t, s);
		return;
	}
	if (!width)
		return;
	text_add(t, s, front);
	text_puts(t, "~");
	text_puts(t, s + n - (width - front - 1));
}

static void natural_widths(const struct table *t, size_t widths[MOST_COLUMNS])
{
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = strlen(t->columns[i].head);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t n = strlen(t->cells[i].drawn), *width = &widths[i % t->n_columns];

		*width = n > *width ? n : *width;
	}
}

/* The widest column on the left side that may still shrink, or n_columns. */
static size_t widest_name(const struct table *t, const size_t widths[MOST_COLUMNS])
{
	size_t found = t->n_columns;

	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].align == TABLE_LEFT && widths[i] > LEAST_CUT &&
		    (found == t->n_columns || widths[i] > widths[found]))
			found = i;
	return found;
}

static void fit_widths(const struct table *t, size_t width, size_t widths[MOST_COLUMNS])
{
	size_t sum = 0, shrunk;

	for (size_t i = 0; i < t->n_columns; i++)
		sum += widths[i] + (i ? GAP : 0);
	while (width && sum > width && (shrunk = widest_name(t, widths)) < t->n_columns) {
		widths[shrunk]--;
		sum--;
	}
}

static void draw_cell(const struct column *c, const char *s, size_t width, bool first,
		      struct text *line)
{
	size_t n = strlen(s), pad = n < width ? width - n : 0;

	text_printf(line, "%*s%*s", first ? 0 : GAP, "", c->align == TABLE_RIGHT ? (int)pad : 0,
		    "");
	text_cut(line, s, width);
	text_printf(line, "%*s", c->align == TABLE_LEFT ? (int)pad : 0, "");
}

/* Without blanks at its end, and no wider than WIDTH. */
static void end_line(struct text *line, size_t width, struct text *out)
{
	size_t n = width && line->n > width ? width : line->n;

	while (n && line->at[n - 1] == ' ')
		n--;
	if (n)
		text_add(out, line->at, n);
	text_puts(out, "\n");
	out->failed = out->failed || line->failed;
	text_free(line);
}

void table_draw(const struct table *t, size_t width, struct text *out)
{
	size_t widths[MOST_COLUMNS], rows = table_rows(t);
	struct text line = { 0 };

	if (!t || t->failed) {
		out->failed = true;
		return;
	}
	if (!rows)
		return;
	natural_widths(t, widths);
	fit_widths(t, width, widths);
	for (size_t i = 0; i < t->n_columns; i++)
		draw_cell(&t->columns[i], t->columns[i].head, widths[i], !i, &line);
	end_line(&line, width, out);
	for (size_t r = 0; r < rows; r++) {
		for (size_t i = 0; i < t->n_columns; i++)
			draw_cell(&t->columns[i], t->cells[r * t->n_columns + i].drawn, widths[i],
				  !i, &line);
		end_line(&line, width, out);
	}
}

void table_lines(const struct table *t, struct text *out)
{
	if (!t || t->failed) {
		out->failed = true;
		return;
	}
	for (size_t r = 0; r < table_rows(t); r++) {
		text_puts(out, t->title);
		for (size_t i = 0; i < t->n_columns; i++) {
			const char *plain = t->cells[r * t->n_columns + i].plain;

			text_printf(out, " %s=%s", t->columns[i].key, plain ? plain : "-");
		}
		text_puts(out, "\n");
	}
}
