/* What the files session*.c share. */
#ifndef EPIC_SOCKS_SESSION_PRIVATE_H
#define EPIC_SOCKS_SESSION_PRIVATE_H

#include "runtime/socks/inbound.h"
#include "runtime/socks/session.h"
#include "runtime/socks/udp.h"
#include "runtime/socks/upstream.h"

enum { EPI_LINK_ROOM = WIRE_TEXT_ROOM + sizeof("socks6://") };

/* Where a connection goes from here. */
struct route {
	bool straight;            /* to the destination */
	struct wire_address next; /* else to the next proxy, or a function that runs elsewhere */
	bool header;              /* which gets the PROXY header, not SOCKS */
	int version;
	bool epi;
	struct tls_side *tls;
	const char *links[EPI_MOST_LINKS]; /* from the next proxy on */
	size_t n_links;
	bool fast_open;
	unsigned warm;
	size_t first, behind; /* chain->links [first, behind) run in this process */
};

/* What a connection needs until its bytes flow. */
struct opening {
	struct session *session;
	struct setup *setup; /* held: what the client was heard with */
	struct watch client, server;
	struct timer timer;
	struct stream stream, upstream;
	struct inbound *inbound; /* NULL: it was redirected */
	const struct inbound_request *request;
	struct bytes got;   /* from the client, not taken yet */
	struct bytes reply; /* to the client, not sent yet */
	struct bytes say;   /* to the server; of which SAID were sent */
	struct bytes back;  /* from the server, not taken yet */
	size_t said, drained;
	bool tls_open; /* whether the client speaks TLS is not known yet */
	bool shaking;  /* TLS with the client */
	bool silent;   /* the client has not said a word */
	bool client_ended;
	bool awaiting;  /* first bytes of a redirected client */
	bool answered;  /* success was replied */
	bool lingering; /* the last reply was sent: waits for the client to close */
	struct wire_address to[DIAL_MOST];
	size_t n_to;
	struct route route;
	struct resolve *resolve;
	struct dial *dial;
	struct stage *stages;
	size_t n_stages;
	struct function_wake *wake;
	struct upstream up;
	uint32_t granted;             /* stack options, bit 1 << kind */
	char (*texts)[EPI_LINK_ROOM]; /* of route.links, where they were told or are elsewhere */
	struct wire_address links[EPI_MOST_LINKS]; /* as the request told them */
	/* BIND */
	struct watch listener;
	struct wire_address bound;
};

struct session {
	struct session *next, **link; /* of the worker's */
	struct work freeing;
	struct worker *worker;
	struct wire_address client; /* who connected */
	struct setup *setup;        /* held; the policy that allows it */
	struct setup *way;          /* held, or NULL; that the opening's way is of */
	struct setup *functions;    /* held loosely, or NULL; that the relay's functions are of */
	const struct front *front;
	uint64_t number, began; /* ms of the loop */
	struct policy_question question;
	const struct policy_chain *chain; /* of setup->policy; NULL without one */
	size_t first;
	struct opening *opening; /* NULL once bytes flow in both ways */
	struct relay *relay;
	struct udp *udp;
	bool counted; /* as opened */
};

/* ---- session.c ---- */

void session_free(struct session *);  /* closes what `opening` holds; relay and udp are gone */
void session_abort(struct session *); /* closes what is open, without any answer */
void session_refused(struct session *, enum counter, const char *why); /* counts and logs */
void session_failed(struct session *, enum counter, const char *event, const char *why);
void session_count_open(struct session *);
void session_count_end(struct session *, const uint64_t bytes[N_WAYS]);
void session_log_end(struct session *, const char *how, const uint64_t bytes[N_WAYS]);
void opening_free(struct session *); /* closes what is open in it */
/* Where SETUP listens at the session's address for the same kind of clients; NULL: nowhere. */
const struct front *session_front(const struct session *, const struct setup *);
void session_move(struct session *, struct setup *, const struct front *);

/* ---- session_hear.c ---- */

/* Takes the stream over.  False: no memory. */
bool hear_begin(struct session *, struct stream);
/* Sends what opening->reply holds; what the client does not take now is sent later.  False: the
 * client broke, the session is gone. */
bool hear_flush(struct session *);
/* Replies with OUTCOME, then closes. */
void hear_refuse(struct session *, enum outcome);
/* Sends what is left, then waits a little until the client has read it, and closes. */
void hear_linger(struct session *);
/* Replies with success; stack options in DONE were granted.  False: the session is gone. */
bool hear_succeed(struct session *, const struct wire_address *bound, uint32_t done);
/* Sends what is left of the reply when it can be sent, and notices a client that leaves. */
void hear_wait(struct session *);

/* ---- session_route.c ---- */

/* Asks the policy for TO, in the session's question. */
bool route_ask(struct session *, const struct wire_address *to, struct policy_answer *);
/* Counts, logs and replies. */
void route_refuse(struct session *, const struct policy_answer *);
/* False: WHY (300 bytes). */
bool route_make(struct session *, const struct policy_answer *, struct route *, char *why);
/* The answer, and the way that it means, in opening->route, are the session's.  False: WHY. */
bool route_take(struct session *, const struct policy_answer *, char *why);
/* The functions of the route are open, in a malloced array, NULL if there are none.  False: WHY. */
bool stages_open(struct session *, const struct wire_address *to, const struct route *,
		 struct stage **, size_t *n, struct function_wake *, char *why);
/* Those of opening->route, for a stream, in opening->stages.  False: WHY. */
bool route_open(struct session *, char *why);
void stages_close(struct stage *, size_t n);
/* Whether bytes may go on without having been seen by a function. */
bool stages_unseeing(const struct stage *, size_t n);

/* ---- session_go.c ---- */

void go_decide(struct session *); /* opening->request is there, or it was redirected */
void go_first(struct session *);  /* a redirected client has spoken */
void go_refuse(struct session *, enum counter, enum outcome, const char *why);
void relay_begin(struct session *);

/* ---- session_bind.c, session_udp.c ---- */

void bind_begin(struct session *);
void bind_end(struct session *); /* closes the listening socket, if there is one */
void udp_begin(struct session *);

#endif
