#include <config.h>

#include "runtime/dpdk/run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_version.h>

#include "runtime/core/control.h"
#include "runtime/core/options.h"
#include "runtime/core/output.h"
#include "runtime/dpdk/dataplane.h"
#include "runtime/dpdk/eal.h"
#include "runtime/dpdk/launch.h"
#include "runtime/dpdk/rates.h"
#include "runtime/dpdk/stats_forms.h"
#include "runtime/dpdk/telemetry.h"
#include "runtime/dpdk/top.h"

enum { EXIT_DONE = 0, EXIT_USE = 2, EXIT_ENVIRONMENT = 5, MOST_REPEATED = 64, POLL_MS = 20 };

enum {
	OPT_PLAN,
	OPT_TARGET,
	OPT_LAUNCH,
	OPT_DEVICE,
	OPT_REPLICAS,
	OPT_CORES,
	OPT_GENERATE,
	OPT_TIME,
	OPT_REPORT,
	OPT_RATES,
	OPT_CAPTURE,
	OPT_CONTROL,
	OPT_MBUFS,
	OPT_LOG_JSON,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION
};

static const struct option_row rows[] = {
	[OPT_PLAN] = { "--plan", NULL, "FILE", "the plan that epic compile has written" },
	[OPT_TARGET] = { "--target", NULL, "NAME",
			 "which of its targets; needed if several are for dpdk" },
	[OPT_LAUNCH] = { "--launch", NULL, "FILE",
			 "launch.json: plan, target, cores, EAL arguments" },
	[OPT_DEVICE] = { "--device", NULL, "NAME=DEVICE",
			 "binds a device of the policy: net_..., a PCI address, port:N, null, "
			 "generate, replay:FILE (repeatable)" },
	[OPT_REPLICAS] = { "--replicas", NULL, "N", "run N copies of the pipeline" },
	[OPT_CORES] = { "--cores", NULL, "LIST", "other cores than the plan's, like 0,1" },
	[OPT_GENERATE] = { "--generate", NULL, "TRAFFIC",
			   "traffic of the plan's classes at each source that is not bound, like "
			   "all, web=2Mpps:64B,voip or all=max" },
	[OPT_TIME] = { "--time", NULL, "SECONDS", "stop after so long" },
	[OPT_REPORT] = { "--report", NULL, "FILE",
			 "all counters at the end, as JSON; - is standard output" },
	[OPT_RATES] = { "--rates", NULL, "FILE", "the classes' rates at the end, as .epi" },
	[OPT_CAPTURE] = { "--capture", NULL, "FROM:TO=FILE",
			  "an edge's packets as pcap (repeatable)" },
	[OPT_CONTROL] = { "--control", NULL, "PATH", "the control socket; none: without" },
	[OPT_MBUFS] = { "--mbufs", NULL, "N", "how many packets may be on their way" },
	[OPT_LOG_JSON] = { "--log-json", NULL, NULL, "log lines as JSON" },
	[OPT_QUIET] = { "--quiet", "-q", NULL, "only warnings and errors" },
	[OPT_HELP] = { "--help", "-h", NULL, "this text" },
	[OPT_VERSION] = { "--version", "-V", NULL,
			  "versions of the program, of plans and of DPDK" },
	{ NULL, NULL, NULL, NULL },
};

struct repeated {
	char *at[MOST_REPEATED];
	size_t n;
};

struct run {
	struct log log;
	struct dataplane_request request;
	const char *plan, *target, *launch, *report, *rates, *control, *cores;
	struct repeated devices, captures;
	double seconds, n_copies, n_mbufs;
	bool help, version;
	struct eal eal;
	struct launch launched;
	struct dataplane_needs needs;
	unsigned *lcores;
	struct dataplane *dataplane;
	struct control *socket;
	bool stop;
};

/* Set by signals only. */
static volatile sig_atomic_t asked_to_stop, asked_to_reload;

