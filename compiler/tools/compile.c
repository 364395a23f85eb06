/* `epic compile`: the plan, the source map and the files of the targets. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"
#include "backends/cbor/cbor.h"
#include "backends/cbor/map.h"
#include "backends/json/json.h"
#include "compiler/base/sha256.h"
#include "compiler/base/text.h"
#include "compiler/tools/ast_json.h"
#include "compiler/tools/command.h"
#include "compiler/tools/graph.h"
#include "compiler/tools/solving.h"
#include "runtime/plan/map.h"

struct compiling {
	struct run *run;
	struct policy *p;
	const char *dir, *name; /* output directory; stem of the root file */
	struct output_files outputs;
	struct source_map old; /* of the last run */
};

#define ARENA(c) ((c)->p->ctx->arena)

/* ---- names ---- */

static const char *stem(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	if (!strcmp(path, "-"))
		return "stdin";
	return dot && dot > name ? arena_strndup(a, name, (size_t)(dot - name)) : name;
}

static const char *default_dir(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_printf(a, "%.*s%s.out", slash ? (int)(slash + 1 - path) : 0, path, stem(a, path));
}

static const char *in_dir(struct compiling *c, const char *path)
{
	return arena_printf(ARENA(c), "%s/%s", c->dir, path);
}

static bool wanted(const struct options *o, const struct plan_target *t)
{
	for (size_t i = 0; i < o->targets.n; i++)
		if (!strcmp(o->targets.at[i], t->name) || !strcmp(o->targets.at[i], name_tail(t->name)) ||
		    !strcmp(o->targets.at[i], t->backend))
			return true;
	return !o->targets.n;
}

/* Every -t names a target or a backend of this policy. */
static bool targets_exist(struct compiling *c)
{
	const struct options *o = c->run->options;

	for (size_t i = 0; i < o->targets.n; i++) {
		bool found = backend_find(o->targets.at[i]) != NULL;

		for (size_t k = 0; k < c->p->plan->targets.n && !found; k++)
			found = !strcmp(name_tail(c->p->plan->targets.at[k].name), o->targets.at[i]) ||
				!strcmp(c->p->plan->targets.at[k].name, o->targets.at[i]);
		if (found)
			continue;
		run_error(c->run, "%s has no target '%s', and no backend is called so", c->p->path,
			  o->targets.at[i]);
		return false;
	}
	return true;
}

/* ---- files of the targets ---- */

static void emit_targets(struct compiling *c)
{
	const struct plan *plan = c->p->plan;

	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct backend *b = backend_find(plan->targets.at[i].backend);

		if (b && b->emit && wanted(c->run->options, &plan->targets.at[i]))
			b->emit(c->p->ctx, plan, &plan->targets.at[i], &c->outputs);
	}
}

/* The hash that the last run noted for a file; NULL: it did not write it. */
static const char *noted_hash(const struct compiling *c, const char *path)
{
	for (size_t i = 0; i < c->old.n_files; i++)
		if (!strcmp(c->old.files[i].path, path))
			return c->old.files[i].sha256;
	return NULL;
}

/* A file that is neither what the last run wrote nor what this one would write. */
static bool was_edited(struct compiling *c, const struct output_file *f)
{
	char hash[SHA256_TEXT_SIZE];
	const char *noted = noted_hash(c, f->path);
	struct sink s = { 0 };
	bool edited;

	if (!file_read(in_dir(c, f->path), &s))
		return false;
	sha256_text(s.data, s.size, hash);
	edited = (!noted || strcmp(noted, hash)) &&
		 (s.size != f->text.size || memcmp(s.data, f->text.data, s.size));
	sink_free(&s);
	return edited;
}

static const struct plan_target *target_of(const struct compiling *c, const char *path)
{
	for (size_t i = 0; i < c->p->plan->targets.n; i++)
		for (size_t k = 0; k < c->p->plan->targets.at[i].files.n; k++)
			if (!strcmp(c->p->plan->targets.at[i].files.at[k], path))
				return &c->p->plan->targets.at[i];
	return NULL;
}

