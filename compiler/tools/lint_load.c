/* More load than machines and links can take. */
#include <config.h>

#include <string.h>

#include "compiler/tools/lint_shared.h"

/* ---- L5003 over-committed-cores ---- */

static struct rat path_cycles(const struct ir_pipeline *p, const struct ir_path *path,
			      struct rat bytes)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = path->first; i < path->n; i++) {
		const struct ir_module *m = &p->modules[path->modules[i]];

		sum = rat_add(sum, rat_add(m->cost, rat_mul(m->cost_per_byte, bytes)));
	}
	return sum;
}

static struct rat class_cycles(const struct ir *ir, uint32_t pipeline, const struct ir_class *class)
{
	const struct ir_pipeline *p = &ir->pipelines[pipeline];
	struct rat bytes = class->has_packet ? class->packet : p->has_packet ? p->packet : RAT_ZERO;
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < class->n_paths; i++)
		if (class->paths[i].pipeline == pipeline)
			sum = rat_add(sum, rat_mul(class->paths[i].rate_pps,
						   path_cycles(p, &class->paths[i], bytes)));
	return sum;
}

/* Of all classes that pass the pipelines, and of the rest as far as it is known. */
static struct rat offered_cycles(const struct ir *ir, const struct ir_target *t)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < t->pipelines.n; i++) {
		uint32_t p = t->pipelines.at[i];

		for (size_t k = 0; k < ir->n_classes; k++)
			sum = rat_add(sum, class_cycles(ir, p, &ir->classes[k]));
		sum = rat_add(sum, class_cycles(ir, p, &ir->pipelines[p].rest));
	}
	return sum;
}

static const char *in_giga(struct linting *l, struct rat value)
{
	return arena_printf(LINT_ARENA(l), "%.3g", rat_double(value) / 1e9);
}

void lint_committed_cores(struct linting *l)
{
	const struct ir *ir = l->policy->ir;

	for (size_t i = 0; i < ir->n_targets; i++) {
		const struct ir_target *t = &ir->targets[i];
		struct rat offered, room;
		struct diag *d;

		if ((t->backend != IR_BESS && t->backend != IR_DPDK) || rat_sign(t->clock) <= 0 ||
		    !lint_in_root(l, t->span))
			continue;
		offered = offered_cycles(ir, t);
		room = rat_mul(rat_mul(t->clock, rat_uint(t->n_cores)), rat_uint(t->replicas));
		if (rat_cmp(offered, room) <= 0)
			continue;
		d = diag_add(LINT_DIAGS(l), L5003, t->span,
			     "the classes ask for %s billion cycles a second, target '%s' has %s",
			     in_giga(l, offered), t->name, in_giga(l, room));
		diag_note(LINT_DIAGS(l), d, "%zu x %s GHz in %llu %s", t->n_cores,
			  in_giga(l, t->clock), (unsigned long long)t->replicas,
			  t->replicas == 1 ? "copy" : "copies");
		diag_help(LINT_DIAGS(l), d,
			  "give it more 'workers' or 'replicas', or expect part of the traffic to "
			  "be dropped");
	}
}

/* ---- L5004 over-committed-link ---- */

/* What is known to pass a port of a pipeline, bit/s; 0: nothing. */
struct passing {
	const struct m_pipeline *pipeline;
	struct rat *by_edges;   /* den == 0: not known */
	struct rat *by_classes; /* what classes with a rate bring, at least */
};

static void add_edges(struct passing *s)
{
	const struct m_pipeline *p = s->pipeline;
	struct rat bits = rat_given(p->packet) ? rat_mul(p->packet, rat_int(8)) : RAT_ZERO;

	for (size_t i = 0; i < p->instances.n; i++) {
		bool begins = lint_begins(p, i), known = rat_given(p->packet);
		const struct m_links *links = begins ? &p->out[i] : &p->in[i];
		struct rat sum = RAT_ZERO;

		if (!begins && p->out[i].n)
			continue;
		for (size_t j = 0; j < links->n; j++) {
			const struct m_edge *e = &p->edges.at[links->at[j]];

			if (begins && e->copy)
				continue;
			known &= e->has_rate;
			if (known)
				sum = rat_add(sum, rat_mul(e->rate, bits));
		}
		if (known)
			s->by_edges[i] = sum;
	}
}

