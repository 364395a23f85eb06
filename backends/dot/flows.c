#include <config.h>

#include "backends/dot/draw.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_WIDTH = 36, FILTER_LINES = 2, SHOWN_FLOWS = 3, TOLD_FLOWS = 12 };

/* A function on a proxy: a stop on the way of bridged flows. */
struct stop {
	const char *proxy, *function;
};

/* Flows that differ only in what they carry: drawn as one line. */
struct group {
	const struct rplan_flow *first;
	size_t *flows; /* indices into the plan's flows */
	size_t n;
	struct pic_item *card; /* on its line */
};

struct drawing {
	struct picture *picture;
	const struct rplan_plan *plan;
	struct names nodes; /* ends of flows */
	struct pic_item **node_items, **stop_items;
	struct names domains; /* one name of each domain; not sorted */
	struct stop *stops;   /* sorted, without repetition */
	size_t n_stops;
	struct group *groups;
	size_t n_groups;
};

static int compare_stops(const void *a, const void *b)
{
	const struct stop *s = a, *t = b;
	int c = strcmp(s->proxy, t->proxy);

	return c ? c : strcmp(s->function, t->function);
}

static size_t stop_of(const struct drawing *d, const struct rplan_hop *hop)
{
	struct stop wanted = { hop->proxy, hop->function };
	const struct stop *found =
	    bsearch(&wanted, d->stops, d->n_stops, sizeof(*d->stops), compare_stops);

	return (size_t)(found - d->stops);
}

static void collect_stops(struct drawing *d)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < d->plan->flows.n; i++)
		n += d->plan->flows.at[i].bridge.n;
	d->stops = draw_alloc(n, sizeof(*d->stops));
	for (size_t i = 0; i < d->plan->flows.n; i++)
		for (size_t k = 0; k < d->plan->flows.at[i].bridge.n; k++) {
			const struct rplan_hop *hop = &d->plan->flows.at[i].bridge.at[k];

			d->stops[d->n_stops++] = (struct stop){ hop->proxy, hop->function };
		}
	qsort(d->stops, d->n_stops, sizeof(*d->stops), compare_stops);
	for (size_t i = 0; i < d->n_stops; i++)
		if (!kept || compare_stops(&d->stops[kept - 1], &d->stops[i]))
			d->stops[kept++] = d->stops[i];
	d->n_stops = kept;
}

static bool same_bridge(const struct rplan_flow *f, const struct rplan_flow *g)
{
	if (f->bridge.n != g->bridge.n)
		return false;
	for (size_t i = 0; i < f->bridge.n; i++)
		if (strcmp(f->bridge.at[i].proxy, g->bridge.at[i].proxy) ||
		    strcmp(f->bridge.at[i].function, g->bridge.at[i].function))
			return false;
	return true;
}

static bool same_line(const struct rplan_flow *f, const struct rplan_flow *g)
{
	return !strcmp(f->from, g->from) && !strcmp(f->to, g->to) &&
	       !strcmp(f->status, g->status) && !f->code == !g->code &&
	       (!f->code || !strcmp(f->code, g->code)) && same_bridge(f, g);
}

static struct group *group_of(struct drawing *d, const struct rplan_flow *f)
{
	for (size_t i = 0; i < d->n_groups; i++)
		if (same_line(d->groups[i].first, f))
			return &d->groups[i];
	d->groups[d->n_groups].first = f;
	return &d->groups[d->n_groups++];
}

static void collect_groups(struct drawing *d)
{
	size_t n = d->plan->flows.n;

	d->groups = draw_alloc(n, sizeof(*d->groups));
	for (size_t i = 0; i < n; i++)
		group_of(d, &d->plan->flows.at[i])->n++;
	for (size_t i = 0; i < d->n_groups; i++) {
		d->groups[i].flows = draw_alloc(d->groups[i].n, sizeof(size_t));
		d->groups[i].n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct group *g = group_of(d, &d->plan->flows.at[i]);

		g->flows[g->n++] = i;
	}
}

static void collect_nodes(struct drawing *d)
{
	for (size_t i = 0; i < d->plan->flows.n; i++) {
		names_add(&d->nodes, d->plan->flows.at[i].from);
		names_add(&d->nodes, d->plan->flows.at[i].to);
	}
	names_sort(&d->nodes);
}

/* ---- clusters ---- */

static bool same_domain(const char *name, const char *other)
{
	size_t n = name_domain(name);

	return n == name_domain(other) && !memcmp(name, other, n);
}

