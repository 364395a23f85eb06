/* Sealing: runtime/socks/functions/seal.h. */
#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/seal_datagrams.h"
#include "runtime/socks/functions/seal_records.h"
#include "tests/prop/seal_pair.h"
#include "tests/unit/hex.h"

static const char question[] = "GET /patients HTTP/1.1\r\nHost: compute\r\n\r\n";
static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* Two functions with keys in one directory, and one connection through them. */
struct world {
	char dir[PAIR_DIR];
	struct function *seal, *unseal;
	struct pair_end near, far;
};

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void make_both(struct world *w, const char *more)
{
	struct function_error error;

	w->seal = pair_make(&function_seal, NULL, &error, "{\"keys\": \"%s\"%s}", w->dir, more);
	UNIT_TEXT("", error.text);
	w->unseal = pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\"%s}", w->dir, more);
	UNIT_TEXT("", error.text);
}

static void open_both(struct world *w)
{
	CU_ASSERT_TRUE(pair_open(&w->near, &function_seal, w->seal, &pair_facts));
	CU_ASSERT_TRUE(pair_open(&w->far, &function_unseal, w->unseal, &pair_facts));
}

static void close_both(struct world *w)
{
	pair_close(&w->near);
	pair_close(&w->far);
}

static void begin_with(struct world *w, const char *more)
{
	pair_dir_make(w->dir);
	pair_put_key(w->dir, 7, NULL);
	make_both(w, more);
	open_both(w);
}

static void begin(struct world *w)
{
	begin_with(w, "");
}

static void end(struct world *w)
{
	close_both(w);
	function_seal.release(w->seal);
	function_unseal.release(w->unseal);
	pair_dir_remove(w->dir);
}

static bool is_same(const struct bytes *b, const void *expected, size_t n)
{
	return b->n == n && (!n || !memcmp(b->at, expected, n));
}

static bool is_beginning(const struct bytes *b, const char *of)
{
	return b->n <= strlen(of) && (!b->n || !memcmp(b->at, of, b->n));
}

static bool holds(const struct bytes *b, const char *text)
{
	return b->n && memmem(b->at, b->n, text, strlen(text));
}

/* All of what one end made on a way, to the other. */
static enum function_step carry(struct pair_end *from, struct pair_end *to, enum way way, bool last)
{
	enum function_step step = pair_give(to, way, from->out[way].at, from->out[way].n, last);

	from->out[way].n = 0;
	return step;
}

/* ---- it works ---- */

static void carry_pieces(struct pair_end *from, struct pair_end *to, enum way way, size_t piece)
{
	struct bytes *b = &from->out[way];

	for (size_t at = 0; at < b->n; at += piece) {
		size_t n = b->n - at < piece ? b->n - at : piece;

		CU_ASSERT_EQUAL(pair_give(to, way, b->at + at, n, at + n == b->n), FUNCTION_ON);
	}
	b->n = 0;
}

static void round_trip(const char *settings, size_t piece)
{
	struct world w;

	begin_with(&w, settings);
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_FORWARD, question, strlen(question), false),
			FUNCTION_ON);
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_FORWARD, NULL, 0, true), FUNCTION_ON);
	CU_ASSERT_FALSE(holds(&w.near.out[WAY_FORWARD], "patients"));
	carry_pieces(&w.near, &w.far, WAY_FORWARD, piece);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], question, strlen(question)));
	CU_ASSERT_EQUAL(pair_give(&w.far, WAY_BACK, reply, strlen(reply), true), FUNCTION_ON);
	CU_ASSERT_FALSE(holds(&w.far.out[WAY_BACK], "200 OK"));
	carry_pieces(&w.far, &w.near, WAY_BACK, piece);
	CU_ASSERT_TRUE(is_same(&w.near.out[WAY_BACK], reply, strlen(reply)));
	end(&w);
}

static void passes_in_any_split(void)
{
	for (size_t piece = 1; piece < 230; piece += piece < 75 ? 1 : 31)
		round_trip("", piece);
	round_trip(", \"cipher\": \"chacha20-poly1305\"", 1);
	round_trip(", \"cipher\": \"chacha20-poly1305\"", 1000);
	round_trip(", \"renew\": 1", 7);
}

static void passes_much(void)
{
	static uint8_t much[300000];
	struct world w;

	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (uint8_t)(i * 7 + i / 251);
	begin_with(&w, ", \"renew\": 3");
	for (size_t at = 0; at < sizeof(much); at += 60000)
		pair_give(&w.near, WAY_FORWARD, much + at, 60000, at + 60000 == sizeof(much));
	carry_pieces(&w.near, &w.far, WAY_FORWARD, 65536);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], much, sizeof(much)));
	end(&w);
}

