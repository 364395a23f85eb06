#include <config.h>

#include "compiler/solve/mip.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/solve/cut.h"

struct making {
	struct arena *arena;
	const struct demand *demand;
	const struct net *net;
	struct lp *lp;
	size_t *queue;  /* per node: its q; SIZE_MAX: none */
	size_t *excess; /* per way: its e; SIZE_MAX: none */
	size_t *columns;
	double *factors;
	size_t n;
};

static bool may_queue(const struct net_node *n)
{
	return !n->root && n->ways.n;
}

const char *mip_queue_name(struct arena *a, const struct net *net, uint32_t node)
{
	const struct net_node *n = &net->nodes[node];
	const char *class = n->copy == ID_NONE ? "" : n->copy == ID_REST ? "rest" : net->ir->classes[n->copy].name;
	char *name = arena_printf(a, "q.%s%s%s", net->pipeline->modules[n->module].name, *class ? "@" : "", class);

	/* CPLEX LP reads a minus as one. */
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '~';
	return name;
}

/* ---- columns ---- */

static void add_columns(struct making *m)
{
	double most = m->demand->entitlement ? HUGE_VAL : 1;
	const bool *forced = net_forced(m->arena, m->net);

	for (size_t w = 0; w < m->net->n_ways; w++)
		lp_name_column(m->lp, lp_column(m->lp, 0, most), arena_printf(m->arena, "v%zu", w));
	for (size_t p = 0; m->demand->entitlement && p < m->net->n_paths; p++)
		lp_name_column(m->lp, lp_column(m->lp, 0, 1), arena_printf(m->arena, "d%zu", p));
	for (uint32_t i = 0; i < m->net->n_nodes; i++) {
		m->queue[i] = SIZE_MAX;
		if (!may_queue(&m->net->nodes[i]))
			continue;
		m->queue[i] = lp_column(m->lp, forced[i] ? 1 : 0, 1);
		lp_integer(m->lp, m->queue[i]);
		lp_name_column(m->lp, m->queue[i], mip_queue_name(m->arena, m->net, i));
	}
	for (size_t w = 0; w < m->net->n_ways; w++)
		if (m->queue[m->net->ways[w].node] != SIZE_MAX) {
			m->excess[w] = lp_column(m->lp, 0, HUGE_VAL);
			lp_name_column(m->lp, m->excess[w], arena_printf(m->arena, "e%zu", w));
		}
}

/* ---- rows ---- */

static void put(struct making *m, size_t column, double factor)
{
	m->columns[m->n] = column;
	m->factors[m->n++] = factor;
}

static void end_row(struct making *m, double lower, double upper)
{
	double most = 0;

	for (size_t i = 0; i < m->n; i++)
		most = fmax(most, fabs(m->factors[i]));
	for (size_t i = 0; i < m->n && most > 0; i++)
		m->factors[i] /= most;
	if (most > 0)
		lp_row(m->lp, m->columns, m->factors, m->n, lower / most, upper / most);
	m->n = 0;
}

static void put_form(struct making *m, struct form f, double times)
{
	for (size_t i = 0; i < f.n; i++)
		put(m, f.columns[i], times * rat_double(f.factors[i]));
}

/* The most that a multiplier can be. */
static double most_of(const struct making *m, size_t way)
{
	double cycles = rat_double(m->net->ways[way].cycles);
	double clock = rat_double(m->net->target->clock) * (double)m->net->target->n_cores;

	if (!m->demand->entitlement)
		return 1;
	return cycles > 0 ? clock / cycles : 1000;
}

static void tie(struct making *m, size_t a, size_t b, size_t queue, double most)
{
	put(m, a, 1);
	put(m, b, -1);
	put(m, queue, -most);
	end_row(m, -HUGE_VAL, 0);
}

