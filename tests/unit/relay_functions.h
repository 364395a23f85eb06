/* Functions for tests of relays.  Each state is the test's own, zeroed to begin. */
#ifndef EPIC_TESTS_RELAY_FUNCTIONS_H
#define EPIC_TESTS_RELAY_FUNCTIONS_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/socks/function.h"

/* Changes bytes and their number by their place in the stream; ends each way with its tag. */
struct scrambler {
	uint8_t key;
	char tag;
	uint64_t n[N_WAYS];
	atomic_uint closed;
	uint64_t sent[N_WAYS]; /* as `close` heard */
};
extern const struct function_class scrambling;
/* What N bytes become; free() it. */
uint8_t *scrambled(const struct scrambler *, const uint8_t *, size_t n, size_t *n_out);

/* Passes at most a few bytes at once, and none at every third question. */
struct metering {
	size_t most;
	unsigned asked;
	_Atomic uint64_t passed[N_WAYS];
};
extern const struct function_class meters;

/* Says FUNCTION_WAIT after each piece, and wakes from a thread of its own. */
struct pausing {
	pthread_mutex_t lock;
	struct function_wake *wake; /* until the connection closes */
	pthread_t thread;
	atomic_bool stop, wanted;
	bool waiting[N_WAYS];
	atomic_uint pauses;
};
bool pausing_open(struct pausing *, struct function_wake *);
void pausing_close(struct pausing *); /* after the connection was closed */
extern const struct function_class pauses;

/* Ends the connection when it sees the byte '!'. */
extern const struct function_class ending;

/* An external program on the ways that are set; its arguments end with NULL. */
struct program {
	const char *const *arguments;
	bool way[N_WAYS];
	pid_t pids[N_WAYS];
};
void program_reap(struct program *); /* kills what still runs */
extern const struct function_class programs;

#endif