/* A server that speaks first, before the client's header came. */
static void holds_an_answer_until_the_question_came(void)
{
	struct world w;

	begin(&w);
	CU_ASSERT_EQUAL(w.near.wakes, 1); /* so that the header goes though the client is silent */
	CU_ASSERT_EQUAL(pair_give(&w.far, WAY_BACK, "220 ", 4, false), FUNCTION_WAIT);
	CU_ASSERT_EQUAL(pair_give(&w.far, WAY_BACK, "smtp\r\n", 6, true), FUNCTION_WAIT);
	CU_ASSERT_EQUAL(w.far.out[WAY_BACK].n, 0);
	pair_woken(&w.near);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, false), FUNCTION_ON);
	CU_ASSERT_EQUAL(w.far.wakes, 1);
	pair_woken(&w.far);
	CU_ASSERT_EQUAL(w.far.step[WAY_BACK], FUNCTION_ON);
	CU_ASSERT_EQUAL(carry(&w.far, &w.near, WAY_BACK, true), FUNCTION_ON);
	CU_ASSERT_TRUE(is_same(&w.near.out[WAY_BACK], "220 smtp\r\n", 10));
	end(&w);
}

/* Made by another program (Python's cryptography) from the text of seal.h. */
static void reads_what_the_format_says(void)
{
	static const char *const vectors[] = {
		"6570534c0101000000000007000001a1fdfa4600a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"
		"b4b5b6b7b8b9babbbcbdbebfa0d9f2fab955603568374c0123544974010000050d5b4c1cc88ac3de"
		"a93727246e3aea6f49d1aa42f503000024e3cf9c5636d5fc3028a4b270b2df73226029d6449faf12"
		"5e055849296ed878a75b8d0c2a8f7ea88848619eecb9af01f12898985402000005b38c1103b7f7e7"
		"32cefc98822adbd6c92aaf48e426",
		"6570534c0102000000000007000001a1fdfa4600a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3"
		"b4b5b6b7b8b9babbbcbdbebf12c91063a730d5c3fc1b7acae568575101000005ff11d634bc71354e"
		"3e8de8749240a3fd7cc6a2b4a903000024b1b3d0ab1e928ba2016d016a69e07b05ad59a85f55387d"
		"4e4a3fc9985efbf040236469e51ce141c7607c3a76cb4f3c1907ff65fd0200000542573f6d417606"
		"d8684da0aaa9c3c3ca270b303e1d",
	};
	struct seal_suite *suite = seal_suite_open();
	struct seal_flow flow;

	CU_ASSERT_TRUE(seal_flow_of(suite, &pair_facts, &flow));
	for (int v = 0; v < 2; v++) {
		struct hex h = hex(vectors[v]);
		struct seal_reader r = { .base = { suite, &flow, WAY_FORWARD, NULL } };
		struct shared_key key = { .id = 7 };
		struct bytes out = { 0 };
		const uint8_t *at = h.at;
		size_t n = h.n;

		CU_ASSERT_EQUAL(seal_reader_take(&r, &at, &n, &out), SEAL_KEY);
		CU_ASSERT_EQUAL(r.key, 7);
		for (int i = 0; i < KEY_BYTES; i++)
			key.bytes[i] = (uint8_t)i;
		CU_ASSERT_TRUE(seal_reader_key(&r, &key));
		CU_ASSERT_EQUAL(seal_reader_take(&r, &at, &n, &out), SEAL_BEGUN);
		CU_ASSERT_EQUAL(r.time, 1795262400000);
		CU_ASSERT_EQUAL(seal_reader_take(&r, &at, &n, &out), SEAL_KEY);
		CU_ASSERT_EQUAL(r.key, 8);
		for (int i = 0; i < KEY_BYTES; i++)
			key.bytes[i] = (uint8_t)(i + 32);
		CU_ASSERT_TRUE(seal_reader_key(&r, &key));
		CU_ASSERT_EQUAL(seal_reader_take(&r, &at, &n, &out), SEAL_ENDED);
		CU_ASSERT_TRUE(is_same(&out, "helloworld", 10));
		bytes_free(&out);
		seal_reader_end(&r);
	}
	seal_suite_close(suite);
}

/* ---- what was changed is found ---- */

static struct bytes copy_of(const struct bytes *b)
{
	struct bytes copy = { 0 };

	bytes_add(&copy, b->at, b->n);
	return copy;
}

