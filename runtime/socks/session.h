/* One client's connection, from being accepted to its end. */
#ifndef EPIC_SOCKS_SESSION_H
#define EPIC_SOCKS_SESSION_H

#include "runtime/core/text.h"
#include "runtime/socks/server.h"

struct session;

/* Takes the descriptor over. */
void session_open(struct door *, int fd, const struct sockaddr *, socklen_t);
/* A new setup is in force in the worker: ends those that it does not allow any more. */
void sessions_review(struct worker *, struct reload_facts *);
void sessions_end(struct worker *); /* all, at once */
/* Of all that are open: bytes each way so far, added. */
void sessions_bytes(const struct worker *, uint64_t bytes[N_WAYS]);
/* A line per open connection, at most MOST. */
void sessions_list(const struct worker *, struct text *, size_t most);

#endif
