/* Log lines of the runtimes, on standard error: one event each, `key=value`, or JSON.
 *
 *	2026-11-21T10:00:00.123Z warning reload "plan refused" path=/etc/epic/a.plan reason="..."
 *
 * One call writes one line with one write(2).  Not for the packet path. */
#ifndef EPIC_CORE_LOG_H
#define EPIC_CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log {
	int fd;
	enum log_level most; /* what is less urgent is not written */
	bool json;
	bool times; /* false: lines of a test are the same each time */
};

/* After MESSAGE pairs of key and text, ended by NULL. */
void log_event(const struct log *, enum log_level, const char *event, const char *message, ...)
    __attribute__((sentinel));

#endif
