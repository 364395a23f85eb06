#include <config.h>

#include "runtime/core/ask_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/control.h"
#include "runtime/core/options.h"

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USE = 2, EXIT_ENVIRONMENT = 5, ANSWER_SECONDS = 30 };

enum { OPT_CONTROL, OPT_TARGET, OPT_HELP };

static const struct option_row rows[] = {
	[OPT_CONTROL] = { "--control", NULL, "PATH", "the control socket" },
	[OPT_TARGET] = { "--target", NULL, "NAME", "the process that runs this target" },
	[OPT_HELP] = { "--help", "-h", NULL, "this text" },
	{ NULL, NULL, NULL, NULL },
};

static int complain(const struct ask_command *c, int code, const char *why)
{
	fprintf(stderr, "%s ask: %s\n", c->program, why);
	return code;
}

static int print_help(const struct ask_command *c)
{
	printf("Usage: %s ask (--control PATH | --target NAME) COMMAND [ARGUMENT]\n\n"
	       "Commands: %s\n\n",
	       c->program, c->commands);
	options_help(rows, stdout);
	puts("\nExit codes: 0 done, 1 refused, 2 wrong use, 5 nobody answers.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static bool add_word(char *line, size_t size, const char *word)
{
	size_t n = strlen(line);

	return snprintf(line + n, size - n, "%s%s", n ? " " : "", word) < (int)(size - n) &&
	       !strchr(word, '\n');
}

static int ask(const struct ask_command *c, const char *path, const char *line)
{
	struct text answer = { 0 };
	bool there = control_ask(path, "help", ANSWER_SECONDS, &answer), good = false;

	if (there) {
		text_free(&answer);
		good = control_ask(path, line, ANSWER_SECONDS, &answer);
	}
	if (answer.at)
		fputs(answer.at, good ? stdout : stderr);
	text_free(&answer);
	if (fflush(stdout))
		return complain(c, EXIT_ENVIRONMENT, "cannot write to standard output");
	return good ? EXIT_DONE : there ? EXIT_REFUSED : EXIT_ENVIRONMENT;
}

int ask_command_main(const struct ask_command *c, int argc, char **argv)
{
	struct options o = { .rows = rows, .argc = argc, .argv = argv };
	const char *control = NULL, *target = NULL;
	char line[CONTROL_LINE] = "", *path;
	int which, code;

	while ((which = options_next(&o)) != OPTIONS_END) {
		if (which == OPTIONS_BAD)
			return complain(c, EXIT_USE, o.error);
		if (which == OPT_HELP)
			return print_help(c);
		if (which == OPTIONS_WORD && !add_word(line, sizeof(line), o.value))
			return complain(c, EXIT_USE, "the command is too long");
		if (which == OPT_CONTROL)
			control = o.value;
		if (which == OPT_TARGET)
			target = o.value;
	}
	path = control ? strdup(control) : target ? c->path(target) : NULL;
	if (!path || !*line)
		code = complain(c, EXIT_USE, "whom, and what? See ask --help");
	else
		code = ask(c, path, line);
	free(path);
	return code;
}
