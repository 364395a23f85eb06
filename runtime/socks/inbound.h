/* What a client says until its connection is one: the server's side of SOCKS5, SOCKS6, the dialect
 * `epi` and the PROXY protocol, without sockets.
 *
 * Bytes go in as they come, replies come out; any split of the stream gives the same events.  What
 * lies behind the request is the application's and is left to the caller. */
#ifndef EPIC_SOCKS_INBOUND_H
#define EPIC_SOCKS_INBOUND_H

#include "runtime/socks/function.h"
#include "runtime/socks/socks6.h"
#include "runtime/socks/socks6_epi.h"
#include "runtime/socks/tokens.h"

/* ---- who may ---- */

/* `user:password` per line, passwords as text or as crypt(3) hashes ($6$, $y$); `#` comments.
 * Immutable, counted, shared by threads. */
struct users;
struct users *users_open(const char *path, char *why, size_t room); /* NULL: WHY, with the line */
struct users *users_hold(struct users *);
void users_drop(struct users *);
/* Takes as long for unknown users.  May take milliseconds for hashes. */
bool users_check(const struct users *, struct wire_span user, struct wire_span password);

/* Sessions of SOCKS6 with their idempotence windows; bounded in number, the longest unused goes
 * first.  Shared by threads, guarded.  IDs are 16 random bytes. */
struct sessions;
struct sessions *sessions_open(size_t most);
void sessions_close(struct sessions *);
size_t sessions_count(struct sessions *);

/* ---- one client ---- */

struct inbound_settings {
	bool socks5, socks6, epi; /* what is spoken here */
	bool proxy;   /* a PROXY header, version 1 or 2, may come first and then is all that
			 comes */
	bool trusted; /* the peer is another proxy, whose metadata counts */
	const struct users *users; /* NULL: no authentication */
	struct sessions *sessions; /* NULL: not supported */
	uint16_t udp_port; /* told in replies to UDP ASSOCIATE of SOCKS6; 0: only over TCP */
};

enum inbound_kind { INBOUND_SOCKS5, INBOUND_SOCKS6, INBOUND_EPI, INBOUND_PROXY };

struct inbound_request {
	enum inbound_kind kind;
	uint8_t command; /* SOCKS6_CONNECT, _BIND, _UDP_ASSOCIATE or _NOOP, whatever the kind */
	struct wire_address to; /* settled; may be a name.  INBOUND_PROXY: the listener's address,
				   wire_any if the header (LOCAL, UNKNOWN) names none */
	bool told; /* SOURCE was told by metadata (key EPI_SOURCE) or PROXY header; else it is
		      wire_any */
	struct wire_address source;
	struct epi_chain
	    *chain;          /* told by metadata, or NULL; its texts are in the inbound's memory */
	const char *user;    /* "" if nobody asked */
	size_t initial_data; /* SOCKS6: so many of the bytes that follow were announced; they are
				application data as all that follow */
	struct wire_span held; /* SOCKS6 after an authentication dialogue: initial data that came
				  before it; goes to the server before the bytes that follow */
	const struct socks6_options *options; /* SOCKS6, else NULL; without methods, authentication
						 data and session ID */
	struct wire_span header;              /* INBOUND_PROXY: as it came, to be passed on */
};

enum {
	EPI_SOURCE = 997
}; /* metadata beside the prototype's: `ADDRESS:PORT` of the flow's client */

enum inbound_step {
	INBOUND_MORE,
	INBOUND_REQUEST, /* inbound_request tells; answer with inbound_reply */
	INBOUND_END      /* answered already; nothing more will be read.  inbound_why */
};

struct inbound; /* some KiB at most; ended when the request is answered */
struct inbound *
inbound_open(const struct inbound_settings *); /* settings must outlive it; NULL: memory */
void inbound_close(struct inbound *);
/* Takes *USED of the N bytes; those not taken must be shown again with more.  Appends what must be
 * sent at once.  Not to be called after anything but INBOUND_MORE. */
enum inbound_step inbound_feed(struct inbound *, const uint8_t *, size_t n, size_t *used,
			       struct bytes *reply);
const struct inbound_request *inbound_request(const struct inbound *);
const char *inbound_why(const struct inbound *); /* "SOCKS5: user 'eve': wrong password" */
bool inbound_denied(const struct inbound *);     /* INBOUND_END because of the user or password */
/* The operation reply, BOUND being the address that the outgoing socket has.  Of BIND: first the
 * listening address, then, by a second call, the peer's.  Stack options are answered: those in
 * DONE, bit 1 << kind, as granted.  Nothing for INBOUND_PROXY. */
void inbound_reply(const struct inbound *, enum outcome, const struct wire_address *bound,
		   uint32_t done, struct bytes *reply);

/* ---- PROXY protocol, www.haproxy.org/download/2.9/doc/proxy-protocol.txt ---- */

struct proxy_header {
	enum wire_fault fault;
	bool local; /* LOCAL or UNKNOWN: no addresses */
	struct wire_address source, listener;
};

enum { PROXY_MOST = 536 };
/* As all readers of wire.h. */
enum wire_state proxy_header_read(const uint8_t *, size_t n, struct proxy_header *, size_t *used);
size_t proxy_header_write(uint8_t *out, size_t room, int version, const struct proxy_header *);

#endif