static void refuse_edited(struct compiling *c)
{
	for (size_t i = 0; i < c->outputs.n && !c->run->options->force; i++) {
		const struct output_file *f = &c->outputs.at[i];
		const struct plan_target *t = target_of(c, f->path);

		if (!was_edited(c, f))
			continue;
		diag_help(&c->p->ctx->diags,
			  diag_add(&c->p->ctx->diags, E0807, t ? t->span : SPAN_NONE,
				   "%s was changed by hand since it was written", in_dir(c, f->path)),
			  "move the change into the policy, or write over it with --force");
	}
}

/* ---- the source map ---- */

static void add_ranges(struct compiling *c, const struct output_file *f, struct map_file *m)
{
	m->ranges = arena_many(ARENA(c), struct map_range, f->ranges.n);
	for (size_t i = 0; i < f->ranges.n; i++) {
		const struct output_range *r = &f->ranges.at[i];
		const struct source *src = source_at(&c->p->ctx->sources, r->policy.source);
		struct place at = source_place(src, r->policy.start);

		m->ranges[m->n++] = (struct map_range){ r->first, r->last, src->shown, at.line, at.col,
							r->reason };
	}
}

static int by_path(const void *x, const void *y)
{
	return strcmp(((const struct map_file *)x)->path, ((const struct map_file *)y)->path);
}

static bool is_written(const struct compiling *c, const char *path)
{
	for (size_t i = 0; i < c->outputs.n; i++)
		if (!strcmp(c->outputs.at[i].path, path))
			return true;
	return false;
}

static struct map_file kept(struct compiling *c, const struct source_map_file *old)
{
	struct map_file m = { .path = old->path, .n = old->n_ranges };

	snprintf(m.sha256, sizeof(m.sha256), "%s", old->sha256);
	m.ranges = arena_many(ARENA(c), struct map_range, old->n_ranges);
	for (size_t i = 0; i < m.n; i++) {
		const struct source_map_range *r = &old->ranges[i];

		m.ranges[i] = (struct map_range){ r->first, r->last, r->file, r->line, r->col, r->reason };
	}
	return m;
}

static bool plan_hash(struct compiling *c, char hash[SHA256_TEXT_SIZE])
{
	struct sink plan = { 0 };
	bool made = cbor_emit(c->p->plan, &plan);

	if (made)
		sha256_text(plan.data, plan.size, hash);
	sink_free(&plan);
	return made;
}

/* Files that this run did not touch keep what was noted of them. */
static void emit_map(struct compiling *c, struct sink *s)
{
	VEC(struct map_file) files = { 0 };
	char hash[SHA256_TEXT_SIZE];

	for (size_t i = 0; i < c->outputs.n; i++) {
		struct map_file m = { .path = c->outputs.at[i].path };

		sha256_text(c->outputs.at[i].text.data, c->outputs.at[i].text.size, m.sha256);
		add_ranges(c, &c->outputs.at[i], &m);
		vec_push(ARENA(c), &files, m);
	}
	for (size_t i = 0; i < c->old.n_files; i++)
		if (!is_written(c, c->old.files[i].path) && target_of(c, c->old.files[i].path))
			vec_push(ARENA(c), &files, kept(c, &c->old.files[i]));
	if (files.n)
		qsort(files.at, files.n, sizeof(*files.at), by_path);
	map_emit(files.at, files.n, plan_hash(c, hash) ? hash : NULL, s);
}

/* ---- writing ---- */

static bool write_text(struct compiling *c, const char *path, const struct sink *s)
{
	if (file_write(path, s))
		return true;
	run_error(c->run, "cannot write %s: %s", path, strerror(errno));
	return false;
}

/* The library writes files only, so the text takes the way over one. */
static bool program_text(struct compiling *c, uint32_t target, bool mps, struct sink *s)
{
	char path[] = "/tmp/epic-mip-XXXXXX";
	int fd = mkstemp(path);
	bool ok = fd >= 0 && schedule_program(c->p->ctx, c->p->ir, target, mps, path) && file_read(path, s);

	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	return ok;
}

