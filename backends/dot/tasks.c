/* The pipeline cut into tasks.  Where classes are parted, each has a copy of its modules. */
#include <config.h>

#include "backends/dot/draw.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/dot/schedule.h"

/* In a drawing from left to right Graphviz puts on top what it reads last: modules, edges and parts
 * are written in reverse. */

enum { BADGES_PER_ROW = 4 };

/* A task runs a module.  Part 0 is what the classes have in common: all, unless they are parted. */
struct run {
	size_t part, module, task;
};

struct runs {
	const struct run *at;
	size_t n;
};

struct drawn_schedule {
	struct picture *picture;
	struct pic_item *frame;
	struct pic_item **items;   /* modules by part and id */
	struct pic_item **entries; /* where edges lead to: the module, or the queue before it */
	struct pic_item *classifier;
	const struct rplan_plan *plan;
	const struct rplan_schedule *s;
	const struct rplan_pipeline *p; /* NULL: none is called so */
	size_t number;
	struct names ids;   /* of modules */
	struct names parts; /* classes of the parts 1, 2, ...; not sorted */
	struct run *runs;   /* sorted */
	size_t n_runs;
};

/* ---- what runs where ---- */

static size_t part_of(const struct drawn_schedule *d, const char *class)
{
	for (size_t i = 0; class && i < d->parts.n; i++)
		if (!strcmp(d->parts.at[i], class))
			return i + 1;
	return 0;
}

static void add_part(struct drawn_schedule *d, const char *class)
{
	if (class && !part_of(d, class))
		names_add(&d->parts, class);
}

static void add_parts(struct drawn_schedule *d)
{
	for (size_t i = 0; d->s->classifier && i < d->s->classifier->classes.n; i++)
		add_part(d, d->s->classifier->classes.at[i].name);
	for (size_t i = 0; i < d->s->tasks.n; i++)
		add_part(d, d->s->tasks.at[i].class);
}

static void add_ids(struct drawn_schedule *d)
{
	for (size_t i = 0; d->p && i < d->p->modules.n; i++)
		names_add(&d->ids, d->p->modules.at[i].id);
	for (size_t i = 0; d->p && i < d->p->edges.n; i++) {
		names_add(&d->ids, d->p->edges.at[i].from);
		names_add(&d->ids, d->p->edges.at[i].to);
	}
	for (size_t i = 0; i < d->s->tasks.n; i++) {
		names_add(&d->ids, d->s->tasks.at[i].root);
		for (size_t k = 0; k < d->s->tasks.at[i].modules.n; k++)
			names_add(&d->ids, d->s->tasks.at[i].modules.at[k]);
	}
	names_sort(&d->ids);
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return (x->task > y->task) - (x->task < y->task);
}

static void add_runs(struct drawn_schedule *d)
{
	size_t most = 0;

	for (size_t i = 0; i < d->s->tasks.n; i++)
		most += d->s->tasks.at[i].modules.n;
	d->runs = draw_alloc(most, sizeof(*d->runs));
	for (size_t i = 0; i < d->s->tasks.n; i++) {
		const struct rplan_task *t = &d->s->tasks.at[i];
		size_t part = part_of(d, t->class);

		for (size_t k = 0; k < t->modules.n; k++)
			d->runs[d->n_runs++] =
			    (struct run){ part, names_find(&d->ids, t->modules.at[k]), i };
	}
	qsort(d->runs, d->n_runs, sizeof(*d->runs), compare_runs);
}

static struct drawn_schedule prepare(struct picture *p, size_t number)
{
	const struct rplan_plan *plan = p->plan;
	struct drawn_schedule d = { .picture = p, .plan = plan, .number = number };
	size_t places;

	d.s = &plan->schedules.at[number];
	for (size_t i = 0; i < plan->pipelines.n && !d.p; i++)
		if (!strcmp(plan->pipelines.at[i].name, d.s->pipeline))
			d.p = &plan->pipelines.at[i];
	add_parts(&d);
	add_ids(&d);
	add_runs(&d);
	places = (d.parts.n + 1) * d.ids.n;
	d.items = draw_alloc(places, sizeof(*d.items));
	d.entries = draw_alloc(places, sizeof(*d.entries));
	return d;
}

