/* Answers of next proxies, good, cut short and changed: any split of them gives the same events. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/prop/upstream_talk.h"

enum { N_ROUNDS = 40000, MOST_ANSWERS = 4096 };

struct world {
	uint64_t state;
	size_t n_checks, n_failures, n_done, n_bad;
	uint8_t answers[MOST_ANSWERS];
	size_t n;
};

static size_t draw(struct world *w, size_t n)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (size_t)((w->state >> 11) % n);
}

static size_t random_cut(void *arg, size_t n)
{
	struct world *w = arg;

	return 1 + draw(w, draw(w, 4) ? (n < 8 ? n : 8) : n);
}

static void check(struct world *w, const char *wrong)
{
	w->n_checks++;
	if (!wrong)
		return;
	if (w->n_failures++ < 20)
		printf("does not hold: %s\n", wrong);
}

/* ---- answers ---- */

static struct wire_address some_address(struct world *w)
{
	static const char *const texts[] = { "192.0.2.7:8080", "[2001:db8::7]:53", "host.test:1" };
	struct wire_address a;
	const char *text = texts[draw(w, 3)];

	wire_address_parse(text, strlen(text), &a);
	return a;
}

static uint8_t some_code(struct world *w)
{
	return (uint8_t)(draw(w, 4) ? 0 : draw(w, 12));
}

static uint8_t *room(struct world *w, size_t *n)
{
	*n = sizeof(w->answers) - w->n;
	return w->answers + w->n;
}

static void answer_socks5(struct world *w, const struct upstream_wish *wish)
{
	struct socks5_method method = { .method = wish->user && draw(w, 8) ? SOCKS_METHOD_PASSWORD
									   : SOCKS_METHOD_NONE };
	struct socks5_status status = { .status = !draw(w, 8) };
	size_t n;
	uint8_t *at = room(w, &n);

	w->n += socks5_method_write(at, n, &method);
	at = room(w, &n);
	if (method.method == SOCKS_METHOD_PASSWORD)
		w->n += socks5_status_write(at, n, &status);
}

static void reply_socks5(struct world *w)
{
	struct socks5_reply m = { .code = some_code(w), .bound = some_address(w) };
	size_t n;
	uint8_t *at = room(w, &n);

	w->n += socks5_reply_write(at, n, &m);
}

static void answer_socks6(struct world *w, const struct upstream_wish *wish)
{
	struct socks6_auth m = { .type = !draw(w, 8) };
	uint8_t status[2] = { 1, m.type };
	size_t n;
	uint8_t *at = room(w, &n);

	if (wish->user) {
		m.options.n_auth = 1;
		m.options.auth[0] =
		    (struct socks6_auth_data){ SOCKS_METHOD_PASSWORD, { status, 2 } };
	}
	w->n += socks6_auth_write(at, n, &m);
}

static void reply_socks6(struct world *w)
{
	struct socks6_operation m = { .code = some_code(w), .bound = some_address(w) };
	size_t n;
	uint8_t *at = room(w, &n);

	if (!draw(w, 4))
		socks6_options_stack(&m.options, SOCKS6_TFO, SOCKS6_REMOTE_LEG, 0);
	w->n += socks6_operation_write(at, n, &m);
}

static void reply_epi(struct world *w)
{
	struct epi_reply m = { .version = (enum epi_version)draw(w, 3),
			       .code = some_code(w),
			       .bound = some_address(w) };
	size_t n;
	uint8_t *at = room(w, &n);

	w->n += epi_reply_write(at, n, &m);
}

static void make_answers(struct world *w, const struct upstream_wish *wish)
{
	w->n = 0;
	if (wish->version == 5)
		answer_socks5(w, wish);
	else
		answer_socks6(w, wish);
	for (int i = 0; i < 2; i++) {
		if (wish->version == 5)
			reply_socks5(w);
		else if (wish->epi)
			reply_epi(w);
		else
			reply_socks6(w);
	}
	for (size_t i = draw(w, 20); i; i--)
		w->answers[w->n++] = (uint8_t)draw(w, 256);
}

static void spoil_answers(struct world *w)
{
	size_t how = draw(w, 4);

	if (how == 0)
		w->n = draw(w, w->n + 1);
	else if (how == 1)
		w->answers[draw(w, w->n)] = (uint8_t)draw(w, 256);
}

/* ---- talks ---- */

static void round_of(struct world *w, size_t i)
{
	struct upstream_wish wish = talk_wish(i);
	struct talk whole, other;

	make_answers(w, &wish);
	spoil_answers(w);
	check(w, talk_hold(&wish, w->answers, w->n, talk_whole, NULL, &whole) ? NULL : "memory");
	check(w, talk_sane(&wish, &whole, w->n));
	w->n_done += whole.step == UPSTREAM_DONE;
	w->n_bad += whole.step == UPSTREAM_BAD;
	for (int k = 0; k < 4; k++) {
		check(w,
		      talk_hold(&wish, w->answers, w->n, k ? random_cut : talk_bytewise, w, &other)
			  ? NULL
			  : "memory");
		check(w, talk_same(&whole, &other));
		bytes_free(&other.said);
	}
	bytes_free(&whole.said);
}

int main(void)
{
	const char *scale = getenv("EPIC_TEST_SCALE");
	long divisor = scale ? strtol(scale, NULL, 10) : 1;
	static struct world w = { .state = 20261122 };

	divisor = divisor > 0 ? divisor : 1;
	for (long i = 0; i < N_ROUNDS / divisor; i++)
		round_of(&w, (size_t)i);
	printf("%zu checks, %zu failed; %zu talks succeeded, %zu were refused\n", w.n_checks,
	       w.n_failures, w.n_done, w.n_bad);
	return w.n_failures || !w.n_done || !w.n_bad ? 1 : 0;
}
