#include <config.h>

#include "runtime/dpdk/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "runtime/dpdk/rates.h"
#include "tests/unit/packets.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

/* ---- the line ---- */

static void fits(const double *costs, double fixed, double slope)
{
	const double sizes[] = { 100, 200, 300 };
	double a, b;

	profile_fit(sizes, costs, 3, &a, &b);
	CU_ASSERT_DOUBLE_EQUAL(a, fixed, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(b, slope, 1e-9);
}

static void lines(void)
{
	double size = 64, cost = 7, a, b;

	fits((double[]){ 60, 70, 80 }, 50, 0.1);
	fits((double[]){ 60, 72, 78 }, 52, 0.09);
	fits((double[]){ 80, 70, 60 }, 70, 0);
	fits((double[]){ 5, 105, 205 }, 0, 83000.0 / 140000);
	fits((double[]){ 0, 0, 0 }, 0, 0);
	profile_fit(&size, &cost, 1, &a, &b);
	CU_ASSERT_DOUBLE_EQUAL(a, 7, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(b, 0, 1e-9);
}

/* ---- modules ---- */

/* Reads the payload, so that it costs by the byte; counts what it meets. */
struct reader {
	uint64_t bursts, packets, sum, chosen;
	struct rte_mbuf *held;
};

static struct reader reader;

static void *reader_open(const struct module_spec *spec, struct module_error *error)
{
	if (strcmp(spec->id, "broken") == 0) {
		module_fail(error, "rules: there are none");
		return NULL;
	}
	reader = (struct reader){ 0 };
	return &reader;
}

static void reader_close(void *state)
{
	rte_pktmbuf_free(((struct reader *)state)->held);
}

static void reader_run(void *state, struct burst *b)
{
	struct reader *r = state;

	r->bursts++;
	r->packets += b->n;
	for (unsigned i = 0; i < b->n; i++)
		for (unsigned k = 0; k < b->at[i]->data_len; k++)
			r->sum += rte_pktmbuf_mtod(b->at[i], const volatile uint8_t *)[k];
}

/* Keeps the last packet of each burst until the next call. */
static void keeper_run(void *state, struct burst *b)
{
	struct reader *r = state;

	burst_hold(b, b->at[b->n - 1]);
	r->held = b->at[--b->n];
	r->bursts++;
}

static void keeper_release(void *state, struct burst *b)
{
	struct reader *r = state;

	if (!r->held)
		return;
	burst_unhold(b, r->held);
	b->at[b->n++] = r->held;
	r->held = NULL;
}

static void choose(void *arg, struct burst *b, int16_t *edges)
{
	struct reader *r = arg;

	for (unsigned i = 0; i < b->n; i++)
		edges[i] = 0;
	r->chosen += b->n;
}

static const struct module_ops reader_ops = {
	.class = "reader", .open = reader_open, .close = reader_close, .run = reader_run
};
static const struct module_ops keeper_ops = { .class = "keeper",
					      .open = reader_open,
					      .close = reader_close,
					      .run = keeper_run,
					      .release = keeper_release };

static struct profile_error error;

/* What is written, malloced; NULL where it is refused. */
static char *profiled(const struct profile_item *items, size_t n)
{
	struct profile_request r = { .items = items,
				     .n_items = n,
				     .rounds = 3,
				     .bursts = 40,
				     .pool = packets_pool(),
				     .hz = rte_get_tsc_hz(),
				     .processor = "a \"fast\" one",
				     .date = "2026-11-21" };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok = profile_run(&r, out, &error);

	fclose(out);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(packets_pool()), 0);
	if (ok)
		return text;
	CU_ASSERT_EQUAL(size, 0);
	free(text);
	return NULL;
}

static double number_behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return strtod(at + strlen(words), NULL);
}

static const unsigned sizes[] = { 64, 512, 1500 };

static void costs_are_written(void)
{
	struct module_spec spec = packets_spec("reader", "reader");
	struct profile_item items[] = {
		{ .name = "acl",
		  .base = "std.dataplane.acl",
		  .ops = &reader_ops,
		  .spec = &spec,
		  .sizes = sizes,
		  .n_sizes = N(sizes),
		  .choose = choose,
		  .choose_arg = &reader },
	};
	char *text = profiled(items, 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_EQUAL(strncmp(text,
				"edition 1;\nmodule std.measured;\nuse std.dataplane;\n\n"
				"function acl : dataplane.acl {\n  cost          ",
				99),
			0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  measured      \"a  fast  one, "));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "TSC, burst 32, sizes 64 512 1500, 2026-11-21\";\n}\n"));
	CU_ASSERT_TRUE(number_behind(text, "cost          ") >= 0);
	/* A byte at a time takes some part of a cycle each; it is not nothing. */
	CU_ASSERT_TRUE(number_behind(text, "cost-per-byte ") > 0);
	CU_ASSERT_EQUAL(reader.packets, reader.bursts * BURST);
	CU_ASSERT_EQUAL(reader.chosen, reader.packets);
	CU_ASSERT_TRUE(reader.bursts >= 3 * 3 * 40);
	free(text);
}

