#include <config.h>

#include "runtime/socks/sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

struct remembered {
	struct remembered *next;            /* of its bucket */
	struct remembered *older, *younger; /* by last use */
	uint8_t id[SESSION_ID], realm[SESSION_ID];
	struct tokens tokens;
	size_t n_user;
	char user[];
};

struct sessions {
	pthread_mutex_t lock;
	size_t n, most, n_buckets; /* a power of two */
	struct remembered *oldest, *youngest;
	struct remembered *buckets[];
};

struct sessions *sessions_open(size_t most)
{
	size_t n_buckets = 1;
	struct sessions *s;

	while (n_buckets < most && n_buckets < SIZE_MAX / 4 / sizeof(*s->buckets))
		n_buckets *= 2;
	s = calloc(1, sizeof(*s) + n_buckets * sizeof(*s->buckets));
	if (!s)
		return NULL;
	s->most = most;
	s->n_buckets = n_buckets;
	if (pthread_mutex_init(&s->lock, NULL)) {
		free(s);
		return NULL;
	}
	return s;
}

void sessions_close(struct sessions *s)
{
	struct remembered *one;

	if (!s)
		return;
	while ((one = s->oldest)) {
		s->oldest = one->younger;
		free(one);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

size_t sessions_count(struct sessions *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* ---- the table; with the lock held ---- */

/* IDs are random, so any part of them is a good hash. */
static struct remembered **bucket(struct sessions *s, const uint8_t *id)
{
	uint64_t hash;

	memcpy(&hash, id, sizeof(hash));
	return &s->buckets[hash & (s->n_buckets - 1)];
}

static struct remembered *find(struct sessions *s, struct wire_span id)
{
	struct remembered *one;

	if (id.n != SESSION_ID)
		return NULL;
	for (one = *bucket(s, id.at); one; one = one->next)
		if (!CRYPTO_memcmp(one->id, id.at, SESSION_ID))
			return one;
	return NULL;
}

static void unlink_age(struct sessions *s, struct remembered *one)
{
	*(one->older ? &one->older->younger : &s->oldest) = one->younger;
	*(one->younger ? &one->younger->older : &s->youngest) = one->older;
}

static void link_youngest(struct sessions *s, struct remembered *one)
{
	one->younger = NULL;
	one->older = s->youngest;
	*(s->youngest ? &s->youngest->younger : &s->oldest) = one;
	s->youngest = one;
}

static void forget(struct sessions *s, struct remembered *one)
{
	struct remembered **at = bucket(s, one->id);

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	unlink_age(s, one);
	s->n--;
	OPENSSL_cleanse(one, sizeof(*one));
	free(one);
}

static void add(struct sessions *s, struct remembered *one)
{
	struct remembered **at = bucket(s, one->id);

	while (s->n >= s->most)
		forget(s, s->oldest);
	one->next = *at;
	*at = one;
	link_youngest(s, one);
	s->n++;
}

/* ---- requests ---- */

static bool draw(void *out, size_t n)
{
	return getrandom(out, n, 0) == (ssize_t)n;
}

static void tell(const struct remembered *one, struct session_grant *out)
{
	memcpy(out->id, one->id, SESSION_ID);
	memcpy(out->user, one->user, one->n_user + 1);
	out->window_base = one->tokens.base;
	out->window_size = one->tokens.size;
}

bool sessions_begin(struct sessions *s, const struct users *users, const char *user,
		    uint32_t tokens, struct session_grant *out)
{
	size_t n_user = strlen(user);
	struct remembered *one;
	uint32_t base;

	memset(out, 0, sizeof(*out));
	if (!s->most || n_user >= sizeof(out->user))
		return false;
	one = calloc(1, sizeof(*one) + n_user + 1);
	if (!one || !draw(one->id, SESSION_ID) || !draw(&base, sizeof(base))) {
		free(one);
		return false;
	}
	one->n_user = n_user;
	memcpy(one->realm, users_realm(users), SESSION_ID);
	memcpy(one->user, user, n_user);
	(void)tokens_issue(&one->tokens, base, tokens);
	tell(one, out);
	pthread_mutex_lock(&s->lock);
	add(s, one);
	pthread_mutex_unlock(&s->lock);
	return true;
}

bool sessions_enter(struct sessions *s, const struct users *users, struct wire_span id,
		    uint32_t tokens, const uint32_t *token, struct session_grant *out)
{
	struct remembered *one;
	uint32_t base;

	memset(out, 0, sizeof(*out));
	if (tokens && !draw(&base, sizeof(base)))
		tokens = 0;
	pthread_mutex_lock(&s->lock);
	one = find(s, id);
	if (one && memcmp(one->realm, users_realm(users), SESSION_ID))
		one = NULL;
	if (one) {
		unlink_age(s, one);
		link_youngest(s, one);
		if (tokens)
			(void)tokens_issue(&one->tokens, base, tokens);
		out->rejected = token && !tokens_spend(&one->tokens, *token);
		tell(one, out);
	}
	pthread_mutex_unlock(&s->lock);
	return one;
}

void sessions_forget(struct sessions *s, struct wire_span id)
{
	struct remembered *one;

	pthread_mutex_lock(&s->lock);
	one = find(s, id);
	if (one)
		forget(s, one);
	pthread_mutex_unlock(&s->lock);
}
