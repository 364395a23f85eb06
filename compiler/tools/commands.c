/* The table of commands. */
#include <config.h>

#include <string.h>

#include "compiler/tools/command.h"

extern const struct command command_check, command_compile, command_completion, command_explain,
    command_fmt, command_graph, command_help, command_lint, command_lsp, command_test,
    command_trace, command_version, command_diff, command_why, command_verify, command_new;

const struct command *const commands[] = {
	&command_check,   &command_lint, &command_fmt,  &command_compile,    &command_graph,
	&command_explain, &command_diff, &command_test, &command_trace,      &command_why,
	&command_verify,  &command_new,  &command_lsp,  &command_completion, &command_version,
	&command_help,    NULL,
};

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}
