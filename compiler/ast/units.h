/* Units and dimensions (doc/language.md 2); the list is grammar/units.def. */
#ifndef EPIC_AST_UNITS_H
#define EPIC_AST_UNITS_H

#include <stddef.h>

#include "compiler/base/rat.h"

enum dimension {
	DIM_NONE, /* a bare number */
	DIM_RATE,
	DIM_PACKET_RATE,
	DIM_BITS_PER_CYCLE,
	DIM_PACKETS_PER_CYCLE,
	DIM_TIME,
	DIM_FREQUENCY,
	DIM_SIZE,
	DIM_WORK,
	DIM_WORK_PER_BYTE,
	DIM_SHARE,
	N_DIMENSIONS
};

struct unit {
	const char *text;
	enum dimension dimension;
	struct rat scale; /* one of it in base units */
};

const struct unit *unit_find(const char *text, size_t length); /* NULL: no such unit */
const struct unit *unit_at(size_t i);                          /* NULL behind the last */
const char *dimension_phrase(enum dimension); /* "a packet-rate", for sentences */
/* A unit of the dimension for messages: "Mbps". */
const char *dimension_example(enum dimension);

#endif