/* The one target that enforces an slo and is wanted. */
static uint32_t only_schedule(struct compiling *c)
{
	uint32_t found = ID_NONE;

	for (uint32_t i = 0; c->p->ir && i < c->p->ir->n_targets; i++) {
		if (!c->p->schedules || !c->p->schedules[i] || !wanted(c->run->options, &c->p->plan->targets.at[i]))
			continue;
		if (found != ID_NONE)
			return ID_NONE;
		found = i;
	}
	return found;
}

static bool is_program(const char *kind)
{
	return !strncmp(kind, "mip.", 4);
}

static bool emit_kind(struct compiling *c, const char *kind, struct sink *s)
{
	if (!c->p->model)
		return false;
	if (!strcmp(kind, "ast")) {
		ast_json(c->p->ctx, c->p->model->root->ast, s);
		return true;
	}
	if (!c->p->plan)
		return false;
	if (is_program(kind))
		return only_schedule(c) != ID_NONE && program_text(c, only_schedule(c), !strcmp(kind, "mip.mps"), s);
	return strcmp(kind, "plan") ? json_emit(c->p->plan, s) : cbor_emit(c->p->plan, s);
}

static bool write_programs(struct compiling *c, const char *kind)
{
	bool ok = true;

	for (uint32_t i = 0; c->p->plan && i < c->p->ir->n_targets && ok; i++) {
		const struct plan_target *t = &c->p->plan->targets.at[i];
		struct sink s = { 0 };

		if (!c->p->schedules[i] || !wanted(c->run->options, t))
			continue;
		ok = program_text(c, i, !strcmp(kind, "mip.mps"), &s) &&
		     write_text(c, in_dir(c, arena_printf(ARENA(c), "%s.%s.%s", c->name, name_tail(t->name), kind + 4)), &s);
		sink_free(&s);
	}
	return ok;
}

static bool write_kind(struct compiling *c, const char *kind)
{
	struct sink s = { 0 };
	bool made = emit_kind(c, kind, &s);
	const char *path = in_dir(c, arena_printf(ARENA(c), "%s.%s%s", c->name, kind, strcmp(kind, "ast") ? "" : ".json"));
	bool ok = !made || write_text(c, path, &s);

	sink_free(&s);
	return ok;
}

static bool write_emits(struct compiling *c)
{
	const struct texts *emits = &c->run->options->emits;
	bool ok = true;

	for (size_t i = 0; i < emits->n && ok; i++)
		ok = is_program(emits->at[i]) ? write_programs(c, emits->at[i]) : write_kind(c, emits->at[i]);
	return ok;
}

static bool draw_targets(struct compiling *c, int *code)
{
	const struct plan *plan = c->p->plan;
	const char *file = in_dir(c, arena_printf(ARENA(c), "%s.plan", c->name));

	for (size_t i = 0; i < plan->targets.n; i++) {
		const struct plan_target *t = &plan->targets.at[i];
		const struct plan_dot_config *config = t->config;
		const char *path;
		int drawn;

		if (strcmp(t->backend, "dot") || !wanted(c->run->options, t))
			continue;
		path = in_dir(c, t->files.at[0]);
		if (!dir_create(in_dir(c, name_tail(t->name)))) {
			run_error(c->run, "cannot create %s: %s", in_dir(c, name_tail(t->name)), strerror(errno));
			return false;
		}
		drawn = graph_run(c->run, file, config->view, config->format, path);
		if (drawn) {
			*code = exit_worse(*code, EXIT_ENVIRONMENT);
			return false;
		}
	}
	return true;
}

static bool write_all(struct compiling *c, bool targets, int *code)
{
	struct sink map = { 0 };
	bool ok = write_kind(c, "plan") && write_emits(c);

	for (size_t i = 0; i < c->outputs.n && ok && targets; i++)
		ok = write_text(c, in_dir(c, c->outputs.at[i].path), &c->outputs.at[i].text);
	if (ok && targets) {
		emit_map(c, &map);
		ok = write_text(c, in_dir(c, arena_printf(ARENA(c), "%s.map", c->name)), &map);
	}
	sink_free(&map);
	return ok && (!targets || draw_targets(c, code));
}

