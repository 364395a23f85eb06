/* The scheduler tree of each schedule: the slo, its ranks and groups, and the tasks. */
#include <config.h>

#include "backends/dot/draw.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/dot/schedule.h"

enum { CLASSES_SHOWN = 3 };

static const double narrowest = 1.2, widening = 2.6; /* of lines, by share */
static const double points_per_character = 5.2;      /* of the small print, about */

struct drawn_tree {
	struct picture *picture;
	struct pic_item *frame;
	const struct rplan_schedule *s;
	size_t number, n_nodes;
	double width; /* of the text of a leaf, in points, so that all are alike */
};

static size_t find_task(const struct drawn_tree *d, const char *id)
{
	for (size_t i = 0; id && i < d->s->tasks.n; i++)
		if (!strcmp(d->s->tasks.at[i].id, id))
			return i;
	return d->s->tasks.n;
}

/* ---- leaves ---- */

static int compare_shares(const void *a, const void *b)
{
	const struct rplan_named_num *x = *(const struct rplan_named_num *const *)a;
	const struct rplan_named_num *y = *(const struct rplan_named_num *const *)b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return strcmp(x->key, y->key);
}

/* "for web 58 %, voip 29 %, and 2 more", the greatest first. */
static void put_classes(FILE *to, struct rplan_map_num shares)
{
	const struct rplan_named_num **by_share = draw_alloc(shares.n, sizeof(*by_share));
	size_t shown = shares.n == CLASSES_SHOWN + 1 ? shares.n : CLASSES_SHOWN;

	for (size_t i = 0; i < shares.n; i++)
		by_share[i] = &shares.at[i];
	qsort(by_share, shares.n, sizeof(*by_share), compare_shares);
	for (size_t i = 0; i < shares.n && i < shown; i++) {
		fputs(i ? ", " : "for ", to);
		fputs(by_share[i]->key, to);
		if (shares.n == 1)
			continue;
		fputs(" ", to);
		put_percent(to, by_share[i]->value);
	}
	if (shares.n > shown)
		fprintf(to, ", and %zu more", shares.n - shown);
	free(by_share);
}

/* The small print of a leaf; to be freed. */
static char *leaf_words(const struct rplan_task *t)
{
	struct text words;

	text_open(&words);
	fputs("v ", words.to);
	put_significant(words.to, t->service);
	fputs(" ", words.to);
	put_classes(words.to, t->share_by_class);
	return text_take(&words);
}

static double leaf_width(const struct rplan_schedule *s)
{
	double most = 0;

	for (size_t i = 0; i < s->tasks.n; i++) {
		char *words = leaf_words(&s->tasks.at[i]);
		double width = points_per_character * (double)strlen(words);

		most = width > most ? width : most;
		free(words);
	}
	return most < 400 ? most : 400;
}

static void put_leaf_tooltip(FILE *to, const struct rplan_task *t)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	fprintf(tip.to, "%s runs", t->id);
	for (size_t i = 0; i < t->modules.n; i++)
		fprintf(tip.to, "\n%s", t->modules.at[i]);
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, tooltip);
	free(tooltip);
}

/* Workers differ by their grey if there are several. */
static void put_worker(FILE *to, const struct rplan_schedule *s, int64_t worker)
{
	static const struct {
		const char *fill, *ink;
	} greys[] = {
		{ "white", INK }, { "#c3ccd5", INK }, { "#66727e", "white" }, { INK, "white" }
	};
	size_t grey = (size_t)worker % (sizeof(greys) / sizeof(*greys));

	fprintf(to,
		"<TD BORDER=\"1\" SIDES=\"L\" BGCOLOR=\"%s\"><FONT POINT-SIZE=\"9\" COLOR=\"%s\">"
		"worker %" PRId64,
		greys[grey].fill, greys[grey].ink, worker);
	if ((size_t)worker < s->cores.n)
		fprintf(to, "<BR/>core %" PRId64, s->cores.at[worker]);
	fputs("</FONT></TD>", to);
}

