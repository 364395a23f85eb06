/* Reads canonical filter texts (doc/language.md 5.1), as plans hold them, without a policy. */
#ifndef EPIC_TOOLS_FILTER_TEXT_H
#define EPIC_TOOLS_FILTER_TEXT_H

#include "compiler/filter/filter.h"

/* NULL: TEXT is no filter.  A field with a dot in its name that the registry does not have is
 * taken for an attribute that a module derives, of which any text may be the value. */
const struct fx *filter_text_read(struct fields *, struct arena *, const char *text);

/* SET as a canonical text, or NULL if there is none of at most MOST parts. */
const char *filter_text_of_set(struct fields *, struct arena *, const struct cubes *set,
			       size_t most);

#endif
