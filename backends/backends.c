#include <config.h>

#include <string.h>

#include "backends/backend.h"
#include "backends/bess/bess.h"
#include "backends/dpdk/dpdk.h"
#include "backends/nginx/nginx.h"
#include "backends/socks/socks.h"

/* epic-graph draws. */
static const struct backend backend_dot = { .name = "dot", .summary = "a drawing, by epic-graph" };

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
