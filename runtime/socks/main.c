/* epic-socksd: carries flows across their bridges (doc/socks.md). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/ask_command.h"
#include "runtime/core/control.h"
#include "runtime/socks/run.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};

static char *socket_path(const char *target)
{
	struct text name = { 0 };
	char *path;

	text_printf(&name, "socksd-%s", target);
	path = name.failed ? NULL : control_path(name.at);
	text_free(&name);
	return path;
}

static int ask_main(int argc, char **argv)
{
	static const struct ask_command ask = {
		.program = "epic-socksd",
		.commands = "stats [json|prometheus|human], connections, function NAME WORDS, "
			    "reload,\ndrain, stop, help",
		.path = socket_path,
	};

	return ask_command_main(&ask, argc, argv);
}

static int version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("epic-socksd " PACKAGE_VERSION ", plan version 1");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static const struct command commands[] = {
	{ "ask", ask_main },           { "audit", audit_main },       { "function", function_main },
	{ "open", open_main },         { "redirect", redirect_main }, { "stats", stats_main },
	{ "--version", version_main }, { "-V", version_main },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return proxy_main(argc, argv);
}
