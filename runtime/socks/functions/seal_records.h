/* The records of one way of a sealed TCP connection, written and read; the format is in seal.h.
 *
 * Both belong to the thread of their connection and allocate nothing for a record, beside what the
 * caller's bytes take. */
#ifndef EPIC_SOCKS_FUNCTIONS_SEAL_RECORDS_H
#define EPIC_SOCKS_FUNCTIONS_SEAL_RECORDS_H

#include "runtime/socks/functions/seal_keys.h"

enum {
	SEAL_HEADER = 52, /* without its tag */
	SEAL_RECORD = 4,  /* before the ciphertext */
	SEAL_SALT = 32,
	SEAL_MOST_PLAIN = 16384,
	SEAL_MOST_RECORD = SEAL_RECORD + SEAL_MOST_PLAIN + SEAL_TAG
};

enum { SEAL_DATA = 1, SEAL_LAST = 2, SEAL_NEW_KEYS = 3 };

/* What both need all along. */
struct seal_way {
	const struct seal_suite *suite;
	const struct seal_flow *flow;
	enum way way;
	const uint8_t *binding; /* the forward header's salt, once that is known; its own header
				   gives it to the reader and writer of the way forward */
};

/* ---- writing ---- */

struct seal_writer {
	struct seal_way base;
	struct seal_aead aead;
	uint8_t salt[SEAL_SALT]; /* of the header */
	uint32_t key, epoch;
	uint64_t number;
	bool begun, ended;
};

/* Each appends to OUT; false: memory or OpenSSL failed, and the way cannot go on. */
bool seal_writer_begin(struct seal_writer *, const struct shared_key *, uint8_t cipher, int64_t now,
		       struct bytes *out);
bool seal_writer_rekey(struct seal_writer *, const struct shared_key *, struct bytes *out);
/* LAST: ends with the last record. */
bool seal_writer_put(struct seal_writer *, const uint8_t *, size_t n, bool last, struct bytes *out);
void seal_writer_end(struct seal_writer *);

/* ---- reading ---- */

enum seal_news {
	SEAL_MORE,  /* all that could be read was; more bytes are needed */
	SEAL_BEGUN, /* the header is genuine: salt, key, time are set.  Go on after a check */
	SEAL_KEY,   /* needs the shared key `key`: seal_reader_key, then go on */
	SEAL_ENDED, /* the last record was read, and nothing is behind it */
	SEAL_BAD    /* `why` */
};

struct seal_reader {
	struct seal_way base;
	struct seal_aead aead;
	uint8_t salt[SEAL_SALT]; /* of the header */
	int64_t time;
	uint32_t key, epoch;
	uint64_t number;
	const char *why;
	struct bytes part; /* of a header or record, at most SEAL_MOST_RECORD bytes */
	uint8_t new_salt[SEAL_SALT];
	uint8_t header[SEAL_HEADER + SEAL_TAG];
	enum { SEAL_AT_HEADER, SEAL_AT_KEY, SEAL_AT_TAG, SEAL_AT_RECORD, SEAL_AT_END } at;
};

/* Reads from *IN, which is moved on, and appends what is verified to OUT. */
enum seal_news seal_reader_take(struct seal_reader *, const uint8_t **in, size_t *n,
				struct bytes *out);
/* After SEAL_KEY.  False: memory. */
bool seal_reader_key(struct seal_reader *, const struct shared_key *);
/* No byte comes after what was taken: NULL if it was all, else what is missing. */
const char *seal_reader_cut(const struct seal_reader *);
void seal_reader_end(struct seal_reader *);

#endif
