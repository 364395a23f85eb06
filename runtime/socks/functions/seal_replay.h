/* Salts that were taken, each good once, for as long as a recording's time could still pass. */
#ifndef EPIC_SOCKS_FUNCTIONS_SEAL_REPLAY_H
#define EPIC_SOCKS_FUNCTIONS_SEAL_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum { SEAL_REPLAY_SALT = 16, SEAL_REPLAY_MOST = 1 << 20 };

struct seal_replay; /* counted, shared by threads */

struct seal_replay *seal_replay_open(void); /* NULL: memory */
struct seal_replay *seal_replay_hold(struct seal_replay *);
void seal_replay_drop(struct seal_replay *); /* NULL is fine */

/* A genuine header of TIME came NOW, both in milliseconds of the wall clock.  NULL: it is the
 * first with this salt and not older than the memory is; else why it is not taken.  SKEW: how far
 * TIME may be from NOW; it may change from call to call. */
const char *seal_replay_take(struct seal_replay *, const uint8_t salt[SEAL_REPLAY_SALT],
			     int64_t time, int64_t now, int64_t skew);

#endif
