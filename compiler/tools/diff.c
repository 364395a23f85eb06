/* `epic diff`: two policies or plans. */
#include <config.h>

#include "compiler/tools/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cbor/cbor.h"
#include "compiler/tools/filter_text.h"
#include "compiler/tools/solving.h"

enum { MOST_PARTS = 8 };

const char *const diff_kinds[] = { "flows",   "bridges", "areas",   "pipelines",
				   "classes", "tasks",   "weights", "files" };

/* ---- changes ---- */

struct diff_change *diff_add(struct diffing *d, enum diff_kind kind, enum diff_way way,
			     const char *subject, const char *what)
{
	vec_push(
	    d->arena, &d->changes,
	    (struct diff_change){ .kind = kind, .way = way, .subject = subject, .what = what });
	return &d->changes.at[d->changes.n - 1];
}

void diff_fact(struct diffing *d, struct diff_change *c, const char *name, const char *old,
	       const char *new)
{
	vec_push(d->arena, &c->facts, (struct diff_fact){ .name = name, .old = old, .new = new });
}

/* ---- sets of packets ---- */

const struct cubes *diff_set(struct diffing *d, const char *filter)
{
	const struct fx *x = filter_text_read(d->fields, d->arena, filter);

	return x ? fx_cubes(d->fields, x) : NULL;
}

static const char *packet_text(struct diffing *d, const struct packet *p,
			       void (*print)(struct sink *, const struct packet *))
{
	struct sink s = { 0 };
	const char *text;

	print(&s, p);
	text = s.size ? arena_strndup(d->arena, s.data, s.size) : "any packet";
	sink_free(&s);
	return text;
}

bool diff_packets(struct diffing *d, const struct cubes *old, const struct cubes *new,
		  struct diff_packets *p)
{
	const struct cubes *gained = cubes_minus(d->fields, new, old);
	struct packet example;

	if (cubes_empty(gained))
		return false;
	example = cubes_example(d->fields, gained);
	p->filter = filter_text_of_set(d->fields, d->arena, gained, MOST_PARTS);
	p->example = packet_text(d, &example, packet_print);
	p->json = packet_text(d, &example, packet_json);
	return true;
}

/* ---- the two sides ---- */

static bool is_plan(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && !strcmp(path + n - 5, ".plan");
}

static bool open_plan(struct run *r, struct diff_side *s)
{
	const char *slash = strrchr(s->path, '/');
	struct plan_error error;

	s->dir = slash ? arena_strndup(r->options->arena, s->path, (size_t)(slash - s->path)) : ".";
	s->plan = plan_open(s->path, &error);
	if (!s->plan)
		run_error(r, "%s is no plan that can be read: %s", s->path, error.text);
	return s->plan != NULL;
}

static void emit_files(struct diff_side *s)
{
	const struct plan *plan = s->policy.plan;

	/* Where something failed compile writes no files either. */
	if (policy_code(&s->policy) != EXIT_DONE)
		return;
	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct backend *b = backend_find(plan->targets.at[i].backend);

		if (b && b->emit)
			b->emit(s->policy.ctx, plan, &plan->targets.at[i], &s->outputs);
	}
}

static int open_policy(struct run *r, const struct options *o, struct diff_side *s)
{
	struct plan_error error = { .text = "" };
	struct sink bytes = { 0 };

	s->policy = policy_read(o, s->path, DEPTH_PLAN);
	if (!s->policy.plan)
		return policy_report(r, &s->policy);
	if (cbor_emit(s->policy.plan, &bytes))
		s->plan = plan_read(bytes.data, bytes.size, &error);
	sink_free(&bytes);
	if (!s->plan) {
		run_error(r, "the plan of %s cannot be read back: %s", s->path, error.text);
		return EXIT_BUG;
	}
	emit_files(s);
	return EXIT_DONE;
}

static int open_side(struct run *r, const struct options *o, struct diff_side *s)
{
	if (is_plan(s->path))
		return open_plan(r, s) ? EXIT_DONE : EXIT_USAGE;
	return open_policy(r, o, s);
}

