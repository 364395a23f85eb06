/* The classes of BESS and the names that a script may give. */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "compiler/plan/bess_private.h"

static const struct bess_class classes[] = {
#define BESS_CLASS(name, in, out, task, many, gate, kind, args, needs) \
	{ #name, in, out, task, many, gate, BESS_##kind, args, needs },
#define BESS_CHANGES(name)
#define BESS_DRIVER(name)
#define BESS_RESERVED(name)
#include "grammar/bess_classes.def"
#undef BESS_CLASS
#undef BESS_CHANGES
#undef BESS_DRIVER
#undef BESS_RESERVED
};

static const char *const reserved[] = {
#define BESS_CLASS(name, in, out, task, many, gate, kind, args, needs) #name,
#define BESS_CHANGES(name)
#define BESS_DRIVER(name) #name,
#define BESS_RESERVED(name) name,
#include "grammar/bess_classes.def"
#undef BESS_CLASS
#undef BESS_CHANGES
#undef BESS_DRIVER
#undef BESS_RESERVED
};

static const char *const changing[] = {
#define BESS_CLASS(name, in, out, task, many, gate, kind, args, needs)
#define BESS_CHANGES(name) #name,
#define BESS_DRIVER(name)
#define BESS_RESERVED(name)
#include "grammar/bess_classes.def"
#undef BESS_CLASS
#undef BESS_CHANGES
#undef BESS_DRIVER
#undef BESS_RESERVED
};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

const struct bess_class *bess_class_find(const char *name)
{
	for (size_t i = 0; i < COUNT(classes); i++)
		if (!strcmp(classes[i].name, name))
			return &classes[i];
	return NULL;
}

bool bess_class_changes(const struct bess_class *c)
{
	for (size_t i = 0; i < COUNT(changing); i++)
		if (!strcmp(changing[i], c->name))
			return true;
	return false;
}

char bess_arg_type(const struct bess_class *c, const char *name)
{
	size_t length = strlen(name);

	for (const char *s = c->args; *s; s += strcspn(s, " "), s += *s == ' ')
		if (!strncmp(s, name, length) && s[length] == ':')
			return s[length + 1];
	return 0;
}

/* ---- names ---- */

enum { MOST_NAME = 24 }; /* IPLookup names a table of DPDK after itself, which is cut there */

static bool is_taken(const struct bess_names *n, const char *name)
{
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (!strcmp(reserved[i], name))
			return true;
	return map_get(&n->used, intern_text(n->interner, name));
}

void bess_names_init(struct bess_names *n, struct ctx *ctx)
{
	n->arena = ctx->arena;
	n->interner = ctx->names;
	map_init(&n->used, ctx->arena);
}

const char *bess_name(struct bess_names *n, const char *base)
{
	char *name = arena_strndup(n->arena, base, strnlen(base, MOST_NAME));
	const char *free_name;

	for (char *s = name; *s; s++)
		if (!isalnum((unsigned char)*s))
			*s = '_';
	if (!isalpha((unsigned char)*name) && *name != '_')
		name = arena_printf(n->arena, "m_%s", name);
	free_name = name;
	for (unsigned i = 2; is_taken(n, free_name); i++)
		free_name = arena_printf(n->arena, "%s_%u", name, i);
	free_name = intern_text(n->interner, free_name);
	map_put(&n->used, free_name, n);
	return free_name;
}
