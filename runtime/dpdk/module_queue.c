#include <config.h>

#include "runtime/dpdk/module.h"

/* A queue is only the root of a task: the task's ring in front of it is what waits. */

static void *queue_open(const struct module_spec *spec, struct module_error *e)
{
	static const char nothing;

	(void)spec, (void)e;
	return (void *)&nothing;
}

static void queue_close(void *state)
{
	(void)state;
}

static void queue_run(void *state, struct burst *b)
{
	(void)state, (void)b;
}

const struct module_ops module_queue = {
	.class = "queue",
	.summary = "does nothing; a place for a task's queue",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = queue_open,
	.close = queue_close,
	.run = queue_run,
};
