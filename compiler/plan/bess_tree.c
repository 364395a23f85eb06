/* Workers, scheduler trees, tasks. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "compiler/base/text.h"
#include "compiler/plan/bess_private.h"

/* Parts of 10^9, as the plan's numbers. */
enum { MOST_SHARE = 1024, WHOLE = 1000000000, ROUNDING = 1000000, MOST_SLACK = 20000000 };

/* ---- shares ---- */

/* How far the worst of the shares is off, in parts of 10^9, if the largest weight gets M. */
static __int128 deviation(const __int128 *weights, size_t n, __int128 largest, int64_t m,
			  int64_t *shares)
{
	__int128 worst = 0;

	for (size_t i = 0; i < n; i++) {
		__int128 exact = weights[i] * m, off;

		shares[i] = (int64_t)((exact + largest / 2) / largest);
		if (shares[i] < 1)
			shares[i] = 1;
		off = (__int128)shares[i] * largest - exact;
		if (off < 0)
			off = -off;
		if (weights[i] > 0 && off * WHOLE / exact > worst)
			worst = off * WHOLE / exact;
	}
	return worst;
}

/* A child of no weight gets the least share there is: 1 beside as much as may be. */
static int64_t least_scale(const __int128 *weights, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!weights[i])
			return MOST_SHARE / 2;
	return 1;
}

void bess_shares(const __int128 *weights, size_t n, int64_t *shares)
{
	__int128 largest = 0, least = -1;
	int64_t best = 1;

	for (size_t i = 0; i < n; i++)
		if (weights[i] > largest)
			largest = weights[i];
	if (!largest) {
		for (size_t i = 0; i < n; i++)
			shares[i] = 1;
		return;
	}
	/* The plan's weights have nine decimals: what is nearer than that is exact. */
	for (int64_t m = least_scale(weights, n); m <= MOST_SHARE; m++) {
		__int128 off = deviation(weights, n, largest, m, shares);

		if (off <= 100)
			off = 0;
		if (least < 0 || off < least) {
			least = off;
			best = m;
		}
	}
	deviation(weights, n, largest, best, shares);
}

/* ---- workers ---- */

static int64_t stride(const struct laying *k)
{
	const struct plan_ints *c = &k->config->cores;

	return c->at[c->n - 1] - c->at[0] + 1;
}

static int64_t wid_of(const struct laying *k, int64_t worker)
{
	return k->replica * (int64_t)k->config->cores.n + worker;
}

static void add_worker(struct laying *k, int64_t worker, bool blocks_idle)
{
	for (size_t i = 0; i < k->made->workers.n; i++)
		if (k->made->workers.at[i].wid == wid_of(k, worker))
			return;
	vec_push(LAY_ARENA(k), &k->made->workers,
		 (struct bess_worker){ wid_of(k, worker),
				       k->config->cores.at[worker] + k->replica * stride(k),
				       blocks_idle });
}

/* ---- the tree of one worker ---- */

struct treeing {
	struct laying *k;
	int64_t worker;
	bool slack; /* some task of the worker cannot serve all that it is fed */
};

static const struct plan_task *task_named(const struct laying *k, const char *id)
{
	for (size_t i = 0; i < k->schedule->tasks.n; i++)
		if (!strcmp(k->schedule->tasks.at[i].id, id))
			return &k->schedule->tasks.at[i];
	return NULL;
}

static bool is_leaf(const struct plan_tree *n)
{
	return !strcmp(n->kind, "leaf");
}

static bool is_weighted(const struct plan_tree *n)
{
	return !strcmp(n->kind, "weighted");
}

static size_t node_of_task(const struct laying *, const struct plan_task *);

static bool has_leaf(const struct treeing *t, const struct plan_tree *n)
{
	const struct plan_task *task = is_leaf(n) ? task_named(t->k, n->task) : NULL;

	if (task)
		return task->worker == t->worker && node_of_task(t->k, task) != NODE_NONE;
	for (size_t i = 0; i < n->children.n; i++)
		if (has_leaf(t, &n->children.at[i]))
			return true;
	return false;
}

static bool serves_all(const struct plan_task *t)
{
	return t->service.nano == WHOLE;
}

/* A task that serves all that it is fed gets a little more than it needs.  It cannot use that as
 * long as what comes is what the policy states, so that the others have what their weights
 * say, and its queue stays short.  If more comes, the ratios of the slo still hold: the slack
 * stays within their tolerance, less what whole shares may add.  Under `entitlement` the
 * shares themselves are promised. */
static __int128 leaf_weight(const struct treeing *t, const struct plan_task *task)
{
	__int128 w = task->weight.present ? task->weight.value.nano : 0;
	__int128 slack = t->k->schedule->tolerance.nano - ROUNDING;

	if (slack > MOST_SLACK)
		slack = MOST_SLACK;
	return w * (WHOLE + (t->slack && serves_all(task) && slack > 0 ? slack : 0));
}

