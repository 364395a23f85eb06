/* Opens the modules of the pipelines, once per copy. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/graph_private.h"

bool graph_fail(struct building *b, const struct instance *module, const char *format, ...)
{
	char *at = b->error->text;
	size_t room = sizeof(b->error->text);
	va_list arguments;
	int n = 0;

	if (module)
		n = snprintf(at, room, "%s:%lld:%lld: %s: ", module->more->source->file,
			     (long long)module->more->source->line,
			     (long long)module->more->source->col, module->row->id);
	n = n < 0 || (size_t)n >= room ? 0 : n;
	va_start(arguments, format);
	vsnprintf(at + n, room - (size_t)n, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- rows ---- */

static const struct rplan_pipeline *pipeline_find(const struct rplan_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->pipelines.n; i++)
		if (!strcmp(plan->pipelines.at[i].name, name))
			return &plan->pipelines.at[i];
	return NULL;
}

static const struct rplan_packet_module *more_of(const struct graph *g, const char *id)
{
	for (size_t i = 0; i < g->config->modules.n; i++)
		if (!strcmp(g->config->modules.at[i].id, id))
			return &g->config->modules.at[i];
	return NULL;
}

static bool find_ops(struct building *b, struct instance *m)
{
	const char *class = strcmp(m->row->function, "drop") ? m->more->class : "drop";

	if (!class)
		return graph_fail(b, m, "%s states no dpdk-class", m->row->function);
	m->ops = module_class(class);
	return m->ops ||
	       graph_fail(b, m, "there is no module class '%s' (%s)", class, m->row->function);
}

static bool add_edges(struct building *b, struct instance *m, const struct rplan_pipeline *p)
{
	for (size_t i = 0; i < p->edges.n; i++)
		m->n_edges += !strcmp(p->edges.at[i].from, m->row->id);
	m->edges = calloc(m->n_edges + 1, sizeof(*m->edges));
	m->filters = calloc(m->n_edges + 1, sizeof(*m->filters));
	if (!m->edges || !m->filters)
		return graph_fail(b, m, "no memory");
	m->n_edges = 0;
	for (size_t i = 0; i < p->edges.n; i++)
		if (!strcmp(p->edges.at[i].from, m->row->id))
			m->edges[m->n_edges++] = &p->edges.at[i];
	return true;
}

static bool add_instance(struct building *b, const struct rplan_pipeline *p,
			 const struct rplan_module *row, unsigned copy)
{
	struct graph *g = b->graph;
	struct instance *m = &g->instances[g->n_instances];

	m->row = row;
	m->more = more_of(g, row->id);
	m->copy = copy;
	rte_spinlock_init(&m->lock);
	if (!m->more)
		return graph_fail(b, NULL,
				  "the plan tells nothing about module '%s' of target '%s'",
				  row->id, g->target->name);
	g->n_instances++;
	return find_ops(b, m) && add_edges(b, m, p);
}

static bool add_instances(struct building *b)
{
	struct graph *g = b->graph;
	size_t n = 0;

	for (size_t i = 0; i < g->config->pipelines.n; i++) {
		const struct rplan_pipeline *p = pipeline_find(g->plan, g->config->pipelines.at[i]);

		if (!p)
			return graph_fail(b, NULL, "the plan has no pipeline '%s'",
					  g->config->pipelines.at[i]);
		n += p->modules.n;
	}
	g->instances = calloc(n * g->n_copies + 1, sizeof(*g->instances));
	if (!g->instances)
		return graph_fail(b, NULL, "no memory for %zu modules", n * g->n_copies);
	for (unsigned copy = 0; copy < g->n_copies; copy++)
		for (size_t i = 0; i < g->config->pipelines.n; i++) {
			const struct rplan_pipeline *p =
			    pipeline_find(g->plan, g->config->pipelines.at[i]);

			for (size_t k = 0; k < p->modules.n; k++)
				if (!add_instance(b, p, &p->modules.at[k], copy))
					return false;
		}
	return true;
}

struct instance *instance_find(const struct graph *g, unsigned copy, const char *id)
{
	for (size_t i = 0; i < g->n_instances; i++)
		if (g->instances[i].copy == copy && !strcmp(g->instances[i].row->id, id))
			return &g->instances[i];
	return NULL;
}

/* ---- names ---- */

static bool tag_of(void *arg, const char *name, uint8_t *tag)
{
	const struct graph_names *n = arg;

	for (size_t i = 0; i < PACKET_TAGS; i++)
		if (n->tags[i].name && !strcmp(n->tags[i].name, name)) {
			*tag = (uint8_t)i;
			return true;
		}
	return false;
}

