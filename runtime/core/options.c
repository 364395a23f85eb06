#include <config.h>

#include "runtime/core/options.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 32, FARTHEST = 3 };

/* Number of letters to change to make A of B (Levenshtein), for short words. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1];
	size_t m = strnlen(b, LONGEST);

	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= m; j++) {
			size_t least = corner + (a[i] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[m];
}

static int unknown(struct options *o, const char *name)
{
	const char *nearest = NULL;
	size_t least = FARTHEST + 1;

	for (const struct option_row *r = o->rows; r->name; r++)
		if (distance(name, r->name) < least) {
			nearest = r->name;
			least = distance(name, nearest);
		}
	snprintf(o->error, sizeof(o->error), "there is no option %.80s%s%s%s", name,
		 nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return OPTIONS_BAD;
}

/* ARGUMENT is `--name` or `--name=VALUE`. */
static bool names(const struct option_row *row, const char *argument)
{
	size_t n = strlen(row->name);

	if (row->brief && !strcmp(argument, row->brief))
		return true;
	return !strncmp(argument, row->name, n) && (!argument[n] || argument[n] == '=');
}

static int take_value(struct options *o, int which, const char *inside)
{
	const struct option_row *row = &o->rows[which];

	o->value = inside ? inside + 1 : NULL;
	if (!row->value == !inside)
		return which;
	if (!row->value) {
		snprintf(o->error, sizeof(o->error), "%s takes no value", row->name);
		return OPTIONS_BAD;
	}
	if (o->at < o->argc) {
		o->value = o->argv[o->at++];
		return which;
	}
	snprintf(o->error, sizeof(o->error), "%s needs a value: %s %s", row->name, row->name,
		 row->value);
	return OPTIONS_BAD;
}

int options_next(struct options *o)
{
	const char *argument;

	o->at += !o->at;
	if (o->at >= o->argc)
		return OPTIONS_END;
	argument = o->argv[o->at++];
	o->value = argument;
	if (o->words || argument[0] != '-' || !argument[1])
		return OPTIONS_WORD;
	if (!strcmp(argument, "--")) {
		o->words = true;
		return options_next(o);
	}
	for (int i = 0; o->rows[i].name; i++)
		if (names(&o->rows[i], argument))
			return take_value(o, i, strchr(argument, '='));
	return unknown(o, argument);
}

void options_help(const struct option_row *rows, FILE *out)
{
	char left[64];

	for (const struct option_row *r = rows; r->name; r++) {
		snprintf(left, sizeof(left), "%s%s%s%s%s", r->brief ? r->brief : "",
			 r->brief ? ", " : "", r->name, r->value ? " " : "",
			 r->value ? r->value : "");
		fprintf(out, "  %-22s %s\n", left, r->help);
	}
}

bool options_number(const char *text, double low, double high, double *value)
{
	char *end;
	double number = strtod(text, &end);

	if (!*text || *end || strspn(text, "0123456789.") != strlen(text) || number < low ||
	    number > high)
		return false;
	*value = number;
	return true;
}
