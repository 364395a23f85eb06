#include <config.h>

#include "runtime/dpdk/top.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/core/control.h"
#include "runtime/core/options.h"
#include "runtime/core/screen.h"
#include "runtime/dpdk/stats_forms.h"
#include "runtime/dpdk/stats_read.h"

#define SOCKET_BEGIN "dpdkd-"
#define SOCKET_END ".sock"

enum { EXIT_DONE = 0, EXIT_USE = 2, EXIT_ENVIRONMENT = 5 };
enum { ANSWER_SECONDS = 5 };

/* What both commands are told. */
struct client {
	const char *command; /* "top" */
	char *path;          /* of the control socket */
	double interval;     /* seconds */
	double count;        /* of blocks; 0: until it is ended */
	const char *form;    /* of `stats` */
	bool help;
	struct text trouble; /* told at the end, when the terminal is what it was */
};

enum { OPT_CONTROL, OPT_HELP, OPT_INTERVAL, OPT_COUNT, OPT_ONCE, OPT_AS = OPT_INTERVAL };

static const struct option_row top_options[] = {
	[OPT_CONTROL] = { "--control", NULL, "PATH", "the control socket of the dataplane" },
	[OPT_HELP] = { "--help", "-h", NULL, "this text" },
	[OPT_INTERVAL] = { "--interval", NULL, "SECONDS", "from one block to the next (1)" },
	[OPT_COUNT] = { "--count", NULL, "N", "ends after N blocks" },
	[OPT_ONCE] = { "--once", NULL, NULL, "one block, since the plan is in force" },
	{ NULL, NULL, NULL, NULL },
};

static const struct option_row stats_options[] = {
	[OPT_CONTROL] = { "--control", NULL, "PATH", "the control socket of the dataplane" },
	[OPT_HELP] = { "--help", "-h", NULL, "this text" },
	[OPT_AS] = { "--as", NULL, "json|prometheus|human", "form of the result (human)" },
	{ NULL, NULL, NULL, NULL },
};

static const char exit_codes[] =
    "\nTARGET is the plan's target, if more than one dataplane runs.\n"
    "Exit codes: 0 done; 2 wrong use; 5 no dataplane answers, or the result cannot be written.\n";

/* Notes what is wrong and returns CODE. */
static int complain(struct client *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(struct client *c, int code, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	text_printf(&c->trouble, "epic-dpdkd: %s\nepic-dpdkd: %s (exit %d)\n", what,
		    code == EXIT_USE ? "wrong use" : "the environment does not let it work", code);
	return code;
}

static int out_of_memory(struct client *c)
{
	return complain(c, EXIT_ENVIRONMENT, "memory is exhausted");
}

static int end(struct client *c, int code)
{
	if (c->trouble.at)
		fputs(c->trouble.at, stderr);
	text_free(&c->trouble);
	free(c->path);
	return code;
}

/* ---- where the dataplane is ---- */

char *top_control(const char *target)
{
	struct text name = { 0 };
	char *path;

	text_printf(&name, SOCKET_BEGIN "%s", target);
	path = name.at ? control_path(name.at) : NULL;
	text_free(&name);
	return path;
}

static int is_socket_name(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), end = sizeof(SOCKET_END) - 1;

	return n > sizeof(SOCKET_BEGIN) - 1 + end &&
	       !strncmp(entry->d_name, SOCKET_BEGIN, sizeof(SOCKET_BEGIN) - 1) &&
	       !strcmp(entry->d_name + n - end, SOCKET_END);
}

/* The names of all sockets that dataplanes have where they usually are; -1: no such folder. */
static int list_sockets(char **folder, struct dirent ***entries)
{
	char *slash;

	*folder = top_control("x");
	slash = *folder ? strrchr(*folder, '/') : NULL;
	if (!slash)
		return -1;
	*slash = '\0';
	return scandir(*folder, entries, is_socket_name, alphasort);
}

static int refuse_choice(struct client *c, const char *folder, struct dirent **entries, int n)
{
	struct text names = { 0 };

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name + sizeof(SOCKET_BEGIN) - 1;

		text_puts(&names, i ? ", " : "");
		text_add(&names, name, strlen(name) - (sizeof(SOCKET_END) - 1));
	}
	complain(c, EXIT_USE, "%s has the sockets of %d dataplanes; name one of the targets %s",
		 folder, n, names.at ? names.at : "");
	text_free(&names);
	return EXIT_USE;
}

/* Without a name it is the only one there is. */
static int find_socket(struct client *c)
{
	struct dirent **entries = NULL;
	struct text path = { 0 };
	char *folder = NULL;
	int n = list_sockets(&folder, &entries), code = EXIT_DONE;

	if (!folder)
		code = out_of_memory(c);
	else if (n <= 0)
		code = complain(c, EXIT_ENVIRONMENT,
				"%s has no socket of a dataplane; start epic-dpdkd, or name its "
				"socket with --control PATH",
				folder);
	else if (n > 1)
		code = refuse_choice(c, folder, entries, n);
	else
		text_printf(&path, "%s/%s", folder, entries[0]->d_name);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	free(folder);
	c->path = path.at;
	return code || c->path ? code : out_of_memory(c);
}