static void release(struct drawn_schedule *d)
{
	names_free(&d->ids);
	names_free(&d->parts);
	free(d->runs);
	free(d->items);
	free(d->entries);
}

static size_t place_of(const struct drawn_schedule *d, size_t part, const char *id)
{
	return part * d->ids.n + names_find(&d->ids, id);
}

static struct runs runs_of(const struct drawn_schedule *d, size_t part, size_t module)
{
	const struct run first = { part, module, 0 };
	size_t low = 0, high = d->n_runs, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_runs(&d->runs[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < d->n_runs; end++)
		if (d->runs[end].part != part || d->runs[end].module != module)
			break;
	return (struct runs){ d->runs + low, end - low };
}

/* What no task runs is drawn once, unless each class has modules of its own. */
static bool is_drawn(const struct drawn_schedule *d, size_t part, size_t module)
{
	return runs_of(d, part, module).n || (!part && !d->parts.n);
}

/* ---- modules ---- */

static void put_queue(FILE *to, int64_t packets)
{
	fprintf(to,
		"<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"2\" "
		"COLOR=\"" INK "\" BGCOLOR=\"white\"><TR>"
		"<TD SIDES=\"TB\" HEIGHT=\"18\"><FONT POINT-SIZE=\"8\">%" PRId64 "</FONT></TD>"
		"<TD SIDES=\"TBR\" WIDTH=\"4\"></TD><TD SIDES=\"TBR\" WIDTH=\"4\"></TD>"
		"<TD SIDES=\"TBR\" WIDTH=\"4\"></TD></TR></TABLE>",
		packets);
}

/* "51.4 %, v 0.61, worker 0": what a root says of its task. */
static void put_terms(FILE *to, const struct drawn_schedule *d, const struct rplan_task *t)
{
	if (has_ranks(d->s))
		fprintf(to, "&#160;&#160; rank %" PRId64, t->priority);
	if (t->weight.present) {
		fputs("&#160;&#160; ", to);
		put_percent(to, t->weight.value);
	}
	fputs("&#160; v ", to);
	put_significant(to, t->service);
	fprintf(to, "&#160; w%" PRId64, t->worker);
}

static void put_badge(FILE *to, const struct drawn_schedule *d, const struct run *r)
{
	const struct rplan_task *t = &d->s->tasks.at[r->task];

	fprintf(to, "<TD BGCOLOR=\"%s\"><FONT COLOR=\"white\" POINT-SIZE=\"9\"><B>",
		tint_of(r->task).strong);
	put_html(to, t->id);
	fputs("</B>", to);
	if (!strcmp(t->root, d->ids.at[r->module]))
		put_terms(to, d, t);
	fputs("</FONT></TD>", to);
}

static void put_badges(FILE *to, const struct drawn_schedule *d, struct runs runs)
{
	fputs("<TR><TD CELLPADDING=\"0\"><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
	      "CELLPADDING=\"3\"><TR>",
	      to);
	for (size_t i = 0; i < runs.n; i++) {
		if (i && i % BADGES_PER_ROW == 0)
			fputs("</TR><TR>", to);
		put_badge(to, d, &runs.at[i]);
	}
	fputs("</TR></TABLE></TD></TR>", to);
}

static bool is_root_with_queue(const struct drawn_schedule *d, struct runs runs)
{
	for (size_t i = 0; i < runs.n; i++) {
		const struct rplan_task *t = &d->s->tasks.at[runs.at[i].task];

		if (t->queue && !strcmp(t->root, d->ids.at[runs.at[i].module]))
			return true;
	}
	return false;
}

static const char *function_of(const struct drawn_schedule *d, const char *id)
{
	for (size_t i = 0; d->p && i < d->p->modules.n; i++)
		if (!strcmp(d->p->modules.at[i].id, id))
			return d->p->modules.at[i].function;
	return "";
}

static void put_module_tooltip(FILE *to, const struct drawn_schedule *d, const char *id,
			       struct runs runs)
{
	struct text tip;
	char *tooltip;

