/* One model in, one graph out.  Needs a model without errors of the families E00 to
 * E05; the graph then holds all that ir_verify asks for. */
#ifndef EPIC_LOWER_H
#define EPIC_LOWER_H

#include "compiler/ir/ir.h"
#include "compiler/model/model.h"

struct ir *lower(struct model *);

/* The graph's number of a symbol of the model, for tools; ID_NONE if it has none. */
uint32_t lower_id(const struct ir *, const struct symbol *);
/* The nodes that an expression named, or every endpoint. */
struct ids lower_nodes(const struct ir *, struct arena *, const struct refs *, bool all);

#endif
