/* Writes a constant into the packet's tag.
 *
 *	value	one of the values of a derived attribute; required
 *
 * Of several derived attributes it is the first that has the value. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/module.h"
#include "runtime/dpdk/symbol.h"

struct tagger {
	uint16_t value;
	uint8_t tag;
};

static bool tagger_find(struct tagger *t, const struct module_spec *spec, const char *value)
{
	for (size_t d = 0; d < spec->n_derives; d++)
		for (size_t i = 0; i < spec->derives[d].values.n; i++)
			if (!strcmp(spec->derives[d].values.at[i], value)) {
				*t = (struct tagger){ (uint16_t)i, spec->derives[d].tag };
				return true;
			}
	return false;
}

static void *tagger_open(const struct module_spec *spec, struct module_error *e)
{
	struct tagger *t = calloc(1, sizeof(*t));
	const char *value;

	if (!t) {
		module_fail(e, "no memory");
		return NULL;
	}
	if (!config_text(spec, "value", NULL, &value, e))
		goto fail;
	if (!value)
		module_fail(e, "value: which of the derived attribute's values is to be written?");
	else if (tagger_find(t, spec, value) || tagger_find(t, spec, symbol_of(value)))
		return t;
	else
		module_fail(e, "value: no derived attribute has the value '%s'", symbol_of(value));
fail:
	free(t);
	return NULL;
}

static void tagger_run(void *state, struct burst *b)
{
	const struct tagger *t = state;

	for (unsigned i = 0; i < b->n; i++)
		packet_of(b->at[i])->tags[t->tag] = t->value;
}

const struct module_ops module_tagger = {
	.class = "tagger",
	.summary = "writes a constant into the packet's tag",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = tagger_open,
	.close = free,
	.run = tagger_run,
};
