/* Bridging functions: what happens to the connections of a flow on their way.
 *
 * A class is a file in runtime/socks/functions and a row in functions.c.  A function is one
 * configured instance per process; threads share it, so that what it changes is its own to guard.
 * For each connection that passes it is opened, shown the bytes of both ways, and closed, all on
 * the thread of that connection.  It never blocks: what has to wait says so and wakes the
 * connection later.
 *
 * Functions run in the order of the chain for bytes to the server and against it for bytes back. */
#ifndef EPIC_SOCKS_FUNCTION_H
#define EPIC_SOCKS_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/core/json_read.h"
#include "runtime/core/log.h"
#include "runtime/core/text.h"
#include "runtime/socks/wire.h"

enum way { WAY_FORWARD /* to the server */, WAY_BACK /* to the client */, N_WAYS };

/* ---- bytes that grow ---- */

struct bytes {
	uint8_t *at;
	size_t n, room;
	bool failed; /* memory ran out; nothing more is added */
};

uint8_t *bytes_more(struct bytes *,
		    size_t n); /* room for N behind the end, not yet counted; NULL */
void bytes_add(struct bytes *, const void *, size_t n);
void bytes_take(struct bytes *, size_t n); /* away from the front */
void bytes_free(struct bytes *);

/* ---- what a function is told ---- */

/* Good until `open` returns. */
struct function_facts {
	uint64_t connection;                 /* a number, unique in the process */
	const char *function;                /* canonical name, `std.bridges.seal` */
	const char *application, *from, *to; /* of the flow, names of the policy */
	const char *file;                    /* where the flow stands in the policy */
	int64_t line;
	int protocol;                            /* IPPROTO_TCP or IPPROTO_UDP */
	struct wire_address source, destination; /* of the flow's client, which may be several hops
						    away, and of its server; never a name */
};

/* ---- what a function says ---- */

enum function_step {
	FUNCTION_ON,   /* all bytes were taken */
	FUNCTION_WAIT, /* all bytes were taken, no further ones of this way until function_wake */
	FUNCTION_END   /* the connection must end; *WHY says why */
};

/* The connection as a function sees it, to wake it. */
struct function_wake {
	/* From any thread, at any time between open and close: `bytes` is called again with no
	 * bytes for both ways. */
	void (*wake)(struct function_wake *);
};

struct function; /* each class has its own */

struct function_error {
	char text[256];
};

/* What all functions of a process share; outlives them. */
struct function_site {
	const struct log *log;
	const char *proxy; /* the node this process runs on, name of the policy */
};

struct function_class {
	const char *name, *summary;

	/* NAME is the function's canonical name, SETTINGS an object or NULL.  Unknown members are
	 * errors.  NULL: *ERROR says why.  WAS is the instance of the same name and class that runs
	 * until now, on a reload (else NULL): what should outlast it (a log, counters, keys) is
	 * taken from there; both run side by side while connections of the older one last. */
	struct function *(*make)(const struct function_site *, const char *name,
				 const struct tree_node *settings, struct function *was,
				 struct function_error *);
	void (*release)(struct function *);

	/* A connection comes; nothing has been sent to its server.  False: it is refused, WHY (256
	 * bytes) says why.  *STATE is the connection's own, may stay NULL; NULL beside `close`. */
	bool (*open)(struct function *, const struct function_facts *, struct function_wake *,
		     void **state, char *why);
	/* SENT: bytes that went each way. */
	void (*close)(struct function *, void *state, const uint64_t sent[N_WAYS]);

	/* NULL: bytes pass unseen, so that the kernel may move them.  IN is taken whole; what goes
	 * on is appended to OUT.  LAST: no byte comes after these; then FUNCTION_ON means that
	 * nothing comes after OUT.  N may be 0. */
	enum function_step (*bytes)(struct function *, void *state, enum way, const uint8_t *in,
				    size_t n, bool last, struct bytes *out, char *why);
	/* The same for one datagram; NULL beside `bytes`: UDP is refused.  Lost datagrams and
	 * others in between must not matter.  False: dropped. */
	bool (*datagram)(struct function *, void *state, enum way, const uint8_t *in, size_t n,
			 struct bytes *out);
	/* How many bytes may pass now, of N that wait; less than N: *RETRY_MS until more may. NULL:
	 * all. */
	size_t (*admit)(struct function *, void *state, enum way, size_t n, uint32_t *retry_ms);
	/* Called once for each way after `open`: descriptors of an external program, which do not
	 * block; bytes are written to *IN and read from *OUT, end to end.  False: this way passes
	 * by. The relay closes both. */
	bool (*pipe)(struct function *, void *state, enum way, int *in, int *out);

	/* Counters and state for `status`: members of a JSON object, `"opened": 3, ...`, without
	 * braces.  May be NULL. */
	void (*status)(struct function *, struct text *);
	/* `epic-socksd ask function NAME WORDS`; false: *ANSWER is an error.  May be NULL. */
	bool (*command)(struct function *, const char *words, struct text *answer);
};

/* The rows of functions.c; NULL: none is called so. */
const struct function_class *function_class_of(const char *name);
const struct function_class *const *function_classes(size_t *n);

#endif
