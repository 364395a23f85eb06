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
	const char *name, *example, *phrase;
} dimensions[N_DIMENSIONS] = {
	[DIM_NONE] = { "number", "1", "a number" },
	[DIM_RATE] = { "rate", "Mbps", "a rate" },
	[DIM_PACKET_RATE] = { "packet-rate", "kpps", "a packet-rate" },
	[DIM_BITS_PER_CYCLE] = { "per-clock", "Gbps/GHz", "a rate per clock" },
	[DIM_PACKETS_PER_CYCLE] = { "per-clock", "Mpps/GHz", "a rate per clock" },
	[DIM_TIME] = { "time", "ms", "a time" },
	[DIM_FREQUENCY] = { "frequency", "GHz", "a frequency" },
	[DIM_SIZE] = { "size", "B", "a size" },
	[DIM_WORK] = { "work", "cycles", "an amount of work" },
	[DIM_WORK_PER_BYTE] = { "work-per-byte", "cycles/B", "an amount of work per byte" },
	[DIM_SHARE] = { "share", "%", "a share" },
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

const char *dimension_name(enum dimension d)
{
	return dimensions[d].name;
}

const char *dimension_example(enum dimension d)
{
	return dimensions[d].example;
}

const char *dimension_phrase(enum dimension d)
{
	return dimensions[d].phrase;
}
