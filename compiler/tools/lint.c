/* `epic lint`: what check finds, then the rules that advise (doc/lint.md).
 *
 * Each file is a root of its own.  Rules run on a policy and add findings; here it is decided which
 * of them are shown: those in files of the command line, once each, that no @allow covers, at the
 * level that was asked for, and that the baseline does not list. */
#include <config.h>

#include "compiler/tools/lint_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/ast/ast.h"
#include "compiler/base/intern.h"
#include "compiler/tools/fmt.h"

enum { MOST_ROUNDS = 100 }; /* of fixes; each round has fewer findings */

/* A text that stands for a file while fixes are tried. */
struct draft {
	const char *path;
	struct sink text;
};

struct linter {
	struct run *run;
	struct options options; /* the run's, with what the rules need */
	struct lint_levels levels;
	struct baseline known, found;
	uint32_t today;
	struct texts files; /* real paths */
	struct draft draft;
	struct map seen; /* findings of the files before, by interned text */
	struct interner *texts;
};

static const struct lint_rule *const tables[] = {
	lint_text_rules, lint_filter_rules,    lint_movement_rules,
	lint_data_rules, lint_objective_rules, lint_output_rules,
};

/* ---- running the rules ---- */

static bool is_broken(const struct policy *p)
{
	return !p->model || p->model->root->ast->broken || p->model->root->ast->unclosed;
}

static void run_rules(struct linting *l, const struct lint_rule *rules)
{
	for (; rules->run; rules++)
		rules->run(l);
}

static void run_all(struct linting *l)
{
	size_t n_tables = l->policy->plan ? sizeof(tables) / sizeof(*tables) : 1;

	if (is_broken(l->policy))
		return;
	for (size_t i = 0; i < n_tables; i++)
		run_rules(l, tables[i]);
}

/* ---- which findings are shown ---- */

static const char *real_path(struct arena *a, const char *path)
{
	char buf[PATH_MAX];

	return arena_strdup(a, realpath(path, buf) ? buf : path);
}

static bool is_given(const struct linter *t, const struct linting *l, struct span span)
{
	const struct source *src = source_at(&l->ctx->sources, span.source);
	const char *path = real_path(l->ctx->arena, src->path);

	if (span.source == l->policy->model->root->source)
		return true;
	for (size_t i = 0; i < t->files.n; i++)
		if (!strcmp(t->files.at[i], path))
			return true;
	return false;
}

/* True the first time; one file may be the root and be used by others. */
static bool is_new(struct linter *t, const struct linting *l, const struct diag *d)
{
	struct arena *a = l->ctx->arena;
	const struct source *src = source_at(&l->ctx->sources, d->span.source);
	const char *text =
	    intern_text(t->texts, arena_printf(a, "%d %u %u %s", d->code, d->span.start,
					       d->span.end, real_path(a, src->path)));

	if (map_get(&t->seen, text))
		return false;
	map_put(&t->seen, text, t);
	return true;
}

static bool is_known(struct linter *t, const struct linting *l, const struct diag *d)
{
	const char *line;

	if (lint_facts(d->code)->star)
		return false;
	line = baseline_line(l, d);
	if (!t->options.write_baseline)
		return baseline_has(&t->known, line);
	vec_push(t->options.arena, &t->found.lines, arena_strdup(t->options.arena, line));
	return true;
}

/* Keeps what passes WANTED; diags count errors. */
static void keep(struct linter *t, struct linting *l, void *data,
		 bool (*wanted)(struct linter *, struct linting *, void *, struct diag *))
{
	struct diags *ds = &l->ctx->diags;
	size_t n = 0;

	for (size_t i = 0; i < ds->list.n; i++)
		if (!lint_facts(ds->list.at[i]->code) || wanted(t, l, data, ds->list.at[i]))
			ds->list.at[n++] = ds->list.at[i];
	ds->list.n = n;
	ds->n_errors = 0;
	for (size_t i = 0; i < n; i++)
		ds->n_errors += ds->list.at[i]->severity == SEVERITY_ERROR;
}

