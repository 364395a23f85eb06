/* Certificates and keys in files of a directory of their own, for tests of TLS:
 * authority.pem; server.pem and server.key (names localhost and 127.0.0.1), client.pem and
 * client.key (CN=client), expired.pem and expired.key, all signed by it; stranger.pem, another
 * authority. */
#ifndef EPIC_TESTS_CERTIFICATES_H
#define EPIC_TESTS_CERTIFICATES_H

#include <stdbool.h>

struct certificates {
	char directory[64];
	char path[8][128]; /* of certificates_path, by turns */
	unsigned turn;
};

bool certificates_make(struct certificates *);
void certificates_remove(struct certificates *);
const char *certificates_path(struct certificates *, const char *name); /* good for 8 calls */

#endif
