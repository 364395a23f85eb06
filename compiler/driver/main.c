/* epic: from the command line to a command. */
#include <config.h>

#include <locale.h>
#include <signal.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/driver/options.h"
#include "compiler/tools/conf.h"
#include "compiler/tools/watch.h"

/* Names of later releases, and of what was once thought of. */
static const char *const later[] = {
	"whatif",
	"import", "bundle", "doc", "plan",   "bridge", "fix", "config",
};

static int unknown_command(const char *name)
{
	struct nearest near = nearest_to(name);

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
		if (strcmp(later[i], name))
			continue;
		fprintf(stderr, "epic: '%s' is not in this release%s\n", name,
			strcmp(name, "bridge") ? "" : "; use epic explain 'a => b'");
		return EXIT_USAGE;
	}
	for (const struct command *const *c = commands; *c; c++)
		nearest_try(&near, (*c)->name);
	if (near.name)
		fprintf(stderr, "epic: there is no command '%s'; did you mean '%s'?\n", name, near.name);
	else
		fprintf(stderr, "epic: there is no command '%s'; epic help lists them\n", name);
	return EXIT_USAGE;
}

/* "epic check --help" is "epic help check". */
static const struct command *redirect(struct options *o, const char *name, bool help, bool version)
{
	if (version)
		return command_find("version");
	if (!help)
		return command_find(name);
	o->files = (struct texts){ 0 };
	if (name)
		vec_push(o->arena, &o->files, name);
	return command_find("help");
}

static int run_command(struct options *o, const struct command *c)
{
	struct run r = { .options = o, .out = stdout, .err = stderr, .command = c->name };
	int code = EXIT_USAGE;

	if ((c->no_conf || conf_read(&r, o)) && (!c->result || run_has_room(&r)))
		code = c->run(&r);

	if (fflush(stdout) || ferror(stdout)) {
		run_error(&r, "cannot write to standard output");
		code = exit_worse(code, EXIT_ENVIRONMENT);
	}
	if (r.write_failed)
		code = exit_worse(code, EXIT_ENVIRONMENT);
	sink_free(&r.pending);
	return code;
}

int main(int argc, char **argv)
{
	struct options o = { .arena = arena_new() };
	const struct command *c;
	const char *name;
	bool help, version;
	int code;

	setlocale(LC_ALL, "C");
	/* A reader that goes away is an error of writing, not the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	if (!options_parse(&o, argc, argv, &name, &help, &version)) {
		code = EXIT_USAGE;
	} else {
		c = redirect(&o, name, help || !name, version);
		code = !c ? unknown_command(name) : o.watch ? watch_run(&o, c, run_command) : run_command(&o, c);
	}
	arena_free(o.arena);
	return code;
}
