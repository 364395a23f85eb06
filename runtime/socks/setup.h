/* What is in force: the policy, the functions with their settings, who may, certificates, and where
 * to listen.  Made as a whole, by the main thread; then immutable and counted, so that a reload
 * is a pointer's change and connections keep what they began with. */
#ifndef EPIC_SOCKS_SETUP_H
#define EPIC_SOCKS_SETUP_H

#include <stdatomic.h>

#include "runtime/socks/function.h"
#include "runtime/socks/inbound.h"
#include "runtime/socks/policy.h"
#include "runtime/socks/stream.h"

enum role {
	ROLE_PROXY,    /* a target of a plan */
	ROLE_OPEN,     /* no plan: any destination within some prefixes */
	ROLE_FUNCTION, /* one function by itself, which other proxies reach by a link */
	ROLE_REDIRECT  /* takes what the kernel redirects, and hands it to a proxy */
};

/* What the command line says; outlives all setups. */
struct setup_options {
	enum role role;
	const char *plan; /* a path */
	const char *const *targets;
	size_t n_targets;
	const char *functions; /* path of a JSON file; NULL: no settings */

	/* ROLE_OPEN and ROLE_FUNCTION */
	struct wire_address listen, listen6; /* the second of ROLE_REDIRECT; kind 0: none */
	const char *function,
	    *class;               /* ROLE_FUNCTION: its name, and class if the file does not say */
	const char *const *allow; /* prefixes of destinations; none: this machine's own only */
	size_t n_allow;
	int version; /* 5, 6, or 0 for both; of ROLE_REDIRECT the proxy's */
	bool fast_open;
	unsigned warm; /* connections for each next hop */

	/* ROLE_REDIRECT */
	struct wire_address proxy;
	bool tproxy;
	const char *user, *password; /* towards the proxy; NULL: none */
	bool epi;
	struct tls_files tls; /* towards the proxy; authority or certificate given: under TLS */
	bool use_tls;

	uint32_t mark; /* SO_MARK of own connections; 0: none */
	const struct log *log;
};

/* A function of this proxy. */
struct instance {
	char *name;
	const struct function_class *class; /* NULL: it runs elsewhere */
	struct function *function;
	struct wire_address elsewhere; /* kind 0: nowhere, its connections are refused */
};

enum front_kind { FRONT_TARGET, FRONT_FUNCTION, FRONT_OPEN, FRONT_REDIRECT };

/* Where to listen. */
struct front {
	enum front_kind kind;
	struct wire_address at, from; /* FROM: of targets, the address with port 0 */
	size_t index;                 /* of the target or the function */
	struct tls_side *tls;
	bool tls_must, tls_own; /* clients must speak it; but for the proxy itself */
	bool fast_open, transparent;
	struct inbound_settings settings;
};

/* How often, since this policy is in force. */
struct flow_counts {
	atomic_uint_least64_t opened, ended, bytes[N_WAYS];
};

struct setup {
	atomic_uint n_holds, n_whole; /* of n_holds, those who need more than its functions */
	const struct setup_options *options;
	struct policy *policy;      /* ROLE_PROXY, and ROLE_REDIRECT with a plan */
	struct instance *instances; /* in the order of policy_functions */
	size_t n_instances;
	char *proxy; /* the node's name, for the functions; NULL: without a plan */
	struct front *fronts;
	size_t n_fronts;
	struct tls_side **clients; /* by target, for links under TLS */
	struct users **users;      /* by target */
	size_t n_targets;
	struct flow_counts *flows; /* in the order of policy_chains */
	size_t n_flows;
	struct prefix_row {
		uint8_t kind, length, ip[16];
	} * allow;
	size_t n_allow;
};

struct setup_error {
	char text[640];
};

/* Those that are there until now, the one in force being the last: their functions hand on what
 * they keep, also one that no chain led through for a while and that a connection still holds. */
struct setups {
	struct setup *const *at;
	size_t n;
};

/* NULL: *ERROR says why. */
struct setup *setup_open(const struct setup_options *, struct sessions *, const struct setups *was,
			 struct setup_error *);
struct setup *setup_hold(struct setup *);
void setup_drop(struct setup *); /* NULL is fine */
/* From now on the holder needs the functions alone, and ends with setup_release. */
struct setup *setup_loosen(struct setup *);
void setup_release(struct setup *); /* NULL is fine */
/* If nobody needs more than the functions: the rest is freed, which may be large. */
void setup_shrink(struct setup *);

/* ROLE_OPEN and ROLE_FUNCTION: whether a destination is within the prefixes. */
bool setup_allows(const struct setup *, const struct wire_address *);
/* The address of a target's or function's peer that is this process itself by another name: where a
 * function that runs elsewhere connects from. */
bool setup_is_elsewhere(const struct setup *, const struct wire_address *peer);
/* As who the proxy comes to another one at TO: its own address, by which the policy knows it; NULL:
 * any will do. */
const struct wire_address *setup_from(const struct setup *, const struct wire_address *to);
struct instance *setup_instance(const struct setup *, const char *name);

#endif
