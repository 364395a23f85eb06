/* Random transfers through `seal` and `unseal`, both ways at once, in random pieces, with keys that
 * rotate: what comes out is what went in.  And the same changed on the way: what comes out is the
 * beginning of what went in, and the connection ends. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/socks/functions/rows.h"
#include "tests/prop/seal_pair.h"

enum { N_TRANSFERS = 1500, N_MUTATIONS = 6000, MOST_TEXT = 60000 };

struct world {
	uint64_t state;
	size_t n_checks, n_failures, n_changed;
	char dir[PAIR_DIR];
	struct function *seal[2], *unseal[2]; /* of different settings */
	uint8_t text[N_WAYS][MOST_TEXT];
	size_t n_text[N_WAYS], given[N_WAYS]; /* to be sent; of it, given to its sealing end */
	bool ended[N_WAYS];                   /* the sealing end knows */
	struct bytes line[N_WAYS];            /* sealed, on its way */
	bool over[N_WAYS];                    /* its receiver knows that nothing comes behind */
	struct pair_end near, far;
};

static size_t draw(struct world *w, size_t n)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (size_t)((w->state >> 11) % n);
}

static void check(struct world *w, bool holds, const char *what)
{
	w->n_checks++;
	if (holds)
		return;
	if (w->n_failures++ < 20)
		printf("does not hold: %s (%s; %s)\n", what, w->near.why, w->far.why);
}

static struct pair_end *sealing_end(struct world *w, enum way way)
{
	return way == WAY_FORWARD ? &w->near : &w->far;
}

static struct pair_end *opening_end(struct world *w, enum way way)
{
	return way == WAY_FORWARD ? &w->far : &w->near;
}

static size_t some_length(struct world *w)
{
	static const size_t often[] = { 0, 1, 2, 16383, 16384, 16385, 32768 };

	switch (draw(w, 4)) {
	case 0:
		return often[draw(w, sizeof(often) / sizeof(*often))];
	case 1:
		return draw(w, MOST_TEXT);
	default:
		return draw(w, 300);
	}
}

static void connection_begin(struct world *w)
{
	struct function *seal = w->seal[draw(w, 2)], *unseal = w->unseal[draw(w, 2)];

	for (int way = 0; way < N_WAYS; way++) {
		w->n_text[way] = some_length(w);
		w->given[way] = 0;
		w->ended[way] = w->over[way] = false;
		for (size_t i = 0; i < w->n_text[way]; i++)
			w->text[way][i] = (uint8_t)draw(w, 256);
	}
	check(w, pair_open(&w->near, &function_seal, seal, &pair_facts), "seal opens");
	check(w, pair_open(&w->far, &function_unseal, unseal, &pair_facts), "unseal opens");
}

static void connection_end(struct world *w)
{
	pair_close(&w->near);
	pair_close(&w->far);
	bytes_free(&w->line[WAY_FORWARD]);
	bytes_free(&w->line[WAY_BACK]);
}

/* What an end sealed goes on the line. */
static void collect(struct world *w, enum way way)
{
	struct bytes *out = &sealing_end(w, way)->out[way];

	bytes_add(&w->line[way], out->at, out->n);
	out->n = 0;
}

static void give_some(struct world *w, enum way way)
{
	size_t left = w->n_text[way] - w->given[way], n = left ? 1 + draw(w, left) : 0;
	bool last = n == left && draw(w, 2);
	struct pair_end *e = sealing_end(w, way);

	if (w->ended[way] || e->step[way] != FUNCTION_ON)
		return;
	pair_give(e, way, w->text[way] + w->given[way], n, last);
	w->given[way] += n;
	w->ended[way] = last;
	collect(w, way);
}

static void take_some(struct world *w, enum way way)
{
	struct bytes *line = &w->line[way];
	size_t n = line->n ? 1 + draw(w, draw(w, 2) ? line->n : (line->n < 90 ? line->n : 90)) : 0;
	struct pair_end *e = opening_end(w, way);
	bool last = w->ended[way] && n == line->n && sealing_end(w, way)->step[way] == FUNCTION_ON;

	if (w->over[way] || e->step[way] != FUNCTION_ON || (!n && !last))
		return;
	pair_give(e, way, line->at, n, last);
	bytes_take(line, n);
	w->over[way] = last;
}

static void wake_who_waits(struct world *w, struct pair_end *e)
{
	int wakes = e->wakes;

	if (!wakes)
		return;
	e->wakes -= wakes;
	pair_woken(e);
	collect(w, e == &w->near ? WAY_FORWARD : WAY_BACK);
}

static bool is_beginning(const struct world *w, const struct pair_end *e, enum way way, bool all)
{
	const struct bytes *out = &e->out[way];

	return (all ? out->n == w->n_text[way] : out->n <= w->n_text[way]) &&
	       (!out->n || !memcmp(out->at, w->text[way], out->n));
}