static __int128 weight_on(const struct treeing *t, const struct plan_tree *n)
{
	__int128 sum = 0;

	if (is_leaf(n))
		return has_leaf(t, n) ? leaf_weight(t, task_named(t->k, n->task)) : 0;
	for (size_t i = 0; i < n->children.n; i++)
		sum += weight_on(t, &n->children.at[i]);
	return sum;
}

/* NODE_NONE: no packet gets there, so that it was not laid. */
static size_t node_of_task(const struct laying *k, const struct plan_task *task)
{
	const struct plan_classifier *c = k->schedule->classifier;
	uint32_t module = 0;
	size_t copy = 0;
	const struct bess_instance *i;

	while (strcmp(k->pipeline->modules[module].name, task->root))
		module++;
	for (size_t j = 0; task->class && c && j < c->classes.n; j++)
		if (!strcmp(c->classes.at[j].name, task->class))
			copy = j + 1;
	i = &k->instances[module * k->n_copies + copy];
	if (i->node == NODE_NONE)
		return NODE_NONE;
	return task->queue ? i->entry : i->node;
}

/* A module that reads several queues of a device has a task for each; they take turns. */
static void add_tasks(struct laying *k, struct bess_task task)
{
	const struct bess_node *n = &k->made->nodes.at[task.node];
	unsigned queues =
	    n->class->kind == BESS_IN && n->port != NODE_NONE ? k->made->ports.at[n->port].n_in : 1;
	struct bess_tc tc = { .policy = "round_robin", .at = task.at, .span = task.span };

	if (queues > 1 && task.at.parent) {
		tc.name = bess_name(&k->tc_names, arena_printf(LAY_ARENA(k), "%s_queues", n->name));
		vec_push(LAY_ARENA(k), &k->made->tcs, tc);
		task.at = (struct bess_place){ tc.name, -1, BESS_CHILD, 0 };
	}
	for (; task.index < queues; task.index++)
		vec_push(LAY_ARENA(k), &k->made->tasks, task);
}

static void attach(struct treeing *t, const struct plan_task *task, struct bess_place at)
{
	struct laying *k = t->k;
	size_t node = node_of_task(k, task);
	const struct bess_node *n;

	n = &k->made->nodes.at[node];
	if (!n->class->task) {
		diag_add(&k->ctx->diags, E0802, n->span,
			 "'%s' roots a task, and BESS's class %s does not run by itself",
			 task->root, n->class->name);
		return;
	}
	add_tasks(
	    k, (struct bess_task){ node, 0, at, n->span,
				   arena_printf(LAY_ARENA(k), "Task %s: from '%s'%s%s.", task->id,
						task->root, task->class ? ", class " : "",
						task->class ? task->class : "") });
}

static void lay_node(struct treeing *t, const struct plan_tree *n, struct bess_place at);

static void lay_children(struct treeing *t, const struct plan_tree *n, const char *name)
{
	struct arena *a = LAY_ARENA(t->k);
	const struct plan_tree **live = arena_many(a, const struct plan_tree *, n->children.n);
	__int128 *weights = arena_many(a, __int128, n->children.n);
	int64_t *shares = arena_many(a, int64_t, n->children.n);
	size_t n_live = 0;

	for (size_t i = 0; i < n->children.n; i++)
		if (has_leaf(t, &n->children.at[i])) {
			live[n_live] = &n->children.at[i];
			weights[n_live] = weight_on(t, live[n_live]);
			n_live++;
		}
	bess_shares(weights, n_live, shares);
	for (size_t i = 0; i < n_live; i++) {
		struct bess_place at = { name, -1, BESS_SHARED, shares[i] };

		if (!is_weighted(n))
			at = (struct bess_place){ name, -1, BESS_RANKED, live[i]->priority.value };
		lay_node(t, live[i], at);
	}
}

static const struct plan_tree *only_child(const struct treeing *t, const struct plan_tree *n)
{
	const struct plan_tree *only = NULL;

	for (size_t i = 0; i < n->children.n; i++) {
		if (!has_leaf(t, &n->children.at[i]))
			continue;
		if (only)
			return NULL;
		only = &n->children.at[i];
	}
	return only;
}

/* A node with one child on this worker is that child. */
static void lay_node(struct treeing *t, const struct plan_tree *n, struct bess_place at)
{
	struct laying *k = t->k;
	struct bess_tc tc = { .policy = is_weighted(n) ? "weighted_fair" : "priority", .at = at };
	const struct plan_tree *only = only_child(t, n);

	if (is_leaf(n)) {
		attach(t, task_named(k, n->task), at);
		return;
	}
	if (only) {
		lay_node(t, only, at);
		return;
	}
	tc.name = bess_name(&k->tc_names,
			    arena_printf(LAY_ARENA(k), "w%" PRId64 "_%s", wid_of(k, t->worker),
					 n->name ? name_tail(n->name) : "rank"));
	tc.span = k->target->span;
	vec_push(LAY_ARENA(k), &k->made->tcs, tc);
	lay_children(t, n, tc.name);
}