/* A connection of its own, whose sealed bytes are given to CHANGE and then to the far end. */
static bool is_refused(struct world *w, enum way way, void (*change)(struct bytes *, size_t which),
		       size_t which)
{
	const char *text = way == WAY_FORWARD ? question : reply;
	struct pair_end *from, *to;
	bool refused;

	open_both(w);
	from = way == WAY_FORWARD ? &w->near : &w->far;
	to = way == WAY_FORWARD ? &w->far : &w->near;
	if (way == WAY_BACK) {
		pair_give(&w->near, WAY_FORWARD, question, strlen(question), false);
		carry(&w->near, &w->far, WAY_FORWARD, false);
	}
	pair_give(from, way, text, 10, false);
	pair_give(from, way, text + 10, strlen(text) - 10, false);
	pair_give(from, way, NULL, 0, true);
	change(&from->out[way], which);
	carry(from, to, way, true);
	for (int i = 0; i < 1000 && to->step[way] == FUNCTION_WAIT; i++) { /* for a key */
		pause_ms(1);
		pair_woken(to);
	}
	refused = to->step[way] == FUNCTION_END;
	CU_ASSERT_TRUE(is_beginning(&to->out[way], text));
	CU_ASSERT_PTR_NULL(strstr(to->why, "recording")); /* that would prove nothing */
	close_both(w);
	return refused;
}

static void change_nothing(struct bytes *b, size_t which)
{
	(void)b;
	(void)which;
}

static void flip_bit(struct bytes *b, size_t which)
{
	b->at[which / 8] ^= (uint8_t)(1U << which % 8);
}

static void cut_at(struct bytes *b, size_t which)
{
	b->n = which;
}

/* Header, two records with 10 and the other bytes, the last record. */
enum { HEAD = SEAL_HEADER + SEAL_TAG, FIRST = 10 + SEAL_RECORD + SEAL_TAG };

static size_t sealed_size(enum way way)
{
	return HEAD + 3 * (SEAL_RECORD + SEAL_TAG) + strlen(way ? reply : question);
}

static void finds_each_flipped_bit(void)
{
	struct world w;

	begin_with(&w, ", \"patience\": 0");
	close_both(&w);
	for (enum way way = WAY_FORWARD; way <= WAY_BACK; way++) {
		CU_ASSERT_FALSE(is_refused(&w, way, change_nothing, 0));
		for (size_t bit = 0; bit < 8 * sealed_size(way); bit++)
			CU_ASSERT_TRUE(is_refused(&w, way, flip_bit, bit));
	}
	open_both(&w);
	end(&w);
}

static void finds_each_truncation(void)
{
	struct world w;

	begin_with(&w, ", \"patience\": 0");
	close_both(&w);
	for (enum way way = WAY_FORWARD; way <= WAY_BACK; way++)
		for (size_t n = 0; n < sealed_size(way); n++)
			CU_ASSERT_TRUE(is_refused(&w, way, cut_at, n));
	open_both(&w);
	end(&w);
}

static void change_order(struct bytes *b, size_t which)
{
	uint8_t *first = b->at + HEAD, *second = first + FIRST;
	size_t n_second = b->n - HEAD - FIRST - SEAL_RECORD - SEAL_TAG;
	struct bytes copy = copy_of(b);

	if (which == 0) { /* swapped */
		memcpy(first, copy.at + HEAD + FIRST, n_second);
		memcpy(first + n_second, copy.at + HEAD, FIRST);
	} else if (which == 1) { /* the first is missing */
		memmove(first, second, b->n - HEAD - FIRST);
		b->n -= FIRST;
	} else if (which == 2) { /* the first twice */
		bytes_add(b, copy.at, FIRST);
		memcpy(b->at + HEAD + FIRST, copy.at + HEAD, copy.n - HEAD);
	} else if (which == 3) { /* the end at once */
		memcpy(first, copy.at + copy.n - SEAL_RECORD - SEAL_TAG, SEAL_RECORD + SEAL_TAG);
		b->n = HEAD + SEAL_RECORD + SEAL_TAG;
	} else { /* something behind the end */
		bytes_add(b, "x", 1);
	}
	bytes_free(&copy);
}

static void finds_records_out_of_order(void)
{
	struct world w;

	begin_with(&w, ", \"patience\": 0");
	close_both(&w);
	for (enum way way = WAY_FORWARD; way <= WAY_BACK; way++)
		for (size_t which = 0; which < 5; which++)
			CU_ASSERT_TRUE(is_refused(&w, way, change_order, which));
	open_both(&w);
	end(&w);
}

