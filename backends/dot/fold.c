#include <config.h>

#include "backends/dot/fold.h"

#include <stdlib.h>
#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/near.h"

/* More flows than that, each with a card, cannot be told apart; more boxes find no room. */
enum { MOST_CARDS = 36, MOST_FOLDED = 24, MOST_NODES = 1000, BUSY_BOXES = 4, TOLD_ROWS = 6 };

static bool is_card(const struct pic_item *item)
{
	return item->via.n;
}

static struct pic_item *resolve(struct pic_item *item)
{
	while (item->folded)
		item = item->folded;
	return item;
}

static void move_rows(struct pic_item *to, struct pic_item *from)
{
	for (size_t i = 0; i < from->n_rows; i++) {
		pic_row(to, "");
		to->rows[to->n_rows - 1] = from->rows[i];
	}
	from->n_rows = 0;
	for (enum pic_tag tag = 0; tag < N_TAGS; tag++)
		for (size_t i = 0; i < from->tags[tag].n; i++)
			pic_tag(to, tag, from->tags[tag].at[i]);
}

/* ---- looks ---- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void put_titles(FILE *to, const struct pic_item *item)
{
	for (size_t i = 0; i < item->n_rows && i < TOLD_ROWS; i++)
		fprintf(to, "%s%s", i ? "\n" : "", item->rows[i].title);
	if (item->n_rows > TOLD_ROWS)
		fprintf(to, "\nand %zu more", item->n_rows - TOLD_ROWS);
}

static void put_tooltip(FILE *to, const struct pic_item *item)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	put_titles(tip.to, item);
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, *tooltip ? tooltip : " ");
	free(tooltip);
}

static void look_box(struct picture *p, struct pic_item *box, const char *things)
{
	FILE *to = pic_write(p);

	fputs("shape=folder, style=filled, fillcolor=\"" PAPER "\", color=\"" PALE_INK
	      "\", margin=\"0.2,0.12\", ",
	      to);
	put_tooltip(to, box);
	fputs(", label=<<B>", to);
	put_html(to, box->label);
	fprintf(to, "</B> <FONT POINT-SIZE=\"9\" COLOR=\"" PALE_INK "\">%s</FONT><BR/>", box->kind);
	fprintf(to, "<FONT POINT-SIZE=\"10\">%zu %s%s", box->count, things, plural(box->count));
	if (box->inside)
		fprintf(to, "<BR/>%zu flow%s inside", box->inside, plural(box->inside));
	fputs("</FONT>>", to);
	box->dot = pic_take(p);
	to = pic_write(p);
	fprintf(to, "%s (%s)\n%zu %s%s", box->label, box->kind, box->count, things,
		plural(box->count));
	if (box->inside)
		fprintf(to, "\n%zu flow%s inside", box->inside, plural(box->inside));
	box->label = pic_take(p);
}

static double sum_rates(const struct pic_item *card)
{
	double sum = 0;

	for (size_t i = 0; i < card->n_rows; i++)
		for (size_t k = 0; k < card->rows[i].n_facts; k++)
			if (!strcmp(card->rows[i].facts[k].key, "rate_bps"))
				sum += card->rows[i].facts[k].number;
	return sum;
}

static void put_statuses(FILE *to, const struct pic_item *card)
{
	static const char *const statuses[] = { "direct", "bridged", "unbridgeable", "forbidden" };
	const char *before = "";

	for (size_t s = 0; s < 4; s++) {
		size_t n = 0;

		for (size_t i = 0; i < card->n_rows; i++)
			for (size_t k = 0; k < card->rows[i].n_facts; k++)
				n += !strcmp(card->rows[i].facts[k].key, "status") &&
				     !strcmp(card->rows[i].facts[k].text, statuses[s]);
		if (n)
			fprintf(to, "%s%zu %s", before, n, statuses[s]);
		before = n ? ", " : before;
	}
	fprintf(to, " flow%s", plural(card->n_rows));
}

static const char *const mixed_colour = PALE_INK;

static void look_card(struct picture *p, struct pic_item *card)
{
	const char *colour = card->status ? look_of(card->status)->colour : mixed_colour;
	double rate = sum_rates(card);
	FILE *to = pic_write(p);

	put_statuses(to, card);
	if (rate > 0) {
		fputs("\n", to);
		put_rate(to, rate, "bps");
	}
	card->label = pic_take(p);
	to = pic_write(p);
	fprintf(to, "margin=\"0.09,0.05\", color=\"%s\", style=\"rounded,filled,%s\", ", colour,
		card->status ? look_of(card->status)->style : "solid");
	put_tooltip(to, card);
	fprintf(to, ", label=<<FONT COLOR=\"%s\"><B>", colour);
	put_statuses(to, card);
	fputs("</B></FONT>", to);
	if (rate > 0) {
		fputs("<BR/><FONT POINT-SIZE=\"9\">", to);
		put_rate(to, rate, "bps");
		fputs("</FONT>", to);
	}
	fputs(">", to);
	card->dot = pic_take(p);
}

static size_t flows_of_leg(const struct pic_item *leg)
{
	size_t n = 0;

	for (size_t i = 0; i < leg->via.n; i++)
		n += leg->via.at[i]->hidden ? 0 : leg->via.at[i]->count;
	return n;
}

/* A line that stands for several; legs say how many flows use them. */
static void look_line(struct picture *p, struct pic_item *e)
{
	const struct look *look = look_of(e->status ? e->status : "direct");
	size_t n = e->via.n ? flows_of_leg(e) : e->count;
	bool is_half = is_card(e->from) || is_card(e->to);

	e->label = is_half || n < 2 ? "" : pic_text(p, "\xc3\x97%zu", n);
	e->dot =
	    pic_text(p, "color=\"%s\", style=%s, penwidth=2%s%s%s%s",
		     e->status ? look->colour : mixed_colour, e->status ? look->style : "solid",
		     is_card(e->to) ? ", arrowhead=none" : "", *e->label ? ", label=\" " : "",
		     e->label, *e->label ? "\"" : "");
}

