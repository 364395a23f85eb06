/* Private to compiler/check: the state of one check and what its files offer each
 * other. */
#ifndef EPIC_CHECK_PRIVATE_H
#define EPIC_CHECK_PRIVATE_H

#include "compiler/ast/ast.h"
#include "compiler/base/text.h"
#include "compiler/check/check.h"
#include "compiler/model/model.h"

struct check {
	struct ctx *ctx;
	struct model *model;
	const struct search *search;
	struct map by_path;   /* module by interned real path */
	const char *root_dir; /* directory of the root file, absolute */
	struct offers *offers; /* elsewhere.c: what the standard library declares; NULL: not read yet */
};

#define DIAGS(c) (&(c)->ctx->diags)
#define ARENA(c) ((c)->ctx->arena)

/* What a `use` makes visible. */
struct import {
	const char *name; /* a prefix, or one exported name */
	struct module *module;
	const char *member; /* NULL: NAME is a prefix */
	struct span span;
};

/* Names of one block or file. */
struct scope {
	struct scope *outer;
	struct module *module;
	struct symbol *owner; /* the block's symbol; NULL for a file */
	struct map names;     /* name -> struct symbol */
	struct map imports;   /* name -> struct import, the first of its name */
	struct map clashes;   /* name -> struct import, another of that name */
	struct words words;   /* declared names in order, for proposals */
	struct words prefixes;
};

/* ---- modules.c ---- */

/* Reads, parses and declares the root file and all it uses.  NULL: unreadable. */
struct module *modules_load(struct check *, const char *path);
struct module *modules_load_text(struct check *, const char *text, size_t size);

/* ---- declare.c ---- */

/* Makes symbols for all that the module's file declares; E0302, E0206. */
void declare_module(struct check *, struct module *);
void declare_import(struct check *, struct module *, const struct ast_stmt *use,
		    struct module *used);

/* ---- resolve.c ---- */

struct scope *scope_new(struct check *, struct scope *outer, struct module *, struct symbol *owner);
struct symbol *scope_find_own(const struct scope *, const char *name);

/* What a path means: a symbol, possibly with a star, or what is left of it. */
struct resolved {
	struct symbol *sym; /* NULL: nothing found */
	size_t used;        /* components that SYM took */
	bool star;
};

/* Keeps the place where a symbol or module is named, for those who ask (struct search). */
void note_use(struct check *, struct span, struct symbol *, struct module *);
/* Without a report.  A path whose first components name something and whose rest
 * does not resolve has used < n. */
struct resolved resolve_quietly(struct check *, struct scope *, const struct ast_expr *path);
/* The symbol of one of KINDS (KIND() bits); reports E0301, E0303, E0304, E0308.
 * `lets` are looked through. */
struct symbol *resolve_ref(struct check *, struct scope *, const struct ast_expr *, unsigned kinds);
void report_unknown(struct check *, struct scope *, const struct ast_expr *path, unsigned kinds);

/* ---- ways_out.c ---- */

/* Gives findings that do not say what to do the help of their code. */
void show_ways_out(struct check *);

/* ---- elsewhere.c ---- */

/* The module of the standard library that declares NAME as one of KINDS; NULL: none does. */
const char *module_that_offers(struct check *, const char *name, unsigned kinds);

/* ---- value.c ---- */

/* An expression after constants were replaced by their values.  `at` is where the
 * author used it. */
struct operand {
	const struct ast_expr *e; /* NULL: failed, reported */
	struct scope *scope;
	struct span at;
};

struct operand operand_of(struct check *, struct scope *, const struct ast_expr *);
/* All members of a set (or the one value), constants and sets within looked through. */
struct operands {
	struct operand *at;
	size_t n, cap;
	bool failed;
};
struct operands operands_of(struct check *, struct scope *, const struct ast_expr *);

void report_type(struct check *, struct operand, const char *wanted);
const char *expr_kind_text(const struct ast_expr *); /* "a string" */

bool value_int(struct check *, struct operand, uint64_t low, uint64_t high, uint64_t *);
bool value_quantity(struct check *, struct operand, enum dimension, struct rat *);
/* QUANTITY of one of two dimensions; *SECOND tells which. */
bool value_quantity2(struct check *, struct operand, enum dimension, enum dimension, struct rat *,
		     bool *second);
