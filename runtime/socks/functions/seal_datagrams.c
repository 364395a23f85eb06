#include <config.h>

#include "runtime/socks/functions/seal_datagrams.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DATAGRAM = 65535 };

/* Who sends under one salt. */
struct sender {
	struct seal_aead aead;
	uint32_t key;
	uint8_t salt[SEAL_DATAGRAM_SALT];
	uint64_t last_used; /* 0: never */
	struct seal_window window;
};

struct seal_datagrams {
	struct seal_datagrams_start with;
	struct seal_aead aead; /* of what is sent */
	uint32_t key;
	uint8_t salt[SEAL_DATAGRAM_SALT];
	uint64_t number;
	int64_t since;  /* when the salt was made; 0: there is none */
	uint64_t clock; /* counts what was received */
	struct sender senders[SEAL_SENDERS];
	struct seal_aead stranger;
};

struct seal_datagrams *seal_datagrams_open(const struct seal_datagrams_start *start)
{
	struct seal_datagrams *d = calloc(1, sizeof(*d));

	if (d)
		d->with = *start;
	return d;
}

void seal_datagrams_close(struct seal_datagrams *d)
{
	if (!d)
		return;
	seal_aead_end(&d->aead);
	seal_aead_end(&d->stranger);
	for (int i = 0; i < SEAL_SENDERS; i++)
		seal_aead_end(&d->senders[i].aead);
	free(d);
}

static struct seal_origin origin_of(const struct seal_datagrams *d, enum way way, uint8_t cipher,
				    const uint8_t *salt)
{
	return (struct seal_origin){ .flow = d->with.flow,
				     .cipher = cipher,
				     .way = way,
				     .salt = salt,
				     .n_salt = SEAL_DATAGRAM_SALT };
}

/* ---- sending ---- */

static bool is_stale(const struct seal_datagrams *d, int64_t now)
{
	int64_t most = d->with.skew / 4 < SEAL_RENEW_MOST ? d->with.skew / 4 : SEAL_RENEW_MOST;
	int64_t sealing = keyring_sealing(d->with.keys);

	return !d->since || now < d->since || now - d->since > most || d->number >= d->with.renew ||
	       (sealing >= 0 && sealing != d->key);
}

static bool renew(struct seal_datagrams *d, int64_t now)
{
	struct seal_origin origin = origin_of(d, d->with.encrypts, d->with.cipher, d->salt);
	struct shared_key key;
	bool ok;

	if (!keyring_current(d->with.keys, &key))
		return false;
	seal_put(d->salt, (uint64_t)now, 8);
	ok = RAND_bytes(d->salt + 8, SEAL_DATAGRAM_SALT - 8) == 1 &&
	     seal_aead_key(&d->aead, d->with.suite, &key, &origin, true);
	d->key = key.id;
	d->number = 0;
	d->since = ok ? now : 0;
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}

bool seal_datagrams_lock(struct seal_datagrams *d, const uint8_t *in, size_t n, struct bytes *out)
{
	int64_t now = key_now();
	uint8_t *head, *at;

	if (n > MOST_DATAGRAM - SEAL_DATAGRAM_MORE || (is_stale(d, now) && !renew(d, now)))
		return false;
	head = bytes_more(out, n + SEAL_DATAGRAM_MORE);
	if (!head)
		return false;
	at = seal_put(head, SEAL_VERSION, 1);
	at = seal_put(at, d->with.cipher, 1);
	at = seal_put(at, 0, 2);
	at = seal_put(at, d->key, 4);
	memcpy(at, d->salt, SEAL_DATAGRAM_SALT);
	at = seal_put(at + SEAL_DATAGRAM_SALT, d->number, 8);
	if (!seal_aead_lock(&d->aead, d->number++, head, SEAL_DATAGRAM, in, n, at))
		return false;
	out->n += n + SEAL_DATAGRAM_MORE;
	return true;
}

/* ---- the window ---- */

bool seal_window_open(const struct seal_window *w, uint64_t number)
{
	if (number == UINT64_MAX)
		return false;
	if (number + 1 > w->highest)
		return true;
	return w->highest - (number + 1) < SEAL_WINDOW &&
	       !(w->taken[number / 64 % (SEAL_WINDOW / 64)] >> number % 64 & 1);
}

