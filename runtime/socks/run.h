/* The commands of epic-socksd.  ARGV[0] is the command's name; they return the exit code of
 * doc/cli.md. */
#ifndef EPIC_SOCKS_RUN_H
#define EPIC_SOCKS_RUN_H

#include "runtime/socks/redirect.h"
#include "runtime/socks/server.h"

enum { EXIT_DONE = 0, EXIT_FINDINGS = 1, EXIT_USE = 2, EXIT_ENVIRONMENT = 5 };

int proxy_main(int argc, char **argv);    /* a target of a plan; also `epic-socksd --plan F ...` */
int open_main(int argc, char **argv);     /* without a plan */
int function_main(int argc, char **argv); /* one function by itself */
int redirect_main(int argc, char **argv);
int stats_main(int argc, char **argv);
int audit_main(int argc, char **argv);

/* ---- for the files of commands ---- */

enum { MOST_LISTED = 256 };

struct list {
	const char *at[MOST_LISTED];
	size_t n;
};

/* What the commands that serve have in common. */
struct run {
	const char *program; /* as in messages: "epic-socksd open" */
	struct log log;
	struct setup_options options;
	struct list targets, allow;
	struct limits limits;
	const char *control, *user;
	const char *name; /* of the control socket, if CONTROL is NULL */
	double threads;
	bool quiet, without_seccomp, may_exec, help;
	struct server server;
	struct control *socket;
	bool stop, drain;
};

/* Options of all commands that serve; the command's own rows stand behind them. */
enum {
	RUN_FUNCTIONS,
	RUN_THREADS,
	RUN_IDLE_TIME,
	RUN_REQUEST_TIME,
	RUN_CONNECT_TIME,
	RUN_PER_CLIENT,
	RUN_MOST,
	RUN_MARK,
	RUN_USER,
	RUN_NO_SECCOMP,
	RUN_CONTROL,
	RUN_LOG_JSON,
	RUN_QUIET,
	RUN_HELP,
	RUN_N
};

#define RUN_ROWS                                                                               \
	[RUN_FUNCTIONS] = { "--functions", NULL, "FILE",                                       \
			    "settings of the bridging functions, JSON" },                      \
	[RUN_THREADS] = { "--threads", NULL, "N", "as many threads (one per core)" },          \
	[RUN_IDLE_TIME] = { "--idle-time", NULL, "SECONDS",                                    \
			    "ends connections that rest so long; 0: none (3600)" },            \
	[RUN_REQUEST_TIME] = { "--request-time", NULL, "SECONDS",                              \
			       "for a client's whole request (10)" },                          \
	[RUN_CONNECT_TIME] = { "--connect-time", NULL, "SECONDS",                              \
			       "until a server must have answered (10)" },                     \
	[RUN_PER_CLIENT] = { "--per-client", NULL, "N",                                        \
			     "connections of one client at once; 0: any number (0)" },         \
	[RUN_MOST] = { "--most", NULL, "N", "connections of all at once; 0: any number (0)" }, \
	[RUN_MARK] = { "--mark", NULL, "N", "mark of own connections, see nftables" },         \
	[RUN_USER] = { "--user", NULL, "NAME", "gives up root and becomes this user" },        \
	[RUN_NO_SECCOMP] = { "--no-seccomp", NULL, NULL, "all system calls stay allowed" },    \
	[RUN_CONTROL] = { "--control", NULL, "PATH", "the control socket; none: without" },    \
	[RUN_LOG_JSON] = { "--log-json", NULL, NULL, "log lines as JSON" },                    \
	[RUN_QUIET] = { "--quiet", "-q", NULL, "no line for each connection" },                \
	[RUN_HELP] = { "--help", "-h", NULL, "this text" }

void run_defaults(struct run *, const char *program);
/* Of one of the options above.  Returns an exit code. */
int run_option(struct run *, int which, const char *value);
int run_complain(const struct run *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Serves until it is stopped; the exit code. */
int run_serve(struct run *);
bool run_list(struct list *, const char *value);
/* `ADDRESS:PORT`; a port alone is of ANY. */
bool run_address(const char *text, const char *any, struct wire_address *);

#endif
