/* Text to tree, and nothing else.
 *
 * Syntax errors are reported and recovered from, so that one run finds all of
 * them; the tree then has gaps and says so (`broken`). */
#ifndef EPIC_GRAMMAR_PARSE_H
#define EPIC_GRAMMAR_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/ast/ast.h"
#include "compiler/base/ctx.h"

/* Parses one source of CTX (valid UTF-8 without NUL).  Never NULL. */
struct ast_file *parse_file(struct ctx *, uint32_t source);

/* Parses what could stand in a block, without its braces: a configuration file.  Never NULL. */
struct ast_file *parse_properties(struct ctx *, uint32_t source);

/* Parses a single expression, e.g. a filter given on the command line; NULL if it
 * is not one (reported). */
struct ast_expr *parse_expression(struct ctx *, uint32_t source);

/* Tokens and comments in the order of the text, for the formatter. */
enum lexeme_kind { LEXEME_TOKEN, LEXEME_COMMENT, LEXEME_WORD };

struct lexeme {
	enum lexeme_kind kind;
	struct span span;
};

struct lexemes {
	struct lexeme *at;
	size_t n, cap;
	bool broken; /* something in the text is no token */
};

struct lexemes scan_lexemes(struct ctx *, uint32_t source);

/* NULL-terminated list of the reserved words. */
const char *const *reserved_words(void);

#endif
