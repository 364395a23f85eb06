#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/dpdk/stats_fields.h"
#include "runtime/dpdk/stats_forms.h"
#include "runtime/dpdk/stats_read.h"
#include "tests/unit/made_stats.h"
#include "tests/unit/unit.h"

static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int rounds(int n)
{
	const char *scale = getenv("EPIC_TEST_SCALE");

	return n / (scale && atoi(scale) > 0 ? atoi(scale) : 1) + 1;
}

/* ---- latency ---- */

static void buckets_follow_each_other_and_are_narrow(void)
{
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		uint64_t begin = latency_begin(i), end = latency_begin(i + 1);

		CU_ASSERT_TRUE(end > begin);
		CU_ASSERT_EQUAL(latency_bucket(begin), i);
		CU_ASSERT_EQUAL(latency_bucket(end - 1), i);
		CU_ASSERT_TRUE((end - begin) * 16 <= begin || end - begin == 1);
	}
	CU_ASSERT_EQUAL(latency_begin(0), 0);
	CU_ASSERT_EQUAL(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void near_sorted(uint64_t *samples, size_t n)
{
	static const double shares[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };
	struct latency l = { { 0 } };

	for (size_t i = 0; i < n; i++)
		latency_add(&l, samples[i]);
	qsort(samples, n, sizeof(*samples), compare);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		size_t rank = (size_t)ceil(shares[i] * (double)n);
		double exact = (double)samples[rank ? rank - 1 : 0];

		CU_ASSERT_TRUE(fabs(latency_at(&l, shares[i]) - exact) <= exact / 32);
	}
	CU_ASSERT_EQUAL(latency_count(&l), n);
}

static void percentiles_are_near_those_of_the_sorted_samples(void)
{
	static uint64_t samples[3000];
	uint64_t seed = 2463534242;
	int n = rounds(100);

	for (int i = 0; i < n; i++) {
		size_t count = random_next(&seed) % 3000 + 1;

		for (size_t k = 0; k < count; k++)
			samples[k] = random_next(&seed) % (1ull << 34) >> random_next(&seed) % 34;
		near_sorted(samples, count);
	}
}

static void sums_and_differences_are_of_samples(void)
{
	struct latency a = { { 0 } }, b = { { 0 } }, both = { { 0 } };
	uint64_t seed = 7;

	for (int i = 0; i < 1000; i++) {
		uint64_t cycles = random_next(&seed) % 100000;

		latency_add(i % 3 ? &a : &b, cycles);
		latency_add(&both, cycles);
	}
	CU_ASSERT_EQUAL(latency_at(&(struct latency){ { 0 } }, 0.5), 0);
	latency_sum(&a, &b);
	CU_ASSERT_FALSE(memcmp(&a, &both, sizeof(a)));
	latency_minus(&a, &b);
	latency_sum(&b, &a);
	CU_ASSERT_FALSE(memcmp(&b, &both, sizeof(b)));
	latency_minus(&a, &both); /* never below zero */
	CU_ASSERT_EQUAL(latency_count(&a), 0);
}

/* ---- JSON ---- */

static void json_of(struct text *t, unsigned step)
{
	struct stats *s = made_stats(step);

	stats_json(t, s);
	CU_ASSERT_FALSE_FATAL(t->failed);
	stats_free(s);
}

static bool keys_are_sorted(const struct tree_node *node)
{
	bool ok = true;

	for (size_t i = 0; ok && i < node->n_items; i++) {
		ok = keys_are_sorted(&node->items[i]);
		if (i && node->kind == TREE_OBJECT)
			ok = ok && strcmp(node->items[i - 1].key, node->items[i].key) < 0;
	}
	return ok;
}

static void json_is_one_line_with_sorted_keys(void)
{
	struct text t = { 0 };
	struct tree_error error = { "" };
	struct tree *tree;

	json_of(&t, 3);
	CU_ASSERT_PTR_EQUAL(strchr(t.at, '\n'), t.at + t.n - 1);
	tree = tree_read(t.at, t.n, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tree);
	CU_ASSERT_TRUE(keys_are_sorted(tree_root(tree)));
	tree_free(tree);
	text_free(&t);
}

static double number_at(const struct tree_node *node, const char *list, size_t i, const char *inner,
			const char *key)
{
	const struct tree_node *row = &tree_member(node, list)->items[i];
	struct tree_error error;
	double number = NAN;

	tree_number(inner ? tree_member(row, inner) : row, key, &number, &error);
	return number;
}

