#include <config.h>

#include "runtime/dpdk/generate.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/template.h"

enum rate_kind { RATE_PLAN, RATE_TIMES, RATE_PACKETS, RATE_BITS, RATE_MAX };

struct rate {
	enum rate_kind kind; /* RATE_PLAN: as the plan says, where no item says anything */
	double value;
};

/* What the items ask for one class. */
struct choice {
	bool wanted;
	struct rate rate;
	unsigned bytes; /* 0: the plan's */
};

struct asked {
	struct choice *choices; /* by class */
	unsigned flows;
	double scale;
};

struct unit {
	const char *name;
	double factor;
};

static const struct unit packet_units[] = {
	{ "pps", 1 }, { "kpps", 1e3 }, { "Mpps", 1e6 }, { "Gpps", 1e9 }, { NULL, 0 },
};
static const struct unit bit_units[] = {
	{ "bps", 1 }, { "kbps", 1e3 }, { "Mbps", 1e6 }, { "Gbps", 1e9 }, { "Tbps", 1e12 },
	{ "B/s", 8 }, { "kB/s", 8e3 }, { "MB/s", 8e6 }, { "GB/s", 8e9 }, { NULL, 0 },
};
static const struct unit time_units[] = {
	{ "ns", 1e-9 }, { "us", 1e-6 }, { "ms", 1e-3 }, { "s", 1 },
	{ "min", 60 },  { "h", 3600 },  { NULL, 0 },
};
static const struct unit size_units[] = { { "B", 1 }, { "kB", 1e3 }, { "KiB", 1024 }, { NULL, 0 } };
static const struct unit times_units[] = { { "x", 1 }, { NULL, 0 } };
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static bool fail(struct generate_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct generate_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return false;
}

/* ---- numbers ---- */

/* Digits with a fraction, as the language has them: no sign, no exponent, no locale. */
static const char *number_of(const char *text, double *value)
{
	const char *at = text;
	double place = 1;

	*value = 0;
	for (; isdigit((unsigned char)*at); at++)
		*value = *value * 10 + (*at - '0');
	if (at == text || *at != '.' || !isdigit((unsigned char)at[1]))
		return at == text ? NULL : at;
	for (at++; isdigit((unsigned char)*at); at++)
		*value += (*at - '0') * (place /= 10);
	return at;
}

static bool quantity_of(const char *text, const struct unit *units, double *value)
{
	const char *unit = number_of(text, value);

	for (; unit && units->name; units++)
		if (strcmp(unit, units->name) == 0) {
			*value *= units->factor;
			return isfinite(*value);
		}
	return false;
}

static bool rate_of(const char *text, struct rate *rate)
{
	rate->value = 0;
	if (strcmp(text, "max") == 0) {
		rate->kind = RATE_MAX;
		return true;
	}
	rate->kind = RATE_TIMES;
	if (quantity_of(text, times_units, &rate->value))
		return rate->value > 0;
	rate->kind = RATE_PACKETS;
	if (quantity_of(text, packet_units, &rate->value))
		return rate->value > 0;
	rate->kind = RATE_BITS;
	return quantity_of(text, bit_units, &rate->value) && rate->value > 0;
}

static bool size_of(const char *text, unsigned *bytes)
{
	double value;

	if (!quantity_of(text, size_units, &value) || value < 14 || value > TEMPLATE_LONGEST)
		return false;
	*bytes = (unsigned)value;
	return true;
}

static bool count_of(const char *text, double low, double high, double *value)
{
	return quantity_of(text, no_units, value) && *value == floor(*value) && *value >= low &&
	       *value <= high;
}

/* ---- options ---- */

struct option {
	const char *name, *due;
	bool (*set)(const char *value, struct asked *, struct generate_request *);
};

static bool set_flows(const char *value, struct asked *a, struct generate_request *r)
{
	double n;

	(void)r;
	if (!count_of(value, 1, GENERATE_FLOWS_MOST, &n))
		return false;
	a->flows = (unsigned)n;
	return true;
}

static bool set_seed(const char *value, struct asked *a, struct generate_request *r)
{
	double n;

	(void)a;
	if (!count_of(value, 0, 9007199254740991.0, &n))
		return false;
	r->seed = (uint64_t)n;
	return true;
}

static bool set_scale(const char *value, struct asked *a, struct generate_request *r)
{
	(void)r;
	return quantity_of(value, no_units, &a->scale) && a->scale > 0;
}

static bool set_time(const char *value, struct asked *a, struct generate_request *r)
{
	(void)a;
	return quantity_of(value, time_units, &r->seconds) && r->seconds > 0;
}

static bool set_backlog(const char *value, struct asked *a, struct generate_request *r)
{
	double n;

	(void)a;
	if (!count_of(value, 1, 1 << 20, &n))
		return false;
	r->backlog = (unsigned)n;
	return true;
}

static const struct option options[] = {
	{ "flows", "a number from 1 to 1048576", set_flows },
	{ "seed", "a number", set_seed },
	{ "scale", "a number above 0", set_scale },
	{ "time", "a time, as 10s or 500ms,", set_time },
	{ "backlog", "a number from 1 to 1048576", set_backlog },
};

