#include <config.h>

#include "backends/dot/draw.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Lines are this wide at rate 0, and that much wider at the highest rate of the pipeline. */
static const double narrowest = 1.2, widening = 2.6;

enum { MOST_PARALLEL = 3 }; /* edges between two modules that are drawn each by itself */

struct drawn_pipeline {
	struct picture *picture;
	struct pic_item *frame, **items; /* items: of ids */
	const struct rplan_pipeline *p;
	size_t number;
	struct names ids; /* of modules, and of what edges name besides */
	double most;      /* highest rate; 0: none is known */
};

static bool has_edge(const struct drawn_pipeline *d, const char *id, bool to)
{
	for (size_t i = 0; i < d->p->edges.n; i++)
		if (!strcmp(to ? d->p->edges.at[i].to : d->p->edges.at[i].from, id))
			return true;
	return false;
}

struct role {
	const char *word, *colour, *fill;
};

static struct role role_of(const struct drawn_pipeline *d, const struct rplan_module *m)
{
	if (!strcmp(m->function, "drop"))
		return (struct role){ "drop", RED, "#fdf0f1" };
	if (!has_edge(d, m->id, true))
		return (struct role){ "source", BLUE, "#eef4fd" };
	if (!has_edge(d, m->id, false))
		return (struct role){ "exit", GREEN, "#eef8f1" };
	return (struct role){ "", FRAME, "white" };
}

static void put_cost(FILE *to, const struct rplan_module *m)
{
	if (m->cost_cycles > 0 || m->cost_cycles_per_byte <= 0) {
		put_number(to, m->cost_cycles);
		fputs(" cycles", to);
	}
	if (m->cost_cycles_per_byte > 0) {
		fputs(m->cost_cycles > 0 ? " + " : "", to);
		put_number(to, m->cost_cycles_per_byte);
		fputs(m->cost_cycles > 0 ? "/B" : " cycles/B", to);
	}
}

static void put_module_looks(FILE *to, const struct drawn_pipeline *d, const struct rplan_module *m)
{
	struct role role = role_of(d, m);
	struct text tip;
	char *tooltip;

	text_open(&tip);
	fprintf(tip.to, "%s : %s\n", m->id, m->function);
	put_cost(tip.to, m);
	fputs(" per packet", tip.to);
	tooltip = text_take(&tip);
	fprintf(to, "color=\"%s\", fillcolor=\"%s\", tooltip=", role.colour, role.fill);
	put_quoted(to, tooltip);
	free(tooltip);
	fputs(",\n      label=<<B>", to);
	put_html(to, name_tail(m->id));
	if (*role.word && strcmp(role.word, name_tail(m->id)))
		fprintf(to, "&#160; </B><FONT POINT-SIZE=\"9\" COLOR=\"%s\">%s</FONT>", role.colour,
			role.word);
	else
		fputs("</B>", to);
	if (strcmp(m->function, "drop")) {
		fputs("<BR/><FONT POINT-SIZE=\"10\">", to);
		put_html(to, name_tail(m->function));
		fputs("</FONT><BR/><FONT POINT-SIZE=\"9\" COLOR=\"" PALE_INK "\">", to);
		put_cost(to, m);
		fputs("</FONT>", to);
	}
	fputs(">", to);
}

static void put_module(struct drawn_pipeline *d, const struct rplan_module *m)
{
	size_t i = names_find(&d->ids, m->id);
	const char *role = role_of(d, m).word;
	struct pic_item *item = pic_node(d->picture, d->frame, *role ? role : "module", m->id,
					 "p%zu_%zu", d->number, i);
	FILE *to = pic_write(d->picture);

	put_module_looks(to, d, m);
	item->dot = pic_take(d->picture);
	item->label = pic_text(d->picture, "%s\n%s", name_tail(m->id), name_tail(m->function));
	if (!strcmp(m->function, "drop"))
		item->label = name_tail(m->id);
	tell_module(d->picture, item, m, NULL);
	d->items[i] = item;
}

/* Reader and edge may name what no module is called. */
static void put_strangers(struct drawn_pipeline *d)
{
	for (size_t i = 0; i < d->ids.n; i++) {
		FILE *to;

		if (d->items[i])
			continue;
		d->items[i] = pic_node(d->picture, d->frame, "unknown", d->ids.at[i], "p%zu_%zu",
				       d->number, i);
		to = pic_write(d->picture);
		fputs("style=\"rounded,dashed\", label=", to);
		put_quoted(to, d->ids.at[i]);
		d->items[i]->dot = pic_take(d->picture);
	}
}

static void put_edge_label(FILE *to, const struct rplan_edge *e)
{
	bool filtered = strcmp(e->when, "true");

	if (!filtered && !e->copy && !e->rate_pps.present)
		return;
	fputs(",\n      label=<", to);
	if (e->copy)
		fputs("<I>copy</I><BR ALIGN=\"LEFT\"/>", to);
	if (e->rate_pps.present) {
		fputs("<B>", to);
		put_rate(to, e->rate_pps.value, "pps");
		fputs("</B><BR ALIGN=\"LEFT\"/>", to);
	}
	put_filter(to, e->when);
	fputs(">", to);
}

