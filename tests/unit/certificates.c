#include <config.h>

#include "tests/unit/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY = 86400 };

struct pair {
	X509 *x;
	EVP_PKEY *key;
};

static const char *const files[] = {
	"authority.pem", "stranger.pem", "server.pem",  "server.key",
	"client.pem",    "client.key",   "expired.pem", "expired.key"
};

const char *certificates_path(struct certificates *c, const char *name)
{
	char *path = c->path[c->turn++ % 8];

	memcpy(path, c->directory, sizeof(c->directory));
	strncat(path, "/", 2);
	strncat(path, name, sizeof(c->path[0]) - sizeof(c->directory) - 2);
	return path;
}

static bool extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool fine = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return fine;
}

/* Valid from a day ago until DAYS from now; SIGNER NULL: by itself, an authority. */
static bool sign(struct pair *p, const char *name, const char *names, int days,
		 const struct pair *signer)
{
	X509_NAME *subject = X509_get_subject_name(p->x);

	X509_set_version(p->x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p->x), signer ? days + 100 : 1);
	X509_gmtime_adj(X509_getm_notBefore(p->x), -10 * DAY);
	X509_gmtime_adj(X509_getm_notAfter(p->x), (long)days * DAY);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	return X509_set_issuer_name(p->x, signer ? X509_get_subject_name(signer->x) : subject) &&
	       X509_set_pubkey(p->x, p->key) &&
	       (signer || extend(p->x, NID_basic_constraints, "critical,CA:TRUE")) &&
	       (!names || extend(p->x, NID_subject_alt_name, names)) &&
	       X509_sign(p->x, signer ? signer->key : p->key, EVP_sha256());
}

static void pair_free(struct pair *p)
{
	X509_free(p->x);
	EVP_PKEY_free(p->key);
}

static bool write_pair(struct certificates *c, const struct pair *p, const char *name)
{
	char file[32];
	FILE *f;
	bool fine;

	snprintf(file, sizeof(file), "%s.pem", name);
	f = fopen(certificates_path(c, file), "w");
	fine = f && PEM_write_X509(f, p->x);
	if (f)
		fclose(f);
	snprintf(file, sizeof(file), "%s.key", name);
	f = fopen(certificates_path(c, file), "w");
	fine = fine && f && PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL);
	if (f)
		fclose(f);
	return fine;
}

static bool pair_make(struct certificates *c, struct pair *p, const char *name, const char *names,
		      int days, const struct pair *signer)
{
	p->x = X509_new();
	p->key = EVP_EC_gen("P-256");
	return p->x && p->key && sign(p, name, names, days, signer) && write_pair(c, p, name);
}

bool certificates_make(struct certificates *c)
{
	struct pair authority = { 0 }, stranger = { 0 }, p[3] = { 0 };
	bool fine;

	memset(c, 0, sizeof(*c));
	strcpy(c->directory, "/tmp/epic-certificates-XXXXXX");
	if (!mkdtemp(c->directory))
		return false;
	fine = pair_make(c, &authority, "authority", NULL, 9, NULL) &&
	       pair_make(c, &stranger, "stranger", NULL, 9, NULL) &&
	       pair_make(c, &p[0], "server", "DNS:localhost,IP:127.0.0.1", 9, &authority) &&
	       pair_make(c, &p[1], "client", NULL, 8, &authority) &&
	       pair_make(c, &p[2], "expired", NULL, -1, &authority);
	for (int i = 0; i < 3; i++)
		pair_free(&p[i]);
	pair_free(&stranger);
	pair_free(&authority);
	unlink(certificates_path(c, "authority.key"));
	unlink(certificates_path(c, "stranger.key"));
	return fine;
}

void certificates_remove(struct certificates *c)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		unlink(certificates_path(c, files[i]));
	rmdir(c->directory);
}
