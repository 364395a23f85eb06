/* How findings are written: one row for each word of --format (doc/cli.md, Output).
 *
 * `one` takes a finding, `file` follows behind the findings of each policy, `end` closes the run;
 * the last two may be missing.  What a format must remember until its end hangs at run->kept and
 * lives in the arena of the options: the policies are gone by then. */
#ifndef EPIC_TOOLS_PRINT_H
#define EPIC_TOOLS_PRINT_H

#include "compiler/tools/command.h"

struct format {
	void (*one)(struct run *, const struct ctx *, const struct diag *);
	void (*file)(struct run *, const struct ctx *);
	void (*end)(struct run *, int code);
};

extern const struct format format_sarif, format_github, format_junit;

/* A source's path from the root of its repository, the directory that holds .git, else the current
 * one; NULL: it lies elsewhere, or in no file. */
const char *repository_path(struct arena *, const struct source *);
/* Hashes of a text's lines as GitHub computes them to know a finding again when lines move. */
const char **line_hashes(struct arena *, const struct source *);
/* The policy at hand, as it was named on the command line. */
const char *policy_name(const struct run *, const struct ctx *);

#endif