/* How many edges of the same kind go the same way. */
static size_t parallel(const struct drawn_pipeline *d, size_t from, size_t to, size_t i)
{
	const struct rplan_edge *e = &d->p->edges.at[i];
	size_t n = 0;

	for (size_t k = from; k < to; k++)
		n += !strcmp(d->p->edges.at[k].from, e->from) &&
		     !strcmp(d->p->edges.at[k].to, e->to) && d->p->edges.at[k].copy == e->copy;
	return n;
}

static void put_edge_looks(FILE *to, const struct drawn_pipeline *d, const struct rplan_edge *e)
{
	double share = e->rate_pps.present && d->most > 0 ? e->rate_pps.value / d->most : 0;

	fprintf(to, "style=%s, penwidth=%.2f, ", e->copy ? "dashed" : "solid",
		narrowest + widening * sqrt(share > 0 ? share : 0));
	put_edge_tooltip(to, e);
}

/* Many edges between two modules are one line, which says how many it stands for. */
static void put_bundle(struct drawn_pipeline *d, size_t first)
{
	const struct rplan_edge *e = &d->p->edges.at[first];
	struct pic_item *edge =
	    pic_edge(d->picture, d->items[names_find(&d->ids, e->from)],
		     d->items[names_find(&d->ids, e->to)], e->copy ? "copy" : "edge");
	FILE *to = pic_write(d->picture);

	edge->count = parallel(d, 0, d->p->edges.n, first);
	put_edge_looks(to, d, e);
	fprintf(to, ",\n      label=<<B>%zu filters</B><BR ALIGN=\"LEFT\"/>", edge->count);
	put_filter(to, e->when);
	fprintf(to, "<FONT POINT-SIZE=\"9\">and %zu more<BR ALIGN=\"LEFT\"/></FONT>>",
		edge->count - 1);
	edge->dot = pic_take(d->picture);
	for (size_t i = first; i < d->p->edges.n; i++)
		if (!strcmp(d->p->edges.at[i].from, e->from) &&
		    !strcmp(d->p->edges.at[i].to, e->to) && d->p->edges.at[i].copy == e->copy)
			tell_edge(d->picture, edge, &d->p->edges.at[i]);
	edge->label = pic_text(d->picture, "%zu filters", edge->count);
}

static void put_edge(struct drawn_pipeline *d, struct pic_item *from, const struct rplan_edge *e)
{
	struct pic_item *edge = pic_edge(d->picture, from, d->items[names_find(&d->ids, e->to)],
					 e->copy ? "copy" : "edge");
	FILE *to = pic_write(d->picture);

	put_edge_looks(to, d, e);
	put_edge_label(to, e);
	edge->dot = pic_take(d->picture);
	tell_edge(d->picture, edge, e);
}

/* ---- what the compiler puts in ---- */

static size_t count_filters(const struct drawn_pipeline *d, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < d->p->edges.n; i++)
		n += !strcmp(d->p->edges.at[i].from, id) && strcmp(d->p->edges.at[i].when, "true");
	return n;
}

/* BESS classes that match by rules of their own. */
static bool matches_itself(const char *class)
{
	static const struct {
		const char *name, *kind;
	} classes[] = {
#define BESS_CLASS(name, in, out, task, many, gate, kind, args, needs) { #name, #kind },
#define BESS_CHANGES(name)
#define BESS_DRIVER(name)
#define BESS_RESERVED(name)
#include "grammar/bess_classes.def"
#undef BESS_CLASS
#undef BESS_CHANGES
#undef BESS_DRIVER
#undef BESS_RESERVED
	};

	for (size_t i = 0; class && i < sizeof(classes) / sizeof(*classes); i++)
		if (!strcmp(classes[i].name, class))
			return !strcmp(classes[i].kind, "TABLE") ||
			       !strcmp(classes[i].kind, "FILTERS");
	return false;
}

/* Whether a target that moves packets runs the module and cannot let it decide by filters. */
static bool is_helped(const struct rplan_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct rplan_target *t = &plan->targets.at[i];
		const struct rplan_packet_config *c =
		    rplan_target_bess(t) ? rplan_target_bess(t) : rplan_target_dpdk(t);

		for (size_t k = 0; c && k < c->modules.n; k++)
			if (!strcmp(c->modules.at[k].id, id) &&
			    (!rplan_target_bess(t) || !matches_itself(c->modules.at[k].class)))
				return true;
	}
	return false;
}

/* The matcher behind a module whose packets part by filters; the module itself if there is none. */
static struct pic_item *put_matcher(struct drawn_pipeline *d, size_t id)
{
	size_t n = count_filters(d, d->ids.at[id]);
	struct pic_item *matcher;