static void json_has_the_numbers_and_their_units(void)
{
	struct text t = { 0 };
	struct tree_error error = { "" };
	const struct tree_node *root;
	struct tree *tree;

	json_of(&t, 2);
	tree = tree_read(t.at, t.n, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tree);
	root = tree_root(tree);
	CU_ASSERT_EQUAL(number_at(root, "workers", 1, NULL, "busy"), 1e9);
	CU_ASSERT_EQUAL(number_at(root, "classes", 1, "dropped", "refused"), 80);
	CU_ASSERT_EQUAL(number_at(root, "classes", 3, NULL, "held"), 0);
	CU_ASSERT_EQUAL(number_at(root, "modules", 1, "counters", "translated"), 10);
	CU_ASSERT_EQUAL(number_at(root, "classes", 0, "latency", "packets"), 2000);
	/* 0, 2000, ... 1998000 cycles at 2 GHz */
	CU_ASSERT_DOUBLE_EQUAL(number_at(root, "classes", 0, "latency", "p50_us"), 500, 500 / 32.0);
	CU_ASSERT_DOUBLE_EQUAL(number_at(root, "classes", 1, "latency", "max_us"), 1998,
			       1998 / 32.0);
	tree_free(tree);
	text_free(&t);
}

static void what_json_says_is_read_back(void)
{
	struct text t = { 0 }, again = { 0 };
	struct stats_copy copy;
	struct tree_error error = { "" };

	json_of(&t, 5);
	CU_ASSERT_TRUE(stats_read(&copy, t.at, t.n, &error));
	UNIT_TEXT("", error.text);
	stats_json(&again, copy.stats);
	UNIT_TEXT(t.at, again.at);
	CU_ASSERT_PTR_NULL(copy.stats->slo);
	UNIT_TEXT("edge.\"bulk\\mail\"", copy.stats->classes[0].name);
	stats_forget(&copy);
	stats_forget(&copy);
	text_free(&t);
	text_free(&again);
}

static void refuses(const char *from, const char *to, const char *why)
{
	struct text t = { 0 }, changed = { 0 };
	struct stats_copy copy;
	struct tree_error error = { "" };
	char *at;

	json_of(&t, 1);
	at = strstr(t.at, from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	text_add(&changed, t.at, (size_t)(at - t.at));
	text_puts(&changed, to);
	text_puts(&changed, at + strlen(from));
	CU_ASSERT_FALSE(stats_read(&copy, changed.at, changed.n, &error));
	UNIT_TEXT(why, error.text);
	CU_ASSERT_PTR_NULL(copy.stats);
	text_free(&t);
	text_free(&changed);
}

static void what_is_not_this_form_is_refused(void)
{
	refuses("epic.dpdkd/1", "epic.dpdkd/2", "schema is not epic.dpdkd/1");
	refuses("\"busy\":1000000000", "\"busy\":-1",
		"workers[0].busy is not from 0 to 9223372036854775807");
	refuses("\"queue\":0", "\"queue\":true", "classes[2].dropped.queue is not an integer");
	refuses("\"early\":null", "\"early\":3", "tasks[0].early is not a string");
	refuses("\"kind\":\"net_null\"", "\"kind\":null", "devices[0].kind is not a string");
	refuses("\"hz\":2000000000", "\"hz\":\"2\"", "hz is not a number");
	refuses("\"buckets\":[[0,1]", "\"buckets\":[[0]",
		"classes[0].latency.buckets[0] is no pair");
	refuses("\"paused\":false,", "", "paused is missing");
	refuses("{\"flows\":17,",
		"{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,"
		"\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1,\"n\":1,\"o\":1,\"p\":1,",
		"modules[1].counters has too many members");
}

/* Whatever is done to the text, it is refused, or all its forms can be told. */
static void spoilt_text_does_no_harm(void)
{
	static const char spoil[] = "{}[],:\"\\-9e.ntf\0\xff";
	uint64_t seed = 123456789;
	int n = rounds(3000), taken = 0;
	struct text t = { 0 };

	json_of(&t, 1);
	for (int i = 0; i < n; i++) {
		char *bytes = malloc(t.n);
		struct text out = { 0 };
		struct stats_copy copy;
		struct tree_error error = { "" };

		memcpy(bytes, t.at, t.n);
		bytes[random_next(&seed) % t.n] = spoil[random_next(&seed) % (sizeof(spoil) - 1)];
		if (stats_read(&copy, bytes, t.n, &error)) {
			stats_human(&out, NULL, copy.stats, 80);
			stats_prometheus(&out, copy.stats);
			stats_json(&out, copy.stats);
			taken += !out.failed;
		} else {
			CU_ASSERT_TRUE(error.text[0] && !copy.stats && !copy.tree);
		}
		stats_forget(&copy);
		text_free(&out);
		free(bytes);
	}
	CU_ASSERT_TRUE(taken > 0 && taken < n);
	text_free(&t);
}

/* Each counter of a row and each row must be told, under its name. */
static void every_field_is_told_in_its_place(void)
{
	struct stats *s = made_stats(1);
	struct text t = { 0 };

	s->classes[1].copied = 987654321;
	s->tasks[0].runs = 876543219;
	s->devices[2].refused = 765432198;
	s->workers[1].core = 654321987;
	s->modules[2].cost_cycles_per_byte = 0.543219876;
	stats_json(&t, s);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"copied\":987654321,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"runs\":876543219,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"refused\":765432198,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"core\":654321987,"));
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "\"cost_cycles_per_byte\":0.543219876,"));
	text_free(&t);
	stats_free(s);
}

