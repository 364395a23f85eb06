/* Alpine's program, term by term, with its products made linear.
 *
 * The nodes of the net are the paper's modules, its classes (each of one path) the
 * paper's classes; I_kj is 1 where class j's path passes node k.  Constants are scaled:
 * work is a fraction of all offered work, so l_kj = r_j c_kj / sum r c.
 *
 *   Q_i   binary; 1 where the net has a root anyhow.  sum Q_i <= M, minimised
 *   w_i   0..1; sum Q_i w_i = 1
 *   S_ik  i dominates k.  The paper writes Q_i (1-Q_k) (1 - prod_m (1 - D_mk S_im)) and
 *         lets D_kk be 1, but also wants sum_m D_mk <= 1: D can only mean the one module
 *         right upstream of k, and the last factor is S_im for that m.  An and-row:
 *         S <= Q_i, S <= 1-Q_k, S <= S_im, S >= Q_i + (1-Q_k) + S_im - 2.  S_ii is Q_i
 *   q_ij  the part of task i's cycles spent on class j, a ratio of sums of S
 *
 * Q_i w_i: with w_i <= Q_i, which costs nothing, it is w_i.
 * CPU time: T_j = sum_i z_ij with z_ij for Q_i w_i q_ij.  Its definition, multiplied by
 *         q's denominator, is
 *             sum_k l_k (z_ij S_ik) = sum_k l_kj (w_i S_ik),    l_k = sum_j l_kj,
 *         whose products of a binary and a number within 0..1 are exact by McCormick's
 *         rows: p <= x, p <= S, p >= x + S - 1.  Further sum_j z_ij = w_i.  Both sides are
 *         0 for a task without any work, whose q is 0/0: such a task gets no weight,
 *         w_i <= sum_{k: l_k > 0} S_ik.
 * Throughput: w_i = sum_j K R_j sum_k S_ik I_kj c_kj, with h_j = K R_j sum_k c_kj (the
 *         class's part of all time, 0..1) as unknowns in place of the inverse matrix;
 *         the products h_j S_ik as above.  For a node that is no task both sides are 0,
 *         so no big constant is needed.  As in the paper there are then exactly M tasks.
 * Priority: Algorithm 1 as its text means it, since the printed one cannot hold unless all
 *         modules of the upper class are task nodes.  A module of the lower class outside
 *         the upper is not dominated by one of the upper, and where i is on the upper
 *         class and k is on the lower, but on none that comes as early as the upper,
 *         Q_i p_i - Q_k p_k >= 1 if Q_i.  p is 1..M; Q_i p_i by McCormick's rows.
 *
 * Three things are not in the paper.  A tolerance makes a band of each ratio
 * (doc/language.md 5.5); with 0 it is the paper's equality.  A task of a named class gets
 * at least the weight that its floor needs if all cycles are worked.  A class that shall get
 * a smaller part of its packets through than another ends in a task that does not serve
 * the other: the paper's matrix may be regular all the same, but no scheduler can do it.
 * Overheads are left out, as in the paper: the weights are found again for the cut.  With
 * throughput ratios beside ratios of CPU time the cut may still fail then, for the paper
 * counts the one by what is delivered and the other by what is offered. */
#include <config.h>

#include "compiler/solve/paper.h"

#include <stdint.h>
#include <time.h>

#include "compiler/base/vec.h"

enum {
	MAX_PRODUCTS = 10000, /* beyond it the relaxed program alone takes minutes */
	LEAST_TASKS = 1,      /* a bound before the library has one */
};