	text_open(&tip);
	fprintf(tip.to, "%s : %s", id, function_of(d, id));
	for (size_t i = 0; i < runs.n; i++) {
		const struct rplan_task *t = &d->s->tasks.at[runs.at[i].task];

		fprintf(tip.to, "\n%s from %s%s%s, worker %" PRId64, t->id, t->root,
			t->class ? " for " : "", t->class ? t->class : "", t->worker);
	}
	tooltip = text_take(&tip);
	fputs("tooltip=", to);
	put_quoted(to, tooltip);
	free(tooltip);
}

/* Several tasks leave the module white, each with a badge of its colour. */
static void put_box(FILE *to, const struct drawn_schedule *d, const char *id, struct runs runs)
{
	struct tint tint = { PALE_INK, "white" };
	const char *function = function_of(d, id);

	if (runs.n == 1)
		tint = tint_of(runs.at[0].task);
	fprintf(to,
		"<TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"3\" "
		"COLOR=\"%s\" BGCOLOR=\"%s\"%s>",
		tint.strong, tint.pale, runs.n ? "" : " STYLE=\"DASHED\"");
	if (runs.n)
		put_badges(to, d, runs);
	fputs("<TR><TD><B>&#160;", to);
	put_html(to, name_tail(id));
	fputs("&#160;</B>", to);
	if (*function && strcmp(function, "drop")) {
		fputs("<BR/><FONT POINT-SIZE=\"9\">", to);
		put_html(to, name_tail(function));
		fputs("</FONT>", to);
	}
	fputs("</TD></TR></TABLE>", to);
}

static void put_module_looks(FILE *to, const struct drawn_schedule *d, const char *id,
			     struct runs runs)
{
	fputs("shape=plain, style=\"\", ", to);
	put_module_tooltip(to, d, id, runs);
	fputs(",\n      label=<", to);
	if (is_root_with_queue(d, runs) && !d->picture->internal) {
		fputs("<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
		      "CELLPADDING=\"0\"><TR><TD>",
		      to);
		put_queue(to, d->s->queue_packets);
		fputs("</TD><TD WIDTH=\"4\"></TD><TD>", to);
		put_box(to, d, id, runs);
		fputs("</TD></TR></TABLE>", to);
	} else {
		put_box(to, d, id, runs);
	}
	fputs(">", to);
}

static void tell_task(const struct drawn_schedule *d, struct pic_item *item,
		      const struct rplan_task *t)
{
	struct picture *p = d->picture;
	struct pic_row *row = pic_row(item, pic_text(p, "task %s", t->id));

	pic_fact(row, "root", t->root);
	if (t->class)
		pic_fact(row, "class", t->class);
	pic_names(p, row, "modules", t->modules);
	if (has_ranks(d->s))
		pic_number(p, row, "rank", (double)t->priority);
	if (t->weight.present)
		pic_number(p, row, "weight_share", t->weight.value);
	pic_number(p, row, "service", t->service);
	pic_number(p, row, "worker", (double)t->worker);
	if (t->queue)
		pic_number(p, row, "queue_packets", (double)d->s->queue_packets);
}

static void tell_runs(const struct drawn_schedule *d, struct pic_item *item, size_t part,
		      size_t module)
{
	const char *id = d->ids.at[module];
	struct runs runs = runs_of(d, part, module);

	for (size_t i = 0; d->p && i < d->p->modules.n; i++)
		if (!strcmp(d->p->modules.at[i].id, id))
			tell_module(d->picture, item, &d->p->modules.at[i],
				    part ? d->parts.at[part - 1] : NULL);
	for (size_t i = 0; i < runs.n; i++)
		tell_task(d, item, &d->s->tasks.at[runs.at[i].task]);
}

static const char *module_words(const struct drawn_schedule *d, const char *id, struct runs runs)
{
	FILE *to = pic_write(d->picture);

	fputs(name_tail(id), to);
	for (size_t i = 0; i < runs.n; i++) {
		const struct rplan_task *t = &d->s->tasks.at[runs.at[i].task];

		fprintf(to, "%s%s", i ? ", " : "\n", t->id);
		if (!strcmp(t->root, id))
			fprintf(to, " w%" PRId64 "%s", t->worker, t->queue ? " queue" : "");
	}
	return pic_take(d->picture);
}

/* The queue before a module, as a box of its own. */
static struct pic_item *put_queue_box(struct drawn_schedule *d, struct pic_item *module)
{
	struct pic_item *queue =
	    pic_node(d->picture, module->cluster, "queue",
		     pic_text(d->picture, "%s.queue", module->name), "%s_queue", module->id);
	FILE *to = pic_write(d->picture);
	struct pic_row *row = pic_row(queue, queue->name);

