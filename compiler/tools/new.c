/* A starter project: the files of examples/starters/common and of one starter.
 *
 * They are written into a directory of their own and renamed into place once all are there. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/tools/command.h"

struct project {
	struct run *r;
	struct arena *arena;
	const char *starter;
	const char *dir;   /* where the project shall be */
	const char *stage; /* where it is made; inside DIR if that is there already */
	bool dir_exists;
	struct texts files;   /* as the project has them */
	struct texts entries; /* files and folders directly in it */
};

static bool cannot(struct project *p, const char *what, const char *path)
{
	run_error(p->r, "cannot %s %s: %s", what, path, strerror(errno));
	return false;
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* ---- what a starter has ---- */

static int by_text(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool list_directory(struct project *p, const char *path, struct texts *names)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return cannot(p, "read", path);
	while ((e = readdir(d)))
		if (!is_dot(e->d_name))
			vec_push(p->arena, names, arena_strdup(p->arena, e->d_name));
	closedir(d);
	if (names->n)
		qsort(names->at, names->n, sizeof(*names->at), by_text);
	return true;
}

static bool copy_file(struct project *p, const char *from, const char *name)
{
	const char *to = arena_printf(p->arena, "%s/%s", p->stage, name);
	struct sink text = { 0 };
	bool done = file_read(from, &text) || cannot(p, "read", from);

	done = done && (file_write(to, &text) || cannot(p, "write", to));
	sink_free(&text);
	vec_push(p->arena, &p->files, name);
	return done;
}

/* NAME is where FROM lies in the project; "" for its top. */
static bool copy_tree(struct project *p, const char *from, const char *name)
{
	struct texts names = { 0 };
	bool done = list_directory(p, from, &names);

	for (size_t i = 0; i < names.n && done; i++) {
		const char *path = arena_printf(p->arena, "%s/%s", from, names.at[i]);
		const char *as =
		    arena_printf(p->arena, "%s%s%s", name, *name ? "/" : "", names.at[i]);
		struct stat st;

		if (stat(path, &st))
			return cannot(p, "read", path);
		done = S_ISDIR(st.st_mode) ? copy_tree(p, path, as) : copy_file(p, path, as);
	}
	return done;
}

/* ---- where it goes ---- */

static int find_room(struct project *p)
{
	struct texts names = { 0 };
	struct stat st;

	if (stat(p->dir, &st)) {
		if (errno == ENOENT)
			return EXIT_DONE;
		cannot(p, "make", p->dir);
		return EXIT_ENVIRONMENT;
	}
	p->dir_exists = true;
	if (!S_ISDIR(st.st_mode)) {
		run_error(p->r, "%s is there already, and is no directory; nothing was written",
			  p->dir);
		return EXIT_USAGE;
	}
	if (!list_directory(p, p->dir, &names))
		return EXIT_ENVIRONMENT;
	if (!names.n)
		return EXIT_DONE;
	run_error(p->r,
		  "%s is not empty (it has %s); nothing was written: name a directory that is new "
		  "or empty",
		  p->dir, names.at[0]);
	return EXIT_USAGE;
}

static bool make_stage(struct project *p)
{
	const char *slash = strrchr(p->dir, '/');
	const char *above = !slash ? "."
			    : slash == p->dir
				? "/"
				: arena_strndup(p->arena, p->dir, (size_t)(slash - p->dir));
	const char *place = p->dir_exists ? p->dir : above;
	char *stage = arena_printf(p->arena, "%s/.epic-new-XXXXXX", place);

	if (!mkdtemp(stage))
		return cannot(p, "write to", place);
	p->stage = stage;
	return true;
}

static bool move_entries(struct project *p)
{
	if (!list_directory(p, p->stage, &p->entries))
		return false;
	for (size_t i = 0; i < p->entries.n; i++) {
		const char *name = p->entries.at[i];
		const char *to = arena_printf(p->arena, "%s/%s", p->dir, name);

		if (!rename(arena_printf(p->arena, "%s/%s", p->stage, name), to))
			continue;
		cannot(p, "write", to);
		while (i--)
			rename(arena_printf(p->arena, "%s/%s", p->dir, p->entries.at[i]),
			       arena_printf(p->arena, "%s/%s", p->stage, p->entries.at[i]));
		return false;
	}
	return true;
}

static bool publish(struct project *p)
{
	mode_t mask = umask(0);

	umask(mask);
	if (p->dir_exists)
		return move_entries(p);
	if (chmod(p->stage, 0777 & ~mask) || rename(p->stage, p->dir))
		return cannot(p, "make", p->dir);
	p->stage = NULL;
	return true;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

static void drop_stage(const struct project *p)
{
	if (p->stage)
		nftw(p->stage, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- the command ---- */

static bool make_project(struct project *p, const char *starters)
{
	bool done =
	    make_stage(p) && copy_tree(p, arena_printf(p->arena, "%s/common", starters), "") &&
	    copy_tree(p, arena_printf(p->arena, "%s/%s", starters, p->starter), "") && publish(p);

	drop_stage(p);
	return done;
}

static void tell(const struct project *p)
{
	FILE *out = p->r->out;

	if (p->r->options->quiet || !format_is_for_people(p->r->options->format))
		return;
	qsort(p->files.at, p->files.n, sizeof(*p->files.at), by_text);
	fprintf(out, "%s: a new project from the starter %s\n", p->dir, p->starter);
	for (size_t i = 0; i < p->files.n; i++)
		fprintf(out, "  %s\n", p->files.at[i]);
	fputs("next: ", out);
	if (strcmp(p->dir, "."))
		fprintf(out, "cd %s, then ", p->dir);
	fputs("epic test policy.epi; README.md goes on from there\n", out);
}

static const char *without_slashes(struct arena *a, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return arena_strndup(a, path, n);
}

static int run_new(struct run *r)
{
	const struct options *o = r->options;
	struct project p = { .r = r,
			     .arena = o->arena,
			     .starter = o->example ? o->example : "health" };
	int code;

	if (o->files.n != 1 || !*o->files.at[0]) {
		run_error(r, "new needs one DIR; epic help new tells more");
		return EXIT_USAGE;
	}
	if (!o->starters) {
		run_error(
		    r, "the starters are missing beside the standard library; install epic anew");
		return EXIT_ENVIRONMENT;
	}
	p.dir = without_slashes(o->arena, o->files.at[0]);
	code = find_room(&p);
	if (code == EXIT_DONE && !make_project(&p, o->starters))
		code = EXIT_ENVIRONMENT;
	if (code == EXIT_DONE)
		tell(&p);
	print_end(r, code);
	return code;
}

const struct command command_new = {
	.name = "new",
	.arguments = "DIR",
	.summary = "a starter project: policy, expectations, CI files, editor settings",
	.help = ".\nDIR is new or empty. --example chooses the starter:\n"
		"  health     data of two hospitals for a study: rules, labels, a bridge\n"
		"  e2         a chain of network functions on a rack of servers\n"
		"  firewall   a packet filter on one core, with shares and priorities\n"
		"  bng        a broadband gateway: address translation, classes, rates\n"
		"  proxies    flows through reverse proxies and SOCKS proxies",
	.run = run_new,
	.no_conf = true,
};