static void says_that_it_was_cut(void)
{
	struct world w;

	begin(&w);
	pair_give(&w.near, WAY_FORWARD, question, strlen(question), false);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, false), FUNCTION_ON);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], question, strlen(question)));
	CU_ASSERT_EQUAL(pair_give(&w.far, WAY_FORWARD, NULL, 0, true), FUNCTION_END);
	UNIT_TEXT("the sealed stream was cut: its last record is missing", w.far.why);
	end(&w);
}

static void refuses_what_is_not_sealed_at_its_first_byte(void)
{
	struct world w;

	begin(&w);
	CU_ASSERT_EQUAL(pair_give(&w.far, WAY_FORWARD, question, 1, false), FUNCTION_END);
	UNIT_TEXT("what came is not sealed", w.far.why);
	CU_ASSERT_EQUAL(w.far.out[WAY_FORWARD].n, 0);
	end(&w);
}

/* ---- recordings ---- */

static void finds_reflections(void)
{
	struct world w;
	struct bytes sealed;

	begin(&w);
	pair_give(&w.near, WAY_FORWARD, question, strlen(question), true);
	sealed = copy_of(&w.near.out[WAY_FORWARD]);
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_BACK, sealed.at, sealed.n, true), FUNCTION_END);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.near.why, "not genuine"));
	CU_ASSERT_EQUAL(w.near.out[WAY_BACK].n, 0);
	bytes_free(&sealed);
	end(&w);
}

/* Everything that went between the two, both ways. */
static void record(struct world *w, struct bytes sealed[N_WAYS])
{
	pair_give(&w->near, WAY_FORWARD, question, strlen(question), true);
	sealed[WAY_FORWARD] = copy_of(&w->near.out[WAY_FORWARD]);
	CU_ASSERT_EQUAL(carry(&w->near, &w->far, WAY_FORWARD, true), FUNCTION_ON);
	pair_give(&w->far, WAY_BACK, reply, strlen(reply), true);
	sealed[WAY_BACK] = copy_of(&w->far.out[WAY_BACK]);
	CU_ASSERT_EQUAL(carry(&w->far, &w->near, WAY_BACK, true), FUNCTION_ON);
	close_both(w);
}

static void finds_a_replayed_connection(void)
{
	struct bytes sealed[N_WAYS];
	struct function_error error;
	struct function *again;
	struct world w;

	begin(&w);
	record(&w, sealed);
	/* to the server */
	open_both(&w);
	CU_ASSERT_EQUAL(
	    pair_give(&w.far, WAY_FORWARD, sealed[WAY_FORWARD].at, sealed[WAY_FORWARD].n, true),
	    FUNCTION_END);
	UNIT_TEXT("the sealed stream is a recording: it was here before", w.far.why);
	CU_ASSERT_EQUAL(w.far.out[WAY_FORWARD].n, 0);
	/* to a client that asks the same again */
	pair_give(&w.near, WAY_FORWARD, question, strlen(question), true);
	CU_ASSERT_EQUAL(pair_give(&w.near, WAY_BACK, sealed[WAY_BACK].at, sealed[WAY_BACK].n, true),
			FUNCTION_END);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.near.why, "not genuine"));
	CU_ASSERT_EQUAL(w.near.out[WAY_BACK].n, 0);
	close_both(&w);
	/* after a reload */
	again = pair_make(&function_unseal, w.unseal, &error, "{\"keys\": \"%s\"}", w.dir);
	function_unseal.release(w.unseal);
	w.unseal = again;
	open_both(&w);
	CU_ASSERT_EQUAL(
	    pair_give(&w.far, WAY_FORWARD, sealed[WAY_FORWARD].at, sealed[WAY_FORWARD].n, true),
	    FUNCTION_END);
	UNIT_TEXT("the sealed stream is a recording: it was here before", w.far.why);
	close_both(&w);
	/* after a restart */
	function_unseal.release(w.unseal);
	pause_ms(5);
	w.unseal = pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\"}", w.dir);
	open_both(&w);
	CU_ASSERT_EQUAL(
	    pair_give(&w.far, WAY_FORWARD, sealed[WAY_FORWARD].at, sealed[WAY_FORWARD].n, true),
	    FUNCTION_END);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.far.why, "older than this function"));
	bytes_free(&sealed[WAY_FORWARD]);
	bytes_free(&sealed[WAY_BACK]);
	end(&w);
}

