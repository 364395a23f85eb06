/* Targets of the root module. */
#include <config.h>

#include <string.h>

#include "compiler/ast/ast.h"
#include "compiler/lower/private.h"

static void lower_subjects(struct lowering *l, const struct m_target *m, struct ir_target *t)
{
	struct refs pipelines = { 0 }, applications = { 0 };

	for (size_t i = 0; i < m->subjects.n; i++)
		if (m->subjects.at[i]->kind == SYM_PIPELINE)
			vec_push(l->arena, &pipelines, m->subjects.at[i]);
		else
			vec_push(l->arena, &applications, m->subjects.at[i]);
	t->pipelines = numbers_of(l, &pipelines);
	t->applications = numbers_of(l, &applications);
}

static void lower_workers(struct lowering *l, const struct m_target *m, struct ir_target *t)
{
	uint32_t *cores = arena_many(l->arena, uint32_t, m->workers.n);
	struct ids sorted;

	for (size_t i = 0; i < m->workers.n; i++)
		cores[i] = (uint32_t)m->workers.at[i];
	sorted = ids_from(l->arena, cores, m->workers.n);
	t->cores = sorted.at;
	t->n_cores = sorted.n;
}

/* The cores of the servers that `on` names, less those that are reserved. */
static void lower_machine(struct lowering *l, const struct m_target *m, struct ir_target *t)
{
	const struct refs one = { (struct symbol *[]){ m->on }, 1, 1 };
	const struct refs *nodes = m->on && m->on->kind == SYM_DOMAIN ? &OBJECT(m->on, m_domain)->nodes : &one;

	t->has_on = m->on != NULL;
	t->on_cores = RAT_ZERO;
	for (size_t i = 0; t->has_on && i < nodes->n; i++) {
		const struct ir_node *n = &l->ir->nodes[number_of(l, nodes->at[i])];

		if (n->kind == IR_SERVER)
			t->on_cores = rat_add(t->on_cores, rat_sub(n->cores, n->reserve));
	}
}

/* Module classes of BESS that refuse a second worker. */
static const char *const single[] = { "ArpResponder", "Buffer", "Dump", "FlowGen", "NAT", "NoOP", "QueueInc",
				      "QueueOut", "RoundRobin", "Source", "StaticNAT", "UrlFilter" };

static bool is_single(const struct ir *ir, const struct ir_module *m)
{
	const char *class = m->function == ID_NONE ? NULL : ir->functions[m->function].bess_class;

	for (size_t i = 0; class && i < sizeof(single) / sizeof(*single); i++)
		if (!strcmp(single[i], class))
			return true;
	return false;
}

static void lower_one_worker(struct lowering *l, struct ir_target *t)
{
	const struct ir_pipeline *p = t->pipelines.n == 1 ? &l->ir->pipelines[t->pipelines.at[0]] : NULL;
	VEC(uint32_t) found = { 0 };

	for (uint32_t i = 0; t->backend == IR_BESS && p && i < p->n_modules; i++)
		if (is_single(l->ir, &p->modules[i]))
			vec_push(l->arena, &found, i);
	t->one_worker = ids_from(l->arena, found.at, found.n);
}

static const char *const views[] = { "areas", "flows", "pipelines", "tasks", "schedulers" };
static const char *const formats[] = { "dot", "svg", "html", "mermaid", "json" };
static const char *const dialects[] = { "draft", "epi" };
static const char *const auths[] = { "none", "password", "mtls" };

static void lower_proxy(const struct m_target *m, struct ir_target *t)
{
	t->listen_lo = m->backend == BACKEND_SOCKS ? (uint64_t)m->listen_port.num : m->listen.lo;
	t->listen_hi = m->backend == BACKEND_SOCKS ? t->listen_lo : m->listen.hi;
	t->listen_span = m->listen_span;
	t->http = m->mode == 1;
	t->certificate = m->certificate;
	t->certificate_key = m->certificate_key;
	t->version = m->version;
	t->dialect = dialects[m->dialect];
	t->auth = auths[m->auth];
	t->users = m->users;
	t->authority = m->authority;
	t->fast_open = m->fast_open == 1;
	t->warm = m->warm;
}

static void lower_target(struct lowering *l, const struct m_target *m, struct ir_target *t)
{
	t->name = m->sym->canonical;
	t->span = m->sym->span;
	t->backend = (enum ir_backend)m->backend;
	lower_subjects(l, m, t);
	lower_workers(l, m, t);
	lower_one_worker(l, t);
	lower_machine(l, m, t);
	t->enforce = number_of(l, m->enforce);
	t->at = number_of(l, m->at);
	t->clock = rat_given(m->clock) ? m->clock : RAT_ZERO;
	t->replicas = (uint64_t)m->replicas.num;
	t->queue = (uint64_t)m->queue.num;
	t->queue_cost = m->queue_cost;
	t->classify_cost = m->classify_cost;
	lower_proxy(m, t);
	if (m->backend == BACKEND_DOT) {
		t->view = views[m->view];
		t->format = formats[m->format];
	}
}

void lower_targets(struct lowering *l)
{
	struct refs own = { 0 };
	struct symbol **sorted;

	for (size_t i = 0; i < l->model->targets.n; i++) {
		struct symbol *sym = l->model->targets.at[i];

		if (sym->module == l->model->root && OBJECT(sym, m_target)->backend >= 0)
			vec_push(l->arena, &own, sym);
	}
	sorted = number_sorted(l, &own);
	l->ir->n_targets = own.n;
	l->ir->targets = arena_many(l->arena, struct ir_target, own.n);
	for (size_t i = 0; i < own.n; i++)
		lower_target(l, sorted[i]->object, &l->ir->targets[i]);
}
