#include <config.h>

#include "compiler/driver/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/text.h"
#include "compiler/tools/settings.h"

struct parsing {
	struct options *o;
	int argc, at;
	char **argv;
	const char *command;
	bool help, version;
	VEC(const struct flag *) seen; /* checked once the command is known */
	VEC(const char *) roots;
};

static bool wrong(const char *fmt, const char *what, const char *meant)
{
	fputs("epic: ", stderr);
	fprintf(stderr, fmt, what);
	if (meant)
		fprintf(stderr, "; did you mean '%s'?", meant);
	fputs("\n", stderr);
	return false;
}

static const struct flag *find_long(const char *name, size_t length)
{
	for (const struct flag *f = flags; f->name; f++)
		if (strlen(f->name) == length && !memcmp(f->name, name, length))
			return f;
	return NULL;
}

static const struct flag *find_short(char letter)
{
	for (const struct flag *f = flags; f->name; f++)
		if (f->letter && f->letter == letter)
			return f;
	return NULL;
}

static const char *nearest_flag(struct arena *a, const char *name)
{
	struct nearest near = nearest_to(name);

	for (const struct flag *f = flags; f->name; f++)
		nearest_try(&near, f->name);
	return near.name ? arena_printf(a, "--%s", near.name) : NULL;
}

static bool one_of(const char *words, const char *value)
{
	size_t n = strlen(value);

	for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
		if (!strncmp(p, value, n) && (p[n] == '|' || !p[n]))
			return true;
	return false;
}

static bool set_emit(struct options *o, const char *value)
{
	if (!one_of("plan|plan.json|ast|mip.lp|mip.mps", value))
		return wrong("--emit takes plan, plan.json, ast, mip.lp or mip.mps, not '%s'", value, NULL);
	vec_push(o->arena, &o->emits, value);
	return true;
}

static bool set_solving(struct options *o, const struct flag *f, const char *value)
{
	if (!strcmp(f->name, "partition"))
		return setting_word(f->argument, value, (int *)&o->solving.partition) ||
		       wrong("--partition takes auto, none, front or branches, not '%s'", value, NULL);
	if (!strcmp(f->name, "formulation"))
		return setting_word(f->argument, value, (int *)&o->solving.formulation) ||
		       wrong("--formulation takes compact or paper, not '%s'", value, NULL);
	return true;
}

/* Flags whose value is kept as it is. */
static bool set_words(struct options *o, const struct flag *f, const char *value)
{
	const struct {
		const char *name;
		const char **text;
		struct texts *texts;
		bool *truth;
	} rows[] = {
		{ "view", &o->view, NULL, NULL },
		{ "as", &o->as, NULL, NULL },
		{ "when", &o->when, NULL, NULL },
		{ "carries", &o->carries, NULL, NULL },
		{ "offline-solution", &o->offline_solution, NULL, NULL },
		{ "pipeline", &o->pipeline, NULL, NULL },
		{ "derived", NULL, &o->derived, NULL },
		{ "check", NULL, NULL, &o->check },
		{ "diff", NULL, NULL, &o->diff },
		{ "only-emit", NULL, NULL, &o->only_emit },
		{ "force", NULL, NULL, &o->force },
		{ "timings", NULL, NULL, &o->timings },
		{ "all", NULL, NULL, &o->all },
		{ "config", &o->config, NULL, NULL },
		{ "no-config", NULL, NULL, &o->no_config },
		{ "watch", NULL, NULL, &o->watch },
		{ "fix", NULL, NULL, &o->fix },
		{ "dry-run", NULL, NULL, &o->dry_run },
		{ "rules", NULL, NULL, &o->list_rules },
		{ "write-baseline", NULL, NULL, &o->write_baseline },
		{ "only", &o->only, NULL, NULL },
		{ "exit-code", NULL, NULL, &o->exit_code },
		{ "coverage", NULL, NULL, &o->coverage },
		{ "example", &o->example, NULL, NULL },
		{ "log", &o->log, NULL, NULL },
		{ "depth", &o->depth, NULL, NULL },
		{ "focus", NULL, &o->focus, NULL },
		{ "collapse", NULL, &o->collapse, NULL },
		{ "internal", NULL, NULL, &o->internal },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, f->name))
			continue;
		if (rows[i].text)
			*rows[i].text = value;
		if (rows[i].texts)
			vec_push(o->arena, rows[i].texts, value);
		if (rows[i].truth)
			*rows[i].truth = true;
	}
	return true;
}