static void add_domain(struct drawing *d, const char *name)
{
	for (size_t i = 0; i < d->domains.n; i++)
		if (same_domain(d->domains.at[i], name))
			return;
	names_add(&d->domains, name);
}

/* One name of each domain, in the order in which flows meet them: Graphviz breaks cycles where it
 * closes them, and so the first flows run from left to right. */
static void collect_domains(struct drawing *d)
{
	for (size_t i = 0; i < d->plan->flows.n; i++) {
		const struct rplan_flow *f = &d->plan->flows.at[i];

		add_domain(d, f->from);
		for (size_t k = 0; k < f->bridge.n; k++)
			add_domain(d, f->bridge.at[k].proxy);
		add_domain(d, f->to);
	}
}

static void put_tail(FILE *to, const char *name)
{
	fputs("<B>", to);
	put_html(to, name_tail(name));
	fputs("</B>", to);
}

static void put_node(const struct drawing *d, struct pic_item *cluster, size_t i)
{
	const char *name = d->nodes.at[i];
	struct pic_item *node = pic_node(d->picture, cluster, "node", name, "n%zu", i);
	FILE *to = pic_write(d->picture);

	fputs("tooltip=", to);
	put_quoted(to, name);
	fputs(", label=<", to);
	put_tail(to, name);
	fputs(">", to);
	node->dot = pic_take(d->picture);
	tell_node(d->picture, node, name);
	d->node_items[i] = node;
}

static void put_stop(const struct drawing *d, struct pic_item *cluster, size_t i)
{
	const struct stop *s = &d->stops[i];
	struct pic_item *node = pic_node(d->picture, cluster, "function", s->function, "s%zu", i);
	FILE *to = pic_write(d->picture);

	fputs("color=\"" BLUE "\", fillcolor=\"#eef4fd\", tooltip=", to);
	put_quoted(to, s->function);
	fputs(", label=<", to);
	put_html(to, name_tail(s->function));
	fputs(">", to);
	node->dot = pic_take(d->picture);
	tell_node(d->picture, node, s->proxy);
	node->rows[0].title = pic_text(d->picture, "%s on %s", s->function, s->proxy);
	d->stop_items[i] = node;
}

static struct pic_item *proxy_frame(const struct drawing *d, struct pic_item *domain, size_t first)
{
	const char *proxy = d->stops[first].proxy;
	struct pic_item *frame = pic_cluster(d->picture, domain, "proxy", proxy, "x%zu", first);
	FILE *to = pic_write(d->picture);

	frame->label = pic_text(d->picture, "%s (proxy)", name_tail(proxy));
	fputs("style=\"rounded,filled,dashed\"; fillcolor=white; color=\"" BLUE
	      "\"; peripheries=1; labelloc=t\n        label=<",
	      to);
	put_tail(to, proxy);
	fputs("&#160; <FONT POINT-SIZE=\"9\" COLOR=\"" PALE_INK "\">proxy</FONT>>; tooltip=", to);
	put_quoted(to, proxy);
	frame->dot = pic_take(d->picture);
	return frame;
}

/* All stops of the proxy of stop FIRST; returns the one behind them. */
static size_t put_proxy(const struct drawing *d, struct pic_item *domain, size_t first)
{
	const char *proxy = d->stops[first].proxy;
	struct pic_item *frame = proxy_frame(d, domain, first);
	size_t i = first;

	for (; i < d->n_stops && !strcmp(d->stops[i].proxy, proxy); i++)
		put_stop(d, frame, i);
	return i;
}

/* ---- lines ---- */

/* Numbers on the group's colour. */
static void put_badge(FILE *to, const struct look *look, const char *numbers)
{
	fprintf(
	    to,
	    "<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\" "
	    "BGCOLOR=\"%s\"><TR><TD><FONT COLOR=\"white\" POINT-SIZE=\"9\"><B>&#160;%s&#160;</B>"
	    "</FONT></TD></TR></TABLE>",
	    look->colour, numbers);
}