static void add_order(struct making *m)
{
	for (size_t w = 0; w < m->net->n_ways; w++) {
		const struct net_way *way = &m->net->ways[w];
		size_t queue = m->queue[way->node];

		if (way->parent == ID_NONE)
			continue;
		if (!m->demand->entitlement) {
			put(m, w, 1);
			put(m, way->parent, -1);
			end_row(m, -HUGE_VAL, 0);
		} else if (queue != SIZE_MAX) {
			tie(m, w, way->parent, queue, most_of(m, w));
		}
		if (queue == SIZE_MAX)
			continue;
		tie(m, way->parent, w, queue, most_of(m, way->parent));
		/* e >= v - most (1 - q) */
		put(m, w, 1);
		put(m, m->excess[w], -1);
		put(m, queue, most_of(m, w));
		end_row(m, -HUGE_VAL, most_of(m, w));
	}
}

/* Ways into one queue are served alike, and so are the tasks that feed it. */
static void tie_pair(struct making *m, size_t a, size_t b, size_t queue)
{
	double most = fmax(most_of(m, a), most_of(m, b));

	if (a == b)
		return;
	for (int side = 0; side < 2; side++) {
		put(m, side ? b : a, 1);
		put(m, side ? a : b, -1);
		if (queue != SIZE_MAX)
			put(m, queue, most);
		end_row(m, -HUGE_VAL, queue == SIZE_MAX ? 0 : most);
	}
}

static void add_joins(struct making *m)
{
	for (uint32_t i = 0; i < m->net->n_nodes; i++) {
		const struct net_node *n = &m->net->nodes[i];

		for (size_t k = 1; k < n->ways.n; k++) {
			uint32_t a = n->ways.at[0], b = n->ways.at[k];

			tie_pair(m, a, b, m->queue[i]);
			if (!m->demand->entitlement && m->net->ways[a].parent != ID_NONE)
				tie_pair(m, m->net->ways[a].parent, m->net->ways[b].parent, m->queue[i]);
		}
	}
}

static void add_deliveries(struct making *m)
{
	for (size_t p = 0; m->demand->entitlement && p < m->net->n_paths; p++)
		for (size_t k = 0; k < m->net->paths[p].n; k++) {
			put(m, m->net->n_ways + p, 1);
			put(m, m->net->paths[p].ways[k], -1);
			end_row(m, -HUGE_VAL, 0);
		}
}

static void add_capacity(struct making *m)
{
	const struct net *net = m->net;

	for (size_t w = 0; w < net->n_ways; w++) {
		const struct net_node *node = &net->nodes[net->ways[w].node];
		double overhead = rat_double(net_overhead(net, node)) * rat_double(net->ways[w].packets);
		double cycles = rat_double(net->ways[w].cycles);

		put(m, w, node->root ? cycles + overhead : cycles);
		if (!node->root)
			put(m, m->excess[w], overhead);
	}
	end_row(m, -HUGE_VAL, rat_double(net->target->clock) * (double)net->target->n_cores);
}

static void add_statements(struct making *m)
{
	const struct demand *d = m->demand;
	double tolerance = rat_double(m->net->slo->tolerance);

	for (size_t i = 0; i < d->bounds.n; i++) {
		const struct demand_bound *b = &d->bounds.at[i];

		put_form(m, b->form, 1);
		end_row(m, b->at_least ? rat_double(b->bound) : -HUGE_VAL, b->at_least ? HUGE_VAL : rat_double(b->bound));
	}
	for (size_t i = 0; i < d->ratios.n; i++)
		for (int side = -1; side <= 1; side += 2) {
			const struct demand_ratio *r = &d->ratios.at[i];
			double limit = rat_double(r->share) * (1 + side * tolerance);
			size_t k = 0;

			put_form(m, r->whole, -side * limit);
			for (size_t c = 0; c < m->n && k < r->member.n; c++)
				if (m->columns[c] == r->member.columns[k])
					m->factors[c] += side * rat_double(r->member.factors[k++]);
			end_row(m, -HUGE_VAL, 0);
		}
}

