/* Lint: names of the root file, where they are declared and where they are used. */
#ifndef EPIC_TOOLS_LINT_NAMES_H
#define EPIC_TOOLS_LINT_NAMES_H

#include "compiler/tools/lint.h"

struct ast_expr;

/* Every place of the policy where a name stands, in the order of the texts. */
struct lint_places {
	struct use *at;
	size_t n;
};
const struct lint_places *lint_places(struct linting *);
/* What a path stands for; NULL: nothing that was declared. */
const struct symbol *lint_named(struct linting *, const struct ast_expr *path);

struct symbols {
	const struct symbol **at;
	size_t n, cap;
};
/* What the root file declares, in the order of the text. */
struct symbols lint_declared(struct linting *);

/* The rules. */
void lint_unused_import(struct linting *);
void lint_unused_definition(struct linting *);
void lint_shadowed_name(struct linting *);
void lint_deprecated_use(struct linting *);
void lint_duplicate_value(struct linting *); /* lint_sets.c */

#endif
