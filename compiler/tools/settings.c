#include <config.h>

#include "compiler/tools/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- values ---- */

bool setting_word(const char *words, const char *value, int *index)
{
	size_t n = strlen(value);

	*index = 0;
	for (const char *p = words; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL, ++*index)
		if (!strncmp(p, value, n) && (p[n] == '|' || !p[n]))
			return true;
	return false;
}

bool setting_number(const char *text, size_t *n)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*n = strtoul(text, &end, 10);
	return !*end;
}

/* A number and one of the units; *OUT is in the unit of factor 1. */
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

bool setting_time(const char *value, double *seconds)
{
	static const char *const units[] = { "ns", "us", "ms", "s", "min", "h", "d", NULL };
	static const double factors[] = { 1e-9, 1e-6, 1e-3, 1, 60, 3600, 86400 };

	return measure(value, units, factors, seconds);
}

bool setting_share(const char *value, double *share)
{
	static const char *const units[] = { "%", NULL };
	static const double factors[] = { 0.01 };

	return measure(value, units, factors, share);
}

bool setting_date(const char *value)
{
	return strlen(value) == 10 && strspn(value, "0123456789") == 4 && value[4] == '-' &&
	       strspn(value + 5, "0123456789") == 2 && value[7] == '-' &&
	       strspn(value + 8, "0123456789") == 2;
}

/* ---- rows ---- */

static bool set_format(struct options *o, const char *value)
{
	int index;

	if (!setting_word("human|plain|json|jsonl|sarif|github|junit", value, &index))
		return false;
	o->format = (enum diag_format)index;
	return true;
}

static bool set_color(struct options *o, const char *value)
{
	int index;

	(void)o;
	return setting_word("auto|always|never", value, &index);
}

static bool set_max_errors(struct options *o, const char *value)
{
	return setting_number(value, &o->max_errors);
}

static bool set_today(struct options *o, const char *value)
{
	o->today = value;
	return setting_date(value);
}

static bool set_time_limit(struct options *o, const char *value)
{
	return setting_time(value, &o->solving.time_limit);
}

static bool set_gap(struct options *o, const char *value)
{
	return setting_share(value, &o->solving.gap);
}

static bool set_fail_level(struct options *o, const char *value)
{
	int index;

	o->fail_level = value;
	return setting_word("error|warning|info", value, &index);
}

static bool set_baseline(struct options *o, const char *value)
{
	o->baseline = value;
	return *value;
}

const struct setting settings[N_SETTINGS] = {
	[SETTING_FORMAT] = { "format", NULL, "human",
			     "human, plain, json, jsonl, sarif, github or junit", false, false,
			     set_format },
	[SETTING_COLOR] = { "color", "EPIC_COLOR", "auto", "auto, always or never", false, false,
			    set_color },
	[SETTING_MAX_ERRORS] = { "max-errors", NULL, "20", "a number", false, false,
				 set_max_errors },
	[SETTING_TODAY] = { "today", NULL, "the current day", "a date like 2026-11-21", false,
			    false, set_today },
	[SETTING_TIME_LIMIT] = { "time-limit", "EPIC_TIME_LIMIT", "60s", "a time like 60s", false,
				 false, set_time_limit },
	[SETTING_GAP] = { "gap", NULL, "0%", "a share like 1%", false, false, set_gap },
	[SETTING_FAIL_LEVEL] = { "fail-level", NULL, "error", "error, warning or info", false,
				 false, set_fail_level },
	[SETTING_BASELINE] = { "baseline", NULL, "none", "a string, the path of a file", true, true,
			       set_baseline },
};

enum setting_id setting_find(const char *name)
{
	enum setting_id i = 0;

	while (i < N_SETTINGS && strcmp(settings[i].name, name))
		i++;
	return i;
}

bool setting_set(struct options *o, enum setting_id id, const char *value, enum setting_rank rank,
		 const char *where)
{
	struct setting_state *s = &o->settings[id];
	struct options unchanged = *o;

	if (rank < s->rank)
		return settings[id].set(&unchanged, value);
	if (!settings[id].set(o, value)) {
		*o = unchanged;
		return false;
	}
	*s = (struct setting_state){ value, where, rank };
	return true;
}

const char *settings_from_environment(struct options *o)
{
	for (enum setting_id i = 0; i < N_SETTINGS; i++) {
		const char *value = settings[i].variable ? getenv(settings[i].variable) : NULL;

		if (value && *value &&
		    !setting_set(o, i, value, FROM_ENVIRONMENT, settings[i].variable))
			return settings[i].variable;
	}
	return NULL;
}

/* A word about colours; the common variables count less than epic's own, and more than files. */
void settings_finish(struct options *o)
{
	const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE"),
		   *none = getenv("NO_COLOR");
	const struct setting_state *s = &o->settings[SETTING_COLOR];
	bool decided = s->text && strcmp(s->text, "auto");

	if (decided && s->rank >= FROM_ENVIRONMENT)
		o->color = !strcmp(s->text, "always");
	else if (none && *none)
		o->color = false;
	else if (force && *force && strcmp(force, "0"))
		o->color = true;
	else if (decided)
		o->color = !strcmp(s->text, "always");
	else
		o->color = isatty(STDERR_FILENO) && !(term && !strcmp(term, "dumb"));
}
