/* Where packets come in and leave.  The graph itself speaks with the device. */
#include <config.h>

#include "runtime/dpdk/module.h"

static void *port_open(const struct module_spec *spec, struct module_error *error)
{
	static char port;

	if (spec->role == ROLE_TRANSIT) {
		module_fail(error, "a port is where packets come in or where they leave, not both");
		return NULL;
	}
	return &port;
}

static void port_close(void *port)
{
	(void)port;
}

const struct module_ops module_port = {
	.class = "port",
	.summary = "receives from a device, or sends to it",
	.flags = MODULE_PURE | MODULE_KEEPS,
	.open = port_open,
	.close = port_close,
};
