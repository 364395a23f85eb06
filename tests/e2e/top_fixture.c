/* The clients of a dataplane, and a control socket that serves made-up statistics to them.
 *
 *	top_fixture serve PATH [MILLISECONDS]	a step of the statistics every so often (1000)
 *	top_fixture top|stats ...		the commands of epic-dpdkd */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/core/control.h"
#include "runtime/dpdk/stats_forms.h"
#include "runtime/dpdk/top.h"
#include "tests/unit/made_stats.h"

static volatile sig_atomic_t ends;

static void on_signal(int signal_number)
{
	(void)signal_number;
	ends = 1;
}

struct clock {
	struct timespec begin;
	double step; /* seconds */
};

static bool run_stats(void *arg, const char *argument, struct text *answer)
{
	const struct clock *c = arg;
	struct timespec now;
	struct stats *s;

	(void)argument;
	clock_gettime(CLOCK_MONOTONIC, &now);
	s = made_stats(1 + (unsigned)(((double)(now.tv_sec - c->begin.tv_sec) +
				       (double)(now.tv_nsec - c->begin.tv_nsec) / 1e9) /
				      c->step));
	stats_json(answer, s);
	stats_free(s);
	return true;
}

static bool run_odd(void *arg, const char *argument, struct text *answer)
{
	(void)arg;
	(void)argument;
	text_puts(answer, "{\"schema\":\"epic.dpdkd/99\"}\n");
	return true;
}

static int serve(const char *path, const char *milliseconds, bool odd)
{
	const struct control_command commands[] = {
		{ "stats", "made-up statistics", odd ? run_odd : run_stats }, { NULL, NULL, NULL }
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct clock clock = { .step = milliseconds ? atof(milliseconds) / 1000 : 1 };
	struct control_error error;
	struct control *control = control_open(path, commands, &clock, &error);

	if (!control) {
		fprintf(stderr, "%s\n", error.text);
		return 5;
	}
	sigaction(SIGTERM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &clock.begin);
	puts("ready");
	fflush(stdout);
	while (!ends)
		control_serve(control, 1000);
	control_close(control);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "serve"))
		return serve(argv[2], argc > 3 ? argv[3] : NULL, false);
	if (argc > 2 && !strcmp(argv[1], "serve-odd"))
		return serve(argv[2], NULL, true);
	if (argc > 1 && !strcmp(argv[1], "top"))
		return top_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "stats"))
		return stats_main(argc - 1, argv + 1);
	return 2;
}
