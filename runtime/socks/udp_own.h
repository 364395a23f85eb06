/* What the files udp*.c share.
 *
 *	udp.c         beginning, end, time
 *	udp_client.c  between us and the client
 *	udp_flow.c    destinations, and functions
 *	udp_remote.c  between us and the destinations
 *	udp_next.c    between us and a next proxy, one association for each destination
 *	udp_name.c    names in datagrams */
#ifndef EPIC_SOCKS_UDP_OWN_H
#define EPIC_SOCKS_UDP_OWN_H

#include "runtime/socks/udp.h"
#include "runtime/socks/udp_batch.h"

enum { UDP_MOST_UNSENT = 256 << 10 }; /* bytes that wait for a TCP connection; beyond: dropped */

struct udp_next;
struct udp_name;

/* One destination. */
struct udp_flow {
	struct udp_flow *older, *younger; /* by last use */
	struct udp *udp;
	struct wire_address to;
	uint8_t *name; /* malloced: as the client calls it; NULL */
	size_t n_name;
	uint64_t again; /* nothing passes before that time, ms */
	struct stage *stages;
	size_t n_stages;
	uint64_t bytes[N_WAYS];
	struct udp_next *next; /* NULL: straight */
};

enum udp_mapping { UDP_UNMAPPED, UDP_OVER_UDP, UDP_OVER_TCP };
enum udp_family { UDP_IPV4, UDP_IPV6, UDP_FAMILIES };

struct udp {
	struct udp_start start;
	struct watch control, relay, remote[UDP_FAMILIES]; /* fd -1: none */
	struct timer timer;
	struct work freeing;
	struct bytes got, say; /* from and to the control connection */
	struct udp_batch *batch;
	struct bytes scratch[2];
	uint64_t association;
	enum udp_mapping mapping;
	struct wire_address client; /* where its datagrams come from; port 0: not known yet */
	struct udp_flow *oldest, *youngest;
	size_t n_flows;
	struct udp_name *names[UDP_MOST_WAITING];
	uint64_t bytes[N_WAYS], dropped;
	uint64_t moved; /* when a datagram passed, ms */
	bool over;
};

/* ---- udp.c ---- */

void udp_over(struct udp *, const char *why); /* ends it; memory lives until loop_later */
void udp_dropped(struct udp *);               /* counts a datagram that was dropped */
void udp_passed(struct udp_flow *, enum way, size_t n);
struct udp_batch *udp_batch_of(struct udp *); /* NULL: no memory */
void udp_flush(struct udp *);                 /* all that was queued */

/* ---- udp_client.c ---- */

bool client_open(struct udp *, struct wire_address *bound, enum outcome *);
bool client_run(struct udp *, struct wire_span early);
void client_close(struct udp *);
/* What came for the client of flow F; passes its functions. */
void client_send(struct udp_flow *, struct wire_span data);
void client_report(struct udp *, const struct wire_address *to, uint8_t code,
		   const struct wire_address *reporter);
void client_flush(struct udp *); /* the control connection */

/* ---- udp_flow.c ---- */

/* DATA that the client wants to be sent to AT, which is no name. */
void flow_send(struct udp *, const struct wire_address *at, struct wire_span name,
	       struct wire_span data);
struct udp_flow *flow_find(struct udp *, const struct wire_address *);
struct udp_flow *flow_of_name(struct udp *, const struct wire_address *name);
/* Through the functions; *DATA is then theirs, in MADE (NULL: in a scratch of the association). */
bool flow_pass(struct udp_flow *, enum way, struct wire_span *data, struct bytes *made);
void flow_pause(struct udp_flow *); /* for UDP_RETRY_MS; the next proxy is let go */
void flows_close(struct udp *);
void flows_ask_again(struct udp *);

/* ---- udp_remote.c ---- */

void remote_send(struct udp_flow *, struct wire_span data);
void remote_close(struct udp *);

/* ---- udp_next.c ---- */

struct udp_next *next_open(struct udp_flow *, const struct wire_address *next,
			   const struct upstream_wish *); /* NULL: it cannot be */
void next_close(struct udp_next *);
void next_send(struct udp_next *, struct wire_span data);
void next_trim(struct udp_next *); /* memory that is not needed now */

/* ---- udp_name.c ---- */

void name_send(struct udp *, const struct wire_address *at, struct wire_span data);
void names_close(struct udp *);

#endif
