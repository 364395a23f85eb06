/* The classes of modules: a file and a row each. */
#include <config.h>

#include <string.h>

#include "runtime/dpdk/module.h"

#define DPDK_CLASS(name) extern const struct module_ops module_##name;
#include "grammar/dpdk_classes.def"
#undef DPDK_CLASS

#define DPDK_CLASS(name) &module_##name,
const struct module_ops *const module_classes[] = {
#include "grammar/dpdk_classes.def"
	NULL
};
#undef DPDK_CLASS

const struct module_ops *module_class(const char *name)
{
	for (size_t i = 0; module_classes[i]; i++)
		if (!strcmp(module_classes[i]->class, name))
			return module_classes[i];
	return NULL;
}
