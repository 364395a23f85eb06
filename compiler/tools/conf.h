/* epic.conf: the settings of a project and of a user (doc/cli.md, Configuration). */
#ifndef EPIC_TOOLS_CONF_H
#define EPIC_TOOLS_CONF_H

#include "compiler/tools/command.h"

/* Adds what the files say that hold for ROOT, a policy, a directory or NULL for the current one, to
 * O: rule levels and search roots in their order, settings that nothing stronger gave.  False: an
 * error, in CTX->diags.  The names of the files that were read are in o->conf_files. */
bool conf_apply(struct options *o, struct ctx *ctx, const char *root);

/* The same for the command line's root file; errors are printed. */
bool conf_read(struct run *, struct options *o);

#endif
