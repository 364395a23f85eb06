/* What epic-dpdkd could not run. */
#include <config.h>

#include <string.h>

#include "compiler/plan/bess_layout.h"

static bool is_known(const char *class)
{
	static const char *const names[] = {
#define DPDK_CLASS(name) #name,
#include "grammar/dpdk_classes.def"
#undef DPDK_CLASS
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], class))
			return true;
	return false;
}

static bool has_device(const struct plan_module *m)
{
	for (size_t i = 0; i < m->config.n; i++)
		if (!strcmp(m->config.at[i].name, "device"))
			return true;
	return false;
}

static void check_module(struct ctx *ctx, const struct plan_module *m)
{
	if (!strcmp(m->function, "drop"))
		return;
	if (!m->dpdk_class)
		diag_help(&ctx->diags,
			  diag_add(&ctx->diags, E0802, m->span,
				   "'%s' has no class in epic-dpdkd: %s states no dpdk-class",
				   m->id, m->function),
			  "state 'dpdk-class' in the function");
	else if (!is_known(m->dpdk_class))
		diag_add(&ctx->diags, E0802, m->span,
			 "'%s' has no class in epic-dpdkd: there is no '%s' (%s)", m->id,
			 m->dpdk_class, m->function);
	else if (!strcmp(m->dpdk_class, "port") && !has_device(m))
		diag_add(&ctx->diags, E0802, m->span, "'%s' needs a device to be a port", m->id);
}

void dpdk_check(struct ctx *ctx, const struct plan *plan, const struct ir_target *t)
{
	for (size_t i = 0; i < t->pipelines.n; i++) {
		const struct plan_pipeline *p = &plan->pipelines.at[t->pipelines.at[i]];

		for (size_t k = 0; k < p->modules.n; k++)
			check_module(ctx, &p->modules.at[k]);
	}
}