	fputs("shape=plain, style=\"\", tooltip=\"put in: a queue\", label=<", to);
	put_queue(to, d->s->queue_packets);
	fputs(">", to);
	queue->dot = pic_take(d->picture);
	queue->internal = true;
	queue->label = pic_text(d->picture, "queue\n%" PRId64 " packets", d->s->queue_packets);
	pic_number(d->picture, row, "queue_packets", (double)d->s->queue_packets);
	pic_number(d->picture, row, "cost_cycles", d->s->queue_cost_cycles);
	for (size_t i = 0; i < module->tags[TAG_CLASS].n; i++)
		pic_tag(queue, TAG_CLASS, module->tags[TAG_CLASS].at[i]);
	pic_edge(d->picture, queue, module, "internal")->dot =
	    "headport=w, arrowsize=0.6, style=dotted";
	return queue;
}

static void put_module(struct drawn_schedule *d, struct pic_item *frame, size_t part, size_t module)
{
	const char *id = d->ids.at[module];
	struct runs runs = runs_of(d, part, module);
	struct pic_item *item =
	    pic_node(d->picture, frame, "module", id, "s%zu_%zu_%zu", d->number, part, module);
	FILE *to = pic_write(d->picture);

	put_module_looks(to, d, id, runs);
	item->dot = pic_take(d->picture);
	item->label = module_words(d, id, runs);
	tell_runs(d, item, part, module);
	d->items[part * d->ids.n + module] = item;
	d->entries[part * d->ids.n + module] =
	    d->picture->internal && is_root_with_queue(d, runs) ? put_queue_box(d, item) : item;
}

/* ---- edges ---- */

static bool is_step(struct rplan_texts path, const struct rplan_edge *e)
{
	for (size_t i = 1; i < path.n; i++)
		if (!strcmp(path.at[i - 1], e->from) && !strcmp(path.at[i], e->to))
			return true;
	return false;
}

/* Whether packets of the part take the edge.  Other traffic has no paths in the plan. */
static bool is_taken(const struct drawn_schedule *d, size_t part, const struct rplan_edge *e)
{
	const struct rplan_class *class = NULL;

	for (size_t i = 0; part && i < d->plan->classes.n && !class; i++)
		if (!strcmp(d->plan->classes.at[i].name, d->parts.at[part - 1]))
			class = &d->plan->classes.at[i];
	for (size_t i = 0; class && i < class->paths.n; i++)
		if (is_step(class->paths.at[i], e))
			return true;
	return !class;
}

static void put_edge_looks(FILE *to, const struct rplan_edge *e)
{
	fprintf(to, "style=%s, headport=w, penwidth=1.3, ", e->copy ? "dashed" : "solid");
	put_edge_tooltip(to, e);
	if (!e->copy && !strcmp(e->when, "true"))
		return;
	fputs(",\n      label=<", to);
	if (e->copy)
		fputs("<I>copy</I><BR ALIGN=\"LEFT\"/>", to);
	put_filter(to, e->when);
	fputs(">", to);
}

static void put_edge(const struct drawn_schedule *d, size_t from_part, size_t part,
		     const struct rplan_edge *e)
{
	struct pic_item *edge =
	    pic_edge(d->picture, d->items[place_of(d, from_part, e->from)],
		     d->entries[place_of(d, part, e->to)], e->copy ? "copy" : "edge");

	put_edge_looks(pic_write(d->picture), e);
	edge->dot = pic_take(d->picture);
	tell_edge(d->picture, edge, e);
}

static void put_edges(const struct drawn_schedule *d, size_t part)
{
	for (size_t i = d->p ? d->p->edges.n : 0; i--;) {
		const struct rplan_edge *e = &d->p->edges.at[i];

		if (is_drawn(d, part, names_find(&d->ids, e->from)) &&
		    is_drawn(d, part, names_find(&d->ids, e->to)) && is_taken(d, part, e))
			put_edge(d, part, part, e);
	}
}

/* ---- the classifier ---- */

static bool is_classified(const struct drawn_schedule *d, const char *id)
{
	for (size_t i = 0; d->s->classifier && i < d->s->classifier->after.n; i++)
		if (!strcmp(d->s->classifier->after.at[i], id))
			return true;
	return false;
}

static const char *header_of(const struct drawn_schedule *d, const char *class)
{
	for (size_t i = 0; i < d->s->classifier->classes.n; i++)
		if (!strcmp(d->s->classifier->classes.at[i].name, class))
			return d->s->classifier->classes.at[i].when;
	return "true";
}

/* The modules behind which it stands. */
static struct pic_item *source_of(const struct drawn_schedule *d, size_t i)
{
	size_t id = names_find(&d->ids, d->s->classifier->after.at[i]);