static int complain(struct run *r, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(struct run *r, int code, const char *format, ...)
{
	va_list arguments;
	char text[1024];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (r->log.json)
		log_event(&r->log, LOG_LEVEL_ERROR, "start", text, NULL);
	else
		fprintf(stderr, "epic-dpdkd: %s\n", text);
	return code;
}

/* ---- the command line ---- */

static bool repeat(struct repeated *list, char *value)
{
	if (list->n == MOST_REPEATED)
		return false;
	list->at[list->n++] = value;
	return true;
}

static bool take_number(const char *text, double low, double high, double *value)
{
	return options_number(text, low, high, value);
}

static bool take(struct run *r, int which, char *value)
{
	switch (which) {
	case OPT_PLAN:
		r->plan = value;
		return true;
	case OPT_TARGET:
		r->target = value;
		return true;
	case OPT_LAUNCH:
		r->launch = value;
		return true;
	case OPT_DEVICE:
		return repeat(&r->devices, value);
	case OPT_REPLICAS:
		return take_number(value, 1, 1024, &r->n_copies);
	case OPT_CORES:
		r->cores = value;
		return true;
	case OPT_GENERATE:
		r->request.generate = value;
		return true;
	case OPT_TIME:
		return take_number(value, 0.001, 1e9, &r->seconds);
	case OPT_REPORT:
		r->report = value;
		return true;
	case OPT_RATES:
		r->rates = value;
		return true;
	case OPT_CAPTURE:
		return repeat(&r->captures, value);
	case OPT_CONTROL:
		r->control = value;
		return true;
	case OPT_MBUFS:
		return take_number(value, 1024, 1 << 26, &r->n_mbufs);
	case OPT_LOG_JSON:
		r->log.json = true;
		return true;
	case OPT_QUIET:
		r->log.most = LOG_LEVEL_WARNING;
		return true;
	case OPT_VERSION:
		r->version = true;
		return true;
	default:
		r->help = true;
		return true;
	}
}

/* The option that an argument names, and its value if it has one; -1: it is the EAL's. */
static int find_option(const char *argument, char **value)
{
	for (int i = 0; rows[i].name; i++) {
		size_t n = strlen(rows[i].name);

		*value = NULL;
		if (rows[i].brief && !strcmp(argument, rows[i].brief))
			return i;
		if (strncmp(argument, rows[i].name, n))
			continue;
		if (argument[n] == '=')
			*value = (char *)argument + n + 1;
		if (!argument[n] || argument[n] == '=')
			return i;
	}
	return -1;
}

/* What is no option of ours goes to the EAL, and all behind `--`. */
static int parse(struct run *r, int argc, char **argv)
{
	eal_add(&r->eal, argv[0]);
	for (int i = 1; i < argc; i++) {
		char *value;
		int which = strcmp(argv[i], "--") ? find_option(argv[i], &value) : -1;

		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				eal_add(&r->eal, argv[i]);
			break;
		}
		if (which < 0) {
			eal_add(&r->eal, argv[i]);
			continue;
		}
		if (rows[which].value && !value && i + 1 < argc)
			value = argv[++i];
		if (!rows[which].value != !value)
			return complain(r, EXIT_USE, "%s %s", rows[which].name,
					value ? "takes no value" : "needs a value");
		if (!take(r, which, value))
			return complain(r, EXIT_USE, "%s cannot be '%s'", rows[which].name, value);
	}
	return EXIT_DONE;
}

