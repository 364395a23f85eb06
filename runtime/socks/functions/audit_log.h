/* Checks an audit log after the fact. */
#ifndef EPIC_SOCKS_AUDIT_LOG_H
#define EPIC_SOCKS_AUDIT_LOG_H

#include <stdbool.h>

#include "runtime/core/text.h"

/* Reads the log at PATH with the parts before it, which lie beside it, and FILE.head.  True: each
 * line is as it was written, in its place, and none is missing; REPORT says how many there are.
 * False: REPORT says which lines of which file are wrong, and how, or what cannot be read.  REPORT
 * must be empty.  The log may be in use.
 *
 * Whoever can write the files and knows no key can make a whole new chain: only a log with a key
 * (KEY_FILE, the function's setting; NULL: none), or a copy elsewhere of number and hash of a line,
 * which the report ends with, speaks against that. */
bool audit_log_verify(const char *path, struct text *report);
bool audit_log_verify_key(const char *path, const char *key_file, struct text *report);

#endif
