/* The published formulation against what its text says, tried for every set of task
 * nodes: with the set given, what is left is a small linear program in the weights. */
#include <config.h>

#include "compiler/solve/paper.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { MAX_MODULES = 8, MAX_CLASSES = 4, RANDOM_TREES = 240 };

/* A tree in memory; module 0 is the source, each leaf the exit of one class. */
struct bench {
	struct arena *arena;
	size_t n, n_classes;
	uint32_t parent[MAX_MODULES];
	struct ir ir;
	struct ir_pipeline pipeline;
	struct ir_module modules[MAX_MODULES];
	struct ir_edge edges[MAX_MODULES];
	struct ir_class classes[MAX_CLASSES];
	struct ir_path paths[MAX_CLASSES];
	uint32_t on_path[MAX_CLASSES][MAX_MODULES];
	struct ir_slo slo;
	struct ir_level level;
	struct ir_member members[MAX_CLASSES];
	struct ir_statement statements[2];
	struct rat parts[2][MAX_CLASSES];
	uint32_t stated[2][MAX_CLASSES];
	struct ir_priority priorities[MAX_CLASSES * MAX_CLASSES];
	struct ir_target target;
	struct net *net;
};

static bool is_leaf(const struct bench *b, uint32_t module)
{
	for (uint32_t i = 1; i < b->n; i++)
		if (b->parent[i] == module)
			return false;
	return true;
}

static void add_class(struct bench *b, uint32_t exit)
{
	size_t c = b->n_classes++, n = 1;

	for (uint32_t i = exit; i; i = b->parent[i])
		n++;
	b->paths[c] =
	    (struct ir_path){ .modules = b->on_path[c], .n = n, .rate_pps = rat_int(1000000) };
	for (uint32_t i = exit, k = (uint32_t)n; k-- > 0; i = b->parent[i])
		b->on_path[c][k] = i;
	b->classes[c] = (struct ir_class){ .name = "c", .paths = &b->paths[c], .n_paths = 1 };
	b->members[c] = (struct ir_member){ .name = "c", .level = ID_NONE };
	b->members[c].classes = ids_from(b->arena, &(uint32_t){ (uint32_t)c }, 1);
}

/* PARENT[0] is of no account.  Costs are 1 until set. */
static void bench_open(struct bench *b, size_t n, const uint32_t *parent)
{
	*b = (struct bench){ .arena = arena_new(), .n = n };
	for (uint32_t i = 0; i < n; i++) {
		b->parent[i] = parent[i];
		b->modules[i] =
		    (struct ir_module){ .name = "m", .cost = RAT_ONE, .cost_per_byte = RAT_ZERO };
		if (i)
			b->edges[i - 1] = (struct ir_edge){ .from = parent[i], .to = i };
	}
	b->modules[0].role = IR_ROLE_SOURCE;
	b->modules[0].schedulable = true;
	for (uint32_t i = 0; i < n; i++)
		if (is_leaf(b, i))
			add_class(b, i);
	b->slo = (struct ir_slo){ .tasks_first = true,
				  .entitlement = true,
				  .floor = RAT_ZERO,
				  .tolerance = RAT_ZERO,
				  .levels = &b->level,
				  .n_levels = 1 };
	b->level = (struct ir_level){ .parent = ID_NONE,
				      .members = b->members,
				      .statements = b->statements,
				      .priorities = b->priorities,
				      .n_ranks = 1 };
	b->level.n_members = b->n_classes;
	b->target = (struct ir_target){ .clock = rat_int(1000000000),
					.n_cores = 1,
					.replicas = 1,
					.queue_cost = RAT_ZERO,
					.classify_cost = RAT_ZERO };
	b->target.pipelines = ids_from(b->arena, &(uint32_t){ 0 }, 1);
}

/* Once all is said. */
static void bench_finish(struct bench *b)
{
	uint32_t all[MAX_CLASSES];

	for (uint32_t c = 0; c < b->n_classes; c++)
		all[c] = c;
	b->slo.classes = ids_from(b->arena, all, b->n_classes);
	b->pipeline.modules = b->modules;
	b->pipeline.n_modules = b->n;
	b->pipeline.edges = b->edges;
	b->pipeline.n_edges = b->n - 1;
	b->ir.pipelines = &b->pipeline;
	b->ir.n_pipelines = 1;
	b->ir.classes = b->classes;
	b->ir.n_classes = b->n_classes;
	b->net = net_make(b->arena, &b->ir, &b->target, &b->slo, false);
}

