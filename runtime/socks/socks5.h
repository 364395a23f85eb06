/* SOCKS5: RFC 1928, and user name and password, RFC 1929.  See wire.h for readers and writers. */
#ifndef EPIC_SOCKS_SOCKS5_H
#define EPIC_SOCKS_SOCKS5_H

#include "runtime/socks/wire.h"

/* Numbers that SOCKS6 shares. */
enum {
	SOCKS_METHOD_NONE = 0,
	SOCKS_METHOD_GSSAPI = 1,
	SOCKS_METHOD_PASSWORD = 2,
	SOCKS_METHOD_UNACCEPTABLE = 0xff
};

enum {
	SOCKS5_CONNECT = 1,
	SOCKS5_BIND = 2,
	SOCKS5_UDP_ASSOCIATE = 3,
	SOCKS5_RESOLVE = 0xf0, /* Tor's; servers without it say that they do not support it */
	SOCKS5_RESOLVE_PTR = 0xf1
};

enum {
	SOCKS5_MOST_GREETING = 2 + 255,
	SOCKS5_MOST_PASSWORD = 3 + 2 * 255,
	SOCKS5_MOST_REQUEST = 4 + 1 + 255 + 2, /* and of replies and UDP headers */
};

struct socks5_greeting {
	enum wire_fault fault;
	struct wire_span methods; /* 1 to 255 */
};

struct socks5_method {
	enum wire_fault fault;
	uint8_t method;
};

/* RFC 1929 wants a password of 1 byte at least; clients with an empty one exist. */
struct socks5_password {
	enum wire_fault fault;
	struct wire_span user, password;
};

struct socks5_status {
	enum wire_fault fault;
	uint8_t status; /* 0: accepted */
};

struct socks5_request {
	enum wire_fault fault;
	uint8_t command;
	struct wire_address to;
};

/* The code is there even if the address is bad: some servers refuse with half a reply. */
struct socks5_reply {
	enum wire_fault fault;
	uint8_t code;
	struct wire_address bound;
};

/* What is before the data of a datagram.  WIRE_MORE: the datagram is too short, drop it. */
struct socks5_udp {
	enum wire_fault fault;
	uint8_t fragment; /* 0: whole; RFC 1928 section 7: drop others when not reassembling */
	struct wire_address at;
};

enum wire_state socks5_greeting_read(const uint8_t *, size_t n, struct socks5_greeting *,
				     size_t *used);
enum wire_state socks5_method_read(const uint8_t *, size_t n, struct socks5_method *, size_t *used);
enum wire_state socks5_password_read(const uint8_t *, size_t n, struct socks5_password *,
				     size_t *used);
enum wire_state socks5_status_read(const uint8_t *, size_t n, struct socks5_status *, size_t *used);
enum wire_state socks5_request_read(const uint8_t *, size_t n, struct socks5_request *,
				    size_t *used);
enum wire_state socks5_reply_read(const uint8_t *, size_t n, struct socks5_reply *, size_t *used);
enum wire_state socks5_udp_read(const uint8_t *, size_t n, struct socks5_udp *, size_t *used);

size_t socks5_greeting_write(uint8_t *out, size_t room, const struct socks5_greeting *);
size_t socks5_method_write(uint8_t *out, size_t room, const struct socks5_method *);
size_t socks5_password_write(uint8_t *out, size_t room, const struct socks5_password *);
size_t socks5_status_write(uint8_t *out, size_t room, const struct socks5_status *);
size_t socks5_request_write(uint8_t *out, size_t room, const struct socks5_request *);
size_t socks5_reply_write(uint8_t *out, size_t room, const struct socks5_reply *);
size_t socks5_udp_write(uint8_t *out, size_t room, const struct socks5_udp *);

#endif
