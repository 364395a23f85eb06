#include <config.h>

#include "runtime/socks/tokens.h"

static uint64_t bit(uint32_t token)
{
	return UINT64_C(1) << token % 64;
}

static uint64_t *word(struct tokens *t, uint32_t token)
{
	return &t->spent[token % TOKENS_MOST / 64];
}

static bool is_spent(struct tokens *t, uint32_t token)
{
	return *word(t, token) & bit(token);
}

bool tokens_issue(struct tokens *t, uint32_t base, uint32_t wanted)
{
	if (t->size || !wanted)
		return false;
	*t = (struct tokens){ .base = base, .size = wanted < TOKENS_MOST ? wanted : TOKENS_MOST };
	return true;
}

/* Some token is unspent: the first. */
static uint32_t last_unspent(struct tokens *t)
{
	uint32_t offset = t->size - 1;

	while (is_spent(t, t->base + offset))
		offset--;
	return offset;
}

static void slide(struct tokens *t, uint32_t forfeited)
{
	for (; forfeited || is_spent(t, t->base); t->base++) {
		*word(t, t->base) &= ~bit(t->base);
		forfeited -= forfeited > 0;
	}
}

/* Draft section "Shifting windows": at once when the first is spent, and when a sufficiently high
 * one is, but not beyond the last unspent one.  High is the last quarter, and then the first
 * quarter is given up: a client that lost a few requests never runs out of tokens. */
bool tokens_spend(struct tokens *t, uint32_t token)
{
	uint32_t offset = token - t->base, quarter = t->size / 4, give_up = 0;

	if (offset >= t->size || is_spent(t, token))
		return false;
	*word(t, token) |= bit(token);
	if (offset && offset >= t->size - quarter) {
		give_up = last_unspent(t);
		give_up = give_up < quarter ? give_up : quarter;
	}
	slide(t, give_up);
	return true;
}

bool token_purse_learn(struct token_purse *p, uint32_t base, uint32_t size)
{
	if (!size || size > INT32_MAX || (p->size && tokens_before(base, p->base)))
		return false;
	if (!p->size || tokens_before(p->next, base))
		p->next = base;
	p->base = base;
	p->size = size;
	return true;
}

bool token_purse_take(struct token_purse *p, uint32_t *token)
{
	if (p->next - p->base >= p->size)
		return false;
	*token = p->next++;
	return true;
}
