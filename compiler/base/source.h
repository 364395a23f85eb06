/* Source texts and places in them.
 *
 * A span is half open, in bytes.  Sources are numbered in the order in which
 * they were added; spans compare by (source, start). */
#ifndef EPIC_BASE_SOURCE_H
#define EPIC_BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/arena.h"
#include "compiler/base/vec.h"

struct span {
	uint32_t source;
	uint32_t start, end;
};

/* Stands for "no place": an error about the run, not about the text. */
#define SPAN_NONE ((struct span){ UINT32_MAX, 0, 0 })

struct source {
	const char *path;  /* as opened, or "<stdin>" */
	const char *shown; /* as people and the plan see it: relative to the root file's directory,
			    * or "<std>/..." for the standard library */
	const char *text;  /* ends with a NUL that is not counted */
	size_t size;
	const uint32_t *lines; /* start of each line */
	size_t n_lines;
};

struct sources {
	struct arena *arena;
	VEC(struct source) list;
};

/* A place as people count: line and column from 1, column in bytes. */
struct place {
	size_t line, col;
	size_t utf16; /* column from 0 in UTF-16 units, as language servers count */
};

/* Takes over TEXT, which must outlive the sources. */
uint32_t source_add(struct sources *, const char *path, const char *shown, const char *text,
		    size_t size);
const struct source *source_at(const struct sources *, uint32_t source);
struct place source_place(const struct source *, size_t offset);
/* One line without its line end. */
const char *source_line(const struct source *, size_t line, size_t *length);

bool span_is_none(struct span);
struct span span_join(struct span first, struct span last);
int span_cmp(struct span, struct span);

#endif
