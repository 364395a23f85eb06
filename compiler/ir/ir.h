/* The graph: one policy as flat tables that refer to each other by number.
 *
 * Every table is sorted by canonical name (byte value) unless stated, so that
 * ids compare as names do and whatever is computed by id is already in order.
 * Attribute sets are `struct ids` over `attrs` and already closed under
 * `implies` where the comment says so.  Lower makes an `ir`; nothing changes it. */
#ifndef EPIC_IR_H
#define EPIC_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/addr.h"
#include "compiler/base/arena.h"
#include "compiler/base/ids.h"
#include "compiler/base/rat.h"
#include "compiler/base/source.h"
#include "compiler/filter/filter.h"

struct ir_attr {
	const char *name;
	struct span span;
	bool is_label;
	struct ids closure;  /* itself and all that it implies */
	struct ids below;    /* label: itself and every label below it */
	struct ids requires; /* label: what it and the labels below it require */
};

enum ir_side { IR_SIDE_EITHER, IR_SIDE_SOURCE, IR_SIDE_DESTINATION, IR_SIDE_BOTH };
enum ir_opaque { IR_OPAQUE_NONE, IR_OPAQUE_PAYLOAD, IR_OPAQUE_HEADERS };
enum ir_match { IR_MATCH_NONE, IR_MATCH_PREFIX, IR_MATCH_KEYWORD, IR_MATCH_FULL };
enum ir_role { IR_ROLE_TRANSIT, IR_ROLE_SOURCE, IR_ROLE_EXIT, IR_ROLE_PORT };

/* An attribute that a function finds out of each packet. */
struct ir_derive {
	const char *name;
	const char *const *values; /* none: any text */
	size_t n_values;
	bool via_port; /* else via metadata */
};

struct ir_function {
	const char *name;
	struct span span;
	struct ids provides; /* closed */
	enum ir_side side;
	uint32_t pair;       /* function or ID_NONE; mutual */
	struct ids before;   /* functions, those based on the named ones included */
	struct ids after;
	bool inspects_payload, inspects_fields;
	enum ir_opaque opaque;
	enum ir_match encrypted_match;
	const struct field **rewrites; /* ports as l4.* */
	size_t n_rewrites;
	const char **affinity; /* fields, or `flow` alone */
	size_t n_affinity;
	const struct ir_derive *derives;
	size_t n_derives;
	struct rat setup;         /* ns */
	struct rat cost;          /* cycles per packet */
	struct rat cost_per_byte; /* cycles per byte */
	const char *bess_class, *dpdk_class, *socks_class, *image; /* or NULL */
};

enum ir_node_kind { IR_ENDPOINT, IR_PROXY, IR_SERVER, IR_SWITCH };

struct ir_node {
	const char *name;
	struct span span;
	enum ir_node_kind kind;
	uint32_t domain;
	struct ids attrs; /* closed */
	const struct prefix *addresses; /* as written */
	size_t n_addresses;
	/* proxy: functions in the order of `hosts`; the i-th listens on base_port + i */
	const uint32_t *hosts;
	size_t n_hosts;
	unsigned base_port;
	bool has_cores; /* proxy: without, capacity is not limited */
	struct rat cores, clock; /* clock: Hz */
	struct rat reserve;      /* server: cores */
};

enum ir_default { IR_DEFAULT_NONE, IR_DEFAULT_ALLOW, IR_DEFAULT_DENY };

struct ir_domain {
	const char *name;
	struct span span;
	enum ir_default decides; /* NONE: states no rule */
	struct span default_span;
	size_t first_rule, n_rules; /* in `rules` */
	struct ids proxies;
};

/* A permit or forbid; in the order of the domains, then of the source. */
struct ir_rule {
	bool forbid;
	uint32_t domain;
	struct ids from, to; /* nodes */
	const struct cubes *cubes;
	const char *when;
	uint32_t carries; /* label or ID_NONE */
	struct span span;
};

enum ir_objective { IR_SETUP_TIME, IR_PACKET_COST, IR_FUNCTIONS };

