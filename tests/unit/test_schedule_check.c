#include <config.h>

#include "compiler/solve/scheduling.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* The pipelines of examples/firewall.epi, its classes and slos, and the schedules that
 * doc/language.md 11 states for them, worked out by hand. */
enum { ACL, FWD, INC, LOGTO, OUT, N_FW };
enum { A, B, C, RX, TX, N_TOY };
enum { CONTROL, DATA, LOGS, TC1, TC2, N_CLASSES };
enum { FW, TOY, N_PIPELINES };

struct policy {
	struct ctx *ctx;
	struct arena *arena;
	struct ir ir;
	struct ir_pipeline pipelines[N_PIPELINES];
	struct ir_module fw[N_FW], toy[N_TOY];
	struct ir_edge fw_edges[5], toy_edges[6];
	struct ir_class classes[N_CLASSES];
	struct ir_path paths[N_CLASSES];
	struct ir_slo slo;
	struct ir_level levels[2];
	struct ir_member members[2][3];
	struct ir_statement statement, more; /* `more` may be added to the first level */
	struct ir_statement both[2];
	struct ir_priority priority;
	struct ir_target target;
	struct schedule s;
	struct sched_task tasks[4];
	struct sched_part parts[4];
	struct sched_class rows[4];
	struct sched_node tree, joined[2], leaves[4];
};

static struct ids set_of(struct policy *p, size_t n, const uint32_t *at)
{
	return ids_from(p->arena, at, n);
}

#define SET(p, ...)                                                         \
	set_of((p), sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
	       (uint32_t[]){ __VA_ARGS__ })

/* ---- pipelines and classes ---- */

static void open_module(struct ir_module *m, const char *name, int64_t cost)
{
	*m = (struct ir_module){ .name = name,
				 .function_name = "f",
				 .function = ID_NONE,
				 .role = IR_ROLE_TRANSIT,
				 .cost = rat_int(cost),
				 .cost_per_byte = RAT_ZERO };
}

static struct ir_edge edge(struct policy *p, uint32_t from, uint32_t to)
{
	return (
	    struct ir_edge){ .from = from, .to = to, .fx = fx_true(p->ir.fields), .when = "true" };
}

static void open_fw(struct policy *p)
{
	open_module(&p->fw[ACL], "fw.acl", 166);
	open_module(&p->fw[FWD], "fw.fwd", 171);
	open_module(&p->fw[INC], "fw.inc", 40);
	open_module(&p->fw[LOGTO], "fw.logto", 40);
	open_module(&p->fw[OUT], "fw.out", 40);
	p->fw[INC].role = IR_ROLE_SOURCE;
	p->fw[INC].schedulable = true;
	p->fw[LOGTO].role = p->fw[OUT].role = IR_ROLE_EXIT;
	p->fw_edges[0] = edge(p, ACL, FWD);
	p->fw_edges[1] = edge(p, ACL, LOGTO);
	p->fw_edges[2] = edge(p, FWD, OUT);
	p->fw_edges[3] = edge(p, INC, ACL);
	p->pipelines[FW] = (struct ir_pipeline){ .name = "fw",
						 .modules = p->fw,
						 .n_modules = N_FW,
						 .edges = p->fw_edges,
						 .n_edges = 4 };
}

static void open_toy(struct policy *p)
{
	open_module(&p->toy[A], "toy.a", 300);
	open_module(&p->toy[B], "toy.b", 300);
	open_module(&p->toy[C], "toy.c", 300);
	open_module(&p->toy[RX], "toy.rx", 0);
	open_module(&p->toy[TX], "toy.tx", 0);
	p->toy[RX].role = IR_ROLE_SOURCE;
	p->toy[RX].schedulable = true;
	p->toy[TX].role = IR_ROLE_EXIT;
	p->toy_edges[0] = edge(p, A, B);
	p->toy_edges[1] = edge(p, A, C);
	p->toy_edges[2] = edge(p, B, TX);
	p->toy_edges[3] = edge(p, C, TX);
	p->toy_edges[4] = edge(p, RX, A);
	p->pipelines[TOY] = (struct ir_pipeline){ .name = "toy",
						  .modules = p->toy,
						  .n_modules = N_TOY,
						  .edges = p->toy_edges,
						  .n_edges = 5 };
}

