/* The classes of modules: a file and a row each. */
#include <config.h>

#include <string.h>

#include "runtime/dpdk/module.h"

#define MODULE(name) extern const struct module_ops module_##name;
#include "runtime/dpdk/modules.def"
#undef MODULE

#define MODULE(name) &module_##name,
const struct module_ops *const module_classes[] = {
#include "runtime/dpdk/modules.def"
	NULL
};
#undef MODULE

const struct module_ops *module_class(const char *name)
{
	for (size_t i = 0; module_classes[i]; i++)
		if (!strcmp(module_classes[i]->class, name))
			return module_classes[i];
	return NULL;
}
