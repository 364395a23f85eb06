#include <config.h>

#include "compiler/tools/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compiler/tools/conf.h"
#include "compiler/tools/solving.h"

/* Whoever saves a file does it in steps: what follows within QUIET milliseconds belongs to it, but
 * the user is not kept waiting longer than PATIENCE. */
enum { QUIET = 40, PATIENCE = 150 };

/* Directories are watched, not files: editors that put a new file in the old one's place, and files
 * that come again, are seen by their names. */
struct watching {
	struct options *o; /* of the run that has ended */
	int notify;
	struct texts names; /* whose coming, going or changing matters */
	struct timespec began;
	bool missed; /* something changed before it was watched */
	const char *changed;
	sigset_t waiting; /* the signals while waiting */
};

#define ARENA(w) ((w)->o->arena)

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n > m && !strcmp(s + n - m, tail);
}

static const char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static const char *name_in(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Where a directory is missing, the one above it tells when it comes. */
static void watch_directory(struct watching *w, const char *directory)
{
	const uint32_t mask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
			      IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

	while (inotify_add_watch(w->notify, directory, mask) < 0 && strcmp(directory, ".") &&
	       strcmp(directory, "/")) {
		vec_push(ARENA(w), &w->names, name_in(directory));
		directory = directory_of(ARENA(w), directory);
	}
}

static bool is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec >= b.tv_nsec;
}

static void watch_file(struct watching *w, const char *path)
{
	struct stat st;

	vec_push(ARENA(w), &w->names, name_in(path));
	watch_directory(w, directory_of(ARENA(w), path));
	if (!stat(path, &st) && is_later(st.st_mtim, w->began))
		w->missed = true;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void watch_all(struct watching *w)
{
	const struct options *o = w->o;

	for (size_t i = 0; i < o->files.n; i++)
		if (is_directory(o->files.at[i]))
			watch_directory(w, o->files.at[i]);
		else
			watch_file(w, o->files.at[i]);
	for (size_t i = 0; i < o->read->n; i++)
		watch_file(w, o->read->at[i]);
	for (size_t i = 0; i < o->conf_files.n; i++)
		watch_file(w, o->conf_files.at[i]);
	for (size_t i = 0; i < o->search.n_roots; i++)
		if (is_directory(o->search.roots[i]))
			watch_directory(w, o->search.roots[i]);
}

/* A module that was missing may come, or one that hides another. */
static bool matters(const struct watching *w, const struct inotify_event *e)
{
	if (e->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
		return true;
	if (!e->len)
		return false;
	if (ends_with(e->name, ".epi") || !strcmp(e->name, "epic.conf"))
		return true;
	for (size_t i = 0; i < w->names.n; i++)
		if (!strcmp(w->names.at[i], e->name))
			return true;
	return false;
}

static bool read_events(struct watching *w)
{
	char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size = read(w->notify, buffer, sizeof(buffer));
	bool any = false;

	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *e = (const struct inotify_event *)(buffer + at);

		if (matters(w, e) && !any) {
			any = true;
			w->changed = e->len ? arena_strdup(ARENA(w), e->name) : NULL;
		}
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	return any;
}

/* Whether something came within the time; negative: for ever.  False too if interrupted. */
static bool wait_for_events(struct watching *w, long milliseconds)
{
	struct pollfd p = { .fd = w->notify, .events = POLLIN };
	struct timespec t = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	return ppoll(&p, 1, milliseconds < 0 ? NULL : &t, &w->waiting) > 0;
}

static long milliseconds_since(struct timespec since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since.tv_sec) * 1000 + (now.tv_nsec - since.tv_nsec) / 1000000;
}

/* Until nothing more comes. */
static void settle(struct watching *w)
{
	struct timespec first;

	clock_gettime(CLOCK_MONOTONIC, &first);
	while (milliseconds_since(first) < PATIENCE && wait_for_events(w, QUIET))
		read_events(w);
}

/* False: interrupted. */
static bool wait_for_change(struct watching *w)
{
	bool found = w->missed;

	while (!found && !solving_interrupted())
		found = wait_for_events(w, -1) && read_events(w);
	/* Also where a change was missed: the clock of files is coarse, and what came in the tick
	 * in which a run began would start one run after the other. */
	if (found)
		settle(w);
	return !solving_interrupted();
}

static bool is_quiet(const struct options *o)
{
	return o->quiet || !format_is_for_people(o->format);
}

static void begin_run(const struct watching *w, bool first)
{
	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J\033[3J", stdout);
	else if (!first)
		fprintf(stderr, "\n---- %s changed ----\n\n", w->changed ? w->changed : "a file");
	fflush(stdout);
}

static int run_once(struct watching *w, const struct options *o, const struct command *c,
		    int (*once)(struct options *, const struct command *))
{
	int code;

	*w->o = *o;
	w->o->arena = arena_new();
	w->o->read = arena_one(w->o->arena, struct texts);
	w->names = (struct texts){ 0 };
	w->missed = false;
	clock_gettime(CLOCK_REALTIME_COARSE, &w->began);
	code = once(w->o, c);
	watch_all(w);
	if (!is_quiet(w->o))
		fputs("epic: watching; Ctrl-C ends it\n", stderr);
	fflush(stderr);
	return code;
}

static bool has_standard_input(const struct options *o)
{
	for (size_t i = 0; i < o->files.n; i++)
		if (!strcmp(o->files.at[i], "-"))
			return true;
	return false;
}

/* SIGINT arrives during runs and while waiting, and is not lost between them. */
static void hold_interrupts(sigset_t *before)
{
	sigset_t interrupts;

	sigemptyset(&interrupts);
	sigaddset(&interrupts, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupts, before);
}

static int watch_loop(struct watching *w, const struct options *o, const struct command *c,
		      int (*once)(struct options *, const struct command *))
{
	bool first = true, again = true;
	int code = EXIT_DONE;

	while (again) {
		begin_run(w, first);
		first = false;
		code = run_once(w, o, c, once);
		hold_interrupts(&w->waiting);
		again = wait_for_change(w);
		sigprocmask(SIG_SETMASK, &w->waiting, NULL);
		if (again && w->changed)
			w->changed = arena_strdup(o->arena, w->changed);
		arena_free(w->o->arena);
	}
	return code;
}

int watch_run(const struct options *o, const struct command *c,
	      int (*once)(struct options *, const struct command *))
{
	struct options own = *o;
	struct watching w = { .o = &own, .notify = inotify_init1(IN_CLOEXEC) };
	int code;

	if (!o->files.n)
		return once(&own, c);
	if (has_standard_input(o) || w.notify < 0) {
		fprintf(stderr, "epic: --watch cannot watch %s\n",
			w.notify < 0 ? strerror(errno) : "standard input; name a file");
		if (w.notify >= 0)
			close(w.notify);
		return w.notify < 0 ? EXIT_ENVIRONMENT : EXIT_USAGE;
	}
	solving_count_interrupts();
	code = watch_loop(&w, o, c, once);
	close(w.notify);
	return code;
}