/* n queues on the path: each drains its packets in the time that is left, if it is there. */
static void add_latency(struct making *m, const struct demand_latency *l)
{
	const struct net_path *path = &m->net->paths[l->path];
	double seconds = fmax(rat_double(l->seconds), 0), depth = (double)m->net->target->queue;

	for (size_t k = 1; k < path->n; k++) {
		const struct net_node *node = &m->net->nodes[m->net->ways[path->ways[k]].node];
		size_t own = m->queue[node - m->net->nodes];
		double early = 0, most = (double)path->n;

		if (own == SIZE_MAX && !node->queue)
			continue;
		put(m, path->ways[k], seconds * rat_double(node->packets) / depth);
		for (size_t i = 1; i < path->n; i++) {
			uint32_t at = m->net->ways[path->ways[i]].node;

			if (m->queue[at] != SIZE_MAX)
				put(m, m->queue[at], at == (uint32_t)(node - m->net->nodes) ? -1 - most : -1);
			early += m->net->nodes[at].queue;
		}
		end_row(m, own == SIZE_MAX ? early : early - most, HUGE_VAL);
	}
}

static void set_objective(struct making *m)
{
	m->n = 0;
	if (m->net->slo->tasks_first) {
		for (uint32_t i = 0; i < m->net->n_nodes; i++)
			if (m->queue[i] != SIZE_MAX)
				put(m, m->queue[i], 1);
		lp_minimise(m->lp);
	} else {
		put_form(m, m->demand->stage[0], 1);
	}
	lp_objective(m->lp, m->columns, m->factors, m->n);
	m->n = 0;
}

struct lp *mip_make(struct arena *a, const struct demand *d)
{
	struct making m = { .arena = a, .demand = d, .net = d->net, .lp = lp_new() };
	size_t most = d->n_columns + 2 * d->net->n_ways + d->net->n_nodes + 2;

	m.queue = arena_many(a, size_t, d->net->n_nodes);
	m.excess = arena_many(a, size_t, d->net->n_ways);
	m.columns = arena_many(a, size_t, most);
	m.factors = arena_many(a, double, most);
	add_columns(&m);
	add_order(&m);
	add_joins(&m);
	add_deliveries(&m);
	add_capacity(&m);
	add_statements(&m);
	for (size_t i = 0; i < d->latencies.n; i++)
		add_latency(&m, &d->latencies.at[i]);
	set_objective(&m);
	return m.lp;
}

/* ---- solutions ---- */

/* The next word of a text; LENGTH 0 at its end. */
static const char *next_word(const char *text, size_t *length)
{
	while (*text && isspace((unsigned char)*text))
		text++;
	for (*length = 0; text[*length] && !isspace((unsigned char)text[*length]);)
		++*length;
	return text;
}

static bool value_behind(const char *text, double *value)
{
	enum { MOST_WORDS = 2 }; /* glpsol puts an asterisk in between */
	size_t length;

	for (int i = 0; i < MOST_WORDS; i++) {
		char *end;

		text = next_word(text, &length);
		*value = strtod(text, &end);
		if (length && end == text + length)
			return true;
		text += length;
	}
	return false;
}

bool mip_read(struct arena *a, const struct net *net, const char *text, bool *root)
{
	const char **names = arena_many(a, const char *, net->n_nodes);
	size_t length, n_found = 0;

	for (uint32_t i = 0; i < net->n_nodes; i++) {
		root[i] = net->nodes[i].root;
		names[i] = may_queue(&net->nodes[i]) ? mip_queue_name(a, net, i) : NULL;
	}
	for (text = next_word(text, &length); length; text = next_word(text + length, &length))
		for (uint32_t i = 0; i < net->n_nodes; i++) {
			double value;

			if (!names[i] || strlen(names[i]) != length || memcmp(names[i], text, length))
				continue;
			if (!value_behind(text + length, &value))
				continue;
			root[i] = value > 0.5;
			n_found++;
		}
	return n_found > 0;
}
