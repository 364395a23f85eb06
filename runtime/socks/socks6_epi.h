/* The dialect `epi`: what the published prototype of SOCKS6 says on the wire.  Its requests have
 * another layout than the draft's; its replies have two, one of version 0.1.0, one of 0.1.1 to
 * 2.0.0.  Its authentication reply is the draft's without options (socks6.h).
 *
 *	request       06 01 type address port 00 size options
 *	reply 0.1.0   06 code port 00 type address size options
 *	reply 2.0.0   06 code 00 type address port size options
 *
 * Names are not padded.  It knows the command CONNECT only and never authenticates. */
#ifndef EPIC_SOCKS_SOCKS6_EPI_H
#define EPIC_SOCKS_SOCKS6_EPI_H

#include "runtime/socks/wire.h"

enum {
	EPI_MOST_OPTIONS = 16384,      /* bytes */
	EPI_MOST_INITIAL_DATA = 16384, /* bytes */
	EPI_MOST_MESSAGE = 9 + 256 + EPI_MOST_OPTIONS,
	EPI_MOST_LINKS = 32
};

/* Version 2.0.0 announces initial data that it never sends: it always announces none then. */
struct epi_request {
	enum wire_fault fault;
	struct wire_address to;
	uint16_t initial_data;    /* bytes that follow */
	struct wire_span options; /* written: only the metadata in it is */
};

enum epi_version {
	EPI_0_1, /* 0.1.0 */
	EPI_2_0, /* 0.1.1 to 2.0.0 */
	/* Clients do not tell which they are.  This reply is read well by both, but names no
	 * address that was bound: none of them looks at it. */
	EPI_EITHER
};

/* Of a reply that was read, EPI_0_1 or EPI_2_0. */
struct epi_reply {
	enum wire_fault fault;
	enum epi_version version;
	uint8_t code; /* the draft's */
	struct wire_address bound;
};

enum wire_state epi_request_read(const uint8_t *, size_t n, struct epi_request *, size_t *used);
enum wire_state epi_reply_read(const uint8_t *, size_t n, struct epi_reply *, size_t *used);

size_t epi_request_write(uint8_t *out, size_t room, const struct epi_request *);
size_t epi_reply_write(uint8_t *out, size_t room, const struct epi_reply *);

/* ---- metadata: option 65000, key and UTF-8 text ---- */

enum { EPI_METADATA = 65000, EPI_INDEX = 998, EPI_LENGTH = 999, EPI_FIRST_LINK = 1000 };

struct epi_metadata {
	uint16_t key;
	struct wire_span value;
};

/* The next one among the options REST; false: no further one, or *fault. */
bool epi_metadata_next(struct wire_span *rest, struct epi_metadata *, enum wire_fault *fault);
size_t epi_metadata_write(uint8_t *out, size_t room, const struct epi_metadata *);

/* ---- chains: every request tells the whole way and where on it the request is ---- */

/* `socks6://user:password@host:port`.  User and password as they stand there, without decoding. */
struct epi_link {
	uint8_t version;                 /* 5 or 6 */
	struct wire_span user, password; /* user empty: neither */
	struct wire_address at;
};

struct epi_chain {
	size_t n, index; /* n 0: no chain; else index < n */
	struct epi_link links[EPI_MOST_LINKS];
};

/* From the options of a request.  The prototype ends itself when they are contradictory; here a
 * chain with a key twice, without index, with gaps or too many links is a fault. */
enum wire_fault epi_chain_read(struct wire_span options, struct epi_chain *);
/* As options.  0: it does not fit, or there is no chain. */
size_t epi_chain_write(uint8_t *out, size_t room, const struct epi_chain *);

/* Goes one link on and returns it; NULL: the next is the destination. */
const struct epi_link *epi_chain_next(struct epi_chain *);
/* A proxy's own links come right behind the current one; the first proxy of all is link 0, `root`.
 * False: too many. */
bool epi_chain_detour(struct epi_chain *, const struct epi_link *, size_t n);
bool epi_link_parse(struct wire_span text, struct epi_link *);

#endif