static bool no_allowance(struct linter *t, struct linting *l, void *all, struct diag *d)
{
	return is_given(t, l, d->span) && !lint_is_allowed(all, d);
}

static bool is_asked_for(struct linter *t, struct linting *l, void *none, struct diag *d)
{
	(void)none;
	return lint_level_apply(&t->levels, d) && !is_known(t, l, d);
}

/* Rules that did not run leave it open whether an @allow is of use. */
static void judge_allowances(struct linter *t, struct linting *l)
{
	struct allowances all = lint_allowances(l);

	lint_check_reasons(l, &all);
	keep(t, l, &all, no_allowance);
	if (l->policy->plan)
		lint_check_unused(l, &all);
}

/* A policy with the findings of check and of the rules. */
static struct policy lint_policy(struct linter *t, const char *path)
{
	struct policy p = policy_read(&t->options, path, DEPTH_MOVEMENT);
	struct linting l = { .run = t->run, .policy = &p, .ctx = p.ctx, .today = t->today };

	if (is_broken(&p))
		return p;
	policy_plan_quietly(&p);
	run_all(&l);
	judge_allowances(t, &l);
	keep(t, &l, NULL, is_asked_for);
	diag_finish(&p.ctx->diags);
	return p;
}

/* ---- reporting ---- */

static bool is_first(struct linter *t, struct linting *l, void *none, struct diag *d)
{
	(void)none;
	return is_new(t, l, d);
}

static int report(struct linter *t, struct policy *p)
{
	struct linting l = { .run = t->run, .policy = p, .ctx = p->ctx, .today = t->today };
	int code;

	if (p->model)
		keep(t, &l, NULL, is_first);
	code = policy_code(p);
	for (size_t i = 0; i < p->ctx->diags.list.n; i++) {
		const struct diag *d = p->ctx->diags.list.at[i];

		if (lint_facts(d->code) && d->severity <= t->levels.fails)
			code = exit_worse(code, EXIT_FINDINGS);
	}
	policy_report(t->run, p);
	return code;
}

static int lint_file(struct linter *t, const char *path)
{
	struct policy p = lint_policy(t, path);
	int code = report(t, &p);

	policy_close(&p);
	return code;
}

/* ---- fixes ---- */

static bool find_draft(void *data, const char *path, const char **text, size_t *size)
{
	const struct draft *d = data;

	if (!d->path || strcmp(d->path, path))
		return false;
	*text = d->text.data;
	*size = d->text.size;
	return true;
}

/* One round of fixes of a file: those that are kept, and what was found before. */
struct fixing {
	struct linter *linter;
	const char *path;
	struct policy before;
	size_t counts[N_DIAG_CODES];
	bool counted; /* all rules ran, so more findings of a rule are the fault of a fix */
	struct lint_fixes all, kept;
};

static void count_codes(const struct policy *p, size_t counts[N_DIAG_CODES])
{
	memset(counts, 0, N_DIAG_CODES * sizeof(*counts));
	for (size_t i = 0; i < p->ctx->diags.list.n; i++)
		counts[p->ctx->diags.list.at[i]->code]++;
}

static void set_draft(struct fixing *f, const struct lint_fixes *fixes)
{
	struct draft *d = &f->linter->draft;

	sink_free(&d->text);
	d->text = (struct sink){ 0 };
	d->path = f->path;
	sink_put(&d->text, "", 0);
	lint_apply_fixes(f->before.ctx, f->before.model->root->source, fixes, &d->text);
}

static bool adds_findings(struct fixing *f, const struct lint_fixes *fixes)
{
	size_t counts[N_DIAG_CODES];
	struct policy after;
	bool more = false;

	if (!f->counted)
		return false;
	set_draft(f, fixes);
	after = lint_policy(f->linter, f->path);
	count_codes(&after, counts);
	for (size_t i = 0; i < N_DIAG_CODES; i++)
		more |= counts[i] > f->counts[i];
	policy_close(&after);
	return more;
}

