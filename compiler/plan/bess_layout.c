/* Modules and wires. */
#include <config.h>

#include "compiler/plan/bess_layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/bess_private.h"

enum { MOST_WORKERS = 64, MOST_QUEUES = 64 };

static struct diags *diags(struct laying *k)
{
	return &k->ctx->diags;
}

struct bess_instance *bess_instance_at(struct laying *k, uint32_t module, size_t copy)
{
	return &k->instances[module * k->n_copies + copy];
}

/* ---- nodes and wires ---- */

void bess_wire(struct laying *k, size_t from, unsigned gate, size_t to, struct span span,
	       const char *reason)
{
	vec_push(LAY_ARENA(k), &k->made->wires, (struct bess_wire){ from, to, gate, span, reason });
}

static size_t add_node(struct laying *k, const char *base, const char *class_name, struct span span,
		       const char *reason)
{
	struct bess_node n = { .name = bess_name(&k->names, base),
			       .class = bess_class_find(class_name),
			       .queue = -1,
			       .span = span,
			       .reason = reason };

	vec_push(LAY_ARENA(k), &k->made->nodes, n);
	return k->made->nodes.n - 1;
}

static struct bess_node *node_at(struct laying *k, size_t node)
{
	return &k->made->nodes.at[node];
}

/* Where packets end that no edge takes. */
static size_t sink_of(struct laying *k)
{
	if (k->sink == NODE_NONE)
		k->sink = add_node(k, "nowhere", "Sink", k->target->span,
				   "What no edge takes is dropped here.");
	return k->sink;
}

/* The name of a module in the copy at hand. */
static const char *copy_name(struct laying *k, uint32_t module, size_t copy, const char *suffix)
{
	const char *name = name_tail(k->pipeline->modules[module].name);

	if (copy)
		name = arena_printf(LAY_ARENA(k), "%s_%s", name,
				    name_tail(k->schedule->classifier->classes.at[copy - 1].name));
	if (k->config->replicas > 1)
		name = arena_printf(LAY_ARENA(k), "%s_%" PRId64, name, k->replica);
	return arena_printf(LAY_ARENA(k), "%s%s", name, suffix);
}

/* ---- tasks ---- */

static size_t copy_of_class(const struct laying *k, const char *class)
{
	const struct plan_classifier *c = k->schedule ? k->schedule->classifier : NULL;

	for (size_t i = 0; class && c && i < c->classes.n; i++)
		if (!strcmp(c->classes.at[i].name, class))
			return i + 1;
	return 0;
}

/* The task whose root is this module in this copy; NULL: it runs in the task that feeds it. */
static const struct plan_task *task_of(const struct laying *k, uint32_t module, size_t copy)
{
	for (size_t i = 0; k->schedule && i < k->schedule->tasks.n; i++) {
		const struct plan_task *t = &k->schedule->tasks.at[i];

		if (!strcmp(t->root, k->pipeline->modules[module].name) &&
		    copy_of_class(k, t->class) == copy)
			return t;
	}
	return NULL;
}

/* What leads to a module, in the copy at hand. */
static size_t entry_of(struct laying *k, uint32_t module, size_t copy)
{
	struct bess_instance *i = bess_instance_at(k, module, copy);
	const struct plan_task *t = task_of(k, module, copy);

	if (i->entry != NODE_NONE)
		return i->entry;
	if (t && t->queue) {
		i->entry = add_node(
		    k, copy_name(k, module, copy, "_queue"), "Queue",
		    k->pipeline->modules[module].span,
		    arena_printf(LAY_ARENA(k), "Task %s begins here, at '%s'.", t->id, t->root));
		node_at(k, i->entry)->packets = k->config->queue_packets;
		bess_lay_module(k, module, copy);
		bess_wire(k, i->entry, 0, i->node, k->pipeline->modules[module].span,
			  "The queue feeds its task.");
	} else {
		bess_lay_module(k, module, copy);
		i->entry = i->node;
	}
	return i->entry;
}

