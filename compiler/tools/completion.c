/* Completion scripts, made from the tables of commands and flags. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "compiler/tools/command.h"

static bool takes_rule(const struct flag *f)
{
	return f->argument && !strcmp(f->argument, "RULE");
}

static bool takes_path(const struct flag *f)
{
	return f->argument && (!strcmp(f->argument, "FILE") || !strcmp(f->argument, "PATH") ||
			       !strcmp(f->argument, "DIR"));
}

/* Words behind a flag: its values if they are listed, not a placeholder. */
static bool has_choices(const struct flag *f)
{
	return takes_rule(f) ||
	       (f->argument && strchr(f->argument, '|') && islower((unsigned char)f->argument[0]));
}

static void put_rules(struct sink *s)
{
	const char *gap = "";

	for (int code = 0; code < N_DIAG_CODES; code++)
		if (lint_facts((enum diag_code)code)) {
			sink_printf(s, "%s%s", gap, diag_page((enum diag_code)code)->slug);
			gap = " ";
		}
}

static void put_choices(struct sink *s, const struct flag *f)
{
	if (takes_rule(f)) {
		put_rules(s);
		return;
	}
	for (const char *p = f->argument; *p; p++)
		sink_putc(s, *p == '|' ? ' ' : *p);
}

static void put_commands(struct sink *s)
{
	for (const struct command *const *c = commands; *c; c++)
		sink_printf(s, "%s%s", c == commands ? "" : " ", (*c)->name);
}

static void put_flags_of(struct sink *s, const char *command)
{
	const char *gap = "";

	for (const struct flag *f = flags; f->name; f++) {
		if (!flag_fits(f, command))
			continue;
		sink_printf(s, "%s--%s", gap, f->name);
		gap = " ";
	}
}

static void bash_script(struct sink *s)
{
	sink_puts(s, "# bash completion of epic\n_epic()\n{\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= w\n"
		     "\tfor w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
		     "\t\tcase $w in -*) ;; *) command=$w; break ;; esac\n\tdone\n\tcase $before in\n");
	for (const struct flag *f = flags; f->name; f++) {
		if (!has_choices(f) && !takes_path(f))
			continue;
		sink_printf(s, "\t--%s", f->name);
		if (f->letter)
			sink_printf(s, "|-%c", f->letter);
		sink_puts(s, has_choices(f) ? ") COMPREPLY=($(compgen -W \"" : ") COMPREPLY=($(compgen -f");
		if (has_choices(f))
			put_choices(s, f);
		sink_puts(s, has_choices(f) ? "\" -- \"$word\")); return ;;\n" : " -- \"$word\")); return ;;\n");
	}
	sink_puts(s, "\tesac\n\tif [ -z \"$command\" ]; then\n\t\tCOMPREPLY=($(compgen -W \"");
	put_commands(s);
	sink_puts(s, "\" -- \"$word\")); return\n\tfi\n\tcase $command in\n");
	for (const struct command *const *c = commands; *c; c++) {
		sink_printf(s, "\t%s) w=\"", (*c)->name);
		put_flags_of(s, (*c)->name);
		sink_puts(s, "\" ;;\n");
	}
	sink_puts(s, "\tesac\n\tcase $word in\n\t-*) COMPREPLY=($(compgen -W \"$w\" -- \"$word\")) ;;\n"
		     "\t*) [ \"$command\" = help ] && COMPREPLY=($(compgen -W \"");
	put_commands(s);
	sink_puts(s, "\" -- \"$word\")) ||\n\t\tCOMPREPLY=($(compgen -f -X '!*.epi' -- \"$word\") $(compgen -d -- \"$word\")) ;;\n"
		     "\tesac\n}\ncomplete -F _epic epic\n");
}

static void put_quoted(struct sink *s, const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			sink_puts(s, "'\\''");
		else
			sink_putc(s, *text);
}

static void zsh_flags(struct sink *s, const char *command)
{
	for (const struct flag *f = flags; f->name; f++) {
		if (!flag_fits(f, command))
			continue;
		sink_printf(s, " \\\n\t\t\t'--%s[", f->name);
		for (const char *p = f->doc; *p; p++) {
			if (*p == '[' || *p == ']' || *p == ':')
				sink_putc(s, '\\');
			sink_putc(s, *p);
		}
		sink_putc(s, ']');
		if (has_choices(f)) {
			sink_puts(s, ":value:(");
			put_choices(s, f);
			sink_putc(s, ')');
		} else if (f->argument) {
			sink_puts(s, ":value:_files");
		}
		sink_putc(s, '\'');
	}
}

static void zsh_script(struct sink *s)
{
	sink_puts(s, "#compdef epic\n_epic()\n{\n\tlocal -a commands\n\tcommands=(\n");
	for (const struct command *const *c = commands; *c; c++) {
		sink_printf(s, "\t\t'%s:", (*c)->name);
		put_quoted(s, (*c)->summary);
		sink_puts(s, "'\n");
	}
	sink_puts(s, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tcase $words[2] in\n");
	for (const struct command *const *c = commands; *c; c++) {
		sink_printf(s, "\t%s)\n\t\t_arguments -s", (*c)->name);
		zsh_flags(s, (*c)->name);
		sink_puts(s, " \\\n\t\t\t'*:file:_files -g \"*.epi\"' ;;\n");
	}
	sink_puts(s, "\tesac\n}\n_epic \"$@\"\n");
}

static void fish_script(struct sink *s)
{
	sink_puts(s, "# fish completion of epic\n");
	for (const struct command *const *c = commands; *c; c++) {
		sink_printf(s, "complete -c epic -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
		put_quoted(s, (*c)->summary);
		sink_puts(s, "'\n");
	}
	for (const struct flag *f = flags; f->name; f++) {
		sink_puts(s, "complete -c epic");
		if (*f->commands)
			sink_printf(s, " -n '__fish_seen_subcommand_from %s'", f->commands);
		sink_printf(s, " -l %s", f->name);
		if (f->letter)
			sink_printf(s, " -s %c", f->letter);
		if (has_choices(f)) {
			sink_puts(s, " -x -a '");
			put_choices(s, f);
			sink_puts(s, "'");
		} else if (f->argument) {
			sink_puts(s, " -r");
		}
		sink_puts(s, " -d '");
		put_quoted(s, f->doc);
		sink_puts(s, "'\n");
	}
}

static const struct {
	const char *name;
	void (*write)(struct sink *);
} shells[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

static int run_completion(struct run *r)
{
	const struct texts *args = &r->options->files;
	struct sink s = { 0 };
	bool ok;

	for (size_t i = 0; args->n == 1 && i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(args->at[0], shells[i].name))
			continue;
		shells[i].write(&s);
		ok = run_write(r, &s);
		sink_free(&s);
		return ok ? EXIT_DONE : EXIT_ENVIRONMENT;
	}
	run_error(r, "completion takes bash, zsh or fish");
	return EXIT_USAGE;
}

const struct command command_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "a completion script for a shell",
	.run = run_completion,
	.no_conf = true,
};
