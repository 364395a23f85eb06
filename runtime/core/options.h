/* Command lines: a const table of options, walked argument by argument.
 *
 *	struct options o = { .rows = rows, .argv = argv, .argc = argc };
 *	while ((which = options_next(&o)) >= 0)
 *		switch (which) { case OPT_COUNT: use(o.value); ... }
 *
 * `--name VALUE`, `--name=VALUE`, `--` ends the options, `-` is no option.  There are no
 * abbreviations; a wrong name gets the nearest. */
#ifndef EPIC_CORE_OPTIONS_H
#define EPIC_CORE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

/* The rows' indices are what options_next returns. */
struct option_row {
	const char *name;  /* "--count"; NULL ends the table */
	const char *brief; /* "-h", or NULL */
	const char *value; /* "N" as in the help; NULL: takes none */
	const char *help;
};

enum { OPTIONS_END = -1, OPTIONS_BAD = -2, OPTIONS_WORD = 1000 };

struct options {
	const struct option_row *rows;
	int argc;
	char **argv; /* argv[0] is skipped */
	int at;
	bool words;        /* behind "--" */
	const char *value; /* of the option, or the word */
	char error[256];   /* of OPTIONS_BAD */
};

int options_next(struct options *);
/* A row per option, for the help. */
void options_help(const struct option_row *, FILE *);
/* A decimal number from LOW to HIGH and nothing behind it. */
bool options_number(const char *text, double low, double high, double *value);

#endif