/* ---- for people ---- */

/* The line of TEXT that begins with BEGIN, malloced. */
static char *line_of(const char *text, const char *begin)
{
	const char *at = text;

	while (at && strncmp(at, begin, strlen(begin))) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strndup(at, strcspn(at, "\n")) : strdup("(no such line)");
}

static void has_line(const struct text *t, const char *begin, const char *expected)
{
	char *line = line_of(t->at, begin);

	UNIT_TEXT(expected, line);
	free(line);
}

static void rates_are_differences_of_two_snapshots(void)
{
	struct stats *then = made_stats(4), *now = made_stats(6);
	struct text t = { 0 };

	then->classes[1].sent += 100000; /* 50000 a second less */
	stats_lines(&t, then, now);
	has_line(&t, "plan ",
		 "plan plan=site.plan target=edge.box pipeline=edge.fast slo=- paused=0 "
		 "reloads=1 age_s=6 over_s=2");
	has_line(&t, "worker worker=1",
		 "worker worker=1 core=3 copy=1 load=0.25 busy_cps=500000000");
	has_line(
	    &t, "task worker=0 task=t1 ",
	    "task worker=0 task=t1 copy=0 root=edge.firewall_of_a_rather_long_name class=- "
	    "priority=0 weight=0.2 share=0.088 pps=11000 cycles=8000 queue=0.625 drops_pps=10");
	has_line(&t, "task worker=1 task=t10 ",
		 "task worker=1 task=t10 copy=1 root=edge.firewall_of_a_rather_long_name class=web "
		 "priority=-1 weight=- share=0.032 pps=2000 cycles=8000 queue=- drops_pps=-");
	has_line(&t, "class class=rest ",
		 "class class=rest received_pps=3000000 sent_pps=2700000 lost_pps=0 ended_pps=0 "
		 "share=0.3 plan_share=- plan_pps=- of_plan=- p50_s=0.00147456 p99_s=0.00294912 "
		 "p999_s=0.00294912 max_s=0.00294912");
	has_line(&t, "drop class=web reason=refused",
		 "drop class=web reason=refused pps=40 packets=240");
	has_line(&t, "module module=edge.nat copy=0 ",
		 "module module=edge.nat copy=0 pps=12340 bytes=100 cycles=33.5 plan_cycles=33.5 "
		 "of_plan=1 lost_pps=7 held=1 counters=\"translated=30,flows=17\"");
	has_line(
	    &t, "device device=wan ",
	    "device device=wan kind=net_af_packet received_pps=5000 sent_pps=4000 missed_pps=1 "
	    "refused_pps=2");
	text_free(&t);
	stats_free(then);
	stats_free(now);
}

static void another_plan_counts_from_zero(void)
{
	struct stats *then = made_stats(9), *now = made_stats(3);
	struct text t = { 0 };

	now->reloads = 2;
	stats_lines(&t, then, now);
	has_line(
	    &t, "device device=wan ",
	    "device device=wan kind=net_af_packet received_pps=5000 sent_pps=4000 missed_pps=1 "
	    "refused_pps=2");
	text_free(&t);
	now->seconds = 0;
	stats_lines(&t, NULL, now);
	has_line(&t, "device device=wan ",
		 "device device=wan kind=net_af_packet received_pps=- sent_pps=- missed_pps=- "
		 "refused_pps=-");
	text_free(&t);
	stats_free(then);
	stats_free(now);
}