/* In plan order: the root module's in source order, then those of other modules
 * that a target names, by name. */
struct ir_application {
	const char *name;
	struct span span;
	enum ir_objective minimise;
	struct rat packet; /* bytes */
	bool replay_safe;
	size_t first_flow, n_flows; /* in `flows` */
};

/* One pair of nodes of one flow statement; in plan order. */
struct ir_flow {
	uint32_t application; /* index into applications, or ID_NONE for a hypothetical flow */
	uint32_t from, to;
	const struct cubes *cubes;
	const char *when;
	bool has_rate;
	struct rat rate_bps, rate_pps;
	uint32_t carries; /* label or ID_NONE */
	struct span span; /* of the move */
};

struct ir_value; /* of a configuration name; see below */

struct ir_config {
	const char *name;
	const struct ir_value *value;
};

/* What an instance was configured with; quantities in base units. */
struct ir_value {
	enum {
		IR_VALUE_NUMBER,
		IR_VALUE_TEXT, /* strings, symbols, names, addresses, services */
		IR_VALUE_BOOL,
		IR_VALUE_LIST /* sets, and ranges as two numbers */
	} kind;
	struct rat number;
	bool truth;
	const char *text;
	const struct ir_value *const *members;
	size_t n_members;
};

struct ir_module {
	const char *name; /* canonical name of the instance; "P.drop" for the predefined exit */
	struct span span;
	const char *function_name; /* "drop" for the predefined exit */
	uint32_t function;         /* ID_NONE for it */
	enum ir_role role;
	bool schedulable;
	struct rat cost, cost_per_byte;
	const struct ir_config *config; /* by name */
	size_t n_config;
	/* the attributes that choose its output ports (`derives ... via port`) */
	const struct field *const *port_attributes;
	size_t n_port_attributes;
};

struct ir_edge {
	uint32_t from, to; /* modules of the same pipeline, indices into its `modules` */
	const struct fx *fx;
	const char *when;
	bool copy;
	bool otherwise;
	bool has_rate; /* stated or inferred */
	struct rat rate_pps;
	struct span span;
};

/* In place of the number of a class: traffic that is in none. */
#define ID_REST (ID_NONE - 1)

struct ir_path {
	uint32_t pipeline;
	const uint32_t *modules; /* of the pipeline, from source to exit */
	size_t n;
	bool copy;    /* passes a copy edge */
	size_t first; /* the first module that counts: behind the last copy edge, else 0 */
	const uint32_t *copies; /* places of the modules right behind copy edges */
	size_t n_copies;
	struct rat rate_pps; /* r_jp, the part of the class's rate on this path */
};

struct ir_class {
	const char *name; /* "rest" for other traffic */
	struct span span;
	const struct fx *fx;
	const char *match;
	struct ir_path *paths; /* sorted by the names of their modules */
	size_t n_paths;
	struct rat rate_pps; /* 0: unknown */
	bool has_packet;
	struct rat packet;
	/* `match` and the filters of its paths as they can be told from the header of a
	 * packet that enters; copy edges left out */
	const struct fx *header;
};

struct ir_pipeline {
	const char *name;
	struct span span;
	bool has_packet;
	struct rat packet; /* bytes */
	struct ir_module *modules; /* by name */
	size_t n_modules;
	struct ir_edge *edges; /* by (from, to, copy, when) */
	size_t n_edges;
	/* What enters in none of the declared classes; its paths are all of the pipeline,
	 * none if no rate is known. */
	struct ir_class rest;
};

enum ir_statement_kind {
	IR_CPU_RATIO,
	IR_THROUGHPUT_RATIO,
	IR_CPU_BOUND,
	IR_RATE_BOUND,
	IR_LATENCY
};

/* A statement of an slo or group but `priority`, which `ir_level` has. */
struct ir_statement {
	enum ir_statement_kind kind;
	const uint32_t *members; /* of the level, as stated */
	size_t n_members;
	const struct rat *parts; /* ratios: one per member, > 0 */
	bool at_least;           /* bounds: >= rather than <= */
	bool bits;               /* IR_RATE_BOUND: in bit/s */
	struct rat bound;        /* share, packets/s or bit/s, ns */
	struct span span;
};

