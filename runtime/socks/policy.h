/* The policy in force: what the plan lets pass this proxy, and where it goes next.
 *
 * Made from a plan and one or more socks targets at one proxy; immutable, shared by threads,
 * counted. What no chain allows is refused (default deny), with the reason and the policy's place.
 */
#ifndef EPIC_SOCKS_POLICY_H
#define EPIC_SOCKS_POLICY_H

#include "runtime/socks/wire.h"

struct policy;

struct policy_error {
	char text[512];
};

struct policy_target {
	const char *name;
	int version; /* 5 or 6: of the listener and of the links */
	bool epi;    /* dialect */
	enum policy_auth { POLICY_AUTH_NONE, POLICY_AUTH_PASSWORD, POLICY_AUTH_MTLS } auth;
	/* Paths without `file:`, relative ones from the plan's directory on; NULL: none. */
	const char *users, *authority, *certificate, *certificate_key;
	bool fast_open;
	unsigned warm;
	struct wire_address listen; /* the proxy's address and the target's port */
};

/* A function that the proxy hosts and that a chain uses. */
struct policy_function {
	const char *name;           /* canonical */
	const char *class;          /* socks-class; NULL: the policy names none */
	struct wire_address listen; /* the proxy's address and the function's port */
};

struct policy_link {
	struct wire_address at;
	const char *text;     /* socks6://ADDRESS:PORT */
	const char *function; /* that is met there, canonical */
	int own;              /* index of this proxy's function; -1: of another proxy */
	bool tls;             /* the other proxy's listeners speak TLS */
};

struct policy_chain {
	size_t target;                       /* that it is of */
	size_t flow;                         /* index into the plan's flows */
	const char *application, *from, *to; /* names */
	const char *file;                    /* of the flow in the policy */
	int64_t line;
	const char *when;
	bool replay_safe;
	const struct policy_link *links; /* of this proxy's first function on */
	size_t n_links;
};

/* NULL: *ERROR says why: the plan cannot be read, a target is unknown, of another backend, or at
 * another proxy than the first, an address cannot be used.  N_TARGETS 0: all socks targets, if they
 * are at one proxy. */
struct policy *policy_open(const char *plan, const char *const *targets, size_t n_targets,
			   struct policy_error *);
struct policy *policy_read(const void *bytes, size_t n, const char *directory,
			   const char *const *targets, size_t n_targets,
			   struct policy_error *); /* the same from memory */
struct policy *policy_hold(struct policy *);
void policy_drop(struct policy *); /* NULL is fine; the last one frees it */

const char *policy_proxy(const struct policy *); /* the node's name */
const struct policy_target *policy_targets(const struct policy *, size_t *n);
const struct policy_function *policy_functions(const struct policy *, size_t *n);
const struct policy_chain *policy_chains(const struct policy *, size_t *n);

/* ---- questions ---- */

struct policy_question {
	int protocol;               /* IPPROTO_TCP, IPPROTO_UDP */
	int function;               /* whose port was met; -1: a target's own */
	size_t target;              /* whose port was met, if FUNCTION is -1 */
	struct wire_address peer;   /* who connected */
	bool told;                  /* another proxy or a PROXY header told the source */
	struct wire_address source; /* of the flow; the peer itself unless told */
	struct wire_address to;     /* settled, no name */
	/* The functions' ports only: the rest of the chain as the other proxy knows it, from the
	 * function met on; NULL: it did not say.  It must be the plan's. */
	const struct wire_address *links;
	size_t n_links;
};

enum policy_verdict {
	POLICY_ALLOWED,
	POLICY_NO_FLOW,    /* nothing in the policy speaks of it */
	POLICY_FORBIDDEN,  /* a flow of the policy whose status is not direct or bridged */
	POLICY_WRONG_PEER, /* a flow may, but it must not come from this peer, or the peer must not
			      speak for others */
	POLICY_WRONG_WAY   /* a flow may, but not from this function on or through this target, or
			      the peer's chain is another */
};

struct policy_answer {
	enum policy_verdict verdict;
	const struct policy_chain *chain; /* POLICY_ALLOWED; good as long as the policy */
	size_t first;                     /* the link to begin with; n_links: straight on */
	/* For the log: "sepsis.epi:60: north.ehr => hub.compute is unbridgeable (E0601)", "no flow
	 * of the policy goes from 10.2.0.7 to 198.51.100.10:22/tcp". */
	char why[384];
};

/* Flows whose `from` holds the source, `to` the destination, and `when` protocol, addresses and
 * port, in plan order; source ports match always, and what else a filter asks for and cannot be
 * seen does not allow.  At a target's own port the source is the peer and a client of the flow,
 * whose chain must begin here: no function of another proxy may be left out.  At a function's port
 * the peer must be a proxy that the chain comes from (chain.via, or the address of the link
 * before), and TOLD may be false only if it is.  Nothing is allocated. */
bool policy_ask(const struct policy *, const struct policy_question *, struct policy_answer *);

/* What a connection with a PROXY header is for: the listener of an nginx target that HEADER names.
 * The question's `to` and `function` are then checked as for any other.  False: WHY says why. */
bool policy_listener(const struct policy *, const struct wire_address *header,
		     struct wire_address *to, char *why, size_t room);

/* Whether a connection that OLD allowed so may stay under NEW: allowed, with the same functions and
 * links from `first` on.  The new answer is in *ANSWER either way.  Links need not be told again.  The question's indices are
 * those of NOW. */
bool policy_still(const struct policy *now, const struct policy_question *,
		  const struct policy_chain *old_chain, size_t old_first, struct policy_answer *);

/* What a redirector should take: destinations of the chains at a target's own port that PROTOCOL
 * may have, as `PREFIX` and port ranges; overlapping rows may occur.  Addresses that a filter names
 * narrow nothing here, so that a row may hold more than its chain allows. */
struct policy_catch {
	int protocol;
	const char *prefix; /* of the destination */
	const char *source; /* prefix */
	uint16_t low, high; /* ports */
};
const struct policy_catch *policy_catches(const struct policy *, size_t *n);

#endif
