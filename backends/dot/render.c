#include <config.h>

#include "backends/dot/render.h"

#include <cgraph.h>
#include <gvc.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *bytes, size_t size)
{
	char *mine = malloc(size + 1);

	if (!mine)
		return NULL;
	memcpy(mine, bytes, size);
	mine[size] = '\0';
	return mine;
}

char *render(const char *dot, const char *format, size_t *size)
{
	GVC_t *gvc = gvContext();
	char *drawn = NULL, *mine = NULL;
	unsigned length = 0;
	Agraph_t *g;

	if (!gvc)
		return NULL;
	g = agmemread(dot);
	if (!g)
		goto free_context;
	if (gvLayout(gvc, g, "dot"))
		goto close_graph;
	if (!gvRenderData(gvc, g, format, &drawn, &length) && drawn)
		mine = copy(drawn, *size = length);
	gvFreeRenderData(drawn);
	gvFreeLayout(gvc, g);
close_graph:
	agclose(g);
free_context:
	gvFreeContext(gvc);
	return mine;
}