static void held_packets_come_back(void)
{
	struct module_spec spec = packets_spec("keeper", "keeper");
	struct profile_item items[] = {
		{ .name = "delay",
		  .base = "std.dataplane.work",
		  .ops = &keeper_ops,
		  .spec = &spec,
		  .sizes = sizes,
		  .n_sizes = 1 },
		{ .name = "count",
		  .base = "std.nf.monitor",
		  .ops = &reader_ops,
		  .spec = &spec,
		  .sizes = sizes,
		  .n_sizes = 1 },
	};
	char *text = profiled(items, 2);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "use std.dataplane;\nuse std.nf;\n\nfunction delay : "
					    "dataplane.work {"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nfunction count : nf.monitor {"));
	free(text);
}

static void refused(const char *id, const char *name, const char *base, const char *why)
{
	struct module_spec spec = packets_spec(id, "reader");
	struct profile_item items[] = {
		{ .name = "acl",
		  .base = "std.dataplane.acl",
		  .ops = &reader_ops,
		  .spec = &spec,
		  .sizes = sizes,
		  .n_sizes = 1 },
		{ .name = name,
		  .base = base,
		  .ops = &reader_ops,
		  .spec = &spec,
		  .sizes = sizes,
		  .n_sizes = 1 },
	};

	CU_ASSERT_PTR_NULL(profiled(items + (strcmp(id, "broken") == 0), 1 + !strcmp(id, "fine")));
	UNIT_TEXT(why, error.text);
}

static void wrong_requests(void)
{
	refused("broken", "lpm", "std.dataplane.lookup", "lpm: rules: there are none");
	refused("fine", "2lpm", "std.dataplane.lookup", "'2lpm' is no name for a function");
	refused("fine", "class", "std.dataplane.lookup", "'class' is no name for a function");
	refused("fine", "a-", "std.dataplane.lookup", "'a-' is no name for a function");
	refused("fine", "lpm", "lookup", "lpm: 'lookup' names no function of a module");
	refused("fine", "lpm", "std..lookup", "lpm: 'std..lookup' names no function of a module");
	refused("fine", "acl", "std.nf.firewall",
		"the names of acl (std.dataplane.acl) and acl "
		"(std.nf.firewall) clash");
	refused("fine", "dataplane", "std.nf.firewall",
		"the names of acl (std.dataplane.acl) and dataplane (std.nf.firewall) clash");
}

/* ---- rates ---- */

static void rates_are_written(void)
{
	struct stats_class classes[] = {
		{ .name = "lib.bulk", .received = 0 },
		{ .name = "voip",
		  .received = 1000,
		  .received_bytes = 200500,
		  .entered = 500,
		  .left = 250 },
		{ .name = "_x", .received = 1, .received_bytes = 64 },
		{ .name = "rest", .received = 77 },
		{ .name = "undecided" },
	};
	struct stats s = { .seconds = 0.5, .classes = classes, .n_classes = N(classes) };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CU_ASSERT_TRUE(rates_write(&s, out));
	s.seconds = 0;
	CU_ASSERT_FALSE(rates_write(&s, out));
	fclose(out);
	UNIT_TEXT("edition 1;\nmodule rates;\nlet lib__bulk-rate = 0pps;\n"
		  "let voip-rate = 2500pps;\nlet voip-packet = 200B;\n"
		  "let class_x-rate = 2pps;\nlet class_x-packet = 64B;\n",
		  text);
	free(text);
}

static const struct unit units[] = {
	{ "a_line_is_never_below_zero", lines },
	{ "costs_are_written_as_functions_of_the_language", costs_are_written },
	{ "packets_that_a_module_held_come_back", held_packets_come_back },
	{ "requests_that_make_no_module_are_refused", wrong_requests },
	{ "rates_are_written_as_constants", rates_are_written },
};

int main(void)
{
	packets_start("epic-test-profile");
	return unit_main("dpdk profile", units, N(units));
}
