#include <config.h>

#include "runtime/socks/run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/core/control.h"
#include "runtime/core/options.h"
#include "runtime/socks/lockdown.h"
#include "runtime/socks/status.h"

enum { POLL_MS = 200, MOST_THREADS = 256, LISTED = 10000 };

static volatile sig_atomic_t asked_to_stop, asked_to_reload;

int run_complain(const struct run *r, int code, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", r->program);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* ---- options ---- */

void run_defaults(struct run *r, const char *program)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	*r = (struct run){
		.program = program,
		.log = { .fd = STDERR_FILENO, .most = LOG_LEVEL_INFO, .times = true },
		.limits = { .request_ms = 10000, .connect_ms = 10000, .idle_ms = 3600000 },
		.threads = cores > 0 ? (double)cores : 1,
	};
}

bool run_list(struct list *l, const char *value)
{
	if (l->n == MOST_LISTED)
		return false;
	l->at[l->n++] = value;
	return true;
}

bool run_address(const char *text, const char *any, struct wire_address *at)
{
	char both[WIRE_TEXT_ROOM];

	snprintf(both, sizeof(both), strchr(text, ':') ? "%s" : "%2$s:%1$s", text, any);
	if (!wire_address_parse(both, strlen(both), at))
		return false;
	wire_address_settle(at);
	at->name = (struct wire_span){ 0 };
	return at->kind != WIRE_NAME;
}

static int number(struct run *r, const char *value, double most, double *n)
{
	return options_number(value, 0, most, n)
		   ? EXIT_DONE
		   : run_complain(r, EXIT_USE, "'%s' is no number from 0 to %.0f", value, most);
}

static int milliseconds(struct run *r, const char *value, uint32_t *ms)
{
	double seconds;
	int code = number(r, value, 1e6, &seconds);

	if (!code)
		*ms = (uint32_t)(seconds * 1000);
	return code;
}

static int count(struct run *r, const char *value, size_t *n)
{
	double d;
	int code = number(r, value, 1e9, &d);

	if (!code)
		*n = (size_t)d;
	return code;
}

static int threads(struct run *r, const char *value)
{
	int code = number(r, value, MOST_THREADS, &r->threads);

	return code || r->threads >= 1 ? code
				       : run_complain(r, EXIT_USE, "--threads must be 1 or more");
}

static int mark(struct run *r, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 0);

	if (*end || !*value || n > UINT32_MAX)
		return run_complain(r, EXIT_USE, "'%s' is no mark", value);
	r->options.mark = (uint32_t)n;
	return EXIT_DONE;
}

int run_option(struct run *r, int which, const char *value)
{
	switch (which) {
	case RUN_FUNCTIONS:
		r->options.functions = value;
		return EXIT_DONE;
	case RUN_THREADS:
		return threads(r, value);
	case RUN_IDLE_TIME:
		return milliseconds(r, value, &r->limits.idle_ms);
	case RUN_REQUEST_TIME:
		return milliseconds(r, value, &r->limits.request_ms);
	case RUN_CONNECT_TIME:
		return milliseconds(r, value, &r->limits.connect_ms);
	case RUN_PER_CLIENT:
		return count(r, value, &r->limits.most_each);
	case RUN_MOST:
		return count(r, value, &r->limits.most);
	case RUN_MARK:
		return mark(r, value);
	case RUN_USER:
		r->user = value;
		return EXIT_DONE;
	case RUN_NO_SECCOMP:
		r->without_seccomp = true;
		return EXIT_DONE;
	case RUN_CONTROL:
		r->control = value;
		return EXIT_DONE;
	case RUN_LOG_JSON:
		r->log.json = true;
		return EXIT_DONE;
	case RUN_QUIET:
		r->quiet = true;
		return EXIT_DONE;
	default:
		r->help = true;
		return EXIT_DONE;
	}
}

/* ---- commands ---- */

static bool tell_stats(void *arg, const char *form, struct text *t)
{
	struct run *r = arg;

	if (!strcmp(form, "prometheus"))
		status_prometheus(&r->server, t);
	else if (!strcmp(form, "human"))
		status_human(&r->server, t);
	else
		status_json(&r->server, t);
	return !t->failed;
}

static bool tell_connections(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;

	(void)argument;
	status_connections(&r->server, t, LISTED);
	return !t->failed;
}

static bool do_reload(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;
	struct server_error error;
	struct reload_facts facts;
	char kept[24], ended[24];

	(void)argument;
	if (!server_reload(&r->server, &facts, &error)) {
		log_event(&r->log, LOG_LEVEL_ERROR, "reload", "the old policy stays in force",
			  "reason", error.text, NULL);
		text_printf(t, "%s\n", error.text);
		return false;
	}
	snprintf(kept, sizeof(kept), "%zu", facts.kept);
	snprintf(ended, sizeof(ended), "%zu", facts.ended);
	log_event(&r->log, LOG_LEVEL_INFO, "reload", "the new policy is in force", "kept", kept,
		  "ended", ended, NULL);
	text_printf(t, "%s connections kept, %s ended\n", kept, ended);
	return true;
}

