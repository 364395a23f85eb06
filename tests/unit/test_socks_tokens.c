/* Windows of idempotence tokens: runtime/socks/tokens.h. */
#include <config.h>

#include "runtime/socks/tokens.h"
#include "tests/unit/unit.h"

static void orders_tokens_round_the_end(void)
{
	CU_ASSERT_TRUE(tokens_before(1, 2));
	CU_ASSERT_FALSE(tokens_before(2, 2));
	CU_ASSERT_FALSE(tokens_before(2, 1));
	CU_ASSERT_TRUE(tokens_before(UINT32_MAX, 0));
	CU_ASSERT_TRUE(tokens_before(0, INT32_MAX));
	CU_ASSERT_FALSE(tokens_before(0, 0x80000000));
	CU_ASSERT_FALSE(tokens_before(0x80000000, 0));
}

static void issues_one_window(void)
{
	struct tokens t = { 0 };

	CU_ASSERT_FALSE(tokens_spend(&t, 0));
	CU_ASSERT_FALSE(tokens_issue(&t, 7, 0));
	CU_ASSERT_TRUE(tokens_issue(&t, 7, UINT32_MAX));
	CU_ASSERT_EQUAL(t.size, TOKENS_MOST);
	CU_ASSERT_FALSE(tokens_issue(&t, 9, 10));
	CU_ASSERT_EQUAL(t.base, 7);
}

/* As the reference proxy did it: the same token again is refused, and the base has moved by 1. */
static void spends_each_token_once(void)
{
	struct tokens t = { 0 };

	CU_ASSERT_TRUE(tokens_issue(&t, UINT32_MAX - 1, 200));
	CU_ASSERT_TRUE(tokens_spend(&t, UINT32_MAX - 1));
	CU_ASSERT_EQUAL(t.base, UINT32_MAX);
	CU_ASSERT_FALSE(tokens_spend(&t, UINT32_MAX - 1));
	CU_ASSERT_TRUE(tokens_spend(&t, 0));
	CU_ASSERT_EQUAL(t.base, UINT32_MAX);
	CU_ASSERT_FALSE(tokens_spend(&t, 0));
	CU_ASSERT_TRUE(tokens_spend(&t, UINT32_MAX));
	CU_ASSERT_EQUAL(t.base, 1);
	CU_ASSERT_FALSE(tokens_spend(&t, 201));
	CU_ASSERT_TRUE(tokens_spend(&t, 2));
	CU_ASSERT_EQUAL(t.size, 200);
}

static void gives_lost_tokens_up_for_high_ones(void)
{
	struct tokens t = { 0 };

	CU_ASSERT_TRUE(tokens_issue(&t, 0, 8));
	CU_ASSERT_TRUE(tokens_spend(&t, 5));
	CU_ASSERT_EQUAL(t.base, 0);
	CU_ASSERT_TRUE(tokens_spend(&t, 6));
	CU_ASSERT_EQUAL(t.base, 2);
	CU_ASSERT_FALSE(tokens_spend(&t, 1));
	CU_ASSERT_TRUE(tokens_spend(&t, 2));
	CU_ASSERT_TRUE(tokens_spend(&t, 3));
	CU_ASSERT_TRUE(tokens_spend(&t, 4));
	CU_ASSERT_EQUAL(t.base, 7);
}

static void keeps_the_last_unspent_token(void)
{
	struct tokens t = { 0 };

	CU_ASSERT_TRUE(tokens_issue(&t, 0, 4));
	CU_ASSERT_TRUE(tokens_spend(&t, 1));
	CU_ASSERT_TRUE(tokens_spend(&t, 2));
	CU_ASSERT_TRUE(tokens_spend(&t, 3));
	CU_ASSERT_EQUAL(t.base, 0);
	CU_ASSERT_TRUE(tokens_spend(&t, 0));
	CU_ASSERT_EQUAL(t.base, 4);
}

enum { FIRST = 1000, MOST_TOKENS = 1 << 18 };

/* Mostly low tokens, as clients do; some anywhere, also outside of the window. */
static uint32_t some_offset(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	if (*state >> 60)
		return FIRST + (uint32_t)(*state >> 32) % 40;
	return FIRST - 100 + (uint32_t)(*state >> 32) % 1200;
}

/* Against the plainest account: a token is good once, while it is in the window.  The tokens go
 * round their end on the way. */
static void agrees_with_an_account_of_all_tokens(void)
{
	static uint8_t spent[MOST_TOKENS]; /* by their distance from `zero` */
	const uint32_t zero = UINT32_MAX - 20000;
	struct tokens t = { 0 };
	uint64_t state = 42;
	size_t n_spent = 0, n_wrong = 0;

	CU_ASSERT_TRUE(tokens_issue(&t, zero + FIRST, 1000));
	while (t.base - zero < MOST_TOKENS - 2000) {
		uint32_t base = t.base, token = base - FIRST + some_offset(&state);
		bool eligible = token - base < t.size && !spent[token - zero];

		n_wrong += tokens_spend(&t, token) != eligible;
		spent[token - zero] |= eligible;
		n_spent += eligible;
		n_wrong += tokens_before(t.base, base) || spent[t.base - zero];
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
	CU_ASSERT_TRUE(n_spent > 20000);
	CU_ASSERT_TRUE(t.base < zero);
}

static void takes_the_smallest_tokens_first(void)
{
	struct token_purse p = { 0 };
	uint32_t token = 0;

	CU_ASSERT_FALSE(token_purse_take(&p, &token));
	CU_ASSERT_FALSE(token_purse_learn(&p, 0, 0));
	CU_ASSERT_FALSE(token_purse_learn(&p, 0, 0x80000000));
	CU_ASSERT_TRUE(token_purse_learn(&p, UINT32_MAX, 3));
	CU_ASSERT_TRUE(token_purse_take(&p, &token) && token == UINT32_MAX);
	CU_ASSERT_TRUE(token_purse_take(&p, &token) && token == 0);
	CU_ASSERT_TRUE(token_purse_learn(&p, 0, 3));
	CU_ASSERT_FALSE(token_purse_learn(&p, UINT32_MAX, 3));
	CU_ASSERT_TRUE(token_purse_take(&p, &token) && token == 1);
	CU_ASSERT_TRUE(token_purse_learn(&p, 100, 2));
	CU_ASSERT_TRUE(token_purse_take(&p, &token) && token == 100);
	CU_ASSERT_TRUE(token_purse_take(&p, &token) && token == 101);
	CU_ASSERT_FALSE(token_purse_take(&p, &token));
}

static const struct unit units[] = {
	{ "orders_tokens_round_the_end", orders_tokens_round_the_end },
	{ "issues_one_window", issues_one_window },
	{ "spends_each_token_once", spends_each_token_once },
	{ "gives_lost_tokens_up_for_high_ones", gives_lost_tokens_up_for_high_ones },
	{ "keeps_the_last_unspent_token", keeps_the_last_unspent_token },
	{ "agrees_with_an_account_of_all_tokens", agrees_with_an_account_of_all_tokens },
	{ "takes_the_smallest_tokens_first", takes_the_smallest_tokens_first },
};

int main(void)
{
	return unit_main("tokens", units, sizeof(units) / sizeof(*units));
}