static void bench_close(struct bench *b)
{
	arena_free(b->arena);
}

/* MEMBERS is the set of classes that it speaks of. */
static void state(struct bench *b, enum ir_statement_kind kind, unsigned members,
		  const struct rat *parts)
{
	size_t i = b->level.n_statements++, n = 0;

	for (uint32_t c = 0; c < b->n_classes; c++) {
		if (!(members >> c & 1))
			continue;
		b->stated[i][n] = c;
		b->parts[i][n++] = parts[c];
	}
	b->statements[i] = (struct ir_statement){
		.kind = kind, .members = b->stated[i], .n_members = n, .parts = b->parts[i]
	};
}

/* Class C has rank RANKS[C]; each is above all of later ranks. */
static void state_ranks(struct bench *b, const uint32_t *ranks)
{
	for (uint32_t x = 0; x < b->n_classes; x++) {
		b->members[x].rank = ranks[x];
		b->level.n_ranks =
		    ranks[x] + 1 > b->level.n_ranks ? ranks[x] + 1 : b->level.n_ranks;
		for (uint32_t y = 0; y < b->n_classes; y++)
			if (ranks[x] < ranks[y])
				b->priorities[b->level.n_priorities++] =
				    (struct ir_priority){ .above = x, .below = y };
	}
}

/* ---- plain evaluation of one set of task nodes ---- */

/* The task that runs a module. */
static uint32_t task_of(const struct bench *b, unsigned roots, uint32_t module)
{
	while (!(roots >> module & 1))
		module = b->parent[module];
	return module;
}

/* Cycles/s that TASK is offered for a class. */
static double offered(const struct bench *b, unsigned roots, uint32_t task, size_t class)
{
	double sum = 0;

	for (size_t k = 0; k < b->paths[class].n; k++) {
		uint32_t module = b->paths[class].modules[k];

		if (task_of(b, roots, module) == task)
			sum += rat_double(b->paths[class].rate_pps) *
			       rat_double(b->modules[module].cost);
	}
	return sum;
}

static double offered_in_all(const struct bench *b, unsigned roots, uint32_t task)
{
	double sum = 0;

	for (size_t c = 0; c < b->n_classes; c++)
		sum += offered(b, roots, task, c);
	return sum;
}

static bool on_path(const struct bench *b, size_t class, uint32_t module)
{
	for (size_t k = 0; k < b->paths[class].n; k++)
		if (b->paths[class].modules[k] == module)
			return true;
	return false;
}

static bool keeps_priorities(const struct bench *b, unsigned roots)
{
	for (size_t i = 0; i < b->level.n_priorities; i++) {
		uint32_t above = b->priorities[i].above, below = b->priorities[i].below;

		for (uint32_t m = 0; m < b->n; m++)
			if (on_path(b, below, m) && !on_path(b, above, m) &&
			    on_path(b, above, task_of(b, roots, m)))
				return false;
	}
	return true;
}

static uint32_t exit_of(const struct bench *b, size_t class)
{
	return b->paths[class].modules[b->paths[class].n - 1];
}

/* All rates here are equal: who shall have less of them must end in another's absence. */
static bool can_hold_down(const struct bench *b, unsigned roots, const struct ir_statement *st,
			  size_t x, size_t y)
{
	double tolerance = rat_double(b->slo.tolerance);
	double most = rat_double(st->parts[x]) * (1 + tolerance);
	double least = rat_double(st->parts[y]) * (1 - tolerance);

	return most > least - 1e-9 ||
	       !on_path(b, st->members[y], task_of(b, roots, exit_of(b, st->members[x])));
}

static bool keeps_apart(const struct bench *b, unsigned roots)
{
	for (size_t s = 0; s < b->level.n_statements; s++) {
		const struct ir_statement *st = &b->statements[s];

		for (size_t x = 0; st->kind == IR_THROUGHPUT_RATIO && x < st->n_members; x++)
			for (size_t y = 0; y < st->n_members; y++)
				if (x != y && !can_hold_down(b, roots, st, x, y))
					return false;
	}
	return true;
}

/* Columns of the small program: a weight per module, then K R per class. */
struct trial {
	const struct bench *bench;
	unsigned roots;
	struct lp *lp;
	size_t columns[MAX_MODULES + MAX_CLASSES];
	double factors[MAX_MODULES + MAX_CLASSES];
};

