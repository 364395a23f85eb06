/* All messages of runtime/socks in one table, and what must hold of any reader, for random
 * messages and for a fuzzer's bytes. */
#ifndef EPIC_PROP_SOCKS_MESSAGES_H
#define EPIC_PROP_SOCKS_MESSAGES_H

#include "runtime/socks/dialect.h"
#include "runtime/socks/socks5.h"
#include "runtime/socks/socks6.h"
#include "runtime/socks/socks6_epi.h"

/* Large enough for each; all begin with their fault. */
union message {
	enum wire_fault fault;
	struct socks5_greeting greeting;
	struct socks5_method method;
	struct socks5_password password;
	struct socks5_status status;
	struct socks5_request request5;
	struct socks5_reply reply5;
	struct socks5_udp udp5;
	struct socks6_request request6;
	struct socks6_auth auth6;
	struct socks6_operation operation6;
	struct socks6_udp udp6;
	struct epi_request epi_request;
	struct epi_reply epi_reply;
};

enum message_kind {
	MESSAGE_GREETING,
	MESSAGE_METHOD,
	MESSAGE_PASSWORD,
	MESSAGE_STATUS,
	MESSAGE_REQUEST5,
	MESSAGE_REPLY5,
	MESSAGE_UDP5,
	MESSAGE_REQUEST6,
	MESSAGE_AUTH6,
	MESSAGE_OPERATION6,
	MESSAGE_UDP6,
	MESSAGE_EPI_REQUEST,
	MESSAGE_EPI_REPLY,
	N_MESSAGE_KINDS
};

enum { MOST_MESSAGE = 70000 };

const char *message_name(enum message_kind);
enum wire_state message_read(enum message_kind, const uint8_t *, size_t n, union message *,
			     size_t *used);
size_t message_write(enum message_kind, uint8_t *out, size_t room, const union message *);
/* READ came from bytes that ASKED was written to, or means the same. */
bool message_same(enum message_kind, const union message *asked, const union message *read);
bool chain_same(const struct epi_chain *, const struct epi_chain *);

/* Each of these returns NULL, or what does not hold. */

/* Of BYTES all beginnings are read, each from memory of its own size: states follow each other in
 * order, and tell no more than is known. */
const char *message_prefixes(enum message_kind, const uint8_t *bytes, size_t n);
/* If BYTES are a message, it can be written, and read again as the same. */
const char *message_rewrites(enum message_kind, const uint8_t *bytes, size_t n);

#endif
