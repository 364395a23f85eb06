#include <config.h>

#include "runtime/socks/policy_private.h"

#include <stdlib.h>

_Static_assert(sizeof(((struct policy_error *)NULL)->text) ==
		   sizeof(((struct plan_error *)NULL)->text),
	       "what the plan's reader says fits");

/* ---- making it ---- */

static void policy_free(struct policy *p)
{
	for (size_t i = 0; i < p->n_filters; i++)
		filter_free(p->filters[i].tree);
	plan_close(p->plan);
	pool_free(&p->pool);
	free(p);
}

static bool make(struct policy_reading *r, const char *const *targets, size_t n_targets)
{
	return policy_make_filters(r) && policy_make_nodes(r) &&
	       policy_make_targets(r, targets, n_targets) && policy_make_chains(r) &&
	       policy_make_flows(r) && policy_make_listeners(r) && policy_make_catches(r);
}

/* Takes PLAN over. */
static struct policy *policy_make(const struct rplan_plan *plan, const char *directory,
				  const char *const *targets, size_t n_targets,
				  struct policy_error *error)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct policy_reading r = {
		.policy = p, .plan = plan, .directory = directory, .error = error
	};

	*error = (struct policy_error){ 0 };
	if (!p) {
		policy_no_memory(&r);
		plan_close(plan);
		return NULL;
	}
	atomic_init(&p->holders, 1);
	p->plan = plan;
	if (make(&r, targets, n_targets))
		return p;
	policy_free(p);
	return NULL;
}

struct policy *policy_read(const void *bytes, size_t n, const char *directory,
			   const char *const *targets, size_t n_targets, struct policy_error *error)
{
	struct plan_error wrong;
	const struct rplan_plan *plan = plan_read(bytes, n, &wrong);

	if (plan)
		return policy_make(plan, directory, targets, n_targets, error);
	memcpy(error->text, wrong.text, sizeof(error->text));
	return NULL;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

struct policy *policy_open(const char *path, const char *const *targets, size_t n_targets,
			   struct policy_error *error)
{
	struct plan_error wrong = { .text = "no memory is left" };
	char *directory = directory_of(path);
	const struct rplan_plan *plan = directory ? plan_open(path, &wrong) : NULL;
	struct policy *p = NULL;

	if (plan)
		p = policy_make(plan, directory, targets, n_targets, error);
	else
		memcpy(error->text, wrong.text, sizeof(error->text));
	free(directory);
	return p;
}

struct policy *policy_hold(struct policy *p)
{
	atomic_fetch_add_explicit(&p->holders, 1, memory_order_relaxed);
	return p;
}

void policy_drop(struct policy *p)
{
	if (p && atomic_fetch_sub_explicit(&p->holders, 1, memory_order_acq_rel) == 1)
		policy_free(p);
}

/* ---- looking at it ---- */

const char *policy_proxy(const struct policy *p)
{
	return p->proxy;
}

const struct policy_target *policy_targets(const struct policy *p, size_t *n)
{
	*n = p->n_targets;
	return p->targets;
}

const struct policy_function *policy_functions(const struct policy *p, size_t *n)
{
	*n = p->n_functions;
	return p->functions;
}

const struct policy_chain *policy_chains(const struct policy *p, size_t *n)
{
	*n = p->n_chains;
	return p->chains;
}

const struct policy_catch *policy_catches(const struct policy *p, size_t *n)
{
	*n = p->n_catches;
	return p->catches;
}