static void put_flow_line(FILE *to, const struct rplan_flow *f)
{
	fputs("<FONT POINT-SIZE=\"9\">", to);
	if (strcmp(f->when, "true"))
		put_wrapped(to, f->when, TEXT_WIDTH, FILTER_LINES);
	else
		fputs("all traffic<BR ALIGN=\"LEFT\"/>", to);
	if (f->rate_bps.present) {
		put_rate(to, f->rate_bps.value, "bps");
		fputs(f->carries ? ", " : "", to);
	}
	if (f->carries) {
		fputs("carries ", to);
		put_html(to, name_tail(f->carries));
	}
	fputs(f->rate_bps.present || f->carries ? "<BR ALIGN=\"LEFT\"/></FONT>" : "</FONT>", to);
}

/* What the status costs, or why there is none. */
static void put_consequence(FILE *to, const struct rplan_flow *f)
{
	bool bridged = !strcmp(f->status, "bridged");

	if (!bridged && !(f->code && f->missing.n))
		return;
	fputs("<FONT POINT-SIZE=\"9\" COLOR=\"" PALE_INK "\">", to);
	if (bridged) {
		fputs("setup ", to);
		put_time(to, f->cost->setup_us);
		fputs(", ", to);
		put_number(to, f->cost->cycles_per_packet);
		fputs(" cycles/packet<BR ALIGN=\"LEFT\"/>", to);
	} else {
		fputs("lacks ", to);
		put_tails(to, f->missing, TEXT_WIDTH, FILTER_LINES);
	}
	fputs("</FONT>", to);
}

static void put_group_label(FILE *to, const struct drawing *d, size_t number)
{
	const struct group *g = &d->groups[number];
	const struct rplan_flow *f = g->first;

	fprintf(to, "label=<<FONT COLOR=\"%s\"><B>%zu&#160;&#160;%s", look_of(f->status)->colour,
		number + 1, f->status);
	fputs(f->code ? "&#160; " : "", to);
	put_html(to, f->code ? f->code : "");
	fputs("</B></FONT><BR ALIGN=\"LEFT\"/>", to);
	for (size_t i = 0; i < g->n && i < SHOWN_FLOWS; i++)
		put_flow_line(to, &d->plan->flows.at[g->flows[i]]);
	if (g->n > SHOWN_FLOWS)
		fprintf(to, "<FONT POINT-SIZE=\"9\">and %zu more<BR ALIGN=\"LEFT\"/></FONT>",
			g->n - SHOWN_FLOWS);
	put_consequence(to, f);
	fputs(">", to);
}

static void put_tooltip(FILE *to, const struct drawing *d, const struct group *g)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	for (size_t i = 0; i < g->n && i < TOLD_FLOWS; i++) {
		const struct rplan_flow *f = &d->plan->flows.at[g->flows[i]];

		fprintf(tip.to, "%s%s: %s => %s when %s\n%s", i ? "\n\n" : "", f->application,
			f->from, f->to, f->when, f->reason);
	}
	if (g->n > TOLD_FLOWS)
		fprintf(tip.to, "\n\nand %zu more", g->n - TOLD_FLOWS);
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, tooltip);
	free(tooltip);
}

static const char *style_of(const struct drawing *d, const struct look *look, const char *more)
{
	return pic_text(d->picture, "color=\"%s\", style=%s, penwidth=%s%s", look->colour,
			look->style, strcmp(look->style, "bold") ? "1.6" : "2.2", more);
}

/* Where the K-th leg of a bridged flow leads to: a stop or an end. */
static struct pic_item *leg_end(const struct drawing *d, const struct rplan_flow *f, size_t k)
{
	if (k < f->bridge.n)
		return d->stop_items[stop_of(d, &f->bridge.at[k])];
	return d->node_items[names_find(&d->nodes, f->to)];
}

static bool same_stop(const struct rplan_hop *a, const struct rplan_hop *b)
{
	return !strcmp(a->proxy, b->proxy) && !strcmp(a->function, b->function);
}

/* Whether F, too, goes from stop K of LEG straight to where LEG goes. */
static bool has_leg(const struct rplan_flow *f, const struct rplan_flow *leg, size_t k)
{
	for (size_t i = 0; i < f->bridge.n; i++) {
		bool last = i + 1 == f->bridge.n, leg_last = k + 1 == leg->bridge.n;

		if (!same_stop(&f->bridge.at[i], &leg->bridge.at[k]) || last != leg_last)
			continue;
		if (last ? !strcmp(f->to, leg->to)
			 : same_stop(&f->bridge.at[i + 1], &leg->bridge.at[k + 1]))
			return true;
	}
	return false;
}

/* "2, 5": the groups that share the K-th leg of group NUMBER; empty if an earlier one has drawn
 * it.  The caller frees it. */