/* ---- forks ---- */

/* A port of a module in one copy, being wired. */
struct port_at {
	uint32_t module;
	size_t copy;
	const struct fork_port *port;
	size_t next; /* where the packet itself goes on to, if the ways are copies only */
};

static size_t port_target(struct laying *, uint32_t module, const struct fork_port *, size_t copy);

static struct span module_span(const struct laying *k, uint32_t module)
{
	return k->pipeline->modules[module].span;
}

static const struct ir_edge *edge_at(const struct laying *k, const struct fork_way *w, size_t i)
{
	return &k->pipeline->edges[w->edges[i]];
}

static void wire_edge(struct laying *k, size_t from, unsigned gate, const struct fork_way *w,
		      size_t i, size_t copy)
{
	const struct ir_edge *e = edge_at(k, w, i);
	size_t to = entry_of(k, e->to, copy);

	bess_wire(k, from, gate, to, e->span,
		  arena_printf(LAY_ARENA(k), "%s to '%s'.", e->copy ? "A copy" : "The edge",
			       k->pipeline->modules[e->to].name));
}

static size_t add_copier(struct laying *k, const struct port_at *p, const struct fork_way *w)
{
	size_t copier = add_node(k, copy_name(k, p->module, p->copy, "_copies"), "Replicate",
				 edge_at(k, w, w->n - 1)->span, "Copies are made here.");
	bool goes_on = p->port->next != NULL;

	node_at(k, copier)->n_gates = (unsigned)w->n + goes_on;
	if (node_at(k, copier)->n_gates > node_at(k, copier)->class->out)
		diag_add(diags(k), E0802, edge_at(k, w, 0)->span,
			 "BESS makes at most %u copies at once, and '%s' has %zu",
			 node_at(k, copier)->class->out, k->pipeline->modules[p->module].name,
			 w->n);
	if (goes_on)
		bess_wire(k, copier, 0, p->next, module_span(k, p->module),
			  "The packet itself goes on.");
	for (size_t i = 0; i < w->n; i++)
		wire_edge(k, copier, (unsigned)i + goes_on, w, i, p->copy);
	return copier;
}

static void wire_way(struct laying *k, size_t from, unsigned gate, const struct port_at *p,
		     const struct fork_way *w, size_t copier)
{
	if (copier != NODE_NONE)
		bess_wire(k, from, gate, copier, edge_at(k, w, 0)->span, "Packets to be copied.");
	else if (p->port->next)
		bess_wire(k, from, gate, p->next, module_span(k, p->module),
			  "No copy is made of these.");
	else if (w->n)
		wire_edge(k, from, gate, w, 0, p->copy);
	else
		bess_wire(k, from, gate, sink_of(k), module_span(k, p->module),
			  "No edge takes these.");
}

/* A way of every node that decides for this port; a table and the filters behind it share what
 * makes its copies. */
static void wire_ways(struct laying *k, const struct port_at *p, const size_t *from, size_t n_from)
{
	for (unsigned way = 0; way < p->port->n_ways; way++) {
		const struct fork_way *w = &p->port->ways[way];
		bool copies = p->port->next ? w->n > 0 : w->n > 1;
		size_t copier = copies && n_from ? add_copier(k, p, w) : NODE_NONE;

		for (size_t i = 0; i < n_from; i++)
			wire_way(k, from[i], way, p, w, copier);
	}
}

static struct port_at port_at(struct laying *k, uint32_t module, const struct fork_port *port,
			      size_t copy)
{
	struct port_at p = { module, copy, port, NODE_NONE };

	if (port->next)
		p.next = port_target(k, module, port->next, copy);
	return p;
}

static size_t add_filters(struct laying *k, const char *name, const struct matcher *m,
			  struct span span)
{
	size_t n =
	    add_node(k, name, "BPF", span,
		     m->table ? "A matcher (BPF) for what the table before it cannot tell apart."
			      : "A matcher (BPF), put in because the module's class cannot match.");

