#include <config.h>

#include "backends/dot/draw.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES_WIDTH = 34, ATTRIBUTES_LINES = 4, SHOWN_NODES = 12 };

/* How flows move between two areas: what one arrow says. */
enum movement { MOVE_DIRECT, MOVE_BRIDGED, MOVE_IMPOSSIBLE, N_MOVEMENTS };

static const struct {
	const char *status; /* of the look */
	const char *word;
	const char *legend;
} movements[N_MOVEMENTS] = {
	[MOVE_DIRECT] = { "direct", "direct", "direct: flows that need nothing" },
	[MOVE_BRIDGED] = { "bridged", "bridged", "bridged: flows through functions on proxies" },
	[MOVE_IMPOSSIBLE] = { "unbridgeable", "impossible",
			      "impossible: unbridgeable or forbidden flows" },
};

/* Flows from area FROM to area TO, by movement. */
struct counts {
	size_t from, to;
	size_t n[N_MOVEMENTS];
};

struct drawing {
	FILE *to;
	const struct rplan_plan *plan;
	struct names nodes;
	size_t *area_of;       /* by index into `nodes`; SIZE_MAX: of no area */
	struct counts *counts; /* sorted by (from, to) */
	size_t n_counts;
};

static enum movement movement_of(const char *status)
{
	if (!strcmp(status, "direct"))
		return MOVE_DIRECT;
	return strcmp(status, "bridged") ? MOVE_IMPOSSIBLE : MOVE_BRIDGED;
}

static void collect_nodes(struct drawing *d)
{
	const struct rplan_plan *p = d->plan;

	for (size_t i = 0; i < p->areas.n; i++)
		for (size_t k = 0; k < p->areas.at[i].nodes.n; k++)
			names_add(&d->nodes, p->areas.at[i].nodes.at[k]);
	names_sort(&d->nodes);
	d->area_of = draw_alloc(d->nodes.n, sizeof(*d->area_of));
	for (size_t i = 0; i < p->areas.n; i++)
		for (size_t k = 0; k < p->areas.at[i].nodes.n; k++)
			d->area_of[names_find(&d->nodes, p->areas.at[i].nodes.at[k])] = i;
}

static size_t area_of(const struct drawing *d, const char *node)
{
	size_t i = names_find(&d->nodes, node);

	return i == SIZE_MAX ? SIZE_MAX : d->area_of[i];
}

static int compare_counts(const void *a, const void *b)
{
	const struct counts *c = a, *e = b;

	if (c->from != e->from)
		return c->from < e->from ? -1 : 1;
	return c->to < e->to ? -1 : c->to > e->to;
}

/* One row per flow at first, then rows of equal ends are added up. */
static void collect_counts(struct drawing *d)
{
	size_t n = 0;

	d->counts = draw_alloc(d->plan->flows.n, sizeof(*d->counts));
	for (size_t i = 0; i < d->plan->flows.n; i++) {
		const struct rplan_flow *f = &d->plan->flows.at[i];
		struct counts c = { .from = area_of(d, f->from), .to = area_of(d, f->to) };

		c.n[movement_of(f->status)] = 1;
		if (c.from != SIZE_MAX && c.to != SIZE_MAX)
			d->counts[n++] = c;
	}
	qsort(d->counts, n, sizeof(*d->counts), compare_counts);
	for (size_t i = 0; i < n; i++)
		if (!d->n_counts || compare_counts(&d->counts[d->n_counts - 1], &d->counts[i]))
			d->counts[d->n_counts++] = d->counts[i];
		else
			for (size_t m = 0; m < N_MOVEMENTS; m++)
				d->counts[d->n_counts - 1].n[m] += d->counts[i].n[m];
}

/* "2 direct, 1 bridged": the flows that stay in the area. */
static void put_inside(const struct drawing *d, size_t area)
{
	const char *before = "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"9\">flows inside: ";
	bool any = false;

	for (size_t i = 0; i < d->n_counts; i++)
		for (size_t m = 0; m < N_MOVEMENTS; m++) {
			const struct counts *c = &d->counts[i];

			if (c->from != area || c->to != area || !c->n[m])
				continue;
			fprintf(d->to, "%s<FONT COLOR=\"%s\">%zu %s</FONT>", before,
				look_of(movements[m].status)->colour, c->n[m], movements[m].word);
			before = ", ";
			any = true;
		}
	if (any)
		fputs("</FONT></TD></TR>", d->to);
}

static void put_node(FILE *to, const char *name)
{
	fputs("<TR><TD ALIGN=\"LEFT\"><FONT COLOR=\"" PALE_INK "\">", to);
	put_html_n(to, name, name_domain(name) ? name_domain(name) + 1 : 0);
	fputs("</FONT><B>", to);
	put_html(to, name_tail(name));
	fputs("</B></TD></TR>", to);
}

