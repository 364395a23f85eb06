/* epic-dpdkd: runs a plan on packets (doc/dataplane.md). */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "runtime/core/ask_command.h"
#include "runtime/dpdk/measure.h"
#include "runtime/dpdk/run.h"
#include "runtime/dpdk/top.h"

static int ask_main(int argc, char **argv)
{
	static const struct ask_command ask = {
		.program = "epic-dpdkd",
		.commands = "stats [json|prometheus|human], rates, reload [PLAN], "
			    "capture FROM:TO=FILE,\nuncapture FROM:TO, stop, help",
		.path = top_control,
	};

	return ask_command_main(&ask, argc, argv);
}

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "ask", ask_main },
	{ "profile", profile_main },
	{ "stats", stats_main },
	{ "top", top_main },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return run_main(argc, argv);
}