static bool set_threshold(struct options *o, const struct flag *f, const char *value)
{
	return strcmp(f->name, "threshold") || setting_share(value, &o->threshold) ||
	       wrong("--threshold takes a share like 80%%, not '%s'", value, NULL);
}

static bool set_depth(struct options *o, const struct flag *f, const char *value)
{
	size_t n;

	(void)o;
	return strcmp(f->name, "depth") || setting_number(value, &n) ||
	       wrong("--depth takes a number, not '%s'", value, NULL);
}

/* Values that are words of the flag's own list. */
static bool check_words(const struct flag *f, const char *value)
{
	static const char names[] = "only|example";

	return !one_of(names, f->name) || one_of(f->argument, value) ||
	       wrong(!strcmp(f->name, "only")
			 ? "--only takes flows, bridges, areas, pipelines, classes, tasks, weights or files, not '%s'"
			 : "--example takes health, e2, firewall, bng or proxies, not '%s'",
		     value, NULL);
}

/* --write-baseline names the same file as --baseline. */
static bool set_setting(struct options *o, const struct flag *f, const char *value)
{
	enum setting_id id = strcmp(f->name, "write-baseline") ? setting_find(f->name) : SETTING_BASELINE;

	if (id == N_SETTINGS || setting_set(o, id, value, FROM_FLAG, arena_printf(o->arena, "--%s", f->name)))
		return true;
	fprintf(stderr, "epic: --%s takes %s, not '%s'\n", f->name, settings[id].form, value);
	return false;
}

static bool set_flag(struct parsing *p, const struct flag *f, const char *value)
{
	struct options *o = p->o;

	vec_push(o->arena, &p->seen, f);
	switch (f->letter) {
	case 'h':
		return p->help = true;
	case 'V':
		return p->version = true;
	case 'q':
		return o->quiet = true;
	case 'v':
		o->verbose++;
		return true;
	case 'o':
		o->output = value;
		return true;
	case 'I':
		vec_push(o->arena, &p->roots, value);
		return true;
	case 't':
		vec_push(o->arena, &o->targets, value);
		return true;
	case 'W':
	case 'D':
	case 'A':
		vec_push(o->arena, &o->levels,
			 ((struct rule_level){ f->letter, value, arena_printf(o->arena, "-%c", f->letter) }));
		return true;
	default:
		break;
	}
	if (!strcmp(f->name, "emit"))
		return set_emit(o, value);
	if (!set_setting(o, f, value) || !set_solving(o, f, value) || !check_words(f, value))
		return false;
	return set_threshold(o, f, value) && set_depth(o, f, value) && set_words(o, f, value);
}

/* The argument behind `=`, or the next word. */
static bool take_value(struct parsing *p, const char *inlined, const char *shown, const char **value)
{
	if (inlined) {
		*value = inlined;
		return true;
	}
	if (p->at + 1 >= p->argc)
		return wrong("%s needs a value", shown, NULL);
	*value = p->argv[++p->at];
	return true;
}

static bool parse_long(struct parsing *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct flag *f = find_long(arg + 2, length - 2);
	const char *value = NULL;

	if (!f)
		return wrong("there is no flag '%s'", arg, nearest_flag(p->o->arena, arena_strndup(p->o->arena, arg + 2, length - 2)));
	if (!f->argument && equals)
		return wrong("'--%s' takes no value", f->name, NULL);
	if (f->argument && !take_value(p, equals ? equals + 1 : NULL, arg, &value))
		return false;
	return set_flag(p, f, value);
}

