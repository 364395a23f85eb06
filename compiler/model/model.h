/* The checked model: what the author meant.
 *
 * Names are resolved to symbols, quantities are in base units, filters are
 * expressions of compiler/filter.  A number that was not given has den == 0
 * (rat_given tells); references that failed are NULL and were reported. */
#ifndef EPIC_MODEL_H
#define EPIC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/base/addr.h"
#include "compiler/base/ctx.h"
#include "compiler/base/map.h"
#include "compiler/base/rat.h"
#include "compiler/base/vec.h"
#include "compiler/filter/filter.h"

enum symbol_kind {
	SYM_LET,
	SYM_ATTRIBUTE,
	SYM_FUNCTION,
	SYM_DOMAIN,
	SYM_NODE,
	SYM_CLASS,
	SYM_PIPELINE,
	SYM_INSTANCE,
	SYM_SLO,
	SYM_GROUP,
	SYM_APPLICATION,
	SYM_TARGET,
	N_SYMBOL_KINDS
};

#define KIND(k) (1u << SYM_##k)

struct scope;
struct module;

/* A declared name. */
struct symbol {
	enum symbol_kind kind;
	const char *name;      /* as declared */
	const char *canonical; /* doc/language.md 4 */
	struct span span;      /* of the name */
	struct module *module; /* NULL: predefined */
	struct symbol *owner;  /* the block it stands in, or NULL */
	struct scope *members; /* names inside its block, or NULL */
	const struct ast_stmt *stmt;
	void *object; /* struct m_KIND below */
	bool visiting, visited; /* for definitions that may lead back to themselves */
	bool broken;            /* a constant in a cycle: has no value */
};

struct refs {
	struct symbol **at;
	size_t n, cap;
};

struct words {
	const char **at;
	size_t n, cap;
};

struct prefixes {
	struct prefix *at;
	size_t n, cap;
};

struct field_set {
	const struct field **at;
	size_t n, cap;
};

struct numbers {
	uint64_t *at;
	size_t n, cap;
};

/* A rate in bits or in packets per second. */
struct m_rate {
	struct rat value;
	bool packets;
};

/* Bits or packets per cycle. */
struct m_speed {
	struct rat value;
	bool packets;
};

struct m_range {
	uint64_t lo, hi;
	bool given;
};

struct m_attribute {
	struct symbol *sym;
	bool label;
	struct refs implies, requires;
	struct refs above;
};

enum { ROLE_TRANSIT, ROLE_SOURCE, ROLE_EXIT, ROLE_PORT };
enum { VIA_PORT, VIA_METADATA };
enum { AFFINITY_NONE, AFFINITY_FLOW, AFFINITY_FIELDS };

struct m_derives {
	const char *name;
	struct span span;
	bool is_string;
	const char *const *values;
	size_t n_values;
	int via;
};

/* What a function costs: `speed`, or `cost` and `cost-per-byte`. */
struct m_cost {
	struct m_speed speed;
	struct rat cost, per_byte;
};

struct m_function {
	struct symbol *sym;
	struct symbol *base;
	int api, role, schedulable, side, opaque, encrypted_match, scale;
	bool schedulable_given;
	struct words accepts;
	VEC(struct m_derives) derives;
	struct refs provides, before, after;
	struct symbol *pair;
	bool inspects_payload;
	struct field_set inspects, rewrites, affinity;
	int affinity_kind;
	struct m_cost cost;
	struct rat setup;
	const char *image, *bess_class, *dpdk_class, *socks_class, *measured;
	struct span pair_span;
};

struct m_rule {
	bool forbid;
	struct refs from, to;
	bool from_all, to_all; /* `*`: every node, not listed */
	const struct fx *when;
	const struct cubes *cubes;
	struct symbol *carries;
	struct span span;
};

enum { DEFAULT_NONE = -1, DEFAULT_ALLOW, DEFAULT_DENY };

struct m_domain {
	struct symbol *sym;
	int decides;
	struct span default_span;
	VEC(struct m_rule) rules;
	const char *contact;
	struct refs nodes;
};

enum { NODE_ENDPOINT, NODE_PROXY, NODE_SERVER, NODE_SWITCH };

struct m_node {
	struct symbol *sym;
	struct symbol *domain;
	int kind, trust;
	struct prefixes address;
	struct refs attributes, hosts;
	uint64_t base_port;
	struct rat cores, clock, nic, reserve, memory, ports, external, speed, rules;
	struct words actions;
};

/* A value of any type, for configuration names. */
struct m_value {
	enum { VALUE_NUMBER, VALUE_TEXT, VALUE_LIST } kind;
	struct rat number; /* quantities in base units */
	const char *text;  /* strings, words, names, addresses, services, dates, filters */
	const struct m_value **members; /* sets; ranges as two numbers */
	size_t n_members;
};

/* An instance's configuration: a name the function accepts, and its value. */
struct m_config {
	const char *name;
	struct span span;
	const struct m_value *value;
};

struct m_instance {
	struct symbol *sym;
	struct symbol *function; /* NULL: the predefined exit, or unknown */
	struct symbol *pipeline;
	bool is_drop;
	struct m_cost cost; /* with what the function states */
	bool schedulable;
	struct span cost_span; /* where cost and speed are stated together */
	VEC(struct m_config) config;
	size_t index; /* in the pipeline's list */
	/* what the module spends, whichever spelling was used */
	struct rat cycles, cycles_per_byte;
};