static void put_leaf(FILE *to, const struct drawn_tree *d, size_t task)
{
	const struct rplan_task *t = &d->s->tasks.at[task];
	struct tint tint = tint_of(task);
	char *words = leaf_words(t);

	fputs("shape=plain, style=\"\", ", to);
	put_leaf_tooltip(to, t);
	fprintf(to,
		",\n      label=<<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
		"CELLPADDING=\"4\" COLOR=\"%s\" BGCOLOR=\"%s\"><TR><TD BGCOLOR=\"%s\" WIDTH=\"28\">"
		"<FONT COLOR=\"white\"><B>",
		tint.strong, tint.pale, tint.strong);
	put_html(to, t->id);
	fprintf(to, "</B></FONT></TD><TD ALIGN=\"LEFT\" BALIGN=\"LEFT\" WIDTH=\"%.0f\"><B>",
		d->width);
	put_html(to, name_tail(t->root));
	fputs("</B><FONT POINT-SIZE=\"9\">", to);
	if (t->modules.n > 1) {
		fputs("&#160;&#160;and ", to);
		put_count(to, (int64_t)t->modules.n - 1, "more module");
	}
	fputs("<BR/>", to);
	put_html(to, words);
	fputs("</FONT></TD>", to);
	put_worker(to, d->s, t->worker);
	fputs("</TR></TABLE>>", to);
	free(words);
}

/* ---- inner nodes ---- */

static void put_inner(FILE *to, const struct drawn_tree *d, const struct rplan_tree *node,
		      bool is_root)
{
	bool ranked = !strcmp(node->kind, "priority");
	const char *name = node->name ? node->name : is_root ? d->s->slo : NULL;

	fprintf(to, "penwidth=%s, color=\"" PALE_INK "\", tooltip=", is_root ? "2" : "1");
	put_quoted(to, name ? name : node->kind);
	fputs(",\n      label=<", to);
	if (name) {
		fprintf(to, "<B>%s ", is_root ? "slo" : "group");
		put_html(to, name_tail(name));
		fputs("</B><BR/>", to);
	}
	fprintf(to, "<FONT POINT-SIZE=\"10\">%s</FONT>>", ranked ? "by rank" : "by weight");
}

/* Adds the weights of the leaves below to the worker of each. */
static void add_weights(const struct drawn_tree *d, const struct rplan_tree *node, double *weights)
{
	size_t task = find_task(d, node->task);

	if (!strcmp(node->kind, "leaf") && task < d->s->tasks.n &&
	    d->s->tasks.at[task].weight.present)
		weights[d->s->tasks.at[task].worker] += d->s->tasks.at[task].weight.value;
	for (size_t i = 0; i < node->children.n; i++)
		add_weights(d, &node->children.at[i], weights);
}

/* A weight is a share of one worker; what hangs below may have shares of several.  No plan of ours
 * has more workers than tasks. */
static void put_shares(FILE *to, const struct drawn_tree *d, const struct rplan_tree *child)
{
	size_t n = (size_t)d->s->workers;
	double *weights;
	bool several = false;

	if (n <= 1 || n > d->s->tasks.n || !strcmp(child->kind, "leaf")) {
		put_percent(to, child->weight.value);
		return;
	}
	weights = draw_alloc(n, sizeof(*weights));
	add_weights(d, child, weights);
	for (size_t i = 0; i < n; i++) {
		if (!weights[i])
			continue;
		fputs(several ? "<BR/>" : "", to);
		put_percent(to, weights[i]);
		fprintf(to, " of worker %zu", i);
		several = true;
	}
	free(weights);
}

/* The ground of the label hides the line where it would cross the words. */
static void put_branch_looks(FILE *to, const struct drawn_tree *d, const struct rplan_tree *child)
{
	double share = child->weight.present ? child->weight.value : 0;

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	fprintf(
	    to,
	    "arrowhead=none, headport=w, penwidth=%.2f,\n"
	    "      label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\">"
	    "<TR><TD BGCOLOR=\"" PAPER "\">",
	    narrowest + widening * sqrt(share));
	if (child->priority.present)
		fprintf(to, "rank %" PRId64, child->priority.value);
	if (child->weight.present)
		put_shares(to, d, child);
	fputs("</TD></TR><TR><TD HEIGHT=\"5\"></TD></TR></TABLE>>", to);
}

static void put_branch(const struct drawn_tree *d, struct pic_item *parent, struct pic_item *child,
		       const struct rplan_tree *node)
{
	struct pic_item *edge = pic_edge(d->picture, parent, child, "branch");
	FILE *to = pic_write(d->picture);

	put_branch_looks(to, d, node);
	edge->dot = pic_take(d->picture);
	to = pic_write(d->picture);
	if (node->priority.present)
		fprintf(to, "rank %" PRId64, node->priority.value);
	if (node->weight.present)
		put_percent(to, node->weight.value);
	edge->label = pic_take(d->picture);
}

/* ---- the tree ---- */

struct ordered {
	const struct rplan_tree *node;
	size_t task, place; /* place: as the plan has it */
};

