/* What a BESS script sets up: ports, modules, wires, workers, the scheduler tree.
 *
 * Made while the plan is built, so that everything that BESS cannot do is refused there
 * (E0802) and backends/bess only writes it down.  Names are those of the script: Python
 * identifiers, unique.  Numbers of nodes are indices into `nodes`.
 *
 * Each of the target's copies of the pipeline (`replicas`) has its modules and workers:
 * worker w of copy i is number i * K + w, on core cores[w] + i * (last core - first core + 1).
 * Where the classes are parted, each has a copy of all that is behind the classifier.  A
 * device can be written to by one module only, so that all copies share it. */
#ifndef EPIC_PLAN_BESS_LAYOUT_H
#define EPIC_PLAN_BESS_LAYOUT_H

#include "compiler/base/ctx.h"
#include "compiler/base/vec.h"
#include "compiler/plan/match.h"
#include "compiler/plan/plan.h"

enum { BESS_GATES = 8192 };

enum bess_kind {
	BESS_PLAIN,
	BESS_IN,
	BESS_OUT,
	BESS_QUEUE_IN,
	BESS_QUEUE_OUT,
	BESS_TABLE,
	BESS_FILTERS,
	BESS_LOOKUP,
	BESS_FIELDS,
	BESS_DEFAULT,
	BESS_RULES,
	BESS_BURN,
	BESS_CHOOSE,
	BESS_NEVER
};

struct bess_class {
	const char *name;
	unsigned in, out; /* gates */
	bool task, many;
	unsigned gate;
	enum bess_kind kind;
	const char *args, *needs;
};
const struct bess_class *bess_class_find(const char *name); /* NULL: BESS has none */
/* Whether it writes to packets, so that what is known of them is known no more. */
bool bess_class_changes(const struct bess_class *);
/* The type of an argument, one letter of grammar/bess_classes.def; 0: there is none. */
char bess_arg_type(const struct bess_class *, const char *name);

struct bess_port {
	const char *name;
	const char *key;    /* of PMDPort: pci, vdev or port_id */
	const char *device; /* as stated */
	unsigned n_in;      /* queues of incoming packets */
	struct span span;
};

struct bess_node {
	const char *name;
	const struct bess_class *class;
	const struct plan_module *module; /* NULL: put in by the compiler */
	const struct matcher *matcher;    /* of a table or of filters */
	bool by_filters;                  /* which half of the matcher it has */
	unsigned n_gates;                 /* of what spreads or copies packets */
	size_t port;                      /* of what takes or gives packets */
	int64_t queue;                    /* of the port it takes packets from; -1: all */
	int64_t packets;                  /* a queue's size */
	struct span span;
	const char *reason;
};

struct bess_wire {
	size_t from, to;
	unsigned gate;
	struct span span;
	const char *reason;
};

struct bess_worker {
	int64_t wid, core;
	bool blocks_idle; /* the scheduler that does */
};

/* Where a node of the tree hangs. */
struct bess_place {
	const char *parent; /* NULL: at the root of the worker */
	int64_t wid;
	enum { BESS_CHILD, BESS_RANKED, BESS_SHARED } how;
	int64_t number; /* the priority or the share */
};

struct bess_tc {
	const char *name, *policy;
	struct bess_place at;
	struct span span;
};

struct bess_task {
	size_t node;
	unsigned index; /* among the module's tasks */
	struct bess_place at;
	struct span span;
	const char *reason;
};

struct bess_layout {
	VEC(struct bess_port) ports;
	VEC(struct bess_node) nodes;
	VEC(struct bess_wire) wires;
	VEC(struct bess_worker) workers;
	VEC(struct bess_tc) tcs; /* parents first */
	VEC(struct bess_task) tasks;
	VEC(const char *) left_out; /* tasks of the plan to which no packet comes */
};

/* The layout of TARGET, whose config is CONFIG; reports what BESS cannot do.  Needs the rows of
 * pipelines and schedules.  Never NULL; complete only if nothing was reported. */
const struct bess_layout *bess_layout_make(struct ctx *, const struct ir *, const struct plan *,
					   const struct ir_target *,
					   const struct plan_packet_config *);

/* The same refusals for the other packet dataplane: every function has its class there, every port
 * a device. */
void dpdk_check(struct ctx *, const struct plan *, const struct ir_target *);

/* Integer shares 1 ... 1024 in the ratio of WEIGHTS (any unit), as near as that goes. */
void bess_shares(const __int128 *weights, size_t n, int64_t *shares);

#endif