/* The header of class I is DSCP I. */
static void open_class(struct policy *p, uint32_t i, const char *name, uint32_t pipeline,
		       int64_t rate, size_t n, const uint32_t *modules)
{
	const struct fx_member member = { .kind = FX_RANGE, .lo = i, .hi = i };
	const struct field *dscp = fields_find(p->ir.fields, "ip.dscp");

	p->paths[i] = (struct ir_path){
		.pipeline = pipeline, .modules = modules, .n = n, .rate_pps = rat_int(rate)
	};
	p->classes[i] = (struct ir_class){ .name = name,
					   .fx = fx_true(p->ir.fields),
					   .match = "true",
					   .paths = &p->paths[i],
					   .n_paths = 1,
					   .rate_pps = rat_int(rate),
					   .has_packet = true,
					   .packet = rat_int(64),
					   .header = fx_cmp(p->ir.fields, dscp, &member, 1) };
}

static void open_classes(struct policy *p)
{
	static const uint32_t forward[] = { INC, ACL, FWD, OUT }, log[] = { INC, ACL, LOGTO };
	static const uint32_t by_b[] = { RX, A, B, TX }, by_c[] = { RX, A, C, TX };

	open_class(p, CONTROL, "control", FW, 20000, 4, forward);
	open_class(p, DATA, "data", FW, 5000000, 4, forward);
	open_class(p, LOGS, "logs", FW, 1000000, 3, log);
	open_class(p, TC1, "tc1", TOY, 2500000, 4, by_b);
	open_class(p, TC2, "tc2", TOY, 2500000, 4, by_c);
}

static void open_target(struct policy *p, uint32_t pipeline)
{
	static const uint32_t cores[] = { 0, 1 };

	p->target = (struct ir_target){ .name = "rack",
					.backend = IR_BESS,
					.at = ID_NONE,
					.pipelines = SET(p, pipeline),
					.clock = rat_int(2600000000),
					.cores = cores,
					.n_cores = 1,
					.replicas = 1,
					.queue = 1024,
					.queue_cost = rat_int(12),
					.classify_cost = rat_int(60) };
}

/* Classes FIRST and the one behind it, in a ratio of PARTS : 1. */
static void open_slo(struct policy *p, struct ir_level *level, struct ir_member *members,
		     uint32_t first, int64_t parts)
{
	static const uint32_t both[] = { 0, 1 };
	struct rat *stated = arena_many(p->arena, struct rat, 2);

	for (uint32_t i = 0; i < 2; i++)
		members[i] =
		    (struct ir_member){ p->classes[first + i].name, ID_NONE, SET(p, first + i), 0 };
	stated[0] = rat_int(parts);
	stated[1] = RAT_ONE;
	p->statement = (struct ir_statement){
		.kind = IR_CPU_RATIO, .members = both, .n_members = 2, .parts = stated
	};
	*level = (struct ir_level){ .name = "slo",
				    .parent = ID_NONE,
				    .members = members,
				    .n_members = 2,
				    .statements = &p->statement,
				    .n_statements = 1,
				    .n_ranks = 1 };
	p->slo = (struct ir_slo){ .name = "slo",
				  .classify = IR_CLASSIFY_NEVER,
				  .floor = rat_make(1, 100),
				  .tolerance = rat_make(1, 100),
				  .classes = SET(p, first, first + 1),
				  .levels = p->levels,
				  .n_levels = 1 };
}

static void policy_open(struct policy *p, uint32_t pipeline)
{
	memset(p, 0, sizeof(*p));
	p->ctx = ctx_new();
	p->arena = p->ctx->arena;
	p->ir.fields = fields_new(p->arena);
	open_fw(p);
	open_toy(p);
	open_classes(p);
	open_target(p, pipeline);
	p->ir.pipelines = p->pipelines;
	p->ir.n_pipelines = N_PIPELINES;
	p->ir.classes = p->classes;
	p->ir.n_classes = N_CLASSES;
	p->ir.slos = &p->slo;
	p->ir.n_slos = 1;
	p->ir.targets = &p->target;
	p->ir.n_targets = 1;
	p->s = (struct schedule){ .solved = true,
				  .optimal = true,
				  .parts = p->parts,
				  .tasks = p->tasks,
				  .classes = p->rows,
				  .tree = &p->tree };
	for (uint32_t i = 0; i < 4; i++)
		p->leaves[i] =
		    (struct sched_node){ .kind = SCHED_LEAF, .level = ID_NONE, .task = i };
}

/* ---- schedules ---- */

static struct rat times(struct rat a, int64_t b)
{
	return rat_mul(a, rat_int(b));
}

static void add_task(struct policy *p, uint32_t root, uint32_t copy, struct ids modules, bool queue,
		     struct rat service, struct rat load)
{
	p->tasks[p->s.n_tasks++] = (struct sched_task){ .root = root,
							.copy = copy,
							.modules = modules,
							.queue = queue,
							.service = service,
							.load = load,
							.weight = RAT_ZERO };
}