/* A genuine stream with that time in its header. */
static void seal_at(struct world *w, int64_t time, struct bytes *out)
{
	struct seal_suite *suite = seal_suite_open();
	struct seal_flow flow;
	struct seal_writer writer = { .base = { suite, &flow, WAY_FORWARD, NULL } };
	struct shared_key key = { .id = 7 };
	char digits[65];

	(void)w;
	pair_key_hex(7, digits);
	CU_ASSERT_TRUE(key_hex_read(digits, 64, key.bytes));
	CU_ASSERT_TRUE(seal_flow_of(suite, &pair_facts, &flow));
	CU_ASSERT_TRUE(seal_writer_begin(&writer, &key, SEAL_AES_256_GCM, time, out));
	CU_ASSERT_TRUE(seal_writer_put(&writer, (const uint8_t *)"x", 1, true, out));
	seal_writer_end(&writer);
	seal_suite_close(suite);
}

static void refuses_clocks_that_differ_too_much(void)
{
	static const struct {
		int64_t off;
		enum function_step step;
	} rows[] = { { 0, FUNCTION_ON },
		     { 30000, FUNCTION_ON },
		     { -200000, FUNCTION_END },
		     { 200000, FUNCTION_END },
		     { INT64_MIN / 2, FUNCTION_END } };
	struct world w;

	begin(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bytes sealed = { 0 };

		close_both(&w);
		open_both(&w);
		seal_at(&w, key_now() + rows[i].off, &sealed);
		CU_ASSERT_EQUAL(pair_give(&w.far, WAY_FORWARD, sealed.at, sealed.n, true),
				rows[i].step);
		bytes_free(&sealed);
	}
	end(&w);
}

static void refuses_what_belongs_to_another_flow(void)
{
	struct function_facts other[3] = { pair_facts, pair_facts, pair_facts };
	struct world w;

	begin(&w);
	other[0].application = "sepsi";
	other[1].from = "north.eh";
	other[2].to = "north.compute";
	other[0].from = "snorth.ehr"; /* together they read the same */
	for (int i = 0; i < 3; i++) {
		pair_close(&w.far);
		CU_ASSERT_TRUE(pair_open(&w.far, &function_unseal, w.unseal, &other[i]));
		pair_give(&w.near, WAY_FORWARD, question, strlen(question), true);
		CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, true), FUNCTION_END);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.far.why, "not genuine"));
		CU_ASSERT_EQUAL(w.far.out[WAY_FORWARD].n, 0);
		pair_close(&w.near);
		CU_ASSERT_TRUE(pair_open(&w.near, &function_seal, w.seal, &pair_facts));
	}
	end(&w);
}

/* No 8 bytes of A stand anywhere in B, but for the first 20 of the header. */
static bool are_unlike(const struct bytes *a, const struct bytes *b)
{
	for (size_t i = 20; i + 8 <= a->n; i++)
		if (memmem(b->at, b->n, a->at + i, 8))
			return false;
	return a->n > 200;
}

static void never_gives_the_same_bytes_twice(void)
{
	static const char zeros[4096];
	struct bytes sealed[2];
	struct world w;

	begin_with(&w, ", \"renew\": 2");
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 6; k++)
			pair_give(&w.near, WAY_FORWARD, zeros, 500, k == 5);
		sealed[i] = copy_of(&w.near.out[WAY_FORWARD]);
		close_both(&w);
		open_both(&w);
	}
	CU_ASSERT_TRUE(are_unlike(&sealed[0], &sealed[1]));
	for (size_t i = 20; i + 16 <= sealed[0].n; i++) /* nor within one */
		CU_ASSERT_PTR_NULL(
		    memmem(sealed[0].at + i + 8, sealed[0].n - i - 8, sealed[0].at + i, 8));
	bytes_free(&sealed[0]);
	bytes_free(&sealed[1]);
	end(&w);
}

/* ---- keys ---- */

static bool status_has(const struct function_class *class, struct function *f, const char *what)
{
	struct text t = { 0 };
	bool has;

	class->status(f, &t);
	has = strstr(t.at, what) != NULL;
	text_free(&t);
	return has;
}

static bool comes_to(const struct function_class *class, struct function *f, const char *what)
{
	for (int i = 0; i < 500; i++) {
		if (status_has(class, f, what))
			return true;
		pause_ms(10);
	}
	return false;
}

