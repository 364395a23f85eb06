/* Names as editors ask for them: what can be seen from a place, what a word there stands for.
 *
 * A place is given by the symbol of the innermost block round it, NULL for the root file.
 * Nothing is reported. */
#ifndef EPIC_CHECK_NAMES_H
#define EPIC_CHECK_NAMES_H

#include "compiler/model/model.h"

/* A name in sight, and what it stands for. */
struct seen {
	const char *name;
	struct symbol *sym;    /* NULL: a prefix */
	struct module *module; /* of a prefix */
};

struct seen_list {
	struct seen *at;
	size_t n, cap;
};

/* All names, the inner ones first; what an inner name hides is left out. */
void names_in_sight(const struct model *, const struct symbol *block, struct seen_list *);
/* What may stand behind "WORDS." */
void names_within(const struct model *, const struct symbol *block, const struct words *,
		  struct seen_list *);
/* What a module offers to others. */
void names_offered(const struct model *, const struct module *, struct seen_list *);
struct module *names_module(const struct model *, const char *name); /* NULL: none is read */
/* The symbol that a path stands for, or NULL. */
struct symbol *names_find(const struct model *, const struct symbol *block, const struct words *);
/* The block of the root file with these names, the outermost first; as deep as there is one. */
struct symbol *names_block(const struct model *, const struct words *);
/* What is called NAME in the scope that declares SYM; NULL: the name is free there. */
struct symbol *names_sibling(const struct model *, const struct symbol *, const char *name);

#endif