static void trial_row(struct trial *t, double lower, double upper)
{
	lp_row(t->lp, t->columns, t->factors, t->bench->n + t->bench->n_classes, lower, upper);
	memset(t->factors, 0, sizeof(t->factors));
}

static void add_weights(struct trial *t)
{
	const struct bench *b = t->bench;
	double least = rat_double(b->slo.floor) / rat_double(b->target.clock);

	for (uint32_t i = 0; i < b->n; i++) {
		double work = t->roots >> i & 1 ? offered_in_all(b, t->roots, i) : 0;

		t->columns[i] = lp_column(t->lp, least * work, work > 0 ? 1 : 0);
	}
	for (size_t c = 0; c < b->n_classes; c++)
		t->columns[b->n + c] = lp_column(t->lp, 0, HUGE_VAL);
	for (uint32_t i = 0; i < b->n; i++)
		t->factors[i] = 1;
	trial_row(t, 1, 1);
}

/* FACTOR times the time or the rate of a class. */
static void add_class_of(struct trial *t, enum ir_statement_kind kind, uint32_t class,
			 double factor)
{
	const struct bench *b = t->bench;

	if (kind == IR_THROUGHPUT_RATIO)
		t->factors[b->n + class] += factor;
	for (uint32_t i = 0; kind == IR_CPU_RATIO && i < b->n; i++) {
		double all = t->roots >> i & 1 ? offered_in_all(b, t->roots, i) : 0;

		if (all > 0)
			t->factors[i] += factor * offered(b, t->roots, i, class) / all;
	}
}

static void add_edge_of_band(struct trial *t, const struct ir_statement *st, size_t member,
			     double share)
{
	for (size_t x = 0; x < st->n_members; x++)
		add_class_of(t, st->kind, st->members[x], (x == member) - share);
}

static void add_statement(struct trial *t, const struct ir_statement *st)
{
	double sum = 0, tolerance = rat_double(t->bench->slo.tolerance);

	for (size_t x = 0; x < st->n_members; x++)
		sum += rat_double(st->parts[x]);
	for (size_t x = 0; x < st->n_members; x++) {
		double share = rat_double(st->parts[x]) / sum;

		add_edge_of_band(t, st, x, share * (1 + tolerance));
		trial_row(t, -HUGE_VAL, 0);
		add_edge_of_band(t, st, x, share * (1 - tolerance));
		trial_row(t, 0, HUGE_VAL);
	}
}

/* The weights are what the tasks work if nothing is dropped: w = K phi R. */
static void add_steady_state(struct trial *t)
{
	const struct bench *b = t->bench;

	for (uint32_t i = 0; i < b->n; i++) {
		for (size_t c = 0; t->roots >> i & 1 && c < b->n_classes; c++)
			t->factors[b->n + c] =
			    offered(b, t->roots, i, c) / rat_double(b->paths[c].rate_pps);
		t->factors[i] = -1;
		trial_row(t, 0, 0);
	}
}

static bool states_throughput(const struct bench *b)
{
	for (size_t i = 0; i < b->level.n_statements; i++)
		if (b->statements[i].kind == IR_THROUGHPUT_RATIO)
			return true;
	return false;
}

static bool weights_exist(const struct bench *b, unsigned roots)
{
	struct trial t = { .bench = b, .roots = roots, .lp = lp_new() };
	enum lp_status status;

	add_weights(&t);
	for (size_t i = 0; i < b->level.n_statements; i++)
		add_statement(&t, &b->statements[i]);
	if (states_throughput(b))
		add_steady_state(&t);
	status = lp_solve(t.lp);
	lp_free(t.lp);
	return status == LP_BEST;
}

static bool is_answer(const struct bench *b, unsigned roots)
{
	size_t n = (size_t)__builtin_popcount(roots);

	if (n > b->n_classes || (states_throughput(b) && n < b->n_classes))
		return false;
	return keeps_priorities(b, roots) && keeps_apart(b, roots) && weights_exist(b, roots);
}

/* 0: no set of task nodes will do. */
static size_t fewest_tasks(const struct bench *b)
{
	size_t fewest = 0;

	for (unsigned roots = 1; roots < 1u << b->n; roots += 2) {
		size_t n = (size_t)__builtin_popcount(roots);

		if ((!fewest || n < fewest) && is_answer(b, roots))
			fewest = n;
	}
	return fewest;
}

