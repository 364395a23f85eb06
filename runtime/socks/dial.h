/* Makes connections: to several addresses at once where there are several (RFC 8305), with the
 * first bytes in the SYN where that is wished; and keeps some warm. */
#ifndef EPIC_SOCKS_DIAL_H
#define EPIC_SOCKS_DIAL_H

#include "runtime/socks/loop.h"
#include "runtime/socks/reply.h"
#include "runtime/socks/stream.h"
#include "runtime/socks/wire.h"

/* ---- names ---- */

enum { RESOLVE_MOST = 16 };

/* A few threads that ask getaddrinfo, a bounded queue, and no cache: the system has one. */
enum { RESOLVE_QUEUE = 1024 };

struct resolver;
struct resolver *resolver_open(unsigned threads); /* NULL: errno */
/* Does not wait for names that are being asked for.  What still waits is not answered and must not
 * be cancelled any more. */
void resolver_close(struct resolver *);

struct resolve;
/* Addresses in the order of RFC 6724, families interleaved as RFC 8305 section 4 wants; N 0:
 * OUTCOME says why. */
typedef void resolve_done(void *arg, const struct wire_address *, size_t n, enum outcome outcome);
/* NULL: no memory.  DONE is called on the loop's thread, never from within this call; with a full
 * queue the outcome is OUTCOME_BUSY.  NAME is copied; an address is its own answer. */
struct resolve *resolve_start(struct resolver *, struct loop *, const struct wire_address *name,
			      resolve_done *, void *arg);
/* Before DONE was called, on the loop's thread. */
void resolve_cancel(struct resolve *);

/* ---- connections ---- */

enum {
	DIAL_HEAD_START_MS = 250, /* RFC 8305: Connection Attempt Delay */
	DIAL_MOST = RESOLVE_MOST
};

struct dial_wish {
	const struct wire_address *to; /* no names; copied; those beyond DIAL_MOST are not tried */
	size_t n;
	uint32_t timeout_ms;
	uint32_t mark;                   /* SO_MARK; 0: none */
	const struct wire_address *from; /* to bind to, NULL: any; copied; addresses of the other
					    family are not tried */
	bool fast_open;         /* FIRST may be in the SYN; to the first address, and then the
				   others are tried only after it failed */
	struct wire_span first; /* bytes to send at once; must live until DONE */
	struct tls_side *tls;   /* or NULL; FIRST is then sent under TLS once it is there */
	const char *tls_name;   /* must live until DONE */
	uint8_t tos, ttl;       /* stack options; 0: as is */
	bool no_fragmentation, multipath;
	bool want_bound; /* costs a system call */
};

/* OUTCOME is success: STREAM is the caller's, connected and without Nagle, SENT bytes of
 * FIRST went, AT is where it went.  Its descriptor is left in the loop (loop_leave): take it over
 * by loop_watch before DONE returns, or close it after loop_forget_left.  Else the most telling of
 * the errors that were met, AT is where, and WHY. */
struct dial_result {
	enum outcome outcome;
	struct stream stream;
	size_t sent;
	struct wire_address at, bound; /* BOUND only if it was wanted */
	char why[128];
};
typedef void dial_done(void *arg, const struct dial_result *);

struct dial;
/* NULL: no memory.  DONE is called on the loop's thread, never from within this call; where there
 * is no descriptor the outcome is OUTCOME_BUSY. */
struct dial *dial_start(struct loop *, const struct dial_wish *, dial_done *, void *arg);
void dial_cancel(struct dial *); /* before DONE was called; with RST */

/* Whether the kernel lets clients (1) and servers (2) use Fast Open: bits of net.ipv4.tcp_fastopen.
 */
unsigned dial_fast_open_allowed(void);

/* ---- warm connections ---- */

/* Of one thread: for each address at most MOST connections made in advance, tended after each use;
 * those that the other side ends, or that were idle for WARM_AGE_MS, are made anew, with growing
 * pauses while nobody answers, or who answers ends the connection at once. */
enum {
	WARM_MOST = 512, /* connections of all addresses; what is declared beyond is cut */
	WARM_AGE_MS = 60000,
	WARM_LEAST_PAUSE_MS = 100,
	WARM_MOST_PAUSE_MS = 30000
};

struct warm;
struct warm *warm_open(struct loop *); /* NULL: no memory */
void warm_close(struct warm *);
/* For those made from now on, in place of WARM_AGE_MS. */
void warm_age(struct warm *, uint32_t ms);
/* Declares an address, or declares it anew; MOST 0: no longer.  TLS (held) or NULL: handshakes are
 * done in advance.  Connections that were made under another declaration are closed.  False: no
 * memory, the address is not kept warm. */
bool warm_keep(struct warm *, const struct wire_address *to, unsigned most, struct tls_side *,
	       const char *tls_name, uint32_t mark, const struct wire_address *from);
/* One that was alive when this batch of events began, which is the caller's then, its descriptor
 * being left in the loop as dial's are; false: there is none now.  It may have died since: who
 * finds it dead before any byte came back and may send again, dials. */
bool warm_take(struct warm *, const struct wire_address *to, struct stream *);
size_t warm_count(const struct warm *); /* that could be taken */

#endif
