#include <config.h>

#include "runtime/dpdk/module.h"

/* The class exists so that a policy that names it hears why it cannot run, not that it is
 * unknown. */

static void *cache_open(const struct module_spec *spec, struct module_error *e)
{
	(void)spec;
	module_fail(e, "a cache would have to terminate TCP, which epic-dpdkd does not do");
	return NULL;
}

static void cache_close(void *state)
{
	(void)state;
}

static void cache_run(void *state, struct burst *b)
{
	(void)state, (void)b;
}

const struct module_ops module_cache = {
	.class = "cache",
	.summary = "refused: a cache would have to terminate TCP",
	.open = cache_open,
	.close = cache_close,
	.run = cache_run,
};
