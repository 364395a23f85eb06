/* The formatter, for the command, the language server and tests. */
#ifndef EPIC_TOOLS_FMT_H
#define EPIC_TOOLS_FMT_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/base/ctx.h"
#include "compiler/base/sink.h"

/* Appends the canonical layout of a source that parses.  False: its tokens or comments
 * would differ, which is a bug; the text must not be used. */
bool fmt_source(struct ctx *, uint32_t source, struct sink *out);
/* Appends what changes from the one text to the other, as a unified diff. */
void fmt_difference(struct arena *, const char *path, const struct source *old, const struct sink *new,
		    struct sink *out);

#endif
