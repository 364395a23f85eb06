/* Targets: what each backend needs to know (doc/language.md 6). */
#include <config.h>

#include "compiler/check/private.h"

#include <string.h>

static const char *const backends[N_BACKENDS] = { "bess", "dpdk", "nginx", "socks", "dot" };
static const char backend_letters[] = "bdnkg";

static bool find_backend(struct check *c, const struct symbol *sym, int *backend)
{
	const struct ast_expr *parent = sym->stmt->decl.parent;
	const char *name = parent ? ast_path_text(ARENA(c), parent) : NULL;
	struct nearest near;
	struct diag *d;

	if (!name)
		return false;
	near = nearest_to(name);
	for (*backend = 0; *backend < N_BACKENDS; ++*backend) {
		if (!strcmp(backends[*backend], name))
			return true;
		nearest_try(&near, backends[*backend]);
	}
	d = diag_add(DIAGS(c), E0801, parent->span, "there is no backend '%s'", name);
	if (!strcmp(name, "kubernetes") || !strcmp(name, "nftables"))
		diag_note(DIAGS(c), d, "the name is kept for a later release");
	if (near.name) {
		diag_label(DIAGS(c), d, "did you mean '%s'?", near.name);
		diag_fix(DIAGS(c), d, MAYBE_INCORRECT, parent->span, near.name, "write '%s'", near.name);
	} else {
		diag_help(DIAGS(c), d, "the backends are bess, dpdk, nginx, socks and dot");
	}
	return false;
}

/* ---- listen ---- */

static void read_socks_listen(struct check *c, struct m_target *t, struct operand o)
{
	if (o.e->kind != AST_SERVICE) {
		report_type(c, o, "a service like 1080/tcp");
		return;
	}
	if (o.e->service.protocol != 6 || !o.e->service.port) {
		diag_add(DIAGS(c), E0404, o.at, "a SOCKS proxy listens on a TCP port");
		return;
	}
	t->listen_port = rat_int(o.e->service.port);
}

static void read_listen(struct check *c, struct block *b, const struct ast_stmt *s)
{
	struct m_target *t = b->object;
	const struct ast_expr *e = only_value(c, s);
	struct operand o;

	clauses_check(c, &s->property.clauses, "");
	if (!e)
		return;
	t->listen_span = e->span;
	o = operand_of(c, b->scope, e);
	if (o.e && t->backend == BACKEND_SOCKS)
		read_socks_listen(c, t, o);
	else
		value_range(c, o, 1, 65535, &t->listen);
}

/* ---- what depends on the backend ---- */

static void check_subjects(struct check *c, struct block *b, const struct m_target *t)
{
	bool pipelines = t->backend != BACKEND_NGINX && t->backend != BACKEND_SOCKS;
	bool applications = t->backend != BACKEND_BESS && t->backend != BACKEND_DPDK;
	const struct ast_stmt *s = block_given(b, "for");

	for (size_t i = 0; i < t->subjects.n; i++) {
		const struct symbol *sym = t->subjects.at[i];

		if (sym->kind == SYM_PIPELINE ? pipelines : applications)
			continue;
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0303, s->span, "'%s' is %s; a target of backend %s is for %s",
				   sym->name, symbol_kind_word(sym->kind), backends[t->backend],
				   pipelines ? "pipelines" : "applications"),
			  sym->span, "declared here");
	}
}

static void need(struct check *c, struct block *b, const char *property, const char *why)
{
	if (!block_given(b, property) && !b->body->broken)
		diag_add(DIAGS(c), E0307, b->sym->span, "target '%s' needs '%s'%s", b->sym->name, property,
			 why);
}

static void check_certificates(struct check *c, struct block *b, const struct m_target *t)
{
	bool certificate = block_given(b, "certificate"), key = block_given(b, "certificate-key");

	if (certificate && !key)
		need(c, b, "certificate-key", " beside 'certificate'");
	if (key && !certificate)
		need(c, b, "certificate", " beside 'certificate-key'");
	if (t->backend == BACKEND_NGINX && t->mode == 0 && certificate)
		diag_help(DIAGS(c),
			  diag_add(DIAGS(c), E0305, block_given(b, "certificate")->name.span,
				   "mode stream takes no 'certificate': it passes TLS through"),
			  "write 'mode http;' to end TLS here");
}