struct model {
	struct arena *arena;
	const struct net *net;
	struct lp *lp;
	VEC(size_t) columns; /* of the row in the making */
	VEC(double) factors;
	/* the tree, per node */
	uint32_t *parent; /* ID_NONE at a source */
	size_t *depth;
	uint32_t *order;   /* parents first */
	struct ids *below; /* the node and all behind it */
	/* offered work as a part of all */
	double *load;    /* per node: l_k */
	double *subtree; /* per node: sum of l_k behind it and at it */
	double work;     /* all offered work, cycles/s */
	/* columns */
	size_t *q, *w;
	size_t *y;   /* Q_i p_i */
	size_t **s;  /* [k][depth of i], i from the source to k itself */
	size_t **ws; /* the same for w_i S_ik */
	size_t **z;  /* [class][position on its path] */
	size_t *h;   /* per class */
	struct paths_of *at;
};

/* Which classes pass a node, and at which place of their paths. */
struct passing {
	uint32_t class;
	size_t place;
};

struct paths_of {
	struct passing *at;
	size_t n, cap;
};

/* ---- rows ---- */

static void term(struct model *m, size_t column, double factor)
{
	vec_push(m->arena, &m->columns, column);
	vec_push(m->arena, &m->factors, factor);
}

static void row(struct model *m, double lower, double upper)
{
	lp_row(m->lp, m->columns.at, m->factors.at, m->columns.n, lower, upper);
	m->columns.n = m->factors.n = 0;
}

/* x >= y */
static void at_least(struct model *m, size_t x, size_t y)
{
	term(m, x, 1);
	term(m, y, -1);
	row(m, 0, HUGE_VAL);
}

/* A new column for BINARY times X, where X is within 0..1. */
static size_t product(struct model *m, size_t x, size_t binary)
{
	size_t p = lp_column(m->lp, 0, 1);

	at_least(m, x, p);
	at_least(m, binary, p);
	term(m, p, 1);
	term(m, x, -1);
	term(m, binary, -1);
	row(m, -1, HUGE_VAL);
	return p;
}

/* ---- the tree ---- */

static const struct net_path *path_of(const struct net *n, uint32_t class)
{
	return &n->paths[n->classes[class].first_path];
}

static uint32_t node_on(const struct net *n, const struct net_path *p, size_t place)
{
	return n->ways[p->ways[place]].node;
}

/* False: a node follows on two. */
static bool find_parents(const struct net *n, uint32_t *parent)
{
	for (size_t i = 0; i < n->n_nodes; i++)
		parent[i] = ID_NONE;
	for (uint32_t i = 0; i < n->n_nodes; i++)
		for (size_t k = 0; k < n->nodes[i].next.n; k++) {
			if (parent[n->nodes[i].next.at[k]] != ID_NONE)
				return false;
			parent[n->nodes[i].next.at[k]] = i;
		}
	return true;
}

static void find_order(struct model *m)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->net->n_nodes; i++)
		if (m->parent[i] == ID_NONE)
			m->order[n++] = i;
	for (size_t at = 0; at < n; at++) {
		struct ids next = m->net->nodes[m->order[at]].next;

		for (size_t k = 0; k < next.n; k++) {
			m->depth[next.at[k]] = m->depth[m->order[at]] + 1;
			m->order[n++] = next.at[k];
		}
	}
}

static void find_below(struct model *m)
{
	struct below {
		uint32_t *at;
		size_t n, cap;
	} *below = arena_many(m->arena, struct below, m->net->n_nodes);

	for (uint32_t k = 0; k < m->net->n_nodes; k++)
		for (uint32_t i = k; i != ID_NONE; i = m->parent[i])
			vec_push(m->arena, &below[i], k);
	for (size_t i = 0; i < m->net->n_nodes; i++)
		m->below[i] = ids_from(m->arena, below[i].at, below[i].n);
}

static double cycles_at(const struct net_path *p, size_t place)
{
	return rat_double(rat_mul(p->rate, p->cost[place]));
}