static void rotates_in_the_middle_and_loses_nothing(void)
{
	struct world w;

	begin(&w);
	pair_give(&w.near, WAY_FORWARD, question, 20, false);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, false), FUNCTION_ON);
	pair_put_key(w.dir, 8, NULL);
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 8, \"keys\""));
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "\"key\": 8, \"keys\""));
	pair_give(&w.near, WAY_FORWARD, question + 20, strlen(question) - 20, true);
	CU_ASSERT_TRUE(status_has(&function_seal, w.seal, "\"renewed\": 1,"));
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, true), FUNCTION_ON);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], question, strlen(question)));
	pair_give(&w.far, WAY_BACK, reply, strlen(reply), true);
	CU_ASSERT_EQUAL(w.far.out[WAY_BACK].at[11], 8);
	CU_ASSERT_EQUAL(carry(&w.far, &w.near, WAY_BACK, true), FUNCTION_ON);
	CU_ASSERT_TRUE(is_same(&w.near.out[WAY_BACK], reply, strlen(reply)));
	end(&w);
}

/* The far end has a directory of its own, where the new key comes late. */
static void waits_for_a_key_that_comes_late(void)
{
	struct function_error error;
	char late[PAIR_DIR];
	struct world w;

	begin(&w);
	close_both(&w);
	pair_dir_make(late);
	pair_put_key(late, 7, NULL);
	function_unseal.release(w.unseal);
	w.unseal = pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\"}", late);
	open_both(&w);
	pair_give(&w.near, WAY_FORWARD, question, 20, false);
	carry(&w.near, &w.far, WAY_FORWARD, false);
	pair_put_key(w.dir, 9, NULL);
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 9, \"keys\""));
	pair_give(&w.near, WAY_FORWARD, question + 20, strlen(question) - 20, true);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, true), FUNCTION_WAIT);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], question, 20));
	pair_put_key(late, 9, NULL);
	CU_ASSERT_TRUE(pair_wait(&w.far, 0));
	CU_ASSERT_EQUAL(w.far.step[WAY_FORWARD], FUNCTION_ON);
	CU_ASSERT_TRUE(is_same(&w.far.out[WAY_FORWARD], question, strlen(question)));
	end(&w);
	pair_dir_remove(late);
}

static void gives_up_a_key_that_never_comes(void)
{
	struct function_error error;
	char other[PAIR_DIR];
	struct world w;

	begin(&w);
	pair_close(&w.far);
	function_unseal.release(w.unseal);
	pair_dir_make(other);
	pair_put_key(other, 3, NULL);
	w.unseal =
	    pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\", \"patience\": 1}", other);
	CU_ASSERT_TRUE(pair_open(&w.far, &function_unseal, w.unseal, &pair_facts));
	pair_give(&w.near, WAY_FORWARD, question, strlen(question), true);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, false), FUNCTION_WAIT);
	CU_ASSERT_TRUE(pair_wait(&w.far, 0));
	CU_ASSERT_EQUAL(w.far.step[WAY_FORWARD], FUNCTION_END);
	UNIT_TEXT("key 7 is not known", w.far.why);
	end(&w);
	pair_dir_remove(other);
}

static void another_key_of_the_same_number_is_found(void)
{
	struct function_error error;
	char other[PAIR_DIR], text[80] = "";
	struct world w;

	begin(&w);
	pair_close(&w.far);
	function_unseal.release(w.unseal);
	pair_dir_make(other);
	pair_key_hex(8, text);
	pair_put(other, "7.key", text, 0600);
	w.unseal = pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\"}", other);
	CU_ASSERT_TRUE(pair_open(&w.far, &function_unseal, w.unseal, &pair_facts));
	pair_give(&w.near, WAY_FORWARD, question, strlen(question), true);
	CU_ASSERT_EQUAL(carry(&w.near, &w.far, WAY_FORWARD, false), FUNCTION_END);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.far.why, "another key of that number"));
	end(&w);
	pair_dir_remove(other);
}

static void tells_no_key_in_its_status(void)
{
	char digits[65];
	struct world w;

	begin(&w);
	pair_key_hex(7, digits);
	digits[8] = '\0';
	CU_ASSERT_TRUE(status_has(&function_seal, w.seal, "\"key\": 7, \"keys\": 1"));
	CU_ASSERT_TRUE(status_has(&function_seal, w.seal, "\"opened\": 1, \"open\": 1"));
	CU_ASSERT_FALSE(status_has(&function_seal, w.seal, digits));
	CU_ASSERT_FALSE(status_has(&function_unseal, w.unseal, digits));
	end(&w);
}