/* A class or a group that stands in an slo or in a group. */
struct ir_member {
	const char *name;
	uint32_t level;      /* a group: its level; a class: ID_NONE */
	struct ids classes;  /* the class, or all classes in the group; ID_REST among them */
	uint32_t rank;       /* 0 is served first; 0 throughout without priorities */
};

/* `priority` between two members, also through others. */
struct ir_priority {
	uint32_t above, below; /* members of the level */
	struct span span;      /* of a statement that says so */
};

/* The slo itself or one of its groups. */
struct ir_level {
	const char *name; /* canonical */
	struct span span;
	uint32_t parent; /* level; ID_NONE for the slo */
	struct ir_member *members; /* by name */
	size_t n_members;
	struct ir_statement *statements; /* in source order */
	size_t n_statements;
	struct ir_priority *priorities;
	size_t n_priorities;
	uint32_t n_ranks; /* 1 without priorities */
};

enum ir_classify { IR_CLASSIFY_AUTO, IR_CLASSIFY_NEVER };

struct ir_slo {
	const char *name;
	struct span span;
	bool tasks_first;  /* objective tasks */
	bool entitlement;  /* accounting */
	enum ir_classify classify;
	struct rat floor, tolerance;
	struct ids classes;      /* all that are named */
	struct ir_level *levels; /* [0]: the slo; a group comes behind its parent */
	size_t n_levels;
};

enum ir_backend { IR_BESS, IR_DPDK, IR_NGINX, IR_SOCKS, IR_DOT };

struct ir_target {
	const char *name;
	struct span span;
	enum ir_backend backend;
	struct ids applications; /* nginx, socks, dot: indices */
	struct ids pipelines;    /* bess, dpdk, dot */
	uint32_t enforce;        /* slo or ID_NONE */
	uint32_t at;             /* nginx, socks: node */
	struct rat clock;        /* Hz; 0: not known */
	const uint32_t *cores;   /* worker cores */
	size_t n_cores;
	uint64_t replicas, queue;
	bool has_on;             /* bess, dpdk: `on` names servers ... */
	struct rat on_cores;     /* ... with so many cores that are not reserved */
	struct rat queue_cost, classify_cost;
	struct ids one_worker;         /* bess: modules of the pipeline that one worker only may reach */
	uint64_t listen_lo, listen_hi; /* nginx: ports; socks: listen_lo */
	struct span listen_span;
	bool http;                     /* nginx: mode http */
	const char *certificate, *certificate_key; /* "file:PATH" or NULL */
	uint64_t version;              /* socks */
	const char *dialect, *auth;
	const char *users, *authority; /* or NULL */
	bool fast_open;
	uint64_t warm;
	const char *view, *format;     /* dot */
};

struct ir_source {
	const char *file;
	char sha256[65];
	uint32_t source; /* of the spans */
};

struct ir {
	const char *module;
	uint64_t edition;
	struct fields *fields;
	struct ir_source *sources; /* by file */
	size_t n_sources;
	struct ir_attr *attrs;
	size_t n_attrs;
	struct ir_function *functions;
	size_t n_functions;
	struct ir_domain *domains;
	size_t n_domains;
	struct ir_node *nodes;
	size_t n_nodes;
	struct ir_rule *rules;
	size_t n_rules;
	struct ir_application *applications;
	size_t n_applications;
	struct ir_flow *flows;
	size_t n_flows;
	struct ir_pipeline *pipelines;
	size_t n_pipelines;
	struct ir_class *classes;
	size_t n_classes;
	struct ir_slo *slos;
	size_t n_slos;
	struct ir_target *targets;
	size_t n_targets;
};

/* Asserts all that the comments above promise. */
void ir_verify(const struct ir *);

/* By name; ID_NONE if there is none. */
uint32_t ir_find_node(const struct ir *, const char *name);
uint32_t ir_find_attr(const struct ir *, const char *name);
uint32_t ir_find_function(const struct ir *, const char *name);

#endif
