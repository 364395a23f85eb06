/* Which task serves a traced packet where: a policy, and a schedule made by hand. */
#include <config.h>

#include "tests/unit/unit.h"

#include <string.h>

#include "compiler/lower/lower.h"
#include "compiler/tools/trace.h"

/* Three ways through one table; a copy of what is logged goes to `tap`. */
static const char policy_text[] =
    "edition 1;\n"
    "module q;\n"
    "function port { role source; cost 40cycles; }\n"
    "function work { cost 100cycles; }\n"
    "function sink { role exit; cost 10cycles; }\n"
    "pipeline p {\n"
    "  acl : work; fwd : work; inc : port; join : work; log : work; out : sink; tap : sink;\n"
    "  inc -> acl;\n"
    "  acl -> log when 53/udp;\n"
    "  acl -> fwd otherwise;\n"
    "  {fwd, log} -> join;\n"
    "  log ->> tap when ip.dscp == 46;\n"
    "  join -> out;\n"
    "}\n"
    "pipeline other { inc : port; out : sink; inc -> out; }\n"
    "class logs { through p.inc -> p.acl -> p.log -> p.join -> p.out; }\n"
    "class web { through p.inc -> p.acl -> p.fwd -> p.join -> p.out; match 80/tcp; }\n";

enum { MOST = 8 };

struct bench {
	struct policy policy;
	struct plan plan;
	struct plan_schedule row;
	struct plan_task tasks[MOST];
	struct plan_classifier classifier;
	struct plan_early_class early[MOST];
	struct packet_value values[MOST];
	const struct field *hidden[MOST];
	struct walk_packet packet;
	struct sink text;
};

static void bench_open(struct bench *b)
{
	static const struct search nowhere = { 0 };
	static const int64_t cores[] = { 4, 6 };

	memset(b, 0, sizeof(*b));
	b->policy.ctx = ctx_new();
	b->policy.model = check_text(b->policy.ctx, policy_text, sizeof(policy_text) - 1, &nowhere);
	CU_ASSERT_EQUAL_FATAL(b->policy.ctx->diags.n_errors, 0);
	b->policy.ir = lower(b->policy.model);
	b->policy.plan = &b->plan;
	b->plan.schedules.at = &b->row;
	b->plan.schedules.n = 1;
	b->row = (struct plan_schedule){ .pipeline = "p",
					 .slo = "s",
					 .target = "rack",
					 .replicas = 1,
					 .queue_packets = 1024,
					 .cores = { cores, 2 } };
	b->row.queue_cost_cycles = rat_dec(rat_int(12));
	b->row.classify_cost_cycles = rat_dec(rat_int(60));
	b->row.tasks.at = b->tasks;
	b->packet.packet.at = b->values;
	b->packet.hidden = b->hidden;
}

static void bench_close(struct bench *b)
{
	sink_free(&b->text);
	ctx_free(b->policy.ctx);
}

static void add_task(struct bench *b, const char *id, const char *root, const char *class,
		     int64_t worker)
{
	b->tasks[b->row.tasks.n++] = (struct plan_task){ .id = id,
							 .root = root,
							 .class = class,
							 .worker = worker,
							 .queue = strcmp(root, "p.inc") != 0 };
}

static void give(struct bench *b, const char *name, uint64_t value)
{
	b->values[b->packet.packet.n++] =
	    (struct packet_value){ .field = fields_find(b->policy.ir->fields, name),
				   .value = value };
}

static void hide(struct bench *b, const char *name)
{
	b->hidden[b->packet.n_hidden++] = fields_find(b->policy.ir->fields, name);
}

static void give_web(struct bench *b)
{
	give(b, "ip.proto", 6);
	give(b, "l4.dport", 80);
}

static void give_dns(struct bench *b)
{
	give(b, "ip.proto", 17);
	give(b, "l4.dport", 53);
}

static void part(struct bench *b, const char *class, uint64_t port)
{
	static const char *const sources[] = { "p.inc" };
	struct fields *f = b->policy.ir->fields;

	b->row.classifier = &b->classifier;
	b->classifier.after = (struct plan_texts){ sources, 1 };
	b->classifier.classes.at = b->early;
	b->early[b->classifier.classes.n++] =
	    (struct plan_early_class){ .name = class,
				       .fx = port ? fx_service(f, port == 53 ? 17 : 6, port, port)
						  : fx_true(f) };
}

static struct trace *trace_of(struct bench *b)
{
	const struct ir_pipeline *p = &b->policy.ir->pipelines[1];
	struct arena *a = b->policy.ctx->arena;

	CU_ASSERT_STRING_EQUAL_FATAL(p->name, "p");
	return trace_walk(a, &b->policy, p, walk_sources(a, p).at[0], &b->packet);
}

/* From the line that names the target. */
static const char *told(struct bench *b)
{
	const char *target;

	sink_free(&b->text);
	b->text = (struct sink){ 0 };
	trace_human(&b->text, trace_of(b));
	target = strstr(b->text.data, "target ");
	return target ? target : "no target";
}