static const struct option *option_named(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/* ---- items ---- */

/* An item in pieces: NAME[=RATE][:SIZE]; absent ones are NULL. */
struct item {
	char text[160]; /* for messages */
	char pieces[160];
	const char *name, *value, *size;
};

static bool item_split(const char *text, size_t length, struct item *item,
		       struct generate_error *error)
{
	char *equals, *colon;

	if (!length)
		return fail(error, "an item is empty");
	if (length >= sizeof(item->text))
		return fail(error, "'%.40s...' is too long an item", text);
	snprintf(item->text, sizeof(item->text), "%.*s", (int)length, text);
	memcpy(item->pieces, item->text, sizeof(item->pieces));
	item->name = item->pieces;
	colon = strchr(item->pieces, ':');
	if (colon)
		*colon = 0;
	equals = strchr(item->pieces, '=');
	if (equals)
		*equals = 0;
	item->size = colon ? colon + 1 : NULL;
	item->value = equals ? equals + 1 : NULL;
	return true;
}

static bool is_option(const struct item *item)
{
	struct rate rate;

	return option_named(item->name) && item->value && !item->size &&
	       !rate_of(item->value, &rate);
}

static bool take_option(const struct item *item, struct asked *a, struct generate_request *r,
			struct generate_error *error)
{
	const struct option *o = option_named(item->name);

	return o->set(item->value, a, r) || fail(error, "'%s': %s is due", item->text, o->due);
}

/* Sets what the item says, in one class or in all; how many it has met. */
static size_t choose(struct asked *a, const struct generate_request *r, const char *name,
		     const struct choice *said)
{
	bool all = strcmp(name, "all") == 0;
	size_t n = 0;

	for (size_t i = 0; i < r->n_classes; i++) {
		struct choice *c = &a->choices[i];

		if (!all && strcmp(r->classes[i].name, name) != 0)
			continue;
		n++;
		c->wanted = true;
		if (said->rate.kind != RATE_PLAN)
			c->rate = said->rate;
		if (said->bytes)
			c->bytes = said->bytes;
	}
	return n;
}

static bool take_classes(const struct item *item, struct asked *a, const struct generate_request *r,
			 struct generate_error *error)
{
	struct choice said = { .wanted = true };

	if (item->value && !rate_of(item->value, &said.rate))
		return fail(error, "'%s': '%s' is no rate; as 2Mpps, 10Gbps, 1.5x or max",
			    item->text, item->value);
	if (item->size && !size_of(item->size, &said.bytes))
		return fail(error, "'%s': '%s' is no size from 14B to %dB", item->text, item->size,
			    TEMPLATE_LONGEST);
	return choose(a, r, item->name, &said) ||
	       fail(error, "'%s': no class is called '%s'", item->text, item->name);
}

static bool take_items(const char *text, struct asked *a, struct generate_request *r,
		       struct generate_error *error)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		struct item item;

		if (!item_split(text, length, &item, error))
			return false;
		if (!(is_option(&item) ? take_option(&item, a, r, error)
				       : take_classes(&item, a, r, error)))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

/* ---- the outcome ---- */

static bool settle_rate(struct generate_class *c, const struct choice *choice, double scale,
			struct generate_error *error)
{
	double planned = c->pps;

	switch (choice->rate.kind) {
	case RATE_MAX:
		c->pps = 0;
		return true;
	case RATE_PACKETS:
		c->pps = choice->rate.value * scale;
		return true;
	case RATE_BITS:
		c->pps = choice->rate.value / (8.0 * c->bytes) * scale;
		return true;
	default:
		c->pps *= (choice->rate.kind == RATE_TIMES ? choice->rate.value : 1) * scale;
		return planned > 0 ||
		       fail(error, "class '%s' has no rate in the plan; write %s=RATE", c->name,
			    c->name);
	}
}

static bool settle(const struct asked *a, struct generate_request *r, struct generate_error *error)
{
	size_t wanted = 0;

	for (size_t i = 0; i < r->n_classes; i++) {
		struct generate_class *c = &r->classes[i];

		c->n_flows = a->choices[i].wanted ? a->flows : 0;
		c->bytes = a->choices[i].bytes ? a->choices[i].bytes
			   : c->bytes          ? c->bytes
					       : GENERATE_BYTES;
		if (c->n_flows && !settle_rate(c, &a->choices[i], a->scale, error))
			return false;
		wanted += c->n_flows > 0;
	}
	return wanted || fail(error, "nothing is to be generated; name a class, or `all`");
}

bool generate_parse(const char *text, struct generate_request *r, struct generate_error *error)
{
	struct asked a = { .flows = GENERATE_FLOWS, .scale = 1 };
	bool ok;

	r->seed = 1;
	r->seconds = 0;
	r->backlog = GENERATE_BACKLOG;
	a.choices = calloc(r->n_classes ? r->n_classes : 1, sizeof(*a.choices));
	if (!a.choices)
		return fail(error, "no memory");
	ok = take_items(text, &a, r, error) && settle(&a, r, error);
	free(a.choices);
	return ok;
}
