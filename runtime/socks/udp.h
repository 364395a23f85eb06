/* UDP ASSOCIATE: RFC 1928 section 7, and the draft's over TCP and UDP.
 *
 * Each destination is asked about; what is not allowed is dropped and counted.  Datagrams of flows
 * with functions on this proxy go through them, those of flows whose chain goes on go in a SOCKS6
 * association over TCP to the next proxy. */
#ifndef EPIC_SOCKS_UDP_H
#define EPIC_SOCKS_UDP_H

#include "runtime/socks/dial.h"
#include "runtime/socks/policy.h"
#include "runtime/socks/relay.h"
#include "runtime/socks/upstream.h"

enum {
	UDP_MOST_FLOWS = 64,  /* destinations per association; the longest unused goes */
	UDP_MOST_WAITING = 4, /* datagrams that wait for a name, or for one next proxy */
	UDP_RETRY_MS = 1000   /* after a next proxy refused or was lost */
};

struct udp_start {
	struct loop *loop;
	struct stream control;    /* taken over by udp_run; the association lives as long as it */
	enum inbound_kind kind;   /* INBOUND_SOCKS5 or INBOUND_SOCKS6 */
	struct wire_address from; /* where the client says that it will send from; zeros: unknown */
	struct wire_address peer; /* of the control connection: other sources are dropped */
	struct wire_address relay; /* the address to bind to, port 0: any */
	struct wire_address from_proxy; /* to be asked of next proxies from; kind 0: any */
	uint32_t mark, idle_ms;
	uint8_t parity_wish; /* SOCKS6_ANY_PARITY, .. */
	bool report_errors;  /* SOCKS6 */
	/* About each new destination.  False: drop.  *STAGES (malloced, opened, given away), *N and
	 * the next proxy (NEXT->kind 0: straight to the destination) with what to say to it. */
	bool (*ask)(void *arg, const struct wire_address *to, struct stage **stages, size_t *n,
		    struct wire_address *next, struct upstream_wish *wish);
	/* Under which TLS the next proxy is spoken to, and as whom; NULL: under none. */
	struct tls_side *(*tls)(void *arg, const struct wire_address *next, const char **name);
	struct resolver *resolver; /* of names in datagrams; NULL: these are dropped */
	/* It has ended by itself, WHY; all is closed. */
	void (*done)(void *arg, const char *why, const uint64_t bytes[N_WAYS], uint64_t dropped);
	void *arg;
};

struct udp;
/* The association's socket is there; *BOUND is where the client must send.  NULL: *OUTCOME.
 * Nothing is called before udp_run, which may call DONE at once. */
struct udp *udp_open(const struct udp_start *, struct wire_address *bound, enum outcome *);
/* After the reply was sent: begins, with bytes that came behind the request (SOCKS6). */
void udp_run(struct udp *, struct wire_span early);
void udp_stop(struct udp *); /* `done` is not called */
/* After a reload: all destinations are asked about again. */
void udp_ask_again(struct udp *);

#endif