	node_at(k, n)->matcher = m;
	node_at(k, n)->by_filters = true;
	return n;
}

static void wire_undecided(struct laying *k, size_t table, size_t n_ways, size_t filters,
			   struct span span)
{
	bess_wire(k, table, (unsigned)n_ways, filters, span,
		  "What the table cannot tell apart: tags, options, fragments.");
}

/* The nodes of a matcher, the one that packets come to first; how many. */
enum { MOST_PARTS = 2 };
static size_t add_matcher(struct laying *k, const struct matcher *m, size_t n_ways,
			  const char *name, struct span span, size_t parts[MOST_PARTS])
{
	size_t n = 0;

	if (m->table) {
		parts[n++] = add_node(k, name, "WildcardMatch", span,
				      "A matcher, put in because the module's class cannot match.");
		node_at(k, parts[0])->matcher = m;
	}
	if (m->n_filters) {
		parts[n++] = add_filters(k, arena_printf(LAY_ARENA(k), "%s_bpf", name), m, span);
		if (m->table)
			wire_undecided(k, parts[0], n_ways, parts[1], span);
	}
	return n;
}

/* What the packets of a port come to. */
static size_t port_target(struct laying *k, uint32_t module, const struct fork_port *port,
			  size_t copy)
{
	const struct port_at p = port_at(k, module, port, copy);
	const struct fork_way *w = &port->ways[0];
	size_t parts[MOST_PARTS];

	if (port->matcher) {
		size_t n = add_matcher(k, port->matcher, port->n_ways,
				       copy_name(k, module, copy, "_match"), module_span(k, module),
				       parts);

		wire_ways(k, &p, parts, n);
		return parts[0];
	}
	if (w->n + (port->next != NULL) > 1)
		return add_copier(k, &p, w);
	if (port->next)
		return p.next;
	return w->n ? entry_of(k, edge_at(k, w, 0)->to, copy) : sink_of(k);
}

static void wire_port(struct laying *k, size_t from, unsigned gate, uint32_t module,
		      const struct fork_port *port, size_t copy)
{
	const struct port_at p = port_at(k, module, port, copy);
	size_t to;

	if (port->matcher) {
		to = port_target(k, module, port, copy);
		bess_wire(k, from, gate, to, module_span(k, module),
			  "Packets are told apart by their bytes.");
		return;
	}
	wire_way(k, from, gate, &p, &port->ways[0],
		 port->ways[0].n + (port->next != NULL) > 1 ? add_copier(k, &p, &port->ways[0])
							    : NODE_NONE);
}

/* A WildcardMatch or BPF that decides by itself, as far as it can. */
static void wire_itself(struct laying *k, size_t node, uint32_t module,
			const struct fork_port *port, size_t copy)
{
	const struct matcher *m = port->matcher;
	bool by_filters = node_at(k, node)->class->kind == BESS_FILTERS;
	struct port_at p;
	size_t parts[MOST_PARTS] = { node };
	size_t n = 1;

	if (!m || (by_filters ? !m->n_filters : !m->table)) {
		wire_port(k, node, 0, module, port, copy);
		return;
	}
	p = port_at(k, module, port, copy);
	node_at(k, node)->matcher = m;
	node_at(k, node)->by_filters = by_filters;
	if (!by_filters && m->undecided) {
		parts[n++] =
		    add_filters(k, copy_name(k, module, copy, "_bpf"), m, module_span(k, module));
		wire_undecided(k, node, port->n_ways, parts[1], module_span(k, module));
	}
	wire_ways(k, &p, parts, n);
}

/* ---- classes that are parted early ---- */

static bool is_rest(const struct plan_early_class *c)
{
	return !strcmp(c->name, "rest");
}

/* The copy that gets what goes a way of the classifier: 0 is the rest, then the others as they
 * stand there; 0: no class has these. */