static void refuses_settings_that_mean_nothing(void)
{
	static const char *const rows[][2] = {
		{ "{}", "either keys (a directory) or broker must be given" },
		{ "{\"keys\": \"/nowhere\"}", "/nowhere: No such file or directory" },
		{ "{\"keys\": 3}", "keys is not a string" },
		{ "{\"keys\": \"a\", \"broker\": \"unix:b\"}",
		  "either keys (a directory) or broker must be given" },
		{ "{\"keys\": \"a\", \"colour\": 1}", "colour is unknown" },
		{ "{\"keys\": \"a\", \"cipher\": \"rot13\"}",
		  "cipher is none of aes-256-gcm, chacha20-poly1305" },
		{ "{\"broker\": \"127.0.0.1:99\"}",
		  "a broker at ADDRESS:PORT needs certificate, key and authority" },
		{ "{\"broker\": \"hub:99\", \"certificate\": \"c\", \"key\": \"k\", "
		  "\"authority\": \"a\"}",
		  "broker is neither ADDRESS:PORT nor unix:PATH" },
	};
	struct function_error error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_PTR_NULL(pair_make(&function_seal, NULL, &error, "%s", rows[i][0]));
		UNIT_TEXT(rows[i][1], error.text);
	}
}

/* ---- datagrams ---- */

static void begin_datagrams(struct world *w)
{
	struct function_facts facts = pair_facts;

	begin(w);
	close_both(w);
	facts.protocol = IPPROTO_UDP;
	CU_ASSERT_TRUE(pair_open(&w->near, &function_seal, w->seal, &facts));
	CU_ASSERT_TRUE(pair_open(&w->far, &function_unseal, w->unseal, &facts));
}

static struct bytes lock(struct pair_end *e, enum way way, const void *text, size_t n)
{
	struct bytes out = { 0 };

	CU_ASSERT_TRUE(e->class->datagram(e->function, e->state, way, text, n, &out));
	return out;
}

/* Whether it is taken, and is then TEXT. */
static bool unlocks(struct pair_end *e, enum way way, const struct bytes *sealed, const char *text)
{
	struct bytes out = { 0 };
	bool ok = e->class->datagram(e->function, e->state, way, sealed->at, sealed->n, &out);

	CU_ASSERT_TRUE(ok ? is_same(&out, text, strlen(text)) : out.n == 0);
	bytes_free(&out);
	return ok;
}

static void passes_datagrams_both_ways(void)
{
	struct bytes there, back, empty;
	struct world w;

	begin_datagrams(&w);
	there = lock(&w.near, WAY_FORWARD, "ping", 4);
	CU_ASSERT_EQUAL(there.n, 4 + SEAL_DATAGRAM_MORE);
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &there, "ping"));
	back = lock(&w.far, WAY_BACK, "pong", 4);
	CU_ASSERT_TRUE(unlocks(&w.near, WAY_BACK, &back, "pong"));
	empty = lock(&w.near, WAY_FORWARD, "", 0);
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &empty, ""));
	CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &there, "ping")); /* twice */
	CU_ASSERT_FALSE(unlocks(&w.near, WAY_BACK, &there, "ping"));   /* reflected */
	bytes_free(&there);
	bytes_free(&back);
	bytes_free(&empty);
	end(&w);
}

static void finds_each_flipped_bit_of_a_datagram(void)
{
	struct bytes sealed;
	struct world w;

	begin_datagrams(&w);
	sealed = lock(&w.near, WAY_FORWARD, "dose 5 mg", 9);
	for (size_t bit = 0; bit < 8 * sealed.n; bit++) {
		flip_bit(&sealed, bit);
		CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &sealed, "dose 5 mg"));
		flip_bit(&sealed, bit);
	}
	for (size_t n = sealed.n; n--;) {
		struct bytes cut = { sealed.at, n, n, false };

		CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &cut, "dose 5 mg"));
	}
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &sealed, "dose 5 mg"));
	bytes_free(&sealed);
	end(&w);
}

static void takes_late_datagrams_within_the_window(void)
{
	enum { N = SEAL_WINDOW + 10 };
	struct bytes sealed[N];
	struct world w;

	begin_datagrams(&w);
	for (int i = 0; i < N; i++)
		sealed[i] = lock(&w.near, WAY_FORWARD, "x", 1);
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &sealed[N - 1], "x"));
	CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &sealed[N - 1 - SEAL_WINDOW], "x"));
	for (int i = N - SEAL_WINDOW; i < N - 1; i++)
		CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &sealed[i], "x"));
	for (int i = 0; i < N; i++) {
		CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &sealed[i], "x"));
		bytes_free(&sealed[i]);
	}
	end(&w);
}