void seal_window_take(struct seal_window *w, uint64_t number)
{
	uint64_t from = w->highest;

	if (number + 1 > w->highest) {
		if (number - from >= SEAL_WINDOW)
			memset(w->taken, 0, sizeof(w->taken));
		else
			for (uint64_t i = from; i < number; i++)
				w->taken[i / 64 % (SEAL_WINDOW / 64)] &= ~(UINT64_C(1) << i % 64);
		w->highest = number + 1;
	}
	w->taken[number / 64 % (SEAL_WINDOW / 64)] |= UINT64_C(1) << number % 64;
}

/* ---- receiving ---- */

struct letter {
	uint8_t cipher;
	uint32_t key;
	int64_t time;
	const uint8_t *head, *salt, *text;
	uint64_t number;
	size_t n; /* of the plaintext */
};

static bool read_letter(const uint8_t *in, size_t n, struct letter *l)
{
	if (n < SEAL_DATAGRAM_MORE || in[0] != SEAL_VERSION || !in[1] || in[1] >= SEAL_N_CIPHERS ||
	    in[2] || in[3])
		return false;
	*l = (struct letter){ .cipher = in[1],
			      .key = (uint32_t)seal_get(in + 4, 4),
			      .time = (int64_t)seal_get(in + 8, 8),
			      .head = in,
			      .salt = in + 8,
			      .text = in + SEAL_DATAGRAM,
			      .number = seal_get(in + 32, 8),
			      .n = n - SEAL_DATAGRAM_MORE };
	return true;
}

static struct sender *find_sender(struct seal_datagrams *d, const struct letter *l)
{
	for (int i = 0; i < SEAL_SENDERS; i++)
		if (d->senders[i].last_used && d->senders[i].key == l->key &&
		    d->senders[i].aead.cipher == l->cipher &&
		    !memcmp(d->senders[i].salt, l->salt, SEAL_DATAGRAM_SALT))
			return &d->senders[i];
	return NULL;
}

static bool unlock(struct seal_aead *aead, const struct letter *l, struct bytes *out)
{
	uint8_t *plain = bytes_more(out, l->n ? l->n : 1);

	return plain &&
	       seal_aead_unlock(aead, l->number, l->head, SEAL_DATAGRAM, l->text, l->n, plain);
}

static bool learn_key(struct seal_datagrams *d, const struct letter *l, bool *missing)
{
	enum way way = d->with.encrypts == WAY_FORWARD ? WAY_BACK : WAY_FORWARD;
	struct seal_origin origin = origin_of(d, way, l->cipher, l->salt);
	struct shared_key key;
	bool ok;

	*missing = !keyring_find(d->with.keys, l->key, &key);
	if (*missing)
		return false;
	ok = seal_aead_key(&d->stranger, d->with.suite, &key, &origin, false);
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}

/* In the place of the one that was silent for longest. */
static struct sender *admit_stranger(struct seal_datagrams *d, const struct letter *l)
{
	struct sender *s = d->senders;
	struct seal_aead old;

	for (int i = 1; i < SEAL_SENDERS; i++)
		if (d->senders[i].last_used < s->last_used)
			s = &d->senders[i];
	old = s->aead;
	*s = (struct sender){ .aead = d->stranger, .key = l->key };
	memcpy(s->salt, l->salt, SEAL_DATAGRAM_SALT);
	d->stranger = old;
	return s;
}

static struct sender *meet_stranger(struct seal_datagrams *d, const struct letter *l,
				    struct bytes *out, bool *missing)
{
	int64_t now = key_now();

	/* Checked before it costs a derivation, and again with the salt. */
	if (l->time < now - d->with.skew || l->time > now + d->with.skew ||
	    !learn_key(d, l, missing) || !unlock(&d->stranger, l, out))
		return NULL;
	if (seal_replay_take(d->with.replay, l->salt + 8, l->time, now, d->with.skew)) {
		OPENSSL_cleanse(out->at + out->n, l->n);
		return NULL;
	}
	return admit_stranger(d, l);
}

bool seal_datagrams_unlock(struct seal_datagrams *d, const uint8_t *in, size_t n, struct bytes *out,
			   bool *missing)
{
	struct letter l;
	struct sender *s;

	*missing = false;
	if (!read_letter(in, n, &l))
		return false;
	s = find_sender(d, &l);
	if (s && (!seal_window_open(&s->window, l.number) || !unlock(&s->aead, &l, out)))
		return false;
	if (!s)
		s = meet_stranger(d, &l, out, missing);
	if (!s)
		return false;
	seal_window_take(&s->window, l.number);
	s->last_used = ++d->clock;
	out->n += l.n;
	return true;
}
