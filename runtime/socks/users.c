#include <config.h>

#include "runtime/socks/sessions.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { SALT = 16, DIGEST = SHA256_DIGEST_LENGTH, MOST = UINT8_MAX };

struct user {
	size_t n_name;
	char *name;
	char *hash; /* of crypt(3); NULL: the password is text, and its digest always known */
	size_t line;
};

/* Digests of passwords that were right, so that crypt(3) is asked once per user and process: it
 * takes milliseconds, and that is its purpose. */
struct verified {
	pthread_mutex_t lock;
	struct {
		bool known;
		uint8_t digest[DIGEST];
	} rows[];
};

struct users {
	atomic_uint held;
	uint8_t salt[SALT]; /* of the digests */
	uint8_t realm[SESSION_ID];
	size_t n, room;
	struct user *rows;   /* sorted by name */
	const char *hardest; /* some hash, for users whom nobody knows; NULL: there are none */
	struct verified *verified;
};

/* ---- comparing ---- */

static void make_digest(const struct users *u, struct wire_span password, uint8_t out[DIGEST])
{
	uint8_t salted[SALT + MOST];

	memcpy(salted, u->salt, SALT);
	if (password.n)
		memcpy(salted + SALT, password.at, password.n);
	SHA256(salted, SALT + password.n, out);
	OPENSSL_cleanse(salted, sizeof(salted));
}

static bool hash_matches(const char *hash, struct wire_span password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char text[MOST + 1];
	const char *made;
	bool same = false;

	if (!data)
		return false;
	memcpy(text, password.at, password.n);
	text[password.n] = '\0';
	made = crypt_r(text, hash, data);
	if (made && made[0] != '*' && strlen(made) == strlen(hash))
		same = !CRYPTO_memcmp(made, hash, strlen(hash));
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return same;
}

static int by_name(const void *a, const void *b)
{
	const struct user *x = a, *y = b;
	size_t n = x->n_name < y->n_name ? x->n_name : y->n_name;
	int order = memcmp(x->name, y->name, n);

	return order ? order : (x->n_name > y->n_name) - (x->n_name < y->n_name);
}

static const struct user *find(const struct users *u, struct wire_span name)
{
	char copy[MOST];
	struct user key = { .n_name = name.n, .name = copy };

	memcpy(copy, name.at, name.n);
	return !u->n ? NULL : bsearch(&key, u->rows, u->n, sizeof(*u->rows), by_name);
}

static bool was_verified(const struct users *u, size_t row, const uint8_t digest[DIGEST])
{
	struct verified *v = u->verified;
	bool same;

	pthread_mutex_lock(&v->lock);
	same = v->rows[row].known && !CRYPTO_memcmp(v->rows[row].digest, digest, DIGEST);
	pthread_mutex_unlock(&v->lock);
	return same;
}

static void set_verified(const struct users *u, size_t row, const uint8_t digest[DIGEST])
{
	struct verified *v = u->verified;

	pthread_mutex_lock(&v->lock);
	memcpy(v->rows[row].digest, digest, DIGEST);
	v->rows[row].known = true;
	pthread_mutex_unlock(&v->lock);
}

/* Whoever is refused, for whatever reason, waited for one crypt(3) if there are hashes. */
bool users_check(const struct users *u, struct wire_span user, struct wire_span password)
{
	uint8_t digest[DIGEST];
	const struct user *row;
	const char *hash;

	if (!user.n || user.n > MOST || !password.n || password.n > MOST ||
	    memchr(password.at, 0, password.n))
		return false;
	row = find(u, user);
	make_digest(u, password, digest);
	if (row && was_verified(u, (size_t)(row - u->rows), digest))
		return true;
	hash = row && row->hash ? row->hash : u->hardest;
	if (!hash || !hash_matches(hash, password) || !row || hash != row->hash)
		return false;
	set_verified(u, (size_t)(row - u->rows), digest);
	return true;
}

/* ---- reading ---- */

struct parse {
	struct users *users;
	char *why;
	size_t room, line;
	const char *path;
};

static bool parse_fail(struct parse *p, const char *wrong)
{
	snprintf(p->why, p->room, "%s:%zu: %s", p->path, p->line, wrong);
	return false;
}

static struct user *more_users(struct users *u)
{
	size_t room = u->room ? 2 * u->room : 16;
	struct user *rows;

	if (u->n == u->room) {
		rows = reallocarray(u->rows, room, sizeof(*rows));
		if (!rows)
			return NULL;
		u->rows = rows;
		u->room = room;
	}
	return &u->rows[u->n];
}

/* Whether crypt(3) knows the kind and takes it for strong enough, which costs nothing here. */
static bool hash_usable(const char *hash)
{
#ifdef CRYPT_CHECKSALT_AVAILABLE
	return crypt_checksalt(hash) == CRYPT_SALT_OK;
#else
	return !strncmp(hash, "$5$", 3) || !strncmp(hash, "$6$", 3) || !strncmp(hash, "$y$", 3);
#endif
}

