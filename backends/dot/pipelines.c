#include <config.h>

#include "backends/dot/draw.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Lines are this wide at rate 0, and that much wider at the highest rate of the pipeline. */
static const double narrowest = 1.2, widening = 2.6;

struct drawn_pipeline {
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

static void put_module(FILE *to, const struct drawn_pipeline *d, const struct rplan_module *m)
{
	struct role role = role_of(d, m);
	struct text tip;
	char *tooltip;

	text_open(&tip);
	fprintf(tip.to, "%s : %s\n", m->id, m->function);
	put_cost(tip.to, m);
	fputs(" per packet", tip.to);
	tooltip = text_take(&tip);
	fprintf(to, "    p%zu_%zu [color=\"%s\", fillcolor=\"%s\", tooltip=", d->number,
		names_find(&d->ids, m->id), role.colour, role.fill);
	put_quoted(to, tooltip);
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
	fputs(">]\n", to);
	free(tooltip);
}

/* Reader and edge may name what no module is called. */
static void put_strangers(FILE *to, const struct drawn_pipeline *d)
{
	for (size_t i = 0; i < d->ids.n; i++) {
		bool known = false;

		for (size_t k = 0; k < d->p->modules.n && !known; k++)
			known = !strcmp(d->p->modules.at[k].id, d->ids.at[i]);
		if (known)
			continue;
		fprintf(to, "    p%zu_%zu [style=\"rounded,dashed\", label=", d->number, i);
		put_quoted(to, d->ids.at[i]);
		fputs("]\n", to);
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

static void put_edge(FILE *to, const struct drawn_pipeline *d, const struct rplan_edge *e)
{
	double share = e->rate_pps.present && d->most > 0 ? e->rate_pps.value / d->most : 0;

	fprintf(to, "    p%zu_%zu -> p%zu_%zu [style=%s, penwidth=%.2f, ", d->number,
		names_find(&d->ids, e->from), d->number, names_find(&d->ids, e->to),
		e->copy ? "dashed" : "solid", narrowest + widening * sqrt(share > 0 ? share : 0));
	put_edge_tooltip(to, e);
	put_edge_label(to, e);
	fputs("]\n", to);
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

static void put_pipeline(FILE *to, const struct rplan_pipeline *p, size_t number)
{
	struct drawn_pipeline d = prepare(p, number);

	fprintf(to,
		"\n  subgraph cluster_p%zu {\n"
		"    style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
		"\"; peripheries=1\n"
		"    labelloc=t; label=<<B>",
		number);
	put_html(to, p->name);
	fputs("</B>>; tooltip=", to);
	put_quoted(to, p->name);
	fputs("\n", to);
	for (size_t i = 0; i < p->modules.n; i++)
		put_module(to, &d, &p->modules.at[i]);
	put_strangers(to, &d);
	for (size_t i = 0; i < p->edges.n; i++)
		put_edge(to, &d, &p->edges.at[i]);
	fputs("  }\n", to);
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

static void put_legend(FILE *to, const struct rplan_plan *plan)
{
	draw_legend_open(to);
	draw_legend_row(to, PALE_INK, "\xe2\x94\x81\xe2\x94\x81\xe2\x94\x81\xe2\x96\xb6",
			"packets that meet the filter; the wider, the more per second");
	if (has_copies(plan))
		draw_legend_row(to, PALE_INK, "\xe2\x95\x8c\xe2\x95\x8c\xe2\x95\x8c\xe2\x96\xb6",
				"a copy of each such packet");
	draw_legend_close(to);
}

void draw_pipelines(FILE *to, const struct rplan_plan *plan)
{
	draw_open(to, plan, "pipelines", "");
	put_legend(to, plan);
	for (size_t i = 0; i < plan->pipelines.n; i++)
		put_pipeline(to, &plan->pipelines.at[i], i);
	if (!plan->pipelines.n)
		draw_nothing(to, "The plan has no pipelines.");
	draw_close(to);
}