static void leave_out_idle(struct laying *k)
{
	for (size_t i = 0; i < k->schedule->tasks.n; i++)
		if (node_of_task(k, &k->schedule->tasks.at[i]) == NODE_NONE)
			vec_push(LAY_ARENA(k), &k->made->left_out, k->schedule->tasks.at[i].id);
}

void bess_lay_schedule(struct laying *k)
{
	bool useful = !strcmp(k->schedule->accounting, "useful");

	if (!k->replica)
		leave_out_idle(k);
	for (int64_t w = 0; w < k->schedule->workers; w++) {
		struct treeing t = { .k = k, .worker = w };

		for (size_t i = 0; useful && i < k->schedule->tasks.n; i++)
			if (k->schedule->tasks.at[i].worker == w &&
			    !serves_all(&k->schedule->tasks.at[i]))
				t.slack = true;
		if (!k->schedule->tree || !has_leaf(&t, k->schedule->tree))
			continue;
		/* Without it an idle task of a higher rank would starve those below. */
		add_worker(k, w, true);
		lay_node(&t, k->schedule->tree,
			 (struct bess_place){ NULL, wid_of(k, w), BESS_CHILD, 0 });
	}
}

/* Without an slo: the sources in turn, each on the next worker. */
void bess_lay_sources(struct laying *k, size_t *n_sources)
{
	for (uint32_t i = 0; i < k->pipeline->n_modules; i++) {
		const struct bess_instance *at = bess_instance_at(k, i, 0);
		int64_t worker = (int64_t)(*n_sources % k->config->cores.n);
		const struct bess_node *n;

		if (at->node == NODE_NONE)
			continue;
		n = &k->made->nodes.at[at->node];
		if (!n->class->task || !n->module)
			continue;
		++*n_sources;
		add_worker(k, worker, false);
		add_tasks(
		    k, (struct bess_task){ at->node,
					   0,
					   { NULL, wid_of(k, worker), BESS_CHILD, 0 },
					   n->span,
					   arena_printf(LAY_ARENA(k), "One task per source: '%s'.",
							n->module->id) });
	}
}

/* ---- who reaches what ---- */

struct reach {
	struct laying *k;
	int64_t *wids; /* by node; -1: none yet, -2: refused already */
	size_t *first; /* by node: its first wire, of the sorted ones */
};

static void reach(struct reach *r, size_t node, int64_t wid)
{
	const struct bess_node *n = &r->k->made->nodes.at[node];

	if (r->wids[node] == wid || r->wids[node] == -2)
		return;
	if (r->wids[node] >= 0 && !n->class->many) {
		r->wids[node] = -2;
		diag_add(
		    &r->k->ctx->diags, E0802, n->span,
		    "several workers reach '%s', and BESS's class %s may be reached by one only",
		    n->module ? n->module->id : n->name, n->class->name);
		return;
	}
	r->wids[node] = wid;
	for (size_t i = r->first[node]; i < r->first[node + 1]; i++) {
		size_t to = r->k->made->wires.at[i].to;

		if (!r->k->made->nodes.at[to].class->task)
			reach(r, to, wid);
	}
}

/* Where the wires of each node begin, and one entry more. */
static size_t *first_wires(const struct laying *k)
{
	size_t *first = arena_many(LAY_ARENA(k), size_t, k->made->nodes.n + 1), i = 0;

	for (size_t node = 0; node <= k->made->nodes.n; node++) {
		while (i < k->made->wires.n && k->made->wires.at[i].from < node)
			i++;
		first[node] = i;
	}
	return first;
}

/* The worker whose tree a task hangs in. */
static int64_t worker_of(const struct laying *k, const struct bess_place *at)
{
	for (size_t i = 0; at->parent && i < k->made->tcs.n; i++)
		if (!strcmp(k->made->tcs.at[i].name, at->parent))
			return worker_of(k, &k->made->tcs.at[i].at);
	return at->wid;
}

static bool is_attached(const struct laying *k, size_t node)
{
	for (size_t i = 0; i < k->made->tasks.n; i++)
		if (k->made->tasks.at[i].node == node)
			return true;
	return false;
}

void bess_check_workers(struct laying *k)
{
	struct reach r = { k, arena_many(LAY_ARENA(k), int64_t, k->made->nodes.n), first_wires(k) };

	for (size_t i = 0; i < k->made->nodes.n; i++)
		r.wids[i] = -1;
	for (size_t i = 0; i < k->made->tasks.n; i++)
		reach(&r, k->made->tasks.at[i].node, worker_of(k, &k->made->tasks.at[i].at));
	for (size_t i = 0; i < k->made->nodes.n; i++) {
		const struct bess_node *n = &k->made->nodes.at[i];

		if (n->class->task && n->module && !is_attached(k, i))
			diag_add(&k->ctx->diags, E0802, n->span,
				 "BESS's class %s runs by itself, and '%s' is no root of a task",
				 n->class->name, n->module->id);
	}
}
