/* What a proxy or a redirector says to the next proxy, without sockets: the client's side of
 * SOCKS5, SOCKS6 and the dialect `epi`.
 *
 * Everything is sent in one piece, with the first bytes of the application right behind, wherever
 * the protocol allows it: always for SOCKS6 and `epi`, for SOCKS5 without authentication.
 *
 * Chains are told as the published prototype tells them, in the draft's dialect and in `epi` alike:
 * metadata (option 65000) with the links of the way, 1000+i, how many they are, 999, and which of
 * them the request is sent to, 998: the index is the receiver's place, since each sender adds 1
 * before it sends.  Link 0 is the sender, `socks6://root:1080`; the links of upstream_wish stand
 * behind it, the first being the proxy that we speak to; the index is 1.  So for whoever receives
 * it the rest of the chain, from the function met on, is chain.links[chain.index] and what follows,
 * whoever sent it, and a proxy of the prototype goes on to chain.links[chain.index + 1], or to the
 * destination if there is none.  Links that were passed already are not told. */
#ifndef EPIC_SOCKS_UPSTREAM_H
#define EPIC_SOCKS_UPSTREAM_H

#include "runtime/socks/inbound.h"

struct upstream_wish {
	int version;                       /* 5 or 6 */
	bool epi;                          /* of version 6; CONNECT only, no user */
	uint8_t command;                   /* SOCKS6_CONNECT, _BIND or _UDP_ASSOCIATE */
	struct wire_address to;            /* a name is fine */
	const struct wire_address *source; /* told as metadata; NULL, or version 5: not */
	/* The chain from the proxy we speak to on, as `socks6://ADDRESS:PORT`, told as metadata; N
	 * 0: no chain.  Version 5 cannot tell it and says nothing of a single link. */
	const char *const *links;
	size_t n_links;
	const char *user, *password; /* NULL: none */
	bool fast_open;              /* asks for TFO on the remote leg; only the draft can */
	size_t data;                 /* so many application bytes follow at once */
};

struct upstream {
	struct upstream_wish wish; /* what it points to must live until all requests are made, that
				      is until `early` */
	int step;
	bool early;                /* the request was made: application bytes may follow what was
				      appended last */
	enum outcome outcome;      /* UPSTREAM_DONE, UPSTREAM_BAD */
	struct wire_address bound; /* never a name: one is told as 0.0.0.0 and its port */
	char why[96];              /* "SOCKS5: connection refused" */
};

enum upstream_step {
	UPSTREAM_MORE,  /* more bytes are needed */
	UPSTREAM_SPEAK, /* what was appended must be sent; bytes that are left are shown again */
	UPSTREAM_DONE,  /* what follows is the application's (of BIND: the second reply is, see
			   again) */
	UPSTREAM_BAD    /* refused or no SOCKS; outcome and why */
};

/* Appends what to send first.  False: the wish cannot be said (a name too long, SOCKS5 and a
 * chain of several links, a user in `epi`), or memory ran out; why. */
bool upstream_begin(struct upstream *, const struct upstream_wish *, struct bytes *out);
/* Takes *USED of the N bytes; those not taken must be shown again with more. */
enum upstream_step upstream_feed(struct upstream *, const uint8_t *, size_t n, size_t *used,
				 struct bytes *out);
/* The connection ended before UPSTREAM_DONE, with N bytes that were not taken: fills in outcome and
 * why, since servers refuse with half a reply, and those of another version with one byte. */
void upstream_end(struct upstream *, const uint8_t *, size_t n);
void upstream_again(struct upstream *); /* BIND: waits for the second reply */

#endif
