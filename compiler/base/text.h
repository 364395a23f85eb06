/* Small helpers for the words of messages. */
#ifndef EPIC_BASE_TEXT_H
#define EPIC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler/base/arena.h"
#include "compiler/base/sink.h"

/* Looks for the name nearest to what the author wrote.
 *
 *	struct nearest near = nearest_to("adress");
 *	for (...) nearest_try(&near, candidate);
 *	if (near.name) ... "did you mean '%s'?"
 *
 * Names farther than a third of their length (at least one, at most three
 * changes; swapped neighbours count as one) are not proposed.  Ties go to the
 * name that was tried first. */
struct nearest {
	const char *wanted;
	const char *name; /* NULL: nothing is near */
	size_t distance;
};
struct nearest nearest_to(const char *wanted);
void nearest_try(struct nearest *, const char *candidate);

bool text_is_utf8(const char *, size_t size, size_t *bad_offset);

/* Appends a JSON string literal, quotes included. */
void sink_json(struct sink *, const char *text);

/* The last component of a canonical name: "bf.seal" gives "seal". */
const char *name_tail(const char *name);

#endif
