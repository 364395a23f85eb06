#include <config.h>

#include "runtime/socks/functions/seal.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/socks/functions/key_thread.h"
#include "runtime/socks/functions/keyring.h"
#include "runtime/socks/functions/seal_datagrams.h"
#include "runtime/socks/functions/seal_records.h"
#include "runtime/socks/functions/seal_replay.h"
#include "runtime/socks/functions/function_settings.h"

enum {
	PATIENCE = 5,
	SKEW = 60, /* s */
	RENEW = 1 << 24,
	WHY = 256,
	LOOK = 1000,        /* ms */
	MOST_HELD = 1 << 20 /* bytes that come while they should not */
};

enum { OPENED, CLOSED, FAILED, RENEWED, DROPPED, N_COUNTS };

struct function {
	enum way encrypts;
	struct seal_suite *suite;
	struct keyring *keys;
	struct seal_replay *replay;
	uint8_t cipher;
	int64_t patience, skew; /* ms */
	int64_t renew;
	_Atomic uint64_t counts[N_COUNTS];
};

/* What waits for a key. */
struct held {
	struct bytes bytes;
	int64_t until; /* ms, monotonic; 0: for no key */
	bool last;
	bool waits;
};

struct sealed {
	struct seal_flow flow;
	struct function_wake *wake;
	struct keyring_wait wait;
	struct seal_writer out;
	struct seal_reader in;
	struct held plain, cipher; /* what is to be encrypted, what is to be decrypted */
	bool asked;                /* the forward header is written, or is read and good */
	bool failed;
	struct seal_datagrams *datagrams; /* NULL: TCP */
	int64_t looked;                   /* ms: when a datagram's key was last missing */
};

static void count(struct function *f, int which)
{
	atomic_fetch_add_explicit(&f->counts[which], 1, memory_order_relaxed);
}

/* ---- making ---- */

struct wishes {
	int64_t patience, skew, renew;
	const char *cipher;
};

static bool read_wishes(const struct tree_node *settings, struct wishes *w,
			struct function_error *error)
{
	static const char *const keys[] = { KEYRING_SETTINGS, "cipher", "patience",
					    "skew",           "renew",  NULL };
	struct tree_error problem;

	*w = (struct wishes){ PATIENCE, SKEW, RENEW, seal_cipher_name(SEAL_AES_256_GCM) };
	if (!settings_only(settings, keys, &problem) ||
	    !settings_text(settings, "cipher", &w->cipher, &problem) ||
	    !settings_integer(settings, "patience", 0, 60, &w->patience, &problem) ||
	    !settings_integer(settings, "skew", 1, 3600, &w->skew, &problem) ||
	    !settings_integer(settings, "renew", 1, INT64_C(1) << 32, &w->renew, &problem)) {
		settings_refuse(problem.text, error);
		return false;
	}
	if (seal_cipher_of(w->cipher))
		return true;
	settings_refuse("cipher is none of aes-256-gcm, chacha20-poly1305", error);
	return false;
}

static void seal_release(struct function *f)
{
	if (!f)
		return;
	keyring_drop(f->keys);
	seal_replay_drop(f->replay);
	seal_suite_close(f->suite);
	free(f);
}

/* With another skew, what was forgotten might be taken again. */
static struct seal_replay *replay_of(struct function *was, int64_t skew)
{
	return was && was->skew == skew ? seal_replay_hold(was->replay) : seal_replay_open();
}

static void take_over(struct function *f, struct function *was)
{
	for (int i = 0; was && i < N_COUNTS; i++)
		f->counts[i] = was->counts[i];
	if (was) /* those that are open are the older one's to close */
		f->counts[CLOSED] = f->counts[OPENED];
}

static struct function *make(const struct function_site *site, const char *name,
			     const struct tree_node *settings, struct function *was,
			     struct function_error *error, enum way encrypts)
{
	struct wishes w;
	struct function *f;

	if (!read_wishes(settings, &w, error))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return settings_refuse("memory is exhausted", error);
	f->encrypts = encrypts;
	f->cipher = seal_cipher_of(w.cipher);
	f->patience = w.patience * 1000;
	f->skew = w.skew * 1000;
	f->renew = w.renew;
	f->suite = seal_suite_open();
	f->replay = replay_of(was, f->skew);
	if (!f->suite || !f->replay) {
		settings_refuse("OpenSSL or memory failed", error);
	} else if ((f->keys = keyring_open(site, name, settings, was ? was->keys : NULL, error))) {
		take_over(f, was);
		return f;
	}
	seal_release(f);
	return NULL;
}