/* The graph knows what each path carries; its modules have the names of instances. */
static void add_class(struct passing *s, const struct ir_class *class, uint32_t number,
		      const struct ir_pipeline *p, const struct map *index)
{
	struct rat bytes = class->has_packet ? class->packet : p->has_packet ? p->packet : RAT_ZERO;

	for (size_t i = 0; i < class->n_paths; i++) {
		const struct ir_path *path = &class->paths[i];
		struct rat bits = rat_mul(path->rate_pps, rat_mul(bytes, rat_int(8)));
		const char *ends[2];

		if (path->pipeline != number)
			continue;
		ends[0] = path->copy ? NULL : p->modules[path->modules[0]].name;
		ends[1] = p->modules[path->modules[path->n - 1]].name;
		for (size_t k = 0; k < 2; k++) {
			uintptr_t at = ends[k] ? (uintptr_t)map_get(index, ends[k]) : 0;

			if (at)
				s->by_classes[at - 1] = rat_add(s->by_classes[at - 1], bits);
		}
	}
}

static void add_classes(struct linting *l, struct passing *s)
{
	const struct ir *ir = l->policy->ir;
	struct map index;
	uint32_t number = 0;

	map_init(&index, LINT_ARENA(l));
	for (size_t i = 0; i < s->pipeline->instances.n; i++)
		map_put(&index, s->pipeline->instances.at[i]->sym->canonical,
			(void *)(uintptr_t)(i + 1));
	while (number < ir->n_pipelines &&
	       strcmp(ir->pipelines[number].name, s->pipeline->sym->canonical))
		number++;
	for (size_t k = 0; k < ir->n_classes && number < ir->n_pipelines; k++)
		add_class(s, &ir->classes[k], number, &ir->pipelines[number], &index);
}

static struct passing passing_of(struct linting *l, const struct m_pipeline *p)
{
	struct passing s = { .pipeline = p };

	s.by_edges = arena_many(LINT_ARENA(l), struct rat, p->instances.n);
	s.by_classes = arena_many(LINT_ARENA(l), struct rat, p->instances.n);
	for (size_t i = 0; i < p->instances.n; i++)
		s.by_classes[i] = RAT_ZERO;
	add_edges(&s);
	add_classes(l, &s);
	return s;
}

/* At least so much. */
static struct rat passing_at(const struct passing *s, size_t i)
{
	return rat_given(s->by_edges[i]) ? s->by_edges[i] : s->by_classes[i];
}

static const char *gbps(struct linting *l, struct rat bits)
{
	return arena_printf(LINT_ARENA(l), "%s Gbps", in_giga(l, bits));
}

/* ---- ports of a switch ---- */

static struct rat range_size(const struct m_value *v)
{
	return rat_add(rat_sub(v->members[1]->number, v->members[0]->number), RAT_ONE);
}

static bool is_number_pair(const struct m_value *v)
{
	return v->kind == VALUE_LIST && v->n_members == 2 && v->members[0]->kind == VALUE_NUMBER &&
	       v->members[1]->kind == VALUE_NUMBER;
}

/* A number, a range, or a set of both.  Where it is not known whether a range or a set of two
 * was written (behind a constant), the greater is taken. */
static struct rat count_ports(const struct m_instance *i, const struct m_value *v)
{
	const struct ast_stmt *s = lint_property(i->sym, "ports");
	bool is_set = s && s->property.values.n == 1 && s->property.values.at[0]->kind == AST_SET;
	struct rat sum = RAT_ZERO;

	if (!v || v->kind != VALUE_LIST)
		return RAT_ONE;
	if (is_number_pair(v) && !is_set)
		return range_size(v);
	for (size_t k = 0; k < v->n_members; k++)
		sum = rat_add(sum,
			      is_number_pair(v->members[k]) ? range_size(v->members[k]) : RAT_ONE);
	return sum;
}

static const struct m_node *switch_named(const struct linting *l, const struct m_value *device)
{
	const struct refs *nodes = &l->policy->model->nodes;

	for (size_t i = 0; device && device->kind == VALUE_TEXT && i < nodes->n; i++) {
		const struct m_node *n = nodes->at[i]->object;

		if (n->kind == NODE_SWITCH && rat_given(n->speed) &&
		    !strcmp(nodes->at[i]->canonical, device->text))
			return n;
	}
	return NULL;
}

