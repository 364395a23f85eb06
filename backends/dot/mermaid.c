/* Pictures as flowcharts of mermaid. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/form.h"

/* By kind: how mermaid draws it. */
static const struct {
	const char *kind, *open, *close;
} shapes[] = {
	{ "flow", "([", "])" },   { "movement", "([", "])" },
	{ "matcher", "{", "}" },  { "classifier", "{{", "}}" },
	{ "queue", "[(", ")]" },  { "function", "[[", "]]" },
	{ "domain", "[[", "]]" }, { "pipeline", "[[", "]]" },
	{ "area", "[", "]" },     { "rest", "[[", "]]" },
	{ "drop", "[/", "\\]" },  { "note", ">", "]" },
	{ "", "[", "]" },
};

/* By status, then by kind. */
static const struct {
	const char *word, *arrow, *bare; /* bare: without a head */
} lines[] = {
	{ "bridged", "==>", "===" },   { "unbridgeable", "-.->", "-.-" },
	{ "forbidden", "--x", "---" }, { "copy", "-.->", "-.-" },
	{ "internal", "-.->", "-.-" }, { "branch", "---", "---" },
	{ "", "-->", "---" },
};

/* What could be read as more than a letter becomes a number. */
static void put_letters(FILE *to, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\n')
			fputs("<br/>", to);
		else if (c < 0x20 || c == 0x7f)
			fputc(' ', to);
		else if (c >= 0x80 || isalnum(c) || strchr(" .,:/=()-_%+|", c))
			fputc(c, to);
		else
			fprintf(to, "#%d;", c);
	}
}

static void put_text(FILE *to, const char *text)
{
	fputc('"', to);
	put_letters(to, text);
	fputc('"', to);
}

static void put_node(FILE *to, const struct pic_item *n)
{
	size_t i = 0;

	while (*shapes[i].kind && strcmp(shapes[i].kind, n->kind))
		i++;
	fprintf(to, "  %s%s", n->id, shapes[i].open);
	put_text(to, *n->label ? n->label : " ");
	fputs(shapes[i].close, to);
	if (n->status)
		fprintf(to, ":::%s", n->status);
	else if (n->internal)
		fputs(":::internal", to);
	fputs("\n", to);
}

static void put_inside(FILE *to, const struct picture *p, const struct pic_item *cluster)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		if (!p->nodes.at[i]->hidden && p->nodes.at[i]->cluster == cluster)
			put_node(to, p->nodes.at[i]);
	for (size_t i = 0; i < p->clusters.n; i++) {
		const struct pic_item *c = p->clusters.at[i];

		if (c->hidden || c->cluster != cluster)
			continue;
		fprintf(to, "  subgraph cluster_%s[", c->id);
		put_text(to, c->label);
		fputs("]\n", to);
		put_inside(to, p, c);
		fputs("  end\n", to);
	}
}

static void put_edge(FILE *to, const struct pic_item *e)
{
	bool bare = e->to->via.n || !strcmp(e->kind, "branch");
	size_t i = 0;

	while (*lines[i].word && (!e->status || strcmp(lines[i].word, e->status)) &&
	       strcmp(lines[i].word, e->kind))
		i++;
	fprintf(to, "  %s %s", e->from->id, bare ? lines[i].bare : lines[i].arrow);
	if (*e->label) {
		fputs("|", to);
		put_text(to, e->label);
		fputs("|", to);
	}
	fprintf(to, " %s\n", e->to->id);
}

void form_mermaid(FILE *to, const struct picture *p)
{
	fputs("---\ntitle: ", to);
	fputc('"', to);
	put_letters(to, p->plan->module);
	fprintf(to, ", %s\"", p->view);
	fputs("\n---\nflowchart LR\n", to);
	for (size_t i = 0; i < p->notes.n; i++) {
		fprintf(to, "  note%zu>", i);
		put_text(to, p->notes.at[i]);
		fputs("]\n", to);
	}
	put_inside(to, p, NULL);
	for (size_t i = 0; i < p->edges.n; i++)
		if (!p->edges.at[i]->hidden)
			put_edge(to, p->edges.at[i]);
	fputs("  classDef direct stroke:" GREEN "\n"
	      "  classDef bridged stroke:" BLUE ",stroke-width:2px\n"
	      "  classDef unbridgeable stroke:" RED ",stroke-dasharray:6 3\n"
	      "  classDef forbidden stroke:" RED ",stroke-dasharray:2 2\n"
	      "  classDef internal stroke-dasharray:3 3\n",
	      to);
}