static struct function *seal_make(const struct function_site *site, const char *name,
				  const struct tree_node *settings, struct function *was,
				  struct function_error *error)
{
	return make(site, name, settings, was, error, WAY_FORWARD);
}

static struct function *unseal_make(const struct function_site *site, const char *name,
				    const struct tree_node *settings, struct function *was,
				    struct function_error *error)
{
	return make(site, name, settings, was, error, WAY_BACK);
}

/* ---- connections ---- */

static void begin_stream(struct function *f, struct sealed *s)
{
	bool asks = f->encrypts == WAY_FORWARD;

	s->out.base = (struct seal_way){ f->suite, &s->flow, f->encrypts, s->in.salt };
	s->in.base =
	    (struct seal_way){ f->suite, &s->flow, asks ? WAY_BACK : WAY_FORWARD, s->out.salt };
}

static bool begin_datagrams(struct function *f, struct sealed *s)
{
	struct seal_datagrams_start start = { .suite = f->suite,
					      .flow = &s->flow,
					      .keys = f->keys,
					      .replay = f->replay,
					      .encrypts = f->encrypts,
					      .cipher = f->cipher,
					      .skew = f->skew,
					      .renew = (uint64_t)f->renew };

	s->datagrams = seal_datagrams_open(&start);
	return s->datagrams;
}

static bool seal_open(struct function *f, const struct function_facts *facts,
		      struct function_wake *wake, void **state, char *why)
{
	struct sealed *s = calloc(1, sizeof(*s));

	if (!s || (!wake && facts->protocol != IPPROTO_UDP) ||
	    !seal_flow_of(f->suite, facts, &s->flow) ||
	    (facts->protocol == IPPROTO_UDP && !begin_datagrams(f, s))) {
		free(s);
		snprintf(why, WHY, "memory is exhausted");
		return false;
	}
	begin_stream(f, s);
	s->wake = wake;
	*state = s;
	count(f, OPENED);
	/* The other end needs the header even if the client says nothing first. */
	if (f->encrypts == WAY_FORWARD && !s->datagrams)
		wake->wake(wake);
	return true;
}

static void seal_close(struct function *f, void *state, const uint64_t sent[N_WAYS])
{
	struct sealed *s = state;

	(void)sent;
	keyring_wait_end(f->keys, &s->wait);
	seal_writer_end(&s->out);
	seal_reader_end(&s->in);
	if (s->plain.bytes.at)
		OPENSSL_cleanse(s->plain.bytes.at, s->plain.bytes.room);
	bytes_free(&s->plain.bytes);
	bytes_free(&s->cipher.bytes);
	seal_datagrams_close(s->datagrams);
	free(s);
	count(f, CLOSED);
}

/* ---- a way that waits ---- */

static enum function_step fail(struct function *f, struct sealed *s, char *why, const char *what)
{
	snprintf(why, WHY, "%s", what);
	if (!s->failed)
		count(f, FAILED);
	s->failed = true;
	return FUNCTION_END;
}

/* For a key, as long as patience lasts; WHAT is said when it ends. */
static enum function_step wait_for_key(struct function *f, struct sealed *s, struct held *h,
				       char *why, const char *what)
{
	int64_t now = key_thread_now(), first;

	if (h->until && now >= h->until)
		return fail(f, s, why, what);
	if (!h->until)
		h->until = now + f->patience;
	h->waits = true;
	first = h->until;
	if (s->plain.until && s->plain.until < first)
		first = s->plain.until;
	if (s->cipher.until && s->cipher.until < first)
		first = s->cipher.until;
	keyring_wait(f->keys, &s->wait, s->wake, (uint32_t)(first > now ? first - now : 0));
	return FUNCTION_WAIT;
}

static void wait_no_more(struct function *f, struct sealed *s, struct held *h)
{
	if (!h->until)
		return;
	h->until = 0;
	if (!s->plain.until && !s->cipher.until)
		keyring_wait_end(f->keys, &s->wait);
}

static bool hold(struct held *h, const uint8_t *in, size_t n)
{
	if (n > MOST_HELD - h->bytes.n)
		return false;
	bytes_add(&h->bytes, in, n);
	return !h->bytes.failed;
}

/* ---- encrypting ---- */