	if (!d->picture->internal || !n || !is_helped(d->picture->plan, d->ids.at[id]))
		return d->items[id];
	matcher = pic_node(d->picture, d->frame, "matcher",
			   pic_text(d->picture, "%s.match", d->ids.at[id]), "p%zu_%zu_match",
			   d->number, id);
	matcher->internal = true;
	matcher->label = pic_text(d->picture, "match\n%zu filter%s", n, n == 1 ? "" : "s");
	matcher->dot = pic_text(d->picture,
				"shape=diamond, style=\"filled,dashed\", margin=\"0.02,0.02\", "
				"color=\"" PALE_INK "\", tooltip=\"put in: finds the filter that "
				"holds\",\n      label=<<B>match</B><BR/><FONT "
				"POINT-SIZE=\"9\">%zu filter%s</FONT>>",
				n, n == 1 ? "" : "s");
	pic_fact(pic_row(matcher, matcher->name), "filters", pic_text(d->picture, "%zu", n));
	pic_edge(d->picture, d->items[id], matcher, "internal")->dot =
	    "arrowsize=0.6, style=dotted";
	return matcher;
}

static void put_edges(struct drawn_pipeline *d)
{
	struct pic_item **exits = draw_alloc(d->ids.n, sizeof(*exits));

	for (size_t i = 0; i < d->ids.n; i++)
		exits[i] = put_matcher(d, i);
	for (size_t i = 0; i < d->p->edges.n; i++) {
		if (parallel(d, 0, d->p->edges.n, i) <= MOST_PARALLEL)
			put_edge(d, exits[names_find(&d->ids, d->p->edges.at[i].from)],
				 &d->p->edges.at[i]);
		else if (!parallel(d, 0, i, i))
			put_bundle(d, i);
	}
	free(exits);
}

static struct drawn_pipeline prepare(const struct rplan_pipeline *p, size_t number)
{
	struct drawn_pipeline d = { .p = p, .number = number };

	for (size_t i = 0; i < p->modules.n; i++)
		names_add(&d.ids, p->modules.at[i].id);
	for (size_t i = 0; i < p->edges.n; i++) {
		const struct rplan_edge *e = &p->edges.at[i];

		names_add(&d.ids, e->from);
		names_add(&d.ids, e->to);
		if (e->rate_pps.present && e->rate_pps.value > d.most)
			d.most = e->rate_pps.value;
	}
	names_sort(&d.ids);
	return d;
}

static struct pic_item *pipeline_frame(struct picture *p, const char *name, size_t number)
{
	struct pic_item *frame = pic_cluster(p, NULL, "pipeline", name, "p%zu", number);
	FILE *to = pic_write(p);

	fputs("style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
	      "\"; peripheries=1\n    labelloc=t; label=<<B>",
	      to);
	put_html(to, name);
	fputs("</B>>; tooltip=", to);
	put_quoted(to, name);
	frame->dot = pic_take(p);
	frame->label = name;
	return frame;
}

static void put_pipeline(struct picture *p, const struct rplan_pipeline *row, size_t number)
{
	struct drawn_pipeline d = prepare(row, number);

	d.picture = p;
	d.frame = pipeline_frame(p, row->name, number);
	d.items = draw_alloc(d.ids.n, sizeof(*d.items));
	for (size_t i = 0; i < row->modules.n; i++)
		put_module(&d, &row->modules.at[i]);
	put_strangers(&d);
	put_edges(&d);
	free(d.items);
	names_free(&d.ids);
}

static bool has_copies(const struct rplan_plan *plan)
{
	for (size_t i = 0; i < plan->pipelines.n; i++)
		for (size_t k = 0; k < plan->pipelines.at[i].edges.n; k++)
			if (plan->pipelines.at[i].edges.at[k].copy)
				return true;
	return false;
}

static const char *legend(struct picture *p)
{
	FILE *to = pic_write(p);

	draw_legend_open(to);
	draw_legend_row(to, PALE_INK, "\xe2\x94\x81\xe2\x94\x81\xe2\x94\x81\xe2\x96\xb6",
			"packets that meet the filter; the wider, the more per second");
	if (has_copies(p->plan))
		draw_legend_row(to, PALE_INK, "\xe2\x95\x8c\xe2\x95\x8c\xe2\x95\x8c\xe2\x96\xb6",
				"a copy of each such packet");
	if (p->internal)
		draw_legend_row(to, PALE_INK, "\xe2\x97\x87 match",
				"put in: finds the filter that a packet meets");
	draw_legend_close(to);
	return pic_take(p);
}

void draw_pipelines(struct picture *p)
{
	p->legend = legend(p);
	for (size_t i = 0; i < p->plan->pipelines.n; i++)
		put_pipeline(p, &p->plan->pipelines.at[i], i);
	if (!p->plan->pipelines.n)
		draw_nothing(p, "The plan has no pipelines.");
}
