/* plan -> CBOR -> reader, and the forms of single things. */
#include <config.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cbor/cbor.h"
#include "backends/cbor/map.h"
#include "backends/cbor/out.h"
#include "backends/json/json.h"
#include "compiler/plan/plan_walk.h"
#include "runtime/plan/plan.h"
#include "tests/unit/sample_plan.h"
#include "tests/unit/unit.h"

/* ---- the same row, as the compiler and as the reader has it ---- */

static void same_text(const char *a, const char *b)
{
	CU_ASSERT_EQUAL(!a, !b);
	if (a && b)
		UNIT_TEXT(a, b);
}

static void same_texts(struct plan_texts a, struct rplan_texts b)
{
	CU_ASSERT_EQUAL_FATAL(a.n, b.n);
	for (size_t i = 0; i < a.n; i++)
		same_text(a.at[i], b.at[i]);
}

static void same_number(struct dec a, double b)
{
	char buf[DEC_TEXT_SIZE];

	CU_ASSERT_EQUAL(strtod(dec_text(a, buf), NULL), b);
}

static void same_value(const struct ir_value *a, const struct rplan_value *b)
{
	switch (a->kind) {
	case IR_VALUE_NUMBER:
		CU_ASSERT_EQUAL_FATAL(b->kind, RPLAN_NUMBER);
		same_number(rat_dec(a->number), b->number);
		break;
	case IR_VALUE_TEXT:
		CU_ASSERT_EQUAL_FATAL(b->kind, RPLAN_TEXT);
		same_text(a->text, b->text);
		break;
	case IR_VALUE_BOOL:
		CU_ASSERT_EQUAL_FATAL(b->kind, RPLAN_BOOL);
		CU_ASSERT_EQUAL(a->truth, b->truth);
		break;
	case IR_VALUE_LIST:
		CU_ASSERT_EQUAL_FATAL(b->kind, RPLAN_LIST);
		CU_ASSERT_EQUAL_FATAL(a->n_members, b->n_items);
		for (size_t i = 0; i < a->n_members; i++)
			same_value(a->members[i], &b->items[i]);
		break;
	}
}

static const struct rplan_value *value_of(struct rplan_values values, const char *name)
{
	for (size_t i = 0; i < values.n; i++)
		if (!strcmp(values.at[i].key, name))
			return &values.at[i].value;
	return NULL;
}

static void same_values(struct plan_values a, struct rplan_values b)
{
	CU_ASSERT_EQUAL(a.n, b.n);
	for (size_t i = 0; i < a.n; i++) {
		const struct rplan_value *v = value_of(b, a.at[i].name);

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		same_value(a.at[i].value, v);
	}
}

static void same_map_num(struct plan_map_num a, struct rplan_map_num b)
{
	CU_ASSERT_EQUAL_FATAL(a.n, b.n);
	for (size_t i = 0; i < a.n; i++) {
		same_text(a.at[i].key, b.at[i].key);
		same_number(a.at[i].value, b.at[i].value);
	}
}

#define SAME_TEXT(key, of) same_text(a->key, b->key);
#define SAME_TEXT_NULL(key, of) same_text(a->key, b->key);
#define SAME_WORD(key, of) same_text(a->key, b->key);
#define SAME_WORD_NULL(key, of) same_text(a->key, b->key);
#define SAME_INT(key, of) CU_ASSERT_EQUAL(a->key, b->key);
#define SAME_INT_NULL(key, of)                           \
	CU_ASSERT_EQUAL(a->key.present, b->key.present); \
	CU_ASSERT_EQUAL(a->key.value, b->key.value);
#define SAME_NUM(key, of) same_number(a->key, b->key);
#define SAME_NUM_NULL(key, of)                           \
	CU_ASSERT_EQUAL(a->key.present, b->key.present); \
	same_number(a->key.value, b->key.value);
#define SAME_BOOL(key, of) CU_ASSERT_EQUAL(a->key, b->key);
#define SAME_TEXTS(key, of) same_texts(a->key, b->key);
#define SAME_INTS(key, of)                         \
	CU_ASSERT_EQUAL_FATAL(a->key.n, b->key.n); \
	for (size_t i = 0; i < a->key.n; i++)      \
		CU_ASSERT_EQUAL(a->key.at[i], b->key.at[i]);
#define SAME_LISTS(key, of)                        \
	CU_ASSERT_EQUAL_FATAL(a->key.n, b->key.n); \
	for (size_t i = 0; i < a->key.n; i++)      \
		same_texts(a->key.at[i], b->key.at[i]);