static void find_loads(struct model *m)
{
	const struct net *n = m->net;

	for (uint32_t c = 0; c < n->n_classes; c++)
		for (size_t k = 0; k < path_of(n, c)->n; k++)
			m->work += cycles_at(path_of(n, c), k);
	for (uint32_t c = 0; c < n->n_classes; c++) {
		const struct net_path *p = path_of(n, c);

		for (size_t k = 0; k < p->n; k++) {
			uint32_t node = node_on(n, p, k);

			m->load[node] += cycles_at(p, k) / (m->work > 0 ? m->work : 1);
			vec_push(m->arena, &m->at[node], (struct passing){ c, k });
		}
	}
	for (size_t i = n->n_nodes; i-- > 0;) {
		uint32_t node = m->order[i];

		m->subtree[node] += m->load[node];
		if (m->parent[node] != ID_NONE)
			m->subtree[m->parent[node]] += m->subtree[node];
	}
}

static void read_net(struct model *m)
{
	size_t n = m->net->n_nodes;

	m->parent = arena_many(m->arena, uint32_t, n);
	m->depth = arena_many(m->arena, size_t, n);
	m->order = arena_many(m->arena, uint32_t, n);
	m->below = arena_many(m->arena, struct ids, n);
	m->load = arena_many(m->arena, double, n);
	m->subtree = arena_many(m->arena, double, n);
	m->at = arena_many(m->arena, struct paths_of, n);
	find_parents(m->net, m->parent);
	find_order(m);
	find_below(m);
	find_loads(m);
}

/* ---- what it says ---- */

static const struct ir_level *level_of(const struct net *n)
{
	return &n->slo->levels[0];
}

static bool states(const struct net *n, enum ir_statement_kind kind)
{
	for (size_t i = 0; i < level_of(n)->n_statements; i++)
		if (level_of(n)->statements[i].kind == kind)
			return true;
	return false;
}

static uint32_t class_of(const struct net *n, uint32_t member)
{
	return net_find_class(n, level_of(n)->members[member].classes.at[0]);
}

static double cost_on(const struct net_path *p)
{
	double sum = 0;

	for (size_t k = 0; k < p->n; k++)
		sum += rat_double(p->cost[k]);
	return sum;
}

static const char *member_refusal(const struct net *n)
{
	for (uint32_t i = 0; i < level_of(n)->n_members; i++)
		if (class_of(n, i) == ID_NONE)
			return "the published formulation needs the rate of each class, and a "
			       "class "
			       "of the slo has none";
	return NULL;
}

static const char *statement_refusal(const struct net *n, const struct ir_statement *st)
{
	if (st->kind != IR_CPU_RATIO && st->kind != IR_THROUGHPUT_RATIO)
		return "the published formulation knows priorities and ratios of CPU time and "
		       "throughput, no bounds";
	for (size_t i = 0; st->kind == IR_THROUGHPUT_RATIO && i < st->n_members; i++)
		if (!(cost_on(path_of(n, class_of(n, st->members[i]))) > 0))
			return "the published formulation can tell throughput only of classes "
			       "that take time";
	return NULL;
}

static const char *class_refusal(const struct net *n)
{
	for (size_t i = 0; i < n->n_classes; i++) {
		if (n->classes[i].n_paths != 1)
			return "in the published formulation a class is one path, and a class "
			       "here has several";
		if (n->paths[n->classes[i].first_path].copy)
			return "the published formulation knows no copies";
	}
	return NULL;
}

static size_t n_fixed(const struct net *n)
{
	size_t fixed = 0;

	for (size_t i = 0; i < n->n_nodes; i++)
		fixed += n->nodes[i].root;
	return fixed;
}

/* The factors z_ij S_ik are the most; the others are fewer than as many again. */
static bool is_too_large(const struct net *n)
{
	struct arena *scratch = arena_new();
	struct model m = { .arena = scratch, .net = n };
	size_t products = 0;

	read_net(&m);
	for (size_t i = 0; i < n->n_nodes; i++)
		products += (m.at[i].n + 1) * m.below[i].n;
	arena_free(scratch);
	return products > MAX_PRODUCTS;
}