static void set_share(struct policy *p, size_t task, struct rat a, struct rat b, struct rat c)
{
	p->tasks[task].share = arena_many(p->arena, struct rat, 3);
	p->tasks[task].share[0] = a;
	p->tasks[task].share[1] = b;
	p->tasks[task].share[2] = c;
}

static void add_row(struct policy *p, uint32_t class, struct rat time, struct rat rate)
{
	struct sched_class *row = &p->rows[p->s.n_classes++];

	row->class = class;
	row->time = time;
	row->rate = rate;
}

static void weigh(struct policy *p, size_t task, struct rat weight)
{
	p->tasks[task].weight = p->leaves[task].weight = weight;
	p->tasks[task].weighted = p->leaves[task].weighted = true;
}

/* All tasks below one weighted node, on one worker. */
static void hang_flat(struct policy *p)
{
	struct rat sum = RAT_ZERO;

	for (size_t i = 0; i < p->s.n_tasks; i++)
		sum = rat_add(sum, p->tasks[i].load);
	for (size_t i = 0; i < p->s.n_tasks; i++)
		weigh(p, i, rat_div(p->tasks[i].load, sum));
	p->tree = (struct sched_node){ .kind = SCHED_WEIGHTED,
				       .level = 0,
				       .task = ID_NONE,
				       .children = p->leaves,
				       .n_children = p->s.n_tasks };
}

/* `shares`: cpu data : logs = 6 : 1; a queue before fwd, v = 1 and 446/1055. */
static void open_shares(struct policy *p)
{
	struct rat v = rat_make(446, 1055);

	policy_open(p, FW);
	open_slo(p, &p->levels[0], p->members[0], DATA, 6);
	/* (5 M + 20 k) x (171 + 40 + 12) v; (5 M + 20 k) x 206 + 1 M x 246 */
	add_task(p, FWD, ID_NONE, SET(p, FWD, OUT), true, v, times(v, INT64_C(5020000) * 223));
	add_task(p, INC, ID_NONE, SET(p, ACL, INC, LOGTO), false, RAT_ONE, rat_int(1280120000));
	set_share(p, 0, rat_make(20, 5020), rat_make(5000, 5020), RAT_ZERO);
	set_share(p, 1, rat_make(4120, 1280120), rat_make(1030000, 1280120),
		  rat_make(246000, 1280120));
	add_row(p, CONTROL, rat_add(rat_int(4120000), times(v, 4220000)), times(v, 20000));
	add_row(p, DATA, rat_int(1476000000), times(v, 5000000));
	add_row(p, LOGS, rat_int(246000000), rat_int(1000000));
	p->s.rate = rat_add(times(v, 5000000), rat_int(1000000));
	hang_flat(p);
}

/* `entitled`: cpu tc1 : tc2 = 3 : 1; a queue before b, v = 13/6 and 13/30. */
static void open_entitled(struct policy *p)
{
	struct rat third = rat_make(1, 3), rate = rat_make(3250000, 3);

	policy_open(p, TOY);
	p->target.queue_cost = RAT_ZERO;
	open_slo(p, &p->levels[0], p->members[0], TC1, 3);
	p->slo.entitlement = true;
	add_task(p, B, ID_NONE, SET(p, B, TX), true, rat_make(13, 6), rat_int(1625000000));
	add_task(p, RX, ID_NONE, SET(p, A, C, RX, TX), false, rat_make(13, 30), rat_int(975000000));
	set_share(p, 0, RAT_ONE, RAT_ZERO, RAT_ZERO);
	set_share(p, 1, third, rat_make(2, 3), RAT_ZERO);
	add_row(p, TC1, rat_int(1950000000), rate);
	add_row(p, TC2, rat_int(650000000), rate);
	p->s.rate = times(rate, 2);
	hang_flat(p);
}

static void part(struct policy *p, uint32_t source, uint32_t first, size_t n)
{
	p->s.parted = true;
	p->s.sources = SET(p, source);
	for (uint32_t i = 0; i < n; i++)
		p->parts[p->s.n_parts++] =
		    (struct sched_part){ first + i, p->classes[first + i].header };
	p->slo.classify = IR_CLASSIFY_AUTO;
}

/* `early`: the same by useful work, v = 1 for the source and tc1, 1/3 for tc2. */
static void open_early(struct policy *p)
{
	policy_open(p, TOY);
	p->target.queue_cost = RAT_ZERO;
	open_slo(p, &p->levels[0], p->members[0], TC1, 3);
	part(p, RX, TC1, 2);
	add_task(p, A, TC1, SET(p, A, B, TX), true, RAT_ONE, rat_int(1500000000));
	add_task(p, A, TC2, SET(p, A, C, TX), true, rat_make(1, 3), rat_int(500000000));
	add_task(p, RX, ID_NONE, SET(p, RX), false, RAT_ONE, rat_int(300000000));
	set_share(p, 0, RAT_ONE, RAT_ZERO, RAT_ZERO);
	set_share(p, 1, RAT_ZERO, RAT_ONE, RAT_ZERO);
	set_share(p, 2, rat_make(1, 2), rat_make(1, 2), RAT_ZERO);
	add_row(p, TC1, rat_int(1500000000), rat_int(2500000));
	add_row(p, TC2, rat_int(500000000), rat_make(2500000, 3));
	p->s.rate = rat_make(10000000, 3);
	hang_flat(p);
}

