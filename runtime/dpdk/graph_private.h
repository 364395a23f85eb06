/* What the files that build a graph share. */
#ifndef EPIC_DPDK_GRAPH_PRIVATE_H
#define EPIC_DPDK_GRAPH_PRIVATE_H

#include "runtime/dpdk/graph.h"

/* A derived attribute of the pipelines: its tag and its values. */
struct graph_tag {
	char *name; /* pipeline.instance.attribute */
	struct rplan_texts values;
};

/* The names that only this plan has; the argument of its filter_names. */
struct graph_names {
	struct graph_tag tags[PACKET_TAGS]; /* without a name: free */
	struct devices *devices;
};

struct building {
	struct graph *graph;
	const struct graph_request *request;
	struct filter_names names;
	struct graph_error *error;
};

/* Always false.  MODULE: whose place is put in front; may be NULL. */
bool graph_fail(struct building *, const struct instance *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The rows of the modules and edges, derived attributes, devices, filters; then the modules. */
bool instances_open(struct building *);
void instances_close(struct graph *);
/* Whether what was opened can be run. */
bool graph_check(struct building *);
struct instance *instance_find(const struct graph *, unsigned copy, const char *id);

#endif
