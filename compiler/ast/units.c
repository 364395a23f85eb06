#include <config.h>

#include "compiler/ast/units.h"

#include <string.h>

static const struct unit units[] = {
#define UNIT(text, dimension, num, den) { text, DIM_##dimension, { num, den } },
#include "grammar/units.def"
#undef UNIT
};

enum { N_UNITS = sizeof(units) / sizeof(*units) };

static const struct {
	const char *example, *phrase;
} dimensions[N_DIMENSIONS] = {
	[DIM_NONE] = { "1", "a number" },
	[DIM_RATE] = { "Mbps", "a rate" },
	[DIM_PACKET_RATE] = { "kpps", "a packet-rate" },
	[DIM_BITS_PER_CYCLE] = { "Gbps/GHz", "a rate per clock" },
	[DIM_PACKETS_PER_CYCLE] = { "Mpps/GHz", "a rate per clock" },
	[DIM_TIME] = { "ms", "a time" },
	[DIM_FREQUENCY] = { "GHz", "a frequency" },
	[DIM_SIZE] = { "B", "a size" },
	[DIM_WORK] = { "cycles", "an amount of work" },
	[DIM_WORK_PER_BYTE] = { "cycles/B", "an amount of work per byte" },
	[DIM_SHARE] = { "%", "a share" },
};

const struct unit *unit_find(const char *text, size_t length)
{
	for (size_t i = 0; i < N_UNITS; i++)
		if (strlen(units[i].text) == length && !memcmp(units[i].text, text, length))
			return &units[i];
	return NULL;
}

const struct unit *unit_at(size_t i)
{
	return i < N_UNITS ? &units[i] : NULL;
}

const char *dimension_example(enum dimension d)
{
	return dimensions[d].example;
}

const char *dimension_phrase(enum dimension d)
{
	return dimensions[d].phrase;
}
