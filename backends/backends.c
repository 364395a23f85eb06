#include <config.h>

#include <string.h>

#include "backends/backend.h"
#include "backends/nginx/nginx.h"
#include "backends/socks/socks.h"

/* epic-graph draws; the packet targets come with the scheduler. */
static const struct backend backend_dot = { .name = "dot", .summary = "a drawing, by epic-graph" };
static const struct backend backend_bess = { .name = "bess", .summary = "a script for bessd" };
static const struct backend backend_dpdk = { .name = "dpdk", .summary = "a launch file for epic-dpdkd" };

const struct backend *const backends[] = {
	&backend_bess, &backend_dpdk, &backend_nginx, &backend_socks, &backend_dot, NULL,
};

const struct backend *backend_find(const char *name)
{
	for (const struct backend *const *b = backends; *b; b++)
		if (!strcmp((*b)->name, name))
			return *b;
	return NULL;
}