/* -vq, -oPATH, -o PATH. */
static bool parse_short(struct parsing *p, const char *arg)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct flag *f = find_short(*c);
		const char *value = NULL;

		if (!f)
			return wrong("there is no flag '%s'", arg, NULL);
		if (f->argument) {
			if (!take_value(p, c[1] ? c + 1 : NULL, arg, &value))
				return false;
			return set_flag(p, f, value);
		}
		if (!set_flag(p, f, NULL))
			return false;
	}
	return true;
}

static bool parse_word(struct parsing *p, const char *arg, bool flags_ended)
{
	if (!flags_ended && arg[0] == '-' && arg[1] == '-')
		return parse_long(p, arg);
	if (!flags_ended && arg[0] == '-' && arg[1])
		return parse_short(p, arg);
	if (!p->command)
		p->command = arg;
	else
		vec_push(p->o->arena, &p->o->files, arg);
	return true;
}

static bool flags_fit(const struct parsing *p)
{
	for (size_t i = 0; p->command && i < p->seen.n; i++)
		if (!flag_fits(p->seen.at[i], p->command))
			return wrong(arena_printf(p->o->arena, "'%s' takes no --%%s", p->command),
				     p->seen.at[i]->name, NULL);
	return true;
}

static bool environment_fits(struct options *o)
{
	const char *name = settings_from_environment(o);

	if (!name)
		return true;
	for (enum setting_id i = 0; i < N_SETTINGS; i++)
		if (settings[i].variable == name)
			fprintf(stderr, "epic: the variable %s takes %s, not '%s'\n", name, settings[i].form,
				getenv(name));
	return false;
}

static bool configs_fit(const struct options *o)
{
	if (!o->config || !o->no_config)
		return true;
	return wrong("--config and %s contradict each other", "--no-config", NULL);
}

static void add_environment_roots(struct parsing *p)
{
	const char *path = getenv("EPIC_PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");

		if (n)
			vec_push(p->o->arena, &p->roots, arena_strndup(p->o->arena, path, n));
		path += n + (path[n] == ':');
	}
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* What is installed with the program: FOLDER beside it in its tree, in SOURCE, where it was configured
 * from, or INSTALLED. */
static const char *find_folder(struct arena *a, const char *folder, const char *source, const char *installed)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *near;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		*slash = '\0';
		near = arena_printf(a, "%s/%s", self, folder);
		if (is_directory(near))
			return near;
		near = arena_printf(a, "%s/../share/epic/%s", self, folder);
		if (is_directory(near))
			return near;
	}
	if (is_directory(source))
		return source;
	return is_directory(installed) ? installed : NULL;
}

bool options_parse(struct options *o, int argc, char **argv, const char **command, bool *help,
		   bool *version)
{
	struct parsing p = { .o = o, .argc = argc, .argv = argv };
	bool flags_ended = false;

	o->program = argv[0];
	o->max_errors = 20;
	o->solving.time_limit = 60;
	o->threshold = -1;
	for (p.at = 1; p.at < argc; p.at++) {
		if (!flags_ended && !strcmp(argv[p.at], "--")) {
			flags_ended = true;
			continue;
		}
		if (!parse_word(&p, argv[p.at], flags_ended))
			return false;
	}
	if (!flags_fit(&p) || !environment_fits(o) || !configs_fit(o))
		return false;
	add_environment_roots(&p);
	o->search = (struct search){
		.roots = p.roots.at,
		.n_roots = p.roots.n,
		.std = find_folder(o->arena, "stdlib", STDLIB_SOURCE, STDLIB_INSTALLED),
	};
	o->starters = find_folder(o->arena, "examples/starters", STARTERS_SOURCE, STARTERS_INSTALLED);
	settings_finish(o);
	*command = p.command;
	*help = p.help;
	*version = p.version;
	return true;
}