static const char *net_refusal(const struct net *n)
{
	struct arena *scratch = arena_new();
	bool tree = find_parents(n, arena_many(scratch, uint32_t, n->n_nodes));

	arena_free(scratch);
	if (n->parted)
		return "the published formulation knows no early classification";
	if (n->target->n_cores != 1)
		return "the published formulation is here for one worker only";
	if (!tree)
		return "the published formulation is for trees, and a module here has several "
		       "upstream";
	if (n_fixed(n) > n->n_classes)
		return "the published formulation allows as many tasks as classes, and more "
		       "modules than that are schedulable";
	return NULL;
}

const char *paper_refusal(const struct net *n)
{
	const char *why;

	if (!n->slo->entitlement)
		return "the published formulation counts entitlement, not useful work";
	if (!n->slo->tasks_first)
		return "the published formulation minimises tasks, not throughput";
	if (n->slo->n_levels != 1)
		return "the published formulation knows no groups";
	if ((why = net_refusal(n)) || (why = class_refusal(n)) || (why = member_refusal(n)))
		return why;
	for (size_t i = 0; i < level_of(n)->n_statements; i++)
		if ((why = statement_refusal(n, &level_of(n)->statements[i])))
			return why;
	return is_too_large(n) ? "the published formulation has too many products for a pipeline "
				 "of this size"
			       : NULL;
}

/* ---- tasks and domination ---- */

static void add_tasks(struct model *m)
{
	const struct net *n = m->net;
	double *ones = arena_many(m->arena, double, n->n_nodes);
	double most = (double)n->n_classes;

	m->q = arena_many(m->arena, size_t, n->n_nodes);
	for (size_t i = 0; i < n->n_nodes; i++) {
		m->q[i] = lp_column(m->lp, n->nodes[i].root ? 1 : 0, 1);
		lp_integer(m->lp, m->q[i]);
		ones[i] = 1;
		term(m, m->q[i], 1);
	}
	row(m, states(n, IR_THROUGHPUT_RATIO) ? most : -HUGE_VAL, most);
	lp_objective(m->lp, m->q, ones, n->n_nodes);
	lp_minimise(m->lp);
}

static size_t dominates(const struct model *m, uint32_t i, uint32_t k)
{
	return m->s[k][m->depth[i]];
}

static size_t add_domination(struct model *m, uint32_t i, uint32_t k)
{
	size_t s = lp_column(m->lp, 0, 1), up = dominates(m, i, m->parent[k]);
	bool direct = up == m->q[i]; /* S_ii is Q_i: one factor less */

	at_least(m, m->q[i], s);
	term(m, s, 1);
	term(m, m->q[k], 1);
	row(m, -HUGE_VAL, 1);
	term(m, s, 1);
	term(m, m->q[k], 1);
	term(m, up, -1);
	if (direct) {
		row(m, 0, HUGE_VAL);
		return s;
	}
	term(m, m->q[i], -1);
	row(m, -1, HUGE_VAL);
	at_least(m, up, s);
	return s;
}

/* [k][depth of i], i from the source to k. */
static size_t **by_node_and_depth(const struct model *m)
{
	size_t **at = arena_many(m->arena, size_t *, m->net->n_nodes);

	for (size_t k = 0; k < m->net->n_nodes; k++)
		at[k] = arena_many(m->arena, size_t, m->depth[k] + 1);
	return at;
}

static void add_dominations(struct model *m)
{
	m->s = by_node_and_depth(m);
	for (size_t at = 0; at < m->net->n_nodes; at++) {
		uint32_t k = m->order[at];

		m->s[k][m->depth[k]] = m->q[k];
		for (uint32_t i = m->parent[k]; i != ID_NONE; i = m->parent[i])
			m->s[k][m->depth[i]] = add_domination(m, i, k);
	}
}

/* ---- weights ---- */