/* ---- the formulation ---- */

static bool without_limit(void *data, double seconds, bool found, double value, double bound)
{
	(void)seconds, (void)found, (void)value, (void)bound;
	++*(size_t *)data;
	return true;
}

static enum lp_status solve(struct bench *b, struct paper_answer *answer)
{
	size_t asked = 0;
	struct sched_options options = { .formulation = FORMULATION_PAPER,
					 .progress = without_limit,
					 .data = &asked };

	return paper_solve(b->arena, b->net, &options, answer);
}

static unsigned roots_of(const struct bench *b, const struct paper_answer *answer)
{
	unsigned roots = 0;

	for (uint32_t i = 0; i < b->n; i++)
		roots |= (unsigned)answer->root[net_find_node(b->net, i, ID_NONE)] << i;
	return roots;
}

/* As many tasks as by trying, and those found are an answer. */
static void compare(struct bench *b)
{
	size_t fewest = fewest_tasks(b);
	struct paper_answer answer;
	enum lp_status status;

	bench_finish(b);
	CU_ASSERT_PTR_NULL_FATAL(paper_refusal(b->net));
	status = solve(b, &answer);
	CU_ASSERT_EQUAL(status, fewest ? LP_BEST : LP_IMPOSSIBLE);
	CU_ASSERT_EQUAL(answer.found, fewest > 0);
	if (!answer.found)
		return;
	CU_ASSERT_EQUAL((size_t)__builtin_popcount(roots_of(b, &answer)), fewest);
	CU_ASSERT_TRUE(is_answer(b, roots_of(b, &answer)));
	CU_ASSERT_DOUBLE_EQUAL(answer.bound, (double)fewest, 1e-6);
}

/* ---- the toy of Fig. 5.3 ---- */

static const uint32_t fork_of_three[] = { 0, 0, 0 };
static const struct rat three_to_one[] = { { 3, 1 }, { 1, 1 } };

static void toy(void)
{
	struct paper_answer answer;
	struct bench b;

	bench_open(&b, 3, fork_of_three);
	state(&b, IR_CPU_RATIO, 3, three_to_one);
	bench_finish(&b);
	CU_ASSERT_PTR_NULL(paper_refusal(b.net));
	CU_ASSERT_EQUAL(solve(&b, &answer), LP_BEST);
	CU_ASSERT_EQUAL(roots_of(&b, &answer), 3);
	CU_ASSERT_DOUBLE_EQUAL(answer.weight[0], 0.375, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(answer.weight[1], 0.625, 1e-6);
	bench_close(&b);
}

static void natural_ratio(void)
{
	static const struct rat equal[] = { { 1, 1 }, { 1, 1 } };
	struct bench b;

	bench_open(&b, 3, fork_of_three);
	state(&b, IR_CPU_RATIO, 3, equal);
	CU_ASSERT_EQUAL(fewest_tasks(&b), 1);
	compare(&b);
	bench_close(&b);
}

/* The upper class's own task may not run the lower class's module. */
static void priority(void)
{
	static const uint32_t ranks[] = { 0, 1 };
	struct paper_answer answer;
	struct bench b;

	bench_open(&b, 3, fork_of_three);
	state_ranks(&b, ranks);
	bench_finish(&b);
	CU_ASSERT_EQUAL(solve(&b, &answer), LP_BEST);
	CU_ASSERT_EQUAL(roots_of(&b, &answer), 5);
	bench_close(&b);
}

static void throughput(void)
{
	static const struct rat two_to_one[] = { { 2, 1 }, { 1, 1 } };
	struct paper_answer answer;
	struct bench b;

	bench_open(&b, 3, fork_of_three);
	state(&b, IR_THROUGHPUT_RATIO, 3, two_to_one);
	bench_finish(&b);
	CU_ASSERT_EQUAL(solve(&b, &answer), LP_BEST);
	CU_ASSERT_EQUAL(__builtin_popcount(roots_of(&b, &answer)), 2);
	/* 2 units of one class, 1 of the other: 6 cycles, 2 or 1 of them behind the queue. */
	CU_ASSERT_DOUBLE_EQUAL(answer.weight[0] + answer.weight[1] + answer.weight[2], 1, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(answer.weight[0], roots_of(&b, &answer) == 3 ? 4 / 6. : 5 / 6.,
			       1e-6);
	bench_close(&b);
}

static void no_answer(void)
{
	struct paper_answer answer;
	struct bench b;

	/* Only the source takes time: what it does for each is one to one. */
	bench_open(&b, 3, fork_of_three);
	b.modules[1].cost = b.modules[2].cost = RAT_ZERO;
	state(&b, IR_CPU_RATIO, 3, three_to_one);
	bench_finish(&b);
	CU_ASSERT_EQUAL(solve(&b, &answer), LP_IMPOSSIBLE);
	CU_ASSERT_FALSE(answer.found);
	bench_close(&b);
}

static bool stop(void *data, double seconds, bool found, double value, double bound)
{
	(void)data, (void)seconds, (void)found, (void)value, (void)bound;
	return false;
}

static void stopped(void)
{
	static const uint32_t deep[] = { 0, 0, 0, 1, 1, 2, 2 };
	static const struct rat parts[] = { { 3, 1 }, { 1, 1 }, { 5, 1 }, { 2, 1 } };
	struct sched_options options = { .formulation = FORMULATION_PAPER, .progress = stop };
	struct paper_answer answer;
	struct bench b;

	bench_open(&b, 7, deep);
	state(&b, IR_CPU_RATIO, 15, parts);
	bench_finish(&b);
	CU_ASSERT_EQUAL(paper_solve(b.arena, b.net, &options, &answer), LP_LIMIT);
	CU_ASSERT_TRUE(answer.bound <= 4);
	bench_close(&b);
}

/* ---- refusals ---- */

static void refuses(struct bench *b, const char *part)
{
	const char *why;

	bench_finish(b);
	why = paper_refusal(b->net);
	CU_ASSERT_PTR_NOT_NULL_FATAL(why);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, part));
	bench_close(b);
}

