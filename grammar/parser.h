/* Private to the grammar: the state of one parse, and what the scanner, the parser's
 * actions and the error reports say to each other. */
#ifndef EPIC_GRAMMAR_PARSER_H
#define EPIC_GRAMMAR_PARSER_H

#include "compiler/ast/ast.h"
#include "compiler/base/ctx.h"
#include "grammar/parse.h"

/* The grammar's own header (grammar/syntax.h) needs the types above. */
#include "grammar/syntax.h"

struct token {
	int kind;
	struct span span;
	YYSTYPE value;
};

/* An open brace: of a block once a semicolon stood in it, else taken for a set's. */
struct brace {
	struct span span;
	bool block;
	uint32_t statement; /* that goes on behind a set */
	size_t depth;
};

struct parser {
	struct ctx *ctx;
	struct ast_file *file;
	uint32_t source;
	const struct source *text;
	void *scanner;
	size_t offset; /* of the scanner */
	int first;     /* a token that chooses what to parse, delivered first; 0: none */
	struct ast_expr *expression;
	struct token last;   /* delivered last */
	struct token held;   /* read ahead, not delivered yet */
	bool has_held;
	bool wants_semicolon; /* deliver a `;` before what is held */
	VEC(struct brace) braces; /* open ones */
	struct span suspect;      /* an open brace whose end was perhaps forgotten; end 0: none */
	uint32_t statement;       /* where the statement in hand began */
	size_t depth;             /* braces that were open there */
	bool begins;              /* the next token begins a statement */
	bool recovering;          /* what is left of the statement is not delivered */
	uint32_t spoilt;    /* 1 + `statement` of one that was reported already; 0: none */
	size_t n_errors;
};

enum { MOST_SYNTAX_ERRORS = 1000, MOST_NESTED_BLOCKS = 256 };

/* scan.l */
void scan_open(struct parser *);
void scan_close(struct parser *);
int scan_token(YYSTYPE *, struct span *, void *scanner);

/* feed.c: the parser's yylex. */
int feed_token(YYSTYPE *, struct span *, struct parser *);
const char *token_text(const struct parser *, struct span, size_t *length);

/* literal.c: literals from their text; on error reported, and an AST_ERROR. */
struct ast_expr *literal_int(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_float(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_quantity(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_addr(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_mac(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_service(struct parser *, struct span, const char *, size_t length);
/* "tcp/443". */
struct ast_expr *literal_turned_service(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_date(struct parser *, struct span, const char *, size_t length);
struct ast_expr *literal_string(struct parser *, struct span, const char *, size_t length);

/* report.c */
struct unexpected {
	struct span span;
	const char *expected[64]; /* token names as the grammar has them */
	size_t n_expected;
	bool at_end, wants_semicolon, wants_name;
};
void report_unexpected(struct parser *, const struct unexpected *);
struct diag *syntax_error(struct parser *, enum diag_code, struct span, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_stray(struct parser *, struct span);
void report_unterminated(struct parser *, struct span);
/* A comment as other languages write it; it is skipped. */
void report_foreign_comment(struct parser *, struct span);
/* Both numbers span a blank: "5 ms". */
void report_spaced_unit(struct parser *, struct span number, struct span unit);
/* What stands between the statement's beginning and SKIPPED's end is lost. */
void note_lost(struct parser *, struct span skipped);

/* hints.c: the way out, in a few words; NULL: nothing comes to mind. */
const char *hint_for_stray(const struct parser *, struct span);
/* BEFORE: where the text before FOUND ends, blanks and comments left out. */
const char *hint_for_unexpected(const struct parser *, struct span found, uint32_t before);
/* Reports what was wrong before FOUND, which then does not fit; false: nothing is known to be. */
bool report_earlier_mistake(struct parser *, struct span found, uint32_t before);
const char *hint_for_reserved(const struct parser *, struct span);
const char *invisible_name(const char *text);

/* build.c: nodes, one call per action. */
struct ast_expr *build_list(struct parser *, enum ast_expr_kind, struct span, struct ast_expr *first);
struct ast_expr *build_more(struct parser *, enum ast_expr_kind, struct span, struct ast_expr *list,
			    struct ast_expr *next);
struct ast_expr *build_rel(struct parser *, struct span, struct ast_expr *left, enum ast_op,
			   struct ast_expr *right);
struct ast_expr *build_pair(struct parser *, enum ast_expr_kind, struct span, struct ast_expr *,
			    struct ast_expr *);
struct ast_expr *build_set(struct parser *, struct span, struct ast_exprs);
struct ast_expr *build_path(struct parser *, struct span, struct ast_names, bool star);
struct ast_expr *build_chain(struct parser *, struct span, struct ast_expr *first,
			     struct ast_exprs rest);
struct ast_expr *in_parens(struct ast_expr *, struct span);
struct ast_exprs exprs_add(struct parser *, struct ast_exprs, struct ast_expr *);
struct ast_names names_add(struct parser *, struct ast_names, struct ast_name);
struct ast_stmts stmts_add(struct parser *, struct ast_stmts, struct ast_stmt *);
struct ast_stmts stmts_lost(struct parser *, struct ast_stmts, struct span);
/* A reserved word in a place where it is a name. */
struct ast_name word_of(struct parser *, struct span);
struct ast_clauses clauses_add(struct parser *, struct ast_clauses, struct ast_clause);
struct ast_annots annots_add(struct parser *, struct ast_annots, struct ast_annot);
struct ast_ends ends_of(struct parser *, struct span, struct ast_exprs);

struct ast_stmt *build_stmt(struct parser *, enum ast_stmt_kind, struct span);
struct ast_stmt *build_decl(struct parser *, struct span, enum ast_decl, struct ast_name,
			    struct ast_expr *parent, struct ast_stmts *body);
struct ast_stmt *build_let(struct parser *, struct span, struct ast_name, struct ast_expr *);
struct ast_stmt *build_property(struct parser *, enum ast_stmt_kind, struct span, struct ast_name,
				struct ast_exprs, struct ast_expr *rhs, struct ast_clauses);
struct ast_stmt *build_attributes(struct parser *, struct span, struct ast_names);
struct ast_stmt *build_use(struct parser *, struct span, struct span module, struct ast_names);
struct ast_stmt *build_edge(struct parser *, struct span, struct ast_ends, bool tee, struct ast_ends);
struct ast_stmt *edge_more(struct parser *, struct span, struct ast_stmt *, bool tee,
			   struct ast_ends);
struct ast_stmt *annotated(struct ast_annots, struct ast_stmt *);

#endif
