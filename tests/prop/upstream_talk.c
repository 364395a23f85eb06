#include <config.h>

#include "tests/prop/upstream_talk.h"

#include <stdlib.h>
#include <string.h>

struct upstream_wish talk_wish(size_t i)
{
	static const struct upstream_wish wishes[N_TALKS] = {
		{ .version = 5, .command = SOCKS6_CONNECT },
		{ .version = 5, .command = SOCKS6_CONNECT, .user = "eve", .password = "word" },
		{ .version = 5, .command = SOCKS6_BIND },
		{ .version = 5, .command = SOCKS6_BIND, .user = "eve", .password = "" },
		{ .version = 6, .command = SOCKS6_CONNECT, .data = 10 },
		{ .version = 6, .command = SOCKS6_CONNECT, .user = "eve", .password = "word" },
		{ .version = 6, .command = SOCKS6_BIND },
		{ .version = 6, .epi = true, .command = SOCKS6_CONNECT, .data = 10 },
	};
	struct upstream_wish w = wishes[i % N_TALKS];

	w.to = (struct wire_address){ .kind = WIRE_IPV4, .port = 80, .ip = { 192, 0, 2, 1 } };
	return w;
}

size_t talk_whole(void *arg, size_t n)
{
	(void)arg;
	return n;
}

size_t talk_bytewise(void *arg, size_t n)
{
	(void)arg;
	(void)n;
	return 1;
}

static bool look(struct upstream *u, const uint8_t *at, size_t n, size_t *used, struct talk *t)
{
	uint8_t *own = malloc(n ? n : 1);

	if (!own)
		return false;
	if (n)
		memcpy(own, at, n);
	t->step = upstream_feed(u, own, n, used, &t->said);
	free(own);
	return !t->said.failed;
}

/* Feeds what is there until nothing more comes of it. */
static bool take(struct upstream *u, const uint8_t *answers, size_t there, unsigned *replies,
		 struct talk *t)
{
	size_t used;

	do {
		if (!look(u, answers + t->used, there - t->used, &used, t))
			return false;
		t->used += used;
		if (t->step == UPSTREAM_DONE && u->wish.command == SOCKS6_BIND && !(*replies)++) {
			upstream_again(u);
			t->step = UPSTREAM_SPEAK;
		}
	} while (t->step == UPSTREAM_SPEAK);
	return true;
}

bool talk_hold(const struct upstream_wish *w, const uint8_t *answers, size_t n, talk_cut *cut,
	       void *arg, struct talk *t)
{
	size_t there = 0;
	unsigned replies = 0;
	struct upstream u;

	memset(t, 0, sizeof(*t));
	if (!upstream_begin(&u, w, &t->said))
		return false;
	while (there < n && t->step == UPSTREAM_MORE) {
		there += cut(arg, n - there);
		if (!take(&u, answers, there, &replies, t))
			return false;
	}
	if (t->step == UPSTREAM_MORE)
		upstream_end(&u, answers + t->used, n - t->used);
	t->outcome = u.outcome;
	t->early = u.early;
	t->bound = u.bound;
	memcpy(t->why, u.why, sizeof(t->why));
	return true;
}

const char *talk_sane(const struct upstream_wish *w, const struct talk *t, size_t n)
{
	if (t->used > n)
		return "no more is used than there is";
	if ((t->step == UPSTREAM_DONE) != (t->outcome == OUTCOME_OK))
		return "only what is done succeeded";
	if (t->step != UPSTREAM_DONE && !t->why[0])
		return "what failed says why";
	if (t->bound.kind == WIRE_NAME)
		return "what is bound is an address";
	if (t->step == UPSTREAM_DONE && !t->early)
		return "there is no success without a request";
	if (!w->user && !t->early)
		return "without a user the request is said at once";
	return NULL;
}

const char *talk_same(const struct talk *a, const struct talk *b)
{
	if (a->step != b->step || a->outcome != b->outcome || a->early != b->early)
		return "any split gives the same events";
	if (!wire_address_same(&a->bound, &b->bound))
		return "any split gives the same address";
	if (a->used != b->used)
		return "any split leaves the same bytes";
	if (strcmp(a->why, b->why))
		return "any split gives the same reason";
	if (a->said.n != b->said.n || memcmp(a->said.at, b->said.at, a->said.n))
		return "any split is answered alike";
	return NULL;
}
