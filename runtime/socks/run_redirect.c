/* `epic-socksd redirect`: the rules, and the process that they redirect connections to. */
#include <config.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/options.h"
#include "runtime/socks/run.h"

enum { DEFAULT_PORT = 12345, TPROXY_MARK = REDIRECT_MARK + 1, LINE = 512, PREFIX_ROOM = 64 };

enum {
	OPT_PLAN = RUN_N,
	OPT_TARGET,
	OPT_PROXY,
	OPT_CATCH,
	OPT_PORT,
	OPT_ROUTED,
	OPT_TPROXY,
	OPT_EXCEPT,
	OPT_TABLE,
	OPT_FAST_OPEN,
	OPT_WARM,
	OPT_CREDENTIALS,
	OPT_AUTHORITY,
	OPT_CERTIFICATE,
	OPT_KEY,
	OPT_EPI,
	OPT_PRINT,
	OPT_CHECK,
	OPT_INSTALL,
	OPT_REMOVE,
	OPT_RUN,
	N_OPTIONS
};

static const struct option_row rows[] = {
	RUN_ROWS,
	[OPT_PLAN] = { "--plan", NULL, "FILE",
		       "catches the flows of a plan and takes them to its proxy" },
	[OPT_TARGET] = { "--target", NULL, "NAME", "which of its socks targets (repeatable)" },
	[OPT_PROXY] = { "--proxy", NULL, "URL", "socks5://ADDRESS:PORT or socks6://ADDRESS:PORT" },
	[OPT_CATCH] = { "--catch", NULL, "PREFIX:PORTS",
			"destinations, like 10.1.0.0/24:443, [2001:db8::/32]:1-1023 (repeatable)" },
	[OPT_PORT] = { "--port", NULL, "PORT", "the redirector's own (12345)" },
	[OPT_ROUTED] = { "--routed", NULL, NULL,
			 "connections of others that this machine routes, too" },
	[OPT_TPROXY] = { "--tproxy", NULL, NULL, "those by TPROXY in place of a redirection" },
	[OPT_EXCEPT] = { "--except-user", NULL, "NAME", "whose connections are left alone" },
	[OPT_TABLE] = { "--table", NULL, "NAME", "of nftables (epic)" },
	[OPT_FAST_OPEN] = { "--fast-open", NULL, NULL,
			    "TCP Fast Open; only if first bytes may be delivered twice" },
	[OPT_WARM] = { "--warm", NULL, "N", "connections to the proxy kept open in advance" },
	[OPT_CREDENTIALS] = { "--credentials", NULL, "FILE", "user:password for the proxy" },
	[OPT_AUTHORITY] = { "--authority", NULL, "FILE", "the proxy under TLS, signed by this" },
	[OPT_CERTIFICATE] = { "--certificate", NULL, "FILE", "to show to the proxy" },
	[OPT_KEY] = { "--certificate-key", NULL, "FILE", "of that certificate" },
	[OPT_EPI] = { "--epi", NULL, NULL, "the dialect of the published prototype" },
	[OPT_PRINT] = { "--print", NULL, NULL, "prints the rules for nft -f" },
	[OPT_CHECK] = { "--check", NULL, NULL, "asks nft whether it would take them" },
	[OPT_INSTALL] = { "--install", NULL, NULL,
			  "puts them in force; with --run until that ends" },
	[OPT_REMOVE] = { "--remove", NULL, NULL, "takes them away" },
	[OPT_RUN] = { "--run", NULL, NULL, "takes the connections" },
	[N_OPTIONS] = { NULL, NULL, NULL, NULL },
};

struct redirecting {
	struct run run;
	struct list catches;
	const char *proxy, *except, *table, *credentials;
	char user[LINE];
	uint16_t port;
	bool routed, deeds[N_OPTIONS];
	struct redirect_rules rules;
	struct redirect_catch *rows;
	char (*texts)[PREFIX_ROOM];
	struct policy *policy;
};

/* ---- options ---- */

