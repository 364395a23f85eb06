/* Results go to a file whole or not at all. */
#ifndef EPIC_DOT_FILE_H
#define EPIC_DOT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes to PATH under a temporary name and renames; `-` is standard output.  False with errno
 * set, and PATH is as it was. */
bool file_put(const char *path, const char *bytes, size_t size);

#endif