static bool value_of(void *arg, uint8_t tag, const char *value, uint16_t *index)
{
	const struct graph_names *n = arg;

	for (size_t i = 0; i < n->tags[tag].values.n; i++)
		if (!strcmp(n->tags[tag].values.at[i], value)) {
			*index = (uint16_t)i;
			return true;
		}
	return false;
}

static bool device_of(void *arg, const char *name, uint16_t *index)
{
	const struct graph_names *n = arg;

	return devices_index(n->devices, name, index);
}

/* Packets that are held while the plan changes keep their marks: an attribute stays where it was,
 * and others go where none was, as far as there is room. */
static size_t place_of(const struct building *b, const char *name)
{
	const struct graph_tag *now = b->graph->names->tags, none[PACKET_TAGS] = { 0 };
	const struct graph_tag *then = b->request->before ? b->request->before->names->tags : none;

	for (size_t i = 0; i < PACKET_TAGS; i++)
		if (!now[i].name && then[i].name && !strcmp(then[i].name, name))
			return i;
	for (size_t i = 0; i < PACKET_TAGS; i++)
		if (!now[i].name && !then[i].name)
			return i;
	for (size_t i = 0; i < PACKET_TAGS; i++)
		if (!now[i].name)
			return i;
	return PACKET_TAGS;
}

static bool add_tag(struct building *b, struct instance *m, const struct rplan_derive *d)
{
	size_t place;
	char *name;

	if (asprintf(&name, "%s.%s", m->row->id, d->attribute) < 0)
		return graph_fail(b, m, "no memory");
	place = place_of(b, name);
	if (place == PACKET_TAGS) {
		free(name);
		return graph_fail(b, m, "derives '%s', but a packet carries at most %d such marks",
				  d->attribute, PACKET_TAGS);
	}
	b->graph->names->tags[place] = (struct graph_tag){ name, d->values };
	return true;
}

static bool add_tags(struct building *b)
{
	struct graph *g = b->graph;

	for (size_t i = 0; i < g->n_instances && !g->instances[i].copy; i++)
		for (size_t k = 0; k < g->instances[i].more->derives.n; k++)
			if (!add_tag(b, &g->instances[i], &g->instances[i].more->derives.at[k]))
				return false;
	return true;
}

/* ---- devices ---- */

static bool has_in_edges(const struct graph *g, const struct instance *m)
{
	for (size_t i = 0; i < g->n_instances; i++)
		for (size_t k = 0; k < g->instances[i].n_edges; k++)
			if (!strcmp(g->instances[i].edges[k]->to, m->row->id))
				return true;
	return false;
}

static enum module_role role_of(const struct graph *g, const struct instance *m)
{
	if (!m->n_edges)
		return ROLE_EXIT;
	return has_in_edges(g, m) ? ROLE_TRANSIT : ROLE_SOURCE;
}

const char *graph_device_name(const struct rplan_module *m, char number[32])
{
	for (size_t i = 0; i < m->config.n; i++) {
		const struct rplan_value *v = &m->config.at[i].value;

		if (strcmp(m->config.at[i].key, "device"))
			continue;
		if (v->kind == RPLAN_NUMBER)
			snprintf(number, 32, "%g", v->number);
		return v->kind == RPLAN_TEXT ? v->text : v->kind == RPLAN_NUMBER ? number : NULL;
	}
	return NULL;
}

static bool open_device(struct building *b, struct instance *m)
{
	struct device_error error;
	char number[32];
	const char *name = graph_device_name(m->row, number);

	if (strcmp(m->ops->class, "port"))
		return role_of(b->graph, m) != ROLE_SOURCE ||
		       graph_fail(b, m, "packets enter here, but only a port gives packets");
	if (!name)
		return graph_fail(b, m, "a port needs a device");
	m->device = b->request->device(b->request->arg, m->row, name,
				       role_of(b->graph, m) == ROLE_SOURCE, m->copy, &error);
	return m->device || graph_fail(b, m, "%s", error.text);
}

static bool open_devices(struct building *b)
{
	for (size_t i = 0; i < b->graph->n_instances; i++)
		if (!open_device(b, &b->graph->instances[i]))
			return false;
	return true;
}

/* ---- filters ---- */

static struct chooser *open_chooser(struct building *b, struct instance *m, bool copies)
{
	const struct filter **some = calloc(m->n_edges + 1, sizeof(*some));
	struct filter_error error = { "no memory" };
	struct chooser *c = NULL;
	size_t n = 0;
	char name[64];

