/* A cut: which nodes of a net are roots, and the tasks that follow from it. */
#ifndef EPIC_SOLVE_CUT_H
#define EPIC_SOLVE_CUT_H

#include "compiler/solve/net.h"

struct cut {
	const struct net *net;
	const bool *root;        /* per node */
	const uint32_t *nodes;   /* per task: its root; ascending */
	size_t n_tasks;
	const uint32_t *task;    /* per node: the task that it roots, or ID_NONE */
	const uint32_t *runs;    /* per way: the task that runs the node at its end */
	const uint32_t *unknown; /* per task: its multiplier; tasks that feed one queue share
				  * one under `useful`; ID_NONE: no traffic, no multiplier */
	size_t n_unknowns;
};

/* ROOT must be true where the net's nodes are roots anyhow; it is copied. */
struct cut *cut_make(struct arena *, const struct net *, const bool *root);
/* Per node: whether priorities make it a root.  A module of b alone right behind one of a
 * is, for whoever runs that one on a's way would run this one as well. */
bool *net_forced(struct arena *, const struct net *);
/* No module that lies on paths of b and on none of a runs in a task that serves a, where
 * a comes before b. */
bool cut_keeps_priorities(struct arena *, const struct cut *);
/* Tasks that must share a worker have the same number; by first task. */
uint32_t *cut_glued(struct arena *, const struct cut *);
/* Whether a queue was put before the root of a task. */
bool cut_has_queue(const struct cut *, uint32_t task);
/* The nodes that a task runs, its root among them. */
struct ids cut_nodes(struct arena *, const struct cut *, uint32_t task);

#endif