/* `function NAME WORDS`: the function's own commands. */
static bool do_function(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;
	size_t n = strcspn(argument, " ");
	char name[256];
	struct instance *i;

	snprintf(name, sizeof(name), "%.*s", (int)n, argument);
	i = setup_instance(r->server.setup, name);
	if (!i || !i->function || !i->class->command) {
		text_printf(t, i ? "%s takes no commands\n" : "there is no function '%s' here\n",
			    name);
		return false;
	}
	return i->class->command(i->function, argument + n + (argument[n] == ' '), t);
}

static bool do_drain(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;

	(void)argument;
	r->drain = true;
	text_puts(t, "takes no more connections, ends with the last one\n");
	return true;
}

static bool do_stop(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;

	(void)argument;
	r->stop = true;
	text_puts(t, "stopping\n");
	return true;
}

static const struct control_command commands[] = {
	{ "stats", "all counters: json (default), prometheus or human", tell_stats },
	{ "connections", "the open connections, a line each", tell_connections },
	{ "function", "NAME WORDS: a command for a bridging function", do_function },
	{ "reload", "reads plan, users, certificates and settings again", do_reload },
	{ "drain", "takes no more connections, ends with the last one", do_drain },
	{ "stop", "ends all connections", do_stop },
	{ NULL, NULL, NULL },
};

static int open_control(struct run *r)
{
	struct control_error error = { "no memory" };
	char *path;

	if (r->control && !strcmp(r->control, "none"))
		return EXIT_DONE;
	path = r->control ? strdup(r->control) : control_path(r->name);
	r->socket = path ? control_open(path, commands, r, &error) : NULL;
	free(path);
	return r->socket ? EXIT_DONE : run_complain(r, EXIT_ENVIRONMENT, "%s", error.text);
}

/* ---- serving ---- */

static void on_signal(int signal_number)
{
	if (signal_number == SIGHUP)
		asked_to_reload = 1;
	else
		asked_to_stop++;
}

static void catch_signals(void)
{
	struct sigaction a = { .sa_handler = on_signal };

	sigemptyset(&a.sa_mask);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Only the main thread answers signals, since it alone is waiting for them. */
static void block_signals(bool block)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

static bool needs_programs(const struct setup *s)
{
	for (size_t i = 0; i < s->n_instances; i++)
		if (s->instances[i].class && s->instances[i].class->pipe)
			return true;
	return false;
}

/* Before anything is opened, so that what a reload could not open fails at the start. */
static int become_user(struct run *r)
{
	struct lockdown_error error;

	return !r->user || lockdown_user(r->user, r->options.mark || r->options.tproxy, &error)
		   ? EXIT_DONE
		   : run_complain(r, EXIT_ENVIRONMENT, "%s", error.text);
}

static void give_up_calls(struct run *r)
{
	struct lockdown_error error;
	bool may_exec = r->may_exec || needs_programs(r->server.setup);

	if (!r->without_seccomp && !lockdown_calls(may_exec, &error))
		log_event(&r->log, LOG_LEVEL_WARNING, "start", "all system calls stay allowed",
			  "reason", error.text, NULL);
}

static void log_start(struct run *r)
{
	for (size_t i = 0; i < r->server.setup->n_fronts; i++) {
		char at[WIRE_TEXT_ROOM] = "";

		wire_address_text(&r->server.setup->fronts[i].at, at, sizeof(at));
		log_event(&r->log, LOG_LEVEL_INFO, "start", "takes connections", "address", at,
			  NULL);
	}
}

static void drain_begin(struct run *r)
{
	char open[24];

	snprintf(open, sizeof(open), "%zu", server_count(&r->server));
	log_event(&r->log, LOG_LEVEL_INFO, "drain", "takes no more connections", "open", open,
		  NULL);
	server_drain(&r->server);
}

static void wait_a_little(struct run *r)
{
	if (r->socket)
		control_serve(r->socket, POLL_MS);
	else
		usleep(POLL_MS * 1000);
	if (asked_to_reload) {
		struct text t = { 0 };

		asked_to_reload = 0;
		do_reload(r, "", &t);
		text_free(&t);
	}
	server_reap(&r->server);
}

/* The first signal drains, the second ends all. */
static void serve(struct run *r)
{
	bool draining = false;

	while (!r->stop && asked_to_stop < 2) {
		wait_a_little(r);
		if ((asked_to_stop || r->drain) && !draining) {
			draining = true;
			drain_begin(r);
		}
		if (draining && !server_count(&r->server))
			return;
	}
}

int run_serve(struct run *r)
{
	struct server_error error;
	int code;

	raise_files();
	r->options.log = &r->log;
	r->options.targets = r->targets.at;
	r->options.n_targets = r->targets.n;
	r->options.allow = r->allow.at;
	r->options.n_allow = r->allow.n;
	r->server = (struct server){ .options = &r->options,
				     .limits = r->limits,
				     .log = &r->log,
				     .log_connections = !r->quiet };
	catch_signals();
	block_signals(true);
	code = become_user(r);
	if (!code && !server_open(&r->server, (unsigned)r->threads, &error))
		code =
		    run_complain(r, error.is_setup ? EXIT_USE : EXIT_ENVIRONMENT, "%s", error.text);
	if (!code && !(code = open_control(r)))
		give_up_calls(r);
	if (!code && !server_start(&r->server, &error))
		code = run_complain(r, EXIT_ENVIRONMENT, "%s", error.text);
	if (!code) {
		block_signals(false);
		log_start(r);
		serve(r);
	}
	control_close(r->socket);
	server_close(&r->server);
	return code;
}
