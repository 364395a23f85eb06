/* Idempotence tokens (draft section "Idempotence options"): a window of tokens per session, each
 * good for one request.  Tokens are 32-bit numbers that go round. */
#ifndef EPIC_SOCKS_TOKENS_H
#define EPIC_SOCKS_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

enum { TOKENS_MOST = 1024 }; /* a power of two, so that places go round as tokens do */

/* x comes before y. */
static inline bool tokens_before(uint32_t x, uint32_t y)
{
	return y - x - 1 < INT32_MAX;
}

/* The proxy's side: zeroed, no window was issued.  The first token is never a spent one. */
struct tokens {
	uint32_t base, size;
	uint64_t spent[TOKENS_MOST / 64]; /* by token % TOKENS_MOST; bits outside are 0 */
};

/* Issues a window of WANTED tokens at most, beginning at BASE; false: there is one already, or
 * nothing is wanted. */
bool tokens_issue(struct tokens *, uint32_t base, uint32_t wanted);
/* False: not eligible, as it lies outside or was spent.  Slides the window when it is time. */
bool tokens_spend(struct tokens *, uint32_t token);

/* The client's side: zeroed, it knows no window. */
struct token_purse {
	uint32_t base, size;
	uint32_t next; /* no smaller one is unspent */
};

/* Replies may come in any order: an older window is disregarded, which false says. */
bool token_purse_learn(struct token_purse *, uint32_t base, uint32_t size);
/* The smallest first.  False: none is left. */
bool token_purse_take(struct token_purse *, uint32_t *token);

#endif
