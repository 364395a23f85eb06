/* What the writers of text files share. */
#ifndef EPIC_BACKENDS_TEXT_H
#define EPIC_BACKENDS_TEXT_H

#include "backends/backend.h"

/* A new file of the target, opened with the comment that names program and policy. */
struct output_file *output_begin(struct ctx *, struct output_files *, const struct plan *,
				 const struct plan_target *, const char *name);
/* Notes that the lines from FIRST to the last one written stem from SPAN. */
void output_note(struct ctx *, struct output_file *, size_t first, struct span, const char *reason);
/* The number of the line that is written next, from 1. */
size_t output_line(struct output_file *);
/* "epi:FILE:LINE" */
const char *output_place(struct ctx *, struct span);

#endif
