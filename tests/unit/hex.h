/* Bytes as hexadecimal text, for tests of wire formats: `06 00 0000`, in any groups. */
#ifndef EPIC_UNIT_HEX_H
#define EPIC_UNIT_HEX_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/unit.h"

struct hex {
	uint8_t at[1024];
	size_t n;
};

static inline struct hex hex(const char *text)
{
	struct hex h = { .n = 0 };
	unsigned byte;
	int used;

	while (sscanf(text, " %2x%n", &byte, &used) == 1 && h.n < sizeof(h.at)) {
		h.at[h.n++] = (uint8_t)byte;
		text += used;
	}
	return h;
}

/* Asserts that N bytes are those of the text. */
static inline void hex_check(const char *file, int line, const char *expected, const uint8_t *bytes,
			     size_t n)
{
	struct hex e = hex(expected);
	char want[2 * sizeof(e.at) + 1] = "", have[2 * sizeof(e.at) + 1] = "";

	for (size_t i = 0; i < e.n; i++)
		snprintf(want + 2 * i, 3, "%02x", e.at[i]);
	for (size_t i = 0; i < n && i < sizeof(e.at); i++)
		snprintf(have + 2 * i, 3, "%02x", bytes[i]);
	unit_text(file, line, want, have);
}
#define HEX_CHECK(expected, bytes, n) hex_check(__FILE__, __LINE__, (expected), (bytes), (n))

#endif
