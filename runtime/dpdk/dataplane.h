/* A running dataplane: devices, workers and the graph of one target. */
#ifndef EPIC_DPDK_DATAPLANE_H
#define EPIC_DPDK_DATAPLANE_H

#include <pthread.h>

#include "runtime/core/log.h"
#include "runtime/dpdk/capture.h"
#include "runtime/dpdk/graph.h"
#include "runtime/dpdk/worker.h"

enum { DATAPLANE_CAPTURES = 16 };

struct dataplane_error {
	char text[640];
};

struct dataplane_request {
	const char *plan;   /* a path */
	const char *target; /* NULL: the only one for dpdk */
	char **bindings;    /* POLICY=DEVICE */
	size_t n_bindings;
	unsigned n_copies;      /* 0: as planned */
	const char *generate;   /* generate.h; NULL: nothing is generated */
	const unsigned *lcores; /* one per worker of each copy */
	size_t n_lcores;
	unsigned n_mbufs;
	const struct log *log;
};

/* An edge that is written to a file. */
struct tap {
	char from[128], to[128];
	struct capture *capture;
};

struct dataplane {
	struct dataplane_request request;
	char *plan; /* the path */
	char *target;
	struct rte_mempool *pool;
	struct devices *devices;
	struct graph *graph;
	struct worker *workers;
	size_t n_workers;
	struct tap taps[DATAPLANE_CAPTURES];
	uint16_t generation;
	uint64_t reloads;
	uint64_t pause; /* cycles that the last reload stood still */
	uint64_t dropped_before, sent_before, received_before; /* under earlier plans */
	struct device_counts *bases; /* of devices by index, when the plan came into force */
	size_t n_bases;
	bool is_running;
	pthread_mutex_t lock; /* of the graph, against telemetry's thread */
};

/* Opens devices and builds the graph.  NULL: *ERROR says why. */
struct dataplane *dataplane_open(const struct dataplane_request *, struct dataplane_error *);
/* The workers begin. */
bool dataplane_start(struct dataplane *, struct dataplane_error *);
/* Puts the plan of PATH (NULL: the same file) in force.  The old one keeps running until the new
 * one is ready; packets in its queues are served by it; flows and held packets are taken over by
 * modules of the same id and class.  False: *ERROR says why, and the old one runs on. */
bool dataplane_reload(struct dataplane *, const char *path, struct dataplane_error *);
/* Captures what crosses an edge, until dataplane_uncapture; false: *ERROR says why. */
bool dataplane_capture(struct dataplane *, const char *from, const char *to, const char *path,
		       struct dataplane_error *);
bool dataplane_uncapture(struct dataplane *, const char *from, const char *to,
			 struct capture_facts *, struct dataplane_error *);
/* Now and then, by the main thread. */
void dataplane_poll(struct dataplane *);
/* Every source is at its end, and nothing is on its way. */
bool dataplane_is_done(const struct dataplane *);
/* Stops the workers and lets what is in queues and modules leave. */
void dataplane_stop(struct dataplane *);
void dataplane_close(struct dataplane *); /* NULL is fine */

/* NULL: no memory.  Any thread. */
struct stats *dataplane_stats(struct dataplane *);
/* The same of a graph that stands still, or with the lock held; texts belong to its plan. */
struct stats *dataplane_stats_of(struct dataplane *, struct graph *);

/* What PLAN's TARGET needs, before there is an EAL: how many workers in all, on which cores. */
struct dataplane_needs {
	char *target;
	unsigned n_workers; /* of one copy */
	unsigned n_copies;  /* planned */
	unsigned n_mbufs;   /* for N_COPIES */
	unsigned *cores;    /* n_workers of each copy */
	char **pci;         /* PCI addresses that the policy names */
	size_t n_pci;
};

/* N_COPIES 0: as planned.  TARGET may be NULL.  False: *ERROR says why. */
bool dataplane_look(const char *path, const char *target, unsigned n_copies,
		    struct dataplane_needs *, struct dataplane_error *);
void dataplane_forget(struct dataplane_needs *);

#endif