/* w_i <= sum of S_ik over the modules that take time */
static void bind_to_work(struct model *m, uint32_t i)
{
	term(m, m->w[i], -1);
	for (size_t k = 0; k < m->below[i].n; k++)
		if (m->load[m->below[i].at[k]] > 0)
			term(m, dominates(m, i, m->below[i].at[k]), 1);
	row(m, 0, HUGE_VAL);
}

static bool serves_named(const struct model *m, uint32_t i)
{
	for (size_t c = 0; c < m->at[i].n; c++)
		if (m->net->classes[m->at[i].at[c].class].named)
			return true;
	return false;
}

/* w_i >= floor / clock * offered work of the task */
static void keep_floor(struct model *m, uint32_t i)
{
	double part = rat_double(m->net->slo->floor) * m->work / rat_double(m->net->target->clock);

	if (!(part > 0) || !serves_named(m, i))
		return;
	term(m, m->w[i], 1);
	for (size_t k = 0; k < m->below[i].n; k++)
		if (m->load[m->below[i].at[k]] > 0)
			term(m, dominates(m, i, m->below[i].at[k]),
			     -part * m->load[m->below[i].at[k]]);
	row(m, 0, HUGE_VAL);
}

static void add_weights(struct model *m)
{
	m->w = arena_many(m->arena, size_t, m->net->n_nodes);
	for (size_t i = 0; i < m->net->n_nodes; i++)
		m->w[i] = lp_column(m->lp, 0, 1);
	for (uint32_t i = 0; i < m->net->n_nodes; i++) {
		at_least(m, m->q[i], m->w[i]);
		bind_to_work(m, i);
		keep_floor(m, i);
	}
	for (size_t i = 0; i < m->net->n_nodes; i++)
		term(m, m->w[i], 1);
	row(m, 1, 1);
}

/* ---- ratios ---- */

/* FACTORS times the columns of a member are its time or rate; see add_ratio. */
struct members {
	size_t **columns;
	double *factors;
	size_t *n;
};

/* Each member's part of the sum within the band about its stated part. */
static void add_band(struct model *m, const struct members *of, const struct ir_statement *st,
		     size_t member, double share)
{
	for (size_t x = 0; x < st->n_members; x++) {
		uint32_t class = class_of(m->net, st->members[x]);
		double factor = ((x == member) - share) * of->factors[class];

		for (size_t i = 0; i < of->n[class]; i++)
			term(m, of->columns[class][i], factor);
	}
}

static void add_ratio(struct model *m, const struct members *of, const struct ir_statement *st)
{
	double parts = 0, tolerance = rat_double(m->net->slo->tolerance);

	for (size_t x = 0; x < st->n_members; x++)
		parts += rat_double(st->parts[x]);
	for (size_t x = 0; x < st->n_members; x++) {
		double share = rat_double(st->parts[x]) / parts;

		if (tolerance > 0) {
			add_band(m, of, st, x, share * (1 + tolerance));
			row(m, -HUGE_VAL, 0);
			add_band(m, of, st, x, share * (1 - tolerance));
			row(m, 0, HUGE_VAL);
		} else {
			add_band(m, of, st, x, share);
			row(m, 0, 0);
		}
	}
}

static void add_ratios(struct model *m, const struct members *of, enum ir_statement_kind kind)
{
	const struct ir_level *level = level_of(m->net);

	for (size_t i = 0; i < level->n_statements; i++)
		if (level->statements[i].kind == kind)
			add_ratio(m, of, &level->statements[i]);
}

/* ---- CPU time ---- */

static void add_weight_products(struct model *m)
{
	m->ws = by_node_and_depth(m);
	for (uint32_t k = 0; k < m->net->n_nodes; k++) {
		m->ws[k][m->depth[k]] = m->w[k];
		for (uint32_t i = m->parent[k]; m->load[k] > 0 && i != ID_NONE; i = m->parent[i])
			m->ws[k][m->depth[i]] = product(m, m->w[i], dominates(m, i, k));
	}
}

