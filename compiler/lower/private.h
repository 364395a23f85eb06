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
/* pipelines.c.  Returns, per pipeline of the graph, the numbers of its instances by
 * their place in the model's list. */
uint32_t **lower_pipelines(struct lowering *);
void lower_classes(struct lowering *, uint32_t *const *places); /* classes.c */
/* The part of each class's rate on each of its paths. */
void lower_path_rates(struct arena *, struct ir *); /* path_rates.c */
/* What can be told from the header of a packet that enters: match and path. */
const struct fx *class_header(struct lowering *, const struct m_class *); /* headers.c */
void lower_slos(struct lowering *);      /* slos.c */
void lower_targets(struct lowering *);   /* targets.c */

/* Symbols of the root module, and those that its targets name. */
struct refs in_plan(struct lowering *, const struct refs *all, enum symbol_kind);

#endif
