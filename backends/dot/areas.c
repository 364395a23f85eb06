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
	struct picture *picture;
	const struct rplan_plan *plan;
	struct names nodes;
	size_t *area_of;       /* by index into `nodes`; SIZE_MAX: of no area */
	struct counts *counts; /* sorted by (from, to) */
	struct pic_item **cards;
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
static void put_inside(FILE *to, const struct drawing *d, size_t area)
{
	const char *before = "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"9\">flows inside: ";
	bool any = false;

	for (size_t i = 0; i < d->n_counts; i++)
		for (size_t m = 0; m < N_MOVEMENTS; m++) {
			const struct counts *c = &d->counts[i];

			if (c->from != area || c->to != area || !c->n[m])
				continue;
			fprintf(to, "%s<FONT COLOR=\"%s\">%zu %s</FONT>", before,
				look_of(movements[m].status)->colour, c->n[m], movements[m].word);
			before = ", ";
			any = true;
		}
	if (any)
		fputs("</FONT></TD></TR>", to);
}

static void put_node(FILE *to, const char *name)
{
	fputs("<TR><TD ALIGN=\"LEFT\"><FONT COLOR=\"" PALE_INK "\">", to);
	put_html_n(to, name, name_domain(name) ? name_domain(name) + 1 : 0);
	fputs("</FONT><B>", to);
	put_html(to, name_tail(name));
	fputs("</B></TD></TR>", to);
}

/* All that the flows between two areas tell; MOVEMENT N_MOVEMENTS: whatever it is. */
static void tell_flows(const struct drawing *d, struct pic_item *item, size_t from, size_t to,
		       enum movement m)
{
	for (size_t i = 0; i < d->plan->flows.n; i++) {
		const struct rplan_flow *f = &d->plan->flows.at[i];

		if (area_of(d, f->from) == from && area_of(d, f->to) == to &&
		    (m == N_MOVEMENTS || movement_of(f->status) == m))
			tell_flow(d->picture, item, f);
	}
}

