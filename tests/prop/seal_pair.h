/* A `seal` and an `unseal` with keys in a directory of their own, and connections through them. */
#ifndef EPIC_PROP_SEAL_PAIR_H
#define EPIC_PROP_SEAL_PAIR_H

#include <stdatomic.h>

#include "runtime/socks/function.h"

/* A new directory with mode 0700, in DIR. */
enum { PAIR_DIR = 64 };
void pair_dir_make(char dir[PAIR_DIR]);
void pair_dir_remove(const char *dir); /* with its files */
/* DIR/NAME holds TEXT, with MODE, whole at once. */
void pair_put(const char *dir, const char *name, const char *text, unsigned mode);
/* DIR/ID.key of a key that ID gives, which begins FROM (NULL: always). */
void pair_put_key(const char *dir, unsigned id, const char *from);
void pair_key_hex(unsigned id, char hex[65]);

/* An instance; FORMAT and what follows are its settings.  NULL: *ERROR. */
struct function *pair_make(const struct function_class *, struct function *was,
			   struct function_error *, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One end of one connection. */
struct pair_end {
	struct function_wake wake; /* counts */
	atomic_int wakes;
	const struct function_class *class;
	struct function *function;
	void *state;
	struct bytes out[N_WAYS];
	enum function_step step[N_WAYS]; /* of the last call */
	char why[256];
};

extern const struct function_facts pair_facts; /* of a flow over TCP */

/* Zeroes END to begin.  False: END->why. */
bool pair_open(struct pair_end *, const struct function_class *, struct function *,
	       const struct function_facts *);
void pair_close(struct pair_end *);
/* Gives bytes that go WAY; what comes out is added to out[WAY]. */
enum function_step pair_give(struct pair_end *, enum way, const void *, size_t n, bool last);
/* As the relay does after a wake: for both ways, no bytes. */
void pair_woken(struct pair_end *);
/* Waits until it was woken more than SEEN times, at most 10 s; then pair_woken. */
bool pair_wait(struct pair_end *, int seen);

#endif