/* Keeps those of all[from...to) that add no finding: together if they can, else by halves. */
static void keep_fixes(struct fixing *f, size_t from, size_t to)
{
	struct lint_fixes tried = { 0 };

	for (size_t i = 0; i < f->kept.n; i++)
		vec_push(f->before.ctx->arena, &tried, f->kept.at[i]);
	for (size_t i = from; i < to; i++)
		vec_push(f->before.ctx->arena, &tried, f->all.at[i]);
	if (from == to)
		return;
	if (!adds_findings(f, &tried)) {
		f->kept = tried;
	} else if (to - from > 1) {
		keep_fixes(f, from, from + (to - from) / 2);
		keep_fixes(f, from + (to - from) / 2, to);
	}
}

/* The next round's text; false: nothing is left to be fixed. */
static bool next_draft(struct linter *t, const char *path)
{
	struct fixing f = { .linter = t, .path = path, .before = lint_policy(t, path) };

	if (f.before.model)
		f.all = lint_fixes_of(f.before.ctx, f.before.model->root->source);
	f.counted = f.before.plan != NULL;
	count_codes(&f.before, f.counts);
	keep_fixes(&f, 0, f.all.n);
	if (f.all.n)
		set_draft(&f, &f.kept);
	policy_close(&f.before);
	return f.kept.n > 0;
}

static bool checks(const struct policy *p)
{
	for (size_t i = 0; i < p->ctx->diags.list.n; i++) {
		const struct diag *d = p->ctx->diags.list.at[i];

		if (d->severity == SEVERITY_ERROR && !lint_facts(d->code))
			return false;
	}
	return p->model != NULL;
}

static bool draft_checks(struct linter *t, const char *path)
{
	struct policy p = policy_read(&t->options, path, DEPTH_MOVEMENT);
	bool ok = checks(&p);

	policy_close(&p);
	return ok;
}

static int show_difference(struct linter *t, const char *path)
{
	struct sink old = { 0 }, difference = { 0 };
	struct source src;
	int code = EXIT_ENVIRONMENT;

	if (file_read(path, &old)) {
		src = (struct source){
			.path = path, .shown = path, .text = old.data, .size = old.size
		};
		fmt_difference(t->options.arena, path, &src, &t->draft.text, &difference);
		code = run_write(t->run, &difference) ? EXIT_DONE : EXIT_ENVIRONMENT;
	} else {
		run_error(t->run, "cannot read %s: %s", path, strerror(errno));
	}
	sink_free(&old);
	sink_free(&difference);
	return code;
}

/* A link stays a link. */
static int deliver(struct linter *t, const char *path)
{
	if (!draft_checks(t, path)) {
		run_error(t->run, "%s was left alone: with its fixes it would still not check",
			  path);
		return EXIT_DONE;
	}
	if (t->options.dry_run)
		return show_difference(t, path);
	if (file_write(real_path(t->options.arena, path), &t->draft.text))
		return EXIT_DONE;
	run_error(t->run, "cannot write %s: %s", path, strerror(errno));
	return EXIT_ENVIRONMENT;
}

static int fix_file(struct linter *t, const char *path)
{
	size_t rounds = 0;
	int code = EXIT_DONE;

	while (rounds < MOST_ROUNDS && next_draft(t, path))
		rounds++;
	if (rounds)
		code = deliver(t, path);
	t->draft.path = NULL;
	sink_free(&t->draft.text);
	return exit_worse(code, lint_file(t, path));
}

/* ---- the command ---- */

static uint32_t day_of(const struct options *o)
{
	time_t now = time(NULL);
	struct tm tm;
	unsigned year, month, day;

	if (o->today && sscanf(o->today, "%u-%u-%u", &year, &month, &day) == 3)
		return year * 10000 + month * 100 + day;
	gmtime_r(&now, &tm);
	return (uint32_t)(tm.tm_year + 1900) * 10000 + (uint32_t)(tm.tm_mon + 1) * 100 +
	       (uint32_t)tm.tm_mday;
}

