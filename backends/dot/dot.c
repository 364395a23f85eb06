/* Pictures in the DOT language. */
#include <config.h>

#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/form.h"

enum { NOTE_WIDTH = 90, NOTE_LINES = 3 };

#define FONT "Helvetica,Arial,sans-serif"

static void put_title(FILE *to, const struct picture *p)
{
	fputs(",\n         label=<<FONT POINT-SIZE=\"17\"><B>", to);
	put_html(to, p->plan->module);
	fputs("&#160; </B></FONT><FONT POINT-SIZE=\"17\" COLOR=\"" PALE_INK "\">", to);
	put_html(to, p->view);
	fputs("</FONT><BR ALIGN=\"LEFT\"/>", to);
	if (p->notes.n)
		fputs("<FONT POINT-SIZE=\"5\"> <BR ALIGN=\"LEFT\"/></FONT>", to);
	for (size_t i = 0; i < p->notes.n; i++)
		put_wrapped(to, p->notes.at[i], NOTE_WIDTH, NOTE_LINES);
	fputs(">]\n", to);
}

static void put_head(FILE *to, const struct picture *p)
{
	fputs("digraph ", to);
	put_quoted(to, p->view);
	fputs(" {\n"
	      "  graph [fontname=\"" FONT "\", fontsize=11, fontcolor=\"" INK "\", rankdir=LR,\n"
	      "         bgcolor=white, pad=0.3, nodesep=0.35, ranksep=0.7,\n"
	      "         labelloc=t, labeljust=l, tooltip=\" \"",
	      to);
	fprintf(to, "%s", p->more);
	put_title(to, p);
	fputs("  node [fontname=\"" FONT "\", fontsize=11, fontcolor=\"" INK "\", color=\"" FRAME
	      "\",\n"
	      "        shape=box, style=\"rounded,filled\", fillcolor=white, height=0.3, "
	      "margin=\"0.14,0.07\"]\n"
	      "  edge [fontname=\"" FONT "\", fontsize=10, fontcolor=\"" INK "\", color=\"" PALE_INK
	      "\", arrowsize=0.8]\n\n"
	      "  subgraph cluster_all {\n"
	      "  peripheries=0; labelloc=b; labeljust=l\n",
	      to);
	fputs(p->legend, to);
}

static void put_attributes(FILE *to, const struct pic_item *item, bool with_ids)
{
	fputs(" [", to);
	if (with_ids)
		fprintf(to, "id=\"i-%s\"%s", item->id, *item->dot ? ", " : "");
	fprintf(to, "%s]\n", item->dot);
}

/* ---- nodes and clusters, as they were made ---- */

static void put_inside(FILE *, const struct picture *, const struct pic_item *cluster, bool);

static void put_cluster(FILE *to, const struct picture *p, const struct pic_item *c, bool with_ids)
{
	fprintf(to, "\n  subgraph cluster_%s {\n    ", c->id);
	if (with_ids)
		fprintf(to, "id=\"c-%s\"; ", c->id);
	fprintf(to, "%s\n", c->dot);
	put_inside(to, p, c, with_ids);
	fputs("  }\n", to);
}

static void put_column(FILE *to, const struct picture *p, const struct pic_item *cluster)
{
	const char *before = "    { rank=same;";

	for (size_t i = 0; i < p->nodes.n; i++) {
		const struct pic_item *n = p->nodes.at[i];

		if (n->hidden || !n->last_column || n->cluster != cluster)
			continue;
		fprintf(to, "%s %s;", before, n->id);
		before = "";
	}
	fputs(*before ? "" : " }\n", to);
}

static void put_inside(FILE *to, const struct picture *p, const struct pic_item *cluster,
		       bool with_ids)
{
	size_t n = 0, c = 0;

	while (n < p->nodes.n || c < p->clusters.n) {
		const struct pic_item *node = n < p->nodes.n ? p->nodes.at[n] : NULL;
		const struct pic_item *inner = c < p->clusters.n ? p->clusters.at[c] : NULL;

		if (node && (!inner || node->order < inner->order)) {
			n++;
			if (node->cluster != cluster || node->hidden)
				continue;
			fprintf(to, "    %s", node->id);
			put_attributes(to, node, with_ids);
		} else {
			c++;
			if (inner->cluster == cluster && !inner->hidden)
				put_cluster(to, p, inner, with_ids);
		}
	}
	put_column(to, p, cluster);
}

void form_dot(FILE *to, const struct picture *p, bool with_ids)
{
	put_head(to, p);
	put_inside(to, p, NULL, with_ids);
	fputs("\n", to);
	for (size_t i = 0; i < p->edges.n; i++) {
		const struct pic_item *e = p->edges.at[i];

		if (e->hidden)
			continue;
		fprintf(to, "  %s -> %s", e->from->id, e->to->id);
		put_attributes(to, e, with_ids);
	}
	fputs("  }\n}\n", to);
}