/* Rank 0: control and the source; rank 1: the group. */
static void hang_layers(struct policy *p)
{
	struct sched_node source;

	hang_flat(p);
	source = p->leaves[3];
	p->leaves[3] = p->leaves[2];
	p->leaves[2] = p->leaves[1];
	p->leaves[1] = source;
	p->tasks[1].rank = p->tasks[2].rank = 1;
	p->joined[0] = (struct sched_node){ .kind = SCHED_WEIGHTED,
					    .level = ID_NONE,
					    .task = ID_NONE,
					    .ranked = true,
					    .children = p->leaves,
					    .n_children = 2 };
	p->joined[1] = (struct sched_node){ .kind = SCHED_WEIGHTED,
					    .level = 1,
					    .task = ID_NONE,
					    .ranked = true,
					    .rank = 1,
					    .children = p->leaves + 2,
					    .n_children = 2 };
	p->tree = (struct sched_node){ .kind = SCHED_PRIORITY,
				       .level = 0,
				       .task = ID_NONE,
				       .children = p->joined,
				       .n_children = 2 };
}

/* `layered`: priority control > bulk; group bulk { cpu data : logs = 5 : 1; } */
static void open_layered(struct policy *p)
{
	struct rat v = rat_make(206, 377);

	policy_open(p, FW);
	open_slo(p, &p->levels[1], p->members[1], DATA, 5);
	p->levels[1].parent = 0;
	p->members[0][0] = (struct ir_member){ "bulk", 1, SET(p, DATA, LOGS), 1 };
	p->members[0][1] = (struct ir_member){ "control", ID_NONE, SET(p, CONTROL), 0 };
	p->priority = (struct ir_priority){ .above = 1, .below = 0 };
	p->levels[0] = (struct ir_level){ .name = "layered",
					  .parent = ID_NONE,
					  .members = p->members[0],
					  .n_members = 2,
					  .priorities = &p->priority,
					  .n_priorities = 1,
					  .n_ranks = 2 };
	p->slo.n_levels = 2;
	p->slo.classes = SET(p, CONTROL, DATA, LOGS);
	part(p, INC, CONTROL, 3);
	add_task(p, ACL, CONTROL, SET(p, ACL, FWD, OUT), true, RAT_ONE, rat_int(20000 * 389));
	add_task(p, ACL, DATA, SET(p, ACL, FWD, OUT), true, v, times(v, INT64_C(5000000) * 389));
	add_task(p, ACL, LOGS, SET(p, ACL, LOGTO), true, RAT_ONE, rat_int(218000000));
	add_task(p, INC, ID_NONE, SET(p, INC), false, RAT_ONE, rat_int(602000000));
	set_share(p, 0, RAT_ONE, RAT_ZERO, RAT_ZERO);
	set_share(p, 1, RAT_ZERO, RAT_ONE, RAT_ZERO);
	set_share(p, 2, RAT_ZERO, RAT_ZERO, RAT_ONE);
	set_share(p, 3, rat_make(20, 6020), rat_make(5000, 6020), rat_make(1000, 6020));
	add_row(p, CONTROL, rat_int(20000 * 417), rat_int(20000));
	add_row(p, DATA, rat_int(1230000000), times(v, 5000000));
	add_row(p, LOGS, rat_int(246000000), rat_int(1000000));
	p->s.rate = rat_add(times(v, 5000000), rat_int(1020000));
	hang_layers(p);
}

/* ---- refusals ---- */

/* A schedule, what is wrong with it, and what is said. */
struct wrong {
	void (*open)(struct policy *);
	void (*spoil)(struct policy *);
	const char *reason;
};

static void expect_refusal(const struct wrong *w)
{
	struct policy p;
	const char *reason;

	w->open(&p);
	w->spoil(&p);
	reason = schedule_check(p.arena, &p.ir, &p.s);
	if (!reason || !strstr(reason, w->reason))
		UNIT_TEXT(w->reason, reason ? reason : "(accepted)");
	CU_ASSERT_PTR_NOT_NULL(reason);
	ctx_free(p.ctx);
}