/* ---- the command line ---- */

static bool set_path(struct client *c, char *path, struct options *o)
{
	if (c->path) {
		snprintf(o->error, sizeof(o->error), "one dataplane only: %.80s is too much",
			 o->value);
		free(path);
		return false;
	}
	c->path = path;
	return true;
}

static bool bad_value(struct options *o, const char *option, const char *wanted)
{
	snprintf(o->error, sizeof(o->error), "%s is %s, not %.80s", option, wanted, o->value);
	return false;
}

static bool take_top(struct client *c, int which, struct options *o)
{
	switch (which) {
	case OPT_INTERVAL:
		return options_number(o->value, 0.1, 3600, &c->interval) ||
		       bad_value(o, "--interval", "0.1 to 3600 seconds");
	case OPT_COUNT:
		return (options_number(o->value, 1, 1e9, &c->count) && !strchr(o->value, '.')) ||
		       bad_value(o, "--count", "a whole number from 1");
	case OPT_ONCE:
		c->count = 1;
		return true;
	default:
		return false;
	}
}

static bool take_stats(struct client *c, int which, struct options *o)
{
	static const char *const forms[] = { "json", "prometheus", "human" };

	for (size_t i = 0; which == OPT_AS && i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(o->value, forms[i])) {
			c->form = forms[i];
			return true;
		}
	return bad_value(o, "--as", "json, prometheus or human");
}

static bool take_option(struct client *c, int which, struct options *o,
			bool (*take)(struct client *, int, struct options *))
{
	switch (which) {
	case OPTIONS_BAD:
		return false;
	case OPTIONS_WORD:
		return set_path(c, top_control(o->value), o);
	case OPT_CONTROL:
		return set_path(c, strdup(o->value), o);
	case OPT_HELP:
		c->help = true;
		return true;
	default:
		return take(c, which, o);
	}
}

static int parse(struct client *c, struct options *o,
		 bool (*take)(struct client *, int, struct options *))
{
	int which;

	while ((which = options_next(o)) != OPTIONS_END)
		if (!take_option(c, which, o, take))
			return complain(c, EXIT_USE, "%s: %s", c->command, o->error);
	return c->help || c->path ? EXIT_DONE : find_socket(c);
}

static int flush_output(struct client *c, int code)
{
	if (fflush(stdout) || ferror(stdout))
		return complain(c, EXIT_ENVIRONMENT, "cannot write to standard output: %s",
				strerror(errno));
	return code;
}

static int print_help(struct client *c, const struct option_row *rows, const char *what)
{
	printf("Usage: epic-dpdkd %s [--control PATH | TARGET] [OPTIONS]\n\n%s\n\n", c->command,
	       what);
	options_help(rows, stdout);
	fputs(exit_codes, stdout);
	return flush_output(c, EXIT_DONE);
}

/* ---- asking ---- */

/* The answer to COMMAND in *ANSWER, which is the caller's to free. */
static int ask(struct client *c, const char *command, struct text *answer)
{
	if (control_ask(c->path, command, ANSWER_SECONDS, answer))
		return EXIT_DONE;
	return complain(
	    c, EXIT_ENVIRONMENT,
	    "no dataplane answers: %s; start epic-dpdkd, or name the socket of one that "
	    "runs with --control PATH",
	    answer->at ? answer->at : c->path);
}

static int ask_stats(struct client *c, struct stats_copy *copy)
{
	struct text answer = { 0 };
	struct tree_error error;
	int code = ask(c, "stats", &answer);

	*copy = (struct stats_copy){ NULL, NULL };
	if (!code && !stats_read(copy, answer.at, answer.n, &error))
		code = complain(c, EXIT_ENVIRONMENT,
				"the answer of %s is not what this program reads: %s", c->path,
				error.text);
	text_free(&answer);
	return code;
}

/* ---- stats ---- */

static int print_json(struct client *c)
{
	struct text answer = { 0 };
	int code = ask(c, "stats", &answer);

	if (!code)
		fwrite(answer.at, 1, answer.n, stdout);
	text_free(&answer);
	return code;
}

static int print_form(struct client *c)
{
	struct text out = { 0 };
	struct stats_copy copy;
	int code = ask_stats(c, &copy);

	if (!code && !strcmp(c->form, "prometheus"))
		stats_prometheus(&out, copy.stats);
	else if (!code)
		stats_human(&out, NULL, copy.stats, 0);
	if (!code && out.failed)
		code = out_of_memory(c);
	else if (!code)
		fwrite(out.at, 1, out.n, stdout);
	text_free(&out);
	stats_forget(&copy);
	return code;
}

