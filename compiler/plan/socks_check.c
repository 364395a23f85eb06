/* Which bridging functions epic-socksd could not run. */
#include <config.h>

#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/proxy_routes.h"

#define DIAGS(m) (&(m)->ctx->diags)

static const char *const classes[] = {
#define SOCKS_CLASS(name, summary) name,
#include "grammar/socks_classes.def"
#undef SOCKS_CLASS
};

enum { N_CLASSES = sizeof(classes) / sizeof(*classes) };

static bool is_known(const char *class)
{
	for (size_t i = 0; i < N_CLASSES; i++)
		if (!strcmp(classes[i], class))
			return true;
	return false;
}

static void propose(struct making *m, struct diag *d, const char *class)
{
	struct nearest near = nearest_to(class);
	const char *all = "";

	for (size_t i = 0; i < N_CLASSES; i++) {
		nearest_try(&near, classes[i]);
		all = arena_printf(m->ctx->arena, "%s%s%s", all, i ? ", " : "", classes[i]);
	}
	if (near.name)
		diag_help(DIAGS(m), d, "did you mean '%s'?", near.name);
	else
		diag_help(DIAGS(m), d, "the classes are %s", all);
}

void socks_check_class(struct making *m, const struct ir_function *f)
{
	struct diag *d;

	if (!f->socks_class || is_known(f->socks_class))
		return;
	d = diag_add(DIAGS(m), E0802, f->span, "'%s' has no class in epic-socksd: there is no '%s'",
		     f->name, f->socks_class);
	diag_also(DIAGS(m), d, m->target->span, "flows of this target pass it");
	propose(m, d, f->socks_class);
}
