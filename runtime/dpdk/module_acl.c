/* Classes "acl" and "classifier": the filters on the out-edges decide, by the graph's chooser;
 * the module itself only counts. */
#include <config.h>

#include <stdlib.h>

#include "runtime/dpdk/config.h"
#include "runtime/dpdk/module.h"

struct acl {
	uint64_t packets; /* changed atomically: workers do not lock a pure module */
};

static void *acl_open(const struct module_spec *spec, struct module_error *e)
{
	static const char *const names[] = { NULL };
	struct acl *a;

	if (!config_known(spec, names, e))
		return NULL;
	if (!(a = calloc(1, sizeof(*a))))
		module_fail(e, "no memory");
	return a;
}

static void acl_run(void *state, struct burst *b)
{
	struct acl *a = state;

	__atomic_fetch_add(&a->packets, b->n, __ATOMIC_RELAXED);
}

static size_t acl_counters(const void *state, struct module_counter *to)
{
	const struct acl *a = state;

	to[0] =
	    (struct module_counter){ "filtered", __atomic_load_n(&a->packets, __ATOMIC_RELAXED) };
	return 1;
}

static void acl_adopt(void *state, void *old)
{
	struct acl *a = state, *from = old;

	a->packets = from->packets;
}

const struct module_ops module_acl = {
	.class = "acl",
	.summary = "sends packets out by the filters on its out-edges",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = acl_open,
	.close = free,
	.run = acl_run,
	.adopt = acl_adopt,
	.counters = acl_counters,
};

const struct module_ops module_classifier = {
	.class = "classifier",
	.summary = "the same, by another name",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = acl_open,
	.close = free,
	.run = acl_run,
	.adopt = acl_adopt,
	.counters = acl_counters,
};