static void judge_ports(struct linting *l, const struct m_pipeline *p)
{
	struct passing s = passing_of(l, p);

	for (size_t i = 0; i < p->instances.n; i++) {
		const struct m_instance *inst = p->instances.at[i];
		const struct m_node *node = inst->is_drop || lint_role(inst) == ROLE_TRANSIT
						? NULL
						: switch_named(l, lint_config(inst, "device"));
		struct rat room, load = passing_at(&s, i);
		struct diag *d;

		if (!node)
			continue;
		room = rat_mul(node->speed, count_ports(inst, lint_config(inst, "ports")));
		if (rat_cmp(load, room) <= 0)
			continue;
		d = diag_add(LINT_DIAGS(l), L5004, inst->sym->span,
			     "%s pass '%s', and its ports take %s", gbps(l, load), inst->sym->name,
			     gbps(l, room));
		diag_also(LINT_DIAGS(l), d, node->sym->span, "%s a port", gbps(l, node->speed));
		diag_help(LINT_DIAGS(l), d, "give it more ports, or lower the rates");
	}
}

/* ---- network cards of servers ---- */

/* The sum of the cards that `on` names; 0: a server does not state its own. */
static struct rat cards_of(const struct symbol *on)
{
	const struct refs one = { (struct symbol *[]){ (struct symbol *)on }, 1, 1 };
	const struct refs *nodes = on->kind == SYM_DOMAIN ? &OBJECT(on, m_domain)->nodes : &one;
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < nodes->n; i++) {
		const struct m_node *n = nodes->at[i]->object;

		if (n->kind != NODE_SERVER)
			continue;
		if (!rat_given(n->nic))
			return RAT_ZERO;
		sum = rat_add(sum, n->nic);
	}
	return sum;
}

/* Cards send and receive at once, so what comes in and what goes out are compared by themselves. */
static struct rat busier_way(struct linting *l, const struct m_target *t)
{
	struct rat in = RAT_ZERO, out = RAT_ZERO;

	for (size_t k = 0; k < t->subjects.n; k++) {
		const struct m_pipeline *p = t->subjects.at[k]->object;
		struct passing s;

		if (t->subjects.at[k]->kind != SYM_PIPELINE || !p->sound)
			continue;
		s = passing_of(l, p);
		for (size_t i = 0; i < p->instances.n; i++) {
			if (lint_begins(p, i))
				in = rat_add(in, passing_at(&s, i));
			else if (!p->out[i].n && !p->instances.at[i]->is_drop &&
				 lint_role(p->instances.at[i]) != ROLE_TRANSIT)
				out = rat_add(out, passing_at(&s, i));
		}
	}
	return rat_cmp(in, out) > 0 ? in : out;
}

static void judge_cards(struct linting *l, const struct symbol *sym)
{
	const struct m_target *t = sym->object;
	struct rat room, load;
	struct diag *d;

	if ((t->backend != BACKEND_BESS && t->backend != BACKEND_DPDK) || !t->on)
		return;
	room = cards_of(t->on);
	load = busier_way(l, t);
	if (rat_sign(room) <= 0 || rat_cmp(load, room) <= 0)
		return;
	d = diag_add(LINT_DIAGS(l), L5004, sym->span,
		     "%s pass target '%s', and the network cards of %s take %s", gbps(l, load),
		     sym->name, t->on->canonical, gbps(l, room));
	diag_also(LINT_DIAGS(l), d, t->on->span,
		  t->on->kind == SYM_DOMAIN ? "all its servers together" : "its 'nic'");
	diag_help(LINT_DIAGS(l), d, "take more servers, or lower the rates");
}

void lint_committed_links(struct linting *l)
{
	struct refs pipelines = lint_pipelines(l),
		    targets = lint_own(l, &l->policy->model->targets);

	for (size_t i = 0; i < pipelines.n; i++)
		judge_ports(l, pipelines.at[i]->object);
	for (size_t i = 0; i < targets.n; i++)
		judge_cards(l, targets.at[i]);
}