/* ---- without a classifier ---- */

static void open_two_tasks(struct bench *b)
{
	bench_open(b);
	add_task(b, "t0", "p.inc", NULL, 0);
	add_task(b, "t1", "p.log", NULL, 1);
}

static void last_root_serves(void)
{
	struct bench b;

	open_two_tasks(&b);
	give_dns(&b);
	UNIT_TEXT("target rack, slo s\n"
		  "  p.inc   task t0, worker 0 on core 4\n"
		  "  p.acl   task t0, worker 0 on core 4\n"
		  "  p.log   task t1, worker 1 on core 6, behind a queue of 1024 packets\n"
		  "  p.join  task t1, worker 1 on core 6\n"
		  "  p.out   task t1, worker 1 on core 6\n"
		  "  queues and classifier: 12 cycles besides\n",
		  told(&b));
	bench_close(&b);
}

static void join_stays_upstream(void)
{
	struct bench b;

	open_two_tasks(&b);
	give_web(&b);
	UNIT_TEXT("target rack, slo s\n"
		  "  p.inc   task t0, worker 0 on core 4\n"
		  "  p.acl   task t0, worker 0 on core 4\n"
		  "  p.fwd   task t0, worker 0 on core 4\n"
		  "  p.join  task t0, worker 0 on core 4\n"
		  "  p.out   task t0, worker 0 on core 4\n",
		  told(&b));
	bench_close(&b);
}

static void copy_stays_with_its_maker(void)
{
	struct bench b;

	open_two_tasks(&b);
	give_dns(&b);
	give(&b, "ip.dscp", 46);
	UNIT_TEXT("target rack, slo s\n"
		  "  p.inc      task t0, worker 0 on core 4\n"
		  "  p.acl      task t0, worker 0 on core 4\n"
		  "  p.log      task t1, worker 1 on core 6, behind a queue of 1024 packets\n"
		  "      p.tap  task t1, worker 1 on core 6\n"
		  "  p.join     task t1, worker 1 on core 6\n"
		  "  p.out      task t1, worker 1 on core 6\n"
		  "  queues and classifier: 12 cycles besides\n",
		  told(&b));
	bench_close(&b);
}

static void copies_of_the_pipeline_have_no_core(void)
{
	struct bench b;

	open_two_tasks(&b);
	b.row.replicas = 2;
	give_web(&b);
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.inc   task t0, worker 0\n"));
	bench_close(&b);
}

static void failed_slo_has_no_tasks(void)
{
	struct bench b;

	bench_open(&b);
	b.row.code = "E0701";
	give_web(&b);
	UNIT_TEXT("target rack, slo s\n  no schedule: E0701\n", told(&b));
	bench_close(&b);
}

static void other_pipelines_are_not_told(void)
{
	struct bench b;

	open_two_tasks(&b);
	b.row.pipeline = "other";
	give_web(&b);
	UNIT_TEXT("no target", told(&b));
	bench_close(&b);
}

/* ---- behind a classifier ---- */

static void open_parted(struct bench *b)
{
	bench_open(b);
	part(b, "logs", 53);
	part(b, "web", 80);
	add_task(b, "t0", "p.inc", NULL, 0);
	add_task(b, "t1", "p.acl", "logs", 0);
	add_task(b, "t2", "p.acl", "web", 1);
	add_task(b, "t3", "p.join", "web", 1);
}

static void early_queue_of_its_class(void)
{
	struct bench b;

	open_parted(&b);
	give_web(&b);
	UNIT_TEXT(
	    "target rack, slo s\n"
	    "  a classifier behind p.inc puts it into the early queue of class web\n"
	    "  p.inc   task t0, worker 0 on core 4\n"
	    "  p.acl   task t2, worker 1 on core 6, behind its class's queue of 1024 packets\n"
	    "  p.fwd   task t2, worker 1 on core 6\n"
	    "  p.join  task t3, worker 1 on core 6, behind a queue of 1024 packets\n"
	    "  p.out   task t3, worker 1 on core 6\n"
	    "  queues and classifier: 84 cycles besides\n",
	    told(&b));
	bench_close(&b);
}

static void shared_modules_run_per_class(void)
{
	struct bench b;

	open_parted(&b);
	give_dns(&b);
	UNIT_TEXT(
	    "target rack, slo s\n"
	    "  a classifier behind p.inc puts it into the early queue of class logs\n"
	    "  p.inc   task t0, worker 0 on core 4\n"
	    "  p.acl   task t1, worker 0 on core 4, behind its class's queue of 1024 packets\n"
	    "  p.log   task t1, worker 0 on core 4\n"
	    "  p.join  task t1, worker 0 on core 4\n"
	    "  p.out   task t1, worker 0 on core 4\n"
	    "  queues and classifier: 72 cycles besides\n",
	    told(&b));
	bench_close(&b);
}

