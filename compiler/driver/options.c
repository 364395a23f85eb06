#include <config.h>

#include "compiler/driver/options.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/text.h"

struct parsing {
	struct options *o;
	int argc, at;
	char **argv;
	const char *command;
	bool help, version;
	const char *color;
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

static bool word_index(const char *words, const char *value, int *index)
{
	size_t n = strlen(value);

	*index = 0;
	for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, ++*index)
		if (!strncmp(p, value, n) && (p[n] == '|' || !p[n]))
			return true;
	return false;
}

static bool number(const char *text, size_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*n = strtoul(text, &end, 10);
	return !*end;
}

static bool set_format(struct options *o, const char *value)
{
	static const char *const words[] = { "human", "plain", "json", "jsonl" };

	for (int i = 0; i < 4; i++)
		if (!strcmp(words[i], value)) {
			o->format = (enum diag_format)i;
			return true;
		}
	if (one_of("sarif|github|junit", value))
		return wrong("the format '%s' is not in this release", value, NULL);
	return wrong("there is no format '%s'; write human, plain, json or jsonl", value, NULL);
}

static bool set_emit(struct options *o, const char *value)
{
	if (!one_of("plan|plan.json|ast|mip.lp|mip.mps", value))
		return wrong("--emit takes plan, plan.json, ast, mip.lp or mip.mps, not '%s'", value, NULL);
	vec_push(o->arena, &o->emits, value);
	return true;
}

/* A number and one of the units; *FACTOR is that of the unit. */
static bool measure(const char *value, const char *const *units, const double *factors, double *out)
{
	size_t digits = strspn(value, "0123456789.");

	for (size_t i = 0; digits && units[i]; i++)
		if (!strcmp(value + digits, units[i])) {
			*out = strtod(value, NULL) * factors[i];
			return true;
		}
	return false;
}

static bool time_of(const char *value, double *seconds)
{
	static const char *const units[] = { "ns", "us", "ms", "s", "min", "h", "d", NULL };
	static const double factors[] = { 1e-9, 1e-6, 1e-3, 1, 60, 3600, 86400 };

	return measure(value, units, factors, seconds);
}

static bool share_of(const char *value, double *share)
{
	static const char *const units[] = { "%", NULL };
	static const double factors[] = { 0.01 };

	return measure(value, units, factors, share);
}

static bool is_date(const char *value)
{
	return strlen(value) == 10 && strspn(value, "0123456789") == 4 && value[4] == '-' &&
	       strspn(value + 5, "0123456789") == 2 && value[7] == '-' &&
	       strspn(value + 8, "0123456789") == 2;
}

static bool set_solving(struct options *o, const struct flag *f, const char *value)
{
	if (!strcmp(f->name, "time-limit"))
		return time_of(value, &o->solving.time_limit) ||
		       wrong("--time-limit takes a time like 60s, not '%s'", value, NULL);
	if (!strcmp(f->name, "gap"))
		return share_of(value, &o->solving.gap) ||
		       wrong("--gap takes a share like 1%%, not '%s'", value, NULL);
	if (!strcmp(f->name, "partition"))
		return word_index(f->argument, value, (int *)&o->solving.partition) ||
		       wrong("--partition takes auto, none, front or branches, not '%s'", value, NULL);
	if (!strcmp(f->name, "formulation"))
		return word_index(f->argument, value, (int *)&o->solving.formulation) ||
		       wrong("--formulation takes compact or paper, not '%s'", value, NULL);
	return true;
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
	default:
		break;
	}
	if (!strcmp(f->name, "color")) {
		p->color = value;
		return one_of(f->argument, value) || wrong("--color takes auto, always or never, not '%s'", value, NULL);
	}
	if (!strcmp(f->name, "format"))
		return set_format(o, value);
	if (!strcmp(f->name, "emit"))
		return set_emit(o, value);
	if (!strcmp(f->name, "max-errors"))
		return number(value, &o->max_errors) || wrong("--max-errors takes a number, not '%s'", value, NULL);
	if (!strcmp(f->name, "today") && !is_date(value))
		return wrong("--today takes a date like 2026-11-21, not '%s'", value, NULL);
	if (!set_solving(o, f, value))
		return false;
	if (!strcmp(f->name, "view"))
		o->view = value;
	else if (!strcmp(f->name, "as"))
		o->as = value;
	else if (!strcmp(f->name, "when"))
		o->when = value;
	else if (!strcmp(f->name, "carries"))
		o->carries = value;
	else if (!strcmp(f->name, "offline-solution"))
		o->offline_solution = value;
	else if (!strcmp(f->name, "pipeline"))
		o->pipeline = value;
	else if (!strcmp(f->name, "derived"))
		vec_push(o->arena, &o->derived, value);
	o->check |= !strcmp(f->name, "check");
	o->diff |= !strcmp(f->name, "diff");
	o->only_emit |= !strcmp(f->name, "only-emit");
	o->force |= !strcmp(f->name, "force");
	o->timings |= !strcmp(f->name, "timings");
	o->all |= !strcmp(f->name, "all");
	return true;
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

static bool wants_color(const char *color)
{
	const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE"), *env = getenv("EPIC_COLOR");

	if (!color)
		color = env && one_of("auto|always|never", env) ? env : "auto";
	if (strcmp(color, "auto"))
		return !strcmp(color, "always");
	if (getenv("NO_COLOR") && *getenv("NO_COLOR"))
		return false;
	if (force && *force && strcmp(force, "0"))
		return true;
	return isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
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

/* Beside the program in its tree, where it was configured from, or installed. */
static const char *find_std(struct arena *a)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash, *near;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		*slash = '\0';
		near = arena_printf(a, "%s/stdlib", self);
		if (is_directory(near))
			return near;
		near = arena_printf(a, "%s/../share/epic/stdlib", self);
		if (is_directory(near))
			return near;
	}
	if (is_directory(STDLIB_SOURCE))
		return STDLIB_SOURCE;
	return is_directory(STDLIB_INSTALLED) ? STDLIB_INSTALLED : NULL;
}

bool options_parse(struct options *o, int argc, char **argv, const char **command, bool *help,
		   bool *version)
{
	struct parsing p = { .o = o, .argc = argc, .argv = argv };
	bool flags_ended = false;

	o->program = argv[0];
	o->max_errors = 20;
	o->solving.time_limit = 60;
	if (getenv("EPIC_TIME_LIMIT"))
		time_of(getenv("EPIC_TIME_LIMIT"), &o->solving.time_limit);
	for (p.at = 1; p.at < argc; p.at++) {
		if (!flags_ended && !strcmp(argv[p.at], "--")) {
			flags_ended = true;
			continue;
		}
		if (!parse_word(&p, argv[p.at], flags_ended))
			return false;
	}
	if (!flags_fit(&p))
		return false;
	add_environment_roots(&p);
	o->search = (struct search){ p.roots.at, p.roots.n, find_std(o->arena) };
	o->color = wants_color(p.color);
	*command = p.command;
	*help = p.help;
	*version = p.version;
	return true;
}
