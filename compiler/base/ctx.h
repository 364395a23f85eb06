/* What one compilation carries along: memory, names, texts, findings. */
#ifndef EPIC_BASE_CTX_H
#define EPIC_BASE_CTX_H

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"
#include "compiler/base/intern.h"
#include "compiler/base/source.h"

struct ctx {
	struct arena *arena;
	struct interner *names;
	struct sources sources;
	struct diags diags;
};

struct ctx *ctx_new(void);
void ctx_free(struct ctx *); /* frees all that was allocated on the way */

#endif
