/* A test bed for relays: a real loop in a thread of its own, and relays between real sockets, whose
 * far ends the test holds. */
#ifndef EPIC_TESTS_RELAY_BED_H
#define EPIC_TESTS_RELAY_BED_H

#include <pthread.h>

#include "runtime/socks/relay.h"

struct bed {
	struct loop *loop;
	struct relay_pool *pool;
	pthread_t thread;
};

bool bed_open(struct bed *);
void bed_close(struct bed *);
/* Runs DEED on the loop's thread and waits for it. */
void bed_do(struct bed *, void (*deed)(void *arg), void *arg);

enum bed_sockets { BED_UNIX, BED_TCP, BED_SMALL /* TCP with small buffers */ };

/* Two connected sockets: FAR blocks, for 10 s at most; NEAR does not. */
bool bed_pair(enum bed_sockets, int *far, int *near);

struct bed_relay {
	struct bed *bed;
	struct relay_start start; /* for the test to fill in between bed_ready and bed_start */
	int client, server;       /* far ends; -1: closed */
	struct relay *relay;      /* on the loop's thread only */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over;
	enum relay_end end;
	char why[256];
	int returned; /* the client's socket of RELAY_HEAD, or -1 */
};

bool bed_ready(struct bed_relay *, struct bed *, enum bed_sockets);
/* Adds a stage: of a relay that has any, functions may be woken. */
void bed_stage(struct bed_relay *, const struct function_class *, void *state);
void bed_start(struct bed_relay *);
bool bed_over(struct bed_relay *);      /* now */
bool bed_wait_over(struct bed_relay *); /* within 10 s */
/* Stops it if it still runs, closes the far ends and frees all. */
void bed_done(struct bed_relay *);
/* Bytes that reached the other end. */
uint64_t bed_moved(struct bed_relay *, enum way);

bool bed_write(int fd, const void *, size_t n);
/* All up to the end, at most ROOM; -1: the connection was reset or nothing came for 10 s. */
ssize_t bed_read_all(int fd, void *, size_t room);
bool bed_read(int fd, void *, size_t n); /* exactly N bytes */
void bed_reset(int *fd);                 /* closes it with RST */
void bed_shut(int fd);                   /* half-close */

#endif
