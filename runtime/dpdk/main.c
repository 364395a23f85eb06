/* epic-dpdkd: runs a plan on packets (doc/dataplane.md). */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "runtime/dpdk/measure.h"
#include "runtime/dpdk/run.h"
#include "runtime/dpdk/top.h"

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