bool value_word(struct check *, struct operand, const char *words, int *index);
bool value_string(struct check *, struct operand, const char **);
bool value_prefix(struct check *, struct operand, struct prefix *);
bool value_range(struct check *, struct operand, uint64_t low, uint64_t high, struct m_range *);
bool value_refs(struct check *, struct scope *, const struct ast_expr *, unsigned kinds,
		struct refs *);
bool value_fields(struct check *, struct scope *, const struct ast_expr *, struct field_set *);
const struct m_value *value_any(struct check *, struct scope *, const struct ast_expr *);
/* Nodes of `a`, `d.*`, `*` or a set of these.  ENDPOINTS: stars stand for them only;
 * *MANY tells that a star or set was written, *ALL that a bare star was among it: every
 * node, which REFS does not list. */
bool value_nodes(struct check *, struct scope *, const struct ast_expr *, bool endpoints,
		 struct refs *, bool *many, bool *all);
bool value_label(struct check *, struct scope *, const struct ast_expr *, struct symbol **);
/* Constants that lead back to themselves have no value from then on. */
void check_let_cycles(struct check *);
/* Every path of a constant's value names something. */
void check_lets(struct check *);

/* ---- filters.c ---- */

/* Which derived attributes a filter may use. */
struct filter_place {
	/* NULL: none.  Tells whether FIELD of instance INST (NULL: http.host, tls.sni)
	 * is known here. */
	bool (*knows)(void *, const struct symbol *inst, const struct field *);
	void *data;
};

const struct fx *filter_of(struct check *, struct scope *, const struct ast_expr *,
			   const struct filter_place *);
/* "a.b", or the derived attribute of an instance; NULL: not a field (no report). */
const struct field *field_of(struct check *, struct scope *, const struct ast_expr *path,
			     struct symbol **instance);
void packet_data(struct check *, struct diag *, const struct packet *, const char *more);
const char *packet_words(struct check *, const struct packet *);

/* ---- blocks.c ---- */

/* The statement that gave each property of a block, by index in the schema. */
struct given {
	const struct ast_stmt **at;
};

struct block {
	const char *name;    /* of the schema */
	const char *kinds;   /* flags of which one must be there, or NULL */
	const char *kind;    /* "a proxy", for messages */
	struct symbol *sym;
	struct scope *scope;
	const struct ast_stmts *body;
	void *object;
	struct given given;
	bool open; /* unknown properties are CODE's business too */
	/* Reads statements of type CODE. */
	void (*code)(struct check *, struct block *, const struct ast_stmt *);
};

/* Reads all properties of the body into OBJECT; E0305, E0306, E0307 and the types. */
void block_read(struct check *, struct block *);
const struct ast_stmt *block_given(const struct block *, const char *property);

/* Clauses that a statement takes; others are E0204 or E0205.  */
const struct ast_clause *clause_find(const struct ast_clauses *, const char *name);
void clauses_check(struct check *, const struct ast_clauses *, const char *allowed);
/* Exactly one value, no `= …`; reported otherwise. */
const struct ast_expr *only_value(struct check *, const struct ast_stmt *);
void check_annotations(struct check *, const struct ast_stmt *);

/* ---- one file per family of declarations ---- */

void check_attributes(struct check *);   /* attributes.c */
void check_functions(struct check *);    /* functions.c */
/* What is stated replaces what is inherited, in whichever spelling. */
struct m_cost cost_combine(struct m_cost base, struct m_cost own);
void check_domains(struct check *);      /* domains.c */
void check_applications(struct check *); /* domains.c */
void check_pipelines(struct check *);    /* pipelines.c */
void pipeline_rates(struct check *, struct m_pipeline *); /* rates.c */
/* The edges, or the copy edges, from one instance to another; part of `out`. */
struct m_links pipeline_edges_between(const struct m_pipeline *, size_t from, size_t to, bool copy);
void check_classes(struct check *);      /* classes.c */
void check_class_paths(struct check *); /* once it is known where classes are used */
/* Adds all paths of the pipeline that the class's match can take. */
void class_walk_all(struct check *, struct m_class *, struct m_pipeline *);
void check_class_costs(struct check *);
void check_rest(struct check *); /* rest.c: what enters in no class; E0507 */
void check_slos(struct check *);         /* slos.c */
void check_class_overlaps(struct check *);
void check_targets(struct check *);      /* targets.c */
void check_target_classes(struct check *);
/* The slo's classes are used in the target's pipelines. */
void check_use_slo(struct check *, const struct symbol *slo, const struct symbol *target);
void check_expects(struct check *);      /* expects.c */

#endif