static bool is_for_people(const struct options *o)
{
	return o->format == FORMAT_HUMAN || o->format == FORMAT_PLAIN;
}

static bool fits_together(struct run *r)
{
	const struct options *o = r->options;

	if (!o->files.n && !o->list_rules) {
		run_error(r, "lint needs a FILE; epic help lint tells more");
		return false;
	}
	if (o->dry_run && !o->fix) {
		run_error(r, "--dry-run goes with --fix");
		return false;
	}
	if (o->fix && o->dry_run && !is_for_people(o) && !o->output) {
		run_error(r, "the difference and the findings cannot both go to standard output; "
			     "give -o FILE");
		return false;
	}
	for (size_t i = 0; o->fix && i < o->files.n; i++)
		if (!strcmp(o->files.at[i], "-")) {
			run_error(r, "--fix rewrites files; standard input is none");
			return false;
		}
	return true;
}

static int lint_files(struct linter *t)
{
	const struct options *o = &t->options;
	struct texts files = { 0 };
	int code = EXIT_DONE;

	if (!files_expand(t->run, &files))
		return EXIT_USAGE;
	if (o->dry_run && o->output && files.n > 1) {
		run_error(t->run, "--dry-run -o takes one file, these are %zu", files.n);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < files.n; i++)
		vec_push(o->arena, &t->files, real_path(o->arena, files.at[i]));
	for (size_t i = 0; i < files.n; i++)
		code =
		    exit_worse(code, o->fix ? fix_file(t, files.at[i]) : lint_file(t, files.at[i]));
	if (o->write_baseline && !baseline_write(t->run, o->baseline, &t->found))
		code = exit_worse(code, EXIT_ENVIRONMENT);
	return code;
}

/* Drafts are found, names' places are kept, infos are printed where they are asked for. */
static void prepare(struct linter *t)
{
	struct options *o = &t->options;

	o->search.keeps_uses = true;
	o->search.find_text = find_draft;
	o->search.data = &t->draft;
	if (t->levels.shows_infos && !o->verbose)
		o->verbose = 1;
	t->today = day_of(o);
	t->texts = interner_new(o->arena);
	map_init(&t->seen, o->arena);
}

struct policy lint_read(struct run *r, const struct options *o, const char *path)
{
	struct run own = { .options = o, .out = r->out, .err = r->err };
	struct linter t = { .run = &own, .options = *o };

	/* A wrong level is reported where the configuration is read. */
	lint_levels_read(&own, &t.levels);
	prepare(&t);
	t.options.search.find_text = o->search.find_text;
	t.options.search.data = o->search.data;
	if (o->baseline)
		baseline_read(&own, o->baseline, &t.known);
	return lint_policy(&t, path);
}

static int run_lint(struct run *r)
{
	const struct options *given = r->options;
	struct linter t = { .run = r, .options = *given };
	int code = EXIT_USAGE;

	if (!fits_together(r) || !lint_levels_read(r, &t.levels))
		return EXIT_USAGE;
	if (given->list_rules)
		return lint_catalogue(r) ? EXIT_DONE : EXIT_ENVIRONMENT;
	prepare(&t);
	if (!given->baseline || given->write_baseline ||
	    baseline_read(r, given->baseline, &t.known)) {
		r->options = &t.options;
		code = lint_files(&t);
		print_end(r, code);
		r->options = given;
	}
	return code;
}

const struct command command_lint = {
	.name = "lint",
	.arguments = "FILE|DIR|-...",
	.summary =
	    "checks policies and advises: text, filters, movement, data, objectives, outputs",
	.help = ".\nThe rules are listed by epic lint --rules; epic explain RULE tells about each",
	.run = run_lint,
};