#define SAME_LIST(key, of)                         \
	CU_ASSERT_EQUAL_FATAL(a->key.n, b->key.n); \
	for (size_t i = 0; i < a->key.n; i++)      \
		same_##of(&a->key.at[i], &b->key.at[i]);
#define SAME_ONE(key, of) same_##of(a->key, b->key);
#define SAME_ONE_NULL(key, of)                   \
	CU_ASSERT_EQUAL_FATAL(!a->key, !b->key); \
	if (a->key)                              \
		same_##of(a->key, b->key);
#define SAME_MAP(key, of)                                    \
	CU_ASSERT_EQUAL_FATAL(a->key.n, b->key.n);           \
	for (size_t i = 0; i < a->key.n; i++) {              \
		same_text(a->key.names[i], b->key.names[i]); \
		same_##of(&a->key.at[i], &b->key.at[i]);     \
	}
#define SAME_MAP_NUM(key, of) same_map_num(a->key, b->key);
#define SAME_VALUES(key, of) same_values(a->key, b->key);
#define SAME_CHOICE(key, of) /* see same_choice */

#define PLAN_BEGIN(row, doc)                                                            \
	static void same_##row(const struct plan_##row *a, const struct rplan_##row *b) \
	{
#define PLAN_KEY(row, kind, key, of, doc) SAME_##kind(key, of)
#define PLAN_SIDE(row, ...)
#define PLAN_END(row) }
#define PLAN_CHOICE(row, key, word, of)
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_KEY
#undef PLAN_END
#undef PLAN_CHOICE

static void same_choice(const struct plan_target *a, const struct rplan_target *b)
{
#define PLAN_BEGIN(row, doc)
#define PLAN_KEY(row, kind, key, of, doc)
#define PLAN_END(row)
#define PLAN_CHOICE(row, key, word, of)                                        \
	CU_ASSERT_EQUAL(!strcmp(a->backend, #word), !!rplan_target_##word(b)); \
	if (rplan_target_##word(b))                                            \
		same_##of(a->key, rplan_target_##word(b));
#include "grammar/plan_keys.def"
#undef PLAN_BEGIN
#undef PLAN_CHOICE
}

#define PLAN_CHOICE(row, key, word, of)

static void read_back(void)
{
	const struct plan *plan = sample_plan();
	const struct rplan_plan *read;
	struct plan_error error;
	struct sink bytes = { 0 };

	CU_ASSERT_TRUE_FATAL(cbor_emit(plan, &bytes));
	read = plan_read(bytes.data, bytes.size, &error);
	UNIT_TEXT("", error.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(read);
	same_plan(plan, read);
	for (size_t i = 0; i < plan->targets.n; i++)
		same_choice(&plan->targets.at[i], &read->targets.at[i]);
	plan_close(read);
	sink_free(&bytes);
}

/* ---- small things, byte for byte ---- */

static void hex(const struct sink *bytes, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < bytes->size && 2 * i + 2 < size; i++)
		sprintf(out + 2 * i, "%02x", (unsigned char)bytes->data[i]);
}

static void dec_is(__int128 nano, const char *expected)
{
	struct sink bytes = { 0 };
	char actual[64];

	cbor_put_dec(&bytes, (struct dec){ nano });
	hex(&bytes, actual, sizeof(actual));
	UNIT_TEXT(expected, actual);
	sink_free(&bytes);
}

/* Most of the right-hand sides are those of RFC 8949, appendix A. */
static void numbers(void)
{
	const __int128 one = 1000000000, two64 = (__int128)1 << 64;

	dec_is(0, "00");
	dec_is(23 * one, "17");
	dec_is(24 * one, "1818");
	dec_is(1000 * one, "1903e8");
	dec_is(1000000000000 * one, "1b000000e8d4a51000");
	dec_is((two64 - 1) * one, "1bffffffffffffffff");
	dec_is(two64 * one, "fa5f800000");
	dec_is(-one, "20");
	dec_is(-1000 * one, "3903e7");
	dec_is(-two64 * one, "3bffffffffffffffff");
	dec_is(-(two64 + 1) * one, "fadf800000");
	dec_is(1500000000, "f93e00");
	dec_is(1100000000, "fb3ff199999999999a");
	dec_is(-4100000000, "fbc010666666666666");
	dec_is(100000 * one + one / 2, "fa47c35040");
	dec_is(1953125, "f91800");            /* 2^-9 */
	dec_is(2049 * one / 2, "fa44801000"); /* twelve bits */
	dec_is(2047 * one / 2, "f963ff");
	dec_is(1, "fb3e112e0be826d695");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void nearest(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long n = 200000 / (scale && atol(scale) > 0 ? atol(scale) : 1);
	uint64_t state = 88172645463325252u;

	for (long i = 0; i < n; i++) {
		__int128 nano = (__int128)next_random(&state) << 62 | next_random(&state) >> 2;
		char text[DEC_TEXT_SIZE];

		nano >>= next_random(&state) % 126;
		nano = next_random(&state) & 1 ? -nano : nano;
		dec_text((struct dec){ nano }, text);
		if (dec_nearest((struct dec){ nano }) != strtod(text, NULL))
			UNIT_TEXT(text, "another number");
	}
	CU_PASS("all are nearest");
}

static void keys(void)
{
	CU_ASSERT(cbor_key_cmp("z", "aa") < 0);
	CU_ASSERT(cbor_key_cmp("aa", "ab") < 0);
	CU_ASSERT(cbor_key_cmp("b", "a") > 0);
	CU_ASSERT(cbor_key_cmp("same", "same") == 0);
}

static void empty_json(void)
{
	const struct plan empty = { .edition = 1, .epic_plan = 1, .module = "m" };
	struct sink text = { 0 };

	CU_ASSERT_TRUE(json_emit(&empty, &text));
	UNIT_TEXT("{\n"
		  "  \"areas\": [],\n"
		  "  \"classes\": [],\n"
		  "  \"edition\": 1,\n"
		  "  \"epic_plan\": 1,\n"
		  "  \"flows\": [],\n"
		  "  \"module\": \"m\",\n"
		  "  \"nodes\": [],\n"
		  "  \"pipelines\": [],\n"
		  "  \"schedules\": [],\n"
		  "  \"sources\": [],\n"
		  "  \"targets\": []\n"
		  "}\n",
		  text.data);
	sink_free(&text);
}

static void empty_cbor(void)
{
	const struct plan empty = { .edition = 1, .epic_plan = 1, .module = "m" };
	struct sink bytes = { 0 };
	char actual[512];

	CU_ASSERT_TRUE(cbor_emit(&empty, &bytes));
	hex(&bytes, actual, sizeof(actual));
	UNIT_TEXT("d9d9f7ab"
		  "65617265617380"
		  "65666c6f777380"
		  "656e6f64657380"
		  "666d6f64756c65616d"
		  "67636c617373657380"
		  "6765646974696f6e01"
		  "67736f757263657380"
		  "677461726765747380"
		  "69657069635f706c616e01"
		  "69706970656c696e657380"
		  "697363686564756c657380",
		  actual);
	sink_free(&bytes);
}

static void not_utf8(void)
{
	const struct plan plan = { .module = "caf\xe9" };
	struct sink out = { 0 };

	CU_ASSERT_FALSE(json_emit(&plan, &out));
	CU_ASSERT_FALSE(cbor_emit(&plan, &out));
	CU_ASSERT_EQUAL(out.size, 0);
	sink_free(&out);
}

/* A plan whose one instance has a list that nests N deep; true if it was written, in which
 * case the reader takes it, too. */
static bool nested_is_written(size_t n)
{
	struct ir_value values[PLAN_DEPTH] = { 0 };
	const struct ir_value *members[PLAN_DEPTH];
	const struct ir_config config = { "deep", &values[0] };
	struct plan_module module = { .function = "f", .id = "p.m", .config = { &config, 1 } };
	struct plan_pipeline pipeline = { .name = "p", .modules = { &module, 1 } };
	struct plan plan = {
		.module = "m", .edition = 1, .epic_plan = 1, .pipelines = { &pipeline, 1 }
	};
	struct sink json = { 0 }, bytes = { 0 };
	struct plan_error error;
	const struct rplan_plan *read;
	bool written;

	for (size_t i = 0; i < n; i++) {
		values[i].kind = IR_VALUE_LIST;
		members[i] = &values[i + 1];
		values[i].members = &members[i];
		values[i].n_members = i + 1 < n;
	}
	written = cbor_emit(&plan, &bytes);
	CU_ASSERT_EQUAL(json_emit(&plan, &json), written);
	read = plan_read(bytes.data, bytes.size, &error);
	CU_ASSERT_EQUAL(written, !!read);
	plan_close(read);
	sink_free(&bytes);
	sink_free(&json);
	return written;
}

static void nesting(void)
{
	/* plan, pipelines, pipeline, modules, module, config: six levels before the value */
	CU_ASSERT_TRUE(nested_is_written(PLAN_DEPTH - 6));
	CU_ASSERT_FALSE(nested_is_written(PLAN_DEPTH - 5));
}

static void table(void)
{
	CU_ASSERT_PTR_NULL(plan_row_find("none"));
	CU_ASSERT_PTR_NULL(plan_choice("kubernetes"));
	CU_ASSERT_PTR_EQUAL(plan_choice("socks"), plan_row_find("socks_config"));
	CU_ASSERT_PTR_EQUAL(plan_choice("bess"), plan_choice("dpdk"));
	CU_ASSERT_EQUAL(plan_row_find("flow")->size, sizeof(struct plan_flow));
}

/* Whatever reads rows in the order of the table may rely on it. */
static void sorted(void)
{
#define PLAN_BEGIN(row, doc) plan_row_find(#row),
	const struct plan_row *rows[] = {
#include "grammar/plan_keys.def"
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t k = 1; k < rows[i]->n_keys; k++)
			if (strcmp(rows[i]->keys[k - 1].name, rows[i]->keys[k].name) >= 0)
				UNIT_TEXT(rows[i]->keys[k - 1].name, rows[i]->keys[k].name);
	CU_PASS("sorted");
}

static void map(void)
{
	struct map_range ranges[] = {
		{ 4, 9, "a.epi", 3, 1, "second" },
		{ 1, 3, "a.epi", 2, 5, "first" },
	};
	const struct map_file files[] = {
		{ .path = "web/nginx.conf", .sha256 = "ab", .ranges = ranges, .n = 2 },
		{ .path = "rack/fw.bess", .sha256 = "cd" },
	};
	struct sink bytes = { 0 };
	char actual[1024];

	CU_ASSERT_TRUE(map_emit(files, 2, NULL, &bytes));
	hex(&bytes, actual, sizeof(actual));
	UNIT_TEXT("d9d9f7a3"
		  "6566696c657382"
		  "a3"
		  "6470617468"
		  "6c7261636b2f66772e62657373"
		  "6672616e67657380"
		  "66736861323536"
		  "626364"
		  "a3"
		  "6470617468"
		  "6e7765622f6e67696e782e636f6e66"
		  "6672616e67657382"
		  "a6"
		  "63636f6c05"
		  "6466696c6565612e657069"
		  "646c61737403"
		  "646c696e6502"
		  "65666972737401"
		  "66726561736f6e656669727374"
		  "a6"
		  "63636f6c01"
		  "6466696c6565612e657069"
		  "646c61737409"
		  "646c696e6503"
		  "65666972737404"
		  "66726561736f6e667365636f6e64"
		  "66736861323536"
		  "626162"
		  "68657069635f6d617001"
		  "69657069635f706c616e01",
		  actual);
	sink_free(&bytes);
}

static void map_notes_the_plan(void)
{
	struct sink bytes = { 0 };
	char actual[128];

	CU_ASSERT_TRUE(map_emit(NULL, 0, "ab", &bytes));
	hex(&bytes, actual, sizeof(actual));
	UNIT_TEXT("d9d9f7a4"
		  "6566696c657380"
		  "68657069635f6d617001"
		  "69657069635f706c616e01"
		  "6b706c616e5f736861323536"
		  "626162",
		  actual);
	sink_free(&bytes);
}

static void map_not_utf8(void)
{
	const struct map_file file = { .path = "\xff" };
	struct sink bytes = { 0 };

	CU_ASSERT_FALSE(map_emit(&file, 1, NULL, &bytes));
	CU_ASSERT_EQUAL(bytes.size, 0);
	sink_free(&bytes);
}

static const struct unit units[] = {
	{ "what_is_written_as_cbor_is_read_back", read_back },
	{ "numbers_have_their_shortest_form", numbers },
	{ "a_decimal_becomes_the_nearest_binary64", nearest },
	{ "keys_sort_by_their_encodings", keys },
	{ "an_empty_plan_in_json", empty_json },
	{ "an_empty_plan_in_cbor", empty_cbor },
	{ "text_that_is_not_utf8_is_not_written", not_utf8 },
	{ "writers_and_reader_agree_on_the_deepest_nesting", nesting },
	{ "rows_are_found_by_name", table },
	{ "keys_of_a_row_stand_in_byte_order", sorted },
	{ "the_source_map_is_sorted_by_path_and_line", map },
	{ "a_source_map_notes_the_plan_that_was_written_with_it", map_notes_the_plan },
	{ "a_source_map_that_is_not_utf8_is_not_written", map_not_utf8 },
};

int main(void)
{
	return unit_main("plan_writers", units, sizeof(units) / sizeof(*units));
}