static int own_number(struct redirecting *r, const char *value, double most, double *n)
{
	return options_number(value, 0, most, n)
		   ? EXIT_DONE
		   : run_complain(&r->run, EXIT_USE, "'%s' is no number up to %.0f", value, most);
}

static int own_option(struct redirecting *r, int which, const char *value)
{
	struct setup_options *o = &r->run.options;
	double n = 0;
	int code = EXIT_DONE;

	switch (which) {
	case OPT_PLAN:
		o->plan = value;
		break;
	case OPT_TARGET:
		code = run_list(&r->run.targets, value) ? EXIT_DONE : EXIT_USE;
		break;
	case OPT_PROXY:
		r->proxy = value;
		break;
	case OPT_CATCH:
		code = run_list(&r->catches, value) ? EXIT_DONE : EXIT_USE;
		break;
	case OPT_PORT:
		code = own_number(r, value, UINT16_MAX, &n);
		r->port = (uint16_t)n;
		break;
	case OPT_WARM:
		code = own_number(r, value, 64, &n);
		o->warm = (unsigned)n;
		break;
	case OPT_EXCEPT:
		r->except = value;
		break;
	case OPT_TABLE:
		r->table = value;
		break;
	case OPT_CREDENTIALS:
		r->credentials = value;
		break;
	case OPT_AUTHORITY:
		o->tls.authority = value;
		o->use_tls = true;
		break;
	case OPT_CERTIFICATE:
		o->tls.certificate = value;
		o->use_tls = true;
		break;
	case OPT_KEY:
		o->tls.certificate_key = value;
		break;
	case OPTIONS_WORD:
		return run_complain(&r->run, EXIT_USE, "what is '%s'? See --help", value);
	default:
		r->deeds[which] = true;
	}
	return code;
}

static int parse(struct redirecting *r, int argc, char **argv)
{
	struct options o = { .rows = rows, .argc = argc, .argv = argv };
	int which, code = EXIT_DONE;

	while (!code && (which = options_next(&o)) != OPTIONS_END) {
		if (which == OPTIONS_BAD)
			return run_complain(&r->run, EXIT_USE, "%s", o.error);
		code = which < RUN_N ? run_option(&r->run, which, o.value)
				     : own_option(r, which, o.value);
	}
	r->run.options.tproxy = r->deeds[OPT_TPROXY];
	r->run.options.fast_open = r->deeds[OPT_FAST_OPEN];
	r->run.options.epi = r->deeds[OPT_EPI];
	r->routed = r->deeds[OPT_ROUTED] || r->deeds[OPT_TPROXY];
	return code;
}

/* Passwords come from files, where `ps` does not show them. */
static int read_credentials(struct redirecting *r)
{
	FILE *f = fopen(r->credentials, "re");
	char *colon;
	bool good = f && fgets(r->user, sizeof(r->user), f);

	if (f)
		fclose(f);
	if (!good)
		return run_complain(&r->run, EXIT_USE, "%s: %s", r->credentials,
				    f ? "is empty" : strerror(errno));
	r->user[strcspn(r->user, "\r\n")] = '\0';
	colon = strchr(r->user, ':');
	if (!colon)
		return run_complain(&r->run, EXIT_USE, "%s: write user:password", r->credentials);
	*colon = '\0';
	r->run.options.user = r->user;
	r->run.options.password = colon + 1;
	return EXIT_DONE;
}

/* ---- the proxy ---- */

static int proxy_of_url(struct redirecting *r)
{
	struct setup_options *o = &r->run.options;
	const char *text = r->proxy;
	struct epi_link link;

	if (!epi_link_parse((struct wire_span){ (const uint8_t *)text, strlen(text) }, &link) ||
	    link.at.kind == WIRE_NAME)
		return run_complain(&r->run, EXIT_USE, "'%s' is no socks6://ADDRESS:PORT", text);
	if (link.user.n)
		return run_complain(&r->run, EXIT_USE,
				    "a password in arguments is seen by all: use --credentials");
	o->version = link.version;
	o->proxy = link.at;
	return EXIT_DONE;
}

