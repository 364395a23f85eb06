/* The stages that a policy passes, and what commands share. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/lower/lower.h"
#include "compiler/solve/movement.h"
#include "compiler/tools/command.h"

/* ---- exit codes ---- */

static const struct {
	int code;
	const char *meaning;
} exits[] = {
	{ EXIT_INTERRUPTED, "interrupted" },
	{ EXIT_BUG, "this is a bug in epic; please report it with the policy that shows it" },
	{ EXIT_ENVIRONMENT, "the environment failed" },
	{ EXIT_USAGE, "wrong use" },
	{ EXIT_FINDINGS, "the policy has findings" },
	{ EXIT_IMPOSSIBLE, "proven impossible" },
	{ EXIT_UNDECIDED, "undecided: a limit was reached" },
	{ EXIT_DONE, "done" },
};

enum { N_EXITS = sizeof(exits) / sizeof(*exits) };

static size_t exit_rank(int code)
{
	size_t i = 0;

	while (i < N_EXITS - 1 && exits[i].code != code)
		i++;
	return i;
}

int exit_worse(int a, int b)
{
	return exit_rank(a) < exit_rank(b) ? a : b;
}

const char *exit_meaning(int code)
{
	return exits[exit_rank(code)].meaning;
}

static int code_of(const struct diag *d)
{
	switch (d->code) {
	case E0706:
		return EXIT_BUG;
	case E0601:
	case E0605:
	case E0606:
	case E0607:
	case E0701:
	case E0705:
	case E0707:
		return EXIT_IMPOSSIBLE;
	case E0702:
	case W0702:
		return EXIT_UNDECIDED;
	default:
		/* Only the root file has no place in a policy that asks for it. */
		if (d->code == E0002 && span_is_none(d->span))
			return EXIT_USAGE;
		return d->severity == SEVERITY_ERROR ? EXIT_FINDINGS : EXIT_DONE;
	}
}

/* ---- stages ---- */

/* Errors of the families E00 to E05: what comes later would stand on sand. */
static bool is_sound(const struct policy *p)
{
	const struct diags *ds = &p->ctx->diags;

	for (size_t i = 0; i < ds->list.n; i++)
		if (ds->list.at[i]->severity == SEVERITY_ERROR && ds->list.at[i]->code < E0601)
			return false;
	return p->model != NULL;
}

/* A search that gave up may have missed a better bridge, or the only one. */
static void report_limit(struct policy *p)
{
	if (p->solution->limit_reached && p->ir->n_applications)
		diag_note(&p->ctx->diags,
			  diag_add(&p->ctx->diags, W0702, p->ir->applications[0].span,
				   "the search for bridges reached its limit; what was found is not proven best"),
			  "the proxies have too little room, or there are very many ways; give them more `cores`, or host fewer functions that do the same");
}

struct schedule *policy_schedule(const struct options *o, struct policy *p, uint32_t target, bool report)
{
	return schedule_solve(p->ctx, p->ir, target, &o->solving, report);
}

/* A target with a wrong `for` was reported. */
static void make_schedules(const struct options *o, struct policy *p)
{
	p->schedules = arena_many(p->ctx->arena, struct schedule *, p->ir->n_targets);
	for (uint32_t i = 0; i < p->ir->n_targets; i++)
		if (p->ir->targets[i].enforce != ID_NONE && p->ir->targets[i].pipelines.n == 1)
			p->schedules[i] = policy_schedule(o, p, i, true);
}

struct policy policy_read(const struct options *o, const char *path, enum depth depth)
{
	struct policy p = { .ctx = ctx_new(), .path = path };

	p.model = check_policy(p.ctx, path, &o->search);
	if (depth < DEPTH_MOVEMENT || !is_sound(&p))
		return p;
	p.ir = lower(p.model);
	ir_verify(p.ir);
	p.solution = movement_choose(p.ctx, p.ir, depth >= DEPTH_PLAN);
	movement_report(p.ctx, p.ir, p.solution);
	report_limit(&p);
	if (depth < DEPTH_PLAN)
		return p;
	make_schedules(o, &p);
	p.plan = plan_build(p.ctx, p.ir, p.solution, p.schedules);
	return p;
}

void policy_plan_quietly(struct policy *p)
{
	struct diags *ds = &p->ctx->diags;
	size_t n = ds->list.n, n_errors = ds->n_errors;

	if (!p->ir)
		return;
	p->schedules = arena_many(p->ctx->arena, struct schedule *, p->ir->n_targets);
	p->solution = movement_choose(p->ctx, p->ir, true);
	p->plan = plan_build(p->ctx, p->ir, p->solution, p->schedules);
	ds->list.n = n;
	ds->n_errors = n_errors;
}

int policy_code(const struct policy *p)
{
	int code = EXIT_DONE;

	for (size_t i = 0; i < p->ctx->diags.list.n; i++)
		code = exit_worse(code, code_of(p->ctx->diags.list.at[i]));
	/* Behind a limit nothing is proven. */
	if (code == EXIT_IMPOSSIBLE && diag_count(&p->ctx->diags, W0702))
		code = EXIT_UNDECIDED;
	return code;
}

int policy_report(struct run *r, struct policy *p)
{
	r->path = p->path;
	print_diags(r, p->ctx);
	return policy_code(p);
}

void policy_close(struct policy *p)
{
	ctx_free(p->ctx);
	p->ctx = NULL;
}

/* ---- output ---- */

void run_error(struct run *r, const char *fmt, ...)
{
	va_list args;

	fputs("epic: ", r->err);
	va_start(args, fmt);
	vfprintf(r->err, fmt, args);
	va_end(args);
	fputc('\n', r->err);
}

bool run_has_room(struct run *r)
{
	const char *output = r->options->output;

	if (format_is_for_people(r->options->format) || (output && strcmp(output, "-")))
		return true;
	run_error(r, "%s needs -o FILE for its result: --format %s takes standard output", r->command,
		  r->options->settings[SETTING_FORMAT].text);
	return false;
}

bool run_write(struct run *r, const struct sink *s)
{
	const char *path = r->options->output;

	if (path && strcmp(path, "-")) {
		if (file_write(path, s))
			return true;
		run_error(r, "cannot write %s: %s", path, strerror(errno));
		return false;
	}
	if (fwrite(s->data, 1, s->size, r->out) == s->size && fflush(r->out) == 0)
		return true;
	run_error(r, "cannot write to standard output: %s", strerror(errno));
	return false;
}

/* ---- arguments ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n > m && !strcmp(s + n - m, tail);
}

static bool add_directory(struct run *r, const char *path, struct texts *found)
{
	struct arena *a = r->options->arena;
	DIR *dir = opendir(path);
	size_t first = found->n;
	struct dirent *e;

	if (!dir) {
		run_error(r, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while ((e = readdir(dir)))
		if (ends_with(e->d_name, ".epi"))
			vec_push(a, found, arena_printf(a, "%s%s%s", path, ends_with(path, "/") ? "" : "/", e->d_name));
	closedir(dir);
	if (found->n == first)
		run_error(r, "there is no .epi file in %s", path);
	else
		qsort(found->at + first, found->n - first, sizeof(*found->at), by_text);
	return found->n > first;
}

bool files_expand(struct run *r, struct texts *found)
{
	const struct texts *given = &r->options->files;
	struct stat st;

	for (size_t i = 0; i < given->n; i++) {
		if (strcmp(given->at[i], "-") && !stat(given->at[i], &st) && S_ISDIR(st.st_mode)) {
			if (!add_directory(r, given->at[i], found))
				return false;
		} else {
			vec_push(r->options->arena, found, given->at[i]);
		}
	}
	return true;
}
