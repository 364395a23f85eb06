#include <config.h>

#include <cbor.h>
#include <nettle/version.h>
#include <string.h>

#include "compiler/solve/solver.h"
#include "compiler/tools/conf.h"
#include "compiler/tools/settings.h"

static void print_row(struct run *r, const char *name, const char *value, const char *where)
{
	fprintf(r->out, "  %-11s %-16s %s\n", name, value, where);
}

/* What holds, and who says so. */
static void print_settings(struct run *r)
{
	static const char *const words[] = { ['D'] = "deny", ['W'] = "warn", ['A'] = "allow" };
	const struct options *o = r->options;

	fprintf(r->out, "standard library: %s\n", o->search.std ? o->search.std : "not found");
	for (size_t i = 0; i < o->conf_files.n; i++)
		fprintf(r->out, "configuration: %s\n", o->conf_files.at[i]);
	fputs("settings:\n", r->out);
	for (enum setting_id id = 0; id < N_SETTINGS; id++) {
		const struct setting_state *s = &o->settings[id];

		print_row(r, settings[id].name, s->text ? s->text : settings[id].initial,
			  s->text ? s->where : "default");
	}
	for (size_t i = 0; i < o->levels.n; i++)
		print_row(r, words[(unsigned char)o->levels.at[i].letter], o->levels.at[i].rule,
			  o->levels.at[i].where);
	for (size_t i = 0; i < o->search.n_roots; i++)
		print_row(r, "include", o->search.roots[i], "");
}

static bool read_conf(struct run *r, struct options *o)
{
	*o = *r->options;
	r->options = o;
	return conf_read(r, o);
}

static int run_version(struct run *r)
{
	struct options merged;

	const char *as = r->options->as ? r->options->as : "human";

	if (r->options->files.n) {
		run_error(r, "version takes no '%s'", r->options->files.at[0]);
		return EXIT_USAGE;
	}
	if (r->options->verbose && !read_conf(r, &merged))
		return EXIT_USAGE;
	if (!strcmp(as, "json")) {
		fprintf(r->out, "{\"epic\": \"%s\", \"edition\": 1, \"plan\": 1, \"glpk\": \"%s\", \"libcbor\": \"%s\", \"nettle\": \"%d.%d\"}\n",
			PACKAGE_VERSION, solver_version(), CBOR_VERSION, NETTLE_VERSION_MAJOR,
			NETTLE_VERSION_MINOR);
	} else if (!strcmp(as, "human")) {
		fprintf(r->out, "epic %s (edition 1, plan 1)\n", PACKAGE_VERSION);
		fprintf(r->out, "GLPK %s, libcbor %s, nettle %d.%d\n", solver_version(), CBOR_VERSION,
			NETTLE_VERSION_MAJOR, NETTLE_VERSION_MINOR);
		if (r->options->verbose)
			print_settings(r);
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
	.no_conf = true,
};