/* Packets of another source, which no classifier looks at, have a task of their own. */
static void tasks_of_unparted_sources_are_others(void)
{
	struct bench b;

	open_parted(&b);
	add_task(&b, "t4", "p.acl", NULL, 0);
	add_task(&b, "t5", "p.fwd", NULL, 0);
	give_web(&b);
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.acl   task t2,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.fwd   task t2,"));
	b.classifier.after.n = 0;
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.acl   task t4,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.join  task t5,"));
	bench_close(&b);
}

static void the_rest_has_its_queue(void)
{
	struct bench b;
	const struct trace *t;

	open_parted(&b);
	give(&b, "ip.proto", 1);
	t = trace_of(&b);
	CU_ASSERT_PTR_NULL(t->targets[0].early);
	CU_ASSERT(!t->targets[0].open);
	part(&b, "rest", 0);
	add_task(&b, "t4", "p.acl", "rest", 0);
	t = trace_of(&b);
	UNIT_TEXT("rest", t->targets[0].early);
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&b), "p.acl   task t4,"));
	bench_close(&b);
}

static void unknown_class_unknown_task(void)
{
	struct bench b;
	struct rat cycles;
	const struct trace *t;

	open_parted(&b);
	part(&b, "rest", 0);
	add_task(&b, "t4", "p.acl", "rest", 0);
	give(&b, "ip.proto", 17);
	hide(&b, "l4.dport");
	t = trace_of(&b);
	CU_ASSERT(t->targets[0].open);
	CU_ASSERT_PTR_NULL(t->targets[0].early);
	CU_ASSERT(!trace_overhead(t, &t->targets[0], &cycles));
	UNIT_TEXT("target rack, slo s\n"
		  "  a classifier behind p.inc puts it into an early queue that is not known\n"
		  "  p.inc  task t0, worker 0 on core 4\n"
		  "  p.acl  unknown task\n"
		  "  queues and classifier: unknown cycles besides\n",
		  told(&b));
	bench_close(&b);
}

/* ---- the same in json ---- */

static void json_tells_who_serves(void)
{
	struct bench b;
	const struct trace *t;

	open_two_tasks(&b);
	give_dns(&b);
	t = trace_of(&b);
	trace_json(&b.text, &t, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.text.data, "          \"module\": \"p.log\",\n"
						   "          \"cycles\": 100,\n"
						   "          \"served\": [\n"
						   "            {\n"
						   "              \"target\": \"rack\",\n"
						   "              \"task\": \"t1\",\n"
						   "              \"worker\": 1,\n"
						   "              \"queue\": true\n"
						   "            }\n"
						   "          ],\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(b.text.data, "\"overhead_cycles\": 12\n"));
	bench_close(&b);
}

/* ---- sizes ---- */

static void size_of_its_classes(void)
{
	struct bench b;
	struct ir_pipeline *p;

	open_two_tasks(&b);
	give_web(&b);
	p = &b.policy.ir->pipelines[1];
	CU_ASSERT(!trace_of(&b)->has_size);
	for (size_t i = 0; i < 2; i++) {
		b.policy.ir->classes[i].has_packet = true;
		b.policy.ir->classes[i].packet = rat_int(100 + (int64_t)i);
	}
	p->has_packet = true;
	p->packet = rat_int(512);
	/* "logs" is the first, "web" the second. */
	CU_ASSERT_EQUAL(rat_cmp(trace_of(&b)->size, rat_int(101)), 0);
	b.values[1].value = 443; /* in no class */
	CU_ASSERT_EQUAL(rat_cmp(trace_of(&b)->size, rat_int(512)), 0);
	b.packet.packet.n = 1; /* in which class? */
	hide(&b, "l4.dport");
	CU_ASSERT(!trace_of(&b)->has_size);
	bench_close(&b);
}

static const struct unit units[] = {
	{ "the_task_of_the_last_root_serves_the_packet", last_root_serves },
	{ "a_join_without_a_queue_stays_with_who_hands_the_packet_on", join_stays_upstream },
	{ "a_copy_stays_with_the_task_that_made_it", copy_stays_with_its_maker },
	{ "of_several_copies_of_the_pipeline_no_core_is_named",
	  copies_of_the_pipeline_have_no_core },
	{ "an_slo_that_failed_has_no_tasks", failed_slo_has_no_tasks },
	{ "schedules_of_other_pipelines_are_left_out", other_pipelines_are_not_told },
	{ "a_classifier_puts_the_packet_into_the_queue_of_its_class", early_queue_of_its_class },
	{ "shared_modules_run_once_per_class_behind_a_classifier", shared_modules_run_per_class },
	{ "tasks_of_sources_without_a_classifier_are_others",
	  tasks_of_unparted_sources_are_others },
	{ "what_is_in_no_class_waits_in_the_queue_of_the_rest", the_rest_has_its_queue },
	{ "an_unknown_class_leaves_the_tasks_unknown", unknown_class_unknown_task },
	{ "json_tells_who_serves_the_packet", json_tells_who_serves },
	{ "a_packet_has_the_size_that_its_classes_have_in_common", size_of_its_classes },
};

int main(void)
{
	return unit_main("trace", units, sizeof(units) / sizeof(*units));
}