static void put_members(FILE *to, const struct drawing *d, size_t number)
{
	const struct rplan_area *a = &d->plan->areas.at[number];

	fputs("tooltip=\" \", label=<<TABLE BORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">", to);
	for (size_t i = 0; i < a->nodes.n && i < SHOWN_NODES; i++)
		put_node(to, a->nodes.at[i]);
	if (a->nodes.n > SHOWN_NODES)
		fprintf(to,
			"<TR><TD ALIGN=\"LEFT\"><FONT COLOR=\"" PALE_INK
			"\">and %zu more</FONT></TD></TR>",
			a->nodes.n - SHOWN_NODES);
	if (!a->nodes.n)
		fputs("<TR><TD>no nodes</TD></TR>", to);
	put_inside(to, d, number);
	fputs("</TABLE>>", to);
}

static const char *member_words(struct picture *p, const struct rplan_area *a)
{
	FILE *to = pic_write(p);

	for (size_t i = 0; i < a->nodes.n && i < SHOWN_NODES; i++)
		fprintf(to, "%s%s", i ? "\n" : "", a->nodes.at[i]);
	if (a->nodes.n > SHOWN_NODES)
		fprintf(to, "\nand %zu more", a->nodes.n - SHOWN_NODES);
	return pic_take(p);
}

static void put_card(const struct drawing *d, struct pic_item *frame, size_t number)
{
	const struct rplan_area *a = &d->plan->areas.at[number];
	const char *name = pic_text(d->picture, "area %zu", number + 1);
	struct pic_item *card = pic_node(d->picture, frame, "area", name, "a%zu", number);
	FILE *to = pic_write(d->picture);
	struct pic_row *row = pic_row(card, name);

	put_members(to, d, number);
	card->dot = pic_take(d->picture);
	card->label = member_words(d->picture, a);
	pic_names(d->picture, row, "attributes", a->attributes);
	for (size_t i = 0; i < a->nodes.n; i++)
		tell_node(d->picture, card, a->nodes.at[i]);
	tell_flows(d, card, number, number, N_MOVEMENTS);
	d->cards[number] = card;
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

static const char *area_words(struct picture *p, const struct rplan_area *a, size_t number)
{
	FILE *to = pic_write(p);

	fprintf(to, "area %zu", number + 1);
	for (size_t i = 0; i < a->attributes.n; i++)
		fprintf(to, "%s%s", i ? ", " : ": ", name_tail(a->attributes.at[i]));
	if (!a->attributes.n)
		fputs(": no attributes", to);
	return pic_take(p);
}

static void put_area(const struct drawing *d, size_t number)
{
	const struct rplan_area *a = &d->plan->areas.at[number];
	struct pic_item *frame = pic_cluster(
	    d->picture, NULL, "area", pic_text(d->picture, "area %zu", number + 1), "a%zu", number);
	FILE *to = pic_write(d->picture);

	fputs("style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
	      "\"; peripheries=1; labelloc=t; labeljust=l\n    ",
	      to);
	put_area_tooltip(to, a);
	fprintf(to, "\n    label=<<B>area %zu</B><BR ALIGN=\"LEFT\"/><FONT POINT-SIZE=\"9\">",
		number + 1);
	if (a->attributes.n)
		put_tails(to, a->attributes, ATTRIBUTES_WIDTH, ATTRIBUTES_LINES);
	else
		fputs("<I>no attributes</I><BR ALIGN=\"LEFT\"/>", to);
	fputs("</FONT>>", to);
	frame->dot = pic_take(d->picture);
	frame->label = area_words(d->picture, a, number);
	put_card(d, frame, number);
}

/* An arrow with a box on its middle: a node, as Graphviz lays boxes, unlike labels, clear of all
 * else. */
static struct pic_item *put_box(const struct drawing *d, const struct counts *c, enum movement m)
{
	struct picture *p = d->picture;
	const struct look *look = look_of(movements[m].status);
	struct pic_item *box =
	    pic_node(p, NULL, "movement", "", "m%zu_%zu_%u", c->from, c->to, (unsigned)m);

	box->dot = pic_text(
	    p,
	    "margin=\"0.08,0.03\", color=\"%s\", style=\"rounded,filled,%s\",\n"
	    "    tooltip=\"area %zu to area %zu: %zu %s\", label=<<FONT COLOR=\"%s\"><B>%zu "
	    "%s</B></FONT>>",
	    look->colour, look->style, c->from + 1, c->to + 1, c->n[m], movements[m].word,
	    look->colour, c->n[m], movements[m].word);
	box->label = pic_text(p, "%zu %s", c->n[m], movements[m].word);
	box->status = movements[m].status;
	box->count = c->n[m];
	tell_flows(d, box, c->from, c->to, m);
	pic_via(box, d->cards[c->from]);
	pic_via(box, d->cards[c->to]);
	return box;
}

static void put_arrow(const struct drawing *d, const struct counts *c, enum movement m)
{
	const struct look *look = look_of(movements[m].status);
	struct pic_item *box = put_box(d, c, m);
	struct pic_item *in = pic_edge(d->picture, d->cards[c->from], box, "movement");
	struct pic_item *out = pic_edge(d->picture, box, d->cards[c->to], "movement");
	const char *line = strcmp(look->style, "bold") ? "1.6" : "2.2";

	in->dot = pic_text(d->picture, "arrowhead=none, color=\"%s\", style=%s, penwidth=%s",
			   look->colour, look->style, line);
	out->dot = pic_text(d->picture, "color=\"%s\", style=%s, penwidth=%s%s", look->colour,
			    look->style, line, m == MOVE_IMPOSSIBLE ? ", arrowhead=empty" : "");
	in->status = out->status = movements[m].status;
}

static const char *legend(struct picture *p)
{
	FILE *to = pic_write(p);

	draw_legend_open(to);
	for (size_t m = 0; m < N_MOVEMENTS; m++) {
		const struct look *look = look_of(movements[m].status);

		if (pic_shows_status(p, look->status))
			draw_legend_row(to, look->colour, look->sample, movements[m].legend);
	}
	draw_mixed_row(to, p);
	draw_legend_close(to);
	return pic_take(p);
}

void draw_areas(struct picture *p)
{
	struct drawing d = { .picture = p, .plan = p->plan };

	collect_nodes(&d);
	collect_counts(&d);
	d.cards = draw_alloc(p->plan->areas.n, sizeof(*d.cards));
	p->more = ", newrank=true";
	p->make_legend = legend;
	for (size_t i = 0; i < p->plan->areas.n; i++)
		put_area(&d, i);
	for (size_t i = 0; i < d.n_counts; i++)
		for (size_t m = 0; m < N_MOVEMENTS; m++)
			if (d.counts[i].n[m] && d.counts[i].from != d.counts[i].to)
				put_arrow(&d, &d.counts[i], (enum movement)m);
	if (!p->plan->areas.n)
		draw_nothing(p, "The plan has no areas.");
	free(d.cards);
	free(d.counts);
	free(d.area_of);
	names_free(&d.nodes);
}
