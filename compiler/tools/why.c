/* `epic why FILE:LINE`: from a line of a generated file to the policy. */
#include <config.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/sha256.h"
#include "compiler/base/text.h"
#include "compiler/tools/command.h"
#include "compiler/tools/written.h"

enum { HIGHEST = 8 }; /* folders above a file in which its map is looked for */

struct asking {
	struct run *run;
	struct arena *arena;
	const char *file; /* as given */
	size_t line;
	struct written written;
	const struct source_map_file *mapped;
	struct sink text, out;
};

/* ---- which file ---- */

/* FILE:LINE, also FILE:LINE:COLUMN as editors and compilers write it. */
static bool split(struct asking *q, const char *argument)
{
	const char *colon = strrchr(argument, ':'), *before;
	char *end;

	if (!colon || colon == argument || strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	for (before = colon - 1; before > argument && strchr("0123456789", *before); before--)
		;
	if (*before == ':' && before > argument && before + 1 < colon)
		colon = before;
	errno = 0;
	q->line = strtoull(colon + 1, &end, 10);
	q->file = arena_strndup(q->arena, argument, (size_t)(colon - argument));
	return !errno && q->line > 0;
}

static const char *parent(struct arena *a, const char *dir)
{
	const char *slash = strrchr(dir, '/');

	if (!slash)
		return !strcmp(dir, ".") || !strcmp(dir, "..") ? arena_printf(a, "%s/..", dir)
							       : ".";
	if (!strcmp(slash, "/.."))
		return arena_printf(a, "%s/..", dir);
	return slash == dir ? "/" : arena_strndup(a, dir, (size_t)(slash - dir));
}

/* The part of FILE behind its UP-th folder from the end. */
static const char *below(const char *file, unsigned up)
{
	const char *s = file + strlen(file);

	for (; s > file; s--)
		if (s[-1] == '/' && !up--)
			break;
	return s;
}

/* A map in DIR that knows PATH; or the first one there, if ANY will do. */
static bool open_map(struct asking *q, const char *dir, const char *path, bool any)
{
	struct texts names = { 0 };

	written_names(q->arena, dir, ".map", &names);
	for (size_t i = 0; i < names.n; i++) {
		q->written = written_open(q->arena, dir, names.at[i]);
		q->mapped = q->written.has_map ? written_file(&q->written, path) : NULL;
		if (q->mapped || (any && q->written.has_map))
			return true;
		written_close(&q->written);
		q->written = (struct written){ 0 };
	}
	return false;
}

/* With all folders, so that those above it have names. */
static const char *whole_path(struct asking *q)
{
	char path[PATH_MAX];

	if (*q->file == '/' || !getcwd(path, sizeof(path)))
		return q->file;
	return arena_printf(q->arena, "%s/%s", path,
			    strncmp(q->file, "./", 2) ? q->file : q->file + 2);
}

/* Beside the file, then above it. */
static bool find_map(struct asking *q, bool any)
{
	const char *path = whole_path(q);
	const char *dir = parent(q->arena, q->file);

	for (unsigned up = 0; up < HIGHEST; up++) {
		if (open_map(q, dir, below(path, up), any))
			return true;
		if (!strcmp(dir, "/"))
			return false;
		dir = parent(q->arena, dir);
	}
	return false;
}

/* ---- what is refused ---- */

static bool is_drawing(const struct asking *q)
{
	const struct rplan_plan *plan = q->written.plan;

	for (size_t i = 0; plan && i < plan->targets.n; i++)
		for (size_t k = 0; k < plan->targets.at[i].files.n; k++) {
			const char *path = plan->targets.at[i].files.at[k];
			size_t n = strlen(path), m = strlen(q->file);

			if (!strcmp(plan->targets.at[i].backend, "dot") && n <= m &&
			    !strcmp(q->file + m - n, path))
				return true;
		}
	return false;
}

static void refuse_unknown(struct asking *q)
{
	const char *name = below(q->file, 0), *near_path = NULL;
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < q->written.map.n_files; i++) {
		const char *path = q->written.map.files[i].path, *before = near.name;

		nearest_try(&near, below(path, 0));
		if (near.name != before)
			near_path = path;
	}
	if (near_path)
		run_error(q->run, "%s/%s.map knows no file %s; did you mean %s?", q->written.dir,
			  q->written.name, q->file, written_path(q->arena, &q->written, near_path));
	else
		run_error(q->run, "%s/%s.map knows no file %s; it knows %s%s", q->written.dir,
			  q->written.name, q->file,
			  q->written.map.n_files ? q->written.map.files[0].path : "none",
			  q->written.map.n_files > 1 ? " and others" : "");
}

static void refuse(struct asking *q)
{
	struct stat st;

	if (find_map(q, true)) {
		if (is_drawing(q))
			run_error(q->run,
				  "%s is a drawing that epic-graph makes from the plan; its lines "
				  "stem from no "
				  "lines of the policy",
				  q->file);
		else
			refuse_unknown(q);
	} else if (stat(q->file, &st)) {
		run_error(q->run, "cannot read %s: %s", q->file, strerror(errno));
	} else {
		run_error(q->run,
			  "no source map stands beside %s or above it; epic compile writes one, "
			  "NAME.map, into "
			  "its output directory",
			  q->file);
	}
}

