#include <config.h>

#include <string.h>

#include "compiler/tools/command.h"

const struct exit_text exit_texts[] = {
	{ EXIT_DONE, "done" },
	{ EXIT_FINDINGS, "the policy has findings" },
	{ EXIT_USAGE, "wrong use: flags, configuration, or the root file cannot be read" },
	{ EXIT_IMPOSSIBLE, "proven impossible" },
	{ EXIT_UNDECIDED, "undecided: a limit was reached" },
	{ EXIT_ENVIRONMENT, "the environment failed" },
	{ EXIT_BUG, "a bug in epic" },
	{ 0 },
};

const struct variable variables[] = {
	{ "EPIC_PATH", "search roots for modules, separated by colons; behind those of -I" },
	{ "EPIC_CONFIG", "the configuration file, in place of the project's" },
	{ "EPIC_COLOR", "as --color" },
	{ "EPIC_TIME_LIMIT", "as --time-limit" },
	{ "NO_COLOR", "if not empty: no colours" },
	{ "CLICOLOR_FORCE", "if neither empty nor 0: colours, on a terminal or not" },
	{ "TERM", "'dumb': a terminal without colours" },
	{ "SOURCE_DATE_EPOCH", "the only date that generated files may use" },
	{ "GITHUB_STEP_SUMMARY", "the file to which --format github adds its list" },
	{ "XDG_CONFIG_HOME", "where the user's configuration lies; by default ~/.config" },
	{ 0 },
};

static void print_flags(struct run *r, const char *command, bool global)
{
	for (const struct flag *f = flags; f->name; f++) {
		char left[64];

		if (global != !*f->commands || !flag_fits(f, command))
			continue;
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", f->letter ? '-' : ' ', f->letter ? f->letter : ' ',
			 f->letter ? ", " : "  ", f->name, f->argument ? " " : "",
			 f->argument ? f->argument : "");
		fprintf(r->out, "  %-38s %s\n", left, f->doc);
	}
}

static void print_exit_codes(struct run *r)
{
	fputs("\nExit codes:\n", r->out);
	for (const struct exit_text *e = exit_texts; e->meaning; e++)
		fprintf(r->out, "  %-2d %s\n", e->code, e->meaning);
}

static void print_command(struct run *r, const struct command *c)
{
	fprintf(r->out, "Usage: epic %s [FLAGS] %s\n\n%s%s\n", c->name, c->arguments, c->summary,
		c->help ? c->help : ".");
	fputs("\nFlags:\n", r->out);
	print_flags(r, c->name, false);
	print_flags(r, c->name, true);
	print_exit_codes(r);
}

static void print_program(struct run *r)
{
	fputs("epic compiles policies of network functions (.epi): who may exchange which data,\n"
	      "through which functions packets travel, and which classes of traffic come first.\n"
	      "\nUsage: epic COMMAND [FLAGS] [FILE]...\n"
	      "\nExamples:\n"
	      "  epic check examples/sepsis.epi\n"
	      "  epic explain 'north.ehr => hub.compute' examples/sepsis.epi\n"
	      "\nCommands:\n",
	      r->out);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(r->out, "  %-12s %s\n", (*c)->name, (*c)->summary);
	fputs("\nFlags of every command:\n", r->out);
	print_flags(r, "", true);
	print_exit_codes(r);
	fputs("\n`epic help COMMAND` tells more.\n", r->out);
}

static int run_help(struct run *r)
{
	const struct texts *names = &r->options->files;
	const struct command *c;

	if (!names->n) {
		print_program(r);
		return EXIT_DONE;
	}
	c = command_find(names->at[0]);
	if (!c) {
		run_error(r, "there is no command '%s'; epic help lists them", names->at[0]);
		return EXIT_USAGE;
	}
	print_command(r, c);
	return EXIT_DONE;
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "this help, or that of a command",
	.run = run_help,
	.no_conf = true,
};
