/* libFuzzer entry: what the receiving end of `seal` gets from the wire.  The first byte chooses
 * among records, datagrams, and the broker's answers.
 *
 * Half of the inputs of records are sealed here first, so that mutations reach behind the header:
 * then the bytes are edits of a genuine stream.  Nothing that was not sealed comes out, and any cut
 * gives the same. */
#include <config.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/key_lines.h"
#include "runtime/socks/functions/rows.h"
#include "runtime/socks/functions/seal_datagrams.h"
#include "runtime/socks/functions/seal_records.h"
#include "tests/prop/seal_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { RAW, EDITED, DATAGRAM, ANSWER, N_CHOICES };

static const char text[] = "the plaintext that was sealed, and nothing else, may come out of it";

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static struct shared_key key_of(uint32_t id)
{
	struct shared_key key = { .id = id };

	memset(key.bytes, (int)id, sizeof(key.bytes));
	return key;
}

struct reading {
	struct bytes out;
	enum seal_news news;
};

/* All keys are known. */
static void read_on(struct seal_reader *r, struct reading *got, const uint8_t *at, size_t n)
{
	struct shared_key key;

	do {
		got->news = seal_reader_take(r, &at, &n, &got->out);
		if (got->news == SEAL_KEY) {
			key = key_of(r->key);
			demand(seal_reader_key(r, &key), "a key can be set");
		}
		demand(r->part.n <= SEAL_MOST_RECORD, "no more is kept than a record");
	} while (got->news == SEAL_KEY || got->news == SEAL_BEGUN);
}

static struct reading read_all(const struct seal_suite *suite, const struct seal_flow *flow,
			       const uint8_t *bytes, size_t n, size_t piece)
{
	struct seal_reader r = { .base = { suite, flow, WAY_FORWARD, NULL } };
	struct reading got = { .news = SEAL_MORE };

	for (size_t at = 0; at < n && got.news != SEAL_BAD; at += piece)
		read_on(&r, &got, bytes + at, n - at < piece ? n - at : piece);
	if (got.news != SEAL_BAD)
		demand(!seal_reader_cut(&r) == (got.news == SEAL_ENDED), "an end is the last");
	seal_reader_end(&r);
	return got;
}

static void check_records(const struct seal_suite *suite, const struct seal_flow *flow,
			  const uint8_t *bytes, size_t n, bool genuine)
{
	static const size_t pieces[] = { SIZE_MAX / 2, 1, 7, 1000 };
	struct reading first = read_all(suite, flow, bytes, n, pieces[0]);

	demand(genuine || !first.out.n, "what was not sealed is not given on");
	demand(first.out.n <= sizeof(text) &&
		   (!first.out.n || !memcmp(first.out.at, text, first.out.n)),
	       "only a beginning of what was sealed comes out");
	for (size_t i = 1; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct reading again = read_all(suite, flow, bytes, n, pieces[i]);

		demand(again.news == first.news && again.out.n == first.out.n,
		       "any cut gives the same");
		bytes_free(&again.out);
	}
	bytes_free(&first.out);
}

/* Edits: offset 2, how 1, value 1. */
static void edit(struct bytes *b, const uint8_t *edits, size_t n)
{
	for (; n >= 4 && b->n; edits += 4, n -= 4) {
		size_t at = seal_get(edits, 2) % b->n;

		if (edits[2] % 3 == 0)
			b->at[at] ^= edits[3];
		else if (edits[2] % 3 == 1)
			b->n = at;
		else
			bytes_add(b, edits, 1 + edits[3] % 4);
	}
}

static void check_edited(const struct seal_suite *suite, const struct seal_flow *flow,
			 const uint8_t *edits, size_t n)
{
	struct seal_writer w = { .base = { suite, flow, WAY_FORWARD, NULL } };
	struct shared_key key = key_of(1), next = key_of(2);
	struct bytes sealed = { 0 };

	demand(
	    seal_writer_begin(&w, &key, SEAL_AES_256_GCM, key_now(), &sealed) &&
		seal_writer_put(&w, (const uint8_t *)text, 20, false, &sealed) &&
		seal_writer_rekey(&w, &next, &sealed) &&
		seal_writer_put(&w, (const uint8_t *)text + 20, sizeof(text) - 20, true, &sealed),
	    "a stream can be written");
	edit(&sealed, edits, n);
	check_records(suite, flow, sealed.at, sealed.n, true);
	seal_writer_end(&w);
	bytes_free(&sealed);
}

static void check_answer(const uint8_t *bytes, size_t n)
{
	char again[KEY_ANSWER_ROOM];
	struct key_set set, same;
	struct key_error error;
	int64_t refresh, also;

	if (key_answer_read((const char *)bytes, n, &set, &refresh, &error) != KEY_ANSWER_DONE) {
		demand(!set.n, "no keys of a bad answer are taken");
		return;
	}
	n = key_answer_write(&set, refresh, again);
	demand(key_answer_read(again, n, &same, &also, &error) == KEY_ANSWER_DONE &&
		   key_set_same(&set, &same) && refresh == also,
	       "an answer can be written again");
}

/* One association of an instance of its own. */
static void check_datagram(const uint8_t *bytes, size_t n)
{
	struct function_facts facts = pair_facts;
	struct function_error error;
	struct bytes out = { 0 };
	struct function *unseal;
	char dir[PAIR_DIR];
	struct pair_end end;

	pair_dir_make(dir);
	pair_put_key(dir, 1, NULL);
	unseal = pair_make(&function_unseal, NULL, &error, "{\"keys\": \"%s\"}", dir);
	demand(unseal, error.text);
	facts.protocol = IPPROTO_UDP;
	demand(pair_open(&end, &function_unseal, unseal, &facts), "an association opens");
	demand(!function_unseal.datagram(unseal, end.state, WAY_FORWARD, bytes, n, &out) && !out.n,
	       "what was not sealed is not given on");
	bytes_free(&out);
	pair_close(&end);
	function_unseal.release(unseal);
	pair_dir_remove(dir);
}

static void check_stream(const uint8_t *bytes, size_t n, bool edited)
{
	struct seal_suite *suite = seal_suite_open();
	struct seal_flow flow;

	demand(suite && seal_flow_of(suite, &pair_facts, &flow), "OpenSSL works");
	if (edited)
		check_edited(suite, &flow, bytes, n);
	else
		check_records(suite, &flow, bytes, n, false);
	seal_suite_close(suite);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int choice = size ? bytes[0] % N_CHOICES : 0;

	if (!size)
		return 0;
	if (choice == ANSWER)
		check_answer(bytes + 1, size - 1);
	else if (choice == DATAGRAM)
		check_datagram(bytes + 1, size - 1);
	else
		check_stream(bytes + 1, size - 1, choice == EDITED);
	return 0;
}
