#include <config.h>

#include "backends/dot/schedule.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Neighbours differ in lightness too. */
static const struct tint tints[] = {
	{ "#1d5fc4", "#dce9fc" }, { "#a8500a", "#fbd9b8" }, { "#17743a", "#ddf3e4" },
	{ "#7a3bb0", "#e0cdf2" }, { "#a3262f", "#fde3e5" }, { "#0b6b7d", "#bfe3ea" },
	{ "#6a6608", "#f6f3cf" }, { "#a52e77", "#f5c9e1" }, { "#6f472b", "#f1e6dd" },
	{ "#465366", "#cdd5e0" }, { "#4347a9", "#e8e9fb" }, { "#3f740f", "#cfe8b4" },
};

struct tint tint_of(size_t task)
{
	return tints[task % (sizeof(tints) / sizeof(*tints))];
}

bool has_ranks(const struct rplan_schedule *s)
{
	for (size_t i = 0; i < s->tasks.n; i++)
		if (s->tasks.at[i].priority)
			return true;
	return false;
}

bool has_weights(const struct rplan_schedule *s)
{
	for (size_t i = 0; i < s->tasks.n; i++)
		if (s->tasks.at[i].weight.present)
			return true;
	return false;
}

static bool has_tasks(const struct rplan_schedule *s)
{
	return s->tasks.n;
}

static bool is_entitling(const struct rplan_schedule *s)
{
	return s->tasks.n && !strcmp(s->accounting, "entitlement");
}

bool any_schedule(const struct rplan_plan *plan, bool (*is_such)(const struct rplan_schedule *))
{
	for (size_t i = 0; i < plan->schedules.n; i++)
		if (is_such(&plan->schedules.at[i]))
			return true;
	return false;
}

/* ---- words ---- */

void put_significant(FILE *to, double x)
{
	char text[400];
	int whole = x ? (int)floor(log10(fabs(x))) : 0;
	int digits = whole >= 2 ? 0 : whole < -9 ? 9 : 2 - whole;
	size_t n = (size_t)snprintf(text, sizeof(text), "%.*f", digits, x);

	while (digits && text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	fwrite(text, 1, n, to);
}

void put_percent(FILE *to, double share)
{
	put_significant(to, 100 * share);
	fputs(" %", to);
}

void put_count(FILE *to, int64_t n, const char *thing)
{
	fprintf(to, "%" PRId64 " %s%s", n, thing, n == 1 ? "" : "s");
}

void put_service_row(FILE *to, const struct rplan_plan *plan)
{
	if (!any_schedule(plan, has_tasks))
		return;
	draw_legend_row(to, INK, "v 0.5",
			any_schedule(plan, is_entitling)
			    ? "serves so much of the offered packets; above 1: has time in reserve"
			    : "serves so much of the offered packets");
}

/* ---- the frame ---- */

static void put_proof(FILE *to, const struct rplan_objective *o)
{
	if (o->optimal) {
		fputs("proven to be the best", to);
	} else if (o->gap.present && o->gap.value > 0) {
		fputs("at most ", to);
		put_percent(to, o->gap.value);
		fputs(" from the best", to);
	} else if (o->gap.present) {
		fprintf(to, "proven for %s alone",
			strcmp(o->kind, "tasks") ? "throughput" : "the number of tasks");
	} else {
		fputs("not proven", to);
	}
}

static void put_objective(FILE *to, const struct rplan_schedule *s)
{
	put_count(to, s->objective->tasks, "task");
	fputs(" deliver ", to);
	put_rate(to, s->objective->rate_pps, "pps");
	fputs(": ", to);
	put_proof(to, s->objective);
	fprintf(to, " (%s, then %s)",
		strcmp(s->objective->kind, "tasks") ? "throughput" : "few tasks",
		strcmp(s->objective->kind, "tasks") ? "few tasks" : "throughput");
}

static void put_machine(FILE *to, const struct rplan_schedule *s)
{
	if (s->replicas != 1) {
		put_count(to, s->replicas, "replica");
		fputs(" of ", to);
	}
	put_count(to, s->workers, "worker");
	fputs(" at ", to);
	put_rate(to, s->clock_hz, "Hz");
	fputs(strcmp(s->accounting, "useful") ? "; time is an entitlement, used or not"
					      : "; only useful work counts",
	      to);
}

static void put_heading(FILE *to, const struct rplan_schedule *s)
{
	fputs("    labelloc=t; label=<<FONT POINT-SIZE=\"13\"><B>slo ", to);
	put_html(to, s->slo);
	fputs("</B></FONT><FONT POINT-SIZE=\"13\" COLOR=\"" PALE_INK "\">&#160;&#160;&#160;on ",
	      to);
	put_html(to, s->target);
	fputs("</FONT><BR ALIGN=\"LEFT\"/>", to);
	if (s->tasks.n) {
		put_objective(to, s);
		fputs("<BR ALIGN=\"LEFT\"/>", to);
	}
	fputs("<FONT COLOR=\"" PALE_INK "\">", to);
	put_machine(to, s);
	fputs("</FONT><BR ALIGN=\"LEFT\"/>>\n", to);
}

static void put_failure(struct picture *p, struct pic_item *frame, size_t number)
{
	const struct rplan_schedule *s = &p->plan->schedules.at[number];
	struct pic_item *box = pic_node(p, frame, "note", "", "s%zu_none", number);
	FILE *to;

	box->label = pic_text(p, "No tasks: the slo failed%s%s.", s->code ? " with " : "",
			      s->code ? s->code : "");
	to = pic_write(p);
	fputs("style=\"rounded,dashed\", color=\"" RED "\", label=", to);
	put_quoted(to, box->label);
	box->dot = pic_take(p);
}

static void put_schedule(struct picture *p, size_t number, const struct schedule_view *view)
{
	const struct rplan_schedule *s = &p->plan->schedules.at[number];
	struct pic_item *frame = pic_cluster(p, NULL, "schedule", s->target, "s%zu", number);
	FILE *to = pic_write(p);

	fputs("style=\"rounded,filled\"; fillcolor=\"" PAPER "\"; color=\"" FRAME
	      "\"; peripheries=1; margin=14\n",
	      to);
	put_heading(to, s);
	fputs("    tooltip=", to);
	put_quoted(to, s->slo);
	frame->dot = pic_take(p);
	frame->label = pic_text(p, "slo %s on %s", s->slo, s->target);
	if (s->tasks.n)
		view->put(p, frame, number);
	else
		put_failure(p, frame, number);
}

static const char *schedule_legend(struct picture *p, const struct schedule_view *view)
{
	FILE *to = pic_write(p);

	draw_legend_open(to);
	view->put_legend(to, p->plan);
	draw_legend_close(to);
	return pic_take(p);
}

void draw_schedules(struct picture *p, const struct schedule_view *view)
{
	p->more = view->more;
	p->legend = schedule_legend(p, view);
	for (size_t i = 0; i < p->plan->schedules.n; i++)
		put_schedule(p, i, view);
	if (!p->plan->schedules.n)
		draw_nothing(p, "The plan has no schedules: no target enforces an slo.");
}
