/* A file, line by line, in bounded memory. */
#ifndef EPIC_SOCKS_AUDIT_LINES_H
#define EPIC_SOCKS_AUDIT_LINES_H

#include "runtime/socks/functions/audit_chain.h"

struct audit_lines {
	int fd;
	size_t at, n;
	bool bad;      /* reading failed; errno */
	bool skipping; /* the rest of a line that is too long */
	char bytes[4 * AUDIT_MOST_LINE];
};

/* The next line without its LF, good until the next call.  *ENDED false: it has none, being the
 * last, or it is longer than a line may be, and what is too much is skipped.  False: no further
 * line. */
bool audit_lines_next(struct audit_lines *, const char **line, size_t *n, bool *ended);

#endif
