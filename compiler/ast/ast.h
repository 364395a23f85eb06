/* The tree: what the author wrote, node for node, with its places.
 *
 * Trees live in the arena of the compilation.  Nothing is resolved here: a path is
 * a list of words, a number has the unit that was written. */
#ifndef EPIC_AST_H
#define EPIC_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/ast/units.h"
#include "compiler/base/addr.h"
#include "compiler/base/arena.h"
#include "compiler/base/rat.h"
#include "compiler/base/source.h"
#include "compiler/base/vec.h"

struct ast_name {
	const char *name; /* interned */
	struct span span;
};

struct ast_names {
	struct ast_name *at;
	size_t n, cap;
};

enum ast_expr_kind {
	AST_ERROR, /* a literal that was refused; takes no part in checks */
	AST_PATH,
	AST_STRING,
	AST_INT,
	AST_FLOAT,
	AST_QUANTITY,
	AST_ADDR, /* address or prefix */
	AST_MAC,
	AST_SERVICE,
	AST_DATE,
	AST_RANGE, /* two members */
	AST_SET,
	AST_RATIO, /* two or more members */
	AST_REL,   /* n members, n - 1 operators */
	AST_NOT,   /* one member */
	AST_AND,   /* n members, flattened */
	AST_OR,
	AST_CHAIN, /* paths joined by -> */
	AST_MOVE   /* two members: from, to */
};

enum ast_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN };

struct ast_exprs {
	struct ast_expr **at;
	size_t n, cap;
};

struct ast_ops {
	enum ast_op *at;
	size_t n, cap;
};

struct ast_expr {
	enum ast_expr_kind kind;
	struct span span;
	bool parens;
	union {
		struct {
			struct ast_names names;
			bool star; /* `*` behind the names, or alone */
		} path;
		const char *text; /* string, escapes resolved */
		struct {
			struct rat value; /* in the unit written */
			const struct unit *unit; /* quantity */
		} number;
		struct prefix addr;
		uint64_t mac;
		struct {
			uint16_t port;
			uint8_t protocol;
		} service;
		uint32_t date; /* year * 10000 + month * 100 + day */
		struct {
			struct ast_exprs members;
			struct ast_ops ops;
		} list;
	};
};

struct ast_clause {
	struct ast_name name; /* "otherwise" for that word */
	struct ast_exprs values;
	struct span span;
};

struct ast_clauses {
	struct ast_clause *at;
	size_t n, cap;
};

struct ast_annot {
	struct ast_name name;
	struct ast_exprs values;
	struct span span;
};

struct ast_annots {
	struct ast_annot *at;
	size_t n, cap;
};

enum ast_decl {
	DECL_ATTRIBUTE,
	DECL_FUNCTION,
	DECL_DOMAIN,
	DECL_NODE,
	DECL_CLASS,
	DECL_PIPELINE,
	DECL_SLO,
	DECL_APPLICATION,
	DECL_TARGET,
	DECL_INSTANCE, /* NAME : FUNCTION { } in a pipeline */
	DECL_GROUP,
	N_DECLS
};

enum ast_stmt_kind {
	STMT_DECL,
	STMT_ATTRIBUTES, /* attribute a, b; */
	STMT_LET,
	STMT_USE,
	STMT_EXPECT,
	STMT_PROPERTY,
	STMT_EDGE
};

struct ast_stmts {
	struct ast_stmt **at;
	size_t n, cap;
	bool broken; /* a statement in here was lost to a syntax error */
};

/* One side of an arrow: a path or several in braces. */
struct ast_ends {
	struct ast_exprs paths;
	struct span span;
};

struct ast_hops {
	struct ast_ends *at;
	size_t n, cap;
};

struct ast_tees {
	bool *at; /* the i-th arrow is ->> */
	size_t n, cap;
};

struct ast_stmt {
	enum ast_stmt_kind kind;
	struct span span;
	struct ast_annots annots;
	struct ast_name name; /* declaration, let, property, expectation's kind, use's alias */
	union {
		struct {
			enum ast_decl kind;
			struct ast_expr *parent; /* path, or NULL */
			struct ast_stmts body;
			bool has_body;
			struct span open; /* the opening brace, or the semicolon */
		} decl;
		struct ast_names attributes;
		struct ast_expr *let;
		struct {
			struct ast_names module;
			struct span module_span;
			struct ast_names names; /* in braces */
			bool has_names, has_alias;
		} use;
		struct {
			struct ast_exprs values;
			struct ast_expr *rhs; /* behind `=`, or NULL */
			struct ast_clauses clauses;
			bool negated; /* expect not */
		} property; /* expectation too */
		struct {
			struct ast_hops hops;
			struct ast_tees tees;
			struct ast_clauses clauses;
		} edge;
	};
};

struct ast_comment {
	struct span span; /* without the line end */
};

struct ast_file {
	uint32_t source;
	bool has_edition;
	uint64_t edition;
	struct span edition_span;
	bool has_module;
	struct ast_names module;
	struct span module_span;
	struct ast_stmts items;
	VEC(struct ast_comment) comments;
	/* Words inside the text that was skipped after syntax errors: what they would
	 * have declared is unknown, so they are not reported as unknown names. */
	struct ast_names lost;
	bool broken; /* there were syntax errors */
	bool unclosed; /* a block is open at the end of the file */
};

const char *decl_word(enum ast_decl); /* "application" */

/* a.b.c as written, in the arena. */
const char *ast_path_text(struct arena *, const struct ast_expr *);
const char *ast_names_text(struct arena *, const struct ast_names *);

#endif
