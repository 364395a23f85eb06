#include <config.h>

#include "compiler/tools/command.h"

static int run_check(struct run *r)
{
	struct texts files = { 0 };
	int code = EXIT_DONE;

	if (!r->options->files.n) {
		run_error(r, "check needs a FILE; epic help check tells more");
		return EXIT_USAGE;
	}
	if (!files_expand(r, &files))
		return EXIT_USAGE;
	for (size_t i = 0; i < files.n; i++) {
		struct policy p = policy_read(r->options, files.at[i], DEPTH_MOVEMENT);

		code = exit_worse(code, policy_report(r, &p));
		policy_close(&p);
	}
	print_end(r, code);
	return code;
}

const struct command command_check = {
	.name = "check",
	.arguments = "FILE|DIR|-...",
	.summary = "checks syntax, names, types, pipelines, classes, movement and slo statements",
	.run = run_check,
};
