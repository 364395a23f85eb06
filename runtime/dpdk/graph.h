/* The module graph of one target, as a plan states it, ready to run.
 *
 * Every module of the pipelines is opened once per copy (`struct instance`).  A task runs some of
 * them below its root, each as a *hop*: the module with its out-edges resolved to where a packet
 * goes next, another hop of the task or the queue in front of another task.  A joined module may
 * be a hop of several tasks.  All counters belong to one hop, way or queue end, and so to one
 * worker; whoever reads them from outside sees values that are a burst old at most.
 *
 * Set-up, all checks and all texts are graph_build's; hop_run and task_run follow pointers. */
#ifndef EPIC_DPDK_GRAPH_H
#define EPIC_DPDK_GRAPH_H

#include <rte_ring.h>
#include <rte_spinlock.h>

#include "runtime/dpdk/classes.h"
#include "runtime/dpdk/device.h"
#include "runtime/dpdk/module.h"
#include "runtime/dpdk/stats.h"

enum { NO_EARLY = UINT8_MAX };

struct capture;
struct task;

/* One module of one copy. */
struct instance {
	const struct rplan_module *row;
	const struct rplan_packet_module *more;
	const struct module_ops *ops;
	void *state;
	struct device *device; /* of a port */
	struct chooser *chooser, *copy_chooser;
	const struct filter **filters; /* of all out-edges, in the order of the plan */
	const struct rplan_edge **edges;
	size_t n_edges;
	unsigned copy;
	unsigned height;           /* modules on the longest way from here on */
	bool is_visited;           /* while heights are found */
	const struct task *runner; /* one of them */
	bool shared;               /* between workers */
	rte_spinlock_t lock;
};

/* In front of a task. */
struct queue {
	struct rte_ring *ring;
	struct task *task;
	uint64_t overflown; /* atomic: several workers may fill it */
	unsigned burst;     /* packets that are worth a run: BURST, less where fewer fit */
};

/* An out-edge of a hop. */
struct way {
	struct hop *hop;         /* on in the same task, or */
	struct queue *queue;     /* into another, or */
	struct queue **by_early; /* by packet.early, NO_EARLY too; NULL members: no way for these */
	struct crossing *crossing; /* NULL: no state changes here */
	struct capture *capture;   /* NULL: nobody listens; set while running */
	const struct rplan_edge *edge;
	struct task *task;        /* that runs it */
	uint64_t *left, *entered; /* by state */
	uint64_t *crossed;        /* by state; NULL: all that come to a certain hop go on by it */
	uint64_t *overflown;      /* by state, of what crossed into a queue */
};

/* Cost in cycles, from a sample of bursts. */
struct sample {
	uint64_t cycles, packets, bytes;
	unsigned until; /* bursts until the next one is measured */
};

struct hop {
	struct instance *instance;
	const struct module_ops *ops;
	void *state;
	rte_spinlock_t *lock; /* NULL: nobody else runs the instance */
	struct task *task;
	struct way *ways; /* `->` edges */
	struct chooser *chooser;
	const int16_t *way_of_edge; /* of modules that choose themselves: -1 for copies */
	unsigned n_ways;
	bool chooses;
	bool certain;       /* one way, which all packets take */
	struct way *copies; /* `->>` edges */
	unsigned n_copies;
	bool ends; /* no out-edges: packets leave here */
	struct tally tally;
	uint64_t *in;                /* by state: made by whoever looks, from what is counted */
	uint64_t *copied;            /* by state: copies that came to be here */
	uint64_t *sent, *sent_bytes; /* by state; of a port at the end */
	struct latency *latency;     /* by class; of an end */
	const size_t *class_of_state;
	struct sample sample;
	unsigned until_latency; /* bursts until latencies are taken again */
};

