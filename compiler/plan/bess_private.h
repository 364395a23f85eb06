/* What the files that lay out a BESS script share. */
#ifndef EPIC_PLAN_BESS_PRIVATE_H
#define EPIC_PLAN_BESS_PRIVATE_H

#include "compiler/base/map.h"
#include "compiler/plan/bess_layout.h"
#include "compiler/plan/forks.h"

#define NODE_NONE SIZE_MAX

struct bess_names {
	struct arena *arena;
	struct interner *interner;
	struct map used; /* interned names to themselves */
};

void bess_names_init(struct bess_names *, struct ctx *);

/* BASE, made an identifier that is not taken; it is then. */
const char *bess_name(struct bess_names *, const char *base);

/* One module of the pipeline, in one copy. */
struct bess_instance {
	size_t node, entry; /* where packets go to: the queue before it, or itself */
};

struct laying {
	struct ctx *ctx;
	const struct ir *ir;
	const struct plan *plan;
	const struct ir_target *target;
	const struct plan_packet_config *config;
	const struct plan_schedule *schedule; /* NULL: one task per source */
	struct bess_layout *made;
	struct bess_names names, tc_names;
	/* the pipeline and the copy of it at hand */
	const struct ir_pipeline *pipeline;
	const struct plan_pipeline *rows;
	const struct cubes **arriving; /* by module and copy: what may come there */
	const char **devices;          /* by module: where all of that came in; NULL: not known */
	const struct fork **forks;     /* by module and copy, as they are asked for */
	int64_t replica;
	size_t n_copies;                 /* 1, and one per class that is parted */
	struct bess_instance *instances; /* by module and copy */
	const struct matcher *classifier;
	const struct cubes **classes; /* by copy: what the classifier sends there */
	VEC(size_t) out_nodes;        /* by port: what writes to it */
	size_t sink;
};

#define LAY_ARENA(k) ((k)->ctx->arena)

struct bess_instance *bess_instance_at(struct laying *, uint32_t module, size_t copy);
void bess_wire(struct laying *, size_t from, unsigned gate, size_t to, struct span,
	       const char *reason);
/* The module's node in one copy, with all that is behind it; what leads to it is wired to
 * `entry`. */
void bess_lay_module(struct laying *, uint32_t module, size_t copy);

/* Before the first fork is asked for. */
void bess_prepare_forks(struct laying *);
const struct fork *bess_fork_of(struct laying *, uint32_t module, size_t copy);
/* Whether packets start there, and whether the classifier stands behind it. */
bool bess_begins(const struct ir_pipeline *, uint32_t module);
bool bess_is_classified(const struct laying *, uint32_t module);

/* The class of a module; NULL: reported. */
const struct bess_class *bess_class_of(struct laying *, const struct plan_module *);
/* Reports what the class needs or cannot take. */
void bess_check_module(struct laying *, const struct plan_module *, const struct bess_class *,
		       const struct fork *);

/* The port object of a device; NODE_NONE: reported. */
size_t bess_port_of(struct laying *, const struct plan_module *);

/* Workers, tree and tasks of the copy at hand. */
void bess_lay_schedule(struct laying *);
void bess_lay_sources(struct laying *, size_t *n_sources);
/* One-worker modules, modules that run by themselves.  Needs the wires sorted. */
void bess_check_workers(struct laying *);

#endif
