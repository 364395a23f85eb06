#include <config.h>

#include "runtime/socks/functions/seal_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

enum { MASK = 12, MOST_INFO = 128 };

static const char label[] = "epic seal 1"; /* with its NUL */

static const char *const names[SEAL_N_CIPHERS] = {
	[SEAL_AES_256_GCM] = "aes-256-gcm",
	[SEAL_CHACHA20_POLY1305] = "chacha20-poly1305",
};

/* Fetched once: looking them up for each connection costs more than using them. */
struct seal_suite {
	EVP_CIPHER *ciphers[SEAL_N_CIPHERS];
	EVP_MD *digest;
	EVP_KDF *kdf;
};

struct seal_suite *seal_suite_open(void)
{
	struct seal_suite *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	for (int i = SEAL_AES_256_GCM; i < SEAL_N_CIPHERS; i++)
		s->ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
	s->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (s->ciphers[SEAL_AES_256_GCM] && s->ciphers[SEAL_CHACHA20_POLY1305] && s->digest &&
	    s->kdf)
		return s;
	seal_suite_close(s);
	return NULL;
}

void seal_suite_close(struct seal_suite *s)
{
	if (!s)
		return;
	for (int i = 0; i < SEAL_N_CIPHERS; i++)
		EVP_CIPHER_free(s->ciphers[i]);
	EVP_MD_free(s->digest);
	EVP_KDF_free(s->kdf);
	free(s);
}

uint8_t seal_cipher_of(const char *name)
{
	for (uint8_t i = SEAL_AES_256_GCM; i < SEAL_N_CIPHERS; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0;
}

const char *seal_cipher_name(uint8_t cipher)
{
	return names[cipher];
}

/* ---- what keys are bound to ---- */

static bool digest_text(EVP_MD_CTX *digest, const char *text)
{
	uint8_t length[4];
	size_t n = text ? strlen(text) : 0;

	seal_put(length, n, sizeof(length));
	return EVP_DigestUpdate(digest, length, sizeof(length)) &&
	       EVP_DigestUpdate(digest, text ? text : "", n);
}

bool seal_flow_of(const struct seal_suite *s, const struct function_facts *facts,
		  struct seal_flow *flow)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool ok = digest && EVP_DigestInit_ex2(digest, s->digest, NULL) &&
		  digest_text(digest, facts->application) && digest_text(digest, facts->from) &&
		  digest_text(digest, facts->to) && EVP_DigestFinal_ex(digest, flow->facts, NULL);

	EVP_MD_CTX_free(digest);
	flow->protocol = (uint8_t)facts->protocol;
	return ok;
}

/* Returns how many bytes it has. */
static size_t write_info(const struct seal_origin *o, uint8_t info[MOST_INFO])
{
	static const uint8_t zeros[SEAL_BINDING];
	uint8_t *at = info;

	memcpy(at, label, sizeof(label));
	at += sizeof(label);
	*at++ = o->cipher;
	*at++ = o->way == WAY_BACK;
	*at++ = o->flow->protocol;
	at = seal_put(at, o->epoch, 4);
	memcpy(at, o->binding ? o->binding : zeros, SEAL_BINDING);
	at += SEAL_BINDING;
	memcpy(at, o->flow->facts, SEAL_FACTS);
	return (size_t)(at + SEAL_FACTS - info);
}

static bool derive(const struct seal_suite *s, const struct shared_key *key,
		   const struct seal_origin *o, uint8_t *out, size_t n)
{
	static char sha256[] = "SHA256";
	uint8_t info[MOST_INFO];
	size_t n_info = write_info(o, info);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key->bytes,
						  KEY_BYTES),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)o->salt, o->n_salt),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n_info),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(s->kdf);
	bool ok = kdf && EVP_KDF_derive(kdf, out, n, params) > 0;

	EVP_KDF_CTX_free(kdf);
	return ok;
}

/* ---- authenticated encryption ---- */

bool seal_aead_key(struct seal_aead *a, const struct seal_suite *s, const struct shared_key *key,
		   const struct seal_origin *origin, bool encrypts)
{
	uint8_t derived[KEY_BYTES + MASK];
	bool ok = (a->context || (a->context = EVP_CIPHER_CTX_new())) &&
		  derive(s, key, origin, derived, sizeof(derived)) &&
		  EVP_CipherInit_ex2(a->context, s->ciphers[origin->cipher], derived, NULL,
				     encrypts, NULL);

	memcpy(a->mask, derived + KEY_BYTES, ok ? MASK : 0);
	a->cipher = origin->cipher;
	OPENSSL_cleanse(derived, sizeof(derived));
	return ok;
}

static bool begin(struct seal_aead *a, uint64_t number, const uint8_t *extra, size_t n_extra)
{
	uint8_t nonce[MASK];
	int n;

	memcpy(nonce, a->mask, MASK);
	for (int i = 0; i < 8; i++)
		nonce[MASK - 1 - i] ^= (uint8_t)(number >> 8 * i);
	return EVP_CipherInit_ex2(a->context, NULL, NULL, nonce, -1, NULL) &&
	       EVP_CipherUpdate(a->context, NULL, &n, extra, (int)n_extra);
}

bool seal_aead_lock(struct seal_aead *a, uint64_t number, const uint8_t *extra, size_t n_extra,
		    const uint8_t *in, size_t n, uint8_t *out)
{
	int did;

	return begin(a, number, extra, n_extra) &&
	       (!n || EVP_CipherUpdate(a->context, out, &did, in, (int)n)) &&
	       EVP_CipherFinal_ex(a->context, out + n, &did) &&
	       EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, out + n);
}

bool seal_aead_unlock(struct seal_aead *a, uint64_t number, const uint8_t *extra, size_t n_extra,
		      const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t tag[SEAL_TAG], none;
	int did;
	bool ok;

	memcpy(tag, in + n, SEAL_TAG);
	ok = begin(a, number, extra, n_extra) &&
	     (!n || EVP_CipherUpdate(a->context, out, &did, in, (int)n)) &&
	     EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) &&
	     EVP_CipherFinal_ex(a->context, &none, &did) > 0;
	if (!ok && n)
		OPENSSL_cleanse(out, n);
	return ok;
}

void seal_aead_end(struct seal_aead *a)
{
	EVP_CIPHER_CTX_free(a->context); /* wipes the key */
	OPENSSL_cleanse(a, sizeof(*a));
}