/* ---- folding what is marked ---- */

/* Nodes on the way of a card, after folding, without repetition. */
static void fold_way(struct pic_item *card)
{
	size_t kept = 0;

	for (size_t i = 0; i < card->via.n; i++) {
		struct pic_item *stop = resolve(card->via.at[i]);

		if (!kept || card->via.at[kept - 1] != stop)
			card->via.at[kept++] = stop;
	}
	card->via.n = kept;
}

static bool same_way(const struct pic_item *a, const struct pic_item *b)
{
	return a->via.n == b->via.n && !strcmp(a->kind, b->kind) &&
	       (a->status == b->status ||
		(a->status && b->status && !strcmp(a->status, b->status))) &&
	       !memcmp(a->via.at, b->via.at, a->via.n * sizeof(*a->via.at));
}

static bool has_box(const struct pic_item *card)
{
	for (size_t i = 0; i < card->via.n; i++)
		if (card->via.at[i]->count > 1 || !strcmp(card->via.at[i]->kind, "domain"))
			return true;
	return false;
}

static void fold_into(struct pic_item *to, struct pic_item *from)
{
	move_rows(to, from);
	from->hidden = true;
	from->folded = to;
}

/* A flow with both ends in one box is inside of it. */
static void swallow(struct pic_item *card)
{
	struct pic_item *box = card->via.at[0];

	box->inside += card->count;
	fold_into(box, card);
}

static void merge_card(struct pic_item *to, struct pic_item *from)
{
	to->count += from->count;
	to->changed = true;
	fold_into(to, from);
}

static void fold_cards(struct picture *p, bool all_alike)
{
	for (size_t i = 0; i < p->nodes.n; i++) {
		struct pic_item *card = p->nodes.at[i];
		bool merged = false;

		if (card->hidden || !is_card(card))
			continue;
		fold_way(card);
		if (card->via.n == 1) {
			swallow(card);
			continue;
		}
		if (!has_box(card))
			continue;
		card->changed |= all_alike;
		card->status = all_alike ? NULL : card->status;
		for (size_t k = 0; k < i && !merged; k++) {
			struct pic_item *other = p->nodes.at[k];

			merged = !other->hidden && is_card(other) && same_way(other, card);
			if (merged)
				merge_card(other, card);
		}
	}
}

static bool same_line(const struct pic_item *a, const struct pic_item *b)
{
	return a->from == b->from && a->to == b->to && !strcmp(a->kind, b->kind) &&
	       (a->status == b->status ||
		(a->status && b->status && !strcmp(a->status, b->status)));
}

static void merge_line(struct pic_item *to, struct pic_item *from)
{
	to->count += from->count;
	to->changed = true;
	for (size_t i = 0; i < from->via.n; i++) {
		bool known = false;

		for (size_t k = 0; k < to->via.n && !known; k++)
			known = to->via.at[k] == from->via.at[i];
		if (!known)
			pic_via(to, from->via.at[i]);
	}
	fold_into(to, from);
}

static void fold_leg(struct pic_item *leg)
{
	size_t kept = 0;

	for (size_t i = 0; i < leg->via.n; i++) {
		struct pic_item *card = resolve(leg->via.at[i]);
		bool known = false;

		for (size_t k = 0; k < kept && !known; k++)
			known = leg->via.at[k] == card;
		if (!known && is_card(card) && !card->hidden)
			leg->via.at[kept++] = card;
	}
	leg->hidden |= leg->via.n && !kept;
	leg->via.n = kept;
}

