/* A directory of shared keys: one file for each, ID.key, ID being a decimal number of 32 bits.
 *
 *	openssl rand -hex 32 > 7.key; chmod 0600 7.key
 *
 * The first line is the key, 64 hexadecimal digits; a second one, or else a file ID.from, may say
 * when it begins to seal: `from 2026-11-21T12:00:00Z` (in ID.from the time alone).  Files belong to
 * the process's user or root and have mode 0600 or 0400; nobody else may write to the directory.
 * Names that begin with a dot, and others than these, are left alone. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_FILES_H
#define EPIC_SOCKS_FUNCTIONS_KEY_FILES_H

#include "runtime/socks/functions/keys.h"

/* False: *SET is empty and *ERROR names the file and says what is wrong with it, or with the
 * directory.  No key is no error. */
bool key_files_read(const char *directory, struct key_set *set, struct key_error *);
/* Under a temporary name, synchronised, then renamed: whoever looks sees all of it or nothing. */
bool key_files_write(const char *directory, const struct shared_key *, struct key_error *);
bool key_files_remove(const char *directory, uint32_t id, struct key_error *);

#endif
