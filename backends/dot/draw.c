#include <config.h>

#include "backends/dot/draw.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_ENVIRONMENT = 5 };
enum { FILTER_WIDTH = 28, FILTER_LINES = 3 };

/* ---- memory and sets ---- */

static void exhausted(void)
{
	fputs("epic-graph: no memory is left\n", stderr);
	exit(EXIT_ENVIRONMENT);
}

void *draw_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		exhausted();
	return p;
}

void *draw_realloc(void *old, size_t n, size_t size)
{
	void *p = realloc(old, (n ? n : 1) * size);

	if (!p)
		exhausted();
	return p;
}

void text_open(struct text *t)
{
	t->bytes = NULL;
	t->to = open_memstream(&t->bytes, &t->size);
	if (!t->to)
		exhausted();
}

char *text_take(struct text *t)
{
	if (ferror(t->to) | fclose(t->to))
		exhausted();
	return t->bytes;
}

void names_add(struct names *names, const char *name)
{
	/* Full whenever n is a power of two. */
	if (!(names->n & (names->n - 1))) {
		names->at = realloc(names->at, (names->n ? 2 * names->n : 1) * sizeof(*names->at));
		if (!names->at)
			exhausted();
	}
	names->at[names->n++] = name;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void names_sort(struct names *names)
{
	size_t kept = 0;

	if (names->n)
		qsort(names->at, names->n, sizeof(*names->at), compare_names);
	for (size_t i = 0; i < names->n; i++)
		if (!kept || strcmp(names->at[kept - 1], names->at[i]))
			names->at[kept++] = names->at[i];
	names->n = kept;
}

size_t names_find(const struct names *names, const char *name)
{
	const char **found =
	    names->n ? bsearch(&name, names->at, names->n, sizeof(*names->at), compare_names)
		     : NULL;

	return found ? (size_t)(found - names->at) : SIZE_MAX;
}

void names_free(struct names *names)
{
	free(names->at);
}

/* ---- the frame of every drawing ---- */

static const struct look looks[] = {
	{ "direct", GREEN, "solid", "\xe2\x94\x81\xe2\x94\x81\xe2\x94\x81\xe2\x96\xb6",
	  "direct: allowed as it is" },
	{ "bridged", BLUE, "bold", "\xe2\x94\x81\xe2\x96\xa2\xe2\x94\x81\xe2\x96\xb6",
	  "bridged: through functions on proxies" },
	{ "unbridgeable", RED, "dashed", "\xe2\x95\x8d \xe2\x95\x8d \xe2\x96\xb7",
	  "unbridgeable: no functions supply what is missing" },
	{ "forbidden", RED, "dotted", "\xe2\x94\x85 \xe2\x94\x85 \xe2\x96\xb7",
	  "forbidden: a rule stops it" },
};

const struct look *look_of(const char *status)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
		if (!strcmp(looks[i].status, status))
			return &looks[i];
	return &looks[0];
}

void draw_legend_open(FILE *to)
{
	fputs("  label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\">\n"
	      "    <TR><TD></TD></TR>\n",
	      to);
}

void draw_legend_row(FILE *to, const char *colour, const char *sample, const char *meaning)
{
	fprintf(to,
		"    <TR><TD ALIGN=\"RIGHT\"><FONT COLOR=\"%s\">%s</FONT></TD><TD ALIGN=\"LEFT\">"
		"<FONT COLOR=\"" PALE_INK "\" POINT-SIZE=\"10\">%s</FONT></TD></TR>\n",
		colour, sample, meaning);
}

void draw_mixed_row(FILE *to, const struct picture *p)
{
	if (pic_shows_status(p, NULL))
		draw_legend_row(to, PALE_INK, "\xe2\x94\x81\xe2\x94\x81\xe2\x94\x81\xe2\x96\xb6",
				"flows of all kinds; the card counts them");
}

void draw_legend_close(FILE *to)
{
	fputs("  </TABLE>>\n", to);
}

void put_edge_tooltip(FILE *to, const struct rplan_edge *e)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	fprintf(tip.to, "%s %s %s\nwhen %s", e->from, e->copy ? "->>" : "->", e->to, e->when);
	if (e->rate_pps.present) {
		fputs("\n", tip.to);
		put_rate(tip.to, e->rate_pps.value, "pps");
	}
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, tooltip);
	fputs(", labeltooltip=", to);
	put_quoted(to, tooltip);
	free(tooltip);
}

void put_filter(FILE *to, const char *when)
{
	if (!strcmp(when, "true"))
		return;
	fputs("<FONT POINT-SIZE=\"9\">", to);
	put_wrapped(to, when, FILTER_WIDTH, FILTER_LINES);
	fputs("</FONT>", to);
}

void draw_nothing(struct picture *p, const char *words)
{
	struct pic_item *box = pic_node(p, NULL, "note", "", "nothing");
	FILE *to = pic_write(p);

	box->label = words;
	fputs("style=\"rounded,dashed\", label=", to);
	put_quoted(to, words);
	box->dot = pic_take(p);
}