static void fold_lines(struct picture *p, bool all_alike)
{
	for (size_t i = 0; i < p->edges.n; i++) {
		struct pic_item *e = p->edges.at[i];
		struct pic_item *from = resolve(e->from), *to = resolve(e->to);

		if (e->hidden)
			continue;
		e->from = from;
		e->to = to;
		e->status = all_alike ? NULL : e->status;
		fold_leg(e);
		e->hidden |= from == to || from->hidden || to->hidden;
		for (size_t k = 0; k < i && !e->hidden; k++)
			if (!p->edges.at[k]->hidden && same_line(p->edges.at[k], e))
				merge_line(p->edges.at[k], e);
	}
}

static bool is_changed(const struct pic_item *e)
{
	bool changed = e->changed || e->from->changed || e->to->changed;

	for (size_t i = 0; i < e->via.n && !changed; i++)
		changed = e->via.at[i]->changed;
	return changed;
}

static void look_anew(struct picture *p)
{
	for (size_t i = 0; i < p->nodes.n; i++) {
		struct pic_item *card = p->nodes.at[i];

		if (!card->hidden && is_card(card) && card->changed)
			look_card(p, card);
	}
	for (size_t i = 0; i < p->edges.n; i++) {
		struct pic_item *e = p->edges.at[i];

		if (!e->hidden && is_changed(e))
			look_line(p, e);
	}
}

static void fold_marked(struct picture *p, bool all_alike)
{
	for (size_t i = 0; i < p->nodes.n; i++)
		if (p->nodes.at[i]->folded && !p->nodes.at[i]->hidden) {
			p->nodes.at[i]->hidden = true;
			move_rows(resolve(p->nodes.at[i]), p->nodes.at[i]);
		}
	fold_cards(p, all_alike);
	fold_lines(p, all_alike);
	look_anew(p);
	pic_hide_empty(p);
}

/* ---- frames ---- */

static const char *things_in(const struct pic_item *frame)
{
	if (!strcmp(frame->kind, "domain") || !strcmp(frame->kind, "area"))
		return "node";
	return strcmp(frame->kind, "proxy") ? "module" : "function";
}

/* Functions on a domain's proxies are not its nodes, but their proxies are. */
static size_t nodes_in(const struct picture *p, const struct pic_item *frame)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes.n; i++)
		n += !p->nodes.at[i]->hidden && !is_card(p->nodes.at[i]) &&
		     (p->nodes.at[i]->cluster == frame ||
		      (strcmp(frame->kind, "domain") && pic_is_in(p->nodes.at[i], frame)));
	for (size_t i = 0; i < p->clusters.n; i++)
		n += !strcmp(frame->kind, "domain") && p->clusters.at[i]->cluster == frame;
	return n;
}

/* Cards in the frame move out of it. */
static struct pic_item *mark_frame(struct picture *p, struct pic_item *frame)
{
	struct pic_item *box =
	    pic_node(p, frame->cluster, frame->kind, frame->name, "%s_box", frame->id);

	box->label = frame->name;
	box->order = frame->order;
	box->count = nodes_in(p, frame);
	for (size_t i = 0; i < p->nodes.n; i++) {
		struct pic_item *node = p->nodes.at[i];

		if (node->hidden || !pic_is_in(node, frame))
			continue;
		if (is_card(node))
			node->cluster = frame->cluster;
		else
			node->folded = box;
	}
	frame->hidden = true;
	return box;
}

bool fold_frames(struct picture *p, const char *name)
{
	struct pic_items frames = { 0 }, boxes = { 0 };

	for (size_t i = 0; i < p->clusters.n; i++)
		if (!p->clusters.at[i]->hidden && near_means(name, p->clusters.at[i]->name))
			pic_items_add(&frames, p->clusters.at[i]);
	for (size_t i = 0; i < frames.n; i++)
		pic_items_add(&boxes, mark_frame(p, frames.at[i]));
	if (frames.n)
		fold_marked(p, false);
	for (size_t i = 0; i < frames.n; i++)
		look_box(p, boxes.at[i], things_in(frames.at[i]));
	free(frames.at);
	free(boxes.at);
	return frames.n;
}

/* ---- crowds ---- */

static size_t count_cards(const struct picture *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes.n; i++)
		n += !p->nodes.at[i]->hidden && is_card(p->nodes.at[i]);
	return n;
}

static size_t count_shown(const struct picture *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nodes.n; i++)
		n += !p->nodes.at[i]->hidden;
	return n;
}

/* All frames of a kind at once. */
static size_t fold_kind(struct picture *p, const char *kind)
{
	struct pic_items boxes = { 0 };
	const char *things = "";
	size_t n;

	for (size_t i = 0; i < p->clusters.n; i++)
		if (!p->clusters.at[i]->hidden && !strcmp(p->clusters.at[i]->kind, kind)) {
			things = things_in(p->clusters.at[i]);
			pic_items_add(&boxes, mark_frame(p, p->clusters.at[i]));
		}
	if (boxes.n)
		fold_marked(p, false);
	for (size_t i = 0; i < boxes.n; i++)
		look_box(p, boxes.at[i], things);
	n = boxes.n;
	free(boxes.at);
	return n;
}

