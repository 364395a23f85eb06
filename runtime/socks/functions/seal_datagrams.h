/* Sealed datagrams of one association, both ways; the format is in seal.h.  One thread's. */
#ifndef EPIC_SOCKS_FUNCTIONS_SEAL_DATAGRAMS_H
#define EPIC_SOCKS_FUNCTIONS_SEAL_DATAGRAMS_H

#include "runtime/socks/functions/keyring.h"
#include "runtime/socks/functions/seal_keys.h"
#include "runtime/socks/functions/seal_replay.h"

enum {
	SEAL_DATAGRAM = 40, /* before the ciphertext */
	SEAL_DATAGRAM_MORE = SEAL_DATAGRAM + SEAL_TAG,
	SEAL_DATAGRAM_SALT = 24, /* time and salt */
	SEAL_WINDOW = 1024,
	SEAL_SENDERS = 4,       /* that are remembered: around a change of salt there are two */
	SEAL_RENEW_MOST = 30000 /* ms */
};

/* What datagrams of one salt were taken. */
struct seal_window {
	uint64_t highest; /* counts from 1; 0: none */
	uint64_t taken[SEAL_WINDOW / 64];
};

/* Whether NUMBER may still be taken, and that it was. */
bool seal_window_open(const struct seal_window *, uint64_t number);
void seal_window_take(struct seal_window *, uint64_t number);

struct seal_datagrams;

struct seal_datagrams_start {
	const struct seal_suite *suite;
	const struct seal_flow *flow;
	struct keyring *keys;
	struct seal_replay *replay;
	enum way encrypts;
	uint8_t cipher;
	int64_t skew; /* ms */
	uint64_t renew;
};

struct seal_datagrams *seal_datagrams_open(const struct seal_datagrams_start *); /* NULL: memory */
void seal_datagrams_close(struct seal_datagrams *);                              /* NULL is fine */

/* Each appends one datagram to OUT, or nothing and returns false. */
bool seal_datagrams_lock(struct seal_datagrams *, const uint8_t *, size_t n, struct bytes *out);
/* *MISSING: because its shared key is not there. */
bool seal_datagrams_unlock(struct seal_datagrams *, const uint8_t *, size_t n, struct bytes *out,
			   bool *missing);

#endif
