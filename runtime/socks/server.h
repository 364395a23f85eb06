/* The process: what all threads share, and its workers.
 *
 * The main thread starts and stops workers, makes setups, and answers the control socket; workers
 * move connections.  The main thread asks workers by worker_call, which runs on their threads. */
#ifndef EPIC_SOCKS_SERVER_H
#define EPIC_SOCKS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/core/log.h"
#include "runtime/socks/clients.h"
#include "runtime/socks/counters.h"
#include "runtime/socks/dial.h"
#include "runtime/socks/relay.h"
#include "runtime/socks/setup.h"

struct limits {
	uint32_t request_ms, connect_ms, idle_ms; /* time-outs; idle_ms 0: none */
	size_t most_each, most; /* connections of a client, of all; 0: any number */
};

struct server {
	const struct setup_options *options;
	struct limits limits;
	const struct log *log;
	bool log_connections; /* one line for each */
	struct counters counters;
	struct clients *clients;
	struct sessions *sessions;
	struct resolver *resolver;
	atomic_uint_least64_t number; /* of the latest connection */
	struct setup *setup;          /* the main thread's */
	struct setup **old;           /* until nobody holds them but the server */
	size_t n_old;
	struct worker *workers;
	size_t n_workers;
	uint64_t reloads;
};

/* A socket that takes connections. */
struct door {
	struct watch watch;
	struct worker *worker;
	struct setup *setup; /* the worker's */
	const struct front *front;
	bool keep; /* a reload found it in the new setup */
};

struct worker {
	struct server *server;
	pthread_t thread;
	bool running;
	unsigned index;
	struct loop *loop;
	struct relay_pool *pool;
	struct warm *warm;
	struct setup *setup;
	struct door **doors;
	size_t n_doors;
	struct session *open; /* all sessions */
	size_t n_open;
	int spare;         /* a descriptor to refuse with when there are none */
	struct timer rest; /* of the doors, when there is not even that */
	bool draining;
	uint64_t lines_second; /* of log lines about refusals, so that they cannot be a flood */
	unsigned lines, lines_lost;
};

struct server_error {
	char text[640];
	bool is_setup; /* the plan or a file is wrong, not the machine */
};

/* Listens, but nothing is accepted before server_start.  False: *ERROR. */
bool server_open(struct server *, unsigned n_workers, struct server_error *);
bool server_start(struct server *, struct server_error *);
/* Makes a setup anew from the same files and puts it in force.  False: the old one stays. */
struct reload_facts {
	size_t kept, ended;
};
bool server_reload(struct server *, struct reload_facts *, struct server_error *);
void server_reap(struct server *);    /* frees old setups that nobody holds; now and then */
void server_drain(struct server *);   /* takes no more connections, lets the others end */
size_t server_count(struct server *); /* open connections */
void server_close(struct server *);   /* ends what is left */

/* Runs on the worker's thread; returns when it has run. */
void worker_call(struct worker *, void (*run)(struct worker *, void *arg), void *arg);

/* ---- for the files of workers ---- */

bool worker_open(struct worker *, struct server *, unsigned index);
bool worker_start(struct worker *);
void worker_close(struct worker *);
/* Doors for all fronts of SETUP that the worker has none for yet.  False: *ERROR, nothing changed.
 */
struct new_doors {
	struct door **at;
	size_t n;
};
bool doors_open(struct worker *, struct setup *, struct new_doors *, struct server_error *);
void doors_drop(struct new_doors *);
/* On the worker's thread: the new setup is in force, its doors are open, others closed. */
void worker_take(struct worker *, struct setup *, struct new_doors *);
void worker_shut(struct worker *); /* all doors */

/* A line about something refused, at most some per second. */
bool worker_may_log(struct worker *);

#endif
