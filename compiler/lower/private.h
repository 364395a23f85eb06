/* Private to compiler/lower. */
#ifndef EPIC_LOWER_PRIVATE_H
#define EPIC_LOWER_PRIVATE_H

#include "compiler/lower/lower.h"

struct lowering {
	struct model *model;
	struct arena *arena;
	struct ir *ir;
	struct map numbers; /* symbol -> its number + 1 */
};

uint32_t number_of(const struct lowering *, const struct symbol *); /* NULL gives ID_NONE */
struct ids numbers_of(const struct lowering *, const struct refs *);
/* The symbols of a list in the order of their names, numbered. */
struct symbol **number_sorted(struct lowering *, const struct refs *);

void lower_movement(struct lowering *);  /* movement.c */
void lower_pipelines(struct lowering *); /* pipelines.c */
void lower_targets(struct lowering *);   /* targets.c */

/* Symbols of the root module, and those that its targets name. */
struct refs in_plan(struct lowering *, const struct refs *all, enum symbol_kind);

#endif
