/* `epic graph`: hands the plan to epic-graph. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/cbor/cbor.h"
#include "compiler/base/vec.h"
#include "compiler/tools/command.h"
#include "compiler/tools/graph.h"

/* Beside this program, else in PATH. */
static const char *find_program(struct arena *a)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *beside;
	char *slash;

	if (n <= 0)
		return "epic-graph";
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	beside = arena_printf(a, "%s/epic-graph", self);
	return access(beside, X_OK) == 0 ? beside : "epic-graph";
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_ENVIRONMENT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_ENVIRONMENT;
}

/* What epic-graph is told: the flags of `epic graph`, of which `epic compile` has none. */
static char *const *arguments(const struct options *o, const char *plan, const char *view,
			      const char *form, const char *output)
{
	struct texts argv = { 0 };

	vec_push(o->arena, &argv, "epic-graph");
	if (view)
		vec_push(o->arena, &argv, arena_printf(o->arena, "--view=%s", view));
	vec_push(o->arena, &argv, arena_printf(o->arena, "--as=%s", form));
	for (size_t i = 0; i < o->focus.n; i++)
		vec_push(o->arena, &argv, arena_printf(o->arena, "--focus=%s", o->focus.at[i]));
	for (size_t i = 0; i < o->collapse.n; i++)
		vec_push(o->arena, &argv, arena_printf(o->arena, "--collapse=%s", o->collapse.at[i]));
	if (o->depth)
		vec_push(o->arena, &argv, arena_printf(o->arena, "--depth=%s", o->depth));
	if (o->internal)
		vec_push(o->arena, &argv, "--internal");
	vec_push(o->arena, &argv, arena_printf(o->arena, "--output=%s", output));
	vec_push(o->arena, &argv, "--");
	vec_push(o->arena, &argv, plan);
	vec_push(o->arena, &argv, NULL);
	return (char *const *)argv.at;
}

int graph_run(struct run *r, const char *plan, const char *view, const char *form, const char *output)
{
	const char *program = find_program(r->options->arena);
	char *const *argv = arguments(r->options, plan, view, form, output);
	pid_t pid;
	int code;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		execvp(program, argv);
		_exit(127);
	}
	code = pid < 0 ? EXIT_ENVIRONMENT : wait_for(pid);
	if (code != 127)
		return code;
	run_error(r, "epic-graph was found neither beside epic nor in PATH; it makes the drawings");
	return EXIT_ENVIRONMENT;
}

static bool is_plan(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && !strcmp(path + n - 5, ".plan");
}

/* The plan goes into a file of its own that is gone afterwards. */
static int draw_policy(struct run *r, const char *path, const char *form, const char *output)
{
	struct policy p = policy_read(r->options, path, DEPTH_PLAN);
	char temporary[] = "/tmp/epic-graph.XXXXXX";
	struct sink s = { 0 };
	int fd, code;

	policy_report(r, &p);
	if (!p.plan) {
		code = policy_code(&p);
		policy_close(&p);
		return code;
	}
	cbor_emit(p.plan, &s);
	fd = mkstemp(temporary);
	if (fd < 0 || close(fd) < 0 || !file_write(temporary, &s)) {
		run_error(r, "cannot write %s: %s", temporary, strerror(errno));
		code = EXIT_ENVIRONMENT;
	} else {
		code = graph_run(r, temporary, r->options->view, form, output);
	}
	unlink(temporary);
	sink_free(&s);
	policy_close(&p);
	return code;
}

static int run_graph(struct run *r)
{
	const struct texts *files = &r->options->files;
	const char *form = r->options->as ? r->options->as : "svg";
	const char *output = r->options->output ? r->options->output : "-";
	int code;

	if (files->n != 1) {
		run_error(r, "graph needs one FILE; epic help graph tells more");
		return EXIT_USAGE;
	}
	code = is_plan(files->at[0]) ? graph_run(r, files->at[0], r->options->view, form, output) :
				       draw_policy(r, files->at[0], form, output);
	print_end(r, code);
	return code;
}

const struct command command_graph = {
	.name = "graph",
	.arguments = "FILE",
	.summary = "a drawing of a policy or plan",
	.help = ".\nFILE is an .epi file or a .plan; the drawing goes to standard output, or to -o FILE.\n"
		"epic-graph draws it",
	.run = run_graph,
	.result = true,
};
