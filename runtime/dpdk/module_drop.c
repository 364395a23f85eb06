#include <config.h>

#include "runtime/dpdk/module.h"

/* The policy's `drop`: what ends here is no loss. */

static void *drop_open(const struct module_spec *spec, struct module_error *e)
{
	static const char nothing;

	(void)spec, (void)e;
	return (void *)&nothing;
}

static void drop_close(void *state)
{
	(void)state;
}

static void drop_run(void *state, struct burst *b)
{
	(void)state;
	for (unsigned i = 0; i < b->n; i++)
		burst_drop(b, b->at[i], DROP_EXIT);
	b->n = 0;
}

const struct module_ops module_drop = {
	.class = "drop",
	.summary = "ends packets",
	.flags = MODULE_PURE,
	.open = drop_open,
	.close = drop_close,
	.run = drop_run,
};