struct task {
	const char *id, *early, *root_id;
	struct hop *root;
	struct hop *hops;
	size_t n_hops;
	struct hop **holders; /* hops whose modules hold packets */
	size_t n_holders;
	struct queue *queue;  /* NULL: a source */
	struct queue **feeds; /* queues that it may fill */
	size_t n_feeds;
	struct task **woken; /* tasks of the same worker whose queues have got a burst */
	size_t n_woken;
	unsigned depth; /* longest way from a source, in queues */
	unsigned worker, copy;
	int leaf;               /* in the tree of its worker */
	unsigned sender;        /* transmit queue: the worker among those of all copies */
	double weight, service; /* of the plan; weight 0: none */
	double ratio;           /* cycles that the plan gives it for one of its modules' own work */
	int priority;
	struct entrance *entrance;  /* of a source */
	struct chooser *classifier; /* of a source behind which classes are parted */
	const struct filter **early_filters;
	size_t n_early;
	uint64_t *received, *received_bytes; /* by state */
	uint64_t *dequeued;                  /* by state */
	uint64_t runs, packets, cycles;      /* cycles as charged */
	/* Of the worker that runs it. */
	uint64_t poll_at; /* a source: not before */
	uint64_t patience;
	uint64_t gather_until; /* behind a queue: till then less than a burst waits */
	/* Packets of a run: fewer where a burst would cost more than can be charged. */
	unsigned most;
	double charge;     /* for each cycle that a run takes */
	double work, took; /* its modules' own cycles, by samples, and its runs' of late */
	uint64_t work_then, took_then, runs_then;
	struct sample sample; /* of receiving */
};

struct graph {
	const struct rplan_plan *plan; /* the graph owns it */
	const struct rplan_target *target;
	const struct rplan_packet_config *config;
	const struct rplan_schedule *schedule; /* NULL: none */
	struct classes *classes;
	unsigned n_copies, n_workers; /* workers of one copy */
	struct instance *instances;
	size_t n_instances;
	struct task *tasks; /* copy by copy */
	size_t n_tasks;
	char (*ids)[16]; /* of tasks that no plan names */
	struct graph_names *names;
	struct rte_mempool *pool;
	uint16_t generation;
	uint64_t held_before; /* packets that modules took over from the graph before */
};

struct graph_error {
	char text[512]; /* "site.epi:12:3: nat: external: ..." */
};

/* The policy's name of the module's device; a number is written into NUMBER.  NULL: it has none. */
const char *graph_device_name(const struct rplan_module *, char number[32]);

struct graph_request {
	const struct rplan_plan *plan; /* taken over, also on failure */
	const char *target;
	unsigned n_copies; /* 0: as many as planned */
	uint16_t generation;
	const struct graph *before; /* whose held packets will be taken over; may be NULL */
	struct module_world world;
	/* How a module's device is opened, so that a generator can stand in for it. */
	struct device *(*device)(void *arg, const struct rplan_module *, const char *name,
				 bool receives, unsigned copy, struct device_error *);
	void *arg;
};

/* NULL: *ERROR says why. */
struct graph *graph_build(const struct graph_request *, struct graph_error *);
/* Frees packets that are still in queues or held. */
void graph_free(struct graph *);
/* Modules of NEW take over what those of OLD, with the same id and class, keep.  Nothing runs. */
void graph_adopt(struct graph *new, struct graph *old);
/* The instance of NEW that takes over from one of another graph; NULL: none does. */
struct instance *graph_heir(const struct graph *new, const struct instance *from);
/* Packets in queues, and held. */
uint64_t graph_queued(const struct graph *);
uint64_t graph_held(const struct graph *);
/* Every way along the edge, over all tasks and copies: calls FOUND; false if there is no such edge.
 */
bool graph_ways(struct graph *, const char *from, const char *to,
		void (*found)(struct way *, void *arg), void *arg);

/* ---- running; by the worker of the task only ---- */

/* Receives or dequeues a burst and takes it through the graph.  Returns how many packets. */
unsigned task_run(struct task *, uint64_t now);
/* Whether task_run would find something. */
static inline bool task_is_fed(const struct task *t)
{
	return t->queue && rte_ring_count(t->queue->ring) > 0;
}
/* Whether it would find as many as make a run worth its while. */
static inline bool task_has_burst(const struct task *t)
{
	return t->queue && rte_ring_count(t->queue->ring) >= RTE_MIN(t->queue->burst, t->most);
}
/* Cycles that its modules were measured to take, over all runs. */
uint64_t task_work(const struct task *);
/* The earliest time at which a module of it will give back packets. */
uint64_t task_due(const struct task *);
/* Lets go of held packets that are due by NOW, a burst of each module at most; returns how many. */
unsigned task_release(struct task *, uint64_t now);
/* Lets go of a burst of what one module holds, due or not; returns how many, 0: it holds none. */
unsigned task_release_from(struct hop *);

#endif