static size_t copy_of_way(const struct plan_classifier *c, unsigned way)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->classes.n; i++) {
		n += !is_rest(&c->classes.at[i]);
		if (is_rest(&c->classes.at[i]) ? !way : n == way)
			return i + 1;
	}
	return 0;
}

static const struct matcher *make_classifier(struct laying *k)
{
	const struct plan_classifier *c = k->schedule->classifier;
	const struct cubes **ways =
	    arena_many(LAY_ARENA(k), const struct cubes *, c->classes.n + 1);
	const struct matcher *m;
	size_t n = 1;

	ways[0] = cubes_all(k->ir->fields);
	k->classes = arena_many(LAY_ARENA(k), const struct cubes *, k->n_copies);
	for (size_t i = 0; i < c->classes.n; i++) {
		if (is_rest(&c->classes.at[i]))
			continue;
		k->classes[i + 1] = ways[n] =
		    cubes_filter(k->ir->fields, ways[0], c->classes.at[i].fx);
		ways[0] = cubes_minus(k->ir->fields, ways[0], ways[n++]);
	}
	for (size_t i = 0; i < c->classes.n; i++)
		if (is_rest(&c->classes.at[i]))
			k->classes[i + 1] = ways[0];
	m = match_make(LAY_ARENA(k), k->ir->fields, ways, n, NULL);
	if (!m)
		diag_add(
		    diags(k), E0802, k->target->span,
		    "telling the classes of '%s' apart takes more rules than a matcher can hold",
		    k->schedule->slo);
	return m;
}

static size_t n_named(const struct plan_classifier *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->classes.n; i++)
		n += !is_rest(&c->classes.at[i]);
	return n;
}

static void put_classifier(struct laying *k, size_t from, unsigned gate, uint32_t module,
			   size_t port)
{
	const struct plan_classifier *c = k->schedule->classifier;
	size_t n_ways = n_named(c) + 1, parts[MOST_PARTS], n;

	if (!k->classifier)
		return;
	n = add_matcher(k, k->classifier, n_ways, copy_name(k, module, 0, "_class"),
			k->schedule->span, parts);
	for (size_t i = 0; i < n; i++)
		node_at(k, parts[i])->reason = "The classes are told apart here.";
	bess_wire(k, from, gate, parts[0], k->schedule->span, "The classes are told apart here.");
	for (unsigned way = 0; way < n_ways; way++)
		for (size_t i = 0, copy = copy_of_way(c, way); i < n; i++)
			if (copy)
				wire_port(k, parts[i], way, module,
					  &bess_fork_of(k, module, copy)->ports[port], copy);
			else
				bess_wire(k, parts[i], way, sink_of(k), k->target->span,
					  "No class has these.");
}

/* ---- modules ---- */

static void wire_out(struct laying *k, uint32_t module, size_t copy, size_t node)
{
	const struct bess_class *c = node_at(k, node)->class;
	const struct fork *f = bess_fork_of(k, module, copy);
	bool itself = c->kind == BESS_TABLE || c->kind == BESS_FILTERS;

	if (!c->out)
		return;
	for (size_t i = 0; i < f->n_ports; i++) {
		unsigned gate = f->own_ports ? (unsigned)i : c->gate;

		if (bess_is_classified(k, module) && !copy)
			put_classifier(k, node, gate, module, i);
		else if (itself && !f->own_ports)
			wire_itself(k, node, module, &f->ports[i], copy);
		else
			wire_port(k, node, gate, module, &f->ports[i], copy);
	}
	/* The other gate of a class with two carries what it rejects, or the way back. */
	if (c->out == 2 && f->n_ports < 2)
		bess_wire(k, node, 1 - c->gate, sink_of(k), k->pipeline->modules[module].span,
			  "No edge takes what the class sends out by its other gate.");
}

