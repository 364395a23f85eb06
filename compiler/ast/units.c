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
	const char *name, *example;
} dimensions[N_DIMENSIONS] = {
	[DIM_NONE] = { "number", "1" },
	[DIM_RATE] = { "rate", "Mbps" },
	[DIM_PACKET_RATE] = { "packet-rate", "kpps" },
	[DIM_BITS_PER_CYCLE] = { "per-clock", "Gbps/GHz" },
	[DIM_PACKETS_PER_CYCLE] = { "per-clock", "Mpps/GHz" },
	[DIM_TIME] = { "time", "ms" },
	[DIM_FREQUENCY] = { "frequency", "GHz" },
	[DIM_SIZE] = { "size", "B" },
	[DIM_WORK] = { "work", "cycles" },
	[DIM_WORK_PER_BYTE] = { "work-per-byte", "cycles/B" },
	[DIM_SHARE] = { "share", "%" },
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
