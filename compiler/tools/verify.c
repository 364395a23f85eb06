/* `epic verify DIR`. */
#include <config.h>

#include "compiler/tools/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/base/sha256.h"
#include "compiler/base/text.h"

/* ---- findings ---- */

void verify_find(struct verifying *v, size_t line, const char *row, const char *fmt, ...)
{
	struct verify_finding f = { v->path, line, NULL, row, v->findings.n };
	va_list args;

	va_start(args, fmt);
	f.message = arena_vprintf(v->arena, fmt, args);
	va_end(args);
	vec_push(v->arena, &v->findings, f);
}

const char *verify_row(struct verifying *v, const char *fmt, ...)
{
	const char *rest;
	va_list args;

	va_start(args, fmt);
	rest = arena_vprintf(v->arena, fmt, args);
	va_end(args);
	return arena_printf(v->arena, "targets[%s].%s", v->target->name, rest);
}

static void at_file(struct verifying *v, const char *path)
{
	v->path = written_path(v->arena, v->written, path);
}

static void at_own(struct verifying *v, const char *ending)
{
	at_file(v, arena_printf(v->arena, "%s.%s", v->written->name, ending));
}

/* ---- sources ---- */

static void check_source(struct verifying *v, const struct rplan_source *s, size_t *n_missing)
{
	struct written_source found = written_source(v->run->options, v->written, s->file);

	*n_missing += !found.path;
	if (found.path && !found.same) {
		v->path = found.path;
		verify_find(v, 0, arena_printf(v->arena, "sources[%s].sha256", s->file),
			    "has changed since the plan was made of it; compile it again");
	}
	sink_free(&found.text);
}

static size_t check_sources(struct verifying *v)
{
	size_t n_missing = 0;

	for (size_t i = 0; i < v->plan->sources.n; i++)
		check_source(v, &v->plan->sources.at[i], &n_missing);
	return n_missing;
}

/* ---- the map ---- */

static bool is_of_target(const struct verifying *v, const char *path)
{
	for (size_t i = 0; i < v->plan->targets.n; i++)
		for (size_t k = 0; k < v->plan->targets.at[i].files.n; k++)
			if (!strcmp(v->plan->targets.at[i].files.at[k], path))
				return true;
	return false;
}

static bool something_failed(const struct verifying *v)
{
	for (size_t i = 0; i < v->plan->flows.n; i++)
		if (v->plan->flows.at[i].code)
			return true;
	for (size_t i = 0; i < v->plan->schedules.n; i++)
		if (v->plan->schedules.at[i].code)
			return true;
	return false;
}

static bool is_of_source(const struct verifying *v, const char *file)
{
	for (size_t i = 0; i < v->plan->sources.n; i++)
		if (!strcmp(v->plan->sources.at[i].file, file))
			return true;
	return false;
}

static void check_ranges(struct verifying *v, const struct source_map_file *f)
{
	for (size_t i = 0; i < f->n_ranges; i++)
		if (!f->ranges[i].first || f->ranges[i].last < f->ranges[i].first)
			verify_find(v, 0, NULL, "lines %u to %u of %s are no range",
				    f->ranges[i].first, f->ranges[i].last, f->path);
		else if (!is_of_source(v, f->ranges[i].file))
			verify_find(v, 0, "sources",
				    "explains %s by %s, which is no source of the plan", f->path,
				    f->ranges[i].file);
}

static void check_plan_hash(struct verifying *v)
{
	char hash[SHA256_TEXT_SIZE];
	struct sink s = { 0 };

	if (v->written->map.plan_sha256 && file_read(v->path, &s)) {
		sha256_text(s.data ? s.data : "", s.size, hash);
		if (strcmp(hash, v->written->map.plan_sha256))
			verify_find(v, 0, NULL,
				    "is not the plan that %s.map was written with: it was changed "
				    "since, or only it "
				    "was written anew",
				    v->written->name);
	}
	sink_free(&s);
}

static void check_map(struct verifying *v)
{
	const struct source_map *map = &v->written->map;

	at_own(v, "map");
	if (!v->written->has_map && !something_failed(v))
		verify_find(v, 0, NULL, "%s; epic compile writes it when nothing fails",
			    v->written->map_error);
	for (size_t i = 0; i < map->n_files; i++) {
		if (!is_of_target(v, map->files[i].path))
			verify_find(v, 0, "targets", "notes %s, which no target of the plan writes",
				    map->files[i].path);
		check_ranges(v, &map->files[i]);
	}
}

/* ---- the files ---- */

static const struct {
	const char *backend;
	verify_file *check;
} readers[] = {
	{ "nginx", verify_nginx },
	{ "socks", verify_chains },
	{ "dpdk", verify_launch },
	{ "bess", verify_bess },
};

bool verify_again(struct verifying *v, struct output_files *files)
{
	return !v->unsound && plan_again_emit(&v->again, v->target_index, files);
}

static void check_hash(struct verifying *v, const struct source_map_file *noted,
		       const struct sink *s)
{
	char hash[SHA256_TEXT_SIZE];
	bool same;

	sha256_text(s->data ? s->data : "", s->size, hash);
	same = noted && !strcmp(hash, noted->sha256);
	v->untouched = same && !v->unsound && v->written->map.plan_sha256;
	if (noted && !same)
		verify_find(
		    v, 0, NULL,
		    "was changed by hand since it was written (its SHA-256 is another one)");
}

static void check_content(struct verifying *v, const struct sink *s)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (!strcmp(readers[i].backend, v->target->backend))
			readers[i].check(v, s);
}