/* ---- the command ---- */

static int to_standard_output(struct run *r, struct policy *p)
{
	struct compiling c = { .run = r, .p = p };
	struct sink s = { 0 };
	int code = policy_report(r, p);

	if (p->plan && is_program(r->options->emits.at[0]) && only_schedule(&c) == ID_NONE) {
		run_error(r, "-o - needs exactly one target that enforces an slo; choose it with -t");
		return EXIT_USAGE;
	}

	if (emit_kind(&c, r->options->emits.at[0], &s) &&
	    (fwrite(s.data, 1, s.size, r->out) != s.size || fflush(r->out))) {
		run_error(r, "cannot write to standard output: %s", strerror(errno));
		code = exit_worse(code, EXIT_ENVIRONMENT);
	}
	sink_free(&s);
	return code;
}

static void read_old_map(struct compiling *c)
{
	struct sink s = { 0 };

	if (file_read(in_dir(c, arena_printf(ARENA(c), "%s.map", c->name)), &s))
		source_map_read(s.data, s.size, &c->old);
	sink_free(&s);
}

static int into_directory(struct run *r, struct policy *p)
{
	struct compiling c = { .run = r, .p = p };
	bool complete = p->plan && policy_code(p) == EXIT_DONE, ok = true;
	int code;

	c.name = stem(p->ctx->arena, p->path);
	c.dir = r->options->output ? r->options->output : default_dir(p->ctx->arena, p->path);
	if (p->plan && !targets_exist(&c))
		return EXIT_USAGE;
	if (complete && !r->options->only_emit) {
		read_old_map(&c);
		emit_targets(&c);
		refuse_edited(&c);
		complete = policy_code(p) == EXIT_DONE;
	}
	code = policy_report(r, p);
	solving_notes(r, p);
	ok = p->plan && !r->options->only_emit ? write_all(&c, complete, &code) : write_emits(&c);
	if (!ok)
		code = exit_worse(code, EXIT_ENVIRONMENT);
	for (size_t i = 0; i < c.outputs.n; i++)
		sink_free(&c.outputs.at[i].text);
	source_map_free(&c.old);
	return code;
}

static bool read_solution(struct run *r, struct options *o, struct sink *s)
{
	if (!file_read(o->offline_solution, s)) {
		run_error(r, "cannot read %s: %s", o->offline_solution, strerror(errno));
		return false;
	}
	sink_putc(s, '\0');
	o->solving.solution = s->data;
	return true;
}

static int run_compile(struct run *r)
{
	const struct options *o = r->options;
	bool to_stdout = o->output && !strcmp(o->output, "-");
	struct options watched = *o;
	struct sink solution = { 0 };
	struct policy p;
	int code;

	if (o->files.n != 1) {
		run_error(r, "compile takes one FILE; epic help compile tells more");
		return EXIT_USAGE;
	}
	if (to_stdout && (o->emits.n != 1 || !o->only_emit)) {
		run_error(r, "-o - needs exactly one --emit, and --only-emit");
		return EXIT_USAGE;
	}
	if (to_stdout && !run_has_room(r))
		return EXIT_USAGE;
	if (o->only_emit && !o->emits.n) {
		run_error(r, "--only-emit needs --emit");
		return EXIT_USAGE;
	}
	solving_watch(r, &watched);
	if (o->offline_solution && !read_solution(r, &watched, &solution))
		return EXIT_USAGE;
	p = policy_read(&watched, o->files.at[0], DEPTH_PLAN);
	code = to_stdout ? to_standard_output(r, &p) : into_directory(r, &p);
	policy_close(&p);
	sink_free(&solution);
	print_end(r, code);
	return code;
}

const struct command command_compile = {
	.name = "compile",
	.arguments = "FILE",
	.summary = "writes the plan, the source map and the files of the targets",
	.help = ".\nResults go into NAME.out/ beside FILE, or into -o DIR",
	.run = run_compile,
};
