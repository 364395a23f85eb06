/* The tree of a file as JSON, for `--emit ast`. */
#ifndef EPIC_TOOLS_AST_JSON_H
#define EPIC_TOOLS_AST_JSON_H

#include "compiler/ast/ast.h"
#include "compiler/base/ctx.h"
#include "compiler/base/sink.h"

void ast_json(struct ctx *, const struct ast_file *, struct sink *);

#endif
