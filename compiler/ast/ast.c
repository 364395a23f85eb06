#include <config.h>

#include "compiler/ast/ast.h"

#include <string.h>

static const char *const words[N_DECLS] = {
	[DECL_ATTRIBUTE] = "attribute",	    [DECL_FUNCTION] = "function",
	[DECL_DOMAIN] = "domain",	    [DECL_NODE] = "node",
	[DECL_CLASS] = "class",		    [DECL_PIPELINE] = "pipeline",
	[DECL_SLO] = "slo",		    [DECL_APPLICATION] = "application",
	[DECL_TARGET] = "target",	    [DECL_INSTANCE] = "instance",
	[DECL_GROUP] = "group",
};

const char *decl_word(enum ast_decl kind)
{
	return words[kind];
}

static char *join(struct arena *a, const struct ast_names *names, const char *tail)
{
	size_t length = strlen(tail) + 1;
	char *text, *p;

	for (size_t i = 0; i < names->n; i++)
		length += strlen(names->at[i].name) + 1;
	text = p = arena_alloc(a, length);
	for (size_t i = 0; i < names->n; i++) {
		if (i)
			*p++ = '.';
		p = stpcpy(p, names->at[i].name);
	}
	stpcpy(p, tail);
	return text;
}

const char *ast_names_text(struct arena *a, const struct ast_names *names)
{
	return join(a, names, "");
}

const char *ast_path_text(struct arena *a, const struct ast_expr *e)
{
	if (!e->path.star)
		return join(a, &e->path.names, "");
	return join(a, &e->path.names, e->path.names.n ? ".*" : "*");
}
