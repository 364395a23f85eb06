/* The thread of a key broker: its keys, where it listens, whom it serves.
 *
 * An office belongs to a directory of keys and outlasts reloads; each instance of the function is a
 * sign on its door, of which the newest counts. */
#ifndef EPIC_SOCKS_FUNCTIONS_KEY_OFFICE_H
#define EPIC_SOCKS_FUNCTIONS_KEY_OFFICE_H

#include <stdatomic.h>

#include "runtime/core/listener.h"
#include "runtime/socks/function.h"
#include "runtime/socks/functions/key_store.h"
#include "runtime/socks/stream.h"

/* A socket to listen at; signs share it. */
struct key_door {
	atomic_uint holders;
	char *text;   /* "ADDRESS:PORT" or "unix:PATH" */
	bool on_path; /* then it is LISTENER's */
	struct listener listener;
	int fd;
};

enum { KEY_DOORS = 2 };

/* What one instance says; kept by its owner until key_office_leave. */
struct key_sign {
	struct key_sign *older;
	struct key_rules rules;
	struct key_door *doors[KEY_DOORS]; /* NULL: none */
	struct tls_side *tls;
	char **clients;
	size_t n_clients;
};

struct key_office;

/* Joins the office of OLD's owner if that has the same directory, else opens one.  Doors of the
 * texts are OLD's where it has them.  OFFICE, OLD: may be NULL.  NULL: *ERROR says why, and nothing
 * has changed. */
struct key_office *key_office_enter(const struct function_site *, const char *function,
				    const char *directory, const char *const texts[KEY_DOORS],
				    struct key_sign *, struct key_office *, struct key_sign *old,
				    struct function_error *);
/* The sign's doors, side and clients are its owner's to free. */
void key_office_leave(struct key_office *, struct key_sign *);
void key_sign_free(struct key_sign *);

bool key_office_current(const struct key_office *); /* whether a key is; without a lock */
void key_office_status(struct key_office *, struct text *);
bool key_office_rotate(struct key_office *, struct text *answer);
bool key_office_revoke(struct key_office *, uint32_t id, struct text *answer);

#endif
