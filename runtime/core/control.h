/* The control socket of a runtime: a Unix stream socket that takes commands and answers.
 *
 * A request is one line, `COMMAND [ARGUMENT]`, at most CONTROL_LINE bytes with its LF.  The answer
 * is `ok LENGTH\n` or `error LENGTH\n` and LENGTH bytes; then the next line may follow.  The socket
 * has mode 0600.  A path that another process still serves is refused; a stale one is replaced.
 * Clients that send half a line, too much, or do not read their answer hold up nobody and are
 * closed after CONTROL_PATIENCE seconds. */
#ifndef EPIC_CORE_CONTROL_H
#define EPIC_CORE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/core/text.h"

enum { CONTROL_LINE = 4096, CONTROL_CLIENTS = 64, CONTROL_PATIENCE = 10 };

struct control_command {
	const char *name; /* NULL ends the table */
	const char *summary;
	/* Fills in the answer; false: it is an error.  ARGUMENT may be "". */
	bool (*run)(void *arg, const char *argument, struct text *answer);
};

struct control;

struct control_error {
	char text[256];
};

/* NULL: *ERROR says why.  COMMANDS and ARG must outlive it.  `help` lists the commands. */
struct control *control_open(const char *path, const struct control_command *commands, void *arg,
			     struct control_error *);
/* Waits at most MILLISECONDS for something to do, and does it; returns at once when a signal
 * comes. */
void control_serve(struct control *, int milliseconds);
void control_close(struct control *); /* removes the path; NULL is fine */

/* ---- the other end ---- */

/* Connects, sends one line, reads the answer; false: *ANSWER says why, whether the server or the
 * connection did.  Takes at most SECONDS. */
bool control_ask(const char *path, const char *line, int seconds, struct text *answer);
/* Where a runtime's socket lies if nothing else is said: $XDG_RUNTIME_DIR/epic/NAME.sock, as root
 * /run/epic/NAME.sock; malloced. */
char *control_path(const char *name);

#endif
