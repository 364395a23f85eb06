/* What is known of the packets that come to a module: the matchers of a copy decide only what
 * is left to decide. */
#include <config.h>

#include <string.h>

#include "compiler/plan/bess_private.h"

static bool has_in_edge(const struct ir_pipeline *p, uint32_t module)
{
	for (size_t i = 0; i < p->n_edges; i++)
		if (p->edges[i].to == module)
			return true;
	return false;
}

bool bess_begins(const struct ir_pipeline *p, uint32_t module)
{
	if (has_in_edge(p, module) || p->modules[module].role == IR_ROLE_EXIT)
		return false;
	for (size_t i = 0; i < p->n_edges; i++)
		if (p->edges[i].from == module)
			return true;
	return p->modules[module].role == IR_ROLE_SOURCE;
}

bool bess_is_classified(const struct laying *k, uint32_t module)
{
	const struct plan_classifier *c = k->schedule ? k->schedule->classifier : NULL;

	for (size_t i = 0; c && i < c->after.n; i++)
		if (!strcmp(c->after.at[i], k->pipeline->modules[module].name))
			return true;
	return false;
}

/* The device by which all packets come in that reach a module; NULL: there is none or more. */
struct arrival {
	const char *device;
	bool many, seen;
};

static const char *stated_device(const struct ir_module *m)
{
	for (size_t i = 0; i < m->n_config; i++)
		if (!strcmp(m->config[i].name, "device") &&
		    m->config[i].value->kind == IR_VALUE_TEXT)
			return m->config[i].value->text;
	return NULL;
}

static void arrive(const struct laying *k, struct arrival *at, uint32_t module, const char *device)
{
	struct arrival *a = &at[module];

	if (a->many || (a->seen && a->device && device && !strcmp(a->device, device)))
		return;
	a->many = a->seen || !device;
	a->seen = true;
	a->device = a->many ? NULL : device;
	for (size_t i = 0; i < k->pipeline->n_edges; i++)
		if (k->pipeline->edges[i].from == module)
			arrive(k, at, k->pipeline->edges[i].to, a->device);
}

static void find_devices(struct laying *k)
{
	struct arrival *at = arena_many(LAY_ARENA(k), struct arrival, k->pipeline->n_modules);

	k->devices = arena_many(LAY_ARENA(k), const char *, k->pipeline->n_modules);
	for (uint32_t i = 0; i < k->pipeline->n_modules; i++)
		if (bess_begins(k->pipeline, i))
			arrive(k, at, i, stated_device(&k->pipeline->modules[i]));
	for (uint32_t i = 0; i < k->pipeline->n_modules; i++)
		k->devices[i] = at[i].device;
}

/* Modules, each behind all that lead to it. */
static uint32_t *in_order(const struct laying *k)
{
	const struct ir_pipeline *p = k->pipeline;
	size_t *n_in = arena_many(LAY_ARENA(k), size_t, p->n_modules), n = 0;
	uint32_t *order = arena_many(LAY_ARENA(k), uint32_t, p->n_modules);

	for (size_t e = 0; e < p->n_edges; e++)
		n_in[p->edges[e].to]++;
	for (uint32_t i = 0; i < p->n_modules; i++)
		if (!n_in[i])
			order[n++] = i;
	for (size_t done = 0; done < n; done++)
		for (size_t e = 0; e < p->n_edges; e++)
			if (p->edges[e].from == order[done] && !--n_in[p->edges[e].to])
				order[n++] = p->edges[e].to;
	return order;
}

/* Sets of more boxes than this are taken for all packets, which they are part of. */
enum { MOST_KNOWN = 64 };

static const struct cubes *known_behind(const struct laying *k, const struct plan_module *m,
					const struct cubes *here)
{
	const struct bess_class *c = m->bess_class ? bess_class_find(m->bess_class) : NULL;

	if (cubes_empty(here) || (c && !bess_class_changes(c)))
		return here;
	return cubes_all(k->ir->fields);
}

/* What comes to the modules of one copy: what leads to them takes on what came there. */
static void find_arriving(struct laying *k, const uint32_t *order, size_t copy)
{
	const struct ir_pipeline *p = k->pipeline;
	struct fields *f = k->ir->fields;

	for (uint32_t i = 0; i < p->n_modules; i++) {
		const struct cubes **at = &k->arriving[i * k->n_copies + copy];

		*at = copy || !bess_begins(p, i) ? cubes_none(f) : cubes_all(f);
		if (copy && bess_is_classified(k, i))
			*at = k->classes[copy];
	}
	for (size_t i = 0; i < p->n_modules; i++) {
		const struct cubes *here = known_behind(k, &k->rows->modules.at[order[i]],
							k->arriving[order[i] * k->n_copies + copy]);

		if (cubes_empty(here) || (!copy && bess_is_classified(k, order[i])))
			continue;
		for (size_t e = 0; e < p->n_edges; e++) {
			const struct cubes **to = &k->arriving[p->edges[e].to * k->n_copies + copy];

			if (p->edges[e].from == order[i])
				*to = cubes_or(f, *to, fork_taken(f, here, &p->edges[e]));
			if (cubes_count(*to) > MOST_KNOWN)
				*to = cubes_all(f);
		}
	}
}

void bess_prepare_forks(struct laying *k)
{
	size_t n = k->pipeline->n_modules * k->n_copies;
	const uint32_t *order = in_order(k);

	find_devices(k);
	k->forks = arena_many(LAY_ARENA(k), const struct fork *, n);
	k->arriving = arena_many(LAY_ARENA(k), const struct cubes *, n);
	for (size_t copy = 0; copy < k->n_copies; copy++)
		find_arriving(k, order, copy);
}

const struct fork *bess_fork_of(struct laying *k, uint32_t module, size_t copy)
{
	const struct fork **f = &k->forks[module * k->n_copies + copy];

	if (!*f)
		*f = fork_make(k->ctx, k->ir, k->pipeline, module,
			       k->arriving[module * k->n_copies + copy], k->devices[module]);
	return *f;
}