static void refusals(void)
{
	struct bench b;

	bench_open(&b, 3, fork_of_three);
	b.slo.entitlement = false;
	refuses(&b, "entitlement");
	bench_open(&b, 3, fork_of_three);
	b.slo.tasks_first = false;
	refuses(&b, "minimises tasks");
	bench_open(&b, 3, fork_of_three);
	b.target.n_cores = 2;
	refuses(&b, "one worker");
	bench_open(&b, 3, fork_of_three);
	b.modules[1].schedulable = b.modules[2].schedulable = true;
	refuses(&b, "as many tasks as classes");
	bench_open(&b, 3, fork_of_three);
	state(&b, IR_CPU_BOUND, 1, three_to_one);
	refuses(&b, "no bounds");
	bench_open(&b, 3, fork_of_three);
	b.paths[1].copy = true;
	refuses(&b, "copies");
	bench_open(&b, 4, (const uint32_t[]){ 0, 0, 0, 1 });
	b.edges[2].from = 2, b.edges[1].to = 3; /* 1 -> nothing, 2 and 0 -> 3 */
	refuses(&b, "trees");
}

/* ---- random trees ---- */

static uint32_t pick(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % n;
}

/* False: more leaves than there is room for. */
static bool open_random(struct bench *b, uint32_t *seed)
{
	uint32_t parent[MAX_MODULES] = { 0 };
	size_t n = 3 + pick(seed, 4), leaves = 0;
	bool inner[MAX_MODULES] = { false };

	for (uint32_t i = 1; i < n; i++) {
		parent[i] = pick(seed, i);
		inner[parent[i]] = true;
	}
	for (size_t i = 0; i < n; i++)
		leaves += !inner[i];
	if (leaves < 2 || leaves > MAX_CLASSES)
		return false;
	bench_open(b, n, parent);
	for (size_t i = 0; i < n; i++)
		b->modules[i].cost = rat_int(pick(seed, 6));
	for (size_t c = 0; c < b->n_classes; c++)
		if (!pick(seed, 5))
			b->modules[exit_of(b, c)].cost = rat_int(7);
	return true;
}

/* The times of random multipliers of random tasks, so that they can be had. */
static void reachable_parts(const struct bench *b, uint32_t *seed, struct rat *parts)
{
	unsigned roots = 1 | pick(seed, 1u << b->n);
	struct rat service[MAX_MODULES];

	for (size_t i = 0; i < b->n; i++)
		service[i] = rat_int(1 + pick(seed, 5));
	for (size_t c = 0; c < b->n_classes; c++) {
		parts[c] = RAT_ZERO;
		for (size_t k = 0; k < b->paths[c].n; k++) {
			uint32_t m = b->paths[c].modules[k];

			parts[c] = rat_add(
			    parts[c], rat_mul(b->modules[m].cost, service[task_of(b, roots, m)]));
		}
		if (!rat_sign(parts[c]))
			parts[c] = RAT_ONE;
	}
}