	for (size_t i = 0; some && i < m->n_edges; i++)
		if (m->edges[i]->copy == copies)
			some[n++] = m->filters[i];
	snprintf(name, sizeof(name), "%u.%zu.%d", b->graph->generation,
		 (size_t)(m - b->graph->instances), copies);
	if (some)
		c = chooser_open(name, some, n, CHOOSER_AUTO, &error);
	if (!c)
		graph_fail(b, m, "the filters behind it: %s", error.text);
	free(some);
	return c;
}

static bool parse_filters(struct building *b, struct instance *m)
{
	struct filter_error error;
	size_t n_copies = 0;

	for (size_t i = 0; i < m->n_edges; i++) {
		m->filters[i] = filter_parse(m->edges[i]->when, &b->names, &error);
		if (!m->filters[i])
			return graph_fail(b, m, "the edge to '%s': %s", m->edges[i]->to,
					  error.text);
		n_copies += m->edges[i]->copy;
	}
	if (n_copies > 64)
		return graph_fail(b, m, "more than 64 edges that copy");
	if (n_copies < m->n_edges && !(m->chooser = open_chooser(b, m, false)))
		return false;
	return !n_copies || (m->copy_chooser = open_chooser(b, m, true));
}

/* ---- modules ---- */

static struct module_derive *derives_of(struct building *b, const struct instance *m)
{
	struct module_derive *d = calloc(m->more->derives.n + 1, sizeof(*d));
	char *name;

	for (size_t i = 0; d && i < m->more->derives.n; i++) {
		const struct rplan_derive *row = &m->more->derives.at[i];

		if (asprintf(&name, "%s.%s", m->row->id, row->attribute) < 0) {
			free(d);
			return NULL;
		}
		d[i].attribute = row->attribute;
		d[i].values = row->values;
		tag_of(b->graph->names, name, &d[i].tag);
		free(name);
	}
	return d;
}

static struct module_edge *edges_of(const struct instance *m)
{
	struct module_edge *e = calloc(m->n_edges + 1, sizeof(*e));

	for (size_t i = 0; e && i < m->n_edges; i++)
		e[i] = (struct module_edge){ m->edges[i]->to, m->filters[i], m->edges[i]->copy };
	return e;
}

static bool open_module(struct building *b, struct instance *m)
{
	struct module_derive *derives = derives_of(b, m);
	struct module_edge *edges = edges_of(m);
	struct module_error error = { "no memory" };
	struct module_spec spec = {
		.id = m->row->id,
		.function = m->row->function,
		.class = m->ops->class,
		.role = role_of(b->graph, m),
		.config = &m->row->config,
		.derives = derives,
		.n_derives = m->more->derives.n,
		.edges = edges,
		.n_edges = m->n_edges,
		.affinity = m->more->affinity,
		.rewrites = m->more->rewrites,
		.cost_cycles = m->row->cost_cycles,
		.cost_cycles_per_byte = m->row->cost_cycles_per_byte,
		.copy = m->copy,
		.world = &b->request->world,
	};

	if (derives && edges)
		m->state = m->ops->open(&spec, &error);
	if (!m->state)
		graph_fail(b, m, "%s", error.text);
	free(derives);
	free(edges);
	return m->state;
}

bool instances_open(struct building *b)
{
	struct graph *g = b->graph;

	g->names = calloc(1, sizeof(*g->names));
	if (!g->names)
		return graph_fail(b, NULL, "no memory");
	g->names->devices = b->request->world.devices;
	b->names = (struct filter_names){ tag_of, value_of, device_of, g->names };
	if (!add_instances(b) || !add_tags(b) || !open_devices(b))
		return false;
	for (size_t i = 0; i < g->n_instances; i++)
		if (!parse_filters(b, &g->instances[i]) || !open_module(b, &g->instances[i]))
			return false;
	return true;
}

static void close_instance(struct instance *m)
{
	if (m->state)
		m->ops->close(m->state);
	chooser_close(m->chooser);
	chooser_close(m->copy_chooser);
	for (size_t i = 0; m->filters && i < m->n_edges; i++)
		filter_free(m->filters[i]);
	free(m->filters);
	free(m->edges);
}

void instances_close(struct graph *g)
{
	for (size_t i = 0; i < g->n_instances; i++)
		close_instance(&g->instances[i]);
	free(g->instances);
	for (size_t i = 0; g->names && i < PACKET_TAGS; i++)
		free(g->names->tags[i].name);
	free(g->names);
}
