/* Moves the bytes of one connection between its two ends, through the functions of its chain.
 *
 * Ways end one by one: the end of a way is passed on as a half-close once all its bytes went.  A
 * reset of either end resets the other.  Little data goes by recv and send through a buffer of the
 * thread; after RELAY_SPLICE_FROM bytes without a small piece, if both ends are plain and no
 * function sees or meters them, by splice through a pipe of a pool, until a small piece comes.  An
 * idle relay holds no buffer.  What a slow reader leaves is bounded: while bytes wait, their source
 * is not read.  The process must ignore SIGPIPE, since splice and pipes know no MSG_NOSIGNAL. */
#ifndef EPIC_SOCKS_RELAY_H
#define EPIC_SOCKS_RELAY_H

#include "runtime/socks/function.h"
#include "runtime/socks/loop.h"
#include "runtime/socks/stream.h"

enum { RELAY_SPLICE_FROM = 65536, RELAY_CHUNK = 65536 };

/* Of one thread: its loop, its buffer and its pipes. */
struct relay_pool;
struct relay_pool *relay_pool_open(struct loop *); /* NULL: errno */
void relay_pool_close(struct relay_pool *);

/* One function of a connection. */
struct stage {
	const struct function_class *class;
	struct function *function;
	void *state;
};

enum relay_end {
	RELAY_DONE,     /* both ways ended in order */
	RELAY_RESET,    /* an end broke the connection */
	RELAY_IDLE,     /* nothing moved for idle_ms */
	RELAY_FUNCTION, /* a function ended it; WHY */
	RELAY_HEAD,     /* the head did not want it, or the server ended before it; WHY may be "" */
	RELAY_ERROR     /* memory, descriptors; WHY */
};

enum relay_head { RELAY_HEAD_MORE, RELAY_HEAD_DONE, RELAY_HEAD_BAD };

struct relay_start {
	struct stream client, server; /* taken over, also if relay_start fails */
	struct stage *stages; /* taken over; malloced, NULL if n_stages is 0; open already, closed
				 by the relay */
	size_t n_stages;
	struct function_wake *wake; /* of relay_wake_make, taken over; NULL if n_stages is 0 */
	struct wire_span
	    early[N_WAYS]; /* bytes that were read already; of WAY_FORWARD from the client */
	uint32_t idle_ms;  /* 0: for ever */
	/* The first bytes from the server are not the flow's: they are shown to `head` until it is
	 * done, *USED of N bytes being its own.  What it did not use and has seen is shown again
	 * together with more.  `head` may write to the client itself and may call relay_stop only
	 * by returning RELAY_HEAD_BAD.  NULL: there are none.  Bytes to the server flow meanwhile.
	 */
	enum relay_head (*head)(void *arg, const uint8_t *, size_t n, size_t *used);
	/* Never from within relay_start.  All is over: streams are closed, stages too (but for
	 * RELAY_HEAD, when the client's stream is handed back in *CLIENT, to be answered and
	 * closed).  The relay frees itself.  */
	void (*done)(void *arg, enum relay_end, const char *why, struct stream *client);
	void *arg;
};

struct relay;

/* NULL: no memory; all is closed. */
struct relay *relay_start(struct relay_pool *, const struct relay_start *);
/* Ends it; `done` is not called.  ABORT: by resets, else FIN. */
void relay_stop(struct relay *, bool abort);
/* For functions, see function_wake: the stages' states were opened with this one.  Allocated before
 * the relay is, since functions open first; freed with the relay, or by relay_wake_free if none
 * comes. */
struct function_wake *relay_wake_make(struct loop *);
void relay_wake_free(struct function_wake *);
uint64_t relay_bytes(const struct relay *, enum way); /* that reached the other end */
bool relay_is_idle(const struct relay *);             /* nothing waits to be moved */

#endif