static size_t add_module_node(struct laying *k, uint32_t module, size_t copy, const char *name,
			      const struct bess_class *c)
{
	const struct fork *fork = bess_fork_of(k, module, copy);
	const struct plan_module *m = &k->rows->modules.at[module];
	size_t node = add_node(k, name, c->name, m->span,
			       arena_printf(LAY_ARENA(k), "The module '%s'.", m->id));

	node_at(k, node)->module = m;
	node_at(k, node)->n_gates = fork->own_ports ? (unsigned)fork->n_ports : 1;
	return node;
}

/* A device is written to by one module; what else leads there joins in front of it. */
static size_t out_node(struct laying *k, uint32_t module, size_t copy, const struct bess_class *c)
{
	const struct plan_module *m = &k->rows->modules.at[module];
	size_t port = bess_port_of(k, m), node, join;

	if (port == NODE_NONE)
		return sink_of(k);
	while (k->out_nodes.n <= port)
		vec_push(LAY_ARENA(k), &k->out_nodes, NODE_NONE);
	node = k->out_nodes.at[port];
	if (node == NODE_NONE) {
		k->out_nodes.at[port] = node =
		    add_module_node(k, module, copy, name_tail(m->id), c);
		node_at(k, node)->port = port;
		return node;
	}
	if (node_at(k, node)->module == m)
		return node;
	join = add_node(k, copy_name(k, module, copy, ""), "Merge", m->span,
			arena_printf(LAY_ARENA(k),
				     "The module '%s'; another one writes to its device.", m->id));
	bess_wire(k, join, 0, node, m->span, "One module writes to a device.");
	return join;
}

static void check_one_reader(struct laying *k, size_t node)
{
	const struct bess_node *n = node_at(k, node);

	for (size_t i = 0; i < node; i++) {
		const struct bess_node *o = node_at(k, i);
		bool reads = o->class->kind == BESS_IN || o->class->kind == BESS_QUEUE_IN;

		if (reads && o->port == n->port && o->module != n->module)
			diag_also(diags(k),
				  diag_add(diags(k), E0802, n->span,
					   "'%s' reads a device that '%s' reads already",
					   n->module->id, o->module->id),
				  o->span, "one module reads a device");
	}
}

/* Queues of the device that a module is to read; 0: reported. */
static unsigned stated_queues(struct laying *k, const struct plan_module *m)
{
	for (size_t i = 0; i < m->config.n; i++) {
		const struct ir_value *v = m->config.at[i].value;

		if (strcmp(m->config.at[i].name, "queues"))
			continue;
		if (v->kind == IR_VALUE_NUMBER && rat_is_int(v->number) &&
		    rat_cmp(v->number, RAT_ONE) >= 0 &&
		    rat_cmp(v->number, rat_int(MOST_QUEUES)) <= 0 &&
		    (k->config->replicas == 1 || !rat_cmp(v->number, RAT_ONE)))
			return (unsigned)rat_double(v->number);
		diag_note(diags(k),
			  diag_add(diags(k), E0802, m->span,
				   "'%s' cannot read so many queues of its device", m->id),
			  "1 to %d; with replicas each copy reads one", MOST_QUEUES);
		return 0;
	}
	return 1;
}

static void take_port(struct laying *k, size_t node)
{
	struct bess_node *n = node_at(k, node);
	const struct plan_module *m = n->module;
	unsigned queues = stated_queues(k, m);

	n->port = bess_port_of(k, m);
	if (n->port == NODE_NONE || !queues)
		return;
	check_one_reader(k, node);
	k->made->ports.at[n->port].n_in = queues;
	if (k->config->replicas == 1)
		return;
	/* Each copy of the pipeline takes packets from a queue of its own; the device spreads them.
	 */
	n->class = bess_class_find("QueueInc");
	n->queue = k->replica;
	k->made->ports.at[n->port].n_in = (unsigned)k->config->replicas;
}