/* Files that `compile -t` did not ask for are not there, and the map does not note them. */
static void check_missing(struct verifying *v, const struct source_map_file *noted, int reason)
{
	bool drawn = !strcmp(v->target->backend, "dot");

	if (noted && reason == ENOENT)
		verify_find(v, 0, verify_row(v, "files"), "is missing");
	else if (noted || (drawn && reason != ENOENT))
		verify_find(v, 0, verify_row(v, "files"), "cannot be read: %s", strerror(reason));
	else if (v->run->options->verbose)
		fprintf(v->run->err, "note: %s was not written\n", v->path);
}

static void check_file(struct verifying *v, const char *path)
{
	const struct source_map_file *noted = written_file(v->written, path);
	struct sink s = { 0 };

	at_file(v, path);
	if (!file_read(v->path, &s)) {
		check_missing(v, noted, errno);
	} else {
		v->n_files++;
		check_hash(v, noted, &s);
		check_content(v, &s);
	}
	sink_free(&s);
}

static void check_files(struct verifying *v)
{
	struct ctx *ctx = ctx_new();

	v->unsound = v->findings.n > 0;
	v->again = plan_again(ctx, v->plan, v->written->name);
	for (size_t i = 0; i < v->plan->targets.n; i++) {
		v->target = &v->plan->targets.at[i];
		v->target_index = i;
		for (size_t k = 0; k < v->target->files.n; k++)
			check_file(v, v->target->files.at[k]);
	}
	ctx_free(ctx);
}

/* ---- one plan ---- */

static void put_findings(struct verifying *v, struct sink *out)
{
	for (size_t i = 0; i < v->findings.n; i++) {
		const struct verify_finding *f = &v->findings.at[i];

		if (f->line)
			sink_printf(out, "%s:%zu: %s\n", f->file, f->line, f->message);
		else
			sink_printf(out, "%s: %s\n", f->file, f->message);
		if (f->row)
			sink_printf(out, "    the plan: %s\n", f->row);
	}
}

static int by_place(const void *x, const void *y)
{
	const struct verify_finding *a = x, *b = y;
	int c = strcmp(a->file, b->file);

	c = c ? c : (a->line > b->line) - (a->line < b->line);
	return c ? c : (a->order > b->order) - (a->order < b->order);
}

static void check_all(struct verifying *v, struct sink *out)
{
	size_t n_missing;

	at_own(v, "plan");
	if (!v->plan) {
		verify_find(v, 0, NULL, "is no plan that can be read: %s",
			    v->written->plan_error.text);
	} else {
		verify_plan(v);
		verify_schedules(v);
		verify_proxies(v);
		at_own(v, "plan");
		check_plan_hash(v);
		check_files(v);
		check_map(v);
		n_missing = check_sources(v);
		if (n_missing && v->run->options->verbose)
			fprintf(v->run->err, "note: %zu source%s of the policy not found near %s\n",
				n_missing, n_missing == 1 ? " was" : "s were", v->written->dir);
	}
	if (v->findings.n)
		qsort(v->findings.at, v->findings.n, sizeof(*v->findings.at), by_place);
	put_findings(v, out);
}

static bool check_plan_of(struct run *r, const char *dir, const char *name, struct sink *out)
{
	struct written w = written_open(r->options->arena, dir, name);
	struct verifying v = {
		.run = r, .arena = r->options->arena, .written = &w, .plan = w.plan
	};

	check_all(&v, out);
	if (v.findings.n)
		sink_printf(out, "%s: %zu difference%s\n", name, v.findings.n,
			    v.findings.n == 1 ? "" : "s");
	else if (!r->options->quiet)
		sink_printf(out, "%s: the plan%s and %zu file%s agree\n", name,
			    w.has_map ? ", the source map" : "", v.n_files,
			    v.n_files == 1 ? "" : "s");
	written_close(&w);
	return !v.findings.n;
}

/* ---- the command ---- */

static const char *without_slash(struct arena *a, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return arena_strndup(a, dir, n);
}

static bool find_plans(struct run *r, const char *dir, struct texts *names)
{
	struct stat st;

	if (stat(dir, &st)) {
		run_error(r, "cannot read %s: %s", dir, strerror(errno));
		return false;
	}
	if (!S_ISDIR(st.st_mode)) {
		run_error(r, "%s is no directory; verify needs the one that epic compile wrote",
			  dir);
		return false;
	}
	written_names(r->options->arena, dir, ".plan", names);
	if (!names->n)
		run_error(r,
			  "there is no .plan file in %s; verify needs a directory that epic "
			  "compile wrote",
			  dir);
	return names->n > 0;
}

static int run_verify(struct run *r)
{
	struct texts names = { 0 };
	struct sink out = { 0 };
	const char *dir;
	int code = EXIT_DONE;

	if (r->options->files.n != 1) {
		run_error(r, "verify needs one DIR; epic help verify tells more");
		return EXIT_USAGE;
	}
	if (!run_has_room(r))
		return EXIT_USAGE;
	dir = without_slash(r->options->arena, r->options->files.at[0]);
	if (!find_plans(r, dir, &names))
		return EXIT_USAGE;
	for (size_t i = 0; i < names.n; i++)
		if (!check_plan_of(r, dir, names.at[i], &out))
			code = EXIT_FINDINGS;
	if (!run_write(r, &out))
		code = EXIT_ENVIRONMENT;
	sink_free(&out);
	print_end(r, code);
	return code;
}

const struct command command_verify = {
	.name = "verify",
	.arguments = "DIR",
	.summary = "compares plan and generated files",
	.help = ".\nDIR is what epic compile wrote: the plan, the source map and the files of the "
		"targets are\n"
		"read back and compared with each other, and with the policy if it is near.  -v "
		"tells what\n"
		"was not found",
	.run = run_verify,
};
