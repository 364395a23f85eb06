#include <config.h>

#include <string.h>

#include "compiler/base/addr.h"
#include "compiler/base/ctx.h"
#include "compiler/base/ids.h"
#include "compiler/base/rat.h"
#include "compiler/base/text.h"
#include "tests/unit/unit.h"

static struct rat parsed(const char *text)
{
	struct rat r = RAT_ZERO;

	CU_ASSERT_TRUE(rat_parse(text, strlen(text), &r));
	return r;
}

static void decimals_are_exact(void)
{
	char buf[DEC_TEXT_SIZE];

	UNIT_TEXT("0.31", rat_text(parsed("0.31"), buf));
	UNIT_TEXT("0.3", rat_text(rat_add(parsed("0.1"), parsed("0.2")), buf));
	UNIT_TEXT("1000", rat_text(parsed("1_000"), buf));
	UNIT_TEXT("-2.5", rat_text(rat_sub(RAT_ZERO, parsed("2.5")), buf));
}

static void rounding_is_half_to_even(void)
{
	char buf[DEC_TEXT_SIZE];

	UNIT_TEXT("0.333333333", rat_text(rat_make(1, 3), buf));
	UNIT_TEXT("0.000000002", rat_text(rat_make(15, 10000000000), buf));
	UNIT_TEXT("0.000000002", rat_text(rat_make(25, 10000000000), buf));
	UNIT_TEXT("0", rat_text(rat_make(5, 10000000000), buf));
	UNIT_TEXT("1", rat_text(rat_make(9999999999, 10000000000), buf));
}

static void large_numbers_compare_exactly(void)
{
	struct rat a = rat_make((__int128)1 << 100, 3), b = rat_make(((__int128)1 << 100) + 1, 3);

	CU_ASSERT_TRUE(rat_cmp(a, b) < 0);
	CU_ASSERT_TRUE(rat_cmp(b, a) > 0);
	CU_ASSERT_EQUAL(rat_cmp(a, a), 0);
	CU_ASSERT_TRUE(rat_cmp(rat_int(-3), rat_int(-2)) < 0);
}

static void overflowing_products_keep_their_size(void)
{
	struct rat big = rat_make((__int128)1 << 100, 1), r = rat_mul(big, rat_div(RAT_ONE, big));
	/* The parts of the product do not fit, its value does. */
	struct rat x = rat_make(((__int128)1 << 90) + 1, ((__int128)1 << 60) + 3), square = rat_mul(x, x);

	CU_ASSERT_EQUAL(rat_cmp(r, RAT_ONE), 0);
	CU_ASSERT_DOUBLE_EQUAL(rat_double(square) / 1152921504606846976.0, 1.0, 1e-12);
}

static void prefixes_know_their_ends(void)
{
	struct prefix p, q;
	char buf[ADDR_TEXT_SIZE];

	CU_ASSERT_TRUE(prefix_parse("10.1.0.0/24", 11, &p));
	CU_ASSERT_TRUE(prefix_parse("10.1.0.7", 8, &q));
	CU_ASSERT_TRUE(prefix_contains(p, q));
	CU_ASSERT_FALSE(prefix_contains(q, p));
	UNIT_TEXT("10.1.0.255", addr_text(4, prefix_last(p), buf));
	CU_ASSERT_TRUE(prefix_parse("2001:DB8::/32", 13, &p));
	UNIT_TEXT("2001:db8::/32", prefix_text(p, buf));
	CU_ASSERT_FALSE(prefix_parse("10.1.0.0/33", 11, &p));
	CU_ASSERT_FALSE(prefix_parse("10.1.0.256", 10, &p));
	CU_ASSERT_FALSE(prefix_parse("1::2::3", 7, &p));
}

