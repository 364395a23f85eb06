/* SOCKS6: draft-olteanu-intarea-socks-6-11.  See wire.h for readers and writers.
 *
 * Options are looked at when all of them are there: WIRE_MORE tells how many bytes that takes, and
 * a message takes SOCKS6_MOST_MESSAGE at most. */
#ifndef EPIC_SOCKS_SOCKS6_H
#define EPIC_SOCKS_SOCKS6_H

#include "runtime/socks/socks6_options.h"
#include "runtime/socks/wire.h"

enum { SOCKS6_NOOP = 0, SOCKS6_CONNECT = 1, SOCKS6_BIND = 2, SOCKS6_UDP_ASSOCIATE = 3 };

enum { SOCKS6_MOST_MESSAGE = 8 + 256 + SOCKS6_MOST_OPTIONS };

struct socks6_request {
	enum wire_fault fault;
	uint8_t command;
	struct wire_address to; /* of NOOP: zeros */
	struct socks6_options options;
	struct wire_span raw;   /* read: all options as they came */
	struct wire_span extra; /* written behind the options: experimental ones only */
};

enum { SOCKS6_AUTH_SUCCESS = 0, SOCKS6_AUTH_FAILURE = 1 };

struct socks6_auth {
	enum wire_fault fault;
	uint8_t type;
	struct socks6_options options;
};

/* The code is there even if the rest is bad. */
struct socks6_operation {
	enum wire_fault fault;
	uint8_t code;
	struct wire_address bound;
	struct socks6_options options;
};

enum {
	SOCKS6_UDP_INIT = 1,
	SOCKS6_UDP_CONFIRM = 2,
	SOCKS6_UDP_DATAGRAM = 3,
	SOCKS6_UDP_ERROR_REPORT = 4
};

enum {
	SOCKS6_UDP_NET_UNREACHABLE = 1,
	SOCKS6_UDP_HOST_UNREACHABLE = 2,
	SOCKS6_UDP_TTL_EXPIRED = 3,
	SOCKS6_UDP_TOO_BIG = 4
};

/* In a datagram of UDP or DTLS WIRE_MORE means: longer than the datagram, drop it; what lies behind
 * the message is padding there.  On the TCP connection it means what it always does. */
struct socks6_udp {
	enum wire_fault fault;
	uint8_t type;
	uint64_t association;
	struct wire_address at;       /* of datagrams and errors; of errors never a name */
	struct wire_span data;        /* of datagrams */
	uint8_t code;                 /* of errors */
	struct wire_address reporter; /* of errors; port 0 */
};

enum wire_state socks6_request_read(const uint8_t *, size_t n, struct socks6_request *,
				    size_t *used);
enum wire_state socks6_auth_read(const uint8_t *, size_t n, struct socks6_auth *, size_t *used);
enum wire_state socks6_operation_read(const uint8_t *, size_t n, struct socks6_operation *,
				      size_t *used);
enum wire_state socks6_udp_read(const uint8_t *, size_t n, struct socks6_udp *, size_t *used);

size_t socks6_request_write(uint8_t *out, size_t room, const struct socks6_request *);
size_t socks6_auth_write(uint8_t *out, size_t room, const struct socks6_auth *);
size_t socks6_operation_write(uint8_t *out, size_t room, const struct socks6_operation *);
size_t socks6_udp_write(uint8_t *out, size_t room, const struct socks6_udp *);

/* "Version Mismatch Replies": one byte, and no reply when it is all that came before the end. */
size_t socks6_mismatch_write(uint8_t *out, size_t room);
bool socks6_mismatch_is(const uint8_t *, size_t n);

/* The method with which a failed authentication may go on; -1: it may not, the client closes. */
int socks6_auth_continues(const struct socks6_auth *);

#endif
