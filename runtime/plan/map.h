/* The reader of source maps (grammar/map.cddl): what the last run wrote, and from which
 * lines of the policy.  As distrustful as the reader of plans. */
#ifndef EPIC_RUNTIME_MAP_H
#define EPIC_RUNTIME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source_map_range {
	uint32_t first, last; /* lines of the generated file, from 1 */
	char *file;           /* of the policy */
	uint32_t line, col;
	char *reason;
};

struct source_map_file {
	char *path; /* relative to the output directory */
	char *sha256;
	struct source_map_range *ranges;
	size_t n_ranges;
};

struct source_map {
	char *plan_sha256; /* NULL: not noted */
	struct source_map_file *files;
	size_t n_files;
};

/* False, and an empty map: the bytes are no source map.  What is in *MAP is freed by
 * source_map_free in either case. */
bool source_map_read(const void *bytes, size_t size, struct source_map *map);
void source_map_free(struct source_map *);

#endif