static char *leg_numbers(const struct drawing *d, size_t number, size_t k)
{
	const struct rplan_flow *f = d->groups[number].first;
	struct text list;

	text_open(&list);
	for (size_t i = 0; i < d->n_groups; i++) {
		if (!has_leg(d->groups[i].first, f, k))
			continue;
		if (i < number)
			break;
		fprintf(list.to, "%s%zu", i == number ? "" : ", ", i + 1);
	}
	return text_take(&list);
}

static void put_leg(const struct drawing *d, size_t number, size_t k, const char *numbers)
{
	const struct rplan_flow *f = d->groups[number].first;
	const struct look *look = look_of(f->status);
	struct pic_item *leg = pic_edge(d->picture, leg_end(d, f, k), leg_end(d, f, k + 1), "leg");
	FILE *to = pic_write(d->picture);

	put_badge(to, look, numbers);
	leg->dot =
	    pic_text(d->picture, "%s, label=<%s>", style_of(d, look, ""), pic_take(d->picture));
	leg->label = pic_text(d->picture, "%s", numbers);
	leg->status = f->status;
	for (size_t i = number; i < d->n_groups; i++)
		if (has_leg(d->groups[i].first, f, k))
			pic_via(leg, d->groups[i].card);
}

static void put_legs(const struct drawing *d, size_t number)
{
	for (size_t k = 0; k < d->groups[number].first->bridge.n; k++) {
		char *numbers = leg_numbers(d, number, k);

		if (*numbers)
			put_leg(d, number, k, numbers);
		free(numbers);
	}
}

static const char *group_words(const struct drawing *d, const struct group *g)
{
	FILE *to = pic_write(d->picture);

	fprintf(to, "%zu %s", (size_t)(g - d->groups) + 1, g->first->status);
	if (g->first->code)
		fprintf(to, " %s", g->first->code);
	for (size_t i = 0; i < g->n && i < SHOWN_FLOWS; i++) {
		const struct rplan_flow *f = &d->plan->flows.at[g->flows[i]];

		fprintf(to, "\n%s", strcmp(f->when, "true") ? f->when : "all traffic");
		if (!f->rate_bps.present)
			continue;
		fputs(", ", to);
		put_rate(to, f->rate_bps.value, "bps");
	}
	if (g->n > SHOWN_FLOWS)
		fprintf(to, "\nand %zu more", g->n - SHOWN_FLOWS);
	return pic_take(d->picture);
}

/* The group's label is a node on its line: Graphviz keeps nodes, unlike labels, clear of all else.
 * It lies in the cluster of both ends, if they share one. */
static void put_card(const struct drawing *d, struct pic_item *cluster, size_t number)
{
	struct group *g = &d->groups[number];
	const struct look *look = look_of(g->first->status);
	struct pic_item *card = pic_node(d->picture, cluster, "flow", "", "g%zu", number);
	FILE *to = pic_write(d->picture);

	fprintf(to, "margin=\"0.09,0.05\", color=\"%s\", style=\"rounded,filled,%s\",\n        ",
		look->colour, look->style);
	put_tooltip(to, d, g);
	fputs(",\n        ", to);
	put_group_label(to, d, number);
	card->dot = pic_take(d->picture);
	card->label = group_words(d, g);
	card->status = g->first->status;
	card->count = g->n;
	for (size_t i = 0; i < g->n; i++)
		tell_flow(d->picture, card, &d->plan->flows.at[g->flows[i]]);
	g->card = card;
}

/* Of all nodes on the way, one after the other. */
static void put_way(const struct drawing *d, struct group *g)
{
	const struct rplan_flow *f = g->first;

	pic_via(g->card, d->node_items[names_find(&d->nodes, f->from)]);
	for (size_t k = 0; k <= f->bridge.n; k++)
		pic_via(g->card, leg_end(d, f, k));
	for (size_t i = 0; i < g->card->via.n; i++)
		for (size_t k = 0; k < g->card->tags[TAG_APPLICATION].n; k++)
			pic_tag(g->card->via.at[i], TAG_APPLICATION,
				g->card->tags[TAG_APPLICATION].at[k]);
	for (size_t i = 0; i < g->card->via.n; i++)
		pic_tag(g->card->via.at[i], TAG_STATUS, f->status);
}