/* FUNCTION_ON: the writer has begun. */
static enum function_step begin_writing(struct function *f, struct sealed *s, struct bytes *out,
					char *why)
{
	struct shared_key key;
	bool ok;

	if (f->encrypts == WAY_BACK && !s->asked) {
		s->plain.waits = true;
		return FUNCTION_WAIT;
	}
	if (!keyring_current(f->keys, &key))
		return wait_for_key(f, s, &s->plain, why, "no key has begun that could seal");
	wait_no_more(f, s, &s->plain);
	ok = seal_writer_begin(&s->out, &key, f->cipher, key_now(), out);
	OPENSSL_cleanse(&key, sizeof(key));
	if (!ok)
		return fail(f, s, why, "OpenSSL or memory failed");
	s->asked = true;
	return FUNCTION_ON;
}

/* Whether new keys are needed: another shared key began, or these were used long enough. */
static bool is_stale(const struct function *f, const struct sealed *s)
{
	int64_t sealing = keyring_sealing(f->keys);

	return (sealing >= 0 && sealing != s->out.key) || s->out.number >= (uint64_t)f->renew;
}

static bool renew(struct function *f, struct sealed *s, struct bytes *out)
{
	struct shared_key key;
	bool ok;

	if (!keyring_current(f->keys, &key))
		return s->out.number < UINT64_MAX;
	ok = seal_writer_rekey(&s->out, &key, out);
	OPENSSL_cleanse(&key, sizeof(key));
	count(f, RENEWED);
	return ok;
}

/* As many records as may be under one key, then others; LAST belongs to the last of them. */
static bool write_all(struct function *f, struct sealed *s, const uint8_t *in, size_t n, bool last,
		      struct bytes *out)
{
	bool more;

	if (!n && !last)
		return true;
	for (;;) {
		size_t some = n < SEAL_MOST_PLAIN ? n : SEAL_MOST_PLAIN;

		more = some < n;
		if ((is_stale(f, s) && !renew(f, s, out)) ||
		    !seal_writer_put(&s->out, in, some, last && !more, out))
			return false;
		if (!more)
			return true;
		in += some;
		n -= some;
	}
}

static enum function_step encrypt(struct function *f, struct sealed *s, const uint8_t *in, size_t n,
				  bool last, struct bytes *out, char *why)
{
	struct held *h = &s->plain;
	enum function_step step = FUNCTION_ON;
	bool ok;

	h->last |= last;
	if (s->out.ended)
		return n ? fail(f, s, why, "bytes came behind the end") : FUNCTION_ON;
	if (f->encrypts == WAY_BACK && !n && !h->bytes.n && !h->last)
		return FUNCTION_ON; /* an answer begins with its first byte */
	if (!s->out.begun)
		step = begin_writing(f, s, out, why);
	if (step == FUNCTION_WAIT && !hold(h, in, n))
		return fail(f, s, why, "too much came while a key was waited for");
	if (step != FUNCTION_ON)
		return step;
	h->waits = false;
	ok = write_all(f, s, h->bytes.at, h->bytes.n, h->last && h->bytes.n && !n, out) &&
	     (s->out.ended || write_all(f, s, in, n, h->last, out));
	if (h->bytes.at) {
		OPENSSL_cleanse(h->bytes.at, h->bytes.room);
		bytes_free(&h->bytes);
	}
	return ok ? FUNCTION_ON : fail(f, s, why, "OpenSSL or memory failed");
}

/* ---- decrypting ---- */

static enum function_step find_key(struct function *f, struct sealed *s, char *why)
{
	struct shared_key key;
	char what[64];
	bool ok;

	if (!s->asked && f->encrypts == WAY_FORWARD)
		return fail(f, s, why, "a sealed answer came before the question");
	if (!keyring_find(f->keys, s->in.key, &key)) {
		snprintf(what, sizeof(what), "key %u is not known", s->in.key);
		return wait_for_key(f, s, &s->cipher, why, what);
	}
	wait_no_more(f, s, &s->cipher);
	ok = seal_reader_key(&s->in, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	return ok ? FUNCTION_ON : fail(f, s, why, "OpenSSL or memory failed");
}

/* The header is genuine; only a question can be a recording. */
static enum function_step begin_reading(struct function *f, struct sealed *s, char *why)
{
	const char *wrong;