static int proxy_of_plan(struct redirecting *r)
{
	struct setup_options *o = &r->run.options;
	struct policy_error error;
	const struct policy_target *t;
	size_t n;

	r->policy = policy_open(o->plan, r->run.targets.at, r->run.targets.n, &error);
	if (!r->policy)
		return run_complain(&r->run, EXIT_USE, "%s", error.text);
	t = policy_targets(r->policy, &n);
	if (r->proxy)
		return EXIT_DONE;
	o->proxy = t->listen;
	o->version = t->version;
	o->epi = t->epi;
	o->use_tls = o->use_tls || t->certificate;
	return EXIT_DONE;
}

/* ---- what to catch ---- */

/* `PREFIX:LOW-HIGH`, `[PREFIX]:PORT`, `PREFIX` for all ports. */
static bool catch_parse(const char *text, char *prefix, size_t room, struct redirect_catch *c)
{
	bool bracket = *text == '[';
	const char *end = bracket ? strchr(text, ']') : strrchr(text, ':');
	unsigned low = 1, high = UINT16_MAX;
	size_t n;

	if (!bracket && end && strchr(text, ':') != end)
		return false; /* IPv6 without brackets */
	end = end ? end : text + strlen(text);
	n = (size_t)(end - text) - bracket;
	if (n >= room || !n)
		return false;
	memcpy(prefix, text + bracket, n);
	prefix[n] = '\0';
	end += bracket;
	if (*end) {
		char more;
		int found = sscanf(end, ":%u-%u%c", &low, &high, &more);

		if (found == 1)
			high = sscanf(end, ":%u%c", &low, &more) == 1 ? low : 0;
		else if (found != 2)
			return false;
	}
	*c = (struct redirect_catch){ prefix, NULL, (uint16_t)low, (uint16_t)high };
	return low && low <= high && high <= UINT16_MAX;
}

static int catches_make(struct redirecting *r)
{
	size_t n_plan = 0;
	const struct policy_catch *plan = r->policy ? policy_catches(r->policy, &n_plan) : NULL;

	r->rows = calloc(r->catches.n + n_plan + 1, sizeof(*r->rows));
	r->texts = calloc(r->catches.n + 1, sizeof(*r->texts));
	if (!r->rows || !r->texts)
		return run_complain(&r->run, EXIT_ENVIRONMENT, "no memory");
	for (size_t i = 0; i < r->catches.n; i++)
		if (!catch_parse(r->catches.at[i], r->texts[i], sizeof(r->texts[i]),
				 &r->rows[r->rules.n++]))
			return run_complain(&r->run, EXIT_USE, "'%s' is no PREFIX:PORTS",
					    r->catches.at[i]);
	for (size_t i = 0; i < n_plan; i++)
		if (plan[i].protocol == IPPROTO_TCP)
			r->rows[r->rules.n++] =
			    (struct redirect_catch){ plan[i].prefix, plan[i].source, plan[i].low,
						     plan[i].high };
	r->rules.catches = r->rows;
	return EXIT_DONE;
}

static void rules_make(struct redirecting *r)
{
	r->rules.table = r->table;
	r->rules.port = r->port;
	r->rules.local = true;
	r->rules.routed = r->routed;
	r->rules.tproxy = r->run.options.tproxy;
	r->rules.mark = r->run.options.mark;
	r->rules.tproxy_mark = TPROXY_MARK;
	r->rules.user = r->except;
}

/* ---- deeds ---- */

static int rules_do(struct redirecting *r, const char *what,
		    bool (*deed)(const struct redirect_rules *, struct text *))
{
	struct text why = { 0 };
	bool good = deed(&r->rules, &why);

	if (!good)
		run_complain(&r->run, EXIT_ENVIRONMENT, "cannot %s the rules: %.*s", what,
			     why.at ? (int)strcspn(why.at, "\n") : 0, why.at ? why.at : "");
	text_free(&why);
	return good ? EXIT_DONE : EXIT_ENVIRONMENT;
}

