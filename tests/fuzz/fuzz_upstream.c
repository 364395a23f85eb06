/* libFuzzer entry: the first byte chooses what is wished, the second how the answers are cut, the
 * others are the next proxy's answers. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/prop/upstream_talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(const char *wrong)
{
	if (!wrong)
		return;
	fprintf(stderr, "does not hold: %s\n", wrong);
	abort();
}

/* Pieces of one size, the first of another. */
struct cuts {
	size_t first, others;
};

static size_t next_cut(void *arg, size_t n)
{
	struct cuts *c = arg;
	size_t cut = c->first;

	c->first = c->others;
	return cut < n ? cut : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct upstream_wish wish;
	struct talk whole, cut;
	struct cuts cuts;

	if (size < 2)
		return 0;
	wish = talk_wish(bytes[0]);
	cuts = (struct cuts){ 1 + bytes[1] % 16, 1 + bytes[1] / 16 };
	if (talk_hold(&wish, bytes + 2, size - 2, talk_whole, NULL, &whole)) {
		demand(talk_sane(&wish, &whole, size - 2));
		if (talk_hold(&wish, bytes + 2, size - 2, next_cut, &cuts, &cut))
			demand(talk_same(&whole, &cut));
		bytes_free(&cut.said);
	}
	bytes_free(&whole.said);
	return 0;
}