static int print_help(void)
{
	puts("Usage: epic-dpdkd --plan FILE [--target NAME] [OPTIONS] [EAL ARGUMENTS]\n"
	     "       epic-dpdkd --launch FILE [OPTIONS] [EAL ARGUMENTS]\n"
	     "       epic-dpdkd top | stats | ask | profile [--help]\n\n"
	     "Runs the pipelines of a plan on packets. SIGHUP loads the plan again, SIGTERM ends.\n"
	     "Arguments that are not listed here go to the EAL, as all behind --.\n");
	options_help(rows, stdout);
	puts("\nExit codes: 0 done, 2 wrong use or a plan that cannot run, 5 the machine lacks "
	     "something.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int print_version(void)
{
	printf("epic-dpdkd %s (plan %d, %s)\n", PACKAGE_VERSION, PLAN_VERSION_READ, rte_version());
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

/* ---- setting up ---- */

static int read_launch(struct run *r)
{
	struct launch_error error;

	if (!r->launch)
		return EXIT_DONE;
	if (!launch_read(r->launch, &r->launched, &error))
		return complain(r, EXIT_USE, "%s", error.text);
	r->plan = r->plan ? r->plan : r->launched.plan;
	r->target = r->target ? r->target : r->launched.target;
	for (size_t i = 0; i < r->launched.n_eal; i++)
		eal_add(&r->eal, r->launched.eal[i]);
	return EXIT_DONE;
}

static int choose_cores(struct run *r, size_t n)
{
	const char *at = r->cores;

	for (size_t i = 0; at && i < n; i++) {
		char *end;

		r->needs.cores[i] = (unsigned)strtoul(at, &end, 10);
		if (end == at || (*end && *end != ','))
			return complain(r, EXIT_USE, "--cores cannot be '%s'", r->cores);
		if (!*end && i + 1 < n)
			return complain(r, EXIT_USE, "--cores names %zu cores, but %zu workers run",
					i + 1, n);
		if (*end && i + 1 == n)
			return complain(r, EXIT_USE,
					"--cores names more than the %zu cores of the workers", n);
		at = end + 1;
	}
	for (size_t i = 0; !r->cores && i < n && i < r->launched.n_lcores; i++)
		r->needs.cores[i] = r->launched.lcores[i];
	return EXIT_DONE;
}

static int look(struct run *r)
{
	struct dataplane_error error;
	size_t n;
	int code;

	if (!r->plan)
		return complain(r, EXIT_USE, "which plan? Give --plan FILE or --launch FILE");
	if (!dataplane_look(r->plan, r->target, (unsigned)r->n_copies, &r->needs, &error))
		return complain(r, EXIT_USE, "%s", error.text);
	r->request.n_copies = r->n_copies ? (unsigned)r->n_copies : r->needs.n_copies;
	n = (size_t)r->request.n_copies * r->needs.n_workers;
	if ((code = choose_cores(r, n)))
		return code;
	r->lcores = calloc(n, sizeof(*r->lcores));
	for (size_t i = 0; r->lcores && i < n; i++)
		r->lcores[i] = (unsigned)i;
	r->request.lcores = r->lcores;
	r->request.n_lcores = n;
	r->request.n_mbufs = r->n_mbufs ? (unsigned)r->n_mbufs : r->needs.n_mbufs;
	return r->lcores ? EXIT_DONE : complain(r, EXIT_ENVIRONMENT, "no memory");
}

static bool is_binding_of(const char *binding, const char *name)
{
	size_t n = strlen(name);

	return !strncmp(binding, name, n) && binding[n] == '=';
}

/* The bus is probed for cards that are used, and for no other. */
static void allow_cards(struct run *r)
{
	for (size_t i = 0; i < r->needs.n_pci; i++) {
		bool bound = r->request.generate != NULL;

		for (size_t k = 0; k < r->devices.n; k++)
			bound = bound || is_binding_of(r->devices.at[k], r->needs.pci[i]);
		if (bound || r->launch)
			continue;
		eal_add(&r->eal, "-a");
		eal_add(&r->eal, r->needs.pci[i]);
	}
}

static int start_eal(struct run *r)
{
	struct eal_error error;

	allow_cards(r);

	if (!eal_complete(&r->eal, r->needs.cores, r->request.n_lcores, r->request.n_mbufs, &error))
		return complain(r, EXIT_USE, "%s", error.text);
	if (r->eal.without_huge_pages)
		log_event(&r->log, LOG_LEVEL_INFO, "start",
			  "there are no huge pages: ordinary memory is used", NULL);
	return eal_start(&r->eal, &error) ? EXIT_DONE
					  : complain(r, EXIT_ENVIRONMENT, "%s", error.text);
}

static void note_copies(struct run *r)
{
	char running[16], planned[16];

	if (r->request.n_copies == r->needs.n_copies)
		return;
	snprintf(running, sizeof(running), "%u", r->request.n_copies);
	snprintf(planned, sizeof(planned), "%u", r->needs.n_copies);
	log_event(&r->log, LOG_LEVEL_WARNING, "start", "other than planned many copies run",
		  "running", running, "planned", planned, NULL);
}

static int open_dataplane(struct run *r)
{
	struct dataplane_error error;

	r->request.plan = r->plan;
	r->request.target = r->needs.target;
	r->request.bindings = r->devices.at;
	r->request.n_bindings = r->devices.n;
	r->request.log = &r->log;
	r->dataplane = dataplane_open(&r->request, &error);
	if (!r->dataplane)
		return complain(r, EXIT_USE, "%s", error.text);
	return EXIT_DONE;
}

static int start_workers(struct run *r)
{
	struct dataplane_error error;

	if (!dataplane_start(r->dataplane, &error))
		return complain(r, EXIT_ENVIRONMENT, "%s", error.text);
	note_copies(r);
	log_event(&r->log, LOG_LEVEL_INFO, "start", "the plan is in force", "plan", r->plan,
		  "target", r->needs.target, NULL);
	return EXIT_DONE;
}

/* ---- commands ---- */

static bool answer(struct text *t, const char *what)
{
	text_puts(t, what);
	return true;
}

static bool tell_stats(void *arg, const char *form, struct text *t)
{
	struct run *r = arg;
	struct stats *s = dataplane_stats(r->dataplane);

	if (s && !strcmp(form, "prometheus"))
		stats_prometheus(t, s);
	else if (s && !strcmp(form, "human"))
		stats_human(t, NULL, s, 0);
	else if (s)
		stats_json(t, s);
	stats_free(s);
	return s;
}

static bool tell_rates(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;
	struct stats *s = dataplane_stats(r->dataplane);
	char *bytes = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&bytes, &n);
	bool good = s && f && rates_write(s, f);

	(void)argument;
	if (f)
		fclose(f);
	text_puts(t, good ? bytes : "no rates yet\n");
	free(bytes);
	stats_free(s);
	return good;
}

static bool do_reload(void *arg, const char *path, struct text *t)
{
	struct run *r = arg;
	struct dataplane_error error = { "no memory" };
	char pause[32];

	if (!dataplane_reload(r->dataplane, path, &error)) {
		log_event(&r->log, LOG_LEVEL_ERROR, "reload", "the old plan stays in force",
			  "reason", error.text, NULL);
		text_printf(t, "%s\n", error.text);
		return false;
	}
	snprintf(pause, sizeof(pause), "%.0f",
		 (double)r->dataplane->pause / (double)rte_get_tsc_hz() * 1e6);
	log_event(&r->log, LOG_LEVEL_INFO, "reload", "the new plan is in force", "plan",
		  r->dataplane->plan, "pause_us", pause, NULL);
	text_printf(t, "paused for %s us\n", pause);
	return true;
}

/* Splits `FROM:TO=FILE` or `FROM:TO` in place. */
static bool split_edge(char *text, char **from, char **to, char **path)
{
	*from = text;
	*to = strchr(text, ':');
	if (!*to)
		return false;
	*(*to)++ = '\0';
	*path = strchr(*to, '=');
	if (*path)
		*(*path)++ = '\0';
	return true;
}

static bool do_capture(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;
	struct dataplane_error error = { "write FROM:TO=FILE" };
	char *copy = strdup(argument), *from, *to, *path;
	bool good = copy && split_edge(copy, &from, &to, &path) && path &&
		    dataplane_capture(r->dataplane, from, to, path, &error);

	if (!good)
		text_printf(t, "%s\n", error.text);
	free(copy);
	return good;
}

static bool do_uncapture(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;
	struct dataplane_error error = { "write FROM:TO" };
	struct capture_facts facts;
	char *copy = strdup(argument), *from, *to, *path;
	bool good = copy && split_edge(copy, &from, &to, &path) &&
		    dataplane_uncapture(r->dataplane, from, to, &facts, &error);

	if (good)
		text_printf(t, "%" PRIu64 " packets written, %" PRIu64 " lost\n", facts.written,
			    facts.lost + facts.beyond);
	else
		text_printf(t, "%s\n", error.text);
	free(copy);
	return good;
}

static bool do_stop(void *arg, const char *argument, struct text *t)
{
	struct run *r = arg;

	(void)argument;
	r->stop = true;
	return answer(t, "stopping\n");
}

static const struct control_command commands[] = {
	{ "stats", "all counters: json (default), prometheus or human", tell_stats },
	{ "rates", "the classes' rates, as .epi", tell_rates },
	{ "reload", "[PLAN]: a new plan, or the same file again", do_reload },
	{ "capture", "FROM:TO=FILE: packets of an edge as pcap", do_capture },
	{ "uncapture", "FROM:TO: ends a capture", do_uncapture },
	{ "stop", "ends the dataplane", do_stop },
	{ NULL, NULL, NULL },
};

static int open_control(struct run *r)
{
	struct control_error error = { "no memory" };
	char *path;

	if (r->control && !strcmp(r->control, "none"))
		return EXIT_DONE;
	path = r->control ? strdup(r->control) : top_control(r->needs.target);
	r->socket = path ? control_open(path, commands, r, &error) : NULL;
	free(path);
	return r->socket ? EXIT_DONE : complain(r, EXIT_ENVIRONMENT, "%s", error.text);
}

static int open_captures(struct run *r)
{
	for (size_t i = 0; i < r->captures.n; i++) {
		struct text why = { 0 };

		if (!do_capture(r, r->captures.at[i], &why)) {
			complain(r, EXIT_USE, "--capture %s: %.*s", r->captures.at[i],
				 (int)strcspn(why.at, "\n"), why.at);
			text_free(&why);
			return EXIT_USE;
		}
		text_free(&why);
	}
	return EXIT_DONE;
}

/* ---- running ---- */

static void on_signal(int number)
{
	if (number == SIGHUP)
		asked_to_reload = 1;
	else
		asked_to_stop = 1;
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

static void wait_a_little(struct run *r)
{
	if (r->socket)
		control_serve(r->socket, POLL_MS);
	else
		usleep(POLL_MS * 1000);
	dataplane_poll(r->dataplane);
}

static void loop(struct run *r)
{
	uint64_t begin = rte_rdtsc();
	double hz = (double)rte_get_tsc_hz();

	while (!asked_to_stop && !r->stop && !dataplane_is_done(r->dataplane)) {
		if (r->seconds && (double)(rte_rdtsc() - begin) / hz >= r->seconds)
			break;
		if (asked_to_reload) {
			struct text t = { 0 };

			asked_to_reload = 0;
			do_reload(r, "", &t);
			text_free(&t);
		}
		wait_a_little(r);
	}
}

/* ---- the end ---- */

static int write_file(struct run *r, const char *path, const struct text *t)
{
	struct output_error error;

	return output_write(path, t->at, t->n, &error)
		   ? EXIT_DONE
		   : complain(r, EXIT_ENVIRONMENT, "%s", error.text);
}

static int report(struct run *r)
{
	struct text stats = { 0 }, rates = { 0 };
	int code = EXIT_DONE;

	if (r->report)
		code = tell_stats(r, "json", &stats) && !stats.failed
			   ? write_file(r, r->report, &stats)
			   : complain(r, EXIT_ENVIRONMENT, "no memory for the report");
	if (!code && r->rates)
		code = tell_rates(r, "", &rates) && !rates.failed
			   ? write_file(r, r->rates, &rates)
			   : complain(r, EXIT_ENVIRONMENT, "no rates to write");
	text_free(&stats);
	text_free(&rates);
	return code;
}

static struct stats *snapshot(void *arg)
{
	return dataplane_stats(arg);
}

static int serve(struct run *r)
{
	int code = open_dataplane(r);

	if (code || (code = open_captures(r)) || (code = open_control(r)) ||
	    (code = start_workers(r)))
		return code;
	telemetry_register(snapshot, r->dataplane);
	loop(r);
	telemetry_register(NULL, NULL);
	dataplane_stop(r->dataplane);
	return report(r);
}

int run_main(int argc, char **argv)
{
	struct run r = { .log = { .fd = STDERR_FILENO, .most = LOG_LEVEL_INFO, .times = true } };
	int code = parse(&r, argc, argv);

	if (!code && (r.help || r.version)) {
		code = r.help ? print_help() : print_version();
		goto end;
	}
	if (code || (code = read_launch(&r)) || (code = look(&r)))
		goto end;
	catch_signals();
	code = start_eal(&r);
	if (!code) {
		code = serve(&r);
		control_close(r.socket);
		dataplane_close(r.dataplane);
		eal_stop(&r.eal);
	}
end:
	eal_free(&r.eal);
	dataplane_forget(&r.needs);
	launch_free(&r.launched);
	free(r.lcores);
	return code;
}