struct m_edge {
	size_t from, to; /* instances of the pipeline */
	const struct fx *when;
	const struct cubes *cubes; /* NULL for `otherwise` until asked for */
	bool copy, otherwise;
	bool has_rate, stated;
	struct rat rate;   /* packets/s */
	bool rate_in_bits; /* as it was stated */
	struct span span, when_span, rate_span;
};

struct m_links {
	size_t *at; /* indices into `edges` */
	size_t n, cap;
};

struct m_pipeline {
	struct symbol *sym;
	struct rat packet;
	VEC(struct m_instance *) instances; /* in source order; drop last if used */
	VEC(struct m_edge) edges;           /* in source order */
	/* per instance, edges out of it (by copy, then target, then source order) and into it,
	 * and a topological order */
	struct m_links *out, *in;
	size_t *order;
	struct m_class *rest; /* what enters in no class; NULL where no schedule is due */
	bool sound; /* acyclic, ends resolved: later checks may run */
};

struct m_path {
	struct m_pipeline *pipeline;
	const size_t *modules;
	size_t n;
	const size_t *copies; /* indices of the modules right behind copy edges, ascending */
	size_t n_copies;
	const struct cubes *cubes; /* packets of the class that take it, as they enter or were compared last */
};

struct m_class {
	struct symbol *sym;
	const struct fx *match;
	const struct ast_expr *through;
	struct m_rate rate;
	struct rat packet;
	struct symbol *carries;
	struct refs pipelines; /* those it passes */
	VEC(struct m_path) paths;
	struct rat rate_pps; /* 0: unknown */
	struct rat packet_bytes;
};

enum { SLO_PRIORITY, SLO_CPU_RATIO, SLO_THROUGHPUT_RATIO, SLO_CPU_BOUND, SLO_RATE_BOUND, SLO_LATENCY };

struct m_statement {
	int kind;
	struct refs members;
	struct rat *parts; /* of a ratio */
	bool at_least;     /* bound: >= rather than <= */
	struct rat bound;  /* share, packets/s (or bit/s: `bits`), ns */
	bool bits;
	struct span span;
};

struct m_slo {
	struct symbol *sym;
	bool is_group;
	VEC(struct m_statement) statements;
	struct refs groups;
	int accounting, classify, objective;
	struct rat floor, tolerance;
	struct refs classes; /* all named, groups included, in order of first naming */
	/* of this level: members that its statements name, in order of first naming */
	struct refs members;
	const size_t *ranks; /* of each; 0 is served first */
	bool ranked;
};

struct m_flow {
	struct refs from, to;
	bool from_all, to_all;   /* `*` */
	bool from_many, to_many; /* a set or star: pairs of different nodes */
	const struct fx *when;
	const struct cubes *cubes;
	struct m_rate rate;
	struct symbol *carries;
	struct span span;
};

struct m_application {
	struct symbol *sym;
	VEC(struct m_flow) flows;
	const char *purpose;
	int minimise, replay;
	struct rat packet;
};

enum { BACKEND_BESS, BACKEND_DPDK, BACKEND_NGINX, BACKEND_SOCKS, BACKEND_DOT, N_BACKENDS };

struct m_target {
	struct symbol *sym;
	int backend;
	struct refs subjects; /* `for` */
	struct symbol *enforce, *on, *at;
	struct rat clock, replicas, queue, queue_cost, classify_cost;
	struct numbers workers;
	struct m_range listen;
	struct rat listen_port;
	int mode, dialect, auth, fast_open, view, format;
	uint64_t version, warm;
	const char *certificate, *certificate_key, *users, *authority;
	struct span listen_span;
};

struct m_expect {
	const struct ast_stmt *stmt;
	struct scope *scope;
	struct span span;
};

struct module {
	const char *name;
	const char *prefix; /* canonical names of its symbols begin with this; "" for the root */
	uint32_t source;
	struct ast_file *ast;
	struct scope *scope;
	bool loading;
};

/* A place where a name stands for something; declarations are among them. */
struct use {
	struct span span;      /* of one component of a path */
	struct symbol *sym;    /* NULL: MODULE is named, by `use` or as a prefix */
	struct module *module; /* NULL: a symbol */
};

struct uses {
	struct use *at;
	size_t n, cap;
};

struct model {
	struct ctx *ctx;
	const char *std; /* folder of the standard library; NULL: none */
	bool keeps_uses;
	struct uses uses; /* as met, with repetitions; empty unless kept */
	struct fields *fields;
	VEC(struct module *) modules; /* the root first, then as met */
	struct module *root;
	struct symbol *rest; /* the predefined class */
	struct symbol *none; /* the predefined function, without base */
	/* everything of every module, in order of declaration */
	struct refs attributes, functions, domains, nodes, classes, pipelines, slos, applications,
		targets;
	VEC(struct m_expect) expects; /* of the root module */
};

static inline bool rat_given(struct rat r)
{
	return r.den != 0;
}

const char *symbol_kind_word(enum symbol_kind); /* "a node" */

#define OBJECT(symbol, type) ((struct type *)(symbol)->object)

#endif
