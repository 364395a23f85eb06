#include <config.h>

#include "compiler/base/ctx.h"

struct ctx *ctx_new(void)
{
	struct arena *a = arena_new();
	struct ctx *c = arena_one(a, struct ctx);

	c->arena = a;
	c->names = interner_new(a);
	c->sources.arena = a;
	c->diags.arena = a;
	return c;
}

void ctx_free(struct ctx *c)
{
	if (c)
		arena_free(c->arena);
}