static void refuses_datagrams_of_another_association(void)
{
	struct function_facts facts = pair_facts;
	struct bytes sealed;
	struct world w;

	begin_datagrams(&w);
	facts.protocol = IPPROTO_UDP;
	sealed = lock(&w.near, WAY_FORWARD, "again", 5);
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &sealed, "again"));
	pair_close(&w.far);
	CU_ASSERT_TRUE(pair_open(&w.far, &function_unseal, w.unseal, &facts));
	CU_ASSERT_FALSE(unlocks(&w.far, WAY_FORWARD, &sealed, "again"));
	bytes_free(&sealed);
	end(&w);
}

static void datagrams_follow_a_rotation(void)
{
	struct bytes old, new;
	struct world w;

	begin_datagrams(&w);
	old = lock(&w.near, WAY_FORWARD, "old", 3);
	pair_put_key(w.dir, 8, NULL);
	CU_ASSERT_TRUE(comes_to(&function_seal, w.seal, "\"key\": 8, \"keys\""));
	CU_ASSERT_TRUE(comes_to(&function_unseal, w.unseal, "\"key\": 8, \"keys\""));
	new = lock(&w.near, WAY_FORWARD, "new", 3);
	CU_ASSERT_EQUAL(new.at[7], 8);
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &new, "new"));
	CU_ASSERT_TRUE(unlocks(&w.far, WAY_FORWARD, &old, "old"));
	bytes_free(&old);
	bytes_free(&new);
	end(&w);
}

static void the_window_counts_as_a_list_would(void)
{
	static struct seal_window w;
	static bool taken[20000];
	uint64_t highest = 0, state = 88172645463325252U;

	for (int i = 0; i < 20000; i++) {
		uint64_t back, number;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		back = state % 8 ? state >> 20 & 1500 : 0;
		number = highest + (state % 8 ? 0 : state >> 40 & (state % 3 ? 3 : 1500));
		number = number > back ? number - back : 0;
		if (number >= 20000)
			break;
		CU_ASSERT_EQUAL(seal_window_open(&w, number),
				!taken[number] && number + SEAL_WINDOW > highest);
		if (!seal_window_open(&w, number))
			continue;
		seal_window_take(&w, number);
		taken[number] = true;
		highest = number > highest ? number : highest;
	}
	CU_ASSERT_TRUE(highest > 10000);
	CU_ASSERT_FALSE(seal_window_open(&w, UINT64_MAX));
}

int main(void)
{
	static const struct unit units[] = {
		{ "passes_in_any_split", passes_in_any_split },
		{ "passes_much", passes_much },
		{ "holds_an_answer_until_the_question_came",
		  holds_an_answer_until_the_question_came },
		{ "reads_what_the_format_says", reads_what_the_format_says },
		{ "finds_each_flipped_bit", finds_each_flipped_bit },
		{ "finds_each_truncation", finds_each_truncation },
		{ "finds_records_out_of_order", finds_records_out_of_order },
		{ "says_that_it_was_cut", says_that_it_was_cut },
		{ "refuses_what_is_not_sealed_at_its_first_byte",
		  refuses_what_is_not_sealed_at_its_first_byte },
		{ "finds_reflections", finds_reflections },
		{ "finds_a_replayed_connection", finds_a_replayed_connection },
		{ "refuses_clocks_that_differ_too_much", refuses_clocks_that_differ_too_much },
		{ "refuses_what_belongs_to_another_flow", refuses_what_belongs_to_another_flow },
		{ "never_gives_the_same_bytes_twice", never_gives_the_same_bytes_twice },
		{ "rotates_in_the_middle_and_loses_nothing",
		  rotates_in_the_middle_and_loses_nothing },
		{ "waits_for_a_key_that_comes_late", waits_for_a_key_that_comes_late },
		{ "gives_up_a_key_that_never_comes", gives_up_a_key_that_never_comes },
		{ "another_key_of_the_same_number_is_found",
		  another_key_of_the_same_number_is_found },
		{ "tells_no_key_in_its_status", tells_no_key_in_its_status },
		{ "refuses_settings_that_mean_nothing", refuses_settings_that_mean_nothing },
		{ "passes_datagrams_both_ways", passes_datagrams_both_ways },
		{ "finds_each_flipped_bit_of_a_datagram", finds_each_flipped_bit_of_a_datagram },
		{ "takes_late_datagrams_within_the_window",
		  takes_late_datagrams_within_the_window },
		{ "refuses_datagrams_of_another_association",
		  refuses_datagrams_of_another_association },
		{ "datagrams_follow_a_rotation", datagrams_follow_a_rotation },
		{ "the_window_counts_as_a_list_would", the_window_counts_as_a_list_would },
	};

	return unit_main("seal", units, sizeof(units) / sizeof(*units));
}
