/* epic-graph: draws a plan.  Reads plans through runtime/plan alone. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/file.h"
#include "backends/dot/render.h"
#include "runtime/plan/plan.h"

enum { EXIT_USE = 2, EXIT_ENVIRONMENT = 5 };

struct view {
	const char *name, *shows;
	void (*draw)(FILE *, const struct rplan_plan *);
};

static const struct view views[] = {
	{ "areas", "nodes with equal attributes, and the movements between them", draw_areas },
	{ "flows", "every flow, the functions that bridge it, or why it is refused", draw_flows },
	{ "pipelines", "modules, filters and rates", draw_pipelines },
	{ "tasks", "modules by the task that runs them, and the queues between", draw_tasks },
	{ "schedulers", "the scheduler tree of each target: ranks, shares, workers",
	  draw_schedulers },
};

struct format {
	const char *name;
	const char *graphviz; /* its name there; NULL: the DOT text itself */
	bool is_written;
};

static const struct format formats[] = {
	{ "dot", NULL, true },      { "svg", "svg", true },  { "html", NULL, false },
	{ "mermaid", NULL, false }, { "json", NULL, false },
};

enum { N_VIEWS = sizeof(views) / sizeof(*views), N_FORMATS = sizeof(formats) / sizeof(*formats) };

struct options {
	const struct view *view; /* NULL: by what the plan has */
	const struct format *format;
	const char *output, *plan;
	bool help, version;
};

static const char usage[] = "Usage: epic-graph [--view VIEW] [--as FORMAT] [-o FILE] PLAN\n";

static const char *const option_names[] = { "--view", "--as", "--output", "--help", "--version" };

static void print_help(void)
{
	printf("%s\nDraws a plan that epic compile has written; PLAN - is standard input.\n\n",
	       usage);
	printf("  --view VIEW         what is drawn; by default flows, or pipelines if there are "
	       "none\n");
	for (size_t i = 0; i < N_VIEWS; i++)
		printf("      %-15s %s\n", views[i].name, views[i].shows);
	puts("  --as dot|svg        form of the result (svg)\n"
	     "  -o, --output FILE   where it goes; - is standard output (the default)\n"
	     "  -h, --help          this text\n"
	     "  -V, --version       the version\n"
	     "\n"
	     "Exit codes: 0 done; 2 wrong use, or a plan that is refused; 5 the result cannot be\n"
	     "written, or Graphviz failed.");
}

/* Says what is wrong and returns CODE. */
static int complain(int code, const char *fmt, ...)
{
	va_list args;

	fputs("epic-graph: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nepic-graph: %s (exit %d)\n",
		code == EXIT_USE ? "wrong use, or a plan that is refused"
				 : "the environment does not let it work",
		code);
	return code;
}

/* Number of letters to change to make A of B (Levenshtein), for short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[33];
	size_t m = strlen(b) < 32 ? strlen(b) : 32;

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= m; j++) {
			size_t replaced = corner + (a[i] != b[j - 1]);

			corner = row[j];
			row[j] = corner < row[j - 1] ? corner + 1 : row[j - 1] + 1;
			row[j] = replaced < row[j] ? replaced : row[j];
		}
	}
	return row[m];
}

static int complain_option(const char *option)
{
	const char *nearest = NULL;
	size_t least = 4;

	for (size_t i = 0; i < sizeof(option_names) / sizeof(*option_names); i++)
		if (distance(option, option_names[i]) < least) {
			nearest = option_names[i];
			least = distance(option, nearest);
		}
	return complain(EXIT_USE, "there is no option %s%s%s%s", option,
			nearest ? "; did you mean " : "", nearest ? nearest : "",
			nearest ? "?" : "");
}

static int set_view(struct options *o, const char *name)
{
	for (size_t i = 0; i < N_VIEWS; i++) {
		if (strcmp(views[i].name, name))
			continue;
		o->view = &views[i];
		return 0;
	}
	return complain(
	    EXIT_USE,
	    "there is no view %s; views are areas, flows, pipelines, tasks and schedulers", name);
}

static int set_format(struct options *o, const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (strcmp(formats[i].name, name))
			continue;
		if (!formats[i].is_written)
			return complain(EXIT_USE, "the form %s is not written yet", name);
		o->format = &formats[i];
		return 0;
	}
	return complain(EXIT_USE, "there is no form %s; forms are dot and svg", name);
}

static int set_output(struct options *o, const char *path)
{
	o->output = path;
	return 0;
}

static int set_plan(struct options *o, const char *path)
{
	if (o->plan)
		return complain(EXIT_USE, "one plan at a time: %s or %s", o->plan, path);
	o->plan = path;
	return 0;
}

/* Options that take a value: as the next argument, or behind `=`. */
static const struct valued {
	const char *name;
	int (*set)(struct options *, const char *);
} valued[] = {
	{ "--view", set_view },
	{ "--as", set_format },
	{ "--output", set_output },
	{ "-o", set_output },
};