static int rules_print(struct redirecting *r)
{
	struct text t = { 0 };
	bool good = redirect_rules_text(&r->rules, &t);

	if (good)
		fputs(t.at, stdout);
	else
		run_complain(&r->run, EXIT_USE, "%s", t.at ? t.at : "no memory");
	text_free(&t);
	return !good ? EXIT_USE : fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int redirector_run(struct redirecting *r)
{
	struct setup_options *o = &r->run.options;

	if (!o->proxy.kind)
		return run_complain(&r->run, EXIT_USE, "to which proxy? Give --proxy or --plan");
	o->role = ROLE_REDIRECT;
	wire_address_parse("0.0.0.0:0", strlen("0.0.0.0:0"), &o->listen);
	o->listen.port = r->port;
	if (has_ipv6()) {
		wire_address_parse("[::]:0", strlen("[::]:0"), &o->listen6);
		o->listen6.port = r->port;
	}
	r->run.name = "socksd-redirect";
	return run_serve(&r->run);
}

static int deeds_do(struct redirecting *r)
{
	int code = EXIT_DONE;
	bool both = r->deeds[OPT_INSTALL] && r->deeds[OPT_RUN];

	/* nft runs again at the end. */
	r->run.may_exec = both;
	if (both && r->run.user)
		return run_complain(&r->run, EXIT_USE,
				    "with --user, --install and --remove are steps of their own");
	if (r->deeds[OPT_PRINT])
		code = rules_print(r);
	if (!code && r->deeds[OPT_CHECK])
		code = rules_do(r, "check", redirect_rules_check);
	if (!code && r->deeds[OPT_INSTALL])
		code = rules_do(r, "install", redirect_rules_install);
	if (!code && r->deeds[OPT_RUN])
		code = redirector_run(r);
	if (both || (!code && r->deeds[OPT_REMOVE]))
		code =
		    rules_do(r, "remove", redirect_rules_remove) || code ? EXIT_ENVIRONMENT : code;
	return code;
}

static int help(void)
{
	puts("Usage: epic-socksd redirect (--plan FILE --target NAME | --proxy URL --catch "
	     "PREFIX:PORTS)\n"
	     "                            (--print|--check|--install|--remove|--run)... "
	     "[OPTIONS]\n\n"
	     "Takes connections of programs that know no SOCKS to a proxy, by nftables.\n");
	options_help(rows, stdout);
	puts("\nExit codes: 0 done, 2 wrong use or plan, 5 environment.");
	return fflush(stdout) ? EXIT_ENVIRONMENT : EXIT_DONE;
}

static int prepare(struct redirecting *r)
{
	const bool *d = r->deeds;
	int code = EXIT_DONE;

	if (!d[OPT_PRINT] && !d[OPT_CHECK] && !d[OPT_INSTALL] && !d[OPT_REMOVE] && !d[OPT_RUN])
		return run_complain(&r->run, EXIT_USE,
				    "what to do? --print, --check, --install, --remove or --run");
	if (r->credentials)
		code = read_credentials(r);
	if (!code && r->proxy)
		code = proxy_of_url(r);
	if (!code && r->run.options.plan)
		code = proxy_of_plan(r);
	return code ? code : catches_make(r);
}

int redirect_main(int argc, char **argv)
{
	struct redirecting r = { .table = "epic", .port = DEFAULT_PORT };
	int code;

	run_defaults(&r.run, "epic-socksd redirect");
	r.run.options.mark = REDIRECT_MARK;
	code = parse(&r, argc, argv);
	if (!code && r.run.help)
		return help();
	if (!code)
		code = prepare(&r);
	if (!code) {
		rules_make(&r);
		code = deeds_do(&r);
	}
	policy_drop(r.policy);
	free(r.rows);
	free(r.texts);
	return code;
}