static size_t count_frames(const struct picture *p, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < p->clusters.n; i++)
		n += !p->clusters.at[i]->hidden && !strcmp(p->clusters.at[i]->kind, kind);
	return n;
}

/* The area of a node, from 1; 0: none. */
static size_t area_of(const struct rplan_plan *plan, const char *node)
{
	for (size_t i = 0; i < plan->areas.n; i++)
		for (size_t k = 0; k < plan->areas.at[i].nodes.n; k++)
			if (!strcmp(plan->areas.at[i].nodes.at[k], node))
				return i + 1;
	return 0;
}

/* Nodes of one domain and with the same attributes become a box. */
static void fold_areas(struct picture *p)
{
	struct pic_items boxes = { 0 };
	size_t n = p->nodes.n;

	for (size_t i = 0; i < n; i++) {
		struct pic_item *node = p->nodes.at[i], *box = NULL;
		size_t area = area_of(p->plan, node->name);

		if (node->hidden || !area || strcmp(node->kind, "node"))
			continue;
		for (size_t k = 0; k < boxes.n && !box; k++)
			if (boxes.at[k]->distance == area && boxes.at[k]->cluster == node->cluster)
				box = boxes.at[k];
		if (!box) {
			box = pic_node(p, node->cluster, "area", pic_text(p, "area %zu", area),
				       "%s_area%zu", node->id, area);
			box->label = box->name;
			box->distance = area;
			box->count = 0;
			pic_items_add(&boxes, box);
		}
		box->count++;
		node->folded = box;
	}
	for (size_t i = 0; i < boxes.n; i++)
		boxes.at[i]->distance = 0;
	if (boxes.n)
		fold_marked(p, false);
	for (size_t i = 0; i < boxes.n; i++)
		look_box(p, boxes.at[i], "node");
	free(boxes.at);
}

static size_t flows_at(const struct picture *p, const struct pic_item *box)
{
	size_t n = box->inside;

	for (size_t i = 0; i < p->nodes.n; i++) {
		const struct pic_item *card = p->nodes.at[i];

		for (size_t k = 0; !card->hidden && k < card->via.n; k++)
			n += card->via.at[k] == box ? card->count : 0;
	}
	return n;
}

static int compare_busy(const void *a, const void *b)
{
	const struct pic_item *x = *(struct pic_item *const *)a, *y = *(struct pic_item *const *)b;

	if (x->distance != y->distance)
		return x->distance > y->distance ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* All boxes but the busiest become one. */
static void fold_quiet(struct picture *p)
{
	struct pic_items boxes = { 0 };
	struct pic_item *rest;

	for (size_t i = 0; i < p->nodes.n; i++)
		if (!p->nodes.at[i]->hidden && !is_card(p->nodes.at[i])) {
			p->nodes.at[i]->distance = flows_at(p, p->nodes.at[i]);
			pic_items_add(&boxes, p->nodes.at[i]);
		}
	if (boxes.n > BUSY_BOXES + 1) {
		qsort(boxes.at, boxes.n, sizeof(*boxes.at), compare_busy);
		rest = pic_node(p, NULL, "rest", "", "rest_box");
		rest->label = "all others";
		rest->count = boxes.n - BUSY_BOXES;
		for (size_t i = BUSY_BOXES; i < boxes.n; i++) {
			boxes.at[i]->folded = rest;
			rest->inside += boxes.at[i]->inside;
		}
		fold_marked(p, true);
		look_box(p, rest, boxes.at[0]->kind);
	}
	free(boxes.at);
}

static void fold_flows(struct picture *p)
{
	if (count_frames(p, "domain") > 2)
		fold_kind(p, "domain");
	else if (!strcmp(p->view, "flows"))
		fold_areas(p);
	if (count_cards(p) > MOST_FOLDED)
		fold_marked(p, true);
	if (count_cards(p) > MOST_FOLDED)
		fold_quiet(p);
}

void fold_crowd(struct picture *p)
{
	size_t cards = count_cards(p), shown = count_shown(p);

	if (cards > MOST_CARDS) {
		fold_flows(p);
		pic_texts_add(
		    &p->notes,
		    pic_text(p,
			     "%zu lines cannot be told apart: boxes stand for many nodes, "
			     "cards for many flows. --focus NAME shows a part in full.",
			     cards));
	} else if (shown > MOST_NODES && fold_kind(p, "pipeline")) {
		pic_texts_add(&p->notes, "Pipelines are folded; --focus NAME shows one in full.");
	}
}