/* Handles argument *I; 0, or an exit code. */
static int read_option(struct options *o, char **argv, int *i)
{
	const char *arg = argv[*i];

	o->help |= !strcmp(arg, "-h") || !strcmp(arg, "--help");
	o->version |= !strcmp(arg, "-V") || !strcmp(arg, "--version");
	if (o->help || o->version)
		return 0;
	for (size_t k = 0; k < sizeof(valued) / sizeof(*valued); k++) {
		size_t n = strlen(valued[k].name);

		if (strncmp(arg, valued[k].name, n))
			continue;
		if (arg[n] == '=' && arg[1] == '-')
			return valued[k].set(o, arg + n + 1);
		if (arg[n] == '\0' && argv[*i + 1])
			return valued[k].set(o, argv[++*i]);
		if (arg[n] == '\0')
			return complain(EXIT_USE, "%s needs a value", arg);
	}
	return complain_option(arg);
}

static int read_options(struct options *o, char **argv)
{
	bool options_end = false;
	int code = 0;

	for (int i = 1; argv[i] && !code && !o->help && !o->version; i++) {
		if (!options_end && !strcmp(argv[i], "--"))
			options_end = true;
		else if (!options_end && argv[i][0] == '-' && argv[i][1])
			code = read_option(o, argv, &i);
		else
			code = set_plan(o, argv[i]);
	}
	return code;
}

static int write_drawing(const struct options *o, const struct rplan_plan *plan)
{
	const struct view *view = o->view ? o->view : &views[plan->flows.n ? 1 : 2];
	struct text text;
	char *drawing;
	size_t size;
	int code = 0;

	text_open(&text);
	view->draw(text.to, plan);
	drawing = text_take(&text);
	size = text.size;
	if (o->format->graphviz) {
		char *rendered = render(drawing, o->format->graphviz, &size);

		free(drawing);
		drawing = rendered;
	}
	if (!drawing)
		code = complain(EXIT_ENVIRONMENT, "Graphviz could not draw %s", o->plan);
	else if (!file_put(o->output, drawing, size))
		code =
		    complain(EXIT_ENVIRONMENT, "cannot write %s: %s", o->output, strerror(errno));
	free(drawing);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { .format = &formats[1], .output = "-" };
	const struct rplan_plan *plan;
	struct plan_error error;
	int code;

	(void)argc;
	signal(SIGPIPE, SIG_IGN);
	if ((code = read_options(&options, argv)))
		return code;
	if (options.help)
		return print_help(), fflush(stdout) ? EXIT_ENVIRONMENT : 0;
	if (options.version)
		return puts("epic-graph " PACKAGE_VERSION), fflush(stdout) ? EXIT_ENVIRONMENT : 0;
	if (!options.plan)
		return complain(EXIT_USE, "which plan?\n%s", usage);
	plan = plan_open(options.plan, &error);
	if (!plan)
		return complain(EXIT_USE, "%s: %s", options.plan, error.text);
	code = write_drawing(&options, plan);
	plan_close(plan);
	return code;
}
