/* What records and datagrams of `seal` share: ciphers and how keys are derived; the format is in
 * seal.h.  A suite is shared by threads; a cipher is one thread's. */
#ifndef EPIC_SOCKS_FUNCTIONS_SEAL_KEYS_H
#define EPIC_SOCKS_FUNCTIONS_SEAL_KEYS_H

#include "runtime/socks/function.h"
#include "runtime/socks/functions/keys.h"

enum { SEAL_AES_256_GCM = 1, SEAL_CHACHA20_POLY1305 = 2, SEAL_N_CIPHERS = 3 };
enum { SEAL_VERSION = 1, SEAL_TAG = 16, SEAL_BINDING = 32, SEAL_FACTS = 32, SEAL_MOST_SALT = 32 };

struct seal_suite;

struct seal_suite *seal_suite_open(void);   /* NULL: OpenSSL has not what is needed */
void seal_suite_close(struct seal_suite *); /* NULL is fine */
/* 0: there is none of that name. */
uint8_t seal_cipher_of(const char *name);
const char *seal_cipher_name(uint8_t cipher);

/* What keys are bound to beside shared key and salt. */
struct seal_flow {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t facts[SEAL_FACTS];
};

/* False: OpenSSL failed. */
bool seal_flow_of(const struct seal_suite *, const struct function_facts *, struct seal_flow *);

struct seal_origin {
	const struct seal_flow *flow;
	uint8_t cipher;
	enum way way;
	uint32_t epoch;
	const uint8_t *binding; /* SEAL_BINDING bytes; NULL: zeros */
	const uint8_t *salt;
	size_t n_salt;
};

/* One direction of AEAD under one key at a time; zero it to begin. */
struct seal_aead {
	void *context;  /* EVP_CIPHER_CTX */
	uint8_t cipher; /* of the key that it has */
	uint8_t mask[12];
};

/* Another key from here on; the context is used again.  False: memory. */
bool seal_aead_key(struct seal_aead *, const struct seal_suite *, const struct shared_key *,
		   const struct seal_origin *, bool encrypts);
/* OUT has room for N and the tag, which comes behind.  Each NUMBER is given once for a key. */
bool seal_aead_lock(struct seal_aead *, uint64_t number, const uint8_t *extra, size_t n_extra,
		    const uint8_t *in, size_t n, uint8_t *out);
/* IN has N bytes and the tag.  False: it is not what was locked, and OUT is wiped. */
bool seal_aead_unlock(struct seal_aead *, uint64_t number, const uint8_t *extra, size_t n_extra,
		      const uint8_t *in, size_t n, uint8_t *out);
void seal_aead_end(struct seal_aead *);

/* ---- numbers in network order ---- */

static inline uint8_t *seal_put(uint8_t *at, uint64_t number, int n_bytes)
{
	for (int i = 0; i < n_bytes; i++)
		at[i] = (uint8_t)(number >> 8 * (n_bytes - 1 - i));
	return at + n_bytes;
}

static inline uint64_t seal_get(const uint8_t *at, int n_bytes)
{
	uint64_t number = 0;

	for (int i = 0; i < n_bytes; i++)
		number = number << 8 | at[i];
	return number;
}

#endif
