/* Who is connected, and how fast they come: one row per source address, shared by threads.
 *
 * Bounded: rows that nobody holds make room, the longest unheld first; if all are held, newcomers
 * are refused. */
#ifndef EPIC_SOCKS_SOURCES_H
#define EPIC_SOCKS_SOURCES_H

#include "runtime/socks/function.h"
#include "runtime/socks/functions/pace.h"

enum { SOURCES_MOST = 65536 };

struct sources;

struct source {
	struct source *next;          /* of the same hash */
	struct source *older, *newer; /* among those that nobody holds */
	struct wire_address who;      /* port 0 */
	uint64_t held;                /* connections; read under the table's lock */
	struct pace fresh;            /* new connections */
	struct pace ways[N_WAYS];     /* bits */
};

/* MOST 0: no limit.  FRESH NULL: no limit. */
struct source_limits {
	uint64_t most;
	const struct pace_rate *fresh;
};

enum source_answer { SOURCE_IN, SOURCE_MANY, SOURCE_FAST, SOURCE_FULL, SOURCE_MEMORY };

struct sources *sources_new(void); /* NULL: no memory */
struct sources *sources_hold(struct sources *);
void sources_drop(struct sources *); /* NULL is fine; the last one frees it */

/* One more connection of WHO; *OUT is good until sources_leave. */
enum source_answer sources_enter(struct sources *, const struct wire_address *who,
				 const struct source_limits *, uint64_t now, struct source **out);
void sources_leave(struct sources *, struct source *);
size_t sources_count(struct sources *, uint64_t *held);

/* In words, for a refusal of WHO. */
void source_answer_text(enum source_answer, const struct wire_address *who,
			const struct source_limits *, char *why, size_t room);

#endif