static void close_side(struct diff_side *s)
{
	for (size_t i = 0; i < s->outputs.n; i++)
		sink_free(&s->outputs.at[i].text);
	if (s->policy.ctx)
		policy_close(&s->policy);
	plan_close(s->plan);
}

/* ---- the command ---- */

static int by_kind(const void *x, const void *y)
{
	const struct diff_change *a = x, *b = y;
	int c = (a->kind > b->kind) - (a->kind < b->kind);

	c = c ? c : strcmp(a->subject, b->subject);
	c = c ? c : strcmp(a->what, b->what);
	c = c ? c : (a->way > b->way) - (a->way < b->way);
	c = c ? c
	      : strcmp(a->packets.filter ? a->packets.filter : "",
		       b->packets.filter ? b->packets.filter : "");
	for (size_t i = 0; !c && i < a->facts.n && i < b->facts.n; i++) {
		c = strcmp(a->facts.at[i].name, b->facts.at[i].name);
		c = c ? c
		      : strcmp(a->facts.at[i].old ? a->facts.at[i].old : "",
			       b->facts.at[i].old ? b->facts.at[i].old : "");
		c = c ? c
		      : strcmp(a->facts.at[i].new ? a->facts.at[i].new : "",
			       b->facts.at[i].new ? b->facts.at[i].new : "");
	}
	return c;
}

static void keep_only(struct diffing *d, const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < d->changes.n; i++)
		if (!kind || !strcmp(diff_kinds[d->changes.at[i].kind], kind))
			d->changes.at[n++] = d->changes.at[i];
	d->changes.n = n;
	if (n)
		qsort(d->changes.at, n, sizeof(*d->changes.at), by_kind);
}

static const struct {
	const char *name;
	diff_print *print;
} forms[] = {
	{ "human", diff_print_human },
	{ "md", diff_print_md },
	{ "json", diff_print_json },
};

static diff_print *form_of(struct run *r)
{
	const char *as = r->options->as ? r->options->as : "human";

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].name, as))
			return forms[i].print;
	run_error(r, "diff shows differences as human, md or json, not as '%s'", as);
	return NULL;
}

static int show(struct run *r, struct diffing *d, diff_print *print)
{
	struct sink out = { 0 };
	bool ok;

	diff_flows(d);
	diff_rows(d);
	diff_files(d);
	keep_only(d, r->options->only);
	print(d, r->options, &out);
	ok = run_write(r, &out);
	sink_free(&out);
	if (!ok)
		return EXIT_ENVIRONMENT;
	return d->changes.n && r->options->exit_code ? EXIT_FINDINGS : EXIT_DONE;
}

static int run_diff(struct run *r)
{
	const struct texts *files = &r->options->files;
	struct options watched = *r->options;
	struct diff_side old = { 0 }, new = { 0 };
	struct diffing d = { .arena = r->options->arena, .old = &old, .new = &new };
	diff_print *print;
	int code;

	if (files->n != 2) {
		run_error(r, "diff needs OLD and NEW; epic help diff tells more");
		return EXIT_USAGE;
	}
	print = form_of(r);
	if (!print || !run_has_room(r))
		return EXIT_USAGE;
	solving_watch(r, &watched);
	old.path = files->at[0];
	new.path = files->at[1];
	d.fields = fields_new(d.arena);
	code = open_side(r, &watched, &old);
	if (code == EXIT_DONE)
		code = open_side(r, &watched, &new);
	if (code == EXIT_DONE)
		code = show(r, &d, print);
	print_end(r, code);
	close_side(&old);
	close_side(&new);
	return code;
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "OLD NEW",
	.summary = "what a change means",
	.help =
	    ".\nOLD and NEW are policies or plans: what may move now and could not before, "
	    "bridges,\n"
	    "areas, pipelines, classes, tasks, weights and files.  -v shows the lines of the files",
	.run = run_diff,
};
