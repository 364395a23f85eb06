#include <config.h>

#include "runtime/socks/functions/seal_records.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

enum { NEW_KEYS = 4 + SEAL_SALT };

static const uint8_t magic[4] = "epSL";

static struct seal_origin origin_of(const struct seal_way *w, uint8_t cipher, uint32_t epoch,
				    const uint8_t salt[SEAL_SALT])
{
	return (struct seal_origin){ .flow = w->flow,
				     .cipher = cipher,
				     .way = w->way,
				     .epoch = epoch,
				     .binding = w->binding,
				     .salt = salt,
				     .n_salt = SEAL_SALT };
}

/* ---- writing ---- */

static void write_header(const struct seal_writer *w, uint8_t cipher, int64_t now, uint8_t *at)
{
	memcpy(at, magic, sizeof(magic));
	at = seal_put(at + sizeof(magic), SEAL_VERSION, 1);
	at = seal_put(at, cipher, 1);
	at = seal_put(at, 0, 2);
	at = seal_put(at, w->key, 4);
	at = seal_put(at, (uint64_t)now, 8);
	memcpy(at, w->salt, SEAL_SALT);
}

bool seal_writer_begin(struct seal_writer *w, const struct shared_key *key, uint8_t cipher,
		       int64_t now, struct bytes *out)
{
	uint8_t *at = bytes_more(out, SEAL_HEADER + SEAL_TAG);
	struct seal_origin origin;

	if (!at || RAND_bytes(w->salt, SEAL_SALT) != 1)
		return false;
	w->key = key->id;
	w->epoch = 0;
	w->number = 0;
	if (w->base.way == WAY_FORWARD)
		w->base.binding = w->salt;
	origin = origin_of(&w->base, cipher, 0, w->salt);
	write_header(w, cipher, now, at);
	if (!seal_aead_key(&w->aead, w->base.suite, key, &origin, true) ||
	    !seal_aead_lock(&w->aead, w->number++, at, SEAL_HEADER, NULL, 0, at + SEAL_HEADER))
		return false;
	out->n += SEAL_HEADER + SEAL_TAG;
	w->begun = true;
	return true;
}

static bool write_record(struct seal_writer *w, uint8_t type, const uint8_t *in, size_t n,
			 struct bytes *out)
{
	uint8_t *at = bytes_more(out, SEAL_RECORD + n + SEAL_TAG);

	if (!at)
		return false;
	at[0] = type;
	at[1] = 0;
	seal_put(at + 2, n, 2);
	if (!seal_aead_lock(&w->aead, w->number++, at, SEAL_RECORD, in, n, at + SEAL_RECORD))
		return false;
	out->n += SEAL_RECORD + n + SEAL_TAG;
	return true;
}

bool seal_writer_rekey(struct seal_writer *w, const struct shared_key *key, struct bytes *out)
{
	uint8_t news[NEW_KEYS];
	struct seal_origin origin = origin_of(&w->base, w->aead.cipher, w->epoch + 1, news + 4);

	seal_put(news, key->id, 4);
	if (RAND_bytes(news + 4, SEAL_SALT) != 1 ||
	    !write_record(w, SEAL_NEW_KEYS, news, sizeof(news), out) ||
	    !seal_aead_key(&w->aead, w->base.suite, key, &origin, true))
		return false;
	w->key = key->id;
	w->epoch++;
	w->number = 0;
	return true;
}

bool seal_writer_put(struct seal_writer *w, const uint8_t *in, size_t n, bool last,
		     struct bytes *out)
{
	while (n || last) {
		size_t some = n < SEAL_MOST_PLAIN ? n : SEAL_MOST_PLAIN;
		bool ends = last && some == n;

		if (!write_record(w, ends ? SEAL_LAST : SEAL_DATA, in, some, out))
			return false;
		if (ends) {
			w->ended = true;
			return true;
		}
		in += some;
		n -= some;
	}
	return true;
}

void seal_writer_end(struct seal_writer *w)
{
	seal_aead_end(&w->aead);
	OPENSSL_cleanse(w, sizeof(*w));
}

/* ---- reading ---- */

static enum seal_news bad(struct seal_reader *r, const char *why)
{
	r->why = why;
	return SEAL_BAD;
}

/* How many bytes are needed at least for the next step, of which N at AT are there. */
static size_t wanted(const struct seal_reader *r, const uint8_t *at, size_t n)
{
	if (r->at == SEAL_AT_HEADER)
		return SEAL_HEADER + SEAL_TAG;
	return n < SEAL_RECORD ? SEAL_RECORD : SEAL_RECORD + seal_get(at + 2, 2) + SEAL_TAG;
}

/* Found as early as can be, so that nobody waits for what cannot come. */
static const char *wrong_start(const struct seal_reader *r, const uint8_t *at, size_t n)
{
	if (r->at == SEAL_AT_HEADER)
		return memcmp(at, magic, n < sizeof(magic) ? n : sizeof(magic))
			   ? "what came is not sealed"
			   : NULL;
	if (at[0] < SEAL_DATA || at[0] > SEAL_NEW_KEYS || (n > 1 && at[1]))
		return "a sealed record is of no known type";
	if (n >= SEAL_RECORD && seal_get(at + 2, 2) > SEAL_MOST_PLAIN)
		return "a sealed record is too long";
	return NULL;
}

static enum seal_news read_header(struct seal_reader *r, const uint8_t *at)
{
	uint8_t cipher = at[5];