#define EXPECT_REFUSALS(...)                                            \
	do {                                                            \
		static const struct wrong all[] = { __VA_ARGS__ };      \
		for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) \
			expect_refusal(&all[i]);                        \
	} while (0)

static void expect_accepted(void (*open)(struct policy *))
{
	struct policy p;
	const char *reason;

	open(&p);
	reason = schedule_check(p.arena, &p.ir, &p.s);
	UNIT_TEXT("(accepted)", reason ? reason : "(accepted)");
	ctx_free(p.ctx);
}

static void stated_answers(void)
{
	expect_accepted(open_shares);
	expect_accepted(open_entitled);
	expect_accepted(open_early);
	expect_accepted(open_layered);
}

/* ---- tasks ---- */

static void lose_source(struct policy *p)
{
	p->s.n_tasks = 1;
}

static void swap_tasks(struct policy *p)
{
	struct sched_task t = p->tasks[0];

	p->tasks[0] = p->tasks[1];
	p->tasks[1] = t;
}

static void make_acl_schedulable(struct policy *p)
{
	p->fw[ACL].schedulable = true;
}

static void lose_queue(struct policy *p)
{
	p->tasks[0].queue = false;
}

static void queue_source(struct policy *p)
{
	p->tasks[1].queue = true;
}

static void lose_module(struct policy *p)
{
	p->tasks[1].modules = SET(p, ACL, INC);
}

static void add_module(struct policy *p)
{
	p->tasks[0].modules = SET(p, FWD, LOGTO, OUT);
}

static void cut_off_root(struct policy *p)
{
	p->pipelines[FW].edges++;
	p->pipelines[FW].n_edges--;
}

static void strange_copy(struct policy *p)
{
	p->tasks[0].copy = DATA;
}

static void tasks_cover_all(void)
{
	EXPECT_REFUSALS({ open_shares, lose_source, "the source fw.inc roots no task" },
			{ open_shares, swap_tasks, "is out of order" },
			{ open_shares, make_acl_schedulable,
			  "fw.acl can be scheduled by itself and roots no task" },
			{ open_shares, lose_queue, "t0 (fw.fwd) has no queue before its root" },
			{ open_shares, queue_source, "has a queue before a source" },
			{ open_shares, lose_module, "does not run fw.logto" },
			{ open_shares, add_module, "runs fw.logto, which is not below its root" },
			{ open_shares, cut_off_root, "begins where nothing arrives" },
			{ open_shares, strange_copy, "stands in a copy that is not there" });
}

/* ---- workers ---- */

static void second_worker(struct policy *p)
{
	p->target.n_cores = 2;
}

static void no_such_worker(struct policy *p)
{
	p->tasks[0].worker = 1;
}

static void slow_clock(struct policy *p)
{
	p->target.clock = rat_int(1700000000);
}

/* Both copies of toy.tx are one module. */
static void spread_single(struct policy *p)
{
	p->target.n_cores = 2;
	p->target.one_worker = SET(p, TX);
	p->tasks[1].worker = 1;
}

static void workers_are_kept(void)
{
	EXPECT_REFUSALS({ open_shares, second_worker, "worker 1 has no task" },
			{ open_shares, no_such_worker, "runs on worker 1 of 1" },
			{ open_shares, slow_clock, "worker 0 is to do 1753" },
			{ open_early, spread_single, "toy.tx is reached by workers 0 and 1" });
}

/* ---- the classifier ---- */

static void never_classify(struct policy *p)
{
	p->slo.classify = IR_CLASSIFY_NEVER;
}

static void lose_part(struct policy *p)
{
	p->s.n_parts--;
}

static void other_filter(struct policy *p)
{
	p->parts[0].when = fx_true(p->ir.fields);
}

static void overlap(struct policy *p)
{
	p->classes[TC1].header = p->parts[0].when = fx_true(p->ir.fields);
}

static void lose_classifier(struct policy *p)
{
	p->s.sources = SET(p, A);
}

static void empty_classifier(struct policy *p)
{
	p->s.sources = (struct ids){ 0 };
}

static void unnamed_class(struct policy *p)
{
	p->slo.classes = SET(p, TC1);
	p->s.n_parts = 1;
}

static void source_in_copy(struct policy *p)
{
	p->tasks[2].copy = TC1;
}

static void classifier_without_parting(struct policy *p)
{
	p->s.sources = SET(p, INC);
}

static void lose_early_task(struct policy *p)
{
	p->tasks[1] = p->tasks[2];
	p->s.n_tasks = 2;
}