static void pause_us(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

static void transfer(struct world *w)
{
	connection_begin(w);
	for (int i = 0; i < 20000 && !(w->over[WAY_FORWARD] && w->over[WAY_BACK]); i++) {
		enum way way = draw(w, 2) ? WAY_BACK : WAY_FORWARD;

		if (opening_end(w, way)->step[way] == FUNCTION_WAIT) /* for a key */
			pause_us(200);
		if (draw(w, 3))
			take_some(w, way);
		else
			give_some(w, way);
		wake_who_waits(w, draw(w, 2) ? &w->near : &w->far);
	}
	for (int way = 0; way < N_WAYS; way++) {
		check(w, w->over[way], "each way ends");
		check(w, opening_end(w, (enum way)way)->step[way] == FUNCTION_ON,
		      "nothing is refused");
		check(w, is_beginning(w, opening_end(w, (enum way)way), (enum way)way, true),
		      "all comes out as it went in");
	}
	connection_end(w);
}

/* ---- changes ---- */

/* False: nothing was changed. */
static bool change(struct world *w, struct bytes *b)
{
	size_t at = draw(w, b->n), n = 1 + draw(w, b->n - at), to = draw(w, b->n - n + 1);
	struct bytes copy = { 0 };
	bool changed;

	bytes_add(&copy, b->at, b->n);
	switch (draw(w, 5)) {
	case 0:
		b->at[at] ^= (uint8_t)(1U << draw(w, 8));
		break;
	case 1: /* cut */
		b->n = at;
		break;
	case 2: /* a part goes */
		memmove(b->at + at, b->at + at + n, b->n - at - n);
		b->n -= n;
		break;
	case 3: /* a part over another */
		memmove(b->at + to, copy.at + at, n);
		break;
	default: /* a part twice */
		bytes_add(b, copy.at + at, n);
		memcpy(b->at + at + n, copy.at + at, copy.n - at);
		break;
	}
	changed = b->n != copy.n || memcmp(b->at, copy.at, b->n);
	bytes_free(&copy);
	return changed;
}

/* A key of which only the number was changed is waited for: that is no end, but nothing passes. */
static bool is_refused(const struct pair_end *e, enum way way)
{
	return e->step[way] == FUNCTION_END ||
	       (e->step[way] == FUNCTION_WAIT && e->out[way].n == 0);
}

static void mutation(struct world *w)
{
	enum way way = draw(w, 2) ? WAY_BACK : WAY_FORWARD;
	struct pair_end *from, *to;

	connection_begin(w);
	w->n_text[way] = w->n_text[way] % 3000;
	from = sealing_end(w, way);
	to = opening_end(w, way);
	pair_give(&w->near, WAY_FORWARD, w->text[WAY_FORWARD],
		  way == WAY_FORWARD ? w->n_text[way] / 2 : 0, false);
	if (way == WAY_BACK) {
		collect(w, WAY_FORWARD);
		pair_give(&w->far, WAY_FORWARD, w->line[WAY_FORWARD].at, w->line[WAY_FORWARD].n,
			  false);
		pair_give(&w->far, WAY_BACK, w->text[way], w->n_text[way] / 2, false);
	}
	pair_give(from, way, w->text[way] + w->n_text[way] / 2, w->n_text[way] - w->n_text[way] / 2,
		  true);
	collect(w, way);
	check(w, w->line[way].n > 0, "something was sealed");
	if (w->line[way].n && change(w, &w->line[way])) {
		size_t cut = draw(w, w->line[way].n + 1);

		w->n_changed++;
		pair_give(to, way, w->line[way].at, cut, false);
		if (to->step[way] == FUNCTION_ON)
			pair_give(to, way, w->line[way].at + cut, w->line[way].n - cut, true);
		check(w, is_refused(to, way), "what was changed is refused");
		check(w, is_beginning(w, to, way, false), "only what was sent comes out");
	}
	connection_end(w);
}

/* ---- all of it ---- */

static struct function *make(struct world *w, const struct function_class *class, const char *more)
{
	struct function_error error;
	struct function *f = pair_make(class, NULL, &error, "{\"keys\": \"%s\"%s}", w->dir, more);

	if (!f) {
		printf("%s\n", error.text);
		exit(1);
	}
	return f;
}

/* So that nobody waits for a key that was not changed. */
static void settle(const struct function_class *class, struct function *f, unsigned key)
{
	struct text t = { 0 };
	char what[32];

	snprintf(what, sizeof(what), "\"key\": %u,", key);
	do {
		pause_us(10000);
		text_free(&t);
		class->status(f, &t);
	} while (!strstr(t.at, what));
	text_free(&t);
}

int main(void)
{
	static const char small[] = ", \"renew\": 2, \"cipher\": \"chacha20-poly1305\"";
	static struct world w = { .state = 88172645463325252U };
	const char *text = getenv("EPIC_TEST_SCALE");
	int scale = text && atoi(text) > 0 ? atoi(text) : 1;

	pair_dir_make(w.dir);
	pair_put_key(w.dir, 1, NULL);
	w.seal[0] = make(&w, &function_seal, "");
	w.seal[1] = make(&w, &function_seal, small);
	w.unseal[0] = make(&w, &function_unseal, "");
	w.unseal[1] = make(&w, &function_unseal, small);
	for (int i = 0; i < N_TRANSFERS / scale; i++) {
		if (i % 100 == 99) /* taken whenever their threads look */
			pair_put_key(w.dir, 2 + (unsigned)i / 100, NULL);
		transfer(&w);
	}
	pair_put_key(w.dir, 99, NULL);
	for (int i = 0; i < 2; i++) {
		settle(&function_seal, w.seal[i], 99);
		settle(&function_unseal, w.unseal[i], 99);
	}
	for (int i = 0; i < N_MUTATIONS / scale; i++)
		mutation(&w);
	for (int i = 0; i < 2; i++) {
		function_seal.release(w.seal[i]);
		function_unseal.release(w.unseal[i]);
	}
	pair_dir_remove(w.dir);
	printf("%zu checks, %zu changes, %zu failures\n", w.n_checks, w.n_changed, w.n_failures);
	return w.n_failures || w.n_changed < (size_t)(N_MUTATIONS / scale / 2);
}