static void check_auth(struct check *c, struct block *b, const struct m_target *t)
{
	if (t->auth == 1)
		need(c, b, "users", " for 'auth password'");
	if (t->auth == 2) {
		need(c, b, "authority", " for 'auth mtls'");
		need(c, b, "certificate", " for 'auth mtls'");
		need(c, b, "certificate-key", " for 'auth mtls'");
	}
}

/* Sources and destinations are written into the output, so they need addresses. */
static void check_addresses(struct check *c, const struct m_target *t)
{
	for (size_t i = 0; t->at && i < t->subjects.n; i++) {
		const struct m_application *a = t->subjects.at[i]->object;

		if (t->subjects.at[i]->kind != SYM_APPLICATION)
			continue;
		for (size_t f = 0; f < a->flows.n; f++) {
			const struct m_flow *flow = &a->flows.at[f];
			bool starts_here = false;

			for (size_t k = 0; k < flow->from.n; k++) {
				const struct symbol *from = flow->from.at[k];

				if (from->owner != t->at->owner)
					continue;
				starts_here = true;
				if (!OBJECT(from, m_node)->address.n)
					diag_also(DIAGS(c),
						  diag_add(DIAGS(c), E0307, from->span,
							   "node '%s' needs 'address': target '%s' names it",
							   from->name, t->sym->name),
						  t->sym->span, "this target");
			}
			for (size_t k = 0; starts_here && k < flow->to.n; k++)
				if (!OBJECT(flow->to.at[k], m_node)->address.n)
					diag_also(DIAGS(c),
						  diag_add(DIAGS(c), E0307, flow->to.at[k]->span,
							   "node '%s' needs 'address': target '%s' names it",
							   flow->to.at[k]->name, t->sym->name),
						  t->sym->span, "this target");
		}
	}
}

static void check_proxy(struct check *c, struct block *b, const struct m_target *t)
{
	if (t->at && OBJECT(t->at, m_node)->kind != NODE_PROXY)
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0303, block_given(b, "at")->span, "'%s' is no proxy", t->at->name),
			  t->at->span, "declared here");
	if (t->backend == BACKEND_NGINX)
		need(c, b, "listen", ": the ports it may use, for example 8080..8099");
	check_certificates(c, b, t);
	if (t->backend == BACKEND_SOCKS)
		check_auth(c, b, t);
	check_addresses(c, t);
}

/* The smallest clock of the servers that `on` names. */
static struct rat clock_of(const struct symbol *on)
{
	struct rat least = { 0 };
	const struct refs one = { (struct symbol *[]){ (struct symbol *)on }, 1, 1 };
	const struct refs *nodes = on->kind == SYM_DOMAIN ? &OBJECT(on, m_domain)->nodes : &one;

	for (size_t i = 0; i < nodes->n; i++) {
		const struct m_node *n = nodes->at[i]->object;

		if (n->kind == NODE_SERVER && rat_given(n->clock) &&
		    (!rat_given(least) || rat_cmp(n->clock, least) < 0))
			least = n->clock;
	}
	return least;
}

static void check_machine(struct check *c, struct block *b, struct m_target *t)
{
	uint64_t queue = (uint64_t)t->queue.num;

	if (t->on && t->on->kind == SYM_NODE && OBJECT(t->on, m_node)->kind != NODE_SERVER)
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0303, block_given(b, "on")->span, "'%s' is no server", t->on->name),
			  t->on->span, "declared here");
	else if (t->on && !rat_given(t->clock))
		t->clock = clock_of(t->on);
	if (queue & (queue - 1))
		diag_add(DIAGS(c), E0404, block_given(b, "queue")->span, "'queue' is a power of two");
	if (!t->enforce)
		return;
	if (!rat_given(t->clock))
		need(c, b, "clock", ", for 'enforce' counts cycles per second");
	if (t->subjects.n > 1)
		diag_add(DIAGS(c), E0404, block_given(b, "for")->span,
			 "a target that enforces an slo is for one pipeline, this one is for %zu", t->subjects.n);
}