	return id == SIZE_MAX || !runs_of(d, 0, id).n ? NULL : d->items[id];
}

/* It runs in the task of its source. */
static void put_classifier(struct drawn_schedule *d)
{
	const struct rplan_texts after = d->s->classifier->after;
	size_t source = after.n ? names_find(&d->ids, after.at[0]) : d->ids.n;
	struct runs runs = runs_of(d, 0, source);
	struct tint tint = tint_of(runs.n ? runs.at[0].task : 0);
	struct pic_item *item =
	    pic_node(d->picture, d->frame, "classifier", "", "s%zu_classify", d->number);
	FILE *to = pic_write(d->picture);

	fprintf(to,
		"shape=cds, style=filled, margin=\"0.16,0.1\", color=\"%s\", "
		"fillcolor=\"%s\",\n      label=<<B>classify</B><BR/><FONT POINT-SIZE=\"9\">",
		runs.n ? tint.strong : FRAME, runs.n ? tint.pale : "white");
	put_number(to, d->s->classify_cost_cycles);
	fputs(" cycles</FONT>>,\n      tooltip=\"put in: parts the classes by their headers\"", to);
	item->dot = pic_take(d->picture);
	item->internal = true;
	item->label = "classify";
	pic_number(d->picture, pic_row(item, "classifier"), "cost_cycles",
		   d->s->classify_cost_cycles);
	for (size_t i = 0; i < after.n; i++)
		if (source_of(d, i))
			pic_edge(d->picture, source_of(d, i), item, "edge")->dot =
			    "headport=w, penwidth=1.3";
	d->classifier = item;
}

/* The header filter of a class implies the filter of its edge, if it has one edge alone. */
static void put_parting_looks(FILE *to, const struct drawn_schedule *d, size_t part,
			      const struct rplan_edge *e, bool several)
{
	const char *class = d->parts.at[part - 1], *header = header_of(d, class);
	bool is_rest = !strcmp(class, "rest");

	fputs("headport=w, penwidth=1.3, tooltip=", to);
	put_quoted(to, header);
	fputs(", labeltooltip=", to);
	put_quoted(to, header);
	fputs(",\n      label=<<B>", to);
	put_html(to, class);
	fputs("</B><BR ALIGN=\"LEFT\"/>", to);
	put_filter(to, is_rest ? "all other" : header);
	put_filter(to, several ? e->when : "true");
	fputs(">", to);
}

static void put_parting(const struct drawn_schedule *d, struct pic_item *from, size_t part,
			const struct rplan_edge *e, bool several)
{
	const char *class = d->parts.at[part - 1];
	struct pic_item *edge =
	    pic_edge(d->picture, from, d->entries[place_of(d, part, e->to)], "edge");

	put_parting_looks(pic_write(d->picture), d, part, e, several);
	edge->dot = pic_take(d->picture);
	edge->label = pic_text(d->picture, "%s: %s", class, header_of(d, class));
	pic_tag(edge, TAG_CLASS, class);
	pic_fact(pic_row(edge, class), "when", header_of(d, class));
}

/* Without the classifier's box, from each of the modules behind which it stands. */
static void put_partings(const struct drawn_schedule *d, size_t part, const struct rplan_edge *e,
			 bool several)
{
	if (d->classifier)
		put_parting(d, d->classifier, part, e, several);
	for (size_t i = 0; !d->classifier && i < d->s->classifier->after.n; i++)
		if (source_of(d, i))
			put_parting(d, source_of(d, i), part, e, several);
}

/* Whether edge I of the pipeline leads into the part. */
static bool is_entry(const struct drawn_schedule *d, size_t part, size_t i)
{
	const struct rplan_edge *e = &d->p->edges.at[i];

	return runs_of(d, 0, names_find(&d->ids, e->from)).n &&
	       runs_of(d, part, names_find(&d->ids, e->to)).n && is_taken(d, part, e);
}

/* How many of the first N edges lead from the classifier into the part, at module TO if that is
 * not NULL. */
static size_t count_entries(const struct drawn_schedule *d, size_t part, size_t n, const char *to)
{
	const struct rplan_edge *e = d->p->edges.at;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += is_classified(d, e[i].from) && (!to || !strcmp(e[i].to, to)) &&
			 is_entry(d, part, i);
	return found;
}

static void put_entries(const struct drawn_schedule *d, size_t part)
{
	size_t n = d->p ? d->p->edges.n : 0;
	bool several = n && count_entries(d, part, n, NULL) > 1;

	for (size_t i = 0; i < n; i++) {
		const struct rplan_edge *e = &d->p->edges.at[i];

		if (!is_entry(d, part, i))
			continue;
		if (!is_classified(d, e->from))
			put_edge(d, 0, part, e);
		else if (!count_entries(d, part, i, e->to))
			put_partings(d, part, e, several);
	}
}

/* ---- parts ---- */

static void put_modules(struct drawn_schedule *d, struct pic_item *frame, size_t part)
{
	for (size_t i = d->ids.n; i--;)
		if (is_drawn(d, part, i))
			put_module(d, frame, part, i);
	put_edges(d, part);
}

static void put_entitlement(FILE *to, const struct drawn_schedule *d, const char *class)
{
	for (size_t i = 0; i < d->s->predicted.n; i++) {
		if (strcmp(d->s->predicted.names[i], class))
			continue;
		fputs("&#160; <FONT COLOR=\"" PALE_INK "\">", to);
		put_rate(to, d->s->predicted.at[i].rate_pps, "pps");
		fputs(", ", to);
		put_percent(to, d->s->predicted.at[i].cpu_share);
		fputs(" of the time</FONT>", to);
	}
}

static void put_part(struct drawn_schedule *d, size_t part)
{
	const char *class = d->parts.at[part - 1];
	struct pic_item *frame =
	    pic_cluster(d->picture, d->frame, "class", class, "s%zu_%zu", d->number, part);
	FILE *to = pic_write(d->picture);

	fputs("style=\"rounded,filled,dashed\"; fillcolor=white; color=\"" PALE_INK
	      "\"; margin=10\n    label=<<B>",
	      to);
	put_html(to, class);
	fputs("</B>", to);
	put_entitlement(to, d, class);
	fputs("<BR ALIGN=\"LEFT\"/>>; tooltip=", to);
	put_quoted(to, class);
	frame->dot = pic_take(d->picture);
	put_modules(d, frame, part);
}

static void put_tasks(struct picture *p, struct pic_item *frame, size_t number)
{
	struct drawn_schedule d = prepare(p, number);

	d.frame = frame;
	put_modules(&d, frame, 0);
	if (d.s->classifier && p->internal)
		put_classifier(&d);
	for (size_t i = d.parts.n; i; i--)
		put_part(&d, i);
	for (size_t i = d.parts.n; i; i--)
		put_entries(&d, i);
	release(&d);
}

/* ---- the legend ---- */

static bool has_queues(const struct rplan_schedule *s)
{
	for (size_t i = 0; i < s->tasks.n; i++)
		if (s->tasks.at[i].queue)
			return true;
	return false;
}

static void put_legend(FILE *to, const struct rplan_plan *plan)
{
	draw_legend_row(to, INK, "<B>t0</B>",
			"the task that runs the module; its first module says more:");
	if (any_schedule(plan, has_ranks))
		draw_legend_row(to, INK, "rank 0", "is served before ranks 1, 2, \xe2\x80\xa6");
	if (any_schedule(plan, has_weights))
		draw_legend_row(to, INK, "50 %", "has that share of its worker");
	put_service_row(to, plan);
	draw_legend_row(to, INK, "w0", "runs on worker 0");
	if (any_schedule(plan, has_queues))
		draw_legend_row(to, INK,
				"\xe2\x94\x80\xe2\x94\x80\xe2\x94\xa4\xe2\x94\x82\xe2\x94\x82",
				"a queue that was put in, and the packets it holds");
}

void draw_tasks(struct picture *p)
{
	static const struct schedule_view view = { "", put_legend, put_tasks };

	draw_schedules(p, &view);
}
