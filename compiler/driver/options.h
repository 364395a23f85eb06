/* The command line (doc/cli.md). */
#ifndef EPIC_DRIVER_OPTIONS_H
#define EPIC_DRIVER_OPTIONS_H

#include "compiler/tools/command.h"

/* Reads ARGV.  *COMMAND is the word found, or NULL.  *HELP and *VERSION tell that
 * the flags were given.  False: wrong use, already said on standard error. */
bool options_parse(struct options *, int argc, char **argv, const char **command, bool *help,
		   bool *version);

#endif