static void check_by_backend(struct check *c, struct block *b, struct m_target *t)
{
	check_subjects(c, b, t);
	switch (t->backend) {
	case BACKEND_BESS:
	case BACKEND_DPDK:
		check_machine(c, b, t);
		break;
	case BACKEND_NGINX:
	case BACKEND_SOCKS:
		check_proxy(c, b, t);
		break;
	default:
		if (t->view < 0)
			t->view = t->subjects.n && t->subjects.at[0]->kind == SYM_PIPELINE ? 2 : 1;
	}
}

/* Classes without `through` pass the pipelines that enforce an slo naming them. */
static void use_classes(struct check *c, const struct refs *classes, struct symbol *pipeline)
{
	for (size_t i = 0; i < classes->n; i++) {
		struct m_class *class = classes->at[i]->object;
		bool known = class->through != NULL;

		for (size_t k = 0; k < class->pipelines.n && !known; k++)
			known = class->pipelines.at[k] == pipeline;
		if (!known && classes->at[i] != c->model->rest)
			vec_push(ARENA(c), &class->pipelines, pipeline);
	}
}

static void use_slo(struct check *c, const struct symbol *slo, const struct symbol *target)
{
	const struct m_target *t = target->object;

	for (size_t i = 0; i < t->subjects.n; i++)
		if (t->subjects.at[i]->kind == SYM_PIPELINE)
			use_classes(c, &OBJECT(slo, m_slo)->classes, t->subjects.at[i]);
}

static void read_target(struct check *c, struct symbol *sym)
{
	struct m_target *t = sym->object;
	struct block b = { .name = "target", .sym = sym, .scope = sym->members, .object = t,
			   .body = &sym->stmt->decl.body, .code = read_listen };

	t->backend = -1;
	if (!find_backend(c, sym, &t->backend)) {
		t->backend = -1;
		return;
	}
	t->queue = rat_int(1024);
	t->queue_cost = rat_int(12);
	t->classify_cost = rat_int(60);
	t->replicas = RAT_ONE;
	t->listen_port = rat_int(1080);
	t->listen_span = sym->span;
	t->version = 6;
	t->view = -1;
	t->format = 1;
	vec_push(ARENA(c), &t->workers, 0);
	b.kinds = &backend_letters[t->backend];
	b.kind = arena_printf(ARENA(c), "a target of backend %s", backends[t->backend]);
	block_read(c, &b);
	check_by_backend(c, &b, t);
	if (t->enforce)
		use_slo(c, t->enforce, sym);
}

void check_targets(struct check *c)
{
	for (size_t i = 0; i < c->model->targets.n; i++)
		read_target(c, c->model->targets.at[i]);
}

/* ---- every class of an enforced slo passes the pipeline ---- */

static bool passes(const struct m_class *class, const struct symbol *pipeline)
{
	for (size_t i = 0; i < class->pipelines.n; i++)
		if (class->pipelines.at[i] == pipeline)
			return true;
	return false;
}

static void check_enforced(struct check *c, const struct m_target *t)
{
	const struct refs *classes = &OBJECT(t->enforce, m_slo)->classes;
	const struct symbol *pipeline = t->subjects.n == 1 ? t->subjects.at[0] : NULL;

	for (size_t i = 0; pipeline && i < classes->n; i++) {
		const struct symbol *class = classes->at[i];

		if (class == c->model->rest || passes(class->object, pipeline) ||
		    !OBJECT(class, m_class)->pipelines.n)
			continue;
		diag_also(DIAGS(c),
			  diag_add(DIAGS(c), E0506, t->sym->span,
				   "class '%s' of slo '%s' does not pass pipeline '%s'", class->name,
				   t->enforce->name, pipeline->name),
			  class->span, "the class goes through '%s'",
			  OBJECT(class, m_class)->pipelines.at[0]->name);
	}
}

void check_target_classes(struct check *c)
{
	for (size_t i = 0; i < c->model->targets.n; i++) {
		const struct m_target *t = c->model->targets.at[i]->object;

		if (t->backend >= 0 && t->enforce)
			check_enforced(c, t);
	}
}

void check_use_slo(struct check *c, const struct symbol *slo, const struct symbol *target)
{
	use_slo(c, slo, target);
}