static int compare_ordered(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

/* Ranks stay as they are; tasks of one rank go by number, t2 before t10, behind the groups. */
static struct ordered *order_children(const struct drawn_tree *d, const struct rplan_tree *node)
{
	struct ordered *ordered = draw_alloc(node->children.n, sizeof(*ordered));
	bool ranked = !strcmp(node->kind, "priority");

	for (size_t i = 0; i < node->children.n; i++) {
		const struct rplan_tree *child = &node->children.at[i];
		bool by_task = !ranked && !strcmp(child->kind, "leaf");

		ordered[i] =
		    (struct ordered){ child, by_task ? 1 + find_task(d, child->task) : 0, i };
	}
	qsort(ordered, node->children.n, sizeof(*ordered), compare_ordered);
	return ordered;
}

static void tell_leaf(const struct drawn_tree *d, struct pic_item *item, const struct rplan_task *t)
{
	struct picture *p = d->picture;
	struct pic_row *row = pic_row(item, pic_text(p, "task %s", t->id));

	item->label = pic_text(p, "%s %s", t->id, name_tail(t->root));
	pic_fact(row, "root", t->root);
	pic_names(p, row, "modules", t->modules);
	pic_number(p, row, "rank", (double)t->priority);
	if (t->weight.present)
		pic_number(p, row, "weight_share", t->weight.value);
	pic_number(p, row, "service", t->service);
	pic_number(p, row, "worker", (double)t->worker);
	if ((size_t)t->worker < d->s->cores.n)
		pic_number(p, row, "core", (double)d->s->cores.at[t->worker]);
	for (size_t i = 0; i < t->share_by_class.n; i++) {
		pic_number(p, row, pic_text(p, "%s share", t->share_by_class.at[i].key),
			   t->share_by_class.at[i].value);
		pic_tag(item, TAG_CLASS, t->share_by_class.at[i].key);
	}
}

static struct pic_item *make_node(struct drawn_tree *d, const struct rplan_tree *node, size_t id)
{
	size_t task = find_task(d, node->task);
	bool is_leaf = !strcmp(node->kind, "leaf") && task < d->s->tasks.n;
	const char *name = is_leaf ? node->task : node->name ? node->name : "";
	struct pic_item *item = pic_node(d->picture, d->frame, is_leaf ? "task" : "group", name,
					 "s%zu_%zu", d->number, id);
	FILE *to = pic_write(d->picture);

	if (is_leaf)
		put_leaf(to, d, task);
	else
		put_inner(to, d, node, !id);
	item->dot = pic_take(d->picture);
	if (is_leaf)
		tell_leaf(d, item, &d->s->tasks.at[task]);
	else
		item->label = pic_text(d->picture, "%s%sby %s", id ? name : d->s->slo,
				       id && !*name ? "" : "\n",
				       strcmp(node->kind, "priority") ? "weight" : "rank");
	return item;
}

/* Graphviz puts the children that it reads last on top. */
static struct pic_item *put_node(struct drawn_tree *d, const struct rplan_tree *node)
{
	size_t id = d->n_nodes++;
	struct ordered *children = order_children(d, node);
	struct pic_item *item = make_node(d, node, id);

	item->last_column = !node->children.n;
	for (size_t i = node->children.n; i--;)
		put_branch(d, item, put_node(d, children[i].node), children[i].node);
	free(children);
	return item;
}

static void put_tree(struct picture *p, struct pic_item *frame, size_t number)
{
	struct drawn_tree d = {
		.picture = p, .frame = frame, .s = &p->plan->schedules.at[number], .number = number
	};

	if (!d.s->tree)
		return;
	d.width = leaf_width(d.s);
	put_node(&d, d.s->tree);
}

static bool has_kind(const struct rplan_tree *node, const char *kind)
{
	if (!strcmp(node->kind, kind))
		return true;
	for (size_t i = 0; i < node->children.n; i++)
		if (has_kind(&node->children.at[i], kind))
			return true;
	return false;
}

static bool goes_by_rank(const struct rplan_schedule *s)
{
	return s->tree && has_kind(s->tree, "priority");
}

static bool goes_by_weight(const struct rplan_schedule *s)
{
	return s->tree && has_kind(s->tree, "weighted");
}

static void put_legend(FILE *to, const struct rplan_plan *plan)
{
	if (any_schedule(plan, goes_by_rank))
		draw_legend_row(to, INK, "by rank", "rank 0 first; the next gets what it leaves");
	if (any_schedule(plan, goes_by_weight))
		draw_legend_row(
		    to, INK, "by weight",
		    "in proportion to the shares; each is a share of the task's worker");
	put_service_row(to, plan);
}

void draw_schedulers(struct picture *p)
{
	static const struct schedule_view view = { ", ranksep=1.1, nodesep=0.25", put_legend,
						   put_tree };

	draw_schedules(p, &view);
}