static void tasks_are_sorted_by_worker_then_id(void)
{
	struct stats *s = made_stats(1);
	struct text t = { 0 };
	const char *at;

	stats_lines(&t, NULL, s);
	at = strstr(t.at, "task worker=0 task=t1 ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at = strstr(at, "task worker=0 task=t9 ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at = strstr(at, "task worker=0 task=t11 ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	at = strstr(at, "task worker=1 task=t0 ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_PTR_NOT_NULL(strstr(at, "task worker=1 task=t10 "));
	text_free(&t);
	stats_free(s);
}

static void no_line_is_wider_than_the_terminal(void)
{
	struct stats *then = made_stats(1), *now = made_stats(2);

	for (size_t width = 1; width < 200; width += 7) {
		struct text t = { 0 };

		stats_human(&t, then, now, width);
		CU_ASSERT_FALSE_FATAL(t.failed);
		for (const char *s = t.at; *s; s += strcspn(s, "\n") + 1)
			CU_ASSERT_TRUE(strcspn(s, "\n") <= width);
		text_free(&t);
	}
	stats_free(then);
	stats_free(now);
}

static void tables_show_units(void)
{
	struct stats *then = made_stats(1), *now = made_stats(2);
	struct text t = { 0 };

	stats_human(&t, then, now, 0);
	has_line(&t, "edge.fast of",
		 "edge.fast of site.plan, target edge.box, slo -, reloads 1; the "
		 "last 1.00 s");
	has_line(&t, "web  ",
		 "web                   2.00 M  1.80 M     540      10  20.0 %  20.0 %  1.00 M  "
		 "180.0 %  "
		 " 999 us  2.00 ms  2.00 ms  2.00 ms");
	CU_ASSERT_PTR_NOT_NULL(strstr(t.at, "[#####.....]  50 %"));
	text_free(&t);
	stats_free(then);
	stats_free(now);
}

static void nothing_at_all_can_be_told(void)
{
	struct stats s = { .plan = "", .target = "", .pipeline = "" };
	struct text t = { 0 };

	stats_json(&t, &s);
	UNIT_TEXT("{\"before_dropped\":0,\"before_received\":0,\"before_sent\":0,\"classes\":[],"
		  "\"devices\":[],\"hz\":0,\"modules\":[],\"paused\":false,"
		  "\"pipeline\":\"\",\"plan\":\"\",\"reloads\":0,\"schema\":\"epic.dpdkd/1\","
		  "\"seconds\":0,\"slo\":null,\"target\":\"\",\"tasks\":[],\"workers\":[]}\n",
		  t.at);
	stats_human(&t, NULL, &s, 80);
	stats_lines(&t, &s, &s);
	stats_prometheus(&t, &s);
	CU_ASSERT_FALSE(t.failed);
	text_free(&t);
	stats_free(NULL);
}

static const struct unit units[] = {
	{ "buckets_follow_each_other_and_are_narrow", buckets_follow_each_other_and_are_narrow },
	{ "percentiles_are_near_those_of_the_sorted_samples",
	  percentiles_are_near_those_of_the_sorted_samples },
	{ "sums_and_differences_are_of_samples", sums_and_differences_are_of_samples },
	{ "json_is_one_line_with_sorted_keys", json_is_one_line_with_sorted_keys },
	{ "json_has_the_numbers_and_their_units", json_has_the_numbers_and_their_units },
	{ "what_json_says_is_read_back", what_json_says_is_read_back },
	{ "what_is_not_this_form_is_refused", what_is_not_this_form_is_refused },
	{ "spoilt_text_does_no_harm", spoilt_text_does_no_harm },
	{ "every_field_is_told_in_its_place", every_field_is_told_in_its_place },
	{ "rates_are_differences_of_two_snapshots", rates_are_differences_of_two_snapshots },
	{ "another_plan_counts_from_zero", another_plan_counts_from_zero },
	{ "tasks_are_sorted_by_worker_then_id", tasks_are_sorted_by_worker_then_id },
	{ "no_line_is_wider_than_the_terminal", no_line_is_wider_than_the_terminal },
	{ "tables_show_units", tables_show_units },
	{ "nothing_at_all_can_be_told", nothing_at_all_can_be_told },
};

int main(void)
{
	return unit_main("dpdk stats", units, sizeof(units) / sizeof(*units));
}