static void random_parts(const struct bench *b, uint32_t *seed, struct rat *parts)
{
	for (size_t c = 0; c < b->n_classes; c++)
		parts[c] = rat_int(1 + pick(seed, 4));
}

static size_t n_random(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long by = scale ? atol(scale) : 1;

	return RANDOM_TREES / (size_t)(by > 0 ? by : 1);
}

static void each_random(uint32_t seed, void (*say)(struct bench *, uint32_t *seed))
{
	for (size_t i = 0; i < n_random();) {
		struct bench b;

		if (!open_random(&b, &seed))
			continue;
		say(&b, &seed);
		compare(&b);
		bench_close(&b);
		i++;
	}
}

static unsigned all_of(const struct bench *b)
{
	return (1u << b->n_classes) - 1;
}

static void say_reachable_time(struct bench *b, uint32_t *seed)
{
	struct rat parts[MAX_CLASSES];

	reachable_parts(b, seed, parts);
	state(b, IR_CPU_RATIO, all_of(b), parts);
}

static void say_any_time(struct bench *b, uint32_t *seed)
{
	struct rat parts[MAX_CLASSES];

	random_parts(b, seed, parts);
	state(b, IR_CPU_RATIO, pick(seed, 3) ? all_of(b) : 3, parts);
	b->slo.tolerance = rat_make(pick(seed, 4), 10);
	if (pick(seed, 2)) {
		b->slo.floor = rat_make(1, 10);
		b->target.clock = rat_int(5000000 + (int64_t)pick(seed, 10) * 1000000);
	}
}

static void say_throughput(struct bench *b, uint32_t *seed)
{
	struct rat parts[MAX_CLASSES];

	for (size_t i = 0; i < b->n; i++)
		b->modules[i].cost = rat_int(1 + pick(seed, 5));
	random_parts(b, seed, parts);
	state(b, IR_THROUGHPUT_RATIO, pick(seed, 2) ? all_of(b) : 3, parts);
	if (pick(seed, 2))
		return;
	reachable_parts(b, seed, parts);
	state(b, IR_CPU_RATIO, 3, parts);
	b->slo.tolerance = rat_make(1, 10);
}

static void say_priority(struct bench *b, uint32_t *seed)
{
	uint32_t ranks[MAX_CLASSES] = { 0 };
	struct rat parts[MAX_CLASSES];

	for (size_t c = 0; c < b->n_classes; c++)
		ranks[c] = pick(seed, 3);
	state_ranks(b, ranks);
	random_parts(b, seed, parts);
	if (pick(seed, 2))
		state(b, IR_CPU_RATIO, all_of(b), parts);
	b->slo.tolerance = rat_make(3, 10);
}

static void reachable_time(void)
{
	each_random(1, say_reachable_time);
}

static void any_time(void)
{
	each_random(2, say_any_time);
}

static void any_throughput(void)
{
	each_random(3, say_throughput);
}

static void any_priority(void)
{
	each_random(4, say_priority);
}

int main(void)
{
	static const struct unit units[] = {
		{ "three_to_one_takes_two_tasks_with_weights_3_and_5", toy },
		{ "what_happens_anyhow_takes_one_task", natural_ratio },
		{ "a_priority_puts_a_queue_before_the_lower_class", priority },
		{ "a_throughput_ratio_takes_as_many_tasks_as_classes", throughput },
		{ "a_shared_module_alone_gives_no_ratio", no_answer },
		{ "who_watches_can_stop_it", stopped },
		{ "what_it_cannot_say_is_refused", refusals },
		{ "reachable_times_take_as_many_tasks_as_by_trying", reachable_time },
		{ "any_times_take_as_many_tasks_as_by_trying", any_time },
		{ "any_throughputs_take_as_many_tasks_as_by_trying", any_throughput },
		{ "any_priorities_take_as_many_tasks_as_by_trying", any_priority },
	};

	return unit_main("paper", units, sizeof(units) / sizeof(*units));
}