/* sum_k l_k (z_ij S_ik) = sum_k l_kj (w_i S_ik), in parts of all work behind i */
static void define_time(struct model *m, uint32_t i, struct passing by)
{
	const struct net_path *p = path_of(m->net, by.class);
	size_t z = m->z[by.class][by.place];
	VEC(size_t) products = { 0 };

	for (size_t k = 0; k < m->below[i].n; k++) {
		uint32_t node = m->below[i].at[k];
		size_t column = z;

		if (node != i && m->load[node] > 0)
			column = product(m, z, dominates(m, i, node));
		vec_push(m->arena, &products, column);
	}
	for (size_t k = 0; k < products.n; k++)
		if (m->load[m->below[i].at[k]] > 0)
			term(m, products.at[k], m->load[m->below[i].at[k]] / m->subtree[i]);
	for (size_t k = by.place; k < p->n; k++)
		if (cycles_at(p, k) > 0)
			term(m, m->ws[node_on(m->net, p, k)][m->depth[i]],
			     -cycles_at(p, k) / m->work / m->subtree[i]);
	row(m, 0, 0);
}

static void define_times(struct model *m, uint32_t i)
{
	for (size_t c = 0; c < m->at[i].n; c++) {
		struct passing by = m->at[i].at[c];

		m->z[by.class][by.place] = lp_column(m->lp, 0, 1);
		at_least(m, m->w[i], m->z[by.class][by.place]);
		if (m->subtree[i] > 0)
			define_time(m, i, by);
	}
	for (size_t c = 0; c < m->at[i].n; c++)
		term(m, m->z[m->at[i].at[c].class][m->at[i].at[c].place], 1);
	term(m, m->w[i], -1);
	row(m, 0, 0);
}

static struct members times(struct model *m)
{
	size_t n = m->net->n_classes;
	struct members of = { m->z, arena_many(m->arena, double, n),
			      arena_many(m->arena, size_t, n) };

	for (uint32_t c = 0; c < n; c++) {
		of.factors[c] = 1;
		of.n[c] = path_of(m->net, c)->n;
	}
	return of;
}

static void add_times(struct model *m)
{
	struct members of;

	m->z = arena_many(m->arena, size_t *, m->net->n_classes);
	for (uint32_t c = 0; c < m->net->n_classes; c++)
		m->z[c] = arena_many(m->arena, size_t, path_of(m->net, c)->n);
	add_weight_products(m);
	for (uint32_t i = 0; i < m->net->n_nodes; i++)
		define_times(m, i);
	of = times(m);
	add_ratios(m, &of, IR_CPU_RATIO);
}

/* ---- throughput ---- */

/* w_i = sum_j h_j sum_k S_ik I_kj c_kj / sum_k c_kj */
static void define_weight(struct model *m, uint32_t i)
{
	VEC(size_t) products = { 0 };
	VEC(double) costs = { 0 };

	for (size_t c = 0; c < m->at[i].n; c++) {
		const struct net_path *p = path_of(m->net, m->at[i].at[c].class);

		for (size_t k = m->at[i].at[c].place; k < p->n; k++) {
			size_t s = dominates(m, i, node_on(m->net, p, k));

			if (!rat_sign(p->cost[k]))
				continue;
			vec_push(m->arena, &products, product(m, m->h[m->at[i].at[c].class], s));
			vec_push(m->arena, &costs, rat_double(p->cost[k]) / cost_on(p));
		}
	}
	for (size_t k = 0; k < products.n; k++)
		term(m, products.at[k], costs.at[k]);
	term(m, m->w[i], -1);
	row(m, 0, 0);
}