static void near_names_are_found_and_far_ones_not(void)
{
	struct nearest near = nearest_to("adress");

	nearest_try(&near, "attributes");
	nearest_try(&near, "address");
	CU_ASSERT_PTR_NOT_NULL(near.name);
	UNIT_TEXT("address", near.name);
	near = nearest_to("htps");
	nearest_try(&near, "dicom");
	CU_ASSERT_PTR_NULL(near.name);
	near = nearest_to("amsterdma");
	nearest_try(&near, "amsterdam");
	CU_ASSERT_EQUAL(near.distance, 1);
}

static void utf8_is_checked_by_the_book(void)
{
	size_t bad;

	CU_ASSERT_TRUE(text_is_utf8("\xc2\xb5s", 3, &bad));
	CU_ASSERT_FALSE(text_is_utf8("a\xc0\x80", 3, &bad));
	CU_ASSERT_EQUAL(bad, 1);
	CU_ASSERT_FALSE(text_is_utf8("\xed\xa0\x80", 3, &bad));
	CU_ASSERT_FALSE(text_is_utf8("\xf4\x90\x80\x80", 4, &bad));
	CU_ASSERT_FALSE(text_is_utf8("\xe2\x82", 2, &bad));
}

static void id_sets_behave_like_sets(void)
{
	struct arena *a = arena_new();
	struct ids x = ids_from(a, (uint32_t[]){ 5, 1, 3, 1 }, 4);
	struct ids y = ids_from(a, (uint32_t[]){ 3, 4 }, 2);

	CU_ASSERT_EQUAL(x.n, 3);
	CU_ASSERT_TRUE(ids_has(x, 5));
	CU_ASSERT_EQUAL(ids_union(a, x, y).n, 4);
	CU_ASSERT_EQUAL(ids_minus(a, x, y).n, 2);
	CU_ASSERT_TRUE(ids_subset(ids_minus(a, x, y), x));
	CU_ASSERT_TRUE(ids_cmp(y, x) > 0);
	arena_free(a);
}

static void findings_come_in_order_and_once(void)
{
	struct ctx *c = ctx_new();
	uint32_t source = source_add(&c->sources, "a", "a", "one\ntwo\n", 8);

	diag_add(&c->diags, E0301, (struct span){ source, 4, 7 }, "second");
	diag_add(&c->diags, E0301, (struct span){ source, 0, 3 }, "first");
	diag_add(&c->diags, E0301, (struct span){ source, 0, 3 }, "again");
	diag_finish(&c->diags);
	CU_ASSERT_EQUAL(c->diags.list.n, 2);
	CU_ASSERT_EQUAL(c->diags.n_errors, 2);
	UNIT_TEXT("first", c->diags.list.at[0]->message);
	CU_ASSERT_EQUAL(source_place(source_at(&c->sources, source), 5).line, 2);
	CU_ASSERT_EQUAL(source_place(source_at(&c->sources, source), 5).col, 2);
	ctx_free(c);
}

static void names_are_interned(void)
{
	struct ctx *c = ctx_new();
	const char *first = intern(c->names, "ehr-x", 3);
	char many[32];

	for (int i = 0; i < 5000; i++) {
		snprintf(many, sizeof(many), "name%d", i);
		intern_text(c->names, many);
	}
	CU_ASSERT_PTR_EQUAL(first, intern_text(c->names, "ehr"));
	ctx_free(c);
}

static const struct unit units[] = {
	{ "decimals_are_exact", decimals_are_exact },
	{ "rounding_is_half_to_even", rounding_is_half_to_even },
	{ "large_numbers_compare_exactly", large_numbers_compare_exactly },
	{ "overflowing_products_keep_their_size", overflowing_products_keep_their_size },
	{ "prefixes_know_their_ends", prefixes_know_their_ends },
	{ "near_names_are_found_and_far_ones_not", near_names_are_found_and_far_ones_not },
	{ "utf8_is_checked_by_the_book", utf8_is_checked_by_the_book },
	{ "id_sets_behave_like_sets", id_sets_behave_like_sets },
	{ "findings_come_in_order_and_once", findings_come_in_order_and_once },
	{ "names_are_interned", names_are_interned },
};

int main(void)
{
	return unit_main("base", units, sizeof(units) / sizeof(*units));
}