static size_t module_node(struct laying *k, uint32_t module, size_t copy)
{
	const struct plan_module *m = &k->rows->modules.at[module];
	const struct bess_class *c = bess_class_of(k, m);
	size_t node;

	if (!c)
		return sink_of(k);
	bess_check_module(k, m, c, bess_fork_of(k, module, copy));
	if (c->kind == BESS_QUEUE_IN || c->kind == BESS_QUEUE_OUT) {
		diag_add(diags(k), E0802, m->span,
			 "'%s': use PortInc and PortOut; the compiler deals with queues of devices",
			 m->id);
		return sink_of(k);
	}
	if (c->kind == BESS_OUT)
		return out_node(k, module, copy, c);
	node = add_module_node(k, module, copy, copy_name(k, module, copy, ""), c);
	if (c->kind == BESS_IN)
		take_port(k, node);
	return node;
}

void bess_lay_module(struct laying *k, uint32_t module, size_t copy)
{
	struct bess_instance *i = bess_instance_at(k, module, copy);

	if (i->node != NODE_NONE)
		return;
	i->node = module_node(k, module, copy);
	if (node_at(k, i->node)->module)
		wire_out(k, module, copy, i->node);
}

/* ---- pipelines ---- */

static void forget_instances(struct laying *k)
{
	size_t n = k->pipeline->n_modules * k->n_copies;

	k->instances = arena_many(LAY_ARENA(k), struct bess_instance, n);
	for (size_t i = 0; i < n; i++)
		k->instances[i] = (struct bess_instance){ NODE_NONE, NODE_NONE };
}

static void lay_copy(struct laying *k, size_t *n_sources)
{
	forget_instances(k);
	for (uint32_t i = 0; i < k->pipeline->n_modules; i++)
		if (bess_begins(k->pipeline, i))
			entry_of(k, i, 0);
	if (k->schedule)
		bess_lay_schedule(k);
	else
		bess_lay_sources(k, n_sources);
}

static void lay_pipeline(struct laying *k, uint32_t pipeline, size_t *n_sources)
{
	size_t n = *n_sources;

	k->pipeline = &k->ir->pipelines[pipeline];
	k->rows = &k->plan->pipelines.at[pipeline];
	k->n_copies = 1;
	if (k->schedule && k->schedule->classifier) {
		k->n_copies += k->schedule->classifier->classes.n;
		k->classifier = make_classifier(k);
	}
	bess_prepare_forks(k);
	for (k->replica = 0; k->replica < k->config->replicas; k->replica++) {
		n = *n_sources;
		lay_copy(k, &n);
	}
	*n_sources = n;
}

static int wire_order(const void *x, const void *y)
{
	const struct bess_wire *a = x, *b = y;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a->gate > b->gate) - (a->gate < b->gate);
}

const struct bess_layout *bess_layout_make(struct ctx *ctx, const struct ir *ir,
					   const struct plan *plan, const struct ir_target *t,
					   const struct plan_packet_config *config)
{
	struct laying k = {
		.ctx = ctx, .ir = ir, .plan = plan, .target = t, .config = config, .sink = NODE_NONE
	};
	size_t n_sources = 0;

	k.made = arena_one(ctx->arena, struct bess_layout);
	bess_names_init(&k.names, ctx);
	bess_names_init(&k.tc_names, ctx);
	if (config->schedule.present) {
		k.schedule = &plan->schedules.at[config->schedule.value];
		if (!k.schedule->tasks.n || !k.schedule->tree)
			return k.made; /* reported with the slo */
	}
	if (config->replicas > MOST_WORKERS / (int64_t)t->n_cores) {
		diag_add(diags(&k), E0802, t->span,
			 "BESS has at most %d workers, and the copies need %" PRId64, MOST_WORKERS,
			 config->replicas * (int64_t)t->n_cores);
		return k.made;
	}
	for (size_t i = 0; i < t->pipelines.n; i++)
		lay_pipeline(&k, t->pipelines.at[i], &n_sources);
	if (k.made->wires.n)
		qsort(k.made->wires.at, k.made->wires.n, sizeof(*k.made->wires.at), wire_order);
	bess_check_workers(&k);
	return k.made;
}
