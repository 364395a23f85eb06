/* What the files of `epic trace` share; private to them. */
#ifndef EPIC_TOOLS_TRACE_H
#define EPIC_TOOLS_TRACE_H

#include "compiler/ir/walk.h"
#include "compiler/tools/command.h"

/* ---- trace_packet.c: what the author says of the packet ---- */

/* A name and a value, as written. */
struct trace_field {
	const char *name, *value;
};

struct trace_end {
	struct prefix address;
	bool has_port;
	uint64_t port;
};

/* 'PROTO SRC[:PORT] > DST[:PORT] [FIELD=VALUE]...', taken apart. */
struct trace_request {
	uint64_t protocol;
	struct trace_end from, to;
	VEC(struct trace_field) fields;
};

/* False: reported as wrong use. */
bool trace_parse(struct run *, const char *text, struct trace_request *);
/* Looks up the fields, also those of --derived, in the pipeline. */
bool trace_resolve(struct run *, const struct ir *, const struct ir_pipeline *,
		   const struct trace_request *, struct walk_packet *);
/* The same packet with `port.in`; VALUE replaces an older one. */
void trace_enter(struct arena *, const struct ir *, const char *value, struct walk_packet *);
const struct packet_value *trace_value(const struct walk_packet *, const struct field *);
/* What the author may write behind NAME= : "accept|alert|drop", or a placeholder. */
const char *trace_choices(struct arena *, const struct field *);

/* ---- trace_tasks.c: one packet's walk, and who serves it ---- */

/* A target that enforces an slo on the pipeline. */
struct trace_target {
	const struct plan_schedule *row;
	const char *source;
	bool parted;       /* a classifier stands behind the source ... */
	const char *early; /* ... and puts the packet into the queue of this class (or "rest");
			    * NULL: into none, or it is unknown */
	bool open;         /* it is unknown */
};

struct trace {
	struct arena *arena;
	const struct ir *ir;
	const struct ir_pipeline *pipeline;
	uint32_t source;
	struct walk_packet packet; /* as it enters here */
	struct walk *walk;
	struct ids classes; /* of the graph: those that it is in ... */
	struct ids open;    /* ... and those that it may be in */
	bool has_size;
	struct rat size; /* bytes: of its classes, else of the pipeline */
	struct trace_target *targets;
	size_t n_targets;
};

/* Sends the packet into the source and finds out all of the above. */
struct trace *trace_walk(struct arena *, const struct policy *, const struct ir_pipeline *,
			 uint32_t source, const struct walk_packet *);

/* Cycles of one module for this packet; false: unknown without a packet size. */
bool trace_cycles(const struct trace *, uint32_t module, struct rat *);
/* Of a whole way, without or with what its copies cost; false: unknown. */
bool trace_sum(const struct trace *, const struct walk_way *, bool copies, struct rat *);

/* Who runs a module for the packet. */
struct trace_place {
	const struct plan_task *task; /* NULL: unknown */
	bool queued;                  /* the packet waits in a queue before the module ... */
	bool early;                   /* ... which the classifier fills */
};

/* BEFORE: where the packet was; all zero in front of the source. */
struct trace_place trace_place(const struct trace_target *, const char *module,
			       struct trace_place before);
/* What queues and the classifier cost on the way, copies left out; false: unknown. */
bool trace_overhead(const struct trace *, const struct trace_target *, struct rat *);

/* ---- trace_human.c, trace_json.c ---- */

void trace_human(struct sink *, const struct trace *);
void trace_json(struct sink *, const struct trace *const *, size_t n);

#endif
