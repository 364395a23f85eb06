/* A terminal drawn over and over: its alternate screen, keys, size, and the signals that end or
 * change it.  Whatever ends the program in an orderly way, the terminal is as it was before. */
#ifndef EPIC_CORE_SCREEN_H
#define EPIC_CORE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

enum screen_event {
	SCREEN_TIME,    /* nothing happened */
	SCREEN_RESIZED, /* draw again */
	SCREEN_END,     /* q, or SIGINT, SIGTERM, SIGHUP */
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_TOP
};

struct screen;

/* With DRAWS: standard output is a terminal, switched over; the keys come from standard input, if
 * that is one too.  Without: only waits and heeds signals.  The signals stay blocked until
 * screen_close.  NULL: errno says why. */
struct screen *screen_open(bool draws);
void screen_close(struct screen *); /* NULL is fine */

void screen_size(const struct screen *, size_t *width, size_t *height);
/* Shows the lines of TEXT from number FIRST on, as many as fit.  False: it cannot be written. */
bool screen_draw(struct screen *, const char *text, size_t first);
/* Waits at most MILLISECONDS. */
enum screen_event screen_wait(struct screen *, int milliseconds);
/* Whether standard output is a terminal that can do all this. */
bool screen_is_there(void);

#endif
