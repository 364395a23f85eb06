/* What lint rules share: the filters of the root file, what packets come to a module, and
 * words for messages.
 *
 * All answers are exact, or know that they are not: sets of packets that would grow too
 * large are taken for all packets, and rules that need the exact set keep silent then. */
#ifndef EPIC_TOOLS_LINT_SHARED_H
#define EPIC_TOOLS_LINT_SHARED_H

#include "compiler/ast/ast.h"
#include "compiler/tools/lint.h"

#define LINT_ARENA(l) ((l)->ctx->arena)
#define LINT_DIAGS(l) (&(l)->ctx->diags)
#define LINT_FIELDS(l) ((l)->policy->model->fields)

/* Declared in the root file. */
bool lint_is_own(const struct linting *, const struct symbol *);
bool lint_in_root(const struct linting *, struct span);
/* The symbols of a list that the root file declares. */
struct refs lint_own(const struct linting *, const struct refs *);

const struct ast_clause *lint_clause(const struct ast_clauses *, const char *name);
/* The statement that gives a property of a block; NULL: none does. */
const struct ast_stmt *lint_property(const struct symbol *block, const char *name);
/* Where the INDEX-th member of a set of N stands; the property's value if it was not written
 * there. */
struct span lint_member_span(const struct ast_stmt *property, size_t index, size_t n);

/* "ip.proto udp, l4.dport 53" */
const char *lint_packet(const struct linting *, const struct packet *);
/* Adds it as a note, and to the data of the finding. */
void lint_example(const struct linting *, struct diag *, const struct packet *);
/* "a", "a and b", "a, b and c"; more than five are cut short. */
const char *lint_list(const struct linting *, const char *const *names, size_t n);

/* The clause with the blanks in front of it. */
struct span lint_whole_clause(const struct linting *, const struct ast_clause *);
/* The statement; its line if nothing else stands there, else the blanks in front too. */
struct span lint_whole_stmt(const struct linting *, const struct ast_stmt *);

/* ---- filters ---- */

/* A filter of the root file where it is used: `when` of an edge, rule or flow, or `match`. */
struct lint_filter {
	const struct symbol *block; /* domain, application, pipeline or class */
	const struct ast_stmt *stmt;
	const struct ast_clause *clause; /* NULL: the statement is `match` */
	const struct filter_part *part;
	struct span span; /* of the expression */
	const struct cubes *cubes;
};

struct lint_filters {
	struct lint_filter *at;
	size_t n, cap;
};

/* All of them, in the order of the source within each kind; made once. */
const struct lint_filters *lint_filters_of(struct linting *);

/* ---- pipelines ---- */

struct lint_way {
	const struct cubes *cubes;
	bool exact; /* else they are some of these packets */
};

/* What comes to each module of a sound pipeline of the root file; made once. */
const struct lint_way *lint_arriving(struct linting *, const struct m_pipeline *);

/* The first edge whose filter does not stand before WHEN. */
size_t lint_first_edge(const struct m_pipeline *, struct span when);
/* The packets that a filter is asked about: at least those that come to its edges, or all. */
const struct cubes *lint_asked(struct linting *, const struct lint_filter *);

/* Sets of packets on their way; IN is what begins at each module (NULL: nothing there). */
struct lint_walk {
	struct linting *lint;
	const struct m_pipeline *pipeline;
	bool copies;                          /* go along copy edges too */
	bool (*stops)(void *, size_t module); /* does not go on behind it; NULL: never */
	void *data;
};
struct lint_way *lint_spread(const struct lint_walk *, const struct lint_way *in);
/* The part of what leaves a module that takes the edge. */
struct lint_way lint_across(struct linting *, const struct m_pipeline *, struct lint_way leaving,
			    const struct m_edge *);
/* What a module sends on of what comes to it: rewritten fields are unknown. */
struct lint_way lint_behind(struct linting *, const struct m_instance *, struct lint_way arriving);

/* `drop` is an exit. */
int lint_role(const struct m_instance *);
bool lint_begins(const struct m_pipeline *, size_t module);        /* packets enter here */
const struct m_function *lint_function(const struct m_instance *); /* NULL: `drop` */
/* What an instance was configured with; NULL: nothing of that name. */
const struct m_value *lint_config(const struct m_instance *, const char *name);
/* A is B or based on it. */
bool lint_is_based_on(const struct symbol *a, const struct symbol *b);
/* Sound pipelines of the root file. */
struct refs lint_pipelines(const struct linting *);

/* ---- the files of rules beside lint_*.c of lint.h ---- */

void lint_negations(struct linting *);      /* lint_negations.c */
void lint_shadowed_rules(struct linting *); /* lint_permits.c */
void lint_dead_rules(struct linting *);
void lint_broad_permits(struct linting *);
void lint_permit_conflicts(struct linting *);
void lint_lossy_forks(struct linting *); /* lint_forks.c */
void lint_unreachable(struct linting *);
void lint_dead_ends(struct linting *);
void lint_unused_derived(struct linting *);
void lint_rewritten(struct linting *);
void lint_copy_storms(struct linting *);
void lint_legacy_metadata(struct linting *); /* lint_functions.c */
void lint_opaque(struct linting *);
void lint_affinity(struct linting *);
void lint_pairs(struct linting *);
void lint_redundant(struct linting *);    /* lint_repetition.c */
void lint_unbridgeable(struct linting *); /* lint_attributes.c */
void lint_attribute_typos(struct linting *);
void lint_never_required(struct linting *);
void lint_committed_cores(struct linting *); /* lint_load.c */
void lint_committed_links(struct linting *);

#endif
