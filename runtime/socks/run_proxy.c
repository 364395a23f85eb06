/* The commands that take clients: a target of a plan, an open proxy, a function by itself. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/core/options.h"
#include "runtime/socks/run.h"

/* Walks the arguments; OWN gets the command's own options. */
static int parse(struct run *r, const struct option_row *rows, int argc, char **argv,
		 int (*own)(struct run *, int which, const char *value))
{
	struct options o = { .rows = rows, .argc = argc, .argv = argv };
	int which, code = EXIT_DONE;

	while (!code && (which = options_next(&o)) != OPTIONS_END) {
		if (which == OPTIONS_BAD)
			code = run_complain(r, EXIT_USE, "%s", o.error);
		else if (which < RUN_N)
			code = run_option(r, which, o.value);
		else
			code = own(r, which, o.value);
	}
	return code;
}

static int help(const char *usage, const struct option_row *rows)
{
	puts(usage);
	options_help(rows, stdout);
	puts("\nSIGHUP reloads, SIGTERM drains, a second one ends.\n"
	     "Exit codes: 0 done, 2 wrong use or plan, 5 environment.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int no_words(struct run *r, const char *word)
{
	return run_complain(r, EXIT_USE, "what is '%s'? See --help", word);
}

/* ---- a target of a plan ---- */

enum { PROXY_PLAN = RUN_N, PROXY_TARGET };

static const struct option_row proxy_rows[] = {
	RUN_ROWS,
	[PROXY_PLAN] = { "--plan", NULL, "FILE", "the plan that epic compile has written" },
	[PROXY_TARGET] = { "--target", NULL, "NAME",
			   "which of its socks targets; all of one proxy (repeatable)" },
	[PROXY_TARGET + 1] = { NULL, NULL, NULL, NULL },
};

static int proxy_option(struct run *r, int which, const char *value)
{
	switch (which) {
	case PROXY_PLAN:
		r->options.plan = value;
		return EXIT_DONE;
	case PROXY_TARGET:
		return run_list(&r->targets, value) ? EXIT_DONE
						    : run_complain(r, EXIT_USE, "too many targets");
	default:
		return no_words(r, value);
	}
}

int proxy_main(int argc, char **argv)
{
	char name[256];
	struct run r;
	int code;

	run_defaults(&r, "epic-socksd");
	code = parse(&r, proxy_rows, argc, argv, proxy_option);
	if (code)
		return code;
	if (r.help)
		return help("Usage: epic-socksd --plan FILE [--target NAME]... [OPTIONS]\n"
			    "       epic-socksd open|function|redirect|stats|ask|audit --help\n\n"
			    "Carries the flows of a plan across their bridges: SOCKS5, SOCKS6.\n",
			    proxy_rows);
	if (!r.options.plan)
		return run_complain(&r, EXIT_USE, "which plan? Give --plan FILE");
	r.options.role = ROLE_PROXY;
	snprintf(name, sizeof(name), "socksd-%s", r.targets.n ? r.targets.at[0] : "proxy");
	r.name = name;
	return run_serve(&r);
}

/* ---- without a plan ---- */

enum { OPEN_LISTEN = RUN_N, OPEN_ALLOW, OPEN_VERSION, OPEN_FAST_OPEN, OPEN_WARM };

static const struct option_row open_rows[] = {
	RUN_ROWS,
	[OPEN_LISTEN] = { "--listen", NULL, "ADDRESS:PORT", "where (127.0.0.1:1080)" },
	[OPEN_ALLOW] = { "--allow", NULL, "PREFIX",
			 "destinations; none: this machine's own (repeatable)" },
	[OPEN_VERSION] = { "--version", NULL, "5|6|both", "of SOCKS (both)" },
	[OPEN_FAST_OPEN] = { "--fast-open", NULL, NULL,
			     "TCP Fast Open; only if first bytes may be delivered twice" },
	[OPEN_WARM] = { "--warm", NULL, "N", "connections kept open in advance for each server" },
	[OPEN_WARM + 1] = { NULL, NULL, NULL, NULL },
};

static int open_version(struct run *r, const char *value)
{
	if (strcmp(value, "5") && strcmp(value, "6") && strcmp(value, "both"))
		return run_complain(r, EXIT_USE, "--version is 5, 6 or both, not '%s'", value);
	r->options.version = *value == 'b' ? 0 : *value - '0';
	return EXIT_DONE;
}

static int warm(struct run *r, const char *value)
{
	double n;

	if (!options_number(value, 0, 64, &n))
		return run_complain(r, EXIT_USE, "--warm takes a number from 0 to 64");
	r->options.warm = (unsigned)n;
	return EXIT_DONE;
}

static int open_option(struct run *r, int which, const char *value)
{
	switch (which) {
	case OPEN_LISTEN:
		return run_address(value, "127.0.0.1", &r->options.listen)
			   ? EXIT_DONE
			   : run_complain(r, EXIT_USE, "'%s' is no ADDRESS:PORT", value);
	case OPEN_ALLOW:
		return run_list(&r->allow, value) ? EXIT_DONE
						  : run_complain(r, EXIT_USE, "too many prefixes");
	case OPEN_VERSION:
		return open_version(r, value);
	case OPEN_FAST_OPEN:
		r->options.fast_open = true;
		return EXIT_DONE;
	case OPEN_WARM:
		return warm(r, value);
	default:
		return no_words(r, value);
	}
}

int open_main(int argc, char **argv)
{
	struct run r;
	int code;

	run_defaults(&r, "epic-socksd open");
	run_address("127.0.0.1:1080", "", &r.options.listen);
	code = parse(&r, open_rows, argc, argv, open_option);
	if (code)
		return code;
	if (r.help)
		return help("Usage: epic-socksd open [OPTIONS]\n\n"
			    "A proxy without a policy, for tests and measurements.\n",
			    open_rows);
	r.options.role = ROLE_OPEN;
	r.name = "socksd-open";
	return run_serve(&r);
}

/* ---- a function by itself ---- */

enum { FUNCTION_NAME = RUN_N, FUNCTION_CLASS, FUNCTION_LISTEN, FUNCTION_ALLOW };

static const struct option_row function_rows[] = {
	RUN_ROWS,
	[FUNCTION_NAME] = { "--name", NULL, "NAME", "of the policy, like std.bridges.recorder" },
	[FUNCTION_CLASS] = { "--class", NULL, "CLASS", "if the settings do not say" },
	[FUNCTION_LISTEN] = { "--listen", NULL, "ADDRESS:PORT", "where (127.0.0.1:9000)" },
	[FUNCTION_ALLOW] = { "--allow", NULL, "PREFIX",
			     "destinations; none: this machine's own (repeatable)" },
	[FUNCTION_ALLOW + 1] = { NULL, NULL, NULL, NULL },
};

static int function_option(struct run *r, int which, const char *value)
{
	switch (which) {
	case FUNCTION_NAME:
		r->options.function = value;
		return EXIT_DONE;
	case FUNCTION_CLASS:
		r->options.class = value;
		return EXIT_DONE;
	case FUNCTION_LISTEN:
		return open_option(r, OPEN_LISTEN, value);
	case FUNCTION_ALLOW:
		return open_option(r, OPEN_ALLOW, value);
	default:
		return no_words(r, value);
	}
}

int function_main(int argc, char **argv)
{
	char name[256];
	struct run r;
	int code;

	run_defaults(&r, "epic-socksd function");
	run_address("127.0.0.1:9000", "", &r.options.listen);
	code = parse(&r, function_rows, argc, argv, function_option);
	if (code)
		return code;
	if (r.help)
		return help(
		    "Usage: epic-socksd function --name NAME [OPTIONS]\n\n"
		    "One bridging function in a process of its own, which proxies reach by\n"
		    "\"links\" in their settings. It goes on as the chain that it is told says.\n",
		    function_rows);
	if (!r.options.function)
		return run_complain(&r, EXIT_USE, "which function? Give --name");
	r.options.role = ROLE_FUNCTION;
	snprintf(name, sizeof(name), "socksd-%s", r.options.function);
	r.name = name;
	return run_serve(&r);
}