int stats_main(int argc, char **argv)
{
	struct client c = { .command = "stats", .form = "human" };
	struct options o = { .rows = stats_options, .argc = argc, .argv = argv };
	int code;

	signal(SIGPIPE, SIG_IGN);
	code = parse(&c, &o, take_stats);
	if (!code && c.help)
		code =
		    print_help(&c, stats_options,
			       "Prints the counters of a running dataplane, since its plan is in "
			       "force.");
	else if (!code)
		code = flush_output(&c, strcmp(c.form, "json") ? print_form(&c) : print_json(&c));
	return end(&c, code);
}

/* ---- top ---- */

struct top {
	struct client *client;
	struct screen *screen;
	bool draws;
	struct stats_copy earlier, now;
	size_t first; /* line on top of the screen */
	double shown; /* blocks */
	bool ended;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* No further than the last line. */
static void scroll(struct top *t, enum screen_event event, size_t page)
{
	size_t up = event == SCREEN_UP ? 1 : event == SCREEN_PAGE_UP ? page : 0;

	if (event == SCREEN_TOP)
		t->first = 0;
	t->first += event == SCREEN_DOWN ? 1 : event == SCREEN_PAGE_DOWN ? page : 0;
	t->first -= up < t->first ? up : t->first;
}

static bool draw(struct top *t)
{
	struct text out = { 0 };
	size_t width, height, lines;
	bool ok;

	screen_size(t->screen, &width, &height);
	stats_human(&out, t->earlier.stats, t->now.stats, width);
	ok = !out.failed;
	lines = ok ? count_lines(out.at) : 0;
	if (t->first >= lines)
		t->first = lines ? lines - 1 : 0;
	ok = ok && screen_draw(t->screen, out.at, t->first);
	text_free(&out);
	return ok;
}

static bool print_block(struct top *t)
{
	struct text out = { 0 };
	bool ok;

	if (t->shown > 0)
		text_puts(&out, "\n");
	stats_lines(&out, t->earlier.stats, t->now.stats);
	ok = !out.failed && fwrite(out.at, 1, out.n, stdout) == out.n && !fflush(stdout);
	text_free(&out);
	return ok;
}

/* Handles keys and signals until it is time for the next block, or to end. */
static bool wait_until(struct top *t, uint64_t deadline)
{
	size_t width, height;
	uint64_t now;
	bool ok = true;

	while (ok && !t->ended && (now = now_ms()) < deadline) {
		enum screen_event event = screen_wait(t->screen, (int)(deadline - now));

		t->ended = event == SCREEN_END;
		if (event == SCREEN_TIME || event == SCREEN_END || !t->draws)
			continue;
		screen_size(t->screen, &width, &height);
		scroll(t, event, height > 2 ? height - 2 : 1);
		ok = draw(t);
	}
	return ok;
}

static int ask_next(struct top *t)
{
	struct stats_copy next;
	int code = ask_stats(t->client, &next);

	if (code)
		return code;
	stats_forget(&t->earlier);
	t->earlier = t->now;
	t->now = next;
	return EXIT_DONE;
}

static int run_top(struct top *t)
{
	struct client *c = t->client;
	uint64_t interval = (uint64_t)(c->interval * 1000), next = now_ms();
	bool ok = true;

	while (ok && !t->ended) {
		ok = t->draws ? draw(t) : print_block(t);
		t->shown++;
		if (!ok || (c->count > 0 && t->shown >= c->count))
			break;
		next = next + interval > now_ms() ? next + interval : now_ms() + interval;
		ok = wait_until(t, next);
		if (ok && !t->ended) {
			int code = ask_next(t);

			if (code)
				return code;
		}
	}
	return ok ? EXIT_DONE
		  : complain(c, EXIT_ENVIRONMENT, "cannot write to standard output: %s",
			     strerror(errno));
}

static int watch(struct client *c)
{
	struct top t = { .client = c, .draws = screen_is_there() };
	int code = ask_next(&t);

	if (!code)
		t.screen = screen_open(t.draws);
	if (!code && !t.screen)
		code =
		    complain(c, EXIT_ENVIRONMENT, "cannot wait for signals: %s", strerror(errno));
	if (!code)
		code = run_top(&t);
	screen_close(t.screen);
	stats_forget(&t.earlier);
	stats_forget(&t.now);
	return code;
}

int top_main(int argc, char **argv)
{
	struct client c = { .command = "top", .interval = 1 };
	struct options o = { .rows = top_options, .argc = argc, .argv = argv };
	int code;

	signal(SIGPIPE, SIG_IGN);
	code = parse(&c, &o, take_top);
	if (!code && c.help)
		code = print_help(
		    &c, top_options,
		    "Shows what a running dataplane does: on a terminal over and over (q "
		    "ends, arrows scroll),\nelse line by line.");
	else if (!code)
		code = watch(&c);
	return end(&c, code);
}
