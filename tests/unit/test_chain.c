#include <config.h>

#include "compiler/solve/chain.h"

#include "tests/unit/unit.h"

/* Functions a, b, c, d (0...3) on proxies 0...3; a and b, c and d may be halves. */
struct bench {
	struct arena *arena;
	struct ir ir;
	struct ir_function functions[4];
	struct chain chain;
};

static void bench_open(struct bench *b)
{
	*b = (struct bench){ .arena = arena_new() };
	for (int i = 0; i < 4; i++)
		b->functions[i].pair = ID_NONE;
	b->ir.functions = b->functions;
	b->ir.n_functions = 4;
	chain_reserve(b->arena, &b->chain, 4);
}

static void bench_close(struct bench *b)
{
	arena_free(b->arena);
}

static void put(struct bench *b, uint32_t function, uint32_t proxy, bool source, int mate)
{
	b->chain.items[b->chain.n++] = (struct chain_item){ { function, proxy, source }, mate };
}

static struct ids one(struct bench *b, uint32_t id)
{
	return ids_from(b->arena, &id, 1);
}

/* "a0 b1": functions and proxies in chain order. */
static const char *order(struct bench *b)
{
	char *text = arena_strdup(b->arena, "");

	if (!chain_order(&b->ir, &b->chain))
		return "none";
	for (size_t i = 0; i < b->chain.n; i++)
		text =
		    arena_printf(b->arena, "%s%s%c%u", text, i ? " " : "",
				 'a' + b->chain.items[i].hop.function, b->chain.items[i].hop.proxy);
	return text;
}

static void smallest_first(void)
{
	struct bench b;

	bench_open(&b);
	put(&b, 1, 2, true, NO_MATE);
	put(&b, 2, 1, true, NO_MATE);
	put(&b, 0, 2, true, NO_MATE);
	put(&b, 3, 0, false, NO_MATE);
	UNIT_TEXT("c1 a2 b2 d0", order(&b));
	bench_close(&b);
}

static void before_moves_ahead(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[2].before = one(&b, 0);
	b.functions[1].after = one(&b, 2);
	put(&b, 0, 0, true, NO_MATE);
	put(&b, 1, 1, true, NO_MATE);
	put(&b, 2, 3, true, NO_MATE);
	UNIT_TEXT("c3 a0 b1", order(&b));
	bench_close(&b);
}

static void destination_cannot_be_first(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[1].before = one(&b, 0);
	put(&b, 0, 0, true, NO_MATE);
	put(&b, 1, 1, false, NO_MATE);
	UNIT_TEXT("none", order(&b));
	bench_close(&b);
}

static void circle(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[0].before = one(&b, 1);
	b.functions[1].before = one(&b, 2);
	b.functions[0].after = one(&b, 2);
	put(&b, 0, 0, true, NO_MATE);
	put(&b, 1, 1, true, NO_MATE);
	put(&b, 2, 2, true, NO_MATE);
	UNIT_TEXT("none", order(&b));
	bench_close(&b);
}

static void put_two_pairs(struct bench *b)
{
	put(b, 0, 0, true, 1);
	put(b, 1, 2, false, 0);
	put(b, 2, 1, true, 3);
	put(b, 3, 3, false, 2);
}

static void halves_nest(void)
{
	struct bench b;

	bench_open(&b);
	put_two_pairs(&b);
	UNIT_TEXT("a0 c1 d3 b2", order(&b));
	CU_ASSERT_EQUAL(b.chain.items[0].mate, 3);
	CU_ASSERT_EQUAL(b.chain.items[3].mate, 0);
	bench_close(&b);
}

static void nesting_is_mirrored(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[1].before = one(&b, 3); /* b before d on the other side: c before a */
	put_two_pairs(&b);
	UNIT_TEXT("c1 a0 b2 d3", order(&b));
	bench_close(&b);
}

static void mirror_contradicts(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[1].before = one(&b, 3);
	b.functions[0].before = one(&b, 2);
	put_two_pairs(&b);
	UNIT_TEXT("none", order(&b));
	bench_close(&b);
}

static void reader_stays_outside(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[0].opaque = IR_OPAQUE_PAYLOAD;
	b.functions[2].inspects_payload = b.functions[3].inspects_payload = true;
	put(&b, 0, 0, true, 1);
	put(&b, 1, 3, false, 0);
	put(&b, 2, 1, true, NO_MATE);
	put(&b, 3, 2, false, NO_MATE);
	UNIT_TEXT("c1 a0 b3 d2", order(&b));
	bench_close(&b);
}

static void matching_reader_may_stay(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[0].opaque = IR_OPAQUE_PAYLOAD;
	b.functions[2].inspects_payload = true;
	b.functions[2].encrypted_match = IR_MATCH_KEYWORD;
	b.functions[3].inspects_fields = true;
	put(&b, 0, 0, true, 1);
	put(&b, 1, 3, false, 0);
	put(&b, 2, 1, true, NO_MATE);
	put(&b, 3, 2, false, NO_MATE);
	UNIT_TEXT("a0 c1 d2 b3", order(&b));
	CU_ASSERT_FALSE(chain_is_hidden(&b.ir, &b.chain, 0));
	CU_ASSERT_TRUE(chain_is_hidden(&b.ir, &b.chain, 1));
	CU_ASSERT_TRUE(chain_is_hidden(&b.ir, &b.chain, 2));
	CU_ASSERT_FALSE(chain_is_hidden(&b.ir, &b.chain, 3));
	bench_close(&b);
}

static void headers_hide_from_field_readers(void)
{
	struct bench b;

	bench_open(&b);
	b.functions[0].opaque = IR_OPAQUE_HEADERS;
	b.functions[2].inspects_fields = true;
	b.functions[2].encrypted_match = IR_MATCH_KEYWORD; /* helps with payload only */
	b.functions[2].after = one(&b, 0);
	put(&b, 0, 0, true, 1);
	put(&b, 1, 3, false, 0);
	put(&b, 2, 1, true, NO_MATE);
	UNIT_TEXT("none", order(&b));
	b.functions[2].encrypted_match = IR_MATCH_PREFIX;
	UNIT_TEXT("a0 c1 b3", order(&b));
	bench_close(&b);
}

static const struct unit units[] = {
	{ "the_smallest_proxy_and_function_come_first", smallest_first },
	{ "what_must_precede_comes_first", before_moves_ahead },
	{ "the_destinations_side_cannot_precede_the_sources", destination_cannot_be_first },
	{ "a_circle_has_no_order", circle },
	{ "halves_nest", halves_nest },
	{ "an_order_of_halves_is_mirrored_on_the_other_side", nesting_is_mirrored },
	{ "a_mirrored_order_may_contradict", mirror_contradicts },
	{ "a_reader_stays_outside_of_what_is_hidden", reader_stays_outside },
	{ "a_reader_that_matches_what_is_encrypted_may_stay_inside", matching_reader_may_stay },
	{ "hidden_headers_keep_out_readers_of_fields", headers_hide_from_field_readers },
};

int main(void)
{
	return unit_main("chain", units, sizeof(units) / sizeof(*units));
}