static void put_line(const struct drawing *d, struct group *g)
{
	const struct rplan_flow *f = g->first;
	bool refused = strcmp(f->status, "direct") && strcmp(f->status, "bridged");
	struct pic_item *in, *out;

	put_way(d, g);
	in = pic_edge(d->picture, g->card->via.at[0], g->card, "flow");
	in->dot = style_of(d, look_of(f->status), ", arrowhead=none");
	out = pic_edge(d->picture, g->card, g->card->via.at[1], "flow");
	out->dot = style_of(d, look_of(f->status), refused ? ", arrowhead=empty" : "");
	in->status = out->status = f->status;
}

/* The second end of the group's line. */
static const char *next_of(const struct group *g)
{
	return g->first->bridge.n ? g->first->bridge.at[0].proxy : g->first->to;
}

/* The cards that lie in the cluster of NAME's domain; with NULL those that lie in none. */
static void put_cards(const struct drawing *d, struct pic_item *cluster, const char *name)
{
	for (size_t i = 0; i < d->n_groups; i++) {
		const struct rplan_flow *f = d->groups[i].first;
		bool inside = same_domain(f->from, next_of(&d->groups[i]));

		if (name ? inside && same_domain(f->from, name) : !inside)
			put_card(d, cluster, i);
	}
}

static struct pic_item *domain_frame(const struct drawing *d, size_t number)
{
	const char *node = d->domains.at[number];
	const char *name = pic_text(d->picture, "%.*s", (int)name_domain(node), node);
	struct pic_item *frame;
	FILE *to;

	if (!*name)
		return NULL;
	frame = pic_cluster(d->picture, NULL, "domain", name, "d%zu", number);
	frame->label = pic_text(d->picture, "%s (domain)", name);
	to = pic_write(d->picture);
	fputs("style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
	      "\"; peripheries=1; labelloc=t\n      label=<<FONT POINT-SIZE=\"12\"><B>",
	      to);
	put_html(to, name);
	fputs("</B></FONT>&#160; <FONT POINT-SIZE=\"9\" COLOR=\"" PALE_INK "\">domain</FONT>>", to);
	frame->dot = pic_take(d->picture);
	return frame;
}

static void put_domain(const struct drawing *d, size_t number)
{
	const char *name = d->domains.at[number];
	struct pic_item *frame = domain_frame(d, number);

	for (size_t i = 0; i < d->nodes.n; i++)
		if (same_domain(d->nodes.at[i], name))
			put_node(d, frame, i);
	for (size_t i = 0; i < d->n_stops;)
		if (same_domain(d->stops[i].proxy, name))
			i = put_proxy(d, frame, i);
		else
			i++;
	put_cards(d, frame, name);
}

static const char *flow_legend(struct picture *p)
{
	static const char *const statuses[] = { "direct", "bridged", "unbridgeable", "forbidden" };
	FILE *to = pic_write(p);

	draw_legend_open(to);
	for (size_t i = 0; i < 4; i++)
		if (pic_shows_status(p, statuses[i]))
			draw_legend_row(to, look_of(statuses[i])->colour,
					look_of(statuses[i])->sample, look_of(statuses[i])->legend);
	draw_mixed_row(to, p);
	draw_legend_close(to);
	return pic_take(p);
}

static void prepare(struct drawing *d)
{
	collect_nodes(d);
	collect_stops(d);
	collect_domains(d);
	collect_groups(d);
	d->node_items = draw_alloc(d->nodes.n, sizeof(struct pic_item *));
	d->stop_items = draw_alloc(d->n_stops, sizeof(struct pic_item *));
}

static void release(struct drawing *d)
{
	for (size_t i = 0; i < d->n_groups; i++)
		free(d->groups[i].flows);
	free(d->groups);
	free(d->stops);
	free(d->node_items);
	free(d->stop_items);
	names_free(&d->domains);
	names_free(&d->nodes);
}

void draw_flows(struct picture *p)
{
	struct drawing d = { .picture = p, .plan = p->plan };

	prepare(&d);
	p->more = ", newrank=true";
	p->make_legend = flow_legend;
	for (size_t i = 0; i < d.domains.n; i++)
		put_domain(&d, i);
	put_cards(&d, NULL, NULL);
	for (size_t i = 0; i < d.n_groups; i++)
		put_line(&d, &d.groups[i]);
	for (size_t i = 0; i < d.n_groups; i++)
		put_legs(&d, i);
	if (!p->plan->flows.n)
		draw_nothing(p, "The plan has no flows.");
	release(&d);
}
