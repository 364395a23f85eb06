/* Modules: what is done to packets between two edges.
 *
 * A module class is a const table of operations, one file each; modules.c lists them.  An
 * instance is opened once per copy of its pipeline, by the main thread, and then run by workers.
 * An instance that tasks on several workers run is locked by the graph (unless MODULE_PURE), so
 * no module needs locks.  `run` and `release` allocate nothing, log nothing and never wait.
 *
 * Which out-edge a packet takes is decided behind the module by the edges' filters; a module that
 * derives an attribute writes its value into the packet's tag before. */
#ifndef EPIC_DPDK_MODULE_H
#define EPIC_DPDK_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "runtime/dpdk/filter.h"
#include "runtime/dpdk/packet.h"
#include "runtime/plan/plan.h"

/* Why a packet ends. */
enum drop_reason {
	DROP_EXIT,      /* the policy's `drop`, or an exit of class drop: not a loss */
	DROP_UNROUTED,  /* no edge takes it */
	DROP_QUEUE,     /* the queue in front of a task was full */
	DROP_REFUSED,   /* the module's own rules: firewall, normaliser, authentication */
	DROP_MALFORMED, /* the bytes are no packet that the module could handle */
	DROP_FULL,      /* a table of the module was full */
	DROP_EXPIRED,   /* waited too long: fragments that never became whole */
	DROP_MERGED,    /* its bytes went on in another packet */
	DROP_MEMORY,    /* no mbuf for a copy: the copy is lost, its packet goes on */
	DROP_SENT,      /* the device did not take it */
	N_DROP_REASONS
};

const char *drop_reason_name(enum drop_reason); /* "queue", "refused", ... */

/* Counters of one module as one worker sees it, by class state (the lower half of packet.state). */
struct tally {
	uint64_t *dropped; /* [reason * n_states + state] */
	uint64_t *held;    /* [state] */
	uint32_t n_states;
	uint32_t generation; /* the upper half of the states of this graph's packets */
};

/* Packets on their way through one module.  `at` has room for BURST. */
struct burst {
	struct rte_mbuf *at[BURST];
	unsigned n;
	uint64_t now; /* time stamp counter, when the task began to run */
	struct tally *tally;
	bool alike;     /* the graph's: all packets are known to have STATE */
	uint32_t state; /* lower half */
};

/* Counts the packet and frees it.  The caller takes it out of `at`. */
void burst_drop(struct burst *, struct rte_mbuf *, enum drop_reason);
/* The same for one whose bytes live on elsewhere: it is not freed. */
void burst_gone(struct burst *, struct rte_mbuf *, enum drop_reason);
/* A module takes the packet out of `at` and keeps it; and gives it back into `at` of `release`. */
void burst_hold(struct burst *, struct rte_mbuf *);
void burst_unhold(struct burst *, struct rte_mbuf *);

/* ---- what an instance is opened with ---- */

struct module_derive {
	const char *attribute;
	struct rplan_texts values; /* empty: a string, which no class here derives */
	uint8_t tag;               /* packet.tags[tag] is an index into values */
};

struct module_edge {
	const char *to;
	const struct filter *when;
	bool copy;
};

enum module_role { ROLE_TRANSIT, ROLE_SOURCE, ROLE_EXIT };

struct devices;

/* What instances share. */
struct module_world {
	const char *directory;    /* "file:PATH" is relative to it; "" or ends in a slash */
	struct rte_mempool *pool; /* mbufs with a struct packet in their private area */
	struct devices *devices;
	unsigned n_workers;
	uint64_t hz; /* of the time stamp counter */
};

struct module_spec {
	const char *id, *function, *class;
	enum module_role role; /* as it stands in the graph */
	const struct rplan_values *config;
	const struct module_derive *derives;
	size_t n_derives;
	const struct module_edge *edges; /* out-edges, in the order of the plan */
	size_t n_edges;
	struct rplan_texts affinity; /* fields; {"flow"} is the five */
	struct rplan_texts rewrites; /* fields */
	double cost_cycles, cost_cycles_per_byte;
	unsigned copy; /* which replica, from 0 */
	const struct module_world *world;
};

/* What a module cannot do.  The caller puts the place of the instance in front. */
struct module_error {
	char text[256]; /* "routes: 10.0.0.0/40 is no prefix" */
};

bool module_fail(struct module_error *, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* always false */

/* Configuration values; false with *ERROR if the value is of the wrong kind or out of LOW...HIGH;
 * where the name is not given, true and the DEFAULT. */
bool config_number(const struct module_spec *, const char *name, double low, double high,
		   double preset, double *value, struct module_error *);
bool config_text(const struct module_spec *, const char *name, const char *preset,
		 const char **value, struct module_error *);
const struct rplan_value *config_value(const struct module_spec *, const char *name); /* or NULL */
/* The path of a "file:PATH" value, malloced; NULL with *ERROR if it is none. */
char *config_file(const struct module_spec *, const char *name, struct module_error *);

/* ---- a class of modules ---- */

enum module_flags {
	MODULE_PURE = 1 << 0,  /* `run` changes nothing in the instance: no lock */
	MODULE_KEEPS = 1 << 1 /* `run` neither drops nor holds a packet */
};

struct module_counter {
	const char *name; /* "flows", "translated", ... */
	uint64_t value;
};

enum { MODULE_COUNTERS = 16 };

struct module_ops {
	const char *class; /* dpdk-class */
	const char *summary;
	unsigned flags;
	/* NULL: *ERROR says why.  An instance without memory of its own returns any pointer. */
	void *(*open)(const struct module_spec *, struct module_error *);
	void (*close)(void *); /* frees what it holds, packets too */
	/* Handles the packets of the burst and leaves in it, in order, those that go on. */
	void (*run)(void *, struct burst *);
	/* Puts packets that were held and are due into the empty burst.  NULL: never holds. */
	void (*release)(void *, struct burst *);
	/* When `release` will have a packet: a time stamp; UINT64_MAX: not until the next run. */
	uint64_t (*due)(const void *);
	/* Chooses the out-edge of each packet itself, as an index into spec.edges or -1; the result
	 * equals what the filters say.  NULL: a chooser does.  CHOOSES says whether this instance
	 * wants to. */
	bool (*chooses)(const void *);
	void (*choose)(const void *, struct burst *, int16_t *edges);
	/* A new plan has the same instance: takes over from OLD, of the same class, what should
	 * survive (flows, held packets); OLD is closed afterwards.  NULL: nothing survives. */
	void (*adopt)(void *, void *old);
	/* Fills in at most MODULE_COUNTERS, returns how many; called while workers run. */
	size_t (*counters)(const void *, struct module_counter *);
};

/* Ends with NULL. */
extern const struct module_ops *const module_classes[];
const struct module_ops *module_class(const char *name); /* NULL: unknown */

#endif