	if (at[4] != SEAL_VERSION || at[6] || at[7])
		return bad(r, "the sealed stream is of another version");
	if (!cipher || cipher >= SEAL_N_CIPHERS)
		return bad(r, "the sealed stream has an unknown cipher");
	memcpy(r->header, at, sizeof(r->header));
	r->key = (uint32_t)seal_get(at + 8, 4);
	r->time = (int64_t)seal_get(at + 12, 8);
	memcpy(r->salt, at + 20, SEAL_SALT);
	memcpy(r->new_salt, r->salt, SEAL_SALT);
	if (r->base.way == WAY_FORWARD)
		r->base.binding = r->salt;
	r->aead.cipher = cipher;
	r->at = SEAL_AT_KEY;
	return SEAL_KEY;
}

static enum seal_news check_header(struct seal_reader *r)
{
	uint8_t none;

	if (!seal_aead_unlock(&r->aead, r->number++, r->header, SEAL_HEADER,
			      r->header + SEAL_HEADER, 0, &none))
		return bad(r, "the sealed stream is not genuine: changed on the way, of another "
			      "flow or connection, or under another key of that number");
	r->at = SEAL_AT_RECORD;
	return SEAL_BEGUN;
}

static enum seal_news take_new_keys(struct seal_reader *r, const uint8_t *at, size_t n)
{
	if (n != NEW_KEYS)
		return bad(r, "a sealed record of new keys has a wrong length");
	r->key = (uint32_t)seal_get(at, 4);
	memcpy(r->new_salt, at + 4, SEAL_SALT);
	r->epoch++;
	r->at = SEAL_AT_KEY;
	return SEAL_KEY;
}

/* SEAL_MORE: its data are in OUT. */
static enum seal_news read_record(struct seal_reader *r, const uint8_t *at, struct bytes *out)
{
	size_t n = seal_get(at + 2, 2);
	uint8_t *plain = bytes_more(out, n ? n : 1);

	if (!plain)
		return bad(r, "memory is exhausted");
	if (!seal_aead_unlock(&r->aead, r->number++, at, SEAL_RECORD, at + SEAL_RECORD, n, plain))
		return bad(r, "a sealed record is not genuine: changed, missing or out of order");
	if (at[0] == SEAL_NEW_KEYS) {
		enum seal_news news = take_new_keys(r, plain, n);

		OPENSSL_cleanse(plain, n);
		return news;
	}
	out->n += n;
	if (at[0] == SEAL_LAST)
		r->at = SEAL_AT_END;
	return SEAL_MORE;
}

/* The bytes of the next step: straight from *IN if all are there, else gathered in `part`.  NULL:
 * more are needed, or there is something wrong and `why` is set. */
static const uint8_t *gather(struct seal_reader *r, const uint8_t **in, size_t *n)
{
	while (*n) {
		const uint8_t *at = r->part.n ? r->part.at : *in, *start = *in;
		size_t have = r->part.n ? r->part.n : *n, need, some;

		r->why = wrong_start(r, at, have);
		need = wanted(r, at, have);
		if (r->why)
			return NULL;
		if (!r->part.n && have >= need) {
			*in += need;
			*n -= need;
			return start;
		}
		some = need - r->part.n < *n ? need - r->part.n : *n;
		bytes_add(&r->part, *in, some);
		if (r->part.failed) {
			r->why = "memory is exhausted";
			return NULL;
		}
		*in += some;
		*n -= some;
		if (r->part.n >= SEAL_RECORD && r->part.n == wanted(r, r->part.at, r->part.n)) {
			r->why = wrong_start(r, r->part.at, r->part.n);
			return r->why ? NULL : r->part.at;
		}
	}
	if (r->part.n)
		r->why = wrong_start(r, r->part.at, r->part.n);
	return NULL;
}

static enum seal_news read_one(struct seal_reader *r, const uint8_t **in, size_t *n,
			       struct bytes *out)
{
	const uint8_t *at = gather(r, in, n);
	enum seal_news news;

	if (!at)
		return r->why ? SEAL_BAD : SEAL_MORE;
	news = r->at == SEAL_AT_HEADER ? read_header(r, at) : read_record(r, at, out);
	r->part.n = 0;
	return news;
}

enum seal_news seal_reader_take(struct seal_reader *r, const uint8_t **in, size_t *n,
				struct bytes *out)
{
	enum seal_news news = SEAL_MORE;

	if (r->why)
		return SEAL_BAD;
	if (r->at == SEAL_AT_KEY)
		return SEAL_KEY;
	if (r->at == SEAL_AT_TAG)
		return check_header(r);
	while (news == SEAL_MORE && *n && r->at != SEAL_AT_END)
		news = read_one(r, in, n, out);
	if (news == SEAL_MORE && r->at == SEAL_AT_END)
		news = *n ? bad(r, "bytes stand behind the last sealed record") : SEAL_ENDED;
	/* A connection that waits holds no buffer. */
	if (!r->part.n && r->part.room && !*n)
		bytes_free(&r->part);
	return news;
}

bool seal_reader_key(struct seal_reader *r, const struct shared_key *key)
{
	struct seal_origin origin = origin_of(&r->base, r->aead.cipher, r->epoch, r->new_salt);

	if (!seal_aead_key(&r->aead, r->base.suite, key, &origin, false))
		return false;
	r->number = 0;
	r->at = r->epoch ? SEAL_AT_RECORD : SEAL_AT_TAG;
	return true;
}

const char *seal_reader_cut(const struct seal_reader *r)
{
	if (r->at == SEAL_AT_END)
		return NULL;
	return r->at == SEAL_AT_HEADER ? "the sealed stream ended before it began"
				       : "the sealed stream was cut: its last record is missing";
}

void seal_reader_end(struct seal_reader *r)
{
	seal_aead_end(&r->aead);
	bytes_free(&r->part);
	OPENSSL_cleanse(r, sizeof(*r));
}