/* ---- the answer ---- */

static const char *line_at(const struct sink *text, size_t line, size_t *length)
{
	const char *s = text->data ? text->data : "";

	for (; line > 1 && *s; line--) {
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	*length = strcspn(s, "\n");
	return line > 1 || !*s ? NULL : s;
}

static size_t count_lines(const struct sink *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->size; i++)
		n += text->data[i] == '\n';
	return n + (text->size && text->data[text->size - 1] != '\n');
}

static void put_source_line(struct asking *q, const struct sink *text, size_t line)
{
	size_t n;
	const char *s = line_at(text, line, &n);

	if (s)
		sink_printf(&q->out, "%5zu | %.*s\n", line, (int)n, s);
}

static bool was_edited(const struct asking *q)
{
	char hash[SHA256_TEXT_SIZE];

	sha256_text(q->text.data ? q->text.data : "", q->text.size, hash);
	return strcmp(hash, q->mapped->sha256) != 0;
}

static void put_range(struct asking *q, const struct source_map_range *r)
{
	struct written_source src = written_source(q->run->options, &q->written, r->file);
	size_t n = strlen(r->reason);

	sink_printf(&q->out, "\n%s:%u:%u\n", r->file, r->line, r->col);
	if (src.path)
		put_source_line(q, &src.text, r->line);
	sink_printf(&q->out, "  %c%s%s\n",
		    *r->reason >= 'a' && *r->reason <= 'z' ? *r->reason - 32 : *r->reason,
		    n ? r->reason + 1 : "", n && r->reason[n - 1] == '.' ? "" : ".");
	if (r->first == r->last)
		sink_printf(&q->out, "  It is behind line %u.\n", r->first);
	else
		sink_printf(&q->out, "  It is behind lines %u to %u.\n", r->first, r->last);
	if (!src.path)
		sink_printf(&q->out,
			    "  The policy's file %s was not found near %s; -I DIR adds a folder.\n",
			    r->file, q->written.dir);
	else if (!src.same)
		sink_printf(
		    &q->out,
		    "  %s has changed since it was compiled; the line may be another one now.\n",
		    src.path);
	sink_free(&src.text);
}

static size_t narrowness(const struct source_map_range *r)
{
	return r->last - r->first;
}

/* The narrowest range says most about a line, so it comes first. */
static void put_ranges(struct asking *q)
{
	const struct source_map_range **at =
	    arena_many(q->arena, const struct source_map_range *, q->mapped->n_ranges);
	size_t n = 0;

	for (size_t i = 0; i < q->mapped->n_ranges; i++) {
		const struct source_map_range *r = &q->mapped->ranges[i];
		size_t k = n;

		if (r->first > q->line || r->last < q->line)
			continue;
		for (; k && narrowness(at[k - 1]) > narrowness(r); k--)
			at[k] = at[k - 1];
		at[k] = r;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		put_range(q, at[i]);
	if (!n)
		sink_puts(&q->out,
			  "\nNo statement of the policy is behind this line: the backend writes it "
			  "into every file of its kind.\n");
}

static bool answer(struct asking *q)
{
	sink_printf(&q->out, "%s:%zu\n", q->file, q->line);
	put_source_line(q, &q->text, q->line);
	if (was_edited(q))
		sink_printf(&q->out,
			    "  The file was changed by hand since epic wrote it; its lines may "
			    "have moved.  epic "
			    "verify %s tells what differs.\n",
			    q->written.dir);
	put_ranges(q);
	return run_write(q->run, &q->out);
}

static int look_up(struct asking *q)
{
	size_t n;

	if (!q->mapped && !find_map(q, false)) {
		refuse(q);
		return EXIT_USAGE;
	}
	if (!file_read(q->file, &q->text)) {
		run_error(q->run, "cannot read %s: %s", q->file, strerror(errno));
		return EXIT_USAGE;
	}
	n = count_lines(&q->text);
	if (q->line > n) {
		run_error(q->run, "%s has %zu line%s, so there is no line %zu", q->file, n,
			  n == 1 ? "" : "s", q->line);
		return EXIT_USAGE;
	}
	return answer(q) ? EXIT_DONE : EXIT_ENVIRONMENT;
}

static int run_why(struct run *r)
{
	struct asking q = { .run = r, .arena = r->options->arena };
	int code;

	if (r->options->files.n != 1 || !split(&q, r->options->files.at[0])) {
		run_error(r,
			  "why needs FILE:LINE, a generated file and a line of it, counted from 1");
		return EXIT_USAGE;
	}
	if (!run_has_room(r))
		return EXIT_USAGE;
	code = look_up(&q);
	written_close(&q.written);
	sink_free(&q.text);
	sink_free(&q.out);
	return code;
}

const struct command command_why = {
	.name = "why",
	.arguments = "FILE:LINE",
	.summary = "from a line of a generated file to the policy",
	.help = ".\nFILE is a file that epic compile wrote; its source map, NAME.map, is looked "
		"for beside it\n"
		"and above it",
	.run = run_why,
};
