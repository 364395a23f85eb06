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
#include "backends/dot/fold.h"
#include "backends/dot/form.h"
#include "backends/dot/near.h"
#include "backends/dot/render.h"
#include "runtime/plan/plan.h"

enum { EXIT_USE = 2, EXIT_ENVIRONMENT = 5 };

struct view {
	const char *name, *shows;
	void (*draw)(struct picture *);
};

static const struct view views[] = {
	{ "areas", "nodes with equal attributes, and the movements between them", draw_areas },
	{ "flows", "every flow, the functions that bridge it, or why it is refused", draw_flows },
	{ "pipelines", "modules, filters and rates", draw_pipelines },
	{ "tasks", "modules by the task that runs them, and the queues between", draw_tasks },
	{ "schedulers", "the scheduler tree of each target: ranks, shares, workers",
	  draw_schedulers },
};

/* A drawing on its way out: Graphviz lays out those that want it. */
struct format {
	const char *name;
	bool is_drawn, with_ids; /* by Graphviz; so that the page can find what it shows */
	void (*write)(FILE *, const struct picture *, const char *svg);
};

static void write_dot(FILE *to, const struct picture *p, const char *svg)
{
	(void)svg;
	form_dot(to, p, false);
}

static void write_svg(FILE *to, const struct picture *p, const char *svg)
{
	(void)p;
	fputs(svg, to);
}

static void write_mermaid(FILE *to, const struct picture *p, const char *svg)
{
	(void)svg;
	form_mermaid(to, p);
}

static void write_json(FILE *to, const struct picture *p, const char *svg)
{
	(void)svg;
	form_json(to, p);
}

static const struct format formats[] = {
	{ "dot", false, false, write_dot },   { "svg", true, false, write_svg },
	{ "html", true, true, form_html },    { "mermaid", false, false, write_mermaid },
	{ "json", false, false, write_json },
};

enum { N_VIEWS = sizeof(views) / sizeof(*views), N_FORMATS = sizeof(formats) / sizeof(*formats) };

struct options {
	const struct view *view; /* NULL: by what the plan has */
	const struct format *format;
	const char *output, *plan;
	struct pic_texts focus, collapse;
	size_t depth;
	bool internal, help, version;
};

static const char usage[] = "Usage: epic-graph [--view VIEW] [--as FORMAT] [-o FILE] PLAN\n";

static const char *const option_names[] = { "--view",   "--as",       "--focus",
					    "--depth",  "--collapse", "--internal",
					    "--output", "--help",     "--version" };

static void print_help(void)
{
	printf("%s\nDraws a plan that epic compile has written; PLAN - is standard input.\n\n",
	       usage);
	printf("  --view VIEW         what is drawn; by default flows, or pipelines if there are "
	       "none\n");
	for (size_t i = 0; i < N_VIEWS; i++)
		printf("      %-15s %s\n", views[i].name, views[i].shows);
	puts("  --as FORM           dot, svg, html, mermaid or json (svg)\n"
	     "  --focus NAME        only what is near: a node, module, domain, class, application, "
	     "...;\n"
	     "                      may be repeated\n"
	     "  --depth N           how near, in steps (2)\n"
	     "  --collapse NAME     a domain, pipeline or other frame as one box; may be repeated\n"
	     "  --internal          shows what the compiler put in: queues, classifiers, matchers\n"
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
		o->format = &formats[i];
		return 0;
	}
	return complain(EXIT_USE, "there is no form %s; forms are dot, svg, html, mermaid and json",
			name);
}

static int set_focus(struct options *o, const char *name)
{
	pic_texts_add(&o->focus, name);
	return 0;
}

static int set_collapse(struct options *o, const char *name)
{
	pic_texts_add(&o->collapse, name);
	return 0;
}

static int set_depth(struct options *o, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n > 1000000)
		return complain(EXIT_USE, "--depth takes a number of steps, not %s", text);
	o->depth = n;
	return 0;
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
	{ "--view", set_view },   { "--as", set_format },         { "--focus", set_focus },
	{ "--depth", set_depth }, { "--collapse", set_collapse }, { "--output", set_output },
	{ "-o", set_output },
};

/* Handles argument *I; 0, or an exit code. */
static int read_option(struct options *o, char **argv, int *i)
{
	const char *arg = argv[*i];

	o->help |= !strcmp(arg, "-h") || !strcmp(arg, "--help");
	o->version |= !strcmp(arg, "-V") || !strcmp(arg, "--version");
	o->internal |= !strcmp(arg, "--internal");
	if (o->help || o->version || !strcmp(arg, "--internal"))
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

static int complain_name(const struct picture *p, const char *what, const char *name, bool frames)
{
	const char *nearest = near_name(p, name, frames);

	return complain(EXIT_USE, "%s: the view %s shows %s called %s%s%s%s", what, p->view,
			frames ? "no frame" : "nothing", name, nearest ? "; did you mean " : "",
			nearest ? nearest : "", nearest ? "?" : "");
}

/* Takes away what was not asked for; 0, or an exit code. */
static int narrow(const struct options *o, struct picture *p)
{
	const char *unknown;

	for (size_t i = 0; i < o->collapse.n; i++)
		if (!fold_frames(p, o->collapse.at[i]))
			return complain_name(p, "--collapse", o->collapse.at[i], true);
	unknown = o->focus.n ? near_keep(p, &o->focus, o->depth) : NULL;
	if (unknown)
		return complain_name(p, "--focus", unknown, false);
	fold_crowd(p);
	if (p->make_legend)
		p->legend = p->make_legend(p);
	return 0;
}

/* What Graphviz makes of the picture; NULL: it failed. */
static char *draw(const struct options *o, const struct picture *p)
{
	struct text text;
	char *dot, *svg;
	size_t size;

	text_open(&text);
	form_dot(text.to, p, o->format->with_ids);
	dot = text_take(&text);
	svg = render(dot, "svg", &size);
	free(dot);
	return svg;
}

static int write_picture(const struct options *o, const struct picture *p)
{
	char *svg = o->format->is_drawn ? draw(o, p) : NULL, *bytes;
	struct text text;
	int code = 0;

	if (o->format->is_drawn && !svg)
		return complain(EXIT_ENVIRONMENT, "Graphviz could not draw %s", o->plan);
	text_open(&text);
	o->format->write(text.to, p, svg);
	bytes = text_take(&text);
	if (!file_put(o->output, bytes, text.size))
		code =
		    complain(EXIT_ENVIRONMENT, "cannot write %s: %s", o->output, strerror(errno));
	free(bytes);
	free(svg);
	return code;
}

static int write_drawing(const struct options *o, const struct rplan_plan *plan)
{
	const struct view *view = o->view ? o->view : &views[plan->flows.n ? 1 : 2];
	struct picture *p = pic_new(plan, view->name);
	int code;

	p->internal = o->internal;
	view->draw(p);
	code = narrow(o, p);
	if (!code)
		code = write_picture(o, p);
	pic_free(p);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { .format = &formats[1], .output = "-", .depth = 2 };
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
	free(options.focus.at);
	free(options.collapse.at);
	return code;
}