static void classes_can_be_told_apart(void)
{
	EXPECT_REFUSALS(
	    { open_early, never_classify, "in spite of `classify never`" },
	    { open_early, lose_part, "has no queue for tc2" },
	    { open_early, other_filter, "tells tc1 by another filter" },
	    { open_early, overlap, "cannot tell tc1 from tc2" },
	    { open_early, lose_classifier, "which is no source" },
	    { open_early, empty_classifier, "enters by toy.rx, where no classifier is" },
	    { open_early, unnamed_class, "no queue for other traffic such as tc2" },
	    { open_early, source_in_copy, "stands on the wrong side of the classifier" },
	    { open_early, lose_early_task,
	      "no task begins at toy.a, where the early queue of tc2 ends" },
	    { open_shares, classifier_without_parting,
	      "a classifier is listed that is not there" });
}

/* ---- priorities ---- */

/* data above logs: the source's task serves both and runs logto. */
static void rank_data(struct policy *p)
{
	p->priority = (struct ir_priority){ .above = 0, .below = 1 };
	p->levels[0].priorities = &p->priority;
	p->levels[0].n_priorities = 1;
	p->levels[0].n_ranks = 2;
	p->levels[0].n_statements = 0;
	p->members[0][1].rank = 1;
}

/* logs above data: the queue before fwd parts them, and data's task has rank 1. */
static void rank_logs(struct policy *p)
{
	p->priority = (struct ir_priority){ .above = 1, .below = 0 };
	p->levels[0].priorities = &p->priority;
	p->levels[0].n_priorities = 1;
	p->levels[0].n_ranks = 2;
	p->levels[0].n_statements = 0;
	p->members[0][0].rank = 1;
}

/* control takes the same way as data. */
static void rank_control(struct policy *p)
{
	p->slo.classes = SET(p, CONTROL, DATA);
	p->members[0][0] = (struct ir_member){ "control", ID_NONE, SET(p, CONTROL), 0 };
	p->members[0][1] = (struct ir_member){ "data", ID_NONE, SET(p, DATA), 1 };
	p->slo.classify = IR_CLASSIFY_AUTO;
	rank_data(p);
}

static void wrong_rank(struct policy *p)
{
	p->tasks[2].rank = 0;
}

static void priorities_bite(void)
{
	EXPECT_REFUSALS(
	    { open_shares, rank_data,
	      "t1 (fw.inc) serves data and runs fw.logto, which only logs" },
	    { open_shares, rank_logs, "t0 (fw.fwd) has rank 0, not 1" },
	    { open_shares, rank_control, "priority of control over data has no effect" },
	    { open_layered, wrong_rank, "t2 (fw.acl of logs) has rank 0, not 1" });
}

/* ---- service ---- */

static void too_much(struct policy *p)
{
	p->tasks[1].service = rat_make(3, 2);
}

static void too_little(struct policy *p)
{
	p->tasks[0].service = rat_make(1, 200);
}

static void negative(struct policy *p)
{
	p->tasks[0].service = rat_int(-1);
}

static void rising(struct policy *p)
{
	p->tasks[1].service = rat_make(1, 4);
}

/* tx gets a queue that b's task and the source's feed with different services. */
static void join_unequal(struct policy *p)
{
	p->slo.entitlement = false;
	p->tasks[0] = (struct sched_task){ .root = B,
					   .copy = ID_NONE,
					   .modules = SET(p, B),
					   .queue = true,
					   .service = rat_make(1, 2) };
	p->tasks[1] = (struct sched_task){
		.root = RX, .copy = ID_NONE, .modules = SET(p, A, C, RX), .service = RAT_ONE
	};
	p->tasks[2] = (struct sched_task){ .root = TX,
					   .copy = ID_NONE,
					   .modules = SET(p, TX),
					   .queue = true,
					   .service = rat_make(1, 2) };
	p->s.n_tasks = 3;
}

static void entitled_to_nothing(struct policy *p)
{
	p->tasks[0].service = rat_make(1, 200);
}

static void entitled_without_load(struct policy *p)
{
	p->toy[B].cost = RAT_ZERO;
}

static void service_is_bounded(void)
{
	EXPECT_REFUSALS(
	    { open_shares, too_much, "t1 (fw.inc) has service 1.5, more than 1" },
	    { open_shares, too_little,
	      "data leaves fw.out with service 0.005, below the floor 0.01" },
	    { open_shares, negative, "t0 (fw.fwd) has the service -1" },
	    { open_shares, rising, "more than the 0.25 of t1 (fw.inc) that feeds it" },
	    { open_entitled, join_unequal, "feed t2 (toy.tx) with services" },
	    { open_entitled, entitled_to_nothing, "t0 (toy.b) has service 0.005, below the floor" },
	    { open_entitled, entitled_without_load,
	      "t0 (toy.b) has service 2.16667 without any load" });
}

/* ---- T, R, L ---- */

static void more_time(struct policy *p)
{
	p->rows[1].time = rat_int(1476000010);
}

