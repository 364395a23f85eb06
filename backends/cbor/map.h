/* NAME.map: which lines of the generated files stem from which lines of the policy, and why;
 * grammar/map.cddl describes it.  Hand edits show by the files' SHA-256. */
#ifndef EPIC_BACKEND_MAP_H
#define EPIC_BACKEND_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/sink.h"

/* Lines of a generated file, from 1, both ends included, and the place behind them. */
struct map_range {
	uint32_t first, last;
	const char *file;   /* of the policy, as in the plan's sources */
	uint32_t line, col; /* from 1, col in bytes */
	const char *reason; /* one sentence */
};

struct map_file {
	const char *path; /* relative to the output directory */
	char sha256[65];
	struct map_range *ranges;
	size_t n;
};

/* Appends the whole map, files by path, ranges by lines, whatever the order of FILES, and the hash
 * of the plan that was written with them (NULL: none is noted).  False, and nothing is written:
 * some text is not UTF-8. */
bool map_emit(const struct map_file *files, size_t n, const char *plan_sha256, struct sink *);

#endif
