/* So much per second, with a burst: the generic cell rate algorithm (ITU-T I.371), which is a token
 * bucket kept as one time.  Shared by threads without a lock; the caller's clock is the clock. */
#ifndef EPIC_SOCKS_PACE_H
#define EPIC_SOCKS_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* BURST * 10^9 must fit into 64 bits. */
struct pace_rate {
	uint64_t per_second; /* not 0 */
	uint64_t burst;      /* of the same units */
};

/* Zeroed to begin: with a full bucket. */
struct pace {
	_Atomic uint64_t due; /* ns: when all that was taken is paid */
};

uint64_t pace_now(void); /* ns, monotonic */
/* N at once, or nothing of it. */
bool pace_take(struct pace *, const struct pace_rate *, uint64_t now, uint64_t n);
/* N in any case; returns when they may go, NOW at the earliest.  Who books in turn gets in turn. */
uint64_t pace_book(struct pace *, const struct pace_rate *, uint64_t now, uint64_t n);
/* Gives back what was booked and not used. */
void pace_return(struct pace *, const struct pace_rate *, uint64_t n);

#endif
