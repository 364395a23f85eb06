/* Which lines of two texts differ. */
#ifndef EPIC_TOOLS_LINE_DIFF_H
#define EPIC_TOOLS_LINE_DIFF_H

#include <stddef.h>

#include "compiler/base/arena.h"
#include "compiler/base/sink.h"

struct line_diff {
	size_t gained, lost; /* lines */
	const char
	    *unified; /* hunks with three lines around each change, cut where they are long */
};

/* Lines that begin with IGNORED, blanks aside, are none: comments name lines of the policy, which
 * layout may move. */
struct line_diff line_diff(struct arena *, const struct sink *old, const struct sink *new,
			   const char *ignored);

#endif