static bool check_row(struct parse *p, const char *line, size_t n_name, size_t n_password)
{
	const char *password = line + n_name + 1;

	if (!n_name || n_name > MOST)
		return parse_fail(p, "a user name has 1 to 255 bytes");
	if (!n_password)
		return parse_fail(p, "there is no password");
	if (password[0] == '$' && !hash_usable(password))
		return parse_fail(p, "a hash of a kind that crypt(3) does not know or calls weak");
	if (password[0] != '$' && n_password > MOST)
		return parse_fail(p, "a password has 1 to 255 bytes");
	return true;
}

/* The password of text waits in `hash` until all rows have their place. */
static bool add_row(struct parse *p, const char *line, size_t n_name)
{
	struct user *row = more_users(p->users);

	if (!row)
		return parse_fail(p, "out of memory");
	row->name = strndup(line, n_name);
	row->hash = strdup(line + n_name + 1);
	if (!row->name || !row->hash) {
		free(row->name);
		free(row->hash);
		return parse_fail(p, "out of memory");
	}
	row->n_name = n_name;
	row->line = p->line;
	p->users->n++;
	return true;
}

static bool parse_line(struct parse *p, char *line, size_t n)
{
	const char *colon;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		line[--n] = '\0';
	if (!n || line[0] == '#')
		return true;
	if (memchr(line, 0, n))
		return parse_fail(p, "a NUL byte");
	colon = strchr(line, ':');
	if (!colon)
		return parse_fail(p, "this is not `user:password`");
	return check_row(p, line, (size_t)(colon - line), n - (size_t)(colon - line) - 1) &&
	       add_row(p, line, (size_t)(colon - line));
}

static bool parse_file(struct parse *p, FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	bool ok = true;

	while (ok && (errno = 0, n = getline(&line, &room, f)) >= 0) {
		p->line++;
		ok = parse_line(p, line, (size_t)n);
	}
	if (ok && (ferror(f) || errno)) {
		snprintf(p->why, p->room, "%s: %s", p->path, strerror(errno));
		ok = false;
	}
	if (line)
		OPENSSL_cleanse(line, room);
	free(line);
	return ok;
}

static bool find_twice(struct parse *p)
{
	const struct user *rows = p->users->rows;

	for (size_t i = 1; i < p->users->n; i++) {
		const struct user *a = &rows[i - 1], *b = &rows[i];

		if (by_name(a, b))
			continue;
		p->line = a->line > b->line ? a->line : b->line;
		return parse_fail(p, "this user was there before");
	}
	return true;
}

static void forget_text(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

static bool freeze(struct parse *p)
{
	struct users *u = p->users;
	uint8_t digest[DIGEST];

	if (u->n)
		qsort(u->rows, u->n, sizeof(*u->rows), by_name);
	if (!find_twice(p))
		return false;
	u->verified = calloc(1, sizeof(*u->verified) + u->n * sizeof(*u->verified->rows));
	if (!u->verified || pthread_mutex_init(&u->verified->lock, NULL)) {
		free(u->verified);
		u->verified = NULL;
		return parse_fail(p, "out of memory");
	}
	for (size_t i = 0; i < u->n; i++) {
		char *hash = u->rows[i].hash;

		if (hash[0] == '$') {
			u->hardest = hash;
			continue;
		}
		make_digest(u, (struct wire_span){ (uint8_t *)hash, strlen(hash) }, digest);
		set_verified(u, i, digest);
		forget_text(hash);
		u->rows[i].hash = NULL;
	}
	return true;
}

struct users *users_open(const char *path, char *why, size_t room)
{
	struct parse p = { .why = why, .room = room, .path = path };
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f) {
		snprintf(why, room, "%s: %s", path, strerror(errno));
		return NULL;
	}
	p.users = calloc(1, sizeof(*p.users));
	if (!p.users || getrandom(p.users->salt, SALT, 0) != SALT ||
	    getrandom(p.users->realm, SESSION_ID, 0) != SESSION_ID) {
		snprintf(why, room, "%s: out of memory", path);
		free(p.users);
		fclose(f);
		return NULL;
	}
	atomic_init(&p.users->held, 1);
	ok = parse_file(&p, f) && freeze(&p);
	fclose(f);
	if (ok)
		return p.users;
	users_drop(p.users);
	return NULL;
}

const uint8_t *users_realm(const struct users *u)
{
	static const uint8_t nobodys[SESSION_ID];

	return u ? u->realm : nobodys;
}

struct users *users_hold(struct users *u)
{
	atomic_fetch_add(&u->held, 1);
	return u;
}

void users_drop(struct users *u)
{
	if (!u || atomic_fetch_sub(&u->held, 1) > 1)
		return;
	for (size_t i = 0; i < u->n; i++) {
		free(u->rows[i].name);
		forget_text(u->rows[i].hash);
	}
	free(u->rows);
	if (u->verified)
		pthread_mutex_destroy(&u->verified->lock);
	free(u->verified);
	free(u);
}
