/* Files that a runtime writes as a whole. */
#ifndef EPIC_CORE_OUTPUT_H
#define EPIC_CORE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output_error {
	char text[512];
};

/* Writes a file beside PATH and renames it, so that PATH is there as a whole or as it was.  `-` is
 * standard output; what exists and is no ordinary file (a device, a pipe) is written into.  False:
 * *ERROR says why. */
bool output_write(const char *path, const void *bytes, size_t n, struct output_error *);

#endif