/* Whether X gets a smaller part of its packets through than Y, wherever in the band. */
static bool is_held_down(const struct net *n, const struct ir_statement *st, size_t x, size_t y)
{
	struct rat tolerance = n->slo->tolerance;
	struct rat a = rat_mul(st->parts[x], rat_add(RAT_ONE, tolerance));
	struct rat b = rat_mul(st->parts[y], rat_sub(RAT_ONE, tolerance));

	return rat_cmp(rat_mul(a, path_of(n, class_of(n, st->members[y]))->rate),
		       rat_mul(b, path_of(n, class_of(n, st->members[x]))->rate)) < 0;
}

/* X ends in a task that does not serve Y. */
static void keep_out(struct model *m, uint32_t x, uint32_t y)
{
	const struct net_path *x_path = path_of(m->net, x), *y_path = path_of(m->net, y);
	uint32_t exit = node_on(m->net, x_path, x_path->n - 1);

	for (size_t k = 0; k < y_path->n; k++) {
		uint32_t i = node_on(m->net, y_path, k);

		if (!ids_has(m->below[i], exit))
			continue;
		term(m, dominates(m, i, exit), 1);
		row(m, 0, 0);
	}
}

static void keep_members_out(struct model *m, const struct ir_statement *st)
{
	for (size_t x = 0; x < st->n_members; x++)
		for (size_t y = 0; y < st->n_members; y++)
			if (x != y && is_held_down(m->net, st, x, y))
				keep_out(m, class_of(m->net, st->members[x]),
					 class_of(m->net, st->members[y]));
}

static struct members rates(struct model *m)
{
	size_t n = m->net->n_classes;
	struct members of = { arena_many(m->arena, size_t *, n), arena_many(m->arena, double, n),
			      arena_many(m->arena, size_t, n) };
	double least = HUGE_VAL;

	for (uint32_t c = 0; c < n; c++)
		if (cost_on(path_of(m->net, c)) > 0)
			least = fmin(least, cost_on(path_of(m->net, c)));
	for (uint32_t c = 0; c < n; c++) {
		of.columns[c] = &m->h[c];
		of.factors[c] = least / cost_on(path_of(m->net, c));
		of.n[c] = 1;
	}
	return of;
}

static void add_rates(struct model *m)
{
	const struct ir_level *level = level_of(m->net);
	struct members of;

	m->h = arena_many(m->arena, size_t, m->net->n_classes);
	for (size_t c = 0; c < m->net->n_classes; c++)
		m->h[c] = lp_column(m->lp, 0, 1);
	for (uint32_t i = 0; i < m->net->n_nodes; i++)
		define_weight(m, i);
	of = rates(m);
	add_ratios(m, &of, IR_THROUGHPUT_RATIO);
	for (size_t i = 0; i < level->n_statements; i++)
		if (level->statements[i].kind == IR_THROUGHPUT_RATIO)
			keep_members_out(m, &level->statements[i]);
}

/* ---- priorities ---- */

/* Q_i p_i for p within 1..M */
static void add_priorities(struct model *m)
{
	double most = (double)m->net->n_classes;

	m->y = arena_many(m->arena, size_t, m->net->n_nodes);
	for (size_t i = 0; i < m->net->n_nodes; i++) {
		size_t p = lp_column(m->lp, 1, most), y = lp_column(m->lp, 0, most);

		lp_integer(m->lp, p);
		at_least(m, p, y);
		term(m, y, 1);
		term(m, m->q[i], -most);
		row(m, -HUGE_VAL, 0);
		at_least(m, y, m->q[i]);
		term(m, y, 1);
		term(m, p, -1);
		term(m, m->q[i], -most);
		row(m, -most, HUGE_VAL);
		m->y[i] = y;
	}
}

static bool passes(const struct model *m, uint32_t class, uint32_t node)
{
	for (size_t c = 0; c < m->at[node].n; c++)
		if (m->at[node].at[c].class == class)
			return true;
	return false;
}