static void more_rate(struct policy *p)
{
	p->rows[2].rate = rat_int(1000001);
}

static void more_in_all(struct policy *p)
{
	p->s.rate = rat_int(4000000);
}

static void lose_row(struct policy *p)
{
	p->s.n_classes = 2;
}

static void swap_rows(struct policy *p)
{
	p->rows[1].class = CONTROL;
}

static void more_load(struct policy *p)
{
	p->tasks[1].load = rat_int(1280120010);
}

static void free_queues(struct policy *p)
{
	p->target.queue_cost = RAT_ZERO;
}

static void free_classifier(struct policy *p)
{
	p->target.classify_cost = RAT_ZERO;
}

static void two_replicas(struct policy *p)
{
	p->target.replicas = 2;
}

static void wrong_share(struct policy *p)
{
	p->tasks[1].share[2] = rat_make(1, 5);
}

/* Another exit gets a copy of what data sends; data's own path stays. */
static void copy_path(struct policy *p)
{
	static const uint32_t copied[] = { INC, ACL, LOGTO };
	struct ir_path *paths = arena_many(p->arena, struct ir_path, 2);

	paths[0] = p->paths[DATA];
	paths[1] = (struct ir_path){ .pipeline = FW,
				     .modules = copied,
				     .n = 3,
				     .copy = true,
				     .first = 2,
				     .rate_pps = rat_int(500000) };
	p->classes[DATA].paths = paths;
	p->classes[DATA].n_paths = 2;
}

/* 500 k x 40 cycles more for data and the source's task, and nothing more delivered. */
static void open_copied(struct policy *p)
{
	open_shares(p);
	copy_path(p);
	p->rows[1].time = rat_int(1496000000);
	p->tasks[1].load = rat_int(1300120000);
	p->slo.tolerance = rat_make(1, 50);
	set_share(p, 1, rat_make(4120, 1300120), rat_make(1050000, 1300120),
		  rat_make(246000, 1300120));
	hang_flat(p);
}

static void predictions_agree(void)
{
	expect_accepted(open_copied);
	EXPECT_REFUSALS(
	    { open_shares, more_time, "data takes 1476000000 cycles/s, not 1476000010" },
	    { open_shares, more_rate, "logs delivers 1000000 packets/s, not 1000001" },
	    { open_shares, more_in_all,
	      "all named classes deliver 3113744.07583 packets/s, not 4000000" },
	    { open_shares, lose_row, "2 classes are predicted, 3 pass the pipeline" },
	    { open_shares, swap_rows, "row 1 of the prediction is not that of data" },
	    { open_shares, more_load, "t1 (fw.inc) takes 1280120000 cycles/s, not 1280120010" },
	    { open_shares, free_queues, "t0 (fw.fwd) takes" },
	    { open_layered, free_classifier,
	      "t3 (fw.inc) takes 240800000 cycles/s, not 602000000" },
	    { open_shares, two_replicas, "control takes" },
	    { open_shares, wrong_share, "of its cycles on logs, not 0.2" },
	    { open_shares, copy_path, "data takes 1496000000 cycles/s" });
}

/* ---- statements ---- */

static void other_ratio(struct policy *p)
{
	struct rat *parts = arena_many(p->arena, struct rat, 2);

	parts[0] = rat_int(7);
	parts[1] = RAT_ONE;
	p->statement.parts = parts;
}

static void throughput_ratio(struct policy *p)
{
	p->statement.kind = IR_THROUGHPUT_RATIO;
}

/* A bound on member WHICH of the first level, beside the ratio. */
static void add_bound(struct policy *p, enum ir_statement_kind kind, bool at_least, bool bits,
		      struct rat bound)
{
	static const uint32_t member[] = { 0 };

	p->both[0] = p->statement;
	p->both[1] = (struct ir_statement){ .kind = kind,
					    .members = member,
					    .n_members = 1,
					    .at_least = at_least,
					    .bits = bits,
					    .bound = bound };
	p->levels[0].statements = p->both;
	p->levels[0].n_statements = 2;
}

static void rate_too_high(struct policy *p)
{
	add_bound(p, IR_RATE_BOUND, true, false, rat_int(3000000));
}

static void bits_too_low(struct policy *p)
{
	add_bound(p, IR_RATE_BOUND, false, true, rat_int(1082000000));
}

static void share_too_high(struct policy *p)
{
	add_bound(p, IR_CPU_BOUND, true, false, rat_make(57, 100));
}

static void share_too_low(struct policy *p)
{
	add_bound(p, IR_CPU_BOUND, false, false, rat_make(56, 100));
}

