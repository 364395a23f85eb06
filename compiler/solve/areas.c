#include <config.h>

#include "compiler/solve/movement.h"

#include <stdlib.h>

struct endpoint {
	struct ids attrs;
	uint32_t node;
};

static int by_attrs_then_node(const void *x, const void *y)
{
	const struct endpoint *a = x, *b = y;
	int c = ids_cmp(a->attrs, b->attrs);

	return c ? c : (a->node > b->node) - (a->node < b->node);
}

static struct endpoint *endpoints_sorted(struct arena *a, const struct ir *ir, size_t *n)
{
	struct endpoint *list = arena_many(a, struct endpoint, ir->n_nodes);

	*n = 0;
	for (uint32_t i = 0; i < ir->n_nodes; i++)
		if (ir->nodes[i].kind == IR_ENDPOINT)
			list[(*n)++] = (struct endpoint){ ir->nodes[i].attrs, i };
	qsort(list, *n, sizeof(*list), by_attrs_then_node);
	return list;
}

struct area *areas_compute(struct arena *a, const struct ir *ir, size_t *n)
{
	size_t n_endpoints, end;
	struct endpoint *list = endpoints_sorted(a, ir, &n_endpoints);
	struct area *areas = arena_many(a, struct area, n_endpoints);

	*n = 0;
	for (size_t i = 0; i < n_endpoints; i = end) {
		uint32_t *nodes = arena_many(a, uint32_t, n_endpoints - i);

		for (end = i; end < n_endpoints && ids_equal(list[i].attrs, list[end].attrs); end++)
			nodes[end - i] = list[end].node;
		areas[(*n)++] = (struct area){ list[i].attrs, { nodes, end - i } };
	}
	return areas;
}