	if (f->encrypts == WAY_FORWARD)
		return FUNCTION_ON;
	wrong = seal_replay_take(f->replay, s->in.salt, s->in.time, key_now(), f->skew);
	if (wrong)
		return fail(f, s, why, wrong);
	s->asked = true;
	if (s->plain.waits)
		s->wake->wake(s->wake);
	return FUNCTION_ON;
}

static enum function_step read_all(struct function *f, struct sealed *s, const uint8_t **in,
				   size_t *n, struct bytes *out, char *why)
{
	enum function_step step = FUNCTION_ON;

	while (step == FUNCTION_ON) {
		switch (seal_reader_take(&s->in, in, n, out)) {
		case SEAL_MORE:
		case SEAL_ENDED:
			return FUNCTION_ON;
		case SEAL_BEGUN:
			step = begin_reading(f, s, why);
			break;
		case SEAL_KEY:
			step = find_key(f, s, why);
			break;
		case SEAL_BAD:
			step = fail(f, s, why, s->in.why);
			break;
		}
	}
	return step;
}

/* First what was held back, then IN. */
static enum function_step read_held(struct function *f, struct sealed *s, const uint8_t *in,
				    size_t n, struct bytes *out, char *why)
{
	struct bytes *held = &s->cipher.bytes;
	const uint8_t *at = held->at;
	size_t left = held->n;
	enum function_step step = FUNCTION_ON;

	if (left || s->cipher.waits)
		step = read_all(f, s, &at, &left, out, why);
	bytes_take(held, held->n - left);
	if (step == FUNCTION_ON)
		step = read_all(f, s, &in, &n, out, why);
	if (step == FUNCTION_WAIT && !hold(&s->cipher, in, n))
		return fail(f, s, why, "too much came while a key was waited for");
	s->cipher.waits = step == FUNCTION_WAIT;
	if (!held->n)
		bytes_free(held);
	return step;
}

static enum function_step decrypt(struct function *f, struct sealed *s, const uint8_t *in, size_t n,
				  bool last, struct bytes *out, char *why)
{
	enum function_step step;
	const char *cut;

	s->cipher.last |= last;
	step = read_held(f, s, in, n, out, why);
	if (step != FUNCTION_ON || !s->cipher.last)
		return step;
	cut = seal_reader_cut(&s->in);
	return cut ? fail(f, s, why, cut) : FUNCTION_ON;
}

static enum function_step seal_bytes(struct function *f, void *state, enum way way,
				     const uint8_t *in, size_t n, bool last, struct bytes *out,
				     char *why)
{
	struct sealed *s = state;

	if (s->datagrams)
		return fail(f, s, why, "bytes on an association of datagrams");
	return way == f->encrypts ? encrypt(f, s, in, n, last, out, why)
				  : decrypt(f, s, in, n, last, out, why);
}

static bool seal_datagram(struct function *f, void *state, enum way way, const uint8_t *in,
			  size_t n, struct bytes *out)
{
	struct sealed *s = state;
	bool missing = false, ok;

	if (!s->datagrams)
		return false;
	ok = way == f->encrypts ? seal_datagrams_lock(s->datagrams, in, n, out)
				: seal_datagrams_unlock(s->datagrams, in, n, out, &missing);
	if (!ok)
		count(f, DROPPED);
	/* This one is lost, but a later one may find its key. */
	if (missing && key_thread_now() - s->looked > LOOK) {
		s->looked = key_thread_now();
		keyring_wait(f->keys, &s->wait, NULL, LOOK);
	}
	return ok;
}

static void seal_status(struct function *f, struct text *t)
{
	uint64_t opened = f->counts[OPENED];

	text_printf(t, "\"opened\": %llu, \"open\": %llu, \"failed\": %llu, \"renewed\": %llu, ",
		    (unsigned long long)opened, (unsigned long long)(opened - f->counts[CLOSED]),
		    (unsigned long long)f->counts[FAILED], (unsigned long long)f->counts[RENEWED]);
	text_printf(t, "\"dropped\": %llu, \"cipher\": \"%s\", ",
		    (unsigned long long)f->counts[DROPPED], seal_cipher_name(f->cipher));
	keyring_status(f->keys, t);
}

const struct function_class function_seal = {
	.name = "seal",
	.summary = "encrypts and authenticates the bytes up to unseal",
	.make = seal_make,
	.release = seal_release,
	.open = seal_open,
	.close = seal_close,
	.bytes = seal_bytes,
	.datagram = seal_datagram,
	.status = seal_status,
};

const struct function_class function_unseal = {
	.name = "unseal",
	.summary = "checks and decrypts what seal sent",
	.make = unseal_make,
	.release = seal_release,
	.open = seal_open,
	.close = seal_close,
	.bytes = seal_bytes,
	.datagram = seal_datagram,
	.status = seal_status,
};
