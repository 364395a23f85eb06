/* `epic-socksd stats` and `epic-socksd audit`. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/control.h"
#include "runtime/core/options.h"
#include "runtime/socks/functions/audit_log.h"
#include "runtime/socks/run.h"

enum { ANSWER_SECONDS = 10 };

enum { STATS_CONTROL, STATS_TARGET, STATS_AS, STATS_HELP };

static const struct option_row stats_rows[] = {
	[STATS_CONTROL] = { "--control", NULL, "PATH", "the control socket" },
	[STATS_TARGET] = { "--target", NULL, "NAME", "the proxy that runs this target" },
	[STATS_AS] = { "--as", NULL, "human|json|prometheus", "form (human)" },
	[STATS_HELP] = { "--help", "-h", NULL, "this text" },
	{ NULL, NULL, NULL, NULL },
};

static int complain(const char *command, const char *why)
{
	fprintf(stderr, "epic-socksd %s: %s\n", command, why);
	return EXIT_USE;
}

static int stats_help(void)
{
	puts("Usage: epic-socksd stats (--control PATH | --target NAME) [--as FORM]\n");
	options_help(stats_rows, stdout);
	puts("\nExit codes: 0 done, 2 wrong use, 5 nobody answers.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int stats_show(const char *control, const char *target, const char *as)
{
	struct text name = { 0 }, answer = { 0 };
	char line[64];
	char *path;
	bool good;

	text_printf(&name, "socksd-%s", target ? target : "");
	path = control ? strdup(control) : control_path(name.at);
	snprintf(line, sizeof(line), "stats %s", as);
	good = path && control_ask(path, line, ANSWER_SECONDS, &answer);
	if (answer.at)
		fputs(answer.at, good ? stdout : stderr);
	text_free(&name);
	text_free(&answer);
	free(path);
	return good && !fflush(stdout) ? EXIT_DONE : EXIT_ENVIRONMENT;
}

int stats_main(int argc, char **argv)
{
	struct options o = { .rows = stats_rows, .argc = argc, .argv = argv };
	const char *control = NULL, *target = NULL, *as = "human";
	int which;

	while ((which = options_next(&o)) != OPTIONS_END) {
		if (which == OPTIONS_BAD)
			return complain("stats", o.error);
		if (which == STATS_HELP)
			return stats_help();
		if (which == OPTIONS_WORD)
			return complain("stats", "it takes no words, see --help");
		if (which == STATS_CONTROL)
			control = o.value;
		if (which == STATS_TARGET)
			target = o.value;
		if (which == STATS_AS)
			as = o.value;
	}
	if (strcmp(as, "human") && strcmp(as, "json") && strcmp(as, "prometheus"))
		return complain("stats", "--as is human, json or prometheus");
	if (!control && !target)
		return complain("stats", "whose? Give --control PATH or --target NAME");
	return stats_show(control, target, as);
}

/* ---- audit ---- */

static int audit_help(void)
{
	puts("Usage: epic-socksd audit [--key-file FILE] LOG...\n\n"
	     "Checks logs of the recorder: whether a line was changed, removed, added or cut.\n\n"
	     "Exit codes: 0 unbroken, 1 broken, 2 wrong use.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

int audit_main(int argc, char **argv)
{
	const char *key = argc > 2 && !strcmp(argv[1], "--key-file") ? argv[2] : NULL;
	bool good = true;

	if (argc < (key ? 4 : 2))
		return complain("audit", "which log? See --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return audit_help();
	for (int i = key ? 3 : 1; i < argc; i++) {
		struct text report = { 0 };
		bool unbroken = audit_log_verify_key(argv[i], key, &report);

		fputs(report.at ? report.at : "no memory\n", unbroken ? stdout : stderr);
		good = good && unbroken;
		text_free(&report);
	}
	if (fflush(stdout))
		return EXIT_ENVIRONMENT;
	return good ? EXIT_DONE : EXIT_FINDINGS;
}
