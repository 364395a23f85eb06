#include <config.h>

#include <cbor.h>
#include <nettle/version.h>
#include <string.h>

#include "compiler/solve/solver.h"
#include "compiler/tools/command.h"

static int run_version(struct run *r)
{
	const char *as = r->options->as ? r->options->as : "human";

	if (r->options->files.n) {
		run_error(r, "version takes no '%s'", r->options->files.at[0]);
		return EXIT_USAGE;
	}
	if (!strcmp(as, "json")) {
		fprintf(r->out, "{\"epic\": \"%s\", \"edition\": 1, \"plan\": 1, \"glpk\": \"%s\", \"libcbor\": \"%s\", \"nettle\": \"%d.%d\"}\n",
			PACKAGE_VERSION, solver_version(), CBOR_VERSION, NETTLE_VERSION_MAJOR,
			NETTLE_VERSION_MINOR);
	} else if (!strcmp(as, "human")) {
		fprintf(r->out, "epic %s (edition 1, plan 1)\n", PACKAGE_VERSION);
		fprintf(r->out, "GLPK %s, libcbor %s, nettle %d.%d\n", solver_version(), CBOR_VERSION,
			NETTLE_VERSION_MAJOR, NETTLE_VERSION_MINOR);
		if (r->options->verbose)
			fprintf(r->out, "standard library: %s\n",
				r->options->search.std ? r->options->search.std : "not found");
	} else {
		run_error(r, "version --as takes human or json, not '%s'", as);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

const struct command command_version = {
	.name = "version",
	.arguments = "",
	.summary = "the version of the program and of its libraries",
	.run = run_version,
};