/* 417 cycles and one queue of 1024, drained at 446/1055 x 5.02 M: 160.38 ns + 482.51 us. */
static void latency_too_low(struct policy *p)
{
	add_bound(p, IR_LATENCY, false, false, rat_int(482660));
}

static void open_bounded(struct policy *p)
{
	open_shares(p);
	add_bound(p, IR_LATENCY, false, false, rat_int(482680));
}

static void open_bounded_bits(struct policy *p)
{
	open_shares(p);
	add_bound(p, IR_RATE_BOUND, false, true, rat_int(1083000000));
}

static void statements_hold(void)
{
	expect_accepted(open_bounded);
	expect_accepted(open_bounded_bits);
	EXPECT_REFUSALS(
	    { open_shares, other_ratio, "the time of data is 1476000000 of the sum 1722000000" },
	    { open_shares, throughput_ratio, "the rate of data is 2113744.07583" },
	    { open_shares, rate_too_high,
	      "the rate of data is 2113744.07583; stated is at least 3000000" },
	    { open_shares, bits_too_low, "the rate of data is 1082236966.82; stated is at most" },
	    { open_shares, share_too_high,
	      "the share of data is 0.567692307692; stated is at least 0.57" },
	    { open_shares, share_too_low,
	      "the share of data is 0.567692307692; stated is at most 0.56" },
	    { open_shares, latency_too_low, "data may take 4826" });
}

/* ---- weights and the tree ---- */

static void wrong_weight(struct policy *p)
{
	p->tasks[0].weight = p->leaves[0].weight = rat_make(1, 4);
}

static void lose_weight(struct policy *p)
{
	p->tasks[0].weighted = false;
}

static void no_tree(struct policy *p)
{
	p->s.tree = NULL;
}

static void wrong_kind(struct policy *p)
{
	p->tree.kind = SCHED_PRIORITY;
}

static void wrong_level(struct policy *p)
{
	p->joined[1].level = ID_NONE;
}

static void lose_leaf(struct policy *p)
{
	p->tree.n_children = 1;
}

static void swap_leaves(struct policy *p)
{
	struct sched_node n = p->leaves[0];

	p->leaves[0] = p->leaves[1];
	p->leaves[1] = n;
}

static void leaf_elsewhere(struct policy *p)
{
	p->leaves[3].task = 3;
}

static void leaf_twice(struct policy *p)
{
	p->leaves[1].task = 0;
}

static void wrong_node_weight(struct policy *p)
{
	p->leaves[1].weight = rat_make(9, 10);
}

static void wrong_node_rank(struct policy *p)
{
	p->joined[1].rank = 2;
}

static void weight_of_ranked(struct policy *p)
{
	p->joined[0].weighted = true;
}

static void tree_is_right(void)
{
	EXPECT_REFUSALS(
	    { open_shares, wrong_weight, "t0 (fw.fwd) weighs 0.25, not 0.2699" },
	    { open_shares, lose_weight, "t0 (fw.fwd) has no weight" },
	    { open_shares, no_tree, "there is no tree" },
	    { open_shares, wrong_kind,
	      "the tree has a priority node slo in place of a weighted node slo" },
	    { open_layered, wrong_level, "in place of a weighted node slo" },
	    { open_shares, lose_leaf, "has 1 children, not 2" },
	    { open_shares, swap_leaves, "the tree has t1 (fw.inc) in place of t0 (fw.fwd)" },
	    { open_layered, leaf_elsewhere,
	      "the tree has t3 (fw.inc) in place of t2 (fw.acl of logs)" },
	    { open_shares, leaf_twice, "the tree has t0 (fw.fwd) in place of t1 (fw.inc)" },
	    { open_shares, wrong_node_weight, "t1 (fw.inc) weighs 0.9, not the 0.7300" },
	    { open_layered, wrong_node_rank, "has not the rank 1" },
	    { open_layered, weight_of_ranked, "has a weight" });
}

static const struct unit units[] = {
	{ "the_answers_that_the_reference_states_are_accepted", stated_answers },
	{ "tasks_cover_all_modules_once_and_in_order", tasks_cover_all },
	{ "every_worker_has_a_task_and_no_more_than_its_cycles", workers_are_kept },
	{ "a_classifier_tells_classes_apart_or_is_refused", classes_can_be_told_apart },
	{ "a_priority_that_does_not_bite_is_refused", priorities_bite },
	{ "service_keeps_floors_and_never_rises_on_the_way", service_is_bounded },
	{ "predicted_times_rates_and_loads_are_computed_anew", predictions_agree },
	{ "every_statement_is_held_against_the_answer", statements_hold },
	{ "weights_and_tree_agree_with_the_loads", tree_is_right },
};

int main(void)
{
	return unit_main("schedule_check", units, sizeof(units) / sizeof(*units));
}
