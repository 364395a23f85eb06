#include <config.h>

#include "tests/unit/unit.h"

#include "compiler/plan/bess_layout.h"

enum { MOST = 8 };

static void shares_are(const long long *weights, size_t n, const int64_t *expected)
{
	__int128 wide[MOST];
	int64_t shares[MOST];

	for (size_t i = 0; i < n; i++)
		wide[i] = weights[i];
	bess_shares(wide, n, shares);
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(shares[i], expected[i]);
}

static void simple_ratios_stay_simple(void)
{
	shares_are((const long long[]){ 750000000, 250000000 }, 2, (const int64_t[]){ 3, 1 });
	shares_are((const long long[]){ 333333333, 333333333, 333333333 }, 3,
		   (const int64_t[]){ 1, 1, 1 });
	shares_are((const long long[]){ 555555556, 333333333, 111111111 }, 3,
		   (const int64_t[]){ 5, 3, 1 });
}

static void every_share_is_between_1_and_1024(void)
{
	int64_t shares[3];
	const __int128 weights[] = { 999999998, 1, 1 };

	bess_shares(weights, 3, shares);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(shares[i] >= 1 && shares[i] <= 1024);
	CU_ASSERT(shares[0] > 1000);
}

static void what_has_no_weight_gets_next_to_nothing(void)
{
	int64_t shares[2];
	const __int128 weights[] = { 680000000, 0 };

	bess_shares(weights, 2, shares);
	CU_ASSERT_EQUAL(shares[1], 1);
	CU_ASSERT(shares[0] >= 512);
	shares_are((const long long[]){ 0, 0 }, 2, (const int64_t[]){ 1, 1 });
}

/* Two weights of comparable size come out within a thousandth. */
static void ratios_hold_within_a_thousandth(void)
{
	for (long long a = 1; a < 1000; a += 7) {
		const __int128 weights[] = { a * 1000003, 1000000007 - a * 1000003 };
		int64_t shares[2];
		double exact = (double)(a * 1000003) / (double)(1000000007 - a * 1000003), made;

		if (exact < 0.25 || exact > 4)
			continue;
		bess_shares(weights, 2, shares);
		made = (double)shares[0] / (double)shares[1];
		CU_ASSERT(made / exact > 0.999 && made / exact < 1.001);
	}
}

static void classes_know_their_gates_and_arguments(void)
{
	const struct bess_class *nat = bess_class_find("NAT"), *queue = bess_class_find("Queue");

	CU_ASSERT_PTR_NULL(bess_class_find("Wildcard"));
	CU_ASSERT_FATAL(nat && queue);
	CU_ASSERT_EQUAL(nat->gate, 1);
	CU_ASSERT(!nat->many && !nat->task && queue->task && queue->many);
	CU_ASSERT(bess_class_changes(nat) && !bess_class_changes(queue));
	CU_ASSERT_EQUAL(bess_arg_type(queue, "size"), 'u');
	CU_ASSERT_EQUAL(bess_arg_type(queue, "siz"), 0);
	CU_ASSERT_EQUAL(bess_arg_type(queue, "prefetch"), 'b');
}

static const struct unit units[] = {
	{ "simple_ratios_stay_simple", simple_ratios_stay_simple },
	{ "every_share_is_between_1_and_1024", every_share_is_between_1_and_1024 },
	{ "what_has_no_weight_gets_next_to_nothing", what_has_no_weight_gets_next_to_nothing },
	{ "ratios_hold_within_a_thousandth", ratios_hold_within_a_thousandth },
	{ "classes_know_their_gates_and_arguments", classes_know_their_gates_and_arguments },
};

int main(void)
{
	return unit_main("bess", units, sizeof(units) / sizeof(*units));
}