/* The best rank of what passes a node. */
static uint32_t rank_at(const struct model *m, uint32_t node)
{
	const struct ir_level *level = level_of(m->net);
	uint32_t best = level->n_ranks;

	for (uint32_t i = 0; i < level->n_members; i++)
		if (level->members[i].rank < best && passes(m, class_of(m->net, i), node))
			best = level->members[i].rank;
	return best;
}

static void rank_pair(struct model *m, uint32_t i, uint32_t k)
{
	double most = (double)m->net->n_classes;

	term(m, m->y[i], 1);
	term(m, m->y[k], -1);
	term(m, m->q[i], -(most + 1));
	row(m, -most, HUGE_VAL);
}

static void rank_classes(struct model *m, const struct ir_priority *p)
{
	uint32_t above = class_of(m->net, p->above), below = class_of(m->net, p->below);
	const struct net_path *a = path_of(m->net, above), *b = path_of(m->net, below);

	for (size_t x = 0; x < a->n; x++)
		for (size_t y = 0; y < b->n; y++) {
			uint32_t i = node_on(m->net, a, x), k = node_on(m->net, b, y);

			if (passes(m, above, k))
				continue;
			if (rank_at(m, k) > level_of(m->net)->members[p->above].rank)
				rank_pair(m, i, k);
			if (ids_has(m->below[i], k))
				lp_bound_column(m->lp, dominates(m, i, k), 0, 0);
		}
}

static void add_ranks(struct model *m)
{
	const struct ir_level *level = level_of(m->net);

	if (!level->n_priorities)
		return;
	add_priorities(m);
	for (size_t i = 0; i < level->n_priorities; i++)
		rank_classes(m, &level->priorities[i]);
}

/* ---- solving ---- */

struct watch {
	const struct sched_options *options;
	struct timespec started;
};

static double seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) + (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

static bool go_on(void *data, bool found, double value, double bound)
{
	const struct watch *w = data;
	const struct sched_options *o = w->options;

	bound = fmax(bound, LEAST_TASKS);
	if (found && o->gap > 0 && value - bound <= o->gap * value)
		return false;
	return !o->progress ||
	       o->progress(o->data, seconds_since(&w->started), found, value, bound);
}

static void write_program(struct model *m)
{
	read_net(m);
	add_tasks(m);
	add_dominations(m);
	add_weights(m);
	if (states(m->net, IR_CPU_RATIO))
		add_times(m);
	if (states(m->net, IR_THROUGHPUT_RATIO))
		add_rates(m);
	add_ranks(m);
}

static void read_answer(const struct model *m, struct arena *a, struct paper_answer *answer)
{
	size_t n = m->net->n_nodes;

	answer->root = arena_many(a, bool, n);
	answer->weight = arena_many(a, double, n);
	for (size_t i = 0; i < n; i++) {
		answer->root[i] = lp_integer_value(m->lp, m->q[i]) > 0.5;
		answer->weight[i] = answer->root[i] ? lp_integer_value(m->lp, m->w[i]) : 0;
	}
}

enum lp_status paper_solve(struct arena *a, const struct net *n,
			   const struct sched_options *options, struct paper_answer *answer)
{
	struct watch watch = { .options = options };
	struct lp_limits limits = { options->time_limit, go_on, &watch };
	struct model m = { .arena = arena_new(), .net = n, .lp = lp_new() };
	enum lp_status status;

	clock_gettime(CLOCK_MONOTONIC, &watch.started);
	write_program(&m);
	status = lp_solve_integer(m.lp, &limits);
	*answer = (struct paper_answer){ .found = lp_has_answer(m.lp) };
	if (answer->found)
		read_answer(&m, a, answer);
	answer->bound =
	    status == LP_FAILED ? LEAST_TASKS : fmax(lp_integer_bound(m.lp), LEAST_TASKS);
	answer->n_nodes = lp_n_nodes(m.lp);
	lp_free(m.lp);
	arena_free(m.arena);
	return status;
}