static void put_card(const struct drawing *d, size_t number)
{
	const struct rplan_area *a = &d->plan->areas.at[number];

	fprintf(d->to,
		"    a%zu [tooltip=\" \", label=<<TABLE BORDER=\"0\" CELLSPACING=\"0\" "
		"CELLPADDING=\"1\">",
		number);
	for (size_t i = 0; i < a->nodes.n && i < SHOWN_NODES; i++)
		put_node(d->to, a->nodes.at[i]);
	if (a->nodes.n > SHOWN_NODES)
		fprintf(d->to,
			"<TR><TD ALIGN=\"LEFT\"><FONT COLOR=\"" PALE_INK
			"\">and %zu more</FONT></TD></TR>",
			a->nodes.n - SHOWN_NODES);
	if (!a->nodes.n)
		fputs("<TR><TD>no nodes</TD></TR>", d->to);
	put_inside(d, number);
	fputs("</TABLE>>]\n", d->to);
}

static void put_area_tooltip(FILE *to, const struct rplan_area *a)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	for (size_t i = 0; i < a->attributes.n; i++)
		fprintf(tip.to, "%s%s", i ? "\n" : "", a->attributes.at[i]);
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, *tooltip ? tooltip : "no attributes");
	free(tooltip);
}

static void put_area(const struct drawing *d, size_t number)
{
	const struct rplan_area *a = &d->plan->areas.at[number];

	fprintf(d->to,
		"\n  subgraph cluster_a%zu {\n"
		"    style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
		"\"; peripheries=1; labelloc=t; labeljust=l\n    ",
		number);
	put_area_tooltip(d->to, a);
	fprintf(d->to, "\n    label=<<B>area %zu</B><BR ALIGN=\"LEFT\"/><FONT POINT-SIZE=\"9\">",
		number + 1);
	if (a->attributes.n)
		put_tails(d->to, a->attributes, ATTRIBUTES_WIDTH, ATTRIBUTES_LINES);
	else
		fputs("<I>no attributes</I><BR ALIGN=\"LEFT\"/>", d->to);
	fputs("</FONT>>\n", d->to);
	put_card(d, number);
	fputs("  }\n", d->to);
}

/* An arrow with a box on its middle: a node, as Graphviz lays boxes, unlike labels, clear of all
 * else. */
static void put_arrow(const struct drawing *d, const struct counts *c, enum movement m)
{
	const struct look *look = look_of(movements[m].status);
	const char *line = strcmp(look->style, "bold") ? "1.6" : "2.2";

	fprintf(
	    d->to,
	    "  m%zu_%zu_%u [margin=\"0.08,0.03\", color=\"%s\", style=\"rounded,filled,%s\",\n"
	    "    tooltip=\"area %zu to area %zu: %zu %s\", label=<<FONT COLOR=\"%s\"><B>%zu %s</B>"
	    "</FONT>>]\n",
	    c->from, c->to, m, look->colour, look->style, c->from + 1, c->to + 1, c->n[m],
	    movements[m].word, look->colour, c->n[m], movements[m].word);
	fprintf(d->to,
		"  a%zu -> m%zu_%zu_%u [arrowhead=none, color=\"%s\", style=%s, penwidth=%s]\n"
		"  m%zu_%zu_%u -> a%zu [color=\"%s\", style=%s, penwidth=%s%s]\n",
		c->from, c->from, c->to, m, look->colour, look->style, line, c->from, c->to, m,
		c->to, look->colour, look->style, line,
		m == MOVE_IMPOSSIBLE ? ", arrowhead=empty" : "");
}

static void put_legend(const struct drawing *d)
{
	draw_legend_open(d->to);
	for (size_t m = 0; m < N_MOVEMENTS; m++) {
		const struct look *look = look_of(movements[m].status);
		size_t n = 0;

		for (size_t i = 0; i < d->n_counts; i++)
			n += d->counts[i].n[m];
		if (n)
			draw_legend_row(d->to, look->colour, look->sample, movements[m].legend);
	}
	draw_legend_close(d->to);
}

void draw_areas(FILE *to, const struct rplan_plan *plan)
{
	struct drawing d = { .to = to, .plan = plan };

	collect_nodes(&d);
	collect_counts(&d);
	draw_open(to, plan, "areas", ", newrank=true");
	put_legend(&d);
	for (size_t i = 0; i < plan->areas.n; i++)
		put_area(&d, i);
	fputs("\n", to);
	for (size_t i = 0; i < d.n_counts; i++)
		for (size_t m = 0; m < N_MOVEMENTS; m++)
			if (d.counts[i].n[m] && d.counts[i].from != d.counts[i].to)
				put_arrow(&d, &d.counts[i], (enum movement)m);
	if (!plan->areas.n)
		draw_nothing(to, "The plan has no areas.");
	draw_close(to);
	free(d.counts);
	free(d.area_of);
	names_free(&d.nodes);
}
