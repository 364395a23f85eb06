/* One client of a key broker: shaken hands with, heard, answered, closed; never waited for.  The
 * protocol is in keyring.h. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_VISIT_H
#define EPIC_SOCKS_FUNCTIONS_KEY_VISIT_H

#include "runtime/socks/functions/key_lines.h"
#include "runtime/socks/stream.h"

enum { KEY_VISIT_PATIENCE = 5000 /* ms, for all of it */, KEY_PEER_ROOM = 256 };

enum key_visit_state {
	KEY_VISIT_SHAKES,
	KEY_VISIT_ASKS,
	KEY_VISIT_ASKED,
	KEY_VISIT_HEARS,
	KEY_VISIT_OVER
};

struct key_visit {
	struct stream stream;
	bool tls;
	enum key_visit_state state;
	int64_t due; /* ms, monotonic */
	char request[sizeof(KEY_REQUEST)];
	size_t n_request, n_answer, sent;
	char answer[KEY_ANSWER_ROOM];
};

/* FD is taken over, also if it fails.  SIDE NULL: a Unix socket.  NULL: memory, or a stranger. */
struct key_visit *key_visit_open(int fd, struct tls_side *side, int64_t now);
void key_visit_close(struct key_visit *);

/* What poll is to wait for. */
short key_visit_events(const struct key_visit *);
/* As far as it goes without waiting.  KEY_VISIT_ASKED: the caller fills in answer and n_answer,
 * sets KEY_VISIT_HEARS and goes on. */
void key_visit_go(struct key_visit *);
/* The subject of its certificate; "" over a Unix socket.  False: it has none. */
bool key_visit_peer(const struct key_visit *, char peer[KEY_PEER_ROOM]);

#endif
